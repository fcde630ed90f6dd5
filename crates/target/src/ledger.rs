//! The ledger: what is done, kept in the target in a schema of its own, and committed together with the deed.
//!
//! Invariant: a row of `split` is there exactly when the rows of that split are; a row of `step` with outcome `done`
//! that [`Ledger::run_step`] wrote, exactly when its statement has taken effect. There is no other record. To add a
//! column: its table in `queries/ledger_….sql`, the struct, and the functions that read and write it.

use std::time::Instant;

use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::connect::{quote_name, refused};
use crate::{Connection, ErrorKind, TargetError};

/// Where the ledger is. Cheap to make; holds no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Its schema; `mssql2pg` by default.
    pub schema: String,
}

/// A run as the target knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The identity of the run.
    pub run_id: String,
    /// A hash of everything that changes data; a run is continued only with an equal one.
    pub fingerprint: String,
    /// The version of the tool that began the run.
    pub tool_version: String,
    /// What is migrated, for people to read; without secrets.
    pub source: String,
    /// What the fingerprint is made of, so that a difference can be shown by both values.
    pub settings: serde_json::Value,
}

/// A split that is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitRow {
    /// `schema.table` of the target, quoted where needed: names may hold dots.
    pub table: String,
    /// The number of the split in its table.
    pub split: u32,
    /// Rows in the target.
    pub rows: u64,
    /// Rows that were rejected instead.
    pub rejected: u64,
    /// Bytes of COPY as sent.
    pub bytes: u64,
    /// The order-free digest of the rows as sent.
    pub digest: String,
    /// Values that were changed, counted per column, with sample keys.
    pub losses: serde_json::Value,
    /// How long it took.
    pub seconds: f64,
}

/// A statement before or after the load: a key, an index, an identity value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Its name, unique in the run.
    pub step: String,
    /// `done`, `skipped`, `failed`; `set-aside` for what is to be made again, then `restored`.
    pub outcome: String,
    /// Why it is not `done`, or what was found.
    pub message: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// What [`Ledger::begin_run`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum BeginRun {
    /// The run is new.
    Fresh,
    /// The run is there, with the same fingerprint.
    Resumed,
    /// The run is there with another fingerprint: its stored row. Nothing was changed.
    Differs(RunRow),
}

impl Default for Ledger {
    fn default() -> Self {
        Self { schema: "mssql2pg".to_owned() }
    }
}

impl Ledger {
    /// Creates the schema and its tables where they are absent. Two processes may do it at once. A schema and tables
    /// that a DBA made beforehand are enough: then the right to create is not needed.
    pub fn ensure(&self, connection: &mut Connection) -> Result<(), TargetError> {
        let failed = |error| {
            TargetError::postgres(
                format!("cannot create the ledger in schema {}", quote_name(&self.schema)),
                error,
            )
        };
        let mut transaction = connection.client.transaction().map_err(failed)?;
        let key = format!("mssql2pg ledger {}", self.schema);
        transaction
            .execute(
                "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1::text, 0))",
                &[&key],
            )
            .map_err(failed)?;
        let query = include_str!("queries/ledger_objects.sql");
        let there: Vec<String> = match transaction.query_opt(query, &[&self.schema]).map_err(failed)? {
            None => {
                transaction
                    .batch_execute(&format!("create schema {}", quote_name(&self.schema)))
                    .map_err(failed)?;
                Vec::new()
            }
            Some(row) => row.try_get(0).map_err(failed)?,
        };
        // `create table if not exists` asks for the right to create even when the table exists.
        for (name, create) in ledger_tables() {
            if !there.iter().any(|table| table == name) {
                let create = create.replace("mssql2pg.", &format!("{}.", quote_name(&self.schema)));
                transaction.batch_execute(&create).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Writes the run down, or finds it. The first of two processes wins; the other one finds its row.
    pub fn begin_run(&self, connection: &mut Connection, run: &RunRow) -> Result<BeginRun, TargetError> {
        let failed = |error| TargetError::postgres(format!("cannot write run {} down", run.run_id), error);
        let RunRow { run_id, fingerprint, tool_version, source, settings } = run;
        let insert = self.sql(
            "insert into {schema}.run (run_id, fingerprint, tool_version, source, settings) \
             values ($1, $2, $3, $4, $5::text::json) on conflict (run_id) do nothing",
        );
        let settings = settings.to_string();
        let inserted = connection
            .client
            .execute(&insert, &[run_id, fingerprint, tool_version, source, &settings])
            .map_err(failed)?;
        if inserted == 1 {
            return Ok(BeginRun::Fresh);
        }
        match self.find_run(connection, run_id)? {
            Some(stored) if stored.fingerprint == *fingerprint => Ok(BeginRun::Resumed),
            Some(stored) => Ok(BeginRun::Differs(stored)),
            // Somebody forgot the run between the two statements.
            None => Err(TargetError::new(ErrorKind::Query, format!("run {run_id} vanished from the ledger"))),
        }
    }

    /// The run, when the target knows it; `None` too when there is no ledger.
    pub fn find_run(&self, connection: &mut Connection, run_id: &str) -> Result<Option<RunRow>, TargetError> {
        let sql = "select run_id, fingerprint, tool_version, source, settings::text from {schema}.run where run_id = $1";
        let rows = self.read(connection, run_id, sql, &|row| {
            Ok(RunRow {
                run_id: row.try_get(0)?,
                fingerprint: row.try_get(1)?,
                tool_version: row.try_get(2)?,
                source: row.try_get(3)?,
                settings: json(row, 4)?,
            })
        })?;
        Ok(rows.into_iter().next())
    }

    /// The splits of a run that are loaded, by table and number; none when there is no ledger.
    pub fn splits(&self, connection: &mut Connection, run_id: &str) -> Result<Vec<SplitRow>, TargetError> {
        let sql = "select table_name, split, rows, rejected, bytes, digest, losses::text, seconds \
                   from {schema}.split where run_id = $1 order by table_name, split";
        self.read(connection, run_id, sql, &|row| {
            Ok(SplitRow {
                table: row.try_get(0)?,
                split: u32::try_from(row.try_get::<_, i64>(1)?)?,
                rows: u64::try_from(row.try_get::<_, i64>(2)?)?,
                rejected: u64::try_from(row.try_get::<_, i64>(3)?)?,
                bytes: u64::try_from(row.try_get::<_, i64>(4)?)?,
                digest: row.try_get(5)?,
                losses: json(row, 6)?,
                seconds: row.try_get(7)?,
            })
        })
    }

    /// The steps of a run, in the order in which they were recorded first; none when there is no ledger.
    pub fn steps(&self, connection: &mut Connection, run_id: &str) -> Result<Vec<StepRow>, TargetError> {
        let sql =
            "select step, outcome, message, seconds from {schema}.step where run_id = $1 order by number";
        self.read(connection, run_id, sql, &|row| {
            Ok(StepRow {
                step: row.try_get(0)?,
                outcome: row.try_get(1)?,
                message: row.try_get(2)?,
                seconds: row.try_get(3)?,
            })
        })
    }

    /// Runs the statements of a step and records it as done, in one transaction. When the target refuses, nothing is
    /// changed and nothing recorded. `sql` must be something that may run in a transaction.
    pub fn run_step(
        &self,
        connection: &mut Connection,
        run_id: &str,
        step: &str,
        sql: &str,
    ) -> Result<StepRow, TargetError> {
        let failed = |error| TargetError::postgres(refused(sql), error);
        let started = Instant::now();
        let mut transaction = connection.client.transaction().map_err(failed)?;
        transaction.batch_execute(sql).map_err(failed)?;
        let seconds = started.elapsed().as_secs_f64();
        let row = StepRow { step: step.to_owned(), outcome: "done".to_owned(), message: None, seconds };
        let recorded = |error| TargetError::postgres(format!("cannot record step {step}"), error);
        self.write_step(&mut transaction, run_id, &row).map_err(recorded)?;
        transaction.commit().map_err(recorded)?;
        Ok(row)
    }

    /// Records a step that was not run by [`Ledger::run_step`]: skipped, failed, or done by other means. What was
    /// recorded of it before is replaced.
    pub fn record_step(
        &self,
        connection: &mut Connection,
        run_id: &str,
        step: &StepRow,
    ) -> Result<(), TargetError> {
        let failed = |error| TargetError::postgres(format!("cannot record step {}", step.step), error);
        let mut transaction = connection.client.transaction().map_err(failed)?;
        self.write_step(&mut transaction, run_id, step).map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Forgets a run with its splits and steps; the tables of the migration stay as they are.
    pub fn forget_run(&self, connection: &mut Connection, run_id: &str) -> Result<(), TargetError> {
        match connection.client.execute(&self.sql("delete from {schema}.run where run_id = $1"), &[&run_id]) {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(TargetError::postgres(format!("cannot forget run {run_id}"), error)),
        }
    }

    /// Statements that make this run the owner of these tables (`schema.table`) and forget the marks that other runs
    /// have of them: to be run in the transaction that makes, empties or replaces the tables.
    pub fn claim_statements(&self, run_id: &str, tables: &[String]) -> Vec<String> {
        // The schema first: names of tables may hold anything.
        let (owner, split) = (self.sql("{schema}.owner"), self.sql("{schema}.split"));
        let run = quote_text(run_id);
        let claim = |table: &String| {
            let table = quote_text(table);
            [
                format!(
                    "insert into {owner} (table_name, run_id) values ({table}, {run}) \
                     on conflict (table_name) do update set run_id = excluded.run_id"
                ),
                format!("delete from {split} where table_name = {table} and run_id <> {run}"),
            ]
        };
        tables.iter().flat_map(claim).collect()
    }

    /// The tables (`schema.table`) that the run owns: that it made, emptied or replaced, and no other run since.
    pub fn owned_tables(
        &self,
        connection: &mut Connection,
        run_id: &str,
    ) -> Result<Vec<String>, TargetError> {
        let sql = "select table_name from {schema}.owner where run_id = $1 order by table_name";
        self.read(connection, run_id, sql, &|row| Ok(row.try_get(0)?))
    }

    /// What any run has set aside and none has restored: the run and the step.
    pub fn set_aside(&self, connection: &mut Connection) -> Result<Vec<(String, StepRow)>, TargetError> {
        let sql = "select step, outcome, message, seconds, run_id from {schema}.step \
                   where outcome = $1 order by run_id, number";
        self.read(connection, "set-aside", sql, &|row| {
            let step = StepRow {
                step: row.try_get(0)?,
                outcome: row.try_get(1)?,
                message: row.try_get(2)?,
                seconds: row.try_get(3)?,
            };
            Ok((row.try_get(4)?, step))
        })
    }

    /// A statement that forgets what stood aside of a table (quoted for SQL) that is dropped.
    pub fn forget_set_aside_statement(&self, table: &str) -> String {
        let steps = self.sql("{schema}.step");
        let prefix = quote_text(&format!("set-aside {table}."));
        format!(
            "update {steps} set outcome = 'restored' where outcome = 'set-aside' \
             and pg_catalog.starts_with(step, {prefix})"
        )
    }

    /// A statement that records a step, for use in a transaction with others.
    pub fn record_statement(&self, run_id: &str, step: &StepRow) -> String {
        let StepRow { step, outcome, message, seconds } = step;
        let message = message.as_ref().map_or("null".to_owned(), |message| quote_text(message));
        let steps = self.sql("{schema}.step");
        format!(
            "insert into {steps} (run_id, step, outcome, message, seconds) \
             values ({}, {}, {}, {message}, {seconds}) on conflict (run_id, step) do nothing",
            quote_text(run_id),
            quote_text(step),
            quote_text(outcome)
        )
    }

    /// Writes the mark of a split, in the transaction of its rows, unless another run has taken its table over.
    pub(crate) fn insert_split(
        &self,
        transaction: &mut Transaction<'_>,
        run_id: &str,
        row: &SplitRow,
    ) -> Result<(), TargetError> {
        let SplitRow { table, split, rows, rejected, bytes, digest, losses, seconds } = row;
        let context = || format!("cannot write split {split} of {table} into the ledger");
        let count = |count: &u64| {
            i64::try_from(*count).map_err(|error| TargetError::caused(ErrorKind::Query, context(), error))
        };
        let (split, rows, rejected, bytes) =
            (i64::from(*split), count(rows)?, count(rejected)?, count(bytes)?);
        let losses = losses.to_string();
        let values: [&(dyn ToSql + Sync); 9] =
            [&run_id, table, &split, &rows, &rejected, &bytes, digest, &losses, seconds];
        let insert = self.sql(
            "insert into {schema}.split (run_id, table_name, split, rows, rejected, bytes, digest, losses, seconds) \
             select $1::text, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::text::json, \
             $9::double precision from {schema}.owner where table_name = $2 and run_id = $1 for share",
        );
        match transaction.execute(&insert, &values) {
            Ok(1) => Ok(()),
            Ok(_) => Err(TargetError::new(
                ErrorKind::OtherRun,
                format!("{table} does not belong to this run: another one has replaced or emptied it"),
            )),
            Err(error) => Err(TargetError::postgres(context(), error)),
        }
    }

    /// Writes or replaces the row of a step.
    fn write_step(
        &self,
        transaction: &mut Transaction<'_>,
        run_id: &str,
        row: &StepRow,
    ) -> Result<(), postgres::Error> {
        let StepRow { step, outcome, message, seconds } = row;
        let upsert = self.sql(
            "insert into {schema}.step (run_id, step, outcome, message, seconds) values ($1, $2, $3, $4, $5) \
             on conflict (run_id, step) do update set outcome = excluded.outcome, message = excluded.message, \
             seconds = excluded.seconds, finished_at = excluded.finished_at",
        );
        transaction.execute(&upsert, &[&run_id, step, outcome, message, seconds]).map(|_| ())
    }

    /// Reads rows of a run; none when the schema or its tables are absent.
    fn read<T>(
        &self,
        connection: &mut Connection,
        run_id: &str,
        sql: &str,
        make: &dyn Fn(&Row) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, TargetError> {
        let context =
            || format!("cannot read run {run_id} from the ledger in schema {}", quote_name(&self.schema));
        let rows = match connection.client.query(&self.sql(sql), &[&run_id]) {
            Ok(rows) => rows,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(TargetError::postgres(context(), error)),
        };
        let made: Result<Vec<T>, _> = rows.iter().map(make).collect();
        made.map_err(|error| TargetError { kind: ErrorKind::Query, context: context(), source: Some(error) })
    }

    /// A statement with the schema's name in it.
    fn sql(&self, text: &str) -> String {
        text.replace("{schema}", &quote_name(&self.schema))
    }
}

/// Takes a lock by name for as long as the connection lives; `false` when another session of this database has it,
/// so that two processes do not migrate into one database at once.
pub fn lock_run(connection: &mut Connection, name: &str) -> Result<bool, TargetError> {
    let key = format!("mssql2pg run {name}");
    let sql = "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1::text, 0))";
    connection
        .client
        .query_one(sql, &[&key])
        .and_then(|row| row.try_get(0))
        .map_err(|error| TargetError::postgres(format!("cannot lock {name}"), error))
}

/// A text as a literal, whatever it holds and whatever `standard_conforming_strings` is.
fn quote_text(text: &str) -> String {
    format!("e'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The ledger's tables with their statements, as they run in `psql` for the default schema.
fn ledger_tables() -> [(&'static str, &'static str); 4] {
    [
        ("run", include_str!("queries/ledger_run.sql")),
        ("split", include_str!("queries/ledger_split.sql")),
        ("step", include_str!("queries/ledger_step.sql")),
        ("owner", include_str!("queries/ledger_owner.sql")),
    ]
}

/// Whether the schema or the table is not there.
fn is_absent(error: &postgres::Error) -> bool {
    matches!(error.code(), Some(code) if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME)
}

/// Why a row of the ledger cannot be read: another type, a negative count, text that is not JSON.
type Unreadable = Box<dyn std::error::Error + Send + Sync>;

/// A JSON column that was selected as text.
fn json(row: &Row, column: usize) -> Result<serde_json::Value, Unreadable> {
    Ok(serde_json::from_str(&row.try_get::<_, String>(column)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tables_may_hold_anything() {
        let ledger = Ledger { schema: "my ledger".to_owned() };
        let statements =
            ledger.claim_statements("r", &[r#"public."{schema}'s \ table""#.to_owned()]).join("; ");
        assert!(
            statements.contains(r#"e'public."{schema}''s \\ table"'"#.replace(r"\'\'", "''").as_str()),
            "{statements}"
        );
        assert_eq!(statements.matches("\"my ledger\".").count(), 2, "{statements}");
    }
}

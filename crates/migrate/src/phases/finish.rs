//! Finish: keys, indexes, foreign keys, checks, comments, identity values and statistics, once all
//! rows are in.
//!
//! Each statement commits together with its ledger row, so a run that was stopped goes on at the
//! next one. A constraint that the data break stays `not valid` and becomes a finding: no row is
//! ever deleted to please a constraint.

use super::Context;
use super::workers::work_off;
use crate::checks::validate::does_the_same;
use crate::error::Error;
use crate::run::SetAside;
use crate::target_server::TargetServer;
use mssql2pg_catalog::{Finding, Severity};
use mssql2pg_mapping::ddl::Statement;
use mssql2pg_mapping::names::{quote, quote_literal};
use mssql2pg_mapping::plan::{ColumnPlan, ForeignKeyPlan};
use mssql2pg_mapping::{DatabasePlan, TablePlan, ddl};
use mssql2pg_target::catalog::{count_orphans, index_is_on, sequence_state, set_identity};
use mssql2pg_target::{Connection, ErrorKind, StepRow, TargetError};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many keys of orphaned rows a finding names.
const SAMPLE_KEYS: u32 = 10;

/// Runs every statement that the ledger has no mark of, and collects the findings of all.
///
/// # Errors
/// When the target cannot go on: the connection is lost for good, its disk is full …
pub fn finish(context: Context<'_>, server: &TargetServer, plan: &DatabasePlan) -> Result<(), Error> {
    let steps = ledger_steps(context, server)?;
    let is_done = steps.get("finish").is_some_and(|step| step.outcome == "done");
    // What failed is tried again: the reason may be gone.
    if is_done && !steps.values().any(|step| step.outcome == "failed") {
        return Ok(());
    }
    context.timed("finish", || {
        let major = server.info().major();
        let work = Finish { context, server, plan, steps, findings: Mutex::new(Vec::new()) };
        // A table's own statements one after another, tables side by side.
        let per_table = |statements: fn(&TablePlan, u32) -> Vec<Statement>| {
            plan.tables.iter().map(|table| (table, statements(table, major))).collect::<Vec<_>>()
        };
        work.run_all(per_table(|table, major| {
            let mut statements: Vec<Statement> = ddl::primary_key(table).into_iter().collect();
            statements.extend(ddl::unique(table, major));
            statements.extend(ddl::indexes(table, major));
            statements.extend(checks(table));
            statements.extend(ddl::comments(table));
            statements
        }))?;
        // The target's own foreign keys first: what they say stays as it was.
        work.restore_set_aside(plan)?;
        // Two tables are locked by each of these, so one after another.
        let mut foreign_keys = per_table(|table, _| ddl::foreign_keys_not_valid(table));
        work.leave_out_known_foreign_keys(&mut foreign_keys, true)?;
        work.run_all_alone(foreign_keys)?;
        let mut validations = per_table(|table, _| ddl::validate_foreign_keys(table));
        work.leave_out_known_foreign_keys(&mut validations, false)?;
        work.run_all(validations)?;
        work.set_identities(plan)?;
        work.set_sequences(plan)?;
        work.run_all(per_table(|table, _| {
            vec![Statement {
                step: format!("analyze {}", table.sql_name()),
                object: table.source.to_string(),
                sql: format!("analyze {}", table.sql_name()),
            }]
        }))?;
        work.explain_broken_foreign_keys(plan)?;
        work.note_null_uniqueness(plan, major);
        let findings = work.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        context.run.put_findings("finish", findings)?;
        let mut connection = server.connect()?;
        let row =
            StepRow { step: "finish".to_owned(), outcome: "done".to_owned(), message: None, seconds: 0.0 };
        server
            .ledger()
            .record_step(&mut connection, &context.run.identity().run_id, &row)
            .map_err(Error::target("cannot write the ledger"))
    })
}

fn ledger_steps(context: Context<'_>, server: &TargetServer) -> Result<HashMap<String, StepRow>, Error> {
    let mut connection = server.connect()?;
    let steps = server
        .ledger()
        .steps(&mut connection, &context.run.identity().run_id)
        .map_err(Error::target("cannot read the ledger"))?;
    Ok(steps.into_iter().map(|step| (step.step.clone(), step)).collect())
}

struct Finish<'a> {
    context: Context<'a>,
    server: &'a TargetServer,
    plan: &'a DatabasePlan,
    steps: HashMap<String, StepRow>,
    findings: Mutex<Vec<Finding>>,
}

impl Finish<'_> {
    fn run_all(&self, tables: Vec<(&TablePlan, Vec<Statement>)>) -> Result<(), Error> {
        self.run_with(self.context.config.load.workers(), tables)
    }

    fn run_all_alone(&self, tables: Vec<(&TablePlan, Vec<Statement>)>) -> Result<(), Error> {
        self.run_with(1, tables)
    }

    fn run_with(&self, workers: usize, mut tables: Vec<(&TablePlan, Vec<Statement>)>) -> Result<(), Error> {
        tables.retain(|(_, statements)| !statements.is_empty());
        let begin = || self.server.connect();
        work_off(workers, tables, self.context.interrupt, begin, |connection, (_, statements), halt| {
            for statement in &statements {
                if halt.is_set() {
                    return Ok(());
                }
                self.run(connection, statement)?;
            }
            Ok(())
        })
    }

    fn run_id(&self) -> &str {
        &self.context.run.identity().run_id
    }

    /// Runs one statement unless the ledger has it. What the data or the types forbid is recorded as
    /// failed and becomes a finding; everything else stops us.
    fn run(&self, connection: &mut Connection, statement: &Statement) -> Result<(), Error> {
        match self.steps.get(&statement.step).map(|step| step.outcome.as_str()) {
            None | Some("failed") => {}
            Some("skipped") => {
                self.note_kept(statement);
                return Ok(());
            }
            Some(_) => return Ok(()),
        }
        let ledger = self.server.ledger();
        let mut tries = 0;
        let error = loop {
            match ledger.run_step(connection, self.run_id(), &statement.step, &statement.sql) {
                Ok(_) => return Ok(()),
                Err(error) if is_passing(&error) && tries < PASSING_TRIES => {
                    tries += 1;
                    std::thread::sleep(PASSING_WAIT * tries);
                }
                Err(error) => break error,
            }
        };
        if !is_about_the_object(&error) {
            return Err(Error::target(format!("cannot finish {} ({})", statement.object, statement.step))(
                error,
            ));
        }
        let message = error.source.as_ref().map_or_else(|| error.context.clone(), ToString::to_string);
        let record = |connection: &mut Connection, outcome: &str| {
            let row = StepRow {
                step: statement.step.clone(),
                outcome: outcome.to_owned(),
                message: Some(message.clone()),
                seconds: 0.0,
            };
            ledger
                .record_step(connection, self.run_id(), &row)
                .map_err(Error::target("cannot write the ledger"))
        };
        if is_there_already(&error) && self.is_on_its_table(connection, statement)? {
            // A table that was emptied and kept has it already.
            self.note_kept(statement);
            return record(connection, "skipped");
        }
        record(connection, "failed")?;
        self.note_failure(statement, &message);
        Ok(())
    }

    /// Whether an index or key that is there already is on the table that it was meant for; its name
    /// may be taken by one of another table.
    fn is_on_its_table(&self, connection: &mut Connection, statement: &Statement) -> Result<bool, Error> {
        let named = |table: &TablePlan, kind: &str, name: &str| {
            statement.step.starts_with(kind)
                && (statement.object == format!("{}.{name}", table.sql_name())
                    || statement.step == format!("{kind} {}", table.sql_name()))
        };
        for table in &self.plan.tables {
            let index = table.indexes.iter().find(|index| statement.step == ddl::index_step(table, index));
            let unique = table.unique.iter().find(|key| named(table, "unique", &key.name));
            let primary = table.primary_key.as_ref().filter(|key| named(table, "primary-key", &key.name));
            let name = index.map(|index| &index.name).or_else(|| unique.or(primary).map(|key| &key.name));
            if let Some(name) = name {
                let failed = Error::target(format!("cannot look at {}", table.sql_name()));
                let is_on = index_is_on(connection, &table.schema, &table.name, name).map_err(failed)?;
                // Another primary key, whatever its name, is judged by validation.
                return Ok(is_on || (primary.is_some() && has_primary_key(connection, table)?));
            }
        }
        Ok(true)
    }

    /// An index or check that was kept may be another one than planned; validation compares keys only.
    fn note_kept(&self, statement: &Statement) {
        if statement.step.starts_with("index ") || statement.step.starts_with("check ") {
            self.note(Finding::new(
                "kept-as-it-is",
                Severity::Warning,
                self.source_object(statement),
                "the target has one of that name already, which was kept",
                "compare it with the statement in schema/",
            ));
        }
    }

    /// A kept table's own foreign key over the same columns to the same table is there in place of the planned one; that
    /// it does something else on delete or update is told.
    fn leave_out_known_foreign_keys(
        &self,
        statements: &mut [(&TablePlan, Vec<Statement>)],
        tells: bool,
    ) -> Result<(), Error> {
        let mut connection = self.server.connect()?;
        for (table, statements) in statements.iter_mut().filter(|(_, statements)| !statements.is_empty()) {
            let known = mssql2pg_target::catalog::constraints(&mut connection, &table.schema, &table.name)
                .map_err(Error::target(format!("cannot look at {}", table.sql_name())))?;
            for key in &table.foreign_keys {
                let referenced = (key.referenced_schema.clone(), key.referenced_table.clone());
                let own = known.iter().filter(|known| {
                    known.kind == 'f'
                        && known.columns == key.columns
                        && known.referenced.as_ref() == Some(&referenced)
                        && known.referenced_columns == key.referenced_columns
                });
                let own: Vec<_> = own.collect();
                if own.is_empty() || known.iter().any(|known| known.name == key.name) {
                    continue;
                }
                let object = format!("{}.{}", table.sql_name(), key.name);
                statements.retain(|statement| statement.object != object);
                if tells && !own.iter().any(|known| does_the_same(known, key)) {
                    self.note(Finding::new(
                        "kept-as-it-is",
                        Severity::Warning,
                        format!("{}.{}", table.source, key.source),
                        "the target's own foreign key over these columns was kept, and it does something else on delete or update",
                        "compare it with the statement in schema/",
                    ));
                }
            }
        }
        Ok(())
    }

    fn note_failure(&self, statement: &Statement, message: &str) {
        // A foreign key that cannot be validated is explained with counts later on.
        if statement.step.starts_with("validate-foreign-key ") {
            return;
        }
        let kind = statement.step.split_once(' ').map_or(statement.step.as_str(), |(kind, _)| kind);
        let (code, severity, message, advice) = match kind {
            "check" | "validate-check" => (
                "check-not-valid".to_owned(),
                Severity::Warning,
                format!(
                    "rows break the check, which stays not valid and guards new rows only; PostgreSQL says: {message}"
                ),
                "PostgreSQL compares text with regard to case; mend the rows or the check, then run: alter table … validate constraint …",
            ),
            "sequence" => (
                "sequence-not-set".to_owned(),
                Severity::Blocker,
                format!("it would give out numbers again; PostgreSQL says: {message}"),
                "widen the sequence's bounds, then run the same command again",
            ),
            "primary-key" | "unique" => (
                format!("{kind}-not-created"),
                Severity::Blocker,
                format!("PostgreSQL says: {message}"),
                "mend the rows at the source and load again; a key must hold",
            ),
            _ => (
                format!("{kind}-not-created"),
                Severity::Warning,
                format!("PostgreSQL says: {message}"),
                "mend the statement in schema/ and run it by hand",
            ),
        };
        self.note(Finding::new(&code, severity, self.source_object(statement), message, advice));
    }

    /// What a statement is about, by the source's names where it has one: findings speak these.
    fn source_object(&self, statement: &Statement) -> String {
        for table in &self.plan.tables {
            let place = table.sql_name();
            let checks = table.checks.iter().map(|check| (&check.name, &check.source));
            let keys = table.unique.iter().chain(&table.primary_key).map(|key| (&key.name, &key.source));
            let foreign = table.foreign_keys.iter().map(|key| (&key.name, &key.source));
            let named = checks
                .chain(keys)
                .chain(foreign)
                .find(|(name, _)| statement.object == format!("{place}.{name}"));
            let index = || table.indexes.iter().find(|index| statement.step == ddl::index_step(table, index));
            if let Some(source) =
                named.map(|(_, source)| source).or_else(|| index().map(|index| &index.source))
            {
                return format!("{}.{source}", table.source);
            }
        }
        statement.object.clone()
    }

    /// Before PostgreSQL 15 a unique key takes any number of NULLs; SQL Server takes one.
    fn note_null_uniqueness(&self, plan: &DatabasePlan, major: u32) {
        if major >= 15 {
            return;
        }
        for table in &plan.tables {
            let keys = table.unique.iter().filter(|key| key.nulls_not_distinct).map(|key| &key.source);
            let indexes =
                table.indexes.iter().filter(|index| index.nulls_not_distinct).map(|index| &index.source);
            for name in keys.chain(indexes) {
                self.note(Finding::new(
                    "null-uniqueness",
                    Severity::Warning,
                    format!("{}.{name}", table.source),
                    "the key took one NULL in SQL Server; this PostgreSQL takes any number",
                    "use PostgreSQL 15 or later, which has NULLS NOT DISTINCT",
                ));
            }
        }
    }

    fn note(&self, finding: Finding) {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).push(finding);
    }

    /// Makes the foreign keys again that this or an abandoned run set aside from the plan's tables,
    /// unless the plan has made one of that name.
    fn restore_set_aside(&self, plan: &DatabasePlan) -> Result<(), Error> {
        let mut connection = self.server.connect()?;
        let ledger = self.server.ledger();
        let aside = ledger.set_aside(&mut connection).map_err(Error::target("cannot read the ledger"))?;
        for (run_id, step) in aside {
            let text = step.message.as_deref().unwrap_or_default();
            let key: SetAside = serde_json::from_str(text).map_err(|source| Error::Format {
                context: format!("cannot read the ledger's {}", step.step),
                source,
            })?;
            let Some(table) = plan.tables.iter().find(|table| table.sql_name() == key.table) else {
                continue;
            };
            self.restore(&mut connection, &key)?;
            let there = mssql2pg_target::catalog::constraints(&mut connection, &table.schema, &table.name)
                .map_err(Error::target(format!("cannot look at {}", key.table)))?;
            if !there.iter().any(|constraint| constraint.name == key.name) {
                // It stays set aside, and is tried again by the next run.
                continue;
            }
            let restored = StepRow { outcome: "restored".to_owned(), ..step };
            ledger
                .record_step(&mut connection, &run_id, &restored)
                .map_err(Error::target("cannot write the ledger"))?;
        }
        Ok(())
    }

    fn restore(&self, connection: &mut Connection, key: &SetAside) -> Result<(), Error> {
        let (table, name) = (&key.table, quote(&key.name));
        let statement = |step: &str, sql: String| Statement {
            step: format!("{step} {table}.{name}"),
            object: format!("{table}.{name}"),
            sql,
        };
        let add = format!("alter table {table} add constraint {name} {} not valid", key.definition);
        self.run(connection, &statement("restore-foreign-key", add))?;
        if key.validated {
            let validate = format!("alter table {table} validate constraint {name}");
            self.run(connection, &statement("restore-validation", validate))?;
        }
        Ok(())
    }

    fn set_identities(&self, plan: &DatabasePlan) -> Result<(), Error> {
        let mut connection = self.server.connect()?;
        for table in &plan.tables {
            for column in &table.columns {
                let Some(identity) = &column.identity else { continue };
                let context = || format!("cannot set the identity of {}.{}", table.source, column.source);
                let set = |connection: &mut Connection| {
                    let (schema, name) = (&table.schema, &table.name);
                    set_identity(
                        connection,
                        schema,
                        name,
                        &column.name,
                        identity.last_value,
                        identity.increment,
                    )
                };
                match set(&mut connection) {
                    Ok(_) => {}
                    Err(error) if error.kind == ErrorKind::Data => {
                        // Rows lie beyond PostgreSQL's default bounds of a sequence: 1 and up, or -1 and down.
                        connection
                            .batch(&widen_identity(table, column))
                            .and_then(|()| set(&mut connection))
                            .map_err(Error::target(context()))?;
                    }
                    Err(error) => return Err(Error::target(context())(error)),
                }
            }
        }
        Ok(())
    }

    /// Sets every sequence to the last value that the source gave out, but never behind where it stands.
    fn set_sequences(&self, plan: &DatabasePlan) -> Result<(), Error> {
        let mut connection = self.server.connect()?;
        for sequence in &plan.sequences {
            let Some(last) = sequence.last_value else { continue };
            let name = format!("{}.{}", quote(&sequence.schema), quote(&sequence.name));
            let (stands_at, is_called, increment) =
                sequence_state(&mut connection, &sequence.schema, &sequence.name)
                    .map_err(Error::target(format!("cannot look at the sequence {name}")))?;
            let is_ahead = is_called && if increment < 0 { stands_at <= last } else { stands_at >= last };
            if is_ahead {
                continue;
            }
            let statement = Statement {
                step: format!("sequence {name}"),
                object: sequence.source.to_string(),
                sql: format!("select setval({}, {last})", quote_literal(&name)),
            };
            self.run(&mut connection, &statement)?;
        }
        Ok(())
    }

    /// Counts the orphans of every foreign key that PostgreSQL could not validate.
    fn explain_broken_foreign_keys(&self, plan: &DatabasePlan) -> Result<(), Error> {
        let mut connection = self.server.connect()?;
        for table in &plan.tables {
            let constraints =
                mssql2pg_target::catalog::constraints(&mut connection, &table.schema, &table.name)
                    .map_err(Error::target(format!("cannot look at {}", table.sql_name())))?;
            for key in &table.foreign_keys {
                if constraints.iter().any(|known| known.name == key.name && !known.validated) {
                    self.explain(&mut connection, plan, table, key)?;
                }
            }
        }
        Ok(())
    }

    fn explain(
        &self,
        connection: &mut Connection,
        plan: &DatabasePlan,
        table: &TablePlan,
        key: &ForeignKeyPlan,
    ) -> Result<(), Error> {
        let referenced = format!("{}.{}", quote(&key.referenced_schema), quote(&key.referenced_table));
        let key_columns = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
        let (count, samples) = count_orphans(
            connection,
            &table.sql_name(),
            &key.columns,
            &referenced,
            &key.referenced_columns,
            SAMPLE_KEYS,
            &key_columns,
        )
        .map_err(Error::target(format!("cannot count the orphans of {}.{}", table.source, key.source)))?;
        let source_names = |columns: &[String]| -> Vec<String> {
            let source = |name: &String| {
                let column = table.columns.iter().find(|column| column.name == *name);
                column.map_or_else(|| name.clone(), |column| column.source.clone())
            };
            columns.iter().map(source).collect()
        };
        if count == 0 {
            // It could not be validated for a reason that has passed.
            let name = quote(&key.name);
            return connection
                .batch(&format!("alter table {} validate constraint {name}", table.sql_name()))
                .map_err(Error::target(format!("cannot validate {}.{}", table.source, key.source)));
        }
        let parent = plan
            .tables
            .iter()
            .find(|other| other.schema == key.referenced_schema && other.name == key.referenced_table);
        let parent = parent.map_or_else(|| referenced.clone(), |parent| parent.source.to_string());
        let splits = self.server.ledger().splits(connection, self.run_id());
        let splits = splits.map_err(Error::target("cannot read the ledger"))?;
        let rejected: u64 =
            splits.iter().filter(|split| split.table == referenced).map(|split| split.rejected).sum();
        let distrust = match (key.trusted, rejected) {
            (true, 0) => "the source claims to have checked it".to_owned(),
            (true, rejected) => format!("{rejected} rows of {parent} were rejected, which explains it"),
            (false, _) => "the source does not trust it either".to_owned(),
        };
        let mut finding = Finding::new(
            "orphaned-foreign-key",
            if key.trusted { Severity::Blocker } else { Severity::Warning },
            format!("{}.{}", table.source, key.source),
            format!(
                "rows whose {} is not in {parent}; the foreign key stays not valid, and {distrust}",
                source_names(&key.columns).join(", ")
            ),
            "mend the rows, then run: alter table … validate constraint …; new rows are checked already",
        );
        finding.count = Some(count);
        if self.context.names_keys() {
            finding.samples = samples.iter().map(|sample| rename_keys(sample, table)).collect();
        }
        self.note(finding);
        Ok(())
    }
}

/// Every check is added first and validated next, so that one that old rows break still guards new ones.
fn checks(table: &TablePlan) -> Vec<Statement> {
    let mut distrusted = table.clone();
    distrusted.checks.iter_mut().for_each(|check| check.trusted = false);
    ddl::checks(&distrusted)
}

/// Lets an identity run over the whole range of its type.
fn widen_identity(table: &TablePlan, column: &ColumnPlan) -> String {
    let (least, most) = match column.pg_type.as_str() {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let column = quote(&column.name);
    format!("alter table {} alter column {column} set minvalue {least} set maxvalue {most}", table.sql_name())
}

/// `orderid=7, line=2` → `OrderID=7, Line=2`: findings speak the source's names.
fn rename_keys(sample: &str, table: &TablePlan) -> String {
    let rename = |part: &str| {
        let Some((name, value)) = part.split_once('=') else { return part.to_owned() };
        let column = table.columns.iter().find(|column| column.name == name);
        format!("{}={value}", column.map_or(name, |column| column.source.as_str()))
    };
    sample.split(", ").map(rename).collect::<Vec<_>>().join(", ")
}

/// Whether PostgreSQL says that it is there: by name, or as "multiple primary keys" (42P16).
fn is_there_already(error: &TargetError) -> bool {
    error.kind == ErrorKind::Exists || error.server().is_some_and(|server| server.code == "42P16")
}

/// Whether the statement itself is at fault, and the next one may still succeed.
fn is_about_the_object(error: &TargetError) -> bool {
    match error.kind {
        ErrorKind::Constraint | ErrorKind::Data | ErrorKind::Exists => true,
        // Syntax and names (42), features (0A), dependent objects (2B), limits such as an index row's
        // size (54), and what functions raise (P0). Not deadlocks, locks or the server's own trouble.
        ErrorKind::Query => error.server().is_some_and(|server| {
            ["42", "0A", "2B", "54", "P0"].iter().any(|class| server.code.starts_with(class))
        }),
        _ => false,
    }
}

/// Whether the same statement may succeed in a moment: a deadlock, a serialization failure, a lock
/// that was not to be had.
fn is_passing(error: &TargetError) -> bool {
    error.server().is_some_and(|server| matches!(server.code.as_str(), "40P01" | "40001" | "55P03"))
}

/// How often and how long to wait for what passes.
const PASSING_TRIES: u32 = 5;
const PASSING_WAIT: Duration = Duration::from_millis(300);

fn has_primary_key(connection: &mut Connection, table: &TablePlan) -> Result<bool, Error> {
    let constraints = mssql2pg_target::catalog::constraints(connection, &table.schema, &table.name)
        .map_err(Error::target(format!("cannot look at {}", table.sql_name())))?;
    Ok(constraints.iter().any(|constraint| constraint.kind == 'p'))
}

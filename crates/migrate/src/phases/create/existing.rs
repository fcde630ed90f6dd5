//! Tables and sequences of the plan that are there before the run has made them.
//!
//! Invariant: with `--if-exists fail` nothing that is there is touched. A kept table keeps its own
//! keys, indexes and foreign keys; what must stand aside for the load is recorded in the ledger, in
//! the transaction that sets it aside.

use super::{Context, Making, tables_there};
use crate::checks::validate::same_type;
use crate::config::IfExists;
use crate::error::Error;
use crate::run::SetAside;
use crate::target_server::TargetServer;
use mssql2pg_mapping::names::quote;
use mssql2pg_mapping::plan::SequencePlan;
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_target::catalog::{columns, constraints, existing_sequences, sequence_state, user_triggers};
use mssql2pg_target::{Connection, ErrorKind, StepRow, TargetError};

type Names = Vec<(String, String)>;

/// What is there, and what the settings want of it.
pub(super) struct Existing {
    if_exists: IfExists,
    tables: Names,
    sequences: Names,
    aside: Vec<SetAside>,
}

impl Existing {
    /// Looks; with `fail` anything that is there is an error, with `truncate` whatever does not fit.
    pub(super) fn look(
        context: Context<'_>,
        plan: &DatabasePlan,
        connection: &mut Connection,
    ) -> Result<Self, Error> {
        let sequences: Names =
            plan.sequences.iter().map(|sequence| (sequence.schema.clone(), sequence.name.clone())).collect();
        let mut existing = Self {
            if_exists: context.config.target.if_exists,
            tables: tables_there(plan, connection)?,
            sequences: existing_sequences(connection, &sequences)
                .map_err(Error::target("cannot look for sequences"))?,
            aside: Vec::new(),
        };
        match existing.if_exists {
            IfExists::Fail => existing.refuse(),
            IfExists::Replace => Ok(existing),
            IfExists::Truncate => {
                for table in &plan.tables {
                    if existing.keeps_table(&table.schema, &table.name) {
                        check_fits(table, connection)?;
                        existing.aside.extend(foreign_keys(table, connection)?);
                    }
                }
                for sequence in &plan.sequences {
                    if existing.keeps_sequence(&sequence.schema, &sequence.name) {
                        check_sequence_fits(sequence, connection)?;
                    }
                }
                Ok(existing)
            }
        }
    }

    fn refuse(self) -> Result<Self, Error> {
        if self.tables.is_empty() && self.sequences.is_empty() {
            return Ok(self);
        }
        let (tables, sequences) = (list(&self.tables), list(&self.sequences));
        let found = match (self.tables.len(), self.sequences.len()) {
            (0, count) => format!("{count} of the plan's sequences are there already: {sequences}"),
            (count, 0) => format!("{count} of the plan's tables are there already: {tables}"),
            _ => format!("some of the plan's tables and sequences are there already: {tables}, {sequences}"),
        };
        Err(Error::target("cannot create the tables")(TargetError::new(ErrorKind::Exists, found)))
    }

    /// What empties or drops them, and records what stands aside.
    pub(super) fn statements(
        &self,
        context: Context<'_>,
        server: &TargetServer,
    ) -> Result<Vec<Making>, Error> {
        let mut statements = Vec::new();
        let (tables, sequences) = (list(&self.tables), list(&self.sequences));
        match self.if_exists {
            IfExists::Fail => {}
            IfExists::Replace => {
                // In one statement, so that foreign keys among them are no obstacle.
                if !self.tables.is_empty() {
                    statements.push(Making::new("the tables that are there", format!("drop table {tables}")));
                }
                for (schema, name) in &self.tables {
                    // What stood aside of a table goes with it.
                    let table = format!("{}.{}", quote(schema), quote(name));
                    let sql = server.ledger().forget_set_aside_statement(&table);
                    statements.push(Making::new(table, sql));
                }
                if !self.sequences.is_empty() {
                    let sql = format!("drop sequence {sequences}");
                    statements.push(Making::new("the sequences that are there", sql));
                }
            }
            IfExists::Truncate => {
                for key in &self.aside {
                    let object = format!("{}.{}", key.table, key.name);
                    let message = serde_json::to_string(key).map_err(|source| Error::Format {
                        context: format!("cannot set {object} aside"),
                        source,
                    })?;
                    let step = StepRow {
                        step: format!("set-aside {object}"),
                        outcome: "set-aside".to_owned(),
                        message: Some(message),
                        seconds: 0.0,
                    };
                    let run_id = &context.run.identity().run_id;
                    let drop = format!("alter table {} drop constraint {}", key.table, quote(&key.name));
                    statements.push(Making::new(&object, drop));
                    statements.push(Making::new(&object, server.ledger().record_statement(run_id, &step)));
                }
                if !self.tables.is_empty() {
                    statements.push(Making::new("the tables that are there", format!("truncate {tables}")));
                }
            }
        }
        Ok(statements)
    }

    pub(super) fn keeps_table(&self, schema: &str, name: &str) -> bool {
        self.if_exists == IfExists::Truncate && holds(&self.tables, schema, name)
    }

    pub(super) fn keeps_sequence(&self, schema: &str, name: &str) -> bool {
        self.if_exists == IfExists::Truncate && holds(&self.sequences, schema, name)
    }
}

fn holds(names: &Names, schema: &str, name: &str) -> bool {
    names.iter().any(|(known_schema, known)| known_schema == schema && known == name)
}

fn list(names: &Names) -> String {
    let quoted = |(schema, name): &(String, String)| format!("{}.{}", quote(schema), quote(name));
    names.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A table that is emptied and kept must have the plan's columns, and nothing that acts on rows.
fn check_fits(table: &TablePlan, connection: &mut Connection) -> Result<(), Error> {
    let failed = || Error::target(format!("cannot look at {}", table.sql_name()));
    let found = columns(connection, &table.schema, &table.name).map_err(failed())?;
    for planned in table.copy_columns() {
        let column = found.iter().find(|column| column.name == planned.name);
        let type_text = column.map(|column| column.type_text.as_str());
        let name = format!("{}.{}", table.sql_name(), quote(&planned.name));
        if !type_text.is_some_and(|found| same_type(found, &planned.pg_type)) {
            let found = type_text.unwrap_or("missing");
            return Err(does_not_fit(format!(
                "{name} is {found} in the target, and {} in the plan",
                planned.pg_type
            )));
        }
        let Some(identity) = &planned.identity else { continue };
        if !column.is_some_and(|column| column.identity) {
            return Err(does_not_fit(format!("{name} is an identity in the plan, and none in the target")));
        }
        let step = identity_increment(table, &planned.name, connection)?;
        if step != Some(identity.increment) {
            return Err(does_not_fit(format!(
                "{name} steps by {} in the target, and by {} in the plan",
                step.map_or("an unknown number".to_owned(), |step| step.to_string()),
                identity.increment
            )));
        }
    }
    let triggers = user_triggers(connection, &table.schema, &table.name).map_err(failed())?;
    if triggers.is_empty() {
        return Ok(());
    }
    Err(Error::config(
        format!("{} has triggers that would fire for every row: {}", table.sql_name(), triggers.join(", ")),
        "disable them for the load (alter table … disable trigger …) and enable them afterwards, or choose --if-exists replace",
    ))
}

fn check_sequence_fits(sequence: &SequencePlan, connection: &mut Connection) -> Result<(), Error> {
    let name = format!("{}.{}", quote(&sequence.schema), quote(&sequence.name));
    let (_, _, increment) = sequence_state(connection, &sequence.schema, &sequence.name)
        .map_err(Error::target(format!("cannot look at the sequence {name}")))?;
    match increment == sequence.increment {
        true => Ok(()),
        false => Err(does_not_fit(format!(
            "the sequence {name} steps by {increment} in the target, and by {} in the plan",
            sequence.increment
        ))),
    }
}

fn identity_increment(
    table: &TablePlan,
    column: &str,
    connection: &mut Connection,
) -> Result<Option<i64>, Error> {
    let what = || format!("cannot look at the identity of {}", table.sql_name());
    connection
        .client()
        .query_opt(
            "select s.seqincrement from pg_catalog.pg_sequence as s \
             where s.seqrelid = pg_catalog.pg_get_serial_sequence($1, $2)::pg_catalog.regclass",
            &[&table.sql_name(), &column],
        )
        .and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(|error| Error::target(what())(TargetError::postgres(what(), error)))
}

fn does_not_fit(message: String) -> Error {
    Error::config(message, "change the table, choose --if-exists replace, or choose the type in [columns]")
}

/// Foreign keys would refuse rows that come before the rows they point to.
fn foreign_keys(table: &TablePlan, connection: &mut Connection) -> Result<Vec<SetAside>, Error> {
    let constraints = constraints(connection, &table.schema, &table.name)
        .map_err(Error::target(format!("cannot look at {}", table.sql_name())))?;
    let foreign = constraints.into_iter().filter(|constraint| constraint.kind == 'f');
    Ok(foreign
        .map(|constraint| SetAside {
            table: table.sql_name(),
            name: constraint.name,
            definition: constraint.definition.trim_end_matches(" NOT VALID").to_owned(),
            validated: constraint.validated,
        })
        .collect())
}

//! Catalog and settings become a plan.
//!
//! Invariant: pure, and total: every object of the catalog is in the plan, among the findings, or
//! in `unconverted` with its reason. Only settings that name what does not exist are an error.
//!
//! The files: `choices` checks the settings, `schemas` names schemas, tables and sequences, `columns` plans
//! columns, `keys` keys and indexes, `references` foreign keys and checks, `inventory` lists the rest.
//!
//! To extend: a new kind of object gets a file and a call in [`plan_database`]; a new finding gets a line in
//! [`FINDING_CODES`].

mod choices;
mod columns;
mod inventory;
mod keys;
mod references;
mod schemas;

use crate::code::{ColumnContext, DatabaseContext};
use crate::names::Scope;
use crate::plan::{ColumnPlan, DatabasePlan, PLAN_FORMAT, TablePlan, Unconverted};
use crate::settings::MappingSettings;
use mssql2pg_catalog::{Catalog, Finding, Table};
use std::collections::BTreeMap;
use std::fmt;

/// Settings that name what does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// What is wrong: lower case, no period.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PlanError {}

/// Every code of a finding that planning can give, and what it means.
pub static FINDING_CODES: &[(&str, &str)] = &[
    (
        "case-insensitive-collation",
        "Text compares without regard to case in SQL Server, and with it in PostgreSQL.",
    ),
    ("column-set", "The table has an XML column set, which PostgreSQL does not know."),
    ("computed-column-left-out", "A computed column's expression is not converted; the column is left out."),
    ("encrypted-column", "The column is Always Encrypted: the source delivers ciphertext."),
    ("extended-properties", "Extended properties other than descriptions are not carried over."),
    ("external-table", "The table's rows are not in this database."),
    ("graph-table", "The table is a node or edge of a graph; its hidden columns are ordinary ones here."),
    ("history-table", "The table holds the history of a system-versioned table."),
    ("identifier-collision", "Two names became one after folding; one was changed."),
    ("identifier-shortened", "A name is longer than PostgreSQL's 63 bytes and was cut."),
    ("identity-left-out", "An identity cannot be an identity in PostgreSQL."),
    (
        "identity-type-changed",
        "A decimal identity became bigint, because PostgreSQL's identities are integers.",
    ),
    (
        "included-column-left-out",
        "A wide INCLUDE column is not in the index, because its values may not fit there.",
    ),
    ("lossy-type", "The column's PostgreSQL type does not keep everything."),
    ("memory-optimized", "The table is kept in memory in SQL Server; here it is an ordinary one."),
    ("no-primary-key", "The table has no primary key; its rows cannot be named in reports."),
    ("not-null-dropped", "The transform null_if_empty makes NULLs, so that NOT NULL was dropped."),
    ("partitioned", "The table is partitioned in SQL Server; here it is one table."),
    (
        "primary-key-left-out",
        "The primary key is not carried over, so that nothing keeps the table's rows apart.",
    ),
    ("principals", "Users, roles and permissions are listed, never created."),
    ("sequence-range", "A sequence's bounds do not fit bigint and were left out."),
    ("system-versioned", "The table is system-versioned; PostgreSQL keeps no history by itself."),
    ("table-trait", "The table has a property that changes nothing here but that somebody may rely on."),
    (
        "too-many-columns",
        "The table has more columns than a table of PostgreSQL can have; it cannot be created.",
    ),
    (
        "unique-key-left-out",
        "A unique constraint or index is not carried over, so that nothing keeps its values unique.",
    ),
    ("unknown-type", "The column's type is not SQL Server's own; its bytes are carried as they are."),
    ("untrusted-check", "The source has not checked all rows against this check constraint."),
    ("untrusted-foreign-key", "The source has not checked all rows against this foreign key."),
];

/// What planning has to say besides the plan itself.
#[derive(Debug, Default)]
struct Notes {
    findings: Vec<Finding>,
    unconverted: Vec<Unconverted>,
}

impl Notes {
    fn leave_out(
        &mut self,
        kind: &str,
        object: impl Into<String>,
        reason: impl Into<String>,
        text: Option<&str>,
    ) {
        self.unconverted.push(Unconverted {
            kind: kind.to_owned(),
            object: object.into(),
            reason: reason.into(),
            text: text.map(str::to_owned),
        });
    }
}

/// A table on its way to its plan.
#[derive(Debug)]
struct Draft<'a> {
    source: &'a Table,
    plan: TablePlan,
    /// What expressions may name: every column that is carried over.
    context: Vec<ColumnContext>,
    /// The names of the table's constraints.
    constraints: Scope,
}

impl Draft<'_> {
    /// The plan of a column by its source name; none if it was left out.
    fn column(&self, source: &str) -> Option<&ColumnPlan> {
        self.plan.columns.iter().find(|column| column.source == source)
    }

    /// `dbo.Orders.CK_Total`.
    fn object(&self, part: &str) -> String {
        format!("{}.{part}", self.source.name)
    }
}

/// The names that relations have in each PostgreSQL schema.
type Relations = BTreeMap<String, Scope>;

/// Plans a database.
///
/// # Errors
///
/// [`PlanError`] when a setting names a schema, type, alternative or column that does not exist, or a
/// transform that the column cannot have.
pub fn plan_database(catalog: &Catalog, settings: &MappingSettings) -> Result<DatabasePlan, PlanError> {
    let choices = choices::check(catalog, settings)?;
    let mut notes = Notes::default();
    let schemas = schemas::plan_schemas(catalog, settings, &mut notes)?;
    let mut relations = Relations::new();
    let names = schemas::name_tables(catalog, settings, &schemas, &mut relations, &mut notes);
    let (sequences, sequence_names) =
        schemas::plan_sequences(catalog, settings, &schemas, &mut relations, &mut notes);
    let database =
        DatabaseContext { sequences: &sequence_names, collation: catalog.database.collation.as_deref() };
    let mut drafts: Vec<Draft<'_>> = catalog
        .tables
        .iter()
        .zip(names)
        .map(|(table, (schema, name))| {
            columns::plan_table(table, schema, name, settings, &choices, database, &mut notes)
        })
        .collect();
    columns::align_foreign_keys(&mut drafts, &mut notes);
    schemas::reserve_identity_sequences(&drafts, &mut relations);
    keys::plan_keys(&mut drafts, settings, database, &mut relations, &mut notes);
    references::plan_foreign_keys(&mut drafts, settings, &mut notes);
    references::plan_checks(&mut drafts, settings, database, &mut notes);
    inventory::note_tables(&drafts, &mut notes);
    inventory::note_database(catalog, &mut notes);
    Ok(DatabasePlan {
        format: PLAN_FORMAT,
        schemas: schemas::to_create(&schemas),
        tables: drafts.into_iter().map(|draft| draft.plan).collect(),
        sequences,
        findings: notes.findings,
        unconverted: notes.unconverted,
    })
}

#[cfg(test)]
mod tests;

//! T-SQL that makes a database from a [`Catalog`]: one statement a batch, in the order in which a server takes them.
//!
//! Invariant: every name stands in brackets and every text in `N'…'`, so that no name or text is ever code. What a
//! statement makes comes back from the server as the catalog says it: trusted or not, enabled or not.
//!
//! To extend: a kind of object is one function, called from [`before_rows`] or [`after_rows`].

mod code;
mod constraints;
mod table;

pub(crate) use table::is_text;

use crate::shop::Script;
use mssql2pg_catalog::{AliasType, Catalog, ObjectName, PrincipalKind, Sequence};

/// A batch, and what it does: `create the table dbo.Orders`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// For progress and errors.
    pub(crate) doing: String,
    /// The text.
    pub(crate) sql: String,
}

impl Statement {
    fn new(doing: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { doing: doing.into(), sql: sql.into() }
    }
}

/// What must be there before rows come: schemas, types, sequences, and tables with their primary keys. Schemas and
/// principals that `is_there` says are left alone.
pub(crate) fn before_rows(catalog: &Catalog, is_there: &dyn Fn(&str, &str) -> bool) -> Vec<Statement> {
    let mut statements = Vec::new();
    for schema in catalog.schemas.iter().filter(|schema| !is_there("schema", schema)) {
        statements.push(Statement::new(
            format!("create the schema {schema}"),
            format!("create schema {}", quote(schema)),
        ));
    }
    statements.extend(catalog.alias_types.iter().map(alias_type));
    statements.extend(catalog.sequences.iter().flat_map(sequence));
    statements.extend(catalog.tables.iter().map(|table| table::create(catalog, table)));
    let roles = catalog.principals.iter().filter(|principal| principal.kind == PrincipalKind::Role);
    for role in roles.filter(|role| !is_there("principal", &role.name)) {
        statements.push(Statement::new(
            format!("create the role {}", role.name),
            format!("create role {}", quote(&role.name)),
        ));
    }
    statements
}

/// What comes after the rows, so that loading is fast and no check or trigger sees it: unique constraints, indexes,
/// checks, foreign keys, code, descriptions, permissions.
pub(crate) fn after_rows(catalog: &Catalog, scripts: &[Script]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for table in &catalog.tables {
        statements.extend(constraints::unique(table));
        statements.extend(constraints::indexes(table));
        statements.extend(constraints::checks(table));
    }
    // All keys that are referred to are there now.
    statements.extend(catalog.tables.iter().flat_map(constraints::foreign_keys));
    statements.extend(catalog.synonyms.iter().map(code::synonym));
    statements.extend(scripts.iter().map(code::script));
    statements.extend(catalog.tables.iter().flat_map(code::table_properties));
    statements.extend(catalog.permissions.iter().map(code::permission));
    statements
}

/// The drop of something that the catalog or its scripts name; `kind` as `sys.objects.type`, or `type`. None for what
/// is never dropped.
pub(crate) fn drop(kind: &str, name: &ObjectName) -> Option<Statement> {
    let word = match kind {
        "V" => "view",
        "P" => "procedure",
        "FN" => "function",
        "U" => "table",
        "SO" => "sequence",
        "type" => "type",
        _ => return None,
    };
    Some(Statement::new(format!("drop the {word} {name}"), format!("drop {word} {}", full(name))))
}

fn alias_type(alias: &AliasType) -> Statement {
    let null = if alias.nullable { "null" } else { "not null" };
    Statement::new(
        format!("create the type {}", alias.name),
        format!("create type {} from {} {null}", full(&alias.name), alias.base),
    )
}

fn sequence(sequence: &Sequence) -> Vec<Statement> {
    let Sequence { name, sql_type, start, increment, minimum, maximum, cycle, current_value } = sequence;
    let mut sql =
        format!("create sequence {} as {sql_type} start with {start} increment by {increment}", full(name));
    if let Some(minimum) = minimum {
        sql.push_str(&format!(" minvalue {minimum}"));
    }
    if let Some(maximum) = maximum {
        sql.push_str(&format!(" maxvalue {maximum}"));
    }
    if *cycle {
        sql.push_str(" cycle");
    }
    let mut statements = vec![Statement::new(format!("create the sequence {name}"), sql)];
    // `restart with` would change the first value, too; so the values up to now are taken.
    let steps = current_value.and_then(|current| (current - start).checked_div(*increment));
    if let Some(steps) = steps.filter(|steps| *steps > 0) {
        let sql = format!(
            "declare @first sql_variant; exec sys.sp_sequence_get_range @sequence_name = {}, @range_size = {}, \
             @range_first_value = @first output",
            text(&full(name)),
            steps + 1,
        );
        statements.push(Statement::new(format!("move the sequence {name}"), sql));
    }
    statements
}

/// `[a]]b]`.
pub(crate) fn quote(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// `[dbo].[Orders]`.
pub(crate) fn full(name: &ObjectName) -> String {
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// `N'It''s'`.
fn text(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

/// `[a], [b]`.
fn list(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;

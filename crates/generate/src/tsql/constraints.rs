//! Keys, indexes, checks and foreign keys.

use super::{Statement, full, list, quote};
use mssql2pg_catalog::{
    CheckConstraint, ForeignKey, Index, IndexColumn, IndexKind, Key, ReferentialAction, Table,
};

/// `constraint [PK] primary key clustered ([a], [b] desc)`.
pub(super) fn key(key: &Key, what: &str) -> String {
    let Key { name, columns, clustered } = key;
    let clustered = if *clustered { "clustered" } else { "nonclustered" };
    format!("{}{what} {clustered} ({})", constraint(name.as_deref()), index_columns(columns))
}

/// Unique constraints.
pub(super) fn unique(table: &Table) -> impl Iterator<Item = Statement> {
    table.unique.iter().map(|unique| {
        Statement::new(
            format!("create the unique constraint {} of {}", named(unique.name.as_deref()), table.name),
            format!("alter table {} add {}", full(&table.name), key(unique, "unique")),
        )
    })
}

/// Indexes that are B-trees; the others need columns of kinds that no generated table has.
pub(super) fn indexes(table: &Table) -> impl Iterator<Item = Statement> {
    let trees = table.indexes.iter().filter(|index| index.kind == IndexKind::BTree);
    trees.flat_map(|index| {
        let Index { name, kind: _, unique, clustered, columns, included, filter, disabled } = index;
        let unique = if *unique { "unique " } else { "" };
        let clustered = if *clustered { "clustered" } else { "nonclustered" };
        let mut sql = format!(
            "create {unique}{clustered} index {} on {} ({})",
            quote(name),
            full(&table.name),
            index_columns(columns)
        );
        if !included.is_empty() {
            sql.push_str(&format!(" include ({})", list(included)));
        }
        if let Some(filter) = filter {
            sql.push_str(&format!(" where {filter}"));
        }
        let mut statements = vec![Statement::new(format!("create the index {name} of {}", table.name), sql)];
        if *disabled {
            let sql = format!("alter index {} on {} disable", quote(name), full(&table.name));
            statements.push(Statement::new(format!("disable the index {name} of {}", table.name), sql));
        }
        statements
    })
}

/// Checks, as trusted and as enabled as the catalog says.
pub(super) fn checks(table: &Table) -> impl Iterator<Item = Statement> {
    table.checks.iter().flat_map(|check| {
        let CheckConstraint { name, text, trusted, disabled } = check;
        let what = format!("check {} of {}", named(name.as_deref()), table.name);
        let body = format!("{}check ({text})", constraint(name.as_deref()));
        add(table, &what, name.as_deref(), &body, *trusted, *disabled)
    })
}

/// Foreign keys, as trusted and as enabled as the catalog says.
pub(super) fn foreign_keys(table: &Table) -> impl Iterator<Item = Statement> {
    table.foreign_keys.iter().flat_map(|foreign_key| {
        let ForeignKey {
            name,
            columns,
            referenced_table,
            referenced_columns,
            on_delete,
            on_update,
            trusted,
            disabled,
        } = foreign_key;
        let what = format!("foreign key {} of {}", named(name.as_deref()), table.name);
        let body = format!(
            "{}foreign key ({}) references {} ({}){}{}",
            constraint(name.as_deref()),
            list(columns),
            full(referenced_table),
            list(referenced_columns),
            action("delete", *on_delete),
            action("update", *on_update),
        );
        add(table, &what, name.as_deref(), &body, *trusted, *disabled)
    })
}

/// `with nocheck` leaves `is_not_trusted` behind, `nocheck constraint` also `is_disabled`.
fn add(
    table: &Table,
    what: &str,
    name: Option<&str>,
    body: &str,
    trusted: bool,
    disabled: bool,
) -> Vec<Statement> {
    let with = if trusted && !disabled { "check" } else { "nocheck" };
    let table = full(&table.name);
    let sql = format!("alter table {table} with {with} add {body}");
    let mut statements = vec![Statement::new(format!("create the {what}"), sql)];
    if let Some(name) = name.filter(|_| disabled) {
        let sql = format!("alter table {table} nocheck constraint {}", quote(name));
        statements.push(Statement::new(format!("disable the {what}"), sql));
    }
    statements
}

fn action(event: &str, action: ReferentialAction) -> String {
    let word = match action {
        ReferentialAction::NoAction => return String::new(),
        ReferentialAction::Cascade => "cascade",
        ReferentialAction::SetNull => "set null",
        ReferentialAction::SetDefault => "set default",
    };
    format!(" on {event} {word}")
}

/// The beginning of a constraint; the server makes up a name where there is none.
fn constraint(name: Option<&str>) -> String {
    name.map(|name| format!("constraint {} ", quote(name))).unwrap_or_default()
}

fn named(name: Option<&str>) -> &str {
    name.unwrap_or("(without a name)")
}

fn index_columns(columns: &[IndexColumn]) -> String {
    let column = |column: &IndexColumn| {
        format!("{}{}", quote(&column.name), if column.descending { " desc" } else { "" })
    };
    columns.iter().map(column).collect::<Vec<_>>().join(", ")
}

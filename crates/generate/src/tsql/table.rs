//! `create table`: columns, and the primary key.

use super::constraints::key;
use super::{Statement, full, quote};
use mssql2pg_catalog::{Catalog, Column, SqlType, Table};

/// The table with its primary key; everything else of it comes after the rows.
pub(super) fn create(catalog: &Catalog, table: &Table) -> Statement {
    let mut parts: Vec<String> = table.columns.iter().map(|column| self::column(catalog, column)).collect();
    parts.extend(table.primary_key.as_ref().map(|primary| key(primary, "primary key")));
    Statement::new(
        format!("create the table {}", table.name),
        format!("create table {} (\n    {}\n)", full(&table.name), parts.join(",\n    ")),
    )
}

fn column(catalog: &Catalog, column: &Column) -> String {
    let Column {
        name,
        sql_type,
        alias,
        nullable,
        identity,
        default,
        computed,
        collation,
        rowguid,
        sparse,
        encrypted: _,
    } = column;
    let mut sql = quote(name);
    if let Some(computed) = computed {
        let persisted = if computed.persisted { " persisted" } else { "" };
        sql.push_str(&format!(" as {}{persisted}", computed.text));
        return sql;
    }
    match alias {
        Some(alias) if alias.schema == "sys" => sql.push_str(&format!(" {}", alias.name)),
        Some(alias) => sql.push_str(&format!(" {}", full(alias))),
        None => sql.push_str(&format!(" {sql_type}")),
    }
    // A column of an alias type has the database's collation.
    let collation = collation.as_ref().filter(|_| alias.is_none() && is_text(sql_type));
    if let Some(collation) = collation.filter(|_| catalog.database.collation != column.collation) {
        sql.push_str(&format!(" collate {collation}"));
    }
    if *sparse {
        sql.push_str(" sparse");
    }
    if let Some(identity) = identity {
        sql.push_str(&format!(" identity({}, {})", identity.seed, identity.increment));
    }
    sql.push_str(if *nullable { " null" } else { " not null" });
    if *rowguid {
        sql.push_str(" rowguidcol");
    }
    if let Some(default) = default {
        if let Some(name) = &default.name {
            sql.push_str(&format!(" constraint {}", quote(name)));
        }
        sql.push_str(&format!(" default {}", default.text));
    }
    sql
}

/// Whether a column of that type has a collation.
pub(crate) fn is_text(sql_type: &SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Char { .. }
            | SqlType::VarChar { .. }
            | SqlType::Text
            | SqlType::NChar { .. }
            | SqlType::NVarChar { .. }
            | SqlType::NText
    )
}

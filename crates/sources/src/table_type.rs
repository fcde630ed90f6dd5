//! The text of a table type, which no source has: columns and keys as `CREATE TYPE … AS TABLE` lists them.
//!
//! Invariant: equal table types give equal text, whichever source they come from.

use mssql2pg_catalog::Column;

/// A key of a table type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeKey {
    /// Whether it is the primary key; else it is a unique constraint.
    pub(crate) primary: bool,
    /// Its columns in key order.
    pub(crate) columns: Vec<String>,
}

/// The text; computed columns have [`Column::computed`].
pub(crate) fn table_type_text(columns: &[Column], keys: &[TypeKey]) -> String {
    let mut lines: Vec<String> = columns
        .iter()
        .map(|column| match &column.computed {
            Some(computed) => format!("{} as {}", quoted(&column.name), computed.text),
            None => {
                let null = if column.nullable { "null" } else { "not null" };
                format!("{} {} {null}", quoted(&column.name), column.sql_type)
            }
        })
        .collect();
    lines.extend(keys.iter().map(|key| {
        let columns: Vec<_> = key.columns.iter().map(|name| quoted(name)).collect();
        format!("{} ({})", if key.primary { "primary key" } else { "unique" }, columns.join(", "))
    }));
    format!("table (\n    {}\n)", lines.join(",\n    "))
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

//! Unique keys that hold NULLs: SQL Server takes two NULLs for equal, PostgreSQL does not.

use super::{Check, Found, How};
use crate::phases::TableBaseline;
use mssql2pg_catalog::{Severity, Table};

pub(super) const CHECK: Check = Check {
    code: "null-in-unique-key",
    severity: Severity::Info,
    message: "a unique key with NULLs in it: SQL Server takes one of them, PostgreSQL by itself any number",
    advice: "PostgreSQL 15 and later get NULLS NOT DISTINCT; for older ones decide whether several NULLs are fine",
    finds: "Unique constraints and unique indexes without a filter over columns in which NULLs were counted.",
    why: "In SQL Server the second NULL is a duplicate, so the key also says \"at most one\". In PostgreSQL NULLs are distinct unless the key says NULLS NOT DISTINCT (15 and later).",
    how: How::Counts(found),
};

fn found(table: &Table, baseline: &TableBaseline) -> Vec<Found> {
    let indexes = table.indexes.iter().filter(|index| index.unique && index.filter.is_none());
    let keys = table.unique.iter().map(|key| (key.name.as_deref().unwrap_or("unique key"), &key.columns));
    keys.chain(indexes.map(|index| (index.name.as_str(), &index.columns)))
        .filter_map(|(name, columns)| {
            let nulls = |name: &str| {
                baseline.columns.iter().find(|column| column.column == name).map(|column| column.nulls)
            };
            let most = columns.iter().filter_map(|column| nulls(&column.name)).max()?;
            (most > 0).then(|| Found {
                object: format!("{}.{name}", table.name),
                count: Some(most),
                ..Found::default()
            })
        })
        .collect()
}

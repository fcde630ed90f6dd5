//! Unique keys over text that would repeat if neither case nor trailing blanks counted.

use super::values::is_text;
use super::{Check, How, WatchedKey};
use crate::config::Config;
use mssql2pg_catalog::{Catalog, IndexColumn, Severity, Table};
use mssql2pg_mapping::settings::Transform;

pub(super) const CHECK: Check = Check {
    code: "duplicate-key-without-case",
    severity: Severity::Warning,
    message: "rows whose unique key another row has, too, once case and trailing blanks do not count",
    advice: "leave out the transform, or mend the rows at the source, before a type that ignores case is used",
    finds: "Unique keys over text whose collation tells case apart (`_CS`, `_BIN`), looked at without case and trailing blanks. With a transform `trim`, `lower` or `upper` on a column of the key it is a blocker.",
    why: "The rows are different in SQL Server and in PostgreSQL, as long as text stays as it is: a transform, `citext` or an index over `lower(…)` makes them one, and the key cannot be built.",
    how: How::Keys(watched),
};

fn watched(catalog: &Catalog, config: &Config) -> Vec<WatchedKey> {
    let mut keys = Vec::new();
    for (place, table) in catalog.tables.iter().enumerate() {
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "key".to_owned());
        let indexes = table.indexes.iter().filter(|index| index.unique && index.filter.is_none());
        let all = table
            .primary_key
            .iter()
            .chain(&table.unique)
            .map(|key| (named(&key.name), &key.columns))
            .chain(indexes.map(|index| (index.name.clone(), &index.columns)));
        for (name, columns) in all {
            let collation = catalog.database.collation.as_deref();
            if let Some(severity) = severity(table, columns, collation, config) {
                keys.push(WatchedKey {
                    object: format!("{}.{name}", table.name),
                    table: place,
                    columns: columns.iter().map(|column| column.name.clone()).collect(),
                    severity,
                });
            }
        }
    }
    keys
}

fn severity(
    table: &Table,
    columns: &[IndexColumn],
    collation: Option<&str>,
    config: &Config,
) -> Option<Severity> {
    let mut severity = None;
    for column in columns.iter().filter_map(|column| table.column(&column.name)) {
        let collation = column.collation.as_deref().or(collation).unwrap_or_default().to_ascii_uppercase();
        let tells_case = collation.split('_').any(|word| word == "CS" || word.starts_with("BIN"));
        if !is_text(&column.sql_type) || !tells_case {
            continue;
        }
        severity = severity.max(Some(CHECK.severity));
        let settings = config.columns.get(&format!("{}.{}", table.name, column.name));
        let folds = |transform: &Transform| {
            matches!(transform, Transform::Trim | Transform::Lower | Transform::Upper)
        };
        if settings.is_some_and(|settings| settings.transforms.iter().any(folds)) {
            severity = Some(Severity::Blocker);
        }
    }
    severity
}

//! Columns that look like references although no foreign key says so.
//!
//! A column looks like one if it is named like the key of exactly one other table (`CustomerID`), or like another table and
//! its key (`customer_id` for `Customers.id`), is of the same type, and most of its values are found there.

use super::names::words;
use super::{Check, Found, How, Reference, ReferenceCounts, ReferenceRows};
use mssql2pg_catalog::{Catalog, Column, Severity, Table};
use std::mem::discriminant;

pub(super) const CHECK: Check = Check {
    code: "suspected-foreign-key",
    severity: Severity::Info,
    message: "a column that looks like a reference without a foreign key",
    advice: "declare the foreign key if it is one, and mend the rows that refer to nothing first",
    finds: "Columns without a foreign key that are named like another table's key, of the same type, and of whose values more than half are found there. Values that are not found are counted and make it a warning.",
    why: "PostgreSQL plans joins better with a foreign key, and nothing keeps such a column right. Orphans under it are the ones that nobody has seen.",
    how: How::References { of: suspected, rows: ReferenceRows::Orphans, judge },
};

fn judge(catalog: &Catalog, reference: &Reference, counts: &ReferenceCounts) -> Option<Found> {
    let found = counts.rows.checked_sub(counts.orphans)?;
    if found == 0 || found <= counts.orphans {
        return None;
    }
    let to = catalog.tables.get(reference.to)?;
    let target = format!("{}.{}", to.name, reference.to_columns.join(", "));
    Some(match counts.orphans {
        0 => Found {
            object: reference.object.clone(),
            message: Some(format!("every value is in {target}, and no foreign key says so")),
            count: Some(0),
            ..Found::default()
        },
        orphans => Found {
            object: reference.object.clone(),
            message: Some(format!(
                "it looks like a reference to {target}; these rows refer to nothing there"
            )),
            count: Some(orphans),
            severity: Some(Severity::Warning),
            ..Found::default()
        },
    })
}

/// Names of keys that say nothing about their table.
const GENERIC: &[&str] =
    &["id", "code", "key", "name", "number", "no", "guid", "rowguid", "date", "type", "value"];

fn suspected(catalog: &Catalog) -> Vec<Reference> {
    let keys: Vec<(usize, &Table, &Column)> = catalog
        .tables
        .iter()
        .enumerate()
        .filter_map(|(place, table)| Some((place, table, single_key(table)?)))
        .collect();
    let mut references = Vec::new();
    for (from, table) in catalog.tables.iter().enumerate() {
        for column in table.stored_columns() {
            let is_own_key = single_key(table).is_some_and(|key| key.name == column.name);
            let is_declared = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
            if is_own_key || is_declared {
                continue;
            }
            let mut named = keys.iter().filter(|(to, other, key)| {
                *to != from
                    && discriminant(&key.sql_type) == discriminant(&column.sql_type)
                    && names_key(&column.name, other, &key.name)
            });
            // Two keys of that name: nobody can tell which is meant.
            if let (Some((to, _, key)), None) = (named.next(), named.next()) {
                references.push(Reference {
                    object: format!("{}.{}", table.name, column.name),
                    from,
                    from_columns: vec![column.name.clone()],
                    to: *to,
                    to_columns: vec![key.name.clone()],
                    trusted: false,
                });
            }
        }
    }
    references
}

/// The column that is the whole primary key, and is no reference itself.
fn single_key(table: &Table) -> Option<&Column> {
    let [key] = table.primary_key.as_ref()?.columns.as_slice() else { return None };
    let refers = table.foreign_keys.iter().any(|reference| reference.columns.contains(&key.name));
    table.column(&key.name).filter(|column| !refers && column.computed.is_none())
}

/// Whether a column's name names that key of that table.
fn names_key(column: &str, table: &Table, key: &str) -> bool {
    let plain = |name: &str| words(name).concat();
    let (column, key) = (plain(column), plain(key));
    if !GENERIC.contains(&key.as_str()) {
        return column == key;
    }
    let table = plain(&table.name.name);
    let singular = table.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let singular = singular.or_else(|| table.strip_suffix('s').map(str::to_owned));
    column == format!("{table}{key}") || singular.is_some_and(|singular| column == format!("{singular}{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{IndexColumn, Key, ObjectName, SqlType};

    fn table(name: &str, key: &str, others: &[&str]) -> Table {
        Table {
            name: ObjectName::new("dbo", name),
            columns: std::iter::once(&key)
                .chain(others)
                .map(|name| Column::new(*name, SqlType::Int))
                .collect(),
            primary_key: Some(Key {
                name: None,
                columns: vec![IndexColumn { name: key.to_owned(), descending: false }],
                clustered: true,
            }),
            ..Table::default()
        }
    }

    #[test]
    fn a_column_named_like_one_other_key_is_suspected() {
        let catalog = Catalog {
            tables: vec![
                table("Orders", "OrderID", &["CustomerID", "category_id", "RegionID", "Total"]),
                table("Customers", "CustomerID", &[]),
                table("Categories", "id", &[]),
                table("Regions", "RegionID", &[]),
                table("OldRegions", "RegionID", &[]),
            ],
            ..Catalog::default()
        };
        let found: Vec<(String, usize)> =
            suspected(&catalog).into_iter().map(|reference| (reference.object, reference.to)).collect();
        assert_eq!(
            found,
            [("dbo.Orders.CustomerID".to_owned(), 1), ("dbo.Orders.category_id".to_owned(), 2)]
        );
    }

    #[test]
    fn only_what_is_mostly_found_is_a_reference() {
        let catalog = Catalog {
            tables: vec![table("A", "AID", &["BID"]), table("B", "BID", &[])],
            ..Catalog::default()
        };
        let reference = suspected(&catalog).remove(0);
        let severity = |rows, orphans| {
            judge(&catalog, &reference, &ReferenceCounts { rows, orphans, exact_orphans: orphans })
                .map(|found| (found.severity, found.count))
        };
        assert_eq!(severity(10, 0), Some((None, Some(0))));
        assert_eq!(severity(10, 3), Some((Some(Severity::Warning), Some(3))));
        assert_eq!(severity(10, 5), None);
        assert_eq!(severity(0, 0), None);
    }
}

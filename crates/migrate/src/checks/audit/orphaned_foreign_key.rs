//! Rows that refer to rows that do not exist, under foreign keys that are declared.

use super::{Check, Found, How, Reference, ReferenceRows};
use mssql2pg_catalog::{Catalog, ObjectName, Severity};

pub(super) const CHECK: Check = Check {
    code: "orphaned-foreign-key",
    severity: Severity::Warning,
    message: "rows whose foreign key refers to a row that does not exist",
    advice: "mend the rows at the source; else the foreign key stays not valid in PostgreSQL, where it checks new rows only",
    finds: "Rows that declared foreign keys say something wrong of: disabled ones, ones that were switched on again without a check, composite and self-referencing ones, too. Keys are compared as the source does, under its collations. No row is ever deleted to make a key hold.",
    why: "SQL Server lets a foreign key be switched off and on again without looking at the rows. PostgreSQL validates all of them, so the key cannot be built as valid. In a key that the source trusts, an orphan is a blocker: the source itself is damaged or was read while it changed.",
    how: How::References {
        of: declared,
        rows: ReferenceRows::Orphans,
        judge: |_, reference, counts| {
            (counts.orphans > 0).then(|| Found {
                object: reference.object.clone(),
                count: Some(counts.orphans),
                severity: reference.trusted.then_some(Severity::Blocker),
                ..Found::default()
            })
        },
    },
};

/// All declared foreign keys between tables that are there.
pub(super) fn declared(catalog: &Catalog) -> Vec<Reference> {
    let place = |name: &ObjectName| catalog.tables.iter().position(|table| table.name == *name);
    let mut references = Vec::new();
    for (from, table) in catalog.tables.iter().enumerate() {
        for key in &table.foreign_keys {
            let Some(to) = place(&key.referenced_table) else { continue };
            let name = key.name.clone().unwrap_or_else(|| key.columns.join(", "));
            references.push(Reference {
                object: format!("{}.{name}", table.name),
                from,
                from_columns: key.columns.clone(),
                to,
                to_columns: key.referenced_columns.clone(),
                trusted: key.trusted && !key.disabled,
            });
        }
    }
    references
}

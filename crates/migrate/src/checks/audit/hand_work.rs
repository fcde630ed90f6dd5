//! Code that is listed with its text and that hands must carry over.

use super::{Check, Found, How};
use mssql2pg_catalog::{Catalog, CodeKind, Severity};
use std::collections::BTreeMap;

pub(super) const CHECK: Check = Check {
    code: "hand-work",
    severity: Severity::Info,
    message: "objects of code that hands must carry over",
    advice: "plan the time for it; their texts are in the report",
    finds: "Views, procedures, functions, triggers and other code, counted by kind, with the names of the first ten.",
    why: "Their T-SQL is not PostgreSQL's SQL. They are listed with their texts; the tables, keys and rows are migrated without them.",
    how: How::Catalog(|catalog, _| found(catalog)),
};

/// How many names are told.
const NAMES: usize = 10;

fn found(catalog: &Catalog) -> Vec<Found> {
    let mut kinds: BTreeMap<CodeKind, Vec<String>> = BTreeMap::new();
    for object in &catalog.code {
        kinds.entry(object.kind).or_default().push(object.name.to_string());
    }
    kinds
        .into_iter()
        .map(|(kind, mut names)| Found {
            object: kind.label().to_owned(),
            count: u64::try_from(names.len()).ok(),
            samples: {
                names.truncate(NAMES);
                names
            },
            ..Found::default()
        })
        .collect()
}

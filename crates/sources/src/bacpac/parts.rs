//! The parts of tables: `Data/<schema>.<table>/TableData-NNN-MMMMM.BCP` (formats.md §1.1).
//!
//! Invariant: a table's parts are in the order of their numbers, whatever the order of the zip directory.

use super::package::{Entry, Package};
use crate::{ErrorKind, SourceError};
use mssql2pg_catalog::{Catalog, ObjectName};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;

/// One part of a table.
#[derive(Debug)]
pub(super) struct Part {
    /// Its file name, for example `TableData-003-00000.BCP`.
    pub(super) file: String,
    /// Where it stands in the archive.
    pub(super) entry: Entry,
    number: (u64, u64),
}

/// All parts by table.
#[derive(Debug)]
pub(super) struct Parts(HashMap<ObjectName, Vec<Part>>);

impl Parts {
    /// Finds the table of every entry under `Data/`, and tells each table its size.
    ///
    /// # Errors
    /// `Damaged` when a part belongs to no table, has no number, or is there twice.
    pub(super) fn collect(
        location: &str,
        package: &Package,
        catalog: &mut Catalog,
    ) -> Result<Self, SourceError> {
        let damaged =
            |what: String| SourceError::new(ErrorKind::Damaged, format!("{location} is damaged: {what}"));
        // Names may hold dots, so the joined name is looked up; it is never split.
        let mut by_folder: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, table) in catalog.tables.iter().enumerate() {
            by_folder.entry(table.name.to_string()).or_default().push(at);
        }
        let mut parts: HashMap<ObjectName, Vec<Part>> = HashMap::new();
        for entry in package.entries() {
            let Some(path) = entry.name.strip_prefix("Data/") else { continue };
            let Some((folder, file)) = path.rsplit_once('/') else {
                return Err(damaged(format!("{} is in no table's folder", entry.name)));
            };
            let Ok(folder) = percent_decode_str(folder).decode_utf8() else {
                return Err(damaged(format!("the folder of {} is not UTF-8", entry.name)));
            };
            let Some(number) = part_number(file) else {
                return Err(damaged(format!("{} is no part of a table", entry.name)));
            };
            let at = match by_folder.get(folder.as_ref()).map(Vec::as_slice) {
                Some(&[at]) => at,
                Some(_) => return Err(damaged(format!("{} may belong to several tables", entry.name))),
                None => {
                    return Err(damaged(format!(
                        "{} belongs to {folder}, which the model does not have",
                        entry.name
                    )));
                }
            };
            let table = &mut catalog.tables[at];
            let of_table = parts.entry(table.name.clone()).or_default();
            if let Some(twin) = of_table.iter().find(|part| part.number == number) {
                return Err(damaged(format!("{} and {} are the same part", entry.name, twin.entry.name)));
            }
            table.estimated_bytes = Some(table.estimated_bytes.unwrap_or(0).saturating_add(entry.size));
            of_table.push(Part { file: file.to_owned(), entry: entry.clone(), number });
        }
        for of_table in parts.values_mut() {
            of_table.sort_by_key(|part| part.number);
        }
        Ok(Self(parts))
    }

    /// A table's parts in order; none for a table without rows.
    pub(super) fn of(&self, table: &ObjectName) -> &[Part] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }

    /// Whether there are no parts at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `TableData-003-00000.BCP` is (3, 0).
fn part_number(file: &str) -> Option<(u64, u64)> {
    let stem = file.strip_suffix(".BCP").or_else(|| file.strip_suffix(".bcp"))?;
    let (first, second) = stem.strip_prefix("TableData-")?.split_once('-')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_numbered_by_value() {
        assert_eq!(part_number("TableData-003-00000.BCP"), Some((3, 0)));
        assert_eq!(part_number("TableData-1000-00012.BCP"), Some((1000, 12)));
        assert_eq!(part_number("TableData-x-0.BCP"), None);
        assert_eq!(part_number("notes.txt"), None);
    }
}

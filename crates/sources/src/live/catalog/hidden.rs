//! What would make the login see other values or rows than there are: masks, and security policies.
//!
//! Invariant: a masked value is never taken for the value. Whether a policy hides rows from this very login, nobody can
//! ask; its tables are marked.

use super::{Reader, Release};
use crate::live::quote;
use crate::{ErrorKind, SourceError};
use mssql2pg_catalog::{Catalog, ObjectName};

/// The trait of a table that a security policy filters.
const FILTERED: &str = "row-level-security";
/// How many columns an error names.
const NAMED: usize = 5;

/// Refuses masked columns, and marks filtered tables.
///
/// # Errors
/// [`ErrorKind::Permission`] when the login would get a column masked.
pub(super) fn check(reader: &mut Reader<'_>, catalog: &mut Catalog) -> Result<(), SourceError> {
    let masked = reader.ask_since(
        Release::V2016,
        "masked columns",
        include_str!("../queries/masked_columns_2016.sql"),
    )?;
    let mut names = Vec::new();
    for row in masked.rows() {
        names.push(format!(
            "{}.{}.{}",
            row.name("schema_name")?,
            row.name("table_name")?,
            row.name("column_name")?
        ));
    }
    if !names.is_empty() {
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        names.truncate(NAMED);
        return Err(SourceError::new(
            ErrorKind::Permission,
            format!(
                "the login would get masked values in place of those of {}{more}: grant unmask to {}",
                names.join(", "),
                quote(&reader.server.user)
            ),
        ));
    }
    let filtered = reader.ask_since(
        Release::V2016,
        "filtered tables",
        include_str!("../queries/filtered_tables_2016.sql"),
    )?;
    for row in filtered.rows() {
        let name = ObjectName::new(row.name("schema_name")?, row.name("table_name")?);
        if let Some(table) = catalog.tables.iter_mut().find(|table| table.name == name) {
            table.traits.push(FILTERED.to_owned());
        }
    }
    Ok(())
}

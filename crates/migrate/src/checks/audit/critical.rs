//! Which fields a row is of little use without: those that the settings name, else those that keys and names tell.

use super::names::{says_email, words};
use crate::config::AuditConfig;
use crate::error::Error;
use mssql2pg_catalog::{Catalog, Column, Severity, Table};
use wildmatch::WildMatch;

/// Words that say that a name is the name of something else.
const SECONDARY: &[&str] =
    &["middle", "second", "nick", "maiden", "short", "display", "alternate", "prefix", "suffix"];

/// How much a NULL matters in a column; none where it is fine.
pub(super) fn severity(table: &Table, column: &Column, config: &AuditConfig) -> Option<Severity> {
    if !column.nullable {
        return None;
    }
    if !config.critical.is_empty() {
        let named = is_named(&config.critical, table, column);
        return named.then_some(Severity::Warning);
    }
    let in_unique_key = table.unique.iter().map(|key| &key.columns).chain(
        table
            .indexes
            .iter()
            .filter(|index| index.unique && index.filter.is_none())
            .map(|index| &index.columns),
    );
    let in_unique_key = in_unique_key.flatten().any(|member| member.name == column.name);
    if in_unique_key || says_critical(&column.name) {
        return Some(Severity::Warning);
    }
    // A reference that may be missing is often meant so.
    let refers = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
    refers.then_some(Severity::Info)
}

/// Whether one of the patterns names the column.
pub(super) fn is_named(patterns: &[String], table: &Table, column: &Column) -> bool {
    let name = format!("{}.{}", table.name, column.name);
    patterns.iter().any(|pattern| WildMatch::new_case_insensitive(pattern).matches(&name))
}

/// Patterns of the settings that name no column: a slip of the pen would switch a check off.
///
/// # Errors
/// When there is one.
pub(crate) fn check_patterns(config: &AuditConfig, catalog: &Catalog) -> Result<(), Error> {
    for (key, patterns) in [("audit.critical", &config.critical), ("audit.email", &config.email)] {
        for pattern in patterns {
            let one = std::slice::from_ref(pattern);
            let fits = |table: &Table| table.stored_columns().any(|column| is_named(one, table, column));
            if !catalog.tables.iter().any(fits) {
                return Err(Error::config(
                    format!("{key} has the pattern {pattern}, which fits no column"),
                    "write schema.table.column, in which * and ? stand for anything; `mssql2pg inspect` lists tables and columns",
                ));
            }
        }
    }
    Ok(())
}

fn says_critical(name: &str) -> bool {
    let words = words(name);
    let says = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let last = words.last().map(String::as_str);
    says_email(name) || says(&["code", "number"]) || (last == Some("name") && !says(SECONDARY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{ForeignKey, IndexColumn, Key, ObjectName, ReferentialAction, SqlType};

    #[test]
    fn names_and_keys_tell_which_fields_are_critical() {
        let table = Table {
            name: ObjectName::new("dbo", "Orders"),
            unique: vec![Key {
                name: None,
                columns: vec![IndexColumn { name: "Slug".to_owned(), descending: false }],
                clustered: false,
            }],
            foreign_keys: vec![ForeignKey {
                name: None,
                columns: vec!["CustomerID".to_owned()],
                referenced_table: ObjectName::new("dbo", "Customers"),
                referenced_columns: vec!["CustomerID".to_owned()],
                on_delete: ReferentialAction::NoAction,
                on_update: ReferentialAction::NoAction,
                trusted: true,
                disabled: false,
            }],
            ..Table::default()
        };
        let config = AuditConfig::default();
        let of = |name: &str| severity(&table, &Column::new(name, SqlType::Int), &config);
        assert_eq!(of("Slug"), Some(Severity::Warning));
        assert_eq!(of("ProductNumber"), Some(Severity::Warning));
        assert_eq!(of("LastName"), Some(Severity::Warning));
        assert_eq!(of("CustomerID"), Some(Severity::Info));
        for name in ["MiddleName", "NameStyle", "Comment"] {
            assert_eq!(of(name), None, "{name}");
        }
        let with_comment = Table { columns: vec![Column::new("Comment", SqlType::NText)], ..table.clone() };
        let catalog = Catalog { tables: vec![with_comment], ..Catalog::default() };
        for (pattern, fits) in [("dbo.*.comment", true), ("dbo.Orders.Coment", false)] {
            let config = AuditConfig { email: vec![pattern.to_owned()], ..AuditConfig::default() };
            assert_eq!(check_patterns(&config, &catalog).is_ok(), fits, "{pattern}");
        }
        let named = AuditConfig { critical: vec!["dbo.*.comment".to_owned()], ..AuditConfig::default() };
        assert_eq!(severity(&table, &Column::new("Comment", SqlType::Int), &named), Some(Severity::Warning));
        assert_eq!(severity(&table, &Column::new("LastName", SqlType::Int), &named), None);
    }
}

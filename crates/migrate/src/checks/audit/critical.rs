//! Which fields a row is of little use without: those that the settings name, else those that keys and names tell.

use super::names::{says_email, words};
use crate::config::AuditConfig;
use mssql2pg_catalog::{Column, Severity, Table};
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
        let named = AuditConfig { critical: vec!["dbo.*.comment".to_owned()], ..AuditConfig::default() };
        assert_eq!(severity(&table, &Column::new("Comment", SqlType::Int), &named), Some(Severity::Warning));
        assert_eq!(severity(&table, &Column::new("LastName", SqlType::Int), &named), None);
    }
}

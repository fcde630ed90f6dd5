//! NULLs where a value is needed for the row to be of use.
//!
//! Looks at the columns that `audit.critical` names; without any, at nullable columns whose names
//! say e-mail, code or number.

use super::{ColumnCheck, words};
use crate::config::AuditConfig;
use mssql2pg_catalog::{Column, Severity, Table, Value};
use wildmatch::WildMatch;

pub(super) const CHECK: ColumnCheck = ColumnCheck {
    code: "null-in-critical-field",
    severity: Severity::Warning,
    message: "NULL in a field that the row is of little use without",
    advice: "fill in the values at the source, or take the column out of audit.critical",
    applies,
    is_defect: |value, _| matches!(value, Value::Null),
    policy: None,
};

fn applies(table: &Table, column: &Column, config: &AuditConfig) -> bool {
    if !column.nullable {
        return false;
    }
    if config.critical.is_empty() {
        return words(&column.name)
            .iter()
            .any(|word| matches!(word.as_str(), "email" | "mail" | "code" | "number"));
    }
    let name = format!("{}.{}", table.name, column.name);
    config.critical.iter().any(|pattern| WildMatch::new_case_insensitive(pattern).matches(&name))
}

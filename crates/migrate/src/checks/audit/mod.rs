//! What the audit looks for in the source, before anything moves.
//!
//! To extend: a file here with a `CHECK`, and one line in [`ALL`]; its texts are its page in `docs/reference/checks.md`. A
//! check looks at single values ([`How::Values`]: all of them are asked in the audit's single pass over a table), at what
//! the pass has counted ([`How::Counts`]), at the catalog alone ([`How::Catalog`]), or at keys ([`How::References`],
//! [`How::Keys`]).

mod case_only_reference;
mod critical;
mod duplicate_key_without_case;
mod exceeds_declared_type;
mod fraction_cut;
mod future_date;
mod hand_work;
mod invalid_email;
mod lone_surrogate;
mod moment;
mod names;
mod nul_character;
mod null_in_critical_field;
mod null_in_unique_key;
mod orphaned_foreign_key;
mod reserved_word;
mod rules;
mod sentinel_date;
mod suspected_foreign_key;
pub(crate) mod tsql;
mod undefined_bytes;
mod values;

pub(crate) use critical::check_patterns;
pub use moment::Moment;
pub use rules::{Rule, RuleTest};
pub use tsql::Condition;
pub(crate) use values::{is_text, show_key_value};

use crate::config::{AuditConfig, Config, TextConfig};
use crate::phases::TableBaseline;
use mssql2pg_catalog::{Catalog, Column, Severity, Table, Value};
use mssql2pg_mapping::settings::TextPolicy;

/// A check, and its page of the manual. All texts are one sentence or a few; those of findings without a period.
pub struct Check {
    /// Its stable name.
    pub code: &'static str,
    /// How much a defect matters.
    pub severity: Severity,
    /// What was found.
    pub message: &'static str,
    /// What to do about it at the source.
    pub advice: &'static str,
    /// The manual: what it looks at, and what it takes for a defect.
    pub finds: &'static str,
    /// The manual: why that matters in PostgreSQL.
    pub why: &'static str,
    /// What it looks at.
    pub how: How,
}

/// What a check looks at.
pub enum How {
    /// At single values.
    Values(ValueCheck),
    /// At what the pass has counted of a table.
    Counts(fn(&Table, &TableBaseline) -> Vec<Found>),
    /// At the catalog; no row is read.
    Catalog(fn(&Catalog, &Config) -> Vec<Found>),
    /// At references from one table's columns to another's.
    References {
        /// Which.
        of: fn(&Catalog) -> Vec<Reference>,
        /// Which of their rows a finding means.
        rows: ReferenceRows,
        /// What their counts mean.
        judge: fn(&Catalog, &Reference, &ReferenceCounts) -> Option<Found>,
    },
    /// At keys that would be one if neither case nor trailing blanks counted.
    Keys(fn(&Catalog, &Config) -> Vec<WatchedKey>),
}

/// A check of single values.
pub struct ValueCheck {
    /// Which columns it looks at, and how much a defect in them matters.
    pub applies: fn(&Table, &Column, &AuditConfig) -> Option<Severity>,
    /// Whether a value is a defect.
    pub is_defect: fn(&Value<'_>, &Looked<'_>) -> bool,
    /// The setting that decides what becomes of such values, where one does.
    pub policy: Option<Policy>,
    /// The same as a condition in T-SQL; none where T-SQL cannot tell.
    pub tsql: fn(&Looked<'_>) -> Option<Condition>,
}

/// A setting that decides what becomes of values: its key, and how it is read.
pub type Policy = (&'static str, fn(&TextConfig) -> TextPolicy);

/// Where a value was looked at.
#[derive(Clone, Copy)]
pub struct Looked<'a> {
    /// Its column.
    pub column: &'a Column,
    /// When the audit began.
    pub moment: Moment,
}

/// What a check found beyond single values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What it is about, for example `dbo.Orders.FK_Orders_Customers`.
    pub object: String,
    /// What was found, where the check's own words are too general.
    pub message: Option<String>,
    /// Where it is not the check's.
    pub severity: Option<Severity>,
    /// How often.
    pub count: Option<u64>,
    /// Names of objects; keys of rows are found by the audit.
    pub samples: Vec<String>,
}

/// Columns of one table that refer to columns of another, or seem to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What findings call it: `dbo.Orders.FK_Orders_Customers`, `dbo.Orders.CustomerID`.
    pub object: String,
    /// The referring table's place in the catalog.
    pub from: usize,
    /// Its columns.
    pub from_columns: Vec<String>,
    /// The referred table's place.
    pub to: usize,
    /// Its columns, in the same order.
    pub to_columns: Vec<String>,
    /// Whether the source says that it has checked all rows.
    pub trusted: bool,
}

/// Which rows of a reference a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceRows {
    /// Those that refer to nothing, as the source compares.
    Orphans,
    /// Those that refer to something only as the source compares.
    CaseOnly,
}

/// What was counted of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReferenceCounts {
    /// Rows that refer to anything: all columns are filled.
    pub rows: u64,
    /// Rows that refer to nothing, as SQL Server compares.
    pub orphans: u64,
    /// Rows that refer to nothing, as PostgreSQL compares.
    pub exact_orphans: u64,
}

/// A key that is looked at without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedKey {
    /// What findings call it.
    pub object: String,
    /// Its table's place in the catalog.
    pub table: usize,
    /// Its columns.
    pub columns: Vec<String>,
    /// How much it matters that it repeats.
    pub severity: Severity,
}

/// All checks.
pub static ALL: &[Check] = &[
    null_in_critical_field::CHECK,
    invalid_email::CHECK,
    orphaned_foreign_key::CHECK,
    suspected_foreign_key::CHECK,
    case_only_reference::CHECK,
    future_date::CHECK,
    sentinel_date::CHECK,
    nul_character::CHECK,
    lone_surrogate::CHECK,
    undefined_bytes::CHECK,
    fraction_cut::CHECK,
    exceeds_declared_type::CHECK,
    duplicate_key_without_case::CHECK,
    null_in_unique_key::CHECK,
    reserved_word::CHECK,
    hand_work::CHECK,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_has_a_page_and_a_code_of_its_own() {
        let codes: BTreeSet<&str> = ALL.iter().map(|check| check.code).collect();
        assert_eq!(codes.len(), ALL.len());
        for check in ALL {
            assert!(
                check.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{}",
                check.code
            );
            assert!(!check.message.ends_with('.') && !check.advice.ends_with('.'), "{}", check.code);
            assert!(check.finds.ends_with('.') && check.why.ends_with('.'), "{}", check.code);
        }
    }
}

//! The part of the configuration that decides how things are mapped.
//!
//! Every field changes the data or the schema, so all of it goes into the run's fingerprint.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How to map.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingSettings {
    /// How identifiers are folded.
    pub case: CaseFolding,
    /// SQL Server schema → PostgreSQL schema, by exact source name; `dbo` → `public` unless named here.
    /// Others are folded like any identifier.
    pub schemas: BTreeMap<String, String>,
    /// SQL Server type name (`bit`) → the PostgreSQL type of one of its rows in the type table (`smallint`).
    pub types: BTreeMap<String, String>,
    /// `schema.table.column` in the source's spelling → what is special about it.
    pub columns: BTreeMap<String, ColumnSettings>,
    /// What happens to a NUL character in text.
    pub nul: TextPolicy,
    /// What happens to a lone surrogate, or to bytes that are not in the column's code page.
    pub invalid_text: TextPolicy,
    /// What [`TextPolicy::Replace`] puts in place.
    pub replacement: Replacement,
}

/// What is special about one column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSettings {
    /// The PostgreSQL type of another row of the type table for the column's type.
    #[serde(rename = "type")]
    pub pg_type: Option<String>,
    /// Transforms, in order.
    #[serde(default)]
    pub transforms: Vec<Transform>,
    /// Whether the column is not created. Only for computed columns: their values can be had again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leave_out: bool,
}

/// How identifiers are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseFolding {
    /// `OrderDate` → `orderdate`.
    #[default]
    Lower,
    /// `OrderDate` → `order_date`.
    SnakeCase,
    /// `OrderDate` → `"OrderDate"`.
    Preserve,
}

/// What happens to characters that PostgreSQL cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextPolicy {
    /// The row goes to `rejects/`.
    #[default]
    Reject,
    /// Each is replaced, and counted.
    Replace,
    /// Each is left out, and counted.
    Strip,
}

/// A change to values that the user asked for, by name. Each altered value is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Leading and trailing blanks off.
    Trim,
    /// The empty string becomes NULL.
    NullIfEmpty,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Text flags (`Y`, `yes`, `true`, `1`, `N`, …) become boolean; anything else rejects the row.
    YesNo,
}

/// The replacement text; by default U+FFFD, the replacement character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Replacement(pub String);

impl Default for Replacement {
    fn default() -> Self {
        Self("\u{FFFD}".to_owned())
    }
}

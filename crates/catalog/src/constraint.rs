//! Keys, foreign keys and checks.

use crate::{IndexColumn, ObjectName};
use serde::{Deserialize, Serialize};

/// A primary key or a unique constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The constraint's name, the server-made one included where the source tells it.
    pub name: Option<String>,
    /// Its columns in key order.
    pub columns: Vec<IndexColumn>,
    /// Whether it orders the table itself.
    pub clustered: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: Option<String>,
    /// The referencing columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub referenced_table: ObjectName,
    /// The referenced columns, in the order of [`ForeignKey::columns`].
    pub referenced_columns: Vec<String>,
    /// What a delete of the referenced row does.
    pub on_delete: ReferentialAction,
    /// What an update of the referenced key does.
    pub on_update: ReferentialAction,
    /// `is_not_trusted = 0`: the server has checked all rows.
    pub trusted: bool,
    /// `is_disabled = 1`: the server checks nothing.
    pub disabled: bool,
}

/// `ON DELETE` and `ON UPDATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferentialAction {
    /// Refuse.
    #[default]
    NoAction,
    /// Delete or update along.
    Cascade,
    /// Set the referencing columns to NULL.
    SetNull,
    /// Set the referencing columns to their defaults.
    SetDefault,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckConstraint {
    /// The constraint's name.
    pub name: Option<String>,
    /// The T-SQL condition.
    pub text: String,
    /// `is_not_trusted = 0`: the server has checked all rows.
    pub trusted: bool,
    /// `is_disabled = 1`: the server checks nothing.
    pub disabled: bool,
}

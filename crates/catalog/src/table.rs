//! Tables.

use crate::{CheckConstraint, Column, ForeignKey, Index, Key, ObjectName};
use serde::{Deserialize, Serialize};

/// A user table with everything that hangs on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: ObjectName,
    /// Its columns in order, computed ones included.
    pub columns: Vec<Column>,
    /// The primary key.
    pub primary_key: Option<Key>,
    /// Unique constraints (unique *indexes* are in [`Table::indexes`]).
    pub unique: Vec<Key>,
    /// Foreign keys that point from this table.
    pub foreign_keys: Vec<ForeignKey>,
    /// Check constraints.
    pub checks: Vec<CheckConstraint>,
    /// Indexes that are not keys.
    pub indexes: Vec<Index>,
    /// Extended properties of the table and its columns.
    pub extended_properties: Vec<ExtendedProperty>,
    /// Rows, where the source knows without reading them; a hint for order and progress.
    pub estimated_rows: Option<u64>,
    /// Bytes in the source's own storage; a hint for order and progress.
    pub estimated_bytes: Option<u64>,
    /// Facts that change nothing here but that the user must hear of, for example
    /// `system-versioned`, `memory-optimized`, `graph-node`, `external`.
    pub traits: Vec<String>,
}

impl Table {
    /// The columns whose values a source delivers, in delivery order: all that are not computed.
    pub fn stored_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.computed.is_none())
    }

    /// The column of that name; names compare as they are spelled.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A name and value that somebody attached to an object; `MS_Description` is a comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtendedProperty {
    /// What it is attached to: a bracketless dotted name, for example `dbo.Orders` or `dbo.Orders.Total`.
    pub object: String,
    /// The column, when it is attached to a table's column.
    pub column: Option<String>,
    /// Its name, for example `MS_Description`.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

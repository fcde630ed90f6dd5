//! Indexes that are not constraints.

use serde::{Deserialize, Serialize};

/// An index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name, unique within its table only.
    pub name: String,
    /// What kind of index it is.
    pub kind: IndexKind,
    /// Whether it forbids duplicates. SQL Server takes two NULLs for duplicates.
    pub unique: bool,
    /// Whether it orders the table itself.
    pub clustered: bool,
    /// Key columns in order.
    pub columns: Vec<IndexColumn>,
    /// `INCLUDE` columns.
    pub included: Vec<String>,
    /// The T-SQL condition of a filtered index.
    pub filter: Option<String>,
    /// `is_disabled = 1`.
    pub disabled: bool,
}

/// The kinds of index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexKind {
    /// An ordinary B-tree.
    BTree,
    /// A columnstore index.
    Columnstore,
    /// An XML index.
    Xml,
    /// A spatial index.
    Spatial,
    /// A full-text index.
    FullText,
    /// A hash index of a memory-optimised table.
    Hash,
}

/// A column in a key or an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// The column's name.
    pub name: String,
    /// `DESC`.
    pub descending: bool,
}

//! Sequence objects and synonyms.

use crate::column::{integer_text, optional_integer_text};
use crate::{ObjectName, SqlType};
use serde::{Deserialize, Serialize};

/// A sequence object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: ObjectName,
    /// Its type, `bigint` unless declared otherwise.
    pub sql_type: SqlType,
    /// The first value.
    #[serde(with = "integer_text")]
    pub start: i128,
    /// The step; never 0.
    #[serde(with = "integer_text")]
    pub increment: i128,
    /// The lowest value, if declared.
    #[serde(with = "optional_integer_text")]
    pub minimum: Option<i128>,
    /// The highest value, if declared.
    #[serde(with = "optional_integer_text")]
    pub maximum: Option<i128>,
    /// Whether it starts again at its end.
    pub cycle: bool,
    /// The current value, where the source knows it.
    #[serde(with = "optional_integer_text")]
    pub current_value: Option<i128>,
}

/// A synonym.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Synonym {
    /// Its name.
    pub name: ObjectName,
    /// What it stands for, as written: one to four parts.
    pub target: String,
}

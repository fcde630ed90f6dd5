//! Objects whose content is T-SQL.

use crate::{ObjectName, SqlType};
use serde::{Deserialize, Serialize};

/// A view, procedure, function, trigger or other object made of T-SQL text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeObject {
    /// What it is.
    pub kind: CodeKind,
    /// Its name.
    pub name: ObjectName,
    /// The table or view a trigger stands on.
    pub parent: Option<ObjectName>,
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// What a scalar function returns.
    pub returns: Option<SqlType>,
    /// The T-SQL text: the whole `CREATE …` where the source has it, else the body.
    pub text: String,
    /// Whether [`CodeObject::text`] is the whole `CREATE …` statement.
    pub text_is_complete: bool,
    /// Why there is no text, for example `encrypted` or `CLR`.
    pub missing_text: Option<String>,
}

/// The kinds of code object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    /// A view.
    View,
    /// A stored procedure.
    Procedure,
    /// A scalar function.
    ScalarFunction,
    /// An inline table-valued function.
    InlineTableFunction,
    /// A multi-statement table-valued function.
    TableFunction,
    /// A trigger on a table or view.
    Trigger,
    /// A trigger on the database.
    DatabaseTrigger,
    /// A table type.
    TableType,
    /// A bound default of `CREATE DEFAULT`.
    BoundDefault,
    /// A bound rule of `CREATE RULE`.
    BoundRule,
    /// A user-defined aggregate.
    Aggregate,
}

impl CodeKind {
    /// The field's word for it, for example `scalar function`.
    pub fn label(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Procedure => "procedure",
            Self::ScalarFunction => "scalar function",
            Self::InlineTableFunction => "inline table function",
            Self::TableFunction => "table function",
            Self::Trigger => "trigger",
            Self::DatabaseTrigger => "database trigger",
            Self::TableType => "table type",
            Self::BoundDefault => "bound default",
            Self::BoundRule => "bound rule",
            Self::Aggregate => "aggregate",
        }
    }
}

/// A parameter of a procedure or function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name with the `@`.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// `OUTPUT`.
    pub output: bool,
    /// The default's T-SQL text.
    pub default: Option<String>,
}

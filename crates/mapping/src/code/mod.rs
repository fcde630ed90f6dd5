//! T-SQL scalar expressions and conditions (defaults, checks, computed columns, filters) as PostgreSQL SQL.
//!
//! Invariant: wrong is worse than not converted. An expression is converted whole, with the same
//! value for every row, or it is refused with a reason that names the construct. Known and accepted
//! limits, because the whole database is mapped so and says so in its findings: a character outside the
//! Basic Multilingual Plane counts as one and not as two, the clock is read in the session's time zone, and
//! in checks and defaults text compares by PostgreSQL's collation (case and accents count; trailing blanks
//! of `varchar` count). A check only guards: one that rows break stays NOT VALID and is a finding. Where a
//! comparison decides a value or the reach of an index, see `collation`.
//!
//! The way of a text: `tokens` → `syntax` (a tree) → `print` (typed SQL; `literals` and `like` are its
//! parts, `collation` its comparisons of text, `rewrites` its functions).
//!
//! To extend: a function is one entry in a file of `rewrites`.

mod collation;
mod like;
mod literals;
mod print;
mod rewrites;
mod syntax;
mod tokens;
mod values;

pub use values::Family;

use mssql2pg_catalog::{ObjectName, SqlType};
use print::Printer;
use std::collections::BTreeMap;
use std::fmt;
use values::ValueType;

/// A column that an expression may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnContext {
    /// Its name in SQL Server.
    pub source: String,
    /// Its name in PostgreSQL, unquoted.
    pub name: String,
    /// Its type in SQL Server: what T-SQL's rules go by.
    pub sql_type: SqlType,
    /// Its type in PostgreSQL: what it is represented by.
    pub pg_type: String,
    /// The collation by which SQL Server compares its text: its own, else the database's. None if the
    /// source does not tell, which counts as one that finds different texts equal.
    pub collation: Option<String>,
}

/// What expressions may name in every table of a database, and what holds for all of them.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseContext<'a> {
    /// Sequences in SQL Server, and their schema and name in PostgreSQL.
    pub sequences: &'a BTreeMap<ObjectName, (String, String)>,
    /// The database's collation; none as for [`ColumnContext::collation`].
    pub collation: Option<&'a str>,
}

/// What the names in an expression stand for.
#[derive(Debug, Clone, Copy)]
pub struct ExpressionContext<'a> {
    /// The table that the expression belongs to.
    pub table: &'a ObjectName,
    /// Its columns.
    pub columns: &'a [ColumnContext],
    /// What its database holds.
    pub database: DatabaseContext<'a>,
}

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A default: a value that fits the column, and names no column.
    Default(&'a ColumnContext),
    /// A check: a condition. Its text compares as PostgreSQL compares it: a check guards rows and
    /// changes none, and one that rows break is not validated and becomes a finding.
    Check,
    /// The filter of an index: a condition that depends on nothing but the row.
    Filter,
    /// A generated column: a value that depends on nothing but the row.
    Generated,
}

impl Wanted<'_> {
    /// Whether PostgreSQL keeps what the expression gives for the rows that are carried over: as a value,
    /// or as the rows that an index holds. Only the row may decide it then, and as in SQL Server.
    fn decides_values(self) -> bool {
        match self {
            Self::Default(_) | Self::Check => false,
            Self::Filter | Self::Generated => true,
        }
    }
}

/// A converted expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// PostgreSQL SQL; for a default it can stand after `default` as it is.
    pub sql: String,
    /// The type that SQL Server gives the value; none for a condition and for a bare NULL.
    pub sql_type: Option<SqlType>,
}

/// Why an expression is not converted: one sentence without a period that names the construct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotConverted {
    /// The sentence.
    pub reason: String,
}

impl NotConverted {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for NotConverted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for NotConverted {}

/// Converts one expression.
///
/// # Errors
///
/// [`NotConverted`] when any part has no equal in PostgreSQL that we know.
pub fn convert_expression(
    text: &str,
    wanted: Wanted<'_>,
    context: &ExpressionContext<'_>,
) -> Result<Converted, NotConverted> {
    let tree = syntax::parse(&tokens::tokenize(text)?)?;
    let printer = Printer::new(context, wanted);
    match wanted {
        Wanted::Default(column) => {
            let typed = printer.assigned(&tree, &ValueType::of_column(column))?;
            let sql = typed.at(print::CONCATENATION);
            Ok(Converted { sql, sql_type: typed.sql_type() })
        }
        Wanted::Check | Wanted::Filter => {
            Ok(Converted { sql: printer.condition(&tree)?.sql, sql_type: None })
        }
        Wanted::Generated => {
            let typed = printer.value(&tree)?;
            Ok(Converted { sql_type: typed.sql_type(), sql: typed.sql })
        }
    }
}

#[cfg(test)]
mod tests;

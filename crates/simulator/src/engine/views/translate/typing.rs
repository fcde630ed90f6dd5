//! Types of expressions: which of two wins, and how the other becomes it.
//!
//! Source: "Data type precedence (Transact-SQL)" on Microsoft Learn.

use super::super::convert::{Family, family};
use super::super::types::system;
use super::scope::Typed;
use super::{Translator, literal, unknown};
use crate::answer::Failure;
use mssql2pg_catalog::{Length, SqlType};
use sqlparser::ast::DataType;

/// `nvarchar(n)`.
pub(super) fn nvarchar(length: Option<u16>) -> SqlType {
    SqlType::NVarChar { length: Length(length) }
}

/// The place of a type in the order of precedence; the higher wins.
fn rank(sql_type: &SqlType) -> u8 {
    match sql_type {
        SqlType::SqlVariant => 20,
        SqlType::Xml => 19,
        SqlType::DateTimeOffset { .. } => 18,
        SqlType::DateTime2 { .. } => 17,
        SqlType::DateTime => 16,
        SqlType::SmallDateTime => 15,
        SqlType::Date => 14,
        SqlType::Time { .. } => 13,
        SqlType::Float => 12,
        SqlType::Real => 11,
        SqlType::Decimal { .. } => 10,
        SqlType::Money | SqlType::SmallMoney => 9,
        SqlType::BigInt => 8,
        SqlType::Int => 7,
        SqlType::SmallInt => 6,
        SqlType::TinyInt => 5,
        SqlType::Bit => 4,
        SqlType::UniqueIdentifier => 3,
        SqlType::NVarChar { .. } | SqlType::NChar { .. } | SqlType::NText => 2,
        SqlType::VarChar { .. } | SqlType::Char { .. } | SqlType::Text => 1,
        _ => 0,
    }
}

/// The declared length of text or binary in its own units; none for `max`.
pub(super) fn length(sql_type: &SqlType) -> Option<u16> {
    match sql_type {
        SqlType::Char { length } | SqlType::NChar { length } | SqlType::Binary { length } => Some(*length),
        SqlType::VarChar { length } | SqlType::NVarChar { length } | SqlType::VarBinary { length } => {
            length.0
        }
        _ => None,
    }
}

/// The type that holds what either holds.
pub(super) fn common_type(left: &Typed, right: &Typed) -> SqlType {
    if left.is_null {
        return right.sql_type.clone();
    }
    if right.is_null {
        return left.sql_type.clone();
    }
    wider(&left.sql_type, &right.sql_type)
}

/// The type that holds what either holds.
pub(super) fn wider(left: &SqlType, right: &SqlType) -> SqlType {
    if left == right {
        return left.clone();
    }
    let (low, high) = if rank(left) <= rank(right) { (left, right) } else { (right, left) };
    match (family(low), family(high)) {
        (Family::Text, Family::Text) => {
            let length = length(low).zip(length(high)).map(|(low, high)| low.max(high));
            match high {
                SqlType::NVarChar { .. } | SqlType::NChar { .. } => nvarchar(length),
                SqlType::VarChar { .. } | SqlType::Char { .. } => SqlType::VarChar { length: Length(length) },
                other => other.clone(),
            }
        }
        (Family::Binary, Family::Binary) => SqlType::VarBinary {
            length: Length(length(low).zip(length(high)).map(|(low, high)| low.max(high))),
        },
        (Family::Whole | Family::Decimal, Family::Decimal) => {
            let ((low_whole, low_scale), (high_whole, high_scale)) = (digits(low), digits(high));
            let scale = low_scale.max(high_scale);
            SqlType::Decimal { precision: (low_whole.max(high_whole) + scale).min(38), scale }
        }
        _ => high.clone(),
    }
}

/// Digits before and after the point.
fn digits(sql_type: &SqlType) -> (u8, u8) {
    match sql_type {
        SqlType::Decimal { precision, scale } => (precision.saturating_sub(*scale), *scale),
        SqlType::Money => (15, 4),
        SqlType::SmallMoney => (6, 4),
        SqlType::BigInt => (19, 0),
        SqlType::Int => (10, 0),
        SqlType::SmallInt => (5, 0),
        _ => (3, 0),
    }
}

/// The expression as one of that type: nothing happens where both are held alike.
pub(super) fn coerced(typed: &Typed, to: &SqlType) -> String {
    let same = typed.is_null || typed.family() == family(to);
    let numbers = [Family::Whole, Family::Decimal, Family::Float];
    let alike = numbers.contains(&typed.family()) && numbers.contains(&family(to));
    if same || alike { typed.sql.clone() } else { converted(&typed.sql, &typed.sql_type, to, "0") }
}

/// A conversion.
pub(super) fn converted(sql: &str, from: &SqlType, to: &SqlType, style: &str) -> String {
    format!("t_convert({sql}, {}, {}, {style})", literal(&from.to_string()), literal(&to.to_string()))
}

/// What is in a `sql_variant`; another expression as it is.
pub(super) fn plain(typed: &Typed) -> String {
    if typed.sql_type == SqlType::SqlVariant { format!("t_plain({})", typed.sql) } else { typed.sql.clone() }
}

impl Translator<'_> {
    /// The type that a query writes in `cast` or `convert`.
    ///
    /// # Errors
    /// 243 for a type that SQL Server does not have.
    pub(super) fn data_type(&self, data_type: &DataType) -> Result<SqlType, Failure> {
        let written = data_type.to_string();
        let (name, arguments) = match written.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.trim_end_matches(')')),
            None => (written.trim(), ""),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let name = match name.as_str() {
            "sys.sysname" => "sysname",
            "character varying" | "char varying" => "varchar",
            "uuid" => "uniqueidentifier",
            "double precision" | "double" => "float",
            "boolean" | "bool" | "string" => {
                return Err(Failure::new(243, format!("Type {name} is not a defined system type.")));
            }
            other => other,
        };
        let mut arguments = arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty());
        let (first, second) = (arguments.next(), arguments.next());
        // `cast` and `convert` take 30 where no length is written.
        let first = match name {
            "char" | "varchar" | "nchar" | "nvarchar" | "binary" | "varbinary" => first.or(Some("30")),
            _ => first,
        };
        let known = super::super::types::system_type_named(name).is_some();
        match system(name, first, second) {
            Some(sql_type) => Ok(sql_type),
            None if known => Err(unknown("the type", data_type)),
            None => Err(Failure::new(243, format!("Type {name} is not a defined system type."))),
        }
    }
}

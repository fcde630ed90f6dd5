//! Which type an expression has: data type precedence ("Data type precedence (Transact-SQL)").

use mssql2pg_catalog::{Length, SqlType};

/// Higher wins when two types meet.
pub(super) fn precedence(sql_type: &SqlType) -> u8 {
    match sql_type {
        SqlType::SqlVariant => 40,
        SqlType::Xml | SqlType::Json | SqlType::Vector { .. } => 39,
        SqlType::DateTimeOffset { .. } => 38,
        SqlType::DateTime2 { .. } => 37,
        SqlType::DateTime => 36,
        SqlType::SmallDateTime => 35,
        SqlType::Date => 34,
        SqlType::Time { .. } => 33,
        SqlType::Float => 32,
        SqlType::Real => 31,
        SqlType::Decimal { .. } => 30,
        SqlType::Money => 29,
        SqlType::SmallMoney => 28,
        SqlType::BigInt => 27,
        SqlType::Int => 26,
        SqlType::SmallInt => 25,
        SqlType::TinyInt => 24,
        SqlType::Bit => 23,
        SqlType::NText => 22,
        SqlType::Text => 21,
        SqlType::Image => 20,
        SqlType::RowVersion => 19,
        SqlType::UniqueIdentifier => 18,
        SqlType::NVarChar { .. } => 17,
        SqlType::NChar { .. } => 16,
        SqlType::VarChar { .. } => 15,
        SqlType::Char { .. } => 14,
        SqlType::VarBinary { .. } => 13,
        SqlType::Binary { .. } => 12,
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry | SqlType::Unknown { .. } => 41,
    }
}

/// What can be compared as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Exact,
    Approximate,
    Date,
    Time,
    Text,
    Binary,
    Guid,
    Other,
}

/// The class of a type.
pub(super) fn class(sql_type: &SqlType) -> Class {
    match precedence(sql_type) {
        34..=38 => Class::Date,
        33 => Class::Time,
        31..=32 => Class::Approximate,
        23..=30 => Class::Exact,
        21..=22 | 14..=17 | 39 => Class::Text,
        18 => Class::Guid,
        12..=13 | 19..=20 | 41 => Class::Binary,
        _ => Class::Other,
    }
}

/// Whether its texts are Unicode.
pub(super) fn is_national(sql_type: &SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText | SqlType::Xml | SqlType::Json
    )
}

/// The type of a value that may be of either type: of a `case`, or a column of `values`.
pub(super) fn common(a: &SqlType, b: &SqlType) -> SqlType {
    let (higher, lower) = if precedence(a) >= precedence(b) { (a, b) } else { (b, a) };
    let wider = |most: u16| match (length(higher), length(lower)) {
        (Some(a), Some(b)) if a.max(b) <= most => Length::limited(a.max(b)),
        _ => Length::MAX,
    };
    match (higher, lower) {
        (SqlType::NVarChar { .. } | SqlType::NChar { .. }, _)
            if class(lower) == Class::Text && higher != lower =>
        {
            SqlType::NVarChar { length: wider(4000) }
        }
        (SqlType::VarChar { .. } | SqlType::Char { .. }, _)
            if class(lower) == Class::Text && higher != lower =>
        {
            SqlType::VarChar { length: wider(8000) }
        }
        (SqlType::VarBinary { .. } | SqlType::Binary { .. }, _)
            if class(lower) == Class::Binary && higher != lower =>
        {
            SqlType::VarBinary { length: wider(8000) }
        }
        (SqlType::Decimal { precision, scale }, _) => {
            let (digits, places) = match lower {
                SqlType::Decimal { precision, scale } => (precision - scale.min(precision), *scale),
                SqlType::Money | SqlType::SmallMoney => (15, 4),
                SqlType::BigInt => (19, 0),
                SqlType::Int => (10, 0),
                SqlType::SmallInt => (5, 0),
                SqlType::TinyInt => (3, 0),
                _ => (1, 0),
            };
            let scale_wanted = (*scale).max(places);
            let whole = (precision - scale.min(precision)).max(digits);
            SqlType::Decimal { precision: (whole + scale_wanted).min(38), scale: scale_wanted }
        }
        (SqlType::DateTime2 { scale }, SqlType::DateTime2 { scale: other }) => {
            SqlType::DateTime2 { scale: (*scale).max(*other) }
        }
        (SqlType::DateTimeOffset { scale }, SqlType::DateTimeOffset { scale: other }) => {
            SqlType::DateTimeOffset { scale: (*scale).max(*other) }
        }
        (SqlType::Time { scale }, SqlType::Time { scale: other }) => {
            SqlType::Time { scale: (*scale).max(*other) }
        }
        _ => higher.clone(),
    }
}

pub(super) fn length(sql_type: &SqlType) -> Option<u16> {
    match sql_type {
        SqlType::Char { length } | SqlType::NChar { length } | SqlType::Binary { length } => Some(*length),
        SqlType::VarChar { length } | SqlType::NVarChar { length } | SqlType::VarBinary { length } => {
            length.0
        }
        _ => None,
    }
}

//! What can be measured of a column by any engine, exactly: the second witness.
//!
//! The first witness compares the bytes that were sent with those read back; both went through one encoder, so that a
//! wrong rule escapes it. A measure is computed by each side's own means: from the decoded values on the one, before any
//! encoder has them, in SQL on the other. The definitions are such that SQL Server could compute them, too.
//!
//! Invariant: a measure's text is canonical: two engines that hold the same values give the same text.
//!
//! To extend: a measure is a variant of [`Measure`] with its definition, and a place in [`MeasureKind::measures`].

use crate::SqlType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One measure of a column, over its values that are not NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The smallest. Whole numbers in decimal; decimals with all digits of their scale; dates as days since 0001-01-01;
    /// times as microseconds since midnight, and times with a date as microseconds since 0001-01-01 (UTC where there is an
    /// offset), the seventh digit cut; `float` and `real` as their IEEE 754 bits in hexadecimal, -0 as 0.
    Minimum,
    /// The largest, likewise.
    Maximum,
    /// The exact sum, in the same units; of `float` and `real` the sum of their bits as signed whole numbers.
    Sum,
    /// How many are true.
    True,
    /// How many numbers are not 0.
    NotZero,
    /// All lengths together: of text in UTF-16 units, of fixed-length text without its trailing blanks; of binary values
    /// in bytes.
    Length,
    /// All lengths of text together in bytes of UTF-8, of fixed-length text without its trailing blanks.
    Utf8Length,
    /// The sum of the first characters' code points, those from U+D800 on left out; of the first bytes; of the whole numbers
    /// that the first bytes of a `uniqueidentifier`'s first three groups make, as they are written.
    Heads,
    /// The same of the last ones; of a `uniqueidentifier` of its ninth byte, where the fourth group begins, and its last.
    Tails,
}

/// Which measures a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureKind {
    /// `bit`.
    Flag,
    /// Numbers with so many digits after the point.
    Number {
        /// The scale.
        scale: u8,
    },
    /// `float`.
    Float,
    /// `real`.
    Real,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// `datetime`, `smalldatetime`, `datetime2`.
    Moment,
    /// `datetimeoffset`.
    Instant,
    /// Text of variable length.
    Text,
    /// Text of fixed length: its trailing blanks mean nothing.
    PaddedText,
    /// Bytes.
    Bytes,
    /// `uniqueidentifier`.
    Guid,
    /// Anything else: its NULLs are counted.
    Presence,
}

impl MeasureKind {
    /// What can be measured of a type.
    pub fn of(sql_type: &SqlType) -> Self {
        match sql_type {
            SqlType::Bit => Self::Flag,
            SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
                Self::Number { scale: 0 }
            }
            SqlType::Decimal { scale, .. } => Self::Number { scale: *scale },
            SqlType::Money | SqlType::SmallMoney => Self::Number { scale: 4 },
            SqlType::Real => Self::Real,
            SqlType::Float => Self::Float,
            SqlType::Date => Self::Date,
            SqlType::Time { .. } => Self::Time,
            SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2 { .. } => Self::Moment,
            SqlType::DateTimeOffset { .. } => Self::Instant,
            SqlType::Char { .. } | SqlType::NChar { .. } => Self::PaddedText,
            SqlType::VarChar { .. } | SqlType::NVarChar { .. } | SqlType::Text | SqlType::NText => Self::Text,
            SqlType::Binary { .. } | SqlType::VarBinary { .. } | SqlType::Image | SqlType::RowVersion => {
                Self::Bytes
            }
            SqlType::UniqueIdentifier => Self::Guid,
            SqlType::Xml
            | SqlType::SqlVariant
            | SqlType::HierarchyId
            | SqlType::Geography
            | SqlType::Geometry
            | SqlType::Json
            | SqlType::Vector { .. }
            | SqlType::Unknown { .. } => Self::Presence,
        }
    }

    /// The measures, in the order in which queries give them.
    pub fn measures(self) -> &'static [Measure] {
        use Measure::{Heads, Length, Maximum, Minimum, NotZero, Sum, Tails, True, Utf8Length};
        match self {
            Self::Flag => &[True],
            Self::Number { .. } | Self::Date | Self::Time | Self::Moment | Self::Instant => {
                &[Minimum, Maximum, Sum]
            }
            Self::Float | Self::Real => &[Minimum, Maximum, Sum, NotZero],
            Self::Text | Self::PaddedText => &[Length, Utf8Length, Heads, Tails],
            Self::Bytes => &[Length, Heads, Tails],
            Self::Guid => &[Heads, Tails],
            Self::Presence => &[],
        }
    }
}

/// What was measured of one column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ColumnMeasures {
    /// Its NULLs.
    pub nulls: u64,
    /// The measures; one that this engine cannot compute, or that has no value, is absent.
    pub measures: BTreeMap<Measure, String>,
}

/// What was measured of one table: its stored columns in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableMeasures {
    /// Its rows.
    pub rows: u64,
    /// Its stored columns.
    pub columns: Vec<ColumnMeasures>,
}

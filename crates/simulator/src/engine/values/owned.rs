//! One value that is kept, and a borrowed one that may stand in a `sql_variant`.

use mssql2pg_catalog::{CodePage, RowSink, Value, VariantValue};

/// A borrowed value. Unlike [`Value`], it can be taken out of a kept `sql_variant` without a place to borrow from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell<'a> {
    /// The base type, when the value stands in a `sql_variant`.
    pub(crate) base_type: Option<&'a str>,
    /// The value itself; never a variant.
    pub(crate) value: Value<'a>,
}

impl<'a> Cell<'a> {
    /// Outside of a variant.
    pub(crate) fn plain(value: Value<'a>) -> Self {
        Self { base_type: None, value }
    }

    /// The same, taken apart.
    pub(crate) fn of(value: Value<'a>) -> Self {
        match value {
            Value::Variant(variant) => Self { base_type: Some(variant.base_type), value: variant.value },
            _ => Self::plain(value),
        }
    }

    /// Hands it to a sink.
    pub(crate) fn give(self, sink: &mut dyn RowSink) {
        match self.base_type {
            Some(base_type) => sink.value(Value::Variant(&VariantValue { base_type, value: self.value })),
            None => sink.value(self.value),
        }
    }

    /// Whether it is NULL.
    pub(crate) fn is_null(self) -> bool {
        self.value == Value::Null
    }
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OwnedValue {
    Null,
    Bit(bool),
    Int(i64),
    Real(f32),
    Float(f64),
    Decimal { magnitude: [u8; 16], scale: u8, negative: bool },
    Money(i64),
    Date(i32),
    Time(u64),
    DateTime2 { days: i32, ticks: u64 },
    DateTime { days: i32, ticks: u32 },
    DateTimeOffset { days: i32, ticks: u64, offset_minutes: i16 },
    Utf16(Box<[u8]>),
    CodePage(Box<[u8]>, CodePage),
    Utf8(Box<[u8]>),
    Bytes(Box<[u8]>),
    Guid([u8; 16]),
    Variant(Box<(String, OwnedValue)>),
}

impl OwnedValue {
    /// Keeps a borrowed value.
    pub(crate) fn of(cell: Cell<'_>) -> Self {
        let value = match cell.value {
            Value::Null | Value::Variant(_) => Self::Null,
            Value::Bit(bit) => Self::Bit(bit),
            Value::Int(number) => Self::Int(number),
            Value::Real(number) => Self::Real(number),
            Value::Float(number) => Self::Float(number),
            Value::Decimal { magnitude, scale, negative } => {
                Self::Decimal { magnitude: *magnitude, scale, negative }
            }
            Value::Money(units) => Self::Money(units),
            Value::Date(days) => Self::Date(days),
            Value::Time(ticks) => Self::Time(ticks),
            Value::DateTime2 { days, ticks } => Self::DateTime2 { days, ticks },
            Value::DateTime { days, ticks } => Self::DateTime { days, ticks },
            Value::DateTimeOffset { days, ticks, offset_minutes } => {
                Self::DateTimeOffset { days, ticks, offset_minutes }
            }
            Value::Utf16(bytes) => Self::Utf16(bytes.into()),
            Value::CodePage(bytes, page) => Self::CodePage(bytes.into(), page),
            Value::Utf8(bytes) => Self::Utf8(bytes.into()),
            Value::Bytes(bytes) => Self::Bytes(bytes.into()),
            Value::Guid(guid) => Self::Guid(*guid),
        };
        match cell.base_type {
            Some(base_type) => Self::Variant(Box::new((base_type.to_owned(), value))),
            None => value,
        }
    }

    /// Borrows it.
    pub(crate) fn cell(&self) -> Cell<'_> {
        Cell::plain(match self {
            Self::Null => Value::Null,
            Self::Bit(bit) => Value::Bit(*bit),
            Self::Int(number) => Value::Int(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Decimal { magnitude, scale, negative } => {
                Value::Decimal { magnitude, scale: *scale, negative: *negative }
            }
            Self::Money(units) => Value::Money(*units),
            Self::Date(days) => Value::Date(*days),
            Self::Time(ticks) => Value::Time(*ticks),
            Self::DateTime2 { days, ticks } => Value::DateTime2 { days: *days, ticks: *ticks },
            Self::DateTime { days, ticks } => Value::DateTime { days: *days, ticks: *ticks },
            Self::DateTimeOffset { days, ticks, offset_minutes } => {
                Value::DateTimeOffset { days: *days, ticks: *ticks, offset_minutes: *offset_minutes }
            }
            Self::Utf16(bytes) => Value::Utf16(bytes),
            Self::CodePage(bytes, page) => Value::CodePage(bytes, *page),
            Self::Utf8(bytes) => Value::Utf8(bytes),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Guid(guid) => Value::Guid(guid),
            Self::Variant(variant) => {
                return Cell { base_type: Some(&variant.0), value: variant.1.cell().value };
            }
        })
    }

    /// Text as `nvarchar` keeps it.
    pub(crate) fn utf16(text: &str) -> Self {
        Self::Utf16(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
    }

    /// A decimal from the value times 10^scale.
    pub(crate) fn decimal(unscaled: i128, scale: u8) -> Self {
        let magnitude = unscaled.unsigned_abs().to_le_bytes();
        Self::Decimal { magnitude, scale, negative: unscaled < 0 }
    }
}

//! One value, borrowed from whatever the source read, and the sink that takes rows of them.

/// A value of one cell as SQL Server means it, in SQL Server's own units.
///
/// Borrowed: it lives until the sink's call returns. 24 bytes, so that it travels in registers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// `bit`.
    Bit(bool),
    /// `tinyint`, `smallint`, `int`, `bigint`.
    Int(i64),
    /// `real`.
    Real(f32),
    /// `float`.
    Float(f64),
    /// `decimal`/`numeric`: magnitude as 128-bit little-endian, digits after the point, sign.
    Decimal {
        /// The absolute value times 10^scale.
        magnitude: &'a [u8; 16],
        /// Digits after the decimal point, 0 to 38.
        scale: u8,
        /// Whether it is below zero.
        negative: bool,
    },
    /// `money`, `smallmoney`: ten-thousandths.
    Money(i64),
    /// `date`: days since 0001-01-01.
    Date(i32),
    /// `time(n)`: 100 ns since midnight, whatever n.
    Time(u64),
    /// `datetime2(n)`, `smalldatetime`: days since 0001-01-01 and 100 ns since midnight.
    DateTime2 {
        /// Days since 0001-01-01.
        days: i32,
        /// 100 ns since midnight.
        ticks: u64,
    },
    /// `datetime`: days since 1900-01-01 and 1/300 s since midnight.
    DateTime {
        /// Days since 1900-01-01; negative before.
        days: i32,
        /// 1/300 s since midnight.
        ticks: u32,
    },
    /// `datetimeoffset(n)`: the instant in UTC, and the offset it was written with.
    DateTimeOffset {
        /// Days since 0001-01-01, in UTC.
        days: i32,
        /// 100 ns since midnight, in UTC.
        ticks: u64,
        /// Minutes east of UTC, -840 to 840.
        offset_minutes: i16,
    },
    /// Characters as UTF-16LE: `nchar`, `nvarchar`, `ntext`, `xml`, and all text of a `.bacpac`.
    Utf16(&'a [u8]),
    /// Characters in a code page: `char`, `varchar`, `text` from pages and TDS.
    CodePage(&'a [u8], CodePage),
    /// Characters as UTF-8: columns of a `_UTF8` collation, and tests.
    Utf8(&'a [u8]),
    /// `binary`, `varbinary`, `image`, `rowversion`, and CLR types in their own serialisation.
    Bytes(&'a [u8]),
    /// `uniqueidentifier` in SQL Server's mixed-endian order, as stored.
    Guid(&'a [u8; 16]),
    /// `sql_variant`: a value and its base type.
    Variant(&'a VariantValue<'a>),
}

/// What a `sql_variant` holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariantValue<'a> {
    /// The base type's name with its parameters, for example `decimal(10,2)`.
    pub base_type: &'a str,
    /// The value; never a variant itself.
    pub value: Value<'a>,
}

/// A Windows code page number, for example 1252. 65001 is UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodePage(pub u16);

const _: () = assert!(std::mem::size_of::<Value<'_>>() <= 24);

/// The sink wants no more rows; the reason is with the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// Takes rows, value by value.
///
/// A source calls [`RowSink::value`] once for each of [`crate::Table::stored_columns`], in order,
/// then [`RowSink::end_row`]. The sink itself decides what happens to a value that it cannot use.
pub trait RowSink: Send {
    /// Takes the next value of the current row.
    fn value(&mut self, value: Value<'_>);
    /// Ends the current row. On [`Stop`] the source returns at once.
    ///
    /// # Errors
    /// [`Stop`] when the sink wants no more rows.
    fn end_row(&mut self) -> Result<(), Stop>;
}

//! Small answers: what the server says to a question about itself, kept whole.
//!
//! Invariant: a value of a type that no question of ours asks for is kept as text that nobody mistakes for a value.

use super::connect::Rows;
use super::failure;
use crate::SourceError;
use mssql_tds::datatypes::column_values::{
    SqlDate, SqlDateTime, SqlDateTime2, SqlDateTimeOffset, SqlMoney, SqlSmallDateTime, SqlSmallMoney,
    SqlTime, SqlXml,
};
use mssql_tds::datatypes::decoder::DecimalParts;
use mssql_tds::datatypes::row_writer::RowWriter;
use mssql_tds::datatypes::sql_json::SqlJson;
use mssql_tds::datatypes::sql_string::EncodingType;
use mssql_tds::datatypes::sql_vector::SqlVector;
use std::borrow::Cow;
use uuid::Uuid;

/// Days from 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: i32 = 693_595;
/// 100 ns in a minute.
const TICKS_PER_MINUTE: u64 = 600_000_000;

/// A value of a small answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// NULL.
    Null,
    /// `bit` and the whole numbers.
    Int(i64),
    /// `real` and `float`.
    Float(f64),
    /// Any character type.
    Text(String),
    /// Any binary type, and `uniqueidentifier` as it is stored, the first three groups little-endian.
    Bytes(Vec<u8>),
    /// `decimal`: the value times 10^scale.
    Decimal {
        /// The value times 10^scale.
        unscaled: i128,
        /// Digits after the point.
        scale: u8,
    },
    /// `money` and `smallmoney`: the value times 10,000.
    Money(i64),
    /// `date`: days since 0001-01-01.
    Date(i32),
    /// `time`: units of 100 ns since midnight.
    Time(u64),
    /// `datetime`: days since 1900-01-01, and units of 1/300 s since midnight.
    DateTime {
        /// Days since 1900-01-01.
        days: i32,
        /// Units of 1/300 s since midnight.
        ticks: u32,
    },
    /// `datetime2` and `smalldatetime`, and `datetimeoffset` in UTC: days since 0001-01-01, and units of 100 ns since
    /// midnight.
    DateTime2 {
        /// Days since 0001-01-01.
        days: i32,
        /// Units of 100 ns since midnight.
        ticks: u64,
    },
    /// A type that our questions do not ask for.
    Other(&'static str),
}

/// The answer to a question: named columns, and rows.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// One row of an [`Answer`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerRow<'a> {
    columns: &'a [String],
    cells: &'a [Cell],
}

impl Answer {
    /// Its rows, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = AnswerRow<'_>> {
        self.rows.iter().map(|cells| AnswerRow { columns: &self.columns, cells })
    }

    /// From names and rows that did not come from a server.
    #[cfg(test)]
    pub(crate) fn made_up(columns: &[&str], rows: Vec<Vec<Cell>>) -> Self {
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows }
    }

    /// Its first row.
    pub(crate) fn first(&self) -> Option<AnswerRow<'_>> {
        self.rows().next()
    }
}

impl<'a> AnswerRow<'a> {
    /// All its cells, in order.
    pub(crate) fn cells(self) -> &'a [Cell] {
        self.cells
    }

    /// The cell of that column; names compare without regard to case.
    ///
    /// # Errors
    /// When the answer has no such column: the query and its reader differ.
    pub(crate) fn cell(self, column: &str) -> Result<&'a Cell, SourceError> {
        let place = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column));
        place
            .and_then(|place| self.cells.get(place))
            .ok_or_else(|| failure::answer(format!("the answer has no column {column}")))
    }

    /// Text, or none for NULL.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn text(self, column: &str) -> Result<Option<&'a str>, SourceError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            _ => Err(failure::answer(format!("column {column} is not text"))),
        }
    }

    /// Text that is never NULL.
    ///
    /// # Errors
    /// When it is NULL or something else.
    pub(crate) fn name(self, column: &str) -> Result<String, SourceError> {
        let text = self.text(column)?;
        text.map(str::to_owned).ok_or_else(|| failure::answer(format!("column {column} is NULL")))
    }

    /// A whole number, or none for NULL.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn int(self, column: &str) -> Result<Option<i64>, SourceError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(*value)),
            Cell::Decimal { unscaled, scale: 0 } => i64::try_from(*unscaled)
                .map(Some)
                .map_err(|_| failure::answer(format!("column {column} is out of range"))),
            _ => Err(failure::answer(format!("column {column} is not a whole number"))),
        }
    }

    /// A whole number of up to 38 digits, or none for NULL.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn large(self, column: &str) -> Result<Option<i128>, SourceError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(i128::from(*value))),
            Cell::Decimal { unscaled, scale: 0 } => Ok(Some(*unscaled)),
            _ => Err(failure::answer(format!("column {column} is not a whole number"))),
        }
    }

    /// A whole number that is never NULL.
    ///
    /// # Errors
    /// When it is NULL or something else.
    pub(crate) fn id(self, column: &str) -> Result<i64, SourceError> {
        self.int(column)?.ok_or_else(|| failure::answer(format!("column {column} is NULL")))
    }

    /// `bit`, with NULL as false.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn flag(self, column: &str) -> Result<bool, SourceError> {
        Ok(self.int(column)?.is_some_and(|value| value != 0))
    }
}

/// Keeps every row.
#[derive(Debug, Default)]
pub(crate) struct CellWriter {
    row: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl CellWriter {
    /// What was written.
    pub(crate) fn answer(self, columns: Vec<String>) -> Answer {
        Answer { columns, rows: self.rows }
    }

    fn decimal(&mut self, value: &DecimalParts) {
        let magnitude = i128::try_from(value.magnitude()).unwrap_or(i128::MAX);
        let unscaled = if value.is_positive { magnitude } else { -magnitude };
        self.row.push(Cell::Decimal { unscaled, scale: value.scale });
    }
}

/// Three bytes on the wire: they always fit.
fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16_lossy(&units)
}

/// More rows than this are no answer to a question about the catalog.
const MOST_ROWS: usize = 20_000_000;

impl Rows for CellWriter {
    fn row_ended(&mut self) -> bool {
        self.rows.push(std::mem::take(&mut self.row));
        self.rows.len() < MOST_ROWS
    }
}

impl RowWriter for CellWriter {
    fn write_null(&mut self, _col: usize) {
        self.row.push(Cell::Null);
    }
    fn write_bool(&mut self, _col: usize, val: bool) {
        self.row.push(Cell::Int(i64::from(val)));
    }
    fn write_u8(&mut self, _col: usize, val: u8) {
        self.row.push(Cell::Int(i64::from(val)));
    }
    fn write_i16(&mut self, _col: usize, val: i16) {
        self.row.push(Cell::Int(i64::from(val)));
    }
    fn write_i32(&mut self, _col: usize, val: i32) {
        self.row.push(Cell::Int(i64::from(val)));
    }
    fn write_i64(&mut self, _col: usize, val: i64) {
        self.row.push(Cell::Int(val));
    }
    fn write_f32(&mut self, _col: usize, val: f32) {
        self.row.push(Cell::Float(f64::from(val)));
    }
    fn write_f64(&mut self, _col: usize, val: f64) {
        self.row.push(Cell::Float(val));
    }
    fn write_string(&mut self, _col: usize, bytes: Cow<'_, [u8]>, encoding_type: EncodingType) {
        let text = match encoding_type {
            EncodingType::Utf16 => utf16(&bytes),
            // Names are nvarchar; what is varchar in the catalog views is ASCII, but a key's value may be anything.
            other => match other.resolved_encoding() {
                Some(encoding) => encoding.decode_without_bom_handling(&bytes).0.into_owned(),
                None => String::from_utf8_lossy(&bytes).into_owned(),
            },
        };
        self.row.push(Cell::Text(text));
    }
    fn write_bytes(&mut self, _col: usize, bytes: Cow<'_, [u8]>) {
        self.row.push(Cell::Bytes(bytes.into_owned()));
    }
    fn write_decimal(&mut self, _col: usize, val: DecimalParts) {
        self.decimal(&val);
    }
    fn write_numeric(&mut self, _col: usize, val: DecimalParts) {
        self.decimal(&val);
    }
    fn write_date(&mut self, _col: usize, val: SqlDate) {
        self.row.push(Cell::Date(days(val.get_days())));
    }
    fn write_time(&mut self, _col: usize, val: SqlTime) {
        // Units of 100 ns, whatever the field's name says.
        self.row.push(Cell::Time(val.time_nanoseconds));
    }
    fn write_datetime(&mut self, _col: usize, val: SqlDateTime) {
        self.row.push(Cell::DateTime { days: val.days, ticks: val.time });
    }
    fn write_smalldatetime(&mut self, _col: usize, val: SqlSmallDateTime) {
        let days = DAYS_TO_1900 + i32::from(val.days);
        self.row.push(Cell::DateTime2 { days, ticks: u64::from(val.time) * TICKS_PER_MINUTE });
    }
    fn write_datetime2(&mut self, _col: usize, val: SqlDateTime2) {
        self.row.push(Cell::DateTime2 { days: days(val.days), ticks: val.time.time_nanoseconds });
    }
    fn write_datetimeoffset(&mut self, _col: usize, val: SqlDateTimeOffset) {
        // MS-TDS 2.2.5.5.1.9: the time is UTC, the offset is beside it.
        let (days, ticks) = (days(val.datetime2.days), val.datetime2.time.time_nanoseconds);
        self.row.push(Cell::DateTime2 { days, ticks });
    }
    fn write_money(&mut self, _col: usize, val: SqlMoney) {
        // MS-TDS 2.2.5.5.1.4: the high word comes first.
        let low = u32::from_ne_bytes(val.lsb_part.to_ne_bytes());
        self.row.push(Cell::Money(i64::from(val.msb_part) << 32 | i64::from(low)));
    }
    fn write_smallmoney(&mut self, _col: usize, val: SqlSmallMoney) {
        self.row.push(Cell::Money(i64::from(val.int_val)));
    }
    fn write_uuid(&mut self, _col: usize, val: Uuid) {
        self.row.push(Cell::Bytes(val.to_bytes_le().to_vec()));
    }
    fn write_xml(&mut self, _col: usize, val: SqlXml) {
        self.row.push(Cell::Text(utf16(&val.bytes)));
    }
    fn write_json(&mut self, _col: usize, val: SqlJson) {
        self.row.push(Cell::Text(String::from_utf8_lossy(&val.bytes).into_owned()));
    }
    fn write_vector(&mut self, _col: usize, _val: SqlVector) {
        self.row.push(Cell::Other("vector"));
    }
    fn end_row(&mut self) {}
}

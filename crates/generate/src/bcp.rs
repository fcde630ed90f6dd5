//! Rows as DacFx writes them into the parts of a `.bacpac` (formats.md §1.3, "Data 2.0.0.0").
//!
//! Invariant: a value that does not fit its column is never written; it becomes a [`GenerateError::Value`]
//! at the end of the row. NULLs are counted here, where every value passes.
//!
//! To extend: a type is one entry in [`Layout`] and one method.

use crate::GenerateError;
use crate::calendar::DAYS_TO_1900;
use mssql2pg_catalog::{SqlType, Table};

/// Encodes the rows of one table, value by value in the order of [`Table::stored_columns`].
pub(crate) struct RowWriter {
    table: String,
    columns: Vec<StoredColumn>,
    next: usize,
    rows: u64,
    bytes: Vec<u8>,
    mistake: Option<String>,
}

struct StoredColumn {
    name: String,
    cell: Cell,
    nullable: bool,
    nulls: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) layout: Layout,
    nullable: bool,
}

/// How a type is laid out, once nullability is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Bit,
    Integer { width: usize, signed: bool },
    Decimal { precision: u8, scale: u8 },
    Money,
    SmallMoney,
    Real,
    Float,
    Date,
    Time { scale: u8 },
    DateTime,
    SmallDateTime,
    DateTime2 { scale: u8 },
    DateTimeOffset { scale: u8 },
    FixedText { units: usize },
    Text { prefix: usize, units: usize },
    Bytes { prefix: usize, at_least: usize, at_most: usize },
    RowVersion,
    Guid,
    Unwritable,
}

impl Layout {
    fn of(sql_type: &SqlType) -> Self {
        let text = |length: Option<u16>| match length {
            Some(units) => Self::Text { prefix: 2, units: usize::from(units) },
            None => Self::Text { prefix: 8, units: usize::MAX },
        };
        match sql_type {
            SqlType::Bit => Self::Bit,
            SqlType::TinyInt => Self::Integer { width: 1, signed: false },
            SqlType::SmallInt => Self::Integer { width: 2, signed: true },
            SqlType::Int => Self::Integer { width: 4, signed: true },
            SqlType::BigInt => Self::Integer { width: 8, signed: true },
            SqlType::Decimal { precision, scale } => Self::Decimal { precision: *precision, scale: *scale },
            SqlType::Money => Self::Money,
            SqlType::SmallMoney => Self::SmallMoney,
            SqlType::Real => Self::Real,
            SqlType::Float => Self::Float,
            SqlType::Date => Self::Date,
            SqlType::Time { scale } => Self::Time { scale: *scale },
            SqlType::DateTime => Self::DateTime,
            SqlType::SmallDateTime => Self::SmallDateTime,
            SqlType::DateTime2 { scale } => Self::DateTime2 { scale: *scale },
            SqlType::DateTimeOffset { scale } => Self::DateTimeOffset { scale: *scale },
            SqlType::Char { length } => Self::FixedText { units: usize::from(*length) },
            SqlType::VarChar { length } | SqlType::NVarChar { length } => text(length.0),
            SqlType::NText | SqlType::Text => Self::Text { prefix: 4, units: usize::MAX },
            SqlType::Xml => Self::Text { prefix: 8, units: usize::MAX },
            SqlType::Binary { length } => {
                let length = usize::from(*length);
                Self::Bytes { prefix: 2, at_least: length, at_most: length }
            }
            SqlType::VarBinary { length } => match length.0 {
                Some(length) => Self::Bytes { prefix: 2, at_least: 0, at_most: usize::from(length) },
                None => Self::Bytes { prefix: 8, at_least: 0, at_most: usize::MAX },
            },
            SqlType::Image => Self::Bytes { prefix: 4, at_least: 0, at_most: usize::MAX },
            SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => {
                Self::Bytes { prefix: 8, at_least: 0, at_most: usize::MAX }
            }
            SqlType::RowVersion => Self::RowVersion,
            SqlType::UniqueIdentifier => Self::Guid,
            // The layout of the others is not known from a real file, so no row may hold them.
            SqlType::NChar { .. }
            | SqlType::SqlVariant
            | SqlType::Json
            | SqlType::Vector { .. }
            | SqlType::Unknown { .. } => Self::Unwritable,
        }
    }
}

impl Cell {
    /// The bytes of the length prefix, 0 for none.
    pub(crate) fn prefix(self) -> usize {
        match self.layout {
            Layout::Bit | Layout::Decimal { .. } | Layout::Guid => 1,
            Layout::RowVersion => 2,
            Layout::Text { prefix, .. } | Layout::Bytes { prefix, .. } => prefix,
            Layout::FixedText { .. } => usize::from(self.nullable) * 2,
            _ => usize::from(self.nullable),
        }
    }
}

impl RowWriter {
    pub(crate) fn new(table: &Table) -> Self {
        let columns = table
            .stored_columns()
            .map(|column| {
                let cell = Cell { layout: Layout::of(&column.sql_type), nullable: column.nullable };
                StoredColumn { name: column.name.clone(), cell, nullable: column.nullable, nulls: 0 }
            })
            .collect();
        Self { table: table.name.to_string(), columns, next: 0, rows: 0, bytes: Vec::new(), mistake: None }
    }

    /// How each value of a row is laid out.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell> {
        self.columns.iter().map(|column| column.cell)
    }

    /// Rows ended so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes that wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len()
    }

    /// The encoded rows since the last call, whole ones only.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let capacity = self.bytes.capacity();
        std::mem::replace(&mut self.bytes, Vec::with_capacity(capacity))
    }

    /// NULLs by nullable column, `dbo.Customers.Email`.
    pub(crate) fn nulls(&self) -> impl Iterator<Item = (String, u64)> {
        let nullable = self.columns.iter().filter(|column| column.nullable);
        nullable.map(|column| (format!("{}.{}", self.table, column.name), column.nulls))
    }

    /// Ends the row.
    ///
    /// # Errors
    /// [`GenerateError::Value`] when a value did not fit its column, or one is missing.
    pub(crate) fn end_row(&mut self) -> Result<(), GenerateError> {
        if self.next != self.columns.len() {
            self.refuse("the row has too few or too many values");
        }
        if let Some(what) = self.mistake.take() {
            return Err(GenerateError::Value { table: self.table.clone(), row: self.rows, what });
        }
        self.next = 0;
        self.rows += 1;
        Ok(())
    }

    pub(crate) fn null(&mut self) {
        let Some(column) = self.columns.get_mut(self.next) else {
            return self.refuse("there is no such column");
        };
        self.next += 1;
        if !column.nullable {
            return self.refuse("it does not take NULL");
        }
        column.nulls += 1;
        self.bytes.extend_from_slice(&[0xFF; 8][..column.cell.prefix()]);
    }

    pub(crate) fn bit(&mut self, value: bool) {
        match self.cell().layout {
            Layout::Bit => self.bytes.extend_from_slice(&[1, u8::from(value)]),
            _ => self.refuse("it is no bit"),
        }
    }

    pub(crate) fn int(&mut self, value: i64) {
        let cell = self.cell();
        let Layout::Integer { width, signed } = cell.layout else { return self.refuse("it is no integer") };
        let fits = match width {
            1 => u8::try_from(value).is_ok() && !signed,
            2 => i16::try_from(value).is_ok(),
            4 => i32::try_from(value).is_ok(),
            _ => true,
        };
        if !fits {
            return self.refuse("the integer is out of range");
        }
        self.fixed(cell, &value.to_le_bytes()[..width]);
    }

    /// An unsigned count or key.
    pub(crate) fn count(&mut self, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.refuse("the integer is out of range"),
        }
    }

    /// `money` and `smallmoney`, in ten-thousandths.
    pub(crate) fn money(&mut self, value: i64) {
        let cell = self.cell();
        match cell.layout {
            Layout::Money => {
                let bytes = value.to_le_bytes();
                // The high half comes first in this format.
                let halves = [bytes[4], bytes[5], bytes[6], bytes[7], bytes[0], bytes[1], bytes[2], bytes[3]];
                self.fixed(cell, &halves);
            }
            Layout::SmallMoney => match i32::try_from(value) {
                Ok(value) => self.fixed(cell, &value.to_le_bytes()),
                Err(_) => self.refuse("the amount is out of range"),
            },
            _ => self.refuse("it is no money"),
        }
    }

    /// `decimal`, as an integer in units of its last digit.
    pub(crate) fn decimal(&mut self, value: i128) {
        let Layout::Decimal { precision, scale } = self.cell().layout else {
            return self.refuse("it is no decimal");
        };
        let magnitude = value.unsigned_abs();
        if magnitude >= 10u128.pow(u32::from(precision)) {
            return self.refuse("the number has too many digits");
        }
        self.bytes.extend_from_slice(&[19, precision, scale, u8::from(value >= 0)]);
        self.bytes.extend_from_slice(&magnitude.to_le_bytes());
    }

    pub(crate) fn real(&mut self, value: f32) {
        let cell = self.cell();
        match cell.layout {
            Layout::Real => self.fixed(cell, &value.to_le_bytes()),
            _ => self.refuse("it is no real"),
        }
    }

    pub(crate) fn float(&mut self, value: f64) {
        let cell = self.cell();
        match cell.layout {
            Layout::Float => self.fixed(cell, &value.to_le_bytes()),
            _ => self.refuse("it is no float"),
        }
    }

    /// `date`, in days since 0001-01-01.
    pub(crate) fn date(&mut self, days: i64) {
        let cell = self.cell();
        match cell.layout {
            Layout::Date if day_fits(days) => self.fixed(cell, &days.to_le_bytes()[..3]),
            _ => self.refuse("it is no date, or the day is out of range"),
        }
    }

    /// `time(n)`, in 100 ns since midnight.
    pub(crate) fn time(&mut self, ticks: u64) {
        let cell = self.cell();
        match cell.layout {
            Layout::Time { scale } => match scaled_time(ticks, scale) {
                Some((bytes, width)) => self.fixed(cell, &bytes[..width]),
                None => self.refuse("the time has more digits than the column, or is out of range"),
            },
            _ => self.refuse("it is no time"),
        }
    }

    /// A point in time of any type without offset, in days since 0001-01-01 and 100 ns since midnight.
    /// `datetime` takes full 1/300 s and `smalldatetime` full minutes only.
    pub(crate) fn moment(&mut self, days: i64, ticks: u64) {
        let cell = self.cell();
        if !day_fits(days) {
            return self.refuse("the day is out of range");
        }
        match cell.layout {
            Layout::DateTime2 { scale } => {
                let Some((bytes, width)) = scaled_time(ticks, scale) else {
                    return self.refuse("the time has more digits than the column, or is out of range");
                };
                let mut value = [0; 8];
                value[..width].copy_from_slice(&bytes[..width]);
                value[width..width + 3].copy_from_slice(&days.to_le_bytes()[..3]);
                self.fixed(cell, &value[..width + 3]);
            }
            Layout::DateTime => self.datetime(cell, days - DAYS_TO_1900, ticks),
            Layout::SmallDateTime => {
                let minutes = ticks / 600_000_000;
                let (Ok(days), Ok(minutes)) = (u16::try_from(days - DAYS_TO_1900), u16::try_from(minutes))
                else {
                    return self.refuse("the moment is out of range");
                };
                if !ticks.is_multiple_of(600_000_000) {
                    return self.refuse("smalldatetime takes full minutes only");
                }
                let [low, high] = days.to_le_bytes();
                let [minute_low, minute_high] = minutes.to_le_bytes();
                self.fixed(cell, &[low, high, minute_low, minute_high]);
            }
            _ => self.refuse("it is no moment"),
        }
    }

    fn datetime(&mut self, cell: Cell, days: i64, ticks: u64) {
        let (Ok(days), Ok(thirds)) = (i32::try_from(days), u32::try_from(ticks * 3 / 100_000)) else {
            return self.refuse("the moment is out of range");
        };
        if !(ticks * 3).is_multiple_of(100_000) {
            return self.refuse("datetime takes full 1/300 s only");
        }
        let mut value = [0; 8];
        value[..4].copy_from_slice(&days.to_le_bytes());
        value[4..].copy_from_slice(&thirds.to_le_bytes());
        self.fixed(cell, &value);
    }

    /// `datetimeoffset(n)`: the instant in UTC, and minutes east of it.
    pub(crate) fn moment_with_offset(&mut self, days: i64, ticks: u64, offset_minutes: i16) {
        let cell = self.cell();
        let Layout::DateTimeOffset { scale } = cell.layout else { return self.refuse("it has no offset") };
        let Some((bytes, width)) = scaled_time(ticks, scale).filter(|_| day_fits(days)) else {
            return self.refuse("the moment has more digits than the column, or is out of range");
        };
        let mut value = [0; 10];
        value[..width].copy_from_slice(&bytes[..width]);
        value[width..width + 3].copy_from_slice(&days.to_le_bytes()[..3]);
        value[width + 3..width + 5].copy_from_slice(&offset_minutes.to_le_bytes());
        self.fixed(cell, &value[..width + 5]);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.words(&[text]);
    }

    /// Text that is put together from pieces.
    pub(crate) fn words(&mut self, words: &[&str]) {
        let cell = self.cell();
        let start = self.begin_text(cell);
        for word in words {
            if word.is_ascii() {
                self.bytes.extend(word.bytes().flat_map(|byte| [byte, 0]));
            } else {
                self.bytes.extend(word.encode_utf16().flat_map(u16::to_le_bytes));
            }
        }
        self.end_text(cell, start);
    }

    /// Text of any UTF-16 units, a lone surrogate included.
    pub(crate) fn units(&mut self, units: &[u16]) {
        let cell = self.cell();
        let start = self.begin_text(cell);
        self.bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        self.end_text(cell, start);
    }

    fn begin_text(&mut self, cell: Cell) -> usize {
        self.bytes.extend_from_slice(&[0; 8][..cell.prefix()]);
        self.bytes.len()
    }

    fn end_text(&mut self, cell: Cell, start: usize) {
        let units = (self.bytes.len() - start) / 2;
        match cell.layout {
            Layout::FixedText { units: declared } if units <= declared => {
                self.bytes.extend((units..declared).flat_map(|_| [b' ', 0]));
            }
            Layout::Text { units: limit, .. } if units <= limit => {}
            _ => return self.refuse("it is no text, or the text is too long"),
        }
        self.patch_prefix(cell, start);
    }

    /// `binary`, `varbinary`, `image`, and CLR types in their own serialisation.
    pub(crate) fn blob(&mut self, value: &[u8]) {
        let cell = self.cell();
        match cell.layout {
            Layout::Bytes { at_least, at_most, .. } if (at_least..=at_most).contains(&value.len()) => {
                self.bytes.extend_from_slice(&[0; 8][..cell.prefix()]);
                let start = self.bytes.len();
                self.bytes.extend_from_slice(value);
                self.patch_prefix(cell, start);
            }
            _ => self.refuse("it holds no bytes, or not that many"),
        }
    }

    pub(crate) fn rowversion(&mut self, value: u64) {
        match self.cell().layout {
            Layout::RowVersion => {
                self.bytes.extend_from_slice(&8u16.to_le_bytes());
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
            _ => self.refuse("it is no rowversion"),
        }
    }

    /// `uniqueidentifier` in SQL Server's stored byte order.
    pub(crate) fn guid(&mut self, value: [u8; 16]) {
        match self.cell().layout {
            Layout::Guid => {
                self.bytes.push(16);
                self.bytes.extend_from_slice(&value);
            }
            _ => self.refuse("it is no uniqueidentifier"),
        }
    }

    fn cell(&mut self) -> Cell {
        let cell = self.columns.get(self.next).map(|column| column.cell);
        self.next += 1;
        cell.unwrap_or(Cell { layout: Layout::Unwritable, nullable: false })
    }

    fn fixed(&mut self, cell: Cell, value: &[u8]) {
        if cell.nullable {
            // No fixed type is longer than ten bytes.
            self.bytes.push(value.len().to_le_bytes()[0]);
        }
        self.bytes.extend_from_slice(value);
    }

    fn patch_prefix(&mut self, cell: Cell, start: usize) {
        let prefix = cell.prefix();
        let length = (self.bytes.len() - start).to_le_bytes();
        if prefix > 0 && prefix < 8 && length[prefix..].iter().any(|byte| *byte != 0) {
            return self.refuse("it is too long");
        }
        self.bytes[start - prefix..start].copy_from_slice(&length[..prefix]);
    }

    fn refuse(&mut self, what: &str) {
        let column = self.columns.get(self.next.saturating_sub(1)).map_or("?", |column| column.name.as_str());
        self.mistake.get_or_insert_with(|| format!("column {column}: {what}"));
    }
}

fn day_fits(days: i64) -> bool {
    (0..=3_652_058).contains(&days)
}

/// The bytes of a time at a scale, and how many of them; none when digits would be lost.
fn scaled_time(ticks: u64, scale: u8) -> Option<([u8; 8], usize)> {
    let unit = 10u64.pow(7u32.checked_sub(u32::from(scale))?);
    let width = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    (ticks < 864_000_000_000 && ticks.is_multiple_of(unit)).then(|| ((ticks / unit).to_le_bytes(), width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{clock, days};
    use mssql2pg_catalog::{Column, Length};

    fn writer(sql_type: SqlType, nullable: bool) -> RowWriter {
        let column = Column { nullable, ..Column::new("Value", sql_type) };
        RowWriter::new(&Table { columns: vec![column], ..Table::default() })
    }

    #[test]
    fn values_are_laid_out_as_in_real_files() {
        let check = |sql_type: SqlType, nullable, write: fn(&mut RowWriter), expected: &[u8]| {
            let mut writer = writer(sql_type.clone(), nullable);
            write(&mut writer);
            writer.end_row().expect("the value fits");
            assert_eq!(writer.take(), expected, "{sql_type} {nullable}");
        };
        check(SqlType::Int, false, |row| row.int(-2), &[0xFE, 0xFF, 0xFF, 0xFF]);
        check(SqlType::Int, true, |row| row.int(1), &[4, 1, 0, 0, 0]);
        check(SqlType::Int, true, RowWriter::null, &[0xFF]);
        check(SqlType::TinyInt, false, |row| row.int(255), &[255]);
        check(SqlType::Bit, false, |row| row.bit(true), &[1, 1]);
        check(SqlType::Money, false, |row| row.money(10_000), &[0, 0, 0, 0, 0x10, 0x27, 0, 0]);
        check(SqlType::Money, true, |row| row.money(-1), &[8, 255, 255, 255, 255, 255, 255, 255, 255]);
        check(SqlType::SmallMoney, true, |row| row.money(5), &[4, 5, 0, 0, 0]);
        let decimal = SqlType::Decimal { precision: 5, scale: 2 };
        check(decimal.clone(), false, |row| row.decimal(-258), &{
            let mut expected = [0; 20];
            expected[..6].copy_from_slice(&[19, 5, 2, 0, 2, 1]);
            expected
        });
        check(decimal, true, RowWriter::null, &[0xFF]);
        check(SqlType::Date, false, |row| row.date(days(1, 1, 2)), &[1, 0, 0]);
        check(SqlType::Time { scale: 0 }, true, |row| row.time(clock(0, 1, 0)), &[3, 60, 0, 0]);
        check(
            SqlType::DateTime,
            false,
            |row| row.moment(days(1900, 1, 3), clock(0, 0, 1)),
            &[2, 0, 0, 0, 44, 1, 0, 0],
        );
        check(
            SqlType::SmallDateTime,
            true,
            |row| row.moment(days(1900, 1, 2), clock(1, 0, 0)),
            &[4, 1, 0, 60, 0],
        );
        check(SqlType::DateTime2 { scale: 7 }, false, |row| row.moment(1, 2), &[2, 0, 0, 0, 0, 1, 0, 0]);
        check(
            SqlType::DateTimeOffset { scale: 3 },
            false,
            |row| row.moment_with_offset(1, 10_000, -60),
            &[1, 0, 0, 0, 1, 0, 0, 0xC4, 0xFF],
        );
        check(SqlType::Char { length: 3 }, false, |row| row.text("ab"), b"a\0b\0 \0");
        check(SqlType::Char { length: 2 }, true, |row| row.text("ab"), b"\x04\0a\0b\0");
        let name = SqlType::NVarChar { length: Length::limited(4) };
        check(name.clone(), false, |row| row.words(&["a", "ë"]), b"\x04\0a\0\xEB\0");
        check(name.clone(), false, |row| row.text(""), &[0, 0]);
        check(name.clone(), true, RowWriter::null, &[0xFF, 0xFF]);
        check(name, false, |row| row.units(&[0xD83D]), &[2, 0, 0x3D, 0xD8]);
        check(SqlType::NVarChar { length: Length::MAX }, true, |row| row.text("a"), b"\x02\0\0\0\0\0\0\0a\0");
        check(SqlType::NVarChar { length: Length::MAX }, true, RowWriter::null, &[0xFF; 8]);
        check(SqlType::Text, true, |row| row.text("a"), b"\x02\0\0\0a\0");
        check(SqlType::VarBinary { length: Length::limited(9) }, true, |row| row.blob(&[7]), &[1, 0, 7]);
        check(SqlType::RowVersion, false, |row| row.rowversion(1), &[8, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        check(SqlType::UniqueIdentifier, false, |row| row.guid([9; 16]), &{
            let mut expected = [9; 17];
            expected[0] = 16;
            expected
        });
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        let check = |sql_type: SqlType, write: fn(&mut RowWriter), expected: &str| {
            let mut writer = writer(sql_type, false);
            write(&mut writer);
            let error = writer.end_row().expect_err("must be refused").to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(SqlType::Int, RowWriter::null, "does not take NULL");
        check(SqlType::Int, |row| row.int(1 << 31), "out of range");
        check(SqlType::TinyInt, |row| row.int(-1), "out of range");
        check(SqlType::Int, |row| row.text("1"), "no text");
        check(SqlType::Char { length: 1 }, |row| row.text("ab"), "too long");
        check(SqlType::Decimal { precision: 2, scale: 0 }, |row| row.decimal(100), "too many digits");
        check(SqlType::DateTime, |row| row.moment(days(2000, 1, 1), 1), "1/300");
        check(SqlType::SmallDateTime, |row| row.moment(days(2000, 1, 1), 1), "full minutes");
        check(SqlType::DateTime2 { scale: 3 }, |row| row.moment(1, 1), "more digits");
        check(SqlType::Binary { length: 2 }, |row| row.blob(&[1]), "not that many");
        check(SqlType::SqlVariant, |row| row.int(1), "no integer");
        check(SqlType::Int, |_| (), "too few");
    }
}

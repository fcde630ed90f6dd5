//! Rows as a bulk load sends them: the ROW token's values (MS-TDS 2.2.7.20), each type in its nullable form.
//!
//! Invariant: a value that does not fit its column is never sent, and neither is a text with a character that the
//! column's code page lacks: it stops the load and is named by its column.
//!
//! To extend: a type is one entry in [`WireForm::of`] and one arm in [`RowEncoder::encode`].

use encoding_rs::Encoding;
use mssql2pg_catalog::{Column, Length, RowSink, SqlType, Stop, Table, Value};
use std::borrow::Cow;
use std::sync::mpsc::SyncSender;

/// A block is handed over when it has about this size.
const BLOCK_BYTES: usize = 256 << 10;

/// How a column's values travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireForm {
    /// `bit`.
    Bit,
    /// A whole number of that many bytes; one byte has no sign.
    Int(u8),
    /// `real` or `float`, by its bytes.
    Float(u8),
    /// `decimal`.
    Decimal {
        /// Digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `money` or `smallmoney`, by its bytes.
    Money(u8),
    /// `date`.
    Date,
    /// `time(n)`.
    Time(u8),
    /// `datetime`.
    DateTime,
    /// `smalldatetime`.
    SmallDateTime,
    /// `datetime2(n)`.
    DateTime2(u8),
    /// `datetimeoffset(n)`.
    DateTimeOffset(u8),
    /// Characters as UTF-16, of at most so many units: `nchar`, `nvarchar`, `json`.
    Utf16(Length),
    /// Characters in the column's code page, of at most so many bytes: `char`, `varchar`.
    CodePage(Length),
    /// `xml`, as UTF-16.
    Xml,
    /// Bytes, of at most so many: `varbinary`.
    Bytes(Length),
    /// `binary`, so many bytes.
    Binary(u16),
    /// `ntext`.
    NText,
    /// `text`.
    Text,
    /// `image`.
    Image,
    /// A CLR type in its own serialisation.
    Clr,
    /// `uniqueidentifier`.
    Guid,
}

impl WireForm {
    /// The form of a column; none where the server itself makes the value (`rowversion`).
    ///
    /// # Errors
    /// The reason, for a type that is not written yet.
    pub(super) fn of(column: &Column) -> Result<Option<Self>, String> {
        Ok(Some(match &column.sql_type {
            _ if column.encrypted => return Err("an encrypted column is not written".to_owned()),
            SqlType::Bit => Self::Bit,
            SqlType::TinyInt => Self::Int(1),
            SqlType::SmallInt => Self::Int(2),
            SqlType::Int => Self::Int(4),
            SqlType::BigInt => Self::Int(8),
            SqlType::Decimal { precision, scale } => Self::Decimal { precision: *precision, scale: *scale },
            SqlType::Money => Self::Money(8),
            SqlType::SmallMoney => Self::Money(4),
            SqlType::Real => Self::Float(4),
            SqlType::Float => Self::Float(8),
            SqlType::Date => Self::Date,
            SqlType::Time { scale } => Self::Time(*scale),
            SqlType::DateTime => Self::DateTime,
            SqlType::SmallDateTime => Self::SmallDateTime,
            SqlType::DateTime2 { scale } => Self::DateTime2(*scale),
            SqlType::DateTimeOffset { scale } => Self::DateTimeOffset(*scale),
            SqlType::Char { length } => Self::CodePage(Length::limited(*length)),
            SqlType::VarChar { length } => Self::CodePage(*length),
            SqlType::NChar { length } => Self::Utf16(Length::limited(*length)),
            SqlType::NVarChar { length } => Self::Utf16(*length),
            SqlType::Text => Self::Text,
            SqlType::NText => Self::NText,
            SqlType::Json => Self::Utf16(Length::MAX),
            SqlType::Xml => Self::Xml,
            SqlType::Binary { length } => Self::Binary(*length),
            SqlType::VarBinary { length } => Self::Bytes(*length),
            SqlType::Image => Self::Image,
            SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => Self::Clr,
            SqlType::UniqueIdentifier => Self::Guid,
            SqlType::RowVersion => return Ok(None),
            SqlType::SqlVariant | SqlType::Vector { .. } | SqlType::Unknown { .. } => {
                return Err(format!("{} is not written yet", column.sql_type));
            }
        }))
    }

    /// The bytes of a decimal of that precision, its sign included (MS-TDS 2.2.5.5.1.6).
    pub(super) fn decimal_bytes(precision: u8) -> u8 {
        match precision {
            0..=9 => 5,
            10..=19 => 9,
            20..=28 => 13,
            _ => 17,
        }
    }
}

/// Whole rows, one after another.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The values of the rows, without the token that begins a row.
    pub(super) bytes: Vec<u8>,
    /// Where each row ends.
    pub(super) ends: Vec<usize>,
}

/// What the encoder hands over.
#[derive(Debug)]
pub(super) enum Piece {
    /// Some rows.
    Rows(Block),
    /// There are no more rows, and all went well.
    End,
}

/// A column as the encoder sees it.
#[derive(Debug)]
struct EncodedColumn {
    name: String,
    form: Option<WireForm>,
    page: Option<&'static Encoding>,
}

/// Encodes rows, and hands them over block by block. Dropped without [`RowEncoder::finish`], it leaves the load broken.
#[derive(Debug)]
pub(super) struct RowEncoder {
    columns: Vec<EncodedColumn>,
    next: usize,
    block: Block,
    out: SyncSender<Piece>,
    trouble: Option<String>,
}

impl RowEncoder {
    /// For a table's rows; `page_of` tells the code page of a text column.
    ///
    /// # Errors
    /// The column and the reason, for a type that is not written yet.
    pub(super) fn new(
        table: &Table,
        page_of: &dyn Fn(&Column) -> u16,
        out: SyncSender<Piece>,
    ) -> Result<Self, String> {
        let columns: Result<Vec<EncodedColumn>, String> = table
            .stored_columns()
            .map(|column| {
                let form = WireForm::of(column).map_err(|reason| format!("{}: {reason}", column.name))?;
                let page = match form {
                    Some(WireForm::CodePage(_) | WireForm::Text) => {
                        Some(encoding(page_of(column)).ok_or_else(|| {
                            format!("{}: code page {} is not written yet", column.name, page_of(column))
                        })?)
                    }
                    _ => None,
                };
                Ok(EncodedColumn { name: column.name.clone(), form, page })
            })
            .collect();
        Ok(Self { columns: columns?, next: 0, block: Block::default(), out, trouble: None })
    }

    /// Ends the load, unless something was wrong.
    ///
    /// # Errors
    /// What was wrong with a value.
    pub(super) fn finish(mut self) -> Result<(), String> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        // When nobody listens any more, the other side says why.
        let _ = self.hand_over();
        let _ = self.out.send(Piece::End);
        Ok(())
    }

    /// What is wrong with a value, if anything is.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        if self.block.ends.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.block);
        self.out.send(Piece::Rows(block)).map_err(|_| Stop)
    }

    fn refuse(&mut self, what: &str) {
        let column = self.columns.get(self.next.saturating_sub(1)).map_or("?", |column| &column.name);
        self.trouble.get_or_insert_with(|| format!("{column}: {what}"));
    }

    fn encode(
        &mut self,
        form: WireForm,
        page: Option<&'static Encoding>,
        value: Value<'_>,
    ) -> Result<(), &'static str> {
        let out = &mut self.block.bytes;
        match (form, value) {
            (_, Value::Null) => out.extend_from_slice(null_of(form)),
            (WireForm::Bit, Value::Bit(value)) => fixed(out, &[u8::from(value)]),
            (WireForm::Int(1), Value::Int(value)) => {
                fixed(out, &u8::try_from(value).map_err(|_| OUT_OF_RANGE)?.to_le_bytes());
            }
            (WireForm::Int(2), Value::Int(value)) => {
                fixed(out, &i16::try_from(value).map_err(|_| OUT_OF_RANGE)?.to_le_bytes());
            }
            (WireForm::Int(4), Value::Int(value)) => {
                fixed(out, &i32::try_from(value).map_err(|_| OUT_OF_RANGE)?.to_le_bytes());
            }
            (WireForm::Int(_), Value::Int(value)) => fixed(out, &value.to_le_bytes()),
            (WireForm::Float(4), Value::Real(value)) => fixed(out, &value.to_le_bytes()),
            (WireForm::Float(8), Value::Float(value)) => fixed(out, &value.to_le_bytes()),
            (WireForm::Decimal { precision, scale }, Value::Decimal { magnitude, scale: own, negative }) => {
                let digits = usize::from(WireForm::decimal_bytes(precision)) - 1;
                if own != scale || magnitude[digits..].iter().any(|byte| *byte != 0) {
                    return Err("the number does not have the column's digits");
                }
                out.push(WireForm::decimal_bytes(precision));
                out.push(u8::from(!negative));
                out.extend_from_slice(&magnitude[..digits]);
            }
            (WireForm::Money(4), Value::Money(value)) => {
                fixed(out, &i32::try_from(value).map_err(|_| OUT_OF_RANGE)?.to_le_bytes());
            }
            (WireForm::Money(_), Value::Money(value)) => {
                // MS-TDS 2.2.5.5.1.4: the high half comes first.
                let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
                fixed(out, &[e, f, g, h, a, b, c, d]);
            }
            (WireForm::Date, Value::Date(days)) => fixed(out, &three(days)?),
            (WireForm::Time(scale), Value::Time(ticks)) => with_time(out, ticks, scale, &[])?,
            (WireForm::DateTime2(scale), Value::DateTime2 { days, ticks }) => {
                with_time(out, ticks, scale, &three(days)?)?;
            }
            (WireForm::DateTimeOffset(scale), Value::DateTimeOffset { days, ticks, offset_minutes }) => {
                let ([a, b, c], [d, e]) = (three(days)?, offset_minutes.to_le_bytes());
                with_time(out, ticks, scale, &[a, b, c, d, e])?;
            }
            (WireForm::DateTime, Value::DateTime { days, ticks }) => {
                let ([a, b, c, d], [e, f, g, h]) = (days.to_le_bytes(), ticks.to_le_bytes());
                fixed(out, &[a, b, c, d, e, f, g, h]);
            }
            (WireForm::SmallDateTime, Value::DateTime2 { days, ticks }) => {
                let days = u16::try_from(i64::from(days) - DAYS_TO_1900).map_err(|_| OUT_OF_RANGE)?;
                if !ticks.is_multiple_of(TICKS_A_MINUTE) {
                    return Err("the moment is no full minute");
                }
                let minutes = u16::try_from(ticks / TICKS_A_MINUTE).map_err(|_| OUT_OF_RANGE)?;
                let ([a, b], [c, d]) = (days.to_le_bytes(), minutes.to_le_bytes());
                fixed(out, &[a, b, c, d]);
            }
            (WireForm::Guid, Value::Guid(value)) => fixed(out, value),
            (WireForm::Utf16(length), text) => limited(out, &utf16(text)?, byte_limit(length))?,
            (WireForm::Xml, text) => limited(out, &utf16(text)?, None)?,
            (WireForm::NText, text) => long(out, &utf16(text)?)?,
            (WireForm::CodePage(length), text) => limited(out, &in_page(text, page)?, length.0)?,
            (WireForm::Text, text) => long(out, &in_page(text, page)?)?,
            (WireForm::Bytes(length), Value::Bytes(bytes)) => limited(out, bytes, length.0)?,
            (WireForm::Binary(length), Value::Bytes(bytes)) => limited(out, bytes, Some(length))?,
            (WireForm::Image, Value::Bytes(bytes)) => long(out, bytes)?,
            (WireForm::Clr, Value::Bytes(bytes)) => limited(out, bytes, None)?,
            _ => return Err(ANOTHER_TYPE),
        }
        Ok(())
    }
}

impl RowSink for RowEncoder {
    fn value(&mut self, value: Value<'_>) {
        let column = self.columns.get(self.next).map(|column| (column.form, column.page));
        self.next += 1;
        let Some((form, page)) = column else { return self.refuse("the row has too many values") };
        // The server makes the values of the others.
        if let Some(form) = form
            && let Err(what) = self.encode(form, page, value)
        {
            self.refuse(what);
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        if self.next != self.columns.len() {
            self.refuse("the row has too few values");
        }
        if self.trouble.is_some() {
            return Err(Stop);
        }
        self.next = 0;
        self.block.ends.push(self.block.bytes.len());
        match self.block.bytes.len() < BLOCK_BYTES {
            true => Ok(()),
            false => self.hand_over(),
        }
    }
}

const OUT_OF_RANGE: &str = "the value is out of range";
const ANOTHER_TYPE: &str = "the value is of another type";
const TOO_LONG: &str = "the value is too long";
/// 1900-01-01, in days since 0001-01-01.
const DAYS_TO_1900: i64 = 693_595;
const TICKS_A_MINUTE: u64 = 600_000_000;

/// NULL: no bytes; for a limited length 0xFFFF, for a length without limit PLP_NULL (MS-TDS 2.2.5.2.3).
fn null_of(form: WireForm) -> &'static [u8] {
    const NO_LIMIT: Length = Length::MAX;
    match form {
        WireForm::Utf16(NO_LIMIT)
        | WireForm::CodePage(NO_LIMIT)
        | WireForm::Bytes(NO_LIMIT)
        | WireForm::Xml
        | WireForm::Clr => &[0xFF; 8],
        WireForm::Utf16(_) | WireForm::CodePage(_) | WireForm::Bytes(_) | WireForm::Binary(_) => &[0xFF; 2],
        _ => &[0],
    }
}

/// A length of one byte and the value; no such type is longer than 17 bytes.
fn fixed(out: &mut Vec<u8>, value: &[u8]) {
    out.push(value.len().to_le_bytes()[0]);
    out.extend_from_slice(value);
}

/// A value of variable length, in one chunk where its length is without limit.
fn limited(out: &mut Vec<u8>, value: &[u8], limit: Option<u16>) -> Result<(), &'static str> {
    match limit {
        Some(limit) => {
            let length = u16::try_from(value.len()).ok().filter(|length| *length <= limit);
            out.extend_from_slice(&length.ok_or(TOO_LONG)?.to_le_bytes());
            out.extend_from_slice(value);
        }
        None => {
            let length = u32::try_from(value.len()).map_err(|_| TOO_LONG)?;
            out.extend_from_slice(&u64::from(length).to_le_bytes());
            if length > 0 {
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(value);
            }
            out.extend_from_slice(&[0; 4]);
        }
    }
    Ok(())
}

/// A length in UTF-16 units as one in bytes.
fn byte_limit(length: Length) -> Option<u16> {
    length.0.map(|units| units.saturating_mul(2))
}

/// `text`, `ntext`, `image`: a text pointer and a timestamp that the server does not look at, a length, the value.
fn long(out: &mut Vec<u8>, value: &[u8]) -> Result<(), &'static str> {
    let length = i32::try_from(value.len()).map_err(|_| TOO_LONG)?;
    out.push(16);
    out.extend_from_slice(&[0xFF; 16 + 8]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    Ok(())
}

fn three(days: i32) -> Result<[u8; 3], &'static str> {
    match days.to_le_bytes() {
        [a, b, c, 0] => Ok([a, b, c]),
        _ => Err(OUT_OF_RANGE),
    }
}

/// A time of day at a scale, then `rest`.
fn with_time(out: &mut Vec<u8>, ticks: u64, scale: u8, rest: &[u8]) -> Result<(), &'static str> {
    let unit = 10u64.pow(7u32.saturating_sub(u32::from(scale)));
    if !ticks.is_multiple_of(unit) {
        return Err("the time has more digits than the column");
    }
    let width = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    let bytes = (ticks / unit).to_le_bytes();
    if bytes[width..].iter().any(|byte| *byte != 0) {
        return Err(OUT_OF_RANGE);
    }
    out.push((width + rest.len()).to_le_bytes()[0]);
    out.extend_from_slice(&bytes[..width]);
    out.extend_from_slice(rest);
    Ok(())
}

/// Any characters as UTF-16LE.
fn utf16(text: Value<'_>) -> Result<Cow<'_, [u8]>, &'static str> {
    match text {
        Value::Utf16(text) => Ok(Cow::Borrowed(text)),
        Value::Utf8(text) => {
            let text = std::str::from_utf8(text).map_err(|_| "the text is not UTF-8")?;
            Ok(Cow::Owned(text.encode_utf16().flat_map(u16::to_le_bytes).collect()))
        }
        Value::CodePage(text, page) => {
            let page = encoding(page.0).ok_or("the text is in a code page that is not read yet")?;
            let text = page.decode_without_bom_handling_and_without_replacement(text);
            let text = text.ok_or("the text is not in its code page")?;
            Ok(Cow::Owned(text.encode_utf16().flat_map(u16::to_le_bytes).collect()))
        }
        _ => Err(ANOTHER_TYPE),
    }
}

/// Any characters in a code page, none of them replaced.
fn in_page<'a>(text: Value<'a>, page: Option<&'static Encoding>) -> Result<Cow<'a, [u8]>, &'static str> {
    const LACKS: &str = "the column's code page lacks a character of the text";
    let page = page.ok_or(ANOTHER_TYPE)?;
    if let Value::CodePage(text, own) = text
        && encoding(own.0) == Some(page)
    {
        return Ok(Cow::Borrowed(text));
    }
    let units = utf16(text)?;
    let units = units.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| LACKS)?;
    match page.encode(&text) {
        (bytes, _, false) => Ok(Cow::Owned(bytes.into_owned())),
        _ => Err(LACKS),
    }
}

/// The encoding of a Windows code page.
fn encoding(page: u16) -> Option<&'static Encoding> {
    Some(match page {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        65001 => encoding_rs::UTF_8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    fn table(columns: Vec<Column>) -> Table {
        Table { columns, ..Table::default() }
    }

    /// The bytes of one row.
    fn encoded(columns: Vec<Column>, values: &[Value<'_>]) -> Result<Vec<u8>, String> {
        let (out, pieces) = sync_channel(8);
        let mut encoder = RowEncoder::new(&table(columns), &|_| 1252, out)?;
        for value in values {
            encoder.value(*value);
        }
        let _ = encoder.end_row();
        encoder.finish()?;
        let Ok(Piece::Rows(block)) = pieces.recv() else { return Err("no rows came".to_owned()) };
        assert!(matches!(pieces.recv(), Ok(Piece::End)));
        assert_eq!(block.ends, [block.bytes.len()]);
        Ok(block.bytes)
    }

    #[test]
    fn values_are_laid_out_as_the_protocol_says() {
        let check = |sql_type: SqlType, value: Value<'_>, expected: &[u8]| {
            let column = Column::new("c", sql_type.clone());
            assert_eq!(encoded(vec![column], &[value]).as_deref(), Ok(expected), "{sql_type}");
        };
        let nvarchar = |length| SqlType::NVarChar { length };
        check(SqlType::Bit, Value::Bit(true), &[1, 1]);
        check(SqlType::TinyInt, Value::Int(255), &[1, 255]);
        check(SqlType::Int, Value::Int(-2), &[4, 0xFE, 0xFF, 0xFF, 0xFF]);
        check(SqlType::Int, Value::Null, &[0]);
        check(SqlType::Real, Value::Real(1.0), &[4, 0, 0, 128, 63]);
        check(SqlType::Money, Value::Money(-1), &[8, 255, 255, 255, 255, 255, 255, 255, 255]);
        check(SqlType::Money, Value::Money(10_000), &[8, 0, 0, 0, 0, 0x10, 0x27, 0, 0]);
        check(SqlType::SmallMoney, Value::Money(5), &[4, 5, 0, 0, 0]);
        let magnitude = &258u128.to_le_bytes();
        check(
            SqlType::Decimal { precision: 5, scale: 2 },
            Value::Decimal { magnitude, scale: 2, negative: true },
            &[5, 0, 2, 1, 0, 0],
        );
        check(SqlType::Date, Value::Date(1), &[3, 1, 0, 0]);
        check(SqlType::Time { scale: 0 }, Value::Time(600_000_000), &[3, 60, 0, 0]);
        check(SqlType::Time { scale: 7 }, Value::Time(863_999_999_999), &[5, 255, 191, 105, 42, 201]);
        check(
            SqlType::DateTime2 { scale: 3 },
            Value::DateTime2 { days: 1, ticks: 10_000 },
            &[7, 1, 0, 0, 0, 1, 0, 0],
        );
        check(
            SqlType::DateTimeOffset { scale: 3 },
            Value::DateTimeOffset { days: 1, ticks: 10_000, offset_minutes: -60 },
            &[9, 1, 0, 0, 0, 1, 0, 0, 0xC4, 0xFF],
        );
        check(
            SqlType::DateTime,
            Value::DateTime { days: -1, ticks: 300 },
            &[8, 255, 255, 255, 255, 44, 1, 0, 0],
        );
        check(
            SqlType::SmallDateTime,
            Value::DateTime2 { days: 693_596, ticks: 36_000_000_000 },
            &[4, 1, 0, 60, 0],
        );
        check(SqlType::Char { length: 2 }, Value::Utf16(b"a\0b\0"), b"\x02\0ab");
        check(
            SqlType::VarChar { length: Length::limited(3) },
            Value::Utf8("é€".as_bytes()),
            &[2, 0, 0xE9, 0x80],
        );
        check(SqlType::VarChar { length: Length::MAX }, Value::Null, &[0xFF; 8]);
        check(nvarchar(Length::limited(4)), Value::Utf8("ë".as_bytes()), &[2, 0, 0xEB, 0]);
        check(nvarchar(Length::limited(4)), Value::Utf16(&[0x3D, 0xD8]), &[2, 0, 0x3D, 0xD8]);
        check(nvarchar(Length::limited(4)), Value::Null, &[0xFF, 0xFF]);
        check(nvarchar(Length::MAX), Value::Utf16(b"a\0"), b"\x02\0\0\0\0\0\0\0\x02\0\0\0a\0\0\0\0\0");
        check(nvarchar(Length::MAX), Value::Utf16(b""), &[0; 12]);
        check(SqlType::Text, Value::Null, &[0]);
        check(SqlType::NText, Value::Utf8(b"a"), &{
            let mut expected = [0xFF; 31];
            expected[0] = 16;
            expected[25..].copy_from_slice(b"\x02\0\0\0a\0");
            expected
        });
        check(SqlType::VarBinary { length: Length::limited(9) }, Value::Bytes(&[7]), &[1, 0, 7]);
        check(SqlType::UniqueIdentifier, Value::Guid(&[9; 16]), &{
            let mut expected = [9; 17];
            expected[0] = 16;
            expected
        });
    }

    #[test]
    fn a_rowversion_is_the_servers_own_and_not_sent() {
        let columns = vec![Column::new("v", SqlType::RowVersion), Column::new("n", SqlType::SmallInt)];
        assert_eq!(encoded(columns, &[Value::Bytes(&[0; 8]), Value::Int(1)]), Ok(vec![2, 1, 0]));
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_by_its_column() {
        let check = |sql_type: SqlType, value: Value<'_>, expected: &str| {
            let error = encoded(vec![Column::new("c", sql_type)], &[value]).expect_err("must be refused");
            assert!(error.starts_with("c: ") && error.contains(expected), "{error}");
        };
        check(SqlType::TinyInt, Value::Int(-1), "out of range");
        check(SqlType::Int, Value::Int(1 << 31), "out of range");
        check(SqlType::Int, Value::Bit(true), "another type");
        check(SqlType::NVarChar { length: Length::limited(1) }, Value::Utf16(b"a\0b\0"), "too long");
        check(SqlType::Text, Value::Utf8("買".as_bytes()), "lacks a character");
        check(SqlType::Time { scale: 3 }, Value::Time(1), "more digits");
        check(SqlType::Date, Value::Date(-1), "out of range");
        check(SqlType::SmallDateTime, Value::DateTime2 { days: 0, ticks: 0 }, "out of range");
        check(SqlType::SqlVariant, Value::Null, "not written yet");
        let error = encoded(vec![Column::new("c", SqlType::Int)], &[]).expect_err("must be refused");
        assert!(error.contains("too few"), "{error}");
    }
}

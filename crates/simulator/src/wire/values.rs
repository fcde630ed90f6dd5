//! Values in the form of their column (MS-TDS 2.2.5.2.3 and 2.2.5.5).
//!
//! Invariant: what is sent means exactly the value that was given, or nothing is sent and the reason is told. Text may
//! come in any encoding, whatever its column's.

use crate::wire::form::{Form, Size, WireColumn};
use crate::wire::pages::{self, UTF8};
use crate::wire::variant;
use mssql2pg_catalog::{CodePage, Value};
use std::borrow::Cow;

/// Days from 0001-01-01 to 1900-01-01.
pub(crate) const DAYS_TO_1900: i32 = 693_595;

/// 100 ns in a minute.
const TICKS_A_MINUTE: u64 = 600_000_000;

/// What the length of a PLP value is when it is not told, and for NULL.
const UNKNOWN_LENGTH: u64 = 0xffff_ffff_ffff_fffe;
const PLP_NULL: [u8; 8] = [0xff; 8];

/// Sizes of the chunks of PLP values, in turn: a reader must not count on any.
const CHUNKS: [usize; 6] = [2, 14, 100, 4_000, 8_040, 65_536];

/// Writes values; remembers in which ways PLP values have been cut, to take another way for the next.
#[derive(Debug, Default)]
pub(crate) struct ValueWriter {
    turn: usize,
    scratch: Vec<u8>,
}

/// NULL in a ROW token.
///
/// # Errors
/// When the column cannot be NULL.
pub(crate) fn null(column: &WireColumn) -> Result<&'static [u8], String> {
    if column.is_bare() {
        return Err(format!("column {}: NULL where none may be", column.name));
    }
    Ok(match column.form {
        Form::Narrow { size, .. } | Form::Wide { size } | Form::Binary { size } => match size {
            Size::Max => &PLP_NULL,
            Size::Fixed(_) | Size::Limited(_) => &[0xff, 0xff],
        },
        Form::AsText => &PLP_NULL,
        Form::Variant => &[0, 0, 0, 0],
        _ => &[0],
    })
}

impl ValueWriter {
    /// Appends a value that is not NULL.
    ///
    /// # Errors
    /// When the column cannot hold it exactly.
    pub(crate) fn put(
        &mut self,
        column: &WireColumn,
        value: Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let put = match column.form {
            Form::Narrow { .. }
            | Form::Wide { .. }
            | Form::Binary { .. }
            | Form::Text { .. }
            | Form::NText
            | Form::Image
            | Form::AsText => self.put_bytes(column.form, value, out),
            Form::Variant => match value {
                Value::Variant(inner) => variant::put(inner, column.collation, out),
                _ => Err("not a variant".to_owned()),
            },
            form => {
                let place = out.len();
                if !column.is_bare() {
                    out.push(0);
                }
                put_plain(form, value, out).and_then(|()| {
                    let length = out.len() - place - 1;
                    match out.get_mut(place) {
                        Some(byte) if !column.is_bare() => {
                            u8::try_from(length).map(|length| *byte = length).map_err(|e| e.to_string())
                        }
                        _ => Ok(()),
                    }
                })
            }
        };
        put.map_err(|error| format!("column {}: {error}", column.name))
    }

    fn put_bytes(&mut self, form: Form, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let bytes = bytes_of(form, value, &mut scratch);
        let put = bytes.and_then(|bytes| match form {
            Form::Narrow { size, .. } => self.put_sized(&bytes, size, b" ", out),
            Form::Wide { size } => self.put_sized(&bytes, size, b" \0", out),
            Form::Binary { size } => self.put_sized(&bytes, size, &[0], out),
            Form::AsText => self.put_sized(&bytes, Size::Max, &[], out),
            _ => put_long(&bytes, out),
        });
        self.scratch = scratch;
        put
    }

    fn put_sized(
        &mut self,
        bytes: &[u8],
        size: Size,
        filler: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let most = match size {
            Size::Fixed(bytes) | Size::Limited(bytes) => bytes,
            Size::Max => {
                self.put_chunks(bytes, out);
                return Ok(());
            }
        };
        let length = u16::try_from(bytes.len()).ok().filter(|length| *length <= most);
        let length = length.ok_or_else(|| format!("a value of {} bytes where {most} may be", bytes.len()))?;
        let told = if matches!(size, Size::Fixed(_)) { most } else { length };
        out.extend_from_slice(&told.to_le_bytes());
        out.extend_from_slice(bytes);
        // A fixed length is filled up, as SQL Server stores it.
        for _ in 0..usize::from(told - length) / filler.len() {
            out.extend_from_slice(filler);
        }
        Ok(())
    }

    /// PLP_BODY: every other value without telling its length, and in chunks of all sizes.
    fn put_chunks(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.turn = self.turn.wrapping_add(1);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let told = if self.turn.is_multiple_of(2) { length } else { UNKNOWN_LENGTH };
        out.extend_from_slice(&told.to_le_bytes());
        let mut rest = bytes;
        // Small chunks come first, then ever larger ones: a large value is not cut into crumbs.
        for place in self.turn % 3.. {
            if rest.is_empty() {
                break;
            }
            let size = CHUNKS.get(place.min(CHUNKS.len() - 1)).copied().unwrap_or(65_536);
            let (chunk, later) = rest.split_at(size.min(rest.len()));
            out.extend_from_slice(&u32::try_from(chunk.len()).unwrap_or(0).to_le_bytes());
            out.extend_from_slice(chunk);
            rest = later;
        }
        out.extend_from_slice(&[0; 4]);
    }
}

/// A text pointer, a timestamp, a length of four bytes, and the value (MS-TDS 2.2.5.2.3, LONGLEN_TYPE).
fn put_long(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= 0x7fff_ffff);
    let length = length.ok_or_else(|| format!("a value of {} bytes", bytes.len()))?;
    out.push(16);
    out.extend_from_slice(b"dummy textptr\0\0\0");
    out.extend_from_slice(b"dummyTS\0");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// The bytes of text or binary, in the encoding of that form.
fn bytes_of<'a>(form: Form, value: Value<'a>, scratch: &'a mut Vec<u8>) -> Result<Cow<'a, [u8]>, String> {
    match form {
        Form::Binary { .. } | Form::Image => match value {
            Value::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            _ => Err("not binary".to_owned()),
        },
        Form::Narrow { page, .. } | Form::Text { page } => narrow(value, page, scratch),
        Form::AsText => match value {
            Value::Bytes(bytes) => {
                pages::encode_utf16(&vector_text(bytes)?, scratch);
                Ok(Cow::Borrowed(scratch))
            }
            text => wide(text, scratch),
        },
        _ => wide(value, scratch),
    }
}

/// Text in that page.
pub(crate) fn narrow<'a>(
    value: Value<'a>,
    page: u16,
    scratch: &'a mut Vec<u8>,
) -> Result<Cow<'a, [u8]>, String> {
    match value {
        Value::CodePage(bytes, CodePage(own)) if own == page => return Ok(Cow::Borrowed(bytes)),
        Value::Utf8(bytes) if page == UTF8 => return Ok(Cow::Borrowed(bytes)),
        _ => {}
    }
    pages::encode(&characters(value)?, page, scratch)?;
    Ok(Cow::Borrowed(scratch))
}

/// Text as UTF-16; half a surrogate pair stays as it is, because SQL Server keeps such.
pub(crate) fn wide<'a>(value: Value<'a>, scratch: &'a mut Vec<u8>) -> Result<Cow<'a, [u8]>, String> {
    if let Value::Utf16(bytes) = value {
        return if bytes.len().is_multiple_of(2) {
            Ok(Cow::Borrowed(bytes))
        } else {
            Err("half a unit of UTF-16".to_owned())
        };
    }
    pages::encode_utf16(&characters(value)?, scratch);
    Ok(Cow::Borrowed(scratch))
}

fn characters(value: Value<'_>) -> Result<Cow<'_, str>, String> {
    match value {
        Value::Utf16(bytes) => pages::decode_utf16(bytes).map(Cow::Owned),
        Value::CodePage(bytes, CodePage(page)) => pages::decode(bytes, page),
        Value::Utf8(bytes) => pages::decode(bytes, UTF8),
        _ => Err("not text".to_owned()),
    }
}

/// A vector as text: `[1.0000000e+000,…]`, from a header of eight bytes and its numbers of 32 bits.
fn vector_text(bytes: &[u8]) -> Result<String, String> {
    let (header, numbers) = bytes.split_at_checked(8).ok_or("a vector without a header")?;
    let (numbers, rest) = numbers.as_chunks::<4>();
    if header.first() != Some(&0xa9) || !rest.is_empty() {
        return Err("not a vector of 32-bit numbers".to_owned());
    }
    let text: Vec<String> = numbers
        .iter()
        .map(|number| {
            let text = format!("{:.7e}", f32::from_le_bytes(*number));
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let sign = if exponent.starts_with('-') { '-' } else { '+' };
            format!("{digits}e{sign}{:0>3}", exponent.trim_start_matches('-'))
        })
        .collect();
    Ok(format!("[{}]", text.join(",")))
}

/// Appends a value of a type without text, without a length in front of it.
///
/// # Errors
/// When the form cannot hold it exactly.
pub(crate) fn put_plain(form: Form, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let outside = |_| "a number that does not fit".to_owned();
    match (form, value) {
        (Form::Bit, Value::Bit(bit)) => out.push(u8::from(bit)),
        (Form::Bit, Value::Int(bit @ 0..=1)) => out.push(u8::from(bit == 1)),
        (Form::Int(1), Value::Int(value)) => out.push(u8::try_from(value).map_err(outside)?),
        (Form::Int(2), Value::Int(value)) => {
            out.extend_from_slice(&i16::try_from(value).map_err(outside)?.to_le_bytes());
        }
        (Form::Int(4), Value::Int(value)) => {
            out.extend_from_slice(&i32::try_from(value).map_err(outside)?.to_le_bytes());
        }
        (Form::Int(_), Value::Int(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (Form::Real, Value::Real(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (Form::Float, Value::Float(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (Form::Decimal { bytes, scale }, Value::Decimal { magnitude, scale: own, negative }) => {
            if own != scale {
                return Err(format!("a decimal of scale {own} where it is {scale}"));
            }
            let (kept, lost) = magnitude.split_at(usize::from(bytes).saturating_sub(1).min(16));
            if lost.iter().any(|byte| *byte != 0) {
                return Err("a number that does not fit".to_owned());
            }
            out.push(u8::from(!negative));
            out.extend_from_slice(kept);
        }
        (Form::Money, Value::Money(value)) => {
            // The upper half comes first (MS-TDS 2.2.5.5.1.2).
            let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
            out.extend_from_slice(&[e, f, g, h, a, b, c, d]);
        }
        (Form::SmallMoney, Value::Money(value)) => {
            out.extend_from_slice(&i32::try_from(value).map_err(outside)?.to_le_bytes());
        }
        (Form::Guid, Value::Guid(guid)) => out.extend_from_slice(guid),
        (form, value) => return put_moment(form, value, out),
    }
    Ok(())
}

fn put_moment(form: Form, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    match (form, value) {
        (Form::Date, Value::Date(days)) => put_days(days, out),
        (Form::Time(scale), Value::Time(ticks)) => put_ticks(ticks, scale, out),
        (Form::DateTime2(scale), Value::DateTime2 { days, ticks }) => {
            put_ticks(ticks, scale, out)?;
            put_days(days, out)
        }
        (Form::DateTimeOffset(scale), Value::DateTimeOffset { days, ticks, offset_minutes }) => {
            put_ticks(ticks, scale, out)?;
            put_days(days, out)?;
            out.extend_from_slice(&offset_minutes.to_le_bytes());
            Ok(())
        }
        (Form::DateTime, Value::DateTime { days, ticks }) => {
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&ticks.to_le_bytes());
            Ok(())
        }
        (Form::SmallDateTime, Value::DateTime2 { days, ticks }) => {
            if !ticks.is_multiple_of(TICKS_A_MINUTE) {
                return Err("a smalldatetime with seconds".to_owned());
            }
            let days = days.checked_sub(DAYS_TO_1900).and_then(|days| u16::try_from(days).ok());
            let minutes = u16::try_from(ticks / TICKS_A_MINUTE).ok();
            let (days, minutes) = days.zip(minutes).ok_or("a date that does not fit")?;
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&minutes.to_le_bytes());
            Ok(())
        }
        (Form::SmallDateTime, Value::DateTime { days, ticks }) => {
            let (days, minutes) = u16::try_from(days)
                .ok()
                .zip(u16::try_from(ticks / 18_000).ok())
                .filter(|_| ticks.is_multiple_of(18_000))
                .ok_or("a smalldatetime that does not fit")?;
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&minutes.to_le_bytes());
            Ok(())
        }
        (form, _) => Err(format!("a value of another type than {form:?}")),
    }
}

fn put_days(days: i32, out: &mut Vec<u8>) -> Result<(), String> {
    let [a, b, c, d] = days.to_le_bytes();
    if d != 0 {
        return Err("a date that does not fit".to_owned());
    }
    out.extend_from_slice(&[a, b, c]);
    Ok(())
}

/// The bytes of a time of that scale.
pub(crate) fn time_bytes(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

fn put_ticks(ticks: u64, scale: u8, out: &mut Vec<u8>) -> Result<(), String> {
    let unit = 10_u64.pow(7_u32.saturating_sub(u32::from(scale)));
    if !ticks.is_multiple_of(unit) {
        return Err(format!("a time with more digits than {scale}"));
    }
    let bytes = (ticks / unit).to_le_bytes();
    let (kept, lost) = bytes.split_at(time_bytes(scale));
    if lost.iter().any(|byte| *byte != 0) {
        return Err("a time that does not fit".to_owned());
    }
    out.extend_from_slice(kept);
    Ok(())
}

//! Rows in memory: each value is a tag byte and its bytes, each row the values one after the other.
//!
//! Invariant: only [`pack`] writes what [`unpack`] reads. A table is a list of shared chunks, so that a copy of it that a
//! snapshot keeps costs nothing until somebody writes, and then one chunk.

use super::owned::Cell;
use mssql2pg_catalog::{CodePage, RowSink, Stop, Value};
use std::sync::Arc;

/// A chunk is full at this size.
const CHUNK_BYTES: usize = 1 << 20;

/// Rows of one table.
#[derive(Debug, Clone, Default)]
pub(crate) struct PackedRows {
    chunks: Vec<Arc<Chunk>>,
    rows: u64,
}

#[derive(Debug, Clone, Default)]
struct Chunk {
    bytes: Vec<u8>,
    rows: u64,
}

impl PackedRows {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.rows
    }

    /// Keeps a packed row.
    pub(crate) fn push(&mut self, row: &[u8]) {
        if self.chunks.last().is_none_or(|chunk| chunk.bytes.len() + row.len() > CHUNK_BYTES) {
            self.chunks.push(Arc::default());
        }
        if let Some(chunk) = self.chunks.last_mut().map(Arc::make_mut) {
            chunk.bytes.extend_from_slice(row);
            chunk.rows += 1;
        }
        self.rows += 1;
    }

    /// Keeps all rows of another, in order.
    pub(crate) fn append(&mut self, other: Self) {
        self.chunks.extend(other.chunks);
        self.rows += other.rows;
    }

    /// Pushes all rows of `columns` values.
    pub(crate) fn read(&self, columns: usize, sink: &mut dyn RowSink) {
        for chunk in &self.chunks {
            let mut rest = chunk.bytes.as_slice();
            for _ in 0..chunk.rows {
                for _ in 0..columns {
                    unpack(&mut rest).give(sink);
                }
                if sink.end_row() == Err(Stop) {
                    return;
                }
            }
        }
    }
}

/// Writes a value.
pub(crate) fn pack(cell: Cell<'_>, out: &mut Vec<u8>) {
    if let Some(base_type) = cell.base_type {
        out.push(18);
        long(out, base_type.as_bytes());
    }
    match cell.value {
        Value::Null | Value::Variant(_) => out.push(0),
        Value::Bit(bit) => out.extend_from_slice(&[1, u8::from(bit)]),
        Value::Int(number) => match i32::try_from(number) {
            Ok(small) => fixed(out, 19, &small.to_le_bytes()),
            Err(_) => fixed(out, 2, &number.to_le_bytes()),
        },
        Value::Real(number) => fixed(out, 3, &number.to_le_bytes()),
        Value::Float(number) => fixed(out, 4, &number.to_le_bytes()),
        Value::Decimal { magnitude, scale, negative } => {
            fixed(out, 5, magnitude);
            out.extend_from_slice(&[scale, u8::from(negative)]);
        }
        Value::Money(units) => fixed(out, 6, &units.to_le_bytes()),
        Value::Date(days) => fixed(out, 7, &days.to_le_bytes()),
        Value::Time(ticks) => fixed(out, 8, &ticks.to_le_bytes()),
        Value::DateTime2 { days, ticks } => {
            fixed(out, 9, &days.to_le_bytes());
            out.extend_from_slice(&ticks.to_le_bytes());
        }
        Value::DateTime { days, ticks } => {
            fixed(out, 10, &days.to_le_bytes());
            out.extend_from_slice(&ticks.to_le_bytes());
        }
        Value::DateTimeOffset { days, ticks, offset_minutes } => {
            fixed(out, 11, &days.to_le_bytes());
            out.extend_from_slice(&ticks.to_le_bytes());
            out.extend_from_slice(&offset_minutes.to_le_bytes());
        }
        Value::Utf16(bytes) => variable(out, 12, bytes),
        Value::CodePage(bytes, page) => {
            fixed(out, 13, &page.0.to_le_bytes());
            long(out, bytes);
        }
        Value::Utf8(bytes) => variable(out, 14, bytes),
        Value::Bytes(bytes) => variable(out, 15, bytes),
        Value::Guid(guid) => fixed(out, 16, guid),
    }
}

fn fixed(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn variable(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    long(out, bytes);
}

fn long(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes.get(..length as usize).unwrap_or(bytes));
}

/// Reads a value, and goes on behind it.
pub(crate) fn unpack<'a>(rest: &mut &'a [u8]) -> Cell<'a> {
    let tag = take::<1>(rest)[0];
    if tag == 18 {
        let base_type = std::str::from_utf8(take_long(rest)).unwrap_or_default();
        return Cell { base_type: Some(base_type), value: unpack_value(take::<1>(rest)[0], rest) };
    }
    Cell::plain(unpack_value(tag, rest))
}

fn unpack_value<'a>(tag: u8, rest: &mut &'a [u8]) -> Value<'a> {
    match tag {
        1 => Value::Bit(take::<1>(rest)[0] != 0),
        2 => Value::Int(i64::from_le_bytes(*take(rest))),
        3 => Value::Real(f32::from_le_bytes(*take(rest))),
        4 => Value::Float(f64::from_le_bytes(*take(rest))),
        5 => {
            let magnitude = take::<16>(rest);
            let [scale, negative] = *take(rest);
            Value::Decimal { magnitude, scale, negative: negative != 0 }
        }
        6 => Value::Money(i64::from_le_bytes(*take(rest))),
        7 => Value::Date(i32::from_le_bytes(*take(rest))),
        8 => Value::Time(u64::from_le_bytes(*take(rest))),
        9 => {
            Value::DateTime2 { days: i32::from_le_bytes(*take(rest)), ticks: u64::from_le_bytes(*take(rest)) }
        }
        10 => {
            Value::DateTime { days: i32::from_le_bytes(*take(rest)), ticks: u32::from_le_bytes(*take(rest)) }
        }
        11 => Value::DateTimeOffset {
            days: i32::from_le_bytes(*take(rest)),
            ticks: u64::from_le_bytes(*take(rest)),
            offset_minutes: i16::from_le_bytes(*take(rest)),
        },
        12 => Value::Utf16(take_long(rest)),
        13 => {
            let page = CodePage(u16::from_le_bytes(*take(rest)));
            Value::CodePage(take_long(rest), page)
        }
        14 => Value::Utf8(take_long(rest)),
        15 => Value::Bytes(take_long(rest)),
        16 => Value::Guid(take(rest)),
        19 => Value::Int(i64::from(i32::from_le_bytes(*take(rest)))),
        _ => Value::Null,
    }
}

/// Only `pack` writes these bytes; a piece that is missing all the same reads as zeros.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> &'a [u8; N] {
    match rest.split_first_chunk::<N>() {
        Some((bytes, after)) => {
            *rest = after;
            bytes
        }
        None => &[0; N],
    }
}

fn take_long<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = u32::from_le_bytes(*take(rest)) as usize;
    let (bytes, after) = rest.split_at_checked(length).unwrap_or_default();
    *rest = after;
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::owned::OwnedValue;
    use super::*;

    #[test]
    fn every_value_comes_back_as_it_was_kept() {
        let values = [
            OwnedValue::Null,
            OwnedValue::Bit(true),
            OwnedValue::Int(-7),
            OwnedValue::Int(i64::MIN),
            OwnedValue::Real(1.5),
            OwnedValue::Float(-0.25),
            OwnedValue::decimal(-12345, 2),
            OwnedValue::Money(-1),
            OwnedValue::Date(700_000),
            OwnedValue::Time(863_999_999_999),
            OwnedValue::DateTime2 { days: 5, ticks: 6 },
            OwnedValue::DateTime { days: -5, ticks: 6 },
            OwnedValue::DateTimeOffset { days: 5, ticks: 6, offset_minutes: -90 },
            OwnedValue::utf16("ab\u{1f600}"),
            OwnedValue::CodePage(Box::from([0xe4]), CodePage(1252)),
            OwnedValue::Utf8(Box::from(*b"x")),
            OwnedValue::Bytes(Box::from([])),
            OwnedValue::Guid([7; 16]),
            OwnedValue::Variant(Box::new(("varchar(3)".to_owned(), OwnedValue::Utf8(Box::from(*b"abc"))))),
        ];
        let mut bytes = Vec::new();
        for value in &values {
            pack(value.cell(), &mut bytes);
        }
        let mut rest = bytes.as_slice();
        for value in &values {
            assert_eq!(OwnedValue::of(unpack(&mut rest)), *value);
        }
        assert!(rest.is_empty());
    }
}

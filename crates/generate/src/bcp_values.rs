//! Rows that were written for a `.bacpac`, as values: what is put into a running server is what the file would hold.
//!
//! Invariant: only bytes that [`RowWriter`] wrote come here, so that every layout is known and nothing is guessed.
//!
//! To extend: a type is one arm in [`RowWriter::push`], beside its method in `bcp.rs`.

use crate::bcp::{Layout, RowWriter};
use crate::calendar::DAYS_TO_1900;
use mssql2pg_catalog::{RowSink, Stop, Value};

/// Our own bytes make no sense to us, or the sink wants no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The bytes are not those of whole rows: a defect of the generator.
    Misread,
    /// The sink wants no more.
    Stopped,
}

impl From<Stop> for Ended {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}

impl RowWriter {
    /// Pushes whole rows, as [`RowWriter::take`] gave them, into a sink.
    ///
    /// # Errors
    /// When the sink wants no more, or the bytes are not ours.
    pub(crate) fn push(&self, mut bytes: &[u8], sink: &mut dyn RowSink) -> Result<(), Ended> {
        while !bytes.is_empty() {
            for cell in self.cells() {
                let misread = Ended::Misread;
                let (prefix, rest) = bytes.split_at_checked(cell.prefix()).ok_or(misread)?;
                if !prefix.is_empty() && prefix.iter().all(|byte| *byte == 0xFF) {
                    bytes = rest;
                    sink.value(Value::Null);
                    continue;
                }
                let length = match prefix.is_empty() {
                    true => cell.layout.width().ok_or(misread)?,
                    false => {
                        let mut length = [0; 8];
                        length.get_mut(..prefix.len()).ok_or(misread)?.copy_from_slice(prefix);
                        usize::try_from(u64::from_le_bytes(length)).map_err(|_| misread)?
                    }
                };
                let (value, rest) = rest.split_at_checked(length).ok_or(misread)?;
                bytes = rest;
                push_value(cell.layout, value, sink).ok_or(misread)?;
            }
            sink.end_row()?;
        }
        Ok(())
    }
}

/// Pushes one value that is not NULL.
fn push_value(layout: Layout, value: &[u8], sink: &mut dyn RowSink) -> Option<()> {
    sink.value(match layout {
        Layout::Bit => Value::Bit(*value.first()? != 0),
        Layout::Integer { signed: false, .. } => Value::Int(i64::from(*value.first()?)),
        Layout::Integer { width: 2, .. } => Value::Int(i16::from_le_bytes(value.try_into().ok()?).into()),
        Layout::Integer { width: 4, .. } => Value::Int(i32::from_le_bytes(value.try_into().ok()?).into()),
        Layout::Integer { .. } => Value::Int(i64::from_le_bytes(value.try_into().ok()?)),
        Layout::Decimal { .. } => {
            let (head, magnitude) = value.split_first_chunk::<3>()?;
            let [_precision, scale, positive] = *head;
            let magnitude = magnitude.try_into().ok()?;
            Value::Decimal { magnitude, scale, negative: positive == 0 }
        }
        Layout::Money => {
            let [a, b, c, d, e, f, g, h] = value.try_into().ok()?;
            // The high half comes first.
            Value::Money(i64::from_le_bytes([e, f, g, h, a, b, c, d]))
        }
        Layout::SmallMoney => Value::Money(i32::from_le_bytes(value.try_into().ok()?).into()),
        Layout::Real => Value::Real(f32::from_le_bytes(value.try_into().ok()?)),
        Layout::Float => Value::Float(f64::from_le_bytes(value.try_into().ok()?)),
        Layout::Date => Value::Date(number(value)?.try_into().ok()?),
        Layout::Time { scale } => Value::Time(ticks(value, scale)?),
        Layout::DateTime => {
            let (days, thirds) = value.split_first_chunk::<4>()?;
            let thirds = u32::from_le_bytes(thirds.try_into().ok()?);
            Value::DateTime { days: i32::from_le_bytes(*days), ticks: thirds }
        }
        Layout::SmallDateTime => {
            let (days, minutes) = value.split_at_checked(2)?;
            let days = i64::try_from(number(days)?).ok()? + DAYS_TO_1900;
            Value::DateTime2 { days: days.try_into().ok()?, ticks: number(minutes)? * 600_000_000 }
        }
        Layout::DateTime2 { scale } => {
            let (time, days) = value.split_at_checked(value.len().checked_sub(3)?)?;
            Value::DateTime2 { days: number(days)?.try_into().ok()?, ticks: ticks(time, scale)? }
        }
        Layout::DateTimeOffset { scale } => {
            let (rest, offset) = value.split_last_chunk::<2>()?;
            let (time, days) = rest.split_at_checked(rest.len().checked_sub(3)?)?;
            Value::DateTimeOffset {
                days: number(days)?.try_into().ok()?,
                ticks: ticks(time, scale)?,
                offset_minutes: i16::from_le_bytes(*offset),
            }
        }
        Layout::FixedText { .. } | Layout::Text { .. } => Value::Utf16(value),
        Layout::Bytes { .. } | Layout::RowVersion => Value::Bytes(value),
        Layout::Guid => Value::Guid(value.try_into().ok()?),
        Layout::Unwritable => return None,
    });
    Some(())
}

impl Layout {
    /// The bytes of a value without a length in front of it.
    fn width(self) -> Option<usize> {
        Some(match self {
            Self::Integer { width, .. } => width,
            Self::Real | Self::SmallMoney | Self::SmallDateTime => 4,
            Self::Money | Self::Float | Self::DateTime => 8,
            Self::Date => 3,
            Self::Time { scale } => time_width(scale),
            Self::DateTime2 { scale } => time_width(scale) + 3,
            Self::DateTimeOffset { scale } => time_width(scale) + 5,
            Self::FixedText { units } => units * 2,
            Self::Bit
            | Self::Decimal { .. }
            | Self::Text { .. }
            | Self::Bytes { .. }
            | Self::RowVersion
            | Self::Guid
            | Self::Unwritable => return None,
        })
    }
}

fn time_width(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

/// An unsigned number of up to eight bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let mut whole = [0; 8];
    whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(whole))
}

/// A time in units of its scale, in 100 ns.
fn ticks(bytes: &[u8], scale: u8) -> Option<u64> {
    Some(number(bytes)? * 10u64.pow(7u32.checked_sub(u32::from(scale))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::Shop;
    use crate::{GenerateOptions, write_shop};

    #[derive(Default)]
    struct Told(Vec<String>);

    impl RowSink for Told {
        fn value(&mut self, value: Value<'_>) {
            self.0.push(format!("{value:?}"));
        }
        fn end_row(&mut self) -> Result<(), Stop> {
            self.0.push("end".to_owned());
            Ok(())
        }
    }

    #[test]
    fn the_values_are_those_that_a_reader_of_the_file_finds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.bacpac");
        let options = GenerateOptions { rows: 2000, ..GenerateOptions::default() };
        write_shop(&path, &options, &mut |_| ()).unwrap();
        let source = mssql2pg_sources::open(path.to_str().unwrap()).unwrap();

        let shop = Shop::plan(&options).unwrap();
        for table in shop.tables() {
            let mut found = Told::default();
            for split in source.splits(&table.table, u64::MAX).unwrap() {
                source.read(&table.table, &split, &mut found).unwrap();
            }
            let mut pushed = Told::default();
            let mut rows = RowWriter::new(&table.table);
            for unit in 0..table.units {
                (table.write)(&shop, unit, &mut rows).unwrap();
                let bytes = rows.take();
                rows.push(&bytes, &mut pushed).unwrap();
            }
            assert!(pushed.0 == found.0, "{}", table.table.name);
        }
    }

    #[test]
    fn bytes_that_are_not_ours_do_not_panic() {
        let shop = Shop::plan(&GenerateOptions { rows: 10, ..GenerateOptions::default() }).unwrap();
        for table in shop.tables().iter().filter(|table| table.units > 0) {
            let mut rows = RowWriter::new(&table.table);
            (table.write)(&shop, 0, &mut rows).unwrap();
            let bytes = rows.take();
            let cut = &bytes[..bytes.len() - 1];
            assert_eq!(rows.push(cut, &mut Told::default()), Err(Ended::Misread));
        }
    }
}

//! Values as checks look at them and as people write them.

use mssql2pg_catalog::{SqlType, Value};
use mssql2pg_mapping::encode::put_text;
use std::fmt::Write;

/// Whether a type holds characters.
pub(crate) fn is_text(sql_type: &SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Char { .. }
            | SqlType::VarChar { .. }
            | SqlType::Text
            | SqlType::NChar { .. }
            | SqlType::NVarChar { .. }
            | SqlType::NText
    )
}

/// A value's text into `buffer`; what cannot be shown becomes U+FFFD. False if it is no text.
pub(super) fn show_text(value: &Value<'_>, buffer: &mut String) -> bool {
    let mut bytes = std::mem::take(buffer).into_bytes();
    bytes.clear();
    let is_text = put_text(&mut bytes, value).is_some();
    // What is appended is UTF-8.
    *buffer = String::from_utf8(bytes).unwrap_or_default();
    is_text
}

/// Whether a type has a date.
pub(super) fn is_date(sql_type: &SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Date
            | SqlType::DateTime
            | SqlType::SmallDateTime
            | SqlType::DateTime2 { .. }
            | SqlType::DateTimeOffset { .. }
    )
}

/// Days since 0001-01-01 and 100 ns since midnight of a value with a date.
pub(super) fn date_of(value: &Value<'_>) -> Option<(i32, u64)> {
    /// Days from 0001-01-01 to 1900-01-01.
    const DAYS_TO_1900: i32 = 693_595;
    Some(match *value {
        Value::Date(days) => (days, 0),
        Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => (days, ticks),
        Value::DateTime { days, ticks } => {
            // Thirds of hundredths of a second, which are read and written as .000, .003 and .007.
            let millis = u64::from(ticks / 3) * 10 + [0, 3, 7][(ticks % 3) as usize];
            (days.saturating_add(DAYS_TO_1900), millis * 10_000)
        }
        _ => return None,
    })
}

/// A key's value as people write it, into `buffer`; long values are cut with `…`.
pub(crate) fn show_key_value(value: &Value<'_>, buffer: &mut String) {
    /// Longer keys help nobody.
    const LONGEST: usize = 60;
    if show_text(value, buffer) {
        if let Some((cut, _)) = buffer.char_indices().nth(LONGEST) {
            buffer.truncate(cut);
            buffer.push('…');
        }
        return;
    }
    let written = match value {
        Value::Null => write!(buffer, "NULL"),
        Value::Bit(bit) => write!(buffer, "{}", u8::from(*bit)),
        Value::Int(number) => write!(buffer, "{number}"),
        Value::Decimal { magnitude, scale, negative } => {
            write_decimal(buffer, *negative, u128::from_le_bytes(**magnitude), *scale)
        }
        Value::Money(number) => write_decimal(buffer, *number < 0, u128::from(number.unsigned_abs()), 4),
        Value::Float(number) => write!(buffer, "{number:?}"),
        Value::Real(number) => write!(buffer, "{number:?}"),
        Value::Date(days) => write!(buffer, "{}", day(*days)),
        Value::Time(ticks) => write_time(buffer, *ticks),
        Value::DateTimeOffset { days, ticks, offset_minutes } => {
            let local = i128::from(*days) * TICKS_A_DAY
                + i128::from(*ticks)
                + i128::from(*offset_minutes) * (TICKS_A_DAY / 1440);
            let (days, ticks) = (local.div_euclid(TICKS_A_DAY), local.rem_euclid(TICKS_A_DAY));
            let sign = if *offset_minutes < 0 { '-' } else { '+' };
            let offset = offset_minutes.unsigned_abs();
            write!(buffer, "{} ", day(i32::try_from(days).unwrap_or(i32::MAX)))
                .and_then(|()| write_time(buffer, u64::try_from(ticks).unwrap_or_default()))
                .and_then(|()| write!(buffer, " {sign}{:02}:{:02}", offset / 60, offset % 60))
        }
        Value::Guid(bytes) => write!(
            buffer,
            "{:08x}-{:04x}-{:04x}-{}",
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            u16::from_le_bytes([bytes[4], bytes[5]]),
            u16::from_le_bytes([bytes[6], bytes[7]]),
            hex(&bytes[8..10]) + "-" + &hex(&bytes[10..])
        ),
        Value::Bytes(bytes) => write!(buffer, "0x{}", hex(&bytes[..bytes.len().min(LONGEST / 2)])),
        other => match date_of(other) {
            Some((days, ticks)) => write!(buffer, "{} ", day(days)).and_then(|()| write_time(buffer, ticks)),
            None => write!(buffer, "{other:?}"),
        },
    };
    // Writing to a String does not fail.
    let _ = written;
}

const TICKS_A_DAY: i128 = 864_000_000_000;

fn write_decimal(buffer: &mut String, negative: bool, magnitude: u128, scale: u8) -> std::fmt::Result {
    let digits = format!("{magnitude:0width$}", width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let (sign, point) = (if negative { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
    write!(buffer, "{sign}{whole}{point}{fraction}")
}

/// A day counted from 0001-01-01; one that no calendar has, as its number.
fn day(days: i32) -> String {
    let date =
        jiff::civil::date(1, 1, 1).checked_add(jiff::Span::new().days(days.clamp(-3_700_000, 3_700_000)));
    date.map_or_else(|_| format!("day {days}"), |date| date.to_string())
}

/// 100 ns since midnight, without zeros at the end of the fraction.
fn write_time(buffer: &mut String, ticks: u64) -> std::fmt::Result {
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    write!(buffer, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    match fraction {
        0 => Ok(()),
        fraction => write!(buffer, ".{}", format!("{fraction:07}").trim_end_matches('0')),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_as_people_write_it() {
        let check = |value: Value<'_>, expected: &str| {
            let mut buffer = String::new();
            show_key_value(&value, &mut buffer);
            assert_eq!(buffer, expected);
        };
        check(Value::Int(-7), "-7");
        check(Value::Utf16(b"a\0b\0"), "ab");
        check(Value::Decimal { magnitude: &1205u128.to_le_bytes(), scale: 3, negative: true }, "-1.205");
        check(Value::Decimal { magnitude: &5u128.to_le_bytes(), scale: 2, negative: false }, "0.05");
        let guid =
            [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];
        check(Value::Guid(&guid), "00112233-4455-6677-8899-aabbccddeeff");
        check(Value::Bytes(&[1, 0xab]), "0x01ab");
        check(Value::Money(-11_517), "-1.1517");
        check(Value::Float(0.1), "0.1");
        check(Value::Date(693_595), "1900-01-01");
        check(Value::Date(i32::MAX), "day 2147483647");
        check(Value::Time(36_000_000_000 + 5_000_000), "01:00:00.5");
        check(Value::DateTime { days: 0, ticks: 1 }, "1900-01-01 00:00:00.003");
        check(Value::DateTime2 { days: 693_595, ticks: 1 }, "1900-01-01 00:00:00.0000001");
        let at = Value::DateTimeOffset { days: 693_595, ticks: 0, offset_minutes: -90 };
        check(at, "1899-12-31 22:30:00 -01:30");
    }
}

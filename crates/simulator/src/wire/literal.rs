//! A value as T-SQL writes it: parameters of remote calls go to the engine as literals.

use crate::wire::pages;
use crate::wire::values::DAYS_TO_1900;
use mssql2pg_catalog::{CodePage, Value};
use std::fmt::Write;

/// The literal of that value.
///
/// # Errors
/// When text makes no sense in its encoding.
pub(crate) fn literal(value: Value<'_>) -> Result<String, String> {
    Ok(match value {
        Value::Null => "NULL".to_owned(),
        Value::Bit(bit) => u8::from(bit).to_string(),
        Value::Int(value) => value.to_string(),
        Value::Real(value) => format!("{value:e}"),
        Value::Float(value) => format!("{value:e}"),
        Value::Decimal { magnitude, scale, negative } => {
            scaled(u128::from_le_bytes(*magnitude), scale, negative)
        }
        Value::Money(value) => scaled(u128::from(value.unsigned_abs()), 4, value < 0),
        Value::Date(days) => format!("'{}'", date(days)),
        Value::Time(ticks) => format!("'{}'", time(ticks)),
        Value::DateTime2 { days, ticks } => format!("'{}T{}'", date(days), time(ticks)),
        Value::DateTime { days, ticks } => {
            let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
            let time = time(milliseconds * 10_000);
            let time = time.get(..12).unwrap_or(&time);
            format!("'{}T{time}'", date(days.saturating_add(DAYS_TO_1900)))
        }
        Value::DateTimeOffset { days, ticks, offset_minutes } => {
            let local = i64::try_from(ticks).unwrap_or(0) + i64::from(offset_minutes) * 600_000_000;
            let day = 864_000_000_000_i64;
            let days = i64::from(days) + local.div_euclid(day);
            let time = time(u64::try_from(local.rem_euclid(day)).unwrap_or(0));
            let sign = if offset_minutes < 0 { '-' } else { '+' };
            let minutes = offset_minutes.unsigned_abs();
            let days = i32::try_from(days).unwrap_or(0);
            format!("'{}T{time}{sign}{:02}:{:02}'", date(days), minutes / 60, minutes % 60)
        }
        Value::Utf16(bytes) => quoted("N", &pages::decode_utf16(bytes)?),
        Value::CodePage(bytes, CodePage(page)) => quoted("", &pages::decode(bytes, page)?),
        Value::Utf8(bytes) => quoted("N", &pages::decode(bytes, pages::UTF8)?),
        Value::Bytes(bytes) => {
            let mut text = "0x".to_owned();
            for byte in bytes {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02X}");
            }
            text
        }
        Value::Guid(guid) => {
            let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
            let head = format!("{d:02X}{c:02X}{b:02X}{a:02X}-{f:02X}{e:02X}-{h:02X}{g:02X}");
            let tail: String = rest.iter().map(|byte| format!("{byte:02X}")).collect();
            let (third, fourth) = tail.split_at(4);
            format!("'{head}-{third}-{fourth}'")
        }
        Value::Variant(inner) => literal(inner.value)?,
    })
}

fn quoted(prefix: &str, text: &str) -> String {
    format!("{prefix}'{}'", text.replace('\'', "''"))
}

fn scaled(magnitude: u128, scale: u8, negative: bool) -> String {
    let scale = usize::from(scale);
    let digits = format!("{magnitude:0>width$}", width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if negative { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// `2024-02-29` from days since 0001-01-01.
fn date(days: i32) -> String {
    // Years of 365.2425 days, counted from March so that a leap day is the last of its year.
    let shifted = i64::from(days) + 306;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `13:45:00.1234567` from 100 ns since midnight.
fn time(ticks: u64) -> String {
    let seconds = ticks / 10_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:07}", seconds % 60, ticks % 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_t_sql_writes_them() {
        let check = |value, expected: &str| assert_eq!(literal(value).unwrap(), expected);
        check(Value::Null, "NULL");
        check(Value::Int(-7), "-7");
        check(Value::Money(-5), "-0.0005");
        let magnitude = 12_345_u128.to_le_bytes();
        check(Value::Decimal { magnitude: &magnitude, scale: 2, negative: true }, "-123.45");
        check(Value::Decimal { magnitude: &magnitude, scale: 0, negative: false }, "12345");
        check(Value::Date(0), "'0001-01-01'");
        check(Value::Date(3_652_058), "'9999-12-31'");
        check(Value::Date(738_944), "'2024-02-29'");
        check(Value::DateTime { days: 0, ticks: 1 }, "'1900-01-01T00:00:00.003'");
        check(Value::DateTime2 { days: 0, ticks: 36_000_000_001 }, "'0001-01-01T01:00:00.0000001'");
        check(
            Value::DateTimeOffset { days: 1, ticks: 0, offset_minutes: -90 },
            "'0001-01-01T22:30:00.0000000-01:30'",
        );
        check(Value::Utf8(b"O'Neil"), "N'O''Neil'");
        check(Value::CodePage(&[0xe9], CodePage(1252)), "'é'");
        check(Value::Bytes(&[0, 0xab]), "0x00AB");
        let guid: [u8; 16] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        check(Value::Guid(&guid), "'03020100-0504-0706-0809-0A0B0C0D0E0F'");
    }
}

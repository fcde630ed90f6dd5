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
            (days.saturating_add(DAYS_TO_1900), u64::from(ticks) * 100_000 / 3)
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
            let sign = if *negative { "-" } else { "" };
            let digits =
                format!("{:0width$}", u128::from_le_bytes(**magnitude), width = usize::from(*scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(*scale));
            let point = if fraction.is_empty() { "" } else { "." };
            write!(buffer, "{sign}{whole}{point}{fraction}")
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
        other => write!(buffer, "{other:?}"),
    };
    // Writing to a String does not fail.
    let _ = written;
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
    }
}

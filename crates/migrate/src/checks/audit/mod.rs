//! What the audit looks for in the source's values, before anything moves.
//!
//! To extend: a file here with a `CHECK`, and one line in [`ALL`]. A check sees one value at a time
//! of the columns it applies to, in the audit's single pass.

mod future_date;
mod invalid_email;
mod lone_surrogate;
mod nul_character;
mod null_in_critical_field;

use crate::config::{AuditConfig, TextConfig};
use jiff::Timestamp;
use mssql2pg_catalog::{Column, Severity, SqlType, Table, Value};
use mssql2pg_mapping::settings::TextPolicy;
use std::fmt::Write;

/// Reads a policy from the settings.
pub type PolicyOf = fn(&TextConfig) -> TextPolicy;

/// A check of single values.
pub struct ColumnCheck {
    /// Its stable name.
    pub code: &'static str,
    /// How much a defect matters.
    pub severity: Severity,
    /// What was found.
    pub message: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// Which columns it looks at.
    pub applies: fn(&Table, &Column, &AuditConfig) -> bool,
    /// Whether a value is a defect.
    pub is_defect: fn(&Value<'_>, &Moment) -> bool,
    /// The setting that decides what becomes of such values, where one does: its key and its value.
    pub policy: Option<(&'static str, PolicyOf)>,
}

/// All checks.
pub static ALL: &[ColumnCheck] = &[
    null_in_critical_field::CHECK,
    invalid_email::CHECK,
    future_date::CHECK,
    nul_character::CHECK,
    lone_surrogate::CHECK,
];

/// The moment of the audit, in the units of [`Value`].
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Days since 0001-01-01, UTC.
    pub days: i32,
    /// 100 ns since midnight, UTC.
    pub ticks: u64,
}

/// Days from 0001-01-01 to 1970-01-01.
const UNIX_EPOCH_DAYS: i64 = 719_162;
const SECONDS_A_DAY: i64 = 86_400;

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let seconds = Timestamp::now().as_second();
        let days = seconds.div_euclid(SECONDS_A_DAY) + UNIX_EPOCH_DAYS;
        Self {
            days: i32::try_from(days).unwrap_or(i32::MAX),
            ticks: u64::try_from(seconds.rem_euclid(SECONDS_A_DAY)).unwrap_or(0) * 10_000_000,
        }
    }
}

/// Whether a type holds characters.
fn is_text(sql_type: &SqlType) -> bool {
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

/// A value as text into `buffer`; characters that cannot be shown become U+FFFD. For short values.
fn show_text(value: &Value<'_>, buffer: &mut String) -> bool {
    buffer.clear();
    match value {
        Value::Utf16(bytes) => {
            let (units, _) = bytes.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
            buffer.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
            true
        }
        Value::CodePage(bytes, _) | Value::Utf8(bytes) => {
            buffer.push_str(&String::from_utf8_lossy(bytes));
            true
        }
        _ => false,
    }
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

/// The words of a name: `OrderDueDate` and `order_due_date` both give `order`, `due`, `date`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            previous_lower = false;
            words.push(String::new());
            continue;
        }
        if words.is_empty() || (letter.is_uppercase() && previous_lower) {
            words.push(String::new());
        }
        previous_lower = !letter.is_uppercase();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        let check = |name: &str, expected: &[&str]| assert_eq!(words(name), expected);
        check("OrderDueDate", &["order", "due", "date"]);
        check("order_due_date", &["order", "due", "date"]);
        check("EMail", &["email"]);
        check("E-Mail Address", &["e", "mail", "address"]);
        check("SKU", &["sku"]);
    }

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

//! JSON: what PostgreSQL takes, and a form in which two spellings of one value are equal.
//!
//! Invariant: nothing is sent that would make PostgreSQL refuse the whole COPY.

use super::Reject;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fmt::Write as _;

/// `numeric` has at most this many digits before and after the point (PostgreSQL documentation,
/// table 8.2), and `jsonb` holds numbers as `numeric`.
const MOST_WHOLE_DIGITS: i64 = 131_072;
const MOST_FRACTION_DIGITS: i64 = 16_383;
/// A `jsonb` string, array or object has at most 2^28 - 1 bytes (`jsonb.h`, `JENTRY_OFFLENMASK`).
const MOST_BYTES: usize = 0x0FFF_FFFF;

/// Whether PostgreSQL's `json` takes the text.
pub(super) fn check_json(text: &[u8]) -> Result<(), Reject> {
    serde_json::from_slice::<IgnoredAny>(text).map(drop).map_err(|_| Reject::new("the text is not JSON"))
}

/// Whether PostgreSQL's `jsonb` takes the text: no NUL and no lone surrogate in strings, and numbers
/// that fit `numeric`.
pub(super) fn check_jsonb(text: &[u8]) -> Result<(), Reject> {
    if text.len() > MOST_BYTES {
        return Err(Reject::new("the JSON has more than 268435455 bytes, the most that jsonb takes"));
    }
    let value: Value = serde_json::from_slice(text)
        .map_err(|_| Reject::new("the text is not JSON, or nested deeper than 127 levels"))?;
    check_value(&value)
}

fn check_value(value: &Value) -> Result<(), Reject> {
    let check_text = |text: &str| match text.contains('\0') {
        true => Err(Reject::new("the JSON has a NUL character in a string")),
        false => Ok(()),
    };
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::String(text) => check_text(text),
        Value::Number(number) => {
            let fits = Normal::of(&number.to_string()).is_some_and(|normal| normal.fits_numeric());
            if fits { Ok(()) } else { Err(Reject::new("the JSON has a number that does not fit numeric")) }
        }
        Value::Array(items) => items.iter().try_for_each(check_value),
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            check_text(key)?;
            check_value(value)
        }),
    }
}

/// Appends the canonical form of a JSON text: keys sorted, the last of equal keys, numbers in normal
/// form, no blanks. Text that is not JSON is appended as it is.
pub(crate) fn put_canonical(out: &mut Vec<u8>, text: &[u8]) {
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => put_value(out, &value),
        Err(_) => out.extend_from_slice(text),
    }
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let text = number.to_string();
            let normal = Normal::of(&text).map_or(text, |normal| normal.text());
            out.extend_from_slice(normal.as_bytes());
        }
        Value::String(text) => put_string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                put_value(out, item);
                out.push(b',');
            }
            out.push(b']');
        }
        // serde_json keeps objects sorted by key.
        Value::Object(members) => {
            out.push(b'{');
            for (key, value) in members {
                put_string(out, key);
                out.push(b':');
                put_value(out, value);
                out.push(b',');
            }
            out.push(b'}');
        }
    }
}

/// Appends a JSON string with its quotes.
pub(super) fn put_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A number as digits without zeros at either end, times a power of ten.
struct Normal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Normal {
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i64 = exponent.parse().ok()?;
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
        let zero = kept.is_empty();
        Some(Self {
            negative: negative && !zero,
            digits: kept.to_owned(),
            exponent: if zero { 0 } else { exponent.checked_add(dropped)? },
        })
    }

    fn text(&self) -> String {
        let mut text = String::from(if self.negative { "-" } else { "" });
        // Writing to a string cannot fail.
        let _ = write!(text, "{}e{}", if self.digits.is_empty() { "0" } else { &self.digits }, self.exponent);
        text
    }

    fn fits_numeric(&self) -> bool {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        self.exponent >= -MOST_FRACTION_DIGITS
            && self.exponent.checked_add(digits).is_some_and(|whole| whole <= MOST_WHOLE_DIGITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        put_canonical(&mut out, text.as_bytes());
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        let check = |one: &str, other: &str| assert_eq!(canonical(one), canonical(other));
        check("{\"b\": 1.10, \"a\": [1e2, -0]}", "{\"a\":[100,0],\"b\":1.1}");
        check("{\"a\":1,\"a\":2}", "{\"a\":2}");
        check("\"\\u00e9\\/\"", "\"é/\"");
        check("123456789012345678901234567890123456789.50", "1234567890123456789012345678901234567895e-1");
    }

    #[test]
    fn different_values_stay_different() {
        let check = |one: &str, other: &str| assert_ne!(canonical(one), canonical(other));
        check("[1,2]", "[2,1]");
        check("12", "120");
        check("1", "\"1\"");
        check("1", "-1");
        check("[[1],2]", "[[1,2]]");
        check("0.1", "0.10000000000000000000000001");
    }

    #[test]
    fn jsonb_takes_what_postgresql_takes() {
        let check =
            |text: &str, expected: bool| assert_eq!(check_jsonb(text.as_bytes()).is_ok(), expected, "{text}");
        check("{\"a\":[null,true,1e300]}", true);
        check("\"\\u0000\"", false);
        check("{\"\\u0000\":1}", false);
        check("\"\\ud800\"", false);
        check("\"\\ud83d\\ude00\"", true);
        check("1e131071", true);
        check("1e131072", false);
        check("1e-16383", true);
        check("1e-16384", false);
        check("1e99999999999999999999", false);
        check("{a:1}", false);
        check("", false);
        assert!(check_json(b"{\"a\":\"\\u0000\"}").is_ok());
        assert!(check_json(b"{").is_err());
    }
}

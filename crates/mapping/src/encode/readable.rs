//! COPY fields as people read them: in keys, in `rejects/`, in the drill-down of a difference.

use super::Encoder;
use super::{numeric, temporal};
use crate::plan::ColumnPlan;
use std::fmt::Write as _;

/// A COPY BINARY field (without its length) as PostgreSQL prints it: `numeric` with all digits,
/// `2020-01-31 12:00:00.123`, `\x0aff`, `t`. An instant is shown in UTC (`+00`), an absent field as
/// `NULL`. Bytes that are no value of the column's type are shown as `bytea` would be.
///
/// A float has the fewest digits that read back as the same; of a few, PostgreSQL prints one digit more.
pub fn text_of(column: &ColumnPlan, field: Option<&[u8]>) -> String {
    match field {
        None => "NULL".to_owned(),
        Some(field) => field_text(column.encoder, field).unwrap_or_else(|| bytea_text(field)),
    }
}

/// A key in a sample is cut at this length.
const MOST_KEY_CHARACTERS: usize = 100;

/// A key as samples show it, `OrderID=7, Line=2`, of pairs of column and text; none when there are no pairs or one is not
/// known.
pub(crate) fn key_text<'a>(parts: impl Iterator<Item = Option<(&'a str, String)>>) -> Option<String> {
    let parts: Vec<String> =
        parts.map(|part| part.map(|(name, text)| format!("{name}={text}"))).collect::<Option<_>>()?;
    let key = parts.join(", ");
    (!parts.is_empty()).then(|| match key.char_indices().nth(MOST_KEY_CHARACTERS) {
        Some((end, _)) => format!("{}…", key.get(..end).unwrap_or_default()),
        None => key,
    })
}

fn field_text(encoder: Encoder, field: &[u8]) -> Option<String> {
    Some(match encoder {
        Encoder::Bool | Encoder::YesNo => (if fixed::<1>(field)? == [0] { "f" } else { "t" }).to_owned(),
        Encoder::BitAsInt2 | Encoder::Int2 | Encoder::OffsetMinutes => {
            i16::from_be_bytes(fixed(field)?).to_string()
        }
        Encoder::BitAsInt4 | Encoder::Int4 => i32::from_be_bytes(fixed(field)?).to_string(),
        Encoder::Int8 | Encoder::RowVersionAsInt8 => i64::from_be_bytes(fixed(field)?).to_string(),
        Encoder::Float4 => float4_text(f32::from_be_bytes(fixed(field)?)),
        Encoder::Float8 => float8_text(f64::from_be_bytes(fixed(field)?)),
        Encoder::Numeric => numeric::numeric_text(field)?,
        Encoder::Date => temporal::date_text(i64::from(i32::from_be_bytes(fixed(field)?))),
        Encoder::Time => temporal::time_text(i64::from_be_bytes(fixed(field)?)),
        Encoder::Timestamp => temporal::timestamp_text(instant(field)?),
        Encoder::TimestampTz => instant_text(&temporal::timestamp_text(instant(field)?)),
        Encoder::Text
        | Encoder::Char
        | Encoder::UuidAsText
        | Encoder::Xml
        | Encoder::Json
        | Encoder::VariantAsText
        | Encoder::HierarchyAsText
        | Encoder::GeographyAsEwkt
        | Encoder::GeometryAsEwkt => String::from_utf8(field.to_vec()).ok()?,
        Encoder::Jsonb | Encoder::VariantAsJsonb => {
            String::from_utf8(field.strip_prefix(&[1])?.to_vec()).ok()?
        }
        Encoder::Uuid => uuid_text(&fixed(field)?),
        Encoder::VectorAsArray => array_text(field)?,
        Encoder::VectorAsPgvector => pgvector_text(field)?,
        Encoder::Bytea | Encoder::GeographyAsEwkb | Encoder::GeometryAsEwkb => bytea_text(field),
    })
}

fn fixed<const N: usize>(field: &[u8]) -> Option<[u8; N]> {
    field.try_into().ok()
}

/// Microseconds since 2000-01-01, if they are near the years that PostgreSQL has.
fn instant(field: &[u8]) -> Option<i64> {
    let micros = i64::from_be_bytes(fixed(field)?);
    (micros != i64::MAX && micros != i64::MIN).then_some(micros)
}

fn instant_text(timestamp: &str) -> String {
    match timestamp.strip_suffix(" BC") {
        Some(timestamp) => format!("{timestamp}+00 BC"),
        None => format!("{timestamp}+00"),
    }
}

/// A `real` with the fewest digits that read back as the same, as PostgreSQL 12 and later print it.
pub(super) fn float4_text(float: f32) -> String {
    float_text(&format!("{float:e}"), 6)
}

/// A `double precision` likewise.
pub(super) fn float8_text(float: f64) -> String {
    float_text(&format!("{float:e}"), 15)
}

/// PostgreSQL writes an exponent below -4 and from `fixed_digits` on; Rust's `{:e}` gives the digits.
fn float_text(scientific: &str, fixed_digits: i32) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return match scientific {
            "inf" => "Infinity",
            "-inf" => "-Infinity",
            _ => "NaN",
        }
        .to_owned();
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if exponent < -4 || exponent >= fixed_digits {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    match digits.split_at_checked(whole) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits:0<whole$}"),
    }
}

/// Bytes as `\x0aff`.
pub(super) fn bytea_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Sixteen bytes in RFC 9562 order as `6f9619ff-8b86-d011-b42d-00c04fc964ff`.
pub(super) fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn array_text(field: &[u8]) -> Option<String> {
    if field.get(..4)? == [0; 4] {
        return Some("{}".to_owned());
    }
    let elements = field.get(20..)?;
    let floats: Option<Vec<String>> = elements
        .chunks(8)
        .map(|element| Some(float4_text(f32::from_be_bytes(fixed(element.get(4..)?)?))))
        .collect();
    Some(format!("{{{}}}", floats?.join(",")))
}

fn pgvector_text(field: &[u8]) -> Option<String> {
    let floats: Option<Vec<String>> =
        field.get(4..)?.chunks(4).map(|float| Some(float4_text(f32::from_be_bytes(fixed(float)?)))).collect();
    Some(format!("[{}]", floats?.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn floats_are_printed_as_postgresql_prints_them() {
        let check = |float: f64, expected: &str| assert_eq!(float8_text(float), expected);
        check(0.0, "0");
        check(-0.0, "-0");
        check(0.1, "0.1");
        check(-1.5, "-1.5");
        check(100.0, "100");
        check(123_456_789_012_345.0, "123456789012345");
        check(1e15, "1e+15");
        check(1.5e300, "1.5e+300");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-Infinity");
        assert_eq!(float4_text(1e6), "1e+06");
        assert_eq!(float4_text(123_456.0), "123456");
        assert_eq!(float4_text(3.4028235e38), "3.4028235e+38");
    }

    proptest! {
        #[test]
        fn printed_floats_read_back_as_the_same(bits in any::<u64>(), short in any::<u32>()) {
            let float = f64::from_bits(bits);
            let back: f64 = float8_text(float).parse().expect("a number");
            prop_assert!(back.to_bits() == bits || float.is_nan());
            let float = f32::from_bits(short);
            let back: f32 = float4_text(float).parse().expect("a number");
            prop_assert!(back.to_bits() == short || float.is_nan());
        }
    }
}

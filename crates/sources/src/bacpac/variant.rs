//! `sql_variant` values: base type, properties, value.
//!
//! UNVERIFIED: no `.bacpac` with a `sql_variant` has been seen. The form read here is TDS's (MS-TDS 2.2.5.5.4), which
//! bcp's native form shares as far as is published: u8 type, u8 length of the properties, properties, value. What
//! does not fit it exactly is an error, never a guess.

use super::bcp::Cause;
use super::layout::{Decode, TimeForm, TimeUnit, datetime, money, smalldatetime};
use mssql2pg_catalog::{CodePage, Value, VariantValue};
use std::fmt::Write;

/// Decodes one value and hands it on. `base_type` is memory for the base type's name.
pub(super) fn decode(data: &[u8], base_type: &mut String, push: impl FnOnce(Value<'_>)) -> Result<(), Cause> {
    let ([token, property_bytes], rest) = data.split_first_chunk().ok_or_else(malformed)?;
    let (properties, value) = rest.split_at_checked(usize::from(*property_bytes)).ok_or_else(malformed)?;
    base_type.clear();
    let mut magnitude = [0; 16];
    let value = inner(*token, properties, value, base_type, &mut magnitude)?;
    push(Value::Variant(&VariantValue { base_type, value }));
    Ok(())
}

fn malformed() -> Cause {
    Cause::Unsupported("the sql_variant is not in the form that we know".to_owned())
}

/// The type tokens of MS-TDS 2.2.5.4; numbers in their fixed-length form.
fn inner<'a>(
    token: u8,
    properties: &[u8],
    value: &'a [u8],
    base_type: &mut String,
    magnitude: &'a mut [u8; 16],
) -> Result<Value<'a>, Cause> {
    let plain = match token {
        0x24 => Some(("uniqueidentifier", Decode::Guid)),
        0x28 => Some(("date", Decode::Date)),
        0x30 => Some(("tinyint", Decode::TinyInt)),
        0x32 => Some(("bit", Decode::Bit)),
        0x34 => Some(("smallint", Decode::SmallInt)),
        0x38 => Some(("int", Decode::Int)),
        0x3A => Some(("smalldatetime", Decode::SmallDateTime)),
        0x3B => Some(("real", Decode::Real)),
        0x3C => Some(("money", Decode::Money)),
        0x3D => Some(("datetime", Decode::DateTime)),
        0x3E => Some(("float", Decode::Float)),
        0x7A => Some(("smallmoney", Decode::SmallMoney)),
        0x7F => Some(("bigint", Decode::BigInt)),
        _ => None,
    };
    let mut named = |name: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = base_type.write_fmt(name);
    };
    match (token, properties, plain) {
        (0x3C, [], _) => {
            named(format_args!("money"));
            Ok(Value::Money(money(value.try_into().map_err(|_| malformed())?)))
        }
        (0x3D, [], _) => {
            named(format_args!("datetime"));
            datetime(value.try_into().map_err(|_| malformed())?)
        }
        (0x3A, [], _) => {
            named(format_args!("smalldatetime"));
            smalldatetime(value.try_into().map_err(|_| malformed())?)
        }
        (_, [], Some((name, decode))) => {
            named(format_args!("{name}"));
            decode.value(value)
        }
        (0x29..=0x2B, &[scale @ 0..=7], _) => {
            let form = TimeForm { scale, unit: TimeUnit::Declared };
            let (name, decode) = match token {
                0x29 => ("time", Decode::Time(form)),
                0x2A => ("datetime2", Decode::DateTime2(form)),
                _ => ("datetimeoffset", Decode::DateTimeOffset(form)),
            };
            named(format_args!("{name}({scale})"));
            decode.value(value)
        }
        (0x6A | 0x6C, &[precision, scale], _) if precision <= 38 && scale <= precision => {
            named(format_args!("decimal({precision},{scale})"));
            let (sign, digits) = value.split_first().ok_or_else(malformed)?;
            if *sign > 1 || !matches!(digits.len(), 4 | 8 | 12 | 16) {
                return Err(malformed());
            }
            magnitude[..digits.len()].copy_from_slice(digits);
            Ok(Value::Decimal { magnitude, scale, negative: *sign == 0 })
        }
        (0xA5 | 0xAD, &[low, high], _) => {
            let name = if token == 0xA5 { "varbinary" } else { "binary" };
            named(format_args!("{name}({})", u16::from_le_bytes([low, high])));
            Ok(Value::Bytes(value))
        }
        (0xE7 | 0xEF, &[_, _, _, _, _, low, high], _) => {
            let name = if token == 0xE7 { "nvarchar" } else { "nchar" };
            named(format_args!("{name}({})", u16::from_le_bytes([low, high]) / 2));
            Decode::LongText.value(value)
        }
        (0xA7 | 0xAF, &[a, b, c, d, sort_id, low, high], _) => {
            let name = if token == 0xA7 { "varchar" } else { "char" };
            named(format_args!("{name}({})", u16::from_le_bytes([low, high])));
            let page = code_page(u32::from_le_bytes([a, b, c, d]), sort_id)?;
            Ok(Value::CodePage(value, page))
        }
        _ => Err(malformed()),
    }
}

/// The code page of a collation (MS-TDS 2.2.5.1.2): the UTF-8 flag, else by the primary language of its LCID. Sort
/// ids of the old code pages 437 and 850 are not decoded.
fn code_page(collation: u32, sort_id: u8) -> Result<CodePage, Cause> {
    const UTF8: u32 = 1 << 26;
    if collation & UTF8 != 0 {
        return Ok(CodePage(65001));
    }
    if (30..=35).contains(&sort_id) || (40..=49).contains(&sort_id) || (55..=61).contains(&sort_id) {
        return Err(Cause::Unsupported("the sql_variant's text is in an old DOS code page".to_owned()));
    }
    Ok(CodePage(match collation & 0xFFFF {
        0x0404 | 0x0C04 | 0x1404 => 950,
        0x0804 | 0x1004 => 936,
        0x0411 => 932,
        0x0412 => 949,
        lcid => match lcid & 0xFF {
            0x01 | 0x20 | 0x29 => 1256,
            0x08 => 1253,
            0x0D => 1255,
            0x1E => 874,
            0x1F | 0x2C => 1254,
            0x2A => 1258,
            0x25..=0x27 => 1257,
            0x05 | 0x0E | 0x15 | 0x18 | 0x1A | 0x1B | 0x1C | 0x24 => 1250,
            0x02 | 0x19 | 0x22 | 0x23 | 0x2F => 1251,
            _ => 1252,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &[u8], expected: &str) {
        let mut name = String::new();
        let mut seen = String::new();
        decode(data, &mut name, |value| seen = format!("{value:?}")).unwrap();
        assert!(seen.contains(expected), "{seen} should have {expected}");
    }

    #[test]
    fn a_variant_tells_its_base_type_and_value() {
        check(&[0x38, 0, 42, 0, 0, 0], r#"base_type: "int", value: Int(42)"#);
        check(&[0x32, 0, 1], r#"base_type: "bit", value: Bit(true)"#);
        check(&[0x6C, 2, 10, 2, 0, 57, 48, 0, 0], r#"base_type: "decimal(10,2)""#);
        check(&[0x6C, 2, 10, 2, 0, 57, 48, 0, 0], "negative: true");
        check(
            &[0xE7, 7, 9, 4, 0xD0, 0, 0x34, 20, 0, b'a', 0],
            r#"base_type: "nvarchar(10)", value: Utf16([97, 0])"#,
        );
        check(
            &[0xA7, 7, 9, 4, 0xD0, 0, 0x34, 20, 0, b'a'],
            r#""varchar(20)", value: CodePage([97], CodePage(1252))"#,
        );
        check(
            &[0x2A, 1, 3, 1, 0, 0, 0, 0, 0, 0],
            r#""datetime2(3)", value: DateTime2 { days: 0, ticks: 10000 }"#,
        );
    }

    #[test]
    fn a_variant_in_another_form_is_refused() {
        let check = |data: &[u8]| assert!(decode(data, &mut String::new(), |_| ()).is_err(), "{data:?}");
        check(&[]);
        check(&[0x38]);
        check(&[0x38, 9, 1]);
        check(&[0x38, 0, 1, 2, 3]);
        check(&[0x6C, 2, 39, 2, 0, 57, 48, 0, 0]);
        check(&[0x62, 0, 1]);
    }
}

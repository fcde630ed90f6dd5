//! `sql_variant` becomes text, or `jsonb` with its base type.
//!
//! Invariant: the text is that of PostgreSQL for the type that the base type would become, but
//! nothing is cut: all seven digits of a fraction stay, and an instant has its offset.

use super::numeric::Decimal;
use super::text::{TextChanges, TextRules};
use super::{Reject, json, readable, temporal, text};
use mssql2pg_catalog::{Value, VariantValue};

/// Appends the value as text.
pub(super) fn put_variant_text(
    out: &mut Vec<u8>,
    value: &VariantValue<'_>,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    match value.value {
        Value::Utf16(bytes) => text::put_utf16(out, bytes, rules, changes),
        Value::Utf8(bytes) => text::put_utf8(out, bytes, rules, changes),
        Value::CodePage(bytes, page) => text::put_code_page(out, bytes, page.0, rules, changes),
        other => {
            out.extend_from_slice(plain_text(other)?.as_bytes());
            Ok(())
        }
    }
}

/// Appends `{"type":…,"value":…}`: numbers and booleans as such, all else as strings.
pub(super) fn put_variant_json(
    out: &mut Vec<u8>,
    value: &VariantValue<'_>,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    let mut text = Vec::new();
    put_variant_text(&mut text, value, rules, changes)?;
    let text = String::from_utf8(text).map_err(|_| Reject::new("the text is not UTF-8"))?;
    out.extend_from_slice(b"{\"type\":");
    json::put_string(out, value.base_type);
    out.extend_from_slice(b",\"value\":");
    match value.value {
        Value::Bit(true) => out.extend_from_slice(b"true"),
        Value::Bit(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Int(_) | Value::Decimal { .. } | Value::Money(_) => out.extend_from_slice(text.as_bytes()),
        Value::Real(float) if float.is_finite() => out.extend_from_slice(text.as_bytes()),
        Value::Float(float) if float.is_finite() => out.extend_from_slice(text.as_bytes()),
        _ => json::put_string(out, &text),
    }
    out.push(b'}');
    Ok(())
}

/// The text of a value that is not text itself.
pub(super) fn plain_text(value: Value<'_>) -> Result<String, Reject> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Bit(bit) => (if bit { "t" } else { "f" }).to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Real(float) => readable::float4_text(float),
        Value::Float(float) => readable::float8_text(float),
        Value::Decimal { magnitude, scale, negative } => {
            if scale > 38 {
                return Err(Reject::new("the decimal has more than 38 digits"));
            }
            Decimal { magnitude: u128::from_le_bytes(*magnitude), scale, negative }.text()
        }
        Value::Money(units) => Decimal::from_money(units).text(),
        Value::Date(days) => temporal::exact_date_text(days)?,
        Value::Time(ticks) => temporal::exact_time_text(ticks)?,
        Value::DateTime2 { days, ticks } => {
            format!("{} {}", temporal::exact_date_text(days)?, temporal::exact_time_text(ticks)?)
        }
        Value::DateTime { days, ticks } => temporal::exact_datetime_text(days, ticks)?,
        Value::DateTimeOffset { days, ticks, offset_minutes } => {
            temporal::exact_instant_text(days, ticks, offset_minutes)?
        }
        Value::Bytes(bytes) => readable::bytea_text(bytes),
        Value::Guid(guid) => readable::uuid_text(&super::rfc_order(guid)),
        Value::Utf16(_) | Value::CodePage(..) | Value::Utf8(_) | Value::Variant(_) => {
            return Err(Reject::new("a sql_variant in a sql_variant"));
        }
    })
}

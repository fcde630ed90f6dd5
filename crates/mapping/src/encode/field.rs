//! One value becomes one field of a row.
//!
//! Invariant: on success the row has grown by exactly one field, length included; on rejection the
//! caller takes back whatever was appended.

use super::numeric::{Decimal, NumericSize};
use super::spatial::Axes;
use super::temporal::Fraction;
use super::text::{TextChanges, TextRules};
use super::{Encoder, LossKind, Reject, hierarchy, json, numeric, put_fixed, rfc_order};
use super::{readable, spatial, temporal, text, variant, vector};
use crate::plan::ColumnPlan;
use crate::settings::{TextPolicy, Transform};
use mssql2pg_catalog::Value;

/// The most bytes of a field, and of a row: PostgreSQL keeps each in one allocation of less than 1 GiB
/// (`MaxAllocSize`); a little is left for its own headers.
pub(super) const MOST_BYTES: usize = 0x3FFF_FFFF - 0x1_0000;

/// A column as its encoder needs it, worked out once for a stream.
#[derive(Debug)]
pub(super) struct Field {
    encoder: Encoder,
    nullable: bool,
    /// Digits of a fraction of a second.
    scale: u8,
    numeric: Option<NumericSize>,
    /// The n of `varchar(n)` and `char(n)`, in characters.
    limit: Option<usize>,
    dimensions: Option<usize>,
    /// Whether another column keeps the offset of a `datetimeoffset`.
    offset_kept: bool,
    text: TextRules,
    transforms: Vec<Transform>,
}

/// Takes notes of what was altered in the current value.
pub(super) struct Notes<'a> {
    pub(super) pending: &'a mut Vec<(usize, LossKind)>,
    pub(super) column: usize,
}

impl Notes<'_> {
    fn add(&mut self, kind: LossKind) {
        self.pending.push((self.column, kind));
    }
}

impl Field {
    /// What `column` needs; `offset_kept` says whether its neighbour keeps its offset.
    pub(super) fn new(column: &ColumnPlan, offset_kept: bool) -> Self {
        let numbers = parameters(&column.pg_type);
        let first = numbers.first().copied();
        let is_vector = column.source_type.starts_with("vector");
        let dimensions = if is_vector { parameters(&column.source_type).first().copied() } else { None };
        let numeric = match (column.encoder, numbers.as_slice()) {
            (Encoder::Numeric, &[precision]) => Some(NumericSize { precision, scale: 0 }),
            (Encoder::Numeric, &[precision, scale]) => Some(NumericSize { precision, scale }),
            _ => None,
        };
        Self {
            encoder: column.encoder,
            nullable: column.nullable,
            scale: first.and_then(|scale| u8::try_from(scale).ok()).unwrap_or(6).min(6),
            numeric,
            limit: first,
            dimensions: dimensions.filter(|dimensions| *dimensions > 0),
            offset_kept,
            text: TextRules {
                nul: column.nul,
                invalid: column.invalid_text,
                replacement: column.replacement.clone(),
            },
            transforms: column.transforms.clone(),
        }
    }
}

/// The numbers in a type's parentheses: `numeric(19,4)` has 19 and 4.
fn parameters(type_name: &str) -> Vec<usize> {
    let inner = type_name.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let Some((inner, _)) = inner else { return Vec::new() };
    inner.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// Appends the value as one field.
#[inline]
pub(super) fn put_value(
    field: &Field,
    value: Value<'_>,
    out: &mut Vec<u8>,
    notes: &mut Notes<'_>,
) -> Result<(), Reject> {
    match (field.encoder, value) {
        (_, Value::Null) => put_null(field, out)?,
        (Encoder::Int4, Value::Int(number)) => numeric::put_int4(out, number)?,
        (Encoder::Int2, Value::Int(number)) => numeric::put_int2(out, number)?,
        (Encoder::Int8, Value::Int(number)) => put_fixed(out, number.to_be_bytes()),
        (Encoder::Bool, Value::Bit(bit)) => put_fixed(out, [u8::from(bit)]),
        (Encoder::BitAsInt2, Value::Bit(bit)) => put_fixed(out, i16::from(bit).to_be_bytes()),
        (Encoder::BitAsInt4, Value::Bit(bit)) => put_fixed(out, i32::from(bit).to_be_bytes()),
        (Encoder::Float4, Value::Real(float)) => put_fixed(out, float.to_be_bytes()),
        (Encoder::Float8, Value::Float(float)) => put_fixed(out, float.to_be_bytes()),
        (Encoder::Float8, Value::Real(float)) => put_fixed(out, f64::from(float).to_be_bytes()),
        (Encoder::Numeric, Value::Decimal { magnitude, scale, negative }) => {
            let decimal = Decimal { magnitude: u128::from_le_bytes(*magnitude), scale, negative };
            numeric::put_numeric(out, decimal, field.numeric)?;
        }
        (Encoder::Numeric, Value::Money(units)) => {
            numeric::put_numeric(out, Decimal::from_money(units), field.numeric)?;
        }
        (Encoder::Numeric, Value::Int(number)) => {
            numeric::put_numeric(out, Decimal::from_int(number), field.numeric)?;
        }
        (Encoder::Int8, Value::Decimal { magnitude, scale, negative }) => {
            let decimal = Decimal { magnitude: u128::from_le_bytes(*magnitude), scale, negative };
            let number = decimal.to_int().ok_or_else(|| Reject::new("the decimal does not fit bigint"))?;
            put_fixed(out, number.to_be_bytes());
        }
        (Encoder::Uuid, Value::Guid(guid)) => put_fixed(out, rfc_order(guid)),
        (Encoder::RowVersionAsInt8, Value::Bytes(bytes)) => {
            let bytes = <[u8; 8]>::try_from(bytes);
            put_fixed(out, bytes.map_err(|_| Reject::new("the rowversion has not eight bytes"))?);
        }
        (
            Encoder::Date
            | Encoder::Time
            | Encoder::Timestamp
            | Encoder::TimestampTz
            | Encoder::OffsetMinutes,
            value,
        ) => put_moment(field, value, out, notes)?,
        (_, Value::Utf16(bytes) | Value::CodePage(bytes, _) | Value::Utf8(bytes)) => {
            check_size(bytes.len() / 2)?;
            put_text(field, value, out, notes)?;
        }
        (_, value) => put_sized(out, |out| put_other(field, value, out, notes))?,
    }
    Ok(())
}

#[inline]
fn put_null(field: &Field, out: &mut Vec<u8>) -> Result<(), Reject> {
    if !field.nullable {
        return Err(Reject::new("NULL in a column that takes no NULL"));
    }
    out.extend_from_slice(&(-1_i32).to_be_bytes());
    Ok(())
}

fn unexpected() -> Reject {
    Reject::new("the source delivered a value of another type than the column's")
}

fn check_size(bytes: usize) -> Result<(), Reject> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(Reject::new(format!("the value has at least {bytes} bytes; PostgreSQL takes less than 1 GiB")))
}

/// Appends a field whose length is known only afterwards.
#[inline]
fn put_sized(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>) -> Result<(), Reject>) -> Result<(), Reject> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put(out)?;
    set_length(out, start)
}

#[inline]
fn set_length(out: &mut [u8], start: usize) -> Result<(), Reject> {
    let length = out.len() - start - 4;
    check_size(length)?;
    // At most MOST_BYTES, so it fits.
    out[start..start + 4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(())
}

fn put_moment(
    field: &Field,
    value: Value<'_>,
    out: &mut Vec<u8>,
    notes: &mut Notes<'_>,
) -> Result<(), Reject> {
    let fraction = match (field.encoder, value) {
        (Encoder::Date, Value::Date(days)) => {
            temporal::put_date(out, days)?;
            Fraction::Kept
        }
        (Encoder::Time, Value::Time(ticks)) => temporal::put_time(out, ticks, field.scale)?,
        (Encoder::Timestamp, Value::DateTime { days, ticks }) => {
            temporal::put_datetime(out, days, ticks, field.scale)?
        }
        (Encoder::Timestamp, Value::DateTime2 { days, ticks }) => {
            temporal::put_datetime2(out, days, ticks, field.scale)?
        }
        (Encoder::TimestampTz, Value::DateTimeOffset { days, ticks, offset_minutes }) => {
            if offset_minutes != 0 && !field.offset_kept {
                notes.add(LossKind::OffsetDropped);
            }
            temporal::put_instant(out, days, ticks, field.scale)?
        }
        (Encoder::OffsetMinutes, Value::DateTimeOffset { offset_minutes, .. }) => {
            temporal::put_offset(out, offset_minutes)?;
            Fraction::Kept
        }
        _ => return Err(unexpected()),
    };
    if fraction == Fraction::Cut {
        notes.add(LossKind::FractionCut);
    }
    Ok(())
}

/// Appends the bytes of a value that is not text, number or time; the caller writes the length.
fn put_other(
    field: &Field,
    value: Value<'_>,
    out: &mut Vec<u8>,
    notes: &mut Notes<'_>,
) -> Result<(), Reject> {
    match (field.encoder, value) {
        (Encoder::Bytea, Value::Bytes(bytes)) => {
            check_size(bytes.len())?;
            out.extend_from_slice(bytes);
            Ok(())
        }
        (Encoder::UuidAsText, Value::Guid(guid)) => {
            out.extend_from_slice(readable::uuid_text(&rfc_order(guid)).as_bytes());
            Ok(())
        }
        (Encoder::VariantAsText | Encoder::VariantAsJsonb, Value::Variant(inner)) => {
            let mut changes = TextChanges::default();
            if field.encoder == Encoder::VariantAsText {
                variant::put_variant_text(out, inner, &field.text, &mut changes)?;
            } else {
                out.push(JSONB_VERSION);
                variant::put_variant_json(out, inner, &field.text, &mut changes)?;
            }
            note_changes(field, changes, notes);
            Ok(())
        }
        (Encoder::HierarchyAsText, Value::Bytes(bytes)) => {
            out.extend_from_slice(hierarchy::hierarchy_path(bytes)?.as_bytes());
            Ok(())
        }
        (Encoder::GeographyAsEwkb, Value::Bytes(bytes)) => {
            spatial::put_ewkb(out, bytes, Axes::LatitudeThenLongitude)
        }
        (Encoder::GeometryAsEwkb, Value::Bytes(bytes)) => spatial::put_ewkb(out, bytes, Axes::XThenY),
        (Encoder::GeographyAsEwkt, Value::Bytes(bytes)) => {
            out.extend_from_slice(spatial::ewkt(bytes, Axes::LatitudeThenLongitude)?.as_bytes());
            Ok(())
        }
        (Encoder::GeometryAsEwkt, Value::Bytes(bytes)) => {
            out.extend_from_slice(spatial::ewkt(bytes, Axes::XThenY)?.as_bytes());
            Ok(())
        }
        (Encoder::VectorAsArray, Value::Bytes(bytes)) => {
            vector::put_array(out, vector::floats_of_bytes(bytes, field.dimensions)?)
        }
        (Encoder::VectorAsPgvector, Value::Bytes(bytes)) => {
            vector::put_pgvector(out, vector::floats_of_bytes(bytes, field.dimensions)?)
        }
        _ => Err(unexpected()),
    }
}

/// The version byte that `jsonb_recv` wants.
const JSONB_VERSION: u8 = 1;

/// Appends a value that the source delivers as characters.
#[inline]
fn put_text(field: &Field, value: Value<'_>, out: &mut Vec<u8>, notes: &mut Notes<'_>) -> Result<(), Reject> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut changes = TextChanges::default();
    put_characters(value, out, &field.text, &mut changes)?;
    if changes != TextChanges::default() {
        note_changes(field, changes, notes);
    }
    if !field.transforms.is_empty() && transform(field, out, start + 4, notes) == Transformed::Null {
        out.truncate(start);
        return put_null(field, out);
    }
    match field.encoder {
        Encoder::Text => check_limit(field, &out[start + 4..])?,
        Encoder::Char => pad(field, out, start + 4)?,
        _ => return put_special_text(field, out, start, notes),
    }
    set_length(out, start)
}

#[inline]
fn put_characters(
    value: Value<'_>,
    out: &mut Vec<u8>,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    match value {
        Value::Utf16(bytes) => text::put_utf16(out, bytes, rules, changes),
        Value::CodePage(bytes, page) => text::put_code_page(out, bytes, page.0, rules, changes),
        Value::Utf8(bytes) => text::put_utf8(out, bytes, rules, changes),
        _ => Err(unexpected()),
    }
}

#[cold]
fn note_changes(field: &Field, changes: TextChanges, notes: &mut Notes<'_>) {
    if changes.nul {
        let replaced = field.text.nul == TextPolicy::Replace;
        notes.add(if replaced { LossKind::NulReplaced } else { LossKind::NulStripped });
    }
    if changes.invalid {
        let replaced = field.text.invalid == TextPolicy::Replace;
        notes.add(if replaced { LossKind::InvalidTextReplaced } else { LossKind::InvalidTextStripped });
    }
}

/// PostgreSQL cuts blanks beyond `varchar(n)` without a word and refuses anything else, so both are
/// rejected here. Bytes are counted first, since there are never fewer bytes than characters.
#[inline]
fn check_limit(field: &Field, text: &[u8]) -> Result<(), Reject> {
    match field.limit {
        Some(limit) if text.len() > limit => {
            let count = text::count_characters(text);
            if count <= limit {
                return Ok(());
            }
            Err(Reject::new(format!("the text has {count} characters, its column takes {limit}")))
        }
        _ => Ok(()),
    }
}

fn pad(field: &Field, out: &mut Vec<u8>, text_start: usize) -> Result<(), Reject> {
    let text = out.get(text_start..).unwrap_or_default();
    check_limit(field, text)?;
    let missing = field.limit.unwrap_or(1).saturating_sub(text::count_characters(text));
    out.resize(out.len() + missing, b' ');
    Ok(())
}

/// Finishes text that is not `text`, `varchar(n)` or `char(n)`: what stands from `start` on is four
/// bytes for the length and the text.
fn put_special_text(
    field: &Field,
    out: &mut Vec<u8>,
    start: usize,
    notes: &mut Notes<'_>,
) -> Result<(), Reject> {
    let text = out.split_off(start + 4);
    match field.encoder {
        Encoder::YesNo => {
            let flag = flag(&text).ok_or_else(|| Reject::new("the text is neither a yes nor a no"))?;
            out.truncate(start);
            put_fixed(out, [u8::from(flag)]);
            notes.add(LossKind::FlagToBoolean);
            return Ok(());
        }
        Encoder::Xml => {
            let body = crate::digest::without_xml_declaration(&text);
            if body.len() != text.len() {
                notes.add(LossKind::XmlDeclarationDropped);
            }
            out.extend_from_slice(body);
        }
        Encoder::Json => {
            json::check_json(&text)?;
            out.extend_from_slice(&text);
        }
        Encoder::Jsonb => {
            json::check_jsonb(&text)?;
            out.push(JSONB_VERSION);
            out.extend_from_slice(&text);
        }
        Encoder::VariantAsText => out.extend_from_slice(&text),
        Encoder::VectorAsArray => {
            vector::put_array(out, vector::floats_of_json(&text, field.dimensions)?.into_iter())?;
        }
        Encoder::VectorAsPgvector => {
            vector::put_pgvector(out, vector::floats_of_json(&text, field.dimensions)?.into_iter())?;
        }
        _ => return Err(unexpected()),
    }
    set_length(out, start)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transformed {
    Text,
    Null,
}

/// Applies the column's transforms to the text that ends the row, in order, and notes each that
/// changed it.
///
/// Blanks at the end of a `char(n)` are not part of its value, in both systems: trimming them is no
/// change, and a value of blanks is the empty string.
fn transform(field: &Field, out: &mut Vec<u8>, text_start: usize, notes: &mut Notes<'_>) -> Transformed {
    let bytes = out.split_off(text_start);
    // Everything that is appended as text is UTF-8.
    let mut text = String::from_utf8(bytes).unwrap_or_else(|error| error.to_string());
    if field.encoder == Encoder::Char {
        text.truncate(text.trim_end_matches(' ').len());
    }
    for transform in &field.transforms {
        let (changed, kind) = match transform {
            Transform::Trim => (text.trim_matches(' ').to_owned(), LossKind::Trimmed),
            Transform::Lower => (text.to_lowercase(), LossKind::Lowered),
            Transform::Upper => (text.to_uppercase(), LossKind::Uppered),
            Transform::NullIfEmpty if text.is_empty() => {
                notes.add(LossKind::EmptyToNull);
                return Transformed::Null;
            }
            // The encoder of such a column is `YesNo`, which comes last.
            Transform::NullIfEmpty | Transform::YesNo => continue,
        };
        if changed != text {
            notes.add(kind);
            text = changed;
        }
    }
    out.extend_from_slice(text.as_bytes());
    Transformed::Text
}

/// What a text flag means.
fn flag(text: &[u8]) -> Option<bool> {
    let is = |word: &&str| text.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
    if ["y", "yes", "t", "true", "1", "on"].iter().any(&is) {
        Some(true)
    } else if ["n", "no", "f", "false", "0", "off"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// A value that was rejected, for people: text with escapes for what is not a character, all else as
/// it is known.
pub(super) fn rejected_text(value: Value<'_>) -> String {
    match value {
        Value::Utf16(bytes) => {
            let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            char::decode_utf16(units)
                .map(|decoded| match decoded {
                    Ok('\0') => "\\u0000".to_owned(),
                    Ok(character) => character.to_string(),
                    Err(lone) => format!("\\u{:04x}", lone.unpaired_surrogate()),
                })
                .collect()
        }
        Value::Utf8(bytes) | Value::CodePage(bytes, _) => {
            let mut shown = String::new();
            for chunk in bytes.utf8_chunks() {
                shown.push_str(&chunk.valid().replace('\0', "\\u0000"));
                chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
            }
            shown
        }
        Value::Variant(inner) if !matches!(inner.value, Value::Variant(_)) => rejected_text(inner.value),
        other => variant::plain_text(other).unwrap_or_else(|_| format!("{other:?}")),
    }
}

//! `cast`: a value as a value of another type.
//!
//! Invariant: a value that the type can hold comes out exactly; what it cannot hold is an error, but for texts and binary
//! values, which are cut, and fractions, which are rounded, as SQL Server does.
//!
//! To extend: an arm in [`convert`], by the target.

use super::super::failures::{overflow, unsupported};
use super::super::order::datetime_ticks;
use super::calendar::{self, DAYS_TO_1900, Moment, TICKS_PER_DAY, TICKS_PER_SECOND, round_ticks};
use super::exact::Exact;
use super::owned::{Cell, OwnedValue};
use super::text;
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, Length, SqlType, Value};

/// The value as one of type `target`; `page` is the code page of its `varchar`.
///
/// # Errors
/// 8114, 8115, 241 and 529 as SQL Server does.
pub(crate) fn convert(cell: Cell<'_>, target: &SqlType, page: CodePage) -> Result<OwnedValue, Failure> {
    let value = &cell.value;
    if cell.is_null() {
        return Ok(OwnedValue::Null);
    }
    Ok(match target {
        SqlType::SqlVariant => match cell.base_type {
            Some(_) => OwnedValue::of(cell),
            None => {
                let inner = OwnedValue::of(cell);
                OwnedValue::Variant(Box::new((base_type(&inner), inner)))
            }
        },
        SqlType::Bit => match value {
            Value::Float(_) | Value::Real(_) => OwnedValue::Bit(number(value, target)?.unscaled != 0),
            _ => match text::string(value).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
                Some("true") => OwnedValue::Bit(true),
                Some("false") => OwnedValue::Bit(false),
                _ => OwnedValue::Bit(number(value, target)?.unscaled != 0),
            },
        },
        SqlType::TinyInt => integer(value, target, 0, 255)?,
        SqlType::SmallInt => integer(value, target, i16::MIN.into(), i16::MAX.into())?,
        SqlType::Int => integer(value, target, i32::MIN.into(), i32::MAX.into())?,
        SqlType::BigInt => integer(value, target, i64::MIN.into(), i64::MAX.into())?,
        SqlType::Decimal { precision, scale } => {
            let unscaled = number(value, target)?.rescale(*scale);
            let limit = super::exact::power((*precision).into()).unwrap_or(i128::MAX);
            let fits = unscaled.filter(|unscaled| unscaled.unsigned_abs() < limit.unsigned_abs());
            OwnedValue::decimal(fits.ok_or_else(|| overflow(kind(value), "numeric"))?, *scale)
        }
        SqlType::Money | SqlType::SmallMoney => {
            let units = number(value, target)?.rescale(4);
            let limit = if *target == SqlType::Money { i64::MAX } else { i32::MAX.into() };
            let fits = units.and_then(|units| i64::try_from(units).ok());
            let fits = fits.filter(|units| (-limit - 1..=limit).contains(units));
            OwnedValue::Money(fits.ok_or_else(|| overflow(kind(value), target.name()))?)
        }
        SqlType::Float => OwnedValue::Float(float(value, target)?),
        #[expect(clippy::cast_possible_truncation, reason = "`real` is the nearest of 32 bits")]
        SqlType::Real => OwnedValue::Real(float(value, target)? as f32),
        SqlType::Date
        | SqlType::Time { .. }
        | SqlType::DateTime
        | SqlType::SmallDateTime
        | SqlType::DateTime2 { .. }
        | SqlType::DateTimeOffset { .. } => date_or_time(value, target)?,
        SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text => to_code_page(value, target, page)?,
        SqlType::NChar { .. }
        | SqlType::NVarChar { .. }
        | SqlType::NText
        | SqlType::Xml
        | SqlType::Json
        | SqlType::Vector { .. } => to_utf16(value, target)?,
        SqlType::Binary { length } => {
            let mut bytes = to_bytes(value, Some(*length))?;
            bytes.resize((*length).into(), 0);
            OwnedValue::Bytes(bytes.into())
        }
        SqlType::VarBinary { length } => {
            let mut bytes = to_bytes(value, None)?;
            bytes.truncate(length.0.map_or(usize::MAX, usize::from));
            OwnedValue::Bytes(bytes.into())
        }
        SqlType::RowVersion => {
            let mut bytes = to_bytes(value, Some(8))?;
            bytes.resize(8, 0);
            OwnedValue::Bytes(bytes.into())
        }
        SqlType::Image
        | SqlType::HierarchyId
        | SqlType::Geography
        | SqlType::Geometry
        | SqlType::Unknown { .. } => OwnedValue::Bytes(to_bytes(value, None)?.into()),
        SqlType::UniqueIdentifier => to_guid(value)?,
    })
}

/// The base type of a value in a `sql_variant`, with its parameters.
pub(crate) fn base_type(value: &OwnedValue) -> String {
    match value {
        OwnedValue::Null | OwnedValue::Variant(_) => String::new(),
        OwnedValue::Bit(_) => "bit".to_owned(),
        OwnedValue::Int(number) if i32::try_from(*number).is_ok() => "int".to_owned(),
        OwnedValue::Int(_) => "bigint".to_owned(),
        OwnedValue::Real(_) => "real".to_owned(),
        OwnedValue::Float(_) => "float".to_owned(),
        OwnedValue::Decimal { magnitude, scale, .. } => {
            let digits = u128::from_le_bytes(*magnitude).to_string().len().max(usize::from(*scale));
            format!("decimal({digits},{scale})")
        }
        OwnedValue::Money(_) => "money".to_owned(),
        OwnedValue::Date(_) => "date".to_owned(),
        OwnedValue::Time(_) => "time(7)".to_owned(),
        OwnedValue::DateTime2 { .. } => "datetime2(7)".to_owned(),
        OwnedValue::DateTime { .. } => "datetime".to_owned(),
        OwnedValue::DateTimeOffset { .. } => "datetimeoffset(7)".to_owned(),
        OwnedValue::Utf16(bytes) => format!("nvarchar({})", (bytes.len() / 2).max(1)),
        OwnedValue::CodePage(bytes, _) | OwnedValue::Utf8(bytes) => {
            format!("varchar({})", bytes.len().max(1))
        }
        OwnedValue::Bytes(bytes) => format!("varbinary({})", bytes.len().max(1)),
        OwnedValue::Guid(_) => "uniqueidentifier".to_owned(),
    }
}

fn integer(value: &Value<'_>, target: &SqlType, least: i128, most: i128) -> Result<OwnedValue, Failure> {
    if let Value::Bytes(bytes) = value {
        let width = match target {
            SqlType::TinyInt => 1,
            SqlType::SmallInt => 2,
            SqlType::Int => 4,
            _ => 8,
        };
        let from = bytes.len().saturating_sub(width);
        let bits = bytes[from..].iter().fold(0_i64, |bits, byte| bits << 8 | i64::from(*byte));
        #[expect(clippy::cast_possible_truncation, reason = "the bits are the number")]
        return Ok(OwnedValue::Int(match width {
            2 => i64::from(bits as i16),
            4 => i64::from(bits as i32),
            _ => bits,
        }));
    }
    let number = number(value, target)?.truncated();
    let fits = Some(number).filter(|number| (least..=most).contains(number));
    let fits = fits.and_then(|number| i64::try_from(number).ok());
    fits.map(OwnedValue::Int).ok_or_else(|| overflow(kind(value), target.name()))
}

/// A value as an exact number.
fn number(value: &Value<'_>, target: &SqlType) -> Result<Exact, Failure> {
    if let Some(exact) = Exact::of(value) {
        return Ok(exact);
    }
    let failed = || {
        let from = kind(value);
        Failure::new(8114, format!("Error converting data type {from} to {}.", target.name()))
    };
    match value {
        Value::Real(_) | Value::Float(_) => {
            let float = float(value, target)?;
            let text = match target {
                SqlType::Decimal { scale, .. } => format!("{float:.places$}", places = usize::from(*scale)),
                SqlType::Money | SqlType::SmallMoney => format!("{float:.4}"),
                SqlType::Bit => return Ok(Exact { unscaled: i128::from(float != 0.0), scale: 0 }),
                _ => format!("{:.0}", float.trunc()),
            };
            Exact::parse(&text).ok_or_else(|| overflow(kind(value), target.name()))
        }
        _ => {
            let text = text::string(value).ok_or_else(failed)?;
            if text.trim().is_empty() && !matches!(target, SqlType::Decimal { .. }) {
                return Ok(Exact { unscaled: 0, scale: 0 });
            }
            Exact::parse(text.trim().trim_start_matches('$')).ok_or_else(failed)
        }
    }
}

fn float(value: &Value<'_>, target: &SqlType) -> Result<f64, Failure> {
    Ok(match value {
        Value::Real(number) => f64::from(*number),
        Value::Float(number) => *number,
        _ => match text::string(value).map(|text| text.trim().parse()) {
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                let text = format!("Error converting data type {} to {}.", kind(value), target.name());
                return Err(Failure::new(8114, text));
            }
            None => number(value, target)?.to_float(),
        },
    })
}

fn date_or_time(value: &Value<'_>, target: &SqlType) -> Result<OwnedValue, Failure> {
    let moment = moment(value)?;
    let (days, ticks) = (moment.days.unwrap_or(DAYS_TO_1900), moment.ticks);
    let carried = |scale: u8| {
        let (ticks, carry) = round_ticks(ticks, scale);
        (days + carry, ticks)
    };
    Ok(match target {
        SqlType::Date => OwnedValue::Date(days),
        SqlType::Time { scale } => OwnedValue::Time(carried(*scale).1),
        SqlType::DateTime2 { scale } => {
            let (days, ticks) = carried(*scale);
            OwnedValue::DateTime2 { days, ticks }
        }
        SqlType::SmallDateTime => {
            let minute = TICKS_PER_SECOND * 60;
            let rounded = (ticks + minute / 2) / minute * minute;
            match rounded >= TICKS_PER_DAY {
                true => OwnedValue::DateTime2 { days: days + 1, ticks: 0 },
                false => OwnedValue::DateTime2 { days, ticks: rounded },
            }
        }
        SqlType::DateTime => {
            // To 1/300 s.
            let ticks = u32::try_from((ticks * 3 + 50_000) / 100_000).unwrap_or(0);
            match ticks >= 25_920_000 {
                true => OwnedValue::DateTime { days: days - DAYS_TO_1900 + 1, ticks: 0 },
                false => OwnedValue::DateTime { days: days - DAYS_TO_1900, ticks },
            }
        }
        SqlType::DateTimeOffset { scale } => {
            let (days, ticks) = carried(*scale);
            let offset_minutes = moment.offset_minutes.unwrap_or(0);
            let (days, ticks) = shifted(days, ticks, -i64::from(offset_minutes));
            OwnedValue::DateTimeOffset { days, ticks, offset_minutes }
        }
        _ => return Err(unsupported(format!("a moment as {target}"))),
    })
}

/// A value as local time.
pub(crate) fn moment(value: &Value<'_>) -> Result<Moment, Failure> {
    Ok(match value {
        Value::Date(days) => Moment { days: Some(*days), ..Moment::default() },
        Value::Time(ticks) => Moment { ticks: *ticks, ..Moment::default() },
        Value::DateTime2 { days, ticks } => Moment { days: Some(*days), ticks: *ticks, ..Moment::default() },
        Value::DateTime { days, ticks } => {
            Moment { days: Some(days + DAYS_TO_1900), ticks: datetime_ticks(*ticks), ..Moment::default() }
        }
        Value::DateTimeOffset { days, ticks, offset_minutes } => {
            let (days, ticks) = shifted(*days, *ticks, (*offset_minutes).into());
            Moment { days: Some(days), ticks, offset_minutes: Some(*offset_minutes) }
        }
        Value::Int(days) => {
            Moment { days: i32::try_from(*days).ok().map(|days| days + DAYS_TO_1900), ..Moment::default() }
        }
        _ => {
            let text = text::string(value).ok_or_else(|| {
                Failure::new(
                    529,
                    format!("Explicit conversion from data type {} to date is not allowed.", kind(value)),
                )
            })?;
            calendar::parse(&text).ok_or_else(|| {
                let text = "Conversion failed when converting date and/or time from character string.";
                Failure::new(241, text)
            })?
        }
    })
}

fn shifted(days: i32, ticks: u64, minutes: i64) -> (i32, u64) {
    let per_day = i64::try_from(TICKS_PER_DAY).unwrap_or(i64::MAX);
    let ticks = i64::try_from(ticks).unwrap_or(0) + minutes * 60 * 10_000_000;
    let carry = i32::try_from(ticks.div_euclid(per_day)).unwrap_or(0);
    (days + carry, u64::try_from(ticks.rem_euclid(per_day)).unwrap_or(0))
}

/// How T-SQL writes a value that is no text.
fn written(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Date(days) => calendar::date_text(*days),
        Value::Time(ticks) => calendar::time_text(*ticks, 7),
        Value::DateTime2 { days, ticks } => {
            format!("{} {}", calendar::date_text(*days), calendar::time_text(*ticks, 7))
        }
        Value::DateTime { days, ticks } => {
            // Style 121, with the milliseconds that SQL Server shows.
            let ticks = (datetime_ticks(*ticks) + 5_000) / 10_000 * 10_000;
            format!("{} {}", calendar::date_text(days + DAYS_TO_1900), calendar::time_text(ticks, 3))
        }
        Value::DateTimeOffset { offset_minutes, .. } => {
            let moment = moment(value).ok()?;
            let sign = if *offset_minutes < 0 { '-' } else { '+' };
            let offset = offset_minutes.unsigned_abs();
            let date = calendar::date_text(moment.days.unwrap_or(DAYS_TO_1900));
            let time = calendar::time_text(moment.ticks, 7);
            format!("{date} {time} {sign}{:02}:{:02}", offset / 60, offset % 60)
        }
        Value::Money(units) => {
            Exact { unscaled: Exact { unscaled: (*units).into(), scale: 4 }.rescale(2)?, scale: 2 }.text()
        }
        Value::Real(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Guid(guid) => guid_text(guid),
        _ => Exact::of(value)?.text(),
    })
}

fn to_code_page(value: &Value<'_>, target: &SqlType, page: CodePage) -> Result<OwnedValue, Failure> {
    let (length, padded) = match target {
        SqlType::Char { length } => (Some(*length), true),
        SqlType::VarChar { length: Length(length) } => (*length, false),
        _ => (None, false),
    };
    let mut bytes = match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::CodePage(bytes, from) if *from == page => bytes.to_vec(),
        _ => text::encode(&text_or_written(value)?, page),
    };
    bytes.truncate(length.map_or(usize::MAX, usize::from));
    if padded {
        bytes.resize(length.map_or(bytes.len(), usize::from), b' ');
    }
    Ok(OwnedValue::CodePage(bytes.into(), page))
}

fn to_utf16(value: &Value<'_>, target: &SqlType) -> Result<OwnedValue, Failure> {
    let (length, padded) = match target {
        SqlType::NChar { length } => (Some(*length), true),
        SqlType::NVarChar { length: Length(length) } => (*length, false),
        _ => (None, false),
    };
    let mut bytes = match value {
        Value::Bytes(bytes) | Value::Utf16(bytes) => bytes.to_vec(),
        _ => text_or_written(value)?.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    };
    bytes.truncate(length.map_or(usize::MAX, |length| usize::from(length) * 2));
    if padded {
        while bytes.len() < usize::from(length.unwrap_or(0)) * 2 {
            bytes.extend_from_slice(&[b' ', 0]);
        }
    }
    Ok(OwnedValue::Utf16(bytes.into()))
}

fn text_or_written(value: &Value<'_>) -> Result<String, Failure> {
    let text = text::string(value).or_else(|| written(value));
    text.ok_or_else(|| unsupported(format!("{} as text", kind(value))))
}

/// The bytes of a value. A number goes big-endian into a binary of a fixed length, cut from the left.
fn to_bytes(value: &Value<'_>, length: Option<u16>) -> Result<Vec<u8>, Failure> {
    let number = |number: i64, width: usize| {
        let width = length.map_or(width, usize::from);
        let bytes = number.to_be_bytes();
        let mut out = vec![0; width.saturating_sub(8)];
        out.extend_from_slice(&bytes[8 - width.min(8)..]);
        out
    };
    let mut bytes = match value {
        Value::Bytes(bytes) | Value::Utf16(bytes) | Value::Utf8(bytes) | Value::CodePage(bytes, _) => {
            bytes.to_vec()
        }
        Value::Guid(guid) => guid.to_vec(),
        Value::Bit(bit) => number((*bit).into(), 1),
        Value::Int(value) => number(*value, if i32::try_from(*value).is_ok() { 4 } else { 8 }),
        Value::Money(units) => number(*units, 8),
        Value::Float(float) => natural(&float.to_be_bytes(), length)?,
        Value::Real(float) => natural(&float.to_be_bytes(), length)?,
        // Days since 1900-01-01, then 1/300 s, as they are stored.
        Value::DateTime { days, ticks } => {
            natural(&[days.to_be_bytes(), ticks.to_be_bytes()].concat(), length)?
        }
        _ => return Err(unsupported(format!("{} as binary", kind(value)))),
    };
    bytes.truncate(length.map_or(usize::MAX, usize::from));
    Ok(bytes)
}

/// The bytes of a value into a binary that is as long; of others it is not documented where they go.
fn natural(bytes: &[u8], length: Option<u16>) -> Result<Vec<u8>, Failure> {
    match length {
        Some(length) if usize::from(length) != bytes.len() => {
            Err(unsupported(format!("{} bytes as binary({length})", bytes.len())))
        }
        _ => Ok(bytes.to_vec()),
    }
}

fn to_guid(value: &Value<'_>) -> Result<OwnedValue, Failure> {
    let failed = || {
        Failure::new(8169, "Conversion failed when converting from a character string to uniqueidentifier.")
    };
    if let Value::Guid(guid) = value {
        return Ok(OwnedValue::Guid(**guid));
    }
    if let Value::Bytes(bytes) = value {
        let mut guid = [0; 16];
        for (to, from) in guid.iter_mut().zip(*bytes) {
            *to = *from;
        }
        return Ok(OwnedValue::Guid(guid));
    }
    let text = text::string(value).ok_or_else(failed)?;
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'-' | b'{' | b'}' | b' ')).collect();
    let mut guid = [0; 16];
    for (index, pair) in digits.chunks(2).enumerate().take(16) {
        let byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        // The first three groups are little-endian.
        let place = [3, 2, 1, 0, 5, 4, 7, 6].get(index).copied().unwrap_or(index);
        guid[place] = byte.ok_or_else(failed)?;
    }
    if digits.len() < 32 { Err(failed()) } else { Ok(OwnedValue::Guid(guid)) }
}

/// As T-SQL writes it.
pub(crate) fn guid_text(guid: &[u8; 16]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::new();
    for (index, place) in order.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{:02X}", guid[*place]));
    }
    text
}

/// The word for a value's type in an error.
fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Utf16(_) => "nvarchar",
        Value::Utf8(_) | Value::CodePage(..) => "varchar",
        Value::Bytes(_) => "varbinary",
        Value::Real(_) | Value::Float(_) => "float",
        Value::Decimal { .. } => "numeric",
        Value::Guid(_) => "uniqueidentifier",
        Value::Int(_) | Value::Bit(_) => "expression",
        Value::Money(_) => "money",
        _ => "datetime2",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(value: OwnedValue, target: SqlType) -> Result<OwnedValue, i32> {
        convert(value.cell(), &target, CodePage(1252)).map_err(|failure| failure.number)
    }

    #[test]
    fn values_change_their_type_as_cast_does_it() {
        let text = OwnedValue::utf16;
        let bytes = |bytes: &[u8]| OwnedValue::Bytes(bytes.into());
        let varchar = SqlType::VarChar { length: Length::limited(3) };
        let nvarchar = SqlType::NVarChar { length: Length::limited(3) };
        let page = |text: &[u8]| Ok(OwnedValue::CodePage(text.into(), CodePage(1252)));
        assert_eq!(cast(text("12"), SqlType::Int), Ok(OwnedValue::Int(12)));
        assert_eq!(cast(text("x"), SqlType::Int), Err(8114));
        assert_eq!(cast(OwnedValue::Int(300), SqlType::TinyInt), Err(8115));
        assert_eq!(cast(OwnedValue::decimal(-19, 1), SqlType::Int), Ok(OwnedValue::Int(-1)));
        assert_eq!(cast(bytes(&[0x80, 0]), SqlType::SmallInt), Ok(OwnedValue::Int(-32768)));
        let decimal = SqlType::Decimal { precision: 5, scale: 2 };
        assert_eq!(cast(text("1.005"), decimal.clone()), Ok(OwnedValue::decimal(101, 2)));
        assert_eq!(cast(text("1000"), decimal), Err(8115));
        assert_eq!(cast(bytes(&[0xe4, b'b']), varchar.clone()), page(&[0xe4, b'b']));
        assert_eq!(cast(text("äbcd"), varchar), page(&[0xe4, b'b', b'c']));
        assert_eq!(cast(bytes(&[0x00, 0xd8]), nvarchar), Ok(OwnedValue::Utf16(Box::from([0x00, 0xd8]))));
        assert_eq!(cast(OwnedValue::Int(1), SqlType::Binary { length: 2 }), Ok(bytes(&[0, 1])));
        assert_eq!(cast(bytes(&[1]), SqlType::Binary { length: 2 }), Ok(bytes(&[1, 0])));
        let guid = "00112233-4455-6677-8899-AABBCCDDEEFF";
        let stored =
            [0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
        assert_eq!(cast(text(guid), SqlType::UniqueIdentifier), Ok(OwnedValue::Guid(stored)));
        assert_eq!(guid_text(&stored), guid);
    }

    #[test]
    fn moments_change_their_type_as_cast_does_it() {
        let text = OwnedValue::utf16;
        assert_eq!(
            cast(text("1900-01-02"), SqlType::DateTime),
            Ok(OwnedValue::DateTime { days: 1, ticks: 0 })
        );
        assert_eq!(
            cast(text("1900-01-01 00:00:00.998"), SqlType::DateTime),
            Ok(OwnedValue::DateTime { days: 0, ticks: 299 })
        );
        assert_eq!(
            cast(text("1900-01-01T23:59:59.9999999"), SqlType::DateTime2 { scale: 0 }),
            Ok(OwnedValue::DateTime2 { days: DAYS_TO_1900 + 1, ticks: 0 })
        );
        assert_eq!(
            cast(text("1900-01-01 00:30 +01:00"), SqlType::DateTimeOffset { scale: 7 }),
            Ok(OwnedValue::DateTimeOffset {
                days: DAYS_TO_1900 - 1,
                ticks: 846_000_000_000,
                offset_minutes: 60
            })
        );
        assert_eq!(cast(text("soon"), SqlType::Date), Err(241));
    }
}

//! Types and values that a client sends: parameters of remote calls, columns of a bulk load.
//!
//! Invariant: nothing is allocated because a client says how long something is; what has come is what is kept.

use crate::wire::collation::Collation;
use crate::wire::link::invalid;
use crate::wire::pages::decode_utf16;
use crate::wire::values::time_bytes;
use mssql2pg_catalog::{CodePage, Length, SqlType, Value, VariantValue};
use std::io::{self, Read};

/// A value larger than this is refused.
const MOST_VALUE_BYTES: u64 = 1 << 30;

/// A type as a client told it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taken {
    pub(crate) sql_type: SqlType,
    framing: Framing,
    page: u16,
}

/// What stands in front of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Nothing: always so many bytes.
    Bare(u64),
    /// One byte; 0 for NULL.
    Byte,
    /// Two bytes; 0xffff for NULL.
    Short,
    /// Eight bytes, then chunks.
    Chunks,
    /// A text pointer and four bytes.
    Pointer,
    /// Four bytes, then base type and properties.
    Variant,
}

pub(crate) fn byte(from: &mut dyn Read) -> io::Result<u8> {
    array::<1>(from).map(|[byte]| byte)
}

pub(crate) fn short(from: &mut dyn Read) -> io::Result<u16> {
    array(from).map(u16::from_le_bytes)
}

pub(crate) fn word(from: &mut dyn Read) -> io::Result<u32> {
    array(from).map(u32::from_le_bytes)
}

pub(crate) fn array<const N: usize>(from: &mut dyn Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// So many UTF-16 units as text.
pub(crate) fn text(from: &mut dyn Read, units: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    append(from, u64::try_from(units).unwrap_or(u64::MAX).saturating_mul(2), &mut bytes)?;
    decode_utf16(&bytes).map_err(invalid)
}

/// Appends exactly so many bytes.
fn append(from: &mut dyn Read, count: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let before = out.len();
    from.take(count).read_to_end(out)?;
    if u64::try_from(out.len() - before).ok() == Some(count) {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads a TYPE_INFO. In a bulk load the old long types also tell a table's name.
///
/// # Errors
/// `InvalidData` for a type that is not known here.
pub(crate) fn type_info(from: &mut dyn Read, in_bulk: bool) -> io::Result<Taken> {
    let tds_type = byte(from)?;
    let taken = |sql_type, framing| Ok(Taken { sql_type, framing, page: 1252 });
    match tds_type {
        0x30 => taken(SqlType::TinyInt, Framing::Bare(1)),
        0x32 => taken(SqlType::Bit, Framing::Bare(1)),
        0x34 => taken(SqlType::SmallInt, Framing::Bare(2)),
        0x38 => taken(SqlType::Int, Framing::Bare(4)),
        0x3a => taken(SqlType::SmallDateTime, Framing::Bare(4)),
        0x3b => taken(SqlType::Real, Framing::Bare(4)),
        0x3c => taken(SqlType::Money, Framing::Bare(8)),
        0x3d => taken(SqlType::DateTime, Framing::Bare(8)),
        0x3e => taken(SqlType::Float, Framing::Bare(8)),
        0x7a => taken(SqlType::SmallMoney, Framing::Bare(4)),
        0x7f => taken(SqlType::BigInt, Framing::Bare(8)),
        0x28 => taken(SqlType::Date, Framing::Byte),
        0x29 => taken(SqlType::Time { scale: byte(from)? }, Framing::Byte),
        0x2a => taken(SqlType::DateTime2 { scale: byte(from)? }, Framing::Byte),
        0x2b => taken(SqlType::DateTimeOffset { scale: byte(from)? }, Framing::Byte),
        0x37 | 0x3f | 0x6a | 0x6c => {
            let [_, precision, scale] = array(from)?;
            taken(SqlType::Decimal { precision, scale }, Framing::Byte)
        }
        0x24 | 0x26 | 0x68 | 0x6d | 0x6e | 0x6f => {
            let sql_type = match (tds_type, byte(from)?) {
                (0x24, _) => SqlType::UniqueIdentifier,
                (0x68, _) => SqlType::Bit,
                (0x26, 1) => SqlType::TinyInt,
                (0x26, 2) => SqlType::SmallInt,
                (0x26, 4) => SqlType::Int,
                (0x26, _) => SqlType::BigInt,
                (0x6d, 4) => SqlType::Real,
                (0x6d, _) => SqlType::Float,
                (0x6e, 4) => SqlType::SmallMoney,
                (0x6e, _) => SqlType::Money,
                (_, 4) => SqlType::SmallDateTime,
                _ => SqlType::DateTime,
            };
            taken(sql_type, Framing::Byte)
        }
        0xa5 | 0xa7 | 0xad | 0xaf | 0xe7 | 0xef => sized(tds_type, from),
        0x22 | 0x23 | 0x63 => long(tds_type, in_bulk, from),
        0x62 => {
            word(from)?;
            taken(SqlType::SqlVariant, Framing::Variant)
        }
        0xf1 => {
            if byte(from)? != 0 {
                for _ in 0..2 {
                    let units = byte(from)?;
                    text(from, usize::from(units))?;
                }
                let units = short(from)?;
                text(from, usize::from(units))?;
            }
            taken(SqlType::Xml, Framing::Chunks)
        }
        0xf0 => clr(in_bulk, from),
        0xf4 => Ok(Taken { sql_type: SqlType::Json, framing: Framing::Chunks, page: 65001 }),
        0xf5 => {
            let bytes = short(from)?;
            byte(from)?;
            taken(SqlType::Vector { dimensions: bytes.saturating_sub(8) / 4 }, Framing::Short)
        }
        other => Err(invalid(format!("the type {other:#04x} is not known here"))),
    }
}

fn sized(tds_type: u8, from: &mut dyn Read) -> io::Result<Taken> {
    let bytes = short(from)?;
    let has_collation = !matches!(tds_type, 0xa5 | 0xad);
    let page = if has_collation { Collation::page_of(array(from)?) } else { 0 };
    let length = |bytes: u16| if bytes == u16::MAX { Length::MAX } else { Length::limited(bytes) };
    let sql_type = match tds_type {
        0xa5 => SqlType::VarBinary { length: length(bytes) },
        0xa7 => SqlType::VarChar { length: length(bytes) },
        0xad => SqlType::Binary { length: bytes },
        0xaf => SqlType::Char { length: bytes },
        0xe7 if bytes == u16::MAX => SqlType::NVarChar { length: Length::MAX },
        0xe7 => SqlType::NVarChar { length: Length::limited(bytes / 2) },
        _ => SqlType::NChar { length: bytes / 2 },
    };
    let framing = if bytes == u16::MAX { Framing::Chunks } else { Framing::Short };
    Ok(Taken { sql_type, framing, page })
}

fn long(tds_type: u8, in_bulk: bool, from: &mut dyn Read) -> io::Result<Taken> {
    word(from)?;
    let page = if tds_type == 0x22 { 0 } else { Collation::page_of(array(from)?) };
    if in_bulk {
        // A table's name in one part, without a count of parts: so do the clients of Microsoft.
        let units = short(from)?;
        text(from, usize::from(units))?;
    }
    let sql_type = match tds_type {
        0x22 => SqlType::Image,
        0x23 => SqlType::Text,
        _ => SqlType::NText,
    };
    // Parameters have no text pointer in front of the length.
    let framing = if in_bulk { Framing::Pointer } else { Framing::Variant };
    Ok(Taken { sql_type, framing, page })
}

fn clr(in_bulk: bool, from: &mut dyn Read) -> io::Result<Taken> {
    if in_bulk {
        short(from)?;
    }
    let mut name = String::new();
    for _ in 0..3 {
        let units = byte(from)?;
        name = text(from, usize::from(units))?;
    }
    if in_bulk {
        let units = short(from)?;
        text(from, usize::from(units))?;
    }
    let sql_type = SqlType::from_system(&name, None, false, None, None).unwrap_or(SqlType::Unknown { name });
    Ok(Taken { sql_type, framing: Framing::Chunks, page: 0 })
}

/// Reads a value and hands it on. `scratch` is room for its bytes.
///
/// # Errors
/// `InvalidData` when it makes no sense.
pub(crate) fn value(
    from: &mut dyn Read,
    taken: &Taken,
    scratch: &mut Vec<u8>,
    take: &mut dyn FnMut(Value<'_>),
) -> io::Result<()> {
    scratch.clear();
    let is_there = match taken.framing {
        Framing::Bare(count) => {
            append(from, count, scratch)?;
            true
        }
        Framing::Byte => {
            let count = byte(from)?;
            append(from, u64::from(count), scratch)?;
            count != 0
        }
        Framing::Short => match short(from)? {
            u16::MAX => false,
            count => {
                append(from, u64::from(count), scratch)?;
                true
            }
        },
        Framing::Chunks => chunks(from, scratch)?,
        Framing::Pointer => match byte(from)? {
            0 => false,
            count => {
                append(from, u64::from(count) + 8, scratch)?;
                scratch.clear();
                let count = word(from)?;
                append(from, u64::from(count), scratch)?;
                true
            }
        },
        Framing::Variant => match word(from)? {
            0 if taken.sql_type == SqlType::SqlVariant => false,
            u32::MAX => false,
            count => {
                append(from, u64::from(count), scratch)?;
                true
            }
        },
    };
    if !is_there {
        take(Value::Null);
        return Ok(());
    }
    if taken.sql_type == SqlType::SqlVariant {
        return variant(scratch, take);
    }
    plain(&taken.sql_type, taken.page, scratch, take)
        .ok_or_else(|| invalid(format!("a value of {} that is none", taken.sql_type)))
}

fn chunks(from: &mut dyn Read, out: &mut Vec<u8>) -> io::Result<bool> {
    if array(from)? == [0xff; 8] {
        return Ok(false);
    }
    loop {
        let count = word(from)?;
        if count == 0 {
            return Ok(true);
        }
        let so_far = u64::try_from(out.len()).unwrap_or(u64::MAX);
        if so_far.saturating_add(u64::from(count)) > MOST_VALUE_BYTES {
            return Err(invalid("a value that is too long"));
        }
        append(from, u64::from(count), out)?;
    }
}

fn variant(bytes: &[u8], take: &mut dyn FnMut(Value<'_>)) -> io::Result<()> {
    let nonsense = || invalid("a variant that is none");
    let mut rest = bytes;
    let tds_type = byte(&mut rest)?;
    let properties = usize::from(byte(&mut rest)?);
    let (properties, data) = rest.split_at_checked(properties).ok_or_else(nonsense)?;
    let length = u16::try_from(data.len()).map_err(|_| nonsense())?;
    // A TYPE_INFO has the length first and the collation behind it, a variant the other way round.
    let mut info = vec![tds_type];
    match (tds_type, properties) {
        (0x24, _) => info.push(16),
        (0x6a | 0x6c, [precision, scale]) => info.extend([17, *precision, *scale]),
        (0xa7 | 0xaf | 0xe7 | 0xef, [collation @ .., low, high]) => {
            info.extend([*low, *high]);
            info.extend_from_slice(collation);
        }
        (_, properties) => info.extend_from_slice(properties),
    }
    let taken = type_info(&mut info.as_slice(), false)?;
    if taken.framing == Framing::Chunks || length > 8000 {
        return Err(nonsense());
    }
    let base_type = taken.sql_type.to_string();
    plain(&taken.sql_type, taken.page, data, &mut |value| {
        take(Value::Variant(&VariantValue { base_type: &base_type, value }));
    })
    .ok_or_else(nonsense)
}

/// Hands on the value that the bytes mean; none when they mean nothing.
fn plain(sql_type: &SqlType, page: u16, bytes: &[u8], take: &mut dyn FnMut(Value<'_>)) -> Option<()> {
    let small = || {
        let mut wide = [0_u8; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(wide))
    };
    let value = match sql_type {
        SqlType::Bit => Value::Bit(*bytes.first()? != 0),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => match *bytes {
            [a] => Value::Int(i64::from(a)),
            [a, b] => Value::Int(i64::from(i16::from_le_bytes([a, b]))),
            [a, b, c, d] => Value::Int(i64::from(i32::from_le_bytes([a, b, c, d]))),
            _ => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        },
        SqlType::Real => match *bytes {
            [a, b, c, d] => Value::Real(f32::from_le_bytes([a, b, c, d])),
            _ => return None,
        },
        SqlType::Float => Value::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
        SqlType::Money | SqlType::SmallMoney => match *bytes {
            [a, b, c, d] => Value::Money(i64::from(i32::from_le_bytes([a, b, c, d]))),
            [a, b, c, d, e, f, g, h] => Value::Money(i64::from_le_bytes([e, f, g, h, a, b, c, d])),
            _ => return None,
        },
        SqlType::Decimal { scale, .. } => {
            let (sign, digits) = bytes.split_first()?;
            let mut magnitude = [0_u8; 16];
            magnitude.get_mut(..digits.len())?.copy_from_slice(digits);
            take(Value::Decimal { magnitude: &magnitude, scale: *scale, negative: *sign == 0 });
            return Some(());
        }
        SqlType::UniqueIdentifier => Value::Guid(bytes.try_into().ok()?),
        SqlType::Date => Value::Date(i32::try_from(small()?).ok()?),
        SqlType::Time { .. } | SqlType::DateTime2 { .. } | SqlType::DateTimeOffset { .. } => {
            moment(sql_type, bytes)?
        }
        SqlType::DateTime => {
            let (days, ticks) = bytes.split_first_chunk::<4>()?;
            let ticks = u32::from_le_bytes(ticks.try_into().ok()?);
            Value::DateTime { days: i32::from_le_bytes(*days), ticks }
        }
        SqlType::SmallDateTime => {
            let [a, b, c, d] = *bytes.first_chunk::<4>()?;
            let days = i32::from(u16::from_le_bytes([a, b])) + crate::wire::values::DAYS_TO_1900;
            Value::DateTime2 { days, ticks: u64::from(u16::from_le_bytes([c, d])) * 600_000_000 }
        }
        SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text => {
            if page == 65001 {
                Value::Utf8(bytes)
            } else {
                Value::CodePage(bytes, CodePage(page))
            }
        }
        SqlType::Json => Value::Utf8(bytes),
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText | SqlType::Xml => {
            Value::Utf16(bytes)
        }
        SqlType::SqlVariant => return None,
        _ => Value::Bytes(bytes),
    };
    take(value);
    Some(())
}

fn moment(sql_type: &SqlType, bytes: &[u8]) -> Option<Value<'static>> {
    let scale = match sql_type {
        SqlType::Time { scale } | SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale } => *scale,
        _ => return None,
    };
    let (time, rest) = bytes.split_at_checked(time_bytes(scale))?;
    let mut wide = [0_u8; 8];
    wide.get_mut(..time.len())?.copy_from_slice(time);
    let ticks = u64::from_le_bytes(wide).checked_mul(10_u64.pow(7_u32.checked_sub(u32::from(scale))?))?;
    Some(match (sql_type, rest) {
        (SqlType::Time { .. }, []) => Value::Time(ticks),
        (SqlType::DateTime2 { .. }, [a, b, c]) => {
            Value::DateTime2 { days: i32::from_le_bytes([*a, *b, *c, 0]), ticks }
        }
        (SqlType::DateTimeOffset { .. }, [a, b, c, d, e]) => Value::DateTimeOffset {
            days: i32::from_le_bytes([*a, *b, *c, 0]),
            ticks,
            offset_minutes: i16::from_le_bytes([*d, *e]),
        },
        _ => return None,
    })
}

//! The functions that a `select` over rows may call.
//!
//! To extend: an arm in [`function`], with the function and its type.

use super::super::failures::unsupported;
use super::super::values::calendar::{self, DAYS_TO_1900, TICKS_PER_DAY, TICKS_PER_SECOND};
use super::super::values::convert::{convert, moment};
use super::super::values::owned::{Cell, OwnedValue};
use super::super::values::text;
use super::evaluate::Function;
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, Length, SqlType, Value};

/// The function of that name, and the type of what it gives for arguments of these types; none when there is none.
pub(super) fn function(name: &str, types: &[SqlType]) -> Option<(Function, SqlType)> {
    let first = types.first().cloned().unwrap_or(SqlType::Int);
    Some(match name {
        "sql_variant_property" => (variant_property, SqlType::SqlVariant),
        "datalength" => (data_length, if is_max(&first) { SqlType::BigInt } else { SqlType::Int }),
        "len" => (len, if is_max(&first) { SqlType::BigInt } else { SqlType::Int }),
        "isnull" => (first_value, first),
        "coalesce" => {
            let all = types.iter().skip(1).fold(first, |all, next| super::types::common(&all, next));
            (first_value, all)
        }
        "upper" => (upper, super::texts::variable(&first)),
        "lower" => (lower, super::texts::variable(&first)),
        "abs" => (abs, first),
        "dateadd" => (date_add, types.get(2).cloned().unwrap_or(SqlType::DateTime)),
        "datediff" => (int_difference, SqlType::Int),
        "datediff_big" => (date_difference, SqlType::BigInt),
        "switchoffset" => (switch_offset, first),
        "round" => (super::numbers::round, super::numbers::round_type(&first)?),
        "datepart" => (date_part, SqlType::Int),
        "year" => (year, SqlType::Int),
        "month" => (month, SqlType::Int),
        "day" => (day, SqlType::Int),
        _ => return None,
    })
}

pub(super) fn is_max(sql_type: &SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::VarChar { length: Length::MAX }
            | SqlType::NVarChar { length: Length::MAX }
            | SqlType::VarBinary { length: Length::MAX }
    )
}

fn argument(arguments: &[OwnedValue], place: usize) -> &OwnedValue {
    arguments.get(place).unwrap_or(&OwnedValue::Null)
}

fn text_of(arguments: &[OwnedValue], place: usize) -> Option<String> {
    text::string(&argument(arguments, place).cell().value)
}

fn int_of(arguments: &[OwnedValue], place: usize) -> Result<Option<i64>, Failure> {
    Ok(match convert(argument(arguments, place).cell(), &SqlType::BigInt, CodePage(1252))? {
        OwnedValue::Int(number) => Some(number),
        _ => None,
    })
}

fn int(length: usize) -> OwnedValue {
    OwnedValue::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

/// `sql_variant_property` ("SQL_VARIANT_PROPERTY (Transact-SQL)").
fn variant_property(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let cell = argument(arguments, 0).cell();
    if cell.is_null() {
        return Ok(OwnedValue::Null);
    }
    let declared = match cell.base_type {
        Some(base_type) => base_type.to_owned(),
        None => super::super::values::convert::base_type(argument(arguments, 0)),
    };
    let tokens = super::super::language::lexer::tokens(&declared)?;
    let mut cursor = super::super::language::cursor::Cursor::new(&declared, &tokens);
    let (sql_type, _) = cursor.data_type(super::super::language::cursor::TypePlace::Declaration)?;
    let number = |number: i64| OwnedValue::Int(number);
    let property = text_of(arguments, 1).unwrap_or_default().to_ascii_lowercase();
    let found = match property.as_str() {
        "basetype" => OwnedValue::utf16(sql_type.name()),
        "maxlength" => number(max_length(&sql_type)),
        "totalbytes" => number(max_length(&sql_type) + 2),
        "precision" => number(precision_and_scale(&sql_type).0),
        "scale" => number(precision_and_scale(&sql_type).1),
        _ => return Ok(OwnedValue::Null),
    };
    convert(found.cell(), &SqlType::SqlVariant, CodePage(1252))
}

/// `max_length` of `sys.types`, in bytes.
pub(super) fn max_length(sql_type: &SqlType) -> i64 {
    match sql_type {
        SqlType::Bit | SqlType::TinyInt => 1,
        SqlType::SmallInt => 2,
        SqlType::Int | SqlType::Real | SqlType::SmallMoney | SqlType::SmallDateTime => 4,
        SqlType::BigInt | SqlType::Float | SqlType::Money | SqlType::DateTime => 8,
        SqlType::Date => 3,
        SqlType::Decimal { precision, .. } => match precision {
            0..=9 => 5,
            10..=19 => 9,
            20..=28 => 13,
            _ => 17,
        },
        SqlType::Time { scale } => 3 + i64::from(*scale > 2) + i64::from(*scale > 4),
        SqlType::DateTime2 { scale } => 6 + i64::from(*scale > 2) + i64::from(*scale > 4),
        SqlType::DateTimeOffset { scale } => 8 + i64::from(*scale > 2) + i64::from(*scale > 4),
        SqlType::UniqueIdentifier => 16,
        SqlType::Char { length } | SqlType::Binary { length } => (*length).into(),
        SqlType::NChar { length } => i64::from(*length) * 2,
        SqlType::VarChar { length } | SqlType::VarBinary { length } => length.0.map_or(-1, i64::from),
        SqlType::NVarChar { length } => length.0.map_or(-1, |length| i64::from(length) * 2),
        _ => -1,
    }
}

fn precision_and_scale(sql_type: &SqlType) -> (i64, i64) {
    match sql_type {
        SqlType::Bit => (1, 0),
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::Decimal { precision, scale } => ((*precision).into(), (*scale).into()),
        SqlType::Money => (19, 4),
        SqlType::SmallMoney => (10, 4),
        SqlType::Real => (24, 0),
        SqlType::Float => (53, 0),
        SqlType::Date => (10, 0),
        SqlType::Time { scale } => (8 + i64::from(*scale > 0) + i64::from(*scale), (*scale).into()),
        SqlType::DateTime2 { scale } => (19 + i64::from(*scale > 0) + i64::from(*scale), (*scale).into()),
        SqlType::DateTimeOffset { scale } => {
            (26 + i64::from(*scale > 0) + i64::from(*scale), (*scale).into())
        }
        SqlType::DateTime => (23, 3),
        SqlType::SmallDateTime => (16, 0),
        _ => (0, 0),
    }
}

/// The bytes of a value as it is stored.
fn data_length(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let value = argument(arguments, 0);
    Ok(match value.cell().value {
        Value::Null => OwnedValue::Null,
        Value::Utf16(bytes) | Value::CodePage(bytes, _) | Value::Utf8(bytes) | Value::Bytes(bytes) => {
            int(bytes.len())
        }
        _ => {
            let declared = super::super::values::convert::base_type(value);
            OwnedValue::Int(match declared.as_str() {
                "bit" => 1,
                "int" | "real" => 4,
                "date" => 3,
                "time(7)" => 5,
                "datetimeoffset(7)" => 10,
                "uniqueidentifier" => 16,
                _ => 8,
            })
        }
    })
}

/// Characters without trailing blanks.
fn len(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let value = argument(arguments, 0).cell();
    if let Value::Bytes(bytes) = value.value {
        return Ok(int(bytes.len()));
    }
    Ok(match text_of(arguments, 0) {
        Some(text) => int(text.trim_end_matches(' ').encode_utf16().count()),
        None => OwnedValue::Null,
    })
}

fn first_value(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    Ok(arguments.iter().find(|value| **value != OwnedValue::Null).cloned().unwrap_or(OwnedValue::Null))
}

fn changed(arguments: &[OwnedValue], change: impl Fn(&str) -> String) -> Result<OwnedValue, Failure> {
    Ok(text_of(arguments, 0).map_or(OwnedValue::Null, |text| OwnedValue::utf16(&change(&text))))
}

fn upper(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    changed(arguments, str::to_uppercase)
}

fn lower(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    changed(arguments, str::to_lowercase)
}

fn abs(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    Ok(match argument(arguments, 0).clone() {
        OwnedValue::Int(number) => OwnedValue::Int(number.saturating_abs()),
        OwnedValue::Float(number) => OwnedValue::Float(number.abs()),
        OwnedValue::Real(number) => OwnedValue::Real(number.abs()),
        OwnedValue::Money(units) => OwnedValue::Money(units.saturating_abs()),
        OwnedValue::Decimal { magnitude, scale, .. } => {
            OwnedValue::Decimal { magnitude, scale, negative: false }
        }
        other => other,
    })
}

/// What a part of a date is called: one of its names.
fn part(arguments: &[OwnedValue]) -> Result<&'static str, Failure> {
    let name = text_of(arguments, 0).unwrap_or_default();
    Ok(match name.as_str() {
        "year" | "yy" | "yyyy" => "year",
        "quarter" | "qq" | "q" => "quarter",
        "month" | "mm" | "m" => "month",
        "day" | "dd" | "d" | "dayofyear" | "dy" | "y" => "day",
        "week" | "wk" | "ww" => "week",
        "hour" | "hh" => "hour",
        "minute" | "mi" | "n" => "minute",
        "second" | "ss" | "s" => "second",
        "millisecond" | "ms" => "millisecond",
        "microsecond" | "mcs" => "microsecond",
        "nanosecond" | "ns" => "nanosecond",
        _ => return Err(unsupported(format!("the date part {name}"))),
    })
}

/// Ticks of a part that is always as long; none for months and years, and nanoseconds.
fn part_ticks(part: &str) -> Option<i128> {
    let second = i128::from(TICKS_PER_SECOND);
    Some(match part {
        "week" => second * 86_400 * 7,
        "day" => second * 86_400,
        "hour" => second * 3600,
        "minute" => second * 60,
        "second" => second,
        "millisecond" => second / 1000,
        "microsecond" => 10,
        _ => return None,
    })
}

fn ticks_of(cell: Cell<'_>) -> Result<i128, Failure> {
    let moment = moment(&cell.value)?;
    let days = i128::from(moment.days.unwrap_or(DAYS_TO_1900));
    Ok(days * i128::from(TICKS_PER_DAY) + i128::from(moment.ticks))
}

fn date_add(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let part = part(arguments)?;
    let value = argument(arguments, 2);
    let Some(count) = int_of(arguments, 1)?.filter(|_| *value != OwnedValue::Null) else {
        return Ok(OwnedValue::Null);
    };
    let failed = || Failure::new(517, "Adding a value to a 'datetime' column caused an overflow.");
    let ticks = ticks_of(value.cell())?;
    let moved = match (part, part_ticks(part)) {
        (_, Some(unit)) => ticks + unit * i128::from(count),
        ("nanosecond", None) => ticks + i128::from(count) / 100,
        _ => {
            let months = i128::from(count)
                * i128::from(match part {
                    "year" => 12,
                    "quarter" => 3,
                    _ => 1,
                });
            let per_day = i128::from(TICKS_PER_DAY);
            let (days, rest) = (ticks.div_euclid(per_day), ticks.rem_euclid(per_day));
            let (year, month, day) = calendar::date_of(i32::try_from(days).map_err(|_| failed())?);
            let months = i128::from(year) * 12 + i128::from(month) - 1 + months;
            let year = i32::try_from(months.div_euclid(12)).map_err(|_| failed())?;
            let month = u32::try_from(months.rem_euclid(12)).unwrap_or(0) + 1;
            let day = day.min(calendar::month_length(year, month));
            i128::from(calendar::days_of(year, month, day).ok_or_else(failed)?) * per_day + rest
        }
    };
    let per_day = i128::from(TICKS_PER_DAY);
    let days = i32::try_from(moved.div_euclid(per_day)).map_err(|_| failed())?;
    if !(0..=3_652_058).contains(&days) {
        return Err(failed());
    }
    let ticks = u64::try_from(moved.rem_euclid(per_day)).unwrap_or(0);
    let moved = OwnedValue::DateTime2 { days, ticks };
    let back = match value {
        OwnedValue::Date(_) => SqlType::Date,
        OwnedValue::Time(_) => SqlType::Time { scale: 7 },
        OwnedValue::DateTime2 { .. } => return Ok(moved),
        OwnedValue::DateTimeOffset { offset_minutes, .. } => {
            let utc =
                ticks_of(moved.cell())? - i128::from(*offset_minutes) * 60 * i128::from(TICKS_PER_SECOND);
            let days = i32::try_from(utc.div_euclid(per_day)).map_err(|_| failed())?;
            let ticks = u64::try_from(utc.rem_euclid(per_day)).unwrap_or(0);
            return Ok(OwnedValue::DateTimeOffset { days, ticks, offset_minutes: *offset_minutes });
        }
        _ => SqlType::DateTime,
    };
    convert(moved.cell(), &back, CodePage(1252))
}

/// How many borders of the part lie between two moments.
fn date_difference(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let part = part(arguments)?;
    let (from, to) = (argument(arguments, 1), argument(arguments, 2));
    if *from == OwnedValue::Null || *to == OwnedValue::Null {
        return Ok(OwnedValue::Null);
    }
    let (from, to) = (ticks_of(from.cell())?, ticks_of(to.cell())?);
    let found = match (part, part_ticks(part)) {
        // A week begins on a Sunday; 0001-01-01 was a Monday.
        ("week", Some(unit)) => {
            let sunday = i128::from(TICKS_PER_DAY);
            (to + sunday).div_euclid(unit) - (from + sunday).div_euclid(unit)
        }
        (_, Some(unit)) => to.div_euclid(unit) - from.div_euclid(unit),
        ("nanosecond", None) => (to - from) * 100,
        _ => {
            let months = |ticks: i128| {
                let days = i32::try_from(ticks.div_euclid(i128::from(TICKS_PER_DAY))).unwrap_or(0);
                let (year, month, _) = calendar::date_of(days);
                i128::from(year) * 12 + i128::from(month) - 1
            };
            let unit = match part {
                "year" => 12,
                "quarter" => 3,
                _ => 1,
            };
            months(to).div_euclid(unit) - months(from).div_euclid(unit)
        }
    };
    let found = i64::try_from(found)
        .map_err(|_| Failure::new(535, "The datediff function resulted in an overflow."))?;
    Ok(OwnedValue::Int(found))
}

/// `datediff` gives an `int`.
fn int_difference(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let found = date_difference(arguments)?;
    match found {
        OwnedValue::Int(number) if i32::try_from(number).is_err() => {
            let text = "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart.";
            Err(Failure::new(535, text))
        }
        found => Ok(found),
    }
}

/// `switchoffset`: the same instant with another offset, as `+hh:mm` or in minutes.
fn switch_offset(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let minutes = match argument(arguments, 1) {
        OwnedValue::Null => return Ok(OwnedValue::Null),
        OwnedValue::Int(minutes) => i16::try_from(*minutes).ok(),
        _ => text_of(arguments, 1).as_deref().and_then(calendar::parse_offset),
    };
    let minutes = minutes.filter(|minutes| minutes.abs() <= 840);
    let minutes = minutes.ok_or_else(|| {
        Failure::new(9812, "The timezone provided to builtin function switchoffset is invalid.")
    })?;
    Ok(match argument(arguments, 0) {
        OwnedValue::DateTimeOffset { days, ticks, .. } => {
            OwnedValue::DateTimeOffset { days: *days, ticks: *ticks, offset_minutes: minutes }
        }
        OwnedValue::Null => OwnedValue::Null,
        _ => return Err(unsupported("switchoffset of another type than datetimeoffset")),
    })
}

fn date_part(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let part = part(arguments)?;
    let value = argument(arguments, 1);
    if *value == OwnedValue::Null {
        return Ok(OwnedValue::Null);
    }
    let moment = moment(&value.cell().value)?;
    let (year, month, day) = calendar::date_of(moment.days.unwrap_or(DAYS_TO_1900));
    let seconds = moment.ticks / TICKS_PER_SECOND;
    let rest = moment.ticks % TICKS_PER_SECOND;
    let found = match part {
        "year" => i64::from(year),
        "quarter" => i64::from(month.div_ceil(3)),
        "month" => i64::from(month),
        "day" => i64::from(day),
        other => i64::try_from(match other {
            "hour" => seconds / 3600,
            "minute" => seconds / 60 % 60,
            "second" => seconds % 60,
            "millisecond" => rest / 10_000,
            "microsecond" => rest / 10,
            "nanosecond" => rest * 100,
            _ => return Err(unsupported(format!("the date part {other}"))),
        })
        .unwrap_or(0),
    };
    Ok(OwnedValue::Int(found))
}

fn named_part(name: &str, arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    date_part(&[OwnedValue::utf16(name), argument(arguments, 0).clone()])
}

fn year(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    named_part("year", arguments)
}

fn month(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    named_part("month", arguments)
}

fn day(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    named_part("day", arguments)
}

//! Values as they stand in SQLite, and as they leave for the client.
//!
//! Invariant: the type of a value is known from outside, never guessed from the cell. Whole numbers and `bit` are
//! integers; `decimal` is an integer, a real, or the text of its digits where it does not fit; text is text; points in
//! time are 100 ns since 0001-01-01 (UTC for `datetimeoffset`); binary and `uniqueidentifier` are blobs; `sql_variant`
//! is a blob that [`variant`] makes.

use super::types::parse_type;
use mssql2pg_catalog::{RowSink, SqlType, Value, VariantValue};

pub(super) use rusqlite::types::Value as Cell;

/// 100 ns in a day.
pub(super) const DAY: i64 = 864_000_000_000;
/// Days from 0001-01-01 to 1900-01-01.
pub(super) const DAYS_TO_1900: i64 = 693_595;
/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;

/// A point in time: 100 ns since 0001-01-01 00:00, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// A day of the calendar at midnight.
    pub(crate) fn day(year: i32, month: u8, day: u8) -> Self {
        Self(days_from_civil(i64::from(year), i64::from(month), i64::from(day)) * DAY)
    }

    /// The time of the operating system's clock.
    pub(crate) fn from_system(time: std::time::SystemTime) -> Self {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(DAYS_TO_1970 * DAY + i64::try_from(since.as_nanos() / 100).unwrap_or(0))
    }

    /// To the 1/300 s that `datetime` keeps.
    pub(super) fn as_datetime(self) -> Self {
        let (days, ticks) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let thirds = (ticks * 3 + 50_000) / 100_000;
        Self(days * DAY + thirds * 100_000 / 3)
    }
}

/// Days since 0001-01-01 of a day of the Gregorian calendar.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 306
}

/// Year, month and day of the days since 0001-01-01.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 306;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// A `sql_variant` of that base type; NULL stays NULL.
pub(super) fn variant(base: &str, cell: Cell) -> Cell {
    let (kind, payload) = match cell {
        Cell::Null => return Cell::Null,
        Cell::Integer(number) => (b'i', number.to_string().into_bytes()),
        Cell::Real(number) => (b'r', number.to_string().into_bytes()),
        Cell::Text(text) => (b't', text.into_bytes()),
        Cell::Blob(bytes) => (b'b', bytes),
    };
    let mut blob = base.as_bytes().to_vec();
    blob.extend([0, kind]);
    blob.extend(payload);
    Cell::Blob(blob)
}

/// The base type of a `sql_variant`, and the value in it.
pub(super) fn variant_parts(cell: &Cell) -> Option<(SqlType, Cell)> {
    let Cell::Blob(blob) = cell else { return None };
    let end = blob.iter().position(|byte| *byte == 0)?;
    let base = parse_type(std::str::from_utf8(blob.get(..end)?).ok()?)?;
    let payload = blob.get(end + 2..)?;
    let text = || std::str::from_utf8(payload).ok();
    let value = match blob.get(end + 1)? {
        b'i' => Cell::Integer(text()?.parse().ok()?),
        b'r' => Cell::Real(text()?.parse().ok()?),
        b't' => Cell::Text(text()?.to_owned()),
        _ => Cell::Blob(payload.to_vec()),
    };
    Some((base, value))
}

/// A whole number for a `decimal`: as its digits where SQLite's integers end.
pub(super) fn wide_integer(number: i128) -> Cell {
    i64::try_from(number).map_or_else(|_| Cell::Text(number.to_string()), Cell::Integer)
}

/// Sends a cell as a value of that type.
pub(super) fn send(cell: &Cell, sql_type: &SqlType, rows: &mut dyn RowSink) {
    if let SqlType::SqlVariant = sql_type {
        return match variant_parts(cell) {
            Some((base, value)) => {
                let name = base.to_string();
                with_value(&value, &base, |value| {
                    rows.value(Value::Variant(&VariantValue { base_type: &name, value }));
                });
            }
            None => rows.value(Value::Null),
        };
    }
    with_value(cell, sql_type, |value| rows.value(value));
}

fn with_value(cell: &Cell, sql_type: &SqlType, mut take: impl FnMut(Value<'_>)) {
    let whole = match cell {
        Cell::Null => return take(Value::Null),
        Cell::Integer(number) => *number,
        Cell::Real(number) => *number as i64,
        Cell::Text(text) => text.trim().parse().unwrap_or(0),
        Cell::Blob(_) => 0,
    };
    match sql_type {
        SqlType::Bit => take(Value::Bit(whole != 0)),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => take(Value::Int(whole)),
        SqlType::Decimal { scale, .. } => {
            let unscaled = unscaled(cell, *scale);
            let magnitude = unscaled.unsigned_abs().to_le_bytes();
            take(Value::Decimal { magnitude: &magnitude, scale: *scale, negative: unscaled < 0 });
        }
        SqlType::Money | SqlType::SmallMoney => {
            take(Value::Money(i64::try_from(unscaled(cell, 4)).unwrap_or(0)));
        }
        SqlType::Real => take(Value::Real(real(cell) as f32)),
        SqlType::Float => take(Value::Float(real(cell))),
        SqlType::Date => take(Value::Date(days(whole))),
        SqlType::Time { .. } => take(Value::Time(ticks(whole))),
        SqlType::DateTime => take(Value::DateTime {
            days: i32::try_from(whole.div_euclid(DAY) - DAYS_TO_1900).unwrap_or(0),
            ticks: u32::try_from((whole.rem_euclid(DAY) * 3 + 50_000) / 100_000).unwrap_or(0),
        }),
        SqlType::SmallDateTime | SqlType::DateTime2 { .. } => {
            take(Value::DateTime2 { days: days(whole), ticks: ticks(whole) });
        }
        SqlType::DateTimeOffset { .. } => {
            take(Value::DateTimeOffset { days: days(whole), ticks: ticks(whole), offset_minutes: 0 });
        }
        SqlType::UniqueIdentifier => match cell {
            Cell::Blob(bytes) => match bytes.as_slice().try_into() {
                Ok(guid) => take(Value::Guid(guid)),
                Err(_) => take(Value::Null),
            },
            _ => take(Value::Null),
        },
        _ => match cell {
            Cell::Blob(bytes) => take(Value::Bytes(bytes)),
            Cell::Text(text) => take(Value::Utf16(&utf16(text))),
            Cell::Integer(number) => take(Value::Utf16(&utf16(&number.to_string()))),
            Cell::Real(number) => take(Value::Utf16(&utf16(&number.to_string()))),
            Cell::Null => take(Value::Null),
        },
    }
}

/// Text as UTF-16LE.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A number times 10^scale.
pub(super) fn unscaled(cell: &Cell, scale: u8) -> i128 {
    let factor = 10i128.pow(u32::from(scale.min(37)));
    match cell {
        Cell::Integer(number) => i128::from(*number) * factor,
        Cell::Real(number) => (number * factor as f64).round() as i128,
        Cell::Text(text) => match text.parse::<i128>() {
            Ok(number) => number.saturating_mul(factor),
            Err(_) => (text.parse::<f64>().unwrap_or(0.0) * factor as f64).round() as i128,
        },
        _ => 0,
    }
}

fn real(cell: &Cell) -> f64 {
    match cell {
        Cell::Real(number) => *number,
        Cell::Integer(number) => *number as f64,
        Cell::Text(text) => text.trim().parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

fn days(time: i64) -> i32 {
    i32::try_from(time.div_euclid(DAY)).unwrap_or(0)
}

fn ticks(time: i64) -> u64 {
    u64::try_from(time.rem_euclid(DAY)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_goes_to_its_number_and_back() {
        assert_eq!(days_from_civil(1, 1, 1), 0);
        assert_eq!(days_from_civil(1900, 1, 1), DAYS_TO_1900);
        assert_eq!(days_from_civil(1970, 1, 1), DAYS_TO_1970);
        assert_eq!(civil_from_days(days_from_civil(2024, 2, 29)), (2024, 2, 29));
        assert_eq!(civil_from_days(0), (1, 1, 1));
    }

    #[test]
    fn a_variant_keeps_its_base_type() {
        let cell = variant("decimal(38,0)", wide_integer(i128::from(i64::MAX) + 1));
        let (base, value) = variant_parts(&cell).unwrap();
        assert_eq!(base.to_string(), "decimal(38,0)");
        assert_eq!(value, Cell::Text("9223372036854775808".to_owned()));
        assert_eq!(variant("int", Cell::Null), Cell::Null);
    }
}

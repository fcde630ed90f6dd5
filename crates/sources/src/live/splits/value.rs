//! Values of key columns: what they are, and how T-SQL writes them.
//!
//! Invariant: equal values of one column are written as equal texts, in the column's own type, so that an index can be
//! used; no value, whatever it holds, can end the text that it stands in.
//!
//! To extend: a type is a line in [`form`], and in [`from_cell`] and [`literal`] if its form is new.

use crate::live::cells::Cell;
use mssql2pg_catalog::{Column, Length, SqlType};
use std::fmt::Write as _;
use uuid::Uuid;

/// A longer text is cut: a boundary need not be a value that occurs.
const MOST_CHARACTERS: usize = 100;
/// 100 ns in a day.
const TICKS_PER_DAY: i128 = 864_000_000_000;
/// 1/300 s in a day.
const THREE_HUNDREDTHS_PER_DAY: i128 = 25_920_000;
/// Days from 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: i128 = 693_595;
/// Days from 0001-01-01 to 9999-12-31.
const LAST_DAY: i128 = 3_652_058;

/// A value of a key column; never NULL.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum KeyValue {
    /// Whole numbers, decimals, money, dates and times: counted in the smallest unit of their type.
    Number(i128),
    /// `real` and `float`.
    Float(f64),
    /// Characters.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// `uniqueidentifier` as it is stored.
    Guid([u8; 16]),
}

/// How values of a type are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// [`KeyValue::Number`] between the type's smallest and largest.
    Number(i128, i128),
    Float,
    Text,
    Bytes,
    Guid,
}

/// The form of a column's values; none when the column cannot be cut into ranges.
pub(super) fn form(column: &Column) -> Option<Form> {
    if column.computed.is_some() || column.encrypted {
        return None;
    }
    let day_units = |unit: i128| Form::Number(0, (LAST_DAY + 1) * (TICKS_PER_DAY / unit) - 1);
    Some(match &column.sql_type {
        SqlType::TinyInt => Form::Number(0, 255),
        SqlType::SmallInt => Form::Number(i16::MIN.into(), i16::MAX.into()),
        SqlType::Int => Form::Number(i32::MIN.into(), i32::MAX.into()),
        SqlType::BigInt | SqlType::Money => Form::Number(i64::MIN.into(), i64::MAX.into()),
        SqlType::SmallMoney => Form::Number(i32::MIN.into(), i32::MAX.into()),
        SqlType::Decimal { precision, .. } => {
            let above = 10_i128.checked_pow(u32::from(*precision))?;
            Form::Number(1 - above, above - 1)
        }
        SqlType::Date => Form::Number(0, LAST_DAY),
        SqlType::Time { scale } => Form::Number(0, TICKS_PER_DAY / unit(*scale) - 1),
        SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale } => day_units(unit(*scale)),
        // From 1753-01-01, counted in 1/300 s since 1900-01-01.
        SqlType::DateTime => Form::Number(
            -53_690 * THREE_HUNDREDTHS_PER_DAY,
            (LAST_DAY - DAYS_TO_1900 + 1) * THREE_HUNDREDTHS_PER_DAY - 1,
        ),
        // Minutes since 1900-01-01, up to 2079-06-06 23:59.
        SqlType::SmallDateTime => Form::Number(0, 65_536 * 1440 - 1),
        SqlType::Real | SqlType::Float => Form::Float,
        SqlType::Char { .. }
        | SqlType::NChar { .. }
        | SqlType::VarChar { length: Length(Some(_)) }
        | SqlType::NVarChar { length: Length(Some(_)) } => {
            // The name of a collation stands bare in the text of a query.
            let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            column.collation.as_deref().is_none_or(plain).then_some(Form::Text)?
        }
        SqlType::Binary { .. } | SqlType::VarBinary { length: Length(Some(_)) } | SqlType::RowVersion => {
            Form::Bytes
        }
        SqlType::UniqueIdentifier => Form::Guid,
        _ => return None,
    })
}

/// The smallest unit of a time of that scale, in 100 ns.
fn unit(scale: u8) -> i128 {
    10_i128.pow(7_u32.saturating_sub(u32::from(scale)))
}

/// A value from an answer of the server's; none for NULL and for what cannot be a boundary.
pub(super) fn from_cell(column: &Column, cell: &Cell) -> Option<KeyValue> {
    let moment = |days: i32, ticks: u64| i128::from(days) * TICKS_PER_DAY + i128::from(ticks);
    let value = match (&column.sql_type, cell) {
        (SqlType::Decimal { scale, .. }, Cell::Decimal { unscaled, scale: told }) if scale == told => {
            KeyValue::Number(*unscaled)
        }
        (SqlType::Decimal { .. }, _) => return None,
        (SqlType::Money | SqlType::SmallMoney, Cell::Money(units)) => KeyValue::Number(i128::from(*units)),
        (SqlType::Date, Cell::Date(days)) => KeyValue::Number(i128::from(*days)),
        (SqlType::Time { scale }, Cell::Time(ticks)) => KeyValue::Number(i128::from(*ticks) / unit(*scale)),
        (SqlType::DateTime, Cell::DateTime { days, ticks }) => {
            KeyValue::Number(i128::from(*days) * THREE_HUNDREDTHS_PER_DAY + i128::from(*ticks))
        }
        (SqlType::SmallDateTime, Cell::DateTime2 { days, ticks }) => {
            KeyValue::Number((moment(*days, *ticks) - DAYS_TO_1900 * TICKS_PER_DAY) / 600_000_000)
        }
        (
            SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale },
            Cell::DateTime2 { days, ticks },
        ) => KeyValue::Number(moment(*days, *ticks) / unit(*scale)),
        (SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt, Cell::Int(value)) => {
            KeyValue::Number(i128::from(*value))
        }
        (SqlType::Real | SqlType::Float, Cell::Float(value)) => KeyValue::Float(*value),
        (SqlType::UniqueIdentifier, Cell::Bytes(bytes)) => KeyValue::Guid(bytes.as_slice().try_into().ok()?),
        (_, Cell::Text(text)) => {
            let kept: String = text.chars().take(MOST_CHARACTERS).collect();
            // SQL Server compares as if the shorter text went on with blanks.
            KeyValue::Text(kept.trim_end_matches(' ').to_owned())
        }
        (_, Cell::Bytes(bytes)) => KeyValue::Bytes(bytes.clone()),
        _ => return None,
    };
    is_usable(column, &value).then_some(value)
}

/// Whether the value can be written as a boundary of that column.
pub(super) fn is_usable(column: &Column, value: &KeyValue) -> bool {
    match (form(column), value) {
        (Some(Form::Number(least, most)), KeyValue::Number(number)) => (least..=most).contains(number),
        (Some(Form::Float), KeyValue::Float(number)) => number.is_finite(),
        (Some(Form::Text), KeyValue::Text(text)) => !text.is_empty() && text.chars().all(is_plain),
        (Some(Form::Bytes), KeyValue::Bytes(bytes)) => !bytes.is_empty() && bytes.len() <= 900,
        (Some(Form::Guid), KeyValue::Guid(_)) => true,
        _ => false,
    }
}

/// Neither a control character, nor one that stands for a damaged text, nor one that is none.
fn is_plain(character: char) -> bool {
    !character.is_control()
        && character != char::REPLACEMENT_CHARACTER
        && u32::from(character) & 0xFFFE != 0xFFFE
        && !('\u{2028}'..='\u{202E}').contains(&character)
        && !('\u{E000}'..='\u{F8FF}').contains(&character)
}

/// The value as T-SQL writes it, in the column's own type: `cast('2020-01-31' as date)`.
pub(super) fn literal(column: &Column, value: &KeyValue) -> String {
    let sql_type = &column.sql_type;
    let quoted = |text: String| format!("cast('{text}' as {sql_type})");
    match (sql_type, value) {
        (SqlType::BigInt, KeyValue::Number(number)) => format!("cast({number} as bigint)"),
        (SqlType::Decimal { scale, .. }, KeyValue::Number(number)) => quoted(decimal(*number, *scale)),
        (SqlType::Money | SqlType::SmallMoney, KeyValue::Number(number)) => quoted(decimal(*number, 4)),
        (SqlType::Date, KeyValue::Number(days)) => quoted(date(*days)),
        (SqlType::Time { scale }, KeyValue::Number(units)) => {
            quoted(time(*units * unit(*scale), usize::from(*scale)))
        }
        (SqlType::DateTime, KeyValue::Number(units)) => {
            let days = units.div_euclid(THREE_HUNDREDTHS_PER_DAY);
            // Milliseconds end in 0, 3 or 7; the server rounds them back to the same 1/300 s.
            let milliseconds = (units.rem_euclid(THREE_HUNDREDTHS_PER_DAY) * 10 + 1) / 3;
            quoted(format!("{}T{}", date(days + DAYS_TO_1900), time(milliseconds * 10_000, 3)))
        }
        (SqlType::SmallDateTime, KeyValue::Number(minutes)) => {
            let (days, minutes) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
            quoted(format!("{}T{}", date(days + DAYS_TO_1900), time(minutes * 600_000_000, 0)))
        }
        (SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale }, KeyValue::Number(units)) => {
            let ticks = units * unit(*scale);
            let (days, ticks) = (ticks.div_euclid(TICKS_PER_DAY), ticks.rem_euclid(TICKS_PER_DAY));
            let zone = if matches!(sql_type, SqlType::DateTimeOffset { .. }) { "+00:00" } else { "" };
            quoted(format!("{}T{}{zone}", date(days), time(ticks, usize::from(*scale))))
        }
        (_, KeyValue::Number(number)) => number.to_string(),
        // The shortest digits that mean this very number. A real is no float: its own digits are shorter.
        (SqlType::Real, KeyValue::Float(number)) => format!("cast({:e} as real)", *number as f32),
        (_, KeyValue::Float(number)) => format!("{number:e}"),
        (_, KeyValue::Text(text)) => character_literal(column, text),
        (_, KeyValue::Bytes(bytes)) => {
            bytes.iter().fold("0x".to_owned(), |mut text, byte| {
                // Writing into a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        }
        (_, KeyValue::Guid(stored)) => quoted(Uuid::from_bytes_le(*stored).to_string()),
    }
}

fn character_literal(column: &Column, text: &str) -> String {
    let (sql_type, text) = (&column.sql_type, text.replace('\'', "''"));
    let wide = matches!(sql_type, SqlType::NChar { .. } | SqlType::NVarChar { .. });
    match &column.collation {
        None => format!("cast(N'{text}' as {sql_type})"),
        Some(collation) if wide => format!("cast(N'{text}' as {sql_type}) collate {collation}"),
        // The collation inside decides the code page; outside it would come too late.
        Some(collation) => format!("cast(N'{text}' collate {collation} as {sql_type})"),
    }
}

fn decimal(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let sign = if unscaled < 0 { "-" } else { "" };
    match digits.split_at_checked(digits.len() - scale) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits}"),
    }
}

/// `yyyy-mm-dd` of days since 0001-01-01, in the proleptic Gregorian calendar.
fn date(days: i128) -> String {
    // Years that begin in March have their leap day last; day 0 of the era is 0000-03-01.
    let days = days + 306;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `hh:mm:ss.fffffff` of units of 100 ns since midnight, with so many digits after the point.
fn time(ticks: i128, scale: usize) -> String {
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{hours:02}:{minutes:02}:{seconds:02}.{fraction:07}");
    text.truncate(if scale == 0 { 8 } else { 9 + scale.min(7) });
    text
}

/// The next larger value, where the type has one: then "above v" is "from its successor on".
pub(super) fn successor(column: &Column, value: &KeyValue) -> Option<KeyValue> {
    match (form(column)?, value) {
        (Form::Number(_, most), KeyValue::Number(number)) => {
            (*number < most).then(|| KeyValue::Number(number + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_exactly_in_its_own_type() {
        let check = |sql_type: SqlType, collation: Option<&str>, cell: Cell, expected: &str| {
            let column =
                Column { collation: collation.map(str::to_owned), ..Column::new("k", sql_type.clone()) };
            let value = from_cell(&column, &cell).unwrap_or_else(|| panic!("{cell:?} is no {sql_type}"));
            assert_eq!(literal(&column, &value), expected);
        };
        let number = |unscaled, scale| Cell::Decimal { unscaled, scale };
        let nvarchar = || SqlType::NVarChar { length: Length::limited(9) };
        let varchar = || SqlType::VarChar { length: Length::limited(9) };
        let text = |text: &str| Cell::Text(text.to_owned());
        check(SqlType::TinyInt, None, Cell::Int(255), "255");
        check(SqlType::Int, None, Cell::Int(-7), "-7");
        check(SqlType::BigInt, None, Cell::Int(i64::MIN), "cast(-9223372036854775808 as bigint)");
        let decimal = |precision, scale| SqlType::Decimal { precision, scale };
        check(decimal(9, 2), None, number(-5, 2), "cast('-0.05' as decimal(9,2))");
        check(decimal(9, 0), None, number(120, 0), "cast('120' as decimal(9,0))");
        check(decimal(3, 3), None, number(7, 3), "cast('0.007' as decimal(3,3))");
        check(SqlType::Money, None, Cell::Money(-12_345), "cast('-1.2345' as money)");
        check(SqlType::SmallMoney, None, Cell::Money(10_000), "cast('1.0000' as smallmoney)");
        check(SqlType::Real, None, Cell::Float(f64::from(0.1_f32)), "cast(1e-1 as real)");
        check(SqlType::Float, None, Cell::Float(0.1), "1e-1");
        check(SqlType::Float, None, Cell::Float(-1.5e300), "-1.5e300");
        check(SqlType::Date, None, Cell::Date(0), "cast('0001-01-01' as date)");
        check(SqlType::Date, None, Cell::Date(730_178), "cast('2000-02-29' as date)");
        check(SqlType::Date, None, Cell::Date(3_652_058), "cast('9999-12-31' as date)");
        check(SqlType::Time { scale: 0 }, None, Cell::Time(863_990_000_000), "cast('23:59:59' as time(0))");
        check(SqlType::Time { scale: 7 }, None, Cell::Time(1), "cast('00:00:00.0000001' as time(7))");
        let datetime = |days, ticks| Cell::DateTime { days, ticks };
        check(SqlType::DateTime, None, datetime(0, 1), "cast('1900-01-01T00:00:00.003' as datetime)");
        check(
            SqlType::DateTime,
            None,
            datetime(-1, 25_919_999),
            "cast('1899-12-31T23:59:59.997' as datetime)",
        );
        let moment = |days, ticks| Cell::DateTime2 { days, ticks };
        let small = "cast('1900-01-02T00:01:00' as smalldatetime)";
        check(SqlType::SmallDateTime, None, moment(693_596, 600_000_000), small);
        let exact = "cast('0001-01-02T00:00:00.012' as datetime2(3))";
        check(SqlType::DateTime2 { scale: 3 }, None, moment(1, 120_000), exact);
        let zoned = "cast('0001-01-02T00:00:00.0000005+00:00' as datetimeoffset(7))";
        check(SqlType::DateTimeOffset { scale: 7 }, None, moment(1, 5), zoned);
        let guid = "cast('03020100-0504-0706-0809-0a0b0c0d0e0f' as uniqueidentifier)";
        check(SqlType::UniqueIdentifier, None, Cell::Bytes((0..16).collect()), guid);
        check(SqlType::Binary { length: 2 }, None, Cell::Bytes(vec![0, 255]), "0x00ff");
        check(nvarchar(), None, text("é  "), "cast(N'é' as nvarchar(9))");
        check(nvarchar(), Some("X_CI_AS"), text("a"), "cast(N'a' as nvarchar(9)) collate X_CI_AS");
        check(varchar(), Some("X_CI_AS"), text("a"), "cast(N'a' collate X_CI_AS as varchar(9))");
        check(varchar(), None, text("');drop table t--"), "cast(N''');drop table t--' as varchar(9))");
    }

    #[test]
    fn what_cannot_be_a_boundary_is_left_out() {
        let check = |sql_type: SqlType, cell: Cell| {
            assert_eq!(from_cell(&Column::new("k", sql_type), &cell), None, "{cell:?}");
        };
        let nvarchar = || SqlType::NVarChar { length: Length::limited(9) };
        for text in ["", "   ", "a\0b", "a\nb", "a\u{FFFD}", "a\u{FFFF}", "\u{202E}a"] {
            check(nvarchar(), Cell::Text(text.to_owned()));
        }
        check(SqlType::Int, Cell::Null);
        check(SqlType::Int, Cell::Int(1 << 40));
        check(SqlType::Int, Cell::Text("1".to_owned()));
        check(SqlType::Float, Cell::Float(f64::NAN));
        check(SqlType::UniqueIdentifier, Cell::Bytes(vec![1; 15]));
        check(SqlType::Decimal { precision: 5, scale: 2 }, Cell::Decimal { unscaled: 1, scale: 3 });
        check(SqlType::Binary { length: 2 }, Cell::Bytes(Vec::new()));
    }

    #[test]
    fn a_column_that_the_server_cannot_order_or_we_not_write_is_no_key() {
        let check = |column: Column| assert_eq!(form(&column), None, "{column:?}");
        for sql_type in [
            SqlType::Bit,
            SqlType::SqlVariant,
            SqlType::Xml,
            SqlType::HierarchyId,
            SqlType::NVarChar { length: Length::MAX },
        ] {
            check(Column::new("k", sql_type));
        }
        check(Column { encrypted: true, ..Column::new("k", SqlType::Int) });
        let collation = Some("x; drop table t".to_owned());
        check(Column { collation, ..Column::new("k", SqlType::Char { length: 3 }) });
    }
}

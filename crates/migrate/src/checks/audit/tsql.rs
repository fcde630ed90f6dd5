//! The checks of values as conditions in T-SQL, for a server that counts defects itself.
//!
//! Invariant: a condition is true of exactly the values that the check takes for a defect; NULL and *unknown* count as
//! false. What T-SQL cannot tell exactly is [`Condition::AtMost`], or has no condition. Nothing of a value is in it.
//!
//! To extend: a function here that a check names as its `tsql`, and a line in `cli/tests/pushdown.rs`.

use super::Looked;
use jiff::ToSpan;
use jiff::civil::date;
use mssql2pg_catalog::{Column, Length, SqlType};
use mssql2pg_sources::quoted;

/// A check of a column's values, for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// True of the defects.
    Exactly(String),
    /// True of all defects and perhaps of more: where no row meets it there is none, else rows have to be read.
    AtMost(String),
}

impl Condition {
    /// The condition.
    pub fn sql(&self) -> &str {
        match self {
            Self::Exactly(sql) | Self::AtMost(sql) => sql,
        }
    }
}

/// Compares code units.
pub(crate) const BINARY: &str = "collate Latin1_General_100_BIN2";
const NEVER: &str = "1 = 0";

/// A UTF-16 unit as a constant. `nchar` would depend on the database's collation.
fn unit(unit: u16) -> String {
    let [low, high] = unit.to_le_bytes();
    format!("cast(0x{low:02X}{high:02X} as nchar(1))")
}

fn is_wide(sql_type: &SqlType) -> bool {
    matches!(sql_type, SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText)
}

/// The text as UTF-16; a collation of another page would turn characters into `?`.
pub(crate) fn wide(column: &Column, name: &str) -> String {
    match &column.sql_type {
        SqlType::NChar { .. } | SqlType::NVarChar { .. } => name.to_owned(),
        SqlType::Char { length } | SqlType::VarChar { length: Length(Some(length)) } if *length <= 4000 => {
            format!("cast({name} as nvarchar({length}))")
        }
        _ => format!("cast({name} as nvarchar(max))"),
    }
}

/// What a column's values are compared under; ciphertext is compared with nothing.
fn readable<'a>(looked: &Looked<'a>) -> Option<(&'a Column, String)> {
    (!looked.column.encrypted).then(|| (looked.column, quoted(&looked.column.name)))
}

pub(super) fn null(looked: &Looked<'_>) -> Option<Condition> {
    Some(Condition::Exactly(format!("{} is null", quoted(&looked.column.name))))
}

pub(super) fn nul_character(looked: &Looked<'_>) -> Option<Condition> {
    let (column, name) = readable(looked)?;
    Some(Condition::Exactly(format!("charindex({}, {} {BINARY}) > 0", unit(0), wide(column, &name))))
}

pub(super) fn fraction_cut(looked: &Looked<'_>) -> Option<Condition> {
    let (_, name) = readable(looked)?;
    Some(Condition::Exactly(format!("datepart(nanosecond, {name}) % 1000 <> 0")))
}

/// Longer than declared, or with more digits.
pub(super) fn exceeds_declared_type(looked: &Looked<'_>) -> Option<Condition> {
    let (column, name) = readable(looked)?;
    let longer = |bytes: u32| format!("datalength({name}) > {bytes}");
    let sql = match &column.sql_type {
        SqlType::Char { length } | SqlType::Binary { length } => longer(u32::from(*length)),
        SqlType::VarChar { length } | SqlType::VarBinary { length } => longer(u32::from(length.0?)),
        SqlType::NChar { length } => longer(2 * u32::from(*length)),
        SqlType::NVarChar { length } => longer(2 * u32::from(length.0?)),
        SqlType::Decimal { precision, scale } => {
            let digits = "9".repeat(usize::from(*precision));
            let (whole, fraction) = digits.split_at_checked(usize::from(precision.checked_sub(*scale)?))?;
            let most = format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole });
            format!("({name} > {most} or {name} < -{most})")
        }
        _ => return None,
    };
    Some(Condition::Exactly(sql))
}

/// Only UTF-16 has halves. A blank on both sides, so that every unit has a neighbour.
pub(super) fn lone_surrogate(looked: &Looked<'_>) -> Option<Condition> {
    let (column, name) = readable(looked)?;
    if !is_wide(&column.sql_type) {
        return Some(Condition::Exactly(NEVER.to_owned()));
    }
    let text = format!("(N' ' + cast({name} as nvarchar(max)) + N' ') {BINARY}");
    let first = format!("{} + N'-' + {}", unit(0xD800), unit(0xDBFF));
    let second = format!("{} + N'-' + {}", unit(0xDC00), unit(0xDFFF));
    Some(Condition::Exactly(format!(
        "({text} like N'%[' + {first} + N'][^' + {second} + N']%' or {text} like N'%[^' + {first} + N'][' + {second} + N']%')"
    )))
}

/// One `@`; before it something without blanks and controls that neither begins nor ends with a point; behind it labels
/// of letters, digits, hyphens and what is not ASCII, two at least; no two points in a row anywhere.
pub(super) fn invalid_email(looked: &Looked<'_>) -> Option<Condition> {
    let (column, name) = readable(looked)?;
    let text = format!("rtrim({}) {BINARY}", wide(column, &name));
    let not = |pattern: &str| format!("{text} like N'{pattern}'");
    let mut wrong = vec![format!("{text} not like N'_%@%_.%_'")];
    for pattern in ["%@%@%", ".%", "%.@%", "%..%", "%@.%", "%@-%", "%@%-.%", "%@%.-%", "%-", "%."] {
        wrong.push(not(pattern));
    }
    wrong.push(format!("{text} like N'%[' + {} + N'-' + {} + {} + N']%'", unit(1), unit(0x20), unit(0x7F)));
    wrong.push(format!("charindex({}, {text}) > 0", unit(0)));
    wrong.push(format!("{text} like N'%@%[^-.0-9A-Za-z' + {} + N'-' + {} + N']%'", unit(0x80), unit(0xFFFF)));
    Some(Condition::Exactly(format!("({name} is not null and ({}))", wrong.join(" or "))))
}

/// A constant of a column's own type of date; none for other types.
fn moment_of(column: &Column, days: i32, seconds: u32) -> Option<String> {
    let day = date(1, 1, 1).checked_add(days.days()).ok()?;
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(match &column.sql_type {
        SqlType::Date => format!("cast('{day}' as date)"),
        SqlType::DateTime => format!("cast('{day}T{time}' as datetime)"),
        SqlType::SmallDateTime | SqlType::DateTime2 { .. } => format!("cast('{day}T{time}' as datetime2(0))"),
        SqlType::DateTimeOffset { .. } => format!("cast('{day}T{time}+00:00' as datetimeoffset(0))"),
        _ => return None,
    })
}

/// Days from 0001-01-01 to 9999-01-01, in which year a date means no end.
const DAYS_TO_9999: i32 = 3_651_694;

pub(super) fn future_date(looked: &Looked<'_>) -> Option<Condition> {
    let ((column, name), moment) = (readable(looked)?, looked.moment);
    // A local time may be up to 14 hours ahead of UTC.
    let seconds = u32::try_from(moment.ticks / 10_000_000).ok()? + 14 * 3600;
    let days = moment.days.checked_add(i32::from(seconds >= 86_400))?;
    let limit = moment_of(column, days, seconds % 86_400)?;
    let end = moment_of(column, DAYS_TO_9999, 0)?;
    Some(Condition::Exactly(format!("{name} > {limit} and {name} < {end}")))
}

/// 1753-01-01 and 1900-01-01 at midnight, and all of 9999-12-31.
pub(super) fn sentinel_date(looked: &Looked<'_>) -> Option<Condition> {
    let (column, name) = readable(looked)?;
    let [first, second, last] = [639_905, 693_595, 3_652_058].map(|days| moment_of(column, days, 0));
    let (first, second, last) = (first?, second?, last?);
    Some(Condition::Exactly(format!("({name} = {first} or {name} = {second} or {name} >= {last})")))
}

/// ASCII is defined in every page; of other bytes only our decoders know what they take.
pub(super) fn undefined_bytes(looked: &Looked<'_>) -> Option<Condition> {
    let (column, name) = readable(looked)?;
    if is_wide(&column.sql_type) {
        return Some(Condition::Exactly(NEVER.to_owned()));
    }
    let text = wide(column, &name);
    let beyond = format!("{text} {BINARY} like N'%[^' + {} + N'-' + {} + N']%'", unit(1), unit(0x7F));
    // NUL is ASCII, too, and stands outside of the range: that only makes the condition true of more. Windows makes `?` of
    // pairs that some pages of two bytes do not define.
    Some(Condition::AtMost(format!("({beyond} or {text} like N'%?%')")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::audit::Moment;

    #[test]
    fn a_moment_is_written_in_the_type_of_its_column() {
        let check = |sql_type: SqlType, expected: Option<&str>| {
            assert_eq!(moment_of(&Column::new("c", sql_type), 693_595, 3_661).as_deref(), expected);
        };
        check(SqlType::Date, Some("cast('1900-01-01' as date)"));
        check(SqlType::DateTime, Some("cast('1900-01-01T01:01:01' as datetime)"));
        check(SqlType::SmallDateTime, Some("cast('1900-01-01T01:01:01' as datetime2(0))"));
        let zoned = "cast('1900-01-01T01:01:01+00:00' as datetimeoffset(0))";
        check(SqlType::DateTimeOffset { scale: 7 }, Some(zoned));
        check(SqlType::Int, None);
        assert_eq!(unit(0xD83D), "cast(0x3DD8 as nchar(1))");
    }

    #[test]
    fn what_has_no_condition_has_none() {
        let moment = Moment { days: 739_616, ticks: 0 };
        let of = |column: &Column, condition: fn(&Looked<'_>) -> Option<Condition>| {
            condition(&Looked { column, moment })
        };
        let secret = Column { encrypted: true, ..Column::new("c", SqlType::NText) };
        assert_eq!(of(&secret, nul_character), None);
        assert_eq!(of(&secret, null), Some(Condition::Exactly("[c] is null".to_owned())));
        let narrow = Column::new("c", SqlType::Text);
        assert_eq!(of(&narrow, exceeds_declared_type), None);
        assert_eq!(of(&narrow, lone_surrogate), Some(Condition::Exactly(NEVER.to_owned())));
        assert!(matches!(of(&narrow, undefined_bytes), Some(Condition::AtMost(_))));
        let decimal = Column::new("c", SqlType::Decimal { precision: 5, scale: 2 });
        let expected = Condition::Exactly("([c] > 999.99 or [c] < -999.99)".to_owned());
        assert_eq!(of(&decimal, exceeds_declared_type), Some(expected));
    }
}

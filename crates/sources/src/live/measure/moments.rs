//! Days, times of day and moments. The server sums days, seconds and microseconds apart: a difference in microseconds
//! does not fit an `int`, and `datediff_big` is there since 2016 only.

use super::{Measures, whole};
use crate::live::cells::Cell;
use mssql2pg_catalog::Measure;

/// How days and times are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Date,
    Time,
    /// `datetime`, in 1/300 s.
    Thirds,
    /// `datetime2` and `smalldatetime`.
    Local,
    /// `datetimeoffset`.
    Instant,
}

const MICROS_A_DAY: i128 = 86_400_000_000;
const MICROS_A_SECOND: i128 = 1_000_000;
/// Days from 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: i128 = 693_595;

impl Moment {
    pub(super) fn items(self, name: &str) -> Vec<String> {
        let sum = |what: String| format!("sum(cast({what} as bigint))");
        let days = |of: &str| sum(format!("datediff(day, cast('0001-01-01' as date), {of})"));
        let seconds = |of: &str| {
            sum(format!("datepart(hour, {of}) * 3600 + datepart(minute, {of}) * 60 + datepart(second, {of})"))
        };
        // The seventh digit is cut.
        let micros = |of: &str| sum(format!("datepart(microsecond, {of})"));
        let mut items = vec![format!("min({name})"), format!("max({name})")];
        match self {
            Self::Date => items.push(days(name)),
            Self::Time => items.extend([seconds(name), micros(name)]),
            Self::Local => items.extend([days(name), seconds(name), micros(name)]),
            Self::Instant => {
                // A difference does not heed the offset, and a cast leaves it out: so UTC first.
                let utc = format!("cast(switchoffset({name}, '+00:00') as datetime2(7))");
                items.extend([days(&utc), seconds(&utc), micros(&utc)]);
            }
            Self::Thirds => {
                // What `datepart` makes of 1/300 s differs from version to version; what is stored does not: days since
                // 1900-01-01, and 1/300 s.
                let stored =
                    |from: u8| format!("convert(int, substring(convert(binary(8), {name}), {from}, 4))");
                let thirds = stored(5);
                items.push(sum(format!("{} + {DAYS_TO_1900}", stored(1))));
                items.push(sum(format!(
                    "{thirds} / 3 * 10 + case {thirds} % 3 when 1 then 3 when 2 then 7 else 0 end"
                )));
            }
        }
        items
    }

    pub(super) fn read(self, cells: &[Cell]) -> Option<Measures> {
        let [least, most, parts @ ..] = cells else { return None };
        if *least == Cell::Null {
            return Some(Measures::new());
        }
        let parts: Option<Vec<i128>> = parts.iter().map(whole).collect();
        let sum = match (self, parts?.as_slice()) {
            (Self::Date, [days]) => *days,
            (Self::Time, [seconds, micros]) => seconds * MICROS_A_SECOND + micros,
            (Self::Local | Self::Instant, [days, seconds, micros]) => {
                days * MICROS_A_DAY + seconds * MICROS_A_SECOND + micros
            }
            (Self::Thirds, [days, millis]) => days * MICROS_A_DAY + millis * 1000,
            _ => return None,
        };
        Some(Measures::from([
            (Measure::Minimum, self.units(least)?.to_string()),
            (Measure::Maximum, self.units(most)?.to_string()),
            (Measure::Sum, sum.to_string()),
        ]))
    }

    /// A value in the units of the measures.
    fn units(self, cell: &Cell) -> Option<i128> {
        Some(match (self, cell) {
            (Self::Date, Cell::Date(days)) => i128::from(*days),
            (Self::Time, Cell::Time(ticks)) => i128::from(ticks / 10),
            (Self::Local | Self::Instant, Cell::DateTime2 { days, ticks }) => {
                i128::from(*days) * MICROS_A_DAY + i128::from(ticks / 10)
            }
            (Self::Thirds, Cell::DateTime { days, ticks }) => {
                // Shown as .000, .003 and .007 ("datetime (Transact-SQL)").
                let shown = match ticks % 3 {
                    0 => 0,
                    1 => 3,
                    _ => 7,
                };
                let millis = i128::from(ticks / 3) * 10 + shown;
                (i128::from(*days) + DAYS_TO_1900) * MICROS_A_DAY + millis * 1000
            }
            _ => return None,
        })
    }
}

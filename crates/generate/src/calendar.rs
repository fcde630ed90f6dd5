//! Dates as SQL Server counts them: days since 0001-01-01, and 100 ns since midnight.
//!
//! Invariant: the proleptic Gregorian calendar, as the `date` type has it. No clock is ever read.

use crate::GenerateError;
use serde::{Deserialize, Serialize};

/// 100 ns in a second.
pub(crate) const TICKS_A_SECOND: u64 = 10_000_000;
/// Days from 0001-01-01 to 1900-01-01, where `datetime` and `smalldatetime` begin.
pub(crate) const DAYS_TO_1900: i64 = 693_595;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day {
    /// 1 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the length of the month.
    pub day: u8,
}

impl Day {
    /// Days since 0001-01-01.
    ///
    /// # Errors
    /// [`GenerateError::Options`] when there is no such day.
    pub(crate) fn number(self) -> Result<i64, GenerateError> {
        let Self { year, month, day } = self;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 || day > length {
            return Err(GenerateError::Options(format!("{year:04}-{month:02}-{day:02} is not a day")));
        }
        Ok(days(i64::from(year), i64::from(month), i64::from(day)))
    }
}

/// Days since 0001-01-01 of a day that exists.
pub(crate) const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 307
}

/// 100 ns since midnight.
pub(crate) const fn clock(hour: u64, minute: u64, second: u64) -> u64 {
    ((hour * 60 + minute) * 60 + second) * TICKS_A_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_the_year_one() {
        let check = |year, month, day, expected| {
            assert_eq!(days(year, month, day), expected, "{year}-{month}-{day}");
        };
        check(1, 1, 1, 0);
        check(1, 12, 31, 364);
        check(1900, 1, 1, DAYS_TO_1900);
        check(1970, 1, 1, 719_162);
        check(2000, 2, 29, 730_178);
        check(2000, 3, 1, 730_179);
        check(2026, 1, 1, 739_616);
        check(9999, 12, 31, 3_652_058);
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        let check = |year, month, day, good: bool| {
            assert_eq!(Day { year, month, day }.number().is_ok(), good, "{year}-{month}-{day}");
        };
        check(2024, 2, 29, true);
        check(2023, 2, 29, false);
        check(1900, 2, 29, false);
        check(2026, 13, 1, false);
        check(2026, 4, 31, false);
        check(0, 1, 1, false);
    }
}

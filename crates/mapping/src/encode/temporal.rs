//! Dates, times and instants.
//!
//! Invariant: no time zone is ever applied, and digits are cut towards the past, never rounded: the
//! last moment of 9999 stays in 9999. PostgreSQL counts days and microseconds from 2000-01-01
//! (`timestamp.h`); SQL Server counts from 0001-01-01 or 1900-01-01.

use super::{Reject, put_fixed};

/// Days from 0001-01-01 to 2000-01-01.
const DAYS_0001_TO_2000: i32 = 730_119;
/// Days from 1900-01-01 to 2000-01-01.
const DAYS_1900_TO_2000: i32 = 36_524;
/// 9999-12-31 in days since 0001-01-01.
const LAST_DAY: i32 = 3_652_058;
/// `datetime` reaches from 1753-01-01 to 9999-12-31, in days since 1900-01-01.
const DATETIME_DAYS: std::ops::RangeInclusive<i32> = -53_690..=2_958_463;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 100 ns in a day.
const TICKS_PER_DAY: u64 = 864_000_000_000;
/// 1/300 s in a day.
const DATETIME_TICKS_PER_DAY: u32 = 25_920_000;
const OFFSETS: std::ops::RangeInclusive<i16> = -840..=840;

/// Whether digits of the fraction were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fraction {
    Kept,
    Cut,
}

/// Appends a `date`.
#[inline]
pub(super) fn put_date(out: &mut Vec<u8>, days: i32) -> Result<(), Reject> {
    if !(0..=LAST_DAY).contains(&days) {
        return Err(Reject::new("the date is not in the years 1 to 9999"));
    }
    put_fixed(out, (days - DAYS_0001_TO_2000).to_be_bytes());
    Ok(())
}

/// Appends a `time`; `scale` is the column's, at most 6.
#[inline]
pub(super) fn put_time(out: &mut Vec<u8>, ticks: u64, scale: u8) -> Result<Fraction, Reject> {
    let (micros, fraction) = cut_ticks(ticks, scale)?;
    put_fixed(out, micros.to_be_bytes());
    Ok(fraction)
}

/// Appends a `timestamp` from a `datetime2` or `smalldatetime`.
#[inline]
pub(super) fn put_datetime2(out: &mut Vec<u8>, days: i32, ticks: u64, scale: u8) -> Result<Fraction, Reject> {
    if !(0..=LAST_DAY).contains(&days) {
        return Err(Reject::new("the date is not in the years 1 to 9999"));
    }
    let (micros, fraction) = cut_ticks(ticks, scale)?;
    put_fixed(out, (i64::from(days - DAYS_0001_TO_2000) * MICROS_PER_DAY + micros).to_be_bytes());
    Ok(fraction)
}

/// Appends a `timestamp` from a `datetime`: milliseconds as SQL Server shows them (.000, .003, .007).
#[inline]
pub(super) fn put_datetime(out: &mut Vec<u8>, days: i32, ticks: u32, scale: u8) -> Result<Fraction, Reject> {
    let millis = datetime_millis(days, ticks)?;
    let unit = 10_i64.pow(6 - u32::from(scale.min(6)));
    let micros = millis * 1_000;
    let kept = micros - micros % unit;
    put_fixed(out, (i64::from(days - DAYS_1900_TO_2000) * MICROS_PER_DAY + kept).to_be_bytes());
    Ok(if kept == micros { Fraction::Kept } else { Fraction::Cut })
}

/// Appends a `timestamptz`, which is an instant in UTC.
#[inline]
pub(super) fn put_instant(out: &mut Vec<u8>, days: i32, ticks: u64, scale: u8) -> Result<Fraction, Reject> {
    // The local date is in the years 1 to 9999; in UTC it may be a day outside.
    if !(-1..=LAST_DAY + 1).contains(&days) {
        return Err(Reject::new("the date is not in the years 1 to 9999"));
    }
    let (micros, fraction) = cut_ticks(ticks, scale)?;
    put_fixed(out, (i64::from(days - DAYS_0001_TO_2000) * MICROS_PER_DAY + micros).to_be_bytes());
    Ok(fraction)
}

/// Appends the offset of a `datetimeoffset` as `smallint`, in minutes east of UTC.
#[inline]
pub(super) fn put_offset(out: &mut Vec<u8>, minutes: i16) -> Result<(), Reject> {
    if !OFFSETS.contains(&minutes) {
        return Err(Reject::new("the offset is more than 14 hours"));
    }
    put_fixed(out, minutes.to_be_bytes());
    Ok(())
}

/// Microseconds since midnight with `scale` digits, from 100 ns since midnight.
#[inline]
fn cut_ticks(ticks: u64, scale: u8) -> Result<(i64, Fraction), Reject> {
    if ticks >= TICKS_PER_DAY {
        return Err(Reject::new("the time of day is 24 hours or more"));
    }
    let unit = TICKS_PER_UNIT[usize::from(scale.min(6))];
    let cut = ticks % unit;
    // Less than 86,400,000,000, so it fits.
    let micros = ((ticks - cut) / 10) as i64;
    Ok((micros, if cut == 0 { Fraction::Kept } else { Fraction::Cut }))
}

/// 100 ns in the last digit of a fraction with 0 to 6 digits.
const TICKS_PER_UNIT: [u64; 7] = [10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10];

fn datetime_millis(days: i32, ticks: u32) -> Result<i64, Reject> {
    if !DATETIME_DAYS.contains(&days) {
        return Err(Reject::new("the date is not in the years 1753 to 9999"));
    }
    if ticks >= DATETIME_TICKS_PER_DAY {
        return Err(Reject::new("the time of day is 24 hours or more"));
    }
    // 1/300 s are 10/3 ms, rounded to the nearest.
    Ok((i64::from(ticks) * 10 + 1) / 3)
}

/// A `date` field's value, days since 2000-01-01, as PostgreSQL prints it.
pub(super) fn date_text(days: i64) -> String {
    let (year, month, day) = civil(days);
    if year > 0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{:04}-{month:02}-{day:02} BC", 1 - year)
    }
}

/// A time of day in microseconds as PostgreSQL prints it: without zeros at the end of the fraction.
pub(super) fn time_text(micros: i64) -> String {
    clock_text(micros, 1_000_000)
}

/// A `timestamp` field's value, microseconds since 2000-01-01, as PostgreSQL prints it.
pub(super) fn timestamp_text(micros: i64) -> String {
    let date = date_text(micros.div_euclid(MICROS_PER_DAY));
    let time = time_text(micros.rem_euclid(MICROS_PER_DAY));
    match date.strip_suffix(" BC") {
        Some(date) => format!("{date} {time} BC"),
        None => format!("{date} {time}"),
    }
}

/// The text of a `date`, `datetime2` or `datetime` of SQL Server, all seven digits kept: for `sql_variant`.
pub(super) fn exact_date_text(days: i32) -> Result<String, Reject> {
    if !(-1..=LAST_DAY + 1).contains(&days) {
        return Err(Reject::new("the date is not in the years 1 to 9999"));
    }
    Ok(date_text(i64::from(days - DAYS_0001_TO_2000)))
}

/// A time of day of SQL Server, all seven digits kept: for `sql_variant`.
pub(super) fn exact_time_text(ticks: u64) -> Result<String, Reject> {
    match i64::try_from(ticks) {
        Ok(known) if ticks < TICKS_PER_DAY => Ok(clock_text(known, 10_000_000)),
        _ => Err(Reject::new("the time of day is 24 hours or more")),
    }
}

/// A `datetime` of SQL Server: for `sql_variant`.
pub(super) fn exact_datetime_text(days: i32, ticks: u32) -> Result<String, Reject> {
    let millis = datetime_millis(days, ticks)?;
    Ok(timestamp_text(i64::from(days - DAYS_1900_TO_2000) * MICROS_PER_DAY + millis * 1_000))
}

/// A `datetimeoffset` of SQL Server as its local time with its offset: for `sql_variant`.
pub(super) fn exact_instant_text(days: i32, ticks: u64, offset_minutes: i16) -> Result<String, Reject> {
    if !OFFSETS.contains(&offset_minutes) {
        return Err(Reject::new("the offset is more than 14 hours"));
    }
    exact_time_text(ticks)?;
    exact_date_text(days)?;
    let day_ticks = i64::try_from(TICKS_PER_DAY).map_err(|_| Reject::new("the time is out of range"))?;
    let utc = i64::from(days) * day_ticks + ticks.cast_signed();
    let local = utc + i64::from(offset_minutes) * 600_000_000;
    let date = exact_date_text(local.div_euclid(day_ticks) as i32)?;
    let time = clock_text(local.rem_euclid(day_ticks), 10_000_000);
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let minutes = offset_minutes.unsigned_abs();
    Ok(format!("{date} {time}{sign}{:02}:{:02}", minutes / 60, minutes % 60))
}

fn clock_text(units: i64, units_per_second: i64) -> String {
    let seconds = units / units_per_second;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = units % units_per_second;
    let mut text = format!("{hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        let width = units_per_second.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// Year, month and day of a day counted from 2000-01-01, in the proleptic Gregorian calendar; the
/// year before 1 is 0.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let days = days + 730_425;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epochs_are_where_the_calendar_says() {
        assert_eq!(date_text(0), "2000-01-01");
        assert_eq!(date_text(-i64::from(DAYS_0001_TO_2000)), "0001-01-01");
        assert_eq!(date_text(-i64::from(DAYS_0001_TO_2000) - 1), "0001-12-31 BC");
        assert_eq!(date_text(-i64::from(DAYS_1900_TO_2000)), "1900-01-01");
        assert_eq!(date_text(i64::from(LAST_DAY - DAYS_0001_TO_2000)), "9999-12-31");
        assert_eq!(date_text(i64::from(DATETIME_DAYS.start() - DAYS_1900_TO_2000)), "1753-01-01");
        assert_eq!(date_text(i64::from(DATETIME_DAYS.end() - DAYS_1900_TO_2000)), "9999-12-31");
        assert_eq!(date_text(59), "2000-02-29");
        assert_eq!(date_text(60), "2000-03-01");
    }

    #[test]
    fn every_day_has_a_date_after_the_one_before() {
        let mut previous = date_text(-i64::from(DAYS_0001_TO_2000));
        for days in 1 - i64::from(DAYS_0001_TO_2000)..=i64::from(LAST_DAY - DAYS_0001_TO_2000) {
            let date = date_text(days);
            assert!(
                date > previous && (date[8..] == *"01") == (date[5..7] != previous[5..7]),
                "{previous} {date}"
            );
            previous = date;
        }
        assert_eq!(previous, "9999-12-31");
    }

    #[test]
    fn a_datetime_has_the_milliseconds_that_sql_server_shows() {
        let check = |ticks, expected: &str| {
            assert_eq!(exact_datetime_text(0, ticks).expect("in range"), format!("1900-01-01 {expected}"));
        };
        check(0, "00:00:00");
        check(1, "00:00:00.003");
        check(2, "00:00:00.007");
        check(3, "00:00:00.01");
        check(299, "00:00:00.997");
        check(DATETIME_TICKS_PER_DAY - 1, "23:59:59.997");
        assert!(exact_datetime_text(0, DATETIME_TICKS_PER_DAY).is_err());
        assert!(exact_datetime_text(-53_691, 0).is_err());
        assert!(exact_datetime_text(2_958_464, 0).is_err());
    }

    #[test]
    fn an_instant_is_shown_in_its_own_offset() {
        let check = |days, ticks, offset, expected: &str| {
            assert_eq!(exact_instant_text(days, ticks, offset).expect("in range"), expected);
        };
        check(730_119, 1, 120, "2000-01-01 02:00:00.0000001+02:00");
        check(730_119, 0, -330, "1999-12-31 18:30:00-05:30");
        check(-1, TICKS_PER_DAY - 1, 840, "0001-01-01 13:59:59.9999999+14:00");
        assert!(exact_instant_text(0, 0, 841).is_err());
        assert!(exact_instant_text(0, u64::MAX, 0).is_err());
        assert!(exact_instant_text(i32::MAX, 0, 0).is_err());
        assert!(exact_instant_text(i32::MIN, 0, 0).is_err());
    }
}

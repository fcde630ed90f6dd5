//! Days and times of day: as numbers, and as the texts that T-SQL reads and writes.
//!
//! Days count from 0001-01-01 and ticks are 100 ns, as in [`mssql2pg_catalog::Value`].

/// 100 ns in a second.
pub(crate) const TICKS_PER_SECOND: u64 = 10_000_000;
/// 100 ns in a day.
pub(crate) const TICKS_PER_DAY: u64 = 86_400 * TICKS_PER_SECOND;
/// Days from 0001-01-01 to 1900-01-01.
pub(crate) const DAYS_TO_1900: i32 = 693_595;

/// A moment as a text tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// Days since 0001-01-01; none when the text tells a time only.
    pub(crate) days: Option<i32>,
    /// 100 ns since midnight.
    pub(crate) ticks: u64,
    /// Minutes east of UTC.
    pub(crate) offset_minutes: Option<i16>,
}

/// Days since 0001-01-01 of a date; none when there is no such day.
pub(crate) fn days_of(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > month_length(year, month)
    {
        return None;
    }
    let before = year - 1;
    let mut days = before * 365 + before / 4 - before / 100 + before / 400;
    for earlier in 1..month {
        days += i32::try_from(month_length(year, earlier)).ok()?;
    }
    Some(days + i32::try_from(day).ok()? - 1)
}

/// How many days a month has.
pub(crate) fn month_length(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a count of days since 0001-01-01.
pub(crate) fn date_of(days: i32) -> (i32, u32, u32) {
    let mut year = (days / 366 + 1).max(1);
    while days_of(year + 1, 1, 1).is_some_and(|start| start <= days) {
        year += 1;
    }
    let mut rest = u32::try_from(days - days_of(year, 1, 1).unwrap_or(0)).unwrap_or(0);
    let mut month = 1;
    while month < 12 && rest >= month_length(year, month) {
        rest -= month_length(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

/// `yyyy-mm-dd`.
pub(crate) fn date_text(days: i32) -> String {
    let (year, month, day) = date_of(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `hh:mm:ss` and `scale` digits of a second.
pub(crate) fn time_text(ticks: u64, scale: u8) -> String {
    let (seconds, rest) = (ticks / TICKS_PER_SECOND, ticks % TICKS_PER_SECOND);
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match usize::from(scale).min(7) {
        0 => text,
        digits => format!("{text}.{}", &format!("{rest:07}")[..digits]),
    }
}

/// Ticks rounded to a scale's digits, and the day that this may carry over to.
pub(crate) fn round_ticks(ticks: u64, scale: u8) -> (u64, i32) {
    let unit = 10_u64.pow(u32::from(7 - scale.min(7)));
    let rounded = (ticks + unit / 2) / unit * unit;
    if rounded >= TICKS_PER_DAY { (rounded - TICKS_PER_DAY, 1) } else { (rounded, 0) }
}

/// Reads `yyyy-mm-dd`, `yyyymmdd`, a time of day behind a blank or a `T`, and an offset; none for anything else.
pub(crate) fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Moment { days: Some(DAYS_TO_1900), ..Moment::default() });
    }
    let (date, time) = match text.find(['T', ' ', 't']) {
        Some(place) => (text.get(..place)?, text.get(place + 1..)?.trim()),
        None if text.contains(':') => ("", text),
        None => (text, ""),
    };
    // A time and its offset may be apart.
    let (date, time) = if date.contains(':') { ("", text) } else { (date, time) };
    let mut moment = Moment::default();
    if !date.is_empty() {
        moment.days = Some(parse_date(date)?);
    }
    if !time.is_empty() {
        parse_time(time, &mut moment)?;
    }
    Some(moment)
}

fn parse_date(text: &str) -> Option<i32> {
    let digits =
        |part: &str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
    let (year, month, day) = if text.len() == 8 && !text.contains(['-', '/', '.']) {
        (text.get(..4)?, text.get(4..6)?, text.get(6..)?)
    } else {
        let mut parts = text.split(['-', '/', '.']);
        let found = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || found.0.len() != 4 {
            return None;
        }
        found
    };
    days_of(i32::try_from(digits(year)?).ok()?, digits(month)?, digits(day)?)
}

fn parse_time(text: &str, moment: &mut Moment) -> Option<()> {
    let (clock, offset) = match text.find(['+', '-', 'Z', 'z']) {
        Some(place) => (text.get(..place)?.trim(), text.get(place..)?),
        None => (text, ""),
    };
    if !offset.is_empty() {
        moment.offset_minutes = Some(parse_offset(offset)?);
    }
    let mut parts = clock.split(':');
    let hours: u64 = parts.next()?.parse().ok().filter(|hours| *hours < 24)?;
    let minutes: u64 = parts.next()?.parse().ok().filter(|minutes| *minutes < 60)?;
    let (seconds, fraction) = match parts.next() {
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "")),
        None => ("0", ""),
    };
    let seconds: u64 = seconds.parse().ok().filter(|seconds| *seconds < 60)?;
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) || fraction.len() > 9 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<7}").get(..7)?.parse().ok()?;
    moment.ticks = ((hours * 60 + minutes) * 60 + seconds) * TICKS_PER_SECOND + fraction;
    Some(())
}

/// Minutes east of UTC, as `+hh:mm` or `Z`.
pub(crate) fn parse_offset(text: &str) -> Option<i16> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = (if text.starts_with('-') { -1 } else { 1 }, text.get(1..)?);
    let (hours, minutes) = rest.split_once(':')?;
    let total = hours.parse::<i16>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
    Some(sign * total).filter(|minutes| minutes.abs() <= 840)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_one_another() {
        assert_eq!(days_of(1, 1, 1), Some(0));
        assert_eq!(days_of(1900, 1, 1), Some(DAYS_TO_1900));
        assert_eq!(days_of(2023, 2, 29), None);
        for days in (0..3_652_059).step_by(97).chain([3_652_058]) {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), Some(days));
        }
    }

    #[test]
    fn texts_of_moments_are_read() {
        let read =
            |text: &str| parse(text).map(|moment| (moment.days.map(date_text), time_text(moment.ticks, 7)));
        let day = Some("2024-02-29".to_owned());
        assert_eq!(read("20240229"), Some((day.clone(), "00:00:00.0000000".to_owned())));
        assert_eq!(read("2024-02-29T23:59:59.9999999"), Some((day, "23:59:59.9999999".to_owned())));
        assert_eq!(read("12:30"), Some((None, "12:30:00.0000000".to_owned())));
        let offset = parse("2024-02-29 12:00:00.5 -01:30").unwrap();
        assert_eq!((offset.ticks, offset.offset_minutes), (432_005_000_000, Some(-90)));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("2024-02-30"), None);
    }
}

//! What a value of the script must look like when PostgreSQL prints it.
//!
//! Invariant: nothing of the product takes part in this: numbers, dates and text are worked out
//! here a second time, from SQL Server's documentation, so that a mistake in our encoders cannot
//! hide itself. A type or spelling without a form here is an error, never a guess.
//!
//! To extend: a type is an arm in [`expected`] or in one of the functions it calls.

use crate::script::Literal;
use mssql2pg_catalog::SqlType;

/// A value that a cell must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    Null,
    /// Exactly this, as PostgreSQL prints it.
    Text(String),
    /// The result of this function at the time the script ran, which the script does not tell.
    Function(String),
}

/// What a column of `sql_type` holds after `literal` was inserted into it.
pub fn expected(literal: &Literal, sql_type: &SqlType) -> Result<Expected, String> {
    let text = match literal {
        Literal::Null => return Ok(Expected::Null),
        Literal::Function(name) => return Ok(Expected::Function(name.clone())),
        Literal::Text(text) => of_text(text, sql_type),
        Literal::Number(number) => of_number(number, sql_type),
        Literal::Hex(bytes) => of_bytes(bytes, sql_type),
        Literal::Default => None,
    };
    text.map(Expected::Text).ok_or_else(|| format!("{literal:?} has no form as {sql_type}"))
}

fn of_text(text: &str, sql_type: &SqlType) -> Option<String> {
    match sql_type {
        SqlType::VarChar { .. }
        | SqlType::NVarChar { .. }
        | SqlType::Text
        | SqlType::NText
        | SqlType::Xml => Some(text.to_owned()),
        SqlType::Char { length } | SqlType::NChar { length } => {
            let width = usize::from(*length);
            (text.chars().count() <= width).then(|| format!("{text:width$}"))
        }
        SqlType::DateTime => datetime(text),
        SqlType::UniqueIdentifier => Some(text.to_lowercase()),
        _ => None,
    }
}

fn of_number(number: &str, sql_type: &SqlType) -> Option<String> {
    match sql_type {
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            number.parse::<i64>().ok().map(|number| number.to_string())
        }
        // "Converting to bit promotes any nonzero value to 1" (bit, Microsoft Learn).
        SqlType::Bit => {
            number.parse::<i64>().ok().map(|number| if number == 0 { "f" } else { "t" }.to_owned())
        }
        SqlType::Decimal { scale, .. } => with_scale(number, usize::from(*scale)),
        SqlType::Money | SqlType::SmallMoney => with_scale(number, 4),
        SqlType::Real => number.parse::<f32>().ok().map(|number| number.to_string()),
        SqlType::Float => number.parse::<f64>().ok().map(|number| number.to_string()),
        _ => None,
    }
}

fn of_bytes(bytes: &[u8], sql_type: &SqlType) -> Option<String> {
    match sql_type {
        SqlType::Image | SqlType::VarBinary { .. } => {
            Some(bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")))
        }
        _ => None,
    }
}

/// A text that PostgreSQL printed, in the form of [`expected`]: floats have many spellings.
pub fn printed(text: &str, sql_type: &SqlType) -> String {
    let same = match sql_type {
        SqlType::Real => text.parse::<f32>().ok().map(|number| number.to_string()),
        SqlType::Float => text.parse::<f64>().ok().map(|number| number.to_string()),
        _ => None,
    };
    same.unwrap_or_else(|| text.to_owned())
}

/// A plain decimal number with exactly `scale` digits after the point, rounded half away from zero.
pub fn with_scale(number: &str, scale: usize) -> Option<String> {
    let (negative, digits) = number.strip_prefix('-').map_or((false, number), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(scale).collect();
    let up = fraction.as_bytes().get(scale).is_some_and(|digit| *digit >= b'5');
    let unscaled = format!("0{whole}{kept}").parse::<i128>().ok()? + i128::from(up);
    let sign = if negative && unscaled != 0 { "-" } else { "" };
    let width = scale + 1;
    let text = format!("{unscaled:0width$}");
    let (whole, fraction) = text.split_at(text.len() - scale);
    Some(if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// A `datetime` literal under `set dateformat mdy`, as PostgreSQL prints it. The fraction is
/// rounded to 1/300 s and shown in milliseconds, as SQL Server does.
fn datetime(text: &str) -> Option<String> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())?
    };
    let parts: Vec<&str> = date.split(['/', '-']).collect();
    let [first, second, third] = parts[..] else { return None };
    let (year, month, day) = if date.contains('/') { (third, first, second) } else { (first, second, third) };
    let year = match (year.len(), number(year)?) {
        (4, year) => year,
        // "two digit year cutoff" is 2049 unless configured.
        (2, year) => year + if year <= 49 { 2000 } else { 1900 },
        _ => return None,
    };
    let (month, day) = (number(month)?, number(day)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parts: Vec<u32> = clock.split(':').map(number).collect::<Option<_>>()?;
    let [hour, minute, second] = parts[..] else { return None };
    let milliseconds = number(with_scale(&format!("0.{fraction}"), 3)?.split_once('.')?.1)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
    let ticks = (of_day * 3 + 5) / 10;
    (ticks < 24 * 60 * 60 * 300).then(|| format!("{year:04}-{month:02}-{day:02} {}", clock_of_ticks(ticks)))
}

/// `hh:mm:ss[.fff]` of 1/300 s since midnight, without trailing zeros, as PostgreSQL prints it.
fn clock_of_ticks(ticks: u32) -> String {
    let milliseconds = (ticks * 10 + 1) / 3;
    let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if milliseconds == 0 {
        clock
    } else {
        format!("{clock}.{milliseconds:03}").trim_end_matches('0').to_owned()
    }
}

/// `cast(0x… as datetime)`: days since 1900-01-01 and 1/300 s since midnight, big-endian.
pub fn datetime_of_bytes(bytes: &[u8]) -> Result<String, String> {
    let parts =
        bytes.split_first_chunk::<4>().and_then(|(days, rest)| Some((days, rest.first_chunk::<4>()?)));
    let (days, ticks) = parts.filter(|_| bytes.len() == 8).ok_or("a datetime of other than 8 bytes")?;
    let (mut days, ticks) = (i32::from_be_bytes(*days), u32::from_be_bytes(*ticks));
    let mut year = 1900;
    let leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = |year| 365 + i32::from(leap(year));
    while days < 0 {
        year -= 1;
        days += days_of(year);
    }
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i32::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    Ok(format!("{year:04}-{month:02}-{:02} {}", days + 1, clock_of_ticks(ticks)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::Length;

    #[test]
    fn decimals_are_exact_and_rounded_half_away_from_zero() {
        let check = |number, scale, form: &str| assert_eq!(with_scale(number, scale).as_deref(), Some(form));
        check("14", 4, "14.0000");
        check("-9.8", 4, "-9.8000");
        check(".5", 0, "1");
        check("0.00005", 4, "0.0001");
        check("-0.00004", 4, "0.0000");
        check("0.0449", 2, "0.04");
        check("9.995", 2, "10.00");
        check("12345678901234567890123456789012345678", 0, "12345678901234567890123456789012345678");
        for wrong in ["", "-", "1e5", "1.2.3", "x"] {
            assert_eq!(with_scale(wrong, 2), None, "{wrong}");
        }
    }

    #[test]
    fn datetimes_of_every_spelling_have_one_form() {
        let check = |text, form: Option<&str>| assert_eq!(datetime(text).as_deref(), form, "{text}");
        check("7/4/1996", Some("1996-07-04 00:00:00"));
        check("12/08/1948", Some("1948-12-08 00:00:00"));
        check("06/12/94", Some("1994-06-12 00:00:00"));
        check("1/1/49", Some("2049-01-01 00:00:00"));
        check("1/1/50", Some("1950-01-01 00:00:00"));
        check("2008-06-01T00:00:00.000", Some("2008-06-01 00:00:00"));
        check("2008-06-01 13:59:07.998", Some("2008-06-01 13:59:07.997"));
        check("2008-06-01 13:59:07.12", Some("2008-06-01 13:59:07.12"));
        check("2008-06-01 13:59:07.001", Some("2008-06-01 13:59:07"));
        check("2008-06-01 13:59:07.002", Some("2008-06-01 13:59:07.003"));
        check("2008-06-01 13:59:07.006", Some("2008-06-01 13:59:07.007"));
        for wrong in ["13/1/1996", "2/29/1997", "1996-07", "7/4/196", "2008-06-01 24:00:00", "soon"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_datetime_of_bytes_counts_days_and_ticks() {
        let check = |days: i32, ticks: u32, form: &str| {
            let bytes = [days.to_be_bytes(), ticks.to_be_bytes()].concat();
            assert_eq!(datetime_of_bytes(&bytes).as_deref(), Ok(form));
        };
        check(0, 0, "1900-01-01 00:00:00");
        check(36_890, 1, "2001-01-01 00:00:00.003");
        check(-53_690, 2, "1753-01-01 00:00:00.007");
        check(2_958_463, 25_919_999, "9999-12-31 23:59:59.997");
        datetime_of_bytes(&[0; 7]).expect_err("too short");
    }

    #[test]
    fn each_type_has_the_form_that_postgresql_prints() {
        let check = |literal: Literal, sql_type: SqlType, form: &str| {
            assert_eq!(expected(&literal, &sql_type), Ok(Expected::Text(form.to_owned())));
        };
        let number = |digits: &str| Literal::Number(digits.to_owned());
        check(Literal::Text(String::new()), SqlType::Char { length: 1 }, " ");
        check(Literal::Text("é".to_owned()), SqlType::NChar { length: 3 }, "é  ");
        check(number("3"), SqlType::Bit, "t");
        check(number("0"), SqlType::Bit, "f");
        check(number("0.15000001"), SqlType::Real, "0.15");
        check(number("20.00"), SqlType::Money, "20.0000");
        check(Literal::Hex(vec![0, 255]), SqlType::Image, "\\x00ff");
        check(Literal::Text("3F5A-x".to_owned()), SqlType::UniqueIdentifier, "3f5a-x");
        assert_eq!(printed("1e+06", &SqlType::Real), "1000000");
        expected(&number("1"), &SqlType::VarChar { length: Length::MAX }).expect_err("no form");
        expected(&Literal::Text("too long".to_owned()), &SqlType::Char { length: 3 }).expect_err("too long");
    }
}

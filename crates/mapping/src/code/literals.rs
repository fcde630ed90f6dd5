//! Literals: by their own type, and in the type that the other side has.
//!
//! A literal is the one place where a conversion can be done here and now; it is done only where
//! SQL Server's result does not depend on the session's language or date format.

use super::NotConverted;
use super::print::{ATOM, Kind, Purpose, SIGN, Typed};
use super::syntax::Expr;
use super::values::{self, Family, ValueType};
use crate::names::quote_literal;
use mssql2pg_catalog::{Length, SqlType};

type Printed = Result<Typed, NotConverted>;

/// A number's sign and its digits: whole part without leading zeros, fraction as written.
struct Number {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        Some(Self {
            negative,
            whole: if whole.is_empty() { "0" } else { whole }.to_owned(),
            fraction: fraction.to_owned(),
        })
    }

    fn is_whole(&self) -> bool {
        self.fraction.bytes().all(|byte| byte == b'0')
    }

    fn is_zero(&self) -> bool {
        self.whole == "0" && self.is_whole()
    }

    fn sign(&self) -> &'static str {
        if self.negative && !self.is_zero() { "-" } else { "" }
    }

    fn sql(&self) -> String {
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!("{}{}{point}{}", self.sign(), self.whole, self.fraction)
    }
}

/// The number that a numeric literal writes, sign included; none for text, bytes and floats.
fn number_of(expr: &Expr) -> Option<Number> {
    match expr {
        Expr::Integer(digits) | Expr::Decimal(digits) | Expr::Money(digits) => Number::parse(digits),
        Expr::Negate(inner) => {
            let mut number = number_of(inner)?;
            number.negative = !number.negative;
            Some(number)
        }
        _ => None,
    }
}

/// An integer literal's value, for arguments that must be known.
pub(super) fn integer(expr: &Expr) -> Option<i64> {
    let number = number_of(expr)?;
    if !number.fraction.is_empty() {
        return None;
    }
    number.sql().parse().ok()
}

/// A literal by its own type ("Constants (Transact-SQL)"): an integer too large for int is a decimal.
pub(super) fn natural(expr: &Expr) -> Printed {
    let innermost = innermost(expr);
    match innermost {
        Expr::Text { value, unicode } => {
            let length = u32::try_from(value.encode_utf16().count()).ok();
            let sql_type = values::text_type(*unicode, length)?;
            return Ok(Typed::value(quote_literal(value), ATOM, sql_type));
        }
        Expr::Hex(digits) => return Ok(bytes(digits, None)),
        Expr::Float(text) => {
            let sign = if matches!(expr, Expr::Negate(_)) { "-" } else { "" };
            let sql = quote_literal(&format!("{sign}{text}"));
            return Ok(Typed::value(format!("{sql}::double precision"), super::print::CAST, SqlType::Float));
        }
        _ => {}
    }
    let number = number_of(expr).ok_or_else(|| NotConverted::new("a number is not understood"))?;
    let sql_type = match innermost {
        Expr::Money(_) => SqlType::Money,
        Expr::Integer(_) if number.sql().parse::<i32>().is_ok() => SqlType::Int,
        _ => {
            let scale = number.fraction.len();
            let whole = if number.whole == "0" { 0 } else { number.whole.len() };
            let digits = u32::try_from((whole + scale).max(1)).unwrap_or(u32::MAX);
            if digits > 38 {
                return Err(NotConverted::new("a number has more than 38 digits"));
            }
            values::decimal(digits, u32::try_from(scale).unwrap_or(u32::MAX))
        }
    };
    Ok(Typed::value(number.sql(), number_level(&number), sql_type))
}

fn innermost(expr: &Expr) -> &Expr {
    match expr {
        Expr::Negate(inner) => innermost(inner),
        other => other,
    }
}

fn number_level(number: &Number) -> u8 {
    if number.sign().is_empty() { ATOM } else { SIGN }
}

/// The type of `common` and a literal, where the literal may need more room than the rest has: T-SQL
/// widens an integer that meets a decimal literal, and text that meets longer text.
pub(super) fn widened(
    common: ValueType,
    literal: &Expr,
    found: &ValueType,
    purpose: Purpose,
) -> Result<ValueType, NotConverted> {
    if common.sql_type == SqlType::Bit && found.family.is_number() {
        if purpose == Purpose::Result {
            return super::print::common_type(&common, found);
        }
        // SQL Server compares the bit as an integer, so that 2 equals neither 0 nor 1.
        let is_flag = matches!(integer(literal), Some(0 | 1));
        return if is_flag {
            Ok(common)
        } else {
            Err(NotConverted::new("it compares a bit with a number but 0 and 1"))
        };
    }
    match (common.family, found.family) {
        (Family::Integer | Family::Numeric, Family::Integer | Family::Numeric) => {
            Ok(ValueType::natural(values::common_number(&common.sql_type, &found.sql_type)?))
        }
        (Family::Text, Family::Text) => super::print::common_type(&common, found),
        // SQL Server makes a number of every value of the text then.
        (Family::Text, other) if other != Family::Text => {
            Err(NotConverted::new("it mixes text with a literal that is no text"))
        }
        _ => Ok(common),
    }
}

/// A literal in the type `to`.
pub(super) fn as_type(expr: &Expr, to: &ValueType) -> Printed {
    let refused =
        |what: &str| NotConverted::new(format!("it converts {what} to {} implicitly", to.sql_type.name()));
    let typed = |sql: String, level: u8| Ok(Typed { sql, level, kind: Kind::Value(to.clone()) });
    let text = match expr {
        Expr::Text { value, .. } => Some(value),
        _ => None,
    };
    let number = match text {
        // SQL Server ignores blanks around a number in text, and takes none at all for 0.
        Some(text) if text.trim().is_empty() => Number::parse("0"),
        Some(text) => Number::parse(text.trim()),
        None => number_of(expr),
    };
    match to.family {
        Family::Text => match (text, number) {
            (Some(text), _) if Family::of_sql_type(&to.sql_type) == Family::Text => {
                typed(quote_literal(text), ATOM)
            }
            (None, Some(number))
                if number.fraction.is_empty() && !matches!(innermost(expr), Expr::Money(_)) =>
            {
                typed(quote_literal(&number.sql()), ATOM)
            }
            _ => Err(refused("a literal")),
        },
        Family::Boolean => boolean(text.map(String::as_str), number, to).ok_or_else(|| refused("a literal")),
        Family::Integer => {
            let number = number.filter(|number| match text {
                Some(_) => number.fraction.is_empty(),
                None => number.is_whole(),
            });
            let number = number.ok_or_else(|| refused("a literal with a fraction, or no number,"))?;
            let whole = Number { fraction: String::new(), ..number };
            if to.sql_type == SqlType::Bit {
                return typed(if whole.is_zero() { "0" } else { "1" }.to_owned(), ATOM);
            }
            typed(whole.sql(), number_level(&whole))
        }
        Family::Numeric | Family::Float => {
            if let Expr::Float(_) | Expr::Negate(_) = expr
                && matches!(innermost(expr), Expr::Float(_))
            {
                let float = natural(expr)?;
                return if to.family == Family::Float { Ok(float) } else { Err(refused("a float literal")) };
            }
            let number = number.ok_or_else(|| refused("text that is not a plain number"))?;
            typed(number.sql(), number_level(&number))
        }
        Family::Bytea => match expr {
            Expr::Hex(digits) => {
                let width = match to.sql_type {
                    SqlType::Binary { length } => Some(length),
                    _ => None,
                };
                Ok(bytes(digits, width))
            }
            _ => Err(refused("a literal")),
        },
        Family::Uuid => match text {
            Some(text) if is_uuid(text) => {
                typed(format!("{}::uuid", quote_literal(text.trim_matches(['{', '}']))), super::print::CAST)
            }
            _ => Err(refused("a literal")),
        },
        Family::Date | Family::Time | Family::Timestamp | Family::TimestampTz => {
            temporal(text.map(String::as_str), number, to)
        }
        Family::Other => match (text, &to.sql_type) {
            (Some(text), SqlType::Xml | SqlType::Json) => typed(quote_literal(text), ATOM),
            _ => Err(refused("a literal")),
        },
    }
}

fn boolean(text: Option<&str>, number: Option<Number>, to: &ValueType) -> Option<Typed> {
    let word = text.map(|text| text.trim().to_ascii_lowercase());
    let is_flag = Family::of_sql_type(&to.sql_type) == Family::Text;
    let truth = match word.as_deref() {
        Some("true") => true,
        Some("false") => false,
        // A text column that the user turned into a flag.
        Some("y" | "yes" | "t" | "on") if is_flag => true,
        Some("n" | "no" | "f" | "off") if is_flag => false,
        Some("") if is_flag => return None,
        _ => {
            let number = number?;
            if text.is_some() && !number.fraction.is_empty() {
                return None;
            }
            !number.is_zero()
        }
    };
    Some(Typed { sql: truth.to_string(), level: ATOM, kind: Kind::Value(to.clone()) })
}

/// `'\x…'::bytea`; an odd digit gets a zero in front, `binary(n)` zeros behind, as SQL Server does it.
fn bytes(digits: &str, width: Option<u16>) -> Typed {
    let mut hex = digits.to_ascii_lowercase();
    if hex.len() % 2 == 1 {
        hex.insert(0, '0');
    }
    if let Some(width) = width {
        while hex.len() < usize::from(width) * 2 {
            hex.push('0');
        }
    }
    let length = u16::try_from(hex.len() / 2).unwrap_or(u16::MAX);
    let sql_type = SqlType::VarBinary { length: Length::limited(length) };
    // `decode` and not `'\x'`: it reads the same whatever standard_conforming_strings says.
    Typed::value(format!("decode('{hex}', 'hex')"), ATOM, sql_type)
}

fn is_uuid(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let parts: Vec<&str> = inner.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A date and a time of day, as written.
struct Moment {
    date: Option<(u32, u32, u32)>,
    /// Hours, minutes, seconds, digits of the fraction.
    time: (u32, u32, u32, String),
}

fn temporal(text: Option<&str>, number: Option<Number>, to: &ValueType) -> Printed {
    let name = to.sql_type.name();
    let refused = || {
        NotConverted::new(format!("it converts a literal to {name} in a form that depends on the session"))
    };
    let is_old = matches!(to.sql_type, SqlType::DateTime | SqlType::SmallDateTime);
    let moment = match (text, number) {
        (Some(text), _) => parse_moment(text, is_old).ok_or_else(refused)?,
        (None, Some(number)) if is_old && number.fraction.is_empty() => {
            days_after_1900(&number).ok_or_else(refused)?
        }
        _ => return Err(refused()),
    };
    let (hour, minute, second, fraction) = &moment.time;
    let (year, month, day) = moment.date.unwrap_or((1900, 1, 1));
    let date = format!("{year:04}-{month:02}-{day:02}");
    let fraction = fraction.trim_end_matches('0');
    if !fraction_fits(&to.sql_type, fraction, *second) {
        return Err(NotConverted::new(format!("it converts a literal to {name}, which rounds it")));
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let time = format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}");
    let sql = match to.family {
        Family::Date => format!("date '{date}'"),
        Family::Time => format!("time '{time}'"),
        Family::TimestampTz => format!("timestamptz '{date} {time}+00'"),
        _ => format!("timestamp '{date} {time}'"),
    };
    Ok(Typed { sql, level: ATOM, kind: Kind::Value(to.clone()) })
}

/// Whether a type holds these digits after the second as they are.
fn fraction_fits(sql_type: &SqlType, fraction: &str, second: u32) -> bool {
    match sql_type {
        SqlType::Date => true,
        SqlType::SmallDateTime => fraction.is_empty() && second == 0,
        // Multiples of 1/300 s, as they are shown.
        SqlType::DateTime => fraction.len() <= 3 && (fraction.len() < 3 || fraction.ends_with(['3', '7'])),
        SqlType::Time { scale } | SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale } => {
            fraction.len() <= usize::from(*scale).min(6)
        }
        _ => false,
    }
}

/// Reads the forms whose meaning depends on no setting. For datetime and smalldatetime, `2000-02-03` is
/// read by the session's date format; it is taken only where no other reading is possible.
fn parse_moment(text: &str, is_old: bool) -> Option<Moment> {
    let text = text.trim();
    let midnight = || (0, 0, 0, String::new());
    if text.is_empty() {
        return Some(Moment { date: Some((1900, 1, 1)), time: midnight() });
    }
    if text.contains(':') && !text.contains(['-', 'T', ' ']) {
        return Some(Moment { date: None, time: parse_time(text)? });
    }
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let is_iso = text.contains('T');
    let part = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = date.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let bytes = date.as_bytes();
    let (year, month, day) = match date.len() {
        8 => (part(0..4)?, part(4..6)?, part(6..8)?),
        10 if bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') => {
            (part(0..4)?, part(5..7)?, part(8..10)?)
        }
        _ => return None,
    };
    if is_old && date.len() == 10 && !is_iso && day <= 12 && day != month {
        return None;
    }
    if is_old && year < 1753
        || year == 0
        || !(1..=12).contains(&month)
        || day == 0
        || day > days_in(year, month)
    {
        return None;
    }
    let time_of_day = match time {
        Some(time) => parse_time(time)?,
        None => midnight(),
    };
    Some(Moment { date: Some((year, month, day)), time: time_of_day })
}

fn parse_time(text: &str) -> Option<(u32, u32, u32, String)> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':').map(|part| {
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if plain { part.parse::<u32>().ok() } else { None }
    });
    let hour = parts.next()??;
    let minute = parts.next()??;
    let second = match parts.next() {
        Some(second) => second?,
        None if fraction.is_empty() => 0,
        None => return None,
    };
    let is_valid = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    is_valid.then(|| (hour, minute, second, fraction.to_owned()))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A number as datetime: that many days after 1900-01-01. Only what lies near is taken: nobody writes
/// a late date so.
fn days_after_1900(number: &Number) -> Option<Moment> {
    let mut left = number.sql().parse::<u32>().ok().filter(|days| *days < 100_000)?;
    let (mut year, mut month) = (1900, 1);
    while left >= days_in(year, month) {
        left -= days_in(year, month);
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    Some(Moment { date: Some((year, month, left + 1)), time: (0, 0, 0, String::new()) })
}

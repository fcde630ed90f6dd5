//! `cast` and `convert`: a value of one type as a value of another.
//!
//! Source: "CAST and CONVERT (Transact-SQL)" on Microsoft Learn. To extend: a style is a line in [`written_time`].

use super::cell::{
    Cell, DAY, Moment, civil_from_days, days_from_civil, unscaled, utf16, variant, variant_parts,
    wide_integer,
};
use crate::answer::Failure;
use mssql2pg_catalog::SqlType;

/// The families of types that are held alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `bit` and the whole numbers.
    Whole,
    /// `decimal` and `money`.
    Decimal,
    /// `real` and `float`.
    Float,
    /// All character types.
    Text,
    /// All points in time and times of day.
    Time,
    /// All binary types.
    Binary,
    /// `uniqueidentifier`.
    Guid,
    /// `sql_variant`.
    Variant,
}

/// The family of a type.
pub(super) fn family(sql_type: &SqlType) -> Family {
    match sql_type {
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => Family::Whole,
        SqlType::Decimal { .. } | SqlType::Money | SqlType::SmallMoney => Family::Decimal,
        SqlType::Real | SqlType::Float => Family::Float,
        SqlType::Date
        | SqlType::Time { .. }
        | SqlType::DateTime
        | SqlType::SmallDateTime
        | SqlType::DateTime2 { .. }
        | SqlType::DateTimeOffset { .. } => Family::Time,
        SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image
        | SqlType::RowVersion
        | SqlType::HierarchyId
        | SqlType::Geography
        | SqlType::Geometry => Family::Binary,
        SqlType::UniqueIdentifier => Family::Guid,
        SqlType::SqlVariant => Family::Variant,
        _ => Family::Text,
    }
}

/// Whether text of this type is UTF-16.
pub(super) fn is_national(sql_type: &SqlType) -> bool {
    matches!(sql_type, SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText | SqlType::Xml)
}

/// The value as one of the other type.
///
/// # Errors
/// As SQL Server has them: 245, 241, 8114, 8115, 529.
pub(super) fn convert(cell: Cell, from: &SqlType, to: &SqlType, style: i64) -> Result<Cell, Failure> {
    if cell == Cell::Null {
        return Ok(Cell::Null);
    }
    if family(from) == Family::Variant {
        return match (variant_parts(&cell), to) {
            (_, SqlType::SqlVariant) => Ok(cell),
            (Some((base, value)), _) => convert(value, &base, to, style),
            (None, _) => Ok(Cell::Null),
        };
    }
    match family(to) {
        Family::Variant => Ok(variant(&from.to_string(), cell)),
        Family::Whole => whole(cell, from, to),
        Family::Decimal => decimal(cell, from, to),
        Family::Float => float(&cell, from, to),
        Family::Text => text(&cell, from, to, style),
        Family::Time => time(&cell, from, to),
        Family::Binary => binary(cell, from, to, style),
        Family::Guid => guid(cell, from, to),
    }
}

fn no_conversion(from: &SqlType, to: &SqlType) -> Failure {
    Failure::new(
        529,
        format!("Explicit conversion from data type {} to {} is not allowed.", from.name(), to.name()),
    )
}

fn overflow(from: &SqlType, to: &SqlType) -> Failure {
    Failure::new(
        8115,
        format!("Arithmetic overflow error converting {} to data type {}.", from.name(), to.name()),
    )
}

fn unreadable(value: &str, from: &SqlType, to: &SqlType) -> Failure {
    Failure::new(
        245,
        format!(
            "Conversion failed when converting the {} value '{value}' to data type {}.",
            from.name(),
            to.name()
        ),
    )
}

fn whole(cell: Cell, from: &SqlType, to: &SqlType) -> Result<Cell, Failure> {
    let number = match &cell {
        Cell::Integer(number) if family(from) != Family::Time => *number,
        Cell::Real(number) => number.trunc() as i64,
        Cell::Text(digits) => match digits.trim() {
            "" => 0,
            digits if family(from) == Family::Decimal => digits.parse().map_err(|_| overflow(from, to))?,
            word if *to == SqlType::Bit && word.eq_ignore_ascii_case("true") => 1,
            word if *to == SqlType::Bit && word.eq_ignore_ascii_case("false") => 0,
            digits => digits.parse().map_err(|_| unreadable(digits, from, to))?,
        },
        Cell::Blob(bytes) if family(from) == Family::Binary => {
            let tail = bytes.iter().rev().take(8).rev();
            let number = tail.fold(0i64, |number, byte| (number << 8) | i64::from(*byte));
            if *to == SqlType::Int { i64::from(number as i32) } else { number }
        }
        _ => return Err(no_conversion(from, to)),
    };
    let fits = match to {
        SqlType::Bit => return Ok(Cell::Integer(i64::from(number != 0))),
        SqlType::TinyInt => u8::try_from(number).is_ok(),
        SqlType::SmallInt => i16::try_from(number).is_ok(),
        SqlType::Int => i32::try_from(number).is_ok(),
        _ => true,
    };
    if fits { Ok(Cell::Integer(number)) } else { Err(overflow(from, to)) }
}

fn decimal(cell: Cell, from: &SqlType, to: &SqlType) -> Result<Cell, Failure> {
    let scale = if let SqlType::Decimal { scale, .. } = to { *scale } else { 4 };
    match cell {
        Cell::Integer(number) if family(from) != Family::Time => Ok(Cell::Integer(number)),
        Cell::Real(number) => {
            let factor = 10f64.powi(i32::from(scale));
            let rounded = (number * factor).round() / factor;
            Ok(if scale == 0 { Cell::Integer(rounded as i64) } else { Cell::Real(rounded) })
        }
        Cell::Text(digits) => {
            let digits = digits.trim();
            match digits.parse::<i128>() {
                Ok(number) => Ok(wide_integer(number)),
                Err(_) => {
                    let number = digits.parse::<f64>().map_err(|_| {
                        Failure::new(8114, format!("Error converting data type {} to numeric.", from.name()))
                    })?;
                    decimal(Cell::Real(number), from, to)
                }
            }
        }
        _ => Err(no_conversion(from, to)),
    }
}

fn float(cell: &Cell, from: &SqlType, to: &SqlType) -> Result<Cell, Failure> {
    match cell {
        Cell::Integer(number) if family(from) != Family::Time => Ok(Cell::Real(*number as f64)),
        Cell::Real(number) => Ok(Cell::Real(*number)),
        Cell::Text(digits) => digits.trim().parse().map(Cell::Real).map_err(|_| {
            Failure::new(8114, format!("Error converting data type {} to {}.", from.name(), to.name()))
        }),
        _ => Err(no_conversion(from, to)),
    }
}

fn text(cell: &Cell, from: &SqlType, to: &SqlType, style: i64) -> Result<Cell, Failure> {
    let text = match cell {
        Cell::Integer(time) if family(from) == Family::Time => written_time(*time, from, style),
        Cell::Real(_) | Cell::Integer(_) | Cell::Text(_) if family(from) == Family::Decimal => {
            written_decimal(cell, from)
        }
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) if family(from) == Family::Guid => written_guid(bytes),
        Cell::Blob(bytes) => match style {
            1 => format!("0x{}", hex(bytes)),
            2 => hex(bytes),
            _ if is_national(to) => {
                let units: Vec<u16> = bytes
                    .chunks(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))
                    .collect();
                String::from_utf16_lossy(&units)
            }
            _ => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
        Cell::Null => return Ok(Cell::Null),
    };
    let (limit, pad) = match to {
        SqlType::Char { length } | SqlType::NChar { length } => (Some(*length), true),
        SqlType::VarChar { length } | SqlType::NVarChar { length } => (length.0, false),
        _ => (None, false),
    };
    let Some(limit) = limit.map(usize::from) else { return Ok(Cell::Text(text)) };
    let units = text.encode_utf16().count();
    if units > limit {
        if matches!(family(from), Family::Whole | Family::Decimal | Family::Float) {
            return Err(overflow(from, to));
        }
        return Ok(Cell::Text(first_units(&text, limit)));
    }
    Ok(Cell::Text(if pad { format!("{text}{}", " ".repeat(limit - units)) } else { text }))
}

/// The first UTF-16 units of a text.
pub(super) fn first_units(text: &str, count: usize) -> String {
    let units: Vec<u16> = text.encode_utf16().take(count).collect();
    String::from_utf16_lossy(&units)
}

fn written_decimal(cell: &Cell, from: &SqlType) -> String {
    let scale = match from {
        SqlType::Decimal { scale, .. } => *scale,
        // Money is written with two digits.
        _ => 2,
    };
    let unscaled = unscaled(cell, scale);
    if scale == 0 {
        return unscaled.to_string();
    }
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}

/// A point in time as text, in the styles that catalog queries use.
fn written_time(time: i64, from: &SqlType, style: i64) -> String {
    let (year, month, day) = civil_from_days(time.div_euclid(DAY));
    let ticks = time.rem_euclid(DAY);
    let seconds = ticks / 10_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = match from {
        SqlType::DateTime => 3,
        SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale } | SqlType::Time { scale } => *scale,
        _ => 0,
    };
    let fraction = match digits {
        0 => String::new(),
        // `datetime` tells thousandths, rounded from its 1/300 s.
        3 if *from == SqlType::DateTime => format!(".{:03}", (ticks % 10_000_000 + 5_000) / 10_000),
        _ => format!(
            ".{:0digits$}",
            ticks % 10_000_000 / 10i64.pow(7 - u32::from(digits.min(7))),
            digits = usize::from(digits)
        ),
    };
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    let zone = if matches!(from, SqlType::DateTimeOffset { .. }) { " +00:00" } else { "" };
    match (from, style) {
        (SqlType::Date, 112) | (_, 112) => format!("{year:04}{month:02}{day:02}"),
        (SqlType::Date, _) | (_, 23) => date,
        (SqlType::Time { .. }, _) => format!("{clock}{fraction}"),
        (_, 126 | 127) => {
            let still = fraction.bytes().all(|byte| byte == b'.' || byte == b'0');
            let fraction = if still { "" } else { fraction.as_str() };
            let zone = match (zone, style) {
                ("", _) => "",
                (_, 127) => "Z",
                _ => "+00:00",
            };
            format!("{date}T{clock}{fraction}{zone}")
        }
        (_, 20 | 120) => format!("{date} {clock}{zone}"),
        (_, 108) => clock,
        (SqlType::DateTime | SqlType::SmallDateTime, 0 | 100) => {
            const MONTHS: [&str; 12] =
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("");
            let half = if hour < 12 { "AM" } else { "PM" };
            format!("{name} {day:>2} {year:04} {:>2}:{minute:02}{half}", (hour + 11) % 12 + 1)
        }
        _ => format!("{date} {clock}{fraction}{zone}"),
    }
}

fn time(cell: &Cell, from: &SqlType, to: &SqlType) -> Result<Cell, Failure> {
    let time = match cell {
        Cell::Integer(time) if family(from) == Family::Time => *time,
        Cell::Text(text) => read_time(text.trim()).ok_or_else(|| {
            Failure::new(241, "Conversion failed when converting date and/or time from character string.")
        })?,
        _ => return Err(no_conversion(from, to)),
    };
    Ok(Cell::Integer(match to {
        SqlType::Date => time.div_euclid(DAY) * DAY,
        SqlType::Time { .. } => time.rem_euclid(DAY),
        SqlType::DateTime => Moment(time).as_datetime().0,
        SqlType::SmallDateTime => (time + 300_000_000).div_euclid(600_000_000) * 600_000_000,
        SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale } => {
            let unit = 10i64.pow(7 - u32::from((*scale).min(7)));
            (time + unit / 2).div_euclid(unit) * unit
        }
        _ => time,
    }))
}

/// Reads `yyyy-mm-dd`, `yyyymmdd`, and either with `T` or a blank and `hh:mm[:ss[.fffffff]]`.
fn read_time(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, clock.trim()),
        None => (text, ""),
    };
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 8 || !date.chars().all(|character| character.is_ascii_digit() || character == '-') {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let days = days_from_civil(year, month, day);
    if year < 1 || civil_from_days(days) != (year, month, day) {
        return None;
    }
    let mut ticks = 0i64;
    if !clock.is_empty() {
        let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut parts = whole.split(':').map(|part| part.parse::<i64>().ok());
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
            return None;
        }
        let fraction = format!("{fraction:0<7}");
        ticks = (hour * 3600 + minute * 60 + second) * 10_000_000 + fraction.get(..7)?.parse::<i64>().ok()?;
    }
    Some(days * DAY + ticks)
}

fn binary(cell: Cell, from: &SqlType, to: &SqlType, style: i64) -> Result<Cell, Failure> {
    let mut bytes = match cell {
        Cell::Blob(bytes) => bytes,
        Cell::Text(text) if matches!(style, 1 | 2) => {
            let digits = text.trim().trim_start_matches("0x");
            from_hex(digits).ok_or_else(|| unreadable(&text, from, to))?
        }
        Cell::Text(text) if is_national(from) => utf16(&text),
        Cell::Text(text) => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        Cell::Integer(number) => match from {
            SqlType::BigInt => number.to_be_bytes().to_vec(),
            SqlType::TinyInt | SqlType::Bit => vec![number as u8],
            SqlType::SmallInt => (number as i16).to_be_bytes().to_vec(),
            _ => (number as i32).to_be_bytes().to_vec(),
        },
        _ => return Err(no_conversion(from, to)),
    };
    match to {
        SqlType::Binary { length } => bytes.resize(usize::from(*length), 0),
        SqlType::VarBinary { length } => bytes.truncate(length.0.map_or(usize::MAX, usize::from)),
        _ => {}
    }
    Ok(Cell::Blob(bytes))
}

/// The bytes that hexadecimal digits name.
pub(super) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn written_guid(bytes: &[u8]) -> String {
    let Ok([a, b, c, d, e, f, g, h, rest @ ..]) = <[u8; 16]>::try_from(bytes) else { return hex(bytes) };
    let tail = hex(&rest);
    let (middle, end) = tail.split_at(4);
    format!("{}-{}-{}-{middle}-{end}", hex(&[d, c, b, a]), hex(&[f, e]), hex(&[h, g]))
}

fn guid(cell: Cell, from: &SqlType, to: &SqlType) -> Result<Cell, Failure> {
    match cell {
        Cell::Blob(bytes) => Ok(Cell::Blob(bytes)),
        Cell::Text(text) => {
            let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
            match from_hex(&digits).map(|bytes| <[u8; 16]>::try_from(bytes.as_slice())) {
                Some(Ok([a, b, c, d, e, f, g, h, rest @ ..])) => {
                    let mut bytes = vec![d, c, b, a, f, e, h, g];
                    bytes.extend(rest);
                    Ok(Cell::Blob(bytes))
                }
                _ => Err(Failure::new(
                    8169,
                    "Conversion failed when converting from a character string to uniqueidentifier.",
                )),
            }
        }
        _ => Err(no_conversion(from, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::parse_type;
    use super::*;

    fn converted(cell: Cell, from: &str, to: &str, style: i64) -> Result<Cell, i32> {
        let (from, to) = (parse_type(from).unwrap(), parse_type(to).unwrap());
        convert(cell, &from, &to, style).map_err(|failure| failure.number)
    }

    #[test]
    fn a_point_in_time_is_written_in_the_style_that_was_asked_for() {
        let time = Cell::Integer(Moment::day(2024, 3, 9).0 + 452_961_234_567);
        let check = |from: &str, style, expected: &str| {
            let from_time = converted(time.clone(), "datetime2(7)", from, 0).unwrap();
            let text = converted(from_time, from, "nvarchar(40)", style).unwrap();
            assert_eq!(text, Cell::Text(expected.to_owned()), "{from} {style}");
        };
        check("datetime2(7)", 126, "2024-03-09T12:34:56.1234567");
        check("datetime", 126, "2024-03-09T12:34:56.123");
        check("datetime", 121, "2024-03-09 12:34:56.123");
        check("datetime", 112, "20240309");
        check("datetime2(7)", 23, "2024-03-09");
        check("datetime", 0, "Mar  9 2024 12:34PM");
        check("datetimeoffset(7)", 126, "2024-03-09T12:34:56.1234567+00:00");
    }

    #[test]
    fn what_does_not_convert_fails_with_the_servers_number() {
        assert_eq!(converted(Cell::Text("x".into()), "nvarchar(5)", "int", 0), Err(245));
        assert_eq!(converted(Cell::Integer(300), "int", "tinyint", 0), Err(8115));
        assert_eq!(converted(Cell::Text("x".into()), "nvarchar(5)", "datetime", 0), Err(241));
        assert_eq!(converted(Cell::Integer(300), "int", "nvarchar(2)", 0), Err(8115));
        assert_eq!(converted(Cell::Integer(7), "bigint", "nvarchar(40)", 0), Ok(Cell::Text("7".into())));
    }

    #[test]
    fn bytes_are_written_in_hexadecimal_with_style_1_and_2() {
        let bytes = Cell::Blob(vec![0xAB, 0x01]);
        assert_eq!(
            converted(bytes.clone(), "varbinary(8)", "varchar(10)", 1),
            Ok(Cell::Text("0xAB01".into()))
        );
        assert_eq!(converted(bytes, "varbinary(8)", "varchar(10)", 2), Ok(Cell::Text("AB01".into())));
    }
}

//! Parts of dates, and arithmetic with them. Only values without a time zone: with one, both servers
//! compute in an offset, but not in the same one.

use super::Rewrite;
use crate::code::NotConverted;
use crate::code::literals;
use crate::code::print::{ATOM, CAST, PRODUCT, Printer, SUM, Typed};
use crate::code::syntax::Expr;
use crate::code::values::{Family, ValueType};
use mssql2pg_catalog::SqlType;

pub(super) static REWRITES: &[Rewrite] = &[
    Rewrite { name: "year", arguments: 1..=1, write: year },
    Rewrite { name: "month", arguments: 1..=1, write: month },
    Rewrite { name: "day", arguments: 1..=1, write: day },
    Rewrite { name: "datepart", arguments: 2..=2, write: date_part },
    Rewrite { name: "dateadd", arguments: 3..=3, write: date_add },
    Rewrite { name: "datediff", arguments: 3..=3, write: date_diff },
    Rewrite { name: "datefromparts", arguments: 3..=3, write: date_from_parts },
    Rewrite { name: "eomonth", arguments: 1..=1, write: end_of_month },
];

/// A date or datetime; a text literal is read as datetime.
fn moment(printer: &Printer<'_>, expr: Option<&Expr>, function: &str) -> Result<Typed, NotConverted> {
    let no = || NotConverted::new(format!("it calls {function} with what is not a date"));
    let expr = expr.ok_or_else(no)?;
    if let Expr::Text { .. } = expr {
        return literals::as_type(expr, &ValueType::natural(SqlType::DateTime));
    }
    let value = printer.value(expr)?;
    match value.family() {
        Family::Date | Family::Timestamp if !expr.is_literal() => Ok(value),
        _ => Err(no()),
    }
}

/// The part's PostgreSQL word. T-SQL's abbreviations are those of the DATEPART page.
fn part(expr: Option<&Expr>) -> Result<&'static str, NotConverted> {
    let Some(Expr::Column(names)) = expr else { return Err(NotConverted::new("a date part is missing")) };
    let name = names.join(".").to_ascii_lowercase();
    Ok(match name.as_str() {
        "year" | "yy" | "yyyy" => "year",
        "quarter" | "qq" | "q" => "quarter",
        "month" | "mm" | "m" => "month",
        "dayofyear" | "dy" | "y" => "doy",
        "day" | "dd" | "d" => "day",
        "week" | "wk" | "ww" => "week",
        "weekday" | "dw" | "w" => "weekday",
        "iso_week" | "isowk" | "isoww" => "isoweek",
        "hour" | "hh" => "hour",
        "minute" | "mi" | "n" => "minute",
        "second" | "ss" | "s" => "second",
        "millisecond" | "ms" => "millisecond",
        _ => return Err(NotConverted::new(format!("it uses the date part {name}"))),
    })
}

fn extract(value: &Typed, part: &str) -> Typed {
    let sql = match part {
        // PostgreSQL's second holds the fraction.
        "second" => format!("floor(extract(second from {}))::integer", value.sql),
        _ => format!("extract({part} from {})::integer", value.sql),
    };
    Typed::value(sql, CAST, SqlType::Int)
}

fn year(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    Ok(extract(&moment(printer, arguments.first(), "year")?, "year"))
}

fn month(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    Ok(extract(&moment(printer, arguments.first(), "month")?, "month"))
}

fn day(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    Ok(extract(&moment(printer, arguments.first(), "day")?, "day"))
}

fn date_part(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let value = moment(printer, arguments.get(1), "datepart")?;
    match part(arguments.first())? {
        "week" | "weekday" => Err(NotConverted::new("it uses a date part that depends on DATEFIRST")),
        "millisecond" => Err(NotConverted::new("it uses the date part millisecond")),
        "isoweek" => Ok(extract(&value, "week")),
        "hour" | "minute" | "second" if value.family() == Family::Date => {
            Err(NotConverted::new("it takes the time of a date"))
        }
        part => Ok(extract(&value, part)),
    }
}

/// Both servers keep the last day of a month when a month is added. Steps finer than the type's
/// own precision round in SQL Server, and are refused.
fn date_add(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let value = moment(printer, arguments.get(2), "dateadd")?;
    let count = arguments.get(1).map(|count| printer.value(count)).transpose()?;
    let count = count
        .filter(|count| count.family() == Family::Integer)
        .ok_or_else(|| NotConverted::new("it calls dateadd with a number that is not an integer"))?;
    let unit = match part(arguments.first())? {
        "quarter" => "3 months",
        "year" => "1 year",
        "month" => "1 month",
        "day" | "doy" | "weekday" => "1 day",
        "week" => "7 days",
        "hour" => "1 hour",
        "minute" => "1 minute",
        "second" => "1 second",
        other => return Err(NotConverted::new(format!("it calls dateadd with {other}"))),
    };
    let sql_type = value.sql_type().unwrap_or(SqlType::DateTime);
    if unit == "1 second" && sql_type == SqlType::SmallDateTime {
        return Err(NotConverted::new("it adds seconds to a smalldatetime, which has none"));
    }
    let sql = format!("{} + {} * interval '{unit}'", value.at(SUM), count.at(PRODUCT));
    if value.family() == Family::Date {
        if matches!(unit, "1 hour" | "1 minute" | "1 second") {
            return Err(NotConverted::new("it adds a time to a date"));
        }
        return Ok(Typed::value(format!("({sql})::date"), CAST, sql_type));
    }
    Ok(Typed::value(sql, SUM, sql_type))
}

/// DATEDIFF counts the borders crossed between two moments, not the full units.
fn date_diff(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let from = moment(printer, arguments.get(1), "datediff")?;
    let to = moment(printer, arguments.get(2), "datediff")?;
    let as_int = |sql: String, level: u8| Ok(Typed::value(sql, level, SqlType::Int));
    let field = |part: &str, value: &Typed| extract(value, part).sql;
    let years = || format!("{} - {}", field("year", &to), field("year", &from));
    match part(arguments.first())? {
        "year" => as_int(years(), SUM),
        "quarter" => {
            let quarters = format!("{} - {}", field("quarter", &to), field("quarter", &from));
            as_int(format!("({}) * 4 + {quarters}", years()), SUM)
        }
        "month" => {
            let months = format!("{} - {}", field("month", &to), field("month", &from));
            as_int(format!("({}) * 12 + {months}", years()), SUM)
        }
        "day" | "doy" => as_int(format!("{}::date - {}::date", to.at(CAST), from.at(CAST)), SUM),
        unit @ ("hour" | "minute" | "second") => {
            let seconds = match unit {
                "hour" => " / 3600",
                "minute" => " / 60",
                _ => "",
            };
            let cut = |value: &Typed| format!("date_trunc('{unit}', {}::timestamp)", value.at(CAST));
            as_int(format!("(extract(epoch from {} - {}){seconds})::integer", cut(&to), cut(&from)), CAST)
        }
        other => Err(NotConverted::new(format!("it calls datediff with {other}"))),
    }
}

fn date_from_parts(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let mut parts = Vec::new();
    for argument in arguments {
        let part = printer.value(argument)?;
        if !matches!(part.sql_type(), Some(SqlType::TinyInt | SqlType::SmallInt | SqlType::Int)) {
            return Err(NotConverted::new("it calls datefromparts with what is not an int"));
        }
        // make_date takes integers and no smallints by itself, which PostgreSQL widens.
        parts.push(part.sql);
    }
    Ok(Typed::value(format!("make_date({})", parts.join(", ")), ATOM, SqlType::Date))
}

fn end_of_month(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let value = moment(printer, arguments.first(), "eomonth")?;
    let sql =
        format!("(date_trunc('month', {}::timestamp) + interval '1 month - 1 day')::date", value.at(CAST));
    Ok(Typed::value(sql, CAST, SqlType::Date))
}

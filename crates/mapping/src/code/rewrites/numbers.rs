//! Functions of numbers.

use super::Rewrite;
use crate::code::NotConverted;
use crate::code::literals;
use crate::code::print::{ATOM, Printer, Typed};
use crate::code::syntax::Expr;
use crate::code::values::{Family, decimal};
use mssql2pg_catalog::SqlType;

pub(super) static REWRITES: &[Rewrite] = &[
    Rewrite { name: "abs", arguments: 1..=1, write: absolute },
    Rewrite { name: "round", arguments: 2..=3, write: round },
    Rewrite { name: "floor", arguments: 1..=1, write: floor },
    Rewrite { name: "ceiling", arguments: 1..=1, write: ceiling },
];

/// The argument, if it is a number.
fn number(
    printer: &Printer<'_>,
    arguments: &[Expr],
    function: &str,
) -> Result<(Typed, SqlType), NotConverted> {
    let value = arguments.first().map(|first| printer.value(first)).transpose()?;
    let found = value.and_then(|value| {
        let found =
            value.value_type().filter(|found| found.family.is_number() && found.sql_type != SqlType::Bit)?;
        Some((value.clone(), found.sql_type.clone()))
    });
    found.ok_or_else(|| NotConverted::new(format!("it calls {function} with what is not a number")))
}

fn absolute(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let (value, sql_type) = number(printer, arguments, "abs")?;
    Ok(Typed::value(format!("abs({})", value.sql), ATOM, sql_type))
}

/// Both servers round decimals half away from zero; PostgreSQL rounds no float to digits.
fn round(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let (value, sql_type) = number(printer, arguments, "round")?;
    if Family::of_sql_type(&sql_type) != Family::Numeric {
        return Err(NotConverted::new(format!("it calls round with {}", sql_type.name())));
    }
    let digits = arguments.get(1).and_then(literals::integer);
    let digits =
        digits.ok_or_else(|| NotConverted::new("it calls round with digits that are not a literal"))?;
    let function = match arguments.get(2).map(literals::integer) {
        None | Some(Some(0)) => "round",
        Some(Some(_)) => "trunc",
        Some(None) => return Err(NotConverted::new("it calls round with a mode that is not a literal")),
    };
    Ok(Typed::value(format!("{function}({}, {digits})", value.sql), ATOM, sql_type))
}

fn floor(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    whole(printer, arguments, "floor", "floor")
}

fn ceiling(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    whole(printer, arguments, "ceiling", "ceil")
}

fn whole(
    printer: &Printer<'_>,
    arguments: &[Expr],
    name: &str,
    pg_name: &str,
) -> Result<Typed, NotConverted> {
    let (value, sql_type) = number(printer, arguments, name)?;
    let result = match &sql_type {
        SqlType::Decimal { precision, .. } => decimal(u32::from(*precision), 0),
        SqlType::Money | SqlType::SmallMoney | SqlType::Float => sql_type.clone(),
        // An integer is whole already.
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => return Ok(value),
        _ => return Err(NotConverted::new(format!("it calls {name} with {}", sql_type.name()))),
    };
    Ok(Typed::value(format!("{pg_name}({})", value.sql), ATOM, result))
}

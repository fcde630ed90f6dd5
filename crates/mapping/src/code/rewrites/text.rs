//! Functions of text. Padding of `char(n)` counts in SQL Server, hence [`Typed::as_text`] for arguments.

use super::Rewrite;
use crate::code::NotConverted;
use crate::code::literals;
use crate::code::print::{ATOM, Printer, Typed, concatenate};
use crate::code::syntax::Expr;
use crate::code::values::{Family, ValueType, text_type};
use mssql2pg_catalog::SqlType;

pub(super) static REWRITES: &[Rewrite] = &[
    Rewrite { name: "len", arguments: 1..=1, write: length },
    Rewrite { name: "upper", arguments: 1..=1, write: upper },
    Rewrite { name: "lower", arguments: 1..=1, write: lower },
    Rewrite { name: "ltrim", arguments: 1..=1, write: left_trim },
    Rewrite { name: "rtrim", arguments: 1..=1, write: right_trim },
    Rewrite { name: "trim", arguments: 1..=1, write: trim },
    Rewrite { name: "substring", arguments: 3..=3, write: substring },
    Rewrite { name: "left", arguments: 2..=2, write: left },
    Rewrite { name: "right", arguments: 2..=2, write: right },
    Rewrite { name: "reverse", arguments: 1..=1, write: reverse },
    Rewrite { name: "replace", arguments: 3..=3, write: replace },
    Rewrite { name: "concat", arguments: 2..=254, write: concat },
];

/// The first argument, if it is text.
fn text(printer: &Printer<'_>, arguments: &[Expr], name: &str) -> Result<(Typed, ValueType), NotConverted> {
    let value = arguments.first().map(|first| printer.value(first)).transpose()?;
    let found = value.and_then(|value| {
        let found = value.value_type().filter(|found| found.family == Family::Text)?.clone();
        Some((value, found))
    });
    found.ok_or_else(|| NotConverted::new(format!("it calls {name} with what is not text")))
}

/// A call of a function of one text that gives text of the same length at most.
fn same(printer: &Printer<'_>, arguments: &[Expr], name: &str, pg_name: &str) -> Result<Typed, NotConverted> {
    let (value, found) = text(printer, arguments, name)?;
    let sql_type = text_type(found.is_unicode(), found.text_length())?;
    Ok(Typed::value(format!("{pg_name}({})", value.as_text()), ATOM, sql_type))
}

/// LEN leaves out trailing blanks.
fn length(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let (value, found) = text(printer, arguments, "len")?;
    let sql_type = if found.text_length().is_none() { SqlType::BigInt } else { SqlType::Int };
    Ok(Typed::value(format!("length(rtrim({}))", value.sql), ATOM, sql_type))
}

fn upper(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    changes_case(printer, "upper")?;
    same(printer, arguments, "upper", "upper")
}

fn lower(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    changes_case(printer, "lower")?;
    same(printer, arguments, "lower", "lower")
}

fn left_trim(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    same(printer, arguments, "ltrim", "ltrim")
}

fn right_trim(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    same(printer, arguments, "rtrim", "rtrim")
}

fn trim(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    same(printer, arguments, "trim", "btrim")
}

fn reverse(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    same(printer, arguments, "reverse", "reverse")
}

/// Both servers count a start before 1 as characters that are not there.
fn substring(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let (value, found) = text(printer, arguments, "substring")?;
    let mut sql = vec![value.as_text()];
    for argument in arguments.iter().skip(1) {
        let number = printer.value(argument)?;
        // PostgreSQL's substring takes an integer and no bigint.
        let is_int = matches!(number.sql_type(), Some(SqlType::TinyInt | SqlType::SmallInt | SqlType::Int));
        if number.family() != Family::Integer || !is_int {
            return Err(NotConverted::new("it calls substring with a place that is not an int"));
        }
        sql.push(number.sql);
    }
    let count = arguments.get(2).and_then(literals::integer).and_then(|count| u32::try_from(count).ok());
    let length = match (found.text_length(), count) {
        (Some(length), Some(count)) => Some(length.min(count)),
        (length, _) => length,
    };
    let sql_type = text_type(found.is_unicode(), length)?;
    Ok(Typed::value(format!("substring({})", sql.join(", ")), ATOM, sql_type))
}

fn left(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    end(printer, arguments, "left")
}

fn right(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    end(printer, arguments, "right")
}

/// A negative count is an error in SQL Server and has a meaning in PostgreSQL, so it must be known.
fn end(printer: &Printer<'_>, arguments: &[Expr], name: &str) -> Result<Typed, NotConverted> {
    let (value, found) = text(printer, arguments, name)?;
    let count = arguments.get(1).and_then(literals::integer).and_then(|count| u32::try_from(count).ok());
    let count = count
        .ok_or_else(|| NotConverted::new(format!("it calls {name} with a count that is not a literal")))?;
    let length = found.text_length().map_or(count, |length| length.min(count));
    let sql_type = text_type(found.is_unicode(), Some(length))?;
    Ok(Typed::value(format!("{name}({}, {count})", value.as_text()), ATOM, sql_type))
}

/// PostgreSQL changes the case of letters by the target database's locale (in `C`, of ASCII alone), so that a
/// stored value could differ.
fn changes_case(printer: &Printer<'_>, name: &str) -> Result<(), NotConverted> {
    match printer.wanted.decides_values() {
        false => Ok(()),
        true => {
            Err(NotConverted::new(format!("it calls {name}, which follows the target database's locale")))
        }
    }
}

/// REPLACE searches by the collation: only what has no letters is nearly the same everywhere. A soft or a wide
/// hyphen may still be found for a hyphen, hence the question where the result is kept.
fn replace(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let (value, found) = text(printer, arguments, "replace")?;
    let [searched, Expr::Text { value: old, .. }, Expr::Text { value: new, .. }] = arguments else {
        return Err(NotConverted::new("it calls replace with what is not a literal"));
    };
    if old.is_empty() || !old.is_ascii() || old.contains(|character: char| character.is_ascii_alphabetic()) {
        return Err(NotConverted::new("it calls replace for letters, which SQL Server finds by collation"));
    }
    printer.finds_the_same_text(&[searched])?;
    if new.chars().count() > old.chars().count() {
        return Err(NotConverted::new("it calls replace with a longer text"));
    }
    let sql_type = text_type(found.is_unicode(), found.text_length())?;
    let (old, new) = (crate::names::quote_literal(old), crate::names::quote_literal(new));
    Ok(Typed::value(format!("replace({}, {old}, {new})", value.as_text()), ATOM, sql_type))
}

/// CONCAT takes NULL for the empty text; PostgreSQL's own `concat` is not immutable, `||` is.
fn concat(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let mut parts = Vec::new();
    for argument in arguments {
        let part = printer.value(argument)?;
        let Some(found) = part.value_type().filter(|found| found.family == Family::Text).cloned() else {
            return Err(NotConverted::new("it calls concat with what is not text"));
        };
        let sql_type = text_type(found.is_unicode(), found.text_length())?;
        parts.push(if argument.is_literal() {
            part
        } else {
            Typed::value(format!("coalesce({}, '')", part.as_text()), ATOM, sql_type)
        });
    }
    concatenate(&parts)
}

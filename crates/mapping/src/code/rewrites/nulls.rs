//! ISNULL, COALESCE, NULLIF, IIF.

use super::Rewrite;
use crate::code::NotConverted;
use crate::code::print::{ATOM, Kind, LIKE, Printer, Purpose, Typed};
use crate::code::syntax::Expr;
use crate::code::values::{Family, ValueType, integer_rank};

pub(super) static REWRITES: &[Rewrite] = &[
    Rewrite { name: "isnull", arguments: 2..=2, write: is_null },
    Rewrite { name: "coalesce", arguments: 2..=100, write: coalesce },
    Rewrite { name: "nullif", arguments: 2..=2, write: null_if },
    Rewrite { name: "iif", arguments: 3..=3, write: if_else },
];

/// ISNULL takes the type of its first argument, and cuts or converts the second to it.
fn is_null(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let [first, second] = arguments else { return Err(NotConverted::new("isnull takes two arguments")) };
    let value = printer.value(first)?;
    let Some(to) = value.value_type().cloned() else {
        return Err(NotConverted::new("it calls isnull with a bare NULL"));
    };
    let other = printer.value(second)?;
    if let Some(from) = other.value_type() {
        if !second.is_literal() && !fits(from, &to) {
            return Err(NotConverted::new(
                "it calls isnull with a second value that the first one's type would cut",
            ));
        }
        if second.is_literal()
            && to.family == Family::Text
            && from.text_length() > to.text_length().or(Some(u32::MAX))
        {
            return Err(NotConverted::new("it calls isnull with a text that the first one's type would cut"));
        }
        if second.is_literal() && cuts_fraction(from, &to) {
            return Err(NotConverted::new(
                "it calls isnull with a number that the first one's type would round",
            ));
        }
    }
    let other = printer.adapted(second, other, &to)?;
    Ok(Typed { sql: format!("coalesce({}, {})", value.sql, other.sql), level: ATOM, kind: Kind::Value(to) })
}

/// Whether every value of `from` is one of `to`.
fn fits(from: &ValueType, to: &ValueType) -> bool {
    if from.sql_type == to.sql_type {
        return true;
    }
    match (from.family, to.family) {
        (Family::Text, Family::Text) => match (from.text_length(), to.text_length()) {
            (_, None) => true,
            (Some(from), Some(to)) => from <= to,
            (None, Some(_)) => false,
        },
        (Family::Integer, Family::Integer) => integer_rank(&from.sql_type) <= integer_rank(&to.sql_type),
        (Family::Integer | Family::Numeric, Family::Float) | (Family::Integer, Family::Numeric) => true,
        _ => false,
    }
}

fn cuts_fraction(from: &ValueType, to: &ValueType) -> bool {
    use mssql2pg_catalog::SqlType;
    let scale = |sql_type: &SqlType| match sql_type {
        SqlType::Decimal { scale, .. } => Some(*scale),
        SqlType::Money | SqlType::SmallMoney => Some(4),
        _ => None,
    };
    matches!((scale(&from.sql_type), scale(&to.sql_type)), (Some(from), Some(to)) if from > to)
}

fn coalesce(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let all: Vec<&Expr> = arguments.iter().collect();
    let typed = printer.unified(&all, Purpose::Result)?;
    let kind = typed.iter().find_map(|one| one.value_type().cloned());
    let kind = kind.map(Kind::Value).ok_or_else(|| NotConverted::new("a COALESCE gives nothing but NULL"))?;
    let sql: Vec<String> = typed.into_iter().map(|one| one.sql).collect();
    Ok(Typed { sql: format!("coalesce({})", sql.join(", ")), level: ATOM, kind })
}

/// NULLIF compares in the common type and returns the first value in its own, trailing blanks included.
fn null_if(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let [first, second] = arguments else { return Err(NotConverted::new("nullif takes two arguments")) };
    let value = printer.value(first)?;
    let (Some(found), false) = (value.value_type().cloned(), first.is_literal()) else {
        return Err(NotConverted::new("it calls nullif with a literal first"));
    };
    if found.family == Family::Other {
        return Err(NotConverted::new(format!("it compares values of type {}", found.sql_type.name())));
    }
    let both = printer.unified(&[first, second], Purpose::Compare)?;
    let mut both = printer.compared("=", &[first, second], both)?;
    let (Some(other), Some(compared)) = (both.pop(), both.pop()) else {
        return Err(NotConverted::new("nullif takes two arguments"));
    };
    let sql = if compared.sql == value.sql {
        format!("nullif({}, {})", value.sql, other.sql)
    } else {
        let (one, two) = (compared.at(LIKE), other.at(LIKE));
        format!("case when {one} = {two} then null else {} end", value.sql)
    };
    Ok(Typed { sql, level: ATOM, kind: Kind::Value(found) })
}

fn if_else(printer: &Printer<'_>, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let [condition, then, otherwise] = arguments else {
        return Err(NotConverted::new("iif takes three arguments"));
    };
    let case = Expr::Case {
        operand: None,
        arms: vec![(condition.clone(), then.clone())],
        otherwise: Some(Box::new(otherwise.clone())),
    };
    printer.value(&case)
}

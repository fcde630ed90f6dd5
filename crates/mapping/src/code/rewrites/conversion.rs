//! CAST and CONVERT between types whose conversion is the same on both servers.

use crate::code::NotConverted;
use crate::code::literals;
use crate::code::print::{ATOM, CAST, COMPARISON, Kind, LIKE, Printer, Typed};
use crate::code::syntax::Expr;
use crate::code::values::{Family, ValueType};
use mssql2pg_catalog::SqlType;

type Printed = Result<Typed, NotConverted>;

/// `CONVERT(target, value, style)`. A style says nothing for numbers to text but 0; any other is refused.
pub(in crate::code) fn convert_type(
    printer: &Printer<'_>,
    value: &Expr,
    target: &SqlType,
    style: Option<&Expr>,
) -> Printed {
    let to = ValueType::natural(target.clone());
    let is_default_style = style.is_none_or(|style| literals::integer(style) == Some(0));
    if !is_default_style {
        return Err(NotConverted::new("it calls CONVERT with a style"));
    }
    if value.is_literal() {
        return literal(value, &to);
    }
    let typed = printer.value(value)?;
    let Some(from) = typed.value_type().cloned() else {
        let pg_type = pg_type(target).ok_or_else(|| refused("NULL", target))?;
        return Ok(Typed { sql: format!("null::{pg_type}"), level: CAST, kind: Kind::Value(to) });
    };
    match to.family {
        Family::Text => to_text(&typed, &from, &to),
        Family::Boolean => to_boolean(&typed, &from, &to),
        _ => to_other(&typed, &from, &to),
    }
}

fn refused(from: &str, target: &SqlType) -> NotConverted {
    NotConverted::new(format!("it converts {from} to {target}, which the servers do differently"))
}

/// Literals: text that is cut, and numbers that are rounded, are refused.
fn literal(value: &Expr, to: &ValueType) -> Printed {
    if let (Expr::Text { value: text, .. }, Some(length)) = (value, to.text_length())
        && text.chars().count() > usize::try_from(length).unwrap_or(usize::MAX)
    {
        return Err(NotConverted::new("it converts a literal to a text type that cuts it"));
    }
    let typed = literals::as_type(value, to)?;
    let Some(pg_type) = pg_type(&to.sql_type).filter(|_| to.family != Family::Boolean) else {
        return Ok(typed);
    };
    Ok(match to.family {
        Family::Numeric | Family::Integer | Family::Float | Family::Text => {
            let kind = typed.kind.clone();
            Typed { sql: format!("{}::{pg_type}", typed.at(CAST)), level: CAST, kind }
        }
        _ => typed,
    })
}

/// The type as a cast writes it, for the families that casts reach; the type table decides columns.
fn pg_type(sql_type: &SqlType) -> Option<String> {
    let text =
        |length: Option<u32>| length.map_or_else(|| "text".to_owned(), |length| format!("varchar({length})"));
    Some(match sql_type {
        SqlType::Bit => "boolean".to_owned(),
        SqlType::TinyInt | SqlType::SmallInt => "smallint".to_owned(),
        SqlType::Int => "integer".to_owned(),
        SqlType::BigInt => "bigint".to_owned(),
        SqlType::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        SqlType::Money => "numeric(19,4)".to_owned(),
        SqlType::SmallMoney => "numeric(10,4)".to_owned(),
        SqlType::Real => "real".to_owned(),
        SqlType::Float => "double precision".to_owned(),
        SqlType::Date => "date".to_owned(),
        SqlType::DateTime => "timestamp(3)".to_owned(),
        SqlType::DateTime2 { scale } => format!("timestamp({})", scale.min(&6)),
        SqlType::UniqueIdentifier => "uuid".to_owned(),
        SqlType::Char { length } | SqlType::NChar { length } => format!("char({length})"),
        SqlType::VarChar { .. } | SqlType::NVarChar { .. } | SqlType::Text | SqlType::NText => {
            text(ValueType::natural(sql_type.clone()).text_length())
        }
        _ => return None,
    })
}

fn to_text(typed: &Typed, from: &ValueType, to: &ValueType) -> Printed {
    let no = || refused(from.sql_type.name(), &to.sql_type);
    let pg_type = pg_type(&to.sql_type).ok_or_else(no)?;
    let room = to.text_length().unwrap_or(u32::MAX);
    let done = |sql: String| Ok(Typed { sql, level: CAST, kind: Kind::Value(to.clone()) });
    let needed = match (from.family, &from.sql_type) {
        (Family::Text, _) => {
            // An explicit cast cuts silently on both servers.
            let text = Typed {
                sql: typed.as_text(),
                level: if from.padded_width().is_some() { ATOM } else { typed.level },
                kind: typed.kind.clone(),
            };
            return done(format!("{}::{pg_type}", text.at(CAST)));
        }
        (Family::Uuid, _) => 36,
        (Family::Integer, SqlType::TinyInt) => 3,
        (Family::Integer, SqlType::SmallInt) => 6,
        (Family::Integer, SqlType::Int) => 11,
        (Family::Integer, SqlType::BigInt) => 20,
        // Sign, point, and the zero before a point.
        (Family::Numeric, SqlType::Decimal { precision, .. }) => u32::from(*precision) + 3,
        _ => return Err(no()),
    };
    if room < needed {
        return Err(NotConverted::new(format!(
            "it converts {} to a text that may be too short",
            from.sql_type.name()
        )));
    }
    if from.family == Family::Uuid {
        return done(format!("upper({}::text)::{pg_type}", typed.at(CAST)));
    }
    done(format!("{}::{pg_type}", typed.at(CAST)))
}

fn to_boolean(typed: &Typed, from: &ValueType, to: &ValueType) -> Printed {
    match from.family {
        Family::Boolean => Ok(typed.clone()),
        family if family.is_number() => Ok(Typed {
            sql: format!("{} <> 0", typed.at(LIKE)),
            level: COMPARISON,
            kind: Kind::Value(to.clone()),
        }),
        _ => Err(refused(from.sql_type.name(), &to.sql_type)),
    }
}

fn to_other(typed: &Typed, from: &ValueType, to: &ValueType) -> Printed {
    let no = || refused(from.sql_type.name(), &to.sql_type);
    let pg_type = pg_type(&to.sql_type).ok_or_else(no)?;
    let sql = match (from.family, to.family) {
        (Family::Boolean, Family::Integer) if to.sql_type != SqlType::Int => {
            format!("{}::integer::{pg_type}", typed.at(CAST))
        }
        (Family::Boolean, Family::Integer) => format!("{}::{pg_type}", typed.at(CAST)),
        (Family::Integer, Family::Integer | Family::Numeric | Family::Float)
        | (Family::Numeric, Family::Numeric | Family::Float)
        | (Family::Float, Family::Float)
        | (Family::Timestamp | Family::Date, Family::Date)
        | (Family::Uuid, Family::Uuid) => format!("{}::{pg_type}", typed.at(CAST)),
        // SQL Server cuts decimals and floats to integers, but rounds money.
        (Family::Numeric, Family::Integer) if matches!(from.sql_type, SqlType::Decimal { .. }) => {
            format!("trunc({})::{pg_type}", typed.sql)
        }
        (Family::Float, Family::Integer) => format!("trunc({})::{pg_type}", typed.sql),
        (Family::Date, Family::Timestamp) => format!("{}::{pg_type}", typed.at(CAST)),
        (Family::Timestamp, Family::Timestamp) if from.sql_type == to.sql_type => typed.at(CAST),
        _ => return Err(no()),
    };
    Ok(Typed { sql, level: CAST, kind: Kind::Value(to.clone()) })
}

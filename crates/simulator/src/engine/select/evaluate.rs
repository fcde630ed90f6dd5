//! Computes expressions and conditions over a row. Conditions have three truth values: none is *unknown*.

use super::super::failures::{overflow, unsupported};
use super::super::language::ast::Operator;
use super::super::order::compare;
use super::super::values::collation::Collation;
use super::super::values::convert::convert;
use super::super::values::exact::{Exact, power};
use super::super::values::owned::{Cell, OwnedValue};
use super::super::values::text;
use super::exists::SemiJoin;
use super::like::like;
use super::rows::Row;
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, SqlType, Value};
use std::sync::Arc;

/// An expression whose columns were found.
#[derive(Debug, Clone)]
pub(crate) enum Compiled {
    Value(OwnedValue),
    /// A place in the row.
    Slot(usize),
    Cast {
        operand: Box<Self>,
        to: SqlType,
        page: CodePage,
        or_null: bool,
    },
    Call(Function, Vec<Self>),
    /// A function that sees text as its collation does.
    TextCall(TextFunction, Vec<Self>, Collation),
    /// The quotient of two exact numbers with so many digits after the point.
    Divide(Box<Self>, Box<Self>, u8),
    /// `exists` of a subquery that names columns of this row.
    Exists(Arc<SemiJoin>),
    Negate(Box<Self>),
    Arithmetic(char, Box<Self>, Box<Self>),
    Compare(Operator, Box<Self>, Box<Self>, Collation),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    IsNull(Box<Self>),
    Like(Box<Self>, Box<Self>, Option<char>, Collation),
    Case(Vec<(Self, Self)>, Option<Box<Self>>),
}

/// A function of values.
pub(crate) type Function = fn(&[OwnedValue]) -> Result<OwnedValue, Failure>;

/// A function of values, among them texts of that collation.
pub(crate) type TextFunction = fn(&[OwnedValue], Collation) -> Result<OwnedValue, Failure>;

/// What an expression gave.
pub(crate) enum Datum<'a> {
    Borrowed(Cell<'a>),
    Owned(OwnedValue),
}

impl Datum<'_> {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Borrowed(cell) => *cell,
            Self::Owned(value) => value.cell(),
        }
    }

    pub(crate) fn into_owned(self) -> OwnedValue {
        match self {
            Self::Borrowed(cell) => OwnedValue::of(cell),
            Self::Owned(value) => value,
        }
    }
}

/// The value of an expression.
pub(crate) fn evaluate<'a>(expression: &'a Compiled, row: &'a dyn Row) -> Result<Datum<'a>, Failure> {
    Ok(match expression {
        Compiled::Value(value) => Datum::Borrowed(value.cell()),
        Compiled::Slot(slot) => Datum::Borrowed(row.cell(*slot)),
        Compiled::Cast { operand, to, page, or_null } => {
            let operand = evaluate(operand, row)?;
            match convert(operand.cell(), to, *page) {
                Err(_) if *or_null => Datum::Owned(OwnedValue::Null),
                converted => Datum::Owned(converted?),
            }
        }
        Compiled::Call(function, arguments) => Datum::Owned(function(&owned(arguments, row)?)?),
        Compiled::TextCall(function, arguments, collation) => {
            Datum::Owned(function(&owned(arguments, row)?, *collation)?)
        }
        Compiled::Divide(a, b, scale) => {
            let (a, b) = (evaluate(a, row)?, evaluate(b, row)?);
            match (Exact::of(&a.cell().value), Exact::of(&b.cell().value)) {
                (Some(_), Some(b)) if b.unscaled == 0 => return Err(divided_by_zero()),
                (Some(a), Some(b)) => {
                    let quotient = a.divide(b, *scale).ok_or_else(|| overflow("expression", "numeric"))?;
                    Datum::Owned(OwnedValue::decimal(quotient, *scale))
                }
                _ => Datum::Owned(OwnedValue::Null),
            }
        }
        Compiled::Negate(operand) => {
            let operand = evaluate(operand, row)?;
            Datum::Owned(arithmetic('-', Cell::plain(Value::Int(0)), operand.cell())?)
        }
        Compiled::Arithmetic(symbol, a, b) => {
            let (a, b) = (evaluate(a, row)?, evaluate(b, row)?);
            Datum::Owned(arithmetic(*symbol, a.cell(), b.cell())?)
        }
        Compiled::Case(branches, otherwise) => {
            for (condition, result) in branches {
                if holds(condition, row)? == Some(true) {
                    return evaluate(result, row);
                }
            }
            match otherwise {
                Some(otherwise) => evaluate(otherwise, row)?,
                None => Datum::Owned(OwnedValue::Null),
            }
        }
        _ => Datum::Owned(holds(expression, row)?.map_or(OwnedValue::Null, OwnedValue::Bit)),
    })
}

fn owned(expressions: &[Compiled], row: &dyn Row) -> Result<Vec<OwnedValue>, Failure> {
    expressions.iter().map(|expression| Ok(evaluate(expression, row)?.into_owned())).collect()
}

/// Whether a condition is true; none when that is unknown.
pub(crate) fn holds(condition: &Compiled, row: &dyn Row) -> Result<Option<bool>, Failure> {
    Ok(match condition {
        Compiled::And(a, b) => match holds(a, row)? {
            Some(false) => Some(false),
            Some(true) => holds(b, row)?,
            None => holds(b, row)?.filter(|truth| !truth),
        },
        Compiled::Or(a, b) => match holds(a, row)? {
            Some(true) => Some(true),
            Some(false) => holds(b, row)?,
            None => holds(b, row)?.filter(|truth| *truth),
        },
        Compiled::Not(operand) => holds(operand, row)?.map(|truth| !truth),
        Compiled::IsNull(operand) => Some(evaluate(operand, row)?.cell().is_null()),
        Compiled::Compare(operator, a, b, collation) => {
            let (a, b) = (evaluate(a, row)?, evaluate(b, row)?);
            compared(*operator, a.cell(), b.cell(), *collation)
        }
        Compiled::Like(operand, pattern, escape, collation) => {
            let (operand, pattern) = (evaluate(operand, row)?, evaluate(pattern, row)?);
            like(&operand.cell().value, &pattern.cell().value, *escape, *collation)
        }
        Compiled::Exists(join) => Some(join.holds(row)?),
        _ => match evaluate(condition, row)?.cell().value {
            Value::Null => None,
            Value::Bit(truth) => Some(truth),
            _ => {
                let text =
                    "An expression of non-boolean type specified in a context where a condition is expected.";
                return Err(Failure { class: 15, ..Failure::new(4145, text) });
            }
        },
    })
}

fn compared(operator: Operator, a: Cell<'_>, b: Cell<'_>, collation: Collation) -> Option<bool> {
    if a.is_null() || b.is_null() {
        return None;
    }
    Some(operator.holds(compare(a, b, collation)))
}

fn arithmetic(symbol: char, a: Cell<'_>, b: Cell<'_>) -> Result<OwnedValue, Failure> {
    if a.is_null() || b.is_null() {
        return Ok(OwnedValue::Null);
    }
    match (a.value, b.value) {
        (Value::Int(a), Value::Int(b)) => whole(symbol, a, b),
        (Value::Real(_) | Value::Float(_), _) | (_, Value::Real(_) | Value::Float(_)) => {
            let float = |cell| convert(cell, &SqlType::Float, CodePage(1252));
            match (float(a)?, float(b)?) {
                (OwnedValue::Float(a), OwnedValue::Float(b)) => approximate(symbol, a, b),
                _ => Ok(OwnedValue::Null),
            }
        }
        (Value::DateTime { days, ticks }, Value::Int(more)) if matches!(symbol, '+' | '-') => {
            let more = if symbol == '+' { more } else { -more };
            let days =
                i32::try_from(i64::from(days) + more).map_err(|_| overflow("expression", "datetime"))?;
            Ok(OwnedValue::DateTime { days, ticks })
        }
        (Value::Bytes(a), Value::Bytes(b)) if symbol == '+' => Ok(OwnedValue::Bytes([a, b].concat().into())),
        // Half a pair stays what it is.
        (Value::Utf16(a), Value::Utf16(b)) if symbol == '+' => Ok(OwnedValue::Utf16([a, b].concat().into())),
        (a_value, b_value) => match (text::string(&a_value), text::string(&b_value)) {
            (Some(a), Some(b)) if symbol == '+' => Ok(OwnedValue::utf16(&(a + &b))),
            _ => match (Exact::of(&a_value), Exact::of(&b_value)) {
                (Some(a), Some(b)) => exact(symbol, a, b),
                _ => Err(unsupported(format!("{symbol} of these types"))),
            },
        },
    }
}

fn divided_by_zero() -> Failure {
    Failure::new(8134, "Divide by zero error encountered.")
}

fn whole(symbol: char, a: i64, b: i64) -> Result<OwnedValue, Failure> {
    if matches!(symbol, '/' | '%') && b == 0 {
        return Err(divided_by_zero());
    }
    let found = match symbol {
        '+' => a.checked_add(b),
        '-' => a.checked_sub(b),
        '*' => a.checked_mul(b),
        '/' => a.checked_div(b),
        '%' => a.checked_rem(b),
        '&' => Some(a & b),
        _ => Some(a | b),
    };
    found.map(OwnedValue::Int).ok_or_else(|| overflow("expression", "bigint"))
}

fn approximate(symbol: char, a: f64, b: f64) -> Result<OwnedValue, Failure> {
    Ok(OwnedValue::Float(match symbol {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' if b == 0.0 => return Err(divided_by_zero()),
        '/' => a / b,
        _ => return Err(unsupported(format!("{symbol} of float"))),
    }))
}

fn exact(symbol: char, a: Exact, b: Exact) -> Result<OwnedValue, Failure> {
    let overflowed = || overflow("expression", "numeric");
    let scale = a.scale.max(b.scale);
    let both = || Some((a.rescale(scale)?, b.rescale(scale)?));
    let found = match symbol {
        '+' => both().and_then(|(a, b)| a.checked_add(b)).map(|sum| (sum, scale)),
        '-' => both().and_then(|(a, b)| a.checked_sub(b)).map(|rest| (rest, scale)),
        '*' => a.unscaled.checked_mul(b.unscaled).map(|product| (product, a.scale + b.scale)),
        '/' | '%' if b.unscaled == 0 => return Err(divided_by_zero()),
        '%' => both().map(|(a, b)| (a % b, scale)),
        '/' => {
            let places = scale.max(6);
            let widen = power(u32::from(places) + u32::from(b.scale) - u32::from(a.scale));
            widen
                .and_then(|widen| a.unscaled.checked_mul(widen))
                .and_then(|dividend| dividend.checked_div(b.unscaled))
                .map(|quotient| (quotient, places))
        }
        _ => return Err(unsupported(format!("{symbol} of decimals"))),
    };
    let (unscaled, scale) = found.filter(|(_, scale)| *scale <= 38).ok_or_else(overflowed)?;
    Ok(OwnedValue::decimal(unscaled, scale))
}

impl Compiled {
    /// Tells every place of the row that it names.
    pub(super) fn slots(&self, tell: &mut dyn FnMut(usize)) {
        match self {
            Self::Value(_) => {}
            Self::Slot(slot) => tell(*slot),
            Self::Cast { operand, .. }
            | Self::Negate(operand)
            | Self::Not(operand)
            | Self::IsNull(operand) => {
                operand.slots(tell);
            }
            Self::Call(_, arguments) | Self::TextCall(_, arguments, _) => {
                arguments.iter().for_each(|argument| argument.slots(tell));
            }
            Self::Exists(join) => join.slots(tell),
            Self::Arithmetic(_, a, b)
            | Self::Divide(a, b, _)
            | Self::Compare(_, a, b, _)
            | Self::And(a, b)
            | Self::Or(a, b)
            | Self::Like(a, b, _, _) => {
                a.slots(tell);
                b.slots(tell);
            }
            Self::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    condition.slots(tell);
                    result.slots(tell);
                }
                if let Some(otherwise) = otherwise {
                    otherwise.slots(tell);
                }
            }
        }
    }
}

//! What is true or false: comparisons, `in`, `like`, `exists`.

use super::super::convert::Family;
use super::scope::{Scope, Typed};
use super::typing::{coerced, plain};
use super::{Translator, collated, unknown};
use crate::answer::Failure;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

impl Translator<'_> {
    /// A condition.
    ///
    /// # Errors
    /// 4145 for an expression that is neither true nor false.
    pub(super) fn condition(&mut self, expression: &Expr, scope: &Scope<'_>) -> Result<String, Failure> {
        let word = |negated: &bool| if *negated { "not " } else { "" };
        Ok(match expression {
            Expr::Nested(inner) => format!("({})", self.condition(inner, scope)?),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                format!("(not {})", self.condition(expr, scope)?)
            }
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                format!("({} and {})", self.condition(left, scope)?, self.condition(right, scope)?)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                format!("({} or {})", self.condition(left, scope)?, self.condition(right, scope)?)
            }
            Expr::BinaryOp { left, op, right } => {
                let Some(operator) = comparison(op) else { return Err(no_condition(expression)) };
                let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
                compare(&left, operator, &right)
            }
            Expr::IsNull(inner) => format!("({} is null)", self.value(inner, scope)?.sql),
            Expr::IsNotNull(inner) => format!("({} is not null)", self.value(inner, scope)?.sql),
            Expr::Between { expr, negated, low, high } => {
                let value = self.value(expr, scope)?;
                let (low, high) = (self.value(low, scope)?, self.value(high, scope)?);
                let both = format!("({} and {})", compare(&value, ">=", &low), compare(&value, "<=", &high));
                format!("({}{both})", word(negated))
            }
            Expr::InList { expr, list, negated } => {
                let value = self.value(expr, scope)?;
                let mut equal = Vec::new();
                for item in list {
                    equal.push(compare(&value, "=", &self.value(item, scope)?));
                }
                format!("({}({}))", word(negated), equal.join(" or "))
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let value = self.value(expr, scope)?;
                let value = Typed { sql: plain(&value), ..value };
                let inner = self.query(subquery, Some(scope))?;
                let [column] = inner.columns.as_slice() else {
                    return Err(Failure::new(
                        116,
                        "Only one expression can be specified in the select list when the subquery is not introduced \
                         with EXISTS.",
                    ));
                };
                let found = Typed::new(column.sql.clone(), column.sql_type.clone());
                let found = coerced(&found, &value.sql_type);
                format!("({} {}in (select {found} from ({})))", collated(&value), word(negated), inner.sql)
            }
            Expr::Exists { subquery, negated } => {
                format!("({}exists ({}))", word(negated), self.query(subquery, Some(scope))?.sql)
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                let (value, pattern) = (self.value(expr, scope)?, self.value(pattern, scope)?);
                let escape = match escape_char {
                    Some(escape) => format!(", {}", self.value(escape, scope)?.sql),
                    None => String::new(),
                };
                format!("({}t_like({}, {}{escape}))", word(negated), plain(&value), plain(&pattern))
            }
            Expr::AnyOp { .. } | Expr::AllOp { .. } => return Err(unknown("the condition", expression)),
            _ => return Err(no_condition(expression)),
        })
    }
}

fn no_condition(expression: &Expr) -> Failure {
    Failure::new(
        4145,
        format!(
            "An expression of non-boolean type specified in a context where a condition is expected, near \
             '{expression}'."
        ),
    )
}

/// A comparison as SQLite writes it.
pub(super) fn comparison(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        _ => return None,
    })
}

/// A comparison of two values: text with its collation, text with another type as that type.
pub(super) fn compare(left: &Typed, operator: &str, right: &Typed) -> String {
    let families = (left.family(), right.family());
    let (left_sql, right_sql) = match families {
        _ if left.is_null || right.is_null => (left.sql.clone(), right.sql.clone()),
        (Family::Variant, _) | (_, Family::Variant) => (plain(left), plain(right)),
        (Family::Text, Family::Text) => (left.sql.clone(), right.sql.clone()),
        (Family::Text, _) => (coerced(left, &right.sql_type), right.sql.clone()),
        (_, Family::Text) => (left.sql.clone(), coerced(right, &left.sql_type)),
        _ => (left.sql.clone(), right.sql.clone()),
    };
    let textual =
        [families.0, families.1].iter().all(|family| matches!(family, Family::Text | Family::Variant));
    let collate = if textual { " collate tsql" } else { "" };
    format!("({left_sql} {operator} {right_sql}{collate})")
}

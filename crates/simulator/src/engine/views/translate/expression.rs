//! Values: columns, literals, operators, `case`, conversions.

use super::super::convert::{Family, from_hex};
use super::scope::{Scope, Typed};
use super::typing::{coerced, common_type, converted, length, nvarchar, plain, wider};
use super::{Translator, literal, unknown};
use crate::answer::Failure;
use mssql2pg_catalog::{Length, SqlType};
use sqlparser::ast::{BinaryOperator, CastKind, Expr, UnaryOperator, Value};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;

/// 100 ns in a day, for arithmetic with `datetime`.
const DAY: &str = "864000000000";

impl Translator<'_> {
    /// A value. In a query that groups, a column must be grouped or stand in an aggregate.
    ///
    /// # Errors
    /// 207, 8120 and what the parts give.
    pub(super) fn value(&mut self, expression: &Expr, scope: &Scope<'_>) -> Result<Typed, Failure> {
        if let Some(grouped) = scope.grouped.as_ref().filter(|grouped| !grouped.is_empty()) {
            let plain_scope =
                Scope { relations: scope.relations.clone(), parent: scope.parent, grouped: None };
            if !super::call::has_aggregate(expression)
                && let Ok(typed) = self.value(expression, &plain_scope)
                && grouped.contains(&typed.sql.replace(" collate tsql", ""))
            {
                return Ok(typed);
            }
        }
        match expression {
            Expr::Identifier(name) if name.value.starts_with("@@") => self.niladic(&name.value),
            Expr::Identifier(name) if name.value.starts_with('@') => self.parameter(&name.value, scope),
            Expr::Identifier(name) => {
                let names = std::slice::from_ref(name);
                match self.column(names, scope) {
                    Ok((typed, innermost)) => grouped_column(typed, innermost, scope, &name.value),
                    // `current_user` and its like are functions without parentheses.
                    Err(failure) if name.quote_style.is_none() && super::call::is_word(&name.value) => {
                        self.niladic(&name.value).map_err(|_| failure)
                    }
                    Err(failure) => Err(failure),
                }
            }
            Expr::CompoundIdentifier(names) => {
                let (typed, innermost) = self.column(names, scope)?;
                let name = names.last().map(|name| name.value.as_str()).unwrap_or_default();
                grouped_column(typed, innermost, scope, name)
            }
            Expr::Value(value) => self.literal_value(&value.value, scope),
            Expr::Nested(inner) => {
                let typed = self.value(inner, scope)?;
                Ok(Typed { sql: format!("({})", typed.sql), ..typed })
            }
            Expr::Collate { expr, collation } => {
                let typed = self.value(expr, scope)?;
                if typed.is_text() {
                    Ok(typed)
                } else {
                    Err(unknown("collate on what is no text", collation))
                }
            }
            Expr::UnaryOp { op, expr } => self.unary(*op, expr, scope),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, scope),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Expr::Cast { kind, expr, data_type, .. } => {
                let to = self.data_type(data_type)?;
                let value = self.value(expr, scope)?;
                Ok(cast(&value, to, "0", matches!(kind, CastKind::TryCast | CastKind::SafeCast)))
            }
            Expr::Convert { is_try, expr, data_type: Some(data_type), styles, .. } => {
                let to = self.data_type(data_type)?;
                let value = self.value(expr, scope)?;
                let style = match styles.first() {
                    Some(style) => self.value(style, scope)?.sql,
                    None => "0".to_owned(),
                };
                Ok(cast(&value, to, &style, *is_try))
            }
            Expr::Subquery(query) => {
                let translated = self.query(query, Some(scope))?;
                let [column] = translated.columns.as_slice() else {
                    return Err(Failure::new(
                        116,
                        "Only one expression can be specified in the select list when the subquery is not introduced \
                         with EXISTS.",
                    ));
                };
                Ok(Typed::new(format!("({})", translated.sql), column.sql_type.clone()))
            }
            other => self.function(other, scope),
        }
    }

    /// A parameter of the session: its value is text of T-SQL.
    fn parameter(&mut self, name: &str, scope: &Scope<'_>) -> Result<Typed, Failure> {
        let wanted = name.to_lowercase();
        let found = self.session.parameters.iter().find(|parameter| parameter.name.to_lowercase() == wanted);
        let found = found
            .cloned()
            .ok_or_else(|| Failure::new(137, format!("Must declare the scalar variable \"{name}\".")))?;
        let parsed = Parser::new(&MsSqlDialect {})
            .try_with_sql(&found.literal)
            .and_then(|mut parser| parser.parse_expr());
        let parsed = parsed.map_err(|_| unknown("the value of", name))?;
        let value = self.value(&parsed, scope)?;
        Ok(cast(&value, found.sql_type, "0", false))
    }

    fn literal_value(&mut self, value: &Value, scope: &Scope<'_>) -> Result<Typed, Failure> {
        let units = |text: &str| u16::try_from(text.encode_utf16().count().max(1)).ok();
        let typed = match value {
            Value::Null => Typed { is_null: true, ..Typed::new("null", SqlType::Int) },
            Value::NationalStringLiteral(text) => {
                Typed::new(literal(text), nvarchar(units(text).filter(|length| *length <= 4000)))
            }
            Value::SingleQuotedString(text) => {
                let length = Length(units(text).filter(|length| *length <= 8000));
                Typed::new(literal(text), SqlType::VarChar { length })
            }
            Value::HexStringLiteral(digits) => {
                let bytes = from_hex(digits).ok_or_else(|| unknown("the literal", digits))?;
                let length = u16::try_from(bytes.len().max(1)).ok();
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                Typed::new(format!("x'{digits}'"), SqlType::VarBinary { length: Length(length) })
            }
            Value::Number(digits, _) => return number(digits),
            Value::Placeholder(name) if name.starts_with("@@") => return self.niladic(name),
            Value::Placeholder(name) => return self.parameter(name, scope),
            other => return Err(unknown("the literal", other)),
        };
        Ok(Typed { nullable: typed.is_null, ..typed })
    }

    fn unary(
        &mut self,
        operator: UnaryOperator,
        expression: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, Failure> {
        let typed = self.value(expression, scope)?;
        let sign = match operator {
            UnaryOperator::Minus => "-",
            UnaryOperator::Plus => "+",
            UnaryOperator::BitwiseNot => "~",
            _ => return Err(Failure::new(102, format!("Incorrect syntax near '{operator}'."))),
        };
        Ok(Typed { sql: format!("({sign} {})", typed.sql), ..typed })
    }

    fn binary(
        &mut self,
        left: &Expr,
        operator: &BinaryOperator,
        right: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, Failure> {
        let sign = match operator {
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::BitwiseAnd => "&",
            BinaryOperator::BitwiseOr => "|",
            BinaryOperator::BitwiseXor => "^",
            other => return Err(Failure::new(102, format!("Incorrect syntax near '{other}'."))),
        };
        let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
        let nullable = left.nullable || right.nullable;
        let families = (left.family(), right.family());
        if sign == "+" && (left.is_text() || left.is_null) && (right.is_text() || right.is_null) {
            return Ok(Typed { nullable, ..concatenated(&left, &right) });
        }
        if families.0 == Family::Variant || families.1 == Family::Variant {
            return Err(Failure::new(
                402,
                format!("The data types are incompatible in the {operator} operator: sql_variant."),
            ));
        }
        if families.0 == Family::Time && families.1 == Family::Whole {
            let sql = format!("({} {sign} {} * {DAY})", left.sql, right.sql);
            return Ok(Typed { nullable, ..Typed::new(sql, left.sql_type) });
        }
        let sql_type = common_type(&left, &right);
        let (left_sql, right_sql) = (coerced(&left, &sql_type), coerced(&right, &sql_type));
        let exact = matches!(sql_type, SqlType::Decimal { .. } | SqlType::Money | SqlType::SmallMoney);
        let sql = match sign {
            "^" => format!("t_xor({left_sql}, {right_sql})"),
            "/" if exact => format!("(cast({left_sql} as real) / {right_sql})"),
            _ => format!("({left_sql} {sign} {right_sql})"),
        };
        let sql_type = match (&sql_type, sign) {
            (SqlType::Decimal { .. }, "/") => SqlType::Decimal { precision: 38, scale: 6 },
            (SqlType::Decimal { scale, .. }, _) => SqlType::Decimal { precision: 38, scale: *scale },
            _ => sql_type,
        };
        Ok(Typed { nullable, ..Typed::new(sql, sql_type) })
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[sqlparser::ast::CaseWhen],
        otherwise: Option<&Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed, Failure> {
        let operand = operand.map(|operand| self.value(operand, scope)).transpose()?;
        let mut branches = Vec::new();
        for branch in conditions {
            let condition = match &operand {
                Some(operand) => {
                    let value = self.value(&branch.condition, scope)?;
                    super::condition::compare(operand, "=", &value)
                }
                None => self.condition(&branch.condition, scope)?,
            };
            branches.push((condition, self.value(&branch.result, scope)?));
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.value(otherwise, scope)?,
            None => Typed { is_null: true, ..Typed::new("null", SqlType::Int) },
        };
        let results: Vec<_> = branches.iter().map(|(_, result)| result).chain([&otherwise]).collect();
        let sql_type = common_of(&results);
        let nullable = results.iter().any(|result| result.nullable || result.is_null);
        let branches = branches.iter();
        let branches = branches
            .map(|(condition, result)| format!("when {condition} then {}", coerced(result, &sql_type)));
        let branches: Vec<_> = branches.collect();
        let sql = format!("(case {} else {} end)", branches.join(" "), coerced(&otherwise, &sql_type));
        Ok(Typed { nullable, ..Typed::new(sql, sql_type) })
    }
}

/// The type that holds what each holds.
pub(super) fn common_of(values: &[&Typed]) -> SqlType {
    let mut known = values.iter().filter(|value| !value.is_null);
    let first = known.next().map_or(SqlType::Int, |value| value.sql_type.clone());
    known.fold(first, |sql_type, value| wider(&sql_type, &value.sql_type))
}

/// A conversion that a query writes.
fn cast(value: &Typed, to: SqlType, style: &str, attempt: bool) -> Typed {
    let mut sql = converted(&value.sql, &value.sql_type, &to, style);
    if attempt {
        sql = sql.replacen("t_convert", "t_try_convert", 1);
    }
    Typed { sql, sql_type: to, nullable: value.nullable || attempt, is_null: false }
}

/// `a + b` of text.
fn concatenated(left: &Typed, right: &Typed) -> Typed {
    let sql_type = common_type(left, right);
    let sum =
        length(&left.sql_type).zip(length(&right.sql_type)).map(|(left, right)| left.saturating_add(right));
    let sql_type = match sql_type {
        SqlType::NVarChar { .. } | SqlType::NChar { .. } => nvarchar(sum.map(|sum| sum.min(4000))),
        SqlType::VarChar { .. } | SqlType::Char { .. } => {
            SqlType::VarChar { length: Length(sum.map(|sum| sum.min(8000))) }
        }
        other => other,
    };
    Typed::new(format!("({} || {})", plain(left), plain(right)), sql_type)
}

fn number(digits: &str) -> Result<Typed, Failure> {
    let sql_type = if digits.contains(['e', 'E']) {
        SqlType::Float
    } else if let Some((whole, fraction)) = digits.split_once('.') {
        let scale = u8::try_from(fraction.len().min(38)).unwrap_or(38);
        let precision = u8::try_from((whole.len() + fraction.len()).clamp(1, 38)).unwrap_or(38);
        SqlType::Decimal { precision, scale }
    } else if digits.parse::<i32>().is_ok() {
        SqlType::Int
    } else {
        SqlType::Decimal { precision: u8::try_from(digits.len().min(38)).unwrap_or(38), scale: 0 }
    };
    // What SQLite's integers do not hold stays text.
    let sql = if matches!(sql_type, SqlType::Decimal { scale: 0, .. }) && digits.parse::<i64>().is_err() {
        literal(digits)
    } else {
        digits.to_owned()
    };
    Ok(Typed { nullable: false, ..Typed::new(sql, sql_type) })
}

fn grouped_column(typed: Typed, innermost: bool, scope: &Scope<'_>, name: &str) -> Result<Typed, Failure> {
    match &scope.grouped {
        Some(grouped) if innermost && !grouped.contains(&typed.sql) => Err(Failure::new(
            8120,
            format!(
                "Column '{name}' is invalid in the select list because it is not contained in either an aggregate \
                 function or the GROUP BY clause."
            ),
        )),
        _ => Ok(typed),
    }
}

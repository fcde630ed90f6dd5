//! Finds columns, types and collations: an expression as it was read becomes one that can be computed.
//!
//! Invariant: values that are compared have one class of type when this is done: the one of lower precedence is cast
//! ("Data type precedence"), so that `order.rs` never compares a number with a text.

use super::super::failures::{unknown_column, unsupported};
use super::super::language::ast::{Expression, Operator};
use super::super::language::literal_expression;
use super::super::session::Session;
use super::super::values::collation::Collation;
use super::super::values::owned::OwnedValue;
use super::aggregate::Aggregate;
use super::evaluate::{Compiled, evaluate};
use super::rows::NoRow;
use super::types::{Class, class, common, is_national, precedence};
use crate::answer::Failure;
use mssql2pg_catalog::{Length, SqlType};

/// The columns that an expression may name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// What may stand before a column's name and a point.
    pub(crate) qualifiers: Vec<String>,
    pub(crate) columns: Vec<ScopeColumn>,
    /// Whether names that differ in case are different.
    pub(crate) case_sensitive: bool,
    /// The columns around a subquery; they are found after its own.
    pub(crate) around: Option<Box<Self>>,
}

/// A column that an expression may name.
#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    pub(crate) name: String,
    pub(crate) sql_type: SqlType,
    pub(crate) nullable: bool,
    pub(crate) collation: Option<String>,
    /// Its place in a row, or how it is computed.
    pub(crate) place: Result<usize, String>,
}

impl Scope {
    /// Whether two names are one.
    pub(crate) fn same(&self, a: &str, b: &str) -> bool {
        if self.case_sensitive { a == b } else { a.to_lowercase() == b.to_lowercase() }
    }

    /// The column of that name.
    ///
    /// # Errors
    /// 207 and 4104.
    pub(crate) fn column(&self, parts: &[String]) -> Result<&ScopeColumn, Failure> {
        match (self.own_column(parts), &self.around) {
            (Err(failure), Some(around)) => around.column(parts).map_err(|_| failure),
            (found, _) => found,
        }
    }

    fn own_column(&self, parts: &[String]) -> Result<&ScopeColumn, Failure> {
        let name = parts.last().map_or("", String::as_str);
        if let [.., qualifier, _] = parts
            && !self.qualifiers.iter().any(|known| self.same(known, qualifier))
        {
            let text = format!("The multi-part identifier \"{}\" could not be bound.", parts.join("."));
            return Err(Failure::new(4104, text));
        }
        let found = self.columns.iter().find(|column| self.same(&column.name, name));
        found.ok_or_else(|| unknown_column(name))
    }
}

/// An expression that can be computed, and what is known of its values.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) node: Compiled,
    pub(crate) sql_type: SqlType,
    pub(crate) nullable: bool,
    pub(crate) collation: Option<String>,
}

impl Typed {
    pub(super) fn new(node: Compiled, sql_type: SqlType, nullable: bool) -> Self {
        Self { node, sql_type, nullable, collation: None }
    }
}

/// The keys of `group by`, and the aggregates that were found.
pub(crate) type Groups = (Vec<(Expression, Typed)>, Vec<Aggregate>);

/// What compiles the expressions of one `select`.
pub(crate) struct Compiler<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) scope: &'a Scope,
    /// None where there may be no aggregate.
    pub(crate) groups: Option<Groups>,
    /// How deep computed columns stand in one another.
    pub(crate) depth: u8,
}

impl<'a> Compiler<'a> {
    /// For expressions without aggregates.
    pub(crate) fn plain(session: &'a mut Session, scope: &'a Scope) -> Self {
        Self { session, scope, groups: None, depth: 0 }
    }

    /// Compiles an expression or a condition.
    ///
    /// # Errors
    /// SQL Server's own, and what this engine does not know.
    pub(crate) fn compile(&mut self, expression: &Expression) -> Result<Typed, Failure> {
        if let Some((keys, _)) = &self.groups
            && let Some(place) = keys.iter().position(|(key, _)| same_key(key, expression))
        {
            return Ok(Typed { node: Compiled::Slot(place), ..keys[place].1.clone() });
        }
        match expression {
            Expression::Literal(value, sql_type) => {
                let nullable = *value == OwnedValue::Null;
                Ok(Typed::new(Compiled::Value(value.clone()), sql_type.clone(), nullable))
            }
            Expression::Column(parts) => self.column(parts),
            Expression::Star => Err(unsupported("a star here")),
            Expression::Variable(name) => self.variable(name),
            Expression::Cast { operand, to, style, or_null } => {
                super::call::check_style(style.as_deref())?;
                self.cast(operand, to, *or_null)
            }
            Expression::Collate(operand, name) => {
                let operand = self.compile(operand)?;
                Ok(Typed { collation: Some(name.clone()), ..operand })
            }
            Expression::Call { name, arguments, distinct } => self.call(name, arguments, *distinct),
            Expression::Negate(operand) => {
                let operand = self.compile(operand)?;
                Ok(Typed { node: Compiled::Negate(operand.node.into()), ..operand })
            }
            Expression::Arithmetic(symbol, a, b) => {
                let (a, b) = (self.compile(a)?, self.compile(b)?);
                Ok(self.arithmetic(*symbol, a, b))
            }
            Expression::Case(branches, otherwise) => self.case(branches, otherwise.as_deref()),
            Expression::Exists(select) => match super::rows_of(self.session, select) {
                Ok((_, rows)) => {
                    let found = OwnedValue::Bit(!rows.is_empty());
                    Ok(Typed::new(Compiled::Value(found), SqlType::Bit, false))
                }
                // A column that the subquery does not have may be one of this row's.
                Err(failure) if matches!(failure.number, 207 | 4104) && self.groups.is_none() => {
                    let join = super::exists::semi_join(self.session, self.scope, select)?;
                    Ok(Typed::new(Compiled::Exists(join.into()), SqlType::Bit, false))
                }
                Err(failure) => Err(failure),
            },
            Expression::Subquery(select) => {
                let (columns, rows) = super::rows_of(self.session, select)?;
                let column = columns.first().ok_or_else(|| unsupported("a select without columns"))?;
                if rows.len() > 1 {
                    return Err(Failure::new(512, "Subquery returned more than 1 value."));
                }
                let value = rows.into_iter().next().and_then(|row| row.into_iter().next());
                let node = Compiled::Value(value.unwrap_or(OwnedValue::Null));
                let collation = column.collation.clone();
                Ok(Typed { node, sql_type: column.sql_type.clone(), nullable: true, collation })
            }
            condition => self.condition(condition),
        }
    }

    fn condition(&mut self, condition: &Expression) -> Result<Typed, Failure> {
        let node = match condition {
            Expression::And(a, b) => {
                Compiled::And(self.compile(a)?.node.into(), self.compile(b)?.node.into())
            }
            Expression::Or(a, b) => Compiled::Or(self.compile(a)?.node.into(), self.compile(b)?.node.into()),
            Expression::Not(operand) => Compiled::Not(self.compile(operand)?.node.into()),
            Expression::IsNull(operand) => Compiled::IsNull(self.compile(operand)?.node.into()),
            Expression::Compare(operator, a, b) => {
                let (a, b) = (self.compile(a)?, self.compile(b)?);
                self.compare(*operator, a, b)?
            }
            Expression::In(operand, list) => {
                let operand = self.compile(operand)?;
                // Each candidate is compared as by `=`; they are cast one by one.
                let mut all: Option<Compiled> = None;
                for candidate in list {
                    let candidate = self.compile(candidate)?;
                    let equal = self.compare(Operator::Equal, operand.clone(), candidate)?;
                    all = Some(match all {
                        Some(before) => Compiled::Or(before.into(), equal.into()),
                        None => equal,
                    });
                }
                all.unwrap_or(Compiled::Value(OwnedValue::Bit(false)))
            }
            Expression::Like(operand, pattern, escape) => {
                let (operand, pattern) = (self.compile(operand)?, self.compile(pattern)?);
                let collation = self.collation(&[&operand, &pattern]);
                Compiled::Like(operand.node.into(), pattern.node.into(), *escape, collation)
            }
            _ => return Err(unsupported("such a condition")),
        };
        Ok(Typed::new(node, SqlType::Bit, true))
    }

    /// The collation that two texts are compared by: the first that either of them brings, else the database's.
    pub(crate) fn collation(&self, operands: &[&Typed]) -> Collation {
        let name = operands.iter().find_map(|operand| operand.collation.as_deref());
        let national = operands.iter().any(|operand| is_national(&operand.sql_type));
        Collation { national, ..Collation::named(name.unwrap_or(self.session.collation_name())) }
    }

    fn column(&mut self, parts: &[String]) -> Result<Typed, Failure> {
        let column = self.scope.column(parts)?;
        if self.groups.is_some() {
            let text = format!(
                "Column '{}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
                column.name
            );
            return Err(Failure::new(8120, text));
        }
        match &column.place {
            Ok(slot) => Ok(Typed {
                node: Compiled::Slot(*slot),
                sql_type: column.sql_type.clone(),
                nullable: column.nullable,
                collation: column.collation.clone(),
            }),
            Err(_) if self.depth > 8 => Err(unsupported("computed columns that name one another")),
            Err(text) => {
                let expression = literal_expression(text)?;
                self.depth += 1;
                let computed = self.compile(&expression)?;
                self.depth -= 1;
                if matches!(column.sql_type, SqlType::Unknown { .. }) || column.sql_type == computed.sql_type
                {
                    return Ok(computed);
                }
                Ok(self.cast_typed(computed, &column.sql_type, false))
            }
        }
    }

    fn variable(&mut self, name: &str) -> Result<Typed, Failure> {
        let found =
            self.session.parameters.iter().find(|known| known.name.eq_ignore_ascii_case(name)).cloned();
        let Some(parameter) = found else {
            let text = format!("Must declare the scalar variable \"{name}\".");
            return Err(Failure { class: 15, ..Failure::new(137, text) });
        };
        let value = self.compile(&literal_expression(&parameter.literal)?)?;
        self.folded(self.cast_typed(value, &parameter.sql_type, false))
    }

    fn cast(&mut self, operand: &Expression, to: &SqlType, or_null: bool) -> Result<Typed, Failure> {
        let operand = self.compile(operand)?;
        // The old types, and CLR types in their own serialisation, are these values already.
        let same = matches!(
            (&operand.sql_type, to),
            (
                SqlType::Text | SqlType::VarChar { .. } | SqlType::Char { .. },
                SqlType::VarChar { length: Length::MAX }
            ) | (
                SqlType::NText
                    | SqlType::NVarChar { .. }
                    | SqlType::NChar { .. }
                    | SqlType::Xml
                    | SqlType::Json,
                SqlType::NVarChar { length: Length::MAX }
            ) | (
                SqlType::Image
                    | SqlType::VarBinary { .. }
                    | SqlType::HierarchyId
                    | SqlType::Geography
                    | SqlType::Geometry
                    | SqlType::Unknown { .. },
                SqlType::VarBinary { length: Length::MAX }
            )
        );
        if same {
            return Ok(Typed { sql_type: to.clone(), ..operand });
        }
        self.folded(self.cast_typed(operand, to, or_null))
    }

    pub(super) fn cast_typed(&self, operand: Typed, to: &SqlType, or_null: bool) -> Typed {
        let page = self.collation(&[&operand]).page;
        let Typed { node, nullable, collation, .. } = operand;
        let collation = collation.filter(|_| class(to) == Class::Text);
        let node = Compiled::Cast { operand: node.into(), to: to.clone(), page, or_null };
        Typed { node, sql_type: to.clone(), nullable: nullable || or_null, collation }
    }

    /// Computed at once, when it is the cast of a value.
    fn folded(&self, typed: Typed) -> Result<Typed, Failure> {
        match &typed.node {
            Compiled::Cast { operand, .. } if matches!(**operand, Compiled::Value(_)) => {
                let value = evaluate(&typed.node, &NoRow)?.into_owned();
                Ok(Typed { node: Compiled::Value(value), ..typed })
            }
            _ => Ok(typed),
        }
    }

    /// A comparison of two values, the lower of which is cast to the higher one's type.
    pub(crate) fn compare(&self, operator: Operator, a: Typed, b: Typed) -> Result<Compiled, Failure> {
        let (class_a, class_b) = (class(&a.sql_type), class(&b.sql_type));
        let is_null = |typed: &Typed| matches!(typed.node, Compiled::Value(OwnedValue::Null));
        let differ = class_a != class_b && class_a != Class::Other && class_b != Class::Other;
        let (a, b) = match differ && !is_null(&a) && !is_null(&b) {
            true if precedence(&a.sql_type) >= precedence(&b.sql_type) => {
                let to = a.sql_type.clone();
                (a, self.folded(self.cast_typed(b, &to, false))?)
            }
            true => {
                let to = b.sql_type.clone();
                (self.folded(self.cast_typed(a, &to, false))?, b)
            }
            false => (a, b),
        };
        let collation = self.collation(&[&a, &b]);
        Ok(Compiled::Compare(operator, a.node.into(), b.node.into(), collation))
    }

    pub(super) fn case(
        &mut self,
        branches: &[(Expression, Expression)],
        otherwise: Option<&Expression>,
    ) -> Result<Typed, Failure> {
        let mut compiled = Vec::new();
        for (condition, result) in branches {
            compiled.push((self.compile(condition)?.node, self.compile(result)?));
        }
        let otherwise = otherwise.map(|otherwise| self.compile(otherwise)).transpose()?;
        let results = || compiled.iter().map(|(_, result)| result).chain(&otherwise);
        let is_null = |typed: &&Typed| !matches!(typed.node, Compiled::Value(OwnedValue::Null));
        let sql_type = results().filter(is_null).map(|result| result.sql_type.clone());
        let sql_type = sql_type.reduce(|a, b| common(&a, &b)).unwrap_or(SqlType::Int);
        let nullable = otherwise.is_none() || results().any(|result| result.nullable);
        let collation = results().find_map(|result| result.collation.clone());
        let same = |typed: Typed| {
            let differs = typed.sql_type != sql_type;
            if differs { self.cast_typed(typed, &sql_type, false).node } else { typed.node }
        };
        let branches = compiled.into_iter().map(|(condition, result)| (condition, same(result))).collect();
        let otherwise = otherwise.map(|otherwise| same(otherwise).into());
        Ok(Typed { node: Compiled::Case(branches, otherwise), sql_type, nullable, collation })
    }

    fn arithmetic(&self, symbol: char, a: Typed, b: Typed) -> Typed {
        let sql_type = arithmetic_type(symbol, &a.sql_type, &b.sql_type);
        let nullable = a.nullable || b.nullable;
        let collation = a.collation.clone().or_else(|| b.collation.clone());
        // A text that meets a number is read as one.
        let number =
            |typed: Typed| match class(&typed.sql_type) == Class::Text && class(&sql_type) != Class::Text {
                true => self.cast_typed(typed, &sql_type, false),
                false => typed,
            };
        let (a, b) = (number(a), number(b));
        let node = match &sql_type {
            SqlType::Decimal { scale, .. } if symbol == '/' => {
                Compiled::Divide(a.node.into(), b.node.into(), *scale)
            }
            _ => Compiled::Arithmetic(symbol, a.node.into(), b.node.into()),
        };
        let typed = Typed { node, sql_type: sql_type.clone(), nullable, collation };
        match class(&sql_type) {
            Class::Exact | Class::Text => self.cast_typed(typed, &sql_type, false),
            _ => typed,
        }
    }
}

/// Whether an expression is a key of `group by`: columns by their last parts.
fn same_key(key: &Expression, expression: &Expression) -> bool {
    match (key, expression) {
        (Expression::Column(a), Expression::Column(b)) => match (a.last(), b.last()) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        },
        _ => key == expression,
    }
}

/// The type of a sum, product and so on ("Precision, scale, and length (Transact-SQL)").
fn arithmetic_type(symbol: char, a: &SqlType, b: &SqlType) -> SqlType {
    let higher = if precedence(a) >= precedence(b) { a } else { b };
    if let (Class::Text, Class::Text) = (class(a), class(b)) {
        let most = if is_national(higher) { 4000_u16 } else { 8000 };
        let length = match (super::types::length(a), super::types::length(b)) {
            (Some(a), Some(b)) => Length::limited(a.saturating_add(b).min(most)),
            _ => Length::MAX,
        };
        return match is_national(higher) {
            true => SqlType::NVarChar { length },
            false => SqlType::VarChar { length },
        };
    }
    if let (Class::Binary, Class::Binary, '+') = (class(a), class(b), symbol) {
        let length = match (super::types::length(a), super::types::length(b)) {
            (Some(a), Some(b)) => Length::limited(a.saturating_add(b).min(8000)),
            _ => Length::MAX,
        };
        return SqlType::VarBinary { length };
    }
    if !matches!(higher, SqlType::Decimal { .. }) {
        return higher.clone();
    }
    let parts = |sql_type: &SqlType| -> (u32, u32) {
        match sql_type {
            SqlType::Decimal { precision, scale } => ((*precision).into(), (*scale).into()),
            SqlType::Money => (19, 4),
            SqlType::SmallMoney => (10, 4),
            SqlType::BigInt => (19, 0),
            SqlType::SmallInt => (5, 0),
            SqlType::TinyInt => (3, 0),
            SqlType::Bit => (1, 0),
            _ => (10, 0),
        }
    };
    let ((p1, s1), (p2, s2)) = (parts(a), parts(b));
    let (precision, scale) = match symbol {
        '*' => (p1 + p2 + 1, s1 + s2),
        '/' => {
            let scale = 6.max(s1 + p2 + 1);
            (p1.saturating_sub(s1) + s2 + scale, scale)
        }
        '%' => ((p1 - s1.min(p1)).min(p2 - s2.min(p2)) + s1.max(s2), s1.max(s2)),
        _ => (s1.max(s2) + (p1 - s1.min(p1)).max(p2 - s2.min(p2)) + 1, s1.max(s2)),
    };
    let whole_digits = (p1 - s1.min(p1)).max(p2 - s2.min(p2));
    let scale = match precision > 38 {
        // The digit that a sum may carry over is not reserved.
        true if matches!(symbol, '+' | '-') => scale.min(38_u32.saturating_sub(whole_digits)),
        true => scale.min(38_u32.saturating_sub(precision - scale)).max(scale.min(6)),
        false => scale,
    };
    let byte = |number: u32| u8::try_from(number.min(38)).unwrap_or(38);
    SqlType::Decimal { precision: byte(precision), scale: byte(scale) }
}

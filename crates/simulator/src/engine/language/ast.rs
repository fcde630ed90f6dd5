//! What expressions and `select` statements are made of.

use super::super::values::owned::OwnedValue;
use mssql2pg_catalog::SqlType;
use std::cmp::Ordering;

/// An expression or a condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// A literal, with its type.
    Literal(OwnedValue, SqlType),
    /// A column, by the parts of its name.
    Column(Vec<String>),
    /// `@name`.
    Variable(String),
    /// `cast`, `convert`, `try_cast`, `try_convert`.
    Cast {
        operand: Box<Self>,
        to: SqlType,
        /// The third argument of `convert`.
        style: Option<Box<Self>>,
        or_null: bool,
    },
    /// `… collate …`.
    Collate(Box<Self>, String),
    /// A function, lower case, and its arguments.
    Call {
        name: String,
        arguments: Vec<Self>,
        distinct: bool,
    },
    /// `*` in `count(*)`.
    Star,
    /// `-…`.
    Negate(Box<Self>),
    /// `+ - * / % & |`.
    Arithmetic(char, Box<Self>, Box<Self>),
    /// A comparison.
    Compare(Operator, Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// `is null`.
    IsNull(Box<Self>),
    /// `in (…, …)`.
    In(Box<Self>, Vec<Self>),
    /// `like`, with the escape character.
    Like(Box<Self>, Box<Self>, Option<char>),
    /// `case`: the pairs of condition and result, and the `else`.
    Case(Vec<(Self, Self)>, Option<Box<Self>>),
    /// `exists (select …)`.
    Exists(Box<Select>),
    /// `(select …)`.
    Subquery(Box<Select>),
}

impl Expression {
    /// Whether it, or an expression in it that is not in a `select` of its own, passes the test.
    pub(crate) fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        if test(self) {
            return true;
        }
        match self {
            Self::Call { arguments, .. } => arguments.iter().any(|argument| argument.any(test)),
            Self::Cast { operand, .. }
            | Self::Collate(operand, _)
            | Self::Negate(operand)
            | Self::Not(operand)
            | Self::IsNull(operand) => operand.any(test),
            Self::Arithmetic(_, a, b)
            | Self::Compare(_, a, b)
            | Self::And(a, b)
            | Self::Or(a, b)
            | Self::Like(a, b, _) => a.any(test) || b.any(test),
            Self::In(operand, list) => operand.any(test) || list.iter().any(|item| item.any(test)),
            Self::Case(branches, otherwise) => {
                branches.iter().any(|(condition, result)| condition.any(test) || result.any(test))
                    || otherwise.as_ref().is_some_and(|otherwise| otherwise.any(test))
            }
            Self::Literal(..)
            | Self::Column(_)
            | Self::Variable(_)
            | Self::Star
            | Self::Exists(_)
            | Self::Subquery(_) => false,
        }
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Whether the comparison is true of two values in that order.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A `select`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Select {
    pub(crate) distinct: bool,
    pub(crate) top: Option<Expression>,
    pub(crate) items: Vec<Item>,
    pub(crate) from: Option<From>,
    pub(crate) condition: Option<Expression>,
    pub(crate) group_by: Vec<Expression>,
    pub(crate) order_by: Vec<Order>,
    pub(crate) offset: Option<Expression>,
    pub(crate) fetch: Option<Expression>,
    /// What `union all` adds.
    pub(crate) union_all: Option<Box<Self>>,
}

/// An item of the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// `*`.
    All,
    /// An expression and its name.
    Expression { expression: Expression, name: String },
}

/// A key of `order by`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) key: Expression,
    pub(crate) descending: bool,
}

/// What is selected from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum From {
    /// A table, by the parts of its name, and its hints.
    Table { parts: Vec<String>, alias: Option<String>, hints: Vec<String> },
    /// `(values (…), (…)) as t(a, b)`.
    Values { rows: Vec<Vec<Expression>>, alias: String, columns: Vec<String> },
    /// `(select …) as t`.
    Select { select: Box<Select>, alias: String, columns: Vec<String> },
}

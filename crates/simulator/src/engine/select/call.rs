//! Compiles what is called: functions, and aggregates.
//!
//! Invariant: a function gets text in the form of its type, whatever form the rows have it in: `varchar` in its page, what
//! is fixed with its blanks.

use super::super::failures::unsupported;
use super::super::language::ast::{Expression, Operator};
use super::super::values::collation::Collation;
use super::super::values::owned::OwnedValue;
use super::aggregate::{Aggregate, AggregateKind};
use super::compile::{Compiler, Typed};
use super::evaluate::Compiled;
use super::functions::{function, max_length};
use super::types::{Class, class};
use crate::answer::Failure;
use mssql2pg_catalog::SqlType;

/// The major version since which `datediff_big` is there: SQL Server 2016.
const WITH_DATEDIFF_BIG: u16 = 13;

/// Refuses a style of `convert` that this engine does not know: all but the default.
pub(super) fn check_style(style: Option<&Expression>) -> Result<(), Failure> {
    match style {
        None | Some(Expression::Literal(OwnedValue::Int(0), _)) => Ok(()),
        // How `datetime2` and the like are written, which is what this engine writes.
        Some(Expression::Literal(OwnedValue::Int(121 | 126), _)) => Ok(()),
        Some(_) => Err(unsupported("convert with this style")),
    }
}

impl Compiler<'_> {
    pub(super) fn call(
        &mut self,
        name: &str,
        arguments: &[Expression],
        distinct: bool,
    ) -> Result<Typed, Failure> {
        if let Some(kind) = AggregateKind::named(name) {
            return self.aggregate(kind, name, arguments, distinct);
        }
        match (name, arguments) {
            ("iif", [condition, yes, no]) => {
                return self.case(&[(condition.clone(), yes.clone())], Some(no));
            }
            ("nullif", [a, b]) => {
                let same = Expression::Compare(Operator::Equal, a.clone().into(), b.clone().into());
                let null = Expression::Literal(OwnedValue::Null, SqlType::Int);
                return self.case(&[(same, null)], Some(a));
            }
            ("datediff_big", _) if self.version() < WITH_DATEDIFF_BIG => return Err(unknown(name)),
            _ => {}
        }
        let mut typed = Vec::new();
        for argument in arguments {
            let argument = self.compile(argument)?;
            typed.push(self.in_own_form(argument));
        }
        let types: Vec<SqlType> = typed.iter().map(|argument| argument.sql_type.clone()).collect();
        if let ("datalength", [operand]) = (name, types.as_slice())
            && let Some(length) = fixed_length(operand)?
        {
            let operand = typed.into_iter().next().map(|operand| operand.node);
            let operand = operand.unwrap_or(Compiled::Value(OwnedValue::Null));
            let length = Compiled::Value(OwnedValue::Int(length)).into();
            let null = Compiled::Value(OwnedValue::Null);
            let node = Compiled::Case(vec![(Compiled::IsNull(operand.into()), null)], Some(length));
            return Ok(Typed::new(node, SqlType::Int, true));
        }
        let nullable = typed.iter().any(|argument| argument.nullable)
            || matches!(name, "sql_variant_property" | "unicode" | "ascii" | "replicate" | "nchar" | "char");
        let collation = typed.iter().find_map(|argument| argument.collation.clone());
        let compared_by = self.collation(&typed.iter().collect::<Vec<&Typed>>());
        let of_text = super::texts::function(name, &types, compared_by)?;
        let nodes = typed.into_iter().map(|argument| argument.node).collect();
        let (node, sql_type) = match of_text {
            Some((function, sql_type)) => (Compiled::TextCall(function, nodes, compared_by), sql_type),
            None => {
                let (function, sql_type) = function(name, &types).ok_or_else(|| unknown(name))?;
                (Compiled::Call(function, nodes), sql_type)
            }
        };
        let call = Typed { node, sql_type: sql_type.clone(), nullable, collation };
        // What a function of texts gives is Unicode inside; back to the type that it has.
        match class(&sql_type) == Class::Text || matches!(name, "isnull" | "coalesce") {
            true => Ok(self.cast_typed(call, &sql_type, false)),
            false => Ok(call),
        }
    }

    fn version(&self) -> u16 {
        let version = self.session.server.options.product_version.split('.').next();
        version.and_then(|major| major.parse().ok()).unwrap_or(16)
    }

    /// A column's text in the form of its type.
    fn in_own_form(&self, typed: Typed) -> Typed {
        let is_text = matches!(
            typed.sql_type,
            SqlType::Char { .. }
                | SqlType::VarChar { .. }
                | SqlType::Text
                | SqlType::NChar { .. }
                | SqlType::NVarChar { .. }
                | SqlType::NText
        );
        match &typed.node {
            Compiled::Slot(_) if is_text && self.groups.is_none() => {
                let to = typed.sql_type.clone();
                self.cast_typed(typed, &to, false)
            }
            _ => typed,
        }
    }

    fn aggregate(
        &mut self,
        kind: AggregateKind,
        name: &str,
        arguments: &[Expression],
        distinct: bool,
    ) -> Result<Typed, Failure> {
        let Some((keys, mut found)) = self.groups.take() else {
            let text = format!("An aggregate ({name}) may not appear here.");
            return Err(Failure { class: 15, ..Failure::new(147, text) });
        };
        let nested = |expression: &Expression| match expression {
            Expression::Subquery(_) | Expression::Exists(_) => true,
            Expression::Call { name, .. } => AggregateKind::named(name).is_some(),
            _ => false,
        };
        let operand = match arguments {
            [Expression::Star] | [] => None,
            [operand, ..] if operand.any(&nested) => {
                let text = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.";
                return Err(Failure::new(130, text));
            }
            [operand, ..] => Some(self.compile(operand)?),
        };
        if let Some(operand) = &operand
            && !kind.takes(&operand.sql_type)
        {
            let of = operand.sql_type.name();
            let text = format!("Operand data type {of} is invalid for {name} operator.");
            return Err(Failure::new(8117, text));
        }
        let sql_type = kind.result(operand.as_ref().map(|operand| &operand.sql_type));
        let collation = operand.as_ref().and_then(|operand| operand.collation.clone());
        let compared_by = match &operand {
            Some(operand) => self.collation(&[operand]),
            None => Collation::named(self.session.collation_name()),
        };
        let node = Compiled::Slot(keys.len() + found.len());
        let operand = operand.map(|operand| operand.node);
        found.push(Aggregate { kind, operand, distinct, collation: compared_by, sql_type: sql_type.clone() });
        self.groups = Some((keys, found));
        Ok(Typed { node, sql_type, nullable: !kind.counts(), collation })
    }
}

fn unknown(name: &str) -> Failure {
    let text = format!("'{name}' is not a recognized built-in function name.");
    Failure { class: 15, ..Failure::new(195, text) }
}

/// `datalength` of a type whose values all have the same; none where it is each value's own.
fn fixed_length(sql_type: &SqlType) -> Result<Option<i64>, Failure> {
    match class(sql_type) {
        Class::Text | Class::Binary
            if !matches!(sql_type, SqlType::Xml | SqlType::Json | SqlType::Vector { .. }) =>
        {
            Ok(None)
        }
        Class::Other => Ok(None),
        Class::Text | Class::Binary => Err(unsupported(format!("datalength of {sql_type}"))),
        Class::Guid => Ok(Some(16)),
        _ => Ok(Some(max_length(sql_type))),
    }
}

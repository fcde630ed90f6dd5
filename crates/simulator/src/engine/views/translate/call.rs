//! Calls of functions.

use super::super::functions::{self, Function};
use super::super::types::parse_type;
use super::expression::common_of;
use super::scope::{Scope, Typed};
use super::typing::{coerced, common_type, length, nvarchar, plain};
use super::{Translator, collated, parts, unknown};
use crate::answer::Failure;
use mssql2pg_catalog::{Length, SqlType};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function as Call, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, OrderByExpr, OrderBySort, WindowType,
};

/// The aggregates that are known.
const AGGREGATES: &[&str] = &["count", "count_big", "sum", "min", "max", "avg", "string_agg"];

/// Functions that are written without parentheses.
pub(super) fn is_word(name: &str) -> bool {
    const WORDS: &[&str] = &["current_user", "session_user", "system_user", "user", "current_timestamp"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// Whether an aggregate, without a window, is in the expression.
pub(super) fn has_aggregate(expression: &Expr) -> bool {
    let any = |list: &[&Expr]| list.iter().any(|inner| has_aggregate(inner));
    match expression {
        Expr::Function(call) => {
            let name = parts(&call.name).last().map(|name| name.value.to_lowercase()).unwrap_or_default();
            let aggregate = call.over.is_none() && AGGREGATES.contains(&name.as_str());
            aggregate || arguments(call).is_ok_and(|arguments| any(&arguments))
        }
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } | Expr::Cast { expr: inner, .. } => {
            has_aggregate(inner)
        }
        Expr::Convert { expr, .. } | Expr::Collate { expr, .. } => has_aggregate(expr),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => has_aggregate(inner),
        Expr::BinaryOp { left, right, .. } => any(&[left, right]),
        Expr::Between { expr, low, high, .. } => any(&[expr, low, high]),
        Expr::InList { expr, list, .. } => has_aggregate(expr) || list.iter().any(has_aggregate),
        Expr::Case { operand, conditions, else_result, .. } => {
            operand.iter().chain(else_result).any(|inner| has_aggregate(inner))
                || conditions.iter().any(|when| any(&[&when.condition, &when.result]))
        }
        _ => false,
    }
}

/// The arguments of a call.
fn arguments(call: &Call) -> Result<Vec<&Expr>, Failure> {
    match &call.args {
        FunctionArguments::None => Ok(Vec::new()),
        FunctionArguments::List(FunctionArgumentList { args, .. }) => args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Ok(expression),
                other => Err(unknown("the argument", other)),
            })
            .collect(),
        FunctionArguments::Subquery(_) => Err(unknown("a query as argument of", &call.name)),
    }
}

impl Translator<'_> {
    /// A call, or one of the expressions that the parser knows by name.
    pub(super) fn function(&mut self, expression: &Expr, scope: &Scope<'_>) -> Result<Typed, Failure> {
        match expression {
            Expr::Function(call) => self.call(call, scope),
            Expr::Substring { shorthand: true, .. } => Err(no_function("substr")),
            Expr::Substring { expr, substring_from: Some(from), substring_for: Some(count), .. } => {
                self.known("substring", &[expr, from, count], scope)
            }
            Expr::Trim { expr, trim_what: None, trim_characters: None, .. } => {
                self.known("trim", &[expr], scope)
            }
            Expr::Ceil { expr, .. } => self.known("ceiling", &[expr], scope),
            Expr::Floor { expr, .. } => self.known("floor", &[expr], scope),
            other => Err(unknown("the expression", other)),
        }
    }

    fn call(&mut self, call: &Call, scope: &Scope<'_>) -> Result<Typed, Failure> {
        let names = parts(&call.name);
        let [name] = names.as_slice() else {
            return Err(Failure::new(
                4121,
                format!(
                    "Cannot find either column \"{}\" or the user-defined function or aggregate \"{}\", or the name \
                     is ambiguous.",
                    names.first().map(|part| part.value.as_str()).unwrap_or_default(),
                    call.name
                ),
            ));
        };
        let name = name.value.to_lowercase();
        if AGGREGATES.contains(&name.as_str()) {
            return self.aggregate(call, &name, scope);
        }
        if matches!(name.as_str(), "row_number" | "rank" | "dense_rank" | "ntile") {
            let over = self.over(call, scope)?;
            let inside = match arguments(call)?.as_slice() {
                [] => String::new(),
                [count] => self.value(count, scope)?.sql,
                _ => return Err(unknown("the arguments of", &call.name)),
            };
            return Ok(Typed {
                nullable: false,
                ..Typed::new(format!("{name}({inside}){over}"), SqlType::BigInt)
            });
        }
        let arguments = arguments(call)?;
        self.known(&name, &arguments, scope)
    }

    /// A function that is no aggregate.
    fn known(&mut self, name: &str, arguments: &[&Expr], scope: &Scope<'_>) -> Result<Typed, Failure> {
        if name == "iif" {
            let [condition, yes, no] = arguments else { return Err(wrong_count(name, 3)) };
            let condition = self.condition(condition, scope)?;
            let (yes, no) = (self.value(yes, scope)?, self.value(no, scope)?);
            let sql_type = common_type(&yes, &no);
            let (yes, no) = (coerced(&yes, &sql_type), coerced(&no, &sql_type));
            return Ok(Typed::new(format!("(case when {condition} then {yes} else {no} end)"), sql_type));
        }
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.value(argument, scope)?);
        }
        if let Some(typed) = special(name, &values)? {
            return Ok(typed);
        }
        let function =
            functions::find(name).filter(|_| !name.starts_with("@@")).ok_or_else(|| no_function(name))?;
        built_in(function, &values)
    }

    /// A function without parentheses.
    pub(super) fn niladic(&self, name: &str) -> Result<Typed, Failure> {
        let found = functions::find(name);
        let found = found
            .ok_or_else(|| Failure::new(137, format!("Must declare the scalar variable \"{name}\".")))?;
        built_in(found, &[])
    }

    fn aggregate(&mut self, call: &Call, name: &str, scope: &Scope<'_>) -> Result<Typed, Failure> {
        let over = if call.over.is_some() { self.over(call, scope)? } else { String::new() };
        let inner = Scope {
            relations: scope.relations.clone(),
            parent: scope.parent,
            grouped: if over.is_empty() { None } else { scope.grouped.clone() },
        };
        let distinct = match &call.args {
            FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: Some(DuplicateTreatment::Distinct),
                ..
            }) => "distinct ",
            _ => "",
        };
        let counted = if name == "count_big" { SqlType::BigInt } else { SqlType::Int };
        if name.starts_with("count") {
            let sql = match &call.args {
                FunctionArguments::List(FunctionArgumentList { args, .. })
                    if matches!(args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]) =>
                {
                    "count(*)".to_owned()
                }
                _ => {
                    let [argument] = arguments(call)?[..] else { return Err(wrong_count(name, 1)) };
                    format!("count({distinct}{})", collated(&self.value(argument, &inner)?))
                }
            };
            return Ok(Typed { nullable: false, ..Typed::new(format!("{sql}{over}"), counted) });
        }
        let list = arguments(call)?;
        let Some((first, rest)) = list.split_first() else { return Err(wrong_count(name, 1)) };
        let value = self.value(first, &inner)?;
        if name == "string_agg" {
            let [separator] = rest else { return Err(wrong_count(name, 2)) };
            if self.state.version < 14 {
                return Err(no_function(name));
            }
            let separator = self.value(separator, &inner)?.sql;
            let order = self.terms(&call.within_group, &inner)?;
            let order = if order.is_empty() { String::new() } else { format!(" order by {order}") };
            let text = coerced(&value, &nvarchar(Some(4000)));
            return Ok(Typed::new(
                format!("group_concat({text}, {separator}{order}){over}"),
                nvarchar(Some(4000)),
            ));
        }
        if !rest.is_empty() {
            return Err(wrong_count(name, 1));
        }
        if matches!(value.sql_type, SqlType::Bit) {
            return Err(Failure::new(8117, format!("Operand data type bit is invalid for {name} operator.")));
        }
        let sql_type = match (name, &value.sql_type) {
            ("min" | "max", other) => other.clone(),
            (_, SqlType::TinyInt | SqlType::SmallInt) => SqlType::Int,
            ("sum", SqlType::Decimal { scale, .. }) => SqlType::Decimal { precision: 38, scale: *scale },
            ("avg", SqlType::Decimal { scale, .. }) => {
                SqlType::Decimal { precision: 38, scale: (*scale).max(6) }
            }
            (_, other) => other.clone(),
        };
        let mut sql = format!("{name}({distinct}{}){over}", collated(&value));
        if name == "avg" && !matches!(sql_type, SqlType::Decimal { .. } | SqlType::Float | SqlType::Real) {
            sql = format!("cast({sql} as integer)");
        }
        Ok(Typed::new(sql, sql_type))
    }

    /// ` over (…)`.
    fn over(&mut self, call: &Call, scope: &Scope<'_>) -> Result<String, Failure> {
        let Some(WindowType::WindowSpec(window)) = &call.over else {
            return Err(Failure::new(
                10753,
                format!("The function '{}' must have an OVER clause.", call.name),
            ));
        };
        if window.window_frame.is_some() || window.window_name.is_some() {
            return Err(unknown("the window of", &call.name));
        }
        let mut inside = Vec::new();
        if !window.partition_by.is_empty() {
            let mut keys = Vec::new();
            for key in &window.partition_by {
                keys.push(collated(&self.value(key, scope)?));
            }
            inside.push(format!("partition by {}", keys.join(", ")));
        }
        let order = self.terms(&window.order_by, scope)?;
        if !order.is_empty() {
            inside.push(format!("order by {order}"));
        }
        Ok(format!(" over ({})", inside.join(" ")))
    }

    /// The terms of an order inside a call.
    fn terms(&mut self, order: &[OrderByExpr], scope: &Scope<'_>) -> Result<String, Failure> {
        let mut terms = Vec::new();
        for term in order {
            let value = self.value(&term.expr, scope)?;
            let key = collated(&Typed { sql: plain(&value), ..value });
            let down = matches!(term.options.sort, Some(OrderBySort::Desc));
            terms.push(if down { format!("{key} desc") } else { key });
        }
        Ok(terms.join(", "))
    }
}

fn no_function(name: &str) -> Failure {
    Failure::new(195, format!("'{name}' is not a recognized built-in function name."))
}

fn wrong_count(name: &str, count: usize) -> Failure {
    Failure::new(174, format!("The {name} function requires {count} argument(s)."))
}

/// Functions whose type depends on their arguments.
fn special(name: &str, values: &[Typed]) -> Result<Option<Typed>, Failure> {
    let all: Vec<&Typed> = values.iter().collect();
    let typed = match (name, values) {
        ("isnull", [value, other]) => {
            let sql_type = if value.is_null { other.sql_type.clone() } else { value.sql_type.clone() };
            let sql = format!("ifnull({}, {})", value.sql, coerced(other, &sql_type));
            Typed { nullable: other.nullable, ..Typed::new(sql, sql_type) }
        }
        ("coalesce", [_, _, ..]) => {
            let sql_type = common_of(&all);
            let list: Vec<_> = values.iter().map(|value| coerced(value, &sql_type)).collect();
            let nullable = values.iter().all(|value| value.nullable);
            Typed { nullable, ..Typed::new(format!("coalesce({})", list.join(", ")), sql_type) }
        }
        ("nullif", [value, other]) => {
            let equal = super::condition::compare(value, "=", other);
            let sql = format!("(case when {equal} then null else {} end)", value.sql);
            Typed::new(sql, value.sql_type.clone())
        }
        ("choose", [index, choices @ ..]) if !choices.is_empty() => {
            let sql_type = common_of(&choices.iter().collect::<Vec<_>>());
            let branches = choices.iter().zip(1..);
            let branches =
                branches.map(|(choice, at)| format!("when {at} then {}", coerced(choice, &sql_type)));
            let sql = format!("(case {} {} end)", index.sql, branches.collect::<Vec<_>>().join(" "));
            Typed::new(sql, sql_type)
        }
        ("datalength", [value]) => Typed::new(data_length(value), SqlType::Int),
        ("sql_variant_property", [value, property]) => {
            if !property.sql.eq_ignore_ascii_case("'BaseType'") {
                return Err(unknown("the property of sql_variant_property", &property.sql));
            }
            let base = format!("t_variant_base({})", value.sql);
            // The name without its parameters; variant_base gives both.
            let bare = format!("substr({base}, 1, ifnull(nullif(instr({base}, '('), 0) - 1, 128))");
            let sql = format!("t_convert({bare}, 'nvarchar(128)', 'sql_variant', 0)");
            Typed::new(sql, SqlType::SqlVariant)
        }
        ("isnull" | "nullif", _) => return Err(wrong_count(name, 2)),
        ("coalesce" | "choose", _) => return Err(wrong_count(name, 2)),
        ("datalength", _) => return Err(wrong_count(name, 1)),
        _ => return Ok(None),
    };
    Ok(Some(typed))
}

fn data_length(value: &Typed) -> String {
    let binary = SqlType::VarBinary { length: Length::MAX };
    let fixed = match &value.sql_type {
        SqlType::TinyInt | SqlType::Bit => Some(1),
        SqlType::SmallInt => Some(2),
        SqlType::Int | SqlType::Real | SqlType::SmallDateTime | SqlType::SmallMoney => Some(4),
        SqlType::BigInt | SqlType::Float | SqlType::DateTime | SqlType::Money => Some(8),
        SqlType::UniqueIdentifier => Some(16),
        _ => None,
    };
    match fixed {
        Some(bytes) => format!("(case when {} is null then null else {bytes} end)", value.sql),
        None => format!("length({})", super::typing::converted(&value.sql, &value.sql_type, &binary, "0")),
    }
}

/// A function of the list.
fn built_in(function: &Function, values: &[Typed]) -> Result<Typed, Failure> {
    let (least, most) = function.arguments;
    if values.len() < least || values.len() > most {
        return Err(wrong_count(function.name, if values.len() < least { least } else { most }));
    }
    let sql_type = match (function.returns, values.first()) {
        ("", Some(first)) => match &first.sql_type {
            SqlType::Char { length } => SqlType::VarChar { length: Length::limited(*length) },
            SqlType::NChar { length } => SqlType::NVarChar { length: Length::limited(*length) },
            other => other.clone(),
        },
        ("nvarchar(4000)", Some(first)) => text_like(first),
        (returns, _) => parse_type(returns).ok_or_else(|| unknown("the type of", function.name))?,
    };
    let arguments: Vec<_> = values.iter().map(plain).collect();
    let name = function.name.replace('@', "at_");
    Ok(Typed::new(format!("t_{name}({})", arguments.join(", ")), sql_type))
}

/// The type of a part of a text: `max` stays `max`, and `varchar` stays `varchar`.
fn text_like(first: &Typed) -> SqlType {
    match &first.sql_type {
        SqlType::VarChar { length: Length(None) } => SqlType::VarChar { length: Length::MAX },
        SqlType::NVarChar { length: Length(None) } => nvarchar(None),
        other @ (SqlType::VarChar { .. } | SqlType::Char { .. }) => {
            SqlType::VarChar { length: Length(length(other).map(|_| 8000)) }
        }
        _ => nvarchar(Some(4000)),
    }
}

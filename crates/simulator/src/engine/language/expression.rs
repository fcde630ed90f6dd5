//! Reads expressions and conditions.
//!
//! One grammar for both: what is no condition shows when it is evaluated.

use super::super::values::exact::Exact;
use super::super::values::owned::OwnedValue;
use super::ast::{Expression, Operator};
use super::cursor::{Cursor, TypePlace};
use super::lexer::{Kind, Token};
use crate::answer::Failure;
use mssql2pg_catalog::{Length, SqlType};

/// Reads an expression or a condition.
///
/// # Errors
/// 102 where it is none that this engine knows.
pub(crate) fn expression(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    let mut left = conjunction(cursor)?;
    while cursor.eat_word("or") {
        left = Expression::Or(left.into(), conjunction(cursor)?.into());
    }
    Ok(left)
}

fn conjunction(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    let mut left = negation(cursor)?;
    while cursor.eat_word("and") {
        left = Expression::And(left.into(), negation(cursor)?.into());
    }
    Ok(left)
}

fn negation(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    if cursor.eat_word("not") {
        return Ok(Expression::Not(negation(cursor)?.into()));
    }
    predicate(cursor)
}

fn predicate(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    let left = sum(cursor)?;
    if let Some(operator) = operator(cursor) {
        return Ok(Expression::Compare(operator, left.into(), sum(cursor)?.into()));
    }
    if cursor.eat_word("is") {
        let negated = cursor.eat_word("not");
        cursor.expect_word("null")?;
        return Ok(negate_if(negated, Expression::IsNull(left.into())));
    }
    let negated = cursor.is_word("not")
        && cursor
            .peek_at(1)
            .is_some_and(|next| ["in", "between", "like"].iter().any(|word| next.is_word(word)));
    if negated {
        cursor.expect_word("not")?;
    }
    if cursor.eat_word("between") {
        let least = sum(cursor)?;
        cursor.expect_word("and")?;
        let most = sum(cursor)?;
        let above = Expression::Compare(Operator::GreaterOrEqual, left.clone().into(), least.into());
        let below = Expression::Compare(Operator::LessOrEqual, left.into(), most.into());
        return Ok(negate_if(negated, Expression::And(above.into(), below.into())));
    }
    if cursor.eat_word("in") {
        cursor.expect_symbol("(")?;
        let list = list(cursor)?;
        return Ok(negate_if(negated, Expression::In(left.into(), list)));
    }
    if cursor.eat_word("like") {
        let pattern = sum(cursor)?;
        let escape = if cursor.eat_word("escape") { cursor.text()?.chars().next() } else { None };
        return Ok(negate_if(negated, Expression::Like(left.into(), pattern.into(), escape)));
    }
    Ok(left)
}

fn negate_if(negated: bool, condition: Expression) -> Expression {
    if negated { Expression::Not(condition.into()) } else { condition }
}

fn operator(cursor: &mut Cursor<'_>) -> Option<Operator> {
    let found = match cursor.peek().filter(|token| token.kind == Kind::Symbol)?.text.as_str() {
        "=" => Operator::Equal,
        "<>" | "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" | "!>" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" | "!<" => Operator::GreaterOrEqual,
        _ => return None,
    };
    cursor.advance();
    Some(found)
}

/// Expressions up to the closing bracket.
fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Expression>, Failure> {
    let mut list = Vec::new();
    while !cursor.eat_symbol(")") {
        list.push(if cursor.eat_symbol("*") { Expression::Star } else { expression(cursor)? });
        if !cursor.is_symbol(")") {
            cursor.expect_symbol(",")?;
        }
    }
    Ok(list)
}

fn sum(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    let mut left = product(cursor)?;
    loop {
        let found = ["+", "-", "&", "|"].into_iter().find(|symbol| cursor.is_symbol(symbol));
        let Some(symbol) = found.and_then(|symbol| symbol.chars().next()) else { return Ok(left) };
        cursor.advance();
        left = Expression::Arithmetic(symbol, left.into(), product(cursor)?.into());
    }
}

fn product(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    let mut left = unary(cursor)?;
    loop {
        let found = ["*", "/", "%"].into_iter().find(|symbol| cursor.is_symbol(symbol));
        let Some(symbol) = found.and_then(|symbol| symbol.chars().next()) else { return Ok(left) };
        cursor.advance();
        left = Expression::Arithmetic(symbol, left.into(), unary(cursor)?.into());
    }
}

fn unary(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    if cursor.eat_symbol("+") {
        return unary(cursor);
    }
    if cursor.eat_symbol("-") {
        return Ok(match unary(cursor)? {
            // The least `bigint` is read as a decimal without its sign.
            Expression::Literal(value, sql_type) => negative_literal(value, sql_type),
            operand => Expression::Negate(operand.into()),
        });
    }
    let mut operand = primary(cursor)?;
    while cursor.eat_word("collate") {
        operand = Expression::Collate(operand.into(), cursor.name()?);
    }
    Ok(operand)
}

fn negative_literal(value: OwnedValue, sql_type: SqlType) -> Expression {
    let value = match value {
        OwnedValue::Int(number) => OwnedValue::Int(-number),
        OwnedValue::Float(number) => OwnedValue::Float(-number),
        OwnedValue::Money(units) => OwnedValue::Money(-units),
        OwnedValue::Decimal { magnitude, scale, negative } => {
            OwnedValue::Decimal { magnitude, scale, negative: !negative }
        }
        other => return Expression::Negate(Expression::Literal(other, sql_type).into()),
    };
    Expression::Literal(value, sql_type)
}

fn primary(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    let token = cursor.peek().ok_or_else(|| cursor.unexpected())?;
    match token.kind {
        Kind::Variable => {
            cursor.advance();
            Ok(Expression::Variable(token.text.clone()))
        }
        Kind::Symbol if token.text == "(" => {
            cursor.advance();
            if cursor.is_word("select") {
                let select = super::select(cursor)?;
                cursor.expect_symbol(")")?;
                return Ok(Expression::Subquery(select.into()));
            }
            let inner = expression(cursor)?;
            cursor.expect_symbol(")")?;
            Ok(inner)
        }
        Kind::Quoted => Ok(Expression::Column(cursor.parts()?)),
        Kind::Word => word(cursor, token),
        _ => {
            let literal = literal(token)?;
            cursor.advance();
            Ok(literal)
        }
    }
}

fn word(cursor: &mut Cursor<'_>, token: &Token) -> Result<Expression, Failure> {
    let name = token.text.to_ascii_lowercase();
    match name.as_str() {
        "null" => {
            cursor.advance();
            return Ok(Expression::Literal(OwnedValue::Null, SqlType::Int));
        }
        "case" => return case(cursor),
        "exists" => {
            cursor.advance();
            cursor.expect_symbol("(")?;
            let select = super::select(cursor)?;
            cursor.expect_symbol(")")?;
            return Ok(Expression::Exists(select.into()));
        }
        "select" | "from" | "where" | "order" | "group" | "end" | "then" | "else" | "when" => {
            return Err(cursor.unexpected());
        }
        _ => {}
    }
    if !cursor.peek_at(1).is_some_and(|next| next.is_symbol("(")) {
        return Ok(Expression::Column(cursor.parts()?));
    }
    cursor.advance();
    cursor.expect_symbol("(")?;
    match name.as_str() {
        "cast" | "try_cast" => {
            let operand = expression(cursor)?.into();
            cursor.expect_word("as")?;
            let (to, _) = cursor.data_type(TypePlace::Cast)?;
            cursor.expect_symbol(")")?;
            Ok(Expression::Cast { operand, to, style: None, or_null: name == "try_cast" })
        }
        "convert" | "try_convert" => {
            let (to, _) = cursor.data_type(TypePlace::Cast)?;
            cursor.expect_symbol(",")?;
            let mut arguments = list(cursor)?.into_iter();
            let operand = arguments.next().ok_or_else(|| cursor.unexpected())?;
            let style = arguments.next().map(Box::new);
            if arguments.next().is_some() {
                return Err(cursor.unexpected());
            }
            Ok(Expression::Cast { operand: operand.into(), to, style, or_null: name == "try_convert" })
        }
        // The first argument is a word.
        "dateadd" | "datediff" | "datediff_big" | "datepart" | "datename" => {
            let part = cursor.name()?.to_ascii_lowercase();
            cursor.expect_symbol(",")?;
            let varchar = SqlType::VarChar { length: Length::limited(30) };
            let mut arguments = vec![Expression::Literal(OwnedValue::utf16(&part), varchar)];
            arguments.extend(list(cursor)?);
            Ok(Expression::Call { name, arguments, distinct: false })
        }
        _ => {
            let distinct = cursor.eat_word("distinct");
            let arguments = list(cursor)?;
            if cursor.is_word("over") {
                return Err(cursor.unexpected());
            }
            Ok(Expression::Call { name, arguments, distinct })
        }
    }
}

fn case(cursor: &mut Cursor<'_>) -> Result<Expression, Failure> {
    cursor.expect_word("case")?;
    let operand = if cursor.is_word("when") { None } else { Some(expression(cursor)?) };
    let mut branches = Vec::new();
    while cursor.eat_word("when") {
        let condition = expression(cursor)?;
        let condition = match &operand {
            Some(operand) => Expression::Compare(Operator::Equal, operand.clone().into(), condition.into()),
            None => condition,
        };
        cursor.expect_word("then")?;
        branches.push((condition, expression(cursor)?));
    }
    let otherwise = if cursor.eat_word("else") { Some(expression(cursor)?.into()) } else { None };
    cursor.expect_word("end")?;
    Ok(Expression::Case(branches, otherwise))
}

/// A literal.
///
/// # Errors
/// 102 when the token is none, or its number is too large.
pub(crate) fn literal(token: &Token) -> Result<Expression, Failure> {
    let failed =
        || Failure { class: 15, ..Failure::new(102, format!("Incorrect syntax near '{}'.", token.text)) };
    let length = |length: usize, most: usize| {
        if length > most { Length::MAX } else { Length::limited(u16::try_from(length.max(1)).unwrap_or(1)) }
    };
    Ok(match token.kind {
        Kind::NationalText => {
            let units = token.text.encode_utf16().count();
            let sql_type = SqlType::NVarChar { length: length(units, 4000) };
            Expression::Literal(OwnedValue::utf16(&token.text), sql_type)
        }
        Kind::Text => {
            let sql_type = SqlType::VarChar { length: length(token.text.len(), 8000) };
            Expression::Literal(OwnedValue::Utf8(token.text.as_bytes().into()), sql_type)
        }
        Kind::Binary => {
            let bytes = hexadecimal(&token.text).ok_or_else(failed)?;
            let sql_type = SqlType::VarBinary { length: length(bytes.len(), 8000) };
            Expression::Literal(OwnedValue::Bytes(bytes.into()), sql_type)
        }
        Kind::Number => number(&token.text).ok_or_else(failed)?,
        _ => return Err(failed()),
    })
}

fn number(text: &str) -> Option<Expression> {
    if let Some(money) = text.strip_prefix('$') {
        let units = i64::try_from(Exact::parse(money)?.rescale(4)?).ok()?;
        return Some(Expression::Literal(OwnedValue::Money(units), SqlType::Money));
    }
    if text.contains(['e', 'E']) {
        return Some(Expression::Literal(OwnedValue::Float(text.parse().ok()?), SqlType::Float));
    }
    let exact = Exact::parse(text)?;
    if exact.scale == 0
        && !text.contains('.')
        && let Ok(number) = i32::try_from(exact.unscaled)
    {
        return Some(Expression::Literal(OwnedValue::Int(number.into()), SqlType::Int));
    }
    let digits = text.trim_start_matches('0').bytes().filter(u8::is_ascii_digit).count();
    let precision = u8::try_from(digits).ok()?.max(exact.scale).max(1);
    let sql_type = SqlType::Decimal { precision, scale: exact.scale };
    Some(Expression::Literal(OwnedValue::decimal(exact.unscaled, exact.scale), sql_type))
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    // An odd number of digits has a zero in front.
    let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Reads an expression from a text of its own, for example that of a default or a parameter.
///
/// # Errors
/// As [`expression`].
pub(crate) fn literal_expression(text: &str) -> Result<Expression, Failure> {
    let tokens = super::lexer::tokens(text)?;
    let mut cursor = Cursor::new(text, &tokens);
    let found = expression(&mut cursor)?;
    cursor.expect_end()?;
    Ok(found)
}

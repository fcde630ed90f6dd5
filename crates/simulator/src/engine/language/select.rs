//! Reads a `select`.

use super::ast::{Expression, From, Item, Order, Select};
use super::cursor::Cursor;
use super::expression::expression;
use super::lexer::{Kind, Token};
use crate::answer::Failure;

/// Words that end an item of the list, and so are no name for it.
const AFTER_ITEM: [&str; 9] = ["from", "where", "order", "group", "union", "option", "for", "having", "into"];

/// Reads a `select`.
///
/// # Errors
/// 102 where it is none that this engine knows.
pub(crate) fn select(cursor: &mut Cursor<'_>) -> Result<Select, Failure> {
    cursor.expect_word("select")?;
    let mut select = Select { distinct: cursor.eat_word("distinct"), ..Select::default() };
    if !select.distinct {
        cursor.eat_word("all");
    }
    if cursor.eat_word("top") {
        select.top = Some(match cursor.eat_symbol("(") {
            true => {
                let count = expression(cursor)?;
                cursor.expect_symbol(")")?;
                count
            }
            false => {
                let token = cursor.advance().ok_or_else(|| cursor.unexpected())?;
                super::expression::literal(token)?
            }
        });
    }
    loop {
        select.items.push(item(cursor)?);
        if !cursor.eat_symbol(",") {
            break;
        }
    }
    if cursor.eat_word("from") {
        select.from = Some(from(cursor)?);
    }
    if cursor.eat_word("where") {
        select.condition = Some(expression(cursor)?);
    }
    if cursor.eat_words(&["group", "by"]) {
        loop {
            select.group_by.push(expression(cursor)?);
            if !cursor.eat_symbol(",") {
                break;
            }
        }
    }
    if cursor.eat_words(&["union", "all"]) {
        select.union_all = Some(Box::new(self::select(cursor)?));
        return Ok(select);
    }
    if cursor.eat_words(&["order", "by"]) {
        order(cursor, &mut select)?;
    }
    if cursor.eat_word("option") {
        cursor.skip_parenthesis()?;
    }
    Ok(select)
}

fn item(cursor: &mut Cursor<'_>) -> Result<Item, Failure> {
    if cursor.eat_symbol("*") {
        return Ok(Item::All);
    }
    // `t.*`
    if cursor.peek_at(1).is_some_and(|next| next.is_symbol("."))
        && cursor.peek_at(2).is_some_and(|next| next.is_symbol("*"))
    {
        cursor.advance();
        cursor.advance();
        cursor.advance();
        return Ok(Item::All);
    }
    // `name = expression`
    let named = cursor.peek_at(1).is_some_and(|next| next.is_symbol("="));
    if named && cursor.peek().is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Quoted)) {
        let name = cursor.name()?;
        cursor.expect_symbol("=")?;
        return Ok(Item::Expression { expression: expression(cursor)?, name });
    }
    let expression = expression(cursor)?;
    let name = match (cursor.eat_word("as"), cursor.peek()) {
        (true, Some(token)) if matches!(token.kind, Kind::Text | Kind::NationalText) => cursor.text()?,
        (true, _) => cursor.name()?,
        (false, Some(token)) if token.kind == Kind::Quoted => cursor.name()?,
        (false, Some(token))
            if token.kind == Kind::Word && !AFTER_ITEM.iter().any(|word| token.is_word(word)) =>
        {
            cursor.name()?
        }
        _ => match &expression {
            Expression::Column(parts) => parts.last().cloned().unwrap_or_default(),
            _ => String::new(),
        },
    };
    Ok(Item::Expression { expression, name })
}

fn from(cursor: &mut Cursor<'_>) -> Result<From, Failure> {
    if cursor.eat_symbol("(") {
        if cursor.eat_word("values") {
            let mut rows = Vec::new();
            loop {
                rows.push(row(cursor)?);
                if !cursor.eat_symbol(",") {
                    break;
                }
            }
            cursor.expect_symbol(")")?;
            let (alias, columns) = derived_name(cursor)?;
            return Ok(From::Values { rows, alias, columns });
        }
        let select = Box::new(select(cursor)?);
        cursor.expect_symbol(")")?;
        let (alias, columns) = derived_name(cursor)?;
        return Ok(From::Select { select, alias, columns });
    }
    let parts = cursor.parts()?;
    let mut hints = Vec::new();
    let mut alias = None;
    loop {
        if cursor.eat_word("with") || (cursor.is_symbol("(") && hints.is_empty()) {
            cursor.expect_symbol("(")?;
            while !cursor.eat_symbol(")") {
                hints.push(cursor.name()?.to_ascii_lowercase());
                if cursor.is_symbol("(") {
                    cursor.skip_parenthesis()?;
                }
                cursor.eat_symbol(",");
            }
        } else if alias.is_none() && (cursor.eat_word("as") || cursor.peek().is_some_and(is_alias)) {
            alias = Some(cursor.name()?);
        } else {
            return Ok(From::Table { parts, alias, hints });
        }
    }
}

/// Whether a name behind a table is its alias: one that is no keyword.
fn is_alias(token: &Token) -> bool {
    let joins = ["join", "inner", "left", "cross", "outer", "right", "full"];
    let keyword = AFTER_ITEM.iter().chain(&joins).any(|word| token.is_word(word));
    token.kind == Kind::Quoted || (token.kind == Kind::Word && !keyword)
}

/// `(…, …)` behind `values`.
pub(super) fn row(cursor: &mut Cursor<'_>) -> Result<Vec<Expression>, Failure> {
    cursor.expect_symbol("(")?;
    let mut row = Vec::new();
    loop {
        row.push(expression(cursor)?);
        if cursor.eat_symbol(")") {
            return Ok(row);
        }
        cursor.expect_symbol(",")?;
    }
}

fn derived_name(cursor: &mut Cursor<'_>) -> Result<(String, Vec<String>), Failure> {
    cursor.eat_word("as");
    let alias = cursor.name()?;
    let mut columns = Vec::new();
    if cursor.eat_symbol("(") {
        while !cursor.eat_symbol(")") {
            columns.push(cursor.name()?);
            cursor.eat_symbol(",");
        }
    }
    Ok((alias, columns))
}

fn order(cursor: &mut Cursor<'_>, select: &mut Select) -> Result<(), Failure> {
    loop {
        let key = expression(cursor)?;
        let descending = cursor.eat_word("desc");
        if !descending {
            cursor.eat_word("asc");
        }
        select.order_by.push(Order { key, descending });
        if !cursor.eat_symbol(",") {
            break;
        }
    }
    let rows = |cursor: &mut Cursor<'_>| cursor.eat_word("rows") || cursor.eat_word("row");
    if cursor.eat_word("offset") {
        select.offset = Some(expression(cursor)?);
        rows(cursor);
    }
    if cursor.eat_word("fetch") {
        let _ = cursor.eat_word("next") || cursor.eat_word("first");
        select.fetch = Some(expression(cursor)?);
        rows(cursor);
        cursor.expect_word("only")?;
    }
    Ok(())
}

//! Views, procedures, functions and triggers: their texts, and what can be seen of them from outside.

use super::super::failures::already_there;
use super::super::language::cursor::{Cursor, TypePlace};
use super::super::language::expression;
use super::super::language::lexer::Kind;
use super::super::session::Session;
use crate::answer::Failure;
use mssql2pg_catalog::{CodeKind, CodeObject, Parameter, SqlType};

/// Keeps a module; `text` is its whole statement.
pub(super) fn create(
    session: &mut Session,
    kind: &str,
    replaces: bool,
    text: &str,
    cursor: &mut Cursor<'_>,
) -> Result<(), Failure> {
    let mut name = cursor.object_name()?;
    let mut code = CodeObject {
        kind: CodeKind::View,
        name: name.clone(),
        parent: None,
        parameters: Vec::new(),
        returns: None,
        text: text.to_owned(),
        text_is_complete: true,
        missing_text: None,
    };
    match kind {
        "procedure" | "proc" => {
            code.kind = CodeKind::Procedure;
            code.parameters = parameters(cursor)?;
        }
        "function" => {
            code.parameters = parameters(cursor)?;
            (code.kind, code.returns) = returned(cursor)?;
        }
        "trigger" => {
            cursor.expect_word("on")?;
            if cursor.is_word("database") || cursor.is_word("all") {
                code.kind = CodeKind::DatabaseTrigger;
                name.schema.clear();
            } else {
                code.kind = CodeKind::Trigger;
                code.parent = Some(cursor.object_name()?);
            }
            code.name = name;
        }
        _ => {}
    }
    session.change(|state| {
        let known = state.catalog.code.iter().position(|known| known.name == code.name);
        let taken = known.is_some() || state.catalog.table(&code.name).is_some();
        match known {
            Some(place) if replaces => state.catalog_mut().code[place] = code,
            _ if taken => return Err(already_there(&code.name.name)),
            _ => state.catalog_mut().code.push(code),
        }
        Ok(())
    })
}

/// `(@a int = 1, @b …)` of a function, the same without brackets of a procedure.
fn parameters(cursor: &mut Cursor<'_>) -> Result<Vec<Parameter>, Failure> {
    let bracket = cursor.eat_symbol("(");
    let mut found = Vec::new();
    while let Some(token) = cursor.peek().filter(|token| token.kind == Kind::Variable) {
        cursor.advance();
        cursor.eat_word("as");
        let (sql_type, _) = cursor.data_type(TypePlace::Declaration)?;
        let mut parameter = Parameter { name: token.text.clone(), sql_type, output: false, default: None };
        loop {
            if cursor.eat_symbol("=") {
                let start = cursor.place();
                expression(cursor)?;
                parameter.default = Some(cursor.written(start, cursor.place()).to_owned());
            } else if cursor.eat_word("output") || cursor.eat_word("out") {
                parameter.output = true;
            } else if !cursor.eat_word("readonly") && !cursor.eat_word("null") {
                break;
            }
        }
        found.push(parameter);
        if !cursor.eat_symbol(",") {
            break;
        }
    }
    if bracket {
        cursor.expect_symbol(")")?;
    }
    Ok(found)
}

fn returned(cursor: &mut Cursor<'_>) -> Result<(CodeKind, Option<SqlType>), Failure> {
    cursor.expect_word("returns")?;
    if cursor.peek().is_some_and(|token| token.kind == Kind::Variable) {
        return Ok((CodeKind::TableFunction, None));
    }
    if cursor.is_word("table") {
        return Ok((CodeKind::InlineTableFunction, None));
    }
    let (sql_type, _) = cursor.data_type(TypePlace::Declaration)?;
    Ok((CodeKind::ScalarFunction, Some(sql_type)))
}

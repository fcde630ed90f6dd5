//! Schemas, types, sequences and synonyms.

use super::super::failures::already_there;
use super::super::language::cursor::{Cursor, TypePlace};
use super::super::session::Session;
use crate::answer::Failure;
use mssql2pg_catalog::{AliasType, CodeKind, CodeObject, Sequence, SqlType, Synonym};

/// Runs `create schema` behind these words.
pub(super) fn schema(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let name = cursor.name()?;
    session.change(|state| {
        if name.eq_ignore_ascii_case("dbo") || state.catalog.schemas.contains(&name) {
            return Err(already_there(&name));
        }
        state.catalog_mut().schemas.push(name);
        Ok(())
    })
}

/// Runs `create type` behind these words; `text` is the whole statement.
pub(super) fn data_type(session: &mut Session, text: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let name = cursor.object_name()?;
    if cursor.eat_word("from") {
        let (base, _) = cursor.data_type(TypePlace::Declaration)?;
        let nullable = !cursor.eat_words(&["not", "null"]);
        return session.change(|state| {
            state.catalog_mut().alias_types.push(AliasType { name, base, nullable });
            Ok(())
        });
    }
    cursor.expect_word("as")?;
    cursor.expect_word("table")?;
    let body = cursor.parenthesis()?;
    // Only this statement's own text: others may follow it in the batch.
    let end = text.find(body).map_or(text.len(), |start| start + body.len());
    let code = CodeObject {
        kind: CodeKind::TableType,
        name,
        parent: None,
        parameters: Vec::new(),
        returns: None,
        text: text.get(..end).unwrap_or(text).to_owned(),
        text_is_complete: true,
        missing_text: None,
    };
    session.change(|state| {
        state.catalog_mut().code.push(code);
        Ok(())
    })
}

/// Runs `create sequence` behind these words.
pub(super) fn sequence(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let mut sequence = Sequence {
        name: cursor.object_name()?,
        sql_type: SqlType::BigInt,
        start: 1,
        increment: 1,
        minimum: None,
        maximum: None,
        cycle: false,
        current_value: None,
    };
    let mut start = None;
    while !cursor.is_at_end() {
        if cursor.eat_word("as") {
            sequence.sql_type = cursor.data_type(TypePlace::Declaration)?.0;
        } else if cursor.eat_words(&["start", "with"]) {
            start = Some(cursor.integer()?);
        } else if cursor.eat_words(&["increment", "by"]) {
            sequence.increment = cursor.integer()?;
        } else if cursor.eat_word("minvalue") {
            sequence.minimum = Some(cursor.integer()?);
        } else if cursor.eat_word("maxvalue") {
            sequence.maximum = Some(cursor.integer()?);
        } else if cursor.eat_word("cycle") {
            sequence.cycle = true;
        } else if cursor.eat_word("cache") {
            // The number of values is optional.
            let here = cursor.place();
            if cursor.integer().is_err() {
                cursor.go_to(here);
            }
        } else if cursor.eat_word("no") {
            cursor.name()?;
        } else {
            return Err(cursor.unexpected());
        }
    }
    let first = if sequence.increment < 0 { sequence.maximum } else { sequence.minimum };
    sequence.start =
        start.or(first).unwrap_or(if sequence.increment < 0 { i64::MAX.into() } else { i64::MIN.into() });
    sequence.current_value = Some(sequence.start);
    session.change(|state| {
        if state.catalog.sequences.iter().any(|known| known.name == sequence.name) {
            return Err(already_there(&sequence.name.name));
        }
        state.catalog_mut().sequences.push(sequence);
        Ok(())
    })
}

/// Runs `create synonym` behind these words.
pub(super) fn synonym(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let name = cursor.object_name()?;
    cursor.expect_word("for")?;
    let target = cursor.rest().to_owned();
    cursor.parts()?;
    cursor.expect_end()?;
    session.change(|state| {
        state.catalog_mut().synonyms.push(Synonym { name, target });
        Ok(())
    })
}

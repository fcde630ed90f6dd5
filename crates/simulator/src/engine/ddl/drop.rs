//! `drop` and `truncate table`.

use super::super::insert::writable;
use super::super::language::cursor::{Cursor, object_of};
use super::super::session::Session;
use super::super::state::Content;
use super::database;
use crate::answer::Failure;
use mssql2pg_catalog::Catalog;
use std::sync::Arc;

/// Runs `drop` behind this word.
pub(super) fn drop(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let kind = cursor.name()?.to_ascii_lowercase();
    let lenient = cursor.eat_words(&["if", "exists"]);
    loop {
        let parts = cursor.parts()?;
        if kind == "database" {
            database::drop_database(session, &parts.join("."), lenient)?;
        } else {
            session.check_write("ALTER")?;
            one(session, &kind, &parts, lenient, cursor)?;
        }
        if !cursor.eat_symbol(",") {
            return cursor.expect_end();
        }
    }
}

fn one(
    session: &mut Session,
    kind: &str,
    parts: &[String],
    lenient: bool,
    cursor: &mut Cursor<'_>,
) -> Result<(), Failure> {
    let name = object_of(parts);
    if kind == "index" && cursor.eat_word("on") {
        let table = cursor.object_name()?;
        return session.change(|state| {
            state.table_mut(&table)?.indexes.retain(|index| !index.name.eq_ignore_ascii_case(&name.name));
            Ok(())
        });
    }
    let dropped = session.change(|state| {
        if kind == "table" {
            let known = state.catalog.table(&name).is_some();
            if known {
                state.drop_table(&name);
                // Its triggers go with it.
                state.catalog_mut().code.retain(|code| code.parent.as_ref() != Some(&name));
            }
            return Ok(known);
        }
        let catalog: &mut Catalog = state.catalog_mut();
        let size = |catalog: &Catalog| {
            catalog.schemas.len()
                + catalog.code.len()
                + catalog.alias_types.len()
                + catalog.sequences.len()
                + catalog.synonyms.len()
                + catalog.principals.len()
        };
        let before = size(catalog);
        match kind {
            "schema" => catalog.schemas.retain(|known| *known != name.name),
            "sequence" => catalog.sequences.retain(|known| known.name != name),
            "synonym" => catalog.synonyms.retain(|known| known.name != name),
            "type" => {
                catalog.alias_types.retain(|known| known.name != name);
                catalog.code.retain(|known| known.name != name);
            }
            "user" | "role" | "login" => catalog.principals.retain(|known| known.name != name.name),
            _ => catalog.code.retain(|known| known.name != name),
        }
        Ok(size(catalog) < before)
    })?;
    if dropped || lenient {
        return Ok(());
    }
    let text = format!(
        "Cannot drop the {kind} '{}', because it does not exist or you do not have permission.",
        parts.join(".")
    );
    Err(Failure { class: 11, state: 5, ..Failure::new(3701, text) })
}

/// Runs `truncate` behind this word.
pub(super) fn truncate(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    cursor.expect_word("table")?;
    let table = writable(session, &cursor.object_name()?)?;
    session.note_undo(&table.name)?;
    session.change(|state| {
        state.set_content(&table.name, Content::Kept(Arc::default()));
        Ok(())
    })
}

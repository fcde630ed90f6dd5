//! Indexes.

use super::super::language::cursor::Cursor;
use super::super::language::expression;
use super::super::session::Session;
use super::bracketed;
use super::table::{key_columns, names, storage};
use crate::answer::Failure;
use mssql2pg_catalog::{Index, IndexKind};

/// Runs `create … index` behind its first two words.
pub(super) fn create(session: &mut Session, first: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let mut index = Index {
        name: String::new(),
        kind: IndexKind::BTree,
        unique: false,
        clustered: false,
        columns: Vec::new(),
        included: Vec::new(),
        filter: None,
        disabled: false,
    };
    let mut word = first.to_owned();
    while word != "index" {
        match word.as_str() {
            "unique" => index.unique = true,
            "clustered" => index.clustered = true,
            "columnstore" => index.kind = IndexKind::Columnstore,
            "xml" => index.kind = IndexKind::Xml,
            "spatial" => index.kind = IndexKind::Spatial,
            "nonclustered" | "primary" => {}
            _ => return Err(cursor.unexpected()),
        }
        word = cursor.name()?.to_ascii_lowercase();
    }
    index.name = cursor.name()?;
    cursor.expect_word("on")?;
    let table = cursor.object_name()?;
    if cursor.is_symbol("(") {
        index.columns = key_columns(cursor)?;
    }
    if cursor.eat_word("include") {
        index.included = names(cursor)?;
    }
    if cursor.eat_word("where") {
        let start = cursor.place();
        expression(cursor)?;
        index.filter = Some(bracketed(cursor.written(start, cursor.place())));
    }
    if index.kind == IndexKind::Xml || index.kind == IndexKind::Spatial {
        cursor.go_to(usize::MAX);
    }
    storage(cursor)?;
    cursor.expect_end()?;
    session.change(|state| {
        state.table_mut(&table)?.indexes.push(index);
        Ok(())
    })
}

/// Runs `alter index` behind these words: `disable` and `rebuild` show.
pub(super) fn alter(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let name = cursor.name()?;
    cursor.expect_word("on")?;
    let table = cursor.object_name()?;
    let disabled = cursor.eat_word("disable");
    session.change(|state| {
        let indexes = state.table_mut(&table)?.indexes.iter_mut();
        for index in indexes.filter(|index| index.name.eq_ignore_ascii_case(&name)) {
            index.disabled = disabled;
        }
        Ok(())
    })
}

//! `alter table`.

use super::super::failures::{unknown_object, unsupported};
use super::super::language::cursor::Cursor;
use super::super::session::Session;
use super::table::{element, infer_types};
use crate::answer::Failure;
use mssql2pg_catalog::{ObjectName, Table};

/// Runs `alter table` behind these words.
pub(super) fn table(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let name = cursor.object_name()?;
    let checked = if cursor.eat_words(&["with", "nocheck"]) {
        Some(false)
    } else if cursor.eat_words(&["with", "check"]) {
        Some(true)
    } else {
        None
    };
    if cursor.eat_word("add") {
        return add(session, cursor, &name, checked.unwrap_or(true));
    }
    let disabled = cursor.is_word("nocheck");
    if disabled || cursor.is_word("check") {
        cursor.name()?;
        cursor.expect_word("constraint")?;
        let constraint = cursor.name()?;
        return session.change(|state| {
            toggle(state.table_mut(&name)?, &constraint, disabled, checked == Some(true));
            Ok(())
        });
    }
    if cursor.eat_word("drop") {
        if cursor.eat_word("column") {
            return Err(unsupported("dropping a column"));
        }
        cursor.eat_word("constraint");
        cursor.eat_words(&["if", "exists"]);
        let constraint = cursor.name()?;
        return session.change(|state| {
            forget(state.table_mut(&name)?, &constraint);
            Ok(())
        });
    }
    // Triggers and options of a table do not show here.
    if cursor.is_word("enable")
        || cursor.is_word("disable")
        || cursor.is_word("set")
        || cursor.is_word("rebuild")
    {
        return Ok(());
    }
    Err(unsupported("such an alter table"))
}

fn add(
    session: &mut Session,
    cursor: &mut Cursor<'_>,
    name: &ObjectName,
    trusted: bool,
) -> Result<(), Failure> {
    let state = session.server.database_of(session.database_id)?.state;
    let known = state.catalog.table(name).ok_or_else(|| unknown_object(&name.to_string()))?;
    let mut table: Table = known.clone();
    let columns = table.stored_columns().count();
    loop {
        element(session, cursor, &mut table, trusted)?;
        if !cursor.eat_symbol(",") {
            break;
        }
    }
    super::table::storage(cursor)?;
    cursor.expect_end()?;
    if table.stored_columns().count() != columns && state.count(known) > 0 {
        return Err(unsupported("adding a column to a table that has rows"));
    }
    infer_types(session, &mut table);
    session.change(|state| {
        *state.table_mut(name)? = table;
        Ok(())
    })
}

fn toggle(table: &mut Table, constraint: &str, disabled: bool, checked: bool) {
    let meant = |name: &Option<String>| {
        constraint.eq_ignore_ascii_case("all")
            || name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(constraint))
    };
    for key in table.foreign_keys.iter_mut().filter(|key| meant(&key.name)) {
        key.disabled = disabled;
        key.trusted = !disabled && checked;
    }
    for check in table.checks.iter_mut().filter(|check| meant(&check.name)) {
        check.disabled = disabled;
        check.trusted = !disabled && checked;
    }
}

fn forget(table: &mut Table, constraint: &str) {
    let other =
        |name: &Option<String>| !name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(constraint));
    table.foreign_keys.retain(|key| other(&key.name));
    table.checks.retain(|check| other(&check.name));
    table.unique.retain(|key| other(&key.name));
    if table.primary_key.as_ref().is_some_and(|key| !other(&key.name)) {
        table.primary_key = None;
    }
    for column in &mut table.columns {
        if column.default.as_ref().is_some_and(|default| !other(&default.name)) {
            column.default = None;
        }
    }
}

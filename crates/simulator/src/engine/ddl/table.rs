//! `create table`: columns, and constraints that stand among them.

use super::super::failures::unsupported;
use super::super::language::cursor::{Cursor, TypePlace};
use super::super::language::{expression, literal_expression};
use super::super::select::compile::{Compiler, Scope, ScopeColumn};
use super::super::session::Session;
use super::{bracketed, made_up};
use crate::answer::Failure;
use mssql2pg_catalog::{
    CheckConstraint, Column, Computed, DefaultValue, ForeignKey, Identity, IndexColumn, Key,
    ReferentialAction, SqlType, Table,
};

/// Runs `create table` behind these words.
pub(super) fn create(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let mut table = Table { name: cursor.object_name()?, ..Table::default() };
    cursor.expect_symbol("(")?;
    while !cursor.eat_symbol(")") {
        element(session, cursor, &mut table, true)?;
        if !cursor.is_symbol(")") {
            cursor.expect_symbol(",")?;
        }
    }
    options(cursor, &mut table)?;
    infer_types(session, &mut table);
    session.change(|state| state.add_table(table))
}

/// A column, or a constraint of the table.
pub(super) fn element(
    session: &mut Session,
    cursor: &mut Cursor<'_>,
    table: &mut Table,
    trusted: bool,
) -> Result<(), Failure> {
    if cursor.eat_words(&["period", "for"]) {
        cursor.name()?;
        return cursor.skip_parenthesis();
    }
    let name = if cursor.eat_word("constraint") { Some(cursor.name()?) } else { None };
    let starts = ["primary", "unique", "foreign", "check", "default", "index"];
    if name.is_some() || starts.iter().any(|word| cursor.is_word(word)) {
        return constraint(cursor, table, name, None, trusted);
    }
    column(session, cursor, table, trusted)
}

fn column(
    session: &mut Session,
    cursor: &mut Cursor<'_>,
    table: &mut Table,
    trusted: bool,
) -> Result<(), Failure> {
    let mut column = Column::new(cursor.name()?, SqlType::Int);
    if cursor.eat_word("as") {
        let start = cursor.place();
        expression(cursor)?;
        let text = bracketed(cursor.written(start, cursor.place()));
        column.sql_type = SqlType::Unknown { name: String::new() };
        column.computed = Some(Computed { text, persisted: false });
    } else {
        let (sql_type, alias) = cursor.data_type(TypePlace::Declaration)?;
        column.sql_type = sql_type;
        if let Some(alias) = alias {
            let state = session.server.database_of(session.database_id)?.state;
            let known = state.catalog.alias_types.iter().find(|known| known.name == alias);
            if let Some(known) = known {
                column.sql_type = known.base.clone();
                column.nullable = known.nullable;
            } else if alias.schema != "sys" {
                let text = format!("Column, parameter, or variable #1: Cannot find data type {alias}.");
                return Err(Failure::new(2715, text));
            } else {
                column.nullable = false;
            }
            column.alias = Some(alias);
        }
    }
    let mut place = table.columns.len();
    table.columns.push(column);
    while let Some(column) = table.columns.get_mut(place) {
        if cursor.eat_words(&["not", "null"]) {
            column.nullable = false;
        } else if cursor.eat_word("null") {
            column.nullable = true;
        } else if cursor.eat_word("identity") {
            let (mut seed, mut increment) = (1, 1);
            if cursor.eat_symbol("(") {
                seed = cursor.integer()?;
                cursor.expect_symbol(",")?;
                increment = cursor.integer()?;
                cursor.expect_symbol(")")?;
            }
            column.identity = Some(Identity { seed, increment, last_value: None });
            column.nullable = false;
        } else if cursor.eat_words(&["not", "for", "replication"]) {
        } else if cursor.eat_word("collate") {
            let collation = cursor.name()?;
            // A catalog tells a column's collation where it differs from the database's.
            column.collation =
                Some(collation).filter(|name| !name.eq_ignore_ascii_case(session.collation_name()));
        } else if cursor.eat_word("persisted") {
            if let Some(computed) = &mut column.computed {
                computed.persisted = true;
            }
        } else if cursor.eat_word("rowguidcol") {
            column.rowguid = true;
        } else if cursor.eat_word("sparse") {
            column.sparse = true;
        } else if cursor.eat_word("hidden") {
        } else if cursor.eat_words(&["generated", "always", "as"]) {
            // `row start`, `row end` and the like.
            cursor.name()?;
            cursor.name()?;
        } else if cursor.eat_words(&["masked", "with"]) || cursor.eat_words(&["encrypted", "with"]) {
            cursor.skip_parenthesis()?;
        } else if cursor.is_symbol(",") || cursor.is_symbol(")") || cursor.is_at_end() {
            break;
        } else {
            let name = if cursor.eat_word("constraint") { Some(cursor.name()?) } else { None };
            constraint(cursor, table, name, Some(place), trusted)?;
            place = place.min(table.columns.len());
        }
    }
    if let Some(column) = table.columns.get_mut(place)
        && column.sql_type == SqlType::RowVersion
    {
        column.nullable = false;
    }
    Ok(())
}

/// A constraint of the table, or of the column at `place`.
fn constraint(
    cursor: &mut Cursor<'_>,
    table: &mut Table,
    name: Option<String>,
    place: Option<usize>,
    trusted: bool,
) -> Result<(), Failure> {
    let own = place.and_then(|place| table.columns.get(place)).map(|column| column.name.clone());
    let table_name = table.name.name.clone();
    let what = own.clone().unwrap_or_default();
    let named = |prefix: &str| Some(name.clone().unwrap_or_else(|| made_up(prefix, &table_name, &what)));
    if cursor.eat_words(&["primary", "key"]) {
        let key = key(cursor, named("PK"), own, true)?;
        for column in &mut table.columns {
            column.nullable &= !key.columns.iter().any(|known| known.name == column.name);
        }
        table.primary_key = Some(key);
    } else if cursor.eat_word("unique") {
        let key = key(cursor, named("UQ"), own, false)?;
        table.unique.push(key);
    } else if cursor.eat_word("check") {
        cursor.eat_words(&["not", "for", "replication"]);
        let text = cursor.parenthesis()?.to_owned();
        table.checks.push(CheckConstraint { name: named("CK"), text, trusted, disabled: false });
    } else if cursor.eat_word("default") {
        let start = cursor.place();
        expression(cursor)?;
        let text = default_text(cursor.written(start, cursor.place()));
        let column = match own {
            Some(own) => own,
            None => {
                cursor.expect_word("for")?;
                cursor.name()?
            }
        };
        cursor.eat_words(&["with", "values"]);
        let name = name.or_else(|| Some(made_up("DF", &table_name, &column)));
        let found = table.columns.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&column));
        found.ok_or_else(|| super::super::failures::unknown_column(&column))?.default =
            Some(DefaultValue { name, text });
    } else if cursor.is_word("foreign") || cursor.is_word("references") {
        let columns = match own {
            Some(own) => vec![own],
            None => {
                cursor.expect_word("foreign")?;
                cursor.expect_word("key")?;
                names(cursor)?
            }
        };
        cursor.eat_words(&["foreign", "key"]);
        let key = foreign_key(cursor, named("FK"), columns, trusted)?;
        table.foreign_keys.push(key);
    } else {
        return Err(cursor.unexpected());
    }
    Ok(())
}

/// SQL Server puts a number in two pairs of brackets, and anything else in one.
fn default_text(text: &str) -> String {
    let is_number = text.trim_start_matches(['-', '+']).starts_with(|char: char| char.is_ascii_digit());
    if is_number && !text.starts_with('(') { format!("(({text}))") } else { bracketed(text) }
}

fn key(
    cursor: &mut Cursor<'_>,
    name: Option<String>,
    own: Option<String>,
    primary: bool,
) -> Result<Key, Failure> {
    let clustered =
        if cursor.eat_word("nonclustered") { false } else { cursor.eat_word("clustered") || primary };
    cursor.eat_word("hash");
    let columns = match own {
        Some(name) if !cursor.is_symbol("(") => vec![IndexColumn { name, descending: false }],
        _ => key_columns(cursor)?,
    };
    storage(cursor)?;
    Ok(Key { name, columns, clustered })
}

/// `(a, b desc)`.
pub(super) fn key_columns(cursor: &mut Cursor<'_>) -> Result<Vec<IndexColumn>, Failure> {
    cursor.expect_symbol("(")?;
    let mut columns = Vec::new();
    while !cursor.eat_symbol(")") {
        let name = cursor.name()?;
        let descending = cursor.eat_word("desc");
        cursor.eat_word("asc");
        columns.push(IndexColumn { name, descending });
        cursor.eat_symbol(",");
    }
    Ok(columns)
}

/// `(a, b)`.
pub(super) fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Failure> {
    Ok(key_columns(cursor)?.into_iter().map(|column| column.name).collect())
}

/// `with (…)` and `on …` behind an index or a table.
pub(super) fn storage(cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    loop {
        let with = cursor.is_word("with") && cursor.peek_at(1).is_some_and(|next| next.is_symbol("("));
        if with {
            cursor.expect_word("with")?;
            cursor.skip_parenthesis()?;
        } else if cursor.eat_word("on") || cursor.eat_word("textimage_on") || cursor.eat_word("filestream_on")
        {
            cursor.name()?;
            if cursor.is_symbol("(") {
                cursor.skip_parenthesis()?;
            }
        } else {
            return Ok(());
        }
    }
}

/// What follows the columns; two of the options are facts that a catalog tells.
fn options(cursor: &mut Cursor<'_>, table: &mut Table) -> Result<(), Failure> {
    let text = cursor.rest().to_ascii_lowercase();
    let text: String = text.split_whitespace().collect();
    if text.contains("memory_optimized=on") {
        table.traits.push("memory-optimized".to_owned());
    }
    if text.contains("system_versioning=on") {
        table.traits.push("system-versioned".to_owned());
    }
    storage(cursor)?;
    cursor.expect_end()
}

fn foreign_key(
    cursor: &mut Cursor<'_>,
    name: Option<String>,
    columns: Vec<String>,
    trusted: bool,
) -> Result<ForeignKey, Failure> {
    cursor.expect_word("references")?;
    let referenced_table = cursor.object_name()?;
    let referenced_columns = if cursor.is_symbol("(") { names(cursor)? } else { columns.clone() };
    let (mut on_delete, mut on_update) = (ReferentialAction::NoAction, ReferentialAction::NoAction);
    loop {
        if cursor.eat_words(&["on", "delete"]) {
            on_delete = action(cursor)?;
        } else if cursor.eat_words(&["on", "update"]) {
            on_update = action(cursor)?;
        } else if !cursor.eat_words(&["not", "for", "replication"]) {
            break;
        }
    }
    Ok(ForeignKey {
        name,
        columns,
        referenced_table,
        referenced_columns,
        on_delete,
        on_update,
        trusted,
        disabled: false,
    })
}

fn action(cursor: &mut Cursor<'_>) -> Result<ReferentialAction, Failure> {
    if cursor.eat_words(&["no", "action"]) {
        Ok(ReferentialAction::NoAction)
    } else if cursor.eat_word("cascade") {
        Ok(ReferentialAction::Cascade)
    } else if cursor.eat_words(&["set", "null"]) {
        Ok(ReferentialAction::SetNull)
    } else if cursor.eat_words(&["set", "default"]) {
        Ok(ReferentialAction::SetDefault)
    } else {
        Err(unsupported("such an action of a foreign key"))
    }
}

/// The types of computed columns, where the engine can tell.
pub(super) fn infer_types(session: &mut Session, table: &mut Table) {
    let columns = table.columns.iter().map(|column| ScopeColumn {
        name: column.name.clone(),
        sql_type: column.sql_type.clone(),
        nullable: column.nullable,
        collation: column.collation.clone(),
        place: column.computed.as_ref().map_or(Ok(0), |computed| Err(computed.text.clone())),
    });
    let scope =
        Scope { columns: columns.collect(), case_sensitive: session.case_sensitive(), ..Scope::default() };
    for column in &mut table.columns {
        let (Some(computed), SqlType::Unknown { .. }) = (&column.computed, &column.sql_type) else {
            continue;
        };
        let typed = literal_expression(&computed.text)
            .and_then(|expression| Compiler::plain(session, &scope).compile(&expression));
        if let Ok(typed) = typed {
            column.sql_type = typed.sql_type;
            column.nullable &= typed.nullable;
        }
    }
}

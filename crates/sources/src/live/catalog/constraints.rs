//! Defaults, checks and foreign keys. Keys are indexes: see `indexes.rs`.
//!
//! Names that the server made up are told, as a `.bacpac` tells them. Those constraints come first, in the order that they
//! were made; the others follow by name: the order of a model.

use super::super::cells::Answer;
use super::super::failure;
use super::tables::Tables;
use super::{Reader, Server};
use crate::SourceError;
use mssql2pg_catalog::{CheckConstraint, DefaultValue, ForeignKey, ReferentialAction};
use std::collections::HashMap;

/// Hangs them on their tables.
pub(super) fn attach(reader: &mut Reader<'_>, found: &mut Tables) -> Result<(), SourceError> {
    let defaults_answer = reader.ask("defaults", include_str!("../queries/defaults.sql"))?;
    defaults(&defaults_answer, &reader.server, found)?;
    let checks_answer = reader.ask("checks", include_str!("../queries/checks.sql"))?;
    checks(&checks_answer, &reader.server, found)?;
    let keys = reader.ask("foreign keys", include_str!("../queries/foreign_keys.sql"))?;
    let columns =
        reader.ask("columns of foreign keys", include_str!("../queries/foreign_key_columns.sql"))?;
    foreign_keys(&keys, &columns, &reader.server, found)
}

/// The place of a constraint of a table in a model: server-made names first by id, then the others by name.
pub(super) fn place(system_named: bool, id: i64, name: &str) -> (bool, i64, String) {
    match system_named {
        true => (false, id, String::new()),
        false => (true, 0, name.to_lowercase()),
    }
}

pub(super) fn defaults(answer: &Answer, server: &Server, found: &mut Tables) -> Result<(), SourceError> {
    for row in answer.rows() {
        let (table, column) = (row.id("parent_object_id")?, row.id("parent_column_id")?);
        let name = row.name("name")?;
        let Some(column) = found.column_mut(table, column) else { continue };
        let text = server.text(row.text("definition")?, "the definition", &name)?;
        column.default = Some(DefaultValue { name: Some(name), text });
    }
    Ok(())
}

pub(super) fn checks(answer: &Answer, server: &Server, found: &mut Tables) -> Result<(), SourceError> {
    let mut list = Vec::new();
    for row in answer.rows() {
        let name = row.name("name")?;
        let text = server.text(row.text("definition")?, "the definition", &name)?;
        let disabled = row.flag("is_disabled")?;
        let place = place(row.flag("is_system_named")?, row.id("object_id")?, &name);
        let check = CheckConstraint {
            name: Some(name),
            text: inside_parentheses(&text).to_owned(),
            trusted: !row.flag("is_not_trusted")? && !disabled,
            disabled,
        };
        list.push((place, row.id("parent_object_id")?, check));
    }
    list.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, table, check) in list {
        if let Some(table) = found.get_mut(table) {
            table.checks.push(check);
        }
    }
    Ok(())
}

/// A condition without the parentheses that the server keeps around all of it; a model has none there.
fn inside_parentheses(text: &str) -> &str {
    let trimmed = text.trim();
    match trimmed.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) if is_balanced(inner) => inner,
        _ => trimmed,
    }
}

/// Whether no parenthesis of it belongs to one outside; those in literals and quoted names do not count.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0u32;
    let mut until: Option<char> = None;
    for character in text.chars() {
        // A doubled quote ends a literal and begins the next at once, which is the same.
        match (until, character) {
            (Some(end), found) if found == end => until = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => until = Some(character),
            (None, '[') => until = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            (None, _) => {}
        }
    }
    depth == 0 && until.is_none()
}

/// A referencing column and the referenced one, as far as they can be seen.
type Pair<'a> = (Option<&'a str>, Option<&'a str>);

pub(super) fn foreign_keys(
    keys: &Answer,
    columns: &Answer,
    server: &Server,
    found: &mut Tables,
) -> Result<(), SourceError> {
    let mut pairs: HashMap<i64, Vec<Pair<'_>>> = HashMap::new();
    for row in columns.rows() {
        let pair = (row.text("column_name")?, row.text("referenced_column_name")?);
        pairs.entry(row.id("constraint_object_id")?).or_default().push(pair);
    }
    let mut list = Vec::new();
    for row in keys.rows() {
        let (id, table, name) = (row.id("object_id")?, row.id("parent_object_id")?, row.name("name")?);
        if found.get(table).is_none() {
            continue;
        }
        let referenced = found.get(row.id("referenced_object_id")?).map(|table| table.name.clone());
        let referenced_table = referenced.ok_or_else(|| server.hidden("the referenced table", &name))?;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (column, other) in pairs.get(&id).map_or(&[][..], Vec::as_slice) {
            own.push(server.visible(*column, "a column", &name)?);
            others.push(server.visible(*other, "a referenced column", &name)?);
        }
        let disabled = row.flag("is_disabled")?;
        let place = place(row.flag("is_system_named")?, id, &name);
        let key = ForeignKey {
            on_delete: action(row.id("delete_referential_action")?, &name)?,
            on_update: action(row.id("update_referential_action")?, &name)?,
            name: Some(name),
            columns: own,
            referenced_table,
            referenced_columns: others,
            trusted: !row.flag("is_not_trusted")? && !disabled,
            disabled,
        };
        list.push((place, table, key));
    }
    list.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, table, key) in list {
        if let Some(table) = found.get_mut(table) {
            table.foreign_keys.push(key);
        }
    }
    Ok(())
}

fn action(number: i64, name: &str) -> Result<ReferentialAction, SourceError> {
    match number {
        0 => Ok(ReferentialAction::NoAction),
        1 => Ok(ReferentialAction::Cascade),
        2 => Ok(ReferentialAction::SetNull),
        3 => Ok(ReferentialAction::SetDefault),
        other => Err(failure::answer(format!("the foreign key {name} has the unknown action {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parentheses_around_the_whole_condition_go() {
        let check = |text: &str, expected: &str| assert_eq!(inside_parentheses(text), expected);
        check("([a]>(0))", "[a]>(0)");
        check("([a]>(0) AND [b]<(1))", "[a]>(0) AND [b]<(1)");
        check("([a]>(0)) AND ([b]<(1))", "([a]>(0)) AND ([b]<(1))");
        check("([a]=')(')", "[a]=')('");
        check("([a)]=')''(')", "[a)]=')''('");
        check("[a]>(0)", "[a]>(0)");
        check("((1)=(1))", "(1)=(1)");
        check("(", "(");
        check("()", "");
    }

    #[test]
    fn constraints_that_the_server_named_come_first() {
        let mut places = [
            place(false, 1, "b"),
            place(true, 9, "CK__T__b__1"),
            place(false, 2, "A"),
            place(true, 3, "CK__T__a__2"),
        ];
        places.sort();
        let ids: Vec<_> = places.iter().map(|(named, id, name)| (*named, *id, name.as_str())).collect();
        assert_eq!(ids, [(false, 3, ""), (false, 9, ""), (true, 0, "a"), (true, 0, "b")]);
    }
}

//! Indexes, primary keys and unique constraints.
//!
//! The order is that of a model: keys as other constraints, indexes by name, a full-text index (which has its table's
//! name) before the others of its table.

use super::super::cells::{Answer, AnswerRow};
use super::constraints::place;
use super::tables::Tables;
use super::{Reader, Server, in_model_order, with_line_feeds};
use crate::SourceError;
use mssql2pg_catalog::{Index, IndexColumn, IndexKind, Key, OtherObject, Table};
use std::collections::HashMap;

/// A column of an index as the server tells it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    name: Option<String>,
    key_ordinal: i64,
    descending: bool,
    included: bool,
}

pub(super) type Parts = HashMap<(i64, i64), Vec<Part>>;

/// A key that waits for its place among those of its table.
type Waiting = (PlaceOfKey, i64, bool, Key);
type PlaceOfKey = (bool, i64, String);

/// Hangs them on their tables.
pub(super) fn attach(reader: &mut Reader<'_>, found: &mut Tables) -> Result<(), SourceError> {
    let indexes_answer = reader.ask("indexes", include_str!("../queries/indexes.sql"))?;
    let columns = reader.ask("columns of indexes", include_str!("../queries/index_columns.sql"))?;
    let fulltext = reader.ask("full-text indexes", include_str!("../queries/fulltext_indexes.sql"))?;
    indexes(&indexes_answer, &parts(&columns)?, &reader.server, found)?;
    fulltext_indexes(&fulltext, &reader.server, found)
}

pub(super) fn parts(answer: &Answer) -> Result<Parts, SourceError> {
    let mut parts = Parts::new();
    for row in answer.rows() {
        let part = Part {
            name: row.text("column_name")?.map(str::to_owned),
            key_ordinal: row.int("key_ordinal")?.unwrap_or(0),
            descending: row.flag("is_descending_key")?,
            included: row.flag("is_included_column")?,
        };
        parts.entry((row.id("object_id")?, row.id("index_id")?)).or_default().push(part);
    }
    Ok(parts)
}

pub(super) fn indexes(
    answer: &Answer,
    parts: &Parts,
    server: &Server,
    found: &mut Tables,
) -> Result<(), SourceError> {
    let mut keys: Vec<Waiting> = Vec::new();
    let mut list = Vec::new();
    for row in answer.rows() {
        let (id, number) = (row.id("object_id")?, row.id("index_id")?);
        let name = row.name("name")?;
        let of_index = parts.get(&(id, number)).map_or(&[][..], Vec::as_slice);
        let Some((kind, clustered)) = index_kind(row.id("type")?) else {
            let kind = format!("Sql{}Index", in_title_case(row.text("type_desc")?.unwrap_or("Unknown")));
            found.on_views.push(other(row, &name, kind)?);
            continue;
        };
        if row.text("owner_type")?.map(str::trim) != Some("U") {
            found.on_views.push(other(row, &name, format!("{} on a view", element(kind)))?);
            continue;
        }
        let Some(table) = found.get(id) else { continue };
        let is_key = row.flag("is_primary_key")? || row.flag("is_unique_constraint")?;
        let (columns, included) = columns_of(kind, clustered, of_index, server, &name)?;
        // Graph tables index columns that no client can read.
        if columns.iter().any(|column| lacks(table, &column.name)) {
            let kind = if is_key { "SqlUniqueConstraint" } else { element(kind) };
            let kind = format!("{kind} on pseudo-columns");
            found.on_views.push(other(row, &name, kind)?);
            continue;
        }
        if is_key {
            let place = place(row.flag("is_system_named")?, row.int("constraint_id")?.unwrap_or(0), &name);
            let key = Key { name: Some(name), columns, clustered };
            keys.push((place, id, row.flag("is_primary_key")?, key));
            continue;
        }
        let filter = match row.flag("has_filter")? {
            true => Some(server.text(row.text("filter_definition")?, "the filter", &name)?),
            false => row.text("filter_definition")?.map(with_line_feeds),
        };
        let unique = row.flag("is_unique")?;
        let disabled = row.flag("is_disabled")?;
        list.push((id, Index { name, kind, unique, clustered, columns, included, filter, disabled }));
    }
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, id, primary, key) in keys {
        match found.get_mut(id) {
            Some(table) if primary => table.primary_key = Some(key),
            Some(table) => table.unique.push(key),
            None => {}
        }
    }
    list.sort_by_cached_key(|(_, index)| index.name.to_lowercase());
    for (id, index) in list {
        if let Some(table) = found.get_mut(id) {
            table.indexes.push(index);
        }
    }
    Ok(())
}

fn lacks(table: &Table, column: &str) -> bool {
    table.column(column).is_none()
}

/// `sys.indexes.type`: the kind, and whether it orders the table itself.
fn index_kind(number: i64) -> Option<(IndexKind, bool)> {
    Some(match number {
        1 => (IndexKind::BTree, true),
        2 => (IndexKind::BTree, false),
        3 => (IndexKind::Xml, false),
        4 => (IndexKind::Spatial, false),
        5 => (IndexKind::Columnstore, true),
        6 => (IndexKind::Columnstore, false),
        7 => (IndexKind::Hash, false),
        _ => return None,
    })
}

/// The word of a model for such an index.
fn element(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::BTree | IndexKind::Hash => "SqlIndex",
        IndexKind::Columnstore => "SqlColumnStoreIndex",
        IndexKind::Xml => "SqlXmlIndex",
        IndexKind::Spatial => "SqlSpatialIndex",
        IndexKind::FullText => "SqlFullTextIndex",
    }
}

/// `VECTOR` is `Vector`: the kinds of index that came later.
fn in_title_case(words: &str) -> String {
    let mut out = String::new();
    for word in words.split(' ') {
        let mut characters = word.chars();
        out.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(&characters.as_str().to_lowercase());
    }
    out
}

/// Key columns and included ones. All columns of XML, spatial and nonclustered columnstore indexes are in
/// `sys.index_columns` with the key ordinal 0; a clustered columnstore index lists all of the table's, and means none.
fn columns_of(
    kind: IndexKind,
    clustered: bool,
    parts: &[Part],
    server: &Server,
    name: &str,
) -> Result<(Vec<IndexColumn>, Vec<String>), SourceError> {
    let named = |part: &Part| server.visible(part.name.as_deref(), "a column", name);
    let column = |part: &Part| named(part).map(|name| IndexColumn { name, descending: part.descending });
    match kind {
        IndexKind::BTree | IndexKind::Hash => {
            let mut keys: Vec<&Part> = parts.iter().filter(|part| part.key_ordinal > 0).collect();
            keys.sort_by_key(|part| part.key_ordinal);
            let included = parts.iter().filter(|part| part.included).map(named);
            Ok((keys.into_iter().map(column).collect::<Result<_, _>>()?, included.collect::<Result<_, _>>()?))
        }
        IndexKind::Columnstore if clustered => Ok((Vec::new(), Vec::new())),
        _ => Ok((parts.iter().map(column).collect::<Result<_, _>>()?, Vec::new())),
    }
}

/// An index that is only named, with the parts of its name for its place.
fn other(row: AnswerRow<'_>, name: &str, kind: String) -> Result<(Vec<String>, OtherObject), SourceError> {
    let schema = row.text("owner_schema")?.unwrap_or_default();
    let owner = row.name("owner_name")?;
    let order = in_model_order([schema, &owner, name]);
    Ok((order, OtherObject { kind, name: format!("{schema}.{owner}.{name}") }))
}

pub(super) fn fulltext_indexes(
    answer: &Answer,
    server: &Server,
    found: &mut Tables,
) -> Result<(), SourceError> {
    let mut last = None;
    for row in answer.rows() {
        let id = row.id("object_id")?;
        let owner = row.name("owner_name")?;
        let begins = last != Some(id);
        last = Some(id);
        let Some(table) = found.get_mut(id) else {
            if begins {
                let schema = row.text("owner_schema")?.unwrap_or_default();
                let name = format!("{schema}.{owner}");
                let kind = "SqlFullTextIndex on a view".to_owned();
                found.on_views.push((in_model_order([schema, &owner]), OtherObject { kind, name }));
            }
            continue;
        };
        if begins {
            let index = Index {
                name: owner.clone(),
                kind: IndexKind::FullText,
                unique: false,
                clustered: false,
                columns: Vec::new(),
                included: Vec::new(),
                filter: None,
                disabled: !row.flag("is_enabled")?,
            };
            table.indexes.insert(0, index);
        }
        if row.int("column_id")?.is_some()
            && let Some(index) = table.indexes.first_mut()
        {
            let name = server.visible(row.text("column_name")?, "a column", &owner)?;
            index.columns.push(IndexColumn { name, descending: false });
        }
    }
    Ok(())
}

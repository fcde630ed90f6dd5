//! `sys.extended_properties`.
//!
//! A catalog names what a property is attached to by a dotted name without its class; the class is found from what has
//! that name: a table, another object, a column, an index, a parameter, a type, a schema, a principal, the database.

use super::cell::variant;
use super::definition::View;
use super::fill::{Fill, row, text};
use mssql2pg_catalog::ExtendedProperty;

/// The views of this family.
pub(super) const VIEWS: &[View] = &[View::of_object(
    "sys.extended_properties",
    "major_id",
    &["class:tinyint class_desc:nvarchar(60)? major_id:int minor_id:int name:sysname value:sql_variant?"],
)];

/// What a property is attached to.
type Place = (i64, &'static str, i32, i32);

/// Fills the properties of everything.
pub(super) fn fill(fill: &mut Fill<'_>) {
    let catalog = fill.catalog;
    for table in &catalog.tables {
        let Some(id) = fill.names.table_id(&table.name) else { continue };
        for property in &table.extended_properties {
            let column = property.column.as_deref();
            let minor = column.map(|column| fill.names.column(id, column).map_or(0, |column| column.id));
            add(fill, (1, "OBJECT_OR_COLUMN", id, minor.unwrap_or(0)), property);
        }
    }
    for property in &catalog.extended_properties {
        let place = place(fill, &property.object);
        add(fill, place, property);
    }
}

fn add(fill: &mut Fill<'_>, (class, words, major, minor): Place, property: &ExtendedProperty) {
    let cells = row![
        "class" => class, "class_desc" => text(words), "major_id" => major, "minor_id" => minor,
        "name" => text(&property.name), "value" => variant("nvarchar(4000)", text(&property.value)),
    ];
    fill.add("sys.extended_properties", cells);
}

fn place(fill: &Fill<'_>, object: &str) -> Place {
    const DATABASE: Place = (0, "DATABASE", 0, 0);
    let names = &fill.names;
    if object.is_empty() {
        return DATABASE;
    }
    let dots: Vec<_> = object.match_indices('.').map(|(at, _)| at).collect();
    for &first in &dots {
        let (schema, rest) = (&object[..first], &object[first + 1..]);
        if let Some(id) = names.find(schema, rest) {
            return (1, "OBJECT_OR_COLUMN", id, 0);
        }
        for &second in dots.iter().filter(|second| **second > first) {
            let (name, part) = (&object[first + 1..second], &object[second + 1..]);
            let Some(id) = names.find(schema, name) else { continue };
            if let Some(column) = names.column(id, part) {
                return (1, "OBJECT_OR_COLUMN", id, column.id);
            }
            let index =
                names.indexes.get(&id).and_then(|all| all.iter().find(|index| names.same(&index.name, part)));
            if let Some(index) = index {
                return (7, "INDEX", id, index.id);
            }
            let parameters = names.parameters.get(&id).map(Vec::as_slice).unwrap_or_default();
            if let Some((_, number)) = parameters.iter().zip(1i32..).find(|(name, _)| names.same(name, part))
            {
                return (2, "PARAMETER", id, number);
            }
            // A trigger, a key or a check that is named with its table.
            if let Some(child) = names
                .find(schema, part)
                .filter(|child| names.object(*child).is_some_and(|child| child.parent == id))
            {
                return (1, "OBJECT_OR_COLUMN", child, 0);
            }
        }
        if let Some(id) = names.type_id(Some(schema), rest) {
            return (6, "TYPE", id, 0);
        }
    }
    if let Some((_, id)) = names.collections.iter().find(|(name, _)| names.same(name, object)) {
        return (10, "XML_SCHEMA_COLLECTION", *id, 0);
    }
    if let Some(id) = names.schema_id(object) {
        return (3, "SCHEMA", id, 0);
    }
    if let Some(id) = names.find("", object) {
        return (1, "OBJECT_OR_COLUMN", id, 0);
    }
    if let Some(id) = names.principal_id(object) {
        return (4, "DATABASE_PRINCIPAL", id, 0);
    }
    match object {
        "PRIMARY" => (20, "DATASPACE", 1, 0),
        _ => DATABASE,
    }
}

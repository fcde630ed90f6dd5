//! Views, procedures, functions, triggers, table types, bound defaults and rules.
//!
//! The server has the whole `CREATE …`. What it has not: the defaults of T-SQL parameters, which stand in the text only
//! and are not repeated here.

use super::super::cells::{Answer, AnswerRow};
use super::{Reader, Server, in_model_order, types, with_line_feeds};
use crate::SourceError;
use crate::table_type::{TypeKey, table_type_text};
use mssql2pg_catalog::{Catalog, CodeKind, CodeObject, Column, Computed, ObjectName, Parameter, SqlType};
use std::collections::HashMap;

/// Reads the code objects into the catalog.
pub(super) fn read(reader: &mut Reader<'_>, catalog: &mut Catalog) -> Result<(), SourceError> {
    let objects = reader.ask("code", include_str!("../queries/code.sql"))?;
    let triggers = reader.ask("database triggers", include_str!("../queries/database_triggers.sql"))?;
    let parameters_answer = reader.ask("parameters", include_str!("../queries/parameters.sql"))?;
    let mut code = objects_with_text(&objects, &reader.server)?;
    attach_parameters(&parameters_answer, &reader.server, &mut code)?;
    let mut list: Vec<CodeObject> = code.into_iter().map(|(_, object)| object).collect();
    for row in triggers.rows() {
        list.push(database_trigger(row)?);
    }
    list.extend(table_types(reader)?);
    list.sort_by_cached_key(|object| place(&object.name));
    catalog.code = list;
    Ok(())
}

/// Database triggers have no schema.
fn place(name: &ObjectName) -> Vec<String> {
    match name.schema.as_str() {
        "" => in_model_order([name.name.as_str()]),
        schema => in_model_order([schema, &name.name]),
    }
}

/// What `sys.objects.type` means: the kind, and whether it is made of an assembly.
fn code_kind(letters: &str) -> Option<(CodeKind, bool)> {
    Some(match letters {
        "V" => (CodeKind::View, false),
        "P" | "RF" => (CodeKind::Procedure, false),
        "PC" => (CodeKind::Procedure, true),
        "FN" => (CodeKind::ScalarFunction, false),
        "FS" => (CodeKind::ScalarFunction, true),
        "IF" => (CodeKind::InlineTableFunction, false),
        "TF" => (CodeKind::TableFunction, false),
        "FT" => (CodeKind::TableFunction, true),
        "AF" => (CodeKind::Aggregate, true),
        "TR" => (CodeKind::Trigger, false),
        "TA" => (CodeKind::Trigger, true),
        "D" => (CodeKind::BoundDefault, false),
        "R" => (CodeKind::BoundRule, false),
        _ => return None,
    })
}

fn without_text(kind: CodeKind, name: ObjectName) -> CodeObject {
    CodeObject {
        kind,
        name,
        parent: None,
        parameters: Vec::new(),
        returns: None,
        text: String::new(),
        text_is_complete: false,
        missing_text: None,
    }
}

pub(super) fn objects_with_text(
    answer: &Answer,
    server: &Server,
) -> Result<Vec<(i64, CodeObject)>, SourceError> {
    let mut found = Vec::new();
    for row in answer.rows() {
        let letters = row.name("type")?;
        let Some((kind, clr)) = code_kind(letters.trim()) else { continue };
        let name = row.name("name")?;
        let schema = server.visible(row.text("schema_name")?, "the schema", &name)?;
        let mut object = without_text(kind, ObjectName::new(schema, name));
        if kind == CodeKind::Trigger {
            let shown = object.name.to_string();
            let parent = server.visible(row.text("parent_name")?, "the table", &shown)?;
            let schema = server.visible(row.text("parent_schema")?, "the table's schema", &shown)?;
            object.parent = Some(ObjectName::new(schema, parent));
        }
        match row.text("definition")? {
            Some(text) => {
                object.text = with_line_feeds(text);
                object.text_is_complete = true;
            }
            None if clr => object.missing_text = Some("CLR".to_owned()),
            None if row.flag("is_encrypted")? => object.missing_text = Some("encrypted".to_owned()),
            None => return Err(server.hidden("the text", &object.name.to_string())),
        }
        found.push((row.id("object_id")?, object));
    }
    Ok(found)
}

/// Its text is hidden from nobody who has `VIEW DEFINITION` on the database, so that without one it is encrypted.
fn database_trigger(row: AnswerRow<'_>) -> Result<CodeObject, SourceError> {
    let mut object = without_text(CodeKind::DatabaseTrigger, ObjectName::new("", row.name("name")?));
    match row.text("definition")? {
        Some(text) => {
            object.text = with_line_feeds(text);
            object.text_is_complete = true;
        }
        None if row.text("type")?.map(str::trim) == Some("TA") => {
            object.missing_text = Some("CLR".to_owned())
        }
        None => object.missing_text = Some("encrypted".to_owned()),
    }
    Ok(object)
}

fn attach_parameters(
    answer: &Answer,
    server: &Server,
    code: &mut [(i64, CodeObject)],
) -> Result<(), SourceError> {
    let places: HashMap<i64, usize> = code.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    for row in answer.rows() {
        let place = places.get(&row.id("object_id")?).and_then(|place| code.get_mut(*place));
        let Some((_, object)) = place else { continue };
        let shown = object.name.to_string();
        let sql_type = match row.flag("is_cursor_ref")? {
            true => SqlType::Unknown { name: "cursor".to_owned() },
            false => types::declared(row, server, &shown)?.base,
        };
        match row.id("parameter_id")? {
            0 if object.kind == CodeKind::ScalarFunction => object.returns = Some(sql_type),
            0 => {}
            _ => object.parameters.push(Parameter {
                name: row.name("name")?,
                sql_type,
                output: row.flag("is_output")?,
                default: None,
            }),
        }
    }
    Ok(())
}

fn table_types(reader: &mut Reader<'_>) -> Result<Vec<CodeObject>, SourceError> {
    let types_answer = reader.ask("table types", include_str!("../queries/table_types.sql"))?;
    let columns = reader.ask("columns of table types", include_str!("../queries/table_type_columns.sql"))?;
    let keys = reader.ask("keys of table types", include_str!("../queries/table_type_keys.sql"))?;
    let mut columns = type_columns(&columns, &reader.server)?;
    let mut keys = type_keys(&keys, &reader.server)?;
    let mut found = Vec::new();
    for row in types_answer.rows() {
        let (id, name) = (row.id("type_table_object_id")?, row.name("name")?);
        let schema = reader.server.visible(row.text("schema_name")?, "the schema", &name)?;
        let mut object = without_text(CodeKind::TableType, ObjectName::new(schema, name));
        let columns = columns.remove(&id).unwrap_or_default();
        if columns.is_empty() {
            return Err(reader.server.hidden("every column", &object.name.to_string()));
        }
        let keys: Vec<_> = keys.remove(&id).unwrap_or_default().into_iter().map(|(_, key)| key).collect();
        object.text = table_type_text(&columns, &keys);
        found.push(object);
    }
    Ok(found)
}

fn type_columns(answer: &Answer, server: &Server) -> Result<HashMap<i64, Vec<Column>>, SourceError> {
    let mut found: HashMap<i64, Vec<Column>> = HashMap::new();
    for row in answer.rows() {
        let name = row.name("name")?;
        let declared = types::declared(row, server, &name)?;
        let computed = match row.flag("is_computed")? {
            true => {
                let text = server.text(row.text("computed_text")?, "the expression", &name)?;
                Some(Computed { text, persisted: false })
            }
            false => None,
        };
        let nullable = row.flag("is_nullable")?;
        let column = Column { nullable, computed, ..Column::new(name, declared.base) };
        found.entry(row.id("object_id")?).or_default().push(column);
    }
    Ok(found)
}

fn type_keys(answer: &Answer, server: &Server) -> Result<HashMap<i64, Vec<(i64, TypeKey)>>, SourceError> {
    let mut found: HashMap<i64, Vec<(i64, TypeKey)>> = HashMap::new();
    for row in answer.rows() {
        let (id, number) = (row.id("object_id")?, row.id("index_id")?);
        let of_type = found.entry(id).or_default();
        let column = server.visible(row.text("column_name")?, "a column", "a table type")?;
        match of_type.last_mut() {
            Some((last, key)) if *last == number => key.columns.push(column),
            _ => {
                let primary = row.flag("is_primary_key")?;
                of_type.push((number, TypeKey { primary, columns: vec![column] }));
            }
        }
    }
    Ok(found)
}

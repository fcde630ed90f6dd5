//! Extended properties, and what they hang on.
//!
//! The order is that of a model, which names a property `[class].[host…].[name]`.

use super::super::cells::AnswerRow;
use super::tables::Tables;
use super::{Reader, in_model_order, with_line_feeds};
use crate::SourceError;
use mssql2pg_catalog::{Catalog, ExtendedProperty};

/// A property and its host.
pub(super) struct Described {
    pub(super) order: Vec<String>,
    /// The table, if it hangs on a table or a column of one.
    pub(super) table: Option<i64>,
    pub(super) property: ExtendedProperty,
}

/// Hangs properties of tables on them, and all others on the catalog.
pub(super) fn attach(
    reader: &mut Reader<'_>,
    found: &mut Tables,
    catalog: &mut Catalog,
) -> Result<(), SourceError> {
    let answer = reader.ask("extended properties", include_str!("../queries/extended_properties.sql"))?;
    let mut list = answer.rows().map(described).collect::<Result<Vec<_>, _>>()?;
    list.sort_by(|a, b| a.order.cmp(&b.order));
    for Described { table, property, .. } in list {
        match table.and_then(|id| found.get_mut(id)) {
            Some(table) => table.extended_properties.push(property),
            None => catalog.extended_properties.push(ExtendedProperty { column: None, ..property }),
        }
    }
    Ok(())
}

pub(super) fn described(row: AnswerRow<'_>) -> Result<Described, SourceError> {
    let name = row.name("name")?;
    let value = with_line_feeds(row.text("value")?.unwrap_or_default());
    let (class, host) = host(row)?;
    let column = match class {
        "SqlColumn" => host.last().cloned(),
        _ => None,
    };
    let table = match class {
        "SqlTableBase" | "SqlColumn" => Some(row.id("major_id")?),
        _ => None,
    };
    let parts = std::iter::once(class).chain(host.iter().map(String::as_str)).chain([name.as_str()]);
    let order = in_model_order(parts);
    let object = host.join(".");
    Ok(Described { order, table, property: ExtendedProperty { object, column, name, value } })
}

/// The class of a property's host in a model, and the parts of its name.
fn host(row: AnswerRow<'_>) -> Result<(&'static str, Vec<String>), SourceError> {
    let text = |column: &str| row.text(column).map(|text| text.unwrap_or_default().to_owned());
    let object = || Ok::<_, SourceError>(vec![text("object_schema")?, text("object_name")?]);
    let part_of_object = |column: &str| {
        let mut parts = object()?;
        parts.push(text(column)?);
        Ok::<_, SourceError>(parts)
    };
    Ok(match row.id("class")? {
        0 => ("SqlDatabaseOptions", Vec::new()),
        1 if row.text("trigger_name")?.is_some() => ("SqlDatabaseDdlTrigger", vec![text("trigger_name")?]),
        1 if row.id("minor_id")? > 0 => ("SqlColumn", part_of_object("column_name")?),
        1 => {
            let bound = row.int("parent_object_id")? == Some(0);
            (class_of_object(text("object_type")?.trim(), bound), object()?)
        }
        2 => ("SqlSubroutineParameter", part_of_object("parameter_name")?),
        3 => ("SqlSchema", vec![text("schema_name")?]),
        4 => match text("principal_type")?.trim() {
            "R" => ("SqlRole", vec![text("principal_name")?]),
            "A" => ("SqlApplicationRole", vec![text("principal_name")?]),
            _ => ("SqlUser", vec![text("principal_name")?]),
        },
        6 if row.flag("is_table_type")? => ("SqlTableType", vec![text("type_schema")?, text("type_name")?]),
        6 => ("SqlUserDefinedDataType", vec![text("type_schema")?, text("type_name")?]),
        7 => ("SqlIndexBase", part_of_object("index_name")?),
        8 => {
            let column = text("type_column_name")?;
            ("SqlTableTypeColumn", vec![text("type_schema")?, text("type_name")?, column])
        }
        10 => ("SqlXmlSchemaCollection", vec![text("collection_schema")?, text("collection_name")?]),
        20 => match text("data_space_type")?.trim() {
            "PS" => ("SqlPartitionScheme", vec![text("data_space_name")?]),
            _ => ("SqlFilegroup", vec![text("data_space_name")?]),
        },
        21 => ("SqlPartitionFunction", vec![text("partition_function_name")?]),
        _ => {
            let class = text("class_desc")?.to_lowercase().replace('_', " ");
            ("", vec![format!("{class} {}", row.id("major_id")?)])
        }
    })
}

/// `sys.objects.type`; a default without a parent is one of `CREATE DEFAULT`.
fn class_of_object(letters: &str, without_parent: bool) -> &'static str {
    match letters {
        "U" => "SqlTableBase",
        "V" => "SqlView",
        "P" | "PC" | "RF" | "X" => "SqlProcedure",
        "FN" | "FS" | "IF" | "TF" | "FT" => "SqlFunction",
        "AF" => "SqlAggregate",
        "TR" | "TA" => "SqlDmlTrigger",
        "D" if without_parent => "SqlDefault",
        "C" | "D" | "F" | "PK" | "UQ" | "EC" => "SqlConstraint",
        "R" => "SqlRule",
        "SN" => "SqlSynonym",
        "SO" => "SqlSequence",
        "SQ" => "SqlQueue",
        _ => "",
    }
}

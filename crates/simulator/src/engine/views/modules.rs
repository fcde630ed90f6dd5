//! Code: `sys.sql_modules`, procedures, parameters, triggers.

use super::cell::{Cell, variant};
use super::definition::View;
use super::fill::{Fill, row, text};
use super::names::{kind_words, object_kind};
use super::objects::OBJECT;
use super::types_view::declared;
use mssql2pg_catalog::{CodeKind, CodeObject, SqlType};

const MODULE: &str = "object_id:int definition:nvarchar(max)? uses_ansi_nulls:bit? uses_quoted_identifier:bit? \
    is_schema_bound:bit? uses_database_collation:bit? is_recompiled:bit? null_on_null_input:bit? \
    execute_as_principal_id:int? 2014/uses_native_compilation:bit? 2019/inline_type:bit? 2019/is_inlineable:bit?";

const PARAMETER: &str = "object_id:int name:sysname? parameter_id:int system_type_id:tinyint user_type_id:int \
    max_length:smallint precision:tinyint scale:tinyint is_output:bit is_cursor_ref:bit has_default_value:bit \
    is_xml_document:bit default_value:sql_variant? xml_collection_id:int is_readonly:bit 2014/is_nullable:bit? \
    2016/encryption_type:int? 2016/encryption_type_desc:nvarchar(64)? 2016/encryption_algorithm_name:sysname? \
    2016/column_encryption_key_id:int? 2016/column_encryption_key_database_name:sysname?";

const EVENT: &str = "object_id:int type:int type_desc:nvarchar(60)";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::of_object("sys.sql_modules", "object_id", &[MODULE]),
    View::of_object("sys.all_sql_modules", "object_id", &[MODULE]),
    View::of_object(
        "sys.assembly_modules",
        "object_id",
        &[
            "object_id:int assembly_id:int assembly_class:sysname? assembly_method:sysname? null_on_null_input:bit? \
           execute_as_principal_id:int?",
        ],
    ),
    View::of_object(
        "sys.procedures",
        "object_id",
        &[
            OBJECT,
            "is_auto_executed:bit is_execution_replicated:bit? is_repl_serializable_only:bit? \
            skips_repl_constraints:bit?",
        ],
    ),
    View::of_object("sys.parameters", "object_id", &[PARAMETER]),
    View::of_object("sys.all_parameters", "object_id", &[PARAMETER]),
    View::of_object(
        "sys.triggers",
        "object_id",
        &["name:sysname object_id:int parent_class:tinyint parent_class_desc:nvarchar(60)? parent_id:int \
           type:char(2) type_desc:nvarchar(60)? create_date:datetime modify_date:datetime is_ms_shipped:bit \
           is_disabled:bit is_not_for_replication:bit is_instead_of_trigger:bit"],
    ),
    View::of_object(
        "sys.trigger_events",
        "object_id",
        &[
            EVENT,
            "is_first:bit? is_last:bit? event_group_type:int? event_group_type_desc:nvarchar(60)? \
                  is_trigger_event:bit?",
        ],
    ),
    View::of_object(
        "sys.events",
        "object_id",
        &[EVENT, "is_trigger_event:bit? event_group_type:int? event_group_type_desc:nvarchar(60)?"],
    ),
    View::of_object(
        "sys.numbered_procedures",
        "object_id",
        &["object_id:int procedure_number:smallint definition:nvarchar(max)?"],
    ),
    View::of_object(
        "sys.sql_expression_dependencies",
        "referencing_id",
        &["referencing_id:int referencing_minor_id:int referencing_class:tinyint? \
           referencing_class_desc:nvarchar(60)? is_schema_bound_reference:bit referenced_class:tinyint? \
           referenced_class_desc:nvarchar(60)? referenced_server_name:sysname? referenced_database_name:sysname? \
           referenced_schema_name:sysname? referenced_entity_name:sysname? referenced_id:int? \
           referenced_minor_id:int is_caller_dependent:bit is_ambiguous:bit"],
    ),
];

/// Fills the views of code.
pub(super) fn fill(fill: &mut Fill<'_>) {
    for code in &fill.catalog.code {
        let Some(id) = fill.names.code_id(code) else { continue };
        let kind = object_kind(code).unwrap_or_default();
        if code.missing_text.as_deref() == Some("CLR") || code.kind == CodeKind::Aggregate {
            let cells = row![
                "object_id" => id, "assembly_id" => 65536, "assembly_class" => text(&code.name.name),
                "assembly_method" => text(&code.name.name), "null_on_null_input" => false,
            ];
            fill.add("sys.assembly_modules", cells);
        } else {
            add_module(fill, id, code);
        }
        match code.kind {
            CodeKind::Procedure => {
                let cells = [fill.object_row(id), row!["is_execution_replicated" => false]].concat();
                fill.add("sys.procedures", cells);
            }
            CodeKind::Trigger | CodeKind::DatabaseTrigger => add_trigger(fill, id, code, kind),
            _ => {}
        }
        add_parameters(fill, id, code);
    }
}

fn add_module(fill: &mut Fill<'_>, id: i32, code: &CodeObject) {
    let text_cell = if code.missing_text.is_some() { Cell::Null } else { text(&code.text) };
    let folded = code.text.to_ascii_lowercase();
    let bound = folded.contains("with schemabinding") || folded.contains(", schemabinding");
    let cells = row![
        "object_id" => id, "definition" => text_cell, "uses_ansi_nulls" => true, "uses_quoted_identifier" => true,
        "is_schema_bound" => bound, "uses_database_collation" => false, "is_recompiled" => false,
        "null_on_null_input" => false, "uses_native_compilation" => folded.contains("native_compilation"),
        "inline_type" => code.kind == CodeKind::ScalarFunction,
        "is_inlineable" => code.kind == CodeKind::ScalarFunction,
    ];
    fill.add("sys.sql_modules", cells.clone());
    fill.add("sys.all_sql_modules", cells);
}

fn add_parameters(fill: &mut Fill<'_>, id: i32, code: &CodeObject) {
    // What a scalar function returns is its parameter 0, without a name.
    if let Some(returns) = &code.returns {
        let mut cells = row![
            "object_id" => id, "name" => text(""), "parameter_id" => 0, "is_output" => true, "is_nullable" => true,
        ];
        cells.extend(declared(fill, returns, None));
        fill.add("sys.parameters", cells.clone());
        fill.add("sys.all_parameters", cells);
    }
    for (parameter, place) in code.parameters.iter().zip(1i64..) {
        fill.names.parameters.entry(id).or_default().push(parameter.name.clone());
        let is_table = matches!(&parameter.sql_type, SqlType::Unknown { name }
        if fill.catalog.code.iter().any(|code| {
            code.kind == CodeKind::TableType && code.name.to_string() == *name
        }));
        // Only CLR code has its defaults in the view; those of T-SQL stand in its text.
        let clr = code.missing_text.as_deref() == Some("CLR");
        let default = parameter.default.as_deref().filter(|_| clr);
        let mut cells = row![
            "object_id" => id, "name" => text(&parameter.name), "parameter_id" => place,
            "is_output" => parameter.output, "has_default_value" => default.is_some(),
            "default_value" => default.map_or(Cell::Null, |value| variant("nvarchar(4000)", text(value))),
            "is_readonly" => is_table, "is_nullable" => true,
        ];
        cells.extend(declared(fill, &parameter.sql_type, None));
        fill.add("sys.parameters", cells.clone());
        fill.add("sys.all_parameters", cells);
    }
}

fn add_trigger(fill: &mut Fill<'_>, id: i32, code: &CodeObject, kind: &'static str) {
    let on_database = code.kind == CodeKind::DatabaseTrigger;
    let parent = fill.names.object(id).map_or(0, |object| object.parent);
    let folded: String = code.text.to_ascii_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let head = folded.split(" as ").next().unwrap_or_default();
    let created = fill.facts.create_date().as_datetime().0;
    let cells = row![
        "name" => text(&code.name.name), "object_id" => id, "parent_class" => i64::from(!on_database),
        "parent_class_desc" => text(if on_database { "DATABASE" } else { "OBJECT_OR_COLUMN" }),
        "parent_id" => parent, "type" => text(kind), "type_desc" => text(kind_words(kind)),
        "create_date" => created, "modify_date" => created,
        "is_not_for_replication" => head.contains("not for replication"),
        "is_instead_of_trigger" => head.contains("instead of"),
    ];
    fill.add("sys.triggers", cells);
    let events = [
        (1, "INSERT"),
        (2, "UPDATE"),
        (3, "DELETE"),
        (21, "CREATE_TABLE"),
        (22, "ALTER_TABLE"),
        (23, "DROP_TABLE"),
    ];
    for (number, word) in events {
        if (number > 3) != on_database || !head.contains(&word.to_ascii_lowercase()) {
            continue;
        }
        let cells =
            row!["object_id" => id, "type" => number, "type_desc" => text(word), "is_trigger_event" => true];
        fill.add("sys.events", cells.clone());
        fill.add("sys.trigger_events", [cells, row!["is_first" => false, "is_last" => false]].concat());
    }
}

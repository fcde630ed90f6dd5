//! Schemas and what stands in them: `sys.schemas`, `sys.objects`, `sys.tables`, `sys.views`, sequences, synonyms.

use super::cell::{Cell, variant, wide_integer};
use super::definition::View;
use super::fill::{Fill, row, text};
use super::names::NamedObject;
use super::types::{numbers, parse_type};
use mssql2pg_catalog::{CodeKind, SqlType, Table};

/// The columns that all objects have.
pub(super) const OBJECT: &str = "name:sysname object_id:int principal_id:int? schema_id:int parent_object_id:int \
    type:char(2)? type_desc:nvarchar(60)? create_date:datetime modify_date:datetime is_ms_shipped:bit \
    is_published:bit is_schema_published:bit";

const TABLE: &str = "lob_data_space_id:int filestream_data_space_id:int? max_column_id_used:int \
    lock_on_bulk_load:bit uses_ansi_nulls:bit? is_replicated:bit? has_replication_filter:bit? \
    is_merge_published:bit? is_sync_tran_subscribed:bit? has_unchecked_assembly_data:bit text_in_row_limit:int? \
    large_value_types_out_of_row:bit? is_tracked_by_cdc:bit? lock_escalation:tinyint? \
    lock_escalation_desc:nvarchar(60)? is_filetable:bit? 2014/is_memory_optimized:bit? 2014/durability:tinyint? \
    2014/durability_desc:nvarchar(60)? 2016/temporal_type:tinyint? 2016/temporal_type_desc:nvarchar(60)? \
    2016/history_table_id:int? 2016/is_remote_data_archive_enabled:bit? 2016/is_external:bit \
    2017/history_retention_period:int? 2017/history_retention_period_unit:int? \
    2017/history_retention_period_unit_desc:nvarchar(10)? 2017/is_node:bit? 2017/is_edge:bit? \
    2022/data_retention_period:int? 2022/data_retention_period_unit:int? \
    2022/data_retention_period_unit_desc:nvarchar(10)? 2022/ledger_type:tinyint? 2022/ledger_type_desc:nvarchar(60)? \
    2022/ledger_view_id:int? 2022/is_dropped_ledger_table:bit?";

const VIEW: &str = "is_replicated:bit? has_replication_filter:bit? has_opaque_metadata:bit \
    has_unchecked_assembly_data:bit with_check_option:bit is_date_correlation_view:bit is_tracked_by_cdc:bit? \
    2019/has_snapshot:bit? 2022/ledger_view_type:tinyint? 2022/ledger_view_type_desc:nvarchar(60)? \
    2022/is_dropped_ledger_view:bit?";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::open("sys.schemas", &["name:sysname schema_id:int principal_id:int?"]),
    View::of_object("sys.objects", "object_id", &[OBJECT]),
    View::of_object("sys.all_objects", "object_id", &[OBJECT]),
    View::open("sys.system_objects", &[OBJECT]),
    View::of_object("sys.tables", "object_id", &[OBJECT, TABLE]),
    View::of_object("sys.views", "object_id", &[OBJECT, VIEW]),
    View::of_object("sys.all_views", "object_id", &[OBJECT, VIEW]),
    View::of_object(
        "sys.external_tables",
        "object_id",
        &[
            OBJECT,
            "max_column_id_used:int uses_ansi_nulls:bit? data_source_id:int file_format_id:int? \
            location:nvarchar(4000)? reject_type:varchar(20)? reject_value:float? reject_sample_value:float? \
            distribution_type:int? distribution_desc:nvarchar(120)? sharding_col_id:int? \
            remote_schema_name:sysname? remote_object_name:sysname? 2022/rejected_row_location:nvarchar(4000)?",
        ],
    )
    .since(13),
    View::of_object(
        "sys.periods",
        "object_id",
        &["name:sysname period_type:tinyint? period_type_desc:nvarchar(60)? object_id:int start_column_id:int \
           end_column_id:int"],
    )
    .since(13),
    View::of_object(
        "sys.sequences",
        "object_id",
        &[
            OBJECT,
            "start_value:sql_variant increment:sql_variant minimum_value:sql_variant? maximum_value:sql_variant? \
            is_cycling:bit? is_cached:bit? cache_size:int? system_type_id:tinyint user_type_id:int \
            precision:tinyint scale:tinyint? current_value:sql_variant is_exhausted:bit \
            2017/last_used_value:sql_variant?",
        ],
    ),
    View::of_object("sys.synonyms", "object_id", &[OBJECT, "base_object_name:nvarchar(1035)?"]),
    View::of_object(
        "INFORMATION_SCHEMA.TABLES",
        "@object_id",
        &["TABLE_CATALOG:nvarchar(128)? TABLE_SCHEMA:sysname? TABLE_NAME:sysname TABLE_TYPE:varchar(10)? \
           @object_id:int"],
    ),
];

/// Fills `sys.schemas`.
pub(super) fn fill_schemas(fill: &mut Fill<'_>) {
    for (name, id) in fill.names.schemas.clone() {
        let owner = match id {
            2..=4 => id,
            id if id >= 16384 => id,
            _ => 1,
        };
        fill.add("sys.schemas", row!["name" => text(&name), "schema_id" => id, "principal_id" => owner]);
    }
}

/// Fills `sys.tables` and what leans on it.
pub(super) fn fill_tables(fill: &mut Fill<'_>) {
    let tables = &fill.catalog.tables;
    for table in tables {
        let Some(id) = fill.names.table_id(&table.name) else { continue };
        let has = |word: &str| table.traits.iter().any(|found| found == word);
        let is_history = has("history-table");
        let is_versioned = has("system-versioned");
        let history = if is_versioned { history_table(fill, table) } else { None };
        let (temporal, temporal_desc) = match (is_versioned, is_history) {
            (true, _) => (2, "SYSTEM_VERSIONED_TEMPORAL_TABLE"),
            (_, true) => (1, "HISTORY_TABLE"),
            _ => (0, "NON_TEMPORAL_TABLE"),
        };
        let retention = is_versioned.then_some(-1);
        let columns = i64::try_from(table.columns.len()).unwrap_or(0);
        let large = table.columns.iter().any(|column| numbers(&column.sql_type).max_length == -1);
        let (ledger, ledger_desc) =
            if has("ledger") { (2, "UPDATABLE_LEDGER_TABLE") } else { (0, "NON_LEDGER_TABLE") };
        let extra = row![
            "lob_data_space_id" => i64::from(large),
            "max_column_id_used" => columns,
            "uses_ansi_nulls" => true,
            "is_replicated" => has("replicated"),
            "has_replication_filter" => false, "is_merge_published" => false,
            "is_sync_tran_subscribed" => false, "text_in_row_limit" => 0,
            "large_value_types_out_of_row" => false, "is_tracked_by_cdc" => has("change-data-capture"),
            "lock_escalation" => 0, "lock_escalation_desc" => text("TABLE"),
            "is_filetable" => has("file-table"),
            "is_memory_optimized" => has("memory-optimized"),
            "durability" => 0, "durability_desc" => text("SCHEMA_AND_DATA"),
            "temporal_type" => temporal, "temporal_type_desc" => text(temporal_desc),
            "history_table_id" => history,
            "is_remote_data_archive_enabled" => has("stretch"),
            "is_external" => has("external"),
            "history_retention_period" => retention,
            "history_retention_period_unit" => retention,
            "history_retention_period_unit_desc" => retention.map(|_| "INFINITE".to_owned()),
            "is_node" => has("graph-node"), "is_edge" => has("graph-edge"),
            "ledger_type" => ledger, "ledger_type_desc" => text(ledger_desc),
            "is_dropped_ledger_table" => false,
        ];
        let object = fill.object_row(id);
        if has("external") {
            let more =
                row!["max_column_id_used" => columns, "uses_ansi_nulls" => true, "data_source_id" => 65536];
            fill.add("sys.external_tables", [object.clone(), more].concat());
        }
        if is_versioned && let [.., start, end] = &period_columns(table)[..] {
            fill.add(
                "sys.periods",
                row![
                    "name" => text("SYSTEM_TIME"), "period_type" => 1,
                    "period_type_desc" => text("SYSTEM_TIME_PERIOD"), "object_id" => id,
                    "start_column_id" => *start, "end_column_id" => *end,
                ],
            );
        }
        fill.add("sys.tables", [object, extra].concat());
        information_table(fill, id, "BASE TABLE");
    }
}

/// The numbers of the columns that could be those of a period: the not nullable ones of `datetime2`.
pub(super) fn period_columns(table: &Table) -> Vec<i64> {
    let numbered = table.columns.iter().zip(1i64..);
    let times = numbered.filter(|(column, _)| {
        matches!(column.sql_type, SqlType::DateTime2 { .. }) && !column.nullable && column.computed.is_none()
    });
    let mut ids: Vec<_> = times.map(|(_, id)| id).collect();
    if ids.len() < 2 {
        ids.clear();
    }
    ids
}

/// The history table of a table: the one that carries its name, else any.
fn history_table(fill: &Fill<'_>, table: &Table) -> Option<i32> {
    let histories = || {
        let tables = fill.catalog.tables.iter();
        tables.filter(|other| other.traits.iter().any(|found| found == "history-table"))
    };
    let id = fill.names.table_id(&table.name)?;
    let tail = format!("_{id}");
    let found = histories()
        .find(|other| other.name.name.ends_with(&tail))
        .or_else(|| histories().find(|other| other.name.name.contains(&table.name.name)))
        .or_else(|| histories().next());
    fill.names.table_id(&found?.name)
}

fn information_table(fill: &mut Fill<'_>, id: i32, kind: &str) {
    let Some(object) = fill.names.object(id) else { return };
    let cells = row![
        "TABLE_CATALOG" => text(&fill.facts.database_name),
        "TABLE_SCHEMA" => text(&object.schema), "TABLE_NAME" => text(&object.name),
        "TABLE_TYPE" => text(kind), "@object_id" => id,
    ];
    fill.add("INFORMATION_SCHEMA.TABLES", cells);
}

/// Fills `sys.views`.
pub(super) fn fill_views(fill: &mut Fill<'_>) {
    let code = &fill.catalog.code;
    for view in code.iter().filter(|code| code.kind == CodeKind::View) {
        let Some(id) = fill.names.code_id(view) else { continue };
        let checked = view.text.to_ascii_lowercase().contains("with check option");
        let extra = row![
            "is_replicated" => false, "has_replication_filter" => false, "with_check_option" => checked,
            "is_tracked_by_cdc" => false, "has_snapshot" => false, "ledger_view_type" => 0,
            "ledger_view_type_desc" => text("NON_LEDGER_VIEW"), "is_dropped_ledger_view" => false,
        ];
        let cells = [fill.object_row(id), extra].concat();
        fill.add("sys.views", cells.clone());
        fill.add("sys.all_views", cells);
        information_table(fill, id, "VIEW");
    }
}

/// Fills `sys.sequences` and `sys.synonyms`.
pub(super) fn fill_sequences_and_synonyms(fill: &mut Fill<'_>) {
    let catalog = fill.catalog;
    for sequence in &catalog.sequences {
        let id = fill.new_object(&sequence.name.schema, &sequence.name.name, "SO", 0);
        let base = sequence.sql_type.to_string();
        let numbers = numbers(&sequence.sql_type);
        let (low, high) = bounds(&sequence.sql_type);
        let value = |number: i128| variant(&base, wide_integer(number));
        let current = sequence.current_value.unwrap_or(sequence.start);
        let extra = row![
            "start_value" => value(sequence.start), "increment" => value(sequence.increment),
            "minimum_value" => value(sequence.minimum.unwrap_or(low)),
            "maximum_value" => value(sequence.maximum.unwrap_or(high)),
            "is_cycling" => sequence.cycle, "is_cached" => true,
            "system_type_id" => numbers.system_type_id, "user_type_id" => numbers.user_type_id,
            "precision" => numbers.precision, "scale" => numbers.scale,
            "current_value" => value(current),
            "last_used_value" => sequence.current_value.map_or(Cell::Null, value),
        ];
        let cells = [fill.object_row(id), extra].concat();
        fill.add("sys.sequences", cells);
    }
    for synonym in &catalog.synonyms {
        let id = fill.new_object(&synonym.name.schema, &synonym.name.name, "SN", 0);
        let cells = [fill.object_row(id), row!["base_object_name" => text(&synonym.target)]].concat();
        fill.add("sys.synonyms", cells);
    }
}

/// The lowest and highest number of a type, which a sequence has that does not say otherwise.
fn bounds(sql_type: &SqlType) -> (i128, i128) {
    match sql_type {
        SqlType::TinyInt => (0, 255),
        SqlType::SmallInt => (i16::MIN.into(), i16::MAX.into()),
        SqlType::Int => (i32::MIN.into(), i32::MAX.into()),
        SqlType::Decimal { precision, .. } => {
            let bound = 10i128.pow(u32::from((*precision).min(38))) - 1;
            (-bound, bound)
        }
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// Fills `sys.objects` and `sys.all_objects` from the objects that were made, and adds the views themselves.
pub(super) fn fill_objects(fill: &mut Fill<'_>) {
    for id in fill.names.object_ids() {
        let cells = fill.object_row(id);
        let is_system = fill.names.object(id).is_some_and(NamedObject::is_system);
        let listed = fill.names.object(id).is_some_and(|object| object.listed);
        if is_system {
            fill.add("sys.system_objects", cells.clone());
            if fill.names.object(id).is_some_and(|object| object.kind == "V") {
                fill.add("sys.all_views", cells.clone());
            }
        } else if listed {
            fill.add("sys.objects", cells.clone());
        }
        if listed || is_system {
            fill.add("sys.all_objects", cells);
        }
    }
}

/// The type of an alias for `sysname`.
pub(super) fn sysname() -> SqlType {
    parse_type("sysname").unwrap_or(SqlType::NText)
}

//! Where rows lie: partitions, allocation units, data spaces, files; and change tracking.

use super::cell::{Cell, variant};
use super::definition::View;
use super::fill::{Fill, row, text};

const DATA_SPACE: &str =
    "name:sysname data_space_id:int type:char(2) type_desc:nvarchar(60)? is_default:bit? is_system:bit?";

const FILE: &str = "file_id:int file_guid:uniqueidentifier? type:tinyint type_desc:nvarchar(60)? data_space_id:int \
    name:sysname physical_name:nvarchar(260)? state:tinyint? state_desc:nvarchar(60)? size:int max_size:int growth:int \
    is_media_read_only:bit is_read_only:bit is_sparse:bit is_percent_growth:bit is_name_reserved:bit \
    2019/is_persistent_log_buffer:bit create_lsn:numeric(25,0)? drop_lsn:numeric(25,0)? read_only_lsn:numeric(25,0)? \
    read_write_lsn:numeric(25,0)? differential_base_lsn:numeric(25,0)? differential_base_guid:uniqueidentifier? \
    differential_base_time:datetime? redo_start_lsn:numeric(25,0)? redo_start_fork_guid:uniqueidentifier? \
    redo_target_lsn:numeric(25,0)? redo_target_fork_guid:uniqueidentifier? backup_lsn:numeric(25,0)?";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::of_object(
        "sys.partitions",
        "object_id",
        &["partition_id:bigint object_id:int index_id:int partition_number:int hobt_id:bigint rows:bigint? \
           filestream_filegroup_id:smallint data_compression:tinyint data_compression_desc:nvarchar(60)? \
           2022/xml_compression:bit? 2022/xml_compression_desc:varchar(3)?"],
    ),
    View::open(
        "sys.allocation_units",
        &[
            "allocation_unit_id:bigint type:tinyint type_desc:nvarchar(60)? container_id:bigint data_space_id:int? \
           total_pages:bigint used_pages:bigint data_pages:bigint",
        ],
    ),
    View::of_object(
        "sys.dm_db_partition_stats",
        "object_id",
        &[
            "partition_id:bigint? object_id:int index_id:int partition_number:int in_row_data_page_count:bigint? \
           in_row_used_page_count:bigint? in_row_reserved_page_count:bigint? lob_used_page_count:bigint? \
           lob_reserved_page_count:bigint? row_overflow_used_page_count:bigint? \
           row_overflow_reserved_page_count:bigint? used_page_count:bigint? reserved_page_count:bigint? \
           row_count:bigint?",
        ],
    ),
    View::open("sys.data_spaces", &[DATA_SPACE]),
    View::open(
        "sys.filegroups",
        &[
            DATA_SPACE,
            "filegroup_guid:uniqueidentifier? log_filegroup_id:int? is_read_only:bit? \
            2016/is_autogrow_all_files:bit?",
        ],
    ),
    View::open("sys.partition_schemes", &[DATA_SPACE, "function_id:int"]),
    View::open(
        "sys.destination_data_spaces",
        &["partition_scheme_id:int destination_id:int data_space_id:int"],
    ),
    View::open(
        "sys.partition_functions",
        &["name:sysname function_id:int type:char(2) type_desc:nvarchar(60)? fanout:int \
           boundary_value_on_right:bit is_system:bit? create_date:datetime modify_date:datetime"],
    ),
    View::open(
        "sys.partition_parameters",
        &["function_id:int parameter_id:int system_type_id:tinyint max_length:smallint precision:tinyint \
           scale:tinyint collation_name:sysname? user_type_id:int"],
    ),
    View::open(
        "sys.partition_range_values",
        &["function_id:int boundary_id:int parameter_id:int value:sql_variant?"],
    ),
    View::open("sys.database_files", &[FILE]),
    View::hidden("sys.master_files", &["database_id:int", FILE, "2014/credential_id:int?"]),
    View::open(
        "sys.change_tracking_databases",
        &["database_id:int is_auto_cleanup_on:bit? retention_period:int? retention_period_units:tinyint? \
           retention_period_units_desc:nvarchar(60)? 2022/max_cleanup_version:bigint?"],
    ),
    View::of_object(
        "sys.change_tracking_tables",
        "object_id",
        &["object_id:int is_track_columns_updated_on:bit min_valid_version:bigint? begin_version:bigint? \
           cleanup_version:bigint?"],
    ),
];

/// The data space of tables that are partitioned; a catalog does not tell by what.
pub(super) const PARTITION_SCHEME: i32 = 65601;
const PARTITION_FUNCTION: i64 = 65536;
/// Bytes of a page.
const PAGE: u64 = 8192;

/// Fills partitions, data spaces, files and change tracking.
pub(super) fn fill(fill: &mut Fill<'_>) {
    let mut partitioned = false;
    for table in &fill.catalog.tables {
        let Some(id) = fill.names.table_id(&table.name) else { continue };
        let of = i64::from(table.traits.iter().any(|found| found == "partitioned")) + 1;
        partitioned |= of > 1;
        let rows = table.estimated_rows.unwrap_or(0);
        let pages = table.estimated_bytes.unwrap_or(0).div_ceil(PAGE);
        let indexes: Vec<i32> = fill
            .names
            .indexes
            .get(&id)
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(|index| index.id)
            .collect();
        let heap = if indexes.contains(&1) { None } else { Some(0) };
        let plain = indexes.into_iter().filter(|index| *index < 256_000);
        for index in heap.into_iter().chain(plain) {
            let pages = if index < 2 { pages } else { 0 };
            for partition in 1..=of {
                // The first partition has what does not go evenly.
                let share = |all: u64| {
                    let all = i64::try_from(all).unwrap_or(i64::MAX);
                    if partition == 1 { all - all / of * (of - 1) } else { all / of }
                };
                add_partition(fill, (id, index, partition), share(rows), share(pages));
            }
        }
    }
    fill_spaces(fill, partitioned);
    fill_files(fill);
    fill_change_tracking(fill);
}

fn add_partition(fill: &mut Fill<'_>, (id, index, partition): (i32, i32, i64), rows: i64, pages: i64) {
    let number = 72_057_594_000_000_000 + i64::from(id) * 65_536 + i64::from(index) * 64 + partition;
    fill.add(
        "sys.partitions",
        row![
            "partition_id" => number, "object_id" => id, "index_id" => index, "partition_number" => partition,
            "hobt_id" => number, "rows" => rows, "data_compression_desc" => text("NONE"),
            "xml_compression" => false, "xml_compression_desc" => text("OFF"),
        ],
    );
    fill.add(
        "sys.allocation_units",
        row![
            "allocation_unit_id" => number + 1_000_000_000_000, "type" => 1, "type_desc" => text("IN_ROW_DATA"),
            "container_id" => number, "data_space_id" => 1, "total_pages" => pages, "used_pages" => pages,
            "data_pages" => pages,
        ],
    );
    fill.add(
        "sys.dm_db_partition_stats",
        row![
            "partition_id" => number, "object_id" => id, "index_id" => index, "partition_number" => partition,
            "in_row_data_page_count" => pages, "in_row_used_page_count" => pages,
            "in_row_reserved_page_count" => pages, "lob_used_page_count" => 0, "lob_reserved_page_count" => 0,
            "row_overflow_used_page_count" => 0, "row_overflow_reserved_page_count" => 0,
            "used_page_count" => pages, "reserved_page_count" => pages, "row_count" => rows,
        ],
    );
}

fn fill_spaces(fill: &mut Fill<'_>, partitioned: bool) {
    let primary = row![
        "name" => text("PRIMARY"), "data_space_id" => 1, "type" => text("FG"),
        "type_desc" => text("ROWS_FILEGROUP"), "is_default" => true, "is_system" => false,
    ];
    fill.add("sys.data_spaces", primary.clone());
    let more = row!["is_read_only" => false, "is_autogrow_all_files" => false];
    fill.add("sys.filegroups", [primary, more].concat());
    if !partitioned || fill.has_rows("sys.partition_schemes") {
        return;
    }
    let scheme = row![
        "name" => text("PartitionScheme"), "data_space_id" => PARTITION_SCHEME, "type" => text("PS"),
        "type_desc" => text("PARTITION_SCHEME"), "is_default" => false, "is_system" => false,
    ];
    fill.add("sys.data_spaces", scheme.clone());
    fill.add("sys.partition_schemes", [scheme, row!["function_id" => PARTITION_FUNCTION]].concat());
    let created = fill.facts.create_date().as_datetime().0;
    let function = row![
        "name" => text("PartitionFunction"), "function_id" => PARTITION_FUNCTION, "type" => text("R"),
        "type_desc" => text("RANGE"), "fanout" => 2, "boundary_value_on_right" => true, "is_system" => false,
        "create_date" => created, "modify_date" => created,
    ];
    fill.add("sys.partition_functions", function);
    let parameter = row![
        "function_id" => PARTITION_FUNCTION, "parameter_id" => 1, "system_type_id" => 56, "max_length" => 4,
        "precision" => 10, "user_type_id" => 56,
    ];
    fill.add("sys.partition_parameters", parameter);
    let boundary = row![
        "function_id" => PARTITION_FUNCTION, "boundary_id" => 1, "parameter_id" => 1,
        "value" => variant("int", Cell::Integer(0)),
    ];
    fill.add("sys.partition_range_values", boundary);
    for place in 1..=2 {
        let cells = row![
            "partition_scheme_id" => PARTITION_SCHEME, "destination_id" => place, "data_space_id" => 1,
        ];
        fill.add("sys.destination_data_spaces", cells);
    }
}

fn fill_files(fill: &mut Fill<'_>) {
    let database = fill.facts.database_id;
    let is_snapshot = fill.facts.database().is_some_and(|found| found.source_database_id.is_some());
    for file in &fill.facts.files {
        let (kind, words) = if file.is_log { (1, "LOG") } else { (0, "ROWS") };
        let cells = row![
            "file_id" => file.id, "type" => kind, "type_desc" => text(words), "data_space_id" => i64::from(!file.is_log),
            "name" => text(&file.name), "physical_name" => text(&file.physical_name), "state" => 0,
            "state_desc" => text("ONLINE"), "size" => file.pages, "max_size" => -1, "growth" => 8192,
            "is_sparse" => is_snapshot, "is_read_only" => is_snapshot,
        ];
        fill.add("sys.master_files", [cells.clone(), row!["database_id" => database]].concat());
        fill.add("sys.database_files", cells);
    }
}

fn fill_change_tracking(fill: &mut Fill<'_>) {
    let marked = fill.catalog.tables.iter();
    let marked = marked.filter(|table| table.traits.iter().any(|found| found == "change-tracked"));
    let marked: Vec<_> = marked.map(|table| table.name.clone()).collect();
    let tracking = match &fill.facts.change_tracking {
        None if marked.is_empty() => return,
        tracking => tracking.clone().unwrap_or_default(),
    };
    let cells = row![
        "database_id" => fill.facts.database_id, "is_auto_cleanup_on" => true, "retention_period" => 2,
        "retention_period_units" => 3, "retention_period_units_desc" => text("DAYS"),
    ];
    fill.add("sys.change_tracking_databases", cells);
    let more = marked.iter().filter(|table| !tracking.tables.contains(table));
    for table in tracking.tables.iter().chain(more) {
        let Some(id) = fill.names.table_id(table) else { continue };
        let version = tracking.min_valid_version;
        let cells = row![
            "object_id" => id, "min_valid_version" => version, "begin_version" => version, "cleanup_version" => version,
        ];
        fill.add("sys.change_tracking_tables", cells);
    }
}

//! `sys.indexes`, its kinds, their columns, and the statistics that stand behind each.

use super::definition::View;
use super::fill::{Fill, row, text};
use super::keys::add_key;
use super::names::NamedIndex;
use mssql2pg_catalog::{Index, IndexColumn, IndexKind, Key, Table};

const INDEX: &str = "object_id:int name:sysname? index_id:int type:tinyint type_desc:nvarchar(60)? is_unique:bit? \
    data_space_id:int? ignore_dup_key:bit? is_primary_key:bit? is_unique_constraint:bit? fill_factor:tinyint \
    is_padded:bit? is_disabled:bit? is_hypothetical:bit? 2017/is_ignored_in_optimization:bit? allow_row_locks:bit? \
    allow_page_locks:bit? has_filter:bit?";

const INDEX_END: &str = "filter_definition:nvarchar(max)? 2016/compression_delay:int? \
    2017/suppress_dup_key_messages:bit? 2017/auto_created:bit? 2019/optimize_for_sequential_key:bit?";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::of_object("sys.indexes", "object_id", &[INDEX, INDEX_END]),
    View::of_object(
        "sys.index_columns",
        "object_id",
        &["object_id:int index_id:int index_column_id:int column_id:int key_ordinal:tinyint \
           partition_ordinal:tinyint is_descending_key:bit? is_included_column:bit? \
           2022/column_store_order_ordinal:tinyint"],
    ),
    View::of_object(
        "sys.xml_indexes",
        "object_id",
        &[
            INDEX,
            "filter_definition:nvarchar(max)? using_xml_index_id:int? secondary_type:char(1)? \
            secondary_type_desc:nvarchar(60)? xml_index_type:tinyint? xml_index_type_desc:nvarchar(60)? path_id:int?",
        ],
    ),
    View::of_object(
        "sys.spatial_indexes",
        "object_id",
        &[
            INDEX,
            "filter_definition:nvarchar(max)? spatial_index_type:tinyint spatial_index_type_desc:nvarchar(60)? \
            tessellation_scheme:sysname? 2017/auto_created:bit?",
        ],
    ),
    View::of_object("sys.hash_indexes", "object_id", &[INDEX, INDEX_END, "bucket_count:int"]).since(12),
    View::of_object(
        "sys.fulltext_indexes",
        "object_id",
        &["object_id:int unique_index_id:int fulltext_catalog_id:int? is_enabled:bit \
           change_tracking_state:char(1)? change_tracking_state_desc:nvarchar(60)? has_crawl_completed:bit \
           crawl_type:char(1) crawl_type_desc:nvarchar(60)? crawl_start_date:datetime? crawl_end_date:datetime? \
           incremental_timestamp:binary(8)? stoplist_id:int? data_space_id:int property_list_id:int?"],
    ),
    View::of_object(
        "sys.fulltext_index_columns",
        "object_id",
        &["object_id:int column_id:int type_column_id:int? language_id:int statistical_semantics:int"],
    ),
    View::open(
        "sys.fulltext_catalogs",
        &[
            "fulltext_catalog_id:int name:sysname path:nvarchar(260)? is_default:bit is_accent_sensitivity_on:bit \
           data_space_id:int? file_id:int? principal_id:int? is_importing:bit",
        ],
    ),
    View::of_object(
        "sys.stats",
        "object_id",
        &["object_id:int name:sysname? stats_id:int auto_created:bit? user_created:bit? no_recompute:bit? \
           has_filter:bit? filter_definition:nvarchar(max)? is_temporary:bit? 2014/is_incremental:bit? \
           2019/has_persisted_sample:bit? 2019/stats_generation_method:int \
           2019/stats_generation_method_desc:varchar(80) 2022/auto_drop:bit?"],
    ),
    View::of_object(
        "sys.stats_columns",
        "object_id",
        &["object_id:int stats_id:int stats_column_id:int? column_id:int?"],
    ),
];

/// What an index is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexFacts<'a> {
    pub(super) id: i32,
    pub(super) kind: IndexKind,
    pub(super) clustered: bool,
    pub(super) unique: bool,
    pub(super) primary: bool,
    pub(super) constraint: bool,
    pub(super) disabled: bool,
    pub(super) columns: &'a [IndexColumn],
    pub(super) included: &'a [String],
    pub(super) filter: Option<&'a str>,
    /// The data space.
    pub(super) space: i32,
}

/// The numbers that XML and spatial indexes begin with.
const FIRST_XML: i32 = 256_000;
const FIRST_SPATIAL: i32 = 384_000;

/// Fills the keys and indexes of all tables.
pub(super) fn fill(fill: &mut Fill<'_>) {
    for table in &fill.catalog.tables {
        let Some(id) = fill.names.table_id(&table.name) else { continue };
        fill_table(fill, id, table);
    }
}

fn fill_table(fill: &mut Fill<'_>, id: i32, table: &Table) {
    let is_clustered = table.primary_key.iter().chain(&table.unique).any(|key| key.clustered)
        || table.indexes.iter().any(|index| index.clustered);
    let has = |word: &str| table.traits.iter().any(|found| found == word);
    let space = if has("partitioned") { super::storage::PARTITION_SCHEME } else { 1 };
    if !is_clustered && !has("memory-optimized") {
        fill.names.indexes.entry(id).or_default();
        let cells = row![
            "object_id" => id, "index_id" => 0, "type" => 0, "type_desc" => text("HEAP"), "is_unique" => false,
            "data_space_id" => space, "ignore_dup_key" => false, "is_primary_key" => false,
            "is_unique_constraint" => false, "is_padded" => false, "is_disabled" => false,
            "is_hypothetical" => false, "is_ignored_in_optimization" => false, "allow_row_locks" => true,
            "allow_page_locks" => true, "has_filter" => false, "suppress_dup_key_messages" => false,
            "auto_created" => false, "optimize_for_sequential_key" => false,
        ];
        fill.add("sys.indexes", cells);
    }
    let mut next = Numbers { plain: 1, xml: FIRST_XML, spatial: FIRST_SPATIAL };
    let keys = table.primary_key.iter().map(|key| (key, "PK"));
    for (key, kind) in keys.chain(table.unique.iter().map(|key| (key, "UQ"))) {
        let number = next.take(IndexKind::BTree, key.clustered);
        add_key(fill, id, key.name.as_deref(), kind, key_facts(key, kind, number, space));
    }
    for index in &table.indexes {
        if index.kind == IndexKind::FullText {
            add_full_text(fill, id, index);
            continue;
        }
        let number = next.take(index.kind, index.clustered);
        let facts = IndexFacts {
            id: number,
            kind: index.kind,
            clustered: index.clustered,
            unique: index.unique,
            primary: false,
            constraint: false,
            disabled: index.disabled,
            columns: &index.columns,
            included: &index.included,
            filter: index.filter.as_deref(),
            space,
        };
        add_index(fill, id, &index.name, facts);
    }
}

/// The numbers that the next indexes of a table get.
#[derive(Debug)]
struct Numbers {
    plain: i32,
    xml: i32,
    spatial: i32,
}

impl Numbers {
    fn take(&mut self, kind: IndexKind, clustered: bool) -> i32 {
        if clustered && matches!(kind, IndexKind::BTree | IndexKind::Columnstore) {
            return 1;
        }
        let counter = match kind {
            IndexKind::Xml => &mut self.xml,
            IndexKind::Spatial => &mut self.spatial,
            _ => {
                self.plain += 1;
                return self.plain;
            }
        };
        *counter += 1;
        *counter - 1
    }
}

fn key_facts<'a>(key: &'a Key, kind: &str, id: i32, space: i32) -> IndexFacts<'a> {
    IndexFacts {
        id,
        kind: IndexKind::BTree,
        clustered: key.clustered,
        unique: true,
        primary: kind == "PK",
        constraint: kind == "UQ",
        disabled: false,
        columns: &key.columns,
        included: &[],
        filter: None,
        space,
    }
}

/// Adds an index to all views that tell of it.
pub(super) fn add_index(fill: &mut Fill<'_>, table: i32, name: &str, facts: IndexFacts<'_>) {
    let IndexFacts {
        id,
        kind,
        clustered,
        unique,
        primary,
        constraint,
        disabled,
        columns,
        included,
        filter,
        space,
    } = facts;
    let (number, words) = match (kind, clustered) {
        (IndexKind::BTree, true) => (1, "CLUSTERED"),
        (IndexKind::BTree | IndexKind::FullText, _) => (2, "NONCLUSTERED"),
        (IndexKind::Xml, _) => (3, "XML"),
        (IndexKind::Spatial, _) => (4, "SPATIAL"),
        (IndexKind::Columnstore, true) => (5, "CLUSTERED COLUMNSTORE"),
        (IndexKind::Columnstore, false) => (6, "NONCLUSTERED COLUMNSTORE"),
        (IndexKind::Hash, _) => (7, "NONCLUSTERED HASH"),
    };
    let known = NamedIndex { name: name.to_owned(), id, unique, clustered, disabled };
    fill.names.indexes.entry(table).or_default().push(known);
    let cells = row![
        "object_id" => table, "name" => text(name), "index_id" => id, "type" => number, "type_desc" => text(words),
        "is_unique" => unique, "data_space_id" => space, "ignore_dup_key" => false, "is_primary_key" => primary,
        "is_unique_constraint" => constraint, "is_padded" => false, "is_disabled" => disabled,
        "is_hypothetical" => false, "is_ignored_in_optimization" => false, "allow_row_locks" => true,
        "allow_page_locks" => true, "has_filter" => filter.is_some(), "filter_definition" => filter.map(str::to_owned),
    ];
    let end = row![
        "compression_delay" => (kind == IndexKind::Columnstore).then_some(0),
        "suppress_dup_key_messages" => false, "auto_created" => false, "optimize_for_sequential_key" => false,
    ];
    let more = match kind {
        IndexKind::Xml => Some((
            "sys.xml_indexes",
            row![
                "xml_index_type" => 0, "xml_index_type_desc" => text("PRIMARY_XML"),
            ],
        )),
        IndexKind::Spatial => Some((
            "sys.spatial_indexes",
            row![
                "spatial_index_type" => 1, "spatial_index_type_desc" => text("GEOMETRY"),
                "tessellation_scheme" => text("GEOMETRY_AUTO_GRID"),
            ],
        )),
        IndexKind::Hash => Some(("sys.hash_indexes", [end.clone(), row!["bucket_count" => 1024]].concat())),
        _ => None,
    };
    if let Some((view, more)) = more {
        fill.add(view, [cells.clone(), more].concat());
    }
    fill.add("sys.indexes", [cells, end].concat());
    add_index_columns(fill, table, id, kind, (columns, included));
    if !matches!(kind, IndexKind::Xml | IndexKind::Spatial) {
        add_statistics(fill, table, name, id, columns, filter);
    }
}

fn add_index_columns(
    fill: &mut Fill<'_>,
    table: i32,
    index: i32,
    kind: IndexKind,
    (columns, included): (&[IndexColumn], &[String]),
) {
    let columnstore = kind == IndexKind::Columnstore;
    // A columnstore index without a list holds all columns.
    let all: Vec<IndexColumn> = match (columnstore, columns.is_empty(), fill.names.columns.get(&table)) {
        (true, true, Some(all)) => {
            all.iter().map(|column| IndexColumn { name: column.name.clone(), descending: false }).collect()
        }
        _ => Vec::new(),
    };
    let keys =
        columns.iter().chain(&all).map(|column| (column.name.as_str(), column.descending, columnstore));
    // XML and spatial indexes have no keys.
    let keyless = matches!(kind, IndexKind::Xml | IndexKind::Spatial);
    let listed: Vec<_> = keys.chain(included.iter().map(|name| (name.as_str(), false, true))).collect();
    let mut ordinal = 0i64;
    for ((name, descending, is_included), place) in listed.into_iter().zip(1i64..) {
        let column = fill.names.column(table, name).map_or(0, |column| column.id);
        if !is_included {
            ordinal += 1;
        }
        let cells = row![
            "object_id" => table, "index_id" => index, "index_column_id" => place, "column_id" => column,
            "key_ordinal" => if is_included || keyless { 0 } else { ordinal },
            "is_descending_key" => descending, "is_included_column" => is_included,
        ];
        fill.add("sys.index_columns", cells);
    }
}

fn add_statistics(
    fill: &mut Fill<'_>,
    table: i32,
    name: &str,
    id: i32,
    columns: &[IndexColumn],
    filter: Option<&str>,
) {
    let cells = row![
        "object_id" => table, "name" => text(name), "stats_id" => id, "auto_created" => false,
        "user_created" => false, "no_recompute" => false, "has_filter" => filter.is_some(),
        "filter_definition" => filter.map(str::to_owned), "is_temporary" => false, "is_incremental" => false,
        "has_persisted_sample" => false, "stats_generation_method_desc" => text("Sort based statistics"),
        "auto_drop" => false,
    ];
    fill.add("sys.stats", cells);
    for (column, place) in columns.iter().zip(1i64..) {
        let column = fill.names.column(table, &column.name).map_or(0, |column| column.id);
        let cells = row![
            "object_id" => table, "stats_id" => id, "stats_column_id" => place, "column_id" => column,
        ];
        fill.add("sys.stats_columns", cells);
    }
}

/// A full-text index, which has no number among the table's indexes and no name.
fn add_full_text(fill: &mut Fill<'_>, table: i32, index: &Index) {
    let unique = fill.names.indexes.get(&table).and_then(|indexes| indexes.iter().find(|index| index.unique));
    let cells = row![
        "object_id" => table, "unique_index_id" => unique.map_or(1, |index| index.id),
        "fulltext_catalog_id" => 5, "is_enabled" => !index.disabled, "change_tracking_state" => text("A"),
        "change_tracking_state_desc" => text("AUTO"), "has_crawl_completed" => true, "crawl_type" => text("F"),
        "crawl_type_desc" => text("FULL_CRAWL"), "stoplist_id" => 0, "data_space_id" => 1,
    ];
    fill.add("sys.fulltext_indexes", cells);
    for column in &index.columns {
        let column = fill.names.column(table, &column.name).map_or(0, |column| column.id);
        let cells = row!["object_id" => table, "column_id" => column, "language_id" => 1033];
        fill.add("sys.fulltext_index_columns", cells);
    }
}

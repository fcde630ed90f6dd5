//! `sys.columns` and what is about one column: identity, computed columns, defaults.

use super::cell::{Cell, variant, wide_integer};
use super::convert::{Family, family};
use super::definition::{OpenView, View};
use super::fill::{Fill, Row, row, text};
use super::keys::system_named;
use super::names::NamedColumn;
use super::objects::{OBJECT, period_columns, sysname};
use super::types::numbers;
use super::types_view::declared;
use mssql2pg_catalog::{Column, Identity, SqlType, Table};

const COLUMN: &str = "object_id:int name:sysname? column_id:int system_type_id:tinyint user_type_id:int \
    max_length:smallint precision:tinyint scale:tinyint collation_name:sysname? is_nullable:bit? is_ansi_padded:bit \
    is_rowguidcol:bit is_identity:bit is_computed:bit is_filestream:bit is_replicated:bit? is_non_sql_subscribed:bit? \
    is_merge_published:bit? is_dts_replicated:bit? is_xml_document:bit xml_collection_id:int default_object_id:int \
    rule_object_id:int is_sparse:bit? is_column_set:bit? 2016/generated_always_type:tinyint? \
    2016/generated_always_type_desc:nvarchar(60)? 2016/encryption_type:int? 2016/encryption_type_desc:nvarchar(64)? \
    2016/encryption_algorithm_name:sysname? 2016/column_encryption_key_id:int? \
    2016/column_encryption_key_database_name:sysname? 2016/is_hidden:bit 2016/is_masked:bit 2017/graph_type:int? \
    2017/graph_type_desc:nvarchar(60)? 2022/is_data_deletion_filter_column:bit? \
    2022/ledger_view_column_type:tinyint? 2022/ledger_view_column_type_desc:nvarchar(60)? \
    2022/is_dropped_ledger_column:bit? 2025/vector_dimensions:int? 2025/vector_base_type:tinyint? \
    2025/vector_base_type_desc:nvarchar(10)?";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::of_object("sys.columns", "object_id", &[COLUMN]),
    View::of_object("sys.all_columns", "object_id", &[COLUMN]),
    View::open("sys.system_columns", &[COLUMN]),
    View::of_object(
        "sys.identity_columns",
        "object_id",
        &[
            COLUMN,
            "seed_value:sql_variant? increment_value:sql_variant? last_value:sql_variant? \
            is_not_for_replication:bit?",
        ],
    ),
    View::of_object(
        "sys.computed_columns",
        "object_id",
        &[COLUMN, "definition:nvarchar(max)? uses_database_collation:bit is_persisted:bit"],
    ),
    View::of_object("sys.masked_columns", "object_id", &[COLUMN, "masking_function:nvarchar(4000)?"])
        .since(13),
    View::of_object(
        "sys.default_constraints",
        "parent_object_id",
        &[OBJECT, "parent_column_id:int definition:nvarchar(max)? is_system_named:bit"],
    ),
    View::of_object(
        "INFORMATION_SCHEMA.COLUMNS",
        "@object_id",
        &[
            "TABLE_CATALOG:nvarchar(128)? TABLE_SCHEMA:nvarchar(128)? TABLE_NAME:sysname COLUMN_NAME:sysname? \
           ORDINAL_POSITION:int COLUMN_DEFAULT:nvarchar(4000)? IS_NULLABLE:varchar(3)? DATA_TYPE:nvarchar(128)? \
           CHARACTER_MAXIMUM_LENGTH:int? CHARACTER_OCTET_LENGTH:int? NUMERIC_PRECISION:tinyint? \
           NUMERIC_PRECISION_RADIX:smallint? NUMERIC_SCALE:int? DATETIME_PRECISION:smallint? \
           CHARACTER_SET_CATALOG:sysname? CHARACTER_SET_SCHEMA:sysname? CHARACTER_SET_NAME:sysname? \
           COLLATION_CATALOG:sysname? COLLATION_SCHEMA:sysname? COLLATION_NAME:sysname? DOMAIN_CATALOG:sysname? \
           DOMAIN_SCHEMA:sysname? DOMAIN_NAME:sysname? @object_id:int",
        ],
    ),
];

/// Fills the columns of all tables.
pub(super) fn fill(fill: &mut Fill<'_>) {
    for table in &fill.catalog.tables {
        let Some(id) = fill.names.table_id(&table.name) else { continue };
        add_columns(fill, id, &table.columns);
        mark_traits(fill, id, table);
    }
}

/// Adds the columns of a table or a table type.
pub(super) fn add_columns(fill: &mut Fill<'_>, object: i32, columns: &[Column]) {
    for (column, id) in columns.iter().zip(1i32..) {
        fill.names.columns.entry(object).or_default().push(named(column, id));
        let default = column.default.as_ref().map(|default| add_default(fill, object, column, id, default));
        let mut cells = column_row(fill, object, column, id);
        cells.extend(row!["default_object_id" => default.unwrap_or(0)]);
        add_information(fill, object, column, id);
        if let Some(identity) = &column.identity {
            let facts = (identity.seed, identity.increment, identity.last_value);
            fill.names.identities.insert(object, facts);
            fill.add(
                "sys.identity_columns",
                [cells.clone(), identity_row(identity, &column.sql_type)].concat(),
            );
        }
        if let Some(computed) = &column.computed {
            let more = row![
                "definition" => text(&computed.text), "uses_database_collation" => false,
                "is_persisted" => computed.persisted,
            ];
            fill.add("sys.computed_columns", [cells.clone(), more].concat());
        }
        fill.add("sys.columns", cells.clone());
        fill.add("sys.all_columns", cells);
    }
}

fn named(column: &Column, id: i32) -> NamedColumn {
    NamedColumn {
        name: column.name.clone(),
        id,
        sql_type: column.sql_type.clone(),
        nullable: column.nullable,
        identity: column.identity.is_some(),
        computed: column.computed.is_some(),
        rowguid: column.rowguid,
        sparse: column.sparse,
    }
}

fn identity_row(identity: &Identity, sql_type: &SqlType) -> Row {
    let base = sql_type.to_string();
    let value = |number: i128| variant(&base, wide_integer(number));
    row![
        "seed_value" => value(identity.seed), "increment_value" => value(identity.increment),
        "last_value" => identity.last_value.map_or(Cell::Null, value), "is_not_for_replication" => false,
    ]
}

/// The collation of a character column: its own, or the database's.
fn collation(fill: &Fill<'_>, column: &Column) -> Cell {
    let character = family(&column.sql_type) == Family::Text
        && !matches!(
            column.sql_type,
            SqlType::Xml | SqlType::Json | SqlType::Vector { .. } | SqlType::Unknown { .. }
        );
    let collation = column.collation.as_deref().or(fill.catalog.database.collation.as_deref());
    collation.filter(|_| character).map_or(Cell::Null, text)
}

fn column_row(fill: &Fill<'_>, object: i32, column: &Column, id: i32) -> Row {
    let numbers = numbers(&column.sql_type);
    let padded = matches!(numbers.system_type_id, 165 | 167 | 173 | 175 | 231 | 239 | 98 | 241 | 240);
    let mut cells = row![
        "object_id" => object, "name" => text(&column.name), "column_id" => id,
        "collation_name" => collation(fill, column), "is_nullable" => column.nullable,
        "is_ansi_padded" => padded, "is_rowguidcol" => column.rowguid,
        "is_identity" => column.identity.is_some(), "is_computed" => column.computed.is_some(),
        "is_replicated" => false, "is_non_sql_subscribed" => false, "is_merge_published" => false,
        "is_dts_replicated" => false, "is_sparse" => column.sparse, "is_column_set" => false,
        "generated_always_type" => 0, "generated_always_type_desc" => text("NOT_APPLICABLE"),
        "is_data_deletion_filter_column" => false,
    ];
    cells.extend(declared(fill, &column.sql_type, column.alias.as_ref()));
    if column.encrypted {
        cells.extend(row![
            "encryption_type" => 2, "encryption_type_desc" => text("RANDOMIZED"),
            "encryption_algorithm_name" => text("AEAD_AES_256_CBC_HMAC_SHA_256"), "column_encryption_key_id" => 1,
        ]);
    }
    if let SqlType::Vector { dimensions } = column.sql_type {
        cells.extend(row![
            "vector_dimensions" => dimensions, "vector_base_type" => 0, "vector_base_type_desc" => text("float32"),
        ]);
    }
    cells
}

fn add_default(
    fill: &mut Fill<'_>,
    object: i32,
    column: &Column,
    column_id: i32,
    default: &mssql2pg_catalog::DefaultValue,
) -> i32 {
    let (schema, table) = fill.names.object(object).map_or_else(
        || ("dbo".to_owned(), String::new()),
        |found| (found.schema.clone(), found.name.clone()),
    );
    let (name, is_system_named) =
        system_named(fill, default.name.as_deref(), "DF", &table, Some(&column.name));
    let id = fill.new_object(&schema, &name, "D", object);
    fill.names.define(id, &default.text);
    let more = row![
        "parent_column_id" => column_id, "definition" => text(&default.text), "is_system_named" => is_system_named,
    ];
    let cells = [fill.object_row(id), more].concat();
    fill.add("sys.default_constraints", cells);
    id
}

/// What a trait of the table says of its columns. A catalog does not tell which columns; those that can be meant are
/// taken.
fn mark_traits(fill: &mut Fill<'_>, object: i32, table: &Table) {
    let has = |word: &str| table.traits.iter().any(|found| found == word);
    let mut marks: Vec<(i64, Row)> = Vec::new();
    if has("system-versioned")
        && let [.., start, end] = period_columns(table)[..]
    {
        let words = |kind: i64, words: &str| row!["generated_always_type" => kind, "generated_always_type_desc" => text(words)];
        marks.push((start, words(1, "AS_ROW_START")));
        marks.push((end, words(2, "AS_ROW_END")));
    }
    if has("column-set") {
        let xml = table.columns.iter().zip(1i64..).filter(|(column, _)| column.sql_type == SqlType::Xml);
        let place = xml.map(|(_, id)| id).last().unwrap_or(1);
        marks.push((place, row!["is_column_set" => true]));
    }
    for (column, mark) in marks {
        fill.amend_columns(object, column, &mark);
    }
}

/// Adds the columns of a view of the server.
pub(super) fn fill_system(fill: &mut Fill<'_>, object: i32, open: &OpenView) {
    for (column, id) in open.columns.iter().filter(|column| !column.name.starts_with('@')).zip(1i32..) {
        let described =
            Column { nullable: column.nullable, ..Column::new(column.name, column.sql_type.clone()) };
        fill.names.columns.entry(object).or_default().push(named(&described, id));
        let mut cells = column_row(fill, object, &described, id);
        if column.is_sysname && column.sql_type == sysname() {
            cells.extend(row!["user_type_id" => 256]);
        }
        fill.add("sys.system_columns", cells.clone());
        fill.add("sys.all_columns", cells);
    }
}

fn add_information(fill: &mut Fill<'_>, object: i32, column: &Column, id: i32) {
    let Some(table) = fill.names.object(object) else { return };
    if table.kind != "U" {
        return;
    }
    let numbers = numbers(&column.sql_type);
    let of = family(&column.sql_type);
    let sized = matches!(of, Family::Text | Family::Binary);
    let national = super::convert::is_national(&column.sql_type);
    let characters =
        if national && numbers.max_length > 0 { numbers.max_length / 2 } else { numbers.max_length };
    let numeric =
        matches!(of, Family::Whole | Family::Decimal | Family::Float) && column.sql_type != SqlType::Bit;
    let cells = row![
        "TABLE_CATALOG" => text(&fill.facts.database_name), "TABLE_SCHEMA" => text(&table.schema),
        "TABLE_NAME" => text(&table.name), "COLUMN_NAME" => text(&column.name), "ORDINAL_POSITION" => id,
        "COLUMN_DEFAULT" => column.default.as_ref().map(|default| default.text.clone()),
        "IS_NULLABLE" => text(if column.nullable { "YES" } else { "NO" }),
        "DATA_TYPE" => text(match &column.sql_type { SqlType::RowVersion => "timestamp", other => other.name() }),
        "CHARACTER_MAXIMUM_LENGTH" => sized.then_some(characters),
        "CHARACTER_OCTET_LENGTH" => sized.then_some(numbers.max_length),
        "NUMERIC_PRECISION" => numeric.then_some(numbers.precision),
        "NUMERIC_PRECISION_RADIX" => numeric.then_some(if of == Family::Float { 2 } else { 10 }),
        "NUMERIC_SCALE" => (numeric && of != Family::Float).then_some(numbers.scale),
        "DATETIME_PRECISION" => (of == Family::Time).then_some(numbers.scale),
        "COLLATION_NAME" => collation(fill, column), "@object_id" => object,
        "DOMAIN_SCHEMA" => column.alias.as_ref().map(|alias| alias.schema.clone()),
        "DOMAIN_NAME" => column.alias.as_ref().map(|alias| alias.name.clone()),
    ];
    fill.add("INFORMATION_SCHEMA.COLUMNS", cells);
}

//! Objects that a catalog only counts and names: keys, assemblies, Service Broker, external data.

use super::definition::View;
use super::fill::{Fill, row, text};
use super::indexes::{IndexFacts, add_index};
use super::names::NamedType;
use super::storage::PARTITION_SCHEME;
use mssql2pg_catalog::{IndexKind, OtherObject};
use std::collections::HashMap;

/// The views of this family that no other file has.
pub(super) const VIEWS: &[View] = &[
    View::open(
        "sys.fulltext_stoplists",
        &["stoplist_id:int name:sysname create_date:datetime modify_date:datetime principal_id:int?"],
    ),
    View::open(
        "sys.registered_search_property_lists",
        &["property_list_id:int name:sysname create_date:datetime modify_date:datetime principal_id:int?"],
    ),
    View::hidden(
        "sys.plan_guides",
        &["plan_guide_id:int name:sysname create_date:datetime modify_date:datetime is_disabled:bit \
           query_text:nvarchar(max)? scope_type:tinyint scope_type_desc:nvarchar(60)? scope_object_id:int? \
           scope_batch:nvarchar(max)? parameters:nvarchar(max)? hints:nvarchar(max)?"],
    ),
    View::hidden(
        "sys.routes",
        &["name:sysname route_id:int principal_id:int? remote_service_name:nvarchar(256)? \
           broker_instance:nvarchar(128)? lifetime:datetime? address:nvarchar(256)? mirror_address:nvarchar(256)?"],
    ),
    View::hidden(
        "sys.remote_service_bindings",
        &["name:sysname remote_service_binding_id:int principal_id:int? remote_service_name:nvarchar(256)? \
           service_contract_id:int remote_principal_id:int? is_anonymous_on:bit"],
    ),
    View::hidden(
        "sys.conversation_priorities",
        &["priority_id:int name:sysname service_contract_id:int? local_service_id:int? \
           remote_service_name:nvarchar(256)? priority:tinyint"],
    ),
    View::hidden(
        "sys.event_notifications",
        &["name:sysname object_id:int parent_class:tinyint parent_class_desc:nvarchar(60)? parent_id:int \
           create_date:datetime modify_date:datetime service_name:nvarchar(256)? broker_instance:nvarchar(128)? \
           creator_sid:varbinary(85)? principal_id:int?"],
    ),
    View::hidden(
        "sys.database_audit_specifications",
        &["database_specification_id:int name:sysname create_date:datetime modify_date:datetime \
           audit_guid:uniqueidentifier? is_state_enabled:bit?"],
    ),
    View::hidden(
        "sys.external_data_sources",
        &["data_source_id:int name:sysname location:nvarchar(4000) type_desc:nvarchar(255)? type:tinyint \
           resource_manager_location:nvarchar(4000)? credential_id:int database_name:sysname? \
           shard_map_name:sysname? 2019/connection_options:nvarchar(4000)? 2019/pushdown:nvarchar(256)?"],
    )
    .since(13),
    View::hidden(
        "sys.external_file_formats",
        &["file_format_id:int name:sysname format_type:nvarchar(20)? field_terminator:nvarchar(10)? \
           string_delimiter:nvarchar(10)? date_format:nvarchar(50)? use_type_default:bit serde_method:nvarchar(255)? \
           row_terminator:nvarchar(10)? encoding:nvarchar(10)? data_compression:nvarchar(255)? 2022/first_row:int?"],
    )
    .since(13),
    View::hidden(
        "sys.database_scoped_credentials",
        &["name:sysname principal_id:int credential_id:int credential_identity:nvarchar(4000)? \
           create_date:datetime modify_date:datetime target_type:nvarchar(100)? target_id:int?"],
    )
    .since(13),
];

/// Kinds that are a name and a number: the view, the column of the number, the first number of a user's.
const NAMED: &[(&str, &str, &str, i32)] = &[
    ("SqlFullTextCatalog", "sys.fulltext_catalogs", "fulltext_catalog_id", 5),
    ("SqlFullTextStopList", "sys.fulltext_stoplists", "stoplist_id", 5),
    ("SqlSearchPropertyList", "sys.registered_search_property_lists", "property_list_id", 5),
    ("SqlPartitionFunction", "sys.partition_functions", "function_id", 65536),
    ("SqlSymmetricKey", "sys.symmetric_keys", "symmetric_key_id", 256),
    ("SqlMasterKey", "sys.symmetric_keys", "symmetric_key_id", 101),
    ("SqlAsymmetricKey", "sys.asymmetric_keys", "asymmetric_key_id", 256),
    ("SqlCertificate", "sys.certificates", "certificate_id", 256),
    ("SqlPlanGuide", "sys.plan_guides", "plan_guide_id", 65536),
    ("SqlAssembly", "sys.assemblies", "assembly_id", 65536),
    ("SqlService", "sys.services", "service_id", 65536),
    ("SqlContract", "sys.service_contracts", "service_contract_id", 65536),
    ("SqlMessageType", "sys.service_message_types", "message_type_id", 65536),
    ("SqlRoute", "sys.routes", "route_id", 65536),
    ("SqlRemoteServiceBinding", "sys.remote_service_bindings", "remote_service_binding_id", 65536),
    ("SqlBrokerPriority", "sys.conversation_priorities", "priority_id", 65536),
    ("SqlEventNotification", "sys.event_notifications", "object_id", 65536),
    (
        "SqlDatabaseAuditSpecification",
        "sys.database_audit_specifications",
        "database_specification_id",
        65536,
    ),
    ("SqlExternalDataSource", "sys.external_data_sources", "data_source_id", 65536),
    ("SqlExternalFileFormat", "sys.external_file_formats", "file_format_id", 65536),
    ("SqlColumnMasterKey", "sys.column_master_keys", "column_master_key_id", 1),
    ("SqlColumnEncryptionKey", "sys.column_encryption_keys", "column_encryption_key_id", 1),
    ("SqlDatabaseCredential", "sys.database_scoped_credentials", "credential_id", 65536),
];

/// Fills the views of what is only named.
pub(super) fn fill(fill: &mut Fill<'_>) {
    fill.add("sys.routes", row!["name" => text("AutoCreatedLocal"), "route_id" => 65536]);
    let mut taken: HashMap<&str, i32> = HashMap::new();
    for other in &fill.catalog.other {
        let count = taken.entry(other.kind.as_str()).or_default();
        let place = *count;
        *count += 1;
        match NAMED.iter().find(|(kind, ..)| *kind == other.kind) {
            Some((kind, view, column, first)) => {
                let name = if *kind == "SqlMasterKey" { "##MS_DatabaseMasterKey##" } else { &other.name };
                let mut cells = row!["name" => text(name)];
                cells.push((*column, (first + place).into()));
                cells.extend(extra(kind));
                fill.add(view, cells);
            }
            None => add_placed(fill, other, place),
        }
    }
    if fill.has_rows("sys.fulltext_indexes") && !fill.has_rows("sys.fulltext_catalogs") {
        let cells = row!["fulltext_catalog_id" => 5, "name" => text("FullText"), "is_default" => true];
        fill.add("sys.fulltext_catalogs", cells);
    }
}

/// Cells that a kind has beside its name.
fn extra(kind: &str) -> super::fill::Row {
    match kind {
        "SqlPartitionFunction" => row![
            "type" => text("R"), "type_desc" => text("RANGE"), "fanout" => 2, "boundary_value_on_right" => true,
        ],
        "SqlAssembly" => row!["is_user_defined" => true, "permission_set" => 1, "is_visible" => true],
        _ => Vec::new(),
    }
}

/// Kinds that stand in a schema, on a table or among the data spaces.
fn add_placed(fill: &mut Fill<'_>, other: &OtherObject, place: i32) {
    let (schema, name) = other.name.split_once('.').unwrap_or(("dbo", &other.name));
    let space = |id: i32, kind: &str, words: &str| {
        row![
            "name" => text(&other.name), "data_space_id" => id, "type" => text(kind), "type_desc" => text(words),
            "is_default" => false, "is_system" => false,
        ]
    };
    match other.kind.as_str() {
        "SqlFilegroup" => {
            let cells = space(2 + place, "FG", "ROWS_FILEGROUP");
            fill.add("sys.data_spaces", cells.clone());
            fill.add("sys.filegroups", [cells, row!["is_read_only" => false]].concat());
        }
        "SqlPartitionScheme" => {
            let cells = space(PARTITION_SCHEME + place, "PS", "PARTITION_SCHEME");
            fill.add("sys.data_spaces", cells.clone());
            fill.add("sys.partition_schemes", [cells, row!["function_id" => 65536]].concat());
        }
        "SqlXmlSchemaCollection" => {
            let schema_id = fill.names.schema_or_new(schema);
            let id = 65536 + place;
            fill.names.collections.push((other.name.clone(), id));
            let cells = row!["xml_collection_id" => id, "schema_id" => schema_id, "name" => text(name)];
            fill.add("sys.xml_schema_collections", cells);
        }
        "SqlUserDefinedType" if fill.names.type_id(Some(schema), name).is_none() => {
            let schema_id = fill.names.schema_or_new(schema);
            let id = fill.names.types.iter().map(|found| found.id).max().unwrap_or(256) + 1;
            fill.names.types.push(NamedType { id, schema: schema.to_owned(), name: name.to_owned() });
            let cells = row![
                "name" => text(name), "user_type_id" => id, "schema_id" => schema_id, "system_type_id" => 240,
                "max_length" => 8000, "is_nullable" => true, "is_user_defined" => true, "is_assembly_type" => true,
            ];
            fill.add("sys.types", cells.clone());
            fill.add("sys.assembly_types", [cells, row!["assembly_id" => 65536]].concat());
        }
        "SqlQueue" => {
            let id = fill.new_object(schema, name, "SQ", 0);
            let more = row!["is_receive_enabled" => true, "is_enqueue_enabled" => true];
            let cells = [fill.object_row(id), more].concat();
            fill.add("sys.service_queues", cells);
        }
        "SqlSecurityPolicy" => {
            let id = fill.new_object(schema, name, "SP", 0);
            let mut cells = fill.object_row(id);
            cells.extend(row!["is_enabled" => true, "is_schema_bound" => true]);
            fill.add("sys.security_policies", cells);
        }
        "SqlExternalTable" => {
            let id = fill.new_object(schema, name, "U", 0);
            let more = row!["is_external" => true, "temporal_type" => 0, "is_memory_optimized" => false];
            let cells = [fill.object_row(id), more].concat();
            fill.add("sys.tables", cells);
            let cells = [fill.object_row(id), row!["data_source_id" => 65536]].concat();
            fill.add("sys.external_tables", cells);
        }
        // A view has one clustered index at least; what it is made of is not told.
        "SqlIndex on a view" => {
            let Some((view, index)) = name.rsplit_once('.') else { return };
            let Some(id) = fill.names.find(schema, view) else { return };
            let taken = fill.names.indexes.get(&id).map_or(0, Vec::len);
            let facts = IndexFacts {
                id: i32::try_from(taken + 1).unwrap_or(1),
                kind: IndexKind::BTree,
                clustered: taken == 0,
                unique: true,
                primary: false,
                constraint: false,
                disabled: false,
                columns: &[],
                included: &[],
                filter: None,
                space: 1,
            };
            add_index(fill, id, index, facts);
        }
        "SqlStatistic" => {
            let Some((table, statistic)) = name.rsplit_once('.') else { return };
            let Some(id) = fill.names.find(schema, table) else { return };
            let cells = row![
                "object_id" => id, "name" => text(statistic), "stats_id" => 1000 + place, "auto_created" => false,
                "user_created" => true, "no_recompute" => false, "has_filter" => false,
            ];
            fill.add("sys.stats", cells);
        }
        _ => {}
    }
}

//! Principals, roles, permissions, keys and policies.

use super::cell::Cell;
use super::definition::View;
use super::fill::{Fill, row, text};
use super::names::FIXED_ROLES;
use super::objects::OBJECT;
use mssql2pg_catalog::{Permission, PrincipalKind};

const KEY_DATES: &str = "create_date:datetime modify_date:datetime";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::open(
        "sys.database_principals",
        &["name:sysname principal_id:int type:char(1) type_desc:nvarchar(60)? default_schema_name:sysname? \
           create_date:datetime modify_date:datetime owning_principal_id:int? sid:varbinary(85)? is_fixed_role:bit \
           authentication_type:int authentication_type_desc:nvarchar(60)? default_language_name:sysname? \
           default_language_lcid:int? 2016/allow_encrypted_value_modifications:bit"],
    ),
    View::open(
        "sys.server_principals",
        &["name:sysname principal_id:int sid:varbinary(85)? type:char(1) type_desc:nvarchar(60)? is_disabled:bit? \
           create_date:datetime modify_date:datetime default_database_name:sysname? default_language_name:sysname? \
           credential_id:int? owning_principal_id:int? is_fixed_role:bit"],
    ),
    View::hidden("sys.database_role_members", &["role_principal_id:int member_principal_id:int"]),
    View::hidden("sys.server_role_members", &["role_principal_id:int member_principal_id:int"]),
    View::hidden(
        "sys.database_permissions",
        &["class:tinyint class_desc:nvarchar(60)? major_id:int minor_id:int grantee_principal_id:int \
           grantor_principal_id:int type:char(4) permission_name:nvarchar(128)? state:char(1) \
           state_desc:nvarchar(60)?"],
    ),
    View::of_object(
        "sys.security_policies",
        "object_id",
        &["name:sysname object_id:int principal_id:int? schema_id:int parent_object_id:int type:char(2)? \
           type_desc:nvarchar(60)? create_date:datetime modify_date:datetime is_ms_shipped:bit is_enabled:bit \
           is_not_for_replication:bit uses_database_collation:bit? is_schema_bound:bit"],
    )
    .since(13),
    View::of_object(
        "sys.security_predicates",
        "object_id",
        &["object_id:int security_predicate_id:int target_object_id:int predicate_definition:nvarchar(max)? \
           predicate_type:int? predicate_type_desc:nvarchar(60)? operation:int? operation_desc:nvarchar(60)?"],
    )
    .since(13),
    View::of_object(
        "sys.service_queues",
        "object_id",
        &[
            OBJECT,
            "max_readers:smallint? activation_procedure:nvarchar(776)? execute_as_principal_id:int? \
            is_activation_enabled:bit is_receive_enabled:bit is_enqueue_enabled:bit is_retention_enabled:bit \
            is_poison_message_handling_enabled:bit?",
        ],
    ),
    View::hidden("sys.services", &["name:sysname service_id:int principal_id:int? service_queue_id:int"]),
    View::hidden("sys.service_contracts", &["name:sysname service_contract_id:int principal_id:int?"]),
    View::hidden(
        "sys.service_message_types",
        &["name:sysname message_type_id:int principal_id:int? validation:char(2) validation_desc:nvarchar(60)? \
           xml_collection_id:int?"],
    ),
    View::hidden(
        "sys.column_master_keys",
        &[
            "name:sysname column_master_key_id:int",
            KEY_DATES,
            "key_store_provider_name:sysname? key_path:nvarchar(4000)? 2019/allow_enclave_computations:bit \
            2019/signature:varbinary(max)?",
        ],
    )
    .since(13),
    View::hidden("sys.column_encryption_keys", &["name:sysname column_encryption_key_id:int", KEY_DATES]).since(13),
    View::hidden(
        "sys.column_encryption_key_values",
        &["column_encryption_key_id:int column_master_key_id:int encrypted_value:varbinary(8000)? \
           encryption_algorithm_name:sysname?"],
    )
    .since(13),
    View::hidden(
        "sys.symmetric_keys",
        &[
            "name:sysname principal_id:int? symmetric_key_id:int key_length:int key_algorithm:char(2) \
            algorithm_desc:nvarchar(60)?",
            KEY_DATES,
            "key_guid:uniqueidentifier? key_thumbprint:sql_variant? provider_type:nvarchar(120)? \
            cryptographic_provider_guid:uniqueidentifier? cryptographic_provider_algid:sql_variant?",
        ],
    ),
    View::hidden(
        "sys.certificates",
        &["name:sysname certificate_id:int principal_id:int? pvt_key_encryption_type:char(2) \
           pvt_key_encryption_type_desc:nvarchar(60)? is_active_for_begin_dialog:bit? issuer_name:nvarchar(442)? \
           cert_serial_number:nvarchar(64)? sid:varbinary(85)? string_sid:nvarchar(128)? subject:nvarchar(4000)? \
           expiry_date:datetime? start_date:datetime? thumbprint:varbinary(32) attested_by:nvarchar(260)? \
           pvt_key_last_backup_date:datetime? 2017/key_length:int?"],
    ),
    View::hidden(
        "sys.asymmetric_keys",
        &["name:sysname principal_id:int? asymmetric_key_id:int pvt_key_encryption_type:char(2) \
           pvt_key_encryption_type_desc:nvarchar(60)? thumbprint:varbinary(32) algorithm:char(2) \
           algorithm_desc:nvarchar(60)? key_length:int sid:varbinary(85)? string_sid:nvarchar(128)? \
           public_key:varbinary(max) attested_by:nvarchar(260)? provider_type:nvarchar(120)? \
           cryptographic_provider_guid:uniqueidentifier? cryptographic_provider_algid:sql_variant?"],
    ),
];

/// Fills principals, memberships and permissions.
pub(super) fn fill(fill: &mut Fill<'_>) {
    let fixed = [
        ("public", 0, "R", Cell::Null),
        ("dbo", 1, "S", text("dbo")),
        ("guest", 2, "S", text("guest")),
        ("INFORMATION_SCHEMA", 3, "S", Cell::Null),
        ("sys", 4, "S", Cell::Null),
    ];
    for (name, id, kind, schema) in fixed {
        add_principal(fill, name, id, kind, schema);
    }
    for (name, id) in FIXED_ROLES {
        add_principal(fill, name, *id, "R", Cell::Null);
    }
    let mut next = 5;
    for principal in &fill.catalog.principals {
        if principal.kind == PrincipalKind::Login || fill.names.principal_id(&principal.name).is_some() {
            continue;
        }
        let kind = match principal.kind {
            PrincipalKind::Role => "R",
            PrincipalKind::ApplicationRole => "A",
            _ if principal.name.contains('\\') => "U",
            _ if principal.name.contains('@') => "E",
            _ => "S",
        };
        let schema = if kind == "R" { Cell::Null } else { text("dbo") };
        add_principal(fill, &principal.name, next, kind, schema);
        next += 1;
    }
    for membership in &fill.catalog.role_memberships {
        let role = fill.names.principal_id(&membership.role);
        let member = fill.names.principal_id(&membership.member);
        if let (Some(role), Some(member)) = (role, member) {
            fill.add(
                "sys.database_role_members",
                row!["role_principal_id" => role, "member_principal_id" => member],
            );
        }
    }
    for permission in &fill.catalog.permissions {
        add_permission(fill, permission);
    }
    fill_logins(fill);
}

fn add_principal(fill: &mut Fill<'_>, name: &str, id: i32, kind: &'static str, schema: Cell) {
    fill.names.principals.push((name.to_owned(), id));
    let (words, authentication, authentication_words) = match kind {
        "R" => ("DATABASE_ROLE", 0, "NONE"),
        "A" => ("APPLICATION_ROLE", 0, "NONE"),
        "U" => ("WINDOWS_USER", 3, "WINDOWS"),
        "E" => ("EXTERNAL_USER", 4, "EXTERNAL"),
        _ if matches!(id, 2..=4) => ("SQL_USER", 0, "NONE"),
        _ => ("SQL_USER", 1, "INSTANCE"),
    };
    let created = fill.facts.create_date().as_datetime().0;
    let sid = match id {
        0 => vec![1, 5, 0, 0, 0, 0, 0, 9, 4, 0, 0, 0],
        1 => vec![1],
        2 => vec![0],
        id => [vec![1, 5, 0, 0, 0, 0, 0, 9], id.to_le_bytes().to_vec()].concat(),
    };
    let cells = row![
        "name" => text(name), "principal_id" => id, "type" => text(kind), "type_desc" => text(words),
        "default_schema_name" => schema, "create_date" => created, "modify_date" => created,
        "owning_principal_id" => (kind == "R").then_some(1), "sid" => if matches!(id, 3 | 4) { Cell::Null } else { Cell::Blob(sid) },
        "is_fixed_role" => id >= 16384, "authentication_type" => authentication,
        "authentication_type_desc" => text(authentication_words),
    ];
    fill.add("sys.database_principals", cells);
}

fn add_permission(fill: &mut Fill<'_>, permission: &Permission) {
    let (state, state_words) = match permission.state.as_str() {
        "deny" => ("D", "DENY"),
        "revoke" => ("R", "REVOKE"),
        "grant-with-grant-option" => ("W", "GRANT_WITH_GRANT_OPTION"),
        _ => ("G", "GRANT"),
    };
    let Some(grantee) = fill.names.principal_id(&permission.grantee) else { return };
    let (class, class_words, major, minor) = securable(fill, permission.object.as_deref());
    let cells = row![
        "class" => class, "class_desc" => text(class_words), "major_id" => major, "minor_id" => minor,
        "grantee_principal_id" => grantee, "grantor_principal_id" => 1,
        "type" => text(&permission_code(&permission.permission)), "permission_name" => text(&permission.permission),
        "state" => text(state), "state_desc" => text(state_words),
    ];
    fill.add("sys.database_permissions", cells);
}

/// What a permission is on: class, its words, and the two numbers.
fn securable(fill: &Fill<'_>, object: Option<&str>) -> (i64, &'static str, i32, i32) {
    let Some(object) = object else { return (0, "DATABASE", 0, 0) };
    let names = &fill.names;
    let splits = object.match_indices('.').map(|(at, _)| (&object[..at], &object[at + 1..]));
    for (schema, rest) in splits {
        if let Some(id) = names.find(schema, rest) {
            return (1, "OBJECT_OR_COLUMN", id, 0);
        }
        for (at, _) in rest.match_indices('.') {
            let table = names.find(schema, &rest[..at]);
            let column = table.and_then(|table| names.column(table, &rest[at + 1..]));
            if let (Some(table), Some(column)) = (table, column) {
                return (1, "OBJECT_OR_COLUMN", table, column.id);
            }
        }
        if let Some(id) = names.type_id(Some(schema), rest) {
            return (6, "TYPE", id, 0);
        }
    }
    if let Some(id) = names.schema_id(object) {
        return (3, "SCHEMA", id, 0);
    }
    if let Some(id) = names.principal_id(object) {
        return (4, "DATABASE_PRINCIPAL", id, 0);
    }
    (0, "DATABASE", 0, 0)
}

/// The four letters of a permission.
fn permission_code(permission: &str) -> String {
    let code = match permission {
        "SELECT" => "SL",
        "INSERT" => "IN",
        "UPDATE" => "UP",
        "DELETE" => "DL",
        "EXECUTE" => "EX",
        "REFERENCES" => "RF",
        "CONTROL" => "CL",
        "ALTER" => "AL",
        "TAKE OWNERSHIP" => "TO",
        "VIEW DEFINITION" => "VW",
        "VIEW DATABASE STATE" => "VWDS",
        "VIEW CHANGE TRACKING" => "VWCT",
        "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION" => "VWCK",
        "VIEW ANY COLUMN MASTER KEY DEFINITION" => "VWCM",
        "CONNECT" => "CO",
        "CREATE TABLE" => "CRTB",
        "CREATE VIEW" => "CRVW",
        "CREATE PROCEDURE" => "CRPR",
        "CREATE FUNCTION" => "CRFN",
        "IMPERSONATE" => "IM",
        "UNMASK" => "UMSK",
        "SHOWPLAN" => "SPLN",
        "BACKUP DATABASE" => "BADB",
        other => return other.chars().filter(char::is_ascii_alphabetic).take(4).collect(),
    };
    code.to_owned()
}

fn fill_logins(fill: &mut Fill<'_>) {
    let created = fill.facts.create_date().as_datetime().0;
    let catalog = fill.catalog.principals.iter();
    let logins = catalog.filter(|principal| principal.kind == PrincipalKind::Login).map(|login| &login.name);
    let mut names: Vec<String> = vec!["sa".to_owned()];
    for name in fill.facts.logins.iter().chain(logins) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let logins = names.iter().map(|name| (name.as_str(), "S", "SQL_LOGIN", false));
    let roles = [
        "public",
        "sysadmin",
        "securityadmin",
        "serveradmin",
        "setupadmin",
        "processadmin",
        "diskadmin",
        "dbcreator",
        "bulkadmin",
    ];
    let roles = roles.into_iter().map(|name| (name, "R", "SERVER_ROLE", true));
    let mut rows = Vec::new();
    for ((name, kind, words, fixed), place) in logins.chain(roles).zip(1i64..) {
        let id = match (name, fixed) {
            ("sa", _) => 1,
            ("public", _) => 2,
            ("sysadmin", _) => 3,
            _ => 256 + place,
        };
        let (kind, words) = if name.contains('\\') { ("U", "WINDOWS_LOGIN") } else { (kind, words) };
        rows.push(row![
            "name" => text(name), "principal_id" => id, "sid" => Cell::Blob(id.to_le_bytes().to_vec()),
            "type" => text(kind), "type_desc" => text(words), "is_disabled" => false, "create_date" => created,
            "modify_date" => created, "default_database_name" => if fixed { Cell::Null } else { text("master") },
            "default_language_name" => if fixed { Cell::Null } else { text("us_english") },
            "owning_principal_id" => fixed.then_some(1), "is_fixed_role" => fixed && name != "public",
        ]);
    }
    for row in rows {
        fill.add("sys.server_principals", row);
    }
    fill.add("sys.server_role_members", row!["role_principal_id" => 3, "member_principal_id" => 1]);
}

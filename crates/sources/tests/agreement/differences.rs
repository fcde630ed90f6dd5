//! What a file and a server may differ in, one by one, with the reason. Everything else must be equal.

use mssql2pg_catalog::{Catalog, CodeKind, Column, DefaultValue, Key, PrincipalKind, SqlType, Table};
use std::fmt::Debug;

/// Compares two catalogs part by part, so that a difference is easily seen.
pub(crate) fn compare(what: &str, file: &Catalog, server: &Catalog) {
    let (file, server) = leave_out(file.clone(), server.clone());
    assert_eq!(server.format, file.format, "{what}");
    assert_eq!(server.database, file.database, "{what}");
    compare_lists(&format!("{what}: schemas"), &file.schemas, &server.schemas);
    compare_lists(&format!("{what}: alias types"), &file.alias_types, &server.alias_types);
    let names =
        |catalog: &Catalog| catalog.tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&server), names(&file), "{what}");
    for (server, file) in server.tables.iter().zip(&file.tables) {
        compare_tables(&format!("{what}: {}", file.name), file, server);
    }
    let shown = |catalog: &Catalog| {
        catalog.code.iter().map(|code| (code.kind, code.name.clone())).collect::<Vec<_>>()
    };
    assert_eq!(shown(&server), shown(&file), "{what}: code");
    for (server, file) in server.code.iter().zip(&file.code) {
        assert_eq!(server, file, "{what}: {}", file.name);
    }
    compare_lists(&format!("{what}: sequences"), &file.sequences, &server.sequences);
    compare_lists(&format!("{what}: synonyms"), &file.synonyms, &server.synonyms);
    compare_lists(
        &format!("{what}: extended properties"),
        &file.extended_properties,
        &server.extended_properties,
    );
    compare_lists(&format!("{what}: principals"), &file.principals, &server.principals);
    compare_lists(&format!("{what}: role memberships"), &file.role_memberships, &server.role_memberships);
    compare_lists(&format!("{what}: permissions"), &file.permissions, &server.permissions);
    compare_lists(&format!("{what}: other"), &file.other, &server.other);
    assert_eq!(server, file, "{what}");
}

/// Fails at what one side has and the other has not, or at the first that stands elsewhere.
fn compare_lists<T: PartialEq + Debug>(what: &str, file: &[T], server: &[T]) {
    let lacking = |from: &[T], list: &[T]| {
        let lacking = from.iter().filter(|found| !list.contains(found));
        lacking.take(5).map(|found| format!("\n    {found:?}")).collect::<String>()
    };
    let (only_file, only_server) = (lacking(file, server), lacking(server, file));
    assert!(
        only_file.is_empty() && only_server.is_empty(),
        "{what} differ\n  only the file has:{only_file}\n  only the server has:{only_server}"
    );
    let first = file.iter().zip(server).find(|(file, server)| file != server);
    assert!(first.is_none() && file.len() == server.len(), "{what}: another order at {first:?}");
}

fn compare_tables(what: &str, file: &Table, server: &Table) {
    assert_eq!(server.columns.len(), file.columns.len(), "{what}: columns");
    for (server, file) in server.columns.iter().zip(&file.columns) {
        assert_eq!(server, file, "{what}.{}", file.name);
    }
    assert_eq!(server.primary_key, file.primary_key, "{what}");
    assert_eq!(server.unique, file.unique, "{what}");
    assert_eq!(server.foreign_keys, file.foreign_keys, "{what}");
    assert_eq!(server.checks, file.checks, "{what}");
    assert_eq!(server.indexes, file.indexes, "{what}");
    assert_eq!(server.extended_properties, file.extended_properties, "{what}");
    assert_eq!(server.traits, file.traits, "{what}");
}

/// Makes the named differences equal.
fn leave_out(mut file: Catalog, mut server: Catalog) -> (Catalog, Catalog) {
    // Another server writes the file than serves it.
    assert!(server.database.server_version.is_some(), "a server says what it is");
    server.database.server_version.clone_from(&file.database.server_version);
    // A file claims how many rows it has; a server estimates them, table by table.
    assert_eq!(server.database.claimed_rows, None);
    file.database.claimed_rows = None;
    for table in &mut server.tables {
        table.estimated_rows = None;
    }
    for table in &mut file.tables {
        table.estimated_rows = None;
    }
    // Bytes in storage are not bytes in a file.
    for table in file.tables.iter_mut().chain(&mut server.tables) {
        table.estimated_bytes = None;
    }
    // A model may not say what a server always knows.
    if file.database.collation.is_none() {
        server.database.collation = None;
    }
    if file.database.compatibility_level.is_none() {
        server.database.compatibility_level = None;
    }
    for (file, server) in file.tables.iter_mut().zip(&mut server.tables) {
        tables(file, server);
    }
    code(&mut file, &mut server);
    // A sequence that nobody asked yet stands at its start; a model may leave that out.
    for (file, server) in file.sequences.iter().zip(&mut server.sequences) {
        if file.current_value.is_none() {
            server.current_value = None;
        }
    }
    // Logins belong to the server, not to the database: a model of a project lists those of its users.
    file.principals.retain(|principal| principal.kind != PrincipalKind::Login);
    // No order of role memberships is known: a model gives them no names.
    for catalog in [&mut file, &mut server] {
        catalog.role_memberships.sort_by(|a, b| (&a.role, &a.member).cmp(&(&b.role, &b.member)));
    }
    (file, server)
}

fn tables(file: &mut Table, server: &mut Table) {
    for (file, server) in file.columns.iter().zip(&mut server.columns) {
        columns(file, server);
    }
    // A model that was built and not exported has no names for constraints that nobody named.
    let unnamed = |file: &Option<String>, server: &mut Option<String>| {
        if file.is_none() {
            *server = None;
        }
    };
    let keys = |file: &Key, server: &mut Key| unnamed(&file.name, &mut server.name);
    if let (Some(file), Some(server)) = (&file.primary_key, &mut server.primary_key) {
        keys(file, server);
    }
    file.unique.iter().zip(&mut server.unique).for_each(|(file, server)| keys(file, server));
    for (file, server) in file.foreign_keys.iter().zip(&mut server.foreign_keys) {
        unnamed(&file.name, &mut server.name);
    }
    for (file, server) in file.checks.iter().zip(&mut server.checks) {
        unnamed(&file.name, &mut server.name);
    }
}

fn columns(file: &Column, server: &mut Column) {
    // A model does not tell the type of a computed column, nor its collation, and its nullability only if it is kept.
    if file.computed.is_some() && matches!(file.sql_type, SqlType::Unknown { .. }) {
        server.sql_type = file.sql_type.clone();
        server.alias.clone_from(&file.alias);
        server.nullable = file.nullable;
        server.collation.clone_from(&file.collation);
    }
    if let (Some(DefaultValue { name: None, .. }), Some(default)) = (&file.default, &mut server.default) {
        default.name = None;
    }
}

fn code(file: &mut Catalog, server: &mut Catalog) {
    for (file, server) in file.code.iter_mut().zip(&mut server.code) {
        // The defaults of T-SQL parameters stand in the text only.
        for parameter in &mut file.parameters {
            parameter.default = None;
        }
        // A model that was built and not exported has the body alone; a server always has the whole statement.
        if server.kind != CodeKind::TableType && server.missing_text.is_none() {
            assert!(server.text_is_complete, "{}", server.name);
            server.text_is_complete = file.text_is_complete;
        }
        // A model cannot tell why there is no text, a server can.
        if file.missing_text.is_some() && server.missing_text.is_some() {
            server.missing_text.clone_from(&file.missing_text);
        }
    }
}

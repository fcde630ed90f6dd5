//! Who may do what: `has_perms_by_name`, and what a login sees of the views.

use super::super::cell::Cell;
use super::super::facts::SessionFacts;
use super::super::names::name_parts;
use super::{Call, Function, function, some};
use crate::answer::Failure;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    function("has_perms_by_name", (3, 5), "int", |call| Ok(has_permission(call))),
    function("has_dbaccess", (1, 1), "int", |call| {
        let Some(name) = call.text(0) else { return Ok(Cell::Null) };
        let known =
            call.state.facts.databases.iter().any(|database| call.state.names.same(&database.name, &name));
        if !known {
            return Ok(Cell::Null);
        }
        let closed = call.session.rights.closed.iter().any(|closed| call.state.names.same(closed, &name));
        Ok(Cell::Integer((!closed).into()))
    }),
    function("is_srvrolemember", (1, 2), "int", |call| {
        let administrator = call.session.is_administrator();
        Ok(match call.text(0).unwrap_or_default().to_ascii_lowercase().as_str() {
            "public" => Cell::Integer(1),
            "dbcreator" => Cell::Integer(call.session.rights.create_database.into()),
            "sysadmin" | "securityadmin" | "serveradmin" | "setupadmin" | "processadmin" | "diskadmin"
            | "bulkadmin" => Cell::Integer(administrator.into()),
            _ => Cell::Null,
        })
    }),
    function("is_member", (1, 1), "int", is_member),
    function("is_rolemember", (1, 2), "int", is_member),
];

fn is_member(call: &Call<'_>) -> Result<Cell, Failure> {
    let role = call.text(0).unwrap_or_default();
    let rights = &call.session.rights;
    let is = match role.to_ascii_lowercase().as_str() {
        "public" => true,
        "db_owner" => call.session.is_administrator(),
        "db_datareader" => rights.select,
        "db_datawriter" | "db_ddladmin" => rights.write,
        _ if call.state.names.principal_id(&role).is_some() => false,
        _ => return Ok(Cell::Null),
    };
    Ok(Cell::Integer(is.into()))
}

/// Whether the session sees an object: with `VIEW DEFINITION` all, else what it may select from, and what hangs on it.
pub(super) fn may_see(call: &Call<'_>, id: i32) -> bool {
    sees(call.session, call, id)
}

fn sees(session: &SessionFacts, call: &Call<'_>, id: i32) -> bool {
    if session.rights.view_definition {
        return true;
    }
    let Some(object) = call.state.names.object(id) else { return false };
    let owner = call.state.names.object(object.parent).unwrap_or(object);
    match owner.kind {
        _ if owner.is_system() => true,
        "U" | "V" | "IF" | "TF" => session.may_select(&owner.schema, &owner.name),
        _ => false,
    }
}

/// `t_visible(object_id)`.
pub(super) fn visible(call: &Call<'_>) -> Result<Cell, Failure> {
    Ok(Cell::Integer(call.id(0).is_some_and(|id| may_see(call, id)).into()))
}

fn has_permission(call: &Call<'_>) -> Cell {
    let Some(permission) = call.text(2) else { return Cell::Null };
    let permission = permission.trim().to_ascii_uppercase();
    let class = call.text(1).map(|class| class.trim().to_ascii_uppercase());
    let answer = match (call.text(0), class.as_deref()) {
        (None, None | Some("SERVER")) => on_server(call.session, &permission),
        (Some(name), Some("DATABASE")) => on_database(call, &name, &permission),
        (Some(name), Some("OBJECT")) => on_object(call, &name, &permission),
        (Some(name), Some("SCHEMA")) => {
            let known =
                name_parts(&name).last().is_some_and(|name| call.state.names.schema_id(name).is_some());
            known.then(|| in_database(call.session, &permission))
        }
        (Some(_), Some("LOGIN" | "USER" | "ROLE" | "TYPE")) => Some(call.session.is_administrator()),
        _ => None,
    };
    some(answer.map(i64::from))
}

fn on_server(session: &SessionFacts, permission: &str) -> Option<bool> {
    let rights = &session.rights;
    Some(match permission {
        "CONNECT SQL" | "VIEW ANY DATABASE" | "ANY" => true,
        "CREATE ANY DATABASE" => rights.create_database,
        "VIEW ANY DEFINITION" => rights.view_definition && session.is_administrator(),
        "VIEW SERVER STATE"
        | "VIEW SERVER PERFORMANCE STATE"
        | "VIEW SERVER SECURITY STATE"
        | "CONTROL SERVER"
        | "ALTER ANY DATABASE"
        | "ALTER ANY LOGIN"
        | "ALTER SERVER STATE"
        | "ALTER SETTINGS"
        | "ADMINISTER BULK OPERATIONS"
        | "ALTER TRACE"
        | "SHUTDOWN"
        | "CONNECT ANY DATABASE"
        | "SELECT ALL USER SECURABLES"
        | "ALTER ANY CONNECTION" => session.is_administrator(),
        _ => return None,
    })
}

fn on_database(call: &Call<'_>, name: &str, permission: &str) -> Option<bool> {
    let name = name_parts(name).pop()?;
    let same = |other: &String| call.state.names.same(other, &name);
    if !call.state.facts.databases.iter().any(|database| same(&database.name)) {
        return None;
    }
    Some(!call.session.rights.closed.iter().any(same) && in_database(call.session, permission))
}

/// What the login may do in the database as a whole.
fn in_database(session: &SessionFacts, permission: &str) -> bool {
    let rights = &session.rights;
    match permission {
        "CONNECT" | "ANY" => true,
        "SELECT" | "VIEW CHANGE TRACKING" => rights.select,
        "VIEW DEFINITION" | "VIEW ANY DEFINITION" => rights.view_definition,
        "INSERT" | "UPDATE" | "DELETE" | "ALTER" | "CREATE TABLE" | "CREATE SCHEMA" | "ALTER ANY SCHEMA"
        | "CREATE VIEW" | "CREATE PROCEDURE" | "CREATE FUNCTION" | "CREATE TYPE" | "CREATE SEQUENCE"
        | "REFERENCES" | "EXECUTE" => rights.write,
        _ => session.is_administrator(),
    }
}

fn on_object(call: &Call<'_>, name: &str, permission: &str) -> Option<bool> {
    let id = call.state.names.find_written(name)?;
    let object = call.state.names.object(id)?;
    let column =
        call.text(3).filter(|_| call.text(4).is_some_and(|class| class.eq_ignore_ascii_case("COLUMN")));
    if let Some(column) = column {
        call.state.names.column(id, &column)?;
    }
    let session = call.session;
    if object.is_system() {
        return Some(permission == "SELECT" || session.is_administrator());
    }
    if !may_see(call, id) {
        return Some(false);
    }
    Some(match permission {
        "SELECT" => session.may_select(&object.schema, &object.name),
        "ANY" => true,
        other => in_database(session, other),
    })
}

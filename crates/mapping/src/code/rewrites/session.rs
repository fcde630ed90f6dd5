//! GUIDs, and who and where the session is.

use super::Rewrite;
use crate::code::NotConverted;
use crate::code::print::{ATOM, CAST, Kind, Printer, Typed};
use crate::code::syntax::Expr;
use crate::code::values::{Family, ValueType};
use mssql2pg_catalog::{Length, SqlType};

pub(super) static REWRITES: &[Rewrite] = &[
    Rewrite { name: "newid", arguments: 0..=0, write: new_guid },
    // Its order is a matter of speed in SQL Server's clustered indexes, not of meaning.
    Rewrite { name: "newsequentialid", arguments: 0..=0, write: new_guid },
    Rewrite { name: "suser_sname", arguments: 0..=0, write: login },
    Rewrite { name: "suser_name", arguments: 0..=0, write: login },
    Rewrite { name: "original_login", arguments: 0..=0, write: login },
    Rewrite { name: "system_user", arguments: 0..=0, write: login },
    Rewrite { name: "user_name", arguments: 0..=0, write: user },
    Rewrite { name: "current_user", arguments: 0..=0, write: user },
    Rewrite { name: "session_user", arguments: 0..=0, write: user },
    Rewrite { name: "user", arguments: 0..=0, write: user },
    Rewrite { name: "db_name", arguments: 0..=0, write: database },
    Rewrite { name: "app_name", arguments: 0..=0, write: application },
];

fn new_guid(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    printer.may_change("NEWID")?;
    Ok(Typed::value("gen_random_uuid()", ATOM, SqlType::UniqueIdentifier))
}

/// Names are `nvarchar(128)` in SQL Server and `name` in PostgreSQL.
fn name(printer: &Printer<'_>, function: &str, sql: &str, level: u8) -> Result<Typed, NotConverted> {
    printer.may_change(function)?;
    Ok(Typed::value(sql, level, SqlType::NVarChar { length: Length::limited(128) }))
}

fn login(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    name(printer, "SUSER_SNAME", "session_user::text", CAST)
}

fn user(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    name(printer, "USER_NAME", "current_user::text", CAST)
}

fn database(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    name(printer, "DB_NAME", "current_database()::text", CAST)
}

fn application(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    name(printer, "APP_NAME", "current_setting('application_name')", ATOM)
}

/// A new GUID that fills a text column: in upper case as SQL Server writes it, except where the column is
/// a uniqueidentifier that is kept as text, which is written in PostgreSQL's lower case.
pub(super) fn for_type(
    printer: &Printer<'_>,
    name: &str,
    to: &ValueType,
) -> Option<Result<Typed, NotConverted>> {
    if !matches!(name, "newid" | "newsequentialid") || to.family != Family::Text {
        return None;
    }
    let sql = match to.sql_type {
        SqlType::UniqueIdentifier => "gen_random_uuid()::text",
        _ => "upper(gen_random_uuid()::text)",
    };
    let typed = Typed { sql: sql.to_owned(), level: CAST, kind: Kind::Value(to.clone()) };
    Some(printer.may_change("NEWID").map(|()| typed))
}

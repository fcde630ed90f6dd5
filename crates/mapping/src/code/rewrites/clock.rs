//! Clocks. SQL Server's local clock is the server's; PostgreSQL's is in the session's time zone, so a
//! target whose `timezone` is the old server's gives the same values. PostgreSQL reads the clock once per
//! transaction.

use super::Rewrite;
use crate::code::NotConverted;
use crate::code::print::{ATOM, Printer, Typed};
use crate::code::syntax::Expr;
use crate::code::values::{Family, ValueType};
use mssql2pg_catalog::SqlType;

pub(super) static REWRITES: &[Rewrite] = &[
    Rewrite { name: "getdate", arguments: 0..=0, write: local_datetime },
    Rewrite { name: "current_timestamp", arguments: 0..=0, write: local_datetime },
    Rewrite { name: "sysdatetime", arguments: 0..=0, write: local_datetime2 },
    Rewrite { name: "getutcdate", arguments: 0..=0, write: utc_datetime },
    Rewrite { name: "sysutcdatetime", arguments: 0..=0, write: utc_datetime2 },
    Rewrite { name: "sysdatetimeoffset", arguments: 0..=0, write: instant },
];

fn local_datetime(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    printer.may_change("GETDATE")?;
    Ok(Typed::value("localtimestamp(3)", ATOM, SqlType::DateTime))
}

fn local_datetime2(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    printer.may_change("SYSDATETIME")?;
    Ok(Typed::value("localtimestamp", ATOM, SqlType::DateTime2 { scale: 7 }))
}

fn utc_datetime(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    printer.may_change("GETUTCDATE")?;
    Ok(Typed::value("(now() at time zone 'utc')", ATOM, SqlType::DateTime))
}

fn utc_datetime2(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    printer.may_change("SYSUTCDATETIME")?;
    Ok(Typed::value("(now() at time zone 'utc')", ATOM, SqlType::DateTime2 { scale: 7 }))
}

fn instant(printer: &Printer<'_>, _: &[Expr]) -> Result<Typed, NotConverted> {
    printer.may_change("SYSDATETIMEOFFSET")?;
    Ok(Typed::value("now()", ATOM, SqlType::DateTimeOffset { scale: 7 }))
}

/// A clock that fills a column, in the form that keeps the column's own precision.
pub(super) fn for_type(
    printer: &Printer<'_>,
    name: &str,
    to: &ValueType,
) -> Option<Result<Typed, NotConverted>> {
    let is_utc = match name {
        "getdate" | "current_timestamp" | "sysdatetime" | "sysdatetimeoffset" => false,
        "getutcdate" | "sysutcdatetime" => true,
        _ => return None,
    };
    if let Err(refused) = printer.may_change(name) {
        return Some(Err(refused));
    }
    let utc = "(now() at time zone 'utc')";
    let sql = match (to.family, &to.sql_type, is_utc) {
        (Family::Timestamp, SqlType::SmallDateTime, false) => {
            // smalldatetime rounds to the minute.
            "date_trunc('minute', localtimestamp + interval '30 seconds')".to_owned()
        }
        (Family::Timestamp, SqlType::SmallDateTime, true) => {
            format!("date_trunc('minute', {utc} + interval '30 seconds')")
        }
        (Family::Timestamp, SqlType::DateTime, false) => "localtimestamp(3)".to_owned(),
        (Family::Timestamp, SqlType::DateTime2 { scale }, false) if *scale < 6 => {
            format!("localtimestamp({scale})")
        }
        (Family::Timestamp, _, false) => "localtimestamp".to_owned(),
        (Family::Timestamp, _, true) => utc.to_owned(),
        (Family::Date, _, false) => "current_date".to_owned(),
        (Family::Date, _, true) => format!("{utc}::date"),
        (Family::Time, SqlType::Time { scale }, false) if *scale < 6 => format!("localtime({scale})"),
        (Family::Time, _, false) => "localtime".to_owned(),
        (Family::Time, _, true) => format!("{utc}::time"),
        (Family::TimestampTz, _, _) => "now()".to_owned(),
        _ => return None,
    };
    Some(Ok(Typed { kind: crate::code::print::Kind::Value(to.clone()), sql, level: ATOM }))
}

//! What a session tells: the database, the rights of the login, what can hold the rows still, collations, size.

use crate::SourceError;
use crate::doctor::{Steps, told};
use crate::live::address::Address;
use crate::live::cells::AnswerRow;
use crate::live::connect::Session;
use crate::live::hold;
use crate::live::quote;

const SERVER: &str = include_str!("../queries/doctor_server.sql");
const PERMISSIONS: &str = include_str!("../queries/doctor_permissions.sql");
const TABLES: &str = include_str!("../queries/doctor_tables.sql");
const HIDDEN: &str = include_str!("../queries/doctor_hidden_2016.sql");
const SIZES: &str = include_str!("../queries/doctor_sizes.sql");
const CHANGES: &str = include_str!("../queries/doctor_changes.sql");
const CODE_PAGES: &str = include_str!("../queries/code_pages.sql");

/// SQL Server 2012.
const OLDEST_MAJOR: u32 = 11;
/// Azure SQL Database.
const AZURE: i64 = 5;
/// Azure SQL Managed Instance.
const MANAGED: i64 = 8;
/// SQL database in Fabric.
const FABRIC: i64 = 12;
/// So many names are told.
const NAMES: usize = 10;
/// The code pages that text can be read in; `mapping::encode::text` has their tables.
const PAGES: &[i64] =
    &[65001, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 874, 437, 850, 932, 936, 949, 950];

/// What the steps know of the server.
struct Server {
    major: u32,
    engine: i64,
    database: String,
    user: String,
    address: Address,
}

/// Every step that needs a session; one that fails does not end the others.
pub(super) fn look(address: &Address, session: &mut Session, steps: &mut Steps) {
    let server = match about(address, session, steps) {
        Ok(server) => server,
        Err(error) => return failed(steps, "database", &error),
    };
    type Look = fn(&mut Session, &Server, &mut Steps) -> Result<(), SourceError>;
    let looks: [(&'static str, Look); 7] = [
        ("definitions", definitions),
        ("select", select),
        ("hidden", hidden),
        ("consistency", consistency),
        ("changes", changes),
        ("collation", collation),
        ("size", size),
    ];
    for (layer, look) in looks {
        if let Err(error) = look(session, &server, steps) {
            failed(steps, layer, &error);
        }
    }
}

fn failed(steps: &mut Steps, layer: &'static str, error: &SourceError) {
    steps.failed(layer, told(error), "the server's answer says why; if it does not, report it to us");
}

/// Asks for one row.
fn row<T>(
    session: &mut Session,
    doing: &str,
    sql: &str,
    take: impl FnOnce(AnswerRow<'_>) -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let answer = session.ask(doing, sql)?;
    match answer.first() {
        Some(row) => take(row),
        None => Err(super::super::failure::answer(format!("nothing came when we asked: {doing}"))),
    }
}

fn about(address: &Address, session: &mut Session, steps: &mut Steps) -> Result<Server, SourceError> {
    row(session, "ask what the server is", SERVER, |row| {
        let version = row.name("product_version")?;
        let edition = row.text("edition")?.unwrap_or("unknown edition").to_owned();
        let server = Server {
            major: version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0),
            engine: row.int("engine_edition")?.unwrap_or(0),
            database: row.name("database_name")?,
            user: row.text("user_name")?.unwrap_or("…").to_owned(),
            address: address.clone(),
        };
        match server.database.as_str() {
            "master" | "model" | "msdb" | "tempdb" => steps.failed(
                "database",
                format!("{} is a database of the server's own", server.database),
                "name the database in the address: mssql://…/DATABASE",
            ),
            name => steps.ok("database", format!("{name}, as the user {}", server.user)),
        }
        let told = format!("SQL Server {version}, {edition}");
        match server.major >= OLDEST_MAJOR || server.engine == AZURE {
            true => steps.ok("version", told),
            false => steps.failed(
                "version",
                told,
                "SQL Server 2012 is the oldest that is read: restore the database on a later one",
            ),
        }
        let level = row.int("compatibility_level")?.unwrap_or(0);
        match level >= 110 {
            true => steps.ok("compatibility", format!("level {level}")),
            false => steps.warning(
                "compatibility",
                format!("level {level}: the server behaves like one before 2012 there"),
                "nothing need be done to move it; its code may mean something else than it says",
            ),
        }
        Ok(server)
    })
}

fn definitions(session: &mut Session, server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    let may = row(session, "ask what the login may do", PERMISSIONS, |row| row.flag("may_view_definition"))?;
    match may {
        true => steps.ok("definitions", "VIEW DEFINITION is granted"),
        false => steps.failed(
            "definitions",
            "VIEW DEFINITION is missing: the server hides what the login has no right on, so that nobody can tell whether all is there",
            format!("grant view definition to {}", quote(&server.user)),
        ),
    }
    Ok(())
}

fn select(session: &mut Session, server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    let answer = session.ask("ask which tables the login may read", TABLES)?;
    let (mut all, mut missing) = (0_usize, Vec::new());
    for row in answer.rows() {
        all += 1;
        if !row.flag("may_select")? {
            missing.push(format!("{}.{}", row.name("schema_name")?, row.name("name")?));
        }
    }
    let more = missing.len().saturating_sub(NAMES);
    let count = missing.len();
    missing.truncate(NAMES);
    match (all, count) {
        (0, _) => steps.warning(
            "select",
            "no tables are seen",
            format!("if there are some: grant select, view definition to {}", quote(&server.user)),
        ),
        (_, 0) => steps.ok("select", format!("SELECT is granted on all of {all} tables that are seen")),
        _ => {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            steps.failed(
                "select",
                format!("SELECT is missing on {count} of {all} tables: {}{more}", missing.join(", ")),
                format!(
                    "grant select to {} (in the database; a deny on a table must be revoked), or leave the tables out with --exclude",
                    quote(&server.user)
                ),
            );
        }
    }
    Ok(())
}

/// What would show the login other values or rows than there are.
fn hidden(session: &mut Session, server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    if server.major < 13 && !matches!(server.engine, AZURE | MANAGED | FABRIC) {
        steps.ok("hidden", "no masks and no row-level security before SQL Server 2016");
        return Ok(());
    }
    let (masked, policies) = row(session, "ask what is hidden", HIDDEN, |row| {
        Ok((row.id("masked_columns")?, row.id("policies")?))
    })?;
    if masked > 0 {
        steps.failed(
            "hidden",
            format!("{masked} columns are masked, and the login would get made-up values"),
            format!("grant unmask to {}", quote(&server.user)),
        );
    } else if policies > 0 {
        steps.warning(
            "hidden",
            format!("{policies} security policies may hide rows from the login"),
            "let the policies' functions return every row for this login, or turn the policies off while it reads; then say --accept-hidden-rows",
        );
    } else {
        steps.ok("hidden", "no masked values, no hidden rows");
    }
    Ok(())
}

fn consistency(session: &mut Session, server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    let means = hold::means(&server.address, session)?;
    let (read_only, isolation) = (means.is_read_only, means.allows_isolation);
    let cloud = matches!(server.engine, AZURE | MANAGED | FABRIC);
    let isolation_sql = format!("alter database {} set allow_snapshot_isolation on", quote(&server.database));
    match (read_only, means.no_snapshot, isolation) {
        (true, ..) => steps.ok("consistency", "the database is read-only"),
        (_, None, true) => steps.ok("consistency", "a database snapshot can be made, and SNAPSHOT isolation is allowed"),
        (_, None, false) => steps.ok("consistency", "a database snapshot can be made; SNAPSHOT isolation is not allowed"),
        (_, Some(_), true) if cloud => {
            steps.ok("consistency", "SNAPSHOT isolation is allowed; there are no database snapshots on Azure");
        }
        (_, Some(why), true) => steps.ok(
            "consistency",
            format!(
                "SNAPSHOT isolation is allowed; a database snapshot is exact with any number of workers, but {why}"
            ),
        ),
        _ if cloud => steps.failed(
            "consistency",
            "nothing can hold the rows still: SNAPSHOT isolation is not allowed",
            format!("{isolation_sql}; or --quiesced, or --accept-moving-source"),
        ),
        (_, Some(why), false) => steps.failed(
            "consistency",
            format!("nothing can hold the rows still: no database snapshot, since {why}, and SNAPSHOT isolation is not allowed"),
            format!(
                "use master; grant create any database to the login; or {isolation_sql}; or --quiesced, or --accept-moving-source"
            ),
        ),
    }
    Ok(())
}

fn changes(session: &mut Session, _server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    let answer = session.ask("ask for the version of the last change", CHANGES)?;
    let found = match answer.first() {
        Some(row) => (row.int("change_version")?, row.id("unwatched_tables")?),
        None => (None, 0),
    };
    steps.ok(
        "changes",
        match found {
            (None, _) => {
                "change tracking is off: whether anything changed meanwhile cannot be proven".to_owned()
            }
            (Some(version), 0) => format!("change tracking watches every table, at version {version}"),
            (Some(version), unwatched) => {
                format!("change tracking is on at version {version}, but not for {unwatched} tables")
            }
        },
    );
    Ok(())
}

fn collation(session: &mut Session, _server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    let (server, database) = row(session, "ask for the collations", SERVER, |row| {
        let name = |column| row.text(column).map(|name| name.unwrap_or("unknown").to_owned());
        Ok((name("server_collation")?, name("database_collation")?))
    })?;
    let answer = session.ask("ask for the code pages", CODE_PAGES)?;
    let mut strange = Vec::new();
    for row in answer.rows() {
        if let Some(page) = row.int("code_page")?
            // 0: a collation for Unicode alone.
            && page != 0
            && !PAGES.contains(&page)
        {
            strange.push(format!("{} ({page})", row.name("collation_name")?));
        }
    }
    let case = |name: &str| {
        let upper = name.to_ascii_uppercase();
        match upper.contains("_CS") || upper.ends_with("_BIN") || upper.contains("_BIN2") {
            true => "case-sensitive",
            false => "case-insensitive",
        }
    };
    let told = format!("database {database} ({}), server {server} ({})", case(&database), case(&server));
    match strange.is_empty() {
        true => steps.ok("collation", told),
        false => steps.failed(
            "collation",
            format!("{told}; text in these code pages cannot be read: {}", strange.join(", ")),
            "report it to us; nvarchar columns are not affected",
        ),
    }
    Ok(())
}

fn size(session: &mut Session, _server: &Server, steps: &mut Steps) -> Result<(), SourceError> {
    let (tables, rows, pages) = row(session, "ask for the size", SIZES, |row| {
        Ok((row.id("table_count")?, row.int("row_count")?.unwrap_or(0), row.int("used_pages")?.unwrap_or(0)))
    })?;
    // A page has 8 KiB.
    let mebibytes = pages / 128;
    steps.ok("size", format!("about {rows} rows in {tables} tables, {mebibytes} MiB with indexes"));
    Ok(())
}

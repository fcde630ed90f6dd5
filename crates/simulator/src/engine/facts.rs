//! What the views need to know beside the catalog.

use super::session::{DEFAULT_COLLATION, Session};
use super::state::{Hosted, Server};
use super::views::{ChangeTracking, DataFile, DatabaseFacts, ListedDatabase, Moment, SessionFacts};
use crate::answer::Failure;
use std::sync::Arc;
use std::time::SystemTime;

/// About a server and a database of it.
pub(super) fn of_database(server: &Server, hosted: &Hosted) -> DatabaseFacts {
    let options = &server.options;
    let name = &hosted.name;
    let file = |id: i32, is_log: bool, name: String, end: &str| DataFile {
        id,
        is_log,
        physical_name: format!("/var/opt/mssql/data/{name}{end}"),
        name,
        pages: 1024,
    };
    let tracked = |version: i64| ChangeTracking {
        version,
        min_valid_version: 0,
        tables: hosted.state.catalog.tables.iter().map(|table| table.name.clone()).collect(),
    };
    DatabaseFacts {
        database_id: hosted.id,
        database_name: name.clone(),
        server_name: "SIMULATOR".to_owned(),
        product_version: options.product_version.clone(),
        edition: options.edition.clone(),
        engine_edition: options.engine_edition,
        case_sensitive: options.case_sensitive,
        change_tracking: options.change_tracking.map(tracked),
        databases: server.databases().iter().map(|hosted| listed(server, hosted)).collect(),
        files: vec![file(1, false, name.clone(), ".mdf"), file(2, true, format!("{name}_log"), ".ldf")],
        logins: options.logins.iter().map(|login| login.name.clone()).collect(),
    }
}

fn listed(server: &Server, hosted: &Hosted) -> ListedDatabase {
    let database = &hosted.state.catalog.database;
    let of_user = hosted.id > super::state::LAST_SYSTEM_DATABASE;
    ListedDatabase {
        name: hosted.name.clone(),
        id: hosted.id,
        create_date: Moment::from_system(hosted.create_date),
        source_database_id: hosted.source,
        collation: Some(database.collation.clone().unwrap_or_else(|| DEFAULT_COLLATION.to_owned())),
        compatibility_level: database.compatibility_level,
        is_read_only: hosted.source.is_some() || (server.options.read_only && of_user),
        snapshot_isolation: server.options.snapshot_isolation && of_user && hosted.source.is_none(),
    }
}

/// About who asks.
///
/// # Errors
/// 911 when the database was dropped.
pub(super) fn of_session(session: &Session) -> Result<SessionFacts, Failure> {
    let state = session.server.database_of(session.database_id)?.state;
    let counts = state.catalog.tables.iter().map(|table| (table.name.clone(), state.count(table)));
    Ok(SessionFacts {
        login: session.login.name.clone(),
        rights: session.login.rights.clone(),
        session_id: session.session_id,
        open_transactions: session.transactions,
        now: Moment::from_system(SystemTime::now()),
        encrypted: false,
        parameters: session.parameters.clone(),
        row_counts: Arc::new(counts.collect()),
    })
}

//! What the views need to know beside the catalog: about the server and its databases, and about who asks.

use super::cell::Moment;
use crate::answer::{BatchParameter, Failure};
use crate::options::Rights;
use mssql2pg_catalog::ObjectName;
use std::collections::HashMap;
use std::sync::Arc;

/// What is not in a catalog.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseFacts {
    /// `db_id()`: one of [`DatabaseFacts::databases`].
    pub(crate) database_id: i32,
    /// `db_name()`.
    pub(crate) database_name: String,
    /// `serverproperty('ServerName')`.
    pub(crate) server_name: String,
    /// `serverproperty('ProductVersion')`; the views have the columns of its major version.
    pub(crate) product_version: String,
    /// `serverproperty('Edition')`.
    pub(crate) edition: String,
    /// `serverproperty('EngineEdition')`.
    pub(crate) engine_edition: i32,
    /// Whether names that differ in case are different.
    pub(crate) case_sensitive: bool,
    /// Change tracking of this database; none when it is off.
    pub(crate) change_tracking: Option<ChangeTracking>,
    /// All databases of the server, this one and the snapshots included.
    pub(crate) databases: Vec<ListedDatabase>,
    /// The files of this database.
    pub(crate) files: Vec<DataFile>,
    /// The names of the logins.
    pub(crate) logins: Vec<String>,
}

impl DatabaseFacts {
    /// This database in the list.
    pub(super) fn database(&self) -> Option<&ListedDatabase> {
        self.databases.iter().find(|database| database.id == self.database_id)
    }

    /// When this database was made.
    pub(super) fn create_date(&self) -> Moment {
        self.database().map_or(Moment::day(2020, 1, 1), |database| database.create_date)
    }
}

/// Change tracking of a database.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChangeTracking {
    /// `change_tracking_current_version()`.
    pub(crate) version: i64,
    /// The oldest version that is still kept.
    pub(crate) min_valid_version: i64,
    /// The tables that are tracked.
    pub(crate) tables: Vec<ObjectName>,
}

/// A row of `sys.databases`.
#[derive(Debug, Clone)]
pub(crate) struct ListedDatabase {
    /// Its name.
    pub(crate) name: String,
    /// Its number.
    pub(crate) id: i32,
    /// When it was made.
    pub(crate) create_date: Moment,
    /// For a snapshot: the database that it is one of.
    pub(crate) source_database_id: Option<i32>,
    /// Its collation.
    pub(crate) collation: Option<String>,
    /// Its compatibility level; none for the server's.
    pub(crate) compatibility_level: Option<u16>,
    /// Whether it is read-only; a snapshot always is.
    pub(crate) is_read_only: bool,
    /// Whether it allows SNAPSHOT isolation.
    pub(crate) snapshot_isolation: bool,
}

/// A row of `sys.database_files`.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    /// Its number in the database.
    pub(crate) id: i32,
    /// Whether it is a file of the log.
    pub(crate) is_log: bool,
    /// Its logical name.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) physical_name: String,
    /// Its size in pages of 8 KB.
    pub(crate) pages: i64,
}

/// Who asks, and when.
#[derive(Debug, Clone)]
pub(crate) struct SessionFacts {
    /// The login.
    pub(crate) login: String,
    /// What it may do.
    pub(crate) rights: Rights,
    /// `@@spid`.
    pub(crate) session_id: i32,
    /// `@@trancount`.
    pub(crate) open_transactions: i32,
    /// The time, in UTC.
    pub(crate) now: Moment,
    /// Whether the connection is encrypted.
    pub(crate) encrypted: bool,
    /// The parameters of `sp_executesql` and the session's variables.
    pub(crate) parameters: Vec<BatchParameter>,
    /// Rows of the tables; a table that is not there has as many as the catalog estimates.
    pub(crate) row_counts: Arc<HashMap<ObjectName, u64>>,
}

impl SessionFacts {
    /// Somebody with all rights.
    #[cfg(test)]
    pub(super) fn of_everybody() -> Self {
        Self {
            login: "sa".to_owned(),
            rights: Rights::all(),
            session_id: 51,
            open_transactions: 0,
            now: Moment::day(2026, 1, 2),
            encrypted: false,
            parameters: Vec::new(),
            row_counts: Arc::default(),
        }
    }

    /// Whether it may do everything.
    pub(super) fn is_administrator(&self) -> bool {
        let Rights { select, view_definition, create_database, write, denied, closed } = &self.rights;
        *select && *view_definition && *create_database && *write && denied.is_empty() && closed.is_empty()
    }

    /// Whether it may select from the table.
    pub(super) fn may_select(&self, schema: &str, name: &str) -> bool {
        let written = format!("{schema}.{name}");
        self.rights.select && !self.rights.denied.iter().any(|denied| denied.eq_ignore_ascii_case(&written))
    }
}

/// A mistake in what SQLite is told: it never depends on what the client asks.
impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(50000, format!("the simulator's catalog views fail: {error}"))
    }
}

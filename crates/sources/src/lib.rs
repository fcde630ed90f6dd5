//! Where a SQL Server database comes from.
//!
//! Invariant: this crate knows SQL Server and nothing about PostgreSQL. Foreign bytes never panic
//! and never make it allocate without bound.
//!
//! To extend: a source is a folder here that implements [`Source`], plus one line in [`open`].

mod bacpac;
mod error;
#[cfg(feature = "live")]
mod live;

pub use bacpac::Bacpac;
pub use error::{ErrorKind, ServerMessage, SourceError};

use mssql2pg_catalog::{Catalog, RowSink, Table};
use serde::{Deserialize, Serialize};

/// What a source is, for the run folder and the report. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// `bacpac`, `dacpac`, later `mssql`, `bak`, `mdf`.
    pub kind: String,
    /// Where it is: a path as given, or a URL without its password.
    pub location: String,
    /// What tells this database state from another: a checksum of the content for files.
    pub identity: String,
    /// The server that wrote it, one line.
    pub server_version: Option<String>,
    /// Whether two reads give the same rows.
    pub consistency: Consistency,
    /// Whether it holds rows at all; a `.dacpac` is schema only.
    pub has_data: bool,
}

/// Whether two reads of a source give the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Nobody can change it: a file, a snapshot, a read-only database.
    Frozen,
    /// It may change while we read.
    Moving,
}

/// A unit of reading, committing, retrying and validating. A split of a frozen source always
/// gives the same rows in the same order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Its number within its table, from 0 without gaps.
    pub number: u32,
    /// What the source needs to find it again, for example `TableData-003-00000.BCP`.
    pub locator: String,
    /// Its size in the source, for order and progress.
    pub estimated_bytes: u64,
}

/// A place that a SQL Server database can be read from. Shared by all workers.
pub trait Source: Sync + Send {
    /// What it is.
    fn about(&self) -> SourceInfo;

    /// The whole catalog. Called once a run; the answer is kept in the run folder.
    ///
    /// # Errors
    /// When the source cannot be read or is not what it claims to be.
    fn catalog(&self) -> Result<Catalog, SourceError>;

    /// The splits of a table, in order; none for a table without rows.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn splits(&self, table: &Table) -> Result<Vec<Split>, SourceError>;

    /// Pushes every row of the split into `rows`, and returns how many rows were pushed.
    /// Returns early, and well, when the sink says [`mssql2pg_catalog::Stop`].
    ///
    /// # Errors
    /// When the source cannot be read, or its bytes contradict the catalog.
    fn read(&self, table: &Table, split: &Split, rows: &mut dyn RowSink) -> Result<u64, SourceError>;
}

/// Opens the source at `location`: today the path of a `.bacpac` or `.dacpac`.
///
/// The content decides what a file is, not its name.
///
/// # Errors
/// [`ErrorKind::Open`] when it cannot be read, [`ErrorKind::NotASource`] when it is something else; the
/// error says what it looks like.
pub fn open(location: &str) -> Result<Box<dyn Source>, SourceError> {
    let lower = location.to_ascii_lowercase();
    if lower.contains("://") || lower.contains("server=") || lower.contains("data source=") {
        // It may hold a password, so that it is not repeated.
        return Err(SourceError::new(
            ErrorKind::Unsupported,
            "the source is a connection string, and live servers are not supported yet",
        ));
    }
    Ok(Box::new(Bacpac::open(location)?))
}

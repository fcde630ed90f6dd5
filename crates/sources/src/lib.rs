//! Where a SQL Server database comes from.
//!
//! Invariant: this crate knows SQL Server and nothing about PostgreSQL. Foreign bytes never panic
//! and never make it allocate without bound.
//!
//! To extend: a source is a folder here that implements [`Source`], plus one line in [`open`].

mod bacpac;
pub mod doctor;
mod error;
mod hold;
#[cfg(feature = "live")]
mod live;
mod table_type;
mod tsql;

pub use bacpac::Bacpac;
pub use error::{ErrorKind, ServerMessage, SourceError};
pub use hold::{Hold, HoldKind, HoldRequest, Wanted};
#[cfg(feature = "live")]
pub use live::{Live, LiveWriter, ServerObject};
pub use tsql::{length_in_bytes, quoted};

use mssql2pg_catalog::{Catalog, Column, RowSink, Table, TableMeasures};
use serde::{Deserialize, Serialize};

/// What a source is, for the run folder and the report. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// `bacpac`, `dacpac`, `mssql`; later `bak`, `mdf`.
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
    /// The database's name, where a running server serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// Whether two reads of a source give the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Nobody can change it: a file, a snapshot, a read-only database.
    Frozen,
    /// It may change while we read, unless something holds it: see [`Source::hold`].
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

    /// Holds the rows still, as far as that can be had, and says what holds. Called once a command, after the catalog is
    /// read and before any row is; a file holds by itself.
    ///
    /// # Errors
    /// [`ErrorKind::SnapshotLost`] when the state that was held before is gone; [`ErrorKind::Unsupported`] or
    /// [`ErrorKind::Permission`] when what the user wants cannot be had; [`ErrorKind::Moving`] when nothing can hold
    /// the rows and the user has not accepted that.
    fn hold(&self, request: &HoldRequest<'_>) -> Result<Hold, SourceError> {
        let _ = request;
        Ok(Hold::file())
    }

    /// What has changed since [`Source::hold`] although it should not have, as far as that can be known: one sentence
    /// without a period.
    ///
    /// # Errors
    /// When the source cannot be asked.
    fn changed(&self) -> Result<Option<String>, SourceError> {
        Ok(None)
    }

    /// Lets go of what [`Source::hold`] made. Not called when the run will go on later.
    ///
    /// # Errors
    /// When something of ours stays on the server; the error names it.
    fn release(&self) -> Result<(), SourceError> {
        Ok(())
    }

    /// The splits of a table, in order; none for a table without rows. A file has its own splits; other sources make
    /// some of about `rows_per_split` rows.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn splits(&self, table: &Table, rows_per_split: u64) -> Result<Vec<Split>, SourceError>;

    /// Pushes every row of the split into `rows`, and returns how many rows were pushed.
    /// Returns early, and well, when the sink says [`mssql2pg_catalog::Stop`].
    ///
    /// # Errors
    /// When the source cannot be read, or its bytes contradict the catalog.
    fn read(&self, table: &Table, split: &Split, rows: &mut dyn RowSink) -> Result<u64, SourceError>;

    /// What the source's own engine computes over all rows of a table, in the state that is held: its measures, and
    /// `expressions`, which are T-SQL aggregates over its columns. One query, as long as the server takes so many items.
    /// None where the source has no engine.
    ///
    /// Columns are named by [`quoted`]; nothing of a value may stand in an expression.
    ///
    /// # Errors
    /// [`ErrorKind::Query`], [`ErrorKind::Permission`] or [`ErrorKind::Unsupported`] when the server refuses; what is held
    /// still holds then, and the rows can be read instead. Other kinds as for [`Source::read`].
    fn aggregate(&self, table: &Table, expressions: &[String]) -> Result<Option<Aggregates>, SourceError> {
        let _ = (table, expressions);
        Ok(None)
    }

    /// The measures of a table as the source's own engine computes them; those that it cannot compute exactly are absent.
    /// None where the source has no engine.
    ///
    /// # Errors
    /// As [`Source::aggregate`].
    fn measures(&self, table: &Table) -> Result<Option<TableMeasures>, SourceError> {
        Ok(self.aggregate(table, &[])?.map(|aggregates| aggregates.measures))
    }

    /// How many rows of a table meet a condition in T-SQL, counted by the source's own engine. Inside a subquery the table
    /// itself goes by the name `this`. None where the source has no engine.
    ///
    /// # Errors
    /// As [`Source::aggregate`].
    fn count_where(&self, table: &Table, condition: &str) -> Result<Option<u64>, SourceError> {
        let _ = (table, condition);
        Ok(None)
    }

    /// Pushes the values of `key`, in that order, of the first `most` rows in the order of `key` that meet a condition as
    /// in [`Source::count_where`], and returns how many rows were pushed. None where the source has no engine.
    ///
    /// # Errors
    /// As [`Source::aggregate`].
    fn keys_where(
        &self,
        table: &Table,
        key: &[&Column],
        condition: &str,
        most: usize,
        rows: &mut dyn RowSink,
    ) -> Result<Option<u64>, SourceError> {
        let _ = (table, key, condition, most, rows);
        Ok(None)
    }
}

/// What an engine computed over all rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregates {
    /// Its measures.
    pub measures: TableMeasures,
    /// The value of each expression as text; none for NULL.
    pub values: Vec<Option<String>>,
}

/// Whether what is no file may be an address with a password in it, so that it is not repeated.
fn may_hold_secret(location: &str) -> bool {
    let user_info = location.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
    user_info || location.contains("://") || location.contains('=')
}

/// Opens the source at `location`: the path of a `.bacpac` or `.dacpac`, or the address of a live server.
///
/// The content decides what a file is, not its name.
///
/// # Errors
/// [`ErrorKind::Open`] when it cannot be read, [`ErrorKind::NotASource`] when it is something else; the
/// error says what it looks like.
pub fn open(location: &str) -> Result<Box<dyn Source>, SourceError> {
    if std::path::Path::new(location).exists() {
        return Ok(Box::new(Bacpac::open(location)?));
    }
    #[cfg(feature = "live")]
    if Live::is_address(location) {
        return Ok(Box::new(Live::open(location)?));
    }
    if may_hold_secret(location) {
        return Err(SourceError::new(
            ErrorKind::Address,
            "the source is neither a file nor the address of a SQL Server, such as mssql://user@host/database",
        ));
    }
    Ok(Box::new(Bacpac::open(location)?))
}

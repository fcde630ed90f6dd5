//! What a simulator serves: a catalog and rows, from memory or from any offline source.

use mssql2pg_catalog::{Catalog, RowSink, Table};
use std::fmt;
use std::sync::Arc;

/// Rows of the tables of a catalog. A test wraps any offline source in it.
pub trait Rows: Send + Sync {
    /// Pushes every row of the table: one value for each of [`Table::stored_columns`], in order. Stops when the sink
    /// says so. Equal calls push equal rows in the same order.
    fn read(&self, table: &Table, rows: &mut dyn RowSink);
}

/// A database to serve.
#[derive(Clone)]
pub struct Database {
    /// What it is made of; [`Catalog::database`] has its name and collation.
    pub catalog: Catalog,
    /// Its rows.
    pub rows: Arc<dyn Rows>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("name", &self.catalog.database.name).finish_non_exhaustive()
    }
}

//! Answers the SQL.
//!
//! `login.rs` lets clients in, `session.rs` is one connection, `batch.rs` runs its statements. Catalog queries go to
//! `views/`; `select/` reads user tables and orders values by `order.rs`; `ddl/`, `insert.rs` and `bulk.rs` write;
//! `state.rs` holds the databases; `language/` reads T-SQL; `values/` keeps, converts and compares values.
//!
//! To extend: a new statement is an arm in `batch.rs` and a file of its own.

mod batch;
mod bulk;
mod ddl;
mod facts;
mod failures;
mod histogram;
mod insert;
mod language;
mod login;
mod order;
mod query;
mod select;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod values;
mod views;

use crate::conversation::Engine;
use crate::options::{Faults, Options};
use std::io;
use std::sync::Arc;

/// The engine of a server.
///
/// # Errors
/// When a database makes no sense.
pub(crate) fn open(options: &Options, faults: &Faults) -> io::Result<Arc<dyn Engine>> {
    for database in &options.databases {
        if database.catalog.database.name.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a database to simulate has no name"));
        }
    }
    let server = state::Server::new(options.clone(), faults.clone());
    Ok(Arc::new(login::Shared(Arc::new(server))))
}

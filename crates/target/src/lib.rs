//! PostgreSQL as a migration target: how to reach it, how rows get in and out, what is recorded as done, and what
//! its catalog says afterwards.
//!
//! Invariant: this crate knows PostgreSQL and nothing about where the rows come from. Rows and the ledger mark of
//! their split commit in one transaction ([`Connection::load_split`]); there is no other record of what is loaded.
//! No value of a cell and no secret is in an error, a log or a `Debug` text.
//!
//! To add a question to the target's catalog: one file in `queries/` that runs in `psql` as it stands, and one
//! function in `catalog.rs`.

mod address;
pub mod catalog;
mod connect;
mod copy;
pub mod doctor;
pub mod embedded;
mod error;
mod ledger;
mod passfile;
mod tls;

pub use address::Target;
pub use connect::{Connection, ServerInfo};
pub use copy::{Fill, FillError};
pub use error::{ErrorKind, ServerError, TargetError};
pub use ledger::{BeginRun, Ledger, RunRow, SplitRow, StepRow, lock_run};

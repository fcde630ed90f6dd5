//! For tests: a TDS server on a loopback port that serves a catalog and its rows to real clients.
//!
//! [`Simulator::start`] listens on a free port of 127.0.0.1. `wire/` speaks TDS (MS-TDS): pre-login, TLS, login,
//! batches and remote calls, tokens, attention, and the faults that a test asks for. `engine/` answers the SQL:
//! the `sys` views stand in an embedded SQL engine with the column sets of the real ones, so that a query which names
//! a column that SQL Server does not have fails here too; rows of user tables are filtered by an evaluator that
//! orders values as SQL Server does. `conversation.rs` and `answer.rs` are the border between the two.
//!
//! Invariant: nothing here is used by the product, and nothing of the product's reading code is used here, so that the
//! two can disagree.

mod answer;
mod conversation;
mod database;
mod engine;
mod options;
mod wire;

pub use database::{Database, Rows};
pub use options::{Certificate, FaultPlan, Faults, Login, Options, Rights, Tls};
pub use wire::{Authority, Browser, Drain, Simulator};

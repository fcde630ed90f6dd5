//! The migration: phases over a persisted run.
//!
//! Start reading at [`phases`] (the story). What we intend lives in the run folder ([`run`]), what
//! is done lives in the target's ledger, committed together with the data.
//!
//! Invariants: a phase may be run again at any time; no phase calls another; cell values and
//! secrets never reach a log.

pub mod checks;
pub mod config;
pub mod error;
pub mod facts;
pub mod phases;
pub mod progress;
pub mod reports;
pub mod run;
pub mod settings;
pub mod target_server;

pub use config::Config;
pub use error::Error;
pub use run::Run;

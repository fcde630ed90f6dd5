//! How SQL Server becomes PostgreSQL. The only crate that knows both.
//!
//! Invariant: pure. Equal catalog and settings give an equal plan, byte for byte; nothing here
//! does I/O. A column is decided once, from one row of [`types::TYPES`].
//!
//! To extend: a data type is one row in `types.rs`; a T-SQL rewrite one file in `code/rewrites`.

pub mod code;
pub mod ddl;
pub mod digest;
pub mod encode;
pub mod names;
pub mod plan;
mod plan_database;
pub mod settings;
pub mod types;
pub mod witness;

pub use plan::{ColumnPlan, DatabasePlan, TablePlan};
pub use plan_database::{FINDING_CODES, PlanError, plan_database};
pub use settings::MappingSettings;

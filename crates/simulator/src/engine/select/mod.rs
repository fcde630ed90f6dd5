//! `select` over the rows of user tables, and over rows that stand in the statement itself.
//!
//! A plain `select` is one pass: the values that it names are packed into a buffer that is used again for each row,
//! filtered, and handed on. Only `order by`, `distinct` and groups keep rows.
//!
//! `compile.rs` finds columns and types, `evaluate.rs` computes, `functions.rs` has the functions, `aggregate.rs` the
//! aggregates, `rows.rs` the passes, `run.rs` puts them together.

mod aggregate;
pub(super) mod compile;
pub(super) mod evaluate;
mod functions;
mod rows;
mod run;
mod types;

pub(super) use run::{answer_rows, rows_of, run};

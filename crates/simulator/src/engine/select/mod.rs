//! `select` over the rows of user tables, and over rows that stand in the statement itself.
//!
//! A plain `select` is one pass: the values that it names are packed into a buffer that is used again for each row,
//! filtered, and handed on. Only `order by`, `distinct` and groups keep rows.
//!
//! `compile.rs` finds columns and types, `evaluate.rs` computes, `call.rs` has what is called, `functions.rs`, `texts.rs` and `numbers.rs` the functions, `like.rs` patterns, `exists.rs` subqueries, `aggregate.rs` the
//! aggregates, `rows.rs` the passes, `run.rs` puts them together.

mod aggregate;
mod call;
pub(super) mod compile;
pub(super) mod evaluate;
mod exists;
mod functions;
mod like;
mod numbers;
mod rows;
mod run;
mod texts;
mod types;

pub(super) use run::{answer_rows, rows_of, run};

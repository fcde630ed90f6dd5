//! The types proof: every row of the type table through a real PostgreSQL, on two major versions.
//!
//! Each value goes the way of a migration (plan, DDL, encoder, COPY) and comes back three times: in binary, where its
//! digest must be the one that was sent; as text by SQL; and in totals by SQL. What text and totals must be is worked
//! out by `naive`, which shares nothing with the product, so that a wrong rule cannot agree with itself.
//!
//! To extend: a row of the type table needs an arm in `wide::random_cell`, or its test here fails; a family of types
//! has a file with its extremes.

#[path = "round_trip/binaries.rs"]
mod binaries;
#[path = "round_trip/changes.rs"]
mod changes;
#[path = "round_trip/documents.rs"]
mod documents;
#[path = "round_trip/extensions.rs"]
mod extensions;
#[path = "round_trip/naive.rs"]
mod naive;
#[path = "round_trip/numbers.rs"]
mod numbers;
#[path = "round_trip/texts.rs"]
mod texts;
#[path = "round_trip/times.rs"]
mod times;
#[path = "round_trip/trial.rs"]
mod trial;
#[path = "round_trip/wide.rs"]
mod wide;

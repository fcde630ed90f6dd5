//! Parallel reading of one table, for any key: ranges of it, as conditions.
//!
//! Invariant: every row of the table, NULLs and duplicates included, is in exactly one split. That does not depend on
//! whether boundaries occur, or statistics are true: two neighbours have the same text of the same value, one with
//! `>=`, the other with `<`, and the server itself has said that the boundaries of a column ascend. So boundaries need
//! no snapshot either.
//!
//! `key.rs` chooses the key; `plan.rs` the boundaries, from what `questions.rs` asks and `between.rs` makes up; `order.rs`
//! has the server sort them; `value.rs` and `condition.rs` write them.

mod between;
mod condition;
mod key;
#[cfg(test)]
mod model;
mod order;
mod plan;
mod questions;
mod value;

use super::connect::Session;
use crate::{SourceError, Split};
use condition::Condition;
use mssql2pg_catalog::Table;
use plan::Piece;
use questions::{Questions, ask, constant, quoted_name};
use tracing::debug;

/// Parts that a table is cut into where the table lies in the order of the key. What is left of [`plan::MOST_SPLITS`] is
/// for those that large groups of equal values force.
const MOST_PARTS: u64 = 4_000;
/// Where it does not, the server may well scan the whole table for each split.
const MOST_PARTS_BY_LOOKUP: u64 = 16;

/// The splits of a table, in the order of its key; never none. Each locator is a condition, empty for the whole table.
/// For a table of one split nothing is asked.
///
/// An error of the server's makes fewer splits; it may also end a transaction, so that the session must not be in one.
///
/// # Errors
/// When the connection is lost.
pub(super) fn splits(
    session: &mut Session,
    table: &Table,
    rows_per_split: u64,
) -> Result<Vec<Split>, SourceError> {
    let one = |rows: u64| vec![Piece { condition: Condition::all(), rows: rows as f64 }];
    let Some(key) = key::choose(table) else { return Ok(numbered(table, &one(1), |_| String::new())) };
    let rows = match table.estimated_rows {
        Some(rows) => rows,
        None => estimate(session, table)?,
    };
    let most = if key.clustered { MOST_PARTS } else { MOST_PARTS_BY_LOOKUP };
    let aim = rows_per_split.max(1).max(rows.div_ceil(most));
    let pieces = match rows <= aim {
        true => one(rows),
        false => plan::plan(&key, rows, aim, &mut Questions { session, table, key: &key })?,
    };
    debug!(table = %table.name, index = key.name, splits = pieces.len(), "table split");
    Ok(numbered(table, &pieces, |condition| condition.sql(&key)))
}

/// About how many rows the table has, from metadata; 0 when the server does not tell.
fn estimate(session: &mut Session, table: &Table) -> Result<u64, SourceError> {
    let sql = format!(
        "select sum(p.rows) as row_count from sys.partitions as p where p.object_id = object_id({}) and p.index_id in (0, 1)",
        constant(&quoted_name(table))
    );
    let answer = ask(session, table, &sql)?;
    let rows = answer.as_ref().and_then(|answer| answer.first()?.int("row_count").ok().flatten());
    Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0))
}

/// Splits with numbers, and the table's bytes shared out by rows.
fn numbered(table: &Table, pieces: &[Piece], sql: impl Fn(&Condition) -> String) -> Vec<Split> {
    let bytes = table.estimated_bytes.unwrap_or(0);
    let rows: f64 = pieces.iter().map(|piece| piece.rows).sum();
    let (mut counted, mut given) = (0.0, 0_u64);
    let splits = (0_u32..).zip(pieces).map(|(number, piece)| {
        counted += piece.rows;
        // From the running sum, so that all of them together have the bytes of the table.
        let until = match (counted / rows).is_finite() && u64::from(number) + 1 < pieces.len() as u64 {
            true => ((bytes as f64 * (counted / rows)) as u64).clamp(given, bytes),
            false => bytes,
        };
        let estimated_bytes = until - given;
        given = until;
        Split { number, locator: sql(&piece.condition), estimated_bytes }
    });
    splits.collect()
}

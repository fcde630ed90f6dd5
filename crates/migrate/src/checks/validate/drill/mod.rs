//! Drill-down: which rows of a table differ, and in which columns.
//!
//! Three passes over both ends. The first sums the rows by buckets of their key's hash, and by columns; the second keeps
//! hashes of the rows in buckets that differ, and counts; the third looks at the rows that are to be listed.
//!
//! Invariant: memory does not grow with the table (`docs/decisions/0008-rows-that-differ.md`). Rows that share a key are
//! paired, equal ones first, so that nothing is reported that both sides have.
//!
//! To extend: what else is known of a listed row is a field of `listed::Held`.

mod kept;
mod listed;

use super::ends::{read_source, read_target};
use super::{ContentsDifference, TableContext};
use crate::error::Error;
use crate::facts::{Differences, RowDifference, SplitDifference};
use kept::{Entry, Kept};
use mssql2pg_mapping::TablePlan;
use mssql2pg_mapping::digest::{Buckets, ColumnDigests, RowDigest, RowMarker, TableDigester, bucket_bits};
use mssql2pg_sources::Source;
use std::collections::{BTreeMap, HashSet};

/// Reads both ends again and finds the rows that differ; `rows` is about how many there are.
pub(super) fn drill(
    context: &mut TableContext<'_>,
    source: &dyn Source,
    rows: u64,
) -> Result<ContentsDifference, Error> {
    let bits = bucket_bits(rows);
    let plan = context.plan;
    let mut of_source = Digests::new(plan, bits);
    let mut read_again: BTreeMap<u32, TableDigester> =
        context.source_splits.iter().map(|split| (split.number, TableDigester::new(plan))).collect();
    read_source(context, source, &mut |place, row| {
        of_source.row(row);
        if let Some(digester) = read_again.get_mut(&place.split) {
            digester.row(row);
        }
    })?;
    let mut of_target = Digests::new(plan, bits);
    read_target(context, &mut |row| of_target.row(row))?;
    let buckets = of_source.buckets.differing(&of_target.buckets);
    let columns = of_source.columns.differing(&of_target.columns);

    let folder = context.run.path("validate");
    let mut kept = Kept::new(&buckets, bits, folder, &plan.source.to_string());
    drop((of_source, of_target));
    let mut marker = RowMarker::new(plan);
    read_source(context, source, &mut |place, row| {
        kept.add(Entry { mark: marker.mark(row), split: Some(place.split) });
    })?;
    let mut marker = RowMarker::new(plan);
    read_target(context, &mut |row| kept.add(Entry { mark: marker.mark(row), split: None }))?;
    let most = usize::try_from(context.config.validate.list_rows).unwrap_or(usize::MAX);
    let counted = kept.count(most)?;
    let read_again = read_again.into_iter().map(|(split, digester)| (split, digester.digest())).collect();
    let splits = splits(context, &counted.by_split, &read_again);
    let mut differences = Differences { total: counted.total, rows: Vec::new(), splits };
    if context.names_keys() && !counted.keys.is_empty() && most > 0 {
        differences.rows = listed::rows(context, source, &counted.keys)?;
        differences.rows.truncate(most);
    }
    Ok(ContentsDifference { columns: named(plan, columns, &differences), differences })
}

/// The splits with rows that differ, in order; none of a table of one split.
fn splits(
    context: &TableContext<'_>,
    by_split: &BTreeMap<Option<u32>, u64>,
    read_again: &BTreeMap<u32, RowDigest>,
) -> Vec<SplitDifference> {
    if context.source_splits.len() < 2 {
        return Vec::new();
    }
    let of_split = |(number, rows): (&Option<u32>, &u64)| {
        let known =
            number.and_then(|number| context.source_splits.iter().find(|split| split.number == number));
        let sent = number.and_then(|number| context.splits.iter().find(|sent| sent.split == number));
        let now = number.and_then(|number| read_again.get(&number));
        SplitDifference {
            split: number.map(|number| number + 1),
            // A condition holds keys.
            locator: known.filter(|_| context.names_keys()).map(|split| split.locator.clone()),
            rows: *rows,
            is_as_sent: sent.zip(now).map(|(sent, now)| sent.digest.parse() == Ok(*now)),
        }
    };
    let mut splits: Vec<SplitDifference> = by_split.iter().map(of_split).collect();
    // Rows that only the target has come last.
    splits.sort_by_key(|split| split.split.is_none());
    splits
}

struct Digests<'a> {
    marker: RowMarker<'a>,
    buckets: Buckets,
    columns: ColumnDigests,
}

impl<'a> Digests<'a> {
    fn new(plan: &'a TablePlan, bits: u32) -> Self {
        Self { marker: RowMarker::new(plan), buckets: Buckets::new(bits), columns: ColumnDigests::new(plan) }
    }

    fn row(&mut self, row: &[u8]) {
        self.buckets.add(self.marker.mark(row));
        self.columns.row(row);
    }
}

/// The columns that differ, in the table's order. A row that is missing, or whose key was changed, makes the digests of
/// all columns differ: where every row that differs is listed, its own columns say more.
fn named(plan: &TablePlan, columns: Vec<String>, differences: &Differences) -> Vec<String> {
    let is_whole = differences.total == differences.rows.len() as u64;
    let of_row = |row: &RowDifference| !row.columns.is_empty();
    if !is_whole || !differences.rows.iter().any(of_row) {
        return columns;
    }
    let of_rows: HashSet<&str> =
        differences.rows.iter().flat_map(|row| &row.columns).map(String::as_str).collect();
    let marker = RowMarker::new(plan);
    marker.names().into_iter().filter(|name| of_rows.contains(name)).map(str::to_owned).collect()
}

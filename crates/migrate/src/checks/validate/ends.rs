//! Both ends of a table as tuples of COPY, row by row: the source's as they would be sent, the target's as they are read
//! back.
//!
//! Invariant: nothing is held but the row at hand; rejected rows, which the target cannot have, are left out.

use super::TableContext;
use crate::error::Error;
use mssql2pg_catalog::Stop;
use mssql2pg_mapping::digest::{CopyFormatError, CopyTuples};
use mssql2pg_mapping::encode::{CopyOutput, CopyRows, RejectedRow};
use mssql2pg_mapping::{TablePlan, ddl};
use mssql2pg_sources::Source;
use mssql2pg_target::Connection;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Where a row stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The split's number, from 0.
    pub(super) split: u32,
    /// The row's number in the split, from 1, rejected rows included.
    pub(super) row: u64,
}

/// Where a row stands in the target (`ctid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ctid {
    pub(super) block: u32,
    pub(super) item: u16,
}

const READ_AGAIN_BYTES: usize = 256 * 1024;

/// Gives every row of the source that would be sent.
pub(super) fn read_source(
    context: &TableContext<'_>,
    source: &dyn Source,
    on_row: &mut (dyn FnMut(Place, &[u8]) + Send),
) -> Result<(), Error> {
    for split in &context.source_splits {
        let place = Place { split: split.number, row: 0 };
        let mut again = Again { tuples: CopyTuples::default(), place, rejected: VecDeque::new(), on_row };
        let mut rows = CopyRows::new(context.plan, READ_AGAIN_BYTES, &mut again);
        source
            .read(context.table, split, &mut rows)
            .map_err(Error::source(format!("cannot read {} again", context.plan.source)))?;
        // Nothing stops this output.
        let _ = rows.finish();
    }
    Ok(())
}

/// Takes the source's rows as they would be sent.
struct Again<'a> {
    tuples: CopyTuples,
    place: Place,
    /// The numbers of rejected rows that are still to come: as many as one chunk of bytes lies between.
    rejected: VecDeque<u64>,
    on_row: &'a mut (dyn FnMut(Place, &[u8]) + Send),
}

impl CopyOutput for Again<'_> {
    fn chunk(&mut self, bytes: &[u8], _rows: u64) -> Result<(), Stop> {
        let Self { tuples, place, rejected, on_row } = self;
        let mut on_tuple = |row: &[u8]| {
            place.row += 1;
            while rejected.front() == Some(&place.row) {
                rejected.pop_front();
                place.row += 1;
            }
            on_row(*place, row);
        };
        // Our own encoder's bytes are well formed.
        tuples.push(bytes, &mut on_tuple).map_err(|_| Stop)
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), Stop> {
        self.rejected.push_back(row.number);
        Ok(())
    }
}

/// Gives every row of the target, in COPY's binary form.
pub(super) fn read_target(
    context: &mut TableContext<'_>,
    on_row: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let sql = match &context.reads {
        None => ddl::copy_out(context.plan),
        Some(reads) => copy_query(reads, context.plan),
    };
    read_tuples(context.connection, context.plan, &sql, on_row)
}

/// Gives every row of the target with its place.
pub(super) fn read_target_places(
    context: &mut TableContext<'_>,
    on_row: &mut dyn FnMut(Ctid, &[u8]),
) -> Result<(), Error> {
    /// Field count, and length and bytes of the `ctid`, but for two bytes that stand where a field count would.
    const BEFORE_ROW: usize = 10;
    let mut items = vec!["ctid".to_owned()];
    match &context.reads {
        None => items
            .extend(context.plan.copy_columns().map(|column| mssql2pg_mapping::names::quote(&column.name))),
        Some(reads) => items.extend(reads.iter().cloned()),
    }
    let sql = copy_query(&items, context.plan);
    read_tuples(context.connection, context.plan, &sql, &mut |row| {
        let bytes = row.get(6..12).and_then(|bytes| bytes.first_chunk::<6>());
        let [a, b, c, d, e, f] = bytes.copied().unwrap_or_default();
        let ctid = Ctid { block: u32::from_be_bytes([a, b, c, d]), item: u16::from_be_bytes([e, f]) };
        on_row(ctid, row.get(BEFORE_ROW..).unwrap_or_default());
    })
}

fn copy_query(items: &[String], plan: &TablePlan) -> String {
    format!("copy (select {} from {}) to stdout (format binary)", items.join(", "), plan.sql_name())
}

fn read_tuples(
    connection: &mut Connection,
    plan: &TablePlan,
    sql: &str,
    on_row: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let what = || format!("cannot read {} back", plan.sql_name());
    let mut tuples = CopyTuples::default();
    let mut malformed = None;
    connection
        .copy_out(sql, &mut |bytes| match tuples.push(bytes, on_row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                malformed = Some(error);
                ControlFlow::Break(())
            }
        })
        .map_err(Error::target(what()))?;
    match malformed.map_or_else(|| tuples.finish(), Err) {
        Ok(()) => Ok(()),
        Err(error) => Err(not_copy(what(), error)),
    }
}

fn not_copy(context: String, error: CopyFormatError) -> Error {
    Error::File { context, source: std::io::Error::new(std::io::ErrorKind::InvalidData, error) }
}

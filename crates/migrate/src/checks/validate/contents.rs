//! Contents: the digest of the COPY bytes sent against the digest of the bytes read back.
//!
//! The digest is the sum of 128-bit row hashes, so the order of rows does not matter and a lost, a
//! doubled and a changed row all show. On a difference both ends are read again, column by column.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use mssql2pg_catalog::Stop;
use mssql2pg_mapping::digest::{ColumnDigests, CopyFormatError, CopyTuples, RowDigest, TableDigester};
use mssql2pg_mapping::encode::{CopyOutput, CopyRows, RejectedRow};
use mssql2pg_mapping::{TablePlan, ddl};
use mssql2pg_target::Connection;
use std::ops::ControlFlow;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "contents",
    manual: "The digest of all rows as they were sent equals the digest of all rows read back with COPY in binary form. On a difference, the columns that differ are named.",
    advice: "something changed the target after the load, or PostgreSQL keeps the values otherwise: compare the named columns with the source and run validate again; if rows were changed or lost, migrate again into another run folder with --if-exists replace",
    run: check,
};

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Rows read back.
    pub target_rows: u64,
    /// The digest of what was sent.
    pub sent: String,
    /// The digest of what was read back.
    pub read: String,
    /// Source names of the columns that differ; empty also when the rows differ as a whole.
    pub differing_columns: Vec<String>,
}

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let name = context.plan.source.to_string();
    let mut sent = RowDigest::default();
    for split in context.splits {
        let digest = split.digest.parse().map_err(|_| {
            Error::run(
                format!("the ledger's digest of {name} is not one of ours"),
                "start over with --if-exists replace and another run folder",
            )
        })?;
        sent.merge(&digest);
    }
    let mut digester = TableDigester::new(context.plan);
    read_back(context.connection, context.plan, &mut |row| digester.row(row))?;
    let read = digester.digest();
    let mut contents = Contents {
        target_rows: read.rows,
        sent: sent.to_string(),
        read: read.to_string(),
        differing_columns: Vec::new(),
    };
    let equal = sent == read;
    if !equal {
        contents.differing_columns = differing_columns(context)?;
    }
    let detail = if equal {
        format!("digest {} of {} as sent and as read back", short(&contents.read), counted(read.rows, "row"))
    } else if contents.differing_columns.is_empty() {
        format!("digest {} was sent, {} was read back", short(&contents.sent), short(&contents.read))
    } else {
        format!("contents differ in {}", contents.differing_columns.join(", "))
    };
    context.contents = Some(contents);
    Ok(if equal { Compared::equal(detail) } else { Compared::different(detail) })
}

fn short(digest: &str) -> &str {
    // Rows, a colon, then the sum: the sum's head is enough for people.
    let sum = digest.rsplit_once(':').map_or(digest, |(_, sum)| sum);
    sum.get(..12).unwrap_or(sum)
}

/// Reads a table back, row by row in COPY's binary form.
fn read_back(
    connection: &mut Connection,
    plan: &TablePlan,
    on_row: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let what = || format!("cannot read {} back", plan.sql_name());
    let mut tuples = CopyTuples::default();
    let mut malformed = None;
    connection
        .copy_out(&ddl::copy_out(plan), &mut |bytes| match tuples.push(bytes, on_row) {
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

/// Reads both ends again and compares column by column.
fn differing_columns(context: &mut TableContext<'_>) -> Result<Vec<String>, Error> {
    let Some(source) = context.source else { return Ok(Vec::new()) };
    let mut of_source = ColumnDigests::new(context.plan);
    for split in &context.source_splits {
        let mut again = ReadAgain { tuples: CopyTuples::default(), digests: &mut of_source };
        let mut rows = CopyRows::new(context.plan, READ_AGAIN_BYTES, &mut again);
        source
            .read(context.table, split, &mut rows)
            .map_err(Error::source(format!("cannot read {} again", context.plan.source)))?;
        // Nothing stops this output.
        let _ = rows.finish();
    }
    let mut of_target = ColumnDigests::new(context.plan);
    read_back(context.connection, context.plan, &mut |row| of_target.row(row))?;
    Ok(of_source.differing(&of_target))
}

const READ_AGAIN_BYTES: usize = 256 * 1024;

/// Takes the source's rows as they would be sent, into column digests.
struct ReadAgain<'a> {
    tuples: CopyTuples,
    digests: &'a mut ColumnDigests,
}

impl CopyOutput for ReadAgain<'_> {
    fn chunk(&mut self, bytes: &[u8], _rows: u64) -> Result<(), Stop> {
        let digests = &mut *self.digests;
        // Our own encoder's bytes are well formed.
        self.tuples.push(bytes, &mut |row| digests.row(row)).map_err(|_| Stop)
    }

    fn rejected(&mut self, _row: RejectedRow) -> Result<(), Stop> {
        Ok(())
    }
}

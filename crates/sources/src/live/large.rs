//! Rows with `max` values, which the wire brings in pieces (PLP, MS-TDS 2.2.5.2.3): each value is pulled into a buffer of
//! ours, and the columns before the first of them pass through as in any other row.
//!
//! Invariant: memory holds one value, never more than [`MOST_BYTES`], whatever length the server claims.

use super::connect::{Rows, Session};
use super::failure::{self, Doing};
use super::read::TableRows;
use crate::{ErrorKind, SourceError};
use mssql_tds::connection::tds_client::{BufferedRowPoll, CursorColumn, CursorPoll, ResultSet, TdsClient};
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::error::Error as TdsError;
use mssql_tds::query::metadata::ColumnMetadata;
use tokio::runtime::Runtime;

/// What SQL Server's `max` types hold ("char and varchar", "nchar and nvarchar", "binary and varbinary").
const MOST_BYTES: usize = (1 << 31) - 1;
/// Values up to this size are taken whole from the client's buffer.
const SMALL_BYTES: usize = 64 * 1024;
/// A buffer that has grown beyond this is given back after its value.
const KEPT_BYTES: usize = 4 << 20;
/// How much a buffer grows by at a time.
const STEP_BYTES: usize = 256 * 1024;

/// Why a row could not be read to its end.
enum Broken {
    Client(TdsError),
    Answer(&'static str),
}

impl From<TdsError> for Broken {
    fn from(error: TdsError) -> Self {
        Self::Client(error)
    }
}

/// Reads rows whose columns from `first` on are all of `max` types.
struct LargeRows<'s> {
    runtime: &'s Runtime,
    client: &'s mut TdsClient,
    /// The first column that comes in pieces.
    first: usize,
    metadata: Vec<ColumnMetadata>,
    buffer: Vec<u8>,
}

/// The first column of the current result that comes in pieces; none if there is no such column, or one that does not
/// stands behind it.
pub(super) fn first_large(client: &TdsClient) -> Option<usize> {
    let columns = client.get_metadata();
    let first = columns.iter().position(ColumnMetadata::is_plp)?;
    columns.iter().skip(first).all(|column| column.is_plp() && !column.is_encrypted()).then_some(first)
}

/// Pushes the rest of the current result into `rows`: true when it was read to its end, false when the sink wants no
/// more.
pub(super) fn read_large(
    session: &mut Session,
    doing: &str,
    first: usize,
    rows: &mut TableRows<'_>,
) -> Result<bool, SourceError> {
    let (runtime, client) = session.parts();
    let metadata = client.get_metadata().clone();
    let mut large = LargeRows { runtime, client, first, metadata, buffer: vec![0; SMALL_BYTES] };
    large.read(rows).map_err(|broken| match broken {
        Broken::Client(error) => failure::on_query(Doing(doing), error),
        Broken::Answer(what) => SourceError::new(ErrorKind::Lost, format!("cannot {doing}: {what}")),
    })
}

impl LargeRows<'_> {
    fn read(&mut self, rows: &mut TableRows<'_>) -> Result<bool, Broken> {
        while self.begin_row(rows)? {
            for column in self.first..self.metadata.len() {
                self.value(column, rows)?;
            }
            if !rows.row_ended() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the columns that stand before the first `max` column; false at the end of the result.
    fn begin_row(&mut self, rows: &mut TableRows<'_>) -> Result<bool, Broken> {
        let Self { runtime, client, first, .. } = self;
        let rows: &mut dyn Rows = rows;
        if *first > 0 {
            match client.try_next_buffered_row_prefix_into(*first, rows)? {
                BufferedRowPoll::Complete => return Ok(true),
                BufferedRowPoll::Partial => {
                    runtime.block_on(client.finish_row_prefix_into(*first, rows))?;
                    return Ok(true);
                }
                BufferedRowPoll::Exhausted => return Ok(false),
                BufferedRowPoll::Pending => {}
            }
        }
        let more = match client.try_next_row_cursor()? {
            CursorPoll::Ready(more) => more,
            CursorPoll::Pending => runtime.block_on(client.next_row_cursor())?,
        };
        if more && *first > 0 && !client.try_finish_row_prefix_into(*first, rows)? {
            runtime.block_on(client.finish_row_prefix_into(*first, rows))?;
        }
        Ok(more)
    }

    fn value(&mut self, column: usize, rows: &mut TableRows<'_>) -> Result<(), Broken> {
        let Self { runtime, client, metadata, buffer, .. } = self;
        let Some(about) = metadata.get(column) else { return Ok(()) };
        match client.try_read_row_plp_complete(column, buffer.get_mut(..SMALL_BYTES).unwrap_or_default())? {
            CursorPoll::Ready(Some(piece)) => {
                rows.large(column, about, buffer.get(..piece.read).unwrap_or_default());
                return Ok(());
            }
            CursorPoll::Ready(None) => {
                rows.null(column);
                return Ok(());
            }
            CursorPoll::Pending => {}
        }
        let next = match client.try_read_row_column(column)? {
            CursorPoll::Ready(next) => next,
            CursorPoll::Pending => runtime.block_on(client.read_row_column(column))?,
        };
        match next {
            CursorColumn::Value { value: ColumnValues::Null, .. } => rows.null(column),
            CursorColumn::PlpStreaming { .. } => {
                let bytes = self.pieces()?;
                if let (Some(about), Some(value)) = (self.metadata.get(column), self.buffer.get(..bytes)) {
                    rows.large(column, about, value);
                }
                if self.buffer.len() > KEPT_BYTES {
                    self.buffer = vec![0; SMALL_BYTES];
                }
            }
            _ => return Err(Broken::Answer("a value did not come in pieces, as it should")),
        }
        Ok(())
    }

    /// Pulls all pieces of the value that stands next into the buffer; how many bytes it has.
    fn pieces(&mut self) -> Result<usize, Broken> {
        let Self { runtime, client, buffer, .. } = self;
        let mut bytes = 0;
        loop {
            if bytes == buffer.len() {
                if bytes >= MOST_BYTES {
                    return Err(Broken::Answer("a value is larger than SQL Server's largest"));
                }
                // By half of what is there, not by what the server claims.
                let step = (buffer.len() / 2).max(STEP_BYTES);
                buffer.resize((buffer.len() + step).min(MOST_BYTES), 0);
            }
            let room = buffer.get_mut(bytes..).unwrap_or_default();
            let piece = match client.try_read_active_plp_chunk(room)? {
                CursorPoll::Ready(piece) => piece,
                CursorPoll::Pending => runtime.block_on(client.read_active_plp_chunk(room))?,
            };
            bytes += piece.read;
            if piece.reached_end {
                return Ok(bytes);
            }
        }
    }
}

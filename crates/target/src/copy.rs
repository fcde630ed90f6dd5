//! Rows in and out, as the bytes of COPY.
//!
//! Invariant: the rows of a split and its ledger row commit in one transaction, or neither is there. So a process that
//! dies, a filler that gives up, a server that refuses: each leaves nothing of the split, and it can be loaded again.

use std::error::Error as StdError;
use std::io::{self, BufRead, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use postgres::{CopyInWriter, Transaction};

use crate::connect::refused;
use crate::{Connection, ErrorKind, Ledger, SplitRow, TargetError};

/// Bytes of one CopyData message. Below 32 KiB the client's CPU time rises (1 KiB costs 2.4 times as much); above
/// 64 KiB nothing is gained.
const MESSAGE_BYTES: usize = 64 << 10;

/// Why the filler of a split stopped.
#[derive(Debug)]
pub enum FillError {
    /// The writer that it was given failed. What the server says about it is fetched and returned.
    Io(io::Error),
    /// The filler itself failed, or was told to stop. It gets this error back as the source of a
    /// [`ErrorKind::Cancelled`].
    Abort(Box<dyn StdError + Send + Sync>),
}

/// What writes the rows of a split; see [`Connection::load_split`].
pub type Fill<'a> = dyn FnMut(&mut (dyn Write + Send)) -> Result<Option<SplitRow>, FillError> + 'a;

impl From<io::Error> for FillError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Connection {
    /// Loads one split in one transaction: `copy_sql` (`copy … from stdin (format binary)`), into which `fill` writes;
    /// then the ledger row that `fill` returns; then the commit.
    ///
    /// `fill` is called once. On `Ok(Some(row))` the split is committed and the row returned; the rows that the server
    /// counted must be `row.rows`. On `Ok(None)` and on every error all of it is rolled back. When the connection is
    /// lost while the commit is under way ([`ErrorKind::Lost`]), only the ledger knows whether it happened: ask it
    /// before loading the split again.
    ///
    /// When the COPY cannot even begin (no such table, no right to it) the connection is closed afterwards, and
    /// [`Connection::is_closed`] says so.
    ///
    /// Writes of 64 KiB and more go to the server without a copy in between. PostgreSQL's client library reports an
    /// error of the server (a refused value, a full disk) only after the last byte, so a split should be of a size
    /// that one is willing to send in vain.
    pub fn load_split(
        &mut self,
        ledger: &Ledger,
        run_id: &str,
        copy_sql: &str,
        fill: &mut Fill<'_>,
    ) -> Result<Option<SplitRow>, TargetError> {
        let mut begun = false;
        let mut fill_begun = |writer: &mut (dyn Write + Send)| {
            begun = true;
            fill(writer)
        };
        let loaded = self.load_in_transaction(ledger, run_id, copy_sql, &mut fill_begun);
        if !begun {
            self.close_out_of_step();
        }
        loaded
    }

    /// [`Connection::load_split`] but for what must follow a COPY that does not begin.
    fn load_in_transaction(
        &mut self,
        ledger: &Ledger,
        run_id: &str,
        copy_sql: &str,
        fill: &mut Fill<'_>,
    ) -> Result<Option<SplitRow>, TargetError> {
        let failed = |error| TargetError::postgres(refused(copy_sql), error);
        let started = Instant::now();
        let mut transaction = self.client.transaction().map_err(failed)?;
        let copy = transaction.copy_in(copy_sql).map_err(failed)?;
        let mut messages = Messages { copy, unsent: Vec::new(), failure: None };
        match fill(&mut messages) {
            Ok(Some(mut row)) => {
                let counted = messages.finish().map_err(failed)?;
                if counted != row.rows {
                    let context = format!(
                        "{} split {}: {} rows were sent and the target counted {counted}; nothing of it is kept",
                        row.table, row.split, row.rows
                    );
                    return Err(TargetError::new(ErrorKind::Query, context));
                }
                row.seconds = started.elapsed().as_secs_f64();
                ledger.insert_split(&mut transaction, run_id, &row)?;
                commit(transaction, &row)?;
                Ok(Some(row))
            }
            Ok(None) => {
                drop(messages);
                transaction.rollback().map_err(failed)?;
                Ok(None)
            }
            Err(FillError::Io(error)) => {
                let Some(failure) = messages.failure.take() else {
                    // The writer has not failed: the error is of something that the filler reads.
                    return Err(TargetError::caused(ErrorKind::Cancelled, stopped(copy_sql), error));
                };
                // What the server has to say comes at the end of the COPY; the failure itself is mostly "closed".
                let said = messages.finish().err().filter(|error| error.as_db_error().is_some());
                Err(failed(said.unwrap_or(failure)))
            }
            // Dropping the messages and the transaction rolls back.
            Err(FillError::Abort(error)) => Err(TargetError {
                kind: ErrorKind::Cancelled,
                context: stopped(copy_sql),
                source: Some(error),
            }),
        }
    }

    /// Closes a session whose answers are one behind its questions. That is what the client library makes of a COPY
    /// that is refused before it begins: it sends Sync twice, the server is ready twice, and the second time is taken
    /// for the answer to the next statement (rust-postgres issue 789). A commit could so seem to have succeeded, so
    /// the session must not be used again; ending its own backend is what every role may do.
    fn close_out_of_step(&mut self) {
        for _ in 0..10 {
            if self.client.is_closed() {
                return;
            }
            let _ = self
                .client
                .batch_execute("select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())");
        }
    }

    /// Reads what `copy_sql` (`copy … to stdout …`) sends, in a read-only transaction of its own. `on_bytes` is called
    /// with one message at a time, in binary format the header, each row, and the trailer; on `Break` the statement is
    /// cancelled and the result is `Ok`.
    ///
    /// A row costs about 0.4 µs of CPU here, half of it the blocking client's way into its runtime and out again, once
    /// a message. Gathering rows before the call was measured and gains nothing.
    pub fn copy_out(
        &mut self,
        copy_sql: &str,
        on_bytes: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), TargetError> {
        let failed = |error| TargetError::postgres(refused(copy_sql), error);
        let mut transaction = self.client.build_transaction().read_only(true).start().map_err(failed)?;
        let cancel = transaction.cancel_token();
        let mut copy = transaction.copy_out(copy_sql).map_err(failed)?;
        let mut broken_off = false;
        loop {
            let bytes = match copy.fill_buf() {
                Ok(bytes) => bytes,
                // The error that the cancelling asked for.
                Err(_) if broken_off => break,
                Err(error) => return Err(copy_out_failure(copy_sql, error)),
            };
            let count = bytes.len();
            if count == 0 {
                break;
            }
            if !broken_off && on_bytes(bytes).is_break() {
                broken_off = true;
                // Without it the whole rest of the table would have to be received before the rollback.
                if let Err(error) = cancel.cancel_query(self.tls.clone()) {
                    tracing::debug!(%error, "the COPY cannot be cancelled; its rest is received");
                }
            }
            copy.consume(count);
        }
        drop(copy);
        if broken_off {
            // A cancel request that arrives late must not hit the next statement of the session: it hits this one.
            let _ = transaction.batch_execute("select pg_catalog.pg_sleep(0.05)");
        }
        transaction.rollback().map_err(failed)
    }
}

/// Commits, with an error that says what is known.
fn commit(transaction: Transaction<'_>, row: &SplitRow) -> Result<(), TargetError> {
    transaction.commit().map_err(|error| {
        TargetError::postgres(format!("cannot commit split {} of {}", row.split, row.table), error)
    })
}

/// What to say when the filler stopped.
fn stopped(copy_sql: &str) -> String {
    refused(copy_sql).replacen("the target refuses", "stopped before the end", 1)
}

/// The client's error out of the reader's.
fn copy_out_failure(copy_sql: &str, error: io::Error) -> TargetError {
    match error.downcast::<postgres::Error>() {
        Ok(error) => TargetError::postgres(refused(copy_sql), error),
        Err(error) => TargetError::caused(ErrorKind::Lost, refused(copy_sql), error),
    }
}

/// Bytes on their way into a COPY, cut into messages. Dropped without [`Messages::finish`], the COPY fails.
struct Messages<'a> {
    copy: CopyInWriter<'a>,
    /// Less than one message.
    unsent: Vec<u8>,
    /// The first failure; then nothing is sent any more.
    failure: Option<postgres::Error>,
}

impl Messages<'_> {
    /// Sends the rest and ends the COPY; returns the number of rows that the server counted.
    fn finish(mut self) -> Result<u64, postgres::Error> {
        let _ = self.send_unsent();
        match (self.failure, self.copy.finish()) {
            // The server's own words before the client's.
            (_, Err(error)) if error.as_db_error().is_some() => Err(error),
            (Some(failure), _) => Err(failure),
            (None, result) => result,
        }
    }

    /// Sends what is gathered.
    fn send_unsent(&mut self) -> io::Result<()> {
        let unsent = std::mem::take(&mut self.unsent);
        let result = if unsent.is_empty() { Ok(()) } else { self.send(&unsent) };
        self.unsent = unsent;
        self.unsent.clear();
        result
    }

    /// Sends one message.
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        if self.failure.is_none() {
            let Err(error) = self.copy.write_all(message).and_then(|()| self.copy.flush()) else {
                return Ok(());
            };
            match error.downcast::<postgres::Error>() {
                Ok(error) => self.failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::BrokenPipe, "the target takes no more rows"))
    }
}

impl Write for Messages<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unsent.is_empty() && bytes.len() >= MESSAGE_BYTES {
            let message = bytes.get(..MESSAGE_BYTES).unwrap_or(bytes);
            self.send(message)?;
            return Ok(message.len());
        }
        let room = MESSAGE_BYTES.saturating_sub(self.unsent.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.unsent.extend_from_slice(taken);
        if self.unsent.len() >= MESSAGE_BYTES {
            self.send_unsent()?;
        }
        Ok(taken.len())
    }

    /// Sends what is gathered as a message, however short.
    fn flush(&mut self) -> io::Result<()> {
        self.send_unsent()
    }
}

//! What the engine answers, as tokens on their way to the client.
//!
//! Invariant: a row is sent whole or not at all. The first error is kept: from then on nothing is sent, the engine is
//! told to stop at the end of the row, and the connection decides what happens.

use crate::answer::{Answer, AnswerColumn, Failure};
use crate::wire::form::{WireColumn, put_columns};
use crate::wire::link::{Link, invalid, kind};
use crate::wire::tokens::{self, change, done};
use crate::wire::values::{self, ValueWriter};
use mssql2pg_catalog::{RowSink, Stop, Value};
use std::io;

/// With more columns than this, a row with a NULL goes as NBCROW.
const FEW_COLUMNS: usize = 8;

/// A remembered answer is kept in pieces of about this size.
const PIECE_BYTES: usize = 1 << 20;

/// What an answer needs to know of its session.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The database's name and collation.
    pub(crate) database: String,
    pub(crate) collation: String,
    pub(crate) takes_utf8: bool,
    /// Whether it answers a remote call: then statements end with DONEINPROC.
    pub(crate) in_procedure: bool,
    /// Whether transactions that end are rolled back, for ENVCHANGE.
    pub(crate) rolls_back: bool,
    /// The descriptor of the open transaction; 0 for none.
    pub(crate) transaction: u64,
}

/// The answer to one request.
pub(crate) struct Sending<'a> {
    link: &'a mut Link,
    setting: Setting,
    columns: Vec<WireColumn>,
    at: usize,
    row: Vec<u8>,
    nulls: Vec<(usize, usize)>,
    token: Vec<u8>,
    values: ValueWriter,
    in_result: bool,
    pending: Option<(u16, u16, u64)>,
    trouble: Option<io::Error>,
    record: Option<Record>,
}

/// What is kept to be sent again.
#[derive(Default)]
struct Record {
    pieces: Vec<Vec<u8>>,
    has_rows: bool,
}

impl<'a> Sending<'a> {
    /// Begins an answer.
    pub(crate) fn new(link: &'a mut Link, setting: Setting) -> Self {
        link.begin(kind::ANSWER);
        Self {
            link,
            setting,
            columns: Vec::new(),
            at: 0,
            row: Vec::new(),
            nulls: Vec::new(),
            token: Vec::new(),
            values: ValueWriter::default(),
            in_result: false,
            pending: None,
            trouble: None,
            record: None,
        }
    }

    /// From now on, what is sent is also kept.
    pub(crate) fn record(&mut self) {
        self.record = Some(Record::default());
    }

    /// What was kept, if it returned rows and is worth being sent again.
    pub(crate) fn take_record(&mut self) -> Option<Vec<Vec<u8>>> {
        self.record.take().filter(|record| record.has_rows).map(|record| record.pieces)
    }

    /// The open transaction's descriptor; 0 for none.
    pub(crate) fn transaction_descriptor(&self) -> u64 {
        self.setting.transaction
    }

    /// What went wrong on the way to the client.
    pub(crate) fn take_trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }

    /// Whether the client has asked for attention.
    pub(crate) fn has_attention(&self) -> bool {
        self.link.has_attention()
    }

    fn put(&mut self, tokens: &[u8]) -> io::Result<()> {
        if let Some(record) = &mut self.record {
            match record.pieces.last_mut() {
                Some(piece) if piece.len() < PIECE_BYTES => piece.extend_from_slice(tokens),
                _ => record.pieces.push(tokens.to_vec()),
            }
        }
        self.link.put(tokens)
    }

    fn done_token(&self) -> u8 {
        if self.setting.in_procedure { tokens::DONE_IN_PROC } else { tokens::DONE }
    }

    /// Sends the DONE that waits for whether more comes.
    fn put_pending(&mut self) -> io::Result<()> {
        let Some((status, command, rows)) = self.pending.take() else { return Ok(()) };
        let mut token = Vec::new();
        tokens::put_done(self.done_token(), status | done::MORE, command, rows, &mut token);
        self.put(&token)
    }

    /// Sends tokens that are made already.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn tokens(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put_pending()?;
        self.put(bytes)
    }

    /// Sends a remembered answer; the last DONE is among its tokens. False when an attention ended it early, between
    /// two tokens.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn pieces(&mut self, pieces: &[Vec<u8>]) -> io::Result<bool> {
        for piece in pieces {
            if self.link.has_attention() {
                return Ok(false);
            }
            self.link.put(piece)?;
        }
        Ok(true)
    }

    /// Ends the answer to a batch that went well.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let (status, command, rows) = self.pending.take().unwrap_or((0, 0, 0));
        let mut token = Vec::new();
        tokens::put_done(tokens::DONE, status, command, rows, &mut token);
        self.put(&token)
    }

    /// Ends the statements of a call; the procedure's own end is still to come.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn finish_statement(&mut self) -> io::Result<()> {
        self.put_pending()
    }

    /// Ends the answer to a batch that failed.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn fail(&mut self, failure: &Failure) -> io::Result<()> {
        self.record = None;
        self.put_pending()?;
        self.in_result = false;
        let mut token = Vec::new();
        tokens::put_error(failure, &mut token);
        let more = if self.setting.in_procedure { done::MORE } else { 0 };
        tokens::put_done(self.done_token(), done::ERROR | more, 0, 0, &mut token);
        self.put(&token)
    }

    /// Ends the answer because the client asked for attention.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn attend(&mut self) -> io::Result<()> {
        self.record = None;
        let mut token = Vec::new();
        tokens::put_done(tokens::DONE, done::ATTENTION, 0, 0, &mut token);
        self.link.put(&token)?;
        self.link.forget_attention();
        self.link.end()
    }

    /// Sends the end of the message. An attention may still have come by then: the next turn answers it.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.link.end()
    }

    fn try_columns(&mut self, columns: &[AnswerColumn]) -> io::Result<()> {
        self.put_pending()?;
        let Setting { collation, takes_utf8, .. } = &self.setting;
        self.columns = columns
            .iter()
            .map(|column| WireColumn::new(column, collation, *takes_utf8))
            .collect::<Result<_, _>>()
            .map_err(invalid)?;
        let mut token = Vec::new();
        put_columns(&self.columns, &mut token);
        self.in_result = true;
        self.at = 0;
        if let Some(record) = &mut self.record {
            record.has_rows = true;
        }
        self.put(&token)
    }

    fn try_row(&mut self) -> io::Result<()> {
        if self.at != self.columns.len() {
            return Err(invalid(format!("a row of {} values in {} columns", self.at, self.columns.len())));
        }
        let mut token = std::mem::take(&mut self.token);
        token.clear();
        if !self.nulls.is_empty() && self.columns.len() > FEW_COLUMNS {
            token.push(0xd2);
            let place = token.len();
            token.resize(place + self.columns.len().div_ceil(8), 0);
            for (column, _) in &self.nulls {
                if let Some(byte) = token.get_mut(place + column / 8) {
                    *byte |= 1 << (column % 8);
                }
            }
            token.extend_from_slice(&self.row);
        } else {
            token.push(0xd1);
            let mut from = 0;
            for (column, to) in &self.nulls {
                token.extend_from_slice(self.row.get(from..*to).unwrap_or_default());
                if let Some(column) = self.columns.get(*column) {
                    token.extend_from_slice(values::null(column).map_err(invalid)?);
                }
                from = *to;
            }
            token.extend_from_slice(self.row.get(from..).unwrap_or_default());
        }
        let put = self.put(&token);
        self.token = token;
        put
    }

    fn keep<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let told = io::Error::from(error.kind());
            self.trouble.get_or_insert(error);
            told
        })
    }
}

impl Answer for Sending<'_> {
    fn columns(&mut self, columns: &[AnswerColumn]) -> io::Result<()> {
        let tried = self.try_columns(columns);
        self.keep(tried)
    }

    fn rows(&mut self) -> &mut dyn RowSink {
        self
    }

    fn done(&mut self, rows: Option<u64>) -> io::Result<()> {
        let put = self.put_pending();
        self.keep(put)?;
        let status = if rows.is_some() { done::COUNT } else { 0 };
        let command = if self.in_result { tokens::SELECT } else { 0 };
        self.in_result = false;
        self.pending = Some((status, command, rows.unwrap_or(0)));
        Ok(())
    }

    fn database(&mut self, name: &str) -> io::Result<()> {
        self.record = None;
        let mut token = Vec::new();
        tokens::put_change(change::DATABASE, name, &self.setting.database, &mut token);
        tokens::put_info(5701, &format!("Changed database context to '{name}'."), &mut token);
        name.clone_into(&mut self.setting.database);
        let put = self.tokens(&token);
        self.keep(put)
    }

    fn transaction(&mut self, open: bool) -> io::Result<()> {
        self.record = None;
        let old = self.setting.transaction.to_le_bytes();
        let mut token = Vec::new();
        if open {
            let number = self.link.server.next_transaction();
            self.setting.transaction = number;
            tokens::put_change_bytes(change::BEGIN, &number.to_le_bytes(), &[], &mut token);
        } else {
            let kind = if self.setting.rolls_back { change::ROLLBACK } else { change::COMMIT };
            self.setting.transaction = 0;
            tokens::put_change_bytes(kind, &[], &old, &mut token);
        }
        let put = self.tokens(&token);
        self.keep(put)
    }
}

impl RowSink for Sending<'_> {
    fn value(&mut self, value: Value<'_>) {
        if self.trouble.is_some() {
            return;
        }
        let Some(column) = self.columns.get(self.at) else {
            self.at += 1;
            return;
        };
        let is_null =
            value == Value::Null || matches!(value, Value::Variant(inner) if inner.value == Value::Null);
        let put = if is_null {
            self.nulls.push((self.at, self.row.len()));
            values::null(column).map(|_| ())
        } else {
            self.values.put(column, value, &mut self.row)
        };
        self.at += 1;
        if let Err(error) = put {
            self.trouble = Some(invalid(error));
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        if self.trouble.is_none() {
            self.trouble = self.try_row().and_then(|()| self.link.look_now_and_then()).err();
        }
        self.at = 0;
        self.row.clear();
        self.nulls.clear();
        if self.trouble.is_some() || self.link.has_attention() { Err(Stop) } else { Ok(()) }
    }
}

//! Rows of values become a COPY BINARY stream.
//!
//! Invariant: the stream has whole rows only. A row is written in place at the end of one buffer; a
//! row that cannot be sent is cut off again and handed to [`CopyOutput::rejected`].

use super::field::{Field, MOST_BYTES, Notes, put_value, rejected_text};
use super::{Encoder, LOSS_SAMPLES, Loss, LossKind, Reject, RejectedRow, readable, shown_name};
use crate::digest::{Fields, RowDigest, TableDigester, key_positions};
use crate::plan::{ColumnPlan, TablePlan};
use mssql2pg_catalog::{RowSink, Stop, Value};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Where the bytes and the rejected rows go.
pub trait CopyOutput: Send {
    /// Takes the next bytes of the stream: `rows` whole rows, about as many bytes as were asked for.
    ///
    /// # Errors
    /// [`Stop`] when the output wants no more.
    fn chunk(&mut self, bytes: &[u8], rows: u64) -> Result<(), Stop>;
    /// Takes a row that is not in the stream.
    ///
    /// # Errors
    /// [`Stop`] when the output wants no more.
    fn rejected(&mut self, row: RejectedRow) -> Result<(), Stop>;
}

/// What became of a split's rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SplitOutcome {
    /// Rows sent.
    pub rows: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Bytes sent, header and trailer included.
    pub bytes: u64,
    /// The digest of the rows sent.
    pub digest: RowDigest,
    /// What was lost in the rows sent, sorted by column and kind.
    pub losses: Vec<Loss>,
}

/// What a COPY BINARY stream starts with: signature, flags, length of the header's extension.
pub(crate) const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xFF\r\n\0";
/// The field count that ends a stream.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// A value longer than this is told in `rejects/` by its length alone.
const MOST_SHOWN_BYTES: usize = 1 << 20;

/// A [`RowSink`] that writes one split's rows as COPY BINARY, in the order of
/// [`TablePlan::copy_columns`].
///
/// Made for each split; the source pushes rows, then the caller calls [`CopyRows::finish`]. When the
/// source has failed it is dropped instead.
pub struct CopyRows<'a> {
    columns: Vec<&'a ColumnPlan>,
    fields: Vec<Field>,
    /// By the source's stored column: the fields that it fills.
    feeds: Vec<Range<usize>>,
    key: Vec<usize>,
    output: &'a mut dyn CopyOutput,
    chunk_bytes: usize,
    buffer: Vec<u8>,
    row_start: usize,
    ordinal: usize,
    row_number: u64,
    /// What was altered in the current row.
    pending: Vec<(usize, LossKind)>,
    /// What cannot be sent of the current row: field, reason, value as text.
    rejections: Vec<(usize, Reject, String)>,
    losses: Vec<LossCount>,
    digester: TableDigester,
    outcome: SplitOutcome,
    /// Rows that the output has been told of.
    rows_told: u64,
}

#[derive(Clone, Default)]
struct LossCount {
    count: u64,
    samples: Vec<String>,
}

impl<'a> CopyRows<'a> {
    /// A stream of `table`'s rows; `output` gets chunks of about `chunk_bytes`.
    ///
    /// # Panics
    /// When the plan is not one of ours: its columns are not in the order of the source's.
    pub fn new(table: &'a TablePlan, chunk_bytes: usize, output: &'a mut dyn CopyOutput) -> Self {
        let columns: Vec<&ColumnPlan> = table.copy_columns().collect();
        let mut feeds: Vec<Range<usize>> = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let ordinal = column.source_ordinal.unwrap_or_default();
            assert!(
                ordinal + 1 >= feeds.len(),
                "{}: the plan's columns are not in the order of the source's",
                table.source
            );
            feeds.resize(ordinal + 1, index..index);
            if let Some(feed) = feeds.last_mut() {
                feed.end = index + 1;
            }
        }
        let keeps_offset = |ordinal| {
            columns
                .iter()
                .any(|column| column.encoder == Encoder::OffsetMinutes && column.source_ordinal == ordinal)
        };
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(column, keeps_offset(column.source_ordinal))).collect();
        let mut buffer = Vec::with_capacity(chunk_bytes.saturating_add(chunk_bytes / 4));
        buffer.extend_from_slice(SIGNATURE);
        buffer.extend_from_slice(&[0; 8]);
        let mut rows = Self {
            key: key_positions(table),
            losses: vec![LossCount::default(); fields.len() * LossKind::ALL.len()],
            digester: TableDigester::new(table),
            columns,
            fields,
            feeds,
            output,
            chunk_bytes,
            buffer,
            row_start: 0,
            ordinal: 0,
            row_number: 0,
            pending: Vec::new(),
            rejections: Vec::new(),
            outcome: SplitOutcome::default(),
            rows_told: 0,
        };
        rows.begin_row();
        rows
    }

    /// Ends the stream: sends what is left and the trailer. A row that the source has not ended is
    /// rejected.
    ///
    /// # Errors
    /// [`Stop`] when the output wants no more.
    pub fn finish(mut self) -> Result<SplitOutcome, Stop> {
        if self.ordinal > 0 {
            self.row_number += 1;
            self.reject_row(String::new(), "the source ended in the middle of the row".to_owned())?;
        }
        self.buffer.truncate(self.row_start);
        self.buffer.extend_from_slice(&TRAILER);
        self.send()?;
        self.outcome.digest = self.digester.digest();
        let kinds = LossKind::ALL.len();
        for (index, LossCount { count, samples }) in self.losses.into_iter().enumerate() {
            if let (1.., Some(column)) = (count, self.columns.get(index / kinds)) {
                let loss = Loss {
                    column: column.source.clone(),
                    kind: LossKind::ALL[index % kinds],
                    count,
                    samples,
                };
                super::merge_losses(&mut self.outcome.losses, &[loss]);
            }
        }
        Ok(self.outcome)
    }

    fn begin_row(&mut self) {
        self.row_start = self.buffer.len();
        self.ordinal = 0;
        // PostgreSQL has at most 1600 columns; a larger count is refused there.
        let count = i16::try_from(self.fields.len()).unwrap_or(i16::MAX);
        self.buffer.extend_from_slice(&count.to_be_bytes());
    }

    fn send(&mut self) -> Result<(), Stop> {
        self.outcome.bytes += self.buffer.len() as u64;
        self.output.chunk(&self.buffer, self.outcome.rows - self.rows_told)?;
        self.rows_told = self.outcome.rows;
        self.buffer.clear();
        // One row with a large value must not keep its memory for the rest of the split.
        self.buffer.shrink_to(self.chunk_bytes.saturating_mul(4));
        Ok(())
    }

    fn row(&self) -> &[u8] {
        self.buffer.get(self.row_start..).unwrap_or_default()
    }

    /// The current row's key, for people.
    fn row_key(&self) -> String {
        let fields: Vec<Option<&[u8]>> = Fields::of(self.row()).collect();
        let parts = self.key.iter().map(|index| {
            let rejected = self.rejections.iter().find(|(field, ..)| field == index);
            let column = self.columns.get(*index)?;
            let text = match rejected {
                Some((_, _, text)) => text.clone(),
                None => readable::text_of(column, *fields.get(*index)?),
            };
            Some((column.source.as_str(), text))
        });
        readable::key_text(parts).unwrap_or_else(|| format!("row {}", self.row_number))
    }

    #[cold]
    fn note_losses(&mut self) {
        for index in 0..self.pending.len() {
            let (column, kind) = self.pending[index];
            let slot = column * LossKind::ALL.len() + kind as usize;
            let wants_sample = self.losses.get(slot).is_some_and(|loss| loss.samples.len() < LOSS_SAMPLES);
            let sample = if wants_sample { Some(self.row_key()) } else { None };
            if let Some(loss) = self.losses.get_mut(slot) {
                loss.count += 1;
                loss.samples.extend(sample);
            }
        }
        self.pending.clear();
    }

    #[cold]
    fn reject_row(&mut self, column: String, reason: String) -> Result<(), Stop> {
        let fields: Vec<Option<&[u8]>> = Fields::of(self.row()).collect();
        let row = self.columns.iter().enumerate().map(|(index, column)| {
            let rejected = self.rejections.iter().find(|(field, ..)| *field == index);
            let value = match (rejected, fields.get(index)) {
                (Some((_, _, text)), _) => text.clone().into(),
                (None, Some(Some(field))) if field.len() > MOST_SHOWN_BYTES => too_long(field.len()).into(),
                (None, Some(Some(field))) => readable::text_of(column, Some(*field)).into(),
                (None, _) => serde_json::Value::Null,
            };
            (shown_name(column).to_owned(), value)
        });
        let row = row.collect();
        let rejected = RejectedRow { key: self.row_key(), number: self.row_number, column, reason, row };
        self.buffer.truncate(self.row_start);
        self.pending.clear();
        self.rejections.clear();
        self.outcome.rejected += 1;
        self.begin_row();
        self.output.rejected(rejected)
    }

    #[cold]
    fn reject_value(&mut self, index: usize, field_start: usize, value: Value<'_>, reason: Reject) {
        // A NULL in its place keeps the row readable for the report.
        self.buffer.truncate(field_start);
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        let bytes = match value {
            Value::Utf16(bytes) | Value::CodePage(bytes, _) | Value::Utf8(bytes) | Value::Bytes(bytes) => {
                bytes.len()
            }
            _ => 0,
        };
        let text = if bytes > MOST_SHOWN_BYTES { too_long(bytes) } else { rejected_text(value) };
        self.rejections.push((index, reason, text));
    }
}

fn too_long(bytes: usize) -> String {
    format!("({bytes} bytes, not shown)")
}

impl RowSink for CopyRows<'_> {
    #[inline]
    fn value(&mut self, value: Value<'_>) {
        let Some(feed) = self.feeds.get(self.ordinal) else {
            self.ordinal += 1;
            return;
        };
        self.ordinal += 1;
        for index in feed.clone() {
            let field_start = self.buffer.len();
            let mut notes = Notes { pending: &mut self.pending, column: index };
            if let Err(reason) = put_value(&self.fields[index], value, &mut self.buffer, &mut notes) {
                self.reject_value(index, field_start, value, reason);
            }
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.row_number += 1;
        if let Some((index, reason, _)) = self.rejections.first() {
            let column = self.columns.get(*index).map_or("", |column| shown_name(column)).to_owned();
            let reason = reason.0.to_string();
            return self.reject_row(column, reason);
        }
        if self.ordinal < self.feeds.len() {
            let reason = format!("the row has {} values, its table {}", self.ordinal, self.feeds.len());
            return self.reject_row(String::new(), reason);
        }
        let bytes = self.buffer.len() - self.row_start;
        if bytes > MOST_BYTES {
            let reason = format!("the row has {bytes} bytes; PostgreSQL takes less than 1 GiB");
            return self.reject_row(String::new(), reason);
        }
        if !self.pending.is_empty() {
            self.note_losses();
        }
        let row = self.buffer.get(self.row_start..).unwrap_or_default();
        self.digester.row(row);
        self.outcome.rows += 1;
        if self.buffer.len() >= self.chunk_bytes {
            self.send()?;
        }
        self.begin_row();
        Ok(())
    }
}

//! The sink of the audit: one pass over a split counts, measures, profiles, asks each column's checks and collects keys.

use super::keys::{Held, Key, KeySet, KeyStore, RowHashes};
use super::profile::ColumnProfile;
use super::tests_of_table::TableTests;
use crate::checks::audit::show_key_value;
use crate::phases::workers::Halt;
use mssql2pg_catalog::{RowSink, Stop, Table, TableMeasures, Value};
use mssql2pg_mapping::witness::MeasureRows;
use std::io;

/// How many rows pass between two looks at the stop flag and two progress events.
const ROWS_BETWEEN_EVENTS: u64 = 8192;

/// How many keys of a set wait before they are sorted and handed on.
const WAITING_KEYS: usize = 8192;

/// How many sample keys a finding names.
pub(super) const SAMPLES: usize = 10;

/// What was counted in one split, or in one table.
#[derive(Default)]
pub(super) struct TableCounts {
    pub(super) rows: u64,
    pub(super) nulls: Vec<u64>,
    pub(super) empty: Vec<u64>,
    pub(super) profiles: Vec<ColumnProfile>,
    /// Per test of the table.
    pub(super) defects: Vec<Defects>,
    /// The second witness; none before the first row of a split is read.
    pub(super) measures: Option<MeasureRows>,
    /// The same as the source's own engine has computed it, and the longest values that it found.
    pub(super) computed: Option<TableMeasures>,
    pub(super) longest: Vec<Option<u64>>,
    /// Whether rows were left out, since only a sample was wanted.
    pub(super) cut: bool,
}

/// The defects that one test found.
#[derive(Clone, Default)]
pub(super) struct Defects {
    pub(super) count: u64,
    pub(super) samples: Vec<String>,
}

impl TableCounts {
    pub(super) fn merge(&mut self, other: Self) {
        if self.nulls.is_empty() {
            *self = other;
            return;
        }
        self.rows += other.rows;
        self.cut |= other.cut;
        match (&mut self.measures, other.measures) {
            (Some(measures), Some(more)) => measures.merge(&more),
            (_, None) => {}
            (none, more) => *none = more,
        }
        let add = |sums: &mut [u64], more: Vec<u64>| {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        };
        add(&mut self.nulls, other.nulls);
        add(&mut self.empty, other.empty);
        self.profiles.iter_mut().zip(other.profiles).for_each(|(profile, more)| profile.merge(more));
        for (sum, more) in self.defects.iter_mut().zip(other.defects) {
            sum.count += more.count;
            sum.samples.extend(more.samples);
            sum.samples.truncate(SAMPLES);
        }
    }
}

/// What tells a row from others, for people: its key, else its number.
pub(super) struct RowName<'a> {
    names: Vec<&'a str>,
    /// Per stored column: its place in the key, if it has one.
    places: Vec<Option<usize>>,
    /// The current row's key values as text; buffers are kept from row to row.
    values: Vec<String>,
}

impl<'a> RowName<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        let keys = table.primary_key.as_ref().or_else(|| table.unique.first());
        let names: Vec<&str> = keys
            .map(|key| key.columns.iter().map(|column| column.name.as_str()).collect())
            .unwrap_or_default();
        let places = table.stored_columns().map(|column| names.iter().position(|name| *name == column.name));
        Self { places: places.collect(), values: vec![String::new(); names.len()], names }
    }

    #[inline]
    pub(super) fn value(&mut self, column: usize, value: &Value<'_>) {
        if let Some(Some(place)) = self.places.get(column)
            && let Some(text) = self.values.get_mut(*place)
        {
            show_key_value(value, text);
        }
    }

    /// The name of the current row; `number` counts from 1 within the split.
    pub(super) fn text(&self, number: u64) -> String {
        if self.names.is_empty() {
            return format!("row {number}");
        }
        let parts = self.names.iter().zip(&self.values).map(|(name, value)| format!("{name}={value}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// What a split's rows are read for.
pub(super) struct Reading<'a> {
    pub(super) table: &'a Table,
    pub(super) tests: &'a TableTests<'a>,
    /// The key sets of the table, with their numbers.
    pub(super) sets: &'a [(usize, &'a KeySet)],
    pub(super) store: &'a KeyStore,
    /// The database's collation.
    pub(super) collation: Option<&'a str>,
    /// The split's number.
    pub(super) split: u32,
    /// At most so many rows; 0 for all.
    pub(super) most_rows: u64,
    /// Whether the split may be read again after an error, so that nothing may leave before its end.
    pub(super) may_fail: bool,
}

/// The sink.
pub(super) struct AuditRows<'a> {
    reading: Reading<'a>,
    counts: TableCounts,
    measures: MeasureRows,
    name: RowName<'a>,
    hashes: RowHashes,
    /// Per set of the table.
    waiting: Vec<Vec<Key>>,
    /// Full buffers that may not leave yet.
    held: Held,
    failed: Option<io::Error>,
    /// Defects of the current row, as places in `counts.defects`.
    found: Vec<usize>,
    scratch: String,
    column: usize,
    bytes: u64,
    halt: &'a Halt<'a>,
    tell: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> AuditRows<'a> {
    pub(super) fn new(
        reading: Reading<'a>,
        shows_values: bool,
        halt: &'a Halt<'a>,
        tell: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Self {
        let columns = reading.table.stored_columns().count();
        let profiles = reading.table.stored_columns().map(|column| ColumnProfile::new(column, shows_values));
        Self {
            counts: TableCounts {
                nulls: vec![0; columns],
                empty: vec![0; columns],
                profiles: profiles.collect(),
                defects: vec![Defects::default(); reading.tests.all().len()],
                ..TableCounts::default()
            },
            measures: MeasureRows::new(reading.table),
            name: RowName::new(reading.table),
            hashes: RowHashes::new(reading.table, reading.sets, reading.collation),
            waiting: reading.sets.iter().map(|_| Vec::new()).collect(),
            held: Held::new(reading.store),
            failed: None,
            found: Vec::new(),
            scratch: String::new(),
            column: 0,
            bytes: 0,
            halt,
            tell,
            reading,
        }
    }

    /// What was counted.
    ///
    /// # Errors
    /// When keys could not be written to disk.
    pub(super) fn finish(mut self) -> io::Result<TableCounts> {
        (self.tell)(self.counts.rows % ROWS_BETWEEN_EVENTS, self.bytes);
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.held.join(self.reading.store)?;
        for ((number, _), keys) in self.reading.sets.iter().zip(waiting) {
            self.reading.store.add(*number, keys)?;
        }
        self.counts.measures = Some(self.measures);
        Ok(self.counts)
    }

    fn collect_keys(&mut self) {
        let first = u64::from(self.reading.split) << 40 | self.counts.rows;
        let Self { hashes, waiting, held, reading, failed, .. } = self;
        let mut place = 0;
        hashes.end_row(|number, hash| {
            // Sets come in their order; those with a NULL are left out.
            while reading.sets.get(place).is_some_and(|(known, _)| *known != number) {
                place += 1;
            }
            let Some(keys) = waiting.get_mut(place) else { return };
            keys.push(Key { hash, first, count: 1 });
            if keys.len() < WAITING_KEYS {
                return;
            }
            let keys = std::mem::take(keys);
            let kept = match reading.may_fail {
                true => held.push(number, keys),
                false => reading.store.add(number, keys),
            };
            if let Err(error) = kept {
                *failed = Some(error);
            }
        });
    }
}

impl RowSink for AuditRows<'_> {
    fn value(&mut self, value: Value<'_>) {
        let place = self.column;
        self.column += 1;
        self.measures.value(value);
        match value {
            Value::Null => self.counts.nulls[place] += 1,
            Value::Utf16(bytes) | Value::CodePage(bytes, _) | Value::Utf8(bytes) | Value::Bytes(bytes) => {
                self.counts.empty[place] += u64::from(bytes.is_empty());
                self.bytes += bytes.len() as u64;
            }
            _ => self.bytes += 8,
        }
        if let Some(profile) = self.counts.profiles.get_mut(place) {
            profile.value(&value);
        }
        self.name.value(place, &value);
        if !self.hashes.is_empty() {
            self.hashes.value(place, &value);
        }
        self.reading.tests.value(place, &value, &mut self.scratch, &mut self.found);
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.column = 0;
        if self.reading.most_rows > 0 && self.counts.rows >= self.reading.most_rows {
            self.counts.cut = true;
            return Err(Stop);
        }
        self.measures.end_row();
        self.counts.rows += 1;
        while let Some(place) = self.found.pop() {
            let defects = &mut self.counts.defects[place];
            defects.count += 1;
            if defects.samples.len() < SAMPLES {
                defects.samples.push(self.name.text(self.counts.rows));
            }
        }
        if !self.hashes.is_empty() {
            self.collect_keys();
            if self.failed.is_some() {
                return Err(Stop);
            }
        }
        if self.counts.rows.is_multiple_of(ROWS_BETWEEN_EVENTS) {
            (self.tell)(ROWS_BETWEEN_EVENTS, std::mem::take(&mut self.bytes));
            if self.halt.is_set() {
                return Err(Stop);
            }
        }
        Ok(())
    }
}

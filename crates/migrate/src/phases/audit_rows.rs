//! The sink of the audit: counts, and asks each column's checks about each value.

use super::audit::{Defects, SAMPLES, TableCounts};
use super::workers::Halt;
use crate::checks::audit::{ALL, Moment, show_key_value};
use crate::config::AuditConfig;
use mssql2pg_catalog::{RowSink, Stop, Table, Value};
use mssql2pg_mapping::witness::MeasureRows;

/// How many rows pass between two looks at the stop flag and two progress events.
const ROWS_BETWEEN_EVENTS: u64 = 8192;

pub(super) struct AuditRows<'a> {
    counts: TableCounts,
    measures: MeasureRows,
    /// Per column: the places in `counts.defects` of its checks.
    checks: Vec<Vec<usize>>,
    /// Per column: its place in the key, if it has one.
    key_place: Vec<Option<usize>>,
    key_names: Vec<&'a str>,
    /// The current row's key values as text; buffers are kept from row to row.
    key: Vec<String>,
    /// Defects of the current row, as places in `counts.defects`.
    found: Vec<usize>,
    column: usize,
    bytes: u64,
    moment: Moment,
    halt: &'a Halt<'a>,
    tell: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> AuditRows<'a> {
    pub(super) fn new(
        table: &'a Table,
        config: &AuditConfig,
        halt: &'a Halt<'a>,
        tell: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Self {
        let columns: Vec<_> = table.stored_columns().collect();
        let mut counts = TableCounts {
            rows: 0,
            nulls: vec![0; columns.len()],
            empty: vec![0; columns.len()],
            defects: Vec::new(),
            measures: None,
        };
        let mut checks = vec![Vec::new(); columns.len()];
        for (place, column) in columns.iter().enumerate() {
            for (check, definition) in ALL.iter().enumerate() {
                if (definition.applies)(table, column, config) {
                    checks[place].push(counts.defects.len());
                    counts.defects.push(Defects { check, column: place, count: 0, samples: Vec::new() });
                }
            }
        }
        let keys = table.primary_key.as_ref().or_else(|| table.unique.first());
        let key_names: Vec<&str> = keys
            .map(|key| key.columns.iter().map(|column| column.name.as_str()).collect())
            .unwrap_or_default();
        let key_place =
            columns.iter().map(|column| key_names.iter().position(|name| *name == column.name)).collect();
        Self {
            key: vec![String::new(); key_names.len()],
            counts,
            measures: MeasureRows::new(table),
            checks,
            key_place,
            key_names,
            found: Vec::new(),
            column: 0,
            bytes: 0,
            moment: Moment::now(),
            halt,
            tell,
        }
    }

    pub(super) fn finish(self) -> TableCounts {
        let Self { mut counts, measures, bytes, tell, .. } = self;
        tell(counts.rows % ROWS_BETWEEN_EVENTS, bytes);
        counts.measures = Some(measures);
        counts
    }

    fn describe_row(&self) -> String {
        if self.key_names.is_empty() {
            return format!("row {}", self.counts.rows);
        }
        let parts: Vec<String> =
            self.key_names.iter().zip(&self.key).map(|(name, value)| format!("{name}={value}")).collect();
        parts.join(", ")
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
        if let Some(place) = self.key_place[place] {
            show_key_value(&value, &mut self.key[place]);
        }
        for &defects in &self.checks[place] {
            let check = &ALL[self.counts.defects[defects].check];
            if (check.is_defect)(&value, &self.moment) {
                self.found.push(defects);
            }
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.column = 0;
        self.measures.end_row();
        self.counts.rows += 1;
        while let Some(place) = self.found.pop() {
            let description =
                (self.counts.defects[place].samples.len() < SAMPLES).then(|| self.describe_row());
            let defects = &mut self.counts.defects[place];
            defects.count += 1;
            defects.samples.extend(description);
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

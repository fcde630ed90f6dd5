//! Audit: one pass over every row of the source before anything moves.
//!
//! Leaves `baseline.json` (rows, NULLs and empty strings per column) and the findings of the
//! column checks in [`crate::checks::audit`].

use super::audit_rows::AuditRows;
use super::splits::splits_of;
use super::workers::{retried, work_off};
use super::{Context, selected};
use crate::checks::audit::ALL;
use crate::config::Config;
use crate::error::Error;
use crate::progress::Event;
use mssql2pg_catalog::{Catalog, Finding, Severity, Table, TableMeasures};
use mssql2pg_mapping::settings::TextPolicy;
use mssql2pg_mapping::witness::MeasureRows;
use mssql2pg_sources::{Hold, Source, Split};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// `baseline.json`: what the source held before anything moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// 1.
    pub format: u32,
    /// When the audit ran: RFC 3339 in UTC.
    pub counted_at: String,
    /// The state of the source that was counted: [`mssql2pg_sources::Hold::state`].
    #[serde(default)]
    pub state: String,
    /// Tables in the catalog's order.
    pub tables: Vec<TableBaseline>,
}

/// The counts of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableBaseline {
    /// The table in the source, `schema.table`.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Its stored columns in order.
    pub columns: Vec<ColumnBaseline>,
    /// What was measured of its values: the second witness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<TableMeasures>,
}

/// The counts of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnBaseline {
    /// The column in the source.
    pub column: String,
    /// NULLs.
    pub nulls: u64,
    /// Values of no length: empty strings, empty binaries.
    pub empty: u64,
    /// About how many different values there are, NULL left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// The smallest value as people write it; left out with `audit.samples = false` and where a type has no order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// The largest value likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<String>,
    /// The longest text in UTF-16 units, the longest binary value in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<u64>,
}

impl Baseline {
    /// The counts of that table.
    pub fn table(&self, source: &str) -> Option<&TableBaseline> {
        self.tables.iter().find(|table| table.table == source)
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// Counts every table. A run that has a baseline of the held state keeps it.
///
/// # Errors
/// When the source cannot be read to its end, or a file cannot be written.
pub fn audit(context: Context<'_>, source: &dyn Source, catalog: &Catalog) -> Result<Baseline, Error> {
    let hold: Hold = context.run.read_json("hold.json")?.unwrap_or_else(Hold::file);
    let known: Option<Baseline> = context.run.read_json("baseline.json")?;
    if let Some(baseline) = known.filter(|baseline| baseline.state.is_empty() || baseline.state == hold.state)
    {
        return Ok(baseline);
    }
    let (catalog, left_out) = selected(catalog.clone(), &context.config.tables)?;
    context.timed("audit", || {
        let counted_at = crate::run::now();
        let counts = count_tables(context, source, &catalog)?;
        let mut findings = Vec::new();
        let mut tables = Vec::new();
        for (table, counts) in catalog.tables.iter().zip(counts) {
            findings.extend(counts.findings(table, context.config));
            tables.push(counts.baseline(table));
        }
        let baseline = Baseline { format: 1, counted_at, state: hold.state.clone(), tables };
        findings.extend(claim_differs(&catalog, left_out.is_empty(), &baseline));
        context.run.put_findings("audit", findings)?;
        context.run.write_json("baseline.json", &baseline)?;
        Ok(baseline)
    })
}

/// The source's own count of all rows is taken before its export begins, so a difference is no error,
/// but somebody should know.
fn claim_differs(catalog: &Catalog, is_whole: bool, baseline: &Baseline) -> Option<Finding> {
    let claimed = catalog.database.claimed_rows.filter(|_| is_whole)?;
    // Fewer rows than were there when the export began may be rows lost on the way.
    let severity = if baseline.rows() < claimed { Severity::Blocker } else { Severity::Warning };
    (claimed != baseline.rows()).then(|| {
        Finding::new(
            "claimed-rows-differ",
            severity,
            &catalog.database.name,
            format!("the source says that it holds {claimed} rows, and {} were read", baseline.rows()),
            "the count was taken before the export; if rows changed meanwhile, export again from a quiet copy",
        )
    })
}

/// What was counted in one table.
#[derive(Default)]
pub(super) struct TableCounts {
    pub(super) rows: u64,
    pub(super) nulls: Vec<u64>,
    pub(super) empty: Vec<u64>,
    /// Per check that applies: its place in [`ALL`], the column's place, how many, sample keys.
    pub(super) defects: Vec<Defects>,
    /// The second witness; none before the first row of a split is read.
    pub(super) measures: Option<MeasureRows>,
}

/// The defects that one check found in one column.
pub(super) struct Defects {
    pub(super) check: usize,
    pub(super) column: usize,
    pub(super) count: u64,
    pub(super) samples: Vec<String>,
}

/// How many sample keys a finding names.
pub(super) const SAMPLES: usize = 10;

impl TableCounts {
    fn merge(&mut self, other: TableCounts) {
        if self.nulls.is_empty() {
            *self = other;
            return;
        }
        self.rows += other.rows;
        match (&mut self.measures, other.measures) {
            (Some(measures), Some(more)) => measures.merge(&more),
            (_, None) => {}
            (none, more) => *none = more,
        }
        for (sum, more) in self.nulls.iter_mut().zip(other.nulls) {
            *sum += more;
        }
        for (sum, more) in self.empty.iter_mut().zip(other.empty) {
            *sum += more;
        }
        for (sum, more) in self.defects.iter_mut().zip(other.defects) {
            sum.count += more.count;
            sum.samples.extend(more.samples);
            sum.samples.truncate(SAMPLES);
        }
    }

    fn baseline(&self, table: &Table) -> TableBaseline {
        let columns = table.stored_columns().enumerate().map(|(place, column)| ColumnBaseline {
            column: column.name.clone(),
            nulls: self.nulls.get(place).copied().unwrap_or(0),
            empty: self.empty.get(place).copied().unwrap_or(0),
            distinct: None,
            minimum: None,
            maximum: None,
            longest: None,
        });
        let measures =
            self.measures.as_ref().map_or_else(|| MeasureRows::new(table).measures(), MeasureRows::measures);
        TableBaseline {
            table: table.name.to_string(),
            rows: self.rows,
            columns: columns.collect(),
            measures: Some(measures),
        }
    }

    fn findings(&self, table: &Table, config: &Config) -> Vec<Finding> {
        let columns: Vec<_> = table.stored_columns().collect();
        let found = self.defects.iter().filter(|defects| defects.count > 0);
        found
            .filter_map(|defects| {
                let (check, column) = (ALL.get(defects.check)?, columns.get(defects.column)?);
                let object = format!("{}.{}", table.name, column.name);
                let mut finding =
                    Finding::new(check.code, check.severity, object, check.message, check.advice);
                finding.count = Some(defects.count);
                if let Some((setting, _)) =
                    check.policy.filter(|(_, policy)| policy(&config.text) == TextPolicy::Reject)
                {
                    // The run will not be whole until somebody decides.
                    finding.severity = Severity::Blocker;
                    finding
                        .message
                        .push_str(&format!("; these rows will be rejected ({setting} = \"reject\")"));
                }
                if config.audit.samples {
                    finding.samples = defects.samples.clone();
                }
                Some(finding)
            })
            .collect()
    }
}

fn count_tables(
    context: Context<'_>,
    source: &dyn Source,
    catalog: &Catalog,
) -> Result<Vec<TableCounts>, Error> {
    struct Progressing {
        splits_left: usize,
        /// In split order, so that samples do not depend on which worker was faster.
        counts: Vec<Option<TableCounts>>,
        started: Option<Instant>,
    }
    let mut items: Vec<(usize, Split)> = Vec::new();
    let mut states = Vec::new();
    let tables: Vec<&Table> = catalog.tables.iter().collect();
    for (place, splits) in splits_of(context, source, &tables)?.into_iter().enumerate() {
        states.push(Mutex::new(Progressing {
            splits_left: splits.len(),
            counts: splits.iter().map(|_| None).collect(),
            started: None,
        }));
        items.extend(splits.into_iter().map(|split| (place, split)));
    }
    items.sort_by_key(|(place, split)| (std::cmp::Reverse(split.estimated_bytes), *place, split.number));
    let workers = context.config.load.workers();
    work_off(
        workers,
        items,
        context.interrupt,
        || Ok(()),
        |(), (place, split), halt| {
            let (table, state) = (&catalog.tables[place], &states[place]);
            let name = table.name.to_string();
            let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
            if lock().started.replace(Instant::now()).is_none() {
                context.progress.event(&Event::TableStarted { table: &name, rows: table.estimated_rows });
            }
            let tell = |rows, bytes| context.progress.event(&Event::Rows { table: &name, rows, bytes });
            let counts = retried(halt, &name, split.number, || {
                let mut rows = AuditRows::new(table, &context.config.audit, halt, &tell);
                source
                    .read(table, &split, &mut rows)
                    .map_err(Error::source(format!("cannot audit {name}")))?;
                Ok(rows.finish())
            })?;
            if halt.is_set() {
                return Ok(());
            }
            let mut state = lock();
            if let Some(place) = state.counts.get_mut(split.number as usize) {
                *place = Some(counts);
            }
            state.splits_left -= 1;
            if state.splits_left == 0 {
                let rows = state.counts.iter().flatten().map(|counts| counts.rows).sum();
                let seconds = state.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
                context.progress.event(&Event::TableFinished { table: &name, rows, seconds });
            }
            Ok(())
        },
    )?;
    let total = |state: Mutex<Progressing>| {
        let mut total = TableCounts::default();
        for counts in state.into_inner().unwrap_or_else(PoisonError::into_inner).counts.into_iter().flatten()
        {
            total.merge(counts);
        }
        total
    };
    Ok(states.into_iter().map(total).collect())
}

//! Audit: one pass over every row of the source before anything moves.
//!
//! Leaves `baseline.json` (rows, and per column NULLs, empty values, a profile and the measures of the second witness) and
//! the findings of the checks in [`crate::checks::audit`].
//!
//! | file | does |
//! |---|---|
//! | `rows` | the sink of the pass |
//! | `tests_of_table` | the tests that values are put to |
//! | `profile` | a column's profile |
//! | `keys` | sets of keys, in bounded memory |
//! | `pushdown` | the same counts from a live server's own engine |
//! | `references` | what the sets say: orphans, keys that repeat |

mod keys;
mod profile;
mod pushdown;
mod references;
mod rows;
mod tests_of_table;

use super::splits::splits_of;
use super::workers::{retried, work_off};
use super::{Context, selected};
use crate::checks::audit::{ALL, How, Moment};
use crate::config::Config;
use crate::error::Error;
use crate::progress::Event;
use keys::KeyStore;
use mssql2pg_catalog::{Catalog, Finding, Severity, Table, TableMeasures};
use mssql2pg_mapping::witness::MeasureRows;
use mssql2pg_sources::{Hold, Source, Split};
use references::Wanted;
use rows::{AuditRows, Reading, TableCounts};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tests_of_table::TableTests;

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
    /// What the settings of `[audit]` were, as a hash.
    #[serde(default)]
    pub settings: String,
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
    /// Whether only some of its rows were looked at (`audit.sample`); then these are the numbers of those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// Whether the source's own engine counted and measured it, and not we.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_server: bool,
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

/// Counts and checks every table. A run that has a baseline of the held state, made with the same settings, keeps it; once
/// rows are loaded it keeps any.
///
/// # Errors
/// When the source cannot be read to its end, a rule of the user's means nothing, or a file cannot be written.
pub fn audit(context: Context<'_>, source: &dyn Source, catalog: &Catalog) -> Result<Baseline, Error> {
    counted(context, source, catalog, true)
}

/// [`audit`]; without `tells` what is found is not kept.
fn counted(
    context: Context<'_>,
    source: &dyn Source,
    catalog: &Catalog,
    tells: bool,
) -> Result<Baseline, Error> {
    let hold: Hold = context.run.read_json("hold.json")?.unwrap_or_else(Hold::file);
    let mut config = context.config.clone();
    config.audit.samples = context.names_keys();
    let context = Context { config: &config, ..context };
    let settings = settings_hash(context.config);
    let known: Option<Baseline> = context.run.read_json("baseline.json")?;
    let load_begun = context.run.phase_has_begun("load")?;
    let holds = |baseline: &Baseline| {
        (baseline.state.is_empty() || baseline.state == hold.state)
            && (load_begun || baseline.settings == settings)
    };
    if let Some(baseline) = known.filter(holds) {
        return Ok(baseline);
    }
    let is_live = source.about().database.is_some();
    let rules = &context.config.audit.rule;
    rules.iter().try_for_each(|rule| rule.check(is_live).and_then(|()| rule.check_fits(catalog)))?;
    crate::checks::audit::check_patterns(&context.config.audit, catalog)?;
    let (catalog, left_out) = selected(catalog.clone(), &context.config.tables)?;
    context.timed("audit", || {
        let counted_at = crate::run::now();
        let (tables, mut findings) = Pass::new(context, source, &catalog)?.run()?;
        let baseline = Baseline { format: 1, counted_at, state: hold.state.clone(), settings, tables };
        findings.extend(claim_differs(&catalog, left_out.is_empty(), &baseline));
        if tells {
            context.run.put_findings("audit", findings)?;
        }
        context.run.write_json("baseline.json", &baseline)?;
        Ok(baseline)
    })
}

/// The baseline of the held state for a command that compares and does not audit: the known one, whatever the settings were
/// with which it was made, or else a new one. Findings that are there stay.
///
/// # Errors
/// As [`audit`].
pub(crate) fn baseline_of_all_rows(
    context: Context<'_>,
    source: &dyn Source,
    catalog: &Catalog,
) -> Result<Baseline, Error> {
    let hold: Hold = context.run.read_json("hold.json")?.unwrap_or_else(Hold::file);
    let known: Option<Baseline> = context.run.read_json("baseline.json")?;
    let holds = |baseline: &Baseline| {
        (baseline.state.is_empty() || baseline.state == hold.state)
            && !baseline.tables.iter().any(|table| table.sampled)
    };
    if let Some(baseline) = known.filter(holds) {
        return Ok(baseline);
    }
    let tells = !context.run.findings()?.contains_key("audit");
    let mut config = context.config.clone();
    config.audit.rule.clear();
    config.audit.sample = 0;
    counted(Context { config: &config, ..context }, source, catalog, tells)
}

/// What findings depend on besides the source.
fn settings_hash(config: &Config) -> String {
    let settings = format!("{:?} {:?} {:?}", config.audit, config.text, config.names);
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(settings.as_bytes()))
}

/// The source's own count of all rows is taken before its export begins, so a difference is no error,
/// but somebody should know.
fn claim_differs(catalog: &Catalog, is_whole: bool, baseline: &Baseline) -> Option<Finding> {
    let is_whole = is_whole && !baseline.tables.iter().any(|table| table.sampled);
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

/// One pass over all tables.
struct Pass<'a> {
    context: Context<'a>,
    source: &'a dyn Source,
    catalog: &'a Catalog,
    tests: Vec<TableTests<'a>>,
    splits: Vec<Vec<Split>>,
    wanted: Wanted,
    store: KeyStore,
    /// Whether a split may be read again after an error.
    may_fail: bool,
}

/// How far a table is.
struct Progressing {
    splits_left: usize,
    /// In split order, so that samples do not depend on which worker was faster.
    counts: Vec<Option<TableCounts>>,
    started: Option<Instant>,
}

impl<'a> Pass<'a> {
    fn new(context: Context<'a>, source: &'a dyn Source, catalog: &'a Catalog) -> Result<Self, Error> {
        let (config, moment) = (context.config, Moment::now());
        let tables: Vec<&Table> = catalog.tables.iter().collect();
        // A sample has not all keys, so that nothing can be said of references.
        let wanted = match config.audit.sample {
            0 => Wanted::of(catalog, config),
            _ => Wanted::default(),
        };
        let wanted = match pushdown::is_wanted(context, source) {
            true => wanted.asked_of_server(),
            false => wanted,
        };
        let limit = usize::try_from(config.audit.memory.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        Ok(Self {
            tests: catalog.tables.iter().map(|table| TableTests::new(table, config, moment)).collect(),
            splits: splits_of(context, source, &tables)?,
            store: KeyStore::new(wanted.sets.all().len(), limit, context.run.dir().to_owned()),
            may_fail: source.about().database.is_some(),
            wanted,
            context,
            source,
            catalog,
        })
    }

    fn run(self) -> Result<(Vec<TableBaseline>, Vec<Finding>), Error> {
        let pushdown::Pushed { counts: pushed, notes: mut findings } = self.push_down()?;
        let counts = self.count_tables(pushed)?;
        let config = self.context.config;
        let mut tables = Vec::new();
        for ((table, counts), tests) in self.catalog.tables.iter().zip(counts).zip(&self.tests) {
            for (place, defects) in counts.defects.iter().enumerate().filter(|(_, defects)| defects.count > 0)
            {
                findings.extend(tests.finding(place, defects.count, &defects.samples, config));
            }
            findings.extend(sampled(table, &counts, config.audit.sample));
            tables.push(baseline(table, &counts, config.audit.samples));
        }
        for check in ALL {
            let found = match &check.how {
                How::Catalog(found) => found(self.catalog, config),
                How::Counts(found) => self
                    .catalog
                    .tables
                    .iter()
                    .zip(&tables)
                    .flat_map(|(table, counts)| found(table, counts))
                    .collect(),
                How::Values(_) | How::References { .. } | How::Keys(_) => continue,
            };
            findings.extend(found.into_iter().map(|found| references::finding(check, found)));
        }
        findings.extend(pushdown::judged_by_server(self.context, self.source, self.catalog)?);
        findings.extend(self.wanted.findings_of_server(self.context, self.source, self.catalog)?);
        let failed = || Error::file("cannot compare the keys that the audit has collected");
        let mut of_keys = self.wanted.findings(self.catalog, &self.store).map_err(failed())?;
        if config.audit.samples {
            let sets = self.wanted.sets.all();
            references::fill_samples(
                self.context,
                self.source,
                self.catalog,
                &self.splits,
                sets,
                &mut of_keys,
            )?;
        }
        findings.extend(of_keys.into_iter().map(|of_key| of_key.finding));
        Ok((tables, findings))
    }

    fn count_tables(&self, pushed: Vec<Option<TableCounts>>) -> Result<Vec<TableCounts>, Error> {
        let mut items: Vec<(usize, &Split)> = Vec::new();
        let mut states = Vec::new();
        for (place, splits) in self.splits.iter().enumerate() {
            states.push(Mutex::new(Progressing {
                splits_left: splits.len(),
                counts: splits.iter().map(|_| None).collect(),
                started: None,
            }));
            if pushed.get(place).is_none_or(Option::is_none) {
                items.extend(splits.iter().map(|split| (place, split)));
            }
        }
        items.sort_by_key(|(place, split)| (std::cmp::Reverse(split.estimated_bytes), *place, split.number));
        let Context { config, interrupt, progress, .. } = self.context;
        work_off(
            config.load.workers(),
            items,
            interrupt,
            || Ok(()),
            |(), (place, split), halt| {
                let (table, state) = (&self.catalog.tables[place], &states[place]);
                let name = table.name.to_string();
                let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
                if lock().started.replace(Instant::now()).is_none() {
                    progress.event(&Event::TableStarted { table: &name, rows: table.estimated_rows });
                }
                let tell = |rows, bytes| progress.event(&Event::Rows { table: &name, rows, bytes });
                let sets = self.wanted.sets.of_table(place);
                let counts = retried(halt, &name, split.number, || {
                    let reading = Reading {
                        table,
                        tests: &self.tests[place],
                        sets: &sets,
                        store: &self.store,
                        collation: self.catalog.database.collation.as_deref(),
                        split: split.number,
                        most_rows: config.audit.sample.div_ceil(self.splits[place].len().max(1) as u64),
                        may_fail: self.may_fail,
                    };
                    let mut rows = AuditRows::new(reading, config.audit.samples, halt, &tell);
                    self.source
                        .read(table, split, &mut rows)
                        .map_err(Error::source(format!("cannot audit {name}")))?;
                    rows.finish()
                        .map_err(Error::file(format!("cannot keep the keys of {name} in the run folder")))
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
                    progress.event(&Event::TableFinished { table: &name, rows, seconds });
                }
                Ok(())
            },
        )?;
        let total = |state: Mutex<Progressing>| {
            let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut total = TableCounts::default();
            state.counts.into_iter().flatten().for_each(|counts| total.merge(counts));
            total
        };
        Ok(states
            .into_iter()
            .zip(pushed)
            .map(|(state, pushed)| pushed.unwrap_or_else(|| total(state)))
            .collect())
    }
}

fn baseline(table: &Table, counts: &TableCounts, shows_values: bool) -> TableBaseline {
    let measures = match (&counts.computed, &counts.measures) {
        (Some(computed), _) => computed.clone(),
        (None, Some(measures)) => measures.measures(),
        (None, None) => MeasureRows::new(table).measures(),
    };
    let columns = table.stored_columns().enumerate().map(|(place, column)| {
        let profile = counts.profiles.get(place);
        let (minimum, maximum) = match measures.columns.get(place).filter(|_| shows_values) {
            Some(measured) => match profile::measured_ends(&column.sql_type, measured) {
                (None, None) => profile.map(profile::ColumnProfile::ends).unwrap_or_default(),
                ends => ends,
            },
            None => (None, None),
        };
        ColumnBaseline {
            column: column.name.clone(),
            nulls: counts.nulls.get(place).copied().unwrap_or(0),
            empty: counts.empty.get(place).copied().unwrap_or(0),
            // An estimate; no more than there are values.
            distinct: profile.and_then(profile::ColumnProfile::distinct).map(|about| {
                about.min(counts.rows.saturating_sub(counts.nulls.get(place).copied().unwrap_or(0)))
            }),
            minimum,
            maximum,
            longest: match profile {
                Some(profile) => profile.longest(),
                None => counts.longest.get(place).copied().flatten(),
            },
        }
    });
    TableBaseline {
        table: table.name.to_string(),
        rows: counts.rows,
        sampled: counts.cut,
        by_server: counts.computed.is_some(),
        columns: columns.collect(),
        measures: Some(measures),
    }
}

/// Says that a table was sampled.
fn sampled(table: &Table, counts: &TableCounts, sample: u64) -> Option<Finding> {
    counts.cut.then(|| {
        let mut finding = Finding::new(
            "sampled",
            Severity::Info,
            table.name.to_string(),
            format!("only {} rows were looked at: counts and findings are of those", counts.rows),
            format!(
                "leave out audit.sample = {sample} to look at all rows, and at references between tables"
            ),
        );
        finding.count = Some(counts.rows);
        finding
    })
}

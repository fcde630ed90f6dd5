//! The audit of a live source by its own engine: one aggregate query a table counts rows, NULLs, empty values and defects
//! and measures all columns; references are counted by a query each, and keys are asked for only where something was found.
//!
//! Invariant: what is counted here is what a pass over the rows counts. A table of which the server cannot tell that is
//! left to the pass; a finding says so where the server has refused.

use super::Pass;
use super::rows::{Defects, SAMPLES, TableCounts};
use super::tests_of_table::TableTests;
use crate::checks::audit::{Condition, Rule, show_key_value};
use crate::config::Config;
use crate::error::Error;
use crate::phases::Context;
use crate::phases::workers::{Halt, retried, retried_once, work_off};
use crate::progress::Event;
use mssql2pg_catalog::{Catalog, Column, Finding, RowSink, Severity, SqlType, Stop, Table, Value};
use mssql2pg_sources::{ErrorKind, Source, SourceError, length_in_bytes};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use wildmatch::WildMatch;

/// What the server has counted.
pub(super) struct Pushed {
    /// By place in the catalog; none for tables whose rows must be read.
    pub(super) counts: Vec<Option<TableCounts>>,
    /// Which tables the server refused.
    pub(super) notes: Vec<Finding>,
}

/// Whether the server is asked at all.
pub(super) fn is_wanted(context: Context<'_>, source: &dyn Source) -> bool {
    let audit = &context.config.audit;
    audit.pushdown && audit.sample == 0 && source.about().database.is_some()
}

impl Pass<'_> {
    /// Has the server count what it can.
    ///
    /// # Errors
    /// When the server cannot be asked any more.
    pub(super) fn push_down(&self) -> Result<Pushed, Error> {
        let mut counts: Vec<Option<TableCounts>> = self.catalog.tables.iter().map(|_| None).collect();
        if !is_wanted(self.context, self.source) {
            return Ok(Pushed { counts, notes: Vec::new() });
        }
        let mut places: Vec<usize> =
            (0..counts.len()).filter(|place| self.wanted.sets.of_table(*place).is_empty()).collect();
        let bytes = |place: &usize| self.catalog.tables.get(*place).and_then(|table| table.estimated_bytes);
        places.sort_by_key(|place| (std::cmp::Reverse(bytes(place)), *place));
        let done = Mutex::new(Vec::new());
        let Context { config, interrupt, progress, .. } = self.context;
        work_off(
            config.load.workers(),
            places,
            interrupt,
            || Ok(()),
            |(), place, halt| {
                let (Some(table), Some(tests)) = (self.catalog.tables.get(place), self.tests.get(place))
                else {
                    return Ok(());
                };
                let Some(conditions) = tests.conditions() else { return Ok(()) };
                let name = table.name.to_string();
                let started = Instant::now();
                progress.event(&Event::TableStarted { table: &name, rows: table.estimated_rows });
                let counted = Asking { context: self.context, source: self.source, table }.count(
                    tests,
                    &conditions,
                    halt,
                )?;
                if let Ok(Some(counts)) = &counted {
                    progress.event(&Event::Rows { table: &name, rows: counts.rows, bytes: 0 });
                    let seconds = started.elapsed().as_secs_f64();
                    progress.event(&Event::TableFinished { table: &name, rows: counts.rows, seconds });
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).push((place, counted));
                Ok(())
            },
        )?;
        let mut notes = Vec::new();
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(place, _)| *place);
        for (place, counted) in done {
            match (counted, self.catalog.tables.get(place), counts.get_mut(place)) {
                (Ok(found), _, Some(slot)) => *slot = found,
                (Err(refusal), Some(table), _) => notes.push(note(table, &refusal)),
                _ => {}
            }
        }
        Ok(Pushed { counts, notes })
    }
}

/// A table that the server is asked about.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) context: Context<'a>,
    pub(super) source: &'a dyn Source,
    pub(super) table: &'a Table,
}

/// What the server answers: an inner error when it refuses.
pub(super) type Answer<T> = Result<Result<T, SourceError>, Error>;

impl Asking<'_> {
    /// Counts the table; `Ok(None)` when its rows must be read.
    fn count(
        &self,
        tests: &TableTests<'_>,
        conditions: &[Condition],
        halt: &Halt<'_>,
    ) -> Answer<Option<TableCounts>> {
        let Self { source, table, .. } = self;
        let name = table.name.to_string();
        let counted =
            |condition: &str| format!("sum(case when {condition} then cast(1 as bigint) else 0 end)");
        let lengths: Vec<Option<String>> = table.stored_columns().map(length_in_bytes).collect();
        // A value without a length is never empty.
        let empty = lengths.iter().map(|length| match length {
            Some(length) => counted(&format!("{length} = 0")),
            None => counted("1 = 0"),
        });
        let longest = lengths.iter().map(|length| match length {
            Some(length) => format!("max(cast({length} as bigint))"),
            None => counted("1 = 0"),
        });
        let mut expressions: Vec<String> = empty.chain(longest).collect();
        expressions.extend(conditions.iter().map(|condition| counted(condition.sql())));
        let answer = retried(halt, &name, 0, || held_back(source.aggregate(table, &expressions), &name))?;
        let aggregates = match answer {
            Ok(Some(aggregates)) => aggregates,
            Ok(None) => return Ok(Ok(None)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let numbers =
            aggregates.values.iter().map(|value| value.as_ref().map(|text| text.parse::<u64>()).transpose());
        let Ok(numbers) = numbers.collect::<Result<Vec<Option<u64>>, _>>() else { return Ok(Ok(None)) };
        let (empty, rest) = numbers.split_at(lengths.len().min(numbers.len()));
        let (longest, found) = rest.split_at(lengths.len().min(rest.len()));
        let mut defects = Vec::new();
        for (condition, count) in conditions.iter().zip(found) {
            let mut samples = Vec::new();
            let count = count.unwrap_or(0);
            if count > 0 {
                if matches!(condition, Condition::AtMost(_)) {
                    return Ok(Ok(None));
                }
                match retried(halt, &name, 0, || self.keys(condition.sql()))? {
                    Ok(keys) => samples = keys,
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            defects.push(Defects { count, samples });
        }
        debug_assert_eq!(defects.len(), tests.all().len());
        Ok(Ok(Some(TableCounts {
            rows: aggregates.measures.rows,
            nulls: aggregates.measures.columns.iter().map(|column| column.nulls).collect(),
            empty: empty.iter().map(|count| count.unwrap_or(0)).collect(),
            longest: table
                .stored_columns()
                .zip(&lengths)
                .zip(longest)
                .map(|((column, length), bytes)| {
                    let unit = if is_wide(column) { 2 } else { 1 };
                    let is_xml = column.sql_type == SqlType::Xml;
                    bytes.filter(|_| length.is_some() && !is_xml).map(|bytes| bytes / unit)
                })
                .collect(),
            defects,
            computed: Some(aggregates.measures),
            ..TableCounts::default()
        })))
    }

    /// How many rows meet a condition.
    pub(super) fn rows_where(&self, condition: &str) -> Answer<u64> {
        let name = self.table.name.to_string();
        retried_once(self.context.interrupt, &name, || {
            let counted = self.source.count_where(self.table, condition);
            held_back(counted.map(Option::unwrap_or_default), &name)
        })
    }

    /// The keys of the first rows that meet a condition; none for a table without a key, whose rows have no names.
    pub(super) fn keys(&self, condition: &str) -> Answer<Vec<String>> {
        let Self { context, source, table } = self;
        let key = table.primary_key.as_ref().or_else(|| table.unique.first());
        let columns: Option<Vec<&Column>> = key.and_then(|key| {
            key.columns
                .iter()
                .map(|column| table.stored_columns().find(|known| known.name == column.name))
                .collect()
        });
        let Some(columns) = columns.filter(|columns| !columns.is_empty() && context.config.audit.samples)
        else {
            return Ok(Ok(Vec::new()));
        };
        let names = columns.iter().map(|column| column.name.as_str()).collect();
        let mut keys = Keys { names, values: Vec::new(), keys: Vec::new() };
        let asked = source.keys_where(table, &columns, condition, SAMPLES, &mut keys);
        Ok(held_back(asked, &table.name.to_string())?.map(|_| keys.keys))
    }
}

fn is_wide(column: &Column) -> bool {
    matches!(column.sql_type, SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText)
}

/// A refusal is an answer; other errors stop, or are tried again.
fn held_back<T>(answer: Result<T, SourceError>, table: &str) -> Answer<T> {
    match answer {
        Err(error) => match error.kind {
            ErrorKind::Query | ErrorKind::Permission | ErrorKind::Unsupported => Ok(Err(error)),
            _ => Err(Error::source(format!("cannot audit {table}"))(error)),
        },
        Ok(answer) => Ok(Ok(answer)),
    }
}

/// Keeps keys as people write them.
struct Keys<'a> {
    names: Vec<&'a str>,
    values: Vec<String>,
    keys: Vec<String>,
}

impl RowSink for Keys<'_> {
    fn value(&mut self, value: Value<'_>) {
        let mut text = String::new();
        show_key_value(&value, &mut text);
        self.values.push(text);
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        let parts = self.names.iter().zip(&self.values).map(|(name, value)| format!("{name}={value}"));
        self.keys.push(parts.collect::<Vec<String>>().join(", "));
        self.values.clear();
        if self.keys.len() < SAMPLES { Ok(()) } else { Err(Stop) }
    }
}

/// The number of the server's error, not its words: they may hold a value.
fn note(table: &Table, refusal: &SourceError) -> Finding {
    let number = refusal.server().map_or_else(String::new, |message| format!(" (error {})", message.number));
    Finding::new(
        "audit-not-pushed-down",
        Severity::Info,
        table.name.to_string(),
        format!("the server would not count and measure this table itself{number}, so its rows were read"),
        "nothing is missing; audit.pushdown = false spares the attempt",
    )
}

/// The findings of the user's rules whose condition is T-SQL: each is asked of the server.
///
/// # Errors
/// When the server refuses a condition, which then is no condition on that table, or cannot be asked.
pub(super) fn judged_by_server(
    context: Context<'_>,
    source: &dyn Source,
    catalog: &Catalog,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for rule in &context.config.audit.rule {
        let Some(condition) = &rule.condition else { continue };
        let fits = |table: &&Table| {
            rule.table.is_empty()
                || WildMatch::new_case_insensitive(&rule.table).matches(&table.name.to_string())
        };
        for table in catalog.tables.iter().filter(fits) {
            let asking = Asking { context, source, table };
            // What is unknown is not broken, as in a check constraint.
            let broken = format!("not ({condition})");
            let refused = |error: SourceError| {
                let what = format!("cannot judge {} by the rule {}", table.name, rule.name);
                Error::source(what)(error)
            };
            let count = asking.rows_where(&broken)?.map_err(refused)?;
            if count > 0 {
                let keys = asking.keys(&broken)?.map_err(refused)?;
                findings.push(broken_rule(rule, table, count, keys, context.config));
            }
        }
    }
    Ok(findings)
}

fn broken_rule(rule: &Rule, table: &Table, count: u64, keys: Vec<String>, config: &Config) -> Finding {
    let advice = rule.advice.as_deref().unwrap_or("correct the values at the source, or the rule");
    let severity: Severity = rule.severity.into();
    let mut finding = Finding::new(&rule.name, severity, table.name.to_string(), rule.message(), advice);
    finding.count = Some(count);
    if config.audit.samples {
        finding.samples = keys;
    }
    finding
}

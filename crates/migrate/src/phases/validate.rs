//! Validate: both ends compared, into `validation.json`. A table is migrated only when it passes.

use super::audit::Baseline;
use super::create::ledger_name;
use super::splits::splits_of;
use super::workers::{Halt, work_off_largest_first};
use super::{Context, selected};
use crate::checks::validate::{ALL, TableContext, next_is_beyond, witness};
use crate::error::Error;
use crate::facts::{CheckOutcome, Differences, MeasureFacts};
use crate::progress::Event;
use crate::target_server::TargetServer;
use mssql2pg_catalog::{Catalog, Finding, ObjectName, Severity, Table};
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_sources::{Source, Split};
use mssql2pg_target::{Connection, SplitRow};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::thread;
use std::time::Instant;

/// `validation.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// 1.
    pub format: u32,
    /// RFC 3339 in UTC.
    pub validated_at: String,
    /// What was loaded then: [`ledger_token`]. A validation of anything else counts for nothing.
    pub ledger_token: String,
    /// Tables in the plan's order.
    pub tables: Vec<TableValidation>,
}

/// What was compared in one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableValidation {
    /// The table in the source.
    pub source: String,
    /// Whether all checks passed: then it is migrated.
    pub passed: bool,
    /// Rows read back.
    pub target_rows: Option<u64>,
    /// The digest of what was sent.
    pub digest_sent: Option<String>,
    /// The digest of what was read back.
    pub digest_read: Option<String>,
    /// Source names of the columns whose contents differ.
    pub differing_columns: Vec<String>,
    /// The rows that differ; none where all are equal or the source was not at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differences: Option<Differences>,
    /// What the second witness compared; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<MeasureFacts>,
    /// All checks.
    pub checks: Vec<CheckOutcome>,
}

impl Validation {
    /// Whether every table is migrated.
    pub fn passed(&self) -> bool {
        self.tables.iter().all(|table| table.passed)
    }
}

/// Compares every table. The source is read again only where contents differ, to find the rows.
///
/// # Errors
/// When an end cannot be read. A difference is no error.
pub fn validate(
    context: Context<'_>,
    server: &TargetServer,
    source: Option<&dyn Source>,
    catalog: &Catalog,
    plan: &DatabasePlan,
) -> Result<Validation, Error> {
    let (catalog, _) = selected(catalog.clone(), &context.config.tables)?;
    context.timed("validate", || {
        let baseline: Option<Baseline> = context.run.read_json("baseline.json")?;
        let finished = context.run.findings()?.remove("finish").unwrap_or_default();
        let splits = splits_by_table(context, server)?;
        let no_splits = Vec::new();
        let tables: Vec<&Table> = catalog.tables.iter().collect();
        let source_splits = match source {
            Some(source) => splits_of(context, source, &tables)?,
            None => Vec::new(),
        };
        let source_splits: HashMap<&ObjectName, Vec<Split>> =
            tables.iter().map(|table| &table.name).zip(source_splits).collect();
        let planned = plan.tables.iter().filter_map(|plan| Some((catalog.table(&plan.source)?, plan)));
        let items: Vec<(&Table, &TablePlan, &Vec<SplitRow>)> = planned
            .map(|(table, plan)| (table, plan, splits.get(&ledger_name(plan)).unwrap_or(&no_splits)))
            .collect();
        let size = |(_, _, splits): &(_, _, &Vec<SplitRow>)| splits.iter().map(|split| split.bytes).sum();
        let workers = context.config.load.workers();
        let begin = || server.connect();
        let validate = |connection: &mut Connection,
                        (table, plan, splits): (&Table, &TablePlan, &Vec<SplitRow>),
                        _: &Halt<'_>| {
            let name = plan.source.to_string();
            let known = baseline.as_ref().and_then(|baseline| baseline.table(&name));
            let source_splits = source_splits.get(&table.name).cloned().unwrap_or_default();
            let table_context = TableContext {
                run: context.run,
                config: context.config,
                finished: &finished,
                table,
                plan,
                splits,
                baseline_rows: known.map(|table| table.rows),
                baseline_measures: known.and_then(|table| table.measures.as_ref()),
                measured_ahead: None,
                measured_by_server: known.is_some_and(|table| table.by_server),
                source,
                source_splits,
                connection,
                reads: None,
                contents: None,
                measures: None,
            };
            validate_table(context, server, &name, table_context)
        };
        let tables = work_off_largest_first(workers, items, size, context.interrupt, begin, validate)?;
        let validation = Validation {
            format: 1,
            validated_at: crate::run::now(),
            ledger_token: ledger_token(splits.values().flatten()),
            tables,
        };
        context.run.put_findings("validate", sequences_behind(server, plan)?)?;
        context.run.write_json("validation.json", &validation)?;
        Ok(validation)
    })
}

/// Of a table with more rows the second witness is heard while the first one still reads.
const ROWS_TO_SHARE: u64 = 50_000;

/// Standalone sequences that would give out again what the source has given out.
fn sequences_behind(server: &TargetServer, plan: &DatabasePlan) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let planned: Vec<_> =
        plan.sequences.iter().filter_map(|sequence| Some((sequence, sequence.last_value?))).collect();
    if planned.is_empty() {
        return Ok(findings);
    }
    let mut connection = server.connect()?;
    for (sequence, last) in planned {
        let state =
            mssql2pg_target::catalog::sequence_state(&mut connection, &sequence.schema, &sequence.name);
        let trouble = match state {
            Err(error) if error.is_of_connection() => {
                return Err(Error::target(format!("cannot look at the sequence {}", sequence.source))(error));
            }
            Err(_) => Some("it is missing in the target".to_owned()),
            Ok((stands_at, is_called, increment)) => (!next_is_beyond(stands_at, is_called, increment, last))
                .then(|| format!("it stands at {stands_at}, and the source has given out {last}")),
        };
        findings.extend(trouble.map(|trouble| {
            Finding::new(
                "sequence-behind",
                Severity::Blocker,
                sequence.source.to_string(),
                trouble,
                "set it past the last value that the source has given out (setval) and run validate again",
            )
        }));
    }
    Ok(findings)
}

fn validate_table(
    context: Context<'_>,
    server: &TargetServer,
    name: &str,
    mut table: TableContext<'_>,
) -> Result<TableValidation, Error> {
    let started = Instant::now();
    let rows = table.loaded_rows();
    context.progress.event(&Event::TableStarted { table: name, rows: Some(rows) });
    let mut checks = Vec::new();
    let Some((first, rest)) = ALL.split_first() else {
        return Err(Error::run("there is nothing to validate with", "report this to us"));
    };
    let is_measured = table.baseline_measures.is_some() && table.rejected_rows() == 0;
    let outcome = if rows > ROWS_TO_SHARE && is_measured {
        let (of, plan) = (table.table, table.plan);
        thread::scope(|scope| {
            let measuring = scope.spawn(move || {
                // One connection more; where there is none, the check itself asks later.
                let mut connection = server.connect().ok()?;
                Some(witness::measure(&mut connection, of, plan, None))
            });
            let outcome = first.compare(&mut table);
            table.measured_ahead = measuring.join().ok().flatten();
            outcome
        })?
    } else {
        first.compare(&mut table)?
    };
    checks.push(outcome);
    for check in rest {
        checks.push(check.compare(&mut table)?);
    }
    context.progress.event(&Event::Rows { table: name, rows, bytes: 0 });
    context.progress.event(&Event::TableFinished {
        table: name,
        rows,
        seconds: started.elapsed().as_secs_f64(),
    });
    Ok(concluded(name, table, checks))
}

/// What the checks of a table have found.
pub(super) fn concluded(name: &str, table: TableContext<'_>, checks: Vec<CheckOutcome>) -> TableValidation {
    let TableContext { contents, measures, .. } = table;
    TableValidation {
        source: name.to_owned(),
        passed: checks.iter().all(|check| check.passed),
        target_rows: contents.as_ref().map(|contents| contents.target_rows),
        digest_sent: contents.as_ref().map(|contents| contents.sent.clone()),
        digest_read: contents.as_ref().map(|contents| contents.read.clone()),
        differing_columns: contents
            .as_ref()
            .map(|contents| contents.differing_columns.clone())
            .unwrap_or_default(),
        differences: contents.and_then(|contents| contents.differences),
        measures,
        checks,
    }
}

/// A hash of everything that the ledger says is loaded.
pub(super) fn ledger_token<'a>(splits: impl Iterator<Item = &'a SplitRow>) -> String {
    let mut marks: Vec<String> = splits
        .map(|split| format!("{}\0{}\0{}\0{}", split.table, split.split, split.rows, split.digest))
        .collect();
    marks.sort();
    let mut hash = Sha256::new();
    for mark in marks {
        hash.update(mark);
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn splits_by_table(
    context: Context<'_>,
    server: &TargetServer,
) -> Result<HashMap<String, Vec<SplitRow>>, Error> {
    let mut connection: Connection = server.connect()?;
    let rows = server
        .ledger()
        .splits(&mut connection, &context.run.identity().run_id)
        .map_err(Error::target("cannot read the ledger"))?;
    let mut tables: HashMap<String, Vec<SplitRow>> = HashMap::new();
    for row in rows {
        tables.entry(row.table.clone()).or_default().push(row);
    }
    Ok(tables)
}

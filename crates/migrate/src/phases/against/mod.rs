//! A PostgreSQL that another tool has loaded, compared with the source: `validate --against`.
//!
//! There is no ledger, so the source is read and encoded again to know what should be there; after that the checks of
//! validation run as they do for our own runs. Tables and columns are found by the plan's names, or by names that differ
//! only in case and `_`; a column of another type is read as the planned one, by casts that hide no difference.
//!
//! Invariant: nothing is written into that server, and nothing here makes a run count as migrated.

mod matching;

use self::matching::{Match, matches};
use super::audit::{TableBaseline, baseline_of_all_rows};
use super::load::{CHUNK_BYTES, split_row};
use super::splits::splits_of;
use super::validate::{TableValidation, concluded};
use super::workers::{Halt, retried, work_off_largest_first};
use super::{Context, selected};
use crate::checks::validate::{ALL, Compared, TableCheck, TableContext};
use crate::error::Error;
use crate::facts::CheckOutcome;
use crate::progress::Event;
use crate::target_server::TargetServer;
use mssql2pg_catalog::{Catalog, Stop, Table};
use mssql2pg_mapping::encode::{CopyOutput, CopyRows, RejectedRow, SplitOutcome};
use mssql2pg_mapping::names::quote;
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_sources::{Source, Split};
use mssql2pg_target::{Connection, SplitRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;

/// `against.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// 1.
    pub format: u32,
    /// When it was compared: RFC 3339 in UTC.
    pub compared_at: String,
    /// The server, without its password.
    pub target: String,
    /// Which table there is which of the source.
    pub names: BTreeMap<String, String>,
    /// Tables in the plan's order.
    pub tables: Vec<TableValidation>,
}

impl Against {
    /// Whether every table holds what the source holds.
    pub fn passed(&self) -> bool {
        self.tables.iter().all(|table| table.passed)
    }
}

/// Compares every table of the plan with what is in `server`, into `against.json`.
///
/// # Errors
/// When an end cannot be read. A difference is no error.
pub fn against(
    context: Context<'_>,
    server: &TargetServer,
    source: &dyn Source,
    catalog: &Catalog,
    plan: &DatabasePlan,
) -> Result<Against, Error> {
    let baseline = baseline_of_all_rows(context, source, catalog)?;
    let (catalog, _) = selected(catalog.clone(), &context.config.tables)?;
    context.timed("against", || {
        let matches = matches(&mut server.connect()?, plan)?;
        let (tables, matches): (Vec<&Table>, Vec<Option<Match>>) = plan
            .tables
            .iter()
            .zip(matches)
            .filter_map(|(table, found)| Some((catalog.table(&table.source)?, found)))
            .unzip();
        let splits = splits_of(context, source, &tables)?;
        let items: Vec<Item<'_>> = tables.into_iter().zip(&matches).zip(splits).collect();
        let size = |(_, splits): &Item<'_>| splits.iter().map(|split| split.estimated_bytes).sum();
        let compare = |connection: &mut Connection, ((table, found), splits): Item<'_>, halt: &Halt<'_>| {
            let name = table.name.to_string();
            let Some(found) = found else { return Ok(missing(&name)) };
            let known = baseline.table(&name);
            Comparing { context, source, table, found, splits, known, halt }.compare(&name, connection)
        };
        let (workers, begin) = (context.config.load.workers(), || server.connect());
        let tables = work_off_largest_first(workers, items, size, context.interrupt, begin, compare)?;
        let name = |found: &Match| {
            (found.plan.source.to_string(), format!("{}.{}", found.plan.schema, found.plan.name))
        };
        let found = Against {
            format: 1,
            compared_at: crate::run::now(),
            target: server.location(),
            names: matches.iter().flatten().map(name).collect(),
            tables,
        };
        context.run.write_json("against.json", &found)?;
        Ok(found)
    })
}

/// The result for a table that is not there.
fn missing(name: &str) -> TableValidation {
    let check = ALL.iter().find(|check| check.name == "columns");
    let compared = Compared { passed: false, detail: "the target has no table of that name".to_owned() };
    TableValidation {
        source: name.to_owned(),
        passed: false,
        target_rows: None,
        digest_sent: None,
        digest_read: None,
        differing_columns: Vec::new(),
        differences: None,
        measures: None,
        checks: check.map(|check| compared.outcome(check)).into_iter().collect(),
    }
}

/// A table, what was found for it, and its splits.
type Item<'a> = ((&'a Table, &'a Option<Match>), Vec<Split>);

/// One table on its way.
struct Comparing<'a> {
    context: Context<'a>,
    source: &'a dyn Source,
    table: &'a Table,
    found: &'a Match,
    splits: Vec<Split>,
    known: Option<&'a TableBaseline>,
    halt: &'a Halt<'a>,
}

/// Checks that read the rows: of no use where columns are missing.
const OF_ROWS: [&str; 4] = ["contents", "row-counts", "second-witness", "losses"];

impl Comparing<'_> {
    fn compare(self, name: &str, connection: &mut Connection) -> Result<TableValidation, Error> {
        let Self { context, source, table, found, splits, known, halt } = self;
        let started = Instant::now();
        context.progress.event(&Event::TableStarted { table: name, rows: table.estimated_rows });
        let mut sent = Vec::new();
        if found.missing.is_empty() {
            for split in &splits {
                sent.push(retried(halt, name, split.number, || encoded(source, table, &found.plan, split))?);
            }
        }
        let mut table_context = TableContext {
            run: context.run,
            config: context.config,
            finished: &[],
            table,
            plan: &found.plan,
            splits: &sent,
            baseline_rows: known.map(|table| table.rows),
            baseline_measures: known.and_then(|table| table.measures.as_ref()),
            measured_ahead: None,
            measured_by_server: known.is_some_and(|table| table.by_server),
            source: Some(source),
            source_splits: splits,
            connection,
            reads: found.reads.clone(),
            contents: None,
            measures: None,
        };
        let mut checks = Vec::new();
        // Expressions speak of columns by the plan's names.
        let is_renamed = found.names.iter().any(|(planned, here)| planned != here);
        let fits = |check: &&TableCheck| {
            (found.missing.is_empty() || !OF_ROWS.contains(&check.name))
                && !(check.name == "expressions" && (is_renamed || !found.missing.is_empty()))
        };
        for check in ALL.iter().filter(fits) {
            checks.push(check.compare(&mut table_context)?);
        }
        checks.extend(unreadable(table_context.connection, found)?);
        let rows = sent.iter().map(|split| split.rows).sum();
        context.progress.event(&Event::Rows { table: name, rows, bytes: 0 });
        let seconds = started.elapsed().as_secs_f64();
        context.progress.event(&Event::TableFinished { table: name, rows, seconds });
        Ok(concluded(name, table_context, checks))
    }
}

/// Values that are no value of the planned type are read as NULL, and would be taken for NULLs of the source.
fn unreadable(connection: &mut Connection, found: &Match) -> Result<Option<CheckOutcome>, Error> {
    let Some(reads) = found.reads.as_ref().filter(|_| found.missing.is_empty()) else { return Ok(None) };
    let casts = found.plan.copy_columns().map(|column| column.name.as_str()).zip(reads);
    let casts: Vec<(&str, &String)> = casts.filter(|(name, read)| quote(name) != **read).collect();
    let counts = casts.iter().map(|(name, read)| {
        format!("(count(*) filter (where {} is not null and {read} is null))::text", quote(name))
    });
    let counts: Vec<String> = counts.collect();
    let sql = format!("select count(*), array[{}] from {}", counts.join(", "), found.plan.sql_name());
    let outcome =
        |passed, detail| Ok(Some(CheckOutcome { check: "readable-types".to_owned(), passed, detail }));
    let answer = match mssql2pg_target::catalog::measures(connection, &sql, 1) {
        Ok((_, answer)) => answer,
        Err(error) if !error.is_of_connection() => {
            return outcome(
                false,
                format!("values cannot be read as the planned types{}", error.code_in_brackets()),
            );
        }
        Err(error) => return Err(Error::target("cannot read the other tool's rows")(error)),
    };
    let differing: Vec<String> = casts
        .iter()
        .zip(answer.into_iter().flatten())
        .filter_map(|((name, _), count)| count.filter(|count| count != "0").map(|count| (name, count)))
        .map(|(name, count)| format!("{name}: {count} not of the planned type"))
        .collect();
    match differing.is_empty() {
        true => outcome(true, "every value is one of the planned type".to_owned()),
        false => outcome(false, differing.join("; ")),
    }
}

/// What the ledger would say of a split.
fn encoded(source: &dyn Source, table: &Table, plan: &TablePlan, split: &Split) -> Result<SplitRow, Error> {
    struct Nowhere;
    impl CopyOutput for Nowhere {
        fn chunk(&mut self, _bytes: &[u8], _rows: u64) -> Result<(), Stop> {
            Ok(())
        }

        fn rejected(&mut self, _row: RejectedRow) -> Result<(), Stop> {
            Ok(())
        }
    }
    let mut nowhere = Nowhere;
    let mut rows = CopyRows::new(plan, CHUNK_BYTES, &mut nowhere);
    source.read(table, split, &mut rows).map_err(Error::source(format!("cannot read {}", table.name)))?;
    // Nothing stops this output.
    let outcome: SplitOutcome = rows.finish().unwrap_or_default();
    Ok(split_row(plan.sql_name(), split.number, &outcome))
}

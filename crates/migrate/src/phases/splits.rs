//! The splits of a run: asked of the source once, kept in `splits.json`, the same ever after.
//!
//! Invariant: once rows are loaded, a split's number means the same rows for the rest of the run. Files have splits of
//! their own, which need no keeping.

use super::Context;
use super::create::ledger_name;
use super::workers::retried_once;
use crate::error::Error;
use crate::run::Run;
use crate::target_server::TargetServer;
use mssql2pg_catalog::Table;
use mssql2pg_mapping::DatabasePlan;
use mssql2pg_sources::{Hold, HoldKind, Source, Split};
use serde::{Deserialize, Serialize};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

/// `splits.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// [`Hold::state`] when they were made.
    state: String,
    /// Splits by `schema.table`.
    tables: BTreeMap<String, Vec<Split>>,
}

/// The splits of each of the tables, in the order of `tables`.
///
/// # Errors
/// When the source cannot tell, or a file cannot be read or written.
pub(crate) fn splits_of(
    context: Context<'_>,
    source: &dyn Source,
    tables: &[&Table],
) -> Result<Vec<Vec<Split>>, Error> {
    let hold: Hold = context.run.read_json("hold.json")?.unwrap_or_else(Hold::file);
    let ask = |table: &Table| {
        retried_once(context.interrupt, &table.name.to_string(), || {
            source
                .splits(table, context.config.load.rows_per_split.max(1))
                .map_err(Error::source(format!("cannot find the rows of {}", table.name)))
        })
    };
    if hold.kind == HoldKind::File {
        return tables.iter().map(|table| ask(table)).collect();
    }
    let mut kept: Kept = context.run.read_json("splits.json")?.unwrap_or_default();
    if kept.state != hold.state && !context.run.phase_has_begun("load")? {
        kept = Kept { state: hold.state, tables: BTreeMap::new() };
    }
    let before = kept.tables.len();
    for table in tables {
        if let Entry::Vacant(place) = kept.tables.entry(table.name.to_string()) {
            place.insert(ask(table)?);
        }
    }
    if kept.tables.len() != before {
        context.run.write_json("splits.json", &kept)?;
    }
    Ok(tables
        .iter()
        .map(|table| kept.tables.get(&table.name.to_string()).cloned().unwrap_or_default())
        .collect())
}

/// Whether the ledger has a mark for every split of every table of the plan: then no row is read any more, and what held
/// a live source still may be gone.
///
/// # Errors
/// When a file or the ledger cannot be read.
pub fn is_loaded(context: Context<'_>, server: &TargetServer) -> Result<bool, Error> {
    let run = context.run;
    let (plan, kept): (Option<DatabasePlan>, Option<Kept>) =
        (run.read_json("plan.json")?, run.read_json("splits.json")?);
    let (Some(plan), Some(kept)) = (plan, kept) else { return Ok(false) };
    let marks = server
        .ledger()
        .splits(&mut server.connect()?, &run.identity().run_id)
        .map_err(Error::target("cannot read the ledger"))?;
    let marks: HashSet<(&str, u32)> = marks.iter().map(|mark| (mark.table.as_str(), mark.split)).collect();
    Ok(plan.tables.iter().all(|table| {
        let target = ledger_name(table);
        let splits = kept.tables.get(&table.source.to_string());
        splits
            .is_some_and(|splits| splits.iter().all(|split| marks.contains(&(target.as_str(), split.number))))
    }))
}

/// How many splits each table has, as far as that is known without asking a server.
pub(crate) fn known_counts(
    run: &Run,
    source: Option<&dyn Source>,
    tables: &[Table],
) -> BTreeMap<String, usize> {
    let kept: Option<Kept> = run.read_json("splits.json").ok().flatten();
    if let Some(kept) = kept {
        return kept.tables.into_iter().map(|(name, splits)| (name, splits.len())).collect();
    }
    let Some(source) = source else { return BTreeMap::new() };
    tables
        .iter()
        .filter_map(|table| Some((table.name.to_string(), source.splits(table, u64::MAX).ok()?.len())))
        .collect()
}

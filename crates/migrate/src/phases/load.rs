//! Load: every split of every table, by several workers at once.
//!
//! Invariant: the rows of a split and its ledger row commit in one transaction; there is no other
//! record of what is loaded. Killed anywhere, the next run loads exactly the splits without a mark.

use super::create::ledger_name;
use super::splits::splits_of;
use super::workers::{Halt, Patience, work_off};
use super::{Baseline, Context};
use crate::error::Error;
use crate::progress::Event;
use crate::run::draft_path;
use crate::target_server::TargetServer;
use mssql2pg_catalog::{Catalog, Stop, Table};
use mssql2pg_mapping::encode::{CopyOutput, CopyRows, RejectedRow, SplitOutcome};
use mssql2pg_mapping::{DatabasePlan, TablePlan, ddl};
use mssql2pg_sources::{Source, SourceError, Split};
use mssql2pg_target::{Connection, FillError, SplitRow};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Bytes of a chunk: from 32 KiB up the client's cost does not fall any more.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// What a call of [`load`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadSummary {
    /// Splits that were loaded now.
    pub splits_loaded: u64,
    /// Splits that the ledger had already.
    pub splits_skipped: u64,
}

/// One table's part in the load.
struct TableLoad<'a> {
    source: &'a Table,
    plan: &'a TablePlan,
    /// `schema.table` in the target: the ledger's key.
    target: String,
    copy_sql: String,
    /// Rows still to come, where known.
    expected: Option<u64>,
    /// How many splits it has, loaded ones included.
    splits: usize,
    rejected: AtomicU64,
    progress: Mutex<TableProgress>,
}

#[derive(Default)]
struct TableProgress {
    splits_left: usize,
    rows: u64,
    started: Option<Instant>,
}

/// Loads every split that the ledger has no mark of.
///
/// # Errors
/// The first thing that no retry could help; every split that was under way is rolled back.
pub fn load(
    context: Context<'_>,
    server: &TargetServer,
    source: &dyn Source,
    catalog: &Catalog,
    plan: &DatabasePlan,
) -> Result<LoadSummary, Error> {
    let mut connection = server.connect()?;
    let marks = server
        .ledger()
        .splits(&mut connection, &context.run.identity().run_id)
        .map_err(Error::target("cannot read the ledger"))?;
    let done: HashSet<(&str, u32)> = marks.iter().map(|mark| (mark.table.as_str(), mark.split)).collect();
    let baseline: Option<Baseline> = context.run.read_json("baseline.json")?;
    let mut tables = Vec::new();
    let mut items: Vec<(usize, Split)> = Vec::new();
    let mut summary = LoadSummary::default();
    let pairs: Vec<(&TablePlan, &Table)> =
        plan.tables.iter().filter_map(|plan| Some((plan, catalog.table(&plan.source)?))).collect();
    let wanted: Vec<&Table> = pairs.iter().map(|(_, table)| *table).collect();
    let splits = splits_of(context, source, &wanted)?;
    for ((table_plan, table), mut splits) in pairs.into_iter().zip(splits) {
        let target = ledger_name(table_plan);
        let all = splits.len();
        splits.retain(|split| !done.contains(&(target.as_str(), split.number)));
        summary.splits_skipped += (all - splits.len()) as u64;
        let place = tables.len();
        let of_table = baseline.as_ref().and_then(|baseline| baseline.table(&table_plan.source.to_string()));
        let loaded: u64 = marks.iter().filter(|mark| mark.table == target).map(|mark| mark.rows).sum();
        let expected = of_table.map(|counts| counts.rows.saturating_sub(loaded)).or(table.estimated_rows);
        let rejected = marks.iter().filter(|mark| mark.table == target).map(|mark| mark.rejected).sum();
        tables.push(TableLoad {
            source: table,
            plan: table_plan,
            copy_sql: ddl::copy_in(table_plan),
            target,
            expected,
            splits: all,
            rejected: AtomicU64::new(rejected),
            progress: Mutex::new(TableProgress { splits_left: splits.len(), ..TableProgress::default() }),
        });
        items.extend(splits.into_iter().map(|split| (place, split)));
    }
    summary.splits_loaded = items.len() as u64;
    if summary.splits_skipped > 0 {
        let LoadSummary { splits_loaded, splits_skipped } = summary;
        let text = format!("going on: {splits_skipped} splits loaded before, {splits_loaded} now");
        context.progress.event(&Event::Note { text: &text });
    }
    if items.is_empty() {
        return Ok(summary);
    }
    drop(connection);
    // Tables in order of size, and a table's splits together.
    let bytes_of = |place: usize| tables[place].source.estimated_bytes.unwrap_or(0);
    items.sort_by_key(|(place, split)| (std::cmp::Reverse(bytes_of(*place)), *place, split.number));
    let workers = context.config.load.workers();
    context.timed("load", || {
        // What was compared before is not what is loaded now.
        context.run.remove("validation.json")?;
        let begin = || server.connect();
        work_off(workers, items, context.interrupt, begin, |connection, (place, split), halt| {
            let table = &tables[place];
            let work = SplitLoad { context, server, source, table, split: &split, halt };
            work.load(connection)
        })
    })?;
    Ok(summary)
}

/// One split on its way.
struct SplitLoad<'a> {
    context: Context<'a>,
    server: &'a TargetServer,
    source: &'a dyn Source,
    table: &'a TableLoad<'a>,
    split: &'a Split,
    halt: &'a Halt<'a>,
}

impl SplitLoad<'_> {
    /// Loads the split; a lost connection is made anew a few times.
    fn load(&self, connection: &mut Connection) -> Result<(), Error> {
        let name = self.table.plan.source.to_string();
        self.begin(&name);
        let mut patience = Patience::new();
        let outcome = loop {
            let error = match self.try_load(connection) {
                Ok(outcome) => break outcome,
                Err(error) => error,
            };
            let of_source = matches!(error, Error::Source { .. });
            patience.after(error, self.halt, &name, self.split.number)?;
            if of_source {
                // The source makes itself a new connection; the target's transaction was rolled back.
                continue;
            }
            loop {
                match self.server.connect() {
                    Ok(new) => break *connection = new,
                    Err(error) => patience.after(error, self.halt, &name, self.split.number)?,
                }
            }
            if let Some(row) = self.in_ledger(connection)? {
                // The commit went through, only its answer was lost.
                break Some(row);
            }
        };
        if let Some(row) = outcome {
            self.end(&name, row.rows);
        }
        Ok(())
    }

    fn begin(&self, name: &str) {
        let mut progress = self.table.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.started.is_none() {
            progress.started = Some(Instant::now());
            self.context.progress.event(&Event::TableStarted { table: name, rows: self.table.expected });
        }
    }

    fn end(&self, name: &str, rows: u64) {
        let mut progress = self.table.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.rows += rows;
        progress.splits_left -= 1;
        if progress.splits_left == 0 {
            let seconds = progress.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
            self.context.progress.event(&Event::TableFinished { table: name, rows: progress.rows, seconds });
        }
    }

    fn in_ledger(&self, connection: &mut Connection) -> Result<Option<SplitRow>, Error> {
        let rows = self
            .server
            .ledger()
            .splits(connection, &self.context.run.identity().run_id)
            .map_err(Error::target("cannot read the ledger"))?;
        Ok(rows.into_iter().find(|row| row.table == self.table.target && row.split == self.split.number))
    }

    /// One try: none if we were asked to stop.
    fn try_load(&self, connection: &mut Connection) -> Result<Option<SplitRow>, Error> {
        let Self { context, server, source, table, split, halt } = self;
        let name = &table.plan.source;
        let mut rejects = Rejects::new(context.run.path("rejects"), name.to_string(), split.number);
        let mut failure = None;
        let mut fill = |writer: &mut (dyn Write + Send)| {
            let mut output = SplitOutput {
                writer,
                rejects: &mut rejects,
                table,
                halt,
                limit: context.config.load.max_rejects,
                context: *context,
                name: name.to_string(),
                stopped: None,
            };
            let mut rows = CopyRows::new(table.plan, CHUNK_BYTES, &mut output);
            let read = source.read(table.source, split, &mut rows);
            let outcome = rows.finish();
            let stopped = output.stopped.take();
            let Some(mut outcome) = fill_result(read, outcome, stopped, &mut failure)? else {
                return Ok(None);
            };
            if !context.names_keys() {
                outcome.losses.iter_mut().for_each(|loss| loss.samples.clear());
            }
            // Before the commit: if that fails, the next try writes the file anew.
            if let Err(error) = rejects.keep() {
                failure = Some(Failure::Rejects(error));
                return Ok(None);
            }
            Ok(Some(split_row(self.table.target.clone(), self.split.number, &outcome)))
        };
        let result = connection.load_split(
            server.ledger(),
            &context.run.identity().run_id,
            &table.copy_sql,
            &mut fill,
        );
        // A file's part has a name; a server's range has values in it, which no message shows.
        let part = match source.about().database {
            None => format!(", {}", split.locator),
            Some(_) => String::new(),
        };
        let of = format!("cannot load {name} (split {} of {}{part})", split.number + 1, table.splits);
        if let Some(failure) = failure {
            return Err(failure.into_error(&of, name.to_string(), context.config.load.max_rejects));
        }
        let loaded = result.map_err(Error::target(of));
        if !matches!(loaded, Ok(Some(_))) {
            table.rejected.fetch_sub(rejects.rows, Ordering::Relaxed);
        }
        loaded
    }
}

/// The ledger's row of a split.
pub(super) fn split_row(table: String, split: u32, outcome: &SplitOutcome) -> SplitRow {
    SplitRow {
        table,
        split,
        rows: outcome.rows,
        rejected: outcome.rejected,
        bytes: outcome.bytes,
        digest: outcome.digest.to_string(),
        losses: serde_json::to_value(&outcome.losses).unwrap_or_default(),
        // The target fills this in, when the server has taken the last row.
        seconds: 0.0,
    }
}

/// Why a split could not be filled, beyond what the target itself says.
enum Failure {
    Source(SourceError),
    Rejects(io::Error),
    TooManyRejects,
}

impl Failure {
    fn into_error(self, context: &str, table: String, limit: u64) -> Error {
        match self {
            Self::Source(source) => Error::Source { context: context.to_owned(), source },
            Self::Rejects(source) => {
                Error::File { context: format!("cannot write the rejects of {table}"), source }
            }
            Self::TooManyRejects => Error::TooManyRejects { table, limit },
        }
    }
}

/// Why the sink stopped.
enum Stopped {
    Halted,
    Writer(io::Error),
    Failure(Failure),
}

fn fill_result(
    read: Result<u64, SourceError>,
    outcome: Result<SplitOutcome, Stop>,
    stopped: Option<Stopped>,
    failure: &mut Option<Failure>,
) -> Result<Option<SplitOutcome>, FillError> {
    let mut abort = |why: Failure| {
        *failure = Some(why);
        Ok(None)
    };
    match stopped {
        Some(Stopped::Halted) => return Ok(None),
        Some(Stopped::Writer(error)) => return Err(FillError::Io(error)),
        Some(Stopped::Failure(why)) => return abort(why),
        None => {}
    }
    match (read, outcome) {
        (Err(error), _) => abort(Failure::Source(error)),
        (Ok(_), Ok(outcome)) => Ok(Some(outcome)),
        // The sink stops only through the output, which has said why.
        (Ok(_), Err(Stop)) => Ok(None),
    }
}

/// A file name for a table, different for different tables: bytes that a file name cannot hold are
/// percent-encoded, and a long name is cut and told apart by a hash.
fn file_name(table: &str) -> String {
    /// With the split's number and the ending, well below the 255 bytes of most file systems.
    const LONGEST: usize = 150;
    let encode = |letter: char| match letter {
        '/' | '\\' | '%' | '\0'..='\u{1f}' => format!("%{:02X}", u32::from(letter)),
        letter => letter.to_string(),
    };
    let name: String = table.chars().map(encode).collect();
    if name.len() <= LONGEST {
        return name;
    }
    let end = name.floor_char_boundary(LONGEST);
    format!("{}~{:016x}", &name[..end], xxhash_rust::xxh3::xxh3_64(table.as_bytes()))
}

/// Where the encoded rows of a split go.
struct SplitOutput<'a> {
    writer: &'a mut (dyn Write + Send),
    rejects: &'a mut Rejects,
    table: &'a TableLoad<'a>,
    halt: &'a Halt<'a>,
    limit: u64,
    context: Context<'a>,
    name: String,
    stopped: Option<Stopped>,
}

impl SplitOutput<'_> {
    fn stop(&mut self, why: Stopped) -> Result<(), Stop> {
        self.stopped = Some(why);
        Err(Stop)
    }
}

impl CopyOutput for SplitOutput<'_> {
    fn chunk(&mut self, bytes: &[u8], rows: u64) -> Result<(), Stop> {
        if self.halt.is_set() {
            return self.stop(Stopped::Halted);
        }
        if let Err(error) = self.writer.write_all(bytes) {
            return self.stop(Stopped::Writer(error));
        }
        self.context.progress.event(&Event::Rows { table: &self.name, rows, bytes: bytes.len() as u64 });
        Ok(())
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), Stop> {
        if self.table.rejected.fetch_add(1, Ordering::Relaxed) >= self.limit {
            return self.stop(Stopped::Failure(Failure::TooManyRejects));
        }
        self.rejects.rows += 1;
        match self.rejects.write(&row) {
            Ok(()) => Ok(()),
            Err(error) => self.stop(Stopped::Failure(Failure::Rejects(error))),
        }
    }
}

/// `rejects/<table>.<split>.jsonl`: written to a draft, and renamed when the split is whole. A split
/// that is loaded again writes it anew.
struct Rejects {
    path: PathBuf,
    draft: Option<BufWriter<File>>,
    /// Rows rejected in this try.
    rows: u64,
}

impl Rejects {
    fn new(folder: PathBuf, table: String, split: u32) -> Self {
        Self { path: folder.join(format!("{}.{split}.jsonl", file_name(&table))), draft: None, rows: 0 }
    }

    fn write(&mut self, row: &RejectedRow) -> io::Result<()> {
        let draft = match &mut self.draft {
            Some(draft) => draft,
            None => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)?;
                }
                self.draft.insert(BufWriter::new(File::create(draft_path(&self.path))?))
            }
        };
        serde_json::to_writer(&mut *draft, row)?;
        draft.write_all(b"\n")
    }

    fn keep(&mut self) -> io::Result<()> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        draft.into_inner()?.sync_all()?;
        fs::rename(draft_path(&self.path), &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn different_tables_have_different_reject_files() {
        assert_eq!(file_name("dbo.Order Details"), "dbo.Order Details");
        assert_eq!(file_name("dbo.A/B"), "dbo.A%2FB");
        assert_ne!(file_name("dbo.A%2FB"), file_name("dbo.A/B"));
        let long = format!("{}.{}", "s".repeat(120), "ä".repeat(128));
        let longer = format!("{long}x");
        assert!(file_name(&long).len() < 200);
        assert_ne!(file_name(&long), file_name(&longer));
    }
}

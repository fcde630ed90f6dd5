//! `cargo x bench live [ROWS]`: from a running server, over TDS without TLS.
//!
//! The server is the simulator in this process, which remembers its answers as bytes, so that it is not the limit. The
//! yardstick drains the very same answers over as many connections without decoding them.

use super::{Encoded, ROUNDS, optimised, run_product, run_yardstick, start_postgres, take_turns, workers};
use crate::tell;
use mssql2pg_catalog::{Catalog, RowSink, Table};
use mssql2pg_generate::write_orders_bench;
use mssql2pg_simulator::{Database, Drain, Options, Rows, Simulator};
use mssql2pg_sources::{Bacpac, Source};
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

const DATABASE: &str = "Bench";
/// Without TLS, as the product asks for.
const PACKET_BYTES: u16 = 32_764;

/// Builds everything with optimisation and measures there.
pub(crate) fn live(arguments: &[&str]) -> Result<(), String> {
    optimised("live", arguments, measure)
}

/// The rows of the generated file.
struct FileRows(Bacpac);

impl Rows for FileRows {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        // What goes wrong here is seen as rows that lack.
        for split in self.0.splits(table, u64::MAX).unwrap_or_default() {
            let _ = self.0.read(table, &split, rows);
        }
    }
}

fn measure(rows: u64) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("bench.bacpac");
    tell(&format!("generating {rows} rows"));
    write_orders_bench(&file, rows, 1, &mut |_| {}).map_err(|error| error.to_string())?;
    let simulator = serve(&file)?;
    let server = start_postgres(folder.path())?;
    let source = simulator.url(DATABASE);
    let flags = ["--consistency", "snapshot-isolation"];
    let mut product = |round| run_product(&server, &source, folder.path(), round, &flags);
    tell("one run before the first that counts: the simulator learns its answers");
    product(ROUNDS)?;
    let reads: BTreeSet<String> = simulator
        .batches()
        .into_iter()
        .filter(|batch| batch.contains("from [dbo].[Orders] where "))
        .collect();
    if reads.is_empty() {
        return Err("the product has read no ranges of the table".to_owned());
    }
    tell(&format!("{} ranges, {} workers", reads.len(), workers()));
    let encoded = Encoded::new(&file)?;
    let mut yardstick = |round| {
        let reads = Mutex::new(reads.iter().collect::<VecDeque<_>>());
        let drain = || -> Result<(), String> {
            let mut drain = Drain::connect(simulator.port(), "sa", "Pass@word1", DATABASE, PACKET_BYTES)
                .map_err(|error| error.to_string())?;
            while let Some(read) = reads.lock().map_err(|error| error.to_string())?.pop_front() {
                drain.drain(read).map_err(|error| error.to_string())?;
            }
            Ok(())
        };
        run_yardstick(&server, &encoded, round, &drain)
    };
    take_turns(&server, rows, ROUNDS, &mut product, Some(&mut yardstick))?;
    server.stop().map_err(|error| error.to_string())
}

fn serve(file: &Path) -> Result<Simulator, String> {
    let source = Bacpac::open(&file.display().to_string()).map_err(|error| error.to_string())?;
    let mut catalog: Catalog = source.catalog().map_err(|error| error.to_string())?;
    catalog.database.name = DATABASE.to_owned();
    let database = Database { catalog, rows: Arc::new(FileRows(source)) };
    let options = Options { remember_answers: true, ..Options::new(database) };
    Simulator::start(options).map_err(|error| error.to_string())
}

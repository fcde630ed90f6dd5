//! `cargo x bench load [ROWS]`: from a `.bacpac`.
//!
//! The source is a generated `.bacpac` of one table: 14 columns, about 160 bytes a row in COPY's binary form. The
//! yardstick inflates the same parts.

use super::{Encoded, ROUNDS, optimised, run_product, run_yardstick, start_postgres, take_turns};
use crate::tell;
use mssql2pg_generate::write_orders_bench;
use std::collections::VecDeque;
use std::sync::Mutex;

/// More rows than this are not kept encoded in memory, so there is no yardstick for them.
const YARDSTICK_ROWS: u64 = 5_000_000;

/// Builds everything with optimisation and measures there.
pub(crate) fn load(arguments: &[&str]) -> Result<(), String> {
    optimised("load", arguments, measure)
}

fn measure(rows: u64) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("bench.bacpac");
    tell(&format!("generating {rows} rows"));
    write_orders_bench(&file, rows, 1, &mut |_| {}).map_err(|error| error.to_string())?;
    let server = start_postgres(folder.path())?;
    let source = file.display().to_string();
    let mut product = |round| run_product(&server, &source, folder.path(), round, &[]);
    if rows > YARDSTICK_ROWS {
        take_turns(&server, rows, 1, &mut product, None)?;
    } else {
        let encoded = Encoded::new(&file)?;
        let mut yardstick = |round| {
            let splits = Mutex::new(encoded.splits.iter().map(|(split, ..)| split).collect::<VecDeque<_>>());
            let inflate = || -> Result<(), String> {
                while let Some(split) = splits.lock().map_err(|error| error.to_string())?.pop_front() {
                    encoded.source.drain(&encoded.table, split).map_err(|error| error.to_string())?;
                }
                Ok(())
            };
            run_yardstick(&server, &encoded, round, &inflate)
        };
        take_turns(&server, rows, ROUNDS, &mut product, Some(&mut yardstick))?;
    }
    server.stop().map_err(|error| error.to_string())
}

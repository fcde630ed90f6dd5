//! `cargo x bench load|live|memory|validate [ROWS]`: the product against a yardstick in the same run.
//!
//! The product is the release binary, of which only the phase `load` is timed. The yardstick does only what cannot be
//! left out, with as many threads: it reads the same bytes and throws them away while the same rows, already encoded, go
//! through the same client into the same table. Machines are noisy: both are run in turn, and the medians and their
//! ratio are printed. Nothing is asserted.

pub(crate) mod live;
pub(crate) mod load;
pub(crate) mod memory;
pub(crate) mod validate;

use crate::tell;
use mssql2pg_catalog::{Stop, Table};
use mssql2pg_mapping::encode::{CopyOutput, CopyRows, RejectedRow};
use mssql2pg_mapping::{MappingSettings, TablePlan, ddl, plan_database};
use mssql2pg_sources::{Source, Split};
use mssql2pg_target::embedded::{FindOptions, Purpose, Server, find};
use mssql2pg_target::{Ledger, RunRow, SplitRow, Target};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const DEFAULT_ROWS: u64 = 2_000_000;
const ROUNDS: usize = 5;
/// Tells the second, optimised process of this program that it is the one that measures.
const MEASURING: &str = "XTASK_MEASURING";

/// Builds everything with optimisation and measures there: `measure` is run in that second process.
fn optimised(
    what: &str,
    arguments: &[&str],
    measure: impl FnOnce(u64) -> Result<(), String>,
) -> Result<(), String> {
    let rows = match arguments {
        [] => DEFAULT_ROWS,
        [rows] => rows.replace('_', "").parse().map_err(|_| format!("{rows} is not a number of rows"))?,
        _ => return Err(format!("usage: cargo x bench {what} [ROWS]")),
    };
    if std::env::var_os(MEASURING).is_some() {
        return measure(rows);
    }
    let build = ["build", "--release", "--package", "mssql2pg", "--package", "xtask"];
    let run = ["run", "--quiet", "--release", "--package", "xtask", "--", "bench", what, &rows.to_string()];
    for arguments in [&build[..], &run[..]] {
        let status = Command::new(env!("CARGO")).args(arguments).env(MEASURING, "1").status();
        if !status.map_err(|error| error.to_string())?.success() {
            return Err(format!("cargo {} failed", arguments.join(" ")));
        }
    }
    Ok(())
}

/// What one run took.
#[derive(Debug, Clone, Copy)]
struct Measured {
    wall: f64,
    own_cpu: f64,
    pg_cpu: f64,
    peak_mib: u64,
}

/// Runs the product and its yardstick in turn and prints their medians and the ratio of the walls.
///
/// Whoever comes second finds a busier disk, so they take turns.
fn take_turns(
    server: &Server,
    rows: u64,
    rounds: usize,
    product: &mut dyn FnMut(usize) -> Result<Measured, String>,
    yardstick: Option<&mut dyn FnMut(usize) -> Result<Measured, String>>,
) -> Result<(), String> {
    let (mut ours, mut yardsticks) = (Vec::new(), Vec::new());
    let mut yardstick = yardstick;
    for round in 0..rounds {
        for ours_now in [round % 2 == 0, round % 2 != 0] {
            settle(server)?;
            match &mut yardstick {
                _ if ours_now => ours.push(product(round)?),
                Some(yardstick) => yardsticks.push(yardstick(round)?),
                None => {}
            }
        }
    }
    print("mssql2pg", &ours, rows);
    if !yardsticks.is_empty() {
        print("yardstick", &yardsticks, rows);
        let ratio = median(&ours, |run| run.wall) / median(&yardsticks, |run| run.wall);
        tell(&format!("ratio of walls: {ratio:.2}, {} workers, median of {rounds}", workers()));
    }
    Ok(())
}

/// Workers of the product, and threads of each kind of the yardstick.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).min(8)
}

/// An embedded PostgreSQL in `folder`.
fn start_postgres(folder: &Path) -> Result<Server, String> {
    let runtime = find(&FindOptions::default(), &mut |text| tell(text)).map_err(|error| error.to_string())?;
    tell(&format!("{runtime}"));
    Server::start(&runtime, &folder.join("postgres"), Purpose::Demo).map_err(|error| error.to_string())
}

/// Writes out what earlier runs have left, so that nobody pays for another.
fn settle(server: &Server) -> Result<(), String> {
    let target = Target::parse(&server.url("postgres")).map_err(|error| error.to_string())?;
    let mut connection = target.connect().map_err(|error| error.to_string())?;
    connection.batch("checkpoint").map_err(|error| error.to_string())
}

fn median(runs: &[Measured], of: fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print(name: &str, runs: &[Measured], rows: u64) {
    let wall = median(runs, |run| run.wall);
    let own = median(runs, |run| run.own_cpu);
    let peak = runs.iter().map(|run| run.peak_mib).max().unwrap_or(0);
    tell(&format!(
        "{name:<10} wall {wall:>6.2} s  {:>9.0} rows/s  own cpu {own:>6.2} s ({:>4.0} ns/row)  postgres cpu {:>6.2} s  peak {peak} MiB",
        rows as f64 / wall,
        own * 1e9 / rows as f64,
        median(runs, |run| run.pg_cpu),
    ));
}

/// One round of the product.
fn run_product(
    server: &Server,
    source: &str,
    folder: &Path,
    round: usize,
    flags: &[&str],
) -> Result<Measured, String> {
    measured_run(server, source, folder, &format!("product{round}"), flags)
}

/// Runs the release binary into a new database of that name and measures its phase `load` from its own events.
fn measured_run(
    server: &Server,
    source: &str,
    folder: &Path,
    database: &str,
    flags: &[&str],
) -> Result<Measured, String> {
    server.create_database(database).map_err(|error| error.to_string())?;
    let binary = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("mssql2pg");
    let mut child = Command::new(binary)
        .args(["--json", "migrate", "--run"])
        .arg(folder.join(format!("{database}.run")))
        .args(["--jobs", &workers().to_string()])
        .args(flags)
        .env("SOURCE_URL", source)
        .env("TARGET_URL", server.url(database))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let pid = child.id();
    let mut measured = Measured { wall: 0.0, own_cpu: 0.0, pg_cpu: 0.0, peak_mib: 0 };
    let (mut started, mut own_before, mut pg_before) = (Instant::now(), 0.0, 0.0);
    let output = child.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if line.contains("\"phase-started\"") && line.contains("\"load\"") {
            (started, own_before, pg_before) = (Instant::now(), cpu_seconds(pid), postgres_seconds(server)?);
        } else if line.contains("\"phase-finished\"") && line.contains("\"load\"") {
            measured.wall = started.elapsed().as_secs_f64();
            measured.own_cpu = cpu_seconds(pid) - own_before;
            measured.pg_cpu = postgres_seconds(server)? - pg_before;
        }
        measured.peak_mib = measured.peak_mib.max(peak_mib(pid));
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(measured) } else { Err("the migration failed".to_owned()) }
}

/// The bench table's rows as COPY bytes, split by split.
struct Encoded {
    source: mssql2pg_sources::Bacpac,
    table: Table,
    plan: TablePlan,
    splits: Vec<(Split, Vec<Vec<u8>>, u64)>,
}

impl Encoded {
    fn new(file: &Path) -> Result<Self, String> {
        let location = file.display().to_string();
        let source = mssql2pg_sources::Bacpac::open(&location).map_err(|error| error.to_string())?;
        let catalog = source.catalog().map_err(|error| error.to_string())?;
        let plan = plan_database(&catalog, &MappingSettings::default()).map_err(|error| error.to_string())?;
        let (table, plan) = catalog.tables.into_iter().zip(plan.tables).next().ok_or("no table")?;
        let mut splits = Vec::new();
        for split in source.splits(&table, u64::MAX).map_err(|error| error.to_string())? {
            let mut chunks = Chunks(Vec::new());
            let mut rows = CopyRows::new(&plan, 64 * 1024, &mut chunks);
            source.read(&table, &split, &mut rows).map_err(|error| error.to_string())?;
            let outcome = rows.finish().map_err(|_| "stopped")?;
            splits.push((split, chunks.0, outcome.rows));
        }
        Ok(Self { source, table, plan, splits })
    }
}

struct Chunks(Vec<Vec<u8>>);

impl CopyOutput for Chunks {
    fn chunk(&mut self, bytes: &[u8], _rows: u64) -> Result<(), Stop> {
        self.0.push(bytes.to_vec());
        Ok(())
    }

    fn rejected(&mut self, _row: RejectedRow) -> Result<(), Stop> {
        Err(Stop)
    }
}

/// Reads with `read` and copies encoded rows, each with as many threads as the product has workers, at once.
fn run_yardstick(
    server: &Server,
    encoded: &Encoded,
    round: usize,
    read: &(dyn Fn() -> Result<(), String> + Sync),
) -> Result<Measured, String> {
    let database = format!("yardstick{round}");
    server.create_database(&database).map_err(|error| error.to_string())?;
    let target = Target::parse(&server.url(&database)).map_err(|error| error.to_string())?;
    let ledger = Ledger { schema: "mssql2pg".to_owned() };
    let mut connection = target.connect().map_err(|error| error.to_string())?;
    ledger.ensure(&mut connection).map_err(|error| error.to_string())?;
    let run = RunRow {
        run_id: "yardstick".to_owned(),
        fingerprint: String::new(),
        tool_version: String::new(),
        source: String::new(),
        settings: serde_json_null(),
    };
    ledger.begin_run(&mut connection, &run).map_err(|error| error.to_string())?;
    let claims = ledger.claim_statements("yardstick", &[encoded.table.name.to_string()]);
    connection.batch(&claims.join(";")).map_err(|error| error.to_string())?;
    connection.batch(&ddl::create_table(&encoded.plan)).map_err(|error| error.to_string())?;
    let copy_sql = ddl::copy_in(&encoded.plan);
    let to_copy: Mutex<VecDeque<_>> = Mutex::new(encoded.splits.iter().collect());
    let own_before = cpu_seconds(std::process::id());
    let pg_before = postgres_seconds(server)?;
    let started = Instant::now();
    let copy = || -> Result<(), String> {
        let mut connection = target.connect().map_err(|error| error.to_string())?;
        while let Some((split, chunks, rows)) = to_copy.lock().map_err(|error| error.to_string())?.pop_front()
        {
            let mut fill = |writer: &mut (dyn std::io::Write + Send)| {
                for chunk in chunks {
                    writer.write_all(chunk).map_err(mssql2pg_target::FillError::Io)?;
                }
                Ok(Some(SplitRow {
                    table: encoded.table.name.to_string(),
                    split: split.number,
                    rows: *rows,
                    rejected: 0,
                    bytes: 0,
                    digest: String::new(),
                    losses: serde_json_null(),
                    seconds: 0.0,
                }))
            };
            connection
                .load_split(&ledger, "yardstick", &copy_sql, &mut fill)
                .map_err(|error| format!("{error}: {:?}", error.source))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers()).flat_map(|_| [scope.spawn(read), scope.spawn(copy)]).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread failed".to_owned())?)
    })?;
    Ok(Measured {
        wall: started.elapsed().as_secs_f64(),
        own_cpu: cpu_seconds(std::process::id()) - own_before,
        pg_cpu: postgres_seconds(server)? - pg_before,
        peak_mib: 0,
    })
}

fn serde_json_null() -> serde_json::Value {
    serde_json::Value::Null
}

/// Clock ticks a second in /proc: 100 on every Linux that PostgreSQL's packages run on.
const TICKS: f64 = 100.0;

/// CPU seconds of a process so far, its dead children not counted.
fn cpu_seconds(pid: u32) -> f64 {
    stat_ticks(pid, 2) / TICKS
}

/// The sum of the first `fields` of utime, stime, cutime, cstime.
fn stat_ticks(pid: u32, fields: usize) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold blanks; utime is the 12th field after it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().skip(11).take(fields).filter_map(|field| field.parse::<f64>().ok()).sum()
}

/// CPU seconds of the postmaster, its living children, and its dead ones.
fn postgres_seconds(server: &Server) -> Result<f64, String> {
    // A backend's time is counted with the dead ones once it has ended.
    std::thread::sleep(Duration::from_millis(20));
    let candidates = [server.dir().join("data/postmaster.pid"), server.dir().join("postmaster.pid")];
    let text =
        candidates.iter().find_map(|file| std::fs::read_to_string(file).ok()).ok_or("no postmaster.pid")?;
    let postmaster: u32 = text.lines().next().and_then(|line| line.trim().parse().ok()).ok_or("no pid")?;
    let mut ticks = stat_ticks(postmaster, 4);
    for entry in std::fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent =
            stat.rsplit_once(')').and_then(|(_, after)| after.split_whitespace().nth(1)?.parse().ok());
        if parent == Some(postmaster) {
            ticks += stat_ticks(pid, 2);
        }
    }
    Ok(ticks / TICKS)
}

/// The most memory that a process has held so far.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

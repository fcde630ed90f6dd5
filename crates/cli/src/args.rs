//! The command line's words. What each setting means is in `docs/reference/config.md`.

use crate::output;
use clap::{Args, Parser, Subcommand, ValueEnum};
use mssql2pg_migrate::Error;
use mssql2pg_migrate::config::{Config, Flags, holds_password};
use std::ffi::OsString;
use std::path::PathBuf;

/// Moves a SQL Server database to PostgreSQL: audits it first, loads it restartably, and proves
/// afterwards that nothing is missing or changed.
#[derive(Debug, Parser)]
#[command(name = "mssql2pg", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 findings to act on, 2 error, 3 wrong usage, 130 stopped at once."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The settings file [default: mssql2pg.toml in the current folder, if it is there].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Say nothing but errors and the result.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// JSON on stdout: the result, and for long commands one event a line before it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show it all on a database made up for the purpose, with no server needed.
    Demo(Demo),
    /// Write a synthetic shop database with planted defects as a .bacpac, or into a SQL Server.
    Generate(Generate),
    /// Tell what is in a source: schemas, tables, columns, rows, keys, code.
    Inspect(Inspect),
    /// Tell why a source or a target cannot be used, and what to do about it: name, port, encryption, certificate, login,
    /// database, rights, version and more, in that order.
    Doctor(Doctor),
    /// Count and check every row of the source before anything moves. Needs no target.
    Audit(Audit),
    /// Plan what will be built, and what will be lost or needs hands. Needs no target.
    Plan(Prepare),
    /// All phases: extract, audit, plan, create, load, finish, validate, report. The same command
    /// again goes on where it stopped.
    Migrate(Work),
    /// Compare source, ledger and target again.
    Validate(Validate),
    /// Write the reports again.
    Report(Report),
    /// Tell how far every table is.
    Status(OnRun),
    /// The embedded PostgreSQL of a demo or trial, to look at afterwards.
    #[command(subcommand)]
    Embedded(Embedded),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to put it all.
    #[arg(long, value_name = "DIR", default_value = "mssql2pg-demo")]
    pub(crate) dir: PathBuf,
    /// About how many rows to make up.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub(crate) rows: u64,
    /// The same seed makes the same database.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
    #[command(flatten)]
    pub(crate) load: LoadFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The file to write, and FILE.planted.json beside it.
    #[arg(value_name = "FILE", conflicts_with = "into")]
    pub(crate) file: Option<PathBuf>,
    /// The database on a running SQL Server to write into, in place of a file [env: INTO_URL].
    #[arg(long, value_name = "URL")]
    pub(crate) into: Option<String>,
    /// With --into, where to tell what was planted [default: DATABASE.planted.json].
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) planted: Option<PathBuf>,
    /// About how many rows, over all tables.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) rows: u64,
    /// The same seed makes the same file, byte for byte, and the same rows in a server.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Plant no defects.
    #[arg(long)]
    pub(crate) clean: bool,
    /// Overwrite the file if it is there; with --into, drop the shop's own tables and code first, and nothing else.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A .bacpac or .dacpac [or: SOURCE_URL].
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// Count the rows by reading them all, also in a source over 1 GiB.
    #[arg(long)]
    pub(crate) count: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A .bacpac or .dacpac, or the address of a SQL Server [or: SOURCE_URL].
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// The target PostgreSQL, as a libpq URL [or: TARGET_URL].
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// For how many workers [default: one per core, at most 8].
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Prepare {
    /// A .bacpac or .dacpac [or: --source, SOURCE_URL].
    #[arg(value_name = "SOURCE")]
    pub(crate) source_argument: Option<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Workers that read at once [default: one per core, at most 8].
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) prepare: Prepare,
    /// Look at about so many rows of each table, and not at references between tables.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u32>,
    /// Memory for the keys that are compared to find orphans, in MiB; the rest goes to disk [default: 256].
    #[arg(long, value_name = "MIB")]
    pub(crate) audit_memory: Option<u32>,
    /// From which severity on findings end with exit code 1 [default: blocker].
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOnFlag>,
    /// Tell what is new since that audit: its run folder, or its findings.json.
    #[arg(long, value_name = "OLD")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write the findings as JUnit, for CI.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FailOnFlag {
    /// Warnings and blockers.
    Warning,
    /// Blockers.
    Blocker,
    /// None.
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct Work {
    /// A .bacpac or .dacpac [or: --source, SOURCE_URL].
    #[arg(value_name = "SOURCE")]
    pub(crate) source_argument: Option<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
    #[command(flatten)]
    pub(crate) load: LoadFlags,
}

#[derive(Debug, Args)]
pub(crate) struct SourceFlags {
    /// The source [env: SOURCE_URL].
    #[arg(long, value_name = "SOURCE", conflicts_with = "source_argument")]
    pub(crate) source: Option<String>,
    /// The run folder [default: the source's name with .run].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// Only tables that match, as schema.table with * and ?; may be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// Not the tables that match; may be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Name no keys of rows in findings.
    #[arg(long)]
    pub(crate) no_samples: bool,
    /// Read all rows for the audit, in place of having the server count and measure them.
    #[arg(long)]
    pub(crate) no_pushdown: bool,
    /// What holds a live source still while it is read [default: best].
    #[arg(long, value_name = "HOW")]
    pub(crate) consistency: Option<ConsistencyFlag>,
    /// Nobody writes into the live source: your word for it.
    #[arg(long, conflicts_with = "consistency")]
    pub(crate) quiesced: bool,
    /// Read a live source although nothing holds it still; the report says so.
    #[arg(long)]
    pub(crate) accept_moving_source: bool,
    /// No security policy hides rows from the login: your word for it.
    #[arg(long)]
    pub(crate) accept_hidden_rows: bool,
    /// About how many rows of a live source are read and committed together [default: 500000].
    #[arg(long, value_name = "N")]
    pub(crate) rows_per_split: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ConsistencyFlag {
    /// A database snapshot, else SNAPSHOT isolation.
    Best,
    /// A database snapshot, made and dropped.
    DatabaseSnapshot,
    /// One transaction a worker at the isolation level SNAPSHOT.
    SnapshotIsolation,
}

#[derive(Debug, Args)]
pub(crate) struct ServerFlags {
    /// The target PostgreSQL, as a libpq URL [env: TARGET_URL; default: an embedded one].
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Where an embedded PostgreSQL keeps its data.
    #[arg(long, value_name = "DIR")]
    pub(crate) embedded_dir: Option<PathBuf>,
    /// A folder with initdb and postgres for the embedded PostgreSQL.
    #[arg(long, value_name = "DIR")]
    pub(crate) pg_bin: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadFlags {
    /// Workers, each with one connection [default: one per core, at most 8].
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<u32>,
    /// What to do with tables that are there already [default: fail].
    #[arg(long, value_name = "WHAT")]
    pub(crate) if_exists: Option<IfExistsFlag>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum IfExistsFlag {
    /// Stop and name them.
    Fail,
    /// Empty them.
    Truncate,
    /// Drop them.
    Replace,
}

#[derive(Debug, Args)]
pub(crate) struct OnRun {
    /// The run folder [default: the only *.run in the current folder].
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
    /// Workers, each with one connection [default: one per core, at most 8].
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) on_run: OnRun,
    /// Also tell what differs from another run: its folder, or a report.json.
    #[arg(long, value_name = "OTHER")]
    pub(crate) compare: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) on_run: OnRun,
    /// Check another PostgreSQL in place of the run's target: one that another tool has loaded. Nothing is written there.
    #[arg(long, value_name = "URL")]
    pub(crate) against: Option<String>,
    /// How many of the rows that differ are listed in each table [default: 100].
    #[arg(long, value_name = "N")]
    pub(crate) list_rows: Option<u32>,
    /// Show the values of listed rows, also in the reports.
    #[arg(long, conflicts_with = "no_samples")]
    pub(crate) show_values: bool,
    /// Name no keys of rows; so it is without this flag, too, in a run that began with it.
    #[arg(long)]
    pub(crate) no_samples: bool,
    /// Fail a table of which more values than this were altered on the way [default: any number that is declared].
    #[arg(long, value_name = "N")]
    pub(crate) max_losses: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Embedded {
    /// Start the server in DIR and leave it running.
    Start {
        /// The folder of the embedded PostgreSQL, or the run folder that holds it.
        dir: PathBuf,
        /// A folder with initdb and postgres.
        #[arg(long, value_name = "DIR")]
        pg_bin: Option<PathBuf>,
    },
    /// Stop it.
    Stop {
        /// The folder of the embedded PostgreSQL, or the run folder that holds it.
        dir: PathBuf,
    },
    /// Open psql on it, starting it for as long as that takes if need be.
    Psql {
        /// A folder with initdb and postgres, if the server has to be started; stands before DIR.
        #[arg(long, value_name = "DIR")]
        pg_bin: Option<PathBuf>,
        /// The folder of the embedded PostgreSQL, or the run folder that holds it.
        dir: PathBuf,
        /// What psql is given, for example -c 'select 1'.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

impl Common {
    /// All settings, of which these flags are the strongest.
    pub(crate) fn config(&self, flags: Flags) -> Result<Config, Error> {
        Config::load(&Flags { file: self.config.clone(), ..flags }, text_environment())
    }
}

/// The environment without variables that are not Unicode: none of ours is among them.
fn text_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl SourceFlags {
    pub(crate) fn add_to(&self, flags: &mut Flags) {
        let Self {
            source,
            run,
            include,
            exclude,
            no_samples,
            no_pushdown,
            consistency,
            quiesced,
            accept_moving_source,
            accept_hidden_rows,
            rows_per_split,
        } = self;
        if source.as_deref().is_some_and(holds_password) {
            warn_of_password("SOURCE_URL and .env are not");
        }
        let settings = &mut flags.settings;
        settings.extend(source.iter().map(|source| ("source.url", source.clone().into())));
        settings.extend(run.iter().map(|run| ("run.dir", run.display().to_string().into())));
        if !include.is_empty() {
            settings.push(("tables.include", include.clone().into()));
        }
        if !exclude.is_empty() {
            settings.push(("tables.exclude", exclude.clone().into()));
        }
        if *no_samples {
            settings.push(("audit.samples", false.into()));
        }
        if *no_pushdown {
            settings.push(("audit.pushdown", false.into()));
        }
        settings.extend(consistency.iter().map(|consistency| {
            let word = match consistency {
                ConsistencyFlag::Best => "best",
                ConsistencyFlag::DatabaseSnapshot => "database-snapshot",
                ConsistencyFlag::SnapshotIsolation => "snapshot-isolation",
            };
            ("source.consistency", word.into())
        }));
        if *quiesced {
            settings.push(("source.consistency", "quiesced".into()));
        }
        if *accept_moving_source {
            settings.push(("source.accept_moving", true.into()));
        }
        if *accept_hidden_rows {
            settings.push(("source.accept_hidden_rows", true.into()));
        }
        settings.extend(rows_per_split.iter().map(|rows| ("load.rows_per_split", i64::from(*rows).into())));
    }
}

/// The process list shows arguments to everybody.
pub(crate) fn warn_of_password(what_is_not: &str) {
    output::note(&format!(
        "warning: a password on the command line is seen by everybody on this machine; {what_is_not}"
    ));
}

impl ServerFlags {
    pub(crate) fn add_to(&self, flags: &mut Flags) {
        let Self { target, embedded_dir, pg_bin } = self;
        if target.as_deref().is_some_and(holds_password) {
            warn_of_password("TARGET_URL, .env and .pgpass are not");
        }
        let settings = &mut flags.settings;
        settings.extend(target.iter().map(|target| ("target.url", target.clone().into())));
        settings.extend(embedded_dir.iter().map(|dir| ("embedded.dir", dir.display().to_string().into())));
        settings.extend(pg_bin.iter().map(|dir| ("embedded.pg_bin", dir.display().to_string().into())));
    }
}

impl Validate {
    pub(crate) fn add_to(&self, flags: &mut Flags) {
        let Self { on_run: _, against: _, list_rows, show_values, no_samples, max_losses } = self;
        let settings = &mut flags.settings;
        settings.extend(list_rows.iter().map(|rows| ("validate.list_rows", i64::from(*rows).into())));
        if *show_values {
            settings.push(("validate.show_values", true.into()));
        }
        if *no_samples {
            settings.push(("audit.samples", false.into()));
        }
        settings.extend(max_losses.iter().map(|most| ("validate.max_losses", i64::from(*most).into())));
    }
}

impl Audit {
    pub(crate) fn add_to(&self, flags: &mut Flags) {
        let settings = &mut flags.settings;
        settings.extend(self.sample.iter().map(|rows| ("audit.sample", i64::from(*rows).into())));
        settings.extend(self.audit_memory.iter().map(|mib| ("audit.memory", i64::from(*mib).into())));
        settings.extend(self.fail_on.iter().map(|severity| {
            let word = match severity {
                FailOnFlag::Warning => "warning",
                FailOnFlag::Blocker => "blocker",
                FailOnFlag::Never => "never",
            };
            ("audit.fail_on", word.into())
        }));
    }
}

impl LoadFlags {
    pub(crate) fn add_to(&self, flags: &mut Flags) {
        let Self { jobs, if_exists } = self;
        let settings = &mut flags.settings;
        settings.extend(jobs.iter().map(|jobs| ("load.jobs", i64::from(*jobs).into())));
        settings.extend(if_exists.iter().map(|if_exists| {
            let word = match if_exists {
                IfExistsFlag::Fail => "fail",
                IfExistsFlag::Truncate => "truncate",
                IfExistsFlag::Replace => "replace",
            };
            ("target.if_exists", word.into())
        }));
    }
}

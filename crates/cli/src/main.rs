//! The `mssql2pg` command: arguments, progress, colours, exit codes. No decisions.
//!
//! Exit codes: 0 done, 1 findings to act on, 2 error, 3 wrong usage.

mod args;
mod commands;
mod output;
mod progress;

use args::{Arguments, Command, Embedded};
use clap::Parser;
use mssql2pg_migrate::config::load_env_file;
use mssql2pg_migrate::progress::Interrupt;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Set by Ctrl-C.
static INTERRUPT: Interrupt = Interrupt::new();

/// How a command ends, when it does not end in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything is as it should be.
    Done,
    /// Somebody must act on what was found.
    Findings,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors.
            let code = if error.use_stderr() { 3 } else { 0 };
            // A broken pipe is success.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    start_logging();
    // psql is told by the terminal itself, and takes Ctrl-C for its own.
    let is_psql = matches!(arguments.command, Command::Embedded(Embedded::Psql { .. }));
    let interrupted = ctrlc::set_handler(move || {
        if is_psql {
            return;
        }
        if INTERRUPT.is_set() {
            // The second time, at once; what is committed stays.
            std::process::exit(130);
        }
        INTERRUPT.set();
        output::note("stopping at the next good point; press Ctrl-C again to stop at once");
    });
    if let Err(error) = interrupted {
        tracing::warn!(%error, "Ctrl-C will not stop gently");
    }
    let result = load_env_file().map_err(Into::into).and_then(|()| commands::run(arguments));
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(failure) => {
            output::failure(&failure);
            ExitCode::from(failure.exit_code)
        }
    }
}

/// Logs go to stderr; `MSSQL2PG_LOG` sets the level, by default warnings only.
///
/// The TDS client writes rows and the server's messages, which may hold values, into its log: whatever the user asks for,
/// that is not shown. What went wrong is in our own errors.
fn start_logging() {
    let wanted =
        EnvFilter::try_from_env("MSSQL2PG_LOG").unwrap_or_else(|_| EnvFilter::new("warn,mssql2pg=warn"));
    let no_rows =
        filter_fn(|event| !event.target().starts_with("mssql_tds")).with_max_level_hint(LevelFilter::TRACE);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time();
    tracing_subscriber::registry().with(lines.with_filter(wanted.and(no_rows))).init();
}

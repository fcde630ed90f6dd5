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
use tracing_subscriber::EnvFilter;

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
fn start_logging() {
    let filter =
        EnvFilter::try_from_env("MSSQL2PG_LOG").unwrap_or_else(|_| EnvFilter::new("warn,mssql2pg=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}

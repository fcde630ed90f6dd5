//! Chores of the project.
//!
//! `cargo x check` formats, lints and tells what is stale; `cargo x docs` writes the generated pages;
//! `cargo x bench load` and `live` measure the load against a yardstick, `memory` its peak, `validate` audit and validation against the load; `cargo x new check NAME` and its like
//! lay out a new file.

mod bench;
mod docs;
mod new;
mod schema;
#[cfg(test)]
mod tidy;

use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo x check | test | docs [--check] | bench {load,live,memory,validate} [ROWS] | new {check,report,decision} NAME";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["check"] => check(),
        ["test", rest @ ..] => cargo(&[&["test", "--workspace"], rest].concat()),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["bench", "load", rest @ ..] => bench::load::load(rest),
        ["bench", "live", rest @ ..] => bench::live::live(rest),
        ["bench", "memory", rest @ ..] => bench::memory::memory(rest),
        ["bench", "validate", rest @ ..] => bench::validate::validate(rest),
        ["new", kind, name] => new::create(kind, name),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            tell(&message);
            ExitCode::FAILURE
        }
    }
}

/// Chores talk to a developer at a terminal.
#[expect(clippy::print_stderr, reason = "a chore's output")]
pub(crate) fn tell(text: &str) {
    eprintln!("{text}");
}

fn check() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    docs::check()
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new(env!("CARGO")).args(arguments).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed", arguments.join(" "))) }
}

//! `doctor`: names the layer that fails, and the way out.

use super::source_location;
use crate::Outcome;
use crate::args::{Common, Doctor, warn_of_password};
use crate::output::{self, Failure};
use mssql2pg_migrate::config::{Flags, SecretText, holds_password};
use mssql2pg_sources::doctor as source;
use mssql2pg_target::doctor as target;
use serde::Serialize;

/// A step of either side.
#[derive(Debug, Serialize)]
struct Line {
    side: &'static str,
    layer: &'static str,
    outcome: &'static str,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<String>,
}

/// `mssql2pg doctor`.
pub(crate) fn run(doctor: &Doctor, common: &Common) -> Result<Outcome, Failure> {
    let Doctor { source, target, jobs } = doctor;
    if source.as_deref().is_some_and(holds_password) || target.as_deref().is_some_and(holds_password) {
        warn_of_password("SOURCE_URL, TARGET_URL and .env are not");
    }
    let mut flags = Flags::default();
    flags.settings.extend(source.iter().map(|source| ("source.url", source.clone().into())));
    flags.settings.extend(target.iter().map(|target| ("target.url", target.clone().into())));
    flags.settings.extend(jobs.iter().map(|jobs| ("load.jobs", i64::from(*jobs).into())));
    let config = common.config(flags)?;
    let mut lines = Vec::new();
    for source::Step { layer, outcome, what, way_out } in source::diagnose(source_location(&config)?) {
        let outcome = match outcome {
            source::Outcome::Ok => "ok",
            source::Outcome::Warning => "warning",
            source::Outcome::Failed => "failed",
            source::Outcome::Skipped => "skipped",
        };
        lines.push(Line { side: "source", layer, outcome, what, way_out });
    }
    if let Some(url) = config.target.url.as_ref().map(SecretText::expose) {
        for target::Step { layer, outcome, what, way_out } in target::diagnose(url, config.load.workers()) {
            let outcome = match outcome {
                target::Outcome::Ok => "ok",
                target::Outcome::Warning => "warning",
                target::Outcome::Failed => "failed",
                target::Outcome::Skipped => "skipped",
            };
            lines.push(Line { side: "target", layer, outcome, what, way_out });
        }
    } else {
        output::note("no target is given (TARGET, TARGET_URL): only the source is looked at");
    }
    let failed = lines.iter().any(|line| line.outcome == "failed");
    match common.json {
        true => output::json(&serde_json::json!({ "steps": lines, "failed": failed })),
        false => output::data(&list(&lines)),
    }
    Ok(if failed { Outcome::Findings } else { Outcome::Done })
}

/// One line a step, and the way out below it.
fn list(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut side = "";
    let width = lines.iter().map(|line| line.layer.len()).max().unwrap_or(0);
    for line in lines {
        if line.side != side {
            let gap = if side.is_empty() { "" } else { "\n" };
            side = line.side;
            text.push_str(&format!("{gap}{side}\n"));
        }
        let word = match line.outcome {
            "warning" => "warn",
            "failed" => "FAIL",
            "skipped" => "–",
            word => word,
        };
        text.push_str(&format!("  {word:<4}  {:<width$}  {}\n", line.layer, line.what));
        if let Some(way_out) = &line.way_out {
            text.push_str(&format!("  {:<4}  {:<width$}  → {way_out}\n", "", ""));
        }
    }
    text
}

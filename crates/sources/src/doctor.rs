//! What stands between us and a source, step by step: for people who only know that it does not work.
//!
//! Invariant: a step says what was found, and one that failed says the way out; no step holds a secret or a value of a
//! cell. The steps come in the order in which a connection is made: what cannot be looked at because an earlier step
//! failed is there, too, as skipped.

use crate::{Bacpac, ErrorKind, Source, SourceError};
use serde::Serialize;
use std::path::Path;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// A migration works, and somebody should know.
    Warning,
    /// A migration does not work.
    Failed,
    /// Not looked at, because an earlier step failed.
    Skipped,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `name`, `port`, `encryption`, …: one word, the same in every answer.
    pub layer: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was found: lower case, no period.
    pub what: String,
    /// What to do about it.
    pub way_out: Option<String>,
}

/// The steps of a source; empty at the beginning.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Step>);

impl Steps {
    pub(crate) fn ok(&mut self, layer: &'static str, what: impl Into<String>) {
        self.0.push(Step { layer, outcome: Outcome::Ok, what: what.into(), way_out: None });
    }

    pub(crate) fn warning(
        &mut self,
        layer: &'static str,
        what: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        let (what, way_out) = (what.into(), Some(way_out.into()));
        self.0.push(Step { layer, outcome: Outcome::Warning, what, way_out });
    }

    pub(crate) fn failed(
        &mut self,
        layer: &'static str,
        what: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        let (what, way_out) = (what.into(), Some(way_out.into()));
        self.0.push(Step { layer, outcome: Outcome::Failed, what, way_out });
    }

    /// The steps, with those of `layers` that were not come to.
    pub(crate) fn finish(mut self, layers: &[&'static str]) -> Vec<Step> {
        let failed = self.0.iter().find(|step| step.outcome == Outcome::Failed).map(|step| step.layer);
        for layer in layers {
            if let Some(failed) = failed
                && !self.0.iter().any(|step| step.layer == *layer)
            {
                let what = format!("not looked at: {failed} failed");
                self.0.push(Step { layer, outcome: Outcome::Skipped, what, way_out: None });
            }
        }
        self.0
    }
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &SourceError) -> String {
    let mut text = error.context.clone();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        let next = error.to_string().replace('\n', " ");
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// Looks at a source: a file, or a live server.
pub fn diagnose(location: &str) -> Vec<Step> {
    #[cfg(feature = "live")]
    if !Path::new(location).exists() && crate::Live::is_address(location) {
        return crate::live::diagnose(location);
    }
    diagnose_file(location)
}

fn diagnose_file(location: &str) -> Vec<Step> {
    let mut steps = Steps::default();
    let layers = ["file", "package"];
    let is_secret = !Path::new(location).exists() && crate::may_hold_secret(location);
    let size = match std::fs::metadata(location) {
        Ok(about) if about.is_file() => about.len(),
        Ok(_) => {
            steps.failed(
                "file",
                format!("{location} is not a file"),
                "give the path of a .bacpac or .dacpac",
            );
            return steps.finish(&layers);
        }
        Err(_) if is_secret => {
            steps.failed(
                "file",
                "the source is neither a file nor the address of a SQL Server",
                "give the path of a .bacpac, or an address like mssql://user@host:1433/database",
            );
            return steps.finish(&layers);
        }
        Err(error) => {
            steps.failed(
                "file",
                format!("cannot open {location}: {error}"),
                "check the path and who may read it",
            );
            return steps.finish(&layers);
        }
    };
    steps.ok("file", format!("{location}, {size} bytes"));
    match Bacpac::open(location) {
        Ok(bacpac) => {
            let about = bacpac.about();
            let tables = bacpac.catalog().map_or(0, |catalog| catalog.tables.len());
            let by = about.server_version.as_deref().unwrap_or("an unknown server");
            steps.ok(
                "package",
                format!("a .{} with {tables} tables, written by {by}; {}", about.kind, about.identity),
            );
            if !about.has_data {
                steps.warning("data", "it has no rows", "export a .bacpac, if rows are to be moved");
            }
        }
        Err(error) => {
            let way_out = match error.kind {
                ErrorKind::NotASource => {
                    "give a .bacpac (SQL Server Management Studio: Tasks, Export Data-tier Application)"
                }
                ErrorKind::Unsupported => "export the database as a .bacpac with a current SqlPackage",
                _ => "copy or export the file again",
            };
            steps.failed("package", told(&error), way_out);
        }
    }
    steps.finish(&layers)
}

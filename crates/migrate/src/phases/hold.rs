//! Hold: the rows of a live source are held still for as long as a run reads them, and the run remembers how.
//!
//! Leaves `hold.json`. A later command of the run takes the same state up again; when that state is gone and rows have
//! been loaded from it, the run stops: half of the rows would be of another time.

use super::workers::retried_once;
use super::{Context, selected};
use crate::config::Consistency;
use crate::error::Error;
use crate::progress::Event;
use mssql2pg_catalog::{Catalog, Finding, Severity};
use mssql2pg_sources::{ErrorKind, Hold, HoldKind, HoldRequest, Source, Wanted};

/// What a command will do with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Only count: a source that moves is a finding.
    Count,
    /// Load: a source that moves must have been accepted.
    Load,
}

/// Holds the source still and keeps what holds in `hold.json`. Called after extract, before any row is read.
///
/// # Errors
/// When nothing can hold it and the user has not accepted that, or when the state that the run began with is gone.
pub fn hold(
    context: Context<'_>,
    source: &dyn Source,
    catalog: &Catalog,
    purpose: Purpose,
) -> Result<Hold, Error> {
    let before: Option<Hold> = context.run.read_json("hold.json")?;
    let (wanted, _) = selected(catalog.clone(), &context.config.tables)?;
    let settings = &context.config.source;
    let request = HoldRequest {
        readers: context.config.load.workers(),
        wanted: match settings.consistency {
            // A snapshot slows every writer down, and its end empties the server's cache of plans.
            Consistency::Best if purpose == Purpose::Count => Wanted::Light,
            Consistency::Best => Wanted::Best,
            Consistency::DatabaseSnapshot => Wanted::DatabaseSnapshot,
            Consistency::SnapshotIsolation => Wanted::SnapshotIsolation,
            Consistency::Quiesced => Wanted::Quiesced,
        },
        accept_moving: settings.accept_moving || purpose == Purpose::Count,
        run_id: &context.run.identity().run_id,
        before: before.as_ref(),
        tables: &wanted.tables,
    };
    let held = retried_once(context.interrupt, "hold", || {
        let held = match source.hold(&request) {
            // Nothing is loaded of the state that is gone: another one will do.
            Err(error)
                if error.kind == ErrorKind::SnapshotLost && !context.run.phase_has_begun("load")? =>
            {
                source.hold(&HoldRequest { before: None, ..request })
            }
            other => other,
        };
        held.map_err(Error::source("cannot hold the source still"))
    })?;
    if held.kind != HoldKind::File {
        context.progress.event(&Event::Note { text: &held.sentence });
        let mut findings = findings(&held, settings.accept_moving, &catalog.database.name);
        findings.extend(filtered(&wanted, settings.accept_hidden_rows));
        context.run.put_findings("hold", findings)?;
    }
    context.run.write_json("hold.json", &held)?;
    Ok(held)
}

fn findings(held: &Hold, accepted: bool, database: &str) -> Vec<Finding> {
    let finding = |code: &str, severity, advice: &str| {
        let message = held.doubt.clone().unwrap_or_else(|| held.sentence.clone());
        Finding::new(code, severity, database, message, advice)
    };
    match (held.kind, &held.doubt) {
        (HoldKind::Moving, _) => {
            let severity = if accepted { Severity::Warning } else { Severity::Blocker };
            vec![finding(
                "moving-source",
                severity,
                "let the login make database snapshots, allow SNAPSHOT isolation, or stop all writing and say --quiesced; --accept-moving-source goes on without",
            )]
        }
        (_, Some(_)) => vec![finding(
            "consistency-not-proven",
            Severity::Warning,
            "change tracking on every table would prove it; a database snapshot needs no proof",
        )],
        (_, None) => Vec::new(),
    }
}

/// Tables of which a security policy may hide rows: neither count nor contents would show that.
fn filtered(wanted: &Catalog, accepted: bool) -> impl Iterator<Item = Finding> {
    let severity = if accepted { Severity::Warning } else { Severity::Blocker };
    let tables =
        wanted.tables.iter().filter(|table| table.traits.iter().any(|word| word == "row-level-security"));
    tables.map(move |table| {
        Finding::new(
            "row-level-security",
            severity,
            table.name.to_string(),
            "a security policy filters this table: rows that it hides from the login are not read, and nothing here can tell",
            "let the policy's function return every row for this login, or turn the policy off while it reads; when that is so, --accept-hidden-rows says it",
        )
    })
}

/// Lets go of what held the source, now that all is done. What cannot be let go of is told, and is a finding.
pub fn release(context: Context<'_>, source: &dyn Source) {
    let released = retried_once(context.interrupt, "release", || {
        source.release().map_err(Error::source("cannot let go of what held the source still"))
    });
    let Err(error) = released else { return };
    let cause = match &error {
        Error::Source { source, .. } => match source.server() {
            Some(server) => format!("{source}: {server}"),
            None => source.to_string(),
        },
        other => other.to_string(),
    };
    context.progress.event(&Event::Note { text: &cause });
    let mut findings = context.run.findings().ok().and_then(|mut all| all.remove("hold")).unwrap_or_default();
    findings.push(Finding::new(
        "snapshot-left-behind",
        Severity::Warning,
        source.about().database.unwrap_or_default(),
        cause,
        "drop it by hand: it grows with every change of the database (drop database, as somebody who may)",
    ));
    // The note was given already.
    let _ = context.run.put_findings("hold", findings);
}

/// The same for a command that only reads: what a load that has begun needs to go on is kept.
pub fn release_unless_loading(context: Context<'_>, source: &dyn Source) {
    // If that cannot be read, the next command of the run lets go of it.
    if matches!(context.run.phase_has_begun("load"), Ok(false)) {
        release(context, source);
    }
}

/// Whether the source has kept still, as far as that can be known; if not, a blocker.
///
/// # Errors
/// When the source cannot be asked, or a file cannot be written.
pub fn confirm(context: Context<'_>, source: &dyn Source, catalog: &Catalog) -> Result<(), Error> {
    let changed = retried_once(context.interrupt, "changes", || {
        source.changed().map_err(Error::source("cannot ask whether the source has changed"))
    })?;
    let Some(message) = changed else { return Ok(()) };
    let mut findings = context.run.findings()?.remove("hold").unwrap_or_default();
    findings.retain(|finding| finding.code != "source-changed");
    findings.push(Finding::new(
        "source-changed",
        Severity::Blocker,
        &catalog.database.name,
        message,
        "migrate again with --run NEW.run --if-exists replace when nobody writes, or from a database snapshot",
    ));
    context.run.put_findings("hold", findings)
}

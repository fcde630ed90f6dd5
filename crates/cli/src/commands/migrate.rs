//! `audit`, `plan` and `migrate`.

use super::{run_dir, source_location};
use crate::args::{Common, Prepare, Work};
use crate::output::{self, Failure, count, counted};
use crate::{INTERRUPT, Outcome, progress};
use mssql2pg_catalog::{Catalog, Finding, Severity};
use mssql2pg_migrate::config::{Config, holds_password};
use mssql2pg_migrate::facts::{DifferenceKind, Differences, Facts, TableStatus, VerdictState};
use mssql2pg_migrate::phases::{self, Context, Purpose};
use mssql2pg_migrate::progress::{Event, Progress};
use mssql2pg_migrate::reports::one_line;
use mssql2pg_migrate::target_server::TargetServer;
use mssql2pg_migrate::{Error, Run};
use mssql2pg_sources::{Hold, HoldKind, Source};
use std::path::{Path, PathBuf};

/// Opens the source by its absolute path, so that later commands find it from any folder.
pub(crate) fn open_source(location: &str) -> Result<Box<dyn Source>, Error> {
    if is_address(location) {
        // It may hold a password, so that it is neither made a path nor repeated.
        return mssql2pg_sources::open(location).map_err(Error::source("cannot open the source"));
    }
    let absolute =
        std::path::absolute(location).map_or_else(|_| location.to_owned(), |path| path.display().to_string());
    mssql2pg_sources::open(&absolute).map_err(Error::source(format!("cannot open {location}")))
}

/// Whether the location is that of a server: then it is no path.
pub(crate) fn is_address(location: &str) -> bool {
    let server = location.contains("://") || location.contains('=') || holds_password(location);
    server && !Path::new(location).exists()
}

/// Source, settings and run of a command.
pub(crate) struct Opened {
    pub(crate) source: Box<dyn Source>,
    pub(crate) config: Config,
    pub(crate) run: Run,
    progress: Box<dyn Progress>,
}

impl Opened {
    pub(crate) fn new(config: Config, common: &Common) -> Result<Self, Failure> {
        let location = source_location(&config)?;
        let source = open_source(location)?;
        let about = source.about();
        let run = Run::begin(&run_dir(&config, &about), &about, &config)?;
        Ok(Self { source, run, progress: progress::choose(common), config })
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            run: &self.run,
            config: &self.config,
            progress: self.progress.as_ref(),
            interrupt: &INTERRUPT,
        }
    }
}

/// `mssql2pg plan`.
pub(crate) fn plan(prepare: &Prepare, common: &Common) -> Result<Outcome, Failure> {
    let opened = Opened::new(common.config(prepare.flags())?, common)?;
    let context = opened.context();
    let catalog = phases::extract(context, opened.source.as_ref())?;
    let plan = phases::plan(context, &catalog)?;
    let findings: Vec<Finding> = opened.run.findings()?.remove("plan").unwrap_or_default();
    if common.json {
        output::json(&serde_json::json!({ "plan": plan, "findings": findings }));
        return Ok(outcome_of(&findings));
    }
    let columns: usize = plan.tables.iter().map(|table| table.columns.len()).sum();
    output::data(&format!(
        "{} with {}, {} not converted\n",
        counted(plan.tables.len() as u64, "table"),
        counted(columns as u64, "column"),
        counted(plan.unconverted.len() as u64, "object"),
    ));
    output::data(&findings_text(&findings));
    let rows = plan
        .unconverted
        .iter()
        .map(|object| vec![object.kind.clone(), object.object.clone(), object.reason.clone()]);
    if !plan.unconverted.is_empty() {
        output::data("\nNot converted:");
        output::data(&output::table(&["kind", "object", "reason"], &[], rows.collect()));
    }
    output::note(&format!(
        "the plan is in {}: catalog.json, plan.json, schema/*.sql",
        opened.run.dir().display()
    ));
    Ok(outcome_of(&findings))
}

/// `mssql2pg migrate`.
pub(crate) fn migrate(work: &Work, common: &Common) -> Result<Outcome, Failure> {
    migrate_with(common.config(work.flags())?, common)
}

/// All phases with these settings.
pub(crate) fn migrate_with(mut config: Config, common: &Common) -> Result<Outcome, Failure> {
    // Validation compares with the counts of all rows.
    config.audit.sample = 0;
    let mut opened = Opened::new(config, common)?;
    let (facts, report) = all_phases(&mut opened)?;
    summary(&facts, &report, opened.run.dir(), common);
    Ok(outcome(&facts))
}

fn all_phases(opened: &mut Opened) -> Result<(Facts, PathBuf), Error> {
    // First, so that a wrong password is not learnt after the audit of a large source.
    let server = TargetServer::open(&opened.config, &opened.run, &mut |text| {
        opened.progress.event(&Event::Note { text });
    })?;
    let lock = server.lock()?;
    let context = opened.context();
    let source = opened.source.as_ref();
    let catalog = phases::extract(context, source)?;
    let hold = match phases::hold(context, source, &catalog, Purpose::Load) {
        // Stopped after its last row: what held the rows still is not needed any more.
        Err(error) if error.is_snapshot_lost() && phases::is_loaded(context, &server)? => {
            let text = "all rows are loaded already: the source is not read again";
            opened.progress.event(&Event::Note { text });
            None
        }
        other => Some(other?),
    };
    let held_by = hold.as_ref().map(|hold| hold.kind);
    let moved = phases::refresh(context, source, catalog)
        .and_then(|catalog| move_rows(opened, &server, &catalog, held_by));
    if let Err(error) = moved {
        if let Some(hold) = &hold {
            keep_or_release(opened, hold);
        }
        return Err(error);
    }
    let reported = phases::report(opened.context(), Some(&server), Some(opened.source.as_ref()))?;
    drop(lock);
    server.close()?;
    Ok(reported)
}

/// After an error: a database snapshot stays only where rows of it are loaded, and the user is told.
fn keep_or_release(opened: &Opened, hold: &Hold) {
    let context = opened.context();
    // When that cannot be known, it stays: another command of the run takes it up.
    if opened.run.phase_has_begun("load").is_ok_and(|begun| !begun) {
        phases::release(context, opened.source.as_ref());
    } else if hold.kind == HoldKind::DatabaseSnapshot {
        let text = format!(
            "the same command goes on where this one stopped; {}, which stays on the server until then",
            hold.sentence
        );
        context.progress.event(&Event::Note { text: &text });
    }
}

/// The phases from the first row to the validated last.
fn move_rows(
    opened: &mut Opened,
    server: &TargetServer,
    catalog: &Catalog,
    held_by: Option<HoldKind>,
) -> Result<(), Error> {
    let context = opened.context();
    phases::audit(context, opened.source.as_ref(), catalog)?;
    phases::plan(context, catalog)?;
    opened.run.set_target(server.identity())?;
    let context = opened.context();
    let source = opened.source.as_ref();
    let plan = phases::create(context, server)?;
    phases::load(context, server, source, catalog, &plan)?;
    if held_by.is_some() {
        phases::confirm(context, source, catalog)?;
    }
    // Transactions that stay open keep the row versions of the whole server: what follows may take hours, and needs them
    // only to name the columns of a difference.
    let gone = matches!(held_by, None | Some(HoldKind::SnapshotIsolation));
    if gone {
        phases::release(context, source);
    }
    phases::finish(context, server, &plan)?;
    phases::validate(context, server, (!gone).then_some(source), catalog, &plan)?;
    phases::release(context, source);
    Ok(())
}

/// 1 when somebody must act.
pub(crate) fn outcome(facts: &Facts) -> Outcome {
    if facts.verdict.state == VerdictState::Migrated { Outcome::Done } else { Outcome::Findings }
}

fn outcome_of(findings: &[Finding]) -> Outcome {
    let blocked = findings.iter().any(|finding| finding.severity == Severity::Blocker);
    if blocked { Outcome::Findings } else { Outcome::Done }
}

/// What became of a run, for people.
pub(crate) fn summary(facts: &Facts, report: &Path, run_dir: &Path, common: &Common) {
    if common.json {
        let result = serde_json::json!({
            "event": "result",
            "verdict": facts.verdict,
            "report": report,
        });
        output::data(&result.to_string());
        return;
    }
    output::data(&status_table(facts));
    for table in &facts.tables {
        if let Some(differences) = &table.differences {
            output::data(&differences_text(&table.source, differences));
        }
    }
    let losses: Vec<String> = facts
        .tables
        .iter()
        .flat_map(|table| table.losses.iter().map(move |loss| (table, loss)))
        .map(|(table, loss)| {
            format!(
                "  {}.{}: {} ({})",
                table.source,
                loss.column,
                loss.kind.label(),
                counted(loss.count, "value")
            )
        })
        .collect();
    if !losses.is_empty() {
        output::data(&format!("\nAltered on the way, as declared:\n{}", losses.join("\n")));
    }
    let rejected: u64 = facts.tables.iter().map(|table| table.rejected_rows).sum();
    if rejected > 0 {
        output::data(&format!(
            "\n{} PostgreSQL cannot hold, with the reasons: {}",
            counted(rejected, "row"),
            run_dir.join("rejects").display()
        ));
    }
    let of = |severity: Severity| {
        facts.findings.iter().filter(|finding| finding.severity == severity).count() as u64
    };
    output::data(&format!(
        "\nFindings: {}, {}, {}; {} not converted\n",
        counted(of(Severity::Blocker), "blocker"),
        counted(of(Severity::Warning), "warning"),
        counted(of(Severity::Info), "note"),
        counted(facts.unconverted.len() as u64, "object"),
    ));
    let word = match facts.verdict.state {
        VerdictState::Migrated => "MIGRATED",
        VerdictState::Incomplete => "INCOMPLETE",
        VerdictState::Failed => "FAILED",
    };
    output::data(&format!("{word}: {}", facts.verdict.sentence));
    if let Some(hint) = next_step(facts) {
        output::data(&format!("next: {hint}"));
    }
    output::data(&format!("report: {}", report.display()));
    if let Some(target) = facts.target.as_ref().filter(|target| target.embedded) {
        // As this program was called: after `cargo run` nothing of that name is on the path.
        let program = std::env::args().next().unwrap_or_else(|| "mssql2pg".to_owned());
        output::data(&format!(
            "look at the data ({}): {program} embedded psql {}",
            target.server_version,
            run_dir.display()
        ));
    }
}

/// How many differing rows of a table are shown; the report has more.
const SHOWN_ROWS: usize = 5;

/// The first rows of a table that differ.
pub(crate) fn differences_text(table: &str, differences: &Differences) -> String {
    let total = differences.total;
    let verb = if total == 1 { "differs" } else { "differ" };
    let mut text = format!("\n{}: {} {verb}\n", one_line(table), counted(total, "row"));
    for row in differences.rows.iter().take(SHOWN_ROWS) {
        let kind = match row.kind {
            DifferenceKind::Missing => "missing",
            DifferenceKind::Extra => "extra",
            DifferenceKind::Doubled => "doubled",
            DifferenceKind::Changed => "changed",
        };
        text.push_str(&format!("  {kind:<8}{}", one_line(&row.key)));
        if !row.columns.is_empty() {
            text.push_str(&format!(": {}", one_line(&row.columns.join(", "))));
        }
        text.push('\n');
        for (column, (before, after)) in row.columns.iter().zip(&row.values) {
            let shown = |value: &Option<String>| {
                value.as_deref().map_or("NULL".to_owned(), |value| one_line(value).into_owned())
            };
            text.push_str(&format!(
                "            {}: {} → {}\n",
                one_line(column),
                shown(before),
                shown(after)
            ));
        }
    }
    let shown = differences.rows.len().min(SHOWN_ROWS) as u64;
    let (listed, more) = (differences.rows.len() as u64, total.saturating_sub(shown));
    if more > 0 && listed > 0 {
        let listed = match listed > shown {
            true => format!("; the report lists {}", count(listed)),
            false => String::new(),
        };
        text.push_str(&format!("  … and {} more{listed}\n", counted(more, "row")));
    }
    for split in differences.splits.iter().take(SHOWN_ROWS) {
        let place = match (split.split, &split.locator) {
            (Some(number), Some(locator)) => {
                format!("split {number} of the source, {}", one_line(locator))
            }
            (Some(number), None) => format!("split {number} of the source"),
            (None, _) => "no split: only in the target".to_owned(),
        };
        let moved =
            if split.is_as_sent == Some(false) { "; the source has changed since the load" } else { "" };
        text.push_str(&format!("  {} in {place}{moved}\n", counted(split.rows, "row")));
    }
    let more = differences.splits.len().saturating_sub(SHOWN_ROWS) as u64;
    if more > 0 {
        text.push_str(&format!("  … and {} in the report\n", counted(more, "split")));
    }
    text
}

/// What to do when not all is well.
fn next_step(facts: &Facts) -> Option<&'static str> {
    match facts.verdict.state {
        VerdictState::Migrated => None,
        VerdictState::Incomplete => {
            Some("run `mssql2pg migrate` on the source, again if it has stopped; what is loaded stays loaded")
        }
        VerdictState::Failed if facts.tables.iter().any(|table| table.rejected_rows > 0) => Some(
            "mend the rejected rows at the source, or set text.nul and text.invalid to replace or strip; then migrate again with --run NEW.run --if-exists replace",
        ),
        VerdictState::Failed
            if facts.findings.iter().any(|finding| finding.severity == Severity::Blocker) =>
        {
            Some("look at the failed checks and the blockers in the report")
        }
        VerdictState::Failed => Some("look at the failed checks in the report"),
    }
}

/// Every table and how far it is.
pub(crate) fn status_table(facts: &Facts) -> String {
    let show = |rows: Option<u64>| rows.map_or("–".to_owned(), count);
    let rows = facts
        .tables
        .iter()
        .map(|table| {
            let failed: Vec<_> = table.checks.iter().filter(|check| !check.passed).collect();
            let trouble = match failed.as_slice() {
                [] => String::new(),
                [only] => only.detail.clone(),
                // The words of the others are in the report.
                [first, others @ ..] => {
                    let names: Vec<&str> = others.iter().map(|check| check.check.as_str()).collect();
                    format!("{}; failed, too: {}", first.detail, names.join(", "))
                }
            };
            vec![
                table.source.clone(),
                table.target.clone(),
                show(table.baseline_rows),
                show(table.loaded_rows),
                show(table.target_rows),
                if table.status == TableStatus::Failed {
                    format!("{}: {trouble}", table.status.label())
                } else {
                    table.status.label().to_owned()
                },
            ]
        })
        .collect();
    output::table(&["source", "target", "in source", "loaded", "in target", "status"], &[2, 3, 4], rows)
}

pub(crate) fn findings_text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "\nNo findings\n".to_owned();
    }
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut text = String::from("\nFindings:\n");
    for finding in sorted {
        let severity = match finding.severity {
            Severity::Info => "note",
            Severity::Warning => "warning",
            Severity::Blocker => "BLOCKER",
        };
        let times = finding.count.map(|times| format!(" ({})", count(times))).unwrap_or_default();
        text.push_str(&format!(
            "  {severity:<8}{} {}: {}{times}\n",
            finding.code,
            one_line(&finding.object),
            one_line(&finding.message)
        ));
        if !finding.samples.is_empty() {
            let shown = finding.samples.len() as u64;
            let more = finding.count.map_or(0, |all| all.saturating_sub(shown));
            let more = if more > 0 { format!(" | … {} more", count(more)) } else { String::new() };
            text.push_str(&format!("            {}{more}\n", one_line(&finding.samples.join(" | "))));
        }
    }
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    text.push_str(&format!(
        "\n{}, {}, {}\n",
        counted(of(Severity::Blocker), "blocker"),
        counted(of(Severity::Warning), "warning"),
        counted(of(Severity::Info), "note")
    ));
    text
}

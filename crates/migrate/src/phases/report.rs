//! Report: the facts of the run, gathered once, through every report of [`crate::reports::ALL`].

use super::audit::Baseline;
use super::create::ledger_name;
use super::splits::known_counts;
use super::validate::{Validation, ledger_token};
use super::{Context, TableValidation};
use crate::checks::validate::losses_of;
use crate::config::Config;
use crate::error::Error;
use crate::facts::{
    ColumnFacts, FACTS_FORMAT, Facts, PhaseFacts, TableFacts, TableStatus, TargetFacts, Verdict, VerdictState,
};
use crate::reports::{ALL, contents_clause, shown};
use crate::run::{RefusedExpression, Run, RunIdentity, now};
use crate::target_server::TargetServer;
use mssql2pg_catalog::{Finding, Severity};
use mssql2pg_mapping::plan::{ColumnPlan, FidelityPlan, Unconverted};
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_sources::{Consistency, Hold, Source, SourceInfo};
use mssql2pg_target::{SplitRow, StepRow};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// Writes every report and returns the facts they are made of, and the path of the first report.
///
/// # Errors
/// When the run folder or the ledger cannot be read, or a report cannot be written.
pub fn report(
    context: Context<'_>,
    server: Option<&TargetServer>,
    source: Option<&dyn Source>,
) -> Result<(Facts, PathBuf), Error> {
    context.timed("report", || {
        let facts = gather_facts(context.run, context.config, server, source)?;
        for report in ALL {
            let text = (report.write)(&facts)?;
            context.run.write(&format!("reports/{}", report.file_name), text.as_bytes())?;
        }
        let first = ALL.first().map_or("", |report| report.file_name);
        Ok((facts, context.run.path("reports").join(first)))
    })
}

/// What the ledger knows of the run; empty without a target.
#[derive(Default)]
struct LedgerFacts {
    /// Whether the target knows the run at all.
    is_known: bool,
    splits: BTreeMap<String, Vec<SplitRow>>,
    steps: Vec<StepRow>,
}

/// Gathers everything that is known of the run. Without a server, what the ledger knows is missing. Rows are named only
/// where both the run and the settings allow it.
///
/// # Errors
/// When the run folder or the ledger cannot be read.
pub fn gather_facts(
    run: &Run,
    config: &Config,
    server: Option<&TargetServer>,
    source: Option<&dyn Source>,
) -> Result<Facts, Error> {
    let identity = run.identity();
    let catalog = run.catalog()?;
    let plan = run.plan()?;
    let baseline: Option<Baseline> = run.read_json("baseline.json")?;
    let ledger = server.map(|server| ledger_facts(server, identity)).transpose()?.unwrap_or_default();
    let token = ledger_token(ledger.splits.values().flatten());
    let validation: Option<Validation> = run.read_json("validation.json")?;
    // A validation of another state of the target counts for nothing.
    let validation = validation.filter(|validation| ledger.is_known && validation.ledger_token == token);
    let whole_splits = known_counts(run, source, &catalog.tables);
    let mut tables: Vec<TableFacts> = plan
        .tables
        .iter()
        .map(|table| {
            let name = table.source.to_string();
            let target = ledger_name(table);
            TableInputs {
                plan: table,
                baseline: baseline.as_ref().and_then(|baseline| baseline.table(&name)),
                validation: validation
                    .as_ref()
                    .and_then(|validation| validation.tables.iter().find(|table| table.source == name)),
                splits: ledger.splits.get(&target).map_or(&[], Vec::as_slice),
                whole: whole_splits.get(&name).copied(),
                created: ledger.has_step("create"),
                finished: ledger.has_step("finish"),
            }
            .facts()
        })
        .collect::<Result<_, _>>()?;
    let mut found = run.findings()?;
    // The plan has found the same.
    found.remove(super::plan::HAZARDS);
    let mut findings = merged(found.into_values());
    if !run.names_keys(config) {
        tables.iter_mut().for_each(without_keys);
        without_samples(&mut findings);
    }
    let known = findings.clone();
    findings.iter_mut().for_each(|finding| settle_distrust(finding, &tables, &known));
    findings.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| (&a.code, &a.object).cmp(&(&b.code, &b.object)))
    });
    let refused: Vec<RefusedExpression> = run.read_json("refused.json")?.unwrap_or_default();
    let mut unconverted = plan.unconverted.clone();
    unconverted.extend(refused.into_iter().map(|expression| Unconverted {
        kind: if expression.generated { "computed column" } else { "default" }.to_owned(),
        object: expression.object,
        reason: format!("PostgreSQL refused it: {}", expression.reason),
        text: None,
    }));
    let is_compared =
        tables.iter().any(|table| matches!(table.status, TableStatus::Validated | TableStatus::Failed));
    let guarantee = guarantee(identity, run.read_json("hold.json")?, is_compared);
    Ok(Facts {
        format: FACTS_FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        gathered_at: now(),
        run_id: identity.run_id.clone(),
        fingerprint: identity.fingerprint.clone(),
        database: catalog.database.name.clone(),
        source: identity.source.clone(),
        target: server.map(|server| TargetFacts {
            location: server.location(),
            server_version: format!("PostgreSQL {}", server.info().version),
            embedded: server.is_embedded(),
        }),
        verdict: verdict(&tables, &findings, &identity.source, catalog.tables.len(), guarantee),
        converted: converted(&plan),
        tables,
        findings,
        unconverted,
        phases: run
            .read_json::<Vec<PhaseFacts>>("phases.json")?
            .unwrap_or_default()
            .into_iter()
            .map(|phase| PhaseFacts { seconds: milliseconds(phase.seconds), ..phase })
            .collect(),
        settings: identity.settings.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

impl LedgerFacts {
    fn has_step(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.step == name && step.outcome == "done")
    }
}

fn ledger_facts(server: &TargetServer, identity: &RunIdentity) -> Result<LedgerFacts, Error> {
    let mut connection = server.connect()?;
    let context = || "cannot read the ledger";
    let ledger = server.ledger();
    let known = ledger.find_run(&mut connection, &identity.run_id).map_err(Error::target(context()))?;
    if known.is_none() {
        return Ok(LedgerFacts::default());
    }
    let mut facts = LedgerFacts {
        is_known: true,
        steps: ledger.steps(&mut connection, &identity.run_id).map_err(Error::target(context()))?,
        ..LedgerFacts::default()
    };
    let owned = ledger.owned_tables(&mut connection, &identity.run_id).map_err(Error::target(context()))?;
    let splits = ledger.splits(&mut connection, &identity.run_id).map_err(Error::target(context()))?;
    // What another run has replaced or emptied is not ours any more.
    if facts.steps.iter().any(|step| step.step == "create") && owned.is_empty() {
        facts.is_known = false;
    }
    for split in splits.into_iter().filter(|split| owned.contains(&split.table)) {
        facts.splits.entry(split.table.clone()).or_default().push(split);
    }
    Ok(facts)
}

struct TableInputs<'a> {
    plan: &'a TablePlan,
    baseline: Option<&'a super::TableBaseline>,
    validation: Option<&'a TableValidation>,
    splits: &'a [SplitRow],
    /// How many splits there are, where known.
    whole: Option<usize>,
    created: bool,
    finished: bool,
}

impl TableInputs<'_> {
    fn facts(&self) -> Result<TableFacts, Error> {
        let Self { plan, baseline, validation, splits, .. } = self;
        let loaded: u64 = splits.iter().map(|split| split.rows).sum();
        Ok(TableFacts {
            source: plan.source.to_string(),
            target: format!("{}.{}", plan.schema, plan.name),
            status: self.status(),
            baseline_rows: baseline.map(|baseline| baseline.rows),
            loaded_rows: (self.finished || !splits.is_empty()).then_some(loaded),
            rejected_rows: splits.iter().map(|split| split.rejected).sum(),
            target_rows: validation.and_then(|validation| validation.target_rows),
            bytes: splits.iter().map(|split| split.bytes).sum(),
            seconds: milliseconds(splits.iter().map(|split| split.seconds).sum()),
            digest_sent: validation.and_then(|validation| validation.digest_sent.clone()),
            digest_read: validation.and_then(|validation| validation.digest_read.clone()),
            differing_columns: validation
                .map(|validation| validation.differing_columns.clone())
                .unwrap_or_default(),
            differences: validation.and_then(|validation| validation.differences.clone()),
            measures: validation.and_then(|validation| validation.measures.clone()),
            columns: plan.columns.iter().map(|column| self.column(column)).collect(),
            losses: losses_of(splits)?,
            checks: validation.map(|validation| validation.checks.clone()).unwrap_or_default(),
        })
    }

    fn status(&self) -> TableStatus {
        match self.validation {
            // Without its indexes, keys and sequences a table is not migrated, whatever its rows are.
            Some(validation) if validation.passed && self.finished => return TableStatus::Validated,
            Some(validation) if !validation.passed => return TableStatus::Failed,
            _ => {}
        }
        if self.finished {
            return TableStatus::Finished;
        }
        match self.whole {
            _ if !self.created => TableStatus::Planned,
            Some(whole) if self.splits.len() >= whole => TableStatus::Loaded,
            _ if self.splits.is_empty() => TableStatus::Planned,
            _ => TableStatus::Loading,
        }
    }

    fn column(&self, column: &ColumnPlan) -> ColumnFacts {
        let profile = self
            .baseline
            .and_then(|table| table.columns.iter().find(|profile| profile.column == column.source));
        let (fidelity, note) = match &column.fidelity {
            FidelityPlan::Exact => ("exact", None),
            FidelityPlan::Wider(note) => ("wider", Some(note.clone())),
            FidelityPlan::Lossy(note) => ("lossy", Some(note.clone())),
        };
        ColumnFacts {
            source: column.source.clone(),
            source_type: column.source_type.clone(),
            target: column.name.clone(),
            target_type: column.pg_type.clone(),
            fidelity: fidelity.to_owned(),
            note,
            nullable: column.nullable,
            default: column.generated.clone().or_else(|| column.default.clone()),
            nulls: profile.map(|profile| profile.nulls),
            empty: profile.map(|profile| profile.empty),
            distinct: profile.and_then(|profile| profile.distinct),
            minimum: profile.and_then(|profile| profile.minimum.clone()),
            maximum: profile.and_then(|profile| profile.maximum.clone()),
            longest: profile.and_then(|profile| profile.longest),
        }
    }
}

/// Two phases may find one thing: orphans are counted in the source, and again by PostgreSQL. The later one knows more, and
/// keeps the samples of the earlier one if it has none.
fn merged(phases: impl Iterator<Item = Vec<Finding>>) -> Vec<Finding> {
    let mut merged: Vec<Finding> = Vec::new();
    for findings in phases {
        // What one phase says twice of one object are two things.
        let (of_earlier, mut taken) = (merged.len(), HashSet::new());
        for mut finding in findings {
            let is_same = |(_, known): &(usize, &mut Finding)| {
                known.code == finding.code && known.object == finding.object
            };
            let mut earlier = merged.iter_mut().take(of_earlier).enumerate();
            let known = earlier.find(|known| !taken.contains(&known.0) && is_same(known));
            match known {
                Some((place, known)) => {
                    taken.insert(place);
                    if finding.samples.is_empty() {
                        finding.samples = std::mem::take(&mut known.samples);
                    }
                    *known = finding;
                }
                None => merged.push(finding),
            }
        }
    }
    merged
}

/// Leaves out the keys of rows. The samples of hand work are names of objects.
pub fn without_samples(findings: &mut [Finding]) {
    let of_rows = findings.iter_mut().filter(|finding| finding.code != "hand-work");
    of_rows.for_each(|finding| finding.samples.clear());
}

/// Leaves out all that names a row or shows a value.
fn without_keys(table: &mut TableFacts) {
    table.losses.iter_mut().for_each(|loss| loss.samples.clear());
    for column in &mut table.columns {
        (column.minimum, column.maximum) = (None, None);
    }
    if let Some(differences) = &mut table.differences {
        differences.rows.clear();
        differences.splits.iter_mut().for_each(|split| split.locator = None);
    }
}

/// What the source has not checked itself, PostgreSQL has by now: that is worth a note and no more.
fn settle_distrust(finding: &mut Finding, tables: &[TableFacts], findings: &[Finding]) {
    let is_validated = |table: &TableFacts| {
        table.status == TableStatus::Validated && finding.object.starts_with(&format!("{}.", table.source))
    };
    let is_validated = tables.iter().any(is_validated);
    let broken = match finding.code.as_str() {
        "untrusted-foreign-key" => "orphaned-foreign-key",
        "untrusted-check" => "check-not-valid",
        // Blockers whose table has passed its checks since: somebody has mended it.
        "orphaned-foreign-key" | "primary-key-not-created" | "unique-not-created"
            if is_validated && finding.severity == Severity::Blocker =>
        {
            finding.severity = Severity::Info;
            finding.message.push_str("; it was mended since, and validation has passed");
            return;
        }
        _ => return,
    };
    let is_broken = findings.iter().any(|other| other.code == broken && other.object == finding.object);
    if is_validated && !is_broken {
        finding.severity = Severity::Info;
        finding.message.push_str("; PostgreSQL has, and all rows keep it");
        finding.advice = "nothing".to_owned();
    }
}

fn guarantee(identity: &RunIdentity, hold: Option<Hold>, is_compared: bool) -> String {
    match (identity.source.consistency, identity.source.has_data) {
        (_, false) => "the source holds a schema and no rows".to_owned(),
        (Consistency::Moving, true) if hold.is_some() => hold.map_or_else(String::new, |hold| {
            let doubt = hold.doubt.map(|doubt| format!("; {doubt}")).unwrap_or_default();
            let unverified = match identity.source.location.contains("trust_server_certificate=true") {
                true => "; the server's certificate was not verified (trust_server_certificate)",
                false => "",
            };
            format!("{}{doubt}{unverified}", hold.sentence)
        }),
        (Consistency::Frozen, true) if !is_compared => {
            "the source is a file that does not change; nothing of it is compared yet".to_owned()
        }
        (Consistency::Frozen, true) => {
            "read from a file that does not change: what was audited is what was loaded and compared"
                .to_owned()
        }
        (Consistency::Moving, true) => "nothing was read yet".to_owned(),
    }
}

fn verdict(
    tables: &[TableFacts],
    findings: &[Finding],
    source: &SourceInfo,
    in_source: usize,
    guarantee: String,
) -> Verdict {
    let count = |status: TableStatus| tables.iter().filter(|table| table.status == status).count();
    let (migrated, failed) = (count(TableStatus::Validated), count(TableStatus::Failed));
    let rows: u64 = tables.iter().filter_map(|table| table.target_rows).sum();
    let losses: u64 = tables.iter().flat_map(|table| &table.losses).map(|loss| loss.count).sum();
    let blockers = findings.iter().filter(|finding| finding.severity == Severity::Blocker).count();
    let all = tables.len();
    let tables_word = if all == 1 { "table" } else { "tables" };
    let altered = match losses {
        0 => String::new(),
        1 => ", 1 value altered as declared".to_owned(),
        losses => format!(", {} values altered as declared", shown(losses)),
    };
    let left_out = match in_source.saturating_sub(all) {
        0 => String::new(),
        left_out => format!(" of {in_source} ({left_out} left out by the settings)"),
    };
    let (state, sentence) = if failed > 0 {
        (VerdictState::Failed, format!("{failed} of {all} {tables_word} failed validation"))
    } else if migrated == all && blockers > 0 {
        let word = if blockers == 1 { "finding" } else { "findings" };
        let sentence =
            format!("{all} {tables_word} validated, but {blockers} blocking {word} must be acted on");
        (VerdictState::Failed, sentence)
    } else if migrated == all && !source.has_data {
        let sentence = format!("{all} {tables_word}{left_out} made and compared; the source has no rows");
        (VerdictState::Migrated, sentence)
    } else if migrated == all {
        let contents = contents_clause(tables);
        let sentence = format!("{all} {tables_word}{left_out}, {} rows, {contents}{altered}", shown(rows));
        (VerdictState::Migrated, sentence)
    } else {
        (VerdictState::Incomplete, format!("{migrated} of {all} {tables_word} validated so far"))
    };
    Verdict { state, sentence, guarantee }
}

/// Seconds cut to milliseconds: more digits say nothing, and JSON may not give them back.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn converted(plan: &DatabasePlan) -> Vec<(String, u64)> {
    let sum = |count: fn(&TablePlan) -> usize| plan.tables.iter().map(count).sum::<usize>() as u64;
    let all = [
        ("schemas", plan.schemas.len() as u64),
        ("tables", plan.tables.len() as u64),
        ("columns", sum(|table| table.columns.len())),
        (
            "computed columns",
            sum(|table| table.columns.iter().filter(|column| column.generated.is_some()).count()),
        ),
        ("defaults", sum(|table| table.columns.iter().filter(|column| column.default.is_some()).count())),
        (
            "identity columns",
            sum(|table| table.columns.iter().filter(|column| column.identity.is_some()).count()),
        ),
        ("primary keys", sum(|table| usize::from(table.primary_key.is_some()))),
        ("unique constraints", sum(|table| table.unique.len())),
        ("indexes", sum(|table| table.indexes.len())),
        ("foreign keys", sum(|table| table.foreign_keys.len())),
        ("checks", sum(|table| table.checks.len())),
        ("sequences", plan.sequences.len() as u64),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.to_owned(), count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_phases_find_is_told_once_and_what_one_says_twice_is_told_twice() {
        let finding = |message: &str, samples: &[&str]| {
            let mut finding = Finding::new("orphans", Severity::Warning, "dbo.T.FK", message, "mend them");
            finding.samples = samples.iter().map(|sample| (*sample).to_owned()).collect();
            finding
        };
        let of_audit = vec![finding("counted", &["Id=1"]), finding("counted otherwise", &[])];
        let told = |phases: Vec<Vec<Finding>>| {
            let all = merged(phases.into_iter());
            all.iter()
                .map(|finding| format!("{} {}", finding.message, finding.samples.join(",")))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(vec![of_audit.clone()]), ["counted Id=1", "counted otherwise "]);
        assert_eq!(
            told(vec![of_audit.clone(), vec![finding("confirmed", &[])]]),
            ["confirmed Id=1", "counted otherwise "]
        );
        let twice = vec![finding("confirmed", &[]), finding("confirmed too", &[])];
        assert_eq!(told(vec![of_audit, twice]), ["confirmed Id=1", "confirmed too "]);
    }
}

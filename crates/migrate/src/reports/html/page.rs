//! What the template of `report.html` needs beyond the facts themselves: sums, groups and geometry.

use super::super::figures::{self, Failure, Totals};
use super::super::proof::{self, Witnesses};
use super::charts::{self, FindingChart, PhaseBar, Profile, RowChart};
use crate::facts::{Facts, RowDifference, SplitDifference, TableFacts, TableStatus};
use mssql2pg_catalog::{Finding, Severity};
use serde::Serialize;

/// Rows of one code of finding that are shown at once; the others unfold.
const SHOWN_FINDINGS: usize = 12;

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    verdict_word: &'static str,
    totals: Totals,
    witnesses: Witnesses,
    /// What validation checked, each check over all tables.
    checks: Vec<CheckView<'a>>,
    tables: Vec<TableView<'a>>,
    /// Whether any table failed: then a section of its own says why.
    any_failed: bool,
    /// What to do, once for each kind of failure.
    to_do: Vec<ToDo<'a>>,
    row_chart: Option<RowChart>,
    finding_chart: FindingChart,
    findings: Vec<FindingGroup<'a>>,
    losses: Vec<LossView<'a>>,
    profile: Option<Profile>,
    unconverted: Vec<UnconvertedGroup<'a>>,
    timeline: Vec<PhaseBar>,
}

/// One check of validation over all tables.
#[derive(Debug, Serialize)]
struct CheckView<'a> {
    check: &'a str,
    passed: u64,
    failed: u64,
}

/// A failed check, and what to do about it.
#[derive(Debug, Serialize)]
struct ToDo<'a> {
    check: &'a str,
    advice: &'static str,
    tables: Vec<&'a str>,
}

/// One table.
#[derive(Debug, Serialize)]
struct TableView<'a> {
    facts: &'a TableFacts,
    /// Its number, for anchors.
    number: usize,
    /// For a sort by how far it is.
    progress: u8,
    difference: Option<String>,
    contents_equal: Option<bool>,
    rate: Option<String>,
    passed: usize,
    lossy: usize,
    failures: Vec<Failure<'a>>,
    /// What the second witness compared, and who measured.
    measured: Option<(String, &'static str)>,
    /// The first row that differs, in a sentence.
    first_difference: Option<String>,
    differences: Vec<DifferenceView<'a>>,
    /// Rows that differ but are not listed.
    more_differences: u64,
    splits: Vec<SplitView<'a>>,
    losses: Vec<LossView<'a>>,
    /// Whether a failed check speaks of the rows in `rejects/` already.
    rejects_told: bool,
}

/// One row that differs.
#[derive(Debug, Serialize)]
struct DifferenceView<'a> {
    kind: &'static str,
    key: &'a str,
    columns: Vec<DifferingColumn<'a>>,
}

/// A split with rows that differ.
#[derive(Debug, Serialize)]
struct SplitView<'a> {
    name: String,
    locator: Option<&'a str>,
    rows: u64,
    read_again: Option<&'static str>,
}

/// A column in which a row differs, with its values only where the user asked for them.
#[derive(Debug, Serialize)]
struct DifferingColumn<'a> {
    name: &'a str,
    values: Option<&'a (Option<String>, Option<String>)>,
}

/// Findings of one code and severity.
#[derive(Debug, Serialize)]
struct FindingGroup<'a> {
    code: &'a str,
    severity: &'static str,
    /// What to do, when it is the same for all.
    advice: Option<&'a str>,
    occurrences: u64,
    shown: Vec<&'a Finding>,
    folded: Vec<&'a Finding>,
}

/// What was altered in one column.
#[derive(Debug, Serialize)]
struct LossView<'a> {
    table: &'a str,
    column: &'a str,
    kind: &'static str,
    count: u64,
    share: Option<String>,
    declared_by: &'static str,
    samples: &'a [String],
}

/// Objects of one kind that were not carried over.
#[derive(Debug, Serialize)]
struct UnconvertedGroup<'a> {
    kind: &'a str,
    /// Why, when it is the same for all.
    reason: Option<&'a str>,
    objects: Vec<UnconvertedView<'a>>,
}

#[derive(Debug, Serialize)]
struct UnconvertedView<'a> {
    object: &'a str,
    reason: &'a str,
    text: Option<&'a str>,
    /// Characters of the whole text, when `text` is not all of it.
    whole_length: Option<usize>,
}

/// Works out the page.
pub(super) fn page(facts: &Facts) -> Page<'_> {
    let totals = figures::totals(facts);
    let findings = finding_groups(&facts.findings);
    let codes: Vec<_> =
        findings.iter().map(|group| (group.code, group.severity, group.occurrences)).collect();
    Page {
        verdict_word: figures::verdict_word(facts.verdict.state),
        witnesses: proof::witnesses(&facts.tables),
        checks: checks(&facts.tables),
        tables: facts.tables.iter().enumerate().map(|(number, table)| table_view(number, table)).collect(),
        any_failed: facts.tables.iter().any(|table| table.status == TableStatus::Failed),
        to_do: to_do(&facts.tables),
        row_chart: charts::row_chart(facts),
        finding_chart: charts::finding_chart(&codes),
        findings,
        losses: facts.tables.iter().flat_map(losses).collect(),
        profile: charts::profile(facts),
        unconverted: unconverted_groups(facts),
        timeline: charts::timeline(facts, &totals),
        totals,
    }
}

fn table_view(number: usize, table: &TableFacts) -> TableView<'_> {
    let failures = figures::failures(table);
    let rows = table.differences.as_ref().map_or(&[][..], |differences| differences.rows.as_slice());
    let splits = table.differences.as_ref().map_or(&[][..], |differences| differences.splits.as_slice());
    TableView {
        facts: table,
        number,
        progress: table.status as u8,
        difference: figures::row_difference(table).map(figures::difference),
        contents_equal: figures::contents_equal(table),
        rate: table.loaded_rows.and_then(|rows| figures::rows_rate(rows, table.seconds)),
        passed: table.checks.iter().filter(|check| check.passed).count(),
        measured: table
            .measures
            .as_ref()
            .map(|measures| (proof::measured(measures), proof::measured_by(measures))),
        first_difference: proof::first_difference(table.differences.as_ref()),
        differences: rows.iter().map(difference_view).collect(),
        more_differences: table
            .differences
            .as_ref()
            .map_or(0, |differences| differences.total.saturating_sub(rows.len() as u64)),
        splits: splits.iter().map(split_view).collect(),
        losses: losses(table).collect(),
        rejects_told: failures.iter().any(|failure| failure.check == "row-counts"),
        failures,
        lossy: table.columns.iter().filter(|column| column.fidelity == "lossy").count(),
    }
}

fn difference_view(row: &RowDifference) -> DifferenceView<'_> {
    let column = |(place, name)| DifferingColumn { name, values: row.values.get(place) };
    DifferenceView {
        kind: proof::difference_word(row.kind),
        key: &row.key,
        columns: row.columns.iter().map(String::as_str).enumerate().map(column).collect(),
    }
}

fn split_view(split: &SplitDifference) -> SplitView<'_> {
    SplitView {
        name: proof::split_name(split),
        locator: split.locator.as_deref(),
        rows: split.rows,
        read_again: proof::read_again(split),
    }
}

/// Failures with the same advice together, in the order in which they are met.
fn to_do(tables: &[TableFacts]) -> Vec<ToDo<'_>> {
    let mut all: Vec<ToDo<'_>> = Vec::new();
    for table in tables.iter().filter(|table| table.status == TableStatus::Failed) {
        for failure in figures::failures(table) {
            let Some(advice) = failure.advice else { continue };
            match all.iter_mut().find(|known| known.advice == advice) {
                Some(known) => known.tables.push(&table.source),
                None => all.push(ToDo { check: failure.check, advice, tables: vec![&table.source] }),
            }
        }
    }
    all
}

/// The checks in the order in which they are met.
fn checks(tables: &[TableFacts]) -> Vec<CheckView<'_>> {
    let mut views: Vec<CheckView<'_>> = Vec::new();
    for check in tables.iter().flat_map(|table| &table.checks) {
        let (passed, failed) = (u64::from(check.passed), u64::from(!check.passed));
        match views.iter_mut().find(|view| view.check == check.check) {
            Some(view) => {
                view.passed += passed;
                view.failed += failed;
            }
            None => views.push(CheckView { check: &check.check, passed, failed }),
        }
    }
    views
}

/// Groups in the order of their first finding: the facts have the most severe first.
fn finding_groups(findings: &[Finding]) -> Vec<FindingGroup<'_>> {
    let mut groups: Vec<(&str, Severity, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let same = |(code, severity, _): &&mut (&str, Severity, _)| {
            *code == finding.code && *severity == finding.severity
        };
        match groups.iter_mut().find(same) {
            Some((_, _, members)) => members.push(finding),
            None => groups.push((&finding.code, finding.severity, vec![finding])),
        }
    }
    groups
        .into_iter()
        .map(|(code, severity, mut members)| FindingGroup {
            code,
            severity: figures::severity_word(severity),
            advice: shared(members.iter().map(|finding| finding.advice.as_str())),
            occurrences: members
                .iter()
                .fold(0, |total, finding| total.saturating_add(finding.count.unwrap_or(1))),
            folded: members.split_off(members.len().min(SHOWN_FINDINGS)),
            shown: members,
        })
        .collect()
}

/// The text that all have in common.
fn shared<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = texts.next()?;
    texts.all(|text| text == first).then_some(first)
}

fn losses(table: &TableFacts) -> impl Iterator<Item = LossView<'_>> {
    table.losses.iter().map(|loss| LossView {
        table: &table.source,
        column: &loss.column,
        kind: loss.kind.label(),
        count: loss.count,
        share: table.loaded_rows.filter(|rows| *rows > 0).map(|rows| figures::percent(loss.count, rows)),
        declared_by: proof::declared_by(loss.kind),
        samples: &loss.samples,
    })
}

fn unconverted_groups(facts: &Facts) -> Vec<UnconvertedGroup<'_>> {
    let mut groups: Vec<UnconvertedGroup<'_>> = Vec::new();
    for object in &facts.unconverted {
        let (text, whole_length) = match object.text.as_deref().map(figures::clip) {
            Some((text, whole_length)) => (Some(text), whole_length),
            None => (None, None),
        };
        let view = UnconvertedView { object: &object.object, reason: &object.reason, text, whole_length };
        match groups.iter_mut().find(|group| group.kind == object.kind) {
            Some(group) => group.objects.push(view),
            None => groups.push(UnconvertedGroup { kind: &object.kind, reason: None, objects: vec![view] }),
        }
    }
    for group in &mut groups {
        group.reason = shared(group.objects.iter().map(|object| object.reason));
    }
    groups
}

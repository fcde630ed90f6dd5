//! `report.md`: the facts in GitHub's Markdown, for a pull request, a ticket or a terminal.
//!
//! Invariant: names, keys and texts of a foreign database cannot become Markdown or HTML; a cell never
//! breaks its table. Every part is a function that appends to the text.

mod details;
#[cfg(test)]
mod tests;
pub(super) mod text;

use super::figures::{self, Totals, bytes, count, counted, known_count, sentence};
use super::{Report, ReportError, proof};
use crate::facts::{Facts, TableFacts, TableStatus, VerdictState};
use details::{details, phases, run};
use text::Align::{Left, Right};
use text::{folded_text, heading, keys, name, names, paragraph, percent, prose, seconds, table};

/// `report.md`.
pub(super) const REPORT: Report = Report { file_name: "report.md", write };

fn write(facts: &Facts) -> Result<String, ReportError> {
    let totals = figures::totals(facts);
    let mut text = String::new();
    head(&mut text, facts);
    numbers(&mut text, facts, &totals);
    failures(&mut text, facts);
    tables(&mut text, facts);
    findings(&mut text, facts);
    losses(&mut text, facts, &totals);
    profile(&mut text, facts);
    objects(&mut text, facts);
    details(&mut text, facts);
    phases(&mut text, facts);
    run(&mut text, facts);
    Ok(text)
}

fn head(text: &mut String, facts: &Facts) {
    let mark = match facts.verdict.state {
        VerdictState::Migrated => "✅",
        VerdictState::Incomplete => "⏳",
        VerdictState::Failed => "❌",
    };
    let word = figures::verdict_word(facts.verdict.state);
    text.push_str(&format!("# {mark} {word}: {}\n\n", prose(&facts.database)));
    paragraph(text, &format!("**{}**", prose(&sentence(&facts.verdict.sentence))));
    paragraph(text, &prose(&sentence(&facts.verdict.guarantee)));
}

fn numbers(text: &mut String, facts: &Facts, totals: &Totals) {
    let target = facts.target.as_ref().map_or_else(
        || "no target yet".to_owned(),
        |target| {
            let trial = if target.embedded { ", embedded: for demo and trial only" } else { "" };
            format!("{} ({}{trial})", name(&target.location), prose(&target.server_version))
        },
    );
    let witnesses = proof::witnesses(&facts.tables);
    let rows = [
        ["From".to_owned(), format!("{} {}", prose(&facts.source.kind), name(&facts.source.location))],
        ["To".to_owned(), target],
        [
            "Tables".to_owned(),
            format!(
                "{} of {} validated, {} failed",
                count(totals.validated),
                count(totals.tables),
                count(totals.failed)
            ),
        ],
        [
            "Rows".to_owned(),
            format!(
                "{} in the source, {} loaded, {} read back",
                known_count(totals.baseline_rows),
                known_count(totals.loaded_rows),
                known_count(totals.target_rows)
            ),
        ],
        [
            "First witness".to_owned(),
            format!(
                "digests of the rows sent and read back: equal in {} of {} tables",
                count(witnesses.first),
                count(witnesses.tables)
            ),
        ],
        [
            "Second witness".to_owned(),
            format!(
                "measures of each side by its own means: equal in {} of {} tables; {} equal, {} different; \
                 of {} only the NULLs",
                count(witnesses.second),
                count(witnesses.tables),
                count(witnesses.equal_measures),
                count(witnesses.different_measures),
                counted(witnesses.counted_only, "column")
            ),
        ],
        ["Data sent".to_owned(), bytes(totals.bytes)],
        ["Rejected rows".to_owned(), count(totals.rejected_rows)],
        ["Altered values".to_owned(), count(totals.altered_values)],
        [
            "Findings".to_owned(),
            format!(
                "{}, {}, {}",
                counted(totals.blockers, "blocker"),
                counted(totals.warnings, "warning"),
                counted(totals.infos, "note")
            ),
        ],
        [
            "Objects".to_owned(),
            format!("{} carried over, {} not converted", count(totals.converted), count(totals.unconverted)),
        ],
        ["Time".to_owned(), format!("{} for all phases", seconds(totals.seconds))],
    ];
    table(text, [("", Left), ("", Left)], rows.into_iter());
}

fn failures(text: &mut String, facts: &Facts) {
    let failed: Vec<_> = facts.tables.iter().filter(|table| table.status == TableStatus::Failed).collect();
    if failed.is_empty() {
        return;
    }
    heading(text, "What failed");
    for table in failed {
        text.push_str(&format!("- {}\n", name(&table.source)));
        let failures = figures::failures(table);
        if table.rejected_rows > 0 && !failures.iter().any(|failure| failure.check == "row-counts") {
            text.push_str(&format!("  - rejected rows: {}\n", count(table.rejected_rows)));
        }
        for failure in failures {
            let advice = failure.advice.map(|advice| format!(" {}", prose(&sentence(advice))));
            text.push_str(&format!(
                "  - {}: {}{}\n",
                name(failure.check),
                prose(&sentence(failure.detail)),
                advice.unwrap_or_default()
            ));
        }
        if !table.differing_columns.is_empty() {
            text.push_str(&format!("  - columns that differ: {}\n", names(&table.differing_columns)));
        }
        if let Some(first) = proof::first_difference(table.differences.as_ref()) {
            text.push_str(&format!("  - {}\n", prose(&sentence(&first))));
        }
    }
    text.push('\n');
}

fn tables(text: &mut String, facts: &Facts) {
    heading(text, "Tables");
    if facts.tables.is_empty() {
        return paragraph(text, "There are no tables in the plan.");
    }
    let heads = [
        ("Table", Left),
        ("In PostgreSQL", Left),
        ("Status", Left),
        ("Source rows", Right),
        ("Loaded", Right),
        ("Target rows", Right),
        ("Rejected", Right),
        ("Contents", Left),
        ("Checks", Left),
        ("Sent", Right),
        ("Load time", Right),
    ];
    table(text, heads, facts.tables.iter().map(table_cells));
}

fn table_cells(table: &TableFacts) -> [String; 11] {
    let status = table.status.label();
    let difference = figures::row_difference(table).map(figures::difference);
    let contents = match figures::contents_equal(table) {
        None => figures::UNKNOWN,
        Some(true) => "equal",
        Some(false) => "**differ**",
    };
    let failed = table.checks.iter().filter(|check| !check.passed).count();
    let checks = match (table.checks.len(), failed) {
        (0, _) => figures::UNKNOWN.to_owned(),
        (all, 0) => format!("{all} passed"),
        (all, failed) => format!("**{failed} of {all} failed**"),
    };
    [
        name(&table.source),
        name(&table.target),
        if table.status == TableStatus::Failed { format!("**{status}**") } else { status.to_owned() },
        known_count(table.baseline_rows),
        known_count(table.loaded_rows),
        match difference {
            Some(difference) => format!("{} **({difference})**", known_count(table.target_rows)),
            None => known_count(table.target_rows),
        },
        count(table.rejected_rows),
        contents.to_owned(),
        checks,
        bytes(table.bytes),
        seconds(table.seconds),
    ]
}

fn findings(text: &mut String, facts: &Facts) {
    heading(text, "Findings");
    if facts.findings.is_empty() {
        return paragraph(text, "There are no findings.");
    }
    let heads = [
        ("Severity", Left),
        ("Code", Left),
        ("Object", Left),
        ("What was found", Left),
        ("Count", Right),
        ("Sample keys", Left),
        ("Advice", Left),
    ];
    let rows = facts.findings.iter().map(|finding| {
        [
            figures::severity_word(finding.severity).to_owned(),
            name(&finding.code),
            name(&finding.object),
            prose(&sentence(&finding.message)),
            known_count(finding.count),
            keys(&finding.samples, finding.count),
            prose(&sentence(&finding.advice)),
        ]
    });
    table(text, heads, rows);
}

fn losses(text: &mut String, facts: &Facts, totals: &Totals) {
    heading(text, "Altered values");
    let rows: Vec<_> = facts
        .tables
        .iter()
        .flat_map(|table| table.losses.iter().map(move |loss| (table, loss)))
        .map(|(table, loss)| {
            [
                name(&table.source),
                name(&loss.column),
                prose(&sentence(loss.kind.label())),
                count(loss.count),
                table
                    .loaded_rows
                    .map_or_else(|| figures::UNKNOWN.to_owned(), |rows| percent(loss.count, rows)),
                prose(proof::declared_by(loss.kind)),
                keys(&loss.samples, Some(loss.count)),
            ]
        })
        .collect();
    if rows.is_empty() {
        let words = match totals.loaded_rows {
            None => "Nothing has been loaded yet.",
            Some(_) => "None: every loaded value is stored as its column's type promises.",
        };
        return paragraph(text, words);
    }
    let heads = [
        ("Table", Left),
        ("Column", Left),
        ("What happened", Left),
        ("Values", Right),
        ("Of rows", Right),
        ("Declared by", Left),
        ("Sample keys", Left),
    ];
    table(text, heads, rows.into_iter());
}

fn profile(text: &mut String, facts: &Facts) {
    let rows: Vec<_> = facts
        .tables
        .iter()
        .filter_map(|table| Some((table, table.baseline_rows.filter(|rows| *rows > 0)?)))
        .flat_map(|(table, rows)| table.columns.iter().map(move |column| (table, column, rows)))
        .filter(|(_, column, _)| column.nulls.unwrap_or(0) > 0 || column.empty.unwrap_or(0) > 0)
        .map(|(table, column, rows)| {
            let (nulls, empty) = (column.nulls.unwrap_or(0), column.empty.unwrap_or(0));
            [
                name(&table.source),
                name(&column.source),
                known_count(column.nulls),
                percent(nulls, rows),
                known_count(column.empty),
                percent(empty, rows),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    heading(text, "NULLs and empty strings");
    let heads = [
        ("Table", Left),
        ("Column", Left),
        ("NULLs", Right),
        ("Of rows", Right),
        ("Empty", Right),
        ("Of rows", Right),
    ];
    table(text, heads, rows.into_iter());
}

fn objects(text: &mut String, facts: &Facts) {
    heading(text, "Objects");
    if !facts.converted.is_empty() {
        let pairs: Vec<String> =
            facts.converted.iter().map(|(kind, number)| prose(&figures::of_kind(*number, kind))).collect();
        paragraph(text, &format!("Carried over: {}.", pairs.join(", ")));
    }
    if facts.unconverted.is_empty() {
        let words = match facts.converted.is_empty() {
            true => "No object is planned or converted yet.",
            false => "No object was left behind.",
        };
        return paragraph(text, words);
    }
    let rows = facts
        .unconverted
        .iter()
        .map(|object| [prose(&object.kind), name(&object.object), prose(&sentence(&object.reason))]);
    table(text, [("Not converted", Left), ("Object", Left), ("Why", Left)], rows);
    for object in &facts.unconverted {
        if let Some(code) = &object.text {
            folded_text(text, &object.object, code);
        }
    }
}

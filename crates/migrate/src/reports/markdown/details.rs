//! The second half of `report.md`: each table's details, the timeline, and what the run was made with.

use super::text::Align::{Left, Right};
use super::text::{heading, html, name, names, paragraph, prose, seconds, table};
use crate::facts::{Facts, TableFacts};
use crate::reports::figures::{self, count, known_count, sentence};
use crate::reports::proof;

pub(super) fn details(text: &mut String, facts: &Facts) {
    if facts.tables.is_empty() {
        return;
    }
    heading(text, "Table details");
    for facts in &facts.tables {
        text.push_str(&format!(
            "<details><summary>{} → {} ({})</summary>\n\n",
            html(&facts.source),
            html(&facts.target),
            facts.status.label()
        ));
        for check in &facts.checks {
            let outcome = if check.passed { "passed" } else { "**failed**" };
            text.push_str(&format!(
                "- {outcome}: {}: {}\n",
                name(&check.check),
                prose(&sentence(&check.detail))
            ));
        }
        for (what, digest) in [("sent", &facts.digest_sent), ("read back", &facts.digest_read)] {
            if let Some(digest) = digest {
                text.push_str(&format!("- digest {what}: {}\n", name(digest)));
            }
        }
        if let Some(measures) = &facts.measures {
            text.push_str(&format!("- second witness: {}; ", prose(&proof::measured(measures))));
            text.push_str(&prose(&sentence(proof::measured_by(measures))));
            text.push('\n');
            for (column, reason) in &measures.counted_only {
                text.push_str(&format!("  - only the NULLs of {}: {}\n", name(column), prose(reason)));
            }
        }
        text.push('\n');
        differences(text, facts);
        splits(text, facts);
        columns(text, facts);
        text.push_str("</details>\n\n");
    }
}

/// The rows that differ, with values only where the user asked for them.
fn differences(text: &mut String, facts: &TableFacts) {
    let Some(differences) = facts.differences.as_ref().filter(|differences| !differences.rows.is_empty())
    else {
        return;
    };
    let (shown, total) = (differences.rows.len() as u64, differences.total);
    paragraph(text, &format!("Rows that differ: {} of {}.", count(shown.min(total)), count(total)));
    let value = |value: &Option<String>| match value.as_deref() {
        None => "NULL".to_owned(),
        Some("") => "the empty string".to_owned(),
        Some(value) => name(value),
    };
    let rows = differences.rows.iter().map(|row| {
        let pairs =
            row.values.iter().map(|(source, target)| format!("{} → {}", value(source), value(target)));
        [
            proof::difference_word(row.kind).to_owned(),
            name(&row.key),
            names(&row.columns),
            pairs.collect::<Vec<_>>().join("; "),
        ]
    });
    let heads = [("What", Left), ("Key", Left), ("Columns", Left), ("Source → target", Left)];
    table(text, heads, rows);
}

/// In which splits they are.
fn splits(text: &mut String, facts: &TableFacts) {
    let Some(differences) = facts.differences.as_ref().filter(|differences| !differences.splits.is_empty())
    else {
        return;
    };
    paragraph(text, "By the splits in which the table was read:");
    let splits = differences.splits.iter().map(|split| {
        [
            proof::split_name(split),
            split.locator.as_deref().map(name).unwrap_or_default(),
            count(split.rows),
            proof::read_again(split).unwrap_or_default().to_owned(),
        ]
    });
    let heads = [("Split", Left), ("In the source", Left), ("Rows that differ", Right), ("Read again", Left)];
    table(text, heads, splits);
}

fn columns(text: &mut String, facts: &TableFacts) {
    let heads = [
        ("SQL Server", Left),
        ("Type", Left),
        ("PostgreSQL", Left),
        ("Type", Left),
        ("NULL", Left),
        ("Default", Left),
        ("Fidelity", Left),
        ("NULLs", Right),
        ("Empty", Right),
        ("Distinct", Right),
        ("Minimum", Left),
        ("Maximum", Left),
        ("Longest", Right),
    ];
    let known = |text: &Option<String>| text.as_deref().map(name).unwrap_or_default();
    let rows = facts.columns.iter().map(|column| {
        [
            name(&column.source),
            name(&column.source_type),
            name(&column.target),
            name(&column.target_type),
            if column.nullable { "yes" } else { "no" }.to_owned(),
            known(&column.default),
            match &column.note {
                Some(note) => format!("{}: {}", prose(&column.fidelity), prose(note)),
                None => prose(&column.fidelity),
            },
            known_count(column.nulls),
            known_count(column.empty),
            known_count(column.distinct),
            known(&column.minimum),
            known(&column.maximum),
            known_count(column.longest),
        ]
    });
    table(text, heads, rows);
}

pub(super) fn phases(text: &mut String, facts: &Facts) {
    heading(text, "Timeline");
    if facts.phases.is_empty() {
        return paragraph(text, "No phase has run.");
    }
    let rows = facts.phases.iter().map(|phase| {
        [
            prose(&phase.phase),
            prose(&figures::moment(&phase.started_at)),
            seconds(phase.seconds),
            count(u64::from(phase.runs)),
        ]
    });
    table(text, [("Phase", Left), ("Last started", Left), ("Time", Right), ("Runs", Right)], rows);
}

pub(super) fn run(text: &mut String, facts: &Facts) {
    heading(text, "This run");
    let unknown = || figures::UNKNOWN.to_owned();
    let rows = [
        ["Run".to_owned(), name(&facts.run_id)],
        ["Plan's fingerprint".to_owned(), name(&facts.fingerprint)],
        ["Source's identity".to_owned(), name(&facts.source.identity)],
        ["SQL Server".to_owned(), facts.source.server_version.as_deref().map_or_else(unknown, prose)],
        [
            "PostgreSQL".to_owned(),
            facts.target.as_ref().map_or_else(unknown, |target| prose(&target.server_version)),
        ],
        ["mssql2pg".to_owned(), prose(&facts.tool_version)],
        ["Written".to_owned(), prose(&figures::moment(&facts.gathered_at))],
    ];
    table(text, [("", Left), ("", Left)], rows.into_iter());
    if facts.settings.is_empty() {
        return paragraph(text, "No setting is recorded yet.");
    }
    paragraph(text, "Settings that shape the plan:");
    let settings = facts.settings.iter().map(|(key, value)| [name(key), name(value)]);
    table(text, [("Setting", Left), ("Value", Left)], settings);
}

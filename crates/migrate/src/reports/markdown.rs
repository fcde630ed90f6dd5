//! `report.md`: the facts in GitHub's Markdown, for a pull request, a ticket or a terminal.
//!
//! Invariant: names, keys and texts of a foreign database cannot become Markdown or HTML; a cell never
//! breaks its table. Every part is a function that appends to the text.

use super::figures::{self, Totals, bytes, count, counted, known_count, sentence};
use super::{Report, ReportError};
use crate::facts::{Facts, TableFacts, TableStatus, VerdictState};

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

/// How a column of a table is aligned.
#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}
use Align::{Left, Right};

/// Appends a table. Cells are Markdown already: [`name`], [`prose`] or numbers.
fn table<const N: usize>(
    text: &mut String,
    heads: [(&str, Align); N],
    rows: impl Iterator<Item = [String; N]>,
) {
    row(text, &heads.map(|(head, _)| head.to_owned()));
    row(
        text,
        &heads.map(|(_, align)| match align {
            Left => "---".to_owned(),
            Right => "---:".to_owned(),
        }),
    );
    for cells in rows {
        row(text, &cells);
    }
    text.push('\n');
}

fn row(text: &mut String, cells: &[String]) {
    text.push_str("| ");
    text.push_str(&cells.join(" | "));
    text.push_str(" |\n");
}

fn heading(text: &mut String, words: &str) {
    text.push_str("## ");
    text.push_str(words);
    text.push_str("\n\n");
}

fn paragraph(text: &mut String, words: &str) {
    text.push_str(words);
    text.push_str("\n\n");
}

/// A name, key or type: a code span where its characters allow that, else escaped text. A backslash
/// before a pipe cannot be written in a code span of a table (GitHub's tables extension).
fn name(text: &str) -> String {
    let plain = !text.contains(['`', '|', '\\', '\r', '\n', '\t']) && text.trim() == text && !text.is_empty();
    match figures::visible(text) {
        std::borrow::Cow::Borrowed(text) if plain => format!("`{text}`"),
        _ => prose(text),
    }
}

/// Text that stands for itself, on one line: everything that Markdown would read is escaped.
fn prose(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in figures::visible(text).chars() {
        match character {
            '\r' => {}
            '\n' | '\t' => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn names(texts: &[String]) -> String {
    texts.iter().map(|text| name(text)).collect::<Vec<_>>().join(", ")
}

/// Sample keys, and how many more there are.
fn keys(samples: &[String], whole: Option<u64>) -> String {
    match whole.and_then(|whole| whole.checked_sub(samples.len() as u64)) {
        Some(more) if more > 0 && !samples.is_empty() => {
            format!("{} and {} more", names(samples), count(more))
        }
        _ => names(samples),
    }
}

/// As Markdown: `<1 ms` must not look like HTML.
fn seconds(number: f64) -> String {
    prose(&figures::seconds(number))
}

/// Likewise for `<0.1 %`.
fn percent(part: u64, whole: u64) -> String {
    prose(&figures::percent(part, whole))
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

/// Text of a code object, folded. The fence is longer than any row of backticks within.
fn folded_text(text: &mut String, object: &str, code: &str) {
    let (shown, whole_length) = figures::clip(code);
    let longest = shown.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let note = match whole_length {
        Some(length) => format!(
            "The beginning of {} characters; the whole text is in `report.json`.\n\n",
            count(length as u64)
        ),
        None => String::new(),
    };
    let shown = figures::visible(shown);
    text.push_str(&format!(
        "<details><summary>{}</summary>\n\n{fence}sql\n{}\n{fence}\n\n{note}</details>\n\n",
        html(object),
        shown.trim_end()
    ));
}

/// Text within an HTML element, on one line.
fn html(text: &str) -> String {
    figures::visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(['\r', '\n'], " ")
}

fn details(text: &mut String, facts: &Facts) {
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
        text.push('\n');
        columns(text, facts);
        text.push_str("</details>\n\n");
    }
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
    ];
    let rows = facts.columns.iter().map(|column| {
        [
            name(&column.source),
            name(&column.source_type),
            name(&column.target),
            name(&column.target_type),
            if column.nullable { "yes" } else { "no" }.to_owned(),
            column.default.as_deref().map(name).unwrap_or_default(),
            match &column.note {
                Some(note) => format!("{}: {}", prose(&column.fidelity), prose(note)),
                None => prose(&column.fidelity),
            },
        ]
    });
    table(text, heads, rows);
}

fn phases(text: &mut String, facts: &Facts) {
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

fn run(text: &mut String, facts: &Facts) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    /// Cells of a row, as GitHub's tables extension splits them: at pipes that no backslash escapes.
    fn cells(line: &str) -> usize {
        let mut pipes = 0;
        let mut escaped = false;
        for character in line.chars() {
            match character {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '|' if !escaped => pipes += 1,
                _ => {}
            }
            escaped = false;
        }
        pipes - 1
    }

    /// Lines outside of fenced code.
    fn lines_outside_of_fences(text: &str) -> Vec<&str> {
        let mut fence: Option<&str> = None;
        let mut lines = Vec::new();
        for line in text.lines() {
            match fence {
                Some(closing) if line == closing => fence = None,
                Some(_) => {}
                None if line.starts_with("```") => fence = Some(line.trim_end_matches("sql")),
                None => lines.push(line),
            }
        }
        assert_eq!(fence, None, "a fence is left open");
        lines
    }

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_head() {
        for facts in made_up::all() {
            let text = write(&facts).unwrap();
            let mut expected = None;
            let mut tables = 0;
            for line in lines_outside_of_fences(&text) {
                if !line.starts_with('|') {
                    expected = None;
                    continue;
                }
                tables += usize::from(expected.is_none());
                assert_eq!(*expected.get_or_insert(cells(line)), cells(line), "{line}");
            }
            assert!(tables >= 2, "{tables}");
        }
    }

    #[test]
    fn the_verdict_stands_in_the_first_line_and_every_table_in_the_text() {
        for facts in made_up::all() {
            let text = write(&facts).unwrap();
            let first = text.lines().next().unwrap();
            assert!(first.contains(figures::verdict_word(facts.verdict.state)), "{first}");
            for table in &facts.tables {
                assert!(text.contains(&name(&table.source)), "{}", table.source);
            }
            for finding in &facts.findings {
                assert!(text.contains(&prose(&sentence(&finding.message))), "{}", finding.message);
            }
        }
    }

    #[test]
    fn names_from_a_foreign_database_are_inert() {
        let text = write(&made_up::failed_run()).unwrap();
        for line in lines_outside_of_fences(&text) {
            // Code spans stand for themselves; what is left must hold no tag but ours.
            let unescaped = line.replace("\\\\", "").replace("\\`", "");
            let outside: String = unescaped.split('`').step_by(2).collect();
            let outside = outside.replace("<details>", "").replace("</details>", "");
            let outside = outside.replace("<summary>", "").replace("</summary>", "");
            assert!(!outside.contains('<'), "{line}");
        }
        assert!(!text.contains('\u{202e}'));
    }

    #[test]
    fn text_is_escaped_as_markdown_needs_it() {
        let check = |text: &str, expected: &str| assert_eq!(name(text), expected);
        check("dbo.Order_Lines", "`dbo.Order_Lines`");
        check("a<b>c", "`a<b>c`");
        check("a|b", "a\\|b");
        check("a\\|b", "a\\\\\\|b");
        check("a`b_c", "a\\`b\\_c");
        check("two\nlines", "two lines");
        check("", "");
        check("\0", "\\\\u{0}");
    }

    #[test]
    fn a_fence_is_longer_than_the_backticks_within() {
        let mut text = String::new();
        folded_text(&mut text, "t", "a\n````\nb");
        assert!(text.contains("\n`````sql\na\n````\nb\n`````\n"), "{text}");
    }
}

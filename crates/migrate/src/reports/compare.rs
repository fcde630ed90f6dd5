//! Two runs side by side: what is new, what is gone, what takes longer; in Markdown for the console, and as a page.
//!
//! Invariant: pure; both runs come as their [`Facts`], whatever their sources and targets are.
//!
//! To extend: a part is a function from both runs' facts to a [`Part`] and its line in [`compare`].

use super::figures::{count, known_count, seconds, severity_word, verdict_word};
use super::markdown::text::prose;
use crate::facts::{Facts, TableFacts, VerdictState};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A run beside another one, which is called the other throughout.
#[derive(Debug, Serialize)]
pub struct Comparison {
    database: String,
    sides: [Side; 2],
    parts: Vec<Part>,
}

/// One of the two runs.
#[derive(Debug, Serialize)]
struct Side {
    /// `this run` or `the other run`.
    title: &'static str,
    /// Where it is.
    name: String,
    state: VerdictState,
    word: &'static str,
    sentence: String,
}

impl Side {
    fn of(title: &'static str, facts: &Facts) -> Self {
        Self {
            title,
            name: facts.run_id.clone(),
            state: facts.verdict.state,
            word: verdict_word(facts.verdict.state),
            sentence: facts.verdict.sentence.clone(),
        }
    }
}

/// One table of a comparison.
#[derive(Debug, Serialize)]
struct Part {
    title: &'static str,
    /// What stands in the rows.
    columns: &'static [&'static str],
    /// Whether all but the first and the last column hold counts.
    counts: bool,
    rows: Vec<Vec<String>>,
    /// What is said beneath, or in place of a table without rows.
    note: Option<String>,
}

/// What stands where a run has nothing of the kind.
const NONE: &str = "–";

/// Compares a run with another one.
pub fn compare(ours: &Facts, other: &Facts) -> Comparison {
    let loss = |facts: &Facts| -> BTreeMap<String, u64> {
        let losses = facts.tables.iter().flat_map(|table| table.losses.iter().map(move |loss| (table, loss)));
        losses
            .map(|(table, loss)| {
                (format!("{}.{}: {}", table.source, loss.column, loss.kind.label()), loss.count)
            })
            .collect()
    };
    let unconverted = |facts: &Facts| -> BTreeMap<String, u64> {
        facts.unconverted.iter().map(|object| (format!("{} {}", object.kind, object.object), 1)).collect()
    };
    let parts = vec![
        runs(ours, other),
        tables(ours, other),
        counts("Findings", &findings(ours), &findings(other)),
        counts("Altered values", &loss(ours), &loss(other)),
        counts("Objects not converted", &unconverted(ours), &unconverted(other)),
        settings(ours, other),
        phases(ours, other),
    ];
    let sides = [Side::of("this run", ours), Side::of("the other run", other)];
    Comparison { database: ours.database.clone(), sides, parts }
}

impl Comparison {
    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Says where the two runs are, by the names of their folders or files.
    #[must_use]
    pub fn named(mut self, ours: &str, other: &str) -> Self {
        for (side, name) in self.sides.iter_mut().zip([ours, other]) {
            name.clone_into(&mut side.name);
        }
        self
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut page = format!("# {}: this run and another\n\n", prose(&self.database));
        for Side { title, name, word, sentence, .. } in &self.sides {
            page.push_str(&format!("- {title}, {}: {word}: {}\n", prose(name), prose(sentence)));
        }
        for Part { title, columns, rows, note, .. } in &self.parts {
            page.push_str(&format!("\n## {title}\n\n"));
            if !rows.is_empty() {
                page.push_str(&format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len())));
            }
            for row in rows {
                let cells: Vec<String> = row.iter().map(|cell| prose(cell)).collect();
                page.push_str(&format!("| {} |\n", cells.join(" | ")));
            }
            let between = if rows.is_empty() { "" } else { "\n" };
            page.extend(note.iter().map(|note| format!("{between}{note}\n")));
        }
        page
    }

    /// As a page like `report.html`.
    ///
    /// # Errors
    /// A defect of its template.
    pub fn html(&self) -> Result<String, super::ReportError> {
        super::html::comparison(self)
    }
}

fn runs(ours: &Facts, other: &Facts) -> Part {
    let row = |name: &str, of: &dyn Fn(&Facts) -> String| vec![name.to_owned(), of(ours), of(other)];
    let rows = vec![
        row("guarantee", &|facts| facts.verdict.guarantee.clone()),
        row("as of", &|facts| facts.gathered_at.clone()),
        row("run", &|facts| facts.run_id.clone()),
        row("source", &|facts| facts.source.location.clone()),
        row("target", &|facts| {
            facts.target.as_ref().map_or_else(|| NONE.to_owned(), |target| target.location.clone())
        }),
        row("fingerprint", &|facts| facts.fingerprint.clone()),
        row("mssql2pg", &|facts| facts.tool_version.clone()),
    ];
    Part { title: "Runs", columns: &["", "this run", "the other run"], counts: false, rows, note: None }
}

fn phases(ours: &Facts, other: &Facts) -> Part {
    let time = |facts: &Facts, phase: &str| {
        facts.phases.iter().find(|known| known.phase == phase).map(|known| known.seconds)
    };
    let shown = |time: Option<f64>| time.map_or_else(|| NONE.to_owned(), seconds);
    let mut names: Vec<&str> = ours.phases.iter().map(|phase| phase.phase.as_str()).collect();
    let more = other.phases.iter().map(|phase| phase.phase.as_str());
    names.extend(more.filter(|name| time(ours, name).is_none()));
    let row = |name: &str| {
        let (now, before) = (time(ours, name), time(other, name));
        // Of moments a ratio says nothing.
        let ratio = now.zip(before).filter(|(now, before)| now.min(*before) >= 0.1);
        let ratio = ratio.map(|(now, before)| now / before);
        let ratio = ratio.map_or_else(|| NONE.to_owned(), |ratio| format!("{ratio:.2}"));
        vec![name.to_owned(), shown(now), shown(before), ratio]
    };
    let rows: Vec<_> = names.into_iter().map(row).collect();
    let note = rows.is_empty().then(|| "No phase has run.".to_owned());
    Part {
        title: "Phases",
        columns: &["phase", "this run", "the other run", "ratio"],
        counts: true,
        rows,
        note,
    }
}

/// Tables of which anything differs, and how many are as they were.
fn tables(ours: &Facts, other: &Facts) -> Part {
    let mut names: Vec<&str> = ours.tables.iter().map(|table| table.source.as_str()).collect();
    let more = other.tables.iter().map(|table| table.source.as_str());
    names.extend(more.filter(|name| !ours.tables.iter().any(|table| table.source == *name)));
    fn of<'a>(facts: &'a Facts, name: &str) -> Option<&'a TableFacts> {
        facts.tables.iter().find(|table| table.source == name)
    }
    let shown = |table: Option<&TableFacts>| {
        table.map_or_else(
            || NONE.to_owned(),
            |table| {
                let rows = table.target_rows.or(table.baseline_rows);
                format!("{}, {} rows", table.status.label(), known_count(rows))
            },
        )
    };
    let (mut rows, mut same, mut unread) = (Vec::new(), 0, 0_u64);
    for name in names {
        let pair = (of(ours, name), of(other, name));
        let change = match pair {
            (Some(left), Some(right)) => {
                let seen = |table: &TableFacts| (table.status, table.baseline_rows, table.target_rows);
                // What is in the targets; a column of another type makes all of it another.
                let contents = left.digest_read.as_ref().zip(right.digest_read.as_ref());
                let types = |table: &TableFacts| -> Vec<String> {
                    table.columns.iter().map(|column| column.target_type.clone()).collect()
                };
                let contents = contents.filter(|_| types(left) == types(right));
                match contents.map(|(left, right)| left == right) {
                    Some(false) => "contents differ",
                    known if seen(left) == seen(right) => {
                        same += 1;
                        unread += u64::from(known.is_none());
                        continue;
                    }
                    Some(true) => "equal contents",
                    None => "contents not compared",
                }
            }
            (Some(_), None) => "new",
            (None, _) => "gone",
        };
        rows.push(vec![name.to_owned(), shown(pair.0), shown(pair.1), change.to_owned()]);
    }
    let by_counts = match unread {
        0 => String::new(),
        unread => format!("; of {} only the counts are known", count(unread)),
    };
    Part {
        title: "Tables",
        columns: &["table", "this run", "the other run", "change"],
        counts: false,
        rows,
        note: Some(format!("{} as in the other run{by_counts}.", count(same))),
    }
}

fn findings(facts: &Facts) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for finding in &facts.findings {
        let severity = severity_word(finding.severity);
        *counts.entry(format!("{} {} ({severity})", finding.code, finding.object)).or_insert(0_u64) +=
            finding.count.unwrap_or(1);
    }
    counts
}

/// What is in one of two lists, or has another count.
fn counts(title: &'static str, ours: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>) -> Part {
    let names: BTreeSet<&String> = ours.keys().chain(other.keys()).collect();
    let shown = |number: Option<&u64>| number.map_or_else(|| NONE.to_owned(), |number| count(*number));
    let row = |name: &String| {
        let (now, before) = (ours.get(name), other.get(name));
        let change = match (now, before) {
            (Some(now), Some(before)) if now == before => return None,
            (Some(now), Some(before)) if now > before => "more",
            (Some(_), Some(_)) => "fewer",
            (Some(_), None) => "new",
            (None, _) => "gone",
        };
        Some(vec![name.clone(), shown(now), shown(before), change.to_owned()])
    };
    let rows: Vec<_> = names.into_iter().filter_map(row).collect();
    let note = rows.is_empty().then(|| "As in the other run.".to_owned());
    Part { title, columns: &["what", "this run", "the other run", "change"], counts: true, rows, note }
}

fn settings(ours: &Facts, other: &Facts) -> Part {
    let of = |facts: &Facts| facts.settings.iter().cloned().collect::<BTreeMap<String, String>>();
    let (left, right) = (of(ours), of(other));
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let shown = |value: Option<&String>| value.map_or_else(|| NONE.to_owned(), Clone::clone);
    let changed = keys.into_iter().filter(|key| left.get(*key) != right.get(*key));
    let rows: Vec<_> =
        changed.map(|key| vec![key.clone(), shown(left.get(key)), shown(right.get(key))]).collect();
    let note = rows.is_empty().then(|| "The same.".to_owned());
    Part { title: "Settings", columns: &["setting", "this run", "the other run"], counts: false, rows, note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    #[test]
    fn a_run_compared_with_itself_has_nothing_new() {
        for facts in made_up::all() {
            let page = compare(&facts, &facts).markdown();
            assert!(!page.contains("| new |") && !page.contains("| gone |"), "{page}");
            assert!(page.contains(&format!("{} as in the other run", count(facts.tables.len() as u64))));
            assert!(page.contains("\nThe same.\n"));
        }
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_told() {
        let ours = made_up::failed_run();
        let mut other = made_up::failed_run();
        let gone = ours.findings[0].clone();
        other.findings.retain(|finding| finding.object != gone.object);
        other.tables[0].baseline_rows = Some(1);
        other.settings.push(("text.nul".to_owned(), "other".to_owned()));
        // Not validated: that says nothing about contents.
        other.tables[1].digest_read = None;
        other.tables[1].baseline_rows = Some(2);
        other.tables[2].source = "dbo.A\n\n# MIGRATED <b>".to_owned();
        let page = compare(&ours, &other).markdown();
        let line = |page: &str, change: &str| {
            page.lines().any(|line| line.starts_with(&format!("| {} ", gone.code)) && line.ends_with(change))
        };
        assert!(line(&page, "| new |"), "{page}");
        assert!(page.contains("| text.nul |"), "{page}");
        let of_second = format!("| {} |", prose(&ours.tables[1].source));
        let of_second = page.lines().find(|line| line.starts_with(&of_second)).unwrap();
        assert!(of_second.ends_with("| contents not compared |"), "{of_second}");
        assert!(!page.contains("\n# MIGRATED") && !page.contains("<b>"), "{page}");
        let back = compare(&other, &ours).markdown();
        assert!(line(&back, "| gone |"), "{back}");
    }
}

//! Two runs side by side: what is new, what is gone, what takes longer. In Markdown, which the console shows as it is.
//!
//! Invariant: pure; both runs come as their [`Facts`], whatever their sources and targets are.

use super::figures::{count, known_count, seconds, verdict_word};
use crate::facts::{Facts, TableFacts};
use std::collections::BTreeMap;

/// The comparison of a run with another one, which is called the other throughout.
pub fn compare(ours: &Facts, other: &Facts) -> String {
    let mut page = format!("# {} and another run\n", escaped(&ours.database));
    page.push_str("\n| | this run | the other run |\n|---|---|---|\n");
    let mut row = |name: &str, ours: String, other: String| {
        page.push_str(&format!("| {name} | {} | {} |\n", escaped(&ours), escaped(&other)));
    };
    row("run", ours.run_id.clone(), other.run_id.clone());
    row("as of", ours.gathered_at.clone(), other.gathered_at.clone());
    row("verdict", verdict_word(ours.verdict.state).to_owned(), verdict_word(other.verdict.state).to_owned());
    row("", ours.verdict.sentence.clone(), other.verdict.sentence.clone());
    row("source", ours.source.location.clone(), other.source.location.clone());
    row("fingerprint", ours.fingerprint.clone(), other.fingerprint.clone());
    row("version", ours.tool_version.clone(), other.tool_version.clone());
    page.push_str(&phases(ours, other));
    page.push_str(&tables(ours, other));
    let finding = |facts: &Facts| -> BTreeMap<String, u64> {
        let named = facts
            .findings
            .iter()
            .map(|finding| (format!("{} {}", finding.code, finding.object), finding.count.unwrap_or(1)));
        named.collect()
    };
    page.push_str(&counts("Findings", &finding(ours), &finding(other)));
    let loss = |facts: &Facts| -> BTreeMap<String, u64> {
        let losses = facts.tables.iter().flat_map(|table| table.losses.iter().map(move |loss| (table, loss)));
        losses
            .map(|(table, loss)| {
                (format!("{}.{}: {}", table.source, loss.column, loss.kind.label()), loss.count)
            })
            .collect()
    };
    page.push_str(&counts("Altered values", &loss(ours), &loss(other)));
    let unconverted = |facts: &Facts| -> BTreeMap<String, u64> {
        facts.unconverted.iter().map(|object| (format!("{} {}", object.kind, object.object), 1)).collect()
    };
    page.push_str(&counts("Objects not converted", &unconverted(ours), &unconverted(other)));
    page.push_str(&settings(ours, other));
    page
}

fn phases(ours: &Facts, other: &Facts) -> String {
    let mut text =
        String::from("\n## Phases\n\n| phase | this run | the other run | ratio |\n|---|---|---|---|\n");
    for phase in &ours.phases {
        let before = other.phases.iter().find(|known| known.phase == phase.phase).map(|known| known.seconds);
        let ratio =
            before.filter(|before| *before > 0.0).map(|before| format!("{:.2}", phase.seconds / before));
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            phase.phase,
            seconds(phase.seconds),
            before.map_or_else(|| "–".to_owned(), seconds),
            ratio.unwrap_or_else(|| "–".to_owned())
        ));
    }
    text
}

/// Tables of which anything differs, and how many are as they were.
fn tables(ours: &Facts, other: &Facts) -> String {
    let mut names: Vec<&str> = ours.tables.iter().map(|table| table.source.as_str()).collect();
    let more = other.tables.iter().map(|table| table.source.as_str());
    names.extend(more.filter(|name| !ours.tables.iter().any(|table| table.source == *name)));
    let of = |facts: &'_ Facts, name: &str| facts.tables.iter().find(|table| table.source == name).cloned();
    let shown = |table: &Option<TableFacts>| match table {
        None => "–".to_owned(),
        Some(table) => format!("{}, {} rows", table.status.label(), known_count(table.baseline_rows)),
    };
    let (mut text, mut same) = (String::new(), 0);
    for name in names {
        let (left, right) = (of(ours, name), of(other, name));
        let is_same = left.as_ref().zip(right.as_ref()).is_some_and(|(left, right)| {
            (left.status, left.baseline_rows, left.target_rows, &left.digest_sent)
                == (right.status, right.baseline_rows, right.target_rows, &right.digest_sent)
        });
        if is_same {
            same += 1;
            continue;
        }
        let contents = left.zip(right).map(|(left, right)| {
            let words = match left.digest_sent == right.digest_sent {
                true => "equal",
                false => "differ",
            };
            (shown(&Some(left)), shown(&Some(right)), words)
        });
        let (left, right, words) =
            contents.unwrap_or_else(|| (shown(&of(ours, name)), shown(&of(other, name)), "–"));
        text.push_str(&format!("| {} | {left} | {right} | {words} |\n", escaped(name)));
    }
    let head = match text.is_empty() {
        true => "",
        false => "| table | this run | the other run | contents |\n|---|---|---|---|\n",
    };
    format!("\n## Tables\n\n{head}{text}\n{} as in the other run.\n", count(same))
}

/// What is in one of two lists, or has another count.
fn counts(title: &str, ours: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>) -> String {
    let mut lines = Vec::new();
    for (name, number) in ours {
        match other.get(name) {
            None => lines.push(format!("- new: {} ({})", escaped(name), count(*number))),
            Some(before) if before != number => {
                lines.push(format!("- {}: {}, other: {}", escaped(name), count(*number), count(*before)));
            }
            Some(_) => {}
        }
    }
    for (name, number) in other.iter().filter(|(name, _)| !ours.contains_key(*name)) {
        lines.push(format!("- gone: {} ({})", escaped(name), count(*number)));
    }
    if lines.is_empty() {
        lines.push("As in the other run.".to_owned());
    }
    format!("\n## {title}\n\n{}\n", lines.join("\n"))
}

fn settings(ours: &Facts, other: &Facts) -> String {
    let of = |facts: &Facts| facts.settings.iter().cloned().collect::<BTreeMap<String, String>>();
    let (left, right) = (of(ours), of(other));
    let mut text = String::new();
    let keys: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for key in keys {
        let shown = |value: Option<&String>| value.map_or_else(|| "–".to_owned(), |value| escaped(value));
        if left.get(key) != right.get(key) {
            let (one, two) = (shown(left.get(key)), shown(right.get(key)));
            text.push_str(&format!("| {} | {one} | {two} |\n", escaped(key)));
        }
    }
    match text.is_empty() {
        true => "\n## Settings\n\nThe same.\n".to_owned(),
        false => format!("\n## Settings\n\n| setting | this run | the other run |\n|---|---|---|\n{text}"),
    }
}

/// Safe in a cell of a table: names come from foreign databases.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in super::figures::visible(text).chars() {
        if matches!(letter, '|' | '\\' | '`' | '*' | '<' | '>' | '[' | ']') {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    #[test]
    fn a_run_compared_with_itself_has_nothing_new() {
        for facts in made_up::all() {
            let page = compare(&facts, &facts);
            assert!(!page.contains("- new:") && !page.contains("- gone:"), "{page}");
            assert!(page.contains(&format!("{} as in the other run.", count(facts.tables.len() as u64))));
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
        let page = compare(&ours, &other);
        assert!(page.contains(&format!("- new: {} ", gone.code)), "{page}");
        assert!(page.contains("| text.nul |"), "{page}");
        let back = compare(&other, &ours);
        assert!(back.contains(&format!("- gone: {} ", gone.code)), "{back}");
    }
}

//! Markdown by its elements: tables, headings, names and prose. Every report in Markdown is written with these.
//!
//! Invariant: what they are given as a name or as prose stays that, whatever it contains.

use super::super::figures::{self, count};
use Align::{Left, Right};

/// How a column of a table is aligned.
#[derive(Clone, Copy)]
pub(in crate::reports) enum Align {
    Left,
    Right,
}
/// Appends a table. Cells are Markdown already: [`name`], [`prose`] or numbers.
pub(in crate::reports) fn table<const N: usize>(
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

pub(in crate::reports) fn heading(text: &mut String, words: &str) {
    text.push_str("## ");
    text.push_str(words);
    text.push_str("\n\n");
}

pub(in crate::reports) fn paragraph(text: &mut String, words: &str) {
    text.push_str(words);
    text.push_str("\n\n");
}

/// A name, key or type: a code span where its characters allow that, else escaped text. A backslash
/// before a pipe cannot be written in a code span of a table (GitHub's tables extension).
pub(in crate::reports) fn name(text: &str) -> String {
    let plain = !text.contains(['`', '|', '\\', '\r', '\n', '\t']) && text.trim() == text && !text.is_empty();
    match figures::visible(text) {
        std::borrow::Cow::Borrowed(text) if plain => format!("`{text}`"),
        _ => prose(text),
    }
}

/// Text that stands for itself, on one line: everything that Markdown would read is escaped.
pub(in crate::reports) fn prose(text: &str) -> String {
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

pub(in crate::reports) fn names(texts: &[String]) -> String {
    texts.iter().map(|text| name(text)).collect::<Vec<_>>().join(", ")
}

/// Sample keys, and how many more there are.
pub(in crate::reports) fn keys(samples: &[String], whole: Option<u64>) -> String {
    match whole.and_then(|whole| whole.checked_sub(samples.len() as u64)) {
        Some(more) if more > 0 && !samples.is_empty() => {
            format!("{} and {} more", names(samples), count(more))
        }
        _ => names(samples),
    }
}

/// As Markdown: `<1 ms` must not look like HTML.
pub(in crate::reports) fn seconds(number: f64) -> String {
    prose(&figures::seconds(number))
}

/// Likewise for `<0.1 %`.
pub(in crate::reports) fn percent(part: u64, whole: u64) -> String {
    prose(&figures::percent(part, whole))
}

/// Text of a code object, folded. The fence is longer than any row of backticks within.
pub(in crate::reports) fn folded_text(text: &mut String, object: &str, code: &str) {
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
pub(in crate::reports) fn html(text: &str) -> String {
    figures::visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(['\r', '\n'], " ")
}

//! What people read: errors, notes and tables. Data goes to stdout, everything else to stderr; a
//! broken pipe is success.

use comfy_table::{CellAlignment, Table, presets};
use mssql2pg_migrate::Error;
use mssql2pg_migrate::reports::one_line;
use std::error::Error as StdError;
use std::io::{self, Write};

/// An error on its way to the user.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What we could not do.
    message: String,
    /// The causes underneath, nearest first.
    causes: Vec<String>,
    /// The way out.
    hint: Option<String>,
    /// 2 or 3.
    pub(crate) exit_code: u8,
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hint: Some(hint.into()), exit_code: 3 }
    }

    /// An error from elsewhere with a way out.
    pub(crate) fn other(message: impl Into<String>, cause: &dyn StdError, hint: Option<String>) -> Self {
        let mut causes = vec![cause.to_string()];
        causes.extend(chain(cause));
        Self { message: message.into(), causes, hint, exit_code: 2 }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            message: error.to_string(),
            causes: chain(&error),
            hint: error.hint(),
            exit_code: error.exit_code(),
        }
    }
}

fn chain(error: &dyn StdError) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some libraries repeat their cause in their own text.
        if causes.last().is_none_or(|last| !last.contains(&text)) {
            causes.push(text);
        }
        cause = error.source();
    }
    causes
}

/// `error: …`, its causes, and the way out after a blank line.
pub(crate) fn failure(failure: &Failure) {
    let mut text = format!("error: {}\n", failure.message);
    for cause in &failure.causes {
        text.push_str(&format!("  caused by: {}\n", cause.replace('\n', "\n    ")));
    }
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("\nhint: {hint}\n"));
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

/// One line for the user.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Data for the user or a program.
pub(crate) fn data(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// A value as JSON.
pub(crate) fn json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => data(&text),
        Err(error) => note(&format!("cannot write JSON: {error}")),
    }
}

/// A table: the columns in `numbers` are set right.
pub(crate) fn table(header: &[&str], numbers: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    for &place in numbers {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// 1234567 → `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 table`, `12 tables`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(2, "row"), "2 rows");
    }
}

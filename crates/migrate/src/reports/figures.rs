//! Numbers, names and moments as people read them, and the sums over a run that every report opens
//! with. Shared by the reports that are made for people; `report.json` has the raw facts.
//!
//! Invariant: nothing here rounds a difference away. A share that is not nothing never reads `0 %`,
//! one that is not all never reads `100 %`.

pub(super) use crate::checks::severity_word;
use crate::checks::validate;
use crate::facts::{Facts, TableFacts, TableStatus, VerdictState};
use mssql2pg_catalog::Severity;
use serde::Serialize;
use std::borrow::Cow;

/// What stands where a fact is not known (yet).
pub(super) const UNKNOWN: &str = "–";

/// Sums over a run.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Totals {
    /// Tables in the plan.
    pub(super) tables: u64,
    /// Tables that have passed validation.
    pub(super) validated: u64,
    /// Tables that have failed.
    pub(super) failed: u64,
    /// Rows counted in the source; none when no table was counted.
    pub(super) baseline_rows: Option<u64>,
    /// Rows sent and committed; none when nothing was loaded.
    pub(super) loaded_rows: Option<u64>,
    /// Rows read back; none when nothing was validated.
    pub(super) target_rows: Option<u64>,
    /// Rows in `rejects/`.
    pub(super) rejected_rows: u64,
    /// COPY bytes sent.
    pub(super) bytes: u64,
    /// Altered values, over all columns.
    pub(super) altered_values: u64,
    /// Findings of severity blocker.
    pub(super) blockers: u64,
    /// Findings of severity warning.
    pub(super) warnings: u64,
    /// Findings of severity info, which people know as notes.
    pub(super) infos: u64,
    /// Objects that were carried over.
    pub(super) converted: u64,
    /// Objects that were not.
    pub(super) unconverted: u64,
    /// Seconds of all phases.
    pub(super) seconds: f64,
}

/// Adds up a run.
pub(super) fn totals(facts: &Facts) -> Totals {
    let tables = &facts.tables;
    let in_status = |status| tables.iter().filter(|table| table.status == status).count() as u64;
    let of_severity =
        |severity| facts.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    Totals {
        tables: tables.len() as u64,
        validated: in_status(TableStatus::Validated),
        failed: in_status(TableStatus::Failed),
        baseline_rows: sum_known(tables.iter().map(|table| table.baseline_rows)),
        loaded_rows: sum_known(tables.iter().map(|table| table.loaded_rows)),
        target_rows: sum_known(tables.iter().map(|table| table.target_rows)),
        rejected_rows: sum(tables.iter().map(|table| table.rejected_rows)),
        bytes: sum(tables.iter().map(|table| table.bytes)),
        altered_values: sum(tables.iter().flat_map(|table| &table.losses).map(|loss| loss.count)),
        blockers: of_severity(Severity::Blocker),
        warnings: of_severity(Severity::Warning),
        infos: of_severity(Severity::Info),
        converted: sum(facts.converted.iter().map(|(_, count)| *count)),
        unconverted: facts.unconverted.len() as u64,
        seconds: facts.phases.iter().map(|phase| phase.seconds).sum(),
    }
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

/// The sum of what is known; none when nothing is.
fn sum_known(numbers: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    numbers.flatten().fold(None, |total: Option<u64>, number| Some(total.unwrap_or(0).saturating_add(number)))
}

/// Rows in the target less rows in the source; none unless both were counted and differ.
pub(super) fn row_difference(table: &TableFacts) -> Option<i128> {
    let difference = i128::from(table.target_rows?) - i128::from(table.baseline_rows?);
    (difference != 0).then_some(difference)
}

/// Whether the contents read back are those that were sent; none before validation.
pub(super) fn contents_equal(table: &TableFacts) -> Option<bool> {
    Some(table.digest_sent.as_ref()? == table.digest_read.as_ref()?)
}

/// The verdict as one word.
pub(super) fn verdict_word(state: VerdictState) -> &'static str {
    match state {
        VerdictState::Migrated => "Migrated",
        VerdictState::Incomplete => "Incomplete",
        VerdictState::Failed => "Failed",
    }
}

/// With thousands separators: `1,204,118`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and what it counts: `1 note`, `1,200 notes`. The noun is one that takes an `s`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number and the kind of object as [`Facts::converted`] names it: `12 indexes`, `1 index`.
pub(super) fn of_kind(number: u64, kinds: &str) -> String {
    let kind = match kinds.strip_suffix("es").filter(|kind| kind.ends_with('x')) {
        _ if number != 1 => kinds,
        Some(kind) => kind,
        None => kinds.strip_suffix('s').unwrap_or(kinds),
    };
    format!("{} {kind}", count(number))
}

/// A check that failed, as the section about failures tells it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Failure<'a> {
    /// The check's name.
    pub(super) check: &'a str,
    /// What differs.
    pub(super) detail: &'a str,
    /// What to do about it.
    pub(super) advice: Option<&'static str>,
}

/// The checks that failed on a table.
pub(super) fn failures(table: &TableFacts) -> Vec<Failure<'_>> {
    let failed = table.checks.iter().filter(|check| !check.passed);
    failed
        .map(|check| Failure {
            check: &check.check,
            detail: &check.detail,
            advice: validate::advice(&check.check, table.rejected_rows),
        })
        .collect()
}

/// A long name in the pieces between which a line may break: after dots and underscores, at camel humps.
pub(super) fn pieces(name: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut previous = '\0';
    for (at, character) in name.char_indices() {
        let is_hump = character.is_uppercase() && (previous.is_lowercase() || previous.is_ascii_digit());
        let is_end = matches!(previous, '.' | '_' | '-' | '/') && previous != character;
        if at > start && (is_hump || is_end) {
            pieces.extend(name.get(start..at));
            start = at;
        }
        previous = character;
    }
    pieces.extend(name.get(start..));
    pieces
}

/// The same for a number that may be unknown.
pub(super) fn known_count(number: Option<u64>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), count)
}

/// A difference with its sign: `+3` or `−1,200`.
pub(super) fn difference(number: i128) -> String {
    let sign = if number < 0 { '−' } else { '+' };
    let magnitude = u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX);
    format!("{sign}{}", count(magnitude))
}

/// With decimal units: `182.4 MB`.
pub(super) fn bytes(number: u64) -> String {
    if number == 1 {
        return "1 byte".to_owned();
    }
    if number < 1000 {
        return format!("{number} bytes");
    }
    let mut scaled = number as f64 / 1000.0;
    let mut unit = "kB";
    for larger in ["MB", "GB", "TB", "PB", "EB"] {
        // 999.95 would be printed as 1000.0.
        if scaled < 999.95 {
            break;
        }
        scaled /= 1000.0;
        unit = larger;
    }
    format!("{scaled:.1} {unit}")
}

/// As long as it matters: `3 ms`, `12.3 s`, `4 min 12 s`, `2 h 05 min`.
pub(super) fn seconds(number: f64) -> String {
    if !number.is_finite() || number < 0.0 {
        return UNKNOWN.to_owned();
    }
    if number == 0.0 {
        return "0 s".to_owned();
    }
    if number < 0.001 {
        return "<1 ms".to_owned();
    }
    if number < 0.9995 {
        return format!("{:.0} ms", number * 1000.0);
    }
    // 59.95 would be printed as 60.0.
    if number < 59.95 {
        return format!("{number:.1} s");
    }
    let whole = number.round() as u64;
    if whole < 3600 {
        return format!("{} min {:02} s", whole / 60, whole % 60);
    }
    format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
}

/// Rows a second: `45,120 rows/s`; nothing for a time too short to divide by.
pub(super) fn rows_rate(rows: u64, seconds: f64) -> Option<String> {
    (seconds >= 0.001).then(|| format!("{}/s", counted((rows as f64 / seconds).round() as u64, "row")))
}

/// A share in percent with one decimal, honest at both ends: `<0.1 %`, `>99.9 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    if part >= whole {
        return "100 %".to_owned();
    }
    let share = share_percent(part, whole);
    if share < 0.1 {
        "<0.1 %".to_owned()
    } else if share > 99.9 {
        ">99.9 %".to_owned()
    } else {
        format!("{share:.1} %")
    }
}

/// A share in percent, 0 to 100, for geometry.
pub(super) fn share_percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).min(100.0) }
}

/// `2025-01-31T12:00:00Z` as `2025-01-31 12:00:00 UTC`; any other text as it is.
pub(super) fn moment(rfc3339: &str) -> String {
    match rfc3339.strip_suffix('Z').and_then(|local| local.split_once('T')) {
        Some((date, time)) => format!("{date} {time} UTC"),
        None => rfc3339.to_owned(),
    }
}

/// A sentence as it stands alone: a capital first and a period last. A first word that is not plain
/// lower case may be a name, and stays.
pub(super) fn sentence(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or_default().trim_end_matches([',', ';', ':']);
    let plain = !first_word.is_empty() && first_word.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut result = text.to_owned();
    if plain && let Some(first) = result.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !result.is_empty() && !result.ends_with(['.', '!', '?']) {
        result.push('.');
    }
    result
}

/// The first characters of a digest or fingerprint.
pub(super) fn short(digest: &str) -> String {
    const SHOWN: usize = 12;
    match digest.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", digest.get(..end).unwrap_or(digest)),
        None => digest.to_owned(),
    }
}

/// The text with characters that a reader cannot see, or that change the direction of what follows,
/// made visible. Names and keys come from foreign databases: a report must show what is there.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The same on one line, for consoles: no line break, return or tab is left, by which a value could pass for another line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    match visible(text) {
        shown if shown.contains(['\n', '\r', '\t']) => {
            Cow::Owned(shown.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"))
        }
        shown => shown,
    }
}

/// Control characters but line break, return and tab; marks of direction; zero-width characters.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text for a report made to be read: at most [`SHOWN_TEXT`] characters, and how many there are in all
/// when that is more. The whole text is in `report.json`.
pub(super) fn clip(text: &str) -> (&str, Option<usize>) {
    match text.char_indices().nth(SHOWN_TEXT) {
        Some((end, _)) => (text.get(..end).unwrap_or(text), Some(text.chars().count())),
        None => (text, None),
    }
}

/// Characters of T-SQL text that a report shows of one object.
pub(super) const SHOWN_TEXT: usize = 8_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    #[test]
    fn numbers_read_as_people_write_them() {
        let check = |text: String, expected: &str| assert_eq!(text, expected);
        check(count(0), "0");
        check(count(999), "999");
        check(count(1000), "1,000");
        check(count(1_204_118), "1,204,118");
        check(count(u64::MAX), "18,446,744,073,709,551,615");
        check(known_count(None), "–");
        check(difference(-1200), "−1,200");
        check(difference(3), "+3");
        check(bytes(1), "1 byte");
        check(bytes(999), "999 bytes");
        check(bytes(1000), "1.0 kB");
        check(bytes(999_949), "999.9 kB");
        check(bytes(999_960), "1.0 MB");
        check(bytes(182_400_000), "182.4 MB");
        check(bytes(u64::MAX), "18.4 EB");
        check(seconds(0.0), "0 s");
        check(seconds(0.0004), "<1 ms");
        check(seconds(0.25), "250 ms");
        check(seconds(0.9999), "1.0 s");
        check(seconds(59.96), "1 min 00 s");
        check(seconds(252.0), "4 min 12 s");
        check(seconds(7500.0), "2 h 05 min");
        check(seconds(f64::NAN), "–");
        check(seconds(-1.0), "–");
        check(moment("2025-01-31T12:00:00Z"), "2025-01-31 12:00:00 UTC");
        check(moment("yesterday"), "yesterday");
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        let check = |part, whole, expected: &str| assert_eq!(percent(part, whole), expected);
        check(0, 10, "0 %");
        check(1, 1_000_000, "<0.1 %");
        check(1, 3, "33.3 %");
        check(999_999, 1_000_000, ">99.9 %");
        check(5, 5, "100 %");
        check(0, 0, "0 %");
    }

    #[test]
    fn a_sentence_gets_a_capital_and_a_period_but_a_name_is_left_alone() {
        assert_eq!(sentence("all tables passed"), "All tables passed.");
        assert_eq!(sentence("nothing, unless it matters"), "Nothing, unless it matters.");
        assert_eq!(sentence("dbo.Orders failed"), "dbo.Orders failed.");
        assert_eq!(sentence("12 tables passed."), "12 tables passed.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn one_is_told_from_many() {
        let check = |text: String, expected: &str| assert_eq!(text, expected);
        check(counted(1, "note"), "1 note");
        check(counted(0, "note"), "0 notes");
        check(counted(1200, "note"), "1,200 notes");
        check(of_kind(1, "indexes"), "1 index");
        check(of_kind(1, "schemas"), "1 schema");
        check(of_kind(1, "tables"), "1 table");
        check(of_kind(1, "foreign keys"), "1 foreign key");
        check(of_kind(1, "sequences"), "1 sequence");
        check(of_kind(21, "indexes"), "21 indexes");
    }

    #[test]
    fn a_name_breaks_between_its_words() {
        let check = |name: &str, expected: &[&str]| assert_eq!(pieces(name), expected);
        check("dbo.CustomerAddresses", &["dbo.", "Customer", "Addresses"]);
        check("public.customer_addresses", &["public.", "customer_", "addresses"]);
        check("PK__Orders", &["PK__", "Orders"]);
        check("HTTPLog2Entry", &["HTTPLog2", "Entry"]);
        check("ÄpfelÖl", &["Äpfel", "Öl"]);
        check("", &[""]);
        for name in ["a.B_c", made_up::HOSTILE, "..", "_"] {
            assert_eq!(pieces(name).concat(), name);
        }
    }

    #[test]
    fn a_failure_has_its_advice() {
        let failed = made_up::failed_run();
        let all: Vec<_> = failed.tables.iter().flat_map(failures).collect();
        assert_eq!(all.iter().map(|failure| failure.check).collect::<Vec<_>>(), ["contents", "row-counts"]);
        assert!(all[0].advice.unwrap().contains("compare the named columns"));
        assert!(all[1].advice.unwrap().contains("rejects/"));
    }

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(visible("plain\ttext\nwith lines"), "plain\ttext\nwith lines");
        assert_eq!(visible("a\0b\u{202e}c\u{200b}"), "a\\u{0}b\\u{202e}c\\u{200b}");
    }

    #[test]
    fn a_long_text_is_clipped_and_says_so() {
        let text = "é".repeat(SHOWN_TEXT + 1);
        let (shown, whole) = clip(&text);
        assert_eq!((shown.chars().count(), whole), (SHOWN_TEXT, Some(SHOWN_TEXT + 1)));
        assert_eq!(clip("select 1"), ("select 1", None));
        assert_eq!(short("0123456789abcdef"), "0123456789ab…");
        assert_eq!(short("0123"), "0123");
    }

    #[test]
    fn totals_count_only_what_is_known() {
        let empty = totals(&made_up::empty_run());
        assert_eq!((empty.tables, empty.baseline_rows, empty.target_rows), (0, None, None));
        let failed = made_up::failed_run();
        let sums = totals(&failed);
        assert_eq!(sums.failed, 2);
        assert_eq!(sums.validated + sums.failed, sums.tables);
        assert_eq!(sums.blockers + sums.warnings + sums.infos, failed.findings.len() as u64);
        assert_eq!(failed.tables.iter().filter(|table| row_difference(table).is_some()).count(), 1);
    }
}

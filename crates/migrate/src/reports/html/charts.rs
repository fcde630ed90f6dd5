//! Geometry of the report's charts. Positions are percentages of the width, so that a bar fits every
//! window without a script; the template draws them as inline SVG.

use super::super::figures::{self, Totals, row_difference};
use crate::facts::{Facts, TableFacts};
use serde::Serialize;

/// Bars in the chart of row counts; the table beneath it has all.
pub(super) const SHOWN_TABLES: usize = 40;

/// Columns in the profile of NULLs.
pub(super) const SHOWN_COLUMNS: usize = 30;

/// Where 1 stands on a logarithmic axis: 0 is the left edge, and one row must be visible.
const POSITION_OF_ONE: f64 = 5.0;

/// A logarithmic axis from 0 over 1 to a power of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogAxis {
    /// The power of ten at the right edge, at least 1.
    top: u32,
}

/// A mark on an axis.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Tick {
    /// Percent of the width.
    position: f64,
    /// For example `10k`.
    label: String,
    /// SVG's `text-anchor`: the outer labels must not leave the drawing.
    anchor: &'static str,
    /// Whether a narrow window leaves its label out.
    minor: bool,
}

impl LogAxis {
    /// The shortest axis that holds the number.
    pub(super) fn over(largest: u64) -> Self {
        let exponent = largest.max(1).ilog10();
        let top = if 10_u64.pow(exponent) < largest { exponent + 1 } else { exponent };
        Self { top: top.max(1) }
    }

    /// Where a number stands, in percent of the width; never beyond the edge.
    pub(super) fn position(self, number: u64) -> f64 {
        if number == 0 {
            return 0.0;
        }
        let share = (number as f64).log10() / f64::from(self.top);
        round(POSITION_OF_ONE + share.min(1.0) * (100.0 - POSITION_OF_ONE))
    }

    /// A mark at every power of ten.
    pub(super) fn ticks(self) -> Vec<Tick> {
        const NAMES: [&str; 7] = ["", "k", "M", "bn", "tn", "qd", "qn"];
        (0..=self.top)
            .map(|exponent| {
                let name = NAMES.get(exponent as usize / 3).copied().unwrap_or_default();
                let share = f64::from(exponent) / f64::from(self.top);
                Tick {
                    position: round(POSITION_OF_ONE + share * (100.0 - POSITION_OF_ONE)),
                    label: format!("{}{name}", 10_u32.pow(exponent % 3)),
                    anchor: if exponent == self.top { "end" } else { "middle" },
                    minor: self.top > 5 && (self.top - exponent) % 2 == 1,
                }
            })
            .collect()
    }
}

/// Two decimals are finer than a pixel.
fn round(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// Row counts of source and target.
#[derive(Debug, Serialize)]
pub(super) struct RowChart {
    ticks: Vec<Tick>,
    bars: Vec<RowBar>,
    /// Tables that are not drawn.
    left_out: usize,
    /// Tables that are not drawn although their counts differ.
    left_out_differing: usize,
    /// Whether any bar stands for rows that are read back, as many as in the source.
    any_equal: bool,
    /// Whether any bar stands for rows that are loaded but not read back.
    any_loaded: bool,
    /// Whether any bar differs.
    any_differing: bool,
}

/// One table.
#[derive(Debug, Serialize)]
struct RowBar {
    name: String,
    /// The number of the table in the catalog's order.
    number: usize,
    source: Option<f64>,
    target: Option<f64>,
    source_rows: String,
    target_rows: String,
    /// `equal`, `differs` or `loaded`.
    state: &'static str,
    difference: Option<String>,
    summary: String,
}

/// The chart of row counts: the largest tables first. None when no table has a count.
pub(super) fn row_chart(facts: &Facts) -> Option<RowChart> {
    let mut counted: Vec<(usize, &TableFacts, u64)> = facts
        .tables
        .iter()
        .enumerate()
        .filter_map(|(number, table)| Some((number, table, largest_count(table)?)))
        .collect();
    counted.sort_by_key(|(_, _, rows)| std::cmp::Reverse(*rows));
    let axis = LogAxis::over(counted.first()?.2);
    let left_out = counted.split_off(counted.len().min(SHOWN_TABLES));
    let bars: Vec<RowBar> = counted.iter().map(|(number, table, _)| row_bar(axis, *number, table)).collect();
    Some(RowChart {
        ticks: axis.ticks(),
        left_out: left_out.len(),
        left_out_differing: left_out.iter().filter(|(_, table, _)| row_difference(table).is_some()).count(),
        any_equal: bars.iter().any(|bar| bar.state == "equal"),
        any_loaded: bars.iter().any(|bar| bar.state == "loaded" && bar.target.is_some()),
        any_differing: bars.iter().any(|bar| bar.state == "differs"),
        bars,
    })
}

fn largest_count(table: &TableFacts) -> Option<u64> {
    [table.baseline_rows, table.loaded_rows, table.target_rows].into_iter().flatten().max()
}

fn row_bar(axis: LogAxis, number: usize, table: &TableFacts) -> RowBar {
    let (right, state) = match (table.target_rows, row_difference(table)) {
        (Some(rows), Some(_)) => (Some(rows), "differs"),
        (Some(rows), None) => (Some(rows), "equal"),
        (None, _) => (table.loaded_rows, "loaded"),
    };
    let place = if state == "loaded" { "loaded" } else { "target" };
    let source_rows = figures::known_count(table.baseline_rows);
    let target_rows = figures::known_count(right);
    RowBar {
        name: table.source.clone(),
        number,
        source: table.baseline_rows.map(|rows| axis.position(rows)),
        target: right.map(|rows| axis.position(rows)),
        state,
        difference: row_difference(table).map(figures::difference),
        summary: format!("{}: source {source_rows}, {place} {target_rows}", table.source),
        source_rows,
        target_rows,
    }
}

/// NULLs and empty strings by column.
#[derive(Debug, Serialize)]
pub(super) struct Profile {
    rows: Vec<ProfileRow>,
    /// Columns with NULLs or empty strings that are not drawn.
    left_out: usize,
    /// Columns that the audit has counted.
    counted: usize,
}

/// One column that holds NULLs or empty strings.
#[derive(Debug, Serialize)]
struct ProfileRow {
    table: String,
    column: String,
    nulls: u64,
    empty: u64,
    null_share: String,
    empty_share: String,
    null_width: f64,
    empty_width: f64,
    summary: String,
}

/// The columns with the largest share of NULLs and empty strings. None when nothing was counted.
pub(super) fn profile(facts: &Facts) -> Option<Profile> {
    let mut counted = 0;
    let mut rows = Vec::new();
    for table in &facts.tables {
        let Some(whole) = table.baseline_rows else { continue };
        for column in &table.columns {
            if column.nulls.is_none() && column.empty.is_none() {
                continue;
            }
            counted += 1;
            let (nulls, empty) = (column.nulls.unwrap_or(0), column.empty.unwrap_or(0));
            if whole > 0 && (nulls > 0 || empty > 0) {
                rows.push(profile_row(&table.source, &column.source, nulls, empty, whole));
            }
        }
    }
    if counted == 0 {
        return None;
    }
    let share = |row: &ProfileRow| row.null_width + row.empty_width;
    rows.sort_by(|left, right| share(right).total_cmp(&share(left)));
    let left_out = rows.split_off(rows.len().min(SHOWN_COLUMNS)).len();
    Some(Profile { rows, left_out, counted })
}

fn profile_row(table: &str, column: &str, nulls: u64, empty: u64, whole: u64) -> ProfileRow {
    let null_width = figures::share_percent(nulls, whole);
    let empty_width = figures::share_percent(empty, whole).min(100.0 - null_width);
    let (null_share, empty_share) = (figures::percent(nulls, whole), figures::percent(empty, whole));
    ProfileRow {
        table: table.to_owned(),
        column: column.to_owned(),
        nulls,
        empty,
        null_width: round(null_width),
        empty_width: round(empty_width),
        summary: format!("{table}.{column}: {null_share} NULL, {empty_share} empty"),
        null_share,
        empty_share,
    }
}

/// How often each kind of finding occurs.
#[derive(Debug, Serialize)]
pub(super) struct FindingChart {
    ticks: Vec<Tick>,
    bars: Vec<FindingBar>,
}

#[derive(Debug, Serialize)]
struct FindingBar {
    code: String,
    severity: &'static str,
    count: u64,
    width: f64,
}

/// The chart of findings from `(code, severity, occurrences)`, in that order.
pub(super) fn finding_chart(codes: &[(&str, &'static str, u64)]) -> FindingChart {
    let axis = LogAxis::over(codes.iter().map(|(_, _, count)| *count).max().unwrap_or(0));
    let bars = codes
        .iter()
        .map(|(code, severity, count)| FindingBar {
            code: (*code).to_owned(),
            severity,
            count: *count,
            width: axis.position(*count),
        })
        .collect();
    FindingChart { ticks: axis.ticks(), bars }
}

/// A phase on the timeline.
#[derive(Debug, Serialize)]
pub(super) struct PhaseBar {
    phase: String,
    started_at: String,
    time: String,
    runs: u32,
    start: f64,
    width: f64,
    throughput: Option<String>,
}

/// The phases one after the other, without the pauses between commands: what is known of a phase is
/// how long it took over all its runs, so its place on a clock would be wrong after an interruption.
pub(super) fn timeline(facts: &Facts, totals: &Totals) -> Vec<PhaseBar> {
    let length = |seconds: f64| if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    let whole: f64 = facts.phases.iter().map(|phase| length(phase.seconds)).sum();
    let mut before = 0.0;
    facts
        .phases
        .iter()
        .map(|phase| {
            let share = |seconds: f64| if whole > 0.0 { seconds / whole * 100.0 } else { 0.0 };
            // A phase of milliseconds must be visible, also at the right edge.
            let width = share(length(phase.seconds)).max(0.5);
            let start = share(before).min(100.0 - width);
            before += length(phase.seconds);
            PhaseBar {
                phase: phase.phase.clone(),
                started_at: figures::moment(&phase.started_at),
                time: figures::seconds(phase.seconds),
                runs: phase.runs,
                start: round(start),
                width: round(width),
                throughput: throughput(&phase.phase, totals, phase.seconds),
            }
        })
        .collect()
}

/// How fast the phases that touch every row were, over all runs of the phase.
fn throughput(phase: &str, totals: &Totals, seconds: f64) -> Option<String> {
    match phase {
        "audit" => figures::rows_rate(totals.baseline_rows?, seconds),
        "load" => {
            let rate = figures::rows_rate(totals.loaded_rows?, seconds)?;
            let bytes = figures::bytes((totals.bytes as f64 / seconds).round() as u64);
            Some(format!("{rate}, {bytes}/s"))
        }
        "validate" => figures::rows_rate(totals.target_rows?, seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    #[test]
    fn a_logarithmic_axis_ends_at_the_next_power_of_ten() {
        let check = |largest, labels: &[&str]| {
            let ticks = LogAxis::over(largest).ticks();
            assert_eq!(ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), labels);
        };
        check(0, &["1", "10"]);
        check(10, &["1", "10"]);
        check(11, &["1", "10", "100"]);
        check(1_000_000, &["1", "10", "100", "1k", "10k", "100k", "1M"]);
        assert_eq!(LogAxis::over(u64::MAX).ticks().last().unwrap().label, "100qn");
    }

    #[test]
    fn positions_grow_with_the_number_and_stay_within_the_drawing() {
        let axis = LogAxis::over(5_000_000);
        let numbers = [0, 1, 2, 9, 10, 830, 99_999, 5_000_000, 10_000_000];
        let positions: Vec<f64> = numbers.iter().map(|number| axis.position(*number)).collect();
        assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
        assert_eq!((positions[0], positions[1], positions[8]), (0.0, POSITION_OF_ONE, 100.0));
        assert_eq!(axis.position(u64::MAX), 100.0);
    }

    #[test]
    fn the_chart_shows_the_largest_tables_and_says_how_many_it_leaves_out() {
        let mut facts = made_up::large_run(55);
        facts.tables[3].target_rows = Some(1);
        let chart = row_chart(&facts).unwrap();
        assert_eq!((chart.bars.len(), chart.left_out, chart.left_out_differing), (40, 15, 1));
        assert_eq!(chart.bars[0].name, "sales.Archive_054_OfOrders");
        assert!(row_chart(&made_up::empty_run()).is_none());
    }

    #[test]
    fn a_difference_of_one_row_is_told_apart() {
        let mut facts = made_up::validated_run();
        facts.tables[3].target_rows = Some(824_116);
        let chart = row_chart(&facts).unwrap();
        assert_eq!((chart.bars[0].state, chart.bars[0].difference.as_deref()), ("differs", Some("−1")));
        assert!(chart.bars[1..].iter().all(|bar| bar.state == "equal"));
    }

    #[test]
    fn phases_fill_the_timeline_in_order() {
        let facts = made_up::validated_run();
        let bars = timeline(&facts, &figures::totals(&facts));
        assert!(bars.windows(2).all(|pair| pair[0].start < pair[1].start));
        assert!(bars.iter().all(|bar| bar.width > 0.0 && bar.start + bar.width <= 100.01));
        assert_eq!(bars[4].throughput.as_deref(), Some("40,669 rows/s, 3.8 MB/s"));
        assert_eq!(bars[6].throughput.as_deref(), Some("50,326 rows/s"));
        assert_eq!(bars[3].throughput, None);
    }

    #[test]
    fn the_profile_keeps_columns_without_rows_and_without_counts_out() {
        let facts = made_up::validated_run();
        let profile = profile(&facts).unwrap();
        assert!(profile.rows.iter().all(|row| row.nulls + row.empty > 0));
        assert!(profile.rows.iter().all(|row| row.null_width + row.empty_width <= 100.01));
        let mut uncounted = made_up::validated_run();
        for column in uncounted.tables.iter_mut().flat_map(|table| &mut table.columns) {
            (column.nulls, column.empty) = (None, None);
        }
        assert!(super::profile(&uncounted).is_none());
    }
}

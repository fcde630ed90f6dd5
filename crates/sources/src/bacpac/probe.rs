//! Finds the layout of a table whose types leave something open, before any of its rows is delivered.
//!
//! The beginning of the table's first part is parsed without a sink, first as formats.md §1.3 has it. If that fails,
//! every combination of options is tried, one option a *type* (an export is consistent), and the only one that fits
//! is taken. If none or several fit, the table is refused: a guess could shift every value by a byte.
//!
//! Invariant: the result depends on the file alone, never on which split is read first.

use super::bcp::{Cause, Trouble, read_rows};
use super::layout::{self, Ambiguity, Choices, Layout, TimeUnit};
use mssql2pg_catalog::{RowSink, Stop, Table, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How much of a part is parsed at most.
pub(super) const SAMPLE_BYTES: u64 = 4 << 20;
/// How many combinations are tried at most; no table of ours has come near.
const COMBINATION_LIMIT: usize = 512;

/// The beginning of a table's first part.
#[derive(Debug)]
pub(super) struct Sample {
    /// At most [`SAMPLE_BYTES`].
    pub(super) bytes: Vec<u8>,
    /// The size of the whole part.
    pub(super) length: u64,
}

/// No layout, or more than one.
#[derive(Debug)]
pub(super) enum Misfit {
    /// None fits; the trouble is that of the documented layout.
    NoLayout(Trouble),
    /// Several fit and disagree about the values.
    SeveralLayouts,
}

/// The layout of a table. `time_elsewhere` is what other tables of the same export have shown about times.
pub(super) fn find_layout(
    table: &Table,
    sample: &Sample,
    time_elsewhere: impl FnOnce() -> Option<TimeUnit>,
) -> Result<Layout, Misfit> {
    let open = layout::ambiguities(table);
    let plain = Choices::default();
    let first = parse(table, sample, plain);
    let choices = match first {
        Ok(_) => plain,
        Err(trouble) => only_fitting(table, sample, &open, trouble)?,
    };
    let mut found = layout::layout(table, choices);
    if open.contains(&Ambiguity::Time) {
        settle_times(table, sample, choices, &mut found, time_elsewhere);
    }
    Ok(found)
}

/// What this table's sample proves about the unit of times; none if nothing.
pub(super) fn time_evidence(table: &Table, sample: &Sample) -> Option<TimeUnit> {
    let open = layout::ambiguities(table);
    if !open.contains(&Ambiguity::Time) {
        return None;
    }
    let rest: Vec<_> = open.iter().copied().filter(|&one| one != Ambiguity::Time).collect();
    let fits = |option: u8| {
        combinations(&rest).any(|choices| parse(table, sample, choices.with(Ambiguity::Time, option)).is_ok())
    };
    match (fits(0), fits(1)) {
        (true, false) => Some(TimeUnit::Declared),
        (false, true) => Some(TimeUnit::Full),
        _ => None,
    }
}

fn only_fitting(
    table: &Table,
    sample: &Sample,
    open: &[Ambiguity],
    trouble: Trouble,
) -> Result<Choices, Misfit> {
    let mut fitting: Option<(Choices, u64)> = None;
    for choices in combinations(open) {
        let Ok(digest) = parse(table, sample, choices) else { continue };
        match fitting {
            None => fitting = Some((choices, digest)),
            Some((_, before)) if before == digest => {}
            Some(_) => return Err(Misfit::SeveralLayouts),
        }
    }
    fitting.map(|(choices, _)| choices).ok_or(Misfit::NoLayout(trouble))
}

/// Nullable times whose two forms differ in width tell themselves. Where the widths are equal, the sample must prove
/// one form, or another table of the export must; else only midnight is read.
fn settle_times(
    table: &Table,
    sample: &Sample,
    choices: Choices,
    found: &mut Layout,
    time_elsewhere: impl FnOnce() -> Option<TimeUnit>,
) {
    let other = 1 - choices.of(Ambiguity::Time);
    let proven = parse(table, sample, choices.with(Ambiguity::Time, other)).is_err();
    let chosen = if choices.of(Ambiguity::Time) == 1 { TimeUnit::Full } else { TimeUnit::Declared };
    let mut elsewhere = None;
    let mut time_elsewhere = Some(time_elsewhere);
    for column in &mut found.columns {
        let prefixed = column.prefix != layout::Prefix::None;
        let Some(form) = column.time_form().filter(|form| form.scale < 7) else { continue };
        form.unit = match form.width_tells() {
            true if prefixed => TimeUnit::ByWidth,
            tells if tells || proven => chosen,
            _ => {
                if let Some(ask) = time_elsewhere.take() {
                    elsewhere = ask();
                }
                elsewhere.unwrap_or(TimeUnit::Undecided)
            }
        };
    }
}

/// Parses the sample; the answer is a digest of its values.
fn parse(table: &Table, sample: &Sample, choices: Choices) -> Result<u64, Trouble> {
    let mut digest = Digest(DefaultHasher::new());
    let whole = sample.bytes.len() as u64 >= sample.length;
    match read_rows(&sample.bytes[..], sample.length, &layout::layout(table, choices), &mut digest) {
        // The sample was cut somewhere in a row; what stands before it was right.
        Err(Trouble { row: 1.., cause: Cause::EndsInRow, .. }) if !whole => {}
        Err(trouble) => return Err(trouble),
        Ok(_) => {}
    }
    Ok(digest.0.finish())
}

fn combinations(open: &[Ambiguity]) -> impl Iterator<Item = Choices> {
    let total = open.iter().fold(1usize, |total, one| total.saturating_mul(one.options().into()));
    (0..total.min(COMBINATION_LIMIT)).map(move |number| {
        let mut rest = number;
        open.iter().fold(Choices::default(), |choices, &one| {
            let option = rest % usize::from(one.options());
            rest /= usize::from(one.options());
            choices.with(one, option as u8)
        })
    })
}

/// A sink that only remembers whether two parses saw the same values.
struct Digest(DefaultHasher);

impl RowSink for Digest {
    fn value(&mut self, value: Value<'_>) {
        let state = &mut self.0;
        std::mem::discriminant(&value).hash(state);
        match value {
            Value::Null => {}
            Value::Bit(bit) => bit.hash(state),
            Value::Int(number) | Value::Money(number) => number.hash(state),
            Value::Real(number) => number.to_bits().hash(state),
            Value::Float(number) => number.to_bits().hash(state),
            Value::Decimal { magnitude, scale, negative } => (magnitude, scale, negative).hash(state),
            Value::Date(days) => days.hash(state),
            Value::Time(ticks) => ticks.hash(state),
            Value::DateTime2 { days, ticks } => (days, ticks).hash(state),
            Value::DateTime { days, ticks } => (days, ticks).hash(state),
            Value::DateTimeOffset { days, ticks, offset_minutes } => {
                (days, ticks, offset_minutes).hash(state)
            }
            Value::Utf16(bytes) | Value::Utf8(bytes) | Value::Bytes(bytes) => bytes.hash(state),
            Value::CodePage(bytes, page) => (bytes, page).hash(state),
            Value::Guid(bytes) => bytes.hash(state),
            Value::Variant(inner) => {
                inner.base_type.hash(state);
                self.value(inner.value);
            }
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Where to cut: a pure function of what the server answers.
//!
//! Invariant: whatever the answers are, the conditions cover every row exactly once, as long as the server's own
//! comparison of constants is the one that it compares rows with: the cuts of a column stand in the order that the
//! server gave them, and it has said of each that it lies below the next. Statistics decide about sizes only.
//!
//! A level is one column of the key, below fixed values of those before it. Its histogram, or its smallest and largest
//! value, make [`Segment`]s; these make [`Group`]s of about the wanted size; the places where groups begin are the cuts.
//! A group that is one value with too many rows is a level of its own.

use super::between::{between, is_below};
use super::condition::{Condition, Cut};
use super::key::Key;
use super::order::in_the_servers_order;
use super::value::{KeyValue, successor};
use crate::SourceError;

/// No table has more splits.
pub(super) const MOST_SPLITS: usize = 10_000;
/// More rows than this share of a split's are worth a cut.
const LARGE: f64 = 1.5;
/// Groups of equal values that are looked for one by one.
const MOST_VALUES: usize = 24;
/// Questions about one table; what is left uncut then is only slow.
const MOST_QUESTIONS: u32 = 2_000;

/// A step of a histogram: the rows between the step before and its value, and those that have its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// None is NULL.
    pub(super) value: Option<KeyValue>,
    pub(super) rows_below: f64,
    pub(super) rows_equal: f64,
    /// Different values between the step before and this one.
    pub(super) values_below: f64,
}

/// Who answers questions about a table's key. Columns are counted from 0; `same` fixes those before.
pub(super) trait Answers {
    /// The histogram of the first column; none where there is none.
    fn histogram(&mut self) -> Result<Option<Vec<Step>>, SourceError>;
    /// The smallest value of the column that is above `above` and below `below`; none is no limit. NULL is no value.
    fn lowest(
        &mut self,
        same: &[Option<KeyValue>],
        above: Option<&KeyValue>,
        below: Option<&KeyValue>,
    ) -> Result<Option<KeyValue>, SourceError>;
    /// The largest value.
    fn highest(&mut self, same: &[Option<KeyValue>]) -> Result<Option<KeyValue>, SourceError>;
    /// The positions of the values in `values`, in the server's order; none where it does not say.
    fn in_order(&mut self, column: usize, values: &[KeyValue]) -> Result<Option<Vec<usize>>, SourceError>;
    /// Of each pair, whether the first is below the second.
    fn ascend(&mut self, column: usize, pairs: &[(KeyValue, KeyValue)]) -> Result<Vec<bool>, SourceError>;
}

/// A split to be, with the rows that it may have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) condition: Condition,
    pub(super) rows: f64,
}

/// What is known of a part of a column's axis.
#[derive(Debug, Clone, PartialEq)]
enum Segment {
    /// Between two values, both excluded.
    Spread { low: Option<KeyValue>, high: KeyValue, rows: f64 },
    /// One value.
    Same { value: Option<KeyValue>, rows: f64 },
}

/// A piece of the axis from its cut to that of the next group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// None for the first one.
    pub(super) from: Option<Cut>,
    pub(super) rows: f64,
    /// It is one value that has too many rows.
    alone: bool,
    /// Its cut stands at a value that was made up.
    pub(super) made_up: bool,
}

/// What a plan is made with.
struct Context<'a> {
    key: &'a Key<'a>,
    /// Rows that a split should have.
    aim: f64,
    server: &'a mut dyn Answers,
    questions_left: u32,
}

/// The pieces of a table with about `rows` rows, in the order of the key; never none.
///
/// # Errors
/// Those of `server`.
pub(super) fn plan(
    key: &Key<'_>,
    rows: u64,
    rows_per_split: u64,
    server: &mut dyn Answers,
) -> Result<Vec<Piece>, SourceError> {
    let mut aim = rows_per_split.max(1) as f64;
    loop {
        let mut context = Context { key, aim, server, questions_left: MOST_QUESTIONS };
        let pieces = level(&mut context, &mut Vec::new(), rows as f64)?;
        if pieces.len() <= MOST_SPLITS {
            return Ok(pieces);
        }
        aim *= 2.0;
    }
}

/// The pieces of the rows that have `same` in the first columns.
fn level(
    context: &mut Context<'_>,
    same: &mut Vec<Option<KeyValue>>,
    rows: f64,
) -> Result<Vec<Piece>, SourceError> {
    let whole = Piece { condition: Condition { same: same.clone(), from: None, to: None }, rows };
    if rows <= context.aim * LARGE && !same.is_empty() {
        return Ok(vec![whole]);
    }
    let segments = segments(context, same, rows)?;
    let groups = groups(context, same.len(), &segments);
    let bounds = bounds(&segments);
    let Some(groups) = in_the_servers_order(context.server, same.len(), groups, bounds)? else {
        return Ok(vec![whole]);
    };
    let deeper = same.len() + 1 < context.key.columns.len();
    let mut pieces = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let to = groups.get(at + 1).and_then(|next| next.from.clone());
        match one_value(context, same.len(), group.from.as_ref(), to.as_ref()) {
            Some(value) if deeper && group.rows > context.aim * LARGE => {
                same.push(value);
                let inner = level(context, same, group.rows)?;
                same.pop();
                pieces.extend(inner);
            }
            _ => {
                let condition = Condition { same: same.clone(), from: group.from.clone(), to };
                pieces.push(Piece { condition, rows: group.rows });
            }
        }
    }
    Ok(pieces)
}

/// The only value between two cuts, if it is one.
fn one_value(
    context: &Context<'_>,
    column: usize,
    from: Option<&Cut>,
    to: Option<&Cut>,
) -> Option<Option<KeyValue>> {
    match (from, to) {
        (None, Some(Cut::AfterNull)) => Some(None),
        (Some(Cut::Before(low)), Some(Cut::After(high))) if low == high => Some(Some(low.clone())),
        (Some(Cut::Before(low)), Some(Cut::Before(high))) => {
            let next = successor(context.key.columns.get(column)?, low)?;
            (next == *high).then(|| Some(low.clone()))
        }
        _ => None,
    }
}

/// What is known of a level.
fn segments(
    context: &mut Context<'_>,
    same: &[Option<KeyValue>],
    rows: f64,
) -> Result<Vec<Segment>, SourceError> {
    if same.is_empty()
        && let Some(steps) = context.server.histogram()?
    {
        let segments = of_histogram(context, steps, rows)?;
        if !segments.is_empty() {
            return Ok(segments);
        }
    }
    if !context.key.seekable {
        return Ok(Vec::new());
    }
    if same.len() + 1 < context.key.columns.len()
        && let Some(values) = few_values(context, same, None, None)?
    {
        let each = rows / values.len().max(1) as f64;
        return Ok(values
            .into_iter()
            .map(|value| Segment::Same { value: Some(value), rows: each })
            .collect());
    }
    if !may_ask(context) {
        return Ok(Vec::new());
    }
    let low = context.server.lowest(same, None, None)?;
    let high = context.server.highest(same)?;
    Ok(match (low, high) {
        (Some(low), Some(high)) if low != high => {
            vec![
                Segment::Same { value: Some(low.clone()), rows: 0.0 },
                Segment::Spread { low: Some(low), high: high.clone(), rows },
                Segment::Same { value: Some(high), rows: 0.0 },
            ]
        }
        (Some(value), _) => vec![Segment::Same { value: Some(value), rows }],
        _ => Vec::new(),
    })
}

/// Counts a question; false when there were too many.
fn may_ask(context: &mut Context<'_>) -> bool {
    let may = context.questions_left > 0;
    context.questions_left = context.questions_left.saturating_sub(1);
    may
}

/// All values between two, where they are few: each is the smallest above the one before.
fn few_values(
    context: &mut Context<'_>,
    same: &[Option<KeyValue>],
    above: Option<&KeyValue>,
    below: Option<&KeyValue>,
) -> Result<Option<Vec<KeyValue>>, SourceError> {
    let mut values: Vec<KeyValue> = Vec::new();
    while values.len() <= MOST_VALUES {
        if !may_ask(context) {
            return Ok(None);
        }
        match context.server.lowest(same, values.last().or(above), below)? {
            None => return Ok((!values.is_empty()).then_some(values)),
            // Seen before: a value that was cut, or a server with another order.
            Some(value) if values.contains(&value) => return Ok(None),
            Some(value) => values.push(value),
        }
    }
    Ok(None)
}

/// The steps, scaled to the rows that the table has today, and what lies above the last of them.
fn of_histogram(context: &mut Context<'_>, steps: Vec<Step>, rows: f64) -> Result<Vec<Segment>, SourceError> {
    let sane = |number: f64| if number.is_finite() { number.max(0.0) } else { 0.0 };
    let counted: f64 = steps.iter().map(|step| sane(step.rows_below) + sane(step.rows_equal)).sum();
    if counted < 1.0 {
        return Ok(Vec::new());
    }
    let mut missing = (rows - counted).max(0.0);
    let above = match steps.last() {
        // Keys grow: what came after the statistics stands above them.
        Some(Step { value: Some(last), .. })
            if missing > context.aim && context.key.seekable && may_ask(context) =>
        {
            let highest = context.server.highest(&[])?;
            highest.filter(|highest| is_below(last, highest)).map(|highest| (last.clone(), highest))
        }
        _ => None,
    };
    if above.is_none() {
        missing = 0.0;
    }
    let scale = (rows - missing) / counted;
    let mut segments = Vec::new();
    let mut low: Option<KeyValue> = None;
    for step in steps {
        let (below, equal) = (sane(step.rows_below) * scale, sane(step.rows_equal) * scale);
        if let Some(high) = step.value.clone() {
            segments.extend(inside(context, low.take(), &high, below, step.values_below)?);
            low = Some(high);
        }
        segments.push(Segment::Same { value: step.value, rows: equal });
    }
    if let Some((last, highest)) = above {
        let spread = Segment::Spread { low: Some(last), high: highest.clone(), rows: missing };
        segments.extend([spread, Segment::Same { value: Some(highest), rows: 0.0 }]);
    }
    Ok(segments)
}

/// Between two steps: a few large groups are found one by one, where another column can cut them.
fn inside(
    context: &mut Context<'_>,
    low: Option<KeyValue>,
    high: &KeyValue,
    rows: f64,
    values: f64,
) -> Result<Vec<Segment>, SourceError> {
    let spread = |low| Segment::Spread { low, high: high.clone(), rows };
    let large = rows > context.aim * LARGE && context.key.columns.len() > 1 && context.key.seekable;
    if !large || !(1.0..=MOST_VALUES as f64).contains(&values) || low.is_none() {
        return Ok(vec![spread(low)]);
    }
    match few_values(context, &[], low.as_ref(), Some(high))? {
        None => Ok(vec![spread(low)]),
        Some(found) => {
            let each = rows / found.len().max(1) as f64;
            Ok(found.into_iter().map(|value| Segment::Same { value: Some(value), rows: each }).collect())
        }
    }
}

/// The smallest and the largest value that are known to occur.
fn bounds(segments: &[Segment]) -> Option<(KeyValue, KeyValue)> {
    let mut values = segments.iter().filter_map(|segment| match segment {
        Segment::Same { value, .. } => value.clone(),
        Segment::Spread { .. } => None,
    });
    let first = values.next()?;
    let last = values.next_back().unwrap_or_else(|| first.clone());
    Some((first, last))
}

/// Groups of about the wanted size.
fn groups(context: &Context<'_>, column: usize, segments: &[Segment]) -> Vec<Group> {
    let Some(about) = context.key.columns.get(column) else { return Vec::new() };
    let deeper = column + 1 < context.key.columns.len();
    let aim = context.aim;
    let after = |value: &KeyValue| match successor(about, value) {
        Some(next) => Cut::Before(next),
        None => Cut::After(value.clone()),
    };
    // What cannot be divided further, in order.
    let mut atoms: Vec<Group> = Vec::new();
    let plain = |from, rows| Group { from, rows, alone: false, made_up: false };
    for segment in segments {
        match segment {
            Segment::Same { value, rows } => {
                let alone = deeper && *rows > aim * LARGE;
                atoms.push(Group { alone, ..plain(value.clone().map(Cut::Before), *rows) });
                if alone {
                    atoms.push(plain(Some(value.as_ref().map_or(Cut::AfterNull, &after)), 0.0));
                }
            }
            Segment::Spread { low, high, rows } => {
                let cuts = match low {
                    Some(low) if *rows > aim * LARGE => {
                        let pieces = (rows / aim).round().min(MOST_SPLITS as f64) as usize;
                        between(about, low, high, pieces)
                    }
                    _ => Vec::new(),
                };
                let each = rows / (cuts.len() + 1) as f64;
                atoms.push(plain(low.as_ref().map(&after), each));
                atoms.extend(
                    cuts.into_iter()
                        .map(|value| Group { made_up: true, ..plain(Some(Cut::Before(value)), each) }),
                );
            }
        }
    }
    let mut groups = vec![plain(None, 0.0)];
    for atom in atoms {
        let Some(last) = groups.last_mut() else { break };
        let full = last.rows > 0.0 && atom.rows > 0.0 && last.rows + atom.rows / 2.0 >= aim;
        if atom.from.is_some() && (full || atom.alone || last.alone) {
            groups.push(atom);
        } else {
            last.rows += atom.rows;
            last.alone |= atom.alone;
        }
    }
    groups
}

//! The cuts of a column in the server's own order.
//!
//! Invariant: what leaves this file ascends, as the server itself has said by comparing each value with the next.
//! Nobody here knows collations, or the order of anything else.

use super::condition::Cut;
use super::plan::{Answers, Group};
use super::value::KeyValue;
use crate::SourceError;

/// Constants in one question. The server's own limits are far above; its compiler is not quick.
const CONSTANTS: usize = 1_000;

/// The groups in the order that the server has for their cuts, without those that it takes for equal, or that stand
/// outside of what occurs. None when it contradicts itself.
pub(super) fn in_the_servers_order(
    server: &mut dyn Answers,
    column: usize,
    groups: Vec<Group>,
    bounds: Option<(KeyValue, KeyValue)>,
) -> Result<Option<Vec<Group>>, SourceError> {
    if groups.len() < 2 {
        return Ok(Some(groups));
    }
    let mut values: Vec<KeyValue> = Vec::new();
    let (low, high) = bounds.unzip();
    let cuts = groups.iter().filter_map(|group| group.from.as_ref()?.value());
    for value in low.iter().chain(cuts).chain(&high) {
        // Neighbours alone: the server finds what else is equal.
        if values.last() != Some(value) {
            values.push(value.clone());
        }
    }
    let Some(values) = sorted(server, column, values)? else { return Ok(None) };
    let place = |value: &KeyValue| values.iter().position(|known| known == value);
    let (low, high) = (low.as_ref().and_then(place), high.as_ref().and_then(place));
    let mut placed: Vec<((usize, bool), Group)> = Vec::new();
    for group in groups {
        let at = match &group.from {
            None => Some((0, false)),
            Some(Cut::AfterNull) => Some((0, true)),
            Some(Cut::Before(value)) => place(value).map(|place| (place + 1, false)),
            Some(Cut::After(value)) => place(value).map(|place| (place + 1, true)),
        };
        let outside = |(place, _): (usize, bool)| {
            low.is_some_and(|low| place <= low + 1) || high.is_some_and(|high| place > high + 1)
        };
        match at {
            Some(at) if !(group.made_up && outside(at)) => placed.push((at, group)),
            // Its rows lie somewhere near.
            _ => {
                if let Some((_, last)) = placed.last_mut() {
                    last.rows += group.rows;
                }
            }
        }
    }
    placed.sort_by_key(|(at, _)| *at);
    placed.dedup_by(|(at, group), (kept_at, kept)| {
        let same = at == kept_at;
        if same {
            kept.rows += group.rows;
        }
        same
    });
    Ok(Some(placed.into_iter().map(|(_, group)| group).collect()))
}

/// The values in the server's order, each of which it says to be below the next; those that equal another are left out.
/// None when it does not say, or not clearly.
fn sorted(
    server: &mut dyn Answers,
    column: usize,
    values: Vec<KeyValue>,
) -> Result<Option<Vec<KeyValue>>, SourceError> {
    let mut kept: Vec<KeyValue> = Vec::new();
    if values.len() < 2 {
        return Ok(Some(values));
    }
    let mut rest = values.as_slice();
    while !rest.is_empty() {
        // More than one question's worth: each goes on from the last value of the one before.
        let (chunk, later) = rest.split_at(rest.len().min(CONSTANTS - 1));
        rest = later;
        let last = kept.last().cloned();
        let asked: Vec<KeyValue> = last.iter().chain(chunk).cloned().collect();
        let Some(order) = server.in_order(column, &asked)? else { return Ok(None) };
        let mut seen = vec![false; asked.len()];
        for place in &order {
            match seen.get_mut(*place) {
                Some(seen) if !*seen => *seen = true,
                _ => return Ok(None),
            }
        }
        // The last one of before stands first among the asked; what sorts before it is left out.
        let begin = match last {
            Some(_) => order.iter().position(|place| *place == 0).map_or(order.len(), |at| at + 1),
            None => 0,
        };
        let order = order.get(begin..).unwrap_or_default();
        kept.extend(order.iter().filter_map(|place| asked.get(*place).cloned()));
    }
    let ascending = ascending(server, column, &kept)?;
    if ascending.iter().all(|ascends| *ascends) {
        return Ok(Some(kept));
    }
    let mut ascends = std::iter::once(true).chain(ascending);
    kept.retain(|_| ascends.next().unwrap_or(false));
    let clear = self::ascending(server, column, &kept)?.iter().all(|ascends| *ascends);
    Ok(clear.then_some(kept))
}

/// Whether each value is below the next, as the server says.
fn ascending(server: &mut dyn Answers, column: usize, values: &[KeyValue]) -> Result<Vec<bool>, SourceError> {
    let pairs: Vec<(KeyValue, KeyValue)> =
        values.windows(2).filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone()))).collect();
    let mut all = Vec::with_capacity(pairs.len());
    for chunk in pairs.chunks(CONSTANTS) {
        let answers = server.ascend(column, chunk)?;
        all.extend((0..chunk.len()).map(|at| answers.get(at).copied().unwrap_or(false)));
    }
    Ok(all)
}

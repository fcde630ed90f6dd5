//! The rows that are listed: their keys, and the columns that differ.
//!
//! Invariant: values are looked at only where the user wants to see them; of a row nothing else is held than hashes and
//! the key. The rows held are bounded by the list's length.

use crate::checks::validate::TableContext;
use crate::checks::validate::ends::{Ctid, Place, read_source, read_target, read_target_places};
use crate::error::Error;
use crate::facts::{DifferenceKind, RowDifference};
use mssql2pg_mapping::digest::RowMarker;
use mssql2pg_sources::Source;
use std::collections::HashMap;

/// How many different rows of one key and side are held: more only where a key is no key any more.
const HELD_PER_KEY: usize = 64;

/// A row, and how often it is there.
#[derive(Debug, Clone)]
struct Held {
    row: u64,
    times: u64,
    columns: Vec<u64>,
    /// The key; in a table without one, where the row stands.
    key: String,
    values: Vec<Option<String>>,
}

/// The rows of one key.
#[derive(Debug, Default)]
struct Sides {
    source: Vec<Held>,
    target: Vec<Held>,
}

/// The rows of these keys that differ.
pub(super) fn rows(
    context: &mut TableContext<'_>,
    source: &dyn Source,
    keys: &[u128],
) -> Result<Vec<RowDifference>, Error> {
    let mut sides: HashMap<u128, Sides> = keys.iter().map(|key| (*key, Sides::default())).collect();
    let with_values = context.config.validate.show_values;
    let splits = context.source_splits.len();
    let plan = context.plan;
    let mut marker = RowMarker::new(plan);
    read_source(context, source, &mut |place, row| {
        let mark = marker.mark(row);
        if let Some(sides) = sides.get_mut(&mark.key) {
            let key = || marker.key_text(row).unwrap_or_else(|| place_text(place, splits));
            let held = hold(&mut sides.source, mark.row, key);
            if let Some(held) = held {
                fill(held, &mut marker, row, with_values);
            }
        }
    })?;
    let mut marker = RowMarker::new(plan);
    let mut on_target = |ctid: Option<Ctid>, row: &[u8]| {
        let mark = marker.mark(row);
        if let Some(sides) = sides.get_mut(&mark.key) {
            let key = || marker.key_text(row).or_else(|| ctid.map(ctid_text)).unwrap_or_default();
            let held = hold(&mut sides.target, mark.row, key);
            if let Some(held) = held {
                fill(held, &mut marker, row, with_values);
            }
        }
    };
    if RowMarker::new(plan).has_key() {
        read_target(context, &mut |row| on_target(None, row))?;
    } else {
        read_target_places(context, &mut |ctid, row| on_target(Some(ctid), row))?;
    }
    let names = RowMarker::new(plan).names();
    let most = usize::try_from(context.config.validate.list_rows).unwrap_or(usize::MAX);
    let mut listing =
        Listing { names: &names, most, found: Vec::new(), missing: Vec::new(), extra: Vec::new() };
    for key in keys {
        if let Some(sides) = sides.remove(key) {
            listing.add(sides);
        }
    }
    Ok(listing.finish())
}

fn place_text(place: Place, splits: usize) -> String {
    match splits {
        0 | 1 => format!("row {}", place.row),
        _ => format!("row {} of split {}", place.row, place.split + 1),
    }
}

fn ctid_text(ctid: Ctid) -> String {
    format!("ctid ({},{})", ctid.block, ctid.item)
}

/// Counts the row; the place to fill, if it is the first of its kind and there is room.
fn hold(held: &mut Vec<Held>, row: u64, key: impl Fn() -> String) -> Option<&mut Held> {
    if let Some(known) = held.iter_mut().find(|known| known.row == row) {
        known.times += 1;
        // Which of several equal rows is one too many cannot be told: the last is named.
        known.key = key();
        return None;
    }
    if held.len() >= HELD_PER_KEY {
        return None;
    }
    held.push(Held { row, times: 1, columns: Vec::new(), key: key(), values: Vec::new() });
    held.last_mut()
}

fn fill(held: &mut Held, marker: &mut RowMarker<'_>, row: &[u8], with_values: bool) {
    held.columns = marker.columns(row);
    if with_values {
        held.values = marker.values(row);
    }
}

struct Listing<'a> {
    names: &'a [&'a str],
    /// How many rows are listed.
    most: usize,
    found: Vec<RowDifference>,
    missing: Vec<Held>,
    extra: Vec<Held>,
}

impl Listing<'_> {
    /// The rows of one key: equal ones are taken off each other, then those that are nearest are pairs.
    fn add(&mut self, sides: Sides) {
        let Sides { mut source, mut target } = sides;
        let in_source = source.first().map(|held| held.key.clone());
        for held in &mut source {
            if let Some(same) = target.iter_mut().find(|same| same.row == held.row) {
                let both = held.times.min(same.times);
                held.times -= both;
                same.times -= both;
            }
        }
        source.retain(|held| held.times > 0);
        target.retain(|held| held.times > 0);
        while self.found.len() < self.most
            && let Some((left, right)) = nearest(&source, &target)
        {
            let difference = self.difference(DifferenceKind::Changed, &source[left], Some(&target[right]));
            self.list(difference, 1);
            for (rows, at) in [(&mut source, left), (&mut target, right)] {
                rows[at].times -= 1;
                rows.retain(|held| held.times > 0);
            }
        }
        self.missing.extend(source);
        for held in target {
            match &in_source {
                None => self.extra.push(held),
                Some(key) => {
                    let mut difference = self.difference(DifferenceKind::Doubled, &held, None);
                    if *key != held.key {
                        // Without a key: both places.
                        difference.key = format!("{key}, {}", held.key);
                    }
                    self.list(difference, held.times);
                }
            }
        }
    }

    /// Lists a row as often as it is there, as far as there is room.
    fn list(&mut self, difference: RowDifference, times: u64) {
        let room = self.most.saturating_sub(self.found.len());
        let times = usize::try_from(times).unwrap_or(usize::MAX).min(room);
        self.found.extend(std::iter::repeat_n(difference, times));
    }

    fn difference(&self, kind: DifferenceKind, one: &Held, other: Option<&Held>) -> RowDifference {
        let mut difference =
            RowDifference { kind, key: one.key.clone(), columns: Vec::new(), values: Vec::new() };
        let Some(other) = other else { return difference };
        for (at, name) in self.names.iter().enumerate() {
            if one.columns.get(at) != other.columns.get(at) {
                difference.columns.push((*name).to_owned());
                if let (Some(value), Some(found)) = (one.values.get(at), other.values.get(at)) {
                    difference.values.push((value.clone(), found.clone()));
                }
            }
        }
        difference
    }

    /// A row whose key was changed, or a changed one of a table without a key, is missing here and too many there: the
    /// columns in which it differs from the row that is nearest are told, if more of them agree than not.
    fn finish(mut self) -> Vec<RowDifference> {
        let (missing, extra) = (std::mem::take(&mut self.missing), std::mem::take(&mut self.extra));
        for (kind, rows, others) in
            [(DifferenceKind::Missing, &missing, &extra), (DifferenceKind::Extra, &extra, &missing)]
        {
            for held in rows {
                let mut difference = self.difference(kind, held, None);
                let near = others.iter().min_by_key(|other| distance(held, other));
                if let Some(near) = near.filter(|near| 2 * distance(held, near) <= self.names.len()) {
                    difference.columns = self.difference(kind, held, Some(near)).columns;
                }
                self.list(difference, held.times);
            }
        }
        self.found
    }
}

/// How many columns differ.
fn distance(one: &Held, other: &Held) -> usize {
    one.columns.iter().zip(&other.columns).filter(|(one, other)| one != other).count()
}

/// The places of the two rows that are nearest to each other.
fn nearest(source: &[Held], target: &[Held]) -> Option<(usize, usize)> {
    let pairs = (0..source.len()).flat_map(|left| (0..target.len()).map(move |right| (left, right)));
    pairs.min_by_key(|(left, right)| distance(&source[*left], &target[*right]))
}

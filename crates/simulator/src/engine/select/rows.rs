//! Passes over rows: what takes each of them, and what is kept.
//!
//! Invariant: a row that a table delivers is packed into one buffer that is used again; nothing is allocated for a row
//! that is only handed on.

use super::super::order::compare;
use super::super::values::collation::Collation;
use super::super::values::owned::{Cell, OwnedValue};
use super::super::values::packed::{pack, unpack};
use super::aggregate::{Aggregate, Kept};
use super::evaluate::{Compiled, evaluate, holds};
use crate::answer::Failure;
use mssql2pg_catalog::{RowSink, Stop, Value};
use std::cmp::Ordering;

/// A row that expressions are computed over.
pub(crate) trait Row {
    /// The value at that place.
    fn cell(&self, slot: usize) -> Cell<'_>;
}

/// No row: for expressions without columns.
pub(crate) struct NoRow;

impl Row for NoRow {
    fn cell(&self, _slot: usize) -> Cell<'_> {
        Cell::plain(Value::Null)
    }
}

impl Row for [OwnedValue] {
    fn cell(&self, slot: usize) -> Cell<'_> {
        self.get(slot).map_or(Cell::plain(Value::Null), OwnedValue::cell)
    }
}

impl Row for Vec<OwnedValue> {
    fn cell(&self, slot: usize) -> Cell<'_> {
        self.as_slice().cell(slot)
    }
}

/// A row in one buffer.
#[derive(Debug, Default)]
pub(crate) struct PackedRow {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl PackedRow {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
    }

    pub(crate) fn push(&mut self, cell: Cell<'_>) {
        self.starts.push(self.bytes.len());
        pack(cell, &mut self.bytes);
    }
}

impl Row for PackedRow {
    fn cell(&self, slot: usize) -> Cell<'_> {
        let start = self.starts.get(slot).copied().unwrap_or(usize::MAX);
        let mut rest = self.bytes.get(start..).unwrap_or_default();
        unpack(&mut rest)
    }
}

/// What a taker says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// More, please.
    More,
    /// It has enough.
    Enough,
    /// The client is gone, or asked for attention.
    Gone,
}

/// Takes rows.
pub(super) trait Taker: Send {
    fn take(&mut self, row: &dyn Row) -> Result<Flow, Failure>;
}

/// The sink that a table's rows go through: it keeps the values that are needed, filters, and gives to a taker.
pub(super) struct Pass<'a> {
    needed: &'a [bool],
    condition: Option<&'a Compiled>,
    taker: &'a mut dyn Taker,
    row: PackedRow,
    at: usize,
    outcome: Result<Flow, Failure>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(needed: &'a [bool], condition: Option<&'a Compiled>, taker: &'a mut dyn Taker) -> Self {
        Self { needed, condition, taker, row: PackedRow::default(), at: 0, outcome: Ok(Flow::More) }
    }

    /// How it ended.
    pub(super) fn finish(self) -> Result<Flow, Failure> {
        self.outcome
    }
}

/// Gives a row to a taker, if it meets the condition.
pub(super) fn offer(
    row: &dyn Row,
    condition: Option<&Compiled>,
    taker: &mut dyn Taker,
) -> Result<Flow, Failure> {
    match condition {
        Some(condition) if holds(condition, row)? != Some(true) => Ok(Flow::More),
        _ => taker.take(row),
    }
}

impl RowSink for Pass<'_> {
    fn value(&mut self, value: Value<'_>) {
        let needed = self.needed.get(self.at).copied().unwrap_or(false);
        self.row.push(if needed { Cell::of(value) } else { Cell::plain(Value::Null) });
        self.at += 1;
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.outcome = offer(&self.row, self.condition, self.taker);
        self.row.clear();
        self.at = 0;
        if matches!(self.outcome, Ok(Flow::More)) { Ok(()) } else { Err(Stop) }
    }
}

/// Hands rows on to the client.
pub(super) struct Emit<'a> {
    pub(super) out: &'a mut dyn RowSink,
    pub(super) items: &'a [Compiled],
    /// How many rows there may be.
    pub(super) most: u64,
    /// How many there were.
    pub(super) rows: u64,
    /// Fails with this error in place of the row after so many.
    pub(super) failing: Option<(u64, Failure)>,
}

impl Taker for Emit<'_> {
    fn take(&mut self, row: &dyn Row) -> Result<Flow, Failure> {
        if self.rows >= self.most {
            return Ok(Flow::Enough);
        }
        if self.failing.as_ref().is_some_and(|(after, _)| *after <= self.rows)
            && let Some((_, failure)) = self.failing.take()
        {
            return Err(failure);
        }
        // First all values: a row that cannot be computed must not be begun.
        for item in self.items {
            if !matches!(item, Compiled::Slot(_) | Compiled::Value(_)) {
                return self.computed(row);
            }
        }
        for item in self.items {
            evaluate(item, row)?.cell().give(self.out);
        }
        self.end_row()
    }
}

impl Emit<'_> {
    fn computed(&mut self, row: &dyn Row) -> Result<Flow, Failure> {
        let values: Result<Vec<_>, Failure> = self.items.iter().map(|item| evaluate(item, row)).collect();
        for value in values? {
            value.cell().give(self.out);
        }
        self.end_row()
    }

    fn end_row(&mut self) -> Result<Flow, Failure> {
        self.rows += 1;
        match self.out.end_row() {
            Err(Stop) => Ok(Flow::Gone),
            Ok(()) if self.rows >= self.most => Ok(Flow::Enough),
            Ok(()) => Ok(Flow::More),
        }
    }
}

/// How a key of `order by` is compared.
#[derive(Debug, Clone)]
pub(super) struct SortKey {
    pub(super) key: Compiled,
    pub(super) descending: bool,
    pub(super) collation: Collation,
}

/// Keeps rows: their keys and their items.
pub(super) struct Collect<'a> {
    pub(super) keys: &'a [SortKey],
    pub(super) items: &'a [Compiled],
    /// How many of the first rows in the order will be wanted.
    pub(super) most: u64,
    pub(super) rows: Vec<(Vec<OwnedValue>, Vec<OwnedValue>)>,
}

impl Collect<'_> {
    /// Sorts what was kept; rows with equal keys stay in their order.
    pub(super) fn sort(&mut self) {
        let keys = self.keys;
        self.rows.sort_by(|(a, _), (b, _)| compare_keys(keys, a, b));
    }
}

pub(super) fn compare_keys(keys: &[SortKey], a: &[OwnedValue], b: &[OwnedValue]) -> Ordering {
    let orders = keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| {
        let order = compare(a.cell(), b.cell(), key.collation);
        if key.descending { order.reverse() } else { order }
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

impl Taker for Collect<'_> {
    fn take(&mut self, row: &dyn Row) -> Result<Flow, Failure> {
        let values = |list: &mut dyn Iterator<Item = &Compiled>| -> Result<Vec<OwnedValue>, Failure> {
            list.map(|item| Ok(evaluate(item, row)?.into_owned())).collect()
        };
        let keys = values(&mut self.keys.iter().map(|key| &key.key))?;
        self.rows.push((keys, values(&mut self.items.iter())?));
        // `top (n) … order by`: not much more than n rows are ever kept.
        let room = usize::try_from(self.most.saturating_mul(2).saturating_add(1024)).unwrap_or(usize::MAX);
        if self.rows.len() > room {
            self.sort();
            self.rows.truncate(usize::try_from(self.most).unwrap_or(usize::MAX));
        }
        Ok(Flow::More)
    }
}

/// Gathers groups; the groups are kept sorted by their keys.
pub(super) struct Gather<'a> {
    pub(super) keys: &'a [SortKey],
    pub(super) aggregates: &'a [Aggregate],
    pub(super) groups: Vec<(Vec<OwnedValue>, Vec<Kept>)>,
}

impl Taker for Gather<'_> {
    fn take(&mut self, row: &dyn Row) -> Result<Flow, Failure> {
        let keys: Result<Vec<OwnedValue>, Failure> =
            self.keys.iter().map(|key| Ok(evaluate(&key.key, row)?.into_owned())).collect();
        let keys = keys?;
        let place = match self.groups.binary_search_by(|(known, _)| compare_keys(self.keys, known, &keys)) {
            Ok(place) => place,
            Err(place) => {
                self.groups.insert(place, (keys, vec![Kept::default(); self.aggregates.len()]));
                place
            }
        };
        if let Some((_, kept)) = self.groups.get_mut(place) {
            for (kept, aggregate) in kept.iter_mut().zip(self.aggregates) {
                kept.take(aggregate, row)?;
            }
        }
        Ok(Flow::More)
    }
}

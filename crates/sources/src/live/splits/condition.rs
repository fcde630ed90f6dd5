//! The rows of a split, as a condition on the columns of a key.
//!
//! Invariant: conditions between neighbouring cuts meet without gap or overlap, because both sides of a cut write the
//! same value as the same text; NULLs, which sort first, belong to what has no lower cut.

use super::key::Key;
use super::value::{KeyValue, literal};
use crate::live::quote;
use mssql2pg_catalog::Column;

/// A place on the axis of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cut {
    /// Behind the NULLs.
    AfterNull,
    /// Before the value and all that equal it.
    Before(KeyValue),
    /// Behind the value and all that equal it.
    After(KeyValue),
}

impl Cut {
    /// The value that it stands at.
    pub(super) fn value(&self) -> Option<&KeyValue> {
        match self {
            Self::AfterNull => None,
            Self::Before(value) | Self::After(value) => Some(value),
        }
    }
}

/// Rows that have these values in the key's first columns, and the next column between two cuts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    /// One value for each of the first columns; none is NULL.
    pub(super) same: Vec<Option<KeyValue>>,
    /// Where the next column begins; none is the very beginning, NULLs included.
    pub(super) from: Option<Cut>,
    /// Where it ends; none is the very end.
    pub(super) to: Option<Cut>,
}

impl Condition {
    /// All rows.
    pub(super) fn all() -> Self {
        Self { same: Vec::new(), from: None, to: None }
    }

    /// As it stands after `where`; empty for all rows.
    pub(super) fn sql(&self, key: &Key<'_>) -> String {
        let mut terms = same_terms(key, &self.same);
        if let Some(column) = key.columns.get(self.same.len()) {
            range_terms(column, self.from.as_ref(), self.to.as_ref(), &mut terms);
        }
        terms.join(" and ")
    }
}

/// `[a] = 1`, `[b] is null`.
pub(super) fn same_terms(key: &Key<'_>, same: &[Option<KeyValue>]) -> Vec<String> {
    let terms = key.columns.iter().zip(same).map(|(column, value)| match value {
        None => format!("{} is null", quote(&column.name)),
        Some(value) => format!("{} = {}", quote(&column.name), literal(column, value)),
    });
    terms.collect()
}

fn range_terms(column: &Column, from: Option<&Cut>, to: Option<&Cut>, terms: &mut Vec<String>) {
    let name = quote(&column.name);
    let term = |operator: &str, value: &KeyValue| format!("{name} {operator} {}", literal(column, value));
    if let (Some(Cut::Before(low)), Some(Cut::After(high))) = (from, to)
        && low == high
    {
        return terms.push(term("=", low));
    }
    match (from, to) {
        (Some(Cut::Before(value)), _) => terms.push(term(">=", value)),
        (Some(Cut::After(value)), _) => terms.push(term(">", value)),
        (Some(Cut::AfterNull), None) => terms.push(format!("{name} is not null")),
        // No comparison is true of NULL.
        (Some(Cut::AfterNull), Some(_)) | (None, _) => {}
    }
    let upper = match to {
        None => return,
        Some(Cut::AfterNull) => return terms.push(format!("{name} is null")),
        Some(Cut::Before(value)) => term("<", value),
        Some(Cut::After(value)) => term("<=", value),
    };
    terms.push(match from {
        None if column.nullable => format!("({upper} or {name} is null)"),
        _ => upper,
    });
}

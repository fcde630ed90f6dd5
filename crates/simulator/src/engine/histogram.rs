//! `dbcc show_statistics … with histogram`, computed from the rows.
//!
//! Invariant: at most 200 steps, ascending; the first is the least value and the last the greatest; the counts of all
//! steps add up to the rows.

use super::failures::{unknown_column, unsupported};
use super::language::cursor::{Cursor, object_of};
use super::language::lexer::tokens;
use super::order::compare;
use super::select;
use super::session::{Session, TableRows};
use super::values::collation::Collation;
use super::values::owned::{Cell, OwnedValue};
use crate::answer::{Answer, AnswerColumn, Failure, Stopped};
use mssql2pg_catalog::{Column, RowSink, SqlType, Stop, Table, Value};

/// SQL Server's own limit.
const MOST_STEPS: usize = 200;

/// Runs `dbcc` behind this word.
pub(super) fn run(
    session: &mut Session,
    cursor: &mut Cursor<'_>,
    answer: &mut dyn Answer,
) -> Result<(), Stopped> {
    if !cursor.eat_word("show_statistics") {
        return Err(unsupported("such a dbcc").into());
    }
    cursor.expect_symbol("(")?;
    let parts = match cursor.text() {
        Ok(text) => {
            let tokens = tokens(&text)?;
            Cursor::new(&text, &tokens).parts()?
        }
        Err(_) => cursor.parts()?,
    };
    cursor.expect_symbol(",")?;
    let target = cursor.text().or_else(|_| cursor.name())?;
    cursor.expect_symbol(")")?;
    let options = cursor.rest().to_ascii_lowercase();
    if !options.contains("histogram") {
        return Err(unsupported("show_statistics without histogram").into());
    }
    let rows = session.open_table(&parts, &[])?;
    let (place, column) = leading_column(session, rows.table(), &target)?;
    let collation_name = column.collation.as_deref().unwrap_or(session.collation_name());
    let national = matches!(column.sql_type, SqlType::NVarChar { .. } | SqlType::NChar { .. });
    let collation = Collation { national, ..Collation::named(collation_name) };
    let steps = steps(&rows, place, collation);
    let columns = [
        ("RANGE_HI_KEY", column.sql_type.clone(), true),
        ("RANGE_ROWS", SqlType::Real, false),
        ("EQ_ROWS", SqlType::Real, false),
        ("DISTINCT_RANGE_ROWS", SqlType::BigInt, false),
        ("AVG_RANGE_ROWS", SqlType::Real, false),
    ];
    let columns = columns.map(|(name, sql_type, nullable)| AnswerColumn {
        name: name.to_owned(),
        collation: column.collation.clone().filter(|_| name == "RANGE_HI_KEY"),
        sql_type,
        nullable,
    });
    let answered = select::answer_rows(&columns, &steps, answer)?;
    if let Some(failure) = session.midway.take() {
        return Err(failure.into());
    }
    answer.done(Some(answered.rows))?;
    Ok(())
}

/// The first column of a key or an index, by its name, or the column of that name: statistics are named by both.
fn leading_column(session: &Session, table: &Table, target: &str) -> Result<(usize, Column), Failure> {
    let target = object_of(&[target.to_owned()]).name;
    let keys = table.primary_key.iter().chain(&table.unique);
    let keys = keys.filter_map(|key| Some((key.name.as_deref()?, key.columns.first()?)));
    let indexes =
        table.indexes.iter().filter_map(|index| Some((index.name.as_str(), index.columns.first()?)));
    let by_key = keys.chain(indexes).find(|(name, _)| session.same_name(name, &target));
    let wanted = by_key.map_or(target.as_str(), |(_, column)| column.name.as_str());
    let mut stored = table.stored_columns().enumerate();
    let found = stored.find(|(_, column)| session.same_name(&column.name, wanted));
    match found {
        Some((place, column)) => Ok((place, column.clone())),
        None if by_key.is_some() => Err(unknown_column(wanted)),
        None => {
            let text = format!("Could not locate statistics '{target}' in the system catalogs.");
            Err(Failure::new(2767, text))
        }
    }
}

/// The steps: about as many rows each.
fn steps(table: &TableRows, place: usize, collation: Collation) -> Vec<Vec<OwnedValue>> {
    let mut values = Values { place, at: 0, kept: Vec::new() };
    table.read(&mut values);
    values.kept.sort_by(|a, b| compare(a.cell(), b.cell(), collation));
    // Runs of equal values.
    let mut runs: Vec<(OwnedValue, u64)> = Vec::new();
    for value in values.kept {
        match runs.last_mut() {
            Some((last, count)) if compare(last.cell(), value.cell(), collation).is_eq() => *count += 1,
            _ => runs.push((value, 1)),
        }
    }
    let total: u64 = runs.iter().map(|(_, count)| count).sum();
    let per_step = total.div_ceil(MOST_STEPS as u64 - 3).max(1);
    let last = runs.len().saturating_sub(1);
    let few = runs.len() <= MOST_STEPS;
    let mut steps = Vec::new();
    let (mut rows, mut distinct) = (0_u64, 0_i64);
    for (index, (value, count)) in runs.into_iter().enumerate() {
        // NULL has a step of its own, and so has the least value.
        let first = index == 0 || (index == 1 && steps.len() == 1);
        if few || first || index == last || rows + count >= per_step {
            steps.push(step(value, rows, count, distinct));
            (rows, distinct) = (0, 0);
        } else {
            (rows, distinct) = (rows + count, distinct + 1);
        }
    }
    steps
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a histogram has `real` counts"
)]
fn step(value: OwnedValue, range_rows: u64, equal_rows: u64, distinct: i64) -> Vec<OwnedValue> {
    let average = if distinct == 0 { 1.0 } else { range_rows as f64 / distinct as f64 };
    vec![
        value,
        OwnedValue::Real(range_rows as f32),
        OwnedValue::Real(equal_rows as f32),
        OwnedValue::Int(distinct),
        OwnedValue::Real(average as f32),
    ]
}

/// Keeps the values of one column.
struct Values {
    place: usize,
    at: usize,
    kept: Vec<OwnedValue>,
}

impl RowSink for Values {
    fn value(&mut self, value: Value<'_>) {
        if self.at == self.place {
            self.kept.push(OwnedValue::of(Cell::of(value)));
        }
        self.at += 1;
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.at = 0;
        Ok(())
    }
}

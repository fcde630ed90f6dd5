//! What is asked of the server about a key: a histogram, ends, and the order of constants.
//!
//! Invariant: no question reads more than a few rows of the table. Each is a seek in the index of the key: `top (1)` in
//! the order of the index, below equal values of the columns before, ends at the first row that it finds. The histogram
//! is a page of metadata, and the order of constants touches no table.
//!
//! An answer that cannot be had is no answer: the plan does with less. Only a lost connection is an error.

use super::condition::same_terms;
use super::key::Key;
use super::plan::{Answers, Step};
use super::value::{self, KeyValue, literal};
use crate::live::cells::{Answer, AnswerRow, Cell};
use crate::live::connect::Session;
use crate::live::quote;
use crate::{ErrorKind, SourceError};
use mssql2pg_catalog::Table;
use std::fmt::Display;
use tracing::debug;

/// Asks a server about one key of a table.
pub(super) struct Questions<'a> {
    pub(super) session: &'a mut Session,
    pub(super) table: &'a Table,
    pub(super) key: &'a Key<'a>,
}

/// The name of a table for T-SQL: `[s].[t]`.
pub(super) fn quoted_name(table: &Table) -> String {
    format!("{}.{}", quote(&table.name.schema), quote(&table.name.name))
}

/// Text as a constant.
pub(super) fn constant(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

/// Asks; none when the server cannot or will not answer.
pub(super) fn ask(session: &mut Session, table: &Table, sql: &str) -> Result<Option<Answer>, SourceError> {
    match session.ask(&format!("ask about the key of {}", table.name), sql) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.kind {
            ErrorKind::Query | ErrorKind::Permission | ErrorKind::Unsupported => {
                let number = error.server().map(|message| message.number);
                debug!(table = %table.name, number, "a question about a key has no answer");
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

impl Questions<'_> {
    /// One end of a column's values.
    fn end(
        &mut self,
        same: &[Option<KeyValue>],
        limits: &[(&str, &KeyValue)],
        order: &str,
    ) -> Result<Option<KeyValue>, SourceError> {
        let Some(column) = self.key.columns.get(same.len()) else { return Ok(None) };
        let name = quote(&column.name);
        let mut terms = same_terms(self.key, same);
        terms.extend(
            limits.iter().map(|(operator, value)| format!("{name} {operator} {}", literal(column, value))),
        );
        if limits.is_empty() && column.nullable {
            terms.push(format!("{name} is not null"));
        }
        let condition = match terms.is_empty() {
            true => String::new(),
            false => format!(" where {}", terms.join(" and ")),
        };
        let sql = format!(
            "select top (1) {name} as boundary from {}{condition} order by {name}{order}",
            quoted_name(self.table)
        );
        let answer = ask(self.session, self.table, &sql)?;
        let row = answer.as_ref().and_then(Answer::first);
        Ok(row.and_then(|row| row.cell("boundary").ok()).and_then(|cell| value::from_cell(column, cell)))
    }

    /// A question about constants of a column: `constants` are the rows, `rest` is what follows them.
    fn numbers(
        &mut self,
        constants: impl Iterator<Item = impl Display>,
        rest: &str,
    ) -> Result<Option<Vec<usize>>, SourceError> {
        let rows: Vec<String> = constants.enumerate().map(|(at, row)| format!("({at}, {row})")).collect();
        let sql = format!("select b.n from (values {}) as {rest}", rows.join(", "));
        let Some(answer) = ask(self.session, self.table, &sql)? else { return Ok(None) };
        let number = |row: AnswerRow<'_>| row.id("n").ok().and_then(|number| usize::try_from(number).ok());
        Ok(answer.rows().map(number).collect())
    }
}

impl Answers for Questions<'_> {
    fn histogram(&mut self) -> Result<Option<Vec<Step>>, SourceError> {
        let (Some(name), Some(column)) = (self.key.name, self.key.columns.first()) else { return Ok(None) };
        // Needs SELECT on the table, since SQL Server 2012 SP1; an index's statistics have its name.
        let sql = format!(
            "dbcc show_statistics ({}, {}) with histogram, no_infomsgs",
            constant(&quoted_name(self.table)),
            quote(name)
        );
        let Some(answer) = ask(self.session, self.table, &sql)? else { return Ok(None) };
        let mut steps = Vec::new();
        let mut unusable = 0.0;
        for row in answer.rows() {
            let Ok(cell) = row.cell("RANGE_HI_KEY") else { return Ok(None) };
            let value = value::from_cell(column, cell);
            let (below, equal) = (number(row, "RANGE_ROWS"), number(row, "EQ_ROWS"));
            if value.is_none() && *cell != Cell::Null {
                // Its rows lie below the next step, too.
                unusable += below + equal;
                continue;
            }
            let values_below = number(row, "DISTINCT_RANGE_ROWS");
            steps.push(Step { value, rows_below: below + unusable, rows_equal: equal, values_below });
            unusable = 0.0;
        }
        Ok((!steps.is_empty()).then_some(steps))
    }

    fn lowest(
        &mut self,
        same: &[Option<KeyValue>],
        above: Option<&KeyValue>,
        below: Option<&KeyValue>,
    ) -> Result<Option<KeyValue>, SourceError> {
        let limits: Vec<_> =
            above.map(|value| (">", value)).into_iter().chain(below.map(|value| ("<", value))).collect();
        self.end(same, &limits, "")
    }

    fn highest(&mut self, same: &[Option<KeyValue>]) -> Result<Option<KeyValue>, SourceError> {
        self.end(same, &[], " desc")
    }

    fn in_order(&mut self, column: usize, values: &[KeyValue]) -> Result<Option<Vec<usize>>, SourceError> {
        let Some(column) = self.key.columns.get(column) else { return Ok(None) };
        self.numbers(values.iter().map(|value| literal(column, value)), "b(n, k) order by b.k, b.n")
    }

    fn ascend(&mut self, column: usize, pairs: &[(KeyValue, KeyValue)]) -> Result<Vec<bool>, SourceError> {
        let mut ascend = vec![false; pairs.len()];
        let Some(column) = self.key.columns.get(column) else { return Ok(ascend) };
        let rows =
            pairs.iter().map(|(low, high)| format!("{}, {}", literal(column, low), literal(column, high)));
        let found = self.numbers(rows, "b(n, low, high) where b.low < b.high")?;
        for at in found.unwrap_or_default() {
            if let Some(slot) = ascend.get_mut(at) {
                *slot = true;
            }
        }
        Ok(ascend)
    }
}

fn number(row: AnswerRow<'_>, column: &str) -> f64 {
    match row.cell(column) {
        Ok(Cell::Int(number)) => *number as f64,
        Ok(Cell::Float(number)) => *number,
        Ok(Cell::Decimal { unscaled, scale }) => *unscaled as f64 / 10_f64.powi(i32::from(*scale)),
        _ => 0.0,
    }
}

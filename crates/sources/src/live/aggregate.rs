//! What the server computes over a table: measures, aggregates and counts, in as few queries as it takes.
//!
//! Invariant: nothing of a value goes into a query, and each query sees the state that its session sees.

use super::Pages;
use super::cells::{Answer, Cell};
use super::connect::Session;
use super::failure;
use super::measure::Measuring;
use super::quote;
use crate::{Aggregates, SourceError};
use mssql2pg_catalog::{Column, Table};

/// The most items of a select list ("Maximum capacity specifications for SQL Server").
const MOST_ITEMS: usize = 4096;

/// Measures the table, and computes `expressions`.
pub(super) fn aggregate(
    session: &mut Session,
    table: &Table,
    pages: &Pages,
    expressions: &[String],
) -> Result<Aggregates, SourceError> {
    let measuring = Measuring::new(table, &pages.by_collation, pages.of_database.as_deref());
    let items: Vec<&str> = measuring.items().iter().chain(expressions).map(String::as_str).collect();
    let mut cells = Vec::with_capacity(items.len());
    for items in items.chunks(MOST_ITEMS) {
        let sql = format!("select {} from {} as this", items.join(", "), name_of(table));
        let answer = session.compute(&format!("compute over {}", table.name), &sql)?;
        cells.extend_from_slice(single_row(&answer, items.len())?);
    }
    let (measured, values) = cells.split_at(cells.len() - expressions.len());
    let measures = measuring
        .read(measured)
        .ok_or_else(|| failure::answer(format!("the measures of {} are no measures", table.name)))?;
    Ok(Aggregates { measures, values: values.iter().map(text).collect() })
}

/// Counts the rows that meet a condition.
pub(super) fn count_where(session: &mut Session, table: &Table, condition: &str) -> Result<u64, SourceError> {
    let sql = format!("select count_big(*) from {} as this where {condition}", name_of(table));
    let answer = session.compute(&format!("count rows of {}", table.name), &sql)?;
    match single_row(&answer, 1)? {
        [Cell::Int(count)] => u64::try_from(*count).map_err(|_| failure::answer("a count is below zero")),
        _ => Err(failure::answer("a count is no number")),
    }
}

/// ` order by` the columns of a key that the server can order.
pub(super) fn key_order(key: &[&Column]) -> String {
    use mssql2pg_catalog::SqlType;
    let orders = |column: &&&Column| {
        !column.encrypted
            && !matches!(
                column.sql_type,
                SqlType::Text
                    | SqlType::NText
                    | SqlType::Image
                    | SqlType::Xml
                    | SqlType::Json
                    | SqlType::Vector { .. }
                    | SqlType::Geography
                    | SqlType::Geometry
                    | SqlType::Unknown { .. }
            )
    };
    let names: Vec<String> = key.iter().filter(orders).map(|column| quote(&column.name)).collect();
    if names.is_empty() { String::new() } else { format!(" order by {}", names.join(", ")) }
}

/// Whether the session's transaction is still open, for all that is known.
pub(super) fn is_in_transaction(session: &mut Session) -> bool {
    let answer = session.ask("ask for the transaction", "select @@trancount as transactions");
    let open = |answer: Answer| answer.first().and_then(|row| row.int("transactions").ok().flatten());
    answer.ok().and_then(open).is_some_and(|transactions| transactions > 0)
}

fn name_of(table: &Table) -> String {
    format!("{}.{}", quote(&table.name.schema), quote(&table.name.name))
}

fn single_row(answer: &Answer, items: usize) -> Result<&[Cell], SourceError> {
    let mut rows = answer.rows();
    match (rows.next(), rows.next()) {
        (Some(row), None) if row.cells().len() == items => Ok(row.cells()),
        _ => Err(failure::answer("an answer has not the one row that was asked for")),
    }
}

/// A value as text: numbers as T-SQL writes them, bytes in hexadecimal, days and times as numbers of [`Cell`]'s units.
fn text(cell: &Cell) -> Option<String> {
    Some(match cell {
        Cell::Null | Cell::Other(_) => return None,
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Bytes(bytes) => bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")),
        Cell::Decimal { unscaled, scale } => super::measure::number_text(*unscaled, *scale),
        Cell::Money(units) => super::measure::number_text(i128::from(*units), 4),
        Cell::Date(days) => days.to_string(),
        Cell::Time(ticks) => ticks.to_string(),
        Cell::DateTime { days, ticks } => format!("{days} {ticks}"),
        Cell::DateTime2 { days, ticks } => format!("{days} {ticks}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::SqlType;

    #[test]
    fn keys_are_ordered_by_what_the_server_can_order() {
        let (a, b) = (Column::new("a]", SqlType::Int), Column::new("b", SqlType::Xml));
        assert_eq!(key_order(&[&a, &b]), " order by [a]]]");
        assert_eq!(key_order(&[&b]), "");
    }

    #[test]
    fn an_answer_of_another_form_is_no_answer() {
        let answer = |rows| Answer::made_up(&["n"], rows);
        assert!(single_row(&answer(vec![vec![Cell::Int(1)]]), 1).is_ok());
        assert!(single_row(&answer(vec![]), 1).is_err());
        assert!(single_row(&answer(vec![vec![Cell::Int(1)], vec![Cell::Int(1)]]), 1).is_err());
        assert!(single_row(&answer(vec![vec![Cell::Int(1)]]), 2).is_err());
    }

    #[test]
    fn values_are_written_as_text() {
        assert_eq!(text(&Cell::Null), None);
        assert_eq!(text(&Cell::Decimal { unscaled: -5, scale: 2 }).as_deref(), Some("-0.05"));
        assert_eq!(text(&Cell::Money(-12_345)).as_deref(), Some("-1.2345"));
        assert_eq!(text(&Cell::Bytes(vec![0, 255])).as_deref(), Some("0x00ff"));
    }
}

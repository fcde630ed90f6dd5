//! `insert bulk`, and the rows that follow it.
//!
//! Invariant: the rows are in the table when [`end`] says so, and not before.

use super::insert::{NewRows, writable};
use super::language::cursor::{Cursor, TypePlace};
use super::session::Session;
use super::values::owned::{Cell, OwnedValue};
use crate::answer::{AnswerColumn, Failure};
use mssql2pg_catalog::{RowSink, Stop, Value};

/// A bulk load that was announced.
pub(super) struct BulkLoad {
    new: NewRows,
    /// For each stored column: which value of a row is its own.
    source: Vec<Option<usize>>,
    keep_nulls: bool,
    row: Vec<Option<OwnedValue>>,
    failure: Option<Failure>,
    columns: usize,
}

/// Reads `insert bulk [s].[t] ([c] type [collate …], …) with (…)` behind its first two words.
pub(super) fn announce(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let table = writable(session, &cursor.object_name()?)?;
    let mut names = Vec::new();
    cursor.expect_symbol("(")?;
    while !cursor.eat_symbol(")") {
        names.push(cursor.name()?);
        cursor.data_type(TypePlace::Declaration)?;
        if cursor.eat_word("collate") {
            cursor.name()?;
        }
        cursor.eat_word("not");
        cursor.eat_word("null");
        cursor.eat_symbol(",");
    }
    let mut keep_nulls = false;
    if cursor.eat_word("with") {
        keep_nulls = cursor.parenthesis()?.to_ascii_lowercase().contains("keep_nulls");
    }
    cursor.expect_end()?;
    let new = NewRows::new(session, table, &names)?;
    let source =
        (0..new.stored.len()).map(|place| new.given.iter().position(|given| *given == place)).collect();
    let columns = names.len();
    session.bulk = Some(BulkLoad { new, source, keep_nulls, row: Vec::new(), failure: None, columns });
    Ok(())
}

/// The sink of the rows.
///
/// # Errors
/// When none was announced, or its columns are others.
pub(super) fn rows<'a>(
    session: &'a mut Session,
    columns: &[AnswerColumn],
) -> Result<Box<dyn RowSink + 'a>, Failure> {
    let Session { bulk, server, .. } = session;
    let load = bulk.as_mut().ok_or_else(|| Failure::new(4817, "A bulk load came without INSERT BULK."))?;
    if load.columns != columns.len() {
        return Err(Failure::new(4816, "Invalid column type from bcp client: another number of columns."));
    }
    Ok(Box::new(Loading { load, server }))
}

/// Ends the load; how many rows it has added.
///
/// # Errors
/// When a row did not fit: then none is added.
pub(super) fn end(session: &mut Session) -> Result<u64, Failure> {
    let load =
        session.bulk.take().ok_or_else(|| Failure::new(4817, "A bulk load came without INSERT BULK."))?;
    match load.failure {
        Some(failure) => Err(failure),
        None => load.new.keep(session),
    }
}

struct Loading<'a> {
    load: &'a mut BulkLoad,
    server: &'a super::state::Server,
}

impl RowSink for Loading<'_> {
    fn value(&mut self, value: Value<'_>) {
        let load = &mut *self.load;
        if load.failure.is_some() {
            return;
        }
        let kept = match load.new.given.get(load.row.len()) {
            Some(place) => load.new.fitted(*place, Cell::of(value)),
            None => {
                Err(Failure::new(4816, "Invalid column type from bcp client: a row has too many values."))
            }
        };
        match kept {
            Ok(kept) => load.row.push(Some(kept)),
            Err(failure) => load.failure = Some(failure),
        }
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        let Loading { load, server } = self;
        if load.failure.is_some() {
            // The rest is read and forgotten: the client hears of it at the end.
            load.row.clear();
            return Ok(());
        }
        let mut row = Vec::with_capacity(load.source.len());
        for (place, source) in load.source.iter().enumerate() {
            let given = source.and_then(|source| load.row.get_mut(source)).and_then(Option::take);
            row.push(match given {
                // Without KEEP_NULLS a NULL stands for the default.
                Some(OwnedValue::Null) if !load.keep_nulls => load.new.missing_in(server, place),
                Some(value) => value,
                None => load.new.missing_in(server, place),
            });
        }
        load.row.clear();
        if let Err(failure) = load.new.add_fitted(&row) {
            load.failure = Some(failure);
        }
        Ok(())
    }
}

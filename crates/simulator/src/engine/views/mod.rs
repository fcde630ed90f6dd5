//! The `sys` views of SQL Server, and the T-SQL that reads them.
//!
//! [`Views::open`] fills tables of an embedded SQLite from a catalog: one table for each view, with the columns that
//! the view has in the simulated version. [`Views::query`] takes a `select` on them: names are resolved here, so that
//! a view, a column or a function that SQL Server does not have fails with its number (208, 207, 195); then it is
//! written in SQLite's words and run there. Types are followed through the query, because the client is told them.
//!
//! Invariant: nothing is matched as text; a query works because its views, columns and functions are there.
//!
//! To extend: a view is a [`definition::View`] in the file of its family and, if it has rows, a function there; a
//! function is a line in `functions/`; syntax is a case in `translate/`.

mod cell;
mod collations;
mod columns;
mod convert;
mod definition;
mod facts;
mod fill;
mod functions;
mod indexes;
mod keys;
mod modules;
mod names;
mod objects;
mod others;
mod properties;
mod security;
mod server;
mod storage;
mod translate;
mod types;
mod types_view;

pub(crate) use cell::Moment;
pub(crate) use facts::{ChangeTracking, DataFile, DatabaseFacts, ListedDatabase, SessionFacts};

use crate::answer::{Answer, AnswerColumn, Failure, Stopped};
use cell::Cell;
use definition::{AZURE_SQL_DATABASE, OpenView, View, at_version, is_in_azure, view_version};
use fill::Fill;
use mssql2pg_catalog::Catalog;
use names::Names;
use rusqlite::Connection;
use sqlparser::ast::Statement;
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All views of all families.
fn families() -> impl Iterator<Item = &'static View> {
    let families: [&'static [View]; 10] = [
        objects::VIEWS,
        columns::VIEWS,
        types_view::VIEWS,
        keys::VIEWS,
        indexes::VIEWS,
        modules::VIEWS,
        security::VIEWS,
        properties::VIEWS,
        storage::VIEWS,
        others::VIEWS,
    ];
    families.into_iter().flatten().chain(server::VIEWS)
}

/// The catalog views of one database.
pub(crate) struct Views {
    connection: Mutex<Connection>,
    state: Arc<State>,
    views: HashMap<&'static str, OpenView>,
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Views").field("database", &self.state.facts.database_name).finish_non_exhaustive()
    }
}

/// What the functions of a query see.
#[derive(Debug)]
pub(super) struct State {
    names: Names,
    facts: DatabaseFacts,
    version: u16,
    /// The session that asks now.
    session: Mutex<Option<SessionFacts>>,
    /// Why a function failed, for its number.
    failure: Mutex<Option<Failure>>,
}

/// What a query gave.
struct Rows {
    columns: Vec<AnswerColumn>,
    rows: Vec<Vec<Cell>>,
}

impl Views {
    /// Fills the views.
    ///
    /// # Errors
    /// When SQLite does not open: a mistake of this module.
    pub(crate) fn open(catalog: &Catalog, facts: &DatabaseFacts) -> Result<Self, Failure> {
        let version = view_version(&facts.product_version, facts.engine_edition);
        let azure = facts.engine_edition == AZURE_SQL_DATABASE;
        let views = families().filter(|view| !azure || is_in_azure(view));
        let views: Vec<_> = views.filter_map(|view| at_version(view, version)).collect();
        let mut fill = Fill::all(catalog, facts, version, &views);
        if cfg!(debug_assertions) {
            let all: Vec<_> = families().filter_map(|view| at_version(view, u16::MAX)).collect();
            fill.misfits(&all)?;
        }
        let connection = Connection::open_in_memory()?;
        fill.write(&connection, &views)?;
        let state = Arc::new(State {
            names: fill.names,
            facts: facts.clone(),
            version,
            session: Mutex::new(None),
            failure: Mutex::new(None),
        });
        functions::register(&connection, &state)?;
        let views = views.into_iter().map(|open| (open.view.name, open)).collect();
        Ok(Self { connection: Mutex::new(connection), state, views })
    }

    /// Runs a `select`: columns, rows, and `done`.
    ///
    /// # Errors
    /// The number of SQL Server for what it would not do; 50000 for what only this simulator cannot do.
    pub(crate) fn query(
        &self,
        statement: &Statement,
        session: &SessionFacts,
        answer: &mut dyn Answer,
    ) -> Result<(), Stopped> {
        let Rows { columns, rows } = self.rows(statement, session)?;
        answer.columns(&columns)?;
        let count = rows.len();
        let sink = answer.rows();
        for row in &rows {
            for (cell, column) in row.iter().zip(&columns) {
                cell::send(cell, &column.sql_type, sink);
            }
            if sink.end_row().is_err() {
                return Err(Stopped::Client(std::io::ErrorKind::Interrupted.into()));
            }
        }
        answer.done(Some(u64::try_from(count).unwrap_or(u64::MAX)))?;
        Ok(())
    }

    /// Runs the text of one `select`.
    ///
    /// # Errors
    /// As [`Views::query`]; 102 for what is no T-SQL.
    pub(crate) fn query_text(
        &self,
        sql: &str,
        session: &SessionFacts,
        answer: &mut dyn Answer,
    ) -> Result<(), Stopped> {
        self.query(&parse(sql)?, session, answer)
    }

    /// The rows of a query. They are kept, so that a slow client does not hold the views up.
    fn rows(&self, statement: &Statement, session: &SessionFacts) -> Result<Rows, Failure> {
        let translated = translate::translate(statement, &self.state, &self.views, session)?;
        let connection = locked(&self.connection);
        *locked(&self.state.session) = Some(session.clone());
        *locked(&self.state.failure) = None;
        let run = || -> rusqlite::Result<Vec<Vec<Cell>>> {
            let mut statement = connection.prepare_cached(&translated.sql)?;
            let width = translated.columns.len();
            let mut rows = statement.query([])?;
            let mut kept = Vec::new();
            while let Some(row) = rows.next()? {
                kept.push((0..width).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?);
            }
            Ok(kept)
        };
        let rows = run().map_err(|error| match locked(&self.state.failure).take() {
            Some(failure) => failure,
            None => Failure::new(
                50000,
                format!("the simulator cannot run this query: {error}: {}", translated.sql),
            ),
        })?;
        let columns = translated.columns.into_iter().map(translate::OutputColumn::into_answer).collect();
        Ok(Rows { columns, rows })
    }
}

/// Parses one statement.
fn parse(sql: &str) -> Result<Statement, Failure> {
    let statements = Parser::parse_sql(&MsSqlDialect {}, sql);
    let statements = statements.map_err(|error| Failure::new(102, format!("Incorrect syntax: {error}.")))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(statement), None) => Ok(statement),
        _ => Err(Failure::new(50000, "the views answer one statement at a time")),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

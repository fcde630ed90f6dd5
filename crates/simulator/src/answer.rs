//! What stands between the engine, which knows SQL, and the wire, which knows TDS.

use mssql2pg_catalog::{RowSink, SqlType};
use std::io;

/// A column of a result set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AnswerColumn {
    /// Its name; empty for an expression without an alias.
    pub(crate) name: String,
    /// Its type as the client is told it.
    pub(crate) sql_type: SqlType,
    /// Whether it may be NULL.
    pub(crate) nullable: bool,
    /// The collation of a character column; none for the database's.
    pub(crate) collation: Option<String>,
}

/// An error as SQL Server reports it: the ERROR token (MS-TDS 2.2.7.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For example 208, invalid object name.
    pub(crate) number: i32,
    /// The state.
    pub(crate) state: u8,
    /// The severity; from 20 up the server closes the connection.
    pub(crate) class: u8,
    /// The message.
    pub(crate) text: String,
}

impl Failure {
    /// An ordinary error of severity 16.
    pub(crate) fn new(number: i32, text: impl Into<String>) -> Self {
        Self { number, state: 1, class: 16, text: text.into() }
    }
}

/// Why a batch ended early.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The server says no; it is told to the client.
    Failed(Failure),
    /// The client is gone, or asked for attention.
    Client(io::Error),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Client(error)
    }
}

/// Takes the results of one batch, in order: for a query `columns`, rows, `done`; for another statement only `done`.
pub(crate) trait Answer {
    /// Begins a result set.
    fn columns(&mut self, columns: &[AnswerColumn]) -> io::Result<()>;
    /// Takes its rows: for each one `value` per column, then `end_row`, which says `Stop` when the client is gone or
    /// asked for attention; the engine then returns at once.
    fn rows(&mut self) -> &mut dyn RowSink;
    /// Ends a statement, with the count of rows where it has one.
    fn done(&mut self, rows: Option<u64>) -> io::Result<()>;
    /// The name of the database changed: ENVCHANGE type 1.
    fn database(&mut self, name: &str) -> io::Result<()>;
    /// A transaction began (true) or ended (false): ENVCHANGE types 8 to 10.
    fn transaction(&mut self, open: bool) -> io::Result<()>;
}

/// A parameter of `sp_executesql`: its name with the `@`, its type, and its value as text of T-SQL, for example `N'a'`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchParameter {
    pub(crate) name: String,
    pub(crate) sql_type: SqlType,
    pub(crate) literal: String,
}

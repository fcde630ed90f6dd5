//! A T-SQL `select` on the views, written in SQLite's words.
//!
//! Names are resolved as SQL Server resolves them, each relation gets a name of our own (`r1`), each output column too
//! (`o1_0`), so that nothing of what SQLite would guess is left to it. Every comparison and every ordering of text says
//! its collation.
//!
//! To extend: a function with a rule of its own in `call.rs`, an expression in `expression.rs`, a relation in `from.rs`.

mod call;
mod condition;
mod expression;
mod from;
mod scope;
mod select;
mod typing;

use super::State;
use super::definition::OpenView;
use super::facts::SessionFacts;
use super::names::Names;
use crate::answer::{AnswerColumn, Failure};
use mssql2pg_catalog::SqlType;
use scope::{Relation, Typed};
use sqlparser::ast::{Ident, ObjectName, Statement};
use std::collections::HashMap;

/// A query for SQLite, and the columns that it gives.
pub(super) struct Translated {
    pub(super) sql: String,
    pub(super) columns: Vec<OutputColumn>,
}

/// A column of a query.
#[derive(Debug, Clone)]
pub(super) struct OutputColumn {
    /// As the client sees it.
    name: String,
    /// As SQLite sees it.
    sql: String,
    sql_type: SqlType,
    nullable: bool,
    /// Whether it is the word `null` in every row: then it takes any type.
    is_null: bool,
}

impl OutputColumn {
    /// As the client is told it.
    pub(super) fn into_answer(self) -> AnswerColumn {
        AnswerColumn { name: self.name, sql_type: self.sql_type, nullable: self.nullable, collation: None }
    }
}

/// Translates while it numbers what it names.
struct Translator<'a> {
    state: &'a State,
    views: &'a HashMap<&'static str, OpenView>,
    session: &'a SessionFacts,
    /// Common table expressions that are in sight, the nearest last.
    common: Vec<Relation>,
    /// What was numbered last.
    last: usize,
}

/// Translates a statement.
///
/// # Errors
/// The number of SQL Server; 50000 for what the simulator does not know.
pub(super) fn translate(
    statement: &Statement,
    state: &State,
    views: &HashMap<&'static str, OpenView>,
    session: &SessionFacts,
) -> Result<Translated, Failure> {
    let Statement::Query(query) = statement else {
        return Err(unknown("a statement other than select", statement));
    };
    let mut translator = Translator { state, views, session, common: Vec::new(), last: 0 };
    translator.query(query, None)
}

impl Translator<'_> {
    fn names(&self) -> &Names {
        &self.state.names
    }

    /// Whether two names of the query mean one thing.
    fn same(&self, left: &str, right: &str) -> bool {
        self.names().same(left, right)
    }

    fn number(&mut self) -> usize {
        self.last += 1;
        self.last
    }
}

/// What the simulator cannot do, though SQL Server could.
fn unknown(what: &str, found: impl std::fmt::Display) -> Failure {
    Failure::new(50000, format!("the simulator does not know {what}: {found}"))
}

/// The identifiers of a dotted name.
fn parts(name: &ObjectName) -> Vec<&Ident> {
    name.0.iter().filter_map(|part| part.as_ident()).collect()
}

/// A text as SQLite quotes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An expression with the collation of text, where it is text.
fn collated(typed: &Typed) -> String {
    if typed.is_text() { format!("{} collate tsql", typed.sql) } else { typed.sql.clone() }
}

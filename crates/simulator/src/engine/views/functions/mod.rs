//! The functions that SQLite calls for T-SQL's.
//!
//! Invariant: a function of this list is one of SQL Server; its return type is SQL Server's. To extend: a line in the
//! list of its subject. Arguments come as cells; a `sql_variant` comes as what is in it.

mod metadata;
mod rights;
mod server;
mod text;

use super::cell::Cell;
use super::convert::convert;
use super::facts::SessionFacts;
use super::types::parse_type;
use super::{State, locked};
use crate::answer::Failure;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::cmp::Ordering;
use std::sync::Arc;

/// A function of T-SQL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    /// Its name in lower case.
    pub(super) name: &'static str,
    /// How many arguments it takes: at least, at most.
    pub(super) arguments: (usize, usize),
    /// The type of what it gives; empty for that of its first argument.
    pub(super) returns: &'static str,
    /// What it does.
    body: fn(&Call<'_>) -> Result<Cell, Failure>,
}

/// One call.
pub(super) struct Call<'a> {
    pub(super) state: &'a State,
    pub(super) session: &'a SessionFacts,
    pub(super) arguments: &'a [Cell],
}

impl Call<'_> {
    /// An argument as text; none for NULL or where there is none.
    pub(super) fn text(&self, at: usize) -> Option<String> {
        match self.arguments.get(at)? {
            Cell::Null => None,
            Cell::Text(text) => Some(text.clone()),
            Cell::Integer(number) => Some(number.to_string()),
            Cell::Real(number) => Some(number.to_string()),
            Cell::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// An argument as a whole number.
    pub(super) fn int(&self, at: usize) -> Option<i64> {
        match self.arguments.get(at)? {
            Cell::Integer(number) => Some(*number),
            Cell::Real(number) => Some(*number as i64),
            Cell::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// An argument as the number of an object.
    pub(super) fn id(&self, at: usize) -> Option<i32> {
        self.int(at).and_then(|id| i32::try_from(id).ok())
    }
}

/// A cell for what may be absent.
pub(super) fn some<T: Into<Cell>>(value: Option<T>) -> Cell {
    value.map_or(Cell::Null, Into::into)
}

const fn function(
    name: &'static str,
    arguments: (usize, usize),
    returns: &'static str,
    body: fn(&Call<'_>) -> Result<Cell, Failure>,
) -> Function {
    Function { name, arguments, returns, body }
}

fn all() -> impl Iterator<Item = &'static Function> {
    let lists: [&'static [Function]; 4] =
        [text::FUNCTIONS, metadata::FUNCTIONS, server::FUNCTIONS, rights::FUNCTIONS];
    lists.into_iter().flatten()
}

/// The function of that name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name.eq_ignore_ascii_case(name))
}

/// Tells SQLite of the functions and of the collation.
pub(super) fn register(connection: &Connection, state: &Arc<State>) -> rusqlite::Result<()> {
    let case_sensitive = state.facts.case_sensitive;
    connection.create_collation("tsql", move |left, right| compare_text(left, right, case_sensitive))?;
    let helpers = [
        function("convert", (4, 4), "", convert_cell),
        function("try_convert", (4, 4), "", |call| Ok(convert_cell(call).unwrap_or(Cell::Null))),
        function("plain", (1, 1), "", |call| Ok(plain(call.arguments))),
        function("variant_base", (1, 1), "", |call| {
            Ok(some(
                call.arguments.first().and_then(super::cell::variant_parts).map(|(base, _)| base.to_string()),
            ))
        }),
        function("visible", (1, 1), "", rights::visible),
        function("encrypt_option", (0, 0), "", |call| {
            Ok(Cell::Text(if call.session.encrypted { "TRUE" } else { "FALSE" }.to_owned()))
        }),
        function("row_count", (4, 4), "", server::row_count),
        function("xor", (2, 2), "", |call| Ok(some(call.int(0).zip(call.int(1)).map(|(a, b)| a ^ b)))),
    ];
    for function in all().copied().chain(helpers) {
        let state = Arc::clone(state);
        let name = format!("t_{}", function.name.replace('@', "at_"));
        connection.create_scalar_function(name.as_str(), -1, FunctionFlags::SQLITE_UTF8, move |context| {
            let arguments = (0..context.len()).map(|at| context.get::<Cell>(at));
            let arguments: Vec<_> = arguments.collect::<rusqlite::Result<_>>()?;
            let session = locked(&state.session);
            let Some(session) = session.as_ref() else { return Ok(Cell::Null) };
            let call = Call { state: &state, session, arguments: &arguments };
            (function.body)(&call).map_err(|failure| {
                let error = rusqlite::Error::UserFunctionError(failure.text.clone().into());
                *locked(&state.failure) = Some(failure);
                error
            })
        })?;
    }
    Ok(())
}

/// Text compares without regard to case, unless the server tells cases apart, and without the blanks at its end.
pub(super) fn compare_text(left: &str, right: &str, case_sensitive: bool) -> Ordering {
    let (left, right) = (left.trim_end_matches(' '), right.trim_end_matches(' '));
    let folded = left.to_lowercase().cmp(&right.to_lowercase());
    if case_sensitive { folded.then_with(|| left.cmp(right)) } else { folded }
}

/// `t_convert(value, from, to, style)`.
fn convert_cell(call: &Call<'_>) -> Result<Cell, Failure> {
    let value = call.arguments.first().cloned().unwrap_or(Cell::Null);
    let types = call.text(1).zip(call.text(2));
    let types = types.and_then(|(from, to)| Some((parse_type(&from)?, parse_type(&to)?)));
    let Some((from, to)) = types else {
        return Err(Failure::new(50000, "the simulator does not know the types of a conversion"));
    };
    convert(value, &from, &to, call.int(3).unwrap_or(0))
}

/// What is in a `sql_variant`; any other cell as it is.
fn plain(arguments: &[Cell]) -> Cell {
    let cell = arguments.first().cloned().unwrap_or(Cell::Null);
    super::cell::variant_parts(&cell).map_or(cell, |(_, value)| value)
}

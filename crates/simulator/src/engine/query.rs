//! Queries: over rows they are answered here, over the catalog by the views.

use super::facts;
use super::language::cursor::Cursor;
use super::language::lexer::{Kind, Token};
use super::language::{self};
use super::select;
use super::session::Session;
use crate::answer::{Answer, Failure, Stopped};

/// What a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// `sys`, `information_schema`, or what only the views know.
    Catalog,
    /// A table of the user's.
    Table,
    /// Nothing but itself.
    Itself,
}

/// Answers a query.
///
/// # Errors
/// SQL Server's own, what this engine does not know, and the client's end.
pub(super) fn run(
    session: &mut Session,
    sql: &str,
    tokens: &[Token],
    answer: &mut dyn Answer,
) -> Result<(), Stopped> {
    let parsed = || -> Result<language::ast::Select, Failure> {
        let mut cursor = Cursor::new(sql, tokens);
        let select = language::select(&mut cursor)?;
        cursor.expect_end()?;
        Ok(select)
    };
    let answered = match reads(tokens) {
        Reads::Catalog => return from_views(session, sql, tokens, answer),
        Reads::Table => select::run(session, &parsed()?, answer)?,
        Reads::Itself => match parsed().and_then(|select| select::rows_of(session, &select)) {
            Ok((columns, rows)) => select::answer_rows(&columns, &rows, answer)?,
            // A function or a form that only the views know.
            Err(failure) if matches!(failure.number, 102 | 195 | 50_000) => {
                return from_views(session, sql, tokens, answer);
            }
            Err(failure) => return Err(failure.into()),
        },
    };
    answer.done(Some(answered.rows))?;
    Ok(())
}

fn reads(tokens: &[Token]) -> Reads {
    let mut found = Reads::Itself;
    for (place, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Variable && token.text.starts_with("@@") {
            return Reads::Catalog;
        }
        let names = token.is_word("from") || token.is_word("join") || token.is_word("apply");
        let (true, Some(name)) = (names, tokens.get(place + 1)) else { continue };
        if !matches!(name.kind, Kind::Word | Kind::Quoted) {
            continue;
        }
        // The part before the last point is the schema.
        let mut schema = None;
        let mut at = place + 1;
        while tokens.get(at + 1).is_some_and(|next| next.is_symbol(".")) {
            schema = tokens.get(at).map(|token| token.text.to_ascii_lowercase());
            at += 2;
        }
        let called = tokens.get(at + 1).is_some_and(|next| next.is_symbol("(")) && token.is_word("apply");
        match schema.as_deref() {
            Some("sys" | "information_schema") => return Reads::Catalog,
            None if called => return Reads::Catalog,
            _ => found = Reads::Table,
        }
    }
    // A name that `with` has given is no table; the views read it.
    if tokens.first().is_some_and(|token| token.is_word("with")) { Reads::Catalog } else { found }
}

/// Asks the views.
fn from_views(
    session: &mut Session,
    sql: &str,
    tokens: &[Token],
    answer: &mut dyn Answer,
) -> Result<(), Stopped> {
    let text = Cursor::new(sql, tokens).rest();
    let views = session.server.views(session.database_id)?;
    views.query_text(text, &facts::of_session(session)?, answer)
}

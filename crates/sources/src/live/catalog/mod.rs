//! What the database is, from the views of `sys`: one question a subject, whatever the number of tables.
//!
//! Invariants: the answer is the [`Catalog`] that a `.bacpac` of the same database gives, word for word and in the same
//! order, but for what only one of the two knows (see `tests/agreement.rs`, which names each difference). A question
//! that names what the server does not have is never sent. A definition that the login may not see is an error, never
//! an empty text.
//!
//! To extend: a new subject is a file in `queries/` and a reader in the file of its subject here. What came after SQL
//! Server 2012 stands in a query of its own, `<subject>_<year>.sql`, and is asked where [`Server::has`] says so.

mod code;
mod constraints;
mod described;
mod hidden;
mod indexes;
mod inventory;
mod server;
mod tables;
mod types;

use super::cells::Answer;
use super::connect::Session;
use super::quote;
use crate::{ErrorKind, SourceError};
use mssql2pg_catalog::{CATALOG_FORMAT, Catalog};
use server::{Release, Server};
use tracing::debug;

/// Reads the whole catalog.
///
/// # Errors
/// [`ErrorKind::Permission`] when the login may not see all definitions; the error says what to grant.
/// [`ErrorKind::Unsupported`] when the server is older than SQL Server 2012. Else as [`Session::ask`].
pub(super) fn read_catalog(session: &mut Session) -> Result<Catalog, SourceError> {
    let answer = session.ask("ask what the database is", include_str!("../queries/database.sql"))?;
    let server = Server::of(&answer)?;
    let mut reader = Reader { session, server };
    let mut catalog =
        Catalog { format: CATALOG_FORMAT, database: reader.server.database.clone(), ..Catalog::default() };
    catalog.schemas = inventory::schemas(&mut reader)?;
    catalog.alias_types = inventory::alias_types(&mut reader)?;
    let mut found = tables::tables(&mut reader)?;
    constraints::attach(&mut reader, &mut found)?;
    indexes::attach(&mut reader, &mut found)?;
    code::read(&mut reader, &mut catalog)?;
    inventory::read(&mut reader, &mut catalog)?;
    let loose = std::mem::take(&mut found.on_views);
    described::attach(&mut reader, &mut found, &mut catalog)?;
    catalog.tables = found.in_order();
    hidden::check(&mut reader, &mut catalog)?;
    inventory::others(&mut reader, &mut catalog, loose)?;
    debug!(tables = catalog.tables.len(), code = catalog.code.len(), "catalog read");
    Ok(catalog)
}

/// Asks the questions, and knows whom.
struct Reader<'a> {
    session: &'a mut Session,
    server: Server,
}

impl Reader<'_> {
    fn ask(&mut self, subject: &str, sql: &str) -> Result<Answer, SourceError> {
        self.session.ask(&format!("ask for the {subject}"), sql)
    }

    /// The answer, or an empty one where the server is too old for the question.
    fn ask_since(&mut self, release: Release, subject: &str, sql: &str) -> Result<Answer, SourceError> {
        match self.server.has(release) {
            true => self.ask(subject, sql),
            false => Ok(Answer::default()),
        }
    }
}

impl Server {
    /// What is hidden from the login: `what` of `object`, for example `the definition` of `dbo.Orders`.
    fn hidden(&self, what: &str, object: &str) -> SourceError {
        let Self { database, user, .. } = self;
        SourceError::new(
            ErrorKind::Permission,
            format!(
                "{what} of {object} is hidden from this login: grant view definition on database::{} to {}, and lift a deny of it",
                quote(&database.name),
                quote(user)
            ),
        )
    }

    /// A text that the server has, or the error that it is hidden. Line ends are line feeds, as in a `.bacpac`.
    fn text(&self, text: Option<&str>, what: &str, object: &str) -> Result<String, SourceError> {
        text.map(with_line_feeds).ok_or_else(|| self.hidden(what, object))
    }

    /// A name that may be hidden.
    fn visible(&self, name: Option<&str>, what: &str, object: &str) -> Result<String, SourceError> {
        name.map(str::to_owned).ok_or_else(|| self.hidden(what, object))
    }
}

fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The order of a model's elements: by the parts of their names, whatever their case.
fn in_model_order<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    parts.into_iter().map(str::to_lowercase).collect()
}

#[cfg(test)]
mod query_tests;
#[cfg(test)]
mod tests;

//! The border between `wire/` and `engine/`: what one connection may ask once it is open.

use crate::answer::{Answer, AnswerColumn, BatchParameter, Failure, Stopped};
use mssql2pg_catalog::RowSink;

/// Who wants to log in (LOGIN7, MS-TDS 2.2.6.4).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LoginRequest {
    /// The login's name; empty for a login by token.
    pub(crate) user: String,
    /// The password, or the token.
    pub(crate) secret: String,
    /// Whether `secret` is a token of Entra ID (FEATUREEXT FEDAUTH).
    pub(crate) by_token: bool,
    /// The database it wants; empty for its default.
    pub(crate) database: String,
}

/// Opens conversations: the engine. Shared by all connections.
pub(crate) trait Engine: Send + Sync {
    /// Checks name, password and database.
    ///
    /// # Errors
    /// 18456 for a wrong name or password, 4060 for a database that is not there or closed to the login.
    fn log_in(&self, request: &LoginRequest) -> Result<Box<dyn Conversation>, Failure>;
}

/// What one connection asks. Used by one thread at a time.
pub(crate) trait Conversation: Send {
    /// The database it is in.
    fn database(&self) -> &str;

    /// The collation of that database, for COLMETADATA and ENVCHANGE.
    fn collation(&self) -> &str;

    /// Runs a batch of statements, with the parameters of `sp_executesql`, if any.
    ///
    /// # Errors
    /// The first statement that fails ends the batch.
    fn batch(
        &mut self,
        sql: &str,
        parameters: &[BatchParameter],
        answer: &mut dyn Answer,
    ) -> Result<(), Stopped>;

    /// Begins to take the rows of a bulk load (packet type 7) that the batch `insert bulk …` before it has announced.
    /// The columns are those of the client's COLMETADATA.
    ///
    /// # Errors
    /// When none was announced, or its columns are others.
    fn bulk_rows(&mut self, columns: &[AnswerColumn]) -> Result<Box<dyn RowSink + '_>, Failure>;

    /// Ends the bulk load and keeps its rows; how many there were.
    ///
    /// # Errors
    /// When a row does not fit the table: then none is kept.
    fn end_bulk(&mut self) -> Result<u64, Failure>;
}

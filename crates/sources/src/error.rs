//! What can go wrong in a source. Advice is not here: see `migrate::error::hint`.

use std::error::Error as StdError;
use std::fmt;

/// The kinds of error; `migrate` turns each into advice and an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It cannot be opened: it is not there, or we may not.
    Open,
    /// It is something else than a source; the context says what it looks like.
    NotASource,
    /// It is a source of a kind or version that we do not read yet.
    Unsupported,
    /// Its bytes contradict themselves: truncated, damaged, or not written by SQL Server's tools.
    Damaged,
    /// It would unpack to more than it can honestly hold.
    TooLarge,
    /// Reading failed half-way: an I/O error.
    Read,
    /// The connection string cannot be understood, or asks for what cannot be.
    Address,
    /// The server's name has no address.
    Resolve,
    /// Nobody answers at that address and port.
    Connect,
    /// The two sides cannot agree on encryption.
    Tls,
    /// The server's certificate is not trusted, or is another server's.
    Certificate,
    /// The server does not accept who we say we are.
    Login,
    /// A token for the login cannot be had.
    Token,
    /// The database does not exist, or the login may not open it.
    Database,
    /// A permission is missing.
    Permission,
    /// The server did not answer in time.
    Timeout,
    /// The connection broke, or the server gave up our work for reasons of its own (deadlock, throttling): the same
    /// work may succeed on a new connection.
    Lost,
    /// The state of the database that all tables are read in is gone; what is still to be read would be another.
    SnapshotLost,
    /// The database may change while it is read, and the user has not accepted that.
    Moving,
    /// The server refuses or cannot do what we asked; the cause says why.
    Query,
}

/// An error with the object it is about, and its cause.
#[derive(Debug)]
pub struct SourceError {
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// What we could not do and with what object; lower case, no period.
    pub context: String,
    /// The cause underneath.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a SQL Server said: the ERROR token (MS-TDS 2.2.7.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// The number, for example 18456; `sys.messages` lists them.
    pub number: u32,
    /// The state, which tells causes of one number apart.
    pub state: u8,
    /// The text in the login's language.
    pub text: String,
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (error {}, state {})", self.text.trim_end_matches('.'), self.number, self.state)
    }
}

impl StdError for ServerMessage {}

impl SourceError {
    /// What the server said, if it was the server.
    pub fn server(&self) -> Option<&ServerMessage> {
        self.source.as_deref().and_then(|source| source.downcast_ref())
    }

    /// An error without a cause underneath.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// An error with its cause.
    pub fn caused(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for SourceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

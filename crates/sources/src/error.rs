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

impl SourceError {
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

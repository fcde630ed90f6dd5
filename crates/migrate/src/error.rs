//! Why we cannot go on, what to do about it, and the exit code.
//!
//! Invariant: [`hint`] is the only place with advice. Messages are lower case, without a period, and
//! name the object; no message holds a cell value or a secret.

use crate::reports::ReportError;
use mssql2pg_sources::{ErrorKind as SourceKind, SourceError};
use mssql2pg_target::embedded::EmbeddedError;
use mssql2pg_target::{ErrorKind as TargetKind, TargetError};
use std::error::Error as StdError;
use std::fmt;

/// Why a phase stopped.
#[derive(Debug)]
pub enum Error {
    /// A setting is wrong.
    Config {
        /// What is wrong with which setting.
        message: String,
        /// The way out.
        hint: String,
    },
    /// The run folder does not fit what was asked.
    Run {
        /// What does not fit.
        message: String,
        /// The way out.
        hint: String,
    },
    /// The source failed.
    Source {
        /// What we were doing.
        context: String,
        /// Why it failed.
        source: SourceError,
    },
    /// The target failed.
    Target {
        /// What we were doing.
        context: String,
        /// Why it failed.
        source: TargetError,
    },
    /// The embedded PostgreSQL failed.
    Embedded(EmbeddedError),
    /// A file of the run folder could not be read or written.
    File {
        /// What we were doing with which file.
        context: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of the run folder does not hold what it should.
    Format {
        /// Which file.
        context: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A report could not be written.
    Report(ReportError),
    /// Too many rows were rejected in one table.
    TooManyRejects {
        /// The table.
        table: String,
        /// The limit that was passed.
        limit: u64,
    },
    /// The user stopped us.
    Interrupted,
}

impl Error {
    /// A wrong setting.
    pub fn config(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Config { message: message.into(), hint: hint.into() }
    }

    /// A run folder that does not fit.
    pub fn run(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Run { message: message.into(), hint: hint.into() }
    }

    /// A source error with what we were doing.
    pub fn source(context: impl Into<String>) -> impl FnOnce(SourceError) -> Self {
        let context = context.into();
        move |source| Self::Source { context, source }
    }

    /// A target error with what we were doing.
    pub fn target(context: impl Into<String>) -> impl FnOnce(TargetError) -> Self {
        let context = context.into();
        move |source| Self::Target { context, source }
    }

    /// A file error with what we were doing.
    pub fn file(context: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let context = context.into();
        move |source| Self::File { context, source }
    }

    /// What the user can do, if we know it.
    pub fn hint(&self) -> Option<String> {
        hint(self)
    }

    /// 2 for an error, 3 for a wrong setting. (0 and 1 are not errors.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. } => 3,
            _ => 2,
        }
    }
}

/// The way out of an error.
pub fn hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::Config { hint, .. } | Error::Run { hint, .. } => hint.clone(),
        Error::Source { source, .. } => source_hint(source.kind).to_owned(),
        Error::Target { source, .. } => match source.server().map(|server| server.code.as_str()) {
            // Out of shared memory: one transaction makes all tables, and each takes locks.
            Some("53200") => "raise max_locks_per_transaction on the server (it must exceed the number of tables, keys and indexes divided by max_connections), then run the same command again".to_owned(),
            // A value out of range while rows come in: most often a computed column's.
            Some(code) if code.starts_with("22") => "if a computed column overflows, leave it out: leave_out = true for it in [columns], in another run folder".to_owned(),
            _ => target_hint(source.kind)?.to_owned(),
        },
        Error::Embedded(error) => error.hint.clone(),
        Error::File { source, .. } => match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                "make room on the disk, then run the same command again".to_owned()
            }
            std::io::ErrorKind::PermissionDenied => "check who owns the folder, or name another with --run".to_owned(),
            _ => return None,
        },
        Error::Format { .. } => {
            "the file was changed by hand or by another version; restore it, or start over in another folder with --run".to_owned()
        }
        Error::TooManyRejects { .. } => {
            "look at the reasons in rejects/; choose text.nul, text.invalid or a transform, or raise load.max_rejects".to_owned()
        }
        Error::Interrupted => "run the same command again; what is loaded stays loaded".to_owned(),
        Error::Report(_) => return None,
    })
}

/// Whether the same statement may succeed on a new connection.
pub fn may_retry(error: &TargetError) -> bool {
    matches!(error.kind, TargetKind::Lost)
}

fn source_hint(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Open => "check the path and who may read it",
        SourceKind::NotASource => {
            "give the path of a .bacpac (in SQL Server Management Studio: Tasks, Export Data-tier Application; or SqlPackage /Action:Export)"
        }
        SourceKind::Unsupported => "export the database as a .bacpac with a current SqlPackage",
        SourceKind::Damaged => "copy or export the file again; nothing of the damaged part was loaded",
        SourceKind::TooLarge => "export the database again; if the file is honest, report it to us",
        SourceKind::Read => "check the disk, then run the same command again",
    }
}

fn target_hint(kind: TargetKind) -> Option<&'static str> {
    Some(match kind {
        TargetKind::Address => {
            "a target looks like postgresql://user@host:5432/database; PG* variables and .pgpass fill in the rest"
        }
        TargetKind::Connect => "check that PostgreSQL runs there and listens on that address and port",
        TargetKind::Tls => {
            "check sslmode and sslrootcert in the URL; sslmode=verify-full needs the server's CA in sslrootcert"
        }
        TargetKind::Login => {
            "check user, password (PGPASSWORD, .pgpass or the URL) and database, and pg_hba.conf on the server"
        }
        TargetKind::Permission => {
            "the user needs CREATE on the database (for schemas) and on the schemas it loads into; no superuser is needed"
        }
        TargetKind::OtherRun => {
            "start over with another run folder (--run), or use the settings that the run began with"
        }
        TargetKind::Exists => "choose --if-exists truncate or --if-exists replace, or another database",
        TargetKind::Full => {
            "make room on the server, then run the same command again; what is loaded stays loaded"
        }
        TargetKind::Lost => "run the same command again; what is loaded stays loaded",
        TargetKind::Cancelled | TargetKind::Constraint | TargetKind::Data | TargetKind::Query => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { message, .. } | Self::Run { message, .. } => f.write_str(message),
            Self::Source { context, .. }
            | Self::Target { context, .. }
            | Self::File { context, .. }
            | Self::Format { context, .. } => f.write_str(context),
            Self::Embedded(_) => f.write_str("cannot run an embedded PostgreSQL"),
            Self::Report(error) => error.fmt(f),
            Self::TooManyRejects { table, limit } => {
                write!(f, "more than {limit} rows of {table} were rejected")
            }
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Source { source, .. } => Some(source),
            Self::Target { source, .. } => Some(source),
            Self::File { source, .. } => Some(source),
            Self::Format { source, .. } => Some(source),
            Self::Embedded(error) => Some(error),
            Self::Report(error) => error.source(),
            Self::Config { .. } | Self::Run { .. } | Self::TooManyRejects { .. } | Self::Interrupted => None,
        }
    }
}

impl From<EmbeddedError> for Error {
    fn from(error: EmbeddedError) -> Self {
        Self::Embedded(error)
    }
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Self {
        Self::Report(error)
    }
}

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

    /// What the other side said, for the log: names and numbers, no values.
    pub(crate) fn source_message(&self) -> String {
        match self {
            Self::Source { source, .. } => match source.server() {
                Some(server) => format!("error {}", server.number),
                None => source.to_string(),
            },
            other => other.to_string(),
        }
    }

    /// Whether the state of a live source that was read from is gone.
    pub fn is_snapshot_lost(&self) -> bool {
        matches!(self, Self::Source { source, .. } if source.kind == SourceKind::SnapshotLost)
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
        Error::Source { source, .. } => source_advice(source),
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

/// Whether the same work may succeed on a new connection.
pub fn may_try_again(error: &Error) -> bool {
    match error {
        // A server that was there and does not answer now is restarting, or handing over to another.
        Error::Source { source, .. } => {
            matches!(source.kind, SourceKind::Lost | SourceKind::Timeout | SourceKind::Connect)
        }
        Error::Target { source, .. } => matches!(source.kind, TargetKind::Lost),
        _ => false,
    }
}

/// The way out of a source's error; a number of the server's may tell more than the kind.
fn source_advice(source: &SourceError) -> String {
    match source.server().map(|server| server.number) {
        // The password must be changed, or has expired.
        Some(18487 | 18488) => "change the login's password on the server: alter login … with password = …",
        // Locked out; disabled.
        Some(18486) => "unlock the login on the server: alter login … with password = … unlock",
        Some(18470) => "enable the login on the server: alter login … enable",
        // The login is of Windows, and came from another domain.
        Some(18452) => "use a SQL login (create login … with password = …), an Entra token or Kerberos; NTLM is not supported",
        // Azure's firewall.
        Some(40615 | 40914) => "add this machine's address to the firewall rules of the server, or connect from its network",
        _ => source_hint(source.kind),
    }
    .to_owned()
}

fn source_hint(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Open => "check the path and who may read it",
        SourceKind::NotASource => {
            "give the path of a .bacpac (in SQL Server Management Studio: Tasks, Export Data-tier Application; or SqlPackage /Action:Export)"
        }
        SourceKind::Unsupported => {
            "of a file: export the database as a .bacpac with a current SqlPackage; of a server: the message says what it would take"
        }
        SourceKind::Damaged => "copy or export the file again; nothing of the damaged part was loaded",
        SourceKind::TooLarge => "export the database again; if the file is honest, report it to us",
        SourceKind::Read => "check the disk, then run the same command again",
        SourceKind::Address => {
            "a live source looks like mssql://user:password@host:1433/database, or is a connection string of ADO.NET, ODBC or JDBC; docs/guide/live-source.md has every option"
        }
        SourceKind::Resolve => "check the server's name, and that this machine can look it up (DNS, VPN)",
        SourceKind::Connect => {
            "check host and port, that SQL Server listens on TCP there (SQL Server Configuration Manager), that firewalls let this machine in, and for a named instance that SQL Server Browser runs; `mssql2pg doctor` tells more"
        }
        SourceKind::Tls => {
            "encrypt=strict needs SQL Server 2022 with a certificate, encrypt=on one that has TLS 1.2; for a server without TLS on a network that nobody else hears, encrypt=off; `mssql2pg doctor` tells what the server offers"
        }
        SourceKind::Certificate => {
            "give the CA that signed it (ca_file=ca.pem), the certificate itself (server_certificate=server.cer) or the name that stands in it (host_name_in_certificate=…); trust_server_certificate=true checks nothing and is noted in the report; `mssql2pg doctor` shows the certificate"
        }
        SourceKind::Login => {
            "check user and password, that the server allows SQL logins (mixed mode), and that the login is neither disabled nor locked out; the server's error log has the true reason under the same number"
        }
        SourceKind::Token => {
            "check MSSQL2PG_ACCESS_TOKEN, token_file=, token_command=, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, whichever the address uses"
        }
        SourceKind::Database => {
            "check the database's name and that it is online, and give the login a user in it: use the database; create user … for login …; grant connect to …"
        }
        SourceKind::Permission => {
            "grant what a migration needs: grant connect, select, view definition to …, in the database; `mssql2pg doctor` lists what is missing"
        }
        SourceKind::Timeout => {
            "the server is slow, asleep or not a SQL Server; raise login_timeout or query_timeout in the address (query_timeout=0 waits for ever)"
        }
        SourceKind::Lost => {
            "run the same command again; what is loaded stays loaded. If it happens often, look into the server's error log"
        }
        SourceKind::SnapshotLost => {
            "start over in another run folder (--run): the rest of this run would be read from another state of the database"
        }
        SourceKind::Moving => {
            "make a database snapshot or SNAPSHOT isolation possible, say --quiesced if nobody writes, or accept what may differ with --accept-moving-source"
        }
        SourceKind::Query => {
            "the cause says why the server refused; `mssql2pg doctor` checks what a migration needs"
        }
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

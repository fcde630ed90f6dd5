//! What went wrong on a session, told in our kinds: which layer failed, and whether another try may help.
//!
//! To extend: a number of the server's is one entry in [`kind_of_number`].

use super::address::Address;
use crate::{ErrorKind, ServerMessage, SourceError};
use mssql_tds::error::{Error as TdsError, SqlErrorInfo};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// What we were doing, for the context of an error: `read dbo.Orders`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing<'a>(pub(crate) &'a str);

/// An answer that is not what we asked for.
pub(crate) fn answer(what: impl Into<String>) -> SourceError {
    SourceError::new(ErrorKind::Query, what)
}

/// What an error number of the server's means to us ("Database Engine events and errors" on Microsoft Learn, and
/// "Troubleshoot transient connection errors" for Azure SQL Database).
pub(crate) fn kind_of_number(number: u32) -> ErrorKind {
    match number {
        18450..=18489 | 15151 | 33134 | 33155 => ErrorKind::Login,
        // Cannot open the database; no such database; the login has no user in it; it is offline or being recovered.
        4060 | 911 | 916 | 942 | 927 | 926 | 921 | 922 => ErrorKind::Database,
        229 | 230 | 262 | 297 | 300 | 371 | 378 | 15247 => ErrorKind::Permission,
        // Azure's firewall.
        40615 | 40914 => ErrorKind::Connect,
        // Deadlock victim; throttling and failover of Azure SQL Database; the network's own numbers.
        1205
        | 40501
        | 40613
        | 40197
        | 40540
        | 40143
        | 49918..=49920
        | 10928
        | 10929
        | 4221
        | 615
        | 64
        | 233
        | 10053
        | 10054
        | 10060
        | 121
        | 1222
        | 3989
        | 596
        | 601
        | 6005 => ErrorKind::Lost,
        // Snapshot isolation: its row versions are gone, or an object changed since it began.
        3958 | 3961 | 3965 | 3966 => ErrorKind::SnapshotLost,
        _ => ErrorKind::Query,
    }
}

/// The most telling of the errors: the last ones often say only that the login failed.
fn telling(errors: &[SqlErrorInfo]) -> Option<&SqlErrorInfo> {
    errors.iter().find(|error| kind_of_number(error.number) != ErrorKind::Query).or_else(|| errors.first())
}

fn message(error: &SqlErrorInfo) -> ServerMessage {
    ServerMessage { number: error.number, state: error.state, text: error.message.clone() }
}

/// An error while connecting; where the client does not tell the layer, it is found by asking again.
pub(crate) fn on_connect(address: &Address, error: TdsError) -> SourceError {
    let server = address.server();
    if let TdsError::SqlServerError { diagnostics } = &error
        && let Some(first) = telling(&diagnostics.errors)
    {
        let kind = match kind_of_number(first.number) {
            ErrorKind::Query => ErrorKind::Login,
            kind => kind,
        };
        let context = match kind {
            ErrorKind::Database => {
                format!(
                    "cannot open the database {} on {server}",
                    address.database.as_deref().unwrap_or("(default)")
                )
            }
            _ => format!("cannot log in to {server}"),
        };
        return SourceError::caused(kind, context, message(first));
    }
    let kind = match &error {
        TdsError::TlsHandshakeError { source, .. } | TdsError::TlsError(source) => {
            tls_kind(&source.to_string())
        }
        TdsError::CertificateNotFound { .. }
        | TdsError::InvalidCertificateFormat { .. }
        | TdsError::CertificateExpired
        | TdsError::CertificateMismatch
        | TdsError::CertificateFileIoError { .. }
        | TdsError::NoServerCertificate => ErrorKind::Certificate,
        TdsError::Security(_) => ErrorKind::Login,
        TdsError::UsageError(_) => ErrorKind::Address,
        other => match unreachable_kind(address) {
            Some(kind) => kind,
            None if other.to_string().to_ascii_lowercase().contains("encryption") => ErrorKind::Tls,
            None if matches!(other, TdsError::TimeoutError(_)) => ErrorKind::Timeout,
            None => ErrorKind::Lost,
        },
    };
    let context = match kind {
        ErrorKind::Resolve => format!("cannot find the address of {server}"),
        ErrorKind::Tls => format!("cannot agree on encryption with {server}"),
        ErrorKind::Certificate => format!("the certificate of {server} is not trusted"),
        ErrorKind::Timeout => {
            format!("{server} did not answer within {} s", address.login_timeout_seconds)
        }
        ErrorKind::Login => format!("cannot log in to {server}"),
        _ => format!("cannot connect to {server}"),
    };
    SourceError::caused(kind, context, error)
}

fn tls_kind(text: &str) -> ErrorKind {
    if text.contains("certificate") { ErrorKind::Certificate } else { ErrorKind::Tls }
}

/// Whether the name has no address, or nobody listens there. Named instances are looked up by another service.
fn unreachable_kind(address: &Address) -> Option<ErrorKind> {
    let port = match (address.port, &address.instance) {
        (Some(port), _) => port,
        (None, None) => 1433,
        (None, Some(_)) => {
            return match (address.host.as_str(), 1434).to_socket_addrs() {
                Ok(_) => Some(ErrorKind::Connect),
                Err(_) => Some(ErrorKind::Resolve),
            };
        }
    };
    let Ok(found) = (address.host.as_str(), port).to_socket_addrs() else { return Some(ErrorKind::Resolve) };
    let limit = Duration::from_secs(u64::from(address.login_timeout_seconds.clamp(1, 5)));
    let reached = found.into_iter().any(|place| TcpStream::connect_timeout(&place, limit).is_ok());
    (!reached).then_some(ErrorKind::Connect)
}

/// An error while a statement ran or its rows came in.
pub(crate) fn on_query(doing: Doing<'_>, error: TdsError) -> SourceError {
    let context = format!("cannot {}", doing.0);
    if let TdsError::SqlServerError { diagnostics } = &error
        && let Some(first) = telling(&diagnostics.errors)
    {
        return SourceError::caused(kind_of_number(first.number), context, message(first));
    }
    let kind = match &error {
        TdsError::TimeoutError(_) => ErrorKind::Timeout,
        TdsError::UsageError(_)
        | TdsError::UnimplementedFeature { .. }
        | TdsError::UnsupportedEncoding { .. } => ErrorKind::Unsupported,
        // A stream that makes no sense is a broken connection: another one may be whole.
        _ => ErrorKind::Lost,
    };
    SourceError::caused(kind, context, error)
}

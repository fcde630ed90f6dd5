//! What went wrong on a session, told in our kinds: which layer failed, and whether another try may help.
//!
//! To extend: a number of the server's is one entry in [`kind_of_number`].

use super::address::Address;
use super::{handshake, tokens};
use crate::{ErrorKind, ServerMessage, SourceError};
use mssql_tds::error::{Error as TdsError, SqlErrorInfo};

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
        // Cannot open the database; no such database; the login has no user in it; it is offline or suspect.
        4060 | 911 | 916 | 942 | 926 => ErrorKind::Database,
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
        | 6005
        // The database is being recovered or restored, its replica hands over, the server starts or stops.
        | 921
        | 922
        | 927
        | 976
        | 978
        | 979
        | 982
        | 983
        | 988
        | 17142
        | 18401
        | 10936
        | 42108
        | 42109 => ErrorKind::Lost,
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
    let text = match without_value(error.number) {
        Some(words) => format!("{words} (the server's own words hold a value and are not shown)"),
        None => error.message.clone(),
    };
    ServerMessage { number: error.number, state: error.state, text }
}

/// Our words for errors whose text has a row's value in it (`sys.messages`).
fn without_value(number: u32) -> Option<&'static str> {
    Some(match number {
        220 | 232 | 244 | 248 => "a number is beyond its type",
        245 => "a text cannot be converted to the type",
        2601 | 2627 => "a key is there already",
        2628 => "a text is too long for its column",
        _ => return None,
    })
}

/// An error while connecting; where the client does not tell the layer, it is found by asking again.
pub(crate) fn on_connect(address: &Address, error: TdsError) -> SourceError {
    let server = address.server();
    if let TdsError::SqlServerError { diagnostics } = &error
        && let Some(first) = telling(&diagnostics.errors)
    {
        return refused(address, first);
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
        other => match (other.to_string(), unreachable(address)) {
            (text, _) if text.contains(tokens::NO_TOKEN) => ErrorKind::Token,
            (_, Some(known)) => return known,
            (text, None) if text.to_ascii_lowercase().contains("encryption") => ErrorKind::Tls,
            (_, None) if matches!(other, TdsError::TimeoutError(_)) => ErrorKind::Timeout,
            (_, None) => ErrorKind::Lost,
        },
    };
    let context = match kind {
        ErrorKind::Tls => format!("cannot agree on encryption with {server}"),
        ErrorKind::Certificate => format!("the certificate of {server} is not trusted"),
        ErrorKind::Timeout => {
            format!("{server} did not answer within {} s", address.login_timeout_seconds)
        }
        ErrorKind::Login | ErrorKind::Token => format!("cannot log in to {server}"),
        ErrorKind::Address => format!("the address of {server} asks for what cannot be"),
        _ => format!("the connection to {server} broke before the login was done"),
    };
    SourceError::caused(kind, context, error)
}

/// A login that the server refuses.
fn refused(address: &Address, error: &SqlErrorInfo) -> SourceError {
    let server = address.server();
    let kind = match kind_of_number(error.number) {
        ErrorKind::Query => ErrorKind::Login,
        kind => kind,
    };
    let context = match (kind, &address.database) {
        (ErrorKind::Database, Some(database)) => format!("cannot open the database {database} on {server}"),
        (ErrorKind::Database, None) => format!("cannot open the login's default database on {server}"),
        (ErrorKind::Connect, _) => format!("the firewall of {server} does not let this machine in"),
        _ => format!("cannot log in to {server}"),
    };
    SourceError::caused(kind, context, message(error))
}

fn tls_kind(text: &str) -> ErrorKind {
    if handshake::blames_certificate(text) { ErrorKind::Certificate } else { ErrorKind::Tls }
}

/// Whether the name has no address, or nobody listens there.
fn unreachable(address: &Address) -> Option<SourceError> {
    let limit = address.login_timeout_seconds.clamp(1, 5);
    let quick = Address { login_timeout_seconds: limit, ..address.clone() };
    handshake::connect(&quick).err()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_the_servers_words_is_not_told() {
        let said = |number: u32, words: &str| {
            let error = SqlErrorInfo {
                message: words.to_owned(),
                state: 1,
                class: 16,
                number,
                server_name: None,
                proc_name: None,
                line_number: None,
            };
            message(&error).to_string()
        };
        let words = "Conversion failed when converting the varchar value '0171-555' to data type int.";
        let told = said(245, words);
        assert!(!told.contains("0171") && told.contains("error 245"), "{told}");
        assert!(said(208, "Invalid object name 'dbo.T'.").contains("dbo.T"));
    }
}

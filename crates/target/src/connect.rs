//! A connection to the target: how it is made, what its session is set to, and what the server says of itself.
//!
//! Invariant: a session writes and reads the same text whatever the server's, the database's or the user's defaults
//! are (`queries/session.sql`), and an error names the layer that failed: name, port, TLS, login, database.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::config::{SslMode, SslNegotiation};
use postgres::error::ErrorPosition;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::{HostPlace, Target, TargetHost, TlsMode};
use crate::error::find_cause;
use crate::{ErrorKind, TargetError, tls};

/// A server that stays silent is noticed after this time, by the operating system's probes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// What the server says of itself and of us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// `server_version_num`, for example 150018.
    pub version_num: u32,
    /// `server_version`, for example `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
    /// Whether the database has ICU collations.
    pub icu: bool,
    /// Whether the server was built with the `xml` type's functions.
    pub xml: bool,
    /// The encoding of the database, for example `UTF8`.
    pub encoding: String,
    /// The name of the database.
    pub database: String,
    /// The name of the user.
    pub user: String,
    /// Whether the user may create schemas in the database.
    pub can_create_schema: bool,
}

impl ServerInfo {
    /// 15 of 150018.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}

/// A session at the target, used by one thread at a time. No transaction is open between two calls.
pub struct Connection {
    pub(crate) client: Client,
    /// To cancel, a second connection is made.
    pub(crate) tls: MakeRustlsConnect,
    /// For messages.
    address: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.address)
    }
}

impl Target {
    /// Connects and sets the session up. Hosts are tried in their order until one answers; a host that answers and
    /// refuses the login ends the search, as with libpq.
    ///
    /// Errors: [`ErrorKind::Connect`], [`ErrorKind::Tls`], [`ErrorKind::Login`], [`ErrorKind::Permission`],
    /// [`ErrorKind::Full`] when the server has no connection left.
    pub fn connect(&self) -> Result<Connection, TargetError> {
        let tls = MakeRustlsConnect::new(tls::client_config(&self.tls)?);
        let mut last = TargetError::new(ErrorKind::Address, "the target address names no host");
        for host in &self.hosts {
            match self.connect_host(host, &tls) {
                Ok(client) => {
                    let mut connection = Connection { client, tls, address: self.redacted() };
                    connection.batch(include_str!("queries/session.sql"))?;
                    return Ok(connection);
                }
                Err(error) if matches!(error.kind, ErrorKind::Connect | ErrorKind::Tls) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Tries one host in the ways that the TLS mode allows.
    fn connect_host(&self, host: &TargetHost, tls: &MakeRustlsConnect) -> Result<Client, TargetError> {
        let (first, second) = match (&host.place, self.tls.mode) {
            // There is no TLS on a Unix socket; libpq ignores the mode there.
            (HostPlace::Unix(_), _) | (_, TlsMode::Disable) => (SslMode::Disable, None),
            (_, TlsMode::Allow) => (SslMode::Disable, Some(SslMode::Require)),
            (_, TlsMode::Prefer) => (SslMode::Prefer, Some(SslMode::Disable)),
            (_, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => (SslMode::Require, None),
        };
        let error = match self.connect_with(host, first, tls) {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        // pg_hba.conf may allow the one and not the other; a wrong password is wrong in both ways.
        let refused = error.server().is_some_and(|said| said.code.starts_with("28") && said.code != "28P01");
        match second {
            Some(second) if refused || error.kind == ErrorKind::Tls => {
                self.connect_with(host, second, tls).map_err(|_| error)
            }
            _ => Err(error),
        }
    }

    /// Tries one host in one way, on all of its addresses, within the time limit. The client's own limit ends with
    /// the TCP connection; a server that accepts and then says nothing is found only by a thread that waits for it.
    fn connect_with(
        &self,
        host: &TargetHost,
        mode: SslMode,
        tls: &MakeRustlsConnect,
    ) -> Result<Client, TargetError> {
        let (target, for_thread, tls) = (self.clone(), host.clone(), tls.clone());
        let (sender, receiver) = mpsc::sync_channel(1);
        let refused = |what: &str| format!("cannot connect to {}: {what}", host.shown());
        std::thread::Builder::new()
            .name("connect".to_owned())
            .spawn(move || {
                // When nobody waits any more, the late connection is dropped and so closed.
                let _ = sender.send(target.connect_addresses(&for_thread, mode, &tls));
            })
            .map_err(|error| {
                TargetError::caused(ErrorKind::Full, refused("no thread can be started"), error)
            })?;
        let received = match self.connect_timeout {
            Some(limit) => receiver.recv_timeout(limit),
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.connect_timeout.unwrap_or_default().as_secs();
                Err(TargetError::new(
                    ErrorKind::Connect,
                    refused(&format!("no answer within {seconds} seconds")),
                ))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(TargetError::new(ErrorKind::Connect, refused("the connecting thread ended early")))
            }
        }
    }

    /// Resolves a host and tries its addresses.
    fn connect_addresses(
        &self,
        host: &TargetHost,
        mode: SslMode,
        tls: &MakeRustlsConnect,
    ) -> Result<Client, TargetError> {
        let addresses: Vec<Option<IpAddr>> = match &host.place {
            HostPlace::Unix(_) => vec![None],
            HostPlace::Tcp { address: Some(address), .. } => vec![Some(*address)],
            HostPlace::Tcp { name, address: None } => (name.as_str(), host.port)
                .to_socket_addrs()
                .map_err(|error| {
                    let context =
                        format!("cannot connect to {}: the host name cannot be resolved", host.shown());
                    TargetError::caused(ErrorKind::Connect, context, error)
                })?
                .map(|address| Some(address.ip()))
                .collect(),
        };
        let mut last = TargetError::new(
            ErrorKind::Connect,
            format!("cannot connect to {}: the host name has no address", host.shown()),
        );
        for address in addresses {
            let started = Instant::now();
            match self.client_config(host, address, mode).connect(tls.clone()) {
                Ok(client) => {
                    tracing::debug!(
                        host = host.shown(),
                        seconds = started.elapsed().as_secs_f64(),
                        "connected"
                    );
                    return Ok(client);
                }
                Err(error) => {
                    let error = self.describe(host, error);
                    if error.kind != ErrorKind::Connect {
                        return Err(error);
                    }
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// The client's settings for one attempt.
    fn client_config(&self, host: &TargetHost, address: Option<IpAddr>, mode: SslMode) -> postgres::Config {
        let mut config = postgres::Config::new();
        match &host.place {
            HostPlace::Unix(directory) => config.host_path(directory),
            HostPlace::Tcp { name, .. } => config.host(name),
        };
        if let Some(address) = address {
            config.hostaddr(address);
        }
        config
            .port(host.port)
            .user(&self.user)
            .dbname(&self.database)
            .application_name(&self.application_name)
            .ssl_mode(mode)
            .ssl_negotiation(match self.tls.direct && mode == SslMode::Require {
                true => SslNegotiation::Direct,
                false => SslNegotiation::Postgres,
            })
            .channel_binding(self.channel_binding)
            .target_session_attrs(self.session)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            // A notice can hold a value; the client's own handler would log it.
            .notice_callback(|notice| {
                tracing::debug!(code = notice.code().code(), "the server sends a notice")
            });
        if let Some(limit) = self.connect_timeout {
            config.connect_timeout(limit);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        if let Some(password) = &host.password {
            config.password(password.expose_secret());
        }
        config
    }

    /// Where a password might have come from, when a file with passwords was not used; nothing otherwise.
    fn ignored_file(&self, host: &TargetHost) -> String {
        match &self.ignored_password_file {
            Some(path) if host.password.is_none() => {
                let path = path.display();
                format!("; the password file {path} is ignored: others may read it; chmod 600 {path}")
            }
            _ => String::new(),
        }
    }

    /// Names the layer at which a connection failed.
    fn describe(&self, host: &TargetHost, error: postgres::Error) -> TargetError {
        let said = |kind, what: String| (kind, format!("cannot connect to {}: {what}", host.shown()));
        if let Some(code) = error.code().map(|code| code.code().to_owned()) {
            let (kind, context) = match code.as_str() {
                "28P01" => said(
                    ErrorKind::Login,
                    format!("user \"{}\" or its password is refused{}", self.user, self.ignored_file(host)),
                ),
                "28000" => said(
                    ErrorKind::Login,
                    format!("user \"{}\" is refused{}", self.user, self.ignored_file(host)),
                ),
                "3D000" => said(
                    ErrorKind::Login,
                    format!(
                        "database \"{}\" does not exist; create it with: createdb {}",
                        self.database,
                        shell_word(&self.database)
                    ),
                ),
                "42501" => said(
                    ErrorKind::Permission,
                    format!("user \"{}\" may not connect to database \"{}\"", self.user, self.database),
                ),
                "57P03" => {
                    said(ErrorKind::Connect, "the server takes no connections at the moment".to_owned())
                }
                code if code.starts_with("53") => {
                    said(ErrorKind::Full, "the server has no connection left".to_owned())
                }
                code if code.starts_with("28") => said(ErrorKind::Login, "the login is refused".to_owned()),
                _ => said(ErrorKind::Login, "the server refuses the session".to_owned()),
            };
            return TargetError { kind, ..TargetError::postgres(context, error) };
        }
        let (kind, context) = if let Some(tls) = find_cause::<rustls::Error>(&error) {
            said(ErrorKind::Tls, tls_failure(tls).to_owned())
        } else {
            // The client's kinds are private: its texts are what tells them apart.
            match error.to_string().as_str() {
                text if text.starts_with("error performing TLS handshake") => {
                    said(ErrorKind::Tls, "TLS cannot be agreed on".to_owned())
                }
                text if text.starts_with("invalid configuration") && host.password.is_none() => said(
                    ErrorKind::Login,
                    format!(
                        "user \"{}\" needs a password, and none is given{}",
                        self.user,
                        self.ignored_file(host)
                    ),
                ),
                text if text.starts_with("authentication error") => {
                    said(ErrorKind::Login, "the server's way of authentication does not work here".to_owned())
                }
                _ => said(ErrorKind::Connect, network_failure(&error).to_owned()),
            }
        };
        TargetError::caused(kind, context, error)
    }
}

/// A name as one argument of a shell's command.
fn shell_word(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match name.chars().all(is_plain) && !name.starts_with('-') {
        true => name.to_owned(),
        false => format!("-- '{}'", name.replace('\'', "'\\''")),
    }
}

/// Why TLS failed, in words of the certificate.
fn tls_failure(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Reason;
    match error {
        rustls::Error::InvalidCertificate(Reason::UnknownIssuer) => {
            "the server's certificate is not signed by a root that is trusted"
        }
        rustls::Error::InvalidCertificate(
            Reason::NotValidForName | Reason::NotValidForNameContext { .. },
        ) => {
            "the server's certificate does not name this host (its subject alternative names count, not its common name)"
        }
        rustls::Error::InvalidCertificate(Reason::Expired | Reason::ExpiredContext { .. }) => {
            "the server's certificate has expired"
        }
        rustls::Error::InvalidCertificate(_) => "the server's certificate is not accepted",
        _ => "the TLS handshake failed",
    }
}

/// Why nobody answers.
fn network_failure(error: &postgres::Error) -> &'static str {
    match find_cause::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens on this port",
        Some(io::ErrorKind::NotFound) => "there is no socket of a server in this directory",
        Some(io::ErrorKind::PermissionDenied) => "the socket may not be opened",
        Some(io::ErrorKind::TimedOut) => "no answer in time",
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            "the host cannot be reached"
        }
        _ => "what answers there ends the talk, or does not speak PostgreSQL's protocol",
    }
}

impl Connection {
    /// Asks the server what it is. Fails with the connection only.
    pub fn server_info(&mut self) -> Result<ServerInfo, TargetError> {
        let failed = |error| TargetError::postgres("cannot ask the target what it is", error);
        let row = self.client.query_one(include_str!("queries/server_info.sql"), &[]).map_err(failed)?;
        let version_num: i32 = row.try_get("version_num").map_err(failed)?;
        // Whether xml works is not in a catalog: a build without libxml has the type and refuses its values.
        let xml = match self.client.simple_query("select '<a/>'::pg_catalog.xml") {
            Ok(_) => true,
            Err(error) if error.as_db_error().is_some() => false,
            Err(error) => return Err(failed(error)),
        };
        Ok(ServerInfo {
            version_num: u32::try_from(version_num).unwrap_or_default(),
            version: row.try_get("version").map_err(failed)?,
            icu: row.try_get("icu").map_err(failed)?,
            xml,
            encoding: row.try_get("encoding").map_err(failed)?,
            database: row.try_get("database").map_err(failed)?,
            user: row.try_get("user_name").map_err(failed)?,
            can_create_schema: row.try_get("can_create_schema").map_err(failed)?,
        })
    }

    /// Runs one statement in a transaction of its own; returns the rows that it touched.
    pub fn execute(&mut self, sql: &str) -> Result<u64, TargetError> {
        self.client.execute(sql, &[]).map_err(|error| TargetError::postgres(refused(sql), error))
    }

    /// Runs statements separated by semicolons, all of them or none, unless they have transactions of their own.
    pub fn batch(&mut self, sql: &str) -> Result<(), TargetError> {
        self.client.batch_execute(sql).map_err(|error| TargetError::postgres(refused_at(sql, &error), error))
    }

    /// The client underneath, for tests and odd queries. Leave no transaction open.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether the connection is known to be gone; then a new one is needed.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// "the target refuses …" with the beginning of a statement, or of the first one in a batch that does something: its
/// first line up to the first literal, because literals are values.
pub(crate) fn refused(sql: &str) -> String {
    let lines = || sql.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    let first = lines().find(|line| !only_prepares(line)).or_else(|| lines().next());
    let line = first.unwrap_or_default().split('\'').next().unwrap_or_default();
    let mut beginning: String = line.chars().take(100).collect();
    if beginning.len() < line.len() {
        beginning.push('…');
    }
    // A list that is opened and not shown reads as if the message had been cut.
    format!("the target refuses: {}", beginning.trim_end_matches([' ', '\t', '(']))
}

/// [`refused`] for the statement of a batch that the server points at, where it does: it says at which character a
/// name or a type is wrong, but not which statement failed.
fn refused_at(sql: &str, error: &postgres::Error) -> String {
    let position = match error.as_db_error().and_then(|said| said.position()) {
        Some(ErrorPosition::Original(position)) => usize::try_from(*position).unwrap_or_default(),
        _ => return refused(sql),
    };
    // Characters are counted from 1.
    let end = sql.char_indices().nth(position.saturating_sub(1)).map_or(sql.len(), |(at, _)| at);
    let before = sql.get(..end).unwrap_or_default();
    let start = before.rfind(";\n").map_or(0, |at| at + 2);
    refused(sql.get(start..).unwrap_or_default())
}

/// Whether a line of a batch says nothing of what the batch is about.
fn only_prepares(line: &str) -> bool {
    let word = line.split([' ', ';']).next().unwrap_or_default();
    ["begin", "set", "start"].iter().any(|skipped| word.eq_ignore_ascii_case(skipped))
}

/// A name as SQL: always in double quotes.
pub(crate) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_statement_has_no_literal() {
        assert_eq!(refused("\n-- why\ncreate table t (\n a int)"), "the target refuses: create table t");
        assert_eq!(refused("insert into t values (('s3cret'))"), "the target refuses: insert into t values");
        assert_eq!(refused("comment on table t is 's3cret'"), "the target refuses: comment on table t is");
        assert_eq!(refused(&"x".repeat(101)).chars().last(), Some('…'));
    }

    #[test]
    fn the_beginning_of_a_batch_names_what_it_is_about() {
        let batch =
            "begin;\nset local lock_timeout = 0;\nSTART transaction;\ndrop table a, b;\ncreate schema c";
        assert_eq!(refused(batch), "the target refuses: drop table a, b;");
        assert_eq!(refused("begin;\nset x = 'y'"), "the target refuses: begin;");
        assert_eq!(refused("begin;\nbeginning of nothing"), "the target refuses: beginning of nothing");
    }

    #[test]
    fn a_name_for_the_shell_is_one_argument() {
        for (name, word) in
            [("shop-2.x", "shop-2.x"), ("-h", "-- '-h'"), ("a b", "-- 'a b'"), ("it's", r"-- 'it'\''s'")]
        {
            assert_eq!(shell_word(name), word);
        }
    }

    #[test]
    fn a_name_is_quoted_with_its_quotes_doubled() {
        assert_eq!(quote_name("a\"b C"), "\"a\"\"b C\"");
    }
}

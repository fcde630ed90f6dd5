//! What an address may say besides the server, under all the names that it has in ADO.NET, ODBC, JDBC and here.
//!
//! Invariant: a name means one option whatever the form that it stands in; capitals, blanks, `_` and `-` make no
//! difference. To add one: a variant of [`Name`] and a line in [`NAMES`]; what another driver knows and we do not need
//! is a line in [`WITHOUT_EFFECT`], and what would do something else than the user asked for, one in [`REFUSED`].

use std::fmt;

/// An option of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    Server,
    Port,
    Instance,
    Database,
    User,
    Password,
    PasswordFile,
    Authentication,
    Integrated,
    Spn,
    TokenFile,
    TokenCommand,
    ClientId,
    Encrypt,
    TrustServerCertificate,
    CaFile,
    ServerCertificate,
    HostNameInCertificate,
    ApplicationIntent,
    MultiSubnetFailover,
    PacketSize,
    LoginTimeout,
    QueryTimeout,
    Application,
}

impl Name {
    /// As it is written here.
    pub(crate) fn canonical(self) -> &'static str {
        NAMES.iter().find(|(name, _)| *name == self).and_then(|(_, words)| words.first()).unwrap_or(&"?")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.canonical())
    }
}

/// Every option with its names, ours first. (Microsoft Learn: "SqlConnection.ConnectionString", "DSN and Connection
/// String Keywords and Attributes", "Setting the connection properties" of the JDBC driver.)
const NAMES: &[(Name, &[&str])] = &[
    (Name::Server, &["server", "data source", "addr", "address", "network address", "server name", "host"]),
    (Name::Port, &["port", "port number"]),
    (Name::Instance, &["instance", "instance name"]),
    (Name::Database, &["database", "initial catalog", "database name"]),
    (Name::User, &["user", "user id", "uid", "user name"]),
    (Name::Password, &["password", "pwd"]),
    (Name::PasswordFile, &["password_file"]),
    (Name::Authentication, &["authentication"]),
    (Name::Integrated, &["integrated_security", "trusted connection"]),
    (Name::Spn, &["server_spn", "spn"]),
    (Name::TokenFile, &["token_file"]),
    (Name::TokenCommand, &["token_command"]),
    (Name::ClientId, &["client_id", "msi client id"]),
    (Name::Encrypt, &["encrypt", "encryption"]),
    (Name::TrustServerCertificate, &["trust_server_certificate", "trust cert"]),
    (Name::CaFile, &["ca_file", "trust server certificate ca"]),
    (Name::ServerCertificate, &["server_certificate"]),
    (Name::HostNameInCertificate, &["host_name_in_certificate"]),
    (Name::ApplicationIntent, &["application_intent"]),
    (Name::MultiSubnetFailover, &["multi_subnet_failover"]),
    (Name::PacketSize, &["packet_size"]),
    (Name::LoginTimeout, &["login_timeout", "connect timeout", "connection timeout", "timeout"]),
    (Name::QueryTimeout, &["query_timeout", "command timeout"]),
    (Name::Application, &["application_name", "app", "app name"]),
];

/// What other drivers know and what makes no difference here.
const WITHOUT_EFFECT: &[&str] = &[
    "driver",
    "description",
    "pooling",
    "max pool size",
    "min pool size",
    "connection lifetime",
    "load balance timeout",
    "connection reset",
    "persist security info",
    "enlist",
    "workstation id",
    "wsid",
    "asynchronous processing",
    "async",
    "current language",
    "language",
    "type system version",
    "transaction binding",
    "replication",
    "connect retry count",
    "connect retry interval",
    "pool blocking period",
    "ip address preference",
    "ansi npw",
    "auto translate",
    "quoted id",
    "regional",
    "use proc for prepare",
    "keep alive",
    "keep alive interval",
    "transparent network ip resolution",
    "send string parameters as unicode",
    "selectmethod",
    "response buffering",
    "statement pooling cache size",
    "disable statement pooling",
    "lock timeout",
    "socket timeout",
    "last update count",
    "xopen states",
    "send time as datetime",
    "delay loading lobs",
    "network library",
    "network",
    "net",
];

/// What would do something else than the user asked for, with the reason and the way out.
const REFUSED: &[(&str, &str)] = &[
    ("dsn", "an ODBC data source is not looked up; write Server=… and Database=… in its place"),
    ("file dsn", "an ODBC data source is not looked up; write Server=… and Database=… in its place"),
    ("attach db filename", "a file is attached by the server's administrator, not by a connection"),
    ("initial file name", "a file is attached by the server's administrator, not by a connection"),
    ("user instance", "user instances exist on Windows only; name a server"),
    ("context connection", "it exists only inside SQL Server; name a server"),
    (
        "failover partner",
        "database mirroring's partner is not looked for; name the server that is the principal now",
    ),
    (
        "access token",
        "a token does not belong into an address; set MSSQL2PG_ACCESS_TOKEN, or use token_file= or token_command=",
    ),
    (
        "domain",
        "logins of Windows by name and password (NTLM) are not supported; use a SQL login, an Entra token or Kerberos",
    ),
    (
        "trust store",
        "a Java key store is not read; write the CA's certificate as PEM and name it with ca_file=",
    ),
    (
        "trust store password",
        "a Java key store is not read; write the CA's certificate as PEM and name it with ca_file=",
    ),
];

/// Switches that may say no, and nothing else.
const ONLY_OFF: &[(&str, &str)] = &[
    ("multiple active result sets", "one connection reads one result at a time here; leave it out"),
    ("mars connection", "one connection reads one result at a time here; leave it out"),
    ("column encryption setting", "columns of Always Encrypted are read as they are stored; leave it out"),
    ("column encryption", "columns of Always Encrypted are read as they are stored; leave it out"),
    ("use fmt only", "it is not needed here; leave it out"),
];

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Known(Name),
    WithoutEffect,
    /// With the reason.
    Refused(&'static str),
    /// Like [`Meaning::Refused`], unless it says no.
    OnlyOff(&'static str),
    /// With the nearest known name.
    Unknown(&'static str),
}

/// What `name` means.
pub(crate) fn meaning(name: &str) -> Meaning {
    let wanted = plain(name);
    let is = |known: &&str| plain(known) == wanted;
    if let Some((option, _)) = NAMES.iter().find(|(_, words)| words.iter().any(is)) {
        return Meaning::Known(*option);
    }
    if WITHOUT_EFFECT.iter().any(is) {
        return Meaning::WithoutEffect;
    }
    if let Some((_, reason)) = REFUSED.iter().find(|(word, _)| is(word)) {
        return Meaning::Refused(reason);
    }
    if let Some((_, reason)) = ONLY_OFF.iter().find(|(word, _)| is(word)) {
        return Meaning::OnlyOff(reason);
    }
    let all = NAMES.iter().flat_map(|(_, words)| words.iter().copied());
    Meaning::Unknown(
        all.min_by_key(|known| strsim::damerau_levenshtein(&plain(known), &wanted)).unwrap_or("server"),
    )
}

/// Without capitals, blanks, `_` and `-`.
pub(crate) fn plain(word: &str) -> String {
    word.chars()
        .filter(|letter| !matches!(letter, ' ' | '\t' | '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A yes or no of any of the worlds.
pub(crate) fn flag(value: &str) -> Option<bool> {
    match plain(value).as_str() {
        "true" | "yes" | "on" | "1" | "enabled" => Some(true),
        "false" | "no" | "off" | "0" | "disabled" | "" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_things() {
        let mut seen = std::collections::HashSet::new();
        let names = NAMES.iter().flat_map(|(_, words)| words.iter().copied());
        let others = REFUSED.iter().chain(ONLY_OFF).map(|(word, _)| *word);
        for name in names {
            assert!(seen.insert(plain(name)), "{name}");
        }
        for name in WITHOUT_EFFECT.iter().copied().chain(others) {
            assert!(!seen.contains(&plain(name)), "{name}");
        }
    }

    #[test]
    fn capitals_blanks_and_dashes_make_no_difference() {
        for name in ["TrustServerCertificate", "Trust Server Certificate", "trust_server_certificate"] {
            assert_eq!(meaning(name), Meaning::Known(Name::TrustServerCertificate));
        }
        assert_eq!(meaning("User ID"), Meaning::Known(Name::User));
        assert_eq!(meaning("Driver"), Meaning::WithoutEffect);
        assert_eq!(meaning("encrypted"), Meaning::Unknown("encrypt"));
    }
}

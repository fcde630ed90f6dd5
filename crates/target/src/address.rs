//! Where the target is: URLs and `key=value` strings as libpq reads them, filled up from `PG*` variables, the password
//! file and libpq's defaults (PostgreSQL manual, "Connection Strings", "Environment Variables", "The Password File").
//!
//! Invariant: no part of an address is in an error message but the names of parameters, because a password that is not
//! percent-encoded can end up in any other part. Passwords live in [`SecretString`] only. To support another parameter:
//! a line in [`PARAMETERS`], a field of [`Target`], and its use in `connect.rs`.

mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;

use crate::passfile;
use crate::{ErrorKind, TargetError};

/// Where the target is and how to log in there: an address with its secrets resolved. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Target {
    /// In the order in which they are tried; never empty.
    pub(crate) hosts: Vec<TargetHost>,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) application_name: String,
    pub(crate) options: Option<String>,
    /// `None`: no limit, as libpq's 0.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) tls: TlsSettings,
    pub(crate) channel_binding: postgres::config::ChannelBinding,
    pub(crate) session: postgres::config::TargetSessionAttrs,
    /// The password file, when it was asked for a password and not used because others may read it.
    pub(crate) ignored_password_file: Option<PathBuf>,
}

/// One of the hosts of an address.
#[derive(Clone)]
pub(crate) struct TargetHost {
    pub(crate) place: HostPlace,
    pub(crate) port: u16,
    pub(crate) password: Option<SecretString>,
}

/// Where a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPlace {
    /// A name or an address; `address` spares the look-up of the name (`hostaddr`).
    Tcp { name: String, address: Option<IpAddr> },
    /// The directory of a Unix socket.
    Unix(PathBuf),
}

/// libpq's `sslmode` (PostgreSQL manual, "SSL Support", "Protection Provided in Different Modes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsMode {
    /// Never TLS.
    Disable,
    /// Without TLS, and with it when that is refused.
    Allow,
    /// With TLS, and without it when that is refused.
    Prefer,
    /// TLS; the certificate is checked only when a root certificate is given.
    Require,
    /// TLS, and the certificate is signed by a root that we trust.
    VerifyCa,
    /// And it names the host.
    VerifyFull,
}

/// What the address says about TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub(crate) mode: TlsMode,
    pub(crate) roots: TlsRoots,
    /// The client's own certificate and key, PEM files.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// `sslnegotiation=direct`.
    pub(crate) direct: bool,
}

/// Which roots are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsRoots {
    /// None are given, and libpq's default file is not there.
    Absent,
    /// `sslrootcert=system`.
    System,
    /// A PEM file.
    File(PathBuf),
}

/// What a parameter of libpq means to us.
#[derive(Clone, Copy, PartialEq)]
enum Parameter {
    /// We do what it says.
    Used,
    /// It makes no difference here (compression that no server has, Kerberos that we do not offer).
    Ignored,
    /// Ignoring it would do something else than the user asked for.
    Refused,
}

/// Every parameter of libpq 18 with its environment variable.
static PARAMETERS: &[(&str, &str, Parameter)] = &[
    ("host", "PGHOST", Parameter::Used),
    ("hostaddr", "PGHOSTADDR", Parameter::Used),
    ("port", "PGPORT", Parameter::Used),
    ("dbname", "PGDATABASE", Parameter::Used),
    ("user", "PGUSER", Parameter::Used),
    ("password", "PGPASSWORD", Parameter::Used),
    ("passfile", "PGPASSFILE", Parameter::Used),
    ("application_name", "PGAPPNAME", Parameter::Used),
    ("fallback_application_name", "", Parameter::Used),
    ("options", "PGOPTIONS", Parameter::Used),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Parameter::Used),
    ("client_encoding", "", Parameter::Used),
    ("sslmode", "PGSSLMODE", Parameter::Used),
    ("sslrootcert", "PGSSLROOTCERT", Parameter::Used),
    ("sslcert", "PGSSLCERT", Parameter::Used),
    ("sslkey", "PGSSLKEY", Parameter::Used),
    ("sslnegotiation", "PGSSLNEGOTIATION", Parameter::Used),
    ("channel_binding", "PGCHANNELBINDING", Parameter::Used),
    ("target_session_attrs", "PGTARGETSESSIONATTRS", Parameter::Used),
    ("gssencmode", "", Parameter::Ignored),
    ("gssdelegation", "", Parameter::Ignored),
    ("gsslib", "", Parameter::Ignored),
    ("krbsrvname", "", Parameter::Ignored),
    ("keepalives", "", Parameter::Ignored),
    ("keepalives_idle", "", Parameter::Ignored),
    ("keepalives_interval", "", Parameter::Ignored),
    ("keepalives_count", "", Parameter::Ignored),
    ("tcp_user_timeout", "", Parameter::Ignored),
    ("sslcompression", "", Parameter::Ignored),
    ("sslsni", "", Parameter::Ignored),
    ("load_balance_hosts", "", Parameter::Refused),
    ("max_protocol_version", "", Parameter::Refused),
    ("min_protocol_version", "", Parameter::Refused),
    ("oauth_client_id", "", Parameter::Refused),
    ("oauth_client_secret", "", Parameter::Refused),
    ("oauth_issuer", "", Parameter::Refused),
    ("oauth_scope", "", Parameter::Refused),
    ("replication", "", Parameter::Refused),
    ("require_auth", "", Parameter::Refused),
    ("requirepeer", "", Parameter::Refused),
    ("scram_client_key", "", Parameter::Refused),
    ("scram_server_key", "", Parameter::Refused),
    ("service", "", Parameter::Refused),
    ("servicefile", "", Parameter::Refused),
    ("ssl_max_protocol_version", "", Parameter::Refused),
    ("ssl_min_protocol_version", "", Parameter::Refused),
    ("sslcertmode", "", Parameter::Refused),
    ("sslcrl", "", Parameter::Refused),
    ("sslcrldir", "", Parameter::Refused),
    ("sslkeylogfile", "", Parameter::Refused),
    ("sslpassword", "", Parameter::Refused),
];

/// Everything that may be percent-encoded stays readable where it can: letters, digits and `-._~`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The directories where a local server's socket is by default: Debian's, and PostgreSQL's own.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// What an address is filled up from; tests give their own.
pub(crate) struct Surroundings<'a> {
    /// An environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The home directory.
    pub(crate) home: Option<PathBuf>,
    /// The name of the user of the operating system.
    pub(crate) user: Option<String>,
}

impl Target {
    /// Reads an address: a `postgres://` or `postgresql://` URL, or a `key=value` string. What it does not say comes
    /// from `PG*` variables, then the password file, then libpq's defaults; so the empty string is an address too.
    ///
    /// Errors are of kind [`ErrorKind::Address`]: an unknown parameter is named with the nearest known one. Connects
    /// to nothing.
    pub fn parse(url: &str) -> Result<Target, TargetError> {
        let account = own_account();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home =
            variable("HOME").map(PathBuf::from).or_else(|| account.as_ref().map(|(_, home)| home.clone()));
        let user = account.map(|(name, _)| name).or_else(|| variable("USER"));
        Self::parse_in(url, &Surroundings { variable: &variable, home, user })
    }

    /// [`Target::parse`] with surroundings of one's own.
    pub(crate) fn parse_in(url: &str, surroundings: &Surroundings<'_>) -> Result<Target, TargetError> {
        let url = url.trim();
        let given = match url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")) {
            Some(rest) => text::parse_url(rest)?,
            None => {
                let scheme = url.split_once("://").map(|(scheme, _)| scheme);
                if scheme.is_some_and(|scheme| scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+'))
                {
                    return Err(address_error(
                        "the target address is no PostgreSQL URL: it must start with postgresql://",
                    ));
                }
                text::parse_pairs(url)?
            }
        };
        check_parameters(&given)?;
        let parameters = Parameters { given, variable: surroundings.variable };
        build(&parameters, surroundings)
    }

    /// `postgresql://user@host:port/database`: for messages and the run folder. It is an address again, without
    /// password and options.
    pub fn redacted(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let hosts: Vec<String> = self.hosts.iter().map(TargetHost::shown).collect();
        format!("postgresql://{}@{}/{}", encode(&self.user), hosts.join(","), encode(&self.database))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}, {:?})", self.redacted(), self.tls.mode)
    }
}

impl TargetHost {
    /// `host:port` as in a URL.
    pub(crate) fn shown(&self) -> String {
        let host = match &self.place {
            HostPlace::Tcp { name, .. } if name.contains(':') => format!("[{name}]"),
            HostPlace::Tcp { name, .. } => name.clone(),
            HostPlace::Unix(directory) => {
                utf8_percent_encode(&directory.to_string_lossy(), PLAIN).to_string()
            }
        };
        format!("{host}:{}", self.port)
    }
}

/// What the address says, with the environment below it.
struct Parameters<'a> {
    given: BTreeMap<String, String>,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Parameters<'_> {
    /// A parameter that is not empty, from the address or from its variable.
    fn get(&self, name: &str) -> Option<String> {
        let variable = PARAMETERS.iter().find(|(known, ..)| *known == name).map(|(_, variable, _)| *variable);
        match self.given.get(name) {
            Some(value) => Some(value.clone()),
            None => variable
                .filter(|variable| !variable.is_empty())
                .and_then(|variable| (self.variable)(variable)),
        }
        .filter(|value| !value.is_empty())
    }

    /// A parameter that is one of few words.
    fn word<T: Copy>(&self, name: &str, words: &[(&str, T)], default: T) -> Result<T, TargetError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            address_error(format!("{name} of the target address must be one of {}", known.join(", ")))
        })
    }
}

/// Puts the target together.
fn build(parameters: &Parameters<'_>, surroundings: &Surroundings<'_>) -> Result<Target, TargetError> {
    let user = parameters.get("user").or_else(|| surroundings.user.clone());
    let user = user.ok_or_else(|| address_error("the target address names no user"))?;
    let database = parameters.get("dbname").unwrap_or_else(|| user.clone());
    if let Some(encoding) = parameters.get("client_encoding")
        && !["utf8", "utf-8", "auto"].contains(&encoding.to_lowercase().as_str())
    {
        return Err(address_error(
            "client_encoding of the target address must be UTF8: rows are sent as UTF-8",
        ));
    }
    let mut hosts = hosts(parameters)?;
    let password = parameters.get("password");
    let file = parameters
        .get("passfile")
        .map(PathBuf::from)
        .or_else(|| surroundings.home.as_ref().map(|home| home.join(".pgpass")));
    for host in &mut hosts {
        let found = match (&password, &file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(file)) => {
                passfile::password(file, &password_host(&host.place), host.port, &database, &user)
            }
            (None, None) => None,
        };
        host.password = found.map(SecretString::from);
    }
    let ignored_password_file = file.filter(|file| password.is_none() && passfile::is_open_to_others(file));
    Ok(Target {
        hosts,
        ignored_password_file,
        user,
        database,
        application_name: parameters
            .get("application_name")
            .or_else(|| parameters.get("fallback_application_name"))
            .unwrap_or_else(|| "mssql2pg".to_owned()),
        options: parameters.get("options"),
        connect_timeout: connect_timeout(parameters)?,
        tls: tls_settings(parameters, surroundings)?,
        channel_binding: parameters.word(
            "channel_binding",
            &[
                ("disable", postgres::config::ChannelBinding::Disable),
                ("prefer", postgres::config::ChannelBinding::Prefer),
                ("require", postgres::config::ChannelBinding::Require),
            ],
            postgres::config::ChannelBinding::Prefer,
        )?,
        session: parameters.word(
            "target_session_attrs",
            &[
                ("any", postgres::config::TargetSessionAttrs::Any),
                ("read-write", postgres::config::TargetSessionAttrs::ReadWrite),
                // A primary that is not read-only is the only server that rows can be written to.
                ("primary", postgres::config::TargetSessionAttrs::ReadWrite),
            ],
            postgres::config::TargetSessionAttrs::Any,
        )?,
    })
}

/// The hosts with their ports: lists of equal length, or one port for all; a host that is empty is the local server.
fn hosts(parameters: &Parameters<'_>) -> Result<Vec<TargetHost>, TargetError> {
    let list = |name: &str| -> Option<Vec<String>> {
        parameters.get(name).map(|text| text.split(',').map(|item| item.trim().to_owned()).collect())
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    if names.as_ref().is_some_and(|names| names.len() != count) {
        return Err(address_error("the target address has not as many hosts as host addresses"));
    }
    if ports.as_ref().is_some_and(|ports| ports.len() != 1 && ports.len() != count) {
        return Err(address_error("the target address has not as many ports as hosts"));
    }
    let mut hosts = Vec::new();
    for i in 0..count {
        let item = |list: &Option<Vec<String>>| {
            list.as_ref().and_then(|list| list.get(i)).filter(|text| !text.is_empty()).cloned()
        };
        let port = match ports.as_ref().and_then(|ports| ports.get(if ports.len() == 1 { 0 } else { i })) {
            None => 5432,
            Some(text) if text.is_empty() => 5432,
            Some(text) => text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                address_error(
                    "the port of the target address is not a number from 1 to 65535; \
                     a password with special characters must be percent-encoded",
                )
            })?,
        };
        let address = match item(&addresses) {
            Some(text) => Some(
                text.parse::<IpAddr>()
                    .map_err(|_| address_error("hostaddr of the target address is not an IP address"))?,
            ),
            None => None,
        };
        let place = match (item(&names), address) {
            (Some(name), None) if name.starts_with('/') => HostPlace::Unix(PathBuf::from(name)),
            (Some(name), address) => HostPlace::Tcp { name, address },
            (None, Some(address)) => HostPlace::Tcp { name: address.to_string(), address: Some(address) },
            (None, None) => local_server(port),
        };
        hosts.push(TargetHost { place, port, password: None });
    }
    Ok(hosts)
}

/// Without a host libpq takes the socket directory it was built with; we look where the socket is, else `localhost`.
fn local_server(port: u16) -> HostPlace {
    let socket = format!(".s.PGSQL.{port}");
    SOCKET_DIRECTORIES
        .iter()
        .find(|directory| Path::new(directory).join(&socket).exists())
        .map(|directory| HostPlace::Unix(PathBuf::from(directory)))
        .unwrap_or(HostPlace::Tcp { name: "localhost".to_owned(), address: None })
}

/// The name by which the password file knows a host: a default socket directory is `localhost` there.
fn password_host(place: &HostPlace) -> String {
    match place {
        HostPlace::Tcp { name, .. } => name.clone(),
        HostPlace::Unix(directory) => match directory.to_str() {
            Some(text) if SOCKET_DIRECTORIES.contains(&text) => "localhost".to_owned(),
            _ => directory.to_string_lossy().into_owned(),
        },
    }
}

/// Seconds; 0 and below are no limit (libpq), 15 when nothing is said.
fn connect_timeout(parameters: &Parameters<'_>) -> Result<Option<Duration>, TargetError> {
    let Some(text) = parameters.get("connect_timeout") else { return Ok(Some(Duration::from_secs(15))) };
    let seconds: i32 = text
        .trim()
        .parse()
        .map_err(|_| address_error("connect_timeout of the target address is not a number of seconds"))?;
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

/// What the address says about TLS, by libpq's rules.
fn tls_settings(
    parameters: &Parameters<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<TlsSettings, TargetError> {
    let modes = [
        ("disable", TlsMode::Disable),
        ("allow", TlsMode::Allow),
        ("prefer", TlsMode::Prefer),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ];
    let default_file = |name: &str| {
        surroundings
            .home
            .as_ref()
            .map(|home| home.join(".postgresql").join(name))
            .filter(|path| path.exists())
    };
    let roots = match parameters.get("sslrootcert") {
        Some(word) if word == "system" => TlsRoots::System,
        Some(path) => TlsRoots::File(PathBuf::from(path)),
        None => default_file("root.crt").map_or(TlsRoots::Absent, TlsRoots::File),
    };
    // With the system's roots anything weaker than verify-full is worthless: libpq makes it the default and refuses
    // the others.
    let default = if roots == TlsRoots::System { TlsMode::VerifyFull } else { TlsMode::Prefer };
    let mode = parameters.word("sslmode", &modes, default)?;
    if roots == TlsRoots::System && mode != TlsMode::VerifyFull {
        return Err(address_error("sslrootcert=system of the target address needs sslmode=verify-full"));
    }
    if roots == TlsRoots::Absent && matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull) {
        return Err(address_error(
            "sslmode of the target address asks to verify the server's certificate, and no root certificate is given: \
             add sslrootcert=FILE or sslrootcert=system",
        ));
    }
    let identity =
        match (parameters.get("sslcert").map(PathBuf::from), parameters.get("sslkey").map(PathBuf::from)) {
            (None, None) => default_file("postgresql.crt").zip(default_file("postgresql.key")),
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (certificate, key) => {
                let certificate = certificate.or_else(|| default_file("postgresql.crt"));
                let pair = certificate.zip(key.or_else(|| default_file("postgresql.key")));
                Some(pair.ok_or_else(|| {
                    address_error("sslcert and sslkey of the target address need one another")
                })?)
            }
        };
    let direct = parameters.word("sslnegotiation", &[("postgres", false), ("direct", true)], false)?;
    if direct && matches!(mode, TlsMode::Disable | TlsMode::Allow | TlsMode::Prefer) {
        return Err(address_error(
            "sslnegotiation=direct of the target address needs sslmode=require or stronger",
        ));
    }
    Ok(TlsSettings { mode, roots, identity, direct })
}

/// Every name must be one that libpq knows and that we can honour.
fn check_parameters(given: &BTreeMap<String, String>) -> Result<(), TargetError> {
    for (name, value) in given {
        match PARAMETERS.iter().find(|(known, ..)| known == name).map(|(.., meaning)| *meaning) {
            Some(Parameter::Used) => {}
            Some(Parameter::Ignored) if name == "gssencmode" && value == "require" => {
                return Err(address_error("gssencmode=require of the target address is not supported"));
            }
            Some(Parameter::Ignored) => {}
            Some(Parameter::Refused) => {
                return Err(address_error(format!(
                    "parameter {name} of the target address is not supported"
                )));
            }
            None => {
                let used = PARAMETERS.iter().filter(|(.., meaning)| *meaning == Parameter::Used);
                let nearest = used
                    .map(|(known, ..)| (strsim::damerau_levenshtein(known, name), *known))
                    .min()
                    .filter(|(distance, _)| *distance <= 4);
                // A name that resembles none may be a piece of a password: it is not shown.
                return Err(address_error(match nearest {
                    Some((_, nearest)) => {
                        format!("unknown parameter {name} in the target address; the nearest is {nearest}")
                    }
                    None => {
                        "unknown parameter in the target address; a password with special characters must be \
                             percent-encoded"
                            .to_owned()
                    }
                }));
            }
        }
    }
    Ok(())
}

/// Name and home of the user that we run as. The owner of `/proc/self` is the effective user; the standard library
/// has no other way to ask.
fn own_account() -> Option<(String, PathBuf)> {
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(())?;
        Some((name.to_owned(), PathBuf::from(fields.nth(2)?)))
    })
}

/// An error of the address; `context` holds no part of it but names of parameters.
fn address_error(context: impl Into<String>) -> TargetError {
    TargetError::new(ErrorKind::Address, context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;

    fn parse(url: &str, variables: &[(&str, &str)], home: Option<&Path>) -> Result<Target, TargetError> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let home = home.map(Path::to_owned);
        Target::parse_in(url, &Surroundings { variable: &variable, home, user: Some("me".to_owned()) })
    }

    fn passwords(target: &Target) -> Vec<Option<&str>> {
        target
            .hosts
            .iter()
            .map(|host| host.password.as_ref().map(|password| password.expose_secret()))
            .collect()
    }

    #[test]
    fn a_redacted_address_is_the_address_without_its_password() {
        let cases = [
            ("postgres://u:pw@h/db", "postgresql://u@h:5432/db"),
            ("postgresql://u:p%40@h:6/d b?sslmode=require", "postgresql://u@h:6/d%20b"),
            ("host=h user='a b' password='pw x'", "postgresql://a%20b@h:5432/a%20b"),
            ("postgresql://u:pw@[::1]:7/db", "postgresql://u@[::1]:7/db"),
            ("postgresql://u:pw@a:1,b:2/db", "postgresql://u@a:1,b:2/db"),
            ("postgresql:///db?host=/var/x", "postgresql://me@%2Fvar%2Fx:5432/db"),
            ("host=a,b port=9 dbname=d", "postgresql://me@a:9,b:9/d"),
            ("hostaddr=127.0.0.1 dbname=d", "postgresql://me@127.0.0.1:5432/d"),
        ];
        for (url, redacted) in cases {
            let target = parse(url, &[], None).unwrap();
            assert_eq!(target.redacted(), redacted);
            assert_eq!(parse(redacted, &[], None).unwrap().redacted(), redacted);
        }
    }

    #[test]
    fn no_debug_text_holds_a_password() {
        let target = parse("postgresql://u:s3cret@h/db", &[], None).unwrap();
        assert_eq!(passwords(&target), [Some("s3cret")]);
        assert!(!format!("{target:?} {target:#?}").contains("s3cret"), "{target:?}");
    }

    #[test]
    fn variables_fill_what_the_address_leaves_out() {
        let variables = [
            ("PGHOST", "vh"),
            ("PGPORT", "99"),
            ("PGDATABASE", "vd"),
            ("PGUSER", "vu"),
            ("PGPASSWORD", "vp"),
            ("PGSSLMODE", "disable"),
            ("PGAPPNAME", "va"),
            ("PGCONNECT_TIMEOUT", "3"),
            ("PGOPTIONS", "-c work_mem=1MB"),
        ];
        let target = parse("", &variables, None).unwrap();
        assert_eq!(target.redacted(), "postgresql://vu@vh:99/vd");
        assert_eq!(passwords(&target), [Some("vp")]);
        assert_eq!(target.tls.mode, TlsMode::Disable);
        assert_eq!(target.application_name, "va");
        assert_eq!(target.connect_timeout, Some(Duration::from_secs(3)));
        assert_eq!(target.options.as_deref(), Some("-c work_mem=1MB"));
        let target =
            parse("postgresql://u:p@h:1/d?sslmode=require&connect_timeout=0", &variables, None).unwrap();
        assert_eq!(target.redacted(), "postgresql://u@h:1/d");
        assert_eq!(passwords(&target), [Some("p")]);
        assert_eq!(target.tls.mode, TlsMode::Require);
        assert_eq!(target.connect_timeout, None);
        let target = parse("host=h", &[], None).unwrap();
        assert_eq!(target.redacted(), "postgresql://me@h:5432/me");
        assert_eq!((target.application_name.as_str(), target.tls.mode), ("mssql2pg", TlsMode::Prefer));
        assert_eq!(target.connect_timeout, Some(Duration::from_secs(15)));
    }

    #[test]
    fn the_password_file_is_the_last_to_be_asked() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".pgpass");
        std::fs::write(&file, "a:*:*:*:for a\nb:*:*:*:for b\nlocalhost:*:*:*:for local\n/x:*:*:*:for x\n")
            .unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let home = Some(home.path());
        let ask = |url: &str, variables: &[(&str, &str)]| {
            let target = parse(url, variables, home).unwrap();
            passwords(&target).into_iter().map(|password| password.map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(ask("host=a,b,c", &[]), [Some("for a".to_owned()), Some("for b".to_owned()), None]);
        assert_eq!(ask("host=/tmp", &[]), [Some("for local".to_owned())]);
        assert_eq!(ask("host=/x", &[]), [Some("for x".to_owned())]);
        assert_eq!(ask("host=a", &[("PGPASSWORD", "v")]), [Some("v".to_owned())]);
        assert_eq!(ask("host=a password=p", &[]), [Some("p".to_owned())]);
        let path = file.to_str().unwrap();
        let ignored = |url: &str| {
            parse(url, &[], home).unwrap().ignored_password_file.map(|path| path.display().to_string())
        };
        assert_eq!(ignored("host=a"), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(ignored("host=a").as_deref(), Some(path));
        assert_eq!(ignored("host=a password=p"), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(ask("host=a", &[("PGPASSFILE", "/nonexistent")]), [None]);
        assert_eq!(
            ask(&format!("host=a passfile={path}"), &[("PGPASSFILE", "/nonexistent")]),
            [Some("for a".into())]
        );
    }

    #[test]
    fn what_cannot_be_honoured_is_an_error_that_says_so() {
        const ENCODE: &str =
            "special characters in the password must be percent-encoded (@ is %40, / is %2F, : is %3A)";
        let cases = [
            (
                "postgresql://h/?sslmod=require",
                "unknown parameter sslmod in the target address; the nearest is sslmode",
            ),
            ("postgresql://h/?zzzzzzzzzzzzzzzzzz=1", "unknown parameter in the target address"),
            ("host=h service=x", "parameter service of the target address is not supported"),
            ("host=h gssencmode=require", "gssencmode=require"),
            ("host=h sslmode=on", "sslmode of the target address must be one of disable, allow, prefer"),
            ("host=h sslmode=verify-full", "no root certificate is given"),
            ("host=h sslrootcert=system sslmode=require", "needs sslmode=verify-full"),
            ("host=h sslnegotiation=direct", "needs sslmode=require"),
            ("host=h sslcert=a", "need one another"),
            ("host=h client_encoding=LATIN1", "must be UTF8"),
            ("host=h connect_timeout=soon", "not a number of seconds"),
            ("host=h port=0", "not a number from 1 to 65535"),
            ("host=a,b port=1,2,3", "not as many ports"),
            ("host=a,b hostaddr=1.1.1.1", "not as many hosts"),
            ("host=h hostaddr=h", "not an IP address"),
            ("mysql://u:s3cret@h/db", "must start with postgresql://"),
            ("postgresql://u:s3cret/x@h/db", "percent-encoded"),
            ("postgresql://u:s3cret?x=1@h/db", "percent-encoded"),
            ("postgresql://u:s3cret@h:s3cret/db", "percent-encoded"),
            ("postgresql://me:p@s3cret w/ord@127.0.0.1/shop", ENCODE),
            ("postgresql://me:p@ss w/s3cret@127.0.0.1/shop", ENCODE),
            ("postgresql://me:p@s3cret?w=ord@127.0.0.1/shop", ENCODE),
            ("postgresql://me:p@ss?s3cret=1@127.0.0.1/shop", ENCODE),
            ("postgresql://me:p@s3cret/ord@127.0.0.1/shop", ENCODE),
            ("postgresql://me:12/s3cret@127.0.0.1/shop", ENCODE),
            ("postgresql://me:12?s3cret=@127.0.0.1/shop", ENCODE),
            ("postgresql://me:p@s3cret!:5432/shop", ENCODE),
            ("postgresql://h/s3cret@db", ENCODE),
        ];
        for (url, expected) in cases {
            let error = parse(url, &[], None).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Address);
            assert!(error.context.contains(expected), "{url}: {error}");
            assert!(!format!("{error:?}").contains("s3cret"), "{url}: {error}");
        }
    }

    #[test]
    fn the_strictest_words_of_tls_are_kept() {
        let target = parse("host=h sslrootcert=system", &[], None).unwrap();
        assert_eq!((target.tls.mode, target.tls.roots), (TlsMode::VerifyFull, TlsRoots::System));
        let target = parse("host=h sslmode=verify-ca sslrootcert=/r", &[], None).unwrap();
        assert_eq!((target.tls.mode, target.tls.roots), (TlsMode::VerifyCa, TlsRoots::File("/r".into())));
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".postgresql")).unwrap();
        std::fs::write(home.path().join(".postgresql/root.crt"), "").unwrap();
        let target = parse("host=h sslmode=verify-full", &[], Some(home.path())).unwrap();
        assert_eq!(target.tls.roots, TlsRoots::File(home.path().join(".postgresql/root.crt")));
    }

    #[test]
    fn the_user_that_we_run_as_has_a_name() {
        let (name, home) = own_account().unwrap();
        assert!(!name.is_empty() && home.is_absolute());
    }
}

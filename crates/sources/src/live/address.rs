//! Where a SQL Server is and how to log in there: URLs, JDBC's, and the strings of ADO.NET and ODBC.
//!
//! Invariant: nothing but names of options and what is plainly no secret is in an error message, because a part of a
//! password that is not encoded can end up anywhere. Secrets live in [`SecretString`] only; [`Address::shown`] and
//! `Debug` have none. To add an option: see [`options`], a field here, a line in [`Address::parse_in`] and in
//! [`Address::shown`].

mod login;
mod options;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use login::{EntraOptions, Login};

use crate::{ErrorKind, SourceError};
use options::{Meaning, Name};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Ours; long enough for a serverless database that has to wake up to answer on the second try.
const LOGIN_TIMEOUT_SECONDS: u32 = 30;
/// Where the default instance listens.
const DEFAULT_PORT: u16 = 1433;
/// What a server sees us as.
const APPLICATION_NAME: &str = "mssql2pg";
/// LOGIN7 holds at most so many characters of a name (MS-TDS 2.2.6.4).
const NAME_CHARACTERS: usize = 128;
/// What stays as it is in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address with its secrets. Its `Debug` shows none.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) host: String,
    /// None only where an instance is named.
    pub(crate) port: Option<u16>,
    pub(crate) instance: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) login: Login,
    pub(crate) encrypt: Encrypt,
    pub(crate) trust_server_certificate: bool,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) server_certificate: Option<PathBuf>,
    pub(crate) host_name_in_certificate: Option<String>,
    pub(crate) application_intent_read_only: bool,
    pub(crate) multi_subnet_failover: bool,
    pub(crate) packet_size: Option<u16>,
    pub(crate) login_timeout_seconds: u32,
    /// 0: none.
    pub(crate) query_timeout_seconds: u32,
    pub(crate) application_name: String,
    /// Where the password came from, if from a file: it is shown in its place.
    pub(crate) password_file: Option<PathBuf>,
}

/// How much is encrypted. The client has no "never": it asks, and the server decides (MS-TDS 2.2.6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encrypt {
    /// TLS before anything else (TDS 8.0); the certificate is always verified.
    Strict,
    /// Everything after PRELOGIN; the certificate is verified unless it is trusted by name.
    On,
    /// The login at least, and everything where the server insists. Where it does not, the certificate is not verified,
    /// so that only listeners are kept out. A server without TLS is refused.
    LoginOnly,
    /// Like [`Encrypt::LoginOnly`], but a server without TLS is sent the password in what amounts to clear text.
    Off,
}

impl Encrypt {
    fn of(word: &str) -> Result<Self, SourceError> {
        Ok(match options::plain(word).as_str() {
            "strict" => Self::Strict,
            "on" | "true" | "yes" | "mandatory" | "required" | "1" => Self::On,
            // What these words mean in ADO.NET, ODBC and JDBC: the login is encrypted.
            "loginonly" | "false" | "no" | "optional" | "0" => Self::LoginOnly,
            "off" => Self::Off,
            _ => return Err(wrong("encrypt must be strict, on, login-only or off")),
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::On => "on",
            Self::LoginOnly => "login-only",
            Self::Off => "off",
        }
    }
}

/// What an address is filled up from; tests give their own.
struct Surroundings<'a> {
    /// An environment variable that is not empty.
    variable: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file.
    file: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

fn wrong(what: &str) -> SourceError {
    SourceError::new(ErrorKind::Address, what)
}

/// The options that were given, each once.
#[derive(Default)]
struct Given {
    options: BTreeMap<Name, String>,
}

impl Given {
    fn of(spoken: text::Spoken) -> Result<Self, SourceError> {
        let mut given = Self::default();
        for (name, value) in spoken.pairs {
            let option = match options::meaning(&name) {
                Meaning::Known(option) => option,
                Meaning::WithoutEffect => continue,
                Meaning::OnlyOff(_) if options::flag(&value) == Some(false) => continue,
                Meaning::Refused(reason) | Meaning::OnlyOff(reason) => {
                    return Err(wrong(&format!("the option {} cannot be used: {reason}", name.trim())));
                }
                Meaning::Unknown(_) if spoken.doubtful || !is_name(&name) => {
                    return Err(wrong(
                        "the address has an option that is not known; if the password has an @, / or ? in it, write them as %40, %2F and %3F",
                    ));
                }
                Meaning::Unknown(nearest) => {
                    return Err(wrong(&format!(
                        "unknown option {} in the address; did you mean {nearest}?",
                        name.trim()
                    )));
                }
            };
            if given.options.insert(option, value).is_some() {
                return Err(wrong(&format!("the address says {option} twice")));
            }
        }
        Ok(given)
    }

    fn take(&mut self, name: Name) -> Option<String> {
        self.options.remove(&name)
    }

    fn take_secret(&mut self, name: Name) -> Option<SecretString> {
        self.take(name).map(SecretString::from)
    }

    /// Puts an option back, to be looked at again.
    fn keep(&mut self, name: Name, value: &str) {
        self.options.insert(name, value.to_owned());
    }

    fn flag(&mut self, name: Name) -> Result<bool, SourceError> {
        match self.take(name) {
            None => Ok(false),
            Some(value) => {
                options::flag(&value).ok_or_else(|| wrong(&format!("{name} must be true or false")))
            }
        }
    }

    fn number(&mut self, name: Name, least: u32, most: u32) -> Result<Option<u32>, SourceError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.trim().parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(wrong(&format!("{name} must be a whole number from {least} to {most}"))),
        }
    }

    /// A name that goes to the server, not empty.
    fn name(&mut self, name: Name) -> Result<Option<String>, SourceError> {
        let Some(value) = self.take(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        if value.encode_utf16().count() > NAME_CHARACTERS {
            return Err(wrong(&format!("{name} has more than {NAME_CHARACTERS} characters")));
        }
        Ok(Some(value))
    }
}

/// Whether it looks like the name of an option, and not like a piece of a password.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 40
        && text.chars().all(|letter| letter.is_ascii_alphabetic() || matches!(letter, ' ' | '_' | '-'))
}

impl Address {
    /// Whether `location` has the form of a server's address.
    pub(crate) fn is_address(location: &str) -> bool {
        text::is_address(location)
    }

    /// Reads an address. Connects to nothing.
    ///
    /// # Errors
    /// `Address`: an unknown option is named with the nearest known one; options that contradict one another; what we
    /// cannot do. No error repeats a secret.
    pub(crate) fn parse(location: &str) -> Result<Self, SourceError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let file = |path: &Path| std::fs::read_to_string(path);
        Self::parse_in(location, &Surroundings { variable: &variable, file: &file })
    }

    fn parse_in(location: &str, around: &Surroundings<'_>) -> Result<Self, SourceError> {
        let mut given = Given::of(text::split(location)?)?;
        let host = host(given.take(Name::Server))?;
        let port = given.number(Name::Port, 1, 65_535)?.and_then(|port| u16::try_from(port).ok());
        // The default instance's name is MSSQLSERVER, and it listens where nothing is said.
        let instance = given.name(Name::Instance)?.filter(|name| !name.eq_ignore_ascii_case("mssqlserver"));
        if port.is_some() && instance.is_some() {
            return Err(wrong(
                "the address has a port and an instance; the port alone says where the instance is",
            ));
        }
        if instance.as_ref().is_some_and(|name| name.contains(['\\', ',', ':', '/', ';'])) {
            return Err(wrong("the name of the instance has a character that no instance can have"));
        }
        let port = if instance.is_none() { port.or(Some(DEFAULT_PORT)) } else { port };
        let login = login::login(&mut given, around)?;
        let encrypt = match given.take(Name::Encrypt) {
            Some(word) => Encrypt::of(&word)?,
            None => Encrypt::On,
        };
        let application_intent_read_only =
            match given.take(Name::ApplicationIntent).as_deref().map(options::plain).as_deref() {
                Some("readonly") => true,
                None | Some("" | "readwrite") => false,
                Some(_) => return Err(wrong("application_intent must be read-only or read-write")),
            };
        let packet_size = given.number(Name::PacketSize, 512, 32_767)?.map(|size| {
            // A packet holds whole words of 4 bytes.
            u16::try_from(size & !3).unwrap_or(512)
        });
        let file =
            |given: &mut Given, name| given.take(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let address = Self {
            host,
            port,
            instance,
            database: given.name(Name::Database)?,
            login,
            encrypt,
            trust_server_certificate: given.flag(Name::TrustServerCertificate)?,
            ca_file: file(&mut given, Name::CaFile),
            server_certificate: file(&mut given, Name::ServerCertificate),
            host_name_in_certificate: given.take(Name::HostNameInCertificate).filter(|name| !name.is_empty()),
            application_intent_read_only,
            multi_subnet_failover: given.flag(Name::MultiSubnetFailover)?,
            packet_size,
            login_timeout_seconds: given
                .number(Name::LoginTimeout, 0, 65_534)?
                .filter(|seconds| *seconds > 0)
                .unwrap_or(LOGIN_TIMEOUT_SECONDS),
            query_timeout_seconds: given.number(Name::QueryTimeout, 0, 2_147_483)?.unwrap_or(0),
            application_name: given.name(Name::Application)?.unwrap_or_else(|| APPLICATION_NAME.to_owned()),
            password_file: file(&mut given, Name::PasswordFile),
        };
        address.check()?;
        Ok(address)
    }

    /// Refuses what contradicts itself: the client would silently take one of the two.
    fn check(&self) -> Result<(), SourceError> {
        let weak = matches!(self.encrypt, Encrypt::LoginOnly | Encrypt::Off);
        let verifies = [
            (self.ca_file.is_some(), Name::CaFile),
            (self.server_certificate.is_some(), Name::ServerCertificate),
            (self.host_name_in_certificate.is_some(), Name::HostNameInCertificate),
        ];
        let verifying = verifies.iter().find(|(is, _)| *is).map(|(_, name)| *name);
        if let (true, Some(name)) = (self.trust_server_certificate, verifying) {
            return Err(wrong(&format!(
                "trust_server_certificate verifies nothing and {name} verifies: leave one out"
            )));
        }
        if self.trust_server_certificate && self.encrypt == Encrypt::Strict {
            return Err(wrong(
                "encrypt=strict always verifies the certificate: leave trust_server_certificate out, or name the certificate with server_certificate=",
            ));
        }
        if let (Encrypt::Off, Some(name)) = (self.encrypt, verifying) {
            return Err(wrong(&format!("encrypt=off and {name} exclude one another")));
        }
        if self.server_certificate.is_some()
            && (self.ca_file.is_some() || self.host_name_in_certificate.is_some())
        {
            return Err(wrong(
                "server_certificate accepts that very certificate and nothing else: leave ca_file and host_name_in_certificate out",
            ));
        }
        // A token opens everything that its owner may use, so that it goes to nobody unknown.
        if matches!(self.login, Login::Entra(_)) && (weak || self.trust_server_certificate) {
            return Err(wrong(
                "a token is sent to a server only whose certificate is verified: use encrypt=on or strict without trust_server_certificate",
            ));
        }
        Ok(())
    }

    /// The server as people write it: `host:port` or `host\instance`.
    pub(crate) fn server(&self) -> String {
        let host = self.bracketed();
        match (&self.instance, self.port) {
            (_, Some(port)) => format!("{host}:{port}"),
            (Some(instance), None) => format!("{host}\\{instance}"),
            (None, None) => format!("{host}:{DEFAULT_PORT}"),
        }
    }

    fn bracketed(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }

    /// The address as a URL without its secrets: what the report repeats. With them added it is the same address.
    pub(crate) fn shown(&self) -> String {
        // Destructured, so that no option is forgotten.
        let Self {
            host: _,
            port,
            instance,
            database,
            login,
            encrypt,
            trust_server_certificate,
            ca_file,
            server_certificate,
            host_name_in_certificate,
            application_intent_read_only,
            multi_subnet_failover,
            packet_size,
            login_timeout_seconds,
            query_timeout_seconds,
            application_name,
            password_file,
        } = self;
        let encode = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let (user, mut options) = login.shown();
        let user = user.map(|user| format!("{}@", encode(user))).unwrap_or_default();
        let mut url = format!("mssql://{user}{}", self.bracketed());
        match (instance, port) {
            (None, port) => url.push_str(&format!(":{}", port.unwrap_or(DEFAULT_PORT))),
            (Some(instance), _) if database.is_some() => url.push_str(&format!("/{}", encode(instance))),
            (Some(instance), _) => options.push((Name::Instance, instance.clone())),
        }
        if let Some(database) = database {
            url.push_str(&format!("/{}", encode(database)));
        }
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        options.extend(password_file.iter().map(|file| (Name::PasswordFile, path(file))));
        if *encrypt != Encrypt::On {
            options.push((Name::Encrypt, encrypt.word().to_owned()));
        }
        if *trust_server_certificate {
            options.push((Name::TrustServerCertificate, "true".to_owned()));
        }
        options.extend(ca_file.iter().map(|file| (Name::CaFile, path(file))));
        options.extend(server_certificate.iter().map(|file| (Name::ServerCertificate, path(file))));
        options
            .extend(host_name_in_certificate.iter().map(|name| (Name::HostNameInCertificate, name.clone())));
        if *application_intent_read_only {
            options.push((Name::ApplicationIntent, "read-only".to_owned()));
        }
        if *multi_subnet_failover {
            options.push((Name::MultiSubnetFailover, "true".to_owned()));
        }
        options.extend(packet_size.iter().map(|size| (Name::PacketSize, size.to_string())));
        for (name, seconds, usual) in [
            (Name::LoginTimeout, *login_timeout_seconds, LOGIN_TIMEOUT_SECONDS),
            (Name::QueryTimeout, *query_timeout_seconds, 0),
        ] {
            if seconds != usual {
                options.push((name, seconds.to_string()));
            }
        }
        if application_name != APPLICATION_NAME {
            options.push((Name::Application, application_name.clone()));
        }
        for (place, (name, value)) in options.iter().enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            url.push_str(&format!("{mark}{name}={}", encode(value)));
        }
        url
    }

    /// The same in another database.
    pub(crate) fn in_database(&self, database: Option<&str>) -> Self {
        Self { database: database.map(str::to_owned).or_else(|| self.database.clone()), ..self.clone() }
    }
}

/// A host that can be looked up; `.` and `(local)` are this machine.
fn host(given: Option<String>) -> Result<String, SourceError> {
    let host = given.unwrap_or_default();
    let host = host.trim();
    if host.to_ascii_lowercase().starts_with("(localdb)") {
        return Err(wrong(
            "LocalDB answers on Windows and to its own user only; name a server that listens on TCP",
        ));
    }
    let is_ipv6 = host.split('%').next().is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    if host.contains(':') && !is_ipv6 {
        return Err(wrong("a port stands after a comma here: Server=host,port"));
    }
    match host {
        "" => Err(wrong("the address names no server")),
        "." | "(local)" => Ok("localhost".to_owned()),
        _ if host.chars().all(|letter| letter.is_alphanumeric() || "-._:%".contains(letter)) => {
            Ok(host.to_owned())
        }
        _ => Err(wrong(
            "the name of the server has a character that no server can have; if the password has an @, / or ? in it, write them as %40, %2F and %3F",
        )),
    }
}

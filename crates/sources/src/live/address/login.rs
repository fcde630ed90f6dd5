//! How an address logs in: by name and password, with an Entra ID token, or with Kerberos.
//!
//! Invariant: what cannot be done is refused here, before anything is connected to, with the way out. To add a way: a
//! word in [`Way::of`], and a variant of [`Login`] or of `EntraSource`.

use super::options::{self, Name};
use super::{Given, Surroundings, wrong};
use crate::SourceError;
use crate::live::credentials::EntraSource;
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// How to log in. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// A login of the server's own.
    Sql { user: String, password: SecretString },
    /// An Entra ID token.
    Entra(EntraSource),
    /// Kerberos, as the user whom the ticket cache knows.
    Integrated { spn: Option<String> },
}

/// What a source of tokens has to say in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntraOptions {
    pub(crate) authentication: String,
    pub(crate) token_file: Option<String>,
}

/// The word of the option `authentication`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Sql,
    Token,
    ServicePrincipal,
    ManagedIdentity,
    Default,
    Kerberos,
}

impl Way {
    fn of(word: &str) -> Result<Self, SourceError> {
        Ok(match options::plain(word).replace("activedirectory", "entra").as_str() {
            "sql" | "sqlpassword" | "notspecified" | "nativeauthentication" => Self::Sql,
            "entratoken" | "token" | "accesstoken" | "entraaccesstoken" => Self::Token,
            "entraserviceprincipal" => Self::ServicePrincipal,
            "entramanagedidentity" | "entramsi" => Self::ManagedIdentity,
            "entradefault" => Self::Default,
            "kerberos" | "integrated" | "windows" | "javakerberos" => Self::Kerberos,
            "ntlm" => return Err(wrong(NTLM)),
            "entrapassword" => {
                return Err(wrong(
                    "Entra ID by user and password is not supported, and Microsoft has given it up; use authentication=entra-service-principal, entra-managed-identity, or token_command= with a command that prints a token",
                ));
            }
            "entrainteractive"
            | "entradevicecodeflow"
            | "entraintegrated"
            | "entraworkloadidentity"
            | "entraserviceprincipalcertificate" => {
                return Err(wrong(
                    "this way of Entra ID is not supported; log in with a tool of Microsoft's and use token_command=, for example with az account get-access-token --resource https://database.windows.net/ --query accessToken --output tsv",
                ));
            }
            _ => {
                return Err(wrong(
                    "authentication must be sql, entra-token, entra-service-principal, entra-managed-identity, entra-default or kerberos",
                ));
            }
        })
    }
}

const NTLM: &str = "logins of Windows by name and password (NTLM) are not supported; use a SQL login, an Entra token, or Kerberos (authentication=kerberos, after kinit)";

/// What the options say about the login.
pub(super) fn login(given: &mut Given, around: &Surroundings<'_>) -> Result<Login, SourceError> {
    let integrated = match given.take(Name::Integrated) {
        Some(word) if options::plain(&word) == "sspi" => true,
        Some(word) => {
            options::flag(&word).ok_or_else(|| wrong("integrated_security must be true, false or sspi"))?
        }
        None => false,
    };
    let word = given.take(Name::Authentication).filter(|word| !word.trim().is_empty());
    let (user, client_id) = (given.take(Name::User), given.take(Name::ClientId));
    let password = password(given, around)?;
    let token_file = given.take(Name::TokenFile).map(PathBuf::from);
    let token_command = given.take_secret(Name::TokenCommand);
    let spn = given.take(Name::Spn);
    let has_token = token_file.is_some() || token_command.is_some();
    let way = match word.as_deref().map(Way::of).transpose()? {
        Some(way) if integrated && way != Way::Kerberos => {
            return Err(wrong("integrated_security and another authentication exclude one another"));
        }
        Some(way) => way,
        None if integrated => Way::Kerberos,
        None if has_token => Way::Token,
        None => Way::Sql,
    };
    if has_token && way != Way::Token {
        return Err(wrong("token_file and token_command belong to authentication=entra-token"));
    }
    if spn.is_some() && way != Way::Kerberos {
        return Err(wrong("server_spn belongs to authentication=kerberos"));
    }
    if client_id.is_some() && !matches!(way, Way::ManagedIdentity | Way::ServicePrincipal | Way::Default) {
        return Err(wrong(
            "client_id belongs to authentication=entra-managed-identity or entra-service-principal",
        ));
    }
    if client_id.is_some() && user.is_some() {
        return Err(wrong("client_id and user name the same thing twice"));
    }
    match way {
        Way::Sql => sql(user, password),
        Way::Kerberos => kerberos(user, password, spn),
        Way::Token if user.is_some() || password.is_some() => {
            Err(wrong("a token says who logs in: leave user and password out"))
        }
        Way::Token => token(token_file, token_command, around),
        Way::ServicePrincipal => service_principal(user.or(client_id), password, around),
        Way::ManagedIdentity if password.is_some() => {
            Err(wrong("a managed identity has no password: leave it out"))
        }
        Way::ManagedIdentity => Ok(Login::Entra(EntraSource::managed_identity(user.or(client_id)))),
        Way::Default => {
            let names = ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"];
            let all = names.iter().all(|name| (around.variable)(name).is_some());
            match password.is_some() || all {
                true => service_principal(user.or(client_id), password, around),
                false => Ok(Login::Entra(EntraSource::managed_identity(user.or(client_id)))),
            }
        }
    }
}

fn password(given: &mut Given, around: &Surroundings<'_>) -> Result<Option<SecretString>, SourceError> {
    let password = given.take_secret(Name::Password);
    let Some(path) = given.take(Name::PasswordFile) else { return Ok(password) };
    if password.is_some() {
        return Err(wrong("password and password_file are two passwords: leave one out"));
    }
    given.keep(Name::PasswordFile, &path);
    let text = (around.file)(Path::new(&path)).map_err(|error| {
        SourceError::caused(crate::ErrorKind::Address, format!("cannot read the password file {path}"), error)
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(SecretString::from(line.strip_suffix('\r').unwrap_or(line))))
}

fn sql(user: Option<String>, password: Option<SecretString>) -> Result<Login, SourceError> {
    let user = user.filter(|user| !user.is_empty()).ok_or_else(|| {
        wrong("the address names no user; mssql://user:password@host/database, or authentication= for a token or Kerberos")
    })?;
    if user.contains('\\') {
        return Err(wrong(NTLM));
    }
    let password = password.ok_or_else(|| {
        wrong("the address has no password; put it into SOURCE_URL of the environment or of .env, or into a file that password_file= names")
    })?;
    Ok(Login::Sql { user, password })
}

fn kerberos(
    user: Option<String>,
    password: Option<SecretString>,
    spn: Option<String>,
) -> Result<Login, SourceError> {
    if password.is_some() {
        return Err(wrong(NTLM));
    }
    if user.is_some() {
        return Err(wrong("Kerberos logs in as the user of the ticket cache (kinit): leave the user out"));
    }
    if !cfg!(feature = "kerberos") {
        return Err(wrong(
            "this build has no Kerberos; build it with cargo build --release --features kerberos, on a machine with libgssapi_krb5, or use a SQL login or an Entra token",
        ));
    }
    Ok(Login::Integrated { spn })
}

fn token(
    file: Option<PathBuf>,
    command: Option<SecretString>,
    around: &Surroundings<'_>,
) -> Result<Login, SourceError> {
    match (file, command) {
        (Some(_), Some(_)) => {
            Err(wrong("token_file and token_command are two sources of a token: leave one out"))
        }
        (Some(file), None) => Ok(Login::Entra(EntraSource::file(file))),
        (None, Some(command)) => Ok(Login::Entra(EntraSource::command(command))),
        (None, None) => match (around.variable)("MSSQL2PG_ACCESS_TOKEN") {
            Some(token) => Ok(Login::Entra(EntraSource::fixed(SecretString::from(token.trim())))),
            None => Err(wrong(
                "there is no token for authentication=entra-token: set MSSQL2PG_ACCESS_TOKEN, or name token_file= or token_command=",
            )),
        },
    }
}

fn service_principal(
    client_id: Option<String>,
    secret: Option<SecretString>,
    around: &Surroundings<'_>,
) -> Result<Login, SourceError> {
    let needed = |name: &str, what: &str| {
        (around.variable)(name).ok_or_else(|| {
            wrong(&format!("the service principal has no {what}: set {name}, or give it in the address"))
        })
    };
    let client_id = match client_id {
        Some(client_id) => client_id,
        None => needed("AZURE_CLIENT_ID", "client id")?,
    };
    let secret = match secret {
        Some(secret) => secret,
        None => SecretString::from(needed("AZURE_CLIENT_SECRET", "secret")?),
    };
    let tenant = (around.variable)("AZURE_TENANT_ID");
    Ok(Login::Entra(EntraSource::service_principal(client_id, secret, tenant)))
}

impl Login {
    /// What the address must say to log in the same way, without secrets: the user, and options.
    pub(super) fn shown(&self) -> (Option<&str>, Vec<(Name, String)>) {
        match self {
            Self::Sql { user, .. } => (Some(user), Vec::new()),
            Self::Integrated { spn } => {
                let mut options = vec![(Name::Authentication, "kerberos".to_owned())];
                options.extend(spn.iter().map(|spn| (Name::Spn, spn.clone())));
                (None, options)
            }
            Self::Entra(source) => {
                let (user, EntraOptions { authentication, token_file }) = source.shown();
                let mut options = vec![(Name::Authentication, authentication)];
                options.extend(token_file.map(|file| (Name::TokenFile, file)));
                (user, options)
            }
        }
    }
}

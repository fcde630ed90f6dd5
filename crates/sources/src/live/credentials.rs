//! Who says who we are to Entra ID: providers of access tokens behind one interface.
//!
//! Invariant: a token is asked for at each new connection, and is kept only while more than [`MARGIN_SECONDS`] of its life
//! are left; no token and no secret is in an error, a log or a `Debug` text; a server gets tokens for SQL databases only,
//! whatever it asks for. To add a provider: implement [`TokenProvider`] in a file here, and a constructor of
//! [`EntraSource`].

mod azure;
mod command;
mod http;

use super::address::EntraOptions;
use azure::{ManagedIdentity, ServicePrincipal};
use command::{CommandToken, FileToken, FixedToken};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A token that ends sooner is not used for a new connection.
const MARGIN_SECONDS: u64 = 300;

/// Gives access tokens. Asked once for each connection, from any thread.
pub(crate) trait TokenProvider: Send + Sync {
    /// A token for the resource that the server names, from the authority that it names (FEDAUTHINFO, MS-TDS 2.2.7.12).
    fn token(&self, resource: &str, sts_url: &str) -> Result<SecretString, CredentialError>;

    /// Called before a connection is made: what takes long and needs no word of the server is done now, while no login
    /// time-out runs.
    fn prepare(&self) -> Result<(), CredentialError> {
        Ok(())
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CredentialError(pub(crate) String);

impl CredentialError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Where the tokens of an address come from; its clones share what is kept of them.
#[derive(Clone)]
pub(crate) struct EntraSource {
    kind: Kind,
    provider: Arc<dyn TokenProvider>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Fixed,
    File(PathBuf),
    Command,
    ServicePrincipal { client_id: String },
    ManagedIdentity { client_id: Option<String> },
}

impl fmt::Debug for EntraSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl EntraSource {
    /// A token that is given.
    pub(crate) fn fixed(token: SecretString) -> Self {
        Self { kind: Kind::Fixed, provider: Arc::new(FixedToken(token)) }
    }

    /// A file that somebody else keeps fresh.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self { kind: Kind::File(path.clone()), provider: Arc::new(FileToken(path)) }
    }

    /// A command that prints a token.
    pub(crate) fn command(command: SecretString) -> Self {
        Self { kind: Kind::Command, provider: Arc::new(CommandToken::new(command)) }
    }

    /// An application with a secret.
    pub(crate) fn service_principal(client_id: String, secret: SecretString, tenant: Option<String>) -> Self {
        let authority = std::env::var("AZURE_AUTHORITY_HOST").ok().filter(|host| !host.is_empty());
        let provider = ServicePrincipal::new(client_id.clone(), secret, tenant, authority);
        Self { kind: Kind::ServicePrincipal { client_id }, provider: Arc::new(provider) }
    }

    /// The identity of the machine or service that we run on.
    pub(crate) fn managed_identity(client_id: Option<String>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = azure::Endpoint::of(variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER"));
        let provider = ManagedIdentity::new(client_id.clone(), endpoint);
        Self { kind: Kind::ManagedIdentity { client_id }, provider: Arc::new(provider) }
    }

    /// What an address must say to use the same source, without secrets.
    pub(crate) fn shown(&self) -> (Option<&str>, EntraOptions) {
        let word = |word: &str| word.to_owned();
        let options = |authentication: &str, file: Option<&PathBuf>| EntraOptions {
            authentication: word(authentication),
            token_file: file.map(|file| file.to_string_lossy().into_owned()),
        };
        match &self.kind {
            Kind::Fixed | Kind::Command => (None, options("entra-token", None)),
            Kind::File(path) => (None, options("entra-token", Some(path))),
            Kind::ServicePrincipal { client_id } => {
                (Some(client_id), options("entra-service-principal", None))
            }
            Kind::ManagedIdentity { client_id } => {
                (client_id.as_deref(), options("entra-managed-identity", None))
            }
        }
    }
}

/// The provider of a source.
pub(crate) fn provider(source: &EntraSource) -> Result<Arc<dyn TokenProvider>, CredentialError> {
    source.provider.prepare()?;
    Ok(Arc::clone(&source.provider))
}

/// The last token, while it is good.
#[derive(Default)]
struct Kept(Mutex<Option<(SecretString, u64)>>);

impl Kept {
    /// The kept token, or a new one with the second at which it ends.
    fn or_new(
        &self,
        new: impl FnOnce() -> Result<(SecretString, Option<u64>), CredentialError>,
    ) -> Result<SecretString, CredentialError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, ends)) = &*kept
            && *ends > now() + MARGIN_SECONDS
        {
            return Ok(token.clone());
        }
        let (token, ends) = new()?;
        *kept = ends.map(|ends| (token.clone(), ends));
        Ok(token)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Takes what was printed or written for a token: one line without blanks.
fn checked(text: &str, from: &str) -> Result<SecretString, CredentialError> {
    let token = text.trim().trim_matches('"');
    match token {
        "" => Err(CredentialError(format!("{from} gave no token"))),
        _ if token.contains(|letter: char| letter.is_whitespace() || letter.is_control()) => {
            Err(CredentialError(format!("{from} gave something else than one token")))
        }
        _ => Ok(SecretString::from(token)),
    }
}

/// The second at which a token ends: the claim `exp` of a JSON Web Token (RFC 7519, 4.1.4); none when it is no such token.
fn ends(token: &SecretString) -> Option<u64> {
    let claims = token.expose_secret().split('.').nth(1)?;
    let claims: serde_json::Value = serde_json::from_slice(&base64url(claims)?).ok()?;
    claims.get("exp")?.as_u64()
}

/// RFC 4648, 5, without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;

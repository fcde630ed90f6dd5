//! Tokens from Entra ID itself: a service principal's (OAuth 2.0 client credentials, RFC 6749, 4.4) and a managed
//! identity's (the instance metadata service, or App Service's endpoint).
//!
//! Invariant: the secret of a service principal goes to Microsoft's authorities only, or to the one that
//! `AZURE_AUTHORITY_HOST` names; a token is for a SQL database, whatever the server asks for.

use super::http::{self, Answer};
use super::{CredentialError, Kept, TokenProvider, checked, now};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// The clouds: where tokens are given, and what a SQL database is called there.
const AUTHORITIES: &[&str] = &[
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
];
const RESOURCES: &[&str] = &[
    "https://database.windows.net",
    "https://database.usgovcloudapi.net",
    "https://database.chinacloudapi.cn",
];

/// An application with a secret.
pub(super) struct ServicePrincipal {
    client_id: String,
    secret: SecretString,
    tenant: Option<String>,
    authority: Option<String>,
    kept: Kept,
}

impl ServicePrincipal {
    /// `authority` is the base URL of the service that gives tokens; the server names it otherwise.
    pub(super) fn new(
        client_id: String,
        secret: SecretString,
        tenant: Option<String>,
        authority: Option<String>,
    ) -> Self {
        Self { client_id, secret, tenant, authority, kept: Kept::default() }
    }

    /// The service and the tenant; the server's word counts where it names one of Microsoft's.
    fn place(&self, sts_url: &str) -> Result<(String, String), CredentialError> {
        let rest = sts_url.strip_prefix("https://").unwrap_or("");
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let known = AUTHORITIES.contains(&host.to_ascii_lowercase().as_str());
        let authority = match &self.authority {
            Some(authority) if authority.contains("://") => authority.trim_end_matches('/').to_owned(),
            Some(authority) => format!("https://{}", authority.trim_end_matches('/')),
            None if known => format!("https://{host}"),
            None => "https://login.microsoftonline.com".to_owned(),
        };
        let named = path.split('/').next().filter(|tenant| known && !tenant.is_empty());
        let tenant = self.tenant.as_deref().or(named).ok_or_else(|| {
            CredentialError::new("the service principal's tenant is not known; set AZURE_TENANT_ID")
        })?;
        if !tenant.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.')) {
            return Err(CredentialError::new("the tenant is neither an id nor a domain"));
        }
        Ok((authority, tenant.to_owned()))
    }
}

impl TokenProvider for ServicePrincipal {
    fn token(&self, resource: &str, sts_url: &str) -> Result<SecretString, CredentialError> {
        let resource = database(resource)?;
        self.kept.or_new(|| {
            let (authority, tenant) = self.place(sts_url)?;
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", &self.client_id),
                ("client_secret", self.secret.expose_secret()),
                ("scope", &format!("{resource}/.default")),
            ];
            let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
            token_of("Entra ID", http::post(&url, &SecretString::from(encoded(&form)))?)
        })
    }
}

/// Where a managed identity's tokens are.
#[derive(Clone)]
pub(super) struct Endpoint {
    url: String,
    api_version: &'static str,
    header: (&'static str, SecretString),
}

impl Endpoint {
    /// App Service, Functions and Container Apps name theirs; a virtual machine's is always the same.
    pub(super) fn of(endpoint: Option<String>, header: Option<String>) -> Self {
        match (endpoint, header) {
            (Some(url), Some(header)) => Self {
                url,
                api_version: "2019-08-01",
                header: ("X-IDENTITY-HEADER", SecretString::from(header)),
            },
            _ => Self::machine("http://169.254.169.254"),
        }
    }

    /// A virtual machine's.
    pub(super) fn machine(base: &str) -> Self {
        Self {
            url: format!("{base}/metadata/identity/oauth2/token"),
            api_version: "2018-02-01",
            header: ("Metadata", SecretString::from("true")),
        }
    }
}

/// The identity of what we run on.
pub(super) struct ManagedIdentity {
    client_id: Option<String>,
    endpoint: Endpoint,
    kept: Kept,
}

impl ManagedIdentity {
    pub(super) fn new(client_id: Option<String>, endpoint: Endpoint) -> Self {
        Self { client_id, endpoint, kept: Kept::default() }
    }
}

impl TokenProvider for ManagedIdentity {
    fn token(&self, resource: &str, _sts_url: &str) -> Result<SecretString, CredentialError> {
        let resource = database(resource)?;
        self.kept.or_new(|| {
            let Endpoint { url, api_version, header: (name, value) } = &self.endpoint;
            let resource = format!("{resource}/");
            let mut query = vec![("api-version", *api_version), ("resource", resource.as_str())];
            query.extend(self.client_id.iter().map(|id| ("client_id", id.as_str())));
            let answer = http::get(&format!("{url}?{}", encoded(&query)), (name, value))
                .map_err(|error| CredentialError(format!("this machine has no managed identity: {error}")))?;
            token_of("the managed identity's service", answer)
        })
    }
}

/// What the server calls a SQL database, if that is what it asks a token for.
fn database(resource: &str) -> Result<&str, CredentialError> {
    let resource = resource.trim_end_matches('/');
    let wanted = if resource.is_empty() { RESOURCES.first().copied().unwrap_or("") } else { resource };
    match RESOURCES.iter().any(|known| known.eq_ignore_ascii_case(wanted)) {
        true => Ok(wanted),
        false => Err(CredentialError::new(
            "the server asks for a token that is not for SQL databases; it gets none",
        )),
    }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// The token in an answer, and the second at which it ends.
fn token_of(who: &str, answer: Answer) -> Result<(SecretString, Option<u64>), CredentialError> {
    let body: serde_json::Value = serde_json::from_str(answer.body.expose_secret()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
    if answer.status != 200 {
        let reason = text("error_description").or(text("error")).or(text("message")).unwrap_or("no reason");
        let reason: String = reason.lines().next().unwrap_or("").chars().take(300).collect();
        return Err(CredentialError(format!("{who} gives no token (status {}): {reason}", answer.status)));
    }
    let token = checked(text("access_token").unwrap_or(""), who)?;
    // Both come as numbers here and as texts there.
    let seconds = |name: &str| {
        let value = body.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let ends = seconds("expires_on")
        .or_else(|| seconds("expires_in").map(|life| now() + life))
        .or(super::ends(&token));
    Ok((token, ends))
}

//! Provisional.
use super::address::EntraSource;
use secrecy::SecretString;
use std::sync::Arc;

/// Provisional.
pub(crate) trait TokenProvider: Send + Sync {
    fn token(&self, resource: &str, sts_url: &str) -> Result<SecretString, CredentialError>;
}
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CredentialError(pub(crate) String);

pub(crate) fn provider(_source: &EntraSource) -> Result<Arc<dyn TokenProvider>, CredentialError> {
    Err(CredentialError("provisional".to_owned()))
}

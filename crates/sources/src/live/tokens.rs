//! Entra ID tokens for the TDS client: it asks during login, a provider of ours answers.

use super::credentials::{self, EntraSource, TokenProvider};
use crate::{ErrorKind, SourceError};
use mssql_tds::connection::client_context::{EntraIdTokenFactory, TdsAuthenticationMethod};
use mssql_tds::core::TdsResult;
use mssql_tds::error::Error as TdsError;
use secrecy::ExposeSecret;
use std::sync::Arc;

/// How an error begins when no provider gives a token: the client hands on texts only.
pub(crate) const NO_TOKEN: &str = "there is no token for the login";

/// Asks a provider for a token each time that a connection logs in.
#[derive(Clone)]
pub(crate) struct TokenFactory {
    provider: Arc<dyn TokenProvider>,
}

impl TokenFactory {
    /// For this source of tokens.
    ///
    /// # Errors
    /// `Token` when the source lacks something.
    pub(crate) fn new(source: &EntraSource) -> Result<Self, SourceError> {
        let provider = credentials::provider(source)
            .map_err(|error| SourceError::caused(ErrorKind::Token, NO_TOKEN, error))?;
        Ok(Self { provider })
    }
}

#[async_trait::async_trait]
impl EntraIdTokenFactory for TokenFactory {
    async fn create_token(
        &self,
        spn: String,
        sts_url: String,
        _auth_method: TdsAuthenticationMethod,
    ) -> TdsResult<Vec<u8>> {
        let token = self
            .provider
            .token(&spn, &sts_url)
            .map_err(|error| TdsError::ConnectionError(format!("{NO_TOKEN}: {error}")))?;
        // MS-TDS 2.2.6.3: the token goes as UTF-16LE.
        Ok(token.expose_secret().encode_utf16().flat_map(u16::to_le_bytes).collect())
    }
}

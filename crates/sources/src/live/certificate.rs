//! A CA file for the server's certificate: the client knows only the system's, so that we verify and then pin.
//!
//! [`before_login`] goes as far as TLS on a connection of its own, verifies chain and name against the CA file, and hands
//! the client that very certificate as the only one it may accept. Between the two connections another server may take
//! the place of the first: the client refuses it, because its certificate is another, byte for byte, and because TLS
//! makes it prove that it has the key.

use super::address::{Address, Encrypt};
use super::handshake::{self, Trust};
use crate::{ErrorKind, SourceError};
use std::io::Write;
use std::path::Path;

/// A verified certificate in a file of its own, for as long as a connection is being made.
#[derive(Debug)]
pub(crate) struct Pinned(tempfile::TempPath);

impl Pinned {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// What the client cannot see to by itself: verifies the server's certificate against the address's CA file, and refuses a
/// server without TLS where the login must be encrypted. None where the address names no CA file.
///
/// # Errors
/// `Certificate` when it is not signed by that CA, or is another server's; `Connect` and `Tls` likewise.
pub(crate) fn before_login(address: &Address) -> Result<Option<Pinned>, SourceError> {
    let Some(file) = &address.ca_file else {
        // The client would send the password in clear to a server that says it has no TLS.
        if address.encrypt == Encrypt::LoginOnly {
            handshake::look(address, &Trust::Anybody)?;
        }
        return Ok(None);
    };
    let roots = roots(file)?;
    let seen = handshake::look(address, &Trust::Roots(&roots))?;
    let certificate = seen.certificate.ok_or_else(|| {
        SourceError::new(ErrorKind::Certificate, format!("{} shows no certificate", address.server()))
    })?;
    let write = || -> std::io::Result<tempfile::TempPath> {
        let mut file = tempfile::Builder::new().prefix("mssql2pg-").suffix(".cer").tempfile()?;
        file.write_all(&certificate)?;
        file.flush()?;
        Ok(file.into_temp_path())
    };
    write().map(|path| Some(Pinned(path))).map_err(|error| {
        SourceError::caused(ErrorKind::Certificate, "cannot keep the server's certificate in a file", error)
    })
}

/// The certificates of a CA file: PEM with any number of them, or one in DER.
///
/// # Errors
/// `Certificate`, when it cannot be read or has none.
pub(crate) fn roots(file: &Path) -> Result<Vec<native_tls::Certificate>, SourceError> {
    let name = file.display();
    let bytes = std::fs::read(file).map_err(|error| {
        SourceError::caused(ErrorKind::Certificate, format!("cannot read the CA file {name}"), error)
    })?;
    let found = native_tls::Certificate::stack_from_pem(&bytes).unwrap_or_default();
    if !found.is_empty() {
        return Ok(found);
    }
    native_tls::Certificate::from_der(&bytes).map(|root| vec![root]).map_err(|error| {
        SourceError::caused(
            ErrorKind::Certificate,
            format!("there is no certificate in the CA file {name}"),
            error,
        )
    })
}

//! Keys of the server: what rustls is told.

use crate::options::{Certificate, Tls};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, version};
use std::io;
use std::sync::Arc;

/// The name of TDS 8.0 in TLS's negotiation (MS-TDS 3.3.5.1).
pub(crate) const ALPN: &[u8] = b"tds/8.0";

/// What a server encrypts with; none when it cannot.
///
/// # Errors
/// When a certificate or a key cannot be read.
pub(crate) fn configuration(tls: &Tls) -> io::Result<Option<Arc<ServerConfig>>> {
    // Inside of TDS packets SQL Server speaks TLS 1.2 at most; 1.3 came with TDS 8.0.
    let (certificate, versions) = match tls {
        Tls::None => return Ok(None),
        Tls::Offered(certificate) | Tls::Required(certificate) => (certificate, vec![&version::TLS12]),
        Tls::Strict(certificate) => (certificate, vec![&version::TLS12, &version::TLS13]),
    };
    let Certificate { chain, key } = certificate;
    let failed = |path: &std::path::Path, error: rustls::pki_types::pem::Error| {
        io::Error::other(format!("{}: {error}", path.display()))
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|all| all.collect::<Result<Vec<_>, _>>())
        .map_err(|error| failed(chain, error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error))?;
    let mut configuration = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(io::Error::other)?;
    if matches!(tls, Tls::Strict(_)) {
        configuration.alpn_protocols = vec![ALPN.to_vec()];
    }
    Ok(Some(Arc::new(configuration)))
}

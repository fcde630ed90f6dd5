//! TLS as libpq's `sslmode` means it, with rustls (PostgreSQL manual, "SSL Support").
//!
//! Invariant: `verify-ca` and `verify-full` never fall back to less. The others protect against listeners only, as the
//! manual says. Two limits of rustls show in messages: a certificate must have version 3, and must name its host in a
//! subject alternative name, because its common name is not looked at.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::address::{TlsMode, TlsRoots, TlsSettings};
use crate::{ErrorKind, TargetError};

/// The client's side of TLS for an address. Errors are of kind [`ErrorKind::Tls`]: a file that cannot be read.
pub(crate) fn client_config(settings: &TlsSettings) -> Result<ClientConfig, TargetError> {
    let TlsSettings { mode, roots, identity, direct } = settings;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match verification(*mode, roots) {
        None => Arc::new(Unverified { provider: provider.clone() }),
        Some(check) => {
            let roots = trusted(roots)?;
            let mut store = RootCertStore::empty();
            for root in &roots {
                store.add(root.clone()).map_err(|error| {
                    TargetError::caused(
                        ErrorKind::Tls,
                        "a root certificate (sslrootcert) cannot be used",
                        error,
                    )
                })?;
            }
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                .build()
                .map_err(|error| {
                    TargetError::caused(ErrorKind::Tls, "no root certificate can be used", error)
                })?;
            Arc::new(Verified { chain, roots, check })
        }
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TargetError::caused(ErrorKind::Tls, "cannot set up TLS", error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
                let context = format!(
                    "cannot read the client key {} (an encrypted one is not supported)",
                    key.display()
                );
                TargetError::caused(ErrorKind::Tls, context, error)
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                TargetError::caused(
                    ErrorKind::Tls,
                    "the client certificate and its key cannot be used",
                    error,
                )
            })?
        }
    };
    if *direct {
        // A server that is spoken to without negotiation insists on the protocol's name.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// How much of a certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Check {
    Chain,
    ChainAndName,
}

/// What a mode verifies. A root certificate that is there turns `require` into `verify-ca`, and the weaker modes try
/// it too (manual, "Client Verification of Server Certificates").
fn verification(mode: TlsMode, roots: &TlsRoots) -> Option<Check> {
    match mode {
        TlsMode::VerifyFull => Some(Check::ChainAndName),
        TlsMode::VerifyCa => Some(Check::Chain),
        TlsMode::Allow | TlsMode::Prefer | TlsMode::Require => {
            (*roots != TlsRoots::Absent).then_some(Check::Chain)
        }
        TlsMode::Disable => None,
    }
}

/// The roots that the address names.
fn trusted(roots: &TlsRoots) -> Result<Vec<CertificateDer<'static>>, TargetError> {
    match roots {
        TlsRoots::Absent => Ok(Vec::new()),
        TlsRoots::File(path) => certificates(path),
        TlsRoots::System => {
            let found = rustls_native_certs::load_native_certs();
            match found.errors.into_iter().next() {
                Some(error) if found.certs.is_empty() => Err(TargetError::caused(
                    ErrorKind::Tls,
                    "cannot read the system's root certificates",
                    error,
                )),
                _ => Ok(found.certs),
            }
        }
    }
}

/// The certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TargetError> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
    match found {
        Ok(found) if found.is_empty() => {
            Err(TargetError::new(ErrorKind::Tls, format!("there is no certificate in {}", path.display())))
        }
        Ok(found) => Ok(found),
        Err(error) => {
            let context = format!("cannot read the certificate file {}", path.display());
            Err(TargetError::caused(ErrorKind::Tls, context, error))
        }
    }
}

/// For the modes that verify nothing. Not even the handshake's signature is checked: with any certificate accepted
/// it proves nothing, and a certificate of version 1, as the manual's own example makes, could not be parsed for it.
struct Unverified {
    provider: Arc<CryptoProvider>,
}

/// For the modes that verify.
struct Verified {
    chain: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
    check: Check,
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unverified")
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({:?})", self.check)
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let error = match self.chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        let rustls::Error::InvalidCertificate(reason) = &error else { return Err(error) };
        match reason {
            // The name is looked at last, when the chain has been found good.
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
                if self.check == Check::Chain =>
            {
                Ok(ServerCertVerified::assertion())
            }
            // A self-signed certificate that is its own root: OpenSSL, and so libpq, accepts it. The verifier looks
            // at the dates before it finds that a root is used as a server's certificate.
            CertificateError::Other(other)
                if format!("{other:?}").contains("CaUsedAsEndEntity")
                    && self.roots.iter().any(|root| root.as_ref() == certificate.as_ref()) =>
            {
                if self.check == Check::ChainAndName {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            _ => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_verifies_what_libpq_verifies() {
        let file = TlsRoots::File("root.crt".into());
        let cases = [
            (TlsMode::Disable, &file, None),
            (TlsMode::Prefer, &TlsRoots::Absent, None),
            (TlsMode::Require, &TlsRoots::Absent, None),
            (TlsMode::Require, &file, Some(Check::Chain)),
            (TlsMode::VerifyCa, &file, Some(Check::Chain)),
            (TlsMode::VerifyFull, &file, Some(Check::ChainAndName)),
            (TlsMode::VerifyFull, &TlsRoots::System, Some(Check::ChainAndName)),
        ];
        for (mode, roots, check) in cases {
            assert_eq!(verification(mode, roots), check, "{mode:?} {roots:?}");
        }
    }

    #[test]
    fn a_root_file_that_is_absent_or_empty_is_an_error_that_names_it() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let settings = |path: &Path| TlsSettings {
            mode: TlsMode::VerifyCa,
            roots: TlsRoots::File(path.to_owned()),
            identity: None,
            direct: false,
        };
        for path in [empty.path(), Path::new("/nonexistent/root.crt")] {
            let error = client_config(&settings(path)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Tls);
            assert!(error.context.contains(&path.display().to_string()), "{}", error.context);
        }
    }

    #[test]
    fn a_certificate_that_is_its_own_root_is_trusted_for_its_names_and_its_time() {
        let files = tempfile::tempdir().unwrap();
        let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x \
             -addext subjectAltName=DNS:db.example -keyout key -out";
        let make = |name: &str| {
            let arguments = arguments.split_whitespace().chain([name]);
            let made =
                std::process::Command::new("openssl").args(arguments).current_dir(files.path()).output();
            made.is_ok_and(|output| output.status.success())
        };
        if !make("own") || !make("other") {
            let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
            assert!(!required.contains("openssl"), "the openssl program is not here");
            println!("skipped: the openssl program is not here");
            return;
        }
        let (own, other) = (files.path().join("own"), files.path().join("other"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let now = UnixTime::now();
        let later = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.as_secs() + 3 * 86_400));
        let accepts = |root: &Path, check, name: &str, time| {
            let roots = certificates(root).unwrap();
            let mut store = RootCertStore::empty();
            store.add(roots[0].clone()).unwrap();
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                .build()
                .unwrap();
            let name = ServerName::try_from(name.to_owned()).unwrap();
            let certificate = &certificates(&own).unwrap()[0];
            Verified { chain, roots, check }.verify_server_cert(certificate, &[], &name, &[], time).is_ok()
        };
        assert!(accepts(&own, Check::ChainAndName, "db.example", now));
        assert!(!accepts(&own, Check::ChainAndName, "other.example", now));
        assert!(accepts(&own, Check::Chain, "other.example", now));
        assert!(!accepts(&own, Check::Chain, "db.example", later));
        assert!(!accepts(&other, Check::Chain, "db.example", now));
    }
}

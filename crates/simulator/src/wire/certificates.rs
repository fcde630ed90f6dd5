//! Certificates for tests: an authority, and servers' certificates that it has signed.

use crate::options::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::io;
use std::path::{Path, PathBuf};

/// An authority that signs servers' certificates, with everything in one folder.
pub struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a new authority; its own certificate is `ca.pem` in that folder, which must exist.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "mssql2pg test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        std::fs::write(folder.join("ca.pem"), issuer.pem())?;
        Ok(Self { folder: folder.to_owned(), issuer })
    }

    /// PEM of the authority's own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A server's certificate for these names (DNS names or IP addresses), valid for years: `FILE.pem`, `FILE.key`.
    ///
    /// # Errors
    /// When a file cannot be written, or a name is none.
    pub fn server(&self, file: &str, names: &[&str]) -> io::Result<Certificate> {
        self.sign(file, names, 2099)
    }

    /// The same, but it ended in 2020.
    ///
    /// # Errors
    /// As [`Authority::server`].
    pub fn expired_server(&self, file: &str, names: &[&str]) -> io::Result<Certificate> {
        self.sign(file, names, 2020)
    }

    fn sign(&self, file: &str, names: &[&str], last_year: i32) -> io::Result<Certificate> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let first = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, first);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let signed = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let certificate = Certificate {
            chain: self.folder.join(format!("{file}.pem")),
            key: self.folder.join(format!("{file}.key")),
        };
        std::fs::write(&certificate.chain, format!("{}{}", signed.pem(), self.issuer.pem()))?;
        std::fs::write(&certificate.key, key.serialize_pem())?;
        Ok(certificate)
    }
}

//! The server's certificate: whose it is, how long it lasts, and whether it is trusted as the address asks.

use super::Stop;
use crate::doctor::{Steps, told};
use crate::live::address::{Address, Encrypt};
use crate::live::certificate::roots;
use crate::live::handshake::{self, Offer, Trust};
use crate::{ErrorKind, SourceError};
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Warns when less is left.
const SOON_DAYS: i64 = 30;

/// What a certificate says of itself.
struct About {
    subject: String,
    issuer: String,
    names: Vec<String>,
    from: String,
    to: String,
    days_left: i64,
    not_yet: bool,
    self_signed: bool,
}

impl About {
    fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map_or_else(Vec::new, |names| {
            names.value.general_names.iter().filter_map(name).take(20).collect()
        });
        let (from, to) = (certificate.validity().not_before, certificate.validity().not_after);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names,
            from: from.to_datetime().date().to_string(),
            to: to.to_datetime().date().to_string(),
            days_left: (to.timestamp() - now).div_euclid(86_400),
            not_yet: from.timestamp() > now,
            self_signed: certificate.subject() == certificate.issuer(),
        })
    }

    fn told(&self) -> String {
        let Self { subject, issuer, names, from, to, self_signed, .. } = self;
        let by = if *self_signed { "itself".to_owned() } else { issuer.clone() };
        let names = if names.is_empty() { String::new() } else { format!(", for {}", names.join(", ")) };
        format!("{subject}{names}, signed by {by}, valid {from} to {to}")
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
        GeneralName::IPAddress(bytes) => {
            <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

/// Tells the certificate, and whether the client will accept it.
pub(super) fn look(address: &Address, offer: Offer, der: &[u8], steps: &mut Steps) -> Result<(), Stop> {
    let about = About::of(der);
    let shown = about.as_ref().map_or_else(|| "one that cannot be read".to_owned(), About::told);
    if address.trust_server_certificate {
        steps.warning(
            "certificate",
            format!("{shown}; not verified (trust_server_certificate=true)"),
            "whoever is between us and the server may read the password and change the rows: name the CA with ca_file=, or the certificate with server_certificate=",
        );
        return Ok(());
    }
    let pinned = address.ca_file.is_some() || address.server_certificate.is_some();
    if offer == Offer::LoginOnly && !pinned {
        steps.warning(
            "certificate",
            format!(
                "{shown}; not verified (encrypt={})",
                if address.encrypt == Encrypt::Off { "off" } else { "login-only" }
            ),
            "use encrypt=on: the certificate is then verified",
        );
        return Ok(());
    }
    if let Err(error) = verify(address, der, about.as_ref()) {
        let way_out = way_out(address, about.as_ref(), &told(&error));
        steps.failed("certificate", format!("{}; it is {shown}", told(&error)), way_out);
        return Err(Stop);
    }
    match about {
        Some(about) if about.days_left < SOON_DAYS => steps.warning(
            "certificate",
            format!("{shown}: {} days are left", about.days_left),
            "renew the server's certificate",
        ),
        _ => steps.ok("certificate", shown),
    }
    Ok(())
}

/// Judges the certificate as a login would.
fn verify(address: &Address, der: &[u8], about: Option<&About>) -> Result<(), SourceError> {
    let wrong = |what: &str| SourceError::new(ErrorKind::Certificate, what.to_owned());
    if let Some(file) = &address.server_certificate {
        let known = roots(file)?;
        let known = known.first().and_then(|known| known.to_der().ok());
        return match (known, about) {
            (Some(known), _) if known != der => {
                Err(wrong("the server shows another certificate than the one in server_certificate"))
            }
            (_, Some(about)) if about.days_left < 0 => Err(wrong("the server's certificate has expired")),
            _ => Ok(()),
        };
    }
    match &address.ca_file {
        Some(file) => handshake::look(address, &Trust::Roots(&roots(file)?)).map(drop),
        None => handshake::look(address, &Trust::System).map(drop),
    }
}

fn way_out(address: &Address, about: Option<&About>, told: &str) -> String {
    let wrong_name = ["hostname mismatch", "IP address mismatch"].iter().any(|word| told.contains(word));
    match about {
        Some(about) if about.days_left < 0 => {
            "it has expired: renew the server's certificate (SQL Server Configuration Manager)".to_owned()
        }
        Some(about) if about.not_yet => "it is not valid yet: check the clocks of both machines".to_owned(),
        Some(about) if wrong_name => {
            let name = about.names.first().map_or("NAME", String::as_str);
            format!("connect by a name that stands in the certificate, or say which one is meant: host_name_in_certificate={name}")
        }
        _ if address.server_certificate.is_some() => {
            "get the certificate that the server has now from its administrator".to_owned()
        }
        Some(about) if about.self_signed && address.ca_file.is_none() => {
            "it is self-signed: get its file from the administrator over a way that you trust and give server_certificate=FILE; better, give the server a certificate of your CA; trust_server_certificate=true verifies nothing".to_owned()
        }
        _ if address.ca_file.is_some() => {
            "the CA in ca_file has not signed it: get the right CA's certificate, with the ones between".to_owned()
        }
        _ => "get the certificate of the CA that signed it and give ca_file=FILE, or install it on this machine".to_owned(),
    }
}

//! `doctor` for a live server: name, port, encryption, certificate, login, database, and then what the login may do and
//! what the database is like.
//!
//! Invariant: the layers of a connection come in order, and the first that fails ends the look; what a session tells
//! comes after, and there one failure does not hide another. To add a step: a layer in [`LAYERS`], a function, and for a
//! question a file `queries/doctor_*.sql` that runs in `sqlcmd`.

mod certificate;
mod session;

use super::address::{Address, Encrypt};
use super::connect::Session;
use super::handshake::{self, Offer, Trust};
use crate::doctor::{Step, Steps, told};
use crate::{ErrorKind, SourceError};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Every layer, in the order in which it is looked at.
const LAYERS: &[&str] = &[
    "address",
    "name",
    "port",
    "encryption",
    "certificate",
    "login",
    "database",
    "version",
    "compatibility",
    "definitions",
    "select",
    "hidden",
    "consistency",
    "changes",
    "collation",
    "size",
];

/// Looks at the server of an address.
pub(crate) fn diagnose(location: &str) -> Vec<Step> {
    let mut steps = Steps::default();
    // What fails has told its step.
    let _ = look(location, &mut steps);
    steps.finish(LAYERS)
}

/// A step has failed, and there is nothing to look at behind it.
#[derive(Debug)]
struct Stop;

fn look(location: &str, steps: &mut Steps) -> Result<(), Stop> {
    let address = match Address::parse(location) {
        Ok(address) => address,
        Err(error) => {
            steps.failed(
                "address",
                told(&error),
                "docs/guide/live-source.md has every form and every option",
            );
            return Err(Stop);
        }
    };
    steps.ok("address", address.shown());
    let places = name(&address, steps)?;
    port(&address, &places, steps)?;
    encryption(&address, steps)?;
    let mut session = login(&address, steps)?;
    session::look(&address, &mut session, steps);
    Ok(())
}

/// The name, and for a named instance its port.
fn name(address: &Address, steps: &mut Steps) -> Result<Vec<SocketAddr>, Stop> {
    let host = &address.host;
    let found: Vec<SocketAddr> = match (host.as_str(), address.port.unwrap_or(0)).to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => {
            steps.failed(
                "name",
                format!("{host} has no address: {error}"),
                "check how the server's name is spelled, and that this machine can look it up (DNS, VPN)",
            );
            return Err(Stop);
        }
    };
    let mut listed: Vec<String> = found.iter().map(|place| place.ip().to_string()).collect();
    listed.dedup();
    let Some(instance) = &address.instance else {
        steps.ok("name", format!("{host} is {}", listed.join(", ")));
        return Ok(found);
    };
    match handshake::port(address) {
        Ok(port) => {
            steps.ok(
                "name",
                format!(
                    "{host} is {}; SQL Server Browser says that {instance} listens at port {port}",
                    listed.join(", ")
                ),
            );
            Ok(found
                .into_iter()
                .map(|mut place| {
                    place.set_port(port);
                    place
                })
                .collect())
        }
        Err(error) => {
            steps.failed(
                "name",
                told(&error),
                "check the instance's name; start SQL Server Browser there and let UDP port 1434 through, or give the instance's port in place of its name",
            );
            Err(Stop)
        }
    }
}

/// Each address of the name.
fn port(address: &Address, places: &[SocketAddr], steps: &mut Steps) -> Result<(), Stop> {
    let share = address.login_timeout_seconds / u32::try_from(places.len().max(1)).unwrap_or(1);
    let limit = Duration::from_secs(u64::from(share.clamp(1, 10)));
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for place in places {
        let began = Instant::now();
        match TcpStream::connect_timeout(place, limit) {
            Ok(_) => open.push(format!("{place} answers in {} ms", began.elapsed().as_millis())),
            Err(error) => closed.push(format!("{place}: {error}")),
        }
    }
    match (open.is_empty(), closed.is_empty()) {
        (true, _) => {
            steps.failed(
                "port",
                format!("nobody answers at {}", closed.join("; ")),
                "check the port, that TCP/IP is enabled (SQL Server Configuration Manager) and that the server runs; a connection that is not refused but runs into the time-out is most often a firewall's",
            );
            Err(Stop)
        }
        (false, true) => {
            steps.ok("port", open.join("; "));
            Ok(())
        }
        (false, false) => {
            steps.warning(
                "port",
                format!("{}; but {}", open.join("; "), closed.join("; ")),
                "for a listener of an availability group with an address in each subnet, add multi_subnet_failover=true",
            );
            Ok(())
        }
    }
}

/// What the server offers, and whose certificate it shows.
fn encryption(address: &Address, steps: &mut Steps) -> Result<(), Stop> {
    let seen = match handshake::look(address, &Trust::Anybody) {
        Ok(seen) => seen,
        Err(error) => {
            let way_out = match (error.kind, address.encrypt) {
                (ErrorKind::Timeout, _) => {
                    "something listens there and says nothing: check that it is a SQL Server, and raise login_timeout if it is slow"
                }
                (_, Encrypt::Strict) => {
                    "encrypt=strict needs SQL Server 2022 or later with a certificate of its own; use encrypt=on"
                }
                (ErrorKind::Tls, _) => {
                    "if the server insists on TDS 8.0 (Force Strict Encryption), use encrypt=strict; if it has no TLS, give it a certificate, or on a network that nobody else hears use encrypt=off"
                }
                _ => "check that a SQL Server listens there, and not something else",
            };
            steps.failed("encryption", told(&error), way_out);
            return Err(Stop);
        }
    };
    let version = seen.version.unwrap_or("TLS");
    match seen.offer {
        Offer::Strict => steps.ok("encryption", format!("{version} before anything else (TDS 8.0)")),
        Offer::Everything => steps.ok("encryption", format!("{version} for everything")),
        Offer::LoginOnly => steps.warning(
            "encryption",
            format!("{version} for the login alone: rows come in clear text"),
            "use encrypt=on, unless nobody else hears the network",
        ),
        Offer::None => steps.warning(
            "encryption",
            "none: password and rows go in clear text, as encrypt=off allows",
            "give the server a certificate and use encrypt=on",
        ),
    }
    match seen.certificate {
        Some(der) => certificate::look(address, seen.offer, &der, steps),
        None if seen.offer == Offer::None => {
            steps.ok("certificate", "none, because nothing is encrypted");
            Ok(())
        }
        None => {
            steps.failed("certificate", "the server shows no certificate", "give the server a certificate");
            Err(Stop)
        }
    }
}

/// Logs in, into the database.
fn login(address: &Address, steps: &mut Steps) -> Result<Session, Stop> {
    let error = match Session::open(address) {
        Ok(session) => {
            steps.ok("login", "accepted");
            return Ok(session);
        }
        Err(error) => error,
    };
    let (layer, way_out) = match error.kind {
        ErrorKind::Database => {
            // The server looks at the password first.
            steps.ok("login", "accepted");
            let database = address.database.as_deref().unwrap_or("…");
            (
                "database",
                format!(
                    "check the database's name and that it is online; in it: create user [{0}] for login [{0}]; grant connect to [{0}] (the database is {database})",
                    user(address)
                ),
            )
        }
        ErrorKind::Token => (
            "login",
            "check where the token comes from: MSSQL2PG_ACCESS_TOKEN, token_file=, token_command=, or the AZURE_ variables".to_owned(),
        ),
        ErrorKind::Certificate => ("certificate", "see the steps above".to_owned()),
        ErrorKind::Connect => ("port", "let this machine through the server's firewall".to_owned()),
        ErrorKind::Login => ("login", refused(&error).to_owned()),
        _ => ("login", "look into the server's error log for this moment".to_owned()),
    };
    steps.failed(layer, told(&error), way_out);
    Err(Stop)
}

fn user(address: &Address) -> &str {
    match &address.login {
        super::address::Login::Sql { user, .. } => user,
        _ => "…",
    }
}

/// The way out of a refused login, by the server's number.
fn refused(error: &SourceError) -> &'static str {
    match error.server().map(|server| server.number) {
        Some(18452) => "use a SQL login, an Entra token or Kerberos: NTLM is not supported",
        Some(18470) => "the login is disabled: alter login … enable",
        Some(18486) => "the login is locked out: alter login … with password = … unlock",
        Some(18487 | 18488) => "the password has expired or must be changed: alter login … with password = …",
        _ => {
            "check user and password, and that the server allows SQL logins (mixed mode); the server's error log has the true reason, with a state: 5 no such login, 7 disabled, 8 wrong password, 58 SQL logins not allowed"
        }
    }
}

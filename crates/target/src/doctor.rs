//! What stands between us and a target, step by step: for people who only know that it does not work.
//!
//! Invariant: a step says what was found, and one that failed says the way out; no step holds a secret. The steps come
//! in the order in which a connection is made, and what cannot be looked at because an earlier step failed is skipped.

use crate::address::HostPlace;
use crate::{Connection, ErrorKind, Target, TargetError};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// PostgreSQL 13.
const OLDEST_MAJOR: u32 = 13;
/// Connections besides those of the workers: the phases' own, and the one that cancels.
const MORE_CONNECTIONS: i64 = 3;
/// For one address.
const LIMIT: Duration = Duration::from_secs(5);

const LAYERS: &[&str] = &[
    "address",
    "name",
    "port",
    "encryption",
    "login",
    "version",
    "encoding",
    "rights",
    "connections",
    "space",
];

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// A migration works, and somebody should know.
    Warning,
    /// A migration does not work.
    Failed,
    /// Not looked at, because an earlier step failed.
    Skipped,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `name`, `port`, `encryption`, …: one word, the same in every answer.
    pub layer: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was found: lower case, no period.
    pub what: String,
    /// What to do about it.
    pub way_out: Option<String>,
}

fn step(layer: &'static str, outcome: Outcome, what: impl Into<String>, way_out: &str) -> Step {
    let way_out = (!way_out.is_empty()).then(|| way_out.to_owned());
    Step { layer, outcome, what: what.into(), way_out }
}

fn told(error: &TargetError) -> String {
    let mut text = error.context.clone();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(&format!(": {next}"));
        }
        cause = error.source();
    }
    text
}

/// Looks at the server of an address, for so many workers.
pub fn diagnose(url: &str, workers: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    look(url, workers, &mut steps);
    let failed = steps.iter().find(|step: &&Step| step.outcome == Outcome::Failed).map(|step| step.layer);
    if let Some(failed) = failed {
        for layer in LAYERS {
            if !steps.iter().any(|step| step.layer == *layer) {
                steps.push(step(layer, Outcome::Skipped, format!("not looked at: {failed} failed"), ""));
            }
        }
    }
    steps
}

fn look(url: &str, workers: usize, steps: &mut Vec<Step>) {
    let target = match Target::parse(url) {
        Ok(target) => target,
        Err(error) => {
            let way_out = "a target looks like postgresql://user@host:5432/database; PG* variables and .pgpass fill in the rest";
            steps.push(step("address", Outcome::Failed, told(&error), way_out));
            return;
        }
    };
    steps.push(step("address", Outcome::Ok, target.redacted(), ""));
    if !name_and_port(&target, steps) {
        return;
    }
    match target.connect() {
        Ok(mut connection) => {
            if let Err(error) = session(&mut connection, workers, steps) {
                steps.push(step("rights", Outcome::Failed, told(&error), "the server's answer says why"));
            }
        }
        Err(error) => steps.push(refused(&error)),
    }
}

/// Every host: one that can be reached is enough.
fn name_and_port(target: &Target, steps: &mut Vec<Step>) -> bool {
    let (mut unknown, mut open, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for host in &target.hosts {
        let name = match &host.place {
            HostPlace::Unix(directory) => {
                let socket = directory.join(format!(".s.PGSQL.{}", host.port));
                let list = if socket.exists() { &mut open } else { &mut closed };
                list.push(format!("the socket {}", socket.display()));
                continue;
            }
            HostPlace::Tcp { address: Some(address), .. } => address.to_string(),
            HostPlace::Tcp { name, .. } => name.clone(),
        };
        let places: Vec<SocketAddr> =
            match (name.parse::<IpAddr>(), (name.as_str(), host.port).to_socket_addrs()) {
                (Ok(address), _) => vec![(address, host.port).into()],
                (_, Ok(places)) => places.collect(),
                (_, Err(error)) => {
                    unknown.push(format!("{name}: {error}"));
                    continue;
                }
            };
        for place in places {
            match TcpStream::connect_timeout(&place, LIMIT) {
                Ok(_) => open.push(place.to_string()),
                Err(error) => closed.push(format!("{place}: {error}")),
            }
        }
    }
    let nowhere = open.is_empty() && closed.is_empty();
    if !unknown.is_empty() {
        let outcome = if nowhere { Outcome::Failed } else { Outcome::Warning };
        let way_out = "check how the name is spelled, and that this machine can look it up (DNS, VPN)";
        steps.push(step("name", outcome, format!("no address for {}", unknown.join("; ")), way_out));
    } else {
        steps.push(step("name", Outcome::Ok, "found", ""));
    }
    if nowhere {
        return false;
    }
    let way_out = "check that PostgreSQL runs there, listens on that address (listen_addresses) and port, and that no firewall is between";
    match (open.is_empty(), closed.is_empty()) {
        (true, _) => {
            steps.push(step(
                "port",
                Outcome::Failed,
                format!("nobody answers at {}", closed.join("; ")),
                way_out,
            ));
        }
        (_, true) => steps.push(step("port", Outcome::Ok, format!("{} answers", open.join(", ")), "")),
        _ => {
            let what = format!("{} answers; but {}", open.join(", "), closed.join("; "));
            steps.push(step("port", Outcome::Warning, what, way_out));
        }
    }
    !open.is_empty()
}

fn refused(error: &TargetError) -> Step {
    let code = error.server().map(|server| server.code.as_str());
    let (layer, way_out) = match (error.kind, code) {
        (ErrorKind::Tls, _) => (
            "encryption",
            "check sslmode and sslrootcert in the URL: sslmode=verify-full needs the server's CA in sslrootcert, and a server without TLS needs sslmode=disable",
        ),
        (_, Some("3D000")) => {
            ("login", "the database is not there: create database … encoding 'UTF8' template template0")
        }
        (_, Some("28P01")) => ("login", "check the password: PGPASSWORD, .pgpass or the URL"),
        (_, Some("28000")) => ("login", "let this user come from this machine: pg_hba.conf on the server"),
        (ErrorKind::Full, _) => {
            ("login", "the server has no connection left: raise max_connections, or end others")
        }
        (ErrorKind::Connect, _) => ("port", "check that PostgreSQL, and not something else, listens there"),
        _ => ("login", "check user, password and database, and pg_hba.conf on the server"),
    };
    step(layer, Outcome::Failed, told(error), way_out)
}

fn session(connection: &mut Connection, workers: usize, steps: &mut Vec<Step>) -> Result<(), TargetError> {
    let info = connection.server_info()?;
    let row = connection
        .client()
        .query_one(include_str!("queries/doctor.sql"), &[])
        .map_err(|error| TargetError::postgres("cannot ask what the server allows", error))?;
    let failed = |error| TargetError::postgres("the server's answer is not what we asked for", error);
    let tls: Option<String> = row.try_get("tls_version").map_err(failed)?;
    steps.push(step("encryption", Outcome::Ok, tls.unwrap_or_else(|| "none".to_owned()), ""));
    steps.push(step("login", Outcome::Ok, format!("{}, as {}", info.database, info.user), ""));
    let version = format!("PostgreSQL {}", info.version);
    steps.push(match info.major() >= OLDEST_MAJOR {
        true => step("version", Outcome::Ok, version, ""),
        false => step("version", Outcome::Failed, version, "use PostgreSQL 13 or later"),
    });
    steps.push(match info.encoding.as_str() {
        "UTF8" => step("encoding", Outcome::Ok, "UTF8", ""),
        other => step(
            "encoding",
            Outcome::Failed,
            format!("{other}, not UTF8"),
            "create the database with: create database … encoding 'UTF8' template template0",
        ),
    });
    let flag = |name: &str| row.try_get::<_, bool>(name).map_err(failed);
    steps.push(rights(&info.user, &info.database, info.can_create_schema, &row)?);
    if flag("is_standby")? || flag("is_read_only")? {
        steps.push(step(
            "rights",
            Outcome::Failed,
            "the server or the session is read-only",
            "name the primary in the URL, or set default_transaction_read_only to off",
        ));
    }
    steps.push(connections(workers, &row)?);
    let bytes: i64 = row.try_get("database_bytes").map_err(failed)?;
    steps.push(step(
        "space",
        Outcome::Ok,
        format!(
            "the database has {} MiB now; how much is free cannot be known over a connection",
            bytes >> 20
        ),
        "",
    ));
    Ok(())
}

fn rights(user: &str, database: &str, schemas: bool, row: &postgres::Row) -> Result<Step, TargetError> {
    let failed = |error| TargetError::postgres("the server's answer is not what we asked for", error);
    let public: bool = row.try_get("may_create_in_public").map_err(failed)?;
    Ok(match (schemas, public) {
        (true, _) => step("rights", Outcome::Ok, "schemas and tables can be created", ""),
        (false, public) => {
            let what = match public {
                true => "no schema can be created, only tables in the schema public",
                false => "neither schemas nor tables can be created",
            };
            step("rights", Outcome::Failed, what, &format!("grant create on database {database} to {user}"))
        }
    })
}

fn connections(workers: usize, row: &postgres::Row) -> Result<Step, TargetError> {
    let number = |name: &str| -> Result<Option<i64>, TargetError> {
        let value: Option<i32> = row
            .try_get(name)
            .map_err(|error| TargetError::postgres("the server's answer is not what we asked for", error))?;
        Ok(value.map(i64::from))
    };
    let most = number("connections")?.unwrap_or(i64::MAX);
    let used = number("used_connections")?.unwrap_or(0);
    let limits = [number("user_limit")?, number("database_limit")?];
    let free = limits.into_iter().flatten().filter(|limit| *limit >= 0).fold(most - used, i64::min);
    let needed = i64::try_from(workers).unwrap_or(i64::MAX).saturating_add(MORE_CONNECTIONS);
    let what = format!("{} are free, {workers} workers need {needed}", free.max(0));
    Ok(match free >= needed {
        true => step("connections", Outcome::Ok, what, ""),
        false => step(
            "connections",
            Outcome::Warning,
            what,
            "use fewer workers (--jobs), or raise max_connections",
        ),
    })
}

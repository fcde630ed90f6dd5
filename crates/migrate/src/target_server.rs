//! Which PostgreSQL a run goes to: one by URL, or one of our own that lives as long as we do.

use crate::config::Config;
use crate::error::Error;
use crate::run::{Run, TargetIdentity};
use mssql2pg_target::embedded::{self, FindOptions, Purpose, Server};
use mssql2pg_target::{Connection, Ledger, ServerInfo, Target, lock_run};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database in an embedded server.
const EMBEDDED_DATABASE: &str = "migrated";

/// A PostgreSQL that is up.
pub struct TargetServer {
    target: Target,
    info: ServerInfo,
    ledger: Ledger,
    identity: TargetIdentity,
    /// Kept for its drop, which stops the server.
    embedded: Option<Server>,
}

/// Holds the lock of [`TargetServer::lock`] as long as it lives.
pub struct DatabaseLock(#[expect(dead_code, reason = "its session holds the lock")] Connection);

/// How often and how long we wait for another migration to leave.
const LOCK_TRIES: u32 = 25;
const LOCK_WAIT: Duration = Duration::from_millis(200);

impl TargetServer {
    /// Connects to the target that the settings name; without one, to the target of the run; without
    /// that, to an embedded server. `say` hears which embedded server is used.
    ///
    /// # Errors
    /// When the server cannot be reached, started or found.
    pub fn open(config: &Config, run: &Run, say: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        let by_environment =
            ["PGHOST", "PGDATABASE", "PGSERVICE"].iter().any(|name| std::env::var_os(name).is_some());
        let embedded_before = matches!(run.identity().target, Some(TargetIdentity::Embedded { .. }));
        if config.embedded.always {
            return Self::embedded(config, run, say);
        }
        if let Some(url) = &config.target.url {
            return Self::by_url(url.expose(), config);
        }
        if by_environment && !embedded_before {
            return Self::by_url("", config);
        }
        if let Some(TargetIdentity::Server { location }) = &run.identity().target {
            // The run knows neither the password nor how TLS was asked for, and must not ask for less.
            return Err(Error::run(
                format!("the run in {} went to {location}, and no target is given now", run.dir().display()),
                "give the same target again with --target, or in TARGET_URL (.env is read)",
            ));
        }
        Self::embedded(config, run, say)
    }

    fn by_url(url: &str, config: &Config) -> Result<Self, Error> {
        let target = Target::parse(url).map_err(Error::target("cannot use the target"))?;
        let identity = TargetIdentity::Server { location: target.redacted() };
        Self::connected(target, identity, None, config)
    }

    fn embedded(config: &Config, run: &Run, say: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        let stored = match &run.identity().target {
            Some(TargetIdentity::Embedded { dir }) => Some(run.dir().join(dir)),
            _ => None,
        };
        let dir = config.embedded.dir.clone().or(stored).unwrap_or_else(|| run.path("postgres"));
        let dir = std::path::absolute(&dir).map_err(Error::file(format!("cannot use {}", dir.display())))?;
        let options = FindOptions {
            pg_bin: config.embedded.pg_bin.clone(),
            provision: config.embedded.provision,
            ..FindOptions::default()
        };
        let kept = relative_to(&dir, run.dir());
        if let Some(running) = embedded::status(&dir) {
            say(&format!("embedded target: the server that runs in {} (pid {})", dir.display(), running.pid));
            let url = running.url;
            let target = Target::parse(&url).map_err(Error::target("cannot use the embedded server"))?;
            return Self::connected(target, TargetIdentity::Embedded { dir: kept }, None, config);
        }
        let runtime = embedded::find_for(&dir, &options, say)?;
        let server = Server::start(&runtime, &dir, Purpose::Demo)?;
        say(&format!("embedded target, for trial only: {runtime}"));
        if let Some(note) = server.note() {
            say(&note);
        }
        server.create_database(EMBEDDED_DATABASE)?;
        let url = server.url(EMBEDDED_DATABASE);
        let target = Target::parse(&url).map_err(Error::target("cannot use the embedded server"))?;
        Self::connected(target, TargetIdentity::Embedded { dir: kept }, Some(server), config)
    }

    fn connected(
        target: Target,
        identity: TargetIdentity,
        embedded: Option<Server>,
        config: &Config,
    ) -> Result<Self, Error> {
        let context = || format!("cannot connect to {}", target.redacted());
        let mut connection = target.connect().map_err(Error::target(context()))?;
        let info = connection.server_info().map_err(Error::target(context()))?;
        if info.major() < 13 {
            return Err(Error::config(
                format!("{} is PostgreSQL {}; 13 is the oldest that works", target.redacted(), info.version),
                "use PostgreSQL 13 or later",
            ));
        }
        if info.encoding != "UTF8" {
            return Err(Error::config(
                format!("the database {} has the encoding {}, not UTF8", info.database, info.encoding),
                "create the database with: create database … encoding 'UTF8' template template0",
            ));
        }
        let ledger = Ledger { schema: config.target.ledger_schema.clone() };
        Ok(Self { target, info, ledger, identity, embedded })
    }

    /// Keeps other migrations out of this database until we are done: a session lock, which the server
    /// gives back by itself when we die.
    ///
    /// # Errors
    /// When another migration is at work there.
    pub fn lock(&self) -> Result<DatabaseLock, Error> {
        let mut connection = self.connect()?;
        // Whatever its ledger's schema is.
        let name = "migration";
        let failed = || Error::target(format!("cannot lock {}", self.target.redacted()));
        // The session of a process that was killed just now may live on for a moment.
        for _ in 0..LOCK_TRIES {
            if lock_run(&mut connection, name).map_err(failed())? {
                return Ok(DatabaseLock(connection));
            }
            std::thread::sleep(LOCK_WAIT);
        }
        Err(Error::run(
            format!("another mssql2pg is migrating into {}", self.target.redacted()),
            "wait until it is done; two migrations into one database would be in each other's way",
        ))
    }

    /// A new connection.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn connect(&self) -> Result<Connection, Error> {
        self.target.connect().map_err(Error::target(format!("cannot connect to {}", self.target.redacted())))
    }

    /// Facts about the server.
    pub fn info(&self) -> &ServerInfo {
        &self.info
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the run remembers of it.
    pub fn identity(&self) -> TargetIdentity {
        self.identity.clone()
    }

    /// A URL without password, or the folder of an embedded server.
    pub fn location(&self) -> String {
        crate::run::describe_target(&self.identity)
    }

    /// Whether it is a server of our own.
    pub fn is_embedded(&self) -> bool {
        matches!(self.identity, TargetIdentity::Embedded { .. })
    }

    /// Stops an embedded server that we started; does nothing for others.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub fn close(self) -> Result<(), Error> {
        match self.embedded {
            Some(server) => Ok(server.stop()?),
            None => Ok(()),
        }
    }
}

/// A folder within the run folder is remembered relative to it, so that both can be moved together.
fn relative_to(dir: &Path, run: &Path) -> PathBuf {
    let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
    dir.strip_prefix(&run).map_or_else(|_| dir.to_owned(), Path::to_owned)
}

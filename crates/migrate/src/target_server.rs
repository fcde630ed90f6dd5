//! Which PostgreSQL a run goes to: one by URL, or one of our own that lives as long as we do.

use crate::config::Config;
use crate::error::Error;
use crate::run::{Run, TargetIdentity};
use mssql2pg_target::embedded::{self, FindOptions, Purpose, Server};
use mssql2pg_target::{Connection, Ledger, ServerInfo, Target};
use std::path::PathBuf;

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
        let server_before = matches!(run.identity().target, Some(TargetIdentity::Server { .. }));
        if config.embedded.always {
            return Self::embedded(config, run, say);
        }
        if let Some(url) = &config.target.url {
            return Self::by_url(url.expose(), config);
        }
        if by_environment && !embedded_before {
            return Self::by_url("", config);
        }
        if server_before {
            return Err(Error::run(
                format!("the run in {} went to a server, and no target is given now", run.dir().display()),
                "give the same target again with --target or TARGET_URL",
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
        let dir = config.embedded.dir.clone().unwrap_or_else(|| run.path("postgres"));
        let dir = std::path::absolute(&dir).map_err(Error::file(format!("cannot use {}", dir.display())))?;
        let options = FindOptions {
            pg_bin: config.embedded.pg_bin.clone(),
            provision: config.embedded.provision,
            ..FindOptions::default()
        };
        if let Some(running) = embedded::status(&dir) {
            say(&format!("embedded target: the server that runs in {} (pid {})", dir.display(), running.pid));
            let url = running.url;
            let target = Target::parse(&url).map_err(Error::target("cannot use the embedded server"))?;
            return Self::connected_embedded(target, dir, None, config);
        }
        let runtime = embedded::find(&options, say)?;
        let server = Server::start(&runtime, &dir, Purpose::Demo)?;
        say(&format!("embedded target, for trial only: {runtime}"));
        if let Some(note) = server.note() {
            say(&note);
        }
        server.create_database(EMBEDDED_DATABASE)?;
        let url = server.url(EMBEDDED_DATABASE);
        let target = Target::parse(&url).map_err(Error::target("cannot use the embedded server"))?;
        Self::connected_embedded(target, dir, Some(server), config)
    }

    fn connected_embedded(
        target: Target,
        dir: PathBuf,
        server: Option<Server>,
        config: &Config,
    ) -> Result<Self, Error> {
        Self::connected(target, TargetIdentity::Embedded { dir }, server, config)
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

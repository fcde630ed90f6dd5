//! Databases for tests, on a real server: one throw-away cluster a test process, one database a test.
//!
//! Invariant: nothing is left behind. The cluster lies on `/dev/shm` where that is large enough (else in the folder
//! for temporary files) and its guard removes it when the process has ended, however it ended. The environment
//! variable `MSSQL2PG_TEST_PG_BIN` names the programs of another version to run the tests on.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::find::find_installed;
use super::place::{owner, random_hex};
use super::server::PORT_TAKEN;
use super::{EmbeddedError, FindOptions, Provisioned, Purpose, Runtime, Search, Server, find, provisioned};

/// An empty database that no other test uses. It lives until the test process ends.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// Its address, with the password of its throw-away server's superuser.
    pub url: String,
}

/// A test's data is some hundred megabytes at most, but the log of changes may grow to `max_wal_size`, 4 GB.
const NEEDED_BYTES: u64 = 6 << 30;

type Servers = Mutex<HashMap<Option<Provisioned>, Arc<OnceLock<Result<Server, String>>>>>;

/// A new empty database on the installed server, or, where none is installed, on one that [`find`] fetches.
///
/// # Panics
/// If no server can be found, fetched or started: a test that needs one must not pass without.
pub fn database() -> TestDatabase {
    let found = database_in(None, || {
        let pg_bin =
            std::env::var_os("MSSQL2PG_TEST_PG_BIN").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let installed = if pg_bin.is_none() { find_installed(&Search::here()) } else { None };
        installed.map_or_else(|| find(&FindOptions { pg_bin, ..FindOptions::default() }, &mut say), Ok)
    });
    found.unwrap_or_else(|text| fail(&text))
}

/// A new empty database on a server that was fetched, for tests on another major version than the installed one.
///
/// `None`: it cannot be had here (the registry is out of reach), which a line on stderr says.
///
/// # Panics
/// If it cannot be had although `MSSQL2PG_REQUIRE` contains `provision`.
pub fn database_on(which: Provisioned) -> Option<TestDatabase> {
    match database_in(Some(which), || provisioned(which, None, &Search::here(), &mut say)) {
        Ok(database) => Some(database),
        Err(text) if is_required("provision") => fail(&text),
        Err(text) => {
            say(&format!("skipped: {which} cannot be had here: {text}"));
            None
        }
    }
}

/// Whether the environment says that this must not be skipped.
fn is_required(what: &str) -> bool {
    std::env::var("MSSQL2PG_REQUIRE").is_ok_and(|list| list.split([',', ' ']).any(|item| item == what))
}

fn database_in(
    which: Option<Provisioned>,
    runtime: impl FnOnce() -> Result<Runtime, EmbeddedError>,
) -> Result<TestDatabase, String> {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let servers = SERVERS.get_or_init(Servers::default);
    let slot = Arc::clone(servers.lock().unwrap_or_else(PoisonError::into_inner).entry(which).or_default());
    // Other tests of the process wait here until the first of them has started the server.
    let server =
        slot.get_or_init(|| runtime().and_then(|runtime| start(&runtime)).map_err(|error| full_text(&error)));
    let server = server.as_ref().map_err(Clone::clone)?;
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    server.create_database(&name).map_err(|error| full_text(&error))?;
    Ok(TestDatabase { url: server.url(&name) })
}

fn start(runtime: &Runtime) -> Result<Server, EmbeddedError> {
    let mut attempts = 1..=3;
    loop {
        let dir = temporary_parent().join(format!("mssql2pg-test-{}-{}", std::process::id(), random_hex(8)?));
        let result = Server::start(runtime, &dir, Purpose::Tests);
        // Another process can take a free port before the server does.
        let is_port_taken = |error: &EmbeddedError| full_text(error).contains(PORT_TAKEN);
        match result {
            Err(error) if is_port_taken(&error) && attempts.next().is_some() => {}
            result => return result,
        }
    }
}

/// Memory is ten times as fast as a disk here, where there is enough: a container often gives only 64 MB.
fn temporary_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if free_bytes(memory).is_some_and(|bytes| bytes >= NEEDED_BYTES) {
        return memory.to_owned();
    }
    // A folder for root's own temporary files is closed to the user that runs the server.
    if matches!(owner(), Ok(Some(_))) { "/var/tmp".into() } else { std::env::temp_dir() }
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let output = Command::new("df").args(["-Pk"]).arg(dir).env("LC_ALL", "C").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// A test is told why by its panic, so the text holds all causes.
fn full_text(error: &EmbeddedError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}\n  caused by: {error}");
        cause = error.source();
    }
    format!("{text}\nhint: {}", error.hint)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[expect(clippy::panic, reason = "this module is called by tests only")]
fn fail(text: &str) -> ! {
    panic!("{text}")
}

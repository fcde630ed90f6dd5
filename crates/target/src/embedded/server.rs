//! Running a server in a folder: start it, tell when it is ready, stop it.
//!
//! Invariant: the password lies only in the 0600 file `pgpass` and in memory, and reaches
//! children as a file or in their environment, never as an argument; the server listens on 127.0.0.1 and on a socket
//! in a folder of its own. A new setting is one line in [`settings`].

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use super::cluster::prepare;
use super::guard::{self, PidFile, State};
use super::place::{Parent, Place, Remembered, command, random_hex};
use super::{EmbeddedError, Purpose, Runtime};

/// The superuser of the cluster, under the name that PostgreSQL people expect.
pub(super) const USER: &str = "postgres";

/// The longest path of a Unix socket is 107 bytes (`sockaddr_un`); `/.s.PGSQL.65535` takes 15 of them.
const SOCKET_DIR_MAX_BYTES: usize = 107 - 15;

/// The characters that a URL may hold as they are (RFC 3986 §2.3).
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the names begin of the folders for sockets whose own folder has too long a path.
const SHORT_SOCKET_DIR: &str = "/tmp/mssql2pg-socket-";

/// What PostgreSQL says when the port is not free any more.
pub(super) const PORT_TAKEN: &str = "Address already in use";

/// What helps when 127.0.0.1 cannot be listened on or reached.
const LOOPBACK: &str = "the embedded server talks over 127.0.0.1: the loopback interface must be up (`ip link show lo`) and open to \
                        ordinary programs; or name a PostgreSQL of your own with --target URL";

/// How often another port is tried when somebody took the free one before the server could.
const PORT_ATTEMPTS: u32 = 8;

/// A fast shutdown writes a checkpoint, which takes a while after a large load on a slow disk.
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// A running server. It stops when this value is dropped or the process ends, even by SIGKILL.
pub struct Server {
    place: Place,
    runtime: Runtime,
    purpose: Purpose,
    address: Address,
    guard: Option<Child>,
    /// What is to be told of the server that ran here before.
    waited: Option<String>,
}

/// How to reach a server. Its `Debug` form has no password.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) port: u16,
    pub(super) password: SecretString,
}

impl Address {
    pub(super) fn url(&self, database: &str) -> String {
        let (password, port) = (self.password.expose_secret(), self.port);
        format!(
            "postgresql://{USER}:{password}@127.0.0.1:{port}/{}",
            utf8_percent_encode(database, &UNRESERVED)
        )
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("dir", &self.place.dir)
            .field("runtime", &self.runtime)
            .finish()
    }
}

impl Server {
    /// Starts the server of this folder, and creates its cluster when there is none.
    ///
    /// With [`Purpose::Tests`] the cluster is removed when the server stops. A server that is about to stop there (its
    /// process was killed just now) is waited for. Errors: a server runs there already (names its process), the cluster is of another major version (names both), the programs fail (with the last
    /// lines of their messages).
    pub fn start(runtime: &Runtime, dir: &Path, purpose: Purpose) -> Result<Server, EmbeddedError> {
        let (place, waited) = prepare(runtime, dir, purpose)?;
        let password = read_password(&place)?;
        let parent = Some(guard::ourselves());
        let (port, started) = launch(runtime, &place, purpose, parent, |socket, server| {
            guard::spawn_guarded(&place, purpose, socket, server).map(Started::Guarded)
        })?;
        let guard = match started {
            Started::Guarded(guard) => Some(guard),
            Started::Detached(_) => None,
        };
        let address = Address { port, password };
        Ok(Server { place, runtime: runtime.clone(), purpose, address, guard, waited })
    }

    /// The address of a database, with the password: for connecting, not for showing.
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    /// Creates a database; one that exists already is left as it is.
    pub fn create_database(&self, database: &str) -> Result<(), EmbeddedError> {
        create_database(&self.address, database)?;
        if self.purpose == Purpose::Demo {
            let before = self.place.remembered().unwrap_or_default();
            self.place.remember(&Remembered { database: Some(database.to_owned()), ..before })?;
        }
        Ok(())
    }

    /// The server's version, for example `15.18`.
    pub fn version(&self) -> &str {
        &self.runtime.version
    }

    /// The folder that really holds the files: another one than asked for when we are root and the server's user
    /// cannot enter that one (see [`Server::note`]).
    pub fn dir(&self) -> &Path {
        &self.place.dir
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port
    }

    /// What the user should be told: that an earlier server had to stop first, and where the files are, if they are
    /// not where they were asked for.
    pub fn note(&self) -> Option<String> {
        let (wanted, dir) = (self.place.wanted.display(), self.place.dir.display());
        let user = self.place.owner.as_ref().filter(|_| self.place.dir != self.place.wanted);
        let elsewhere = user.map(|user| {
            format!(
                "the server runs as the user `{}`, who cannot enter {wanted}; its files are in {dir}",
                user.name
            )
        });
        let notes: Vec<String> = self.waited.clone().into_iter().chain(elsewhere).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// Stops the server (open connections are ended, all data is written) and waits for it.
    pub fn stop(mut self) -> Result<(), EmbeddedError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), EmbeddedError> {
        let Some(mut guard) = self.guard.take() else { return Ok(()) };
        // The guard sees the end of the pipe and passes the signal on.
        drop(guard.stdin.take());
        let place = &self.place;
        let failed = |text: &str| EmbeddedError::new(format!("the server in {} {text}", place.dir.display()));
        let ended = guard::wait_for(&mut guard, STOP_LIMIT)
            .map_err(|error| failed("cannot be waited for").because(error))?;
        if ended.is_none() {
            if let Some(file) = guard::running(&place.data()) {
                // At the next start PostgreSQL recovers from its log, as after a power failure.
                let _ = guard::send_signal("QUIT", file.pid);
            }
            let _ = guard::wait_for(&mut guard, Duration::from_secs(10));
            let _ = guard.kill();
            let _ = guard.wait();
        }
        if self.purpose == Purpose::Tests {
            place.remove();
            return Ok(());
        }
        match ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(failed("did not stop cleanly").because(status.to_string())),
            None => {
                Err(failed(&format!("did not stop within {} seconds and was ended", STOP_LIMIT.as_secs())))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.shut_down();
    }
}

/// A server that runs.
#[derive(Clone)]
pub struct RunningInfo {
    /// The address of its last created database, with the password; empty password if its file cannot be read.
    pub url: String,
    /// The main process.
    pub pid: u32,
}

impl fmt::Debug for RunningInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RunningInfo").field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// Starts a server that goes on when we have ended, and gives the address of its last created database, with the
/// password. Stop it with [`stop_detached`].
pub fn start_detached(runtime: &Runtime, dir: &Path) -> Result<String, EmbeddedError> {
    let (place, _) = prepare(runtime, dir, Purpose::Demo)?;
    let password = read_password(&place)?;
    let (port, _) = launch(runtime, &place, Purpose::Demo, None, |_, server| {
        guard::spawn_detached(&place, server).map(Started::Detached)
    })?;
    Ok(Address { port, password }.url(&last_database(&place)))
}

/// Stops the server of a folder, however it was started. `false`: none runs there.
pub fn stop_detached(dir: &Path) -> Result<bool, EmbeddedError> {
    let Some(place) = Place::existing(dir) else { return Ok(false) };
    let Some(file) = guard::running(&place.data()) else { return Ok(false) };
    let failed = |text: &str| {
        EmbeddedError::new(format!("the server in {} (process {}) {text}", place.dir.display(), file.pid))
            .hint("stop it as the user that started it")
    };
    if !guard::send_signal("INT", file.pid).map_err(|error| failed("cannot be stopped").because(error))? {
        return Err(failed("cannot be stopped"));
    }
    let end = Instant::now() + STOP_LIMIT;
    while guard::running(&place.data()).is_some_and(|now| now.pid == file.pid) {
        if Instant::now() > end {
            return Err(failed(&format!("did not stop within {} seconds", STOP_LIMIT.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    remove_socket_dir(&file.socket);
    Ok(true)
}

/// The server that runs in a folder now, if one does, is ready, and is not about to stop.
pub fn status(dir: &Path) -> Option<RunningInfo> {
    let place = Place::existing(dir)?;
    let file = guard::serving(&place)?;
    let password = read_password(&place).unwrap_or_default();
    Some(RunningInfo {
        url: Address { port: file.port, password }.url(&last_database(&place)),
        pid: file.pid,
    })
}

pub(super) fn last_database(place: &Place) -> String {
    place.remembered().and_then(|remembered| remembered.database).unwrap_or_else(|| "postgres".to_owned())
}

/// Creates a database on a server, unless it is there.
pub(super) fn create_database(address: &Address, database: &str) -> Result<(), EmbeddedError> {
    let failed = |error| {
        EmbeddedError::new(format!("cannot create the database {database:?}")).because(error).hint(LOOPBACK)
    };
    let mut config = postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(address.port)
        .user(USER)
        .password(address.password.expose_secret())
        .dbname("postgres");
    let mut client = config.connect(postgres::NoTls).map_err(|error| failed(Box::new(error)))?;
    let exists = client.query_opt("select from pg_catalog.pg_database where datname = $1", &[&database]);
    if exists.map_err(|error| failed(Box::new(error)))?.is_some() {
        return Ok(());
    }
    let sql = format!("create database \"{}\"", database.replace('"', "\"\""));
    client.batch_execute(&sql).map_err(|error| failed(Box::new(error)))
}

/// A server that was just started: our guard, or the process itself when it is to outlive us.
enum Started {
    Guarded(Child),
    Detached(u32),
}

impl Started {
    fn has_ended(&mut self) -> bool {
        match self {
            Started::Guarded(guard) => !matches!(guard.try_wait(), Ok(None)),
            Started::Detached(pid) => !guard::is_alive(*pid),
        }
    }
}

/// Starts the prepared server through `spawn` and waits until it takes connections.
fn launch(
    runtime: &Runtime,
    place: &Place,
    purpose: Purpose,
    parent: Option<Parent>,
    spawn: impl Fn(Option<&Path>, &Command) -> Result<Started, EmbeddedError>,
) -> Result<(u16, Started), EmbeddedError> {
    let before = place.remembered().unwrap_or_default();
    let mut port = Some(before.port).filter(|port| is_free(*port));
    let remembered = Remembered { bin_dir: runtime.bin_dir.clone(), parent, ..before };
    let mut attempt = 1;
    loop {
        let socket = socket_dir(place)?;
        let temporary = (!socket.starts_with(&place.dir)).then_some(socket.as_path());
        let this_port = port.take().map_or_else(free_port, Ok)?;
        let log_start = fs::metadata(place.log()).map_or(0, |metadata| metadata.len());
        let before = guard::read_pid_file(&place.data());
        // Before the server is there: whoever finds it must know whom it ends with.
        place.remember(&Remembered { port: this_port, ..remembered.clone() })?;
        let mut started = spawn(temporary, &server_command(runtime, place, purpose, &socket, this_port))?;
        let Err(text) = await_ready(place, purpose, before.as_ref(), &mut started) else {
            return Ok((this_port, started));
        };
        let log = read_log(place, log_start);
        if let Started::Guarded(mut guard) = started {
            drop(guard.stdin.take());
            let _ = guard::wait_for(&mut guard, Duration::from_secs(10));
        }
        remove_socket_dir(&socket);
        let is_port_taken = log.contains(PORT_TAKEN);
        // The files of a test are gone with its guard; it starts again in another folder.
        if !is_port_taken || purpose == Purpose::Tests || attempt == PORT_ATTEMPTS {
            return Err(EmbeddedError::new(format!("the server in {} {text}", place.dir.display()))
                .because(last_lines(&log))
                .hint(format!("the server's messages are in {}", place.log().display())));
        }
        attempt += 1;
    }
}

/// Waits for line 8 of `postmaster.pid` to say "ready", which needs no client.
///
/// `before` is what a server that crashed has left: its "ready" says nothing. Recovery after a crash may take long,
/// so a server that is alive and starting is given time.
fn await_ready(
    place: &Place,
    purpose: Purpose,
    before: Option<&PidFile>,
    started: &mut Started,
) -> Result<(), String> {
    let limit = Duration::from_secs(match purpose {
        Purpose::Demo => 600,
        Purpose::Tests => 120,
    });
    let (data, start) = (place.data(), Instant::now());
    while start.elapsed() < limit {
        let file = guard::read_pid_file(&data).filter(|file| Some(file) != before);
        if file.is_some_and(|file| file.state == State::Ready) {
            return Ok(());
        }
        if started.has_ended() {
            return Err("has ended at once".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("was not ready within {} seconds", limit.as_secs()))
}

fn server_command(runtime: &Runtime, place: &Place, purpose: Purpose, socket: &Path, port: u16) -> Command {
    let mut server = command(runtime.bin_dir.join("postgres"), place.owner.as_ref());
    server.envs(runtime.library_path()).arg("-D").arg(place.data());
    let mut sockets = OsString::from("unix_socket_directories=\"");
    sockets.push(OsStr::from_bytes(&double_quotes(socket.as_os_str().as_bytes())));
    sockets.push("\"");
    server.arg("-c").arg(sockets).arg("-c").arg(format!("port={port}"));
    for setting in settings(purpose) {
        server.arg("-c").arg(setting);
    }
    server
}

fn double_quotes(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 })).collect()
}

/// The settings of a server: reachable from this machine only, and no row's values in its log. Measurements of the
/// load settings: a COPY into a table of the same transaction writes no WAL at `wal_level=minimal`.
fn settings(purpose: Purpose) -> impl Iterator<Item = &'static str> {
    let always = [
        "listen_addresses=127.0.0.1",
        "unix_socket_permissions=0700",
        "logging_collector=off",
        "log_destination=stderr",
        "log_min_error_statement=panic",
        "log_error_verbosity=terse",
        "wal_level=minimal",
        "max_wal_senders=0",
    ];
    let by_purpose: &[&str] = match purpose {
        Purpose::Demo => {
            &["fsync=on", "max_wal_size=8GB", "shared_buffers=256MB", "maintenance_work_mem=256MB"]
        }
        Purpose::Tests => &[
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "autovacuum=off",
            "max_wal_size=4GB",
            "max_connections=200",
        ],
    };
    always.into_iter().chain(by_purpose.iter().copied())
}

/// The folder of the socket: in the server's own, unless that makes the path too long for a socket.
fn socket_dir(place: &Place) -> Result<PathBuf, EmbeddedError> {
    let dir = place.dir.join("socket");
    if dir.as_os_str().len() <= SOCKET_DIR_MAX_BYTES {
        if !dir.exists() {
            place.create_private_dir(&dir)?;
        }
        return Ok(dir);
    }
    let short = PathBuf::from(format!("{SHORT_SOCKET_DIR}{}", random_hex(8)?));
    place.create_private_dir(&short)?;
    Ok(short)
}

/// Removes a folder that [`socket_dir`] made outside of the server's own; only an empty one.
fn remove_socket_dir(socket: &Path) {
    if socket.to_str().is_some_and(|path| path.starts_with(SHORT_SOCKET_DIR)) {
        let _ = fs::remove_dir(socket);
    }
}

fn free_port() -> Result<u16, EmbeddedError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| EmbeddedError::new("cannot open a port on 127.0.0.1").because(error).hint(LOOPBACK))
}

fn is_free(port: u16) -> bool {
    port != 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn read_password(place: &Place) -> Result<SecretString, EmbeddedError> {
    let path = place.password_file();
    let cannot = || {
        EmbeddedError::new(format!("cannot read the password of the server in {}", path.display()))
            .hint("use another folder; the file belongs to the user that created the server")
    };
    let text = fs::read_to_string(&path).map_err(|error| cannot().because(error))?;
    let password =
        text.trim_end().rsplit(':').next().filter(|password| !password.is_empty()).ok_or_else(cannot)?;
    Ok(SecretString::from(password))
}

/// What the server has written since this start, at most 64 KiB from its end.
fn read_log(place: &Place, start: u64) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(place.log())?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(end.saturating_sub(64 * 1024))))?;
        let mut bytes = Vec::new();
        file.take(64 * 1024).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}

/// The end of a program's messages, for an error.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let kept = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default();
    if kept.is_empty() { "no message".to_owned() } else { kept.join("\n") }
}

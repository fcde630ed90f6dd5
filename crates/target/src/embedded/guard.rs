//! The processes of a server: starting it under a guard, knowing whether it still runs, and signals.
//!
//! Invariant: a guarded server ends when its parent ends, in whatever way. The guard is a small shell that holds the
//! reading end of a pipe whose writing end only we have; when we are gone, even by SIGKILL, the pipe closes and the
//! guard tells the server to shut down. No `unsafe` and no PR_SET_PDEATHSIG is needed. Paths are passed to the
//! shell as arguments, never as text of the script.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::place::{CONTENTS, Parent, Place, command};
use super::{EmbeddedError, Purpose};

/// `$1` signal, `$2` folder of the socket to remove afterwards or nothing, `$3` folder of the server to empty
/// afterwards or nothing, `$4…` the server's command.
///
/// The watcher reads only to see the end of the pipe; it is a shell of its own and not `cat`, so that it ends with the
/// guard. When the server has ended by itself, its files stay for a look at the log until the pipe ends. Asynchronous
/// commands of a shell ignore SIGINT at first; the postmaster sets its own handlers. SIGHUP is ignored, since the kernel
/// sends it to a group that loses its parent while one of its processes is stopped, just when the guard is needed. The
/// kernel then wakes the group as well, but not a process whose SIGSTOP is still on its way: the watcher wakes the
/// server itself, since a stopped process would never see the signal.
const GUARDED: &str = r#"
exec 3<&0 </dev/null
trap '' HUP
signal=$1 socket=$2 dir=$3
shift 3
"$@" 3<&- &
server=$!
( read -r line <&3; kill -"$signal" "$server"; kill -CONT "$server"; exit 0 ) 2>/dev/null &
watcher=$!
wait "$server"
status=$?
if [ -n "$socket" ]; then rm -rf -- "$socket"; fi
remove() {
    for name in CONTENTS; do rm -rf -- "$dir/$name"; done
    rmdir -- "$dir" 2>/dev/null
}
kill "$watcher" 2>/dev/null
if wait "$watcher" 2>/dev/null; then parent=gone; else parent=here; fi
if [ -n "$dir" ] && [ "$parent" = gone ]; then remove; fi
if [ -n "$dir" ] && [ "$parent" = here ]; then ( read -r line <&3; remove ) & fi
exit "$status"
"#;

/// Starts the server in the background and leaves it to the system: the shell says its process and ends at once.
const DETACHED: &str = r#""$@" </dev/null >&2 & echo "$!""#;

/// Starts the server under a guard that ends it with us; the child is the guard.
pub(super) fn spawn_guarded(
    place: &Place,
    purpose: Purpose,
    temporary_socket: Option<&Path>,
    server: &Command,
) -> Result<Child, EmbeddedError> {
    let (signal, removed) = match purpose {
        Purpose::Demo => ("INT", None),
        // Nothing of a test is kept, so there is nothing to write out: shut down at once.
        Purpose::Tests => ("QUIT", Some(place.dir.as_path())),
    };
    let mut guard = shell(place, &GUARDED.replace("CONTENTS", &CONTENTS.join(" ")), server)?;
    let as_argument = |path: Option<&Path>| path.map(OsString::from).unwrap_or_default();
    guard.arg(signal).arg(as_argument(temporary_socket)).arg(as_argument(removed));
    guard.arg(server.get_program()).args(server.get_args()).stdin(Stdio::piped());
    guard.spawn().map_err(|error| cannot_start(place, error))
}

/// Starts the server so that it outlives us, and gives its process.
pub(super) fn spawn_detached(place: &Place, server: &Command) -> Result<u32, EmbeddedError> {
    let mut shell = shell(place, DETACHED, server)?;
    shell.arg(server.get_program()).args(server.get_args()).stdin(Stdio::null()).stdout(Stdio::piped());
    let output = shell.output().map_err(|error| cannot_start(place, error))?;
    let pid = String::from_utf8_lossy(&output.stdout).trim().parse();
    pid.map_err(|_| cannot_start(place, io::Error::other(output.status.to_string())))
}

/// A shell with the server's user, environment and log, in a process group of its own: a Ctrl-C in the terminal is
/// for us, and we stop the server in our own time.
fn shell(place: &Place, script: &str, server: &Command) -> Result<Command, EmbeddedError> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(place.log())
        .and_then(|log| Ok((log.try_clone()?, log)));
    let (out, log) = log.map_err(|error| {
        EmbeddedError::new(format!("cannot write {}", place.log().display())).because(error)
    })?;
    let mut shell = command("/bin/sh", place.owner.as_ref());
    shell.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.args(["-c", script, "mssql2pg-guard"]).stdout(out).stderr(log).process_group(0);
    Ok(shell)
}

fn cannot_start(place: &Place, error: io::Error) -> EmbeddedError {
    EmbeddedError::new(format!("cannot start the server in {}", place.dir.display())).because(error)
}

/// Waits for a child, but not for ever. `None`: it still runs.
pub(super) fn wait_for(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal (`INT`, `QUIT`) to a process.
pub(super) fn send_signal(signal: &str, pid: u32) -> io::Result<bool> {
    let script = "kill -\"$1\" \"$2\" 2>/dev/null";
    let status = Command::new("/bin/sh").args(["-c", script, "sh", signal, &pid.to_string()]).status()?;
    Ok(status.success())
}

/// What `postmaster.pid` says (PostgreSQL, `src/include/utils/pidfile.h`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    /// The text of line 3: when that server was started, in seconds.
    pub(super) started: String,
    pub(super) port: u16,
    /// The folder of its socket.
    pub(super) socket: PathBuf,
    pub(super) state: State,
}

/// What line 8 of `postmaster.pid` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not ready yet, or a word that we do not know.
    Starting,
    Ready,
    Stopping,
}

/// Reads the file of a cluster; `None` when there is none, or it is not complete yet.
pub(super) fn read_pid_file(data: &Path) -> Option<PidFile> {
    parse_pid_file(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
}

fn parse_pid_file(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let started = lines.nth(1)?.trim().to_owned();
    let port = lines.next()?.trim().parse().ok()?;
    let socket = PathBuf::from(lines.next().unwrap_or_default().trim());
    let state = match lines.nth(2).map(str::trim) {
        Some("ready") => State::Ready,
        Some("stopping") => State::Stopping,
        _ => State::Starting,
    };
    Some(PidFile { pid, started, port, socket, state })
}

/// The server that runs on a cluster now, if one does.
pub(super) fn running(data: &Path) -> Option<PidFile> {
    read_pid_file(data).filter(|file| is_server_of(file.pid, data))
}

/// The server that takes connections on a cluster now and is there to stay.
pub(super) fn serving(place: &Place) -> Option<PidFile> {
    running(&place.data()).filter(|file| file.state == State::Ready && !is_leaving(place, file))
}

/// Whether a server that runs is about to end: it says so, or the process that it ends with is gone.
///
/// The second comes first by a moment: the guard has to see the end of its pipe. A server with another port than ours
/// was started by somebody else, and nobody's end concerns it.
pub(super) fn is_leaving(place: &Place, file: &PidFile) -> bool {
    let remembered = place.remembered().filter(|remembered| remembered.port == file.port);
    let parent = remembered.and_then(|remembered| remembered.parent);
    file.state == State::Stopping || parent.is_some_and(|parent| !is_there(&parent))
}

/// This process, as the one that a guarded server ends with.
pub(super) fn ourselves() -> Parent {
    let pid = std::process::id();
    Parent { pid, started: start_of(pid) }
}

fn is_there(parent: &Parent) -> bool {
    is_alive(parent.pid) && start_of(parent.pid) == parent.started
}

/// When a process was started, as `/proc` says it; empty where it does not.
fn start_of(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Field 2, the program's name, may itself hold anything; field 3 follows its last parenthesis.
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    fields.split_whitespace().nth(19).unwrap_or_default().to_owned()
}

/// Removes a `postmaster.pid` whose process number has gone to some other program since.
///
/// PostgreSQL refuses to start while *any* process has that number, which is likely after a restart of the machine.
/// The file is kept when a process of the old server may still be there: two servers on one cluster destroy it.
pub(super) fn remove_stale_pid_file(data: &Path) {
    let Some(file) = read_pid_file(data) else { return };
    let taken = Path::new("/proc").join(file.pid.to_string()).exists();
    if taken && !processes().any(|pid| is_server_of(pid, data)) {
        let _ = fs::remove_file(data.join("postmaster.pid"));
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process is there and has not ended (one that has ended stays visible until its parent has asked).
pub(super) fn is_alive(pid: u32) -> bool {
    if !Path::new("/proc/self").exists() {
        return send_signal("0", pid).unwrap_or(false);
    }
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the program's name, which may itself hold anything.
    let state = stat.iter().rposition(|byte| *byte == b')').and_then(|end| stat.get(end + 2));
    !matches!(state, None | Some(b'Z' | b'X'))
}

/// Whether this process is a server of this cluster: each process of PostgreSQL works in the data folder.
fn is_server_of(pid: u32, data: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if !is_alive(pid) || !Path::new("/proc/self").exists() {
        return is_alive(pid);
    }
    // PostgreSQL runs only as the owner of its data.
    let user = |path: &Path| fs::metadata(path).map(|metadata| metadata.uid()).ok();
    if user(&process) != user(data) {
        return false;
    }
    match fs::read_link(process.join("cwd")) {
        Ok(folder) => data.canonicalize().is_ok_and(|data| data == folder),
        // Root without CAP_SYS_PTRACE (in a container) may not look; then the name has to do.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
            let is_given =
                line.windows(data.as_os_str().len()).any(|part| part == data.as_os_str().as_bytes());
            is_given || program.starts_with(b"postgres:")
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Remembered;
    use super::*;

    #[test]
    fn a_pid_file_is_ready_only_when_its_eighth_line_says_so() {
        let text = "4711\n/data\n1700000000\n5433\n/socket\n127.0.0.1\n  5432 1\nready   \n";
        let file = parse_pid_file(text).unwrap();
        assert_eq!(
            file,
            PidFile {
                pid: 4711,
                started: "1700000000".to_owned(),
                port: 5433,
                socket: "/socket".into(),
                state: State::Ready
            }
        );
        let state = |text: &str| parse_pid_file(text).unwrap().state;
        assert_eq!(state(&text.replace("ready", "starting")), State::Starting);
        assert_eq!(state(&text.replace("ready", "stopping")), State::Stopping);
        assert_eq!(state("1\n/data\n2\n3\n"), State::Starting);
        for broken in
            ["", "x\n/data\n2\n3\n", "1\n/data\n", "99999999999\n/data\n1\n1\n", "1\n/data\n2\n99999\n"]
        {
            assert_eq!(parse_pid_file(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_server_leaves_when_it_says_so_or_when_its_parent_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let place = Place { wanted: path.clone(), dir: path, owner: None };
        let check = |state: &str, port: u16, parent: Option<Parent>, expected: bool| {
            let text = format!("1\n/data\n1\n{port}\n/socket\n127.0.0.1\n 1 1\n{state}\n");
            let remembered = Remembered { port: 5433, parent: parent.clone(), ..Remembered::default() };
            place.remember(&remembered).unwrap();
            let is_so = is_leaving(&place, &parse_pid_file(&text).unwrap());
            assert_eq!(is_so, expected, "{state} {port} {parent:?}");
        };
        let later = Parent { started: "another time".to_owned(), ..ourselves() };
        assert!(!ourselves().started.is_empty() || !Path::new("/proc/self").exists());
        check("ready", 5433, None, false);
        check("stopping", 5433, None, true);
        check("ready", 5433, Some(ourselves()), false);
        check("stopping", 5433, Some(ourselves()), true);
        check("ready", 5433, Some(later.clone()), true);
        check("starting", 5433, Some(later.clone()), true);
        check("ready", 5432, Some(later), false);
    }

    #[test]
    fn a_process_of_another_folder_is_not_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        assert!(!is_server_of(std::process::id(), data));
        fs::write(data.join("postmaster.pid"), format!("{}\n/x\n1\n5432\n\n\n\nready\n", std::process::id()))
            .unwrap();
        assert_eq!(running(data), None);
        remove_stale_pid_file(data);
        assert!(!data.join("postmaster.pid").exists());
    }

    #[test]
    fn a_process_that_works_in_the_folder_keeps_the_pid_file() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let mut child = Command::new("/bin/sleep").arg("60").current_dir(data).spawn().unwrap();
        fs::write(data.join("postmaster.pid"), format!("{}\n/x\n1\n5432\n\n\n\nready\n", std::process::id()))
            .unwrap();
        remove_stale_pid_file(data);
        assert!(data.join("postmaster.pid").exists());
        assert!(is_server_of(child.id(), data));
        child.kill().unwrap();
        // Dead, and nobody has waited for it: it must not count, but the kernel takes a moment to end it.
        let end = Instant::now() + Duration::from_secs(10);
        while is_server_of(child.id(), data) {
            assert!(Instant::now() < end, "a dead process that nobody has waited for counts as running");
        }
        child.wait().unwrap();
    }
}

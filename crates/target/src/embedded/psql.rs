//! `psql` on the data of an embedded server, so that its user can look at what was migrated.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::find::{Search, find_for, prove};
use super::place::{Place, Remembered, absolute};
use super::server::{Server, USER, last_database};
use super::{EmbeddedError, FindOptions, Origin, Purpose, Runtime, guard};

/// Runs `psql` with these arguments on the server of a folder, in our own terminal.
///
/// A server that does not run is started, and stopped afterwards: with the given programs, else those that ran it last,
/// else any of its version that the options let find. Without a database among the arguments, `psql` opens
/// the one that was created last. The password reaches `psql` by `PGPASSFILE`. In an interactive session Ctrl-C goes to
/// us as well as to `psql`: the caller must not let it end the process.
pub fn psql(
    dir: &Path,
    options: &FindOptions,
    args: &[OsString],
    say: &mut dyn FnMut(&str),
) -> Result<ExitStatus, EmbeddedError> {
    let place = Place::existing(dir).ok_or_else(|| {
        EmbeddedError::new(format!("there is no embedded server in {}", dir.display()))
            .hint("name the folder that was given with --embedded-dir, or the run folder of the demo")
    })?;
    let search = Search::here();
    let running = guard::serving(&place);
    let remembered = place.remembered().unwrap_or_default();
    let given = options.pg_bin.as_ref().map(|dir| absolute(dir)).transpose()?;
    let own: Vec<&Path> = given.iter().chain([&remembered.bin_dir]).map(PathBuf::as_path).collect();
    let program = find_psql(&own, &search).ok_or_else(|| no_psql(&place, &remembered))?;
    let (port, server) = match running {
        Some(file) => (file.port, None),
        None => {
            let runtime = runtime_for(&place, &remembered.bin_dir, options, say)?;
            let server = Server::start(&runtime, &place.wanted, Purpose::Demo)?;
            if let Some(note) = server.note() {
                say(&note);
            }
            (server.port(), Some(server))
        }
    };
    let mut psql = Command::new(&program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        psql.env_remove(name);
    }
    let bin_dir = program.parent().unwrap_or(Path::new("/"));
    psql.envs(super::find::library_path(bin_dir)).env("PGHOST", "127.0.0.1").env("PGPORT", port.to_string());
    psql.env("PGUSER", USER)
        .env("PGDATABASE", last_database(&place))
        .env("PGPASSFILE", place.password_file());
    let status = psql.args(args).status();
    let stopped = server.map_or(Ok(()), Server::stop);
    let status = status
        .map_err(|error| EmbeddedError::new(format!("cannot run {}", program.display())).because(error))?;
    stopped.map(|()| status)
}

/// The given programs, else those that ran the server last, else any of the same major version.
fn runtime_for(
    place: &Place,
    bin_dir: &Path,
    options: &FindOptions,
    say: &mut dyn FnMut(&str),
) -> Result<Runtime, EmbeddedError> {
    if options.pg_bin.is_none()
        && let Ok(runtime) = prove(bin_dir, Origin::Given)
        && place.major() == Some(runtime.major)
    {
        return Ok(runtime);
    }
    find_for(&place.wanted, options, say)
}

/// The server's own `psql` first (the npm build has none), then any: it speaks to servers of all versions.
fn find_psql(bin_dirs: &[&Path], search: &Search) -> Option<PathBuf> {
    let own = bin_dirs.iter().filter(|dir| dir.is_absolute()).map(|dir| dir.join("psql"));
    if let Some(own) = own.into_iter().find(|program| program.is_file()) {
        return Some(own);
    }
    // Debian's /usr/bin/psql is a script that picks a version; the programs themselves are surer.
    let entries = std::fs::read_dir(&search.debian).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin/psql"))))
        .filter(|(_, program)| program.is_file())
        .collect();
    versions.sort();
    versions.pop().map(|(_, program)| program).or_else(|| search.programs("psql").next())
}

fn no_psql(place: &Place, remembered: &Remembered) -> EmbeddedError {
    let port = guard::running(&place.data()).map_or(remembered.port, |file| file.port);
    let wanted = place.wanted.display();
    EmbeddedError::new("there is no psql on this machine").hint(format!(
        "start the server with `mssql2pg embedded start {wanted}`, then use any client with \
         PGPASSFILE={} and postgresql://{USER}@127.0.0.1:{port}/{}",
        place.password_file().display(),
        last_database(place)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_psql_wins_then_debians_highest_then_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let touch = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let search = Search { debian: dir.path().join("debian"), path: dir.path().join("path").into() };
        let own = dir.path().join("own");
        let own = [dir.path().join("none"), own];
        let own: Vec<&Path> = own.iter().map(PathBuf::as_path).collect();
        assert_eq!(find_psql(&own, &search), None);
        let of_path = touch("path/psql");
        assert_eq!(find_psql(&own, &search), Some(of_path));
        touch("debian/9/bin/psql");
        let of_debian = touch("debian/15/bin/psql");
        assert_eq!(find_psql(&own, &search), Some(of_debian));
        let of_own = touch("own/psql");
        assert_eq!(find_psql(&own, &search), Some(of_own));
    }
}

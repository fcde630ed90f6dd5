//! Kill it anywhere; the same command goes on, and no row is lost or doubled.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{database, digests, mssql2pg, told};

/// Small parts, so that a kill finds some splits loaded and some not.
fn write_source(path: &Path) {
    let options = GenerateOptions {
        rows: 60_000,
        seed: 7,
        part_bytes: 128 * 1024,
        defects: false,
        ..GenerateOptions::default()
    };
    write_shop(path, &options, &mut |_| {}).unwrap();
}

#[test]
fn a_run_killed_at_twenty_moments_ends_like_an_undisturbed_one() {
    let folder = tempfile::tempdir().unwrap();
    write_source(&folder.path().join("shop.bacpac"));
    let command = |run: &str, url: &str| {
        let mut command = mssql2pg(folder.path());
        command.args(["migrate", "shop.bacpac", "--run", run, "--jobs", "2"]).env("TARGET_URL", url);
        command
    };
    let undisturbed = database();
    let start = Instant::now();
    let output = command("undisturbed.run", &undisturbed.url).output().unwrap();
    let whole = start.elapsed();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let expected = digests(&folder.path().join("undisturbed.run"));
    assert!(expected.len() > 10);

    // A fixed sequence of moments that looks random: each run of this test kills at the same ones.
    let mut moment = 0x9E37_79B9_u32;
    let (mut kills, mut rounds) = (0, 0);
    while kills < 20 {
        rounds += 1;
        assert!(rounds <= 30, "only {kills} kills hit a run at work");
        let run = format!("killed{rounds}.run");
        let target = database();
        // Several kills on the way of one migration, each at another moment of what is left.
        for left in [0.95, 0.6, 0.4] {
            moment = moment.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let share = left * f64::from(moment >> 8) / f64::from(1 << 24);
            let mut child =
                command(&run, &target.url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(whole.mul_f64(share));
            if child.try_wait().unwrap().is_none() {
                kills += 1;
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let output = command(&run, &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert_eq!(digests(&folder.path().join(&run)), expected, "round {rounds}");
    }
    eprintln!("{kills} kills at work, in {rounds} migrations");
}

#[test]
fn ctrl_c_ends_with_a_hint_and_the_same_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write_source(&folder.path().join("shop.bacpac"));
    let target = database();
    let command = || {
        let mut command = mssql2pg(folder.path());
        command.args(["migrate", "shop.bacpac", "--jobs", "1"]).env("TARGET_URL", &target.url);
        command
    };
    let child = command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains("hint: run the same command again"), "{}", told(&output));
    }
    let output = command().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}

//! `doctor` and `migrate` name the layer that fails and the way out, with an honest exit code.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]
#![allow(clippy::expect_used, missing_docs, unreachable_pub, reason = "test support")]

#[path = "live/served.rs"]
mod served;
mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use mssql2pg_simulator::{Authority, Login, Options, Rights, Simulator, Tls};
use served::serve;
use std::path::{Path, PathBuf};
use std::process::Output;
use support::{database, mssql2pg, told};

const PASSWORD: &str = "Pass@word1";

fn shop(folder: &Path) -> PathBuf {
    let path = folder.join("shop.bacpac");
    let options = GenerateOptions { rows: 500, seed: 5, defects: false, ..GenerateOptions::default() };
    write_shop(&path, &options, &mut |_| {}).unwrap();
    path
}

fn doctor(folder: &Path, source: &str, target: Option<&str>, flags: &[&str]) -> Output {
    let mut command = mssql2pg(folder);
    command.arg("doctor").args(flags).env("SOURCE_URL", source);
    command.envs(target.map(|target| ("TARGET_URL", target)));
    command.output().unwrap()
}

fn steps(output: &Output) -> Vec<serde_json::Value> {
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["steps"].as_array().unwrap().clone()
}

fn failed(steps: &[serde_json::Value]) -> Vec<String> {
    let failed = steps.iter().filter(|step| step["outcome"] == "failed");
    failed
        .map(|step| format!("{} {}", step["side"].as_str().unwrap(), step["layer"].as_str().unwrap()))
        .collect()
}

/// Both commands must name it, with the way out, and neither may show the password.
fn both_name(folder: &Path, source: &str, layer: &str, words: &[&str]) {
    let output = doctor(folder, source, None, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{source} {}", told(&output));
    let steps = steps(&output);
    assert_eq!(failed(&steps), [format!("source {layer}")], "{source} {}", told(&output));
    let step = steps.iter().find(|step| step["outcome"] == "failed").unwrap();
    assert!(!step["way_out"].as_str().unwrap().is_empty());
    assert!(!told(&output).contains(PASSWORD));
    let target = database();
    let output = mssql2pg(folder)
        .args(["migrate", "--run", "x.run"])
        .env("SOURCE_URL", source)
        .env("TARGET_URL", &target.url)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{source} {}", told(&output));
    for word in words.iter().chain(&["hint: "]) {
        assert!(told(&output).contains(word), "{source}: {word} is not in {}", told(&output));
    }
    assert!(!told(&output).contains(PASSWORD));
    let _ = std::fs::remove_dir_all(folder.join("x.run"));
}

fn url(server: &Simulator, options: &str) -> String {
    format!("mssql://sa:Pass%40word1@127.0.0.1:{}/Shop?{options}", server.port())
}

#[test]
fn what_stands_between_us_and_a_server_is_named_by_both_commands() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path());
    let plain = serve(&file, "Shop", |_| {});
    let at = |user: &str, database: &str| {
        format!("mssql://{user}@127.0.0.1:{}/{database}?encrypt=off", plain.port())
    };
    both_name(folder.path(), &at("sa:wrong", "Shop"), "login", &["Login failed", "18456"]);
    both_name(folder.path(), &at("sa:Pass%40word1", "Shopp"), "database", &["Shopp"]);
    both_name(folder.path(), &url(&plain, ""), "encryption", &["encrypt=off"]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("mssql://sa:Pass%40word1@127.0.0.1:{closed}/Shop");
    both_name(folder.path(), &nobody, "port", &["cannot connect to", "firewall"]);
    both_name(folder.path(), "mssql://sa:Pass%40word1@nowhere.invalid/Shop", "name", &["nowhere.invalid"]);

    let authority = Authority::new(folder.path()).unwrap();
    let secure =
        |certificate| serve(&file, "Shop", |options: &mut Options| options.tls = Tls::Required(certificate));
    let untrusted = secure(authority.server("s", &["127.0.0.1"]).unwrap());
    both_name(folder.path(), &url(&untrusted, ""), "certificate", &["not trusted", "ca_file="]);
    let ca = format!("ca_file={}", authority.certificate().display());
    let expired = secure(authority.expired_server("e", &["127.0.0.1"]).unwrap());
    both_name(folder.path(), &url(&expired, &ca), "certificate", &["expired"]);
    let other = secure(authority.server("o", &["db.example"]).unwrap());
    both_name(folder.path(), &url(&other, &ca), "certificate", &["host_name_in_certificate"]);
}

#[test]
fn a_right_that_is_missing_is_named_with_its_grant() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path());
    let server = serve(&file, "Shop", |options| {
        let with = |name: &str, rights| Login { name: name.to_owned(), password: "p".to_owned(), rights };
        options.logins = vec![
            with("least", Rights::least()),
            with("blind", Rights { view_definition: false, ..Rights::least() }),
            with("poor", Rights { denied: vec!["dbo.Customers".to_owned()], ..Rights::least() }),
        ];
    });
    let url = |user: &str| format!("mssql://{user}:p@127.0.0.1:{}/Shop?encrypt=off", server.port());
    let target = database();
    let output = doctor(folder.path(), &url("least"), Some(&target.url), &["--json", "--jobs", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let all = steps(&output);
    for (side, layer) in
        [("source", "select"), ("source", "size"), ("target", "version"), ("target", "connections")]
    {
        let step = all.iter().find(|step| step["side"] == side && step["layer"] == layer);
        assert_eq!(
            step.map(|step| &step["outcome"]),
            Some(&"ok".into()),
            "{side} {layer}: {}",
            told(&output)
        );
    }
    for (user, layer, grant) in
        [("blind", "definitions", "grant view definition to"), ("poor", "select", "grant select to")]
    {
        let output = doctor(folder.path(), &url(user), None, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.contains("FAIL")).unwrap();
        assert!(line.contains(layer), "{text}");
        assert!(text.contains(grant), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_target_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = shop(folder.path());
    let source = file.display().to_string();
    let good = database();
    let output = doctor(folder.path(), &source, Some(&good.url), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (server, database) = good.url.rsplit_once('/').unwrap();
    let options = database.split_once('?').map_or(String::new(), |(_, options)| format!("?{options}"));
    let elsewhere = format!("{server}/nowhere{options}");
    for (target, layer) in [
        (format!("postgresql://u:hunter2@127.0.0.1:{closed}/d"), "target port"),
        ("postgresql://u:hunter2@nowhere.invalid/d".to_owned(), "target name"),
        ("postgresql://u:hunter2@h/d?sslmod=require".to_owned(), "target address"),
        (elsewhere, "target login"),
    ] {
        let output = doctor(folder.path(), &source, Some(&target), &["--json"]);
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        assert_eq!(failed(&steps(&output)), [layer], "{}", told(&output));
        assert!(!told(&output).contains("hunter2"));
    }
}

#[test]
fn a_password_in_any_form_of_an_address_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    for source in [
        "mssql://sa:hunter2@127.0.0.1:1/Shop?encrpt=on",
        "mssql://sa:hunter2/x@127.0.0.1:1/Shop",
        "mssql:sa:hunter2@127.0.0.1",
        "sa:hunter2@127.0.0.1",
        "Server=127.0.0.1,1;User Id=sa;Password=hunter2",
        "Server=127.0.0.1,1;User Id=sa;Password='hunter2",
        "Server=127.0.0.1,1;hunter2",
        "jdbc:sqlserver://127.0.0.1:1;user=sa;password={hunter2}",
        "postgresql://u:hunter2@h/d",
        "mysql://u:hunter2@h/d",
    ] {
        for command in ["doctor", "inspect", "audit", "plan", "migrate"] {
            let output = mssql2pg(folder.path()).args([command, source]).output().unwrap();
            assert_ne!(output.status.code(), Some(0), "{command} {source}");
            assert!(!told(&output).contains("hunter2"), "{command} {source}: {}", told(&output));
            let file = format!("[source]\nurl = {source:?}\n");
            std::fs::write(folder.path().join("mssql2pg.toml"), file).unwrap();
            let output = mssql2pg(folder.path()).arg(command).output().unwrap();
            assert_ne!(output.status.code(), Some(0), "{command} {source}");
            assert!(!told(&output).contains("hunter2"), "{command} {source}: {}", told(&output));
            std::fs::remove_file(folder.path().join("mssql2pg.toml")).unwrap();
        }
    }
    let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(entries.is_empty(), "{entries:?}");
}

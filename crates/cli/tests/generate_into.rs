//! The synthetic shop in a running server, which here is the simulator; `real_server.rs` does the same with a real one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]
#![allow(missing_docs, unreachable_pub, reason = "test support")]

mod on_server;
mod support;

use mssql2pg_catalog::{CATALOG_FORMAT, Catalog, DatabaseInfo, RowSink, Table};
use mssql2pg_simulator::{Database, Options, Rights, Rows, Simulator};
use std::sync::Arc;
use support::{mssql2pg, told};

/// A database without tables has no rows.
struct NoRows;

impl Rows for NoRows {
    fn read(&self, _table: &Table, _rows: &mut dyn RowSink) {}
}

/// A server with an empty database `Shop`.
fn empty(change: impl FnOnce(&mut Options)) -> Simulator {
    let database = DatabaseInfo {
        name: "Shop".to_owned(),
        collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
        compatibility_level: Some(160),
        ..DatabaseInfo::default()
    };
    let catalog = Catalog { format: CATALOG_FORMAT, database, ..Catalog::default() };
    let mut options = Options::new(Database { catalog, rows: Arc::new(NoRows) });
    change(&mut options);
    Simulator::start(options).unwrap()
}

#[test]
fn the_shop_of_a_server_is_migrated_like_that_of_a_file() {
    let server = empty(|_| {});
    on_server::the_shop_is_that_of_the_file(&server.url("Shop"), 20_000);
}

#[test]
fn the_shop_replaces_itself_only_when_told_to() {
    let server = empty(|_| {});
    on_server::the_shop_replaces_itself_only_when_told_to(&server.url("Shop"));
}

#[test]
fn rows_are_held_still_in_both_ways() {
    let server = empty(|_| {});
    let folder = tempfile::tempdir().unwrap();
    let output = on_server::generate_into(folder.path(), &server.url("Shop"), &["--rows", "2000"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    for how in ["snapshot-isolation", "database-snapshot"] {
        on_server::rows_are_held_by(&server.url("Shop"), how, false);
    }
}

#[test]
fn a_login_that_may_not_write_is_told_so() {
    let server = empty(|options| options.logins[0].rights = Rights::least());
    let folder = tempfile::tempdir().unwrap();
    let output = on_server::generate_into(folder.path(), &server.url("Shop"), &["--rows", "100"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    for word in ["cannot write into", "cannot create the schema hr", "hint: ", "db_owner"] {
        assert!(told(&output).contains(word), "{word} is not in {}", told(&output));
    }
    assert!(!folder.path().join("Shop.planted.json").exists());
}

#[test]
fn a_place_is_a_file_or_a_server_and_not_both() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], words: &[&str]| {
        let output = mssql2pg(folder.path()).arg("generate").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", told(&output));
        for word in words {
            assert!(told(&output).contains(word), "{word} is not in {}", told(&output));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    check(&[], &["no place to write to", "hint: ", "--into"]);
    check(&["a.bacpac", "--into", "mssql://a@localhost/b"], &["--into"]);
    check(&["a.bacpac", "--planted", "c.json"], &["--planted"]);
}

#[test]
fn a_password_on_the_command_line_is_warned_of_and_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let url = "mssql://sa:Secret-1@127.0.0.1:1/Shop?encrypt=off";
    let output = mssql2pg(folder.path()).args(["generate", "--into", url]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let told = told(&output);
    for word in ["warning: a password on the command line", "INTO_URL is not", "cannot connect", "hint: "] {
        assert!(told.contains(word), "{word} is not in {told}");
    }
    assert!(!told.contains("Secret-1"), "{told}");
}

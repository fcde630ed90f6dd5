//! The same on a real SQL Server, which `MSSQL2PG_TEST_SQLSERVER` names: docs/guide/testing-against-sql-server.md.
//!
//! Each test makes a database of its own there, whose name nobody else has, and drops it at the end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]
#![allow(missing_docs, unreachable_pub, reason = "test support")]

mod on_server;
mod support;

use mssql2pg_sources::LiveWriter;
use std::hash::{BuildHasher, RandomState};
use support::told;

const VARIABLE: &str = "MSSQL2PG_TEST_SQLSERVER";

/// A database on the server, dropped with this.
struct ServerDatabase {
    server: String,
    name: String,
    url: String,
}

impl ServerDatabase {
    /// None where no server is named, which is said; an error where one is required.
    fn create() -> Option<Self> {
        let Some(server) = std::env::var(VARIABLE).ok().filter(|server| !server.is_empty()) else {
            let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
            assert!(!required.contains("sqlserver"), "{VARIABLE} is required and not set");
            eprintln!("skipped: {VARIABLE} is not set");
            return None;
        };
        let name = format!("mssql2pg_test_{:016x}", RandomState::new().hash_one(std::process::id()));
        let mut writer = LiveWriter::open(&in_database(&server, "master")).unwrap();
        writer
            .run(
                "create a database for the test",
                &format!("create database [{name}] collate SQL_Latin1_General_CP1_CI_AS"),
            )
            .unwrap();
        let allow = format!("alter database [{name}] set allow_snapshot_isolation on");
        writer.run("allow snapshot isolation", &allow).unwrap();
        let url = in_database(&server, &name);
        Some(Self { server, name, url })
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        let Self { server, name, url: _ } = self;
        let dropped = LiveWriter::open(&in_database(server, "master")).and_then(|mut writer| {
            // Sessions that are on their way out would hold it. Azure SQL Database needs no such thing, and has none.
            let alone = format!("alter database [{name}] set single_user with rollback immediate");
            let _ = writer.run("end the other sessions", &alone);
            writer.run("drop the test's database", &format!("drop database [{name}]"))
        });
        if let Err(error) = dropped {
            eprintln!("the database {name} stays on the server: {error}");
        }
    }
}

/// The address of another database on the same server: `mssql://user:password@host:1433/name?…`.
fn in_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let (scheme, rest) =
        address.split_once("://").expect("the server is given as mssql://user:password@host:port");
    let host = rest.split('/').next().unwrap_or(rest);
    let options = if options.is_empty() { String::new() } else { format!("?{options}") };
    format!("{scheme}://{host}/{name}{options}")
}

#[test]
fn the_shop_of_a_real_server_is_migrated_like_that_of_a_file() {
    let Some(database) = ServerDatabase::create() else { return };
    on_server::the_shop_is_that_of_the_file(&database.url, 20_000);
}

#[test]
fn the_shop_replaces_itself_on_a_real_server_only_when_told_to() {
    let Some(database) = ServerDatabase::create() else { return };
    on_server::the_shop_replaces_itself_only_when_told_to(&database.url);
}

#[test]
fn rows_of_a_real_server_are_held_still_in_both_ways() {
    let Some(database) = ServerDatabase::create() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = on_server::generate_into(folder.path(), &database.url, &["--rows", "2000"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    on_server::rows_are_held_by(&database.url, "snapshot-isolation", false);
    // Not every edition and login may make one.
    on_server::rows_are_held_by(&database.url, "database-snapshot", true);
}

#[test]
fn the_address_of_another_database_keeps_host_and_options() {
    let check = |server: &str, expected: &str| assert_eq!(in_database(server, "d"), expected);
    check("mssql://sa:x@localhost:1433", "mssql://sa:x@localhost:1433/d");
    check(
        "mssql://sa:x@h/master?trust_server_certificate=true",
        "mssql://sa:x@h/d?trust_server_certificate=true",
    );
}

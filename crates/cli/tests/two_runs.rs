//! Several runs and one database: nothing is doubled, taken over in silence, or called migrated when
//! it is not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{TestDatabase, connect, database, mssql2pg, read_json, told};

/// A folder with a shop of its own.
fn shop(rows: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = GenerateOptions {
        rows,
        seed: 11,
        defects: false,
        part_bytes: 64 * 1024,
        ..GenerateOptions::default()
    };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    folder
}

fn migrate(folder: &Path, target: &TestDatabase, run: &str, flags: &[&str]) -> Command {
    let mut command = mssql2pg(folder);
    command.args(["migrate", "shop.bacpac", "--run", run]).args(flags).env("TARGET_URL", &target.url);
    command
}

fn count(target: &TestDatabase, sql: &str) -> i64 {
    connect(&target.url).query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn two_migrations_at_once_do_not_double_a_row() {
    let (folder, target) = (shop(20_000), database());
    let start = |run: &str| {
        migrate(folder.path(), &target, run, &[])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start("a.run"), start("b.run")].map(|child| child.wait_with_output().unwrap());
    let codes: Vec<_> = both.iter().map(|output| output.status.code().unwrap()).collect();
    assert!(codes.contains(&0) && codes.contains(&2), "{} {}", told(&both[0]), told(&both[1]));
    let planned = read_json(&folder.path().join("shop.bacpac.planted.json"));
    let orders = planned["rows"]["dbo.Orders"].as_i64().unwrap();
    assert_eq!(count(&target, "select count(*) from public.orders"), orders);
}

#[test]
fn a_run_whose_tables_another_has_replaced_does_not_go_on() {
    let (folder, target) = (shop(30_000), database());
    // The first run is stopped on its way.
    let mut child = migrate(folder.path(), &target, "a.run", &["--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut client = connect(&target.url);
    let marks = |client: &mut postgres::Client| -> i64 {
        let there: bool =
            client.query_one("select to_regclass('mssql2pg.split') is not null", &[]).unwrap().get(0);
        if there { client.query_one("select count(*) from mssql2pg.split", &[]).unwrap().get(0) } else { 0 }
    };
    while marks(&mut client) < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it was too fast");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let second = migrate(folder.path(), &target, "b.run", &["--if-exists", "replace"]).output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", told(&second));
    let rows = count(&target, "select count(*) from public.orderlines");
    let first = migrate(folder.path(), &target, "a.run", &["--jobs", "1"]).output().unwrap();
    assert_eq!(first.status.code(), Some(2), "{}", told(&first));
    assert!(told(&first).contains("another run"), "{}", told(&first));
    assert_eq!(count(&target, "select count(*) from public.orderlines"), rows);
    let status =
        mssql2pg(folder.path()).args(["status", "b.run"]).env("TARGET_URL", &target.url).output().unwrap();
    assert!(told(&status).contains("contents proven equal"), "{}", told(&status));
    let status =
        mssql2pg(folder.path()).args(["status", "a.run"]).env("TARGET_URL", &target.url).output().unwrap();
    assert_eq!(status.status.code(), Some(2), "{}", told(&status));
    assert!(told(&status).contains("another run"), "{}", told(&status));
}

#[test]
fn a_validation_of_another_state_of_the_target_counts_for_nothing() {
    let (folder, target) = (shop(2_000), database());
    let output = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    // As if somebody had made the database anew.
    connect(&target.url)
        .batch_execute("drop schema mssql2pg, hr, sales, public cascade; create schema public")
        .unwrap();
    for command in ["status", "report", "validate"] {
        let proof = || std::fs::read(folder.path().join("a.run/reports/report.md")).unwrap();
        let before = proof();
        let output =
            mssql2pg(folder.path()).args([command, "a.run"]).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains("ledger is gone"), "{}", told(&output));
        assert!(before == proof(), "the proof is not written over");
    }
    let again = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    assert!(count(&target, "select count(*) from public.orders") > 0);
}

#[test]
fn a_sequence_that_is_there_is_named_and_never_set_back() {
    let (folder, target) = (shop(2_000), database());
    let mut client = connect(&target.url);
    client
        .batch_execute("create schema sales; create sequence sales.invoicenumbers; select setval('sales.invoicenumbers', 900000)")
        .unwrap();
    let refused = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("sales.invoicenumbers"), "{}", told(&refused));
    let truncate =
        |run: &str| migrate(folder.path(), &target, run, &["--if-exists", "truncate"]).output().unwrap();
    let other_step = truncate("b.run");
    assert_eq!(other_step.status.code(), Some(3), "{}", told(&other_step));
    client.batch_execute("alter sequence sales.invoicenumbers increment by 10").unwrap();
    let kept = truncate("c.run");
    assert_eq!(kept.status.code(), Some(0), "{}", told(&kept));
    assert_eq!(count(&target, "select nextval('sales.invoicenumbers')"), 900_010);
}

#[test]
fn a_foreign_key_of_the_targets_own_survives_an_abandoned_run() {
    let (folder, target) = (shop(20_000), database());
    let first = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    let mut client = connect(&target.url);
    client
        .batch_execute("alter table public.orders add constraint my_own_fk foreign key (customerid) references public.customers (customerid)")
        .unwrap();
    // One that the team has named otherwise: it does what the planned one would.
    client
        .batch_execute("alter table public.orderlines rename constraint fk_orderlines_orders to ours")
        .unwrap();
    let own = "select count(*) from pg_constraint where conname = 'my_own_fk' and convalidated";
    assert_eq!(count(&target, own), 1);
    // The second run is stopped when it has set the foreign key aside, and never goes on.
    let mut child = migrate(folder.path(), &target, "b.run", &["--if-exists", "truncate", "--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while count(&target, own) == 1 {
        assert!(child.try_wait().unwrap().is_none(), "it was too fast");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let third = migrate(folder.path(), &target, "c.run", &["--if-exists", "truncate"]).output().unwrap();
    assert_eq!(third.status.code(), Some(0), "{}", told(&third));
    assert_eq!(count(&target, own), 1);
    let of_lines = "select count(*) from pg_constraint where conname in ('ours', 'fk_orderlines_orders') and convalidated";
    assert_eq!(count(&target, of_lines), 1);
    let failed = "select count(*) from mssql2pg.step where outcome = 'failed'";
    assert_eq!(count(&target, failed), 0);
}

#[test]
fn a_trigger_that_would_fire_stops_a_load_into_a_kept_table() {
    let (folder, target) = (shop(2_000), database());
    let first = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    connect(&target.url)
        .batch_execute(
            "create function noisy() returns trigger language plpgsql as 'begin return null; end'; \
             create trigger noisy before insert on orders for each row execute function noisy()",
        )
        .unwrap();
    let rows = count(&target, "select count(*) from public.orders");
    let refused = migrate(folder.path(), &target, "b.run", &["--if-exists", "truncate"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    assert!(told(&refused).contains("noisy"), "{}", told(&refused));
    assert_eq!(count(&target, "select count(*) from public.orders"), rows);
}

#[test]
fn a_pattern_that_matches_no_table_is_no_migration_of_nothing() {
    let (folder, target) = (shop(2_000), database());
    let output = migrate(folder.path(), &target, "a.run", &["--include", "dbo.Ordres"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("dbo.Orders"), "{}", told(&output));
}

#[test]
fn an_ordinary_user_is_enough_where_the_schemas_are_there() {
    let (folder, target) = (shop(2_000), database());
    let role = format!("joe_{}", std::process::id());
    connect(&target.url)
        .batch_execute(&format!(
            "create role {role} login password 'secret'; grant create on schema public to {role}; \
             create schema hr authorization {role}; create schema sales authorization {role}; \
             create schema mssql2pg authorization {role}"
        ))
        .unwrap();
    let (head, rest) = target.url.split_once("://").unwrap();
    let place = rest.split_once('@').unwrap().1;
    let output = mssql2pg(folder.path())
        .args(["migrate", "shop.bacpac"])
        .env("TARGET_URL", format!("{head}://{role}@{place}"))
        .env("PGPASSWORD", "secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let owned =
        format!("select count(*) from pg_tables where tableowner = '{role}' and schemaname <> 'mssql2pg'");
    assert_eq!(count(&target, &owned), 18);
}

#[test]
fn a_table_without_its_indexes_and_sequences_is_not_migrated() {
    let (folder, target) = (shop(2_000), database());
    let output = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    // As if the run had been killed in the phase finish.
    connect(&target.url)
        .batch_execute("delete from mssql2pg.step where step in ('finish', 'index public.ix_name'); drop index public.ix_name")
        .unwrap();
    let validate = || {
        mssql2pg(folder.path()).args(["validate", "a.run"]).env("TARGET_URL", &target.url).output().unwrap()
    };
    let output = validate();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("the index ix_name over"), "{}", told(&output));
    let output = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(
        count(
            &target,
            "select count(*) from pg_indexes where indexname = 'ix_name' and schemaname = 'public'"
        ),
        1
    );
    assert_eq!(validate().status.code(), Some(0));
}

#[test]
fn a_statement_that_failed_is_tried_again_when_its_reason_is_gone() {
    let (folder, target) = (shop(2_000), database());
    let mut client = connect(&target.url);
    // Another table's index has taken the name.
    client.batch_execute("create table mine (a int); create index ix_name on mine (a)").unwrap();
    let output = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let findings = || std::fs::read_to_string(folder.path().join("a.run/findings.json")).unwrap();
    assert!(findings().contains("index-not-created"), "{}", findings());
    client.batch_execute("drop table mine").unwrap();
    let output = migrate(folder.path(), &target, "a.run", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(!findings().contains("index-not-created"), "{}", findings());
    assert_eq!(
        count(
            &target,
            "select count(*) from pg_indexes where indexname = 'ix_name' and schemaname = 'public'"
        ),
        1
    );
}

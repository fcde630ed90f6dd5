//! `validate` as a user sees it: rows that differ, values only on demand, and the limit of losses.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use std::process::Output;
use support::{TestDatabase, connect, database, mssql2pg, read_json, told};

/// A folder with a shop that is migrated.
fn migrated() -> (tempfile::TempDir, TestDatabase) {
    migrated_with(&[])
}

fn migrated_with(flags: &[&str]) -> (tempfile::TempDir, TestDatabase) {
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let options = GenerateOptions { rows: 2_000, seed: 11, defects: false, ..GenerateOptions::default() };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    let output = mssql2pg(folder.path())
        .args(["migrate", "shop.bacpac", "--run", "shop.run"])
        .args(flags)
        .env("TARGET_URL", &target.url)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    (folder, target)
}

fn validate(folder: &tempfile::TempDir, target: &TestDatabase, flags: &[&str]) -> Output {
    mssql2pg(folder.path())
        .args(["validate", "shop.run"])
        .args(flags)
        .env("TARGET_URL", &target.url)
        .output()
        .unwrap()
}

#[test]
fn rows_that_differ_are_told_by_key_and_column_and_their_values_only_on_demand() {
    let (folder, target) = migrated();
    connect(&target.url)
        .batch_execute("update public.customers set firstname = 'hunter2' where customerid = 7")
        .unwrap();
    let output = validate(&folder, &target, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("dbo.Customers: 1 row differs"), "{}", told(&output));
    assert!(told(&output).contains("changed CustomerID=7: FirstName"), "{}", told(&output));
    let written = || std::fs::read_to_string(folder.path().join("shop.run/validation.json")).unwrap();
    assert!(!told(&output).contains("hunter2") && !written().contains("hunter2"));
    let report = read_json(&folder.path().join("shop.run/reports/report.json"));
    let table = report["tables"].as_array().unwrap().iter().find(|table| table["source"] == "dbo.Customers");
    assert_eq!(table.unwrap()["differences"]["rows"][0]["columns"][0], "FirstName");
    assert!(table.unwrap()["measures"]["different"].as_u64().unwrap() > 0);

    let output = validate(&folder, &target, &["--show-values"]);
    assert!(told(&output).contains("→ hunter2") && written().contains("hunter2"), "{}", told(&output));
    connect(&target.url).batch_execute("update public.customers set lastname = lastname || '!'").unwrap();
    let output = validate(&folder, &target, &["--list-rows", "3"]);
    let validation = read_json(&folder.path().join("shop.run/validation.json"));
    let tables = validation["tables"].as_array().unwrap();
    let customers = tables.iter().find(|table| table["source"] == "dbo.Customers").unwrap();
    let all: i64 =
        connect(&target.url).query_one("select count(*) from public.customers", &[]).unwrap().get(0);
    assert_eq!(customers["differences"]["total"].as_i64(), Some(all), "{}", told(&output));
    assert_eq!(customers["differences"]["rows"].as_array().unwrap().len(), 3);
}

#[test]
fn a_run_that_names_no_keys_never_does() {
    let (folder, target) = migrated_with(&["--no-samples"]);
    let change = "update public.payments set amount = amount + 1 where paymentid = 3";
    connect(&target.url).batch_execute(change).unwrap();
    // Without the flag: it is the run that holds private data.
    let output = validate(&folder, &target, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(!told(&output).contains("PaymentID=3"), "{}", told(&output));
    let report = read_json(&folder.path().join("shop.run/reports/report.json"));
    let tables = report["tables"].as_array().unwrap();
    let payments = tables.iter().find(|table| table["source"] == "dbo.Payments").unwrap();
    assert_eq!(payments["differences"]["total"], 1);
    assert_eq!(payments["differences"]["rows"].as_array().unwrap().len(), 0);
    let asked = validate(&folder, &target, &["--show-values"]);
    assert_eq!(asked.status.code(), Some(3), "{}", told(&asked));
    names_nothing(&folder);
}

/// No report of the run names a row or shows a value.
fn names_nothing(folder: &tempfile::TempDir) {
    let report = read_json(&folder.path().join("shop.run/reports/report.json"));
    let tables = report["tables"].as_array().unwrap();
    let of_tables = |what: &'static str| tables.iter().flat_map(move |table| table[what].as_array().unwrap());
    assert!(of_tables("losses").count() > 0);
    assert!(of_tables("losses").all(|loss| loss["samples"].as_array().unwrap().is_empty()));
    assert!(of_tables("columns").all(|column| column["minimum"].is_null() && column["maximum"].is_null()));
    for finding in report["findings"].as_array().unwrap().iter().filter(|one| one["code"] != "hand-work") {
        assert!(finding["samples"].as_array().is_none_or(Vec::is_empty), "{finding}");
    }
}

#[test]
fn reports_of_one_command_name_no_keys_if_it_is_told_so() {
    let (folder, target) = migrated();
    let report = || std::fs::read_to_string(folder.path().join("shop.run/reports/report.json")).unwrap();
    assert!(report().contains("ReviewID="), "a loss has sample keys");
    let output = validate(&folder, &target, &["--no-samples"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    names_nothing(&folder);
    validate(&folder, &target, &[]);
    assert!(report().contains("ReviewID="));
}

#[test]
fn that_no_keys_are_named_is_kept_whatever_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let options = GenerateOptions { rows: 2_000, seed: 11, defects: true, ..GenerateOptions::default() };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    let run = |arguments: &[&str]| {
        let output = mssql2pg(folder.path()).args(arguments).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
        told(&output)
    };
    assert!(run(&["audit", "shop.bacpac", "--run", "open.run"]).contains("CustomerID="));
    // Other settings begin the run's audit anew.
    run(&["audit", "shop.bacpac", "--run", "a.run", "--no-samples"]);
    let again = run(&["audit", "shop.bacpac", "--run", "a.run", "--exclude", "dbo.ImportQueue"]);
    assert!(again.contains("invalid-email") && !again.contains("CustomerID="), "{again}");
    run(&["plan", "shop.bacpac", "--run", "b.run", "--no-samples"]);
    let planned = run(&["audit", "shop.bacpac", "--run", "b.run"]);
    assert!(planned.contains("invalid-email") && !planned.contains("CustomerID="), "{planned}");
}

#[test]
fn an_audit_after_a_migration_knows_the_findings_of_its_plan() {
    let (folder, _target) = migrated();
    let arguments = ["audit", "shop.bacpac", "--run", "later.run", "--baseline", "shop.run"];
    let output = mssql2pg(folder.path()).args(arguments).output().unwrap();
    assert!(told(&output).contains("Nothing new since the earlier audit"), "{}", told(&output));
}

#[test]
fn a_value_cannot_pass_for_another_line_of_the_output() {
    let (folder, target) = migrated();
    let change = "update public.customers set firstname = E'x\n::error::hi\x1b[2J' where customerid = 7";
    connect(&target.url).batch_execute(change).unwrap();
    let output = validate(&folder, &target, &["--show-values"]);
    assert!(told(&output).contains("→ x\\n::error::hi\\u{1b}[2J"), "{}", told(&output));
}

#[test]
fn an_audit_that_names_no_keys_begins_a_run_that_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let target = database();
    let options = GenerateOptions { rows: 2_000, seed: 11, defects: true, ..GenerateOptions::default() };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = mssql2pg(folder.path());
        command.args(arguments).env("TARGET_URL", &target.url).output().unwrap()
    };
    let audited = run(&["audit", "shop.bacpac", "--no-samples", "--json"]);
    // Events come before it.
    let values = serde_json::Deserializer::from_slice(&audited.stdout).into_iter::<serde_json::Value>();
    let result = values.last().unwrap().unwrap();
    for table in result["baseline"]["tables"].as_array().unwrap() {
        assert!(table["measures"].is_null(), "sums and ends are values");
    }
    run(&["migrate", "shop.bacpac"]);
    let findings = read_json(&folder.path().join("shop.run/findings.json"));
    let all = findings.as_object().unwrap().values().flat_map(|phase| phase.as_array().unwrap());
    let is_of_rows = |finding: &&serde_json::Value| {
        finding["count"].as_u64().unwrap_or(0) > 0 && finding["code"] != "hand-work"
    };
    let of_rows: Vec<_> = all.filter(is_of_rows).collect();
    assert!(of_rows.len() > 5);
    for finding in of_rows {
        assert!(finding["samples"].as_array().is_none_or(Vec::is_empty), "{finding}");
    }
}

#[test]
fn a_default_that_was_left_to_hand_work_may_be_written_by_hand() {
    let (folder, target) = migrated();
    let refused = r#"[{"table": "public.orders", "column": "status", "object": "dbo.Orders.Status",
        "generated": false, "reason": "made up"}]"#;
    std::fs::write(folder.path().join("shop.run/refused.json"), refused).unwrap();
    let output = validate(&folder, &target, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report = std::fs::read_to_string(folder.path().join("shop.run/reports/report.json")).unwrap();
    assert!(report.contains("1 more written by hand"));
}

#[test]
fn an_identity_and_a_sequence_may_be_ahead_by_restart() {
    let (folder, target) = migrated();
    let restart = |number: u32| {
        let sql = format!(
            "alter table public.orders alter column orderid restart with {number};
             alter sequence sales.invoicenumbers restart with {number}"
        );
        connect(&target.url).batch_execute(&sql).unwrap();
        validate(&folder, &target, &[])
    };
    let ahead = restart(100_000_000);
    assert_eq!(ahead.status.code(), Some(0), "{}", told(&ahead));
    let behind = restart(10_002);
    assert_eq!(behind.status.code(), Some(1), "{}", told(&behind));
    assert!(told(&behind).contains("is given out already"), "{}", told(&behind));
}

#[test]
fn a_table_that_was_partitioned_afterwards_is_read_all_the_same() {
    let (folder, target) = migrated();
    connect(&target.url)
        .batch_execute(
            "alter table public.payments rename to payments_whole;
             create table public.payments (like public.payments_whole including defaults including generated)
                 partition by hash (paymentid);
             create table public.payments_0 partition of public.payments for values with (modulus 2, remainder 0);
             create table public.payments_1 partition of public.payments for values with (modulus 2, remainder 1);
             insert into public.payments select * from public.payments_whole",
        )
        .unwrap();
    let output = validate(&folder, &target, &[]);
    let report = read_json(&folder.path().join("shop.run/reports/report.json"));
    let tables = report["tables"].as_array().unwrap();
    let payments = tables.iter().find(|table| table["source"] == "dbo.Payments").unwrap();
    for check in payments["checks"].as_array().unwrap() {
        let of_rows =
            ["contents", "row-counts", "second-witness"].contains(&check["check"].as_str().unwrap());
        assert!(!of_rows || check["passed"] == true, "{check}: {}", told(&output));
    }
}

#[test]
fn more_losses_than_are_allowed_fail_a_table_and_without_a_limit_those_that_are_declared_pass() {
    let (folder, target) = migrated();
    let allowed = validate(&folder, &target, &[]);
    assert_eq!(allowed.status.code(), Some(0), "{}", told(&allowed));
    let output = validate(&folder, &target, &["--max-losses", "0"]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("altered, 0 allowed"), "{}", told(&output));
    assert!(told(&output).contains("ClientTime: the offset was dropped"), "{}", told(&output));
    // The limit is this command's, not the run's.
    assert_eq!(validate(&folder, &target, &[]).status.code(), Some(0));
}

#[test]
fn what_was_altered_around_the_rows_is_told_too() {
    let (folder, target) = migrated();
    let plan = read_json(&folder.path().join("shop.run/plan.json"));
    let indexes = plan["tables"].as_array().unwrap().iter().find(|table| table["name"] == "orders").unwrap();
    let index = indexes["indexes"].as_array().unwrap().iter().find(|index| index["unique"] == false).unwrap();
    let index = index["name"].as_str().unwrap();
    let altered = |sql: &str, told_of: &str| {
        let mut client = connect(&target.url);
        client.batch_execute(sql).unwrap();
        let output = validate(&folder, &target, &[]);
        assert_eq!(output.status.code(), Some(1), "{sql}: {}", told(&output));
        let report = std::fs::read_to_string(folder.path().join("shop.run/reports/report.json")).unwrap();
        assert!(report.contains(told_of), "{sql}: {}", told(&output));
    };
    altered(
        "alter table public.orders alter column status set default 7",
        "the column status has another default",
    );
    altered(
        "alter table public.orders alter column status drop default",
        "the column status has lost its default",
    );
    connect(&target.url)
        .batch_execute("alter table public.orders alter column status set default 1")
        .unwrap();
    assert_eq!(validate(&folder, &target, &[]).status.code(), Some(0));
    altered(&format!("drop index public.{index}"), &format!("the index {index} over"));
    altered("alter sequence sales.invoicenumbers restart with 1", "sequence-behind");
}

#[test]
fn what_computes_and_restricts_the_rows_is_compared_by_what_it_says() {
    let (folder, target) = migrated();
    let told_after = |sql: &str| {
        connect(&target.url).batch_execute(sql).unwrap();
        let output = validate(&folder, &target, &[]);
        let report = read_json(&folder.path().join("shop.run/reports/report.json"));
        let checks =
            report["tables"].as_array().unwrap().iter().flat_map(|table| table["checks"].as_array().unwrap());
        let failed: Vec<String> = checks
            .filter(|check| check["passed"] == false)
            .map(|check| check["detail"].to_string())
            .collect();
        (output.status.code(), failed.join("; "))
    };
    // Another name says the same.
    let renamed = told_after("alter table public.orders rename constraint ck_orders_status to other");
    assert_eq!(renamed, (Some(0), String::new()));
    for (sql, words) in [
        ("alter table public.orders drop constraint other", "the check ck_orders_status is missing"),
        (
            "alter table public.orders drop column totaldue;
             alter table public.orders add column totaldue numeric(19,4) generated always as (subtotal - tax) stored",
            "the column totaldue is computed otherwise",
        ),
        (
            "drop index public.ix_orders_open;
             create index ix_orders_open on public.orders (orderdate desc) where status < 1",
            "the index ix_orders_open has another condition",
        ),
        (
            "alter table public.orderlines drop constraint fk_orderlines_orders;
             alter table public.orderlines add constraint fk_orderlines_orders
                 foreign key (orderid) references public.orders (orderid)",
            "does something else on delete or update",
        ),
    ] {
        let (code, told) = told_after(sql);
        assert!(code == Some(1) && told.contains(words), "{sql}: {told}");
    }
}

#[test]
fn a_table_that_cannot_be_compared_is_told_and_the_others_are_compared() {
    let (folder, target) = migrated();
    connect(&target.url)
        .batch_execute(
            "drop table public.documents;
             alter table public.auditlog alter column auditid drop identity;
             alter table public.customers drop column lastname cascade",
        )
        .unwrap();
    let output = validate(&folder, &target, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let report = read_json(&folder.path().join("shop.run/reports/report.json"));
    let of = |status: &str| {
        let tables = report["tables"].as_array().unwrap().iter();
        let named =
            tables.filter(|table| table["status"] == status).map(|table| table["source"].as_str().unwrap());
        let mut named: Vec<&str> = named.collect();
        named.sort_unstable();
        named
    };
    assert_eq!(of("failed"), ["dbo.AuditLog", "dbo.Customers", "dbo.Documents"]);
    assert_eq!(of("validated").len(), 15);
    assert!(told(&output).contains("does not exist"), "{}", told(&output));
}

#[test]
fn a_run_whose_ledger_is_gone_is_not_told_to_drop_its_tables() {
    let (folder, target) = migrated();
    connect(&target.url).batch_execute("drop schema mssql2pg cascade").unwrap();
    let mut migrate = mssql2pg(folder.path());
    migrate.args(["migrate", "shop.bacpac", "--run", "shop.run"]).env("TARGET_URL", &target.url);
    let output = migrate.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("its ledger is gone"), "{}", told(&output));
    assert!(!told(&output).contains("truncate"), "{}", told(&output));
    assert!(folder.path().join("shop.run/validation.json").exists());
}

#[test]
fn the_target_of_a_run_is_named_and_a_run_without_one_has_nothing_to_compare() {
    let (folder, _target) = migrated();
    let run = |arguments: &[&str]| mssql2pg(folder.path()).args(arguments).output().unwrap();
    // Which target is told; how to reach it, with which TLS, only the user knows.
    let output = run(&["validate", "shop.run"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("went to postgresql://"), "{}", told(&output));
    run(&["audit", "shop.bacpac", "--run", "audit.run"]);
    let nothing = run(&["validate", "audit.run"]);
    assert_eq!(nothing.status.code(), Some(3), "{}", told(&nothing));
    assert!(!folder.path().join("audit.run/postgres").exists());
}

#[test]
fn a_run_is_compared_with_another() {
    let (folder, target) = migrated();
    std::fs::copy(folder.path().join("shop.run/reports/report.json"), folder.path().join("before.json"))
        .unwrap();
    connect(&target.url).batch_execute("delete from public.payments where paymentid = 3").unwrap();
    validate(&folder, &target, &[]);
    let report = |other: &str| {
        mssql2pg(folder.path())
            .args(["report", "shop.run", "--compare", other])
            .env("TARGET_URL", &target.url)
            .output()
            .unwrap()
    };
    let output = report("before.json");
    assert!(told(&output).contains("| dbo.Payments | failed"), "{}", told(&output));
    assert!(told(&output).contains("17 as in the other run."), "{}", told(&output));
    for file in ["compare.md", "compare.html"] {
        let text = std::fs::read_to_string(folder.path().join("shop.run/reports").join(file)).unwrap();
        assert!(text.contains("17 as in the other run."), "{file}");
    }
    let missing = report("nowhere");
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
}

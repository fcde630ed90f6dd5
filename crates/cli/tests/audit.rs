//! The audit: every planted defect is found with its exact count and keys, and nothing else is called one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]
#![allow(clippy::expect_used, missing_docs, unreachable_pub, reason = "test support")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use support::{mssql2pg, read_json, told};

const CRITICAL: &str = "[audit]\ncritical = [\"dbo.Customers.Email\", \"dbo.Products.ProductNumber\", \"dbo.Orders.CustomerID\"]\n";

fn shop(folder: &Path, rows: u64, seed: u64, defects: bool) -> Json {
    let options = GenerateOptions { rows, seed, defects, ..GenerateOptions::default() };
    let planted = write_shop(&folder.join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    serde_json::to_value(planted).unwrap()
}

fn audit(folder: &Path, flags: &[&str]) -> Output {
    mssql2pg(folder).args(["audit", "shop.bacpac"]).args(flags).output().unwrap()
}

fn findings(folder: &Path) -> Vec<Json> {
    read_json(&folder.join("shop.run/findings.json"))["audit"].as_array().unwrap().clone()
}

/// Code and object → count and keys.
type Defects = BTreeMap<(String, String), (u64, Vec<String>)>;

fn planted_defects(planted: &Json) -> Defects {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let defects = planted["defects"].as_array().unwrap().iter().map(|defect| {
        let of = defect["constraint"].as_str().or_else(|| defect["columns"][0].as_str()).unwrap();
        let keys = defect["keys"].as_array().unwrap().iter().map(text).collect();
        let object = format!("{}.{of}", text(&defect["table"]));
        ((text(&defect["code"]), object), (defect["count"].as_u64().unwrap(), keys))
    });
    defects.collect()
}

fn found_defects(findings: &[Json], planted: &Defects) -> Defects {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let is_planted = |code: &str| planted.keys().any(|(known, _)| known == code);
    let found = findings.iter().filter(|finding| is_planted(finding["code"].as_str().unwrap()));
    let found = found.map(|finding| {
        let samples = finding["samples"].as_array().unwrap().iter().map(text).collect();
        ((text(&finding["code"]), text(&finding["object"])), (finding["count"].as_u64().unwrap(), samples))
    });
    found.collect()
}

#[test]
fn every_planted_defect_is_found_with_its_count_and_keys_and_nothing_else_is_called_one() {
    for seed in 1..=5 {
        for rows in [3_000, 12_000, 60_000] {
            let folder = tempfile::tempdir().unwrap();
            let planted = planted_defects(&shop(folder.path(), rows, seed, true));
            fs::write(folder.path().join("mssql2pg.toml"), CRITICAL).unwrap();
            // The least memory, so that keys go to disk, too.
            let memory = if seed == 5 { "0" } else { "256" };
            let output = audit(folder.path(), &["--audit-memory", memory]);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
            let found = found_defects(&findings(folder.path()), &planted);
            assert_eq!(found, planted, "seed {seed}, {rows} rows");
        }
    }
}

#[test]
fn a_clean_database_has_no_defect() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), 12_000, 3, false);
    fs::write(folder.path().join("mssql2pg.toml"), CRITICAL).unwrap();
    let output = audit(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    // What planning finds of names and types is another matter.
    let severe = findings(folder.path()).into_iter().filter(|finding| finding["severity"] != "info");
    assert_eq!(severe.collect::<Vec<Json>>(), Vec::<Json>::new());
}

#[test]
fn a_second_audit_tells_what_is_new_and_only_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), 6_000, 1, true);
    let first = audit(folder.path(), &["--fail-on", "warning"]);
    assert_eq!(first.status.code(), Some(1), "{}", told(&first));
    fs::rename(folder.path().join("shop.run"), folder.path().join("old.run")).unwrap();
    let same = audit(folder.path(), &["--fail-on", "warning", "--baseline", "old.run"]);
    assert_eq!(same.status.code(), Some(0), "{}", told(&same));
    assert!(told(&same).contains("Nothing new since the earlier audit"), "{}", told(&same));
    // A rule is new, and so is what it finds.
    let rule = "[[audit.rule]]\nname = \"no-small-orders\"\ntable = \"dbo.Orders\"\ncolumn = \"SubTotal\"\nmin = 50\n";
    fs::write(folder.path().join("mssql2pg.toml"), rule).unwrap();
    let flags = ["--fail-on", "warning", "--baseline", "old.run/findings.json", "--junit", "junit.xml"];
    let new = audit(folder.path(), &flags);
    assert_eq!(new.status.code(), Some(1), "{}", told(&new));
    assert!(told(&new).contains("no-small-orders dbo.Orders.SubTotal"), "{}", told(&new));
    assert!(!told(&new).contains("invalid-email dbo"), "{}", told(&new));
    let junit = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("no-small-orders dbo.Orders.SubTotal"), "{junit}");
    let missing = audit(folder.path(), &["--baseline", "nowhere.run"]);
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
    assert!(told(&missing).contains("nowhere.run"), "{}", told(&missing));
}

#[test]
fn a_sample_says_that_it_is_one_and_a_migration_counts_all() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), 6_000, 1, false);
    let output = audit(folder.path(), &["--sample", "100"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let sampled = findings(folder.path()).into_iter().filter(|finding| finding["code"] == "sampled").count();
    assert!(sampled > 5, "{sampled}");
    let tables =
        || read_json(&folder.path().join("shop.run/baseline.json"))["tables"].as_array().unwrap().clone();
    assert!(tables().iter().all(|table| table["rows"].as_u64().unwrap() <= 100));
    let output = audit(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(tables().iter().all(|table| table["sampled"].is_null()));
    assert!(tables().iter().any(|table| table["rows"].as_u64().unwrap() > 500));
}

#[test]
fn private_data_gives_neither_keys_nor_values() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), 6_000, 1, true);
    let output = audit(folder.path(), &["--no-samples"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
    for finding in findings(folder.path()) {
        let names = finding["code"] == "hand-work";
        assert!(names || finding["samples"].as_array().unwrap().is_empty(), "{finding}");
    }
    let baseline = read_json(&folder.path().join("shop.run/baseline.json"));
    for column in
        baseline["tables"].as_array().unwrap().iter().flat_map(|table| table["columns"].as_array().unwrap())
    {
        assert!(column["minimum"].is_null() && column["maximum"].is_null(), "{column}");
    }
}

#[test]
fn a_rule_that_means_nothing_is_an_error_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), 3_000, 1, false);
    for (rule, wanted) in [
        ("name = \"x\"\nregex = \"(\"", "regex"),
        ("name = \"x\"", "says nothing"),
        ("name = \"x\"\ncondition = \"Total > 0\"", "live source"),
        ("name = \"x\"\ntypo = 1", "audit.rule"),
    ] {
        fs::write(folder.path().join("mssql2pg.toml"), format!("[[audit.rule]]\n{rule}\n")).unwrap();
        let output = audit(folder.path(), &[]);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{}", told(&output));
        assert!(told(&output).contains(wanted), "{wanted}: {}", told(&output));
    }
}

//! The demo: one command, no server, every planted defect accounted for.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use std::collections::BTreeMap;
use support::{mssql2pg, read_json, told};

#[test]
fn the_demo_ends_validated_and_counts_what_was_planted() {
    let folder = tempfile::tempdir_in(demo_home()).unwrap();
    let output = mssql2pg(folder.path()).args(["demo", "--rows", "20000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let demo = folder.path().join("mssql2pg-demo");
    let planted = read_json(&demo.join("shop.bacpac.planted.json"));
    let run = demo.join("shop.run");
    let baseline = read_json(&run.join("baseline.json"));

    let mut rows = BTreeMap::new();
    let mut nulls = BTreeMap::new();
    for table in baseline["tables"].as_array().unwrap() {
        let name = table["table"].as_str().unwrap();
        rows.insert(name.to_owned(), table["rows"].as_u64().unwrap());
        for column in table["columns"].as_array().unwrap() {
            let key = format!("{name}.{}", column["column"].as_str().unwrap());
            nulls.insert(key, column["nulls"].as_u64().unwrap());
        }
    }
    let planted_rows: BTreeMap<String, u64> = serde_json::from_value(planted["rows"].clone()).unwrap();
    assert_eq!(rows, planted_rows);
    let planted_nulls: BTreeMap<String, u64> = serde_json::from_value(planted["nulls"].clone()).unwrap();
    for (column, count) in &planted_nulls {
        assert_eq!(nulls.get(column), Some(count), "{column}");
    }
    nulls.retain(|column, _| !planted_nulls.contains_key(column));
    assert!(nulls.values().all(|count| *count == 0), "{nulls:?}");

    let report = read_json(&run.join("reports/report.json"));
    assert_eq!(report["verdict"]["state"], "migrated");
    assert_eq!(found(&report), wanted(&planted), "every planted defect is found, and nothing else");
    // Again: it goes on where it stopped, and that is at the end.
    let again = mssql2pg(folder.path()).args(["demo", "--rows", "20000"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    assert!(told(&again).contains("loaded before, 0 now"), "{}", told(&again));
}

/// Somewhere that the server's own user can reach also when the tests run as root.
fn demo_home() -> std::path::PathBuf {
    std::env::temp_dir()
}

type Defects = BTreeMap<(String, String), u64>;

fn wanted(planted: &serde_json::Value) -> Defects {
    let mut defects = Defects::new();
    for defect in planted["defects"].as_array().unwrap() {
        let code = defect["code"].as_str().unwrap();
        let object = match defect["constraint"].as_str() {
            Some(constraint) => format!("{}.{constraint}", defect["table"].as_str().unwrap()),
            None => {
                format!("{}.{}", defect["table"].as_str().unwrap(), defect["columns"][0].as_str().unwrap())
            }
        };
        defects.insert((code.to_owned(), object), defect["count"].as_u64().unwrap());
    }
    defects
}

fn found(report: &serde_json::Value) -> Defects {
    let codes = [
        "null-in-critical-field",
        "invalid-email",
        "orphaned-foreign-key",
        "future-date",
        "nul-character",
        "lone-surrogate",
    ];
    let mut defects = Defects::new();
    for finding in report["findings"].as_array().unwrap() {
        let code = finding["code"].as_str().unwrap();
        if codes.contains(&code) {
            let object = finding["object"].as_str().unwrap().to_owned();
            defects.insert((code.to_owned(), object), finding["count"].as_u64().unwrap());
        }
    }
    for table in report["tables"].as_array().unwrap() {
        for loss in table["losses"].as_array().unwrap() {
            let column =
                format!("{}.{}", table["source"].as_str().unwrap(), loss["column"].as_str().unwrap());
            let kind = loss["kind"].as_str().unwrap();
            if kind == "fraction-cut" {
                defects.insert((kind.to_owned(), column), loss["count"].as_u64().unwrap());
            } else if kind == "nul-replaced" {
                // Each NUL that the audit found was replaced, and counted again.
                assert_eq!(
                    defects.get(&("nul-character".to_owned(), column)),
                    loss["count"].as_u64().as_ref()
                );
            }
        }
    }
    defects
}

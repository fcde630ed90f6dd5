//! The audit of a live source gives the same whether the server counts its tables itself or sends all their rows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]
#![allow(clippy::expect_used, missing_docs, unreachable_pub, reason = "test support")]

#[path = "live/served.rs"]
mod served;
mod support;

use mssql2pg_catalog::{
    CATALOG_FORMAT, Catalog, Column, DatabaseInfo, IndexColumn, Key, Length, ObjectName, RowSink, SqlType,
    Table, Value,
};
use mssql2pg_generate::{GenerateOptions, write_shop};
use mssql2pg_simulator::{Database, Options, Rows, Simulator};
use serde_json::Value as Json;
use served::serve;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use support::{mssql2pg, read_json, sample, told};

/// `audit` of a served database into a run folder of that name.
fn audit(folder: &Path, url: &str, run: &str, flags: &[&str]) -> Output {
    let mut command = mssql2pg(folder);
    let output = command.args(["audit", "--run", run]).args(flags).env("SOURCE_URL", url).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
    output
}

/// The findings of the audit, but those about how it was made.
fn findings(folder: &Path, run: &str) -> Vec<Json> {
    let all = read_json(&folder.join(run).join("findings.json"));
    let of_audit = all["audit"].as_array().cloned().unwrap_or_default();
    let mut findings: Vec<Json> =
        of_audit.into_iter().filter(|finding| finding["code"] != "audit-not-pushed-down").collect();
    // Only a pass numbers the rows of a table without a key.
    for samples in findings.iter_mut().filter_map(|finding| finding["samples"].as_array_mut()) {
        samples.retain(|sample| !sample.as_str().unwrap().starts_with("row "));
    }
    findings
}

/// The tables of the baseline. `moved` counts how many measures only a pass has, and takes them out of it.
///
/// How many values differ is an estimate of the pass alone, and text has no smallest value that both engines agree on.
fn tables(folder: &Path, run: &str) -> Vec<Json> {
    let mut tables = read_json(&folder.join(run).join("baseline.json"))["tables"].as_array().unwrap().clone();
    for table in &mut tables {
        let by_server = table.as_object_mut().unwrap().remove("by_server");
        assert!(by_server.is_none() || run != "passed.run");
        for column in table["columns"].as_array_mut().unwrap() {
            let column = column.as_object_mut().unwrap();
            column.remove("distinct");
            column.remove("minimum");
            column.remove("maximum");
        }
    }
    tables
}

/// Takes the measures out of the first that the second has not: a server need not compute all.
fn without_measures_of_its_own(passed: &mut [Json], pushed: &[Json]) {
    for (passed, pushed) in passed.iter_mut().zip(pushed) {
        // Of types without a length of their own only a pass sees bytes.
        let profiles = passed["columns"].as_array_mut().unwrap();
        for (passed, pushed) in profiles.iter_mut().zip(pushed["columns"].as_array().unwrap()) {
            if pushed.get("longest").is_none() {
                passed.as_object_mut().unwrap().remove("longest");
            }
        }
        let columns = passed["measures"]["columns"].as_array_mut().unwrap();
        for (passed, pushed) in columns.iter_mut().zip(pushed["measures"]["columns"].as_array().unwrap()) {
            let known = pushed["measures"].as_object().unwrap();
            let measures = passed["measures"].as_object_mut().unwrap();
            measures.retain(|name, _| known.contains_key(name));
            assert!(known.len() >= measures.len());
        }
    }
}

/// Audits both ways and compares; how many tables the server has counted.
fn agree(folder: &Path, url: &str) -> usize {
    audit(folder, url, "pushed.run", &[]);
    audit(folder, url, "passed.run", &["--no-pushdown"]);
    assert_eq!(findings(folder, "pushed.run"), findings(folder, "passed.run"));
    let (pushed, mut passed) = (tables(folder, "pushed.run"), tables(folder, "passed.run"));
    without_measures_of_its_own(&mut passed, &pushed);
    for (pushed, passed) in pushed.iter().zip(&passed) {
        let name = &pushed["table"];
        let columns = |table: &Json| table["columns"].as_array().unwrap().clone();
        for (pushed, passed) in columns(pushed).iter().zip(&columns(passed)) {
            assert_eq!(pushed, passed, "{name}");
        }
        assert_eq!(pushed, passed, "{name}");
    }
    assert_eq!(pushed.len(), passed.len());
    let whole = read_json(&folder.join("pushed.run/baseline.json"));
    whole["tables"].as_array().unwrap().iter().filter(|table| table["by_server"] == true).count()
}

#[test]
fn planted_defects_are_counted_by_the_server_as_by_a_pass_over_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.bacpac");
    let options = GenerateOptions { rows: 10_000, seed: 11, defects: true, ..GenerateOptions::default() };
    write_shop(&file, &options, &mut |_| {}).unwrap();
    let server = serve(&file, "Shop", |_| {});
    assert!(agree(folder.path(), &server.url("Shop")) > 10, "the server has not counted");
    let found = findings(folder.path(), "pushed.run");
    for code in ["invalid-email", "future-date", "nul-character", "lone-surrogate", "null-in-critical-field"]
    {
        assert!(found.iter().any(|finding| finding["code"] == code), "{code}: {found:?}");
    }
}

#[test]
fn a_real_database_is_counted_by_the_server_as_by_a_pass_over_its_rows() {
    for name in ["AdventureWorksLT-2025", "Northwind", "pubs"] {
        let Some(file) = sample(&format!("bacpac/{name}.bacpac")) else { return };
        let folder = tempfile::tempdir().unwrap();
        let server = serve(&file, name, |_| {});
        agree(folder.path(), &server.url(name));
    }
}

/// One row for each text, in a column of each type.
struct Odd;

const TEXTS: &[&[u16]] = &[
    &[],
    &[0x20],
    &[0],
    &[0x61, 0, 0x62],
    &[0xD83D, 0xDE00],
    &[0xD83D],
    &[0xDE00],
    &[0xD83D, 0xD83D, 0xDE00],
    &[0xD83D, 0xDE00, 0xDE00],
    &[0x61, 0xDBFF],
    &[0xDFFF, 0x61],
    &[0xFFFF],
];
const MAILS: &[&str] = &[
    "a@b.co",
    "first.last+tag@mail.example.com",
    "o'brien@x.org",
    "zoë@exämple.de",
    "a@b.co  ",
    " a@b.co",
    "",
    "a",
    "a@",
    "@b.co",
    "a@b",
    "a b@c.de",
    "a@@b.co",
    "a@b@c.de",
    "a@b..co",
    "a@-b.co",
    "a@b-.co",
    "a@b.-co",
    "a@b.co-",
    "a@b.co.",
    ".a@b.co",
    "a.@b.co",
    "a..b@c.de",
    "a@b.co, c@d.ef",
    "a@b_c.de",
    "a@b.c\u{1}",
    "\u{7f}@b.co",
    "a@b.[c]",
    "A@B.CO",
    "a@1.2",
    "%@b.co",
    "a@.b.co",
    "a@b.c d",
    "a\0@b.co",
];
/// Days since 0001-01-01.
const DAYS: &[i32] =
    &[639_905, 639_906, 693_595, 693_596, 738_000, 745_000, 3_651_693, 3_651_694, 3_652_057, 3_652_058];

impl Rows for Odd {
    fn read(&self, _table: &Table, rows: &mut dyn RowSink) {
        let most = TEXTS.len().max(MAILS.len()).max(DAYS.len());
        for place in 0..most {
            rows.value(Value::Int(i64::try_from(place).unwrap()));
            let text = |units: &[u16]| units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
            let wide = TEXTS.get(place).map(|units| text(units));
            let give = |rows: &mut dyn RowSink, bytes: &Option<Vec<u8>>| match bytes {
                Some(bytes) => rows.value(Value::Utf16(bytes)),
                None => rows.value(Value::Null),
            };
            give(rows, &wide);
            give(rows, &wide);
            let mail = MAILS.get(place).map(|mail| text(&mail.encode_utf16().collect::<Vec<u16>>()));
            give(rows, &mail);
            // In a code page what is not ASCII leaves it to the pass whether bytes are defined.
            give(
                rows,
                &mail.filter(|_| {
                    MAILS.get(place).is_some_and(|mail| mail.bytes().all(|byte| (1..0x80).contains(&byte)))
                }),
            );
            let ticks = u64::try_from(place % 2).unwrap() * 10_000_000;
            match DAYS.get(place) {
                Some(days) => {
                    rows.value(Value::Date(*days));
                    rows.value(Value::DateTime {
                        days: days - 693_595,
                        ticks: u32::try_from(place % 2).unwrap(),
                    });
                    rows.value(Value::DateTime2 { days: *days, ticks });
                    rows.value(Value::DateTimeOffset { days: *days, ticks, offset_minutes: 0 });
                }
                None => (0..4).for_each(|_| rows.value(Value::Null)),
            }
            if rows.end_row().is_err() {
                return;
            }
        }
    }
}

fn odd() -> Options {
    let wide = SqlType::NVarChar { length: Length::limited(4000) };
    let narrow = SqlType::VarChar { length: Length::limited(100) };
    let columns = vec![
        Column { nullable: false, ..Column::new("id", SqlType::Int) },
        Column::new("text", wide.clone()),
        Column::new("long ] text", SqlType::NText),
        Column::new("EMail", wide),
        Column::new("other_email", narrow),
        Column::new("day", SqlType::Date),
        Column::new("old_moment", SqlType::DateTime),
        Column::new("moment", SqlType::DateTime2 { scale: 7 }),
        Column::new("instant", SqlType::DateTimeOffset { scale: 7 }),
    ];
    let key = IndexColumn { name: "id".to_owned(), descending: false };
    let table = Table {
        name: ObjectName::new("odd]", "values"),
        columns,
        primary_key: Some(Key { name: Some("PK".to_owned()), columns: vec![key], clustered: true }),
        ..Table::default()
    };
    let info = DatabaseInfo {
        name: "Odd".to_owned(),
        collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
        ..DatabaseInfo::default()
    };
    let catalog =
        Catalog { format: CATALOG_FORMAT, database: info, tables: vec![table], ..Catalog::default() };
    Options::new(Database { catalog, rows: Arc::new(Odd) })
}

#[test]
fn every_condition_is_true_of_exactly_the_defects() {
    for version in ["16.0.4135.4", "11.0.7001.0"] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = odd();
        version.clone_into(&mut options.product_version);
        let server = Simulator::start(options).unwrap();
        assert!(agree(folder.path(), &server.url("Odd")) > 0, "{version}: the server has not counted");
        let counts: Vec<String> = findings(folder.path(), "pushed.run")
            .iter()
            .map(|finding| format!("{} {} {}", finding["code"], finding["object"], finding["count"]))
            .collect();
        let of = |code: &str| counts.iter().filter(|line| line.contains(code)).count();
        assert_eq!(of("invalid-email"), 2, "{counts:?}");
        assert_eq!(of("lone-surrogate"), 2, "{counts:?}");
        assert_eq!(of("future-date"), 4, "{counts:?}");
    }
}

#[test]
fn where_the_server_refuses_the_rows_are_read_and_a_note_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Simulator::start(odd()).unwrap();
    server.faults().plan().fail_reads = vec![8115];
    // Else the first read would be the one that begins a transaction.
    audit(folder.path(), &server.url("Odd"), "refused.run", &["--quiesced"]);
    audit(folder.path(), &server.url("Odd"), "passed.run", &["--no-pushdown"]);
    assert_eq!(tables(folder.path(), "refused.run"), tables(folder.path(), "passed.run"));
    assert_eq!(findings(folder.path(), "refused.run"), findings(folder.path(), "passed.run"));
    let all = read_json(&folder.path().join("refused.run/findings.json"));
    let notes: Vec<&Json> = all["audit"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] == "audit-not-pushed-down")
        .collect();
    assert_eq!(notes.len(), 1, "{all}");
    assert!(notes[0]["message"].as_str().unwrap().contains("error 8115"), "{}", notes[0]);
}

#[test]
fn a_connection_that_is_lost_while_the_server_counts_is_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Simulator::start(odd()).unwrap();
    server.faults().plan().fail_reads = vec![40_501];
    audit(folder.path(), &server.url("Odd"), "again.run", &["--quiesced"]);
    let all = read_json(&folder.path().join("again.run/findings.json"));
    assert!(!all["audit"].to_string().contains("audit-not-pushed-down"), "{all}");
}

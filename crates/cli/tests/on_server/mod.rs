//! What must hold on any SQL Server, the simulator and real ones: the same function, two servers.
//!
//! Each function is given the address of a database of its own, empty and free to be written into.

use crate::support::{TestDatabase, connect, database, digests, mssql2pg, read_json, told};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

/// The demo's settings: what PostgreSQL cannot hold is replaced, and counted.
const SETTINGS: &str = include_str!("../../src/commands/demo.toml");
/// The only table with a `rowversion`, whose values are the server's own.
const WITH_ROWVERSION: &str = "dbo.Customers";

/// `generate … --into`, with the address in the environment, as its password should be.
pub fn generate_into(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    mssql2pg(folder).arg("generate").args(arguments).env("INTO_URL", url).output().unwrap()
}

/// Made in the server and migrated from there, or written as a file and migrated from that: the same rows, the same
/// defects, the same keys.
pub fn the_shop_is_that_of_the_file(url: &str, rows: u64) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("mssql2pg.toml"), SETTINGS).unwrap();
    let rows = rows.to_string();
    let size = ["--rows", &rows, "--seed", "11"];
    let output = generate_into(folder, url, &[&size[..], &["--planted", "server.json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let output = mssql2pg(folder).args(["generate", "shop.bacpac"]).args(size).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let planted = read_json(&folder.join("server.json"));
    assert_eq!(planted, read_json(&folder.join("shop.bacpac.planted.json")));

    let (of_server, of_file) = (database(), database());
    migrate(folder, url, "server.run", &of_server);
    migrate(folder, "shop.bacpac", "file.run", &of_file);
    let (server, file) = (folder.join("server.run"), folder.join("file.run"));
    assert_eq!(rows_of(&server), rows_of(&file));
    assert_eq!(planted["rows"].as_object().unwrap().len(), rows_of(&file).len());
    let (mut found, mut expected) = (all_digests(&server), all_digests(&file));
    if found.get(WITH_ROWVERSION) != expected.get(WITH_ROWVERSION) {
        found.remove(WITH_ROWVERSION);
        expected.remove(WITH_ROWVERSION);
    }
    assert_eq!(found, expected);
    assert_eq!(customers(&of_server), customers(&of_file));
    let (found, expected) = (findings(&server), findings(&file));
    assert!(expected.len() > 5, "{expected:?}");
    assert_eq!(found, expected);
    let (found, expected) = (schema(&server), schema(&file));
    for (table, expected) in &expected {
        assert_eq!(found.get(table), Some(expected), "{table}");
    }
    assert_eq!(found.len(), expected.len());
}

/// What stands in the way is named and kept, and `--force` drops it and nothing else.
pub fn the_shop_replaces_itself_only_when_told_to(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut server = mssql2pg_sources::LiveWriter::open(url).unwrap();
    server.run("create a table of the user's", "create table dbo.Precious (Mine int not null)").unwrap();
    let size = ["--rows", "1000"];
    let listed = folder.join(format!("{}.planted.json", server.database()));
    let output = generate_into(folder, url, &size);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(listed.exists(), "{}", told(&output));
    std::fs::remove_file(&listed).unwrap();

    let refused = generate_into(folder, url, &size);
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    for word in ["dbo.Customers", "sales.vOrderSummary", "hint: ", "--force"] {
        assert!(told(&refused).contains(word), "{word} is not in {}", told(&refused));
    }
    assert!(!listed.exists());
    let output = generate_into(folder, url, &[&size[..], &["--force", "--seed", "2"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(read_json(&listed)["seed"], 2);
    let names: Vec<String> = server.objects().unwrap().iter().map(|object| object.name.to_string()).collect();
    assert!(names.contains(&"dbo.Precious".to_owned()), "{names:?}");
}

/// A run that asks for one way to hold the rows still, and says so afterwards. `may_refuse` is for servers that do not
/// permit or know it.
pub fn rows_are_held_by(url: &str, how: &str, may_refuse: bool) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("mssql2pg.toml"), SETTINGS).unwrap();
    let target = database();
    let output = mssql2pg(folder)
        .args(["migrate", "--run", "a.run", "--consistency", how])
        .envs([("SOURCE_URL", url), ("TARGET_URL", &target.url)])
        .output()
        .unwrap();
    match output.status.code() {
        Some(2) if may_refuse => {
            let why = String::from_utf8_lossy(&output.stderr);
            eprintln!("skipped: {how} cannot be had here: {}", why.lines().next().unwrap_or_default());
        }
        code => {
            assert!(matches!(code, Some(0 | 1)), "{}", told(&output));
            let report = read_json(&folder.join("a.run/reports/report.json"));
            assert_eq!(report["verdict"]["state"], "migrated", "{}", told(&output));
        }
    }
}

fn migrate(folder: &Path, source: &str, run: &str, target: &TestDatabase) {
    let output = mssql2pg(folder)
        .args(["migrate", "--run", run])
        .envs([("SOURCE_URL", source), ("TARGET_URL", target.url.as_str())])
        .output()
        .unwrap();
    // The planted defects are findings to act on.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", told(&output));
}

fn all_digests(run: &Path) -> BTreeMap<String, String> {
    digests(run).into_iter().collect()
}

fn rows_of(run: &Path) -> BTreeMap<String, u64> {
    let report = read_json(&run.join("reports/report.json"));
    let tables = report["tables"].as_array().unwrap().iter();
    tables
        .map(|table| {
            (table["source"].as_str().unwrap().to_owned(), table["target_rows"].as_u64().unwrap_or_default())
        })
        .collect()
}

/// The customers without their row versions.
fn customers(target: &TestDatabase) -> Vec<String> {
    let rows = connect(&target.url)
        .query("select (to_jsonb(c) - 'version')::text from customers as c order by 1", &[])
        .unwrap();
    let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(rows.first().is_some_and(|row| row.contains("loyalty")), "{:?}", rows.first());
    rows
}

/// What the audit found, but for what only a file or only a server can tell.
fn findings(run: &Path) -> Vec<String> {
    let findings = read_json(&run.join("findings.json"));
    let mut lines: Vec<String> = findings["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| format!("{} {} {}", finding["code"], finding["object"], finding["count"]))
        .filter(|line| !line.contains("claimed-rows-differ"))
        .collect();
    lines.sort();
    lines
}

/// By table, what its statements must have made: columns, keys, and how far the server trusts them. Conditions are left
/// out, for a server writes them in its own words.
fn schema(run: &Path) -> BTreeMap<String, Vec<String>> {
    let catalog = read_json(&run.join("catalog.json"));
    let tables = catalog["tables"].as_array().unwrap().iter();
    let name = |name: &Value| format!("{}.{}", name["schema"], name["name"]);
    tables
        .map(|table| {
            let list = |field: &str| table[field].as_array().unwrap().iter();
            let mut lines: Vec<String> = list("columns")
                .map(|column| {
                    let told = ["name", "alias", "nullable", "identity", "rowguid", "sparse"];
                    let told = told.map(|field| column[field].to_string()).join(" ");
                    let default = &column["default"]["name"];
                    match column["computed"].is_null() {
                        true => format!("{told} {} default {default}", column["sql_type"]),
                        // A file does not tell the type of a computed column, nor whether it takes NULL.
                        false => format!("{} computed", column["name"]),
                    }
                })
                .collect();
            let mut others = vec![format!("primary key {}", table["primary_key"])];
            others.extend(list("unique").map(|key| format!("unique {key}")));
            others.extend(list("foreign_keys").map(|key| format!("foreign key {key}")));
            others.extend(
                list("checks").map(|check| {
                    format!("check {} {} {}", check["name"], check["trusted"], check["disabled"])
                }),
            );
            others.extend(list("indexes").map(|index| format!("index {index}")));
            others.extend(list("extended_properties").map(|property| format!("property {property}")));
            others.sort();
            lines.append(&mut others);
            (name(&table["name"]), lines)
        })
        .collect()
}

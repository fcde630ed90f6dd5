//! Rules of the house that a compiler does not check. Tests only.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file with that ending below a folder of the project.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no .{ending} file");
    found
}

/// Lines of `folder` that hold `word`, but for those that hold one of `excuses`.
fn lines_with(folder: &str, word: &str, excuses: &[&str]) -> Vec<String> {
    let lines_of = |(path, text): (String, String)| -> Vec<String> {
        let guilty = |line: &&str| line.contains(word) && !excuses.iter().any(|excuse| line.contains(excuse));
        text.lines().filter(guilty).map(|line| format!("{path}: {line}")).collect()
    };
    files(folder, "rs").into_iter().flat_map(lines_of).collect()
}

fn none(lines: Vec<String>) {
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn sources_and_catalog_know_nothing_about_postgresql() {
    let excuses = ["nothing about PostgreSQL", "about PostgreSQL. Everything", "a PostgreSQL dump"];
    none(lines_with("crates/sources/src", "PostgreSQL", &excuses));
    none(lines_with("crates/catalog/src", "PostgreSQL", &excuses));
}

#[test]
fn the_target_knows_nothing_about_sql_server() {
    none(lines_with("crates/target/src", "SQL Server", &[]));
    none(lines_with("crates/target/src", "mssql", &["mssql2pg", "MSSQL2PG"]));
}

#[test]
fn every_file_says_what_it_is() {
    let silent = |(path, text): (String, String)| (!text.starts_with("//!")).then_some(path);
    none(files("crates", "rs").into_iter().filter_map(silent).collect());
}

#[test]
fn nothing_is_left_for_later_or_read_dirty() {
    for word in [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
        concat!("NO", "LOCK"),
    ] {
        none(lines_with("crates", word, &[]));
    }
}

#[test]
fn no_text_names_a_machine_or_a_registry_host() {
    for word in
        [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("crates", ".io"), concat!("npm", "js.")]
    {
        none(lines_with("crates", word, &[]));
        for (path, text) in files("docs", "md") {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}

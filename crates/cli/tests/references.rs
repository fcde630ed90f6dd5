//! References between tables: orphans, keys that only the source's collation takes for equal, columns that look like
//! references; the same whether a server counts or we do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]
#![allow(clippy::expect_used, missing_docs, unreachable_pub, reason = "test support")]

mod support;

use mssql2pg_catalog::{
    CATALOG_FORMAT, Catalog, Column, DatabaseInfo, ForeignKey, IndexColumn, Key, Length, ObjectName,
    ReferentialAction, RowSink, SqlType, Table, Value,
};
use mssql2pg_simulator::{Database, Options, Rows, Simulator};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use support::{mssql2pg, read_json, told};

/// What the tables hold; none is NULL.
struct Books;

type Row = &'static [Option<&'static str>];

const COUNTRIES: &[Row] = &[&[Some("DE")], &[Some("fr")], &[Some("it")]];
/// id, country, author, parent.
const BOOKS: &[Row] = &[
    &[Some("1"), Some("DE"), Some("1"), None],
    &[Some("2"), Some("de"), Some("2"), Some("1")],
    &[Some("3"), Some("FR "), Some("9"), Some("1")],
    &[Some("4"), Some("xx"), None, Some("77")],
    &[Some("5"), None, Some("1"), Some("5")],
    &[Some("6"), Some("it"), Some("2"), None],
];
const AUTHORS: &[Row] = &[&[Some("1")], &[Some("2")]];

impl Rows for Books {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        let content = match table.name.name.as_str() {
            "Countries" => COUNTRIES,
            "Authors" => AUTHORS,
            _ => BOOKS,
        };
        for row in content {
            for (cell, column) in row.iter().zip(&table.columns) {
                let Some(text) = cell else {
                    rows.value(Value::Null);
                    continue;
                };
                match column.sql_type {
                    SqlType::Int => rows.value(Value::Int(text.parse().unwrap())),
                    _ => {
                        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                        rows.value(Value::Utf16(&bytes));
                    }
                }
            }
            if rows.end_row().is_err() {
                return;
            }
        }
    }
}

fn table(name: &str, columns: Vec<Column>) -> Table {
    let key = IndexColumn { name: columns[0].name.clone(), descending: false };
    Table {
        name: ObjectName::new("dbo", name),
        columns,
        primary_key: Some(Key { name: Some(format!("PK_{name}")), columns: vec![key], clustered: true }),
        ..Table::default()
    }
}

fn reference(name: &str, column: &str, table: &str, referred: &str) -> ForeignKey {
    ForeignKey {
        name: Some(name.to_owned()),
        columns: vec![column.to_owned()],
        referenced_table: ObjectName::new("dbo", table),
        referenced_columns: vec![referred.to_owned()],
        on_delete: ReferentialAction::NoAction,
        on_update: ReferentialAction::NoAction,
        trusted: false,
        disabled: false,
    }
}

fn books() -> Options {
    let text = || SqlType::NVarChar { length: Length::limited(10) };
    let required = |name: &str, sql_type| Column { nullable: false, ..Column::new(name, sql_type) };
    let countries = table("Countries", vec![required("Country", text())]);
    let authors = table("Authors", vec![required("AuthorID", SqlType::Int)]);
    let mut books = table(
        "Books",
        vec![
            required("BookID", SqlType::Int),
            Column::new("Origin", text()),
            Column::new("AuthorID", SqlType::Int),
            Column::new("Sequel", SqlType::Int),
        ],
    );
    books.foreign_keys = vec![
        reference("FK_Origin", "Origin", "Countries", "Country"),
        reference("FK_Sequel", "Sequel", "Books", "BookID"),
    ];
    let info = DatabaseInfo {
        name: "Books".to_owned(),
        collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
        ..DatabaseInfo::default()
    };
    let tables = vec![books, authors, countries];
    let catalog = Catalog { format: CATALOG_FORMAT, database: info, tables, ..Catalog::default() };
    Options::new(Database { catalog, rows: Arc::new(Books) })
}

/// Code and object → count and keys, of what is about references.
fn of_references(folder: &Path, run: &str) -> BTreeMap<String, (u64, String)> {
    let all = read_json(&folder.join(run).join("findings.json"));
    let wanted =
        ["orphaned-foreign-key", "case-only-reference", "suspected-foreign-key", "reference-not-compared"];
    let mut found = BTreeMap::new();
    for finding in all["audit"].as_array().unwrap() {
        let code = finding["code"].as_str().unwrap();
        if wanted.contains(&code) {
            let keys: Vec<&str> =
                finding["samples"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
            let name = format!("{code} {}", finding["object"].as_str().unwrap());
            found.insert(name, (finding["count"].as_u64().unwrap(), keys.join(" ")));
        }
    }
    found
}

#[test]
fn orphans_and_look_alikes_are_told_apart_by_the_server_as_by_a_pass() {
    let folder = tempfile::tempdir().unwrap();
    let server = Simulator::start(books()).unwrap();
    for (run, flags) in [("pushed.run", &[][..]), ("passed.run", &["--no-pushdown"][..])] {
        let output = mssql2pg(folder.path())
            .args(["audit", "--run", run])
            .args(flags)
            .env("SOURCE_URL", server.url("Books"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let found = of_references(folder.path(), run);
        let expected = [
            // de and "FR " are spelled otherwise.
            ("case-only-reference dbo.Books.FK_Origin", 2, "BookID=2 BookID=3"),
            ("orphaned-foreign-key dbo.Books.FK_Origin", 1, "BookID=4"),
            ("orphaned-foreign-key dbo.Books.FK_Sequel", 1, "BookID=4"),
            ("suspected-foreign-key dbo.Books.AuthorID", 1, "BookID=3"),
        ];
        assert_eq!(
            found.keys().map(String::as_str).collect::<Vec<_>>(),
            expected.map(|(name, ..)| name),
            "{run}"
        );
        for (name, count, keys) in expected {
            assert_eq!(found[name].0, count, "{run} {name}");
            assert_eq!(found[name].1, keys, "{run} {name}");
        }
    }
}

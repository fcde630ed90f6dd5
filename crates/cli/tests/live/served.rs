//! A file served by the simulator as if it were a database on a running server.

#![allow(dead_code, reason = "each test file uses a part of this")]

use mssql2pg_catalog::{
    CATALOG_FORMAT, Catalog, Column, DatabaseInfo, IndexColumn, Key, Length, ObjectName, RowSink, SqlType,
    Stop, Table, Value,
};
use mssql2pg_simulator::{Database, Options, Rows, Simulator};
use mssql2pg_sources::Source;
use std::path::Path;
use std::sync::Arc;

/// The rows of a file.
struct FileRows(Box<dyn Source>);

/// Counts on until the sink stops.
struct Until<'a> {
    rows: &'a mut dyn RowSink,
    stopped: bool,
}

impl RowSink for Until<'_> {
    fn value(&mut self, value: Value<'_>) {
        self.rows.value(value);
    }
    fn end_row(&mut self) -> Result<(), Stop> {
        let ended = self.rows.end_row();
        self.stopped = ended.is_err();
        ended
    }
}

impl Rows for FileRows {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        let mut until = Until { rows, stopped: false };
        // A test may serve the table with changes.
        let catalog = self.0.catalog().expect("a file has a catalog");
        let table = catalog.table(&table.name).expect("the file has the table");
        for split in self.0.splits(table, u64::MAX).expect("a file knows its splits") {
            self.0.read(table, &split, &mut until).expect("a file is read");
            if until.stopped {
                return;
            }
        }
    }
}

/// The database in `file`, under `name`.
pub fn database_of(file: &Path, name: &str) -> Database {
    let source = mssql2pg_sources::open(&file.display().to_string()).expect("the file opens");
    let mut catalog: Catalog = source.catalog().expect("the file has a catalog");
    catalog.database.name = name.to_owned();
    Database { catalog, rows: Arc::new(FileRows(source)) }
}

/// Serves `file` as the database `name`, with whatever `change` makes of the server.
pub fn serve(file: &Path, name: &str, change: impl FnOnce(&mut Options)) -> Simulator {
    let mut options = Options::new(database_of(file, name));
    change(&mut options);
    Simulator::start(options).expect("the simulator starts")
}

/// A database made up on the way: `large` values of `bytes` each, and a table of `many` rows.
pub fn large(large: u64, bytes: usize, many: u64) -> Database {
    struct MadeUp {
        large: u64,
        bytes: usize,
        many: u64,
    }
    impl Rows for MadeUp {
        fn read(&self, table: &Table, rows: &mut dyn RowSink) {
            let is_large = table.name.name == "Large";
            let data = vec![0x5A; if is_large { self.bytes } else { 0 }];
            for number in 1..=if is_large { self.large } else { self.many } {
                rows.value(Value::Int(i64::try_from(number).expect("a row's number fits")));
                match is_large {
                    true => rows.value(Value::Bytes(&data)),
                    false => rows.value(Value::Utf16(b"t\0e\0x\0t\0")),
                }
                if rows.end_row().is_err() {
                    return;
                }
            }
        }
    }
    let table = |name: &str, second: Column| Table {
        name: ObjectName::new("dbo", name),
        columns: vec![Column { nullable: false, ..Column::new("id", SqlType::Int) }, second],
        primary_key: Some(Key {
            name: Some(format!("PK_{name}")),
            columns: vec![IndexColumn { name: "id".to_owned(), descending: false }],
            clustered: true,
        }),
        ..Table::default()
    };
    let tables = vec![
        table("Large", Column::new("data", SqlType::VarBinary { length: Length::MAX })),
        table("Many", Column::new("text", SqlType::NVarChar { length: Length::limited(40) })),
    ];
    let info = DatabaseInfo {
        name: "Large".to_owned(),
        collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
        ..DatabaseInfo::default()
    };
    let catalog = Catalog { format: CATALOG_FORMAT, database: info, tables, ..Catalog::default() };
    Database { catalog, rows: Arc::new(MadeUp { large, bytes, many }) }
}

//! `cargo x bench memory [ROWS]`: how much memory a live source takes, with a long table and with large values.
//!
//! The simulator makes both up while it sends them: `ROWS` rows of 14 columns, and 200 values of 50 MB. Only the product's
//! peak is of interest; time is printed beside it.

use super::{measured_run, optimised, start_postgres};
use crate::tell;
use mssql2pg_catalog::{
    CATALOG_FORMAT, Catalog, Column, DatabaseInfo, IndexColumn, Key, Length, ObjectName, RowSink, SqlType,
    Table, Value,
};
use mssql2pg_simulator::{Database, Options, Rows, Simulator};
use std::sync::Arc;

const LARGE_VALUES: i64 = 200;
const LARGE_BYTES: usize = 50_000_000;
const TEXT_COLUMNS: usize = 12;

/// Builds everything with optimisation and measures there.
pub(crate) fn memory(arguments: &[&str]) -> Result<(), String> {
    optimised("memory", arguments, measure)
}

struct MadeUp {
    rows: u64,
}

impl Rows for MadeUp {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        if table.name.name == "Large" {
            let data = vec![0x5A; LARGE_BYTES];
            for number in 1..=LARGE_VALUES {
                rows.value(Value::Int(number));
                rows.value(Value::Bytes(&data));
                if rows.end_row().is_err() {
                    return;
                }
            }
            return;
        }
        for number in (1_i64..).take(usize::try_from(self.rows).unwrap_or(usize::MAX)) {
            rows.value(Value::Int(number));
            rows.value(Value::Int(number % 97));
            for _ in 0..TEXT_COLUMNS {
                rows.value(Value::Utf16(b"s\0o\0m\0e\0 \0t\0e\0x\0t\0"));
            }
            if rows.end_row().is_err() {
                return;
            }
        }
    }
}

fn table(name: &str, columns: Vec<Column>) -> Table {
    let key = Column { nullable: false, ..Column::new("id", SqlType::Int) };
    Table {
        name: ObjectName::new("dbo", name),
        columns: std::iter::once(key).chain(columns).collect(),
        primary_key: Some(Key {
            name: Some(format!("PK_{name}")),
            columns: vec![IndexColumn { name: "id".to_owned(), descending: false }],
            clustered: true,
        }),
        ..Table::default()
    }
}

fn measure(rows: u64) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let text =
        |number: usize| Column::new(format!("c{number}"), SqlType::NVarChar { length: Length::limited(40) });
    let number = std::iter::once(Column::new("n", SqlType::Int));
    let many = table("Many", number.chain((0..TEXT_COLUMNS).map(text)).collect());
    let large = table("Large", vec![Column::new("data", SqlType::VarBinary { length: Length::MAX })]);
    let server = start_postgres(folder.path())?;
    for (table, what) in [(many, format!("{rows} rows")), (large, "200 values of 50 MB".to_owned())] {
        let database = DatabaseInfo {
            name: table.name.name.clone(),
            collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
            ..DatabaseInfo::default()
        };
        let catalog = Catalog { format: CATALOG_FORMAT, database, tables: vec![table], ..Catalog::default() };
        let name = catalog.database.name.clone();
        let served = Database { catalog, rows: Arc::new(MadeUp { rows }) };
        let simulator = Simulator::start(Options::new(served)).map_err(|error| error.to_string())?;
        // One range: the simulator makes all rows anew for each.
        let flags = ["--rows-per-split", "4000000000"];
        let run = measured_run(&server, &simulator.url(&name), folder.path(), &name.to_lowercase(), &flags)?;
        tell(&format!("{what}: peak {} MiB, load {:.1} s", run.peak_mib, run.wall));
    }
    server.stop().map_err(|error| error.to_string())
}

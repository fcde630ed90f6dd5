//! Queries on the views of a small shop.

mod catalog;
mod product;
mod queries;
mod rights;
mod round_trip;

use super::*;
use crate::options::Rights;
use mssql2pg_catalog::{RowSink, Stop, Value};

/// Facts of a server of that version.
fn facts(product_version: &str) -> DatabaseFacts {
    let listed = |name: &str, id: i32, source: Option<i32>| ListedDatabase {
        name: name.to_owned(),
        id,
        create_date: Moment(Moment::day(2024, 5, 6).0 + 72_000_000_000),
        source_database_id: source,
        collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
        compatibility_level: None,
        is_read_only: false,
        snapshot_isolation: true,
    };
    DatabaseFacts {
        database_id: 5,
        database_name: "Shop".to_owned(),
        server_name: "SIMULATED".to_owned(),
        product_version: product_version.to_owned(),
        edition: "Developer Edition (64-bit)".to_owned(),
        engine_edition: 3,
        case_sensitive: false,
        change_tracking: Some(ChangeTracking { version: 42, min_valid_version: 7, tables: Vec::new() }),
        databases: vec![listed("master", 1, None), listed("Shop", 5, None), listed("Shop_hold", 6, Some(5))],
        files: vec![
            DataFile {
                id: 1,
                is_log: false,
                name: "Shop".into(),
                physical_name: "/data/Shop.mdf".into(),
                pages: 1024,
            },
            DataFile {
                id: 2,
                is_log: true,
                name: "Shop_log".into(),
                physical_name: "/data/Shop.ldf".into(),
                pages: 64,
            },
        ],
        logins: vec!["reader".to_owned()],
    }
}

fn views() -> Views {
    Views::open(&catalog::shop(), &facts("16.0.4135.4")).unwrap()
}

/// An answer as text: the types of the columns, and the rows.
#[derive(Debug, Default)]
struct Written {
    columns: Vec<AnswerColumn>,
    cells: Vec<String>,
    rows: Vec<Vec<String>>,
    done: Option<u64>,
}

impl RowSink for Written {
    fn value(&mut self, value: Value<'_>) {
        self.cells.push(written(value));
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.cells));
        Ok(())
    }
}

fn written(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bit(bit) => u8::from(bit).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Decimal { magnitude, scale, negative } => {
            let sign = if negative { "-" } else { "" };
            format!("{sign}{}e-{scale}", u128::from_le_bytes(*magnitude))
        }
        Value::Utf16(bytes) => {
            let units: Vec<_> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).unwrap()
        }
        Value::Variant(variant) => format!("{}:{}", variant.base_type, written(variant.value)),
        other => format!("{other:?}"),
    }
}

impl Answer for Written {
    fn columns(&mut self, columns: &[AnswerColumn]) -> std::io::Result<()> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn rows(&mut self) -> &mut dyn RowSink {
        self
    }

    fn done(&mut self, rows: Option<u64>) -> std::io::Result<()> {
        self.done = rows;
        Ok(())
    }

    fn database(&mut self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    fn transaction(&mut self, _: bool) -> std::io::Result<()> {
        Ok(())
    }
}

fn ask_as(views: &Views, session: &SessionFacts, sql: &str) -> Result<Written, Failure> {
    let mut written = Written::default();
    match views.query_text(sql, session, &mut written) {
        Ok(()) => Ok(written),
        Err(Stopped::Failed(failure)) => Err(failure),
        Err(Stopped::Client(error)) => Err(Failure::new(0, error.to_string())),
    }
}

fn ask(views: &Views, sql: &str) -> Written {
    ask_as(views, &SessionFacts::of_everybody(), sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"))
}

/// The rows, each cell behind the other with a bar between.
fn rows(views: &Views, sql: &str) -> Vec<String> {
    ask(views, sql).rows.iter().map(|row| row.join("|")).collect()
}

fn error(views: &Views, sql: &str) -> i32 {
    match ask_as(views, &SessionFacts::of_everybody(), sql) {
        Ok(written) => panic!("{sql}: {written:?}"),
        Err(failure) => failure.number,
    }
}

fn somebody(rights: Rights) -> SessionFacts {
    SessionFacts { login: "reader".to_owned(), rights, ..SessionFacts::of_everybody() }
}

//! A small database, and an [`Answer`] that remembers.

use crate::answer::{Answer, AnswerColumn};
use crate::{Database, Options, Rows};
use mssql2pg_catalog::{
    Catalog, CodePage, Column, Computed, IndexColumn, Key, Length, ObjectName, RowSink, SqlType, Stop, Table,
    Value, VariantValue,
};
use std::io;
use std::sync::Arc;

/// Remembers an answer as lines of text.
#[derive(Debug, Default)]
pub(in super::super) struct Recorded {
    pub(in super::super) lines: Vec<String>,
    pub(in super::super) columns: Vec<AnswerColumn>,
    pub(in super::super) row: Vec<String>,
    /// Stops after so many rows.
    pub(in super::super) most: Option<usize>,
}

impl Answer for Recorded {
    fn columns(&mut self, columns: &[AnswerColumn]) -> io::Result<()> {
        self.columns = columns.to_vec();
        let shown: Vec<String> =
            columns.iter().map(|column| format!("{} {}", column.name, column.sql_type)).collect();
        self.lines.push(format!("columns {}", shown.join(", ")));
        Ok(())
    }
    fn rows(&mut self) -> &mut dyn RowSink {
        self
    }
    fn done(&mut self, rows: Option<u64>) -> io::Result<()> {
        self.lines.push(rows.map_or("done".to_owned(), |rows| format!("done {rows}")));
        Ok(())
    }
    fn database(&mut self, name: &str) -> io::Result<()> {
        self.lines.push(format!("database {name}"));
        Ok(())
    }
    fn transaction(&mut self, open: bool) -> io::Result<()> {
        self.lines.push(format!("transaction {open}"));
        Ok(())
    }
}

impl RowSink for Recorded {
    fn value(&mut self, value: Value<'_>) {
        let text = match value {
            Value::Variant(variant) => format!("{}:{}", variant.base_type, shown(variant.value)),
            value => shown(value),
        };
        self.row.push(text);
    }
    fn end_row(&mut self) -> Result<(), Stop> {
        let row = std::mem::take(&mut self.row);
        self.lines.push(format!("({})", row.join(", ")));
        let rows = self.lines.iter().filter(|line| line.starts_with('(')).count();
        if self.most.is_some_and(|most| rows >= most) { Err(Stop) } else { Ok(()) }
    }
}

fn shown(value: Value<'_>) -> String {
    use super::super::values::convert::convert;
    use super::super::values::owned::Cell;
    let text = SqlType::NVarChar { length: Length::MAX };
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(bytes) => {
            format!("0x{}", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>())
        }
        _ => {
            let written = convert(Cell::plain(value), &text, CodePage(1252)).unwrap();
            super::super::values::text::string(&written.cell().value).unwrap()
        }
    }
}

struct ShopRows;

impl Rows for ShopRows {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        let _ = match table.name.name.as_str() {
            "Orders" => orders(rows),
            "Odd" => odd(rows),
            _ => Ok(()),
        };
    }
}

fn orders(rows: &mut dyn RowSink) -> Result<(), Stop> {
    let names = ["anna", "Bert", "ärger", "ANNA ", "zoe"];
    for id in 1_i64..=10 {
        rows.value(Value::Int(id));
        match id {
            3 => rows.value(Value::Null),
            _ => {
                let name = names[usize::try_from(id).unwrap() % 5];
                let bytes: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
                rows.value(Value::Utf16(&bytes));
            }
        }
        let magnitude = u128::try_from(id * 1050).unwrap().to_le_bytes();
        rows.value(Value::Decimal { magnitude: &magnitude, scale: 2, negative: id % 2 == 0 });
        rows.value(Value::DateTime2 { days: 738_000 + i32::try_from(id).unwrap(), ticks: 36_000_000_000 });
        let mut guid = [0; 16];
        guid[if id < 6 { 15 } else { 0 }] = u8::try_from(id).unwrap();
        rows.value(Value::Guid(&guid));
        rows.end_row()?;
    }
    Ok(())
}

fn odd(rows: &mut dyn RowSink) -> Result<(), Stop> {
    let utf16 = [b'a', 0, b'b', 0];
    for value in [
        Value::Variant(&VariantValue { base_type: "nvarchar(20)", value: Value::Utf16(&utf16) }),
        Value::Variant(&VariantValue { base_type: "int", value: Value::Int(7) }),
        Value::Null,
    ] {
        rows.value(value);
        rows.value(Value::Utf16(&utf16));
        rows.end_row()?;
    }
    Ok(())
}

/// A server with the database `shop`.
pub(in super::super) fn shop() -> Options {
    let mut catalog = Catalog::default();
    catalog.database.name = "shop".to_owned();
    catalog.database.collation = Some("SQL_Latin1_General_CP1_CI_AS".to_owned());
    let total = SqlType::Decimal { precision: 9, scale: 2 };
    let doubled = Computed { text: "([Total]*(2))".to_owned(), persisted: false };
    catalog.tables.push(Table {
        name: ObjectName::new("dbo", "Orders"),
        columns: vec![
            Column { nullable: false, ..Column::new("Id", SqlType::Int) },
            Column::new("Name", SqlType::NVarChar { length: Length::limited(20) }),
            Column { nullable: false, ..Column::new("Total", total) },
            Column {
                computed: Some(doubled),
                ..Column::new("Doubled", SqlType::Unknown { name: String::new() })
            },
            Column::new("Placed", SqlType::DateTime2 { scale: 7 }),
            Column::new("Key", SqlType::UniqueIdentifier),
        ],
        primary_key: Some(Key {
            name: Some("PK_Orders".to_owned()),
            columns: vec![IndexColumn { name: "Id".to_owned(), descending: false }],
            clustered: true,
        }),
        ..Table::default()
    });
    catalog.tables.push(Table {
        name: ObjectName::new("sales", "Odd"),
        columns: vec![Column::new("Any", SqlType::SqlVariant), Column::new("Old", SqlType::Text)],
        ..Table::default()
    });
    Options::new(Database { catalog, rows: Arc::new(ShopRows) })
}

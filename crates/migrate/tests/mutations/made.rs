//! A made-up source: a table of all types with a key, and one without a key.

use mssql2pg_catalog::{
    Catalog, Column, IndexColumn, Key, Length, ObjectName, RowSink, SqlType, Table, Value,
};
use mssql2pg_sources::{Consistency, Source, SourceError, SourceInfo, Split};

/// Rows of the table with a key.
pub(crate) const ROWS: i64 = 40;

/// The source.
pub(crate) struct Made;

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The value of `Float` in a row; 0 in the 21st.
pub(crate) fn float(id: i64) -> f64 {
    (id - 21) as f64 / 7.0
}

/// The rows of the table without a key: number, text, amount.
pub(crate) const LOOSE: &[(i64, &str, i64)] =
    &[(1, "one", 100), (2, "two", 200), (3, "three", 300), (2, "two", 200), (4, "four", 400), (5, "", 500)];

fn everything() -> Table {
    let column = Column::new;
    let limited = |length| Length::limited(length);
    let key = IndexColumn { name: "Id".to_owned(), descending: false };
    Table {
        name: ObjectName::new("dbo", "Everything"),
        primary_key: Some(Key { name: None, columns: vec![key], clustered: true }),
        columns: vec![
            Column { nullable: false, ..column("Id", SqlType::Int) },
            column("Flag", SqlType::Bit),
            column("Tiny", SqlType::TinyInt),
            column("Small", SqlType::SmallInt),
            column("Number", SqlType::Int),
            column("Big", SqlType::BigInt),
            column("Amount", SqlType::Decimal { precision: 18, scale: 4 }),
            column("Long", SqlType::Decimal { precision: 38, scale: 10 }),
            column("Price", SqlType::Money),
            column("Single", SqlType::Real),
            column("Float", SqlType::Float),
            column("Day", SqlType::Date),
            column("Clock", SqlType::Time { scale: 7 }),
            column("Moment", SqlType::DateTime2 { scale: 7 }),
            column("Old", SqlType::DateTime),
            column("Local", SqlType::DateTimeOffset { scale: 3 }),
            column("Name", SqlType::NVarChar { length: limited(40) }),
            column("Note", SqlType::NVarChar { length: Length::MAX }),
            column("Code", SqlType::VarChar { length: limited(20) }),
            column("Padded", SqlType::NChar { length: 8 }),
            column("Bytes", SqlType::VarBinary { length: Length::MAX }),
            column("Guid", SqlType::UniqueIdentifier),
            column("Doc", SqlType::Xml),
            column("Json", SqlType::Json),
            column("Path", SqlType::HierarchyId),
            column("Place", SqlType::Geometry),
        ],
        ..Table::default()
    }
}

fn loose() -> Table {
    Table {
        name: ObjectName::new("dbo", "Loose"),
        columns: vec![
            Column::new("Number", SqlType::Int),
            Column::new("Word", SqlType::NVarChar { length: Length::limited(20) }),
            Column::new("Amount", SqlType::Decimal { precision: 9, scale: 2 }),
        ],
        ..Table::default()
    }
}

fn give_everything(id: i64, rows: &mut dyn RowSink) {
    let small = u8::try_from(id).unwrap();
    let decimal = |rows: &mut dyn RowSink, number: u128, scale, negative| {
        rows.value(Value::Decimal { magnitude: &number.to_le_bytes(), scale, negative });
    };
    rows.value(Value::Int(id));
    rows.value(Value::Bit(id % 2 == 0));
    rows.value(Value::Int(id + 100));
    rows.value(Value::Int(id * 100));
    rows.value(Value::Int(id * 1_000_001));
    rows.value(Value::Int(id * 3_000_000_007));
    decimal(rows, u128::from(small) * 10_101, 4, id % 2 == 1);
    decimal(rows, u128::from(small) * 1_234_567_890_123_456_789_012_345, 10, false);
    rows.value(Value::Money(id * 99_999));
    rows.value(Value::Real(float(id) as f32));
    rows.value(Value::Float(float(id)));
    rows.value(Value::Date(730_000 + i32::from(small)));
    rows.value(Value::Time(u64::from(small) * 12_345_678_900));
    rows.value(Value::DateTime2 { days: 735_000, ticks: u64::from(small) * 7_654_321_000 });
    rows.value(Value::DateTime { days: 40_000 + i32::from(small), ticks: 300 * 3600 + 7 });
    rows.value(Value::DateTimeOffset {
        days: 735_100,
        ticks: u64::from(small) * 20_000_010_000,
        offset_minutes: 120,
    });
    rows.value(Value::Utf16(&utf16(&format!("Ada René {id}"))));
    match id % 4 {
        0 => rows.value(Value::Utf16(&[])),
        1 => rows.value(Value::Null),
        _ => rows.value(Value::Utf16(&utf16(&format!("Straße {id} 😀\r\nend ")))),
    }
    rows.value(Value::Utf16(&utf16(&format!("ab-{id:04}"))));
    rows.value(Value::Utf16(&utf16(&format!("p{id:<7}"))));
    rows.value(Value::Bytes(&[small, 0x80, 0, small]));
    let guid: [u8; 16] = std::array::from_fn(|place| small.wrapping_mul(3).wrapping_add(place as u8));
    rows.value(Value::Guid(&guid));
    rows.value(Value::Utf16(&utf16(&format!("<a n=\"{id}\"><b>x</b></a>"))));
    rows.value(Value::Utf16(&utf16(&format!("{{\"a\": {id}, \"b\": [1, 2.50]}}"))));
    // /1/, and a point with its coordinates in little endian.
    rows.value(Value::Bytes(&[0x58]));
    let mut point = vec![0, 0, 0, 0, 1, 0x0C];
    point.extend(float(id).to_le_bytes());
    point.extend(1.5_f64.to_le_bytes());
    rows.value(Value::Bytes(&point));
}

impl Source for Made {
    fn about(&self) -> SourceInfo {
        SourceInfo {
            kind: "made".to_owned(),
            location: "memory".to_owned(),
            identity: "1".to_owned(),
            server_version: None,
            consistency: Consistency::Frozen,
            has_data: true,
            database: None,
        }
    }

    fn catalog(&self) -> Result<Catalog, SourceError> {
        Ok(Catalog { tables: vec![everything(), loose()], ..Catalog::default() })
    }

    fn splits(&self, _: &Table, _: u64) -> Result<Vec<Split>, SourceError> {
        Ok(vec![Split { number: 0, locator: "0".to_owned(), estimated_bytes: 1 }])
    }

    fn read(&self, table: &Table, _: &Split, rows: &mut dyn RowSink) -> Result<u64, SourceError> {
        if table.name.name == "Everything" {
            for id in 1..=ROWS {
                give_everything(id, rows);
                rows.end_row().expect("nobody stops");
            }
            return Ok(40);
        }
        for (number, word, cents) in LOOSE {
            rows.value(Value::Int(*number));
            rows.value(Value::Utf16(&utf16(word)));
            let magnitude = u128::try_from(*cents).unwrap().to_le_bytes();
            rows.value(Value::Decimal { magnitude: &magnitude, scale: 2, negative: false });
            rows.end_row().expect("nobody stops");
        }
        Ok(LOOSE.len() as u64)
    }
}

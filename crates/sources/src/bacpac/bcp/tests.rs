//! Tests of the BCP reader: layouts, values, damage.

use super::super::layout::{Choices, layout};
use super::*;
use mssql2pg_catalog::{Column, Length, ObjectName, SqlType, Stop, Table};

/// Remembers every value as text, a row a line.
#[derive(Default)]
struct Remember {
    rows: Vec<String>,
    row: Vec<String>,
    stop_after: Option<usize>,
}

impl RowSink for Remember {
    fn value(&mut self, value: Value<'_>) {
        self.row.push(match value {
            Value::Utf16(bytes) => {
                let units: Vec<_> =
                    bytes.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
                format!("'{}'", String::from_utf16_lossy(&units))
            }
            other => format!("{other:?}"),
        });
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.row).join(", "));
        if Some(self.rows.len()) == self.stop_after { Err(Stop) } else { Ok(()) }
    }
}

fn table(columns: Vec<Column>) -> Table {
    Table { name: ObjectName::new("dbo", "T"), columns, ..Table::default() }
}

fn required(sql_type: SqlType) -> Column {
    Column { nullable: false, ..Column::new("c", sql_type) }
}

fn read(columns: Vec<Column>, bytes: &[u8]) -> Result<Vec<String>, Trouble> {
    let mut sink = Remember::default();
    read_rows(bytes, bytes.len() as u64, &layout(&table(columns), Choices::default()), &mut sink)?;
    Ok(sink.rows)
}

fn fail(columns: Vec<Column>, bytes: &[u8]) -> Trouble {
    read(columns, bytes).expect_err("these bytes are no rows")
}

#[test]
fn each_type_is_read_as_documented() {
    let check = |sql_type: SqlType, nullable: bool, bytes: &[u8], expected: &str| {
        let name = sql_type.to_string();
        let column = Column { nullable, ..Column::new("c", sql_type) };
        assert_eq!(read(vec![column], bytes).unwrap(), [expected], "{name}");
    };
    let max = Length::MAX;
    let ten = Length::limited(10);
    check(SqlType::Bit, false, &[1, 1], "Bit(true)");
    check(SqlType::Bit, true, &[0xFF], "Null");
    check(SqlType::TinyInt, false, &[255], "Int(255)");
    check(SqlType::SmallInt, false, &[0xFE, 0xFF], "Int(-2)");
    check(SqlType::Int, true, &[4, 1, 0, 0, 0], "Int(1)");
    check(SqlType::Int, true, &[0xFF], "Null");
    check(SqlType::BigInt, false, &[0xFF; 8], "Int(-1)");
    check(SqlType::Real, false, &1.5f32.to_le_bytes(), "Real(1.5)");
    check(SqlType::Float, true, &[8, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F], "Float(1.5)");
    check(SqlType::Money, false, &[0, 0, 0, 0, 0x10, 0x27, 0, 0], "Money(10000)");
    check(SqlType::Money, false, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "Money(-1)");
    check(SqlType::Money, false, &[1, 0, 0, 0, 0, 0, 0, 0], "Money(4294967296)");
    check(SqlType::SmallMoney, false, &[0x10, 0x27, 0, 0], "Money(10000)");
    check(SqlType::Date, false, &[0, 0, 0], "Date(0)");
    check(SqlType::Date, true, &[3, 0xDA, 0xB9, 0x37], "Date(3652058)");
    check(SqlType::Time { scale: 0 }, false, &[0x7F, 0x51, 1], "Time(863990000000)");
    check(SqlType::Time { scale: 7 }, false, &[1, 0, 0, 0, 0], "Time(1)");
    check(
        SqlType::DateTime2 { scale: 3 },
        false,
        &[1, 0, 0, 0, 2, 0, 0],
        "DateTime2 { days: 2, ticks: 10000 }",
    );
    check(
        SqlType::DateTime,
        false,
        &[0xFF, 0xFF, 0xFF, 0xFF, 44, 1, 0, 0],
        "DateTime { days: -1, ticks: 300 }",
    );
    check(SqlType::SmallDateTime, false, &[1, 0, 1, 0], "DateTime2 { days: 693596, ticks: 600000000 }");
    check(
        SqlType::RowVersion,
        false,
        &[8, 0, 0, 0, 0, 0, 0, 0, 7, 0xD1],
        "Bytes([0, 0, 0, 0, 0, 0, 7, 209])",
    );
    check(SqlType::Char { length: 2 }, false, &[b'a', 0, b' ', 0], "'a '");
    check(SqlType::Char { length: 2 }, true, &[2, 0, b'a', 0], "'a'");
    check(SqlType::NChar { length: 1 }, false, &[2, 0, b'a', 0], "'a'");
    check(SqlType::NVarChar { length: ten }, false, &[0, 0], "''");
    check(SqlType::VarChar { length: ten }, true, &[0xFF, 0xFF], "Null");
    check(SqlType::VarChar { length: max }, true, &[2, 0, 0, 0, 0, 0, 0, 0, b'a', 0], "'a'");
    check(SqlType::NVarChar { length: max }, true, &[0xFF; 8], "Null");
    check(SqlType::Text, true, &[2, 0, 0, 0, b'a', 0], "'a'");
    check(SqlType::NText, true, &[0xFF; 4], "Null");
    check(SqlType::Image, false, &[1, 0, 0, 0, 9], "Bytes([9])");
    check(SqlType::Binary { length: 2 }, false, &[2, 0, 8, 9], "Bytes([8, 9])");
    check(SqlType::VarBinary { length: ten }, false, &[1, 0, 9], "Bytes([9])");
    check(SqlType::VarBinary { length: max }, false, &[0; 8], "Bytes([])");
    check(SqlType::Xml, false, &[2, 0, 0, 0, 0, 0, 0, 0, b'x', 0], "'x'");
    check(SqlType::HierarchyId, true, &[1, 0, 0, 0, 0, 0, 0, 0, 0x58], "Bytes([88])");
    check(SqlType::Json, false, &[4, 0, 0, 0, 0, 0, 0, 0, b'[', 0, b']', 0], "'[]'");
    check(SqlType::Json, false, &[2, 0, 0, 0, 0, 0, 0, 0, b'[', b']'], "Utf8([91, 93])");
    let variant = [6, 0, 0, 0, 0, 0, 0, 0, 0x38, 0, 42, 0, 0, 0];
    check(
        SqlType::SqlVariant,
        true,
        &variant,
        "Variant(VariantValue { base_type: \"int\", value: Int(42) })",
    );
    let guid: Vec<u8> = (0..17).map(|byte| if byte == 0 { 16 } else { byte }).collect();
    check(
        SqlType::UniqueIdentifier,
        false,
        &guid,
        "Guid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])",
    );
    let mut decimal = vec![19, 38, 10, 0];
    decimal.extend(u128::to_le_bytes(12345));
    let expected = "Decimal { magnitude: [57, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], scale: 10, negative: true }";
    check(SqlType::Decimal { precision: 38, scale: 10 }, false, &decimal, expected);
    let offset = [0, 0, 0, 0, 0, 1, 0, 0, 60, 0];
    let expected = "DateTimeOffset { days: 1, ticks: 0, offset_minutes: 60 }";
    check(SqlType::DateTimeOffset { scale: 7 }, false, &offset, expected);
}

#[test]
fn rows_follow_each_other_and_computed_columns_are_not_there() {
    let computed = Column {
        computed: Some(mssql2pg_catalog::Computed { text: "1".into(), persisted: true }),
        ..Column::new("x", SqlType::Unknown { name: "unknown".into() })
    };
    let columns = vec![required(SqlType::Int), computed, Column::new("b", SqlType::TinyInt)];
    let rows = read(columns, &[1, 0, 0, 0, 1, 7, 2, 0, 0, 0, 0xFF]).unwrap();
    assert_eq!(rows, ["Int(1), Int(7)", "Int(2), Null"]);
}

#[test]
fn a_value_in_chunks_is_put_together() {
    let mut bytes = vec![0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    bytes.extend([2, 0, 0, 0, b'a', 0, 4, 0, 0, 0, b'b', 0, b'c', 0, 0, 0, 0, 0]);
    bytes.extend([2, 0, 0, 0, 0, 0, 0, 0, b'd', 0]);
    let rows = read(vec![required(SqlType::NVarChar { length: Length::MAX })], &bytes).unwrap();
    assert_eq!(rows, ["'abc'", "'d'"]);
}

#[test]
fn a_sink_that_has_enough_ends_the_reading() {
    let mut sink = Remember { stop_after: Some(2), ..Remember::default() };
    let plan = layout(&table(vec![required(SqlType::TinyInt)]), Choices::default());
    let count = read_rows(&[1u8, 2, 3, 4][..], 4, &plan, &mut sink).unwrap();
    assert_eq!((count, sink.rows.len()), (2, 2));
}

#[test]
fn a_part_that_ends_in_a_row_says_which() {
    let trouble =
        fail(vec![required(SqlType::Int), required(SqlType::Int)], &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]);
    assert!(
        matches!(trouble, Trouble { row: 1, column: 1, offset: 12, cause: Cause::EndsInRow }),
        "{trouble:?}"
    );
}

#[test]
fn bytes_that_cannot_be_the_type_are_refused() {
    let check = |column: Column, bytes: &[u8]| {
        let name = column.sql_type.to_string();
        let trouble = fail(vec![column], bytes);
        assert!(matches!(trouble.cause, Cause::Impossible(_)), "{name}: {trouble:?}");
    };
    let ten = Length::limited(10);
    check(Column::new("c", SqlType::Int), &[3, 1, 2, 3]);
    check(required(SqlType::Bit), &[0xFF]);
    check(required(SqlType::Bit), &[1, 2]);
    check(required(SqlType::NVarChar { length: ten }), &[3, 0, 1, 2, 3]);
    check(required(SqlType::NVarChar { length: Length::limited(1) }), &[4, 0, 1, 2, 3, 4]);
    check(required(SqlType::Binary { length: 3 }), &[2, 0, 1, 2]);
    check(required(SqlType::Date), &[0xFF, 0xFF, 0xFF]);
    check(required(SqlType::Time { scale: 7 }), &[0xFF; 5]);
    check(required(SqlType::DateTime), &[0, 0, 0, 0, 0, 0x82, 0x8B, 0x01]);
    check(required(SqlType::SmallDateTime), &[0, 0, 0xA0, 5]);
    let mut decimal = vec![19, 10, 3, 1];
    decimal.extend([0; 16]);
    check(required(SqlType::Decimal { precision: 10, scale: 2 }), &decimal);
}

#[test]
fn a_length_that_the_part_cannot_hold_takes_no_memory() {
    let mut bytes = (1u64 << 60).to_le_bytes().to_vec();
    bytes.extend([0; 10]);
    let trouble = fail(vec![required(SqlType::Xml)], &bytes);
    assert!(matches!(&trouble.cause, Cause::Impossible(what) if what.contains("10 left")), "{trouble:?}");

    // Even if the directory promises that many bytes, memory grows with what arrives only.
    let mut sink = Remember::default();
    let plan = layout(&table(vec![required(SqlType::Image)]), Choices::default());
    let trouble = read_rows(&[0xFE, 0xFF, 0xFF, 0xFF, 1, 2][..], u64::MAX, &plan, &mut sink).unwrap_err();
    assert!(matches!(trouble.cause, Cause::EndsInRow), "{trouble:?}");
}

#[test]
fn a_value_larger_than_the_buffer_arrives_whole() {
    let size = 3 * STEP_BYTES + 5;
    let mut bytes = (size as u32).to_le_bytes().to_vec();
    bytes.extend((0..size).map(|byte| byte as u8));
    bytes.extend([1, 0, 0, 0, 77]);
    struct Sizes(Vec<(usize, u8)>);
    impl RowSink for Sizes {
        fn value(&mut self, value: Value<'_>) {
            let Value::Bytes(bytes) = value else { panic!("bytes") };
            self.0.push((bytes.len(), bytes[bytes.len() - 1]));
        }
        fn end_row(&mut self) -> Result<(), Stop> {
            Ok(())
        }
    }
    let mut sink = Sizes(Vec::new());
    let plan = layout(&table(vec![required(SqlType::Image)]), Choices::default());
    // One byte a read: the window must not depend on how the bytes come.
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1009);
            self.0.read(&mut buffer[..count])
        }
    }
    read_rows(Slow(&bytes), bytes.len() as u64, &plan, &mut sink).unwrap();
    assert_eq!(sink.0, [(size, (size - 1) as u8), (1, 77)]);
}

#[test]
fn random_bytes_never_panic() {
    let types = [
        SqlType::Bit,
        SqlType::Int,
        SqlType::Decimal { precision: 10, scale: 2 },
        SqlType::DateTime2 { scale: 3 },
        SqlType::DateTimeOffset { scale: 6 },
        SqlType::Time { scale: 5 },
        SqlType::DateTime,
        SqlType::SmallDateTime,
        SqlType::NVarChar { length: Length::limited(10) },
        SqlType::NVarChar { length: Length::MAX },
        SqlType::Char { length: 3 },
        SqlType::Binary { length: 2 },
        SqlType::Image,
        SqlType::SqlVariant,
        SqlType::UniqueIdentifier,
        SqlType::Json,
        SqlType::RowVersion,
        SqlType::Money,
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut rows = 0;
    for _ in 0..10_000 {
        let columns = (0..1 + random() % 3)
            .map(|_| Column {
                nullable: random() % 2 == 0,
                ..Column::new("c", types[random() as usize % types.len()].clone())
            })
            .collect();
        // Small bytes are frequent: they pass for lengths.
        let bytes: Vec<_> = (0..random() % 64)
            .map(|_| if random() % 2 == 0 { random() % 5 } else { random() } as u8)
            .collect();
        rows += read(columns, &bytes).map_or(0, |rows| rows.len());
    }
    assert!(rows > 0, "some random bytes are rows");
}

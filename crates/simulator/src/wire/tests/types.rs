//! Every type, as Microsoft's client reads it.

use super::client::Client;
use super::fake::{Fake, column};
use super::start;
use crate::answer::AnswerColumn;
use mssql2pg_catalog::{CodePage, Length, SqlType, Value, VariantValue};

struct Case {
    sql_type: SqlType,
    collation: Option<&'static str>,
    value: Value<'static>,
    expected: String,
}

fn case(sql_type: SqlType, value: Value<'static>, expected: impl Into<String>) -> Case {
    Case { sql_type, collation: None, value, expected: expected.into() }
}

fn collated(sql_type: SqlType, collation: &'static str, value: Value<'static>, expected: &str) -> Case {
    Case { sql_type, collation: Some(collation), value, expected: format!("{expected:?}") }
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn decimal(value: i128, scale: u8) -> Value<'static> {
    Value::Decimal { magnitude: leak(value.unsigned_abs().to_le_bytes()), scale, negative: value < 0 }
}

fn variant(base_type: &'static str, value: Value<'static>) -> Value<'static> {
    Value::Variant(leak(VariantValue { base_type, value }))
}

fn varchar(length: u16) -> SqlType {
    SqlType::VarChar { length: Length::limited(length) }
}

fn numbers() -> Vec<Case> {
    let most = 10_i128.pow(38) - 1;
    vec![
        case(SqlType::Bit, Value::Bit(true), "Bit(true)"),
        case(SqlType::TinyInt, Value::Int(255), "TinyInt(255)"),
        case(SqlType::SmallInt, Value::Int(-32_768), "SmallInt(-32768)"),
        case(SqlType::Int, Value::Int(i64::from(i32::MIN)), "Int(-2147483648)"),
        case(SqlType::BigInt, Value::Int(i64::MIN), format!("BigInt({})", i64::MIN)),
        case(SqlType::Decimal { precision: 9, scale: 2 }, decimal(-12_345, 2), "decimal -12345 scale 2"),
        case(SqlType::Decimal { precision: 18, scale: 0 }, decimal(7, 0), "decimal +7 scale 0"),
        case(SqlType::Decimal { precision: 28, scale: 9 }, decimal(-1, 9), "decimal -1 scale 9"),
        case(
            SqlType::Decimal { precision: 38, scale: 10 },
            decimal(most, 10),
            format!("decimal +{most} scale 10"),
        ),
        case(SqlType::Money, Value::Money(i64::MIN), "Money(-2147483648, 0)"),
        case(SqlType::SmallMoney, Value::Money(-12_345), "SmallMoney(SqlSmallMoney { int_val: -12345 })"),
        case(SqlType::Real, Value::Real(-1.5), "Real(-1.5)"),
        case(SqlType::Float, Value::Float(1e300), "Float(1e300)"),
    ]
}

fn moments() -> Vec<Case> {
    let time = |ticks, scale| format!("SqlTime {{ time_nanoseconds: {ticks}, scale: {scale} }}");
    let last = 863_999_999_999_u64;
    let mut cases = vec![
        case(SqlType::Date, Value::Date(3_652_058), "Date(SqlDate { days_since_01_01_0001: 3652058 })"),
        case(
            SqlType::DateTime,
            Value::DateTime { days: -53_690, ticks: 25_919_999 },
            "DateTime(SqlDateTime { days: -53690, time: 25919999 })",
        ),
        case(
            SqlType::SmallDateTime,
            Value::DateTime2 { days: 693_595 + 65_535, ticks: 1439 * 600_000_000 },
            "SmallDateTime(SqlSmallDateTime { days: 65535, time: 1439 })",
        ),
    ];
    for scale in 0..=7_u8 {
        let ticks = last - last % 10_u64.pow(7 - u32::from(scale));
        cases.push(case(
            SqlType::Time { scale },
            Value::Time(ticks),
            format!("Time({})", time(ticks, scale)),
        ));
        cases.push(case(
            SqlType::DateTime2 { scale },
            Value::DateTime2 { days: 738_944, ticks },
            format!("DateTime2(SqlDateTime2 {{ days: 738944, time: {} }})", time(ticks, scale)),
        ));
        cases.push(case(
            SqlType::DateTimeOffset { scale },
            Value::DateTimeOffset { days: 1, ticks, offset_minutes: -840 },
            format!(
                "DateTimeOffset(SqlDateTimeOffset {{ datetime2: SqlDateTime2 {{ days: 1, time: {} }}, offset: -840 }})",
                time(ticks, scale)
            ),
        ));
    }
    cases
}

fn texts() -> Vec<Case> {
    let max = || SqlType::VarChar { length: Length::MAX };
    vec![
        case(SqlType::Char { length: 5 }, Value::Utf8(b"ab"), "\"ab   \""),
        case(varchar(20), Value::Utf8("naïve €".as_bytes()), "\"naïve €\""),
        case(varchar(20), Value::CodePage(&[0xe9, 0x80], CodePage(1252)), "\"é€\""),
        case(varchar(20), Value::Utf16(&[0xe9, 0]), "\"é\""),
        case(varchar(20), Value::Utf8(b""), "\"\""),
        case(max(), Value::Utf8("fünf".as_bytes()), "\"fünf\""),
        case(SqlType::Text, Value::Utf8("älter".as_bytes()), "\"älter\""),
        case(SqlType::NChar { length: 3 }, Value::Utf8("é".as_bytes()), "\"é  \""),
        case(
            SqlType::NVarChar { length: Length::limited(10) },
            Value::CodePage(&[0x93, 0xfa], CodePage(932)),
            "\"日\"",
        ),
        case(SqlType::NVarChar { length: Length::MAX }, Value::Utf8("😀 x".as_bytes()), "\"😀 x\""),
        case(SqlType::NText, Value::Utf8("ältest".as_bytes()), "\"ältest\""),
        case(SqlType::Xml, Value::Utf8("<a>é</a>".as_bytes()), "xml \"<a>é</a>\""),
        case(SqlType::Json, Value::Utf8(b"{\"a\":1}"), format!("{:?}", "{\"a\":1}")),
        case(
            SqlType::Vector { dimensions: 2 },
            Value::Bytes(&[0xa9, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf]),
            format!("{:?}", "[1.0000000e+000,-5.0000000e-001]"),
        ),
        collated(varchar(9), "Japanese_CI_AS", Value::Utf8("日本".as_bytes()), "日本"),
        collated(varchar(9), "Chinese_PRC_CI_AS", Value::Utf8("中文".as_bytes()), "中文"),
        collated(varchar(9), "Cyrillic_General_CI_AS", Value::Utf8("Привет".as_bytes()), "Привет"),
        collated(varchar(9), "Greek_BIN", Value::Utf8("αβγ".as_bytes()), "αβγ"),
        collated(varchar(9), "SQL_Latin1_General_CP437_CI_AS", Value::Utf8("≥Γ█".as_bytes()), "≥Γ█"),
        collated(varchar(9), "SQL_Latin1_General_CP850_CI_AS", Value::Utf8("ð×ı".as_bytes()), "ð×ı"),
        collated(varchar(9), "SQL_Polish_CP1250_CI_AS", Value::Utf8("Łódź".as_bytes()), "Łódź"),
        collated(varchar(30), "Latin1_General_100_CI_AS_SC_UTF8", Value::Utf8("😀é".as_bytes()), "😀é"),
    ]
}

fn others() -> Vec<Case> {
    let guid = leak(std::array::from_fn::<u8, 16, _>(|place| u8::try_from(place).unwrap()));
    let limited = |length| SqlType::VarBinary { length: Length::limited(length) };
    vec![
        case(SqlType::UniqueIdentifier, Value::Guid(guid), "Uuid(03020100-0504-0706-0809-0a0b0c0d0e0f)"),
        case(SqlType::Binary { length: 4 }, Value::Bytes(&[1, 2]), "[01, 02, 00, 00]"),
        case(limited(10), Value::Bytes(&[1, 2]), "[01, 02]"),
        case(SqlType::VarBinary { length: Length::MAX }, Value::Bytes(&[9; 3]), "[09, 09, 09]"),
        case(SqlType::Image, Value::Bytes(&[7, 8]), "[07, 08]"),
        case(
            SqlType::RowVersion,
            Value::Bytes(&[0, 0, 0, 0, 0, 0, 7, 0xd1]),
            "[00, 00, 00, 00, 00, 00, 07, d1]",
        ),
        case(SqlType::HierarchyId, Value::Bytes(&[0x58]), "[58]"),
        case(SqlType::Geography, Value::Bytes(&[0xe6, 0x10]), "[e6, 10]"),
        case(SqlType::Geometry, Value::Bytes(&[0, 0, 0]), "[00, 00, 00]"),
    ]
}

fn variants() -> Vec<Case> {
    let guid = leak([5_u8; 16]);
    let time = "SqlTime { time_nanoseconds: 10000, scale: 3 }";
    let of = |base, value, expected: &str| case(SqlType::SqlVariant, variant(base, value), expected);
    vec![
        of("int", Value::Int(-5), "Int(-5)"),
        of("bigint", Value::Int(5), "BigInt(5)"),
        of("smallint", Value::Int(5), "SmallInt(5)"),
        of("tinyint", Value::Int(5), "TinyInt(5)"),
        of("bit", Value::Bit(true), "Bit(true)"),
        of("real", Value::Real(0.5), "Real(0.5)"),
        of("float", Value::Float(0.25), "Float(0.25)"),
        of("money", Value::Money(1), "Money(0, 1)"),
        of("smallmoney", Value::Money(1), "SmallMoney(SqlSmallMoney { int_val: 1 })"),
        of("decimal(10,2)", decimal(-1234, 2), "decimal -1234 scale 2"),
        of("numeric(38,0)", decimal(1, 0), "decimal +1 scale 0"),
        of("date", Value::Date(1), "Date(SqlDate { days_since_01_01_0001: 1 })"),
        of("time(3)", Value::Time(10_000), &format!("Time({time})")),
        of(
            "datetime2(3)",
            Value::DateTime2 { days: 2, ticks: 10_000 },
            &format!("DateTime2(SqlDateTime2 {{ days: 2, time: {time} }})"),
        ),
        of(
            "datetimeoffset(3)",
            Value::DateTimeOffset { days: 2, ticks: 10_000, offset_minutes: 60 },
            &format!(
                "DateTimeOffset(SqlDateTimeOffset {{ datetime2: SqlDateTime2 {{ days: 2, time: {time} }}, offset: 60 }})"
            ),
        ),
        of(
            "datetime",
            Value::DateTime { days: 1, ticks: 300 },
            "DateTime(SqlDateTime { days: 1, time: 300 })",
        ),
        of(
            "smalldatetime",
            Value::DateTime2 { days: 693_596, ticks: 600_000_000 },
            "SmallDateTime(SqlSmallDateTime { days: 1, time: 1 })",
        ),
        of("uniqueidentifier", Value::Guid(guid), "Uuid(05050505-0505-0505-0505-050505050505)"),
        of("varchar(10)", Value::Utf8("é".as_bytes()), "\"é\""),
        of("char(3)", Value::Utf8(b"abc"), "\"abc\""),
        of("nvarchar(10)", Value::Utf8("日".as_bytes()), "\"日\""),
        of("nchar(1)", Value::Utf8("日".as_bytes()), "\"日\""),
        of("varbinary(10)", Value::Bytes(&[1]), "[01]"),
        of("binary(1)", Value::Bytes(&[1]), "[01]"),
    ]
}

fn all() -> Vec<Case> {
    [numbers(), moments(), texts(), others(), variants()].into_iter().flatten().collect()
}

fn columns(cases: &[Case], nullable: bool) -> Vec<AnswerColumn> {
    cases
        .iter()
        .enumerate()
        .map(|(place, case)| AnswerColumn {
            collation: case.collation.map(str::to_owned),
            ..column(&format!("c{place}"), case.sql_type.clone(), nullable)
        })
        .collect()
}

#[test]
fn every_type_arrives_as_it_was_sent() {
    let cases = all();
    let values: Vec<Value<'static>> = cases.iter().map(|case| case.value).collect();
    let nulls = vec![Value::Null; cases.len()];
    // Every other value is NULL, so that the bits of NBCROW are told apart.
    let mixed: Vec<Value<'static>> = values
        .iter()
        .enumerate()
        .map(|(place, value)| if place % 2 == 0 { *value } else { Value::Null })
        .collect();
    let mut fake = Fake::default();
    fake.results.insert("full".to_owned(), (columns(&cases, false), vec![values.clone(), values.clone()]));
    let rows = vec![values, nulls, mixed];
    fake.results.insert("nullable".to_owned(), (columns(&cases, true), rows));
    let simulator = start(fake);
    let mut client = Client::open(&simulator).unwrap();

    let expected: Vec<&str> = cases.iter().map(|case| case.expected.as_str()).collect();
    let full = client.ask("full").unwrap();
    assert_eq!(full.len(), 2);
    assert_eq!(full[0], expected);
    assert_eq!(full[1], expected);
    let nullable = client.ask("nullable").unwrap();
    assert_eq!(nullable[0], expected);
    assert!(nullable[1].iter().all(|value| value == "Null"), "{:?}", nullable[1]);
    for (place, value) in nullable[2].iter().enumerate() {
        assert_eq!(value, if place % 2 == 0 { expected[place] } else { "Null" }, "column {place}");
    }
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[test]
fn a_null_of_every_type_arrives_in_a_row_of_one_column() {
    let cases = all();
    let mut fake = Fake::default();
    for (place, one) in cases.iter().enumerate() {
        let columns = columns(std::slice::from_ref(one), true);
        let rows = vec![vec![Value::Null], vec![one.value], vec![Value::Null]];
        fake.results.insert(format!("t{place}"), (columns, rows));
    }
    let simulator = start(fake);
    let mut client = Client::open(&simulator).unwrap();
    for (place, one) in cases.iter().enumerate() {
        let rows = client.ask(&format!("t{place}")).unwrap();
        assert_eq!(rows, [["Null"], [one.expected.as_str()], ["Null"]], "{}", one.sql_type);
    }
}

#[test]
fn long_values_arrive_over_many_packets_and_chunks() {
    let text: &'static str = leak("Zeile € ".repeat(20_000)).as_str();
    let bytes: &'static [u8] =
        leak((0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<_>>()).as_slice();
    let sql_types = [
        SqlType::NVarChar { length: Length::MAX },
        SqlType::VarChar { length: Length::MAX },
        SqlType::NText,
        SqlType::Text,
        SqlType::Xml,
        SqlType::VarBinary { length: Length::MAX },
        SqlType::Image,
        SqlType::Geography,
    ];
    let row: Vec<Value<'static>> = sql_types
        .iter()
        .map(|sql_type| match sql_type {
            SqlType::VarBinary { .. } | SqlType::Image | SqlType::Geography => Value::Bytes(bytes),
            _ => Value::Utf8(text.as_bytes()),
        })
        .collect();
    let columns = sql_types.iter().map(|sql_type| column("c", sql_type.clone(), true)).collect();
    let mut fake = Fake::default();
    fake.results.insert("long".to_owned(), (columns, vec![row; 7]));
    let simulator = start(fake);
    for packet_size in [512, 4096, 32_764] {
        let mut client = Client::open_with(&simulator, |context| context.packet_size = packet_size).unwrap();
        for row in client.ask("long").unwrap() {
            for value in &row[..4] {
                assert!(*value == format!("{text:?}"), "a text differs");
            }
            assert!(row[4] == format!("xml {text:?}"), "xml differs");
            for value in &row[5..] {
                assert!(*value == format!("{bytes:02x?}"), "bytes differ");
            }
        }
    }
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[test]
fn what_a_column_cannot_hold_is_a_complaint_and_never_sent() {
    let wrong = [
        (varchar(5), Value::Utf8("日".as_bytes()), "column c0: page 1252 has no U+65E5"),
        (varchar(1), Value::Utf8(b"ab"), "column c0: a value of 2 bytes where 1 may be"),
        (SqlType::TinyInt, Value::Int(256), "column c0: a number that does not fit"),
        (SqlType::Int, Value::Null, "column c0: NULL where none may be"),
        (SqlType::Time { scale: 0 }, Value::Time(1), "column c0: a time with more digits than 0"),
        (SqlType::Int, Value::Utf8(b"1"), "column c0: a value of another type than Int(4)"),
    ];
    for (sql_type, value, expected) in wrong {
        let mut fake = Fake::default();
        fake.results.insert("wrong".to_owned(), (vec![column("c0", sql_type, false)], vec![vec![value]]));
        let simulator = start(fake);
        let mut client = Client::open(&simulator).unwrap();
        assert!(client.ask("wrong").is_err());
        // The complaint is made just after the connection was cut.
        let mut complaints = Vec::new();
        for _ in 0..100 {
            complaints = simulator.complaints();
            if !complaints.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(complaints, [expected]);
    }
}

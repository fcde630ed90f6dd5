//! The type table, one line per type and edge: a value, and the bytes that PostgreSQL must get.
//!
//! The bytes are written by hand, and those of numbers and times are what the send functions of
//! PostgreSQL 15 gave for the same text; the round trip through a real PostgreSQL is tested in the
//! crate `migrate`, `tests/round_trip.rs`.
//!
//! To extend: a line in the test of its family.

use mssql2pg_catalog::{CodePage, Length, ObjectName, RowSink, SqlType, Stop, Value, VariantValue};
use mssql2pg_mapping::digest::{ColumnDigests, CopyTuples, RowDigest, TableDigester};
use mssql2pg_mapping::encode::{CopyOutput, CopyRows, Encoder, LossKind, RejectedRow, SplitOutcome, text_of};
use mssql2pg_mapping::plan::{FidelityPlan, KeyPlan};
use mssql2pg_mapping::settings::{TextPolicy, Transform};
use mssql2pg_mapping::types::{pg_type, type_rule, yes_no_rule};
use mssql2pg_mapping::{ColumnPlan, TablePlan};

/// Keeps what it gets.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    chunks: usize,
    rows: u64,
    rejected: Vec<RejectedRow>,
}

impl CopyOutput for Kept {
    fn chunk(&mut self, bytes: &[u8], rows: u64) -> Result<(), Stop> {
        self.bytes.extend_from_slice(bytes);
        self.rows += rows;
        self.chunks += 1;
        Ok(())
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), Stop> {
        self.rejected.push(row);
        Ok(())
    }
}

fn column(name: &str, ordinal: usize, sql_type: &SqlType, wanted: Option<&str>) -> ColumnPlan {
    let rule = type_rule(sql_type, wanted).expect("a rule");
    ColumnPlan {
        source: name.to_owned(),
        source_type: sql_type.to_string(),
        source_ordinal: Some(ordinal),
        name: name.to_lowercase(),
        pg_type: pg_type(rule, sql_type),
        encoder: rule.encoder,
        comparison: rule.comparison,
        fidelity: FidelityPlan::Exact,
        nullable: true,
        identity: None,
        default: None,
        generated: None,
        transforms: Vec::new(),
        nul: TextPolicy::Reject,
        invalid_text: TextPolicy::Reject,
        replacement: "\u{FFFD}".to_owned(),
        comment: None,
    }
}

fn offset_of(value: &ColumnPlan) -> ColumnPlan {
    ColumnPlan {
        name: format!("{}_offset", value.name),
        pg_type: "smallint".to_owned(),
        encoder: Encoder::OffsetMinutes,
        ..value.clone()
    }
}

fn table(columns: Vec<ColumnPlan>, key: &[&str]) -> TablePlan {
    let primary_key = (!key.is_empty()).then(|| KeyPlan {
        source: "PK".to_owned(),
        name: "pk".to_owned(),
        columns: key.iter().map(|name| (*name).to_owned()).collect(),
        nulls_not_distinct: false,
    });
    TablePlan {
        source: ObjectName::new("dbo", "T"),
        schema: "public".to_owned(),
        name: "t".to_owned(),
        columns,
        primary_key,
        unique: Vec::new(),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        comment: None,
    }
}

fn send(table: &TablePlan, rows: &[&[Value<'_>]]) -> (Kept, SplitOutcome) {
    let mut kept = Kept::default();
    let mut copy = CopyRows::new(table, 64, &mut kept);
    for row in rows {
        row.iter().for_each(|value| copy.value(*value));
        copy.end_row().expect("taken");
    }
    let outcome = copy.finish().expect("taken");
    assert_eq!((outcome.bytes, outcome.rows), (kept.bytes.len() as u64, kept.rows));
    (kept, outcome)
}

/// The tuples of a stream.
fn tuples(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    let mut tuples = CopyTuples::new();
    tuples.push(bytes, &mut |row| rows.push(row.to_vec())).expect("a stream");
    tuples.finish().expect("a whole stream");
    rows
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// One value in a table of one column: the field's hex without its length, and its text.
fn one(column: &ColumnPlan, value: Value<'_>) -> Result<(String, String, SplitOutcome), String> {
    let table = table(vec![column.clone()], &[]);
    let (kept, outcome) = send(&table, &[&[value]]);
    if let Some(rejected) = kept.rejected.first() {
        assert_eq!((outcome.rows, outcome.rejected, kept.rejected.len()), (0, 1, 1));
        return Err(rejected.reason.clone());
    }
    let rows = tuples(&kept.bytes);
    assert_eq!((rows.len(), &rows[0][..2]), (1, &[0, 1][..]));
    let length = i32::from_be_bytes(rows[0][2..6].try_into().expect("four bytes"));
    assert_eq!(length, if length < 0 { -1 } else { rows[0].len() as i32 - 6 });
    let field = (length >= 0).then_some(&rows[0][6..]);
    Ok((field.map_or("null".to_owned(), hex), text_of(column, field), outcome))
}

/// `value` in a column of that type, or its alternative, becomes these bytes and this text.
fn check(sql_type: SqlType, wanted: Option<&str>, value: Value<'_>, bytes: &str, text: &str) {
    let found = one(&column("C", 0, &sql_type, wanted), value);
    let found = found.map(|(bytes, text, outcome)| (bytes, text, outcome.losses.len()));
    assert_eq!(found, Ok((bytes.replace(' ', ""), text.to_owned(), 0)), "{sql_type} {value:?}");
}

/// `value` is sent, and one loss is noted.
fn check_loss(sql_type: SqlType, value: Value<'_>, bytes: &str, text: &str, loss: LossKind) {
    let found = one(&column("C", 0, &sql_type, None), value).expect("sent");
    assert_eq!((found.0, found.1.as_str()), (bytes.replace(' ', ""), text));
    assert_eq!(found.2.losses.len(), 1);
    let found = &found.2.losses[0];
    assert_eq!((found.kind, found.count, found.samples.as_slice()), (loss, 1, &["row 1".to_owned()][..]));
}

/// `value` rejects its row, for a reason with these words.
fn refuse(sql_type: SqlType, wanted: Option<&str>, value: Value<'_>, words: &str) {
    let reason = one(&column("C", 0, &sql_type, wanted), value).expect_err("rejected");
    assert!(reason.contains(words), "{reason}");
}

fn magnitude(value: u128) -> [u8; 16] {
    value.to_le_bytes()
}

#[test]
fn null_has_no_bytes() {
    check(SqlType::Int, None, Value::Null, "null", "NULL");
    check(SqlType::NVarChar { length: Length::MAX }, None, Value::Null, "null", "NULL");
    let mut required = column("C", 0, &SqlType::Int, None);
    required.nullable = false;
    assert!(one(&required, Value::Null).expect_err("rejected").contains("NULL"));
}

#[test]
fn integers_and_bits() {
    check(SqlType::Bit, None, Value::Bit(true), "01", "t");
    check(SqlType::Bit, None, Value::Bit(false), "00", "f");
    check(SqlType::Bit, Some("smallint"), Value::Bit(true), "0001", "1");
    check(SqlType::Bit, Some("integer"), Value::Bit(true), "00000001", "1");
    check(SqlType::TinyInt, None, Value::Int(255), "00ff", "255");
    check(SqlType::TinyInt, Some("integer"), Value::Int(255), "000000ff", "255");
    check(SqlType::SmallInt, None, Value::Int(-32768), "8000", "-32768");
    refuse(SqlType::SmallInt, None, Value::Int(32768), "smallint");
    check(SqlType::Int, None, Value::Int(-2), "fffffffe", "-2");
    check(SqlType::Int, Some("int8"), Value::Int(-2), "fffffffffffffffe", "-2");
    refuse(SqlType::Int, None, Value::Int(1 << 31), "integer");
    check(SqlType::BigInt, None, Value::Int(i64::MIN), "8000000000000000", "-9223372036854775808");
    refuse(SqlType::Int, None, Value::Utf8(b"1"), "another type");
    refuse(SqlType::Int, None, Value::Bit(true), "another type");
}

#[test]
fn decimals_and_money() {
    let decimal = |precision, scale| SqlType::Decimal { precision, scale };
    let most = magnitude(10u128.pow(38) - 1);
    fn value(magnitude: &[u8; 16], scale: u8, negative: bool) -> Value<'_> {
        Value::Decimal { magnitude, scale, negative }
    }
    let one_thousand_and_a_half = magnitude(100_050);
    check(
        decimal(10, 2),
        None,
        value(&one_thousand_and_a_half, 2, true),
        "0002 0000 4000 0002 03e8 1388",
        "-1000.50",
    );
    check(decimal(10, 2), None, value(&magnitude(0), 2, true), "0000 0000 0000 0002", "0.00");
    check(decimal(5, 0), None, value(&magnitude(10_000), 0, false), "0001 0001 0000 0000 0001", "10000");
    check(decimal(9, 9), None, value(&magnitude(1), 9, false), "0001 fffd 0000 0009 03e8", "0.000000001");
    check(
        decimal(38, 0),
        None,
        value(&most, 0, false),
        "000a 0009 0000 0000 0063 270f 270f 270f 270f 270f 270f 270f 270f 270f",
        "99999999999999999999999999999999999999",
    );
    check(
        decimal(38, 38),
        None,
        value(&most, 38, true),
        "000a ffff 4000 0026 270f 270f 270f 270f 270f 270f 270f 270f 270f 26ac",
        "-0.99999999999999999999999999999999999999",
    );
    check(
        decimal(38, 1),
        None,
        value(&most, 1, false),
        "000b 0009 0000 0001 0009 270f 270f 270f 270f 270f 270f 270f 270f 270f 2328",
        "9999999999999999999999999999999999999.9",
    );
    refuse(decimal(5, 2), None, value(&magnitude(100_000), 2, false), "numeric(5,2)");
    check(SqlType::Money, None, Value::Money(-12_345), "0002 0000 4000 0004 0001 0929", "-1.2345");
    check(
        SqlType::Money,
        None,
        Value::Money(i64::MIN),
        "0005 0003 4000 0004 039a 0d2c 0170 1565 16b0",
        "-922337203685477.5808",
    );
    check(
        SqlType::SmallMoney,
        None,
        Value::Money(i64::from(i32::MAX)),
        "0003 0001 0000 0004 0015 128c 0e3f",
        "214748.3647",
    );
}

#[test]
fn floats() {
    check(SqlType::Real, None, Value::Real(-1.5), "bfc00000", "-1.5");
    check(SqlType::Real, None, Value::Real(f32::NAN), "7fc00000", "NaN");
    check(SqlType::Float, None, Value::Float(1e300), "7e37e43c8800759c", "1e+300");
    check(SqlType::Float, None, Value::Float(-0.0), "8000000000000000", "-0");
    check(SqlType::Float, None, Value::Float(f64::INFINITY), "7ff0000000000000", "Infinity");
}

#[test]
fn dates_and_times() {
    const LAST: u64 = 863_999_999_999;
    check(SqlType::Date, None, Value::Date(730_119), "00000000", "2000-01-01");
    check(SqlType::Date, None, Value::Date(0), "fff4dbf9", "0001-01-01");
    check(SqlType::Date, None, Value::Date(3_652_058), "002c95d3", "9999-12-31");
    refuse(SqlType::Date, None, Value::Date(-1), "1 to 9999");
    refuse(SqlType::Date, None, Value::Date(i32::MAX), "1 to 9999");
    check(SqlType::Time { scale: 7 }, None, Value::Time(10), "0000000000000001", "00:00:00.000001");
    check(SqlType::Time { scale: 0 }, None, Value::Time(863_990_000_000), "000000141dc81dc0", "23:59:59");
    check_loss(
        SqlType::Time { scale: 7 },
        Value::Time(LAST),
        "000000141dd75fff",
        "23:59:59.999999",
        LossKind::FractionCut,
    );
    refuse(SqlType::Time { scale: 7 }, None, Value::Time(LAST + 1), "24 hours");
    let noon = Value::DateTime2 { days: 730_120, ticks: 432_000_000_010 };
    check(SqlType::DateTime2 { scale: 7 }, None, noon, "0000001e2cc31001", "2000-01-02 12:00:00.000001");
    let end = Value::DateTime2 { days: 3_652_058, ticks: LAST };
    check_loss(
        SqlType::DateTime2 { scale: 7 },
        end,
        "0380e70b913b7fff",
        "9999-12-31 23:59:59.999999",
        LossKind::FractionCut,
    );
    check_loss(
        SqlType::DateTime2 { scale: 0 },
        end,
        "0380e70b912c3dc0",
        "9999-12-31 23:59:59",
        LossKind::FractionCut,
    );
    let before = Value::DateTime2 { days: 730_118, ticks: LAST };
    check_loss(
        SqlType::DateTime2 { scale: 7 },
        before,
        "ffffffffffffffff",
        "1999-12-31 23:59:59.999999",
        LossKind::FractionCut,
    );
    let first = Value::DateTime2 { days: 0, ticks: 0 };
    check(SqlType::DateTime2 { scale: 3 }, None, first, "ff1fe2ffc59c6000", "0001-01-01 00:00:00");
    let minute = Value::DateTime2 { days: 730_119, ticks: 600_000_000 };
    check(SqlType::SmallDateTime, None, minute, "0000000003938700", "2000-01-01 00:01:00");
    let datetime = |days, ticks| Value::DateTime { days, ticks };
    check(SqlType::DateTime, None, datetime(36_524, 1), "0000000000000bb8", "2000-01-01 00:00:00.003");
    check(SqlType::DateTime, None, datetime(36_524, 2), "0000000000001b58", "2000-01-01 00:00:00.007");
    check(
        SqlType::DateTime,
        None,
        datetime(36_523, 25_919_999),
        "fffffffffffff448",
        "1999-12-31 23:59:59.997",
    );
    refuse(SqlType::DateTime, None, datetime(36_524, 25_920_000), "24 hours");
    refuse(SqlType::DateTime, None, datetime(-53_691, 0), "1753");
}

#[test]
fn instants_and_offsets() {
    let instant = |offset_minutes| Value::DateTimeOffset { days: 730_119, ticks: 10, offset_minutes };
    let sql_type = SqlType::DateTimeOffset { scale: 7 };
    let text = "2000-01-01 00:00:00.000001+00";
    check(sql_type.clone(), None, instant(0), "0000000000000001", text);
    check_loss(sql_type.clone(), instant(120), "0000000000000001", text, LossKind::OffsetDropped);
    let day_before = Value::DateTimeOffset { days: -1, ticks: 0, offset_minutes: 0 };
    check(sql_type.clone(), None, day_before, "ff1fe2eba7c50000", "0001-12-31 00:00:00+00 BC");

    let value = column("At", 0, &sql_type, Some("timestamptz+offset"));
    assert_eq!(value.pg_type, "timestamptz(6)");
    let table = table(vec![value.clone(), offset_of(&value), column("N", 1, &SqlType::Int, None)], &[]);
    let (kept, outcome) = send(&table, &[&[instant(-330), Value::Int(7)], &[instant(841), Value::Int(8)]]);
    let expected = "0003 00000008 0000000000000001 00000002 feb6 00000004 00000007".replace(' ', "");
    let rows: Vec<String> = tuples(&kept.bytes).iter().map(|row| hex(row)).collect();
    assert_eq!(rows, [expected]);
    assert!(outcome.losses.is_empty());
    assert_eq!(
        (kept.rejected[0].column.as_str(), kept.rejected[0].row[2].1.as_str()),
        ("at_offset", Some("8"))
    );
}

#[test]
fn text_of_all_kinds() {
    let nvarchar = |length| SqlType::NVarChar { length: Length::limited(length) };
    check(nvarchar(9), None, Value::Utf16(&utf16("aé€😀")), "61 c3a9 e282ac f09f9880", "aé€😀");
    check(nvarchar(9), None, Value::Utf16(&[]), "", "");
    check(SqlType::NText, None, Value::Utf8("Zoë".as_bytes()), "5a6fc3ab", "Zoë");
    let varchar = SqlType::VarChar { length: Length::limited(3) };
    check(varchar.clone(), None, Value::CodePage(b"\x80\xE9x", CodePage(1252)), "e282ac c3a9 78", "€éx");
    refuse(varchar.clone(), None, Value::CodePage(b"x", CodePage(77)), "code page 77");
    refuse(varchar.clone(), None, Value::Utf8(b"abc "), "4 characters");
    check(varchar, Some("text"), Value::Utf8(b"abc "), "61626320", "abc ");
    check(SqlType::NChar { length: 4 }, None, Value::Utf16(&utf16("a😀")), "61 f09f9880 2020", "a😀  ");
    check(SqlType::Char { length: 2 }, None, Value::Utf8(b""), "2020", "  ");
    check(SqlType::Char { length: 2 }, Some("text"), Value::Utf8(b"a "), "6120", "a ");
    refuse(SqlType::Char { length: 2 }, None, Value::Utf8(b"abc"), "3 characters");
    refuse(nvarchar(9), None, Value::Utf16(&utf16("a\0b")), "NUL");
    refuse(nvarchar(9), None, Value::Utf16(&[0, 0xD8]), "lone surrogate");
    refuse(nvarchar(9), None, Value::Utf16(&[0x41]), "odd number");
    let large = "x".repeat(2_000_000);
    let (bytes, text, _) =
        one(&column("C", 0, &SqlType::NText, None), Value::Utf16(&utf16(&large))).expect("sent");
    assert_eq!((bytes.len(), text == large), (4_000_000, true));
}

#[test]
fn text_policies_are_counted() {
    let check = |policy, value: &str, expected: &str, kind| {
        let mut column = column("C", 0, &SqlType::NVarChar { length: Length::limited(9) }, None);
        (column.nul, column.invalid_text) = (policy, policy);
        let units: Vec<u8> = if value.is_empty() { vec![0x41, 0, 0, 0xD8] } else { utf16(value) };
        let (_, text, outcome) = one(&column, Value::Utf16(&units)).expect("sent");
        assert_eq!((text.as_str(), outcome.losses.len(), outcome.losses[0].kind), (expected, 1, kind));
    };
    check(TextPolicy::Replace, "a\0", "a\u{FFFD}", LossKind::NulReplaced);
    check(TextPolicy::Strip, "a\0", "a", LossKind::NulStripped);
    check(TextPolicy::Replace, "", "A\u{FFFD}", LossKind::InvalidTextReplaced);
    check(TextPolicy::Strip, "", "A", LossKind::InvalidTextStripped);
}

#[test]
fn transforms_are_counted() {
    let check =
        |sql_type: SqlType, transforms: &[Transform], value: &str, expected: &str, kinds: &[LossKind]| {
            let mut column = column("C", 0, &sql_type, None);
            if transforms.contains(&Transform::YesNo) {
                (column.encoder, column.pg_type) = (yes_no_rule().encoder, yes_no_rule().to.to_owned());
            }
            column.transforms = transforms.to_vec();
            let (_, text, outcome) = one(&column, Value::Utf16(&utf16(value))).expect("sent");
            let found: Vec<LossKind> = outcome.losses.iter().map(|loss| loss.kind).collect();
            assert_eq!((text.as_str(), found.as_slice()), (expected, kinds), "{value}");
        };
    use Transform::{Lower, NullIfEmpty, Trim, Upper, YesNo};
    let text = || SqlType::NVarChar { length: Length::limited(9) };
    check(text(), &[Trim], " a b ", "a b", &[LossKind::Trimmed]);
    check(text(), &[Trim], "a b", "a b", &[]);
    check(text(), &[Trim, NullIfEmpty], "  ", "NULL", &[LossKind::Trimmed, LossKind::EmptyToNull]);
    check(text(), &[NullIfEmpty], "  ", "  ", &[]);
    check(text(), &[Lower], "ÄB", "äb", &[LossKind::Lowered]);
    check(text(), &[Upper], "äb1", "ÄB1", &[LossKind::Uppered]);
    check(text(), &[Trim, YesNo], " Yes", "t", &[LossKind::Trimmed, LossKind::FlagToBoolean]);
    check(text(), &[YesNo], "N", "f", &[LossKind::FlagToBoolean]);
    check(SqlType::Char { length: 3 }, &[Trim], "a  ", "a  ", &[]);
    check(SqlType::Char { length: 3 }, &[Trim], " a ", "a  ", &[LossKind::Trimmed]);
    check(SqlType::Char { length: 3 }, &[NullIfEmpty], "   ", "NULL", &[LossKind::EmptyToNull]);
    let mut flag = column("C", 0, &text(), None);
    (flag.encoder, flag.transforms) = (Encoder::YesNo, vec![Transform::YesNo]);
    assert!(one(&flag, Value::Utf8(b"maybe")).expect_err("rejected").contains("yes"));
}

#[test]
fn bytes_and_identifiers() {
    check(SqlType::VarBinary { length: Length::MAX }, None, Value::Bytes(&[0, 255]), "00ff", "\\x00ff");
    check(SqlType::Image, None, Value::Bytes(&[]), "", "\\x");
    check(SqlType::Unknown { name: "dbo.P".to_owned() }, None, Value::Bytes(&[9]), "09", "\\x09");
    let version = Value::Bytes(&[0, 0, 0, 0, 0, 0, 7, 0xD1]);
    check(SqlType::RowVersion, None, version, "00000000000007d1", "\\x00000000000007d1");
    check(SqlType::RowVersion, Some("bigint"), version, "00000000000007d1", "2001");
    refuse(SqlType::RowVersion, Some("bigint"), Value::Bytes(&[1]), "eight bytes");
    let guid =
        [0xFF, 0x19, 0x96, 0x6F, 0x86, 0x8B, 0x11, 0xD0, 0xB4, 0x2D, 0x00, 0xC0, 0x4F, 0xC9, 0x64, 0xFF];
    let text = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
    check(SqlType::UniqueIdentifier, None, Value::Guid(&guid), &text.replace('-', ""), text);
    check(SqlType::UniqueIdentifier, Some("text"), Value::Guid(&guid), &hex(text.as_bytes()), text);
}

#[test]
fn xml_and_json() {
    let as_text = |text: &str| hex(text.as_bytes());
    check(SqlType::Xml, None, Value::Utf16(&utf16("<a>é</a>")), &as_text("<a>é</a>"), "<a>é</a>");
    check_loss(
        SqlType::Xml,
        Value::Utf8(b"<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>"),
        &as_text("<a/>"),
        "<a/>",
        LossKind::XmlDeclarationDropped,
    );
    check(
        SqlType::Json,
        None,
        Value::Utf8(b"{\"a\": 1}"),
        &format!("01{}", as_text("{\"a\": 1}")),
        "{\"a\": 1}",
    );
    check(SqlType::Json, Some("json"), Value::Utf8(b"[ ]"), &as_text("[ ]"), "[ ]");
    refuse(SqlType::Json, None, Value::Utf8(b"\"\\u0000\""), "NUL");
    refuse(SqlType::Json, Some("json"), Value::Utf8(b"{"), "not JSON");
    check(SqlType::Json, Some("text"), Value::Utf8(b"{"), "7b", "{");
}

#[test]
fn variants() {
    let check = |base_type: &str, value: Value<'_>, text: &str, json: &str| {
        let variant = VariantValue { base_type, value };
        let found = one(&column("C", 0, &SqlType::SqlVariant, None), Value::Variant(&variant)).expect("sent");
        assert_eq!((found.0, found.1.as_str()), (hex(text.as_bytes()), text));
        let found = one(&column("C", 0, &SqlType::SqlVariant, Some("jsonb")), Value::Variant(&variant))
            .expect("sent");
        let json = format!("{{\"type\":\"{base_type}\",\"value\":{json}}}");
        assert_eq!((found.0, found.1), (format!("01{}", hex(json.as_bytes())), json));
    };
    check("int", Value::Int(-7), "-7", "-7");
    check("bit", Value::Bit(true), "t", "true");
    let magnitude = magnitude(150);
    check(
        "decimal(5,2)",
        Value::Decimal { magnitude: &magnitude, scale: 2, negative: false },
        "1.50",
        "1.50",
    );
    check("nvarchar(9)", Value::Utf16(&utf16("a\"b")), "a\"b", "\"a\\\"b\"");
    let moment = Value::DateTime2 { days: 730_119, ticks: 1 };
    check("datetime2(7)", moment, "2000-01-01 00:00:00.0000001", "\"2000-01-01 00:00:00.0000001\"");
    check("varbinary(2)", Value::Bytes(&[1, 2]), "\\x0102", "\"\\\\x0102\"");
    check("float", Value::Float(1e300), "1e+300", "1e+300");
    check("float", Value::Float(f64::NAN), "NaN", "\"NaN\"");
    let inner = VariantValue { base_type: "int", value: Value::Int(1) };
    let outer = VariantValue { base_type: "sql_variant", value: Value::Variant(&inner) };
    refuse(SqlType::SqlVariant, None, Value::Variant(&outer), "sql_variant in a sql_variant");
    let nul = VariantValue { base_type: "varchar(3)", value: Value::Utf8(b"a\0b") };
    refuse(SqlType::SqlVariant, Some("jsonb"), Value::Variant(&nul), "NUL");
}

#[test]
fn hierarchies_shapes_and_vectors() {
    check(SqlType::HierarchyId, None, Value::Bytes(&[0x5A, 0xC0]), &hex(b"/1/1/"), "/1/1/");
    check(SqlType::HierarchyId, Some("bytea"), Value::Bytes(&[0x5A, 0xC0]), "5ac0", "\\x5ac0");
    refuse(SqlType::HierarchyId, None, Value::Bytes(&[0xFF]), "not a hierarchyid");
    let mut point = vec![0xE6, 0x10, 0, 0, 1, 0x0C];
    [47.5f64, -122.25].iter().for_each(|double| point.extend(double.to_le_bytes()));
    let ewkb = "0101000020e61000000000000000905ec00000000000c04740";
    check(SqlType::Geography, None, Value::Bytes(&point), ewkb, &format!("\\x{ewkb}"));
    check(SqlType::Geography, Some("geometry"), Value::Bytes(&point), ewkb, &format!("\\x{ewkb}"));
    let text = "SRID=4326;POINT(-122.25 47.5)";
    check(SqlType::Geography, Some("text"), Value::Bytes(&point), &hex(text.as_bytes()), text);
    let text = "SRID=4326;POINT(47.5 -122.25)";
    check(SqlType::Geometry, Some("text"), Value::Bytes(&point), &hex(text.as_bytes()), text);
    refuse(SqlType::Geometry, None, Value::Bytes(&[1]), "not a geography or geometry");

    let vector = SqlType::Vector { dimensions: 2 };
    let floats: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|float| float.to_le_bytes()).collect();
    let whole = [&[0xA9, 1, 2, 0, 0, 0, 0, 0][..], &floats].concat();
    let array = "00000001 00000000 000002bc 00000002 00000001 00000004 3fc00000 00000004 c0000000";
    check(vector.clone(), None, Value::Bytes(&whole), array, "{1.5,-2}");
    check(vector.clone(), None, Value::Bytes(&floats), array, "{1.5,-2}");
    check(vector.clone(), None, Value::Utf8(b"[1.5,-2.0]"), array, "{1.5,-2}");
    check(vector.clone(), Some("vector"), Value::Bytes(&whole), "0002 0000 3fc00000 c0000000", "[1.5,-2]");
    check(vector.clone(), Some("bytea"), Value::Bytes(&whole), &hex(&whole), &format!("\\x{}", hex(&whole)));
    refuse(vector.clone(), None, Value::Bytes(&whole[..11]), "not a vector");
    refuse(vector.clone(), None, Value::Utf8(b"[1]"), "dimensions");
    refuse(SqlType::Vector { dimensions: 3 }, None, Value::Bytes(&whole), "not a vector");
    let half = [0xA9, 1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    refuse(vector, None, Value::Bytes(&half), "32-bit");
}

fn orders() -> TablePlan {
    let text = SqlType::NVarChar { length: Length::limited(20) };
    let mut columns = vec![
        column("Note", 0, &text, None),
        column("OrderID", 1, &SqlType::Int, None),
        column("Line", 3, &SqlType::Int, None),
    ];
    columns[0].invalid_text = TextPolicy::Replace;
    table(columns, &["orderid", "line"])
}

#[test]
fn a_stream_has_header_rows_and_trailer() {
    let (kept, outcome) = send(&orders(), &[&[Value::Null, Value::Int(1), Value::Int(99), Value::Int(2)]]);
    let expected = "5047434f50590aff0d0a00 00000000 00000000 \
                    0003 ffffffff 00000004 00000001 00000004 00000002 ffff";
    assert_eq!(hex(&kept.bytes), expected.replace(' ', ""));
    assert_eq!((outcome.rows, outcome.rejected, outcome.digest.rows), (1, 0, 1));
    let (kept, outcome) = send(&orders(), &[]);
    assert_eq!((kept.bytes.len(), outcome.digest), (21, RowDigest::default()));
}

#[test]
fn rejected_rows_leave_no_bytes_and_can_be_read() {
    let bad = utf16("a\0b");
    let good = utf16("ok");
    let rows: [&[Value<'_>]; 4] = [
        &[Value::Utf16(&bad), Value::Int(7), Value::Null, Value::Int(2)],
        &[Value::Utf16(&good), Value::Int(8), Value::Null, Value::Int(3)],
        &[Value::Utf16(&good), Value::Int(1 << 40), Value::Null, Value::Int(4)],
        &[Value::Utf16(&good), Value::Int(9)],
    ];
    let (kept, outcome) = send(&orders(), &rows);
    assert_eq!((outcome.rows, outcome.rejected, tuples(&kept.bytes).len()), (1, 3, 1));
    let lines: Vec<String> =
        kept.rejected.iter().map(|row| serde_json::to_string(row).expect("JSON")).collect();
    assert_eq!(
        lines[0],
        r#"{"key":"OrderID=7, Line=2","column":"Note","reason":"the text has a NUL character","row":{"Note":"a\\u0000b","OrderID":"7","Line":"2"}}"#
    );
    assert_eq!(
        (kept.rejected[1].key.as_str(), kept.rejected[1].column.as_str()),
        ("OrderID=1099511627776, Line=4", "OrderID")
    );
    assert_eq!(kept.rejected[2].reason, "the row has 2 values, its table 4");
}

#[test]
fn losses_have_the_keys_of_up_to_ten_rows() {
    let bad = [0x00, 0xD8];
    let rows: Vec<[Value<'_>; 4]> =
        (1..=12).map(|id| [Value::Utf16(&bad), Value::Int(id), Value::Null, Value::Int(2)]).collect();
    let rows: Vec<&[Value<'_>]> = rows.iter().map(|row| &row[..]).collect();
    let (_, outcome) = send(&orders(), &rows);
    let [loss] = outcome.losses.as_slice() else { panic!("one loss") };
    assert_eq!((loss.column.as_str(), loss.count, loss.samples.len()), ("Note", 12, 10));
    assert_eq!(
        (loss.samples[0].as_str(), loss.samples[9].as_str()),
        ("OrderID=1, Line=2", "OrderID=10, Line=2")
    );
}

#[test]
fn a_row_without_its_end_is_rejected() {
    let table = orders();
    let mut kept = Kept::default();
    let mut copy = CopyRows::new(&table, 64, &mut kept);
    copy.value(Value::Null);
    let outcome = copy.finish().expect("taken");
    assert_eq!((outcome.rows, outcome.rejected), (0, 1));
    assert_eq!(tuples(&kept.bytes).len(), 0);
}

#[test]
fn an_output_that_wants_no_more_stops_the_stream() {
    struct Full;
    impl CopyOutput for Full {
        fn chunk(&mut self, _: &[u8], _: u64) -> Result<(), Stop> {
            Err(Stop)
        }
        fn rejected(&mut self, _: RejectedRow) -> Result<(), Stop> {
            Err(Stop)
        }
    }
    let table = orders();
    let mut full = Full;
    let mut copy = CopyRows::new(&table, 1, &mut full);
    (0..4).for_each(|_| copy.value(Value::Null));
    assert_eq!(copy.end_row(), Err(Stop));
}

#[test]
fn digests_do_not_depend_on_order_but_on_everything_else() {
    let table = orders();
    let row =
        |note: &'static [u8], id, line| [Value::Utf8(note), Value::Int(id), Value::Null, Value::Int(line)];
    let digest = |rows: &[[Value<'_>; 4]]| {
        let rows: Vec<&[Value<'_>]> = rows.iter().map(|row| &row[..]).collect();
        let (kept, outcome) = send(&table, &rows);
        let (mut digester, mut columns) = (TableDigester::new(&table), ColumnDigests::new(&table));
        for row in tuples(&kept.bytes) {
            digester.row(&row);
            columns.row(&row);
        }
        assert_eq!(digester.digest(), outcome.digest);
        (outcome.digest, columns)
    };
    let (a, b, c) = (row(b"a", 1, 1), row(b"b", 2, 1), row(b"c", 3, 1));
    let (whole, whole_columns) = digest(&[a, b, c]);
    let (turned, turned_columns) = digest(&[c, a, b]);
    assert_eq!(whole, turned);
    assert!(whole_columns.differing(&turned_columns).is_empty());
    assert_ne!(whole.sum, digest(&[a, b, b]).0.sum);
    assert_ne!(digest(&[a, a, b, b]).0.sum, digest(&[a, a, c, c]).0.sum);
    let (swapped, swapped_columns) = digest(&[row(b"b", 1, 1), row(b"a", 2, 1), c]);
    assert_ne!(whole, swapped);
    assert_eq!(whole_columns.differing(&swapped_columns), ["Note"]);
    let mut merged = digest(&[a]).0;
    merged.merge(&digest(&[b, c]).0);
    assert_eq!(merged, whole);
    let text = serde_json::to_string(&whole).expect("JSON");
    assert_eq!(serde_json::from_str::<RowDigest>(&text).expect("a digest"), whole);
    assert!(text.contains(&format!("\"{:032x}\"", whole.sum)));
}

#[test]
fn xml_and_jsonb_compare_by_what_postgresql_keeps() {
    let table = table(
        vec![
            column("X", 0, &SqlType::Xml, None),
            column("J", 1, &SqlType::Json, None),
            column("I", 2, &SqlType::Int, None),
        ],
        &["i"],
    );
    let digest = |xml: &str, json: &str| {
        let row = [Value::Utf8(xml.as_bytes()), Value::Utf8(json.as_bytes()), Value::Int(1)];
        send(&table, &[&row]).1.digest
    };
    let sent = digest("\n\n<a/>", "{\"b\":1.0,\"a\":[1e2]}");
    assert_eq!(sent, digest("\n<a/>", "{\"a\": [100], \"b\": 1}"));
    assert_ne!(sent, digest("<a />", "{\"a\": [100], \"b\": 1}"));
    assert_ne!(sent, digest("<a/>", "{\"a\": [100], \"b\": 2}"));
    let null = send(&table, &[&[Value::Null, Value::Null, Value::Int(1)]]).1.digest;
    assert_ne!(sent, null);
}

#[test]
fn an_outcome_is_read_back_from_json() {
    let bad = [0x00, 0xD8];
    let (_, outcome) = send(&orders(), &[&[Value::Utf16(&bad), Value::Int(1), Value::Null, Value::Int(2)]]);
    let text = serde_json::to_string(&outcome).expect("JSON");
    assert!(text.contains("\"kind\":\"invalid-text-replaced\""), "{text}");
    assert_eq!(serde_json::from_str::<SplitOutcome>(&text).expect("an outcome"), outcome);
}

#[test]
fn large_chunks_are_cut_at_whole_rows() {
    let table = orders();
    let rows = vec![[Value::Null, Value::Int(1), Value::Null, Value::Int(2)]; 100];
    let rows: Vec<&[Value<'_>]> = rows.iter().map(|row| &row[..]).collect();
    let (kept, outcome) = send(&table, &rows);
    assert_eq!((tuples(&kept.bytes).len(), outcome.rows), (100, 100));
    assert!(kept.chunks > 20, "{}", kept.chunks);
}

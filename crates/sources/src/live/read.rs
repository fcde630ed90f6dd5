//! Rows from the wire into a [`RowSink`]: borrowed values, in the order of the table's columns.
//!
//! Invariant: a value is handed on exactly as the server means it; what we cannot read is an error that names the type.
//! A column that stands elsewhere in the result than in the table waits, the others pass through without a copy.

use super::connect::Rows;
use super::select::{Select, WireColumn};
use mssql_tds::datatypes::column_values::{
    SqlDate, SqlDateTime, SqlDateTime2, SqlDateTimeOffset, SqlMoney, SqlSmallDateTime, SqlSmallMoney,
    SqlTime, SqlXml,
};
use mssql_tds::datatypes::decoder::DecimalParts;
use mssql_tds::datatypes::row_writer::RowWriter;
use mssql_tds::datatypes::sql_json::SqlJson;
use mssql_tds::datatypes::sql_string::EncodingType;
use mssql_tds::datatypes::sql_vector::SqlVector;
use mssql_tds::datatypes::sqldatatypes::TdsDataType;
use mssql_tds::query::metadata::{ColumnMetadata, PlpEncoding};
use mssql2pg_catalog::{CodePage, RowSink, Value, VariantValue};
use std::borrow::Cow;
use uuid::Uuid;

/// Days from 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: i32 = 693_595;
/// 100 ns in a minute.
const TICKS_PER_MINUTE: u64 = 600_000_000;

/// Takes the wire's values of one table and gives them to `sink`. Made for each split.
pub(crate) struct TableRows<'a> {
    sink: &'a mut dyn RowSink,
    columns: &'a [WireColumn],
    /// The stored column that the sink takes next.
    next: usize,
    /// By stored column: what came before its turn.
    waiting: Vec<Option<Waiting>>,
    variant_base: Option<TdsDataType>,
    variant_bytes: Option<i32>,
    /// Memory for the name of a variant's base type.
    base_type: String,
    rows: u64,
    trouble: Option<String>,
}

/// A value that waits for its turn.
enum Waiting {
    Plain(Value<'static>),
    Decimal { magnitude: [u8; 16], scale: u8, negative: bool },
    Guid([u8; 16]),
    Utf16(Vec<u8>),
    CodePage(Vec<u8>, CodePage),
    Utf8(Vec<u8>),
    Bytes(Vec<u8>),
    Variant(String, Box<Waiting>),
}

impl Waiting {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Plain(Value::Null),
            Value::Bit(bit) => Self::Plain(Value::Bit(bit)),
            Value::Int(number) => Self::Plain(Value::Int(number)),
            Value::Real(number) => Self::Plain(Value::Real(number)),
            Value::Float(number) => Self::Plain(Value::Float(number)),
            Value::Money(units) => Self::Plain(Value::Money(units)),
            Value::Date(days) => Self::Plain(Value::Date(days)),
            Value::Time(ticks) => Self::Plain(Value::Time(ticks)),
            Value::DateTime2 { days, ticks } => Self::Plain(Value::DateTime2 { days, ticks }),
            Value::DateTime { days, ticks } => Self::Plain(Value::DateTime { days, ticks }),
            Value::DateTimeOffset { days, ticks, offset_minutes } => {
                Self::Plain(Value::DateTimeOffset { days, ticks, offset_minutes })
            }
            Value::Decimal { magnitude, scale, negative } => {
                Self::Decimal { magnitude: *magnitude, scale, negative }
            }
            Value::Guid(guid) => Self::Guid(*guid),
            Value::Utf16(bytes) => Self::Utf16(bytes.to_vec()),
            Value::CodePage(bytes, page) => Self::CodePage(bytes.to_vec(), page),
            Value::Utf8(bytes) => Self::Utf8(bytes.to_vec()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Variant(variant) => {
                Self::Variant(variant.base_type.to_owned(), Box::new(Self::of(variant.value)))
            }
        }
    }

    fn give(&self, take: &mut dyn FnMut(Value<'_>)) {
        match self {
            Self::Plain(value) => take(*value),
            Self::Decimal { magnitude, scale, negative } => {
                take(Value::Decimal { magnitude, scale: *scale, negative: *negative });
            }
            Self::Guid(guid) => take(Value::Guid(guid)),
            Self::Utf16(bytes) => take(Value::Utf16(bytes)),
            Self::CodePage(bytes, page) => take(Value::CodePage(bytes, *page)),
            Self::Utf8(bytes) => take(Value::Utf8(bytes)),
            Self::Bytes(bytes) => take(Value::Bytes(bytes)),
            Self::Variant(base_type, inner) => {
                inner.give(&mut |value| take(Value::Variant(&VariantValue { base_type, value })));
            }
        }
    }
}

impl<'a> TableRows<'a> {
    /// Rows of the table that `select` was made for.
    pub(crate) fn new(select: &'a Select, sink: &'a mut dyn RowSink) -> Self {
        Self {
            sink,
            columns: &select.columns,
            next: 0,
            waiting: (0..select.stored).map(|_| None).collect(),
            variant_base: None,
            variant_bytes: None,
            base_type: String::new(),
            rows: 0,
            trouble: None,
        }
    }

    /// Takes a whole value of a `max` type, as the wire has it.
    pub(crate) fn large(&mut self, col: usize, about: &ColumnMetadata, bytes: &[u8]) {
        match about.plp_encoding() {
            Some(PlpEncoding::Utf16Text) if about.data_type == TdsDataType::Xml => {
                self.place(col, Value::Utf16(without_mark(bytes)));
            }
            Some(PlpEncoding::Utf16Text) => self.place(col, Value::Utf16(bytes)),
            Some(PlpEncoding::Utf8Text) => self.place(col, Value::Utf8(bytes)),
            Some(PlpEncoding::SingleByteText) => match self.page(col, EncodingType::DelayedSet) {
                CodePage(65001) => self.place(col, Value::Utf8(bytes)),
                page => self.place(col, Value::CodePage(bytes, page)),
            },
            Some(PlpEncoding::Binary) | None => self.place(col, Value::Bytes(bytes)),
        }
    }

    /// Takes a NULL.
    pub(crate) fn null(&mut self, col: usize) {
        self.place(col, Value::Null);
    }

    /// How many rows were handed on, and what could not be read, if anything.
    pub(crate) fn finish(self) -> (u64, Option<String>) {
        (self.rows, self.trouble)
    }

    #[inline]
    fn put(&mut self, col: usize, value: Value<'_>) {
        if self.variant_base.is_some() {
            return self.put_variant(col, value);
        }
        self.place(col, value);
    }

    #[inline]
    fn place(&mut self, col: usize, value: Value<'_>) {
        match self.columns.get(col) {
            Some(WireColumn::Value { stored, .. }) if *stored == self.next => {
                self.sink.value(value);
                self.next += 1;
                if self.next < self.waiting.len() {
                    self.wake();
                }
            }
            Some(WireColumn::Value { stored, .. }) => {
                if let Some(slot) = self.waiting.get_mut(*stored) {
                    *slot = Some(Waiting::of(value));
                }
            }
            Some(WireColumn::VariantLength) => {
                self.variant_bytes = match value {
                    Value::Int(bytes) => i32::try_from(bytes).ok(),
                    _ => None,
                };
            }
            None => self.trouble = Some("a row has more values than its result has columns".to_owned()),
        }
    }

    /// Hands on what was waiting for this turn.
    #[inline]
    fn wake(&mut self) {
        while let Some(waiting) = self.waiting.get_mut(self.next).and_then(Option::take) {
            let sink = &mut *self.sink;
            waiting.give(&mut |value| sink.value(value));
            self.next += 1;
        }
    }

    /// A value inside a `sql_variant`, whose base type was told just before.
    #[cold]
    fn put_variant(&mut self, col: usize, value: Value<'_>) {
        let Some(base) = self.variant_base.take() else { return };
        let mut name = std::mem::take(&mut self.base_type);
        name.clear();
        match variant_name(base, &value, self.variant_bytes.take()) {
            Some(text) => name.push_str(&text),
            None => self.trouble = Some(format!("a sql_variant holds a type that we do not know ({base:?})")),
        }
        self.place(col, Value::Variant(&VariantValue { base_type: &name, value }));
        self.base_type = name;
    }

    /// The page of a column's characters; inside a `sql_variant` each value has its own.
    fn page(&self, col: usize, encoding: EncodingType) -> CodePage {
        if self.variant_base.is_some() {
            return CodePage(encoding.resolved_encoding().map_or(1252, |encoding| page_of(encoding.name())));
        }
        match self.columns.get(col) {
            Some(WireColumn::Value { page, .. }) => *page,
            _ => CodePage(1252),
        }
    }

    fn decimal(&mut self, col: usize, value: &DecimalParts) {
        let magnitude = value.magnitude().to_le_bytes();
        if self.variant_base.is_some() {
            self.variant_bytes = Some(i32::from(value.precision));
        }
        self.put(
            col,
            Value::Decimal { magnitude: &magnitude, scale: value.scale, negative: !value.is_positive },
        );
    }

    /// A time type inside a variant is named with its scale.
    fn note_scale(&mut self, scale: u8) {
        if self.variant_base.is_some() {
            self.variant_bytes = Some(i32::from(scale));
        }
    }
}

/// The number of a page by the name that the client's table has for it.
fn page_of(name: &str) -> u16 {
    match name {
        "UTF-8" => 65001,
        "windows-874" => 874,
        "Shift_JIS" => 932,
        "GBK" | "gb18030" => 936,
        "EUC-KR" => 949,
        "Big5" => 950,
        "IBM437" => 437,
        "IBM850" => 850,
        other => other.strip_prefix("windows-").and_then(|number| number.parse().ok()).unwrap_or(1252),
    }
}

/// The base type as T-SQL writes it. `number` is the declared length in bytes, the precision or the scale.
fn variant_name(base: TdsDataType, value: &Value<'_>, number: Option<i32>) -> Option<String> {
    let number = number.unwrap_or(0);
    Some(match (base, value) {
        (_, Value::Null) => String::new(),
        (TdsDataType::Int1, _) => "tinyint".to_owned(),
        (TdsDataType::Bit | TdsDataType::BitN, _) => "bit".to_owned(),
        (TdsDataType::Int2, _) => "smallint".to_owned(),
        (TdsDataType::Int4, _) => "int".to_owned(),
        (TdsDataType::Int8, _) => "bigint".to_owned(),
        (TdsDataType::Flt4, _) => "real".to_owned(),
        (TdsDataType::Flt8, _) => "float".to_owned(),
        (TdsDataType::Money, _) => "money".to_owned(),
        (TdsDataType::Money4, _) => "smallmoney".to_owned(),
        (TdsDataType::DateTime, _) => "datetime".to_owned(),
        (TdsDataType::DateTim4, _) => "smalldatetime".to_owned(),
        (TdsDataType::Guid, _) => "uniqueidentifier".to_owned(),
        (TdsDataType::DateN, _) => "date".to_owned(),
        (TdsDataType::TimeN, _) => format!("time({number})"),
        (TdsDataType::DateTime2N, _) => format!("datetime2({number})"),
        (TdsDataType::DateTimeOffsetN, _) => format!("datetimeoffset({number})"),
        (
            TdsDataType::DecimalN | TdsDataType::NumericN | TdsDataType::Decimal | TdsDataType::Numeric,
            Value::Decimal { scale, .. },
        ) => format!("decimal({number},{scale})"),
        (TdsDataType::BigVarBinary, _) => format!("varbinary({number})"),
        (TdsDataType::BigBinary, _) => format!("binary({number})"),
        (TdsDataType::NVarChar, _) => format!("nvarchar({})", number / 2),
        (TdsDataType::NChar, _) => format!("nchar({})", number / 2),
        (TdsDataType::BigVarChar, _) => format!("varchar({number})"),
        (TdsDataType::BigChar, _) => format!("char({number})"),
        (TdsDataType::IntN, Value::Int(_)) => "bigint".to_owned(),
        _ => return None,
    })
}

/// XML comes with a byte order mark, which is no part of it.
fn without_mark(utf16: &[u8]) -> &[u8] {
    utf16.strip_prefix(b"\xFF\xFE").unwrap_or(utf16)
}

impl Rows for TableRows<'_> {
    /// False also when a value could not be read.
    fn row_ended(&mut self) -> bool {
        if self.trouble.is_none() && self.next != self.waiting.len() {
            self.trouble = Some(format!("a row has {} values, its table {}", self.next, self.waiting.len()));
        }
        if self.trouble.is_some() {
            return false;
        }
        self.next = 0;
        self.rows += 1;
        self.sink.end_row().is_ok()
    }
}

impl RowWriter for TableRows<'_> {
    fn write_null(&mut self, col: usize) {
        self.variant_base = None;
        self.place(col, Value::Null);
    }
    fn write_bool(&mut self, col: usize, val: bool) {
        self.put(col, Value::Bit(val));
    }
    fn write_u8(&mut self, col: usize, val: u8) {
        self.put(col, Value::Int(i64::from(val)));
    }
    fn write_i16(&mut self, col: usize, val: i16) {
        self.put(col, Value::Int(i64::from(val)));
    }
    fn write_i32(&mut self, col: usize, val: i32) {
        self.put(col, Value::Int(i64::from(val)));
    }
    fn write_i64(&mut self, col: usize, val: i64) {
        self.put(col, Value::Int(val));
    }
    fn write_f32(&mut self, col: usize, val: f32) {
        self.put(col, Value::Real(val));
    }
    fn write_f64(&mut self, col: usize, val: f64) {
        self.put(col, Value::Float(val));
    }
    fn write_string(&mut self, col: usize, bytes: Cow<'_, [u8]>, encoding_type: EncodingType) {
        if encoding_type == EncodingType::Utf16 {
            return self.put(col, Value::Utf16(&bytes));
        }
        match self.page(col, encoding_type) {
            CodePage(65001) => self.put(col, Value::Utf8(&bytes)),
            page => self.put(col, Value::CodePage(&bytes, page)),
        }
    }
    fn write_bytes(&mut self, col: usize, bytes: Cow<'_, [u8]>) {
        self.put(col, Value::Bytes(&bytes));
    }
    fn write_decimal(&mut self, col: usize, val: DecimalParts) {
        self.decimal(col, &val);
    }
    fn write_numeric(&mut self, col: usize, val: DecimalParts) {
        self.decimal(col, &val);
    }
    fn write_date(&mut self, col: usize, val: SqlDate) {
        self.put(col, Value::Date(days(val.get_days())));
    }
    fn write_time(&mut self, col: usize, val: SqlTime) {
        self.note_scale(val.scale);
        // Units of 100 ns, whatever the field's name says.
        self.put(col, Value::Time(val.time_nanoseconds));
    }
    fn write_datetime(&mut self, col: usize, val: SqlDateTime) {
        self.put(col, Value::DateTime { days: val.days, ticks: val.time });
    }
    fn write_smalldatetime(&mut self, col: usize, val: SqlSmallDateTime) {
        let days = DAYS_TO_1900 + i32::from(val.days);
        self.put(col, Value::DateTime2 { days, ticks: u64::from(val.time) * TICKS_PER_MINUTE });
    }
    fn write_datetime2(&mut self, col: usize, val: SqlDateTime2) {
        self.note_scale(val.time.scale);
        self.put(col, Value::DateTime2 { days: days(val.days), ticks: val.time.time_nanoseconds });
    }
    fn write_datetimeoffset(&mut self, col: usize, val: SqlDateTimeOffset) {
        self.note_scale(val.datetime2.time.scale);
        // MS-TDS 2.2.5.5.1.9: the time is UTC, the offset is beside it.
        let (days, ticks) = (days(val.datetime2.days), val.datetime2.time.time_nanoseconds);
        self.put(col, Value::DateTimeOffset { days, ticks, offset_minutes: val.offset });
    }
    fn write_money(&mut self, col: usize, val: SqlMoney) {
        // MS-TDS 2.2.5.5.1.4: the high word comes first.
        let low = u32::from_ne_bytes(val.lsb_part.to_ne_bytes());
        self.put(col, Value::Money(i64::from(val.msb_part) << 32 | i64::from(low)));
    }
    fn write_smallmoney(&mut self, col: usize, val: SqlSmallMoney) {
        self.put(col, Value::Money(i64::from(val.int_val)));
    }
    fn write_uuid(&mut self, col: usize, val: Uuid) {
        self.put(col, Value::Guid(&val.to_bytes_le()));
    }
    fn write_xml(&mut self, col: usize, val: SqlXml) {
        self.put(col, Value::Utf16(without_mark(&val.bytes)));
    }
    fn write_json(&mut self, col: usize, val: SqlJson) {
        self.put(col, Value::Utf8(&val.bytes));
    }
    fn write_vector(&mut self, col: usize, _val: SqlVector) {
        self.trouble = Some("a vector came in its binary form, which was not asked for".to_owned());
        self.place(col, Value::Null);
    }
    fn write_variant_base_type(&mut self, _col: usize, base: TdsDataType) {
        self.variant_base = Some(base);
    }
    fn end_row(&mut self) {}
}

/// Three bytes on the wire: they always fit.
fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::Stop;

    #[derive(Default)]
    struct Told(Vec<String>);

    impl RowSink for Told {
        fn value(&mut self, value: Value<'_>) {
            self.0.push(format!("{value:?}"));
        }
        fn end_row(&mut self) -> Result<(), Stop> {
            self.0.push("end".to_owned());
            Ok(())
        }
    }

    fn columns(stored: &[usize]) -> Select {
        let columns = stored.iter().map(|stored| WireColumn::Value { stored: *stored, page: CodePage(1252) });
        Select { sql: String::new(), columns: columns.collect(), stored: stored.len() }
    }

    #[test]
    fn values_come_in_the_order_of_the_table() {
        let select = columns(&[1, 3, 0, 2]);
        let mut told = Told::default();
        let mut rows = TableRows::new(&select, &mut told);
        for _ in 0..2 {
            rows.write_i32(0, 1);
            rows.write_string(1, Cow::Borrowed(b"c"), EncodingType::Utf8);
            rows.write_bytes(2, Cow::Borrowed(b"a"));
            rows.write_null(3);
            assert!(rows.row_ended());
        }
        assert_eq!(rows.finish(), (2, None));
        let row = ["Bytes([97])", "Int(1)", "Null", "CodePage([99], CodePage(1252))", "end"];
        assert_eq!(told.0, [row, row].concat());
    }

    #[test]
    fn a_row_that_lacks_a_value_is_trouble() {
        let select = columns(&[0, 1]);
        let mut told = Told::default();
        let mut rows = TableRows::new(&select, &mut told);
        rows.write_i32(0, 1);
        assert!(!rows.row_ended());
        assert_eq!(rows.finish(), (0, Some("a row has 1 values, its table 2".to_owned())));
    }

    #[test]
    fn numbers_of_the_wire_are_the_servers_own() {
        let check = |write: &dyn Fn(&mut TableRows<'_>), expected: &str| {
            let select = columns(&[0]);
            let mut told = Told::default();
            let mut rows = TableRows::new(&select, &mut told);
            write(&mut rows);
            assert!(rows.row_ended());
            assert_eq!(told.0[0], expected);
        };
        check(&|rows| rows.write_money(0, SqlMoney { msb_part: -1, lsb_part: -1 }), "Money(-1)");
        check(&|rows| rows.write_money(0, SqlMoney { msb_part: 1, lsb_part: i32::MIN }), "Money(6442450944)");
        check(
            &|rows| rows.write_smalldatetime(0, SqlSmallDateTime { days: 1, time: 2 }),
            "DateTime2 { days: 693596, ticks: 1200000000 }",
        );
        check(
            &|rows| rows.write_uuid(0, Uuid::from_u128(0x00112233_4455_6677_8899_aabbccddeeff)),
            "Guid([51, 34, 17, 0, 85, 68, 119, 102, 136, 153, 170, 187, 204, 221, 238, 255])",
        );
        check(&|rows| rows.write_xml(0, SqlXml { bytes: b"\xFF\xFE<\0".to_vec() }), "Utf16([60, 0])");
        check(
            &|rows| {
                rows.write_variant_base_type(0, TdsDataType::TimeN);
                rows.write_time(0, SqlTime { time_nanoseconds: 5, scale: 3 });
            },
            "Variant(VariantValue { base_type: \"time(3)\", value: Time(5) })",
        );
    }
}

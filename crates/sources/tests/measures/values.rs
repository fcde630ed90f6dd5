//! A table of all types, and values for it: the ends of each type, and any between.

use mssql2pg_catalog::{
    Column, IndexColumn, Key, Length, ObjectName, RowSink, SqlType, Table, Value, VariantValue,
};

/// A value that is kept.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Null,
    Bit(bool),
    Int(i64),
    Decimal(i128, u8),
    Money(i64),
    Real(f32),
    Float(f64),
    Date(i32),
    Time(u64),
    Moment(i32, u64),
    DateTime(i32, u32),
    Instant(i32, u64, i16),
    Utf16(Vec<u16>),
    Bytes(Vec<u8>),
    Guid([u8; 16]),
    Variant(i64),
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        Self::Utf16(text.encode_utf16().collect())
    }

    pub(crate) fn give(&self, rows: &mut dyn RowSink) {
        match self {
            Self::Null => rows.value(Value::Null),
            Self::Bit(bit) => rows.value(Value::Bit(*bit)),
            Self::Int(number) => rows.value(Value::Int(*number)),
            Self::Decimal(number, scale) => rows.value(Value::Decimal {
                magnitude: &number.unsigned_abs().to_le_bytes(),
                scale: *scale,
                negative: *number < 0,
            }),
            Self::Money(units) => rows.value(Value::Money(*units)),
            Self::Real(number) => rows.value(Value::Real(*number)),
            Self::Float(number) => rows.value(Value::Float(*number)),
            Self::Date(days) => rows.value(Value::Date(*days)),
            Self::Time(ticks) => rows.value(Value::Time(*ticks)),
            Self::Moment(days, ticks) => rows.value(Value::DateTime2 { days: *days, ticks: *ticks }),
            Self::DateTime(days, ticks) => rows.value(Value::DateTime { days: *days, ticks: *ticks }),
            Self::Instant(days, ticks, offset_minutes) => rows.value(Value::DateTimeOffset {
                days: *days,
                ticks: *ticks,
                offset_minutes: *offset_minutes,
            }),
            Self::Utf16(units) => {
                let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                rows.value(Value::Utf16(&bytes));
            }
            Self::Bytes(bytes) => rows.value(Value::Bytes(bytes)),
            Self::Guid(guid) => rows.value(Value::Guid(guid)),
            Self::Variant(number) => {
                rows.value(Value::Variant(&VariantValue { base_type: "bigint", value: Value::Int(*number) }));
            }
        }
    }
}

/// Numbers that are the same in each run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // xorshift64*.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// One of the ends, or any number between.
    fn between(&mut self, least: i128, most: i128) -> i128 {
        match self.below(6) {
            0 => least,
            1 => most,
            2 => 0_i128.clamp(least, most),
            _ => {
                let any =
                    i128::from(self.next()) << 63 ^ i128::from(self.next()) << 17 ^ i128::from(self.next());
                let span = most.checked_sub(least).and_then(|span| span.checked_add(1));
                span.map_or(any % most, |span| least + any.rem_euclid(span))
            }
        }
    }

    fn small(&mut self, least: i64, most: i64) -> i64 {
        i64::try_from(self.between(least.into(), most.into())).expect("between two of 64 bits")
    }

    fn text(&mut self, letters: &[&str], most: u64) -> Cell {
        let count = self.below(most + 1);
        let mut text = String::new();
        for _ in 0..count {
            text.push_str(letters[usize::try_from(self.below(letters.len() as u64)).expect("a place")]);
        }
        Cell::text(&text)
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

const LATIN: &[&str] = &["a", "Z", " ", "ä", "€", "\u{81}", "%", "\0", "_", "]"];
const GREEK: &[&str] = &["α", "Ω", " ", "a", "£"];
const JAPANESE: &[&str] = &["日", "ア", "a", " "];
const ANY: &[&str] = &["a", "Z", " ", "é", "語", "😀", "\u{ffff}", "\u{d7ff}", "\0", "["];
const ASCII: &[&str] = &["a", "Z", " ", "~", "\u{1}", "\u{7f}"];

/// All columns; `id` is the key.
pub(crate) fn columns() -> Vec<Column> {
    let decimals = [(5, 2), (20, 0), (21, 3), (38, 0), (38, 10), (38, 19), (38, 30), (38, 38)];
    let limited = Length::limited;
    let mut types = vec![SqlType::Bit, SqlType::TinyInt, SqlType::SmallInt, SqlType::Int, SqlType::BigInt];
    types.extend(decimals.map(|(precision, scale)| SqlType::Decimal { precision, scale }));
    types.extend([SqlType::Money, SqlType::SmallMoney, SqlType::Real, SqlType::Float, SqlType::Date]);
    types.extend([SqlType::Time { scale: 0 }, SqlType::Time { scale: 7 }, SqlType::DateTime]);
    types.extend([SqlType::SmallDateTime, SqlType::DateTime2 { scale: 3 }, SqlType::DateTime2 { scale: 7 }]);
    types.extend([SqlType::DateTimeOffset { scale: 7 }, SqlType::Char { length: 10 }]);
    types.extend([SqlType::VarChar { length: limited(8000) }, SqlType::VarChar { length: Length::MAX }]);
    types.extend([SqlType::Text, SqlType::NChar { length: 10 }, SqlType::NVarChar { length: limited(40) }]);
    types.extend([SqlType::NVarChar { length: Length::MAX }, SqlType::NText, SqlType::Binary { length: 4 }]);
    types.extend([SqlType::VarBinary { length: limited(20) }, SqlType::VarBinary { length: Length::MAX }]);
    types.extend([SqlType::Image, SqlType::RowVersion, SqlType::UniqueIdentifier, SqlType::Xml]);
    types.extend([SqlType::SqlVariant, SqlType::HierarchyId, SqlType::Geography]);
    let mut columns = vec![Column { nullable: false, ..Column::new("id", SqlType::Int) }];
    columns.extend(types.into_iter().map(|sql_type| Column::new(format!("c ] {sql_type}"), sql_type)));
    let collated = |name: &str, sql_type: SqlType, collation: &str| Column {
        collation: Some(collation.to_owned()),
        ..Column::new(name, sql_type)
    };
    let utf8 = "Latin1_General_100_CI_AS_SC_UTF8";
    columns.extend([
        collated("greek", SqlType::VarChar { length: limited(40) }, "Greek_CI_AS"),
        collated("japanese", SqlType::VarChar { length: limited(80) }, "Japanese_CI_AS"),
        collated(
            "whole characters",
            SqlType::NVarChar { length: limited(40) },
            "Latin1_General_100_CI_AS_SC",
        ),
        collated("binary", SqlType::NVarChar { length: limited(40) }, "Latin1_General_BIN2"),
        collated("utf8", SqlType::VarChar { length: limited(80) }, utf8),
        collated("utf8 padded", SqlType::Char { length: 60 }, utf8),
        Column::new("ascii", SqlType::NVarChar { length: limited(40) }),
        Column::new("ascii bytes", SqlType::VarChar { length: limited(40) }),
        Column::new("always null", SqlType::Decimal { precision: 38, scale: 2 }),
    ]);
    columns
}

/// The table of those columns.
pub(crate) fn table() -> Table {
    let key = IndexColumn { name: "id".to_owned(), descending: false };
    Table {
        name: ObjectName::new("odd]schema", "all types"),
        columns: columns(),
        primary_key: Some(Key { name: Some("PK".to_owned()), columns: vec![key], clustered: true }),
        ..Table::default()
    }
}

/// A row.
pub(crate) fn row(id: i64, columns: &[Column], numbers: &mut Numbers) -> Vec<Cell> {
    let mut row = vec![Cell::Int(id)];
    row.extend(columns.iter().skip(1).map(|column| {
        if column.name == "always null" || (column.nullable && numbers.below(5) == 0) {
            return Cell::Null;
        }
        value(column, numbers)
    }));
    row
}

fn value(column: &Column, numbers: &mut Numbers) -> Cell {
    const DAY: u64 = 864_000_000_000;
    let text = |numbers: &mut Numbers| match column.name.as_str() {
        "greek" => numbers.text(GREEK, 8),
        "japanese" => numbers.text(JAPANESE, 8),
        "ascii" | "ascii bytes" => numbers.text(ASCII, 8),
        "utf8" | "utf8 padded" => numbers.text(&["a", " ", "é", "語", "😀"], 8),
        _ => numbers.text(LATIN, 8),
    };
    let ticks = |numbers: &mut Numbers, scale: u8| {
        let unit = 10_u64.pow(u32::from(7 - scale));
        let most = i64::try_from(DAY / unit - 1).expect("few");
        u64::try_from(numbers.small(0, most)).expect("none below 0") * unit
    };
    let days = |numbers: &mut Numbers, least, most| i32::try_from(numbers.small(least, most)).expect("a day");
    match &column.sql_type {
        SqlType::Bit => Cell::Bit(numbers.below(2) == 0),
        SqlType::TinyInt => Cell::Int(numbers.small(0, 255)),
        SqlType::SmallInt => Cell::Int(numbers.small(i16::MIN.into(), i16::MAX.into())),
        SqlType::Int => Cell::Int(numbers.small(i32::MIN.into(), i32::MAX.into())),
        SqlType::BigInt => Cell::Int(numbers.small(i64::MIN, i64::MAX)),
        SqlType::Decimal { precision, scale } => {
            let most = 10_i128.pow((*precision).into()) - 1;
            Cell::Decimal(numbers.between(-most, most), *scale)
        }
        SqlType::Money => Cell::Money(numbers.small(i64::MIN, i64::MAX)),
        SqlType::SmallMoney => Cell::Money(numbers.small(i32::MIN.into(), i32::MAX.into())),
        SqlType::Real => Cell::Real([0.0, -0.0, f32::MAX, f32::MIN, 1.5, -0.1][numbers.below(6) as usize]),
        SqlType::Float => {
            Cell::Float([0.0, -0.0, f64::MAX, f64::MIN, 0.1, -1e-300, 7.0][numbers.below(7) as usize])
        }
        SqlType::Date => Cell::Date(days(numbers, 0, 3_652_058)),
        SqlType::Time { scale } => Cell::Time(ticks(numbers, *scale)),
        SqlType::DateTime => Cell::DateTime(
            days(numbers, -53_690, 2_958_463),
            u32::try_from(numbers.small(0, 25_919_999)).expect("few"),
        ),
        SqlType::SmallDateTime => Cell::Moment(
            days(numbers, 693_595, 759_130),
            u64::try_from(numbers.small(0, 1439)).expect("few") * 600_000_000,
        ),
        SqlType::DateTime2 { scale } => Cell::Moment(days(numbers, 0, 3_652_058), ticks(numbers, *scale)),
        SqlType::DateTimeOffset { scale } => {
            let offset = i16::try_from(numbers.small(-840, 840)).expect("minutes");
            Cell::Instant(days(numbers, 1, 3_652_057), ticks(numbers, *scale), offset)
        }
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText if column.name != "ascii" => {
            let Cell::Utf16(mut units) = numbers.text(ANY, 4) else { return Cell::Null };
            // Half a pair, at the beginning or the end.
            match numbers.below(4) {
                0 => units.insert(0, 0xDC00),
                1 => units.push(0xD83D),
                _ => {}
            }
            Cell::Utf16(units)
        }
        SqlType::Binary { .. } => Cell::Bytes(numbers.next().to_le_bytes()[..4].to_vec()),
        SqlType::RowVersion => Cell::Bytes(numbers.next().to_le_bytes().to_vec()),
        SqlType::VarBinary { .. } | SqlType::Image => Cell::Bytes(numbers.bytes(20)),
        SqlType::HierarchyId | SqlType::Geography => Cell::Bytes(vec![0x58]),
        SqlType::UniqueIdentifier => {
            let mut guid = [0; 16];
            guid[..8].copy_from_slice(&numbers.next().to_le_bytes());
            guid[8..].copy_from_slice(&numbers.next().to_le_bytes());
            Cell::Guid(guid)
        }
        SqlType::Xml => Cell::text("<a/>"),
        SqlType::SqlVariant => Cell::Variant(numbers.small(i64::MIN, i64::MAX)),
        _ => text(numbers),
    }
}

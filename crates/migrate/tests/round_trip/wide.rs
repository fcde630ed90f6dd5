//! One wide table with every row of the type table, and thousands of random rows.

use crate::binaries::{PATHS, VECTOR_READ, bytes, guid, point, rowversion_number, vector, vector_bytes};
use crate::documents::random_variant;
use crate::naive::{Moment, Parsed, Random, Sum, hex_text};
use crate::numbers::{money, random_decimal};
use crate::texts::{padded, random_text, text};
use crate::times::{WITH_OFFSET, date, datetime, datetime2, datetimeoffset, smalldatetime, time};
use crate::trial::{Cell, Expected, Owned, Tried, prove, servers};
use mssql2pg_catalog::SqlType;
use mssql2pg_mapping::types::{TYPES, TypeRule, UNKNOWN};

const ROWS: usize = 2_500;

/// The types of that name that are tried: different parameters where there are any.
fn sql_types(from: &str) -> Vec<SqlType> {
    let system = |length, max, precision, scale| {
        SqlType::from_system(from, length, max, precision, scale).expect("a system type")
    };
    match from {
        UNKNOWN => vec![SqlType::Unknown { name: "dbo.Own".to_owned() }],
        "decimal" => [(38, 0), (38, 38), (38, 19), (18, 2), (5, 5), (9, 3)]
            .map(|(precision, scale)| system(None, false, Some(precision), Some(scale)))
            .to_vec(),
        "time" | "datetime2" | "datetimeoffset" => {
            [0, 3, 6, 7].map(|scale| system(None, false, None, Some(scale))).to_vec()
        }
        "varchar" | "nvarchar" | "varbinary" => {
            vec![system(Some(12), false, None, None), system(None, true, None, None)]
        }
        "char" | "nchar" | "binary" => vec![system(Some(12), false, None, None)],
        "vector" => vec![system(Some(3), false, None, None)],
        _ => vec![system(None, false, None, None)],
    }
}

/// Whether the row needs a type that an extension brings.
fn needs_extension(rule: &TypeRule) -> bool {
    matches!(rule.alternative().as_str(), "geography" | "geometry" | "vector")
}

/// A random cell of a type, as the alternative keeps it.
fn random_cell(random: &mut Random, sql_type: &SqlType, alternative: &str) -> Cell {
    let small = |number: i64| Cell::kept(Owned::Int(number), number.to_string());
    match sql_type {
        SqlType::Bit => {
            let bit = random.one_in(2);
            let texts = if alternative == "boolean" { ["false", "true"] } else { ["0", "1"] };
            Cell::kept(Owned::Bit(bit), texts[usize::from(bit)])
        }
        SqlType::TinyInt => small(random.between(0, 255)),
        SqlType::SmallInt => small(random.bits() as i16 as i64),
        SqlType::Int => small(random.bits() as i32 as i64),
        SqlType::BigInt => small(random.bits() as i64),
        SqlType::Decimal { precision, scale } => {
            random_decimal(random, usize::from(*precision), usize::from(*scale)).0
        }
        SqlType::Money => money(random.bits() as i64),
        SqlType::SmallMoney => money(random.bits() as i32 as i64),
        SqlType::Real => {
            let float = f32::from_bits(random.bits() as u32);
            Cell::float(Owned::Real(float), Parsed::Single(float))
        }
        SqlType::Float => {
            let float = f64::from_bits(random.bits());
            Cell::float(Owned::Float(float), Parsed::Double(float))
        }
        SqlType::Date => date(Moment::random(random)),
        SqlType::Time { scale } => time(Moment::random(random), *scale),
        SqlType::DateTime2 { scale } => datetime2(Moment::random(random), *scale),
        SqlType::DateTime => {
            let moment = Moment::random(random);
            datetime(
                Moment { year: moment.year.max(1753), day: moment.day.min(28), ..moment },
                random.below(300) as u32,
            )
        }
        SqlType::SmallDateTime => {
            let moment = Moment::random(random);
            smalldatetime(Moment { year: 1900 + moment.year % 179, day: moment.day.min(28), ..moment })
        }
        SqlType::DateTimeOffset { scale } => {
            let offset = random.between(-840, 840) as i16;
            datetimeoffset(Moment::random(random), offset, *scale, alternative.ends_with("+offset"))
        }
        SqlType::Char { length } | SqlType::NChar { length } => {
            let length = usize::from(*length);
            padded(&random_text(random, length), length, alternative == "text")
        }
        SqlType::VarChar { length } | SqlType::NVarChar { length } => {
            let characters = random_text(random, usize::from(length.0.unwrap_or(60)));
            text(&characters, random)
        }
        SqlType::Text | SqlType::NText => {
            let characters = random_text(random, 60);
            text(&characters, random)
        }
        SqlType::Xml => {
            let characters: String =
                random_text(random, 20).chars().filter(|c| c.is_alphanumeric()).collect();
            let xml = format!("<a b=\"{}\">{characters}&amp;</a>", random.below(100));
            text(&xml, random)
        }
        SqlType::Json => random_json(random, alternative),
        SqlType::SqlVariant if alternative == "jsonb" => random_variant(random).as_json(),
        SqlType::SqlVariant => random_variant(random).as_text(),
        other => random_bytes(random, other, alternative),
    }
}

fn random_json(random: &mut Random, alternative: &str) -> Cell {
    let (number, digits) = (random.bits() as i64, random.digits(30));
    let sent = format!("{{\"b\":[{number},null],\"a\":\"\\u00e9{number}\",\"ccc\":1{digits}.50}}");
    let kept = format!("{{\"a\": \"é{number}\", \"b\": [{number}, null], \"ccc\": 1{digits}.50}}");
    let expected = if alternative == "jsonb" { kept } else { sent.clone() };
    Cell::kept(Owned::utf16(&sent), expected)
}

/// The types that a source delivers as bytes.
fn random_bytes(random: &mut Random, sql_type: &SqlType, alternative: &str) -> Cell {
    let length = random.below(13) as usize;
    match sql_type {
        SqlType::Binary { length } => bytes(random.bytes(usize::from(*length))),
        SqlType::VarBinary { .. } | SqlType::Image | SqlType::Unknown { .. } => bytes(random.bytes(length)),
        SqlType::RowVersion => {
            let version: [u8; 8] = random.bytes(8).try_into().expect("eight bytes");
            if alternative == "bigint" { rowversion_number(version) } else { bytes(version.to_vec()) }
        }
        SqlType::UniqueIdentifier => guid(random.bytes(16).try_into().expect("16 bytes")),
        SqlType::HierarchyId => {
            let (path, text) = *random.pick(PATHS);
            if alternative == "bytea" {
                bytes(path.to_vec())
            } else {
                Cell::kept(Owned::Bytes(path.to_vec()), text)
            }
        }
        SqlType::Geography | SqlType::Geometry => {
            let is_globe = *sql_type == SqlType::Geography;
            // Eighths have few digits in every base.
            let (x, y) = (random.between(-1440, 1440) as f64 / 8.0, random.between(-720, 720) as f64 / 8.0);
            let srid = *random.pick(&[4326, 0, 3857]);
            let (stored, ewkb) = point(srid, x, y, is_globe);
            let prefix = if srid == 0 { String::new() } else { format!("SRID={srid};") };
            let text =
                if alternative == "bytea" { hex_text(&ewkb) } else { format!("{prefix}POINT({x} {y})") };
            Cell::kept(Owned::Bytes(stored), text)
        }
        SqlType::Vector { dimensions } => {
            let floats: Vec<f32> =
                (0..*dimensions).map(|_| random.between(-1000, 1000) as f32 / 7.0).collect();
            let stored = vector_bytes(&floats);
            if alternative == "bytea" { bytes(stored) } else { vector(&floats, Owned::Bytes(stored)) }
        }
        other => unreachable!("{other} has no random values yet: add an arm"),
    }
}

fn read_of(sql_type: &SqlType, alternative: &str) -> &'static str {
    match (sql_type, alternative) {
        (_, "timestamptz+offset") => WITH_OFFSET,
        (SqlType::Vector { .. }, "real[]") => VECTOR_READ,
        _ => "{c}::text",
    }
}

/// A column of random cells, every ninth of them NULL, with totals where there is a naive way to them.
fn random_column(random: &mut Random, sql_type: &SqlType, alternative: &str) -> Tried {
    let cells: Vec<Cell> = (0..ROWS)
        .map(|_| if random.one_in(9) { Cell::null() } else { random_cell(random, sql_type, alternative) })
        .collect();
    let nulls = cells.iter().filter(|cell| matches!(cell.expected, Expected::Null)).count();
    let mut texts: Vec<&str> = Vec::new();
    for cell in &cells {
        if let Expected::Text(text) = &cell.expected {
            texts.push(text);
        }
    }
    let mut totals = vec![("(count(*) - count({c}))::text", nulls.to_string())];
    let sum = |scale: usize| {
        let mut sum = Sum::default();
        for text in &texts {
            sum.add(&text.trim_start_matches('-').replace('.', ""), text.starts_with('-'));
        }
        sum.text(scale)
    };
    match sql_type {
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            totals.push(("sum({c})::text", sum(0)));
        }
        SqlType::Decimal { scale, .. } => totals.push(("sum({c})::text", sum(usize::from(*scale)))),
        SqlType::Money | SqlType::SmallMoney => totals.push(("sum({c})::text", sum(4))),
        // Years of four digits sort as texts, and of equal seconds the one without a fraction is first either way.
        SqlType::Date
        | SqlType::DateTime
        | SqlType::SmallDateTime
        | SqlType::DateTime2 { .. }
        | SqlType::Time { .. } => {
            totals.push(("min({c})::text", texts.iter().min().expect("texts").to_string()));
            totals.push(("max({c})::text", texts.iter().max().expect("texts").to_string()));
        }
        _ => {}
    }
    let tried =
        Tried::new(sql_type.clone(), cells).wanting(alternative).read_by(read_of(sql_type, alternative));
    Tried { totals, ..tried }
}

#[test]
fn random_rows_of_every_type_and_alternative_come_back() {
    let mut random = Random::seeded(40);
    let mut columns = Vec::new();
    let mut tried = 0;
    for rule in TYPES.iter().filter(|rule| !needs_extension(rule)) {
        tried += 1;
        for sql_type in sql_types(rule.from) {
            columns.push(random_column(&mut random, &sql_type, &rule.alternative()));
        }
    }
    assert_eq!(tried, TYPES.len() - 5, "all rows but those of PostGIS and pgvector");
    prove(&[columns]);
}

#[test]
fn a_table_of_many_columns_is_measured_in_one_question() {
    let columns = (0..900).map(|number| match number % 5 {
        0 => Tried::new(SqlType::Int, vec![Cell::kept(Owned::Int(number), number.to_string())]),
        1 => Tried::new(SqlType::Bit, vec![Cell::kept(Owned::Bit(true), "true"), Cell::null()]),
        2 => Tried::new(SqlType::NText, vec![Cell::kept(Owned::utf16("é"), "é")]),
        3 => Tried::new(SqlType::Date, vec![date(Moment::random(&mut Random::seeded(50)))]),
        _ => Tried::new(SqlType::Money, vec![money(-number)]),
    });
    prove(&[columns.collect()]);
}

#[test]
fn the_two_servers_are_of_different_majors() {
    let majors: Vec<u32> =
        servers().iter_mut().map(|connection| connection.server_info().expect("facts").major()).collect();
    assert!(majors.len() < 2 || majors[0] != majors[1], "{majors:?}");
}

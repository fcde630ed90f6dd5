//! Tables of a simulated server, read split by split: every row once, whatever the key.

use mssql2pg_catalog::{
    Catalog, Column, DatabaseInfo, Index, IndexColumn, IndexKind, Key, Length, ObjectName, RowSink, SqlType,
    Stop, Table, Value,
};
use mssql2pg_simulator::{Database, Options, Rows, Simulator};
use mssql2pg_sources::{Source, Split, open};
use std::collections::HashMap;
use std::sync::Arc;

/// A value that is kept.
#[derive(Debug, Clone)]
enum Cell {
    Null,
    Int(i64),
    Decimal(i128, u8),
    Date(i32),
    DateTime(i32, u32),
    Moment(i32, u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Guid([u8; 16]),
}

impl Cell {
    fn give(&self, rows: &mut dyn RowSink) {
        match self {
            Self::Null => rows.value(Value::Null),
            Self::Int(value) => rows.value(Value::Int(*value)),
            Self::Decimal(value, scale) => rows.value(Value::Decimal {
                magnitude: &value.unsigned_abs().to_le_bytes(),
                scale: *scale,
                negative: *value < 0,
            }),
            Self::Date(days) => rows.value(Value::Date(*days)),
            Self::DateTime(days, ticks) => rows.value(Value::DateTime { days: *days, ticks: *ticks }),
            Self::Moment(days, ticks) => rows.value(Value::DateTime2 { days: *days, ticks: *ticks }),
            Self::Float(value) => rows.value(Value::Float(*value)),
            Self::Text(text) => {
                let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                rows.value(Value::Utf16(&bytes));
            }
            Self::Bytes(bytes) => rows.value(Value::Bytes(bytes)),
            Self::Guid(guid) => rows.value(Value::Guid(guid)),
        }
    }
}

struct Memory(HashMap<ObjectName, Vec<Vec<Cell>>>);

impl Rows for Memory {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        for row in self.0.get(&table.name).into_iter().flatten() {
            row.iter().for_each(|cell| cell.give(rows));
            if rows.end_row().is_err() {
                return;
            }
        }
    }
}

/// Keeps rows as text.
#[derive(Default)]
struct Texts {
    row: String,
    rows: Vec<String>,
}

impl RowSink for Texts {
    fn value(&mut self, value: Value<'_>) {
        self.row.push_str(&format!("{value:?},"));
    }
    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

/// A table whose first columns are its key; `number` comes last and tells rows apart.
struct Made {
    table: Table,
    rows: Vec<Vec<Cell>>,
}

fn index_columns(columns: &[Column]) -> Vec<IndexColumn> {
    columns.iter().map(|column| IndexColumn { name: column.name.clone(), descending: false }).collect()
}

fn made(name: &str, key: &[Column], values: impl Iterator<Item = Vec<Cell>>) -> Made {
    let rows: Vec<Vec<Cell>> =
        values.zip(0_i64..).map(|(row, at)| row.into_iter().chain([Cell::Int(at)]).collect()).collect();
    let number = Column { nullable: false, ..Column::new("number", SqlType::Int) };
    let primary = Key { name: Some(format!("PK_{name}")), columns: index_columns(key), clustered: true };
    let table = Table {
        name: ObjectName::new("dbo", name),
        columns: key.iter().cloned().chain([number]).collect(),
        primary_key: (!key.is_empty()).then_some(primary),
        estimated_rows: Some(rows.len() as u64),
        estimated_bytes: Some(rows.len() as u64 * 100),
        ..Table::default()
    };
    Made { table, rows }
}

/// The same with an index in place of the primary key, which takes NULLs and duplicates.
fn indexed(made: Made, clustered: bool) -> Made {
    let key = made.table.primary_key.clone().expect("a key");
    let index = Index {
        name: format!("IX_{}", made.table.name.name),
        kind: IndexKind::BTree,
        unique: false,
        clustered,
        columns: key.columns,
        included: Vec::new(),
        filter: None,
        disabled: false,
    };
    Made { table: Table { primary_key: None, indexes: vec![index], ..made.table }, rows: made.rows }
}

fn column(name: &str, sql_type: SqlType) -> Column {
    Column { nullable: false, ..Column::new(name, sql_type) }
}

fn served(made: &[&Made]) -> (Simulator, Box<dyn Source>) {
    let catalog = Catalog {
        database: DatabaseInfo {
            name: "db".to_owned(),
            collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
            ..DatabaseInfo::default()
        },
        tables: made.iter().map(|made| made.table.clone()).collect(),
        ..Catalog::default()
    };
    let rows = made.iter().map(|made| (made.table.name.clone(), made.rows.clone())).collect();
    let simulator =
        Simulator::start(Options::new(Database { catalog, rows: Arc::new(Memory(rows)) })).expect("a server");
    let source = open(&format!("mssql://sa:Pass%40word1@127.0.0.1:{}/db?encrypt=off", simulator.port()))
        .expect("a source");
    (simulator, source)
}

fn read(source: &dyn Source, table: &Table, split: &Split) -> Vec<String> {
    let mut texts = Texts::default();
    let count = source.read(table, split, &mut texts).expect("rows");
    assert_eq!(count, texts.rows.len() as u64);
    texts.rows
}

/// What a table came to.
struct Outcome {
    splits: Vec<Split>,
    sizes: Vec<usize>,
    batches: Vec<String>,
}

/// Reads the table whole and in splits, and asserts that both are the same rows.
fn read_in_splits(made: &Made, rows_per_split: u64) -> Outcome {
    let (simulator, source) = served(&[made]);
    let table = &made.table;
    let whole = Split { number: 0, locator: String::new(), estimated_bytes: 0 };
    let mut expected = read(source.as_ref(), table, &whole);
    assert_eq!(expected.len(), made.rows.len());
    let before = simulator.batches().len();
    let splits = source.splits(table, rows_per_split).expect("splits");
    let batches: Vec<String> = simulator.batches().into_iter().skip(before).collect();
    let mut found = Vec::new();
    let mut sizes = Vec::new();
    for (number, split) in splits.iter().enumerate() {
        assert_eq!(split.number as usize, number);
        let rows = read(source.as_ref(), table, split);
        sizes.push(rows.len());
        found.extend(rows);
    }
    expected.sort_unstable();
    found.sort_unstable();
    assert!(expected == found, "{}: {splits:#?}", table.name);
    assert_eq!(simulator.complaints(), Vec::<String>::new());
    let bytes: u64 = splits.iter().map(|split| split.estimated_bytes).sum();
    assert_eq!(Some(bytes), table.estimated_bytes);
    for batch in &batches {
        let seek = batch.starts_with("select top (1) ") && batch.contains(" order by ");
        let constants = batch.starts_with("select b.n from (values ");
        let metadata = batch.starts_with("dbcc show_statistics ");
        assert!(seek || constants || metadata, "a scan: {batch}");
    }
    Outcome { splits, sizes, batches }
}

/// The splits are about as large as was asked for.
fn assert_sane(outcome: &Outcome, aim: usize) {
    let Outcome { splits, sizes, .. } = outcome;
    assert!(sizes.iter().all(|size| *size <= aim * 2), "{sizes:?}: {splits:#?}");
    let empty = sizes.iter().filter(|size| **size == 0).count();
    assert!(empty * 4 <= sizes.len(), "{sizes:?}: {splits:#?}");
}

fn mixed(seed: u64) -> u64 {
    (seed ^ 0x5DEE_CE66)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(23)
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

#[test]
fn every_type_of_key_is_read_in_splits() {
    let rows = 0..2_000_u64;
    let guid = |seed: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&mixed(seed).to_le_bytes());
        bytes[8..].copy_from_slice(&mixed(!seed).to_le_bytes());
        Cell::Guid(bytes)
    };
    let check = |name: &str, sql_type: SqlType, cell: &dyn Fn(u64) -> Cell| {
        let made = made(name, &[column("k", sql_type)], rows.clone().map(|at| vec![cell(at)]));
        let outcome = read_in_splits(&made, 150);
        assert!(outcome.splits.len() >= 10, "{name}: {:#?}", outcome.splits);
        assert_sane(&outcome, 150);
    };
    check("Ints", SqlType::Int, &|at| Cell::Int(at as i64 * 3 - 900));
    check("Bigs", SqlType::BigInt, &|at| Cell::Int((mixed(at) >> 1) as i64));
    check("Decimals", SqlType::Decimal { precision: 38, scale: 4 }, &|at| {
        Cell::Decimal(i128::from(mixed(at) as i64) * 1_000_000_007, 4)
    });
    check("Dates", SqlType::Date, &|at| Cell::Date(at as i32 * 1_800));
    check("Times", SqlType::DateTime, &|at| Cell::DateTime(at as i32 - 900, at as u32 * 12_345 % 25_920_000));
    check("Moments", SqlType::DateTime2 { scale: 3 }, &|at| {
        Cell::Moment(730_000 + at as i32 / 3, mixed(at) % 86_400_000 * 10_000)
    });
    check("Floats", SqlType::Float, &|at| Cell::Float((at as f64 - 1_000.0) / 7.0));
    check("Guids", SqlType::UniqueIdentifier, &guid);
    check("Bytes", SqlType::Binary { length: 8 }, &|at| Cell::Bytes(mixed(at).to_be_bytes().to_vec()));
    let nvarchar = || SqlType::NVarChar { length: Length::limited(40) };
    check("Codes", nvarchar(), &|at| Cell::Text(format!("C{:08x}", mixed(at) >> 32)));
}

#[test]
fn texts_are_read_in_the_order_of_their_collation() {
    let words = [
        "a", "A ", "á", "Æ", "z", "Z", "ß", "ss", "it''s", "", " ", "é]", "-", "co-op", "coop", "ñ", "日本",
        "9",
    ];
    let text = |at: usize| Cell::Text(format!("{}{}", words[at % words.len()], words[at / 7 % words.len()]));
    for (name, collation) in [
        ("Plain", None),
        ("Greek", Some("Greek_CI_AS")),
        ("Insensitive", Some("Latin1_General_CI_AI")),
        ("Binary", Some("Latin1_General_BIN2")),
    ] {
        let key = Column {
            collation: collation.map(str::to_owned),
            ..column("k", SqlType::NVarChar { length: Length::limited(20) })
        };
        let made = indexed(made(name, &[key], (0..1_500).map(|at| vec![text(at)])), true);
        let outcome = read_in_splits(&made, 100);
        assert!(outcome.splits.len() > 4, "{name}: {:#?}", outcome.splits);
    }
}

#[test]
fn a_tenant_and_a_number_are_cut_within_the_large_tenants() {
    let key = [column("tenant", SqlType::Int), column("id", SqlType::BigInt)];
    let tenants = [1, 1, 1, 1, 7, 7, 7, 30, 31, 32];
    let rows = (0..3_000).map(|at: i64| vec![Cell::Int(tenants[at as usize % 10]), Cell::Int(at * 11)]);
    let outcome = read_in_splits(&made("Tenants", &key, rows), 150);
    assert!(outcome.splits.len() >= 15, "{:#?}", outcome.splits);
    assert_sane(&outcome, 150);
}

#[test]
fn nulls_and_duplicates_are_in_one_split_each() {
    let key = Column::new("k", SqlType::Int);
    let cell = |at: i64| if at % 3 == 0 { Cell::Null } else { Cell::Int(at % 40) };
    let made = indexed(made("Nullable", &[key], (0..1_200).map(|at| vec![cell(at)])), true);
    let outcome = read_in_splits(&made, 60);
    assert!(outcome.splits.len() >= 6, "{:#?}", outcome.splits);
    // A group of equal keys cannot be cut.
    assert!(outcome.sizes.iter().all(|size| *size <= 500), "{:?}", outcome.sizes);
}

#[test]
fn a_table_that_lies_in_no_order_is_cut_by_an_index_but_not_into_many_pieces() {
    let key = column("k", SqlType::Int);
    let made = indexed(made("Looked", &[key], (0..2_000).map(|at| vec![Cell::Int(at * 2)])), false);
    let outcome = read_in_splits(&made, 10);
    assert!((8..=40).contains(&outcome.splits.len()), "{:#?}", outcome.splits);
}

#[test]
fn what_needs_no_cut_asks_nothing() {
    let heap = made("Heap", &[], (0..500).map(|_| Vec::new()));
    let small = made("Small", &[column("k", SqlType::Int)], (0..500).map(|at| vec![Cell::Int(at)]));
    let mut untold = made("Empty", &[column("k", SqlType::Int)], std::iter::empty());
    untold.table.estimated_rows = Some(0);
    for (made, rows_per_split) in [(&heap, 10), (&small, 500), (&untold, 10)] {
        let outcome = read_in_splits(made, rows_per_split);
        assert_eq!(outcome.splits.len(), 1);
        assert_eq!(outcome.splits[0].locator, "");
        assert_eq!(outcome.batches, Vec::<String>::new());
    }
}

#[test]
fn a_key_without_statistics_is_cut_between_its_ends() {
    let mut made = made("Untold", &[column("k", SqlType::Int)], (0..2_000).map(|at| vec![Cell::Int(at * 5)]));
    // Nobody knows the name of its index, so that nobody can ask for its statistics.
    made.table.primary_key = made.table.primary_key.map(|key| Key { name: None, ..key });
    let outcome = read_in_splits(&made, 200);
    assert!((8..=12).contains(&outcome.splits.len()), "{:#?}", outcome.splits);
    assert!(outcome.sizes.iter().all(|size| (100..=300).contains(size)), "{:?}", outcome.sizes);
    assert!(outcome.batches.iter().all(|batch| !batch.starts_with("dbcc")));
}

#[test]
fn statistics_that_may_not_be_seen_are_done_without() {
    let rows = (0..2_000).map(|at| vec![Cell::Int(at * 5)]);
    let mut made = made("Hidden", &[column("k", SqlType::Int)], rows);
    let (simulator, source) = served(&[&made]);
    // No statistics have this name: the server says so with an error.
    made.table.primary_key =
        made.table.primary_key.map(|key| Key { name: Some("PK_other".to_owned()), ..key });
    let splits = source.splits(&made.table, 200).expect("splits all the same");
    assert!(splits.len() >= 8, "{splits:#?}");
    let rows: usize = splits.iter().map(|split| read(source.as_ref(), &made.table, split).len()).sum();
    assert_eq!(rows, 2_000);
    assert!(simulator.batches().iter().any(|batch| batch.starts_with("dbcc")));
}

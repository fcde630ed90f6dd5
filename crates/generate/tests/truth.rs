//! The generated files against the real reader: what `Planted` says is what a reader finds, and nothing else.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use mssql2pg_catalog::{Catalog, RowSink, Stop, Table, Value};
use mssql2pg_generate::{DefectCode, GenerateOptions, Planted, planted_path, write_orders_bench, write_shop};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// 2026-01-01 in days since 0001-01-01.
const NOW: i64 = 739_616;
/// From 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: i64 = 693_595;

/// A value that outlives its row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owned {
    Null,
    Number(i128),
    Text(Vec<u16>),
    /// Days since 0001-01-01, if it has a date, and 100 ns since midnight.
    Moment(Option<i64>, u64),
    Other(String),
}

impl Owned {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(number) | Value::Money(number) => Self::Number(number.into()),
            Value::Decimal { magnitude, negative, .. } => {
                let magnitude = i128::from_le_bytes(*magnitude);
                Self::Number(if negative { -magnitude } else { magnitude })
            }
            Value::Utf16(bytes) => {
                Self::Text(bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect())
            }
            Value::Date(days) => Self::Moment(Some(days.into()), 0),
            Value::Time(ticks) => Self::Moment(None, ticks),
            Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => {
                Self::Moment(Some(days.into()), ticks)
            }
            Value::DateTime { days, .. } => Self::Moment(Some(i64::from(days) + DAYS_TO_1900), 0),
            other => Self::Other(format!("{other:?}")),
        }
    }

    fn number(&self) -> Option<i128> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Rows {
    rows: Vec<Vec<Owned>>,
    current: Vec<Owned>,
}

impl RowSink for Rows {
    fn value(&mut self, value: Value<'_>) {
        self.current.push(Owned::of(value));
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.current));
        Ok(())
    }
}

/// A whole database in memory.
struct Database {
    catalog: Catalog,
    rows: HashMap<String, Vec<Vec<Owned>>>,
    parts: HashMap<String, usize>,
}

impl Database {
    fn read(path: &Path) -> Self {
        let source = mssql2pg_sources::open(path.to_str().unwrap()).expect("the reader opens it");
        let catalog = source.catalog().unwrap();
        let mut database = Self { catalog: catalog.clone(), rows: HashMap::new(), parts: HashMap::new() };
        for table in &catalog.tables {
            let mut sink = Rows::default();
            let splits = source.splits(table, u64::MAX).unwrap();
            for split in &splits {
                let before = sink.rows.len() as u64;
                let read = source.read(table, split, &mut sink).expect("every part reads to its end");
                assert_eq!(read, sink.rows.len() as u64 - before);
                assert!(read > 0, "{} has an empty part", table.name);
            }
            database.parts.insert(table.name.to_string(), splits.len());
            database.rows.insert(table.name.to_string(), sink.rows);
        }
        database
    }

    fn rows(&self, table: &str) -> &[Vec<Owned>] {
        &self.rows[table]
    }

    /// The named columns of all rows.
    fn columns(&self, table: &Table, names: &[&str]) -> Vec<Vec<&Owned>> {
        let stored: Vec<&str> = table.stored_columns().map(|column| column.name.as_str()).collect();
        let places: Vec<usize> =
            names.iter().map(|name| stored.iter().position(|stored| stored == name).unwrap()).collect();
        let rows = self.rows(&table.name.to_string());
        rows.iter().map(|row| places.iter().map(|place| &row[*place]).collect()).collect()
    }

    fn table(&self, name: &str) -> &Table {
        self.catalog.tables.iter().find(|table| table.name.to_string() == name).unwrap()
    }
}

type Found = BTreeMap<(DefectCode, String, String), Vec<String>>;

/// Everything that looks like a defect, with the keys of its rows, whoever planted it.
fn find_defects(database: &Database) -> Found {
    let mut found = Found::new();
    for table in &database.catalog.tables {
        let name = table.name.to_string();
        let columns: Vec<_> = table.stored_columns().collect();
        for row in database.rows(&name) {
            let key = match (&columns[0].identity, &row[0]) {
                (Some(_), Owned::Number(number)) => format!("{}={number}", columns[0].name),
                _ => String::new(),
            };
            for (column, value) in columns.iter().zip(row) {
                for code in defects_of(&column.name, value) {
                    let place = (code, name.clone(), column.name.clone());
                    found.entry(place).or_default().push(key.clone());
                }
            }
        }
        find_orphans(database, table, &mut found);
    }
    found
}

fn defects_of(column: &str, value: &Owned) -> Vec<DefectCode> {
    let mut codes = Vec::new();
    match value {
        Owned::Text(units) => {
            if units.contains(&0) {
                codes.push(DefectCode::NulCharacter);
            }
            match String::from_utf16(units) {
                Err(_) => codes.push(DefectCode::LoneSurrogate),
                Ok(text) if column.ends_with("Email") && !is_email(&text) => {
                    codes.push(DefectCode::InvalidEmail);
                }
                Ok(_) => {}
            }
        }
        Owned::Moment(days, ticks) => {
            if days.is_some_and(|days| days >= NOW) {
                codes.push(DefectCode::FutureDate);
            }
            if ticks % 10 != 0 {
                codes.push(DefectCode::FractionCut);
            }
        }
        _ => {}
    }
    codes
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let good = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    };
    good(local) && good(domain) && domain.contains('.') && !domain.starts_with('.')
}

fn find_orphans(database: &Database, table: &Table, found: &mut Found) {
    for key in &table.foreign_keys {
        let names = |columns: &'_ [String]| columns.to_vec();
        let referenced_table =
            database.catalog.table(&key.referenced_table).expect("the referenced table exists");
        let (own, referenced) = (names(&key.columns), names(&key.referenced_columns));
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let referenced: Vec<&str> = referenced.iter().map(String::as_str).collect();
        let parents: HashSet<Vec<&Owned>> =
            database.columns(referenced_table, &referenced).into_iter().collect();
        let identity = table.columns[0].name.as_str();
        let keys = database.columns(table, &[identity]);
        for (row, id) in database.columns(table, &own).into_iter().zip(keys) {
            if row.iter().any(|value| **value == Owned::Null) || parents.contains(&row) {
                continue;
            }
            let place = (DefectCode::OrphanedForeignKey, table.name.to_string(), own.join(", "));
            let number = id[0].number().unwrap();
            found.entry(place).or_default().push(format!("{identity}={number}"));
            assert!(!key.trusted, "{:?} is trusted and broken", key.name);
        }
    }
}

fn generate(folder: &Path, name: &str, options: &GenerateOptions) -> (PathBuf, Planted) {
    let path = folder.join(name);
    let planted = write_shop(&path, options, &mut |_| ()).unwrap();
    let text = std::fs::read(planted_path(&path)).unwrap();
    let written: Planted = serde_json::from_slice(&text).unwrap();
    assert_eq!(written, planted);
    (path, planted)
}

fn check_truth(options: &GenerateOptions) {
    let folder = tempfile::tempdir().unwrap();
    let (path, planted) = generate(folder.path(), "shop.bacpac", options);
    let database = Database::read(&path);

    let mut rows = BTreeMap::new();
    let mut nulls = BTreeMap::new();
    let mut identities = BTreeMap::new();
    for table in &database.catalog.tables {
        let name = table.name.to_string();
        rows.insert(name.clone(), database.rows(&name).len() as u64);
        for (place, column) in table.stored_columns().enumerate() {
            let values = || database.rows(&name).iter().map(|row| &row[place]);
            let full_name = format!("{name}.{}", column.name);
            let null_count = values().filter(|value| **value == Owned::Null).count() as u64;
            if column.nullable {
                nulls.insert(full_name.clone(), null_count);
            } else {
                assert_eq!(null_count, 0, "{full_name}");
            }
            if let Some(last) =
                column.identity.as_ref().and_then(|_| values().filter_map(Owned::number).max())
            {
                assert_eq!(column.identity.as_ref().unwrap().last_value, Some(last), "{full_name}");
                identities.insert(full_name, i64::try_from(last).unwrap());
            }
        }
    }
    assert_eq!(planted.rows, rows);
    assert_eq!(planted.total_rows, rows.values().sum::<u64>());
    assert_eq!(database.catalog.database.claimed_rows, Some(planted.total_rows));
    assert_eq!(planted.nulls, nulls);
    assert_eq!(planted.identity_last_values, identities);
    assert_eq!(rows.values().filter(|count| **count == 0).count(), 1, "one table is empty");

    let mut found = find_defects(&database);
    found.retain(|(code, table, column), _| {
        *code != DefectCode::FutureDate || !planted.expected_future.contains(&format!("{table}.{column}"))
    });
    let mut expected = Found::new();
    for defect in &planted.defects {
        let [column] = defect.columns.as_slice() else { panic!("one column a defect") };
        let place = (defect.code, defect.table.clone(), column.clone());
        let table = database.table(&defect.table);
        if defect.code == DefectCode::NullInCriticalField {
            let identity = table.columns[0].name.as_str();
            let null_rows = database.columns(table, &[column, identity]);
            let null_rows = null_rows.iter().filter(|row| *row[0] == Owned::Null);
            let keys = null_rows.map(|row| format!("{identity}={}", row[1].number().unwrap())).collect();
            found.insert(place.clone(), keys);
        }
        if let Some(constraint) = &defect.constraint {
            assert!(
                table.foreign_keys.iter().any(|key| key.name.as_ref() == Some(constraint) && !key.trusted)
            );
        }
        let keys = found.get(&place).cloned().unwrap_or_default();
        assert_eq!(keys.len() as u64, defect.count, "{place:?}");
        assert_eq!(keys[..keys.len().min(10)], defect.keys, "{place:?}");
        expected.insert(place, keys);
    }
    assert_eq!(found, expected, "nothing else looks like a defect");
    if options.defects {
        let mut codes: Vec<DefectCode> = planted.defects.iter().map(|defect| defect.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 7, "every kind is planted");
        assert!(planted.defects.iter().all(|defect| defect.count >= 3));
    } else {
        assert_eq!(planted.defects, []);
    }
    check_keys(&database);
    check_order_sums(&database);
}

/// Keys and unique indexes hold; the filters of unique indexes all leave NULLs out.
fn check_keys(database: &Database) {
    for table in &database.catalog.tables {
        let keys = table.primary_key.iter().chain(&table.unique).map(|key| &key.columns);
        let indexes = table.indexes.iter().filter(|index| index.unique).map(|index| &index.columns);
        for columns in keys.chain(indexes) {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let mut values = database.columns(table, &names);
            values.retain(|row| row.iter().all(|value| **value != Owned::Null));
            let count = values.len();
            let distinct: HashSet<Vec<&Owned>> = values.into_iter().collect();
            assert_eq!(distinct.len(), count, "{} {names:?}", table.name);
        }
    }
}

/// What an order says of its lines is what they say, and a promise lies after the order.
fn check_order_sums(database: &Database) {
    let mut sums: HashMap<i128, i128> = HashMap::new();
    let lines = database.table("dbo.OrderLines");
    for row in database.columns(lines, &["OrderID", "UnitPrice", "Quantity", "Discount"]) {
        let number = |place: usize| row[place].number().unwrap();
        *sums.entry(number(0)).or_default() += number(1) * number(2) * (10_000 - number(3)) / 10_000;
    }
    let orders = database.table("dbo.Orders");
    for row in database.columns(orders, &["OrderID", "SubTotal", "OrderDate", "RequiredDate"]) {
        assert_eq!(row[1].number(), sums.get(&row[0].number().unwrap()).copied());
        let (Owned::Moment(Some(ordered), _), Owned::Moment(Some(promised), _)) = (row[2], row[3]) else {
            panic!("dates are dates");
        };
        assert!(promised > ordered);
    }
}

#[test]
fn a_small_shop_holds_what_its_truth_says_and_nothing_else() {
    check_truth(&GenerateOptions { rows: 1000, seed: 3, ..GenerateOptions::default() });
}

#[test]
fn a_larger_shop_in_small_parts_holds_what_its_truth_says_and_nothing_else() {
    check_truth(&GenerateOptions { rows: 20_000, part_bytes: 30_000, ..GenerateOptions::default() });
}

#[test]
fn a_shop_without_defects_has_none() {
    check_truth(&GenerateOptions { rows: 3000, defects: false, ..GenerateOptions::default() });
}

#[test]
fn a_tiny_shop_is_whole_too() {
    check_truth(&GenerateOptions { rows: 0, seed: u64::MAX, ..GenerateOptions::default() });
}

#[test]
fn one_seed_gives_one_file_and_another_seed_another() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, seed| {
        let options = GenerateOptions { rows: 2000, seed, ..GenerateOptions::default() };
        std::fs::read(generate(folder.path(), name, &options).0).unwrap()
    };
    let first = bytes("a.bacpac", 5);
    assert!(first == bytes("b.bacpac", 5), "two runs differ");
    assert!(first != bytes("c.bacpac", 6), "two seeds give one file");
}

#[test]
fn rows_do_not_depend_on_the_size_of_parts() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, part_bytes| {
        let options = GenerateOptions { rows: 3000, part_bytes, ..GenerateOptions::default() };
        Database::read(&generate(folder.path(), name, &options).0)
    };
    let (whole, cut) = (read("a.bacpac", 16 << 20), read("b.bacpac", 5000));
    assert_eq!(whole.rows, cut.rows);
    assert_eq!(whole.parts["dbo.Orders"], 1);
    assert!(cut.parts["dbo.Orders"] > 3);
}

#[test]
fn the_package_is_laid_out_as_a_real_one() {
    let folder = tempfile::tempdir().unwrap();
    let options = GenerateOptions { rows: 1000, ..GenerateOptions::default() };
    let (path, _) = generate(folder.path(), "shop.bacpac", &options);
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    for name in ["model.xml", "DacMetadata.xml", "[Content_Types].xml", "_rels/.rels", "Origin.xml"] {
        assert!(names.iter().any(|found| found == name), "{name}");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut archive.by_name(name).unwrap(), &mut text).unwrap();
        assert!(text.starts_with("\u{FEFF}<?xml"), "{name}");
    }
    assert!(names.iter().any(|name| name == "Data/sales.Price%20List/TableData-000-00000.BCP"));
    assert!(!names.iter().any(|name| name.contains("ImportQueue")), "an empty table has no folder");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "no draft is left");
}

#[test]
fn progress_is_told_to_the_last_row_of_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = BTreeMap::new();
    let options = GenerateOptions { rows: 30_000, ..GenerateOptions::default() };
    let planted = write_shop(&folder.path().join("shop.bacpac"), &options, &mut |progress| {
        let before = last.insert(progress.table.to_owned(), (progress.rows, progress.of));
        assert!(before.is_none_or(|(rows, _)| rows <= progress.rows));
    })
    .unwrap();
    for (table, (rows, of)) in last {
        assert_eq!((rows, of), (planted.rows[&table], planted.rows[&table]), "{table}");
    }
}

#[test]
fn the_bench_table_has_the_rows_that_were_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.bacpac");
    let planted = write_orders_bench(&path, 5000, 1, &mut |_| ()).unwrap();
    assert_eq!(planted.total_rows, 5000);
    let database = Database::read(&path);
    assert_eq!(database.rows("dbo.Orders").len(), 5000);
    assert_eq!(database.table("dbo.Orders").columns.len(), 14);
    assert!(
        find_defects(&database)
            .keys()
            .all(|(code, _, column)| { *code == DefectCode::FutureDate && column == "RequiredDate" })
    );
    check_keys(&database);
}

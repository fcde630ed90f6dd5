//! What a server computes over a table, against what is measured of the same rows as they pass.

#![cfg(feature = "live")]

#[path = "measures/values.rs"]
mod values;

use mssql2pg_catalog::{
    Catalog, Column, DatabaseInfo, Measure, MeasureKind, ObjectName, RowSink, SqlType, Stop, Table, Value,
};
use mssql2pg_mapping::witness::MeasureRows;
use mssql2pg_simulator::{Database, Login, Options, Rights, Rows, Simulator};
use mssql2pg_sources::{ErrorKind, HoldKind, HoldRequest, Source, Wanted, open, quoted};
use std::sync::Arc;
use values::{Cell, Numbers};

struct Memory(Vec<Vec<Cell>>);

impl Rows for Memory {
    fn read(&self, _table: &Table, rows: &mut dyn RowSink) {
        for row in &self.0 {
            row.iter().for_each(|cell| cell.give(rows));
            if rows.end_row().is_err() {
                return;
            }
        }
    }
}

fn options(table: &Table, rows: Vec<Vec<Cell>>) -> Options {
    let catalog = Catalog {
        database: DatabaseInfo {
            name: "db".to_owned(),
            collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
            ..DatabaseInfo::default()
        },
        tables: vec![table.clone()],
        ..Catalog::default()
    };
    Options::new(Database { catalog, rows: Arc::new(Memory(rows)) })
}

fn served(options: Options, login: &str) -> (Simulator, Box<dyn Source>) {
    let server = Simulator::start(options).expect("a server");
    let address = format!("mssql://{login}:Pass%40word1@127.0.0.1:{}/db?encrypt=off", server.port());
    let source = open(&address).expect("a source");
    (server, source)
}

/// Measures rows as they pass.
struct Passing(MeasureRows);

impl RowSink for Passing {
    fn value(&mut self, value: Value<'_>) {
        self.0.value(value);
    }
    fn end_row(&mut self) -> Result<(), Stop> {
        self.0.end_row();
        Ok(())
    }
}

/// Keeps whole numbers.
#[derive(Default)]
struct Numbered(Vec<i64>);

impl RowSink for Numbered {
    fn value(&mut self, value: Value<'_>) {
        match value {
            Value::Int(number) => self.0.push(number),
            other => assert_eq!(other, Value::Null, "a key is a number"),
        }
    }
    fn end_row(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

/// Compares both ways of measuring, and gives the measures that the server has left out.
fn compare(what: &str, source: &dyn Source, table: &Table) -> Vec<(String, Measure)> {
    let computed = source.measures(table).expect("the server computes").expect("it has an engine");
    let mut passing = Passing(MeasureRows::new(table));
    for split in source.splits(table, u64::MAX).expect("splits") {
        source.read(table, &split, &mut passing).expect("rows");
    }
    let expected = passing.0.measures();
    assert_eq!(computed.rows, expected.rows, "{what}");
    assert_eq!(computed.columns.len(), expected.columns.len(), "{what}");
    let mut left_out = Vec::new();
    for (column, (computed, expected)) in
        table.stored_columns().zip(computed.columns.iter().zip(&expected.columns))
    {
        assert_eq!(computed.nulls, expected.nulls, "{what}: NULLs of {}", column.name);
        for (measure, text) in &computed.measures {
            let expected = expected.measures.get(measure);
            assert_eq!(Some(text), expected, "{what}: {measure:?} of {}", column.name);
        }
        let absent = expected.measures.keys().filter(|measure| !computed.measures.contains_key(measure));
        left_out.extend(absent.map(|measure| (column.name.clone(), *measure)));
    }
    left_out
}

#[test]
fn the_server_computes_what_is_measured_of_the_same_rows() {
    for seed in 1..=12_u64 {
        let table = values::table();
        let mut numbers = Numbers(seed * 7919);
        let rows = (0..40).map(|id| values::row(id, &table.columns, &mut numbers)).collect();
        let mut options = options(&table, rows);
        if seed % 2 == 0 {
            "11.0.7001.0".clone_into(&mut options.product_version);
        }
        let (_server, source) = served(options, "sa");
        for (column, measure) in compare(&format!("seed {seed}"), source.as_ref(), &table) {
            assert!(
                column == "japanese" || measure == Measure::Utf8Length,
                "seed {seed}: {measure:?} of {column} is not computed"
            );
            assert!(!column.starts_with("ascii") && !column.starts_with("utf8"), "{measure:?} of {column}");
        }
    }
}

#[test]
fn a_table_without_rows_and_one_of_nulls_have_the_same_measures_too() {
    let table = values::table();
    let nulls: Vec<Cell> = table.columns.iter().map(|_| Cell::Null).collect();
    for rows in [Vec::new(), vec![[vec![Cell::Int(1)], nulls[1..].to_vec()].concat()]] {
        let (_server, source) = served(options(&table, rows), "sa");
        let left_out = compare("nothing", source.as_ref(), &table);
        assert!(left_out.iter().all(|(column, _)| column == "japanese"), "{left_out:?}");
    }
}

#[test]
fn sums_of_38_digits_do_not_overflow() {
    let most = 10_i128.pow(38) - 1;
    for scale in [0, 5, 19, 25, 38] {
        let decimal = Column::new("d", SqlType::Decimal { precision: 38, scale });
        let table = Table { name: ObjectName::new("dbo", "t"), columns: vec![decimal], ..Table::default() };
        let rows = [most; 30].map(|number| vec![Cell::Decimal(number, scale)]).to_vec();
        let (_server, source) = served(options(&table, rows), "sa");
        assert_eq!(compare(&format!("scale {scale}"), source.as_ref(), &table), []);
    }
}

#[test]
fn more_columns_than_a_select_list_takes_are_asked_in_two_queries() {
    let text = |number| {
        Column::new(format!("c{number}"), SqlType::NVarChar { length: mssql2pg_catalog::Length::limited(4) })
    };
    let table = Table {
        name: ObjectName::new("dbo", "wide"),
        columns: (0..1000).map(text).collect(),
        ..Table::default()
    };
    let rows =
        (0..3).map(|row| (0..1000).map(|column| Cell::text(&format!("{}", (row + column) % 97))).collect());
    let (_server, source) = served(options(&table, rows.collect()), "sa");
    assert_eq!(MeasureKind::of(&table.columns[0].sql_type).measures().len() + 1, 5, "5000 items and one");
    assert_eq!(compare("wide", source.as_ref(), &table), []);
}

fn numbered() -> (Table, Vec<Vec<Cell>>) {
    let table = Table {
        columns: vec![
            Column { nullable: false, ..Column::new("id", SqlType::Int) },
            Column::new("pa]rent", SqlType::Int),
        ],
        ..values::table()
    };
    let rows =
        (1..=20).rev().map(|id| vec![Cell::Int(id), if id == 4 { Cell::Null } else { Cell::Int(id + 3) }]);
    (table, rows.collect())
}

#[test]
fn expressions_counts_and_keys_are_computed_over_the_table() {
    let (table, rows) = numbered();
    let (_server, source) = served(options(&table, rows), "sa");
    let parent = quoted("pa]rent");
    let expressions = [
        format!("max({parent})"),
        format!("sum(cast({parent} as decimal(38,2)))"),
        "min(case when 1 = 0 then 1 end)".to_owned(),
    ];
    let computed = source.aggregate(&table, &expressions).expect("computed").expect("an engine");
    assert_eq!(computed.values, [Some("23".to_owned()), Some("263.00".to_owned()), None]);
    assert_eq!(computed.measures.rows, 20);
    let orphans = format!(
        "{parent} is not null and not exists (select 1 from {}.{} as p where p.id = this.{parent})",
        quoted(&table.name.schema),
        quoted(&table.name.name)
    );
    assert_eq!(source.count_where(&table, &orphans).expect("counted"), Some(3));
    let keys = |most: usize| {
        let mut found = Numbered::default();
        let pushed =
            source.keys_where(&table, &[&table.columns[0]], &orphans, most, &mut found).expect("keys");
        assert_eq!(pushed, Some(found.0.len() as u64));
        found.0
    };
    assert_eq!(keys(10), [18, 19, 20]);
    assert_eq!(keys(2), [18, 19]);
}

#[test]
fn what_the_server_refuses_says_so_and_leaves_the_hold_as_it_is() {
    let (table, rows) = numbered();
    let (_server, source) = served(options(&table, rows), "sa");
    let request = HoldRequest {
        readers: 1,
        wanted: Wanted::SnapshotIsolation,
        accept_moving: false,
        run_id: "run",
        before: None,
        tables: std::slice::from_ref(&table),
    };
    let hold = source.hold(&request).expect("held");
    assert_eq!(hold.kind, HoldKind::SnapshotIsolation);
    for refused in ["sum(cast(2147483647 as int))", "sum(nothing)", "this is no sql"] {
        let error = source.aggregate(&table, &[refused.to_owned()]).expect_err("refused");
        assert_eq!(error.kind, ErrorKind::Query, "{error:?}");
    }
    // A session of another transaction would not be one of this state.
    assert_eq!(source.measures(&table).expect("still held").expect("an engine").rows, 20);
}

#[test]
fn rights_that_are_missing_are_named() {
    let (table, rows) = numbered();
    let mut options = options(&table, rows);
    let mut rights = Rights::least();
    rights.denied.push(table.name.to_string());
    options.logins.push(Login { name: "reader".to_owned(), password: "Pass@word1".to_owned(), rights });
    let (_server, source) = served(options, "reader");
    assert_eq!(source.measures(&table).expect_err("denied").kind, ErrorKind::Permission);
    assert_eq!(source.count_where(&table, "1 = 1").expect_err("denied").kind, ErrorKind::Permission);
}

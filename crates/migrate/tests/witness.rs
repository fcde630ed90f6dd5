//! The proof of the second witness: an encoder that is wrong in the same way for every row.
//!
//! The source gives the audit its values as they are, and the load what a wrong encoder would make of them. What is sent
//! then equals what is read back, so that the first witness sees nothing; the second must name the column.
//!
//! To extend: a mistake is a row of [`MISTAKES`] and an arm in [`Made::give`].

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "all of this file is a test")]

use mssql2pg_catalog::{
    Catalog, Column, IndexColumn, Key, Length, ObjectName, RowSink, SqlType, Table, TableMeasures, Value,
};
use mssql2pg_migrate::config::Flags;
use mssql2pg_migrate::phases::{self, Context, Purpose, TableValidation};
use mssql2pg_migrate::progress::{Interrupt, Quiet};
use mssql2pg_migrate::target_server::TargetServer;
use mssql2pg_migrate::{Config, Run};
use mssql2pg_sources::{Consistency, Source, SourceError, SourceInfo, Split};
use mssql2pg_target::embedded::testing::database;

/// What the encoder does wrong, and in which column.
const MISTAKES: &[(Mistake, &str)] = &[
    (Mistake::HourLater, "Moment"),
    (Mistake::LocalTime, "Local"),
    (Mistake::DayBefore, "Day"),
    (Mistake::BlankTrimmed, "Name"),
    (Mistake::LastLetterCut, "Name"),
    (Mistake::ReadAsLatin1, "Name"),
    (Mistake::AccentLost, "Name"),
    (Mistake::EmptyIsNull, "Note"),
    (Mistake::NullIsEmpty, "Note"),
    (Mistake::GuidInOrder, "Guid"),
    (Mistake::TenTimes, "Amount"),
    (Mistake::SignLost, "Amount"),
    (Mistake::BitOfBytes, "Bytes"),
    (Mistake::BitOfFloat, "Float"),
    (Mistake::FlagTurned, "Flag"),
    (Mistake::NumberCut, "Number"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    HourLater,
    LocalTime,
    DayBefore,
    BlankTrimmed,
    LastLetterCut,
    ReadAsLatin1,
    AccentLost,
    EmptyIsNull,
    NullIsEmpty,
    GuidInOrder,
    TenTimes,
    SignLost,
    BitOfBytes,
    BitOfFloat,
    FlagTurned,
    NumberCut,
}

/// A source in memory, with the mistake that its rows are given with.
struct Made {
    rows: i64,
    mistake: Option<Mistake>,
}

const HOUR: u64 = 36_000_000_000;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What becomes of UTF-8 that is read as code page 1252, as far as these letters go.
fn read_as_latin1(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

impl Made {
    fn table(&self) -> Table {
        let key = IndexColumn { name: "Id".to_owned(), descending: false };
        let column = Column::new;
        Table {
            name: ObjectName::new("dbo", "Everything"),
            primary_key: Some(Key { name: None, columns: vec![key], clustered: true }),
            columns: vec![
                Column { nullable: false, ..column("Id", SqlType::Int) },
                column("Moment", SqlType::DateTime2 { scale: 7 }),
                column("Local", SqlType::DateTimeOffset { scale: 3 }),
                column("Day", SqlType::Date),
                column("Name", SqlType::NVarChar { length: Length::limited(40) }),
                column("Note", SqlType::NVarChar { length: Length::MAX }),
                column("Guid", SqlType::UniqueIdentifier),
                column("Amount", SqlType::Decimal { precision: 18, scale: 2 }),
                column("Bytes", SqlType::VarBinary { length: Length::MAX }),
                column("Float", SqlType::Float),
                column("Flag", SqlType::Bit),
                column("Number", SqlType::BigInt),
            ],
            ..Table::default()
        }
    }

    /// Row `id`, from 1.
    fn give(&self, id: i64, rows: &mut dyn RowSink) {
        let wrong = |mistake| self.mistake == Some(mistake);
        let small = u8::try_from(id % 200).unwrap();
        let day = 730_000 + i32::from(small);
        rows.value(Value::Int(id));
        let later = if wrong(Mistake::HourLater) { HOUR } else { 0 };
        rows.value(Value::DateTime2 { days: day, ticks: HOUR * 9 + u64::from(small) * 12_345_678 + later });
        let offset = if wrong(Mistake::LocalTime) { 2 * HOUR } else { 0 };
        rows.value(Value::DateTimeOffset {
            days: day,
            ticks: HOUR * 12 + u64::from(small) * 10_000 + offset,
            offset_minutes: 120,
        });
        rows.value(Value::Date(day - i32::from(wrong(Mistake::DayBefore))));
        let mut name = if id % 3 == 0 { format!("Ada {id} ") } else { format!("René {id}") };
        if wrong(Mistake::BlankTrimmed) {
            name.truncate(name.trim_end().len());
        }
        if wrong(Mistake::LastLetterCut) {
            name.pop();
        }
        if wrong(Mistake::ReadAsLatin1) {
            name = read_as_latin1(&name);
        }
        if wrong(Mistake::AccentLost) {
            name = name.replace('é', "?");
        }
        rows.value(Value::Utf16(&utf16(&name)));
        match id % 5 {
            0 if wrong(Mistake::EmptyIsNull) => rows.value(Value::Null),
            1 if !wrong(Mistake::NullIsEmpty) => rows.value(Value::Null),
            0 | 1 => rows.value(Value::Utf16(&[])),
            _ => rows.value(Value::Utf16(&utf16("😀 noted"))),
        }
        let mut guid: [u8; 16] = std::array::from_fn(|place| small.wrapping_mul(3).wrapping_add(place as u8));
        if wrong(Mistake::GuidInOrder) {
            guid[..4].reverse();
        }
        rows.value(Value::Guid(&guid));
        let factor = if wrong(Mistake::TenTimes) { 10 } else { 1 };
        let magnitude = (u128::from(small) * 101 * factor).to_le_bytes();
        let negative = id % 2 == 0 && !wrong(Mistake::SignLost);
        rows.value(Value::Decimal { magnitude: &magnitude, scale: 2, negative });
        let bytes = [small, 0x80, small ^ u8::from(wrong(Mistake::BitOfBytes) && id == 7)];
        rows.value(Value::Bytes(&bytes));
        // Neither the smallest nor the largest, and only its last bit.
        let float = f64::from(small) / 7.0;
        let bit = u64::from(wrong(Mistake::BitOfFloat) && id == 7);
        rows.value(Value::Float(f64::from_bits(float.to_bits() ^ bit)));
        rows.value(Value::Bit((id % 3 == 0) != wrong(Mistake::FlagTurned)));
        let number = id * 3_000_000_000 - 40_000_000_000;
        let cut = i64::from(number as i32);
        rows.value(Value::Int(if wrong(Mistake::NumberCut) { cut } else { number }));
    }
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
        Ok(Catalog { tables: vec![self.table()], ..Catalog::default() })
    }

    fn splits(&self, _: &Table, _: u64) -> Result<Vec<Split>, SourceError> {
        let split = |number| Split { number, locator: number.to_string(), estimated_bytes: 1 };
        Ok(if self.rows == 0 { Vec::new() } else { vec![split(0), split(1)] })
    }

    fn read(&self, _: &Table, split: &Split, rows: &mut dyn RowSink) -> Result<u64, SourceError> {
        let (half, all) = (self.rows / 2, self.rows);
        let ids = if split.number == 0 { 1..=half } else { half + 1..=all };
        let count = ids.clone().count() as u64;
        for id in ids {
            self.give(id, rows);
            rows.end_row().expect("nobody stops");
        }
        Ok(count)
    }
}

/// Audits what is right, loads what `mistake` makes of it, and gives what validation says; `between` may change the run
/// folder after the audit.
fn migrate(rows: i64, mistake: Option<Mistake>, between: impl Fn(&Run)) -> TableValidation {
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let environment = [("TARGET_URL".to_owned(), target.url.clone())];
    let config = Config::load(&Flags::default(), environment.into_iter()).unwrap();
    let (right, wrong) = (Made { rows, mistake: None }, Made { rows, mistake });
    let mut run = Run::begin(folder.path(), &right.about(), &config).unwrap();
    let server = TargetServer::open(&config, &run, &mut |_| {}).unwrap();
    let interrupt = Interrupt::new();
    let context = Context { run: &run, config: &config, progress: &Quiet, interrupt: &interrupt };
    let catalog = phases::extract(context, &right).unwrap();
    phases::hold(context, &right, &catalog, Purpose::Load).unwrap();
    phases::audit(context, &right, &catalog).unwrap();
    between(&run);
    phases::plan(context, &catalog).unwrap();
    run.set_target(server.identity()).unwrap();
    let context = Context { run: &run, config: &config, progress: &Quiet, interrupt: &interrupt };
    let plan = phases::create(context, &server).unwrap();
    phases::load(context, &server, &wrong, &catalog, &plan).unwrap();
    phases::finish(context, &server, &plan).unwrap();
    let mut validation = phases::validate(context, &server, Some(&wrong), &catalog, &plan).unwrap();
    server.close().unwrap();
    validation.tables.remove(0)
}

/// Whether a check passed, and what it says.
fn said<'a>(table: &'a TableValidation, check: &str) -> (bool, &'a str) {
    let outcome = table.checks.iter().find(|known| known.check == check).unwrap();
    (outcome.passed, &outcome.detail)
}

#[test]
fn every_mistake_of_an_encoder_is_found_and_its_column_named() {
    for (mistake, column) in MISTAKES {
        let table = migrate(60, Some(*mistake), |_| {});
        assert!(said(&table, "contents").0, "{mistake:?}: the first witness is blind for it");
        let (passed, detail) = said(&table, "second-witness");
        assert!(!passed && !table.passed, "{mistake:?} is not found");
        assert!(table.measures.as_ref().unwrap().different > 0);
        for difference in detail.split("; ") {
            assert!(difference.starts_with(&format!("{column}: ")), "{mistake:?}: {detail}");
        }
    }
}

#[test]
fn what_is_right_is_equal_and_so_is_an_empty_table() {
    for rows in [60, 0] {
        let table = migrate(rows, None, |_| {});
        assert!(table.passed, "{table:?}");
        let (passed, detail) = said(&table, "second-witness");
        assert!(passed && detail.ends_with("measures equal"), "{detail}");
        let measures = table.measures.unwrap();
        assert!(measures.equal > 12 && measures.different == 0 && measures.counted_only.is_empty());
    }
}

#[test]
fn a_run_that_was_audited_before_there_was_this_witness_does_not_fail() {
    let forget = |run: &Run| {
        let mut baseline: phases::Baseline = run.read_json("baseline.json").unwrap().unwrap();
        assert_ne!(baseline.tables[0].measures.take(), Some(TableMeasures::default()));
        run.write_json("baseline.json", &baseline).unwrap();
    };
    let table = migrate(60, None, forget);
    assert!(table.passed, "{table:?}");
    assert_eq!(said(&table, "second-witness"), (true, "not measured: the audit ran before this version"));
}

//! Tests of the probe for ambiguous layouts.

use super::*;
use mssql2pg_catalog::{Column, Length, ObjectName, SqlType};

fn table(types: &[(SqlType, bool)]) -> Table {
    let column = |(sql_type, nullable): &(SqlType, bool)| Column {
        nullable: *nullable,
        ..Column::new("c", sql_type.clone())
    };
    Table {
        name: ObjectName::new("dbo", "T"),
        columns: types.iter().map(column).collect(),
        ..Table::default()
    }
}

fn find(table: &Table, bytes: &[u8], elsewhere: Option<TimeUnit>) -> Result<Vec<String>, Misfit> {
    let sample = Sample { bytes: bytes.to_vec(), length: bytes.len() as u64 };
    let found = find_layout(table, &sample, || elsewhere)?;
    struct Rows(Vec<String>);
    impl RowSink for Rows {
        fn value(&mut self, value: Value<'_>) {
            self.0.push(format!("{value:?}"));
        }
        fn end_row(&mut self) -> Result<(), Stop> {
            Ok(())
        }
    }
    let mut rows = Rows(Vec::new());
    read_rows(bytes, bytes.len() as u64, &found, &mut rows).map_err(Misfit::NoLayout)?;
    Ok(rows.0)
}

#[test]
fn a_type_that_is_written_otherwise_is_found() {
    let check = |types: &[(SqlType, bool)], bytes: &[u8], expected: &[&str]| {
        assert_eq!(find(&table(types), bytes, None).unwrap(), expected, "{types:?}");
    };
    let text = (SqlType::NVarChar { length: Length::limited(5) }, false);
    // char NOT NULL: fixed, and with a prefix.
    let char_text = [(SqlType::Char { length: 1 }, false), text.clone()];
    check(&char_text, &[b'a', 0, 2, 0, b'b', 0], &["Utf16([97, 0])", "Utf16([98, 0])"]);
    check(&char_text, &[2, 0, b'a', 0, 2, 0, b'b', 0], &["Utf16([97, 0])", "Utf16([98, 0])"]);
    // binary NOT NULL: with a prefix, and fixed.
    let binary = [(SqlType::Binary { length: 2 }, false), text.clone()];
    check(&binary, &[2, 0, 8, 9, 0, 0], &["Bytes([8, 9])", "Utf16([])"]);
    check(&binary, &[8, 9, 2, 0, b'b', 0], &["Bytes([8, 9])", "Utf16([98, 0])"]);
    // rowversion without a prefix.
    check(
        &[(SqlType::RowVersion, false), text.clone()],
        &[0, 0, 0, 0, 0, 0, 7, 0xD1, 0, 0],
        &["Bytes([0, 0, 0, 0, 0, 0, 7, 209])", "Utf16([])"],
    );
    // sql_variant with a prefix of 4.
    check(
        &[(SqlType::SqlVariant, true)],
        &[6, 0, 0, 0, 0x38, 0, 1, 0, 0, 0],
        &["Variant(VariantValue { base_type: \"int\", value: Int(1) })"],
    );
    // smallmoney NOT NULL with a prefix.
    check(&[(SqlType::SmallMoney, false), text], &[4, 16, 39, 0, 0, 0, 0], &["Money(10000)", "Utf16([])"]);
}

#[test]
fn an_alias_over_a_number_may_have_a_prefix() {
    let mut aliased = table(&[(SqlType::Int, false)]);
    aliased.columns[0].alias = Some(ObjectName::new("dbo", "Id"));
    assert_eq!(find(&aliased, &[7, 0, 0, 0], None).unwrap(), ["Int(7)"]);
    assert_eq!(find(&aliased, &[4, 7, 0, 0, 0], None).unwrap(), ["Int(7)"]);
}

#[test]
fn rows_that_fit_no_layout_or_several_are_refused() {
    let lone = table(&[(SqlType::Char { length: 2 }, false)]);
    assert!(matches!(find(&lone, &[1, 2, 3], None), Err(Misfit::NoLayout(_))));
    // A prefix of 2 fails; one of 8 reads a row of five bytes, one of 4 two rows.
    let mut ciphertext = table(&[(SqlType::Int, false)]);
    ciphertext.columns[0].encrypted = true;
    let result = find(&ciphertext, &[5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], None);
    assert!(matches!(result, Err(Misfit::SeveralLayouts)), "{result:?}");
}

#[test]
fn a_time_is_read_in_the_unit_that_its_width_or_size_proves() {
    let check = |scale: u8, nullable: bool, bytes: &[u8], elsewhere: Option<TimeUnit>, expected: &str| {
        let table = table(&[(SqlType::Time { scale }, nullable)]);
        let found = find(&table, bytes, elsewhere).unwrap();
        assert_eq!(found, [expected], "time({scale}) {bytes:?}");
    };
    // Widths differ: 3 bytes of seconds, or 5 bytes of 100 ns.
    check(0, false, &[1, 0, 0], None, "Time(10000000)");
    check(0, false, &[0x80, 0x96, 0x98, 0, 0], None, "Time(10000000)");
    check(0, true, &[3, 1, 0, 0], None, "Time(10000000)");
    check(0, true, &[5, 0x80, 0x96, 0x98, 0, 0], None, "Time(10000000)");
    // Equal widths: 1 µs is no whole number of 100 ns steps of scale 6 unless it ends in 0.
    check(6, false, &[1, 0, 0, 0, 0], None, "Time(10)");
    // 23:00 in 100 ns is past midnight in microseconds.
    let late = 828_000_000_000u64.to_le_bytes();
    check(6, false, &late[..5], None, "Time(828000000000)");
    // 00:00:01 in microseconds could be 0.1 s in 100 ns: only another table can tell.
    let second = 1_000_000u64.to_le_bytes();
    check(6, false, &second[..5], Some(TimeUnit::Declared), "Time(10000000)");
    check(6, false, &second[..5], Some(TimeUnit::Full), "Time(1000000)");
    check(6, false, &[0; 5], None, "Time(0)");
    let refused = find(&table(&[(SqlType::Time { scale: 6 }, false)]), &second[..5], None);
    assert!(
        matches!(refused, Err(Misfit::NoLayout(Trouble { cause: Cause::Unsupported(_), .. }))),
        "{refused:?}"
    );
}

#[test]
fn a_table_proves_the_unit_of_times_for_others() {
    let evidence = |types: &[(SqlType, bool)], bytes: &[u8]| {
        time_evidence(&table(types), &Sample { bytes: bytes.to_vec(), length: bytes.len() as u64 })
    };
    let seconds = [(SqlType::Time { scale: 0 }, true)];
    assert_eq!(evidence(&seconds, &[3, 1, 0, 0]), Some(TimeUnit::Declared));
    assert_eq!(evidence(&seconds, &[5, 0, 0, 0, 0, 0]), Some(TimeUnit::Full));
    assert_eq!(evidence(&seconds, &[0xFF]), None);
    assert_eq!(evidence(&[(SqlType::Int, false)], &[1, 0, 0, 0]), None);
}

#[test]
fn a_cut_sample_is_enough() {
    let numbers = table(&[(SqlType::Char { length: 2 }, false)]);
    let sample = Sample { bytes: vec![b'a', 0, b'b', 0, b'c'], length: 4000 };
    assert!(find_layout(&numbers, &sample, || None).is_ok());
}

//! Rows of two sources, compared as a bag: a server gives them in no order.

use mssql2pg_catalog::{CodePage, RowSink, Stop, Table, Value};
use mssql2pg_sources::Source;

/// Rows as text, a unit separator between the values: what a value means, not how it travelled.
#[derive(Default)]
struct Bag {
    rows: Vec<String>,
    row: String,
}

impl RowSink for Bag {
    fn value(&mut self, value: Value<'_>) {
        if !self.row.is_empty() {
            self.row.push('\u{1F}');
        }
        self.row.push_str(&meaning(value));
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

/// A file has all text as UTF-16, a server has it in the page of the column's collation.
fn meaning(value: Value<'_>) -> String {
    match value {
        Value::Utf16(bytes) => {
            let units: Vec<u16> =
                bytes.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            format!("text {}", String::from_utf16_lossy(&units))
        }
        Value::Utf8(bytes) => format!("text {}", String::from_utf8_lossy(bytes)),
        Value::CodePage(bytes, page) => {
            format!("text {}", encoding(page).decode_without_bom_handling(bytes).0)
        }
        Value::Variant(variant) => format!("{} {}", variant.base_type, meaning(variant.value)),
        other => format!("{other:?}"),
    }
}

fn encoding(page: CodePage) -> &'static encoding_rs::Encoding {
    match page.0 {
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        932 => encoding_rs::SHIFT_JIS,
        other => panic!("no sample has text in code page {other}"),
    }
}

/// All rows of a table, sorted.
pub(crate) fn all(source: &dyn Source, table: &Table) -> Vec<String> {
    let mut bag = Bag::default();
    for split in source.splits(table, u64::MAX).unwrap_or_else(|error| panic!("{error:?}")) {
        let pushed = source.read(table, &split, &mut bag).unwrap_or_else(|error| panic!("{error:?}"));
        assert!(pushed <= bag.rows.len() as u64);
    }
    bag.rows.sort_unstable();
    bag.rows
}

/// Fails at the first row that one side has and the other has not.
pub(crate) fn compare(what: &str, expected: Vec<String>, actual: Vec<String>) {
    let shown = |row: Option<&String>| row.map(|row| row.chars().take(2000).collect::<String>());
    if let Some(at) = expected.iter().zip(&actual).position(|(expected, actual)| expected != actual) {
        panic!(
            "{what}: the rows differ\n  file: {:?}\nserver: {:?}",
            shown(expected.get(at)),
            shown(actual.get(at))
        );
    }
    assert_eq!(actual.len(), expected.len(), "{what}: rows");
}

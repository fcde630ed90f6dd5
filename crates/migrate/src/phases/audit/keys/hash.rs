//! The hash of a row's key, in a way of spelling.
//!
//! Invariant: a value has one hash whatever form the source delivers it in (an `Int` and a `Decimal` of one number, UTF-16
//! and a code page of one text), since the two ends of a reference may differ in that.

use super::KeySet;
use mssql2pg_catalog::{Column, SqlType, Table, Value};
use mssql2pg_mapping::encode::put_text;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use xxhash_rust::xxh3::xxh3_128;

/// What counts as one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::phases::audit) enum Spelling {
    /// As PostgreSQL compares: every character counts, but for the trailing blanks of `char`.
    Exact,
    /// As SQL Server compares under the column's collation: trailing blanks never count, case and accents as it says.
    AsInSource,
    /// Neither trailing blanks nor case count.
    Careless,
}

/// How the text of one column is folded before it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Folding {
    blanks: bool,
    case: bool,
    accents: bool,
}

impl Folding {
    fn of(spelling: Spelling, column: &Column, collation: Option<&str>) -> Self {
        let padded = matches!(column.sql_type, SqlType::Char { .. } | SqlType::NChar { .. });
        let collation = column.collation.as_deref().or(collation).unwrap_or_default().to_ascii_uppercase();
        let says = |word: &str| collation.split('_').any(|part| part == word);
        match spelling {
            Spelling::Exact => Self { blanks: padded, case: false, accents: false },
            Spelling::AsInSource => Self { blanks: true, case: says("CI"), accents: says("AI") },
            Spelling::Careless => Self { blanks: true, case: true, accents: false },
        }
    }
}

/// Hashes the keys of one table's rows, for each of its sets.
pub(in crate::phases::audit) struct RowHashes {
    sets: Vec<Set>,
    /// Per stored column: which of `folded` it fills.
    fills: Vec<Vec<usize>>,
    /// One per column and folding that any set needs.
    folded: Vec<Folded>,
    text: Vec<u8>,
    joined: Vec<u8>,
}

struct Set {
    number: usize,
    /// Places in `folded`, in key order.
    parts: Vec<usize>,
}

struct Folded {
    column: usize,
    folding: Folding,
    /// Of the current row; none for NULL.
    hash: Option<u128>,
}

impl RowHashes {
    /// For the sets of `table`; `collation` is the database's.
    pub(in crate::phases::audit) fn new(
        table: &Table,
        sets: &[(usize, &KeySet)],
        collation: Option<&str>,
    ) -> Self {
        let columns: Vec<&Column> = table.stored_columns().collect();
        let mut hashes = Self {
            sets: Vec::new(),
            fills: vec![Vec::new(); columns.len()],
            folded: Vec::new(),
            text: Vec::new(),
            joined: Vec::new(),
        };
        for (number, set) in sets {
            let mut parts = Vec::new();
            for &place in &set.columns {
                let Some(column) = columns.get(place) else { continue };
                let folding = Folding::of(set.spelling, column, collation);
                let known =
                    hashes.folded.iter().position(|known| known.column == place && known.folding == folding);
                parts.push(known.unwrap_or_else(|| {
                    hashes.fills[place].push(hashes.folded.len());
                    hashes.folded.push(Folded { column: place, folding, hash: None });
                    hashes.folded.len() - 1
                }));
            }
            hashes.sets.push(Set { number: *number, parts });
        }
        hashes
    }

    /// Whether there is nothing to hash.
    pub(in crate::phases::audit) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Takes the value of the stored column at `place`.
    #[inline]
    pub(in crate::phases::audit) fn value(&mut self, place: usize, value: &Value<'_>) {
        let Some(fills) = self.fills.get(place) else { return };
        for &fill in fills {
            let Some(folded) = self.folded.get_mut(fill) else { continue };
            folded.hash = hash(value, folded.folding, &mut self.text);
        }
    }

    /// Gives each set's number and the current row's key in it; a key with a NULL refers to nothing and is left out.
    pub(in crate::phases::audit) fn end_row(&mut self, mut take: impl FnMut(usize, u128)) {
        for set in &self.sets {
            if let [part] = set.parts.as_slice() {
                if let Some(hash) = self.folded.get(*part).and_then(|folded| folded.hash) {
                    take(set.number, hash);
                }
                continue;
            }
            self.joined.clear();
            let whole = set.parts.iter().all(|part| {
                let hash = self.folded.get(*part).and_then(|folded| folded.hash);
                self.joined.extend(hash.unwrap_or_default().to_le_bytes());
                hash.is_some()
            });
            if whole {
                take(set.number, xxh3_128(&self.joined));
            }
        }
    }
}

/// The hash of one value; none for NULL.
fn hash(value: &Value<'_>, folding: Folding, scratch: &mut Vec<u8>) -> Option<u128> {
    scratch.clear();
    match *value {
        Value::Null => return None,
        Value::Bit(bit) => put_number(scratch, i128::from(bit), 0),
        Value::Int(number) => put_number(scratch, i128::from(number), 0),
        Value::Money(number) => put_number(scratch, i128::from(number), 4),
        Value::Decimal { magnitude, scale, negative } => {
            let number = i128::try_from(u128::from_le_bytes(*magnitude)).unwrap_or(i128::MAX);
            put_number(scratch, if negative { -number } else { number }, scale);
        }
        // Adding 0 makes 0 of -0.
        Value::Real(number) => scratch.extend((f64::from(number) + 0.0).to_bits().to_le_bytes()),
        Value::Float(number) => scratch.extend((number + 0.0).to_bits().to_le_bytes()),
        Value::Date(days) => put_moment(scratch, i64::from(days), 0),
        Value::Time(ticks) => put_moment(scratch, 0, ticks),
        Value::DateTime { days, ticks } => put_moment(scratch, i64::from(days), u64::from(ticks)),
        Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => {
            put_moment(scratch, i64::from(days), ticks);
        }
        Value::Guid(guid) => scratch.extend(guid),
        Value::Bytes(bytes) => scratch.extend(bytes),
        Value::Variant(variant) => return hash(&variant.value, folding, scratch),
        Value::Utf16(_) | Value::CodePage(..) | Value::Utf8(_) => {
            // Only whether a text is flawed is lost here, and other checks tell that.
            let _ = put_text(scratch, value);
            fold(scratch, folding);
        }
    }
    Some(xxh3_128(scratch))
}

/// A number without the zeros at the end of its fraction.
fn put_number(out: &mut Vec<u8>, mut number: i128, mut scale: u8) {
    while scale > 0 && number % 10 == 0 {
        (number, scale) = (number / 10, scale - 1);
    }
    out.push(scale);
    out.extend(number.to_le_bytes());
}

fn put_moment(out: &mut Vec<u8>, days: i64, ticks: u64) {
    out.extend(days.to_le_bytes());
    out.extend(ticks.to_le_bytes());
}

fn fold(text: &mut Vec<u8>, folding: Folding) {
    if folding.blanks {
        let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        text.truncate(end);
    }
    if folding.accents && !text.is_ascii() {
        let plain: String =
            String::from_utf8_lossy(text).nfd().filter(|letter| !is_combining_mark(*letter)).collect();
        *text = plain.into_bytes();
    }
    if folding.case {
        if text.is_ascii() {
            text.make_ascii_lowercase();
        } else {
            *text = String::from_utf8_lossy(text).to_lowercase().into_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::CodePage;

    const EXACT: Folding = Folding { blanks: false, case: false, accents: false };

    fn of(value: Value<'_>, folding: Folding) -> Option<u128> {
        hash(&value, folding, &mut Vec::new())
    }

    #[test]
    fn one_value_has_one_hash_whatever_form_it_comes_in() {
        let twelve = 1200_u128.to_le_bytes();
        assert_eq!(
            of(Value::Int(12), EXACT),
            of(Value::Decimal { magnitude: &twelve, scale: 2, negative: false }, EXACT)
        );
        assert_eq!(
            of(Value::Utf16(b"a\0\xE4\0"), EXACT),
            of(Value::CodePage(b"a\xE4", CodePage(1252)), EXACT)
        );
        assert_eq!(of(Value::Float(0.0), EXACT), of(Value::Float(-0.0), EXACT));
        assert_eq!(of(Value::Null, EXACT), None);
        assert_ne!(of(Value::Int(1), EXACT), of(Value::Int(-1), EXACT));
    }

    #[test]
    fn text_is_folded_as_the_collation_says() {
        let column = |sql_type, collation: &str| Column {
            collation: Some(collation.to_owned()),
            ..Column::new("c", sql_type)
        };
        let varchar = SqlType::VarChar { length: mssql2pg_catalog::Length::limited(9) };
        let same = |spelling, collation: &str, one: &str, other: &str| {
            let folding = Folding::of(spelling, &column(varchar.clone(), collation), None);
            of(Value::Utf8(one.as_bytes()), folding) == of(Value::Utf8(other.as_bytes()), folding)
        };
        assert!(same(Spelling::AsInSource, "Latin1_General_CI_AS", "ÄB ", "äb"));
        assert!(!same(Spelling::AsInSource, "Latin1_General_CS_AS", "AB", "ab"));
        assert!(!same(Spelling::AsInSource, "Latin1_General_CI_AS", "e", "é"));
        assert!(same(Spelling::AsInSource, "Latin1_General_CI_AI", "e", "É"));
        assert!(same(Spelling::AsInSource, "Latin1_General_BIN2", "ab", "ab  "));
        assert!(same(Spelling::Careless, "Latin1_General_CS_AS", "AB", "ab "));
        assert!(!same(Spelling::Exact, "Latin1_General_CI_AS", "ab", "ab "));
        let padded = Folding::of(Spelling::Exact, &column(SqlType::Char { length: 4 }, ""), None);
        assert_eq!(of(Value::Utf8(b"ab  "), padded), of(Value::Utf8(b"ab"), padded));
    }
}

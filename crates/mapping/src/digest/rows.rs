//! What tells rows apart: hashes of a row's key, of the whole row and of each of its columns, by which validation finds
//! the rows that differ without holding them.
//!
//! Invariant: a row is hashed in the canonical form of its columns, so that equal values have equal hashes on both sides.
//! In a table without a key the whole row is the key: then a changed row is one that is missing and one too many.
//!
//! To extend: a rule of comparison is an arm in `put_canonical_field`, not here.

use super::{Fields, key_positions, put_canonical_field};
use crate::encode::{key_text, shown_name, text_of};
use crate::plan::{ColumnPlan, TablePlan};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// A value in a list of differences is cut at this length.
const MOST_VALUE_CHARACTERS: usize = 200;

/// Hashes of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowMark {
    /// Of its key; of the whole row in a table without a key.
    pub key: u128,
    /// Of the whole row.
    pub row: u64,
}

impl RowMark {
    /// Which of 2^`bits` buckets the row's key is in.
    pub fn bucket(&self, bits: u32) -> usize {
        // At most 32 bits, so that it fits.
        if bits == 0 { 0 } else { (self.key >> (128 - bits)) as usize }
    }
}

/// Hashes tuples of [`TablePlan::copy_columns`].
#[derive(Debug, Clone)]
pub struct RowMarker<'a> {
    columns: Vec<&'a ColumnPlan>,
    key: Vec<usize>,
    scratch: Vec<u8>,
}

impl<'a> RowMarker<'a> {
    /// For tuples of this table.
    pub fn new(table: &'a TablePlan) -> Self {
        Self { columns: table.copy_columns().collect(), key: key_positions(table), scratch: Vec::new() }
    }

    /// Whether the table has a key; if not, its rows are told apart as wholes.
    pub fn has_key(&self) -> bool {
        !self.key.is_empty()
    }

    /// The source's names of the columns.
    pub fn names(&self) -> Vec<&'a str> {
        self.columns.iter().map(|column| shown_name(column)).collect()
    }

    /// The hashes of one tuple.
    pub fn mark(&mut self, row: &[u8]) -> RowMark {
        self.scratch.clear();
        for (column, field) in self.columns.iter().zip(Fields::of(row)) {
            put_canonical_field(&mut self.scratch, column.comparison, field);
        }
        let whole = xxh3_64(&self.scratch);
        if self.key.is_empty() {
            return RowMark { key: xxh3_128(&self.scratch), row: whole };
        }
        let fields: Vec<Option<&[u8]>> = Fields::of(row).collect();
        self.scratch.clear();
        for index in &self.key {
            if let (Some(column), Some(field)) = (self.columns.get(*index), fields.get(*index)) {
                put_canonical_field(&mut self.scratch, column.comparison, *field);
            }
        }
        RowMark { key: xxh3_128(&self.scratch), row: whole }
    }

    /// The hash of each column of one tuple.
    pub fn columns(&mut self, row: &[u8]) -> Vec<u64> {
        let fields = self.columns.iter().zip(Fields::of(row));
        let scratch = &mut self.scratch;
        fields
            .map(|(column, field)| {
                scratch.clear();
                put_canonical_field(scratch, column.comparison, field);
                xxh3_64(scratch)
            })
            .collect()
    }

    /// The key of one tuple for people, as [`crate::encode::Loss::samples`] has it; none in a table without a key.
    pub fn key_text(&self, row: &[u8]) -> Option<String> {
        let fields: Vec<Option<&[u8]>> = Fields::of(row).collect();
        let texts = self.key.iter().map(|index| {
            let column = self.columns.get(*index)?;
            Some((column.source.as_str(), text_of(column, *fields.get(*index)?)))
        });
        key_text(texts)
    }

    /// The values of one tuple for people, long ones cut; none is NULL.
    pub fn values(&self, row: &[u8]) -> Vec<Option<String>> {
        let fields = self.columns.iter().zip(Fields::of(row));
        fields
            .map(|(column, field)| {
                let text = text_of(column, Some(field?));
                Some(match text.char_indices().nth(MOST_VALUE_CHARACTERS) {
                    Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                    None => text,
                })
            })
            .collect()
    }
}

/// Digests of rows by buckets of their key's hash: two tables that differ in a row differ in its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    bits: u32,
    of: Vec<(u64, u64)>,
}

impl Buckets {
    /// 2^`bits` empty buckets, of 16 bytes each.
    pub fn new(bits: u32) -> Self {
        Self { bits, of: vec![(0, 0); 1 << bits] }
    }

    /// Adds one row.
    pub fn add(&mut self, mark: RowMark) {
        if let Some((rows, sum)) = self.of.get_mut(mark.bucket(self.bits)) {
            *rows += 1;
            *sum = sum.wrapping_add(mark.row);
        }
    }

    /// The buckets that differ, in order: their places, and how many rows both sides have there.
    pub fn differing(&self, other: &Self) -> Vec<(usize, u64)> {
        let pairs = self.of.iter().zip(&other.of).enumerate();
        pairs.filter(|(_, (one, two))| one != two).map(|(at, (one, two))| (at, one.0 + two.0)).collect()
    }
}

/// How many bits of the key's hash tell the buckets of a table of so many rows apart: about 64 rows a bucket, and at
/// most 16 MiB of buckets a side.
pub fn bucket_bits(rows: u64) -> u32 {
    (rows / 64).checked_ilog2().map_or(0, |bits| bits + 1).clamp(4, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_differs_shows_in_its_bucket_alone() {
        let mark = |number: u64| RowMark { key: xxh3_128(&number.to_be_bytes()), row: number };
        let (mut one, mut two) = (Buckets::new(8), Buckets::new(8));
        for number in 0..10_000 {
            one.add(mark(number));
            two.add(if number == 77 { RowMark { row: 1, ..mark(77) } } else { mark(number) });
        }
        let found = one.differing(&two);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, mark(77).bucket(8));
        assert_eq!(one.differing(&one), []);
    }

    #[test]
    fn buckets_are_few_for_few_rows_and_bounded_for_many() {
        assert_eq!((bucket_bits(0), bucket_bits(64_000), bucket_bits(u64::MAX)), (4, 10, 20));
    }
}

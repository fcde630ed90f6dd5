//! Digests of rows: how what was sent is compared with what PostgreSQL gives back.
//!
//! Invariant: a digest does not depend on the order of rows (a heap has none) but on everything else:
//! it is a *sum* of 128-bit hashes, so a doubled row shows where an exclusive or would hide it.
//! Columns that PostgreSQL stores in a form of its own are hashed in a canonical form, on both sides.
//!
//! To extend: a rule of comparison is a variant of [`Comparison`] and an arm in `put_canonical_field`.

use crate::encode::{json, shown_name};
use crate::plan::{ColumnPlan, Comparison, TablePlan};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use xxhash_rust::xxh3::xxh3_128;

mod copy_tuples;
mod rows;

pub use copy_tuples::{CopyFormatError, CopyTuples};
pub use rows::{Buckets, RowMark, RowMarker, bucket_bits};

/// An order-free digest of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowDigest {
    /// The number of rows.
    pub rows: u64,
    /// The wrapping sum of the rows' 128-bit hashes; 32 hex digits in JSON.
    #[serde(serialize_with = "as_hex", deserialize_with = "from_hex")]
    pub sum: u128,
}

impl RowDigest {
    /// Adds one row: its COPY bytes, field count included.
    #[inline]
    pub fn add_row(&mut self, row: &[u8]) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(row));
    }

    /// Adds the rows of another digest.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// `rows:sum`, for example `830:0f…`: how the ledger keeps it.
impl fmt::Display for RowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.rows, self.sum)
    }
}

/// A text that is not a [`RowDigest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADigest;

impl FromStr for RowDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let (rows, sum) = text.split_once(':').ok_or(NotADigest)?;
        let rows = rows.parse().map_err(|_| NotADigest)?;
        let sum = u128::from_str_radix(sum, 16).map_err(|_| NotADigest)?;
        Ok(Self { rows, sum })
    }
}

fn as_hex<S: Serializer>(sum: &u128, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{sum:032x}"))
}

fn from_hex<'de, D: Deserializer<'de>>(input: D) -> Result<u128, D::Error> {
    u128::from_str_radix(&String::deserialize(input)?, 16).map_err(D::Error::custom)
}

/// Digests tuples of one table, each column by its rule of comparison. The same for the rows that are
/// sent and for those that are read back.
#[derive(Debug, Clone)]
pub struct TableDigester {
    comparisons: Vec<Comparison>,
    /// Whether all columns compare byte by byte, so that a row is hashed as it is.
    plain: bool,
    scratch: Vec<u8>,
    digest: RowDigest,
}

impl TableDigester {
    /// For tuples of [`TablePlan::copy_columns`].
    pub fn new(table: &TablePlan) -> Self {
        let comparisons: Vec<Comparison> = table.copy_columns().map(|column| column.comparison).collect();
        let plain = comparisons.iter().all(|comparison| *comparison == Comparison::Bytes);
        Self { comparisons, plain, scratch: Vec::new(), digest: RowDigest::default() }
    }

    /// Adds one tuple of a COPY BINARY stream: field count and fields.
    #[inline]
    pub fn row(&mut self, row: &[u8]) {
        if self.plain {
            self.digest.add_row(row);
        } else {
            self.canonical_row(row);
        }
    }

    fn canonical_row(&mut self, row: &[u8]) {
        self.scratch.clear();
        self.scratch.extend_from_slice(row.get(..2).unwrap_or(row));
        let mut comparisons = self.comparisons.iter();
        for field in Fields::of(row) {
            let comparison = comparisons.next().copied().unwrap_or_default();
            put_canonical_field(&mut self.scratch, comparison, field);
        }
        self.digest.add_row(&self.scratch);
    }

    /// The digest of all tuples so far.
    pub fn digest(&self) -> RowDigest {
        self.digest
    }
}

/// Appends a field's length and bytes in the form in which two equal values have equal bytes.
fn put_canonical_field(out: &mut Vec<u8>, comparison: Comparison, field: Option<&[u8]>) {
    let Some(field) = field else {
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        return;
    };
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    match comparison {
        Comparison::Bytes => out.extend_from_slice(field),
        Comparison::Xml => out.extend_from_slice(canonical_xml(field)),
        // The version byte of `jsonb` comes before the text.
        Comparison::Json => json::put_canonical(out, field.strip_prefix(&[1]).unwrap_or(field)),
    }
    // A canonical form may be longer than a field can be; its length only has to be told apart.
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// XML as PostgreSQL gives it back: without its declaration and without line breaks at its start. On
/// output PostgreSQL leaves out one of them, and the result of that may start with another, so only
/// without all of them both sides are equal.
fn canonical_xml(text: &[u8]) -> &[u8] {
    let mut body = without_xml_declaration(text);
    while let Some(rest) = body.strip_prefix(b"\n") {
        body = rest;
    }
    body
}

/// The text after an XML declaration, or all of it if there is none.
pub(crate) fn without_xml_declaration(text: &[u8]) -> &[u8] {
    let declaration =
        text.strip_prefix(b"<?xml").filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace));
    let end = declaration.and_then(|rest| rest.windows(2).position(|pair| pair == b"?>"));
    match (declaration, end) {
        (Some(rest), Some(end)) => rest.get(end + 2..).unwrap_or_default(),
        _ => text,
    }
}

/// The fields of a tuple; ends early where the bytes are not a tuple.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of field count and fields.
    pub(crate) fn of(row: &'a [u8]) -> Self {
        Self { rest: row.get(2..).unwrap_or_default() }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        // -1 is NULL; it does not fit, so it is none.
        match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => {
                self.rest = rest;
                Some(None)
            }
            Ok(length) => {
                let (field, rest) = rest.split_at_checked(length)?;
                self.rest = rest;
                Some(Some(field))
            }
        }
    }
}

/// Where the columns of the table's key stand among its copied columns: the primary key, else the first
/// unique key that takes no NULL. Empty if there is none.
pub(crate) fn key_positions(table: &TablePlan) -> Vec<usize> {
    let columns: Vec<&ColumnPlan> = table.copy_columns().collect();
    let positions = |names: &[String], nullable: bool| -> Option<Vec<usize>> {
        names
            .iter()
            .map(|name| {
                columns.iter().position(|column| column.name == *name && (nullable || !column.nullable))
            })
            .collect()
    };
    let primary = table.primary_key.as_ref().and_then(|key| positions(&key.columns, true));
    primary.or_else(|| table.unique.iter().find_map(|key| positions(&key.columns, false))).unwrap_or_default()
}

/// A digest per column, to name the columns in which two copies of a table differ. Each value is
/// hashed with its row's key, so that values swapped between rows show; in a table without a key such
/// a swap shows only in [`TableDigester`].
#[derive(Debug, Clone)]
pub struct ColumnDigests {
    columns: Vec<(String, Comparison)>,
    key: Vec<usize>,
    sums: Vec<u128>,
    scratch: Vec<u8>,
}

impl ColumnDigests {
    /// For tuples of [`TablePlan::copy_columns`].
    pub fn new(table: &TablePlan) -> Self {
        let columns: Vec<(String, Comparison)> =
            table.copy_columns().map(|column| (shown_name(column).to_owned(), column.comparison)).collect();
        let sums = vec![0; columns.len()];
        Self { columns, key: key_positions(table), sums, scratch: Vec::new() }
    }

    /// Adds one tuple of a COPY BINARY stream: field count and fields.
    pub fn row(&mut self, row: &[u8]) {
        let fields: Vec<Option<&[u8]>> = Fields::of(row).collect();
        self.scratch.clear();
        for index in &self.key {
            if let (Some(field), Some((_, comparison))) = (fields.get(*index), self.columns.get(*index)) {
                put_canonical_field(&mut self.scratch, *comparison, *field);
            }
        }
        let key_bytes = self.scratch.len();
        for ((field, (_, comparison)), sum) in fields.iter().zip(&self.columns).zip(&mut self.sums) {
            self.scratch.truncate(key_bytes);
            put_canonical_field(&mut self.scratch, *comparison, *field);
            *sum = sum.wrapping_add(xxh3_128(&self.scratch));
        }
    }

    /// Adds the rows of another digest of the same table.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum = sum.wrapping_add(*more);
        }
    }

    /// The source's names of the columns whose digests differ, in the columns' order.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let pairs = self.columns.iter().zip(self.sums.iter().zip(&other.sums));
        pairs.filter(|(_, (one, other))| one != other).map(|((name, _), _)| name.clone()).collect()
    }
}

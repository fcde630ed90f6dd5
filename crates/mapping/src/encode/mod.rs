//! Values become PostgreSQL's COPY BINARY bytes.
//!
//! Invariant: a value is sent exactly, or what is lost is noted as a [`Loss`], or the row is rejected.
//! The bytes sent are those that PostgreSQL sends back for the stored value (PostgreSQL
//! documentation, COPY, "Binary Format", and the types' receive and send functions), or the
//! column's [`crate::plan::Comparison`] says how they may differ.
//!
//! The files: `copy_rows` makes rows and the stream, `field` picks the bytes of one value, and each
//! family of types has a file of its own.
//!
//! To extend: a new kind of bytes is a variant of [`Encoder`], an arm in `field::put_value` and one in
//! `readable::field_text`.

mod copy_rows;
mod declared;
mod field;
mod hierarchy;
pub(crate) mod json;
mod loss;
mod numeric;
mod readable;
mod spatial;
mod temporal;
mod text;
mod variant;
mod vector;

pub(crate) use copy_rows::SIGNATURE;
pub use copy_rows::{CopyOutput, CopyRows, SplitOutcome};
pub use declared::is_declared;
pub use loss::{LOSS_SAMPLES, Loss, LossKind, RejectedRow, merge_losses};
pub(crate) use readable::key_text;
pub use readable::text_of;

use crate::plan::ColumnPlan;
use crate::settings::TextPolicy;
use mssql2pg_catalog::Value;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// How a column's values become COPY bytes. What an encoder needs besides (length, scale) is in the
/// column's PostgreSQL type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoder {
    /// `boolean`.
    Bool,
    /// `bit` as 0 or 1 in a `smallint`.
    BitAsInt2,
    /// `bit` as 0 or 1 in an `integer`.
    BitAsInt4,
    /// `smallint`.
    Int2,
    /// `integer`.
    Int4,
    /// `bigint`; also takes decimals that are whole.
    Int8,
    /// `real`.
    Float4,
    /// `double precision`.
    Float8,
    /// `numeric(p,s)`, from decimals, money and integers.
    Numeric,
    /// `date`.
    Date,
    /// `time(s)`.
    Time,
    /// `timestamp(s)`.
    Timestamp,
    /// `timestamptz(s)`.
    TimestampTz,
    /// The offset of a `datetimeoffset` in minutes east of UTC, as `smallint`.
    OffsetMinutes,
    /// `text` and `varchar(n)`.
    Text,
    /// `char(n)`: padded with blanks to n characters, as PostgreSQL itself does.
    Char,
    /// A text flag as `boolean`.
    YesNo,
    /// `bytea`.
    Bytea,
    /// Eight big-endian bytes as `bigint`.
    RowVersionAsInt8,
    /// `uuid`.
    Uuid,
    /// A `uniqueidentifier` as text in lower case.
    UuidAsText,
    /// `xml`.
    Xml,
    /// `json`: text that must be JSON.
    Json,
    /// `jsonb`.
    Jsonb,
    /// A `sql_variant` as text.
    VariantAsText,
    /// A `sql_variant` as `jsonb` with its base type.
    VariantAsJsonb,
    /// A `hierarchyid` as a path, `/1/3.1/`.
    HierarchyAsText,
    /// `geography` as EWKB: in a `bytea`, or in a type of PostGIS.
    GeographyAsEwkb,
    /// `geometry` as EWKB: in a `bytea`, or in a type of PostGIS.
    GeometryAsEwkb,
    /// `geography` as EWKT.
    GeographyAsEwkt,
    /// `geometry` as EWKT.
    GeometryAsEwkt,
    /// `vector` as `real[]`.
    VectorAsArray,
    /// `vector` as pgvector's `vector(n)`.
    VectorAsPgvector,
}

/// Why a value cannot be sent: one sentence without a period, and without the value. Small, since every
/// value's result has room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reject(Box<str>);

impl Reject {
    #[cold]
    fn new(reason: impl Into<Box<str>>) -> Self {
        Self(reason.into())
    }
}

/// What PostgreSQL cannot hold of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextFlaws {
    /// It has a NUL character.
    pub nul: bool,
    /// It has half a surrogate pair, or bytes that its code page does not define.
    pub invalid: bool,
}

/// Appends a text as UTF-8, by the rules of the load: flaws are replaced by U+FFFD. None if the value is no text; then
/// nothing is appended.
pub fn put_text(out: &mut Vec<u8>, value: &Value<'_>) -> Option<TextFlaws> {
    static RULES: LazyLock<text::TextRules> = LazyLock::new(|| text::TextRules {
        nul: TextPolicy::Replace,
        invalid: TextPolicy::Replace,
        replacement: char::REPLACEMENT_CHARACTER.to_string(),
    });
    let (rules, start, mut changes) = (&*RULES, out.len(), text::TextChanges::default());
    let put = match *value {
        Value::Utf16(bytes) => text::put_utf16(out, bytes, rules, &mut changes),
        Value::CodePage(bytes, page) => text::put_code_page(out, bytes, page.0, rules, &mut changes),
        Value::Utf8(bytes) => text::put_utf8(out, bytes, rules, &mut changes),
        _ => return None,
    };
    // What no replacement helps: an odd number of bytes, a page that nobody knows.
    if put.is_err() {
        out.truncate(start);
        changes.invalid = true;
    }
    Some(TextFlaws { nul: changes.nul, invalid: changes.invalid })
}

/// Appends a field of fixed size, at most 16 bytes: length and bytes, in one copy.
#[inline]
fn put_fixed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    const { assert!(N <= 16) };
    let mut field = [0u8; 20];
    field[..4].copy_from_slice(&(N as u32).to_be_bytes());
    field[4..4 + N].copy_from_slice(&bytes);
    out.extend_from_slice(&field[..4 + N]);
}

/// A GUID in RFC 9562 order. SQL Server stores the first three groups little-endian.
#[inline]
fn rfc_order(guid: &[u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *guid;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

/// The name under which people know a column: the source's, or for an offset, which has no column of
/// its own in the source, the target's.
pub(crate) fn shown_name(column: &ColumnPlan) -> &str {
    if column.encoder == Encoder::OffsetMinutes { &column.name } else { &column.source }
}

//! Losses, which are counted, and rejected rows, which are written down.
//!
//! Invariant: a value that is altered is in a [`Loss`], a row that is not sent is a [`RejectedRow`];
//! there is no third way.
//!
//! To extend: a kind is a variant of [`LossKind`], a line in [`LossKind::ALL`] and one in its label.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// How many sample keys a loss has.
pub const LOSS_SAMPLES: usize = 10;

/// Values of one column that were altered in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The column's name in the source.
    pub column: String,
    /// What happened to the values.
    pub kind: LossKind,
    /// How many values.
    pub count: u64,
    /// Keys of up to [`LOSS_SAMPLES`] rows: `OrderID=7, Line=2`, or `row 12` (its number in the split,
    /// from 1) in a table without a key.
    pub samples: Vec<String>,
}

/// What happened to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// NUL characters were replaced.
    NulReplaced,
    /// NUL characters were left out.
    NulStripped,
    /// Invalid text was replaced.
    InvalidTextReplaced,
    /// Invalid text was left out.
    InvalidTextStripped,
    /// Digits of a second's fraction were cut.
    FractionCut,
    /// The offset of a `datetimeoffset`, other than 0, was dropped.
    OffsetDropped,
    /// An XML declaration was left out.
    XmlDeclarationDropped,
    /// The transform `trim` removed blanks.
    Trimmed,
    /// The transform `null_if_empty` made NULL of the empty string.
    EmptyToNull,
    /// The transform `lower` changed letters.
    Lowered,
    /// The transform `upper` changed letters.
    Uppered,
    /// The transform `yes_no` made a boolean.
    FlagToBoolean,
}

impl LossKind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 12] = [
        Self::NulReplaced,
        Self::NulStripped,
        Self::InvalidTextReplaced,
        Self::InvalidTextStripped,
        Self::FractionCut,
        Self::OffsetDropped,
        Self::XmlDeclarationDropped,
        Self::Trimmed,
        Self::EmptyToNull,
        Self::Lowered,
        Self::Uppered,
        Self::FlagToBoolean,
    ];

    /// The sentence for people, without a period.
    pub fn label(self) -> &'static str {
        match self {
            Self::NulReplaced => "NUL characters were replaced, since PostgreSQL text cannot hold them",
            Self::NulStripped => "NUL characters were left out, since PostgreSQL text cannot hold them",
            Self::InvalidTextReplaced => "invalid text (lone surrogates, undefined bytes) was replaced",
            Self::InvalidTextStripped => "invalid text (lone surrogates, undefined bytes) was left out",
            Self::FractionCut => "digits of a second's fraction were cut, towards the past",
            Self::OffsetDropped => "the offset was dropped; the instant is kept",
            Self::XmlDeclarationDropped => "an XML declaration was left out",
            Self::Trimmed => "blanks at the ends were removed (transform trim)",
            Self::EmptyToNull => "the empty string became NULL (transform null_if_empty)",
            Self::Lowered => "letters became lower case (transform lower)",
            Self::Uppered => "letters became upper case (transform upper)",
            Self::FlagToBoolean => "a text flag became a boolean (transform yes_no)",
        }
    }
}

/// Adds `more` to `losses`, of the same table: counts are summed, the first samples kept, and the
/// result is sorted by column and kind.
pub fn merge_losses(losses: &mut Vec<Loss>, more: &[Loss]) {
    for loss in more {
        let same = losses.iter_mut().find(|known| known.column == loss.column && known.kind == loss.kind);
        match same {
            Some(known) => {
                known.count = known.count.saturating_add(loss.count);
                let room = LOSS_SAMPLES.saturating_sub(known.samples.len());
                known.samples.extend(loss.samples.iter().take(room).cloned());
            }
            None => losses.push(loss.clone()),
        }
    }
    losses.sort_by(|one, other| (&one.column, one.kind).cmp(&(&other.column, other.kind)));
}

/// A row that was not sent: one JSON line in `rejects/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The row's key, as in [`Loss::samples`].
    pub key: String,
    /// Its number in the split, from 1; not written down.
    #[serde(skip)]
    pub number: u64,
    /// The source's name of the first column whose value cannot be sent; empty if it is the row itself.
    pub column: String,
    /// Why: one sentence without a period.
    pub reason: String,
    /// Source column → its value as text, or null; in JSON an object in the columns' order. A value
    /// that could be sent stands as in [`super::text_of`], one that could not stands with escapes or in hex.
    #[serde(serialize_with = "as_object", deserialize_with = "from_object")]
    pub row: Vec<(String, serde_json::Value)>,
}

fn as_object<S: Serializer>(row: &[(String, serde_json::Value)], out: S) -> Result<S::Ok, S::Error> {
    let mut object = out.serialize_map(Some(row.len()))?;
    for (column, value) in row {
        object.serialize_entry(column, value)?;
    }
    object.end()
}

fn from_object<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<(String, serde_json::Value)>, D::Error> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, serde_json::Value)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of columns and values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    input.deserialize_map(Entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(column: &str, kind: LossKind, count: u64, samples: usize) -> Loss {
        let samples = (0..samples).map(|index| format!("row {index}")).collect();
        Loss { column: column.to_owned(), kind, count, samples }
    }

    #[test]
    fn merged_losses_are_summed_and_sorted() {
        let mut losses = vec![loss("b", LossKind::Trimmed, 7, 7)];
        merge_losses(
            &mut losses,
            &[
                loss("b", LossKind::Trimmed, 9, 9),
                loss("a", LossKind::Lowered, 1, 1),
                loss("b", LossKind::NulStripped, 2, 2),
            ],
        );
        let found: Vec<_> =
            losses.iter().map(|loss| (&*loss.column, loss.kind, loss.count, loss.samples.len())).collect();
        let expected = [
            ("a", LossKind::Lowered, 1, 1),
            ("b", LossKind::NulStripped, 2, 2),
            ("b", LossKind::Trimmed, 16, 10),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn all_kinds_are_listed_in_their_order() {
        for (index, kind) in LossKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
        }
    }

    #[test]
    fn a_rejected_row_is_an_object_in_column_order() {
        let row = RejectedRow {
            key: "z=1".to_owned(),
            number: 0,
            column: "a".to_owned(),
            reason: "the text has a NUL character".to_owned(),
            row: vec![("z".to_owned(), "1".into()), ("a".to_owned(), serde_json::Value::Null)],
        };
        let line = serde_json::to_string(&row).expect("JSON");
        assert!(line.ends_with("\"row\":{\"z\":\"1\",\"a\":null}}"), "{line}");
        assert_eq!(serde_json::from_str::<RejectedRow>(&line).expect("a row"), row);
    }
}

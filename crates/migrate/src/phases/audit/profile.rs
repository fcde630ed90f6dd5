//! The profile of a column: how many values differ, the smallest, the largest, the longest.
//!
//! Invariant: what a column keeps is bounded whatever its values are: a sketch of a few kilobytes and two cut values.

use crate::checks::audit::show_key_value;
use cardinality_estimator::CardinalityEstimator;
use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use mssql2pg_catalog::{CodePage, Column, ColumnMeasures, Measure, MeasureKind, SqlType, Value};
use xxhash_rust::xxh3::xxh3_64;

/// How many bytes of the smallest and the largest text are kept.
const KEPT_BYTES: usize = 256;

/// What is kept of one column.
pub(super) struct ColumnProfile {
    distinct: CardinalityEstimator<u64>,
    longest: Option<u64>,
    /// Whether texts have a smallest and a largest one; else private, or another type.
    is_text: bool,
    least: Option<Kept>,
    most: Option<Kept>,
}

/// The head of a text as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    bytes: Vec<u8>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Utf16,
    Utf8,
    CodePage(CodePage),
}

impl ColumnProfile {
    /// For a column; `shows_values` is whether findings may show values at all.
    pub(super) fn new(column: &Column, shows_values: bool) -> Self {
        let is_text =
            matches!(MeasureKind::of(&column.sql_type), MeasureKind::Text | MeasureKind::PaddedText);
        Self {
            distinct: CardinalityEstimator::new(),
            longest: None,
            is_text: is_text && shows_values,
            least: None,
            most: None,
        }
    }

    /// Takes the next value.
    #[inline]
    pub(super) fn value(&mut self, value: &Value<'_>) {
        let hash = match *value {
            Value::Null => return,
            Value::Bit(bit) => xxh3_64(&[u8::from(bit)]),
            Value::Int(number) | Value::Money(number) => xxh3_64(&number.to_le_bytes()),
            Value::Real(number) => xxh3_64(&number.to_bits().to_le_bytes()),
            Value::Float(number) => xxh3_64(&number.to_bits().to_le_bytes()),
            Value::Decimal { magnitude, negative, .. } => xxh3_64(magnitude) ^ u64::from(negative),
            Value::Date(days) => xxh3_64(&days.to_le_bytes()),
            Value::Time(ticks) => xxh3_64(&ticks.to_le_bytes()),
            Value::DateTime { days, ticks } => moment_hash(days, u64::from(ticks)),
            Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => {
                moment_hash(days, ticks)
            }
            Value::Guid(guid) => xxh3_64(guid),
            Value::Bytes(bytes) => {
                self.long(bytes.len());
                xxh3_64(bytes)
            }
            Value::Utf16(bytes) => {
                self.long(bytes.len() / 2);
                self.text(bytes, Form::Utf16);
                xxh3_64(bytes)
            }
            Value::Utf8(bytes) => {
                self.long(bytes.len());
                self.text(bytes, Form::Utf8);
                xxh3_64(bytes)
            }
            Value::CodePage(bytes, page) => {
                self.long(bytes.len());
                self.text(bytes, Form::CodePage(page));
                xxh3_64(bytes)
            }
            // Its base type counts, too, and few databases have any.
            Value::Variant(variant) => xxh3_64(format!("{variant:?}").as_bytes()),
        };
        self.distinct.insert_hash(hash);
    }

    #[inline]
    fn long(&mut self, length: usize) {
        self.longest = self.longest.max(u64::try_from(length).ok());
    }

    #[inline]
    fn text(&mut self, bytes: &[u8], form: Form) {
        if !self.is_text {
            return;
        }
        let head = bytes.get(..KEPT_BYTES).unwrap_or(bytes);
        if self.least.as_ref().is_none_or(|least| order(head, &least.bytes, form).is_lt()) {
            self.least = Some(Kept { bytes: head.to_vec(), form });
        }
        if self.most.as_ref().is_none_or(|most| order(head, &most.bytes, form).is_gt()) {
            self.most = Some(Kept { bytes: head.to_vec(), form });
        }
    }

    /// Adds what was seen in other rows.
    pub(super) fn merge(&mut self, other: Self) {
        self.distinct.merge(&other.distinct);
        self.longest = self.longest.max(other.longest);
        if let Some(least) = other.least {
            self.text(&least.bytes, least.form);
        }
        if let Some(most) = other.most {
            self.text(&most.bytes, most.form);
        }
    }

    /// About how many different values there are.
    pub(super) fn distinct(&self) -> Option<u64> {
        u64::try_from(self.distinct.estimate()).ok()
    }

    /// The longest, in UTF-16 units or bytes.
    pub(super) fn longest(&self) -> Option<u64> {
        self.longest
    }

    /// The smallest and the largest text, by code points.
    pub(super) fn ends(&self) -> (Option<String>, Option<String>) {
        let shown = |kept: &Kept| {
            let mut text = String::new();
            let bytes = kept.bytes.as_slice();
            let value = match kept.form {
                Form::Utf16 => Value::Utf16(bytes),
                Form::Utf8 => Value::Utf8(bytes),
                Form::CodePage(page) => Value::CodePage(bytes, page),
            };
            show_key_value(&value, &mut text);
            text
        };
        (self.least.as_ref().map(shown), self.most.as_ref().map(shown))
    }
}

fn moment_hash(days: i32, ticks: u64) -> u64 {
    xxh3_64(&(i128::from(days) << 64 | i128::from(ticks)).to_le_bytes())
}

/// The order of two texts: by UTF-16 units or by bytes.
fn order(one: &[u8], other: &[u8], form: Form) -> std::cmp::Ordering {
    if form != Form::Utf16 {
        return one.cmp(other);
    }
    let units = |bytes| <[u8]>::as_chunks::<2>(bytes).0.iter().map(|unit| u16::from_le_bytes(*unit));
    units(one).cmp(units(other))
}

/// The smallest and the largest value of a type that is measured exactly, as people write it.
pub(super) fn measured_ends(
    sql_type: &SqlType,
    measures: &ColumnMeasures,
) -> (Option<String>, Option<String>) {
    let kind = MeasureKind::of(sql_type);
    let shown = |measure| measures.measures.get(&measure).and_then(|text: &String| shown_measure(kind, text));
    (shown(Measure::Minimum), shown(Measure::Maximum))
}

/// A measured minimum or maximum as people write it; none for types without one.
fn shown_measure(kind: MeasureKind, text: &str) -> Option<String> {
    let first = date(1, 1, 1);
    let moment = || -> Option<DateTime> {
        first.at(0, 0, 0, 0).checked_add(text.parse::<i64>().ok()?.microseconds()).ok()
    };
    match kind {
        MeasureKind::Number { .. } => Some(text.to_owned()),
        MeasureKind::Date => Some(first.checked_add(text.parse::<i32>().ok()?.days()).ok()?.to_string()),
        MeasureKind::Time => Some(moment()?.time().to_string()),
        MeasureKind::Moment => Some(moment()?.to_string().replace('T', " ")),
        MeasureKind::Instant => Some(format!("{}Z", moment()?.to_string().replace('T', " "))),
        MeasureKind::Float => Some(f64::from_bits(u64::from_str_radix(text, 16).ok()?).to_string()),
        MeasureKind::Real => Some(f32::from_bits(u32::from_str_radix(text, 16).ok()?).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_knows_ends_length_and_about_how_many_values_differ() {
        let column = Column::new("c", SqlType::NText);
        let mut whole = ColumnProfile::new(&column, true);
        let mut part = ColumnProfile::new(&column, true);
        for number in 0..20_000_u32 {
            let text: Vec<u8> =
                format!("{:05}", number % 5000).encode_utf16().flat_map(u16::to_le_bytes).collect();
            if number < 100 { part.value(&Value::Utf16(&text)) } else { whole.value(&Value::Utf16(&text)) }
        }
        part.value(&Value::Null);
        part.value(&Value::Utf16(b"z\0"));
        whole.merge(part);
        assert_eq!(whole.ends(), (Some("00000".to_owned()), Some("z".to_owned())));
        assert_eq!(whole.longest(), Some(5));
        let distinct = whole.distinct().unwrap();
        assert!(distinct.abs_diff(5001) < 300, "{distinct}");
        let mut private = ColumnProfile::new(&column, false);
        private.value(&Value::Utf16(b"z\0"));
        assert_eq!(private.ends(), (None, None));
    }

    #[test]
    fn measured_ends_are_written_as_people_write_them() {
        let check = |kind, text: &str, expected: &str| {
            assert_eq!(shown_measure(kind, text).as_deref(), Some(expected));
        };
        check(MeasureKind::Number { scale: 2 }, "-1.50", "-1.50");
        check(MeasureKind::Date, "693595", "1900-01-01");
        check(MeasureKind::Moment, "59926608000500000", "1900-01-01 00:00:00.5");
        check(MeasureKind::Time, "3600000000", "01:00:00");
        check(MeasureKind::Float, "3ff8000000000000", "1.5");
        assert_eq!(shown_measure(MeasureKind::Guid, "1"), None);
    }
}

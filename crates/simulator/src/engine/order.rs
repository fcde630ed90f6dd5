//! What stands before what, as SQL Server orders values.
//!
//! NULL is first. Numbers compare by value, moments by instant, binary values by byte with zeros behind the shorter one,
//! `uniqueidentifier` by its groups from the last, texts by their collation with blanks behind the shorter one. Values in a
//! `sql_variant` compare by the family of their base types first.
//!
//! Invariant: a total preorder over the values of one type, and over `sql_variant` (property-tested): ranges of a table
//! rely on it. Values of two types are made one type before they get here; see `select/resolve.rs`.

use super::values::calendar::{DAYS_TO_1900, TICKS_PER_DAY};
use super::values::collation::{self, Collation};
use super::values::exact::Exact;
use super::values::owned::Cell;
use mssql2pg_catalog::Value;
use std::cmp::Ordering;

/// The order in which the bytes of a `uniqueidentifier` count: the last six, then each group before it ("Comparing GUID
/// and uniqueidentifier Values" on Microsoft Learn).
const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];

/// Compares two values; texts by `collation`.
pub(crate) fn compare(left: Cell<'_>, right: Cell<'_>, collation: Collation) -> Ordering {
    let (a, b) = (left.value, right.value);
    family(&a).cmp(&family(&b)).then_with(|| within_family(&a, &b, collation))
}

/// SQL Server's hierarchy of families ("sql_variant (Transact-SQL)", comparing values), with NULL first. Exact and
/// approximate numbers are two families: only so is the order one.
fn family(value: &Value<'_>) -> u8 {
    match value {
        Value::Null | Value::Variant(_) => 0,
        Value::Guid(_) => 1,
        Value::Bytes(_) => 2,
        Value::Utf8(_) | Value::Utf16(_) | Value::CodePage(..) => 3,
        Value::Bit(_) | Value::Int(_) | Value::Decimal { .. } | Value::Money(_) => 4,
        Value::Real(_) | Value::Float(_) => 5,
        Value::Time(_) => 6,
        Value::Date(_) | Value::DateTime { .. } | Value::DateTime2 { .. } | Value::DateTimeOffset { .. } => 7,
    }
}

fn within_family(a: &Value<'_>, b: &Value<'_>, collation: Collation) -> Ordering {
    match (a, b) {
        (Value::Guid(a), Value::Guid(b)) => {
            GUID_ORDER.iter().map(|place| a[*place]).cmp(GUID_ORDER.iter().map(|place| b[*place]))
        }
        (Value::Bytes(a), Value::Bytes(b)) => compare_bytes(a, b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        _ => {
            if let (Some(a), Some(b)) = (Exact::of(a), Exact::of(b)) {
                return a.compare(b);
            }
            if let (Some(a), Some(b)) = (float(a), float(b)) {
                return a.total_cmp(&b);
            }
            if let (Some(a), Some(b)) = (instant(a), instant(b)) {
                return a.cmp(&b);
            }
            collation::compare(a, b, collation)
        }
    }
}

fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
    let common = a.len().min(b.len());
    let (start, rest) = a.split_at(common);
    let (other_start, other_rest) = b.split_at(common);
    start.cmp(other_start).then_with(|| {
        let longer = |rest: &[u8]| rest.iter().any(|byte| *byte != 0);
        longer(rest).cmp(&longer(other_rest))
    })
}

/// Without the two zeros, which are equal.
fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Real(number) => Some(f64::from(*number) + 0.0),
        Value::Float(number) => Some(*number + 0.0),
        _ => None,
    }
}

/// Days and ticks in UTC.
fn instant(value: &Value<'_>) -> Option<(i32, u64)> {
    match value {
        Value::Date(days) => Some((*days, 0)),
        Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => Some((*days, *ticks)),
        Value::DateTime { days, ticks } => Some((days.saturating_add(DAYS_TO_1900), datetime_ticks(*ticks))),
        _ => None,
    }
}

/// 1/300 s as 100 ns, rounded as `cast(… as datetime2(7))` does since SQL Server 2016.
pub(crate) fn datetime_ticks(ticks: u32) -> u64 {
    ((u64::from(ticks) * 100_000 + 1) / 3).min(TICKS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::super::values::owned::OwnedValue;
    use super::*;
    use mssql2pg_catalog::CodePage;
    use proptest::prelude::*;

    fn text_order(a: &str, b: &str, name: &str) -> Ordering {
        let (a, b) = (OwnedValue::utf16(a), OwnedValue::utf16(b));
        compare(a.cell(), b.cell(), Collation { national: true, ..Collation::named(name) })
    }

    #[test]
    fn texts_compare_by_their_collation() {
        use Ordering::{Equal, Greater, Less};
        let check = |name: &str, cases: &[(&str, &str, Ordering)]| {
            for (a, b, expected) in cases {
                assert_eq!(text_order(a, b, name), *expected, "{a:?} {b:?} {name}");
                assert_eq!(text_order(b, a, name), expected.reverse(), "{b:?} {a:?} {name}");
            }
        };
        check(
            "SQL_Latin1_General_CP1_CI_AS",
            &[
                ("abc", "ABC", Equal),
                ("abc", "abc  ", Equal),
                ("a", "ä", Less),
                ("ä", "b", Less),
                ("äb", "ac", Less),
                ("_", "1", Less),
                ("9", "a", Less),
                ("straße", "STRASSE", Equal),
                ("", "a", Less),
                ("", " ", Equal),
            ],
        );
        check("Latin1_General_CS_AI", &[("abc", "ABC", Less), ("a", "ä", Equal), ("ÄB", "ab", Greater)]);
        check(
            "Latin1_General_BIN2",
            &[
                ("abc", "ABC", Greater),
                ("a", "a ", Equal),
                ("a\t", "a", Less),
                ("\u{ff5e}", "\u{1f600}", Greater),
            ],
        );
        check("Japanese_CI_AS", &[("か", "カ", Equal), ("Ａ", "a", Equal)]);
    }

    #[test]
    fn a_varchar_of_a_binary_collation_compares_by_the_bytes_of_its_page() {
        let greek = Collation::named("Greek_BIN2");
        assert_eq!(greek.page, CodePage(1253));
        // U+0386 is 0xA2 and U+00A3 is 0xA3 in page 1253: the other way round than in Unicode.
        let (a, b) =
            (OwnedValue::Utf8(Box::from("Ά".as_bytes())), OwnedValue::Utf8(Box::from("£".as_bytes())));
        assert_eq!(compare(a.cell(), b.cell(), greek), Ordering::Less);
    }

    #[test]
    fn guids_compare_from_their_last_group() {
        let guid = |place: usize, byte: u8| {
            let mut guid = [0; 16];
            guid[place] = byte;
            OwnedValue::Guid(guid)
        };
        // Each place counts more than the next one in the list, however small its byte.
        for pair in GUID_ORDER.windows(2) {
            let (more, less) = (guid(pair[0], 1), guid(pair[1], 255));
            assert_eq!(compare(more.cell(), less.cell(), Collation::named("")), Ordering::Greater);
        }
    }

    #[test]
    fn values_of_other_types_compare_by_value() {
        let check = |a: OwnedValue, b: OwnedValue, expected: Ordering| {
            assert_eq!(compare(a.cell(), b.cell(), Collation::named("")), expected, "{a:?} {b:?}");
        };
        check(OwnedValue::Null, OwnedValue::Int(i64::MIN), Ordering::Less);
        check(OwnedValue::Null, OwnedValue::Null, Ordering::Equal);
        check(OwnedValue::Int(1), OwnedValue::decimal(10_001, 4), Ordering::Less);
        check(OwnedValue::Money(10_000), OwnedValue::Int(1), Ordering::Equal);
        check(OwnedValue::Float(-0.0), OwnedValue::Float(0.0), Ordering::Equal);
        check(OwnedValue::Bytes(Box::from([1])), OwnedValue::Bytes(Box::from([1, 0])), Ordering::Equal);
        check(OwnedValue::Bytes(Box::from([1])), OwnedValue::Bytes(Box::from([1, 0, 1])), Ordering::Less);
        check(
            OwnedValue::DateTime { days: 0, ticks: 300 },
            OwnedValue::DateTime2 { days: DAYS_TO_1900, ticks: 10_000_000 },
            Ordering::Equal,
        );
        check(
            OwnedValue::DateTimeOffset { days: 1, ticks: 5, offset_minutes: 60 },
            OwnedValue::DateTimeOffset { days: 1, ticks: 5, offset_minutes: -60 },
            Ordering::Equal,
        );
    }

    fn any_value() -> impl Strategy<Value = OwnedValue> {
        let text = "[ aAbBäÄßs\u{301}1_-]{0,4}|\\PC{0,3}";
        prop_oneof![
            Just(OwnedValue::Null),
            any::<bool>().prop_map(OwnedValue::Bit),
            (-3_i64..3).prop_map(OwnedValue::Int),
            any::<i64>().prop_map(OwnedValue::Int),
            (-300_i128..300, 0_u8..4).prop_map(|(unscaled, scale)| OwnedValue::decimal(unscaled, scale)),
            (any::<i128>(), 0_u8..39).prop_map(|(number, scale)| OwnedValue::decimal(number / 2, scale)),
            (-30_000_i64..30_000).prop_map(OwnedValue::Money),
            any::<f64>().prop_map(OwnedValue::Float),
            any::<f32>().prop_map(OwnedValue::Real),
            (693_594..693_597).prop_map(OwnedValue::Date),
            (0_u64..3).prop_map(OwnedValue::Time),
            (-1..2, 0_u32..3).prop_map(|(days, ticks)| OwnedValue::DateTime { days, ticks }),
            (693_594..693_597, 0_u64..70_000).prop_map(|(days, ticks)| OwnedValue::DateTime2 { days, ticks }),
            text.prop_map(|text: String| OwnedValue::utf16(&text)),
            text.prop_map(|text: String| OwnedValue::Utf8(text.into_bytes().into())),
            prop::collection::vec(any::<u8>(), 0..4)
                .prop_map(|bytes| OwnedValue::CodePage(bytes.into(), CodePage(1252))),
            prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| OwnedValue::Utf16(bytes.into())),
            prop::collection::vec(0_u8..2, 0..4).prop_map(|bytes| OwnedValue::Bytes(bytes.into())),
            prop::array::uniform16(0_u8..2).prop_map(OwnedValue::Guid),
        ]
    }

    fn any_collation() -> impl Strategy<Value = Collation> {
        prop_oneof![
            Just("SQL_Latin1_General_CP1_CI_AS"),
            Just("Latin1_General_CS_AI"),
            Just("Latin1_General_100_CS_AS_SC_UTF8"),
            Just("Greek_BIN"),
        ]
        .prop_flat_map(|name| {
            any::<bool>().prop_map(move |national| Collation { national, ..Collation::named(name) })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_order_is_a_total_preorder(
            a in any_value(), b in any_value(), c in any_value(), collation in any_collation(),
        ) {
            let order = |left: &OwnedValue, right: &OwnedValue| compare(left.cell(), right.cell(), collation);
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le());
            }
            if order(&a, &b).is_eq() {
                prop_assert_eq!(order(&a, &c), order(&b, &c));
            }
        }

        #[test]
        fn texts_are_in_a_total_preorder(
            a in "[ aAäÄßsS\u{301}1_]{0,3}", b in "[ aAäÄßsS\u{301}1_]{0,3}", c in "[ aAäÄßsS\u{301}1_]{0,3}",
            collation in any_collation(),
        ) {
            let text = |text: &str| OwnedValue::utf16(text);
            let (a, b, c) = (text(&a), text(&b), text(&c));
            let order = |left: &OwnedValue, right: &OwnedValue| compare(left.cell(), right.cell(), collation);
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le());
            }
        }
    }
}

//! What lies between two values of a key column.
//!
//! Invariant: none that matters. Nothing here need know the server's order: a value that does not lie where it should
//! makes a split small, not wrong.

use super::value::{KeyValue, is_usable};
use mssql2pg_catalog::{Column, SqlType};

/// The order in which SQL Server compares the stored bytes of a `uniqueidentifier`, as `SqlGuid` of .NET documents it.
const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
/// Characters of a text that are interpolated; 37^10 is far below 2^128.
const TEXT_PLACES: usize = 10;
/// Bytes of a binary value that are interpolated.
const BINARY_PLACES: usize = 8;

/// Whether `low` lies surely below `high`; where only the server knows, no.
pub(super) fn is_below(low: &KeyValue, high: &KeyValue) -> bool {
    match (low, high) {
        (KeyValue::Number(low), KeyValue::Number(high)) => low < high,
        (KeyValue::Float(low), KeyValue::Float(high)) => low < high,
        (KeyValue::Guid(low), KeyValue::Guid(high)) => guid_place(low) < guid_place(high),
        _ => false,
    }
}

/// Up to `pieces - 1` values that cut what lies between `low` and `high` into about even pieces, ascending; none where
/// we cannot tell what lies there.
pub(super) fn between(column: &Column, low: &KeyValue, high: &KeyValue, pieces: usize) -> Vec<KeyValue> {
    let mut values: Vec<KeyValue> = match (low, high) {
        (KeyValue::Number(low), KeyValue::Number(high)) => {
            even(number_place(*low), number_place(*high), pieces)
                .map(|place| KeyValue::Number(number_at(place)))
                .collect()
        }
        (KeyValue::Float(low), KeyValue::Float(high)) => {
            let share = |piece: usize| low + (high - low) * (piece as f64 / pieces as f64);
            let round = |number: f64| match column.sql_type {
                SqlType::Real => f64::from(number as f32),
                _ => number,
            };
            (1..pieces)
                .map(share)
                .map(round)
                .filter(|place| low < place && place < high)
                .map(KeyValue::Float)
                .collect()
        }
        (KeyValue::Guid(low), KeyValue::Guid(high)) => even(guid_place(low), guid_place(high), pieces)
            .map(|place| KeyValue::Guid(guid_at(place)))
            .collect(),
        (KeyValue::Bytes(low), KeyValue::Bytes(high)) => bytes_between(low, high, pieces),
        (KeyValue::Text(low), KeyValue::Text(high)) => text_between(low, high, pieces),
        _ => Vec::new(),
    };
    values.retain(|value| is_usable(column, value) && value != low && value != high);
    values.dedup();
    values
}

/// The places of the cuts between two places.
fn even(low: u128, high: u128, pieces: usize) -> impl Iterator<Item = u128> {
    let count = pieces.max(1) as u128;
    let span = high.saturating_sub(low);
    let (each, rest) = (span / count, span % count);
    (1..count)
        .map(move |piece| low + each * piece + rest * piece / count)
        .filter(move |place| *place > low && *place < high)
}

/// Numbers in the order of unsigned ones.
fn number_place(number: i128) -> u128 {
    u128::from_ne_bytes(number.to_ne_bytes()) ^ (1 << 127)
}

fn number_at(place: u128) -> i128 {
    i128::from_ne_bytes((place ^ (1 << 127)).to_ne_bytes())
}

fn guid_place(stored: &[u8; 16]) -> u128 {
    GUID_ORDER
        .iter()
        .fold(0, |place, index| place << 8 | u128::from(stored.get(*index).copied().unwrap_or(0)))
}

fn guid_at(place: u128) -> [u8; 16] {
    let mut stored = [0; 16];
    for (index, byte) in GUID_ORDER.iter().zip(place.to_be_bytes()) {
        if let Some(slot) = stored.get_mut(*index) {
            *slot = byte;
        }
    }
    stored
}

fn bytes_between(low: &[u8], high: &[u8], pieces: usize) -> Vec<KeyValue> {
    let same = low.iter().zip(high).take_while(|(low, high)| low == high).count();
    let place = |bytes: &[u8]| {
        let digits = bytes.iter().skip(same).copied().chain(std::iter::repeat(0)).take(BINARY_PLACES);
        digits.fold(0_u128, |place, byte| place << 8 | u128::from(byte))
    };
    let prefix = low.get(..same).unwrap_or_default();
    even(place(low), place(high), pieces)
        .map(|place| {
            let digits = place.to_be_bytes();
            let tail = digits.get(16 - BINARY_PLACES..).unwrap_or_default();
            let length = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            KeyValue::Bytes(prefix.iter().chain(tail.iter().take(length)).copied().collect())
        })
        .collect()
}

/// Texts between two that differ in plain ASCII letters or digits: a place is a number whose digits are characters, 0
/// standing for the end. Case is that of the two texts; the server's own order has the last word.
fn text_between(low: &str, high: &str, pieces: usize) -> Vec<KeyValue> {
    let same = low.chars().zip(high.chars()).take_while(|(low, high)| low.eq_ignore_ascii_case(high)).count();
    let tail = |text: &str| -> Vec<u8> {
        let characters = text.chars().skip(same).take(TEXT_PLACES);
        characters.map_while(|c| u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric)).collect()
    };
    let (low_tail, high_tail) = (tail(low), tail(high));
    let begins_otherwise = |text: &str, tail: &[u8]| tail.is_empty() && text.chars().nth(same).is_some();
    if high_tail.is_empty() || begins_otherwise(low, &low_tail) {
        return Vec::new();
    }
    let all = || low_tail.iter().chain(&high_tail);
    let letters =
        if all().any(u8::is_ascii_uppercase) && !all().any(u8::is_ascii_lowercase) { b'A' } else { b'a' };
    let digits: u128 = match () {
        () if all().all(u8::is_ascii_digit) => 11,
        // The text of a GUID or of a digest.
        () if all().all(u8::is_ascii_hexdigit) => 17,
        () => 37,
    };
    let place = |tail: &[u8]| {
        let values = tail.iter().map(|byte| match byte {
            b'0'..=b'9' => u128::from(byte - b'0') + 1,
            letter => u128::from(letter.to_ascii_lowercase() - b'a') + 11,
        });
        values.chain(std::iter::repeat(0)).take(TEXT_PLACES).fold(0, |place, digit| place * digits + digit)
    };
    let prefix: String = low.chars().take(same).collect();
    let text_at = |mut place: u128| {
        let mut values = Vec::new();
        for _ in 0..TEXT_PLACES {
            values.push(u8::try_from(place % digits).unwrap_or(0));
            place /= digits;
        }
        let written = values.iter().rev().take_while(|value| **value != 0).map(|value| match value {
            1..=10 => char::from(b'0' + value - 1),
            _ => char::from(letters + (value - 11).min(25)),
        });
        KeyValue::Text(prefix.chars().chain(written).collect())
    };
    even(place(&low_tail), place(&high_tail), pieces).map(text_at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_guid_stands_where_sql_server_puts_it() {
        // The last group decides first, then the fourth, then the third to the first, each by its stored bytes.
        let texts = [
            "00000001-0000-0000-0000-000000000000",
            "00000000-0001-0000-0000-000000000000",
            "00000000-0000-0001-0000-000000000000",
            "00000000-0000-0000-0001-000000000000",
            "00000000-0000-0000-0000-000000000001",
        ];
        let places: Vec<u128> =
            texts.iter().map(|text| guid_place(&Uuid::parse_str(text).unwrap().to_bytes_le())).collect();
        assert!(places.is_sorted());
        for place in places {
            assert_eq!(guid_place(&guid_at(place)), place);
        }
    }
}

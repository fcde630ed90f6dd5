//! Patterns: `like` and `patindex` ("LIKE (Transact-SQL)").
//!
//! Invariant: the time is no more than text times pattern, whatever the pattern: only the last `%` is tried again.
//! In a binary collation a character is a code unit, and a range is one of numbers; in others characters are compared as
//! the collation compares them.

use super::super::values::collation::{self, Collation};
use super::super::values::owned::OwnedValue;
use super::super::values::text;
use mssql2pg_catalog::Value;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `%`.
    Any,
    /// `_`.
    One,
    /// `[…]` and `[^…]`: single letters and ranges.
    Set {
        negated: bool,
        ranges: Vec<(u32, u32)>,
    },
    Letter(u32),
}

/// Whether a text matches; none when one of the two is no text.
pub(super) fn like(
    text: &Value<'_>,
    pattern: &Value<'_>,
    escape: Option<char>,
    collation: Collation,
) -> Option<bool> {
    let (text, pattern) = (letters(text, collation)?, letters(pattern, collation)?);
    Some(matches(&text, &parts(&pattern, escape), collation))
}

/// Where a text first matches, from 1, or 0.
pub(super) fn place(text: &Value<'_>, pattern: &Value<'_>, collation: Collation) -> Option<usize> {
    let (text, pattern) = (letters(text, collation)?, letters(pattern, collation)?);
    let parts = parts(&pattern, None);
    let open = parts.iter().take_while(|part| **part == Part::Any).count();
    let places = if open > 0 { 0..text.len().max(1) } else { 0..1 };
    let found = places.into_iter().find(|from| matches(&text[*from..], &parts[open..], collation));
    Some(found.map_or(0, |from| from + 1))
}

/// Code units in a binary collation, else characters.
fn letters(value: &Value<'_>, collation: Collation) -> Option<Vec<u32>> {
    match value {
        Value::Utf16(bytes) if collation.binary && !collation.supplementary => {
            Some(text::units(bytes).map(u32::from).collect())
        }
        _ => Some(text::characters(value)?.map(u32::from).collect()),
    }
}

fn parts(pattern: &[u32], escape: Option<char>) -> Vec<Part> {
    let is = |letter: u32, char: char| letter == u32::from(char);
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let [letter, after @ ..] = rest {
        rest = after;
        let escaped = escape.is_some_and(|escape| is(*letter, escape));
        let closed = after.iter().position(|letter| is(*letter, ']'));
        match (after, closed) {
            ([next, behind @ ..], _) if escaped => {
                rest = behind;
                parts.push(Part::Letter(*next));
            }
            _ if is(*letter, '%') => parts.push(Part::Any),
            _ if is(*letter, '_') => parts.push(Part::One),
            (_, Some(end)) if is(*letter, '[') => {
                rest = &after[end + 1..];
                parts.push(set(&after[..end]));
            }
            _ => parts.push(Part::Letter(*letter)),
        }
    }
    parts
}

fn set(letters: &[u32]) -> Part {
    let (negated, mut rest) = match letters {
        [first, rest @ ..] if *first == u32::from('^') => (true, rest),
        all => (false, all),
    };
    let mut ranges = Vec::new();
    while let [first, after @ ..] = rest {
        match after {
            [dash, last, behind @ ..] if *dash == u32::from('-') => {
                ranges.push((*first, *last));
                rest = behind;
            }
            _ => {
                ranges.push((*first, *first));
                rest = after;
            }
        }
    }
    Part::Set { negated, ranges }
}

fn matches(text: &[u32], pattern: &[Part], collation: Collation) -> bool {
    let (mut at, mut part) = (0, 0);
    // The last `%`: the part behind it, and where the text went on there.
    let mut again: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(part), text.get(at)) {
            (Some(Part::Any), _) => {
                part += 1;
                again = Some((part, at));
                continue;
            }
            (Some(wanted), Some(letter)) if takes(wanted, *letter, collation) => {
                at += 1;
                part += 1;
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match &mut again {
            Some((behind, from)) if *from < text.len() => {
                *from += 1;
                (part, at) = (*behind, *from);
            }
            _ => return false,
        }
    }
}

fn takes(part: &Part, letter: u32, collation: Collation) -> bool {
    match part {
        Part::Any | Part::One => true,
        Part::Letter(wanted) => order(*wanted, letter, collation).is_eq(),
        Part::Set { negated, ranges } => {
            let within = |(first, last): &(u32, u32)| {
                order(*first, letter, collation).is_le() && order(letter, *last, collation).is_le()
            };
            ranges.iter().any(within) != *negated
        }
    }
}

fn order(a: u32, b: u32, collation: Collation) -> std::cmp::Ordering {
    if collation.binary || a == b {
        return a.cmp(&b);
    }
    let value = |letter| {
        OwnedValue::utf16(&char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER).to_string())
    };
    let (a, b) = (value(a), value(b));
    collation::compare(&a.cell().value, &b.cell().value, collation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_like(text: &str, pattern: &str, name: &str) -> bool {
        let (text, pattern) = (OwnedValue::utf16(text), OwnedValue::utf16(pattern));
        let collation = Collation { national: true, ..Collation::named(name) };
        like(&text.cell().value, &pattern.cell().value, Some('!'), collation).unwrap()
    }

    #[test]
    fn patterns_match_as_their_collation_compares() {
        let check = |text: &str, pattern: &str, [insensitive, binary]: [bool; 2]| {
            assert_eq!(is_like(text, pattern, "Latin1_General_CI_AS"), insensitive, "{text} {pattern}");
            assert_eq!(is_like(text, pattern, "Latin1_General_100_BIN2"), binary, "{text} {pattern}");
        };
        check("Anna", "a%", [true, false]);
        check("anna", "_nn_", [true, true]);
        check("anna ", "anna", [false, false]);
        check("ab", "a[B-C]", [true, false]);
        check("a]", "a]", [true, true]);
        check("a-b", "a[-]b", [true, true]);
        check("a%", "a!%", [true, true]);
        check("ab", "a!%", [false, false]);
        check("aXbXc", "a%b%c", [true, true]);
        check("aXbX", "a%b%c", [false, false]);
        check("", "%", [true, true]);
        check("", "_", [false, false]);
        check("é", "%[^\u{1}-\u{7f}]%", [true, true]);
        check("ab[", "ab[", [true, true]);
        // What lies between two characters is a matter of the collation.
        assert!(!is_like("a~\u{1}", "%[^\u{1}-\u{7f}]%", "Latin1_General_100_BIN2"));
    }

    #[test]
    fn a_binary_collation_sees_half_a_pair() {
        let text = OwnedValue::Utf16(Box::from([0x3d, 0xd8, 0x61, 0]));
        let pattern = OwnedValue::Utf16(
            "%[".encode_utf16()
                .chain([0xd800])
                .chain("-".encode_utf16())
                .chain([0xdbff])
                .chain("]%".encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect(),
        );
        let collation = Collation { national: true, ..Collation::named("Latin1_General_100_BIN2") };
        assert_eq!(like(&text.cell().value, &pattern.cell().value, None, collation), Some(true));
    }

    #[test]
    fn a_place_is_counted_from_1() {
        let find = |text: &str, pattern: &str| {
            let (text, pattern) = (OwnedValue::utf16(text), OwnedValue::utf16(pattern));
            place(&text.cell().value, &pattern.cell().value, Collation::named("Latin1_General_CI_AS"))
        };
        assert_eq!(find("xxab1", "%[0-9]%"), Some(5));
        assert_eq!(find("xxab", "ab%"), Some(0));
        assert_eq!(find("abx", "ab%"), Some(1));
        assert_eq!(find("xab", "%ab"), Some(2));
    }
}

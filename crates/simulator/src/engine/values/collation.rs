//! Collations, by their names: what is equal, and what stands before what.
//!
//! Binary collations are exact: `_BIN2` compares code units (or the bytes of the code page), `_BIN` does so, too, but for
//! the first. Linguistic ones are approximated: base letters first (punctuation, digits, letters), then accents unless
//! `_AI`, then case unless `_CI`. What differs from SQL Server: the order of scripts and of punctuation, letters that a
//! language sorts in a place of its own, hyphens (SQL Server nearly ignores them).
//!
//! Invariant: a total preorder, whatever the texts: [`compare`] compares sequences of weights, padded with those of a
//! blank.

use super::text::{Characters, characters, encode, units};
use mssql2pg_catalog::{CodePage, Value};
use std::cmp::Ordering;

/// What the name of a collation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Collation {
    /// `_BIN` or `_BIN2`.
    pub(crate) binary: bool,
    /// Not `_CI`.
    pub(crate) case_sensitive: bool,
    /// Not `_AI`.
    pub(crate) accent_sensitive: bool,
    /// The code page of `varchar`.
    pub(crate) page: CodePage,
    /// Whether functions of text see a surrogate pair as one character: `_SC`, all of version 140, UTF-8.
    pub(crate) supplementary: bool,
    /// Whether one of the texts is `nvarchar`: then both are compared as UTF-16.
    pub(crate) national: bool,
}

/// The code pages of those collations whose page is not 1252, by the beginning of their names.
const PAGES: [(&str, u16); 34] = [
    ("albanian", 1250),
    ("arabic", 1256),
    ("chinese_prc", 936),
    ("chinese_simplified", 936),
    ("chinese_hong", 950),
    ("chinese_taiwan", 950),
    ("chinese_traditional", 950),
    ("croatian", 1250),
    ("cyrillic", 1251),
    ("czech", 1250),
    ("estonian", 1257),
    ("greek", 1253),
    ("hebrew", 1255),
    ("hungarian", 1250),
    ("japanese", 932),
    ("korean", 949),
    ("latvian", 1257),
    ("lithuanian", 1257),
    ("macedonian", 1251),
    ("persian", 1256),
    ("polish", 1250),
    ("romanian", 1250),
    ("serbian_cyrillic", 1251),
    ("serbian_latin", 1250),
    ("slovak", 1250),
    ("slovenian", 1250),
    ("sql_czech", 1250),
    ("thai", 874),
    ("turkish", 1254),
    ("azeri_cyrillic", 1251),
    ("azeri_latin", 1254),
    ("ukrainian", 1251),
    ("vietnamese", 1258),
    ("urdu", 1256),
];

impl Collation {
    /// The collation of that name.
    pub(crate) fn named(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let has = |part: &str| lower.split('_').any(|found| found == part);
        let page = match lower.find("_cp") {
            _ if has("utf8") => 65001,
            // `SQL_Latin1_General_CP1_…` is page 1252, `SQL_Latin1_General_CP1251_…` is 1251.
            Some(place) if lower.starts_with("sql_") => {
                let digits = lower[place + 3..].split('_').next().and_then(|digits| digits.parse().ok());
                digits.filter(|page| *page != 1).unwrap_or(1252)
            }
            _ => {
                let found = PAGES.iter().find(|(start, _)| lower.starts_with(start));
                found.map_or(1252, |(_, page)| *page)
            }
        };
        let binary = has("bin") || has("bin2");
        Self {
            binary,
            case_sensitive: binary || !has("ci"),
            accent_sensitive: binary || !has("ai"),
            page: CodePage(page),
            supplementary: has("sc") || has("140") || has("utf8"),
            national: false,
        }
    }
}

/// Compares two texts of any form; what is no text comes first.
pub(crate) fn compare(left: &Value<'_>, right: &Value<'_>, collation: Collation) -> Ordering {
    if collation.binary {
        return compare_binary(left, right, collation);
    }
    let (Some(a), Some(b)) = (characters(left), characters(right)) else {
        return characters(left).is_some().cmp(&characters(right).is_some());
    };
    let first = padded(weights(a, Level::Base), weights(b, Level::Base), Level::Base.blank());
    let again = |level: Level| match (characters(left), characters(right)) {
        (Some(a), Some(b)) => padded(weights(a, level), weights(b, level), level.blank()),
        _ => Ordering::Equal,
    };
    first
        .then_with(|| if collation.accent_sensitive { again(Level::Accent) } else { Ordering::Equal })
        .then_with(|| if collation.case_sensitive { again(Level::Case) } else { Ordering::Equal })
}

fn compare_binary(left: &Value<'_>, right: &Value<'_>, collation: Collation) -> Ordering {
    match (left, right) {
        (Value::Utf16(a), Value::Utf16(b)) if collation.national => padded(units(a), units(b), 0x20),
        _ if collation.national => {
            let units = |value: &Value<'_>| -> Vec<u16> {
                if let Value::Utf16(bytes) = value {
                    return units(bytes).collect();
                }
                let text: String = characters(value).into_iter().flatten().collect();
                text.encode_utf16().collect()
            };
            padded(units(left).into_iter(), units(right).into_iter(), 0x20)
        }
        (Value::CodePage(a, _), Value::CodePage(b, _)) => padded(a.iter().copied(), b.iter().copied(), 0x20),
        // Text of a `varchar` column that a source delivers as UTF-16 or UTF-8.
        _ => {
            let bytes = |value: &Value<'_>| match value {
                Value::CodePage(bytes, _) => bytes.to_vec(),
                _ => encode(&characters(value).into_iter().flatten().collect::<String>(), collation.page),
            };
            padded(bytes(left).into_iter(), bytes(right).into_iter(), 0x20)
        }
    }
}

/// Compares two sequences; the shorter one goes on with `blank`.
fn padded<T: Ord + Copy>(
    mut left: impl Iterator<Item = T>,
    mut right: impl Iterator<Item = T>,
    blank: T,
) -> Ordering {
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => a.unwrap_or(blank).cmp(&b.unwrap_or(blank)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Base,
    Accent,
    Case,
}

impl Level {
    /// The weight of a blank.
    fn blank(self) -> u32 {
        match self {
            Self::Base => base_weight(' '),
            Self::Accent | Self::Case => 0,
        }
    }
}

fn weights(text: Characters<'_>, level: Level) -> impl Iterator<Item = u32> {
    text.flat_map(move |char| {
        let [first, second] = expansion(char);
        [first, second].into_iter().flatten().filter_map(move |char| weight(char, level))
    })
}

/// Letters that are two: both are compared.
fn expansion(char: char) -> [Option<char>; 2] {
    match char {
        'ß' => [Some('s'), Some('s')],
        'æ' => [Some('a'), Some('e')],
        'Æ' => [Some('A'), Some('E')],
        'œ' => [Some('o'), Some('e')],
        'Œ' => [Some('O'), Some('E')],
        'þ' => [Some('t'), Some('h')],
        'Þ' => [Some('T'), Some('H')],
        _ => [Some(char), None],
    }
}

/// None for what has no weight of its own on that level.
fn weight(char: char, level: Level) -> Option<u32> {
    let combining = ('\u{300}'..='\u{36f}').contains(&char);
    match level {
        Level::Base if combining => None,
        Level::Base => Some(base_weight(char)),
        Level::Accent if combining => Some(u32::from(char)),
        Level::Accent => Some(letter(folded(char)).1),
        Level::Case if combining => None,
        Level::Case => Some(u32::from(folded(char) != unwidened(char))),
    }
}

fn base_weight(char: char) -> u32 {
    let base = letter(folded(char)).0;
    let class = match base {
        ' ' => 0,
        _ if base.is_numeric() => 2,
        _ if base.is_alphabetic() => 3,
        _ => 1,
    };
    // A character has 21 bits.
    class << 24 | u32::from(base)
}

/// Lower case, of ordinary width, and katakana for hiragana.
fn folded(char: char) -> char {
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    let char = unwidened(char);
    char.to_lowercase().next().unwrap_or(char)
}

fn unwidened(char: char) -> char {
    let moved = match char {
        '\u{ff01}'..='\u{ff5e}' => u32::from(char) - 0xfee0,
        '\u{3041}'..='\u{3096}' => u32::from(char) + 0x60,
        '\u{a0}' | '\u{3000}' => 0x20,
        _ => return char,
    };
    char::from_u32(moved).unwrap_or(char)
}

/// Latin letters with accents, under their base letters.
const ACCENTS: [(char, &str); 21] = [
    ('a', "àáâãäåāăąǎ"),
    ('c', "çćĉċč"),
    ('d', "ďđð"),
    ('e', "èéêëēĕėęěẽ"),
    ('g', "ĝğġģǧ"),
    ('h', "ĥħ"),
    ('i', "ìíîïĩīĭįıǐ"),
    ('j', "ĵ"),
    ('k', "ķ"),
    ('l', "ĺļľŀł"),
    ('n', "ñńņňŉ"),
    ('o', "òóôõöøōŏőǒơ"),
    ('r', "ŕŗř"),
    ('s', "śŝşšș"),
    ('t', "ţťŧț"),
    ('u', "ùúûüũūŭůűųǔư"),
    ('w', "ŵ"),
    ('y', "ýÿŷ"),
    ('z', "źżž"),
    ('и', "й"),
    ('е', "ё"),
];

/// The base letter of a folded letter, and the weight of its accent.
fn letter(char: char) -> (char, u32) {
    if char.is_ascii() {
        return (char, 0);
    }
    for (base, accented) in ACCENTS {
        if let Some(place) = accented.chars().position(|found| found == char) {
            return (base, u32::try_from(place).unwrap_or(0) + 1);
        }
    }
    (char, 0)
}

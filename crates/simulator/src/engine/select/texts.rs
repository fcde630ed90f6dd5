//! Functions of text that see characters as their collation does: code units, or whole characters where it has
//! supplementary ones ("Collation and Unicode support").
//!
//! To extend: an arm in [`function`].

use super::super::failures::unsupported;
use super::super::values::collation::{self, Collation};
use super::super::values::convert::convert;
use super::super::values::owned::OwnedValue;
use super::super::values::text;
use super::evaluate::TextFunction;
use super::functions::is_max;
use super::types::{Class, class, is_national};
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, Length, SqlType, Value};

/// The function of that name, and the type of what it gives for arguments of these types; none when there is none.
pub(super) fn function(
    name: &str,
    types: &[SqlType],
    collation: Collation,
) -> Result<Option<(TextFunction, SqlType)>, Failure> {
    let first = types.first().cloned().unwrap_or(SqlType::Int);
    let place = |searched: Option<&SqlType>| match searched.is_some_and(is_max) {
        true => SqlType::BigInt,
        false => SqlType::Int,
    };
    let found: (TextFunction, SqlType) = match name {
        "ltrim" => (left_trim, variable(&first)),
        "rtrim" => (right_trim, variable(&first)),
        "substring" => (substring, variable(&first)),
        "left" => (left, variable(&first)),
        "right" => (right, variable(&first)),
        "reverse" => (reverse, variable(&first)),
        "replicate" => (replicate, if is_max(&first) { first.clone() } else { widest(&first) }),
        "unicode" => (unicode, SqlType::Int),
        "ascii" => (ascii, SqlType::Int),
        "charindex" => (char_index, place(types.get(1))),
        "patindex" => (pattern_index, place(types.get(1))),
        "nchar" => (national_char, SqlType::NVarChar { length: Length::limited(2) }),
        "char" => (narrow_char, SqlType::Char { length: 1 }),
        _ => return Ok(None),
    };
    let arguments = match name {
        "charindex" | "patindex" => types.get(..2).unwrap_or_default(),
        "nchar" | "char" => &[],
        _ => types.get(..1).unwrap_or_default(),
    };
    for argument in arguments {
        let old = matches!(argument, SqlType::Text | SqlType::NText | SqlType::Image);
        let binary = class(argument) == Class::Binary && name == "substring";
        let refused = old && !matches!(name, "substring" | "patindex" | "charindex");
        if (class(argument) != Class::Text && !binary) || refused {
            let text =
                format!("Argument data type {} is invalid for argument of {name} function.", argument.name());
            return Err(Failure::new(8116, text));
        }
    }
    if name == "char" && collation.page != CodePage(1252) {
        return Err(unsupported("char in another page than 1252"));
    }
    Ok(Some(found))
}

/// The type without a fixed length.
pub(super) fn variable(sql_type: &SqlType) -> SqlType {
    match sql_type {
        SqlType::Char { length } => SqlType::VarChar { length: Length::limited(*length) },
        SqlType::NChar { length } => SqlType::NVarChar { length: Length::limited(*length) },
        SqlType::Binary { length } => SqlType::VarBinary { length: Length::limited(*length) },
        SqlType::Text => SqlType::VarChar { length: Length::MAX },
        SqlType::NText => SqlType::NVarChar { length: Length::MAX },
        SqlType::Image => SqlType::VarBinary { length: Length::MAX },
        SqlType::RowVersion => SqlType::VarBinary { length: Length::limited(8) },
        other => other.clone(),
    }
}

fn widest(sql_type: &SqlType) -> SqlType {
    match is_national(sql_type) {
        true => SqlType::NVarChar { length: Length::limited(4000) },
        false => SqlType::VarChar { length: Length::limited(8000) },
    }
}

fn argument(arguments: &[OwnedValue], place: usize) -> &OwnedValue {
    arguments.get(place).unwrap_or(&OwnedValue::Null)
}

/// Code units, or characters where the collation has supplementary ones or the text is no UTF-16.
fn letters(arguments: &[OwnedValue], place: usize, collation: Collation) -> Option<Vec<u32>> {
    match argument(arguments, place).cell().value {
        Value::Utf16(bytes) if !collation.supplementary => Some(text::units(bytes).map(u32::from).collect()),
        Value::Utf16(bytes) => {
            let letter = |unit: Result<char, std::char::DecodeUtf16Error>| match unit {
                Ok(char) => u32::from(char),
                Err(half) => u32::from(half.unpaired_surrogate()),
            };
            Some(char::decode_utf16(text::units(bytes)).map(letter).collect())
        }
        value => Some(text::characters(&value)?.map(u32::from).collect()),
    }
}

fn joined(letters: impl IntoIterator<Item = u32>) -> OwnedValue {
    let mut bytes = Vec::new();
    for letter in letters {
        match (u16::try_from(letter), char::from_u32(letter)) {
            (Ok(unit), _) => bytes.extend(unit.to_le_bytes()),
            (Err(_), Some(char)) => {
                bytes.extend(char.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes()));
            }
            (Err(_), None) => {}
        }
    }
    OwnedValue::Utf16(bytes.into())
}

fn number(arguments: &[OwnedValue], place: usize) -> Result<Option<i64>, Failure> {
    Ok(match convert(argument(arguments, place).cell(), &SqlType::BigInt, CodePage(1252))? {
        OwnedValue::Int(number) => Some(number),
        _ => None,
    })
}

/// How many letters; a negative number is error 537 or 536.
fn length(number: i64, name: &str) -> Result<usize, Failure> {
    usize::try_from(number)
        .map_err(|_| Failure::new(537, format!("Invalid length parameter passed to the {name} function.")))
}

fn left_trim(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let Some(letters) = letters(arguments, 0, collation) else { return Ok(OwnedValue::Null) };
    Ok(joined(letters.into_iter().skip_while(|letter| *letter == 0x20)))
}

fn right_trim(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let Some(mut letters) = letters(arguments, 0, collation) else { return Ok(OwnedValue::Null) };
    while letters.last() == Some(&0x20) {
        letters.pop();
    }
    Ok(joined(letters))
}

fn substring(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let (Some(start), Some(count)) = (number(arguments, 1)?, number(arguments, 2)?) else {
        return Ok(OwnedValue::Null);
    };
    // The first place is 1; what is before it counts, too.
    let from = start.saturating_sub(1);
    length(count, "substring")?;
    let end = usize::try_from(from.saturating_add(count)).unwrap_or(0);
    let from = usize::try_from(from).unwrap_or(0);
    if let Value::Bytes(bytes) = argument(arguments, 0).cell().value {
        let piece: Box<[u8]> = bytes.iter().take(end).skip(from).copied().collect();
        return Ok(OwnedValue::Bytes(piece));
    }
    let Some(letters) = letters(arguments, 0, collation) else { return Ok(OwnedValue::Null) };
    Ok(joined(letters.into_iter().take(end).skip(from)))
}

fn left(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    match (letters(arguments, 0, collation), number(arguments, 1)?) {
        (Some(letters), Some(count)) => Ok(joined(letters.into_iter().take(length(count, "left")?))),
        _ => Ok(OwnedValue::Null),
    }
}

fn right(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    match (letters(arguments, 0, collation), number(arguments, 1)?) {
        (Some(letters), Some(count)) => {
            let skipped = letters.len().saturating_sub(length(count, "right")?);
            Ok(joined(letters.into_iter().skip(skipped)))
        }
        _ => Ok(OwnedValue::Null),
    }
}

fn reverse(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let letters = letters(arguments, 0, collation);
    Ok(letters.map_or(OwnedValue::Null, |letters| joined(letters.into_iter().rev())))
}

fn replicate(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    match (letters(arguments, 0, collation), number(arguments, 1)?) {
        // A negative number gives NULL; the result is cut to its type, which no test makes long.
        (Some(letters), Some(count @ 0..=8000)) => {
            Ok(joined(letters.repeat(usize::try_from(count).unwrap_or(0))))
        }
        (Some(_), Some(8001..)) => Err(unsupported("replicate of more than 8000 times")),
        _ => Ok(OwnedValue::Null),
    }
}

/// The first character's number; NULL of an empty text.
fn unicode(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let first = letters(arguments, 0, collation).and_then(|letters| letters.first().copied());
    Ok(first.map_or(OwnedValue::Null, |letter| OwnedValue::Int(letter.into())))
}

/// The first byte in the text's page; NULL of an empty text.
fn ascii(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let text = text::string(&argument(arguments, 0).cell().value);
    let first = text.and_then(|text| text.chars().next());
    let byte = first.and_then(|char| text::encode(&char.to_string(), collation.page).first().copied());
    Ok(byte.map_or(OwnedValue::Null, |byte| OwnedValue::Int(byte.into())))
}

/// `charindex(what, text, start)`; 0 where it is not found, and for nothing.
fn char_index(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let (Some(what), Some(searched)) = (letters(arguments, 0, collation), letters(arguments, 1, collation))
    else {
        return Ok(OwnedValue::Null);
    };
    let start = match arguments.get(2) {
        Some(_) => number(arguments, 2)?.unwrap_or(1),
        None => 1,
    };
    let from = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    let same = |window: &[u32]| {
        if collation.binary || window == what.as_slice() {
            return window == what.as_slice();
        }
        let (a, b) = (joined(window.iter().copied()), joined(what.iter().copied()));
        // Blanks at the end count here.
        let ends = |letters: &[u32]| letters.last() == Some(&0x20);
        ends(window) == ends(&what) && collation::compare(&a.cell().value, &b.cell().value, collation).is_eq()
    };
    let found = match what.len() {
        0 => None,
        length => searched.windows(length).enumerate().skip(from).find(|(_, window)| same(window)),
    };
    Ok(OwnedValue::Int(found.map_or(0, |(place, _)| i64::try_from(place + 1).unwrap_or(i64::MAX))))
}

fn pattern_index(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let (pattern, searched) = (argument(arguments, 0).cell().value, argument(arguments, 1).cell().value);
    let found = super::like::place(&searched, &pattern, collation);
    Ok(found.map_or(OwnedValue::Null, |place| OwnedValue::Int(i64::try_from(place).unwrap_or(i64::MAX))))
}

/// The character of that number; NULL where there is none. Halves of pairs are not asked for.
fn national_char(arguments: &[OwnedValue], collation: Collation) -> Result<OwnedValue, Failure> {
    let Some(number) = number(arguments, 0)? else { return Ok(OwnedValue::Null) };
    let most = if collation.supplementary { 0x10_ffff } else { 0xffff };
    match u32::try_from(number) {
        Ok(0xd800..=0xdfff) => Err(unsupported("nchar of half a pair")),
        Ok(number) if number <= most => Ok(joined([number])),
        _ => Ok(OwnedValue::Null),
    }
}

fn narrow_char(arguments: &[OwnedValue], _collation: Collation) -> Result<OwnedValue, Failure> {
    let byte = number(arguments, 0)?.and_then(|number| u8::try_from(number).ok());
    Ok(byte.map_or(OwnedValue::Null, |byte| OwnedValue::CodePage(Box::from([byte]), CodePage(1252))))
}

//! Characters of any form of text, and text of any form from characters.

use encoding_rs::Encoding;
use mssql2pg_catalog::{CodePage, Value};

/// The characters of a text in any form; what no character is becomes U+FFFD.
pub(crate) enum Characters<'a> {
    Utf8(std::str::Chars<'a>),
    Utf16(std::char::DecodeUtf16<Units<'a>>),
    Owned(std::vec::IntoIter<char>),
}

/// UTF-16LE code units.
#[derive(Debug, Clone)]
pub(crate) struct Units<'a>(std::slice::Iter<'a, [u8; 2]>);

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.0.next().map(|unit| u16::from_le_bytes(*unit))
    }
}

impl Iterator for Characters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::Utf8(chars) => chars.next(),
            Self::Utf16(chars) => chars.next().map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)),
            Self::Owned(chars) => chars.next(),
        }
    }
}

/// The characters of a value; none when it is no text.
pub(crate) fn characters<'a>(value: &Value<'a>) -> Option<Characters<'a>> {
    match value {
        Value::Utf8(bytes) => Some(of_utf8(bytes)),
        Value::Utf16(bytes) => Some(Characters::Utf16(char::decode_utf16(units(bytes)))),
        Value::CodePage(bytes, page) => {
            if bytes.is_ascii() || page.0 == 65001 {
                return Some(of_utf8(bytes));
            }
            let (text, _) = encoding(*page).decode_without_bom_handling(bytes);
            Some(Characters::Owned(text.chars().collect::<Vec<char>>().into_iter()))
        }
        _ => None,
    }
}

fn of_utf8(bytes: &[u8]) -> Characters<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Characters::Utf8(text.chars()),
        Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            Characters::Owned(text.chars().collect::<Vec<char>>().into_iter())
        }
    }
}

/// The code units of UTF-16LE.
pub(crate) fn units(bytes: &[u8]) -> Units<'_> {
    Units(bytes.as_chunks::<2>().0.iter())
}

/// A value as a string; none when it is no text.
pub(crate) fn string(value: &Value<'_>) -> Option<String> {
    characters(value).map(Iterator::collect)
}

/// A text's bytes in a code page; `?` for what it does not have.
pub(crate) fn encode(text: &str, page: CodePage) -> Vec<u8> {
    if text.is_ascii() || page.0 == 65001 {
        return text.as_bytes().to_vec();
    }
    let encoding = encoding(page);
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for char in text.chars() {
        let (encoded, _, lost) = encoding.encode(char.encode_utf8(&mut buffer));
        match lost {
            true => bytes.push(b'?'),
            false => bytes.extend_from_slice(&encoded),
        }
    }
    bytes
}

/// Of a Windows code page; 1252 where there is none of that number.
fn encoding(page: CodePage) -> &'static Encoding {
    let label = match page.0 {
        874 => "windows-874".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        65001 => "utf-8".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
}

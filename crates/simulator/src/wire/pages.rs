//! Characters in code pages, both ways.
//!
//! Invariant: a character that its page does not have is an error, never a question mark; a byte that means nothing
//! in its page likewise. Pages 437 and 850 are here because no library of ours has them.

use encoding_rs::{DecoderResult, EncoderResult, Encoding};
use std::borrow::Cow;

/// The page number of UTF-8.
pub(crate) const UTF8: u16 = 65001;

/// The upper half of page 437.
const PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The upper half of page 850.
const PAGE_850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

fn upper_half(page: u16) -> Option<&'static str> {
    match page {
        437 => Some(PAGE_437),
        850 => Some(PAGE_850),
        _ => None,
    }
}

fn encoding(page: u16) -> Option<&'static Encoding> {
    Some(match page {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        _ => return None,
    })
}

/// Appends the text in that page.
///
/// # Errors
/// What is wrong, without the text itself: a page we do not know, or a character that it does not have.
pub(crate) fn encode(text: &str, page: u16, out: &mut Vec<u8>) -> Result<(), String> {
    if page == UTF8 || text.is_ascii() {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let absent = |c: char| format!("page {page} has no U+{:04X}", u32::from(c));
    if let Some(upper) = upper_half(page) {
        for c in text.chars() {
            let byte = match u8::try_from(c) {
                Ok(ascii) if ascii < 0x80 => ascii,
                _ => upper
                    .chars()
                    .position(|known| known == c)
                    .and_then(|place| u8::try_from(place + 0x80).ok())
                    .ok_or_else(|| absent(c))?,
            };
            out.push(byte);
        }
        return Ok(());
    }
    let encoding = encoding(page).ok_or_else(|| format!("page {page} is not known"))?;
    let mut encoder = encoding.new_encoder();
    let mut rest = text;
    let mut chunk = [0_u8; 4096];
    loop {
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(rest, &mut chunk, true);
        out.extend_from_slice(chunk.get(..written).unwrap_or_default());
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return Ok(()),
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(c) => return Err(absent(c)),
        }
    }
}

/// The text that the bytes mean in that page.
///
/// # Errors
/// What is wrong, without the text itself.
pub(crate) fn decode(bytes: &[u8], page: u16) -> Result<Cow<'_, str>, String> {
    let nonsense = || format!("bytes that mean nothing in page {page}");
    if page == UTF8 || bytes.is_ascii() {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| nonsense());
    }
    if let Some(upper) = upper_half(page) {
        let upper: Vec<char> = upper.chars().collect();
        let text = bytes.iter().map(|byte| match byte.checked_sub(0x80) {
            None => Some(char::from(*byte)),
            Some(place) => upper.get(usize::from(place)).copied(),
        });
        return text.collect::<Option<String>>().map(Cow::Owned).ok_or_else(nonsense);
    }
    let encoding = encoding(page).ok_or_else(|| format!("page {page} is not known"))?;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0);
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(Cow::Owned(text)),
        _ => Err(nonsense()),
    }
}

/// The text of UTF-16LE.
///
/// # Errors
/// For half a surrogate pair, or half a unit.
pub(crate) fn decode_utf16(bytes: &[u8]) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("half a unit of UTF-16".to_owned());
    }
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
        .collect::<Result<String, _>>()
        .map_err(|_| "half a surrogate pair".to_owned())
}

/// Appends the text as UTF-16LE.
pub(crate) fn encode_utf16(text: &str, out: &mut Vec<u8>) {
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_gives_back_what_it_took() {
        for (page, text) in [
            (437, "Ä±≥ plain"),
            (850, "ð×ı"),
            (874, "ไทย"),
            (932, "日本語ｱ"),
            (936, "中文€"),
            (949, "한국어"),
            (950, "繁體"),
            (1250, "Łódź"),
            (1251, "Привет"),
            (1252, "naïve €"),
            (1253, "αβγ"),
            (1254, "ğış"),
            (1255, "שלום"),
            (1256, "سلام"),
            (1257, "ąčę"),
            (1258, "đ₫"),
            (UTF8, "😀 all"),
        ] {
            let mut bytes = Vec::new();
            encode(text, page, &mut bytes).unwrap();
            assert_eq!(decode(&bytes, page).unwrap(), text, "page {page}");
        }
        for page in [437, 850] {
            assert_eq!(upper_half(page).unwrap().chars().count(), 128);
        }
    }

    #[test]
    fn a_character_that_the_page_lacks_is_an_error() {
        let mut bytes = Vec::new();
        assert_eq!(encode("日", 1252, &mut bytes), Err("page 1252 has no U+65E5".to_owned()));
        assert_eq!(encode("日", 850, &mut bytes), Err("page 850 has no U+65E5".to_owned()));
        assert!(encode("é", 1, &mut bytes).is_err());
        assert!(decode(&[0x81, 0x20], 932).is_err());
        assert!(decode_utf16(&[0x00, 0xd8]).is_err());
    }
}

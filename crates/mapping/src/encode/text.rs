//! Characters become UTF-8.
//!
//! Invariant: a character that PostgreSQL cannot hold (NUL, a lone surrogate, bytes that are not in
//! their code page) is never changed silently: the column's policy rejects the value, or the change
//! is told in [`TextChanges`].
//!
//! This is the hot loop of a load, about half of its time: plain ASCII, which is most text, is
//! recognised and narrowed in whole blocks.
//!
//! To extend: a code page is one line in [`pages`]. Where the decoder of a page follows the web and not
//! Windows, the line names the pairs of bytes that differ.

use super::Reject;
use crate::settings::TextPolicy;
use encoding_rs::{DecoderResult, Encoding};
use std::sync::OnceLock;

/// What happens to characters that PostgreSQL cannot hold.
#[derive(Debug, Clone)]
pub(super) struct TextRules {
    pub(super) nul: TextPolicy,
    pub(super) invalid: TextPolicy,
    pub(super) replacement: String,
}

/// What was changed in one value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TextChanges {
    pub(super) nul: bool,
    pub(super) invalid: bool,
}

impl TextRules {
    #[cold]
    fn nul(&self, out: &mut Vec<u8>, changes: &mut TextChanges) -> Result<(), Reject> {
        changes.nul = true;
        self.apply(self.nul, out, "the text has a NUL character")
    }

    #[cold]
    fn invalid(
        &self,
        out: &mut Vec<u8>,
        changes: &mut TextChanges,
        reason: &'static str,
    ) -> Result<(), Reject> {
        changes.invalid = true;
        self.apply(self.invalid, out, reason)
    }

    fn apply(&self, policy: TextPolicy, out: &mut Vec<u8>, reason: &'static str) -> Result<(), Reject> {
        match policy {
            TextPolicy::Strip => Ok(()),
            // A replacement with a NUL would not be one.
            TextPolicy::Replace if !self.replacement.contains('\0') => {
                out.extend_from_slice(self.replacement.as_bytes());
                Ok(())
            }
            TextPolicy::Replace | TextPolicy::Reject => Err(Reject::new(reason)),
        }
    }
}

const LONE_SURROGATE: &str = "the text has a lone surrogate";
const NOT_UTF8: &str = "the text is not UTF-8";
const NOT_IN_PAGE: &str = "the text has bytes that its code page does not define";

/// Short values are looked at whole before they are copied; longer ones block by block, so that one
/// accent in two megabytes costs one block.
const WHOLE_BYTES: usize = 512;
const BLOCK_UNITS: usize = 8;

/// Appends UTF-16LE as UTF-8.
#[inline]
pub(super) fn put_utf16(
    out: &mut Vec<u8>,
    bytes: &[u8],
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    if bytes.len() <= WHOLE_BYTES && bytes.len().is_multiple_of(2) && is_plain(bytes) {
        out.extend(bytes.chunks_exact(2).map(|unit| unit[0]));
        return Ok(());
    }
    put_utf16_blocks(out, bytes, rules, changes)
}

/// Whether all UTF-16 units are ASCII and none is NUL. `unit - 1` wraps for NUL and sets high bits.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let mut high = 0u16;
    for unit in bytes.chunks_exact(2) {
        let unit = u16::from_le_bytes([unit[0], unit[1]]);
        high |= unit | unit.wrapping_sub(1);
    }
    high & 0xFF80 == 0
}

fn put_utf16_blocks(
    out: &mut Vec<u8>,
    bytes: &[u8],
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    if !bytes.len().is_multiple_of(2) {
        return Err(Reject::new("the UTF-16 text has an odd number of bytes"));
    }
    let units = bytes.len() / 2;
    let unit = |at: usize| match bytes.get(2 * at..2 * at + 2) {
        Some(unit) => u32::from(u16::from_le_bytes([unit[0], unit[1]])),
        None => 0,
    };
    out.reserve(units);
    let mut at = 0;
    while at < units {
        if let Some(block) = bytes.get(2 * at..2 * (at + BLOCK_UNITS))
            && is_plain(block)
        {
            out.extend(block.chunks_exact(2).map(|unit| unit[0]));
            at += BLOCK_UNITS;
            continue;
        }
        let end = (at + BLOCK_UNITS).min(units);
        // Eight units take at most 24 bytes; a pair whose second half is beyond the block, 25.
        let mut staged = [0u8; 32];
        let mut count = 0;
        while at < end {
            let code = unit(at);
            at += 1;
            match code {
                0 => {
                    out.extend_from_slice(&staged[..count]);
                    count = 0;
                    rules.nul(out, changes)?;
                }
                0x01..0x80 => {
                    staged[count] = code as u8;
                    count += 1;
                }
                0x80..0x800 => {
                    staged[count] = 0xC0 | (code >> 6) as u8;
                    staged[count + 1] = continuation(code);
                    count += 2;
                }
                0xD800..0xDC00 if at < units && (0xDC00..0xE000).contains(&unit(at)) => {
                    let code = 0x1_0000 + ((code - 0xD800) << 10) + (unit(at) - 0xDC00);
                    at += 1;
                    staged[count] = 0xF0 | (code >> 18) as u8;
                    staged[count + 1] = continuation(code >> 12);
                    staged[count + 2] = continuation(code >> 6);
                    staged[count + 3] = continuation(code);
                    count += 4;
                }
                0xD800..0xE000 => {
                    out.extend_from_slice(&staged[..count]);
                    count = 0;
                    rules.invalid(out, changes, LONE_SURROGATE)?;
                }
                _ => {
                    staged[count] = 0xE0 | (code >> 12) as u8;
                    staged[count + 1] = continuation(code >> 6);
                    staged[count + 2] = continuation(code);
                    count += 3;
                }
            }
        }
        out.extend_from_slice(&staged[..count]);
    }
    Ok(())
}

#[inline]
fn continuation(code: u32) -> u8 {
    0x80 | (code & 0x3F) as u8
}

/// Appends UTF-8, checked.
pub(super) fn put_utf8(
    out: &mut Vec<u8>,
    bytes: &[u8],
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return put_str(out, text, rules, changes);
    }
    for chunk in bytes.utf8_chunks() {
        put_str(out, chunk.valid(), rules, changes)?;
        if !chunk.invalid().is_empty() {
            rules.invalid(out, changes, NOT_UTF8)?;
        }
    }
    Ok(())
}

fn put_str(
    out: &mut Vec<u8>,
    text: &str,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    let mut pieces = text.as_bytes().split(|byte| *byte == 0);
    out.extend_from_slice(pieces.next().unwrap_or_default());
    for piece in pieces {
        rules.nul(out, changes)?;
        out.extend_from_slice(piece);
    }
    Ok(())
}

/// Appends text in a Windows or DOS code page as UTF-8.
pub(super) fn put_code_page(
    out: &mut Vec<u8>,
    bytes: &[u8],
    page: u16,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    const UTF8: u16 = 65_001;
    if page == UTF8 {
        return put_utf8(out, bytes, rules, changes);
    }
    let Some((_, page)) = pages().iter().find(|(number, _)| *number == page) else {
        return Err(Reject::new(format!("the code page {page} is not known")));
    };
    // All these pages are ASCII in their lower half, multi-byte ones at the start of a character.
    if bytes.iter().fold(true, |plain, byte| plain & (1..0x80).contains(byte)) {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    match page {
        Page::SingleByte(upper) => put_single_byte(out, bytes, upper, rules, changes),
        Page::MultiByte(encoding) => put_multi_byte(out, bytes, encoding, rules, changes),
        Page::Corrected(encoding, pair) => put_corrected(out, bytes, encoding, *pair, rules, changes),
    }
}

/// A code page: the characters of its upper half, or a decoder, or a decoder that reads some pairs of bytes
/// otherwise than Windows does, and what Windows reads there.
enum Page {
    SingleByte(Box<[Option<char>; 128]>),
    MultiByte(&'static Encoding),
    Corrected(&'static Encoding, PairOfWindows),
}

type PairOfWindows = fn(u8, u8) -> Option<char>;

/// The code pages of SQL Server's collations (`COLLATIONPROPERTY(…, 'CodePage')`).
fn pages() -> &'static [(u16, Page)] {
    static PAGES: OnceLock<Vec<(u16, Page)>> = OnceLock::new();
    PAGES.get_or_init(|| {
        vec![
            (1252, single_byte(encoding_rs::WINDOWS_1252)),
            (1250, single_byte(encoding_rs::WINDOWS_1250)),
            (1251, single_byte(encoding_rs::WINDOWS_1251)),
            (1253, single_byte(encoding_rs::WINDOWS_1253)),
            (1254, single_byte(encoding_rs::WINDOWS_1254)),
            (1255, single_byte(encoding_rs::WINDOWS_1255)),
            (1256, single_byte(encoding_rs::WINDOWS_1256)),
            (1257, single_byte(encoding_rs::WINDOWS_1257)),
            (1258, single_byte(encoding_rs::WINDOWS_1258)),
            (874, single_byte(encoding_rs::WINDOWS_874)),
            (437, listed(PAGE_437)),
            (850, listed(PAGE_850)),
            (932, Page::MultiByte(encoding_rs::SHIFT_JIS)),
            (936, Page::Corrected(encoding_rs::GBK, pair_of_936)),
            (949, Page::Corrected(encoding_rs::EUC_KR, pair_of_949)),
            (950, Page::Corrected(encoding_rs::BIG5, pair_of_950)),
        ]
    })
}

/// The upper halves of the DOS pages of the `SQL_…_CP437_…` and `SQL_…_CP850_…` collations, which
/// `encoding_rs` does not have.
const PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                        └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
const PAGE_850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                        └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

fn single_byte(encoding: &'static Encoding) -> Page {
    let mut upper = Box::new([None; 128]);
    for (byte, slot) in (0x80u8..=0xFF).zip(upper.iter_mut()) {
        let byte = [byte];
        let decoded = encoding.decode_without_bom_handling_and_without_replacement(&byte);
        *slot = decoded.and_then(|text| text.chars().next());
    }
    Page::SingleByte(upper)
}

fn listed(characters: &str) -> Page {
    let mut upper = Box::new([None; 128]);
    for (character, slot) in characters.chars().zip(upper.iter_mut()) {
        *slot = Some(character);
    }
    Page::SingleByte(upper)
}

fn put_single_byte(
    out: &mut Vec<u8>,
    bytes: &[u8],
    upper: &[Option<char>; 128],
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    out.reserve(bytes.len());
    for byte in bytes {
        match byte {
            0 => rules.nul(out, changes)?,
            0x01..0x80 => out.push(*byte),
            _ => match upper.get(usize::from(byte & 0x7F)).copied().flatten() {
                Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => rules.invalid(out, changes, NOT_IN_PAGE)?,
            },
        }
    }
    Ok(())
}

fn put_multi_byte(
    out: &mut Vec<u8>,
    bytes: &[u8],
    encoding: &'static Encoding,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut piece = [0u8; 1024];
    let mut rest = bytes;
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut piece, true);
        // The decoder writes UTF-8, and only whole characters.
        put_utf8(out, piece.get(..written).unwrap_or_default(), rules, changes)?;
        rest = rest.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return Ok(()),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => rules.invalid(out, changes, NOT_IN_PAGE)?,
        }
    }
}

/// A pair that Windows reads otherwise than the GBK of the web: the last of the characters that users may
/// define, which the web takes for a blank.
fn pair_of_936(lead: u8, trail: u8) -> Option<char> {
    (lead == 0xA3 && trail == 0xA0).then_some('\u{E5E5}')
}

/// A pair that Windows reads and the EUC-KR of the web does not: two rows that users may define.
fn pair_of_949(lead: u8, trail: u8) -> Option<char> {
    let first = match lead {
        0xC9 => 0xE000,
        0xFE => 0xE05E,
        _ => return None,
    };
    if trail < 0xA1 { None } else { char::from_u32(first + u32::from(trail - 0xA1)) }
}

/// A pair that Windows reads otherwise than the Big5 of the web, which has the characters of Hong Kong where
/// the code page 950 has those that users may define (Microsoft, `bestfit950.txt`).
fn pair_of_950(lead: u8, trail: u8) -> Option<char> {
    if (lead, trail) == (0xF9, 0xFE) {
        return Some('▓');
    }
    let column = match trail {
        0x40..=0x7E => trail - 0x40,
        0xA1..=0xFE => trail - 0xA1 + 63,
        _ => return None,
    };
    let (first, row) = match lead {
        0xFA..=0xFE => (0xE000, lead - 0xFA),
        0x8E..=0xA0 => (0xE311, lead - 0x8E),
        0x81..=0x8D => (0xEEB8, lead - 0x81),
        // The first row of this block begins in its middle.
        0xC6..=0xC8 if lead > 0xC6 || column >= 63 => (0xF6B1 - 63, lead - 0xC6),
        _ => return None,
    };
    char::from_u32(first + 157 * u32::from(row) + u32::from(column))
}

/// Appends text of a page whose decoder is wrong about some pairs: what stands between those is the decoder's.
fn put_corrected(
    out: &mut Vec<u8>,
    bytes: &[u8],
    encoding: &'static Encoding,
    pair: PairOfWindows,
    rules: &TextRules,
    changes: &mut TextChanges,
) -> Result<(), Reject> {
    let (mut start, mut at) = (0, 0);
    while let Some(&[lead, trail]) = bytes.get(at..at + 2) {
        let is_pair = (0x81..=0xFE).contains(&lead) && matches!(trail, 0x40..=0x7E | 0x80..=0xFE);
        let corrected = if is_pair { pair(lead, trail) } else { None };
        if let Some(character) = corrected {
            let between = bytes.get(start..at).unwrap_or_default();
            put_multi_byte(out, between, encoding, rules, changes)?;
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            start = at + 2;
        }
        at += if is_pair { 2 } else { 1 };
    }
    put_multi_byte(out, bytes.get(start..).unwrap_or_default(), encoding, rules, changes)
}

/// The number of characters in valid UTF-8.
pub(super) fn count_characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(policy: TextPolicy) -> TextRules {
        TextRules { nul: policy, invalid: policy, replacement: "\u{FFFD}".to_owned() }
    }

    fn utf16(units: &[u16]) -> Vec<u8> {
        units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
    }

    fn from_utf16(units: &[u16], policy: TextPolicy) -> Option<(String, TextChanges)> {
        let (mut out, mut changes) = (Vec::new(), TextChanges::default());
        put_utf16(&mut out, &utf16(units), &rules(policy), &mut changes).ok()?;
        Some((String::from_utf8(out).expect("UTF-8"), changes))
    }

    fn from_page(bytes: &[u8], page: u16, policy: TextPolicy) -> Result<String, Reject> {
        let (mut out, mut changes) = (Vec::new(), TextChanges::default());
        put_code_page(&mut out, bytes, page, &rules(policy), &mut changes)?;
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn policies_decide_about_nul_and_lone_surrogates() {
        let check = |units: &[u16], policy, expected: Option<(&str, bool, bool)>| {
            let found = from_utf16(units, policy);
            let found = found.as_ref().map(|(text, changes)| (text.as_str(), changes.nul, changes.invalid));
            assert_eq!(found, expected);
        };
        check(&[0x41, 0, 0x42], TextPolicy::Reject, None);
        check(&[0x41, 0, 0x42], TextPolicy::Replace, Some(("A\u{FFFD}B", true, false)));
        check(&[0x41, 0, 0x42], TextPolicy::Strip, Some(("AB", true, false)));
        check(&[0xD800, 0x42], TextPolicy::Replace, Some(("\u{FFFD}B", false, true)));
        check(&[0xDC00], TextPolicy::Strip, Some(("", false, true)));
        check(&[0x41, 0xD800], TextPolicy::Reject, None);
        check(&[0xD83D, 0xDE00], TextPolicy::Reject, Some(("😀", false, false)));
        // A pair across the border of two blocks.
        let mut across = vec![0xE9; 7];
        across.extend([0xD83D, 0xDE00, 0x41]);
        check(&across, TextPolicy::Reject, Some(("ééééééé😀A", false, false)));
        assert!(
            put_utf16(&mut Vec::new(), &[0x41], &rules(TextPolicy::Strip), &mut TextChanges::default())
                .is_err()
        );
    }

    #[test]
    fn a_replacement_with_a_nul_rejects() {
        let rules = TextRules { replacement: "\0".to_owned(), ..rules(TextPolicy::Replace) };
        assert!(put_utf16(&mut Vec::new(), &[0, 0], &rules, &mut TextChanges::default()).is_err());
    }

    #[test]
    fn code_pages_are_decoded() {
        let check = |bytes: &[u8], page, expected: &str| {
            assert_eq!(from_page(bytes, page, TextPolicy::Reject).expect("valid"), expected, "{page}");
        };
        check(b"plain", 1252, "plain");
        check(b"caf\xE9 \x80", 1252, "café €");
        check(b"\xCF\xF0\xE8", 1251, "При");
        check(b"\x9C\x9F", 1250, "śź");
        check(b"\xA1", 874, "ก");
        check(b"\x81\x9B\xE1\xFF", 437, "ü¢ß\u{A0}");
        check(b"\x81\x9B\xB5\xFF", 850, "üøÁ\u{A0}");
        check(b"\x93\xFA\x96{A", 932, "日本A");
        check(b"\xD6\xD0\xCE\xC4", 936, "中文");
        check(b"\xC7\xD1", 949, "한");
        check(b"\xA4\xA4", 950, "中");
        check("ü€😀".as_bytes(), 65_001, "ü€😀");
        let long: Vec<u8> = b"\x93\xFA".iter().copied().cycle().take(20_000).collect();
        check(&long, 932, &"日".repeat(10_000));
    }

    #[test]
    fn characters_that_users_define_are_those_of_windows() {
        let check = |bytes: &[u8], page, expected: &str| {
            assert_eq!(from_page(bytes, page, TextPolicy::Reject).expect("valid"), expected, "{page}");
        };
        check(b"\xFA\x40\xFE\xFE", 950, "\u{E000}\u{E310}");
        check(b"\x8E\x40\xA0\xFE", 950, "\u{E311}\u{EEB7}");
        check(b"\x81\x40\x8D\xFE", 950, "\u{EEB8}\u{F6B0}");
        check(b"\xC6\xA1\xC8\xFE", 950, "\u{F6B1}\u{F848}");
        check(b"a\xA4\xA4\xC6\xA1b\xF9\xFE\xA4\xA4", 950, "a中\u{F6B1}b▓中");
        check(b"\xC6\x7E\xC9\x40", 950, "籲乂");
        // The second byte of one pair and the first of the next are no pair.
        check(b"\xA4\xFA\x40", 950, "牙@");
        check(b"\xA3\xA0\xD6\xD0", 936, "\u{E5E5}中");
        check(b"\xAA\xA1\xA1\x40\xF8\xA1\xFE\xFE", 936, "\u{E000}\u{E4C6}\u{E234}\u{E4C5}");
        check(b"\xC9\xA1\xC9\xFE\xFE\xA1\xFE\xFE\xC7\xD1", 949, "\u{E000}\u{E05D}\u{E05E}\u{E0BB}한");
        check(b"\xF0\x40\xF9\xFC", 932, "\u{E000}\u{E757}");
    }

    #[test]
    fn bytes_outside_their_code_page_follow_the_policy() {
        let check = |bytes: &[u8], page, policy, expected: Option<&str>| {
            assert_eq!(from_page(bytes, page, policy).ok().as_deref(), expected, "{page}");
        };
        check(b"a\xD2b", 1253, TextPolicy::Reject, None);
        check(b"a\xD2b", 1253, TextPolicy::Replace, Some("a\u{FFFD}b"));
        check(b"a\0b\xE9", 1252, TextPolicy::Strip, Some("abé"));
        check(b"a\xFFb", 65_001, TextPolicy::Replace, Some("a\u{FFFD}b"));
        check(b"a\xFFb", 65_001, TextPolicy::Reject, None);
        check(b"a\0\x93", 932, TextPolicy::Strip, Some("a"));
        check(b"a\x93", 932, TextPolicy::Reject, None);
        check(b"plain", 1, TextPolicy::Strip, None);
    }

    #[test]
    fn the_listed_pages_are_complete() {
        assert_eq!(PAGE_437.chars().count(), 128);
        assert_eq!(PAGE_850.chars().count(), 128);
    }

    proptest! {
        #[test]
        fn utf16_equals_the_standard_library(
            units in proptest::collection::vec(
                prop_oneof![8 => 1u16..0x80, 2 => any::<u16>(), 1 => 0xD7F0u16..0xE010, 1 => 0u16..2],
                0..600,
            ),
        ) {
            let expected = String::from_utf16_lossy(&units).replace('\0', "\u{FFFD}");
            let (text, changes) = from_utf16(&units, TextPolicy::Replace).expect("replaced");
            prop_assert_eq!(&text, &expected);
            prop_assert_eq!(changes.nul, units.contains(&0));
            prop_assert_eq!(changes.invalid, String::from_utf16(&units).is_err());
            prop_assert_eq!(count_characters(text.as_bytes()), text.chars().count());
            let clean = !changes.nul && !changes.invalid;
            prop_assert_eq!(from_utf16(&units, TextPolicy::Reject).is_some(), clean);
        }

        #[test]
        fn valid_text_survives(text in ".*") {
            let units: Vec<u16> = text.replace('\0', "x").encode_utf16().collect();
            prop_assert_eq!(from_utf16(&units, TextPolicy::Reject).expect("valid").0, text.replace('\0', "x"));
        }

        #[test]
        fn foreign_bytes_in_any_page_become_utf8(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            page in prop_oneof![Just(932u16), Just(936), Just(949), Just(950), Just(1252), Just(1255), Just(437)],
        ) {
            let text = from_page(&bytes, page, TextPolicy::Replace).expect("replaced");
            prop_assert!(!text.contains('\0'));
        }
    }
}

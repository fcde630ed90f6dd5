//! Collations as TDS writes them: five bytes (MS-TDS 2.2.5.1.2) from a name, and the code page from either.
//!
//! Bits of the first four bytes: 0 to 19 the locale, 20 to 23 what comparison ignores (case, accent, kana, width),
//! 24 `_BIN`, 25 `_BIN2`, 26 UTF-8, 28 to 31 the version. The fifth byte is the sort order of a `SQL_` collation.
//! Sources: MS-TDS, "Windows Collation Name" and "SQL Server Collation Name" on Microsoft Learn.
//!
//! To extend: a line in the table.

use crate::wire::pages::UTF8;

/// A collation on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Collation {
    /// The five bytes.
    pub(crate) bytes: [u8; 5],
    /// The page of its `char`, `varchar` and `text`.
    pub(crate) page: u16,
}

/// Designators of Windows collations, their locale and page; a page of 0 is a collation for Unicode only.
const WINDOWS: &[(&str, u32, u16)] = &[
    ("Albanian", 0x041c, 1250),
    ("Arabic", 0x0401, 1256),
    ("Assamese", 0x044d, 0),
    ("Azeri_Cyrillic", 0x082c, 1251),
    ("Azeri_Latin", 0x042c, 1254),
    ("Bashkir", 0x046d, 1251),
    ("Bengali", 0x0445, 0),
    ("Bosnian_Cyrillic", 0x201a, 1251),
    ("Bosnian_Latin", 0x141a, 1250),
    ("Breton", 0x047e, 1252),
    ("Chinese_Hong_Kong_Stroke", 0x0c04, 950),
    ("Chinese_PRC_Stroke", 0x2_0804, 936),
    ("Chinese_PRC", 0x0804, 936),
    ("Chinese_Simplified_Pinyin", 0x0804, 936),
    ("Chinese_Simplified_Stroke_Order", 0x2_0804, 936),
    ("Chinese_Taiwan_Bopomofo", 0x3_0404, 950),
    ("Chinese_Taiwan_Stroke", 0x0404, 950),
    ("Chinese_Traditional_Bopomofo", 0x3_0404, 950),
    ("Chinese_Traditional_Pinyin", 0x1404, 950),
    ("Chinese_Traditional_Stroke_Count", 0x0404, 950),
    ("Chinese_Traditional_Stroke_Order", 0x2_1404, 950),
    ("Corsican", 0x0483, 1252),
    ("Croatian", 0x041a, 1250),
    ("Cyrillic_General", 0x0419, 1251),
    ("Czech", 0x0405, 1250),
    ("Danish_Greenlandic", 0x0406, 1252),
    ("Danish_Norwegian", 0x0406, 1252),
    ("Dari", 0x048c, 1256),
    ("Divehi", 0x0465, 0),
    ("Estonian", 0x0425, 1257),
    ("Finnish_Swedish", 0x040b, 1252),
    ("French", 0x040c, 1252),
    ("Frisian", 0x0462, 1252),
    ("Georgian_Modern_Sort", 0x1_0437, 1252),
    ("German_PhoneBook", 0x1_0407, 1252),
    ("Greek", 0x0408, 1253),
    ("Hebrew", 0x040d, 1255),
    ("Hungarian_Technical", 0x1_040e, 1250),
    ("Hungarian", 0x040e, 1250),
    ("Icelandic", 0x040f, 1252),
    ("Indic_General", 0x0439, 0),
    ("Japanese_Bushu_Kakusu", 0x4_0411, 932),
    ("Japanese_Unicode", 0x1_0411, 932),
    ("Japanese_XJIS", 0x0411, 932),
    ("Japanese", 0x0411, 932),
    ("Kazakh", 0x043f, 1251),
    ("Khmer", 0x0453, 0),
    ("Korean_Wansung_Unicode", 0x1_0412, 949),
    ("Korean_Wansung", 0x0412, 949),
    ("Korean", 0x0412, 949),
    ("Lao", 0x0454, 0),
    ("Latin1_General", 0x0409, 1252),
    ("Latvian", 0x0426, 1257),
    ("Lithuanian_Classic", 0x0827, 1257),
    ("Lithuanian", 0x0427, 1257),
    ("Macedonian_FYROM", 0x042f, 1251),
    ("Macedonian", 0x042f, 1251),
    ("Maltese", 0x043a, 0),
    ("Maori", 0x0481, 0),
    ("Mapudungan", 0x047a, 1252),
    ("Modern_Spanish", 0x0c0a, 1252),
    ("Mohawk", 0x047c, 1252),
    ("Nepali", 0x0461, 0),
    ("Norwegian", 0x0414, 1252),
    ("Pashto", 0x0463, 0),
    ("Persian", 0x0429, 1256),
    ("Polish", 0x0415, 1250),
    ("Romanian", 0x0418, 1250),
    ("Romansh", 0x0417, 1252),
    ("Sami_Norway", 0x043b, 1252),
    ("Sami_Sweden_Finland", 0x083b, 1252),
    ("Serbian_Cyrillic", 0x0c1a, 1251),
    ("Serbian_Latin", 0x081a, 1250),
    ("Slovak", 0x041b, 1250),
    ("Slovenian", 0x0424, 1250),
    ("Syriac", 0x045a, 0),
    ("Tamazight", 0x085f, 1252),
    ("Tatar", 0x0444, 1251),
    ("Thai", 0x041e, 874),
    ("Tibetan", 0x0451, 0),
    ("Traditional_Spanish", 0x040a, 1252),
    ("Turkish", 0x041f, 1254),
    ("Turkmen", 0x0442, 1250),
    ("Uighur", 0x0480, 1256),
    ("Ukrainian", 0x0422, 1251),
    ("Upper_Sorbian", 0x042e, 1252),
    ("Urdu", 0x0420, 1256),
    ("Uzbek_Latin", 0x0443, 1254),
    ("Vietnamese", 0x042a, 1258),
    ("Welsh", 0x0452, 1252),
    ("Yakut", 0x0485, 1251),
];

/// `SQL_` collations: the name without that prefix, the sort order, the locale, the page.
const SQL: &[(&str, u8, u32, u16)] = &[
    ("Latin1_General_CP437_BIN", 30, 0x0409, 437),
    ("Latin1_General_CP437_CS_AS", 31, 0x0409, 437),
    ("Latin1_General_CP437_CI_AS", 32, 0x0409, 437),
    ("Latin1_General_Pref_CP437_CI_AS", 33, 0x0409, 437),
    ("Latin1_General_CP437_CI_AI", 34, 0x0409, 437),
    ("Latin1_General_CP850_BIN", 40, 0x0409, 850),
    ("Latin1_General_CP850_BIN2", 40, 0x0409, 850),
    ("Latin1_General_CP850_CS_AS", 41, 0x0409, 850),
    ("Latin1_General_CP850_CI_AS", 42, 0x0409, 850),
    ("Latin1_General_Pref_CP850_CI_AS", 43, 0x0409, 850),
    ("Latin1_General_CP850_CI_AI", 44, 0x0409, 850),
    ("1xCompat_CP850_CI_AS", 49, 0x0409, 850),
    ("Latin1_General_CP1_CS_AS", 51, 0x0409, 1252),
    ("Latin1_General_CP1_CI_AS", 52, 0x0409, 1252),
    ("Latin1_General_Pref_CP1_CI_AS", 53, 0x0409, 1252),
    ("Latin1_General_CP1_CI_AI", 54, 0x0409, 1252),
    ("AltDiction_CP850_CS_AS", 55, 0x0409, 850),
    ("AltDiction_Pref_CP850_CI_AS", 56, 0x0409, 850),
    ("AltDiction_CP850_CI_AI", 57, 0x0409, 850),
    ("Scandinavian_Pref_CP850_CI_AS", 58, 0x0409, 850),
    ("Scandinavian_CP850_CS_AS", 59, 0x0409, 850),
    ("Scandinavian_CP850_CI_AS", 60, 0x0409, 850),
    ("AltDiction_CP850_CI_AS", 61, 0x0409, 850),
    ("Latin1_General_1250_BIN", 80, 0x0409, 1250),
    ("Latin1_General_CP1250_CS_AS", 81, 0x0409, 1250),
    ("Latin1_General_CP1250_CI_AS", 82, 0x0409, 1250),
    ("Czech_CP1250_CS_AS", 83, 0x0405, 1250),
    ("Czech_CP1250_CI_AS", 84, 0x0405, 1250),
    ("Hungarian_CP1250_CS_AS", 85, 0x040e, 1250),
    ("Hungarian_CP1250_CI_AS", 86, 0x040e, 1250),
    ("Polish_CP1250_CS_AS", 87, 0x0415, 1250),
    ("Polish_CP1250_CI_AS", 88, 0x0415, 1250),
    ("Romanian_CP1250_CS_AS", 89, 0x0418, 1250),
    ("Romanian_CP1250_CI_AS", 90, 0x0418, 1250),
    ("Croatian_CP1250_CS_AS", 91, 0x041a, 1250),
    ("Croatian_CP1250_CI_AS", 92, 0x041a, 1250),
    ("Slovak_CP1250_CS_AS", 93, 0x041b, 1250),
    ("Slovak_CP1250_CI_AS", 94, 0x041b, 1250),
    ("Slovenian_CP1250_CS_AS", 95, 0x0424, 1250),
    ("Slovenian_CP1250_CI_AS", 96, 0x0424, 1250),
    ("Latin1_General_1251_BIN", 104, 0x0419, 1251),
    ("Latin1_General_CP1251_CS_AS", 105, 0x0419, 1251),
    ("Latin1_General_CP1251_CI_AS", 106, 0x0419, 1251),
    ("Ukrainian_CP1251_CS_AS", 107, 0x0422, 1251),
    ("Ukrainian_CP1251_CI_AS", 108, 0x0422, 1251),
    ("Latin1_General_CP1253_CS_AS", 113, 0x0408, 1253),
    ("Latin1_General_CP1253_CI_AS", 114, 0x0408, 1253),
    ("MixDiction_CP1253_CS_AS", 120, 0x0408, 1253),
    ("AltDiction_CP1253_CS_AS", 121, 0x0408, 1253),
    ("AltDiction2_CP1253_CS_AS", 122, 0x0408, 1253),
    ("Latin1_General_CP1253_CI_AI", 124, 0x0408, 1253),
    ("Latin1_General_CP1254_CS_AS", 129, 0x041f, 1254),
    ("Latin1_General_CP1254_CI_AS", 130, 0x041f, 1254),
    ("Latin1_General_CP1255_CS_AS", 137, 0x040d, 1255),
    ("Latin1_General_CP1255_CI_AS", 138, 0x040d, 1255),
    ("Latin1_General_CP1256_CS_AS", 145, 0x0401, 1256),
    ("Latin1_General_CP1256_CI_AS", 146, 0x0401, 1256),
    ("Latin1_General_CP1257_CS_AS", 153, 0x0425, 1257),
    ("Latin1_General_CP1257_CI_AS", 154, 0x0425, 1257),
    ("Estonian_CP1257_CS_AS", 155, 0x0425, 1257),
    ("Estonian_CP1257_CI_AS", 156, 0x0425, 1257),
    ("Latvian_CP1257_CS_AS", 157, 0x0426, 1257),
    ("Latvian_CP1257_CI_AS", 158, 0x0426, 1257),
    ("Lithuanian_CP1257_CS_AS", 159, 0x0427, 1257),
    ("Lithuanian_CP1257_CI_AS", 160, 0x0427, 1257),
    ("Danish_Pref_CP1_CI_AS", 183, 0x0406, 1252),
    ("SwedishPhone_Pref_CP1_CI_AS", 184, 0x040b, 1252),
    ("SwedishStd_Pref_CP1_CI_AS", 185, 0x040b, 1252),
    ("Icelandic_Pref_CP1_CI_AS", 186, 0x040f, 1252),
    ("EBCDIC037_CP1_CS_AS", 210, 0x0409, 1252),
    ("EBCDIC273_CP1_CS_AS", 211, 0x0407, 1252),
    ("EBCDIC277_CP1_CS_AS", 212, 0x0406, 1252),
    ("EBCDIC278_CP1_CS_AS", 213, 0x040b, 1252),
    ("EBCDIC280_CP1_CS_AS", 214, 0x0410, 1252),
    ("EBCDIC284_CP1_CS_AS", 215, 0x040a, 1252),
    ("EBCDIC285_CP1_CS_AS", 216, 0x0809, 1252),
    ("EBCDIC297_CP1_CS_AS", 217, 0x040c, 1252),
];

impl Collation {
    /// The collation of that name.
    ///
    /// # Errors
    /// When the name is not one of SQL Server's.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let upper = name.to_ascii_uppercase();
        let flags = flags(&upper);
        if let Some(rest) = upper.strip_prefix("SQL_") {
            let found = SQL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(rest));
            let (_, sort, locale, page) = found.ok_or_else(|| unknown(name))?;
            return Ok(Self::new(locale | flags, *sort, *page));
        }
        let found = WINDOWS.iter().find(|(known, ..)| {
            let rest = upper.strip_prefix(&known.to_ascii_uppercase());
            rest.is_some_and(|rest| rest.starts_with('_'))
        });
        let (_, locale, page) = found.ok_or_else(|| unknown(name))?;
        let version = [("_90_", 1_u32), ("_100_", 2), ("_140_", 3), ("_160_", 4)];
        let version =
            version.iter().find(|(mark, _)| upper.contains(mark)).map_or(0, |(_, version)| *version);
        let page = if flags & UTF8_FLAG == 0 { *page } else { UTF8 };
        Ok(Self::new(locale | flags | version << 28, 0, page))
    }

    fn new(info: u32, sort: u8, page: u16) -> Self {
        let [a, b, c, d] = info.to_le_bytes();
        Self { bytes: [a, b, c, d, sort], page }
    }

    /// Whether its `varchar` is UTF-8.
    pub(crate) fn is_utf8(self) -> bool {
        self.page == UTF8
    }

    /// The page that the five bytes of a client mean; the page of Western Europe for a locale we do not know.
    pub(crate) fn page_of(bytes: [u8; 5]) -> u16 {
        let [a, b, c, d, sort] = bytes;
        let info = u32::from_le_bytes([a, b, c, d]);
        if info & UTF8_FLAG != 0 {
            return UTF8;
        }
        let by_sort = SQL.iter().find(|(_, known, ..)| sort != 0 && *known == sort).map(|(.., page)| *page);
        let by_locale = || {
            let locale = info & 0x000f_ffff;
            WINDOWS.iter().find(|(_, known, _)| *known == locale).map(|(.., page)| *page)
        };
        by_sort.or_else(by_locale).filter(|page| *page != 0).unwrap_or(1252)
    }
}

const UTF8_FLAG: u32 = 1 << 26;

fn flags(upper: &str) -> u32 {
    let has = |mark: &str| upper.split('_').any(|part| part == mark);
    let mut flags = 0;
    if has("UTF8") {
        flags |= UTF8_FLAG;
    }
    if has("BIN2") {
        return flags | 1 << 25;
    }
    if has("BIN") {
        return flags | 1 << 24;
    }
    for (bit, ignored) in [(20, has("CI")), (21, has("AI")), (22, !has("KS")), (23, !has("WS"))] {
        if ignored {
            flags |= 1 << bit;
        }
    }
    flags
}

fn unknown(name: &str) -> String {
    format!("the collation {name} is not known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_has_the_bytes_that_sql_server_sends() {
        let check = |name, bytes, page| {
            assert_eq!(Collation::named(name), Ok(Collation { bytes, page }), "{name}");
            assert_eq!(Collation::page_of(bytes), page, "{name}");
        };
        check("SQL_Latin1_General_CP1_CI_AS", [0x09, 0x04, 0xd0, 0x00, 0x34], 1252);
        check("Latin1_General_CI_AS", [0x09, 0x04, 0xd0, 0x00, 0x00], 1252);
        check("Latin1_General_CS_AS", [0x09, 0x04, 0xc0, 0x00, 0x00], 1252);
        check("Latin1_General_BIN", [0x09, 0x04, 0x00, 0x01, 0x00], 1252);
        check("Latin1_General_100_BIN2_UTF8", [0x09, 0x04, 0x00, 0x26, 0x00], UTF8);
        check("Latin1_General_100_CI_AS_SC_UTF8", [0x09, 0x04, 0xd0, 0x24, 0x00], UTF8);
        check("Japanese_CI_AS_KS_WS", [0x11, 0x04, 0x10, 0x00, 0x00], 932);
        check("Chinese_PRC_Stroke_CI_AS", [0x04, 0x08, 0xd2, 0x00, 0x00], 936);
        check("SQL_Latin1_General_CP437_CI_AS", [0x09, 0x04, 0xd0, 0x00, 0x20], 437);
        check("SQL_Latin1_General_CP850_CS_AS", [0x09, 0x04, 0xc0, 0x00, 0x29], 850);
        assert!(Collation::named("Martian_CI_AS").is_err());
    }
}

//! Characters: limits, padding, 2 MB, code pages, what PostgreSQL cannot hold, transforms.

use crate::naive::Random;
use crate::trial::{Cell, Owned, Tried, prove, prove_with, servers, texts_of};
use mssql2pg_catalog::{Length, SqlType};
use mssql2pg_mapping::MappingSettings;
use mssql2pg_mapping::encode::LossKind;
use mssql2pg_mapping::settings::{Replacement, TextPolicy, Transform};

pub(crate) fn nvarchar(length: u16) -> SqlType {
    SqlType::NVarChar { length: Length::limited(length) }
}

pub(crate) fn varchar(length: u16) -> SqlType {
    SqlType::VarChar { length: Length::limited(length) }
}

const NVARCHAR_MAX: SqlType = SqlType::NVarChar { length: Length::MAX };
const VARCHAR_MAX: SqlType = SqlType::VarChar { length: Length::MAX };

/// Upper halves of single-byte pages as the Unicode Consortium's tables list them; `?` is undefined there.
const SINGLE_BYTE: &[(u16, &str)] = &[
    (
        1250,
        "€?‚?„…†‡?‰Š‹ŚŤŽŹ?‘’“”•–—?™š›śťžź\u{A0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{AD}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż\
         ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
    ),
    (
        1251,
        "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—?™љ›њќћџ\u{A0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{AD}®Ї°±Ііґµ¶·ё№є»јЅѕї\
         АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
    ),
    (
        1252,
        "€?‚ƒ„…†‡ˆ‰Š‹Œ?Ž??‘’“”•–—˜™š›œ?žŸ\u{A0}¡¢£¤¥¦§¨©ª«¬\u{AD}®¯°±²³´µ¶·¸¹º»¼½¾¿\
         ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
    ),
    (
        1253,
        "€?‚ƒ„…†‡?‰?‹?????‘’“”•–—?™?›????\u{A0}΅Ά£¤¥¦§¨©?«¬\u{AD}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ\
         ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ?ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ?",
    ),
    (
        437,
        "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
         └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
    ),
];

const MULTI_BYTE: &[(u16, &[u8], &str)] = &[
    (
        932,
        b"\x93\xFA\x96\x7B\x8C\xEA\x83\x65\x83\x4C\x83\x58\x83\x67\x87\x40\x87\x8A\x81\x60\x81\x7C\x81\x61\
          \x81\xCA\xEE\xFA\xB1\xB2\xB3\xEE\xE0\xED\x95",
        "日本語テキスト①㈱～－∥￢￤ｱｲｳ髙﨑",
    ),
    (
        936,
        b"\xD6\xD0\xCE\xC4\xBC\xF2\xCC\xE5\xD7\xD6\xE9\x46\x86\xB4\xA9\x96\xA2\xAA\x80\xA3\xA0",
        "中文简体字镕喆〇ⅹ€\u{E5E5}",
    ),
    (
        949,
        b"\xC7\xD1\xB1\xB9\xBE\xEE\x20\x8C\x63\xB9\xE6\xB0\xA2\xC7\xCF\x20\xC6\x52\x94\xEE",
        "한국어 똠방각하 힣뷁",
    ),
    (
        950,
        b"\xA4\xA4\xA4\xE5\xC1\x63\xC5\xE9\xA6\x72\xF9\xD6\xF9\xD7\xF9\xD8\xF9\xD9\xF9\xDA\xF9\xDB\xF9\xDC\
          \xF9\xDD\xF9\xFE\xC6\xA1\x81\x40",
        "中文繁體字碁銹裏墻恒粧嫺╔▓\u{F6B1}\u{EEB8}",
    ),
];

/// Characters that go wrong elsewhere: four bytes, combining, joined, from right to left, without a width, the
/// last of each length in UTF-8, the replacement character, noncharacters, line breaks, quotes, COPY's own signs.
const ODD: &[&str] = &[
    "😀",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "e\u{301}",
    "Å\u{30A}",
    "א",
    "العربية",
    "\u{200B}",
    "\u{FEFF}",
    "\u{7F}",
    "\u{80}",
    "\u{7FF}",
    "\u{800}",
    "\u{FFFD}",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{10000}",
    "\u{10FFFF}",
    "\u{1}",
    "\u{1F}",
    "\t",
    "\r\n",
    "\n",
    "\\N",
    "\\.",
    "'",
    "\"",
    "\\",
    "ſ",
    "İ",
    "ß",
    "漢字",
    "𠮷",
    "\u{2028}",
    "\u{E000}",
    "NULL",
    "{}",
    "%",
];

pub(crate) fn random_text(random: &mut Random, most_units: usize) -> String {
    let wanted = random.below(most_units as u64 + 1) as usize;
    let mut text = String::new();
    for _ in 0..wanted {
        let odd = random.one_in(8);
        let piece = match odd {
            true => (*random.pick(ODD)).to_owned(),
            false => char::from(b' ' + random.below(95) as u8).to_string(),
        };
        if text.encode_utf16().count() + piece.encode_utf16().count() <= most_units {
            text.push_str(&piece);
        }
    }
    text
}

/// A limited or unlimited text; the source may send it in any of its encodings.
pub(crate) fn text(text: &str, random: &mut Random) -> Cell {
    let value = if random.one_in(3) { Owned::Utf8(text.as_bytes().to_vec()) } else { Owned::utf16(text) };
    Cell::kept(value, text)
}

/// SQL Server pads with blanks, and `char(n)` of PostgreSQL has them in its bytes but not in its text.
pub(crate) fn padded(text: &str, length: usize, keeps_blanks: bool) -> Cell {
    let missing = length - text.encode_utf16().count();
    let full = format!("{text}{}", " ".repeat(missing));
    let shown = if keeps_blanks { full.as_str() } else { full.trim_end_matches(' ') };
    Cell::kept(Owned::utf16(&full), shown)
}

#[test]
fn empty_is_not_null_and_blanks_at_the_end_stay() {
    let texts = ["", " ", "a", "a ", " a  ", "ab\u{301}", "😀😀", "    "];
    let cells =
        || texts.iter().map(|text| Cell::kept(Owned::utf16(text), *text)).chain([Cell::null()]).collect();
    let bytes = texts.iter().map(|text| Cell::kept(Owned::utf16(text), text.len().to_string())).collect();
    let count = |sql_type: SqlType| {
        Tried::new(sql_type, cells())
            .totalling("count({c})::text", "8")
            .totalling("count(*) filter (where octet_length({c}) = 0)::text", "1")
    };
    prove(&[vec![
        count(nvarchar(4)),
        count(nvarchar(4)).wanting("text"),
        count(varchar(4)),
        count(varchar(4)).wanting("text"),
        count(NVARCHAR_MAX),
        count(VARCHAR_MAX),
        count(SqlType::Text),
        count(SqlType::NText),
        Tried::new(nvarchar(4), bytes).read_by("octet_length({c})::text"),
    ]]);
}

#[test]
fn fixed_lengths_are_padded_with_blanks() {
    let texts = ["", "a", "ab ", "abcde", "é", "😀😀", " x", "e\u{301}"];
    let cells = |keeps| texts.iter().map(move |text| padded(text, 5, keeps)).chain([Cell::null()]).collect();
    // An emoji is two units there and one character here, so blanks are added to have five characters again.
    let bytes = texts.iter().map(|text| {
        let blanks = 5 - text.chars().count();
        Cell {
            expected: Cell::kept(Owned::Null, (text.len() + blanks).to_string()).expected,
            ..padded(text, 5, true)
        }
    });
    let bytes: Vec<Cell> = bytes.collect();
    let mut columns = Vec::new();
    for sql_type in [SqlType::NChar { length: 5 }, SqlType::Char { length: 5 }] {
        columns.push(Tried::new(sql_type.clone(), cells(false)));
        columns.push(Tried::new(sql_type.clone(), cells(true)).wanting("text"));
        columns.push(Tried::new(sql_type, bytes.clone()).read_by("octet_length({c})::text"));
    }
    prove(&[columns]);
}

#[test]
fn odd_characters_and_text_beyond_the_limit() {
    let odd: Vec<Cell> = ODD.iter().map(|text| Cell::kept(Owned::utf16(text), *text)).collect();
    let utf8 = ODD.iter().map(|text| Cell::kept(Owned::Utf8(text.as_bytes().to_vec()), *text)).collect();
    // Every character there is, but NUL and the surrogates.
    let every: Vec<String> = (0..0x11_0000u32 >> 8)
        .map(|block| {
            (block << 8..(block + 1) << 8).filter_map(char::from_u32).filter(|c| *c != '\0').collect()
        })
        .collect();
    let every = every.iter().map(|text: &String| Cell::kept(Owned::utf16(text), text.as_str())).collect();
    let over = [
        Cell::refused(Owned::utf16("abcd")),
        Cell::refused(Owned::utf16("a   ")),
        Cell::refused(Owned::utf16("é😀zz")),
    ];
    prove(&[
        vec![Tried::new(nvarchar(11), odd), Tried::new(SqlType::NText, utf8)],
        vec![Tried::new(NVARCHAR_MAX, every)],
        vec![Tried::new(nvarchar(3), over.to_vec())],
        vec![Tried::new(SqlType::NChar { length: 3 }, over.to_vec())],
        vec![Tried::new(NVARCHAR_MAX, vec![Cell::refused(Owned::Utf16(vec![0x41]))])],
    ]);
}

#[test]
fn two_megabytes_of_text_and_more_are_whole() {
    let ascii = "0123456789abcdef".repeat(1 << 17);
    let mixed = "aé€😀\u{FFFD} ".repeat(1 << 18);
    let emoji = "😀".repeat(1 << 19);
    // An odd character at the very end, and one in the middle of plain text.
    let (end, middle) = (format!("{ascii}ü"), format!("{ascii}😀{ascii}"));
    let texts = [&ascii, &mixed, &emoji, &end, &middle];
    let cells: Vec<Cell> = texts.iter().map(|text| Cell::kept(Owned::utf16(text), text.as_str())).collect();
    let most = texts.iter().map(|text| text.chars().count()).sum::<usize>();
    prove(&[vec![
        Tried::new(NVARCHAR_MAX, cells.clone()).totalling("sum(char_length({c}))::text", most.to_string()),
        Tried::new(SqlType::NText, cells),
        Tried::new(
            VARCHAR_MAX,
            vec![Cell::kept(Owned::CodePage(ascii.clone().into_bytes(), 1252), ascii.as_str())],
        ),
    ]]);
}

#[test]
fn code_pages_become_the_characters_of_their_tables() {
    let mut columns = Vec::new();
    for (page, upper) in SINGLE_BYTE {
        assert_eq!(upper.chars().count(), 128, "{page}");
        let bytes = (0x80u8..=0xFF).zip(upper.chars()).filter(|(_, character)| *character != '?');
        let cells = bytes.map(|(byte, character)| {
            Cell::kept(Owned::CodePage(vec![b'a', byte, b'z'], *page), format!("a{character}z"))
        });
        let ascii: Vec<u8> = (1..0x80).collect();
        let text = String::from_utf8(ascii.clone()).expect("ASCII");
        columns.push(Tried::new(
            varchar(200),
            cells.chain([Cell::kept(Owned::CodePage(ascii, *page), text)]).collect(),
        ));
    }
    for (page, bytes, text) in MULTI_BYTE {
        // Again and again, so that characters lie across every border of a buffer.
        let long = (bytes.repeat(500), text.repeat(500));
        let shifted = ([b"x".as_slice(), &long.0].concat(), format!("x{}", long.1));
        let cells = [(bytes.to_vec(), (*text).to_owned()), long, shifted];
        let cells = cells.map(|(bytes, text)| Cell::kept(Owned::CodePage(bytes, *page), text));
        columns.push(Tried::new(VARCHAR_MAX, cells.to_vec()));
    }
    let utf8 = "aé€😀";
    columns.push(Tried::new(varchar(20), vec![Cell::kept(Owned::CodePage(utf8.into(), 65_001), utf8)]));
    prove(&[columns]);
    let undefined = [
        (1253, b"a\xD2b".to_vec()),
        (932, b"a\x93".to_vec()),
        (949, b"\xA2\xE8".to_vec()),
        (77, b"a".to_vec()),
    ];
    let cells = undefined.map(|(page, bytes)| Cell::refused(Owned::CodePage(bytes, page)));
    prove(&[vec![Tried::new(varchar(9), cells.to_vec())]]);
}

/// Where PostgreSQL's tables are not those of Windows: a mark that Windows does not have, and the Big5 of 1984.
const NOT_WINDOWS: &[(u16, std::ops::RangeInclusive<u16>)] = &[
    (949, 0xA2E8..=0xA2E8),
    (950, 0xA145..=0xA145),
    (950, 0xA14E..=0xA14E),
    (950, 0xA15A..=0xA15A),
    (950, 0xA1C2..=0xA1C5),
    (950, 0xA1E3..=0xA1E3),
    (950, 0xA1F2..=0xA1F3),
    (950, 0xA1FE..=0xA247),
    (950, 0xA2CC..=0xA2CE),
    (950, 0xC6A1..=0xC8FE),
];

/// All pairs of bytes that PostgreSQL itself can read in a page, against what it reads: another implementation, and
/// in the server.
#[test]
fn double_byte_pages_agree_with_postgresql_itself() {
    let leads = 0x81..=0xFEu8;
    let trails = || (0x40..=0x7Eu8).chain(0x80..=0xFE);
    let pairs: Vec<[u8; 2]> = leads.flat_map(|lead| trails().map(move |trail| [lead, trail])).collect();
    let bytes: Vec<&[u8]> = pairs.iter().map(<[u8; 2]>::as_slice).collect();
    let pages = [(932, "SJIS", 15_662), (936, "GBK", 21_791), (949, "UHC", 17_236), (950, "BIG5", 13_446)];
    for mut connection in servers() {
        let function = "create function public.read(bytes bytea, page text) returns text language plpgsql as $$ \
                        begin return convert_from(bytes, page); exception when others then return null; end $$";
        connection.batch(function).expect("a function");
        for (page, name, expected) in pages {
            let query =
                "select public.read(p, $2) from unnest($1::bytea[]) with ordinality as t (p, n) order by n";
            let rows = connection.client().query(query, &[&bytes, &name]).expect("texts");
            let values = pairs.iter().map(|pair| Owned::CodePage(pair.to_vec(), page));
            let ours = texts_of(SqlType::Text, values);
            let mut equal = 0;
            for ((pair, ours), row) in pairs.iter().zip(&ours).zip(&rows) {
                let theirs: Option<String> = row.get(0);
                let code = u16::from_be_bytes(*pair);
                let differs = NOT_WINDOWS.iter().any(|(of, codes)| *of == page && codes.contains(&code));
                if theirs.is_some() && !differs {
                    assert_eq!(*ours, theirs, "{name} {code:04x}");
                    equal += 1;
                }
            }
            assert_eq!(equal, expected, "{name}");
        }
    }
}

#[test]
fn what_postgresql_cannot_hold_follows_the_policy_and_is_counted() {
    let units = |units: &[u16]| Owned::Utf16(units.iter().flat_map(|unit| unit.to_le_bytes()).collect());
    let nul = || {
        [
            units(&[0x41, 0, 0x42]),
            units(&[0]),
            Owned::Utf8(b"a\0\0b".to_vec()),
            Owned::CodePage(b"\0\xE9".to_vec(), 1252),
        ]
    };
    let lone = || {
        [
            units(&[0x41, 0xD800]),
            units(&[0xDC00, 0x42]),
            units(&[0xD800, 0xD83D, 0xDE00]),
            Owned::Utf8(b"a\xFFb".to_vec()),
            Owned::CodePage(b"a\xD2b".to_vec(), 1253),
        ]
    };
    let good = || Cell::kept(Owned::utf16("good 😀"), "good 😀");
    let column = |nuls: [&str; 4], lones: [&str; 5], losses: [LossKind; 2]| {
        let nuls =
            nul().into_iter().zip(nuls).map(|(value, text)| Cell::kept(value, text).losing(&losses[..1]));
        let lones =
            lone().into_iter().zip(lones).map(|(value, text)| Cell::kept(value, text).losing(&losses[1..]));
        let both = units(&[0, 0xDC01]);
        let text = if losses[0] == LossKind::NulStripped { "" } else { "<?><?>" };
        let cells: Vec<Cell> =
            nuls.chain(lones).chain([good(), Cell::kept(both, text).losing(&losses)]).collect();
        let count = cells.len().to_string();
        Tried::new(nvarchar(20), cells).totalling("count({c})::text", count)
    };
    let settings = |policy| MappingSettings {
        nul: policy,
        invalid_text: policy,
        replacement: Replacement("<?>".to_owned()),
        ..MappingSettings::default()
    };
    prove_with(
        &settings(TextPolicy::Strip),
        &[vec![column(
            ["AB", "", "ab", "é"],
            ["A", "B", "😀", "ab", "ab"],
            [LossKind::NulStripped, LossKind::InvalidTextStripped],
        )]],
    );
    prove_with(
        &settings(TextPolicy::Replace),
        &[vec![column(
            ["A<?>B", "<?>", "a<?><?>b", "<?>é"],
            ["A<?>", "<?>B", "<?>😀", "a<?>b", "a<?>b"],
            [LossKind::NulReplaced, LossKind::InvalidTextReplaced],
        )]],
    );
    let refused = nul().into_iter().chain(lone()).map(Cell::refused).chain([good(), Cell::null()]).collect();
    prove_with(&settings(TextPolicy::Reject), &[vec![Tried::new(nvarchar(20), refused)]]);
    // A replacement counts for the limit like any other character.
    let tight = vec![
        Cell::refused(units(&[0x41, 0])),
        Cell::kept(units(&[0]), "<?>").losing(&[LossKind::NulReplaced]),
    ];
    prove_with(&settings(TextPolicy::Replace), &[vec![Tried::new(nvarchar(3), tight)]]);
}

#[test]
fn transforms_change_what_they_say_and_are_counted() {
    use Transform::{Lower, NullIfEmpty, Trim, Upper, YesNo};
    let changed =
        |from: &str, to: &str, losses: &[LossKind]| Cell::kept(Owned::utf16(from), to).losing(losses);
    let nulled =
        |from: &str, losses: &[LossKind]| Cell { value: Owned::utf16(from), ..Cell::null() }.losing(losses);
    let trims = vec![
        changed(" a ", "a", &[LossKind::Trimmed]),
        changed("a", "a", &[]),
        changed("", "", &[]),
        changed("   ", "", &[LossKind::Trimmed]),
        // A tab and a no-break space are no blanks to T-SQL's TRIM.
        changed("\ta\u{A0}", "\ta\u{A0}", &[]),
        Cell::null(),
    ];
    let nulls = vec![
        nulled("", &[LossKind::EmptyToNull]),
        changed(" ", " ", &[]),
        changed("x", "x", &[]),
        Cell::null(),
    ];
    let trimmed_nulls = vec![
        nulled("  ", &[LossKind::Trimmed, LossKind::EmptyToNull]),
        changed(" x", "x", &[LossKind::Trimmed]),
    ];
    let lowers = vec![
        changed("ÄÖß É", "äöß é", &[LossKind::Lowered]),
        changed("abc1", "abc1", &[]),
        changed("ΣΑΣ", "σας", &[LossKind::Lowered]),
    ];
    let uppers = vec![changed("äöé", "ÄÖÉ", &[LossKind::Uppered]), changed("ABC1", "ABC1", &[])];
    let flags = [
        ("Y", true),
        ("yes", true),
        ("T", true),
        ("true", true),
        ("1", true),
        ("ON", true),
        ("n", false),
        ("No", false),
        ("F", false),
        ("false", false),
        ("0", false),
        ("off", false),
    ];
    let flags = flags
        .map(|(text, flag)| changed(text, if flag { "true" } else { "false" }, &[LossKind::FlagToBoolean]));
    let flags: Vec<Cell> = flags.into_iter().chain([Cell::null()]).collect();
    // `char(n)`: the blanks that fill it are not part of it.
    let fixed = vec![changed("a  ", "a", &[]), changed(" a ", "a", &[LossKind::Trimmed])];
    let fixed_nulls = vec![nulled("   ", &[LossKind::EmptyToNull]), changed("a  ", "a", &[])];
    prove(&[vec![
        Tried::new(nvarchar(20), trims).transformed(&[Trim]),
        Tried::new(nvarchar(20), nulls).transformed(&[NullIfEmpty]),
        Tried::new(nvarchar(20), trimmed_nulls).transformed(&[Trim, NullIfEmpty]),
        Tried::new(varchar(20), lowers).transformed(&[Lower]),
        Tried::new(SqlType::NText, uppers).transformed(&[Upper]),
        Tried::new(nvarchar(20), flags.clone())
            .transformed(&[YesNo])
            .totalling("count(*) filter (where {c})::text", "6"),
        Tried::new(SqlType::Char { length: 5 }, flags).transformed(&[YesNo]),
        Tried::new(SqlType::Char { length: 3 }, fixed).transformed(&[Trim]),
        Tried::new(SqlType::NChar { length: 3 }, fixed_nulls).transformed(&[NullIfEmpty]),
    ]]);
    // What grows beyond its column, and what is no flag.
    prove(&[
        vec![Tried::new(nvarchar(1), vec![Cell::refused(Owned::utf16("ß"))]).transformed(&[Upper])],
        vec![Tried::new(nvarchar(1), vec![Cell::refused(Owned::utf16("İ"))]).transformed(&[Lower])],
        vec![
            Tried::new(
                nvarchar(9),
                vec![Cell::refused(Owned::utf16("maybe")), Cell::refused(Owned::utf16(""))],
            )
            .transformed(&[YesNo]),
        ],
    ]);
}

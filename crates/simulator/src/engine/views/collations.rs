//! Collations that the simulated server has, and their properties.
//!
//! A name tells nearly all: the language gives the code page and the LCID, the endings the style of comparison.

/// The collations of `sys.fn_helpcollations`: one of each kind, not all of SQL Server's thousands.
pub(super) const ALL: &[&str] = &[
    "Arabic_CI_AS",
    "Chinese_PRC_CI_AS",
    "Chinese_Taiwan_Stroke_CI_AS",
    "Cyrillic_General_CI_AS",
    "Cyrillic_General_100_CI_AS",
    "Czech_CI_AS",
    "French_CI_AS",
    "Greek_CI_AS",
    "Hebrew_CI_AS",
    "Japanese_CI_AS",
    "Japanese_XJIS_140_CI_AS",
    "Korean_Wansung_CI_AS",
    "Latin1_General_100_BIN2",
    "Latin1_General_100_CI_AS",
    "Latin1_General_100_CI_AS_SC",
    "Latin1_General_100_CI_AS_SC_UTF8",
    "Latin1_General_100_CS_AS",
    "Latin1_General_BIN",
    "Latin1_General_BIN2",
    "Latin1_General_CI_AI",
    "Latin1_General_CI_AS",
    "Latin1_General_CI_AS_KS_WS",
    "Latin1_General_CS_AS",
    "Modern_Spanish_CI_AS",
    "Polish_CI_AS",
    "SQL_Latin1_General_CP1250_CI_AS",
    "SQL_Latin1_General_CP1251_CI_AS",
    "SQL_Latin1_General_CP1_CI_AI",
    "SQL_Latin1_General_CP1_CI_AS",
    "SQL_Latin1_General_CP1_CS_AS",
    "SQL_Latin1_General_CP437_CI_AS",
    "SQL_Latin1_General_CP850_BIN2",
    "SQL_Latin1_General_CP850_CI_AS",
    "Thai_CI_AS",
    "Turkish_CI_AS",
    "Vietnamese_CI_AS",
];

/// Languages by the beginning of a collation's name: code page and LCID.
const LANGUAGES: &[(&str, i64, i64)] = &[
    ("Albanian", 1250, 1052),
    ("Arabic", 1256, 1025),
    ("Chinese_Hong_Kong", 950, 3076),
    ("Chinese_PRC", 936, 2052),
    ("Chinese_Simplified", 936, 2052),
    ("Chinese_Taiwan", 950, 1028),
    ("Chinese_Traditional", 950, 1028),
    ("Croatian", 1250, 1050),
    ("Cyrillic", 1251, 1049),
    ("Czech", 1250, 1029),
    ("Danish", 1252, 1030),
    ("Estonian", 1257, 1061),
    ("Finnish", 1252, 1035),
    ("French", 1252, 1036),
    ("German", 1252, 66567),
    ("Greek", 1253, 1032),
    ("Hebrew", 1255, 1037),
    ("Hungarian", 1250, 1038),
    ("Icelandic", 1252, 1039),
    ("Japanese", 932, 1041),
    ("Korean", 949, 1042),
    ("Latin1_General", 1252, 1033),
    ("Latvian", 1257, 1062),
    ("Lithuanian", 1257, 1063),
    ("Macedonian", 1251, 1071),
    ("Modern_Spanish", 1252, 3082),
    ("Polish", 1250, 1045),
    ("Romanian", 1250, 1048),
    ("Slovak", 1250, 1051),
    ("Slovenian", 1250, 1060),
    ("Thai", 874, 1054),
    ("Traditional_Spanish", 1252, 1034),
    ("Turkish", 1254, 1055),
    ("Ukrainian", 1251, 1058),
    ("Vietnamese", 1258, 1066),
];

/// `collationproperty(name, property)`; none for a collation or a property that there is not.
pub(super) fn property(name: &str, property: &str) -> Option<i64> {
    let plain = name.strip_prefix("SQL_").unwrap_or(name);
    let folded = plain.to_ascii_lowercase();
    let language = LANGUAGES.iter().find(|(word, ..)| folded.starts_with(&word.to_ascii_lowercase()));
    let &(_, language_page, lcid) = language?;
    let has = |word: &str| folded.split('_').any(|part| part == word);
    if !["ci", "cs", "bin", "bin2"].iter().any(|word| has(word)) {
        return None;
    }
    let legacy = folded.split('_').find_map(|part| part.strip_prefix("cp")?.parse::<i64>().ok());
    let page = match legacy {
        _ if has("utf8") => 65001,
        Some(1) => 1252,
        Some(page) => page,
        None => language_page,
    };
    Some(match property.to_ascii_lowercase().as_str() {
        "codepage" => page,
        "lcid" => lcid,
        "comparisonstyle" if has("bin") || has("bin2") => 0,
        "comparisonstyle" => {
            let ignored = [(1, has("ci")), (2, has("ai")), (65_536, !has("ks")), (131_072, !has("ws"))];
            ignored.iter().filter(|(_, ignored)| *ignored).map(|(bit, _)| bit).sum()
        }
        "version" => match () {
            () if has("140") => 3,
            () if has("100") => 2,
            () if has("90") => 1,
            () => 0,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_has_the_code_page_of_its_name() {
        assert_eq!(property("SQL_Latin1_General_CP1_CI_AS", "CodePage"), Some(1252));
        assert_eq!(property("SQL_Latin1_General_CP850_BIN2", "codepage"), Some(850));
        assert_eq!(property("Cyrillic_General_CI_AS", "CodePage"), Some(1251));
        assert_eq!(property("Latin1_General_100_CI_AS_SC_UTF8", "CodePage"), Some(65001));
        assert_eq!(property("Japanese_XJIS_140_CI_AS", "CodePage"), Some(932));
        assert_eq!(property("Latin1_General_CI_AS", "LCID"), Some(1033));
        assert_eq!(property("Latin1_General_CI_AS", "ComparisonStyle"), Some(196_609));
        assert_eq!(property("Latin1_General_BIN2", "ComparisonStyle"), Some(0));
        assert_eq!(property("no_such", "CodePage"), None);
    }

    #[test]
    fn every_collation_of_the_list_has_a_code_page() {
        for name in ALL {
            assert!(property(name, "CodePage").is_some(), "{name}");
        }
    }
}

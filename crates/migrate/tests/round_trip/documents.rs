//! XML, JSON, and values that bring their own type.

use crate::binaries::{bytes, guid};
use crate::naive::{FIRST, LAST, Moment, Random, decimal_text, json_string, magnitude};
use crate::numbers::{money, random_decimal};
use crate::texts::random_text;
use crate::times::{date, datetime};
use crate::trial::{Cell, Expected, Owned, Tried, prove};
use mssql2pg_catalog::SqlType;
use mssql2pg_mapping::encode::LossKind;

#[test]
fn xml_is_kept_as_it_is_written() {
    let large = format!("<a>{}</a>", "<b c=\"&amp;\">é😀</b>".repeat(100_000));
    assert!(large.len() > 2_000_000);
    let texts = [
        "<a/>",
        "<a b=\"1&amp;2 &lt; &quot;\">x &gt; y &#xE9; &#x1F600; é 😀 ]]&gt;</a>",
        "<a/><b/>",
        "text alone",
        "",
        " <a> </a> ",
        "<!-- c --><?pi x?><a/>",
        "<p:a xmlns:p=\"urn:x\" p:b='c'/>",
        "<a>\r\n\t</a>",
        &large,
        "\n\n<a/>",
        "<?xml-stylesheet href='x'?><a/>",
    ];
    let same = || texts.iter().map(|text| Cell::kept(Owned::utf16(text), *text)).chain([Cell::null()]);
    // PostgreSQL leaves out a line break at the start when it writes an xml, but not when it casts one.
    let written =
        texts.iter().map(|text| Cell::kept(Owned::utf16(text), text.strip_prefix('\n').unwrap_or(text)));
    let declared = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>1</a>";
    let dropped = Cell::kept(Owned::utf16(declared), "<a>1</a>").losing(&[LossKind::XmlDeclarationDropped]);
    let not_dropped = Cell::kept(Owned::utf16(declared), declared);
    prove(&[vec![
        Tried::new(SqlType::Xml, same().chain([dropped]).collect())
            .totalling("count({c})::text", "13")
            // What xpath gives is xml again, so the signs are escaped again.
            .totalling("((xpath('/a/@b', (array_agg({c} order by id))[2]))[1])::text", "1&amp;2 &lt; \""),
        Tried::new(SqlType::Xml, written.collect()).read_by("textin(xml_out({c}))"),
        Tried::new(SqlType::Xml, same().chain([not_dropped]).collect()).wanting("text"),
    ]]);
}

#[test]
fn json_keeps_its_text_and_jsonb_its_value() {
    let digits = "123456789012345678901234567890.123456789012345678901234567890";
    let thousand = format!("[1{}]", "0".repeat(1000));
    let long = format!("[{}]", ["\"é😀\""; 200_000].join(", "));
    let values = [
        ("{\"b\":1,\"a\":2}", "{\"a\": 2, \"b\": 1}"),
        ("{\"bb\":1,\"a\":2,\"ccc\":[]}", "{\"a\": 2, \"bb\": 1, \"ccc\": []}"),
        (&format!("{{\"n\":{digits}}}"), &format!("{{\"n\": {digits}}}")),
        ("[1e1000]", &thousand),
        ("[1.10,-0,-0.0,1E-10,0e5]", "[1.10, 0, 0.0, 0.0000000001, 0]"),
        ("{\"a\":1,\"a\":2}", "{\"a\": 2}"),
        ("\"\\u00e9\\ud83d\\ude00\\/\\\\\\\"\"", "\"é😀/\\\\\\\"\""),
        ("\"\\u0001\\n\\t\\u007f\"", "\"\\u0001\\n\\t\u{7F}\""),
        ("null", "null"),
        ("true", "true"),
        ("\"\"", "\"\""),
        (" { \"\" : [ ] } ", "{\"\": []}"),
        ("[[[[1]]],{\"a\":{\"b\":null}}]", "[[[[1]]], {\"a\": {\"b\": null}}]"),
        (&long, &long),
    ];
    let kept = |keep: &dyn Fn(&str, &str) -> String| -> Vec<Cell> {
        values
            .iter()
            .map(|(text, value)| Cell::kept(Owned::utf16(text), keep(text, value)))
            .chain([Cell::null()])
            .collect()
    };
    let refused =
        |texts: &[&str]| texts.iter().map(|text| Cell::refused(Owned::utf16(text))).collect::<Vec<Cell>>();
    // What PostgreSQL's json takes and its jsonb does not.
    let only_json = ["\"\\u0000\"", "\"\\ud800\"", "1e200000", "-1e-20000"];
    let no_json = ["", "{", "{a:1}", "NaN", "[1,]", "01", "\"a\nb\"", "'a'", "1 2"];
    let text_of_json = only_json.iter().map(|text| Cell::kept(Owned::utf16(text), *text)).collect();
    let text_of_none = no_json.iter().map(|text| Cell::kept(Owned::utf16(text), *text)).collect();
    prove(&[
        vec![
            Tried::new(SqlType::Json, kept(&|_, value| value.to_owned())).totalling(
                "(sum(jsonb_array_length({c})) filter (where jsonb_typeof({c}) = 'array'))::text",
                "200008",
            ),
            Tried::new(SqlType::Json, kept(&|text, _| text.to_owned())).wanting("json"),
            Tried::new(SqlType::Json, kept(&|text, _| text.to_owned())).wanting("text"),
        ],
        vec![Tried::new(SqlType::Json, refused(&only_json))],
        vec![Tried::new(SqlType::Json, text_of_json).wanting("json")],
        vec![Tried::new(SqlType::Json, refused(&no_json))],
        vec![Tried::new(SqlType::Json, refused(&no_json)).wanting("json")],
        vec![Tried::new(SqlType::Json, text_of_none).wanting("text")],
    ]);
}

/// A `sql_variant`: its base type, its value, its text, and the value as JSON.
pub(crate) struct Variant {
    pub(crate) base_type: String,
    pub(crate) value: Owned,
    pub(crate) text: String,
    pub(crate) json: String,
}

impl Variant {
    fn quoted(base_type: &str, cell: Cell) -> Self {
        let Expected::Text(text) = cell.expected else { unreachable!("a text is expected") };
        Self { base_type: base_type.to_owned(), value: cell.value, json: json_string(&text), text }
    }

    fn number(base_type: &str, value: Owned, text: String) -> Self {
        Self { base_type: base_type.to_owned(), value, json: text.clone(), text }
    }

    pub(crate) fn as_text(&self) -> Cell {
        Cell::kept(Owned::Variant(self.base_type.clone(), Box::new(self.value.clone())), self.text.as_str())
    }

    pub(crate) fn as_json(&self) -> Cell {
        let text = format!("{{\"type\": {}, \"value\": {}}}", json_string(&self.base_type), self.json);
        Cell { expected: Expected::Text(text), ..self.as_text() }
    }
}

/// Every base type that a `sql_variant` can have.
fn variants(random: &mut Random) -> Vec<Variant> {
    let bit = |bit: bool| {
        let (text, json) = if bit { ("t", "true") } else { ("f", "false") };
        Variant {
            base_type: "bit".to_owned(),
            value: Owned::Bit(bit),
            text: text.to_owned(),
            json: json.to_owned(),
        }
    };
    let moment = Moment::random(random);
    let seventh = Moment { ticks: 1_234_567, ..moment };
    let at = |moment: Moment| Owned::DateTime2 { days: moment.days(), ticks: moment.day_ticks() };
    let mut all = vec![bit(true), bit(false)];
    for (base_type, number) in
        [("tinyint", 255), ("smallint", -32_768), ("int", i64::from(i32::MIN)), ("bigint", i64::MAX)]
    {
        all.push(Variant::number(base_type, Owned::Int(number), number.to_string()));
    }
    for units in [i64::MIN, -1, 0, random.bits() as i64] {
        all.push(Variant::number(
            "money",
            Owned::Money(units),
            decimal_text(&units.unsigned_abs().to_string(), 4, units < 0),
        ));
    }
    let Expected::Text(small) = money(-12_345).expected else { unreachable!("money has a text") };
    all.push(Variant::number("smallmoney", Owned::Money(-12_345), small));
    let nines = "9".repeat(38);
    for (digits, scale) in [("150", 2), (nines.as_str(), 0), (nines.as_str(), 38), ("0", 10)] {
        let value = Owned::Decimal { magnitude: magnitude(digits), scale, negative: true };
        all.push(Variant::number("decimal(38,10)", value, decimal_text(digits, usize::from(scale), true)));
    }
    // Rust's plain form of a float has all digits and no exponent, as a `numeric` has.
    for (float, text) in [(1e300, "1e+300"), (-0.1, "-0.1"), (5e-324, "5e-324"), (123_456.75, "123456.75")] {
        let json = format!("{float}");
        all.push(Variant {
            base_type: "float".to_owned(),
            value: Owned::Float(float),
            text: text.to_owned(),
            json,
        });
    }
    all.push(Variant {
        base_type: "real".to_owned(),
        value: Owned::Real(0.1),
        text: "0.1".to_owned(),
        json: "0.1".to_owned(),
    });
    for (base_type, value, text) in
        [("float", Owned::Float(f64::NAN), "NaN"), ("real", Owned::Real(f32::NEG_INFINITY), "-Infinity")]
    {
        all.push(Variant::quoted(base_type, Cell::kept(value, text)));
    }
    all.push(Variant::quoted("date", date(moment)));
    // Nothing is cut here: the text has all seven digits.
    all.push(Variant::quoted("time(7)", Cell::kept(Owned::Time(seventh.day_ticks()), seventh.time_text(7))));
    for moment in [FIRST, LAST, seventh] {
        all.push(Variant::quoted("datetime2(7)", Cell::kept(at(moment), moment.text(7))));
    }
    let minute = Moment { second: 0, ticks: 0, ..moment };
    all.push(Variant::quoted("smalldatetime", Cell::kept(at(minute), minute.text(0))));
    all.push(Variant::quoted("datetime", datetime(Moment { year: 1753, day: 1, ..moment }, 299)));
    for (local, offset, sign) in
        [(seventh, -330i16, "-05:30"), (seventh, 840, "+14:00"), (FIRST, 840, "+14:00"), (LAST, 0, "+00:00")]
    {
        let utc = local.plus_minutes(-i32::from(offset));
        let value =
            Owned::DateTimeOffset { days: utc.days(), ticks: utc.day_ticks(), offset_minutes: offset };
        all.push(Variant::quoted("datetimeoffset(7)", Cell::kept(value, format!("{}{sign}", local.text(7)))));
    }
    let text = random_text(random, 30);
    all.push(Variant::quoted("nvarchar(30)", Cell::kept(Owned::utf16(&text), text)));
    all.push(Variant::quoted("nchar(4)", Cell::kept(Owned::utf16("a\"\\ "), "a\"\\ ")));
    all.push(Variant::quoted(
        "varchar(9)",
        Cell::kept(Owned::CodePage(b"\x80 \xE9\n".to_vec(), 1252), "€ é\n"),
    ));
    all.push(Variant::quoted("char(2)", Cell::kept(Owned::CodePage(b"  ".to_vec(), 1252), "  ")));
    all.push(Variant::quoted("nvarchar(1)", Cell::kept(Owned::utf16(""), "")));
    all.push(Variant::quoted("varbinary(9)", bytes(random.bytes(9))));
    all.push(Variant::quoted("binary(1)", bytes(Vec::new())));
    all.push(Variant::quoted("uniqueidentifier", guid(random.bytes(16).try_into().expect("16 bytes"))));
    all
}

pub(crate) fn random_variant(random: &mut Random) -> Variant {
    if random.one_in(3) {
        let (cell, ..) = random_decimal(random, 38, 9);
        let Expected::Text(text) = cell.expected else { unreachable!("a decimal has a text") };
        return Variant::number("decimal(38,9)", cell.value, text);
    }
    let mut all = variants(random);
    all.swap_remove(random.below(all.len() as u64) as usize)
}

#[test]
fn variants_of_every_base_type_keep_their_value_and_in_jsonb_their_type() {
    let all = variants(&mut Random::seeded(30));
    let text = all.iter().map(Variant::as_text).chain([Cell::null()]).collect();
    let json: Vec<Cell> = all.iter().map(Variant::as_json).chain([Cell::null()]).collect();
    let count = all.len().to_string();
    let types: Vec<Cell> = all
        .iter()
        .map(|variant| Cell { expected: Expected::Text(variant.base_type.clone()), ..variant.as_text() })
        .collect();
    prove(&[vec![
        Tried::new(SqlType::SqlVariant, text).totalling("count({c})::text", count),
        Tried::new(SqlType::SqlVariant, json).wanting("jsonb"),
        Tried::new(SqlType::SqlVariant, types).wanting("jsonb").read_by("{c} ->> 'type'"),
    ]]);
    let nul = Owned::Variant("varchar(3)".to_owned(), Box::new(Owned::Utf8(b"a\0b".to_vec())));
    prove(&[
        vec![Tried::new(SqlType::SqlVariant, vec![Cell::refused(nul.clone())])],
        vec![Tried::new(SqlType::SqlVariant, vec![Cell::refused(nul)]).wanting("jsonb")],
    ]);
    let large = "é".repeat(4000);
    let variant = Variant::quoted("nvarchar(4000)", Cell::kept(Owned::utf16(&large), large.as_str()));
    prove(&[vec![Tried::new(SqlType::SqlVariant, vec![variant.as_json()]).wanting("jsonb")]]);
}

//! THE type table: one row for each SQL Server type and each way to keep it in PostgreSQL.
//!
//! Invariant: everything about a data type is in its row of [`TYPES`] and in the functions below it.
//! The first row of a type is the default, the others are alternatives that a setting can name.
//! DDL, encoder, findings, the rule of comparison and `docs/reference/types.md` come from the row.
//!
//! To extend: add a row (and a line in `tests/types.rs`). An arm in `encode` is needed only if the
//! bytes are new.

use crate::encode::Encoder;
use crate::plan::Comparison;
use mssql2pg_catalog::SqlType;
use std::fmt::{self, Write as _};

/// What a type keeps. NaN and the infinities of PostgreSQL's own types are left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// Every value is kept, and no other value fits.
    Exact,
    /// Every value is kept; the PostgreSQL type also holds others, or holds them differently.
    Wider(&'static str),
    /// Something is lost; the text says what.
    Lossy(&'static str),
}

/// One row of the table: a SQL Server type and one way to keep it in PostgreSQL.
#[derive(Debug, Clone, Copy)]
pub struct TypeRule {
    /// The SQL Server type's name, as [`SqlType::name`] gives it; [`UNKNOWN`] for all others.
    pub from: &'static str,
    /// The PostgreSQL type; `{n}` length, `{p}` precision, `{s}` scale (cut to 6 for times). A
    /// `+offset` at the end asks for a second column with the offset.
    pub to: &'static str,
    /// The PostgreSQL type of the `max` form, where it differs.
    pub to_max: Option<&'static str>,
    /// How values become COPY bytes.
    pub encoder: Encoder,
    /// How values read back are compared.
    pub comparison: Comparison,
    /// What is kept, at worst; [`fidelity`] says it for given parameters.
    pub fidelity: Fidelity,
}

/// [`TypeRule::from`] of the row for types that are not SQL Server's own.
pub const UNKNOWN: &str = "(other)";

/// The type table.
///
/// Sources: "Data types (Transact-SQL)" on Microsoft Learn; PostgreSQL documentation, chapter 8.
#[rustfmt::skip]
pub static TYPES: &[TypeRule] = &[
    row("bit", "boolean", Encoder::Bool, EXACT),
    row("bit", "smallint", Encoder::BitAsInt2, Fidelity::Wider("smallint also holds numbers other than 0 and 1")),
    row("bit", "integer", Encoder::BitAsInt4, Fidelity::Wider("integer also holds numbers other than 0 and 1")),
    row("tinyint", "smallint", Encoder::Int2, Fidelity::Wider("smallint also holds numbers below 0 and above 255")),
    row("tinyint", "integer", Encoder::Int4, Fidelity::Wider("integer also holds numbers below 0 and above 255")),
    row("smallint", "smallint", Encoder::Int2, EXACT),
    row("smallint", "integer", Encoder::Int4, Fidelity::Wider("integer also holds larger numbers")),
    row("smallint", "bigint", Encoder::Int8, Fidelity::Wider("bigint also holds larger numbers")),
    row("int", "integer", Encoder::Int4, EXACT),
    row("int", "bigint", Encoder::Int8, Fidelity::Wider("bigint also holds larger numbers")),
    row("bigint", "bigint", Encoder::Int8, EXACT),
    row("decimal", "numeric({p},{s})", Encoder::Numeric, EXACT),
    row("money", "numeric(19,4)", Encoder::Numeric, Fidelity::Wider("numeric(19,4) also holds larger amounts")),
    row("smallmoney", "numeric(10,4)", Encoder::Numeric, Fidelity::Wider("numeric(10,4) also holds larger amounts")),
    row("real", "real", Encoder::Float4, EXACT),
    row("float", "double precision", Encoder::Float8, EXACT),
    row("date", "date", Encoder::Date, EXACT),
    row("time", "time({s})", Encoder::Time, SEVENTH_DIGIT),
    row("datetime", "timestamp(3)", Encoder::Timestamp,
        Fidelity::Wider("timestamp(3) holds every millisecond, datetime only those that end in 0, 3 and 7")),
    row("smalldatetime", "timestamp(0)", Encoder::Timestamp,
        Fidelity::Wider("timestamp(0) holds seconds, smalldatetime only minutes")),
    row("datetime2", "timestamp({s})", Encoder::Timestamp, SEVENTH_DIGIT),
    row("datetimeoffset", "timestamptz({s})", Encoder::TimestampTz,
        Fidelity::Lossy("the instant is kept, the offset it was written with is not; of the fraction of a second, \
                         the seventh digit is cut")),
    row("datetimeoffset", "timestamptz({s})+offset", Encoder::TimestampTz, SEVENTH_DIGIT),
    row("char", "char({n})", Encoder::Char, Fidelity::Wider("char(n) counts characters here, bytes there")),
    row("char", "text", Encoder::Text, Fidelity::Wider("text has no limit; trailing blanks stay and count in comparisons")),
    row("nchar", "char({n})", Encoder::Char, Fidelity::Wider("char(n) counts characters here, UTF-16 units there")),
    row("nchar", "text", Encoder::Text, Fidelity::Wider("text has no limit; trailing blanks stay and count in comparisons")),
    limited("varchar", "varchar({n})", "text", Fidelity::Wider("varchar(n) counts characters here, bytes there")),
    row("varchar", "text", Encoder::Text, Fidelity::Wider("text has no limit")),
    limited("nvarchar", "varchar({n})", "text", Fidelity::Wider("varchar(n) counts characters here, UTF-16 units there")),
    row("nvarchar", "text", Encoder::Text, Fidelity::Wider("text has no limit")),
    row("text", "text", Encoder::Text, EXACT),
    row("ntext", "text", Encoder::Text, EXACT),
    row("binary", "bytea", Encoder::Bytea, ANY_LENGTH),
    row("varbinary", "bytea", Encoder::Bytea, ANY_LENGTH),
    row("image", "bytea", Encoder::Bytea, EXACT),
    row("rowversion", "bytea", Encoder::Bytea,
        Fidelity::Wider("bytea has no limit, and PostgreSQL does not renew the value when a row changes")),
    row("rowversion", "bigint", Encoder::RowVersionAsInt8,
        Fidelity::Wider("PostgreSQL does not renew the value when a row changes; values from 2^63 on are negative")),
    row("uniqueidentifier", "uuid", Encoder::Uuid, EXACT),
    row("uniqueidentifier", "text", Encoder::UuidAsText, Fidelity::Wider("text holds anything")),
    compared("xml", "xml", Encoder::Xml, Comparison::Xml, Fidelity::Wider("xml has no schema collection")),
    row("xml", "text", Encoder::Text, Fidelity::Wider("text holds anything")),
    row("sql_variant", "text", Encoder::VariantAsText, Fidelity::Lossy("the base type of each value")),
    compared("sql_variant", "jsonb", Encoder::VariantAsJsonb, Comparison::Json,
        Fidelity::Wider("{\"type\":…,\"value\":…} holds the base type and the value; jsonb holds anything")),
    row("hierarchyid", "text", Encoder::HierarchyAsText,
        Fidelity::Wider("text holds anything, and sorts \"/10/\" before \"/2/\"")),
    row("hierarchyid", "bytea", Encoder::Bytea, Fidelity::Wider("the bytes as they are, in the order of the tree; bytea holds anything")),
    row("geography", "bytea", Encoder::GeographyAsEwkb, EWKB),
    row("geography", "text", Encoder::GeographyAsEwkt, EWKT),
    row("geography", "geography", Encoder::GeographyAsEwkb, Fidelity::Wider("PostGIS geography holds other shapes, too")),
    row("geography", "geometry", Encoder::GeographyAsEwkb, Fidelity::Wider("PostGIS geometry measures in a plane")),
    row("geometry", "bytea", Encoder::GeometryAsEwkb, EWKB),
    row("geometry", "text", Encoder::GeometryAsEwkt, EWKT),
    row("geometry", "geometry", Encoder::GeometryAsEwkb, Fidelity::Wider("PostGIS geometry holds other shapes, too")),
    row("geometry", "geography", Encoder::GeometryAsEwkb, Fidelity::Wider("PostGIS geography measures on the globe")),
    compared("json", "jsonb", Encoder::Jsonb, Comparison::Json,
        Fidelity::Lossy("blanks, the order of keys, all but the last of equal keys, and the spelling of numbers")),
    row("json", "json", Encoder::Json, EXACT),
    row("json", "text", Encoder::Text, Fidelity::Wider("text holds anything")),
    row("vector", "real[]", Encoder::VectorAsArray, Fidelity::Wider("real[] has any number of elements")),
    row("vector", "vector({n})", Encoder::VectorAsPgvector, EXACT),
    row("vector", "bytea", Encoder::Bytea, Fidelity::Wider("the bytes as they are, header included; bytea holds anything")),
    row(UNKNOWN, "bytea", Encoder::Bytea, Fidelity::Wider("the bytes as the type itself writes them; bytea holds anything")),
];

const EXACT: Fidelity = Fidelity::Exact;
const SEVENTH_DIGIT: Fidelity =
    Fidelity::Lossy("of the fraction of a second, the seventh digit is cut (towards the past)");
const OFFSET: Fidelity = Fidelity::Lossy("the instant is kept, the offset it was written with is not");
const ANY_LENGTH: Fidelity = Fidelity::Wider("bytea has no limit");
const EWKB: Fidelity = Fidelity::Wider("EWKB with its SRID; bytea holds anything");
const EWKT: Fidelity = Fidelity::Wider("EWKT with its SRID; text holds anything");

/// The row of a text column with the transform `yes_no`; not in [`TYPES`], since it is no way to
/// keep a type but a change that the user asked for.
static YES_NO: TypeRule = row(
    "text flag",
    "boolean",
    Encoder::YesNo,
    Fidelity::Lossy("the spelling of the flag (\"Y\", \"yes\", \"1\" are all true)"),
);

const fn row(from: &'static str, to: &'static str, encoder: Encoder, fidelity: Fidelity) -> TypeRule {
    compared(from, to, encoder, Comparison::Bytes, fidelity)
}

const fn compared(
    from: &'static str,
    to: &'static str,
    encoder: Encoder,
    comparison: Comparison,
    fidelity: Fidelity,
) -> TypeRule {
    TypeRule { from, to, to_max: None, encoder, comparison, fidelity }
}

const fn limited(from: &'static str, to: &'static str, to_max: &'static str, fidelity: Fidelity) -> TypeRule {
    let encoder = Encoder::Text;
    TypeRule { from, to, to_max: Some(to_max), encoder, comparison: Comparison::Bytes, fidelity }
}

/// A setting names an alternative that the type does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAlternative {
    /// The SQL Server type.
    pub sql_type: String,
    /// What was asked for.
    pub wanted: String,
    /// What there is; the first is the default.
    pub alternatives: Vec<String>,
}

impl fmt::Display for UnknownAlternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sql_type, wanted, alternatives } = self;
        write!(f, "{sql_type} cannot become {wanted}; it can become {}", alternatives.join(", "))
    }
}

impl std::error::Error for UnknownAlternative {}

impl TypeRule {
    /// The name by which a setting chooses this row: the PostgreSQL type without parameters, for
    /// example `timestamptz+offset`.
    pub fn alternative(&self) -> String {
        without_parameters(self.to)
    }

    /// Whether a second column keeps the offset.
    pub fn keeps_offset(&self) -> bool {
        self.to.ends_with("+offset")
    }
}

/// The rows of a type; the first is the default.
pub fn type_rules(sql_type: &SqlType) -> Vec<&'static TypeRule> {
    let from = match sql_type {
        SqlType::Unknown { .. } => UNKNOWN,
        known => known.name(),
    };
    TYPES.iter().filter(|rule| rule.from == from).collect()
}

/// The rule for a type: the default, or the alternative that `wanted` names. Parameters, case and
/// PostgreSQL's own short names (`bool`, `int4`) do not matter.
///
/// # Errors
/// When the type has no such alternative.
pub fn type_rule(sql_type: &SqlType, wanted: Option<&str>) -> Result<&'static TypeRule, UnknownAlternative> {
    let rules = type_rules(sql_type);
    let found = match wanted {
        None => rules.first().copied(),
        Some(wanted) => {
            let wanted = long_name(&without_parameters(wanted));
            rules.iter().find(|rule| rule.alternative() == wanted).copied()
        }
    };
    found.ok_or_else(|| UnknownAlternative {
        sql_type: sql_type.to_string(),
        wanted: wanted.unwrap_or_default().to_owned(),
        alternatives: rules.iter().map(|rule| rule.alternative()).collect(),
    })
}

/// The rule of a text column with the transform `yes_no`.
pub fn yes_no_rule() -> &'static TypeRule {
    &YES_NO
}

/// The PostgreSQL type as DDL writes it, with the parameters of `sql_type` filled in.
pub fn pg_type(rule: &TypeRule, sql_type: &SqlType) -> String {
    let Parameters { length, precision, scale } = parameters(sql_type);
    let template = match (length, rule.to_max) {
        (None, Some(to_max)) => to_max,
        _ => rule.to,
    };
    template
        .trim_end_matches("+offset")
        .replace("{n}", &length.unwrap_or_default().to_string())
        .replace("{p}", &precision.to_string())
        .replace("{s}", &scale.to_string())
}

/// What the rule keeps of a type with these parameters: `datetime2(3)` loses nothing, `datetime2(7)`
/// a digit.
pub fn fidelity(rule: &TypeRule, sql_type: &SqlType) -> Fidelity {
    match sql_type {
        SqlType::Time { scale } | SqlType::DateTime2 { scale } if *scale <= 6 => EXACT,
        SqlType::DateTimeOffset { scale } if *scale <= 6 && rule.keeps_offset() => EXACT,
        SqlType::DateTimeOffset { scale } if *scale <= 6 => OFFSET,
        SqlType::VarBinary { length } if length.0.is_none() => EXACT,
        SqlType::VarChar { length } | SqlType::NVarChar { length } if length.0.is_none() => EXACT,
        _ => rule.fidelity,
    }
}

struct Parameters {
    length: Option<u16>,
    precision: u8,
    scale: u8,
}

fn parameters(sql_type: &SqlType) -> Parameters {
    let (mut length, mut precision, mut scale) = (None, 0, 0);
    match sql_type {
        SqlType::Decimal { precision: digits, scale: after_point } => {
            (precision, scale) = (*digits, *after_point);
        }
        SqlType::Time { scale: digits }
        | SqlType::DateTime2 { scale: digits }
        | SqlType::DateTimeOffset { scale: digits } => scale = (*digits).min(6),
        SqlType::Char { length: fixed } | SqlType::NChar { length: fixed } => length = Some(*fixed),
        SqlType::VarChar { length: variable } | SqlType::NVarChar { length: variable } => length = variable.0,
        SqlType::Vector { dimensions } => length = Some(*dimensions),
        _ => {}
    }
    Parameters { length, precision, scale }
}

fn without_parameters(pg_type: &str) -> String {
    let mut name = String::with_capacity(pg_type.len());
    let mut depth = 0u32;
    for character in pg_type.trim().chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => name.extend(character.to_lowercase()),
            _ => {}
        }
    }
    name.trim_end().to_owned()
}

fn long_name(name: &str) -> String {
    let long = match name {
        "bool" => "boolean",
        "int2" => "smallint",
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "float4" => "real",
        "float4[]" => "real[]",
        "float8" => "double precision",
        "decimal" => "numeric",
        "character" | "bpchar" => "char",
        "character varying" => "varchar",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        other => other,
    };
    long.to_owned()
}

/// The page `docs/reference/types.md`.
pub fn types_markdown() -> String {
    let mut page = String::from(
        "# Types\n\n\
         <!-- Generated from crates/mapping/src/types.rs by `cargo x docs`; do not edit. -->\n\n\
         How each SQL Server type is kept in PostgreSQL. The first row of a type is what you get; the others are \
         chosen by name, for all columns of a type or for one column:\n\n\
         ```toml\n[types]\nbit = \"smallint\"\n\n[columns.\"dbo.Orders.Flag\"]\ntype = \"smallint\"\n```\n\n\
         *Exact*: every value is kept, and no other fits (NaN and infinity of PostgreSQL's types left aside). \
         *Wider*: every value is kept, others fit, too. *Lossy*: something is lost; each altered value is counted in \
         the report. In the PostgreSQL types, `{n}` is the declared length, `{p}` the precision and `{s}` the scale \
         (of times at most 6).\n\n\
         | SQL Server | PostgreSQL | | Keeps | What differs | Compared |\n|---|---|---|---|---|---|\n",
    );
    let mut previous = "";
    for rule in TYPES {
        let choice = if rule.from == previous { "alternative" } else { "default" };
        previous = rule.from;
        let to = match rule.to_max {
            Some(to_max) => format!("`{}`; `max`: `{to_max}`", rule.to),
            None if rule.keeps_offset() => {
                let to = rule.to.trim_end_matches("+offset");
                format!("`{to}` and a column `…_offset smallint` (minutes; choose `{}`)", rule.alternative())
            }
            None => format!("`{}`", rule.to),
        };
        let (keeps, note) = match rule.fidelity {
            Fidelity::Exact => ("Exact", ""),
            Fidelity::Wider(note) => ("Wider", note),
            Fidelity::Lossy(note) => ("Lossy", note),
        };
        let compared = match rule.comparison {
            Comparison::Bytes => "byte by byte",
            Comparison::Xml => "without XML declaration and leading line break",
            Comparison::Json => "by value: keys sorted, numbers in normal form",
        };
        let from = if rule.from == UNKNOWN { "CLR types and others" } else { rule.from };
        let note = note.replace('|', "\\|");
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {from} | {to} | {choice} | {keeps} | {note} | {compared} |");
    }
    page.push_str(
        "\nThe seventh digit matters only for `time(7)`, `datetime2(7)` and `datetimeoffset(7)`; with fewer digits \
         these types are exact. Digits are cut towards the past, never rounded: `9999-12-31 23:59:59.9999999` stays \
         in the year 9999. `sysname` and alias types are kept as their base types. A text column with the transform \
         `yes_no` becomes `boolean`. Of `geography` and `geometry`, `FullGlobe` has no counterpart: such a row is \
         rejected.\n",
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::Length;

    #[test]
    fn every_type_of_the_catalog_has_a_default_row() {
        let names = "bit tinyint smallint int bigint decimal money smallmoney real float date time datetime \
                     smalldatetime datetime2 datetimeoffset char varchar text nchar nvarchar ntext binary varbinary \
                     image rowversion uniqueidentifier xml sql_variant hierarchyid geography geometry json vector";
        for name in names.split_whitespace() {
            let sql_type = SqlType::from_system(name, Some(3), false, None, None).expect("a system type");
            assert_eq!(type_rule(&sql_type, None).expect(name).from, name);
        }
        let unknown = SqlType::Unknown { name: "dbo.Money2".to_owned() };
        assert_eq!(type_rule(&unknown, None).expect("a row").to, "bytea");
    }

    #[test]
    fn parameters_are_filled_in() {
        let check = |sql_type: SqlType, wanted: Option<&str>, expected: &str| {
            let rule = type_rule(&sql_type, wanted).expect("a rule");
            assert_eq!(pg_type(rule, &sql_type), expected);
        };
        check(SqlType::Decimal { precision: 38, scale: 10 }, None, "numeric(38,10)");
        check(SqlType::DateTime2 { scale: 7 }, None, "timestamp(6)");
        check(SqlType::Time { scale: 0 }, None, "time(0)");
        check(SqlType::DateTimeOffset { scale: 3 }, None, "timestamptz(3)");
        check(SqlType::DateTimeOffset { scale: 7 }, Some("timestamptz+offset"), "timestamptz(6)");
        check(SqlType::NVarChar { length: Length::limited(40) }, None, "varchar(40)");
        check(SqlType::NVarChar { length: Length::MAX }, None, "text");
        check(SqlType::NVarChar { length: Length::limited(40) }, Some("TEXT"), "text");
        check(SqlType::NChar { length: 5 }, Some("char(9)"), "char(5)");
        check(SqlType::Vector { dimensions: 3 }, Some("vector"), "vector(3)");
        check(SqlType::Vector { dimensions: 3 }, Some("real[]"), "real[]");
        check(SqlType::Bit, Some("int2"), "smallint");
        check(SqlType::Money, None, "numeric(19,4)");
    }

    #[test]
    fn an_unknown_alternative_lists_those_there_are() {
        let error = type_rule(&SqlType::Bit, Some("uuid")).expect_err("no such row");
        assert_eq!(error.to_string(), "bit cannot become uuid; it can become boolean, smallint, integer");
    }

    #[test]
    fn fidelity_depends_on_the_parameters() {
        let check = |sql_type: SqlType, wanted: Option<&str>, lossy: bool| {
            let found = fidelity(type_rule(&sql_type, wanted).expect("a rule"), &sql_type);
            assert_eq!(matches!(found, Fidelity::Lossy(_)), lossy, "{sql_type}");
        };
        check(SqlType::DateTime2 { scale: 7 }, None, true);
        check(SqlType::DateTime2 { scale: 6 }, None, false);
        check(SqlType::Time { scale: 7 }, None, true);
        check(SqlType::DateTimeOffset { scale: 0 }, None, true);
        check(SqlType::DateTimeOffset { scale: 0 }, Some("timestamptz+offset"), false);
        check(SqlType::DateTimeOffset { scale: 7 }, Some("timestamptz+offset"), true);
        let limited = SqlType::NVarChar { length: Length::limited(4) };
        let rule = type_rule(&limited, None).expect("a rule");
        assert!(matches!(fidelity(rule, &limited), Fidelity::Wider(_)));
    }

    #[test]
    fn the_page_has_a_line_for_each_row() {
        let page = types_markdown();
        let lines =
            page.lines().filter(|line| line.contains("| default |") || line.contains("| alternative |"));
        assert_eq!(lines.count(), TYPES.len());
    }
}

//! Rules of the user's own: `[[audit.rule]]`.
//!
//! To extend: a predicate is a field of [`Rule`], an arm in [`Rule::test`] and one in [`RuleTest::is_defect`].

use super::names::words;
use super::values::{is_date, is_text, show_key_value, show_text};
use crate::error::Error;
use mssql2pg_catalog::{Catalog, Column, Severity, SqlType, Table, Value};
use regex::Regex;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

/// `[[audit.rule]]`: what must hold for the values of some columns. NULL breaks `not_null` alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Its name: the code of its findings, in kebab-case.
    pub name: String,
    /// Pattern of tables, `schema.table`.
    pub table: String,
    /// Pattern of columns.
    pub column: String,
    /// `info`, `warning` (the default) or `blocker`.
    pub severity: RuleSeverity,
    /// What a finding advises.
    pub advice: Option<String>,
    /// No NULL.
    pub not_null: bool,
    /// Text that this regular expression finds.
    pub regex: Option<String>,
    /// Not below: a number, or a date as `2001-12-31`.
    pub min: Option<Bound>,
    /// Not above.
    pub max: Option<Bound>,
    /// One of these, as people write them.
    #[serde(rename = "in")]
    pub one_of: Option<Vec<Bound>>,
    /// A T-SQL condition on the table's columns that must hold; for live sources only.
    pub condition: Option<String>,
}

/// A rule's severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleSeverity {
    /// Good to know.
    Info,
    /// Somebody should look.
    #[default]
    Warning,
    /// Somebody must act.
    Blocker,
}

impl From<RuleSeverity> for Severity {
    fn from(severity: RuleSeverity) -> Self {
        match severity {
            RuleSeverity::Info => Self::Info,
            RuleSeverity::Warning => Self::Warning,
            RuleSeverity::Blocker => Self::Blocker,
        }
    }
}

/// A bound as the file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// A whole number.
    Integer(i64),
    /// Anything else, as text: a decimal in quotes, a date, a word.
    Text(String),
}

impl Bound {
    fn text(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A rule made ready for one column.
#[derive(Debug, Clone)]
pub struct RuleTest {
    not_null: bool,
    regex: Option<Regex>,
    min: Option<Quantity>,
    max: Option<Quantity>,
    one_of: Option<Vec<(String, Option<Quantity>)>>,
}

/// A number times 10^scale, or days since 0001-01-01 and 100 ns since midnight; only like compares with like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Quantity {
    Number(i128, u8),
    Moment(i32, u64),
}

impl Rule {
    /// What is wrong with the rule itself.
    ///
    /// # Errors
    /// When it has no name, no predicate, several of them that cannot go together, or a pattern that is none.
    pub fn check(&self, is_live: bool) -> Result<(), Error> {
        let wrong = |what: &str| {
            let name = if self.name.is_empty() { "without a name" } else { &self.name };
            Error::config(
                format!("the rule {name} in [[audit.rule]] {what}"),
                "a rule has name, table, column and one of not_null, regex, min, max, in, condition",
            )
        };
        let code = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if !code(&self.name) {
            return Err(wrong("needs a name in kebab-case, such as order-total-positive"));
        }
        if super::ALL.iter().any(|check| check.code == self.name) {
            return Err(wrong("has the name of a check of ours"));
        }
        let predicates =
            [self.regex.is_some(), self.min.is_some() || self.max.is_some(), self.one_of.is_some()];
        if self.condition.is_some() {
            if !is_live {
                return Err(wrong("has a T-SQL condition, which only a live source can judge"));
            }
            if self.not_null || predicates.contains(&true) {
                return Err(wrong("has a T-SQL condition and something else: make two rules of it"));
            }
            return Ok(());
        }
        if !self.not_null && !predicates.contains(&true) {
            return Err(wrong("says nothing of what must hold"));
        }
        if let Some(pattern) = &self.regex {
            Regex::new(pattern).map_err(|error| wrong(&format!("has a regex that is none: {error}")))?;
        }
        for bound in [&self.min, &self.max].into_iter().flatten() {
            quantity_of_text(&bound.text())
                .ok_or_else(|| wrong("has a bound that is neither a number nor a date"))?;
        }
        Ok(())
    }

    /// Whether the rule speaks of anything in the database: one that is silent about everything is a slip of the pen.
    ///
    /// # Errors
    /// When no table or column fits.
    pub fn check_fits(&self, catalog: &Catalog) -> Result<(), Error> {
        let fits = |table: &Table| match self.condition {
            Some(_) => self.fits_table(table),
            None => table.stored_columns().any(|column| self.applies(table, column)),
        };
        if catalog.tables.iter().any(fits) {
            return Ok(());
        }
        let named = |pattern: &str| if pattern.is_empty() { "*".to_owned() } else { pattern.to_owned() };
        let (table, column) = (named(&self.table), named(&self.column));
        let (what, kind) = match (&self.condition, &self.regex, self.min.is_some() || self.max.is_some()) {
            (Some(_), ..) => (format!("table {table}"), ""),
            (_, Some(_), _) => (format!("column {column} of {table}"), " with text"),
            (.., true) => (format!("column {column} of {table}"), " with numbers or dates"),
            _ => (format!("column {column} of {table}"), ""),
        };
        Err(Error::config(
            format!("the rule {} in [[audit.rule]] fits no {what}{kind}", self.name),
            "mend its patterns, in which * and ? stand for anything; `mssql2pg inspect` lists tables and columns",
        ))
    }

    fn fits_table(&self, table: &Table) -> bool {
        fits(&self.table, &table.name.to_string())
    }

    /// Whether it speaks of that column.
    pub fn applies(&self, table: &Table, column: &Column) -> bool {
        self.condition.is_none()
            && self.fits_table(table)
            && fits(&self.column, &column.name)
            && (self.regex.is_none() || is_text(&column.sql_type))
            && ((self.min.is_none() && self.max.is_none()) || has_quantity(&column.sql_type))
    }

    /// Ready to test values; none of it can fail once [`Rule::check`] has passed.
    pub fn test(&self) -> RuleTest {
        let quantity =
            |bound: &Option<Bound>| bound.as_ref().and_then(|bound| quantity_of_text(&bound.text()));
        RuleTest {
            not_null: self.not_null,
            regex: self.regex.as_ref().and_then(|pattern| Regex::new(pattern).ok()),
            min: quantity(&self.min),
            max: quantity(&self.max),
            one_of: self.one_of.as_ref().map(|items| {
                let known = |item: &Bound| (item.text(), quantity_of_text(&item.text()));
                items.iter().map(known).collect()
            }),
        }
    }

    /// What a finding says.
    pub fn message(&self) -> String {
        let mut parts = Vec::new();
        if self.not_null {
            parts.push("not NULL".to_owned());
        }
        parts.extend(self.regex.iter().map(|pattern| format!("like {pattern}")));
        parts.extend(self.min.iter().map(|bound| format!("at least {}", bound.text())));
        parts.extend(self.max.iter().map(|bound| format!("at most {}", bound.text())));
        parts.extend(
            self.one_of.iter().map(|items| {
                format!("one of {}", items.iter().map(Bound::text).collect::<Vec<_>>().join(", "))
            }),
        );
        parts.extend(self.condition.iter().map(|condition| format!("such that {condition}")));
        format!("values that break the rule {}: {}", words(&self.name).join(" "), parts.join(", "))
    }
}

impl RuleTest {
    /// Whether a value breaks the rule.
    pub fn is_defect(&self, value: &Value<'_>, scratch: &mut String) -> bool {
        if matches!(value, Value::Null) {
            return self.not_null;
        }
        if let Some(regex) = &self.regex
            && show_text(value, scratch)
            && !regex.is_match(scratch)
        {
            return true;
        }
        if self.min.is_some() || self.max.is_some() {
            let quantity = quantity_of(value);
            let below = |bound: &Quantity| {
                quantity.and_then(|quantity| compare(quantity, *bound)).is_some_and(|order| order.is_lt())
            };
            let above = |bound: &Quantity| {
                quantity.and_then(|quantity| compare(quantity, *bound)).is_some_and(|order| order.is_gt())
            };
            if self.min.as_ref().is_some_and(below) || self.max.as_ref().is_some_and(above) {
                return true;
            }
        }
        match (&self.one_of, value) {
            (None, _) => false,
            (Some(items), Value::Bytes(bytes)) => !items.iter().any(|(item, _)| is_hex_of(item, bytes)),
            (Some(items), _) if show_text(value, scratch) => {
                let text = scratch.trim_end_matches(' ');
                !items.iter().any(|(item, _)| item.trim_end_matches(' ') == text)
            }
            (Some(items), _) => {
                let quantity = quantity_of(value);
                show_key_value(value, scratch);
                !items.iter().any(|(item, known)| match (quantity, *known) {
                    (Some(quantity), Some(known)) => {
                        compare(quantity, known).is_some_and(std::cmp::Ordering::is_eq)
                    }
                    (Some(_), None) => false,
                    // Hexadecimal digits may be of either case.
                    (None, _) => item.eq_ignore_ascii_case(scratch),
                })
            }
        }
    }
}

fn compare(one: Quantity, other: Quantity) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (Quantity::Number(one, a), Quantity::Number(other, b)) => {
            let raised = |number: i128, by: u8| number.checked_mul(10_i128.checked_pow(u32::from(by))?);
            match (raised(one, b.saturating_sub(a)), raised(other, a.saturating_sub(b))) {
                (Some(one), Some(other)) => Some(one.cmp(&other)),
                // A number that cannot be raised is far from any bound of the same scale.
                (None, _) => Some(one.cmp(&0)),
                (_, None) => Some(0.cmp(&other)),
            }
        }
        (Quantity::Moment(..), Quantity::Moment(..)) => one.partial_cmp(&other),
        _ => None,
    }
}

fn quantity_of(value: &Value<'_>) -> Option<Quantity> {
    Some(match *value {
        Value::Bit(bit) => Quantity::Number(i128::from(bit), 0),
        Value::Int(number) => Quantity::Number(i128::from(number), 0),
        Value::Money(number) => Quantity::Number(i128::from(number), 4),
        Value::Decimal { magnitude, scale, negative } => {
            let number = i128::try_from(u128::from_le_bytes(*magnitude)).ok()?;
            Quantity::Number(if negative { -number } else { number }, scale)
        }
        // Bounds are decimals: the shortest text of a float is the number that people mean.
        Value::Float(number) => quantity_of_float(&format!("{number}"), number),
        Value::Real(number) => quantity_of_float(&format!("{number}"), f64::from(number)),
        _ => {
            let (days, ticks) = super::values::date_of(value)?;
            Quantity::Moment(days, ticks)
        }
    })
}

/// A float by its shortest text. Beyond 38 digits it is above or below every bound, and below 10^-38 it has its sign.
fn quantity_of_float(text: &str, number: f64) -> Quantity {
    let end =
        |magnitude: i128, scale| Quantity::Number(if number < 0.0 { -magnitude } else { magnitude }, scale);
    quantity_of_text(text).unwrap_or_else(|| {
        if number.abs() >= 1.0 {
            return end(i128::MAX, 0);
        }
        match quantity_of_text(&format!("{number:.38}")) {
            Some(Quantity::Number(digits, scale)) if digits != 0 => Quantity::Number(digits, scale),
            _ => end(1, 38),
        }
    })
}

/// Whether a text is `0x` and the bytes in hexadecimal.
fn is_hex_of(text: &str, bytes: &[u8]) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text).as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty()
        && pairs.len() == bytes.len()
        && pairs.iter().zip(bytes).all(|(pair, known)| byte(pair) == Some(*known))
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.is_empty() || WildMatch::new_case_insensitive(pattern).matches(name)
}

/// Whether values of the type are numbers or have a date.
fn has_quantity(sql_type: &SqlType) -> bool {
    use SqlType as T;
    is_date(sql_type)
        || matches!(
            sql_type,
            T::Bit
                | T::TinyInt
                | T::SmallInt
                | T::Int
                | T::BigInt
                | T::Decimal { .. }
                | T::Money
                | T::SmallMoney
                | T::Real
                | T::Float
        )
}

fn quantity_of_text(text: &str) -> Option<Quantity> {
    let (digits, negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.is_empty() && plain(whole) && plain(fraction) && fraction.len() <= 38 {
        let number: i128 = format!("{whole}{fraction}").parse().ok()?;
        return Some(Quantity::Number(
            if negative { -number } else { number },
            u8::try_from(fraction.len()).ok()?,
        ));
    }
    // With an offset it is a moment in UTC, as values with an offset are compared; people put a blank before it.
    let compact = text.replacen(" +", "+", 1).replacen(" -", "-", 1);
    let date: jiff::civil::DateTime = match compact.parse::<jiff::Timestamp>() {
        Ok(moment) => jiff::tz::Offset::UTC.to_datetime(moment),
        Err(_) => text.parse().ok()?,
    };
    let days = jiff::civil::date(1, 1, 1).until((jiff::Unit::Day, date.date())).ok()?.get_days();
    let time = date.time();
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let ticks = seconds * 10_000_000 + i64::from(time.subsec_nanosecond()) / 100;
    Some(Quantity::Moment(days, u64::try_from(ticks).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(toml: &str) -> Rule {
        toml::from_str(&format!("name = \"r\"\n{toml}")).unwrap()
    }

    #[test]
    fn a_value_is_judged_by_the_rules_predicate() {
        let breaks = |toml: &str, value: Value<'_>| {
            let rule = rule(toml);
            rule.check(false).unwrap();
            rule.test().is_defect(&value, &mut String::new())
        };
        assert!(breaks("not_null = true", Value::Null));
        assert!(!breaks("min = 1", Value::Null));
        assert!(breaks("min = 1", Value::Int(0)));
        assert!(breaks("max = \"9.99\"", Value::Money(99_901)));
        assert!(!breaks("max = \"9.99\"", Value::Money(99_900)));
        assert!(breaks("min = \"0.5\"", Value::Float(0.25)));
        assert!(breaks("min = \"2000-01-01\"", Value::Date(700_000)));
        assert!(!breaks("min = \"2000-01-01\"", Value::Date(740_000)));
        assert!(breaks("regex = \"^[A-Z]{2}$\"", Value::Utf8(b"de")));
        assert!(!breaks("regex = \"^[A-Z]{2}$\"", Value::Utf8(b"DE")));
        assert!(breaks("in = [\"a\", \"b\"]", Value::Utf16(b"c\0")));
        assert!(!breaks("in = [1, 2]", Value::Int(2)));
        // As people write them, whatever the type.
        assert!(!breaks("in = [\"115.17\"]", Value::Money(1_151_700)));
        assert!(breaks("in = [\"115.18\", \"none\"]", Value::Money(1_151_700)));
        let tenth = Value::Decimal { magnitude: &100_u128.to_le_bytes(), scale: 3, negative: false };
        assert!(!breaks("in = [\"0.1\"]", tenth));
        assert!(!breaks("in = [\"1900-01-01\"]", Value::Date(693_595)));
        assert!(!breaks("in = [\"1900-01-01T00:00:00.003\"]", Value::DateTime { days: 0, ticks: 1 }));
        assert!(!breaks(
            "in = [\"00000000-0000-0000-0000-0000000000FF\"]",
            Value::Guid(&{
                let mut guid = [0; 16];
                guid[15] = 0xFF;
                guid
            })
        ));
        let at = Value::DateTimeOffset { days: 693_595, ticks: 0, offset_minutes: -90 };
        assert!(!breaks("in = [\"1899-12-31 22:30:00 -01:30\"]", at));
        assert!(!breaks("max = \"1900-01-01T02:00:00+02:00\"", at));
        assert!(breaks("max = \"1900-01-01T01:59:59+02:00\"", at));
        assert!(!breaks("in = [\"A \"]", Value::Utf8(b"A ")));
        let bytes = [0xAB; 40];
        assert!(!breaks(&format!("in = [\"0x{}\"]", "aB".repeat(40)), Value::Bytes(&bytes)));
        assert!(breaks(&format!("in = [\"0x{}\"]", "ab".repeat(30)), Value::Bytes(&bytes)));
        let long = "x".repeat(200);
        assert!(!breaks(&format!("in = [\"{long}\"]"), Value::Utf8(long.as_bytes())));
        assert!(!breaks("max = \"1900-01-01T00:00:00.003\"", Value::DateTime { days: 0, ticks: 1 }));
        // Floats beyond all digits.
        assert!(breaks("max = 100", Value::Float(1e39)) && breaks("min = 100", Value::Float(-1e300)));
        assert!(breaks("min = 0", Value::Float(-1e-300)) && !breaks("min = 0", Value::Float(1e-300)));
        assert!(!breaks("max = 1", Value::Real(1e-40)));
    }

    #[test]
    fn a_rule_that_means_nothing_is_an_error() {
        for toml in ["", "regex = \"(\"", "min = \"soon\"", "condition = \"Total > 0\""] {
            assert!(rule(toml).check(false).is_err(), "{toml}");
        }
        assert!(rule("condition = \"Total > 0\"").check(true).is_ok());
        assert!(rule("condition = \"Total > 0\"\nnot_null = true").check(true).is_err());
        let taken = Rule { name: "future-date".to_owned(), not_null: true, ..Rule::default() };
        assert!(taken.check(false).is_err());
        let applies = |rule: &Rule, name: &str| {
            let table = Table { name: mssql2pg_catalog::ObjectName::new("dbo", "T"), ..Table::default() };
            rule.applies(&table, &Column::new(name, mssql2pg_catalog::SqlType::Int))
        };
        let some = rule("table = \"dbo.*\"\ncolumn = \"*total\"\nmin = 0");
        assert!(applies(&some, "SubTotal"));
        assert!(!applies(&some, "Amount"));
        let table = Table {
            name: mssql2pg_catalog::ObjectName::new("dbo", "Orders"),
            columns: vec![Column::new("Total", SqlType::Money), Column::new("Code", SqlType::NText)],
            ..Table::default()
        };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        for toml in [
            "table = \"dbo.Ordres\"\nnot_null = true",
            "column = \"Code\"\nmax = 0",
            "column = \"Total\"\nregex = \"x\"",
            "table = \"sales.*\"\ncondition = \"Total > 0\"",
        ] {
            assert!(rule(toml).check_fits(&catalog).is_err(), "{toml}");
        }
        for toml in ["max = 0", "table = \"dbo.*\"\ncondition = \"Total > 0\"", "in = [1]"] {
            assert!(rule(toml).check_fits(&catalog).is_ok(), "{toml}");
        }
    }
}

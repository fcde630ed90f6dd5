//! Rules of the user's own: `[[audit.rule]]`.
//!
//! To extend: a predicate is a field of [`Rule`], an arm in [`Rule::test`] and one in [`RuleTest::is_defect`].

use super::names::words;
use super::values::{is_text, show_key_value, show_text};
use crate::error::Error;
use mssql2pg_catalog::{Column, Severity, Table, Value};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    one_of: Option<BTreeSet<String>>,
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
        if self.condition.is_some() {
            if !is_live {
                return Err(wrong("has a T-SQL condition, which only a live source can judge"));
            }
            return Ok(());
        }
        let predicates =
            [self.regex.is_some(), self.min.is_some() || self.max.is_some(), self.one_of.is_some()];
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

    /// Whether it speaks of that column.
    pub fn applies(&self, table: &Table, column: &Column) -> bool {
        let fits = |pattern: &str, name: &str| {
            pattern.is_empty() || WildMatch::new_case_insensitive(pattern).matches(name)
        };
        self.condition.is_none()
            && fits(&self.table, &table.name.to_string())
            && fits(&self.column, &column.name)
            && (self.regex.is_none() || is_text(&column.sql_type))
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
            one_of: self.one_of.as_ref().map(|items| items.iter().map(Bound::text).collect()),
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
        match &self.one_of {
            None => false,
            Some(items) => {
                show_key_value(value, scratch);
                !items.contains(scratch.trim_end_matches(' '))
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
        Value::Float(number) => quantity_of_text(&format!("{number}"))?,
        Value::Real(number) => quantity_of_text(&format!("{number}"))?,
        _ => {
            let (days, ticks) = super::values::date_of(value)?;
            Quantity::Moment(days, ticks)
        }
    })
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
    let date: jiff::civil::DateTime = text.parse().ok()?;
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
    }

    #[test]
    fn a_rule_that_means_nothing_is_an_error() {
        for toml in ["", "regex = \"(\"", "min = \"soon\"", "condition = \"Total > 0\""] {
            assert!(rule(toml).check(false).is_err(), "{toml}");
        }
        assert!(rule("condition = \"Total > 0\"").check(true).is_ok());
        let taken = Rule { name: "future-date".to_owned(), not_null: true, ..Rule::default() };
        assert!(taken.check(false).is_err());
        let applies = |rule: &Rule, name: &str| {
            let table = Table { name: mssql2pg_catalog::ObjectName::new("dbo", "T"), ..Table::default() };
            rule.applies(&table, &Column::new(name, mssql2pg_catalog::SqlType::Int))
        };
        let some = rule("table = \"dbo.*\"\ncolumn = \"*total\"\nmin = 0");
        assert!(applies(&some, "SubTotal"));
        assert!(!applies(&some, "Amount"));
    }
}

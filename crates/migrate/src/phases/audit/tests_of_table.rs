//! The tests that the values of one table are put to: our checks and the user's rules.

use crate::checks::audit::{ALL, Check, Condition, How, Looked, Moment, Rule, RuleTest, ValueCheck};
use crate::config::Config;
use mssql2pg_catalog::{Column, Finding, Severity, Table, Value};
use mssql2pg_mapping::settings::TextPolicy;

/// One test of one column.
pub(super) struct ColumnTest<'a> {
    /// The column.
    pub(super) looked: Looked<'a>,
    severity: Severity,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Check(&'static Check, &'static ValueCheck),
    Rule(&'a Rule, Box<RuleTest>),
}

/// All tests of one table.
pub(super) struct TableTests<'a> {
    table: &'a Table,
    tests: Vec<ColumnTest<'a>>,
    /// Per stored column: its tests.
    by_column: Vec<Vec<usize>>,
}

impl<'a> TableTests<'a> {
    pub(super) fn new(table: &'a Table, config: &'a Config, moment: Moment) -> Self {
        let (mut tests, mut by_column) = (Vec::new(), Vec::new());
        for column in table.stored_columns() {
            let before = tests.len();
            tests.extend(tests_of(table, column, config, moment));
            by_column.push((before..tests.len()).collect());
        }
        Self { table, tests, by_column }
    }

    /// All tests, in the order of their columns.
    pub(super) fn all(&self) -> &[ColumnTest<'a>] {
        &self.tests
    }

    /// Puts a value to its column's tests; those that it fails are pushed to `found`.
    #[inline]
    pub(super) fn value(
        &self,
        column: usize,
        value: &Value<'_>,
        scratch: &mut String,
        found: &mut Vec<usize>,
    ) {
        let places = self.by_column.get(column).map_or(&[][..], Vec::as_slice);
        for &place in places {
            let Some(test) = self.tests.get(place) else { continue };
            let is_defect = match &test.kind {
                Kind::Check(_, check) => (check.is_defect)(value, &test.looked),
                Kind::Rule(_, rule) => rule.is_defect(value, scratch),
            };
            if is_defect {
                found.push(place);
            }
        }
    }

    /// All tests as conditions in T-SQL, in their order; none where one of them cannot be one.
    pub(super) fn conditions(&self) -> Option<Vec<Condition>> {
        self.tests
            .iter()
            .map(|test| match &test.kind {
                Kind::Check(_, check) => (check.tsql)(&test.looked),
                Kind::Rule(..) => None,
            })
            .collect()
    }

    /// The finding of a test that found something.
    pub(super) fn finding(
        &self,
        place: usize,
        count: u64,
        samples: &[String],
        config: &Config,
    ) -> Option<Finding> {
        let test = self.tests.get(place)?;
        let object = format!("{}.{}", self.table.name, test.looked.column.name);
        let mut finding = match &test.kind {
            Kind::Check(check, _) => {
                Finding::new(check.code, test.severity, object, check.message, check.advice)
            }
            Kind::Rule(rule, _) => {
                let advice =
                    rule.advice.as_deref().unwrap_or("correct the values at the source, or the rule");
                Finding::new(&rule.name, test.severity, object, rule.message(), advice)
            }
        };
        finding.count = Some(count);
        if let Some(setting) = test.rejects(config) {
            // The run will not be whole until somebody decides.
            finding.severity = Severity::Blocker;
            finding.message.push_str(&format!("; these rows will be rejected ({setting} = \"reject\")"));
        }
        if config.audit.samples {
            finding.samples = samples.to_vec();
        }
        Some(finding)
    }
}

impl ColumnTest<'_> {
    /// The setting by which such rows will be rejected.
    fn rejects(&self, config: &Config) -> Option<&'static str> {
        let Kind::Check(_, ValueCheck { policy: Some((setting, policy)), .. }) = &self.kind else {
            return None;
        };
        (policy(&config.text) == TextPolicy::Reject).then_some(*setting)
    }
}

fn tests_of<'a>(
    table: &'a Table,
    column: &'a Column,
    config: &'a Config,
    moment: Moment,
) -> impl Iterator<Item = ColumnTest<'a>> {
    let looked = Looked { column, moment };
    let checks = ALL.iter().filter_map(move |check| {
        let How::Values(values) = &check.how else { return None };
        let severity = (values.applies)(table, column, &config.audit)?;
        Some(ColumnTest { looked, severity, kind: Kind::Check(check, values) })
    });
    let rules = config.audit.rule.iter().filter(move |rule| rule.applies(table, column));
    checks.chain(rules.map(move |rule| ColumnTest {
        looked,
        severity: rule.severity.into(),
        kind: Kind::Rule(rule, Box::new(rule.test())),
    }))
}

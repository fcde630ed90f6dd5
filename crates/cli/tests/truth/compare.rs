//! The script's tables against the target's, cell by cell.
//!
//! Invariant: nothing is left out. Tables, columns and rows that only one side has are differences
//! too. A difference is accepted only if the test explains it, its values agree with the
//! explanation, and their number is the one that the explanation states.

use crate::expected::{Expected, printed};
use crate::tables::{TruthColumn, TruthTable};
use crate::target::TargetTable;
use std::collections::BTreeMap;

/// Why cells of one column, or whole rows or tables, differ for a reason that is not ours.
pub struct Explained {
    /// `SalesLT.ProductDescription`.
    pub table: &'static str,
    /// A column, or one of [`ROW_ONLY_IN_SCRIPT`] and its siblings.
    pub what: &'static str,
    pub count: usize,
    pub why: &'static str,
    /// Whether a difference (script, target) is of this kind.
    pub holds: fn(&Expected, Option<&str>) -> bool,
}

pub const ROW_ONLY_IN_SCRIPT: &str = "(row only in the script)";
pub const ROW_ONLY_IN_TARGET: &str = "(row only in the target)";
pub const TABLE_ONLY_IN_SCRIPT: &str = "(table only in the script)";
pub const TABLE_ONLY_IN_TARGET: &str = "(table only in the target)";
pub const COLUMN_ONLY_IN_SCRIPT: &str = "(column only in the script)";
pub const COLUMN_ONLY_IN_TARGET: &str = "(column only in the target)";

/// One difference.
#[derive(Debug)]
struct Difference {
    table: String,
    what: String,
    /// Which row, column or table.
    place: String,
    script: Expected,
    target: Option<String>,
}

/// What was compared.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison {
    pub tables: usize,
    pub rows: usize,
    pub values: usize,
    /// Differences that are explained.
    pub explained: usize,
    /// Everything that is wrong; empty when all is well.
    pub wrong: Vec<String>,
}

/// Compares all tables.
pub fn compare(script: &[TruthTable], target: &[TargetTable], explanations: &[Explained]) -> Comparison {
    let mut comparison = Comparison::default();
    let mut differences = Vec::new();
    let mut difference = |table: &str, what: &str| {
        let (script, target) = (Expected::Null, None);
        differences.push(Difference {
            table: table.into(),
            what: what.into(),
            place: table.into(),
            script,
            target,
        });
    };
    let name_in_target = |table: &TruthTable| folded_table(&table.name);
    for table in target.iter().filter(|table| !script.iter().any(|other| name_in_target(other) == table.name))
    {
        difference(&table.name, TABLE_ONLY_IN_TARGET);
    }
    let mut pairs = Vec::new();
    for table in script {
        match target.iter().find(|other| name_in_target(table) == other.name) {
            Some(other) => pairs.push((table, other)),
            None => difference(&table.name, TABLE_ONLY_IN_SCRIPT),
        }
    }
    for (table, other) in pairs {
        comparison.tables += 1;
        compare_table(table, other, &mut comparison, &mut differences);
    }
    judge(&differences, explanations, &mut comparison);
    comparison
}

/// The default names: lower case, and `dbo` is `public`.
fn folded_table(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_prefix("dbo.").map_or(name.clone(), |rest| format!("public.{rest}"))
}

/// A column that both sides have: its name, its type, and where it is in the script and the target.
struct Shared<'a> {
    column: &'a TruthColumn,
    in_script: usize,
    in_target: usize,
}

impl Shared<'_> {
    fn target_text(&self, row: &[Option<String>]) -> Option<String> {
        let text = row[self.in_target].as_deref()?;
        Some(match &self.column.sql_type {
            Some(sql_type) => printed(text, sql_type),
            None => text.to_owned(),
        })
    }
}

fn compare_table(
    script: &TruthTable,
    target: &TargetTable,
    comparison: &mut Comparison,
    differences: &mut Vec<Difference>,
) {
    let mut shared = Vec::new();
    let mut one_sided = |what: &str, column: &str| {
        let (table, what, place) = (script.name.clone(), what.to_owned(), column.to_owned());
        differences.push(Difference { table, what, place, script: Expected::Null, target: None });
    };
    for (in_script, column) in script.columns.iter().enumerate() {
        match target.columns.iter().position(|name| *name == column.name.to_lowercase()) {
            Some(in_target) => shared.push(Shared { column, in_script, in_target }),
            None => one_sided(COLUMN_ONLY_IN_SCRIPT, &column.name),
        }
    }
    for (at, column) in target.columns.iter().enumerate() {
        if !shared.iter().any(|column| column.in_target == at) {
            one_sided(COLUMN_ONLY_IN_TARGET, column);
        }
    }
    // A table without a key is a multiset of whole rows: all its columns are the key.
    let key: Vec<usize> =
        if target.key.is_empty() { (0..target.columns.len()).collect() } else { target.key.clone() };
    let key: Vec<&Shared<'_>> = shared.iter().filter(|column| key.contains(&column.in_target)).collect();
    let mut of_key: BTreeMap<Vec<Expected>, Vec<&Vec<Option<String>>>> = BTreeMap::new();
    for row in &target.rows {
        let values = key.iter().map(|column| column.target_text(row).map_or(Expected::Null, Expected::Text));
        of_key.entry(values.collect()).or_default().push(row);
    }
    for row in &script.rows {
        let values: Vec<Expected> = key.iter().map(|column| row[column.in_script].clone()).collect();
        let found = of_key.get_mut(&values).and_then(Vec::pop);
        let place = key_text(&key, &values);
        let Some(found) = found else {
            let (table, what) = (script.name.clone(), ROW_ONLY_IN_SCRIPT.to_owned());
            differences.push(Difference { table, what, place, script: Expected::Null, target: None });
            continue;
        };
        comparison.rows += 1;
        for column in &shared {
            comparison.values += 1;
            let (expected, actual) = (&row[column.in_script], column.target_text(found));
            let equal = match (expected, &actual) {
                (Expected::Null, None) => true,
                (Expected::Text(expected), Some(actual)) => expected == actual,
                _ => false,
            };
            if !equal {
                let (table, what) = (script.name.clone(), column.column.name.clone());
                let (place, script) = (place.clone(), expected.clone());
                differences.push(Difference { table, what, place, script, target: actual });
            }
        }
    }
    for (values, rows) in of_key {
        for _ in rows {
            let (table, what, place) =
                (script.name.clone(), ROW_ONLY_IN_TARGET.to_owned(), key_text(&key, &values));
            differences.push(Difference { table, what, place, script: Expected::Null, target: None });
        }
    }
}

fn key_text(key: &[&Shared<'_>], values: &[Expected]) -> String {
    let parts: Vec<String> = key
        .iter()
        .zip(values)
        .map(|(column, value)| format!("{}={}", column.column.name, shown(value)))
        .collect();
    parts.join(", ")
}

fn shown(value: &Expected) -> String {
    match value {
        Expected::Null => "NULL".to_owned(),
        Expected::Text(text) => short(text),
        Expected::Function(name) => format!("{name}()"),
    }
}

fn short(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        format!("{start:?}… of {} bytes", text.len())
    } else {
        format!("{start:?}")
    }
}

/// Sorts differences into explained and wrong.
fn judge(differences: &[Difference], explanations: &[Explained], comparison: &mut Comparison) {
    let mut counts = vec![0_usize; explanations.len()];
    let mut unexplained: BTreeMap<(&str, &str), Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        let holds = |explained: &Explained| {
            explained.table == difference.table
                && explained.what == difference.what
                && (explained.holds)(&difference.script, difference.target.as_deref())
        };
        match explanations.iter().position(holds) {
            Some(at) => counts[at] += 1,
            None => unexplained.entry((&difference.table, &difference.what)).or_default().push(difference),
        }
    }
    for ((table, what), found) in unexplained {
        let samples: Vec<String> = found.iter().take(3).map(|difference| sample(difference)).collect();
        comparison.wrong.push(format!("{table} {what}: {}\n{}", found.len(), samples.join("\n")));
    }
    for (explained, count) in explanations.iter().zip(counts) {
        comparison.explained += count;
        if count != explained.count {
            let Explained { table, what, count: stated, why, .. } = explained;
            comparison
                .wrong
                .push(format!("{table} {what}: {count} differences, not {stated}, because {why}"));
        }
    }
}

fn sample(difference: &Difference) -> String {
    let Difference { place, script, target, .. } = difference;
    // Long values mostly begin alike: show where they part.
    let (script, target) = match (script, target) {
        (Expected::Text(script), Some(target)) => {
            let alike = script.chars().zip(target.chars()).take_while(|(a, b)| a == b).count();
            let from = |text: &str| short(&text.chars().skip(alike.saturating_sub(10)).collect::<String>());
            (from(script), from(target))
        }
        (script, target) => (shown(script), target.as_deref().map_or("NULL".to_owned(), short)),
    };
    format!("    at {place}: script {script}, target {target}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::SqlType;

    fn truth(rows: &[[&str; 2]]) -> Vec<TruthTable> {
        let column = |name: &str| TruthColumn { name: name.to_owned(), sql_type: Some(SqlType::Text) };
        let rows = rows.iter().map(|row| row.iter().map(|text| Expected::Text((*text).to_owned())).collect());
        vec![TruthTable {
            name: "dbo.T".to_owned(),
            columns: vec![column("Id"), column("Name")],
            rows: rows.collect(),
        }]
    }

    fn target(key: &[usize], rows: &[[&str; 2]]) -> Vec<TargetTable> {
        let rows = rows.iter().map(|row| row.iter().map(|text| Some((*text).to_owned())).collect());
        vec![TargetTable {
            name: "public.t".to_owned(),
            columns: vec!["id".to_owned(), "name".to_owned()],
            key: key.to_vec(),
            rows: rows.collect(),
        }]
    }

    #[test]
    fn equal_tables_have_no_difference_in_any_order() {
        let script = truth(&[["1", "a"], ["2", "b"]]);
        for key in [&[0][..], &[]] {
            let found = compare(&script, &target(key, &[["2", "b"], ["1", "a"]]), &[]);
            assert_eq!(found, Comparison { tables: 1, rows: 2, values: 4, explained: 0, wrong: Vec::new() });
        }
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let script = truth(&[["1", "a"], ["2", "b"]]);
        let check = |target: Vec<TargetTable>, expected: &[&str]| {
            let wrong = compare(&script, &target, &[]).wrong;
            let starts: Vec<&str> =
                wrong.iter().map(|text| text.split('\n').next().unwrap_or_default()).collect();
            assert_eq!(starts, expected);
        };
        check(target(&[0], &[["1", "a"], ["2", "c"]]), &["dbo.T Name: 1"]);
        check(target(&[0], &[["1", "a"]]), &["dbo.T (row only in the script): 1"]);
        check(target(&[0], &[["1", "a"], ["2", "b"], ["3", "c"]]), &["dbo.T (row only in the target): 1"]);
        check(
            target(&[], &[["1", "a"], ["1", "a"], ["2", "b"], ["2", "x"]]),
            &["dbo.T (row only in the target): 2"],
        );
        check(vec![], &["dbo.T (table only in the script): 1"]);
        let mut other = target(&[0], &[["1", "a"], ["2", "b"]]);
        other[0].columns[1] = "names".to_owned();
        check(other, &["dbo.T (column only in the script): 1", "dbo.T (column only in the target): 1"]);
        let mut null = target(&[0], &[["1", "a"], ["2", "b"]]);
        null[0].rows[0][1] = None;
        check(null, &["dbo.T Name: 1"]);
        let mut two = target(&[0], &[["1", "a"], ["2", "b"]]);
        two.push(TargetTable { name: "public.u".to_owned(), columns: vec![], key: vec![], rows: vec![] });
        check(two, &["public.u (table only in the target): 1"]);
    }

    #[test]
    fn an_explanation_covers_its_kind_and_its_number_only() {
        let script = truth(&[["1", "é"], ["2", "é"]]);
        let explained = |count| Explained {
            table: "dbo.T",
            what: "Name",
            count,
            why: "of a lost accent",
            holds: |_, target| target == Some("?"),
        };
        let found = compare(&script, &target(&[0], &[["1", "?"], ["2", "?"]]), &[explained(2)]);
        assert_eq!((found.explained, found.wrong.len()), (2, 0));
        let found = compare(&script, &target(&[0], &[["1", "?"], ["2", "?"]]), &[explained(1)]);
        assert_eq!(found.wrong, ["dbo.T Name: 2 differences, not 1, because of a lost accent"]);
        let found = compare(&script, &target(&[0], &[["1", "?"], ["2", "e"]]), &[explained(1)]);
        assert_eq!(found.wrong.len(), 1, "{:?}", found.wrong);
    }
}

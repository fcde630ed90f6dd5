//! Tests: a server that is a few lines of code, with an order of its own, and an evaluator for the conditions' text.
//!
//! Nothing of the product's order is used: rows are in exactly one split because the *text* of the conditions says so.

use super::key::{Key, choose};
use super::plan::{Answers, Piece, Step, plan};
use super::value::{KeyValue, literal};
use crate::SourceError;
use mssql2pg_catalog::{Column, IndexColumn, Length, ObjectName, SqlType, Table};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::collections::HashMap;

type Row = Vec<Option<KeyValue>>;

/// What the server says about the key, true or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    /// A true histogram of so many steps, at most.
    Steps(usize),
    /// A histogram of the first half of the rows.
    Stale(usize),
    /// No histogram; the ends are true.
    Ends,
    /// Histogram and ends are values of other rows, in any order.
    Lies,
    /// Likewise, and what sorts constants does not sort them.
    Chaos,
}

struct Model {
    columns: Vec<Column>,
    rows: Vec<Row>,
    truth: Truth,
    /// What a liar answers, one after the other.
    lies: Vec<KeyValue>,
    told: usize,
    questions: usize,
    literals: HashMap<(usize, String), KeyValue>,
}

/// The order of a column of this model: a text whose collation says CI has neither case nor accents.
fn compare(column: &Column, left: &KeyValue, right: &KeyValue) -> Ordering {
    match (left, right) {
        (KeyValue::Number(left), KeyValue::Number(right)) => left.cmp(right),
        (KeyValue::Float(left), KeyValue::Float(right)) => left.partial_cmp(right).expect("finite"),
        (KeyValue::Bytes(left), KeyValue::Bytes(right)) => {
            let padded = |bytes: &[u8]| [bytes, &[0; 32]].concat()[..32].to_vec();
            padded(left).cmp(&padded(right))
        }
        (KeyValue::Guid(left), KeyValue::Guid(right)) => {
            let groups =
                |guid: &[u8; 16]| [&guid[10..], &guid[8..10], &guid[6..8], &guid[4..6], &guid[..4]].concat();
            groups(left).cmp(&groups(right))
        }
        (KeyValue::Text(left), KeyValue::Text(right)) => {
            let (left, right) = (left.trim_end_matches(' '), right.trim_end_matches(' '));
            let folded = |text: &str| -> Vec<(u8, char)> {
                let characters =
                    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'é' { 'e' } else { c });
                // Signs stand before digits, digits before letters.
                characters.map(|c| (u8::from(c.is_alphanumeric()) + u8::from(c.is_alphabetic()), c)).collect()
            };
            match column.collation.as_deref().is_some_and(|name| name.contains("CI")) {
                true => folded(left).cmp(&folded(right)),
                false => left.cmp(right),
            }
        }
        _ => panic!("two types in one column"),
    }
}

impl Model {
    fn know(&mut self, column: usize, value: &KeyValue) {
        let text = literal(&self.columns[column], value);
        self.literals.insert((column, text), value.clone());
    }

    /// The values of a column in the rows that have `same` before it, in order.
    fn values(&self, same: &[Option<KeyValue>]) -> Vec<KeyValue> {
        let at = same.len();
        let fits = |row: &&Row| {
            same.iter().zip(row.iter()).zip(&self.columns).all(|((same, value), column)| {
                match (same, value) {
                    (None, None) => true,
                    (Some(same), Some(value)) => compare(column, same, value).is_eq(),
                    _ => false,
                }
            })
        };
        let mut values: Vec<KeyValue> =
            self.rows.iter().filter(fits).filter_map(|row| row[at].clone()).collect();
        values.sort_by(|left, right| compare(&self.columns[at], left, right));
        values
    }

    fn lie(&mut self, column: usize) -> Option<KeyValue> {
        self.told += 1;
        let value = self.lies.get(self.told % (self.lies.len() + 1)).cloned()?;
        if column == 0 { Some(value) } else { self.values(&[]).is_empty().then_some(value) }
    }

    fn is_liar(&self) -> bool {
        matches!(self.truth, Truth::Lies | Truth::Chaos)
    }

    fn count_question(&mut self) {
        self.questions += 1;
        assert!(self.questions < 6_000, "too many questions");
    }
}

impl Answers for Model {
    fn histogram(&mut self) -> Result<Option<Vec<Step>>, SourceError> {
        self.count_question();
        let (count, rows) = match self.truth {
            Truth::Ends => return Ok(None),
            Truth::Lies | Truth::Chaos => {
                let lies = self.lies.clone();
                let steps = lies.iter().enumerate().map(|(at, value)| Step {
                    value: (at != 3).then(|| value.clone()),
                    rows_below: (at * 37 % 11) as f64,
                    rows_equal: (at * 91 % 13) as f64,
                    values_below: (at % 5) as f64,
                });
                let steps = steps.collect();
                lies.iter().for_each(|value| self.know(0, value));
                return Ok(Some(steps));
            }
            Truth::Steps(count) => (count, self.rows.len()),
            Truth::Stale(count) => (count, self.rows.len() / 2),
        };
        let kept: Vec<Row> = self.rows.drain(..rows).collect();
        let nulls = kept.iter().filter(|row| row[0].is_none()).count();
        let rest = std::mem::replace(&mut self.rows, kept);
        let values = self.values(&[]);
        self.rows.extend(rest);
        let mut steps = Vec::new();
        if nulls > 0 {
            steps.push(Step { value: None, rows_below: 0.0, rows_equal: nulls as f64, values_below: 0.0 });
        }
        let column = self.columns[0].clone();
        let same: Vec<&[KeyValue]> =
            values.chunk_by(|left, right| compare(&column, left, right).is_eq()).collect();
        let every = same.len().div_ceil(count.max(1)).max(1);
        let (mut below, mut different) = (0, 0);
        for (at, group) in same.iter().enumerate() {
            if at == 0 || (at + 1) % every == 0 || at + 1 == same.len() {
                steps.push(Step {
                    value: Some(group[0].clone()),
                    rows_below: below as f64,
                    rows_equal: group.len() as f64,
                    values_below: different as f64,
                });
                (below, different) = (0, 0);
            } else {
                below += group.len();
                different += 1;
            }
        }
        values.iter().for_each(|value| self.know(0, value));
        Ok(Some(steps))
    }

    fn lowest(
        &mut self,
        same: &[Option<KeyValue>],
        above: Option<&KeyValue>,
        below: Option<&KeyValue>,
    ) -> Result<Option<KeyValue>, SourceError> {
        self.count_question();
        let column = self.columns[same.len()].clone();
        let found = match self.is_liar() {
            true => self.lie(same.len()),
            false => self.values(same).into_iter().find(|value| {
                above.is_none_or(|above| compare(&column, above, value).is_lt())
                    && below.is_none_or(|below| compare(&column, value, below).is_lt())
            }),
        };
        found.iter().for_each(|value| self.know(same.len(), value));
        Ok(found)
    }

    fn highest(&mut self, same: &[Option<KeyValue>]) -> Result<Option<KeyValue>, SourceError> {
        self.count_question();
        let found = match self.is_liar() {
            true => self.lie(same.len()),
            false => self.values(same).pop(),
        };
        found.iter().for_each(|value| self.know(same.len(), value));
        Ok(found)
    }

    fn in_order(&mut self, column: usize, values: &[KeyValue]) -> Result<Option<Vec<usize>>, SourceError> {
        self.count_question();
        values.iter().for_each(|value| self.know(column, value));
        let mut order: Vec<usize> = (0..values.len()).collect();
        match self.truth {
            Truth::Chaos => order.reverse(),
            _ => order.sort_by(|left, right| compare(&self.columns[column], &values[*left], &values[*right])),
        }
        Ok(Some(order))
    }

    fn ascend(&mut self, column: usize, pairs: &[(KeyValue, KeyValue)]) -> Result<Vec<bool>, SourceError> {
        self.count_question();
        let about = &self.columns[column];
        Ok(pairs.iter().map(|(low, high)| compare(about, low, high).is_lt()).collect())
    }
}

/// Whether the text of a condition is true of a row; NULL makes a comparison not true.
fn holds(model: &Model, sql: &str, row: &Row) -> bool {
    let one = |term: &str| {
        let (name, rest) = term.split_once(' ').expect("a term");
        let at =
            model.columns.iter().position(|column| format!("[{}]", column.name) == name).expect("a column");
        match rest {
            "is null" => return row[at].is_none(),
            "is not null" => return row[at].is_some(),
            _ => {}
        }
        let (operator, text) = rest.split_once(' ').expect("an operator");
        let value =
            model.literals.get(&(at, text.to_owned())).unwrap_or_else(|| panic!("{text} comes from nowhere"));
        let Some(found) = &row[at] else { return false };
        let order = compare(&model.columns[at], found, value);
        match operator {
            "=" => order.is_eq(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            other => panic!("an operator that nobody writes: {other}"),
        }
    };
    sql.is_empty()
        || sql.split(" and ").all(|term| match term.strip_prefix('(') {
            Some(either) => either.strip_suffix(')').expect("two sides").split(" or ").any(one),
            None => one(term),
        })
}

const TYPES: [SqlType; 17] = [
    SqlType::Int,
    SqlType::TinyInt,
    SqlType::BigInt,
    SqlType::Decimal { precision: 38, scale: 4 },
    SqlType::Money,
    SqlType::Date,
    SqlType::Time { scale: 0 },
    SqlType::DateTime,
    SqlType::SmallDateTime,
    SqlType::DateTime2 { scale: 3 },
    SqlType::DateTimeOffset { scale: 7 },
    SqlType::Real,
    SqlType::Float,
    SqlType::UniqueIdentifier,
    SqlType::VarBinary { length: Length(Some(16)) },
    SqlType::NVarChar { length: Length(Some(40)) },
    SqlType::VarChar { length: Length(Some(40)) },
];

fn column(at: usize, which: usize, nullable: bool) -> Column {
    let mut column = Column { nullable, ..Column::new(format!("k{at}"), TYPES[which % TYPES.len()].clone()) };
    column.collation = match column.sql_type {
        SqlType::NVarChar { .. } => Some("Latin1_General_CI_AI".to_owned()),
        SqlType::VarChar { .. } => Some("Latin1_General_BIN2".to_owned()),
        _ => None,
    };
    column
}

/// A value of the column; `seed` small gives values that are often equal.
fn value(column: &Column, seed: u32) -> Option<KeyValue> {
    if column.nullable && seed % 7 == 3 {
        return None;
    }
    let mixed = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Some(match column.sql_type {
        SqlType::TinyInt => KeyValue::Number(i128::from(seed % 256)),
        SqlType::Decimal { .. } => KeyValue::Number(i128::from(mixed as i64) * 1_000_000_000_000),
        SqlType::BigInt => KeyValue::Number(i128::from(mixed as i64)),
        SqlType::Int | SqlType::Money => KeyValue::Number(i128::from(seed) - 1_000_000),
        SqlType::DateTime => KeyValue::Number(i128::from(seed) * 1000 - 7_777),
        SqlType::Time { .. } => KeyValue::Number(i128::from(seed % 86_400)),
        SqlType::Date => KeyValue::Number(i128::from(seed % 3_652_059)),
        SqlType::SmallDateTime => KeyValue::Number(i128::from(seed % 90_000_000)),
        SqlType::DateTime2 { .. } | SqlType::DateTimeOffset { .. } => {
            KeyValue::Number(i128::from(mixed >> 4) % (3_652_059 * 86_400_000))
        }
        SqlType::Real => KeyValue::Float(f64::from(seed as f32 / 7.0 - 3.0)),
        SqlType::Float => KeyValue::Float(f64::from(seed).mul_add(0.1, -50.0)),
        SqlType::UniqueIdentifier => {
            KeyValue::Guid((u128::from(mixed) << 64 | u128::from(mixed.rotate_left(13))).to_le_bytes())
        }
        SqlType::VarBinary { .. } => KeyValue::Bytes(mixed.to_be_bytes()[..1 + seed as usize % 8].to_vec()),
        _ => {
            let letters = ["a", "B", "e", "é", "E", "-", "7", "0", "it's", "Z", "%"];
            let mut rest = u64::from(seed) + 1;
            let mut text = String::new();
            while rest > 0 {
                text.push_str(letters[rest as usize % letters.len()]);
                rest /= letters.len() as u64;
            }
            KeyValue::Text(text)
        }
    })
}

fn table(columns: &[Column]) -> Table {
    let of = |column: &Column| IndexColumn { name: column.name.clone(), descending: false };
    let key = mssql2pg_catalog::Key {
        name: Some("PK".to_owned()),
        columns: columns.iter().map(of).collect(),
        clustered: true,
    };
    Table {
        name: ObjectName::new("dbo", "t"),
        columns: columns.to_vec(),
        primary_key: Some(key),
        ..Table::default()
    }
}

fn key(table: &Table) -> Key<'_> {
    choose(table).expect("a key")
}

/// Plans, and asserts that every row is in exactly one piece. Gives the pieces and the rows of each.
fn planned(
    columns: &[Column],
    rows: Vec<Row>,
    aim: u64,
    truth: Truth,
    lies: Vec<KeyValue>,
) -> (Vec<Piece>, Vec<usize>) {
    let table = table(columns);
    let key = key(&table);
    let mut model = Model {
        columns: columns.to_vec(),
        rows,
        truth,
        lies,
        told: 0,
        questions: 0,
        literals: HashMap::new(),
    };
    let pieces = plan(&key, model.rows.len() as u64, aim, &mut model).expect("a model has no trouble");
    let texts: Vec<String> = pieces.iter().map(|piece| piece.condition.sql(&key)).collect();
    let mut sizes = vec![0; texts.len()];
    for row in &model.rows {
        let found: Vec<usize> = (0..texts.len()).filter(|at| holds(&model, &texts[*at], row)).collect();
        assert_eq!(found.len(), 1, "{row:?} is in {:?} of {texts:#?}", found);
        sizes[found[0]] += 1;
    }
    (pieces, sizes)
}

fn truths() -> impl Strategy<Value = Truth> {
    prop_oneof![
        (1..30_usize).prop_map(Truth::Steps),
        (1..30_usize).prop_map(Truth::Stale),
        Just(Truth::Ends),
        Just(Truth::Lies),
        Just(Truth::Chaos),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_in_exactly_one_split(
        types in proptest::collection::vec((0..TYPES.len(), any::<bool>()), 1..4),
        domain in prop_oneof![Just(2_u32), Just(9), Just(100), Just(5_000), Just(20_000_000)],
        seeds in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 3), 0..120),
        aim in prop_oneof![1_u64..6, 5_u64..40],
        truth in truths(),
    ) {
        let columns: Vec<Column> =
            types.iter().enumerate().map(|(at, (which, nullable))| column(at, *which, *nullable)).collect();
        // The first column has few values, the last one many.
        let domains = [domain, domain.saturating_mul(20), 20_000_000];
        let row = |seeds: &Vec<u32>| -> Row {
            let each = columns.iter().zip(seeds).zip(domains);
            each.map(|((column, seed), domain)| value(column, seed % domain)).collect()
        };
        let rows: Vec<Row> = seeds.iter().map(row).collect();
        let lies = (0..12).filter_map(|at| value(&columns[0], at * 7_919 % 40_000)).collect();
        planned(&columns, rows, aim, truth, lies);
    }
}

#[test]
fn splits_of_an_even_key_are_even_with_and_without_a_histogram() {
    for (which, sql_type) in TYPES.iter().enumerate().filter(|(_, sql_type)| **sql_type != SqlType::TinyInt) {
        for truth in [Truth::Ends, Truth::Steps(200), Truth::Steps(12)] {
            let columns = [column(0, which, false)];
            // Bytes and texts of these seeds are not spread evenly.
            let uneven = matches!(
                sql_type,
                SqlType::VarBinary { .. } | SqlType::NVarChar { .. } | SqlType::VarChar { .. }
            );
            if uneven && truth != Truth::Steps(200) {
                continue;
            }
            let rows = (0..5_000_u32).map(|seed| vec![value(&columns[0], seed * 17)]).collect();
            let (pieces, sizes) = planned(&columns, rows, 500, truth, Vec::new());
            assert!((8..=14).contains(&pieces.len()), "{sql_type} {truth:?}: {sizes:?}");
            // The last one has what is left.
            let (_, full) = sizes.split_last().expect("a split");
            assert!(full.iter().all(|size| (100..=1_100).contains(size)), "{sql_type} {truth:?}: {sizes:?}");
        }
    }
}

#[test]
fn few_large_groups_are_cut_by_the_next_column() {
    for truth in [Truth::Ends, Truth::Steps(200), Truth::Stale(200)] {
        for which in [0, 13, 15] {
            let columns = [column(0, which, false), column(1, 0, false)];
            let rows = (0..6_000_u32)
                .map(|at| vec![value(&columns[0], at % 3 * 5), value(&columns[1], at)])
                .collect();
            let (pieces, sizes) = planned(&columns, rows, 300, truth, Vec::new());
            assert!(pieces.len() <= 30, "{truth:?}: {sizes:?}");
            assert!(sizes.iter().all(|size| *size <= 600), "{truth:?}: {sizes:?}");
        }
    }
}

#[test]
fn a_stale_histogram_goes_on_to_the_largest_value() {
    let columns = [column(0, 0, false)];
    let rows: Vec<Row> = (0..4_000_u32).map(|seed| vec![value(&columns[0], seed)]).collect();
    let (_, sizes) = planned(&columns, rows, 200, Truth::Stale(50), Vec::new());
    assert!(sizes.iter().all(|size| (50..=450).contains(size)), "{sizes:?}");
}

#[test]
fn texts_are_cut_between_their_ends_where_those_are_plain() {
    let text = |text: &str| vec![Some(KeyValue::Text(text.to_owned()))];
    for which in [15, 16] {
        let columns = [column(0, which, true)];
        let check = |rows: Vec<Row>, least: usize| {
            let (_, sizes) = planned(&columns, rows, 100, Truth::Ends, Vec::new());
            assert!(sizes.len() >= least, "{sizes:?}");
            assert!(least == 1 || sizes.iter().all(|size| *size > 0), "{sizes:?}");
        };
        check((0..1_000).map(|at| text(&format!("{at:06}"))).collect(), 9);
        check(
            (0..1_000_u32).map(|at| text(&format!("C-{:08x}", at.wrapping_mul(2_654_435_761)))).collect(),
            9,
        );
        check((0..1_000).map(|_| vec![None]).collect(), 1);
        check((0..1_000).map(|_| text("same")).collect(), 1);
        check((0..500).flat_map(|at| [text(&format!("-{at}")), text(&format!("ü{at}"))]).collect(), 1);
    }
}

#[test]
fn ten_thousand_splits_are_asked_for_in_pieces_and_never_more() {
    let columns = [column(0, 0, false)];
    let rows: Vec<Row> = (0..30_000_u32).map(|seed| vec![value(&columns[0], seed)]).collect();
    let table = table(&columns);
    let key = key(&table);
    let mut model = Model {
        columns: columns.to_vec(),
        rows,
        truth: Truth::Ends,
        lies: Vec::new(),
        told: 0,
        questions: 0,
        literals: HashMap::new(),
    };
    let pieces = plan(&key, 30_000, 2, &mut model).expect("a plan");
    assert!((5_000..=10_000).contains(&pieces.len()), "{}", pieces.len());
    assert!(model.questions > 10);
}

#[test]
fn many_nulls_are_cut_by_the_next_column() {
    let columns = [column(0, 0, true), column(1, 0, false)];
    let rows = |at: u32| {
        let first = (at % 4 == 3).then(|| KeyValue::Number(i128::from(at)));
        vec![first, value(&columns[1], at)]
    };
    for truth in [Truth::Ends, Truth::Steps(100)] {
        let (pieces, sizes) = planned(&columns, (0..4_000).map(rows).collect(), 200, truth, Vec::new());
        // Without a histogram nobody knows of them.
        let most = if truth == Truth::Ends { 4_000 } else { 500 };
        assert!(pieces.len() > 12 && sizes.iter().all(|size| *size <= most), "{truth:?}: {sizes:?}");
    }
}

//! The second witness: measures of each column, computed on each side by its own means, and compared.
//!
//! `values` measures the source's decoded values, without our encoder; `query` asks PostgreSQL for the same measures in SQL.
//! Nothing here shares code with `encode`, on purpose.
//!
//! To extend: a measure is an arm in each of the two, after its definition in `catalog`.

mod number;
mod query;
mod values;

pub use query::{MeasureQuery, measure_query};
pub use values::MeasureRows;

use crate::TablePlan;
use crate::encode::{Encoder, Loss, LossKind};
use mssql2pg_catalog::{Measure, TableMeasures};

/// A measure that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The column in the source; none for the number of rows.
    pub column: Option<String>,
    /// What differs: one phrase, without values.
    pub what: &'static str,
}

/// What a comparison of measures says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// What differs.
    pub differences: Vec<Difference>,
    /// How many measures were equal, NULL counts included.
    pub equal: u64,
    /// Columns of which only the NULLs could be compared, with the reason.
    pub counted_only: Vec<(String, &'static str)>,
}

/// Compares what each side measured. `of_source` has a place for each stored column, `of_target` one for each column
/// that COPY fills. Measures that one side does not have are left out; the losses that the ledger counts are the only
/// tolerance.
pub fn compare(
    plan: &TablePlan,
    of_source: &TableMeasures,
    of_target: &TableMeasures,
    losses: &[Loss],
) -> Comparison {
    let mut comparison = Comparison::default();
    if of_source.rows == of_target.rows {
        comparison.equal += 1;
    } else {
        comparison.differences.push(Difference { column: None, what: "the number of rows" });
    }
    for (column, target) in plan.copy_columns().zip(&of_target.columns) {
        // The offset of a datetimeoffset has no column of its own in the source.
        if column.encoder == Encoder::OffsetMinutes {
            continue;
        }
        let Some(source) = column.source_ordinal.and_then(|place| of_source.columns.get(place)) else {
            comparison.counted_only.push((column.source.clone(), "not measured in the source"));
            continue;
        };
        if !column.transforms.is_empty() {
            comparison.counted_only.push((column.source.clone(), "altered by transforms that you asked for"));
            continue;
        }
        if source.nulls == target.nulls {
            comparison.equal += 1;
        } else {
            let what = "the number of NULLs";
            comparison.differences.push(Difference { column: Some(column.source.clone()), what });
        }
        let altered = |kinds: &[LossKind]| {
            losses.iter().any(|loss| loss.column == column.source && kinds.contains(&loss.kind))
        };
        if altered(&TEXT_LOSSES) {
            comparison.counted_only.push((column.source.clone(), "some of its text was altered, as counted"));
            continue;
        }
        let measures = source.measures.keys().filter(|measure| target.measures.contains_key(measure));
        if measures.count() == 0 && target.nulls < of_target.rows {
            let why = if target.measures.is_empty() {
                "a type without measures"
            } else {
                "values without measures"
            };
            comparison.counted_only.push((column.source.clone(), why));
        }
        for (measure, text) in &target.measures {
            match source.measures.get(measure) {
                None => {}
                Some(known) if known == text => comparison.equal += 1,
                Some(_) => comparison
                    .differences
                    .push(Difference { column: Some(column.source.clone()), what: phrase(*measure) }),
            }
        }
    }
    comparison
}

/// Losses that change the length of text, or its first and last characters.
const TEXT_LOSSES: [LossKind; 4] = [
    LossKind::NulReplaced,
    LossKind::NulStripped,
    LossKind::InvalidTextReplaced,
    LossKind::InvalidTextStripped,
];

fn phrase(measure: Measure) -> &'static str {
    match measure {
        Measure::Minimum => "the smallest value",
        Measure::Maximum => "the largest value",
        Measure::Sum => "the sum",
        Measure::True => "how many are true",
        Measure::NotZero => "how many are not 0",
        Measure::Length => "the length of all values together",
        Measure::Utf8Length => "the length of all values together in UTF-8",
        Measure::Heads => "how values begin",
        Measure::Tails => "how values end",
    }
}

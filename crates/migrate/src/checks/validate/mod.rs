//! What validation compares, table by table. A table is migrated only when all of these pass.
//!
//! To extend: a file here with a `check` function, and one line in [`ALL`].

mod columns;
mod contents;
mod defaults;
mod drill;
mod ends;
mod expressions;
mod foreign_keys;
mod identity;
mod indexes;
mod keys;
mod losses;
mod row_counts;
pub(crate) mod witness;

pub use columns::same_type;
pub use contents::{Contents, ContentsDifference};
pub(crate) use foreign_keys::does_the_same;

use crate::config::Config;
use crate::error::Error;
use crate::facts::{CheckOutcome, MeasureFacts};
use crate::run::Run;
use mssql2pg_catalog::{Finding, Table, TableMeasures};
use mssql2pg_mapping::TablePlan;
use mssql2pg_mapping::encode::{Loss, merge_losses};
use mssql2pg_sources::{Source, Split};
use mssql2pg_target::{Connection, SplitRow, TargetError};

/// A check of one table.
pub struct TableCheck {
    /// Its stable name.
    pub name: &'static str,
    /// What it compares: one sentence for the manual.
    pub manual: &'static str,
    /// What to do when it fails: one sentence without a period.
    pub advice: &'static str,
    /// Compares.
    pub run: fn(&mut TableContext<'_>) -> Result<Compared, Error>,
}

/// All checks, in order: contents first, since it counts the rows that others speak of.
pub static ALL: &[TableCheck] = &[
    contents::CHECK,
    row_counts::CHECK,
    witness::CHECK,
    losses::CHECK,
    columns::CHECK,
    defaults::CHECK,
    expressions::CHECK,
    keys::CHECK,
    indexes::CHECK,
    foreign_keys::CHECK,
    identity::CHECK,
];

/// What to do when the check of this name failed on a table of which `rejected` rows are in `rejects/`; none for
/// a check that this version does not have.
pub fn advice(check: &str, rejected: u64) -> Option<&'static str> {
    // Rows that were rejected are why counts differ, and only settings or the source can change that.
    if check == row_counts::CHECK.name && rejected > 0 {
        return Some(row_counts::REJECTED_ADVICE);
    }
    ALL.iter().find(|known| known.name == check).map(|known| known.advice)
}

/// What a check found.
pub struct Compared {
    /// Whether both ends agree.
    pub passed: bool,
    /// What was compared, or what differs: one sentence without a period.
    pub detail: String,
}

impl Compared {
    fn equal(detail: impl Into<String>) -> Self {
        Self { passed: true, detail: detail.into() }
    }

    fn different(detail: impl Into<String>) -> Self {
        Self { passed: false, detail: detail.into() }
    }

    /// Passed if nothing is in `differences`, which are then listed.
    fn none_of(differences: Vec<String>, otherwise: impl Into<String>) -> Self {
        if differences.is_empty() { Self::equal(otherwise) } else { Self::different(differences.join("; ")) }
    }

    /// With the check's name.
    pub fn outcome(self, check: &TableCheck) -> CheckOutcome {
        CheckOutcome { check: check.name.to_owned(), passed: self.passed, detail: self.detail }
    }
}

impl TableCheck {
    /// Compares. What PostgreSQL cannot give as planned (a table or column that is gone, no right to read it) is a
    /// difference of this table and not the end of all.
    ///
    /// # Errors
    /// When an end cannot be reached or read.
    pub(crate) fn compare(&self, context: &mut TableContext<'_>) -> Result<CheckOutcome, Error> {
        let compared = match (self.run)(context) {
            Err(Error::Target { source, .. }) if source.is_of_object() => {
                Compared::different(format!("cannot be compared as planned: {}", source.brief()))
            }
            other => other?,
        };
        Ok(compared.outcome(self))
    }
}

/// What the checks of one table are given.
pub struct TableContext<'a> {
    /// The run.
    pub run: &'a Run,
    /// All settings.
    pub config: &'a Config,
    /// What the phase finish has found; empty for a target that the run has not made.
    pub finished: &'a [Finding],
    /// The table in the source.
    pub table: &'a Table,
    /// The plan for it.
    pub plan: &'a TablePlan,
    /// Its ledger rows.
    pub splits: &'a [SplitRow],
    /// Rows that the audit counted.
    pub baseline_rows: Option<u64>,
    /// What the audit measured.
    pub baseline_measures: Option<&'a TableMeasures>,
    /// Whether the source's own engine did.
    pub measured_by_server: bool,
    /// What the target measured while its rows were read back, of large tables.
    pub measured_ahead: Option<Result<TableMeasures, TargetError>>,
    /// The source, read again only when contents differ; none when it is not at hand.
    pub source: Option<&'a dyn Source>,
    /// Its splits in the source; empty when that is not at hand.
    pub source_splits: Vec<Split>,
    /// The target's connection.
    pub connection: &'a mut Connection,
    /// How each column that COPY fills is read as the planned type, as SQL; none where it has that type.
    pub reads: Option<Vec<String>>,
    /// What [`contents`](self) found; none before it ran.
    pub contents: Option<Contents>,
    /// What the second witness compared; none where it did not.
    pub measures: Option<MeasureFacts>,
}

/// Whether the next number of a sequence lies beyond one that is given out. `RESTART WITH` leaves a sequence at the number
/// that comes next; after `nextval` and `setval` it stands at the last one.
pub(crate) fn next_is_beyond(stands_at: i64, is_called: bool, increment: i64, given_out: i64) -> bool {
    let next = i128::from(stands_at) + if is_called { i128::from(increment) } else { 0 };
    let given_out = i128::from(given_out);
    if increment < 0 { next < given_out } else { next > given_out }
}

/// What was altered on the way in these splits.
///
/// # Errors
/// When the ledger holds what this version cannot read: that must not count as no loss.
pub(crate) fn losses_of(splits: &[SplitRow]) -> Result<Vec<Loss>, Error> {
    let mut losses = Vec::new();
    for split in splits.iter().filter(|split| !split.losses.is_null()) {
        let of_split: Vec<Loss> = serde_json::from_value(split.losses.clone()).map_err(|_| {
            Error::run(
                format!("the ledger's losses of {} (split {}) are not ours", split.table, split.split + 1),
                "use the version that loaded the rows, or start over with --if-exists replace and another run folder",
            )
        })?;
        merge_losses(&mut losses, &of_split);
    }
    Ok(losses)
}

impl TableContext<'_> {
    /// Rows that were sent and committed.
    pub fn loaded_rows(&self) -> u64 {
        self.splits.iter().map(|split| split.rows).sum()
    }

    /// What was altered on the way, of all splits.
    fn losses(&self) -> Result<Vec<Loss>, Error> {
        losses_of(self.splits)
    }

    /// Whether keys of rows may be named.
    fn names_keys(&self) -> bool {
        self.run.names_keys(self.config)
    }

    /// What the phase finish has found about that object of the table.
    fn told(&self, source: &str) -> impl Iterator<Item = &Finding> {
        let object = format!("{}.{source}", self.plan.source);
        self.finished.iter().filter(move |finding| finding.object == object)
    }

    /// Whether it has found anything about it.
    fn is_told(&self, source: &str) -> bool {
        self.told(source).next().is_some()
    }

    /// Rows that went to `rejects/`.
    pub fn rejected_rows(&self) -> u64 {
        self.splits.iter().map(|split| split.rejected).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_ahead_by_the_number_that_comes_next() {
        assert!(next_is_beyond(500, true, 1, 500));
        assert!(!next_is_beyond(500, false, 1, 500) && !next_is_beyond(499, true, 1, 500));
        assert!(next_is_beyond(501, false, 1, 500));
        assert!(next_is_beyond(-7, true, -1, -7) && !next_is_beyond(-7, false, -1, -7));
        assert!(next_is_beyond(i64::MAX, true, 1, i64::MAX));
    }

    #[test]
    fn losses_that_cannot_be_read_are_an_error_and_not_none() {
        let split = |losses| SplitRow {
            table: "public.t".to_owned(),
            split: 0,
            rows: 1,
            rejected: 0,
            bytes: 0,
            digest: String::new(),
            losses,
            seconds: 0.0,
        };
        let known = serde_json::json!([{"column": "At", "kind": "fraction-cut", "count": 2, "samples": []}]);
        assert_eq!(losses_of(&[split(known), split(serde_json::Value::Null)]).unwrap()[0].count, 2);
        let unknown = serde_json::json!([{"column": "At", "kind": "of-tomorrow", "count": 2, "samples": []}]);
        assert!(losses_of(&[split(unknown)]).is_err());
    }

    #[test]
    fn every_check_has_advice_and_rejected_rows_have_their_own() {
        for check in ALL {
            let found = advice(check.name, 0).unwrap();
            assert!(found.len() > 20 && !found.ends_with('.'), "{}", check.name);
        }
        assert!(advice("row-counts", 7).unwrap().contains("text.nul"));
        assert_ne!(advice("row-counts", 7), advice("row-counts", 0));
        assert_eq!(advice("contents", 7), advice("contents", 0));
        assert_eq!(advice("no such check", 7), None);
    }
}

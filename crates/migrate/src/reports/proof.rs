//! What a run has proven, in words: by how many witnesses contents are equal, which rows differ, and
//! by whose leave a value was altered. Shared by the verdict and by the reports for people.
//!
//! Invariant: nothing is called proven that was not compared. Where the second witness did not compare
//! every column of every table, one witness is claimed and the rest is counted.
//!
//! To extend: a new witness changes [`contents_clause`]; a new way to lose something must say in
//! [`declared_by`] what allows it.

use super::figures::{contents_equal, count, counted};
use crate::facts::{DifferenceKind, Differences, MeasureFacts, SplitDifference, TableFacts};
use mssql2pg_mapping::encode::LossKind;
use serde::Serialize;

/// How many tables each witness has found equal.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Witnesses {
    /// All tables.
    pub(super) tables: u64,
    /// Tables whose digests of rows sent and read back are equal.
    pub(super) first: u64,
    /// Tables of which all measures are equal.
    pub(super) second: u64,
    /// Columns of those of which only the NULLs could be compared.
    pub(super) counted_only: u64,
    /// Measures that are equal, over all tables.
    pub(super) equal_measures: u64,
    /// Measures that differ, over all tables.
    pub(super) different_measures: u64,
}

/// Adds up what the witnesses say.
pub(super) fn witnesses(tables: &[TableFacts]) -> Witnesses {
    let mut sums = Witnesses { tables: tables.len() as u64, ..Witnesses::default() };
    for table in tables {
        sums.first += u64::from(contents_equal(table) == Some(true));
        let Some(measures) = &table.measures else { continue };
        sums.equal_measures = sums.equal_measures.saturating_add(measures.equal);
        sums.different_measures = sums.different_measures.saturating_add(measures.different);
        if measures.different == 0 {
            sums.second += 1;
            sums.counted_only += measures.counted_only.len() as u64;
        }
    }
    sums
}

/// The clause of the verdict about contents: `contents proven equal by two witnesses`. For tables that
/// have all passed validation.
pub(crate) fn contents_clause(tables: &[TableFacts]) -> String {
    let sums = witnesses(tables);
    if sums.first < sums.tables {
        return format!("contents proven equal in {} of {} tables", count(sums.first), count(sums.tables));
    }
    if sums.second == 0 {
        "contents proven equal by one witness".to_owned()
    } else if sums.second < sums.tables {
        let (second, tables) = (count(sums.second), count(sums.tables));
        format!("contents proven equal by one witness, in {second} of {tables} tables also by a second")
    } else if sums.counted_only > 0 {
        let columns = counted(sums.counted_only, "column");
        format!("contents proven equal by one witness, all but {columns} also by a second")
    } else {
        "contents proven equal by two witnesses".to_owned()
    }
}

/// What the second witness compared in one table: one sentence without a period.
pub(super) fn measured(measures: &MeasureFacts) -> String {
    let MeasureFacts { equal, different, counted_only, by_server: _ } = measures;
    let mut text = format!("{} equal", counted(*equal, "measure"));
    if *different > 0 {
        text.push_str(&format!(", {} different", count(*different)));
    }
    if !counted_only.is_empty() {
        let columns = counted(counted_only.len() as u64, "column");
        text.push_str(&format!("; of {columns} only the NULLs were compared"));
    }
    text
}

/// Who computed the two sides of the second witness: one sentence without a period.
pub(super) fn measured_by(measures: &MeasureFacts) -> &'static str {
    if measures.by_server {
        "measured by SQL Server itself, and by PostgreSQL itself"
    } else {
        "measured by mssql2pg from the values as read, before they were encoded, and by PostgreSQL itself"
    }
}

/// A kind of difference as a word for people.
pub(super) fn difference_word(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Missing => "missing",
        DifferenceKind::Extra => "extra",
        DifferenceKind::Doubled => "doubled",
        DifferenceKind::Changed => "changed",
    }
}

/// `7 rows differ; the first: changed OrderID=7 (Freight)`, without a period; none when no row is known to differ.
pub(super) fn first_difference(differences: Option<&Differences>) -> Option<String> {
    let differences = differences.filter(|differences| differences.total > 0)?;
    let verb = if differences.total == 1 { "differs" } else { "differ" };
    let mut text = format!("{} {verb}", counted(differences.total, "row"));
    if let Some(row) = differences.rows.first() {
        let columns = match row.columns.as_slice() {
            [] => String::new(),
            columns => format!(" ({})", columns.join(", ")),
        };
        text.push_str(&format!("; the first: {} {}{columns}", difference_word(row.kind), row.key));
    }
    Some(text)
}

/// What a split is called: `split 3`, or `only in the target`.
pub(super) fn split_name(split: &SplitDifference) -> String {
    match split.split {
        Some(number) => format!("split {}", count(u64::from(number))),
        None => "only in the target".to_owned(),
    }
}

/// What the source says of a split that was read again; none where nothing is known.
pub(super) fn read_again(split: &SplitDifference) -> Option<&'static str> {
    Some(if split.is_as_sent? { "as it was sent" } else { "changed in the source since" })
}

/// By whose leave values are altered in this way.
pub(super) fn declared_by(kind: LossKind) -> &'static str {
    match kind {
        LossKind::NulReplaced | LossKind::NulStripped => "the setting text.nul",
        LossKind::InvalidTextReplaced | LossKind::InvalidTextStripped => "the setting text.invalid",
        LossKind::FractionCut | LossKind::OffsetDropped | LossKind::XmlDeclarationDropped => {
            "the type's row in the type table"
        }
        LossKind::Trimmed
        | LossKind::EmptyToNull
        | LossKind::Lowered
        | LossKind::Uppered
        | LossKind::FlagToBoolean => "the column's transform",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    fn measured_tables() -> Vec<TableFacts> {
        let mut tables = made_up::validated_run().tables;
        for table in &mut tables {
            let equal = MeasureFacts { equal: 9, ..MeasureFacts::default() };
            table.measures = Some(equal);
        }
        tables
    }

    #[test]
    fn two_witnesses_are_claimed_only_where_both_compared_everything() {
        let mut tables = measured_tables();
        assert_eq!(contents_clause(&tables), "contents proven equal by two witnesses");
        tables[0].measures.as_mut().unwrap().counted_only.push(("Notes".to_owned(), "altered".to_owned()));
        assert_eq!(
            contents_clause(&tables),
            "contents proven equal by one witness, all but 1 column also by a second"
        );
        tables[3].measures = None;
        assert_eq!(
            contents_clause(&tables),
            "contents proven equal by one witness, in 11 of 12 tables also by a second"
        );
        tables.iter_mut().for_each(|table| table.measures = None);
        assert_eq!(contents_clause(&tables), "contents proven equal by one witness");
        tables[5].digest_read = None;
        assert_eq!(contents_clause(&tables), "contents proven equal in 11 of 12 tables");
    }

    #[test]
    fn a_measure_that_differs_is_no_testimony() {
        let mut tables = measured_tables();
        tables[0].measures = Some(MeasureFacts { equal: 8, different: 1, ..MeasureFacts::default() });
        let sums = witnesses(&tables);
        assert_eq!((sums.second, sums.different_measures, sums.equal_measures), (11, 1, 107));
        assert_eq!(measured(tables[0].measures.as_ref().unwrap()), "8 measures equal, 1 different");
    }

    #[test]
    fn the_first_row_that_differs_is_named() {
        let failed = made_up::failed_run();
        let texts: Vec<String> =
            failed.tables.iter().filter_map(|table| first_difference(table.differences.as_ref())).collect();
        assert_eq!(texts, ["14 rows differ; the first: changed OrderID=10251 (Freight)"]);
    }
}

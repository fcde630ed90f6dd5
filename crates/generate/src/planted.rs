//! What was planted: defects at known rows, and the exact truth about the generated database.
//!
//! Invariant: where a defect stands is arithmetic ([`Planting`]), not a memory of what was written;
//! the rows of a table that carry two different defects never meet.
//!
//! To extend: a new kind of defect is a slot in [`crate::shop::Defects`] and an entry in its list.

use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The truth about a generated database, as `<file>.planted.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    /// The seed that it was made from.
    pub seed: u64,
    /// Rows by table, `dbo.Customers`; empty tables included.
    pub rows: BTreeMap<String, u64>,
    /// Rows of all tables.
    pub total_rows: u64,
    /// NULLs by nullable stored column, `dbo.Customers.Email`; columns without any included.
    pub nulls: BTreeMap<String, u64>,
    /// Everything that is wrong with the data.
    pub defects: Vec<Defect>,
    /// The last identity value by column, `dbo.Orders.OrderID`; columns of empty tables are absent.
    pub identity_last_values: BTreeMap<String, i64>,
    /// Columns whose dates rightly lie in the future, `dbo.Orders.RequiredDate`.
    pub expected_future: Vec<String>,
}

/// One kind of defect in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// What is wrong.
    pub code: DefectCode,
    /// The table, `dbo.Customers`.
    pub table: String,
    /// The columns that are wrong together; one but for keys of several columns.
    pub columns: Vec<String>,
    /// The constraint that the rows break, if there is one.
    pub constraint: Option<String>,
    /// How many rows.
    pub count: u64,
    /// The keys of the first ten of them, `CustomerID=17`.
    pub keys: Vec<String>,
}

/// The kinds of planted defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefectCode {
    /// NULL in a nullable column that the business cannot do without.
    NullInCriticalField,
    /// Text in an e-mail column that is no e-mail address.
    InvalidEmail,
    /// A reference to a row that does not exist, under a foreign key the server does not trust.
    OrphanedForeignKey,
    /// A date years ahead in a column that tells the past.
    FutureDate,
    /// U+0000 in text, which PostgreSQL does not store.
    NulCharacter,
    /// Half of a surrogate pair in text, which UTF-8 cannot express.
    LoneSurrogate,
    /// 100 ns digits, which PostgreSQL's microseconds cannot hold.
    FractionCut,
}

/// At which rows of a table a defect stands: `first`, `first + step`, … `count` times. Row numbers
/// count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planting {
    first: u64,
    step: u64,
    count: u64,
}

impl Planting {
    /// Nowhere.
    pub(crate) const NONE: Self = Self { first: 0, step: 1, count: 0 };

    /// One row in a thousand, at least three, spread over a table of `rows` rows. `slot` of `slots`
    /// keeps the defects of one table apart; a table has at least three times `slots` rows.
    pub(crate) fn spread(seed: u64, rows: u64, slot: u64, slots: u64) -> Self {
        let count = (rows / 1000).max(3);
        let step = (rows / count).max(1);
        let room = (step / slots).max(1);
        let first = slot * room + Random::of_row(seed, rows, slot).below(room);
        Self { first, step, count }
    }

    /// Which of the defective rows `row` is, if it is one.
    pub(crate) fn place(self, row: u64) -> Option<u64> {
        let distance = row.checked_sub(self.first)?;
        let place = distance / self.step;
        (distance % self.step == 0 && place < self.count).then_some(place)
    }

    /// Whether `row` is defective.
    pub(crate) fn holds(self, row: u64) -> bool {
        self.place(row).is_some()
    }

    /// How many rows are defective.
    pub(crate) fn count(self) -> u64 {
        self.count
    }

    /// The defective rows in order.
    pub(crate) fn rows(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |place| self.first + place * self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defects_of_one_table_stand_apart_and_inside_it() {
        for rows in [12, 60, 999, 1000, 3001, 250_000] {
            let plantings: Vec<Planting> = (0..4).map(|slot| Planting::spread(9, rows, slot, 4)).collect();
            let mut all: Vec<u64> = plantings.iter().flat_map(|planting| planting.rows()).collect();
            let expected = plantings.iter().map(|planting| planting.count()).sum::<u64>();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len() as u64, expected, "{rows} rows");
            assert!(all.iter().all(|row| *row < rows), "{rows} rows");
            for planting in plantings {
                let found: Vec<u64> = (0..rows).filter(|row| planting.holds(*row)).collect();
                assert_eq!(found, planting.rows().collect::<Vec<_>>());
            }
        }
        assert_eq!(Planting::NONE.rows().count(), 0);
        assert!(!Planting::NONE.holds(0));
    }
}

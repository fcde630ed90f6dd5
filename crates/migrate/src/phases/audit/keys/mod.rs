//! Sets of keys: which references have no row to refer to, and which keys would be one if case did not matter.
//!
//! Keys are compared as 128-bit hashes (`hash`), kept in bounded memory and on disk beyond that (`store`), and compared
//! when every row has passed (`compare`): a reference may come long before its row does.
//!
//! Invariant: two keys have one hash exactly when the given way of spelling takes them for equal; that two others meet in
//! 128 bits is less likely than that a disk errs.

mod compare;
mod hash;
mod held;
mod store;

pub(super) use compare::{missing, repeated};
pub(super) use hash::{RowHashes, Spelling};
pub(super) use held::Held;
pub(super) use store::{Key, KeyStore};

use mssql2pg_catalog::{Catalog, Table};

/// One set of keys that the pass collects: some columns of a table in one way of spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeySet {
    /// The table's place in the catalog.
    pub(super) table: usize,
    /// Places among its stored columns.
    pub(super) columns: Vec<usize>,
    /// What counts as equal.
    pub(super) spelling: Spelling,
}

/// All sets that the checks want, each once.
#[derive(Debug, Default)]
pub(super) struct KeySets(Vec<KeySet>);

impl KeySets {
    /// The number of the set over these columns; none if one of them is computed, so that no source delivers it.
    pub(super) fn number(
        &mut self,
        catalog: &Catalog,
        table: usize,
        columns: &[String],
        spelling: Spelling,
    ) -> Option<usize> {
        let columns = places(catalog.tables.get(table)?, columns)?;
        let wanted = KeySet { table, columns, spelling };
        Some(self.0.iter().position(|known| *known == wanted).unwrap_or_else(|| {
            self.0.push(wanted);
            self.0.len() - 1
        }))
    }

    /// The number here of a set of other sets.
    pub(super) fn copied(&mut self, other: &Self, number: usize) -> Option<usize> {
        self.0.push(other.0.get(number)?.clone());
        Some(self.0.len() - 1)
    }

    /// All of them.
    pub(super) fn all(&self) -> &[KeySet] {
        &self.0
    }

    /// Those of one table, with their numbers.
    pub(super) fn of_table(&self, table: usize) -> Vec<(usize, &KeySet)> {
        self.0.iter().enumerate().filter(|(_, set)| set.table == table).collect()
    }
}

/// Where columns stand among the stored ones.
fn places(table: &Table, columns: &[String]) -> Option<Vec<usize>> {
    columns.iter().map(|name| table.stored_columns().position(|column| column.name == *name)).collect()
}

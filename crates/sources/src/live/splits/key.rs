//! Which key a table is cut along.

use super::value;
use mssql2pg_catalog::{Column, IndexColumn, IndexKind, Table};

/// Deeper than this nobody has large groups of equal keys.
const MOST_COLUMNS: usize = 4;

/// An index that the rows of a table can be found by.
#[derive(Debug, Clone)]
pub(super) struct Key<'a> {
    /// The index's name, which its statistics share; none when the server made it up and nobody has told us.
    pub(super) name: Option<&'a str>,
    /// Its first columns that can be cut into ranges; at least one.
    pub(super) columns: Vec<&'a Column>,
    /// Whether the table itself lies in its order, so that a range is read without a detour.
    pub(super) clustered: bool,
    /// Whether the smallest and the largest value are found by a seek.
    pub(super) seekable: bool,
}

/// The best key of a table; none for a heap without an index, and where no index begins with a column that can be cut.
///
/// An index that orders the table comes first, even before a primary key that does not: each range of another index
/// costs a look-up per row, or a scan of the whole table, as the server likes.
pub(super) fn choose(table: &Table) -> Option<Key<'_>> {
    let in_memory = has_trait(table, "memory-optimized");
    let primary = table.primary_key.iter().map(|key| (0, key));
    let keys = primary.chain(table.unique.iter().map(|key| (1, key))).filter_map(|(rank, key)| {
        let columns = usable(table, &key.columns)?;
        // Nobody tells whether such a key is a hash index, which knows no order.
        let seekable = !in_memory;
        Some((rank, Key { name: key.name.as_deref(), columns, clustered: key.clustered, seekable }))
    });
    let indexes = table.indexes.iter().filter_map(|index| {
        if index.kind != IndexKind::BTree || index.filter.is_some() || index.disabled {
            return None;
        }
        let columns = usable(table, &index.columns)?;
        let rank = if index.unique { 2 } else { 3 };
        Some((rank, Key { name: Some(&index.name), columns, clustered: index.clustered, seekable: true }))
    });
    let (_, mut key) = keys.chain(indexes).min_by_key(|(rank, key)| (!key.clustered, *rank))?;
    // The smallest value of all partitions together costs SQL Server a scan of the index.
    key.seekable &= !has_trait(table, "partitioned");
    key.clustered |= in_memory;
    Some(key)
}

fn has_trait(table: &Table, name: &str) -> bool {
    table.traits.iter().any(|one| one == name)
}

fn usable<'a>(table: &'a Table, columns: &[IndexColumn]) -> Option<Vec<&'a Column>> {
    let found = columns.iter().map_while(|column| table.column(&column.name));
    let columns: Vec<&Column> =
        found.take_while(|column| value::form(column).is_some()).take(MOST_COLUMNS).collect();
    (!columns.is_empty()).then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Computed, Index, Key as Constraint, SqlType};

    fn columns(names: &[&str]) -> Vec<IndexColumn> {
        names.iter().map(|name| IndexColumn { name: (*name).to_owned(), descending: true }).collect()
    }

    fn index(name: &str, names: &[&str]) -> Index {
        Index {
            name: name.to_owned(),
            kind: IndexKind::BTree,
            unique: false,
            clustered: false,
            columns: columns(names),
            included: Vec::new(),
            filter: None,
            disabled: false,
        }
    }

    fn heap() -> Table {
        let computed = Some(Computed { text: "1".to_owned(), persisted: true });
        Table {
            columns: vec![
                Column::new("a", SqlType::Int),
                Column::new("b", SqlType::Int),
                Column::new("flag", SqlType::Bit),
                Column { computed, ..Column::new("sum", SqlType::Int) },
            ],
            ..Table::default()
        }
    }

    fn primary(names: &[&str], clustered: bool) -> Option<Constraint> {
        Some(Constraint { name: Some("PK".to_owned()), columns: columns(names), clustered })
    }

    #[test]
    fn the_index_that_orders_the_table_comes_first() {
        let check = |table: Table, expected: Option<(&str, &[&str])>| {
            let found = choose(&table);
            let names = found.as_ref().map(|key| {
                let names: Vec<&str> = key.columns.iter().map(|column| column.name.as_str()).collect();
                (key.name.unwrap_or_default(), names)
            });
            assert_eq!(names, expected.map(|(name, columns)| (name, columns.to_vec())));
        };
        check(heap(), None);
        check(Table { primary_key: primary(&["a", "b"], true), ..heap() }, Some(("PK", &["a", "b"])));
        let clustered = Index { clustered: true, ..index("CX", &["b"]) };
        let both = vec![clustered, index("IX", &["a"])];
        check(
            Table { primary_key: primary(&["a"], false), indexes: both.clone(), ..heap() },
            Some(("CX", &["b"])),
        );
        check(Table { indexes: vec![index("IX", &["a"])], ..heap() }, Some(("IX", &["a"])));
        let unique = Index { unique: true, ..index("UX", &["b", "flag", "a"]) };
        check(Table { indexes: vec![index("IX", &["a"]), unique], ..heap() }, Some(("UX", &["b"])));
        check(Table { primary_key: primary(&["flag", "a"], true), ..heap() }, None);
        check(Table { primary_key: primary(&["sum"], true), ..heap() }, None);
        let filter = Some("[a] > 1".to_owned());
        for bad in [
            Index { filter, ..index("IX", &["a"]) },
            Index { disabled: true, ..index("IX", &["a"]) },
            Index { kind: IndexKind::Hash, ..index("IX", &["a"]) },
            Index { kind: IndexKind::Columnstore, clustered: true, ..index("IX", &[]) },
        ] {
            check(Table { indexes: vec![bad], ..heap() }, None);
        }
    }

    #[test]
    fn ends_are_not_asked_for_where_they_would_cost_a_scan() {
        let seekable = |name: &str, indexes: Vec<Index>| {
            let table = Table {
                primary_key: primary(&["a"], false),
                indexes,
                traits: vec![name.to_owned()],
                ..heap()
            };
            choose(&table).map(|key| key.seekable)
        };
        assert_eq!(seekable("system-versioned", Vec::new()), Some(true));
        assert_eq!(seekable("partitioned", Vec::new()), Some(false));
        assert_eq!(seekable("memory-optimized", Vec::new()), Some(false));
    }
}

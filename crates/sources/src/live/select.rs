//! The `select` that reads a table, and how its columns come back into the table's order.
//!
//! Invariant: every value travels in a form that loses nothing, and what is large stands last, so that the client can
//! take all other columns from its buffer.

use super::quote;
use mssql2pg_catalog::{CodePage, Column, Length, SqlType, Table};
use std::collections::HashMap;

/// Code page numbers by the name of a collation.
pub(crate) type CodePages = HashMap<String, u16>;

/// What a column of the result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireColumn {
    /// The value of a stored column, counted from 0; characters that are not UTF-16 are in this code page.
    Value {
        /// The place among [`Table::stored_columns`].
        stored: usize,
        /// The page, 65001 for UTF-8.
        page: CodePage,
    },
    /// The declared length in bytes of the `sql_variant` that stands next.
    VariantLength,
}

/// A `select` without its condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Select {
    /// `select …, … from [s].[t]`.
    pub(crate) sql: String,
    /// What each column of the result is, in order.
    pub(crate) columns: Vec<WireColumn>,
    /// How many stored columns the table has.
    pub(crate) stored: usize,
}

/// The page of text whose collation nobody has told us: then the server's answer lacks it, and Latin text is likeliest.
pub(super) const UNTOLD_PAGE: u16 = 1252;

/// The `select` of all stored columns of `table`.
pub(crate) fn select(table: &Table, pages: &CodePages, database_collation: Option<&str>) -> Select {
    let mut items: Vec<(bool, usize, &Column)> = table
        .stored_columns()
        .enumerate()
        .map(|(stored, column)| (is_large(column), stored, column))
        .collect();
    let stored = items.len();
    // Stable: each half keeps the table's order.
    items.sort_by_key(|(large, ..)| *large);
    let mut columns = Vec::new();
    let mut list = Vec::new();
    for (_, stored, column) in items {
        let name = quote(&column.name);
        if column.sql_type == SqlType::SqlVariant {
            list.push(format!("cast(sql_variant_property({name}, 'MaxLength') as int)"));
            columns.push(WireColumn::VariantLength);
        }
        list.push(item(column, &name));
        let collation = column.collation.as_deref().or(database_collation);
        let page = collation.and_then(|collation| pages.get(collation)).copied();
        columns.push(WireColumn::Value {
            stored,
            page: CodePage(page.filter(|page| *page != 0).unwrap_or(UNTOLD_PAGE)),
        });
    }
    let sql =
        format!("select {} from {}.{}", list.join(", "), quote(&table.name.schema), quote(&table.name.name));
    Select { sql, columns, stored }
}

/// The columns that may hold more than a page: the client reads them piece by piece.
fn is_large(column: &Column) -> bool {
    matches!(
        &column.sql_type,
        SqlType::VarChar { length: Length::MAX }
            | SqlType::NVarChar { length: Length::MAX }
            | SqlType::VarBinary { length: Length::MAX }
            | SqlType::Text
            | SqlType::NText
            | SqlType::Image
            | SqlType::Xml
            | SqlType::Json
            | SqlType::Vector { .. }
            | SqlType::Geography
            | SqlType::Geometry
            | SqlType::Unknown { .. }
    )
}

fn item(column: &Column, name: &str) -> String {
    if column.encrypted {
        return name.to_owned();
    }
    match &column.sql_type {
        // The client refuses the old types above 100 MB.
        SqlType::Text => format!("cast({name} as varchar(max))"),
        SqlType::NText => format!("cast({name} as nvarchar(max))"),
        SqlType::Image => format!("cast({name} as varbinary(max))"),
        // CLR types in their own serialisation, which is what their bytes are in storage, too.
        SqlType::HierarchyId => format!("cast({name} as varbinary(892))"),
        SqlType::Geography | SqlType::Geometry | SqlType::Unknown { .. } => {
            format!("cast({name} as varbinary(max))")
        }
        // As text: what a client gets otherwise depends on what it has said that it understands.
        SqlType::Json | SqlType::Vector { .. } => format!("cast({name} as nvarchar(max))"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Computed, ObjectName};

    #[test]
    fn large_columns_stand_last_and_find_their_place_again() {
        let check = |columns: Vec<Column>, expected: &str, order: &[usize]| {
            let table = Table { name: ObjectName::new("dbo", "a]b"), columns, ..Table::default() };
            let select = select(&table, &CodePages::new(), None);
            assert_eq!(select.sql, format!("select {expected} from [dbo].[a]]b]"));
            let found: Vec<usize> = select
                .columns
                .iter()
                .filter_map(|column| match column {
                    WireColumn::Value { stored, .. } => Some(*stored),
                    WireColumn::VariantLength => None,
                })
                .collect();
            assert_eq!(found, order);
        };
        let column = |name: &str, sql_type| Column::new(name, sql_type);
        check(
            vec![
                column("a", SqlType::Int),
                column("b", SqlType::NVarChar { length: Length::MAX }),
                column("c", SqlType::Text),
                column("d", SqlType::Bit),
            ],
            "[a], [d], [b], cast([c] as varchar(max))",
            &[0, 3, 1, 2],
        );
        check(
            vec![
                Column {
                    computed: Some(Computed { text: "1".into(), persisted: false }),
                    ..column("x", SqlType::Int)
                },
                column("v", SqlType::SqlVariant),
                column("h", SqlType::HierarchyId),
            ],
            "cast(sql_variant_property([v], 'MaxLength') as int), [v], cast([h] as varbinary(892))",
            &[0, 1],
        );
    }

    #[test]
    fn text_is_read_in_the_page_that_the_server_names() {
        let mut greek = Column::new("a", SqlType::VarChar { length: Length::limited(9) });
        greek.collation = Some("Greek_CI_AS".to_owned());
        let plain = Column::new("b", SqlType::VarChar { length: Length::limited(9) });
        let table =
            Table { name: ObjectName::new("s", "t"), columns: vec![greek, plain], ..Table::default() };
        let pages = CodePages::from([("Greek_CI_AS".to_owned(), 1253), ("Thai_CI_AS".to_owned(), 874)]);
        let pages = select(&table, &pages, Some("Thai_CI_AS")).columns;
        let expected =
            [(0, 1253), (1, 874)].map(|(stored, page)| WireColumn::Value { stored, page: CodePage(page) });
        assert_eq!(pages, expected);
    }
}

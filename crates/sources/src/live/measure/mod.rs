//! The measures of a table's columns, computed by the server in T-SQL: the second witness.
//!
//! `numbers.rs`, `moments.rs` and `texts.rs` have for each kind of column the items of a select list, and how their values
//! become measures. The definitions stand in [`mssql2pg_catalog::Measure`].
//!
//! Invariant: every measure is exact on each version from 2012 on; one that cannot be is absent. No sum overflows: what
//! is summed is cast to a type, or cut into parts, in which 10^18 rows fit.
//!
//! To extend: an arm in [`Kind::of`] with its items and its reader.

mod moments;
mod numbers;
mod texts;

pub(super) use numbers::number_text;

use super::cells::Cell;
use super::quote;
use super::select::CodePages;
use mssql2pg_catalog::{Column, ColumnMeasures, Measure, MeasureKind, SqlType, Table, TableMeasures};
use std::collections::BTreeMap;

/// The measures of one column.
type Measures = BTreeMap<Measure, String>;

/// How a table is measured.
pub(super) struct Measuring {
    /// `count_big(*)`, then the items of each column in order.
    items: Vec<String>,
    columns: Vec<(Kind, usize)>,
}

/// How a column is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number(numbers::Number),
    Moment(moments::Moment),
    Text(texts::Text),
    /// Only its NULLs are counted.
    Presence,
}

impl Kind {
    fn of(column: &Column, pages: &CodePages, database_collation: Option<&str>) -> Self {
        use numbers::Number;
        use texts::Text;
        if column.encrypted {
            return Self::Presence;
        }
        match MeasureKind::of(&column.sql_type) {
            MeasureKind::Flag => Self::Number(Number::Flag),
            MeasureKind::Number { scale } => Self::Number(Number::exact(&column.sql_type, scale)),
            MeasureKind::Float => Self::Number(Number::Float),
            MeasureKind::Real => Self::Number(Number::Real),
            MeasureKind::Date => Self::Moment(moments::Moment::Date),
            MeasureKind::Time => Self::Moment(moments::Moment::Time),
            MeasureKind::Moment if column.sql_type == SqlType::DateTime => {
                Self::Moment(moments::Moment::Thirds)
            }
            MeasureKind::Moment => Self::Moment(moments::Moment::Local),
            MeasureKind::Instant => Self::Moment(moments::Moment::Instant),
            MeasureKind::Text | MeasureKind::PaddedText => {
                let collation = column.collation.as_deref().or(database_collation);
                let page = collation.and_then(|collation| pages.get(collation)).copied();
                Text::of(&column.sql_type, page).map_or(Self::Presence, Self::Text)
            }
            MeasureKind::Bytes => Self::Text(Text::Bytes),
            MeasureKind::Guid => Self::Text(Text::Guid),
            MeasureKind::Presence => Self::Presence,
        }
    }

    fn items(self, column: &Column) -> Vec<String> {
        let name = quote(&column.name);
        match self {
            Self::Number(number) => number.items(&name),
            Self::Moment(moment) => moment.items(&name),
            Self::Text(text) => text.items(&name, &column.sql_type),
            Self::Presence => Vec::new(),
        }
    }

    /// None when the cells are not what the items give.
    fn read(self, cells: &[Cell]) -> Option<Measures> {
        match self {
            Self::Number(number) => number.read(cells),
            Self::Moment(moment) => moment.read(cells),
            Self::Text(text) => text.read(cells),
            Self::Presence => Some(Measures::new()),
        }
    }
}

impl Measuring {
    /// For the stored columns of `table`.
    pub(super) fn new(table: &Table, pages: &CodePages, database_collation: Option<&str>) -> Self {
        let mut items = vec!["count_big(*)".to_owned()];
        let mut columns = Vec::new();
        for column in table.stored_columns() {
            let kind = Kind::of(column, pages, database_collation);
            let own = kind.items(column);
            columns.push((kind, own.len()));
            // Unlike `count_big`, this takes every type, the old ones and those of the CLR among them.
            items.push(counted(&format!("{} is null", quote(&column.name))));
            items.extend(own);
        }
        Self { items, columns }
    }

    /// What is selected.
    pub(super) fn items(&self) -> &[String] {
        &self.items
    }

    /// What was measured; none when the cells are not what the items give.
    pub(super) fn read(&self, cells: &[Cell]) -> Option<TableMeasures> {
        let (rows, mut rest) = cells.split_first()?;
        let mut measured = TableMeasures { rows: count(rows)?, columns: Vec::new() };
        for (kind, items) in &self.columns {
            let (nulls, after) = rest.split_first()?;
            let (own, after) = after.split_at_checked(*items)?;
            rest = after;
            measured.columns.push(ColumnMeasures { nulls: count(nulls)?, measures: kind.read(own)? });
        }
        rest.is_empty().then_some(measured)
    }
}

/// An item that counts the rows that meet a condition; NULL where there are no rows.
fn counted(condition: &str) -> String {
    format!("sum(case when {condition} then cast(1 as bigint) else 0 end)")
}

/// A count; 0 for NULL.
fn count(cell: &Cell) -> Option<u64> {
    u64::try_from(whole(cell)?).ok()
}

/// A whole number; 0 for NULL.
fn whole(cell: &Cell) -> Option<i128> {
    match cell {
        Cell::Null => Some(0),
        Cell::Int(number) => Some(i128::from(*number)),
        Cell::Decimal { unscaled, scale: 0 } => Some(*unscaled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Length, ObjectName};

    #[test]
    fn cells_that_do_not_fit_the_items_are_no_measures() {
        let columns = vec![Column::new("a", SqlType::Int), Column::new("b", SqlType::Xml)];
        let table = Table { name: ObjectName::new("s", "t"), columns, ..Table::default() };
        let measuring = Measuring::new(&table, &CodePages::new(), None);
        assert_eq!(measuring.items().len(), 6);
        let sum = Cell::Decimal { unscaled: 7, scale: 0 };
        let cells = [Cell::Int(2), Cell::Int(1), Cell::Int(7), Cell::Int(7), sum, Cell::Int(2)];
        let measured = measuring.read(&cells).expect("measures");
        assert_eq!((measured.rows, measured.columns[0].nulls, measured.columns[1].nulls), (2, 1, 2));
        assert_eq!(measured.columns[0].measures[&Measure::Sum], "7");
        assert_eq!(measuring.read(&cells[..5]), None);
        let mut odd = cells.clone();
        odd[2] = Cell::Text("7".to_owned());
        assert_eq!(measuring.read(&odd), None);
    }

    #[test]
    fn ciphertext_and_text_of_an_unknown_page_are_only_counted() {
        let text = Column::new("a", SqlType::VarChar { length: Length::limited(9) });
        let secret = Column { encrypted: true, ..Column::new("b", SqlType::Int) };
        let kind = |column: &Column, pages: &CodePages| Kind::of(column, pages, Some("Latin1_General_CI_AS"));
        let pages = CodePages::from([("Latin1_General_CI_AS".to_owned(), 1252)]);
        assert_eq!(kind(&text, &CodePages::new()), Kind::Presence);
        assert_ne!(kind(&text, &pages), Kind::Presence);
        assert_eq!(kind(&secret, &pages), Kind::Presence);
    }
}

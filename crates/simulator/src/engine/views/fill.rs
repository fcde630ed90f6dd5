//! Rows of the views, from a catalog.
//!
//! Invariant: a cell goes to a column that the view has in some version; one that it does not have in this version is
//! left out, and a column that nobody fills has its default. To extend: a function in the file of the family, called
//! in [`Fill::all`].

use super::cell::Cell;
use super::definition::OpenView;
use super::facts::DatabaseFacts;
use super::names::{Names, kind_words};
use super::{
    columns, indexes, keys, modules, objects, others, properties, security, server, storage, types_view,
};
use crate::answer::Failure;
use mssql2pg_catalog::Catalog;
use rusqlite::Connection;
use std::collections::HashMap;

/// Named cells of one row.
pub(super) type Row = Vec<(&'static str, Cell)>;

/// A row written as `"name" => value`.
macro_rules! row {
    ($($name:literal => $value:expr),* $(,)?) => {
        vec![$(($name, $crate::engine::views::cell::Cell::from($value))),*]
    };
}
pub(super) use row;

/// Text as a cell.
pub(super) fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// What the views are filled from, and what they hold so far.
pub(super) struct Fill<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) facts: &'a DatabaseFacts,
    pub(super) version: u16,
    pub(super) names: Names,
    rows: HashMap<&'static str, Vec<Row>>,
}

impl<'a> Fill<'a> {
    /// All rows of all views.
    pub(super) fn all(
        catalog: &'a Catalog,
        facts: &'a DatabaseFacts,
        version: u16,
        views: &[OpenView],
    ) -> Self {
        let names = Names::new(catalog, facts.case_sensitive);
        let mut fill = Self { catalog, facts, version, names, rows: HashMap::new() };
        fill.make_system_objects(views);
        types_view::fill(&mut fill);
        columns::fill(&mut fill);
        objects::fill_tables(&mut fill);
        objects::fill_views(&mut fill);
        indexes::fill(&mut fill);
        keys::fill(&mut fill);
        objects::fill_sequences_and_synonyms(&mut fill);
        modules::fill(&mut fill);
        objects::fill_schemas(&mut fill);
        security::fill(&mut fill);
        others::fill(&mut fill);
        properties::fill(&mut fill);
        storage::fill(&mut fill);
        server::fill(&mut fill);
        objects::fill_objects(&mut fill);
        fill
    }

    /// Adds a row to a view.
    pub(super) fn add(&mut self, view: &'static str, row: Row) {
        self.rows.entry(view).or_default().push(row);
    }

    /// Whether a view has rows by now.
    pub(super) fn has_rows(&self, view: &str) -> bool {
        self.rows.get(view).is_some_and(|rows| !rows.is_empty())
    }

    /// Changes cells of a column that was added.
    pub(super) fn amend_columns(&mut self, object: i32, column: i64, mark: &Row) {
        let object = Cell::Integer(i64::from(object));
        let column = Cell::Integer(column);
        for view in ["sys.columns", "sys.all_columns"] {
            let rows = self.rows.get_mut(view).into_iter().flatten();
            let is = |row: &Row, name: &str, cell: &Cell| {
                row.iter().any(|(found, value)| *found == name && value == cell)
            };
            for row in rows.filter(|row| is(row, "object_id", &object) && is(row, "column_id", &column)) {
                row.extend(mark.iter().cloned());
            }
        }
    }

    /// Makes an object.
    pub(super) fn new_object(&mut self, schema: &str, name: &str, kind: &'static str, parent: i32) -> i32 {
        self.names.new_object(schema, name, kind, parent)
    }

    /// The columns that an object has in every view of objects.
    pub(super) fn object_row(&self, id: i32) -> Row {
        let Some(object) = self.names.object(id) else { return Vec::new() };
        let created = self.facts.create_date().as_datetime().0;
        row![
            "name" => text(&object.name), "object_id" => id, "schema_id" => object.schema_id,
            "parent_object_id" => object.parent, "type" => text(object.kind),
            "type_desc" => text(kind_words(object.kind)), "create_date" => created, "modify_date" => created,
            "is_ms_shipped" => object.is_system(),
        ]
    }

    /// The views are objects of the schema `sys`, with columns of their own.
    fn make_system_objects(&mut self, views: &[OpenView]) {
        for open in views {
            let Some((schema, name)) = open.view.name.split_once('.') else { continue };
            let kind = if open.view.is_function { "IF" } else { "V" };
            let id = self.new_object(schema, name, kind, 0);
            columns::fill_system(self, id, open);
        }
    }

    /// Writes the rows into the tables of the views.
    pub(super) fn write(&mut self, connection: &Connection, views: &[OpenView]) -> rusqlite::Result<()> {
        connection.execute_batch("begin")?;
        for open in views {
            let names: Vec<_> = open.columns.iter().map(|column| quoted(column.name)).collect();
            connection.execute_batch(&format!(
                "create table {} ({})",
                quoted(open.view.name),
                names.join(", ")
            ))?;
            let Some(rows) = self.rows.remove(open.view.name) else { continue };
            let places = vec!["?"; open.columns.len()].join(", ");
            let insert = format!("insert into {} values ({places})", quoted(open.view.name));
            let mut insert = connection.prepare(&insert)?;
            for row in rows {
                let mut row: HashMap<&str, Cell> = row.into_iter().collect();
                let cells = open.columns.iter().map(|column| match row.remove(column.name) {
                    Some(Cell::Null) if !column.nullable => column.default(),
                    Some(cell) => column.padded(cell),
                    None => column.default(),
                });
                insert.execute(rusqlite::params_from_iter(cells))?;
            }
        }
        connection.execute_batch("commit")
    }

    /// A row that names a view or a column that is not defined: a mistake in this module.
    pub(super) fn misfits(&self, all: &[OpenView]) -> Result<(), Failure> {
        for (view, rows) in &self.rows {
            let open = all.iter().find(|open| open.view.name == *view);
            let open =
                open.ok_or_else(|| Failure::new(50000, format!("rows for {view}, which is no view")))?;
            for (name, _) in rows.iter().flatten() {
                if !open.columns.iter().any(|column| column.name == *name) {
                    return Err(Failure::new(50000, format!("{view} has no column {name}")));
                }
            }
        }
        Ok(())
    }
}

/// A name as SQLite quotes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

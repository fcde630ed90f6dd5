//! Tables: their columns, traits and sizes.

use super::super::cells::{Answer, AnswerRow};
use super::server::Release;
use super::{Reader, Server, in_model_order, types};
use crate::SourceError;
use mssql2pg_catalog::{Column, Computed, Identity, ObjectName, OtherObject, SqlType, Table};
use std::collections::{HashMap, HashSet};

/// A page of a data file ("Pages and extents architecture guide").
const PAGE_BYTES: u64 = 8192;

/// The tables by `object_id`, and what their parts are called there.
#[derive(Debug, Default)]
pub(super) struct Tables {
    list: Vec<Table>,
    places: HashMap<i64, usize>,
    columns: HashMap<(i64, i64), usize>,
    /// Indexes on views and on pseudo-columns: they are only counted and named. With the parts of their names.
    pub(super) on_views: Vec<(Vec<String>, OtherObject)>,
}

impl Tables {
    /// Takes a table with that id.
    pub(super) fn add(&mut self, id: i64, table: Table) {
        self.places.insert(id, self.list.len());
        self.list.push(table);
    }

    /// Takes the next column of a table that was taken.
    pub(super) fn add_column(&mut self, table: i64, number: i64, column: Column) {
        if let Some(owner) = self.places.get(&table).and_then(|place| self.list.get_mut(*place)) {
            self.columns.insert((table, number), owner.columns.len());
            owner.columns.push(column);
        }
    }

    /// The table with that id; none for one that is not the user's, or has its rows elsewhere.
    pub(super) fn get_mut(&mut self, id: i64) -> Option<&mut Table> {
        self.places.get(&id).and_then(|place| self.list.get_mut(*place))
    }

    /// The same.
    pub(super) fn get(&self, id: i64) -> Option<&Table> {
        self.places.get(&id).and_then(|place| self.list.get(*place))
    }

    /// The column with that id.
    pub(super) fn column_mut(&mut self, table: i64, column: i64) -> Option<&mut Column> {
        let place = *self.columns.get(&(table, column))?;
        self.get_mut(table)?.columns.get_mut(place)
    }

    /// The tables in the order of a model.
    pub(super) fn in_order(self) -> Vec<Table> {
        let mut list = self.list;
        list.sort_by_cached_key(|table| in_model_order([table.name.schema.as_str(), &table.name.name]));
        list
    }

    fn trait_of(&mut self, id: i64, name: &str) {
        if let Some(table) = self.get_mut(id)
            && !table.traits.iter().any(|known| known == name)
        {
            table.traits.push(name.to_owned());
        }
    }
}

/// What the server says of all tables: each answer has a row for each table that it concerns.
struct Marks {
    tables: Answer,
    in_memory: Answer,
    temporal: Answer,
    graph: Answer,
    ledger: Answer,
}

impl Marks {
    fn ask(reader: &mut Reader<'_>) -> Result<Self, SourceError> {
        Ok(Self {
            tables: reader.ask("tables", include_str!("../queries/tables.sql"))?,
            in_memory: reader.ask_since(
                Release::V2014,
                "tables kept in memory",
                include_str!("../queries/tables_2014.sql"),
            )?,
            temporal: reader.ask_since(
                Release::V2016,
                "histories of tables",
                include_str!("../queries/tables_2016.sql"),
            )?,
            graph: reader.ask_since(
                Release::V2017,
                "tables of graphs",
                include_str!("../queries/tables_2017.sql"),
            )?,
            ledger: reader.ask_since(
                Release::V2022,
                "tables of ledgers",
                include_str!("../queries/tables_2022.sql"),
            )?,
        })
    }

    /// In the order of the reader of models: the server's marks, then history, partitions, and being a history.
    fn put(&self, found: &mut Tables) -> Result<(), SourceError> {
        let marks: &[(&Answer, &str, &[i64], &str)] = &[
            (&self.in_memory, "is_memory_optimized", &[1], "memory-optimized"),
            (&self.graph, "is_node", &[1], "graph-node"),
            (&self.graph, "is_edge", &[1], "graph-edge"),
            (&self.tables, "is_filetable", &[1], "file-table"),
            (&self.ledger, "ledger_type", &[2, 3], "ledger"),
            (&self.tables, "is_replicated", &[1], "replicated"),
            (&self.tables, "is_merge_published", &[1], "replicated"),
            (&self.tables, "is_change_tracked", &[1], "change-tracked"),
            (&self.tables, "is_tracked_by_cdc", &[1], "change-data-capture"),
            (&self.temporal, "temporal_type", &[2], "system-versioned"),
            (&self.tables, "is_partitioned", &[1], "partitioned"),
            (&self.temporal, "temporal_type", &[1], "history-table"),
            (&self.ledger, "ledger_type", &[1], "history-table"),
        ];
        for (answer, column, values, name) in marks {
            for row in answer.rows() {
                if row.int(column)?.is_some_and(|value| values.contains(&value)) {
                    found.trait_of(row.id("object_id")?, name);
                }
            }
        }
        Ok(())
    }
}

/// The tables without what hangs on them.
pub(super) fn tables(reader: &mut Reader<'_>) -> Result<Tables, SourceError> {
    let marks = Marks::ask(reader)?;
    let mut external = HashSet::new();
    for row in marks.temporal.rows() {
        if row.flag("is_external")? {
            external.insert(row.id("object_id")?);
        }
    }
    let mut found = Tables::default();
    for row in marks.tables.rows() {
        let id = row.id("object_id")?;
        // Their rows are not in this database: they are listed with the other objects.
        if external.contains(&id) {
            continue;
        }
        let name = row.name("name")?;
        let schema = reader.server.visible(row.text("schema_name")?, "the schema", &name)?;
        found.add(id, Table { name: ObjectName::new(schema, name), ..Table::default() });
    }
    columns(reader, &mut found)?;
    marks.put(&mut found)?;
    sizes(reader, &mut found)?;
    Ok(found)
}

fn columns(reader: &mut Reader<'_>, found: &mut Tables) -> Result<(), SourceError> {
    let pseudo =
        reader.ask_since(Release::V2017, "columns of graphs", include_str!("../queries/columns_2017.sql"))?;
    let mut graph = HashMap::new();
    for row in pseudo.rows() {
        graph.insert((row.id("object_id")?, row.id("column_id")?), row.id("graph_type")?);
    }
    let answer = reader.ask("columns", include_str!("../queries/columns.sql"))?;
    for row in answer.rows() {
        let (id, number) = (row.id("object_id")?, row.id("column_id")?);
        let Some(table) = found.get_mut(id) else { continue };
        let graph_type = graph.get(&(id, number)).copied();
        if graph_type.is_some_and(|kind| !READABLE_GRAPH_TYPES.contains(&kind)) {
            continue;
        }
        if row.flag("is_column_set")? {
            table.traits.push("column-set".to_owned());
        }
        let name = row.name("name")?;
        let object = format!("{}.{name}", table.name);
        let computed = match row.flag("is_computed")? && graph_type.is_none() {
            true => Some(Computed {
                text: reader.server.text(row.text("computed_text")?, "the expression", &object)?,
                persisted: row.flag("is_persisted")?,
            }),
            false => None,
        };
        let column = Column { computed, ..column(row, &reader.server, name, &object)? };
        found.add_column(id, number, column);
    }
    encrypted_columns(reader, found)?;
    vector_columns(reader, found)?;
    match found.list.iter().find(|table| table.columns.is_empty()) {
        Some(table) => Err(reader.server.hidden("every column", &table.name.to_string())),
        None => Ok(()),
    }
}

/// `sys.columns.graph_type` of the columns that a client may read: $node_id or $edge_id, $from_id, $to_id.
const READABLE_GRAPH_TYPES: &[i64] = &[2, 5, 8];

fn column(row: AnswerRow<'_>, server: &Server, name: String, object: &str) -> Result<Column, SourceError> {
    let declared = types::declared(row, server, object)?;
    let collation = row.text("collation_name")?;
    let differs = collation.filter(|collation| Some(*collation) != server.database.collation.as_deref());
    Ok(Column {
        alias: declared.alias,
        nullable: row.flag("is_nullable")?,
        identity: if row.flag("is_identity")? { Some(identity(row)?) } else { None },
        collation: differs.map(str::to_owned),
        rowguid: row.flag("is_rowguidcol")?,
        sparse: row.flag("is_sparse")?,
        ..Column::new(name, declared.base)
    })
}

fn identity(row: AnswerRow<'_>) -> Result<Identity, SourceError> {
    Ok(Identity {
        seed: row.large("seed_value")?.unwrap_or(1),
        increment: row.large("increment_value")?.unwrap_or(1),
        last_value: row.large("last_value")?,
    })
}

fn encrypted_columns(reader: &mut Reader<'_>, found: &mut Tables) -> Result<(), SourceError> {
    let answer =
        reader.ask_since(Release::V2016, "encrypted columns", include_str!("../queries/columns_2016.sql"))?;
    for row in answer.rows() {
        if let Some(column) = found.column_mut(row.id("object_id")?, row.id("column_id")?) {
            column.encrypted = true;
        }
    }
    Ok(())
}

fn vector_columns(reader: &mut Reader<'_>, found: &mut Tables) -> Result<(), SourceError> {
    let answer = reader.ask_since(Release::V2025, "vectors", include_str!("../queries/columns_2025.sql"))?;
    for row in answer.rows() {
        let dimensions = u16::try_from(row.id("vector_dimensions")?).unwrap_or(u16::MAX);
        if let Some(column) = found.column_mut(row.id("object_id")?, row.id("column_id")?)
            && matches!(column.sql_type, SqlType::Vector { .. })
        {
            column.sql_type = SqlType::Vector { dimensions };
        }
    }
    Ok(())
}

/// The heap or clustered index (0 or 1) has every row; a table in memory may show its rows in another index only.
fn sizes(reader: &mut Reader<'_>, found: &mut Tables) -> Result<(), SourceError> {
    let answer = reader.ask("sizes of tables", include_str!("../queries/sizes.sql"))?;
    put_sizes(&answer, found)
}

pub(super) fn put_sizes(answer: &Answer, found: &mut Tables) -> Result<(), SourceError> {
    for row in answer.rows() {
        let Some(table) = found.get_mut(row.id("object_id")?) else { continue };
        let rows = row.int("row_count")?.and_then(|rows| u64::try_from(rows).ok());
        table.estimated_rows = table.estimated_rows.max(rows);
        if row.id("index_id")? < 2 {
            let pages = row.int("used_pages")?.and_then(|pages| u64::try_from(pages).ok());
            table.estimated_bytes = pages.map(|pages| pages.saturating_mul(PAGE_BYTES));
        }
    }
    Ok(())
}

//! The shop in a running SQL Server: the same tables and the same rows as in the `.bacpac` of the same options.
//!
//! Invariant: nothing is dropped but what bears the name of an object of the shop, and that only when the caller says
//! so; a statement that fails stops everything, and what was made before stays to be looked at.

use crate::bcp::RowWriter;
use crate::bcp_values::Ended;
use crate::shop::{EXPECTED_FUTURE, Shop, ShopTable, scripts};
use crate::tsql::{self, Statement};
use crate::{GenerateError, GenerateOptions, Planted, Progress, UNITS_A_STEP};
use mssql2pg_catalog::{Catalog, CodeKind, ObjectName, RowSink, Stop, Table};
use mssql2pg_sources::{LiveWriter, ServerObject, SourceError};

/// Rows are turned into values in blocks of about this size.
const BLOCK_BYTES: usize = 1 << 16;

/// Makes the shop's tables in the database of `server`, loads their rows, and adds keys, indexes, code and descriptions.
/// The database's own name stands in no row, so that the rows are those of the `.bacpac`.
///
/// `replace` drops objects of the shop that are there; without it they are an error that names them.
///
/// # Errors
/// [`GenerateError::Options`] for options that make no sense, [`GenerateError::InTheWay`] before anything is changed,
/// [`GenerateError::Server`] when the server refuses something.
pub fn write_shop_into(
    server: &mut LiveWriter,
    replace: bool,
    options: &GenerateOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Planted, GenerateError> {
    let shop = Shop::plan(options)?;
    let tables = shop.tables();
    let mut catalog = shop.catalog(&tables);
    keep_collation(&mut catalog, server.collation());
    let there = server.objects().map_err(failed(server))?;
    clear(server, &catalog, &there, replace)?;

    let is_there = |kind: &str, name: &str| {
        there.iter().any(|object| object.kind == kind && same(&object.name.name, name))
    };
    run(server, tsql::before_rows(&catalog, &is_there))?;
    let mut planted = Planted::of(options.seed);
    for (table, described) in tables.iter().zip(&catalog.tables) {
        let rows = load(server, &shop, table, described, progress)?;
        planted.add(&table.table, &rows);
    }
    run(server, tsql::after_rows(&catalog, &scripts()))?;
    planted.defects = shop.defects();
    planted.expected_future = EXPECTED_FUTURE.iter().map(|column| (*column).to_owned()).collect();
    Ok(planted)
}

fn failed(server: &LiveWriter) -> impl Fn(SourceError) -> GenerateError + use<> {
    let location = server.location().to_owned();
    move |source| GenerateError::Server { location: location.clone(), source }
}

fn run(server: &mut LiveWriter, statements: Vec<Statement>) -> Result<(), GenerateError> {
    let failed = failed(server);
    statements.iter().try_for_each(|Statement { doing, sql }| server.run(doing, sql).map_err(&failed))
}

/// In a database of another collation, text columns have the shop's own: the code page decides what they can hold, and
/// case and accents what is a duplicate.
fn keep_collation(catalog: &mut Catalog, of_database: &str) {
    let Some(own) = catalog.database.collation.replace(of_database.to_owned()) else { return };
    if own == of_database {
        return;
    }
    for column in catalog.tables.iter_mut().flat_map(|table| &mut table.columns) {
        if tsql::is_text(&column.sql_type) && column.alias.is_none() && column.collation.is_none() {
            column.collation = Some(own.clone());
        }
    }
}

/// Drops what bears the name of an object of the shop, or says what does.
fn clear(
    server: &mut LiveWriter,
    catalog: &Catalog,
    there: &[ServerObject],
    replace: bool,
) -> Result<(), GenerateError> {
    // What depends on others goes first: code, then tables, the referring ones before the referred to.
    let in_the_way: Vec<&ServerObject> = names(catalog)
        .into_iter()
        .filter_map(|(kind, name)| {
            there.iter().find(|object| object.kind == kind && equal(&object.name, &name))
        })
        .collect();
    if in_the_way.is_empty() {
        return Ok(());
    }
    if !replace {
        let names = in_the_way.iter().map(|object| object.name.to_string()).collect();
        return Err(GenerateError::InTheWay { location: server.location().to_owned(), names });
    }
    let drops = in_the_way.into_iter().filter_map(|object| tsql::drop(&object.kind, &object.name));
    run(server, drops.collect())
}

/// The shop's objects in the order in which they can be dropped, with their kinds in `sys.objects`. Triggers go with
/// their tables.
fn names(catalog: &Catalog) -> Vec<(&'static str, ObjectName)> {
    let code = scripts().into_iter().filter_map(|script| {
        let kind = match script.kind {
            CodeKind::View => "V",
            CodeKind::Procedure => "P",
            CodeKind::ScalarFunction => "FN",
            _ => return None,
        };
        Some((kind, script.name))
    });
    let tables = catalog.tables.iter().rev().map(|table| ("U", table.name.clone()));
    let sequences = catalog.sequences.iter().map(|sequence| ("SO", sequence.name.clone()));
    let types = catalog.alias_types.iter().map(|alias| ("type", alias.name.clone()));
    code.chain(tables).chain(sequences).chain(types).collect()
}

fn equal(one: &ObjectName, other: &ObjectName) -> bool {
    same(&one.schema, &other.schema) && same(&one.name, &other.name)
}

/// Most servers take names of different case for the same.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Loads one table's rows; `described` is the table as the server has it.
fn load(
    server: &mut LiveWriter,
    shop: &Shop,
    table: &ShopTable,
    described: &Table,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<RowWriter, GenerateError> {
    let mut rows = RowWriter::new(&table.table);
    if table.units == 0 {
        return Ok(rows);
    }
    let failed = failed(server);
    let name = table.table.name.to_string();
    let mut mistake = None;
    let loaded = server.load(described, &mut |sink| {
        push(shop, table, &mut rows, sink, progress).map_err(|error| {
            mistake = error;
            Stop
        })
    });
    if let Some(error) = mistake {
        return Err(error);
    }
    let loaded = loaded.map_err(failed)?;
    if loaded != rows.rows() {
        let what = format!("the server took {loaded} rows of {}", rows.rows());
        return Err(GenerateError::Value { table: name, row: loaded, what });
    }
    progress(Progress { table: &name, rows: rows.rows(), of: table.rows });
    Ok(rows)
}

/// Pushes all rows of a table; on an error, what is wrong, or none when the sink wanted no more.
fn push(
    shop: &Shop,
    table: &ShopTable,
    rows: &mut RowWriter,
    sink: &mut dyn RowSink,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Option<GenerateError>> {
    let name = table.table.name.to_string();
    for unit in 0..table.units {
        if unit.is_multiple_of(UNITS_A_STEP) {
            progress(Progress { table: &name, rows: rows.rows(), of: table.rows });
        }
        (table.write)(shop, unit, rows)?;
        if rows.waiting() >= BLOCK_BYTES || unit + 1 == table.units {
            let bytes = rows.take();
            rows.push(&bytes, sink).map_err(|ended| match ended {
                Ended::Stopped => None,
                Ended::Misread => Some(GenerateError::Value {
                    table: name.clone(),
                    row: rows.rows(),
                    what: "its bytes cannot be read back".to_owned(),
                }),
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refers_to_others_is_dropped_before_them() {
        let shop = Shop::plan(&GenerateOptions { rows: 10, ..GenerateOptions::default() }).unwrap();
        let catalog = shop.catalog(&shop.tables());
        let names = names(&catalog);
        let place = |name: &ObjectName| names.iter().position(|(_, other)| other == name).unwrap();
        for table in &catalog.tables {
            for key in table.foreign_keys.iter().filter(|key| key.referenced_table != table.name) {
                assert!(place(&table.name) < place(&key.referenced_table), "{}", table.name);
            }
        }
        assert!(names.iter().all(|(kind, name)| tsql::drop(kind, name).is_some()));
    }

    #[test]
    fn another_collation_of_the_database_is_told_to_the_columns() {
        let shop = Shop::plan(&GenerateOptions { rows: 10, ..GenerateOptions::default() }).unwrap();
        let own = shop.catalog(&shop.tables());
        let mut same = own.clone();
        keep_collation(&mut same, "SQL_Latin1_General_CP1_CI_AS");
        assert_eq!(same, own);
        let mut greek = own.clone();
        keep_collation(&mut greek, "Greek_CI_AS");
        let departments = greek.table(&ObjectName::new("hr", "Departments")).unwrap();
        let collations: Vec<_> =
            departments.columns.iter().map(|column| column.collation.as_deref()).collect();
        let shops = Some("SQL_Latin1_General_CP1_CI_AS");
        assert_eq!(collations, [None, shops, shops, None]);
        let statements = tsql::before_rows(&greek, &|_, _| false);
        let found = statements.iter().filter(|one| one.sql.contains(" collate SQL_Latin1_General_CP1_CI_AS"));
        assert!(found.count() > 10);
    }
}

//! A synthetic shop database with planted defects, written as a `.bacpac` or into a running SQL Server.
//!
//! Invariant: the same options give the same bytes, on every machine and at any time, and the same rows wherever they
//! go; memory does not grow with the number of rows. What was planted is known exactly and written beside the file.
//!
//! To extend: a table is a file-local pair of functions in `shop/`; another database (see [`write_orders_bench`])
//! is a list of tables given to the same writer.

mod bcp;
mod bcp_values;
mod bench;
mod calendar;
mod into;
mod model_xml;
mod origin;
mod package;
mod planted;
mod random;
mod shop;
mod tsql;
mod words;

pub use bench::write_orders_bench;
pub use calendar::Day;
pub use into::write_shop_into;
pub use planted::{Defect, DefectCode, Planted};

use bcp::RowWriter;
use mssql2pg_catalog::{Catalog, Table};
use mssql2pg_sources::SourceError;
use package::Package;
use shop::{EXPECTED_FUTURE, Script, Shop, ShopTable};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Rows are handed to the zip in blocks of about this size.
const BLOCK_BYTES: u64 = 1 << 18;
/// Progress is told every so many units.
const UNITS_A_STEP: u64 = 1 << 14;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerateOptions {
    /// Rows of all tables together, about; a small shop has some hundreds whatever is asked.
    pub rows: u64,
    /// What all values are derived from.
    pub seed: u64,
    /// Uncompressed bytes of a part, about. More parts can be read by more workers.
    pub part_bytes: u64,
    /// Whether to plant defects.
    pub defects: bool,
    /// The day on which the database is exported: all dates but the planted ones and those of
    /// [`Planted::expected_future`] lie before it. Planted dates lie after 2091-01-01, so it should not.
    pub now: Day,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            rows: 100_000,
            seed: 1,
            part_bytes: 16 << 20,
            defects: true,
            now: Day { year: 2026, month: 1, day: 1 },
        }
    }
}

/// How far the writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The table that is being written, `dbo.Customers`.
    pub table: &'a str,
    /// Its rows so far.
    pub rows: u64,
    /// Its rows in the end.
    pub of: u64,
}

/// Why a database could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The options make no sense.
    #[error("{0}")]
    Options(String),
    /// A file could not be written.
    #[error("cannot write {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The container could not be written.
    #[error("cannot write {path}")]
    Zip {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: zip::result::ZipError,
    },
    /// Objects of the shop's names are in the database already.
    #[error("{location} holds objects of these names already: {}", names.join(", "))]
    InTheWay {
        /// The database, without a password.
        location: String,
        /// Their names.
        names: Vec<String>,
    },
    /// The server refuses something, or is gone.
    #[error("cannot write into {location}")]
    Server {
        /// The database, without a password.
        location: String,
        /// Why not.
        source: SourceError,
    },
    /// A generated value does not fit its column: a defect of the generator itself.
    #[error("{table}: generated row {row} is wrong: {what}")]
    Value {
        /// The table.
        table: String,
        /// The row, counted from 0.
        row: u64,
        /// The column and what is wrong with its value.
        what: String,
    },
}

impl GenerateError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    fn zip(path: &Path, source: zip::result::ZipError) -> Self {
        Self::Zip { path: path.to_owned(), source }
    }
}

/// Writes the shop to `path`, and what was planted to `<path>.planted.json`; both replace what is
/// there, and appear only when they are whole.
///
/// `progress` is called at the beginning and end of each table with rows, and some thousand rows
/// apart in between.
///
/// # Errors
/// [`GenerateError::Options`] for options that make no sense, else when a file cannot be written.
pub fn write_shop(
    path: &Path,
    options: &GenerateOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Planted, GenerateError> {
    let shop = Shop::plan(options)?;
    let tables = shop.tables();
    let catalog = shop.catalog(&tables);
    let job = Writing { path, options, catalog: &catalog, scripts: &shop::scripts(), tables: &tables };
    let mut planted = write_database(&job, &shop, progress)?;
    planted.defects = shop.defects();
    planted.expected_future = EXPECTED_FUTURE.iter().map(|column| (*column).to_owned()).collect();
    write_planted(&planted_path(path), &planted)?;
    Ok(planted)
}

/// A database that is about to be written.
struct Writing<'a> {
    path: &'a Path,
    options: &'a GenerateOptions,
    catalog: &'a Catalog,
    scripts: &'a [Script],
    tables: &'a [ShopTable],
}

fn write_database(
    writing: &Writing<'_>,
    shop: &Shop,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Planted, GenerateError> {
    let Writing { path, options, catalog, scripts, tables } = *writing;
    if options.part_bytes == 0 {
        return Err(GenerateError::Options(String::from("a part of 0 bytes holds no row")));
    }
    if path.is_dir() {
        return Err(GenerateError::Options(format!("{} is a folder", path.display())));
    }
    let model = model_xml::model_xml(catalog, scripts);
    let mut package = Package::create(path, &catalog.database.name, &model, options.part_bytes)?;
    let mut planted = Planted::of(options.seed);
    for table in tables {
        let rows = write_table(&mut package, options.part_bytes, shop, table, progress)?;
        planted.add(&table.table, &rows);
    }
    package.finish(&origin::origin_xml(&model, options.seed, planted.total_rows))?;
    Ok(planted)
}

impl Planted {
    /// Nothing yet.
    fn of(seed: u64) -> Self {
        Self {
            seed,
            rows: BTreeMap::new(),
            total_rows: 0,
            nulls: BTreeMap::new(),
            defects: Vec::new(),
            identity_last_values: BTreeMap::new(),
            expected_future: Vec::new(),
        }
    }

    /// The truth about a table whose rows are written.
    fn add(&mut self, table: &Table, rows: &RowWriter) {
        let name = table.name.to_string();
        for column in &table.columns {
            let last = column.identity.as_ref().and_then(|identity| identity.last_value);
            if let Some(last) = last.and_then(|last| i64::try_from(last).ok()) {
                self.identity_last_values.insert(format!("{name}.{}", column.name), last);
            }
        }
        self.nulls.extend(rows.nulls());
        self.total_rows += rows.rows();
        self.rows.insert(name, rows.rows());
    }
}

fn write_table(
    package: &mut Package,
    part_bytes: u64,
    shop: &Shop,
    table: &ShopTable,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<RowWriter, GenerateError> {
    let name = table.table.name.to_string();
    let block = usize::try_from(part_bytes.min(BLOCK_BYTES)).unwrap_or(usize::MAX);
    let mut rows = RowWriter::new(&table.table);
    for unit in 0..table.units {
        if unit.is_multiple_of(UNITS_A_STEP) {
            progress(Progress { table: &name, rows: rows.rows(), of: table.rows });
        }
        (table.write)(shop, unit, &mut rows)?;
        if rows.waiting() >= block {
            package.rows(&table.table.name, &rows.take())?;
        }
    }
    if rows.waiting() > 0 {
        package.rows(&table.table.name, &rows.take())?;
    }
    if table.units > 0 {
        progress(Progress { table: &name, rows: rows.rows(), of: table.rows });
    }
    Ok(rows)
}

/// The place of the file that says what was planted: `shop.bacpac.planted.json` beside `shop.bacpac`.
pub fn planted_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".planted.json");
    path.with_file_name(name)
}

/// Writes what was planted; the file appears only when it is whole.
///
/// # Errors
/// [`GenerateError::File`] when it cannot be written.
pub fn write_planted(path: &Path, planted: &Planted) -> Result<(), GenerateError> {
    let draft = path.with_extension("json.draft");
    let refuse = |source| GenerateError::file(path, source);
    let mut text = serde_json::to_vec_pretty(planted).map_err(|error| refuse(error.into()))?;
    text.push(b'\n');
    let mut file = File::create(&draft).map_err(refuse)?;
    let written = file.write_all(&text).and_then(|()| file.sync_all());
    written.and_then(|()| std::fs::rename(&draft, path)).map_err(|source| {
        // Nothing more can be done about a draft that does not go away.
        let _ = std::fs::remove_file(&draft);
        refuse(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{CodeObject, Table};

    #[test]
    fn the_reader_finds_the_catalog_that_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.bacpac");
        let options = GenerateOptions { rows: 1000, ..GenerateOptions::default() };
        write_shop(&path, &options, &mut |_| ()).unwrap();
        let found = mssql2pg_sources::open(path.to_str().unwrap()).unwrap().catalog().unwrap();

        let shop = Shop::plan(&options).unwrap();
        let expected = shop.catalog(&shop.tables());
        let find = |table: &Table| found.table(&table.name).cloned().expect("every table is found");
        for table in &expected.tables {
            // The reader knows sizes; they are no part of the schema.
            let found = Table { estimated_bytes: None, estimated_rows: None, ..find(table) };
            assert_eq!(found, *table, "{}", table.name);
        }
        assert_eq!(found.tables.len(), expected.tables.len());
        assert_eq!(found.schemas, expected.schemas);
        assert_eq!(found.alias_types, expected.alias_types);
        assert_eq!(found.sequences, expected.sequences);
        assert_eq!(found.principals, expected.principals);
        assert_eq!(found.permissions, expected.permissions);
        assert_eq!(found.database.name, expected.database.name);
        assert_eq!(found.database.collation, expected.database.collation);
        assert_eq!(found.database.server_version.as_deref(), Some(origin::SERVER_VERSION));

        let scripts = shop::scripts();
        assert_eq!(found.code.len(), scripts.len());
        for script in scripts {
            let expected = CodeObject {
                kind: script.kind,
                name: script.name,
                parent: script.parent,
                parameters: script.parameters,
                returns: script.returns,
                text: format!("{}{}", script.header, script.body),
                text_is_complete: true,
                missing_text: None,
            };
            let found = found.code.iter().find(|object| object.name == expected.name);
            assert_eq!(found, Some(&expected));
        }
        assert_eq!(found.other, []);
    }

    #[test]
    fn options_that_make_no_sense_are_refused_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.bacpac");
        let check = |options: GenerateOptions, expected: &str| {
            let error = write_shop(&path, &options, &mut |_| ()).expect_err("must be refused").to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        };
        let plain = GenerateOptions { rows: 10, ..GenerateOptions::default() };
        check(GenerateOptions { part_bytes: 0, ..plain }, "a part of 0 bytes");
        check(GenerateOptions { rows: u64::MAX, ..plain }, "is the most");
        let folder_error = write_shop(folder.path(), &plain, &mut |_| ()).expect_err("must be refused");
        assert!(folder_error.to_string().ends_with("is a folder"), "{folder_error}");
        check(GenerateOptions { now: Day { year: 2026, month: 2, day: 30 }, ..plain }, "not a day");
    }
}

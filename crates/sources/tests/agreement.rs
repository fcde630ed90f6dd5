//! A database gives the same catalog and the same rows as a file and as a server.
//!
//! Each sample is opened as a file, served by the simulator from what the file gave, and opened again over TDS. What the
//! two may differ in is named one by one in `agreement/differences.rs`; everything else must be equal.

#![cfg(feature = "live")]
#![expect(clippy::panic, clippy::print_stdout, reason = "a test may do both; this file has no other code")]

#[path = "agreement/differences.rs"]
mod differences;
#[path = "agreement/everything.rs"]
mod everything;
#[path = "agreement/rows.rs"]
mod rows;

use mssql2pg_catalog::{Catalog, RowSink, Table};
use mssql2pg_simulator::{Database, Login, Options, Rights, Rows, Simulator};
use mssql2pg_sources::{ErrorKind, Source, open};
use std::path::Path;
use std::sync::Arc;

/// A sample's path; none, and a line that says so, when the samples are not here.
fn sample(name: &str) -> Option<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples"));
    if folder.is_dir() {
        return Some(folder.join(name).to_str().expect("a plain path").to_owned());
    }
    let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
    assert!(!required.contains("samples"), "../shared/samples is required and not here");
    println!("skipped: ../shared/samples is not here");
    None
}

/// The rows of a file.
struct OfFile(Box<dyn Source>);

impl Rows for OfFile {
    fn read(&self, table: &Table, rows: &mut dyn RowSink) {
        for split in self.0.splits(table, u64::MAX).expect("splits") {
            self.0.read(table, &split, rows).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// No rows.
struct Nothing;

impl Rows for Nothing {
    fn read(&self, _table: &Table, _rows: &mut dyn RowSink) {}
}

fn serve(options: Options) -> Simulator {
    Simulator::start(options).unwrap_or_else(|error| panic!("the simulator does not start: {error}"))
}

fn address(server: &Simulator, login: &str, database: &str) -> String {
    format!("mssql://{login}:Pass%40word1@127.0.0.1:{}/{database}?encrypt=off", server.port())
}

fn catalog_of(server: &Simulator, login: &str, database: &str) -> Catalog {
    let source = open(&address(server, login, database)).unwrap_or_else(|error| panic!("{error}"));
    source.catalog().unwrap_or_else(|error| panic!("{error:?}"))
}

/// Opens the sample twice and compares.
fn agree(name: &str) {
    let Some(path) = sample(name) else { return };
    let file = open(&path).unwrap_or_else(|error| panic!("{error}"));
    let mut catalog = file.catalog().expect("a catalog");
    if catalog.database.name.is_empty() {
        "unnamed".clone_into(&mut catalog.database.name);
    }
    let database = catalog.database.name.clone();
    let served = OfFile(open(&path).expect("opened before"));
    let server = serve(Options::new(Database { catalog: catalog.clone(), rows: Arc::new(served) }));
    let live = open(&address(&server, "sa", &database)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let found = live.catalog().unwrap_or_else(|error| panic!("{name}: {error:?}"));
    differences::compare(name, &catalog, &found);
    for (table, live_table) in catalog.tables.iter().zip(&found.tables) {
        let expected = rows::all(file.as_ref(), table);
        let actual = rows::all(live.as_ref(), live_table);
        // The simulator counts; a real server estimates.
        assert_eq!(live_table.estimated_rows, Some(expected.len() as u64), "{name}: {}", table.name);
        rows::compare(&format!("{name}: {}", table.name), expected, actual);
    }
}

macro_rules! samples {
    ($($test:ident: $file:literal;)*) => {
        $(#[test]
        fn $test() {
            agree($file);
        })*
    };
}

samples! {
    adventure_works_lt_2025_agrees: "bacpac/AdventureWorksLT-2025.bacpac";
    adventure_works_lt_azure_agrees: "bacpac/AdventureWorksLT-azure.bacpac";
    clinic_agrees: "bacpac/Clinic.bacpac";
    contoso_hr_agrees: "bacpac/ContosoHR.bacpac";
    fourth_coffee_agrees: "bacpac/FourthCoffee.bacpac";
    insurance_agrees: "bacpac/Insurance.bacpac";
    northwind_agrees: "bacpac/Northwind.bacpac";
    property_mls_agrees: "bacpac/PropertyMLS.bacpac";
    query_store_test_agrees: "bacpac/QueryStoreTest.bacpac";
    pubs_agrees: "bacpac/pubs.bacpac";
    adventure_works_agrees: "dacpac/AdventureWorks.dacpac";
    northwind_procedures_agrees: "dacpac/NorthwindProcedures.dacpac";
}

/// A server of that version that holds one of everything.
fn everything(version: &str, engine_edition: i32) -> Options {
    let catalog = everything::catalog();
    let mut options = Options::new(Database { catalog, rows: Arc::new(Nothing) });
    version.clone_into(&mut options.product_version);
    options.engine_edition = engine_edition;
    options.logins.push(Login {
        name: "reader".to_owned(),
        password: "Pass@word1".to_owned(),
        rights: Rights::least(),
    });
    options
}

#[test]
fn every_version_tells_what_it_knows() {
    let check = |version: &str, edition: i32, release: u16| {
        let server = serve(everything(version, edition));
        let found = catalog_of(&server, "sa", "Everything");
        let expected = everything::as_known_in(everything::catalog(), release, edition == 5);
        differences::compare(&format!("{version} edition {edition}"), &expected, &found);
    };
    check("11.0.7001.0", 3, 2012);
    check("12.0.6024.0", 3, 2014);
    check("13.0.5026.0", 3, 2016);
    check("14.0.1000.169", 3, 2017);
    check("15.0.2000.5", 3, 2017);
    check("16.0.4135.4", 3, 2022);
    check("17.0.1000.7", 3, 2025);
    check("12.0.2000.8", 5, 2025);
    check("12.0.2000.8", 8, 2022);
}

#[test]
fn a_server_that_tells_cases_apart_gives_the_same() {
    let mut options = everything("16.0.4135.4", 3);
    options.case_sensitive = true;
    let found = catalog_of(&serve(options), "sa", "Everything");
    let expected = everything::as_known_in(everything::catalog(), 2022, false);
    differences::compare("case-sensitive", &expected, &found);
}

#[test]
fn view_definition_and_select_are_enough() {
    let found = catalog_of(&serve(everything("16.0.4135.4", 3)), "reader", "Everything");
    let expected = everything::as_known_in(everything::catalog(), 2022, false);
    differences::compare("least rights", &expected, &found);
}

#[test]
fn without_view_definition_nothing_is_read_and_the_grant_is_named() {
    let mut options = everything("16.0.4135.4", 3);
    for login in &mut options.logins {
        if login.name == "reader" {
            login.rights.view_definition = false;
        }
    }
    let server = serve(options);
    let source = open(&address(&server, "reader", "Everything")).unwrap_or_else(|error| panic!("{error:?}"));
    let error = source.catalog().expect_err("the definitions are hidden");
    assert_eq!(error.kind, ErrorKind::Permission, "{error:?}");
    let grant = "grant view definition on database::[Everything] to [reader]";
    assert!(error.context.contains(grant), "{error}");
}

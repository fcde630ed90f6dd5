//! Every query of `queries/` runs as it stands on each version that it is meant for, and on no other.

use super::super::address::Address;
use super::super::connect::Session;
use super::server::Server;
use crate::ErrorKind;
use mssql2pg_catalog::{Catalog, Column, ObjectName, RowSink, SqlType, Table};
use mssql2pg_simulator::{Database, Login, Options, Rights, Rows, Simulator};
use std::path::Path;
use std::sync::Arc;

struct Nothing;

impl Rows for Nothing {
    fn read(&self, _table: &Table, _rows: &mut dyn RowSink) {}
}

/// Name and text of each query.
fn queries() -> Vec<(String, String)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/live/queries"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<_> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The year in `columns_2016.sql`; 2012 for a name without.
fn year(name: &str) -> u16 {
    let stem = name.strip_suffix(".sql").unwrap();
    stem.rsplit_once('_').and_then(|(_, year)| year.parse().ok()).unwrap_or(2012)
}

fn options(version: &str, engine_edition: i32, case_sensitive: bool) -> Options {
    let table = Table {
        name: ObjectName::new("dbo", "T"),
        columns: vec![Column::new("a", SqlType::Int)],
        ..Table::default()
    };
    let mut catalog = Catalog { tables: vec![table], ..Catalog::default() };
    "Small".clone_into(&mut catalog.database.name);
    catalog.database.collation = Some("Latin1_General_CI_AS".to_owned());
    let mut options = Options::new(Database { catalog, rows: Arc::new(Nothing) });
    version.clone_into(&mut options.product_version);
    options.engine_edition = engine_edition;
    options.case_sensitive = case_sensitive;
    options.logins.push(Login {
        name: "reader".to_owned(),
        password: "Pass@word1".to_owned(),
        rights: Rights::least(),
    });
    options
}

#[test]
fn every_query_runs_where_it_is_meant_to_and_nowhere_else() {
    let queries = queries();
    assert!(queries.len() > 30, "the folder of the queries moved");
    let check = |version: &str, edition: i32, case_sensitive: bool, release: u16| {
        let simulator = Simulator::start(options(version, edition, case_sensitive)).unwrap();
        let port = simulator.port();
        let address =
            Address::parse(&format!("mssql://reader:Pass%40word1@127.0.0.1:{port}/Small?encrypt=off"));
        let address = address.unwrap();
        let mut session = Session::open(&address).unwrap();
        for (name, sql) in &queries {
            let what = format!("{name} on {version}, edition {edition}");
            let outcome = session.ask(&what, sql);
            // Azure SQL Database is no instance of one's own; the catalog does not ask it for what only such has.
            let of_instance = name == "instance_objects.sql" && edition == 5;
            if year(name) <= release && !of_instance {
                outcome.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            } else {
                let error = outcome.err().unwrap_or_else(|| panic!("{what}: it runs, and nobody would ask"));
                assert_eq!(error.kind, ErrorKind::Query, "{what}: {error:?}");
                session = Session::open(&address).unwrap();
            }
        }
    };
    check("11.0.7001.0", 3, false, 2012);
    check("12.0.6024.0", 3, false, 2014);
    check("13.0.5026.0", 3, false, 2016);
    check("14.0.1000.169", 3, true, 2017);
    check("15.0.2000.5", 3, false, 2019);
    check("16.0.4135.4", 3, true, 2022);
    check("17.0.1000.7", 3, false, 2025);
    check("12.0.2000.8", 5, true, 2025);
}

#[test]
fn a_query_says_what_it_needs_and_since_when() {
    for (name, sql) in queries() {
        let comment: String = sql.lines().take_while(|line| line.starts_with("--")).collect();
        assert!(comment.contains("Needs:"), "{name} does not say which permission it needs");
        assert!(comment.contains(&format!("SQL Server {}", year(&name))), "{name} does not say since when");
        // What a server before 2017 does not have, and what dirty reads need.
        for word in
            ["string_agg", "trim(", "concat_ws", "nolock", "read uncommitted", "dm_db_partition_stats "]
        {
            let body = sql.lines().filter(|line| !line.starts_with("--")).any(|line| line.contains(word));
            assert!(!body || (word == "trim(" && sql.contains("rtrim(")), "{name} uses {word}");
        }
    }
}

#[test]
fn the_server_says_which_queries_it_is_asked() {
    let simulator = Simulator::start(options("12.0.2000.8", 5, false)).unwrap();
    let port = simulator.port();
    let address = format!("mssql://reader:Pass%40word1@127.0.0.1:{port}/Small?encrypt=off");
    let mut session = Session::open(&Address::parse(&address).unwrap()).unwrap();
    let answer = session.ask("ask what the database is", include_str!("../queries/database.sql")).unwrap();
    let server = Server::of(&answer).unwrap();
    assert!(server.has(super::Release::V2025) && !server.is_instance());
    assert_eq!(server.database.name, "Small");
    assert_eq!(server.database.collation.as_deref(), Some("Latin1_General_CI_AS"));
}

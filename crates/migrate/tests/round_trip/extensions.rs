//! The types of PostGIS and pgvector: with the extension where the server has it, and PostGIS otherwise with a domain
//! that stands in for its type, which shows that the type is found wherever the extension is installed.

use crate::binaries::{point, vector_bytes};
use crate::naive::hex;
use crate::trial::{Cell, Owned, Tried, prove_on, servers};
use mssql2pg_catalog::SqlType;
use mssql2pg_mapping::MappingSettings;
use mssql2pg_target::Connection;

/// Installs an extension in a schema that is on nobody's search path; tells whether the server has it.
fn install(connection: &mut Connection, name: &str) -> bool {
    connection.batch("create schema if not exists \"Odd Place\"").expect("a schema");
    let query = "select exists (select from pg_available_extensions where name = $1)";
    let is_there: bool = connection.client().query_one(query, &[&name]).expect("an answer").get(0);
    if is_there {
        connection.batch(&format!("create extension {name} schema \"Odd Place\"")).expect("an extension");
    }
    is_there
}

#[test]
fn shapes_of_postgis_are_found_wherever_it_is_installed() {
    let cells = |latitude_first| -> Vec<Cell> {
        let points = [(0.0, 0.0), (-122.35, 47.65), (180.0, -90.0)];
        let made = points.map(|(x, y)| point(4326, x, y, latitude_first));
        made.map(|(stored, ewkb)| Cell::kept(Owned::Bytes(stored), hex(&ewkb))).to_vec()
    };
    let tried = |sql_type: SqlType, wanted| {
        let cells = cells(sql_type == SqlType::Geography);
        Tried::new(sql_type, cells).wanting(wanted).read_by("encode({c}::bytea, 'hex')")
    };
    for mut connection in servers() {
        if !install(&mut connection, "postgis") {
            connection
                .batch(
                    "create domain \"Odd Place\".geography as bytea; create domain \"Odd Place\".geometry as bytea; \
                     insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) \
                     values (4000000000, 'postgis', 10, '\"Odd Place\"'::regnamespace, false, '0')",
                )
                .expect("a stand-in");
        }
        let columns = vec![
            tried(SqlType::Geography, "geography"),
            tried(SqlType::Geography, "geometry"),
            tried(SqlType::Geometry, "geometry"),
            tried(SqlType::Geometry, "geography"),
        ];
        prove_on(&mut connection, &MappingSettings::default(), &[columns]);
    }
}

#[test]
fn vectors_of_pgvector_keep_their_floats() {
    let floats = [1.5f32, -2.0, 0.25];
    for mut connection in servers() {
        if install(&mut connection, "vector") {
            let cells = vec![Cell::kept(Owned::Bytes(vector_bytes(&floats)), "[1.5,-2,0.25]"), Cell::null()];
            let tried = Tried::new(SqlType::Vector { dimensions: 3 }, cells).wanting("vector");
            prove_on(&mut connection, &MappingSettings::default(), &[vec![tried]]);
        } else {
            println!("skipped: this PostgreSQL has no pgvector");
        }
    }
}

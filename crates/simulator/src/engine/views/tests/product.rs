//! The product's own queries run as they are.

use super::*;

const QUERIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sources/src/live/queries");

/// The year in `columns_2016.sql`; 2012 for a name without.
fn major_of_name(name: &str) -> u16 {
    let year = name.trim_end_matches(".sql").rsplit_once('_').map_or("2012", |(_, year)| year);
    match year {
        "2014" => 12,
        "2016" => 13,
        "2017" => 14,
        "2019" => 15,
        "2022" => 16,
        "2025" => 17,
        _ => 11,
    }
}

#[test]
fn every_query_of_the_product_runs_with_the_rights_of_a_migration_on_its_versions_and_on_no_other() {
    let versions = [
        ("11.0.7001.0", 3),
        ("12.0.6024.0", 3),
        ("13.0.6300.2", 3),
        ("14.0.3456.2", 3),
        ("15.0.4316.3", 3),
        ("16.0.4135.4", 3),
        ("17.0.1000.7", 3),
        ("12.0.2000.8", 5),
    ];
    for (version, edition) in versions {
        let facts = DatabaseFacts { engine_edition: edition, case_sensitive: edition == 5, ..facts(version) };
        let views = Views::open(&catalog::shop(), &facts).unwrap();
        let session = somebody(Rights::least());
        for entry in std::fs::read_dir(QUERIES).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let sql = std::fs::read_to_string(&path).unwrap();
            parse(&sql).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
            let answer = ask_as(&views, &session, &sql);
            let instance_only = edition == 5 && sql.contains("not on Azure SQL Database");
            if major_of_name(&name) <= views.state.version && !instance_only {
                answer.unwrap_or_else(|failure| panic!("{name} on {version}: {failure:?}"));
            } else {
                let failure = answer.expect_err(&name);
                assert!(matches!(failure.number, 207 | 208), "{name} on {version}: {failure:?}");
            }
        }
    }
}

#[test]
fn the_hold_is_told_the_truth() {
    let query = std::fs::read_to_string(format!("{QUERIES}/hold.sql")).unwrap();
    let found = rows(&views(), &query);
    assert_eq!(found, ["Shop|SIMULATED|2024-05-06T02:00:00|0|0|ON|NULL|0|3|1|2026-01-02T00:00:00"]);
    let query = std::fs::read_to_string(format!("{QUERIES}/snapshots.sql")).unwrap();
    assert_eq!(rows(&views(), &query), ["Shop_hold|2024-05-06T02:00:00"]);
    let query = std::fs::read_to_string(format!("{QUERIES}/changes.sql")).unwrap();
    let found = rows(&views(), &query);
    assert!(found.len() == 1 && found[0].starts_with("42|"), "{found:?}");
    let query = std::fs::read_to_string(format!("{QUERIES}/doctor_changes.sql")).unwrap();
    assert_eq!(rows(&views(), &query), ["42|3"]);
    let query = std::fs::read_to_string(format!("{QUERIES}/data_files.sql")).unwrap();
    assert_eq!(rows(&views(), &query), ["Shop|/data/Shop.mdf"]);
    let query = std::fs::read_to_string(format!("{QUERIES}/code_pages.sql")).unwrap();
    assert_eq!(
        rows(&views(), &query),
        ["Cyrillic_General_CI_AS|1251|0", "SQL_Latin1_General_CP1_CI_AS|1252|1"]
    );
}

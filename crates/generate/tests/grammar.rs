//! The generated model against real ones: no word of its grammar is ours.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect, and says what it skips"
)]

use mssql2pg_generate::{GenerateOptions, write_shop};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Words that DacFx knows but none of the samples uses: filtered and descending indexes, increments
/// other than 1, and roles.
const NOT_IN_A_SAMPLE: &[&str] = &["FilterPredicate", "IsAscending", "IdentityIncrement", "SqlRole"];

fn sample_packages() -> Option<Vec<PathBuf>> {
    let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples"));
    if !samples.is_dir() {
        let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
        assert!(!required.contains("samples"), "../shared/samples is not here, and it is required");
        println!("skipped: ../shared/samples is not here");
        return None;
    }
    let folders = ["bacpac", "dacpac"].map(|name| std::fs::read_dir(samples.join(name)).unwrap());
    Some(folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect())
}

/// All names of properties and relationships, and all types of elements and annotations.
fn words(package: &Path) -> BTreeSet<String> {
    let mut archive = zip::ZipArchive::new(File::open(package).unwrap()).unwrap();
    let mut model = String::new();
    archive.by_name("model.xml").unwrap().read_to_string(&mut model).unwrap();
    let beginnings =
        ["<Property Name=\"", "<Relationship Name=\"", "<Element Type=\"", "<Annotation Type=\""];
    let found = beginnings.iter().flat_map(|beginning| model.split(beginning).skip(1));
    found.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn every_word_of_the_model_occurs_in_a_real_one() {
    let Some(packages) = sample_packages() else { return };
    assert!(packages.len() >= 10);
    let real: BTreeSet<String> = packages.iter().flat_map(|package| words(package)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.bacpac");
    write_shop(&path, &GenerateOptions { rows: 0, ..GenerateOptions::default() }, &mut |_| ()).unwrap();
    let ours = words(&path);
    let unknown: Vec<&str> = ours.difference(&real).map(String::as_str).collect();
    let mut expected = NOT_IN_A_SAMPLE.to_vec();
    expected.sort_unstable();
    assert_eq!(unknown, expected);
}

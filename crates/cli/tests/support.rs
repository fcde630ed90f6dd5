//! What the tests of the real binary share: running it, samples, databases.

#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(missing_docs, unreachable_pub, unused_imports, reason = "test support")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "test support")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub use mssql2pg_target::embedded::testing::{TestDatabase, database};

/// The binary, with an environment that holds no setting of the developer's.
pub fn mssql2pg(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mssql2pg"));
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_ours = name.starts_with("MSSQL2PG_") || name.starts_with("PG") || name.ends_with("_URL");
        if is_ours {
            command.env_remove(name);
        }
    }
    command
}

/// What a run printed, for messages.
pub fn told(output: &Output) -> String {
    format!(
        "exit {:?}\n--- stdout\n{}--- stderr\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A file of the samples; none where they are not, which is said.
pub fn sample(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    if !folder.is_dir() {
        let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
        assert!(!required.contains("samples"), "../shared/samples is required and not here");
        eprintln!("skipped: ../shared/samples is not here");
        return None;
    }
    let path = folder.join(name);
    assert!(path.exists(), "{} is not among the samples", path.display());
    Some(path)
}

/// A connection to a test database.
pub fn connect(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).expect("the test server answers")
}

/// A JSON file.
pub fn read_json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The digests of all tables as validation read them back, by source table.
pub fn digests(run: &Path) -> Vec<(String, String)> {
    let validation = read_json(&run.join("validation.json"));
    let tables = validation["tables"].as_array().unwrap();
    tables
        .iter()
        .map(|table| {
            (table["source"].as_str().unwrap().to_owned(), table["digest_read"].as_str().unwrap().to_owned())
        })
        .collect()
}

//! The generated pages of `docs/reference/`. `cargo test` fails when one is stale.

use std::fs;
use std::path::{Path, PathBuf};

/// Every generated page: its file name and its text.
fn pages() -> Result<Vec<(&'static str, String)>, String> {
    Ok(vec![
        ("types.md", mssql2pg_mapping::types::types_markdown()),
        ("config.md", mssql2pg_migrate::settings::settings_markdown()),
        ("checks.md", mssql2pg_migrate::checks::checks_markdown()),
        ("report.md", crate::schema::markdown()?),
    ])
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(name)
}

/// Writes all pages.
pub(crate) fn write() -> Result<(), String> {
    for (name, text) in pages()? {
        let path = path(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// Fails if a page is stale.
pub(crate) fn check() -> Result<(), String> {
    let stale: Vec<&str> = pages()?
        .into_iter()
        .filter(|(name, text)| fs::read_to_string(path(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name)
        .collect();
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("stale: docs/reference/{}; run cargo x docs", stale.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_generated_pages_are_fresh() {
        super::check().unwrap();
    }
}

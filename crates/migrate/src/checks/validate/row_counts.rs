//! Row counts: baseline = loaded = target, and nothing rejected.

use super::{Compared, TableCheck, TableContext};
use crate::error::Error;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "row-counts",
    manual: "The rows that the audit counted in the source, the rows committed by the ledger and the rows read back from PostgreSQL are equal, and no row was rejected.",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let (loaded, rejected) = (context.loaded_rows(), context.rejected_rows());
    let target = context.contents.as_ref().map(|contents| contents.target_rows);
    let mut differences = Vec::new();
    if rejected > 0 {
        differences.push(format!("{rejected} rows were rejected"));
    }
    match context.baseline_rows {
        Some(baseline) if baseline != loaded + rejected => {
            differences.push(format!("the source has {baseline} rows, {loaded} were loaded"));
        }
        Some(_) => {}
        None => differences.push("the source was not counted: audit has not run".to_owned()),
    }
    if target != Some(loaded) {
        let target = target.map_or("an unknown number of".to_owned(), |rows| rows.to_string());
        differences.push(format!("{loaded} rows were loaded, PostgreSQL has {target}"));
    }
    Ok(Compared::none_of(differences, format!("{loaded} rows in source, ledger and target")))
}

//! Row counts: baseline = loaded = target, and nothing rejected.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "row-counts",
    manual: "The rows that the audit counted in the source, the rows committed by the ledger and the rows read back from PostgreSQL are equal, and no row was rejected.",
    advice: "look whether something else writes to the target, then run validate again; if the counts still differ, migrate again into another run folder with --if-exists replace",
    run: check,
};

/// What to do about rows that were rejected.
pub(super) const REJECTED_ADVICE: &str = "choose text.nul or text.invalid (replace or strip), or mend the rows at the source, and migrate again into another run folder with --if-exists replace; the rows and the reasons are in rejects/";

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let (loaded, rejected) = (context.loaded_rows(), context.rejected_rows());
    let target = context.contents.as_ref().map(|contents| contents.target_rows);
    let mut differences = Vec::new();
    if rejected > 0 {
        differences.push(format!("{} rejected", were(rejected)));
    }
    match context.baseline_rows {
        Some(baseline) if baseline != loaded + rejected => {
            differences.push(format!(
                "the source has {}, {loaded} {} loaded",
                counted(baseline, "row"),
                was(loaded)
            ));
        }
        Some(_) => {}
        None => differences.push("the source was not counted: audit has not run".to_owned()),
    }
    if target != Some(loaded) {
        let target = target.map_or("an unknown number of".to_owned(), |rows| rows.to_string());
        differences.push(format!("{} loaded, PostgreSQL has {target}", were(loaded)));
    }
    Ok(Compared::none_of(differences, format!("{} in source, ledger and target", counted(loaded, "row"))))
}

fn was(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// `1 row was`, `2 rows were`.
fn were(rows: u64) -> String {
    format!("{} {}", counted(rows, "row"), was(rows))
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_row_was_and_two_rows_were() {
        assert_eq!(super::were(1), "1 row was");
        assert_eq!(super::were(2), "2 rows were");
        assert_eq!(super::were(0), "0 rows were");
    }
}

//! Contents: the digest of the COPY bytes sent against the digest of the bytes read back.
//!
//! The digest is the sum of 128-bit row hashes, so the order of rows does not matter and a lost, a
//! doubled and a changed row all show. On a difference both ends are read again, to find the rows: see [`super::drill`].

use super::ends::read_target;
use super::{Compared, TableCheck, TableContext, drill};
use crate::checks::counted;
use crate::error::Error;
use crate::facts::{DifferenceKind, Differences};
use mssql2pg_mapping::digest::{RowDigest, TableDigester};

pub(super) const CHECK: TableCheck = TableCheck {
    name: "contents",
    manual: "The digest of all rows as they were sent equals the digest of all rows read back with COPY in binary form. On a difference, both ends are read again: the rows that differ are counted, and the keys and columns of some are listed.",
    advice: "something changed the target after the load, or PostgreSQL keeps the values otherwise: compare the named columns of the listed rows with the source (validate --show-values shows their values) and run validate again; if rows were changed or lost, migrate again into another run folder with --if-exists replace",
    run: check,
};

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Rows read back.
    pub target_rows: u64,
    /// The digest of what was sent.
    pub sent: String,
    /// The digest of what was read back.
    pub read: String,
    /// Source names of the columns that differ; empty also when the rows differ as a whole.
    pub differing_columns: Vec<String>,
    /// The rows that differ; none where all are equal or the source is not at hand.
    pub differences: Option<Differences>,
}

/// The columns and rows that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentsDifference {
    /// Source names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub differences: Differences,
}

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let name = context.plan.source.to_string();
    let mut sent = RowDigest::default();
    for split in context.splits {
        let digest = split.digest.parse().map_err(|_| {
            Error::run(
                format!("the ledger's digest of {name} is not one of ours"),
                "start over with --if-exists replace and another run folder",
            )
        })?;
        sent.merge(&digest);
    }
    let mut digester = TableDigester::new(context.plan);
    read_target(context, &mut |row| digester.row(row))?;
    let read = digester.digest();
    let mut contents = Contents {
        target_rows: read.rows,
        sent: sent.to_string(),
        read: read.to_string(),
        differing_columns: Vec::new(),
        differences: None,
    };
    let equal = sent == read;
    if !equal && let Some(source) = context.source {
        let found = drill::drill(context, source, sent.rows.max(read.rows))?;
        contents.differing_columns = found.columns;
        contents.differences = Some(found.differences);
    }
    let detail = if equal {
        format!("digest {} of {} as sent and as read back", short(&contents.read), counted(read.rows, "row"))
    } else {
        difference_text(&contents)
    };
    context.contents = Some(contents);
    Ok(if equal { Compared::equal(detail) } else { Compared::different(detail) })
}

/// What differs, without keys.
fn difference_text(contents: &Contents) -> String {
    let in_columns = match contents.differing_columns.as_slice() {
        [] => String::new(),
        columns => format!(" in {}", columns.join(", ")),
    };
    match &contents.differences {
        Some(Differences { total: 0, .. }) => {
            "what was sent was another state of the source: read again, it equals the target".to_owned()
        }
        // All rows are listed, and none is wrong in some of its columns.
        Some(Differences { total, rows, .. })
            if rows.len() as u64 == *total && rows.iter().all(|row| row.kind != DifferenceKind::Changed) =>
        {
            let of = |kind, word: &str| {
                let rows = rows.iter().filter(|row| row.kind == kind).count() as u64;
                (rows > 0).then(|| format!("{} {word}", counted(rows, "row")))
            };
            let parts = [
                of(DifferenceKind::Missing, "missing"),
                of(DifferenceKind::Extra, "too many"),
                of(DifferenceKind::Doubled, "doubled"),
            ];
            format!("contents differ: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        Some(Differences { total, .. }) => {
            let verb = if *total == 1 { "differs" } else { "differ" };
            format!("contents differ{in_columns}: {} {verb}", counted(*total, "row"))
        }
        None => {
            format!(
                "digest {} was sent, {} was read back; the source is not at hand, so that no row is named",
                short(&contents.sent),
                short(&contents.read)
            )
        }
    }
}

fn short(digest: &str) -> &str {
    // Rows, a colon, then the sum: the sum's head is enough for people.
    let sum = digest.rsplit_once(':').map_or(digest, |(_, sum)| sum);
    sum.get(..12).unwrap_or(sum)
}

//! The facts of a run: everything that a report may say, gathered once from the run folder and the
//! ledger. Reports are pure functions of [`Facts`]; `report.json` is [`Facts`] as serde writes it.
//!
//! Invariant: no secret is in here, and no cell value but sample keys, each column's smallest and largest value (neither with
//! `audit.samples = false`), and with `--show-values` those of rows that differ.

use mssql2pg_catalog::Finding;
use mssql2pg_mapping::encode::Loss;
use mssql2pg_mapping::plan::Unconverted;
use mssql2pg_sources::SourceInfo;
use serde::{Deserialize, Serialize};

/// The version of `report.json`.
pub const FACTS_FORMAT: u32 = 2;

/// Everything that a report may say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// [`FACTS_FORMAT`].
    pub format: u32,
    /// This tool's version.
    pub tool_version: String,
    /// When the facts were gathered: RFC 3339 in UTC, seconds.
    pub gathered_at: String,
    /// The run's id.
    pub run_id: String,
    /// The plan's fingerprint.
    pub fingerprint: String,
    /// The database's name in the source.
    pub database: String,
    /// Where it came from.
    pub source: SourceInfo,
    /// Where it went; none before the first phase that needs a target.
    pub target: Option<TargetFacts>,
    /// The verdict.
    pub verdict: Verdict,
    /// Tables in the catalog's order.
    pub tables: Vec<TableFacts>,
    /// Findings of all phases, most severe first.
    pub findings: Vec<Finding>,
    /// Objects that were not carried over.
    pub unconverted: Vec<Unconverted>,
    /// How many objects were carried over, by kind, for example `("indexes", 12)`.
    pub converted: Vec<(String, u64)>,
    /// Phases in the order in which they ran.
    pub phases: Vec<PhaseFacts>,
    /// The settings that shape the plan, without secrets.
    pub settings: Vec<(String, String)>,
}

/// The target as far as a report may tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// A URL without its password, or the folder of an embedded server.
    pub location: String,
    /// For example `PostgreSQL 15.18`.
    pub server_version: String,
    /// Whether it is a server of our own, for demo and trial.
    pub embedded: bool,
}

/// What became of the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The state in one word.
    pub state: VerdictState,
    /// One sentence for the head of the report, without a period.
    pub sentence: String,
    /// What the reading of the source guarantees: one sentence without a period.
    pub guarantee: String,
}

/// The verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// Every table passed validation.
    Migrated,
    /// Nothing failed, but not every table is validated yet.
    Incomplete,
    /// At least one table failed.
    Failed,
}

/// How far a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableStatus {
    /// It is in the plan; no row is loaded.
    Planned,
    /// Some splits are loaded.
    Loading,
    /// All its rows are loaded.
    Loaded,
    /// Its keys and indexes are built.
    Finished,
    /// It has passed validation: it is migrated.
    Validated,
    /// Validation found a difference, or rows were rejected.
    Failed,
}

impl TableStatus {
    /// The word for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Loading => "loading",
            Self::Loaded => "loaded",
            Self::Finished => "finished",
            Self::Validated => "validated",
            Self::Failed => "failed",
        }
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFacts {
    /// The table in SQL Server, for example `dbo.Orders`.
    pub source: String,
    /// The table in PostgreSQL, for example `public.orders`.
    pub target: String,
    /// How far it is.
    pub status: TableStatus,
    /// Rows counted by the audit before anything moved.
    pub baseline_rows: Option<u64>,
    /// Rows sent and committed, by the ledger.
    pub loaded_rows: Option<u64>,
    /// Rows that PostgreSQL could not hold and that went to `rejects/`.
    pub rejected_rows: u64,
    /// Rows read back from PostgreSQL by validation.
    pub target_rows: Option<u64>,
    /// COPY bytes sent.
    pub bytes: u64,
    /// Seconds of loading, summed over splits (several may run at once).
    pub seconds: f64,
    /// Digest of the rows as sent.
    pub digest_sent: Option<String>,
    /// Digest of the rows as read back.
    pub digest_read: Option<String>,
    /// Columns whose contents differ, when the digests do.
    pub differing_columns: Vec<String>,
    /// The rows that differ, where validation went to find them.
    #[serde(default)]
    pub differences: Option<Differences>,
    /// What the second witness compared; none where it did not.
    #[serde(default)]
    pub measures: Option<MeasureFacts>,
    /// The columns side by side.
    pub columns: Vec<ColumnFacts>,
    /// What was altered on the way, counted.
    pub losses: Vec<Loss>,
    /// What validation checked.
    pub checks: Vec<CheckOutcome>,
}

/// One column, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// The column in SQL Server.
    pub source: String,
    /// Its type there.
    pub source_type: String,
    /// The column in PostgreSQL.
    pub target: String,
    /// Its type there.
    pub target_type: String,
    /// `exact`, `wider` or `lossy`.
    pub fidelity: String,
    /// What is wider or lost.
    pub note: Option<String>,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// The default or generation expression in PostgreSQL.
    pub default: Option<String>,
    /// NULLs counted by the audit.
    pub nulls: Option<u64>,
    /// Empty strings counted by the audit.
    pub empty: Option<u64>,
    /// About how many different values the audit saw, NULL left out.
    #[serde(default)]
    pub distinct: Option<u64>,
    /// The smallest value, as people write it; none for private data and for types without an order.
    #[serde(default)]
    pub minimum: Option<String>,
    /// The largest value likewise.
    #[serde(default)]
    pub maximum: Option<String>,
    /// The longest text in UTF-16 units, the longest binary value in bytes.
    #[serde(default)]
    pub longest: Option<u64>,
}

/// What the second witness compared in one table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MeasureFacts {
    /// Measures that are equal, counts of NULLs included.
    pub equal: u64,
    /// Measures that differ.
    pub different: u64,
    /// Columns of which only the NULLs could be compared, with the reason.
    pub counted_only: Vec<(String, String)>,
    /// Whether the source's own engine computed its side (a running server), not we from the decoded values.
    pub by_server: bool,
}

/// The rows of one table that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Differences {
    /// How many rows differ.
    pub total: u64,
    /// Some of them, in the order in which they were found.
    pub rows: Vec<RowDifference>,
    /// How they spread over the splits in which the table was read; empty of a table of one split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<SplitDifference>,
}

/// The rows of one split that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitDifference {
    /// The split's number, from 1; none of rows that only the target has.
    pub split: Option<u32>,
    /// What the split is in the source: a range of keys as a condition in T-SQL, or a part of a file; none where keys are
    /// not to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locator: Option<String>,
    /// How many of its rows differ.
    pub rows: u64,
    /// Whether the split, read again, has the digest that was sent: if not, the source itself has changed since. None
    /// where nothing was sent by this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_as_sent: Option<bool>,
}

/// One row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDifference {
    /// What is wrong with it.
    pub kind: DifferenceKind,
    /// Its key: `OrderID=7, Line=2`; of a table without a key, what tells the row apart.
    pub key: String,
    /// Source names of the columns that differ. Of a row that one side does not have: the columns in which the nearest
    /// such row of the other side differs (its key was changed, or the table has none); empty when none is near.
    pub columns: Vec<String>,
    /// Per differing column the value in the source and in the target, where the user wants to see values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(Option<String>, Option<String>)>,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The source has it, the target does not.
    Missing,
    /// The target has it, the source does not.
    Extra,
    /// The target has it more often than the source.
    Doubled,
    /// Both have it, with different values.
    Changed,
}

/// One check of validation on one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// The check's stable name, for example `row-counts`.
    pub check: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was compared, or what differs: one sentence without a period.
    pub detail: String,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseFacts {
    /// Its name, for example `load`.
    pub phase: String,
    /// When it started last: RFC 3339 in UTC, seconds.
    pub started_at: String,
    /// How long it took, over all its runs but those that were killed.
    pub seconds: f64,
    /// How often it ran; more than once after an interruption.
    pub runs: u32,
}

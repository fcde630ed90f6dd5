//! How the rows of a source are held still while a run reads them, and what that guarantees.
//!
//! A file holds still by itself. A live database changes under our eyes unless something holds it: then all tables are
//! read in one state, or the run says that they were not.

use mssql2pg_catalog::Table;
use serde::{Deserialize, Serialize};

/// What holds the rows still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// It is a file.
    File,
    /// A database snapshot that we made: every reader sees the same state.
    DatabaseSnapshot,
    /// One transaction a reader, at the isolation level SNAPSHOT, all begun before the first row is read.
    SnapshotIsolation,
    /// The database is read-only.
    ReadOnly,
    /// The user says that nobody writes.
    Quiesced,
    /// Nothing.
    Moving,
}

impl HoldKind {
    /// Whether all tables are read in one state.
    pub fn is_frozen(self) -> bool {
        self != Self::Moving
    }
}

/// What held while a run read its rows; kept in the run folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What holds.
    pub kind: HoldKind,
    /// Tells the state that is held from any other: the same text means the same rows.
    pub state: String,
    /// For the report: one sentence without a period.
    pub sentence: String,
    /// What keeps the guarantee from being whole: one sentence without a period.
    pub doubt: Option<String>,
}

impl Hold {
    /// What holds for a file.
    pub fn file() -> Self {
        Self {
            kind: HoldKind::File,
            state: "file".to_owned(),
            sentence: "read from a file, which does not change".to_owned(),
            doubt: None,
        }
    }
}

/// What the user wants to hold the rows still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The best that the server permits: a database snapshot, else SNAPSHOT isolation.
    #[default]
    Best,
    /// What costs the server least: SNAPSHOT isolation, else as `Best`. For an audit alone.
    Light,
    /// A database snapshot, or an error.
    DatabaseSnapshot,
    /// SNAPSHOT isolation, or an error.
    SnapshotIsolation,
    /// The user's word that nobody writes.
    Quiesced,
}

/// What a run asks for before it reads rows.
#[derive(Debug, Clone, Copy)]
pub struct HoldRequest<'a> {
    /// How many readers there will be at once.
    pub readers: usize,
    /// What the user wants.
    pub wanted: Wanted,
    /// Whether the user takes a source that moves, by name.
    pub accept_moving: bool,
    /// The run's id, for the names of what we make on the server.
    pub run_id: &'a str,
    /// What held when this run read rows before: the same state is wanted again.
    pub before: Option<&'a Hold>,
    /// The tables that will be read.
    pub tables: &'a [Table],
}

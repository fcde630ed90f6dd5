//! What the phases tell while they work. The command line turns it into bars, lines or JSON.
//!
//! Invariant: names and counts only, never a cell value or a secret.

use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// A phase begins.
    PhaseStarted {
        /// Its name.
        phase: &'a str,
    },
    /// A phase is done.
    PhaseFinished {
        /// Its name.
        phase: &'a str,
        /// How long it took.
        seconds: f64,
    },
    /// Work on a table begins within the phase.
    TableStarted {
        /// The table in the source.
        table: &'a str,
        /// How many rows to expect, where known.
        rows: Option<u64>,
    },
    /// Rows have passed since the last such event of the table.
    Rows {
        /// The table in the source.
        table: &'a str,
        /// How many rows.
        rows: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// Work on a table is done within the phase.
    TableFinished {
        /// The table in the source.
        table: &'a str,
        /// How many rows.
        rows: u64,
        /// How long it took.
        seconds: f64,
    },
    /// Something the user should read.
    Note {
        /// One sentence.
        text: &'a str,
    },
}

/// Takes events from all workers at once.
pub trait Progress: Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Says nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn event(&self, _event: &Event<'_>) {}
}

/// Set by Ctrl-C; looked at between chunks and statements.
#[derive(Debug, Default)]
pub struct Interrupt(AtomicBool);

impl Interrupt {
    /// Not interrupted.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks everybody to stop at the next good point.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

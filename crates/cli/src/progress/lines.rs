//! Plain lines on stderr, for logs and pipes: one a phase, one a table that is done.

use crate::output;
use mssql2pg_migrate::progress::{Event, Progress};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub(super) struct Lines {
    phase: Mutex<String>,
}

impl Progress for Lines {
    fn event(&self, event: &Event<'_>) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::PhaseStarted { phase: name } => {
                (*name).clone_into(&mut *phase);
            }
            Event::PhaseFinished { phase, seconds } => {
                output::note(&format!("{phase:<9} done in {seconds:.1} s"))
            }
            Event::TableFinished { table, rows, seconds } => {
                let rate = if *seconds > 0.05 {
                    #[expect(
                        clippy::cast_precision_loss,
                        clippy::cast_sign_loss,
                        clippy::cast_possible_truncation,
                        reason = "a rate for people"
                    )]
                    let rate = (*rows as f64 / seconds) as u64;
                    format!(", {} rows/s", output::count(rate))
                } else {
                    String::new()
                };
                output::note(&format!("{:<9} {table}: {}{rate}", *phase, output::counted(*rows, "row")));
            }
            Event::Note { text } => output::note(text),
            Event::TableStarted { .. } | Event::Rows { .. } => {}
        }
    }
}

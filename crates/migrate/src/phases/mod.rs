//! The story of a migration, phase by phase. Each is a plain function over a persisted run and may
//! be run again at any time; none calls another.
//!
//! | phase | reads | leaves behind |
//! |---|---|---|
//! | [`extract`] | the source | `catalog.json` |
//! | [`hold`] | a live source | `hold.json` |
//! | [`audit`] | the source's rows | `baseline.json`, findings |
//! | [`plan`] | `catalog.json` | `plan.json`, `schema/*.sql` |
//! | [`create`] | the plan | tables and the ledger, in the target |
//! | [`load`] | the source's rows | rows and ledger marks, committed together |
//! | [`finish`] | the plan | keys, indexes, foreign keys, identity values |
//! | [`validate`] | both ends | `validation.json` |
//! | [`report`] | run folder and ledger | `reports/` |

mod against;
mod audit;
mod create;
mod extract;
mod finish;
mod hold;
mod load;
mod plan;
mod report;
mod splits;
mod validate;
mod workers;

pub use against::{Against, against};
pub use audit::{Baseline, ColumnBaseline, TableBaseline, audit};
pub use create::{RunState, create, run_state};
pub use extract::{extract, refresh, selected};
pub use finish::finish;
pub use hold::{Purpose, confirm, hold, release, release_unless_loading};
pub use load::{LoadSummary, load};
pub use plan::{hazards, plan};
pub use report::{gather_facts, report, without_samples};
pub use splits::is_loaded;
pub use validate::{TableValidation, Validation, validate};

use crate::config::Config;
use crate::error::Error;
use crate::progress::{Event, Interrupt, Progress};
use crate::run::{Run, now};
use std::time::Instant;

/// What every phase is given: the run it works on, the settings, and whom to tell.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The run.
    pub run: &'a Run,
    /// All settings.
    pub config: &'a Config,
    /// Whom to tell.
    pub progress: &'a dyn Progress,
    /// Set when the user wants us to stop.
    pub interrupt: &'a Interrupt,
}

impl Context<'_> {
    /// Whether keys of rows may be named: not in a run that began without (`audit.samples = false`), whatever the settings
    /// are now.
    pub fn names_keys(&self) -> bool {
        self.run.names_keys(self.config)
    }

    /// Runs a phase between its two events and notes its time, also when it fails.
    fn timed<T>(&self, phase: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if self.interrupt.is_set() {
            return Err(Error::Interrupted);
        }
        self.progress.event(&Event::PhaseStarted { phase });
        let (started_at, start) = (now(), Instant::now());
        // Counted at its start: a run that is killed has run, too.
        self.run.note_phase_begun(phase, &started_at)?;
        let result = work();
        let seconds = start.elapsed().as_secs_f64();
        self.run.note_phase_ended(phase, seconds)?;
        if result.is_ok() {
            self.progress.event(&Event::PhaseFinished { phase, seconds });
        }
        result
    }
}

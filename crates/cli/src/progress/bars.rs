//! A bar per table on a terminal, with rows, rate and time left.

use crate::output::count;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use mssql2pg_migrate::progress::{Event, Progress};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(super) struct Bars {
    all: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: String,
    phase_bar: Option<ProgressBar>,
    /// By table: its bar, and the bytes that have passed.
    tables: HashMap<String, (ProgressBar, u64)>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::new(), state: Mutex::new(State::default()) }
    }
}

/// A template of ours; a wrong one shows as a plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            // Writing to the terminal's line does not fail.
            let _ = write!(out, "{:>11}/s", count(whole(state.per_sec())));
        })
        .progress_chars("━╸─")
}

/// A rate for people, without its fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

impl Progress for Bars {
    fn event(&self, event: &Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::PhaseStarted { phase } => {
                (*phase).clone_into(&mut state.phase);
                let bar = self.all.add(ProgressBar::new_spinner());
                bar.set_style(style("{spinner} {msg} {elapsed}"));
                bar.set_message((*phase).to_owned());
                bar.enable_steady_tick(Duration::from_millis(120));
                state.phase_bar = Some(bar);
            }
            Event::PhaseFinished { phase, seconds } => {
                for (_, (bar, _)) in state.tables.drain() {
                    bar.finish_and_clear();
                }
                if let Some(bar) = state.phase_bar.take() {
                    bar.finish_and_clear();
                }
                // A lost terminal is no reason to stop.
                let _ = self.all.println(format!("✓ {phase:<9} {seconds:.1} s"));
            }
            Event::TableStarted { table, rows } => {
                let bar = self.all.add(ProgressBar::no_length());
                if let Some(rows) = rows {
                    bar.set_length(*rows);
                    bar.set_style(style(
                        "  {prefix:30!} {bar:24} {human_pos}/{human_len} rows  {rate} {msg}  ETA {eta}",
                    ));
                } else {
                    bar.set_style(style("  {prefix:30!} {spinner} {human_pos} rows  {rate} {msg}"));
                }
                bar.set_prefix((*table).to_owned());
                state.tables.insert((*table).to_owned(), (bar, 0));
            }
            Event::Rows { table, rows, bytes } => {
                if let Some((bar, sum)) = state.tables.get_mut(*table) {
                    *sum += bytes;
                    bar.inc(*rows);
                    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                    let rate = *sum as f64 / bar.elapsed().as_secs_f64().max(0.001) / 1e6;
                    bar.set_message(format!("{rate:.1} MB/s"));
                }
            }
            Event::TableFinished { table, .. } => {
                if let Some((bar, _)) = state.tables.remove(*table) {
                    bar.finish_and_clear();
                }
            }
            Event::Note { text } => {
                let _ = self.all.println(*text);
            }
        }
    }
}

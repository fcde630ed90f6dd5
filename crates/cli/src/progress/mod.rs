//! Progress for people and programs: bars on a terminal, lines elsewhere, JSON on demand.

mod bars;
mod json;
mod lines;

use crate::args::Common;
use mssql2pg_migrate::progress::{Progress, Quiet};
use std::io::IsTerminal;

/// The right kind of progress for this call.
pub(crate) fn choose(common: &Common) -> Box<dyn Progress> {
    if common.json {
        Box::new(json::JsonLines)
    } else if common.quiet {
        Box::new(Quiet)
    } else if std::io::stderr().is_terminal() {
        Box::new(bars::Bars::new())
    } else {
        Box::new(lines::Lines::default())
    }
}

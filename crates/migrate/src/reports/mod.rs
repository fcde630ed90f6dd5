//! Reports: pure functions of the run's [`Facts`]. Each is a file here and one line in [`ALL`].

mod compare;
mod figures;
mod html;
mod json;
mod junit;
#[cfg(test)]
pub(crate) mod made_up;
mod markdown;
mod proof;

pub(crate) use figures::count as shown;
pub(crate) use proof::contents_clause;

pub use compare::{Comparison, compare};
pub use figures::one_line;
pub use junit::findings as junit;

use crate::facts::Facts;

/// A report: the name of its file and how it is written.
pub struct Report {
    /// The file's name within `reports/`.
    pub file_name: &'static str,
    /// Writes it.
    pub write: fn(&Facts) -> Result<String, ReportError>,
}

/// A report could not be written: a defect of its template.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report {file_name}")]
pub struct ReportError {
    /// Which report.
    pub file_name: &'static str,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// All reports.
pub static ALL: &[Report] = &[html::REPORT, markdown::REPORT, json::REPORT, junit::REPORT];

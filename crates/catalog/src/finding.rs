//! Findings: what the user must know. Data, never log lines.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// The migration is not whole until somebody acts.
    Blocker,
}

/// One thing that the user must know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable kebab-case name, for example `fraction-cut`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, for example `dbo.Orders.Total`.
    pub object: String,
    /// What was found: one sentence without a period.
    pub message: String,
    /// How often, where counting makes sense.
    pub count: Option<u64>,
    /// Keys of up to ten rows, never whole rows: `OrderID=10248`.
    pub samples: Vec<String>,
    /// What to do about it: one sentence without a period.
    pub advice: String,
}

impl Finding {
    /// A finding without count and samples.
    pub fn new(
        code: &str,
        severity: Severity,
        object: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            object: object.into(),
            message: message.into(),
            count: None,
            samples: Vec::new(),
            advice: advice.into(),
        }
    }
}

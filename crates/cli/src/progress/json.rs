//! One JSON object a line on stdout, as things happen.

use crate::output;
use mssql2pg_migrate::progress::{Event, Progress};

pub(super) struct JsonLines;

impl Progress for JsonLines {
    fn event(&self, event: &Event<'_>) {
        if let Ok(line) = serde_json::to_string(event) {
            output::data(&line);
        }
    }
}

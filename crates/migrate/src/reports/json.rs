//! `report.json`: the [`Facts`] as serde writes them, indented. Its version is
//! [`crate::facts::FACTS_FORMAT`]; what reads it back is [`Facts`] itself.

use super::{Report, ReportError};
use crate::facts::Facts;

/// `report.json`.
pub(super) const REPORT: Report = Report { file_name: FILE_NAME, write };

const FILE_NAME: &str = "report.json";

fn write(facts: &Facts) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(facts)
        .map_err(|error| ReportError { file_name: FILE_NAME, source: Box::new(error) })?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;

    #[test]
    fn what_is_written_reads_back_as_the_same_facts() {
        for facts in made_up::all() {
            let text = write(&facts).unwrap();
            assert!(serde_json::from_str::<Facts>(&text).unwrap() == facts, "{}", facts.verdict.sentence);
            assert!(text.ends_with("}\n"));
        }
    }

    #[test]
    fn the_version_stands_in_the_file() {
        let text = write(&made_up::empty_run()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format"], crate::facts::FACTS_FORMAT);
        assert_eq!(value["verdict"]["state"], "incomplete");
    }
}

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
    fn a_file_of_the_first_version_is_read() {
        let mut old = serde_json::to_value(made_up::validated_run()).unwrap();
        old["format"] = 1.into();
        for table in old["tables"].as_array_mut().unwrap() {
            let table = table.as_object_mut().unwrap();
            table.remove("differences");
            table.remove("measures");
            for column in table["columns"].as_array_mut().unwrap() {
                let column = column.as_object_mut().unwrap();
                for name in ["distinct", "minimum", "maximum", "longest"] {
                    column.remove(name);
                }
            }
        }
        let facts: Facts = serde_json::from_value(old).unwrap();
        assert_eq!((facts.format, facts.tables[0].differences.is_none()), (1, true));
    }

    #[test]
    fn the_version_stands_in_the_file() {
        let text = write(&made_up::empty_run()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format"], crate::facts::FACTS_FORMAT);
        assert_eq!(value["verdict"]["state"], "incomplete");
    }
}

//! `junit.xml`: checks and findings as test cases, as CI servers read them.
//!
//! A table is a suite, each check of validation a case in it; a table that is not validated has one failed case. A finding
//! is a case of the suite `findings`: a blocker is a failure, a warning is told in `system-out`.
//!
//! Invariant: what XML cannot hold (control characters in names of a foreign database) is written as U+FFFD.

use super::{Report, ReportError};
use crate::checks::severity_word;
use crate::facts::{Facts, TableStatus};
use mssql2pg_catalog::{Finding, Severity};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io;

/// `junit.xml`.
pub(super) const REPORT: Report = Report { file_name: FILE_NAME, write };

const FILE_NAME: &str = "junit.xml";

/// One test case.
struct Case {
    name: String,
    /// Why it failed.
    failure: Option<String>,
    output: Option<String>,
}

fn write(facts: &Facts) -> Result<String, ReportError> {
    let mut suites: Vec<(String, Vec<Case>)> = Vec::new();
    for table in &facts.tables {
        let mut cases: Vec<Case> = table
            .checks
            .iter()
            .map(|check| Case {
                name: check.check.clone(),
                failure: (!check.passed).then(|| check.detail.clone()),
                output: check.passed.then(|| check.detail.clone()),
            })
            .collect();
        if table.status != TableStatus::Validated && cases.iter().all(|case| case.failure.is_none()) {
            let failure = Some(format!("the table is {}", table.status.label()));
            cases.push(Case { name: "validated".to_owned(), failure, output: None });
        }
        suites.push((table.source.clone(), cases));
    }
    let of_run = facts.findings.iter().map(|finding| case_of(finding, Some(Severity::Blocker)));
    suites.push(("findings".to_owned(), of_run.collect()));
    document(&suites).map_err(|error| ReportError { file_name: FILE_NAME, source: Box::new(error) })
}

/// Findings alone, of an audit; those of severity `least` and above fail, none without it.
pub fn findings(findings: &[Finding], least: Option<Severity>) -> String {
    let cases = findings.iter().map(|finding| case_of(finding, least));
    // Writing to memory does not fail.
    document(&[("findings".to_owned(), cases.collect())]).unwrap_or_default()
}

fn case_of(finding: &Finding, least: Option<Severity>) -> Case {
    let count = finding.count.map(|count| format!(" ({count})")).unwrap_or_default();
    let samples = match finding.samples.is_empty() {
        true => String::new(),
        false => format!("; {}", finding.samples.join(" | ")),
    };
    let severity = severity_word(finding.severity);
    let text = format!("{severity}: {}{count}{samples}; {}", finding.message, finding.advice);
    let is_failure = least.is_some_and(|least| finding.severity >= least);
    Case {
        name: format!("{} {}", finding.code, finding.object),
        failure: is_failure.then(|| text.clone()),
        output: (!is_failure).then_some(text),
    }
}

fn document(suites: &[(String, Vec<Case>)]) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.write_event(Event::Start(BytesStart::new("testsuites")))?;
    for (name, cases) in suites {
        let failures = cases.iter().filter(|case| case.failure.is_some()).count();
        let mut suite = BytesStart::new("testsuite");
        suite.push_attribute(("name", allowed(name).as_str()));
        suite.push_attribute(("tests", cases.len().to_string().as_str()));
        suite.push_attribute(("failures", failures.to_string().as_str()));
        writer.write_event(Event::Start(suite))?;
        for case in cases {
            put_case(&mut writer, name, case)?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn put_case(writer: &mut Writer<Vec<u8>>, suite: &str, case: &Case) -> io::Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("classname", allowed(suite).as_str()));
    start.push_attribute(("name", allowed(&case.name).as_str()));
    writer.write_event(Event::Start(start))?;
    if let Some(failure) = &case.failure {
        let mut start = BytesStart::new("failure");
        start.push_attribute(("message", allowed(failure).as_str()));
        writer.write_event(Event::Empty(start))?;
    }
    if let Some(output) = &case.output {
        writer.write_event(Event::Start(BytesStart::new("system-out")))?;
        writer.write_event(Event::Text(BytesText::new(&allowed(output))))?;
        writer.write_event(Event::End(BytesEnd::new("system-out")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// Only what XML 1.0 allows ("Characters", 2.2).
fn allowed(text: &str) -> String {
    let is_allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|letter| if is_allowed(letter) { letter } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::made_up;
    use quick_xml::Reader;

    /// How many elements of that name, and whether the document is well formed.
    fn elements(text: &str, name: &str) -> usize {
        let mut reader = Reader::from_str(text);
        let mut found = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) if start.name().as_ref() == name => {
                    start.attributes().for_each(|attribute| drop(attribute.unwrap()));
                    found += 1;
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn every_check_and_every_finding_is_a_case_and_what_failed_is_a_failure() {
        for facts in made_up::all() {
            let text = write(&facts).unwrap();
            let checks: usize = facts.tables.iter().map(|table| table.checks.len()).sum();
            assert!(elements(&text, "testcase") >= checks + facts.findings.len());
            assert_eq!(elements(&text, "testsuite"), facts.tables.len() + 1);
            let validated = facts.tables.iter().all(|table| table.status == TableStatus::Validated);
            let blocked = facts.findings.iter().any(|finding| finding.severity == Severity::Blocker);
            assert_eq!(elements(&text, "failure") > 0, !validated || blocked, "{}", facts.verdict.sentence);
        }
    }

    #[test]
    fn names_that_xml_cannot_hold_do_not_break_it() {
        let finding =
            Finding::new("a", Severity::Blocker, "dbo.<T>&\"\u{1}\u{fffe}", "found ]]> in it", "mend it");
        let text = findings(&[finding], Some(Severity::Blocker));
        assert_eq!(elements(&text, "failure"), 1);
        assert!(!text.contains('\u{1}') && !text.contains('\u{fffe}'));
    }
}

//! `audit`: what is in the source and wrong with it, before anything moves.

use super::migrate::{Opened, findings_text};
use crate::Outcome;
use crate::args::{Audit, Common};
use crate::output::{self, Failure, count, counted};
use mssql2pg_catalog::{Finding, Severity};
use mssql2pg_migrate::config::FailOn;
use mssql2pg_migrate::phases::{self, Baseline, Purpose};
use std::collections::BTreeMap;
use std::path::Path;

/// `mssql2pg audit`.
pub(crate) fn run(audit: &Audit, common: &Common) -> Result<Outcome, Failure> {
    let mut flags = audit.prepare.flags();
    audit.add_to(&mut flags);
    // First, so that a wrong path is not learnt after the audit of a large source.
    let old = audit.baseline.as_deref().map(old_findings).transpose()?;
    let opened = Opened::new(common.config(flags)?, common)?;
    let context = opened.context();
    let source = opened.source.as_ref();
    let catalog = phases::extract(context, source)?;
    phases::hold(context, source, &catalog, Purpose::Count)?;
    let audited = phases::audit(context, source, &catalog);
    phases::release_unless_loading(context, source);
    let mut baseline = audited?;
    let mut all = opened.run.findings()?;
    let mut findings: Vec<Finding> = all.remove("hold").unwrap_or_default();
    findings.extend(all.remove("audit").unwrap_or_default());
    findings.extend(phases::hazards(context, &catalog)?);
    if !context.names_keys() {
        // What an earlier command of the run has kept may name some; smallest, largest and sums are values, too.
        phases::without_samples(&mut findings);
        for table in &mut baseline.tables {
            table.measures = None;
            table.columns.iter_mut().for_each(|column| (column.minimum, column.maximum) = (None, None));
        }
    }
    let changes = old.map(|old| Changes::between(old, &findings));
    if let Some(path) = &audit.junit {
        // What makes a case fail is what makes the command end with 1.
        let told = changes.as_ref().map_or(findings.as_slice(), |changes| changes.new.as_slice());
        let text = mssql2pg_migrate::reports::junit(told, least(opened.config.audit.fail_on));
        std::fs::write(path, text).map_err(|error| {
            let hint = "name a file in a folder that is there";
            Failure::other(format!("cannot write {}", path.display()), &error, Some(hint.to_owned()))
        })?;
    }
    if common.json {
        let mut result = serde_json::json!({ "baseline": baseline, "findings": findings });
        if let (Some(changes), Some(result)) = (&changes, result.as_object_mut()) {
            result.insert("new".to_owned(), serde_json::json!(changes.new));
            result.insert("gone".to_owned(), serde_json::json!(changes.gone));
        }
        output::json(&result);
    } else {
        output::data(&baseline_table(&baseline));
        output::data(&match &changes {
            None => findings_text(&findings),
            Some(changes) => changes.text(),
        });
        let files =
            ["findings.json", "baseline.json"].map(|name| opened.run.path(name).display().to_string());
        output::note(&format!("written to {}", files.join(" and ")));
    }
    Ok(outcome(changes.as_ref().map_or(&findings, |changes| &changes.new), opened.config.audit.fail_on))
}

/// The least severity that the user minds; none if none.
fn least(fail_on: FailOn) -> Option<Severity> {
    match fail_on {
        FailOn::Never => None,
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Blocker => Some(Severity::Blocker),
    }
}

/// 1 when a finding is as severe as the user minds.
fn outcome(findings: &[Finding], fail_on: FailOn) -> Outcome {
    let least = least(fail_on);
    let fails = findings.iter().any(|finding| least.is_some_and(|least| finding.severity >= least));
    if fails { Outcome::Findings } else { Outcome::Done }
}

/// The findings of an earlier audit: of its run folder, or of the file in it.
fn old_findings(path: &Path) -> Result<Vec<Finding>, Failure> {
    let file = if path.is_dir() { path.join("findings.json") } else { path.to_owned() };
    let hint = || Some("name the run folder of an earlier audit, or the findings.json in it".to_owned());
    let failed = format!("cannot read the earlier findings in {}", file.display());
    let text = std::fs::read_to_string(&file).map_err(|error| Failure::other(&failed, &error, hint()))?;
    let mut phases: BTreeMap<String, Vec<Finding>> =
        serde_json::from_str(&text).map_err(|error| Failure::other(&failed, &error, hint()))?;
    // A run that has planned has the hazards of the plan there.
    let planned = if phases.contains_key("hazards") { "hazards" } else { "plan" };
    let of = ["hold", "audit", planned].into_iter().filter_map(|phase| phases.remove(phase));
    Ok(of.flatten().collect())
}

/// What has changed since an earlier audit.
struct Changes {
    /// Findings that were not there, or that are more or more severe than they were.
    new: Vec<Finding>,
    /// Findings that are not there any more.
    gone: Vec<Finding>,
    /// How many are as they were, or less.
    same: u64,
}

impl Changes {
    fn between(mut old: Vec<Finding>, findings: &[Finding]) -> Self {
        let (mut new, mut same) = (Vec::new(), 0);
        for finding in findings {
            let known =
                old.iter().position(|known| known.code == finding.code && known.object == finding.object);
            match known.map(|place| old.remove(place)) {
                Some(known) if known.severity >= finding.severity && known.count >= finding.count => {
                    same += 1
                }
                Some(known) => {
                    let mut finding = finding.clone();
                    if let Some(before) = known.count {
                        finding.message.push_str(&format!("; before: {}", count(before)));
                    }
                    new.push(finding);
                }
                None => new.push(finding.clone()),
            }
        }
        old.sort_by(|one, other| (&one.code, &one.object).cmp(&(&other.code, &other.object)));
        Self { new, gone: old, same }
    }

    fn text(&self) -> String {
        let mut text = match self.new.is_empty() {
            true => "\nNothing new since the earlier audit\n".to_owned(),
            false => format!("\nNew since the earlier audit:{}", findings_text(&self.new)),
        };
        for finding in &self.gone {
            text.push_str(&format!("  gone    {} {}\n", finding.code, finding.object));
        }
        text.push_str(&format!("  as before, or less: {}\n", counted(self.same, "finding")));
        text
    }
}

fn baseline_table(baseline: &Baseline) -> String {
    let rows = baseline
        .tables
        .iter()
        .map(|table| {
            let nulls: u64 = table.columns.iter().map(|column| column.nulls).sum();
            let empty: u64 = table.columns.iter().map(|column| column.empty).sum();
            vec![table.table.clone(), count(table.rows), count(nulls), count(empty)]
        })
        .collect();
    let total = counted(baseline.rows(), "row");
    format!(
        "{}\n{total} in all\n",
        output::table(&["table", "rows", "NULLs", "empty values"], &[1, 2, 3], rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, severity: Severity, count: u64) -> Finding {
        Finding { count: Some(count), ..Finding::new(code, severity, "dbo.T.C", "found", "mend it") }
    }

    #[test]
    fn only_what_is_new_or_more_or_worse_counts_as_new() {
        let old = vec![
            finding("a", Severity::Warning, 5),
            finding("b", Severity::Warning, 5),
            finding("c", Severity::Warning, 5),
            finding("d", Severity::Warning, 5),
        ];
        let now = [
            finding("a", Severity::Warning, 4),
            finding("b", Severity::Warning, 6),
            finding("c", Severity::Blocker, 5),
            finding("e", Severity::Info, 1),
        ];
        let changes = Changes::between(old, &now);
        let codes = |findings: &[Finding]| {
            findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(codes(&changes.new), "b c e");
        assert_eq!(codes(&changes.gone), "d");
        assert_eq!(changes.same, 1);
        assert!(changes.new[0].message.ends_with("before: 5"));
    }

    #[test]
    fn the_severity_that_fails_is_the_users() {
        let warning = [finding("a", Severity::Warning, 1)];
        assert!(matches!(outcome(&warning, FailOn::Warning), Outcome::Findings));
        assert!(matches!(outcome(&warning, FailOn::Blocker), Outcome::Done));
        assert!(matches!(outcome(&warning, FailOn::Never), Outcome::Done));
    }
}

//! Lays out a new file of the kinds that are added often.

use std::fs;
use std::path::Path;

/// `cargo x new KIND NAME`.
pub(crate) fn create(kind: &str, name: &str) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (file, text, next) = match kind {
        "check" => (
            format!("crates/migrate/src/checks/audit/{name}.rs"),
            format!(
                "//! What it finds, in a line.\n\n\
                 use super::{{Check, How, ValueCheck}};\nuse mssql2pg_catalog::{{Severity, Value}};\n\n\
                 pub(super) const CHECK: Check = Check {{\n    code: \"{}\",\n    severity: Severity::Warning,\n    \
                 message: \"\",\n    advice: \"\",\n    finds: \"\",\n    why: \"\",\n    \
                 how: How::Values(ValueCheck {{\n        applies: |_, _, _| None,\n        \
                 is_defect: |value, _| matches!(value, Value::Null),\n        policy: None,\n        tsql: |_| None,\n    }}),\n}};\n",
                name.replace('_', "-")
            ),
            "add it to mod and ALL in crates/migrate/src/checks/audit/mod.rs, then run cargo x docs",
        ),
        "report" => (
            format!("crates/migrate/src/reports/{name}.rs"),
            format!(
                "//! What it is for and who reads it.\n\nuse super::{{Report, ReportError}};\nuse crate::facts::Facts;\n\n\
                 pub(super) const REPORT: Report = Report {{ file_name: \"{name}.txt\", write }};\n\n\
                 fn write(facts: &Facts) -> Result<String, ReportError> {{\n    Ok(facts.verdict.sentence.clone())\n}}\n"
            ),
            "add it to mod and ALL in crates/migrate/src/reports/mod.rs",
        ),
        "decision" => {
            let folder = root.join("docs/decisions");
            let number = fs::read_dir(&folder).map_err(|error| error.to_string())?.count() + 1;
            (
                format!("docs/decisions/{number:04}-{name}.md"),
                "# Title\n\n**Context.**\n\n**Choice.**\n\n**Cost.**\n\n**What would change our mind.**\n"
                    .to_owned(),
                "one page; context, choice, cost, what would change our mind",
            )
        }
        _ => return Err(format!("unknown kind {kind}: check, report or decision")),
    };
    let path = root.join(&file);
    if path.exists() {
        return Err(format!("{file} is there already"));
    }
    fs::write(&path, text).map_err(|error| format!("cannot write {file}: {error}"))?;
    crate::tell(&format!("{file}\n{next}"));
    Ok(())
}

//! Plan: what will be built, into `plan.json` and `schema/*.sql`. Needs no target.

use super::{Context, selected};
use crate::error::Error;
use mssql2pg_catalog::{Catalog, Finding, ObjectName, Severity};
use mssql2pg_mapping::{DatabasePlan, ddl, plan_database};

/// The PostgreSQL version that `schema/*.sql` is written for when no target is known.
const DEFAULT_MAJOR: u32 = 15;

/// Plans the selected tables. Pure: the same catalog and settings give the same plan, so a run
/// that has a plan keeps it.
///
/// # Errors
/// When a setting names something that is not there, or files cannot be written.
pub fn plan(context: Context<'_>, catalog: &Catalog) -> Result<DatabasePlan, Error> {
    if context.run.path("plan.json").exists() {
        return context.run.plan();
    }
    context.timed("plan", || {
        let (plan, left_out) = plan_of(context, catalog)?;
        let mut findings = plan.findings.clone();
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().map(ToString::to_string).collect();
            let mut finding = Finding::new(
                "tables-left-out",
                Severity::Info,
                "tables.include, tables.exclude",
                format!("left out by the settings: {}", names.join(", ")),
                "nothing, if that is what you want",
            );
            finding.count = u64::try_from(left_out.len()).ok();
            findings.push(finding);
        }
        for (name, sql) in ddl::schema_files(&plan, DEFAULT_MAJOR) {
            context.run.write(&format!("schema/{name}"), sql.as_bytes())?;
        }
        context.run.put_findings("plan", findings)?;
        // Last: a plan.json says that the phase is done.
        context.run.write_json("plan.json", &plan)?;
        Ok(plan)
    })
}

/// What planning would find, without a plan being kept: for the audit, which comes before anybody has decided.
///
/// # Errors
/// When a setting names something that is not there, or files cannot be written.
pub fn hazards(context: Context<'_>, catalog: &Catalog) -> Result<Vec<Finding>, Error> {
    let (plan, _) = plan_of(context, catalog)?;
    context.run.put_findings(HAZARDS, plan.findings.clone())?;
    Ok(plan.findings)
}

/// Where `findings.json` keeps them, until the plan itself has its own.
pub(super) const HAZARDS: &str = "hazards";

/// The plan of the selected tables, and those that are left out.
fn plan_of(context: Context<'_>, catalog: &Catalog) -> Result<(DatabasePlan, Vec<ObjectName>), Error> {
    let (catalog, left_out) = selected(catalog.clone(), &context.config.tables)?;
    let mut settings = context.config.mapping();
    // Settings of tables that are left out are no mistakes.
    settings.columns.retain(|column, _| !left_out.iter().any(|table| is_column_of(column, table)));
    settings.schemas.retain(|schema, _| {
        !left_out.iter().any(|table| table.schema == *schema)
            || catalog.tables.iter().any(|table| table.name.schema == *schema)
    });
    let plan = plan_database(&catalog, &settings)
        .map_err(|error| Error::Config { message: error.message, hint: error.hint })?;
    Ok((plan, left_out))
}

/// Whether `schema.table.column` is a column of the table.
fn is_column_of(column: &str, table: &ObjectName) -> bool {
    column.strip_prefix(&table.to_string()).is_some_and(|rest| rest.starts_with('.'))
}

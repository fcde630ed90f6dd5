//! Create: schemas, sequences and tables without keys, and the ledger, in the target.
//!
//! Invariant: everything is made in one transaction together with its ledger rows, so the target has
//! all of it or nothing of it, and every table says which run it belongs to.

mod existing;
mod probe;

use super::Context;
use crate::error::Error;
use crate::run::{RefusedExpression, Run};
use crate::target_server::TargetServer;
use existing::Existing;
use mssql2pg_catalog::{Finding, Severity, SqlType};
use mssql2pg_mapping::plan::{ColumnPlan, Comparison};
use mssql2pg_mapping::types::{pg_type, type_rule};
use mssql2pg_mapping::{DatabasePlan, TablePlan, ddl};
use mssql2pg_target::catalog::existing_tables;
use mssql2pg_target::{BeginRun, Connection, ErrorKind, RunRow, TargetError};

/// The ledger's name of the one step.
const STEP: &str = "create";

/// A statement and what it makes, for errors.
#[derive(Debug, Clone)]
struct Making {
    object: String,
    sql: String,
}

impl Making {
    fn new(object: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { object: object.into(), sql: sql.into() }
    }
}

/// Makes what the plan says, unless the ledger says that it is made. Returns the plan as made:
/// without the column expressions that PostgreSQL refused.
///
/// # Errors
/// When the target holds another run or tables that are in the way, or refuses.
pub fn create(context: Context<'_>, server: &TargetServer) -> Result<DatabasePlan, Error> {
    let mut connection = server.connect()?;
    begin_run(context, server, &mut connection)?;
    let ledger = server.ledger();
    let run_id = &context.run.identity().run_id;
    let steps = ledger.steps(&mut connection, run_id).map_err(Error::target("cannot read the ledger"))?;
    if steps.iter().any(|step| step.step == STEP) {
        let plan = context.run.plan()?;
        check_ownership(context.run, server, &mut connection, &plan)?;
        check_there(&mut connection, &plan)?;
        report_refused(context)?;
        return Ok(plan);
    }
    context.timed("create", || {
        // What was refused before was refused by another database.
        context.run.remove("refused.json")?;
        let plan = fit_features(context, context.run.plan()?, server)?;
        let existing = Existing::look(context, &plan, &mut connection).map_err(|error| match &error {
            Error::Target { source, .. }
                if source.kind == ErrorKind::Exists && context.run.path("validation.json").exists() =>
            {
                Error::run(
                    format!(
                        "the run in {} has filled tables in {} before, which are there, and its ledger is gone",
                        context.run.dir().display(),
                        server.location()
                    ),
                    "nothing was touched, and the reports of the run are its proof; to migrate anew, take another \
                     run folder (--run)",
                )
            }
            _ => error,
        })?;
        // And what was compared was another database.
        context.run.remove("validation.json")?;
        let mut before = existing.statements(context, server)?;
        before.extend(missing_schemas(&plan, &mut connection)?);
        let plan = probe::probe(context, plan, &mut connection, &before, &existing)?;
        let mut statements: Vec<String> = before.into_iter().map(|making| making.sql).collect();
        statements.extend(make_statements(&plan, &existing).into_iter().map(|making| making.sql));
        let tables: Vec<String> = plan.tables.iter().map(ledger_name).collect();
        statements.extend(ledger.claim_statements(run_id, &tables));
        ledger
            .run_step(&mut connection, run_id, STEP, &statements.join(";\n"))
            .map_err(Error::target(format!("cannot create the tables in {}", server.location())))?;
        report_refused(context)?;
        Ok(plan)
    })
}

/// The ledger's key of a table: quoted where needed, since names may hold dots.
pub(super) fn ledger_name(table: &TablePlan) -> String {
    table.sql_name()
}

/// How far the target is with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// The target's ledger does not know the run, or there is no ledger.
    Unknown,
    /// It knows the run, and its tables are not made yet.
    Begun,
    /// Its tables are made, and are still its own.
    Made,
}

/// How far the target is with the run.
///
/// # Errors
/// When another run has replaced or emptied its tables, or the ledger cannot be read.
pub fn run_state(run: &Run, server: &TargetServer) -> Result<RunState, Error> {
    let mut connection = server.connect()?;
    let (ledger, run_id) = (server.ledger(), &run.identity().run_id);
    let failed = || Error::target("cannot read the ledger");
    if ledger.find_run(&mut connection, run_id).map_err(failed())?.is_none() {
        return Ok(RunState::Unknown);
    }
    let steps = ledger.steps(&mut connection, run_id).map_err(failed())?;
    if !steps.iter().any(|step| step.step == STEP) {
        return Ok(RunState::Begun);
    }
    check_ownership(run, server, &mut connection, &run.plan()?)?;
    Ok(RunState::Made)
}

/// Every table must still belong to this run: another one may have replaced or emptied it.
fn check_ownership(
    run: &Run,
    server: &TargetServer,
    connection: &mut Connection,
    plan: &DatabasePlan,
) -> Result<(), Error> {
    let owned = server
        .ledger()
        .owned_tables(connection, &run.identity().run_id)
        .map_err(Error::target("cannot read the ledger"))?;
    let lost: Vec<String> =
        plan.tables.iter().map(ledger_name).filter(|table| !owned.contains(table)).collect();
    match lost.is_empty() {
        true => Ok(()),
        false => Err(Error::run(
            format!("another run has replaced or emptied tables of this one: {}", lost.join(", ")),
            "start over in another run folder (--run), with --if-exists replace if the tables may go",
        )),
    }
}

/// What was made must still be there.
fn check_there(connection: &mut Connection, plan: &DatabasePlan) -> Result<(), Error> {
    let there = tables_there(plan, connection)?;
    let gone = |table: &&TablePlan| {
        !there.iter().any(|(schema, name)| *schema == table.schema && *name == table.name)
    };
    let gone: Vec<String> = plan.tables.iter().filter(gone).map(ledger_name).collect();
    match gone.is_empty() {
        true => Ok(()),
        false => Err(Error::run(
            format!("tables that this run has made are gone: {}", gone.join(", ")),
            "start over in another run folder (--run), with --if-exists replace",
        )),
    }
}

/// Which of the plan's tables are there, whoever has made them.
fn tables_there(plan: &DatabasePlan, connection: &mut Connection) -> Result<Vec<(String, String)>, Error> {
    let names: Vec<(String, String)> =
        plan.tables.iter().map(|table| (table.schema.clone(), table.name.clone())).collect();
    existing_tables(connection, &names).map_err(Error::target("cannot look for tables"))
}

/// Ties ledger and run folder together.
fn begin_run(context: Context<'_>, server: &TargetServer, connection: &mut Connection) -> Result<(), Error> {
    let ledger = server.ledger();
    let context_text = || format!("cannot keep the ledger in {}", server.location());
    ledger.ensure(connection).map_err(Error::target(context_text()))?;
    let identity = context.run.identity();
    let row = RunRow {
        run_id: identity.run_id.clone(),
        fingerprint: identity.fingerprint.clone(),
        tool_version: identity.tool_version.clone(),
        source: identity.source.location.clone(),
        settings: serde_json::to_value(&identity.settings).unwrap_or_default(),
    };
    match ledger.begin_run(connection, &row).map_err(Error::target(context_text()))? {
        BeginRun::Fresh | BeginRun::Resumed => Ok(()),
        BeginRun::Differs(stored) => Err(Error::run(
            format!(
                "the target began this run with another plan\n  began with: {} {}\n  now: {} {}",
                stored.fingerprint, stored.settings, row.fingerprint, row.settings
            ),
            "go on with the settings that it began with, or choose another run folder with --run",
        )),
    }
}

/// What the server must be able to do for this plan. An embedded server may be built without xml:
/// for a trial such columns become text, as the type table allows, and that is a finding.
fn fit_features(
    context: Context<'_>,
    mut plan: DatabasePlan,
    server: &TargetServer,
) -> Result<DatabasePlan, Error> {
    let ledger_schema = &server.ledger().schema;
    if plan.tables.iter().any(|table| table.schema == *ledger_schema) {
        return Err(Error::config(
            format!("the schema {ledger_schema} is the ledger's, and tables would go there"),
            "name another schema in target.ledger_schema or in [names.schemas], and choose another run folder",
        ));
    }
    let uses_xml = |column: &ColumnPlan| column.comparison == Comparison::Xml;
    let Some(table) = plan.tables.iter().find(|table| table.columns.iter().any(uses_xml)) else {
        return Ok(plan);
    };
    if server.info().xml {
        return Ok(plan);
    }
    if !server.is_embedded() {
        return Err(Error::config(
            format!("{} has xml columns, and this PostgreSQL is built without xml", table.source),
            "set xml = \"text\" in [types] and choose another run folder, or use a PostgreSQL with libxml",
        ));
    }
    let rule = type_rule(&SqlType::Xml, Some("text"))
        .map_err(|error| Error::config(error.to_string(), "use a PostgreSQL with libxml"))?;
    for table in &mut plan.tables {
        for column in table.columns.iter_mut().filter(|column| uses_xml(column)) {
            column.pg_type = pg_type(rule, &SqlType::Xml);
            column.encoder = rule.encoder;
            column.comparison = rule.comparison;
        }
    }
    let mut findings = context.run.findings()?.remove("plan").unwrap_or_default();
    findings.retain(|finding| finding.code != "xml-kept-as-text");
    findings.push(Finding::new(
        "xml-kept-as-text",
        Severity::Warning,
        server.location(),
        "the embedded PostgreSQL is built without xml, so that xml columns became text for this trial",
        "nothing: a PostgreSQL with libxml keeps them as xml",
    ));
    // The finding first: after the other order and a crash, no column is xml any more.
    context.run.put_findings("plan", findings)?;
    context.run.write_json("plan.json", &plan)?;
    Ok(plan)
}

/// `create schema` needs a right on the database even where the schema is there, so only those that
/// are not there are made.
fn missing_schemas(plan: &DatabasePlan, connection: &mut Connection) -> Result<Vec<Making>, Error> {
    let failed = || Error::target("cannot look for schemas");
    let rows = connection
        .client()
        .query("select nspname::text from pg_catalog.pg_namespace where nspname = any($1)", &[&plan.schemas])
        .map_err(|error| failed()(TargetError::postgres("cannot look for schemas", error)))?;
    let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut missing = plan.clone();
    missing.schemas.retain(|schema| !there.contains(schema));
    let making = |(sql, schema): (String, &String)| Making::new(format!("the schema {schema}"), sql);
    Ok(ddl::create_schemas(&missing).into_iter().zip(&missing.schemas).map(making).collect())
}

/// What makes the plan's sequences and tables, but for those that are kept.
fn make_statements(plan: &DatabasePlan, existing: &Existing) -> Vec<Making> {
    let mut statements: Vec<Making> = Vec::new();
    let setting = |sql: String| Making::new("the types of extensions", sql);
    statements.extend(ddl::find_extension_types(plan).into_iter().map(setting));
    for sequence in &plan.sequences {
        if !existing.keeps_sequence(&sequence.schema, &sequence.name) {
            statements.push(Making::new(sequence.source.to_string(), ddl::create_sequence(sequence)));
        }
    }
    for table in &plan.tables {
        if !existing.keeps_table(&table.schema, &table.name) {
            statements.push(Making::new(table.source.to_string(), ddl::create_table(table)));
        }
    }
    statements
}

/// The findings of `refused.json`, written anew each time: a crash must not lose them.
fn report_refused(context: Context<'_>) -> Result<(), Error> {
    let refused: Vec<RefusedExpression> = context.run.read_json("refused.json")?.unwrap_or_default();
    let finding = |expression: &RefusedExpression| {
        let (code, what) = match expression.generated {
            true => ("computed-column-refused", "computed column"),
            false => ("default-refused", "default"),
        };
        let (severity, with) = match expression.takes_primary_key {
            true => (Severity::Blocker, ", and its table has no primary key without it"),
            false => (Severity::Warning, ""),
        };
        Finding::new(
            code,
            severity,
            &expression.object,
            format!("PostgreSQL refused the {what}{with}: {}", expression.reason),
            "write it by hand after the migration; schema/unconverted.sql and catalog.json have the T-SQL",
        )
    };
    context.run.put_findings("create", refused.iter().map(finding).collect())
}

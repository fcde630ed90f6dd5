//! Create: schemas, sequences and tables without keys, and the ledger, in the target.
//!
//! Invariant: everything is made in one transaction together with its ledger row, so the target has
//! all of it or nothing of it.

use super::Context;
use crate::config::IfExists;
use crate::error::Error;
use crate::run::{RefusedExpression, SetAside};
use crate::target_server::TargetServer;
use mssql2pg_catalog::{Finding, Severity, SqlType};
use mssql2pg_mapping::names::quote;
use mssql2pg_mapping::plan::{ColumnPlan, Comparison};
use mssql2pg_mapping::types::{pg_type, type_rule};
use mssql2pg_mapping::{DatabasePlan, TablePlan, ddl};
use mssql2pg_target::catalog::{constraints, existing_tables};
use mssql2pg_target::{BeginRun, Connection, ErrorKind, RunRow, TargetError};

/// The ledger's name of the one step.
const STEP: &str = "create";

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
        return context.run.plan();
    }
    context.timed("create", || {
        let plan: DatabasePlan = fit_features(context, context.run.plan()?, server)?;
        let mut before = in_the_way(context, &plan, &mut connection)?;
        before.extend(missing_schemas(&plan, &mut connection)?);
        let (plan, refused) = probe_expressions(context, plan, &mut connection, &before)?;
        let mut statements = before;
        statements.extend(create_statements(&plan));
        let sql = statements.join(";\n");
        ledger
            .run_step(&mut connection, run_id, STEP, &sql)
            .map_err(Error::target(format!("cannot create the tables in {}", server.location())))?;
        report_refused(context, &refused)?;
        Ok(plan)
    })
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
    context.run.write_json("plan.json", &plan)?;
    let mut findings = context.run.findings()?.remove("plan").unwrap_or_default();
    findings.push(Finding::new(
        "xml-kept-as-text",
        Severity::Warning,
        server.location(),
        "the embedded PostgreSQL is built without xml, so that xml columns became text for this trial",
        "nothing: a PostgreSQL with libxml keeps them as xml",
    ));
    context.run.put_findings("plan", findings)?;
    Ok(plan)
}

/// `create schema` needs a right on the database even where the schema is there, so only those that
/// are not there are made.
fn missing_schemas(plan: &DatabasePlan, connection: &mut Connection) -> Result<Vec<String>, Error> {
    let failed = || Error::target("cannot look for schemas");
    let rows = connection
        .client()
        .query("select nspname::text from pg_catalog.pg_namespace where nspname = any($1)", &[&plan.schemas])
        .map_err(|error| failed()(TargetError::postgres("cannot look for schemas", error)))?;
    let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut missing = plan.clone();
    missing.schemas.retain(|schema| !there.contains(schema));
    Ok(ddl::create_schemas(&missing))
}

/// What to do first about tables that are there already.
fn in_the_way(
    context: Context<'_>,
    plan: &DatabasePlan,
    connection: &mut Connection,
) -> Result<Vec<String>, Error> {
    let names: Vec<(String, String)> =
        plan.tables.iter().map(|table| (table.schema.clone(), table.name.clone())).collect();
    let there = existing_tables(connection, &names).map_err(Error::target("cannot look for tables"))?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let sql_names: Vec<String> =
        there.iter().map(|(schema, name)| format!("{}.{}", quote(schema), quote(name))).collect();
    let list = sql_names.join(", ");
    match context.config.target.if_exists {
        IfExists::Fail => {
            let error = TargetError {
                kind: ErrorKind::Exists,
                context: format!("{} of the plan's tables are there already: {list}", there.len()),
                source: None,
            };
            Err(Error::target("cannot create the tables")(error))
        }
        // In one statement, so that foreign keys among them are no obstacle.
        IfExists::Replace => Ok(vec![format!("drop table {list}")]),
        IfExists::Truncate => {
            check_same_columns(plan, &there, connection)?;
            let mut statements = set_foreign_keys_aside(context, plan, &there, connection)?;
            statements.push(format!("truncate {list}"));
            Ok(statements)
        }
    }
}

/// A table that is emptied and kept must have the plan's columns.
fn check_same_columns(
    plan: &DatabasePlan,
    there: &[(String, String)],
    connection: &mut Connection,
) -> Result<(), Error> {
    for table in plan.tables.iter().filter(|table| is_there(table, there)) {
        let columns = mssql2pg_target::catalog::columns(connection, &table.schema, &table.name)
            .map_err(Error::target(format!("cannot look at {}", table.sql_name())))?;
        for planned in table.copy_columns() {
            let found = columns.iter().find(|column| column.name == planned.name);
            let type_text = found.map(|column| column.type_text.as_str());
            if !type_text.is_some_and(|found| crate::checks::validate::same_type(found, &planned.pg_type)) {
                return Err(Error::config(
                    format!(
                        "{}.{} is {} in the target, and {} in the plan",
                        table.sql_name(),
                        planned.name,
                        type_text.unwrap_or("missing"),
                        planned.pg_type
                    ),
                    "change the table, choose --if-exists replace, or choose the type in [columns]",
                ));
            }
        }
    }
    Ok(())
}

/// Foreign keys would refuse rows that come before the rows they point to. They are dropped for the
/// load; what is needed to make them again is written to `set_aside.json` first.
fn set_foreign_keys_aside(
    context: Context<'_>,
    plan: &DatabasePlan,
    there: &[(String, String)],
    connection: &mut Connection,
) -> Result<Vec<String>, Error> {
    let mut aside = Vec::new();
    for table in plan.tables.iter().filter(|table| is_there(table, there)) {
        let constraints = constraints(connection, &table.schema, &table.name)
            .map_err(Error::target(format!("cannot look at {}", table.sql_name())))?;
        aside.extend(constraints.into_iter().filter(|constraint| constraint.kind == 'f').map(|constraint| {
            SetAside {
                table: table.sql_name(),
                name: constraint.name,
                definition: constraint.definition.trim_end_matches(" NOT VALID").to_owned(),
                validated: constraint.validated,
            }
        }));
    }
    context.run.write_json("set_aside.json", &aside)?;
    let drop = |key: &SetAside| format!("alter table {} drop constraint {}", key.table, quote(&key.name));
    Ok(aside.iter().map(drop).collect())
}

fn is_there(table: &TablePlan, there: &[(String, String)]) -> bool {
    there.iter().any(|(schema, name)| *schema == table.schema && *name == table.name)
}

/// Tries every default and generated column in a transaction that is rolled back, and takes those
/// that PostgreSQL refuses out of the plan.
fn probe_expressions(
    context: Context<'_>,
    plan: DatabasePlan,
    connection: &mut Connection,
    before: &[String],
) -> Result<(DatabasePlan, Vec<RefusedExpression>), Error> {
    let probe = |connection: &mut Connection, plan: &DatabasePlan| {
        let mut statements = vec!["begin".to_owned()];
        statements.extend_from_slice(before);
        statements.extend(create_statements(plan));
        let result = connection.batch(&statements.join(";\n"));
        connection.batch("rollback").map_err(Error::target("cannot try the plan"))?;
        Ok::<_, Error>(result)
    };
    if probe(connection, &plan)?.is_ok() {
        return Ok((plan, Vec::new()));
    }
    // Something was refused: find out what, expression by expression, on tables without any.
    let mut bare = plan.clone();
    for table in &mut bare.tables {
        table.columns.retain(|column| column.generated.is_none());
        table.columns.iter_mut().for_each(|column| column.default = None);
    }
    probe(connection, &bare)?.map_err(Error::target("cannot create the tables"))?;
    let mut refused = Vec::new();
    for (place, table) in plan.tables.iter().enumerate() {
        for column in
            table.columns.iter().filter(|column| column.generated.is_some() || column.default.is_some())
        {
            let mut candidate = bare.clone();
            let mut one = table.clone();
            one.columns.retain(|other| other.generated.is_none() || other.name == column.name);
            for other in one.columns.iter_mut().filter(|other| other.name != column.name) {
                other.default = None;
            }
            candidate.tables[place] = one;
            if let Err(error) = probe(connection, &candidate)? {
                refused.push(RefusedExpression {
                    table: format!("{}.{}", table.schema, table.name),
                    column: column.name.clone(),
                    object: format!("{}.{}", table.source, column.source),
                    generated: column.generated.is_some(),
                    reason: error.source.map_or(error.context, |source| source.to_string()),
                });
            }
        }
    }
    context.run.write_json("refused.json", &refused)?;
    let plan = context.run.plan()?;
    Ok((plan, refused))
}

fn create_statements(plan: &DatabasePlan) -> Vec<String> {
    let mut statements = ddl::create_schemas(plan);
    statements.extend(ddl::find_extension_types(plan));
    statements.extend(
        plan.sequences.iter().map(|sequence| if_not_exists(ddl::create_sequence(sequence), "sequence")),
    );
    statements.extend(plan.tables.iter().map(|table| if_not_exists(ddl::create_table(table), "table")));
    statements
}

/// Tables that were emptied are still there; so may be sequences of an earlier run.
fn if_not_exists(statement: String, kind: &str) -> String {
    statement.replacen(&format!("create {kind} "), &format!("create {kind} if not exists "), 1)
}

fn report_refused(context: Context<'_>, refused: &[RefusedExpression]) -> Result<(), Error> {
    let finding = |expression: &RefusedExpression| {
        let (code, what) = match expression.generated {
            true => ("computed-column-refused", "computed column"),
            false => ("default-refused", "default"),
        };
        Finding::new(
            code,
            Severity::Warning,
            &expression.object,
            format!("PostgreSQL refused the {what}: {}", expression.reason),
            "write it by hand after the migration; schema/unconverted.sql and catalog.json have the T-SQL",
        )
    };
    context.run.put_findings("create", refused.iter().map(finding).collect())
}

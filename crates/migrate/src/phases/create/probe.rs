//! Tries every default and generated column in a transaction that is rolled back, and takes those
//! that PostgreSQL refuses out of the plan.

use super::existing::Existing;
use super::{Context, Making, make_statements};
use crate::error::Error;
use crate::run::RefusedExpression;
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_target::{Connection, TargetError};

/// The plan as PostgreSQL takes it; what it refused is in `refused.json`.
pub(super) fn probe(
    context: Context<'_>,
    plan: DatabasePlan,
    connection: &mut Connection,
    before: &[Making],
    existing: &Existing,
) -> Result<DatabasePlan, Error> {
    let whole = try_out(connection, before, &make_statements(&plan, existing))?;
    if whole.is_ok() {
        return Ok(plan);
    }
    // Something was refused: find out what, expression by expression, on tables without any.
    let mut bare = plan.clone();
    for table in &mut bare.tables {
        table.columns.retain(|column| column.generated.is_none());
        table.columns.iter_mut().for_each(|column| column.default = None);
    }
    try_out(connection, before, &make_statements(&bare, existing))?
        .map_err(|(object, error)| Error::target(format!("cannot create {object}"))(error))?;
    let mut refused = Vec::new();
    for (place, table) in plan.tables.iter().enumerate() {
        for column in table.columns.iter().filter(|column| has_expression(column)) {
            let mut candidate = bare.clone();
            candidate.tables[place] = with_only(table, &column.name);
            let Err((object, error)) = try_out(connection, before, &make_statements(&candidate, existing))?
            else {
                continue;
            };
            if !refuses_the_expression(&error) {
                return Err(Error::target(format!("cannot create {object}"))(error));
            }
            refused.push(RefusedExpression {
                table: super::ledger_name(table),
                column: column.name.clone(),
                object: format!("{}.{}", table.source, column.source),
                generated: column.generated.is_some(),
                takes_primary_key: column.generated.is_some()
                    && table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name)),
                reason: error.source.map_or(error.context, |source| source.to_string()),
            });
        }
    }
    context.run.write_json("refused.json", &refused)?;
    context.run.plan()
}

fn has_expression(column: &mssql2pg_mapping::ColumnPlan) -> bool {
    column.generated.is_some() || column.default.is_some()
}

/// The table with the expression of one column only.
fn with_only(table: &TablePlan, name: &str) -> TablePlan {
    let mut one = table.clone();
    one.columns.retain(|other| other.generated.is_none() || other.name == name);
    for other in one.columns.iter_mut().filter(|other| other.name != name) {
        other.default = None;
    }
    one
}

/// Runs the statements one after another and undoes them all. The inner error is the first refusal,
/// with the object that it is about.
fn try_out(
    connection: &mut Connection,
    before: &[Making],
    statements: &[Making],
) -> Result<Result<(), (String, TargetError)>, Error> {
    let failed = || Error::target("cannot try the plan");
    connection.batch("begin").map_err(failed())?;
    let mut result = Ok(());
    for Making { object, sql } in before.iter().chain(statements) {
        if let Err(error) = connection.batch(sql) {
            result = Err((object.clone(), error));
            break;
        }
    }
    connection.batch("rollback").map_err(failed())?;
    Ok(result)
}

/// Whether PostgreSQL finds fault with the expression itself: its syntax or names (42), its values
/// (22), or a feature it does not have (0A). A lock, a full disk or a lost connection is none of these.
fn refuses_the_expression(error: &TargetError) -> bool {
    let code = error.server().map_or("", |server| server.code.as_str());
    ["42", "22", "0A"].iter().any(|class| code.starts_with(class))
}

//! Expressions: checks, computed columns and conditions of partial indexes say what the plan says.
//!
//! PostgreSQL rewrites an expression when it takes it in, so the planned ones go through the same hands: a temporary table
//! with the same columns that nobody else sees and that is gone at the end of its transaction.
//!
//! Invariant: what an expression says counts, not what it is called. One that PostgreSQL refused, or whose rows break it, is a
//! finding of the phase finish.

use super::indexes::is_same;
use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use mssql2pg_mapping::names::quote;
use mssql2pg_mapping::plan::IndexPlan;
use mssql2pg_target::catalog::{
    Expressions, PgColumn, PgConstraint, Written, columns, constraints, indexes, written_expressions,
};

pub(super) const CHECK: TableCheck = TableCheck {
    name: "expressions",
    manual: "Every check, every computed column and the condition of every partial index says in PostgreSQL what the plan says, as PostgreSQL itself writes it and whatever its name. A check that PostgreSQL refused or whose rows break it is a finding of the phase finish, not a failure.",
    advice: "something altered or dropped it after the table was made: set it back as in schema/ and run validate again",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let failed = || Error::target(format!("cannot look at {}", plan.sql_name()));
    let filtered: Vec<&IndexPlan> = plan.indexes.iter().filter(|index| index.filter.is_some()).collect();
    let generated = || plan.columns.iter().filter(|column| column.generated.is_some());
    let count = plan.checks.len() + filtered.len() + generated().count();
    if count == 0 {
        return Ok(Compared::equal("no check, computed column or partial index in the plan"));
    }
    let found = columns(context.connection, &plan.schema, &plan.name).map_err(failed())?;
    let known = constraints(context.connection, &plan.schema, &plan.name).map_err(failed())?;
    let found_indexes = indexes(context.connection, &plan.schema, &plan.name).map_err(failed())?;
    // The columns as they are: one of another type is told by the check of columns.
    let definition = |column: &PgColumn| {
        let planned = plan.columns.iter().find(|planned| planned.name == column.name);
        let computed = planned.and_then(|planned| planned.generated.as_ref());
        let computed =
            computed.map_or_else(String::new, |text| format!(" generated always as ({text}) stored"));
        format!("{} {}{computed}", quote(&column.name), column.type_text)
    };
    let asked = Expressions {
        columns: found.iter().map(definition).collect(),
        checks: plan.checks.iter().map(|check| check.expression.clone()).collect(),
        predicates: filtered.iter().filter_map(|index| index.filter.clone()).collect(),
    };
    let Some(written) = written_expressions(context.connection, &asked).map_err(failed())? else {
        return Ok(Compared::equal(
            "not compared: this login may not make the temporary table that it takes",
        ));
    };
    let Written { generated: computed, checks, predicates } = written;
    let mut differences = Vec::new();
    for (check, text) in plan.checks.iter().zip(&checks) {
        let same = |known: &&PgConstraint| {
            known.kind == 'c' && Some(without_state(&known.definition)) == text.as_deref().map(without_state)
        };
        match known.iter().filter(same).max_by_key(|known| known.validated) {
            Some(known) if known.validated || !check.trusted || context.is_told(&check.source) => {}
            Some(_) => differences.push(format!("the check {} is not valid", check.name)),
            None if context.is_told(&check.source) => {}
            None => differences.push(format!("the check {} is missing, or says something else", check.name)),
        }
    }
    for column in generated() {
        let here = found.iter().find(|known| known.name == column.name && known.generated);
        if here.is_some_and(|known| known.default.as_ref() != computed.get(&column.name)) {
            differences.push(format!("the column {} is computed otherwise", column.name));
        }
    }
    for (index, text) in filtered.iter().zip(&predicates) {
        // One that is missing is told by the checks of keys and indexes.
        let mut over = found_indexes
            .iter()
            .filter(|known| known.unique == index.unique && is_same(known, index))
            .peekable();
        if over.peek().is_some()
            && !over.any(|known| known.predicate == *text)
            && !context.is_told(&index.source)
        {
            differences.push(format!("the index {} has another condition", index.name));
        }
    }
    Ok(Compared::none_of(differences, format!("{} as planned", counted(count as u64, "expression"))))
}

/// A check's definition without the mark that old rows were not looked at.
fn without_state(definition: &str) -> &str {
    definition.strip_suffix(" NOT VALID").unwrap_or(definition)
}

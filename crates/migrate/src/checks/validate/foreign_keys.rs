//! Foreign keys: present, and valid unless the source does not vouch for its own.
//!
//! Invariant: which columns refer to which counts, not what the foreign key is called.

use super::{Compared, TableCheck, TableContext};
use crate::error::Error;
use mssql2pg_mapping::plan::ForeignKeyPlan;
use mssql2pg_target::catalog::PgConstraint;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "foreign-keys",
    manual: "Every foreign key of the plan exists in PostgreSQL, between the same columns and whatever its name, and is validated. One that the source does not trust and whose rows break it stays not valid and is a finding, not a failure.",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let constraints = mssql2pg_target::catalog::constraints(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(format!("cannot look at {}", plan.sql_name())))?;
    let mut differences = Vec::new();
    let (mut valid, mut excused) = (0, 0);
    for key in &plan.foreign_keys {
        let mut known = constraints.iter().filter(|known| is_same(known, key)).peekable();
        if known.peek().is_none() {
            // One that PostgreSQL refused outright is a finding of the phase finish.
            differences.push(format!("{} is missing", shown(key)));
        } else if known.any(|known| known.validated) {
            valid += 1;
        } else if !key.trusted {
            excused += 1;
        } else {
            differences.push(format!("{} is broken by its rows", shown(key)));
        }
    }
    let detail = match (valid, excused) {
        (0, 0) => "no foreign key in the source".to_owned(),
        (valid, 0) => format!("{valid} foreign keys valid"),
        (valid, excused) => format!("{valid} foreign keys valid, {excused} not valid as in the source"),
    };
    Ok(Compared::none_of(differences, detail))
}

/// Whether a constraint of the target is the planned one: each column refers to the same column of the same table. The
/// order of the pairs says nothing.
fn is_same(known: &PgConstraint, planned: &ForeignKeyPlan) -> bool {
    let table = |(schema, name): &(String, String)| {
        *schema == planned.referenced_schema && *name == planned.referenced_table
    };
    known.kind == 'f'
        && known.referenced.as_ref().is_some_and(table)
        && pairs(&known.columns, &known.referenced_columns)
            == pairs(&planned.columns, &planned.referenced_columns)
}

fn pairs<'a>(columns: &'a [String], referenced: &'a [String]) -> Vec<(&'a String, &'a String)> {
    let mut pairs: Vec<_> = columns.iter().zip(referenced).collect();
    pairs.sort_unstable();
    pairs
}

/// For messages.
fn shown(key: &ForeignKeyPlan) -> String {
    format!(
        "the foreign key {} over ({}) to {}.{}",
        key.name,
        key.columns.join(", "),
        key.referenced_schema,
        key.referenced_table
    )
}

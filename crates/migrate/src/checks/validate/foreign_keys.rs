//! Foreign keys: present, and valid unless the source does not vouch for its own.

use super::{Compared, TableCheck, TableContext};
use crate::error::Error;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "foreign-keys",
    manual: "Every foreign key of the plan exists in PostgreSQL and is validated. One that the source does not trust and whose rows break it stays not valid and is a finding, not a failure.",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let constraints = mssql2pg_target::catalog::constraints(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(format!("cannot look at {}", plan.sql_name())))?;
    let mut differences = Vec::new();
    let (mut valid, mut excused) = (0, 0);
    for key in &plan.foreign_keys {
        match constraints.iter().find(|known| known.name == key.name && known.kind == 'f') {
            None => {
                // One that PostgreSQL refused outright is a finding of the phase finish.
                differences.push(format!("the foreign key {} is missing", key.name));
            }
            Some(known) if known.validated => valid += 1,
            Some(_) if !key.trusted => excused += 1,
            Some(_) => differences.push(format!("the foreign key {} is broken by its rows", key.name)),
        }
    }
    let detail = match (valid, excused) {
        (0, 0) => "no foreign key in the source".to_owned(),
        (valid, 0) => format!("{valid} foreign keys valid"),
        (valid, excused) => format!("{valid} foreign keys valid, {excused} not valid as in the source"),
    };
    Ok(Compared::none_of(differences, detail))
}

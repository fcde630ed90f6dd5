//! Keys and indexes: present and valid, so PostgreSQL itself vouches for uniqueness.

use super::{Compared, TableCheck, TableContext};
use crate::error::Error;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "keys",
    manual: "The primary key, the unique constraints and the unique indexes of the plan exist in PostgreSQL and are valid, so no key occurs twice.",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let failed = || format!("cannot look at {}", plan.sql_name());
    let constraints = mssql2pg_target::catalog::constraints(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(failed()))?;
    let indexes = mssql2pg_target::catalog::indexes(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(failed()))?;
    let mut differences = Vec::new();
    let mut keys = 0;
    for (key, kind) in
        plan.primary_key.iter().map(|key| (key, 'p')).chain(plan.unique.iter().map(|key| (key, 'u')))
    {
        keys += 1;
        if !constraints
            .iter()
            .any(|known| known.name == key.name && known.kind == kind && known.columns == key.columns)
        {
            differences.push(format!("the key {} is missing", key.name));
        }
    }
    for index in plan.indexes.iter().filter(|index| index.unique) {
        keys += 1;
        if !indexes.iter().any(|known| known.name == index.name && known.unique && known.valid) {
            differences.push(format!("the unique index {} is missing or not valid", index.name));
        }
    }
    let detail = if keys == 0 { "no key in the source".to_owned() } else { format!("{keys} keys hold") };
    Ok(Compared::none_of(differences, detail))
}

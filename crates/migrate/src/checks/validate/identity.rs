//! Identity values: the next one lies beyond all that are there.

use super::{Compared, TableCheck, TableContext, next_is_beyond};
use crate::error::Error;
use mssql2pg_mapping::names::quote;
use mssql2pg_target::TargetError;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "identity",
    manual: "The sequence behind every identity column gives a next number beyond the furthest value in the table and the last value that the source gave out, so the next insert collides with nothing.",
    advice: "set the sequence behind the column past the highest value that is given out (setval with pg_get_serial_sequence; the lowest one, if it counts down) and run validate again",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let mut differences = Vec::new();
    let mut detail = "no identity in the source".to_owned();
    for column in &plan.columns {
        let Some(identity) = &column.identity else { continue };
        let failed = || format!("cannot look at the identity of {}", plan.sql_name());
        let (last, is_called) = mssql2pg_target::catalog::identity_state(
            context.connection,
            &plan.schema,
            &plan.name,
            &column.name,
        )
        .map_err(Error::target(failed()))?;
        let furthest = if identity.increment < 0 { "min" } else { "max" };
        let sql = format!("select {furthest}({})::bigint from {}", quote(&column.name), plan.sql_name());
        let in_table: Option<i64> = context
            .connection
            .client()
            .query_one(&sql, &[])
            .and_then(|row| row.try_get(0))
            .map_err(|error| Error::target(failed())(TargetError::postgres(failed(), error)))?;
        let wanted = match (in_table, identity.last_value) {
            (Some(a), Some(b)) => Some(if identity.increment < 0 { a.min(b) } else { a.max(b) }),
            (a, b) => a.or(b),
        };
        let Some(wanted) = wanted else { continue };
        if next_is_beyond(last, is_called, identity.increment, wanted) {
            detail = format!("the identity of {} stands at {last}", column.name);
        } else {
            differences.push(format!(
                "the identity of {} stands at {last}, and {wanted} is given out already",
                column.name
            ));
        }
    }
    Ok(Compared::none_of(differences, detail))
}

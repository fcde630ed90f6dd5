//! Defaults: what PostgreSQL will fill in is what the plan says.
//!
//! PostgreSQL rewrites an expression when it takes it in, so the planned one goes through the same hands: a temporary table
//! that nobody else sees and that is gone at the end of its transaction.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use crate::run::RefusedExpression;
use mssql2pg_mapping::plan::ColumnPlan;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "defaults",
    manual: "Every column's default in PostgreSQL's catalog is the planned one, as PostgreSQL itself writes it, and no column has a default that the plan does not have. Defaults that could not be converted, or that PostgreSQL refused when the table was made, are findings, not failures, and may be written by hand.",
    advice: "something altered the defaults after the table was made: set them back with alter table … alter column … set default as in schema/, and run validate again",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let failed = || Error::target(format!("cannot look at the defaults of {}", plan.sql_name()));
    let found =
        mssql2pg_target::catalog::columns(context.connection, &plan.schema, &plan.name).map_err(failed())?;
    let refused: Vec<RefusedExpression> = context.run.read_json("refused.json")?.unwrap_or_default();
    let is_refused = |column: &ColumnPlan| {
        refused.iter().any(|refused| refused.object == format!("{}.{}", plan.source, column.source))
    };
    let with_default: Vec<&ColumnPlan> = plan
        .columns
        .iter()
        .filter(|column| column.default.is_some() && column.identity.is_none() && !is_refused(column))
        .collect();
    let planned: Vec<(&str, &str)> = with_default
        .iter()
        .filter_map(|column| Some((column.pg_type.as_str(), column.default.as_deref()?)))
        .collect();
    let Some(written) =
        mssql2pg_target::catalog::written_defaults(context.connection, &planned).map_err(failed())?
    else {
        return Ok(Compared::equal(
            "not compared: this login may not make the temporary table that it takes",
        ));
    };
    // What could not be carried over, or was refused, is left to hand work.
    let left_to_hand = |name: &str| -> Result<bool, Error> {
        let Some(planned) = plan.columns.iter().find(|planned| planned.name == name) else {
            return Ok(false);
        };
        let object = format!("{}.{}", plan.source, planned.source);
        let unconverted = context.run.plan()?.unconverted;
        Ok(is_refused(planned) || unconverted.iter().any(|one| one.kind == "default" && one.object == object))
    };
    let (mut differences, mut by_hand) = (Vec::new(), 0);
    for column in &found {
        let place = with_default.iter().position(|planned| planned.name == column.name);
        let wanted = place.and_then(|place| written.get(place)).and_then(Option::as_deref);
        let is_left_alone = column.generated || column.identity;
        if !is_left_alone && column.default.as_deref() != wanted {
            if wanted.is_none() && left_to_hand(&column.name)? {
                by_hand += 1;
                continue;
            }
            differences.push(match (&column.default, wanted) {
                (None, _) => format!("the column {} has lost its default", column.name),
                (Some(_), None) => {
                    format!("the column {} has a default that the plan does not have", column.name)
                }
                (Some(_), Some(_)) => format!("the column {} has another default", column.name),
            });
        }
    }
    let mut detail = match with_default.len() {
        0 => "no default in the plan".to_owned(),
        defaults => format!("{} as planned", counted(defaults as u64, "default")),
    };
    if by_hand > 0 {
        detail.push_str(&format!(", {by_hand} more written by hand"));
    }
    Ok(Compared::none_of(differences, detail))
}

//! The second witness: what each side measures of its own values, by its own means.
//!
//! The audit measures the source's values before they are encoded; PostgreSQL is asked in SQL. Neither passes through our
//! encoder, so that a wrong rule of ours shows here.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use crate::facts::MeasureFacts;
use mssql2pg_catalog::{Table, TableMeasures};
use mssql2pg_mapping::TablePlan;
use mssql2pg_mapping::witness::{compare, measure_query};
use mssql2pg_target::{Connection, ErrorKind, TargetError};

pub(super) const CHECK: TableCheck = TableCheck {
    name: "second-witness",
    manual: "Each side measures every column by its own means: NULLs, smallest, largest and exact sum of numbers and times, how many are true, lengths in characters and in bytes, how values begin and end. The source's measures come from the audit, which takes them before values are encoded, the target's from PostgreSQL in SQL. They are compared exactly; columns whose text was altered, as counted in the losses, and those with transforms are left out.",
    advice: "where the check contents names rows, begin with those; else the rows were sent as they were read, but a value means something else in PostgreSQL: compare the named column by hand and report it to us; if the source was changed between audit and load, migrate again into another run folder with --if-exists replace",
    run: check,
};

/// What PostgreSQL measures of the table.
///
/// # Errors
/// When it cannot be asked, or a value is not one of SQL Server's.
pub(crate) fn measure(
    connection: &mut Connection,
    table: &Table,
    plan: &TablePlan,
    reads: Option<&[String]>,
) -> Result<TableMeasures, TargetError> {
    let query = measure_query(table, plan, reads);
    let (rows, arrays) = mssql2pg_target::catalog::measures(connection, &query.sql, query.columns())?;
    Ok(query.read(rows, &arrays))
}

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let Some(of_source) = context.baseline_measures else {
        return Ok(match context.baseline_rows {
            Some(_) => Compared::equal("not measured: the audit ran before this version"),
            None => Compared::different("the source was not measured: audit has not run"),
        });
    };
    if context.rejected_rows() > 0 {
        return Ok(Compared::equal("not compared, since rows were rejected"));
    }
    let measured = match context.measured_ahead.take() {
        Some(measured) => measured,
        None => measure(context.connection, context.table, context.plan, context.reads.as_deref()),
    };
    let of_target = match measured {
        Ok(measures) => measures,
        // A value that the source cannot have sent: an infinite date, a number beyond its type.
        Err(error) if error.kind == ErrorKind::Data => {
            let code = error.code_in_brackets();
            let detail =
                format!("a value in PostgreSQL is not one of SQL Server's: it cannot be measured{code}");
            return Ok(Compared::different(detail));
        }
        Err(error) => {
            return Err(Error::target(format!("cannot measure {}", context.plan.sql_name()))(error));
        }
    };
    let compared = compare(context.plan, of_source, &of_target, &context.losses()?);
    context.measures = Some(MeasureFacts {
        equal: compared.equal,
        different: compared.differences.len() as u64,
        counted_only: compared
            .counted_only
            .iter()
            .map(|(column, why)| (column.clone(), (*why).to_owned()))
            .collect(),
        // The audit takes the measures from the decoded values.
        by_server: context.measured_by_server,
    });
    let differences: Vec<String> = compared
        .differences
        .iter()
        .map(|difference| match &difference.column {
            Some(column) => format!("{column}: {}", difference.what),
            None => difference.what.to_owned(),
        })
        .collect();
    let left_out: Vec<String> =
        compared.counted_only.iter().map(|(column, why)| format!("{column} ({why})")).collect();
    let mut detail = format!("{} equal", counted(compared.equal, "measure"));
    if !left_out.is_empty() {
        detail.push_str(&format!("; only the NULLs of {}", left_out.join(", ")));
    }
    Ok(Compared::none_of(differences.into_iter().map(|what| format!("{what} differs")).collect(), detail))
}

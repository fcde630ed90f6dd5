//! Indexes that are not unique: present and valid. The unique ones are the check `keys`.
//!
//! Invariant: what an index is over counts, not what it is called. One that PostgreSQL refused is a finding of the phase
//! finish and excused here: no row depends on it.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use mssql2pg_mapping::plan::IndexPlan;
use mssql2pg_target::catalog::PgIndex;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "indexes",
    manual: "Every index of the plan that is not unique exists in PostgreSQL over the same columns in the same order and is valid, whatever its name. One that PostgreSQL refused to build is a finding of the phase finish, not a failure.",
    advice: "create it again as in schema/, or reindex one that is not valid, and run validate again",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let found = mssql2pg_target::catalog::indexes(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(format!("cannot look at {}", plan.sql_name())))?;
    let (mut valid, mut excused, mut differences) = (0_u64, 0_u64, Vec::new());
    for index in plan.indexes.iter().filter(|index| !index.unique) {
        match found.iter().filter(|known| is_same(known, index)).max_by_key(|known| known.valid) {
            Some(known) if known.valid => valid += 1,
            None if context.is_told(&index.source) => excused += 1,
            Some(_) => differences.push(format!("the index {} is not valid", shown(index))),
            None => differences.push(format!("the index {} is missing", shown(index))),
        }
    }
    let detail = match (valid, excused) {
        (0, 0) => "no other index in the source".to_owned(),
        (valid, 0) => format!("{} valid", counted(valid, "index").replace("indexs", "indexes")),
        (valid, excused) => format!("{valid} valid, {excused} refused by PostgreSQL, as the findings say"),
    };
    Ok(Compared::none_of(differences, detail))
}

/// PostgreSQL rewrites a predicate, so only whether there is one is compared.
pub(super) fn is_same(known: &PgIndex, planned: &IndexPlan) -> bool {
    known.predicate.is_some() == planned.filter.is_some()
        && known.columns.iter().eq(planned.columns.iter().map(|(column, _)| column))
}

fn shown(index: &IndexPlan) -> String {
    let columns: Vec<&str> = index.columns.iter().map(|(column, _)| column.as_str()).collect();
    format!("{} over ({})", index.name, columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_the_planned_one_when_it_is_over_the_same_columns() {
        let planned = IndexPlan {
            source: "IX".to_owned(),
            name: "ix".to_owned(),
            unique: false,
            nulls_not_distinct: false,
            columns: vec![("a".to_owned(), false), ("b".to_owned(), true)],
            included: Vec::new(),
            filter: None,
        };
        let known = |columns: &[&str], predicate: Option<&str>| PgIndex {
            name: "renamed".to_owned(),
            unique: false,
            valid: true,
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            descending: Vec::new(),
            included: Vec::new(),
            predicate: predicate.map(str::to_owned),
            nulls_not_distinct: false,
            constraint: false,
        };
        assert!(is_same(&known(&["a", "b"], None), &planned));
        assert!(!is_same(&known(&["b", "a"], None), &planned));
        assert!(!is_same(&known(&["a"], None), &planned));
        assert!(!is_same(&known(&["a", "b"], Some("a > 0")), &planned));
    }
}

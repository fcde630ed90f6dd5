//! Keys and indexes: present and valid, so PostgreSQL itself vouches for uniqueness.
//!
//! Invariant: what a key is over counts, not what it is called. A key that was renamed passes, and an index over other
//! columns under the planned name does not.

use super::{Compared, TableCheck, TableContext};
use crate::error::Error;
use mssql2pg_mapping::TablePlan;
use mssql2pg_target::catalog::{PgConstraint, PgIndex, constraints, indexes};

pub(super) const CHECK: TableCheck = TableCheck {
    name: "keys",
    manual: "The primary key, the unique constraints and the unique indexes of the plan exist in PostgreSQL over the same columns and are valid, whatever their names, so no key occurs twice.",
    advice: "look at the findings of the phase finish for why it could not be built; mend rows that repeat at the source and migrate again into another run folder with --if-exists replace; one that was only dropped is added by hand, then run validate again",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let failed = || format!("cannot look at {}", plan.sql_name());
    let constraints =
        constraints(context.connection, &plan.schema, &plan.name).map_err(Error::target(failed()))?;
    let indexes = indexes(context.connection, &plan.schema, &plan.name).map_err(Error::target(failed()))?;
    let planned = planned(plan);
    let mut differences: Vec<String> =
        planned.iter().filter_map(|key| key.difference(&constraints, &indexes)).collect();
    let too_wide: Vec<&Planned<'_>> = planned.iter().filter(|key| key.takes_more_nulls(&indexes)).collect();
    // Only PostgreSQL 15 and later can do better; for older ones the phase finish has a finding.
    if !too_wide.is_empty()
        && context.connection.server_info().map_err(Error::target(failed()))?.major() >= 15
    {
        differences.extend(too_wide.iter().map(|key| {
            format!("{} takes a null more than once, for want of nulls not distinct", key.shown())
        }));
    }
    let detail = match planned.len() {
        0 => "no key in the source".to_owned(),
        1 => "1 key holds".to_owned(),
        keys => format!("{keys} keys hold"),
    };
    Ok(Compared::none_of(differences, detail))
}

/// What kind of key is planned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    PrimaryKey,
    Unique,
    UniqueIndex,
}

/// A key or a unique index of the plan.
struct Planned<'a> {
    kind: Kind,
    name: &'a str,
    columns: Vec<&'a str>,
    /// Whether only some of the rows are in it.
    partial: bool,
    nulls_not_distinct: bool,
}

/// All keys and unique indexes of a table's plan.
fn planned(plan: &TablePlan) -> Vec<Planned<'_>> {
    let primary = plan.primary_key.iter().map(|key| (key, Kind::PrimaryKey));
    let keys = primary.chain(plan.unique.iter().map(|key| (key, Kind::Unique))).map(|(key, kind)| Planned {
        kind,
        name: &key.name,
        columns: key.columns.iter().map(String::as_str).collect(),
        partial: false,
        nulls_not_distinct: key.nulls_not_distinct,
    });
    let indexes = plan.indexes.iter().filter(|index| index.unique).map(|index| Planned {
        kind: Kind::UniqueIndex,
        name: &index.name,
        columns: index.columns.iter().map(|(column, _)| column.as_str()).collect(),
        partial: index.filter.is_some(),
        nulls_not_distinct: index.nulls_not_distinct,
    });
    keys.chain(indexes).collect()
}

impl Planned<'_> {
    /// What is wrong with it in the target. The direction of a column and the columns of `INCLUDE` change nothing
    /// about what is unique; PostgreSQL rewrites a predicate, so only whether there is one is compared.
    fn difference(&self, constraints: &[PgConstraint], indexes: &[PgIndex]) -> Option<String> {
        let indexed = self.held_by(indexes).next().is_some();
        let there = match self.kind {
            Kind::PrimaryKey => {
                indexed && constraints.iter().any(|known| known.kind == 'p' && known.columns == self.columns)
            }
            Kind::Unique | Kind::UniqueIndex => indexed,
        };
        (!there).then(|| match self.kind {
            Kind::PrimaryKey | Kind::Unique => format!("{} is missing", self.shown()),
            Kind::UniqueIndex => format!("{} is missing or not valid", self.shown()),
        })
    }

    /// The valid unique indexes over its columns.
    fn held_by<'b>(&self, indexes: &'b [PgIndex]) -> impl Iterator<Item = &'b PgIndex> {
        indexes.iter().filter(|known| {
            known.unique
                && known.valid
                && known.predicate.is_some() == self.partial
                && known.columns == self.columns
        })
    }

    /// Whether SQL Server took one null, and the target has the key but takes any number of them.
    fn takes_more_nulls(&self, indexes: &[PgIndex]) -> bool {
        let mut known = self.held_by(indexes).peekable();
        self.nulls_not_distinct && known.peek().is_some() && known.all(|index| !index.nulls_not_distinct)
    }

    /// For messages.
    fn shown(&self) -> String {
        let what = match self.kind {
            Kind::PrimaryKey => "primary key",
            Kind::Unique => "key",
            Kind::UniqueIndex => "unique index",
        };
        format!("the {what} {} over ({})", self.name, self.columns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(columns: &[&str]) -> Vec<String> {
        columns.iter().map(|column| (*column).to_owned()).collect()
    }

    fn constraint(kind: char, name: &str, columns: &[&str]) -> PgConstraint {
        PgConstraint {
            name: name.to_owned(),
            kind,
            columns: owned(columns),
            validated: true,
            definition: String::new(),
            on_delete: ' ',
            on_update: ' ',
            referenced: None,
            referenced_columns: Vec::new(),
        }
    }

    fn index(name: &str, columns: &[&str]) -> PgIndex {
        PgIndex {
            name: name.to_owned(),
            unique: true,
            valid: true,
            columns: owned(columns),
            descending: vec![false; columns.len()],
            included: Vec::new(),
            predicate: None,
            nulls_not_distinct: false,
            constraint: false,
        }
    }

    fn planned(kind: Kind) -> Planned<'static> {
        Planned { kind, name: "k", columns: vec!["a", "b"], partial: false, nulls_not_distinct: false }
    }

    #[test]
    fn a_primary_key_is_one_over_the_same_columns_whatever_its_name() {
        let difference = |constraint: PgConstraint, index: PgIndex| {
            planned(Kind::PrimaryKey).difference(&[constraint], &[index])
        };
        let missing = Some("the primary key k over (a, b) is missing".to_owned());
        let renamed = || constraint('p', "renamed", &["a", "b"]);
        assert_eq!(difference(renamed(), index("renamed", &["a", "b"])), None);
        assert_eq!(difference(constraint('p', "k", &["a"]), index("k", &["a"])), missing);
        assert_eq!(difference(constraint('p', "k", &["b", "a"]), index("k", &["b", "a"])), missing);
        assert_eq!(difference(constraint('u', "k", &["a", "b"]), index("k", &["a", "b"])), missing);
        // As of a partitioned table whose parts have no key.
        assert_eq!(difference(renamed(), PgIndex { valid: false, ..index("renamed", &["a", "b"]) }), missing);
    }

    #[test]
    fn a_unique_key_or_index_is_any_valid_unique_index_over_the_same_columns() {
        let whole = || index("renamed", &["a", "b"]);
        let part = || PgIndex { predicate: Some("(a > 0)".to_owned()), ..whole() };
        let cases = [
            (whole(), true),
            (PgIndex { included: owned(&["c"]), descending: vec![false, true], ..whole() }, true),
            (index("k", &["a"]), false),
            (index("k", &["b", "a"]), false),
            (index("k", &["a", "b", "c"]), false),
            (PgIndex { unique: false, ..whole() }, false),
            (PgIndex { valid: false, ..whole() }, false),
            (part(), false),
        ];
        for (known, holds) in cases {
            for kind in [Kind::Unique, Kind::UniqueIndex] {
                let difference = planned(kind).difference(&[], std::slice::from_ref(&known));
                assert_eq!(difference.is_none(), holds, "{known:?} {difference:?}");
            }
        }
        let partial = || Planned { partial: true, ..planned(Kind::UniqueIndex) };
        assert_eq!(partial().difference(&[], &[part()]), None);
        assert_eq!(
            partial().difference(&[], &[whole()]).as_deref(),
            Some("the unique index k over (a, b) is missing or not valid")
        );
    }

    #[test]
    fn a_key_that_takes_one_null_is_told_from_one_that_takes_many() {
        let planned = |nulls_not_distinct| Planned { nulls_not_distinct, ..planned(Kind::Unique) };
        let strict = || PgIndex { nulls_not_distinct: true, ..index("strict", &["a", "b"]) };
        let lax = || index("lax", &["a", "b"]);
        assert!(planned(true).takes_more_nulls(&[lax()]));
        assert!(!planned(true).takes_more_nulls(&[lax(), strict()]));
        assert!(!planned(false).takes_more_nulls(&[lax()]));
        // One that is missing is another difference.
        assert!(!planned(true).takes_more_nulls(&[index("k", &["a"])]));
    }
}

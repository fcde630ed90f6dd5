//! Foreign keys: present, and valid unless the source does not vouch for its own.
//!
//! Invariant: which columns refer to which counts, not what the foreign key is called.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use mssql2pg_mapping::plan::ForeignKeyPlan;
use mssql2pg_target::catalog::PgConstraint;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "foreign-keys",
    manual: "Every foreign key of the plan exists in PostgreSQL, between the same columns, with the same actions on delete and update and whatever its name, and is validated. One that the source does not trust and whose rows break it stays not valid and is a finding, not a failure.",
    advice: "one that was dropped or altered in the target is set back by hand as in schema/, then run validate again; one that rows break: see to rejected rows of the referenced table first, else find the rows whose referenced row is missing, mend them at the source and migrate again into another run folder with --if-exists replace",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let constraints = mssql2pg_target::catalog::constraints(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(format!("cannot look at {}", plan.sql_name())))?;
    let mut differences = Vec::new();
    let (mut valid, mut excused) = (0_u64, 0_u64);
    for key in &plan.foreign_keys {
        let mut known = constraints.iter().filter(|known| is_same(known, key)).peekable();
        // One of a table that was kept as it was may do something else; that is a finding of the phase finish.
        let is_kept = context.told(&key.source).any(|finding| finding.code == "kept-as-it-is");
        let mut planned = known.clone().filter(|known| is_kept || does_the_same(known, key)).peekable();
        if known.peek().is_none() {
            // One that PostgreSQL refused outright is a finding of the phase finish.
            differences.push(format!("{} is missing", shown(key)));
        } else if planned.peek().is_none() {
            differences.push(format!("{} does something else on delete or update", shown(key)));
        } else if planned.any(|known| known.validated) {
            valid += 1;
        } else if !key.trusted {
            excused += 1;
        } else {
            differences.push(format!("{} is broken by its rows", shown(key)));
        }
    }
    let detail = match (valid, excused) {
        (0, 0) => "no foreign key in the source".to_owned(),
        (valid, 0) => format!("{} valid", counted(valid, "foreign key")),
        (valid, excused) => {
            format!("{} valid, {excused} not valid as in the source", counted(valid, "foreign key"))
        }
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

/// Whether it does what is planned when the row that it refers to is deleted or changed.
pub(crate) fn does_the_same(known: &PgConstraint, planned: &ForeignKeyPlan) -> bool {
    let letter = |action: &Option<String>| match action.as_deref() {
        Some("cascade") => 'c',
        Some("set null") => 'n',
        Some("set default") => 'd',
        Some("restrict") => 'r',
        _ => 'a',
    };
    known.on_delete == letter(&planned.on_delete) && known.on_update == letter(&planned.on_update)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_key_is_the_planned_one_when_the_same_columns_refer_to_the_same() {
        let owned = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>();
        let planned = ForeignKeyPlan {
            source: "FK".to_owned(),
            name: "fk".to_owned(),
            columns: owned(&["x", "y"]),
            referenced_schema: "public".to_owned(),
            referenced_table: "parent".to_owned(),
            referenced_columns: owned(&["a", "b"]),
            on_delete: None,
            on_update: None,
            trusted: true,
        };
        let known = |kind, columns: &[&str], schema: &str, table: &str, referenced: &[&str]| PgConstraint {
            name: "renamed".to_owned(),
            kind,
            columns: owned(columns),
            validated: true,
            definition: String::new(),
            on_delete: 'a',
            on_update: 'a',
            referenced: Some((schema.to_owned(), table.to_owned())),
            referenced_columns: owned(referenced),
        };
        let cases = [
            (known('f', &["x", "y"], "public", "parent", &["a", "b"]), true),
            (known('f', &["y", "x"], "public", "parent", &["b", "a"]), true),
            (known('f', &["x", "y"], "public", "parent", &["b", "a"]), false),
            (known('f', &["x"], "public", "parent", &["a"]), false),
            (known('f', &["x", "z"], "public", "parent", &["a", "b"]), false),
            (known('f', &["x", "y"], "public", "other", &["a", "b"]), false),
            (known('f', &["x", "y"], "other", "parent", &["a", "b"]), false),
            (known('u', &["x", "y"], "public", "parent", &["a", "b"]), false),
            (PgConstraint { referenced: None, ..known('f', &["x", "y"], "", "", &["a", "b"]) }, false),
        ];
        for (known, same) in cases {
            assert_eq!(is_same(&known, &planned), same, "{known:?}");
        }
        let same = known('f', &["x", "y"], "public", "parent", &["a", "b"]);
        assert!(does_the_same(&same, &planned));
        let cascades = ForeignKeyPlan { on_delete: Some("cascade".to_owned()), ..planned };
        assert!(!does_the_same(&same, &cascades));
        assert!(does_the_same(&PgConstraint { on_delete: 'c', ..same }, &cascades));
    }
}

//! Foreign keys and check constraints.

use super::keys::claim;
use super::{Draft, Notes};
use crate::code::{DatabaseContext, ExpressionContext, Wanted, convert_expression};
use crate::names::Claim;
use crate::plan::{CheckPlan, ForeignKeyPlan};
use crate::settings::MappingSettings;
use mssql2pg_catalog::{CheckConstraint, Finding, ForeignKey, ObjectName, ReferentialAction, Severity};
use std::collections::BTreeMap;

/// Plans foreign keys, when all tables have their keys.
pub(super) fn plan_foreign_keys(drafts: &mut [Draft<'_>], settings: &MappingSettings, notes: &mut Notes) {
    let places = places(drafts);
    for at in 0..drafts.len() {
        let mut wishes = Vec::new();
        if let Some(draft) = drafts.get(at) {
            for key in &draft.source.foreign_keys {
                let referenced = places.get(&key.referenced_table).and_then(|&place| drafts.get(place));
                wishes.extend(plan_foreign_key(referenced, draft, key, settings, notes));
            }
        }
        let Some(draft) = drafts.get_mut(at) else { continue };
        draft.plan.foreign_keys = give_names(draft, wishes, notes, |plan: &mut ForeignKeyPlan, name| {
            if plan.source.is_empty() {
                plan.source = name.clone();
            }
            plan.name = name;
        });
    }
}

/// Where each table is.
pub(super) fn places<'a>(drafts: &[Draft<'a>]) -> BTreeMap<&'a ObjectName, usize> {
    drafts.iter().enumerate().map(|(place, draft)| (&draft.source.name, place)).collect()
}

/// Names constraints of one table, those that the source has not named last, and keeps their order.
fn give_names<P>(
    draft: &mut Draft<'_>,
    mut wishes: Vec<(Claim, P, bool)>,
    notes: &mut Notes,
    mut set: impl FnMut(&mut P, String),
) -> Vec<P> {
    for named in [true, false] {
        let claims: Vec<Claim> =
            wishes.iter().filter(|wish| wish.2 == named).map(|wish| wish.0.clone()).collect();
        let names = draft.constraints.assign(&claims, &mut notes.findings);
        for (wish, name) in wishes.iter_mut().filter(|wish| wish.2 == named).zip(names) {
            set(&mut wish.1, name);
        }
    }
    wishes.into_iter().map(|wish| wish.1).collect()
}

fn plan_foreign_key(
    referenced: Option<&Draft<'_>>,
    draft: &Draft<'_>,
    key: &ForeignKey,
    settings: &MappingSettings,
    notes: &mut Notes,
) -> Option<(Claim, ForeignKeyPlan, bool)> {
    let label = key.name.clone().unwrap_or_else(|| format!("foreign key ({})", key.columns.join(", ")));
    let object = draft.object(&label);
    let plan = match foreign_key(referenced, draft, key) {
        Ok(plan) => plan,
        Err(reason) => {
            notes.leave_out("foreign key", object, reason, None);
            return None;
        }
    };
    if !plan.trusted {
        let message = if key.disabled {
            "it is disabled at the source, so that rows may break it; PostgreSQL will check new rows"
        } else {
            "the source has not checked all rows against it"
        };
        notes.findings.push(Finding::new(
            "untrusted-foreign-key",
            Severity::Warning,
            &object,
            message,
            "look at the validation's orphans; where rows break the key it stays NOT VALID until they are repaired",
        ));
    }
    let generated = format!("{}_{}_fkey", draft.plan.name, plan.columns.join("_"));
    let claim = claim(object, key.name.as_deref(), &generated, &draft.plan.name, settings);
    Some((claim, plan, key.name.is_some()))
}

fn foreign_key(
    referenced: Option<&Draft<'_>>,
    draft: &Draft<'_>,
    key: &ForeignKey,
) -> Result<ForeignKeyPlan, String> {
    let referenced = referenced.ok_or_else(|| {
        format!("the table {} that it references is not carried over", key.referenced_table)
    })?;
    let names = |draft: &Draft<'_>, columns: &[String]| -> Result<Vec<String>, String> {
        let name = |column: &String| {
            let found = draft.column(column).map(|plan| plan.name.clone());
            found.ok_or_else(|| format!("the column {}.{column} is not carried over", draft.source.name))
        };
        columns.iter().map(name).collect()
    };
    let columns = names(draft, &key.columns)?;
    let referenced_columns = names(referenced, &key.referenced_columns)?;
    if columns.is_empty() || columns.len() != referenced_columns.len() {
        return Err("its columns and the referenced ones are not pairs".to_owned());
    }
    if !has_unique_key(referenced, &referenced_columns) {
        return Err(format!(
            "PostgreSQL needs a primary key or unique constraint on the columns of {} that it references",
            key.referenced_table
        ));
    }
    let is_generated = |name: &String| {
        key.columns.contains(name) && draft.column(name).is_some_and(|column| column.generated.is_some())
    };
    let on_delete = action(key.on_delete);
    let on_update = action(key.on_update);
    // A generated column takes no value from an action (CREATE TABLE, "Generated Columns").
    let writes = on_update.is_some()
        || matches!(key.on_delete, ReferentialAction::SetNull | ReferentialAction::SetDefault);
    if writes && key.columns.iter().any(is_generated) {
        return Err("its action would write a generated column".to_owned());
    }
    Ok(ForeignKeyPlan {
        source: key.name.clone().unwrap_or_default(),
        name: String::new(),
        columns,
        referenced_schema: referenced.plan.schema.clone(),
        referenced_table: referenced.plan.name.clone(),
        referenced_columns,
        on_delete,
        on_update,
        trusted: key.trusted && !key.disabled,
    })
}

/// Whether exactly these columns, in any order, are a key that PostgreSQL lets a foreign key reference:
/// unique, without a filter.
fn has_unique_key(table: &Draft<'_>, columns: &[String]) -> bool {
    let same =
        |key: &[String]| key.len() == columns.len() && columns.iter().all(|column| key.contains(column));
    let plan = &table.plan;
    plan.primary_key.iter().chain(&plan.unique).any(|key| same(&key.columns))
        || plan.indexes.iter().any(|index| {
            let names: Vec<String> = index.columns.iter().map(|(name, _)| name.clone()).collect();
            index.unique && index.filter.is_none() && same(&names)
        })
}

fn action(action: ReferentialAction) -> Option<String> {
    match action {
        ReferentialAction::NoAction => None,
        ReferentialAction::Cascade => Some("cascade".to_owned()),
        ReferentialAction::SetNull => Some("set null".to_owned()),
        ReferentialAction::SetDefault => Some("set default".to_owned()),
    }
}

/// Plans check constraints; those that are not converted are listed with their text.
pub(super) fn plan_checks(
    drafts: &mut [Draft<'_>],
    settings: &MappingSettings,
    database: DatabaseContext<'_>,
    notes: &mut Notes,
) {
    for draft in drafts {
        let mut wishes = Vec::new();
        for check in &draft.source.checks {
            wishes.extend(plan_check(draft, check, settings, database, notes));
        }
        draft.plan.checks = give_names(draft, wishes, notes, |plan: &mut CheckPlan, name| {
            if plan.source.is_empty() {
                plan.source = name.clone();
            }
            plan.name = name;
        });
    }
}

fn plan_check(
    draft: &Draft<'_>,
    check: &CheckConstraint,
    settings: &MappingSettings,
    database: DatabaseContext<'_>,
    notes: &mut Notes,
) -> Option<(Claim, CheckPlan, bool)> {
    let object = draft.object(check.name.as_deref().unwrap_or("check"));
    let context = ExpressionContext { table: &draft.source.name, columns: &draft.context, database };
    let converted = match convert_expression(&check.text, Wanted::Check, &context) {
        Ok(converted) => converted,
        Err(refused) => {
            notes.leave_out("check", object, refused.reason, Some(&check.text));
            return None;
        }
    };
    let trusted = check.trusted && !check.disabled;
    if !trusted {
        notes.findings.push(Finding::new(
            "untrusted-check",
            Severity::Warning,
            &object,
            if check.disabled {
                "it is disabled at the source, so that rows may break it; PostgreSQL will check new rows"
            } else {
                "the source has not checked all rows against it"
            },
            "where rows break the check it stays NOT VALID until they are repaired",
        ));
    }
    // PostgreSQL's own default name has the column if there is one alone.
    let mut named =
        draft.plan.columns.iter().filter(|column| check.text.contains(&format!("[{}]", column.source)));
    let column = named.next().filter(|_| named.next().is_none());
    let generated = match column {
        Some(column) => format!("{}_{}_check", draft.plan.name, column.name),
        None => format!("{}_check", draft.plan.name),
    };
    let claim = claim(object, check.name.as_deref(), &generated, &draft.plan.name, settings);
    let plan = CheckPlan {
        source: check.name.clone().unwrap_or_default(),
        name: String::new(),
        expression: converted.sql,
        trusted,
    };
    Some((claim, plan, check.name.is_some()))
}

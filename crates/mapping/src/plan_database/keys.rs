//! Primary keys, unique constraints and indexes.

use super::{Draft, Notes, Relations};
use crate::code::{DatabaseContext, ExpressionContext, Wanted, convert_expression};
use crate::names::{Claim, fold};
use crate::plan::{ColumnPlan, IndexPlan, KeyPlan};
use crate::settings::MappingSettings;
use mssql2pg_catalog::{Finding, Index, IndexColumn, IndexKind, Key, Severity};

/// A key or index that waits for its name.
enum Part {
    Primary(KeyPlan),
    Unique(KeyPlan),
    Index(IndexPlan),
}

/// What a name is wanted for.
struct Wish {
    table: usize,
    claim: Claim,
    part: Part,
}

/// Plans them for all tables. They share one name space per schema, so that all wishes are heard before
/// names are given; those that the source has not named come last.
pub(super) fn plan_keys(
    drafts: &mut [Draft<'_>],
    settings: &MappingSettings,
    database: DatabaseContext<'_>,
    relations: &mut Relations,
    notes: &mut Notes,
) {
    let (mut named, mut unnamed) = (Vec::new(), Vec::new());
    for (table, draft) in drafts.iter().enumerate() {
        let mut add = |(claim, part, is_named): (Claim, Part, bool)| {
            let wishes = if is_named { &mut named } else { &mut unnamed };
            wishes.push(Wish { table, claim, part });
        };
        if let Some(key) = &draft.source.primary_key {
            plan_key(draft, key, "primary key", settings, notes).into_iter().for_each(&mut add);
        }
        for key in &draft.source.unique {
            plan_key(draft, key, "unique constraint", settings, notes).into_iter().for_each(&mut add);
        }
        for index in &draft.source.indexes {
            plan_index(draft, index, settings, database, notes).into_iter().for_each(&mut add);
        }
    }
    for wishes in [named, unnamed] {
        give_names(drafts, wishes, relations, notes);
    }
}

fn give_names(drafts: &mut [Draft<'_>], wishes: Vec<Wish>, relations: &mut Relations, notes: &mut Notes) {
    for (schema, scope) in relations.iter_mut() {
        let here = |wish: &&Wish| drafts.get(wish.table).is_some_and(|draft| draft.plan.schema == *schema);
        let claims: Vec<Claim> = wishes.iter().filter(here).map(|wish| wish.claim.clone()).collect();
        let names = scope.assign(&claims, &mut notes.findings);
        let places: Vec<usize> =
            wishes.iter().enumerate().filter(|(_, wish)| here(wish)).map(|(at, _)| at).collect();
        for (at, name) in places.into_iter().zip(names) {
            if let Some(wish) = wishes.get(at)
                && let Some(draft) = drafts.get_mut(wish.table)
            {
                place(draft, &wish.part, name);
            }
        }
    }
}

fn place(draft: &mut Draft<'_>, part: &Part, name: String) {
    let named = |key: &KeyPlan, name: String| KeyPlan {
        source: if key.source.is_empty() { name.clone() } else { key.source.clone() },
        name,
        ..key.clone()
    };
    match part {
        Part::Primary(key) => {
            draft.constraints.reserve(&name, "the table's primary key");
            draft.plan.primary_key = Some(named(key, name));
        }
        Part::Unique(key) => {
            draft.constraints.reserve(&name, "a unique constraint of the table");
            draft.plan.unique.push(named(key, name));
        }
        Part::Index(index) => draft.plan.indexes.push(IndexPlan { name, ..index.clone() }),
    }
}

fn plan_key(
    draft: &Draft<'_>,
    key: &Key,
    kind: &str,
    settings: &MappingSettings,
    notes: &mut Notes,
) -> Option<(Claim, Part, bool)> {
    let is_primary = kind == "primary key";
    let label = key.name.clone().unwrap_or_else(|| kind.to_owned());
    let object = draft.object(&label);
    let columns = match key_columns(draft, &key.columns) {
        Ok(columns) => columns,
        Err(reason) => {
            note_left_out(is_primary, &object, &reason, notes);
            notes.leave_out(kind, object, reason, None);
            return None;
        }
    };
    let plan = KeyPlan {
        source: key.name.clone().unwrap_or_default(),
        name: String::new(),
        nulls_not_distinct: !is_primary && columns.iter().any(|column| column.nullable),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
    };
    let table = &draft.plan.name;
    let generated =
        if is_primary { format!("{table}_pkey") } else { format!("{table}_{}_key", plan.columns.join("_")) };
    let claim = claim(object, key.name.as_deref(), &generated, table, settings);
    let part = if is_primary { Part::Primary(plan) } else { Part::Unique(plan) };
    Some((claim, part, key.name.is_some()))
}

/// A key that is not carried over is a promise that PostgreSQL does not keep; an index that only makes
/// queries fast is not worth a finding.
fn note_left_out(is_primary: bool, object: &str, reason: &str, notes: &mut Notes) {
    notes.findings.push(if is_primary {
        Finding::new(
            "primary-key-left-out",
            Severity::Blocker,
            object,
            format!("the primary key is not carried over, so that rows may repeat in PostgreSQL: {reason}"),
            "add a primary key by hand after the migration; foreign keys to it are listed as not converted",
        )
    } else {
        Finding::new(
            "unique-key-left-out",
            Severity::Warning,
            object,
            format!("it is not carried over, so that its values may repeat in PostgreSQL: {reason}"),
            "add a unique constraint or index by hand after the migration",
        )
    });
}

/// The claim of an object whose name nobody's queries use.
pub(super) fn claim(
    object: String,
    name: Option<&str>,
    generated: &str,
    table: &str,
    settings: &MappingSettings,
) -> Claim {
    let source = name.unwrap_or(generated);
    let folded = name.map_or_else(|| generated.to_owned(), |name| fold(name, settings.case));
    let fallback = name.map(|_| format!("{table}_{folded}"));
    Claim { object, source: source.to_owned(), folded, fallback, severity: Severity::Info }
}

/// The planned columns of a key; the reason, if one was left out or cannot be compared.
fn key_columns<'a>(draft: &'a Draft<'_>, columns: &[IndexColumn]) -> Result<Vec<&'a ColumnPlan>, String> {
    if columns.is_empty() {
        return Err("it has no columns".to_owned());
    }
    columns
        .iter()
        .map(|part| {
            let column = draft
                .column(&part.name)
                .ok_or_else(|| format!("its column {} is not carried over", part.name))?;
            // These have no operator class for B-trees.
            match column.pg_type.as_str() {
                "xml" | "json" => {
                    Err(format!("PostgreSQL cannot index {}, a column of type {}", part.name, column.pg_type))
                }
                _ => Ok(column),
            }
        })
        .collect()
}

fn plan_index(
    draft: &Draft<'_>,
    index: &Index,
    settings: &MappingSettings,
    database: DatabaseContext<'_>,
    notes: &mut Notes,
) -> Option<(Claim, Part, bool)> {
    let object = draft.object(&index.name);
    let planned = index_plan(draft, index, database);
    let (plan, left_out) = match planned {
        Ok(planned) => planned,
        Err(reason) => {
            let kind = if index.filter.is_some() { "filtered index" } else { "index" };
            // A disabled index keeps nothing unique at the source either.
            if index.unique && !index.disabled {
                note_left_out(false, &object, &reason, notes);
            }
            notes.leave_out(kind, object, reason, index.filter.as_deref());
            return None;
        }
    };
    for column in left_out {
        notes.findings.push(Finding::new(
            "included-column-left-out",
            Severity::Info,
            &object,
            format!("its included column {column} can hold more than an index entry of PostgreSQL may (2704 bytes)"),
            "add the column to the index by hand if its values are short",
        ));
    }
    let claim = claim(object, Some(&index.name), "", &draft.plan.name, settings);
    Some((claim, Part::Index(plan), true))
}

/// The index, and the included columns that it must do without; the reason, if it cannot be built.
fn index_plan(
    draft: &Draft<'_>,
    index: &Index,
    database: DatabaseContext<'_>,
) -> Result<(IndexPlan, Vec<String>), String> {
    if index.disabled {
        return Err("it is disabled at the source".to_owned());
    }
    match index.kind {
        // A hash index of a memory-optimised table answers nothing that a B-tree does not.
        IndexKind::BTree | IndexKind::Hash => {}
        IndexKind::Columnstore => return Err("PostgreSQL has no columnstore indexes".to_owned()),
        IndexKind::Xml => return Err("PostgreSQL has no XML indexes".to_owned()),
        IndexKind::Spatial => return Err("a spatial index needs PostGIS types and its own design".to_owned()),
        IndexKind::FullText => {
            return Err("full-text search is designed otherwise in PostgreSQL (tsvector)".to_owned());
        }
    }
    let columns = key_columns(draft, &index.columns)?;
    let mut included = Vec::new();
    let mut left_out = Vec::new();
    for name in &index.included {
        let column = draft.column(name).ok_or_else(|| format!("its column {name} is not carried over"))?;
        if is_wide(&column.pg_type) {
            left_out.push(name.clone())
        } else {
            included.push(column.name.clone())
        }
    }
    let filter = match &index.filter {
        None => None,
        Some(text) => {
            let context = ExpressionContext { table: &draft.source.name, columns: &draft.context, database };
            Some(convert_expression(text, Wanted::Filter, &context).map_err(|refused| refused.reason)?.sql)
        }
    };
    let plan = IndexPlan {
        source: index.name.clone(),
        name: String::new(),
        unique: index.unique,
        nulls_not_distinct: index.unique && columns.iter().any(|column| column.nullable),
        columns: columns
            .iter()
            .zip(&index.columns)
            .map(|(column, part)| (column.name.clone(), part.descending))
            .collect(),
        included,
        filter,
    };
    Ok((plan, left_out))
}

/// Whether a value may be too large for an index entry. Text of up to 600 characters always fits, at 4
/// bytes each.
fn is_wide(pg_type: &str) -> bool {
    let (base, parameter) = pg_type.split_once('(').unwrap_or((pg_type, ""));
    match base {
        "varchar" | "char" => {
            parameter.trim_end_matches(')').parse::<u32>().map_or(true, |length| length > 600)
        }
        "text" | "bytea" | "xml" | "json" | "jsonb" | "real[]" | "geometry" | "geography" | "vector" => true,
        _ => false,
    }
}

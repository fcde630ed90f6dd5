//! The names of schemas, tables and sequences, and the sequences themselves.

use super::{Draft, Notes, PlanError, Relations};
use crate::names::{self, Claim, Scope};
use crate::plan::SequencePlan;
use crate::settings::MappingSettings;
use mssql2pg_catalog::{Catalog, Finding, ObjectName, Sequence, Severity, SqlType};
use std::collections::{BTreeMap, BTreeSet};

/// Source schema → PostgreSQL schema.
pub(super) type Schemas = BTreeMap<String, String>;

/// Source sequence → its schema and name in PostgreSQL.
pub(super) type SequenceNames = BTreeMap<ObjectName, (String, String)>;

/// Schemas that every SQL Server database has and that hold nothing of the user's, unless a table says otherwise.
static BUILT_IN: &[&str] = &[
    "sys",
    "INFORMATION_SCHEMA",
    "guest",
    "db_owner",
    "db_accessadmin",
    "db_securityadmin",
    "db_ddladmin",
    "db_backupoperator",
    "db_datareader",
    "db_datawriter",
    "db_denydatareader",
    "db_denydatawriter",
];

/// The schema in which the ledger is kept, unless somebody moves it: its tables must not meet the user's.
pub(super) static LEDGER: &str = "mssql2pg";

/// Names every schema: by the settings, `dbo` → `public`, others folded.
pub(super) fn plan_schemas(
    catalog: &Catalog,
    settings: &MappingSettings,
    notes: &mut Notes,
) -> Result<Schemas, PlanError> {
    let listed = catalog.schemas.iter().map(String::as_str).filter(|schema| !BUILT_IN.contains(schema));
    let mut sources: BTreeSet<&str> = listed.collect();
    sources.extend(catalog.tables.iter().map(|table| table.name.schema.as_str()));
    sources.extend(catalog.sequences.iter().map(|sequence| sequence.name.schema.as_str()));
    let mut wanted: BTreeSet<String> = settings.schemas.values().cloned().collect();
    wanted.extend(sources.iter().map(|source| names::fold(source, settings.case)));
    let mut schemas = Schemas::new();
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for source in sources {
        let chosen = settings.schemas.get(source);
        let target = match chosen {
            Some(target) => target.clone(),
            None if source == "dbo" => "public".to_owned(),
            None => default_name(source, settings, &wanted, notes),
        };
        match owners.get(&target) {
            // Two schemas that the settings put together are meant so.
            Some(first) if chosen.is_none() || !settings.schemas.contains_key(*first) => {
                notes.findings.push(Finding::new(
                    "identifier-collision",
                    Severity::Warning,
                    source,
                    format!("the schemas {first} and {source} both become {target}"),
                    "name the PostgreSQL schema of one of them in the settings to keep them apart",
                ));
            }
            Some(_) => {}
            None => {
                owners.insert(target.clone(), source);
            }
        }
        schemas.insert(source.to_owned(), target);
    }
    Ok(schemas)
}

/// The folded name, unless PostgreSQL or the ledger keeps it; `wanted` are the names that others would have.
fn default_name(
    source: &str,
    settings: &MappingSettings,
    wanted: &BTreeSet<String>,
    notes: &mut Notes,
) -> String {
    let folded = names::fold(source, settings.case);
    let name = names::shorten(&folded, source);
    if name.len() < folded.len() {
        notes.findings.push(Finding::new(
            "identifier-shortened",
            Severity::Info,
            source,
            format!("its name is longer than {} bytes and becomes {name}", names::MAX_BYTES),
            "name the PostgreSQL schema in the settings to choose another name",
        ));
    }
    // PostgreSQL keeps these for itself (CREATE SCHEMA, "Notes").
    if name.starts_with("pg_") || name == "information_schema" {
        let free = names::shorten(&format!("source_{name}"), source);
        notes.findings.push(Finding::new(
            "identifier-collision",
            Severity::Warning,
            source,
            format!("PostgreSQL keeps the schema name {name} for itself; it becomes {free}"),
            "name the PostgreSQL schema in the settings to choose another name",
        ));
        return free;
    }
    if name == LEDGER {
        let mut number = 2_u64;
        while wanted.contains(&format!("{name}_{number}")) {
            number += 1;
        }
        let free = format!("{name}_{number}");
        notes.findings.push(Finding::new(
            "identifier-collision",
            Severity::Warning,
            source,
            format!("the schema {name} holds the ledger; it becomes {free}"),
            "name the PostgreSQL schema in the settings to choose another name",
        ));
        return free;
    }
    name
}

/// The PostgreSQL schemas to create, sorted.
pub(super) fn to_create(schemas: &Schemas) -> Vec<String> {
    let targets: BTreeSet<&String> = schemas.values().filter(|target| *target != "public").collect();
    targets.into_iter().cloned().collect()
}

/// The schema and name of each table, in the catalog's order.
pub(super) fn name_tables(
    catalog: &Catalog,
    settings: &MappingSettings,
    schemas: &Schemas,
    relations: &mut Relations,
    notes: &mut Notes,
) -> Vec<(String, String)> {
    let names: Vec<&ObjectName> = catalog.tables.iter().map(|table| &table.name).collect();
    name_relations(&names, settings, schemas, relations, notes)
}

/// Hands out names in each schema's scope.
fn name_relations(
    objects: &[&ObjectName],
    settings: &MappingSettings,
    schemas: &Schemas,
    relations: &mut Relations,
    notes: &mut Notes,
) -> Vec<(String, String)> {
    let target =
        |object: &ObjectName| schemas.get(&object.schema).cloned().unwrap_or_else(|| "public".to_owned());
    let mut by_schema: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, object) in objects.iter().enumerate() {
        by_schema.entry(target(object)).or_default().push(at);
    }
    let mut named = vec![(String::new(), String::new()); objects.len()];
    for (schema, places) in by_schema {
        let claims: Vec<Claim> = places
            .iter()
            .filter_map(|&at| objects.get(at))
            .map(|object| Claim::new(object.to_string(), &object.name, settings.case))
            .collect();
        let names = relations.entry(schema.clone()).or_default().assign(&claims, &mut notes.findings);
        for (at, name) in places.into_iter().zip(names) {
            if let Some(place) = named.get_mut(at) {
                *place = (schema.clone(), name);
            }
        }
    }
    named
}

/// PostgreSQL makes a sequence `<table>_<column>_seq` for each identity; no index may want that name.
pub(super) fn reserve_identity_sequences(drafts: &[Draft<'_>], relations: &mut Relations) {
    for draft in drafts {
        let scope: &mut Scope = relations.entry(draft.plan.schema.clone()).or_default();
        for column in draft.plan.columns.iter().filter(|column| column.identity.is_some()) {
            let owner = format!("the identity of {}", draft.object(&column.source));
            scope.reserve(&format!("{}_{}_seq", draft.plan.name, column.name), &owner);
        }
    }
}

/// Plans sequences and tells their names for `NEXT VALUE FOR`.
pub(super) fn plan_sequences(
    catalog: &Catalog,
    settings: &MappingSettings,
    schemas: &Schemas,
    relations: &mut Relations,
    notes: &mut Notes,
) -> (Vec<SequencePlan>, SequenceNames) {
    let objects: Vec<&ObjectName> = catalog.sequences.iter().map(|sequence| &sequence.name).collect();
    let named = name_relations(&objects, settings, schemas, relations, notes);
    let mut plans = Vec::new();
    let mut names = SequenceNames::new();
    for (sequence, (schema, name)) in catalog.sequences.iter().zip(named) {
        match plan_sequence(sequence, schema.clone(), name.clone(), notes) {
            Some(plan) => {
                names.insert(sequence.name.clone(), (schema, name));
                plans.push(plan);
            }
            None => notes.leave_out(
                "sequence",
                sequence.name.to_string(),
                "its numbers do not fit bigint, the largest type of a PostgreSQL sequence",
                None,
            ),
        }
    }
    (plans, names)
}

fn plan_sequence(
    sequence: &Sequence,
    schema: String,
    name: String,
    notes: &mut Notes,
) -> Option<SequencePlan> {
    let narrow = |number: i128| i64::try_from(number).ok();
    let (start, increment) = (narrow(sequence.start)?, narrow(sequence.increment)?);
    let (pg_type, low, high) = sequence_range(&sequence.sql_type)?;
    let bound = |declared: Option<i128>, notes: &mut Notes| {
        let fits = declared.and_then(narrow);
        if declared.is_some() && fits.is_none() {
            notes.findings.push(Finding::new(
                "sequence-range",
                Severity::Info,
                sequence.name.to_string(),
                "a bound does not fit bigint and is left out",
                "nothing, unless the sequence should end somewhere before the end of bigint",
            ));
        }
        fits
    };
    // SQL Server's default bounds are the type's; PostgreSQL's begin at 1 or end at -1.
    let (pg_low, pg_high) = sequence_range(match pg_type {
        "smallint" => &SqlType::SmallInt,
        "integer" => &SqlType::Int,
        _ => &SqlType::BigInt,
    })
    .map(|(_, low, high)| if increment > 0 { (1, high) } else { (low, -1) })?;
    let reaches_low = increment < 0 || start < 1 || sequence.cycle;
    let reaches_high = increment > 0 || start > -1 || sequence.cycle;
    let minimum = bound(sequence.minimum, notes).or((low != pg_low && reaches_low).then_some(low));
    let maximum = bound(sequence.maximum, notes).or((high != pg_high && reaches_high).then_some(high));
    Some(SequencePlan {
        source: sequence.name.clone(),
        schema,
        name,
        pg_type: pg_type.to_owned(),
        start,
        increment,
        minimum,
        maximum,
        cycle: sequence.cycle,
        last_value: sequence.current_value.and_then(narrow),
    })
}

/// The PostgreSQL type of a sequence, and the lowest and highest value of the SQL Server type, cut to bigint.
fn sequence_range(sql_type: &SqlType) -> Option<(&'static str, i64, i64)> {
    Some(match sql_type {
        SqlType::TinyInt => ("smallint", 0, 255),
        SqlType::SmallInt => ("smallint", i64::from(i16::MIN), i64::from(i16::MAX)),
        SqlType::Int => ("integer", i64::from(i32::MIN), i64::from(i32::MAX)),
        SqlType::BigInt => ("bigint", i64::MIN, i64::MAX),
        SqlType::Decimal { precision, scale: 0 } => match 10_i64.checked_pow(u32::from(*precision)) {
            Some(limit) => ("bigint", 1 - limit, limit - 1),
            None => ("bigint", i64::MIN, i64::MAX),
        },
        _ => return None,
    })
}

//! The settings, checked against the catalog: whoever misspells a name hears of it before a row moves.

use super::PlanError;
use crate::code::Family;
use crate::settings::{ColumnSettings, MappingSettings, Transform};
use crate::types::{self, TYPES};
use mssql2pg_catalog::{Catalog, Column, SqlType, Table};
use std::collections::{BTreeMap, BTreeSet};

/// The settings in a form that planning can ask.
#[derive(Debug)]
pub(super) struct Choices<'a> {
    /// SQL Server type name as [`SqlType::name`] has it → wanted PostgreSQL type.
    types: BTreeMap<&'static str, &'a str>,
    columns: &'a BTreeMap<String, ColumnSettings>,
}

impl<'a> Choices<'a> {
    /// The PostgreSQL type that somebody asked for: for the column, else for its type.
    pub(super) fn pg_type(&self, table: &Table, column: &Column) -> Option<&'a str> {
        let own = self.columns.get(&key(table, column)).and_then(|settings| settings.pg_type.as_deref());
        own.or_else(|| self.types.get(column.sql_type.name()).copied())
    }

    /// The column's transforms.
    pub(super) fn transforms(&self, table: &Table, column: &Column) -> &'a [Transform] {
        self.columns.get(&key(table, column)).map_or(&[], |settings| settings.transforms.as_slice())
    }
}

impl Choices<'_> {
    /// Whether somebody wants the column, which is a computed one, left out.
    pub(super) fn leaves_out(&self, table: &Table, column: &Column) -> bool {
        self.columns.get(&key(table, column)).is_some_and(|settings| settings.leave_out)
    }
}

fn key(table: &Table, column: &Column) -> String {
    format!("{}.{}", table.name, column.name)
}

/// Checks every name in the settings.
pub(super) fn check<'a>(catalog: &Catalog, settings: &'a MappingSettings) -> Result<Choices<'a>, PlanError> {
    // Destructured, so that a new setting cannot be forgotten here.
    let MappingSettings { case: _, schemas, types, columns, nul: _, invalid_text: _, replacement: _ } =
        settings;
    check_schemas(catalog, schemas)?;
    let types = check_types(types)?;
    let mut known = BTreeMap::new();
    for table in &catalog.tables {
        for column in &table.columns {
            known.insert(key(table, column), (table, column));
        }
    }
    for (name, wanted) in columns {
        let Some((table, column)) = known.get(name) else {
            return Err(PlanError {
                message: format!("the settings name the column {name}, which the source does not have"),
                hint: nearest(name, known.keys().map(String::as_str), "write it as schema.table.column"),
            });
        };
        check_column(name, table, column, wanted)?;
    }
    Ok(Choices { types, columns })
}

fn check_schemas(catalog: &Catalog, wanted: &BTreeMap<String, String>) -> Result<(), PlanError> {
    let mut known: BTreeSet<&str> = catalog.schemas.iter().map(String::as_str).collect();
    known.extend(catalog.tables.iter().map(|table| table.name.schema.as_str()));
    known.extend(catalog.sequences.iter().map(|sequence| sequence.name.schema.as_str()));
    known.insert("dbo");
    for (source, target) in wanted {
        if !known.contains(source.as_str()) {
            return Err(PlanError {
                message: format!("the settings name the schema {source}, which the source does not have"),
                hint: nearest(
                    source,
                    known.iter().copied(),
                    "schemas are named exactly as the source spells them",
                ),
            });
        }
        let is_possible = !target.is_empty()
            && target.len() <= crate::names::MAX_BYTES
            && !target.starts_with("pg_")
            && target != "information_schema"
            && !target.contains('\0');
        if target == super::schemas::LEDGER {
            return Err(PlanError {
                message: format!("the schema {source} cannot become {target:?} in PostgreSQL"),
                hint: "the ledger is kept in that schema; choose another name".to_owned(),
            });
        }
        if !is_possible {
            return Err(PlanError {
                message: format!("the schema {source} cannot become {target:?} in PostgreSQL"),
                hint: "a schema's name has 1 to 63 bytes and does not begin with pg_".to_owned(),
            });
        }
    }
    Ok(())
}

fn check_types(wanted: &BTreeMap<String, String>) -> Result<BTreeMap<&'static str, &str>, PlanError> {
    let mut checked = BTreeMap::new();
    for (name, target) in wanted {
        let sample = SqlType::from_system(name, Some(1), false, Some(18), Some(0));
        let rule = sample.as_ref().and_then(|sample| TYPES.iter().find(|rule| rule.from == sample.name()));
        let (Some(sample), Some(rule)) = (sample, rule) else {
            return Err(PlanError {
                message: format!("the settings name the type {name}, which SQL Server does not have"),
                hint: nearest(
                    name,
                    TYPES.iter().map(|rule| rule.from),
                    "name a system type without its length",
                ),
            });
        };
        types::type_rule(&sample, Some(target)).map_err(|unknown| PlanError {
            message: format!("{} cannot become {target}", sample.name()),
            hint: format!("it can become {}", unknown.alternatives.join(", ")),
        })?;
        checked.insert(rule.from, target.as_str());
    }
    Ok(checked)
}

fn check_column(
    name: &str,
    table: &Table,
    column: &Column,
    wanted: &ColumnSettings,
) -> Result<(), PlanError> {
    let ColumnSettings { pg_type, transforms, leave_out } = wanted;
    let changes_nothing = pg_type.is_none() && transforms.is_empty();
    match (&column.computed, leave_out) {
        (Some(_), true) if changes_nothing => return Ok(()),
        (None, true) => {
            return Err(PlanError {
                message: format!("the settings leave out {name}, which is not a computed column"),
                hint: "only computed columns can be left out: the values of others would be lost".to_owned(),
            });
        }
        _ => {}
    }
    if column.computed.is_some() {
        return Err(PlanError {
            message: format!("the settings change {name}, which is a computed column"),
            hint: "its type and values follow from its expression; change the columns it is computed from, or leave it out with leave_out"
                .to_owned(),
        });
    }
    if !transforms.is_empty() && Family::of_sql_type(&column.sql_type) != Family::Text {
        return Err(PlanError {
            message: format!("the settings transform {name}, which is {} and no text", column.sql_type),
            hint: "transforms are for columns of type char, nchar, varchar, nvarchar, text and ntext"
                .to_owned(),
        });
    }
    let makes_flag = transforms.contains(&Transform::YesNo);
    if makes_flag && transforms.last() != Some(&Transform::YesNo) {
        return Err(PlanError {
            message: format!("the transform yes_no of {name} is not the last one"),
            hint: "nothing can follow yes_no: its result is no text any more".to_owned(),
        });
    }
    let is_key = table.primary_key.iter().any(|key| key.columns.iter().any(|part| part.name == column.name));
    if transforms.contains(&Transform::NullIfEmpty) && is_key {
        return Err(PlanError {
            message: format!("the transform null_if_empty of {name} would put NULL into a primary key"),
            hint: "leave the transform out for this column".to_owned(),
        });
    }
    let Some(target) = pg_type else { return Ok(()) };
    if makes_flag {
        return if types::type_rule(&SqlType::Bit, Some(target)).is_ok_and(|rule| rule.to == "boolean") {
            Ok(())
        } else {
            Err(PlanError {
                message: format!("{name} cannot become {target} with the transform yes_no"),
                hint: "yes_no makes a boolean; leave the type out".to_owned(),
            })
        };
    }
    types::type_rule(&column.sql_type, Some(target)).map(|_| ()).map_err(|unknown| PlanError {
        message: format!("{name} is {} and cannot become {target}", column.sql_type),
        hint: format!("it can become {}", unknown.alternatives.join(", ")),
    })
}

/// `did you mean …?`, if a known name is near; else `otherwise`.
fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    let folded = wanted.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for name in known {
        let likeness = strsim::normalized_damerau_levenshtein(&folded, &name.to_lowercase());
        if likeness > best.map_or(0.6, |(best, _)| best) {
            best = Some((likeness, name));
        }
    }
    best.map_or_else(|| otherwise.to_owned(), |(_, name)| format!("did you mean {name}?"))
}

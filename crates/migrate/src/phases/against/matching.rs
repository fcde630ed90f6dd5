//! Which table of another tool's database is which of the plan, and how its columns are read as the planned types.

use crate::checks::validate::same_type;
use crate::error::Error;
use mssql2pg_mapping::encode::Encoder;
use mssql2pg_mapping::names::quote;
use mssql2pg_mapping::plan::ColumnPlan;
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_target::Connection;
use mssql2pg_target::catalog::PgColumn;
use std::collections::BTreeMap;

/// The other database's names for a table.
pub(super) struct Match {
    pub(super) plan: TablePlan,
    /// How each column that COPY fills is read; none where all have the planned types.
    pub(super) reads: Option<Vec<String>>,
    /// Name and reading of each column that is not read as it stands.
    pub(super) casts: Vec<(String, String)>,
    /// Planned columns that are not there.
    pub(super) missing: Vec<String>,
}

/// A name without case and `_`.
fn folded(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

/// Finds each table of the plan; none for those that are not there.
pub(super) fn matches(connection: &mut Connection, plan: &DatabasePlan) -> Result<Vec<Option<Match>>, Error> {
    let failed = || Error::target("cannot look at the other tool's tables");
    let there = mssql2pg_target::catalog::tables(connection).map_err(failed())?;
    let mut matches = Vec::new();
    for table in &plan.tables {
        let Some((schema, name)) = find(table, &there) else {
            matches.push(None);
            continue;
        };
        let columns = mssql2pg_target::catalog::columns(connection, schema, name).map_err(failed())?;
        matches.push(Some(matched(table, schema, name, &columns)));
    }
    // Foreign keys speak of other tables by the names that those have here.
    let place_of = |schema: &str, name: &str| {
        plan.tables.iter().position(|table| table.schema == schema && table.name == name)
    };
    let names: Vec<Option<(String, String)>> = matches
        .iter()
        .map(|found| found.as_ref().map(|found| (found.plan.schema.clone(), found.plan.name.clone())))
        .collect();
    let columns: Vec<BTreeMap<String, String>> =
        plan.tables.iter().zip(&matches).map(|(table, found)| renamed(table, found.as_ref())).collect();
    for found in matches.iter_mut().flatten() {
        for key in &mut found.plan.foreign_keys {
            let Some(place) = place_of(&key.referenced_schema, &key.referenced_table) else { continue };
            let Some(Some((schema, name))) = names.get(place).cloned() else { continue };
            (key.referenced_schema, key.referenced_table) = (schema, name);
            for column in &mut key.referenced_columns {
                if let Some(new) = columns.get(place).and_then(|columns| columns.get(column)) {
                    column.clone_from(new);
                }
            }
        }
    }
    Ok(matches)
}

/// The planned columns' names here.
fn renamed(table: &TablePlan, found: Option<&Match>) -> BTreeMap<String, String> {
    let there = found.map(|found| found.plan.columns.as_slice()).unwrap_or_default();
    table.columns.iter().zip(there).map(|(planned, here)| (planned.name.clone(), here.name.clone())).collect()
}

fn find<'a>(table: &TablePlan, there: &'a [(String, String)]) -> Option<&'a (String, String)> {
    let exactly = there.iter().find(|(schema, name)| *schema == table.schema && *name == table.name);
    let names = [folded(&table.name), folded(&table.source.name)];
    let alike: Vec<&(String, String)> =
        there.iter().filter(|(_, name)| names.contains(&folded(name))).collect();
    let schemas = [folded(&table.schema), folded(&table.source.schema)];
    let in_schema = alike.iter().find(|(schema, _)| schemas.contains(&folded(schema))).copied();
    // A tool may put all into one schema; two tables of one name there are told apart by nobody.
    exactly.or(in_schema).or(if let [only] = alike.as_slice() { Some(only) } else { None })
}

fn matched(table: &TablePlan, schema: &str, name: &str, columns: &[PgColumn]) -> Match {
    let mut plan = TablePlan { schema: schema.to_owned(), name: name.to_owned(), ..table.clone() };
    let mut missing = Vec::new();
    let mut new_names = BTreeMap::new();
    let mut reads = Vec::new();
    for column in &mut plan.columns {
        let exactly = columns.iter().find(|known| known.name == column.name);
        let names = [folded(&column.name), folded(&column.source)];
        let here = exactly.or_else(|| columns.iter().find(|known| names.contains(&folded(&known.name))));
        match here {
            None => missing.push(column.name.clone()),
            Some(here) => {
                new_names.insert(column.name.clone(), here.name.clone());
                column.name.clone_from(&here.name);
                if column.source_ordinal.is_some() {
                    reads.push(read_as(column, here));
                }
            }
        }
    }
    let names = plan.copy_columns().map(|column| column.name.clone());
    let casts: Vec<(String, String)> =
        names.zip(reads.iter().cloned()).filter(|(name, read)| quote(name) != *read).collect();
    let rename = |names: &mut Vec<String>| {
        for name in names {
            if let Some(new) = new_names.get(name) {
                name.clone_from(new);
            }
        }
    };
    plan.primary_key.iter_mut().chain(&mut plan.unique).for_each(|key| rename(&mut key.columns));
    plan.foreign_keys.iter_mut().for_each(|key| rename(&mut key.columns));
    for index in &mut plan.indexes {
        rename(&mut index.included);
        for (name, _) in &mut index.columns {
            if let Some(new) = new_names.get(name) {
                name.clone_from(new);
            }
        }
    }
    Match { plan, reads: (!casts.is_empty()).then_some(reads), casts, missing }
}

/// How a column is read as the planned type. A cast that would cut or round gives what differs in place of it.
fn read_as(planned: &ColumnPlan, here: &PgColumn) -> String {
    let name = quote(&here.name);
    if same_type(&here.type_text, &planned.pg_type) {
        return name;
    }
    let here_type = here.type_text.to_ascii_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| here_type.starts_with(word));
    let is_integer = is(&["smallint", "integer", "bigint"]);
    let parameter = |place: usize| {
        let inner = planned.pg_type.split_once('(')?.1.split(')').next()?;
        inner.split(',').nth(place)?.trim().parse::<u32>().ok()
    };
    match planned.encoder {
        Encoder::Int2 | Encoder::Int4 | Encoder::Int8 | Encoder::BitAsInt2 | Encoder::BitAsInt4 => {
            let to = match planned.encoder {
                Encoder::Int2 | Encoder::BitAsInt2 => "smallint",
                Encoder::Int4 | Encoder::BitAsInt4 => "integer",
                _ => "bigint",
            };
            if is_integer || is(&["boolean"]) {
                return if is(&["boolean"]) {
                    format!("{name}::integer::{to}")
                } else {
                    format!("{name}::{to}")
                };
            }
            format!("(case when {name}::numeric = trunc({name}::numeric) then {name}::numeric end)::{to}")
        }
        Encoder::Numeric => {
            let scale = parameter(1).unwrap_or(0);
            // The cast of a float rounds to 15 digits; its text has all that tell it from others.
            let by_text = if is(&["double", "real"]) { "::text" } else { "" };
            let number = format!("{name}{by_text}::numeric");
            format!(
                "(case when {number} = round({number}, {scale}) then round({number}, {scale}) else {number} end)"
            )
        }
        Encoder::Bool if is_integer => format!("(case {name} when 0 then false when 1 then true end)"),
        Encoder::Bool if is(&["bit"]) => format!("({name}::text = '1')"),
        Encoder::Text => format!("{name}::text"),
        Encoder::Char => {
            let length = parameter(0).unwrap_or(1);
            let text = format!("{name}::text");
            format!("(case when char_length({text}) > {length} then {text} else rpad({text}, {length}) end)")
        }
        Encoder::Date if is(&["timestamp"]) => {
            format!("(case when {name} = {name}::date then {name}::date end)")
        }
        Encoder::Date => format!("{name}::date"),
        Encoder::Timestamp if is(&["timestamp with time zone", "timestamp(", "timestamp"]) => {
            match here_type.contains("with time zone") {
                true => format!("({name} at time zone 'UTC')"),
                false => name,
            }
        }
        Encoder::Timestamp => format!("{name}::timestamp"),
        Encoder::TimestampTz if here_type.contains("without time zone") => {
            format!("({name} at time zone 'UTC')")
        }
        Encoder::TimestampTz | Encoder::Time if is(&["timestamp", "time"]) => name,
        Encoder::Uuid => format!("{name}::uuid"),
        Encoder::Xml => format!("{name}::text::xml"),
        Encoder::Json => format!("{name}::text::json"),
        Encoder::Jsonb => format!("{name}::text::jsonb"),
        Encoder::Float8 if is(&["numeric"]) => {
            let float = format!("{name}::double precision");
            format!("(case when {float}::text::numeric = {name} then {float} end)")
        }
        Encoder::Float8 => format!("{name}::double precision"),
        Encoder::Float4 if is(&["double"]) => {
            format!("(case when {name}::real::double precision = {name} then {name}::real end)")
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_regard_to_case_and_underscores() {
        assert_eq!(folded("Order_Details"), folded("orderdetails"));
        assert_ne!(folded("order details"), folded("orderdetails"));
    }
}

//! Which table of another tool's database is which of the plan, and how its columns are read as the planned types.

use crate::checks::validate::same_type;
use crate::error::Error;
use mssql2pg_mapping::encode::Encoder;
use mssql2pg_mapping::names::quote;
use mssql2pg_mapping::plan::ColumnPlan;
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_target::Connection;
use mssql2pg_target::catalog::PgColumn;
use std::collections::{BTreeMap, HashMap};

/// The other database's names for a table.
pub(super) struct Match {
    pub(super) plan: TablePlan,
    /// How each column that COPY fills is read; none where all have the planned types.
    pub(super) reads: Option<Vec<String>>,
    /// Planned columns that are not there.
    pub(super) missing: Vec<String>,
    /// The names here of the others, by their planned names.
    pub(super) names: BTreeMap<String, String>,
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
    let here: HashMap<_, _> = plan
        .tables
        .iter()
        .zip(&matches)
        .filter_map(|(table, found)| {
            let Match { plan, names, .. } = found.as_ref()?;
            let names = (plan.schema.clone(), plan.name.clone(), names.clone());
            Some(((table.schema.as_str(), table.name.as_str()), names))
        })
        .collect();
    for key in matches.iter_mut().flatten().flat_map(|found| &mut found.plan.foreign_keys) {
        let planned = (key.referenced_schema.as_str(), key.referenced_table.as_str());
        let Some((schema, name, columns)) = here.get(&planned) else { continue };
        rename(&mut key.referenced_columns, columns);
        (key.referenced_schema, key.referenced_table) = (schema.clone(), name.clone());
    }
    Ok(matches)
}

/// Puts the names here in place of the planned ones.
fn rename<'a>(names: impl IntoIterator<Item = &'a mut String>, here: &BTreeMap<String, String>) {
    for name in names {
        if let Some(new) = here.get(name) {
            name.clone_from(new);
        }
    }
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
    let mut here_names = BTreeMap::new();
    let mut reads = Vec::new();
    for column in &mut plan.columns {
        let exactly = columns.iter().find(|known| known.name == column.name);
        let names = [folded(&column.name), folded(&column.source)];
        let here = exactly.or_else(|| columns.iter().find(|known| names.contains(&folded(&known.name))));
        match here {
            None => missing.push(column.name.clone()),
            Some(here) => {
                here_names.insert(column.name.clone(), here.name.clone());
                column.name.clone_from(&here.name);
                if column.source_ordinal.is_some() {
                    reads.push(read_as(column, here));
                }
            }
        }
    }
    plan.primary_key.iter_mut().chain(&mut plan.unique).for_each(|key| rename(&mut key.columns, &here_names));
    plan.foreign_keys.iter_mut().for_each(|key| rename(&mut key.columns, &here_names));
    for index in &mut plan.indexes {
        rename(&mut index.included, &here_names);
        rename(index.columns.iter_mut().map(|(name, _)| name), &here_names);
    }
    let as_planned = plan.copy_columns().map(|column| quote(&column.name)).eq(reads.iter().cloned());
    Match { plan, reads: (!as_planned).then_some(reads), missing, names: here_names }
}

/// A day as PostgreSQL's patterns have it.
const DAY: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";

/// How a column is read as the planned type. A cast that would cut or round gives what differs in place of it.
fn read_as(planned: &ColumnPlan, here: &PgColumn) -> String {
    let name = quote(&here.name);
    if same_type(&here.type_text, &planned.pg_type) {
        return name;
    }
    let here_type = here.type_text.to_ascii_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| here_type.starts_with(word));
    let is_integer = is(&["smallint", "integer", "bigint"]);
    // The cast of a float rounds to 15 digits; its text has all that tell it from others.
    let by_text = if is(&["double", "real"]) { "::text" } else { "" };
    let number = format!("{name}{by_text}::numeric");
    let exactly =
        |as_number: &str, value: String| format!("(case when {as_number} = {number} then {value} end)");
    // A cast of text rounds a fraction, cuts a time of day and drops an offset without a word.
    let of_text = |pattern: &str, to: &str| {
        format!("(case when {name}::text collate \"C\" ~ '^{pattern}$' then {name}::{to} end)")
    };
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
            if is_integer {
                format!("{name}::{to}")
            } else if is(&["boolean"]) {
                format!("{name}::integer::{to}")
            } else {
                format!("{}::{to}", exactly(&format!("trunc({number})"), number.clone()))
            }
        }
        Encoder::Numeric => {
            let scale = parameter(1).unwrap_or(0);
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
        Encoder::Date => of_text(&format!("{DAY}( 00:00:00([.]0+)?)?"), "date"),
        Encoder::Timestamp if is(&["timestamp"]) && here_type.contains("with time zone") => {
            format!("({name} at time zone 'UTC')")
        }
        Encoder::Timestamp if is(&["timestamp"]) => name,
        Encoder::Timestamp if is(&["date"]) => format!("{name}::timestamp"),
        Encoder::Timestamp => {
            of_text(&format!("{DAY}([ T][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}}0*)?)?"), "timestamp")
        }
        Encoder::TimestampTz if here_type.contains("without time zone") => {
            format!("({name} at time zone 'UTC')")
        }
        Encoder::TimestampTz | Encoder::Time if is(&["timestamp", "time"]) => name,
        Encoder::Uuid => format!("{name}::uuid"),
        Encoder::Xml => format!("{name}::text::xml"),
        Encoder::Json => format!("{name}::text::json"),
        Encoder::Jsonb => format!("{name}::text::jsonb"),
        Encoder::Float8 if is_integer || is(&["numeric"]) => {
            let float = format!("{name}::double precision");
            exactly(&format!("{float}::text::numeric"), float.clone())
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

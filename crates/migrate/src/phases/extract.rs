//! Extract: the source's catalog into `catalog.json`.

use super::Context;
use super::workers::retried_once;
use crate::config::TablesConfig;
use crate::error::Error;
use mssql2pg_catalog::{Catalog, ObjectName};
use mssql2pg_sources::{Consistency, Source};
use serde_json::Value;
use wildmatch::WildMatch;

/// Reads the source's catalog and keeps it in `catalog.json`. A run that has one keeps it.
///
/// # Errors
/// When the source cannot be read, or the file cannot be written.
pub fn extract(context: Context<'_>, source: &dyn Source) -> Result<Catalog, Error> {
    if let Some(catalog) = context.run.read_json("catalog.json")? {
        if source.about().consistency == Consistency::Moving {
            check_same_schema(context, source, &catalog)?;
        }
        return Ok(catalog);
    }
    context.timed("extract", || {
        let location = source.about().location;
        let catalog = retried_once(context.interrupt, "catalog", || {
            source.catalog().map_err(Error::source(format!("cannot read the schema of {location}")))
        })?;
        context.run.write_json("catalog.json", &catalog)?;
        Ok(catalog)
    })
}

/// Reads a live source's catalog again, now that its rows are held still: identities and sequences may have moved since
/// [`extract`], and the rows with them. Once rows are loaded, what is known stays.
///
/// # Errors
/// When the source cannot be read, its schema has changed, or the file cannot be written.
pub fn refresh(context: Context<'_>, source: &dyn Source, known: Catalog) -> Result<Catalog, Error> {
    if source.about().consistency != Consistency::Moving || context.run.phase_has_begun("load")? {
        return Ok(known);
    }
    let now = check_same_schema(context, source, &known)?;
    context.run.write_json("catalog.json", &now)?;
    Ok(now)
}

/// A live source's schema may have moved since the run began: its plan would be another.
fn check_same_schema(context: Context<'_>, source: &dyn Source, known: &Catalog) -> Result<Catalog, Error> {
    let location = source.about().location;
    let now = retried_once(context.interrupt, "catalog", || {
        source.catalog().map_err(Error::source(format!("cannot read the schema of {location} again")))
    })?;
    let [known, seen] = [known, &now].map(|catalog| {
        let mut tree = serde_json::to_value(catalog).unwrap_or_default();
        forget_what_moves(&mut tree);
        tree
    });
    match first_difference("", &known, &seen) {
        None => Ok(now),
        Some(place) => Err(Error::run(
            format!("the schema of the source has changed since this run began: {place}"),
            "begin again with another run folder (--run NEW.run --if-exists replace)",
        )),
    }
}

/// Counts and last values move without the schema moving; who may do what, descriptions and the server's build are
/// nothing that rows are loaded by.
fn forget_what_moves(tree: &mut Value) {
    match tree {
        Value::Object(members) => {
            for name in [
                "estimated_rows",
                "estimated_bytes",
                "last_value",
                "current_value",
                "claimed_rows",
                "server_version",
                "principals",
                "role_memberships",
                "permissions",
                "extended_properties",
            ] {
                members.remove(name);
            }
            members.values_mut().for_each(forget_what_moves);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_what_moves),
        _ => {}
    }
}

/// Where two trees differ first, named by the objects on the way.
fn first_difference(place: &str, known: &Value, now: &Value) -> Option<String> {
    let step = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}, {name}") };
    match (known, now) {
        (Value::Object(known), Value::Object(now)) => known.iter().find_map(|(name, value)| {
            first_difference(&step(name), value, now.get(name).unwrap_or(&Value::Null))
        }),
        (Value::Array(known), Value::Array(now)) => {
            if known.len() != now.len() {
                // By names, since one more or less shifts all that follow.
                let lacks = |list: &[Value], name: &str| {
                    !list.iter().any(|item| named(item).as_deref() == Some(name))
                };
                let gone = known.iter().filter_map(named).find(|name| lacks(now, name));
                let new = now.iter().filter_map(named).find(|name| lacks(known, name));
                return Some(match (gone, new) {
                    (Some(gone), _) => step(&format!("{gone} is gone")),
                    (None, Some(new)) => step(&format!("{new} is new")),
                    (None, None) => place.to_owned(),
                });
            }
            known.iter().zip(now).find_map(|(known, now)| match (named(known), named(now)) {
                (Some(known), Some(now)) if known != now => Some(step(&format!("{known} is now {now}"))),
                (name, _) => first_difference(&name.map_or(place.to_owned(), |name| step(&name)), known, now),
            })
        }
        (known, now) => (known != now).then(|| place.to_owned()),
    }
}

/// An object's own name: text, or schema and name.
fn named(object: &Value) -> Option<String> {
    match object.get("name")? {
        Value::String(name) => Some(name.clone()),
        Value::Object(parts) => {
            Some(format!("{}.{}", parts.get("schema")?.as_str()?, parts.get("name")?.as_str()?))
        }
        _ => None,
    }
}

/// The catalog with only the tables that the settings select, and the names of the others.
/// Patterns match `schema.table` without regard to case.
///
/// # Errors
/// When a pattern matches no table: it is misspelled, and more or less would be migrated than is meant.
pub fn selected(mut catalog: Catalog, tables: &TablesConfig) -> Result<(Catalog, Vec<ObjectName>), Error> {
    let names: Vec<String> = catalog.tables.iter().map(|table| table.name.to_string()).collect();
    for (key, pattern) in tables
        .include
        .iter()
        .map(|p| ("tables.include", p))
        .chain(tables.exclude.iter().map(|p| ("tables.exclude", p)))
    {
        let compiled = WildMatch::new_case_insensitive(pattern);
        if !names.iter().any(|name| compiled.matches(name)) {
            let nearest = crate::config::nearest(pattern, names.iter().map(String::as_str));
            return Err(Error::config(
                format!("the pattern {pattern} of {key} matches no table"),
                format!("patterns match schema.table with * and ?; the nearest table is {nearest}"),
            ));
        }
    }
    let compile = |patterns: &[String]| -> Vec<WildMatch> {
        patterns.iter().map(|pattern| WildMatch::new_case_insensitive(pattern)).collect()
    };
    let (include, exclude) = (compile(&tables.include), compile(&tables.exclude));
    let wanted = |name: &ObjectName| {
        let name = name.to_string();
        (include.is_empty() || include.iter().any(|pattern| pattern.matches(&name)))
            && !exclude.iter().any(|pattern| pattern.matches(&name))
    };
    let left_out =
        catalog.tables.iter().filter(|table| !wanted(&table.name)).map(|table| table.name.clone()).collect();
    catalog.tables.retain(|table| wanted(&table.name));
    Ok((catalog, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Column, SqlType, Table};

    #[test]
    fn patterns_select_tables() {
        let check = |include: &[&str], exclude: &[&str], expected: &[&str]| {
            let tables = ["dbo.Orders", "dbo.OrderLines", "Sales.Orders"].map(|name| {
                let (schema, name) = name.split_once('.').unwrap();
                Table { name: ObjectName::new(schema, name), ..Table::default() }
            });
            let catalog = Catalog { tables: tables.to_vec(), ..Catalog::default() };
            let own = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            let settings = TablesConfig { include: own(include), exclude: own(exclude) };
            let (catalog, left_out) = selected(catalog, &settings).unwrap();
            let names: Vec<String> = catalog.tables.iter().map(|table| table.name.to_string()).collect();
            assert_eq!(names, expected);
            assert_eq!(names.len() + left_out.len(), 3);
        };
        check(&[], &[], &["dbo.Orders", "dbo.OrderLines", "Sales.Orders"]);
        check(&["dbo.*"], &[], &["dbo.Orders", "dbo.OrderLines"]);
        check(&["*.orders"], &["sales.*"], &["dbo.Orders"]);
        check(&[], &["*.Order?ines"], &["dbo.Orders", "Sales.Orders"]);
    }

    #[test]
    fn a_schema_that_moved_is_named() {
        let tree = |change: &dyn Fn(&mut Catalog)| {
            let column = Column::new("Total", SqlType::Int);
            let name = ObjectName::new("dbo", "Orders");
            let table = Table { name, columns: vec![column], estimated_rows: Some(7), ..Table::default() };
            let mut catalog = Catalog { tables: vec![table], ..Catalog::default() };
            change(&mut catalog);
            let mut tree = serde_json::to_value(catalog).unwrap();
            forget_what_moves(&mut tree);
            tree
        };
        let check = |change: &dyn Fn(&mut Catalog), expected: Option<&str>| {
            assert_eq!(first_difference("", &tree(&|_| {}), &tree(change)).as_deref(), expected);
        };
        check(&|catalog| catalog.tables[0].estimated_rows = Some(8), None);
        check(
            &|catalog| catalog.tables[0].columns[0].sql_type = SqlType::BigInt,
            Some("tables, dbo.Orders, columns, Total, sql_type, type"),
        );
        check(
            &|catalog| catalog.tables[0].columns.push(Column::new("New", SqlType::Int)),
            Some("tables, dbo.Orders, columns, New is new"),
        );
        check(&|catalog| catalog.tables.clear(), Some("tables, dbo.Orders is gone"));
        check(
            &|catalog| catalog.tables[0].name.name = "Order".to_owned(),
            Some("tables, dbo.Orders is now dbo.Order"),
        );
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_an_error() {
        let table = Table { name: ObjectName::new("dbo", "Orders"), ..Table::default() };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let settings = TablesConfig { include: vec!["dbo.Ordres".to_owned()], exclude: Vec::new() };
        let error = selected(catalog, &settings).unwrap_err();
        assert!(error.hint().unwrap().contains("dbo.Orders"));
    }
}

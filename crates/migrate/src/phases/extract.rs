//! Extract: the source's catalog into `catalog.json`.

use super::Context;
use crate::config::TablesConfig;
use crate::error::Error;
use mssql2pg_catalog::{Catalog, ObjectName};
use mssql2pg_sources::Source;
use wildmatch::WildMatch;

/// Reads the source's catalog and keeps it in `catalog.json`. A run that has one keeps it.
///
/// # Errors
/// When the source cannot be read, or the file cannot be written.
pub fn extract(context: Context<'_>, source: &dyn Source) -> Result<Catalog, Error> {
    if let Some(catalog) = context.run.read_json("catalog.json")? {
        return Ok(catalog);
    }
    context.timed("extract", || {
        let location = source.about().location;
        let catalog =
            source.catalog().map_err(Error::source(format!("cannot read the schema of {location}")))?;
        context.run.write_json("catalog.json", &catalog)?;
        Ok(catalog)
    })
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
    use mssql2pg_catalog::Table;

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
    fn a_pattern_that_matches_nothing_is_an_error() {
        let table = Table { name: ObjectName::new("dbo", "Orders"), ..Table::default() };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let settings = TablesConfig { include: vec!["dbo.Ordres".to_owned()], exclude: Vec::new() };
        let error = selected(catalog, &settings).unwrap_err();
        assert!(error.hint().unwrap().contains("dbo.Orders"));
    }
}

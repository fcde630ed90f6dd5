//! `inspect`: what is in a source, without touching anything.

use super::migrate::open_source;
use super::source_location;
use crate::args::{Common, Inspect};
use crate::output::{self, Failure, count, counted};
use crate::{INTERRUPT, Outcome};
use mssql2pg_catalog::{Catalog, CodeKind, RowSink, Stop, Table, Value};
use mssql2pg_migrate::Error;
use mssql2pg_migrate::config::Flags;
use mssql2pg_sources::{Source, SourceInfo};
use std::collections::BTreeMap;

/// Up to this many bytes, counting the rows takes a few seconds at most.
const COUNTED_BYTES: u64 = 1 << 30;

/// `mssql2pg inspect`.
pub(crate) fn run(inspect: &Inspect, common: &Common) -> Result<Outcome, Failure> {
    let mut flags = Flags::default();
    flags.settings.extend(inspect.source.iter().map(|source| ("source.url", source.clone().into())));
    let config = common.config(flags)?;
    let location = source_location(&config)?;
    let source = open_source(location)?;
    // The location as given may hold a password.
    let shown = source.about().location;
    let catalog = source.catalog().map_err(Error::source(format!("cannot read the schema of {shown}")))?;
    let bytes: u64 = catalog.tables.iter().filter_map(|table| table.estimated_bytes).sum();
    let rows = match inspect.count || bytes <= COUNTED_BYTES {
        true => Some(count_rows(source.as_ref(), &catalog)?),
        false => None,
    };
    if rows.is_none() {
        output::note("rows are not counted in a source of this size without --count");
    }
    if common.json {
        output::json(&serde_json::json!({ "source": source.about(), "catalog": catalog, "rows": rows }));
    } else {
        output::data(&describe(&source.about(), &catalog, rows.as_ref()));
    }
    Ok(Outcome::Done)
}

/// Counts rows and nothing else.
struct Counting(u64);

impl RowSink for Counting {
    fn value(&mut self, _value: Value<'_>) {}

    fn end_row(&mut self) -> Result<(), Stop> {
        self.0 += 1;
        if self.0.is_multiple_of(65_536) && INTERRUPT.is_set() { Err(Stop) } else { Ok(()) }
    }
}

fn count_rows(source: &dyn Source, catalog: &Catalog) -> Result<BTreeMap<String, u64>, Error> {
    let mut rows = BTreeMap::new();
    for table in &catalog.tables {
        let name = table.name.to_string();
        let failed = || Error::source(format!("cannot count {}", table.name));
        let mut counting = Counting(0);
        for split in source.splits(table, u64::MAX).map_err(failed())? {
            source.read(table, &split, &mut counting).map_err(failed())?;
            if INTERRUPT.is_set() {
                return Err(Error::Interrupted);
            }
        }
        rows.insert(name, counting.0);
    }
    Ok(rows)
}

fn describe(info: &SourceInfo, catalog: &Catalog, rows: Option<&BTreeMap<String, u64>>) -> String {
    let database = &catalog.database;
    let mut text =
        format!("{} ({})\n", if database.name.is_empty() { "database" } else { &database.name }, info.kind);
    let facts = [
        ("written by", database.server_version.clone()),
        ("collation", database.collation.clone()),
        ("compatibility", database.compatibility_level.map(|level| level.to_string())),
        ("rows claimed", database.claimed_rows.map(count)),
        ("schemas", (!catalog.schemas.is_empty()).then(|| catalog.schemas.join(", "))),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            text.push_str(&format!("  {name:<14}{value}\n"));
        }
    }
    text.push('\n');
    let table_rows = catalog.tables.iter().map(|table| table_row(table, rows)).collect();
    let header = ["table", "columns", "rows", "bytes", "key", "foreign keys", "indexes"];
    text.push_str(&output::table(&header, &[1, 2, 3, 5, 6], table_rows));
    text.push('\n');
    let mut kinds: BTreeMap<CodeKind, u64> = BTreeMap::new();
    for object in &catalog.code {
        *kinds.entry(object.kind).or_default() += 1;
    }
    let mut others: Vec<String> = kinds.iter().map(|(kind, number)| counted(*number, kind.label())).collect();
    for (number, noun) in [
        (catalog.alias_types.len(), "alias type"),
        (catalog.sequences.len(), "sequence"),
        (catalog.synonyms.len(), "synonym"),
        (catalog.principals.len(), "principal"),
        (catalog.permissions.len(), "permission"),
        (catalog.other.len(), "other object"),
    ] {
        if number > 0 {
            others.push(counted(number as u64, noun));
        }
    }
    if !others.is_empty() {
        text.push_str(&format!("and {}\n", others.join(", ")));
    }
    text
}

fn table_row(table: &Table, rows: Option<&BTreeMap<String, u64>>) -> Vec<String> {
    let name = table.name.to_string();
    let counted_rows = rows.and_then(|rows| rows.get(&name).copied()).or(table.estimated_rows);
    let key = table.primary_key.as_ref().map_or("–".to_owned(), |key| {
        key.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    });
    vec![
        name,
        count(table.columns.len() as u64),
        counted_rows.map_or("–".to_owned(), count),
        table.estimated_bytes.map_or("–".to_owned(), count),
        key,
        count(table.foreign_keys.len() as u64),
        count((table.indexes.len() + table.unique.len()) as u64),
    ]
}

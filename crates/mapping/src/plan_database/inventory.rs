//! What is not carried over, and what the user must hear of the database as a whole.

use super::{Draft, Notes};
use crate::code::Family;
use mssql2pg_catalog::{Catalog, CodeKind, Finding, Severity};

/// Facts about tables (`Table::traits`): the trait, the finding's code, the message, the advice.
static TRAITS: &[(&str, &str, &str, &str)] = &[
    (
        "system-versioned",
        "system-versioned",
        "SQL Server keeps the history of its rows; PostgreSQL keeps none by itself",
        "write triggers that keep a history if it must go on; the rows there are, history included, are carried over",
    ),
    (
        "history-table",
        "history-table",
        "it is the history of a system-versioned table; its rows are carried over, nothing adds to it any more",
        "write triggers that keep the history if it must go on",
    ),
    (
        "memory-optimized",
        "memory-optimized",
        "it is kept in memory in SQL Server; here it is an ordinary table",
        "nothing, unless its latency matters; then measure",
    ),
    (
        "partitioned",
        "partitioned",
        "it is partitioned in SQL Server; here it is one table",
        "partition it by hand before the load if it is large",
    ),
    (
        "column-set",
        "column-set",
        "its sparse columns have an XML column set, which PostgreSQL does not know",
        "change code that reads the column set; the columns themselves are carried over",
    ),
    (
        "external",
        "external-table",
        "its rows are not in this database",
        "migrate the place where its rows are, or use a foreign data wrapper",
    ),
    (
        "graph-node",
        "graph-table",
        "it is a node table of a graph; its hidden columns are ordinary ones here",
        "rewrite MATCH queries as joins",
    ),
    (
        "graph-edge",
        "graph-table",
        "it is an edge table of a graph; its hidden columns are ordinary ones here",
        "rewrite MATCH queries as joins",
    ),
];

/// Findings about each table.
pub(super) fn note_tables(drafts: &[Draft<'_>], notes: &mut Notes) {
    for draft in drafts {
        let table = draft.source;
        if table.primary_key.is_none() {
            notes.findings.push(Finding::new(
                "no-primary-key",
                Severity::Info,
                table.name.to_string(),
                "it has no primary key",
                "add one if it should be replicated; without it, reports name its rows by their place",
            ));
        }
        for property in &table.traits {
            let known = TRAITS.iter().find(|(name, ..)| name == property);
            let (code, message, advice) = match known {
                Some((_, code, message, advice)) => (*code, (*message).to_owned(), *advice),
                None => {
                    ("table-trait", format!("it is marked {property}"), "look whether anything relies on it")
                }
            };
            notes.findings.push(Finding::new(code, Severity::Info, table.name.to_string(), message, advice));
        }
    }
}

/// Findings about the database, and the objects that are only listed.
pub(super) fn note_database(catalog: &Catalog, notes: &mut Notes) {
    note_collation(catalog, notes);
    note_principals(catalog, notes);
    note_properties(catalog, notes);
    for code in &catalog.code {
        let reason = match (&code.missing_text, code.kind) {
            (Some(missing), _) => format!("the source does not tell its text: {missing}"),
            (None, CodeKind::TableType) => "PostgreSQL has no table types".to_owned(),
            (None, _) => "T-SQL code is not converted yet; its text is kept for hand work".to_owned(),
        };
        let text = Some(code.text.as_str()).filter(|text| !text.is_empty());
        notes.leave_out(code.kind.label(), code.name.to_string(), reason, text);
    }
    for synonym in &catalog.synonyms {
        let reason = "PostgreSQL has no synonyms; use a view or the search path";
        notes.leave_out("synonym", synonym.name.to_string(), reason, Some(&synonym.target));
    }
    for other in &catalog.other {
        notes.leave_out(&other.kind, other.name.as_str(), "objects of this kind are not carried over", None);
    }
}

fn is_case_insensitive(collation: &str) -> bool {
    collation.to_ascii_uppercase().contains("_CI")
}

/// Once per database, with the number of columns.
fn note_collation(catalog: &Catalog, notes: &mut Notes) {
    let default = catalog.database.collation.as_deref();
    let text_columns = catalog.tables.iter().flat_map(|table| &table.columns);
    let count = text_columns
        .filter(|column| Family::of_sql_type(&column.sql_type) == Family::Text)
        .filter(|column| column.collation.as_deref().or(default).is_some_and(is_case_insensitive))
        .count();
    if count == 0 && !default.is_some_and(is_case_insensitive) {
        return;
    }
    let name = default.filter(|name| is_case_insensitive(name)).unwrap_or("of single columns");
    let object = if catalog.database.name.is_empty() { "database" } else { &catalog.database.name };
    let mut finding = Finding::new(
        "case-insensitive-collation",
        Severity::Warning,
        object,
        format!(
            "the collation {name} compares text without regard to case; PostgreSQL compares with it, in keys, checks and queries"
        ),
        "look at queries that compare text; use lower(), citext or a nondeterministic ICU collation where case must not matter",
    );
    finding.count = u64::try_from(count).ok();
    notes.findings.push(finding);
}

/// A number and its noun: `1 key`, `2 keys`. The noun is one that takes an `s`.
fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn note_principals(catalog: &Catalog, notes: &mut Notes) {
    let (principals, members, permissions) =
        (catalog.principals.len(), catalog.role_memberships.len(), catalog.permissions.len());
    if principals + members + permissions == 0 {
        return;
    }
    notes.findings.push(Finding::new(
        "principals",
        Severity::Info,
        "database",
        format!(
            "{principals} {}, {} and {}: listed, not created",
            if principals == 1 { "user or role" } else { "users and roles" },
            counted(members, "membership"),
            counted(permissions, "permission")
        ),
        "create roles and grants in PostgreSQL by hand; the catalog file has the list",
    ));
}

fn note_properties(catalog: &Catalog, notes: &mut Notes) {
    let is_description = |name: &str| name.eq_ignore_ascii_case("MS_Description");
    let of_tables = catalog.tables.iter().flat_map(|table| &table.extended_properties);
    let count = of_tables.filter(|property| !is_description(&property.name)).count()
        + catalog.extended_properties.len();
    if count == 0 {
        return;
    }
    let mut finding = Finding::new(
        "extended-properties",
        Severity::Info,
        "database",
        "only the descriptions of tables and columns are carried over, as comments",
        "the catalog file has the others; write them as comments by hand where they matter",
    );
    finding.count = u64::try_from(count).ok();
    notes.findings.push(finding);
}

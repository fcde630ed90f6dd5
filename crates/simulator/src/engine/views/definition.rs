//! How a view is defined: its name, its columns with their types, and since which version each is there.
//!
//! Columns are written as `name:type`, with a `?` behind the type of a column that may be NULL, and with `2016/` before
//! the name of a column that came with SQL Server 2016. The order is the server's own.
//!
//! Source: the pages of the views on Microsoft Learn. To extend: a [`View`] in the file of its family.

use super::cell::Cell;
use super::convert::{Family, family};
use super::types::parse_type;
use mssql2pg_catalog::SqlType;

/// Which rows of a view a login sees that has no `VIEW DEFINITION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// All.
    Open,
    /// Those of objects on which it has some permission; the column has the object's number.
    Object(&'static str),
    /// None.
    Hidden,
}

/// A view of the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Its name with its schema, for example `sys.tables`.
    pub(super) name: &'static str,
    /// The major version of the first server that has it.
    pub(super) since: u16,
    /// Its columns, in groups that are shared with other views.
    pub(super) columns: &'static [&'static str],
    /// What a login without `VIEW DEFINITION` sees.
    pub(super) guard: Guard,
    /// Whether it is a function without arguments.
    pub(super) is_function: bool,
}

impl View {
    /// A view that everybody sees, in all versions.
    pub(super) const fn open(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, since: 11, columns, guard: Guard::Open, is_function: false }
    }

    /// A view whose rows belong to the objects in that column.
    pub(super) const fn of_object(
        name: &'static str,
        column: &'static str,
        columns: &'static [&'static str],
    ) -> Self {
        Self { guard: Guard::Object(column), ..Self::open(name, columns) }
    }

    /// A view that is empty without `VIEW DEFINITION`.
    pub(super) const fn hidden(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { guard: Guard::Hidden, ..Self::open(name, columns) }
    }

    /// The same, but not before that version.
    pub(super) const fn since(self, since: u16) -> Self {
        Self { since, ..self }
    }
}

/// A view as a server of one version has it.
#[derive(Debug, Clone)]
pub(super) struct OpenView {
    pub(super) view: &'static View,
    pub(super) columns: Vec<ViewColumn>,
}

/// A column of a view.
#[derive(Debug, Clone)]
pub(super) struct ViewColumn {
    pub(super) name: &'static str,
    pub(super) sql_type: SqlType,
    pub(super) nullable: bool,
    /// Whether the type was written as `sysname`.
    pub(super) is_sysname: bool,
}

impl ViewColumn {
    /// What stands in it when nobody says otherwise: NULL, or nothing of its type.
    pub(super) fn default(&self) -> Cell {
        match family(&self.sql_type) {
            _ if self.nullable => Cell::Null,
            Family::Text => self.padded(Cell::Text(String::new())),
            Family::Binary | Family::Guid | Family::Variant => Cell::Blob(Vec::new()),
            _ => Cell::Integer(0),
        }
    }

    /// Text of a `char` column with the blanks at its end.
    pub(super) fn padded(&self, cell: Cell) -> Cell {
        match (&self.sql_type, cell) {
            (SqlType::Char { length } | SqlType::NChar { length }, Cell::Text(text)) => {
                Cell::Text(format!("{text:length$}", length = usize::from(*length)))
            }
            (_, cell) => cell,
        }
    }
}

/// The view as the server of that version has it; none before its time.
pub(super) fn at_version(view: &'static View, version: u16) -> Option<OpenView> {
    if view.since > version {
        return None;
    }
    let words = view.columns.iter().flat_map(|group| group.split_whitespace());
    Some(OpenView { view, columns: words.filter_map(|word| column(word, version)).collect() })
}

fn column(word: &'static str, version: u16) -> Option<ViewColumn> {
    let (since, word) = match word.split_once('/') {
        Some((year, rest)) => (major_of_year(year), rest),
        None => (11, word),
    };
    if since > version {
        return None;
    }
    let (name, type_name) = word.split_once(':')?;
    let (type_name, nullable) = match type_name.strip_suffix('?') {
        Some(type_name) => (type_name, true),
        None => (type_name, false),
    };
    let is_sysname = type_name == "sysname";
    Some(ViewColumn { name, sql_type: parse_type(type_name)?, nullable, is_sysname })
}

fn major_of_year(year: &str) -> u16 {
    match year {
        "2014" => 12,
        "2016" => 13,
        "2017" => 14,
        "2019" => 15,
        "2022" => 16,
        _ => 17,
    }
}

/// The version whose views a server has: its own, or, in Azure, where the number has stood still, the newest.
pub(super) fn view_version(product_version: &str, engine_edition: i32) -> u16 {
    const AZURE: [i32; 3] = [AZURE_SQL_DATABASE, 8, 12];
    if AZURE.contains(&engine_edition) {
        return 17;
    }
    product_version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(16)
}

/// The engine edition of Azure SQL Database.
pub(super) const AZURE_SQL_DATABASE: i32 = 5;

/// Whether Azure SQL Database has the view: what belongs to an instance is not there.
pub(super) fn is_in_azure(view: &View) -> bool {
    const INSTANCE: &[&str] = &[
        "sys.assembly_files",
        "sys.configurations",
        "sys.conversation_priorities",
        "sys.dm_hadr_database_replica_states",
        "sys.event_notifications",
        "sys.master_files",
        "sys.remote_service_bindings",
        "sys.routes",
        "sys.server_principals",
        "sys.server_role_members",
        "sys.service_contracts",
        "sys.service_message_types",
        "sys.service_queues",
        "sys.services",
    ];
    !INSTANCE.contains(&view.name)
}

#[cfg(test)]
mod tests {
    use super::super::families;
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_column_of_every_view_is_well_formed_and_named_once() {
        let mut views = HashSet::new();
        for view in families() {
            assert!(views.insert(view.name), "{} is defined twice", view.name);
            let words: Vec<_> = view.columns.iter().flat_map(|group| group.split_whitespace()).collect();
            let open = at_version(view, 99).unwrap();
            assert_eq!(words.len(), open.columns.len(), "{} has a column that does not read", view.name);
            let names: HashSet<_> = open.columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), words.len(), "{} has a column twice", view.name);
            if let Guard::Object(column) = view.guard {
                assert!(names.contains(column), "{} is guarded by a column it has", view.name);
            }
        }
    }

    #[test]
    fn the_column_lists_have_the_servers_lengths() {
        let check = |name: &str, version: u16, expected: usize| {
            let view = families().find(|view| view.name == name).unwrap();
            assert_eq!(at_version(view, version).unwrap().columns.len(), expected, "{name} in {version}");
        };
        check("sys.objects", 11, 12);
        check("sys.schemas", 11, 3);
        check("sys.tables", 11, 28);
        check("sys.tables", 12, 31);
        check("sys.tables", 13, 36);
        check("sys.tables", 14, 41);
        check("sys.columns", 11, 25);
        check("sys.columns", 13, 34);
        check("sys.columns", 14, 36);
        check("sys.types", 11, 15);
        check("sys.foreign_keys", 11, 22);
        check("sys.index_columns", 11, 8);
        check("sys.extended_properties", 11, 6);
        check("sys.partitions", 11, 9);
        check("sys.database_permissions", 11, 10);
    }
}

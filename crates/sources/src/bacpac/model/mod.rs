//! `model.xml` to [`Catalog`] (formats.md §1.2).
//!
//! Invariant: nothing that the model names is dropped without a trace. What the catalog has no room for is
//! counted and named in [`Catalog::other`]; what contradicts itself is an error that names it. Property values of
//! unknown elements are never kept: some of them are secrets (`SqlLogin`, `SqlMasterKey`).
//!
//! To extend: a new kind of element is one line in [`Builder::take`] and a function in the file of its subject.

mod code;
mod constraints;
mod grammar;
mod inventory;
mod origin;
mod tables;
mod types;

pub(super) use origin::{Origin, RELATIONSHIPS, read_metadata_name, read_named_parts, read_origin};

use crate::SourceError;
use grammar::{Element, damaged, last_part, name_parts, read_elements};
use mssql2pg_catalog::{
    CATALOG_FORMAT, Catalog, CheckConstraint, CodeKind, DefaultValue, ExtendedProperty, ForeignKey, Index,
    Key, ObjectName, OtherObject, Table,
};
use std::collections::{HashMap, HashSet};
use types::Aliases;

/// Reads a whole model.
///
/// # Errors
/// `Damaged` when it is no model, or refers to tables or columns that it does not have.
pub(super) fn read_model(text: &str) -> Result<Catalog, SourceError> {
    let mut builder =
        Builder { catalog: Catalog { format: CATALOG_FORMAT, ..Catalog::default() }, ..Builder::default() };
    // Columns need the alias types, which may stand after them.
    read_elements(
        text,
        |kind| kind == "SqlUserDefinedDataType",
        |element| {
            let alias = builder.aliases.declare(&element)?;
            builder.catalog.alias_types.push(alias);
            Ok(())
        },
    )?;
    let root = read_elements(text, |kind| kind != "SqlUserDefinedDataType", |element| builder.take(element))?;
    let database = &mut builder.catalog.database;
    if database.compatibility_level.is_none() {
        database.compatibility_level = inventory::compatibility_level(&root);
    }
    builder.finish()
}

/// The catalog while it grows. Constraints wait until all tables are known.
#[derive(Debug, Default)]
struct Builder {
    catalog: Catalog,
    aliases: Aliases,
    tables: HashMap<ObjectName, usize>,
    pending: Vec<Pending>,
    properties: Vec<inventory::Described>,
    history_tables: HashSet<ObjectName>,
}

/// Something that hangs on a table.
#[derive(Debug)]
struct Pending {
    owner: ObjectName,
    kind: String,
    label: String,
    what: Attachment,
}

#[derive(Debug)]
enum Attachment {
    PrimaryKey(Key),
    Unique(Key),
    ForeignKey(ForeignKey),
    Check(CheckConstraint),
    Default { column: String, value: DefaultValue },
    Index(Index),
}

impl Builder {
    fn take(&mut self, element: Element) -> Result<(), SourceError> {
        match element.kind.as_str() {
            "SqlDatabaseOptions" => inventory::database_options(&element, &mut self.catalog)?,
            "SqlSchema" => self.catalog.schemas.push(last_part(element.label())),
            "SqlTable" => self.take_table(&element)?,
            "SqlPrimaryKeyConstraint" => {
                let key = constraints::key(&element, element.flag_unless_false("IsClustered"))?;
                self.wait(&element, "DefiningTable", Attachment::PrimaryKey(key))?;
            }
            "SqlUniqueConstraint" => {
                let key = constraints::key(&element, element.flag("IsClustered"))?;
                self.wait(&element, "DefiningTable", Attachment::Unique(key))?;
            }
            "SqlForeignKeyConstraint" => {
                let foreign_key = constraints::foreign_key(&element)?;
                self.wait(&element, "DefiningTable", Attachment::ForeignKey(foreign_key))?;
            }
            "SqlCheckConstraint" => {
                let check = constraints::check_constraint(&element)?;
                self.wait(&element, "DefiningTable", Attachment::Check(check))?;
            }
            "SqlDefaultConstraint" => {
                let (column, value) = constraints::default_value(&element)?;
                self.wait(&element, "DefiningTable", Attachment::Default { column, value })?;
            }
            kind if constraints::index_kind(kind).is_some() => {
                let index = constraints::index(&element)?;
                self.wait(&element, "IndexedObject", Attachment::Index(index))?;
            }
            kind if code::code_kind(kind).is_some() => {
                self.catalog.code.push(code::code_object(&element, &self.aliases)?);
            }
            "SqlSequence" => self.catalog.sequences.push(inventory::sequence(&element, &self.aliases)?),
            "SqlSynonym" => self.catalog.synonyms.push(inventory::synonym(&element)?),
            "SqlExtendedProperty" => self.properties.push(inventory::extended_property(&element)),
            "SqlPermissionStatement" => self.catalog.permissions.push(inventory::permission(&element)),
            "SqlRoleMembership" => self.catalog.role_memberships.push(inventory::role_membership(&element)),
            kind => match inventory::principal_kind(kind) {
                Some(kind) => self.catalog.principals.push(inventory::principal(&element, kind)),
                None => self.take_other(&element),
            },
        }
        Ok(())
    }

    fn take_table(&mut self, element: &Element) -> Result<(), SourceError> {
        let table = tables::table(element, &self.aliases)?;
        self.history_tables
            .extend(element.references("TemporalSystemVersioningHistoryTable").map(object_name));
        if self.tables.insert(table.name.clone(), self.catalog.tables.len()).is_some() {
            return Err(element.damaged("there are two tables of that name"));
        }
        self.catalog.tables.push(table);
        Ok(())
    }

    fn take_other(&mut self, element: &Element) {
        let name = name_parts(element.name.as_deref().unwrap_or_default()).join(".");
        self.catalog.other.push(OtherObject { kind: element.kind.clone(), name });
    }

    fn wait(&mut self, element: &Element, relationship: &str, what: Attachment) -> Result<(), SourceError> {
        let owner = element
            .reference(relationship)
            .map(object_name)
            .ok_or_else(|| element.damaged(&format!("it has no {relationship}")))?;
        let label = element.label().to_owned();
        self.pending.push(Pending { owner, kind: element.kind.clone(), label, what });
        Ok(())
    }

    fn finish(mut self) -> Result<Catalog, SourceError> {
        for pending in std::mem::take(&mut self.pending) {
            self.attach(pending)?;
        }
        for name in &self.history_tables {
            if let Some(&at) = self.tables.get(name) {
                self.catalog.tables[at].traits.push("history-table".to_owned());
            }
        }
        for described in std::mem::take(&mut self.properties) {
            self.describe(described);
        }
        Ok(self.catalog)
    }

    fn attach(&mut self, pending: Pending) -> Result<(), SourceError> {
        let Pending { owner, kind, label, what } = pending;
        let Some(&at) = self.tables.get(&owner) else {
            let is_view = |code: &mssql2pg_catalog::CodeObject| {
                matches!(code.kind, CodeKind::View | CodeKind::TableType | CodeKind::TableFunction)
                    && code.name == owner
            };
            if self.catalog.code.iter().any(is_view) {
                let name = name_parts(&label).join(".");
                self.catalog.other.push(OtherObject { kind: format!("{kind} on a view"), name });
                return Ok(());
            }
            return Err(damaged(&format!(
                "{kind} {label} belongs to {owner}, which the model does not have"
            )));
        };
        let missing = |column: &str| {
            damaged(&format!("{kind} {label} names the column {column}, which {owner} does not have"))
        };
        if let Attachment::ForeignKey(key) = &what {
            self.check_foreign_key(key).map_err(|what| damaged(&format!("{kind} {label} {what}")))?;
        }
        let table = &mut self.catalog.tables[at];
        let lacks = |table: &Table, name: &str| table.column(name).is_none();
        match what {
            Attachment::PrimaryKey(key) | Attachment::Unique(key)
                if key.columns.iter().any(|column| lacks(table, &column.name)) =>
            {
                let names = key.columns.iter().map(|column| &column.name);
                return Err(missing(
                    names.into_iter().find(|name| lacks(table, name)).map_or("", |name| name),
                ));
            }
            Attachment::PrimaryKey(key) => table.primary_key = Some(key),
            Attachment::Unique(key) => table.unique.push(key),
            Attachment::ForeignKey(key) => match key.columns.iter().find(|name| lacks(table, name)) {
                Some(name) => return Err(missing(name)),
                None => table.foreign_keys.push(key),
            },
            Attachment::Check(check) => table.checks.push(check),
            Attachment::Default { column, value } => {
                let found = table.columns.iter_mut().find(|found| found.name == column);
                found.ok_or_else(|| missing(&column))?.default = Some(value);
            }
            // Graph tables index pseudo-columns such as $node_id; they are no columns of the model.
            Attachment::Index(index) if index.columns.iter().any(|column| lacks(table, &column.name)) => {
                let name = name_parts(&label).join(".");
                self.catalog.other.push(OtherObject { kind: format!("{kind} on pseudo-columns"), name });
            }
            Attachment::Index(index) => table.indexes.push(index),
        }
        Ok(())
    }

    fn check_foreign_key(&self, key: &ForeignKey) -> Result<(), String> {
        let Some(&at) = self.tables.get(&key.referenced_table) else {
            return Err(format!("refers to {}, which the model does not have", key.referenced_table));
        };
        if key.columns.is_empty() || key.columns.len() != key.referenced_columns.len() {
            return Err("has not as many columns on both sides".to_owned());
        }
        let referenced = &self.catalog.tables[at];
        match key.referenced_columns.iter().find(|name| referenced.column(name).is_none()) {
            Some(name) => {
                Err(format!("refers to the column {name}, which {} does not have", referenced.name))
            }
            None => Ok(()),
        }
    }

    fn describe(&mut self, described: inventory::Described) {
        let inventory::Described { class, host, name, value } = described;
        let object = host.join(".");
        let on_table = match (class.as_str(), &host[..]) {
            ("SqlTableBase", [schema, table]) => Some((ObjectName::new(schema, table), None)),
            ("SqlColumn", [schema, table, column]) => {
                Some((ObjectName::new(schema, table), Some(column.clone())))
            }
            _ => None,
        };
        let place = on_table.and_then(|(table, column)| Some((*self.tables.get(&table)?, column)));
        match place {
            Some((at, column)) => self.catalog.tables[at].extended_properties.push(ExtendedProperty {
                object,
                column,
                name,
                value,
            }),
            None => {
                self.catalog.extended_properties.push(ExtendedProperty { object, column: None, name, value })
            }
        }
    }
}

/// The first two parts of a bracketed name; objects without a schema (database triggers) have an empty one.
fn object_name(bracketed: &str) -> ObjectName {
    let mut parts = name_parts(bracketed).into_iter();
    match (parts.next(), parts.next()) {
        (Some(schema), Some(name)) => ObjectName { schema, name },
        (Some(name), None) => ObjectName::new("", name),
        (None, _) => ObjectName::default(),
    }
}

#[cfg(test)]
mod tests;

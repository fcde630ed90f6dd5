//! Short ways to say tables, columns and keys, so that a table definition reads like `CREATE TABLE`.
//!
//! Invariant: nothing here knows the shop; everything gives plain [`mssql2pg_catalog`] data.

use mssql2pg_catalog::{
    CheckConstraint, Column, Computed, DefaultValue, ExtendedProperty, ForeignKey, Identity, Index,
    IndexColumn, IndexKind, Key, Length, ObjectName, ReferentialAction, SqlType, Table,
};

/// How an identity column counts; row numbers begin at 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identities {
    pub(crate) seed: i64,
    pub(crate) increment: i64,
}

impl Identities {
    /// `IDENTITY(1,1)`.
    pub(crate) const ONE: Self = Self { seed: 1, increment: 1 };

    /// The value of a row. The sizes of a shop are bounded so that this stays in range.
    pub(crate) fn value(self, row: u64) -> i64 {
        self.seed + self.increment * i64::try_from(row).unwrap_or(i64::MAX)
    }

    /// The last value given out to `rows` rows.
    pub(crate) fn last(self, rows: u64) -> Option<i64> {
        rows.checked_sub(1).map(|row| self.value(row))
    }

    /// `Name int not null identity(seed, increment)`.
    pub(crate) fn column(self, name: &str, sql_type: SqlType, rows: u64) -> Column {
        let identity = Identity {
            seed: i128::from(self.seed),
            increment: i128::from(self.increment),
            last_value: self.last(rows).map(i128::from),
        };
        Column { identity: Some(identity), ..required(name, sql_type) }
    }
}

/// A column that takes no NULL.
pub(crate) fn required(name: &str, sql_type: SqlType) -> Column {
    Column { nullable: false, ..Column::new(name, sql_type) }
}

/// A column that takes NULL.
pub(crate) fn optional(name: &str, sql_type: SqlType) -> Column {
    Column::new(name, sql_type)
}

/// The column with a default.
pub(crate) fn with_default(column: Column, constraint: &str, text: &str) -> Column {
    let default = DefaultValue { name: Some(constraint.to_owned()), text: text.to_owned() };
    Column { default: Some(default), ..column }
}

/// The column, declared with an alias type.
pub(crate) fn with_alias(column: Column, schema: &str, name: &str) -> Column {
    Column { alias: Some(ObjectName::new(schema, name)), ..column }
}

/// `rowguid uniqueidentifier not null rowguidcol default newid()`.
pub(crate) fn rowguid(constraint: &str) -> Column {
    let column = with_default(required("rowguid", SqlType::UniqueIdentifier), constraint, "(newid())");
    Column { rowguid: true, ..column }
}

/// A computed column that is not persisted; a `.bacpac` does not tell its type.
pub(crate) fn computed(name: &str, text: &str) -> Column {
    let computed = Computed { text: text.to_owned(), persisted: false };
    Column {
        computed: Some(computed),
        ..Column::new(name, SqlType::Unknown { name: String::from("unknown") })
    }
}

/// A table with nothing but columns and a primary key.
pub(crate) fn table(schema: &str, name: &str, columns: Vec<Column>, primary_key: Option<Key>) -> Table {
    Table { name: ObjectName::new(schema, name), columns, primary_key, ..Table::default() }
}

/// A clustered key: a primary key as one usually stands.
pub(crate) fn primary_key(name: &str, columns: &[&str]) -> Option<Key> {
    Some(Key { clustered: true, ..unique(name, columns) })
}

/// A unique constraint.
pub(crate) fn unique(name: &str, columns: &[&str]) -> Key {
    Key { name: Some(name.to_owned()), columns: index_columns(columns), clustered: false }
}

/// A trusted foreign key without actions.
pub(crate) fn foreign_key(
    name: &str,
    columns: &[&str],
    referenced: (&str, &str),
    referenced_columns: &[&str],
) -> ForeignKey {
    ForeignKey {
        name: Some(name.to_owned()),
        columns: owned(columns),
        referenced_table: ObjectName::new(referenced.0, referenced.1),
        referenced_columns: owned(referenced_columns),
        on_delete: ReferentialAction::NoAction,
        on_update: ReferentialAction::NoAction,
        trusted: true,
        disabled: false,
    }
}

/// A trusted check.
pub(crate) fn check(name: &str, text: &str) -> CheckConstraint {
    CheckConstraint { name: Some(name.to_owned()), text: text.to_owned(), trusted: true, disabled: false }
}

/// A plain index.
pub(crate) fn index(name: &str, columns: &[&str]) -> Index {
    Index {
        name: name.to_owned(),
        kind: IndexKind::BTree,
        unique: false,
        clustered: false,
        columns: index_columns(columns),
        included: Vec::new(),
        filter: None,
        disabled: false,
    }
}

/// The description of a table and of some of its columns.
pub(crate) fn descriptions(table: &mut Table, text: &str, columns: &[(&str, &str)]) {
    let name = table.name.to_string();
    let property = |column: Option<&str>, value: &str| ExtendedProperty {
        object: column.map_or_else(|| name.clone(), |column| format!("{name}.{column}")),
        column: column.map(str::to_owned),
        name: String::from("MS_Description"),
        value: value.to_owned(),
    };
    table.extended_properties.push(property(None, text));
    table.extended_properties.extend(columns.iter().map(|(column, value)| property(Some(column), value)));
}

/// `nvarchar(n)`.
pub(crate) fn nvarchar(length: u16) -> SqlType {
    SqlType::NVarChar { length: Length::limited(length) }
}

/// `nvarchar(max)`.
pub(crate) const NVARCHAR_MAX: SqlType = SqlType::NVarChar { length: Length::MAX };

/// `varbinary(max)`.
pub(crate) const VARBINARY_MAX: SqlType = SqlType::VarBinary { length: Length::MAX };

/// `varchar(n)`.
pub(crate) fn varchar(length: u16) -> SqlType {
    SqlType::VarChar { length: Length::limited(length) }
}

/// `decimal(p,s)`.
pub(crate) fn decimal(precision: u8, scale: u8) -> SqlType {
    SqlType::Decimal { precision, scale }
}

fn index_columns(columns: &[&str]) -> Vec<IndexColumn> {
    // A column that ends in " desc" is sorted the other way round.
    let split = |column: &str| match column.strip_suffix(" desc") {
        Some(name) => IndexColumn { name: name.to_owned(), descending: true },
        None => IndexColumn { name: column.to_owned(), descending: false },
    };
    columns.iter().map(|column| split(column)).collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

//! What a SQL Server database *is*: its tables, columns, types, keys, code and principals.
//!
//! Invariant: this crate does no I/O and has no opinion. It knows SQL Server's terms and nothing
//! about PostgreSQL. Everything is plain data with public fields; `catalog.json` in the run folder
//! is a [`Catalog`] as serde writes it, so a change of a field is a change of a file format.
//!
//! To extend: a new kind of object gets its own file and one `Vec` in [`Catalog`].

mod code;
mod column;
mod constraint;
mod finding;
mod index;
mod measures;
mod name;
mod principal;
mod sequence;
mod sql_type;
mod table;
mod value;

pub use code::{CodeKind, CodeObject, Parameter};
pub use column::{Column, Computed, DefaultValue, Identity};
pub use constraint::{CheckConstraint, ForeignKey, Key, ReferentialAction};
pub use finding::{Finding, Severity};
pub use index::{Index, IndexColumn, IndexKind};
pub use measures::{ColumnMeasures, Measure, MeasureKind, TableMeasures};
pub use name::ObjectName;
pub use principal::{Permission, Principal, PrincipalKind, RoleMembership};
pub use sequence::{Sequence, Synonym};
pub use sql_type::{Length, SqlType};
pub use table::{ExtendedProperty, Table};
pub use value::{CodePage, RowSink, Stop, Value, VariantValue};

use serde::{Deserialize, Serialize};

/// The version of `catalog.json`. Raised when an older reader would misread a newer file.
pub const CATALOG_FORMAT: u32 = 1;

/// A whole database, as read from one source.
///
/// Order is the source's own and stable: two reads of one source give equal catalogs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Catalog {
    /// [`CATALOG_FORMAT`] at the time of writing.
    pub format: u32,
    /// The database itself.
    pub database: DatabaseInfo,
    /// User schemas, by name. `dbo` is listed only if the source lists it.
    pub schemas: Vec<String>,
    /// Alias types (`CREATE TYPE … FROM …`).
    pub alias_types: Vec<AliasType>,
    /// User tables.
    pub tables: Vec<Table>,
    /// Views, procedures, functions, triggers, table types, bound defaults and rules.
    pub code: Vec<CodeObject>,
    /// Sequence objects.
    pub sequences: Vec<Sequence>,
    /// Synonyms.
    pub synonyms: Vec<Synonym>,
    /// Extended properties of anything but tables and columns (those stand with their table).
    pub extended_properties: Vec<ExtendedProperty>,
    /// Users, roles and logins: an inventory, never created by us.
    pub principals: Vec<Principal>,
    /// Who is a member of which role.
    pub role_memberships: Vec<RoleMembership>,
    /// `GRANT` and `DENY` statements.
    pub permissions: Vec<Permission>,
    /// Everything else that the source names and this crate has no room for.
    pub other: Vec<OtherObject>,
}

impl Catalog {
    /// The table of that name; names compare as they are spelled.
    pub fn table(&self, name: &ObjectName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }
}

/// Facts about the database as a whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// The database's name, where the source tells it.
    pub name: String,
    /// The default collation, for example `SQL_Latin1_General_CP1_CI_AS`.
    pub collation: Option<String>,
    /// The server that wrote the source, in its own words (one line).
    pub server_version: Option<String>,
    /// The database's compatibility level, for example 150.
    pub compatibility_level: Option<u16>,
    /// Rows in all tables as the source claims; a hint, never a proof.
    pub claimed_rows: Option<u64>,
}

/// An alias type: a name for a base type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasType {
    /// Its name.
    pub name: ObjectName,
    /// What it stands for.
    pub base: SqlType,
    /// Whether a column of this type is nullable when it does not say so itself.
    pub nullable: bool,
}

/// An object that is only counted and named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherObject {
    /// The source's own word for its kind, for example `SqlXmlSchemaCollection`.
    pub kind: String,
    /// Its name as the source writes it.
    pub name: String,
}

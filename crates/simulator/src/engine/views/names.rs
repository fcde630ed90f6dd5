//! Numbers of schemas, objects, columns and types: what the views and the metadata functions refer to.
//!
//! Invariant: a number is given once and never changes while the views stand; objects get theirs in the catalog's order.

use super::cell::Cell;
use mssql2pg_catalog::{Catalog, CodeKind, CodeObject, ObjectName, SqlType};
use std::collections::{BTreeMap, HashMap};

/// An object of `sys.all_objects`.
#[derive(Debug, Clone)]
pub(super) struct NamedObject {
    pub(super) id: i32,
    pub(super) schema: String,
    pub(super) schema_id: i32,
    pub(super) name: String,
    /// `U`, `PK`, without blanks.
    pub(super) kind: &'static str,
    /// The table that it belongs to, or 0.
    pub(super) parent: i32,
    /// Whether `sys.objects` has it; database triggers are not there.
    pub(super) listed: bool,
    /// Its text, for `object_definition`.
    pub(super) definition: Option<String>,
}

impl NamedObject {
    /// Whether the server brings it along.
    pub(super) fn is_system(&self) -> bool {
        self.id < 0
    }
}

/// A column for the metadata functions.
#[derive(Debug, Clone)]
pub(super) struct NamedColumn {
    pub(super) name: String,
    pub(super) id: i32,
    pub(super) sql_type: SqlType,
    pub(super) nullable: bool,
    pub(super) identity: bool,
    pub(super) computed: bool,
    pub(super) rowguid: bool,
    pub(super) sparse: bool,
}

/// An index for `indexproperty` and extended properties.
#[derive(Debug, Clone)]
pub(super) struct NamedIndex {
    pub(super) name: String,
    pub(super) id: i32,
    pub(super) unique: bool,
    pub(super) clustered: bool,
    pub(super) disabled: bool,
}

/// A type of `sys.types`.
#[derive(Debug, Clone)]
pub(super) struct NamedType {
    pub(super) id: i32,
    pub(super) schema: String,
    pub(super) name: String,
}

/// All names of a database.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) case_sensitive: bool,
    pub(super) schemas: Vec<(String, i32)>,
    objects: BTreeMap<i32, NamedObject>,
    by_name: HashMap<(String, String), i32>,
    pub(super) columns: HashMap<i32, Vec<NamedColumn>>,
    pub(super) indexes: HashMap<i32, Vec<NamedIndex>>,
    /// Seed, increment and last value of the tables that have an identity column.
    pub(super) identities: HashMap<i32, (i128, i128, Option<i128>)>,
    pub(super) parameters: HashMap<i32, Vec<String>>,
    pub(super) types: Vec<NamedType>,
    pub(super) principals: Vec<(String, i32)>,
    /// XML schema collections by their dotted names.
    pub(super) collections: Vec<(String, i32)>,
    next_object: i32,
    next_system: i32,
}

/// The schemas of every database; the fixed roles own the last ones.
const FIXED_SCHEMAS: &[(&str, i32)] = &[("dbo", 1), ("guest", 2), ("INFORMATION_SCHEMA", 3), ("sys", 4)];

/// The fixed roles of a database.
pub(super) const FIXED_ROLES: &[(&str, i32)] = &[
    ("db_owner", 16384),
    ("db_accessadmin", 16385),
    ("db_securityadmin", 16386),
    ("db_ddladmin", 16387),
    ("db_backupoperator", 16389),
    ("db_datareader", 16390),
    ("db_datawriter", 16391),
    ("db_denydatareader", 16392),
    ("db_denydatawriter", 16393),
];

impl Names {
    /// The schemas of a catalog, and numbers for its tables and code.
    pub(super) fn new(catalog: &Catalog, case_sensitive: bool) -> Self {
        let mut names =
            Self { case_sensitive, next_object: 901_578_250, next_system: -103, ..Self::default() };
        let fixed = FIXED_SCHEMAS.iter().chain(FIXED_ROLES);
        names.schemas = fixed.map(|(name, id)| ((*name).to_owned(), *id)).collect();
        for schema in &catalog.schemas {
            names.schema_or_new(schema);
        }
        for table in &catalog.tables {
            names.new_object(&table.name.schema, &table.name.name, "U", 0);
        }
        for code in &catalog.code {
            let Some(kind) = object_kind(code) else { continue };
            let parent = code.parent.as_ref().and_then(|parent| names.find(&parent.schema, &parent.name));
            let id = names.new_object(&code.name.schema, &code.name.name, kind, parent.unwrap_or(0));
            if let Some(object) = names.objects.get_mut(&id) {
                object.definition = code.missing_text.is_none().then(|| code.text.clone());
                object.listed = code.kind != CodeKind::DatabaseTrigger;
            }
        }
        // A trigger may stand before its view.
        for code in catalog.code.iter().filter(|code| code.kind == CodeKind::Trigger) {
            let parent = code.parent.as_ref().and_then(|parent| names.find(&parent.schema, &parent.name));
            let id = names.code_id(code);
            if let Some(object) = id.and_then(|id| names.objects.get_mut(&id)) {
                object.parent = parent.unwrap_or(0);
            }
        }
        names
    }

    /// The key under which a name is found: folded unless the database tells cases apart.
    fn key(&self, name: &str) -> String {
        let name = name.trim_end();
        if self.case_sensitive { name.to_owned() } else { name.to_lowercase() }
    }

    /// Whether two names are one.
    pub(super) fn same(&self, left: &str, right: &str) -> bool {
        self.key(left) == self.key(right)
    }

    /// The number of a schema.
    pub(super) fn schema_id(&self, name: &str) -> Option<i32> {
        self.schemas.iter().find(|(found, _)| self.same(found, name)).map(|(_, id)| *id)
    }

    /// The number of a schema, which is made if it is not there.
    pub(super) fn schema_or_new(&mut self, name: &str) -> i32 {
        if let Some(id) = self.schema_id(name) {
            return id;
        }
        let user = self.schemas.iter().map(|(_, id)| *id).filter(|id| *id < 16384);
        let id = user.max().unwrap_or(4) + 1;
        self.schemas.push((name.to_owned(), id));
        id
    }

    /// Gives a number to an object. An empty schema is that of a database trigger, which has none.
    pub(super) fn new_object(&mut self, schema: &str, name: &str, kind: &'static str, parent: i32) -> i32 {
        let schema_id = if schema.is_empty() { 0 } else { self.schema_or_new(schema) };
        // The server's own views have numbers below 0; the objects of table types stand in `sys` too.
        let id = if matches!(schema_id, 3 | 4) && matches!(kind, "V" | "IF") {
            self.next_system -= 1;
            self.next_system
        } else {
            self.next_object += 16;
            self.next_object
        };
        self.by_name.insert((self.key(schema), self.key(name)), id);
        let (schema, name) = (schema.to_owned(), name.to_owned());
        let object =
            NamedObject { id, schema, schema_id, name, kind, parent, listed: true, definition: None };
        self.objects.insert(id, object);
        id
    }

    /// Keeps the text of an object.
    pub(super) fn define(&mut self, id: i32, text: &str) {
        if let Some(object) = self.objects.get_mut(&id) {
            object.definition = Some(text.to_owned());
        }
    }

    /// The object of that number.
    pub(super) fn object(&self, id: i32) -> Option<&NamedObject> {
        self.objects.get(&id)
    }

    /// The numbers of all objects.
    pub(super) fn object_ids(&self) -> Vec<i32> {
        self.objects.keys().copied().collect()
    }

    /// The number of the object of that name.
    pub(super) fn find(&self, schema: &str, name: &str) -> Option<i32> {
        self.by_name.get(&(self.key(schema), self.key(name))).copied()
    }

    /// The number of a table.
    pub(super) fn table_id(&self, name: &ObjectName) -> Option<i32> {
        self.find(&name.schema, &name.name)
    }

    /// The number of a view, procedure, function or trigger.
    pub(super) fn code_id(&self, code: &CodeObject) -> Option<i32> {
        object_kind(code)?;
        self.find(&code.name.schema, &code.name.name)
    }

    /// The column of an object.
    pub(super) fn column(&self, object: i32, name: &str) -> Option<&NamedColumn> {
        self.columns.get(&object)?.iter().find(|column| self.same(&column.name, name))
    }

    /// The number of a type.
    pub(super) fn type_id(&self, schema: Option<&str>, name: &str) -> Option<i32> {
        let mut types = self.types.iter();
        let named = |found: &&NamedType| {
            self.same(&found.name, name) && schema.is_none_or(|schema| self.same(&found.schema, schema))
        };
        types.find(named).map(|found| found.id)
    }

    /// The number of a principal of the database.
    pub(super) fn principal_id(&self, name: &str) -> Option<i32> {
        self.principals.iter().find(|(found, _)| self.same(found, name)).map(|(_, id)| *id)
    }

    /// The number of the object that a text of one to three parts names, `dbo` being the default schema.
    pub(super) fn find_written(&self, written: &str) -> Option<i32> {
        let parts = name_parts(written);
        match parts.as_slice() {
            [name] => self.find("dbo", name).or_else(|| self.find("sys", name)),
            [schema, name] => self.find(schema, name),
            [_, schema, name] => self.find(if schema.is_empty() { "dbo" } else { schema }, name),
            _ => None,
        }
    }
}

/// The parts of a name as people write it: `[dbo].[a.b]`, `"dbo".x`, `dbo.x`.
pub(super) fn name_parts(written: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut closing = None;
    let mut characters = written.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match (character, closing) {
            ('[', None) if part.is_empty() => closing = Some(']'),
            ('"', None) if part.is_empty() => closing = Some('"'),
            (character, Some(end)) if character == end => {
                if characters.peek() == Some(&end) {
                    characters.next();
                    part.push(end);
                } else {
                    closing = None;
                }
            }
            ('.', None) => parts.push(std::mem::take(&mut part)),
            (character, _) => part.push(character),
        }
    }
    parts.push(part);
    parts
}

/// The type of object that code is; none for table types, whose object has a name of its own.
pub(super) fn object_kind(code: &CodeObject) -> Option<&'static str> {
    let clr = code.missing_text.as_deref() == Some("CLR");
    Some(match code.kind {
        CodeKind::View => "V",
        CodeKind::Procedure if clr => "PC",
        CodeKind::Procedure => "P",
        CodeKind::ScalarFunction if clr => "FS",
        CodeKind::ScalarFunction => "FN",
        CodeKind::InlineTableFunction => "IF",
        CodeKind::TableFunction if clr => "FT",
        CodeKind::TableFunction => "TF",
        CodeKind::Trigger | CodeKind::DatabaseTrigger if clr => "TA",
        CodeKind::Trigger | CodeKind::DatabaseTrigger => "TR",
        CodeKind::BoundDefault => "D",
        CodeKind::BoundRule => "R",
        CodeKind::Aggregate => "AF",
        CodeKind::TableType => return None,
    })
}

/// What `type_desc` says of a type of object.
pub(super) fn kind_words(kind: &str) -> &'static str {
    match kind {
        "U" => "USER_TABLE",
        "V" => "VIEW",
        "P" => "SQL_STORED_PROCEDURE",
        "PC" => "CLR_STORED_PROCEDURE",
        "FN" => "SQL_SCALAR_FUNCTION",
        "FS" => "CLR_SCALAR_FUNCTION",
        "IF" => "SQL_INLINE_TABLE_VALUED_FUNCTION",
        "TF" => "SQL_TABLE_VALUED_FUNCTION",
        "FT" => "CLR_TABLE_VALUED_FUNCTION",
        "TR" => "SQL_TRIGGER",
        "TA" => "CLR_TRIGGER",
        "AF" => "AGGREGATE_FUNCTION",
        "D" => "DEFAULT_CONSTRAINT",
        "R" => "RULE",
        "C" => "CHECK_CONSTRAINT",
        "PK" => "PRIMARY_KEY_CONSTRAINT",
        "UQ" => "UNIQUE_CONSTRAINT",
        "F" => "FOREIGN_KEY_CONSTRAINT",
        "SO" => "SEQUENCE_OBJECT",
        "SN" => "SYNONYM",
        "TT" => "TYPE_TABLE",
        "SQ" => "SERVICE_QUEUE",
        "SP" => "SECURITY_POLICY",
        "S" => "SYSTEM_TABLE",
        _ => "INTERNAL_TABLE",
    }
}

/// An optional number as a cell.
pub(super) fn optional(number: Option<i32>) -> Cell {
    number.map_or(Cell::Null, |number| Cell::Integer(i64::from(number)))
}

//! `sys.types`, `sys.table_types`, `sys.assembly_types` and what they need.

use super::cell::Cell;
use super::columns::add_columns;
use super::definition::View;
use super::fill::{Fill, Row, row, text};
use super::names::NamedType;
use super::types::{SYSTEM_TYPES, numbers, parse_type};
use mssql2pg_catalog::{CodeKind, Column, Computed, ObjectName, SqlType};
use std::collections::BTreeSet;

const TYPE: &str = "name:sysname system_type_id:tinyint user_type_id:int schema_id:int principal_id:int? \
    max_length:smallint precision:tinyint scale:tinyint collation_name:sysname? is_nullable:bit? \
    is_user_defined:bit is_assembly_type:bit default_object_id:int rule_object_id:int is_table_type:bit";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::open("sys.types", &[TYPE]),
    View::open("sys.table_types", &[TYPE, "type_table_object_id:int 2014/is_memory_optimized:bit?"]),
    View::open(
        "sys.assembly_types",
        &[
            TYPE,
            "assembly_id:int assembly_class:sysname? is_binary_ordered:bit? is_fixed_length:bit? \
            prog_id:nvarchar(40)? assembly_qualified_name:nvarchar(4000)?",
        ],
    ),
    View::hidden(
        "sys.assemblies",
        &["name:sysname principal_id:int? assembly_id:int clr_name:nvarchar(4000)? permission_set:tinyint? \
           permission_set_desc:nvarchar(60)? is_visible:bit create_date:datetime modify_date:datetime \
           is_user_defined:bit?"],
    ),
    View::hidden(
        "sys.assembly_files",
        &["assembly_id:int name:nvarchar(260)? file_id:int content:varbinary(max)?"],
    ),
    View::hidden(
        "sys.xml_schema_collections",
        &["xml_collection_id:int schema_id:int principal_id:int? name:sysname create_date:datetime \
           modify_date:datetime"],
    ),
];

/// Fills the types.
pub(super) fn fill(fill: &mut Fill<'_>) {
    let version = fill.version;
    for system in SYSTEM_TYPES.iter().filter(|system| system.since <= version) {
        let clr = system.system_type_id == 240;
        let collated =
            matches!(system.name, "char" | "varchar" | "text" | "nchar" | "nvarchar" | "ntext" | "sysname");
        let collation = if collated { collation(fill) } else { Cell::Null };
        fill.names.types.push(named(system.user_type_id, "sys", system.name));
        let cells = row![
            "name" => text(system.name), "system_type_id" => system.system_type_id,
            "user_type_id" => system.user_type_id, "schema_id" => 4, "max_length" => system.max_length,
            "precision" => system.precision, "scale" => system.scale, "collation_name" => collation,
            "is_nullable" => system.name != "sysname" && system.name != "timestamp", "is_assembly_type" => clr,
        ];
        fill.add("sys.types", cells.clone());
        if clr {
            let class = format!("Microsoft.SqlServer.Types.Sql{}", system.name);
            let more = row!["assembly_id" => 1, "assembly_class" => text(&class)];
            fill.add("sys.assembly_types", [cells, more].concat());
        }
    }
    let mut next = 257;
    for alias in &fill.catalog.alias_types {
        // The server's own alias is there already.
        if alias.name.schema == "sys" && alias.name.name == "sysname" {
            continue;
        }
        let numbers = numbers(&alias.base);
        let mut cells = user_type(fill, next, &alias.name);
        let collation = match alias.base {
            SqlType::Char { .. }
            | SqlType::VarChar { .. }
            | SqlType::NChar { .. }
            | SqlType::NVarChar { .. } => collation(fill),
            _ => Cell::Null,
        };
        cells.extend(row![
            "system_type_id" => numbers.system_type_id, "max_length" => numbers.max_length,
            "precision" => numbers.precision, "scale" => numbers.scale, "is_nullable" => alias.nullable,
            "collation_name" => collation,
        ]);
        fill.add("sys.types", cells);
        next += 1;
    }
    next = fill_table_types(fill, next);
    fill_clr_types(fill, next);
}

fn collation(fill: &Fill<'_>) -> Cell {
    fill.catalog.database.collation.as_deref().map_or(Cell::Null, text)
}

fn named(id: i32, schema: &str, name: &str) -> NamedType {
    NamedType { id, schema: schema.to_owned(), name: name.to_owned() }
}

fn user_type(fill: &mut Fill<'_>, id: i32, name: &ObjectName) -> Row {
    let schema_id = fill.names.schema_or_new(&name.schema);
    fill.names.types.push(named(id, &name.schema, &name.name));
    row![
        "name" => text(&name.name), "user_type_id" => id, "schema_id" => schema_id, "is_user_defined" => true,
    ]
}

fn fill_table_types(fill: &mut Fill<'_>, mut next: i32) -> i32 {
    let code = &fill.catalog.code;
    for table_type in code.iter().filter(|code| code.kind == CodeKind::TableType) {
        let object_name = format!("TT_{}_{next:08X}", table_type.name.name);
        let id = fill.new_object("sys", &object_name, "TT", 0);
        let mut cells = user_type(fill, next, &table_type.name);
        cells.extend(row![
            "system_type_id" => 243, "max_length" => -1, "is_nullable" => false, "is_table_type" => true,
        ]);
        fill.add("sys.types", cells.clone());
        cells.extend(row!["type_table_object_id" => id, "is_memory_optimized" => false]);
        fill.add("sys.table_types", cells);
        let (columns, keys) = read_table_type(&table_type.text);
        add_columns(fill, id, &columns);
        for (name, columns) in keys {
            super::keys::add_table_type_key(fill, id, name, &columns);
        }
        next += 1;
    }
    next
}

/// Types of the user's own that are neither aliases nor tables: those of assemblies.
fn fill_clr_types(fill: &mut Fill<'_>, mut next: i32) {
    let columns = fill.catalog.tables.iter().flat_map(|table| &table.columns).map(|column| &column.sql_type);
    let unknown = columns.filter_map(|sql_type| match sql_type {
        SqlType::Unknown { name } => name.split_once('.'),
        _ => None,
    });
    for (schema, name) in unknown.collect::<BTreeSet<_>>() {
        if fill.names.type_id(Some(schema), name).is_some() {
            continue;
        }
        let mut cells = user_type(fill, next, &ObjectName::new(schema, name));
        cells.extend(row![
            "system_type_id" => 240, "max_length" => 8000, "is_nullable" => true, "is_assembly_type" => true,
        ]);
        fill.add("sys.types", cells.clone());
        cells.extend(row!["assembly_id" => 65536, "assembly_class" => text(name)]);
        fill.add("sys.assembly_types", cells);
        next += 1;
    }
}

/// Keys of a table type: whether it is the primary key, and the columns.
type TableTypeKeys = Vec<(&'static str, Vec<String>)>;

/// Reads the text that a catalog has of a table type: one column or key a line.
fn read_table_type(definition: &str) -> (Vec<Column>, TableTypeKeys) {
    let (mut columns, mut keys) = (Vec::new(), Vec::new());
    for line in definition.lines().map(|line| line.trim().trim_end_matches(',')) {
        let key = [("primary key (", "PK"), ("unique (", "UQ")]
            .into_iter()
            .find_map(|(word, kind)| Some((kind, line.strip_prefix(word)?.strip_suffix(')')?)));
        if let Some((kind, names)) = key {
            keys.push((kind, names.split(", ").map(unbracketed).collect()));
            continue;
        }
        let Some(end) = line.rfind("] ").filter(|_| line.starts_with('[')) else { continue };
        let (name, rest) = (unbracketed(&line[..=end]), &line[end + 2..]);
        if let Some(expression) = rest.strip_prefix("as ") {
            let computed = Computed { text: expression.to_owned(), persisted: false };
            columns.push(Column { computed: Some(computed), ..Column::new(name, SqlType::Int) });
            continue;
        }
        let (type_text, nullable) = match rest.strip_suffix(" not null") {
            Some(type_text) => (type_text, false),
            None => (rest.strip_suffix(" null").unwrap_or(rest), true),
        };
        let unknown = || SqlType::Unknown { name: type_text.to_owned() };
        let sql_type = parse_type(type_text).unwrap_or_else(unknown);
        columns.push(Column { nullable, ..Column::new(name, sql_type) });
    }
    (columns, keys)
}

fn unbracketed(name: &str) -> String {
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    inner.replace("]]", "]")
}

/// The numbers of a type as declared: those of the alias where there is one.
pub(super) fn declared(fill: &Fill<'_>, sql_type: &SqlType, alias: Option<&ObjectName>) -> Row {
    let mut numbers = numbers(sql_type);
    if let SqlType::Unknown { name } = sql_type {
        let (schema, name) =
            name.split_once('.').map_or((None, name.as_str()), |(schema, name)| (Some(schema), name));
        if let Some(id) = fill.names.type_id(schema, name) {
            numbers.user_type_id = id;
            let is_table = fill
                .catalog
                .code
                .iter()
                .any(|code| code.kind == CodeKind::TableType && code.name.name == name);
            numbers.system_type_id = if is_table { 243 } else { 240 };
            (numbers.max_length, numbers.precision, numbers.scale) = (-1, 0, 0);
        }
    }
    if let Some(id) = alias.and_then(|alias| fill.names.type_id(Some(&alias.schema), &alias.name)) {
        numbers.user_type_id = id;
    }
    row![
        "system_type_id" => numbers.system_type_id, "user_type_id" => numbers.user_type_id,
        "max_length" => numbers.max_length, "precision" => numbers.precision, "scale" => numbers.scale,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_table_type_gives_its_columns() {
        let text = "table (\n    [a]]b] decimal(10,2) not null,\n    [c] nvarchar(max) null,\n    [d] as ([c]+1),\n    primary key ([a]]b])\n)";
        let (columns, keys) = read_table_type(text);
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["a]b", "c", "d"]);
        assert_eq!(columns[0].sql_type, SqlType::Decimal { precision: 10, scale: 2 });
        assert!(!columns[0].nullable && columns[1].nullable);
        assert_eq!(keys, vec![("PK", vec!["a]b".to_owned()])]);
    }
}

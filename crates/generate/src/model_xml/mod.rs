//! `model.xml`: a [`Catalog`] in the grammar of DacFx (formats.md §1.2), as SQL Server 2019 exports it.
//!
//! Invariant: what equals its default is left out, as DacFx leaves it out; lines end in CR LF.
//!
//! To extend: one function for a kind of element, called from [`model_xml`].

mod code;
mod writer;

pub(crate) use writer::escape;

use crate::shop::Script;
use code::script_element;
use mssql2pg_catalog::{
    Catalog, CheckConstraint, Column, ExtendedProperty, ForeignKey, Index, IndexColumn, Key, ObjectName,
    ReferentialAction, Sequence, SqlType, Table,
};
use writer::{Xml, bracketed};

/// The namespace of all files of a package but the two of OPC.
pub(crate) const NAMESPACE: &str = "http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02";

/// The whole file, byte order mark included.
pub(crate) fn model_xml(catalog: &Catalog, scripts: &[Script]) -> String {
    let mut xml = Xml::new();
    xml.line("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    xml.open(&format!(
        "DataSchemaModel FileFormatVersion=\"1.2\" SchemaVersion=\"2.9\" \
         DspName=\"Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider\" CollationLcid=\"1033\" \
         CollationCaseSensitive=\"False\" xmlns=\"{NAMESPACE}\""
    ));
    xml.open("Model");
    database_options(&mut xml, catalog);
    for table in &catalog.tables {
        table_element(&mut xml, table);
    }
    for schema in &catalog.schemas {
        xml.element(&format!("Type=\"SqlSchema\" Name=\"{}\"", bracketed(&[schema])), |xml| {
            xml.relationship("Authorizer", |xml| xml.entry(|xml| xml.built_in("[dbo]")));
        });
    }
    alias_types(&mut xml, catalog);
    for sequence in &catalog.sequences {
        sequence_element(&mut xml, sequence);
    }
    for script in scripts {
        script_element(&mut xml, script);
    }
    principals(&mut xml, catalog);
    xml.close("Model");
    xml.close("DataSchemaModel");
    xml.into_text()
}

fn database_options(xml: &mut Xml, catalog: &Catalog) {
    xml.element("Type=\"SqlDatabaseOptions\" Disambiguator=\"1\"", |xml| {
        if let Some(collation) = &catalog.database.collation {
            xml.property("Collation", collation);
        }
        xml.property("IsAnsiNullDefaultOn", "False");
        xml.property("RecoveryMode", "1");
        xml.relationship("DefaultFilegroup", |xml| xml.entry(|xml| xml.built_in("[PRIMARY]")));
    });
}

fn table_element(xml: &mut Xml, table: &Table) {
    // Constraints that the server named have no name of their own; an annotation tells it and a
    // number ties it to its column.
    let mut server_named: Vec<(String, u64)> = Vec::new();
    for column in &table.columns {
        if let Some(number) = default_element(xml, table, column) {
            server_named.push((column.name.clone(), number));
        }
    }
    let mut attached: Vec<u64> = Vec::new();
    if let Some(key) = &table.primary_key {
        attached.extend(key_element(xml, table, key, "SqlPrimaryKeyConstraint", true));
    }
    for key in &table.unique {
        attached.extend(key_element(xml, table, key, "SqlUniqueConstraint", false));
    }
    for foreign_key in &table.foreign_keys {
        attached.extend(foreign_key_element(xml, table, foreign_key));
    }
    for check in &table.checks {
        attached.extend(check_element(xml, table, check));
    }
    let owner = table_name(&table.name);
    xml.element(&format!("Type=\"SqlTable\" Name=\"{owner}\""), |xml| {
        xml.property("IsAnsiNullsOn", "True");
        xml.relationship("Columns", |xml| {
            for column in &table.columns {
                let number = server_named.iter().find(|(name, _)| *name == column.name);
                xml.entry(|xml| column_element(xml, table, column, number.map(|(_, number)| *number)));
            }
        });
        schema_relationship(xml, &table.name.schema);
        for number in &attached {
            xml.line(&format!("<AttachedAnnotation Disambiguator=\"{number}\" />"));
        }
    });
    for index in &table.indexes {
        index_element(xml, table, index);
    }
    for property in &table.extended_properties {
        extended_property(xml, table, property);
    }
}

fn column_element(xml: &mut Xml, table: &Table, column: &Column, attached: Option<u64>) {
    let name = column_name(table, &column.name);
    if let Some(computed) = &column.computed {
        xml.element(&format!("Type=\"SqlComputedColumn\" Name=\"{name}\""), |xml| {
            xml.script("ExpressionScript", "", &computed.text);
            xml.relationship("ExpressionDependencies", |xml| {
                for other in referenced_columns(table, &computed.text) {
                    xml.entry(|xml| xml.reference(&column_name(table, other)));
                }
            });
        });
        return;
    }
    xml.element(&format!("Type=\"SqlSimpleColumn\" Name=\"{name}\""), |xml| {
        if !column.nullable {
            xml.property("IsNullable", "False");
        }
        if let Some(identity) = &column.identity {
            xml.property("IsIdentity", "True");
            if identity.seed != 1 {
                xml.property("IdentitySeed", &identity.seed.to_string());
            }
            if identity.increment != 1 {
                xml.property("IdentityIncrement", &identity.increment.to_string());
            }
        }
        if column.rowguid {
            xml.property("IsRowGuidColumn", "True");
        }
        type_specifier(xml, "TypeSpecifier", &column.sql_type, column.alias.as_ref());
        if let Some(last) = column.identity.as_ref().and_then(|identity| identity.last_value) {
            xml.online_property("LastValue", last);
        }
        if let Some(number) = attached {
            xml.line(&format!("<AttachedAnnotation Disambiguator=\"{number}\" />"));
        }
    });
}

fn type_specifier(xml: &mut Xml, relationship: &str, sql_type: &SqlType, alias: Option<&ObjectName>) {
    let element = match sql_type {
        SqlType::Xml => "Type=\"SqlXmlTypeSpecifier\"",
        _ => "Type=\"SqlTypeSpecifier\"",
    };
    xml.relationship(relationship, |xml| {
        xml.entry(|xml| {
            xml.element(element, |xml| match alias {
                Some(alias) if alias.schema == "sys" => {
                    xml.relationship("Type", |xml| xml.entry(|xml| xml.built_in(&table_name(alias))));
                }
                Some(alias) => {
                    xml.relationship("Type", |xml| xml.entry(|xml| xml.reference(&table_name(alias))));
                }
                None => type_body(xml, sql_type),
            });
        });
    });
}

/// The parameters and the name of a system type.
fn type_body(xml: &mut Xml, sql_type: &SqlType) {
    let number = |xml: &mut Xml, name: &str, value: u16| xml.property(name, &value.to_string());
    match sql_type {
        SqlType::Decimal { precision, scale } => {
            if *scale != 0 {
                number(xml, "Scale", u16::from(*scale));
            }
            if *precision != 18 {
                number(xml, "Precision", u16::from(*precision));
            }
        }
        SqlType::Time { scale } | SqlType::DateTime2 { scale } | SqlType::DateTimeOffset { scale }
            if *scale != 7 =>
        {
            number(xml, "Scale", u16::from(*scale));
        }
        SqlType::Char { length } | SqlType::NChar { length } | SqlType::Binary { length } => {
            number(xml, "Length", *length);
        }
        SqlType::VarChar { length } | SqlType::NVarChar { length } | SqlType::VarBinary { length } => {
            match length.0 {
                Some(length) => number(xml, "Length", length),
                None => xml.property("IsMax", "True"),
            }
        }
        _ => {}
    }
    let name = match sql_type {
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => bracketed(&["sys", sql_type.name()]),
        _ => bracketed(&[sql_type.name()]),
    };
    xml.relationship("Type", |xml| xml.entry(|xml| xml.built_in(&name)));
}

/// Writes a column's default; gives the number that ties it to the column if the server named it.
fn default_element(xml: &mut Xml, table: &Table, column: &Column) -> Option<u64> {
    let default = column.default.as_ref()?;
    let name = default.name.as_deref().unwrap_or_default();
    xml.constraint("SqlDefaultConstraint", &table.name.schema, name, |xml| {
        xml.script("DefaultExpressionScript", "", &default.text);
        xml.references("DefiningTable", [table_name(&table.name)]);
        xml.references("ForColumn", [column_name(table, &column.name)]);
    })
}

fn key_element(
    xml: &mut Xml,
    table: &Table,
    key: &Key,
    element: &str,
    clustered_by_default: bool,
) -> Option<u64> {
    let name = key.name.as_deref().unwrap_or_default();
    xml.constraint(element, &table.name.schema, name, |xml| {
        if key.clustered != clustered_by_default {
            xml.property("IsClustered", if key.clustered { "True" } else { "False" });
        }
        index_columns(xml, table, &key.columns);
        xml.references("DefiningTable", [table_name(&table.name)]);
    })
}

fn index_columns(xml: &mut Xml, table: &Table, columns: &[IndexColumn]) {
    xml.relationship("ColumnSpecifications", |xml| {
        for column in columns {
            xml.entry(|xml| {
                xml.element("Type=\"SqlIndexedColumnSpecification\"", |xml| {
                    if column.descending {
                        xml.property("IsAscending", "False");
                    }
                    xml.relationship("Column", |xml| {
                        xml.entry(|xml| xml.reference(&column_name(table, &column.name)));
                    });
                });
            });
        }
    });
}

fn foreign_key_element(xml: &mut Xml, table: &Table, key: &ForeignKey) -> Option<u64> {
    let name = key.name.as_deref().unwrap_or_default();
    let referenced = &key.referenced_table;
    xml.constraint("SqlForeignKeyConstraint", &table.name.schema, name, |xml| {
        // formats.md §1.2: 1 is CASCADE in real files; 2 and 3 are read, not seen.
        let action = |action| match action {
            ReferentialAction::NoAction => None,
            ReferentialAction::Cascade => Some("1"),
            ReferentialAction::SetNull => Some("2"),
            ReferentialAction::SetDefault => Some("3"),
        };
        if let Some(value) = action(key.on_delete) {
            xml.property("OnDeleteAction", value);
        }
        if let Some(value) = action(key.on_update) {
            xml.property("OnUpdateAction", value);
        }
        xml.references("Columns", key.columns.iter().map(|column| column_name(table, column)));
        xml.references("DefiningTable", [table_name(&table.name)]);
        let foreign = |column: &String| escape(&bracketed(&[&referenced.schema, &referenced.name, column]));
        xml.references("ForeignColumns", key.referenced_columns.iter().map(foreign));
        xml.references("ForeignTable", [table_name(referenced)]);
        if !key.trusted {
            xml.line("<Annotation Type=\"IsNotTrustedPropertyAnnotation\" />");
        }
    })
}

fn check_element(xml: &mut Xml, table: &Table, check: &CheckConstraint) -> Option<u64> {
    let name = check.name.as_deref().unwrap_or_default();
    xml.constraint("SqlCheckConstraint", &table.name.schema, name, |xml| {
        xml.script("CheckExpressionScript", "", &check.text);
        let columns = referenced_columns(table, &check.text);
        xml.references("CheckExpressionDependencies", columns.map(|column| column_name(table, column)));
        xml.references("DefiningTable", [table_name(&table.name)]);
        if !check.trusted {
            xml.line("<Annotation Type=\"IsNotTrustedPropertyAnnotation\" />");
        }
    })
}

fn index_element(xml: &mut Xml, table: &Table, index: &Index) {
    let name = column_name(table, &index.name);
    xml.element(&format!("Type=\"SqlIndex\" Name=\"{name}\""), |xml| {
        if index.unique {
            xml.property("IsUnique", "True");
        }
        if index.clustered {
            xml.property("IsClustered", "True");
        }
        if let Some(filter) = &index.filter {
            xml.script("FilterPredicate", "", filter);
        }
        if let Some(filter) = &index.filter {
            let columns = referenced_columns(table, filter);
            xml.references("BodyDependencies", columns.map(|column| column_name(table, column)));
        }
        index_columns(xml, table, &index.columns);
        if !index.included.is_empty() {
            let included = index.included.iter().map(|column| column_name(table, column));
            xml.references("IncludedColumns", included);
        }
        xml.references("IndexedObject", [table_name(&table.name)]);
    });
}

fn extended_property(xml: &mut Xml, table: &Table, property: &ExtendedProperty) {
    let (class, host) = match &property.column {
        Some(column) => ("SqlColumn", column_name(table, column)),
        None => ("SqlTableBase", table_name(&table.name)),
    };
    let name = escape(&bracketed(&[&property.name]));
    xml.element(&format!("Type=\"SqlExtendedProperty\" Name=\"[{class}].{host}.{name}\""), |xml| {
        xml.script("Value", "", &format!("N'{}'", property.value.replace('\'', "''")));
        xml.references("Host", [host.clone()]);
    });
}

fn alias_types(xml: &mut Xml, catalog: &Catalog) {
    for alias in &catalog.alias_types {
        let name = table_name(&alias.name);
        xml.element(&format!("Type=\"SqlUserDefinedDataType\" Name=\"{name}\""), |xml| {
            if !alias.nullable {
                xml.property("IsNullable", "False");
            }
            type_body(xml, &alias.base);
            schema_relationship(xml, &alias.name.schema);
        });
    }
}

fn sequence_element(xml: &mut Xml, sequence: &Sequence) {
    let name = table_name(&sequence.name);
    xml.element(&format!("Type=\"SqlSequence\" Name=\"{name}\""), |xml| {
        xml.property("Increment", &sequence.increment.to_string());
        xml.property("StartValue", &sequence.start.to_string());
        schema_relationship(xml, &sequence.name.schema);
        type_specifier(xml, "TypeSpecifier", &sequence.sql_type, None);
        if let Some(current) = sequence.current_value {
            xml.online_property("CurrentValue", current);
        }
    });
}

fn principals(xml: &mut Xml, catalog: &Catalog) {
    for principal in &catalog.principals {
        let name = escape(&bracketed(&[&principal.name]));
        xml.element(&format!("Type=\"SqlRole\" Name=\"{name}\""), |xml| {
            xml.relationship("Authorizer", |xml| xml.entry(|xml| xml.built_in("[dbo]")));
        });
    }
    for permission in &catalog.permissions {
        let grantee = escape(&bracketed(&[&permission.grantee]));
        let name = format!("[Grant.{}.Database].{grantee}.[dbo]", joined_words(&permission.permission));
        xml.element(&format!("Type=\"SqlPermissionStatement\" Name=\"{name}\""), |xml| {
            // 1088 is ViewDefinition in real files.
            xml.property("Permission", "1088");
            xml.references("Grantee", [grantee.clone()]);
            xml.relationship("SecuredObject", |xml| {
                xml.entry(|xml| xml.line("<References Disambiguator=\"1\" />"));
            });
        });
    }
}

/// `VIEW DEFINITION` as DacFx writes it: `ViewDefinition`.
fn joined_words(permission: &str) -> String {
    let mut joined = String::with_capacity(permission.len());
    for word in permission.split(' ') {
        let (first, rest) = word.split_at(word.len().min(1));
        joined.push_str(first);
        joined.push_str(&rest.to_ascii_lowercase());
    }
    joined
}

fn schema_relationship(xml: &mut Xml, schema: &str) {
    xml.relationship("Schema", |xml| {
        xml.entry(|xml| match schema {
            "dbo" => xml.built_in("[dbo]"),
            _ => xml.reference(&escape(&bracketed(&[schema]))),
        });
    });
}

/// The columns of the table that an expression names, in table order.
fn referenced_columns<'a>(table: &'a Table, expression: &'a str) -> impl Iterator<Item = &'a str> {
    let names = table.columns.iter().map(|column| column.name.as_str());
    names.filter(|name| expression.contains(&bracketed(&[name])))
}

/// `[dbo].[Order Details]`, ready for an attribute.
fn table_name(name: &ObjectName) -> String {
    escape(&bracketed(&[&name.schema, &name.name]))
}

/// `[dbo].[Orders].[OrderID]`, ready for an attribute; also the form of an index's name.
fn column_name(table: &Table, column: &str) -> String {
    escape(&bracketed(&[&table.name.schema, &table.name.name, column]))
}

//! Code objects: what `CREATE` said in front of the body stands in an annotation, as DacFx keeps it.

use super::writer::{Xml, bracketed};
use super::{schema_relationship, table_name, type_specifier};
use crate::shop::Script;
use mssql2pg_catalog::{CodeKind, Parameter};

/// A view, procedure, scalar function or trigger.
pub(super) fn script_element(xml: &mut Xml, script: &Script) {
    let (element, body) = match script.kind {
        CodeKind::View => ("SqlView", "QueryScript"),
        CodeKind::Trigger => ("SqlDmlTrigger", "BodyScript"),
        CodeKind::ScalarFunction => ("SqlScalarFunction", ""),
        _ => ("SqlProcedure", "BodyScript"),
    };
    let name = table_name(&script.name);
    let header = script.header.replace('\n', "\r\n");
    xml.element(&format!("Type=\"{element}\" Name=\"{name}\""), |xml| {
        if script.kind == CodeKind::Trigger {
            xml.property("IsUpdateTrigger", "True");
            xml.property("SqlTriggerType", "2");
        }
        if !body.is_empty() {
            xml.script(body, " QuotedIdentifiers=\"True\" AnsiNulls=\"True\"", script.body);
        }
        xml.property("IsAnsiNullsOn", "True");
        script_contents(xml, script, &name, &header);
        let length = header.encode_utf16().count() + script.body.replace('\n', "\r\n").encode_utf16().count();
        if script.kind != CodeKind::ScalarFunction {
            source_annotation(xml, length, &header);
        }
    });
}

/// What stands between a code object's own properties and its annotation.
fn script_contents(xml: &mut Xml, script: &Script, name: &str, header: &str) {
    let depends = |xml: &mut Xml, relationship: &str| {
        xml.references(relationship, script.references.iter().map(|name| (*name).to_owned()));
    };
    match script.kind {
        CodeKind::View => {
            xml.relationship("Columns", |xml| {
                for column in script.columns {
                    let name = format!("{name}.{}", bracketed(&[column]));
                    let element = format!("<Element Type=\"SqlComputedColumn\" Name=\"{name}\" />");
                    xml.entry(|xml| xml.line(&element));
                }
            });
            depends(xml, "QueryDependencies");
            schema_relationship(xml, &script.name.schema);
        }
        CodeKind::Trigger => {
            depends(xml, "BodyDependencies");
            if let Some(parent) = &script.parent {
                xml.references("Parent", [table_name(parent)]);
            }
        }
        CodeKind::ScalarFunction => {
            xml.relationship("FunctionBody", |xml| {
                xml.entry(|xml| {
                    xml.element("Type=\"SqlScriptFunctionImplementation\"", |xml| {
                        let quoting = " QuotedIdentifiers=\"True\" AnsiNulls=\"True\"";
                        xml.script("BodyScript", quoting, script.body);
                        let body = script.body.replace('\n', "\r\n");
                        let length = header.encode_utf16().count() + body.encode_utf16().count();
                        source_annotation(xml, length, header);
                    });
                });
            });
            depends(xml, "BodyDependencies");
            parameters(xml, name, &script.parameters);
            schema_relationship(xml, &script.name.schema);
            if let Some(returns) = &script.returns {
                type_specifier(xml, "Type", returns, None);
            }
        }
        _ => {
            depends(xml, "BodyDependencies");
            parameters(xml, name, &script.parameters);
            schema_relationship(xml, &script.name.schema);
        }
    }
}

fn parameters(xml: &mut Xml, owner: &str, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return;
    }
    xml.relationship("Parameters", |xml| {
        for parameter in parameters {
            let name = format!("{owner}.{}", bracketed(&[&parameter.name]));
            xml.entry(|xml| {
                xml.element(&format!("Type=\"SqlSubroutineParameter\" Name=\"{name}\""), |xml| {
                    if parameter.output {
                        xml.property("IsOutput", "True");
                    }
                    if let Some(default) = &parameter.default {
                        let quoting = " QuotedIdentifiers=\"True\" AnsiNulls=\"True\"";
                        xml.script("DefaultExpressionScript", quoting, default);
                    }
                    type_specifier(xml, "Type", &parameter.sql_type, None);
                });
            });
        }
    });
}

fn source_annotation(xml: &mut Xml, length: usize, header: &str) {
    xml.annotation("Type=\"SysCommentsObjectAnnotation\"", |xml| {
        xml.property("Length", &length.to_string());
        xml.property("StartLine", "1");
        xml.property("StartColumn", "1");
        xml.property("HeaderContents", header);
    });
}

//! Views, procedures, functions, triggers, table types, bound defaults and rules.
//!
//! The model has the body; `SysCommentsObjectAnnotation` has what stood before and after it. Line ends are line
//! feeds, as XML reads them: the original's CR is lost in the model already.

use super::grammar::{Element, last_part, with_line_feeds};
use super::object_name;
use super::tables::simple_column;
use super::types::Aliases;
use crate::SourceError;
use mssql2pg_catalog::{CodeKind, CodeObject, Parameter};

/// Properties that hold a body, most likely first.
const BODIES: &[&str] = &[
    "BodyScript",
    "QueryScript",
    "DefaultExpressionScript",
    "RuleExpressionScript",
    "ExpressionScript",
    "RuleScript",
];

/// The kind of code object that an element type means.
pub(super) fn code_kind(kind: &str) -> Option<CodeKind> {
    Some(match kind {
        "SqlView" => CodeKind::View,
        "SqlProcedure" => CodeKind::Procedure,
        "SqlScalarFunction" => CodeKind::ScalarFunction,
        "SqlInlineTableValuedFunction" => CodeKind::InlineTableFunction,
        "SqlMultiStatementTableValuedFunction" => CodeKind::TableFunction,
        "SqlDmlTrigger" => CodeKind::Trigger,
        "SqlDatabaseDdlTrigger" => CodeKind::DatabaseTrigger,
        "SqlTableType" => CodeKind::TableType,
        "SqlDefault" => CodeKind::BoundDefault,
        "SqlRule" => CodeKind::BoundRule,
        "SqlAggregate" => CodeKind::Aggregate,
        _ => return None,
    })
}

/// A code object of any kind.
pub(super) fn code_object(element: &Element, aliases: &Aliases) -> Result<CodeObject, SourceError> {
    let kind = code_kind(&element.kind).unwrap_or(CodeKind::Procedure);
    let parameters = element.elements("Parameters").map(|parameter| read_parameter(parameter, aliases));
    let returns = match kind {
        CodeKind::ScalarFunction => Some(aliases.specified(element, "Type")?.base),
        _ => None,
    };
    let mut object = CodeObject {
        kind,
        name: object_name(element.label()),
        parent: element.reference("Parent").map(object_name),
        parameters: parameters.collect::<Result<_, _>>()?,
        returns,
        text: String::new(),
        text_is_complete: false,
        missing_text: None,
    };
    if kind == CodeKind::TableType {
        object.text = table_type_text(element, aliases)?;
        return Ok(object);
    }
    // A function's body and annotation stand in an element of their own.
    let implementation = element.elements("FunctionBody").next().unwrap_or(element);
    let clr = implementation.kind.contains("Assembly") || implementation.kind.contains("Clr");
    match BODIES.iter().find_map(|name| implementation.property(name)) {
        Some(body) => {
            let around = |property| {
                let text = implementation.annotation("SysCommentsObjectAnnotation", None, property);
                text.map(with_line_feeds)
            };
            let header = around("HeaderContents");
            object.text_is_complete = header.is_some();
            let footer = header.as_ref().and_then(|_| around("FooterContents"));
            object.text = header.unwrap_or_default() + body + &footer.unwrap_or_default();
        }
        None if clr || element.reference("Assembly").is_some() || kind == CodeKind::Aggregate => {
            object.missing_text = Some("CLR".to_owned());
        }
        None => {
            object.missing_text = Some("not in the model: encrypted, or of a kind without text".to_owned())
        }
    }
    Ok(object)
}

fn read_parameter(element: &Element, aliases: &Aliases) -> Result<Parameter, SourceError> {
    Ok(Parameter {
        name: last_part(element.label()),
        sql_type: aliases.specified(element, "Type")?.base,
        output: element.flag("IsOutput"),
        default: element.property("DefaultExpressionScript").map(str::to_owned),
    })
}

/// The columns as `CREATE TYPE … AS TABLE` lists them: the model has no text of a table type.
fn table_type_text(element: &Element, aliases: &Aliases) -> Result<String, SourceError> {
    let mut lines = Vec::new();
    for column in element.elements("Columns") {
        let name = last_part(column.label()).replace(']', "]]");
        lines.push(match column.property("ExpressionScript") {
            Some(expression) => format!("[{name}] as {expression}"),
            None => {
                let column = simple_column(column, aliases)?;
                let null = if column.nullable { "null" } else { "not null" };
                format!("[{name}] {} {null}", column.sql_type)
            }
        });
    }
    for constraint in element.elements("Constraints") {
        let columns: Vec<_> = constraint
            .elements("ColumnSpecifications")
            .chain(constraint.elements("Columns"))
            .filter_map(|specification| specification.reference("Column"))
            .map(|name| format!("[{}]", last_part(name).replace(']', "]]")))
            .collect();
        let word = match constraint.kind.as_str() {
            kind if kind.contains("PrimaryKey") => "primary key",
            kind if kind.contains("Unique") => "unique",
            _ => continue,
        };
        lines.push(format!("{word} ({})", columns.join(", ")));
    }
    Ok(format!("table (\n    {}\n)", lines.join(",\n    ")))
}

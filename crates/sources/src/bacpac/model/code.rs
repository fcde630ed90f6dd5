//! Views, procedures, functions, triggers, table types, bound defaults and rules.
//!
//! The model has the body; `SysCommentsObjectAnnotation` has what stood before and after it. Line ends are line
//! feeds, as XML reads them: the original's CR is lost in the model already.

use super::grammar::{Element, last_part, with_line_feeds};
use super::object_name;
use super::tables::{computed_column, simple_column};
use super::types::Aliases;
use crate::SourceError;
use crate::table_type::{TypeKey, table_type_text};
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
        object.text = read_table_type(element, aliases)?;
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

/// The model has no text of a table type.
fn read_table_type(element: &Element, aliases: &Aliases) -> Result<String, SourceError> {
    let columns = element.elements("Columns").map(|column| match column.property("ExpressionScript") {
        Some(_) => Ok(computed_column(column)),
        None => simple_column(column, aliases),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut keys = Vec::new();
    for constraint in element.elements("Constraints") {
        let primary = constraint.kind.contains("PrimaryKey");
        if !primary && !constraint.kind.contains("Unique") {
            continue;
        }
        let specifications =
            constraint.elements("ColumnSpecifications").chain(constraint.elements("Columns"));
        let columns = specifications.filter_map(|found| found.reference("Column")).map(last_part).collect();
        keys.push(TypeKey { primary, columns });
    }
    Ok(table_type_text(&columns, &keys))
}

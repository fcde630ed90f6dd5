//! Code, synonyms, descriptions and permissions.

use super::{Statement, full, quote, text};
use crate::shop::Script;
use mssql2pg_catalog::{Permission, Synonym, Table};

/// The statement that creates a view, procedure, function or trigger, as its author wrote it.
pub(super) fn script(script: &Script) -> Statement {
    Statement::new(
        format!("create the {} {}", script.kind.label(), script.name),
        format!("{}{}", script.header, script.body),
    )
}

/// A synonym; its target stands in the catalog as it is written.
pub(super) fn synonym(synonym: &Synonym) -> Statement {
    Statement::new(
        format!("create the synonym {}", synonym.name),
        format!("create synonym {} for {}", full(&synonym.name), synonym.target),
    )
}

/// The extended properties of a table and its columns.
pub(super) fn table_properties(table: &Table) -> impl Iterator<Item = Statement> {
    table.extended_properties.iter().map(|property| {
        let mut sql = format!(
            "exec sys.sp_addextendedproperty @name = {}, @value = {}, @level0type = N'SCHEMA', \
             @level0name = {}, @level1type = N'TABLE', @level1name = {}",
            text(&property.name),
            text(&property.value),
            text(&table.name.schema),
            text(&table.name.name),
        );
        if let Some(column) = &property.column {
            sql.push_str(&format!(", @level2type = N'COLUMN', @level2name = {}", text(column)));
        }
        Statement::new(format!("describe {}", property.object), sql)
    })
}

/// A permission on the whole database, or on an object that the catalog names in words of its own.
pub(super) fn permission(permission: &Permission) -> Statement {
    let Permission { state, permission, object, grantee } = permission;
    let (verb, option) = match state.as_str() {
        "grant-with-grant-option" => ("grant", " with grant option"),
        "deny" => ("deny", ""),
        _ => ("grant", ""),
    };
    let on = object.as_ref().and_then(|object| object.split_once('.'));
    let on = on.map(|(schema, name)| format!(" on {}.{}", quote(schema), quote(name))).unwrap_or_default();
    Statement::new(
        format!("{verb} {permission} to {grantee}"),
        format!("{verb} {}{on} to {}{option}", permission.to_lowercase(), quote(grantee)),
    )
}

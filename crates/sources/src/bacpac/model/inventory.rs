//! The database's options, sequences, synonyms, extended properties, principals and permissions.

use super::grammar::{Element, Root, last_part, name_parts};
use super::object_name;
use super::types::Aliases;
use crate::SourceError;
use mssql2pg_catalog::{
    Catalog, Permission, Principal, PrincipalKind, RoleMembership, Sequence, SqlType, Synonym,
};

/// `SqlDatabaseOptions`.
pub(super) fn database_options(element: &Element, catalog: &mut Catalog) -> Result<(), SourceError> {
    catalog.database.collation = element.property("Collation").map(str::to_owned);
    catalog.database.compatibility_level = element.number("CompatibilityMode")?;
    Ok(())
}

/// The compatibility level where the options do not tell: it is then the default of the provider, for example 150
/// of `…Sql150DatabaseSchemaProvider`. Azure's provider has no number in its name.
pub(super) fn compatibility_level(root: &Root) -> Option<u16> {
    if let Some(level) = &root.compatibility {
        return level.parse().ok();
    }
    let provider = root.provider.as_deref()?;
    let version = provider.rsplit('.').next()?.strip_prefix("Sql")?.strip_suffix("DatabaseSchemaProvider")?;
    version.parse().ok()
}

/// `SqlSequence`. A bound that is not declared is absent.
pub(super) fn sequence(element: &Element, aliases: &Aliases) -> Result<Sequence, SourceError> {
    let sql_type = match element.related("TypeSpecifier").is_empty() {
        true => SqlType::BigInt,
        false => aliases.specified(element, "TypeSpecifier")?.base,
    };
    let current = element.annotation("OnlinePropertyAnnotation", Some("[CurrentValue]"), "Value");
    let increment = element.number("Increment")?.unwrap_or(1);
    let minimum = element.number("MinValue")?;
    let maximum: Option<i128> = element.number("MaxValue")?;
    let start = element.number("StartValue")?;
    Ok(Sequence {
        name: object_name(element.label()),
        sql_type,
        start: start.or(if increment < 0 { maximum } else { minimum }).unwrap_or(1),
        increment,
        minimum,
        maximum,
        cycle: element.flag("IsCycling") || element.flag("IsCycle"),
        current_value: current.and_then(|text| text.trim().parse().ok()),
    })
}

/// `SqlSynonym`: its text as written where the model has it, else the object that it was resolved to.
pub(super) fn synonym(element: &Element) -> Result<Synonym, SourceError> {
    let target = element.property("ForObjectScript").or_else(|| element.reference("ForObject"));
    let target = target.ok_or_else(|| element.damaged("it does not say what it stands for"))?;
    Ok(Synonym { name: object_name(element.label()), target: target.to_owned() })
}

/// An extended property and what it hangs on; where it belongs is known only when all tables are.
#[derive(Debug)]
pub(super) struct Described {
    /// The class of the host, for example `SqlColumn`.
    pub(super) class: String,
    /// The parts of the host's name.
    pub(super) host: Vec<String>,
    /// The property's name.
    pub(super) name: String,
    /// Its value as text.
    pub(super) value: String,
}

/// `SqlExtendedProperty`, named `[class].[host…].[property]`.
pub(super) fn extended_property(element: &Element) -> Described {
    let mut host = name_parts(element.label());
    let name = host.pop().unwrap_or_default();
    let class = if host.is_empty() { String::new() } else { host.remove(0) };
    let value = literal_text(element.property("Value").unwrap_or_default());
    Described { class, host, name, value }
}

/// What a T-SQL literal says: `N'it''s'` is `it's`. Numbers and binary stay as they are written.
fn literal_text(literal: &str) -> String {
    let literal = literal.trim();
    let unprefixed = literal.strip_prefix(['N', 'n']).unwrap_or(literal);
    match unprefixed.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(text) => text.replace("''", "'"),
        None => literal.to_owned(),
    }
}

/// The kind of principal that an element type means.
pub(super) fn principal_kind(kind: &str) -> Option<PrincipalKind> {
    Some(match kind {
        "SqlUser" => PrincipalKind::User,
        "SqlRole" => PrincipalKind::Role,
        "SqlApplicationRole" => PrincipalKind::ApplicationRole,
        "SqlLogin" => PrincipalKind::Login,
        _ => return None,
    })
}

/// A principal: its name and kind, never its password.
pub(super) fn principal(element: &Element, kind: PrincipalKind) -> Principal {
    Principal { name: last_part(element.label()), kind }
}

/// `SqlRoleMembership`.
pub(super) fn role_membership(element: &Element) -> RoleMembership {
    let part = |relationship| element.reference(relationship).map(last_part).unwrap_or_default();
    RoleMembership { role: part("Role"), member: part("Member") }
}

/// `SqlPermissionStatement`. Its name begins with action, permission and class:
/// `[Grant.ViewDefinition.Database].[public].[dbo]`; the `Permission` property is a code without a public list.
pub(super) fn permission(element: &Element) -> Permission {
    let words = name_parts(element.label()).into_iter().next().unwrap_or_default();
    let mut words = words.split('.');
    let action = words.next().unwrap_or_default();
    let permission = match words.next() {
        Some(word) => in_words(word),
        None => element.property("Permission").unwrap_or_default().to_owned(),
    };
    let state = match action {
        "Grant" => "grant",
        "Deny" => "deny",
        "Revoke" => "revoke",
        action if action.starts_with("GrantWith") => "grant-with-grant-option",
        _ => "grant",
    };
    Permission {
        state: state.to_owned(),
        permission,
        object: element.reference("SecuredObject").map(|name| name_parts(name).join(".")),
        grantee: element.reference("Grantee").map(last_part).unwrap_or_default(),
    }
}

/// `ViewDefinition` is `VIEW DEFINITION`, as T-SQL has it.
fn in_words(word: &str) -> String {
    let mut words = String::new();
    for character in word.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_uppercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_says_its_text() {
        let check = |literal: &str, expected: &str| assert_eq!(literal_text(literal), expected);
        check("N'it''s'", "it's");
        check("'plain'", "plain");
        check("1", "1");
        check("N", "N");
        check("'", "'");
    }

    #[test]
    fn a_permission_is_written_in_words() {
        assert_eq!(in_words("ViewDefinition"), "VIEW DEFINITION");
        assert_eq!(in_words("Select"), "SELECT");
    }
}

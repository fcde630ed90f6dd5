//! Type specifiers of the model, and alias types resolved to their base.
//!
//! Invariant: an alias type never reaches a column as its type; its name does, beside the base.

use super::grammar::{Element, Target, last_part, name_parts};
use super::object_name;
use crate::SourceError;
use mssql2pg_catalog::{AliasType, ObjectName, SqlType};
use std::collections::HashMap;

/// The alias types of the model by name.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    by_name: HashMap<ObjectName, SqlType>,
}

/// A type as declared: its base, and the alias it was declared with.
#[derive(Debug)]
pub(super) struct DeclaredType {
    pub(super) base: SqlType,
    pub(super) alias: Option<ObjectName>,
}

impl Aliases {
    /// Takes a `SqlUserDefinedDataType`, which has its specifier's properties itself.
    pub(super) fn declare(&mut self, element: &Element) -> Result<AliasType, SourceError> {
        let name = object_name(element.label());
        let declared = self.resolve(element)?;
        self.by_name.insert(name.clone(), declared.base.clone());
        Ok(AliasType { name, base: declared.base, nullable: element.flag_unless_false("IsNullable") })
    }

    /// The type in a relationship that leads to a `SqlTypeSpecifier` or `SqlXmlTypeSpecifier`.
    pub(super) fn specified(&self, owner: &Element, relationship: &str) -> Result<DeclaredType, SourceError> {
        let specifier = owner.elements(relationship).next();
        self.resolve(specifier.ok_or_else(|| owner.damaged("it has no type"))?)
    }

    fn resolve(&self, specifier: &Element) -> Result<DeclaredType, SourceError> {
        let Some(Target::Reference { name: Some(name), built_in }) = specifier.related("Type").first() else {
            return Err(specifier.damaged("it does not say which type it means"));
        };
        if !built_in {
            let alias = object_name(name);
            return Ok(match self.by_name.get(&alias) {
                Some(base) => DeclaredType { base: base.clone(), alias: Some(alias) },
                // A CLR type of the user's, or a table type as a parameter.
                None => {
                    DeclaredType { base: SqlType::Unknown { name: name_parts(name).join(".") }, alias: None }
                }
            });
        }
        let system = last_part(name);
        let base = SqlType::from_system(
            &system,
            specifier.number("Length")?,
            specifier.flag("IsMax"),
            specifier.number("Precision")?,
            specifier.number("Scale")?,
        );
        let alias = (system == "sysname").then(|| ObjectName::new("sys", "sysname"));
        Ok(DeclaredType { base: base.unwrap_or(SqlType::Unknown { name: system }), alias })
    }
}

//! What names mean at a place in a query.

use super::super::convert::{Family, family};
use super::Translator;
use crate::answer::Failure;
use mssql2pg_catalog::SqlType;
use sqlparser::ast::Ident;

/// An expression in SQLite's words, with SQL Server's type.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) sql: String,
    pub(super) sql_type: SqlType,
    pub(super) nullable: bool,
    /// Whether it is the word NULL, which takes any type.
    pub(super) is_null: bool,
}

impl Typed {
    /// An expression that may be NULL.
    pub(super) fn new(sql: impl Into<String>, sql_type: SqlType) -> Self {
        Self { sql: sql.into(), sql_type, nullable: true, is_null: false }
    }

    /// The family of its type.
    pub(super) fn family(&self) -> Family {
        family(&self.sql_type)
    }

    /// Whether it is text.
    pub(super) fn is_text(&self) -> bool {
        self.family() == Family::Text && !self.is_null
    }
}

/// A table, view, derived table or common table expression in a `from`.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// The name that the query knows it by.
    pub(super) name: String,
    /// Its schema, where it has no alias.
    pub(super) schema: Option<String>,
    pub(super) columns: Vec<RelationColumn>,
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub(super) struct RelationColumn {
    pub(super) name: String,
    /// The whole expression for SQLite.
    pub(super) sql: String,
    pub(super) sql_type: SqlType,
    pub(super) nullable: bool,
}

/// The relations that are in sight, from the inside out.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    pub(super) relations: Vec<Relation>,
    pub(super) parent: Option<&'a Scope<'a>>,
    /// The expressions of `group by`; none where nothing is grouped.
    pub(super) grouped: Option<Vec<String>>,
}

impl<'a> Scope<'a> {
    /// A scope inside another.
    pub(super) fn inside(parent: Option<&'a Scope<'a>>) -> Self {
        Self { parent, ..Self::default() }
    }
}

impl Translator<'_> {
    /// The column that a name of one or more parts means, and whether it is of the innermost scope.
    ///
    /// # Errors
    /// 207, 209, 4104.
    pub(super) fn column(&self, name: &[Ident], scope: &Scope<'_>) -> Result<(Typed, bool), Failure> {
        let Some((column, qualifier)) = name.split_last() else {
            return Err(Failure::new(207, "Invalid column name ''."));
        };
        let mut at = Some(scope);
        let mut innermost = true;
        let mut relation_found = false;
        while let Some(scope) = at {
            let relations = scope.relations.iter().filter(|relation| self.is_named(relation, qualifier));
            let mut found = Vec::new();
            for relation in relations {
                relation_found = true;
                found.extend(relation.columns.iter().filter(|found| self.same(&found.name, &column.value)));
            }
            match found.as_slice() {
                [] => {}
                [found] => {
                    let typed = Typed {
                        nullable: found.nullable,
                        ..Typed::new(found.sql.clone(), found.sql_type.clone())
                    };
                    return Ok((typed, innermost));
                }
                _ => return Err(Failure::new(209, format!("Ambiguous column name '{}'.", column.value))),
            }
            // A relation of that name hides those outside.
            if relation_found && !qualifier.is_empty() {
                break;
            }
            at = scope.parent;
            innermost = false;
        }
        if qualifier.is_empty() || relation_found {
            return Err(Failure::new(207, format!("Invalid column name '{}'.", column.value)));
        }
        let written: Vec<_> = name.iter().map(|part| part.value.as_str()).collect();
        Err(Failure::new(
            4104,
            format!("The multi-part identifier \"{}\" could not be bound.", written.join(".")),
        ))
    }

    /// Whether a qualifier means the relation; an empty one means each.
    pub(super) fn is_named(&self, relation: &Relation, qualifier: &[Ident]) -> bool {
        match qualifier {
            [] => true,
            [name] => self.same(&relation.name, &name.value),
            [.., schema, name] => {
                self.same(&relation.name, &name.value)
                    && relation.schema.as_deref().is_some_and(|found| self.same(found, &schema.value))
            }
        }
    }
}

//! Keys, foreign keys, checks, defaults and indexes.
//!
//! A constraint that the server named has no `Name`; `SqlInlineConstraintAnnotation` then has it. A constraint that
//! the server has not checked has `IsNotTrustedPropertyAnnotation`.

use super::grammar::{Element, last_part};
use super::object_name;
use crate::SourceError;
use mssql2pg_catalog::{
    CheckConstraint, DefaultValue, ForeignKey, Index, IndexColumn, IndexKind, Key, ReferentialAction,
};

fn constraint_name(element: &Element) -> Option<String> {
    let name = element.name.as_deref().or_else(|| element.annotation_name("SqlInlineConstraintAnnotation"));
    name.map(last_part)
}

fn trusted(element: &Element) -> bool {
    !element.annotated("IsNotTrustedPropertyAnnotation")
        && !element.flag("IsNotTrusted")
        && !disabled(element)
}

fn disabled(element: &Element) -> bool {
    element.flag("IsDisabled")
}

/// `SqlPrimaryKeyConstraint` and `SqlUniqueConstraint`, which differ in what clustering defaults to.
pub(super) fn key(element: &Element, clustered: bool) -> Result<Key, SourceError> {
    let columns = key_columns(element)?;
    if columns.is_empty() {
        return Err(element.damaged("it has no columns"));
    }
    Ok(Key { name: constraint_name(element), columns, clustered })
}

fn key_columns(element: &Element) -> Result<Vec<IndexColumn>, SourceError> {
    let specifications = element.elements("ColumnSpecifications");
    specifications
        .map(|specification| {
            let column = specification.reference("Column");
            let name = last_part(column.ok_or_else(|| element.damaged("one of its columns has no name"))?);
            let descending =
                specification.flag("IsDescending") || specification.property("IsAscending") == Some("False");
            Ok(IndexColumn { name, descending })
        })
        .collect()
}

/// `SqlForeignKeyConstraint`.
pub(super) fn foreign_key(element: &Element) -> Result<ForeignKey, SourceError> {
    let referenced = element.reference("ForeignTable");
    Ok(ForeignKey {
        name: constraint_name(element),
        columns: element.references("Columns").map(last_part).collect(),
        referenced_table: object_name(
            referenced.ok_or_else(|| element.damaged("it does not say which table it refers to"))?,
        ),
        referenced_columns: element.references("ForeignColumns").map(last_part).collect(),
        on_delete: action(element, "OnDeleteAction")?,
        on_update: action(element, "OnUpdateAction")?,
        trusted: trusted(element),
        disabled: disabled(element),
    })
}

/// 1 is seen in real models, 2 and 3 follow DacFx' order of the actions.
fn action(element: &Element, property: &str) -> Result<ReferentialAction, SourceError> {
    match element.property(property) {
        None | Some("0") => Ok(ReferentialAction::NoAction),
        Some("1") => Ok(ReferentialAction::Cascade),
        Some("2") => Ok(ReferentialAction::SetNull),
        Some("3") => Ok(ReferentialAction::SetDefault),
        Some(_) => Err(element.damaged(&format!("its {property} is none that we know"))),
    }
}

/// `SqlCheckConstraint`.
pub(super) fn check_constraint(element: &Element) -> Result<CheckConstraint, SourceError> {
    let text = element.property("CheckExpressionScript");
    Ok(CheckConstraint {
        name: constraint_name(element),
        text: text.ok_or_else(|| element.damaged("it has no condition"))?.to_owned(),
        trusted: trusted(element),
        disabled: disabled(element),
    })
}

/// `SqlDefaultConstraint`: the column's name and the default.
pub(super) fn default_value(element: &Element) -> Result<(String, DefaultValue), SourceError> {
    let column =
        element.reference("ForColumn").ok_or_else(|| element.damaged("it does not say for which column"))?;
    let text =
        element.property("DefaultExpressionScript").ok_or_else(|| element.damaged("it has no expression"))?;
    Ok((last_part(column), DefaultValue { name: constraint_name(element), text: text.to_owned() }))
}

/// The kind of index that an element type means. `SqlIndex`, `SqlXmlIndex` and `SqlFullTextIndex` are seen in real
/// models; the others carry DacFx' names.
pub(super) fn index_kind(kind: &str) -> Option<IndexKind> {
    Some(match kind {
        "SqlIndex" => IndexKind::BTree,
        "SqlColumnStoreIndex" => IndexKind::Columnstore,
        "SqlXmlIndex" | "SqlSelectiveXmlIndex" => IndexKind::Xml,
        "SqlSpatialIndex" => IndexKind::Spatial,
        "SqlFullTextIndex" => IndexKind::FullText,
        _ => return None,
    })
}

/// An index of any kind.
pub(super) fn index(element: &Element) -> Result<Index, SourceError> {
    let mut kind = index_kind(&element.kind).unwrap_or(IndexKind::BTree);
    if kind == IndexKind::BTree && element.property("BucketCount").is_some() {
        kind = IndexKind::Hash;
    }
    let mut columns = key_columns(element)?;
    // XML and spatial indexes name one column, full-text indexes hold specifiers.
    let plain = element.references("Column").chain(element.references("Columns"));
    let specified = element.elements("Columns").filter_map(|specifier| specifier.reference("Column"));
    columns
        .extend(plain.chain(specified).map(|name| IndexColumn { name: last_part(name), descending: false }));
    Ok(Index {
        // A full-text index has its table's name.
        name: last_part(element.label()),
        kind,
        unique: element.flag("IsUnique"),
        clustered: element.flag("IsClustered"),
        columns,
        included: element.references("IncludedColumns").map(last_part).collect(),
        filter: element.property("FilterPredicate").map(str::to_owned),
        disabled: disabled(element),
    })
}

//! Schemas, alias types, sequences, synonyms, principals, permissions, and what is only counted and named.

use super::super::cells::{Answer, AnswerRow};
use super::server::Release;
use super::{Reader, Server, in_model_order, types};
use crate::SourceError;
use mssql2pg_catalog::{
    AliasType, Catalog, ObjectName, OtherObject, Permission, Principal, PrincipalKind, RoleMembership,
    Sequence, SqlType, Synonym,
};

/// The schemas of users.
pub(super) fn schemas(reader: &mut Reader<'_>) -> Result<Vec<String>, SourceError> {
    let answer = reader.ask("schemas", include_str!("../queries/schemas.sql"))?;
    let mut found = answer.rows().map(|row| row.name("name")).collect::<Result<Vec<_>, _>>()?;
    found.sort_by_cached_key(|name| name.to_lowercase());
    Ok(found)
}

/// The alias types.
pub(super) fn alias_types(reader: &mut Reader<'_>) -> Result<Vec<AliasType>, SourceError> {
    let answer = reader.ask("alias types", include_str!("../queries/alias_types.sql"))?;
    let mut found = Vec::new();
    for row in answer.rows() {
        let name = object_name(row, &reader.server)?;
        let base = row.text("base_name")?;
        let base = reader.server.visible(base, "the base type", &name.to_string())?;
        let nullable = row.flag("is_nullable")?;
        found.push(AliasType { base: types::sized(row, &base)?, name, nullable });
    }
    found.sort_by_cached_key(|alias| place(&alias.name));
    Ok(found)
}

/// Reads sequences, synonyms, principals and permissions into the catalog.
pub(super) fn read(reader: &mut Reader<'_>, catalog: &mut Catalog) -> Result<(), SourceError> {
    let sequences = reader.ask("sequences", include_str!("../queries/sequences.sql"))?;
    for row in sequences.rows() {
        catalog.sequences.push(sequence(row, &reader.server)?);
    }
    catalog.sequences.sort_by_cached_key(|sequence| place(&sequence.name));
    let synonyms = reader.ask("synonyms", include_str!("../queries/synonyms.sql"))?;
    for row in synonyms.rows() {
        let name = object_name(row, &reader.server)?;
        let target = row.text("base_object_name")?;
        let target = reader.server.text(target, "the target", &name.to_string())?;
        catalog.synonyms.push(Synonym { name, target });
    }
    catalog.synonyms.sort_by_cached_key(|synonym| place(&synonym.name));
    let principals = reader.ask("principals", include_str!("../queries/principals.sql"))?;
    for row in principals.rows() {
        let kind = principal_kind(row.name("type")?.trim());
        catalog.principals.push(Principal { name: row.name("name")?, kind });
    }
    catalog.principals.sort_by_cached_key(|principal| principal.name.to_lowercase());
    let members = reader.ask("members of roles", include_str!("../queries/role_members.sql"))?;
    for row in members.rows() {
        catalog
            .role_memberships
            .push(RoleMembership { role: row.name("role_name")?, member: row.name("member_name")? });
    }
    let answer = reader.ask("permissions", include_str!("../queries/permissions.sql"))?;
    catalog.permissions = permissions(&answer)?;
    Ok(())
}

fn object_name(row: AnswerRow<'_>, server: &Server) -> Result<ObjectName, SourceError> {
    let name = row.name("name")?;
    let schema = server.visible(row.text("schema_name")?, "the schema", &name)?;
    Ok(ObjectName::new(schema, name))
}

fn place(name: &ObjectName) -> Vec<String> {
    in_model_order([name.schema.as_str(), &name.name])
}

/// The server always has bounds; those of the type itself are the ones that nobody declared.
pub(super) fn sequence(row: AnswerRow<'_>, server: &Server) -> Result<Sequence, SourceError> {
    let name = object_name(row, server)?;
    let shown = name.to_string();
    let base = server.visible(row.text("base_name")?, "the type", &shown)?;
    let size = types::Size {
        bytes: 0,
        precision: row.int("precision")?.unwrap_or(0),
        scale: row.int("scale")?.unwrap_or(0),
    };
    let sql_type = types::system_type(&base, size);
    let (lowest, highest) = bounds(&sql_type);
    let number = |column: &str| -> Result<i128, SourceError> {
        row.large(column)?.ok_or_else(|| server.hidden(column, &shown))
    };
    Ok(Sequence {
        start: number("start_value")?,
        increment: number("increment_value")?,
        minimum: Some(number("minimum_value")?).filter(|minimum| Some(*minimum) != lowest),
        maximum: Some(number("maximum_value")?).filter(|maximum| Some(*maximum) != highest),
        cycle: row.flag("is_cycling")?,
        current_value: row.large("current_value")?,
        sql_type,
        name,
    })
}

/// The least and the greatest number of a type that a sequence may have.
fn bounds(sql_type: &SqlType) -> (Option<i128>, Option<i128>) {
    let (lowest, highest) = match sql_type {
        SqlType::TinyInt => (0, i128::from(u8::MAX)),
        SqlType::SmallInt => (i128::from(i16::MIN), i128::from(i16::MAX)),
        SqlType::Int => (i128::from(i32::MIN), i128::from(i32::MAX)),
        SqlType::BigInt => (i128::from(i64::MIN), i128::from(i64::MAX)),
        SqlType::Decimal { precision, .. } => match 10i128.checked_pow(u32::from(*precision)) {
            Some(power) => (1 - power, power - 1),
            None => return (None, None),
        },
        _ => return (None, None),
    };
    (Some(lowest), Some(highest))
}

/// `sys.database_principals.type`: roles and application roles; all others are users of some authentication.
fn principal_kind(letter: &str) -> PrincipalKind {
    match letter {
        "R" => PrincipalKind::Role,
        "A" => PrincipalKind::ApplicationRole,
        _ => PrincipalKind::User,
    }
}

/// In the order of a model, which names a permission `[Grant.ViewDefinition.Database].[grantee].[grantor].[object…]`.
pub(super) fn permissions(answer: &Answer) -> Result<Vec<Permission>, SourceError> {
    let mut found = Vec::new();
    for row in answer.rows() {
        let (state, word) = match row.name("state")?.trim() {
            "D" => ("deny", "Deny"),
            "R" => ("revoke", "Revoke"),
            "W" => ("grant-with-grant-option", "GrantWithGrant"),
            _ => ("grant", "Grant"),
        };
        let permission = row.name("permission_name")?;
        let grantee = row.name("grantee_name")?;
        let (class, parts) = secured(row)?;
        let words = format!("{word}.{}.{class}", permission.replace(' ', ""));
        let grantor = row.text("grantor_name")?.unwrap_or_default();
        let order = [words.as_str(), &grantee, grantor].into_iter().chain(parts.iter().map(String::as_str));
        let order = in_model_order(order);
        let object = (!parts.is_empty()).then(|| parts.join("."));
        found.push((order, Permission { state: state.to_owned(), permission, object, grantee }));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found.into_iter().map(|(_, permission)| permission).collect())
}

/// What a permission is on: the class as a model writes it, and the parts of the name; none for the database.
fn secured(row: AnswerRow<'_>) -> Result<(&'static str, Vec<String>), SourceError> {
    let text = |column: &str| row.text(column).map(|text| text.unwrap_or_default().to_owned());
    let owned = |schema: &str, name: &str| Ok::<_, SourceError>(vec![text(schema)?, text(name)?]);
    Ok(match row.id("class")? {
        0 => ("Database", Vec::new()),
        1 => {
            let mut parts = owned("object_schema", "object_name")?;
            parts.extend(row.text("column_name")?.map(str::to_owned));
            ("Object", parts)
        }
        3 => ("Schema", vec![text("schema_name")?]),
        4 => ("Principal", vec![text("principal_name")?]),
        6 => ("Type", owned("type_schema", "type_name")?),
        10 => ("XmlSchemaCollection", owned("collection_schema", "collection_name")?),
        _ => {
            let class = text("class_desc")?.to_lowercase().replace('_', " ");
            ("", vec![format!("{class} {}", row.id("major_id")?)])
        }
    })
}

/// Objects that are only counted and named: by name as in a model, those of indexes at the end.
pub(super) fn others(
    reader: &mut Reader<'_>,
    catalog: &mut Catalog,
    mut indexes: Vec<(Vec<String>, OtherObject)>,
) -> Result<(), SourceError> {
    let mut answers = vec![
        reader.ask("other objects", include_str!("../queries/other_objects.sql"))?,
        reader.ask_since(
            Release::V2016,
            "other objects",
            include_str!("../queries/other_objects_2016.sql"),
        )?,
    ];
    if reader.server.is_instance() {
        answers.push(reader.ask("objects of the instance", include_str!("../queries/instance_objects.sql"))?);
    }
    let mut found = Vec::new();
    for row in answers.iter().flat_map(Answer::rows) {
        let columns = ["schema_name", "name", "part_name"];
        let parts = columns.into_iter().map(|column| row.text(column));
        let parts: Vec<&str> = parts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let name = parts.join(".");
        found.push((in_model_order(parts), OtherObject { kind: row.name("kind")?, name }));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    indexes.sort_by(|a, b| a.0.cmp(&b.0));
    catalog.other = found.into_iter().chain(indexes).map(|(_, object)| object).collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_type() {
        assert_eq!(bounds(&SqlType::TinyInt), (Some(0), Some(255)));
        assert_eq!(bounds(&SqlType::Decimal { precision: 3, scale: 0 }), (Some(-999), Some(999)));
        let (lowest, highest) = bounds(&SqlType::Decimal { precision: 38, scale: 0 });
        assert_eq!((lowest, highest), (Some(1 - 10i128.pow(38)), Some(10i128.pow(38) - 1)));
        assert_eq!(bounds(&SqlType::Bit), (None, None));
    }
}

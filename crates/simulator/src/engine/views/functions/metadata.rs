//! Functions about objects: `object_id`, `object_name`, `objectproperty` and their like.

use super::super::cell::{Cell, variant};
use super::super::names::{NamedObject, name_parts, optional};
use super::super::types::{numbers, parse_type};
use super::rights::may_see;
use super::{Call, Function, function, some};

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    function("object_id", (1, 2), "int", |call| Ok(optional(object_id(call)))),
    function("object_name", (1, 2), "sysname", |call| {
        Ok(some(visible_object(call, 0).map(|object| object.name.clone())))
    }),
    function("object_schema_name", (1, 2), "sysname", |call| {
        Ok(some(visible_object(call, 0).map(|object| object.schema.clone())))
    }),
    function("object_definition", (1, 1), "nvarchar(max)", |call| {
        let object = visible_object(call, 0).filter(|_| call.session.rights.view_definition);
        Ok(some(object.and_then(|object| object.definition.clone())))
    }),
    function("schema_name", (0, 1), "sysname", |call| {
        let Some(id) = (if call.arguments.is_empty() { Some(1) } else { call.id(0) }) else {
            return Ok(Cell::Null);
        };
        let found = call.state.names.schemas.iter().find(|(_, found)| *found == id);
        Ok(some(found.map(|(name, _)| name.clone())))
    }),
    function("schema_id", (0, 1), "int", |call| {
        if call.arguments.is_empty() {
            return Ok(Cell::Integer(1));
        }
        Ok(optional(call.text(0).and_then(|name| call.state.names.schema_id(&name))))
    }),
    function("type_name", (1, 1), "sysname", |call| {
        let id = call.id(0);
        let found = call.state.names.types.iter().find(|found| Some(found.id) == id);
        Ok(some(found.map(|found| found.name.clone())))
    }),
    function("type_id", (1, 1), "int", |call| {
        let parts = call.text(0).map(|name| name_parts(&name)).unwrap_or_default();
        Ok(optional(match parts.as_slice() {
            [name] => call.state.names.type_id(None, name),
            [schema, name] => call.state.names.type_id(Some(schema), name),
            _ => None,
        }))
    }),
    function("col_name", (2, 2), "sysname", |call| {
        let object = call.id(0).filter(|id| may_see(call, *id));
        let columns = object.and_then(|object| call.state.names.columns.get(&object));
        let wanted = call.id(1);
        let found = columns.and_then(|columns| columns.iter().find(|column| Some(column.id) == wanted));
        Ok(some(found.map(|column| column.name.clone())))
    }),
    function("col_length", (2, 2), "smallint", |call| {
        let object = call.text(0).and_then(|name| call.state.names.find_written(&name));
        let object = object.filter(|id| may_see(call, *id));
        let column =
            object.zip(call.text(1)).and_then(|(object, name)| call.state.names.column(object, &name));
        Ok(optional(column.map(|column| numbers(&column.sql_type).max_length)))
    }),
    function("objectproperty", (2, 2), "int", |call| Ok(object_property(call))),
    function("objectpropertyex", (2, 2), "sql_variant", |call| {
        let property = call.text(1).unwrap_or_default();
        if property.eq_ignore_ascii_case("BaseType") {
            let kind = visible_object(call, 0).map(|object| format!("{:2}", object.kind));
            return Ok(variant("char(2)", some(kind)));
        }
        if property.eq_ignore_ascii_case("Cardinality") {
            let object = visible_object(call, 0);
            return Ok(variant(
                "bigint",
                some(object.and_then(|object| super::server::rows_of(call, object))),
            ));
        }
        Ok(variant("int", object_property(call)))
    }),
    function("columnproperty", (3, 3), "int", |call| Ok(column_property(call))),
    function("indexproperty", (3, 3), "int", |call| {
        let indexes = call.id(0).and_then(|table| call.state.names.indexes.get(&table));
        let found = indexes.zip(call.text(1)).and_then(|(indexes, name)| {
            indexes.iter().find(|index| call.state.names.same(&index.name, &name))
        });
        let Some(index) = found else { return Ok(Cell::Null) };
        Ok(match call.text(2).unwrap_or_default().to_ascii_lowercase().as_str() {
            "indexid" => Cell::Integer(index.id.into()),
            "isclustered" => Cell::Integer(index.clustered.into()),
            "isunique" => Cell::Integer(index.unique.into()),
            "isdisabled" => Cell::Integer(index.disabled.into()),
            "ishypothetical" | "isstatistics" | "isautostatistics" | "ispadindex" => Cell::Integer(0),
            "indexdepth" => Cell::Integer(1),
            _ => Cell::Null,
        })
    }),
    function("typeproperty", (2, 2), "int", |call| {
        let sql_type = call.text(0).and_then(|name| parse_type(&name));
        let Some(numbers) = sql_type.map(|sql_type| numbers(&sql_type)) else { return Ok(Cell::Null) };
        Ok(match call.text(1).unwrap_or_default().to_ascii_lowercase().as_str() {
            "precision" => Cell::Integer(numbers.precision.into()),
            "scale" => Cell::Integer(numbers.scale.into()),
            "allowsnull" => Cell::Integer(1),
            _ => Cell::Null,
        })
    }),
    function("ident_current", (1, 1), "numeric(38,0)", |call| Ok(identity_fact(call, 2))),
    function("ident_seed", (1, 1), "numeric(38,0)", |call| Ok(identity_fact(call, 0))),
    function("ident_incr", (1, 1), "numeric(38,0)", |call| Ok(identity_fact(call, 1))),
];

fn object_id(call: &Call<'_>) -> Option<i32> {
    let written = call.text(0)?;
    let parts = name_parts(&written);
    if let [database, _, _] = parts.as_slice()
        && !database.is_empty()
        && !call.state.names.same(database, &call.state.facts.database_name)
    {
        return None;
    }
    let id = call.state.names.find_written(&written).filter(|id| may_see(call, *id))?;
    let kind = call.text(1);
    let object = call.state.names.object(id)?;
    kind.is_none_or(|kind| kind.trim_end().eq_ignore_ascii_case(object.kind)).then_some(id)
}

fn visible_object<'a>(call: &'a Call<'_>, at: usize) -> Option<&'a NamedObject> {
    let id = call.id(at).filter(|id| may_see(call, *id))?;
    call.state.names.object(id)
}

fn object_property(call: &Call<'_>) -> Cell {
    let Some(object) = visible_object(call, 0) else { return Cell::Null };
    let is = |kinds: &[&str]| Cell::Integer(kinds.contains(&object.kind).into());
    let names = &call.state.names;
    let columns = || names.columns.get(&object.id).map(Vec::as_slice).unwrap_or_default();
    let indexes = || names.indexes.get(&object.id).map(Vec::as_slice).unwrap_or_default();
    match call.text(1).unwrap_or_default().to_ascii_lowercase().as_str() {
        "istable" => is(&["U", "S"]),
        "isusertable" => is(&["U"]),
        "isview" => is(&["V"]),
        "isprocedure" => is(&["P", "PC"]),
        "isscalarfunction" => is(&["FN", "FS"]),
        "istablefunction" => is(&["TF", "FT", "IF"]),
        "isinlinefunction" => is(&["IF"]),
        "istrigger" => is(&["TR", "TA"]),
        "isdefault" | "isdefaultcnst" => is(&["D"]),
        "ischeckcnst" => is(&["C"]),
        "isforeignkey" => is(&["F"]),
        "isprimarykey" => is(&["PK"]),
        "isuniquecnst" => is(&["UQ"]),
        "isrule" => is(&["R"]),
        "issystemtable" => is(&["S"]),
        "ismsshipped" => Cell::Integer(object.is_system().into()),
        "ownerid" => Cell::Integer(1),
        "schemaid" => Cell::Integer(object.schema_id.into()),
        "tablehasidentity" => Cell::Integer(columns().iter().any(|column| column.identity).into()),
        "tablehasindex" => Cell::Integer((!indexes().is_empty()).into()),
        "tablehasclustindex" => Cell::Integer(indexes().iter().any(|index| index.clustered).into()),
        "tablehasprimarykey" => {
            let ids = names.object_ids();
            let found = ids.iter().filter_map(|id| names.object(*id));
            let mut found = found.filter(|child| child.parent == object.id);
            Cell::Integer(found.any(|child| child.kind == "PK").into())
        }
        "execisquotedidenton" | "execisansinullson" | "isansinullson" | "isquotedidenton" => Cell::Integer(1),
        "isencrypted" => Cell::Integer(object.definition.is_none().into()),
        "isschemabound" => {
            let text = object.definition.as_deref().unwrap_or_default().to_ascii_lowercase();
            Cell::Integer(text.contains("with schemabinding").into())
        }
        "tabletemporaltype" | "tableismemoryoptimized" | "istabletype" => Cell::Integer(0),
        _ => Cell::Null,
    }
}

fn column_property(call: &Call<'_>) -> Cell {
    let column = call.id(0).filter(|id| may_see(call, *id)).zip(call.text(1));
    let column = column.and_then(|(object, name)| call.state.names.column(object, &name));
    let Some(column) = column else { return Cell::Null };
    let sizes = numbers(&column.sql_type);
    Cell::Integer(match call.text(2).unwrap_or_default().to_ascii_lowercase().as_str() {
        "allowsnull" => column.nullable.into(),
        "columnid" => column.id.into(),
        "isidentity" => column.identity.into(),
        "iscomputed" => column.computed.into(),
        "isrowguidcol" => column.rowguid.into(),
        "issparse" => column.sparse.into(),
        "isidnotforrepl"
        | "ishidden"
        | "iscolumnset"
        | "isxmlindexable"
        | "isfulltextindexed"
        | "generatedalwaystype" => 0,
        "isdeterministic" | "isprecise" | "isindexable" => 1,
        "precision" if sizes.precision == 0 => match sizes.system_type_id {
            231 | 239 => (sizes.max_length / 2).into(),
            _ => sizes.max_length.into(),
        },
        "precision" => sizes.precision.into(),
        "scale" => sizes.scale.into(),
        "charmaxlen" => match sizes.system_type_id {
            231 | 239 if sizes.max_length > 0 => (sizes.max_length / 2).into(),
            165 | 167 | 173 | 175 | 231 | 239 => sizes.max_length.into(),
            _ => return Cell::Null,
        },
        _ => return Cell::Null,
    })
}

/// Seed, increment or last value of a table's identity column.
fn identity_fact(call: &Call<'_>, which: usize) -> Cell {
    let object = call.text(0).and_then(|name| call.state.names.find_written(&name));
    let facts = object.filter(|id| may_see(call, *id)).and_then(|id| call.state.names.identities.get(&id));
    let Some((seed, increment, last)) = facts else { return Cell::Null };
    let number = match which {
        0 => *seed,
        1 => *increment,
        _ => last.unwrap_or(*seed),
    };
    super::super::cell::wide_integer(number)
}

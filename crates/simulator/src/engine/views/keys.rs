//! Constraints: keys, foreign keys and checks, and the names that the server makes up.

use super::definition::View;
use super::fill::{Fill, row, text};
use super::indexes::{IndexFacts, add_index};
use super::objects::OBJECT;
use mssql2pg_catalog::{ForeignKey, IndexColumn, IndexKind, ReferentialAction, Table};

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::of_object(
        "sys.key_constraints",
        "parent_object_id",
        &[OBJECT, "unique_index_id:int? is_system_named:bit 2017/is_enforced:bit?"],
    ),
    View::of_object(
        "sys.check_constraints",
        "parent_object_id",
        &[
            OBJECT,
            "is_disabled:bit is_not_for_replication:bit is_not_trusted:bit parent_column_id:int \
            definition:nvarchar(max)? uses_database_collation:bit? is_system_named:bit",
        ],
    ),
    View::of_object(
        "sys.foreign_keys",
        "parent_object_id",
        &[
            OBJECT,
            "referenced_object_id:int? key_index_id:int? is_disabled:bit is_not_for_replication:bit \
            is_not_trusted:bit delete_referential_action:tinyint? delete_referential_action_desc:nvarchar(60)? \
            update_referential_action:tinyint? update_referential_action_desc:nvarchar(60)? is_system_named:bit",
        ],
    ),
    View::of_object(
        "sys.foreign_key_columns",
        "parent_object_id",
        &["constraint_object_id:int constraint_column_id:int parent_object_id:int parent_column_id:int \
           referenced_object_id:int referenced_column_id:int"],
    ),
];

/// Fills foreign keys and checks; keys are filled with the indexes that stand behind them.
pub(super) fn fill(fill: &mut Fill<'_>) {
    for table in &fill.catalog.tables {
        let Some(id) = fill.names.table_id(&table.name) else { continue };
        for check in &table.checks {
            let column = only_column(table, &check.text);
            let column_name = column.and_then(|at| table.columns.get(at)).map(|column| column.name.as_str());
            let (name, is_system_named) =
                system_named(fill, check.name.as_deref(), "CK", &table.name.name, column_name);
            let object = fill.new_object(&table.name.schema, &name, "C", id);
            // The server keeps parentheses around the whole condition; a model does not.
            let definition = format!("({})", check.text);
            fill.names.define(object, &definition);
            let more = row![
                "is_disabled" => check.disabled, "is_not_trusted" => !check.trusted,
                "parent_column_id" => column.map_or(0, |at| i64::try_from(at + 1).unwrap_or(0)),
                "definition" => text(&definition), "uses_database_collation" => false,
                "is_system_named" => is_system_named,
            ];
            let cells = [fill.object_row(object), more].concat();
            fill.add("sys.check_constraints", cells);
        }
        for key in &table.foreign_keys {
            add_foreign_key(fill, id, table, key);
        }
    }
}

/// The place of the only column that a check names: then it is the column's.
fn only_column(table: &Table, condition: &str) -> Option<usize> {
    let folded = condition.to_lowercase();
    let named = |name: &str| folded.contains(&format!("[{}]", name.to_lowercase()));
    let mut found = table.columns.iter().enumerate().filter(|(_, column)| named(&column.name));
    let first = found.next()?.0;
    found.next().is_none().then_some(first)
}

fn add_foreign_key(fill: &mut Fill<'_>, id: i32, table: &Table, key: &ForeignKey) {
    let first = key.columns.first().map(String::as_str);
    let (name, is_system_named) = system_named(fill, key.name.as_deref(), "FK", &table.name.name, first);
    let object = fill.new_object(&table.name.schema, &name, "F", id);
    let referenced = fill.names.table_id(&key.referenced_table).unwrap_or(0);
    let column_id = |table: i32, name: &str| fill.names.column(table, name).map_or(0, |column| column.id);
    let pairs: Vec<_> = key.columns.iter().zip(&key.referenced_columns).collect();
    let pairs: Vec<_> =
        pairs.iter().map(|(from, to)| (column_id(id, from), column_id(referenced, to))).collect();
    let (delete, delete_desc) = action(key.on_delete);
    let (update, update_desc) = action(key.on_update);
    let more = row![
        "referenced_object_id" => referenced, "key_index_id" => key_index(fill, key),
        "is_disabled" => key.disabled, "is_not_trusted" => !key.trusted,
        "delete_referential_action" => delete, "delete_referential_action_desc" => text(delete_desc),
        "update_referential_action" => update, "update_referential_action_desc" => text(update_desc),
        "is_system_named" => is_system_named,
    ];
    let cells = [fill.object_row(object), more].concat();
    fill.add("sys.foreign_keys", cells);
    for ((from, to), place) in pairs.into_iter().zip(1i64..) {
        let cells = row![
            "constraint_object_id" => object, "constraint_column_id" => place, "parent_object_id" => id,
            "parent_column_id" => from, "referenced_object_id" => referenced, "referenced_column_id" => to,
        ];
        fill.add("sys.foreign_key_columns", cells);
    }
}

/// The unique index of the referenced table that a foreign key leans on.
fn key_index(fill: &Fill<'_>, key: &ForeignKey) -> i32 {
    let Some(table) = fill.catalog.table(&key.referenced_table) else { return 0 };
    let same = |columns: &[IndexColumn]| {
        columns.len() == key.referenced_columns.len()
            && columns.iter().all(|column| key.referenced_columns.contains(&column.name))
    };
    let Some(id) = fill.names.table_id(&table.name) else { return 0 };
    let indexes = fill.names.indexes.get(&id);
    let constraints = table.primary_key.iter().chain(&table.unique);
    let names = constraints.filter(|found| same(&found.columns)).filter_map(|found| found.name.as_deref());
    let plain = table.indexes.iter().filter(|index| index.unique && same(&index.columns));
    let mut names = names.chain(plain.map(|index| index.name.as_str()));
    names.find_map(|name| indexes?.iter().find(|index| index.name == name)).map_or(1, |index| index.id)
}

fn action(action: ReferentialAction) -> (i64, &'static str) {
    match action {
        ReferentialAction::NoAction => (0, "NO_ACTION"),
        ReferentialAction::Cascade => (1, "CASCADE"),
        ReferentialAction::SetNull => (2, "SET_NULL"),
        ReferentialAction::SetDefault => (3, "SET_DEFAULT"),
    }
}

/// A constraint's name, and whether the server made it up. Made-up names end in two underscores and 8 digits of 16,
/// those of keys in 16.
pub(super) fn system_named(
    fill: &Fill<'_>,
    name: Option<&str>,
    prefix: &str,
    table: &str,
    column: Option<&str>,
) -> (String, bool) {
    if let Some(name) = name {
        return (name.to_owned(), is_made_up(name, prefix));
    }
    let number = fill.names.object_ids().last().copied().unwrap_or(0).wrapping_mul(2_654_435).unsigned_abs();
    let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
    let made_up = match (prefix, column) {
        ("PK" | "UQ", _) => format!("{prefix}__{}__3214EC07{number:08X}", cut(table, 8)),
        (_, Some(column)) => format!("{prefix}__{}__{}__{number:08X}", cut(table, 9), cut(column, 5)),
        (_, None) => format!("{prefix}__{}__{number:08X}", cut(table, 9)),
    };
    (made_up, true)
}

fn is_made_up(name: &str, prefix: &str) -> bool {
    let digits = if matches!(prefix, "PK" | "UQ") { 16 } else { 8 };
    let rest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("__"));
    let tail = rest.and_then(|rest| rest.rsplit_once("__")).map(|(_, tail)| tail);
    tail.is_some_and(|tail| {
        tail.len() == digits
            && tail.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    })
}

/// The primary key or a unique constraint of a table, with the index behind it.
pub(super) fn add_key(
    fill: &mut Fill<'_>,
    table: i32,
    name: Option<&str>,
    kind: &'static str,
    facts: IndexFacts<'_>,
) {
    let Some(owner) = fill.names.object(table) else { return };
    let (schema, table_name) = (owner.schema.clone(), owner.name.clone());
    let (name, is_system_named) = system_named(fill, name, kind, &table_name, None);
    let object = fill.new_object(&schema, &name, kind, table);
    let more = row![
        "unique_index_id" => facts.id, "is_system_named" => is_system_named, "is_enforced" => true,
    ];
    let cells = [fill.object_row(object), more].concat();
    fill.add("sys.key_constraints", cells);
    add_index(fill, table, &name, facts);
}

/// A key of a table type.
pub(super) fn add_table_type_key(fill: &mut Fill<'_>, table: i32, kind: &'static str, columns: &[String]) {
    let columns: Vec<_> =
        columns.iter().map(|name| IndexColumn { name: name.clone(), descending: false }).collect();
    let clustered = kind == "PK";
    let taken = fill.names.indexes.get(&table).map_or(0, Vec::len);
    let facts = IndexFacts {
        id: if clustered { 1 } else { i32::try_from(taken + 2).unwrap_or(2) },
        kind: IndexKind::BTree,
        clustered,
        unique: true,
        primary: kind == "PK",
        constraint: kind == "UQ",
        disabled: false,
        columns: &columns,
        included: &[],
        filter: None,
        space: 1,
    };
    add_key(fill, table, None, kind, facts);
}

#[cfg(test)]
mod tests {
    use super::is_made_up;

    #[test]
    fn a_name_that_the_server_made_up_is_known() {
        assert!(is_made_up("DF__Orders__Total__0A1B2C3D", "DF"));
        assert!(is_made_up("PK__Orders__3214EC070A1B2C3D", "PK"));
        assert!(!is_made_up("DF_Orders_Total", "DF"));
        assert!(!is_made_up("PK__Orders__0A1B2C3D", "PK"));
    }
}

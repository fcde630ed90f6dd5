//! What the readers make of answers that no sample gives.

use super::super::cells::{Answer, Cell};
use super::server::Server;
use super::tables::Tables;
use super::{code, constraints, described, indexes, inventory, tables};
use crate::ErrorKind;
use mssql2pg_catalog::{Column, IndexKind, ObjectName, ReferentialAction, SqlType, Table};

/// `42` is a number, `NULL` is none, everything else is text.
fn cell(word: &str) -> Cell {
    match (word, word.parse()) {
        ("NULL", _) => Cell::Null,
        (_, Ok(number)) => Cell::Int(number),
        (text, Err(_)) => Cell::Text(text.to_owned()),
    }
}

/// An answer written as lines with `|` between the cells; the first one has the names.
fn answer(text: &str) -> Answer {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let names: Vec<&str> = lines.next().unwrap().split('|').map(str::trim).collect();
    let rows = lines.map(|line| line.split('|').map(|word| cell(word.trim())).collect());
    Answer::made_up(&names, rows.collect())
}

fn database(may_view_definition: &str) -> Answer {
    answer(&format!(
        "database_name | collation_name | compatibility_level | product_version | engine_edition | version | user_name | may_view_definition
        Sales]2 | Latin1_General_CI_AS | 150 | 15.0.2000.5 | 3 | Microsoft SQL Server 2019 | ann | {may_view_definition}"
    ))
}

fn server() -> Server {
    Server::of(&database("1")).unwrap()
}

/// `dbo.T` with the columns a, b and c (object 1), and `dbo.U` with a (object 2).
fn two_tables() -> Tables {
    let mut found = Tables::default();
    for (id, name, columns) in [(1, "T", &["a", "b", "c"][..]), (2, "U", &["a"])] {
        found.add(id, Table { name: ObjectName::new("dbo", name), ..Table::default() });
        for (number, name) in (1..).zip(columns) {
            found.add_column(id, number, Column::new(*name, SqlType::Int));
        }
    }
    found
}

#[test]
fn without_view_definition_the_error_says_what_to_grant() {
    let error = Server::of(&database("0")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permission);
    assert!(error.context.contains("grant view definition on database::[Sales]]2] to [ann]"), "{error}");
    // A server that cannot tell is asked on.
    let server = Server::of(&database("NULL")).unwrap();
    assert_eq!(server.database.compatibility_level, Some(150));
}

#[test]
fn text_that_is_hidden_is_an_error_and_encrypted_text_is_not() {
    let row = |kind: &str, definition: &str, encrypted: &str| {
        answer(&format!(
            "object_id | type | schema_name | name | parent_schema | parent_name | definition | is_encrypted
            7 | {kind} | dbo | X | NULL | NULL | {definition} | {encrypted}"
        ))
    };
    let read = |answer: &Answer| code::objects_with_text(answer, &server());
    let error = read(&row("P", "NULL", "0")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permission);
    assert!(error.context.starts_with("the text of dbo.X is hidden"), "{error}");
    assert!(error.context.contains("grant view definition on database::[Sales]]2] to [ann]"), "{error}");
    let missing = |answer: &Answer| read(answer).unwrap()[0].1.missing_text.clone();
    assert_eq!(missing(&row("V ", "NULL", "1")).as_deref(), Some("encrypted"));
    assert_eq!(missing(&row("PC", "NULL", "0")).as_deref(), Some("CLR"));
    assert_eq!(missing(&row("AF", "NULL", "NULL")).as_deref(), Some("CLR"));
    let object = &read(&row("FN", "create function", "0")).unwrap()[0].1;
    assert!(object.text_is_complete && object.text == "create function");
}

#[test]
fn hidden_definitions_of_constraints_are_errors() {
    let checks = answer(
        "object_id | parent_object_id | name | is_system_named | definition | is_not_trusted | is_disabled
        9 | 1 | CK | 0 | NULL | 0 | 0",
    );
    let error = constraints::checks(&checks, &server(), &mut two_tables()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permission);
    let defaults = answer(
        "object_id | parent_object_id | parent_column_id | name | definition
        9 | 1 | 1 | DF | NULL",
    );
    let error = constraints::defaults(&defaults, &server(), &mut two_tables()).unwrap_err();
    assert!(error.context.starts_with("the definition of DF is hidden"), "{error}");
    let keys = answer(
        "object_id | parent_object_id | name | is_system_named | referenced_object_id | delete_referential_action | update_referential_action | is_not_trusted | is_disabled
        9 | 1 | FK | 0 | 99 | 0 | 0 | 0 | 0",
    );
    let error =
        constraints::foreign_keys(&keys, &Answer::default(), &server(), &mut two_tables()).unwrap_err();
    assert!(error.context.starts_with("the referenced table of FK is hidden"), "{error}");
}

#[test]
fn constraints_keep_their_order_and_what_the_server_knows_of_them() {
    let mut found = two_tables();
    let checks = answer(
        "object_id | parent_object_id | name | is_system_named | definition | is_not_trusted | is_disabled
        5 | 1 | b | 0 | ([a]>(0)) | 1 | 0
        6 | 1 | A | 0 | ([b]>(0)) | 0 | 1
        7 | 1 | CK__T__a | 1 | ([c]>(0)) | 0 | 0",
    );
    constraints::checks(&checks, &server(), &mut found).unwrap();
    let keys = answer(
        "object_id | parent_object_id | name | is_system_named | referenced_object_id | delete_referential_action | update_referential_action | is_not_trusted | is_disabled
        9 | 1 | FK | 0 | 2 | 1 | 3 | 1 | 1",
    );
    let columns = answer(
        "constraint_object_id | constraint_column_id | column_name | referenced_column_name
        9 | 1 | b | a",
    );
    constraints::foreign_keys(&keys, &columns, &server(), &mut found).unwrap();
    let table = found.get(1).unwrap();
    let checks: Vec<_> = table
        .checks
        .iter()
        .map(|check| (check.name.as_deref().unwrap(), check.text.as_str(), check.trusted, check.disabled))
        .collect();
    assert_eq!(
        checks,
        [("CK__T__a", "[c]>(0)", true, false), ("A", "[b]>(0)", false, true), ("b", "[a]>(0)", false, false)]
    );
    let key = &table.foreign_keys[0];
    assert_eq!((key.on_delete, key.on_update), (ReferentialAction::Cascade, ReferentialAction::SetDefault));
    assert_eq!((key.columns[0].as_str(), key.referenced_columns[0].as_str()), ("b", "a"));
    assert!(!key.trusted && key.disabled && key.referenced_table.name == "U");
}

#[test]
fn every_kind_of_index_finds_its_place() {
    let mut found = two_tables();
    let names = "object_id | index_id | name | type | type_desc | is_unique | is_primary_key | is_unique_constraint | filter_definition | has_filter | is_disabled | owner_type | owner_schema | owner_name | constraint_id | is_system_named";
    let list = answer(&format!(
        "{names}
        1 | 1 | PK__T | 7 | NONCLUSTERED HASH | 1 | 1 | 0 | NULL | 0 | 0 | U | dbo | T | 50 | 1
        1 | 2 | z | 2 | NONCLUSTERED | 1 | 0 | 0 | ([a] IS NOT NULL) | 1 | 1 | U | dbo | T | NULL | NULL
        1 | 3 | y | 6 | NONCLUSTERED COLUMNSTORE | 0 | 0 | 0 | NULL | 0 | 0 | U | dbo | T | NULL | NULL
        1 | 4 | x | 5 | CLUSTERED COLUMNSTORE | 0 | 0 | 0 | NULL | 0 | 0 | U | dbo | T | NULL | NULL
        1 | 5 | w | 3 | XML | 0 | 0 | 0 | NULL | 0 | 0 | U | dbo | T | NULL | NULL
        1 | 6 | UQ | 2 | NONCLUSTERED | 1 | 0 | 1 | NULL | 0 | 0 | U | dbo | T | 51 | 0
        1 | 7 | v | 8 | VECTOR | 0 | 0 | 0 | NULL | 0 | 0 | U | dbo | T | NULL | NULL
        1 | 8 | u | 2 | NONCLUSTERED | 0 | 0 | 0 | NULL | 0 | 0 | U | dbo | T | NULL | NULL
        3 | 1 | IV | 1 | CLUSTERED | 1 | 0 | 0 | NULL | 0 | 0 | V | dbo | View | NULL | NULL"
    ));
    let columns = answer(
        "object_id | index_id | index_column_id | key_ordinal | is_descending_key | is_included_column | column_name
        1 | 1 | 1 | 1 | 0 | 0 | a
        1 | 2 | 1 | 2 | 1 | 0 | b
        1 | 2 | 2 | 1 | 0 | 0 | a
        1 | 2 | 3 | 0 | 0 | 1 | c
        1 | 2 | 4 | 0 | 0 | 0 | b
        1 | 3 | 1 | 0 | 0 | 1 | c
        1 | 3 | 2 | 0 | 0 | 1 | a
        1 | 4 | 1 | 0 | 0 | 1 | a
        1 | 5 | 1 | 0 | 0 | 0 | b
        1 | 6 | 1 | 1 | 0 | 0 | b
        1 | 8 | 1 | 1 | 0 | 0 | graph_id_1
        3 | 1 | 1 | 1 | 0 | 0 | k",
    );
    let parts = indexes::parts(&columns).unwrap();
    indexes::indexes(&list, &parts, &server(), &mut found).unwrap();
    let fulltext = answer(
        "object_id | is_enabled | owner_type | owner_schema | owner_name | column_id | column_name
        1 | 0 | U | dbo | T | 1 | a
        1 | 0 | U | dbo | T | 3 | c
        3 | 1 | V | dbo | View | 1 | k",
    );
    indexes::fulltext_indexes(&fulltext, &server(), &mut found).unwrap();
    let table = found.get(1).unwrap();
    let key = table.primary_key.as_ref().unwrap();
    assert!(!key.clustered && key.name.as_deref() == Some("PK__T") && key.columns[0].name == "a");
    assert_eq!(table.unique[0].columns[0].name, "b");
    let shown: Vec<_> = table
        .indexes
        .iter()
        .map(|index| {
            let columns: Vec<_> = index.columns.iter().map(|column| column.name.as_str()).collect();
            (index.name.as_str(), index.kind, index.clustered, columns.join(","), index.disabled)
        })
        .collect();
    let expected = [
        ("T", IndexKind::FullText, false, "a,c", true),
        ("w", IndexKind::Xml, false, "b", false),
        ("x", IndexKind::Columnstore, true, "", false),
        ("y", IndexKind::Columnstore, false, "c,a", false),
        ("z", IndexKind::BTree, false, "a,b", true),
    ];
    assert_eq!(
        shown,
        expected.map(|(name, kind, own, columns, off)| (name, kind, own, columns.to_owned(), off))
    );
    let z = &table.indexes[4];
    assert_eq!((z.filter.as_deref(), z.included.join(",")), (Some("([a] IS NOT NULL)"), "c".to_owned()));
    assert!(z.columns[1].descending && z.unique);
    let others: Vec<_> =
        found.on_views.iter().map(|(_, other)| (other.kind.as_str(), other.name.as_str())).collect();
    assert_eq!(
        others,
        [
            ("SqlVectorIndex", "dbo.T.v"),
            ("SqlIndex on pseudo-columns", "dbo.T.u"),
            ("SqlIndex on a view", "dbo.View.IV"),
            ("SqlFullTextIndex on a view", "dbo.View"),
        ]
    );
}

#[test]
fn bounds_that_nobody_declared_are_not_told() {
    let read = |base: &str, minimum: &str, maximum: &str| {
        let answer = answer(&format!(
            "object_id | schema_name | name | base_name | precision | scale | start_value | increment_value | minimum_value | maximum_value | current_value | is_cycling
            1 | dbo | S | {base} | 10 | 0 | 1 | -2 | {minimum} | {maximum} | 5 | 1"
        ));
        inventory::sequence(answer.first().unwrap(), &server()).unwrap()
    };
    let whole = read("int", "-2147483648", "2147483647");
    assert_eq!((whole.minimum, whole.maximum, whole.sql_type), (None, None, SqlType::Int));
    assert_eq!((whole.start, whole.increment, whole.current_value, whole.cycle), (1, -2, Some(5), true));
    let limited = read("bigint", "1", "9223372036854775807");
    assert_eq!((limited.minimum, limited.maximum), (Some(1), None));
}

#[test]
fn permissions_stand_in_the_words_and_the_order_of_a_model() {
    let list = answer(
        "class | class_desc | major_id | minor_id | state | permission_name | grantee_name | grantor_name | object_schema | object_name | column_name | schema_name | principal_name | type_schema | type_name | collection_schema | collection_name
        25 | CERTIFICATE | 256 | 0 | G | CONTROL | ann | dbo | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
        6 | TYPE | 257 | 0 | G | REFERENCES | public | dbo | NULL | NULL | NULL | NULL | NULL | dbo | empid | NULL | NULL
        3 | SCHEMA | 5 | 0 | W | SELECT | ann | dbo | NULL | NULL | NULL | web | NULL | NULL | NULL | NULL | NULL
        1 | OBJECT_OR_COLUMN | 9 | 2 | D | SELECT | ann | dbo | dbo | T | c | NULL | NULL | NULL | NULL | NULL | NULL
        0 | DATABASE | 0 | 0 | G | VIEW DEFINITION | ann | dbo | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL",
    );
    let found = inventory::permissions(&list).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|found| {
            (found.state.as_str(), found.permission.as_str(), found.object.as_deref(), found.grantee.as_str())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("deny", "SELECT", Some("dbo.T.c"), "ann"),
            ("grant", "CONTROL", Some("certificate 256"), "ann"),
            ("grant", "REFERENCES", Some("dbo.empid"), "public"),
            ("grant", "VIEW DEFINITION", None, "ann"),
            ("grant-with-grant-option", "SELECT", Some("web"), "ann"),
        ]
    );
}

#[test]
fn an_extended_property_names_its_host() {
    let columns = "class | class_desc | major_id | minor_id | name | value | object_type | parent_object_id | object_schema | object_name | trigger_name | column_name | parameter_name | index_name | schema_name | principal_name | principal_type | type_schema | type_name | is_table_type | type_column_name | collection_schema | collection_name | data_space_name | data_space_type | partition_function_name";
    let check = |row: &str, order: &str, object: &str, table: Option<i64>, column: Option<&str>| {
        let mut words: Vec<&str> = row.split('|').map(str::trim).collect();
        words.resize(columns.split('|').count(), "NULL");
        let answer = answer(&format!("{columns}\n{}", words.join("|")));
        let found = described::described(answer.first().unwrap()).unwrap();
        assert_eq!(found.order.join("/"), order);
        assert_eq!((found.property.object.as_str(), found.table), (object, table));
        assert_eq!(found.property.column.as_deref(), column);
    };
    check("0 | DATABASE | 0 | 0 | D | v", "sqldatabaseoptions/d", "", None, None);
    check("1 | OBJECT | 1 | 0 | D | v | U | 0 | dbo | T", "sqltablebase/dbo/t/d", "dbo.T", Some(1), None);
    check(
        "1 | OBJECT | 1 | 2 | D | v | U | 0 | dbo | T | NULL | b",
        "sqlcolumn/dbo/t/b/d",
        "dbo.T.b",
        Some(1),
        Some("b"),
    );
    check("1 | OBJECT | 4 | 0 | D | v | D | 1 | dbo | DF", "sqlconstraint/dbo/df/d", "dbo.DF", None, None);
    check("1 | OBJECT | 4 | 0 | D | v | D | 0 | dbo | df", "sqldefault/dbo/df/d", "dbo.df", None, None);
    check(
        "2 | PARAMETER | 4 | 1 | D | v | FN | 0 | dbo | f | NULL | NULL | @p",
        "sqlsubroutineparameter/dbo/f/@p/d",
        "dbo.f.@p",
        None,
        None,
    );
    check(
        "7 | INDEX | 1 | 2 | D | v | U | 0 | dbo | T | NULL | NULL | NULL | IX",
        "sqlindexbase/dbo/t/ix/d",
        "dbo.T.IX",
        None,
        None,
    );
    check("17 | SERVICE | 65536 | 0 | D | v", "/service 65536/d", "service 65536", None, None);
}

#[test]
fn sizes_take_the_index_that_has_every_row() {
    let mut found = two_tables();
    let sizes = answer(
        "object_id | index_id | row_count | used_pages | partition_count
        1 | 1 | 100 | 7 | 1
        1 | 2 | 40 | 2 | 1
        2 | 0 | 0 | NULL | 1
        2 | 2 | 9 | NULL | 1",
    );
    tables::put_sizes(&sizes, &mut found).unwrap();
    let shown = |id| {
        let table = found.get(id).unwrap();
        (table.estimated_rows, table.estimated_bytes)
    };
    assert_eq!(shown(1), (Some(100), Some(7 * 8192)));
    assert_eq!(shown(2), (Some(9), None));
}

//! What a login sees that may not see everything.

use super::*;

#[test]
fn without_view_definition_there_are_only_objects_that_may_be_read_and_no_texts() {
    let views = views();
    let reader =
        somebody(Rights { view_definition: false, denied: vec!["sales.Lines".into()], ..Rights::least() });
    let names =
        ask_as(&views, &reader, "select name from sys.objects where type in ('U', 'V', 'P') order by name")
            .unwrap();
    assert_eq!(names.rows, [["Big"], ["LinesHistory"], ["Orders"]]);
    let texts =
        ask_as(&views, &reader, "select definition from sys.sql_modules where definition is not null")
            .unwrap();
    assert!(texts.rows.is_empty());
    let checks = ask_as(&views, &reader, "select name, definition from sys.check_constraints").unwrap();
    assert_eq!(checks.rows, [["CK_Total", "NULL"]]);
    let ids = ask_as(&views, &reader, "select object_id('sales.Lines'), object_id('dbo.Do')").unwrap();
    assert_eq!(ids.rows, [["NULL", "NULL"]]);
}

#[test]
fn without_any_right_there_is_nothing_of_the_user() {
    let views = views();
    let nobody = somebody(Rights { view_definition: false, select: false, ..Rights::least() });
    for view in
        ["objects", "columns", "indexes", "foreign_keys", "parameters", "extended_properties", "partitions"]
    {
        let found = ask_as(&views, &nobody, &format!("select count(*) from sys.{view}")).unwrap();
        assert_eq!(found.rows, [["0"]], "{view}");
    }
    let found = ask_as(
        &views,
        &nobody,
        "select count(*) from sys.all_objects where name = 'tables' and schema_id = 4",
    )
    .unwrap();
    assert_eq!(found.rows, [["1"]]);
}

#[test]
fn a_denied_table_is_seen_with_view_definition() {
    let views = views();
    let session = somebody(Rights { denied: vec!["sales.Lines".into()], ..Rights::least() });
    let sql = "select name, has_perms_by_name(N'sales.' + quotename(name), 'OBJECT', 'SELECT') from sys.tables order by name";
    let found = ask_as(&views, &session, sql).unwrap();
    assert_eq!(found.rows, [["Lines", "0"], ["LinesHistory", "1"], ["Orders", "1"]]);
}

#[test]
fn the_state_of_the_server_needs_its_permission() {
    let views = views();
    let number =
        |sql: &str| ask_as(&views, &somebody(Rights::least()), sql).map_err(|failure| failure.number).err();
    assert_eq!(number("select 1 from sys.dm_db_partition_stats"), Some(262));
    assert_eq!(number("select 1 from sys.dm_exec_connections"), Some(300));
    assert_eq!(number("select session_id from sys.dm_exec_sessions where session_id = @@spid"), None);
}

#[test]
fn rows_are_counted_by_the_session() {
    let mut session = SessionFacts::of_everybody();
    let name = mssql2pg_catalog::ObjectName::new("sales", "Orders");
    session.row_counts = Arc::new(HashMap::from([(name, 12_345)]));
    let sql = "select object_name(p.object_id), sum(p.rows) from sys.partitions p where p.index_id < 2 group by p.object_id order by 1";
    let found = ask_as(&views(), &session, sql).unwrap();
    assert_eq!(found.rows, [["Lines", "7"], ["LinesHistory", "0"], ["Orders", "12345"]]);
}

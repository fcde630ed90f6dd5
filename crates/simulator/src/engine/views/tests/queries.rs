//! T-SQL that the views answer, and that they refuse.

use super::*;
use crate::answer::BatchParameter;
use mssql2pg_catalog::SqlType;

fn check(sql: &str, expected: &[&str]) {
    assert_eq!(rows(&views(), sql), expected, "{sql}");
}

#[test]
fn what_sql_server_does_not_have_fails_with_its_number() {
    let views = views();
    let check = |sql: &str, number: i32| assert_eq!(error(&views, sql), number, "{sql}");
    check("select nope from sys.tables", 207);
    check("select t.nope from sys.tables as t", 207);
    check("select x.name from sys.tables as t", 4104);
    check("select name from sys.tables as t join sys.schemas as s on s.schema_id = t.schema_id", 209);
    check("select 1 from sys.nope", 208);
    check("select 1 from nope", 208);
    check("select nope(1)", 195);
    check("select substr(name, 1, 2) from sys.tables", 195);
    check("select ifnull(name, 1) from sys.tables", 195);
    check("select cast(1 as nope)", 243);
    check("select name from sys.tables where name", 4145);
    check("select name, count(*) from sys.tables", 8120);
    check("select schema_id, name from sys.tables group by schema_id", 8120);
    check("select * from (select count(*) from sys.tables) as t", 8155);
    check("select cast(name as int) from sys.tables", 245);
    check("select isnull(1)", 174);
    check("select @missing", 137);
    check("select x.* from sys.tables as t", 107);
    check("selec 1", 102);
}

#[test]
fn a_column_that_is_newer_than_the_server_fails() {
    let old = Views::open(&catalog::shop(), &facts("11.0.7001.0")).unwrap();
    assert_eq!(error(&old, "select temporal_type from sys.tables"), 207);
    assert_eq!(error(&old, "select 1 from sys.external_tables"), 208);
    let newer = Views::open(&catalog::shop(), &facts("13.0.1601.5")).unwrap();
    assert_eq!(rows(&newer, "select temporal_type from sys.tables where name = 'Lines'"), ["2"]);
    assert_eq!(error(&newer, "select is_node from sys.tables"), 207);
}

#[test]
fn names_have_one_case_on_a_server_that_tells_cases_apart() {
    let mut strict = facts("16.0.4135.4");
    strict.case_sensitive = true;
    let strict = Views::open(&catalog::shop(), &strict).unwrap();
    assert_eq!(error(&strict, "select name from SYS.Tables"), 208);
    assert_eq!(error(&strict, "select Name from sys.tables"), 207);
    assert_eq!(rows(&strict, "select NAME = t.name from sys.tables as t where t.name = 'orders'").len(), 0);
    assert_eq!(
        rows(&strict, "select OBJECT_ID(N'sales.Orders') - object_id from sys.tables where name = 'Orders'"),
        ["0"]
    );
    assert_eq!(rows(&views(), "select NAME from SYS.Tables where Name = 'orders'"), ["Orders"]);
}

#[test]
fn selects_join_group_and_order() {
    check("select name from sys.tables order by name", &["Lines", "LinesHistory", "Orders"]);
    check("select top (1) t.[name] as \"n\" from sys.tables t order by n desc", &["Orders"]);
    check(
        "select n = s.name + N'.' + t.name from sys.tables as t inner join sys.schemas as s on s.schema_id = t.schema_id where t.name like 'O[a-z]ders'",
        &["sales.Orders"],
    );
    check(
        "select t.name, count(*) as columns, max(c.name) from sys.tables t left outer join sys.columns c on c.object_id = t.object_id group by t.name having count(*) > 1 order by count(*) desc, t.name",
        &["Orders|7|Twice", "Lines|3|To"],
    );
    check(
        "with big as (select object_id, name from sys.tables where name in (N'ORDERS', N'x')) select b.name, (select count(*) from sys.columns as c where c.object_id = b.object_id) from big as b where exists (select 1 from sys.indexes i where i.object_id = b.object_id and i.is_primary_key = 1)",
        &["Orders|7"],
    );
    check(
        "select name from sys.schemas where name = 'SALES' union select name from sys.tables where name = 'Lines' union all select N'z' order by name desc",
        &["z", "sales", "Lines"],
    );
    check(
        "select row_number() over (order by name) as r, name from sys.tables where name <> 'Lines' order by r",
        &["1|LinesHistory", "2|Orders"],
    );
    check("select distinct schema_name(schema_id) from sys.tables", &["sales"]);
    check(
        "select v.a, v.b from (values (1, N'x'), (2, null)) as v(a, b) where v.a between 2 and 3",
        &["2|NULL"],
    );
    check(
        "select case type when 'U' then 1 else 0 end, iif(name = 'Lines', 'y', 'n') from sys.tables where name = 'Lines'",
        &["1|y"],
    );
    check(
        "select s.name from sys.schemas s where s.schema_id not in (select schema_id from sys.tables) and s.schema_id < 3 order by 1",
        &["dbo", "guest"],
    );
    check(
        "select string_agg(name, ',') within group (order by name) from sys.tables",
        &["Lines,LinesHistory,Orders"],
    );
    check(
        "select count_big(*), count(distinct schema_id), sum(max_column_id_used), min(name) from sys.tables",
        &["3|1|11|Lines"],
    );
    check(
        "select h.name from sys.fn_helpcollations() as h where h.name like N'Latin1%BIN'",
        &["Latin1_General_BIN"],
    );
    check(
        "select t.name from sys.tables as t cross join sys.schemas as s where s.name = 'dbo' order by t.name collate database_default offset 1 rows fetch next 1 rows only",
        &["LinesHistory"],
    );
}

#[test]
fn functions_answer_as_sql_servers() {
    check(
        "select len(N'ab  '), datalength(N'ab  '), left('abc', 2), right('abc', 2), substring('abc', 2, 1), charindex('B', 'abc')",
        &["2|8|ab|bc|b|2"],
    );
    check(
        "select replace('aXbx', 'x', '-'), upper('a'), quotename('a]b'), isnull(null, 'd'), coalesce(null, 3), nullif(1, 1)",
        &["a-b-|A|[a]]b]|d|3|NULL"],
    );
    check(
        "select object_name(object_id('sales.Orders')), object_id('sales.Orders', 'V'), object_id('nope')",
        &["Orders|NULL|NULL"],
    );
    check(
        "select schema_name(1), schema_id('sales'), type_name(56), type_id('dbo.Phone'), col_name(object_id('sales.Orders'), 2)",
        &["dbo|5|int|257|Phone"],
    );
    check(
        "select objectproperty(object_id('sales.Orders'), 'IsUserTable'), columnproperty(object_id('sales.Orders'), 'OrderID', 'IsIdentity'), col_length('sales.Orders', 'Phone')",
        &["1|1|50"],
    );
    check("select db_name(), db_id(), db_id('nope'), suser_sname(), user_name()", &["Shop|5|NULL|sa|dbo"]);
    check(
        "select cast(serverproperty('ProductVersion') as nvarchar(128)), serverproperty('EngineEdition'), serverproperty('InstanceName')",
        &["16.0.4135.4|int:3|NULL"],
    );
    check("select case when serverproperty('EngineEdition') = 3 then 'own' else 'azure' end", &["own"]);
    check(
        "select has_perms_by_name(null, null, 'VIEW SERVER STATE'), has_perms_by_name('sales.Orders', 'OBJECT', 'SELECT'), has_perms_by_name(db_name(), 'DATABASE', 'CONNECT'), has_dbaccess('nope')",
        &["1|1|1|NULL"],
    );
    check(
        "select collationproperty('Cyrillic_General_CI_AS', 'CodePage'), databasepropertyex('Shop', 'Updateability')",
        &["int:1251|nvarchar(128):READ_WRITE"],
    );
    check("select @@trancount, @@spid, current_user, change_tracking_current_version()", &["0|51|dbo|42"]);
    check(
        "select convert(varchar(10), getdate(), 112), convert(date, '2024-02-29'), convert(varchar(10), 0xAB01, 1)",
        &["20260102|Date(738944)|0xAB01"],
    );
    check(
        "select object_definition(object_id('dbo.Do')), sql_variant_property(seed_value, 'BaseType') from sys.identity_columns",
        &["create procedure dbo.Do as select 1|nvarchar(128):int"],
    );
    check("select 7 / 2, 7.0 / 2, 5 & 3, 5 ^ 1, -3 % 2, '1' + 1", &["3|3500000e-6|1|4|-1|2"]);
}

#[test]
fn columns_are_announced_with_their_types() {
    let views = views();
    let check = |sql: &str, expected: &[&str]| {
        let types: Vec<_> =
            ask(&views, sql).columns.iter().map(|column| column.sql_type.to_string()).collect();
        assert_eq!(types, expected, "{sql}");
    };
    check(
        "select name, object_id, type, create_date, is_ms_shipped from sys.objects",
        &["nvarchar(128)", "int", "char(2)", "datetime", "bit"],
    );
    check("select definition from sys.sql_modules", &["nvarchar(max)"]);
    check(
        "select seed_value, max_length, precision from sys.identity_columns",
        &["sql_variant", "smallint", "tinyint"],
    );
    check(
        "select count(*), count_big(*), sum(rows), max(rows) from sys.partitions",
        &["int", "bigint", "bigint", "bigint"],
    );
    check(
        "select cast(1 as decimal(10, 2)), convert(nvarchar(40), 1), N'ab' + name, isnull(name, N'x') from sys.tables",
        &["decimal(10,2)", "nvarchar(40)", "nvarchar(130)", "nvarchar(128)"],
    );
    check(
        "select getdate(), sysutcdatetime(), sysdatetimeoffset(), null, 1.5, 3000000000",
        &["datetime", "datetime2(7)", "datetimeoffset(7)", "int", "decimal(2,1)", "decimal(10,0)"],
    );
    let columns =
        ask(&views, "select t.name, t.name as n, count(*) from sys.tables t group by t.name").columns;
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["name", "n", ""]);
}

#[test]
fn a_star_has_the_columns_of_the_view_in_their_order() {
    let views = views();
    assert_eq!(ask(&views, "select * from sys.schemas").columns.len(), 3);
    assert_eq!(
        ask(&views, "select t.*, s.name from sys.tables t join sys.schemas s on s.schema_id = t.schema_id")
            .columns
            .len(),
        49
    );
    assert_eq!(ask(&views, "select * from INFORMATION_SCHEMA.TABLES").columns.len(), 4);
    assert_eq!(ask(&views, "select * from information_schema.columns").columns.len(), 23);
}

#[test]
fn every_view_can_be_read_whole() {
    let views = views();
    for open in views.views.values() {
        let call = if open.view.is_function { "()" } else { "" };
        ask(&views, &format!("select * from {}{call} as v", open.view.name));
    }
}

#[test]
fn parameters_are_values() {
    let session = SessionFacts {
        parameters: vec![
            BatchParameter {
                name: "@n".into(),
                sql_type: SqlType::NVarChar { length: mssql2pg_catalog::Length::limited(50) },
                literal: "N'orders'".into(),
            },
            BatchParameter { name: "@i".into(), sql_type: SqlType::Int, literal: "-4".into() },
        ],
        ..SessionFacts::of_everybody()
    };
    let found = ask_as(&views(), &session, "select name, @i + 1 from sys.tables where name = @N").unwrap();
    assert_eq!(found.rows, [["Orders", "-3"]]);
}

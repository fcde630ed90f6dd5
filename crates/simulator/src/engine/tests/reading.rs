//! Reading user tables.

use super::{Recorded, ask, fails, rows, serve, shop};
use crate::answer::{BatchParameter, Stopped};
use mssql2pg_catalog::SqlType;

#[test]
fn columns_are_told_with_their_types() {
    let mut session = serve(&shop()).connect();
    let found = ask(
        &mut *session,
        "select top (2) [Id], name, cast(Total as int) whole, Doubled from [dbo].[Orders] with (tablock);",
    );
    assert_eq!(
        found,
        [
            "columns Id int, Name nvarchar(20), whole int, Doubled decimal(20,2)",
            "(1, Bert, 10, 21.00)",
            "(2, ärger, -21, -42.00)",
            "done 2"
        ]
    );
    let all = rows(&mut *session, "select * from shop.dbo.Orders where Id = 10");
    assert_eq!(all.len(), 1);
    assert!(all[0].starts_with("(10, anna, -105.00, -210.00, "), "{all:?}");
}

#[test]
fn conditions_filter_with_three_truth_values() {
    let mut session = serve(&shop()).connect();
    let mut ids = |condition: &str| {
        let found = rows(&mut *session, &format!("select Id from dbo.Orders where {condition}"));
        found.join("").replace(['(', ')'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("Id > 3 and Id <= 5"), "4 5");
    assert_eq!(ids("[Name] = N'ANNA'"), "5 8 10");
    assert_eq!(ids("Name <> N'anna'"), "1 2 4 6 7 9");
    assert_eq!(ids("Name is null or not (Id < 9)"), "3 9 10");
    assert_eq!(ids("Id between 2 and 3 or Id in (7, 9, null)"), "2 3 7 9");
    assert_eq!(ids("Id not in (1, null)"), "");
    assert_eq!(ids("Name like N'a%'"), "5 8 10");
    assert_eq!(ids("Name collate Latin1_General_BIN2 = N'anna'"), "5 10");
    assert_eq!(ids("Total < -50 and Total >= cast(N'-84.00' as decimal(9,2))"), "6 8");
    assert_eq!(ids("Placed >= cast('2021-08-01T01:00:00' as datetime2(7)) and Placed < '2021-08-03'"), "2 3");
    assert_eq!(ids("[Key] > cast(N'00000000-0000-0000-0000-000000000003' as uniqueidentifier)"), "4 5");
    assert_eq!(ids("[Key] <= cast(0x06000000000000000000000000000000 as uniqueidentifier)"), "6");
    assert_eq!(ids("Name >= cast(0x7A00 as nvarchar(20)) collate SQL_Latin1_General_CP1_CI_AS"), "4 9");
    assert_eq!(ids("exists (select 1 from sales.Odd where [Any] is null) and Id = 1"), "1");
    assert_eq!(ids("Id = (select max(Id) from dbo.Orders) - 1"), "9");
}

#[test]
fn rows_are_ordered_as_the_server_orders_them() {
    let mut session = serve(&shop()).connect();
    assert_eq!(
        rows(&mut *session, "select Id, Name from dbo.Orders order by Name desc, 1"),
        [
            "(4, zoe)",
            "(9, zoe)",
            "(1, Bert)",
            "(6, Bert)",
            "(2, ärger)",
            "(7, ärger)",
            "(5, anna)",
            "(8, ANNA )",
            "(10, anna)",
            "(3, NULL)"
        ]
    );
    assert_eq!(
        rows(&mut *session, "select Id from dbo.Orders order by Total offset 2 rows fetch next 3 rows only"),
        ["(6)", "(4)", "(2)"]
    );
    assert_eq!(
        rows(&mut *session, "select top 2 [Key], Id as i from dbo.Orders order by [Key] desc").len(),
        2
    );
    assert_eq!(rows(&mut *session, "select top 1 Id from dbo.Orders order by [Key]"), ["(6)"]);
    assert_eq!(
        rows(&mut *session, "select distinct Name from dbo.Orders where Name like N'%n%' order by Name"),
        ["(anna)"]
    );
}

#[test]
fn aggregates_and_groups() {
    let mut session = serve(&shop()).connect();
    assert_eq!(
        ask(
            &mut *session,
            "select count_big(*), count(Name), min(Total) as least, max(Placed), sum(cast(Total as decimal(38,4))), avg(Id) from dbo.Orders"
        ),
        [
            "columns  bigint,  int, least decimal(9,2),  datetime2(7),  decimal(38,4),  int",
            "(10, 9, -105.00, 2021-08-09 01:00:00.0000000, -52.5000, 5)",
            "done 1"
        ]
    );
    assert_eq!(
        rows(
            &mut *session,
            "select Id % 3 as r, count(*) from dbo.Orders group by Id % 3 order by 2 desc, r"
        ),
        ["(1, 4)", "(0, 3)", "(2, 3)"]
    );
    assert_eq!(rows(&mut *session, "select count(*), min(Id) from dbo.Orders where Id > 99"), ["(0, NULL)"]);
    assert_eq!(fails(&mut *session, "select Name, count(*) from dbo.Orders group by Id"), 8120);
}

#[test]
fn variants_and_old_types_are_handed_on() {
    let mut session = serve(&shop()).connect();
    assert_eq!(
        ask(
            &mut *session,
            "select cast(sql_variant_property([Any], 'MaxLength') as int), [Any], cast([Old] as varchar(max)) from [sales].[Odd]"
        ),
        [
            "columns  int, Any sql_variant,  varchar(max)",
            "(40, nvarchar(20):ab, ab)",
            "(4, int:7, ab)",
            "(NULL, NULL, ab)",
            "done 3"
        ]
    );
}

#[test]
fn values_in_the_statement_are_ordered_by_the_engine_too() {
    let mut session = serve(&shop()).connect();
    assert_eq!(
        ask(
            &mut *session,
            "select distinct v from (values (cast(N'b' as nvarchar(9))), (N'A'), (N'a'), (null)) as b(v) order by v"
        ),
        ["columns v nvarchar(9)", "(NULL)", "(A)", "(b)", "done 3"]
    );
    assert_eq!(
        rows(
            &mut *session,
            "select v from (values (cast(0x01 as varbinary(8))), (0x0001), (0xFF)) as b(v) order by v"
        ),
        ["(0x0001)", "(0x01)", "(0xFF)"]
    );
    assert_eq!(
        rows(
            &mut *session,
            "select case when N'a' < N'B' collate Latin1_General_BIN2 then 1 else 0 end, dateadd(day, 1, cast('2024-02-28' as date)), datediff(month, '2024-01-31', '2024-02-01')"
        ),
        ["(0, 2024-02-29, 1)"]
    );
    assert_eq!(rows(&mut *session, "select top (1) 1 as one from [dbo].[Orders]"), ["(1)"]);
}

#[test]
fn what_is_not_there_is_named() {
    let mut session = serve(&shop()).connect();
    assert_eq!(fails(&mut *session, "select * from dbo.Nothing"), 208);
    assert_eq!(fails(&mut *session, "select Nothing from dbo.Orders"), 207);
    assert_eq!(fails(&mut *session, "select o.Id from dbo.Orders as p"), 4104);
    assert_eq!(fails(&mut *session, "select Id from nowhere.dbo.Orders"), 911);
    assert_eq!(fails(&mut *session, "select Id from dbo.Orders with (nolock)"), 50_000);
    assert_eq!(fails(&mut *session, "set transaction isolation level read uncommitted"), 50_000);
    assert_eq!(fails(&mut *session, "select 1/0"), 8134);
    assert_eq!(fails(&mut *session, "select @p"), 137);
}

#[test]
fn parameters_and_variables_have_values() {
    let mut session = serve(&shop()).connect();
    let mut recorded = Recorded::default();
    let parameters = [BatchParameter { name: "@id".into(), sql_type: SqlType::BigInt, literal: "4".into() }];
    session
        .batch("select Id from dbo.Orders where Id >= @id and Id < @id + 2", &parameters, &mut recorded)
        .unwrap();
    assert_eq!(recorded.lines, ["columns Id int", "(4)", "(5)", "done 2"]);
    assert_eq!(
        rows(
            &mut *session,
            "exec sp_executesql N'select @a + @b', N'@a int, @b nvarchar(9)', @b = N'2', @a = 1"
        ),
        ["(3)"]
    );
    assert_eq!(
        rows(&mut *session, "declare @x int = 2, @y int; set @y = @x * 3; if @y > 5 select @y else select 0"),
        ["(6)"]
    );
}

#[test]
fn a_histogram_counts_every_row_once() {
    let mut session = serve(&shop()).connect();
    for target in ["N'PK_Orders'", "[Id]", "PK_Orders"] {
        let found = ask(
            &mut *session,
            &format!("dbcc show_statistics (N'[dbo].[Orders]', {target}) with histogram, no_infomsgs"),
        );
        assert_eq!(
            found[0],
            "columns RANGE_HI_KEY int, RANGE_ROWS real, EQ_ROWS real, DISTINCT_RANGE_ROWS bigint, AVG_RANGE_ROWS real"
        );
        assert_eq!(found[1], "(1, 0, 1, 0, 1)");
        assert_eq!(found.len(), 12);
    }
    assert_eq!(fails(&mut *session, "dbcc show_statistics (N'dbo.Orders', N'none') with histogram"), 2767);
    let mut session = serve(&shop()).connect();
    ask(&mut *session, "create table dbo.Many (v int null)");
    let values: Vec<String> = (0..3000).map(|number| format!("({})", number * 7 % 1000)).collect();
    for chunk in values.chunks(1000) {
        ask(&mut *session, &format!("insert into dbo.Many (v) values {}", chunk.join(", ")));
    }
    ask(&mut *session, "insert into dbo.Many (v) values (null), (null)");
    let steps = rows(&mut *session, "dbcc show_statistics (N'dbo.Many', N'v') with histogram");
    assert!(steps.len() <= 200, "{}", steps.len());
    assert_eq!(steps[0], "(NULL, 0, 2, 0, 1)");
    assert_eq!(steps[1], "(0, 0, 3, 0, 1)");
    assert!(steps[steps.len() - 1].starts_with("(999, "));
    let counted: f64 = steps
        .iter()
        .map(|step| {
            let parts: Vec<&str> = step.trim_matches(['(', ')']).split(", ").collect();
            parts[1].parse::<f64>().unwrap() + parts[2].parse::<f64>().unwrap()
        })
        .sum();
    assert!((counted - 3002.0).abs() < 0.5);
}

#[test]
fn planned_faults_come_before_or_between_the_rows() {
    let server = serve(&shop());
    let mut session = server.connect();
    server.faults.plan().fail_reads = vec![1205];
    server.faults.plan().fail_reads_midway = vec![40501];
    assert_eq!(fails(&mut *session, "select Id from dbo.Orders"), 1205);
    let mut recorded = Recorded::default();
    let stopped = session.batch("select Id from dbo.Orders", &[], &mut recorded);
    assert!(
        matches!(stopped, Err(Stopped::Failed(failure)) if failure.number == 40501 && failure.class == 20)
    );
    assert_eq!(recorded.lines, ["columns Id int", "(1)", "(2)", "(3)"]);
    assert_eq!(rows(&mut *session, "select Id from dbo.Orders").len(), 10);
}

#[test]
fn a_client_that_stops_ends_the_batch() {
    let mut session = serve(&shop()).connect();
    for sql in ["select Id from dbo.Orders", "select Id from dbo.Orders order by Id"] {
        let mut recorded = Recorded { most: Some(2), ..Recorded::default() };
        assert!(matches!(session.batch(sql, &[], &mut recorded), Err(Stopped::Client(_))));
        assert_eq!(recorded.lines.len(), 3);
    }
}

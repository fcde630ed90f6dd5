//! What expressions give, as Microsoft's reference says it: types, lengths, overflow, text and patterns.

use super::{ask, fails, rows, serve, shop};

/// The value of an expression without a table, and its type.
fn value(expression: &str) -> (String, String) {
    let found = ask(&mut *serve(&shop()).connect(), &format!("select top (1) {expression} from dbo.Orders"));
    let sql_type = found[0].trim_start_matches("columns ").trim().to_owned();
    (found[1].trim_matches(['(', ')']).to_owned(), sql_type)
}

fn check(cases: &[(&str, &str, &str)]) {
    for (expression, expected, sql_type) in cases {
        assert_eq!(value(expression), ((*expected).to_owned(), (*sql_type).to_owned()), "{expression}");
    }
}

#[test]
fn numbers_keep_the_types_that_the_reference_gives_them() {
    check(&[
        ("7 / 2", "3", "int"),
        ("-7 % 3", "-1", "int"),
        ("cast(7 as bigint) / 2", "3", "bigint"),
        ("2.0 / cast(3 as decimal(1,0))", "0.666666", "decimal(7,6)"),
        ("cast(1 as decimal(38,10)) - 0.5", "0.5000000000", "decimal(38,10)"),
        (
            "cast('99999999999999999990000000000000000000' as decimal(38,0)) / cast('10000000000000000000' as decimal(20,0))",
            "9999999999999999999.000000",
            "decimal(38,6)",
        ),
        ("round(150.75, 0, 1)", "150.00", "decimal(5,2)"),
        ("round(-748.58, -2, 1)", "-700.00", "decimal(5,2)"),
        ("iif(1 > 2, 1, 2.5)", "2.5", "decimal(11,1)"),
        ("nullif(1, 1)", "NULL", "int"),
        ("nullif(N'a', N'A')", "NULL", "nvarchar(1)"),
    ]);
    let mut session = serve(&shop()).connect();
    assert_eq!(fails(&mut *session, "select 2147483647 + 1"), 8115);
    assert_eq!(fails(&mut *session, "select convert(varchar(9), 1, 3) from dbo.Orders"), 50_000);
}

#[test]
fn values_become_the_bytes_that_are_stored() {
    check(&[
        ("convert(binary(8), cast(1.5 as float))", "0x3FF8000000000000", "binary(8)"),
        ("convert(binary(4), cast(-2 as real))", "0xC0000000", "binary(4)"),
        ("convert(bigint, 0xC0000000)", "3221225472", "bigint"),
        ("convert(int, 0xC0000000)", "-1073741824", "int"),
        ("convert(int, 0xFF)", "255", "int"),
        ("convert(binary(8), cast('1899-12-31T00:00:01' as datetime))", "0xFFFFFFFF0000012C", "binary(8)"),
        ("substring(0x010203, 2, 9)", "0x0203", "varbinary(3)"),
        ("substring(0x010203, 0, 2)", "0x01", "varbinary(3)"),
        ("substring(0x, 1, 1)", "0x", "varbinary(1)"),
        ("0x01 + 0x0203", "0x010203", "varbinary(3)"),
        ("datalength(cast(N'a' as nchar(4)))", "8", "int"),
        ("datalength(cast('a' as char(4)))", "4", "int"),
        ("datalength(rtrim(cast(N'a' as nchar(4))))", "2", "int"),
        ("datalength(cast(N'ä' as varchar(9)))", "1", "int"),
        ("datalength(cast(1 as smallint))", "2", "int"),
        ("datalength(cast(N'' as nvarchar(max)))", "0", "bigint"),
        ("datalength(Name)", "8", "int"),
    ]);
    assert_eq!(
        fails(&mut *serve(&shop()).connect(), "select convert(binary(6), cast(1 as float)) from dbo.Orders"),
        50_000
    );
}

#[test]
fn text_functions_see_what_the_collation_sees() {
    check(&[
        ("left(N'abc', 2)", "ab", "nvarchar(3)"),
        ("right(cast('ab' as char(4)), 3)", "b  ", "varchar(4)"),
        ("right(N'abc', 9)", "abc", "nvarchar(3)"),
        ("reverse(N'abc')", "cba", "nvarchar(3)"),
        ("unicode(N'ä')", "228", "int"),
        ("unicode('€')", "8364", "int"),
        ("ascii('€')", "128", "int"),
        ("unicode(N'')", "NULL", "int"),
        ("unicode(cast(0x3DD800DE as nvarchar(2)))", "55357", "int"),
        ("unicode(cast(0x3DD800DE as nvarchar(2)) collate Latin1_General_100_CI_AS_SC)", "128512", "int"),
        ("unicode(right(cast(0x3DD800DE as nvarchar(2)), 1))", "56832", "int"),
        ("replicate(N'ab', 2)", "abab", "nvarchar(4000)"),
        ("charindex(N'B', N'abcb')", "2", "int"),
        ("charindex(N'B', N'abcb' collate Latin1_General_100_BIN2)", "0", "int"),
        ("charindex(N'b', N'abcb', 3)", "4", "int"),
        ("charindex(N'', N'abc')", "0", "int"),
        ("charindex(nchar(0), cast(0x61000000 as nvarchar(2)) collate Latin1_General_100_BIN2)", "2", "int"),
        ("patindex(N'%[0-9]%', N'ab1')", "3", "int"),
        ("case when N'a@b' like N'%[^a-z]%' collate Latin1_General_100_BIN2 then 1 else 0 end", "1", "int"),
    ]);
    let mut session = serve(&shop()).connect();
    assert_eq!(fails(&mut *session, "select left(1, 1)"), 8116);
    assert_eq!(fails(&mut *session, "select left(N'a', -1)"), 537);
}

#[test]
fn moments_are_told_in_their_parts() {
    check(&[
        ("datepart(microsecond, cast('00:00:01.1234567' as time(7)))", "123456", "int"),
        ("datediff(day, cast('0001-01-01' as date), cast('9999-12-31' as date))", "3652058", "int"),
        (
            "datediff_big(second, cast('0001-01-01' as date), cast('9999-12-31' as date))",
            "315537811200",
            "bigint",
        ),
        (
            "switchoffset(cast('2024-01-01T00:30:00+01:00' as datetimeoffset(0)), '+00:00')",
            "2023-12-31 23:30:00.0000000 +00:00",
            "datetimeoffset(0)",
        ),
    ]);
    let overflows = "select datediff(second, cast('0001-01-01' as date), cast('9999-12-31' as date))";
    assert_eq!(fails(&mut *serve(&shop()).connect(), overflows), 535);
    let mut options = shop();
    "12.0.6024.0".clone_into(&mut options.product_version);
    let big = "select top (1) datediff_big(day, Placed, Placed) from dbo.Orders";
    assert_eq!(fails(&mut *serve(&options).connect(), big), 195);
}

#[test]
fn aggregates_overflow_in_their_own_type_and_refuse_what_they_do_not_take() {
    let mut session = serve(&shop()).connect();
    let large = "from (values (cast(2147483647 as int)), (1)) as v(n)";
    assert_eq!(fails(&mut *session, &format!("select sum(n) {large}")), 8115);
    assert_eq!(rows(&mut *session, &format!("select sum(cast(n as bigint)) {large}")), ["(2147483648)"]);
    let digits = "cast('99999999999999999999999999999999999999' as decimal(38,0))";
    assert_eq!(fails(&mut *session, &format!("select sum(n) from (values ({digits}), (1)) as v(n)")), 8115);
    assert_eq!(fails(&mut *session, "select max(cast(Id as bit)) from dbo.Orders"), 8117);
    assert_eq!(fails(&mut *session, "select sum(Name) from dbo.Orders"), 8117);
    assert_eq!(fails(&mut *session, "select count([Old]) from sales.Odd"), 8117);
    let nested = "select sum(case when exists (select 1 from sales.Odd) then 1 else 0 end) from dbo.Orders";
    assert_eq!(fails(&mut *session, nested), 130);
    let many = vec!["count(*)"; 4097].join(", ");
    assert_eq!(fails(&mut *session, &format!("select {many} from dbo.Orders")), 1056);
}

#[test]
fn rows_without_a_partner_are_found_by_a_correlated_subquery() {
    let mut session = serve(&shop()).connect();
    ask(&mut *session, "create table dbo.Lines (n int null, order_id int null, name nvarchar(20) null)");
    ask(
        &mut *session,
        "insert into dbo.Lines (n, order_id, name) values (1, 1, N'BERT'), (2, 99, N'anna'), (3, null, null), (4, 2, N'x')",
    );
    let mut orphans = |condition: &str| {
        let sql = format!("select n from dbo.Lines as this where {condition}");
        rows(&mut *session, &sql).join("")
    };
    assert_eq!(
        orphans(
            "order_id is not null and not exists (select 1 from dbo.Orders as p where p.Id = this.order_id)"
        ),
        "(2)"
    );
    assert_eq!(
        orphans("exists (select 1 from dbo.Orders as p where p.Id = this.order_id and p.Name = this.name)"),
        "(1)"
    );
    assert_eq!(
        orphans("not exists (select 1 from dbo.Orders as p where p.Id = order_id and p.Id > 1)"),
        "(1)(2)(3)"
    );
    // A table that names itself.
    assert_eq!(orphans("exists (select 1 from dbo.Lines as p where p.n = this.order_id)"), "(1)(4)");
    let mixed =
        "select n from dbo.Lines as this where exists (select 1 from dbo.Orders as p where p.Id < this.n)";
    assert_eq!(fails(&mut *session, mixed), 50_000);
}

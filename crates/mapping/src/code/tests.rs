//! Expressions as real schemas have them (pubs, Northwind, AdventureWorksLT) and the edges of each rule.

use super::*;
use mssql2pg_catalog::Length;

/// The collation of the test database.
const LOOSE: &str = "SQL_Latin1_General_CP1_CI_AS";

/// One column of each family, with PostgreSQL types as the type table gives them.
fn columns() -> Vec<ColumnContext> {
    let limited = |length| Length::limited(length);
    let money = SqlType::Money;
    let list = [
        ("OrderQty", SqlType::SmallInt, "smallint"),
        ("Status", SqlType::TinyInt, "smallint"),
        ("Id", SqlType::Int, "integer"),
        ("Big", SqlType::BigInt, "bigint"),
        ("UnitPrice", money.clone(), "numeric(19,4)"),
        ("UnitPriceDiscount", money.clone(), "numeric(19,4)"),
        ("SubTotal", money.clone(), "numeric(19,4)"),
        ("TaxAmt", money.clone(), "numeric(19,4)"),
        ("Freight", money, "numeric(19,4)"),
        ("Weight", SqlType::Decimal { precision: 8, scale: 2 }, "numeric(8,2)"),
        ("Discount", SqlType::Real, "real"),
        ("Ratio", SqlType::Float, "double precision"),
        ("Flag", SqlType::Bit, "boolean"),
        ("OldFlag", SqlType::Bit, "smallint"),
        ("BirthDate", SqlType::DateTime, "timestamp(3)"),
        ("Day", SqlType::Date, "date"),
        ("Stamp", SqlType::DateTime2 { scale: 7 }, "timestamp(6)"),
        ("Small", SqlType::SmallDateTime, "timestamp(0)"),
        ("Zoned", SqlType::DateTimeOffset { scale: 7 }, "timestamptz(6)"),
        ("Clock", SqlType::Time { scale: 7 }, "time(6)"),
        ("Guid", SqlType::UniqueIdentifier, "uuid"),
        ("GuidText", SqlType::UniqueIdentifier, "text"),
        ("zip", SqlType::Char { length: 5 }, "char(5)"),
        ("au_id", SqlType::VarChar { length: limited(11) }, "varchar(11)"),
        ("Name", SqlType::NVarChar { length: limited(50) }, "varchar(50)"),
        ("Notes", SqlType::NVarChar { length: Length::MAX }, "text"),
        ("Code", SqlType::NChar { length: 3 }, "char(3)"),
        ("Data", SqlType::VarBinary { length: Length::MAX }, "bytea"),
        ("Key8", SqlType::Binary { length: 4 }, "bytea"),
        ("Doc", SqlType::Xml, "xml"),
        ("YesNo", SqlType::Char { length: 1 }, "boolean"),
        ("kind", SqlType::NVarChar { length: limited(10) }, "varchar(10)"),
        ("Exact", SqlType::NVarChar { length: limited(20) }, "varchar(20)"),
        ("ExactOld", SqlType::VarChar { length: limited(20) }, "varchar(20)"),
        ("ExactCode", SqlType::Char { length: 5 }, "char(5)"),
        ("Cased", SqlType::NVarChar { length: limited(20) }, "varchar(20)"),
        ("Untold", SqlType::NVarChar { length: limited(20) }, "varchar(20)"),
        ("Node", SqlType::HierarchyId, "text"),
        ("Place", SqlType::Geography, "text"),
    ];
    let column = |(source, sql_type, pg_type): (&str, SqlType, &str)| ColumnContext {
        source: source.to_owned(),
        name: source.to_lowercase(),
        sql_type,
        pg_type: pg_type.to_owned(),
        collation: match source {
            "Exact" => Some("Latin1_General_100_BIN2_UTF8"),
            "ExactOld" | "ExactCode" => Some("SQL_Latin1_General_CP437_BIN"),
            "Cased" => Some("Latin1_General_100_CS_AS_KS_WS"),
            "Untold" => None,
            _ => Some(LOOSE),
        }
        .map(str::to_owned),
    };
    list.map(column).to_vec()
}

fn convert(text: &str, wanted: Wanted<'_>) -> Result<Converted, NotConverted> {
    convert_in(Some(LOOSE), text, wanted)
}

fn convert_in(collation: Option<&str>, text: &str, wanted: Wanted<'_>) -> Result<Converted, NotConverted> {
    let table = ObjectName::new("dbo", "Orders");
    let sequences = BTreeMap::from([(
        ObjectName::new("SalesLT", "SalesOrderNumber"),
        ("saleslt".to_owned(), "Order Numbers".to_owned()),
    )]);
    let columns = columns();
    convert_expression(
        text,
        wanted,
        &ExpressionContext {
            table: &table,
            columns: &columns,
            database: DatabaseContext { sequences: &sequences, collation },
        },
    )
}

fn column(name: &str) -> ColumnContext {
    columns().into_iter().find(|column| column.source == name).expect("a column of the test table")
}

/// The SQL, or `not converted: ` and the reason.
fn shown(converted: Result<Converted, NotConverted>) -> String {
    converted.map_or_else(|refused| format!("not converted: {refused}"), |done| done.sql)
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(convert(text, Wanted::Check)), expected, "{text}");
}

fn default(name: &str, text: &str, expected: &str) {
    assert_eq!(shown(convert(text, Wanted::Default(&column(name)))), expected, "{name}: {text}");
}

fn generated(text: &str, expected_type: &str, expected: &str) {
    let converted = convert(text, Wanted::Generated);
    let sql_type = converted.as_ref().ok().and_then(|done| done.sql_type.as_ref().map(ToString::to_string));
    assert_eq!(
        (shown(converted), sql_type.unwrap_or_default()),
        (expected.to_owned(), expected_type.to_owned()),
        "{text}"
    );
}

fn filter(text: &str, expected: &str) {
    assert_eq!(shown(convert(text, Wanted::Filter)), expected, "{text}");
}

#[test]
fn checks_become_conditions_or_are_refused() {
    check("[BirthDate]<getdate()", "birthdate < localtimestamp(3)");
    check("[Discount]>=(0) AND [Discount]<=(1)", "discount >= 0 and discount <= 1");
    check("[Day]>=[BirthDate] OR [Day] IS NULL", "day >= birthdate or day is null");
    check("[Freight]>=(0.00)", "freight >= 0.00");
    check("[OrderQty]>(0)", "orderqty > 0");
    check("[Status]>=(0) AND [Status]<=(8)", "status >= 0 and status <= 8");
    check("[Weight]>(0.00)", "weight > 0.00");
    check(
        "[au_id] like '[0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][0-9][0-9]'",
        "au_id ~ '^[0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][0-9][0-9] *$'",
    );
    check(
        "[zip] like '[A-Z][A-Z][A-Z][1-9][0-9][0-9][0-9][0-9][FM]' OR [zip] like '[A-Z]-[A-Z][1-9][0-9][0-9][0-9][0-9][FM]'",
        "zip ~ '^[A-Z][A-Z][A-Z][1-9][0-9][0-9][0-9][0-9][FM] *$' or zip ~ '^[A-Z]-[A-Z][1-9][0-9][0-9][0-9][0-9][FM] *$'",
    );
    check(
        "[zip]='1756' OR [zip]='1622' OR [zip] like '99[0-9][0-9]'",
        "zip = '1756' or zip = '1622' or zip ~ '^99[0-9][0-9] *$'",
    );
    check("[zip] like '[0-9][0-9][0-9][0-9][0-9]'", "zip ~ '^[0-9][0-9][0-9][0-9][0-9] *$'");
    check("([Flag]=(1))", "flag = true");
    check("[Flag]<>(0) and not [Flag]=1", "flag <> false and not flag = true");
    check("[Flag]=2", "not converted: it compares a bit with a number but 0 and 1");
    check("[OldFlag]=1", "oldflag = 1");
    check("[Name] in ('a', N'it''s', 'c')", "name in ('a', 'it''s', 'c')");
    check("[Name] not in ('a') and ([Id] = 1 or [Id] = 2)", "name not in ('a') and (id = 1 or id = 2)");
    check(
        "[Id] between 1 and 10 or not [Id] between (20) and (30)",
        "id between 1 and 10 or not id between 20 and 30",
    );
    check(r"[Name] like 'a\_b%'", r"name like E'a\\\\_b%'");
    check("[au_id] like 'abc'", "rtrim(au_id) like 'abc'");
    check("[zip] like 'abc%'", "zip like 'abc%'");
    check("[Code] like 'ab_'", "code like 'ab_'");
    check("[Name] like '50!%%' escape '!'", r"name like E'50\\%%'");
    check("[Name] not like '[^a-z.]%'", "name !~ '^[^a-z.].*$'");
    check("[Name] = 5", "not converted: it mixes text with a literal that is no text");
    check("[Id] = '5'", "id = 5");
    check("[Id] = ' 5 '", "id = 5");
    check("[BirthDate] >= '19000101'", "birthdate >= timestamp '1900-01-01 00:00:00'");
    check(
        "[BirthDate] >= '1900-01-02'",
        "not converted: it converts a literal to datetime in a form that depends on the session",
    );
    check("[BirthDate] >= '1900-01-01T10:00:00'", "birthdate >= timestamp '1900-01-01 10:00:00'");
    check("[Day] >= '2000-02-03'", "day >= date '2000-02-03'");
    check("[Day] <= dateadd(day,(30),getdate())", "day <= localtimestamp(3) + 30 * interval '1 day'");
    check(
        "datediff(year,[BirthDate],getdate())>=(18)",
        "extract(year from localtimestamp(3))::integer - extract(year from birthdate)::integer >= 18",
    );
    check(
        "[Guid] = '6F9619FF-8B86-D011-B42D-00C04FC964FF'",
        "guid = '6F9619FF-8B86-D011-B42D-00C04FC964FF'::uuid",
    );
    check(
        "[Guid] < [Guid]",
        "not converted: it orders uniqueidentifiers, which SQL Server sorts by other bytes",
    );
    check("len([Name])>(3)", "length(rtrim(name)) > 3");
    check("len(ltrim(rtrim([zip])))=5", "length(rtrim(ltrim(rtrim(rpad(zip, 5))))) = 5");
    check("isnull([Name],'')<>''", "coalesce(name, '') <> ''");
    check("coalesce([Flag],0)=1", "coalesce(flag::integer, 0) = 1");
    check("isnull([Flag],0)=1", "coalesce(flag, false) = true");
    check("case when [Flag]=1 then [Id] else 0 end > 0", "case when flag = true then id else 0 end > 0");
    check("iif([Id]>0,1,0)=1", "case when id > 0 then 1 else 0 end = 1");
    check(
        "year([BirthDate])>=1900 and month([Day])<>(13)",
        "extract(year from birthdate)::integer >= 1900 and extract(month from day)::integer <> 13",
    );
    check(
        "[dbo].[CheckIt]([Id])=(1)",
        "not converted: it calls the user's function dbo.CheckIt, which is not converted",
    );
    check("[Doc] is not null", "doc is not null");
    check(
        "[Doc].value('a','int')=1",
        "not converted: it calls a method of xml, Doc.value, which is not converted",
    );
    check("[Id] % 2 = 0", "id % 2 = 0");
    check("[Id]/2*3 > 1", "id / 2 * 3 > 1");
    check("[Id]-([Id]-1)-1>0", "id - (id - 1) - 1 > 0");
    check("-[Id] < -5", "-id < -5");
    check("[Ratio]>1e3", "ratio > '1e3'::double precision");
    check(
        "[GuidText] = 'x'",
        "not converted: it computes with a value of type uniqueidentifier as it is kept in PostgreSQL",
    );
    check("[GuidText] is null", "guidtext is null");
    check("[Zoned] < sysdatetimeoffset()", "zoned < now()");
    check(
        "[Zoned] < getdate()",
        "not converted: it relies on the implicit conversion between datetimeoffset and datetime",
    );
    check(
        "[YesNo] = 'Y'",
        "not converted: it computes with a value of type char as it is kept in PostgreSQL",
    );
    check("upper([zip])=[zip] collate Latin1_General_BIN", "not converted: it uses COLLATE");
    check("substring([zip],1,2)='ab'", "substring(rpad(zip, 5), 1, 2) = 'ab'");
    check("left([Name],1)='a'", "left(name, 1) = 'a'");
    check(
        "[Data] is null or datalength([Data])<100",
        "not converted: it calls the function datalength, which is not converted",
    );
    check("[Id] & 4 = 4", "id & 4 = 4");
    check("([Id] in (select 1))", "not converted: it uses a subquery");
    check("[Key8]=0x01", "key8 = decode('01000000', 'hex')");
    check("[id]=1 and [ORDERS].[Id]=1", "id = 1 and id = 1");
    check("[SubTotal]*1.1>0", "subtotal * 1.1 > 0");
}

#[test]
fn computed_columns_keep_the_type_and_value_of_t_sql_or_are_refused() {
    generated(
        "(isnull(([SubTotal]+[TaxAmt])+[Freight],(0)))",
        "money",
        "coalesce(subtotal + taxamt + freight, 0)",
    );
    generated(
        "(isnull(([UnitPrice]*((1.0)-[UnitPriceDiscount]))*[OrderQty],(0.0)))",
        "decimal(38,6)",
        "coalesce(round(unitprice * (1.0 - unitpricediscount), 6) * orderqty, 0.0)",
    );
    generated(
        "(isnull(N'SO'+CONVERT([nvarchar](23),[Id]),N'*** ERROR ***'))",
        "nvarchar(25)",
        "coalesce('SO' || id::varchar(23), '*** ERROR ***')",
    );
    generated(
        "(isnull(N'SO'+CONVERT([nvarchar](23),[Id],(0)),N'*** ERROR ***'))",
        "nvarchar(25)",
        "coalesce('SO' || id::varchar(23), '*** ERROR ***')",
    );
    generated("[UnitPrice]*[OrderQty]", "money", "unitprice * orderqty");
    generated("[UnitPrice]*[Freight]", "", "not converted: * of money rounds in a way PostgreSQL does not");
    generated("[UnitPrice]/2", "", "not converted: / of money rounds in a way PostgreSQL does not");
    generated(
        "[Id]/(2.0)",
        "",
        "not converted: it divides decimals, which SQL Server cuts at a scale of its own",
    );
    generated("[zip]+'-'+[Code]", "nvarchar(9)", "rpad(zip, 5) || '-' || rpad(code, 3)");
    generated("[Name]+' '+[au_id]+[Notes]", "nvarchar(max)", "name || ' ' || au_id || notes");
    generated(
        "concat([Name],' ',[au_id])",
        "nvarchar(62)",
        "coalesce(name, '') || ' ' || coalesce(au_id, '')",
    );
    generated(
        "case when [Flag]=(1) then 'yes' else 'no' end",
        "varchar(3)",
        "case when flag = true then 'yes' else 'no' end",
    );
    generated(
        "case [Status] when 1 then 'one' when 2 then 'two' end",
        "varchar(3)",
        "case when status = 1 then 'one' when status = 2 then 'two' end",
    );
    generated(
        "convert(bit,case when [Id]>0 then 1 else 0 end)",
        "bit",
        "case when id > 0 then 1 else 0 end <> 0",
    );
    generated("cast([Weight] as int)", "int", "trunc(weight)::integer");
    generated(
        "cast([Id] as varchar(5))",
        "",
        "not converted: it converts int to a text that may be too short",
    );
    generated("cast([Id] as varchar(12))", "varchar(12)", "id::varchar(12)");
    generated("convert(varchar(10),[BirthDate],112)", "", "not converted: it calls CONVERT with a style");
    generated("convert(date,[BirthDate])", "date", "birthdate::date");
    generated("dateadd(month,[Id],[Day])", "date", "(day + id * interval '1 month')::date");
    generated("dateadd(day,1,[Zoned])", "", "not converted: it calls dateadd with what is not a date");
    generated("datediff(day,[Day],[BirthDate])", "int", "birthdate::date - day::date");
    generated(
        "datediff(minute,[Day],[BirthDate])",
        "int",
        "(extract(epoch from date_trunc('minute', birthdate::timestamp) - date_trunc('minute', day::timestamp)) / 60)::integer",
    );
    generated(
        "datediff(month,[Day],[BirthDate])",
        "int",
        "(extract(year from birthdate)::integer - extract(year from day)::integer) * 12 + extract(month from birthdate)::integer - extract(month from day)::integer",
    );
    generated(
        "datediff(quarter,[Day],[BirthDate])",
        "int",
        "(extract(year from birthdate)::integer - extract(year from day)::integer) * 4 + extract(quarter from birthdate)::integer - extract(quarter from day)::integer",
    );
    generated(
        "datediff(second,[Small],[BirthDate])",
        "int",
        "(extract(epoch from date_trunc('second', birthdate::timestamp) - date_trunc('second', small::timestamp)))::integer",
    );
    generated(
        "getdate()",
        "",
        "not converted: it calls GETDATE, whose result changes; PostgreSQL allows only what the row decides",
    );
    generated(
        "newid()",
        "",
        "not converted: it calls NEWID, whose result changes; PostgreSQL allows only what the row decides",
    );
    generated("datepart(second,[Stamp])", "int", "floor(extract(second from stamp))::integer");
    generated(
        "datepart(weekday,[Stamp])",
        "",
        "not converted: it uses a date part that depends on DATEFIRST",
    );
    generated(
        "upper([Name])",
        "",
        "not converted: it calls upper, which follows the target database's locale",
    );
    generated("replace([Exact],'-','')", "nvarchar(20)", "replace(exact, '-', '')");
    generated("[Id]*2", "int", "id * 2");
    generated("[Big]+[Id]", "bigint", "big + id");
    generated("abs([Id])", "int", "abs(id)");
    generated("round([Weight],1)", "decimal(8,2)", "round(weight, 1)");
    generated("round([Weight],1,1)", "decimal(8,2)", "trunc(weight, 1)");
    generated("floor([Weight])", "decimal(8,0)", "floor(weight)");
    generated("nullif([Id],0)", "int", "nullif(id, 0)");
    generated(
        "isnull([zip],'toolong')",
        "",
        "not converted: it calls isnull with a text that the first one's type would cut",
    );
    generated("cast('2020-01-01' as date)", "date", "date '2020-01-01'");
    generated("cast(5 as varchar(5))", "varchar(5)", "'5'::varchar(5)");
    generated("cast([Guid] as varchar(36))", "varchar(36)", "upper(guid::text)::varchar(36)");
    generated(
        "eomonth([Day])",
        "date",
        "(date_trunc('month', day::timestamp) + interval '1 month - 1 day')::date",
    );
    generated("datefromparts([Id],1,1)", "date", "make_date(id, 1, 1)");
    generated("~[Id]", "int", "~ id");
    generated("[BirthDate]+(30)", "datetime", "birthdate + 30 * interval '1 day'");
    generated(
        "checksum([Name])",
        "",
        "not converted: it calls the function checksum, which is not converted",
    );
    generated(
        "hashbytes('md5',[Name])",
        "",
        "not converted: it calls the function hashbytes, which is not converted",
    );
    generated("[Ratio]*[Id]", "float", "ratio * id");
    generated("[Discount]*[Id]", "", "not converted: it mixes real and int");
    generated("([Ratio]+[Id])/2", "float", "(ratio + id) / 2");
    generated(
        "cast([OrderQty] as money)*[UnitPrice]",
        "",
        "not converted: * of money rounds in a way PostgreSQL does not",
    );
    generated("0x1F", "varbinary(1)", "decode('1f', 'hex')");
    generated("right([zip],3)", "varchar(3)", "right(rpad(zip, 5), 3)");
    generated("reverse([Name])", "nvarchar(50)", "reverse(name)");
    generated("coalesce([Id],[Big],0)", "bigint", "coalesce(id, big, 0)");
    generated("coalesce([Name],[zip],'x')", "nvarchar(50)", "coalesce(name, rpad(zip, 5), 'x')");
    generated(
        "convert(varchar(20),[UnitPrice])",
        "",
        "not converted: it converts money to varchar(20), which the servers do differently",
    );
    generated("convert(varchar(20),[Weight])", "varchar(20)", "weight::varchar(20)");
    generated("-[Weight]", "decimal(8,2)", "-weight");
}

#[test]
fn filters_depend_on_nothing_but_the_row() {
    filter("[Flag]=(1) AND [Name] IS NOT NULL", "flag = true and name is not null");
    filter(
        "[BirthDate]>getdate()",
        "not converted: it calls GETDATE, whose result changes; PostgreSQL allows only what the row decides",
    );
    filter("[Status] IN ((1), (2))", "status in (1, 2)");
}

/// The reason why text under the test database's collation is not compared.
fn by_collation(name: &str) -> String {
    format!(
        "not converted: it compares text by the collation {name}, which finds texts equal that PostgreSQL tells apart"
    )
}

#[test]
fn text_that_compares_by_a_collation_decides_no_kept_value() {
    let check = |text: &str, reason: &str| {
        let value = format!("case when {text} then 1 else 0 end");
        assert_eq!(shown(convert(text, Wanted::Filter)), reason, "{text}");
        assert_eq!(shown(convert(&value, Wanted::Generated)), reason, "{value}");
        // A check guards and changes nothing.
        assert!(convert(text, Wanted::Check).is_ok(), "{text}");
    };
    let loose = by_collation(LOOSE);
    let cased = by_collation("Latin1_General_100_CS_AS_KS_WS");
    // `open`, `OPEN` and `'open '` are all 1 in SQL Server.
    check("[kind]=N'open'", &loose);
    check("[kind]<>N'open'", &loose);
    check("N'open'=[kind]", &loose);
    check("[kind]<N'open'", &loose);
    check("[kind]=[Exact]", &loose);
    check("[Exact]=[kind]", &loose);
    check("[kind] in (N'open',N'done')", &loose);
    check("N'open' in ([Exact],[kind])", &loose);
    check("[kind] between N'a' and N'b'", &loose);
    check("[kind] like N'open%'", &loose);
    check("[kind] not like N'[0-9]%'", &loose);
    check("[zip]='12345'", &loose);
    check("left([Name],(1))=N'a'", &loose);
    check("isnull([Name],N'')<>N''", &loose);
    check("[Exact]+[Name]=N'ab'", &loose);
    check("nullif([kind],N'')=N'x'", &loose);
    check("nullif([kind],N'') is null", &loose);
    check("replace([kind],N'-',N'') is null", &loose);
    check("case [kind] when N'open' then 1 else 0 end=1", &loose);
    check("case when [Exact]=N'a' then [kind] else N'' end=N'x'", &loose);
    check("iif([Exact]=N'a',[kind],N'')=N'x'", &loose);
    check("[Id]=1 or [kind]=N'open'", &loose);
    check("not ([Id]=1 and [kind]=N'open')", &loose);
    check("[Cased]=N'open'", &cased);
    check("[Cased] like N'open'", &cased);
    check("[Untold]=N'open'", "not converted: it compares text by a collation that the source does not tell");
    // What is made text has the database's collation.
    check("cast([Id] as varchar(12))='1'", &loose);
    check("'a'='A'", &loose);
    check("iif([Exact]=N'a',cast([Id] as varchar(12)),'')='A'", &loose);
    check("[Exact]<N'a'", "not converted: it orders text, which PostgreSQL does by another collation");
    check(
        "[Exact] between N'a' and N'b'",
        "not converted: it orders text, which PostgreSQL does by another collation",
    );
    generated("case [kind] when N'open' then 1 else 0 end", "", &loose);
    generated("nullif([kind],N'')", "", &loose);
    generated("iif([kind]=N'open',1,0)", "", &loose);
    generated("replace([kind],N'-',N'')", "", &loose);
}

#[test]
fn binary_collations_compare_as_postgresql_does_but_for_trailing_blanks() {
    generated(
        "case when [Exact]=N'open' then 1 else 0 end",
        "int",
        "case when rtrim(exact, ' ') = 'open' then 1 else 0 end",
    );
    generated(
        "case [ExactCode] when 'a  ' then 1 else 0 end",
        "int",
        "case when rtrim(exactcode, ' ') = 'a' then 1 else 0 end",
    );
    generated(
        "nullif([Exact],N' ')",
        "nvarchar(20)",
        "case when rtrim(exact, ' ') = '' then null else exact end",
    );
    generated(
        "nullif([Exact]+N'a',[Exact])",
        "nvarchar(21)",
        "case when rtrim(exact || 'a', ' ') = rtrim(exact, ' ') then null else exact || 'a' end",
    );
    filter(
        "[Exact]<>N'' and [Exact]=[ExactOld]",
        "rtrim(exact, ' ') <> '' and rtrim(exact, ' ') = rtrim(exactold, ' ')",
    );
    filter("[Exact] not in (N'a',N'b ')", "rtrim(exact, ' ') not in ('a', 'b')");
    filter("left([Exact],(1))=N'a'", "rtrim(left(exact, 1), ' ') = 'a'");
    filter("[Exact] like N'a%'", "exact like 'a%'");
    filter("[ExactOld] like 'a'", "rtrim(exactold) like 'a'");
    check("[Exact]=N'open '", "exact = 'open '");
}

#[test]
fn the_database_decides_how_text_without_a_column_compares() {
    let check = |collation: Option<&str>, expected: &str| {
        let text = "cast([Id] as varchar(12))='1'";
        assert_eq!(shown(convert_in(collation, text, Wanted::Filter)), expected);
    };
    check(Some("Latin1_General_BIN"), "rtrim(id::varchar(12), ' ') = '1'");
    check(Some("Japanese_CI_AS"), &by_collation("Japanese_CI_AS"));
    // A name that only looks binary.
    check(Some("Binary_CI_AS"), &by_collation("Binary_CI_AS"));
    check(None, "not converted: it compares text by a collation that the source does not tell");
}

#[test]
fn what_is_no_text_compares_under_every_collation() {
    filter("[kind] is null", "kind is null");
    filter(
        "[Guid]='6F9619FF-8B86-D011-B42D-00C04FC964FF'",
        "guid = '6F9619FF-8B86-D011-B42D-00C04FC964FF'::uuid",
    );
    filter("[Id]='5'", "id = 5");
    filter("[Day]>='2000-02-03'", "day >= date '2000-02-03'");
    filter("len([kind])>(3)", "length(rtrim(kind)) > 3");
    generated("isnull([kind],N'open')", "nvarchar(10)", "coalesce(kind, 'open')");
    generated("coalesce([kind],[Exact])", "nvarchar(20)", "coalesce(kind, exact)");
    generated("nullif([Id],0)", "int", "nullif(id, 0)");
}

#[test]
fn methods_of_types_are_no_functions_of_the_user() {
    let check = |text: &str, kind: &str, name: &str| {
        let expected = format!("not converted: it calls {kind} {name}, which is not converted");
        generated(text, "", &expected);
    };
    check("[Node].[GetLevel]()", "a method of a CLR type,", "Node.GetLevel");
    check("[Orders].[NODE].GetAncestor(1)", "a method of a CLR type,", "Orders.NODE.GetAncestor");
    check("[Place].[STAsText]()", "a method of a CLR type,", "Place.STAsText");
    check("[Doc].value('a','int')", "a method of xml,", "Doc.value");
    check("[dbo].[GetLevel]([Id])", "the user's function", "dbo.GetLevel");
    // A schema may be called as a column that has no methods is.
    check("[Id].[GetLevel]()", "the user's function", "Id.GetLevel");
}

#[test]
fn defaults_fit_their_columns_or_are_refused() {
    default("Name", "'1998'", "'1998'");
    default("zip", "('9952')", "'9952'");
    default(
        "Name",
        "('New Position - title not formalized yet')",
        "'New Position - title not formalized yet'",
    );
    default("Id", "((0))", "0");
    default("UnitPrice", "((0.0))", "0.0");
    default("UnitPrice", "((0.00))", "0.00");
    default("Flag", "((1))", "true");
    default("Flag", "((0))", "false");
    default("Flag", "('true')", "true");
    default("OldFlag", "((1))", "1");
    default("Id", "(NEXT VALUE FOR [SalesLT].[SalesOrderNumber])", r#"nextval('saleslt."Order Numbers"')"#);
    default(
        "Id",
        "(NEXT VALUE FOR [SalesLT].[Nope])",
        "not converted: it uses the sequence SalesLT.Nope, which is not carried over",
    );
    default("BirthDate", "(getdate())", "localtimestamp(3)");
    default("Day", "(getdate())", "current_date");
    default("Stamp", "(getdate())", "localtimestamp");
    default("Small", "(getdate())", "date_trunc('minute', localtimestamp + interval '30 seconds')");
    default("Zoned", "(getdate())", "now()");
    default("Zoned", "(sysdatetimeoffset())", "now()");
    default("Clock", "(getdate())", "localtime");
    default("Stamp", "(sysutcdatetime())", "(now() at time zone 'utc')");
    default("Stamp", "(getutcdate())", "(now() at time zone 'utc')");
    default("Stamp", "(sysdatetime())", "localtimestamp");
    default("Guid", "(newid())", "gen_random_uuid()");
    default("Guid", "(newsequentialid())", "gen_random_uuid()");
    default("GuidText", "(newid())", "gen_random_uuid()::text");
    default("Name", "(newid())", "upper(gen_random_uuid()::text)");
    default("Name", "(suser_sname())", "session_user::text");
    default("Name", "(user_name())", "current_user::text");
    default("Name", "('x'+suser_sname())", "'x' || session_user::text");
    default("Name", "((5))", "'5'");
    default("Name", "(NULL)", "null");
    default("Name", r"(N'it''s \ here')", r"E'it''s \\ here'");
    default("Id", "(-(1))", "-1");
    default(
        "Id",
        "((1.5))",
        "not converted: it converts a literal with a fraction, or no number, to int implicitly",
    );
    default("Id", "('7')", "7");
    default("Ratio", "((1.5))", "1.5");
    default("Ratio", "((1e3))", "'1e3'::double precision");
    default("Weight", "((.5))", "0.5");
    default("BirthDate", "((0))", "timestamp '1900-01-01 00:00:00'");
    default("BirthDate", "('')", "timestamp '1900-01-01 00:00:00'");
    default("BirthDate", "('1900-01-01')", "timestamp '1900-01-01 00:00:00'");
    default(
        "BirthDate",
        "('02/03/2000')",
        "not converted: it converts a literal to datetime in a form that depends on the session",
    );
    default("Day", "('99991231')", "date '9999-12-31'");
    default(
        "Stamp",
        "('2020-01-01 12:34:56.1234567')",
        "not converted: it converts a literal to datetime2, which rounds it",
    );
    default("Stamp", "('2020-01-01 12:34:56.123456')", "timestamp '2020-01-01 12:34:56.123456'");
    default("BirthDate", "(dateadd(day,(30),getdate()))", "localtimestamp(3) + 30 * interval '1 day'");
    default("Day", "(dateadd(month,(1),getdate()))", "(localtimestamp(3) + 1 * interval '1 month')::date");
    default("Day", "(CONVERT([date],getdate()))", "localtimestamp(3)::date");
    default("BirthDate", "(getdate()+(7))", "localtimestamp(3) + 7 * interval '1 day'");
    default("Clock", "('12:30')", "time '12:30:00'");
    default("Key8", "(0x01)", "decode('01000000', 'hex')");
    default("Data", "(0x)", "decode('', 'hex')");
    default("Zoned", "('2020-01-01')", "timestamptz '2020-01-01 00:00:00+00'");
    default("YesNo", "('Y')", "true");
    default("YesNo", "('q')", "not converted: it converts a literal to char implicitly");
    default("Name", "([Id])", "not converted: it uses Id, which is no literal and no function we know");
    default("Id", "(year(getdate()))", "extract(year from localtimestamp(3))::integer");
    default(
        "Name",
        "(CONVERT([varchar](10),getdate(),(112)))",
        "not converted: it calls CONVERT with a style",
    );
    default(
        "Name",
        "(getdate())",
        "not converted: it relies on the implicit conversion from datetime to text",
    );
    default("Doc", "('<a/>')", "'<a/>'");
    default(
        "Guid",
        "('00000000-0000-0000-0000-000000000000')",
        "'00000000-0000-0000-0000-000000000000'::uuid",
    );
    default("Big", "((3000000000.))", "3000000000");
    default("Id", "((2)*(3)+(1))", "2 * 3 + 1");
    default(
        "Name",
        "(host_name())",
        "not converted: it calls the function host_name, which is not converted",
    );
}

#[test]
fn patterns_keep_their_meaning() {
    check("[Name] like 'a[%]b[_]c'", "name ~ '^a[%]b[_]c$'");
    check("[Name] like '%[^0-9A-Z -]%'", r"name ~ E'^.*[^0-9A-Z \\-].*$'");
    check("[Name] like '[0-9].[0-9](_)'", r"name ~ E'^[0-9]\\.[0-9]\\(.\\)$'");
    check("[Name] like '[[]x]%'", r"name ~ E'^[\\[]x\\].*$'");
    check("[Name] like 'a!_[0-9]' escape '!'", "name ~ '^a_[0-9]$'");
    check("[au_id] not like '[a-z]%'", "au_id !~ '^[a-z].*$'");
    check("[au_id] like N'[a-z]'", "au_id ~ '^[a-z]$'");
    check("[au_id] like 'x '", "not converted: it uses LIKE with a pattern that ends with a blank");
    check("[Name] like '[z-a]'", "not converted: it uses LIKE with a character class that is not understood");
    check("[Name] like '[abc'", "not converted: it uses LIKE with a character class that is not understood");
    check("[Name] like [au_id]", "not converted: it uses LIKE with a pattern that is not a literal");
    check("[Id] like '1%'", "not converted: it uses LIKE with a value that is not text");
}

#[test]
fn long_chains_and_deep_brackets_are_safe() {
    let chain = vec!["[Id] = 1"; 480].join(" or ");
    assert!(convert(&chain, Wanted::Check).is_ok());
    let sum = format!("{} > 0", vec!["[Id]"; 990].join(" + "));
    assert!(convert(&sum, Wanted::Check).is_ok());
    let deep = format!("{}[Id]{} = 1", "(".repeat(90), ")".repeat(90));
    assert_eq!(shown(convert(&deep, Wanted::Check)), "id = 1");
    assert!(convert(&format!("{}[Id]", "-".repeat(500)), Wanted::Generated).is_err());
    assert!(convert(&"(".repeat(1900), Wanted::Check).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_converter_panic(text in "[\\[\\]()'\"N$0xa-d1-9.,+*/%<>=! -]{0,60}") {
        for wanted in [Wanted::Check, Wanted::Filter, Wanted::Generated, Wanted::Default(&column("Id"))] {
            let _ = convert(&text, wanted);
        }
    }

    #[test]
    fn no_words_make_the_converter_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "[Id]", "[Name]", "(", ")", ",", "and", "or", "not", "in", "between", "like", "'a[b]%'", "is", "null",
            "case", "when", "then", "else", "end", "cast", "convert", "as", "int", "varchar", "1", "1.5", "$2",
            "+", "-", "*", "=", "<", "isnull", "dateadd", "day", "getdate()", "[BirthDate]", "0x1", "1e5",
        ]), 0..24)
    ) {
        let text = words.join(" ");
        for wanted in [Wanted::Check, Wanted::Generated, Wanted::Default(&column("Name"))] {
            let _ = convert(&text, wanted);
        }
    }
}

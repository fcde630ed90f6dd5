//! `validate --against`: a database that another tool has loaded is compared with the source.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use serde_json::Value as Json;
use std::path::Path;
use std::process::Output;
use support::{TestDatabase, connect, database, mssql2pg, read_json, told};

fn against(folder: &Path, target: &TestDatabase) -> Output {
    mssql2pg(folder).args(["validate", "plan.run", "--against", &target.url]).output().unwrap()
}

fn table(folder: &Path, name: &str) -> Json {
    let found = read_json(&folder.join("plan.run/against.json"));
    let table = found["tables"].as_array().unwrap().iter().find(|table| table["source"] == name).cloned();
    table.unwrap()
}

/// Names of the checks that failed.
fn failed(table: &Json) -> Vec<String> {
    let checks = table["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false);
    checks.map(|check| check["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn another_tools_tables_are_compared_by_contents_whatever_their_names_and_types() {
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let options = GenerateOptions { rows: 3_000, seed: 4, defects: false, ..GenerateOptions::default() };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    let run = |arguments: &[&str]| {
        let output = mssql2pg(folder.path()).args(arguments).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    };
    // The other tool is one of our own runs, of which nothing but the tables stays.
    run(&["migrate", "shop.bacpac", "--run", "other.run"]);
    let mut client = connect(&target.url);
    client.batch_execute("drop schema mssql2pg cascade").unwrap();
    run(&["plan", "shop.bacpac", "--run", "plan.run"]);
    let output = against(folder.path(), &target);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("18 of 18 tables as in the source and the plan"), "{}", told(&output));
    assert!(!folder.path().join("plan.run/validation.json").exists());

    client
        .batch_execute(
            "alter table public.customers alter column isbusiness drop default;
             alter table public.customers alter column isbusiness type integer using isbusiness::integer,
                 alter column customernumber type text,
                 alter column creditlimit type numeric;
             alter table public.payments alter column reference type text,
                 alter column exchangerate type numeric using exchangerate::text::numeric;
             alter table sales.returns alter column returnedat type timestamptz using returnedat at time zone 'UTC';
             alter table sales.productreviews
                 alter column reviewedat type timestamp using reviewedat at time zone 'UTC';
             alter table sales.\"price list\" alter column validfrom type timestamp;
             alter table public.products alter column attributes type text;
             alter table hr.employees alter column salary type double precision;
             alter table public.customers rename column customerid to \"Customer_ID\";
             alter table public.customers rename to \"Customers\";
             drop table public.importqueue",
        )
        .unwrap();
    let output = against(folder.path(), &target);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let retyped = [
        "dbo.Customers",
        "dbo.Payments",
        "sales.Returns",
        "sales.ProductReviews",
        "sales.Price List",
        "dbo.Products",
        "hr.Employees",
    ];
    let of_rows = ["contents", "row-counts", "second-witness", "keys", "foreign-keys", "readable-types"];
    for name in retyped {
        let found = table(folder.path(), name);
        assert!(!failed(&found).iter().any(|check| of_rows.contains(&check.as_str())), "{found}");
        assert!(failed(&found).contains(&"columns".to_owned()), "{found}");
    }
    assert!(failed(&table(folder.path(), "dbo.ImportQueue")).contains(&"columns".to_owned()));
    assert_eq!(table(folder.path(), "dbo.Orders")["passed"], true);

    // What a cast would hide.
    client
        .batch_execute(
            "update public.\"Customers\" set isbusiness = 2 where \"Customer_ID\" = 7;
             update public.\"Customers\" set creditlimit = 1.00001 where \"Customer_ID\" = 8",
        )
        .unwrap();
    let output = against(folder.path(), &target);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let rows = table(folder.path(), "dbo.Customers")["differences"]["rows"].as_array().unwrap().clone();
    let mut told_of: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row["key"].as_str().unwrap(), row["columns"])).collect();
    told_of.sort();
    assert_eq!(
        told_of,
        ["CustomerID=7 [\"IsBusiness\"]", "CustomerID=8 [\"CreditLimit\"]"],
        "{}",
        told(&output)
    );

    // What is read as NULL because it is no value of the planned type, where the source has NULL.
    client
        .batch_execute(
            "update public.\"Customers\" set isbusiness = 1 where \"Customer_ID\" = 7;
             alter table public.orders alter column shippeddate type timestamp;
             update public.orders set shippeddate = '2020-01-01 00:00:01'
             where orderid = (select min(orderid) from public.orders where shippeddate is null)",
        )
        .unwrap();
    against(folder.path(), &target);
    let orders = table(folder.path(), "dbo.Orders");
    assert!(failed(&orders).contains(&"readable-types".to_owned()), "{orders}");
}

#[test]
fn dates_and_times_kept_as_text_hide_nothing() {
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let options = GenerateOptions { rows: 2_000, seed: 4, defects: false, ..GenerateOptions::default() };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    let run = |arguments: &[&str]| {
        let output = mssql2pg(folder.path()).args(arguments).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    };
    run(&["migrate", "shop.bacpac", "--run", "other.run"]);
    run(&["plan", "shop.bacpac", "--run", "plan.run"]);
    let mut client = connect(&target.url);
    client
        .batch_execute(
            "alter table public.orders alter column orderdate drop default;
             alter table public.orders drop constraint ck_orders_requireddate;
             drop index public.ix_orders_open;
             alter table public.orders
                 alter column orderdate type text using to_char(orderdate, 'YYYY-MM-DD HH24:MI:SS.US0'),
                 alter column shippeddate type text",
        )
        .unwrap();
    let of_orders = || {
        against(folder.path(), &target);
        let orders = table(folder.path(), "dbo.Orders");
        let of_rows = ["contents", "row-counts", "second-witness", "readable-types"];
        let failed: Vec<String> =
            failed(&orders).into_iter().filter(|check| of_rows.contains(&check.as_str())).collect();
        (failed, orders["differences"]["total"].as_u64())
    };
    assert_eq!(of_orders(), (vec![], None));
    client
        .batch_execute(
            "with chosen as (select orderid, row_number() over (order by orderid) as place
                           from public.orders where shippeddate is not null)
             update public.orders set
                 orderdate = case place when 1 then left(orderdate, -1) || '4' when 2 then orderdate || '+05'
                                        else orderdate end,
                 shippeddate = case place when 3 then shippeddate || ' 10:00:00' else shippeddate end
             from chosen where chosen.orderid = orders.orderid and place <= 3",
        )
        .unwrap();
    let (failed, total) = of_orders();
    assert_eq!(total, Some(3), "{failed:?}");
    assert!(failed.contains(&"contents".to_owned()) && failed.contains(&"readable-types".to_owned()));
}

#[test]
fn the_runs_own_plan_and_findings_stay_as_they_are() {
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let options = GenerateOptions { rows: 2_000, seed: 4, defects: false, ..GenerateOptions::default() };
    write_shop(&folder.path().join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    std::fs::write(
        folder.path().join("own.toml"),
        "[columns.\"dbo.Orders.Status\"]\ntype = \"integer\"\n\
         [[audit.rule]]\nname = \"no-orders\"\ntable = \"dbo.Orders\"\ncolumn = \"OrderID\"\nmax = 0\n",
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let output = mssql2pg(folder.path()).args(arguments).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", told(&output));
    };
    let own = ["--config", "own.toml", "--run", "plan.run"];
    run(&[&["audit", "shop.bacpac"][..], &own].concat());
    let kept = || {
        ["baseline.json", "findings.json"]
            .map(|file| std::fs::read_to_string(folder.path().join("plan.run").join(file)).unwrap())
    };
    // Without the configuration, and with no plan: what was compared would not be what is built.
    let output = against(folder.path(), &target);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("plan.json"), "{}", told(&output));
    assert!(!folder.path().join("plan.run/plan.json").exists());
    run(&[&["plan", "shop.bacpac"][..], &own].concat());
    let before = kept();
    assert!(before[1].contains("no-orders"));
    against(folder.path(), &target);
    assert_eq!(kept(), before);
    run(&[&["migrate", "shop.bacpac"][..], &own].concat());
    let sql = "select data_type::text from information_schema.columns
               where table_name = 'orders' and column_name = 'status'";
    let kind: String = connect(&target.url).query_one(sql, &[]).unwrap().get(0);
    assert_eq!(kind, "integer");
}

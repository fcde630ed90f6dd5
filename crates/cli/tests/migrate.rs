//! A `.bacpac` becomes a validated PostgreSQL database.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use support::{connect, database, mssql2pg, read_json, sample, told};

/// Tables and rows of every sample, as its `samples/README.md` and its parts tell.
const SAMPLES: &[(&str, usize)] = &[
    ("AdventureWorksLT-azure", 12),
    ("AdventureWorksLT-2025", 12),
    ("PropertyMLS", 1),
    ("QueryStoreTest", 6),
    ("Insurance", 9),
    ("FourthCoffee", 10),
    ("Clinic", 0),
    ("ContosoHR", 0),
    ("Northwind", 13),
    ("pubs", 11),
];

#[test]
fn every_sample_migrates_and_validates() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tables) in SAMPLES {
        let Some(file) = sample(&format!("bacpac/{name}.bacpac")) else { return };
        let target = database();
        let output = mssql2pg(folder.path())
            .arg("migrate")
            .arg(&file)
            .env("TARGET_URL", &target.url)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", told(&output));
        let report = read_json(&folder.path().join(format!("{name}.run/reports/report.json")));
        assert_eq!(report["verdict"]["state"], "migrated", "{name}");
        let found = report["tables"].as_array().unwrap();
        assert!(found.iter().all(|table| table["status"] == "validated"), "{name}");
        if *tables > 0 {
            assert_eq!(found.len(), *tables, "{name}");
        }
        let rows: u64 = found.iter().filter_map(|table| table["target_rows"].as_u64()).sum();
        let claimed = read_json(&folder.path().join(format!("{name}.run/catalog.json")));
        eprintln!(
            "{name}: {} tables, {rows} rows, claimed {}",
            found.len(),
            claimed["database"]["claimed_rows"]
        );
    }
}

#[test]
fn a_second_run_changes_nothing_and_other_settings_are_refused() {
    let Some(file) = sample("bacpac/pubs.bacpac") else { return };
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let run = |flags: &[&str]| {
        let mut command = mssql2pg(folder.path());
        command.arg("migrate").arg(&file).args(flags).env("TARGET_URL", &target.url).output().unwrap()
    };
    assert_eq!(run(&[]).status.code(), Some(0));
    let again = run(&[]);
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    assert!(String::from_utf8_lossy(&again.stderr).contains("loaded before, 0 now"), "{}", told(&again));
    let rows: i64 = connect(&target.url).query_one("select count(*) from authors", &[]).unwrap().get(0);
    assert_eq!(rows, 23);
    let other = run(&["--exclude", "dbo.sales"]);
    assert_eq!(other.status.code(), Some(2), "{}", told(&other));
    let told = told(&other);
    for word in ["other settings", "tables.exclude", "began with: []", "now: [\"dbo.sales\"]", "hint: "] {
        assert!(told.contains(word), "{word} is not in {told}");
    }
}

#[test]
fn tables_that_are_there_are_named_and_kept_unless_asked_otherwise() {
    let Some(file) = sample("bacpac/pubs.bacpac") else { return };
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let mut client = connect(&target.url);
    client
        .batch_execute("create table authors (mine text); insert into authors values ('precious')")
        .unwrap();
    let run = |name: &str, flags: &[&str]| {
        let mut command = mssql2pg(folder.path());
        command.arg("migrate").arg(&file).args(["--run", name]).args(flags).env("TARGET_URL", &target.url);
        command.output().unwrap()
    };
    let refused = run("a.run", &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("public.authors"), "{}", told(&refused));
    assert!(told(&refused).contains("--if-exists"), "{}", told(&refused));
    let precious: String = client.query_one("select mine from authors", &[]).unwrap().get(0);
    assert_eq!(precious, "precious");
    let tables: i64 =
        client.query_one("select count(*) from pg_tables where schemaname = 'public'", &[]).unwrap().get(0);
    assert_eq!(tables, 1, "nothing is half made");
    let mismatch = run("b.run", &["--if-exists", "truncate"]);
    assert_eq!(mismatch.status.code(), Some(3), "{}", told(&mismatch));
    let replaced = run("c.run", &["--if-exists", "replace"]);
    assert_eq!(replaced.status.code(), Some(0), "{}", told(&replaced));
    // A key counts by its columns, whatever the team has called it.
    client.batch_execute("alter table authors rename constraint upkcl_auidind to authors_key").unwrap();
    let truncated = run("d.run", &["--if-exists", "truncate"]);
    assert_eq!(truncated.status.code(), Some(0), "{}", told(&truncated));
    let rows: i64 = client.query_one("select count(*) from authors", &[]).unwrap().get(0);
    assert_eq!(rows, 23);
    client.batch_execute("alter table authors drop constraint authors_key cascade").unwrap();
    client
        .batch_execute("alter table authors add constraint upkcl_auidind primary key (au_id, au_lname)")
        .unwrap();
    let other_key = run("d.run", &[]);
    assert_eq!(other_key.status.code(), Some(1), "{}", told(&other_key));
    assert!(told(&other_key).contains("primary key"), "{}", told(&other_key));
}

#[test]
fn a_change_in_the_target_is_found_and_its_column_named() {
    let Some(file) = sample("bacpac/Northwind.bacpac") else { return };
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let run =
        mssql2pg(folder.path()).arg("migrate").arg(&file).env("TARGET_URL", &target.url).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", told(&run));
    let mut client = connect(&target.url);
    for (damage, table, word) in [
        ("update customers set city = city || ' ' where customerid = 'ALFKI'", "dbo.Customers", "City"),
        ("delete from region where regionid = 1", "dbo.Region", "rows"),
        ("update orders set freight = freight + 0.0001 where orderid = 10248", "dbo.Orders", "Freight"),
        (
            "update shippers a set phone = b.phone from shippers b where a.shipperid = 1 and b.shipperid = 2",
            "dbo.Shippers",
            "Phone",
        ),
    ] {
        client.batch_execute("begin; set session_replication_role = replica").unwrap();
        client.batch_execute(damage).unwrap();
        client.batch_execute("commit; set session_replication_role = origin").unwrap();
        let output =
            mssql2pg(folder.path()).args(["validate"]).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{damage}: {}", told(&output));
        let report = read_json(&folder.path().join("Northwind.run/reports/report.json"));
        let tables = report["tables"].as_array().unwrap();
        let damaged = tables.iter().find(|found| found["source"] == table).unwrap();
        assert_eq!(damaged["status"], "failed", "{damage}");
        assert!(damaged.to_string().contains(word), "{damage}: {damaged}");
    }
    let status = mssql2pg(folder.path()).arg("status").env("TARGET_URL", &target.url).output().unwrap();
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(text.contains("failed: ") && text.contains("validated"), "{text}");
}

#[test]
fn a_plan_needs_no_target_and_names_what_is_not_converted() {
    let Some(file) = sample("bacpac/Northwind.bacpac") else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = mssql2pg(folder.path()).arg("plan").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("13 tables") && text.contains("CustOrderHist"), "{text}");
    for name in ["catalog.json", "plan.json", "schema/02-tables.sql"] {
        assert!(folder.path().join("Northwind.run").join(name).is_file(), "{name}");
    }
}

#[test]
fn the_password_is_nowhere() {
    let Some(file) = sample("bacpac/pubs.bacpac") else { return };
    let (folder, target) = (tempfile::tempdir().unwrap(), database());
    let url = target.url.clone();
    let password =
        url.split_once("://").unwrap().1.split_once('@').unwrap().0.split_once(':').unwrap().1.to_owned();
    let output = mssql2pg(folder.path())
        .arg("migrate")
        .arg(&file)
        .env("TARGET_URL", &url)
        .env("MSSQL2PG_LOG", "trace")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(!told(&output).contains(&password));
    let mut folders = vec![folder.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let content = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&content).contains(&password), "{}", path.display());
        }
    }
    assert!(files > 10);
    let listed: i64 = connect(&target.url)
        .query_one("select count(*) from mssql2pg.run where run::text like '%' || $1 || '%'", &[&password])
        .unwrap()
        .get(0);
    assert_eq!(listed, 0);
}

//! Logging in, transactions, databases and rights.

use super::{ask, fails, rows, serve, shop};
use crate::conversation::{Engine as _, LoginRequest};
use crate::{Login, Options, Rights};

fn with_login(rights: Rights) -> Options {
    let mut options = shop();
    options.logins.push(Login { name: "reader".to_owned(), password: "secret".to_owned(), rights });
    options
}

#[test]
fn a_login_needs_name_password_and_database() {
    let server = serve(&with_login(Rights { closed: vec!["shop".to_owned()], ..Rights::least() }));
    let number = |user: &str, secret: &str, database: &str| {
        server.connect_as(user, secret, database).map(|_| 0).unwrap_or_else(|failure| failure.number)
    };
    assert_eq!(number("sa", "Pass@word1", "shop"), 0);
    assert_eq!(number("SA", "Pass@word1", "SHOP"), 0);
    assert_eq!(number("sa", "pass@word1", "shop"), 18456);
    assert_eq!(number("nobody", "Pass@word1", "shop"), 18456);
    assert_eq!(number("sa", "Pass@word1", "none"), 4060);
    assert_eq!(number("reader", "secret", "shop"), 4060);
    assert_eq!(server.connect_as("sa", "Pass@word1", "").unwrap().database(), "master");
    let failure = server.connect_as("sa", "x", "shop").err().unwrap();
    assert_eq!((failure.class, failure.state), (14, 8));
    let token = LoginRequest {
        user: String::new(),
        secret: "secret".to_owned(),
        by_token: true,
        database: "master".to_owned(),
    };
    assert!(server.engine.log_in(&token).is_ok());
    server.faults.plan().fail_logins = vec![40613];
    assert_eq!(number("sa", "Pass@word1", "shop"), 40613);
    assert_eq!(number("sa", "Pass@word1", "shop"), 0);
    let mut reader = server.connect_as("reader", "secret", "master").unwrap();
    assert_eq!(fails(&mut *reader, "use shop"), 916);
    assert_eq!(fails(&mut *reader, "select * from shop.dbo.Orders"), 916);
}

#[test]
fn rights_are_asked_for() {
    let rights = Rights { denied: vec!["dbo.Orders".to_owned()], ..Rights::least() };
    let server = serve(&with_login(rights));
    let mut session = server.connect_as("reader", "secret", "shop").unwrap();
    assert_eq!(fails(&mut *session, "select Id from dbo.Orders"), 229);
    assert_eq!(rows(&mut *session, "select count(*) from sales.Odd"), ["(3)"]);
    assert_eq!(fails(&mut *session, "create table dbo.x (a int)"), 262);
    assert_eq!(
        fails(&mut *session, "create database s on (name = shop, filename = N's.ss') as snapshot of shop"),
        262
    );
    let server = serve(&with_login(Rights { select: false, ..Rights::least() }));
    let mut session = server.connect_as("reader", "secret", "shop").unwrap();
    assert_eq!(fails(&mut *session, "select count(*) from sales.Odd"), 229);
}

#[test]
fn statements_of_a_session_are_answered() {
    let mut session = serve(&shop()).connect();
    assert_eq!(
        ask(
            &mut *session,
            "set textsize 2147483647; set lock_timeout 30000 set nocount on -- x\nset transaction isolation level read committed"
        ),
        ["done"; 4]
    );
    assert_eq!(
        ask(&mut *session, "begin transaction; begin tran commit; rollback transaction"),
        ["transaction true", "done", "done", "done", "transaction false", "done"]
    );
    assert_eq!(fails(&mut *session, "commit"), 3902);
    assert_eq!(fails(&mut *session, "rollback"), 3903);
    assert_eq!(ask(&mut *session, "use [master]"), ["database master", "done"]);
    assert_eq!(session.database(), "master");
    assert_eq!(fails(&mut *session, "use [none]"), 911);
    assert_eq!(fails(&mut *session, "set nonsense on"), 195);
    assert_eq!(fails(&mut *session, "exec nonsense"), 2812);
    assert_eq!(fails(&mut *session, "nonsense 1"), 102);
    assert_eq!(
        ask(&mut *session, "if 1 = 2 begin print 'a' end else begin print N'b' print N'c' end"),
        ["done"; 2]
    );
}

#[test]
fn a_database_snapshot_keeps_the_rows_as_they_were() {
    let server = serve(&shop());
    let mut session = server.connect();
    ask(&mut *session, "create table dbo.T (a int not null); insert into dbo.T values (1)");
    let sql = "create database [shop_s] on (name = [shop], filename = N'/x/shop.ss') as snapshot of [shop]";
    ask(&mut *session, sql);
    assert_eq!(fails(&mut *session, sql), 1801);
    ask(&mut *session, "insert into dbo.T values (2)");
    let mut snapshot = server.connect_as("sa", "Pass@word1", "shop_s").unwrap();
    assert_eq!(rows(&mut *snapshot, "select a from dbo.T"), ["(1)"]);
    assert_eq!(rows(&mut *snapshot, "select count(*) from dbo.Orders"), ["(10)"]);
    assert_eq!(fails(&mut *snapshot, "insert into dbo.T values (3)"), 3906);
    assert_eq!(rows(&mut *session, "select a from dbo.T"), ["(1)", "(2)"]);
    assert_eq!(fails(&mut *session, "drop database [shop]"), 3702);
    ask(&mut *session, "drop database [shop_s]");
    assert_eq!(fails(&mut *snapshot, "select a from dbo.T"), 911);
    assert!(server.connect_as("sa", "Pass@word1", "shop_s").is_err());
    assert_eq!(fails(&mut *session, "drop database [shop_s]"), 3701);
    let azure = serve(&Options { engine_edition: 5, ..shop() });
    assert_eq!(fails(&mut *azure.connect(), sql), 40510);
}

#[test]
fn a_snapshot_transaction_sees_one_state() {
    let server = serve(&shop());
    let (mut reader, mut writer) = (server.connect(), server.connect());
    ask(&mut *writer, "create table dbo.T (a int); insert into dbo.T values (1)");
    ask(&mut *reader, "set transaction isolation level snapshot; begin transaction");
    assert_eq!(rows(&mut *reader, "select a from dbo.T"), ["(1)"]);
    ask(&mut *writer, "insert into dbo.T values (2)");
    assert_eq!(rows(&mut *reader, "select a from dbo.T"), ["(1)"]);
    ask(&mut *reader, "commit");
    assert_eq!(rows(&mut *reader, "select a from dbo.T"), ["(1)", "(2)"]);
    let server = serve(&Options { snapshot_isolation: false, ..shop() });
    let mut session = server.connect();
    ask(&mut *session, "set transaction isolation level snapshot; begin transaction");
    assert_eq!(fails(&mut *session, "select top (1) 1 as one from dbo.Orders"), 3952);
}

#[test]
fn a_deadlock_ends_the_transaction() {
    let server = serve(&shop());
    let mut session = server.connect();
    server.faults.plan().fail_reads = vec![1205];
    ask(&mut *session, "begin transaction");
    assert_eq!(fails(&mut *session, "select Id from dbo.Orders"), 1205);
    assert_eq!(fails(&mut *session, "commit"), 3902);
}

#[test]
fn the_catalog_shows_what_the_session_has_done() {
    let mut session = serve(&shop()).connect();
    let session = &mut *session;
    assert_eq!(rows(session, "begin tran select @@trancount rollback select @@trancount"), ["(1)", "(0)"]);
    ask(session, "if object_id(N'dbo.T') is null create table dbo.T (a int identity(5, 1) not null, b int)");
    ask(session, "if not exists (select 1 from sys.schemas where name = N's') exec (N'create schema s')");
    ask(session, "insert into dbo.T (b) values (1), (2)");
    assert_eq!(
        rows(session, "select name from sys.tables where name in (N'T', N'Orders') order by name"),
        ["(Orders)", "(T)"]
    );
    assert_eq!(
        rows(
            session,
            "select sum(p.rows) from sys.partitions as p where p.object_id = object_id(N'dbo.T') and p.index_id < 2"
        ),
        ["(2)"]
    );
    assert_eq!(
        rows(
            session,
            "select cast(last_value as bigint) from sys.identity_columns where object_id = object_id(N'dbo.T')"
        ),
        ["(6)"]
    );
    assert_eq!(rows(session, "select count(*) from sys.schemas where name = N's'"), ["(1)"]);
    ask(
        session,
        "create database [shop_s] on (name = [shop], filename = N'/x/shop.ss') as snapshot of [shop]",
    );
    assert_eq!(
        rows(session, "select d.name from sys.databases as d where d.source_database_id = db_id()"),
        ["(shop_s)"]
    );
    ask(session, "drop database [shop_s]");
    assert_eq!(
        rows(session, "select count(*) from sys.databases where source_database_id is not null"),
        ["(0)"]
    );
    assert_eq!(fails(session, "select nothing from sys.tables"), 207);
    assert_eq!(fails(session, "select 1 from sys.nothing"), 208);
}

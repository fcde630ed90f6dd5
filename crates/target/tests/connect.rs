//! How a target is reached: each layer that can fail names itself, the session is what it should be, and no password
//! is in any text. TLS is in `tls.rs`.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use mssql2pg_target::embedded::Provisioned;
use mssql2pg_target::embedded::testing::{database, database_on};
use mssql2pg_target::{Connection, ErrorKind, Target, TargetError};

/// The pieces of a test database's address.
struct Pieces {
    host: String,
    port: String,
    user: String,
    password: String,
    database: String,
}

fn pieces() -> Pieces {
    let url = database().url;
    let config: postgres::Config = url.parse().unwrap();
    let host = match &config.get_hosts()[0] {
        postgres::config::Host::Tcp(host) => host.clone(),
        postgres::config::Host::Unix(path) => path.display().to_string(),
    };
    Pieces {
        host,
        port: config.get_ports()[0].to_string(),
        user: config.get_user().unwrap().to_owned(),
        password: String::from_utf8(config.get_password().unwrap().to_vec()).unwrap(),
        database: config.get_dbname().unwrap().to_owned(),
    }
}

/// Everything that an error shows in any way.
fn full_text(error: &TargetError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text} {error}");
        cause = error.source();
    }
    text
}

fn check(address: &str, kind: ErrorKind, expected: &str) {
    let target = Target::parse(address).unwrap();
    let error = target.connect().unwrap_err();
    assert_eq!(error.kind, kind, "{}", full_text(&error));
    assert!(error.context.contains(expected), "{}", full_text(&error));
    assert!(!full_text(&error).contains("s3cret"), "{}", full_text(&error));
    assert!(!format!("{target:?} {}", target.redacted()).contains("s3cret"));
}

fn setting(connection: &mut Connection, name: &str) -> String {
    connection.client().query_one("select current_setting($1)", &[&name]).unwrap().get(0)
}

#[test]
fn an_error_of_the_login_says_what_is_refused() {
    let Pieces { host, port, user, password, database } = pieces();
    let refused = format!("user \"{user}\" or its password is refused");
    check(&format!("postgresql://{user}:s3cret@{host}:{port}/{database}"), ErrorKind::Login, &refused);
    check(
        &format!("host={host} port={port} user=nobody_here password=s3cret dbname={database}"),
        ErrorKind::Login,
        "user \"nobody_here\" or its password is refused",
    );
    check(
        &format!("host={host} port={port} user={user} password={password} dbname=absent"),
        ErrorKind::Login,
        "database \"absent\" does not exist; create it with: createdb absent",
    );
    check(
        &format!("host={host} port={port} user={user} dbname={database} passfile=/nonexistent"),
        ErrorKind::Login,
        "needs a password, and none is given",
    );
    check(
        &format!("host={host} port={port} user={user} password={password} dbname={database} sslmode=require"),
        ErrorKind::Tls,
        "TLS cannot be agreed on",
    );
}

#[test]
fn a_password_file_that_others_may_read_is_named_when_the_login_fails() {
    let Pieces { host, port, user, password, database } = pieces();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pgpass");
    std::fs::write(&file, format!("*:*:*:*:{password}\n")).unwrap();
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    let path = file.display();
    let address = format!("host={host} port={port} user={user} dbname={database} passfile={path}");
    mode(0o600);
    Target::parse(&address).unwrap().connect().unwrap();
    mode(0o644);
    let ignored = format!("the password file {path} is ignored: others may read it; chmod 600 {path}");
    check(&address, ErrorKind::Login, &ignored);
    let error = Target::parse(&address).unwrap().connect().unwrap_err();
    assert!(!full_text(&error).contains(&password), "{}", full_text(&error));
    // A password from elsewhere makes the file irrelevant.
    let error = Target::parse(&format!("{address} password=s3cret")).unwrap().connect().unwrap_err();
    assert!(!full_text(&error).contains("ignored"), "{}", full_text(&error));
}

#[test]
fn an_error_of_the_network_says_which_layer_failed() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = |host: &str, port: u16| format!("host={host} port={port} user=u password=s3cret dbname=d");
    check(&address("127.0.0.1", closed), ErrorKind::Connect, "nothing listens on this port");
    check(&address("no-such-host.invalid", closed), ErrorKind::Connect, "the host name cannot be resolved");
    check(
        &address("/nonexistent", closed),
        ErrorKind::Connect,
        "there is no socket of a server in this directory",
    );

    // Something that accepts and stays silent; the client's own time limit does not cover that.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = Instant::now();
    let address_silent = format!("{} connect_timeout=1 sslmode=disable", address("127.0.0.1", port));
    check(&address_silent, ErrorKind::Connect, "no answer within 1 seconds");
    assert!(started.elapsed() < Duration::from_secs(10));

    // Something that is no PostgreSQL server.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let address_other = format!("{} sslmode=disable", address("127.0.0.1", port));
    check(&address_other, ErrorKind::Connect, "does not speak PostgreSQL's protocol");
    thread.join().unwrap();
}

#[test]
fn the_next_host_is_tried_when_one_does_not_answer_and_not_when_it_refuses() {
    let Pieces { host, port, user, password, database } = pieces();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let login = format!("user={user} password={password}");
    let address = format!("host=127.0.0.1,{host} port={closed},{port} {login} dbname={database}");
    Target::parse(&address).unwrap().connect().unwrap();
    check(
        &format!("host={host},127.0.0.1 port={port},{closed} {login} dbname=absent"),
        ErrorKind::Login,
        "does not exist",
    );
    check(
        &format!("host=127.0.0.1,127.0.0.1 port={closed} {login} dbname=absent"),
        ErrorKind::Connect,
        "nothing listens",
    );
}

#[test]
fn a_password_may_hold_every_character() {
    let Pieces { host, port, database, .. } = pieces();
    let mut admin = Target::parse(&format!("{}?", database_url(&database))).unwrap().connect().unwrap();
    for (number, password) in
        ["a b", "p@ss:w/o?r#d%", "it's \\ \"quoted\"", "пароль", "&=+;,[]"].into_iter().enumerate()
    {
        let role = format!("odd_{number}");
        admin
            .batch(&format!("create role {role} login password '{}'", password.replace('\'', "''")))
            .unwrap();
        let encoded = percent_encoding::utf8_percent_encode(password, percent_encoding::NON_ALPHANUMERIC);
        let url = format!("postgresql://{role}:{encoded}@{host}:{port}/{database}");
        Target::parse(&url).unwrap().connect().unwrap();
        let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
        let pairs = format!("host={host} port={port} user={role} password='{quoted}' dbname={database}");
        Target::parse(&pairs).unwrap().connect().unwrap();
    }
}

/// The address of another database of the same server.
fn database_url(database: &str) -> String {
    let Pieces { host, port, user, password, .. } = pieces();
    format!("postgresql://{user}:{password}@{host}:{port}/{database}")
}

#[test]
fn a_socket_directory_is_a_host() {
    let Pieces { user, password, database, port, .. } = pieces();
    let mut connection = Target::parse(&database_url(&database)).unwrap().connect().unwrap();
    let directories = setting(&mut connection, "unix_socket_directories");
    let directory = directories.split(',').next().unwrap().trim().trim_matches('"').to_owned();
    assert!(directory.starts_with('/'), "{directory}");
    // TLS is never asked for on a socket, as with libpq.
    let address = format!(
        "host='{directory}' port={port} user={user} password={password} dbname={database} sslmode=require"
    );
    let target = Target::parse(&address).unwrap();
    target.connect().unwrap();
    let encoded = percent_encoding::utf8_percent_encode(&directory, percent_encoding::NON_ALPHANUMERIC);
    let url = format!("postgresql://{user}:{password}@{encoded}:{port}/{database}");
    Target::parse(&url).unwrap().connect().unwrap();
}

#[test]
fn a_session_is_set_whatever_the_defaults_are() {
    let Pieces { host, port, user, password, database } = pieces();
    let target = Target::parse(&database_url(&database)).unwrap();
    target
        .connect()
        .unwrap()
        .batch(&format!(
            "alter database {database} set timezone = 'Asia/Tokyo'; alter database {database} set datestyle = 'German';
            alter database {database} set statement_timeout = '7s'; alter database {database} set search_path = 'x';
            alter database {database} set extra_float_digits = -3; alter database {database} set row_security = on;
            alter database {database} set xmloption = 'document';
            alter database {database} set idle_in_transaction_session_timeout = '7s'"
        ))
        .unwrap();
    let pairs = format!("host={host} port={port} user={user} password={password} dbname={database}");
    let mut connection = Target::parse(&format!("{pairs} options='-c work_mem=5MB' application_name=mine"))
        .unwrap()
        .connect()
        .unwrap();
    let expected = [
        ("timezone", "UTC"),
        ("datestyle", "ISO, YMD"),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("search_path", "pg_catalog"),
        ("extra_float_digits", "3"),
        ("client_encoding", "UTF8"),
        ("row_security", "off"),
        ("xmloption", "content"),
        ("work_mem", "5MB"),
        ("application_name", "mine"),
        ("synchronous_commit", &setting(&mut target.connect().unwrap(), "synchronous_commit")),
    ];
    for (name, value) in expected {
        assert_eq!(setting(&mut connection, name), value, "{name}");
    }
    assert_eq!(setting(&mut target.connect().unwrap(), "application_name"), "mssql2pg");
    assert!(!format!("{connection:?}").contains(&password));
}

#[test]
fn the_server_says_what_it_is() {
    let target = Target::parse(&database().url).unwrap();
    let mut connection = target.connect().unwrap();
    let info = connection.server_info().unwrap();
    assert!(info.major() >= 13, "{info:?}");
    assert!(info.version.starts_with(&info.major().to_string()), "{info:?}");
    assert_eq!(info.encoding, "UTF8");
    assert!(info.can_create_schema);
    assert!(target.redacted().ends_with(&format!("/{}", info.database)));
    assert!(target.redacted().starts_with(&format!("postgresql://{}@", info.user)));
    assert_eq!(info.icu, makes_icu_collation(&mut connection));
    // Whatever xml says, the connection goes on.
    let works =
        connection.batch("create table public.x (x xml); insert into public.x values ('<a/>')").is_ok();
    assert_eq!(info.xml, works);
    let text = serde_json::to_string(&info).unwrap();
    assert_eq!(serde_json::from_str::<mssql2pg_target::ServerInfo>(&text).unwrap(), info);
}

/// Whether the server takes what a case-insensitive column needs: the catalog's lists do not tell.
fn makes_icu_collation(connection: &mut Connection) -> bool {
    let sql = "create collation public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";
    connection.batch(sql).is_ok()
}

#[test]
fn every_build_says_truly_whether_it_has_icu_and_xml() {
    let check = |which, icu, xml| {
        let Some(database) = database_on(which) else { return };
        let mut connection = Target::parse(&database.url).unwrap().connect().unwrap();
        let info = connection.server_info().unwrap();
        assert_eq!((info.icu, info.xml), (icu, xml), "{info:?}");
        assert_eq!(makes_icu_collation(&mut connection), icu, "{info:?}");
    };
    check(Provisioned::Pip, false, false);
    check(Provisioned::Npm, true, true);
}

#[test]
fn statements_say_what_is_refused_and_why() {
    let mut connection = Target::parse(&database().url).unwrap().connect().unwrap();
    connection.batch("create table public.t (a int4 primary key); insert into public.t values (1)").unwrap();
    assert_eq!(connection.execute("update public.t set a = 2").unwrap(), 1);
    let cases = [
        ("create table public.t ()", ErrorKind::Exists),
        ("insert into public.t values (2)", ErrorKind::Constraint),
        ("insert into public.t values ('s3cret')", ErrorKind::Data),
        ("insert into public.absent values ('s3cret')", ErrorKind::Query),
        ("set statement_timeout = 10; select pg_sleep(5)", ErrorKind::Cancelled),
    ];
    for (sql, kind) in cases {
        let error = connection.batch(sql).unwrap_err();
        assert_eq!(error.kind, kind, "{sql}");
        assert!(!full_text(&error).contains("s3cret"), "{}", full_text(&error));
        // The detail of a broken key has the key's value.
        assert!(!full_text(&error).contains("(2)") || sql.contains("(2)"), "{}", full_text(&error));
    }
    let error = connection.execute("insert into public.t values (2)").unwrap_err();
    assert_eq!(error.server().unwrap().constraint.as_deref(), Some("t_pkey"));
    assert!(!error.server().unwrap().to_string().contains("(2)"));
}

#[test]
fn a_refused_batch_names_the_statement_and_the_objects_in_its_way() {
    let mut connection = Target::parse(&database().url).unwrap().connect().unwrap();
    connection
        .batch(
            "create table public.t (a int4 primary key, b text);
            create table public.c (a int4 constraint fk references public.t);
            create view public.v as select b from public.t",
        )
        .unwrap();
    let mut refused = |sql: &str| {
        let error = connection.batch(sql).unwrap_err();
        let _ = connection.batch("rollback");
        let server = error.server().unwrap().to_string();
        assert!(!full_text(&error).contains("s3cret"), "{}", full_text(&error));
        (error.context, server)
    };
    let (context, server) =
        refused("begin;\nset local lock_timeout = 0;\ndrop table public.t;\nselect 's3cret'");
    assert_eq!(context, "the target refuses: drop table public.t;");
    assert!(server.contains("view public.v depends on table public.t"), "{server}");
    assert!(server.contains("constraint fk on table public.c depends on table public.t"), "{server}");
    assert!(server.ends_with(" (SQLSTATE 2BP01)"), "{server}");

    let (_, server) = refused("begin;\ntruncate public.t");
    assert!(server.contains("Table \"c\" references \"t\" (SQLSTATE 0A000)"), "{server}");

    // Where the server points at a place, its statement is shown, however many go before it; places are characters.
    let (context, _) = refused(
        "begin;\ncomment on table public.t is 'größe s3cret';\ncreate table public.u (\n a int4 default absent(1)\n);\nselect 's3cret'",
    );
    assert_eq!(context, "the target refuses: create table public.u");
    let (context, _) = refused("selec 's3cret'");
    assert_eq!(context, "the target refuses: selec");
}

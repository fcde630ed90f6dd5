//! Every layer of a connection that can fail, failing: each is named rightly, by an error and by the doctor.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test says so when it fails")]

use mssql2pg_catalog::{
    CATALOG_FORMAT, Catalog, Column, DatabaseInfo, IndexColumn, Key, ObjectName, RowSink, SqlType, Table,
    Value,
};
use mssql2pg_simulator::{Authority, Browser, Database, Login, Options, Rights, Rows, Simulator, Tls};
use mssql2pg_sources::doctor::{Outcome, Step, diagnose};
use mssql2pg_sources::{ErrorKind, open};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct OneRow;

impl Rows for OneRow {
    fn read(&self, _table: &Table, rows: &mut dyn RowSink) {
        rows.value(Value::Int(1));
        let _ = rows.end_row();
    }
}

fn shop() -> Database {
    let table = |name: &str| Table {
        name: ObjectName::new("dbo", name),
        columns: vec![Column { nullable: false, ..Column::new("id", SqlType::Int) }],
        primary_key: Some(Key {
            name: Some(format!("PK_{name}")),
            columns: vec![IndexColumn { name: "id".to_owned(), descending: false }],
            clustered: true,
        }),
        ..Table::default()
    };
    let database = DatabaseInfo {
        name: "Shop".to_owned(),
        collation: Some("Latin1_General_CI_AS".to_owned()),
        ..DatabaseInfo::default()
    };
    let tables = vec![table("Orders"), table("Items")];
    let catalog = Catalog { format: CATALOG_FORMAT, database, tables, ..Catalog::default() };
    Database { catalog, rows: Arc::new(OneRow) }
}

fn serve(tls: Tls, change: impl FnOnce(&mut Options)) -> Simulator {
    let mut options = Options { tls, ..Options::new(shop()) };
    change(&mut options);
    Simulator::start(options).unwrap()
}

/// The address of a simulator, as `sa`, with these options.
fn url(server: &Simulator, options: &str) -> String {
    format!("mssql://sa:Pass%40word1@127.0.0.1:{}/Shop?{options}", server.port())
}

fn encoded(path: &Path) -> String {
    path.display().to_string().replace('/', "%2F")
}

/// Opens the source; the kind of its error.
fn kind(url: &str) -> Option<ErrorKind> {
    match open(url) {
        Ok(_) => None,
        Err(error) => {
            let mut text = format!("{error} {error:?}");
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                text.push_str(&error.to_string());
                cause = error.source();
            }
            assert!(!text.contains("Pass@word1"), "{text}");
            Some(error.kind)
        }
    }
}

/// The layer at which the doctor stops, and the way out; none where all is well.
fn stops(url: &str) -> Option<(&'static str, String)> {
    let steps = diagnose(url);
    assert!(!format!("{steps:?}").contains("Pass@word1"));
    let failed = steps.iter().find(|step| step.outcome == Outcome::Failed)?;
    let told = format!("{} → {}", failed.what, failed.way_out.as_deref().unwrap_or("no way out"));
    // Nothing but skipped steps, or those of a session, come after it.
    Some((failed.layer, told))
}

fn step(steps: &[Step], layer: &str) -> (Outcome, String) {
    let step = steps.iter().find(|step| step.layer == layer).unwrap_or_else(|| panic!("{layer}: {steps:?}"));
    (step.outcome, format!("{} {}", step.what, step.way_out.as_deref().unwrap_or("")))
}

/// Both must name the same failure.
fn fails(url: &str, wanted: ErrorKind, layer: &str, words: &[&str]) {
    assert_eq!(kind(url), Some(wanted), "{url}");
    let (stopped, told) = stops(url).unwrap_or_else(|| panic!("{url}: the doctor finds nothing"));
    assert_eq!(stopped, layer, "{url}: {told}");
    for word in words {
        assert!(told.contains(word), "{url}: {word} is not in {told}");
    }
}

fn works(url: &str) {
    if let Err(error) = open(url) {
        panic!("{url}: {error} {error:?}");
    }
    assert_eq!(stops(url), None, "{url}");
}

#[test]
fn a_name_that_nobody_knows() {
    fails(
        "mssql://sa:Pass%40word1@nowhere.invalid/Shop",
        ErrorKind::Resolve,
        "name",
        &["nowhere.invalid", "DNS"],
    );
}

#[test]
fn a_port_that_is_closed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("mssql://sa:Pass%40word1@127.0.0.1:{port}/Shop");
    fails(&url, ErrorKind::Connect, "port", &[&port.to_string(), "Configuration Manager"]);
    let steps = diagnose(&url);
    assert_eq!(step(&steps, "login"), (Outcome::Skipped, "not looked at: port failed ".to_owned()));
}

#[test]
fn a_server_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let began = Instant::now();
    let url = format!("mssql://sa:Pass%40word1@127.0.0.1:{port}/Shop?login_timeout=1");
    fails(&url, ErrorKind::Timeout, "encryption", &["login_timeout"]);
    let ca = "encrypt=login-only";
    assert_eq!(kind(&format!("{url}&{ca}")), Some(ErrorKind::Timeout));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    drop(listener);
}

#[test]
fn something_else_than_a_sql_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"220 mail.example ESMTP ready\r\n");
        }
    });
    let url = format!("mssql://sa:Pass%40word1@127.0.0.1:{port}/Shop?login_timeout=2");
    assert!(kind(&url).is_some());
    let (layer, told) = stops(&url).unwrap();
    assert_eq!(layer, "encryption", "{told}");
    assert!(told.contains("not answer like a SQL Server"), "{told}");
}

#[test]
fn a_server_without_encryption() {
    let server = serve(Tls::None, |_| {});
    fails(&url(&server, ""), ErrorKind::Tls, "encryption", &["encrypt=off"]);
    // In clear text only with that very word.
    fails(&url(&server, "encrypt=no"), ErrorKind::Tls, "encryption", &["clear text"]);
    works(&url(&server, "encrypt=off"));
    let steps = diagnose(&url(&server, "encrypt=off"));
    assert_eq!(step(&steps, "encryption").0, Outcome::Warning);
}

#[test]
fn a_server_that_encrypts_the_login_alone_where_nobody_asks_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let server = serve(Tls::Offered(authority.server("s", &["127.0.0.1"]).unwrap()), |_| {});
    for words in ["encrypt=login-only", "encrypt=off"] {
        works(&url(&server, words));
        assert_eq!(step(&diagnose(&url(&server, words)), "certificate").0, Outcome::Warning);
    }
    // Asked for more, it encrypts everything.
    works(&url(&server, &format!("ca_file={}", encoded(&authority.certificate()))));
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let certificate = authority.server("s", &["127.0.0.1"]).unwrap();
    let ca = encoded(&authority.certificate());
    let server = serve(Tls::Required(certificate.clone()), |_| {});
    fails(&url(&server, ""), ErrorKind::Certificate, "certificate", &["test authority", "ca_file="]);
    works(&url(&server, &format!("ca_file={ca}")));
    works(&url(&server, &format!("server_certificate={}", encoded(&certificate.chain))));
    works(&url(&server, "trust_server_certificate=true"));
    assert_eq!(
        step(&diagnose(&url(&server, "trust_server_certificate=true")), "certificate").0,
        Outcome::Warning
    );

    let other = tempfile::tempdir().unwrap();
    let stranger = Authority::new(other.path()).unwrap();
    let strange = stranger.server("s", &["127.0.0.1"]).unwrap();
    for option in [
        format!("ca_file={}", encoded(&stranger.certificate())),
        format!("server_certificate={}", encoded(&strange.chain)),
    ] {
        fails(&url(&server, &option), ErrorKind::Certificate, "certificate", &[]);
    }
    fails(&url(&server, "ca_file=%2Fnowhere.pem"), ErrorKind::Certificate, "certificate", &["/nowhere.pem"]);
}

#[test]
fn a_certificate_that_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let certificate = authority.expired_server("s", &["127.0.0.1"]).unwrap();
    let server = serve(Tls::Required(certificate.clone()), |_| {});
    let ca = format!("ca_file={}", encoded(&authority.certificate()));
    fails(&url(&server, &ca), ErrorKind::Certificate, "certificate", &["2020", "renew"]);
    let pinned = format!("server_certificate={}", encoded(&certificate.chain));
    fails(&url(&server, &pinned), ErrorKind::Certificate, "certificate", &["expired"]);
}

#[test]
fn a_certificate_of_another_server() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let server = serve(Tls::Required(authority.server("s", &["db.example"]).unwrap()), |_| {});
    let ca = format!("ca_file={}", encoded(&authority.certificate()));
    fails(
        &url(&server, &ca),
        ErrorKind::Certificate,
        "certificate",
        &["db.example", "host_name_in_certificate=db.example"],
    );
    works(&url(&server, &format!("{ca}&host_name_in_certificate=db.example")));
    let wrong = format!("{ca}&host_name_in_certificate=db2.example");
    fails(&url(&server, &wrong), ErrorKind::Certificate, "certificate", &[]);
}

#[test]
fn tls_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let certificate = authority.server("s", &["127.0.0.1"]).unwrap();
    let ca = format!("ca_file={}", encoded(&authority.certificate()));
    let strict = serve(Tls::Strict(certificate.clone()), |_| {});
    works(&url(&strict, &format!("encrypt=strict&{ca}")));
    fails(&url(&strict, "encrypt=strict"), ErrorKind::Certificate, "certificate", &["ca_file="]);
    let (layer, told) = stops(&url(&strict, &ca)).unwrap();
    assert_eq!(layer, "encryption", "{told}");
    assert!(told.contains("encrypt=strict"), "{told}");
    assert!(kind(&url(&strict, &ca)).is_some());

    let usual = serve(Tls::Required(certificate), |_| {});
    let (layer, told) = stops(&url(&usual, &format!("encrypt=strict&{ca}"))).unwrap();
    assert_eq!(layer, "encryption", "{told}");
    assert!(told.contains("SQL Server 2022"), "{told}");
}

#[test]
fn a_login_that_is_refused() {
    let server = serve(Tls::None, |_| {});
    let address = |user: &str, database: &str| {
        format!("mssql://{user}@127.0.0.1:{}/{database}?encrypt=off", server.port())
    };
    fails(&address("sa:wrong", "Shop"), ErrorKind::Login, "login", &["18456", "error log"]);
    fails(&address("nobody:Pass%40word1", "Shop"), ErrorKind::Login, "login", &["18456"]);
    fails(&address("sa:Pass%40word1", "Shopp"), ErrorKind::Database, "database", &["4060", "Shopp"]);
    server.faults().plan().fail_logins = vec![18487];
    let (layer, told) = stops(&address("sa:Pass%40word1", "Shop")).unwrap();
    assert_eq!(layer, "login");
    assert!(told.contains("alter login"), "{told}");
}

#[test]
fn a_right_that_is_missing() {
    let with = |name: &str, rights| Login { name: name.to_owned(), password: "p".to_owned(), rights };
    let server = serve(Tls::None, |options| {
        options.logins = vec![
            with("least", Rights::least()),
            with("blind", Rights { view_definition: false, ..Rights::least() }),
            with("poor", Rights { denied: vec!["dbo.Items".to_owned()], ..Rights::least() }),
            with("outside", Rights { closed: vec!["Shop".to_owned()], ..Rights::least() }),
        ];
    });
    let url = |user: &str| format!("mssql://{user}:p@127.0.0.1:{}/Shop?encrypt=off", server.port());
    works(&url("least"));
    let (layer, told) = stops(&url("blind")).unwrap();
    assert_eq!(layer, "definitions", "{told}");
    assert!(told.contains("grant view definition to"), "{told}");
    let (layer, told) = stops(&url("poor")).unwrap();
    assert_eq!(layer, "select", "{told}");
    assert!(told.contains("1 of 2 tables: dbo.Items") && told.contains("grant select"), "{told}");
    fails(&url("outside"), ErrorKind::Database, "database", &["create user [outside]"]);
}

#[test]
fn what_the_database_is_like() {
    let look = |change: fn(&mut Options)| diagnose(&url(&serve(Tls::None, change), "encrypt=off"));
    let steps = look(|_| {});
    for layer in
        ["version", "compatibility", "definitions", "select", "hidden", "consistency", "collation", "size"]
    {
        assert_eq!(step(&steps, layer).0, Outcome::Ok, "{layer}: {steps:?}");
    }
    assert!(step(&steps, "version").1.contains("16.0.4135.4, Developer Edition"));
    assert!(step(&steps, "collation").1.contains("Latin1_General_CI_AS (case-insensitive)"));
    assert!(step(&steps, "size").1.contains("2 tables"));
    // Before masks and row-level security.
    let old = look(|options| options.product_version = "12.0.6024.0".to_owned());
    assert_eq!(step(&old, "hidden").0, Outcome::Ok, "{old:?}");
    assert_eq!(step(&old, "size").0, Outcome::Ok, "{old:?}");
    let moving = look(|options| {
        options.snapshot_isolation = false;
        options.logins[0].rights.create_database = false;
    });
    let (outcome, told) = step(&moving, "consistency");
    assert_eq!(outcome, Outcome::Failed);
    assert!(told.contains("allow_snapshot_isolation on"), "{told}");
    let azure = look(|options| options.engine_edition = 5);
    assert!(step(&azure, "consistency").1.contains("Azure"));
    assert!(step(&look(|options| options.read_only = true), "consistency").1.contains("read-only"));
    assert!(step(&look(|options| options.change_tracking = Some(7)), "changes").1.contains("version 7"));
}

#[test]
fn a_named_instance_is_found_by_the_browser() {
    let server = serve(Tls::None, |_| {});
    let browser = Browser::start(&[("SALES", server.port())]).unwrap();
    for address in [
        "mssql://sa:Pass%40word1@127.0.0.1/SALES/Shop?encrypt=off",
        "Server=127.0.0.1\\SALES;Database=Shop;User Id=sa;Password=Pass@word1;Encrypt=off",
        "jdbc:sqlserver://127.0.0.1\\SALES;databaseName=Shop;user=sa;password={Pass@word1};encrypt=off",
    ] {
        works(address);
    }
    fails(
        "mssql://sa:Pass%40word1@127.0.0.1/OTHER/Shop?encrypt=off",
        ErrorKind::Connect,
        "name",
        &["OTHER", "1434"],
    );
    drop(browser);
}

#[test]
fn a_login_by_token() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let tls = Tls::Required(authority.server("s", &["127.0.0.1"]).unwrap());
    let server = serve(tls, |options| {
        options.logins =
            vec![Login { name: "app".to_owned(), password: "token-one".to_owned(), rights: Rights::least() }];
    });
    let ca = encoded(&authority.certificate());
    let url = |how: &str| format!("mssql://127.0.0.1:{}/Shop?ca_file={ca}&{how}", server.port());
    let file = folder.path().join("token");
    std::fs::write(&file, "token-one\n").unwrap();
    works(&url(&format!("token_file={}", encoded(&file))));
    works(&url("token_command=echo%20token-one"));
    fails(&url("token_command=echo%20token-two"), ErrorKind::Login, "login", &[]);
    fails(&url("token_command=exit%203"), ErrorKind::Token, "login", &["token_command"]);
    fails(&url("token_file=%2Fnowhere"), ErrorKind::Token, "login", &["/nowhere"]);
}

#[test]
fn an_address_that_is_wrong() {
    fails(
        "mssql://sa:Pass%40word1@h/Shop?encrpt=on",
        ErrorKind::Address,
        "address",
        &["did you mean encrypt?"],
    );
}

#[test]
fn a_file_has_a_doctor_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bacpac");
    let look = || diagnose(&path.display().to_string());
    assert_eq!(step(&look(), "file").0, Outcome::Failed);
    assert_eq!(step(&look(), "package").0, Outcome::Skipped);
    std::fs::write(&path, "no zip").unwrap();
    assert_eq!(step(&look(), "file").0, Outcome::Ok);
    assert_eq!(step(&look(), "package").0, Outcome::Failed);
    let secret = diagnose("postgresql://u:hunter2@h/d");
    assert!(!format!("{secret:?}").contains("hunter2"));
}

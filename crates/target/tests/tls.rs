//! What each `sslmode` accepts and refuses, against a server with a certificate of a self-made authority.
//! The certificates are made by the `openssl` program; without it, or on a PostgreSQL without TLS, the tests say so and
//! pass, unless MSSQL2PG_REQUIRE contains `openssl`. Not here: `sslnegotiation=direct`, which needs PostgreSQL 17.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what a test needs and does not get fails it, or is said"
)]

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use mssql2pg_target::embedded::testing::database;
use mssql2pg_target::{ErrorKind, Target};

/// A server that speaks TLS, and what a client needs to know of it.
struct Server {
    /// `hostaddr=… port=… dbname=…`.
    place: String,
    login: String,
    files: tempfile::TempDir,
}

impl Server {
    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The server of this test process; `None` when there is no `openssl` here, or PostgreSQL was built without TLS.
fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Server, &str>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            return Err("the openssl program is not here");
        }
        let mut admin = Target::parse(&database().url).unwrap().connect().unwrap();
        let library: String = admin.client().query_one("show ssl_library", &[]).unwrap().get(0);
        if library.is_empty() { Err("this PostgreSQL was built without TLS") } else { Ok(start()) }
    });
    server
        .as_ref()
        .map_err(|why| {
            let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
            assert!(!required.contains("openssl"), "{why}");
            println!("skipped: {why}");
        })
        .ok()
}

fn start() -> Server {
    let files = tempfile::tempdir().unwrap();
    let dir = files.path();
    let authority = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj";
    openssl(dir, &format!("{authority} /CN=authority -keyout ca.key -out ca.crt"));
    openssl(dir, &format!("{authority} /CN=stranger -keyout stranger.key -out stranger.crt"));
    let request = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj";
    openssl(dir, &format!("{request} /CN=server -keyout server.key -out server.csr"));
    openssl(dir, &format!("{request} /CN=by_certificate -keyout client.key -out client.csr"));
    std::fs::write(dir.join("names"), "subjectAltName=DNS:db.example,IP:127.0.0.1\n").unwrap();
    std::fs::write(dir.join("client"), "basicConstraints=CA:false\n").unwrap();
    let sign = "x509 -req -days 2 -CA ca.crt -CAkey ca.key -CAcreateserial";
    openssl(dir, &format!("{sign} -in server.csr -extfile names -out server.crt"));
    openssl(dir, &format!("{sign} -in client.csr -extfile client -out client.crt"));

    let url = database().url;
    let mut admin = Target::parse(&url).unwrap().connect().unwrap();
    let data: String = admin.client().query_one("show data_directory", &[]).unwrap().get(0);
    let data = PathBuf::from(data);
    let owner = std::fs::metadata(&data).unwrap();
    for name in ["server.key", "server.crt", "ca.crt"] {
        let path = data.join(name);
        std::fs::copy(dir.join(name), &path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if std::fs::metadata(&path).unwrap().uid() != owner.uid() {
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }
    let rules = data.join("pg_hba.conf");
    let others = std::fs::read_to_string(&rules).unwrap();
    let own = "hostssl all only_tls all scram-sha-256\nhostnossl all only_plain all scram-sha-256\n\
               host all only_plain all reject\nhost all only_tls all reject\nhostssl all by_certificate all cert\n";
    std::fs::write(&rules, format!("{own}{others}")).unwrap();
    for sql in [
        "create role only_tls login password 'pw'",
        "create role only_plain login password 'pw'",
        "create role by_certificate login",
        "alter system set ssl_cert_file = 'server.crt'",
        "alter system set ssl_key_file = 'server.key'",
        "alter system set ssl_ca_file = 'ca.crt'",
        "alter system set ssl = on",
        "select pg_reload_conf()",
    ] {
        admin.execute(sql).unwrap();
    }
    let config: postgres::Config = url.parse().unwrap();
    let server = Server {
        place: format!(
            "hostaddr=127.0.0.1 port={} dbname={}",
            config.get_ports()[0],
            config.get_dbname().unwrap()
        ),
        login: format!(
            "user={} password={}",
            config.get_user().unwrap(),
            std::str::from_utf8(config.get_password().unwrap()).unwrap()
        ),
        files,
    };
    // The postmaster reads its settings anew when the signal has come to it.
    let target = Target::parse(&format!("{} {} sslmode=require", server.place, server.login)).unwrap();
    let up = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(25));
        target.connect().is_ok()
    });
    assert!(up, "{:?}", target.connect());
    server
}

/// Connects; says whether the session uses TLS.
fn connect(server: &Server, rest: &str) -> Result<bool, ErrorKind> {
    let login = if rest.contains("user=") { "" } else { &server.login };
    let address = format!("{} {login} {rest}", server.place);
    let mut connection = Target::parse(&address).unwrap().connect().map_err(|error| error.kind)?;
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    Ok(connection.client().query_one(sql, &[]).unwrap().get(0))
}

#[test]
fn each_mode_accepts_what_libpq_accepts() {
    let Some(server) = server() else { return };
    let ca = server.file("ca.crt").display().to_string();
    let stranger = server.file("stranger.crt").display().to_string();
    let refused = Err(ErrorKind::Tls);
    let cases = [
        ("sslmode=disable".to_owned(), Ok(false)),
        ("sslmode=allow".to_owned(), Ok(false)),
        ("sslmode=prefer".to_owned(), Ok(true)),
        (String::new(), Ok(true)),
        ("sslmode=require".to_owned(), Ok(true)),
        (format!("sslmode=require sslrootcert={ca}"), Ok(true)),
        (format!("sslmode=require sslrootcert={stranger}"), refused),
        // Prefer verifies with a root that is there, and goes on without TLS when that fails.
        (format!("sslmode=prefer sslrootcert={stranger}"), Ok(false)),
        (format!("sslmode=verify-ca sslrootcert={ca}"), Ok(true)),
        (format!("sslmode=verify-ca sslrootcert={stranger}"), refused),
        (format!("sslmode=verify-ca sslrootcert={ca} host=other.example"), Ok(true)),
        (format!("sslmode=verify-full sslrootcert={ca} host=db.example"), Ok(true)),
        (format!("sslmode=verify-full sslrootcert={ca} host=127.0.0.1"), Ok(true)),
        (format!("sslmode=verify-full sslrootcert={ca}"), Ok(true)),
        (format!("sslmode=verify-full sslrootcert={ca} host=other.example"), refused),
        (format!("sslmode=verify-full sslrootcert={stranger} host=db.example"), refused),
        ("sslrootcert=system host=db.example".to_owned(), refused),
        ("sslmode=require channel_binding=require".to_owned(), Ok(true)),
    ];
    for (rest, expected) in cases {
        assert_eq!(connect(server, &rest), expected, "{rest}");
    }
}

#[test]
fn an_error_of_tls_says_what_is_wrong_with_the_certificate() {
    let Some(server) = server() else { return };
    let check = |rest: String, expected: &str| {
        let address = format!("{} {} {rest}", server.place, server.login);
        let error = Target::parse(&address).unwrap().connect().unwrap_err();
        assert!(error.context.contains(expected), "{error:?}");
    };
    let file = |name: &str| server.file(name).display().to_string();
    check(
        format!("sslmode=verify-full sslrootcert={}", file("stranger.crt")),
        "not signed by a root that is trusted",
    );
    check(
        format!("sslmode=verify-full sslrootcert={} host=other.example", file("ca.crt")),
        "does not name this host",
    );
    check(
        "sslmode=verify-full sslrootcert=/nonexistent".to_owned(),
        "cannot read the certificate file /nonexistent",
    );
}

#[test]
fn a_server_that_wants_one_way_gets_it_from_the_modes_that_allow_both() {
    let Some(server) = server() else { return };
    let refused = Err(ErrorKind::Login);
    let cases = [
        ("user=only_tls password=pw sslmode=disable", refused),
        ("user=only_tls password=pw sslmode=allow", Ok(true)),
        ("user=only_tls password=pw sslmode=prefer", Ok(true)),
        ("user=only_plain password=pw sslmode=prefer", Ok(false)),
        ("user=only_plain password=pw sslmode=allow", Ok(false)),
        ("user=only_plain password=pw sslmode=require", refused),
        ("user=only_plain password=wrong sslmode=prefer", refused),
    ];
    for (rest, expected) in cases {
        assert_eq!(connect(server, rest), expected, "{rest}");
    }
}

#[test]
fn a_client_logs_in_by_its_certificate() {
    let Some(server) = server() else { return };
    let file = |name: &str| server.file(name).display().to_string();
    let identity = format!("sslcert={} sslkey={}", file("client.crt"), file("client.key"));
    assert_eq!(connect(server, &format!("user=by_certificate sslmode=require {identity}")), Ok(true));
    assert_eq!(connect(server, "user=by_certificate sslmode=require"), Err(ErrorKind::Login));
    let wrong = format!("sslcert={} sslkey={}", file("client.crt"), file("server.key"));
    assert_eq!(connect(server, &format!("user=by_certificate sslmode=require {wrong}")), Err(ErrorKind::Tls));
}

#[test]
fn rows_are_read_and_cancelled_over_tls() {
    let Some(server) = server() else { return };
    let address = format!("{} {} sslmode=require", server.place, server.login);
    let mut connection = Target::parse(&address).unwrap().connect().unwrap();
    let endless = "copy (select generate_series(1, 1000000000), repeat('x', 1000)) to stdout (format binary)";
    let mut bytes = 0;
    connection
        .copy_out(endless, &mut |piece| {
            bytes += piece.len();
            if bytes > 1 << 20 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        })
        .unwrap();
    connection.execute("select 1").unwrap();
}

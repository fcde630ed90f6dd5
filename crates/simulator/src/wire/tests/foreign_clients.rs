//! Clients of other people: FreeTDS, and Microsoft's ODBC driver by way of the Python package `mssql-python`.
//!
//! Where a client is not installed, its test says so; `MSSQL2PG_REQUIRE=clients` makes its absence a failure.
//! `MSSQL2PG_PYTHON` names a Python that has the package.

use super::fake::{Fake, column};
use super::start_with;
use crate::answer::AnswerColumn;
use crate::options::{Certificate, Tls};
use crate::wire::{Authority, Simulator};
use mssql2pg_catalog::{Length, SqlType, Value, VariantValue};
use std::io::Write;
use std::process::{Command, Stdio};

const READ: &str = "select * from [dbo].[items]";

const PAST: Value<'static> = Value::DateTime2 { days: 738_944, ticks: 450_001_230_000 };

static VARIANT: VariantValue<'static> =
    VariantValue { base_type: "nvarchar(20)", value: Value::Utf8(b"any") };

fn items() -> Fake {
    let columns = vec![
        column("id", SqlType::Int, false),
        column("name", SqlType::NVarChar { length: Length::limited(40) }, true),
        column("code", SqlType::VarChar { length: Length::limited(20) }, true),
        AnswerColumn {
            collation: Some("Latin1_General_100_CI_AS_SC_UTF8".to_owned()),
            ..column("utf8", SqlType::VarChar { length: Length::limited(20) }, true)
        },
        column("price", SqlType::Decimal { precision: 18, scale: 4 }, true),
        column("cash", SqlType::Money, true),
        column("made", SqlType::DateTime2 { scale: 3 }, true),
        column("is_new", SqlType::Bit, true),
        column("ratio", SqlType::Float, true),
        column("guid", SqlType::UniqueIdentifier, true),
        column("data", SqlType::VarBinary { length: Length::limited(10) }, true),
        column("notes", SqlType::NVarChar { length: Length::MAX }, true),
        column("old", SqlType::Text, true),
    ];
    let first = vec![
        Value::Int(1),
        Value::Utf8("Größe 日本".as_bytes()),
        Value::Utf8("é€".as_bytes()),
        Value::Utf8("日😀".as_bytes()),
        Value::Decimal {
            magnitude: &[0x40, 0xe2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            scale: 4,
            negative: true,
        },
        Value::Money(123_456),
        PAST,
        Value::Bit(true),
        Value::Float(0.5),
        Value::Guid(&[3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]),
        Value::Bytes(&[1, 0xab]),
        Value::Utf8(b"a long story"),
        Value::Utf8("älter".as_bytes()),
    ];
    let mut second = vec![Value::Null; columns.len()];
    if let Some(id) = second.first_mut() {
        *id = Value::Int(2);
    }
    let mut fake = Fake::default();
    fake.results.insert(READ.to_owned(), (columns, vec![first, second]));
    let max = |text| {
        if text {
            SqlType::NVarChar { length: Length::MAX }
        } else {
            SqlType::VarBinary { length: Length::MAX }
        }
    };
    let columns = vec![
        column("a", SqlType::Date, false),
        column("b", SqlType::Time { scale: 3 }, false),
        column("c", SqlType::DateTimeOffset { scale: 7 }, true),
        column("d", SqlType::SmallDateTime, true),
        column("e", SqlType::DateTime, false),
        column("f", SqlType::SmallMoney, false),
        column("g", SqlType::BigInt, false),
        column("h", SqlType::Real, true),
        column("i", SqlType::NChar { length: 3 }, true),
        column("j", max(true), true),
        column("k", max(false), true),
        column("l", SqlType::Xml, true),
        column("m", SqlType::NText, true),
        column("n", SqlType::Image, true),
        column("o", SqlType::RowVersion, false),
        column("p", SqlType::HierarchyId, true),
    ];
    let row = vec![
        Value::Date(738_944),
        Value::Time(450_001_230_000),
        Value::DateTimeOffset { days: 738_944, ticks: 450_001_230_000, offset_minutes: 120 },
        Value::DateTime2 { days: 738_944, ticks: 750 * 600_000_000 },
        Value::DateTime { days: 45_349, ticks: 13_500_037 },
        Value::Money(-12_345),
        Value::Int(i64::MIN),
        Value::Real(0.5),
        Value::Utf8("é".as_bytes()),
        Value::Utf8("max日".as_bytes()),
        Value::Bytes(&[1, 2, 3]),
        Value::Utf8(b"<x>y</x>"),
        Value::Utf8("n日text".as_bytes()),
        Value::Bytes(&[4, 5]),
        Value::Bytes(&[0, 0, 0, 0, 0, 0, 7, 0xd1]),
        Value::Bytes(&[0x58]),
    ];
    fake.results.insert("select * from [dbo].[types]".to_owned(), (columns, vec![row; 5]));
    let variants = vec![column("v", SqlType::SqlVariant, true)];
    fake.results.insert(
        "select v from [dbo].[variants]".to_owned(),
        (variants, vec![vec![Value::Variant(&VARIANT)], vec![Value::Null]]),
    );
    fake
}

fn skip(client: &str) {
    let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
    assert!(!required.contains("clients"), "{client} is required and not installed");
    println!("skipped: {client} is not installed");
}

fn with_certificate(tls: impl FnOnce(Certificate) -> Tls) -> (tempfile::TempDir, Simulator) {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Authority::new(folder.path()).unwrap().server("server", &["127.0.0.1"]).unwrap();
    let simulator = start_with(items(), |options| options.tls = tls(certificate));
    (folder, simulator)
}

#[test]
fn freetds_logs_in_and_reads() {
    if Command::new("tsql").arg("-C").output().is_err() {
        skip("tsql of FreeTDS");
        return;
    }
    let plain = start_with(items(), |_| {});
    let (_folder, offered) = with_certificate(Tls::Offered);
    for simulator in [&plain, &offered] {
        let mut tsql = Command::new("tsql")
            .args(["-H", "127.0.0.1", "-p", &simulator.port().to_string()])
            .args(["-U", "sa", "-P", "Pass@word1", "-D", "shop", "-J", "UTF-8", "-o", "qh"])
            .env("TDSVER", "7.4")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = tsql.stdin.take().unwrap();
        writeln!(input, "{READ}\ngo\nfail\ngo\nselect v from [dbo].[variants]\ngo\nexit").unwrap();
        drop(input);
        let output = tsql.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let first =
            text.lines().find(|line| line.starts_with("1\t")).unwrap_or_else(|| panic!("{text}{errors}"));
        for value in ["Größe 日本", "é€", "日😀", "-12.3456", "12.3456", "0.5", "a long story", "älter"]
        {
            assert!(first.contains(value), "{value} in {first}");
        }
        assert!(text.lines().any(|line| line.starts_with("2\tNULL\tNULL")), "{text}");
        assert!(errors.contains("208") || text.contains("208"), "{text}{errors}");
        assert!(text.contains("any"), "{text}{errors}");
        assert_eq!(simulator.complaints(), Vec::<String>::new());
    }
}

const SCRIPT: &str = r#"
import sys, mssql_python
port, encrypt, trust = sys.argv[1:]
connection = mssql_python.connect(
    f"Server=127.0.0.1,{port};Database=shop;UID=sa;PWD=Pass@word1;Encrypt={encrypt};{trust}",
    autocommit=True)
cursor = connection.cursor()
cursor.execute("select * from [dbo].[items]")
for row in cursor.fetchall():
    print("|".join(str(value) for value in row))
cursor.execute("select * from [dbo].[types]")
for row in cursor.fetchall():
    print("|".join(str(value) for value in row))
cursor.execute("select v from [dbo].[variants]")
print([row[0] for row in cursor.fetchall()])
cursor.execute("echo ?, ?", (7, "O'Neil"))
for row in cursor.fetchall():
    print("|".join(str(value) for value in row))
try:
    cursor.execute("fail")
except Exception as error:
    print("error:", str(error))
connection.close()
"#;

#[test]
fn microsofts_odbc_driver_logs_in_and_reads() {
    let python = std::env::var("MSSQL2PG_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import mssql_python"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        skip("the Python package mssql-python");
        return;
    }
    let (_folder, offered) = with_certificate(Tls::Offered);
    let (folder, strict) = with_certificate(Tls::Strict);
    let pinned = format!("ServerCertificate={}", folder.path().join("server.pem").display());
    let trusts = "TrustServerCertificate=yes";
    let cases = [
        (&offered, "yes", trusts),
        (&offered, "no", trusts),
        (&strict, "strict", trusts),
        (&strict, "strict", &pinned),
    ];
    for (simulator, encrypt, trust) in cases {
        let port = simulator.port().to_string();
        let mut command = Command::new(&python);
        command.args(["-c", SCRIPT, &port, encrypt, trust]);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if encrypt == "strict" && trust == trusts {
            // TDS 8.0 takes no trust without a reason, and this authority is known to nobody.
            assert!(!output.status.success(), "{text}");
            assert!(errors.contains("certificate"), "{errors}");
            continue;
        }
        assert!(output.status.success(), "{encrypt}: {text}{errors} {:?}", simulator.complaints());
        let first = text.lines().next().unwrap_or_default();
        for value in ["Größe 日本", "é€", "日😀", "-12.3456", "12.3456", "0.5", "a long story", "älter"]
        {
            assert!(first.contains(value), "{value} in {first}");
        }
        assert!(text.contains("2|None|None"), "{text}");
        let types = "2024-02-29|12:30:00.123000|2024-02-29 14:30:00.123000+02:00|2024-02-29 12:30:00|\
                     2024-02-29 12:30:00.123000|-1.2345|-9223372036854775808|0.5|é  |max日|b'\\x01\\x02\\x03'|\
                     <x>y</x>|n日text|b'\\x04\\x05'|b'\\x00\\x00\\x00\\x00\\x00\\x00\\x07\\xd1'|b'X'";
        assert_eq!(text.lines().filter(|line| *line == types).count(), 5, "{text}");
        assert!(text.contains("['any', None]"), "{text}");
        assert!(text.contains("@P1|7"), "{text}");
        assert!(text.contains("'O''Neil'"), "{text}");
        assert!(text.contains("Invalid object name"), "{text}");
        assert_eq!(simulator.complaints(), Vec::<String>::new());
    }
}

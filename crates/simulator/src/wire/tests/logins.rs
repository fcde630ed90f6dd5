//! Logging in, and TLS in all its ways.

use super::client::Client;
use super::fake::{Fake, column};
use super::{start, start_with};
use crate::options::Tls;
use crate::wire::{Authority, Simulator};
use mssql_tds::connection::client_context::{EntraIdTokenFactory, TdsAuthenticationMethod};
use mssql_tds::core::{EncryptionSetting, TdsResult};
use mssql2pg_catalog::{SqlType, Value};

fn one() -> Fake {
    let mut fake = Fake::default();
    fake.results
        .insert("one".to_owned(), (vec![column("n", SqlType::Int, false)], vec![vec![Value::Int(1)]]));
    fake
}

fn opens(simulator: &Simulator, mode: EncryptionSetting, trusts: bool) -> Result<bool, String> {
    let mut client = Client::open_with(simulator, |context| {
        context.encryption_options.mode = mode;
        context.encryption_options.trust_server_certificate = trusts;
    })
    .map_err(|error| error.to_string())?;
    assert_eq!(client.ask("one").unwrap(), [["Int(1)"]]);
    assert_eq!(client.ask("one").unwrap(), [["Int(1)"]]);
    Ok(client.tds.is_encrypted())
}

#[test]
fn each_kind_of_encryption_is_agreed_upon() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let certificate = authority.server("server", &["localhost", "127.0.0.1"]).unwrap();
    use EncryptionSetting::{On, PreferOff, Strict};

    let none = start(one());
    assert_eq!(opens(&none, PreferOff, true), Ok(false));
    assert!(opens(&none, On, true).is_err());

    let offered = start_with(one(), |options| options.tls = Tls::Offered(certificate.clone()));
    assert_eq!(opens(&offered, PreferOff, true), Ok(false), "the login alone");
    assert_eq!(opens(&offered, On, true), Ok(true));
    assert!(opens(&offered, On, false).is_err(), "nobody knows this authority");

    let required = start_with(one(), |options| options.tls = Tls::Required(certificate.clone()));
    assert_eq!(opens(&required, PreferOff, true), Ok(true));
    assert_eq!(opens(&required, On, true), Ok(true));

    let strict = start_with(one(), |options| options.tls = Tls::Strict(certificate.clone()));
    let pinned = Client::open_with(&strict, |context| {
        context.encryption_options.mode = Strict;
        context.encryption_options.server_certificate = Some(certificate.chain.clone());
    });
    assert_eq!(pinned.unwrap().ask("one").unwrap(), [["Int(1)"]]);
    assert!(opens(&strict, On, true).is_err(), "nothing before TLS");
    for simulator in [&none, &offered, &required, &strict] {
        assert_eq!(simulator.complaints(), Vec::<String>::new());
    }
}

#[test]
fn a_certificate_for_another_name_or_out_of_date_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    assert!(authority.certificate().exists());
    let expired = authority.expired_server("old", &["localhost"]).unwrap();
    let simulator = start_with(one(), |options| options.tls = Tls::Required(expired));
    assert_eq!(opens(&simulator, EncryptionSetting::On, true), Ok(true));
    assert!(opens(&simulator, EncryptionSetting::On, false).is_err());
}

#[test]
fn large_answers_go_through_every_kind_of_encryption() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Authority::new(folder.path()).unwrap().server("s", &["localhost"]).unwrap();
    let rows: Vec<Vec<Value<'static>>> =
        (0..50_000).map(|n| vec![Value::Int(n), Value::Utf8(b"text")]).collect();
    for tls in [Tls::Offered(certificate.clone()), Tls::Required(certificate)] {
        let mut fake = Fake::default();
        let columns =
            vec![column("n", SqlType::BigInt, true), column("t", SqlType::NChar { length: 10 }, true)];
        fake.results.insert("many".to_owned(), (columns, rows.clone()));
        let simulator = start_with(fake, |options| options.tls = tls);
        let mut client = Client::open_with(&simulator, |context| {
            context.encryption_options.trust_server_certificate = true;
            context.packet_size = 16_380;
        })
        .unwrap();
        let answer = client.ask("many").unwrap();
        assert_eq!(answer.len(), rows.len());
        assert_eq!(answer.last().unwrap()[0], "BigInt(49999)");
    }
}

#[test]
fn a_refused_login_says_why() {
    let simulator = start(one());
    let refused =
        |change: fn(&mut mssql_tds::connection::client_context::ClientContext)| match Client::open_with(
            &simulator, change,
        ) {
            Ok(_) => panic!("the login was accepted"),
            Err(error) => format!("{error:?}"),
        };
    assert!(refused(|context| context.password = "wrong".to_owned()).contains("18456"));
    assert!(refused(|context| context.database = "missing".to_owned()).contains("4060"));
    let client = Client::open(&simulator).unwrap();
    assert_eq!(client.tds.database(), "shop");
    assert_eq!(client.tds.server_version().unwrap().major, 16);
    assert_eq!(simulator.connections(), 3);
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[derive(Clone)]
struct Tokens;

#[async_trait::async_trait]
impl EntraIdTokenFactory for Tokens {
    async fn create_token(
        &self,
        spn: String,
        sts_url: String,
        _method: TdsAuthenticationMethod,
    ) -> TdsResult<Vec<u8>> {
        assert_eq!(spn, "https://database.example/");
        assert!(sts_url.starts_with("https://login.example/"));
        Ok("the token".encode_utf16().flat_map(u16::to_le_bytes).collect())
    }
}

#[test]
fn a_token_is_taken_with_the_login_or_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Authority::new(folder.path()).unwrap().server("s", &["localhost"]).unwrap();
    let simulator = start_with(one(), |options| options.tls = Tls::Offered(certificate));
    let open = |token: Option<&str>| {
        Client::open_with(&simulator, |context| {
            context.encryption_options.mode = EncryptionSetting::On;
            context.encryption_options.trust_server_certificate = true;
            context.user_name = String::new();
            context.password = String::new();
            if let Some(token) = token {
                context.access_token = Some(token.to_owned());
                context.tds_authentication_method = TdsAuthenticationMethod::AccessToken;
            } else {
                let method = TdsAuthenticationMethod::ActiveDirectoryTokenCredential;
                context.tds_authentication_method = method.clone();
                context.auth_method_map.insert(method, Box::new(Tokens));
            }
        })
    };
    assert_eq!(open(Some("the token")).unwrap().ask("one").unwrap(), [["Int(1)"]]);
    assert!(open(Some("another")).is_err());
    assert_eq!(open(None).unwrap().ask("one").unwrap(), [["Int(1)"]]);
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

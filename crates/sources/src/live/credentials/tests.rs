//! Providers against commands and a small HTTP server of our own, on loopback.

use super::azure::Endpoint;
use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

/// A token of no worth that ends in `life` seconds.
fn token(life: u64) -> String {
    let claims = format!("{{\"exp\":{},\"aud\":\"x\"}}", now() + life);
    format!("head.{}.sign", encode(claims.as_bytes()))
}

fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let value =
            chunk.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(value >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

/// Answers each request with the next of `answers`, and tells what was asked.
fn service(answers: Vec<(u16, String)>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (send, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0_u8; 4096];
            loop {
                let count = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "))
                    .map_or(0, |length| length.parse().unwrap());
                if body.len() >= length {
                    break;
                }
            }
            send.send(String::from_utf8(request).unwrap()).unwrap();
            let length = body.len();
            write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        }
    });
    (base, asked)
}

fn text(token: Result<SecretString, CredentialError>) -> String {
    token.unwrap().expose_secret().to_owned()
}

const RESOURCE: &str = "https://database.windows.net/";

#[test]
fn a_service_principal_posts_its_secret_and_keeps_the_token() {
    let body = format!("{{\"access_token\":\"{}\",\"expires_in\":3600}}", token(3600));
    let (base, asked) = service(vec![(200, body)]);
    let secret = SecretString::from("a&b=c");
    let provider =
        azure::ServicePrincipal::new("app".to_owned(), secret, Some("tenant".to_owned()), Some(base));
    let first = text(provider.token(RESOURCE, "https://login.windows.net/other"));
    // The service answers once only.
    assert_eq!(text(provider.token(RESOURCE, "")), first);
    let asked = asked.recv().unwrap();
    assert!(asked.starts_with("POST /tenant/oauth2/v2.0/token HTTP/1.1\r\n"), "{asked}");
    for part in [
        "grant_type=client%5Fcredentials",
        "client_id=app",
        "client_secret=a%26b%3Dc",
        "scope=https%3A%2F%2Fdatabase%2Ewindows%2Enet%2F%2Edefault",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
}

#[test]
fn a_refusal_is_told_without_the_secret() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\nTrace"}"#;
    let (base, _asked) = service(vec![(401, body.to_owned())]);
    let secret = SecretString::from("hunter2");
    let provider = azure::ServicePrincipal::new("app".to_owned(), secret, Some("t".to_owned()), Some(base));
    let error = provider.token(RESOURCE, "").unwrap_err().to_string();
    assert!(error.contains("AADSTS7000215") && error.contains("401"), "{error}");
    assert!(!error.contains("hunter2") && !error.contains("Trace"));
}

#[test]
fn a_secret_goes_to_known_authorities_and_a_token_is_for_databases() {
    let secret = SecretString::from("hunter2");
    let provider = azure::ServicePrincipal::new("app".to_owned(), secret, None, None);
    assert!(
        provider.token(RESOURCE, "https://evil.example/tenant").unwrap_err().0.contains("AZURE_TENANT_ID")
    );
    assert!(provider.token("https://management.azure.com/", "").is_err());
}

#[test]
fn a_managed_identity_is_asked_for_by_the_machines_and_the_app_services_rules() {
    let body = |token: &str| format!("{{\"access_token\":\"{token}\",\"expires_on\":\"{}\"}}", now() + 10);
    let (base, asked) = service(vec![(200, body("one")), (200, body("two"))]);
    let provider = azure::ManagedIdentity::new(Some("id".to_owned()), Endpoint::machine(&base));
    assert_eq!(text(provider.token(RESOURCE, "")), "one");
    // It ends too soon to be kept.
    assert_eq!(text(provider.token(RESOURCE, "")), "two");
    let request = asked.recv().unwrap();
    assert!(
        request.starts_with("GET /metadata/identity/oauth2/token?api%2Dversion")
            || request.contains("api-version=2018%2D02%2D01"),
        "{request}"
    );
    assert!(request.contains("client_id=id") && request.contains("Metadata: true\r\n"), "{request}");

    let (base, asked) = service(vec![(200, body("three"))]);
    let endpoint = Endpoint::of(Some(format!("{base}/msi/token")), Some("key".to_owned()));
    assert_eq!(text(azure::ManagedIdentity::new(None, endpoint).token(RESOURCE, "")), "three");
    let request = asked.recv().unwrap();
    assert!(
        request.starts_with("GET /msi/token?") && request.contains("X-IDENTITY-HEADER: key\r\n"),
        "{request}"
    );
}

#[test]
fn a_command_is_asked_again_when_its_token_ends_soon() {
    let folder = tempfile::tempdir().unwrap();
    let count = |life: u64, times: usize| {
        let log = folder.path().join(life.to_string());
        let command = format!("echo x >> {}; echo {}", log.display(), token(life));
        let provider = CommandToken::new(SecretString::from(command));
        for _ in 0..times {
            provider.token("", "").unwrap();
        }
        std::fs::read_to_string(log).unwrap().lines().count()
    };
    assert_eq!(count(3600, 3), 1);
    assert_eq!(count(200, 3), 3);
}

#[test]
fn a_command_that_fails_says_nothing_or_never_ends_is_told() {
    let run = |command: &str| {
        CommandToken::within(command, Duration::from_millis(300)).token("", "").unwrap_err().to_string()
    };
    assert!(run("echo hunter2; exit 3").contains("failed"));
    assert!(run("true").contains("no token"));
    assert!(run("echo hunter2 x").contains("something else"));
    assert!(run("sleep 5").contains("did not end"));
    assert!(!run("echo hunter2; exit 3").contains("hunter2"));
}

#[test]
fn a_file_is_read_for_each_connection() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let provider = FileToken(file.path().to_owned());
    std::fs::write(file.path(), "one\n").unwrap();
    assert_eq!(text(provider.token("", "")), "one");
    std::fs::write(file.path(), "two").unwrap();
    assert_eq!(text(provider.token("", "")), "two");
    std::fs::write(file.path(), "").unwrap();
    assert!(provider.token("", "").is_err());
}

#[test]
fn a_given_token_that_has_ended_is_told_before_the_server_is_asked() {
    let given = |life: &str| FixedToken(SecretString::from(life.to_owned())).token("", "");
    assert_eq!(text(given("opaque")), "opaque");
    assert!(given(&token(100)).is_ok());
    let ended = format!("h.{}.s", encode(b"{\"exp\":1000}"));
    assert!(given(&ended).unwrap_err().0.contains("ended"));
}

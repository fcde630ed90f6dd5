//! As much HTTP/1.1 (RFC 9112) as asking for a token takes: one request a connection, small answers, time-outs.
//!
//! A client of its own because two requests to two known services do not deserve a dependency tree. No redirects, no
//! proxies.

use super::CredentialError;
use secrecy::{ExposeSecret, SecretString};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// For connecting, and for each read and write.
const LIMIT: Duration = Duration::from_secs(10);
/// No answer is larger.
const ANSWER_BYTES: u64 = 256 * 1024;

/// A status and a body, which may hold a token.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: SecretString,
}

/// `GET` with one header.
pub(super) fn get(url: &str, header: (&str, &SecretString)) -> Result<Answer, CredentialError> {
    let (name, value) = header;
    if value.expose_secret().contains(['\r', '\n']) {
        return Err(CredentialError::new("a header's value has a line end"));
    }
    ask("GET", url, &SecretString::from(format!("{name}: {}\r\n", value.expose_secret())), "")
}

/// `POST` of a form.
pub(super) fn post(url: &str, form: &SecretString) -> Result<Answer, CredentialError> {
    let form = form.expose_secret();
    let headers = SecretString::from(format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        form.len()
    ));
    ask("POST", url, &headers, form)
}

fn ask(method: &str, url: &str, headers: &SecretString, body: &str) -> Result<Answer, CredentialError> {
    let (scheme, rest) =
        url.split_once("://").ok_or_else(|| CredentialError::new("the service's address is no URL"))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    if url.contains(|letter: char| letter.is_control() || letter == ' ') {
        return Err(CredentialError::new("the service's address is no URL"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse().map_err(|_| CredentialError::new("the service's port is no number"))?;
            (host, port)
        }
        _ => (authority, if scheme == "https" { 443 } else { 80 }),
    };
    let failed = |error: &dyn std::fmt::Display| CredentialError(format!("cannot ask {authority}: {error}"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = connect(host, port).map_err(|error| failed(&error))?;
    let request = SecretString::from(format!(
        "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: mssql2pg\r\nAccept: application/json\r\nConnection: close\r\n{}\r\n{body}",
        headers.expose_secret()
    ));
    let answer = match scheme {
        "http" => exchange(stream, &request),
        "https" => {
            let connector = native_tls::TlsConnector::new().map_err(|error| failed(&error))?;
            exchange(connector.connect(host, stream).map_err(|error| failed(&error))?, &request)
        }
        _ => return Err(CredentialError::new("the service's address is neither http nor https")),
    };
    parse(&answer.map_err(|error| failed(&error))?)
        .ok_or_else(|| CredentialError(format!("{authority} does not answer in HTTP")))
}

fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    for place in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, LIMIT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(LIMIT))?;
                stream.set_write_timeout(Some(LIMIT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn exchange(mut stream: impl Read + Write, request: &SecretString) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.expose_secret().as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    let mut limited = stream.take(ANSWER_BYTES);
    match limited.read_to_end(&mut answer) {
        Ok(_) => Ok(answer),
        // Some close without TLS's good-bye; whether the answer is whole is seen from its length.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(answer),
        Err(error) => Err(error),
    }
}

/// Status and body; none when it is no whole answer.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let body = bytes.get(end + 4..)?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let header = |wanted: &str| {
        head.split("\r\n").skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let body = match (header("transfer-encoding"), header("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => chunks(body)?,
        (_, Some(length)) => body.get(..length.parse().ok()?)?.to_vec(),
        _ => body.to_vec(),
    };
    Some(Answer { status, body: SecretString::from(String::from_utf8(body).ok()?) })
}

/// The chunked coding (RFC 9112, 7.1).
fn chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let start = end + 2;
        body.extend_from_slice(bytes.get(start..start.checked_add(size)?)?);
        bytes = bytes.get(start + size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_answers_are_taken() {
        let body = |bytes: &[u8]| parse(bytes).map(|answer| answer.body.expose_secret().to_owned());
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc").as_deref(), Some("ab"));
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), None);
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        assert_eq!(body(chunked).as_deref(), Some("abc"));
        for cut in 0..chunked.len() - 4 {
            assert!(parse(&chunked[..cut]).is_none(), "{cut}");
        }
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n"), None);
        assert!(parse(b"220 smtp\r\n\r\n").is_none());
    }
}

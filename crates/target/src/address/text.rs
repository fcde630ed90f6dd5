//! The two ways to write an address: what stands after `postgresql://`, and `name=value` pairs; both end as a map of
//! libpq's parameters (PostgreSQL manual, "Connection Strings").
//!
//! Invariant: no piece of the text gets into an error message: any piece may be a part of a password that was not
//! percent-encoded or quoted.

use std::collections::BTreeMap;

use super::address_error;
use crate::TargetError;

/// What is said of an address whose password was taken apart; it never shows a piece.
const NOT_ENCODED: &str = "the target address cannot be read: special characters in the password must be percent-encoded \
                           (@ is %40, / is %2F, : is %3A)";

/// What stands after `postgresql://`: `[user[:password]@][host[:port][,…]][/database][?name=value[&…]]`.
pub(super) fn parse_url(rest: &str) -> Result<BTreeMap<String, String>, TargetError> {
    let mut given = BTreeMap::new();
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    // libpq cuts at the first `@`; a host has none, so the last one also reads a password that was not encoded.
    let (login, host_list) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        put(&mut given, "user", user)?;
        put(&mut given, "password", password.unwrap_or_default())?;
    } else if tail.contains('@') && authority.contains(':') {
        // Maybe a password with `/` or `?` in it: say so before any of its pieces is taken for something else.
        let port = authority.rsplit(':').next().unwrap_or_default();
        if port.parse::<u16>().is_err() && !authority.ends_with(']') {
            return Err(address_error(NOT_ENCODED));
        }
    }
    let (path, query) = match tail.split_once('?') {
        Some((path, query)) => (path, query),
        None => (tail, ""),
    };
    // Pieces of a password that was cut at its own `@`, `/` or `?`. A name that really has an `@` can be encoded.
    let has_password = match login {
        Some(login) => login.contains(':'),
        // `user:12?34@host`: the beginning of a password that looks like a port.
        None => path.is_empty() && authority.contains(':'),
    };
    if path.contains('@') || has_password && query.contains('@') || !host_list.chars().all(is_of_hosts) {
        return Err(address_error(NOT_ENCODED));
    }
    let (names, ports) = split_hosts(host_list)?;
    put(&mut given, "host", &names)?;
    put(&mut given, "port", &ports)?;
    put(&mut given, "dbname", path.strip_prefix('/').unwrap_or_default())?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(address_error("a parameter of the target address has no value (name=value)"));
        };
        let (name, value) = (decode(name)?, decode(value)?);
        match (name.as_str(), value.as_str()) {
            // What the Java driver's URLs have; libpq reads it too.
            ("ssl", "true") => given.insert("sslmode".to_owned(), "require".to_owned()),
            _ => given.insert(name, value),
        };
    }
    Ok(given)
}

/// Whether a character can stand in a list of hosts and ports as it is written in a URL.
fn is_of_hosts(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%' | '[' | ']' | ':' | ',')
}

/// Decodes and keeps what is not empty.
fn put(given: &mut BTreeMap<String, String>, name: &str, encoded: &str) -> Result<(), TargetError> {
    if !encoded.is_empty() {
        given.insert(name.to_owned(), decode(encoded)?);
    }
    Ok(())
}

/// `a:1,[::1]:2` as the two lists `a,::1` and `1,2`.
fn split_hosts(text: &str) -> Result<(String, String), TargetError> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for item in text.split(',') {
        let (name, port) = match item.strip_prefix('[') {
            Some(rest) => {
                let (name, after) = rest.split_once(']').ok_or_else(|| {
                    address_error("an IPv6 host of the target address lacks its closing bracket")
                })?;
                match after {
                    "" => (name, ""),
                    _ => (
                        name,
                        after.strip_prefix(':').ok_or_else(|| {
                            address_error("an IPv6 host of the target address is not followed by a port")
                        })?,
                    ),
                }
            }
            None => item.split_once(':').unwrap_or((item, "")),
        };
        names.push(name);
        ports.push(port);
    }
    let all_empty = |list: &[&str]| list.iter().all(|item| item.is_empty());
    let ports = if all_empty(&ports) { String::new() } else { ports.join(",") };
    let names = if names.len() == 1 && all_empty(&names) { String::new() } else { names.join(",") };
    Ok((names, ports))
}

/// Percent-decoding that refuses what is not: `%` without two digits, a NUL, bytes that are not UTF-8. `+` is itself.
fn decode(text: &str) -> Result<String, TargetError> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let digits =
            after.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()) && *digits != "00");
        if digits.is_none() {
            return Err(address_error(
                "the target address has a percent sign that is not followed by two hexadecimal digits (write %25)",
            ));
        }
        rest = after;
    }
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| address_error("the target address is not UTF-8 after percent-decoding"))
}

/// `key = value` pairs: values end at white space, or stand in single quotes; `\` takes the next character as it is.
pub(super) fn parse_pairs(text: &str) -> Result<BTreeMap<String, String>, TargetError> {
    let mut given = BTreeMap::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return Ok(given);
        }
        let mut name = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            name.push(c);
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.next() != Some('=') {
            return Err(address_error(
                "the target address is neither a postgresql:// URL nor name=value pairs; \
                 a value with spaces must stand in single quotes",
            ));
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match rest.next() {
                None if quoted => {
                    return Err(address_error(
                        "a quoted value of the target address lacks its closing quote",
                    ));
                }
                None => break,
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some('\\') => value.extend(rest.next()),
                Some(c) => value.push(c),
            }
        }
        given.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Result<BTreeMap<String, String>, TargetError>, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        check(parse_url(""), &[]);
        check(parse_url("localhost"), &[("host", "localhost")]);
        check(parse_url("localhost:5433"), &[("host", "localhost"), ("port", "5433")]);
        check(parse_url("localhost/db"), &[("host", "localhost"), ("dbname", "db")]);
        check(parse_url("user@localhost"), &[("user", "user"), ("host", "localhost")]);
        check(
            parse_url("u%40x:p%3A%2F%3F%23%25@h/d%20b?connect_timeout=10&application_name=my%26app"),
            &[
                ("user", "u@x"),
                ("password", "p:/?#%"),
                ("host", "h"),
                ("dbname", "d b"),
                ("connect_timeout", "10"),
                ("application_name", "my&app"),
            ],
        );
        check(parse_url("u:p@ss@h"), &[("user", "u"), ("password", "p@ss"), ("host", "h")]);
        check(parse_url("u:a:b@h"), &[("user", "u"), ("password", "a:b"), ("host", "h")]);
        check(parse_url("u:p+w@h"), &[("user", "u"), ("password", "p+w"), ("host", "h")]);
        check(parse_url("[2001:db8::1]:6/db"), &[("host", "2001:db8::1"), ("port", "6"), ("dbname", "db")]);
        check(parse_url("[::1]"), &[("host", "::1")]);
        check(parse_url("h1:1,h2:2/db"), &[("host", "h1,h2"), ("port", "1,2"), ("dbname", "db")]);
        check(parse_url("h1,h2:2"), &[("host", "h1,h2"), ("port", ",2")]);
        check(parse_url("%2Fvar%2Flib/db"), &[("host", "/var/lib"), ("dbname", "db")]);
        check(parse_url("/db?host=/tmp&port=1"), &[("dbname", "db"), ("host", "/tmp"), ("port", "1")]);
        check(parse_url("?user=x"), &[("user", "x")]);
        check(parse_url("h/?ssl=true"), &[("host", "h"), ("sslmode", "require")]);
    }

    #[test]
    fn pairs_are_read_as_libpq_reads_them() {
        check(parse_pairs("  "), &[]);
        check(
            parse_pairs("host=h port = 5 dbname='a b'"),
            &[("host", "h"), ("port", "5"), ("dbname", "a b")],
        );
        check(parse_pairs(r"password='it\'s \\ me'"), &[("password", r"it's \ me")]);
        check(parse_pairs(r"password=a\ b user=''"), &[("password", "a b"), ("user", "")]);
    }

    #[test]
    fn no_piece_of_an_address_that_cannot_be_read_is_shown() {
        for text in [
            "u:s3cret%zz@h",
            "u:s3cret%@h",
            "u:s3cret%00@h",
            "u:%ff%fes3cret@h",
            "u:x/s3cret@h",
            "[::1s3cret",
            "[::1]s3cret",
            "h?s3cret",
        ] {
            let error = parse_url(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{text}: {error}");
        }
        for text in ["password=my s3cret", "s3cret", "password='s3cret", "=s3cret x"] {
            let error = parse_pairs(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{text}: {error}");
        }
    }
}

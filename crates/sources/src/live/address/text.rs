//! The forms that addresses come in: URLs, JDBC's, and the `key=value;` strings of ADO.NET and ODBC. Each becomes a list
//! of names and values; what the names mean is for [`super::options`].
//!
//! Invariant: no part of an address is in an error of this file, because a password that is written wrongly can end up in
//! any part.

use crate::{ErrorKind, SourceError};
use percent_encoding::percent_decode_str;

/// A name and its value, in the order in which they stand.
pub(super) type Pairs = Vec<(String, String)>;

/// What an address says, before anything is known about the names.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub(super) pairs: Pairs,
    /// A part of a password may have ended up among the names, so that they are not repeated.
    pub(super) doubtful: bool,
}

fn wrong(what: &str) -> SourceError {
    SourceError::new(ErrorKind::Address, what)
}

/// Whether it looks like the address of a SQL Server.
pub(super) fn is_address(location: &str) -> bool {
    let lower = location.trim_start().to_ascii_lowercase();
    ["mssql:", "sqlserver:", "jdbc:"].iter().any(|scheme| lower.starts_with(scheme))
        || names_of(location).iter().any(|name| {
            matches!(
                name.as_str(),
                "server" | "datasource" | "addr" | "address" | "networkaddress" | "driver" | "dsn"
            )
        })
}

/// The names before `=`, roughly: quotes are not looked at.
fn names_of(location: &str) -> Vec<String> {
    if location.contains("://") {
        return Vec::new();
    }
    location
        .split(';')
        .filter_map(|part| part.split_once('='))
        .map(|(name, _)| super::options::plain(name.trim()))
        .collect()
}

/// Takes an address apart.
///
/// # Errors
/// `Address`, when it has none of the forms.
pub(super) fn split(location: &str) -> Result<Spoken, SourceError> {
    let location = location.trim();
    if let Some(rest) = after(location, "jdbc:sqlserver://") {
        return jdbc(rest);
    }
    for scheme in ["mssql://", "sqlserver://"] {
        if let Some(rest) = after(location, scheme) {
            // Go's and JDBC's habit: `sqlserver://host;database=…`.
            return match scheme == "sqlserver://" && !rest.contains('@') && rest.contains(';') {
                true => jdbc(rest),
                false => url(rest),
            };
        }
    }
    let lower = location.to_ascii_lowercase();
    if ["mssql:", "sqlserver:", "jdbc:"].iter().any(|scheme| lower.starts_with(scheme)) {
        return Err(wrong("an address begins with mssql://, sqlserver:// or jdbc:sqlserver://"));
    }
    Ok(Spoken { pairs: keywords(location)?, doubtful: false })
}

fn after<'a>(location: &'a str, scheme: &str) -> Option<&'a str> {
    let head = location.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &location[scheme.len()..])
}

const ENCODE: &str = "cannot tell the password from the rest of the address: in user, password and database write @ as %40, / as %2F, ? as %3F, : as %3A and % as %25";

/// `user:password@host:port/database?option=value`.
fn url(rest: &str) -> Result<Spoken, SourceError> {
    let (user_info, rest) = user_info(rest)?;
    let mut pairs = Pairs::new();
    if let Some(user_info) = user_info {
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user_info, None),
        };
        if !user.is_empty() {
            pairs.push(("user".to_owned(), decoded(user)?));
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            pairs.push(("password".to_owned(), decoded(password)?));
        }
    }
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, query),
        None => (rest, ""),
    };
    let (host, path) = match place.split_once('/') {
        Some((host, path)) => (host, path),
        None => (place, ""),
    };
    host_and_port(host, &mut pairs)?;
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    match segments.as_slice() {
        [] => {}
        [database] => pairs.push(("database".to_owned(), decoded(database)?)),
        [instance, database] => {
            pairs.push(("instance".to_owned(), decoded(instance)?));
            pairs.push(("database".to_owned(), decoded(database)?));
        }
        _ => {
            return Err(wrong(
                "after the host, an address has the database, or the instance and the database, and no more",
            ));
        }
    }
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').ok_or_else(|| {
            wrong("an option after ? has no value: options look like ?name=value&name=value")
        })?;
        pairs.push((decoded(name)?, decoded(value)?));
    }
    Ok(Spoken { pairs, doubtful: user_info.is_none() && query.contains('@') && host.contains(':') })
}

/// The part before the `@` and the part after it. A password is often written as it is, with `@`, `/` and `?` in it:
/// that is understood where it can mean only one thing.
fn user_info(rest: &str) -> Result<(Option<&str>, &str), SourceError> {
    let strict_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(strict_end);
    let path = tail.split('?').next().unwrap_or("");
    if let Some((user_info, host)) = authority.rsplit_once('@') {
        if path.contains('@') {
            return Err(wrong(ENCODE));
        }
        return Ok((Some(user_info), &rest[rest.len() - tail.len() - host.len()..]));
    }
    let is_port = |text: &str| text.is_empty() || text.parse::<u16>().is_ok();
    let host_ends = authority.starts_with('[') && authority.contains(']');
    match authority.split_once(':') {
        Some((_, after)) if !host_ends && !is_port(after) => match tail.matches('@').count() {
            0 => Ok((None, rest)),
            1 => Ok(rest.rsplit_once('@').map_or((None, rest), |(user_info, rest)| (Some(user_info), rest))),
            _ => Err(wrong(ENCODE)),
        },
        _ if path.contains('@') => Err(wrong(ENCODE)),
        _ => Ok((None, rest)),
    }
}

fn decoded(text: &str) -> Result<String, SourceError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| wrong("a %-encoded part of the address is not UTF-8"))
}

/// `host`, `host:port`, `[IPv6]:port`, `host\instance`, `host\instance:port`.
fn host_and_port(text: &str, pairs: &mut Pairs) -> Result<(), SourceError> {
    let text = &decoded(text)?;
    let (host, after) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, after)) => (host, after),
        None => match text.find([':', '\\']) {
            Some(place) => text.split_at(place),
            None => (text.as_str(), ""),
        },
    };
    pairs.push(("server".to_owned(), host.to_owned()));
    let (instance, port) = match after.split_once(':') {
        Some((instance, port)) => (instance, port),
        None => (after, ""),
    };
    match instance.strip_prefix('\\') {
        Some(instance) => pairs.push(("instance".to_owned(), instance.to_owned())),
        None if instance.is_empty() => {}
        None => return Err(wrong("the host of the address is followed by something that is no port")),
    }
    if !port.is_empty() {
        pairs.push(("port".to_owned(), port.to_owned()));
    }
    Ok(())
}

/// `host\instance:port;name=value;name={value}` ("Building the connection URL" of the JDBC driver).
fn jdbc(rest: &str) -> Result<Spoken, SourceError> {
    let (host, options) = match rest.split_once(';') {
        Some((host, options)) => (host, options),
        None => (rest, ""),
    };
    let mut pairs = Pairs::new();
    if !host.is_empty() {
        host_and_port(host.trim_end_matches('/'), &mut pairs)?;
    }
    // The port wins ("Named and multiple SQL Server instances" of the JDBC driver).
    if pairs.iter().any(|(name, _)| name == "port") {
        pairs.retain(|(name, _)| name != "instance");
    }
    pairs.extend(pairs_of(options, Quotes { marks: false, braces: true })?);
    Ok(Spoken { pairs, doubtful: false })
}

/// `Server=tcp:host,1433;Database=…;` of ADO.NET and ODBC.
fn keywords(text: &str) -> Result<Pairs, SourceError> {
    let names = names_of(text);
    let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    // What only one of the two worlds knows tells which one's quotes count.
    let odbc = has(&["driver", "dsn", "trustedconnection"]);
    let ado = has(&["userid", "initialcatalog", "integratedsecurity", "datasource", "commandtimeout"]);
    let quotes = match (odbc, ado) {
        (true, _) => Quotes { marks: false, braces: true },
        (false, true) => Quotes { marks: true, braces: false },
        (false, false) => Quotes { marks: true, braces: true },
    };
    let mut pairs = Pairs::new();
    for (name, value) in pairs_of(text, quotes)? {
        match super::options::meaning(&name) {
            super::options::Meaning::Known(super::options::Name::Server) => server(&value, &mut pairs)?,
            _ => pairs.push((name, value)),
        }
    }
    Ok(pairs)
}

/// `tcp:host\instance,port` of the value of `Server`.
fn server(value: &str, pairs: &mut Pairs) -> Result<(), SourceError> {
    let value = value.trim();
    let value = match value.split_once(':') {
        Some((protocol, rest)) if protocol.eq_ignore_ascii_case("tcp") => rest.trim(),
        Some((protocol, _)) if ["np", "lpc", "admin"].iter().any(|p| protocol.eq_ignore_ascii_case(p)) => {
            return Err(wrong(
                "the server is reached over TCP only, not by named pipes, shared memory or the administrator's connection; write Server=tcp:host,port",
            ));
        }
        _ => value,
    };
    if value.starts_with("\\\\") {
        return Err(wrong(
            "the server is reached over TCP only, not by named pipes; write Server=tcp:host,port",
        ));
    }
    let (place, port) = match value.split_once(',') {
        Some((place, port)) => (place.trim(), Some(port.trim())),
        None => (value, None),
    };
    let (host, instance) = match place.split_once('\\') {
        Some((host, instance)) => (host.trim(), Some(instance.trim())),
        None => (place, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    pairs.push(("server".to_owned(), host.to_owned()));
    // ADO.NET and ODBC do not ask for the instance when a port is given.
    if let (Some(instance), None) = (instance, port) {
        pairs.push(("instance".to_owned(), instance.to_owned()));
    }
    if let Some(port) = port {
        pairs.push(("port".to_owned(), port.to_owned()));
    }
    Ok(())
}

/// Which quotes a value may stand in.
#[derive(Debug, Clone, Copy)]
struct Quotes {
    /// `'…'` and `"…"`, doubled inside (ADO.NET).
    marks: bool,
    /// `{…}`, with `}}` inside (ODBC, JDBC).
    braces: bool,
}

fn pairs_of(text: &str, quotes: Quotes) -> Result<Pairs, SourceError> {
    let mut pairs = Pairs::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter == ';' || letter.is_whitespace());
        if rest.is_empty() {
            return Ok(pairs);
        }
        let Some((name, after)) = name_of(rest) else {
            return Err(wrong(
                "a part of the address has no value: parts look like name=value;name=value, and a value with ; in it stands in quotes or braces",
            ));
        };
        let (value, after) = value_of(after.trim_start(), quotes)?;
        pairs.push((name, value));
        rest = after;
    }
}

/// A name up to its `=`.
fn name_of(text: &str) -> Option<(String, &str)> {
    let end = text.find(['=', ';'])?;
    let after = text[end..].strip_prefix('=')?;
    Some((text[..end].trim().to_owned(), after))
}

fn value_of(text: &str, quotes: Quotes) -> Result<(String, &str), SourceError> {
    let opening = text.chars().next();
    let closing = match opening {
        Some(mark @ ('\'' | '"')) if quotes.marks => Some(mark),
        Some('{') if quotes.braces => Some('}'),
        _ => None,
    };
    if let Some(closing) = closing {
        match quoted(&text[1..], closing) {
            Some(found) => return Ok(found),
            // A brace that nothing closes is an ordinary character to ADO.NET.
            None if closing == '}' && quotes.marks => {}
            None => {
                return Err(wrong(
                    "a value of the address begins with a quote or brace and does not end with one; inside of it, the mark is written twice",
                ));
            }
        }
    }
    let end = text.find(';').unwrap_or(text.len());
    Ok((text[..end].trim_end().to_owned(), &text[end..]))
}

/// What stands before the closing mark, which must end the value.
fn quoted(text: &str, closing: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once(closing)?;
        value.push_str(before);
        match after.strip_prefix(closing) {
            Some(after) => {
                value.push(closing);
                rest = after;
            }
            None => {
                let after = after.trim_start();
                return (after.is_empty() || after.starts_with(';')).then_some((value, after));
            }
        }
    }
}

//! Remote calls (RPC, MS-TDS 2.2.6.6): the procedures that clients use to run statements with parameters.
//!
//! Invariant: every call ends as a batch with parameters, or as an answer of its own without the engine.

use crate::answer::BatchParameter;
use crate::wire::decode::{self, array, byte, short, text};
use crate::wire::link::invalid;
use crate::wire::literal::literal;
use mssql2pg_catalog::Value;
use std::io;

/// A call as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// The procedure's name in lower case, for example `sp_executesql`.
    pub(crate) name: String,
    pub(crate) parameters: Vec<CallParameter>,
}

/// A parameter as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallParameter {
    pub(crate) parameter: BatchParameter,
    /// Its value where it is text.
    pub(crate) text: Option<String>,
    /// Its value where it is a number.
    pub(crate) int: Option<i64>,
}

/// Procedures that have a number (MS-TDS 2.2.6.6).
const NUMBERED: &[(u16, &str)] = &[
    (1, "sp_cursor"),
    (2, "sp_cursoropen"),
    (3, "sp_cursorprepare"),
    (4, "sp_cursorexecute"),
    (5, "sp_cursorprepexec"),
    (6, "sp_cursorunprepare"),
    (7, "sp_cursorfetch"),
    (8, "sp_cursoroption"),
    (9, "sp_cursorclose"),
    (10, "sp_executesql"),
    (11, "sp_prepare"),
    (12, "sp_execute"),
    (13, "sp_prepexec"),
    (14, "sp_prepexecrpc"),
    (15, "sp_unprepare"),
];

/// The bytes behind ALL_HEADERS (MS-TDS 2.2.5.3).
pub(crate) fn skip_headers(message: &[u8]) -> &[u8] {
    let total = message.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    total
        .and_then(|total| usize::try_from(total).ok())
        .filter(|total| *total >= 4)
        .and_then(|total| message.get(total..))
        .unwrap_or(message)
}

/// The calls of a message.
///
/// # Errors
/// `InvalidData` when it makes no sense.
pub(crate) fn parse(message: &[u8]) -> io::Result<Vec<Call>> {
    let mut rest = skip_headers(message);
    let mut calls = Vec::new();
    while !rest.is_empty() {
        calls.push(parse_call(&mut rest)?);
    }
    Ok(calls)
}

fn parse_call(rest: &mut &[u8]) -> io::Result<Call> {
    let name = match short(rest)? {
        u16::MAX => {
            let number = short(rest)?;
            let known = NUMBERED.iter().find(|(known, _)| *known == number);
            known.map_or_else(|| format!("procedure {number}"), |(_, name)| (*name).to_owned())
        }
        units => text(rest, usize::from(units))?,
    };
    let lower = name.to_lowercase();
    let name = lower.rsplit('.').next().unwrap_or(&lower).trim_matches(['[', ']']).to_owned();
    short(rest)?;
    let mut parameters = Vec::new();
    let mut scratch = Vec::new();
    while let Some(first) = rest.first().copied() {
        // 0x80 and 0xff divide calls; no name is as long.
        if first == 0x80 || first == 0xff {
            byte(rest)?;
            break;
        }
        parameters.push(parse_parameter(rest, &mut scratch)?);
    }
    Ok(Call { name, parameters })
}

fn parse_parameter(rest: &mut &[u8], scratch: &mut Vec<u8>) -> io::Result<CallParameter> {
    let units = byte(rest)?;
    let name = text(rest, usize::from(units))?;
    let [_status] = array(rest)?;
    let taken = decode::type_info(rest, false)?;
    let mut written = Ok(String::new());
    let mut int = None;
    let mut is_text = None;
    decode::value(rest, &taken, scratch, &mut |value| {
        if let Value::Int(value) = value {
            int = Some(value);
        }
        is_text = match value {
            Value::Utf16(bytes) => crate::wire::pages::decode_utf16(bytes).ok(),
            Value::CodePage(bytes, page) => {
                crate::wire::pages::decode(bytes, page.0).map(std::borrow::Cow::into_owned).ok()
            }
            _ => None,
        };
        written = literal(value);
    })?;
    let literal = written.map_err(invalid)?;
    Ok(CallParameter {
        parameter: BatchParameter { name, sql_type: taken.sql_type, literal },
        text: is_text,
        int,
    })
}

/// The names that a declaration of parameters has, in order: `@a int, @b decimal(10,2) output`.
pub(crate) fn declared_names(declaration: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_i32;
    let mut begins = true;
    let mut name = String::new();
    for c in declaration.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => begins = true,
            '@' if depth == 0 && begins => {
                begins = false;
                name.push(c);
                continue;
            }
            _ => {}
        }
        if !name.is_empty() {
            if c.is_whitespace() || c == ',' || c == '(' {
                names.push(std::mem::take(&mut name));
            } else {
                name.push(c);
            }
        }
    }
    names.extend(Some(name).filter(|name| !name.is_empty()));
    names
}

/// Parameters with their names: a client may leave them out and count on the order of the declaration.
pub(crate) fn named(parameters: &[CallParameter], declaration: &str) -> Vec<BatchParameter> {
    let names = declared_names(declaration);
    parameters
        .iter()
        .enumerate()
        .map(|(place, CallParameter { parameter, .. })| {
            let mut parameter = parameter.clone();
            if parameter.name.is_empty() {
                parameter.name = names.get(place).cloned().unwrap_or_default();
            }
            parameter
        })
        .collect()
}

/// The text that the batch of a message is.
///
/// # Errors
/// `InvalidData` when it is not text.
pub(crate) fn batch_text(message: &[u8]) -> io::Result<String> {
    crate::wire::pages::decode_utf16(skip_headers(message)).map_err(invalid)
}

/// What a request to the transaction manager means as statements (MS-TDS 2.2.6.9).
///
/// # Errors
/// `InvalidData` for a request that is not known here.
pub(crate) fn transaction_statements(message: &[u8]) -> io::Result<String> {
    let mut rest = skip_headers(message);
    let isolation = |level: u8| {
        let level = match level {
            1 => "read uncommitted",
            2 => "read committed",
            3 => "repeatable read",
            4 => "serializable",
            5 => "snapshot",
            _ => return String::new(),
        };
        format!("set transaction isolation level {level}; ")
    };
    let name = |rest: &mut &[u8]| -> io::Result<String> {
        let units = byte(rest)?;
        text(rest, usize::from(units) / 2)
    };
    let request = short(&mut rest)?;
    Ok(match request {
        5 => format!("{}begin transaction", isolation(byte(&mut rest)?)),
        7 | 8 => {
            name(&mut rest)?;
            let again = rest.first().is_some_and(|flags| flags & 1 != 0);
            let first = if request == 7 { "commit transaction" } else { "rollback transaction" };
            if again { format!("{first}; begin transaction") } else { first.to_owned() }
        }
        9 => format!("save transaction {}", name(&mut rest)?),
        other => return Err(invalid(format!("request {other} to the transaction manager is not known"))),
    })
}

/// Used by tests that build messages.
#[cfg(test)]
pub(crate) fn headers() -> Vec<u8> {
    let mut headers = 22_u32.to_le_bytes().to_vec();
    headers.extend_from_slice(&18_u32.to_le_bytes());
    headers.extend_from_slice(&2_u16.to_le_bytes());
    headers.extend_from_slice(&[0; 8]);
    headers.extend_from_slice(&1_u32.to_le_bytes());
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_a_declaration() {
        assert_eq!(declared_names("@a int,@b decimal(10, 2) output , @c nvarchar(max)"), ["@a", "@b", "@c"]);
        assert_eq!(declared_names("@only"), ["@only"]);
        assert!(declared_names("").is_empty());
    }

    #[test]
    fn a_transaction_request_is_statements() {
        let mut message = headers();
        message.extend([5, 0, 5, 0]);
        assert_eq!(
            transaction_statements(&message).unwrap(),
            "set transaction isolation level snapshot; begin transaction"
        );
        let mut message = headers();
        message.extend([8, 0, 0, 0]);
        assert_eq!(transaction_statements(&message).unwrap(), "rollback transaction");
    }
}

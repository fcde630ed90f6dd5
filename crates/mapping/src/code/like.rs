//! T-SQL's LIKE: PostgreSQL's LIKE where the pattern has no character class, else a regular expression.
//!
//! Invariant: the whole value must match, and every character of the pattern that T-SQL takes for
//! itself is taken for itself. A class's range goes by code points here and by the collation there; for
//! digits and for upper-case letters of a case-sensitive collation that is the same.

use super::NotConverted;
use super::print::{CONCATENATION, LIKE, SUM, Typed};
use super::syntax::Expr;
use super::values::Family;
use crate::names::quote_literal;

/// A piece of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Character(char),
    /// `_`.
    Any,
    /// `%`.
    Rest,
    Class {
        negated: bool,
        /// First and last character of each range.
        ranges: Vec<(char, char)>,
    },
}

/// `value like pattern`.
pub(super) fn convert(
    value: &Typed,
    pattern: &Expr,
    escape: Option<&Expr>,
    negated: bool,
) -> Result<Typed, NotConverted> {
    let Expr::Text { value: pattern, unicode } = pattern else {
        return Err(NotConverted::new("it uses LIKE with a pattern that is not a literal"));
    };
    let Some(found) = value.value_type().filter(|found| found.family == Family::Text) else {
        return Err(NotConverted::new("it uses LIKE with a value that is not text"));
    };
    let escape = match escape {
        None => None,
        Some(Expr::Text { value, .. }) if value.chars().count() == 1 => value.chars().next(),
        Some(_) => return Err(NotConverted::new("the ESCAPE of a LIKE is not one character")),
    };
    let pieces = pieces(pattern, escape)?;
    let is_unicode = *unicode || found.is_unicode();
    let ends_open = matches!(pieces.last(), Some(Piece::Rest));
    if !is_unicode && matches!(pieces.last(), Some(Piece::Character(' '))) {
        return Err(NotConverted::new("it uses LIKE with a pattern that ends with a blank"));
    }
    // Without Unicode, trailing blanks of the value do not count.
    let drops_blanks = !is_unicode && !ends_open;
    let has_class = pieces.iter().any(|piece| matches!(piece, Piece::Class { .. }));
    if has_class {
        // PostgreSQL's LIKE and `~` see the padding of `char(n)`, as SQL Server's LIKE does.
        let text = value.at(SUM);
        let operator = if negated { "!~" } else { "~" };
        let blanks = if drops_blanks { " *" } else { "" };
        let regex = quote_literal(&format!("^{}{blanks}$", regex(&pieces)));
        return Ok(Typed::condition(format!("{text} {operator} {regex}"), CONCATENATION));
    }
    let text = if drops_blanks { format!("rtrim({})", value.sql) } else { value.at(SUM) };
    let not = if negated { "not " } else { "" };
    Ok(Typed::condition(format!("{text} {not}like {}", quote_literal(&like(&pieces))), LIKE))
}

fn pieces(pattern: &str, escape: Option<char>) -> Result<Vec<Piece>, NotConverted> {
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            _ if Some(character) == escape => match characters.next() {
                Some(next) => Piece::Character(next),
                None => return Err(NotConverted::new("a LIKE pattern ends with its escape character")),
            },
            '%' => Piece::Rest,
            '_' => Piece::Any,
            '[' => class(&mut characters, escape)?,
            other => Piece::Character(other),
        });
    }
    Ok(pieces)
}

fn class(characters: &mut std::str::Chars<'_>, escape: Option<char>) -> Result<Piece, NotConverted> {
    let odd = || NotConverted::new("it uses LIKE with a character class that is not understood");
    let mut inner = String::new();
    loop {
        match characters.next() {
            Some(']') => break,
            Some(character) if Some(character) != escape => inner.push(character),
            _ => return Err(odd()),
        }
    }
    let (negated, inner) = match inner.strip_prefix('^') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, inner),
    };
    let mut ranges = Vec::new();
    let mut left = inner.chars().peekable();
    while let Some(first) = left.next() {
        let mut ahead = left.clone();
        if ahead.next() == Some('-') && ahead.peek().is_some() {
            let last = ahead.next().ok_or_else(odd)?;
            if !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() || first > last {
                return Err(odd());
            }
            ranges.push((first, last));
            left = ahead;
        } else {
            ranges.push((first, first));
        }
    }
    if ranges.is_empty() {
        return Err(odd());
    }
    Ok(Piece::Class { negated, ranges })
}

/// A PostgreSQL advanced regular expression, not anchored.
fn regex(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Character(character) => escaped(&mut out, *character, ".*+?()[]{}|^$\\"),
            Piece::Any => out.push('.'),
            Piece::Rest => out.push_str(".*"),
            Piece::Class { negated, ranges } => {
                out.push_str(if *negated { "[^" } else { "[" });
                for (first, last) in ranges {
                    escaped(&mut out, *first, "[]^-\\");
                    if first != last {
                        out.push('-');
                        escaped(&mut out, *last, "[]^-\\");
                    }
                }
                out.push(']');
            }
        }
    }
    out
}

/// A backslash before a character that is neither letter nor digit means the character itself, within
/// a class and outside ("Regular Expression Escapes"). `special` are those that mean more there.
fn escaped(out: &mut String, character: char, special: &str) {
    if special.contains(character) {
        out.push('\\');
    }
    out.push(character);
}

/// A PostgreSQL LIKE pattern with its own escape, the backslash.
fn like(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Character(character) => {
                if matches!(character, '%' | '_' | '\\') {
                    out.push('\\');
                }
                out.push(*character);
            }
            Piece::Any => out.push('_'),
            Piece::Rest => out.push('%'),
            // The caller takes the regular expression then.
            Piece::Class { .. } => {}
        }
    }
    out
}

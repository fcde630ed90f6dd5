//! T-SQL text as tokens.
//!
//! Invariant: foreign text; nothing here panics, and an expression of more than [`MOST_TOKENS`] tokens is
//! refused, which bounds the depth of the tree.

use super::NotConverted;

/// The longest expression: no check or default of a real schema comes near, and a tree of this depth
/// is safe to walk on any thread's stack.
const MOST_TOKENS: usize = 2000;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word, as written: a key word or a name.
    Word(String),
    /// A name in brackets or double quotes (`QUOTED_IDENTIFIER` is on in everything SQL Server stores).
    Name(String),
    /// A number without exponent and without a point.
    Integer(String),
    /// A number with a point.
    Decimal(String),
    /// A number with an exponent.
    Float(String),
    /// `$1.50`, without the sign.
    Money(String),
    /// `0x1F`, without the prefix.
    Hex(String),
    /// A string literal, its quotes undone.
    Text {
        /// Its content.
        value: String,
        /// Whether it has the `N` prefix.
        unicode: bool,
    },
    /// An operator or a bracket.
    Symbol(&'static str),
}

/// Symbols, longest first.
static SYMBOLS: &[&str] = &[
    "<>", "!=", "<=", ">=", "!<", "!>", "(", ")", ",", ".", "+", "-", "*", "/", "%", "=", "<", ">", "&", "|",
    "^", "~",
];

/// Splits a text into tokens; blanks and comments are left out.
pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, NotConverted> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = skip_blanks(rest)?;
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        if tokens.len() >= MOST_TOKENS {
            return Err(NotConverted::new(format!("the expression has more than {MOST_TOKENS} words")));
        }
        let (token, after) = one(first, rest)?;
        tokens.push(token);
        rest = after;
    }
}

fn skip_blanks(mut rest: &str) -> Result<&str, NotConverted> {
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = after_comment(comment)?;
        } else {
            return Ok(rest);
        }
    }
}

/// T-SQL's comments nest.
fn after_comment(mut rest: &str) -> Result<&str, NotConverted> {
    let mut depth = 1_u32;
    while depth > 0 {
        let open = rest.find("/*");
        let Some(close) = rest.find("*/") else { return Err(NotConverted::new("a comment has no end")) };
        let inner = open.filter(|&open| open < close);
        depth = if inner.is_some() { depth + 1 } else { depth - 1 };
        rest = rest.get(inner.unwrap_or(close) + 2..).unwrap_or("");
    }
    Ok(rest)
}

fn one(first: char, rest: &str) -> Result<(Token, &str), NotConverted> {
    let tail = rest.get(first.len_utf8()..).unwrap_or("");
    match first {
        '[' => delimited(tail, ']').map(|(name, after)| (Token::Name(name), after)),
        '"' => delimited(tail, '"').map(|(name, after)| (Token::Name(name), after)),
        '\'' => delimited(tail, '\'').map(|(value, after)| (Token::Text { value, unicode: false }, after)),
        'N' | 'n' if tail.starts_with('\'') => delimited(tail.get(1..).unwrap_or(""), '\'')
            .map(|(value, after)| (Token::Text { value, unicode: true }, after)),
        '$' => {
            let (token, after) = number(tail)?;
            match token {
                Token::Integer(digits) | Token::Decimal(digits) => Ok((Token::Money(digits), after)),
                _ => Err(NotConverted::new("a money literal is not a plain number")),
            }
        }
        '0'..='9' => number(rest),
        '.' if tail.starts_with(|next: char| next.is_ascii_digit()) => number(rest),
        '@' => Err(NotConverted::new("it uses a variable")),
        _ if is_word(first) => {
            let (word, after) = take_while(rest, |other| is_word(other) || matches!(other, '@' | '$'));
            Ok((Token::Word(word.to_owned()), after))
        }
        _ => SYMBOLS
            .iter()
            .find_map(|symbol| Some((Token::Symbol(symbol), rest.strip_prefix(symbol)?)))
            .ok_or_else(|| NotConverted::new(format!("it holds the character {first:?}"))),
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '#')
}

fn take_while(rest: &str, take: impl Fn(char) -> bool) -> (&str, &str) {
    rest.split_at(rest.find(|character| !take(character)).unwrap_or(rest.len()))
}

/// What stands before `close`; a doubled `close` is one.
fn delimited(rest: &str, close: char) -> Result<(String, &str), NotConverted> {
    let mut value = String::new();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != close {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == close).is_some() {
            value.push(close);
        } else {
            return Ok((value, rest.get(at + close.len_utf8()..).unwrap_or("")));
        }
    }
    Err(NotConverted::new(format!("a name or text that {close:?} should close has no end")))
}

fn number(rest: &str) -> Result<(Token, &str), NotConverted> {
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let (digits, after) = take_while(hex, |character| character.is_ascii_hexdigit());
        return Ok((Token::Hex(digits.to_owned()), after));
    }
    let (whole, mut after) = take_while(rest, |character| character.is_ascii_digit());
    let mut digits = whole.to_owned();
    let mut has_point = false;
    if let Some(fraction) = after.strip_prefix('.') {
        let (fraction, behind) = take_while(fraction, |character| character.is_ascii_digit());
        digits.push('.');
        digits.push_str(fraction);
        after = behind;
        has_point = true;
    }
    if after.starts_with(['e', 'E']) {
        let exponent = after.get(1..).unwrap_or("");
        let sign = if exponent.starts_with(['+', '-']) { exponent.get(..1).unwrap_or("") } else { "" };
        let (power, behind) =
            take_while(exponent.get(sign.len()..).unwrap_or(""), |character| character.is_ascii_digit());
        let power = if power.is_empty() { "0" } else { power };
        return Ok((Token::Float(format!("{digits}e{sign}{power}")), behind));
    }
    if !digits.contains(|character: char| character.is_ascii_digit()) {
        return Err(NotConverted::new("a number has no digits"));
    }
    Ok((if has_point { Token::Decimal(digits) } else { Token::Integer(digits) }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_as_t_sql_splits_it() {
        let name = |name: &str| Token::Name(name.to_owned());
        let check = |text: &str, expected: &[Token]| assert_eq!(tokenize(text).unwrap(), expected, "{text}");
        check("[a]]b]", &[name("a]b")]);
        check("\"a\"\"b\"", &[name("a\"b")]);
        check("N'it''s'", &[Token::Text { value: "it's".to_owned(), unicode: true }]);
        check("''", &[Token::Text { value: String::new(), unicode: false }]);
        check("1.", &[Token::Decimal("1.".to_owned())]);
        check(".5", &[Token::Decimal(".5".to_owned())]);
        check("1e-5", &[Token::Float("1e-5".to_owned())]);
        check("$1.50", &[Token::Money("1.50".to_owned())]);
        check("0x1F", &[Token::Hex("1F".to_owned())]);
        check("a -- b\n!=", &[Token::Word("a".to_owned()), Token::Symbol("!=")]);
        check("/* a /* b */ c */ 1", &[Token::Integer("1".to_owned())]);
    }

    #[test]
    fn broken_text_is_refused_and_never_a_panic() {
        let check = |text: &str| assert!(tokenize(text).is_err(), "{text}");
        check("'open");
        check("[open");
        check("/* open");
        check("$");
        check("@x");
        check("?");
        check("€5");
        check(&"1 ".repeat(MOST_TOKENS + 1));
    }
}

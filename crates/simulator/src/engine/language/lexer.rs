//! Cuts T-SQL into tokens; comments and white space fall away.
//!
//! Invariant: a token knows where it stands, so that any stretch of a statement can be had again as it was written.

use crate::answer::Failure;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a plain name.
    Word,
    /// A name in brackets or double quotes, without them.
    Quoted,
    /// `'…'`, without the quotes.
    Text,
    /// `N'…'`, likewise.
    NationalText,
    /// A number; `$` in front makes it money.
    Number,
    /// `0x…`: the hexadecimal digits.
    Binary,
    /// `@name` or `@@name`.
    Variable,
    /// An operator or a bracket.
    Symbol,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Its text, unescaped.
    pub(crate) text: String,
    /// Where it begins, in bytes.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
}

impl Token {
    /// Whether it is that keyword.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is that operator or bracket.
    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// All tokens of a batch.
///
/// # Errors
/// 105 for a text that does not end, 113 for a comment, 102 for a character that T-SQL does not know.
pub(crate) fn tokens(sql: &str) -> Result<Vec<Token>, Failure> {
    let mut lexer = Lexer { sql, bytes: sql.as_bytes(), at: 0, tokens: Vec::new() };
    while lexer.next()? {}
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    sql: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn byte(&self, offset: usize) -> u8 {
        self.bytes.get(self.at + offset).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, text: String, start: usize) {
        self.tokens.push(Token { kind, text, start, end: self.at });
    }

    /// Reads one token, comment or blank: false at the end.
    fn next(&mut self) -> Result<bool, Failure> {
        let start = self.at;
        let Some(&byte) = self.bytes.get(start) else { return Ok(false) };
        match byte {
            b'-' if self.byte(1) == b'-' => {
                self.at = self.sql[start..].find('\n').map_or(self.bytes.len(), |length| start + length);
            }
            b'/' if self.byte(1) == b'*' => self.comment()?,
            b'\'' => self.text(Kind::Text, start)?,
            b'N' | b'n' if self.byte(1) == b'\'' => {
                self.at += 1;
                self.text(Kind::NationalText, start)?;
            }
            b'[' => self.quoted(b']', start)?,
            b'"' => self.quoted(b'"', start)?,
            b'0' if matches!(self.byte(1), b'x' | b'X') => {
                self.at += 2;
                self.skip(|byte| byte.is_ascii_hexdigit());
                let digits = self.sql[start + 2..self.at].to_owned();
                self.push(Kind::Binary, digits, start);
            }
            b'0'..=b'9' => self.number(start),
            b'.' | b'$' if self.byte(1).is_ascii_digit() => self.number(start),
            b'@' => {
                self.at += 1;
                self.skip(is_name);
                let text = self.sql[start..self.at].to_owned();
                self.push(Kind::Variable, text, start);
            }
            byte if is_name(byte) => {
                self.skip(is_name);
                let text = self.sql[start..self.at].to_owned();
                self.push(Kind::Word, text, start);
            }
            byte if byte.is_ascii_whitespace() || byte == 0 => self.at += 1,
            _ => self.symbol(start)?,
        }
        Ok(true)
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| wanted(*byte)) {
            self.at += 1;
        }
    }

    fn comment(&mut self) -> Result<(), Failure> {
        let mut depth = 0_u32;
        while self.at < self.bytes.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => {
                    (depth, self.at) = (depth - 1, self.at + 2);
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(Failure { class: 15, ..Failure::new(113, "Missing end comment mark '*/'.") })
    }

    fn text(&mut self, kind: Kind, start: usize) -> Result<(), Failure> {
        let text = self.delimited(b'\'')?;
        self.push(kind, text, start);
        Ok(())
    }

    fn quoted(&mut self, end: u8, start: usize) -> Result<(), Failure> {
        let text = self.delimited(end)?;
        self.push(Kind::Quoted, text, start);
        Ok(())
    }

    /// From one delimiter to the next that is not doubled.
    fn delimited(&mut self, end: u8) -> Result<String, Failure> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let from = self.at;
            self.skip(|byte| byte != end);
            text.push_str(&self.sql[from..self.at]);
            if self.at >= self.bytes.len() {
                let text = format!("Unclosed quotation mark after the character string '{text}'.");
                return Err(Failure { class: 15, ..Failure::new(105, text) });
            }
            self.at += 1;
            if self.byte(0) != end {
                return Ok(text);
            }
            text.push(char::from(end));
            self.at += 1;
        }
    }

    fn number(&mut self, start: usize) {
        if self.byte(0) == b'$' {
            self.at += 1;
        }
        self.skip(|byte| byte.is_ascii_digit());
        if self.byte(0) == b'.' {
            self.at += 1;
            self.skip(|byte| byte.is_ascii_digit());
        }
        let signed = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + signed).is_ascii_digit() {
            self.at += 1 + signed;
            self.skip(|byte| byte.is_ascii_digit());
        }
        let text = self.sql[start..self.at].to_owned();
        self.push(Kind::Number, text, start);
    }

    fn symbol(&mut self, start: usize) -> Result<(), Failure> {
        let two = self.sql.get(start..start + 2).unwrap_or_default();
        if matches!(two, "<=" | ">=" | "<>" | "!=" | "!<" | "!>" | "::" | "+=") {
            self.at += 2;
        } else {
            let char = self.sql[start..].chars().next().unwrap_or(' ');
            self.at += char.len_utf8();
            if char.is_whitespace() || char == '\u{feff}' {
                return Ok(());
            }
            if !"(),.;=<>+-*/%&|^~:".contains(char) {
                let text = format!("Incorrect syntax near '{char}'.");
                return Err(Failure { class: 15, ..Failure::new(102, text) });
            }
        }
        let text = self.sql[start..self.at].to_owned();
        self.push(Kind::Symbol, text, start);
        Ok(())
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'#' | b'@' | b'$') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unescaped_and_comments_fall_away() {
        let found =
            tokens("select [a]]b], N'it''s', 0x0A, -1.5e3, $2.5 -- c\n/* /* */ */ from \"x\"\"y\" <= @p")
                .unwrap();
        let found: Vec<(Kind, &str)> = found.iter().map(|token| (token.kind, token.text.as_str())).collect();
        let expected = [
            (Kind::Word, "select"),
            (Kind::Quoted, "a]b"),
            (Kind::Symbol, ","),
            (Kind::NationalText, "it's"),
            (Kind::Symbol, ","),
            (Kind::Binary, "0A"),
            (Kind::Symbol, ","),
            (Kind::Symbol, "-"),
            (Kind::Number, "1.5e3"),
            (Kind::Symbol, ","),
            (Kind::Number, "$2.5"),
            (Kind::Word, "from"),
            (Kind::Quoted, "x\"y"),
            (Kind::Symbol, "<="),
            (Kind::Variable, "@p"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        assert_eq!(tokens("select 'a").unwrap_err().number, 105);
        assert_eq!(tokens("/* a").unwrap_err().number, 113);
        assert_eq!(tokens("select ?").unwrap_err().number, 102);
    }
}

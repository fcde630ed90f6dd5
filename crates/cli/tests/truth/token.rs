//! T-SQL script text to tokens: just enough to read `create table` and `insert … values`.
//!
//! Invariant: the text inside a string, a quoted name or a comment is never taken for code, and
//! nothing is skipped silently: a character that starts no token is an error with its line.
//! `QUOTED_IDENTIFIER` is taken to be on, as the sample scripts have it where it matters.
//!
//! To extend: a new kind of literal is a variant of [`Kind`] and an arm in [`Lexer::next`].

/// A token and the line it starts on, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A name or key word without quotes, as spelled.
    Word(String),
    /// `[name]` or `"name"`, unquoted.
    Quoted(String),
    /// `'text'` or `N'text'`, unquoted.
    Text { value: String, national: bool },
    /// A number as spelled, without sign.
    Number(String),
    /// `$19.99` as spelled, without the currency sign.
    Money(String),
    /// `0x…`, decoded.
    Hex(Vec<u8>),
    /// Any other single character.
    Symbol(char),
    /// `GO` alone on its line.
    Go,
}

/// The text of a script file: UTF-16 with a byte order mark, or UTF-8 with or without one.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("the script ends in the middle of a UTF-16 unit".to_owned());
        }
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).map_err(|error| error.to_string())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).map_err(|error| error.to_string()),
        _ => String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string()),
    }
}

/// All tokens of a script, comments left out.
pub fn tokens(script: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { script, position: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    script: &'a str,
    position: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.script[self.position..]
    }

    /// Moves on by `bytes` and counts the lines passed.
    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
        self.position += bytes;
        taken
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        self.take(rest.find(|character| !keep(character)).unwrap_or(rest.len()))
    }

    fn skip_blanks_and_comments(&mut self) -> Result<(), String> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest().starts_with("--") {
                self.take_while(|character| character != '\n');
            } else if self.rest().starts_with("/*") {
                self.skip_block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Block comments nest in T-SQL ("Slash Star (Block Comment)" on Microsoft Learn).
    fn skip_block_comment(&mut self) -> Result<(), String> {
        let line = self.line;
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return Ok(());
                }
            } else {
                let next = rest.chars().next().ok_or(format!("line {line}: the comment has no end"))?;
                self.take(next.len_utf8());
            }
        }
    }

    fn next(&mut self) -> Result<Option<Token>, String> {
        self.skip_blanks_and_comments()?;
        let line = self.line;
        let rest = self.rest();
        let mut characters = rest.chars();
        let Some(first) = characters.next() else { return Ok(None) };
        let second = characters.next();
        let kind = match (first, second) {
            ('N' | 'n', Some('\'')) => {
                self.take(1);
                Kind::Text { value: self.quoted('\'')?, national: true }
            }
            ('\'', _) => Kind::Text { value: self.quoted('\'')?, national: false },
            ('"', _) => Kind::Quoted(self.quoted('"')?),
            ('[', _) => Kind::Quoted(self.quoted(']')?),
            ('0', Some('x' | 'X')) => {
                self.take(2);
                Kind::Hex(bytes_of(self.take_while(|c| c.is_ascii_hexdigit()), line)?)
            }
            ('$', Some('0'..='9')) => {
                self.take(1);
                Kind::Money(self.number())
            }
            ('0'..='9', _) | ('.', Some('0'..='9')) => Kind::Number(self.number()),
            _ if starts_word(first) => self.word_or_go(),
            _ if first.is_ascii_punctuation() => {
                self.take(1);
                Kind::Symbol(first)
            }
            _ => return Err(format!("line {line}: {first:?} starts no token")),
        };
        Ok(Some(Token { kind, line }))
    }

    /// The inside of a quoted thing that ends with `end`; a doubled end is the character itself.
    fn quoted(&mut self, end: char) -> Result<String, String> {
        let line = self.line;
        self.take(1);
        let mut inside = String::new();
        loop {
            inside.push_str(self.take_while(|character| character != end));
            if self.rest().is_empty() {
                return Err(format!("line {line}: the quote has no end"));
            }
            self.take(1);
            if !self.rest().starts_with(end) {
                return Ok(inside);
            }
            self.take(1);
            inside.push(end);
        }
    }

    /// Digits with a point and an exponent.
    fn number(&mut self) -> String {
        let mut number = self.take_while(|c| c.is_ascii_digit() || c == '.').to_owned();
        let after = self.rest().as_bytes();
        let signed = usize::from(matches!(after.get(1), Some(b'+' | b'-')));
        if matches!(after.first(), Some(b'e' | b'E')) && after.get(1 + signed).is_some_and(u8::is_ascii_digit)
        {
            number.push_str(self.take(1 + signed));
            number.push_str(self.take_while(|c| c.is_ascii_digit()));
        }
        number
    }

    fn word_or_go(&mut self) -> Kind {
        let before = &self.script[..self.position];
        let first_on_line = before[before.rfind('\n').map_or(0, |at| at + 1)..].trim().is_empty();
        let word = self.take_while(|c| starts_word(c) || c.is_ascii_digit());
        let rest = self.rest();
        let last_on_line = rest[..rest.find('\n').unwrap_or(rest.len())].trim().is_empty();
        if word.eq_ignore_ascii_case("go") && first_on_line && last_on_line {
            return Kind::Go;
        }
        Kind::Word(word.to_owned())
    }
}

fn starts_word(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '@' | '#' | '$')
}

/// The bytes of hexadecimal digits; an odd count has a leading zero, as in T-SQL.
fn bytes_of(digits: &str, line: usize) -> Result<Vec<u8>, String> {
    let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
    let (pairs, _) = even.as_bytes().as_chunks::<2>();
    pairs
        .iter()
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or(format!("line {line}: a binary literal has a digit that is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(script: &str) -> Vec<Kind> {
        tokens(script).expect("tokens").into_iter().map(|token| token.kind).collect()
    }

    fn text(value: &str, national: bool) -> Kind {
        Kind::Text { value: value.to_owned(), national }
    }

    #[test]
    fn every_kind_of_token_is_told_apart() {
        let check = |script: &str, expected: Vec<Kind>| assert_eq!(kinds(script), expected, "{script}");
        check("'O''Leary'", vec![text("O'Leary", false)]);
        check("N''''", vec![text("'", true)]);
        check("''", vec![text("", false)]);
        check(
            "[a]]b] \"Order Details\"",
            vec![Kind::Quoted("a]b".into()), Kind::Quoted("Order Details".into())],
        );
        check(
            "'-- no /* comment' -- one\n/* a /* b */ c */ 7",
            vec![text("-- no /* comment", false), Kind::Number("7".into())],
        );
        check("-14.50", vec![Kind::Symbol('-'), Kind::Number("14.50".into())]);
        check("1.5e-07 .5", vec![Kind::Number("1.5e-07".into()), Kind::Number(".5".into())]);
        check("$8000.00", vec![Kind::Money("8000.00".into())]);
        check("0x0AfF 0x1 0x", vec![Kind::Hex(vec![0x0a, 0xff]), Kind::Hex(vec![1]), Kind::Hex(vec![])]);
        check("@ret #t", vec![Kind::Word("@ret".into()), Kind::Word("#t".into())]);
        check("'two\nlines\nGO\n'", vec![text("two\nlines\nGO\n", false)]);
    }

    #[test]
    fn go_ends_a_batch_only_when_it_is_alone_on_its_line() {
        assert_eq!(kinds("Go\t\r\n"), vec![Kind::Go]);
        assert_eq!(kinds("  GO"), vec![Kind::Go]);
        assert_eq!(kinds("go on"), vec![Kind::Word("go".into()), Kind::Word("on".into())]);
        assert_eq!(kinds("[go]"), vec![Kind::Quoted("go".into())]);
    }

    #[test]
    fn an_open_quote_or_comment_names_its_line() {
        for script in ["\n'abc", "\n[abc", "\n/* abc /* */"] {
            let error = tokens(script).expect_err("it has no end");
            assert!(error.starts_with("line 2: "), "{error}");
        }
    }

    #[test]
    fn a_token_knows_its_line_after_strings_of_many_lines() {
        let lines: Vec<usize> =
            tokens("'a\nb'\n/* \n */ c\nGO").expect("tokens").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 4, 5]);
    }

    #[test]
    fn a_script_is_decoded_by_its_byte_order_mark() {
        assert_eq!(decode(b"\xff\xfeG\0O\0").expect("UTF-16LE"), "GO");
        assert_eq!(decode(b"\xfe\xff\0G\0O").expect("UTF-16BE"), "GO");
        assert_eq!(decode(b"\xef\xbb\xbfGO").expect("UTF-8 with a mark"), "GO");
        assert_eq!(decode("é".as_bytes()).expect("UTF-8"), "é");
        decode(b"caf\xe9").expect_err("a code page is not guessed");
        decode(b"\xff\xfeG").expect_err("half a unit");
    }
}

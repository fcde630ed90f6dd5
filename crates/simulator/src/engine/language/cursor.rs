//! A place in the tokens of a statement, and the small things that every statement is made of: names and types.

use super::lexer::{Kind, Token};
use crate::answer::Failure;
use mssql2pg_catalog::{ObjectName, SqlType};

/// A place in the tokens of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    sql: &'a str,
    tokens: &'a [Token],
    at: usize,
}

/// Where a type is named: that decides the length of `varchar` without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypePlace {
    /// In `cast` and `convert`: 30.
    Cast,
    /// In a declaration: 1.
    Declaration,
}

impl<'a> Cursor<'a> {
    /// At the first of these tokens of `sql`.
    pub(crate) fn new(sql: &'a str, tokens: &'a [Token]) -> Self {
        Self { sql, tokens, at: 0 }
    }

    /// The token here, if any is left.
    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    /// The token so many places on.
    pub(crate) fn peek_at(&self, offset: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + offset)
    }

    /// Takes the token here.
    pub(crate) fn advance(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at);
        self.at += usize::from(token.is_some());
        token
    }

    /// Whether nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Whether that keyword stands here.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is_word(word))
    }

    /// Whether that symbol stands here.
    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.peek().is_some_and(|token| token.is_symbol(symbol))
    }

    /// Whether these keywords stand here, one after the other.
    pub(crate) fn are_words(&self, words: &[&str]) -> bool {
        let mut places = words.iter().enumerate();
        places.all(|(place, word)| self.peek_at(place).is_some_and(|token| token.is_word(word)))
    }

    /// Takes that keyword if it stands here.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Takes these keywords if they stand here.
    pub(crate) fn eat_words(&mut self, words: &[&str]) -> bool {
        let found = self.are_words(words);
        self.at += if found { words.len() } else { 0 };
        found
    }

    /// Takes that symbol if it stands here.
    pub(crate) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// Takes that keyword.
    pub(crate) fn expect_word(&mut self, word: &str) -> Result<(), Failure> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes that symbol.
    pub(crate) fn expect_symbol(&mut self, symbol: &str) -> Result<(), Failure> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Nothing may be left.
    pub(crate) fn expect_end(&self) -> Result<(), Failure> {
        if self.is_at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Error 102 at this place.
    pub(crate) fn unexpected(&self) -> Failure {
        let near = self.peek().or(self.tokens.last()).map_or("", |token| token.text.as_str());
        Failure { class: 15, ..Failure::new(102, format!("Incorrect syntax near '{near}'.")) }
    }

    /// Takes a name of one part.
    pub(crate) fn name(&mut self) -> Result<String, Failure> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted) => {
                self.at += 1;
                Ok(token.text.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Takes a name of one to four parts; a part that is left out is empty.
    pub(crate) fn parts(&mut self) -> Result<Vec<String>, Failure> {
        let mut parts = vec![self.name()?];
        while self.eat_symbol(".") {
            parts.push(if self.is_symbol(".") { String::new() } else { self.name()? });
        }
        Ok(parts)
    }

    /// Takes the name of an object, with `dbo` where no schema is named.
    pub(crate) fn object_name(&mut self) -> Result<ObjectName, Failure> {
        Ok(object_of(&self.parts()?))
    }

    /// Takes a text in quotes.
    pub(crate) fn text(&mut self) -> Result<String, Failure> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Text | Kind::NationalText) => {
                self.at += 1;
                Ok(token.text.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Takes a whole number with its sign.
    pub(crate) fn integer(&mut self) -> Result<i128, Failure> {
        let negative = self.eat_symbol("-");
        if !negative {
            self.eat_symbol("+");
        }
        let number = self.peek().filter(|token| token.kind == Kind::Number);
        let number =
            number.and_then(|token| token.text.parse::<i128>().ok()).ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(if negative { -number } else { number })
    }

    /// Takes a parenthesis with all that stands in it, and gives it back as it was written, with its brackets.
    pub(crate) fn parenthesis(&mut self) -> Result<&'a str, Failure> {
        let start = self.at;
        self.skip_parenthesis()?;
        Ok(self.written(start, self.at))
    }

    /// Takes a parenthesis.
    pub(crate) fn skip_parenthesis(&mut self) -> Result<(), Failure> {
        self.expect_symbol("(")?;
        let mut depth = 1_u32;
        while depth > 0 {
            let token = self.advance().ok_or_else(|| self.unexpected())?;
            depth += u32::from(token.is_symbol("("));
            depth -= u32::from(token.is_symbol(")"));
        }
        Ok(())
    }

    /// What stands from here to the end, as it was written.
    pub(crate) fn rest(&self) -> &'a str {
        self.written(self.at, self.tokens.len())
    }

    /// How many tokens were taken.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// Goes back to a place.
    pub(crate) fn go_to(&mut self, place: usize) {
        self.at = place;
    }

    /// What stands from one place to another, as it was written.
    pub(crate) fn written(&self, from: usize, to: usize) -> &'a str {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) => self.sql.get(first.start..last.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// Takes a type; a type that is not the system's comes back with its name.
    pub(crate) fn data_type(&mut self, place: TypePlace) -> Result<(SqlType, Option<ObjectName>), Failure> {
        let parts = self.parts()?;
        let last = parts.last().cloned().unwrap_or_default();
        let system = match parts.as_slice() {
            [_] => true,
            [schema, _] => schema.eq_ignore_ascii_case("sys"),
            _ => false,
        };
        if last.eq_ignore_ascii_case("double") {
            self.eat_word("precision");
            return Ok((SqlType::Float, None));
        }
        let (mut arguments, mut max) = (Vec::new(), false);
        if self.eat_symbol("(") {
            while !self.eat_symbol(")") {
                match self.eat_word("max") {
                    true => max = true,
                    false => arguments.push(self.integer()?),
                }
                self.eat_symbol(",");
            }
        }
        let number = |index: usize| arguments.get(index).and_then(|number| u16::try_from(*number).ok());
        let byte = |index: usize| number(index).and_then(|number| u8::try_from(number).ok());
        let default = (place == TypePlace::Cast).then_some(30);
        let lower = last.to_ascii_lowercase();
        let (length, precision, scale) = match lower.as_str() {
            "time" | "datetime2" | "datetimeoffset" => (None, None, byte(0)),
            "decimal" | "numeric" | "dec" | "float" => (None, byte(0), byte(1)),
            _ => (number(0).or(default), None, None),
        };
        let found = SqlType::from_system(&lower, length, max, precision, scale).filter(|_| system);
        match found {
            Some(sql_type) if lower == "sysname" => Ok((sql_type, Some(ObjectName::new("sys", "sysname")))),
            Some(sql_type) => Ok((sql_type, None)),
            None => Ok((SqlType::Unknown { name: last }, Some(object_of(&parts)))),
        }
    }
}

/// The last two parts of a name, with `dbo` where no schema is named.
pub(crate) fn object_of(parts: &[String]) -> ObjectName {
    match parts {
        [.., schema, name] if !schema.is_empty() => ObjectName::new(schema, name),
        [.., name] => ObjectName::new("dbo", name),
        [] => ObjectName::default(),
    }
}

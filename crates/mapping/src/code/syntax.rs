//! Tokens as a tree: a Pratt parser for T-SQL's scalar expressions and conditions.
//!
//! Precedence as in "Operator Precedence (Transact-SQL)": `* / %`, then `+ - & ^ |`, then comparisons
//! and predicates, then NOT, AND, OR.
//!
//! To extend: a new form is one variant of [`Expr`] and one arm in [`Parser::operand`] or
//! [`Parser::predicate`]; a function needs nothing here.

use super::NotConverted;
use super::tokens::Token;
use mssql2pg_catalog::SqlType;

/// An expression or condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Null,
    Integer(String),
    Decimal(String),
    Float(String),
    Money(String),
    Text {
        value: String,
        unicode: bool,
    },
    Hex(String),
    /// One to four parts; the last is the column.
    Column(Vec<String>),
    Negate(Box<Expr>),
    BitNot(Box<Expr>),
    Arithmetic {
        operator: &'static str,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Compare {
        operator: &'static str,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        value: Box<Expr>,
        negated: bool,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    Like {
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Expr>>,
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// A call; the name in lower case, its schema in front with a point.
    Call {
        name: String,
        arguments: Vec<Expr>,
    },
    /// `CAST` and `CONVERT`.
    Convert {
        value: Box<Expr>,
        target: SqlType,
        style: Option<Box<Expr>>,
    },
    /// `NEXT VALUE FOR`.
    NextValue(Vec<String>),
}

impl Expr {
    /// Whether it is a literal, a sign before it included.
    pub(super) fn is_literal(&self) -> bool {
        match self {
            Self::Integer(_)
            | Self::Decimal(_)
            | Self::Float(_)
            | Self::Money(_)
            | Self::Text { .. }
            | Self::Hex(_) => true,
            Self::Negate(inner) => !matches!(**inner, Self::Text { .. } | Self::Hex(_)) && inner.is_literal(),
            _ => false,
        }
    }
}

/// Parses a whole text.
pub(super) fn parse(tokens: &[Token]) -> Result<Expr, NotConverted> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let tree = parser.expression(0)?;
    match parser.peek() {
        None => Ok(tree),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u32,
}

/// How deep brackets and functions may nest; each level costs a few frames of stack.
const DEEPEST: u32 = 100;
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const PREDICATE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const SIGN: u8 = 7;

type Parsed = Result<Expr, NotConverted>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.word_at(0, word);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Result<(), NotConverted> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), NotConverted> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Names key words and symbols only: literals may be data.
    fn unexpected(&self) -> NotConverted {
        NotConverted::new(match self.peek() {
            None => "the expression ends too early".to_owned(),
            Some(Token::Word(word)) => format!("it uses {}", word.to_uppercase()),
            Some(Token::Name(name)) => format!("the name {name} stands where it is not understood"),
            Some(Token::Symbol(symbol)) => format!("{symbol} stands where it is not understood"),
            Some(_) => "a literal stands where it is not understood".to_owned(),
        })
    }

    /// An expression whose operators bind at least as tight as `least`.
    fn expression(&mut self, least: u8) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(NotConverted::new(format!("it nests deeper than {DEEPEST} levels")));
        }
        let mut left = if least <= NOT && self.take_word("not") {
            Expr::Not(Box::new(self.expression(NOT)?))
        } else {
            self.operand()?
        };
        loop {
            let (next, more) = self.infix(left, least)?;
            left = next;
            if !more {
                self.depth -= 1;
                return Ok(left);
            }
        }
    }

    /// Takes one operator and its right side, if one that binds tight enough follows.
    fn infix(&mut self, left: Expr, least: u8) -> Result<(Expr, bool), NotConverted> {
        let symbol = match self.peek() {
            Some(Token::Symbol(symbol)) => *symbol,
            Some(Token::Word(_)) => return self.word_infix(left, least),
            _ => return Ok((left, false)),
        };
        let level = match symbol {
            "*" | "/" | "%" => PRODUCT,
            "+" | "-" | "&" | "|" | "^" => SUM,
            "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" | "!<" | "!>" => PREDICATE,
            _ => return Ok((left, false)),
        };
        if level < least {
            return Ok((left, false));
        }
        self.at += 1;
        let right = Box::new(self.expression(level + 1)?);
        let left = Box::new(left);
        let operator = match symbol {
            "!=" => "<>",
            "!<" => ">=",
            "!>" => "<=",
            other => other,
        };
        Ok((
            if level == PREDICATE {
                Expr::Compare { operator, left, right }
            } else {
                Expr::Arithmetic { operator, left, right }
            },
            true,
        ))
    }

    fn word_infix(&mut self, left: Expr, least: u8) -> Result<(Expr, bool), NotConverted> {
        if least <= OR && self.take_word("or") {
            // Chains are kept flat: a check with hundreds of alternatives must not become a deep tree.
            let mut list = match left {
                Expr::Or(list) => list,
                other => vec![other],
            };
            list.push(self.expression(AND)?);
            return Ok((Expr::Or(list), true));
        }
        if least <= AND && self.take_word("and") {
            let mut list = match left {
                Expr::And(list) => list,
                other => vec![other],
            };
            list.push(self.expression(NOT)?);
            return Ok((Expr::And(list), true));
        }
        if self.word_at(0, "collate") {
            return Err(NotConverted::new("it uses COLLATE"));
        }
        if least > PREDICATE {
            return Ok((left, false));
        }
        self.predicate(left)
    }

    /// `IS NULL`, `IN`, `BETWEEN`, `LIKE`, with NOT or without.
    fn predicate(&mut self, left: Expr) -> Result<(Expr, bool), NotConverted> {
        let value = Box::new(left);
        if self.take_word("is") {
            let negated = self.take_word("not");
            self.expect_word("null")?;
            return Ok((Expr::IsNull { value, negated }, true));
        }
        let negated =
            self.word_at(0, "not") && ["in", "between", "like"].iter().any(|word| self.word_at(1, word));
        self.at += usize::from(negated);
        if self.take_word("in") {
            self.expect_symbol("(")?;
            let list = self.list()?;
            return Ok((Expr::In { value, list, negated }, true));
        }
        if self.take_word("between") {
            let low = Box::new(self.expression(SUM)?);
            self.expect_word("and")?;
            let high = Box::new(self.expression(SUM)?);
            return Ok((Expr::Between { value, low, high, negated }, true));
        }
        if self.take_word("like") {
            let pattern = Box::new(self.expression(SUM)?);
            let escape = if self.take_word("escape") { Some(Box::new(self.expression(SUM)?)) } else { None };
            return Ok((Expr::Like { value, pattern, escape, negated }, true));
        }
        Ok((*value, false))
    }

    /// Expressions with commas between, and the closing bracket.
    fn list(&mut self) -> Result<Vec<Expr>, NotConverted> {
        let mut list = Vec::new();
        if self.take_symbol(")") {
            return Ok(list);
        }
        loop {
            list.push(self.expression(0)?);
            if self.take_symbol(")") {
                return Ok(list);
            }
            self.expect_symbol(",")?;
        }
    }

    fn operand(&mut self) -> Parsed {
        let Some(token) = self.peek().cloned() else { return Err(self.unexpected()) };
        match token {
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect_symbol(")")?;
                Ok(inner)
            }
            Token::Symbol("-") => {
                self.at += 1;
                Ok(Expr::Negate(Box::new(self.expression(SIGN)?)))
            }
            Token::Symbol("+") => {
                self.at += 1;
                self.expression(SIGN)
            }
            Token::Symbol("~") => {
                self.at += 1;
                Ok(Expr::BitNot(Box::new(self.expression(SIGN)?)))
            }
            Token::Symbol(_) => Err(self.unexpected()),
            Token::Integer(digits) => self.literal(Expr::Integer(digits)),
            Token::Decimal(digits) => self.literal(Expr::Decimal(digits)),
            Token::Float(digits) => self.literal(Expr::Float(digits)),
            Token::Money(digits) => self.literal(Expr::Money(digits)),
            Token::Hex(digits) => self.literal(Expr::Hex(digits)),
            Token::Text { value, unicode } => self.literal(Expr::Text { value, unicode }),
            Token::Word(word) => self.word(&word.to_ascii_lowercase()),
            Token::Name(_) => self.name(),
        }
    }

    fn literal(&mut self, literal: Expr) -> Parsed {
        self.at += 1;
        Ok(literal)
    }

    fn word(&mut self, word: &str) -> Parsed {
        match word {
            "null" => self.literal(Expr::Null),
            "case" => self.case(),
            "cast" | "convert" => self.convert(word),
            "next" => self.next_value(),
            // Functions that are called without brackets.
            "current_timestamp" | "current_user" | "session_user" | "system_user" | "user" => {
                self.literal(Expr::Call { name: word.to_owned(), arguments: Vec::new() })
            }
            "select" | "exists" => Err(NotConverted::new("it uses a subquery")),
            "try_cast" | "try_convert" | "parse" | "try_parse" | "and" | "or" | "in" | "like" | "between"
            | "is" | "from" | "when" | "then" | "else" | "end" | "any" | "all" | "some" | "contains"
            | "freetext" => Err(self.unexpected()),
            _ => self.name(),
        }
    }

    /// A column or a call. `LEFT` and `RIGHT` are key words of T-SQL and functions all the same.
    fn name(&mut self) -> Parsed {
        let parts = self.path()?;
        if !self.take_symbol("(") {
            return Ok(Expr::Column(parts));
        }
        let name = parts.join(".");
        let arguments = self.list()?;
        let lower = name.to_ascii_lowercase();
        Ok(Expr::Call { name: if parts.len() == 1 { lower } else { name }, arguments })
    }

    fn case(&mut self) -> Parsed {
        self.at += 1;
        let operand = if self.word_at(0, "when") { None } else { Some(Box::new(self.expression(0)?)) };
        let mut arms = Vec::new();
        while self.take_word("when") {
            let when = self.expression(0)?;
            self.expect_word("then")?;
            arms.push((when, self.expression(0)?));
        }
        let otherwise = if self.take_word("else") { Some(Box::new(self.expression(0)?)) } else { None };
        self.expect_word("end")?;
        if arms.is_empty() {
            return Err(NotConverted::new("a CASE has no WHEN"));
        }
        Ok(Expr::Case { operand, arms, otherwise })
    }

    fn convert(&mut self, word: &str) -> Parsed {
        self.at += 1;
        self.expect_symbol("(")?;
        if word == "cast" {
            let value = Box::new(self.expression(0)?);
            self.expect_word("as")?;
            let target = self.type_name()?;
            self.expect_symbol(")")?;
            return Ok(Expr::Convert { value, target, style: None });
        }
        let target = self.type_name()?;
        self.expect_symbol(",")?;
        let value = Box::new(self.expression(0)?);
        let style = if self.take_symbol(",") { Some(Box::new(self.expression(0)?)) } else { None };
        self.expect_symbol(")")?;
        Ok(Expr::Convert { value, target, style })
    }

    /// A system type. Where a length is left out, CAST and CONVERT take 30 for text and bytes.
    fn type_name(&mut self) -> Result<SqlType, NotConverted> {
        let parts = self.path()?;
        let name = match parts.as_slice() {
            [schema, name] if schema.eq_ignore_ascii_case("sys") => name.clone(),
            _ => parts.join("."),
        };
        let mut numbers: Vec<u16> = Vec::new();
        let mut max = false;
        if self.take_symbol("(") {
            loop {
                if self.take_word("max") {
                    max = true;
                } else if let Some(Token::Integer(digits)) = self.take() {
                    numbers
                        .push(digits.parse().map_err(|_| NotConverted::new("a type's length is too large"))?);
                } else {
                    self.at = self.at.saturating_sub(1);
                    return Err(self.unexpected());
                }
                if self.take_symbol(")") {
                    break;
                }
                self.expect_symbol(",")?;
            }
        }
        let small = |at: usize| numbers.get(at).and_then(|&number: &u16| u8::try_from(number).ok());
        let lower = name.to_ascii_lowercase();
        let (length, precision, scale) = match lower.as_str() {
            "decimal" | "numeric" | "dec" => (None, small(0), small(1)),
            "time" | "datetime2" | "datetimeoffset" => (None, None, small(0)),
            "float" => (None, small(0), None),
            _ => (Some(numbers.first().copied().unwrap_or(30)), None, None),
        };
        SqlType::from_system(&lower, length, max, precision, scale)
            .ok_or_else(|| NotConverted::new(format!("it converts to {name}, which is not a system type")))
    }

    /// One name or several with points between.
    fn path(&mut self) -> Result<Vec<String>, NotConverted> {
        let mut parts = Vec::new();
        loop {
            match self.peek().cloned() {
                Some(Token::Word(part) | Token::Name(part)) => parts.push(part),
                _ => return Err(self.unexpected()),
            }
            self.at += 1;
            if !self.take_symbol(".") {
                return Ok(parts);
            }
        }
    }

    fn next_value(&mut self) -> Parsed {
        self.at += 1;
        self.expect_word("value")?;
        self.expect_word("for")?;
        match self.name()? {
            Expr::Column(parts) => Ok(Expr::NextValue(parts)),
            _ => Err(self.unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokenize;
    use super::*;

    fn tree(text: &str) -> Expr {
        parse(&tokenize(text).unwrap()).unwrap()
    }

    #[test]
    fn operators_bind_as_in_t_sql() {
        let check = |left: &str, right: &str| assert_eq!(tree(left), tree(right), "{left}");
        check("a + b * c", "a + (b * c)");
        check("a - b - c", "(a - b) - c");
        check("a = 1 or b = 2 and not c = 3", "(a = 1) or ((b = 2) and (not (c = 3)))");
        check("a between 1 and 2 and b = 3", "(a between 1 and 2) and (b = 3)");
        check("a not in (1, 2) or b is not null", "(a not in (1, 2)) or (b is not null)");
        check("-a * b", "(-a) * b");
        check("((a))", "a");
        check("a !< b", "a >= b");
    }

    #[test]
    fn a_long_chain_stays_flat() {
        let text = vec!["a = 1"; 400].join(" or ");
        let Expr::Or(list) = tree(&text) else { panic!("a chain of OR") };
        assert_eq!(list.len(), 400);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let check = |text: &str, expected: &str| {
            let refused = tokenize(text).and_then(|tokens| parse(&tokens)).unwrap_err();
            assert_eq!(refused.reason, expected, "{text}");
        };
        check("(select 1)", "it uses a subquery");
        check("a collate Latin1_General_BIN = 'x'", "it uses COLLATE");
        check("try_convert(int, a)", "it uses TRY_CONVERT");
        check("a +", "the expression ends too early");
        check("a at time zone 'UTC'", "it uses AT");
        check("convert(dbo.Flag, a)", "it converts to dbo.Flag, which is not a system type");
        check("cast(a as Flag)", "it converts to Flag, which is not a system type");
        check("1 2", "a literal stands where it is not understood");
        check(&"(".repeat(1000), "it nests deeper than 100 levels");
    }
}

//! Where the statements of a batch begin and end: T-SQL needs no semicolon between them.
//!
//! A statement ends at a semicolon, or before a word that begins another one, unless the statement that it stands in
//! uses the word itself: `grant select`, `on delete cascade`, `alter table … drop`. To extend: [`goes_on`].

use super::lexer::Token;
use crate::answer::Failure;
use std::ops::Range;

/// A statement of a batch: places of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// A statement without statements in it.
    Simple(Range<usize>),
    /// `begin … end`.
    Block(Vec<Self>),
    /// `if … else …`.
    If { condition: Range<usize>, then: Box<Self>, otherwise: Option<Box<Self>> },
}

/// The words that begin a statement.
const STARTS: [&str; 32] = [
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "set",
    "if",
    "begin",
    "end",
    "else",
    "print",
    "declare",
    "exec",
    "execute",
    "use",
    "commit",
    "rollback",
    "save",
    "create",
    "drop",
    "alter",
    "dbcc",
    "truncate",
    "while",
    "return",
    "grant",
    "deny",
    "revoke",
    "checkpoint",
    "waitfor",
    "throw",
    "raiserror",
];

/// How deep blocks may stand in one another.
const MOST_DEPTH: u32 = 32;

/// The statements of a batch.
///
/// # Errors
/// 102 when a block does not end.
pub(crate) fn statements(tokens: &[Token]) -> Result<Vec<Statement>, Failure> {
    let mut at = 0;
    let found = list(tokens, &mut at, 0)?;
    match tokens.get(at) {
        Some(token) => Err(near(token)),
        None => Ok(found),
    }
}

fn near(token: &Token) -> Failure {
    Failure { class: 15, ..Failure::new(102, format!("Incorrect syntax near '{}'.", token.text)) }
}

fn list(tokens: &[Token], at: &mut usize, depth: u32) -> Result<Vec<Statement>, Failure> {
    let mut found = Vec::new();
    while let Some(token) = tokens.get(*at) {
        if token.is_symbol(";") {
            *at += 1;
        } else if token.is_word("end") || token.is_word("else") {
            break;
        } else {
            found.push(statement(tokens, at, depth)?);
        }
    }
    Ok(found)
}

fn statement(tokens: &[Token], at: &mut usize, depth: u32) -> Result<Statement, Failure> {
    let first = tokens.get(*at).ok_or_else(|| Failure::new(102, "Incorrect syntax."))?;
    if depth > MOST_DEPTH {
        return Err(near(first));
    }
    let next_is = |word: &str| tokens.get(*at + 1).is_some_and(|next| next.is_word(word));
    if first.is_word("begin") && !["tran", "transaction", "distributed"].iter().any(|word| next_is(word)) {
        *at += 1;
        let block = list(tokens, at, depth + 1)?;
        return match tokens.get(*at) {
            Some(token) if token.is_word("end") => {
                *at += 1;
                Ok(Statement::Block(block))
            }
            _ => Err(near(first)),
        };
    }
    if first.is_word("if") {
        let start = *at + 1;
        let condition = start..end(tokens, start);
        *at = condition.end;
        let then = Box::new(statement(tokens, at, depth + 1)?);
        while tokens.get(*at).is_some_and(|token| token.is_symbol(";")) {
            *at += 1;
        }
        let otherwise = match tokens.get(*at) {
            Some(token) if token.is_word("else") => {
                *at += 1;
                Some(Box::new(statement(tokens, at, depth + 1)?))
            }
            _ => None,
        };
        return Ok(Statement::If { condition, then, otherwise });
    }
    let range = *at..end(tokens, *at);
    *at = range.end;
    Ok(Statement::Simple(range))
}

/// Where what begins at `start` ends.
fn end(tokens: &[Token], start: usize) -> usize {
    if is_module(tokens, start) {
        return tokens.len();
    }
    let (mut brackets, mut cases) = (0_i32, 0_i32);
    for (place, token) in tokens.iter().enumerate().skip(start) {
        brackets += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if brackets > 0 {
            continue;
        }
        if token.is_symbol(";") {
            return place;
        }
        cases += i32::from(token.is_word("case"));
        if cases > 0 {
            cases -= i32::from(token.is_word("end"));
            continue;
        }
        let begins = STARTS.iter().any(|word| token.is_word(word));
        if place > start && begins && !goes_on(tokens, start, place) {
            return place;
        }
    }
    tokens.len()
}

/// A view, procedure, function or trigger goes to the end of its batch.
fn is_module(tokens: &[Token], start: usize) -> bool {
    let word =
        |offset: usize, word: &str| tokens.get(start + offset).is_some_and(|token| token.is_word(word));
    let kind = if word(1, "or") { 3 } else { 1 };
    (word(0, "create") || word(0, "alter"))
        && ["view", "procedure", "proc", "function", "trigger"].iter().any(|name| word(kind, name))
}

/// Whether the word at `place` belongs to the statement that begins at `start`.
fn goes_on(tokens: &[Token], start: usize, place: usize) -> bool {
    let (Some(first), Some(token)) = (tokens.get(start), tokens.get(place)) else { return false };
    let before = place.checked_sub(1).and_then(|before| tokens.get(before));
    let after = |words: &[&str]| before.is_some_and(|before| words.iter().any(|word| before.is_word(word)));
    let between = tokens.get(start + 1..place).unwrap_or_default();
    let seen = |words: &[&str]| between.iter().any(|token| words.iter().any(|word| token.is_word(word)));
    let is = |words: &[&str]| words.iter().any(|word| token.is_word(word));
    if is(&["select"]) && after(&["union", "all", "except", "intersect"]) {
        return true;
    }
    // `drop table if exists`.
    if first.is_word("drop")
        && is(&["if"])
        && tokens.get(place + 1).is_some_and(|next| next.is_word("exists"))
    {
        return true;
    }
    // `on delete set null`, `on update cascade`.
    if (is(&["delete", "update"]) && after(&["on"])) || (is(&["set"]) && after(&["delete", "update"])) {
        return true;
    }
    if first.is_word("insert") || first.is_word("with") {
        return is(&["select", "exec", "execute"]) && !seen(&["select", "values", "exec", "execute", "bulk"]);
    }
    if first.is_word("grant") || first.is_word("deny") || first.is_word("revoke") {
        return !seen(&["on", "to"]);
    }
    if first.is_word("alter") || first.is_word("update") {
        let name_only = between.iter().skip(1).all(|token| {
            use super::lexer::Kind;
            let plain = token.kind == Kind::Word
                && !["add", "column", "constraint", "set"].iter().any(|word| token.is_word(word));
            token.kind == Kind::Quoted || plain || token.is_symbol(".")
        });
        return is(&["drop", "alter", "set"]) && name_only;
    }
    // `declare @t table …` and `exec … ` take no such word; `create user … for login` neither.
    false
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    fn cut(sql: &str) -> Vec<String> {
        let tokens = tokens(sql).unwrap();
        let text =
            |range: &Range<usize>| sql[tokens[range.start].start..tokens[range.end - 1].end].to_owned();
        let shown = |statement: &Statement| match statement {
            Statement::Simple(range) => text(range),
            other => format!("{other:?}"),
        };
        statements(&tokens).unwrap().iter().map(shown).collect()
    }

    #[test]
    fn statements_end_without_semicolons() {
        let check = |sql: &str, expected: &[&str]| assert_eq!(cut(sql), expected);
        check(
            "set nocount on select 1 select 2; ; select 3",
            &["set nocount on", "select 1", "select 2", "select 3"],
        );
        check(
            "select case when 1 = 1 then 2 else 3 end union all select 4 use x",
            &["select case when 1 = 1 then 2 else 3 end union all select 4", "use x"],
        );
        check("begin tran commit tran", &["begin tran", "commit tran"]);
        check(
            "alter table t with check add constraint f foreign key (a) references r (b) on delete set null on update cascade alter table t drop constraint f",
            &[
                "alter table t with check add constraint f foreign key (a) references r (b) on delete set null on update cascade",
                "alter table t drop constraint f",
            ],
        );
        check(
            "insert into t (a) values (1) insert t select 2 select 3",
            &["insert into t (a) values (1)", "insert t select 2", "select 3"],
        );
        check("grant select, insert on t to u select 1", &["grant select, insert on t to u", "select 1"]);
        check("create view v as select 1; select 2", &["create view v as select 1; select 2"]);
    }

    #[test]
    fn blocks_and_conditions_stand_in_one_another() {
        let found =
            tokens("if exists (select 1) begin print 'a'; print 'b' end else print 'c' print 'd'").unwrap();
        let found = statements(&found).unwrap();
        let [Statement::If { then, otherwise: Some(otherwise), .. }, Statement::Simple(_)] = found.as_slice()
        else {
            panic!("{found:?}")
        };
        assert!(matches!(&**then, Statement::Block(block) if block.len() == 2));
        assert!(matches!(**otherwise, Statement::Simple(_)));
        assert!(statements(&tokens("begin print 'a'").unwrap()).is_err());
    }
}

//! Runs the statements of a batch, one after the other.
//!
//! To extend: an arm in [`simple`] by the statement's first words.

use super::failures::{severe, unsupported};
use super::language::cursor::{Cursor, TypePlace};
use super::language::lexer::{Kind, Token, tokens};
use super::language::statements::{Statement, statements};
use super::language::{expression, literal_expression};
use super::select::compile::{Compiler, Scope};
use super::select::evaluate::evaluate;
use super::session::{Isolation, Session};
use super::values::convert::convert;
use super::values::exact::Exact;
use super::values::owned::OwnedValue;
use super::values::text;
use super::{ddl, histogram, insert, query};
use crate::answer::{Answer, AnswerColumn, BatchParameter, Failure, Stopped};
use mssql2pg_catalog::{CodePage, RowSink, SqlType, Stop, Value};
use std::io;

/// How deep batches may run batches.
const MOST_DEPTH: u8 = 32;

/// Runs a batch.
///
/// # Errors
/// Those of the first statement that fails; what ran before it has been answered.
pub(super) fn run(session: &mut Session, sql: &str, answer: &mut dyn Answer) -> Result<(), Stopped> {
    nested(session, sql, answer, 0)
}

fn nested(session: &mut Session, sql: &str, answer: &mut dyn Answer, depth: u8) -> Result<(), Stopped> {
    if depth > MOST_DEPTH {
        let text = "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).";
        return Err(Failure::new(217, text).into());
    }
    let tokens = tokens(sql)?;
    let mut batch = Batch { session, sql, tokens: &tokens, answer, depth };
    for statement in &statements(&tokens)? {
        batch.run(statement)?;
    }
    Ok(())
}

struct Batch<'a> {
    session: &'a mut Session,
    sql: &'a str,
    tokens: &'a [Token],
    answer: &'a mut dyn Answer,
    depth: u8,
}

impl Batch<'_> {
    fn run(&mut self, statement: &Statement) -> Result<(), Stopped> {
        match statement {
            Statement::Block(block) => block.iter().try_for_each(|statement| self.run(statement)),
            Statement::If { condition, then, otherwise } => {
                let condition = self.tokens.get(condition.clone()).unwrap_or_default();
                match (self.holds(condition)?, otherwise) {
                    (true, _) => self.run(then),
                    (false, Some(otherwise)) => self.run(otherwise),
                    (false, None) => Ok(()),
                }
            }
            Statement::Simple(range) => {
                let tokens = self.tokens.get(range.clone()).unwrap_or_default();
                simple(self, tokens)
            }
        }
    }

    /// Whether the condition of an `if` is true: asked as a query of its own.
    fn holds(&mut self, condition: &[Token]) -> Result<bool, Stopped> {
        let text = Cursor::new(self.sql, condition).rest();
        let sql = format!("select case when {text} then 1 else 0 end as answer");
        let tokens = tokens(&sql)?;
        let mut told = Told { found: false };
        query::run(self.session, &sql, &tokens, &mut told)?;
        Ok(told.found)
    }
}

/// Keeps whether the one value of an answer is 1.
struct Told {
    found: bool,
}

impl Answer for Told {
    fn columns(&mut self, _columns: &[AnswerColumn]) -> io::Result<()> {
        Ok(())
    }
    fn rows(&mut self) -> &mut dyn RowSink {
        self
    }
    fn done(&mut self, _rows: Option<u64>) -> io::Result<()> {
        Ok(())
    }
    fn database(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }
    fn transaction(&mut self, _open: bool) -> io::Result<()> {
        Ok(())
    }
}

impl RowSink for Told {
    fn value(&mut self, value: Value<'_>) {
        self.found = value == Value::Int(1) || value == Value::Bit(true);
    }
    fn end_row(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

fn simple(batch: &mut Batch<'_>, tokens: &[Token]) -> Result<(), Stopped> {
    let mut cursor = Cursor::new(batch.sql, tokens);
    let Some(first) = cursor.advance() else { return Ok(()) };
    let word = if first.kind == Kind::Word { first.text.to_ascii_lowercase() } else { String::new() };
    match word.as_str() {
        "select" | "with" => return query::run(batch.session, batch.sql, tokens, batch.answer),
        "set" => set(batch.session, &mut cursor)?,
        "begin" => {
            batch.session.transactions += 1;
            if batch.session.transactions == 1 {
                batch.answer.transaction(true)?;
            }
        }
        "commit" | "rollback" => return end_transaction(batch, &mut cursor, word == "rollback"),
        "use" => {
            let name = cursor.name()?;
            let database = batch.session.open_database(&name)?;
            batch.session.enter(&database);
            batch.answer.database(&database.name)?;
        }
        "save" | "print" | "return" | "raiserror" | "checkpoint" => {}
        "declare" => declare(batch.session, &mut cursor)?,
        "exec" | "execute" => return execute(batch, cursor),
        "dbcc" => return histogram::run(batch.session, &mut cursor, batch.answer),
        "insert" => {
            let rows = insert::run(batch.session, &mut cursor)?;
            batch.answer.done(rows)?;
            return Ok(());
        }
        "create" | "alter" | "drop" | "truncate" | "grant" | "deny" => {
            ddl::run(batch.session, &word, first.start, batch.sql, cursor)?;
        }
        _ if word.starts_with("sp_") => return execute(batch, Cursor::new(batch.sql, tokens)),
        "update" | "delete" | "merge" | "while" | "waitfor" | "throw" => {
            return Err(unsupported(word).into());
        }
        _ => return Err(Cursor::new(batch.sql, tokens).unexpected().into()),
    }
    batch.answer.done(None)?;
    Ok(())
}

fn end_transaction(batch: &mut Batch<'_>, cursor: &mut Cursor<'_>, rolled_back: bool) -> Result<(), Stopped> {
    let _ = cursor.eat_word("transaction") || cursor.eat_word("tran") || cursor.eat_word("work");
    let session = &mut *batch.session;
    if session.transactions == 0 {
        let (number, name) = if rolled_back { (3903, "ROLLBACK") } else { (3902, "COMMIT") };
        let text = format!("The {name} TRANSACTION request has no corresponding BEGIN TRANSACTION.");
        return Err(Failure::new(number, text).into());
    }
    if rolled_back || session.transactions == 1 {
        session.end_transaction(rolled_back)?;
        batch.answer.transaction(false)?;
    } else {
        session.transactions -= 1;
    }
    batch.answer.done(None)?;
    Ok(())
}

fn set(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    if let Some(token) = cursor.peek().filter(|token| token.kind == Kind::Variable) {
        cursor.advance();
        cursor.expect_symbol("=")?;
        return assign(session, &token.text, cursor);
    }
    if cursor.eat_words(&["transaction", "isolation", "level"]) {
        if cursor.eat_words(&["read", "uncommitted"]) {
            return Err(unsupported("dirty reads are forbidden here (read uncommitted)"));
        }
        session.isolation = match cursor.eat_word("snapshot") {
            true => Isolation::Snapshot,
            false => Isolation::Committed,
        };
        return Ok(());
    }
    if cursor.eat_word("identity_insert") {
        let name = cursor.object_name()?;
        session.identity_insert = if cursor.eat_word("on") { Some(name) } else { None };
        return Ok(());
    }
    let option = cursor.name()?.to_ascii_lowercase();
    const KNOWN: [&str; 26] = [
        "textsize",
        "lock_timeout",
        "nocount",
        "ansi_nulls",
        "ansi_padding",
        "ansi_warnings",
        "ansi_defaults",
        "ansi_null_dflt_on",
        "ansi_null_dflt_off",
        "arithabort",
        "arithignore",
        "concat_null_yields_null",
        "quoted_identifier",
        "numeric_roundabort",
        "cursor_close_on_commit",
        "implicit_transactions",
        "fmtonly",
        "noexec",
        "parseonly",
        "xact_abort",
        "language",
        "dateformat",
        "datefirst",
        "rowcount",
        "deadlock_priority",
        "context_info",
    ];
    if KNOWN.contains(&option.as_str()) {
        return Ok(());
    }
    Err(severe(15, 195, format!("'{option}' is not a recognized SET option.")))
}

fn declare(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    loop {
        let token = cursor.advance().filter(|token| token.kind == Kind::Variable);
        let name = token.ok_or_else(|| cursor.unexpected())?.text.clone();
        cursor.eat_word("as");
        let (sql_type, _) = cursor.data_type(TypePlace::Declaration)?;
        session.parameters.retain(|known| !known.name.eq_ignore_ascii_case(&name));
        session.parameters.push(BatchParameter { name: name.clone(), sql_type, literal: "null".to_owned() });
        if cursor.eat_symbol("=") {
            assign(session, &name, cursor)?;
        }
        if !cursor.eat_symbol(",") {
            return Ok(());
        }
    }
}

/// Computes an expression without columns.
pub(super) fn compute(
    session: &mut Session,
    expression: &super::language::ast::Expression,
) -> Result<OwnedValue, Failure> {
    let scope = Scope { case_sensitive: session.case_sensitive(), ..Scope::default() };
    let typed = Compiler::plain(session, &scope).compile(expression)?;
    let none: Vec<OwnedValue> = Vec::new();
    Ok(evaluate(&typed.node, &none)?.into_owned())
}

fn assign(session: &mut Session, name: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let value = expression(cursor)?;
    let value = compute(session, &value)?;
    let Some(place) = session.parameters.iter().position(|known| known.name.eq_ignore_ascii_case(name))
    else {
        return Err(severe(15, 137, format!("Must declare the scalar variable \"{name}\".")));
    };
    let value = convert(value.cell(), &session.parameters[place].sql_type, CodePage(1252))?;
    session.parameters[place].literal = literal(&value);
    Ok(())
}

/// A value as text of T-SQL.
fn literal(value: &OwnedValue) -> String {
    let cell = value.cell();
    match cell.value {
        Value::Null => "null".to_owned(),
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("0x{digits}")
        }
        Value::Float(_)
        | Value::Real(_)
        | Value::Money(_)
        | Value::Int(_)
        | Value::Bit(_)
        | Value::Decimal { .. } => match Exact::of(&cell.value) {
            Some(exact) => exact.text(),
            None => format!(
                "{:e}",
                match cell.value {
                    Value::Real(number) => number.into(),
                    Value::Float(number) => number,
                    _ => 0.0,
                }
            ),
        },
        _ => {
            let long = SqlType::NVarChar { length: mssql2pg_catalog::Length::MAX };
            let written = convert(cell, &long, CodePage(1252)).unwrap_or(OwnedValue::Null);
            let written = text::string(&written.cell().value).unwrap_or_default();
            format!("N'{}'", written.replace('\'', "''"))
        }
    }
}

/// An argument of a procedure.
pub(super) struct Argument {
    /// With its `@`; none when it is given by its place.
    pub(super) name: Option<String>,
    /// As it was written.
    pub(super) text: String,
}

fn execute(batch: &mut Batch<'_>, mut cursor: Cursor<'_>) -> Result<(), Stopped> {
    if cursor.eat_symbol("(") {
        let text = expression(&mut cursor)?;
        let value = compute(batch.session, &text)?;
        let sql = text::string(&value.cell().value).unwrap_or_default();
        return nested(batch.session, &sql, batch.answer, batch.depth + 1);
    }
    let parts = cursor.parts()?;
    let name = parts.last().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    let arguments = arguments(&mut cursor)?;
    match name.as_str() {
        "sp_executesql" => return execute_sql(batch, &arguments),
        "sp_addextendedproperty" => ddl::add_property(batch.session, &arguments)?,
        "sp_sequence_get_range" => ddl::take_range(batch.session, &arguments)?,
        // They change nothing that anybody can see here.
        "sp_set_session_context" | "sp_tableoption" | "sp_reset_connection" | "sp_recompile" => {}
        _ => {
            let text = format!("Could not find stored procedure '{}'.", parts.join("."));
            return Err(Failure { state: 62, ..Failure::new(2812, text) }.into());
        }
    }
    batch.answer.done(None)?;
    Ok(())
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<Vec<Argument>, Failure> {
    let mut found = Vec::new();
    while !cursor.is_at_end() {
        let mut name = None;
        if cursor.peek_at(1).is_some_and(|next| next.is_symbol("=")) {
            name = cursor.advance().map(|token| token.text.clone());
            cursor.expect_symbol("=")?;
        }
        let start = cursor.place();
        // A name without quotes is a text here.
        expression(cursor)?;
        let text = cursor.written(start, cursor.place()).to_owned();
        let _ = cursor.eat_word("output") || cursor.eat_word("out");
        found.push(Argument { name, text });
        if !cursor.eat_symbol(",") {
            cursor.expect_end()?;
        }
    }
    Ok(found)
}

/// `sp_executesql`: the statement, the declarations of its parameters, and their values.
fn execute_sql(batch: &mut Batch<'_>, given: &[Argument]) -> Result<(), Stopped> {
    let computed = |session: &mut Session, argument: &Argument| -> Result<OwnedValue, Failure> {
        compute(session, &literal_expression(&argument.text)?)
    };
    let statement = given.first().map(|argument| computed(batch.session, argument)).transpose()?;
    let statement = statement.and_then(|value| text::string(&value.cell().value)).unwrap_or_default();
    let mut parameters = Vec::new();
    if let Some(declared) = given.get(1) {
        let declared = computed(batch.session, declared)?;
        let declared = text::string(&declared.cell().value).unwrap_or_default();
        let declared_tokens = tokens(&declared)?;
        let mut cursor = Cursor::new(&declared, &declared_tokens);
        while !cursor.is_at_end() {
            let name = cursor.advance().map(|token| token.text.clone()).unwrap_or_default();
            let (sql_type, _) = cursor.data_type(TypePlace::Declaration)?;
            let _ = cursor.eat_word("output") || cursor.eat_word("out");
            cursor.eat_symbol(",");
            let by_name = given.iter().find(|argument| {
                argument.name.as_ref().is_some_and(|given| given.eq_ignore_ascii_case(&name))
            });
            let by_place = given.get(2 + parameters.len()).filter(|argument| argument.name.is_none());
            let value = match by_name.or(by_place) {
                Some(argument) => literal(&computed(batch.session, argument)?),
                None => "null".to_owned(),
            };
            parameters.push(BatchParameter { name, sql_type, literal: value });
        }
    }
    let outer = std::mem::replace(&mut batch.session.parameters, parameters);
    let done = nested(batch.session, &statement, batch.answer, batch.depth + 1);
    batch.session.parameters = outer;
    done
}

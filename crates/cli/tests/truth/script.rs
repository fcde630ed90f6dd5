//! A T-SQL script's tables and the rows that its `insert … values` statements put into them.
//!
//! Invariant: every statement that changes rows is either understood or listed in
//! [`Script::not_followed`] with its line, so that a comparison cannot pass by overlooking one.
//! Batches that only define code (procedures, functions, views, triggers) change no rows.
//!
//! To extend: a new form of literal is an arm in [`Reader::literal`].

use crate::token::{Kind, Token, tokens};
use mssql2pg_catalog::SqlType;
use std::collections::BTreeMap;

/// What a script makes.
#[derive(Debug, Default)]
pub struct Script {
    /// Tables in the order of their `create table`.
    pub tables: Vec<ScriptTable>,
    /// Rows in the order of insertion.
    pub inserts: Vec<Insert>,
    /// Statements that change rows in a way this reader does not follow: `line 7: update`.
    pub not_followed: Vec<String>,
}

/// A `create table`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptTable {
    pub schema: String,
    pub name: String,
    pub columns: Vec<ScriptColumn>,
}

/// A column of a `create table`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptColumn {
    pub name: String,
    /// None for a computed column.
    pub sql_type: Option<SqlType>,
    /// Seed and increment.
    pub identity: Option<(i64, i64)>,
    /// The default, where it is written inside the `create table`.
    pub default: Option<Literal>,
}

/// One row of an `insert`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    pub line: usize,
    pub schema: String,
    pub table: String,
    /// The column list, if there is one.
    pub columns: Option<Vec<String>>,
    pub values: Vec<Literal>,
}

/// A value as the script writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Text(String),
    /// A number or an amount of money, with its sign.
    Number(String),
    Hex(Vec<u8>),
    /// A function whose result the script does not tell, in lower case: `getdate`, `newid`.
    Function(String),
    /// `DEFAULT` as a value.
    Default,
}

/// Reads a whole script.
pub fn read_script(text: &str) -> Result<Script, String> {
    let tokens = tokens(text)?;
    let mut script = Script::default();
    let mut aliases = BTreeMap::new();
    for batch in tokens.split(|token| token.kind == Kind::Go) {
        let reader = Reader { tokens: batch, position: 0 };
        if !reader.defines_code() {
            read_batch(reader, &mut script, &mut aliases)?;
        }
    }
    Ok(script)
}

/// Alias types by lower-case name.
type Aliases = BTreeMap<String, SqlType>;

fn read_batch(mut reader: Reader<'_>, script: &mut Script, aliases: &mut Aliases) -> Result<(), String> {
    let mut before = String::new();
    while let Some(token) = reader.peek() {
        let line = token.line;
        let word = reader.next_word();
        match word.as_str() {
            "create" if reader.accept("table") => script.tables.push(reader.table(aliases)?),
            "create" if reader.accept("type") => {
                let (_, name) = reader.object_name()?;
                if reader.accept("from") {
                    let sql_type = reader.sql_type(aliases)?;
                    aliases.insert(name.to_lowercase(), sql_type);
                }
            }
            "sp_addtype" => {
                let (name, sql_type) = reader.added_type(aliases)?;
                aliases.insert(name, sql_type);
            }
            // `on delete cascade` and `grant insert` are no statements of their own.
            "insert" if before != "grant" => reader.insert(line, script)?,
            "update" if reader.accept("statistics") => {}
            "update" | "delete" | "merge" | "truncate" | "writetext" | "updatetext" | "bulk"
                if before != "on" && before != "grant" =>
            {
                script.not_followed.push(format!("line {line}: {word}"));
            }
            _ => {}
        }
        before = word;
    }
    Ok(())
}

struct Reader<'a> {
    tokens: &'a [Token],
    position: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.position)
    }

    fn peek_kind(&self) -> Option<&'a Kind> {
        self.peek().map(|token| &token.kind)
    }

    /// The next token's word in lower case, empty if it is no word; moves on.
    fn next_word(&mut self) -> String {
        let word = match self.peek_kind() {
            Some(Kind::Word(word)) => word.to_lowercase(),
            _ => String::new(),
        };
        self.position += 1;
        word
    }

    /// Whether the next token is this key word; moves on if so.
    fn accept(&mut self, expected: &str) -> bool {
        let found = matches!(self.peek_kind(), Some(Kind::Word(word)) if word.eq_ignore_ascii_case(expected));
        self.position += usize::from(found);
        found
    }

    fn accept_symbol(&mut self, expected: char) -> bool {
        let found = self.peek_kind() == Some(&Kind::Symbol(expected));
        self.position += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, expected: char) -> Result<(), String> {
        if self.accept_symbol(expected) { Ok(()) } else { Err(self.unexpected(&format!("`{expected}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> String {
        match self.peek() {
            Some(token) => format!("line {}: {wanted} expected, found {:?}", token.line, token.kind),
            None => format!("{wanted} expected, but the batch ends"),
        }
    }

    /// `create view` and its like must be first in their batch.
    fn defines_code(&self) -> bool {
        let word = |at: usize| match self.tokens.get(at).map(|token| &token.kind) {
            Some(Kind::Word(word)) => word.to_lowercase(),
            _ => String::new(),
        };
        matches!(word(0).as_str(), "create" | "alter")
            && matches!(word(1).as_str(), "procedure" | "proc" | "function" | "view" | "trigger")
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek_kind() {
            Some(Kind::Word(name) | Kind::Quoted(name)) => {
                self.position += 1;
                Ok(name.clone())
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// `name`, `schema.name`; the schema is `dbo` if none is given.
    fn object_name(&mut self) -> Result<(String, String), String> {
        let first = self.name()?;
        if self.accept_symbol('.') { Ok((first, self.name()?)) } else { Ok(("dbo".to_owned(), first)) }
    }

    /// A type with its parameters. `xml(content collection)` is `xml`.
    fn sql_type(&mut self, aliases: &Aliases) -> Result<SqlType, String> {
        let (_, name) = self.object_name()?;
        let mut parameters = Vec::new();
        let mut max = false;
        if self.accept_symbol('(') {
            while !self.accept_symbol(')') {
                match self.peek_kind() {
                    Some(Kind::Number(number)) => {
                        parameters
                            .push(number.parse::<u16>().map_err(|_| self.unexpected("a small number"))?);
                    }
                    Some(Kind::Word(word)) if word.eq_ignore_ascii_case("max") => max = true,
                    Some(_) => {}
                    None => return Err(self.unexpected("`)`")),
                }
                self.position += 1;
            }
        }
        if let Some(sql_type) = aliases.get(&name.to_lowercase()) {
            return Ok(sql_type.clone());
        }
        let byte = |at: usize| parameters.get(at).and_then(|number| u8::try_from(*number).ok());
        let is_time = matches!(name.to_lowercase().as_str(), "time" | "datetime2" | "datetimeoffset");
        let (precision, scale) = if is_time { (None, byte(0)) } else { (byte(0), byte(1)) };
        SqlType::from_system(&name, parameters.first().copied(), max, precision, scale)
            .ok_or_else(|| self.unexpected(&format!("a type instead of {name}")))
    }

    /// `execute sp_addtype id, 'varchar(11)', 'NOT NULL'`, after its first word.
    fn added_type(&mut self, aliases: &Aliases) -> Result<(String, SqlType), String> {
        let name = self.name()?.to_lowercase();
        self.expect_symbol(',')?;
        let Some(Kind::Text { value, .. }) = self.peek_kind() else {
            return Err(self.unexpected("a type in quotes"));
        };
        self.position += 1;
        let inner = tokens(value)?;
        let sql_type = Reader { tokens: &inner, position: 0 }.sql_type(aliases)?;
        Ok((name, sql_type))
    }

    fn table(&mut self, aliases: &Aliases) -> Result<ScriptTable, String> {
        let (schema, name) = self.object_name()?;
        let mut columns = Vec::new();
        self.expect_symbol('(')?;
        loop {
            if self.at_table_constraint() {
                self.skip_item(|_, _| Ok(()))?;
            } else {
                columns.push(self.column(aliases)?);
            }
            if self.accept_symbol(')') {
                return Ok(ScriptTable { schema, name, columns });
            }
            self.expect_symbol(',')?;
        }
    }

    fn at_table_constraint(&self) -> bool {
        let Some(Kind::Word(word)) = self.peek_kind() else { return false };
        let word = word.to_lowercase();
        ["constraint", "primary", "unique", "foreign", "check"].contains(&word.as_str())
    }

    fn column(&mut self, aliases: &Aliases) -> Result<ScriptColumn, String> {
        let name = self.name()?;
        let mut column = ScriptColumn { name, sql_type: None, identity: None, default: None };
        if !self.accept("as") {
            column.sql_type = Some(self.sql_type(aliases)?);
        }
        self.skip_item(|reader, word| {
            match word {
                "identity" => column.identity = Some(reader.identity()?),
                "default" => column.default = Some(reader.literal()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(column)
    }

    /// Moves to the comma or parenthesis that ends the item, telling `on_word` the words outside
    /// of parentheses.
    fn skip_item(
        &mut self,
        mut on_word: impl FnMut(&mut Self, &str) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut depth = 0_usize;
        loop {
            match self.peek_kind() {
                Some(Kind::Symbol(',' | ')')) if depth == 0 => return Ok(()),
                Some(Kind::Symbol('(')) => depth += 1,
                Some(Kind::Symbol(')')) => depth -= 1,
                Some(Kind::Word(_)) if depth == 0 => {
                    let word = self.next_word();
                    on_word(self, &word)?;
                    continue;
                }
                Some(_) => {}
                None => return Err(self.unexpected("`)`")),
            }
            self.position += 1;
        }
    }

    /// `(seed, increment)`, or nothing for `(1, 1)`.
    fn identity(&mut self) -> Result<(i64, i64), String> {
        if !self.accept_symbol('(') {
            return Ok((1, 1));
        }
        let number = |literal| match literal {
            Literal::Number(number) => number.parse::<i64>().map_err(|error| error.to_string()),
            other => Err(format!("an identity of {other:?}")),
        };
        let seed = number(self.literal()?)?;
        self.expect_symbol(',')?;
        let increment = number(self.literal()?)?;
        self.expect_symbol(')')?;
        Ok((seed, increment))
    }

    /// `insert [into] table [(columns)] values (…)[, (…)]`, after its first word.
    fn insert(&mut self, line: usize, script: &mut Script) -> Result<(), String> {
        self.accept("into");
        let (schema, table) = self.object_name()?;
        let mut columns = None;
        if self.accept_symbol('(') {
            let mut names = vec![self.name()?];
            while self.accept_symbol(',') {
                names.push(self.name()?);
            }
            self.expect_symbol(')')?;
            columns = Some(names);
        }
        if !self.accept("values") {
            let word = self.next_word();
            script.not_followed.push(format!("line {line}: insert {schema}.{table} {word}"));
            return Ok(());
        }
        loop {
            self.expect_symbol('(')?;
            let mut values = vec![self.literal()?];
            while self.accept_symbol(',') {
                values.push(self.literal()?);
            }
            self.expect_symbol(')')?;
            let (schema, table, columns) = (schema.clone(), table.clone(), columns.clone());
            script.inserts.push(Insert { line, schema, table, columns, values });
            if !self.accept_symbol(',') {
                return Ok(());
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, String> {
        if self.accept_symbol('(') {
            let inner = self.literal()?;
            self.expect_symbol(')')?;
            return Ok(inner);
        }
        let negative = self.accept_symbol('-');
        let Some(kind) = self.peek_kind() else { return Err(self.unexpected("a value")) };
        let signed = |digits: &str| Literal::Number(format!("{}{digits}", if negative { "-" } else { "" }));
        let literal = match kind {
            Kind::Number(digits) | Kind::Money(digits) => signed(digits),
            _ if negative => return Err(self.unexpected("a number")),
            Kind::Text { value, .. } => Literal::Text(value.clone()),
            Kind::Hex(bytes) => Literal::Hex(bytes.clone()),
            Kind::Word(word) => return self.literal_word(&word.to_lowercase()),
            _ => return Err(self.unexpected("a value")),
        };
        self.position += 1;
        Ok(literal)
    }

    fn literal_word(&mut self, word: &str) -> Result<Literal, String> {
        match word {
            "null" => {
                self.position += 1;
                Ok(Literal::Null)
            }
            "default" => {
                self.position += 1;
                Ok(Literal::Default)
            }
            "cast" => {
                self.position += 1;
                self.cast()
            }
            "getdate" | "newid" | "sysdatetime" => {
                self.position += 1;
                self.expect_symbol('(')?;
                self.expect_symbol(')')?;
                Ok(Literal::Function(word.to_owned()))
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    /// `(literal as type)`. The column's own type decides the value's form afterwards; only a
    /// `datetime` made of bytes means something else as a cast.
    fn cast(&mut self) -> Result<Literal, String> {
        self.expect_symbol('(')?;
        let literal = self.literal()?;
        if !self.accept("as") {
            return Err(self.unexpected("`as`"));
        }
        let sql_type = self.sql_type(&Aliases::new())?;
        self.expect_symbol(')')?;
        match (literal, sql_type) {
            (Literal::Hex(bytes), SqlType::DateTime) => {
                crate::expected::datetime_of_bytes(&bytes).map(Literal::Text)
            }
            (literal @ (Literal::Text(_) | Literal::Null), SqlType::DateTime | SqlType::DateTime2 { .. })
            | (literal @ (Literal::Number(_) | Literal::Null), SqlType::Decimal { .. }) => Ok(literal),
            (literal, sql_type) => {
                Err(self.unexpected(&format!("another cast than {literal:?} as {sql_type}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str) -> Literal {
        Literal::Number(digits.to_owned())
    }

    fn text(value: &str) -> Literal {
        Literal::Text(value.to_owned())
    }

    #[test]
    fn a_table_is_read_with_types_identity_defaults_and_computed_columns() {
        let script = read_script(
            "execute sp_addtype tid, 'varchar(6)', 'NOT NULL'
             GO
             CREATE TYPE [dbo].[Name] FROM [nvarchar](50) NULL
             GO
             CREATE TABLE \"Order Details\" (
               [id] \"int\" IDENTITY (5, -2) NOT NULL, a tid PRIMARY KEY CHECK (a in ('x', 'y')),
               [b] [dbo].[Name] NULL DEFAULT ('UNDECIDED'), c dec(4,2) DEFAULT -1.5,
               d AS (isnull([c],(0))), e datetime DEFAULT (getdate()), f [varbinary](max), g datetime2,
               CONSTRAINT k UNIQUE (a, b)
             ) ON [PRIMARY]",
        )
        .expect("a script");
        let columns = &script.tables[0].columns;
        let types: Vec<String> =
            columns.iter().map(|c| c.sql_type.as_ref().map_or("-".into(), ToString::to_string)).collect();
        assert_eq!(script.tables[0].name, "Order Details");
        assert_eq!(
            types,
            [
                "int",
                "varchar(6)",
                "nvarchar(50)",
                "decimal(4,2)",
                "-",
                "datetime",
                "varbinary(max)",
                "datetime2(7)"
            ]
        );
        assert_eq!(columns[0].identity, Some((5, -2)));
        assert_eq!(columns[2].default, Some(text("UNDECIDED")));
        assert_eq!(columns[3].default, Some(number("-1.5")));
        assert_eq!(columns[5].default, Some(Literal::Function("getdate".into())));
    }

    #[test]
    fn every_form_of_insert_gives_its_rows() {
        let script = read_script(
            "insert authors values('O''Leary', $20.00, -3, 0xFF00, NULL, DEFAULT)
             INSERT INTO [SalesLT].[Product] ([Id], \"Weight\") VALUES
               (1, CAST(1016.04 AS Decimal(8, 2))), ((2), CAST(N'2005-08-01T00:00:00.000' AS DateTime))
             Insert Region (a) Values (CAST(0x0000901A00000000 AS DateTime)) insert r values (getdate())",
        )
        .expect("a script");
        let values: Vec<Vec<Literal>> = script.inserts.iter().map(|insert| insert.values.clone()).collect();
        let first = vec![
            text("O'Leary"),
            number("20.00"),
            number("-3"),
            Literal::Hex(vec![255, 0]),
            Literal::Null,
            Literal::Default,
        ];
        assert_eq!(values[0], first);
        assert_eq!(values[1], [number("1"), number("1016.04")]);
        assert_eq!(values[2], [number("2"), text("2005-08-01T00:00:00.000")]);
        assert_eq!(values[3], [text("2001-01-01 00:00:00")]);
        assert_eq!(values[4], [Literal::Function("getdate".into())]);
        assert_eq!(script.inserts[1].schema, "SalesLT");
        assert_eq!(script.inserts[2].columns, Some(vec!["Id".to_owned(), "Weight".to_owned()]));
        assert_eq!(script.inserts[0].columns, None);
        assert!(script.not_followed.is_empty());
    }

    #[test]
    fn a_statement_that_is_not_followed_is_named() {
        let script = read_script(
            "insert t select 1\nupdate t set a = 1\nupdate statistics t\ndelete t\n\
             alter table t add foreign key (a) references u (a) on delete cascade\nGO\n\
             create trigger x on t for insert, update as insert u select * from inserted delete u\nGO\n",
        )
        .expect("a script");
        assert_eq!(script.not_followed, ["line 1: insert dbo.t select", "line 2: update", "line 4: delete"]);
    }

    #[test]
    fn a_value_that_is_no_literal_is_an_error_with_its_line() {
        for script in ["insert t values (@x)", "insert t values (rand())", "insert t values (1 + 1)"] {
            let error = read_script(script).expect_err("not a literal");
            assert!(error.starts_with("line 1: "), "{error}");
        }
    }
}

//! An engine that knows a few texts by heart.

use crate::answer::{Answer, AnswerColumn, BatchParameter, Failure, Stopped};
use crate::conversation::{Conversation, Engine, LoginRequest};
use crate::database::{Database, Rows};
use crate::wire::link::invalid;
use mssql2pg_catalog::{Catalog, Length, RowSink, SqlType, Stop, Table, Value};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

/// A result by the batch that asks for it.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) results: HashMap<String, (Vec<AnswerColumn>, Vec<Vec<Value<'static>>>)>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

/// What came to the engine.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) parameters: Vec<Vec<BatchParameter>>,
    pub(crate) bulk_columns: Vec<AnswerColumn>,
    pub(crate) bulk_rows: Vec<String>,
    pub(crate) logins: usize,
}

pub(crate) fn column(name: &str, sql_type: SqlType, nullable: bool) -> AnswerColumn {
    AnswerColumn { name: name.to_owned(), sql_type, nullable, collation: None }
}

struct NoRows;

impl Rows for NoRows {
    fn read(&self, _table: &Table, _rows: &mut dyn RowSink) {}
}

pub(crate) fn database() -> Database {
    Database { catalog: Catalog::default(), rows: Arc::new(NoRows) }
}

struct Talk {
    results: HashMap<String, (Vec<AnswerColumn>, Vec<Vec<Value<'static>>>)>,
    seen: Arc<Mutex<Seen>>,
    database: String,
    bulk: bool,
}

impl Engine for Fake {
    fn log_in(&self, request: &LoginRequest) -> Result<Box<dyn Conversation>, Failure> {
        let refused = |number, text: &str| Failure { number, state: 1, class: 14, text: text.to_owned() };
        let is_known = match request.by_token {
            true => request.secret == "the token",
            false => request.user == "sa" && request.secret == "Pass@word1",
        };
        if !is_known {
            return Err(refused(18456, "Login failed for user."));
        }
        if request.database == "missing" {
            return Err(refused(4060, "Cannot open database \"missing\" requested by the login."));
        }
        self.seen.lock().unwrap().logins += 1;
        Ok(Box::new(Talk {
            results: self.results.clone(),
            seen: Arc::clone(&self.seen),
            database: if request.database.is_empty() {
                "master".to_owned()
            } else {
                request.database.clone()
            },
            bulk: false,
        }))
    }
}

impl Conversation for Talk {
    fn database(&self) -> &str {
        &self.database
    }

    fn collation(&self) -> &str {
        "SQL_Latin1_General_CP1_CI_AS"
    }

    fn batch(
        &mut self,
        sql: &str,
        parameters: &[BatchParameter],
        answer: &mut dyn Answer,
    ) -> Result<(), Stopped> {
        let sql = sql.trim();
        self.seen.lock().unwrap().parameters.push(parameters.to_vec());
        let text = SqlType::NVarChar { length: Length::MAX };
        if let Some((columns, rows)) = self.results.get(sql) {
            answer.columns(columns)?;
            for row in rows {
                row.iter().for_each(|value| answer.rows().value(*value));
                if answer.rows().end_row() == Err(Stop) {
                    return Err(Stopped::Client(invalid("stopped")));
                }
            }
            return Ok(answer.done(Some(rows.len() as u64))?);
        }
        let lower = sql.to_ascii_lowercase();
        let word = lower.split([' ', ';', '(']).next().unwrap_or_default();
        match word {
            "endless" => {
                answer.columns(&[column("number", SqlType::BigInt, false), column("text", text, true)])?;
                for number in 0.. {
                    answer.rows().value(Value::Int(number));
                    answer.rows().value(Value::Utf8(b"some words to fill the row with"));
                    if answer.rows().end_row() == Err(Stop) {
                        return Err(Stopped::Client(io::ErrorKind::Interrupted.into()));
                    }
                }
            }
            "slow" => {
                answer.columns(&[column("number", SqlType::BigInt, false)])?;
                for number in 0..1000 {
                    std::thread::sleep(std::time::Duration::from_millis(30));
                    answer.rows().value(Value::Int(number));
                    if answer.rows().end_row() == Err(Stop) {
                        return Err(Stopped::Client(io::ErrorKind::Interrupted.into()));
                    }
                }
            }
            "encoded" => {
                answer.columns(&[column("n", SqlType::Int, false), column("m", SqlType::Int, false)])?;
                for _ in 0..100_000 {
                    answer.rows().value(Value::Int(1));
                    answer.rows().value(Value::Int(2));
                    if answer.rows().end_row() == Err(Stop) {
                        return Err(Stopped::Client(io::ErrorKind::Interrupted.into()));
                    }
                }
                answer.done(Some(100_000))?;
            }
            "fail" => return Err(Failure::new(208, "Invalid object name 'nothing'.").into()),
            "midway" => {
                answer.columns(&[column("number", SqlType::Int, true)])?;
                answer.rows().value(Value::Int(1));
                let _ = answer.rows().end_row();
                return Err(Failure::new(1205, "Transaction was deadlocked.").into());
            }
            "use" => {
                self.database = sql[4..].to_owned();
                answer.database(&self.database)?;
                answer.done(None)?;
            }
            "begin" => {
                answer.transaction(true)?;
                answer.done(None)?;
            }
            "commit" | "rollback" => {
                answer.transaction(false)?;
                answer.done(None)?;
            }
            "insert" => {
                self.bulk = true;
                answer.done(None)?;
            }
            "echo" => {
                answer.columns(&[column("name", text.clone(), true), column("literal", text, true)])?;
                for parameter in parameters {
                    answer.rows().value(Value::Utf8(parameter.name.as_bytes()));
                    answer.rows().value(Value::Utf8(parameter.literal.as_bytes()));
                    let _ = answer.rows().end_row();
                }
                answer.done(Some(parameters.len() as u64))?;
            }
            _ => answer.done(None)?,
        }
        Ok(())
    }

    fn bulk_rows(&mut self, columns: &[AnswerColumn]) -> Result<Box<dyn RowSink + '_>, Failure> {
        if !std::mem::take(&mut self.bulk) {
            return Err(Failure::new(4891, "no bulk load was announced"));
        }
        self.seen.lock().unwrap().bulk_columns = columns.to_vec();
        Ok(Box::new(Kept { seen: Arc::clone(&self.seen), row: Vec::new() }))
    }

    fn end_bulk(&mut self) -> Result<u64, Failure> {
        Ok(self.seen.lock().unwrap().bulk_rows.len() as u64)
    }
}

struct Kept {
    seen: Arc<Mutex<Seen>>,
    row: Vec<String>,
}

impl RowSink for Kept {
    fn value(&mut self, value: Value<'_>) {
        self.row.push(match value {
            Value::Utf16(bytes) => format!("N{:?}", crate::wire::pages::decode_utf16(bytes).unwrap()),
            other => format!("{other:?}"),
        });
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.seen.lock().unwrap().bulk_rows.push(self.row.join(" | "));
        self.row.clear();
        Ok(())
    }
}

//! Writing into a running server: statements, and rows by bulk load. For the generator and for tests; a migration only
//! reads.
//!
//! Invariant: no table is written that [`LiveWriter::load`] was not told of; memory does not grow with the rows, for the
//! blocks between their maker and the connection are few.

mod row;

use super::address::Address;
use super::connect::Session;
use super::failure::{self, Doing};
use super::select::UNTOLD_PAGE;
use super::{Pages, quote};
use crate::{ErrorKind, SourceError};
use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow, ColumnMapping};
use mssql_tds::core::TdsResult;
use mssql_tds::datatypes::bulk_copy_metadata::{BulkCopyColumnMetadata, SqlDbType};
use mssql_tds::error::Error as TdsError;
use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
use mssql2pg_catalog::{Column, ObjectName, RowSink, Stop, Table};
use row::{Block, Piece, RowEncoder, WireForm};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const DATABASE: &str = include_str!("queries/database.sql");
const OBJECTS: &str = include_str!("queries/objects.sql");

/// What tables with computed columns and filtered indexes ask of every session that makes or fills them
/// ("SET Options When Using the Filtered Index" on Microsoft Learn); a client may have others by default.
const SESSION: &str = "set ansi_nulls on; set ansi_padding on; set ansi_warnings on; set arithabort on; \
                       set concat_null_yields_null on; set quoted_identifier on; set numeric_roundabort off;";
/// Blocks that may wait for the connection.
const BLOCKS_AHEAD: usize = 4;
/// Rows that the server commits together: enough that commits do not count, few enough for its log.
const ROWS_PER_COMMIT: usize = 100_000;

/// A session that writes.
#[derive(Debug)]
pub struct LiveWriter {
    session: Session,
    location: String,
    database: String,
    collation: String,
}

/// Something of the user's in the database, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerObject {
    /// What it is: `sys.objects.type` without blanks (`U`, `V`, `P`, `FN`, `SO`), or `type`, `schema`, `principal`.
    pub kind: String,
    /// Its name; no schema for schemas and principals.
    pub name: ObjectName,
}

impl LiveWriter {
    /// Connects to the database at `location`.
    ///
    /// # Errors
    /// Each layer that may fail has its own kind; see [`ErrorKind`].
    pub fn open(location: &str) -> Result<Self, SourceError> {
        let address = Address::parse(location)?;
        let mut session = Session::open(&address)?;
        session.run("set the session's options", SESSION)?;
        let answer = session.ask("ask what the database is", DATABASE)?;
        let row = answer.first().ok_or_else(|| failure::answer("the server does not say what it is"))?;
        let (database, collation) = (row.name("database_name")?, row.name("collation_name")?);
        Ok(Self { session, location: address.shown(), database, collation })
    }

    /// Where it writes, without a password.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The database's collation.
    pub fn collation(&self) -> &str {
        &self.collation
    }

    /// Runs statements and throws away what they answer.
    ///
    /// # Errors
    /// `Query` and its more telling kinds; `doing` is the context: `create the table dbo.Orders`.
    pub fn run(&mut self, doing: &str, sql: &str) -> Result<(), SourceError> {
        self.session.run(doing, sql)
    }

    /// What there is already, as far as the login may see it.
    ///
    /// # Errors
    /// As [`LiveWriter::run`].
    pub fn objects(&mut self) -> Result<Vec<ServerObject>, SourceError> {
        let answer = self.session.ask("ask what is in the database", OBJECTS)?;
        let object = |row: super::cells::AnswerRow<'_>| {
            let name = ObjectName::new(row.name("schema_name")?, row.name("object_name")?);
            Ok(ServerObject { kind: row.name("kind")?, name })
        };
        answer.rows().map(object).collect()
    }

    /// Bulk-loads rows into a table that is there; returns how many. `produce` pushes them, one value for each of
    /// [`Table::stored_columns`]; it stops when the sink says so, and says [`Stop`] itself when it cannot go on.
    ///
    /// Identity values and NULLs are kept as they are pushed; values of `rowversion` columns are made by the server.
    /// Checks, foreign keys and triggers do not see the rows. The table is locked. Rows are committed by the hundred
    /// thousand: when it fails, the commits before stay, and the session may be lost with it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a type that is not written yet or a value that does not fit, else as
    /// [`LiveWriter::run`].
    pub fn load(
        &mut self,
        table: &Table,
        produce: &mut dyn FnMut(&mut dyn RowSink) -> Result<(), Stop>,
    ) -> Result<u64, SourceError> {
        let doing = format!("load {}", table.name);
        let refused =
            |what: String| SourceError::new(ErrorKind::Unsupported, format!("cannot {doing}: {what}"));
        let (out, pieces) = sync_channel(BLOCKS_AHEAD);
        let columns = sent_columns(table).map_err(refused)?;
        let pages = Pages::ask(&mut self.session)?;
        let page_of = |column: &Column| {
            let collation = column.collation.as_ref().unwrap_or(&self.collation);
            pages.by_collation.get(collation).copied().filter(|page| *page != 0).unwrap_or(UNTOLD_PAGE)
        };
        let mut encoder = RowEncoder::new(table, &page_of, out).map_err(refused)?;
        let session = &mut self.session;
        let (sent, produced) = std::thread::scope(|scope| {
            let sender = scope.spawn(|| send(session, table, &columns, pieces));
            let produced = produce(&mut encoder);
            let produced = match (encoder.trouble(), produced) {
                (None, Ok(())) => encoder.finish(),
                (trouble, _) => {
                    // This is how the other side learns that no more is coming: without it, it would wait for ever.
                    drop(encoder);
                    Err(trouble.unwrap_or_else(|| "its rows were stopped".to_owned()))
                }
            };
            (sender.join(), produced)
        });
        let sent = sent.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match (sent, produced) {
            (Ok(rows), Ok(())) => Ok(rows),
            // What the server says stopped the rows, and not the other way round.
            (Err(error), _) if !is_broken(&error) => Err(failure::on_query(Doing(&doing), error)),
            (_, Err(trouble)) => Err(refused(trouble)),
            (Err(error), Ok(())) => Err(failure::on_query(Doing(&doing), error)),
        }
    }
}

/// Why a load ends whose rows do not.
const BROKEN: &str = "the rows end too early";

fn is_broken(error: &TdsError) -> bool {
    matches!(error, TdsError::UsageError(text) if text == BROKEN)
}

fn send(
    session: &mut Session,
    table: &Table,
    columns: &[SentColumn],
    pieces: Receiver<Piece>,
) -> TdsResult<u64> {
    let rows = Rows { pieces, columns: columns.len(), block: Arc::default(), next: 0, over: false };
    let name = format!("{}.{}", quote(&table.name.schema), quote(&table.name.name));
    let Session { runtime, client, .. } = session;
    runtime.block_on(async {
        let mut load = BulkCopy::new(client, name)
            .batch_size(ROWS_PER_COMMIT)
            .timeout(Duration::ZERO)
            .keep_identity(true)
            .keep_nulls(true)
            .check_constraints(false)
            .fire_triggers(false)
            .table_lock(true);
        for (place, column) in columns.iter().enumerate() {
            load = load.add_column_mapping(ColumnMapping::by_ordinal(place, column.name.clone()));
        }
        check_columns(columns, &load.retrieve_destination_metadata().await?)?;
        load.write_to_server_zerocopy(rows).await.map(|done| done.rows_affected)
    })
}

/// A column whose values are sent.
#[derive(Debug)]
struct SentColumn {
    name: String,
    form: WireForm,
}

/// The columns whose values are sent: all but those whose values the server makes.
fn sent_columns(table: &Table) -> Result<Vec<SentColumn>, String> {
    let sent = |column: &Column| match WireForm::of(column) {
        Ok(form) => form.map(|form| Ok(SentColumn { name: column.name.clone(), form })),
        Err(reason) => Some(Err(format!("{}: {reason}", column.name))),
    };
    table.stored_columns().filter_map(sent).collect()
}

/// The client sends what the server says of its columns, and the values stand ready as we know them: both must agree.
fn check_columns(columns: &[SentColumn], found: &[BulkCopyColumnMetadata]) -> TdsResult<()> {
    let differs =
        |name: &str| Err(TdsError::UsageError(format!("the server's column {name} is another one")));
    let is_ours = |name: &str| columns.iter().any(|column| column.name == name);
    let mut found = found.iter().filter(|found| is_ours(&found.column_name));
    for SentColumn { name, form } in columns {
        match found.next() {
            Some(found) if found.column_name == *name && fits(*form, found) => {}
            _ => return differs(name),
        }
    }
    Ok(())
}

fn fits(form: WireForm, found: &BulkCopyColumnMetadata) -> bool {
    let is_long = found.is_plp();
    match (form, found.sql_type) {
        (WireForm::Bit, SqlDbType::Bit)
        | (WireForm::Int(1), SqlDbType::TinyInt)
        | (WireForm::Int(2), SqlDbType::SmallInt)
        | (WireForm::Int(4), SqlDbType::Int)
        | (WireForm::Int(8), SqlDbType::BigInt)
        | (WireForm::Float(4), SqlDbType::Real)
        | (WireForm::Float(8), SqlDbType::Float)
        | (WireForm::Money(4), SqlDbType::SmallMoney)
        | (WireForm::Money(8), SqlDbType::Money)
        | (WireForm::Date, SqlDbType::Date)
        | (WireForm::DateTime, SqlDbType::DateTime)
        | (WireForm::SmallDateTime, SqlDbType::SmallDateTime)
        | (WireForm::Xml, SqlDbType::Xml)
        | (WireForm::Binary(_), SqlDbType::Binary)
        | (WireForm::NText, SqlDbType::NText)
        | (WireForm::Text, SqlDbType::Text)
        | (WireForm::Image, SqlDbType::Image)
        | (WireForm::Guid, SqlDbType::UniqueIdentifier) => true,
        (WireForm::Decimal { precision, scale }, SqlDbType::Decimal | SqlDbType::Numeric) => {
            (precision, scale) == (found.precision, found.scale)
        }
        (WireForm::Time(scale), SqlDbType::Time)
        | (WireForm::DateTime2(scale), SqlDbType::DateTime2)
        | (WireForm::DateTimeOffset(scale), SqlDbType::DateTimeOffset) => scale == found.scale,
        (WireForm::Utf16(length), SqlDbType::NVarChar | SqlDbType::NChar | SqlDbType::Json)
        | (WireForm::CodePage(length), SqlDbType::VarChar | SqlDbType::Char)
        | (WireForm::Bytes(length), SqlDbType::VarBinary) => is_long == length.0.is_none(),
        (WireForm::Clr, SqlDbType::Udt) => is_long,
        _ => false,
    }
}

/// Takes blocks apart into rows. It waits for its maker, which is a thread of its own.
struct Rows {
    pieces: Receiver<Piece>,
    columns: usize,
    block: Arc<Block>,
    next: usize,
    over: bool,
}

/// One row, or the news that the rows ended too early.
enum Row {
    Whole { block: Arc<Block>, place: Range<usize>, columns: usize },
    Broken,
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.over {
            return None;
        }
        loop {
            if let Some(&end) = self.block.ends.get(self.next) {
                let before = self.next.checked_sub(1).and_then(|before| self.block.ends.get(before));
                let start = before.copied().unwrap_or(0);
                self.next += 1;
                let block = Arc::clone(&self.block);
                return Some(Row::Whole { block, place: start..end, columns: self.columns });
            }
            match self.pieces.recv() {
                Ok(Piece::Rows(block)) => (self.block, self.next) = (Arc::new(block), 0),
                Ok(Piece::End) => {
                    self.over = true;
                    return None;
                }
                Err(_) => {
                    self.over = true;
                    return Some(Row::Broken);
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl BulkLoadRow for Row {
    async fn write_to_packet(
        &self,
        writer: &mut StreamingBulkLoadWriter<'_>,
        column_index: &mut usize,
    ) -> TdsResult<()> {
        match self {
            Self::Whole { block, place, columns } => {
                writer.write_raw_bytes(block.bytes.get(place.clone()).unwrap_or_default()).await?;
                *column_index += columns;
                Ok(())
            }
            Self::Broken => Err(TdsError::UsageError(BROKEN.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{SqlType, Value};

    fn rows(table: &Table, produce: impl FnOnce(&mut RowEncoder) -> bool) -> Vec<Option<Range<usize>>> {
        let (out, pieces) = sync_channel(BLOCKS_AHEAD);
        let mut encoder = RowEncoder::new(table, &|_| 1252, out).unwrap();
        if produce(&mut encoder) {
            encoder.finish().unwrap();
        } else {
            drop(encoder);
        }
        let rows = Rows { pieces, columns: 1, block: Arc::default(), next: 0, over: false };
        rows.map(|row| match row {
            Row::Whole { place, .. } => Some(place),
            Row::Broken => None,
        })
        .collect()
    }

    #[test]
    fn rows_that_end_too_early_are_no_whole_load() {
        let columns = vec![Column::new("a", SqlType::TinyInt)];
        let table = Table { columns, ..Table::default() };
        let two = |encoder: &mut RowEncoder| {
            for value in [Value::Int(1), Value::Null] {
                encoder.value(value);
                encoder.end_row().unwrap();
            }
        };
        assert_eq!(
            rows(&table, |encoder| {
                two(encoder);
                true
            }),
            [Some(0..2), Some(2..3)]
        );
        // What was not handed over yet goes with the encoder.
        assert_eq!(
            rows(&table, |encoder| {
                two(encoder);
                false
            }),
            [None]
        );
        assert_eq!(rows(&table, |_| true), []);
    }

    #[test]
    fn a_column_that_the_server_has_otherwise_stops_the_load() {
        let found = |name: &str, sql_type| BulkCopyColumnMetadata::new(name, sql_type, 0);
        let ours = [
            SentColumn { name: "a".to_owned(), form: WireForm::Int(4) },
            SentColumn { name: "b".to_owned(), form: WireForm::Time(3) },
        ];
        let check = |found: &[BulkCopyColumnMetadata], expected: &str| {
            let told = check_columns(&ours, found).map_or_else(|error| error.to_string(), |()| String::new());
            assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{told}");
        };
        let time = found("b", SqlDbType::Time).with_scale(3);
        check(&[found("a", SqlDbType::Int), found("computed", SqlDbType::Int), time.clone()], "");
        check(&[found("a", SqlDbType::BigInt), time.clone()], "column a");
        check(&[found("a", SqlDbType::Int), found("b", SqlDbType::Time).with_scale(7)], "column b");
        check(&[time, found("a", SqlDbType::Int)], "column a");
        check(&[found("a", SqlDbType::Int)], "column b");
    }
}

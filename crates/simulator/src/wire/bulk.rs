//! Bulk loads: the rows that a client sends (packet type 7, MS-TDS 2.2.6.1), and the batch with which it asks for the
//! columns of a table beforehand.
//!
//! Invariant: rows are taken one at a time as they come.

use crate::answer::{Answer, AnswerColumn, Failure, Stopped};
use crate::conversation::Conversation;
use crate::wire::collation::Collation;
use crate::wire::decode::{self, Taken, byte, short, text, word};
use crate::wire::link::{Incoming, Link, Packet, invalid};
use mssql2pg_catalog::{Length, RowSink, SqlType, Stop, Value};
use std::io;

const COLUMNS: u8 = 0x81;
const ROW: u8 = 0xd1;
const ROW_WITH_NULLS: u8 = 0xd2;
const DONE: u8 = 0xfd;

/// Takes a bulk load that begins with this packet: how many rows were kept, or why none was; none when the client says
/// that it is to be ignored.
///
/// # Errors
/// When the client is gone, or sends what makes no sense.
pub(crate) fn take(
    link: &mut Link,
    first: Packet,
    conversation: &mut dyn Conversation,
) -> io::Result<Option<Result<u64, Failure>>> {
    let mut incoming = Incoming::new(link, first);
    let (columns, types) = take_columns(&mut incoming)?;
    let refused = match conversation.bulk_rows(&columns) {
        Ok(mut rows) => {
            take_rows(&mut incoming, &types, rows.as_mut())?;
            None
        }
        Err(failure) => Some(failure),
    };
    if incoming.drain()? {
        return Ok(None);
    }
    Ok(Some(match refused {
        Some(failure) => Err(failure),
        None => conversation.end_bulk(),
    }))
}

fn take_columns(incoming: &mut Incoming<'_>) -> io::Result<(Vec<AnswerColumn>, Vec<Taken>)> {
    let token = byte(incoming)?;
    if token != COLUMNS {
        return Err(invalid(format!("a bulk load that begins with {token:#04x}")));
    }
    let count = short(incoming)?;
    let mut columns = Vec::new();
    let mut types = Vec::new();
    for _ in 0..count {
        word(incoming)?;
        let flags = short(incoming)?;
        let taken = decode::type_info(incoming, true)?;
        let units = byte(incoming)?;
        let name = text(incoming, usize::from(units))?;
        let sql_type = taken.sql_type.clone();
        columns.push(AnswerColumn { name, sql_type, nullable: flags & 1 != 0, collation: None });
        types.push(taken);
    }
    Ok((columns, types))
}

fn take_rows(incoming: &mut Incoming<'_>, types: &[Taken], rows: &mut dyn RowSink) -> io::Result<()> {
    let mut scratch = Vec::new();
    let mut nulls = vec![0_u8; types.len().div_ceil(8)];
    loop {
        match byte(incoming)? {
            ROW => nulls.fill(0),
            ROW_WITH_NULLS => io::Read::read_exact(incoming, &mut nulls)?,
            DONE => return Ok(()),
            other => return Err(invalid(format!("the token {other:#04x} in a bulk load"))),
        }
        for (place, taken) in types.iter().enumerate() {
            if nulls.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1) {
                rows.value(Value::Null);
            } else {
                decode::value(incoming, taken, &mut scratch, &mut |value| rows.value(value))?;
            }
        }
        if rows.end_row() == Err(Stop) {
            return Ok(());
        }
    }
}

/// The table whose columns a bulk copy asks for, if the batch is such a question: it runs a query under
/// `set fmtonly on` and then `sp_tablecollations_100`.
pub(crate) fn table_asked_for(sql: &str) -> Option<String> {
    let lower = sql.to_ascii_lowercase();
    if !lower.contains("sp_tablecollations_100") {
        return None;
    }
    let begin = lower.find("set fmtonly on")?;
    let end = begin + lower.get(begin..)?.find("set fmtonly off")?;
    let from = begin + lower.get(begin..end)?.rfind(" from ")? + " from ".len();
    let table = sql.get(from..end)?.trim().trim_end_matches(';').trim();
    let quoted = table.strip_suffix("')").map(|table| table.replace("''", "'"));
    Some(quoted.unwrap_or_else(|| table.to_owned()))
}

/// Answers that question: the count of open transactions, the columns without rows, the collations.
///
/// # Errors
/// When there is no such table.
pub(crate) fn describe(
    table: &str,
    in_transaction: bool,
    conversation: &mut dyn Conversation,
    answer: &mut dyn Answer,
) -> Result<(), Stopped> {
    let mut described = Described::default();
    conversation.batch(&format!("select top (0) * from {table}"), &[], &mut described)?;
    let column = |name: &str, sql_type, nullable| AnswerColumn {
        name: name.to_owned(),
        sql_type,
        nullable,
        collation: None,
    };
    answer.columns(&[column("", SqlType::Int, true)])?;
    answer.rows().value(Value::Int(i64::from(in_transaction)));
    // Whoever asks for attention here gets it after the last row.
    let _ = answer.rows().end_row();
    answer.done(Some(1))?;
    answer.columns(&described.columns)?;
    answer.done(Some(0))?;
    let name = SqlType::NVarChar { length: Length::limited(128) };
    answer.columns(&[
        column("colid", SqlType::Int, true),
        column("name", name.clone(), true),
        column("tds_collation", SqlType::Binary { length: 5 }, true),
        column("collation", name, true),
    ])?;
    let own = conversation.collation().to_owned();
    let mut count = 0;
    for described in &described.columns {
        count += 1;
        let collation = described.collation.clone().unwrap_or_else(|| own.clone());
        let bytes = Collation::named(&collation).map_err(invalid)?.bytes;
        let rows = answer.rows();
        rows.value(Value::Int(count));
        rows.value(Value::Utf8(described.name.as_bytes()));
        if has_collation(&described.sql_type) {
            rows.value(Value::Bytes(&bytes));
            rows.value(Value::Utf8(collation.as_bytes()));
        } else {
            rows.value(Value::Null);
            rows.value(Value::Null);
        }
        if rows.end_row() == Err(Stop) {
            return Ok(());
        }
    }
    answer.done(u64::try_from(count).ok())?;
    Ok(())
}

fn has_collation(sql_type: &SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Char { .. }
            | SqlType::VarChar { .. }
            | SqlType::Text
            | SqlType::NChar { .. }
            | SqlType::NVarChar { .. }
            | SqlType::NText
    )
}

/// Keeps the columns and nothing else.
#[derive(Default)]
struct Described {
    columns: Vec<AnswerColumn>,
}

impl Answer for Described {
    fn columns(&mut self, columns: &[AnswerColumn]) -> io::Result<()> {
        self.columns = columns.to_vec();
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

impl RowSink for Described {
    fn value(&mut self, _value: Value<'_>) {}

    fn end_row(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_bulk_copys_question_is_found() {
        let sql = "SELECT @@TRANCOUNT;\nSET FMTONLY ON;\nEXEC(N'SELECT ' + @Column_Names + N' FROM [dbo].[It''s]');\n\
                   SET FMTONLY OFF;\nEXEC sp_tablecollations_100 N'[dbo].[It''s]';";
        assert_eq!(table_asked_for(sql), Some("[dbo].[It's]".to_owned()));
        let older = "select @@trancount; SET FMTONLY ON select * from [t] SET FMTONLY OFF exec \
                     ..sp_tablecollations_100 N'.[t]'";
        assert_eq!(table_asked_for(older), Some("[t]".to_owned()));
        assert_eq!(table_asked_for("select * from [t]"), None);
    }
}

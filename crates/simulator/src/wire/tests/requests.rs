//! Batches, calls, transactions, attention, bulk loads.

use super::client::Client;
use super::fake::{Fake, column};
use super::{start, start_with};
use crate::wire::Drain;
use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow};
use mssql_tds::connection::tds_client::{ExecuteOptions, PreparedStatement, ResultSet};
use mssql_tds::core::TdsResult;
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::sql_string::SqlString;
use mssql_tds::datatypes::sqltypes::SqlType as Sent;
use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
use mssql_tds::message::parameters::rpc_parameters::{RpcParameter, StatusFlags};
use mssql_tds::message::transaction_management::TransactionIsolationLevel;
use mssql2pg_catalog::{Length, SqlType, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn attention_ends_an_endless_answer_and_the_connection_goes_on() {
    let simulator = start(Fake::default());
    let mut client = Client::open_with(&simulator, |context| context.packet_size = 32_764).unwrap();
    for _ in 0..3 {
        assert!(client.execute("endless").unwrap());
        for _ in 0..1000 {
            assert!(client.next_row().unwrap().is_some());
        }
        let begun = Instant::now();
        client.runtime.block_on(client.tds.cancel_query(10)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert!(client.ask("fail").is_err());
    assert_eq!(client.ask("nothing").unwrap(), Vec::<Vec<String>>::new());
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[test]
fn attention_ends_an_answer_that_comes_slowly() {
    let simulator = start(Fake::default());
    let mut client = Client::open(&simulator).unwrap();
    let begun = Instant::now();
    let Client { runtime, tds } = &mut client;
    let options = ExecuteOptions { timeout: Some(1), ..ExecuteOptions::default() };
    let asked = runtime.block_on(async {
        tds.execute("slow".to_owned(), options).await?;
        while tds.next_row().await?.is_some() {}
        TdsResult::Ok(())
    });
    assert!(asked.is_err(), "the client's patience ends after a second");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(client.ask("nothing").unwrap().len(), 0);
}

#[test]
fn a_server_that_is_dropped_ends_its_connections() {
    let simulator = start(Fake::default());
    let mut client = Client::open(&simulator).unwrap();
    assert!(client.execute("endless").unwrap());
    drop(simulator);
    let ended = (0..10_000_000).find_map(|_| client.next_row().err());
    assert!(ended.is_some());
}

#[test]
fn errors_come_alone_or_after_rows() {
    let simulator = start(Fake::default());
    let mut client = Client::open(&simulator).unwrap();
    let error = client.ask("fail").unwrap_err();
    assert!(format!("{error:?}").contains("208"), "{error:?}");
    assert!(client.execute("midway").unwrap());
    assert_eq!(client.next_row().unwrap().unwrap(), ["Int(1)"]);
    let error = client.next_row().unwrap_err();
    assert!(format!("{error:?}").contains("1205"), "{error:?}");
    assert_eq!(client.ask("nothing").unwrap().len(), 0);
    assert_eq!(simulator.batches(), ["fail", "midway", "nothing"]);
}

#[test]
fn transactions_and_the_database_are_told_to_the_client() {
    let simulator = start(Fake::default());
    let mut client = Client::open(&simulator).unwrap();
    client.ask("begin transaction").unwrap();
    assert!(client.tds.has_active_transaction());
    client.ask("rollback transaction").unwrap();
    assert!(!client.tds.has_active_transaction());
    client.ask("use other").unwrap();
    assert_eq!(client.tds.database(), "other");
    let Client { runtime, tds } = &mut client;
    runtime.block_on(async {
        tds.begin_transaction(TransactionIsolationLevel::NoChange, None).await.unwrap();
        assert!(tds.has_active_transaction());
        tds.commit_transaction(None, None).await.unwrap();
        assert!(!tds.has_active_transaction());
    });
    assert_eq!(simulator.batches().last().unwrap(), "commit transaction");
}

fn parameter(name: &str, value: Sent) -> RpcParameter {
    RpcParameter::new(Some(name.to_owned()), StatusFlags::NONE, value)
}

fn rows_of(client: &mut Client) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    while let Some(row) = client.next_row().unwrap() {
        rows.push(row);
    }
    client.close_query().unwrap();
    rows
}

#[test]
fn parameters_of_calls_arrive_as_literals() {
    let simulator = start(Fake::default());
    let mut client = Client::open(&simulator).unwrap();
    let parameters = vec![
        parameter("@a", Sent::Int(Some(7))),
        parameter("@b", Sent::NVarchar(Some(SqlString::from_utf8_string("O'Neil".to_owned())), 20)),
        parameter("@c", Sent::VarBinary(Some(vec![1, 0xab]), 10)),
        parameter("@d", Sent::BigInt(None)),
        parameter("@e", Sent::NVarcharMax(Some(SqlString::from_utf8_string("x".repeat(10_000))))),
    ];
    let expected = |rows: &[Vec<String>]| {
        assert_eq!(rows[0], ["\"@a\"", "\"7\""]);
        assert_eq!(rows[1], ["\"@b\"", "\"N'O''Neil'\""]);
        assert_eq!(rows[2], ["\"@c\"", "\"0x01AB\""]);
        assert_eq!(rows[3], ["\"@d\"", "\"NULL\""]);
        assert_eq!(rows[4][1].len(), 10_000 + 5);
    };
    let Client { runtime, tds } = &mut client;
    runtime
        .block_on(tds.execute_sp_executesql("echo".to_owned(), parameters.clone(), ExecuteOptions::default()))
        .unwrap();
    expected(&rows_of(&mut client));
    let mut statement = PreparedStatement::new("echo");
    for _ in 0..2 {
        let Client { runtime, tds } = &mut client;
        runtime
            .block_on(tds.execute_prepared(
                &mut statement,
                parameters.clone(),
                &mut None,
                ExecuteOptions::default(),
            ))
            .unwrap();
        expected(&rows_of(&mut client));
    }
    assert_eq!(simulator.batches(), ["echo"; 3]);
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[test]
fn rows_that_are_encoded_already_are_sent_as_they_are() {
    let simulator = start(Fake::default());
    let rows = Client::open(&simulator).unwrap().ask("encoded").unwrap();
    assert_eq!(rows.len(), 100_000);
    assert!(rows.iter().all(|row| *row == ["Int(1)", "Int(2)"]));
}

#[test]
fn a_reset_connection_begins_anew() {
    let fake = Fake::default();
    let seen = Arc::clone(&fake.seen);
    let simulator = start(fake);
    let mut client = Client::open(&simulator).unwrap();
    client.ask("use other").unwrap();
    client.tds.prepare_reset_connection(false);
    client.ask("nothing").unwrap();
    assert_eq!(seen.lock().unwrap().logins, 2);
}

struct BulkRow(Vec<ColumnValues>);

#[async_trait::async_trait]
impl BulkLoadRow for BulkRow {
    async fn write_to_packet(
        &self,
        writer: &mut StreamingBulkLoadWriter<'_>,
        column_index: &mut usize,
    ) -> TdsResult<()> {
        for value in &self.0 {
            writer.write_column_value(*column_index, value).await?;
            *column_index += 1;
        }
        Ok(())
    }
}

#[test]
fn a_bulk_load_arrives_row_by_row() {
    let mut fake = Fake::default();
    let columns = vec![
        column("id", SqlType::Int, false),
        column("name", SqlType::NVarChar { length: Length::limited(40) }, true),
        column("code", SqlType::VarChar { length: Length::limited(10) }, true),
        column("price", SqlType::Decimal { precision: 18, scale: 2 }, true),
        column("notes", SqlType::NVarChar { length: Length::MAX }, true),
        column("data", SqlType::VarBinary { length: Length::MAX }, true),
        column("old", SqlType::NText, true),
    ];
    fake.results.insert("select top (0) * from [dbo].[T]".to_owned(), (columns, Vec::new()));
    let seen = Arc::clone(&fake.seen);
    let simulator = start(fake);
    let mut client = Client::open(&simulator).unwrap();
    let text = |text: &str| ColumnValues::String(SqlString::from_utf8_string(text.to_owned()));
    let long = "é".repeat(5_000);
    let rows: Vec<BulkRow> = (0..5000)
        .map(|id| {
            BulkRow(vec![
                ColumnValues::Int(id),
                text("naïve"),
                text("Ab"),
                ColumnValues::Null,
                if id % 1000 == 0 { text(&long) } else { ColumnValues::Null },
                ColumnValues::Bytes(vec![1, 2, 3]),
                text("old"),
            ])
        })
        .collect();
    let Client { runtime, tds } = &mut client;
    let copied = runtime
        .block_on(async { BulkCopy::new(tds, "[dbo].[T]").write_to_server_zerocopy(rows).await })
        .unwrap();
    assert_eq!(copied.rows_affected, 5000);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.bulk_rows.len(), 5000);
    assert_eq!(
        seen.bulk_rows[1],
        "Int(1) | N\"naïve\" | CodePage([65, 98], CodePage(1252)) | Null | Null | Bytes([1, 2, 3]) | N\"old\""
    );
    assert!(seen.bulk_rows[1000].contains(&long));
    assert_eq!(seen.bulk_columns.len(), 7);
    assert_eq!(seen.bulk_columns[1].sql_type.to_string(), "nvarchar(40)");
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[test]
fn a_remembered_answer_is_the_same_again() {
    let sql = "select n from [t]";
    let mut fake = Fake::default();
    let rows = (0..100_000).map(|n| vec![Value::Int(n)]).collect();
    fake.results.insert(sql.to_owned(), (vec![column("n", SqlType::Int, true)], rows));
    let seen = Arc::clone(&fake.seen);
    let simulator = start_with(fake, |options| options.remember_answers = true);
    let mut client = Client::open(&simulator).unwrap();
    let first = client.ask(sql).unwrap();
    assert_eq!(first.len(), 100_000);
    assert_eq!(client.ask(sql).unwrap(), first);
    assert_eq!(seen.lock().unwrap().parameters.len(), 1);
    let mut drain = Drain::connect(simulator.port(), "sa", "Pass@word1", "shop", 32_767).unwrap();
    let bytes = drain.drain(sql).unwrap();
    assert!(bytes > 600_000, "{bytes}");
    assert_eq!(drain.drain(sql).unwrap(), bytes);
    assert!(Drain::connect(simulator.port(), "sa", "wrong", "shop", 4096).is_err());
}

//! One session on a SQL Server: connecting, small questions, and rows.
//!
//! Invariant: the TDS client's types are named in this file, in `read.rs`, `large.rs`, `cells.rs`, `tokens.rs` and `bulk.rs` only, so that it can be
//! replaced. A session runs the asynchronous client on a runtime of its own, on the thread that calls.
//!
//! The client writes row data into its log at the levels INFO and DEBUG: whoever installs a log filter keeps the target
//! `mssql_tds` at WARN.

use super::address::{Address, Encrypt, Login};
use super::cells::{Answer, CellWriter};
use super::certificate;
use super::failure::{self, Doing};
use super::large;
use super::read::TableRows;
use super::tokens::TokenFactory;
use crate::{ErrorKind, SourceError};
use mssql_tds::connection::client_context::{ClientContext, DriverVersion, TdsAuthenticationMethod};
use mssql_tds::connection::tds_client::{BufferedRowPoll, ExecuteOptions, StatementResult, TdsClient};
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::EncryptionSetting;
use mssql_tds::datatypes::row_writer::RowWriter;
use mssql_tds::message::login_options::ApplicationIntent;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// What we ask for without TLS: a whole number of 4-byte words below the protocol's limit.
const PACKET_BYTES: u16 = 32_764;
/// SQL Server's own limit for encrypted packets, likewise.
const ENCRYPTED_PACKET_BYTES: u16 = 16_380;

/// What limits the rest of an answer, once it has begun.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// The query time-out.
    Within,
    /// Nothing: a table takes as long as it takes.
    Unlimited,
    /// Nothing, and not the first answer either.
    Whenever,
}

/// Takes rows from the client. Always behind a pointer: the client's decoder is generic, and built once for each kind of
/// taker, which takes a minute.
pub(super) trait Rows: RowWriter + Send {
    /// A row is whole; false asks for no more. Called outside of any runtime.
    fn row_ended(&mut self) -> bool;
}

/// A connection that is logged in. Used by one thread at a time.
pub(crate) struct Session {
    /// For `bulk.rs`.
    pub(super) runtime: Runtime,
    /// For `bulk.rs`.
    pub(super) client: TdsClient,
    query_timeout: Option<u32>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Each layer has its own kind: `Resolve`, `Connect`, `Tls`, `Certificate`, `Login`, `Database`, `Timeout`.
    pub(crate) fn open(address: &Address) -> Result<Self, SourceError> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| {
            SourceError::caused(ErrorKind::Connect, "cannot start the runtime of a connection", error)
        })?;
        // Where a CA file is given, the certificate is verified against it first, and then pinned.
        let pinned = certificate::before_login(address)?;
        let context = context_of(address, pinned.as_ref().map(|pinned| pinned.path()))?;
        let data_source = data_source(address);
        let client = runtime
            .block_on(TdsConnectionProvider.create_client(context, &data_source, None))
            .map_err(|error| failure::on_connect(address, error))?;
        let query_timeout = Some(address.query_timeout_seconds).filter(|seconds| *seconds > 0);
        let mut session = Self { runtime, client, query_timeout };
        session.run(
            "set the session's options",
            // Lengths without limit for text, ntext and image; a lock is waited for a minute, then the work is tried again
            // (error 1222); in a deadlock with the users' own work it is ours that is given up.
            // What overflows is an error and not NULL, and that error leaves a transaction as it is ("SET ARITHABORT").
            "set textsize 2147483647; set lock_timeout 60000; set deadlock_priority low; set nocount on; set ansi_warnings on; set arithabort on; set numeric_roundabort off;",
        )?;
        Ok(session)
    }

    /// Asks a question and keeps the whole answer; only for what is small.
    ///
    /// # Errors
    /// `Query` and its more telling kinds, with what we were doing as the context.
    pub(crate) fn ask(&mut self, doing: &str, sql: &str) -> Result<Answer, SourceError> {
        self.ask_within(doing, sql, Rest::Within)
    }

    /// The same for what reads a whole table first: that may take as long as it takes.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub(crate) fn compute(&mut self, doing: &str, sql: &str) -> Result<Answer, SourceError> {
        self.ask_within(doing, sql, Rest::Whenever)
    }

    fn ask_within(&mut self, doing: &str, sql: &str, rest: Rest) -> Result<Answer, SourceError> {
        let mut writer = CellWriter::default();
        if !self.begin(doing, sql, rest)? {
            return Ok(writer.answer(Vec::new()));
        }
        let columns = result_columns(&self.client);
        let whole = self.rows(doing, &mut writer)?;
        self.end(doing, whole)?;
        Ok(writer.answer(columns))
    }

    /// Runs statements and throws away what they answer.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub(crate) fn run(&mut self, doing: &str, sql: &str) -> Result<(), SourceError> {
        let Self { runtime, client, query_timeout } = self;
        runtime
            .block_on(async {
                let options = ExecuteOptions { timeout: *query_timeout, ..ExecuteOptions::default() };
                client.execute(sql.to_owned(), options).await?;
                client.close_query().await
            })
            .map_err(|error| failure::on_query(Doing(doing), error))
    }

    /// Pushes the rows of a table into `rows`, until the sink wants no more.
    ///
    /// # Errors
    /// As [`Session::ask`]. A row that was under way is then incomplete in `rows`.
    pub(crate) fn read_table(
        &mut self,
        doing: &str,
        sql: &str,
        rows: &mut TableRows<'_>,
    ) -> Result<(), SourceError> {
        if !self.begin(doing, sql, Rest::Unlimited)? {
            return Ok(());
        }
        let whole = match large::first_large(&self.client) {
            Some(first) => large::read_large(self, doing, first, rows)?,
            None => self.rows(doing, rows)?,
        };
        self.end(doing, whole)
    }

    /// What a result is read with, piece by piece.
    pub(super) fn parts(&mut self) -> (&Runtime, &mut TdsClient) {
        (&self.runtime, &mut self.client)
    }

    /// Sends a batch; whether it has rows. The first answer must come within the query time-out, but where `rest` says
    /// otherwise; what follows may take as long as `rest` says.
    fn begin(&mut self, doing: &str, sql: &str, rest: Rest) -> Result<bool, SourceError> {
        let Self { runtime, client, query_timeout } = self;
        let timeout = match rest {
            Rest::Within => *query_timeout,
            Rest::Unlimited | Rest::Whenever => None,
        };
        let limit = match rest {
            Rest::Within | Rest::Unlimited => *query_timeout,
            Rest::Whenever => None,
        };
        let limit = limit.map_or(Duration::MAX, |seconds| Duration::from_secs(u64::from(seconds)));
        let begun = runtime.block_on(tokio::time::timeout(limit, async {
            let options = ExecuteOptions { timeout, ..ExecuteOptions::default() };
            let begun = match client.execute(sql.to_owned(), options).await? {
                StatementResult::Rows => true,
                _ => client.advance_to_rows().await?,
            };
            if !begun {
                client.close_query().await?;
            }
            Ok(begun)
        }));
        match begun {
            Ok(begun) => begun.map_err(|error| failure::on_query(Doing(doing), error)),
            Err(late) => Err(SourceError::caused(ErrorKind::Timeout, format!("cannot {doing}"), late)),
        }
    }

    /// Pushes the rows of the current result set: false when no more were wanted.
    fn rows(&mut self, doing: &str, rows: &mut dyn Rows) -> Result<bool, SourceError> {
        let Self { runtime, client, .. } = self;
        let failed = |error| failure::on_query(Doing(doing), error);
        loop {
            // Rows that stand in the buffer cost no turn of the runtime; what a sink does at the end of a row may use
            // a runtime of its own, and two cannot be entered at once.
            let more = match client.try_next_buffered_row_into(rows).map_err(failed)? {
                BufferedRowPoll::Complete => true,
                BufferedRowPoll::Partial => {
                    runtime.block_on(client.finish_row_into(rows)).map_err(failed)?;
                    true
                }
                BufferedRowPoll::Pending => runtime.block_on(client.next_row_into(rows)).map_err(failed)?,
                BufferedRowPoll::Exhausted => false,
            };
            if !more {
                return Ok(true);
            }
            if !rows.row_ended() {
                return Ok(false);
            }
        }
    }

    /// Leaves the session ready for the next batch.
    fn end(&mut self, doing: &str, whole: bool) -> Result<(), SourceError> {
        let Self { runtime, client, .. } = self;
        let ended = match whole {
            true => runtime.block_on(client.close_query()).map(|_| ()),
            // Attention, not a drain: a large table may still be on its way.
            false => runtime.block_on(client.cancel_query(10)).map(|_| ()),
        };
        ended.map_err(|error| failure::on_query(Doing(doing), error))
    }
}

fn result_columns(client: &TdsClient) -> Vec<String> {
    use mssql_tds::connection::tds_client::ResultSet;
    client.get_metadata().iter().map(|column| column.column_name.clone()).collect()
}

/// As the client writes it: `tcp:host,port` or `tcp:host\instance`.
fn data_source(address: &Address) -> String {
    let host = &address.host;
    match (&address.instance, address.port) {
        // The client takes what has several colons for an IPv6 address, its prefix included.
        (None, port) if host.contains(':') => format!("{host},{}", port.unwrap_or(1433)),
        (_, Some(port)) => format!("tcp:{host},{port}"),
        (Some(instance), None) => format!("tcp:{host}\\{instance}"),
        (None, None) => format!("tcp:{host},1433"),
    }
}

fn context_of(address: &Address, pinned: Option<&std::path::Path>) -> Result<ClientContext, SourceError> {
    let mut context = ClientContext::with_data_source(&data_source(address));
    context.application_name.clone_from(&address.application_name);
    context.library_name = "mssql2pg".to_owned();
    context.driver_version = DriverVersion::new(0, 1, 0);
    context.database = address.database.clone().unwrap_or_default();
    context.connect_timeout = address.login_timeout_seconds;
    context.login_timeout = Some(address.login_timeout_seconds);
    // Retrying is ours: a new connection has lost its snapshot, and nobody else would know.
    context.connect_retry_count = 0;
    context.multi_subnet_failover = Some(address.multi_subnet_failover);
    if address.application_intent_read_only {
        context.application_intent = ApplicationIntent::ReadOnly;
    }
    let encryption = &mut context.encryption_options;
    encryption.mode = match address.encrypt {
        Encrypt::Strict => EncryptionSetting::Strict,
        Encrypt::On => EncryptionSetting::On,
        Encrypt::LoginOnly | Encrypt::Off => EncryptionSetting::PreferOff,
    };
    encryption.trust_server_certificate = address.trust_server_certificate;
    if pinned.is_none() {
        // A pinned certificate has had its name verified, and the client takes one of the two.
        encryption.host_name_in_cert.clone_from(&address.host_name_in_certificate);
    }
    encryption.server_certificate = pinned.map(Into::into).or_else(|| address.server_certificate.clone());
    let most = match address.encrypt {
        Encrypt::Strict | Encrypt::On => ENCRYPTED_PACKET_BYTES,
        Encrypt::LoginOnly | Encrypt::Off => PACKET_BYTES,
    };
    context.packet_size = address.packet_size.unwrap_or(most);
    match &address.login {
        Login::Sql { user, password } => {
            context.user_name.clone_from(user);
            context.password = password.expose_secret().to_owned();
        }
        Login::Entra(source) => {
            let method = TdsAuthenticationMethod::ActiveDirectoryTokenCredential;
            context.tds_authentication_method = method.clone();
            context.auth_method_map.insert(method, Box::new(TokenFactory::new(source)?));
        }
        Login::Integrated { spn } => {
            context.tds_authentication_method = TdsAuthenticationMethod::SSPI;
            context.server_spn.clone_from(spn);
        }
    }
    Ok(context)
}

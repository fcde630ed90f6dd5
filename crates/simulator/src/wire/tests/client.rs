//! Microsoft's client for Rust, blocking.

use crate::wire::Simulator;
use mssql_tds::connection::client_context::{ClientContext, DriverVersion};
use mssql_tds::connection::tds_client::{ExecuteOptions, ResultSet, StatementResult, TdsClient};
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{EncryptionSetting, TdsResult};
use mssql_tds::datatypes::column_values::ColumnValues;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Client {
    pub(crate) runtime: Runtime,
    pub(crate) tds: TdsClient,
}

pub(crate) fn context(simulator: &Simulator) -> (ClientContext, String) {
    let source = format!("tcp:127.0.0.1,{}", simulator.port());
    let mut context = ClientContext::with_data_source(&source);
    context.driver_version = DriverVersion::new(0, 1, 0);
    context.user_name = "sa".to_owned();
    context.password = "Pass@word1".to_owned();
    context.database = "shop".to_owned();
    context.connect_timeout = 10;
    context.connect_retry_count = 0;
    context.encryption_options.mode = EncryptionSetting::PreferOff;
    (context, source)
}

impl Client {
    pub(crate) fn open(simulator: &Simulator) -> TdsResult<Self> {
        Self::open_with(simulator, |_| {})
    }

    pub(crate) fn open_with(
        simulator: &Simulator,
        change: impl FnOnce(&mut ClientContext),
    ) -> TdsResult<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        let (mut context, source) = context(simulator);
        change(&mut context);
        let tds = runtime.block_on(TdsConnectionProvider.create_client(context, &source, None))?;
        Ok(Self { runtime, tds })
    }

    /// Sends a batch; whether it has rows.
    pub(crate) fn execute(&mut self, sql: &str) -> TdsResult<bool> {
        let Self { runtime, tds } = self;
        runtime.block_on(async {
            match tds.execute(sql.to_owned(), ExecuteOptions::default()).await? {
                StatementResult::Rows => Ok(true),
                _ => tds.advance_to_rows().await,
            }
        })
    }

    pub(crate) fn next_row(&mut self) -> TdsResult<Option<Vec<String>>> {
        let Self { runtime, tds } = self;
        let row = runtime.block_on(tds.next_row())?;
        Ok(row.map(|row| row.iter().map(show).collect()))
    }

    pub(crate) fn close_query(&mut self) -> TdsResult<()> {
        let Self { runtime, tds } = self;
        runtime.block_on(tds.close_query())
    }

    /// The rows of the first result.
    pub(crate) fn ask(&mut self, sql: &str) -> TdsResult<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        if self.execute(sql)? {
            while let Some(row) = self.next_row()? {
                rows.push(row);
            }
        }
        self.close_query()?;
        Ok(rows)
    }
}

pub(crate) fn show(value: &ColumnValues) -> String {
    match value {
        ColumnValues::String(text) => format!("{:?}", text.to_utf8_string()),
        ColumnValues::Xml(xml) => format!("xml {:?}", xml.as_string()),
        ColumnValues::Bytes(bytes) => format!("{bytes:02x?}"),
        ColumnValues::Decimal(parts) | ColumnValues::Numeric(parts) => {
            let sign = if parts.is_positive { '+' } else { '-' };
            format!("decimal {sign}{} scale {}", parts.magnitude(), parts.scale)
        }
        ColumnValues::Money(money) => format!("Money({}, {})", money.msb_part, money.lsb_part),
        other => format!("{other:?}"),
    }
}

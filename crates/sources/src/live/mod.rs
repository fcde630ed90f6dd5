//! A running SQL Server, over TDS.
//!
//! The way in: an [`address::Address`] says where and how; [`connect::Session`] is one connection that is logged in;
//! [`Live`] is the source. `catalog/` reads what the database is, `hold.rs` holds its rows still, `splits.rs` cuts its
//! tables into ranges of a key, `read.rs` takes rows from the wire, `aggregate.rs` and `measure/` let the server compute.
//!
//! Invariant: every row of a run comes from a session that sees the state which [`Live::hold`] holds; a session of which
//! that is not certain is never read from. Dirty reads do not happen.

mod address;
mod aggregate;
mod browser;
mod bulk;
mod catalog;
mod cells;
mod certificate;
mod connect;
mod credentials;
mod doctor;
mod failure;
mod handshake;
mod hold;
mod large;
mod measure;
mod read;
mod select;
mod splits;
mod tokens;

pub use bulk::{LiveWriter, ServerObject};

pub(crate) use crate::quoted as quote;
pub(crate) use doctor::diagnose;

use crate::{
    Aggregates, Consistency, ErrorKind, Hold, HoldKind, HoldRequest, Source, SourceError, SourceInfo, Split,
};
use address::Address;
use connect::Session;
use hold::Held;
use mssql2pg_catalog::{Catalog, Column, RowSink, Table};
use read::TableRows;
use select::CodePages;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing::warn;

const SERVER: &str = include_str!("queries/server.sql");
const CODE_PAGES: &str = include_str!("queries/code_pages.sql");

/// A database on a running server.
#[derive(Debug)]
pub struct Live {
    address: Address,
    about: SourceInfo,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What holds, once it does.
    held: Option<Held>,
    /// Sessions that nobody reads from; those of [`Held`] among them.
    idle: Vec<Session>,
    /// A session outside of the transactions that hold the rows, to ask where tables may be cut.
    outside: Option<Session>,
    /// The pages of text columns, and the database's own collation.
    pages: Option<Pages>,
    /// The tables that the hold was asked for.
    tables: Vec<Table>,
}

/// The pages of text columns.
#[derive(Debug, Clone)]
struct Pages {
    by_collation: CodePages,
    of_database: Option<String>,
}

impl Pages {
    fn ask(session: &mut Session) -> Result<Self, SourceError> {
        let answer = session.ask("ask for the code pages", CODE_PAGES)?;
        let mut pages = Pages { by_collation: CodePages::new(), of_database: None };
        for row in answer.rows() {
            let (name, page) = (row.name("collation_name")?, row.int("code_page")?);
            if row.flag("is_database")? {
                pages.of_database = Some(name.clone());
            }
            if let Some(page) = page.and_then(|page| u16::try_from(page).ok()) {
                pages.by_collation.insert(name, page);
            }
        }
        Ok(pages)
    }
}

impl Live {
    /// Whether `location` has the form of a server's address.
    pub fn is_address(location: &str) -> bool {
        Address::is_address(location)
    }

    /// Connects once, to learn what answers.
    ///
    /// # Errors
    /// Each layer that may fail has its own kind; see [`ErrorKind`].
    pub fn open(location: &str) -> Result<Self, SourceError> {
        let address = Address::parse(location)?;
        let mut session = Session::open(&address)?;
        let answer = session.ask("ask what the server is", SERVER)?;
        let row = answer.first().ok_or_else(|| failure::answer("the server does not say what it is"))?;
        let database = row.name("database_name")?;
        let (server, created) = (row.text("server_name")?.unwrap_or_default(), row.name("create_date")?);
        let about = SourceInfo {
            kind: "mssql".to_owned(),
            location: address.shown(),
            // An availability group is the same on whichever replica.
            identity: match row.text("group_database_id")? {
                Some(group) => format!("mssql:{group}:{database}"),
                None => format!("mssql:{server}:{database}:{created}"),
            },
            server_version: row.text("version")?.and_then(|text| text.lines().next()).map(str::to_owned),
            consistency: Consistency::Moving,
            has_data: true,
            database: Some(database),
        };
        let state = State { idle: vec![session], ..State::default() };
        Ok(Self { address, about, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session that sees the state that is held, or the current one before anything is.
    fn session(&self) -> Result<Session, SourceError> {
        let mut state = self.state();
        if let Some(session) = state.idle.pop() {
            return Ok(session);
        }
        let Some(held) = &state.held else {
            drop(state);
            return Session::open(&self.address);
        };
        let (kind, database, changes) = (held.hold.kind, held.database.clone(), held.changes);
        if kind != HoldKind::SnapshotIsolation {
            drop(state);
            let opened = Session::open(&self.address.in_database(database.as_deref()));
            return opened.map_err(|error| self.gone_or_away(database.as_deref(), error));
        }
        let tables = state.tables.clone();
        drop(state);
        // A transaction of its own sees a later state, which may be the same.
        let mut session = Session::open(&self.address)?;
        hold::begin_snapshot(&mut session, &tables)?;
        let mut witness = Session::open(&self.address)?;
        match changes.none_between(hold::changes(&mut witness, &tables)?)
            && !self.address.application_intent_read_only
        {
            true => Ok(session),
            false => Err(SourceError::new(
                ErrorKind::SnapshotLost,
                "a connection was lost, and the state of the database that its transaction saw with it; change tracking does not prove that nothing has changed since",
            )),
        }
    }

    /// A database that was there before and cannot be opened now: a snapshot may be gone for good, anything else is being
    /// recovered or handed over to another replica, and comes back.
    fn gone_or_away(&self, snapshot: Option<&str>, error: SourceError) -> SourceError {
        if error.kind != ErrorKind::Database {
            return error;
        }
        let away = |error: SourceError| SourceError { kind: ErrorKind::Lost, ..error };
        let Some(snapshot) = snapshot else { return away(error) };
        let listed =
            Session::open(&self.address).and_then(|mut session| hold::is_there(&mut session, snapshot));
        match listed {
            Ok(false) => SourceError::new(
                ErrorKind::SnapshotLost,
                format!("the database snapshot {snapshot} that was read from is gone"),
            ),
            Ok(true) | Err(_) => away(error),
        }
    }

    /// Whether the table cannot be read in the transactions that hold the others still.
    fn stands_apart(&self, table: &Table) -> bool {
        hold::is_in_memory(table)
            && self.state().held.as_ref().is_some_and(|held| held.hold.kind == HoldKind::SnapshotIsolation)
    }

    /// Keeps a session whose work went well for the next one.
    fn give_back(&self, session: Session) {
        self.state().idle.push(session);
    }

    fn pages(&self, session: &mut Session) -> Result<Pages, SourceError> {
        if let Some(pages) = &self.state().pages {
            return Ok(pages.clone());
        }
        let pages = Pages::ask(session)?;
        self.state().pages = Some(pages.clone());
        Ok(pages)
    }

    /// Does work on a session; the session is kept when the work goes well.
    fn on_session<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let mut session = self.session()?;
        let done = work(&mut session)?;
        self.give_back(session);
        Ok(done)
    }
}

impl Source for Live {
    fn about(&self) -> SourceInfo {
        self.about.clone()
    }

    fn catalog(&self) -> Result<Catalog, SourceError> {
        if self.state().held.is_some() {
            // Of the database itself: a snapshot has another name, and what holds rows still is not for questions.
            return catalog::read_catalog(&mut Session::open(&self.address)?);
        }
        self.on_session(catalog::read_catalog)
    }

    fn hold(&self, request: &HoldRequest<'_>) -> Result<Hold, SourceError> {
        let mut held = hold::hold(&self.address, request)?;
        let mut state = self.state();
        // What was opened before sees another state.
        state.idle = std::mem::take(&mut held.sessions);
        state.tables = request.tables.to_vec();
        let hold = held.hold.clone();
        state.held = Some(held);
        Ok(hold)
    }

    fn changed(&self) -> Result<Option<String>, SourceError> {
        let state = self.state();
        let Some(held) = &state.held else { return Ok(None) };
        let (kind, before, tables) = (held.hold.kind, held.changes, state.tables.clone());
        drop(state);
        let what = match kind {
            HoldKind::Quiesced => {
                let now = hold::changes(&mut Session::open(&self.address)?, &tables)?;
                before
                    .some_between(now)
                    .then_some("the database was said to be quiet, and change tracking knows of a change")
            }
            HoldKind::ReadOnly => (!hold::is_read_only(&self.address)?)
                .then_some("the database was read-only when reading began, and is not any more"),
            _ => None,
        };
        Ok(what.map(str::to_owned))
    }

    fn release(&self) -> Result<(), SourceError> {
        let mut state = self.state();
        state.idle.clear();
        state.outside = None;
        let snapshot = state.held.as_ref().and_then(|held| held.database.clone());
        drop(state);
        if let Some(snapshot) = snapshot {
            hold::drop_snapshot(&mut Session::open(&self.address)?, &snapshot)?;
        }
        // Only now: what could not be dropped can be tried again.
        self.state().held = None;
        Ok(())
    }

    fn splits(&self, table: &Table, rows_per_split: u64) -> Result<Vec<Split>, SourceError> {
        // One statement sees one state of a table that stands apart; two would see two.
        let rows_per_split = if self.stands_apart(table) { u64::MAX } else { rows_per_split };
        let mut state = self.state();
        if state.held.as_ref().is_none_or(|held| held.hold.kind != HoldKind::SnapshotIsolation) {
            drop(state);
            return self.on_session(|session| splits::splits(session, table, rows_per_split));
        }
        // A question that the server refuses may end a transaction. Boundaries need not be in it: every row is in one
        // split whatever they are.
        let outside = state.outside.take();
        drop(state);
        let mut session = match outside {
            Some(session) => session,
            None => {
                let mut session = Session::open(&self.address)?;
                // Each question then is a transaction of its own that waits for no writer.
                session.run("wait for no writer", "set transaction isolation level snapshot")?;
                session
            }
        };
        let splits = splits::splits(&mut session, table, rows_per_split)?;
        self.state().outside = Some(session);
        Ok(splits)
    }

    fn read(&self, table: &Table, split: &Split, rows: &mut dyn RowSink) -> Result<u64, SourceError> {
        match self.stands_apart(table) {
            true => self.read_on(&mut Session::open(&self.address)?, table, split, rows),
            false => self.on_session(|session| self.read_on(session, table, split, rows)),
        }
    }

    fn aggregate(&self, table: &Table, expressions: &[String]) -> Result<Option<Aggregates>, SourceError> {
        self.ask_held(table, |session| {
            let pages = self.pages(session)?;
            aggregate::aggregate(session, table, &pages, expressions)
        })
        .map(Some)
    }

    fn count_where(&self, table: &Table, condition: &str) -> Result<Option<u64>, SourceError> {
        self.ask_held(table, |session| aggregate::count_where(session, table, condition)).map(Some)
    }

    fn keys_where(
        &self,
        table: &Table,
        key: &[&Column],
        condition: &str,
        most: usize,
        rows: &mut dyn RowSink,
    ) -> Result<Option<u64>, SourceError> {
        let order = aggregate::key_order(key);
        // The rest of a read, with the key as the whole table.
        let columns = key.iter().map(|column| (*column).clone()).collect();
        let keys = Table { name: table.name.clone(), columns, ..Table::default() };
        self.ask_held(table, |session| {
            let pages = self.pages(session)?;
            let select = select::select(&keys, &pages.by_collation, pages.of_database.as_deref());
            let list = select.sql.strip_prefix("select ").unwrap_or(&select.sql);
            let sql = format!("select top ({most}) {list} as this where {condition}{order}");
            read_rows(session, table, &select, &sql, rows)
        })
        .map(Some)
    }
}

impl Live {
    fn read_on(
        &self,
        session: &mut Session,
        table: &Table,
        split: &Split,
        rows: &mut dyn RowSink,
    ) -> Result<u64, SourceError> {
        let pages = self.pages(session)?;
        let select = select::select(table, &pages.by_collation, pages.of_database.as_deref());
        let sql = match split.locator.as_str() {
            "" => select.sql.clone(),
            condition => format!("{} where {condition}", select.sql),
        };
        read_rows(session, table, &select, &sql, rows)
    }

    /// Asks something of a table in the state that is held. A question that the server refuses does not cost what is held:
    /// the session is kept, if its transaction is still open.
    fn ask_held<T>(
        &self,
        table: &Table,
        work: impl FnOnce(&mut Session) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        if self.stands_apart(table) {
            return work(&mut Session::open(&self.address)?);
        }
        let mut session = self.session()?;
        let done = work(&mut session);
        let keep = match &done {
            Ok(_) => true,
            Err(error) => match error.kind {
                ErrorKind::Query | ErrorKind::Permission | ErrorKind::Unsupported => {
                    let kind = self.state().held.as_ref().map(|held| held.hold.kind);
                    kind != Some(HoldKind::SnapshotIsolation) || aggregate::is_in_transaction(&mut session)
                }
                _ => false,
            },
        };
        if keep {
            self.give_back(session);
        }
        done
    }
}

fn read_rows(
    session: &mut Session,
    table: &Table,
    select: &select::Select,
    sql: &str,
    rows: &mut dyn RowSink,
) -> Result<u64, SourceError> {
    let mut writer = TableRows::new(select, rows);
    let outcome = session.read_table(&format!("read {}", table.name), sql, &mut writer);
    let (count, trouble) = writer.finish();
    outcome?;
    let Some(trouble) = trouble else { return Ok(count) };
    warn!(table = %table.name, "rows are not what the catalog says");
    Err(SourceError::new(ErrorKind::Damaged, format!("cannot read {}: {trouble}", table.name)))
}

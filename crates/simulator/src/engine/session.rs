//! One connection: what it has set, which transaction it is in, what it may do.

use super::bulk::BulkLoad;
use super::failures::{
    closed_database, denied, planned, read_only, severe, unknown_database, unknown_object, unsupported,
};
use super::language::cursor::object_of;
use super::state::{Content, DatabaseState, Hosted, LAST_SYSTEM_DATABASE, Server};
use crate::answer::{AnswerColumn, BatchParameter, Failure, Stopped};
use crate::conversation::Conversation;
use crate::options::Login;
use mssql2pg_catalog::{ObjectName, RowSink, Table};
use std::collections::HashMap;
use std::sync::Arc;

/// The collation of a server whose database tells none.
pub(crate) const DEFAULT_COLLATION: &str = "SQL_Latin1_General_CP1_CI_AS";
/// EngineEdition of Azure SQL Database.
pub(crate) const AZURE_SQL_DATABASE: i32 = 5;

/// A connection that is logged in.
pub(crate) struct Session {
    pub(crate) server: Arc<Server>,
    pub(crate) login: Login,
    pub(crate) session_id: i32,
    pub(crate) database_id: i32,
    database_name: String,
    collation: String,
    /// `@@trancount`.
    pub(crate) transactions: i32,
    pub(crate) isolation: Isolation,
    /// By database: what the SNAPSHOT transaction sees.
    pinned: HashMap<i32, Arc<DatabaseState>>,
    /// What a rollback puts back.
    undo: Vec<(i32, ObjectName, Option<Content>)>,
    pub(crate) identity_insert: Option<ObjectName>,
    pub(crate) parameters: Vec<BatchParameter>,
    pub(crate) bulk: Option<BulkLoad>,
    /// Whether this batch has asked the planned faults already.
    pub(crate) has_read: bool,
    /// The error that the next read fails with after some rows.
    pub(crate) midway: Option<Failure>,
}

/// The isolation levels that differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Each statement sees what is committed.
    Committed,
    /// A transaction sees what was there when it first read.
    Snapshot,
}

/// A table whose rows can be read.
pub(crate) struct TableRows {
    state: Arc<DatabaseState>,
    place: usize,
}

impl TableRows {
    /// Its definition.
    pub(crate) fn table(&self) -> &Table {
        &self.state.catalog.tables[self.place]
    }

    /// Pushes its rows: one value for each stored column.
    pub(crate) fn read(&self, sink: &mut dyn RowSink) {
        let table = self.table();
        match self.state.content(&table.name) {
            Some(Content::Given(rows, _)) => rows.read(table, sink),
            Some(Content::Kept(rows)) => rows.read(table.stored_columns().count(), sink),
            None => {}
        }
    }
}

impl Session {
    pub(crate) fn new(server: Arc<Server>, login: Login, database: &Hosted) -> Self {
        let session_id = server.next_session();
        let mut session = Self {
            server,
            login,
            session_id,
            database_id: 0,
            database_name: String::new(),
            collation: String::new(),
            transactions: 0,
            isolation: Isolation::Committed,
            pinned: HashMap::new(),
            undo: Vec::new(),
            identity_insert: None,
            parameters: Vec::new(),
            bulk: None,
            has_read: false,
            midway: None,
        };
        session.enter(database);
        session
    }

    /// Goes into a database.
    pub(crate) fn enter(&mut self, database: &Hosted) {
        self.database_id = database.id;
        self.database_name.clone_from(&database.name);
        let collation = database.state.catalog.database.collation.as_deref();
        collation.unwrap_or(DEFAULT_COLLATION).clone_into(&mut self.collation);
    }

    /// The database's collation.
    pub(crate) fn collation_name(&self) -> &str {
        &self.collation
    }

    /// Whether names of this database that differ in case are different.
    pub(crate) fn case_sensitive(&self) -> bool {
        super::values::collation::Collation::named(&self.collation).case_sensitive
    }

    /// Whether two names of this database are one.
    pub(crate) fn same_name(&self, a: &str, b: &str) -> bool {
        if self.case_sensitive() { a == b } else { a.to_lowercase() == b.to_lowercase() }
    }

    /// A database that the login may open.
    ///
    /// # Errors
    /// 911 and 916.
    pub(crate) fn open_database(&self, name: &str) -> Result<Hosted, Failure> {
        let found = self.server.database(name).ok_or_else(|| unknown_database(name))?;
        if is_closed(&self.login, &found, &self.server) {
            return Err(closed_database(name, &self.login.name));
        }
        Ok(found)
    }

    /// What a statement of this session sees of a database.
    ///
    /// # Errors
    /// 911, and 3952 where SNAPSHOT isolation is not allowed.
    pub(crate) fn state(&mut self, id: i32) -> Result<Arc<DatabaseState>, Failure> {
        let hosted = self.server.database_of(id)?;
        if self.isolation == Isolation::Committed {
            return Ok(hosted.state);
        }
        if !self.server.options.snapshot_isolation && hosted.id > LAST_SYSTEM_DATABASE {
            let name = hosted.name;
            let text = format!(
                "Snapshot isolation transaction failed accessing database '{name}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation."
            );
            return Err(Failure::new(3952, text));
        }
        if self.transactions == 0 {
            return Ok(hosted.state);
        }
        Ok(Arc::clone(self.pinned.entry(id).or_insert(hosted.state)))
    }

    /// Opens a table to read it.
    ///
    /// # Errors
    /// 208, 229, 916 and the planned faults; dirty reads are refused.
    pub(crate) fn open_table(&mut self, parts: &[String], hints: &[String]) -> Result<TableRows, Failure> {
        if hints.iter().any(|hint| hint == "nolock" || hint == "readuncommitted") {
            return Err(unsupported("dirty reads are forbidden here (nolock, readuncommitted)"));
        }
        let id = match parts {
            [database, _, _] if !database.is_empty() => self.open_database(database)?.id,
            [_, _, _, _, ..] => return Err(unsupported("linked servers")),
            _ => self.database_id,
        };
        let state = self.state(id)?;
        let name = object_of(parts);
        let found = state.catalog.tables.iter().position(|table| {
            self.same_name(&table.name.schema, &name.schema) && self.same_name(&table.name.name, &name.name)
        });
        let Some(place) = found else {
            let is_code = state.catalog.code.iter().any(|code| self.same_name(&code.name.name, &name.name));
            return Err(match is_code {
                true => unsupported(format!("reading the view {name}")),
                false => unknown_object(&parts.join(".")),
            });
        };
        let table = TableRows { state, place };
        self.check_select(table.table())?;
        self.ask_faults()?;
        Ok(table)
    }

    /// Whether the login may read the table.
    pub(crate) fn check_select(&self, table: &Table) -> Result<(), Failure> {
        let rights = &self.login.rights;
        let name = table.name.to_string();
        if rights.select && !rights.denied.iter().any(|denied| self.same_name(denied, &name)) {
            return Ok(());
        }
        Err(denied("SELECT", &table.name.name, &self.database_name, &table.name.schema))
    }

    /// The faults that are planned for a batch that reads a user table.
    fn ask_faults(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.has_read, true) {
            return Ok(());
        }
        let mut plan = self.server.faults.plan();
        if !plan.fail_reads.is_empty() {
            return Err(planned(plan.fail_reads.remove(0)));
        }
        if !plan.fail_reads_midway.is_empty() {
            self.midway = Some(planned(plan.fail_reads_midway.remove(0)));
        }
        Ok(())
    }

    /// Whether the login may write, and the database can be written to.
    ///
    /// # Errors
    /// 262 with the name of what it wants to do, and 3906.
    pub(crate) fn check_write(&self, permission: &str) -> Result<(), Failure> {
        if !self.login.rights.write {
            return Err(super::failures::may_not(permission, &self.database_name));
        }
        let hosted = self.server.database_of(self.database_id)?;
        if hosted.source.is_some() || self.server.options.read_only {
            return Err(read_only(&self.database_name));
        }
        Ok(())
    }

    /// Changes the database that the session is in.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(&mut DatabaseState) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.server.change(self.database_id, change)
    }

    /// Notes the rows of a table before they change, for a rollback.
    pub(crate) fn note_undo(&mut self, name: &ObjectName) -> Result<(), Failure> {
        let known =
            |(id, noted, _): &(i32, ObjectName, Option<Content>)| *id == self.database_id && noted == name;
        if self.transactions > 0 && !self.undo.iter().any(known) {
            let state = self.server.database_of(self.database_id)?.state;
            self.undo.push((self.database_id, name.clone(), state.content(name).cloned()));
        }
        Ok(())
    }

    /// Ends the transaction.
    pub(crate) fn end_transaction(&mut self, rolled_back: bool) -> Result<(), Failure> {
        self.transactions = 0;
        self.pinned.clear();
        for (id, name, content) in std::mem::take(&mut self.undo) {
            if let (true, Some(content)) = (rolled_back, content) {
                self.server.change(id, |state| {
                    state.set_content(&name, content);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Whether the login may not open the database.
pub(crate) fn is_closed(login: &Login, database: &Hosted, server: &Server) -> bool {
    let closed = |name: &str| login.rights.closed.iter().any(|closed| closed.eq_ignore_ascii_case(name));
    let source = database.source.and_then(|id| server.database_of(id).ok());
    closed(&database.name) || source.is_some_and(|source| closed(&source.name))
}

impl Conversation for Session {
    fn database(&self) -> &str {
        &self.database_name
    }

    fn collation(&self) -> &str {
        &self.collation
    }

    fn batch(
        &mut self,
        sql: &str,
        parameters: &[BatchParameter],
        answer: &mut dyn crate::answer::Answer,
    ) -> Result<(), Stopped> {
        self.has_read = false;
        self.midway = None;
        self.parameters = parameters.to_vec();
        if self.server.database_of(self.database_id).is_err() {
            // The database was dropped under the session: SQL Server would have ended it.
            return Err(Stopped::Failed(severe(
                20,
                911,
                format!("Database '{}' does not exist.", self.database_name),
            )));
        }
        let done = super::batch::run(self, sql, answer);
        if let Err(Stopped::Failed(failure)) = &done {
            // A deadlock's victim loses its transaction.
            if (failure.number == 1205 || failure.number == 3960) && self.transactions > 0 {
                self.end_transaction(true)?;
                answer.transaction(false)?;
            }
        }
        done
    }

    fn bulk_rows(&mut self, columns: &[AnswerColumn]) -> Result<Box<dyn RowSink + '_>, Failure> {
        super::bulk::rows(self, columns)
    }

    fn end_bulk(&mut self) -> Result<u64, Failure> {
        super::bulk::end(self)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What was not committed is rolled back; the databases may be gone already.
        let _ = self.end_transaction(true);
    }
}

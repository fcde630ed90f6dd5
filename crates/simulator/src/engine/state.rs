//! The databases that a server has, and their rows.
//!
//! Invariant: a state that somebody holds never changes. Who writes makes a new one, which shares all that stayed the
//! same; that is what a database snapshot and a SNAPSHOT transaction are.

use super::failures::{already_there, unknown_database};
use super::values::packed::PackedRows;
use super::views::Views;
use crate::answer::Failure;
use crate::database::{Database, Rows};
use crate::options::{Faults, Options};
use mssql2pg_catalog::{Catalog, ObjectName, RowSink, Stop, Table, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

/// The databases up to this number are the system's.
pub(crate) const LAST_SYSTEM_DATABASE: i32 = 4;

/// A server.
pub(crate) struct Server {
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    databases: Mutex<Vec<Hosted>>,
    /// Raised with each change of a catalog or of the list of databases.
    version: AtomicU64,
    /// The next `rowversion`.
    row_version: AtomicI64,
    sessions: AtomicU64,
    /// By database: its views, and the version that they are of.
    views: Mutex<HashMap<i32, (u64, Arc<Views>)>>,
}

/// A database of the server.
#[derive(Clone)]
pub(crate) struct Hosted {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) create_date: SystemTime,
    /// For a snapshot: the database that it is one of.
    pub(crate) source: Option<i32>,
    pub(crate) state: Arc<DatabaseState>,
}

/// What a database holds at one moment.
#[derive(Clone, Default)]
pub(crate) struct DatabaseState {
    pub(crate) catalog: Arc<Catalog>,
    contents: HashMap<ObjectName, Content>,
}

/// The rows of one table.
#[derive(Clone)]
pub(crate) enum Content {
    /// From the test, read anew each time; and their number, once somebody has counted.
    Given(Arc<dyn Rows>, Arc<OnceLock<u64>>),
    /// In memory.
    Kept(Arc<PackedRows>),
}

impl Server {
    /// A server with the databases of `options`, and the system's own.
    pub(crate) fn new(options: Options, faults: Faults) -> Self {
        let mut hosted: Vec<Hosted> = Vec::new();
        for (id, name) in [(1, "master"), (2, "tempdb"), (3, "model"), (4, "msdb")] {
            hosted.push(Hosted::new(id, name, DatabaseState::default()));
        }
        for (place, database) in options.databases.iter().enumerate() {
            let state = DatabaseState::of(database);
            let name = &database.catalog.database.name;
            match hosted.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name)) {
                Some(known) => known.state = Arc::new(state),
                None => {
                    let id = LAST_SYSTEM_DATABASE + 1 + i32::try_from(place).unwrap_or(0);
                    hosted.push(Hosted::new(id, name, state));
                }
            }
        }
        Self {
            options,
            faults,
            databases: Mutex::new(hosted),
            version: AtomicU64::new(1),
            row_version: AtomicI64::new(2001),
            sessions: AtomicU64::new(51),
            views: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Hosted>> {
        self.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database of that name, as it is now.
    pub(crate) fn database(&self, name: &str) -> Option<Hosted> {
        let same = |known: &&Hosted| match self.options.case_sensitive {
            true => known.name == name,
            false => known.name.to_lowercase() == name.to_lowercase(),
        };
        self.lock().iter().find(same).cloned()
    }

    /// The database of that number, as it is now.
    ///
    /// # Errors
    /// 911 when it was dropped.
    pub(crate) fn database_of(&self, id: i32) -> Result<Hosted, Failure> {
        let found = self.lock().iter().find(|known| known.id == id).cloned();
        found.ok_or_else(|| unknown_database(&format!("#{id}")))
    }

    /// All databases.
    pub(crate) fn databases(&self) -> Vec<Hosted> {
        self.lock().clone()
    }

    /// Which version of catalogs and databases this is.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// The next `rowversion`.
    pub(crate) fn next_row_version(&self) -> [u8; 8] {
        self.row_version.fetch_add(1, Ordering::SeqCst).to_be_bytes()
    }

    /// A number for a session.
    pub(crate) fn next_session(&self) -> i32 {
        i32::try_from(self.sessions.fetch_add(1, Ordering::SeqCst)).unwrap_or(51)
    }

    /// The catalog views of a database.
    ///
    /// # Errors
    /// 911 when it was dropped.
    pub(crate) fn views(&self, id: i32) -> Result<Arc<Views>, Failure> {
        let version = self.version();
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = views.get(&id).filter(|(of, _)| *of == version) {
            return Ok(Arc::clone(known));
        }
        let hosted = self.database_of(id)?;
        let opened = Arc::new(Views::open(&hosted.state.catalog, &super::facts::of_database(self, &hosted))?);
        views.insert(id, (version, Arc::clone(&opened)));
        Ok(opened)
    }

    /// Changes the catalog or the rows of a database.
    ///
    /// # Errors
    /// Those of `change`, which must then have changed nothing.
    pub(crate) fn change<T>(
        &self,
        id: i32,
        change: impl FnOnce(&mut DatabaseState) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut databases = self.lock();
        let hosted = databases.iter_mut().find(|known| known.id == id);
        let hosted = hosted.ok_or_else(|| unknown_database(&format!("#{id}")))?;
        let before = Arc::clone(&hosted.state.catalog);
        let done = change(Arc::make_mut(&mut hosted.state))?;
        if !Arc::ptr_eq(&before, &hosted.state.catalog) {
            self.version.fetch_add(1, Ordering::SeqCst);
        }
        Ok(done)
    }

    /// Makes a database: empty, or a snapshot of another.
    ///
    /// # Errors
    /// 1801 when there is one of that name.
    pub(crate) fn create(&self, name: &str, source: Option<&Hosted>) -> Result<(), Failure> {
        if self.database(name).is_some() {
            let text = format!("Database '{name}' already exists. Choose a different database name.");
            return Err(Failure { state: 3, ..Failure::new(1801, text) });
        }
        let mut state = match source {
            Some(source) => (*self.database_of(source.id)?.state).clone(),
            None => DatabaseState::default(),
        };
        let mut catalog = (*state.catalog).clone();
        name.clone_into(&mut catalog.database.name);
        state.catalog = Arc::new(catalog);
        let mut databases = self.lock();
        let id = databases.iter().map(|known| known.id).max().unwrap_or(LAST_SYSTEM_DATABASE) + 1;
        databases.push(Hosted { source: source.map(|source| source.id), ..Hosted::new(id, name, state) });
        self.version.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Drops a database.
    pub(crate) fn remove(&self, id: i32) {
        self.lock().retain(|known| known.id != id);
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

impl Hosted {
    fn new(id: i32, name: &str, state: DatabaseState) -> Self {
        let name = name.to_owned();
        Self { id, name, create_date: SystemTime::now(), source: None, state: Arc::new(state) }
    }
}

impl DatabaseState {
    fn of(database: &Database) -> Self {
        let given = || Content::Given(Arc::clone(&database.rows), Arc::default());
        let contents = database.catalog.tables.iter().map(|table| (table.name.clone(), given()));
        Self { catalog: Arc::new(database.catalog.clone()), contents: contents.collect() }
    }

    /// The rows of a table.
    pub(crate) fn content(&self, name: &ObjectName) -> Option<&Content> {
        self.contents.get(name)
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &Table) -> u64 {
        match self.contents.get(&table.name) {
            Some(Content::Kept(rows)) => rows.len(),
            Some(Content::Given(rows, count)) => *count.get_or_init(|| {
                let mut counter = Counter(0);
                rows.read(table, &mut counter);
                counter.0
            }),
            None => 0,
        }
    }

    /// The catalog, to change it.
    pub(crate) fn catalog_mut(&mut self) -> &mut Catalog {
        // A new one even when nobody else holds it: that is how a change is noticed.
        self.catalog = Arc::new((*self.catalog).clone());
        Arc::make_mut(&mut self.catalog)
    }

    /// The table of that name, to change it.
    ///
    /// # Errors
    /// 4902 when there is none.
    pub(crate) fn table_mut(&mut self, name: &ObjectName) -> Result<&mut Table, Failure> {
        let found = self.catalog_mut().tables.iter_mut().find(|table| table.name == *name);
        found.ok_or_else(|| {
            let text = format!(
                "Cannot find the object \"{name}\" because it does not exist or you do not have permissions."
            );
            Failure::new(4902, text)
        })
    }

    /// Adds an empty table.
    ///
    /// # Errors
    /// 2714 when there is an object of that name.
    pub(crate) fn add_table(&mut self, table: Table) -> Result<(), Failure> {
        if self.catalog.table(&table.name).is_some() {
            return Err(already_there(&table.name.name));
        }
        self.contents.insert(table.name.clone(), Content::Kept(Arc::default()));
        self.catalog_mut().tables.push(table);
        Ok(())
    }

    /// Drops a table.
    pub(crate) fn drop_table(&mut self, name: &ObjectName) {
        self.contents.remove(name);
        self.catalog_mut().tables.retain(|table| table.name != *name);
    }

    /// Gives a table other rows.
    pub(crate) fn set_content(&mut self, name: &ObjectName, content: Content) {
        self.contents.insert(name.clone(), content);
    }

    /// The rows of a table, to add to them.
    pub(crate) fn rows_mut(&mut self, table: &Table) -> &mut PackedRows {
        let content =
            self.contents.entry(table.name.clone()).or_insert_with(|| Content::Kept(Arc::default()));
        if let Content::Given(rows, _) = content {
            let mut copy = Copying { row: Vec::new(), rows: PackedRows::default() };
            rows.read(table, &mut copy);
            *content = Content::Kept(Arc::new(copy.rows));
        }
        match content {
            Content::Kept(rows) => Arc::make_mut(rows),
            Content::Given(..) => unreachable!("it was just made to be kept"),
        }
    }
}

struct Counter(u64);

impl RowSink for Counter {
    fn value(&mut self, _value: Value<'_>) {}

    fn end_row(&mut self) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }
}

struct Copying {
    row: Vec<u8>,
    rows: PackedRows,
}

impl RowSink for Copying {
    fn value(&mut self, value: Value<'_>) {
        super::values::packed::pack(super::values::owned::Cell::of(value), &mut self.row);
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(&self.row);
        self.row.clear();
        Ok(())
    }
}

//! Holding the rows of a live database still.
//!
//! In the order of preference: the database is read-only; a database snapshot that we make and drop; one transaction a
//! reader at the isolation level SNAPSHOT; the user's word that nobody writes. Anything else is a source that moves, which
//! the user must accept by name. Dirty reads never happen.
//!
//! Invariant: [`Held::state`] of two holds is equal only when the rows are.

use super::address::Address;
use super::connect::Session;
use super::quote;
use crate::{ErrorKind, Hold, HoldKind, HoldRequest, SourceError, Wanted};
use mssql2pg_catalog::{ObjectName, Table};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tracing::{info, warn};

const HOLD: &str = include_str!("queries/hold.sql");
const CHANGES: &str = include_str!("queries/changes.sql");
const TRACKED: &str = include_str!("queries/tracked_tables.sql");
const DATA_FILES: &str = include_str!("queries/data_files.sql");
const SNAPSHOTS: &str = include_str!("queries/snapshots.sql");

/// How often the transactions of all readers are begun again when something was committed between the first and the
/// last of them.
const WINDOW_TRIES: u32 = 5;
/// Azure SQL Database, Managed Instance and SQL database in Fabric have no database snapshots
/// (`SERVERPROPERTY('EngineEdition')`).
const AZURE: &[i64] = &[5, 8, 12];

/// What holds, and what is needed to read in it.
#[derive(Debug)]
pub(crate) struct Held {
    /// As the run is told.
    pub(crate) hold: Hold,
    /// The database to read in, where it is not the one of the address.
    pub(crate) database: Option<String>,
    /// Sessions that hold something themselves: they were begun together.
    pub(crate) sessions: Vec<Session>,
    /// What betrays a change, where the server can tell.
    pub(crate) changes: Changes,
}

/// What betrays a change: change tracking's own versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// The version of the last change; none without change tracking.
    version: Option<i64>,
    /// The versions from which it knows, and since which it watches: a truncation, which it does not see, moves them,
    /// and so does its own cleaning up.
    least: Option<i64>,
    begin: Option<i64>,
    /// Tables of the run that it does not watch.
    unwatched: usize,
}

impl Changes {
    /// Whether nothing can have changed between the two.
    pub(crate) fn none_between(self, later: Self) -> bool {
        self.version.is_some() && self == later && self.unwatched == 0
    }

    /// Whether something has changed for certain.
    pub(crate) fn some_between(self, later: Self) -> bool {
        self.version.is_some() && self.version != later.version
    }

    /// The state that these versions stand for; none if they stand for nothing.
    fn state(self) -> Option<String> {
        let version = self.version.filter(|_| self.unwatched == 0)?;
        Some(format!(
            "change-tracking:{version}:{}:{}",
            self.least.unwrap_or_default(),
            self.begin.unwrap_or_default()
        ))
    }
}

/// What the server says about its means.
pub(super) struct Means {
    create_date: String,
    /// Whether nobody can change the database.
    pub(super) is_read_only: bool,
    /// Whether SNAPSHOT isolation is allowed.
    pub(super) allows_isolation: bool,
    /// Why no database snapshot can be made; none if one can.
    pub(super) no_snapshot: Option<&'static str>,
    /// Whether two sessions may be on two servers, and nothing tells them apart.
    may_differ: bool,
    now: String,
}

/// Holds the rows still, or takes up again what held before.
///
/// # Errors
/// As [`crate::Source::hold`].
pub(crate) fn hold(address: &Address, request: &HoldRequest<'_>) -> Result<Held, SourceError> {
    let mut session = Session::open(address)?;
    let means = means(address, &mut session)?;
    let changes = changes(&mut session, request.tables)?;
    if let Some(before) = request.before {
        return again(address, session, &means, changes, before, request);
    }
    match request.wanted {
        Wanted::Quiesced => Ok(quiesced(&means, changes)),
        _ if means.is_read_only => Ok(read_only(&means)),
        Wanted::DatabaseSnapshot => match means.no_snapshot {
            Some(why) => Err(SourceError::new(
                ErrorKind::Unsupported,
                format!("no database snapshot can be made: {why}"),
            )),
            None => database_snapshot(&mut session, request),
        },
        Wanted::SnapshotIsolation if !means.allows_isolation => Err(SourceError::new(
            ErrorKind::Unsupported,
            "the database does not allow SNAPSHOT isolation (alter database … set allow_snapshot_isolation on)",
        )),
        Wanted::SnapshotIsolation => isolation(address, session, &means, request),
        Wanted::Light if means.allows_isolation => isolation(address, session, &means, request),
        Wanted::Best | Wanted::Light => best(address, session, &means, request),
    }
}

fn best(
    address: &Address,
    mut session: Session,
    means: &Means,
    request: &HoldRequest<'_>,
) -> Result<Held, SourceError> {
    let mut why_not = means.no_snapshot.map(str::to_owned);
    if why_not.is_none() {
        match database_snapshot(&mut session, request) {
            Ok(held) => return Ok(held),
            Err(error) if error.kind == ErrorKind::Lost => return Err(error),
            Err(error) => {
                let why = error.server().map_or_else(|| error.to_string(), ToString::to_string);
                warn!(error = error.server().map(|server| server.number), "no database snapshot can be made");
                why_not = Some(why);
            }
        }
    }
    let why_not = why_not.unwrap_or_default();
    if means.allows_isolation {
        return isolation(address, session, means, request);
    }
    if request.accept_moving {
        return Ok(moving(means));
    }
    Err(SourceError::new(
        ErrorKind::Moving,
        format!(
            "the database may change while it is read: no database snapshot ({why_not}), SNAPSHOT isolation is not allowed, and it is not read-only"
        ),
    ))
}

/// Takes up the state that an earlier command of this run has read from.
fn again(
    address: &Address,
    mut session: Session,
    means: &Means,
    changes: Changes,
    before: &Hold,
    request: &HoldRequest<'_>,
) -> Result<Held, SourceError> {
    let lost = |why: &str| {
        SourceError::new(
            ErrorKind::SnapshotLost,
            format!("this run cannot go on in the state that it began with: {why}"),
        )
    };
    match before.kind {
        HoldKind::DatabaseSnapshot => {
            let found = session.ask("list the database snapshots", SNAPSHOTS)?;
            for row in found.rows() {
                let name = row.name("name")?;
                if snapshot_state(&name, &row.name("create_date")?) == before.state {
                    let hold = before.clone();
                    return Ok(Held { hold, database: Some(name), sessions: Vec::new(), changes });
                }
            }
            Err(lost("its database snapshot is gone"))
        }
        HoldKind::SnapshotIsolation => {
            let held = isolation(address, session, means, request)?;
            match held.hold.state == before.state {
                true => Ok(held),
                false => Err(lost(
                    "its transactions ended with it, and change tracking does not prove that nothing has changed since",
                )),
            }
        }
        HoldKind::ReadOnly if means.is_read_only && read_only(means).hold.state == before.state => {
            let mut held = read_only(means);
            held.hold.doubt = Some(
                "the run was interrupted, and only the user knows that the database stayed read-only meanwhile".to_owned(),
            );
            Ok(held)
        }
        HoldKind::ReadOnly => Err(lost("the database is not read-only any more")),
        HoldKind::Quiesced if request.wanted == Wanted::Quiesced || request.accept_moving => {
            let held = quiesced(means, changes);
            let known = |state: &str| state.contains("change-tracking");
            match known(&before.state) && known(&held.hold.state) && held.hold.state != before.state {
                true => Err(lost("the database was said to be quiet, and change tracking knows of a change")),
                false => Ok(held),
            }
        }
        HoldKind::Quiesced => Err(lost("it began with --quiesced, and this command does not say so")),
        HoldKind::Moving if request.accept_moving => Ok(Held { hold: before.clone(), ..moving(means) }),
        HoldKind::Moving | HoldKind::File => Err(lost("it began with a source that moves")),
    }
}

/// What could hold the database still. [`hold`] and the doctor decide by the same answer.
///
/// # Errors
/// When the server cannot be asked.
pub(super) fn means(address: &Address, session: &mut Session) -> Result<Means, SourceError> {
    let answer = session.ask("ask what can hold the database still", HOLD)?;
    let row = answer
        .first()
        .ok_or_else(|| SourceError::new(ErrorKind::Permission, "the database is not in sys.databases"))?;
    let edition = row.int("engine_edition")?.unwrap_or_default();
    let no_snapshot = if AZURE.contains(&edition) {
        Some("there are none on Azure SQL")
    } else if !row.flag("may_create_database")? {
        Some("the login may not create one (CREATE ANY DATABASE)")
    } else if address.application_intent_read_only {
        Some(
            "with application_intent=read-only each session may reach another replica, and a snapshot is on one",
        )
    } else if row.int("filestream_files")?.unwrap_or_default() > 0 {
        Some("the database has FILESTREAM data, which a snapshot does not hold")
    } else {
        None
    };
    Ok(Means {
        create_date: row.name("create_date")?,
        // A database snapshot given as the source is read-only, too. One in standby changes with each log restored.
        is_read_only: (row.flag("is_read_only")? && !row.flag("is_in_standby")?)
            || row.int("source_database_id")?.is_some(),
        allows_isolation: row.text("snapshot_isolation_state_desc")? == Some("ON"),
        no_snapshot,
        may_differ: address.application_intent_read_only,
        now: row.name("now_utc")?,
    })
}

/// Whether the database is still one that nobody can write into.
///
/// # Errors
/// When the server cannot be asked.
pub(crate) fn is_read_only(address: &Address) -> Result<bool, SourceError> {
    Ok(means(address, &mut Session::open(address)?)?.is_read_only)
}

/// What betrays a change, now, in any of the tables.
///
/// # Errors
/// When the server cannot be asked.
pub(crate) fn changes(session: &mut Session, tables: &[Table]) -> Result<Changes, SourceError> {
    let answer = session.ask("ask for the version of the last change", CHANGES)?;
    let Some(row) = answer.first() else { return Ok(Changes::default()) };
    let version = row.int("change_version")?;
    let (least, begin) = (row.int("least_versions")?, row.int("begin_versions")?);
    if version.is_none() {
        return Ok(Changes::default());
    }
    let answer = session.ask("list the tables that change tracking watches", TRACKED)?;
    let watched = answer
        .rows()
        .map(|row| Ok(ObjectName::new(row.name("schema_name")?, row.name("table_name")?)))
        .collect::<Result<HashSet<ObjectName>, SourceError>>()?;
    let unwatched = tables.iter().filter(|table| !watched.contains(&table.name)).count();
    Ok(Changes { version, least, begin, unwatched })
}

fn read_only(means: &Means) -> Held {
    let hold = Hold {
        kind: HoldKind::ReadOnly,
        state: format!("read-only:{}", means.create_date),
        sentence: "read from a read-only database".to_owned(),
        doubt: None,
    };
    Held { hold, database: None, sessions: Vec::new(), changes: Changes::default() }
}

fn quiesced(means: &Means, changes: Changes) -> Held {
    let watched = changes.state();
    let hold = Hold {
        kind: HoldKind::Quiesced,
        state: match &watched {
            Some(state) => format!("quiesced:{state}"),
            None => format!("quiesced:{}", means.create_date),
        },
        sentence: "read from a database that the user declared quiet (--quiesced)".to_owned(),
        doubt: watched.is_none().then(|| {
            "nothing but the user's word says that nobody wrote while it was read: change tracking is not on for every table"
                .to_owned()
        }),
    };
    Held { hold, database: None, sessions: Vec::new(), changes }
}

fn moving(means: &Means) -> Held {
    let hold = Hold {
        kind: HoldKind::Moving,
        state: format!("moving:{}", means.now),
        sentence: "read from a database that may have changed meanwhile, which the user accepted (--accept-moving-source)"
            .to_owned(),
        doubt: Some("tables may have been read in different states".to_owned()),
    };
    Held { hold, database: None, sessions: Vec::new(), changes: Changes::default() }
}

fn snapshot_state(name: &str, create_date: &str) -> String {
    format!("snapshot:{name}:{create_date}")
}

/// Makes a database snapshot ("CREATE DATABASE (Transact-SQL)", AS SNAPSHOT OF): one sparse file beside each data file.
fn database_snapshot(session: &mut Session, request: &HoldRequest<'_>) -> Result<Held, SourceError> {
    let answer = session.ask("ask for the database's name", HOLD)?;
    let database = answer.first().map(|row| row.name("database_name")).transpose()?.unwrap_or_default();
    let tag: String = request.run_id.chars().take(8).collect();
    // A name has at most 128 characters.
    let stem: String = database.chars().take(100).collect();
    let name = format!("{stem}_mssql2pg_{tag}");
    let existing = |session: &mut Session| -> Result<Option<String>, SourceError> {
        let found = session.ask("list the database snapshots", SNAPSHOTS)?;
        for row in found.rows() {
            if row.text("name")? == Some(name.as_str()) {
                return row.name("create_date").map(Some);
            }
        }
        Ok(None)
    };
    if existing(session)?.is_some() {
        // Ours, of a command that was killed before it could note it.
        drop_snapshot(session, &name)?;
    }
    let files = session.ask("list the data files", DATA_FILES)?;
    let mut places = Vec::new();
    for row in files.rows() {
        let (logical, physical) = (row.name("name")?, row.name("physical_name")?);
        let physical = physical.replace('\'', "''");
        places.push(format!("(name = {}, filename = N'{physical}.mssql2pg_{tag}.ss')", quote(&logical)));
    }
    let sql = format!(
        "create database {} on {} as snapshot of {}",
        quote(&name),
        places.join(", "),
        quote(&database)
    );
    session.run("make a database snapshot", &sql)?;
    let create_date = existing(session)?.unwrap_or_default();
    info!(snapshot = name, "database snapshot made");
    let hold = Hold {
        kind: HoldKind::DatabaseSnapshot,
        state: snapshot_state(&name, &create_date),
        sentence: format!(
            "read from one database snapshot, {name}, made at {create_date} of the server's time"
        ),
        doubt: None,
    };
    Ok(Held { hold, database: Some(name), sessions: Vec::new(), changes: Changes::default() })
}

/// Whether the database has a snapshot of that name.
///
/// # Errors
/// When the server cannot be asked.
pub(crate) fn is_there(session: &mut Session, snapshot: &str) -> Result<bool, SourceError> {
    let found = session.ask("list the database snapshots", SNAPSHOTS)?;
    for row in found.rows() {
        if row.text("name")? == Some(snapshot) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Drops a database snapshot of ours.
///
/// # Errors
/// When it stays; the error names it.
pub(crate) fn drop_snapshot(session: &mut Session, name: &str) -> Result<(), SourceError> {
    if !is_there(session, name)? {
        return Ok(());
    }
    session.run(&format!("drop the database snapshot {name}"), &format!("drop database {}", quote(name)))
}

/// Begins one transaction a reader, and asks whether anything was committed between the first and the last.
fn isolation(
    address: &Address,
    mut session: Session,
    means: &Means,
    request: &HoldRequest<'_>,
) -> Result<Held, SourceError> {
    let mut sessions = Vec::new();
    for _ in 0..request.readers.max(1) {
        sessions.push(Session::open(address)?);
    }
    let mut tries = 1;
    let (first, last, window) = loop {
        let first = changes(&mut session, request.tables)?;
        let window = begin_together(&mut sessions, request.tables)?;
        let last = changes(&mut session, request.tables)?;
        if tries == WINDOW_TRIES || sessions.len() == 1 || !first.some_between(last) {
            break (first, last, window);
        }
        tries += 1;
        for session in &mut sessions {
            session.run("end a transaction", "rollback transaction")?;
        }
    };
    let proven = first.none_between(last) && !means.may_differ;
    let readers = sessions.len();
    let sentence = match (readers, proven) {
        (1, _) => "read in one transaction at the isolation level SNAPSHOT".to_owned(),
        (_, true) => format!(
            "read in {readers} transactions at the isolation level SNAPSHOT, begun within {} ms; change tracking proves that nothing was committed between them",
            window.as_millis()
        ),
        (_, false) => format!(
            "read in {readers} transactions at the isolation level SNAPSHOT, begun within {} ms",
            window.as_millis()
        ),
    };
    let mut doubts = Vec::new();
    if !proven && readers > 1 {
        doubts.push("what was committed between the first and the last transaction's beginning is seen by some readers and not by others: one worker (--jobs 1), change tracking on every table, or a database snapshot makes it exact".to_owned());
    }
    if means.may_differ {
        doubts.push("with application_intent=read-only each session may have reached another replica, which may have been behind the others".to_owned());
    }
    let in_memory = request.tables.iter().filter(|table| is_in_memory(table)).count();
    if in_memory > 0 {
        doubts.push(format!("{in_memory} memory-optimised tables cannot be read at that level, and are read by one statement each, in a later state"));
    }
    let doubt = (!doubts.is_empty()).then(|| doubts.join("; "));
    let state = match last.state() {
        Some(state) if proven => format!("snapshot-isolation:{state}"),
        _ => format!("snapshot-isolation:{}", means.now),
    };
    let hold = Hold { kind: HoldKind::SnapshotIsolation, state, sentence, doubt };
    Ok(Held { hold, database: None, sessions, changes: last })
}

/// Whether the table is memory-optimised: a session at the isolation level SNAPSHOT may not read it (error 41332,
/// "Transactions with Memory-Optimized Tables").
pub(crate) fn is_in_memory(table: &Table) -> bool {
    table.traits.iter().any(|word| word.contains("memory-optimized"))
}

/// Begins the transactions one right after the other. A snapshot is taken when a transaction first reads data ("SET
/// TRANSACTION ISOLATION LEVEL"), hence the look at a table.
fn begin_together(sessions: &mut [Session], tables: &[Table]) -> Result<Duration, SourceError> {
    let began = Instant::now();
    for session in sessions {
        begin_snapshot(session, tables)?;
    }
    Ok(began.elapsed())
}

/// Begins a transaction at the isolation level SNAPSHOT and takes its snapshot.
///
/// # Errors
/// `Query` when the database does not allow it.
pub(crate) fn begin_snapshot(session: &mut Session, tables: &[Table]) -> Result<(), SourceError> {
    session.run(
        "begin a snapshot transaction",
        // A lock on the schema (an index is rebuilt, say) is waited for; giving up would lose the snapshot.
        "set transaction isolation level snapshot; set lock_timeout 600000; begin transaction",
    )?;
    if let Some(table) = tables.iter().find(|table| !is_in_memory(table)) {
        let name = format!("{}.{}", quote(&table.name.schema), quote(&table.name.name));
        session.ask(&format!("look at {}", table.name), &format!("select top (1) 1 as one from {name}"))?;
    }
    Ok(())
}

//! What a simulated server is told to be, and to do wrong.

use crate::Database;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A server to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its databases; `master` need not be among them.
    pub databases: Vec<Database>,
    /// Who may log in.
    pub logins: Vec<Login>,
    /// How it encrypts.
    pub tls: Tls,
    /// `SERVERPROPERTY('ProductVersion')`, for example `16.0.4135.4`.
    pub product_version: String,
    /// `SERVERPROPERTY('Edition')`, for example `Developer Edition (64-bit)`.
    pub edition: String,
    /// `SERVERPROPERTY('EngineEdition')`: 3 for a server of one's own, 5 for Azure SQL Database, 8 for a Managed Instance.
    pub engine_edition: i32,
    /// Whether the server itself tells names of different case apart (its collation ends in `_CS_AS` or `_BIN2`).
    pub case_sensitive: bool,
    /// Whether the databases allow SNAPSHOT isolation.
    pub snapshot_isolation: bool,
    /// Whether the databases are read-only.
    pub read_only: bool,
    /// The version that change tracking tells; none when it is off.
    pub change_tracking: Option<i64>,
    /// Keep what a batch answers, by its text, and send the same bytes again: for benchmarks, so that the simulator is
    /// not the limit.
    pub remember_answers: bool,
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password; for a login by token, the token.
    pub password: String,
    /// What it may do.
    pub rights: Rights,
}

/// What a login may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// `SELECT` on the whole database.
    pub select: bool,
    /// `VIEW DEFINITION` on the database: without it the catalog views show no objects, and no texts.
    pub view_definition: bool,
    /// `CREATE ANY DATABASE`, which a database snapshot needs.
    pub create_database: bool,
    /// `CREATE TABLE`, `ALTER`, `INSERT`: what the generator needs.
    pub write: bool,
    /// `schema.table` of tables with `DENY SELECT`.
    pub denied: Vec<String>,
    /// Databases that the login may not open.
    pub closed: Vec<String>,
}

impl Rights {
    /// What `sysadmin` may do.
    pub fn all() -> Self {
        Self {
            select: true,
            view_definition: true,
            create_database: true,
            write: true,
            denied: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// `VIEW DEFINITION` and `SELECT`: what a migration needs.
    pub fn least() -> Self {
        Self { create_database: false, write: false, ..Self::all() }
    }
}

/// How a server encrypts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// It cannot (PRELOGIN ENCRYPT_NOT_SUP).
    None,
    /// It does when asked (ENCRYPT_OFF: the login alone, where the client does not ask for more).
    Offered(Certificate),
    /// It insists (ENCRYPT_REQ).
    Required(Certificate),
    /// TDS 8.0: TLS before anything else, and nothing without.
    Strict(Certificate),
}

/// A server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// PEM of the chain, the server's first.
    pub chain: PathBuf,
    /// PEM of the key.
    pub key: PathBuf,
}

impl Options {
    /// A SQL Server 2022 Developer Edition without TLS that serves `database` to `sa` with the password `Pass@word1`.
    pub fn new(database: Database) -> Self {
        Self {
            databases: vec![database],
            logins: vec![Login {
                name: "sa".to_owned(),
                password: "Pass@word1".to_owned(),
                rights: Rights::all(),
            }],
            tls: Tls::None,
            product_version: "16.0.4135.4".to_owned(),
            edition: "Developer Edition (64-bit)".to_owned(),
            engine_edition: 3,
            case_sensitive: false,
            snapshot_isolation: true,
            read_only: false,
            change_tracking: None,
            remember_answers: false,
        }
    }
}

/// What goes wrong from now on. A test changes it while the server runs.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<FaultPlan>>,
}

/// The faults that are planned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Close a connection after it was sent so many bytes of answers in all, over all connections, counted from the
    /// moment that this was set; the places are ascending and each works once.
    pub drop_after_bytes: Vec<u64>,
    /// Wait before each answer.
    pub delay: Option<Duration>,
    /// Answer the next so many batches that read a user table with this error number, in place of their rows:
    /// 1205, 40501 and the like.
    pub fail_reads: Vec<u32>,
    /// The same, but after some rows have been sent.
    pub fail_reads_midway: Vec<u32>,
    /// Answer the next so many logins with this error number.
    pub fail_logins: Vec<u32>,
    /// Send so many bytes of nonsense in place of the next answer to a read of a user table.
    pub garbage_bytes: Option<u64>,
    /// Accept connections and say nothing.
    pub silent: bool,
}

impl Faults {
    /// The plan, to read or to change.
    pub fn plan(&self) -> MutexGuard<'_, FaultPlan> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

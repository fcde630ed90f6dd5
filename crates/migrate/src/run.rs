//! The run folder: what we intend, in files that a person can read.
//!
//! | file | written by | holds |
//! |---|---|---|
//! | `run.json` | the first command | identity of source and target, the settings that change data, the fingerprint |
//! | `catalog.json` | extract | the catalog |
//! | `hold.json` | hold | what holds a live source still |
//! | `splits.json` | audit or load | the ranges of a live source's tables |
//! | `baseline.json` | audit | rows and NULLs counted before anything moved |
//! | `plan.json`, `schema/*.sql` | plan | what will be built |
//! | `refused.json` | create | column expressions that PostgreSQL refused |
//! | `findings.json` | all | findings by phase |
//! | `rejects/*.jsonl` | load | rows that PostgreSQL cannot hold |
//! | `validation.json` | validate | what was compared and what differed |
//! | `phases.json` | all | when each phase ran and how long |
//! | `reports/` | report | the reports |
//!
//! Invariant: a file is written to a draft and renamed, so it is whole or not there. No secret is
//! ever in here.

use crate::config::Config;
use crate::error::Error;
use crate::facts::PhaseFacts;
use jiff::Timestamp;
use mssql2pg_catalog::{Catalog, Finding};
use mssql2pg_mapping::DatabasePlan;
use mssql2pg_sources::SourceInfo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

/// The version of the run folder.
pub const RUN_FORMAT: u32 = 1;

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// [`RUN_FORMAT`].
    pub format: u32,
    /// Random; ties the folder to the ledger's rows.
    pub run_id: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// The version that began the run.
    pub tool_version: String,
    /// The source, and its content's checksum.
    pub source: SourceInfo,
    /// The target, once a phase has needed it.
    pub target: Option<TargetIdentity>,
    /// Every setting that changes data or schema, by key.
    pub settings: BTreeMap<String, String>,
    /// A hash of the source's identity and [`RunIdentity::settings`].
    pub fingerprint: String,
    /// Whether a command of the run was told to name no keys (`audit.samples = false`): then none does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_samples: bool,
}

/// Which target a run belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TargetIdentity {
    /// A server somewhere.
    Server {
        /// A URL without password.
        location: String,
    },
    /// A server of our own.
    Embedded {
        /// Where it keeps its data; relative to the run folder if it is within.
        dir: PathBuf,
    },
}

/// An open run folder. Holds a lock on it as long as it lives, unless opened to look only.
#[derive(Debug)]
pub struct Run {
    dir: PathBuf,
    identity: RunIdentity,
    _lock: Option<File>,
}

impl Run {
    /// Opens the run in `dir`, or begins one there.
    ///
    /// # Errors
    /// When another process works in it, when it belongs to another source or other settings (both
    /// values are shown), or when files cannot be read or written.
    pub fn begin(dir: &Path, source: &SourceInfo, config: &Config) -> Result<Self, Error> {
        fs::create_dir_all(dir)
            .map_err(Error::file(format!("cannot create the run folder {}", dir.display())))?;
        let lock = Some(lock(dir)?);
        let settings = data_settings(config);
        let fingerprint = fingerprint(source, &settings);
        let stored = read_json::<RunIdentity>(&dir.join("run.json"))?;
        if let Some(stored) = &stored {
            check_version(dir, stored)?;
            let same = check_same(dir, stored, source, &settings);
            if same.is_ok() || !may_change_settings(dir, stored, source) {
                same?;
                let mut run = Self { dir: dir.to_owned(), identity: stored.clone(), _lock: lock };
                if !config.audit.samples && !stored.without_samples {
                    run.identity.without_samples = true;
                    run.write_json("run.json", &run.identity)?;
                }
                return Ok(run);
            }
            // What was counted was counted with other settings.
            for name in ["baseline.json", "findings.json"] {
                remove(&dir.join(name))?;
            }
        }
        let without_samples =
            !config.audit.samples || stored.as_ref().is_some_and(|stored| stored.without_samples);
        let identity = RunIdentity {
            format: RUN_FORMAT,
            run_id: stored.map_or_else(random_id, |stored| stored.run_id),
            created_at: now(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            source: source.clone(),
            target: None,
            settings,
            fingerprint,
            without_samples,
        };
        let run = Self { dir: dir.to_owned(), identity, _lock: lock };
        run.write_json("run.json", &run.identity)?;
        Ok(run)
    }

    /// Opens an existing run to work on.
    ///
    /// # Errors
    /// When there is none, when another process works in it, or when it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let mut run = Self::look(dir)?;
        run._lock = Some(lock(dir)?);
        Ok(run)
    }

    /// Opens an existing run to look at, while another process may work in it.
    ///
    /// # Errors
    /// When there is none, or when it cannot be read.
    pub fn look(dir: &Path) -> Result<Self, Error> {
        let identity: RunIdentity = read_json(&dir.join("run.json"))?.ok_or_else(|| {
            Error::run(
                format!("{} is not a run folder: it has no run.json", dir.display()),
                "name the folder that `mssql2pg migrate` or `mssql2pg plan` made",
            )
        })?;
        if identity.format > RUN_FORMAT {
            return Err(Error::run(
                format!(
                    "the run in {} was made by a newer version, {}",
                    dir.display(),
                    identity.tool_version
                ),
                "use that version",
            ));
        }
        Ok(Self { dir: dir.to_owned(), identity, _lock: None })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether keys of rows may be named, by these settings and those with which the run began.
    pub fn names_keys(&self, config: &Config) -> bool {
        config.audit.samples && !self.identity.without_samples
    }

    /// `run.json`.
    pub fn identity(&self) -> &RunIdentity {
        &self.identity
    }

    /// Ties the run to its target, or checks that it is the same.
    ///
    /// # Errors
    /// When the run belongs to another target; both are shown.
    pub fn set_target(&mut self, target: TargetIdentity) -> Result<(), Error> {
        match &self.identity.target {
            Some(stored) if *stored == target => Ok(()),
            Some(stored) => Err(Error::run(
                format!(
                    "the run in {} belongs to another target\n  began with: {}\n  now: {}",
                    self.dir.display(),
                    describe_target(stored),
                    describe_target(&target)
                ),
                "go on with the target that it began with, or choose another run folder with --run",
            )),
            None => {
                self.identity.target = Some(target);
                self.write_json("run.json", &self.identity)
            }
        }
    }

    /// A path within the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Reads a JSON file of the folder; none if it is not there.
    ///
    /// # Errors
    /// When it cannot be read or does not hold a `T`.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        read_json(&self.path(name))
    }

    /// Writes a JSON file of the folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_json<T: Serialize>(&self, name: &str, content: &T) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(content)
            .map_err(|source| Error::Format { context: format!("cannot write {name}"), source })?;
        text.push(b'\n');
        self.write(name, &text)
    }

    /// Writes a file of the folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.path(name);
        write_whole(&path, content).map_err(Error::file(format!("cannot write {}", path.display())))
    }

    /// Removes a file of the folder, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        remove(&self.path(name))
    }

    /// `catalog.json`.
    ///
    /// # Errors
    /// When extract has not run, or the file cannot be read.
    pub fn catalog(&self) -> Result<Catalog, Error> {
        self.read_json("catalog.json")?.ok_or_else(|| self.missing("catalog.json", "extract"))
    }

    /// `plan.json`, without the column expressions that PostgreSQL has refused.
    ///
    /// # Errors
    /// When plan has not run, or the file cannot be read.
    pub fn plan(&self) -> Result<DatabasePlan, Error> {
        let mut plan: DatabasePlan =
            self.read_json("plan.json")?.ok_or_else(|| self.missing("plan.json", "plan"))?;
        let refused: Vec<RefusedExpression> = self.read_json("refused.json")?.unwrap_or_default();
        for expression in &refused {
            expression.take_out(&mut plan);
        }
        Ok(plan)
    }

    fn missing(&self, file: &str, phase: &str) -> Error {
        Error::run(
            format!("the run in {} has no {file} yet: the phase {phase} has not run", self.dir.display()),
            "run `mssql2pg migrate` or `mssql2pg plan` on the source first",
        )
    }

    /// Findings of all phases.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn findings(&self) -> Result<BTreeMap<String, Vec<Finding>>, Error> {
        Ok(self.read_json("findings.json")?.unwrap_or_default())
    }

    /// Replaces the findings of one phase.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn put_findings(&self, phase: &str, findings: Vec<Finding>) -> Result<(), Error> {
        let mut all = self.findings()?;
        all.insert(phase.to_owned(), findings);
        self.write_json("findings.json", &all)
    }

    /// Whether a phase has ever begun.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn phase_has_begun(&self, phase: &str) -> Result<bool, Error> {
        let all: Vec<PhaseFacts> = self.read_json("phases.json")?.unwrap_or_default();
        Ok(all.iter().any(|known| known.phase == phase))
    }

    /// Notes that a phase begins.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn note_phase_begun(&self, phase: &str, started_at: &str) -> Result<(), Error> {
        let mut all: Vec<PhaseFacts> = self.read_json("phases.json")?.unwrap_or_default();
        match all.iter_mut().find(|known| known.phase == phase) {
            Some(known) => {
                known.started_at = started_at.to_owned();
                known.runs += 1;
            }
            None => all.push(PhaseFacts {
                phase: phase.to_owned(),
                started_at: started_at.to_owned(),
                seconds: 0.0,
                runs: 1,
            }),
        }
        self.write_json("phases.json", &all)
    }

    /// Notes how long a phase took, to its end or to its error.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn note_phase_ended(&self, phase: &str, seconds: f64) -> Result<(), Error> {
        let mut all: Vec<PhaseFacts> = self.read_json("phases.json")?.unwrap_or_default();
        for known in all.iter_mut().filter(|known| known.phase == phase) {
            known.seconds += seconds;
        }
        self.write_json("phases.json", &all)
    }
}

/// A foreign key of the target's own that was dropped for the load and is made again by finish. Kept in
/// the ledger, so that any later run can make it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The table, quoted for SQL.
    pub table: String,
    /// The constraint.
    pub name: String,
    /// Its definition, as PostgreSQL writes it, without `NOT VALID`.
    pub definition: String,
    /// Whether it was validated.
    pub validated: bool,
}

/// An expression that PostgreSQL refused when the tables were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedExpression {
    /// The table in PostgreSQL, `schema.table`.
    pub table: String,
    /// The column in PostgreSQL.
    pub column: String,
    /// The column in SQL Server, `schema.table.column`.
    pub object: String,
    /// Whether it was a generated column, which is then left out; else a default.
    pub generated: bool,
    /// Whether a primary key goes with it.
    #[serde(default)]
    pub takes_primary_key: bool,
    /// What PostgreSQL said.
    pub reason: String,
}

impl RefusedExpression {
    fn take_out(&self, plan: &mut DatabasePlan) {
        let Some(table) = plan.tables.iter_mut().find(|table| table.sql_name() == self.table) else {
            return;
        };
        if !self.generated {
            for column in table.columns.iter_mut().filter(|column| column.name == self.column) {
                column.default = None;
            }
            return;
        }
        let name = &self.column;
        table.columns.retain(|column| column.name != *name);
        table.primary_key.take_if(|key| key.columns.contains(name));
        table.unique.retain(|key| !key.columns.contains(name));
        table.indexes.retain(|index| {
            !index.included.contains(name) && !index.columns.iter().any(|(column, _)| column == name)
        });
    }
}

/// The current time: RFC 3339 in UTC, seconds.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes a file whole or not at all: to a draft beside it, synced, then renamed.
///
/// # Errors
/// Whatever the file system says.
pub fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let draft = draft_path(path);
    let written = fs::write(&draft, content).and_then(|()| File::open(&draft)?.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&draft, path)) {
        // The draft may not exist; the first error is the one that matters.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(())
}

/// Where a file is written before it is whole.
pub fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    path.with_file_name(name)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(format!("cannot read {}", path.display()))(error)),
    };
    serde_json::from_slice(&content)
        .map(Some)
        .map_err(|source| Error::Format { context: format!("cannot read {}", path.display()), source })
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("run.lock");
    let context = || format!("cannot lock the run folder {}", dir.display());
    let file = File::create(&path).map_err(Error::file(context()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::run(
            format!("another mssql2pg works in the run folder {}", dir.display()),
            "wait until it is done, or choose another folder with --run",
        )),
        Err(TryLockError::Error(error)) => Err(Error::file(context())(error)),
    }
}

fn random_id() -> String {
    // RandomState draws its keys from the operating system.
    let draw = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", draw(), draw())
}

/// Every setting that changes data or schema, flat.
fn data_settings(config: &Config) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    let mapping = config.mapping();
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    flat.insert("names.case".to_owned(), json(serde_json::to_string(&mapping.case)));
    flat.insert("text.nul".to_owned(), json(serde_json::to_string(&mapping.nul)));
    flat.insert("text.invalid".to_owned(), json(serde_json::to_string(&mapping.invalid_text)));
    flat.insert("text.replacement".to_owned(), json(serde_json::to_string(&mapping.replacement)));
    flat.insert("tables.include".to_owned(), json(serde_json::to_string(&config.tables.include)));
    flat.insert("tables.exclude".to_owned(), json(serde_json::to_string(&config.tables.exclude)));
    flat.insert("target.ledger_schema".to_owned(), config.target.ledger_schema.clone());
    for (schema, to) in &mapping.schemas {
        flat.insert(format!("names.schemas.{schema}"), to.clone());
    }
    for (name, to) in &mapping.types {
        flat.insert(format!("types.{name}"), to.clone());
    }
    for (column, settings) in &mapping.columns {
        flat.insert(format!("columns.\"{column}\""), json(serde_json::to_string(settings)));
    }
    flat
}

fn fingerprint(source: &SourceInfo, settings: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("run {RUN_FORMAT} plan {}\0", mssql2pg_mapping::plan::PLAN_FORMAT));
    hash.update(source.identity.as_bytes());
    for (key, value) in settings {
        hash.update(format!("\0{key}\0{value}"));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn check_version(dir: &Path, identity: &RunIdentity) -> Result<(), Error> {
    if identity.format <= RUN_FORMAT {
        return Ok(());
    }
    Err(Error::run(
        format!("the run in {} was made by a newer version, {}", dir.display(), identity.tool_version),
        "use that version",
    ))
}

/// Before there is a plan, nothing depends on the settings but what is counted again.
fn may_change_settings(dir: &Path, stored: &RunIdentity, source: &SourceInfo) -> bool {
    stored.source.identity == source.identity && stored.target.is_none() && !dir.join("plan.json").exists()
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file(format!("cannot remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

fn check_same(
    dir: &Path,
    stored: &RunIdentity,
    source: &SourceInfo,
    settings: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let dir = dir.display();
    if stored.source.identity != source.identity {
        return Err(Error::run(
            format!(
                "the run in {dir} belongs to another source\n  began with: {} ({})\n  now: {} ({})",
                stored.source.location, stored.source.identity, source.location, source.identity
            ),
            "choose another run folder with --run",
        ));
    }
    let default = String::from("(not set)");
    let mut differences = String::new();
    let keys: std::collections::BTreeSet<&String> = stored.settings.keys().chain(settings.keys()).collect();
    for key in keys {
        let (before, after) = (stored.settings.get(key), settings.get(key));
        if before != after {
            let (before, after) = (before.unwrap_or(&default), after.unwrap_or(&default));
            differences.push_str(&format!("\n  {key}\n    began with: {before}\n    now: {after}"));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::run(
        format!("the run in {dir} began with other settings{differences}"),
        "go on with the settings that it began with, or choose another run folder with --run",
    ))
}

/// A target in words, without a secret.
pub fn describe_target(target: &TargetIdentity) -> String {
    match target {
        TargetIdentity::Server { location } => location.clone(),
        TargetIdentity::Embedded { dir } if dir.is_relative() => {
            format!("an embedded PostgreSQL in {} of the run folder", dir.display())
        }
        TargetIdentity::Embedded { dir } => format!("an embedded PostgreSQL in {}", dir.display()),
    }
}

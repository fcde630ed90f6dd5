//! All settings: one struct, filled from flags, environment, file and defaults, in that order of
//! precedence. The list with its manual is [`crate::settings::SETTINGS`].
//!
//! Invariant: a password comes from the environment, from `.env` or from `.pgpass`, never from the
//! file; nothing here prints one.

use crate::checks::audit::Rule;
use crate::error::Error;
use crate::settings::{Kind, SETTINGS};
use mssql2pg_mapping::MappingSettings;
use mssql2pg_mapping::settings::{CaseFolding, ColumnSettings, Replacement, TextPolicy};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The file that is read from the current folder when no other is named.
pub const FILE_NAME: &str = "mssql2pg.toml";

/// Variables that begin like ours but are not settings.
const OTHER_VARIABLES: &[&str] =
    &["MSSQL2PG_LOG", "MSSQL2PG_REQUIRE", "MSSQL2PG_TEST_SQLSERVER", "MSSQL2PG_ACCESS_TOKEN"];

/// All settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the manual of each section is its rows in settings::SETTINGS")]
pub struct Config {
    pub source: SourceConfig,
    pub target: TargetConfig,
    pub embedded: EmbeddedConfig,
    pub run: RunConfig,
    pub load: LoadConfig,
    pub text: TextConfig,
    pub names: NamesConfig,
    pub tables: TablesConfig,
    pub audit: AuditConfig,
    pub validate: ValidateConfig,
    pub types: BTreeMap<String, String>,
    pub columns: BTreeMap<String, ColumnSettings>,
}

/// `[source]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct SourceConfig {
    pub url: Option<SecretText>,
    pub consistency: Consistency,
    pub accept_moving: bool,
    pub accept_hidden_rows: bool,
}

/// What holds the rows of a live source still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// The best that the server permits.
    #[default]
    Best,
    /// A database snapshot.
    DatabaseSnapshot,
    /// SNAPSHOT isolation.
    SnapshotIsolation,
    /// The user's word.
    Quiesced,
}

/// `[target]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct TargetConfig {
    pub url: Option<SecretText>,
    pub if_exists: IfExists,
    pub ledger_schema: String,
}

impl Default for TargetConfig {
    fn default() -> Self {
        Self { url: None, if_exists: IfExists::Fail, ledger_schema: "mssql2pg".to_owned() }
    }
}

/// What happens to tables that are there before the run has made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IfExists {
    /// Stop and name them.
    #[default]
    Fail,
    /// Empty them.
    Truncate,
    /// Drop them.
    Replace,
}

/// `[embedded]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct EmbeddedConfig {
    pub dir: Option<PathBuf>,
    pub pg_bin: Option<PathBuf>,
    pub provision: bool,
    /// Set by `demo`: no server that only the environment names is used.
    #[serde(skip)]
    pub always: bool,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self { dir: None, pg_bin: None, provision: true, always: false }
    }
}

/// `[run]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct RunConfig {
    pub dir: Option<PathBuf>,
}

/// `[load]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct LoadConfig {
    pub jobs: usize,
    pub max_rejects: u64,
    pub rows_per_split: u64,
}

impl Default for LoadConfig {
    fn default() -> Self {
        Self { jobs: 0, max_rejects: 10_000, rows_per_split: 500_000 }
    }
}

impl LoadConfig {
    /// How many workers: the setting, or one per core and at most 8.
    pub fn workers(&self) -> usize {
        match self.jobs {
            0 => std::thread::available_parallelism().map_or(2, usize::from).min(8),
            jobs => jobs.min(256),
        }
    }
}

/// `[text]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct TextConfig {
    pub nul: TextPolicy,
    pub invalid: TextPolicy,
    pub replacement: Replacement,
}

/// `[names]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct NamesConfig {
    pub case: CaseFolding,
    pub schemas: BTreeMap<String, String>,
}

/// `[tables]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct TablesConfig {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

/// `[audit]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct AuditConfig {
    pub critical: Vec<String>,
    pub email: Vec<String>,
    pub samples: bool,
    pub pushdown: bool,
    pub sample: u64,
    pub memory: u64,
    pub fail_on: FailOn,
    pub rule: Vec<Rule>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            critical: Vec::new(),
            email: Vec::new(),
            samples: true,
            pushdown: true,
            sample: 0,
            memory: 256,
            fail_on: FailOn::Blocker,
            rule: Vec::new(),
        }
    }
}

/// From which severity on findings make `audit` end with exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Warnings and blockers.
    Warning,
    /// Blockers.
    #[default]
    Blocker,
    /// None.
    Never,
}

/// `[validate]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "see settings::SETTINGS")]
pub struct ValidateConfig {
    pub list_rows: u64,
    pub show_values: bool,
    pub max_losses: Option<u64>,
}

impl Default for ValidateConfig {
    fn default() -> Self {
        Self { list_rows: 100, show_values: false, max_losses: None }
    }
}

/// Text that no `Debug` prints.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl SecretText {
    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What a command line gives: settings by key, and which file to read.
#[derive(Debug, Default)]
pub struct Flags {
    /// `section.key` and value, as if in the file.
    pub settings: Vec<(&'static str, FlagValue)>,
    /// The file; `mssql2pg.toml` in the current folder if none.
    pub file: Option<PathBuf>,
}

/// A flag's value; its `Debug` shows no text, which may be a URL with a password.
#[derive(Clone)]
pub struct FlagValue(Value);

impl<T: Into<Value>> From<T> for FlagValue {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

impl std::fmt::Debug for FlagValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlagValue(…)")
    }
}

/// Reads `.env` of the current folder into the environment, if it is there; what the environment
/// has already stays. To be called first in `main`, before any thread exists.
///
/// # Errors
/// When the file is there but not in the form `KEY=value`.
pub fn load_env_file() -> Result<(), Error> {
    match dotenvy::from_path(Path::new(".env")) {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // The parse error would quote the line, which may hold a password.
        Err(dotenvy::Error::LineParse(_, at)) => Err(Error::config(
            format!(".env has a line that is not KEY=value (at character {at} of the line)"),
            "put values with blanks or # in quotes: KEY=\"a value\"",
        )),
        Err(error) => Err(Error::config(format!("cannot read .env: {error}"), "mend it, or move it away")),
    }
}

impl Config {
    /// Settings from flags, environment and file.
    ///
    /// # Errors
    /// Unknown keys (the message names the nearest), values of the wrong kind, a password in the file.
    pub fn load(flags: &Flags, environment: impl Iterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut settings = read_file(flags.file.as_deref())?;
        for (variable, text) in environment {
            if let Some((key, value)) = from_environment(&variable, &text)? {
                insert(&mut settings, key, value);
            }
        }
        for (key, FlagValue(value)) in &flags.settings {
            insert(&mut settings, key, value.clone());
        }
        for key in ["source.url", "target.url"] {
            if lookup(&settings, key).and_then(Value::as_str) == Some("") {
                remove(&mut settings, key);
            }
        }
        settings.clone().try_into().map_err(|error: toml::de::Error| {
            let key = wrong_setting(&settings).unwrap_or_else(|| "a setting".to_owned());
            Error::config(
                format!("{key} has a wrong value: {}", error.message()),
                "see docs/reference/config.md for what each setting takes",
            )
        })
    }

    /// The part that decides how things are mapped.
    pub fn mapping(&self) -> MappingSettings {
        MappingSettings {
            case: self.names.case,
            schemas: self.names.schemas.clone(),
            types: self.types.clone(),
            columns: self.columns.clone(),
            nul: self.text.nul,
            invalid_text: self.text.invalid,
            replacement: self.text.replacement.clone(),
        }
    }
}

fn read_file(named: Option<&Path>) -> Result<Table, Error> {
    let path = named.unwrap_or(Path::new(FILE_NAME));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
            return Ok(Table::new());
        }
        Err(error) => {
            return Err(Error::config(
                format!("cannot read {}: {error}", path.display()),
                "name a file that is there with --config",
            ));
        }
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The whole error would quote the line, which may hold a password.
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or("").lines().count().max(1));
        Error::config(
            format!("{} is not TOML: line {line}: {}", path.display(), error.message()),
            "mend that line",
        )
    })?;
    check_keys(&table, path)?;
    for key in ["source.url", "target.url"] {
        let url = lookup(&table, key).and_then(Value::as_str);
        if url.is_some_and(holds_password) {
            return Err(Error::config(
                format!("{key} in {} holds a password", path.display()),
                "put the URL into the environment or .env (TARGET_URL=…), or the password into .pgpass, and leave it out here",
            ));
        }
    }
    Ok(table)
}

/// Whether a connection text carries a password or another secret; when in doubt, yes. It knows the forms of both sides:
/// URLs, `key=value` strings of libpq, ADO.NET and ODBC, and JDBC's.
pub fn holds_password(url: &str) -> bool {
    // Names of options are written with and without capitals, blanks and `_`, and may be encoded.
    let plain: String = percent_encoding::percent_decode_str(url)
        .decode_utf8_lossy()
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '_' && *letter != '-')
        .flat_map(char::to_lowercase)
        .collect();
    let named = ["password=", "pwd=", "accesstoken=", "secret=", "tokencommand="];
    named.iter().any(|name| plain.contains(name)) || in_user_info(url)
}

/// Whether there is a `user:password@`; a password that is not encoded may have any character, `/` and `?` among them.
fn in_user_info(url: &str) -> bool {
    // A path of Windows, not a scheme.
    if url.as_bytes().get(1) == Some(&b':') && matches!(url.as_bytes().get(2), Some(b'\\' | b'/')) {
        return false;
    }
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = tail.split('?').next().unwrap_or("");
    match authority.rsplit_once('@') {
        Some((user_info, _)) => user_info.contains(':') || path.contains('@'),
        None => authority.contains(':') && tail.contains('@'),
    }
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((section, name)) => table.get(section)?.as_table()?.get(name),
        None => table.get(key),
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    let Some((section, name)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(name.to_owned(), value);
    }
}

fn remove(table: &mut Table, key: &str) {
    if let Some((section, name)) = key.split_once('.')
        && let Some(Value::Table(section)) = table.get_mut(section)
    {
        section.remove(name);
    }
}

/// The setting that is wrong even on its own.
fn wrong_setting(settings: &Table) -> Option<String> {
    for (section, entries) in settings {
        for (name, value) in entries.as_table()? {
            let mut alone = Table::new();
            alone.insert(section.clone(), Value::Table(Table::from_iter([(name.clone(), value.clone())])));
            if alone.try_into::<Config>().is_err() {
                return Some(format!("{section}.{name}"));
            }
        }
    }
    None
}

fn check_keys(table: &Table, path: &Path) -> Result<(), Error> {
    let is_map = |key: &str| SETTINGS.iter().any(|setting| setting.key == key && setting.kind == Kind::Map);
    let known = |key: &str| SETTINGS.iter().any(|setting| setting.key == key);
    let is_section = |name: &str| SETTINGS.iter().any(|setting| setting.key.split('.').next() == Some(name));
    for (section, value) in table {
        if is_map(section) {
            continue;
        }
        let Some(entries) = value.as_table().filter(|_| is_section(section)) else {
            // With a key of the section, the nearest setting is a better guess.
            let first = value.as_table().and_then(|entries| entries.keys().next());
            return Err(unknown_key(&first.map_or(section.clone(), |key| format!("{section}.{key}")), path));
        };
        for name in entries.keys() {
            let key = format!("{section}.{name}");
            if !known(&key) {
                return Err(unknown_key(&key, path));
            }
        }
    }
    Ok(())
}

fn unknown_key(key: &str, path: &Path) -> Error {
    let all = || SETTINGS.iter().map(|setting| setting.key);
    let nearest = match key.contains('.') {
        true => nearest(key, all()),
        // A key without its section.
        false => {
            all().find(|known| known.split('.').nth(1) == Some(key)).unwrap_or_else(|| nearest(key, all()))
        }
    };
    Error::config(
        format!("unknown setting {key} in {}", path.display()),
        format!("did you mean {nearest}? All settings are listed in docs/reference/config.md"),
    )
}

/// The candidate that is spelled most like `word`.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> &'a str {
    candidates.min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate)).unwrap_or("")
}

fn from_environment(variable: &str, text: &str) -> Result<Option<(&'static str, Value)>, Error> {
    let Some(setting) = SETTINGS.iter().find(|setting| setting.env == Some(variable)) else {
        if variable.starts_with("MSSQL2PG_") && !OTHER_VARIABLES.contains(&variable) {
            let nearest = nearest(variable, SETTINGS.iter().filter_map(|setting| setting.env));
            return Err(Error::config(
                format!("unknown setting {variable} in the environment"),
                format!("did you mean {nearest}?"),
            ));
        }
        return Ok(None);
    };
    let wrong = |wanted: &str| {
        Error::config(
            format!("{variable} in the environment must be {wanted}"),
            "mend the value, or unset it",
        )
    };
    let value = match setting.kind {
        Kind::Text => Value::String(text.to_owned()),
        Kind::Integer => Value::Integer(text.trim().parse().map_err(|_| wrong("a whole number"))?),
        Kind::Boolean => Value::Boolean(text.trim().parse().map_err(|_| wrong("true or false"))?),
        Kind::List => Value::Array(
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
        ),
        Kind::Map => return Ok(None),
    };
    Ok(Some((setting.key, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: &str,
        environment: &[(&str, &str)],
        flags: Vec<(&'static str, FlagValue)>,
    ) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(&Flags { settings: flags, file: Some(path) }, environment)
    }

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
        let file = "[load]\njobs = 3\nmax_rejects = 5\n[names.schemas]\ndbo = \"shop\"\n";
        let environment = [("MSSQL2PG_LOAD_JOBS", "4"), ("MSSQL2PG_TABLES_EXCLUDE", "dbo.a*, dbo.b")];
        let config = load(file, &environment, vec![]).unwrap();
        assert_eq!((config.load.jobs, config.load.max_rejects), (4, 5));
        assert_eq!(config.tables.exclude, ["dbo.a*", "dbo.b"]);
        assert_eq!(config.names.schemas["dbo"], "shop");
        let config = load(file, &environment, vec![("load.jobs", 7.into())]).unwrap();
        assert_eq!(config.load.jobs, 7);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest() {
        let check = |file: &str, environment: &[(&str, &str)], nearest: &str| {
            let error = load(file, environment, vec![]).unwrap_err();
            assert!(error.hint().unwrap_or_default().contains(nearest), "{error:?}");
        };
        check("[load]\njob = 3\n", &[], "load.jobs");
        check("[laod]\njobs = 3\n", &[], "load.jobs");
        check("jobs = 3\n", &[], "load.jobs");
        check("", &[("MSSQL2PG_LOAD_JOB", "3")], "MSSQL2PG_LOAD_JOBS");
    }

    #[test]
    fn a_password_in_the_file_is_refused_and_not_repeated() {
        for url in ["postgresql://u:hunter2@h/db", "host=h password=hunter2"] {
            let error = load(&format!("[target]\nurl = \"{url}\"\n"), &[], vec![]).unwrap_err();
            assert!(error.to_string().contains("holds a password"));
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
        assert!(load("[target]\nurl = \"postgresql://u@h/db?sslmode=require\"\n", &[], vec![]).is_ok());
    }

    #[test]
    fn a_password_is_seen_in_every_form_of_an_address() {
        for with in [
            "mssql://sa:x@h/d",
            "mssql://sa:p/w@h/d",
            "mssql://sa:p?w@h/d",
            "mssql://sa@h:1433/d?password=x",
            "mssql://sa@h:1433/d?Pass%77ord=x",
            "mssql:sa:x@h",
            "sa:x@h",
            "jdbc:sqlserver://h\\i:1433;user=sa;password={x}",
            "Server=h;Uid=sa;PWD = x",
            "Server=h;User Id=sa;Pass word=x",
            "mssql://h/d?token_command=x",
            "postgresql://u:x@h/d",
            "host=h password=x",
        ] {
            assert!(holds_password(with), "{with}");
        }
        for without in [
            "mssql://sa@h:1433/d?password_file=/x",
            "mssql://h:1433/d?authentication=entra-token&token_file=/x",
            "jdbc:sqlserver://h:1433;integratedSecurity=true",
            "Server=tcp:h,1433;Database=d;Integrated Security=true",
            "C:\\backups\\shop@night.bacpac",
            "backups/shop@night.bacpac",
            "postgresql://u@h:5432,h2/d?sslmode=require",
            "host=h user=u",
        ] {
            assert!(!holds_password(without), "{without}");
        }
    }

    #[test]
    fn no_form_of_the_settings_shows_the_targets_url() {
        let config = load("", &[("TARGET_URL", "postgresql://u:hunter2@h/db")], vec![]).unwrap();
        assert_eq!(config.target.url.as_ref().unwrap().expose(), "postgresql://u:hunter2@h/db");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn every_setting_of_the_manual_is_taken_and_has_the_default_it_says() {
        let defaults = load("", &[], vec![]).unwrap();
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            let (section, key) = setting.key.split_once('.').unwrap();
            let config = load(&format!("[{section}]\n{key} = {}\n", setting.default), &[], vec![]).unwrap();
            assert_eq!(format!("{config:?}"), format!("{defaults:?}"), "{}", setting.key);
        }
        for setting in
            SETTINGS.iter().filter(|setting| setting.default.is_empty() && setting.kind == Kind::Text)
        {
            let environment = [(setting.env.unwrap(), "x")];
            assert!(load("", &environment, vec![]).is_ok(), "{}", setting.key);
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_an_error() {
        assert!(load("[load]\njobs = \"many\"\n", &[], vec![]).is_err());
        assert!(load("[text]\nnul = \"ignore\"\n", &[], vec![]).is_err());
        assert!(load("", &[("MSSQL2PG_LOAD_JOBS", "many")], vec![]).is_err());
        assert!(load("[columns.\"dbo.T.C\"]\ntypo = \"x\"\n", &[], vec![]).is_err());
    }
}

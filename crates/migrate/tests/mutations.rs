//! The proof of the proof: after a good migration one thing is changed in the target in 200 ways, one after the other.
//! Validation must find each, and name the table, the key and the columns.
//!
//! To extend: a change of a cell is a row of `list::CELLS`; [`WANTED`] says how many there are in all, and the shop's
//! tables fill up what is left.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this file is a test"
)]
#![allow(clippy::print_stderr, reason = "the test says how many it found")]

#[path = "mutations/list.rs"]
mod list;
#[path = "mutations/made.rs"]
mod made;

use list::Mutation;
use made::Made;
use mssql2pg_generate::{GenerateOptions, write_shop};
use mssql2pg_mapping::{DatabasePlan, TablePlan};
use mssql2pg_migrate::config::Flags;
use mssql2pg_migrate::facts::{DifferenceKind, RowDifference};
use mssql2pg_migrate::phases::{self, Context, Purpose, TableValidation};
use mssql2pg_migrate::progress::{Interrupt, Quiet};
use mssql2pg_migrate::target_server::TargetServer;
use mssql2pg_migrate::{Config, Run};
use mssql2pg_sources::{Bacpac, Source};
use mssql2pg_target::embedded::testing::database;
use mssql2pg_target::{Connection, Target};

const WANTED: usize = 200;

/// A database that was migrated well.
struct Migrated<'a> {
    source: &'a dyn Source,
    config: Config,
    run: Run,
    server: TargetServer,
    plan: DatabasePlan,
    client: Connection,
    /// Kept for its drop.
    _folder: tempfile::TempDir,
}

impl<'a> Migrated<'a> {
    fn new(source: &'a dyn Source) -> Self {
        let (folder, target) = (tempfile::tempdir().unwrap(), database());
        let environment = [("TARGET_URL".to_owned(), target.url.clone())];
        let config = Config::load(&Flags::default(), environment.into_iter()).unwrap();
        let mut run = Run::begin(folder.path(), &source.about(), &config).unwrap();
        let server = TargetServer::open(&config, &run, &mut |_| {}).unwrap();
        run.set_target(server.identity()).unwrap();
        let interrupt = Interrupt::new();
        let context = Context { run: &run, config: &config, progress: &Quiet, interrupt: &interrupt };
        let catalog = phases::extract(context, source).unwrap();
        phases::hold(context, source, &catalog, Purpose::Load).unwrap();
        phases::audit(context, source, &catalog).unwrap();
        phases::plan(context, &catalog).unwrap();
        let plan = phases::create(context, &server).unwrap();
        phases::load(context, &server, source, &catalog, &plan).unwrap();
        phases::finish(context, &server, &plan).unwrap();
        let validation = phases::validate(context, &server, Some(source), &catalog, &plan).unwrap();
        assert!(validation.passed(), "{validation:?}");
        let mut client = Target::parse(&target.url).unwrap().connect().unwrap();
        client.batch("set session_replication_role = replica; create schema kept").unwrap();
        for (number, table) in plan.tables.iter().enumerate() {
            let sql = format!("create table kept.t{number} as select * from {}", table.sql_name());
            client.batch(&sql).unwrap();
        }
        Self { source, config, run, server, plan, client, _folder: folder }
    }

    /// Validates one table, by the public function and with the settings that a user has for it.
    fn validate(&self, table: &str) -> TableValidation {
        let mut config = self.config.clone();
        config.tables.include = vec![table.to_owned()];
        let interrupt = Interrupt::new();
        let context = Context { run: &self.run, config: &config, progress: &Quiet, interrupt: &interrupt };
        let catalog = self.run.catalog().unwrap();
        let mut validation =
            phases::validate(context, &self.server, Some(self.source), &catalog, &self.plan).unwrap();
        assert_eq!(validation.tables.len(), 1, "{table}");
        validation.tables.remove(0)
    }

    fn place(&self, table: &str) -> usize {
        self.plan.tables.iter().position(|plan| plan.source.to_string() == table).unwrap()
    }

    /// Changes, validates, undoes; what is wrong with what validation says.
    fn try_out(&mut self, mutation: &Mutation) -> Option<String> {
        self.client.batch(&mutation.sql).unwrap_or_else(|error| panic!("{}: {:?}", mutation.sql, error));
        let found = self.validate(&mutation.table);
        let number = self.place(&mutation.table);
        let plan = &self.plan.tables[number];
        let columns: Vec<String> =
            plan.copy_columns().map(|column| mssql2pg_mapping::names::quote(&column.name)).collect();
        let columns = columns.join(", ");
        let undo = format!(
            "delete from {0}; {1}; insert into {0} ({columns}) select {columns} from kept.t{number}",
            plan.sql_name(),
            mutation.undo
        );
        self.client.batch(&undo).unwrap();
        judge(mutation, &found).map(|what| format!("{}: {what}", mutation.sql))
    }
}

fn judge(mutation: &Mutation, found: &TableValidation) -> Option<String> {
    if found.passed || found.source != mutation.table {
        return Some("not found".to_owned());
    }
    let Some(differences) = &found.differences else { return Some("no rows named".to_owned()) };
    let matches = |row: &RowDifference, (kind, key, columns): &(&str, String, Vec<String>)| {
        let kind_found = match row.kind {
            DifferenceKind::Missing => "missing",
            DifferenceKind::Extra => "extra",
            DifferenceKind::Doubled => "doubled",
            DifferenceKind::Changed => "changed",
        };
        let key_matches =
            if key.ends_with("ctid") { row.key.starts_with(key.as_str()) } else { row.key == *key };
        kind_found == *kind && key_matches && row.columns == *columns
    };
    for wanted in &mutation.rows {
        if !differences.rows.iter().any(|row| matches(row, wanted)) {
            return Some(format!("{wanted:?} is not in {differences:?}"));
        }
    }
    // Nothing else is said to differ.
    let unknown =
        differences.rows.iter().find(|row| !mutation.rows.iter().any(|wanted| matches(row, wanted)));
    if let Some(row) = unknown {
        return Some(format!("{row:?} was not changed"));
    }
    let mut columns: Vec<&String> = mutation.rows.iter().flat_map(|(.., columns)| columns).collect();
    columns.sort();
    columns.dedup();
    let mut named: Vec<&String> = found.differing_columns.iter().collect();
    named.sort();
    (named.is_empty() || (!columns.is_empty() && columns != named))
        .then(|| format!("the columns {named:?} are named"))
}

/// Changes of cells in the shop's tables: of each table a few columns, by their type.
fn of_shop(migrated: &mut Migrated<'_>, count: usize) -> Vec<Mutation> {
    let mut all = Vec::new();
    for round in 0.. {
        let before = all.len();
        for table in migrated.plan.tables.clone() {
            all.extend(shop_mutation(&mut migrated.client, &table, round));
            if all.len() == count {
                return all;
            }
        }
        assert!(before < all.len() || round < 40, "the shop has too few columns");
    }
    all
}

/// A change of the column of that number that is no key, if there is one and no check is against it.
fn shop_mutation(client: &mut Connection, plan: &TablePlan, number: usize) -> Option<Mutation> {
    let key = plan.primary_key.as_ref()?;
    let free = |name: &String| {
        !key.columns.contains(name) && !plan.unique.iter().any(|key| key.columns.contains(name))
    };
    let column = plan.copy_columns().filter(|column| free(&column.name)).nth(number)?;
    let name = mssql2pg_mapping::names::quote(&column.name);
    let base = column.pg_type.split('(').next().unwrap();
    let value = match base {
        "boolean" => format!("not {name}"),
        "smallint" | "integer" | "bigint" | "numeric" | "date" | "double precision" | "real" => {
            format!("{name} + 1")
        }
        "timestamp" | "timestamptz" => format!("{name} + interval '1 hour'"),
        "varchar" | "text" => format!("left({name}, -1) || '~'"),
        "uuid" => format!(
            "(left({name}::text, -1) || translate(right({name}::text, 1), '0123456789abcdef', '123456789abcdef0'))::uuid"
        ),
        "bytea" => format!("{name} || '\\x00'::bytea"),
        _ => return None,
    };
    let keys: Vec<String> = key.columns.iter().map(|column| mssql2pg_mapping::names::quote(column)).collect();
    let sources: Vec<&str> = key
        .columns
        .iter()
        .map(|key| plan.columns.iter().find(|column| column.name == *key).unwrap().source.as_str())
        .collect();
    let texts: Vec<String> =
        keys.iter().zip(&sources).map(|(key, source)| format!("'{source}=' || {key}::text")).collect();
    let sql = format!(
        "select concat_ws(', ', {}), concat_ws(' and ', {}) from {} where {name} is not null order by {} limit 1",
        texts.join(", "),
        keys.iter().map(|key| format!("'{key} = ' || quote_literal({key})")).collect::<Vec<_>>().join(", "),
        plan.sql_name(),
        keys.join(", ")
    );
    let row = client.client().query_opt(&sql, &[]).unwrap()?;
    let (shown, place): (String, String) = (row.get(0), row.get(1));
    let sql = format!("update {} set {name} = {value} where {place}", plan.sql_name());
    // Tried first: a check or an unique index may be against it.
    if client.batch(&format!("begin; {sql}; rollback")).is_err() {
        client.batch("rollback").unwrap();
        return None;
    }
    Some(Mutation {
        table: plan.source.to_string(),
        sql,
        undo: String::new(),
        rows: vec![("changed", shown, vec![column.source.clone()])],
    })
}

#[test]
fn every_mutation_of_the_target_is_found_with_table_key_and_columns() {
    let mut missed = Vec::new();
    let mut tried = 0;
    let mut run = |migrated: &mut Migrated<'_>, mutations: Vec<Mutation>| {
        for mutation in mutations {
            tried += 1;
            missed.extend(migrated.try_out(&mutation));
        }
        tried
    };
    let mut made = Migrated::new(&Made);
    run(&mut made, list::of_everything());
    let so_far = run(&mut made, list::of_loose());
    assert!(made.validate("dbo.Everything").passed, "the last change was undone");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.bacpac");
    let options = GenerateOptions { rows: 2_000, seed: 5, defects: false, ..GenerateOptions::default() };
    write_shop(&file, &options, &mut |_| {}).unwrap();
    let source = Bacpac::open(&file.display().to_string()).unwrap();
    let mut shop = Migrated::new(&source);
    let mutations = of_shop(&mut shop, WANTED - so_far);
    let tried = run(&mut shop, mutations);
    eprintln!("mutations found: {} of {tried}", tried - missed.len());
    assert!(
        missed.is_empty() && tried == WANTED,
        "{tried} tried, {} missed\n{}",
        missed.len(),
        missed.join("\n")
    );
}

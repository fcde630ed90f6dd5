//! `validate`, `report` and `status`: single phases on a run folder.

use super::migrate::{differences_text, is_address, open_source, outcome, status_table, summary};
use crate::args::{Common, OnRun, Report, Validate, warn_of_password};
use crate::output::{self, Failure, count, counted};
use crate::{INTERRUPT, Outcome, progress};
use mssql2pg_migrate::config::{Config, Flags, SecretText, holds_password};
use mssql2pg_migrate::facts::{CheckOutcome, Facts, VerdictState};
use mssql2pg_migrate::phases::{self, Context, Purpose, RunState};
use mssql2pg_migrate::progress::Event;
use mssql2pg_migrate::target_server::TargetServer;
use mssql2pg_migrate::{Error, Run};
use mssql2pg_sources::Source;
use std::fs;
use std::path::{Path, PathBuf};

/// The run folder: as given, or the only one here.
fn find_run(on_run: &OnRun, config: &Config) -> Result<PathBuf, Failure> {
    if let Some(dir) = on_run.run.clone().or_else(|| config.run.dir.clone()) {
        // The demo's folder holds its run.
        let within = dir.join("shop.run");
        let is_demo = !dir.join("run.json").exists() && within.join("run.json").exists();
        return Ok(if is_demo { within } else { dir });
    }
    let here = fs::read_dir(".").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut runs: Vec<PathBuf> = here.filter(|path| path.join("run.json").is_file()).collect();
    runs.sort();
    match runs.as_slice() {
        [run] => Ok(run.strip_prefix(".").map_or_else(|_| run.clone(), PathBuf::from)),
        [] => Err(Failure::usage("there is no run folder here", "name one: mssql2pg status shop.run")),
        many => {
            let names: Vec<String> = many.iter().map(|run| run.display().to_string()).collect();
            Err(Failure::usage(
                format!("several run folders are here: {}", names.join(", ")),
                "name one of them",
            ))
        }
    }
}

fn config(on_run: &OnRun, common: &Common) -> Result<Config, Failure> {
    config_with(on_run, common, Flags::default())
}

fn config_with(on_run: &OnRun, common: &Common, mut flags: Flags) -> Result<Config, Failure> {
    on_run.server.add_to(&mut flags);
    flags.settings.extend(on_run.jobs.iter().map(|jobs| ("load.jobs", i64::from(*jobs).into())));
    Ok(common.config(flags)?)
}

/// The source of the run, if it is still where it was and the same. A file only: to report on a run, no server is
/// asked.
fn source_of(run: &Run) -> Option<Box<dyn Source>> {
    let location = &run.identity().source.location;
    if is_address(location) {
        return None;
    }
    same_source(run, location)
}

fn same_source(run: &Run, location: &str) -> Option<Box<dyn Source>> {
    let source = open_source(location).ok()?;
    (source.about().identity == run.identity().source.identity).then_some(source)
}

/// The source of the run with its rows as they were: a live one only if it still holds the state that was read.
fn source_with_rows(context: Context<'_>, address: Option<&str>) -> Option<Box<dyn Source>> {
    let location = &context.run.identity().source.location;
    if !is_address(location) {
        return same_source(context.run, location);
    }
    // The run does not know the password; the settings may.
    let source = same_source(context.run, address.unwrap_or(location))?;
    let catalog = context.run.catalog().ok()?;
    phases::hold(context, source.as_ref(), &catalog, Purpose::Load).ok()?;
    Some(source)
}

/// `mssql2pg validate`.
pub(crate) fn validate(validate: &Validate, common: &Common) -> Result<Outcome, Failure> {
    let on_run = &validate.on_run;
    let mut flags = Flags::default();
    validate.add_to(&mut flags);
    let mut config = config_with(on_run, common, flags)?;
    let address = config.source.url.take();
    let run = Run::open(&find_run(on_run, &config)?)?;
    use_run_settings(&mut config, &run);
    if config.validate.show_values && !run.names_keys(&config) {
        return Err(Failure::usage(
            format!("the run in {} names no keys and shows no values (--no-samples)", run.dir().display()),
            "leave out --show-values",
        ));
    }
    if let Some(url) = &validate.against {
        return against(url, config, &run, address.as_ref().map(SecretText::expose), common);
    }
    let progress = progress::choose(common);
    if run.identity().target.is_none() {
        return Err(Failure::usage(
            format!("the run in {} has no target yet: there is nothing to compare", run.dir().display()),
            "run `mssql2pg migrate` on the source first, or name another tool's database with --against",
        ));
    }
    let server = open_server(&config, &run, progress.as_ref())?;
    if phases::run_state(&run, &server)? != RunState::Made {
        return Err(unknown_to_target(&run, &server).into());
    }
    let context = Context { run: &run, config: &config, progress: progress.as_ref(), interrupt: &INTERRUPT };
    let source = source_with_rows(context, address.as_ref().map(SecretText::expose));
    if source.is_none() {
        let text = "the source is not at hand: differences are found, but their rows and columns not named";
        progress.event(&Event::Note { text });
    }
    let catalog = run.catalog()?;
    let validation = phases::validate(context, &server, source.as_deref(), &catalog, &run.plan()?)?;
    if let Some(source) = source.as_deref().filter(|_| validation.passed()) {
        phases::release(context, source);
    }
    let (facts, report) = phases::report(context, Some(&server), source.as_deref())?;
    server.close()?;
    summary(&facts, &report, run.dir(), common);
    Ok(outcome(&facts))
}

/// `mssql2pg validate --against`: a PostgreSQL that another tool has loaded.
fn against(
    url: &str,
    mut config: Config,
    run: &Run,
    address: Option<&str>,
    common: &Common,
) -> Result<Outcome, Failure> {
    if holds_password(url) {
        warn_of_password("PGPASSWORD and .pgpass are not");
    }
    config.target.url = Some(SecretText::from(url.to_owned()));
    // All rows are compared with all rows.
    config.audit.sample = 0;
    let progress = progress::choose(common);
    let server = TargetServer::open(&config, run, &mut |text| progress.event(&Event::Note { text }))?;
    let context = Context { run, config: &config, progress: progress.as_ref(), interrupt: &INTERRUPT };
    let location = &run.identity().source.location;
    let is_live = is_address(location);
    // The run's own: another one, made with today's settings, would be what a later migration builds from.
    let (catalog, plan) = (run.catalog()?, run.plan()?);
    let source = same_source(run, address.filter(|_| is_live).unwrap_or(location)).ok_or_else(|| {
        Failure::usage(
            "the source of the run is not at hand, and its rows have to be read again",
            "put the file back where it was, or give the address as SOURCE_URL",
        )
    })?;
    if is_live {
        phases::hold(context, source.as_ref(), &catalog, Purpose::Load).map_err(|error| {
            if error.is_snapshot_lost() {
                return Failure::usage(
                    "the state of the source that this run has loaded is gone",
                    "compare from a run folder of its own: mssql2pg plan SOURCE --run compare.run, then \
                     mssql2pg validate compare.run --against URL",
                );
            }
            Failure::from(error)
        })?;
    }
    let compared = phases::against(context, &server, source.as_ref(), &catalog, &plan);
    phases::release_unless_loading(context, source.as_ref());
    let found = compared?;
    server.close()?;
    if common.json {
        output::json(&found);
    } else {
        let tables = found.tables.iter().map(|table| {
            let failed = table.checks.iter().filter(|check| !check.passed);
            let (contents, others): (Vec<&CheckOutcome>, Vec<&CheckOutcome>) =
                failed.partition(|check| check.check == "contents");
            let details = |checks: Vec<&CheckOutcome>| {
                checks.into_iter().map(|check| check.detail.as_str()).collect::<Vec<_>>().join("; ")
            };
            let is_equal = contents.is_empty() && table.digest_read.is_some();
            let contents = if is_equal { "equal".to_owned() } else { details(contents) };
            let target = found.names.get(&table.source).map_or("–", String::as_str).to_owned();
            let rows = table.target_rows.map_or("–".to_owned(), count);
            vec![table.source.clone(), target, rows, contents, details(others)]
        });
        let head = ["source", "target", "rows", "contents", "what else differs"];
        output::data(&output::table(&head, &[2], tables.collect()));
        let listed =
            found.tables.iter().filter_map(|table| table.differences.as_ref().zip(Some(&table.source)));
        for (differences, table) in listed {
            output::data(&differences_text(table, differences));
        }
        let equal = found.tables.iter().filter(|table| table.passed).count() as u64;
        let all = counted(found.tables.len() as u64, "table");
        output::data(&format!("\n{} of {all} as in the source and the plan", count(equal)));
        output::note(&format!("written to {}", run.path("against.json").display()));
    }
    Ok(if found.passed() { Outcome::Done } else { Outcome::Findings })
}

/// `mssql2pg report`.
pub(crate) fn report(arguments: &Report, common: &Common) -> Result<Outcome, Failure> {
    let Report { on_run, compare } = arguments;
    let other = compare.as_deref().map(facts_of).transpose()?;
    let mut config = config(on_run, common)?;
    let run = Run::open(&find_run(on_run, &config)?)?;
    use_run_settings(&mut config, &run);
    let progress = progress::choose(common);
    let server = match run.identity().target {
        Some(_) => Some(open_server(&config, &run, progress.as_ref())?),
        None => None,
    };
    check_known(&run, server.as_ref())?;
    let source = source_of(&run);
    let context = Context { run: &run, config: &config, progress: progress.as_ref(), interrupt: &INTERRUPT };
    let (facts, report) = phases::report(context, server.as_ref(), source.as_deref())?;
    if let Some(server) = server {
        server.close()?;
    }
    match other {
        Some(other) if !common.json => {
            let name = |path: &Path| {
                path.file_name()
                    .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
            };
            let (ours, theirs) = (name(run.dir()), compare.as_deref().map(name).unwrap_or_default());
            let compared = mssql2pg_migrate::reports::compare(&facts, &other).named(&ours, &theirs);
            let text = compared.markdown();
            let page = compared.html().map_err(Error::from)?;
            run.write("reports/compare.md", text.as_bytes())?;
            run.write("reports/compare.html", page.as_bytes())?;
            output::data(&text);
            output::note(&format!("written to {}", run.path("reports/compare.html").display()));
        }
        Some(other) => output::json(&serde_json::json!({ "this": facts, "other": other })),
        None => summary(&facts, &report, run.dir(), common),
    }
    Ok(failed(&facts))
}

/// The facts of another run, as its last report has them.
fn facts_of(other: &Path) -> Result<Facts, Failure> {
    let file = if other.is_dir() { other.join("reports/report.json") } else { other.to_owned() };
    let failed = format!("cannot read the facts of the other run in {}", file.display());
    let hint = || Some("run `mssql2pg report` on it first, or name its report.json".to_owned());
    let text = fs::read_to_string(&file).map_err(|error| Failure::other(&failed, &error, hint()))?;
    serde_json::from_str(&text).map_err(|error| Failure::other(&failed, &error, hint()))
}

/// `mssql2pg status`.
pub(crate) fn status(on_run: &OnRun, common: &Common) -> Result<Outcome, Failure> {
    let mut config = config(on_run, common)?;
    let run = Run::look(&find_run(on_run, &config)?)?;
    use_run_settings(&mut config, &run);
    let progress = progress::choose(&Common { quiet: true, json: false, ..common.clone() });
    let server = match run.identity().target {
        Some(_) => Some(open_server(&config, &run, progress.as_ref())?),
        None => None,
    };
    check_known(&run, server.as_ref())?;
    let source = source_of(&run);
    let facts = phases::gather_facts(&run, &config, server.as_ref(), source.as_deref())?;
    if let Some(server) = server {
        server.close()?;
    }
    if common.json {
        output::json(&facts);
    } else {
        output::data(&status_table(&facts));
        output::data(&format!("\n{}", facts.verdict.sentence));
    }
    Ok(failed(&facts))
}

/// What was proven of a run that the target does not know any more must not be written over.
fn check_known(run: &Run, server: Option<&TargetServer>) -> Result<(), Error> {
    let Some(server) = server else { return Ok(()) };
    let unknown = phases::run_state(run, server)? == RunState::Unknown;
    if unknown && run.path("validation.json").exists() { Err(unknown_to_target(run, server)) } else { Ok(()) }
}

fn unknown_to_target(run: &Run, server: &TargetServer) -> Error {
    if run.path("validation.json").exists() {
        return Error::run(
            format!(
                "{} does not know the run in {}: its ledger is gone",
                server.location(),
                run.dir().display()
            ),
            format!("nothing was written; the last reports are in {}", run.path("reports").display()),
        );
    }
    Error::run(
        format!("nothing of the run in {} is in {} yet", run.dir().display(), server.location()),
        "run `mssql2pg migrate` on the source first",
    )
}

/// Only what has failed asks for an act; what is not done yet does not.
fn failed(facts: &Facts) -> Outcome {
    match facts.verdict.state {
        VerdictState::Failed => Outcome::Findings,
        VerdictState::Migrated | VerdictState::Incomplete => Outcome::Done,
    }
}

fn open_server(
    config: &Config,
    run: &Run,
    progress: &dyn mssql2pg_migrate::progress::Progress,
) -> Result<TargetServer, Error> {
    let server = TargetServer::open(config, run, &mut |text| progress.event(&Event::Note { text }))?;
    match &run.identity().target {
        Some(stored) if *stored != server.identity() => Err(Error::run(
            format!(
                "the run in {} belongs to another target\n  began with: {}\n  now: {}",
                run.dir().display(),
                mssql2pg_migrate::run::describe_target(stored),
                server.location()
            ),
            "give the target that the run began with",
        )),
        _ => Ok(server),
    }
}

/// What changes data is the run's, not today's.
fn use_run_settings(config: &mut Config, run: &Run) {
    let settings = &run.identity().settings;
    let list = |key: &str| -> Vec<String> {
        settings.get(key).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    config.tables.include = list("tables.include");
    config.tables.exclude = list("tables.exclude");
    if let Some(schema) = settings.get("target.ledger_schema") {
        config.target.ledger_schema.clone_from(schema);
    }
}

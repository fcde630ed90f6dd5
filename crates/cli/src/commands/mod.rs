//! The commands: each strings phases together and tells the result.

mod audit;
mod demo;
mod doctor;
mod embedded;
mod generate;
mod inspect;
mod migrate;
mod on_run;

use crate::Outcome;
use crate::args::{Arguments, Command, Prepare, SourceFlags, Work, warn_of_password};
use crate::output::Failure;
use mssql2pg_migrate::config::{Config, Flags, SecretText, holds_password};
use mssql2pg_sources::SourceInfo;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<Outcome, Failure> {
    let Arguments { command, common } = arguments;
    match command {
        Command::Demo(demo) => demo::run(&demo, &common),
        Command::Generate(generate) => generate::run(&generate, &common),
        Command::Doctor(doctor) => doctor::run(&doctor, &common),
        Command::Inspect(inspect) => inspect::run(&inspect, &common),
        Command::Audit(audit) => audit::run(&audit, &common),
        Command::Plan(work) => migrate::plan(&work, &common),
        Command::Migrate(work) => migrate::migrate(&work, &common),
        Command::Validate(validate) => on_run::validate(&validate, &common),
        Command::Report(report) => on_run::report(&report, &common),
        Command::Status(on_run) => on_run::status(&on_run, &common),
        Command::Embedded(embedded) => embedded::run(&embedded, &common),
    }
}

/// The source as an argument or as a flag; the command line takes one of them.
fn source_flags(argument: Option<&str>, source: &SourceFlags) -> Flags {
    let mut flags = Flags::default();
    source.add_to(&mut flags);
    if argument.is_some_and(holds_password) {
        warn_of_password("SOURCE_URL and .env are not");
    }
    flags.settings.extend(argument.iter().map(|source| ("source.url", (*source).into())));
    flags
}

impl Prepare {
    fn flags(&self) -> Flags {
        let Self { source_argument, source, jobs } = self;
        let mut flags = source_flags(source_argument.as_deref(), source);
        flags.settings.extend(jobs.iter().map(|jobs| ("load.jobs", i64::from(*jobs).into())));
        flags
    }
}

impl Work {
    fn flags(&self) -> Flags {
        let Self { source_argument, source, server, load } = self;
        let mut flags = source_flags(source_argument.as_deref(), source);
        server.add_to(&mut flags);
        load.add_to(&mut flags);
        flags
    }
}

/// The source that the settings name.
fn source_location(config: &Config) -> Result<&str, Failure> {
    config.source.url.as_ref().map(SecretText::expose).filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::usage(
            "no source is given",
            "name a .bacpac or the address of a SQL Server: as the first argument, with --source, or as SOURCE_URL",
        )
    })
}

/// The run folder that the settings name, or one in the current folder named like the source.
fn run_dir(config: &Config, source: &SourceInfo) -> PathBuf {
    config.run.dir.clone().unwrap_or_else(|| match &source.database {
        Some(database) => PathBuf::from(format!("{}.run", database.replace(['/', '\\', '\0'], "_"))),
        None => {
            let mut name = Path::new(&source.location).file_stem().unwrap_or_default().to_owned();
            name.push(".run");
            PathBuf::from(name)
        }
    })
}

//! `generate`: the synthetic shop database on its own, as a file or in a running SQL Server.

use crate::args::{Common, Generate, warn_of_password};
use crate::output::{self, Failure, counted};
use crate::{Outcome, progress};
use mssql2pg_generate::{
    GenerateError, GenerateOptions, Planted, write_planted, write_shop, write_shop_into,
};
use mssql2pg_migrate::Error;
use mssql2pg_migrate::config::holds_password;
use mssql2pg_migrate::progress::{Event, Progress};
use mssql2pg_sources::{ErrorKind, LiveWriter, SourceError};
use std::path::{Path, PathBuf};

/// Where the database may be named whose password nobody should see.
const INTO_VARIABLE: &str = "INTO_URL";

/// `mssql2pg generate`.
pub(crate) fn run(generate: &Generate, common: &Common) -> Result<Outcome, Failure> {
    let Generate { file, into, planted, rows, seed, clean, force } = generate;
    let options =
        GenerateOptions { rows: *rows, seed: *seed, defects: !*clean, ..GenerateOptions::default() };
    let by_variable = std::env::var(INTO_VARIABLE).ok().filter(|url| !url.is_empty());
    let (place, listed, planted) = match (file, into.as_ref().or(by_variable.as_ref())) {
        (Some(file), _) => {
            let planted = as_file(file, *force, &options, common)?;
            (file.display().to_string(), "beside it in .planted.json".to_owned(), planted)
        }
        (None, Some(location)) => {
            if into.as_deref().is_some_and(holds_password) {
                warn_of_password(&format!("{INTO_VARIABLE} is not"));
            }
            let (place, listed, planted) =
                into_server(location, planted.as_deref(), *force, &options, common)?;
            (place, format!("in {}", listed.display()), planted)
        }
        (None, None) => {
            return Err(Failure::usage(
                "no place to write to is given",
                format!("name a file, or a database with --into or as {INTO_VARIABLE}"),
            ));
        }
    };
    if common.json {
        output::json(&planted);
    } else {
        output::data(&format!(
            "{place}: {} in {}, {} planted (listed {listed})",
            counted(planted.total_rows, "row"),
            counted(planted.rows.len() as u64, "table"),
            counted(planted.defects.len() as u64, "kind of defect")
                .replace("kind of defects", "kinds of defect"),
        ));
    }
    Ok(Outcome::Done)
}

fn as_file(file: &Path, force: bool, options: &GenerateOptions, common: &Common) -> Result<Planted, Failure> {
    if file.exists() && !force {
        return Err(Failure::usage(
            format!("{} is there already", file.display()),
            "choose another name, or --force to overwrite it",
        ));
    }
    write(file, options, progress::choose(common).as_ref())
}

/// Writes into a server; gives its name, the file that lists what was planted, and what is in it.
fn into_server(
    location: &str,
    listed: Option<&Path>,
    force: bool,
    options: &GenerateOptions,
    common: &Common,
) -> Result<(String, PathBuf, Planted), Failure> {
    let mut server = LiveWriter::open(location).map_err(Error::source("cannot write into the SQL Server"))?;
    let listed = listed.map_or_else(|| planted_in_folder(server.database()), Path::to_owned);
    if listed.exists() && !force {
        return Err(Failure::usage(
            format!("{} is there already", listed.display()),
            "choose another name with --planted, or --force to overwrite it and the shop's tables in the database",
        ));
    }
    let progress = progress::choose(common);
    let planted = told(progress.as_ref(), |tell| write_shop_into(&mut server, force, options, tell));
    let planted = planted.map_err(refused)?;
    write_planted(&listed, &planted).map_err(|error| cannot_write(&listed, &error))?;
    Ok((server.location().to_owned(), listed, planted))
}

/// `Shop.planted.json` in the current folder, whatever characters the database's name has.
fn planted_in_folder(database: &str) -> PathBuf {
    PathBuf::from(format!("{}.planted.json", database.replace(['/', '\\', '\0'], "_")))
}

fn refused(error: GenerateError) -> Failure {
    match error {
        GenerateError::InTheWay { .. } => Failure::usage(
            error.to_string(),
            "choose a database of its own for this, or --force to drop those and nothing else",
        ),
        GenerateError::Options(_) => Failure::usage(error.to_string(), "choose fewer rows"),
        GenerateError::Server { location, source } => {
            let context = format!("cannot write into {location}");
            match hint(&source) {
                Some(hint) => Failure::other(context, &source, Some(hint.to_owned())),
                None => Error::source(context)(source).into(),
            }
        }
        other => Failure::other("cannot write into the SQL Server", &other, None),
    }
}

/// Advice for a writer; a reader's is in `migrate`.
fn hint(error: &SourceError) -> Option<&'static str> {
    match error.kind {
        ErrorKind::Permission => Some(
            "the login needs to create schemas, types, tables, code and roles: make it db_owner of a database of its own",
        ),
        ErrorKind::Query | ErrorKind::Lost | ErrorKind::Timeout | ErrorKind::Unsupported => {
            Some("what was made before is still there; the same command with --force starts over")
        }
        _ => None,
    }
}

fn cannot_write(path: &Path, error: &GenerateError) -> Failure {
    let hint = "check that the folder is there, is yours to write in, and has room";
    Failure::other(format!("cannot write {}", path.display()), error, Some(hint.to_owned()))
}

/// Writes the shop as a file and tells its progress as a phase.
pub(crate) fn write(
    path: &Path,
    options: &GenerateOptions,
    progress: &dyn Progress,
) -> Result<Planted, Failure> {
    told(progress, |tell| write_shop(path, options, tell)).map_err(|error| cannot_write(path, &error))
}

/// Tells the generator's progress as a phase.
fn told(
    progress: &dyn Progress,
    work: impl FnOnce(&mut dyn FnMut(mssql2pg_generate::Progress<'_>)) -> Result<Planted, GenerateError>,
) -> Result<Planted, GenerateError> {
    let phase = "generate";
    progress.event(&Event::PhaseStarted { phase });
    let start = std::time::Instant::now();
    let mut current = (String::new(), 0);
    let planted = work(&mut |now| {
        if current.0 != now.table {
            current = (now.table.to_owned(), 0);
            progress.event(&Event::TableStarted { table: now.table, rows: Some(now.of) });
        }
        progress.event(&Event::Rows { table: now.table, rows: now.rows.saturating_sub(current.1), bytes: 0 });
        current.1 = now.rows;
    })?;
    progress.event(&Event::PhaseFinished { phase, seconds: start.elapsed().as_secs_f64() });
    Ok(planted)
}

//! `embedded`: the PostgreSQL of a demo or trial, to look at afterwards.

use crate::Outcome;
use crate::args::{Common, Embedded};
use crate::output::{self, Failure};
use mssql2pg_migrate::Error;
use mssql2pg_target::embedded::{self, FindOptions};
use std::path::{Path, PathBuf};

/// `mssql2pg embedded`.
pub(crate) fn run(command: &Embedded, common: &Common) -> Result<Outcome, Failure> {
    match command {
        Embedded::Start { dir, pg_bin } => {
            let options = FindOptions { pg_bin: pg_bin.clone(), provision: true, ..FindOptions::default() };
            let dir = server_dir(dir)?;
            let runtime =
                embedded::find_for(&dir, &options, &mut |text| output::note(text)).map_err(Error::from)?;
            embedded::start_detached(&runtime, &dir).map_err(Error::from)?;
            if !common.quiet {
                output::note(&format!(
                    "running in {}; look with: mssql2pg embedded psql {}",
                    dir.display(),
                    dir.display()
                ));
            }
            Ok(Outcome::Done)
        }
        Embedded::Stop { dir } => {
            let stopped = embedded::stop_detached(&server_dir(dir)?).map_err(Error::from)?;
            if !common.quiet {
                output::note(if stopped { "stopped" } else { "it was not running" });
            }
            Ok(Outcome::Done)
        }
        Embedded::Psql { pg_bin, dir, arguments } => {
            let options = FindOptions { pg_bin: pg_bin.clone(), provision: true, ..FindOptions::default() };
            let status =
                embedded::psql(&server_dir(dir)?, &options, arguments, &mut |text| output::note(text))
                    .map_err(Error::from)?;
            Ok(if status.success() { Outcome::Done } else { Outcome::Findings })
        }
    }
}

/// The server's folder: as given, or within a run or demo folder.
fn server_dir(dir: &Path) -> Result<PathBuf, Failure> {
    let dir = std::path::absolute(dir).map_err(Error::file(format!("cannot use {}", dir.display())))?;
    let inner = [dir.join("postgres"), dir.join("shop.run").join("postgres")];
    Ok(inner.into_iter().find(|candidate| candidate.is_dir()).unwrap_or(dir))
}

//! `generate`: the synthetic shop database on its own.

use crate::args::{Common, Generate};
use crate::output::{self, Failure, counted};
use crate::{Outcome, progress};
use mssql2pg_generate::{GenerateOptions, Planted, write_shop};
use mssql2pg_migrate::progress::{Event, Progress};
use std::path::Path;

/// `mssql2pg generate`.
pub(crate) fn run(generate: &Generate, common: &Common) -> Result<Outcome, Failure> {
    if generate.file.exists() && !generate.force {
        return Err(Failure::usage(
            format!("{} is there already", generate.file.display()),
            "choose another name, or --force to overwrite it",
        ));
    }
    let options = GenerateOptions {
        rows: generate.rows,
        seed: generate.seed,
        defects: !generate.clean,
        ..GenerateOptions::default()
    };
    let progress = progress::choose(common);
    let planted = write(&generate.file, &options, progress.as_ref())?;
    if common.json {
        output::json(&planted);
    } else {
        output::data(&format!(
            "{}: {} in {}, {} planted (listed beside it in .planted.json)",
            generate.file.display(),
            counted(planted.total_rows, "row"),
            counted(planted.rows.len() as u64, "table"),
            counted(planted.defects.len() as u64, "kind of defect")
                .replace("kind of defects", "kinds of defect"),
        ));
    }
    Ok(Outcome::Done)
}

/// Writes the shop and tells its progress as a phase.
pub(crate) fn write(
    path: &Path,
    options: &GenerateOptions,
    progress: &dyn Progress,
) -> Result<Planted, Failure> {
    let phase = "generate";
    progress.event(&Event::PhaseStarted { phase });
    let start = std::time::Instant::now();
    let mut current = (String::new(), 0);
    let planted = write_shop(path, options, &mut |now| {
        if current.0 != now.table {
            current = (now.table.to_owned(), 0);
            progress.event(&Event::TableStarted { table: now.table, rows: Some(now.of) });
        }
        progress.event(&Event::Rows { table: now.table, rows: now.rows.saturating_sub(current.1), bytes: 0 });
        current.1 = now.rows;
    });
    let planted = planted.map_err(|error| {
        let hint = "check that the folder is there, is yours to write in, and has room";
        Failure::other(format!("cannot write {}", path.display()), &error, Some(hint.to_owned()))
    })?;
    progress.event(&Event::PhaseFinished { phase, seconds: start.elapsed().as_secs_f64() });
    Ok(planted)
}

//! `demo`: everything on a database made up for the purpose.
//!
//! The demo's own settings replace NUL characters, so that it ends validated with its losses shown.

use super::migrate::migrate_with;
use crate::args::{Common, Demo};
use crate::output::Failure;
use crate::{Outcome, progress};
use mssql2pg_generate::GenerateOptions;
use mssql2pg_migrate::Error;
use mssql2pg_migrate::config::Flags;

/// The settings of the demo, written beside its files so that a reader finds them.
const SETTINGS: &str = include_str!("demo.toml");

/// `mssql2pg demo`.
pub(crate) fn run(demo: &Demo, common: &Common) -> Result<Outcome, Failure> {
    let dir = &demo.dir;
    std::fs::create_dir_all(dir).map_err(Error::file(format!("cannot create {}", dir.display())))?;
    let settings = dir.join("mssql2pg.toml");
    if !settings.exists() {
        std::fs::write(&settings, SETTINGS)
            .map_err(Error::file(format!("cannot write {}", settings.display())))?;
    }
    let file = dir.join("shop.bacpac");
    // What the demo in this folder was made of.
    let wish = format!("rows = {}\nseed = {}\n", demo.rows, demo.seed);
    let made_of = dir.join("demo-options.toml");
    let is_other = std::fs::read_to_string(&made_of).is_ok_and(|known| known != wish);
    if file.exists() && is_other {
        return Err(Failure::usage(
            format!("{} holds a demo with other rows or another seed", dir.display()),
            "choose another folder with --dir",
        ));
    }
    if !file.exists() {
        std::fs::write(&made_of, &wish)
            .map_err(Error::file(format!("cannot write {}", made_of.display())))?;
        let options = GenerateOptions { rows: demo.rows, seed: demo.seed, ..GenerateOptions::default() };
        super::generate::write(&file, &options, progress::choose(common).as_ref())?;
    }
    let mut flags = Flags::default();
    flags.settings.push(("source.url", file.display().to_string().into()));
    flags.settings.push(("run.dir", dir.join("shop.run").display().to_string().into()));
    demo.server.add_to(&mut flags);
    demo.load.add_to(&mut flags);
    let own = Common { config: Some(common.config.clone().unwrap_or(settings)), ..common.clone() };
    let mut config = own.config(flags)?;
    if demo.server.target.is_none() {
        // The demo never writes into a server that only the environment names.
        config.embedded.always = true;
    }
    migrate_with(config, &own)
}

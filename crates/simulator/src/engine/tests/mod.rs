//! The engine as a client meets it: statements in, results out.

mod computing;
mod data;
mod reading;
mod sessions;
mod writing;

pub(super) use data::{Recorded, shop};

use super::login::Shared;
use super::state::Server;
use crate::answer::{Failure, Stopped};
use crate::conversation::{Conversation, Engine as _, LoginRequest};
use crate::{Faults, Options};
use std::sync::Arc;

/// A server with its faults.
pub(super) struct Simulated {
    pub(super) server: Arc<Server>,
    pub(super) engine: Shared,
    pub(super) faults: Faults,
}

/// A server with these options.
pub(super) fn serve(options: &Options) -> Simulated {
    let faults = Faults::default();
    let server = Arc::new(Server::new(options.clone(), faults.clone()));
    Simulated { engine: Shared(Arc::clone(&server)), server, faults }
}

impl Simulated {
    /// A connection of `sa` in `shop`.
    pub(super) fn connect(&self) -> Box<dyn Conversation> {
        self.connect_as("sa", "Pass@word1", "shop").unwrap()
    }

    pub(super) fn connect_as(
        &self,
        user: &str,
        secret: &str,
        database: &str,
    ) -> Result<Box<dyn Conversation>, Failure> {
        self.engine.log_in(&LoginRequest {
            user: user.to_owned(),
            secret: secret.to_owned(),
            by_token: false,
            database: database.to_owned(),
        })
    }
}

/// What a batch answers, as short text: rows and `done`s.
pub(super) fn ask(session: &mut dyn Conversation, sql: &str) -> Vec<String> {
    let mut recorded = Recorded::default();
    match session.batch(sql, &[], &mut recorded) {
        Ok(()) => recorded.lines,
        Err(stopped) => panic!("{sql}: {stopped:?}"),
    }
}

/// Only the rows.
pub(super) fn rows(session: &mut dyn Conversation, sql: &str) -> Vec<String> {
    let mut lines = ask(session, sql);
    lines.retain(|line| line.starts_with('('));
    lines
}

/// The number of the error that a batch ends with.
pub(super) fn fails(session: &mut dyn Conversation, sql: &str) -> i32 {
    match session.batch(sql, &[], &mut Recorded::default()) {
        Err(Stopped::Failed(failure)) => failure.number,
        other => panic!("{sql}: {other:?}"),
    }
}

//! The wire against real clients, with an engine that knows a few texts by heart.

pub(crate) mod client;
pub(crate) mod fake;
mod faults;
mod foreign_clients;
mod logins;
mod nonsense;
mod requests;
mod types;

use crate::options::{Faults, Options};
use crate::wire::Simulator;
use fake::Fake;
use std::sync::Arc;

/// A server with that engine.
pub(crate) fn start(fake: Fake) -> Simulator {
    start_with(fake, |_| {})
}

pub(crate) fn start_with(fake: Fake, change: impl FnOnce(&mut Options)) -> Simulator {
    let mut options = Options::new(fake::database());
    change(&mut options);
    Simulator::start_with(Arc::new(fake), options, Faults::default()).unwrap()
}

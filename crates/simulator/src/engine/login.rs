//! Who may come in.

use super::failures::{cannot_open, login_failed, planned};
use super::session::{Session, is_closed};
use super::state::Server;
use crate::answer::Failure;
use crate::conversation::{Conversation, Engine, LoginRequest};
use std::sync::Arc;

/// The engine of a server, shared by its connections.
pub(super) struct Shared(pub(super) Arc<Server>);

impl Engine for Shared {
    fn log_in(&self, request: &LoginRequest) -> Result<Box<dyn Conversation>, Failure> {
        let LoginRequest { user, secret, by_token, database } = request;
        let server = &self.0;
        {
            let mut plan = server.faults.plan();
            if !plan.fail_logins.is_empty() {
                return Err(planned(plan.fail_logins.remove(0)));
            }
        }
        let mut logins = server.options.logins.iter();
        let login = match by_token {
            true => logins.find(|login| login.password == *secret),
            false => logins.find(|login| login.name.eq_ignore_ascii_case(user) && login.password == *secret),
        };
        let login = login
            .ok_or_else(|| login_failed(if *by_token { "<token-identified principal>" } else { user }))?;
        let wanted = if database.is_empty() { "master" } else { database.as_str() };
        let opened = server.database(wanted).filter(|found| !is_closed(login, found, server));
        let opened = opened.ok_or_else(|| cannot_open(wanted, &login.name))?;
        Ok(Box::new(Session::new(Arc::clone(server), login.clone(), &opened)))
    }
}

//! One connection, from its first byte to its last.
//!
//! Invariant: requests are answered in order, each by one message; after an attention the connection goes on.

use crate::answer::{BatchParameter, Failure, Stopped};
use crate::conversation::Conversation;
use crate::wire::bulk;
use crate::wire::call::{self, Call};
use crate::wire::link::{Link, Message, Packet, invalid, kind};
use crate::wire::login::{self, Session};
use crate::wire::prelogin;
use crate::wire::sending::{Sending, Setting};
use crate::wire::server::Server;
use crate::wire::tokens::{self, change, done};
use crate::wire::transport::Transport;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;

/// From this severity up, the server closes the connection.
const FATAL_CLASS: u8 = 20;

/// Serves a client until it goes.
///
/// # Errors
/// `InvalidData` for what neither a client nor the engine may do; others when the client is gone.
pub(crate) fn serve(server: Arc<Server>, socket: TcpStream, process_id: u16) -> io::Result<()> {
    let mut link = Link::new(Transport::new(socket)?, server, process_id);
    let served = serve_link(&mut link);
    match &served {
        Err(error) if error.kind() == ErrorKind::InvalidData => link.transport.cut(),
        _ => link.transport.close(),
    }
    match served {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        served => served,
    }
}

fn serve_link(link: &mut Link) -> io::Result<()> {
    link.wait_as_planned()?;
    let begun = prelogin::begin(link)?;
    let Some(session) = login::log_in(link, begun)? else { return Ok(()) };
    link.count_answers();
    let mut connection =
        Connection { link, session, transaction: 0, prepared: HashMap::new(), next_handle: 1 };
    while connection.take_request()? == Next::Request {}
    Ok(())
}

/// What comes after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Request,
    End,
}

struct Connection<'a> {
    link: &'a mut Link,
    session: Session,
    transaction: u64,
    /// Declaration and text of prepared statements, by handle.
    prepared: HashMap<i32, (String, String)>,
    next_handle: i32,
}

impl Connection<'_> {
    fn take_request(&mut self) -> io::Result<Next> {
        if self.link.has_attention() {
            self.attend()?;
            return Ok(Next::Request);
        }
        let packet = self.link.receive_packet()?;
        match packet.kind {
            kind::BULK => return self.take_bulk(packet),
            kind::ATTENTION => {
                self.attend()?;
                return Ok(Next::Request);
            }
            _ => {}
        }
        let message = self.link.receive_rest(packet)?;
        if message.is_ignored {
            let setting = self.setting("");
            let mut sending = Sending::new(self.link, setting);
            sending.fail(&Failure::new(0, "the request was withdrawn"))?;
            sending.end()?;
            return Ok(Next::Request);
        }
        self.answer(&message)
    }

    fn answer(&mut self, message: &Message) -> io::Result<Next> {
        let reset = message.resets;
        if reset && let Err(failure) = self.reset() {
            return self.refuse(&failure);
        }
        match message.kind {
            kind::BATCH => {
                let sql = call::batch_text(&message.bytes)?;
                self.batch(&sql, reset)
            }
            kind::TRANSACTION => {
                let sql = call::transaction_statements(&message.bytes)?;
                self.batch(&sql, reset)
            }
            kind::RPC => {
                let calls = call::parse(&message.bytes)?;
                self.calls(&calls, reset)
            }
            other => Err(invalid(format!("a message of kind {other}"))),
        }
    }

    /// A new conversation for the same login: what `sp_reset_connection` comes to.
    fn reset(&mut self) -> Result<(), Failure> {
        self.session.conversation = self.link.server.engine.log_in(&self.session.request)?;
        self.transaction = 0;
        self.prepared.clear();
        Ok(())
    }

    fn setting(&self, sql: &str) -> Setting {
        Setting {
            database: self.session.conversation.database().to_owned(),
            collation: self.session.conversation.collation().to_owned(),
            takes_utf8: self.session.takes_utf8,
            in_procedure: false,
            rolls_back: sql.to_ascii_lowercase().contains("rollback"),
            transaction: self.transaction,
        }
    }

    fn attend(&mut self) -> io::Result<()> {
        let setting = self.setting("");
        Sending::new(self.link, setting).attend()
    }

    fn refuse(&mut self, failure: &Failure) -> io::Result<Next> {
        let setting = self.setting("");
        let mut sending = Sending::new(self.link, setting);
        sending.fail(failure)?;
        sending.end()?;
        Ok(Next::End)
    }

    fn batch(&mut self, sql: &str, reset: bool) -> io::Result<Next> {
        self.link.server.note_batch(sql);
        self.link.wait_as_planned()?;
        if self.link.has_attention() {
            self.attend()?;
            return Ok(Next::Request);
        }
        if self.send_garbage(sql)? {
            return Ok(Next::End);
        }
        let server = Arc::clone(&self.link.server);
        let key = server.options.remember_answers.then(|| self.memory_key(sql)).flatten();
        let setting = self.setting(sql);
        let mut sending = Sending::new(self.link, setting);
        if let Some(key) = &key {
            if let Some(pieces) = server.remembered(key) {
                if sending.pieces(&pieces)? {
                    sending.end()?;
                } else {
                    sending.attend()?;
                }
                return Ok(Next::Request);
            }
            sending.record();
        }
        if reset {
            let mut token = Vec::new();
            tokens::put_change_bytes(change::RESET, &[], &[], &mut token);
            sending.tokens(&token)?;
        }
        let conversation = self.session.conversation.as_mut();
        let run = run(sql, &[], self.transaction, conversation, &mut sending);
        self.transaction = sending.transaction_descriptor();
        let ended = finish(&mut sending, run)?;
        match ended {
            Ended::Attended => return Ok(Next::Request),
            Ended::Failed { is_fatal } => {
                sending.end()?;
                return Ok(if is_fatal { Next::End } else { Next::Request });
            }
            Ended::Well => sending.finish()?,
        }
        let record = sending.take_record();
        sending.end()?;
        if let Some((key, record)) = key.zip(record) {
            server.remember(key, record);
        }
        Ok(Next::Request)
    }

    /// What an answer is remembered by; none for a batch whose answer may change.
    fn memory_key(&self, sql: &str) -> Option<String> {
        let lower = sql.trim_start().to_ascii_lowercase();
        let is_query = lower.starts_with("select") || lower.starts_with("with");
        let changes = ["@@", "sys.dm_", "change_tracking", "(dbcc", "newid(", "getdate("];
        let may_change = changes.iter().any(|word| lower.contains(word));
        let database = self.session.conversation.database();
        let login = &self.session.request.user;
        (is_query && lower.contains(" from ") && !may_change).then(|| format!("{database}\n{login}\n{sql}"))
    }

    /// Nonsense in place of an answer, if that is planned and the batch reads a user table.
    fn send_garbage(&mut self, sql: &str) -> io::Result<bool> {
        if !reads_user_table(sql) {
            return Ok(false);
        }
        let Some(count) = self.link.server.faults.plan().garbage_bytes.take() else { return Ok(false) };
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut left = count;
        while left > 0 {
            let mut chunk = Vec::new();
            for _ in 0..left.min(4096) {
                // Xorshift: nonsense that is the same each time.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let [byte, ..] = state.to_le_bytes();
                chunk.push(byte);
            }
            left -= left.min(4096);
            self.link.send(&chunk)?;
        }
        Ok(true)
    }

    fn take_bulk(&mut self, first: Packet) -> io::Result<Next> {
        let taken = bulk::take(self.link, first, self.session.conversation.as_mut())?;
        self.link.wait_as_planned()?;
        let setting = self.setting("");
        let mut sending = Sending::new(self.link, setting);
        let mut next = Next::Request;
        match taken {
            Some(Ok(rows)) => {
                let mut token = Vec::new();
                tokens::put_done(tokens::DONE, done::COUNT, 0, rows, &mut token);
                sending.tokens(&token)?;
            }
            Some(Err(failure)) => {
                sending.fail(&failure)?;
                if failure.class >= FATAL_CLASS {
                    next = Next::End;
                }
            }
            None => {
                let mut token = Vec::new();
                tokens::put_done(tokens::DONE, done::ERROR, 0, 0, &mut token);
                sending.tokens(&token)?;
            }
        }
        sending.end()?;
        Ok(next)
    }

    fn calls(&mut self, calls: &[Call], reset: bool) -> io::Result<Next> {
        self.link.wait_as_planned()?;
        if self.link.has_attention() {
            self.attend()?;
            return Ok(Next::Request);
        }
        let texts: Vec<Result<Statement, Failure>> = calls.iter().map(|call| self.statement(call)).collect();
        let whole: Vec<&str> =
            texts.iter().flatten().filter_map(|statement| statement.sql.as_deref()).collect();
        let mut setting = self.setting(&whole.join("\n"));
        setting.in_procedure = true;
        let mut sending = Sending::new(self.link, setting);
        if reset {
            let mut token = Vec::new();
            tokens::put_change_bytes(change::RESET, &[], &[], &mut token);
            sending.tokens(&token)?;
        }
        let count = texts.len();
        for (place, statement) in texts.into_iter().enumerate() {
            let more = if place + 1 < count { done::MORE } else { 0 };
            let (run, handle) = match statement {
                Err(failure) => (Err(Stopped::Failed(failure)), None),
                Ok(Statement { sql: None, handle, .. }) => (Ok(()), handle),
                Ok(Statement { sql: Some(sql), parameters, handle }) => {
                    let conversation = self.session.conversation.as_mut();
                    (run(&sql, &parameters, self.transaction, conversation, &mut sending), handle)
                }
            };
            self.transaction = sending.transaction_descriptor();
            let mut token = Vec::new();
            let mut fatal = false;
            let mut failed = 0;
            match finish(&mut sending, run)? {
                Ended::Attended => return Ok(Next::Request),
                Ended::Failed { is_fatal } => {
                    fatal = is_fatal;
                    failed = done::ERROR;
                    tokens::put_return_status(1, &mut token);
                }
                Ended::Well => {
                    sending.finish_statement()?;
                    tokens::put_return_status(0, &mut token);
                    if let Some((name, handle)) = handle {
                        tokens::put_return_int(0, &name, handle, &mut token);
                    }
                }
            }
            tokens::put_done(tokens::DONE_PROC, failed | more, 0, 0, &mut token);
            sending.tokens(&token)?;
            if fatal {
                sending.end()?;
                return Ok(Next::End);
            }
        }
        sending.end()?;
        Ok(Next::Request)
    }

    /// What a call comes to.
    fn statement(&mut self, call: &Call) -> Result<Statement, Failure> {
        let Call { name, parameters } = call;
        let text = |place: usize| {
            parameters.get(place).and_then(|parameter| parameter.text.clone()).unwrap_or_default()
        };
        let handle_at = |place: usize| {
            parameters.get(place).and_then(|parameter| parameter.int).and_then(|int| i32::try_from(int).ok())
        };
        let handle_name =
            parameters.first().map(|parameter| parameter.parameter.name.clone()).unwrap_or_default();
        let values = |from: usize| parameters.get(from..).unwrap_or_default();
        let statement = match name.as_str() {
            "sp_executesql" => {
                Statement { sql: Some(text(0)), parameters: call::named(values(2), &text(1)), handle: None }
            }
            "sp_prepexec" | "sp_prepare" => {
                let handle = self.next_handle;
                self.next_handle += 1;
                self.prepared.insert(handle, (text(1), text(2)));
                let runs = name == "sp_prepexec";
                Statement {
                    sql: runs.then(|| text(2)),
                    parameters: if runs { call::named(values(3), &text(1)) } else { Vec::new() },
                    handle: Some((handle_name, handle)),
                }
            }
            "sp_execute" => {
                let found = handle_at(0).and_then(|handle| self.prepared.get(&handle));
                let (declaration, sql) = found.ok_or_else(|| {
                    Failure::new(8179, "Could not find prepared statement with that handle.")
                })?;
                Statement {
                    sql: Some(sql.clone()),
                    parameters: call::named(values(1), declaration),
                    handle: None,
                }
            }
            "sp_unprepare" => {
                if let Some(handle) = handle_at(0) {
                    self.prepared.remove(&handle);
                }
                Statement { sql: None, parameters: Vec::new(), handle: None }
            }
            "sp_reset_connection" => {
                self.reset()?;
                Statement { sql: None, parameters: Vec::new(), handle: None }
            }
            other => {
                return Err(Failure::new(2812, format!("Could not find stored procedure '{other}'.")));
            }
        };
        if let Some(sql) = &statement.sql {
            self.link.server.note_batch(sql);
        }
        Ok(statement)
    }
}

/// A batch that a call comes to; without a text there is nothing to run.
struct Statement {
    sql: Option<String>,
    parameters: Vec<BatchParameter>,
    /// A handle to give back, and the parameter's name.
    handle: Option<(String, i32)>,
}

/// How a batch ended.
enum Ended {
    Well,
    Failed { is_fatal: bool },
    Attended,
}

fn run(
    sql: &str,
    parameters: &[BatchParameter],
    transaction: u64,
    conversation: &mut dyn Conversation,
    sending: &mut Sending<'_>,
) -> Result<(), Stopped> {
    match bulk::table_asked_for(sql) {
        Some(table) => bulk::describe(&table, transaction != 0, conversation, sending),
        None => conversation.batch(sql, parameters, sending),
    }
}

/// Tells the client of a failure or an attention.
fn finish(sending: &mut Sending<'_>, run: Result<(), Stopped>) -> io::Result<Ended> {
    if let Some(trouble) = sending.take_trouble() {
        return Err(trouble);
    }
    if sending.has_attention() {
        sending.attend()?;
        return Ok(Ended::Attended);
    }
    match run {
        Ok(()) => Ok(Ended::Well),
        Err(Stopped::Failed(failure)) => {
            sending.fail(&failure)?;
            Ok(Ended::Failed { is_fatal: failure.class >= FATAL_CLASS })
        }
        Err(Stopped::Client(error)) => Err(error),
    }
}

/// Whether a batch reads a table of the user's: names of ours are in brackets.
fn reads_user_table(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    lower.contains(" from [") && !lower.contains("sys.")
}

//! Speaks TDS (MS-TDS 7.4 and 8.0) as a server: one thread a connection, blocking.
//!
//! The way of a request: `transport` (bytes, TLS) → `link` (packets) → `connection` (requests in turn) → the engine →
//! `sending` (tokens) → `form` and `values` (columns, values) → `link` again. `prelogin` and `login` stand before it,
//! `call` and `decode` read what clients send, `bulk` takes their rows, `server` is what connections share.
//!
//! Invariant: what an engine gives is sent exactly, or the connection is cut and [`Simulator::complaints`] says why.

mod browser;
mod bulk;
mod call;
mod certificates;
mod collation;
mod connection;
mod decode;
mod drain;
mod form;
mod link;
mod literal;
mod login;
mod pages;
mod prelogin;
mod sending;
mod server;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;
mod transport;
mod values;
mod variant;

pub use browser::Browser;
pub use certificates::Authority;
pub use drain::Drain;

use crate::conversation::Engine;
use crate::options::{Faults, Options};
use server::Server;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// A running server; it stops when this is dropped, and all its connections with it.
pub struct Simulator {
    port: u16,
    server: Arc<Server>,
    listener: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free, a certificate cannot be read, or a database makes no sense.
    pub fn start(options: Options) -> io::Result<Self> {
        let faults = Faults::default();
        let engine = crate::engine::open(&options, &faults)?;
        Self::start_with(engine, options, faults)
    }

    /// Starts a server with that engine.
    ///
    /// # Errors
    /// When no port is free, or a certificate cannot be read.
    pub(crate) fn start_with(engine: Arc<dyn Engine>, options: Options, faults: Faults) -> io::Result<Self> {
        let tls = tls::configuration(&options.tls)?;
        let server = Arc::new(Server::new(engine, options, faults, tls));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::clone(&server);
        let listener = std::thread::spawn(move || listen(&listener, &shared));
        Ok(Self { port, server, listener: Some(listener) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// How a client reaches that database as `sa` without TLS.
    pub fn url(&self, database: &str) -> String {
        format!("mssql://sa:Pass%40word1@127.0.0.1:{}/{database}?encrypt=off", self.port)
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.server.connections.load(Ordering::Relaxed)
    }

    /// How many bytes were sent over all connections, packet headers among them, before encryption.
    pub fn bytes_sent(&self) -> u64 {
        self.server.bytes_sent.load(Ordering::Relaxed)
    }

    /// The texts of the last few thousand batches and calls, oldest first.
    pub fn batches(&self) -> Vec<String> {
        self.server.batches()
    }

    /// What neither a client nor the engine may have done: a test that counts on a good simulator finds this empty.
    pub fn complaints(&self) -> Vec<String> {
        self.server.complaints()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.stop();
        // The listener waits for a connection: this is the last one.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// Closes a connection's second handle when its thread ends, however it ends.
struct Closing<'a> {
    server: &'a Server,
    id: u64,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.server.forget_socket(self.id);
    }
}

fn listen(listener: &TcpListener, server: &Arc<Server>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for id in 0_u64.. {
        let accepted = listener.accept();
        if server.is_stopping() {
            break;
        }
        let Ok((socket, _)) = accepted else { continue };
        let Ok(second) = socket.try_clone() else { continue };
        server.connections.fetch_add(1, Ordering::Relaxed);
        server.keep_socket(id, second);
        threads.retain(|thread| !thread.is_finished());
        let shared = Arc::clone(server);
        threads.push(std::thread::spawn(move || {
            let process_id = u16::try_from(51 + id % 30_000).unwrap_or(51);
            // Also when the engine panics: the client must not wait for ever.
            let _closing = Closing { server: &shared, id };
            let served = connection::serve(Arc::clone(&shared), socket, process_id);
            if let Err(error) = served
                && error.kind() == ErrorKind::InvalidData
            {
                shared.complain(&error.to_string());
            }
        }));
    }
    server.stop();
    for thread in threads {
        let _ = thread.join();
    }
}

//! What all connections of a server share: the engine, the options, the faults, what was counted and remembered.

use crate::conversation::Engine;
use crate::options::{Faults, Options};
use rustls::ServerConfig;
use std::collections::{HashMap, VecDeque};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many texts of batches are kept.
const MOST_BATCHES: usize = 4096;

/// How much may be remembered of answers.
const MOST_REMEMBERED_BYTES: usize = 2 << 30;

/// A remembered answer: its tokens without the last DONE's `more` bit set, in pieces.
pub(crate) type Remembered = Arc<Vec<Vec<u8>>>;

/// What connections share.
pub(crate) struct Server {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) connections: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    transactions: AtomicU64,
    stopping: AtomicBool,
    sockets: Mutex<HashMap<u64, TcpStream>>,
    batches: Mutex<VecDeque<String>>,
    complaints: Mutex<Vec<String>>,
    remembered: Mutex<(usize, HashMap<String, Remembered>)>,
    drops: Mutex<Drops>,
}

/// The places at which connections are cut, as they were planned when counting began.
#[derive(Default)]
struct Drops {
    places: Vec<u64>,
    sent: u64,
}

impl Server {
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        options: Options,
        faults: Faults,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        Self {
            engine,
            options,
            faults,
            tls,
            connections: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            sockets: Mutex::default(),
            batches: Mutex::default(),
            complaints: Mutex::default(),
            remembered: Mutex::default(),
            drops: Mutex::default(),
        }
    }

    /// A descriptor for a transaction that begins; never 0.
    pub(crate) fn next_transaction(&self) -> u64 {
        self.transactions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the server is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends all connections, and refuses new ones.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for socket in lock(&self.sockets).values() {
            // A client that is gone already is none to tell.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Keeps a socket, so that [`Self::stop`] can end it.
    pub(crate) fn keep_socket(&self, id: u64, socket: TcpStream) {
        lock(&self.sockets).insert(id, socket);
    }

    /// The connection has ended.
    pub(crate) fn forget_socket(&self, id: u64) {
        lock(&self.sockets).remove(&id);
    }

    /// A batch has come.
    pub(crate) fn note_batch(&self, sql: &str) {
        let mut batches = lock(&self.batches);
        if batches.len() == MOST_BATCHES {
            batches.pop_front();
        }
        batches.push_back(sql.to_owned());
    }

    pub(crate) fn batches(&self) -> Vec<String> {
        lock(&self.batches).iter().cloned().collect()
    }

    /// Something that neither a client nor the engine may ask for.
    #[expect(clippy::print_stderr, reason = "a test's log is where the simulator's own errors belong")]
    pub(crate) fn complain(&self, text: &str) {
        eprintln!("simulator: {text}");
        lock(&self.complaints).push(text.to_owned());
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        lock(&self.complaints).clone()
    }

    /// What was answered to that before.
    pub(crate) fn remembered(&self, key: &str) -> Option<Remembered> {
        lock(&self.remembered).1.get(key).cloned()
    }

    /// Keeps an answer.
    pub(crate) fn remember(&self, key: String, pieces: Vec<Vec<u8>>) {
        let mut remembered = lock(&self.remembered);
        let bytes: usize = pieces.iter().map(Vec::len).sum();
        if remembered.0 + bytes <= MOST_REMEMBERED_BYTES {
            remembered.0 += bytes;
            remembered.1.insert(key, Arc::new(pieces));
        }
    }

    /// Counts bytes of answers that are about to be sent; after how many of them the connection is to be cut, if
    /// a planned place is among them. Such a place is taken out of the plan.
    pub(crate) fn cut_within(&self, count: u64) -> Option<u64> {
        let mut plan = self.faults.plan();
        let mut drops = lock(&self.drops);
        if drops.places != plan.drop_after_bytes {
            drops.places.clone_from(&plan.drop_after_bytes);
            drops.sent = 0;
        }
        let place = *drops.places.first()?;
        if drops.sent.saturating_add(count) <= place {
            drops.sent += count;
            return None;
        }
        let sent = place.saturating_sub(drops.sent);
        drops.sent += sent;
        drops.places.remove(0);
        plan.drop_after_bytes.clone_from(&drops.places);
        Some(sent)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::fake;

    #[test]
    fn planned_places_count_from_the_moment_they_were_set() {
        let options = Options::new(fake::database());
        let server = Server::new(Arc::new(fake::Fake::default()), options, Faults::default(), None);
        assert_eq!(server.cut_within(1000), None);
        server.faults.plan().drop_after_bytes = vec![100, 250];
        assert_eq!(server.cut_within(60), None);
        assert_eq!(server.cut_within(60), Some(40));
        assert_eq!(server.faults.plan().drop_after_bytes, vec![250]);
        assert_eq!(server.cut_within(150), None);
        assert_eq!(server.cut_within(1), Some(0));
        assert_eq!(server.cut_within(u64::MAX), None);
        server.faults.plan().drop_after_bytes = vec![10];
        assert_eq!(server.cut_within(11), Some(10));
    }
}

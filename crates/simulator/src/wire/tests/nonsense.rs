//! Clients that send nonsense: no panic, and the server goes on.

use super::client::Client;
use super::fake::Fake;
use super::start;
use crate::wire::call;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Xorshift: the same nonsense each time.
struct Nonsense(u64);

impl Nonsense {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.to_le_bytes()[0]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len() + 8).unwrap().to_be_bytes();
    let mut packet = vec![kind, 1, high, low, 0, 0, 1, 0];
    packet.extend_from_slice(body);
    packet
}

#[test]
fn nonsense_in_messages_is_refused_without_a_panic() {
    let mut nonsense = Nonsense(0x1234_5678_9abc_def1);
    for round in 0..20_000 {
        let count = usize::from(nonsense.byte());
        let mut message = if round % 2 == 0 { call::headers() } else { Vec::new() };
        if round % 4 == 0 {
            // The number of sp_executesql, flags, a parameter without a name.
            message.extend([0xff, 0xff, 10, 0, 0, 0, 0, 0]);
        }
        message.extend(nonsense.bytes(count));
        // Whatever comes of it, it must come.
        let _ = call::parse(&message);
        let _ = call::batch_text(&message);
        let _ = call::transaction_statements(&message);
    }
}

#[test]
fn a_server_outlives_clients_that_send_nonsense() {
    let simulator = start(Fake::default());
    let mut nonsense = Nonsense(0xfeed_beef_0000_0001);
    let prelogin = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 8, 0, 1, 0, 0, 0, 2];
    for round in 0..60 {
        let mut socket = TcpStream::connect(("127.0.0.1", simulator.port())).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let body = nonsense.bytes(300);
        let sent = match round % 4 {
            0 => nonsense.bytes(200),
            1 => packet(18, &body),
            2 => [packet(18, &prelogin), packet(16, &body)].concat(),
            _ => [packet(18, &prelogin), packet(nonsense.byte(), &body)].concat(),
        };
        // The server may have had enough before all is sent.
        let _ = socket.write_all(&sent);
        let _ = socket.shutdown(Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    }
    let mut client = Client::open(&simulator).unwrap();
    assert!(client.ask("nothing").unwrap().is_empty());
}

#[test]
fn a_bulk_load_of_nonsense_ends_the_connection_only() {
    let simulator = start(Fake::default());
    let mut nonsense = Nonsense(0x0bad_cafe_0000_0007);
    for _ in 0..40 {
        let mut drain =
            crate::wire::Drain::connect(simulator.port(), "sa", "Pass@word1", "shop", 4096).unwrap();
        drain.drain("insert bulk").unwrap();
        let count = usize::from(nonsense.byte()) + 4;
        let mut body = nonsense.bytes(count);
        body[..3].copy_from_slice(&[0x81, 1, 0]);
        drain.send_raw(&packet(7, &body)).unwrap();
        assert!(drain.read_raw().is_ok_and(|bytes| bytes < 4096));
    }
    assert!(Client::open(&simulator).unwrap().ask("nothing").unwrap().is_empty());
}

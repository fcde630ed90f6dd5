//! Packets and messages (MS-TDS 2.2.3) over a [`Transport`].
//!
//! Invariant: an answer is sent packet by packet while it is made; at most [`OUTPUT_BYTES`] and one packet wait here.
//! Between two writes the link looks for an attention of the client and for planned faults.

use crate::wire::server::Server;
use crate::wire::transport::Transport;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What waits before it is written to the socket.
const OUTPUT_BYTES: usize = 64 * 1024;

/// An attention is seen within this time, as long as there are rows.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The bytes of a packet's header.
const HEADER_BYTES: usize = 8;

/// A batch or a remote call larger than this is refused.
const MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Packet types (MS-TDS 2.2.3.1.1).
pub(crate) mod kind {
    pub(crate) const BATCH: u8 = 1;
    pub(crate) const RPC: u8 = 3;
    pub(crate) const ANSWER: u8 = 4;
    pub(crate) const ATTENTION: u8 = 6;
    pub(crate) const BULK: u8 = 7;
    pub(crate) const FEDAUTH: u8 = 8;
    pub(crate) const TRANSACTION: u8 = 14;
    pub(crate) const LOGIN: u8 = 16;
    pub(crate) const PRELOGIN: u8 = 18;
}

/// Bits of a packet's status (MS-TDS 2.2.3.1.2).
mod status {
    pub(super) const END: u8 = 0x01;
    pub(super) const IGNORE: u8 = 0x02;
    pub(super) const RESET: u8 = 0x08;
    pub(super) const RESET_KEEPING_TRANSACTION: u8 = 0x10;
}

/// A packet as it came.
pub(crate) struct Packet {
    pub(crate) kind: u8,
    pub(crate) is_last: bool,
    pub(crate) is_ignored: bool,
    pub(crate) resets: bool,
    pub(crate) bytes: Vec<u8>,
}

/// A message as it came.
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) resets: bool,
    pub(crate) is_ignored: bool,
    pub(crate) bytes: Vec<u8>,
}

/// One connection's packets.
pub(crate) struct Link {
    pub(crate) transport: Transport,
    pub(crate) server: Arc<Server>,
    packet_bytes: usize,
    process_id: u16,
    packet_number: u8,
    message_kind: u8,
    output: Vec<u8>,
    packet_start: usize,
    attention: bool,
    looked: Instant,
    counts: bool,
}

impl Link {
    pub(crate) fn new(transport: Transport, server: Arc<Server>, process_id: u16) -> Self {
        Self {
            transport,
            server,
            packet_bytes: 4096,
            process_id,
            packet_number: 0,
            message_kind: kind::ANSWER,
            output: Vec::new(),
            packet_start: 0,
            attention: false,
            looked: Instant::now(),
            counts: false,
        }
    }

    /// The size of packets from now on, the header with it.
    pub(crate) fn set_packet_bytes(&mut self, bytes: usize) {
        self.packet_bytes = bytes;
    }

    /// From now on, what is sent counts as answers.
    pub(crate) fn count_answers(&mut self) {
        self.counts = true;
    }

    /// Waits for a packet.
    ///
    /// # Errors
    /// `InvalidData` for what is not a packet.
    pub(crate) fn receive_packet(&mut self) -> io::Result<Packet> {
        self.transport.need(HEADER_BYTES)?;
        let (kind, status, length) = header(self.transport.input()).ok_or_else(not_a_packet)?;
        self.transport.need(length)?;
        let bytes = self.transport.input().get(HEADER_BYTES..length).unwrap_or_default().to_vec();
        self.transport.consume(length);
        Ok(Packet {
            kind,
            is_last: status & status::END != 0,
            is_ignored: status & status::IGNORE != 0,
            resets: status & (status::RESET | status::RESET_KEEPING_TRANSACTION) != 0,
            bytes,
        })
    }

    /// The rest of the message that begins with this packet.
    ///
    /// # Errors
    /// `InvalidData` when the packets are of different kinds, or too many.
    pub(crate) fn receive_rest(&mut self, first: Packet) -> io::Result<Message> {
        let Packet { kind, mut is_last, mut is_ignored, resets, mut bytes } = first;
        while !is_last {
            let next = self.receive_packet()?;
            if next.kind != kind {
                return Err(invalid(format!("a packet of kind {} in a message of kind {kind}", next.kind)));
            }
            is_last = next.is_last;
            is_ignored = next.is_ignored;
            bytes.extend_from_slice(&next.bytes);
            if bytes.len() > MESSAGE_BYTES {
                return Err(invalid("a message that is too long"));
            }
        }
        Ok(Message { kind, resets, is_ignored, bytes })
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// As [`Self::receive_rest`].
    pub(crate) fn receive(&mut self) -> io::Result<Message> {
        let first = self.receive_packet()?;
        self.receive_rest(first)
    }

    /// Begins an answer of that kind of packet.
    pub(crate) fn begin(&mut self, message_kind: u8) {
        self.output.clear();
        self.packet_number = 0;
        self.message_kind = message_kind;
        self.begin_packet();
    }

    fn begin_packet(&mut self) {
        self.packet_start = self.output.len();
        self.packet_number = self.packet_number.wrapping_add(1);
        let [high, low] = self.process_id.to_be_bytes();
        self.output.extend_from_slice(&[self.message_kind, 0, 0, 0, high, low, self.packet_number, 0]);
    }

    fn end_packet(&mut self, status: u8) {
        let length = u16::try_from(self.output.len() - self.packet_start).unwrap_or(u16::MAX);
        if let Some(header) = self.output.get_mut(self.packet_start..) {
            let [high, low] = length.to_be_bytes();
            for (place, byte) in header.iter_mut().skip(1).zip([status, high, low]) {
                *place = byte;
            }
        }
    }

    /// Adds bytes to the answer.
    ///
    /// # Errors
    /// When the client is gone, or a fault cuts the connection.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.packet_bytes.saturating_sub(self.output.len() - self.packet_start);
            if room == 0 {
                self.end_packet(0);
                if self.output.len() >= OUTPUT_BYTES {
                    self.flush()?;
                }
                self.begin_packet();
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.output.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends the answer and sends what waits.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.end_packet(status::END);
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let output = std::mem::take(&mut self.output);
        let sent = self.send(&output);
        self.output = output;
        self.output.clear();
        self.packet_start = 0;
        sent?;
        self.look_for_attention()
    }

    /// Sends bytes as they are, and counts them.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let all = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let cut = if self.counts { self.server.cut_within(all) } else { None };
        let count = cut.map_or(bytes.len(), |cut| usize::try_from(cut).unwrap_or(bytes.len()));
        self.transport.send(bytes.get(..count).unwrap_or(bytes))?;
        self.server.bytes_sent.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        if cut.is_some() {
            self.transport.cut();
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Takes an attention that has come, without waiting for one.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn look_for_attention(&mut self) -> io::Result<()> {
        self.looked = Instant::now();
        self.transport.look()?;
        if let Some((kind::ATTENTION, _, length)) = header(self.transport.input())
            && self.transport.input().len() >= length
        {
            self.transport.consume(length);
            self.attention = true;
        }
        Ok(())
    }

    /// Looks for an attention if that was not done for a while: rows may come slowly.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn look_now_and_then(&mut self) -> io::Result<()> {
        if self.looked.elapsed() < LOOK_EVERY { Ok(()) } else { self.look_for_attention() }
    }

    /// Whether the client has asked for attention since the answer began.
    pub(crate) fn has_attention(&self) -> bool {
        self.attention
    }

    /// The attention has been answered.
    pub(crate) fn forget_attention(&mut self) {
        self.attention = false;
    }

    /// Waits as the planned faults say: the delay, and as long as the server is to be silent.
    ///
    /// # Errors
    /// When the client or the server ends meanwhile.
    pub(crate) fn wait_as_planned(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let (silent, delay) = {
                let plan = self.server.faults.plan();
                (plan.silent, plan.delay.unwrap_or_default())
            };
            let rest = delay.saturating_sub(begun.elapsed());
            if self.server.is_stopping() {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            // Who is silent does not even answer an attention.
            if !silent && (self.attention || rest.is_zero()) {
                return Ok(());
            }
            self.look_for_attention()?;
            let nap = if silent { Duration::from_millis(10) } else { rest.min(Duration::from_millis(10)) };
            std::thread::sleep(nap);
        }
    }
}

/// Kind, status and whole length of the packet that begins here; none when it is incomplete or none at all.
fn header(bytes: &[u8]) -> Option<(u8, u8, usize)> {
    let [kind, status, high, low, _, _, _, _] = bytes.first_chunk::<HEADER_BYTES>()?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    (length >= HEADER_BYTES).then_some((*kind, *status, length))
}

fn not_a_packet() -> io::Error {
    invalid("a packet that is none")
}

/// What a client must not send, or the engine must not ask for: a complaint of the simulator.
pub(crate) fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text.into())
}

/// The bytes of one message as they come, packet by packet: for a bulk load.
pub(crate) struct Incoming<'a> {
    link: &'a mut Link,
    packet: Packet,
    used: usize,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(link: &'a mut Link, first: Packet) -> Self {
        Self { link, packet: first, used: 0 }
    }

    fn fill(&mut self) -> io::Result<bool> {
        while self.used >= self.packet.bytes.len() {
            if self.packet.is_last {
                return Ok(false);
            }
            let kind = self.packet.kind;
            self.packet = self.link.receive_packet()?;
            self.used = 0;
            if self.packet.kind != kind {
                return Err(invalid("a packet of another kind in a bulk load"));
            }
        }
        Ok(true)
    }

    /// Reads what is left of the message; whether the client says that it is to be ignored.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn drain(mut self) -> io::Result<bool> {
        loop {
            self.used = self.packet.bytes.len();
            if !self.fill()? {
                return Ok(self.packet.is_ignored);
            }
        }
    }
}

impl Read for Incoming<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.fill()? {
            return Ok(0);
        }
        let mut rest = self.packet.bytes.get(self.used..).unwrap_or_default();
        let count = rest.read(out)?;
        self.used += count;
        Ok(count)
    }
}

//! A client that reads answers and throws them away, for benchmarks: how fast is the simulator itself?

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// What is read at once.
const READ_BYTES: usize = 256 * 1024;

const BATCH: u8 = 1;
const LOGIN: u8 = 16;
const PRELOGIN: u8 = 18;

/// The token of LOGINACK.
const LOGIN_ACK: u8 = 0xad;

/// A connection without TLS.
#[derive(Debug)]
pub struct Drain {
    socket: TcpStream,
    packet_bytes: usize,
    buffer: Vec<u8>,
}

impl Drain {
    /// Logs in on 127.0.0.1, and asks for packets of that size.
    ///
    /// # Errors
    /// When the server is not there or refuses.
    pub fn connect(
        port: u16,
        user: &str,
        password: &str,
        database: &str,
        packet_size: u16,
    ) -> io::Result<Self> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        let mut drain = Self { socket, packet_bytes: 4096, buffer: vec![0; READ_BYTES] };
        // VERSION, and ENCRYPTION that is not supported.
        drain.send(PRELOGIN, &[0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 8, 0, 1, 0, 0, 0, 2])?;
        drain.read_answer(None)?;
        drain.send(LOGIN, &login(user, password, database, packet_size))?;
        let mut answer = Vec::new();
        drain.read_answer(Some(&mut answer))?;
        if !answer.contains(&LOGIN_ACK) || answer.first() == Some(&0xaa) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the login was refused"));
        }
        drain.packet_bytes = usize::from(packet_size);
        Ok(drain)
    }

    /// Sends a batch and reads its whole answer; how many bytes that was, packet headers among them.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn drain(&mut self, sql: &str) -> io::Result<u64> {
        // ALL_HEADERS: no transaction is open.
        let mut message = vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        message.extend(sql.encode_utf16().flat_map(u16::to_le_bytes));
        self.send(BATCH, &message)?;
        self.read_answer(None)
    }

    fn send(&mut self, kind: u8, message: &[u8]) -> io::Result<()> {
        let mut chunks = message.chunks(self.packet_bytes.saturating_sub(8).max(1)).peekable();
        let mut packets = Vec::new();
        while let Some(chunk) = chunks.next() {
            let length = u16::try_from(chunk.len() + 8).map_err(io::Error::other)?;
            let [high, low] = length.to_be_bytes();
            packets.extend_from_slice(&[kind, u8::from(chunks.peek().is_none()), high, low, 0, 0, 1, 0]);
            packets.extend_from_slice(chunk);
        }
        self.socket.write_all(&packets)
    }

    /// Reads to the end of a message; keeps what it says, if asked to.
    fn read_answer(&mut self, mut kept: Option<&mut Vec<u8>>) -> io::Result<u64> {
        let mut total = 0_u64;
        let mut head = [0_u8; 8];
        let mut head_bytes = 0;
        let mut left = 0;
        let mut is_last = false;
        loop {
            let count = self.socket.read(&mut self.buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            total += u64::try_from(count).unwrap_or(0);
            let mut rest = self.buffer.get(..count).unwrap_or_default();
            while !rest.is_empty() {
                if left > 0 {
                    let (body, later) = rest.split_at(left.min(rest.len()));
                    if let Some(kept) = kept.as_deref_mut() {
                        kept.extend_from_slice(body);
                    }
                    left -= body.len();
                    rest = later;
                } else {
                    head_bytes += rest.read(head.get_mut(head_bytes..).unwrap_or_default())?;
                    if head_bytes < head.len() {
                        continue;
                    }
                    let [_, status, high, low, ..] = head;
                    is_last = status & 1 != 0;
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    left = length.checked_sub(8).ok_or(io::ErrorKind::InvalidData)?;
                    head_bytes = 0;
                }
            }
            if is_last && left == 0 && head_bytes == 0 {
                return Ok(total);
            }
        }
    }
}

/// For tests that send what no client sends.
#[cfg(test)]
impl Drain {
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Reads until the server closes; how many bytes there were.
    pub(crate) fn read_raw(&mut self) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
        let mut bytes = Vec::new();
        match self.socket.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
            _ => Ok(bytes.len()),
        }
    }
}

/// LOGIN7 (MS-TDS 2.2.6.4).
fn login(user: &str, password: &str, database: &str, packet_size: u16) -> Vec<u8> {
    const FIXED_BYTES: usize = 94;
    let obfuscated = |text: &str| -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).map(|byte| byte.rotate_left(4) ^ 0xa5).collect()
    };
    let plain = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    // Host, user, password, application, server, nothing, library, language, database.
    let texts = [
        plain("drain"),
        plain(user),
        obfuscated(password),
        plain("drain"),
        plain("127.0.0.1"),
        Vec::new(),
        plain("drain"),
        Vec::new(),
        plain(database),
    ];
    let mut head = 0x7400_0004_u32.to_le_bytes().to_vec();
    head.extend_from_slice(&u32::from(packet_size).to_le_bytes());
    head.extend_from_slice(&[0; 12]);
    head.extend_from_slice(&[0xe0, 0x03, 0, 0]);
    head.extend_from_slice(&[0; 8]);
    let mut offset = FIXED_BYTES;
    let place = |offset: usize, bytes: usize, head: &mut Vec<u8>| {
        for number in [offset, bytes / 2] {
            head.extend_from_slice(&u16::try_from(number).unwrap_or(0).to_le_bytes());
        }
    };
    for text in &texts {
        place(offset, text.len(), &mut head);
        offset += text.len();
    }
    head.extend_from_slice(&[0; 6]);
    for _ in 0..3 {
        place(offset, 0, &mut head);
    }
    head.extend_from_slice(&[0; 4]);
    texts.iter().for_each(|text| head.extend_from_slice(text));
    let total = u32::try_from(head.len() + 4).unwrap_or(0);
    let mut message = total.to_le_bytes().to_vec();
    message.extend_from_slice(&head);
    message
}

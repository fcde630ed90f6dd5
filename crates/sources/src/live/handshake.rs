//! Just enough TDS to see how a server encrypts and which certificate it has: PRELOGIN (MS-TDS 2.2.6.5), then TLS inside
//! of TDS packets, or TLS before anything else (TDS 8.0). Nobody logs in.
//!
//! Invariant: the certificate is judged by the library that the TDS client uses, too, so that both say the same. Foreign
//! bytes neither panic nor make us wait longer than the address's login time-out.

use super::address::{Address, Encrypt};
use super::browser;
use crate::{ErrorKind, SourceError};
use native_tls::{HandshakeError, TlsConnector, TlsConnectorBuilder};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// The packet types of PRELOGIN and of a server's answer, and the bit that ends a message (MS-TDS 2.2.3.1).
const PRELOGIN: u8 = 0x12;
const RESPONSE: u8 = 0x04;
const END_OF_MESSAGE: u8 = 0x01;
const HEADER_BYTES: usize = 8;
/// Before the sizes are agreed on.
const PACKET_BYTES: usize = 4096;
/// No answer to PRELOGIN is longer.
const ANSWER_BYTES: usize = 64 * 1024;

/// What a server says about encryption in PRELOGIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// TLS before anything else: nothing was asked.
    Strict,
    /// Everything is encrypted.
    Everything,
    /// The login alone.
    LoginOnly,
    /// It has no TLS.
    None,
}

/// What a handshake has shown.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) offer: Offer,
    /// `TLS 1.2`; none where nothing is encrypted.
    pub(crate) version: Option<&'static str>,
    /// The server's certificate, DER.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// Whom a handshake trusts.
#[derive(Clone, Copy)]
pub(crate) enum Trust<'a> {
    /// The system's roots.
    System,
    /// These, PEM or DER, and no others.
    Roots(&'a [native_tls::Certificate]),
    /// Everybody: to look at the certificate.
    Anybody,
}

/// The TCP port of the address; a named instance's is asked for.
///
/// # Errors
/// See [`browser::port_of`].
pub(crate) fn port(address: &Address) -> Result<u16, SourceError> {
    match (address.port, &address.instance) {
        (Some(port), _) => Ok(port),
        (None, Some(instance)) => browser::port_of(&address.host, instance),
        (None, None) => Ok(1433),
    }
}

/// Connects, to the first address that answers.
///
/// # Errors
/// `Resolve`, `Connect`.
pub(crate) fn connect(address: &Address) -> Result<TcpStream, SourceError> {
    let port = port(address)?;
    let server = address.server();
    let places = (address.host.as_str(), port).to_socket_addrs().map_err(|error| {
        SourceError::caused(ErrorKind::Resolve, format!("cannot find the address of {server}"), error)
    })?;
    let places: Vec<SocketAddr> = places.collect();
    let share = limit(address) / u32::try_from(places.len().max(1)).unwrap_or(1);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for place in places {
        match TcpStream::connect_timeout(&place, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(SourceError::caused(ErrorKind::Connect, format!("cannot connect to {server}"), last))
}

fn limit(address: &Address) -> Duration {
    Duration::from_secs(u64::from(address.login_timeout_seconds.max(1)))
}

/// Goes as far as the encryption that the address asks for, and hangs up.
///
/// # Errors
/// `Resolve`, `Connect`, `Timeout`; `Tls` when the server does not encrypt as asked; `Certificate` when it is not trusted.
pub(crate) fn look(address: &Address, trust: &Trust<'_>) -> Result<Seen, SourceError> {
    let server = address.server();
    let stream = connect(address)?;
    let mut wire = Wire::new(stream, limit(address));
    let offer = match address.encrypt {
        Encrypt::Strict => Offer::Strict,
        Encrypt::On => ask(&mut wire, 1).map_err(|error| asked(&server, &error))?,
        Encrypt::LoginOnly | Encrypt::Off => ask(&mut wire, 0).map_err(|error| asked(&server, &error))?,
    };
    match (offer, address.encrypt) {
        (Offer::None | Offer::LoginOnly, Encrypt::On) => Err(SourceError::new(
            ErrorKind::Tls,
            format!("{server} has no encryption, and the address asks for it (encrypt=on)"),
        )),
        (Offer::None, Encrypt::LoginOnly) => Err(SourceError::new(
            ErrorKind::Tls,
            format!("{server} has no encryption, and the login would go in clear text (encrypt=login-only)"),
        )),
        (Offer::None, _) => Ok(Seen { offer, version: None, certificate: None }),
        _ => {
            wire.wrapped = address.encrypt != Encrypt::Strict;
            let (version, certificate) = shake(address, wire, trust)?;
            Ok(Seen { offer, version, certificate })
        }
    }
}

fn shake(
    address: &Address,
    wire: Wire,
    trust: &Trust<'_>,
) -> Result<(Option<&'static str>, Option<Vec<u8>>), SourceError> {
    let server = address.server();
    let failed = |error: native_tls::Error| {
        SourceError::caused(ErrorKind::Tls, format!("cannot set up TLS for {server}"), error)
    };
    let connector = connector(address, trust).build().map_err(failed)?;
    let name = address.host_name_in_certificate.as_deref().unwrap_or(&address.host);
    match connector.connect(name, wire) {
        Ok(stream) => {
            let certificate = stream.peer_certificate().map_err(failed)?;
            let certificate =
                certificate.map(|certificate| certificate.to_der()).transpose().map_err(failed)?;
            Ok((stream.get_ref().hello.version(), certificate))
        }
        Err(HandshakeError::Failure(error)) => {
            let text = error.to_string();
            let kind = if blames_certificate(&text) {
                ErrorKind::Certificate
            } else if text.contains("timed out") {
                ErrorKind::Timeout
            } else {
                ErrorKind::Tls
            };
            let context = match kind {
                ErrorKind::Certificate => format!("the certificate of {server} is not trusted"),
                ErrorKind::Timeout => {
                    format!("{server} did not answer within {} s", address.login_timeout_seconds)
                }
                _ => format!("cannot agree on encryption with {server}"),
            };
            Err(SourceError::caused(kind, context, error))
        }
        // The stream below never says that it would block.
        Err(HandshakeError::WouldBlock(_)) => Err(SourceError::new(
            ErrorKind::Timeout,
            format!("{server} did not answer within {} s", address.login_timeout_seconds),
        )),
    }
}

/// Whether an error of the TLS library's is about the trust in the server's certificate: OpenSSL has words for that alone;
/// those of Windows and macOS are less exact.
pub(crate) fn blames_certificate(text: &str) -> bool {
    match text.contains("SSL routines") {
        true => text.contains("certificate verify failed"),
        false => {
            let lower = text.to_lowercase();
            lower.contains("certificate") || lower.contains("trust")
        }
    }
}

fn connector(address: &Address, trust: &Trust<'_>) -> TlsConnectorBuilder {
    let mut builder = TlsConnector::builder();
    match trust {
        Trust::System => {}
        Trust::Roots(roots) => {
            builder.disable_built_in_roots(true);
            for root in *roots {
                builder.add_root_certificate(root.clone());
            }
        }
        Trust::Anybody => {
            builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
        }
    }
    if address.encrypt == Encrypt::Strict {
        builder.request_alpns(&["tds/8.0"]);
    }
    builder
}

fn asked(server: &str, error: &io::Error) -> SourceError {
    let cause = io::Error::new(error.kind(), error.to_string());
    match error.kind() {
        io::ErrorKind::TimedOut => {
            SourceError::caused(ErrorKind::Timeout, format!("{server} did not answer in time"), cause)
        }
        _ => SourceError::caused(
            ErrorKind::Tls,
            format!("{server} does not answer like a SQL Server, or one that insists on encrypt=strict"),
            cause,
        ),
    }
}

/// Sends PRELOGIN with a wish about encryption, and reads the server's.
fn ask(wire: &mut Wire, wish: u8) -> io::Result<Offer> {
    // VERSION, ENCRYPTION, INSTOPT, THREADID, MARS; each with its place and length, then the values.
    let values: [&[u8]; 5] = [&[0, 1, 0, 0, 0, 0], &[wish], &[0], &[0; 4], &[0]];
    let mut body = Vec::new();
    let mut place = u16::try_from(values.len() * 5 + 1).unwrap_or(0);
    for (token, value) in (0_u8..).zip(values) {
        let length = u16::try_from(value.len()).unwrap_or(0);
        body.push(token);
        body.extend_from_slice(&place.to_be_bytes());
        body.extend_from_slice(&length.to_be_bytes());
        place += length;
    }
    body.push(0xff);
    body.extend(values.concat());
    wire.send(&body)?;
    let answer = wire.message()?;
    let nonsense = || io::Error::new(io::ErrorKind::InvalidData, "the answer to PRELOGIN makes no sense");
    match encryption(&answer).ok_or_else(nonsense)? {
        0 => Ok(Offer::LoginOnly),
        1 | 3 => Ok(Offer::Everything),
        2 => Ok(Offer::None),
        _ => Err(nonsense()),
    }
}

/// The option ENCRYPTION of an answer.
fn encryption(answer: &[u8]) -> Option<u8> {
    for option in answer.chunks(5) {
        match option {
            [1, high, low, _, _] => {
                let place = usize::from(u16::from_be_bytes([*high, *low]));
                // The lower bits alone say it; others speak of client certificates.
                return answer.get(place).map(|value| value & 0x0f);
            }
            [0xff, ..] => return None,
            _ => {}
        }
    }
    None
}

/// A connection with a deadline, that puts what is written into packets and takes what is read out of them.
#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    until: Instant,
    wrapped: bool,
    /// What is left of the packet that is being read.
    left: usize,
    hello: Hello,
}

impl Wire {
    fn new(stream: TcpStream, limit: Duration) -> Self {
        Self { stream, until: Instant::now() + limit, wrapped: true, left: 0, hello: Hello::default() }
    }

    fn arm(&self) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(timed_out());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.set_write_timeout(Some(left))
    }

    fn send(&mut self, body: &[u8]) -> io::Result<()> {
        self.arm()?;
        let pieces: Vec<&[u8]> = body.chunks(PACKET_BYTES - HEADER_BYTES).collect();
        for (place, piece) in pieces.iter().enumerate() {
            let length = u16::try_from(piece.len() + HEADER_BYTES).unwrap_or(u16::MAX);
            let status = if place + 1 == pieces.len() { END_OF_MESSAGE } else { 0 };
            let [high, low] = length.to_be_bytes();
            let number = u8::try_from(place % 256).unwrap_or(0);
            let mut packet = vec![PRELOGIN, status, high, low, 0, 0, number, 0];
            packet.extend_from_slice(piece);
            self.stream.write_all(&packet).map_err(late)?;
        }
        Ok(())
    }

    /// The header of a packet: its status, and how much follows.
    fn header(&mut self) -> io::Result<(u8, usize)> {
        let mut header = [0_u8; HEADER_BYTES];
        self.arm()?;
        self.stream.read_exact(&mut header).map_err(late)?;
        let [kind, status, high, low, ..] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        match length.checked_sub(HEADER_BYTES) {
            Some(length) if matches!(kind, PRELOGIN | RESPONSE) => Ok((status, length)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a packet of TDS")),
        }
    }

    fn message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let (status, length) = self.header()?;
            if message.len() + length > ANSWER_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"));
            }
            let start = message.len();
            message.resize(start + length, 0);
            if let Some(room) = message.get_mut(start..) {
                self.stream.read_exact(room).map_err(late)?;
            }
            if status & END_OF_MESSAGE != 0 {
                return Ok(message);
            }
        }
    }
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "timed out")
}

/// A read that waited too long says that it would block.
fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => timed_out(),
        _ => error,
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.wrapped {
            while self.left == 0 {
                (_, self.left) = self.header()?;
            }
        }
        self.arm()?;
        let most = if self.wrapped { buffer.len().min(self.left) } else { buffer.len() };
        let room = buffer.get_mut(..most).unwrap_or_default();
        let count = self.stream.read(room).map_err(late)?;
        if self.wrapped {
            self.left -= count;
        }
        self.hello.watch(buffer.get(..count).unwrap_or(&[]));
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.arm()?;
        match self.wrapped {
            true => self.send(bytes).map(|()| bytes.len()),
            false => self.stream.write(bytes).map_err(late),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The server's first words, which tell the version of TLS (RFC 8446, 4.1.3): the library does not.
#[derive(Debug, Default)]
struct Hello {
    bytes: Vec<u8>,
}

impl Hello {
    fn watch(&mut self, bytes: &[u8]) {
        let room = 512_usize.saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
    }

    fn version(&self) -> Option<&'static str> {
        // Record header 5, handshake header 4, version 2, random 32, session id, cipher 2, compression 1, extensions.
        if self.bytes.first() != Some(&22) || self.bytes.get(5) != Some(&2) {
            return None;
        }
        let legacy = self.bytes.get(9..11)?;
        let session = usize::from(*self.bytes.get(43)?);
        let start = 44 + session + 3 + 2;
        let mut rest = self.bytes.get(start..).unwrap_or(&[]);
        while let [kind_high, kind_low, high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            // The extension supported_versions.
            if [*kind_high, *kind_low] == [0, 43] {
                return (after.get(..2) == Some(&[3, 4])).then_some("TLS 1.3");
            }
            rest = after.get(length..).unwrap_or(&[]);
        }
        match legacy {
            [3, 3] => Some("TLS 1.2"),
            [3, 2] => Some("TLS 1.1"),
            [3, 1] => Some("TLS 1.0"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_word_on_encryption_is_found_in_its_answer() {
        let answer = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 3];
        assert_eq!(encryption(&answer), Some(3));
        for cut in 0..answer.len() {
            assert!(cut >= 18 || encryption(&answer[..cut]).is_none());
        }
    }
}

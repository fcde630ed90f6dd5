//! PRELOGIN (MS-TDS 2.2.6.5): versions, encryption, and whether a login by token is to come.

use crate::options::Tls;
use crate::wire::link::{Link, invalid, kind};
use crate::wire::tls::ALPN;
use crate::wire::tokens::product_bytes;
use rustls::ServerConnection;
use std::io;
use std::sync::Arc;

mod option {
    pub(super) const VERSION: u8 = 0;
    pub(super) const ENCRYPTION: u8 = 1;
    pub(super) const INSTANCE: u8 = 2;
    pub(super) const THREAD: u8 = 3;
    pub(super) const MARS: u8 = 4;
    pub(super) const FEDAUTH_REQUIRED: u8 = 6;
    pub(super) const END: u8 = 0xff;
}

mod encrypt {
    pub(super) const OFF: u8 = 0;
    pub(super) const ON: u8 = 1;
    pub(super) const NOT_SUPPORTED: u8 = 2;
    pub(super) const REQUIRED: u8 = 3;
}

/// What is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    Nothing,
    LoginOnly,
    Everything,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) encryption: Encryption,
    /// Whether the client speaks TDS 8.0.
    pub(crate) is_strict: bool,
}

/// Takes the client's PRELOGIN, answers it, and shakes hands as agreed.
///
/// # Errors
/// When the two cannot agree: then the client has been told, and the connection is to be closed.
pub(crate) fn begin(link: &mut Link) -> io::Result<Begun> {
    let configuration = link.server.tls.clone();
    let is_strict = matches!(link.server.options.tls, Tls::Strict(_));
    let connection = |configuration: Option<Arc<_>>| {
        let configuration = configuration.ok_or_else(|| invalid("no certificate"))?;
        ServerConnection::new(configuration).map_err(io::Error::other)
    };
    if is_strict {
        link.transport.need(1)?;
        if link.transport.input().first() != Some(&0x16) {
            // SQL Server closes without a word.
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        link.transport.shake_hands(connection(configuration.clone())?)?;
        if link.transport.protocol() != Some(ALPN) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
    }
    let message = link.receive()?;
    if message.kind != kind::PRELOGIN {
        return Err(invalid(format!("a message of kind {} in place of PRELOGIN", message.kind)));
    }
    let asked = find(&message.bytes, option::ENCRYPTION).and_then(|data| data.first().copied());
    let fedauth = find(&message.bytes, option::FEDAUTH_REQUIRED).and_then(|data| data.first().copied());
    let (answer, encryption) = negotiate(&link.server.options.tls, asked.unwrap_or(encrypt::NOT_SUPPORTED));
    let response = response(&link.server.options.product_version, answer, fedauth);
    link.begin(kind::ANSWER);
    link.put(&response)?;
    link.end()?;
    let Some(encryption) = encryption else {
        return Err(io::ErrorKind::ConnectionRefused.into());
    };
    if encryption != Encryption::Nothing && !is_strict {
        shake_hands_in_packets(link, connection(configuration)?)?;
    }
    Ok(Begun { encryption, is_strict })
}

/// What the server answers, and what comes of it; none when the two cannot agree.
fn negotiate(tls: &Tls, asked: u8) -> (u8, Option<Encryption>) {
    match (tls, asked) {
        (Tls::Strict(_), _) => (encrypt::ON, Some(Encryption::Everything)),
        (Tls::None, encrypt::ON | encrypt::REQUIRED) => (encrypt::NOT_SUPPORTED, None),
        (Tls::None, _) => (encrypt::NOT_SUPPORTED, Some(Encryption::Nothing)),
        (Tls::Offered(_), encrypt::NOT_SUPPORTED) => (encrypt::NOT_SUPPORTED, Some(Encryption::Nothing)),
        (Tls::Offered(_), encrypt::OFF) => (encrypt::OFF, Some(Encryption::LoginOnly)),
        (Tls::Required(_), encrypt::NOT_SUPPORTED) => (encrypt::REQUIRED, None),
        (Tls::Required(_), encrypt::OFF) => (encrypt::REQUIRED, Some(Encryption::Everything)),
        (Tls::Offered(_) | Tls::Required(_), _) => (encrypt::ON, Some(Encryption::Everything)),
    }
}

fn response(product_version: &str, encryption: u8, fedauth: Option<u8>) -> Vec<u8> {
    let mut options: Vec<(u8, Vec<u8>)> = vec![
        (option::VERSION, product_bytes(product_version).to_vec()),
        (option::ENCRYPTION, vec![encryption]),
        (option::INSTANCE, vec![0]),
        (option::THREAD, Vec::new()),
        (option::MARS, vec![0]),
    ];
    if let Some(required) = fedauth {
        options.push((option::FEDAUTH_REQUIRED, vec![required]));
    }
    let mut head = Vec::new();
    let mut data = Vec::new();
    for (id, bytes) in &options {
        let offset = options.len() * 5 + 1 + data.len();
        head.push(*id);
        head.extend_from_slice(&u16::try_from(offset).unwrap_or(0).to_be_bytes());
        head.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        data.extend_from_slice(bytes);
    }
    head.push(option::END);
    head.extend_from_slice(&data);
    head
}

/// The data of that option.
fn find(message: &[u8], wanted: u8) -> Option<&[u8]> {
    for entry in message.chunks_exact(5) {
        let [id, offset_high, offset_low, length_high, length_low] = *entry.first_chunk::<5>()?;
        if id == option::END {
            return None;
        }
        if id == wanted {
            let offset = usize::from(u16::from_be_bytes([offset_high, offset_low]));
            let length = usize::from(u16::from_be_bytes([length_high, length_low]));
            return message.get(offset..offset.checked_add(length)?);
        }
    }
    None
}

/// TLS inside of PRELOGIN packets, until both are done (MS-TDS 2.2.6.5, 3.2.5.2).
fn shake_hands_in_packets(link: &mut Link, mut tls: ServerConnection) -> io::Result<()> {
    while tls.is_handshaking() {
        let packet = link.receive_packet()?;
        if packet.kind != kind::PRELOGIN {
            return Err(invalid(format!("a packet of kind {} in a handshake", packet.kind)));
        }
        let mut rest = packet.bytes.as_slice();
        let mut processed = Ok(());
        while !rest.is_empty() && processed.is_ok() {
            tls.read_tls(&mut rest)?;
            processed = tls.process_new_packets().map(|_| ());
        }
        let mut records = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut records)?;
        }
        if !records.is_empty() {
            link.begin(kind::PRELOGIN);
            link.put(&records)?;
            link.end()?;
        }
        // The client may distrust us: that is its right, and no complaint.
        processed.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
    }
    link.transport.encrypt(tls)
}

//! The bytes of one connection: a socket, with TLS over it or without.
//!
//! Invariant: reading never waits while an answer is being sent; [`Transport::look`] takes what has come and returns.
//! What has come and is not yet used stands in one bounded buffer.

use rustls::ServerConnection;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// More than this is not read ahead.
const INPUT_BYTES: usize = 256 * 1024;

/// One connection's bytes.
pub(crate) struct Transport {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    input: Vec<u8>,
    used: usize,
}

impl Transport {
    pub(crate) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self { socket, tls: None, input: Vec::new(), used: 0 })
    }

    /// What has come and is not yet used.
    pub(crate) fn input(&self) -> &[u8] {
        self.input.get(self.used..).unwrap_or_default()
    }

    /// Marks the first bytes of [`Self::input`] as used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.used = (self.used + count).min(self.input.len());
        if self.used == self.input.len() {
            self.input.clear();
            self.used = 0;
        }
    }

    /// Waits until at least so many bytes stand in [`Self::input`].
    pub(crate) fn need(&mut self, count: usize) -> io::Result<()> {
        while self.input().len() < count {
            self.read_some()?;
        }
        Ok(())
    }

    /// Waits for more bytes.
    fn read_some(&mut self) -> io::Result<()> {
        if self.used > 0 {
            self.input.drain(..self.used);
            self.used = 0;
        }
        let mut chunk = [0_u8; 32 * 1024];
        let Some(tls) = &mut self.tls else {
            let count = self.socket.read(&mut chunk)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.input.extend_from_slice(chunk.get(..count).unwrap_or_default());
            return Ok(());
        };
        loop {
            match tls.reader().read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.input.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if tls.read_tls(&mut self.socket)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            process(tls, &mut self.socket)?;
        }
    }

    /// Takes what has come without waiting.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        self.take_decrypted()?;
        while self.input().len() < INPUT_BYTES && self.is_readable()? {
            let Some(tls) = &mut self.tls else {
                self.read_some()?;
                continue;
            };
            // A record may come in pieces; only what is here is read.
            if tls.read_tls(&mut self.socket)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            process(tls, &mut self.socket)?;
            self.take_decrypted()?;
        }
        Ok(())
    }

    fn take_decrypted(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        match tls.reader().read_to_end(&mut self.input) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_readable(&mut self) -> io::Result<bool> {
        self.socket.set_nonblocking(true)?;
        let found = self.socket.peek(&mut [0_u8; 1]);
        self.socket.set_nonblocking(false)?;
        match found {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends all of the bytes.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            return self.socket.write_all(bytes);
        };
        while !bytes.is_empty() {
            let count = tls.writer().write(bytes)?;
            bytes = bytes.get(count..).unwrap_or_default();
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        Ok(())
    }

    /// Shakes hands at once, before anything else (TDS 8.0).
    pub(crate) fn shake_hands(&mut self, mut tls: ServerConnection) -> io::Result<()> {
        self.decrypt_input(&mut tls)?;
        while tls.is_handshaking() {
            if tls.read_tls(&mut self.socket)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            process(&mut tls, &mut self.socket)?;
        }
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// From now on, all goes through these keys: also what has come already, for the client does not wait.
    pub(crate) fn encrypt(&mut self, mut tls: ServerConnection) -> io::Result<()> {
        self.decrypt_input(&mut tls)?;
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    fn decrypt_input(&mut self, tls: &mut ServerConnection) -> io::Result<()> {
        let input = std::mem::take(&mut self.input);
        let mut rest = input.get(self.used..).unwrap_or_default();
        self.used = 0;
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
            process(tls, &mut self.socket)?;
        }
        Ok(())
    }

    /// From now on, nothing is encrypted: the login is over (MS-TDS 2.2.6.5, ENCRYPT_OFF).
    pub(crate) fn stop_encrypting(&mut self) {
        self.tls = None;
    }

    /// What the client and we have agreed to speak inside of TLS.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.tls.as_ref().and_then(|tls| tls.alpn_protocol())
    }

    /// Whether what goes over the socket is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Cuts the connection off, as a network does.
    pub(crate) fn cut(&self) {
        // The client may have cut it already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Ends the connection in good order, so that the client still gets what was sent: what it still sends is read
    /// for a while, because an unread byte would make the system send a reset.
    pub(crate) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(Duration::from_millis(500)));
        let mut chunk = [0_u8; 4096];
        for _ in 0..64 {
            if !matches!(self.socket.read(&mut chunk), Ok(count) if count > 0) {
                break;
            }
        }
    }
}

fn process(tls: &mut ServerConnection, socket: &mut TcpStream) -> io::Result<()> {
    let processed = tls.process_new_packets();
    while tls.wants_write() {
        tls.write_tls(socket)?;
    }
    // The client may distrust us: that is its right, and no complaint.
    processed.map(|_| ()).map_err(|error| io::Error::new(ErrorKind::ConnectionAborted, error))
}

//! SQL Server Browser: tells which instance listens where (MC-SQLR), on UDP port 1434 of 127.0.0.1.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PORT: u16 = 1434;

/// How long to wait for another test that has the port.
const PATIENCE: Duration = Duration::from_secs(30);

const CLNT_BCAST_EX: u8 = 0x02;
const CLNT_UCAST_EX: u8 = 0x03;
const CLNT_UCAST_INST: u8 = 0x04;
const SVR_RESP: u8 = 0x05;

/// A running browser; it stops when this is dropped.
#[derive(Debug)]
pub struct Browser {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Browser {
    /// Tells of these instances: name and TCP port.
    ///
    /// # Errors
    /// When somebody else has UDP port 1434 and does not give it back within half a minute.
    pub fn start(instances: &[(&str, u16)]) -> io::Result<Self> {
        let socket = bind()?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let instances: Vec<(String, u16)> =
            instances.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            let mut request = [0_u8; 128];
            while !told.load(Ordering::SeqCst) {
                let Ok((count, from)) = socket.recv_from(&mut request) else { continue };
                if let Some(response) = respond(request.get(..count).unwrap_or_default(), &instances) {
                    // A client that does not wait for the answer does not want it.
                    let _ = socket.send_to(&response, from);
                }
            }
        });
        Ok(Self { stopping, thread: Some(thread) })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn bind() -> io::Result<UdpSocket> {
    let begun = Instant::now();
    loop {
        match UdpSocket::bind((Ipv4Addr::LOCALHOST, PORT)) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            bound => return bound,
        }
    }
}

/// The answer; none for an unknown request or instance, to which the real one is silent as well.
fn respond(request: &[u8], instances: &[(String, u16)]) -> Option<Vec<u8>> {
    let (first, rest) = request.split_first()?;
    let wanted: Vec<&(String, u16)> = match *first {
        CLNT_BCAST_EX | CLNT_UCAST_EX => instances.iter().collect(),
        CLNT_UCAST_INST => {
            let name = rest.split(|byte| *byte == 0).next()?;
            let name = std::str::from_utf8(name).ok()?;
            instances.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).collect()
        }
        _ => return None,
    };
    if wanted.is_empty() {
        return None;
    }
    let text: String = wanted
        .iter()
        .map(|(name, port)| {
            format!(
                "ServerName;SIMULATOR;InstanceName;{name};IsClustered;No;Version;16.0.4135.4;tcp;{port};;"
            )
        })
        .collect();
    let mut response = vec![SVR_RESP];
    response.extend_from_slice(&u16::try_from(text.len()).ok()?.to_le_bytes());
    response.extend_from_slice(text.as_bytes());
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_found_by_its_name() {
        let instances = [("A".to_owned(), 1), ("SQL2022".to_owned(), 49_152)];
        let response = respond(b"\x04sql2022\0", &instances).unwrap();
        let text = String::from_utf8(response.get(3..).unwrap().to_vec()).unwrap();
        assert!(text.contains("InstanceName;SQL2022;"), "{text}");
        assert!(text.ends_with("tcp;49152;;"), "{text}");
        assert_eq!(usize::from(u16::from_le_bytes([response[1], response[2]])), text.len());
        assert!(respond(b"\x03", &instances).unwrap().len() > response.len());
        assert_eq!(respond(b"\x04other\0", &instances), None);
        assert_eq!(respond(b"", &instances), None);
        assert_eq!(respond(b"\x09", &instances), None);
    }

    #[test]
    fn a_browser_answers_over_the_network_and_gives_its_port_back() {
        for _ in 0..2 {
            let browser = Browser::start(&[("SQL2022", 4711)]).unwrap();
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            socket.send_to(b"\x04SQL2022\0", (Ipv4Addr::LOCALHOST, PORT)).unwrap();
            let mut answer = [0_u8; 512];
            let count = socket.recv(&mut answer).unwrap();
            assert!(String::from_utf8_lossy(&answer[..count]).contains("tcp;4711;;"));
            drop(browser);
        }
    }
}

//! Named instances: SQL Server Browser says at which port one listens (MS-SQLR 2.2.3, 2.2.5).
//!
//! Invariant: the answer is a datagram of a stranger; nothing of it but a port number is believed.

use crate::{ErrorKind, SourceError};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// Where the Browser listens.
const BROWSER_PORT: u16 = 1434;
/// A datagram gets lost now and then.
const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_millis(1000);

/// The TCP port of an instance.
///
/// # Errors
/// `Resolve` when the host has no address; `Connect` when no Browser answers, or does not know the instance.
pub(crate) fn port_of(host: &str, instance: &str) -> Result<u16, SourceError> {
    let places: Vec<SocketAddr> = (host, BROWSER_PORT)
        .to_socket_addrs()
        .map_err(|error| {
            SourceError::caused(ErrorKind::Resolve, format!("cannot find the address of {host}"), error)
        })?
        .collect();
    for _ in 0..TRIES {
        for place in &places {
            match ask(*place, instance) {
                Ok(Some(port)) => return Ok(port),
                Ok(None) => {
                    return Err(SourceError::new(
                        ErrorKind::Connect,
                        format!(
                            "the SQL Server Browser of {host} names no TCP port of the instance {instance}"
                        ),
                    ));
                }
                // The next address, or the next try.
                Err(_) => {}
            }
        }
    }
    Err(SourceError::new(
        ErrorKind::Connect,
        format!(
            "no SQL Server Browser answers on {host}, UDP port {BROWSER_PORT}, so that the port of the instance {instance} is not known"
        ),
    ))
}

fn ask(place: SocketAddr, instance: &str) -> std::io::Result<Option<u16>> {
    let here: SocketAddr = match place {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(here)?;
    // Only what comes from there is received.
    socket.connect(place)?;
    socket.set_read_timeout(Some(WAIT))?;
    let mut question = vec![4];
    question.extend_from_slice(instance.as_bytes());
    question.push(0);
    socket.send(&question)?;
    let mut answer = [0_u8; 2048];
    let length = socket.recv(&mut answer)?;
    Ok(port_in(answer.get(..length).unwrap_or(&[]), instance))
}

/// The port in `ServerName;…;InstanceName;…;tcp;1433;;`.
fn port_in(answer: &[u8], instance: &str) -> Option<u16> {
    let (head, text) = answer.split_at_checked(3)?;
    if head.first() != Some(&5) {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    let parts: Vec<&str> = text.split(';').collect();
    let value = |name: &str| {
        parts.chunks(2).find_map(|pair| match pair {
            [key, value] if key.eq_ignore_ascii_case(name) => Some(*value),
            _ => None,
        })
    };
    match value("InstanceName") {
        Some(found) if found.eq_ignore_ascii_case(instance) => value("tcp")?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_an_instance_is_in_the_browsers_answer() {
        let text =
            b"ServerName;H;InstanceName;SALES;IsClustered;No;Version;16.0.1000.6;tcp;50123;np;\\\\H\\pipe;;";
        let mut answer = vec![5, u8::try_from(text.len()).unwrap(), 0];
        answer.extend_from_slice(text);
        assert_eq!(port_in(&answer, "sales"), Some(50123));
        assert_eq!(port_in(&answer, "other"), None);
        for cut in 0..answer.len() {
            let _ = port_in(&answer[..cut], "sales");
        }
        assert_eq!(port_in(b"\x05\x00\x00ServerName;H;InstanceName;SALES;np;x;;", "sales"), None);
    }
}

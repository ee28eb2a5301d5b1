//! Responses of a server that tries to exhaust, mislead or hang its client.

use std::io::{Read as _, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// The behaviour of the server instead of a normal response.
pub(crate) enum Act {
    /// Sends these bytes.
    Write(Vec<u8>),
    /// Sends these bytes and closes the connection.
    Cut(Vec<u8>),
    /// Sends the first bytes once and the second ones without end.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends these bytes one by one, with pauses.
    Drip(Vec<u8>),
    /// Sends these bytes, then nothing more.
    Stall(Vec<u8>),
}

impl Act {
    /// Returns a complete response.
    pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        Self::Write([head.as_bytes(), body].concat())
    }

    /// Sends the response; returns whether the connection can be used again.
    pub(crate) fn send(&self, stream: &mut TcpStream) -> Result<bool> {
        match self {
            Self::Write(bytes) => stream.write_all(bytes)?,
            Self::Cut(bytes) => {
                stream.write_all(bytes)?;
                return Ok(false);
            }
            Self::Endless(first, piece) => {
                stream.write_all(first)?;
                // Ends when the client closes the connection.
                loop {
                    stream.write_all(piece)?;
                }
            }
            Self::Drip(bytes) => {
                for byte in bytes {
                    stream.write_all(&[*byte])?;
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            Self::Stall(bytes) => {
                stream.write_all(bytes)?;
                // Returns when the client closes the connection.
                let _ = stream.read(&mut [0])?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

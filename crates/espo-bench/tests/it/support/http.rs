//! Reads requests.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;

/// A request.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) tag: Option<String>,
    pub(super) key: Option<String>,
    pub(super) body: String,
    pub(super) headers: Vec<(String, String)>,
}

/// Reads a request; `None` if the client closed the connection.
pub(super) fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut parts = line.split_whitespace();
    let (method, target) = (
        parts.next().unwrap_or("").to_owned(),
        parts.next().unwrap_or("").to_owned(),
    );
    let (mut length, mut tag, mut key) = (0, None, None);
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "x-espo-bench" => tag = Some(value.trim().to_owned()),
            "x-api-key" => key = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Asked {
        method,
        target,
        tag,
        key,
        body: String::from_utf8_lossy(&body).into_owned(),
        headers,
    }))
}

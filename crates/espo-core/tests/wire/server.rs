//! A server that each test controls byte for byte: real sockets, and faults that a well-behaved server cannot produce.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use espo_core::{Auth, Client, ClientBuilder, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One request as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The number of the connection, from 0.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The server's reaction to a request.
pub(crate) enum Act {
    /// Writes these bytes and keeps the connection open.
    Write(Vec<u8>),
    /// Writes these bytes and closes.
    Cut(Vec<u8>),
    /// Writes these bytes and resets the connection.
    Reset(Vec<u8>),
    /// Writes these bytes and then nothing, keeping the connection open.
    Stall(Vec<u8>),
    /// Writes these bytes and then spaces without end.
    Flood(Vec<u8>),
    /// Writes the first bytes once and the second ones without end.
    Repeat(Vec<u8>, Vec<u8>),
    /// Writes these bytes one by one, with pauses.
    Drip(Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// `act` receives the request and its number, from 0.
    pub(crate) async fn start(act: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), act).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        act: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let act = Arc::new(act);
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connection = 0;
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                tasks.spawn(serve(socket, connection, Arc::clone(&log), act.clone()));
                connection += 1;
            }
        });
        Self { addr, seen, task }
    }

    /// Responds to every request with the same JSON.
    pub(crate) async fn answering(body: &'static str) -> Self {
        Self::start(move |_, _| json(200, body)).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }

    /// A client with an API key, whose retries do not wait.
    pub(crate) fn client(&self) -> Client {
        builder(&self.url()).build().unwrap()
    }
}

pub(crate) fn builder(url: &str) -> ClientBuilder {
    Client::builder(url)
        .auth(Auth::api_key("0123456789abcdef0123456789abcdef"))
        .no_proxy()
        .retry(
            RetryPolicy::default()
                .attempts(3)
                .delays(Duration::from_millis(1), Duration::from_millis(1)),
        )
}

async fn serve<F>(mut socket: TcpStream, connection: usize, log: Arc<Mutex<Vec<Seen>>>, act: Arc<F>)
where
    F: Fn(&Seen, usize) -> Act,
{
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut socket, &mut buffer, connection).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(seen.clone());
            log.len() - 1
        };
        match act(&seen, number) {
            Act::Write(bytes) => {
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::Cut(bytes) => {
                let _ = socket.write_all(&bytes).await;
                return;
            }
            Act::Reset(bytes) => {
                let _ = socket.write_all(&bytes).await;
                // Ensures that the bytes are read before the reset arrives.
                tokio::time::sleep(Duration::from_millis(20)).await;
                socket.set_zero_linger().unwrap();
                return;
            }
            Act::Stall(bytes) => {
                let _ = socket.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
            Act::Flood(bytes) => {
                let _ = socket.write_all(&bytes).await;
                let blanks = b"4000\r\n".iter().copied();
                let piece: Vec<u8> = blanks
                    .chain(std::iter::repeat_n(b' ', 0x4000))
                    .chain(*b"\r\n")
                    .collect();
                while socket.write_all(&piece).await.is_ok() {}
                return;
            }
            Act::Repeat(first, piece) => {
                let _ = socket.write_all(&first).await;
                while socket.write_all(&piece).await.is_ok() {}
                return;
            }
            Act::Drip(bytes) => {
                for byte in bytes {
                    if socket.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}

async fn read_request(
    socket: &mut TcpStream,
    buffer: &mut Vec<u8>,
    connection: usize,
) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut start = lines.next()?.split(' ');
    let (method, target) = (start.next()?.to_owned(), start.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let length: usize = headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < end + length {
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Some(Seen {
        method,
        target,
        headers,
        body,
        connection,
    })
}

/// The bytes of a response; extra headers, one per line, each ending in CRLF.
pub(crate) fn bytes(status: u16, content_type: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

pub(crate) fn json(status: u16, body: &str) -> Act {
    Act::Write(bytes(status, "application/json", "", body.as_bytes()))
}

pub(crate) fn empty(status: u16, headers: &str) -> Act {
    Act::Write(bytes(status, "application/json", headers, b""))
}

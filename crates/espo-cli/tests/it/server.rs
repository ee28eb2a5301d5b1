//! A server that sends arbitrary bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The bytes that the server sends in response to a request.
pub(crate) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The first bytes once and the second ones without end.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server on a separate thread that ends with the test program.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` receives the path of a request, without the query.
    pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&heads), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request lines and headers that arrived.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

/// A complete response.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> Answer {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    Answer::Bytes((head + body).into_bytes())
}

fn serve(stream: TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Answer) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().unwrap_or(0));
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        log.lock().expect("no panic").push(head);
        let path = target.split('?').next().unwrap_or_default();
        let sent = match answer(path) {
            Answer::Bytes(bytes) => writer.write_all(&bytes),
            Answer::Endless(first, piece) => {
                let _ = writer.write_all(&first);
                while writer.write_all(&piece).is_ok() {}
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

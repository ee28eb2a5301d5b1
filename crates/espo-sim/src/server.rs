//! The socket: accepts connections on the current tokio runtime and passes requests to the application.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, HOST, LAST_MODIFIED,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, Version};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::RwLock;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;

use crate::app::App;
use crate::faults::{Cut, Fault};
use crate::http::{Reply, Request, query, reason_header};
use crate::routes;

/// Maximum size of a request body.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Maximum length of a request target; nginx returns 414 for longer ones.
const MAX_TARGET: usize = 8 * 1024;

/// Maximum number of connections in the queue; systems use less if they allow less.
const BACKLOG: u32 = 65_535;

/// The state that serves requests; a reset replaces it.
pub(crate) type Current = Arc<RwLock<Arc<App>>>;

/// Listens on the first usable address of a host. The system limits the queue of connections that were not accepted yet:
/// a load test opens many at once.
pub(crate) async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for addr in lookup_host(address).await? {
        let socket = match addr {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // As the standard library does: Windows gives the option another meaning.
        socket.set_reuseaddr(cfg!(not(windows)))?;
        match socket.bind(addr).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Accepts connections until `stop` is signalled.
pub(crate) async fn run(listener: TcpListener, app: Current, mut stop: watch::Receiver<bool>) {
    let mut reported = false;
    loop {
        let accepted = tokio::select! {
            a = listener.accept() => a,
            _ = stop.changed() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Disconnected clients are not reported; a lack of file descriptors is.
                let is_client = matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                );
                if !is_client && !std::mem::replace(&mut reported, true) {
                    espo_stdio::note!(
                        "espo-sim: cannot accept connections: {error}; clients wait until others disconnect"
                    );
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream, peer, Arc::clone(&app), stop.clone()));
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, app: Current, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |req| {
        let app = Arc::clone(&app.read());
        async move { answer(req, peer, &app).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .half_close(true)
        .max_buf_size(256 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stop.changed() => {}
    }
}

/// Closes the connection without a response.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection reset on demand")
    }
}

impl std::error::Error for Reset {}

async fn answer(
    req: http::Request<Incoming>,
    peer: SocketAddr,
    app: &Arc<App>,
) -> Result<Response<Piece>, Reset> {
    let (parts, body) = req.into_parts();
    if let Some(status) = refused(&parts) {
        let page = match status {
            400 => "<html><head><title>400 Bad Request</title></head></html>",
            _ => "<html><head><title>405 Not Allowed</title></head></html>",
        };
        return Ok(respond(app, plain(status, page), None));
    }
    let target_len = parts.uri.path_and_query().map_or(0, |p| p.as_str().len());
    if target_len > MAX_TARGET {
        return Ok(respond(
            app,
            plain(
                414,
                "<html><head><title>414 Request-URI Too Large</title></head></html>",
            ),
            None,
        ));
    }
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(b) => b.to_bytes(),
        Err(_) => {
            return Ok(respond(
                app,
                plain(
                    413,
                    "<html><head><title>413 Request Entity Too Large</title></head></html>",
                ),
                None,
            ));
        }
    };
    let path = parts.uri.path();
    let Some(raw_path) = path.strip_prefix("/api/v1").filter(|p| p.starts_with('/')) else {
        return Ok(respond(
            app,
            plain(
                404,
                "<html><head><title>404 Not Found</title></head></html>",
            ),
            None,
        ));
    };
    let raw_path = raw_path[1..].to_owned();
    let mut request = Request {
        method: parts.method,
        segments: segments(&raw_path),
        raw_path,
        query: parts.uri.query().map(query::parse).unwrap_or_default(),
        headers: parts.headers,
        body,
        image: None,
    };
    let fault = app
        .faults
        .next(&request, |name| routes::is_entity_type(app, name));
    if let Some(fault) = &fault {
        if let Some(delay) = fault.delay {
            crate::timer::wait(delay).await;
        }
        if fault.stall {
            std::future::pending::<()>().await;
        }
        if fault.reset {
            app.log_request(&request, 0, None);
            return Err(Reset);
        }
    }
    request.image = routes::fetch_image(&request).await;
    let reply = routes::answer(app, &request, peer, fault.as_ref());
    app.log_request(&request, reply.status, reply.reason.clone());
    Ok(respond(app, reply, fault))
}

/// The status with which nginx rejects a request before the application sees it.
fn refused(parts: &Parts) -> Option<u16> {
    let (method, path) = (&parts.method, parts.uri.path());
    let known = |b: u8| b.is_ascii_uppercase() || matches!(b, b'-' | b'_');
    let decoded = query::decode_path(path);
    let mut headers = parts.headers.iter();
    if !method.as_str().bytes().all(known)
        || decoded.contains(&0)
        || !path.starts_with('/')
        || !is_encoded(path)
        || !has_host(parts)
        || headers.any(|(name, value)| name.as_str().len() + value.len() > MAX_TARGET)
    {
        return Some(400);
    }
    if matches!(*method, Method::TRACE | Method::CONNECT) {
        return Some(405);
    }
    // The root of the API is a directory to it.
    let passed = matches!(*method, Method::GET | Method::HEAD | Method::POST);
    (!passed && is_root(&decoded)).then_some(405)
}

/// Whether two digits follow every percent sign.
fn is_encoded(path: &str) -> bool {
    let mut parts = path.as_bytes().split(|b| *b == b'%').skip(1);
    parts.all(|p| p.len() >= 2 && p[..2].iter().all(u8::is_ascii_hexdigit))
}

/// Whether the request has exactly one host; HTTP/1.0 requires none.
fn has_host(parts: &Parts) -> bool {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let is_name = |v: &HeaderValue| {
        let bad = |b: &u8| b.is_ascii_whitespace() || *b == b'/';
        !v.is_empty() && !v.as_bytes().iter().any(bad)
    };
    match (hosts.next(), hosts.next()) {
        (None, _) => parts.version < Version::HTTP_11,
        (Some(host), None) => is_name(host),
        _ => false,
    }
}

/// Whether a path, with its dots resolved, is the path of the API itself.
fn is_root(path: &[u8]) -> bool {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|b| *b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    segments == [&b"api"[..], b"v1"] && !path.ends_with(b"v1")
}

/// Returns the decoded segments. `%2F` is a separator like `/`.
fn segments(raw_path: &str) -> Vec<String> {
    let decoded = query::decode_path(raw_path);
    let text = String::from_utf8(decoded)
        .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    text.split('/').map(str::to_owned).collect()
}

fn plain(status: u16, body: &'static str) -> Reply {
    Reply {
        status,
        content_type: "text/html".into(),
        reason: None,
        headers: Vec::new(),
        body: Bytes::from_static(body.as_bytes()),
        sized: true,
    }
}

fn respond(app: &App, reply: Reply, fault: Option<Fault>) -> Response<Piece> {
    let mut response = Response::new(Piece::new(&reply, fault));
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Ok(v) = HeaderValue::from_str(&reply.content_type) {
        headers.insert(CONTENT_TYPE, v);
    }
    if let Some(reason) = reply.reason.as_deref().and_then(reason_header) {
        headers.insert(HeaderName::from_static("x-status-reason"), reason);
    }
    if reply.status < 400 {
        headers.insert(EXPIRES, HeaderValue::from_static("0"));
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static(
                "no-store, no-cache, must-revalidate, post-check=0, pre-check=0",
            ),
        );
        headers.insert(
            HeaderName::from_static("x-app-timestamp"),
            HeaderValue::from(app.timestamp()),
        );
        if let Ok(v) = HeaderValue::from_str(&app.clock.http_date()) {
            headers.insert(LAST_MODIFIED, v);
        }
    }
    for (name, value) in reply.headers {
        if name == ALLOW || name == CONTENT_LENGTH {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    response
}

/// A body that can be slow or truncated, or whose length can be unknown (chunked transfer), as on a real server.
pub(crate) struct Piece {
    rest: Bytes,
    sized: bool,
    cut: Option<Cut>,
    pause: Option<Duration>,
    chunk: usize,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    failing: bool,
}

impl Piece {
    fn new(reply: &Reply, fault: Option<Fault>) -> Piece {
        let mut piece = Piece {
            rest: reply.body.clone(),
            sized: reply.sized || reply.body.is_empty(),
            cut: None,
            pause: None,
            chunk: usize::MAX,
            timer: None,
            failing: false,
        };
        if let Some(fault) = fault {
            piece.cut = fault.cut;
            if let Some((chunk, pause)) = fault.slow_body {
                piece.chunk = chunk.max(1);
                piece.pause = Some(pause);
            }
            if let Some(cut) = &piece.cut {
                let at = (piece.rest.len() as f64 * cut.share.clamp(0.0, 1.0)) as usize;
                piece.failing = cut.reset;
                // A truncated body claims its full length, so that the client can detect it.
                piece.rest.truncate(at.min(piece.rest.len()));
                piece.sized = false;
            }
        }
        piece
    }
}

impl Body for Piece {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(timer) = self.timer.as_mut() {
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.timer = None,
            }
        }
        if self.rest.is_empty() {
            if std::mem::take(&mut self.failing) {
                return Poll::Ready(Some(Err(std::io::Error::other(
                    "connection reset on demand",
                ))));
            }
            return Poll::Ready(None);
        }
        let take = self.chunk.min(self.rest.len());
        let piece = self.rest.split_to(take);
        if let Some(pause) = self.pause {
            self.timer = Some(Box::pin(tokio::time::sleep(pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.failing
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized {
            SizeHint::with_exact(self.rest.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}

//! Sends the items of webhooks in signed batches, and retries while the receiver cannot be reached.
//!
//! Items are sent only to loopback addresses, over plain HTTP, because a test server must not contact other hosts. An
//! item for another address is dropped.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Uri;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::webhooks::is_loopback;
use crate::app::App;
use crate::app::extras::{Item, Queue};
use crate::value::Id;

/// Maximum number of items per request.
const BATCH: usize = 50;
/// Maximum number of attempts per request.
const ATTEMPTS: u32 = 4;
/// Maximum size of a receiver's response that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

impl Queue {
    pub(crate) fn push(&self, item: Item) {
        self.items.lock().push(item);
        self.filled.notify_one();
    }
}

/// Sends events until `stop` is signalled.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = app.extras.webhook_queue.filled.notified() => {}
            _ = stop.changed() => return,
        }
        tokio::select! {
            () = sleep(app.options.background.delay) => {}
            _ = stop.changed() => return,
        }
        let items = std::mem::take(&mut *app.extras.webhook_queue.items.lock());
        for (webhook, payloads) in by_webhook(items) {
            let (app, mut stop) = (Arc::clone(&app), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = send_all(&app, &webhook, &payloads) => {}
                    _ = stop.changed() => {}
                }
            });
        }
    }
}

fn by_webhook(items: Vec<Item>) -> Vec<(Id, Vec<Json>)> {
    let mut groups: Vec<(Id, Vec<Json>)> = Vec::new();
    for item in items {
        match groups.iter_mut().find(|(id, _)| *id == item.webhook) {
            Some((_, list)) => list.push(item.payload),
            None => groups.push((item.webhook, vec![item.payload])),
        }
    }
    groups
}

/// Sends the batches of one webhook, in their order.
async fn send_all(app: &App, webhook: &Id, payloads: &[Json]) {
    for batch in payloads.chunks(BATCH) {
        for attempt in 1..=ATTEMPTS {
            let Some(status) = send(app, webhook, batch).await else {
                return;
            };
            match status {
                410 => {
                    if let Some(layout) = app.layouts.find("Webhook") {
                        app.store.table(layout.index).erase(webhook);
                    }
                    return;
                }
                0 | 401 | 403 | 404 | 405 | 408 | 500 | 503 if attempt < ATTEMPTS => {
                    sleep(app.options.background.retry_after).await
                }
                _ => break,
            }
        }
    }
}

/// Sends one request. Returns the status, or 0 without a response; `None` if the receiver no longer exists.
async fn send(app: &App, webhook: &Id, batch: &[Json]) -> Option<u16> {
    let layout = app.layouts.find("Webhook")?;
    let row = app.store.table(layout.index).live(webhook)?;
    let text = |attr: &str| {
        layout
            .slot(attr)
            .and_then(|s| row.get(s).as_str())
            .unwrap_or_default()
            .to_owned()
    };
    if !layout
        .slot("isActive")
        .is_some_and(|s| row.get(s).is_true())
    {
        return None;
    }
    let uri: Uri = text("url").parse().ok()?;
    let host = uri.host()?;
    if uri.scheme_str() != Some("http") || !is_loopback(host) {
        return None;
    }
    let mut out = app.out();
    out.json(&Json::Array(batch.to_vec()));
    let body = out.into_bytes();
    let signature = signature(&text("secretKey"), webhook, &body);
    Some(
        match timeout(TOTAL_TIMEOUT, request(&uri, host, body, signature)).await {
            Ok(Ok(status)) => status,
            Ok(Err(_)) | Err(_) => 0,
        },
    )
}

/// Returns the values of `Signature` (the digest in hexadecimal) and `X-Signature` (its bytes).
fn signature(secret: &str, webhook: &str, body: &[u8]) -> (String, String) {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return Default::default();
    };
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let raw: Vec<u8> = webhook
        .bytes()
        .chain([b':'])
        .chain(digest.iter().copied())
        .collect();
    (
        STANDARD.encode(format!("{webhook}:{hex}")),
        STANDARD.encode(raw),
    )
}

async fn request(
    uri: &Uri,
    host: &str,
    body: Vec<u8>,
    signature: (String, String),
) -> std::io::Result<u16> {
    let request = http::Request::post(uri.path_and_query().map_or("/", |p| p.as_str()))
        .header(CONTENT_TYPE, "application/json")
        .header("signature", signature.0)
        .header("x-signature", signature.1);
    let (parts, _) = exchange(uri, host, request, body, MAX_ANSWER).await?;
    Ok(parts.status.as_u16())
}

/// Returns content type and body of a 200 response from a URL; only loopback addresses are contacted.
pub(super) async fn fetch(url: &str, limit: u64) -> Option<(String, Bytes)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    if uri.scheme_str() != Some("http") || !is_loopback(host) {
        return None;
    }
    let request = http::Request::get(uri.path_and_query().map_or("/", |p| p.as_str()));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let answer = exchange(&uri, host, request, Vec::new(), limit);
    let (parts, body) = timeout(TOTAL_TIMEOUT, answer).await.ok()?.ok()?;
    let type_ = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let type_ = type_.split(';').next().unwrap_or_default().trim();
    (parts.status == http::StatusCode::OK).then(|| (type_.to_owned(), body))
}

/// Sends one request on a separate connection and returns the response.
async fn exchange(
    uri: &Uri,
    host: &str,
    request: http::request::Builder,
    body: Vec<u8>,
    limit: usize,
) -> std::io::Result<(http::response::Parts, Bytes)> {
    let port = uri.port_u16().unwrap_or(80);
    let address = (host.trim_start_matches('[').trim_end_matches(']'), port);
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    let request = request
        .header(HOST, format!("{host}:{port}"))
        .body(Full::new(Bytes::from(body)))
        .map_err(std::io::Error::other)?;
    let answer = async {
        let answer = sender.send_request(request).await;
        let (parts, body) = answer.map_err(std::io::Error::other)?.into_parts();
        let body = Limited::new(body, limit).collect().await;
        Ok((parts, body.map_err(std::io::Error::other)?.to_bytes()))
    };
    tokio::pin!(connection);
    tokio::pin!(answer);
    // The connection is driven while waiting for the response.
    tokio::select! {
        answer = &mut answer => answer,
        end = &mut connection => match end {
            Ok(()) => answer.await,
            Err(e) => Err(std::io::Error::other(e)),
        },
    }
}

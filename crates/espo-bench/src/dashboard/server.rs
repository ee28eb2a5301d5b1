//! The HTTP server for the page and its event stream.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};

use super::hub::Hub;
use crate::host::is_loopback;

/// The data that requests need.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) hub: Arc<Hub>,
    pub(super) title: String,
    /// Whether the page is served on a loopback address only.
    pub(super) loopback_only: bool,
}

const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Serves until the run has ended; open pages have `farewell` to receive the report.
pub(super) fn serve(listener: TcpListener, page: Page, farewell: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    let hub = Arc::clone(&page.hub);
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        let routes = Router::new()
            .route("/", get(front))
            .route("/events", get(events))
            .layer(from_fn_with_state(page.clone(), guard))
            .with_state(page);
        let (ended, late) = (ended(Arc::clone(&hub)), async {
            ended(hub).await;
            tokio::time::sleep(farewell).await;
        });
        let serving = axum::serve(listener, routes).with_graceful_shutdown(ended);
        tokio::select! {
            _ = serving => {}
            () = late => {}
        }
    });
    runtime.shutdown_background();
}

async fn ended(hub: Arc<Hub>) {
    let mut changes = hub.subscribe();
    while !hub.has_ended() {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Rejects requests with a `Host` name, because another site could make its name resolve to this machine (DNS
/// rebinding).
async fn guard(State(page): State<Page>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|h| h.to_str().ok()).unwrap_or_default();
    let is_local = is_loopback(&format!("http://{host}/")).is_some_and(|(_, is_local)| is_local);
    if page.loopback_only && !is_local {
        return (
            StatusCode::FORBIDDEN,
            "the dashboard is served on a loopback address only; open it with that address",
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        let value = axum::http::HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

async fn front(State(page): State<Page>) -> Html<String> {
    Html(crate::output::dashboard_page(&page.title))
}

async fn events(State(page): State<Page>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    struct Progress {
        hub: Arc<Hub>,
        changes: tokio::sync::watch::Receiver<u64>,
        sent: usize,
        is_first: bool,
        is_over: bool,
    }
    let progress = Progress {
        changes: page.hub.subscribe(),
        hub: page.hub,
        sent: 0,
        is_first: true,
        is_over: false,
    };
    let stream = unfold(progress, |mut p| async move {
        if p.is_over || (!p.is_first && p.changes.changed().await.is_err()) {
            return None;
        }
        p.is_first = false;
        p.changes.mark_unchanged();
        p.is_over = p.hub.has_ended();
        let (text, sent) = p.hub.message(p.sent);
        p.sent = sent;
        Some((Ok(Event::default().data(text)), p))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

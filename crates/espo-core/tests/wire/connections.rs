//! The notifications of a connection observer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use espo_core::http::Method;
use espo_core::{Client, ClientBuilder, Connecting, Request, RetryPolicy, Stage};
use tokio::net::TcpListener;

use crate::server::{Act, Server, builder, bytes};

fn watched(builder: ClientBuilder) -> (Client, Arc<Mutex<Vec<Connecting>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let client = builder
        .retry(RetryPolicy::none())
        .on_connect(move |connecting| log.lock().unwrap().push(*connecting))
        .build()
        .unwrap();
    (client, seen)
}

fn opened(seen: &Mutex<Vec<Connecting>>) -> Vec<bool> {
    seen.lock().unwrap().iter().map(|c| c.opened).collect()
}

#[tokio::test]
async fn reused_connections_are_reported_once() {
    let server = Server::answering("{}").await;
    let (client, seen) = watched(builder(&server.url()));
    for _ in 0..5 {
        client
            .send(Request::new(Method::GET, &["Account"]))
            .await
            .unwrap();
    }
    assert_eq!(opened(&seen), [true]);
}

#[tokio::test]
async fn closing_servers_cause_one_connection_per_request() {
    let server = Server::start(|_, _| {
        Act::Cut(bytes(
            200,
            "application/json",
            "Connection: close\r\n",
            b"{}",
        ))
    })
    .await;
    let (client, seen) = watched(builder(&server.url()));
    for _ in 0..3 {
        client
            .send(Request::new(Method::GET, &["Account"]))
            .await
            .unwrap();
    }
    assert_eq!(opened(&seen), [true; 3]);
}

#[tokio::test]
async fn failed_connections_are_reported_and_keep_their_error() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let (client, seen) = watched(builder(&format!("http://{address}")));
    let error = client
        .send(Request::new(Method::GET, &["Account"]))
        .await
        .unwrap_err();
    assert_eq!((error.stage(), error.is_timeout()), (Stage::Connect, false));
    assert_eq!(opened(&seen), [false]);

    // Accepts connections but does not respond to the TLS handshake.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limit = Duration::from_millis(50);
    let url = format!("https://{}", silent.local_addr().unwrap());
    let (client, seen) = watched(builder(&url).connect_timeout(limit));
    let error = client
        .send(Request::new(Method::GET, &["Account"]))
        .await
        .unwrap_err();
    assert!(error.is_connect() && error.is_timeout(), "{error}");
    assert_eq!(opened(&seen), [false]);
    assert!(seen.lock().unwrap()[0].took >= limit);
}

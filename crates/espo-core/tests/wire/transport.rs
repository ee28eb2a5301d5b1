//! Limits, redirects, retries, hooks and connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use espo_core::hooks::{Hook, Outgoing};
use espo_core::http::Method;
use espo_core::{
    Auth, Client, Error, Outcome, Request, Response, RetryPolicy, SearchParams, Stage, WhereItem,
};

use crate::server::{Act, Server, builder, bytes, empty, json};

fn get(name: &str) -> Request {
    Request::new(Method::GET, &[name])
}

#[test]
fn the_client_can_be_shared() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Client>();
    fn sendable<T: Send>(_: &T) {}
    let client = Client::builder("http://127.0.0.1:9").build().unwrap();
    sendable(&client.send(get("Account")));
}

#[tokio::test]
async fn clones_reuse_one_connection() {
    let server = Server::answering("{}").await;
    let client = server.client();
    for _ in 0..5 {
        client.clone().send(get("Account")).await.unwrap();
    }
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0; 5]);
}

#[tokio::test]
async fn default_headers_are_set_by_the_client() {
    let server = Server::answering("{}").await;
    server.client().send(get("Account")).await.unwrap();
    let seen = server.last();
    assert!(seen.header("User-Agent").unwrap().starts_with("espo-core/"));
    assert_eq!(seen.header("Accept"), Some("application/json"));
    assert_eq!(seen.header("Accept-Encoding"), Some("gzip"));
    assert_eq!(seen.header("Content-Type"), None);

    let client = builder(&server.url())
        .user_agent("mine/1")
        .gzip(false)
        .build()
        .unwrap();
    client
        .send(Request::new(Method::POST, &["Account"]).json(&serde_json::json!({})))
        .await
        .unwrap();
    let seen = server.last();
    assert_eq!(seen.header("User-Agent"), Some("mine/1"));
    assert_eq!(seen.header("Accept-Encoding"), None);
    assert_eq!(seen.header("Content-Type"), Some("application/json"));
}

#[tokio::test]
async fn compressed_responses_are_limited_by_their_full_size() {
    // gzip of 100,000 spaces and a 1.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &[b' '; 100_000]).unwrap();
    std::io::Write::write_all(&mut encoder, b"1").unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 1_000);
    let server = Server::start(move |_, _| {
        Act::Write(bytes(
            200,
            "application/json",
            "Content-Encoding: gzip\r\n",
            &packed,
        ))
    })
    .await;
    let response = server.client().send(get("Account")).await.unwrap();
    assert_eq!(response.json::<u8>().unwrap(), 1);
    let small = builder(&server.url())
        .max_response_size(50_000)
        .build()
        .unwrap();
    assert!(small.send(get("Account")).await.unwrap_err().is_too_large());
}

#[tokio::test]
async fn overlong_urls_are_rejected_with_advice() {
    let server = Server::answering("{}").await;
    let ids = |count| {
        let ids = (0..count).map(|number| format!("{number:017x}"));
        get("Account").search(&SearchParams::new().filter(WhereItem::is_in("id", ids)))
    };
    let client = server.client();
    client.send(ids(250)).await.unwrap();
    let error = client.send(ids(400)).await.unwrap_err();
    assert_eq!(
        (error.stage(), error.outcome()),
        (Stage::Build, Outcome::NotSent)
    );
    assert!(error.to_string().contains("split a long list"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn invalid_requests_are_not_sent() {
    let server = Server::answering("{}").await;
    let client = server.client();
    let unserialisable = std::collections::HashMap::from([((1, 2), 3)]);
    for request in [
        Request::new(Method::DELETE, &["Account", ""]),
        get("Account").header("bad name", "x"),
        get("Account").header("X-Name", "line\nbreak"),
        Request::new(Method::POST, &["Account"]).json(&unserialisable),
    ] {
        let error = client.send(request).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Build);
        assert!(!error.is_retryable());
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn prepared_requests_equal_unprepared_ones() {
    let (server, other) = (Server::answering("1").await, Server::answering("1").await);
    let client = builder(&server.url()).build().unwrap();
    let search = r#"{"maxSize":1,"where":[{"type":"equals","attribute":"name","value":"ä &"}]}"#;
    let plain = get("Account").query("x", "1").search_json(search);
    let ready = client.prepare(plain.clone()).unwrap();
    let elsewhere = builder(&other.url()).build().unwrap();
    for request in [plain.clone(), ready.clone(), ready.clone()] {
        client.send(request).await.unwrap();
    }
    elsewhere.send(ready.clone()).await.unwrap();
    client.send(ready.clone().query("y", "2")).await.unwrap();
    let seen: Vec<String> = server.seen().into_iter().map(|s| s.target).collect();
    assert!(
        seen[0].contains("x=1&searchParams=%7B%22maxSize"),
        "{seen:?}"
    );
    assert_eq!((&seen[1], &seen[2]), (&seen[0], &seen[0]));
    assert_eq!(other.seen()[0].target, seen[0]);
    assert!(
        seen[3].contains("y=2") && seen[3].contains("searchParams"),
        "{seen:?}"
    );

    // Errors are reported as without preparing, both before and after.
    assert!(
        client
            .prepare(Request::new(Method::GET, &["Account", ""]))
            .is_err()
    );
    let spoilt = ready.header("X-A", "line\nbreak");
    assert!(client.send(spoilt).await.is_err());
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn redirected_gets_are_signed_again() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/old" => empty(301, "Location: /api/v1/new?x=1\r\n"),
        _ => json(200, "1"),
    })
    .await;
    let client = builder(&server.url())
        .auth(Auth::hmac("k", "s"))
        .build()
        .unwrap();
    client.send(get("old")).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].target, "/api/v1/new?x=1");
    let signed = |index: usize| {
        seen[index]
            .header("X-Hmac-Authorization")
            .unwrap()
            .to_owned()
    };
    assert_ne!(signed(0), signed(1));

    // A write is not redirected: the client cannot know whether it was executed there.
    let post = Request::new(Method::POST, &["old"]).json(&1);
    let error = client.send(post).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 301);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn external_and_circular_redirects_are_errors() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/circle" => empty(302, "Location: circle\r\n"),
        _ => empty(302, "Location: /login\r\n"),
    })
    .await;
    let client = server.client();
    let error = client.send(get("away")).await.unwrap_err();
    assert!(error.to_string().contains("/login"), "{error}");
    let error = client.send(get("circle")).await.unwrap_err();
    assert!(error.to_string().contains("redirect loop"), "{error}");
    assert_eq!(server.seen().len(), 1 + 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_in_flight_are_limited() {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (count, peak) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_, _| {
        let inside = count.fetch_add(1, Ordering::SeqCst) + 1;
        peak.fetch_max(inside, Ordering::SeqCst);
        tokio::task::block_in_place(|| std::thread::sleep(std::time::Duration::from_millis(2)));
        count.fetch_sub(1, Ordering::SeqCst);
        json(200, "1")
    })
    .await;
    let client = builder(&server.url()).max_in_flight(2).build().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let client = client.clone();
        tasks.spawn(async move { client.send(get("Account")).await.map(drop) });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(server.seen().len(), 30);
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Hook for Journal {
    fn before(&self, request: &mut Outgoing<'_>) {
        let line = format!("{} {} #{}", request.method, request.path, request.attempt);
        self.0.lock().unwrap().push(line);
        request
            .headers
            .insert("traceparent", "00-1-2-01".parse().unwrap());
    }

    fn after(&self, result: Result<&Response, &Error>) {
        let line = match result {
            Ok(response) => format!("{} after {}", response.status(), response.timing().attempts),
            Err(error) => format!("{:?}", error.stage()),
        };
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn hooks_receive_every_attempt_and_the_result() {
    let server = Server::start(|_, number| match number {
        0 => empty(503, "Retry-After: 0\r\n"),
        1 => json(200, "1"),
        _ => json(404, ""),
    })
    .await;
    let journal = Journal::default();
    let client = builder(&server.url())
        .hook(journal.clone())
        .build()
        .unwrap();
    client.send(get("Account")).await.unwrap();
    client.send(get("Nothing")).await.unwrap_err();
    let lines = journal.0.lock().unwrap().clone();
    assert_eq!(
        lines,
        [
            "GET /Account #1",
            "GET /Account #2",
            "200 OK after 2",
            "GET /Nothing #1",
            "Status"
        ]
    );
    assert_eq!(server.last().header("traceparent"), Some("00-1-2-01"));
}

#[tokio::test]
async fn retries_can_be_disabled_and_enabled_for_writes() {
    let server = Server::start(|_, _| Act::Cut(Vec::new())).await;
    let never = builder(&server.url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    assert!(never.send(get("Account")).await.is_err());
    assert_eq!(server.seen().len(), 1);
    let put = Request::new(Method::PUT, &["X", "1"])
        .json(&1)
        .idempotent(true);
    assert!(server.client().send(put).await.is_err());
    assert_eq!(server.seen().len(), 1 + 3);
}

#[tokio::test]
async fn dropped_calls_close_their_connection() {
    let server = Server::start(|_, number| match number {
        0 => Act::Stall(Vec::new()),
        _ => json(200, "1"),
    })
    .await;
    let client = builder(&server.url()).max_in_flight(1).build().unwrap();
    let mut call = Box::pin(client.send(get("Account")));
    while server.seen().is_empty() {
        tokio::select! {
            _ = &mut call => panic!("it stalls"),
            () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {}
        }
    }
    drop(call);
    // The permit and the credentials' probe are available again.
    client.send(get("Account")).await.unwrap();
    assert_eq!(server.last().connection, 1);
}

#[tokio::test]
async fn proxies_receive_the_whole_url() {
    let proxy = Server::answering("1").await;
    let client = builder("http://crm.invalid/sub")
        .proxy(proxy.url())
        .build()
        .unwrap();
    client.send(get("Account")).await.unwrap();
    assert_eq!(proxy.last().target, "http://crm.invalid/sub/api/v1/Account");
}

#[tokio::test]
async fn decode_errors_contain_the_position() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "decoding it is the point")]
    struct Page {
        list: Vec<std::collections::BTreeMap<String, u32>>,
    }
    let server = Server::answering(r#"{"list":[{"a":1},{"a":"x"}]}"#).await;
    let response = server.client().send(get("Account")).await.unwrap();
    let error = response.json::<Page>().unwrap_err();
    assert_eq!(error.decode_fault().unwrap().path, "list[1].a");
    assert_eq!(error.outcome(), Outcome::Done);
    assert!(
        error.to_string().contains("GET /Account: invalid type"),
        "{error}"
    );
}

#[tokio::test]
async fn responses_contain_timing_and_app_timestamp() {
    let server = Server::start(|_, _| {
        Act::Write(bytes(
            200,
            "application/json",
            "X-App-Timestamp: 1790000000\r\n",
            b"1",
        ))
    })
    .await;
    let response = server.client().send(get("Account")).await.unwrap();
    assert_eq!(response.app_timestamp(), Some(1_790_000_000));
    let timing = response.timing();
    assert!(timing.started <= timing.sent);
    assert!(timing.sent <= timing.first_byte.unwrap());
    assert!(timing.first_byte.unwrap() <= timing.received);
    assert_eq!(timing.attempts, 1);
}

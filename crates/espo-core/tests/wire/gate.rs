//! Many tasks that share one client, before and while its credentials are verified.

use std::time::Duration;

use espo_core::http::Method;
use espo_core::{Auth, Client, Error, Outcome, Request, RetryPolicy, Stage};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::net::TcpListener;

use crate::server::{Act, Seen, Server, builder, empty, json};

const LOGIN: &str = r#"{"user":{"id":"1","userName":"bob"},"token":"t0ken"}"#;

fn get() -> Request {
    Request::new(Method::GET, &["Account"])
}

fn is_login(seen: &Seen) -> bool {
    seen.path().ends_with("/App/user")
}

fn logging_in(server: &Server) -> Client {
    let builder = builder(&server.url()).auth(Auth::password("bob", "pass"));
    builder.build().unwrap()
}

async fn all(client: &Client, tasks: usize) -> Vec<Result<(), Error>> {
    let spawn = |_| {
        let client = client.clone();
        tokio::spawn(async move { client.send(get()).await.map(drop) })
    };
    let tasks: Vec<_> = (0..tasks).map(spawn).collect();
    let done = join_all(tasks).await;
    done.into_iter().map(|done| done.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_share_one_client_and_one_login() {
    let server = Server::start(|seen, _| json(200, if is_login(seen) { LOGIN } else { "1" })).await;
    let client = logging_in(&server);
    assert!(all(&client, 1_000).await.iter().all(Result::is_ok));
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|seen| is_login(seen)).count(), 1);
    assert_eq!(seen.len(), 1_001);
}

#[tokio::test]
async fn tasks_wait_for_a_stalled_server_concurrently() {
    let server = Server::start(|_, _| Act::Stall(Vec::new())).await;
    let client = builder(&server.url())
        .timeout(Duration::from_millis(100))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let results = all(&client, 50).await;
    for result in &results {
        assert!(result.as_ref().unwrap_err().is_timeout());
    }
    // The tasks that waited for the first one timed out with it, except for a few that became the next one.
    let waited = results.iter().filter(|result| {
        let error = result.as_ref().unwrap_err();
        (error.stage(), error.outcome()) == (Stage::Connect, Outcome::NotSent)
    });
    assert!(waited.count() > 40);
    assert!(server.seen().len() < 10);
}

#[tokio::test]
async fn dropped_logins_do_not_block_other_requests() {
    let server = Server::start(|seen, number| match number {
        0..3 => Act::Stall(Vec::new()),
        _ if is_login(seen) => json(200, LOGIN),
        _ => json(200, "1"),
    })
    .await;
    let client = logging_in(&server);
    for dropped in 1..=3 {
        let mut call = Box::pin(client.send(get()));
        while server.seen().len() < dropped {
            tokio::select! {
                _ = &mut call => panic!("it stalls"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
    }
    assert!(all(&client, 20).await.iter().all(Result::is_ok));
    let log_ins = server.seen().iter().filter(|seen| is_login(seen)).count();
    assert_eq!(log_ins, 3 + 1);
}

#[tokio::test]
async fn failed_logins_send_no_write_and_are_retried() {
    for fault in [503, 0] {
        let server = Server::start(move |seen, number| match (number, fault) {
            (0, 503) => empty(503, "Retry-After: 0\r\n"),
            (0, _) => Act::Cut(Vec::new()),
            _ if is_login(seen) => json(200, LOGIN),
            _ => json(200, r#"{"id":"1"}"#),
        })
        .await;
        let write = || Request::new(Method::POST, &["Account"]).json(&serde_json::json!({}));
        logging_in(&server).send(write()).await.unwrap();
        let paths: Vec<_> = server.seen().iter().map(is_login).collect();
        assert_eq!(paths, [true, true, false]);
    }
    let server = Server::start(|_, _| Act::Cut(Vec::new())).await;
    let request = Request::new(Method::POST, &["Account"]);
    let error = logging_in(&server).send(request).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(error.is_retryable());
    assert!(!error.to_string().contains("is unknown"), "{error}");
    assert!(server.seen().iter().all(is_login));
}

#[tokio::test]
async fn second_factor_code_is_kept_when_the_connection_fails() {
    // Initially, the port has no listener.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let auth = Auth::password("bob", "pass").second_factor("123456");
    let client = builder(&format!("http://{address}"))
        .auth(auth)
        .build()
        .unwrap();
    assert!(client.send(get()).await.unwrap_err().is_connect());

    let server = Server::start_at(address, |seen, _| match is_login(seen) {
        true => json(200, LOGIN),
        false => json(200, "1"),
    })
    .await;
    client.send(get()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("Espo-Authorization-Code"), Some("123456"));
    assert_eq!(seen[1].header("Espo-Authorization-Code"), None);
}

#[tokio::test]
async fn dropped_streams_abort_their_read_ahead() {
    let server = Server::start(|_, number| match number {
        0 => json(200, r#"{"total":5,"list":[{"id":"1"}]}"#),
        1 => Act::Stall(Vec::new()),
        _ => json(200, "1"),
    })
    .await;
    let client = builder(&server.url())
        .max_in_flight(1)
        .timeout(Duration::from_secs(3_600))
        .build()
        .unwrap();
    let list = client.untyped("Account").list().max_size(1);
    let mut pages = list
        .read_ahead(1)
        .paging(espo_core::typed::Paging::Offset)
        .pages();
    pages.next().await.unwrap().unwrap();
    while server.seen().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(pages);
    // The only permit is available again.
    client.send(get()).await.unwrap();
}

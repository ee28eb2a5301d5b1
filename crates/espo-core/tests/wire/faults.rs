//! The fault table: the result, and the number of requests that the server received, for each kind of call under each
//! kind of fault.

use std::time::Duration;

use espo_core::http::Method;
use espo_core::typed::Id;
use espo_core::{Client, ClientBuilder, Error, Outcome, Request, Stage};

use crate::server::{Act, Server, builder, bytes, empty};

const ID: &str = "6b0595cdc80fa1ab0";
const RECORD: &str = r#"{"id":"6b0595cdc80fa1ab0","name":"Acme"}"#;
const LIST: &str = r#"{"total":1,"list":[{"id":"6b0595cdc80fa1ab0","name":"Acme"}]}"#;

/// The six kinds of call; the first two read.
const CALLS: [&str; 6] = ["read", "list", "create", "update", "delete", "link"];

async fn call(client: &Client, kind: &str) -> Result<(), Error> {
    let accounts = client.untyped("Account");
    let id = || Id::new(ID);
    let patch = || {
        serde_json::json!({"name": "Acme"})
            .as_object()
            .cloned()
            .unwrap()
    };
    match kind {
        "read" => accounts.read(id()).await.map(drop),
        "list" => accounts.list().max_size(5).send().await.map(drop),
        "create" => accounts.create(patch()).send().await.map(drop),
        "update" => accounts.update(id(), patch()).send().await.map(drop),
        "delete" => accounts.delete(id()).await,
        // Without an entity type there is no link constant; this is the request of a typed call.
        "link" => {
            let request = Request::new(Method::POST, &["Account", ID, "contacts"]);
            let response = client
                .send(request.json(&serde_json::json!({"id": ID})))
                .await?;
            match response.json::<bool>()? {
                true => Ok(()),
                false => panic!("nothing was linked"),
            }
        }
        other => panic!("{other}"),
    }
}

fn reads(kind: &str) -> bool {
    matches!(kind, "read" | "list")
}

fn good_body(kind: &str) -> &'static str {
    match kind {
        "delete" | "link" => "true",
        "list" => LIST,
        _ => RECORD,
    }
}

fn good(kind: &str) -> Vec<u8> {
    bytes(200, "application/json", "", good_body(kind).as_bytes())
}

/// Runs every kind of call under the fault, and passes the result and the number of requests that the server received
/// to `check`.
async fn under<F, C>(settings: impl Fn(ClientBuilder) -> ClientBuilder, fault: F, check: C)
where
    F: Fn(&str) -> Act + Clone + Send + Sync + 'static,
    C: Fn(&str, Result<(), Error>, usize),
{
    for kind in CALLS {
        let fault = fault.clone();
        let server = Server::start(move |_, _| fault(kind)).await;
        let client = settings(builder(&server.url())).build().unwrap();
        let result = call(&client, kind).await;
        check(kind, result, server.seen().len());
    }
}

fn same(builder: ClientBuilder) -> ClientBuilder {
    builder
}

#[tokio::test]
async fn refused_connections_are_retried_for_every_call() {
    let gone = {
        let server = Server::answering("{}").await;
        server.url()
    };
    // The listener is closed with its task; wait for the port to be free.
    while tokio::net::TcpStream::connect(gone.trim_start_matches("http://"))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    let client = builder(&gone).build().unwrap();
    for kind in CALLS {
        let error = call(&client, kind).await.unwrap_err();
        assert_eq!(
            (error.stage(), error.outcome()),
            (Stage::Connect, Outcome::NotSent),
            "{kind}"
        );
        assert!(error.is_connect() && error.is_retryable());
        assert_eq!(error.timing().unwrap().attempts, 3, "{kind}");
        assert!(error.report().to_string().contains("refused"), "{error}");
    }
}

#[tokio::test]
async fn resets_before_headers_are_retried_only_for_reads() {
    under(
        same,
        |_| Act::Reset(Vec::new()),
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert_eq!(
                (error.stage(), error.outcome()),
                (Stage::Send, Outcome::Unknown),
                "{kind}"
            );
            assert_eq!(requests, if reads(kind) { 3 } else { 1 }, "{kind}");
            assert_eq!(error.is_retryable(), reads(kind), "{kind}");
            assert_eq!(
                error.to_string().contains("check before you retry"),
                !reads(kind),
                "{error}"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn writes_with_a_lost_success_body_are_done() {
    let half = || {
        let mut answer = bytes(200, "application/json", "", RECORD.as_bytes());
        answer.truncate(answer.len() - 20);
        answer
    };
    for reset in [true, false] {
        under(
            same,
            move |_| {
                if reset {
                    Act::Reset(half())
                } else {
                    Act::Cut(half())
                }
            },
            |kind, result, requests| {
                if kind == "delete" {
                    // The status was sufficient.
                    result.unwrap();
                    assert_eq!(requests, 1);
                    return;
                }
                let error = result.unwrap_err();
                assert_eq!(
                    (error.stage(), error.outcome()),
                    (Stage::Receive, Outcome::Done),
                    "{kind}"
                );
                assert_eq!(error.status().unwrap(), 200);
                assert_eq!(requests, if reads(kind) { 3 } else { 1 }, "{kind}");
                assert_eq!(
                    error.to_string().contains("do not retry"),
                    !reads(kind),
                    "{error}"
                );
            },
        )
        .await;
    }
}

#[tokio::test]
async fn stalls_end_with_the_timeout() {
    under(
        |builder| builder.timeout(Duration::from_millis(50)),
        |_| Act::Stall(Vec::new()),
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert!(error.is_timeout(), "{kind}");
            assert_eq!(
                (error.stage(), error.outcome()),
                (Stage::Send, Outcome::Unknown)
            );
            assert_eq!(requests, if reads(kind) { 3 } else { 1 }, "{kind}");
        },
    )
    .await;
}

#[tokio::test]
async fn stalls_in_the_body_end_with_the_timeout() {
    under(
        |builder| builder.timeout(Duration::from_millis(50)),
        |_| {
            let mut answer = bytes(200, "application/json", "", RECORD.as_bytes());
            answer.truncate(answer.len() - 20);
            Act::Stall(answer)
        },
        |kind, result, requests| {
            if kind == "delete" {
                return result.unwrap();
            }
            let error = result.unwrap_err();
            assert!(error.is_timeout(), "{kind}");
            assert_eq!(
                (error.stage(), error.outcome()),
                (Stage::Receive, Outcome::Done)
            );
            assert_eq!(requests, if reads(kind) { 3 } else { 1 }, "{kind}");
        },
    )
    .await;
}

#[tokio::test]
async fn empty_500_responses_are_not_retried() {
    under(
        same,
        |_| empty(500, ""),
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert_eq!(
                (error.stage(), error.outcome()),
                (Stage::Status, Outcome::Unknown)
            );
            assert_eq!(error.status().unwrap(), 500);
            assert_eq!(error.reason(), None);
            assert_eq!(requests, 1, "{kind}");
            assert!(!error.is_retryable());
        },
    )
    .await;
}

#[tokio::test]
async fn reads_are_retried_after_503_and_429() {
    for status in [503, 429] {
        under(
            same,
            move |_| empty(status, "Retry-After: 0\r\n"),
            |kind, result, requests| {
                let error = result.unwrap_err();
                assert_eq!(error.status().unwrap(), status);
                assert_eq!(error.outcome(), Outcome::Refused);
                assert_eq!(error.is_rate_limited(), status == 429);
                assert_eq!(requests, if reads(kind) { 3 } else { 1 }, "{kind}");
                assert!(error.is_retryable());
            },
        )
        .await;
        under(
            same,
            move |_| empty(status, "Retry-After: 3600\r\n"),
            |kind, result, requests| {
                let error = result.unwrap_err();
                assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
                assert_eq!(requests, 1, "an hour is above the overall limit: {kind}");
            },
        )
        .await;
    }
}

#[tokio::test]
async fn retry_after_may_be_a_date() {
    under(
        same,
        |_| empty(503, "Retry-After: Sat, 31 Jan 2026 08:00:00 GMT\r\n"),
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert_eq!(error.retry_after(), Some(Duration::ZERO), "that is past");
            assert_eq!(requests, if reads(kind) { 3 } else { 1 }, "{kind}");
        },
    )
    .await;
    under(
        same,
        |_| empty(503, "Retry-After: Tue, 01 Jan 2999 00:00:00 GMT\r\n"),
        |kind, result, requests| {
            let error = result.unwrap_err();
            let centuries = Duration::from_secs(900 * 365 * 24 * 3600);
            assert!(error.retry_after() > Some(centuries), "{error:?}");
            assert_eq!(requests, 1, "above the overall limit: {kind}");
        },
    )
    .await;
}

#[tokio::test]
async fn html_with_status_200_is_described_in_the_error() {
    under(
        same,
        |_| Act::Write(bytes(200, "text/html", "", b"<html>Please log in</html>")),
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert!(error.is_decode());
            assert_eq!(error.outcome(), Outcome::Unknown, "{kind}");
            assert_eq!(requests, 1);
            let text = error.to_string();
            assert!(
                text.contains("text/html") && text.contains("<html>Please"),
                "{text}"
            );
            assert!(text.contains("check that the URL"), "{text}");
        },
    )
    .await;
}

#[tokio::test]
async fn json_is_decoded_despite_a_wrong_content_type() {
    under(
        same,
        |kind| Act::Write(bytes(200, "text/plain", "", good_body(kind).as_bytes())),
        |kind, result, requests| {
            result.unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(requests, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn redirects_to_other_origins_are_not_followed() {
    let elsewhere = Server::answering(RECORD).await;
    let target = format!(
        "Location: http://{}/api/v1/Account?token=1\r\n",
        elsewhere.addr
    );
    under(
        same,
        move |_| empty(302, &target),
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert_eq!(error.status().unwrap(), 302);
            assert_eq!(requests, 1, "{kind}");
            let text = error.to_string();
            assert!(text.contains("redirect to http://127.0.0.1"), "{text}");
            assert!(!text.contains("token"), "{text}");
        },
    )
    .await;
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn non_utf_8_reasons_are_kept_as_bytes() {
    under(
        same,
        |_| {
            let mut answer =
                b"HTTP/1.1 404 X\r\nContent-Length: 0\r\nX-Status-Reason: No 'Caf".to_vec();
            answer.extend_from_slice(b"\xe9\xff'.\r\n\r\n");
            Act::Write(answer)
        },
        |kind, result, requests| {
            let error = result.unwrap_err();
            assert!(error.is_not_found(), "{kind}");
            assert_eq!(error.reason_bytes().unwrap(), b"No 'Caf\xe9\xff'.");
            assert_eq!(error.reason().unwrap(), "No 'Caf\u{fffd}\u{fffd}'.");
            assert_eq!(requests, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn bodies_of_200_mib_are_not_read() {
    under(
        same,
        |_| {
            let head = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 209715200\r\n\r\n";
            Act::Stall(head.into())
        },
        |kind, result, requests| {
            if kind == "delete" {
                return result.unwrap();
            }
            let error = result.unwrap_err();
            assert!(error.is_too_large(), "{kind}: {error}");
            assert_eq!((error.outcome(), requests), (Outcome::Done, 1));
        },
    )
    .await;
}

#[tokio::test]
async fn endless_bodies_are_read_up_to_the_limit() {
    under(
        |builder| builder.max_response_size(1 << 20),
        |_| {
            let head = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            Act::Flood(head.into())
        },
        |kind, result, requests| {
            if kind == "delete" {
                return result.unwrap();
            }
            let error = result.unwrap_err();
            assert!(error.is_too_large(), "{kind}: {error}");
            assert!(error.body().unwrap().len() <= 1 << 20);
            assert_eq!(requests, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn reads_are_retried_after_transient_faults() {
    let server = Server::start(|_, number| match number {
        0 => Act::Reset(Vec::new()),
        1 => Act::Cut(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{".to_vec()),
        _ => Act::Write(good("read")),
    })
    .await;
    call(&server.client(), "read").await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

//! Servers that try to exhaust, mislead or hang the client. Each case of the tables ends with an error or a value; no
//! case may panic, hang, grow without bounds or send credentials elsewhere.

use std::io::Write as _;
use std::time::Duration;

use espo_core::http::Method;
use espo_core::typed::Paging;
use espo_core::{Client, Error, JsonObject, Request, RetryPolicy, Stage};
use futures_util::StreamExt as _;

use crate::server::{Act, Server, builder, bytes, json};

const GOOD: &str = r#"{"total":1,"list":[{"id":"6b0595cdc80fa1ab0","name":"Acme"}]}"#;
const LIMIT: usize = 1 << 20;

fn get(path: &str) -> Request {
    Request::path(Method::GET, path)
}

fn client(server: &Server) -> Client {
    builder(&server.url())
        .retry(RetryPolicy::none())
        .timeout(Duration::from_secs(2))
        .max_response_size(LIMIT)
        .build()
        .unwrap()
}

/// Sends a list request to a server that reacts in this way, then another to check that the client still works.
async fn under(name: &str, act: impl Fn() -> Act + Send + Sync + 'static) -> Result<(), Error> {
    let server = Server::start(move |_, number| match number {
        0 => act(),
        _ => json(200, GOOD),
    })
    .await;
    let client = client(&server);
    let accounts = client.untyped("Account");
    let result = accounts.list().send().await.map(drop);
    let after = accounts.list().send().await;
    assert!(
        after.is_ok(),
        "{name}: the next call fails: {:?}",
        after.err()
    );
    result
}

fn head(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{text}").into_bytes()
}

fn gzip(data: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..times {
        encoder.write_all(data).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn endless_and_malformed_responses_are_errors() {
    let line = |n: usize| vec![b'a'; n];
    let many_headers: String = (0..10_000).map(|n| format!("X-{n}: 1\r\n")).collect();
    let ok_body = |headers: &str| [head(headers), b"\r\n{}".to_vec()].concat();
    let chunked = |chunk: &str| {
        let start = head("Transfer-Encoding: chunked\r\n\r\n");
        [start, chunk.as_bytes().to_vec()].concat()
    };
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    let cases: Vec<(&str, Act)> = vec![
        (
            "header lines without end",
            Act::Repeat(head(""), b"X-A: b\r\n".to_vec()),
        ),
        (
            "a header value without end",
            Act::Repeat(head("X-A: "), line(0x4000)),
        ),
        (
            "a header name without end",
            Act::Repeat(head(""), line(0x4000)),
        ),
        (
            "a status line without end",
            Act::Repeat(b"HTTP/1.1 200 ".to_vec(), line(0x4000)),
        ),
        (
            "interim responses without end",
            Act::Repeat(interim.clone(), interim),
        ),
        ("ten thousand headers", Act::Cut(ok_body(&many_headers))),
        (
            "a body without end",
            Act::Flood(head("Transfer-Encoding: chunked\r\n\r\n")),
        ),
        (
            "a body until the connection closes",
            Act::Repeat(head("\r\n"), line(0x4000)),
        ),
        (
            "a chunk extension without end",
            Act::Repeat(chunked("1;"), line(0x4000)),
        ),
        (
            "trailers without end",
            Act::Repeat(chunked("2\r\n{}\r\n0\r\n"), b"X-A: b\r\n".to_vec()),
        ),
        (
            "a chunk larger than memory",
            Act::Cut(chunked("ffffffffffffffff\r\n{}")),
        ),
        (
            "a chunk size that overflows",
            Act::Cut(chunked("fffffffffffffffff\r\n{}")),
        ),
        ("a negative chunk size", Act::Cut(chunked("-1\r\n{}"))),
        (
            "a length that overflows",
            Act::Cut(ok_body("Content-Length: 99999999999999999999\r\n")),
        ),
        (
            "a negative length",
            Act::Cut(ok_body("Content-Length: -1\r\n")),
        ),
        (
            "two lengths",
            Act::Cut(ok_body("Content-Length: 2\r\nContent-Length: 99\r\n")),
        ),
        (
            "a length beyond the body",
            Act::Cut(ok_body("Content-Length: 99\r\n")),
        ),
        (
            "a length of exabytes",
            Act::Stall(ok_body("Content-Length: 9000000000000000000\r\n")),
        ),
        (
            "not HTTP",
            Act::Cut(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".to_vec()),
        ),
        (
            "another protocol",
            Act::Cut(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_vec()),
        ),
        (
            "an impossible status",
            Act::Cut(b"HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ),
        (
            "a NUL in a header",
            Act::Cut(ok_body("X-A: a\0b\r\nContent-Length: 2\r\n")),
        ),
        (
            "bytes too slow for the timeout",
            Act::Drip(head(&format!("X-A: {}", "a".repeat(200)))),
        ),
        (
            "a slow body",
            Act::Drip([ok_body("Content-Length: 200\r\n"), line(198)].concat()),
        ),
        ("no response", Act::Stall(Vec::new())),
    ];
    for (name, act) in cases {
        let act = std::sync::Mutex::new(Some(act));
        let result = under(name, move || act.lock().unwrap().take().unwrap()).await;
        let error = result.expect_err(name);
        assert!(
            matches!(error.stage(), Stage::Send | Stage::Receive | Stage::Status),
            "{name}: {error:?}"
        );
        let kept = error.body().map_or(0, bytes::Bytes::len);
        assert!(kept <= LIMIT, "{name}: {kept} bytes are kept");
    }
}

#[tokio::test]
async fn decompression_bombs_are_stopped_at_the_limit() {
    // 64 MiB in less than 1 MiB, and the same bomb compressed a second time.
    let bomb = gzip(&[b' '; 1 << 20], 64);
    assert!(bomb.len() < LIMIT, "{}", bomb.len());
    for (status, encoding, body) in [
        (200, "gzip", bomb.clone()),
        (500, "gzip", bomb.clone()),
        (200, "gzip, gzip", gzip(&bomb, 1)),
    ] {
        let result = under(encoding, move || {
            let headers = format!("Content-Encoding: {encoding}\r\n");
            Act::Write(bytes(status, "application/json", &headers, &body))
        })
        .await;
        let error = result.expect_err(encoding);
        let kept = error.body().map_or(0, bytes::Bytes::len);
        assert!(kept <= LIMIT, "{encoding}: {kept} bytes are kept");
        assert_eq!(
            error.is_too_large(),
            status == 200 && encoding == "gzip",
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn redirects_that_leave_the_api_receive_nothing() {
    let elsewhere = Server::answering(GOOD).await;
    let other = elsewhere.addr;
    let port = other.port();
    for location in [
        format!("http://{other}/api/v1/Account"),
        format!("//{other}/api/v1/Account"),
        format!("\\\\{other}\\api\\v1\\Account"),
        format!("http:\\\\{other}/api/v1/Account"),
        format!("http://localhost:{port}/api/v1/Account"),
        format!("http://[::1]:{port}/api/v1/Account"),
        format!("http://SELF@{other}/api/v1/Account"),
        format!("https://{other}/api/v1/Account"),
        "/api/v1/../../elsewhere".to_owned(),
        "/api/v1/%2e%2e/%2E%2E/elsewhere".to_owned(),
        "/api/v1x/Account".to_owned(),
        "file:///etc/passwd".to_owned(),
        "javascript:alert(1)".to_owned(),
        "data:application/json,{}".to_owned(),
        "ftp://SELF/api/v1/Account".to_owned(),
        "http://".to_owned(),
        "\u{9b}2J".to_owned(),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let sent = location.clone();
            let server = Server::start(move |seen, number| match number {
                0 => {
                    let own = seen.header("host").unwrap();
                    let headers = format!("Location: {}\r\n", sent.replace("SELF", own));
                    Act::Write(bytes(status, "text/html", &headers, b""))
                }
                _ => json(200, GOOD),
            })
            .await;
            let result = client(&server).send(get("Account")).await;
            let error = result.expect_err(&location);
            assert_eq!(server.seen().len(), 1, "{status} {location}");
            assert_eq!(
                error.status().unwrap().as_u16(),
                status,
                "{location}: {error}"
            );
        }
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
}

#[tokio::test]
async fn redirects_to_the_same_host_drop_credentials_of_the_location() {
    let server = Server::start(|seen, number| match number {
        0 => {
            let own = seen.header("host").unwrap();
            let headers = format!("Location: http://mallory:x@{own}/api/v1/Account?y=1\r\n");
            Act::Write(bytes(302, "text/html", &headers, b""))
        }
        _ => json(200, GOOD),
    })
    .await;
    client(&server).send(get("Account")).await.unwrap();
    let last = server.last();
    assert_eq!(last.target, "/api/v1/Account?y=1");
    assert_eq!(last.header("authorization"), None);
}

#[tokio::test]
async fn cookies_of_a_server_are_not_sent_back() {
    let server = Server::start(|_, _| {
        let headers = "Set-Cookie: id=1; path=/\r\nSet-Cookie: auth-token=x; domain=127.0.0.1\r\n";
        Act::Write(bytes(200, "application/json", headers, GOOD.as_bytes()))
    })
    .await;
    let client = client(&server);
    for _ in 0..3 {
        client.send(get("Account")).await.unwrap();
    }
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("cookie").is_none())
    );
}

/// Reasons may contain UTF-8, and so control characters above ASCII; bodies and names may contain all of them.
#[tokio::test]
async fn control_characters_of_a_server_are_escaped_in_messages() {
    let reason = "a\u{9b}31mb\u{202e}c\u{85}d";
    let body = "{\"m\":\"\\u001b\"}\u{1b}[2J\r\nfake: line\u{7}";
    let page = "<html>\u{1b}]0;x\u{7}";
    let record = r#"{"total":1,"list":[{"id":"a\u001b[31m\nb","name":7}]}"#;
    let cases: [(u16, &str, &str, &str); 6] = [
        (400, reason, "", "application/json"),
        (403, reason, page, "text/html"),
        (409, "other", body, "application/json"),
        (200, "", page, "text/html"),
        (
            200,
            "",
            "{\"total\":\"\\u001b[2J\",\"list\":7}",
            "application/json",
        ),
        (200, "", record, "application/json"),
    ];
    for (status, reason, body, kind) in cases {
        let server = Server::start(move |_, _| {
            let headers =
                format!("X-Status-Reason: {reason}\r\nWWW-Authenticate: X realm=\"\u{9b}\"\r\n");
            Act::Write(bytes(status, kind, &headers, body.as_bytes()))
        })
        .await;
        let client = client(&server);
        let typed = client.untyped("Account").list().send().await.err();
        let json = client.send(get("Account")).await;
        let json = json.and_then(|response| response.json::<u8>()).err();
        for error in typed.into_iter().chain(json) {
            let forms = [
                error.to_string(),
                error.report().to_string(),
                format!("{error:?}"),
            ];
            for text in forms {
                let hidden = text.chars().find(|c| c.is_control() || *c == '\u{202e}');
                assert_eq!(hidden, None, "{status} {text:?}");
            }
            if status == 400 {
                assert_eq!(
                    error.reason().unwrap(),
                    reason,
                    "the reason itself is not changed"
                );
                assert!(error.to_string().contains("a\\u{9b}31mb"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn odd_json_is_a_value_or_an_error_but_no_panic() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let record = |value: &str| format!(r#"{{"total":1,"list":[{{"id":"a","x":{value}}}]}}"#);
    let cases = [
        (deep(200_000), false),
        ("[".repeat(200_000), false),
        ("{\"a\":".repeat(200_000), false),
        (record(&deep(200_000)), false),
        (record(&deep(90)), true),
        (record("1e999"), false),
        (record("-1e-999"), true),
        (record(&"9".repeat(100_000)), false),
        (record("18446744073709551616"), true),
        (r#"{"total":1e308,"list":[]}"#.into(), false),
        (r#"{"total":-9223372036854775808,"list":[]}"#.into(), true),
        (
            r#"{"total":99999999999999999999999,"list":[]}"#.into(),
            false,
        ),
        (
            r#"{"total":1,"list":[],"total":2,"list":[{"id":"b"}]}"#.into(),
            false,
        ),
        (record(r#"1,"x":2,"id":"b""#), true),
        (r#"{"total":1,"list":{"0":{"id":"a"}}}"#.into(), true),
        (r#"{"total":1,"list":[null]}"#.into(), false),
        ("\u{feff}{\"total\":0,\"list\":[]}".into(), true),
        ("{\"total\":0,\"list\":[]}\0".into(), false),
        ("\"\\ud800\"".into(), false),
        (String::new(), false),
    ];
    for (body, is_fine) in cases {
        let shown: String = body.chars().take(60).collect();
        let server = Server::start(move |_, _| json(200, &body)).await;
        let result = client(&server).untyped("Account").list().send().await;
        match result {
            // A single record that cannot be decoded does not lose the others.
            Ok(page) => assert_eq!(page.rejected.is_empty(), is_fine, "{shown}"),
            Err(error) => {
                assert!(!is_fine, "{shown}: {error}");
                assert!(error.to_string().len() < 2_000, "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn pages_that_repeat_end_with_an_error() {
    let page = r#"{"total":1000000,"list":[{"id":"a","name":null},{"id":"b","name":null}]}"#;
    let server = Server::answering(page).await;
    let accounts = client(&server).untyped("Account");
    let list = accounts.list().max_size(2).paging(Paging::Key);
    let results: Vec<Result<JsonObject, Error>> = list.stream().take(100).collect().await;
    let error = results.last().unwrap().as_ref().unwrap_err();
    assert!(error.to_string().contains("same page"), "{error}");
    assert!(server.seen().len() < 10);
}

#[tokio::test]
async fn pages_that_take_turns_end_with_an_error() {
    for paging in [Paging::Key, Paging::Offset] {
        let server = Server::start(|_, number| {
            let (one, two) = (number % 3 * 2, number % 3 * 2 + 1);
            let total = 1_000 + number;
            json(
                200,
                &format!(r#"{{"total":{total},"list":[{{"id":"{one}"}},{{"id":"{two}"}}]}}"#),
            )
        })
        .await;
        let accounts = client(&server).untyped("Account");
        let list = accounts.list().max_size(2).paging(paging);
        let error = list.collect().await.unwrap_err();
        assert!(error.to_string().contains("same page"), "{error}");
        assert!(server.seen().len() < 12);
    }
    let server = Server::start(|_, number| {
        json(
            200,
            &format!(
                r#"{{"total":-1,"list":[{{"id":"{}","_scope":"Account"}}]}}"#,
                number % 3
            ),
        )
    })
    .await;
    let error = client(&server)
        .app()
        .last_viewed()
        .collect()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("same page"), "{error}");
}

#[tokio::test]
async fn totals_that_grow_without_end_are_an_error() {
    let server = Server::start(|_, number| {
        let rows: Vec<String> = (0..2_000)
            .map(|row| format!(r#"{{"id":"{number}x{row}","_scope":"Account"}}"#))
            .collect();
        let total = (number + 2) * 2_000;
        json(
            200,
            &format!(r#"{{"total":{total},"list":[{}]}}"#, rows.join(",")),
        )
    })
    .await;
    let accounts = client(&server).untyped("Account");
    let list = accounts.list().max_size(2_000).paging(Paging::Offset);
    let error = list.collect().await.unwrap_err();
    assert!(
        error.to_string().contains("announced 4000 records"),
        "{error}"
    );
    let error = client(&server)
        .app()
        .last_viewed()
        .collect()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("announced"), "{error}");
    assert!(server.seen().len() < 60);
}

#[tokio::test]
async fn rejected_logins_are_not_repeated_endlessly() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/App/user" => json(200, r#"{"user":{"userName":"bob"},"token":"t"}"#),
        _ => json(401, ""),
    })
    .await;
    let client = builder(&server.url())
        .auth(espo_core::Auth::password("bob", "x"))
        .build()
        .unwrap();
    for _ in 0..5 {
        assert!(client.send(get("Account")).await.is_err());
    }
    assert!(server.seen().len() <= 12, "{}", server.seen().len());
}

#[tokio::test]
async fn file_names_of_downloads_stay_in_their_directory() {
    for name in ["../../etc/passwd", "..%2F..%2Fpasswd", "C:\\\\x\\\\passwd"] {
        let server = Server::start(move |_, _| {
            let headers = format!("Content-Disposition: attachment; filename=\"{name}\"\r\n");
            Act::Write(bytes(200, "text/plain", &headers, b"x"))
        })
        .await;
        let file = client(&server).untyped("Attachment").record("a1");
        let download = file.download().await.unwrap();
        assert_eq!(download.file_name().as_deref(), Some("passwd"), "{name}");
    }
}

//! Responses and URLs in every form that HTTP allows, and hostile responses.

use std::io::Write as _;
use std::time::Duration;

use espo_core::http::Method;
use espo_core::typed::Id;
use espo_core::{Client, JsonObject, Outcome, Request, Stage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::server::{Act, Server, builder, bytes};

const PAGE: &str = r#"{"total":1,"list":[{"id":"1","name":"One"}]}"#;

async fn names(client: &Client) -> Result<Vec<String>, espo_core::Error> {
    let page = client.untyped("Account").list().await?;
    let name = |row: &JsonObject| row["name"].as_str().unwrap().to_owned();
    Ok(page.records.iter().map(name).collect())
}

fn chunked(pieces: &[&[u8]], headers: &str, trailers: &str) -> Vec<u8> {
    let mut out = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
    )
    .into_bytes();
    for piece in pieces {
        write!(out, "{:x}\r\n", piece.len()).unwrap();
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    write!(out, "0\r\n{trailers}\r\n").unwrap();
    out
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn bodies_are_read_in_any_framing() {
    let page = PAGE.as_bytes();
    let single: Vec<&[u8]> = page.chunks(1).collect();
    let packed = gzip(page);
    let packed_pieces: Vec<&[u8]> = packed.chunks(7).collect();
    let old = |headers: &str| {
        let head = format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n{headers}\r\n");
        [head.as_bytes(), page].concat()
    };
    for (form, answer, close) in [
        ("chunked", chunked(&[page], "", ""), false),
        ("a byte a chunk", chunked(&single, "", ""), false),
        (
            "with trailers",
            chunked(&[page], "Trailer: X-Sum\r\n", "X-Sum: 1\r\n"),
            false,
        ),
        (
            "chunked and compressed",
            chunked(&packed_pieces, "Content-Encoding: gzip\r\n", ""),
            false,
        ),
        ("HTTP/1.0 to the end of the connection", old(""), true),
        (
            "HTTP/1.0 with a length",
            old(&format!("Content-Length: {}\r\n", page.len())),
            true,
        ),
        (
            "after an interim response",
            [
                b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".as_slice(),
                &bytes(200, "application/json", "", page),
            ]
            .concat(),
            false,
        ),
        (
            "with a charset and headers of 30 KB",
            bytes(
                200,
                "application/json; charset=utf-8",
                &format!("X-Long: {}\r\n", "x".repeat(30_000)),
                page,
            ),
            false,
        ),
    ] {
        let server = Server::start(move |_, _| match close {
            true => Act::Cut(answer.clone()),
            false => Act::Write(answer.clone()),
        })
        .await;
        let client = server.client();
        // Sent twice, because the connection must be at the start of the next response.
        for _ in 0..2 {
            assert_eq!(names(&client).await.unwrap(), ["One"], "{form}");
        }
    }
}

#[tokio::test]
async fn empty_responses_are_reported() {
    let server =
        Server::start(|_, _| Act::Write(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await;
    let client = server.client();
    let error = names(&client).await.unwrap_err();
    assert_eq!(error.stage(), Stage::Decode);
    assert!(
        error.to_string().contains("the response is empty"),
        "{error}"
    );
    let records = client.untyped("Account");
    let error = records.delete(Id::new("1")).await.unwrap_err();
    assert_eq!(
        (error.stage(), error.outcome()),
        (Stage::Decode, Outcome::Unknown)
    );
}

#[tokio::test]
async fn other_protocols_and_endless_headers_are_errors() {
    for (answer, why) in [
        (b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), "another protocol"),
        (
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2 << 20)).into_bytes(),
            "a header of 2 MiB",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5_000)).into_bytes(),
            "5,000 headers",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n".to_vec(),
            "a chunk longer than numbers go",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n[1,2]".to_vec(),
            "two lengths",
        ),
    ] {
        let server = Server::start(move |_, _| Act::Cut(answer.clone())).await;
        let client = server.client();
        let error = names(&client).await.expect_err(why);
        assert!(
            matches!(error.stage(), Stage::Send | Stage::Receive),
            "{why}: {error:?}"
        );
        let create = client.untyped("Account").create(JsonObject::new());
        let error = create.await.expect_err(why);
        assert_eq!(error.outcome(), Outcome::Unknown, "{why}: {error:?}");
    }
}

#[tokio::test]
async fn bodies_that_contradict_their_encoding_are_errors() {
    let cut = gzip(PAGE.as_bytes());
    for (body, message) in [
        (PAGE.as_bytes().to_vec(), "cannot be decompressed"),
        (cut[..cut.len() / 2].to_vec(), ""),
    ] {
        let server = Server::start(move |_, _| {
            let headers = "Content-Encoding: gzip\r\n";
            Act::Write(bytes(200, "application/json", headers, &body))
        })
        .await;
        let error = names(&server.client()).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Receive, "{error:?}");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[tokio::test]
async fn slow_bytes_end_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut sockets = tokio::task::JoinSet::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            sockets.spawn(async move {
                let mut seen = [0; 4096];
                let _ = socket.read(&mut seen).await;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
                let _ = socket.write_all(head.as_bytes()).await;
                loop {
                    tokio::select! {
                        read = socket.read(&mut seen) => if read.unwrap_or(0) == 0 { break },
                        () = tokio::time::sleep(Duration::from_millis(5)) => {
                            if socket.write_all(b" ").await.is_err() { break }
                        }
                    }
                }
            });
        }
    });
    let client = builder(&url)
        .timeout(Duration::from_millis(100))
        .retry(espo_core::RetryPolicy::none())
        .build()
        .unwrap();
    let error = names(&client).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    server.abort();
}

#[tokio::test]
async fn site_urls_are_accepted_in_all_forms() {
    let server = Server::answering(PAGE).await;
    let port = server.addr.port();
    for (address, target) in [
        (format!("http://127.0.0.1:{port}"), "/api/v1/Account"),
        (
            format!("http://127.0.0.1:{port}/crm/"),
            "/crm/api/v1/Account",
        ),
        (
            format!("http://127.0.0.1:{port}/crm/api/v1/"),
            "/crm/api/v1/Account",
        ),
        (
            format!("http://127.0.0.1:{port}/a%20b"),
            "/a%20b/api/v1/Account",
        ),
        (
            format!("http://127.0.0.1:{port}/api/v1/portal-access/5f"),
            "/api/v1/portal-access/5f/Account",
        ),
    ] {
        let client = builder(&address).build().unwrap();
        assert_eq!(names(&client).await.unwrap(), ["One"], "{address}");
        assert_eq!(server.last().path(), target, "{address}");
    }
}

#[tokio::test]
async fn ipv6_addresses_can_be_used() {
    // Not every machine has an IPv6 address.
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        return;
    };
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut seen = vec![0; 4096];
        let length = socket.read(&mut seen).await.unwrap();
        let answer = bytes(200, "application/json", "", PAGE.as_bytes());
        socket.write_all(&answer).await.unwrap();
        String::from_utf8_lossy(&seen[..length]).to_lowercase()
    });
    let client = builder(&format!("http://{address}/")).build().unwrap();
    assert_eq!(names(&client).await.unwrap(), ["One"]);
    let seen = server.await.unwrap();
    assert!(seen.contains(&format!("host: {address}\r\n")), "{seen}");
}

#[tokio::test]
async fn rejecting_proxies_are_named_and_receive_no_site_credentials() {
    let proxy = Server::start(|_, _| {
        Act::Write(bytes(
            407,
            "text/html",
            "Proxy-Authenticate: Basic\r\n",
            b"",
        ))
    })
    .await;
    let url = format!("http://user:s3cret@{}", proxy.addr);
    // Connections to an HTTPS site use a tunnel, so the proxy sees only the host.
    let client = builder("https://crm.invalid")
        .proxy(url)
        .retry(espo_core::RetryPolicy::none())
        .build()
        .unwrap();
    let error = names(&client).await.unwrap_err();
    assert_eq!(
        (error.stage(), error.outcome()),
        (Stage::Connect, Outcome::NotSent)
    );
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let seen = proxy.last();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("CONNECT", "crm.invalid:443")
    );
    assert!(seen.header("Proxy-Authorization").is_some());
    assert_eq!(seen.header("X-Api-Key"), None);
}

#[tokio::test]
async fn the_page_for_browsers_is_distinguished_from_other_pages() {
    for (page, expected) in [
        (
            "<!doctype html><script data-name=\"loader-params\">{}</script>",
            "EspoCRM's page for browsers instead of a response of its API",
        ),
        ("<!doctype html><title>Sign in</title>", "a login page"),
    ] {
        let server =
            Server::start(move |_, _| Act::Write(bytes(200, "text/html", "", page.as_bytes())))
                .await;
        let error = names(&server.client()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn names_with_http_syntax_are_sent_as_data() {
    let server = Server::answering("true").await;
    let client = server.client();
    let odd = "a b/../c?x=1#y\r\nX-Evil: 1\0é💥";
    let request = Request::new(Method::GET, &["Account"]).query("q", odd);
    client.send(request).await.unwrap();
    let seen = server.last();
    assert_eq!(seen.header("X-Evil"), None);
    assert_eq!(
        seen.target,
        "/api/v1/Account?q=a%20b%2F..%2Fc%3Fx%3D1%23y%0D%0AX-Evil%3A%201%00%C3%A9%F0%9F%92%A5"
    );
    let error = client
        .send(Request::new(Method::GET, &["Account"]).header("X-A", "1\r\nX-Evil: 1"))
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent);
    let error = client
        .untyped("Account")
        .read(Id::new("a/../b"))
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent);
    client
        .untyped("Account")
        .delete(Id::new("a\u{0}b;c"))
        .await
        .unwrap();
    assert_eq!(server.last().target, "/api/v1/Account/a%00b%3Bc");
}

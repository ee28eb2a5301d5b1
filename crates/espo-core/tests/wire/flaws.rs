//! Responses that servers and proxies damage: the message contains the reason, and everything that can be read is kept.

use espo_core::{Auth, Client, JsonObject};

use crate::server::{Act, Server, builder, bytes, json};

const PAGE: &str = r#"{"total":1,"list":[{"id":"1","name":"One"}]}"#;

async fn list(
    content_type: &'static str,
    headers: &'static str,
    body: Vec<u8>,
) -> Result<usize, espo_core::Error> {
    let server =
        Server::start(move |_, _| Act::Write(bytes(200, content_type, headers, &body))).await;
    let client = builder(&server.url()).build().expect("a client");
    Ok(client.untyped("Account").list().await?.records.len())
}

#[tokio::test]
async fn damaged_json_is_described_for_any_content_type() {
    const JSON: &str = "application/json";
    let html =
        "<br />\n<b>Warning</b>:  Undefined variable in <b>/x.php</b> on line <b>3</b><br />\n";
    let plain = "\nDeprecated: Something is deprecated in /x.php on line 3\n";
    for (body, reason) in [
        (format!("{html}{PAGE}"), "PHP printed a message"),
        (format!("{plain}{PAGE}"), "PHP printed a message"),
        (format!("{PAGE}{html}"), "PHP printed a message"),
        (format!("{PAGE}{plain}"), "PHP printed a message"),
        (String::new(), "the response is empty"),
        (PAGE[..20].to_owned(), "the response is truncated"),
        (format!("{PAGE}\0"), "it ends with"),
        ("oops".to_owned(), "it starts with \"oops\""),
    ] {
        let error = list(JSON, "", body.clone().into_bytes())
            .await
            .expect_err("not a list");
        assert!(error.to_string().contains(reason), "{body:?}: {error}");
    }
    for body in [format!("\u{feff}\u{feff}{PAGE}"), format!("{PAGE}\r\n\r\n")] {
        assert_eq!(list(JSON, "", body.into_bytes()).await.expect("a list"), 1);
    }
}

#[tokio::test]
async fn compression_that_was_not_accepted_is_named() {
    for (headers, body, name) in [
        (
            "Content-Encoding: br\r\n",
            &b"\x0b\xff\x80"[..],
            "compressed (br)",
        ),
        (
            "Content-Encoding: deflate\r\n",
            b"\x78\x9c\xff",
            "compressed (deflate)",
        ),
        ("Content-Encoding: br\r\n", b"\x0b\x02", "compressed (br)"),
        ("", b"\x1f\x8b\x08\xff", "compressed (gzip)"),
        ("", b"{\"name\":\"\xff\"}", "not UTF-8"),
    ] {
        let error = list("application/json", headers, body.to_vec())
            .await
            .expect_err("not a list");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn lists_in_the_forms_that_php_prints_are_read() {
    for (body, count) in [
        (r#"{"total":"2","list":[{"id":"1"},{"id":"2"}]}"#, 2),
        (r#"{"total":2.0,"list":{"0":{"id":"1"},"2":{"id":"2"}}}"#, 2),
        (r#"{"total":0,"list":{}}"#, 0),
        (r#"{"list":[{"id":"1"}],"total":null}"#, 1),
    ] {
        let server = Server::answering(body).await;
        let client = builder(&server.url()).build().expect("a client");
        let page = client.untyped("Account").list().await.expect("a list");
        let ids: Vec<&JsonObject> = page.records.iter().collect();
        assert_eq!(ids.len(), count, "{body}");
    }
    for body in [
        r#"{"total":1}"#,
        r#"{"total":1,"list":null}"#,
        r#"{"total":"many","list":[]}"#,
        "[]",
    ] {
        let server = Server::answering(body).await;
        let client = builder(&server.url()).build().expect("a client");
        assert!(client.untyped("Account").list().await.is_err(), "{body}");
    }
}

#[tokio::test]
async fn statuses_of_gateways_in_front_are_retried_for_reads() {
    for status in [502, 503, 504, 520, 522, 524] {
        let server = Server::start(move |_, number| match number {
            0 => Act::Write(bytes(status, "text/html", "", b"<html>")),
            _ => json(200, PAGE),
        })
        .await;
        let client = builder(&server.url()).build().expect("a client");
        let page = client.untyped("Account").list().await;
        assert_eq!(
            page.map(|page| page.records.len()).ok(),
            Some(1),
            "{status}"
        );
    }
}

#[test]
fn keys_with_line_breaks_are_rejected_before_they_are_sent() {
    let build = |auth: Auth| {
        Client::builder("http://crm.example")
            .auth(auth)
            .build()
            .map(drop)
    };
    for key in [
        "",
        " ",
        "key\n",
        "key\r\n",
        " key",
        "a b",
        "\u{feff}key",
        "key\0",
    ] {
        let error = build(Auth::api_key(key))
            .expect_err("not a key")
            .to_string();
        assert!(error.contains("the API key "), "{key:?}: {error}");
        let error = build(Auth::hmac("key", key).into())
            .expect_err("not a key")
            .to_string();
        assert!(error.contains("the secret key "), "{key:?}: {error}");
        let error = build(Auth::bearer(key))
            .expect_err("not a token")
            .to_string();
        assert!(error.contains("the token "), "{key:?}: {error}");
    }
    assert!(build(Auth::api_key("0123456789abcdef")).is_ok());
}

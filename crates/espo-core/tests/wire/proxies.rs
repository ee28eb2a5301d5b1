//! Proxies, gateways and addresses: the route of a connection and the headers sent with it.

use std::process::Command;

use espo_core::http::Method;
use espo_core::{Auth, Client, ProxySource, Request, RetryPolicy};

use crate::server::{Act, Server, builder, bytes, json};

fn get() -> Request {
    Request::new(Method::GET, &["Account"])
}

/// Runs this test again as a process with `variables`: changing those of the current process would affect other tests.
/// Returns true in that process.
fn is_child(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var_os("ESPO_TEST_CHILD").is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("ESPO_TEST_CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    false
}

#[tokio::test]
async fn proxy_variables_do_not_affect_loopback_targets() {
    let nobody = "http://127.0.0.1:1";
    let variables = [
        ("HTTP_PROXY", nobody),
        ("http_proxy", nobody),
        ("ALL_PROXY", nobody),
        ("NO_PROXY", ""),
        ("no_proxy", ""),
    ];
    let test = "proxies::proxy_variables_do_not_affect_loopback_targets";
    if !is_child(test, &variables) {
        return;
    }
    let server = Server::answering("1").await;
    let site = |host: &str| {
        Client::builder(format!("http://{host}:{}", server.addr.port())).retry(RetryPolicy::none())
    };
    for host in ["127.0.0.1", "localhost"] {
        let client = site(host).build().unwrap();
        assert_eq!(client.proxy(), None, "{host}");
        client.send(get()).await.unwrap();
    }
    // Set explicitly, a proxy is used for loopback targets too.
    let client = site("127.0.0.1").proxy(nobody).build().unwrap();
    assert_eq!(client.proxy().unwrap().source(), ProxySource::Builder);
    assert!(client.send(get()).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn proxies_of_the_environment_are_used_and_named() {
    let variables = [
        ("HTTP_PROXY", "http://bob:s3cret@127.0.0.1:1"),
        ("http_proxy", "http://bob:s3cret@127.0.0.1:1"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:2"),
        ("https_proxy", "socks5://127.0.0.1:2"),
        ("NO_PROXY", "direct.invalid"),
        ("no_proxy", "direct.invalid"),
    ];
    let test = "proxies::proxies_of_the_environment_are_used_and_named";
    if !is_child(test, &variables) {
        return;
    }
    for (site, proxy) in [
        ("http://crm.invalid", Some("http://127.0.0.1:1")),
        ("https://crm.invalid", Some("socks5://127.0.0.1:2")),
        ("http://direct.invalid", None),
    ] {
        let client = Client::builder(site).retry(RetryPolicy::none());
        let client = client.build().unwrap();
        assert_eq!(client.proxy().map(|proxy| proxy.url()), proxy, "{site}");
        let Some(proxy) = client.proxy() else {
            continue;
        };
        assert_eq!(proxy.source(), ProxySource::Environment);
        let error = client.send(get()).await.unwrap_err();
        assert!(error.is_connect());
        let text = format!("{error} {error:?} {client:?} {proxy:?}");
        assert!(text.contains(proxy.url()), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn extra_headers_are_sent_with_requests_and_logins() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/App/user" => json(200, r#"{"token":"t0","user":{"userName":"bob"}}"#),
        _ => json(200, "1"),
    })
    .await;
    let client = builder(&server.url())
        .auth(Auth::password("bob", "pw"))
        .gateway_basic_auth("gate", "kéy")
        .header("CF-Access-Client-Id", "id1")
        .header("Accept-Language", "de")
        .build()
        .unwrap();
    client.send(get()).await.unwrap();
    let single = get().header("Accept-Language", "fr");
    client.send(single).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3, "the login and two requests");
    for (request, language) in seen.iter().zip(["de", "de", "fr"]) {
        let expected = [
            ("authorization", "Basic Z2F0ZTprw6l5"),
            ("cf-access-client-id", "id1"),
            ("accept-language", language),
            ("accept", "application/json"),
        ];
        for (name, value) in expected {
            assert_eq!(request.header(name), Some(value), "{}", request.target);
        }
        assert!(request.header("Espo-Authorization").is_some());
    }
}

#[test]
fn headers_that_cannot_be_sent_are_reported_by_build() {
    let site = || Client::builder("http://crm.invalid");
    for (builder, part) in [
        (site().header("a b", "1"), "invalid header name"),
        (site().header("X-A", "1\r\n2"), "`x-a`"),
        (
            site()
                .auth(Auth::basic("bob", "pw"))
                .gateway_basic_auth("gate", "pw"),
            "`authorization`",
        ),
        (
            site().auth(Auth::api_key("k")).header("X-Api-Key", "k"),
            "`x-api-key`",
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    // Without credentials, the client allows any header.
    site().header("X-Api-Key", "k").build().unwrap();
}

#[tokio::test]
async fn given_addresses_replace_the_lookup_of_the_host() {
    let server = Server::answering("1").await;
    let port = server.addr.port();
    for (site, host) in [
        ("http://crm.invalid".to_owned(), "crm.invalid".to_owned()),
        (
            format!("http://crm.invalid:{port}/sub"),
            format!("crm.invalid:{port}"),
        ),
    ] {
        let client = builder(&site).connect_to(server.addr).build().unwrap();
        client.send(get()).await.unwrap();
        assert_eq!(server.last().header("Host"), Some(host.as_str()));
    }
    for site in ["http://crm.invalid:8081", "http://192.0.2.1"] {
        let error = builder(site)
            .connect_to(([127, 0, 0, 1], 80).into())
            .build();
        let error = error.unwrap_err().to_string();
        assert!(error.contains("cannot connect to"), "{error}");
    }
}

#[tokio::test]
async fn uncompressed_responses_are_read_without_gzip() {
    let server = Server::start(|seen, _| {
        assert_eq!(seen.header("Accept-Encoding"), None);
        Act::Write(bytes(200, "application/json", "", b"1"))
    })
    .await;
    let client = builder(&server.url()).gzip(false).build().unwrap();
    client.send(get()).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_gateways_401_does_not_use_up_the_credentials() {
    let server = Server::start(|seen, _| match seen.header("Authorization") {
        Some("Basic Z2F0ZTpwdw==") => json(200, "1"),
        _ => Act::Write(bytes(
            401,
            "text/html",
            "WWW-Authenticate: Basic realm=\"Gate\"\r\n",
            b"<html>",
        )),
    })
    .await;
    let client = server.client();
    for _ in 0..2 {
        let error = client.send(get()).await.unwrap_err();
        assert!(error.is_gateway() && !error.is_unauthorized(), "{error}");
        assert!(error.to_string().contains("(realm \"Gate\")"), "{error}");
    }
    assert_eq!(server.seen().len(), 2, "the credentials were not rejected");
    let client = builder(&server.url())
        .gateway_basic_auth("gate", "pw")
        .build()
        .unwrap();
    client.send(get()).await.unwrap();
}

#[tokio::test]
async fn proxies_that_respond_for_the_site_are_named() {
    let proxy =
        Server::start(|_, _| Act::Write(bytes(502, "text/html", "", b"<html>no</html>"))).await;
    let client = builder("http://crm.invalid").retry(RetryPolicy::none());
    let client = client.proxy(proxy.url()).build().unwrap();
    let error = client.send(get()).await.unwrap_err();
    assert!(error.is_gateway());
    assert!(error.to_string().contains(&proxy.url()), "{error}");
}

#[tokio::test]
async fn failed_connections_name_address_and_cause_and_keep_the_chain() {
    use std::error::Error as _;

    let client = builder("http://127.0.0.1:1")
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = client.send(get()).await.unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.starts_with(
            "GET /Account: cannot connect to http://127.0.0.1:1: Connection refused; check"
        ),
        "{shown}"
    );
    // The report does not repeat it.
    assert_eq!(error.report().to_string().matches("refused").count(), 1);
    let mut levels = Vec::new();
    let mut level = error.source();
    let mut refused = false;
    while let Some(cause) = level {
        levels.push(cause.to_string());
        let io = cause.downcast_ref::<std::io::Error>();
        refused |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
        level = cause.source();
    }
    assert!(refused, "{levels:?}");
    let report = error.report().to_string();
    let mut reasons = levels.iter().filter_map(|l| l.split(" (os error").next());
    assert!(reasons.all(|reason| report.contains(reason)), "{report}");
    assert!(!report.contains("os error"), "{report}");
    assert!(!levels.join(" ").contains("client error"), "{levels:?}");
}

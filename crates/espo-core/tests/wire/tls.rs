//! TLS with an authority of one's own.

use espo_core::http::Method;
use espo_core::{Client, Request, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// An HTTPS server for `localhost` that answers `1`; gives its port and the
/// authority's certificate.
async fn server() -> (u16, String) {
    let (acceptor, pem) = crate::authority::authority();
    let listener = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, pem)
}

fn get() -> Request {
    Request::new(Method::GET, &["Account"])
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_given_and_only_then() {
    let (port, pem) = server().await;
    let builder = || {
        Client::builder(format!("https://localhost:{port}"))
            .no_proxy()
            .retry(RetryPolicy::none())
    };
    let trusting = builder().root_certificate(pem).build().unwrap();
    assert_eq!(trusting.send(get()).await.unwrap().json::<u8>().unwrap(), 1);

    let error = builder().build().unwrap().send(get()).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_default_provider_that_the_program_installed_is_left_alone() {
    // One that can do nothing: whoever uses it cannot speak to anybody.
    let theirs = CryptoProvider {
        cipher_suites: Vec::new(),
        kx_groups: Vec::new(),
        ..ring::default_provider()
    };
    theirs.install_default().unwrap();
    let (port, pem) = server().await;
    let crm = Client::builder(format!("https://localhost:{port}"))
        .no_proxy()
        .root_certificate(pem)
        .build()
        .unwrap();
    assert_eq!(crm.send(get()).await.unwrap().json::<u8>().unwrap(), 1);
    let installed = CryptoProvider::get_default().unwrap();
    assert!(installed.cipher_suites.is_empty(), "still theirs");
    let own = tokio_rustls::rustls::ClientConfig::builder_with_provider(installed.clone());
    assert!(
        own.with_safe_default_protocol_versions().is_err(),
        "the test could not fail"
    );
}

#[test]
fn what_is_no_certificate_is_refused_when_the_client_is_made() {
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
    ] {
        let error = Client::builder("https://localhost")
            .root_certificate(pem)
            .build()
            .unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

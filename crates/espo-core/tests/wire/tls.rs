//! TLS with a private certificate authority.

use std::sync::Arc;

use espo_core::http::Method;
use espo_core::{Client, Request, RetryPolicy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An HTTPS server for `localhost` that responds with `1`; returns its port and the authority's certificate.
async fn server() -> (u16, String) {
    let (acceptor, pem) = crate::authority::authority();
    (serve(acceptor).await, pem)
}

async fn serve(acceptor: TlsAcceptor) -> u16 {
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
    port
}

/// An HTTPS server for `localhost` that requires a client certificate; returns its port, the authority's certificate,
/// and a client's chain and key.
async fn mutual() -> (u16, String, String, String) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let signed = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (leaf.signed_by(&key, &ca).unwrap(), key)
    };
    let (server, server_key) = signed("localhost");
    let (client, client_key) = signed("client");
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let port = serve(TlsAcceptor::from(Arc::new(config))).await;
    (port, ca.pem(), client.pem(), client_key.serialize_pem())
}

fn get() -> Request {
    Request::new(Method::GET, &["Account"])
}

#[tokio::test]
async fn private_authorities_are_trusted_only_if_set() {
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
    assert!(
        error.report().to_string().contains("certificate"),
        "{error}"
    );
    assert!(
        error.to_string().contains("if it is a private CA"),
        "{error}"
    );
}

/// A server with a self-signed certificate that is also a CA certificate, as `openssl req -x509` makes it.
async fn self_signed(host: &str, years: [i32; 2]) -> (u16, String) {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(years[0], 1, 1);
    params.not_after = rcgen::date_time_ymd(years[1], 1, 1);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = PrivateKeyDer::try_from(issuer.key().serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issuer.der().clone()], key)
        .unwrap();
    let port = serve(TlsAcceptor::from(Arc::new(config))).await;
    (port, issuer.pem())
}

#[tokio::test]
async fn self_signed_certificates_are_accepted_if_given_and_valid() {
    let (_, other) = self_signed("localhost", [2020, 2100]).await;
    for (host, years, is_given, expected) in [
        ("localhost", [2020, 2100], true, Ok(())),
        ("localhost", [2020, 2100], false, Err("certificate")),
        (
            "localhost",
            [2020, 2021],
            true,
            Err("renew the server's certificate"),
        ),
        (
            "other.example",
            [2020, 2100],
            true,
            Err("issued for another host name"),
        ),
    ] {
        let (port, pem) = self_signed(host, years).await;
        let client = Client::builder(format!("https://localhost:{port}"))
            .no_proxy()
            .retry(RetryPolicy::none())
            .root_certificate(if is_given { pem } else { other.clone() })
            .build()
            .unwrap();
        match (client.send(get()).await, expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(reason)) => {
                assert!(error.to_string().contains(reason), "{host}: {error}");
            }
            (result, _) => panic!("{host}, {years:?}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn installed_default_providers_are_not_used() {
    // A provider without any algorithms: a client that uses it cannot connect.
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

#[tokio::test]
async fn client_certificates_are_presented() {
    let (port, ca, chain, key) = mutual().await;
    let builder = || {
        Client::builder(format!("https://localhost:{port}"))
            .root_certificate(ca.as_str())
            .retry(RetryPolicy::none())
    };
    let both = format!("{key}{chain}");
    for (chain, key) in [(&chain, &key), (&both, &both)] {
        let client = builder().client_certificate(chain.as_str(), key.as_str());
        let client = client.build().unwrap();
        assert_eq!(client.send(get()).await.unwrap().json::<u8>().unwrap(), 1);
    }
    let error = builder().build().unwrap().send(get()).await.unwrap_err();
    assert!(error.to_string().contains("client certificate"), "{error}");

    let (_, _, other_chain, _) = mutual().await;
    for (chain, key) in [
        ("", key.as_str()),
        (chain.as_str(), ""),
        (other_chain.as_str(), key.as_str()),
    ] {
        let error = builder()
            .client_certificate(chain, key)
            .build()
            .unwrap_err();
        assert!(error.to_string().contains("client certificate"), "{error}");
    }
}

#[test]
fn invalid_certificates_are_rejected_by_build() {
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

#[tokio::test]
async fn tls_and_http_on_wrong_ports_are_recognised() {
    let plain = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap()).replace("127.0.0.1", "localhost");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = plain.accept().await {
            let _ = socket.read(&mut [0; 64]).await;
            let _ = socket
                .write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                .await;
        }
    });
    let client = Client::builder(url)
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = client.send(get()).await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");

    let (port, _) = server().await;
    let url = format!("http://localhost:{port}");
    let client = Client::builder(url)
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = client.send(get()).await.unwrap_err();
    assert!(
        error.to_string().contains("use https://"),
        "{}",
        error.report()
    );
}

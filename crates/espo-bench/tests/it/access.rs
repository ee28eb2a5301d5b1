//! Access to the target: gateways, proxies, certificates and addresses.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};

const LISTS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

fn out(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat());
    (output.status.code().unwrap(), said.unwrap())
}

fn report(folder: &Path) -> (Value, String) {
    let text = std::fs::read_to_string(folder.join("r.json")).unwrap();
    (serde_json::from_str(&text).unwrap(), text)
}

fn line(url: &str, more: &str) -> String {
    format!("run w.toml --url {url} --requests 10 --json r.json --html r.html {more}")
}

#[test]
fn gateway_rejections_are_not_reported_as_wrong_credentials() {
    let folder = folder_with(LISTS);
    for (gate, option) in [
        (("x-gate", "s3cret-token"), "--header-env X-Gate=TOKEN"),
        (
            ("authorization", "Basic Z2F0ZTpvcGVuOnNlc2FtZQ=="),
            "--gateway-auth-env LOGIN",
        ),
    ] {
        let server = accounts(Behaviour {
            gate: Some(gate),
            ..Behaviour::default()
        });
        let (code, said) = out(&mut bench(folder.path(), &line(&server.url, "")));
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("gateway"), "{said}");
        assert!(!said.contains("rejects the credentials"), "{said}");

        let mut command = bench(folder.path(), &line(&server.url, option));
        command.env("TOKEN", "s3cret-token");
        command.env("LOGIN", "gate:open:sesame");
        let (code, said) = out(&mut command);
        assert_eq!(code, 0, "{option}: {said}");
        let (report, text) = report(folder.path());
        let headers = report["target"]["connection"]["headers"].to_string();
        assert!(headers.to_lowercase().contains(gate.0), "{headers}");
        let page = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
        for secret in ["s3cret", "sesame", "Z2F0ZTpv"] {
            assert!(!text.contains(secret) && !page.contains(secret), "{secret}");
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[test]
fn options_without_their_variable_or_file_are_rejected() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(LISTS));
    for (option, expected) in [
        ("--header-env X-Gate", "expected NAME=VARIABLE"),
        ("--header-env X-Gate=NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
        ("--gateway-auth-env NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
        ("--ca-certificate nothing.pem", "nothing.pem"),
        ("--client-certificate nothing.pem", "nothing.pem"),
        ("--client-key key.pem", "--client-certificate"),
        ("--connect-to nowhere", "--connect-to"),
        ("--proxy http://p:1 --no-proxy", "cannot be used with"),
    ] {
        let (code, said) = out(&mut bench(folder.path(), &line(&server.url, option)));
        assert_eq!(code, 2, "{option}: {said}");
        assert!(said.contains(expected), "{option}: {said}");
    }
}

#[test]
fn loopback_ignores_the_proxy_of_the_environment() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(LISTS));
    let mut direct = bench(folder.path(), &line(&server.url, ""));
    direct.env_remove("NO_PROXY");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        direct.env(variable, "http://127.0.0.1:1");
    }
    let (code, said) = out(&mut direct);
    assert_eq!(code, 0, "{said}");
    let connection = report(folder.path()).0["target"]["connection"].clone();
    assert_eq!(connection["proxy"], Value::Null);
    let address = server.url.trim_start_matches("http://");
    assert_eq!(connection["address"], address);
    assert_eq!(connection["http_version"], "HTTP/1.1");

    // The server accepts requests for any host, as a proxy does.
    let proxy = server.url.replace("http://", "http://me:topsecret@");
    let by_option = bench(
        folder.path(),
        &line("http://crm.invalid", &format!("--proxy {proxy}")),
    );
    let mut by_variable = bench(folder.path(), &line("http://crm.invalid", ""));
    by_variable.env_remove("NO_PROXY").env("http_proxy", &proxy);
    for (mut command, source) in [(by_option, ""), (by_variable, " (from the environment)")] {
        let (code, said) = out(&mut command);
        assert_eq!(code, 0, "{said}");
        let (report, text) = report(folder.path());
        let named = report["target"]["connection"]["proxy"].as_str().unwrap();
        assert!(named.starts_with(&server.url), "{named}");
        assert!(named.ends_with(source), "{named}");
        assert!(said.contains("through the proxy"), "{said}");
        assert!(!text.contains("topsecret") && !said.contains("topsecret"));
    }
}

#[test]
fn connect_to_replaces_the_lookup_of_the_host() {
    let (server, folder) = (accounts(Behaviour::default()), folder_with(LISTS));
    let address = server.url.trim_start_matches("http://");
    let port = address.rsplit(':').next().unwrap();
    let url = format!("http://crm.invalid:{port}");
    let option = format!("--connect-to {address}");
    let (code, said) = out(&mut bench(folder.path(), &line(&url, &option)));
    assert_eq!(code, 0, "{said}");
    let target = report(folder.path()).0["target"].clone();
    assert_eq!(target["connection"]["address"], address);
    assert_eq!(target["url"].as_str(), Some(url.as_str()));

    // A loopback URL that connects to another address does not permit writes.
    std::fs::write(
        folder.path().join("w.toml"),
        "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n",
    )
    .unwrap();
    let away = line("http://localhost:81", "--connect-to 192.0.2.1:81");
    let (code, said) = out(&mut bench(folder.path(), &away));
    assert_eq!((code, said.contains("--allow-writes")), (2, true), "{said}");
}

/// Starts a server behind TLS that requires a certificate of the same authority. Returns PEM files: authority, chain,
/// key.
fn mutual(behind: String, runtime: &tokio::runtime::Runtime) -> (u16, [String; 3]) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let leaf = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (leaf.signed_by(&key, &authority).unwrap(), key)
    };
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let (certificate, key) = leaf("localhost");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = runtime.block_on(TcpListener::bind("localhost:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let Ok(mut inside) = acceptor.accept(stream).await else {
                    return;
                };
                let mut outside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            });
        }
    });
    let (certificate, key) = leaf("client");
    (
        port,
        [authority.pem(), certificate.pem(), key.serialize_pem()],
    )
}

#[test]
fn private_authorities_and_client_certificates_are_used() {
    let server: Server = accounts(Behaviour::default());
    let folder = folder_with(LISTS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let behind = server.url.trim_start_matches("http://").to_owned();
    let (port, [authority, chain, key]) = mutual(behind, &runtime);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("ca.pem", &authority);
    write("client.pem", &chain);
    write("key.pem", &key);
    write("both.pem", &format!("{chain}{key}"));
    let url = format!("https://localhost:{port}");
    for (options, expected) in [
        ("", 3),
        ("--ca-certificate ca.pem", 3),
        (
            "--ca-certificate ca.pem --client-certificate client.pem --client-key key.pem",
            0,
        ),
        ("--ca-certificate ca.pem --client-certificate both.pem", 0),
    ] {
        let (code, said) = out(&mut bench(folder.path(), &line(&url, options)));
        assert_eq!(code, expected, "{options}: {said}");
        if expected == 0 {
            let (report, text) = report(folder.path());
            let target = &report["target"];
            let tls = target["connection"]["tls"].as_str().unwrap();
            assert!(tls.starts_with("TLS 1.3, "), "{tls}");
            assert_eq!(target["tls_micros"].as_array().map(Vec::len), Some(5));
            assert!(!text.contains("PRIVATE KEY"));
        } else {
            assert!(!said.contains("rejects the credentials"), "{said}");
        }
    }
}

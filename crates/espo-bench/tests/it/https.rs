//! A target behind TLS with a private authority.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::authority;
use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};
use crate::usage::out;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Delay of the proxy between the connection and the handshake.
const THINKS: Duration = Duration::from_millis(40);

async fn pass_on(stream: TcpStream, acceptor: TlsAcceptor, behind: String) {
    tokio::time::sleep(THINKS).await;
    let Ok(mut inside) = acceptor.accept(stream).await else {
        return;
    };
    let mut outside = TcpStream::connect(behind).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
}

/// Starts a proxy behind TLS and returns its port.
fn serve(acceptor: TlsAcceptor, behind: String, runtime: &tokio::runtime::Runtime) -> u16 {
    let listener = runtime.block_on(TcpListener::bind("localhost:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass_on(stream, acceptor.clone(), behind.clone()));
        }
    });
    port
}

/// The client accepts a server whose certificate is its own authority, and offers no protocol in the handshake.
#[test]
fn tls_is_reported_for_every_server_that_the_client_accepts() {
    let server = accounts(Behaviour::default());
    let folder = folder_with("[[operation]]\nkind = \"list\"\nentity = \"Account\"\n");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = own.self_signed(&key).unwrap();
    std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
    for protocols in [&[][..], &["http/1.1"], &["h2", "http/1.1"], &["h2"]] {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = config
            .with_single_cert(vec![own.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        let behind = server.url.trim_start_matches("http://").to_owned();
        let port = serve(TlsAcceptor::from(Arc::new(config)), behind, &runtime);
        let line = format!(
            "run w.toml --url https://localhost:{port} --requests 5 --ca-certificate ca.pem --json r.json"
        );
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, 0, "{protocols:?}: {said}");
        let report = std::fs::read(folder.path().join("r.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        let connection = &report["target"]["connection"];
        assert_eq!(
            connection["http_version"], "HTTP/1.1",
            "{protocols:?}: {connection}"
        );
        assert!(
            connection["tls"]
                .as_str()
                .is_some_and(|tls| tls.starts_with("TLS 1.3")),
            "{protocols:?}: {connection}"
        );
        assert!(said.contains("TLS handshake"), "{protocols:?}: {said}");
    }
}

#[test]
fn handshake_and_connect_times_are_separate() {
    let server = Server::start(Behaviour {
        records: [("Account".to_owned(), 5)].into(),
        ..Behaviour::default()
    });
    let behind = server.url.trim_start_matches("http://").to_owned();
    let (acceptor, pem) = authority();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = serve(acceptor, behind, &runtime);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("authority.pem"), pem).unwrap();
    let workload = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";
    std::fs::write(folder.path().join("w.toml"), workload).unwrap();
    let run = |url: &str, report: &str| {
        let line = format!("run w.toml --url {url} --concurrency 2 --requests 20 --json {report}");
        let output = Command::new(env!("CARGO_BIN_EXE_espo-bench"))
            .args(line.split_whitespace())
            .current_dir(folder.path())
            .env("ESPO_API_KEY", "key")
            .env_remove("ESPO_SECRET_KEY")
            .env("SSL_CERT_FILE", "authority.pem")
            .env("NO_PROXY", "*")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(output.status.success(), "{said}");
        let report = std::fs::read(folder.path().join(report)).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["totals"]["failed"], 0, "{said}");
        (report["target"].clone(), said)
    };
    let micros = |target: &Value, key: &str| -> Vec<u64> {
        let all = target[key].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(Value::as_u64).collect()
    };

    let url = format!("https://localhost:{port}");
    let (target, said) = run(&url, "tls.json");
    let (tcp, tls) = (
        micros(&target, "connect_micros"),
        micros(&target, "tls_micros"),
    );
    assert_eq!((tcp.len(), tls.len()), (5, 5), "{target}");
    let thinks = u64::try_from(THINKS.as_micros()).unwrap();
    assert!(tls.iter().all(|t| *t >= thinks), "{tls:?}");
    // The kernel accepts the connection, so the proxy's delay is not part of this time.
    assert!(tcp.iter().min() < tls.iter().min(), "{tcp:?} {tls:?}");
    assert!(said.contains("TLS handshake"), "{said}");

    let (target, said) = run(&server.url, "plain.json");
    let (tcp, tls) = (
        micros(&target, "connect_micros"),
        micros(&target, "tls_micros"),
    );
    assert_eq!((tcp.len(), tls.len()), (5, 0), "{target}");
    assert!(!said.contains("TLS handshake"), "{said}");
}

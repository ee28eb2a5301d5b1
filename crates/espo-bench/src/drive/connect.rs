//! How long opening a connection takes, apart from any request: a few are opened before the load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CONNECTIONS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(5);

/// Microseconds, one value for each connection.
#[derive(Debug, Default)]
pub(crate) struct Connects {
    /// TCP, name look-up included.
    pub(crate) tcp: Vec<u64>,
    /// The TLS handshake that follows where the target is HTTPS.
    pub(crate) tls: Vec<u64>,
}

/// Connections opened one after the other, without a proxy. Ends at the first that fails, which the first request
/// then explains.
pub(crate) async fn connects(url: &str) -> Connects {
    let mut connects = Connects::default();
    let Ok(parsed) = url::Url::parse(url) else {
        return connects;
    };
    let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
        return connects;
    };
    let host = host.trim_matches(['[', ']']);
    let tls = match parsed.scheme() {
        "https" => match tls(host) {
            Some(tls) => Some(tls),
            None => return connects,
        },
        _ => None,
    };
    for _ in 0..CONNECTIONS {
        let started = Instant::now();
        let opened = tokio::time::timeout(PATIENCE, TcpStream::connect((host, port)));
        let Ok(Ok(stream)) = opened.await else {
            break;
        };
        let tcp = micros(started);
        if let Some((connector, name)) = &tls {
            let started = Instant::now();
            let shaken = connector.connect(name.clone(), stream);
            let Ok(Ok(_)) = tokio::time::timeout(PATIENCE, shaken).await else {
                break;
            };
            connects.tls.push(micros(started));
        }
        connects.tcp.push(tcp);
    }
    connects
}

/// Trusts what the system trusts, as the client does, and shakes hands in full each time: a resumed session would
/// make every connection but the first look cheaper than a new user's.
fn tls(host: &str) -> Option<(TlsConnector, ServerName<'static>)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .ok()?
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).ok()?;
    Some((TlsConnector::from(Arc::new(config)), name))
}

fn micros(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}

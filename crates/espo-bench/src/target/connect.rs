//! Measures how long it takes to open a connection, with a few connections before the load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::access::Access;
use crate::time::micros;

const CONNECTIONS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(5);

/// Times in microseconds, one per connection, and properties of the last connection.
#[derive(Debug, Default)]
pub(crate) struct Connects {
    /// TCP connect time, including the name lookup.
    pub(crate) tcp: Vec<u64>,
    /// Time of the TLS handshake, if the target uses HTTPS.
    pub(crate) tls: Vec<u64>,
    /// The address at the other end.
    pub(crate) address: Option<SocketAddr>,
    /// TLS version and cipher suite, such as `TLS 1.3` with its suite.
    pub(crate) tls_version: Option<String>,
}

/// Opens connections in sequence, without a proxy. Stops at the first failure, which the first request then reports.
pub(crate) async fn connects(url: &str, access: &Access) -> Connects {
    let mut connects = Connects::default();
    let Ok(parsed) = url::Url::parse(url) else {
        return connects;
    };
    let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
        return connects;
    };
    let host = host.trim_matches(['[', ']']);
    let tls = match parsed.scheme() {
        "https" => match tls(host, access) {
            Some(tls) => Some(tls),
            None => return connects,
        },
        _ => None,
    };
    for _ in 0..CONNECTIONS {
        let started = Instant::now();
        let opened = tokio::time::timeout(PATIENCE, tcp(access, host, port));
        let Ok(Ok(stream)) = opened.await else {
            break;
        };
        let tcp = micros(started.elapsed());
        connects.address = stream.peer_addr().ok();
        if let Some((connector, name)) = &tls {
            let started = Instant::now();
            let shaken = connector.connect(name.clone(), stream);
            let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, shaken).await else {
                break;
            };
            connects.tls.push(micros(started.elapsed()));
            connects.tls_version = describe(stream.get_ref().1);
        }
        connects.tcp.push(tcp);
    }
    connects
}

async fn tcp(access: &Access, host: &str, port: u16) -> std::io::Result<TcpStream> {
    match access.address() {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect((host, port)).await,
    }
}

/// Returns a connector that trusts the same certificates as the client. It makes a full handshake each time, because
/// resumed sessions would be faster than the connections of new users.
fn tls(host: &str, access: &Access) -> Option<(TlsConnector, ServerName<'static>)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (roots, identity) = access.pem();
    let roots = roots
        .into_iter()
        .flat_map(CertificateDer::pem_slice_iter)
        .collect::<Result<Vec<_>, _>>()
        .ok()?;
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).ok()?;
    let verifier = Measured { verifier };
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
            let key = PrivateKeyDer::from_pem_slice(key).ok()?;
            builder.with_client_auth_cert(chain.ok()?, key).ok()?
        }
    };
    config.resumption = Resumption::disabled();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    Some((TlsConnector::from(Arc::new(config)), name))
}

/// Verifies certificates for as long as the client does, but accepts every server: nothing is sent through these
/// connections, and the client, which accepts more than the platform's verifier, reports a certificate that it rejects.
#[derive(Debug)]
struct Measured {
    verifier: Verifier,
}

impl ServerCertVerifier for Measured {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.verifier
                .verify_server_cert(certificate, intermediates, name, ocsp, now);
        Ok(verified.unwrap_or_else(|_| ServerCertVerified::assertion()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

fn describe(connection: &rustls::ClientConnection) -> Option<String> {
    use rustls::ProtocolVersion;
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    };
    let suite = connection.negotiated_cipher_suite()?;
    Some(format!("{version}, {:?}", suite.suite()))
}

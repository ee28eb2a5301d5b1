//! TLS, with the backend that the crate was compiled with.

use super::wire::WireConfig;
use crate::error::Error;

/// The TLS implementation; see [`ClientBuilder::tls_backend`](crate::ClientBuilder::tls_backend).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsBackend {
    /// rustls with ring and the system's trusted roots; Cargo feature `rustls`.
    Rustls,
    /// The system's implementation: OpenSSL, Secure Transport or SChannel; Cargo feature `native-tls`.
    NativeTls,
}

impl TlsBackend {
    /// The one that is used by default, so that a feature that another crate enables does not replace it.
    fn default_of_this_build() -> Option<Self> {
        if cfg!(feature = "rustls") {
            Some(Self::Rustls)
        } else if cfg!(feature = "native-tls") {
            Some(Self::NativeTls)
        } else {
            None
        }
    }
}

/// A client's certificate chain and private key, as PEM.
#[cfg_attr(
    not(any(feature = "rustls", feature = "native-tls")),
    expect(dead_code, reason = "certificates are read by TLS backends only")
)]
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) chain_pem: Vec<u8>,
    pub(crate) key_pem: secrecy::SecretSlice<u8>,
}

/// Sets the TLS backend. `needed` is false if only plain HTTP is used: reading the system's root certificates would
/// then slow down local tests.
pub(super) fn configure(
    builder: reqwest::ClientBuilder,
    config: &WireConfig,
    needed: bool,
) -> Result<reqwest::ClientBuilder, Error> {
    match config
        .tls_backend
        .or_else(TlsBackend::default_of_this_build)
    {
        #[cfg(feature = "rustls")]
        Some(TlsBackend::Rustls) => with_rustls::configure(builder, config, needed),
        #[cfg(feature = "native-tls")]
        Some(TlsBackend::NativeTls) => with_native::configure(builder, config),
        None if !needed => Ok(builder),
        None => Err(Error::build(
            "HTTPS needs TLS, which this program was compiled without; enable the feature `rustls` or `native-tls` of \
             espo-core",
        )),
        #[cfg(not(all(feature = "rustls", feature = "native-tls")))]
        Some(other) => Err(Error::build(format!(
            "the TLS backend {other:?} was not compiled in; enable the feature `{}` of espo-core",
            match other {
                TlsBackend::Rustls => "rustls",
                TlsBackend::NativeTls => "native-tls",
            }
        ))),
    }
}

#[cfg(feature = "rustls")]
mod with_rustls {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::client::verify_server_name;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
    use rustls::server::ParsedCertificate;
    use rustls::{
        CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, SignatureScheme,
        WantsVerifier,
    };
    use rustls_platform_verifier::Verifier;
    use secrecy::ExposeSecret;

    use super::{Error, Identity, WireConfig};

    /// Uses a separate provider: the process-wide default stays unchanged, and a program that links both ring and
    /// aws-lc does not panic.
    pub(super) fn configure(
        builder: reqwest::ClientBuilder,
        config: &WireConfig,
        needed: bool,
    ) -> Result<reqwest::ClientBuilder, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls: ConfigBuilder<ClientConfig, WantsVerifier> =
            ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(failed)?;
        let mut roots = Vec::new();
        for pem in &config.roots_pem {
            roots.extend(certificates(pem, "root certificate")?);
        }
        if !needed {
            let tls = tls.with_root_certificates(rustls::RootCertStore::empty());
            return Ok(builder.tls_backend_preconfigured(tls.with_no_client_auth()));
        }
        let verifier = SelfSigned {
            given: roots.clone(),
            chains: Verifier::new_with_extra_roots(roots, provider).map_err(failed)?,
        };
        let tls = tls
            // The verifier is the platform's; rustls calls every verifier "dangerous" that it did not build itself.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let tls = match &config.identity {
            None => tls.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = read(identity)?;
                tls.with_client_auth_cert(chain, key).map_err(|error| {
                    Error::build(format!(
                        "cannot use the client certificate with its private key: {error}"
                    ))
                })?
            }
        };
        Ok(builder.tls_backend_preconfigured(tls))
    }

    /// The platform's verifier, which also accepts a server whose certificate is one of the given ones.
    ///
    /// `openssl req -x509` makes self-signed certificates that are also CA certificates, which webpki rejects for a
    /// server. It does so after it has checked the dates; the host name is checked here.
    #[derive(Debug)]
    struct SelfSigned {
        given: Vec<CertificateDer<'static>>,
        chains: Verifier,
    }

    impl SelfSigned {
        fn accepts(
            &self,
            error: &rustls::Error,
            certificate: &CertificateDer<'_>,
            name: &ServerName<'_>,
        ) -> Result<(), rustls::Error> {
            let rustls::Error::InvalidCertificate(CertificateError::Other(cause)) = error else {
                return Err(error.clone());
            };
            // The type of the cause is that of a crate which is not a part of rustls' interface.
            let is_authority = format!("{cause:?}").contains("CaUsedAsEndEntity");
            if !is_authority || !self.given.contains(certificate) {
                return Err(error.clone());
            }
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
        }
    }

    impl ServerCertVerifier for SelfSigned {
        fn verify_server_cert(
            &self,
            certificate: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            ocsp: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            let verified =
                self.chains
                    .verify_server_cert(certificate, intermediates, name, ocsp, now);
            verified.or_else(|error| {
                self.accepts(&error, certificate, name)?;
                Ok(ServerCertVerified::assertion())
            })
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            self.chains
                .verify_tls12_signature(message, certificate, signature)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            self.chains
                .verify_tls13_signature(message, certificate, signature)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.chains.supported_verify_schemes()
        }
    }

    fn failed(error: rustls::Error) -> Error {
        Error::build(format!("cannot set up TLS: {error}"))
    }

    type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

    fn read(identity: &Identity) -> Result<Pair, Error> {
        let chain = certificates(&identity.chain_pem, "client certificate")?;
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.expose_secret()).map_err(|_| {
            // The parser's error could repeat a part of the key.
            Error::build(
                "cannot read the client certificate's private key: expected PEM with a `PRIVATE KEY` block that is \
                 not encrypted",
            )
        })?;
        Ok((chain, key))
    }

    fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
        let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let found =
            found.map_err(|error| Error::build(format!("cannot read a {what} as PEM: {error}")))?;
        if found.is_empty() {
            return Err(Error::build(format!(
                "invalid {what}: expected PEM with at least one `BEGIN CERTIFICATE` block"
            )));
        }
        Ok(found)
    }
}

#[cfg(feature = "native-tls")]
mod with_native {
    use secrecy::ExposeSecret;

    use super::{Error, WireConfig};
    use crate::transport::wire::chain;

    pub(super) fn configure(
        builder: reqwest::ClientBuilder,
        config: &WireConfig,
    ) -> Result<reqwest::ClientBuilder, Error> {
        let mut roots = Vec::new();
        for pem in &config.roots_pem {
            let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
                Error::build(format!(
                    "cannot read a root certificate as PEM: {}",
                    chain(&error)
                ))
            })?;
            if found.is_empty() {
                return Err(Error::build(
                    "invalid root certificate: expected PEM with at least one `BEGIN CERTIFICATE` block",
                ));
            }
            roots.extend(found);
        }
        let mut builder = builder.tls_backend_native().tls_certs_merge(roots);
        if let Some(identity) = &config.identity {
            let key = identity.key_pem.expose_secret();
            let identity = reqwest::Identity::from_pkcs8_pem(&identity.chain_pem, key).map_err(|_| {
                Error::build(
                    "cannot use the client certificate with its private key: expected a PEM chain and an unencrypted \
                     PKCS #8 key",
                )
            })?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }
}

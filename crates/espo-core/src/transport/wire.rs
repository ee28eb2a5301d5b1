use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::connecting::{Observer, Watch};
use crate::error::Error;

/// What the connection layer is told.
pub(crate) struct WireConfig {
    pub(crate) https: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) proxy: Proxy,
    pub(crate) roots_pem: Vec<Vec<u8>>,
    pub(crate) gzip: bool,
    pub(crate) user_agent: String,
    pub(crate) observer: Option<Arc<Observer>>,
}

#[derive(Clone, Default)]
pub(crate) enum Proxy {
    /// `HTTPS_PROXY`, `NO_PROXY` and their kin.
    #[default]
    Environment,
    None,
    Url(String),
}

/// Builds the one pool of connections.
pub(crate) fn build(config: WireConfig) -> Result<reqwest::Client, Error> {
    let json = HeaderValue::from_static("application/json");
    let mut builder = reqwest::Client::builder()
        .default_headers(HeaderMap::from_iter([(header::ACCEPT, json)]))
        .tls_backend_preconfigured(tls(&config)?)
        .http1_only()
        // The one request path follows redirects itself, where it knows what
        // may go along.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_idle_timeout(config.idle_timeout)
        .gzip(config.gzip)
        .user_agent(config.user_agent);
    let limit = config.connect_timeout;
    builder = match config.observer {
        None => builder.connect_timeout(limit),
        // It keeps the time limit itself: a layer of reqwest's own around it would be copied for every request.
        Some(observer) => builder.connector_layer(Watch { observer, limit }),
    };
    builder = match config.proxy {
        Proxy::Environment => builder,
        Proxy::None => builder.no_proxy(),
        Proxy::Url(url) => builder.proxy(
            reqwest::Proxy::all(&url)
                // Its text would repeat the URL, which may hold a password.
                .map_err(|_| Error::build("the proxy's URL cannot be read"))?,
        ),
    };
    builder.build().map_err(|error| {
        Error::build(format!(
            "the HTTP client cannot be set up: {}",
            chain(&error.without_url())
        ))
    })
}

/// TLS with a provider of its own choosing: the process-wide default is not
/// touched, and a program that links both ring and aws-lc does not panic.
fn tls(config: &WireConfig) -> Result<rustls::ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let failed = |error: rustls::Error| Error::build(format!("TLS cannot be set up: {error}"));
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    if !config.https && !matches!(&config.proxy, Proxy::Url(url) if url.starts_with("https")) {
        // Plain HTTP needs no roots, and reading the system's takes longer than
        // a local test should.
        return Ok(builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth());
    }
    let mut extra = Vec::new();
    for pem in &config.roots_pem {
        let before = extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            extra.push(certificate.map_err(|error| {
                Error::build(format!("a root certificate is not PEM: {error}"))
            })?);
        }
        if extra.len() == before {
            return Err(Error::build(
                "a root certificate given holds no `BEGIN CERTIFICATE` block",
            ));
        }
    }
    let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(failed)?;
    Ok(builder
        // The verifier is the platform's own; "dangerous" is how rustls names
        // any verifier that it did not build itself.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// An error's words with those of its causes: reqwest keeps the telling part
/// ("connection refused", "certificate expired") in the sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

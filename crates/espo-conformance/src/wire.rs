//! Sends one request and returns the raw response, without retries, redirects or error handling, because the suite tests
//! details that a client would hide.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::Error;

/// The connection to one server.
pub(crate) struct Wire {
    client: reqwest::Client,
    /// The URL up to and including `/api/v1/`.
    base: String,
}

/// An unprocessed response.
pub(crate) struct Raw {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Wire {
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        let site = url
            .trim_end_matches('/')
            .trim_end_matches("/api/v1")
            .trim_end_matches('/');
        let parsed = reqwest::Url::parse(site)
            .map_err(|error| Error::Usage(format!("invalid URL `{url}`: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() {
            return Err(Error::Usage(format!(
                "invalid site URL `{url}`: expected http:// or https:// and no query"
            )));
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(parsed.scheme() == "https")?)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(false)
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            // Below the usual keep-alive of servers, so that no request meets a connection that is being closed.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent(concat!("espo-conformance/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::Usage(format!("cannot set up the HTTP client: {}", chain(&error)))
            })?;
        Ok(Wire {
            client,
            base: format!("{site}/api/v1/"),
        })
    }

    /// Sends `target` (path and query after the API's base, percent-encoded) and reads the whole response.
    pub(crate) async fn send(
        &self,
        method: &Method,
        target: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Raw, String> {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{target}", self.base))
            .headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.map_err(reason)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(reason)?;
        Ok(Raw {
            status,
            headers,
            body,
        })
    }
}

fn tls(https: bool) -> Result<rustls::ClientConfig, Error> {
    let failed = |error: rustls::Error| Error::Usage(format!("cannot set up TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    if !https {
        // Plain HTTP needs no roots, and reading the system's takes longer than the whole suite on a local server.
        return Ok(builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth());
    }
    let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(failed)?;
    // The verifier is the platform's own; rustls calls every verifier "dangerous" that it did not build itself.
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Why a request failed, in the words of the innermost cause: the levels above only name the libraries.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() && !error.is_connect() {
        return "no response within 60 s".to_owned();
    }
    let mut level: &dyn std::error::Error = &error;
    while let Some(below) = level.source() {
        level = below;
    }
    let text = level.to_string();
    // The number means the same as the text before it.
    let text = text.split(" (os error ").next().unwrap_or_default();
    let advice = if !error.is_connect() {
        return text.to_owned();
    } else if text.contains("InvalidContentType") {
        return "the port does not speak TLS; use http:// or the port of HTTPS".to_owned();
    } else if text.contains("certificate") {
        "if its issuer is a private CA, set SSL_CERT_FILE to the path of the CA's certificate"
    } else {
        "check the URL and that the server is running"
    };
    format!("{text}; {advice}")
}

/// The messages of an error and its causes: reqwest puts the details into the sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

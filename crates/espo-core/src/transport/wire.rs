use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use super::Site;
use super::connecting::{Observer, Watch};
use super::proxy::{ProxyChoice, ProxyInfo, resolve};
use super::tls::{Identity, TlsBackend, configure};
use crate::error::Error;

/// Settings of the connection layer.
#[cfg_attr(
    not(any(feature = "rustls", feature = "native-tls")),
    expect(dead_code, reason = "certificates are read by TLS backends only")
)]
pub(crate) struct WireConfig {
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) proxy: ProxyChoice,
    pub(crate) connect_to: Option<SocketAddr>,
    pub(crate) tls_backend: Option<TlsBackend>,
    pub(crate) roots_pem: Vec<Vec<u8>>,
    pub(crate) identity: Option<Identity>,
    pub(crate) headers: HeaderMap,
    pub(crate) gzip: bool,
    pub(crate) user_agent: String,
    pub(crate) observer: Option<Arc<Observer>>,
}

/// The connection pool, and the proxy that its connections use.
pub(crate) struct Wire {
    pub(crate) http: reqwest::Client,
    pub(crate) proxy: Option<ProxyInfo>,
}

pub(crate) fn build(site: &Site, mut config: WireConfig) -> Result<Wire, Error> {
    let route = resolve(&config.proxy, site, config.connect_to.is_some())?;
    let needs_tls = site.https
        || route
            .as_ref()
            .is_some_and(|route| route.info.url().starts_with("https:"));
    let mut headers = std::mem::take(&mut config.headers);
    headers
        .entry(header::ACCEPT)
        .or_insert(HeaderValue::from_static("application/json"));
    let mut builder = reqwest::Client::builder()
        .default_headers(headers)
        .http1_only()
        // The engine follows redirects itself, because it knows which headers may be sent to the target.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_idle_timeout(config.idle_timeout)
        .user_agent(std::mem::take(&mut config.user_agent))
        .no_proxy()
        // Not affected by a reqwest feature that another crate enables.
        .no_hickory_dns()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    #[cfg(feature = "gzip")]
    {
        builder = builder.gzip(config.gzip);
    }
    #[cfg(not(feature = "gzip"))]
    let _ = config.gzip;
    builder = configure(builder, &config, needs_tls)?;
    let limit = config.connect_timeout;
    builder = match config.observer {
        None => builder.connect_timeout(limit),
        // The connector applies the timeout itself: reqwest's own layer would be copied for every request.
        Some(observer) => builder.connector_layer(Watch { observer, limit }),
    };
    if let Some(address) = config.connect_to {
        check_address(site, address)?;
        builder = builder.resolve(&site.host, address);
    }
    let mut info = None;
    if let Some(route) = route {
        info = Some(route.info);
        builder = builder.proxy(route.proxy);
    }
    let http = builder.build().map_err(|error| {
        Error::build(format!(
            "cannot set up the HTTP client: {}",
            chain(&error.without_url())
        ))
    })?;
    Ok(Wire { http, proxy: info })
}

/// The HTTP client replaces the address only of a host name, and the port only if the URL has none.
fn check_address(site: &Site, address: SocketAddr) -> Result<(), Error> {
    if site.is_address() {
        return Err(Error::build(format!(
            "cannot connect to {address} for {}: `connect_to` replaces the lookup of a host name, but the URL contains \
             an address; put {address} or the site's host name into the URL",
            site.host
        )));
    }
    let default = if site.https { 443 } else { 80 };
    if site.port != default && address.port() != site.port {
        return Err(Error::build(format!(
            "cannot connect to port {} for a URL with port {}; leave the port out of the URL",
            address.port(),
            site.port
        )));
    }
    Ok(())
}

/// The text of an error and its causes: reqwest keeps the useful part ("connection refused", "certificate expired") in
/// the sources.
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

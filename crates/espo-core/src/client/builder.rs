use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Client;
use crate::auth::{Auth, Authenticator};
use crate::error::Error;
use crate::hooks::Hook;
use crate::retry::RetryPolicy;
use crate::search::SearchEncoding;
use crate::transport::{
    Connecting, Engine, Observer, Proxy, RateLimit, Site, WireConfig, build_wire,
};

/// Settings of a [`Client`]; every one has a default that is fit for production.
#[must_use = "`build` makes the client"]
pub struct ClientBuilder {
    url: String,
    portal: Option<String>,
    auth: Auth,
    retry: RetryPolicy,
    timeout: Duration,
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_body: usize,
    max_url: usize,
    encoding: SearchEncoding,
    max_in_flight: Option<usize>,
    max_rate: Option<f64>,
    hooks: Vec<Arc<dyn Hook>>,
    proxy: Proxy,
    roots_pem: Vec<Vec<u8>>,
    gzip: bool,
    user_agent: String,
    observer: Option<Arc<Observer>>,
}

impl ClientBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            portal: None,
            auth: Auth::none(),
            retry: RetryPolicy::default(),
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            // Below Apache's default keep-alive of 5 s (nginx's is 75 s): a
            // connection that the server closes just as a write leaves is an
            // outcome that nobody can know.
            idle_timeout: Duration::from_secs(4),
            max_body: 64 << 20,
            max_url: 8_000,
            encoding: SearchEncoding::Json,
            max_in_flight: Some(64),
            max_rate: None,
            hooks: Vec::new(),
            proxy: Proxy::Environment,
            roots_pem: Vec::new(),
            gzip: true,
            user_agent: concat!("espo-core/", env!("CARGO_PKG_VERSION")).to_owned(),
            observer: None,
        }
    }

    /// Who the client is; nobody by default.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Speaks to a portal's API (`api/v1/portal-access/{id}`).
    pub fn portal(mut self, id: impl Into<String>) -> Self {
        self.portal = Some(id.into());
        self
    }

    /// When to try again; [`RetryPolicy::none`] for never.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Time for one attempt, from sending to the last byte; 60 s by default. For
    /// a streamed download it is the time between two pieces.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Time for a connection to come about, TLS included; 10 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long an unused connection is kept; 4 s by default. Keep it below the
    /// server's own keep-alive time.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Most bytes of an answer that are held in memory, after decompression;
    /// 64 MiB by default. Downloads as a stream have no limit.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Longest path and query, in bytes; 8,000 by default, just below what nginx
    /// takes. A longer one is an error before it is sent.
    pub fn max_url_length(mut self, bytes: usize) -> Self {
        self.max_url = bytes;
        self
    }

    /// How search parameters are written; see [`SearchEncoding`].
    pub fn search_encoding(mut self, encoding: SearchEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Most requests in flight at once, further ones wait; 64 by default, `None`
    /// for no cap. A load test sets it to what it means to offer, or to `None`.
    pub fn max_in_flight(mut self, max: impl Into<Option<usize>>) -> Self {
        self.max_in_flight = max.into();
        self
    }

    /// Sends at most this many requests a second, evenly spaced; no limit by default.
    pub fn max_rate(mut self, per_second: f64) -> Self {
        self.max_rate = Some(per_second);
        self
    }

    /// Adds a hook; several run in the order given.
    pub fn hook(mut self, hook: impl Hook + 'static) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Goes through this proxy (`http://`, `https://`), user and password in the
    /// URL. By default the environment decides (`HTTPS_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Goes through no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Trusts these certificates (PEM, one or several) beside the system's own.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots_pem.push(pem.into());
        self
    }

    /// Whether answers may come compressed; true by default. A load test that
    /// counts bytes may not want it.
    pub fn gzip(mut self, yes: bool) -> Self {
        self.gzip = yes;
        self
    }

    /// What the client calls itself; `espo-core/VERSION` by default.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// Calls `observer` for every connection that is opened or fails to open, and says how long that took. Requests
    /// on connections that are open already cost nothing. Called where the connection is made: it must not block.
    pub fn on_connect(mut self, observer: impl Fn(&Connecting) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    /// When the URL, a credential, a certificate, the proxy or a limit is not
    /// usable; the message says which.
    pub fn build(self) -> Result<Client, Error> {
        let site = Site::parse(&self.url, self.portal.as_deref())?;
        let rate = match self.max_rate {
            None => None,
            Some(rate) => Some(RateLimit::new(rate).ok_or_else(|| {
                Error::build("the rate limit must be a number of requests a second above zero")
            })?),
        };
        if self.max_in_flight == Some(0) {
            return Err(Error::build(
                "a cap of zero requests in flight sends nothing",
            ));
        }
        let http = build_wire(WireConfig {
            https: site.https,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            proxy: self.proxy,
            roots_pem: self.roots_pem,
            gzip: self.gzip,
            user_agent: self.user_agent,
            observer: self.observer,
        })?;
        Ok(Client {
            engine: Arc::new(Engine {
                http,
                auth: Authenticator::new(&self.auth)?,
                site,
                retry: self.retry,
                timeout: self.timeout,
                max_body: self.max_body,
                max_url: self.max_url,
                encoding: self.encoding,
                in_flight: self
                    .max_in_flight
                    .map(|max| Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)))),
                rate,
                hooks: self.hooks,
            }),
        })
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("auth", &self.auth)
            .field("retry", &self.retry)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio::sync::Semaphore;

use super::Client;
use crate::auth::{Auth, Authenticator, basic};
use crate::error::Error;
use crate::hooks::Hook;
use crate::retry::RetryPolicy;
use crate::search::SearchEncoding;
use crate::transport::{
    Connecting, Engine, Identity, Observer, ProxyChoice, RateLimit, Site, TlsBackend, Wire,
    WireConfig, build_wire,
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
    proxy: ProxyChoice,
    connect_to: Option<SocketAddr>,
    tls_backend: Option<TlsBackend>,
    roots_pem: Vec<Vec<u8>>,
    identity: Option<Identity>,
    headers: HeaderMap,
    /// The first setting that cannot be used, reported by `build` so that calls chain.
    fault: Option<String>,
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
            proxy: ProxyChoice::Environment,
            connect_to: None,
            tls_backend: None,
            roots_pem: Vec::new(),
            identity: None,
            headers: HeaderMap::new(),
            fault: None,
            gzip: true,
            user_agent: concat!("espo-core/", env!("CARGO_PKG_VERSION")).to_owned(),
            observer: None,
        }
    }

    /// The credentials; defaults to none.
    pub fn auth(mut self, auth: impl Into<Auth>) -> Self {
        self.auth = auth.into();
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

    /// Sends a header with every request, the login included: the token of a gateway in front of EspoCRM, for example.
    /// A header of a single request replaces it. An invalid name or value, or a header that the authentication scheme
    /// sets itself, is an error of [`ClientBuilder::build`].
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(mut value)) => {
                // It may be a secret.
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            (Ok(name), Err(_)) => self.fail(format!("invalid value of header `{name}`")),
            (Err(_), _) => self.fail("invalid header name".to_owned()),
        }
        self
    }

    /// Sends `Authorization: Basic` with every request, for a gateway in front of EspoCRM that demands it. EspoCRM's
    /// own credentials have to travel in another header: all schemes but [`Auth::basic`] and [`Auth::bearer`] do.
    pub fn gateway_basic_auth(self, user: &str, password: impl Into<SecretString>) -> Self {
        let value = format!("Basic {}", basic(user, password.into().expose_secret()));
        self.header(header::AUTHORIZATION, value)
    }

    /// Connects through this proxy (`http://`, `https://`, `socks5://`, `socks5h://`), with user and password in the
    /// URL.
    ///
    /// Defaults to the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), which is ignored for sites on
    /// this machine (`localhost`, `127.0.0.1` …). [`Client::proxy`] returns the proxy that is used.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::Url(url.into());
        self
    }

    /// Uses no proxy, regardless of the environment.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Direct;
        self
    }

    /// Connects to this address instead of looking up the host of the URL; the `Host` header, TLS's server name and the
    /// certificate check still use the URL. For one of several servers behind a name, or a name that is not in DNS yet.
    /// Proxies of the environment are ignored.
    ///
    /// The URL must have a host name; its port must be the default one, or that of the address.
    pub fn connect_to(mut self, address: SocketAddr) -> Self {
        self.connect_to = Some(address);
        self
    }

    /// Selects the TLS implementation. Defaults to rustls if the feature `rustls` is enabled, else to the one of the
    /// feature `native-tls`.
    pub fn tls_backend(mut self, backend: TlsBackend) -> Self {
        self.tls_backend = Some(backend);
        self
    }

    /// Trusts these certificates (PEM, one or several) in addition to the system's: a private CA.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots_pem.push(pem.into());
        self
    }

    /// Authenticates the connection with a client certificate (mutual TLS): the certificate followed by its
    /// intermediates, and the private key, both as PEM. One PEM file that contains both can be passed twice.
    pub fn client_certificate(
        mut self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: impl Into<Vec<u8>>,
    ) -> Self {
        self.identity = Some(Identity {
            chain_pem: chain_pem.into(),
            key_pem: SecretSlice::from(key_pem.into()),
        });
        self
    }

    /// Whether to accept compressed responses; defaults to true. A load test that counts bytes may not want it. Without
    /// the Cargo feature `gzip`, responses are never compressed.
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

    fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
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
        if let Some(fault) = self.fault {
            return Err(Error::build(fault));
        }
        let auth = Authenticator::new(&self.auth)?;
        if let Some(name) = auth.conflict(&self.headers) {
            return Err(Error::build(format!(
                "the header `{name}` is set by `header` or `gateway_basic_auth` and by the authentication scheme; use a \
                 scheme that sends another header (`Auth::password`, `Auth::api_key`, `Auth::hmac`)"
            )));
        }
        let Wire { http, proxy } = build_wire(
            &site,
            WireConfig {
                connect_timeout: self.connect_timeout,
                idle_timeout: self.idle_timeout,
                proxy: self.proxy,
                connect_to: self.connect_to,
                tls_backend: self.tls_backend,
                roots_pem: self.roots_pem,
                identity: self.identity,
                headers: self.headers,
                gzip: self.gzip,
                user_agent: self.user_agent,
                observer: self.observer,
            },
        )?;
        Ok(Client {
            engine: Arc::new(Engine {
                http,
                proxy,
                auth,
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

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

/// Settings of a [`Client`]. All of them have defaults that are suitable for production.
#[must_use = "`build` creates the client"]
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
    /// The first invalid setting; `build` reports it, so that calls can be chained.
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
            // Below Apache's default keep-alive of 5 s (nginx's is 75 s): if the server closes a connection just as a
            // write is sent, the outcome of the write is unknown.
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

    /// Sets the credentials; defaults to none.
    pub fn auth(mut self, auth: impl Into<Auth>) -> Self {
        self.auth = auth.into();
        self
    }

    /// Uses a portal's API (`api/v1/portal-access/{id}`).
    pub fn portal(mut self, id: impl Into<String>) -> Self {
        self.portal = Some(id.into());
        self
    }

    /// Sets when to retry; [`RetryPolicy::none`] disables retries.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the timeout of one attempt, from sending to the last byte; defaults to 60 s. For a streamed download it
    /// limits the time between two chunks.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sets the timeout for establishing a connection, including TLS; defaults to 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets how long an idle connection is kept; defaults to 4 s. Keep it below the server's keep-alive time.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Sets the maximum size of a response in memory, in bytes after decompression; defaults to 64 MiB. Streamed
    /// downloads have no limit.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the maximum length of path and query, in bytes; defaults to 8,000, just below nginx's limit. A longer one
    /// is an error, and nothing is sent.
    pub fn max_url_length(mut self, bytes: usize) -> Self {
        self.max_url = bytes;
        self
    }

    /// Sets how search parameters are encoded; see [`SearchEncoding`].
    pub fn search_encoding(mut self, encoding: SearchEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets the maximum number of requests in flight, beyond which requests wait; defaults to 64, `None` for no limit.
    /// A load test sets it to its target concurrency or to `None`.
    pub fn max_in_flight(mut self, max: impl Into<Option<usize>>) -> Self {
        self.max_in_flight = max.into();
        self
    }

    /// Sends at most this many requests per second, evenly spaced; defaults to no limit.
    pub fn max_rate(mut self, per_second: f64) -> Self {
        self.max_rate = Some(per_second);
        self
    }

    /// Adds a hook. Hooks run in the order in which they were added.
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
                // The value may be a secret, so it is not part of the message.
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            (Ok(name), Err(_)) => self.fail(format!("invalid value of header `{name}`")),
            (Err(_), _) => self.fail("invalid header name".to_owned()),
        }
        self
    }

    /// Sends `Authorization: Basic` with every request, for a gateway in front of EspoCRM that requires it. EspoCRM's
    /// own credentials must then use another header: all schemes except [`Auth::basic`] and [`Auth::bearer`] do.
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

    /// Connects to this address instead of looking up the host name in the URL; the `Host` header, TLS's server name
    /// and the certificate check still use the URL. Use it to reach one of several servers behind a name, or a name
    /// that is not in DNS yet. Proxies of the environment are ignored.
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

    /// Trusts these certificates (PEM, one or several) in addition to the system's, for example the certificate of a
    /// private CA.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots_pem.push(pem.into());
        self
    }

    /// Authenticates the connection with a client certificate (mutual TLS): the certificate followed by its
    /// intermediate certificates, and the private key, both as PEM. One PEM file that contains both can be passed
    /// twice.
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

    /// Sets whether to accept compressed responses; defaults to true. Disable it in a load test that counts bytes.
    /// Without the Cargo feature `gzip`, responses are never compressed.
    pub fn gzip(mut self, yes: bool) -> Self {
        self.gzip = yes;
        self
    }

    /// Sets the `User-Agent` header; defaults to `espo-core/VERSION`.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// Calls `observer` for every connection that is opened or fails to open, with the time that it took. Requests on
    /// existing connections are not affected. The observer runs on the task that connects and must not block.
    #[doc(hidden)]
    pub fn on_connect(mut self, observer: impl Fn(&Connecting) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    /// Fails if the URL, a credential, a certificate, the proxy or a limit is invalid; the message names it.
    pub fn build(self) -> Result<Client, Error> {
        let site = Site::parse(&self.url, self.portal.as_deref())?;
        let rate = match self.max_rate {
            None => None,
            Some(rate) => Some(RateLimit::new(rate).ok_or_else(|| {
                Error::build("invalid rate limit: expected a number of requests per second greater than zero")
            })?),
        };
        if self.max_in_flight == Some(0) {
            return Err(Error::build(
                "invalid limit of requests in flight: expected at least 1, or `None` for no limit",
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
        auth.secrets().add_headers(&self.headers);
        if let ProxyChoice::Url(url) = &self.proxy
            && let Ok(url) = url::Url::parse(url)
            && let Some(password) = url.password()
        {
            let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            auth.secrets()
                .add_password(url.username(), &plain.as_ref().into());
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

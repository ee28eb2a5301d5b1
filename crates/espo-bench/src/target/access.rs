//! Access to the target: proxy, headers, certificates and address.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use espo_core::ClientBuilder;
use espo_core::auth::Redactor;

use crate::error::{Error, Result};

/// How connections reach the target, in addition to its URL. Neither `Debug` nor a report shows a secret.
#[derive(Clone, Default)]
pub struct Access {
    headers: Vec<(String, String)>,
    root_certificates: Vec<(PathBuf, Vec<u8>)>,
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    gateway_user: Option<(String, String)>,
    connect_to: Option<SocketAddr>,
    proxy: Proxy,
    timeout: Option<Duration>,
}

#[derive(Clone, Default)]
enum Proxy {
    #[default]
    Environment,
    None,
    Url(String),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("headers", &self.header_names())
            .field("root_certificates", &self.root_certificates.len())
            .field("client_certificate", &self.client_certificate.is_some())
            .field("connect_to", &self.connect_to)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Sends a header with every request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends a header with the value of an environment variable, written as `NAME=VARIABLE`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] if the text has another format or the variable is not set.
    pub fn header_from_env(self, text: &str) -> Result<Self> {
        let (name, variable) = text
            .split_once('=')
            .filter(|(name, variable)| !name.is_empty() && !variable.is_empty())
            .ok_or_else(|| {
                Error::usage(format!(
                    "invalid header `{text}`: expected NAME=VARIABLE with the name of an environment variable"
                ))
            })?;
        let value = variable_value(variable)?;
        Ok(self.header(name, value))
    }

    /// Authenticates at a gateway in front of EspoCRM with `user:password` from an environment variable.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] if the variable is not set or has no colon.
    pub fn gateway_auth_from_env(mut self, variable: &str) -> Result<Self> {
        let value = variable_value(variable)?;
        let (user, password) = value.split_once(':').ok_or_else(|| {
            Error::usage(format!(
                "invalid value of the environment variable {variable}: expected user:password"
            ))
        })?;
        self.gateway_user = Some((user.to_owned(), password.to_owned()));
        Ok(self)
    }

    /// Trusts the certificates in a PEM file in addition to the system's.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be read.
    pub fn root_certificate(mut self, path: &Path) -> Result<Self> {
        self.root_certificates.push((path.to_owned(), read(path)?));
        Ok(self)
    }

    /// Authenticates connections with a client certificate: PEM files of the certificate chain and the private key,
    /// which may be one file.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if a file cannot be read.
    pub fn client_certificate(mut self, chain: &Path, key: &Path) -> Result<Self> {
        self.client_certificate = Some((read(chain)?, read(key)?));
        Ok(self)
    }

    /// Connects to this address instead of looking up the host name in the URL.
    #[must_use]
    pub fn connect_to(mut self, address: SocketAddr) -> Self {
        self.connect_to = Some(address);
        self
    }

    /// Connects through this proxy.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Ignores the proxy set in the environment.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Sets the timeout of a request of [`init`](crate::init) and [`clean`](crate::clean); defaults to 60 s. A load has
    /// [`RunOptions::timeout`](crate::RunOptions::timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(60))
    }

    /// Returns the names of the additional headers, for the report.
    pub(crate) fn header_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.headers.iter().map(|(name, _)| name.clone()).collect();
        if self.gateway_user.is_some() {
            names.push("Authorization".into());
        }
        names
    }

    /// Adds the values of headers, and the passwords of gateway and proxy.
    pub(crate) fn add_secrets(&self, mut redactor: Redactor) -> Redactor {
        for (_, value) in &self.headers {
            redactor = redactor.secret(value);
        }
        if let Some((user, password)) = &self.gateway_user {
            redactor = redactor.password(user, password);
        }
        if let Proxy::Url(url) = &self.proxy
            && let Ok(url) = url::Url::parse(url)
            && let Some(password) = url.password()
        {
            redactor = redactor.password(url.username(), password);
        }
        redactor
    }

    /// Returns whether connections stay on this machine if the URL's host is this machine.
    pub(crate) fn stays_here(&self) -> bool {
        let elsewhere = self.connect_to.is_some_and(|a| !a.ip().is_loopback());
        !elsewhere && !matches!(self.proxy, Proxy::Url(_))
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.connect_to
    }

    /// Returns the PEM texts of the additional roots, and of the client certificate with its key.
    pub(crate) fn pem(&self) -> (Vec<&[u8]>, Option<(&[u8], &[u8])>) {
        let roots = self.root_certificates.iter().map(|(_, pem)| pem.as_slice());
        let identity = self.client_certificate.as_ref();
        (
            roots.collect(),
            identity.map(|(chain, key)| (chain.as_slice(), key.as_slice())),
        )
    }

    pub(crate) fn apply(&self, mut builder: ClientBuilder) -> ClientBuilder {
        for (name, value) in &self.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        if let Some((user, password)) = &self.gateway_user {
            builder = builder.gateway_basic_auth(user, password.clone());
        }
        for (_, pem) in &self.root_certificates {
            builder = builder.root_certificate(pem.clone());
        }
        if let Some((chain, key)) = &self.client_certificate {
            builder = builder.client_certificate(chain.clone(), key.clone());
        }
        if let Some(address) = self.connect_to {
            builder = builder.connect_to(address);
        }
        match &self.proxy {
            Proxy::Environment => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::Url(url) => builder.proxy(url.clone()),
        }
    }
}

fn variable_value(variable: &str) -> Result<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Error::usage(format!("the environment variable {variable} is not set")))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::reading(path))
}

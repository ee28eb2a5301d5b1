//! Options for access to the target: headers, certificates and proxies.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use espo_bench::{Access, Result, parse_positive_duration};

#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct AccessArgs {
    /// Send a header with every request; its value is read from an environment variable, for example
    /// 'CF-Access-Client-Id=CF_ID'. Repeatable.
    #[arg(long, value_name = "NAME=VARIABLE")]
    header_env: Vec<String>,
    /// Authenticate at a gateway in front of EspoCRM (HTTP Basic) with user:password from an environment variable.
    #[arg(long, value_name = "VARIABLE")]
    gateway_auth_env: Option<String>,
    /// Trust the certificates in a PEM file, in addition to the system's. Repeatable.
    #[arg(long, value_name = "FILE")]
    ca_certificate: Vec<PathBuf>,
    /// Authenticate with a client certificate: PEM file with the certificate and its intermediate certificates.
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// PEM file with the client certificate's private key. Defaults to the certificate file.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// Timeout of a request.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "60s")]
    pub(crate) timeout: Duration,
    /// Connect to this address and port instead of looking up the host name in the URL.
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "proxy")]
    connect_to: Option<SocketAddr>,
    /// Connect through this proxy. Defaults to the environment variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
    /// NO_PROXY, which are ignored for loopback addresses.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Ignore the proxy set in the environment.
    #[arg(long, conflicts_with = "proxy")]
    no_proxy: bool,
}

fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    let expected = "expected an IP address and a port, such as 192.0.2.7:443 or [2001:db8::7]:443";
    text.trim().parse().map_err(|_| expected.to_owned())
}

/// Returns the URL from the option or the environment variable.
pub(crate) fn instance_url(option: Option<&String>) -> Option<String> {
    let from_environment = || std::env::var("ESPO_URL").ok();
    // CI systems set variables without a value.
    let is_given = |url: &String| !url.is_empty();
    let option = option.cloned().filter(is_given);
    option.or_else(|| from_environment().filter(is_given))
}

impl AccessArgs {
    /// Returns the files that the options name.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let client = self.client_certificate.iter().chain(&self.client_key);
        self.ca_certificate.iter().chain(client)
    }

    /// Warns about TLS options that have no effect for this URL.
    pub(crate) fn note_unused(&self, url: &str) {
        let is_https = |url: &str| {
            url.get(..6)
                .is_some_and(|s| s.eq_ignore_ascii_case("https:"))
        };
        // The certificate of a proxy is verified too.
        if is_https(url) || self.proxy.as_deref().is_some_and(is_https) {
            return;
        }
        let given = [
            ("--ca-certificate", !self.ca_certificate.is_empty()),
            ("--client-certificate", self.client_certificate.is_some()),
        ];
        for (option, _) in given.iter().filter(|(_, is_given)| *is_given) {
            espo_stdio::note!("warning: {option} has no effect: the URL is not https");
        }
    }

    pub(crate) fn access(&self) -> Result<Access> {
        let mut access = Access::default().timeout(self.timeout);
        for text in &self.header_env {
            access = access.header_from_env(text)?;
        }
        if let Some(variable) = &self.gateway_auth_env {
            access = access.gateway_auth_from_env(variable)?;
        }
        for path in &self.ca_certificate {
            access = access.root_certificate(path)?;
        }
        if let Some(chain) = &self.client_certificate {
            access = access.client_certificate(chain, self.client_key.as_ref().unwrap_or(chain))?;
        }
        if let Some(address) = self.connect_to {
            access = access.connect_to(address);
        }
        if let Some(url) = &self.proxy {
            access = access.proxy(url);
        }
        Ok(if self.no_proxy {
            access.no_proxy()
        } else {
            access
        })
    }
}

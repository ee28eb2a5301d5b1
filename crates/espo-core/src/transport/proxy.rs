//! The choice of the proxy for the client's connections.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Site;
use crate::error::Error;

/// The caller's setting.
#[derive(Clone, Default)]
pub(crate) enum ProxyChoice {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, and the system's settings on macOS and Windows.
    #[default]
    Environment,
    Direct,
    Url(String),
}

/// The proxy that a client's connections go through; see [`Client::proxy`](crate::Client::proxy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyInfo {
    url: String,
    source: ProxySource,
    has_credentials: bool,
}

/// Where the proxy was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxySource {
    /// [`ClientBuilder::proxy`](crate::ClientBuilder::proxy).
    Builder,
    /// A variable such as `HTTPS_PROXY`, or the system's settings.
    Environment,
}

impl ProxyInfo {
    /// Returns scheme, host and port, without credentials: `http://proxy.example.com:3128`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    /// Where the proxy was set.
    pub fn source(&self) -> ProxySource {
        self.source
    }
}

impl fmt::Display for ProxyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match self.source {
            ProxySource::Builder => Ok(()),
            ProxySource::Environment => f.write_str(" (from the environment)"),
        }
    }
}

/// A proxy in the HTTP client's form and in a form without credentials.
pub(crate) struct Route {
    pub(crate) info: ProxyInfo,
    pub(crate) proxy: reqwest::Proxy,
}

/// Resolves the setting once: a client connects to one site only, so the proxy is the same for all its requests. As in
/// Go and curl, variables are ignored for a site on this machine. They are also ignored if the address is set by
/// `connect_to`.
pub(crate) fn resolve(
    choice: &ProxyChoice,
    site: &Site,
    address_given: bool,
) -> Result<Option<Route>, Error> {
    let (matcher, source) = match choice {
        ProxyChoice::Direct => return Ok(None),
        ProxyChoice::Environment if address_given || site.is_loopback() => return Ok(None),
        ProxyChoice::Environment => (Matcher::from_system(), ProxySource::Environment),
        ProxyChoice::Url(_) if address_given => {
            return Err(Error::build(
                "`connect_to` and `proxy` cannot be combined: the proxy resolves the host; remove one of them",
            ));
        }
        ProxyChoice::Url(url) => (
            Matcher::builder().all(url.as_str()).build(),
            ProxySource::Builder,
        ),
    };
    // The text of a parser's error could repeat the URL, which may contain a password.
    let invalid = || {
        Error::build(
            "invalid proxy URL: expected http://, https://, socks5:// or socks5h://, a host and a port",
        )
    };
    if source == ProxySource::Environment
        && is_exempt(site, &exceptions(|name| std::env::var(name).ok()))
    {
        return Ok(None);
    }
    let found = site
        .base
        .parse()
        .ok()
        .and_then(|uri| matcher.intercept(&uri));
    if source == ProxySource::Environment
        && let Some(variable) = invalid_variable(site, |name| std::env::var(name).ok())
    {
        return Err(Error::build(format!(
            "invalid proxy URL in the environment variable {variable}: expected http://, https://, socks5:// or \
             socks5h://, a host and a port; correct it, unset it, or name the host in the variable NO_PROXY"
        )));
    }
    let Some(found) = found else {
        return match source {
            ProxySource::Builder => Err(invalid()),
            ProxySource::Environment => Ok(None),
        };
    };
    let uri = found.uri();
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(invalid());
    };
    let shown = format!("{scheme}://{authority}");
    let mut url = Url::parse(&shown).map_err(|_| invalid())?;
    if let Some((user, password)) = found.raw_auth() {
        url.set_username(user).map_err(|()| invalid())?;
        url.set_password(Some(password)).map_err(|()| invalid())?;
    }
    let mut proxy = reqwest::Proxy::all(url).map_err(|_| invalid())?;
    if let Some(value) = found.basic_auth() {
        proxy = proxy.custom_http_auth(value.clone());
    }
    Ok(Some(Route {
        info: ProxyInfo {
            url: shown,
            source,
            has_credentials: found.basic_auth().is_some() || found.raw_auth().is_some(),
        },
        proxy,
    }))
}

/// Returns the first variable that is set, with its value, unless that is empty.
fn first(
    names: [&'static str; 2],
    variable: impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    let mut set = names
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)));
    set.next().filter(|(_, value)| !value.trim().is_empty())
}

fn exceptions(variable: impl Fn(&str) -> Option<String>) -> String {
    first(["NO_PROXY", "no_proxy"], variable).map_or_else(String::new, |(_, value)| value)
}

/// Returns whether `NO_PROXY` names the site, in any form that curl, Go or Python accept: besides the hosts, domains,
/// addresses and networks that the matcher knows, `*` for all, `host:port`, `*.domain`, names with a final dot,
/// addresses in brackets, and entries separated by spaces.
fn is_exempt(site: &Site, exceptions: &str) -> bool {
    let host = |entry: &str| -> Option<String> {
        let entry = entry.strip_prefix("*.").unwrap_or(entry);
        let (name, port) = match entry.rsplit_once(':') {
            // More colons without brackets belong to an IPv6 address.
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
            _ => (entry, None),
        };
        let is_other_port = port.is_some_and(|port| port.parse() != Ok(site.port));
        let name = name.trim_start_matches('[').trim_end_matches(']');
        (!is_other_port).then(|| name.trim_end_matches('.').to_owned())
    };
    let mut entries = exceptions
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty());
    if entries.clone().any(|entry| entry == "*") {
        return true;
    }
    let names: Vec<String> = entries.by_ref().filter_map(host).collect();
    let url = format!("http://{}", site.host.trim_end_matches('.'));
    let matcher = Matcher::builder()
        .all("http://proxy.invalid:1")
        .no(names.join(","))
        .build();
    url.parse()
        .is_ok_and(|uri| matcher.intercept(&uri).is_none())
}

/// Returns the variable whose value is not a proxy although it applies to the site. The matcher ignores such a value,
/// so that requests would silently be sent directly.
fn invalid_variable(
    site: &Site,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<&'static str> {
    if variable("REQUEST_METHOD").is_some() {
        // In a CGI program, HTTP_PROXY comes from a header of the request, so the matcher ignores all variables.
        return None;
    }
    let uri: http::Uri = site.base.parse().ok()?;
    // As in the matcher: the name in upper case takes precedence, and so does the variable for one scheme over the one
    // for all schemes.
    let of_scheme = match uri.scheme_str() {
        Some("https") => first(["HTTPS_PROXY", "https_proxy"], &variable),
        _ => first(["HTTP_PROXY", "http_proxy"], &variable),
    };
    let (name, url) = of_scheme.or_else(|| first(["ALL_PROXY", "all_proxy"], &variable))?;
    let is_used = || {
        Matcher::builder()
            .all(url)
            .build()
            .intercept(&uri)
            .is_some()
    };
    (!is_exempt(site, &exceptions(&variable)) && !is_used()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_variables_are_named_if_they_apply() {
        for (site, variables, expected) in [
            (
                "http://crm",
                &[("HTTP_PROXY", ":::")][..],
                Some("HTTP_PROXY"),
            ),
            (
                "http://crm",
                &[("http_proxy", "ftp://p:1")],
                Some("http_proxy"),
            ),
            ("https://crm", &[("HTTP_PROXY", ":::")], None),
            (
                "https://crm",
                &[("HTTPS_PROXY", "http://")],
                Some("HTTPS_PROXY"),
            ),
            (
                "https://crm",
                &[("ALL_PROXY", "zzz://u:p@127.0.0.1:1")],
                Some("ALL_PROXY"),
            ),
            (
                "http://crm",
                &[("HTTP_PROXY", "http://p:1"), ("ALL_PROXY", ":::")],
                None,
            ),
            (
                "http://crm",
                &[("HTTP_PROXY", ":::"), ("ALL_PROXY", "http://p:1")],
                Some("HTTP_PROXY"),
            ),
            (
                "http://crm",
                &[("HTTP_PROXY", ":::"), ("NO_PROXY", "crm")],
                None,
            ),
            (
                "http://crm",
                &[("HTTP_PROXY", ":::"), ("no_proxy", "*")],
                None,
            ),
            (
                "http://crm",
                &[("HTTP_PROXY", ":::"), ("REQUEST_METHOD", "GET")],
                None,
            ),
            (
                "http://crm",
                &[("HTTP_PROXY", " "), ("http_proxy", "")],
                None,
            ),
            ("http://crm", &[("HTTP_PROXY", "p:3128")], None),
            (
                "http://crm",
                &[("HTTP_PROXY", "socks5h://u:p@p:1080")],
                None,
            ),
            ("http://crm", &[], None),
        ] {
            let value = |name: &str| {
                let found = variables.iter().find(|(n, _)| *n == name)?;
                Some(found.1.to_owned())
            };
            assert_eq!(
                invalid_variable(&Site::parse(site, None).unwrap(), value),
                expected,
                "{site} {variables:?}"
            );
        }
    }

    #[test]
    fn exceptions_have_the_forms_of_curl_and_go() {
        const IP: &str = "http://192.0.2.7:8080";
        for (site, exceptions, expected) in [
            (IP, "*", true),
            (IP, "a.example, *", true),
            (IP, " * ", true),
            (IP, "192.0.2.7", true),
            (IP, "192.0.2.0/24", true),
            (IP, "0.0.0.0/0", true),
            (IP, "192.0.2.7:8080", true),
            (IP, "192.0.2.7:80", false),
            (IP, "a.example 192.0.2.7", true),
            (IP, "192.0.2.8", false),
            (IP, "2.7", false),
            (IP, "", false),
            (IP, " , ,", false),
            (IP, "192.0.2.7:port", false),
            ("http://[2001:db8::7]:8080", "2001:db8::7", true),
            ("http://[2001:db8::7]:8080", "[2001:db8::7]", true),
            ("http://[2001:db8::7]:8080", "[2001:db8::7]:8080", true),
            ("http://[2001:db8::7]:8080", "[2001:db8::7]:80", false),
            ("http://[2001:db8::7]:8080", "2001:db8::/32", true),
            ("https://crm.example.com", "crm.example.com", true),
            ("https://crm.example.com", "CRM.Example.COM", true),
            ("https://crm.example.com", "crm.example.com.", true),
            ("https://crm.example.com.", "crm.example.com", true),
            ("https://crm.example.com", "crm.example.com:443", true),
            ("https://crm.example.com", "crm.example.com:8443", false),
            ("https://crm.example.com", "example.com", true),
            ("https://crm.example.com", ".example.com", true),
            ("https://crm.example.com", "*.example.com", true),
            ("https://crm.example.com", "*.example.com:443", true),
            ("https://crm.example.com", "ample.com", false),
            ("https://crm.example.com", "com.", true),
            ("https://crm.example.com", "192.0.2.0/24", false),
            ("https://crm.example.com", "*crm", false),
        ] {
            let site = Site::parse(site, None).unwrap();
            assert_eq!(
                is_exempt(&site, exceptions),
                expected,
                "{} {exceptions:?}",
                site.base
            );
        }
    }

    fn explicit(url: &str) -> Result<Option<Route>, Error> {
        let site = Site::parse("http://127.0.0.1:8080", None).unwrap();
        resolve(&ProxyChoice::Url(url.to_owned()), &site, false)
    }

    #[test]
    fn explicit_proxies_are_used_for_loopback_too_and_shown_without_credentials() {
        for (url, shown) in [
            (
                "http://proxy.example.com:3128",
                "http://proxy.example.com:3128",
            ),
            ("proxy.example.com:3128", "http://proxy.example.com:3128"),
            ("https://bob:s3cret@proxy:8443", "https://proxy:8443"),
            (
                "socks5h://bob:s3cret@127.0.0.1:1080",
                "socks5h://127.0.0.1:1080",
            ),
        ] {
            let route = explicit(url).unwrap().unwrap();
            assert_eq!(route.info.to_string(), shown);
            assert!(!format!("{:?}", route.info).contains("s3cret"));
        }
        for url in ["", "ftp://proxy:21", "http://", "bob:s3cret@:9:9"] {
            let error = explicit(url).err().expect(url).to_string();
            assert!(
                error.contains("invalid proxy URL") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn proxies_and_given_addresses_cannot_be_combined() {
        let site = Site::parse("https://crm.example.com", None).unwrap();
        let choice = ProxyChoice::Url("http://proxy:3128".to_owned());
        assert!(resolve(&choice, &site, true).is_err());
        assert!(
            resolve(&ProxyChoice::Environment, &site, true)
                .unwrap()
                .is_none()
        );
    }
}

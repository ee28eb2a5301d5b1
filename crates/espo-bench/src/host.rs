//! Hosts of URLs.

use url::{Host, Url};

/// Returns the host of a URL, and whether it is this machine.
pub(crate) fn is_loopback(url: &str) -> Option<(String, bool)> {
    let parsed = Url::parse(url).ok()?;
    let (host, loopback) = match parsed.host()? {
        Host::Domain(name) => (
            name.to_owned(),
            name == "localhost" || name.ends_with(".localhost"),
        ),
        Host::Ipv4(ip) => (ip.to_string(), ip.is_loopback()),
        Host::Ipv6(ip) => (ip.to_string(), ip.is_loopback()),
    };
    Some((host, loopback))
}

/// Returns why a URL has no host, without its credentials.
pub(crate) fn invalid(url: &str) -> String {
    let shown = match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    };
    let why = match Url::parse(url) {
        _ if !url.contains("://") => {
            "the scheme is missing; start it with http:// or https://".to_owned()
        }
        Err(error) => error.to_string(),
        Ok(_) => "it has no host".to_owned(),
    };
    format!("invalid URL '{shown}': {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_urls_name_the_cause() {
        for (url, expected) in [
            ("127.0.0.1:9701", "the scheme is missing"),
            ("localhost:9701", "the scheme is missing"),
            ("http://127.0.0.1:99999", "invalid port number"),
            ("http://", "empty host"),
            ("file:///x", "it has no host"),
        ] {
            let said = invalid(url);
            assert!(said.contains(expected), "{said}");
        }
        let said = invalid("http://jane:secret@crm:99999");
        assert!(said.contains("…@crm") && !said.contains("secret"), "{said}");
    }

    #[test]
    fn loopback_addresses_are_recognised() {
        for (url, expected) in [
            ("http://localhost:8080/espo", Some(true)),
            ("http://LOCALHOST", Some(true)),
            ("http://crm.localhost", Some(true)),
            ("http://127.3.2.1", Some(true)),
            ("http://[::1]:80", Some(true)),
            ("http://localhost.example.com", Some(false)),
            ("http://127.0.0.1.example.com", Some(false)),
            ("http://127.0.0.1@example.com", Some(false)),
            ("http://192.0.2.1", Some(false)),
            ("no URL", None),
        ] {
            assert_eq!(is_loopback(url).map(|(_, is)| is), expected, "{url}");
        }
    }
}

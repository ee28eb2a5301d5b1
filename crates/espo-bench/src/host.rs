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

#[cfg(test)]
mod tests {
    use super::*;

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

use std::net::IpAddr;

use url::{Host, Url};

use crate::error::Error;

/// The API's base URL, resolved from any form of the site's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// From the scheme to the base path, without trailing slash: `https://crm.example.com/sub/api/v1`.
    pub(crate) base: String,
    /// `base`, parsed: a request's URL is built from it without parsing the host again.
    base_url: Url,
    /// The base's path: `/sub/api/v1`.
    pub(crate) base_path: String,
    pub(crate) origin: url::Origin,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) https: bool,
    host_kind: HostKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostKind {
    Name { loopback: bool },
    Address { loopback: bool },
}

impl HostKind {
    fn of(host: &Host<&str>) -> Self {
        match host {
            Host::Domain(name) => Self::Name {
                // RFC 6761: every name below `localhost` is this machine.
                loopback: {
                    let name = name.trim_end_matches('.');
                    name == "localhost" || name.ends_with(".localhost")
                },
            },
            Host::Ipv4(address) => Self::Address {
                loopback: is_local(IpAddr::V4(*address)),
            },
            Host::Ipv6(address) => Self::Address {
                loopback: is_local(IpAddr::V6(*address)),
            },
        }
    }
}

/// The unspecified address also reaches this machine.
fn is_local(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

impl Site {
    /// Parses a site's URL, with or without trailing slash, subdirectory, `/api/v1` or the browser's `#Account`.
    pub(crate) fn parse(text: &str, portal: Option<&str>) -> Result<Self, Error> {
        let url = Url::parse(text.trim()).map_err(|error| {
            Error::build(format!(
                "invalid site URL ({error}): expected a URL such as https://crm.example.com"
            ))
        })?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => {
                return Err(Error::build(format!(
                    "the site's URL must start with https:// or http://, not {other}:"
                )));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::build(
                "the site's URL contains credentials, which would appear in logs; set them with `auth`",
            ));
        }
        if url.query().is_some() {
            return Err(Error::build("the site's URL has a query string; remove it"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(Error::build("the site's URL has no host"));
        };
        let host_kind = url
            .host()
            .map_or(HostKind::Name { loopback: false }, |host| {
                HostKind::of(&host)
            });

        let mut path = url.path().trim_end_matches('/').to_owned();
        let mut portal = portal.map(str::to_owned);
        if let Some(at) = path.find("/api/v1") {
            let rest = &path[at + "/api/v1".len()..];
            match rest.strip_prefix("/portal-access/") {
                Some(id) if !id.contains('/') => portal = portal.or_else(|| Some(id.to_owned())),
                _ if rest.is_empty() => {}
                _ => {
                    return Err(Error::build(format!(
                        "invalid site URL: unexpected `{rest}` after /api/v1"
                    )));
                }
            }
            path.truncate(at);
        }
        path.push_str("/api/v1");
        if let Some(id) = portal {
            if id.is_empty()
                || !id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_=-".contains(&byte))
            {
                return Err(Error::build(format!("invalid portal ID `{id}`")));
            }
            path.push_str("/portal-access/");
            path.push_str(&id);
        }
        let origin = url.origin();
        let base = format!("{}{path}", origin.ascii_serialization());
        let base_url = Url::parse(&base)
            .map_err(|error| Error::build(format!("invalid site URL: {error}")))?;
        Ok(Self {
            base,
            base_url,
            base_path: path,
            origin,
            host: host.to_owned(),
            port,
            https,
            host_kind,
        })
    }

    /// Whether the site is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        matches!(
            self.host_kind,
            HostKind::Name { loopback: true } | HostKind::Address { loopback: true }
        )
    }

    /// Whether the URL has an IP address instead of a name.
    pub(crate) fn is_address(&self) -> bool {
        matches!(self.host_kind, HostKind::Address { .. })
    }

    /// The URL of a call: `path` and `query` percent-encoded, the path relative to the API's base. Resolved against the
    /// base, so that the host is not parsed again for every request.
    pub(crate) fn url(&self, path: &str, query: &str) -> Result<Url, url::ParseError> {
        let mut text = String::with_capacity(self.base_path.len() + path.len() + query.len() + 1);
        text.push_str(&self.base_path);
        text.push_str(path);
        if !query.is_empty() {
            text.push('?');
            text.push_str(query);
        }
        let base = Some(&self.base_url);
        Url::options().base_url(base).parse(&text)
    }

    /// The path after the API's base, if `url` belongs to this API.
    pub(crate) fn relative<'u>(&self, url: &'u Url) -> Option<&'u str> {
        if url.origin() != self.origin {
            return None;
        }
        let rest = url.path().strip_prefix(self.base_path.as_str())?;
        rest.starts_with('/').then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Site;

    #[test]
    fn all_forms_of_the_site_url_have_one_base() {
        for text in [
            "https://crm.example.com",
            "https://crm.example.com/",
            "https://crm.example.com:443/api/v1",
            " https://crm.example.com/api/v1/ ",
            "https://crm.example.com/#Account",
        ] {
            let site = Site::parse(text, None).unwrap();
            assert_eq!(site.base, "https://crm.example.com/api/v1", "{text}");
        }
        let sub = Site::parse("http://host:8080/crm/", None).unwrap();
        let url = sub
            .url(
                "/Account/a%20b%2Fc",
                "searchParams=%7B%22a%22:1%7D&x=%C3%A9",
            )
            .unwrap();
        assert_eq!(
            url.as_str(),
            "http://host:8080/crm/api/v1/Account/a%20b%2Fc?searchParams=%7B%22a%22:1%7D&x=%C3%A9"
        );
        assert_eq!(sub.base, "http://host:8080/crm/api/v1");
        assert_eq!(
            (sub.host.as_str(), sub.port, sub.https),
            ("host", 8080, false)
        );
        for (text, id) in [
            ("http://h/api/v1/portal-access/abc/", None),
            ("http://h", Some("abc")),
        ] {
            let portal = Site::parse(text, id).unwrap();
            assert_eq!(portal.base, "http://h/api/v1/portal-access/abc");
        }
        assert_eq!(
            Site::parse("http://[::1]:80/", None).unwrap().base,
            "http://[::1]/api/v1"
        );
    }

    #[test]
    fn sites_on_this_machine_are_recognised() {
        for (text, loopback) in [
            ("http://localhost:8080", true),
            ("http://LOCALHOST", true),
            ("http://crm.localhost/sub", true),
            ("http://localhost.", true),
            ("http://127.0.0.1", true),
            ("https://127.8.9.1", true),
            ("http://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://0.0.0.0:80", true),
            ("http://localhost.example.com", false),
            ("http://notlocalhost", false),
            ("http://128.0.0.1", false),
            ("http://[2001:db8::1]", false),
        ] {
            assert_eq!(
                Site::parse(text, None).unwrap().is_loopback(),
                loopback,
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_sites_are_rejected_without_showing_passwords() {
        for (text, why) in [
            ("crm.example.com", "invalid site URL"),
            ("ftp://host", "must start with"),
            ("https://user:s3cret@host", "contains credentials"),
            ("https://host/?a=b", "query string"),
            ("https://host/api/v1/Account", "after /api/v1"),
        ] {
            let error = Site::parse(text, None).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("s3cret"));
        }
        assert!(Site::parse("http://h", Some("a/b")).is_err());
    }
}

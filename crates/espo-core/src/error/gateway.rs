//! Responses of a component in front of EspoCRM: a proxy, a gateway, a firewall, or a web server without the
//! application.

use std::borrow::Cow;

use http::header;

use super::{Answer, Error, Stage};

impl Error {
    /// Returns whether a proxy, gateway, firewall or bare web server responded instead of EspoCRM: a 401 with a realm
    /// or a scheme that EspoCRM does not use, a 407, or an HTML page where the API returns JSON.
    ///
    /// # Troubleshooting
    /// EspoCRM did not check its credentials. The message contains the remedy for each case. Set credentials of a
    /// gateway with [`ClientBuilder::gateway_basic_auth`](crate::ClientBuilder::gateway_basic_auth), other headers with
    /// [`ClientBuilder::header`](crate::ClientBuilder::header) and client certificates with
    /// [`ClientBuilder::client_certificate`](crate::ClientBuilder::client_certificate).
    pub fn is_gateway(&self) -> bool {
        let Some(answer) = &self.0.answer else {
            return false;
        };
        match self.0.stage {
            Stage::Status => !answer.status.is_success() && is_foreign(answer),
            Stage::Decode => is_page(answer),
            _ => false,
        }
    }

    /// Advice for the response of a gateway.
    pub(super) fn gateway_advice(&self) -> Option<Cow<'static, str>> {
        if !self.is_gateway() {
            return None;
        }
        let answer = self.0.answer.as_ref()?;
        let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
        Some(match answer.status.as_u16() {
            401 => format!(
                "a gateway in front of EspoCRM requires authentication{}; EspoCRM's credentials were not checked; \
                 configure separate credentials for the gateway: HTTP Basic, a header or a client certificate",
                realm(answer).map_or_else(String::new, |realm| format!(" (realm {realm:?})"))
            )
            .into(),
            _ if answer.headers.contains_key("cf-mitigated") => {
                "Cloudflare requires a browser challenge; exclude the API's path from challenges, or send a header \
                 that bypasses them"
                    .into()
            }
            407 => "the proxy requires credentials; add user and password to its URL".into(),
            400 if text.contains("plain http request was sent to https port")
                || text.contains("speaking plain http to an ssl-enabled") =>
            {
                "the port speaks TLS; use https://".into()
            }
            413 => "the web server in front of EspoCRM rejects bodies of this size; raise its limit, or upload in \
                    smaller chunks"
                .into(),
            403 => "received an HTML page instead of EspoCRM's response: a proxy, gateway or firewall rejected the \
                    request; check its rules, and whether it requires separate credentials"
                .into(),
            502..=504 | 520..=524 => {
                let wait = self.wait_advice().map_or_else(String::new, |wait| format!("; {wait}"));
                format!(
                    "a proxy or gateway responded because it could not reach EspoCRM; check the web server and PHP behind it, \
                     and the proxy settings of this program{wait}"
                )
                .into()
            }
            200 if ["data-name=\"loader-params\"", "client/lib/espo"].iter().any(|mark| text.contains(mark)) => {
                "received EspoCRM's page for browsers instead of a response of its API: the path of the URL is wrong; use \
                 the address of the site, without `index.php` and without `#`"
                    .into()
            }
            _ => "received an HTML page instead of EspoCRM's response; check that the URL leads to EspoCRM and not to a \
                  proxy, a gateway or a login page"
                .into(),
        })
    }
}

/// Whether EspoCRM cannot have sent this response.
pub(crate) fn is_foreign(answer: &Answer) -> bool {
    match answer.status.as_u16() {
        // Every web server adds a page to its redirects.
        300..=399 => false,
        407 => true,
        401 => {
            let mut challenges = answer.headers.get_all(header::WWW_AUTHENTICATE).iter();
            challenges.any(|challenge| !is_of_espocrm(challenge.as_bytes())) || is_page(answer)
        }
        _ => is_page(answer),
    }
}

/// EspoCRM's only challenge is `Basic realm=""`.
fn is_of_espocrm(challenge: &[u8]) -> bool {
    let text = String::from_utf8_lossy(challenge).to_ascii_lowercase();
    match text.trim().strip_prefix("basic") {
        Some(rest) => {
            rest.trim().is_empty() || realm_of(rest).is_some_and(|realm| realm.is_empty())
        }
        None => text.trim().is_empty(),
    }
}

fn realm(answer: &Answer) -> Option<String> {
    let challenges = answer.headers.get_all(header::WWW_AUTHENTICATE).iter();
    challenges
        .filter_map(|challenge| challenge.to_str().ok())
        .filter_map(realm_of)
        .find(|realm| !realm.is_empty())
        .map(str::to_owned)
}

fn realm_of(challenge: &str) -> Option<&str> {
    let at = challenge.to_ascii_lowercase().find("realm=")? + "realm=".len();
    let rest = &challenge[at..];
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([',', ' ']).next(),
    }
}

/// EspoCRM sends JSON or nothing; a non-empty HTML body comes from another component.
fn is_page(answer: &Answer) -> bool {
    let is_html = answer
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| {
            kind.as_bytes()
                .to_ascii_lowercase()
                .starts_with(b"text/html")
        });
    let start = answer.body.trim_ascii_start();
    is_html && !start.is_empty() || starts_like_html(start)
}

fn starts_like_html(body: &[u8]) -> bool {
    let start = body.get(..14).unwrap_or(body).to_ascii_lowercase();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

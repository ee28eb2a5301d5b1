use std::borrow::Cow;

use super::body::rows_with_ids;
use super::{Error, Outcome, Stage};

impl Error {
    fn is_status(&self, status: u16) -> bool {
        self.0.stage == Stage::Status && self.status().is_some_and(|s| s.as_u16() == status)
    }

    /// Returns whether the record, entity type, link or route does not exist (404).
    ///
    /// # Troubleshooting
    /// A deleted record is a 404 for all users but administrators. An existing link returns 404 if one of the IDs to
    /// link does not exist. An entity type without a controller, or one that the metadata does not contain, is a 404
    /// too.
    pub fn is_not_found(&self) -> bool {
        self.is_status(404)
    }

    /// Returns whether the user is not allowed to do this (403).
    ///
    /// # Troubleshooting
    /// Give the API user a role for the scope and action, or the field. The server also returns 403 for a page size
    /// above the instance's limit (200), for setting a link to a record that does not exist ([`Error::message_label`]
    /// is then `cannotRelateNonExisting`), and for a locked-out address ([`Error::is_locked_out`]).
    pub fn is_forbidden(&self) -> bool {
        self.is_status(403)
    }

    /// Returns whether the address is locked out after too many failed logins: the server now returns 403 without
    /// reason and body to all clients at this address, valid keys included.
    ///
    /// # Troubleshooting
    /// Find and stop the program that sends wrong credentials from this address, then wait a minute
    /// (`authFailedAttemptsPeriod`). A bare 403 of a firewall looks the same.
    pub fn is_locked_out(&self) -> bool {
        let html = self
            .headers()
            .and_then(|headers| headers.get("content-type"))
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        self.is_status(403)
            && html
            && self.reason_bytes().is_none()
            && self.body().is_none_or(|body| body.is_empty())
    }

    /// Returns whether a field's value was rejected (400 with a validation body); [`Error::validation`] returns field
    /// and rule.
    ///
    /// # Troubleshooting
    /// Only the first failing field is reported. `required` for a create that sent the field means that the server did
    /// not receive the body (a proxy removed its content type), or that the attribute does not belong to the field.
    pub fn is_validation(&self) -> bool {
        self.validation().is_some()
    }

    /// Returns whether the record would duplicate another (409); [`Error::duplicates`] returns the existing records.
    ///
    /// # Troubleshooting
    /// Use one of the existing records, or create the record without the duplicate check
    /// (`X-Skip-Duplicate-Check: true`).
    pub fn is_duplicate(&self) -> bool {
        self.is_status(409)
            && (self.reason_bytes() == Some(b"duplicate")
                || self
                    .body()
                    .is_some_and(|body| rows_with_ids(body).is_some()))
    }

    /// Returns whether the server reports a conflict (409): a duplicate, a changed version, a locked record, or a
    /// conflict thrown by a script of the instance, whose reason and body are in the message.
    ///
    /// # Troubleshooting
    /// [`Error::is_duplicate`], [`Error::is_version_conflict`] and [`Error::is_locked`] identify EspoCRM's own
    /// conflicts; [`Error::reason`] and [`Error::body_json`] return the details of a script's conflict.
    pub fn is_conflict(&self) -> bool {
        self.is_status(409)
    }

    /// Returns whether the record is locked (409, since EspoCRM 10.0): it can be neither changed nor deleted.
    ///
    /// # Troubleshooting
    /// Unlock the record, which requires the permission to do so, or do not change it.
    pub fn is_locked(&self) -> bool {
        const LABELS: [&str; 2] = ["cannotModifyLockedRecord", "cannotRemoveLockedRecord"];
        self.is_status(409)
            && (self
                .reason()
                .is_some_and(|reason| LABELS.contains(&reason.as_ref()))
                || self
                    .message_label()
                    .is_some_and(|(label, _)| LABELS.contains(&label.as_str())))
    }

    /// Returns whether another user or client changed the record since it was read (409); [`Error::version_conflict`]
    /// returns the server's values.
    ///
    /// # Troubleshooting
    /// Read the record again, apply the change to its current state, and send the new version number.
    pub fn is_version_conflict(&self) -> bool {
        self.is_status(409) && !self.is_duplicate() && {
            self.reason_bytes() == Some(b"modified")
                || self
                    .body_json()
                    .is_some_and(|body| body.get("versionNumber").is_some())
        }
    }

    /// Returns whether EspoCRM rejected the credentials (401), now or earlier. False for the 401 of a gateway in
    /// front of it, which is [`Error::is_gateway`].
    ///
    /// # Troubleshooting
    /// Check that the user is active and that its authentication method is the one used: the key of an HMAC user is
    /// rejected as a plain API key, API users have no password, and servers before 8.4.1 require the raw HMAC digest.
    /// The client does not send rejected credentials again until `Client::forget_refusal` is called, since more than
    /// ten failures in a minute lock out the whole address.
    pub fn is_unauthorized(&self) -> bool {
        self.is_status(401) && !self.is_gateway()
    }

    /// Returns whether the password was correct and a second factor is required (401).
    ///
    /// # Troubleshooting
    /// Log in with a current code: `Client::log_in_with_code`. A program that cannot prompt for a code should use an
    /// API user, which has no second factor.
    pub fn is_second_factor_required(&self) -> bool {
        self.is_status(401) && self.reason_bytes() == Some(b"second-step-required")
    }

    /// Returns whether a rate limit in front of EspoCRM was exceeded (429).
    ///
    /// # Troubleshooting
    /// EspoCRM itself has no such limit; check the proxy or host. Set a rate limit on the client, or a lower limit of
    /// requests in flight.
    pub fn is_rate_limited(&self) -> bool {
        self.is_status(429)
    }

    /// Returns whether a timeout expired: while connecting, waiting for the response, or reading it.
    ///
    /// # Troubleshooting
    /// The outcome of a write is unknown; check before you retry. Raise the timeout of the client or the request for
    /// slow calls (mass actions, exports), or use their idle mode.
    pub fn is_timeout(&self) -> bool {
        self.0.timeout
    }

    /// Returns whether the response is larger than the client's limit.
    ///
    /// # Troubleshooting
    /// Request less data (page size, `select`), raise the limit, or download the response as a stream.
    pub fn is_too_large(&self) -> bool {
        self.0.too_large
    }

    /// Returns whether the response arrived but cannot be decoded into the expected type.
    ///
    /// # Troubleshooting
    /// [`Error::decode_fault`] returns the position. If it concerns an attribute, the generated code is older than the
    /// instance's metadata: generate it again. If the response is HTML, the URL does not lead to the API.
    pub fn is_decode(&self) -> bool {
        self.0.stage == Stage::Decode
    }

    /// Returns whether no connection could be established.
    ///
    /// # Troubleshooting
    /// Check host, port, DNS, proxy and the certificate; the message contains the cause. Nothing was sent. If
    /// [`Error::is_timeout`] is true as well, an earlier request that had to verify the credentials may not have
    /// received a response in time.
    pub fn is_connect(&self) -> bool {
        self.0.stage == Stage::Connect
    }

    /// Returns whether sending the same request again is both safe and useful: nothing was sent, the server requested
    /// a later retry, or the request only reads.
    ///
    /// # Troubleshooting
    /// The client has already retried if its policy allows it; use this for additional, slower retries.
    pub fn is_retryable(&self) -> bool {
        match self.0.stage {
            Stage::Connect => true,
            Stage::Send | Stage::Receive => self.is_harmless() && !self.0.too_large,
            Stage::Status => match self.status().map_or(0, |status| status.as_u16()) {
                429 | 503 => true,
                502 | 504 | 520..=524 => self.is_harmless(),
                _ => false,
            },
            Stage::Build | Stage::Decode => false,
        }
    }

    /// Whether a retry cannot have an effect twice: the request only reads, or the failure was a login before it.
    fn is_harmless(&self) -> bool {
        self.0.lost_safe || self.0.outcome == Outcome::NotSent
    }

    /// Advice for `Display`.
    pub(crate) fn advice(&self) -> Option<Cow<'static, str>> {
        if let Some(remedy) = &self.0.remedy {
            return Some(remedy.clone());
        }
        self.redirect_advice()
            .map(Cow::Owned)
            .or_else(|| self.gateway_advice())
            .or_else(|| self.wait_advice().map(Cow::Owned))
            .or_else(|| self.plain_advice().map(Cow::Borrowed))
    }

    /// Advice for a redirect that was not followed. Its target is usually another origin: a login page, or the site's
    /// real address.
    fn redirect_advice(&self) -> Option<String> {
        self.status().filter(http::StatusCode::is_redirection)?;
        let target = origin(self.headers()?.get(http::header::LOCATION)?.to_str().ok()?);
        let target = self.redact(&target);
        Some(format!(
            "it redirects to {target}; if that is the site's own address, use it as the URL; if it is a login page, a \
             gateway in front of EspoCRM needs separate credentials"
        ))
    }

    pub(super) fn wait_advice(&self) -> Option<String> {
        let wait = self.retry_after()?;
        (self.0.stage == Stage::Status).then(|| format!("retry in {} s", wait.as_secs_f64().ceil()))
    }

    fn plain_advice(&self) -> Option<&'static str> {
        if self.is_second_factor_required() {
            return Some(
                "the user has a second factor: log in with a second-factor code (`Client::log_in_with_code`), or use an API \
                 user, which needs none",
            );
        }
        if self.is_unauthorized() {
            return Some("check the credentials and the user's authentication method");
        }
        if self.is_locked_out() {
            return Some(
                "the server gives no reason: there were too many failed logins from this address, or a firewall \
                 rejected the request; stop the program that sends wrong credentials and wait a minute",
            );
        }
        if self.is_locked() {
            return Some("unlock the record first");
        }
        let done = self.0.stage == Stage::Receive && self.0.outcome == Outcome::Done;
        if done && !self.0.lost_safe {
            return Some("the server returned success: do not retry");
        }
        if self.0.timeout {
            return Some(match self.0.stage {
                Stage::Connect => "check that the host is reachable",
                _ if self.is_harmless() => "raise the timeout or request less data",
                _ => "the server may have processed the request; check before you retry",
            });
        }
        match self.0.stage {
            Stage::Send | Stage::Receive if !self.is_harmless() => {
                Some("the server may have processed the request; check before you retry")
            }
            Stage::Decode if self.0.outcome == Outcome::Unknown => {
                Some("check that the URL leads to EspoCRM and not to a proxy or login page")
            }
            _ => None,
        }
    }
}

/// Scheme and host of a redirect's target, or its path on the same host: user names, passwords and parameters may be
/// secret. For a URL of the API, this is the site's URL, as a client accepts it.
fn origin(location: &str) -> String {
    let location = location.split(['?', '#']).next().unwrap_or(location);
    let site = location.split_once("/api/v1").map(|(site, _)| site);
    let Some((scheme, rest)) = location.split_once("//") else {
        return match site {
            Some("") => "/".to_owned(),
            _ => site.unwrap_or(location).to_owned(),
        };
    };
    if let Some(site) = site.filter(|site| !site.contains('@')) {
        return site.to_owned();
    }
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}//{host}")
}

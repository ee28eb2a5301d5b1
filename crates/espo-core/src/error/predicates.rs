use std::borrow::Cow;

use super::body::rows_with_ids;
use super::{Error, Outcome, Stage};

impl Error {
    fn is_status(&self, status: u16) -> bool {
        self.0.stage == Stage::Status && self.status().is_some_and(|s| s.as_u16() == status)
    }

    /// The record, entity type, link or route does not exist (404).
    ///
    /// # Troubleshooting
    /// A deleted record is a 404 for everybody but an administrator. A link that
    /// exists answers 404 when one of the ids to link does not. An entity type
    /// without a controller, or one that the metadata lacks, is a 404 too.
    pub fn is_not_found(&self) -> bool {
        self.is_status(404)
    }

    /// The user may not do this (403).
    ///
    /// # Troubleshooting
    /// Give the API user a role for the scope and action, or the field. A page
    /// size above the instance's limit (200) is also a 403, as is setting a link
    /// to a record that does not exist ([`Error::message_label`] then says
    /// `cannotRelateNonExisting`), and a locked-out address
    /// ([`Error::is_locked_out`]).
    pub fn is_forbidden(&self) -> bool {
        self.is_status(403)
    }

    /// Too many failed log-ins came from this address: the server now answers
    /// 403 without reason and body to everybody here, valid keys included.
    ///
    /// # Troubleshooting
    /// Find and stop what sends wrong credentials from this address, then wait a
    /// minute (`authFailedAttemptsPeriod`). A firewall's bare 403 looks the same.
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

    /// A field's value was refused (400 with a validation body);
    /// [`Error::validation`] names field and rule.
    ///
    /// # Troubleshooting
    /// Only the first failing field is named. `required` on a create that sent
    /// the field means that the server did not see the body (its content type
    /// was lost by a proxy), or that the attribute is not the field's.
    pub fn is_validation(&self) -> bool {
        self.validation().is_some()
    }

    /// The record would double another (409); [`Error::duplicates`] holds those.
    ///
    /// # Troubleshooting
    /// Use one of the records found, or create with the duplicate check skipped
    /// (`X-Skip-Duplicate-Check: true`).
    pub fn is_duplicate(&self) -> bool {
        self.is_status(409)
            && (self.reason_bytes() == Some(b"duplicate")
                || self
                    .body()
                    .is_some_and(|body| rows_with_ids(body).is_some()))
    }

    /// The server reports a conflict (409): a duplicate, a changed version, a locked record, or one that a script of the
    /// instance throws, whose reason and body are in the message.
    ///
    /// # Troubleshooting
    /// [`Error::is_duplicate`], [`Error::is_version_conflict`] and [`Error::is_locked`] tell EspoCRM's own conflicts
    /// apart; [`Error::reason`] and [`Error::body_json`] have what a script said.
    pub fn is_conflict(&self) -> bool {
        self.is_status(409)
    }

    /// The record is locked (409, since EspoCRM 10.0): it can neither be changed nor removed.
    ///
    /// # Troubleshooting
    /// Unlock the record, which takes the permission to do so, or leave it alone.
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

    /// Somebody else changed the record since it was read (409);
    /// [`Error::version_conflict`] holds the server's values.
    ///
    /// # Troubleshooting
    /// Read the record again, apply the change to what it is now, and send the
    /// new version number.
    pub fn is_version_conflict(&self) -> bool {
        self.is_status(409) && !self.is_duplicate() && {
            self.reason_bytes() == Some(b"modified")
                || self
                    .body_json()
                    .is_some_and(|body| body.get("versionNumber").is_some())
        }
    }

    /// EspoCRM rejected the credentials (401), now or before. False for the 401 of a gateway in front of it, which is
    /// [`Error::is_gateway`].
    ///
    /// # Troubleshooting
    /// Check that the user is active and that its authentication method is the
    /// one used: a key of an HMAC user is refused as plain API key, API users
    /// have no password, and HMAC before 8.4.1 wants the raw digest. The client
    /// sends nothing more with refused credentials until it is told to
    /// (`Client::forget_refusal`), since ten failures in a minute lock out the
    /// whole address.
    pub fn is_unauthorized(&self) -> bool {
        self.is_status(401) && !self.is_gateway()
    }

    /// The password was right and a second factor is wanted (401).
    ///
    /// # Troubleshooting
    /// Log in with a current code: `Client::log_in_with_code`. A program without a place for the code should use an API
    /// user, which has no second factor.
    pub fn is_second_factor_required(&self) -> bool {
        self.is_status(401) && self.reason_bytes() == Some(b"second-step-required")
    }

    /// Something before the server counts requests and had enough (429).
    ///
    /// # Troubleshooting
    /// EspoCRM itself has no such limit; look at the proxy or host. Set a rate
    /// limit on the client, or a lower cap on requests in flight.
    pub fn is_rate_limited(&self) -> bool {
        self.is_status(429)
    }

    /// A time limit ran out: connecting, waiting for the answer, or reading it.
    ///
    /// # Troubleshooting
    /// Whether a write was done is unknown; look before repeating. Raise the
    /// client's or the request's time limit for slow calls (mass actions,
    /// exports, or use their idle mode).
    pub fn is_timeout(&self) -> bool {
        self.0.timeout
    }

    /// The answer is larger than the client's limit.
    ///
    /// # Troubleshooting
    /// Ask for less (page size, `select`), raise the limit, or download it as a
    /// stream.
    pub fn is_too_large(&self) -> bool {
        self.0.too_large
    }

    /// The answer came and does not fit what was asked for.
    ///
    /// # Troubleshooting
    /// [`Error::decode_fault`] says where. If it is about an attribute, the
    /// generated code is older than the instance's metadata: generate anew. If
    /// the answer is HTML, the URL leads to something else than the API.
    pub fn is_decode(&self) -> bool {
        self.0.stage == Stage::Decode
    }

    /// Nobody answered at the address: no connection came about.
    ///
    /// # Troubleshooting
    /// Check host, port, DNS, proxy and the certificate; the message names the
    /// cause. Nothing was sent. With [`Error::is_timeout`] it can also be that an earlier request, which was to show
    /// whether the credentials are good, got no answer in that time.
    pub fn is_connect(&self) -> bool {
        self.0.stage == Stage::Connect
    }

    /// Whether sending the same request again is both safe and of use: nothing
    /// was sent, the server said to come back later, or the request only reads.
    ///
    /// # Troubleshooting
    /// The client has tried again by itself where its policy allowed; this is
    /// for a caller's own, slower repetition.
    pub fn is_retryable(&self) -> bool {
        match self.0.stage {
            Stage::Connect => true,
            Stage::Send | Stage::Receive => self.is_harmless() && !self.0.too_large,
            Stage::Status => match self.status().map_or(0, |status| status.as_u16()) {
                429 | 503 => true,
                502 | 504 => self.is_harmless(),
                _ => false,
            },
            Stage::Build | Stage::Decode => false,
        }
    }

    /// Whether nothing can have happened twice by another try: the request only reads, or what failed was a log-in
    /// before it.
    fn is_harmless(&self) -> bool {
        self.0.lost_safe || self.0.outcome == Outcome::NotSent
    }

    /// What to do, for `Display`.
    pub(crate) fn advice(&self) -> Option<Cow<'static, str>> {
        if let Some(remedy) = &self.0.remedy {
            return Some(remedy.clone());
        }
        self.gateway_advice()
            .or_else(|| self.plain_advice().map(Cow::Borrowed))
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
                "no reason given: too many failed log-ins from this address, or a firewall; \
                 wait a minute and stop whatever sends wrong credentials",
            );
        }
        if self.is_locked() {
            return Some("unlock the record first");
        }
        let done = self.0.stage == Stage::Receive && self.0.outcome == Outcome::Done;
        if done && !self.0.lost_safe {
            return Some("the server answered with success: do not repeat");
        }
        if self.0.timeout {
            return Some(match self.0.stage {
                Stage::Connect => "check that the host is reachable",
                _ if self.is_harmless() => "raise the time limit or ask for less",
                _ => "whether the server acted is unknown: look before repeating",
            });
        }
        match self.0.stage {
            Stage::Send | Stage::Receive if !self.is_harmless() => {
                Some("whether the server acted is unknown: look before repeating")
            }
            Stage::Decode if self.0.outcome == Outcome::Unknown => {
                Some("check that the URL leads to EspoCRM and not to a proxy or log-in page")
            }
            _ => None,
        }
    }
}

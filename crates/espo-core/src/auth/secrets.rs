//! The client's own credentials, so that a server that echoes them does not put them into messages.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::SecretString;

use super::redactor::{DISTINCT, Form, Forms, redact};
use super::{Auth, Session};

/// Tokens are replaced with each login, and a late response can still contain an earlier one.
const REMEMBERED: usize = 64;

/// The credentials of a client, in the forms in which a server can echo them.
#[derive(Default)]
pub(crate) struct Secrets {
    /// Those of the client, for the secrets of one request.
    base: Option<Arc<Secrets>>,
    forms: RwLock<VecDeque<Form>>,
}

impl Secrets {
    /// The secrets of credentials.
    pub(crate) fn of(auth: &Auth) -> Self {
        let secrets = Self::default();
        secrets.extend(|forms| forms.add_auth(auth));
        secrets
    }

    pub(crate) fn add_password(&self, user: &str, password: &SecretString) {
        self.extend(|forms| forms.add_password(user, password));
    }

    pub(crate) fn add_session(&self, session: &Session) {
        self.extend(|forms| forms.add_session(session));
    }

    /// Adds a secret as it is, and as URLs and JSON contain it.
    pub(crate) fn add(&self, secret: &str) {
        self.extend(|forms| forms.add(secret));
    }

    /// These secrets and those in the headers of one request.
    pub(crate) fn with_headers(self: Arc<Self>, headers: &HeaderMap) -> Arc<Self> {
        let is_secret = |(name, value): (&HeaderName, &HeaderValue)| {
            secret_text(name.as_str(), value).is_some()
        };
        if !headers.iter().any(is_secret) {
            return self;
        }
        let both = Self {
            base: Some(self),
            ..Self::default()
        };
        both.add_headers(headers);
        Arc::new(both)
    }

    /// Adds the credentials in headers for a gateway or proxy.
    pub(crate) fn add_headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            let Some(text) = secret_text(name.as_str(), value) else {
                continue;
            };
            self.extend(|forms| {
                forms.add_header(text);
                if name == header::COOKIE {
                    for cookie in text.split(';').filter_map(|pair| pair.split_once('=')) {
                        forms.add(cookie.1.trim());
                    }
                }
            });
        }
    }

    fn extend(&self, add: impl FnOnce(&mut Forms)) {
        let mut added = Forms::default();
        add(&mut added);
        let mut forms = self.forms.write().unwrap_or_else(PoisonError::into_inner);
        for form in added.0 {
            if forms.iter().any(|known| known.is(&form)) {
                continue;
            }
            if forms.len() == REMEMBERED {
                // The first ones are those that the client was built with, which stay valid.
                forms.remove(REMEMBERED / 2);
            }
            forms.push_back(form);
        }
    }

    /// The text without the secrets.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let shown = match &self.base {
            Some(base) => base.redact(text),
            None => Cow::Borrowed(text),
        };
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        let mut longest_first: Vec<&Form> = forms.iter().collect();
        longest_first.sort_by_key(|form| std::cmp::Reverse(form.len()));
        match redact(longest_first, &shown) {
            Cow::Owned(shorter) => Cow::Owned(shorter),
            Cow::Borrowed(_) => shown,
        }
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The value of a header that is a credential: by its name, or because it looks like a random one. Others, such as the
/// name of an environment, are ordinary words.
fn secret_text<'v>(name: &str, value: &'v HeaderValue) -> Option<&'v str> {
    const NAMES: [&str; 10] = [
        "auth",
        "cookie",
        "key",
        "token",
        "secret",
        "password",
        "session",
        "signature",
        "jwt",
        "credential",
    ];
    let text = value.to_str().ok()?.trim();
    let is_random = text.len() >= DISTINCT
        && !text.contains(' ')
        && text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_ascii_alphabetic());
    (is_random || NAMES.iter().any(|part| name.contains(part))).then_some(text)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::{Auth, Secrets};

    fn redacted(auth: impl Into<Auth>, text: &str) -> String {
        Secrets::of(&auth.into()).redact(text).into_owned()
    }

    #[test]
    fn credentials_are_hidden_in_every_form_that_a_server_can_echo() {
        let key = "0123456789abcdef0123456789abcdef";
        let hidden = redacted(Auth::api_key(key), &format!("no user has key{key}, sorry"));
        assert_eq!(hidden, "no user has key[redacted], sorry");
        let password = Auth::password("jane", "pass\"word/1");
        let text =
            "pass\"word/1 pass%22word%2F1 {\"p\":\"pass\\\"word/1\"} amFuZTpwYXNzIndvcmQvMQ==";
        assert_eq!(
            redacted(password, text),
            "[redacted] [redacted] {\"p\":\"[redacted]\"} [redacted]"
        );
        let hmac = Auth::hmac("0123456789abcdef", "fedcba9876543210");
        let header = base64::engine::general_purpose::STANDARD.encode("0123456789abcdef:deadbeef");
        let text = format!("signed {header} with fedcba9876543210.");
        assert_eq!(redacted(hmac, &text), "signed [redacted] with [redacted].");
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "no access to contacts of jane",
            "Contact 0123 is locked",
            "recontact",
            "",
            "…",
        ] {
            assert_eq!(redacted(Auth::password("jane", "contact"), text), text);
            assert_eq!(redacted(Auth::api_key("abc"), text), text);
            assert_eq!(redacted(Auth::none(), text), text);
        }
        let text = "the contact is locked";
        let hidden = "the [redacted] is locked";
        assert_eq!(redacted(Auth::password("jane", "contact"), text), hidden);
    }

    #[test]
    fn starts_of_secrets_in_cut_text_are_hidden() {
        let auth = || Auth::bearer("0123456789abcdef");
        assert_eq!(redacted(auth(), "body: 0123456789ab…"), "body: [redacted]…");
        assert_eq!(redacted(auth(), "body: \"01234567"), "body: \"[redacted]");
        assert_eq!(redacted(auth(), "number 0123"), "number 0123");
    }

    #[test]
    fn credentials_in_headers_for_gateways_are_hidden() {
        let mut headers = http::HeaderMap::new();
        for (name, value) in [
            ("authorization", "Basic Z2F0ZTpvcGVuc2VzYW1l"),
            ("x-gateway-token", "letmein"),
            ("x-random", "a8f3e1c09b7d4f52"),
            ("cookie", "theme=dark; session=cafebabe"),
            ("x-environment", "production"),
        ] {
            headers.insert(name, value.parse().expect("a value"));
        }
        let secrets = Secrets::default();
        secrets.add_headers(&headers);
        let text = "opensesame letmein a8f3e1c09b7d4f52 cafebabe Z2F0ZTpvcGVuc2VzYW1l production";
        let hidden = "[redacted] [redacted] [redacted] [redacted] [redacted] production";
        assert_eq!(secrets.redact(text), hidden);
    }

    #[test]
    fn credentials_of_the_start_and_recent_tokens_are_remembered() {
        let secrets = Secrets::of(&Auth::password("jane", "first-password").into());
        for number in 0..500 {
            secrets.add(&format!("token{number:03}"));
        }
        let text = "first-password token499 token470";
        assert_eq!(secrets.redact(text), "[redacted] [redacted] [redacted]");
        let forms = secrets.forms.read().expect("no panic");
        assert!(forms.len() <= super::REMEMBERED);
    }
}

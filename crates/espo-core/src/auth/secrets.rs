//! The client's own credentials, so that a server that echoes them does not put them into messages.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use super::sign::basic;
use super::{Auth, Scheme, Session};

/// The text that replaces a secret in messages.
const HIDDEN: &str = "[redacted]";

/// Shorter secrets are not hidden: they protect nothing, and are parts of ordinary words.
const SHORTEST: usize = 4;

/// Secrets with at least this length are hidden everywhere. A shorter one is hidden only if it is not part of a
/// longer word, because a password can be an ordinary word.
const DISTINCT: usize = 16;

/// The start of a secret that text ends with is hidden from this length on.
const CUT: usize = 8;

/// Tokens are replaced with each login, and a late response can still contain an earlier one.
const REMEMBERED: usize = 64;

/// The credentials of a client, in the forms in which a server can echo them.
#[derive(Default)]
pub(crate) struct Secrets {
    /// Those of the client, for the secrets of one request.
    base: Option<Arc<Secrets>>,
    forms: RwLock<VecDeque<Form>>,
}

#[derive(Clone)]
struct Form {
    text: SecretString,
    /// The start of a base64 text whose rest differs from request to request.
    goes_on: bool,
}

impl Secrets {
    /// The secrets of credentials.
    pub(crate) fn of(auth: &Auth) -> Self {
        let secrets = Self::default();
        match &auth.scheme {
            Scheme::None => {}
            Scheme::ApiKey(key) | Scheme::Bearer(key) => secrets.add(key.expose_secret()),
            Scheme::Hmac {
                api_key,
                secret_key,
                ..
            } => {
                let api_key = api_key.expose_secret();
                secrets.add(secret_key.expose_secret());
                secrets.add(api_key);
                // The header is `base64(key:digest)`; every three bytes become four characters.
                let whole = basic(api_key, "");
                let constant = (api_key.len() + 1) / 3 * 4;
                secrets.push(whole.get(..constant).unwrap_or_default(), true);
            }
            Scheme::Basic { user, password } | Scheme::EveryRequest { user, password } => {
                secrets.add_password(user, password);
            }
            Scheme::Password {
                user,
                password,
                code,
                session,
                ..
            } => {
                secrets.add_password(user, password);
                if let Some(code) = code {
                    secrets.add(code.expose_secret());
                }
                if let Some(session) = session {
                    secrets.add_session(session);
                }
            }
            Scheme::Token(session) => secrets.add_session(session),
        }
        secrets
    }

    pub(crate) fn add_password(&self, user: &str, password: &SecretString) {
        self.add(password.expose_secret());
        self.push(&basic(user, password.expose_secret()), false);
    }

    pub(crate) fn add_session(&self, session: &Session) {
        self.add_password(&session.user, &session.token);
        if let Some(secret) = &session.secret {
            self.add(secret.expose_secret());
        }
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
            let (scheme, rest) = text.split_once(' ').unwrap_or(("", text));
            self.add(text);
            if name == header::COOKIE {
                for cookie in text.split(';').filter_map(|pair| pair.split_once('=')) {
                    self.add(cookie.1.trim());
                }
            } else if scheme.eq_ignore_ascii_case("basic") {
                self.add(rest);
                let plain = STANDARD.decode(rest.trim()).unwrap_or_default();
                if let Some((_, password)) = String::from_utf8_lossy(&plain).split_once(':') {
                    self.add(password);
                }
            } else if !scheme.is_empty() {
                self.add(rest);
            }
        }
    }

    /// Adds a secret as it is, and as URLs and JSON contain it.
    pub(crate) fn add(&self, secret: &str) {
        self.push(secret, false);
        self.push(
            &utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            false,
        );
        let json = serde_json::Value::from(secret).to_string();
        self.push(json.trim_matches('"'), false);
    }

    fn push(&self, text: &str, goes_on: bool) {
        let mut forms = self.forms.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = |form: &Form| form.text.expose_secret() == text;
        if text.chars().count() < SHORTEST || forms.iter().any(is_known) {
            return;
        }
        if forms.len() == REMEMBERED {
            // The first ones are those that the client was built with, which stay valid.
            forms.remove(REMEMBERED / 2);
        }
        forms.push_back(Form {
            text: text.into(),
            goes_on,
        });
    }

    /// The text without the secrets.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = match &self.base {
            Some(base) => base.redact(text),
            None => Cow::Borrowed(text),
        };
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        // A secret can be part of another one.
        let mut longest_first: Vec<&Form> = forms.iter().collect();
        longest_first.sort_by_key(|form| std::cmp::Reverse(form.text.expose_secret().len()));
        for form in longest_first {
            if let Some(without) = without(&shown, form.text.expose_secret(), form.goes_on) {
                shown = Cow::Owned(without);
            }
        }
        shown
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

/// The text without one secret; `None` if it does not contain it.
fn without(text: &str, secret: &str, goes_on: bool) -> Option<String> {
    let (mut shown, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(found) = text[at..].find(secret) {
        let start = at + found;
        let mut end = start + secret.len();
        if goes_on {
            let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            let rest = &text[end..];
            end += rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
        }
        at = end;
        if secret.len() >= DISTINCT || is_word(&text[..start], &text[end..]) {
            shown.push_str(&text[copied..start]);
            shown.push_str(HIDDEN);
            copied = end;
        } else {
            at = start + secret.chars().next().map_or(1, char::len_utf8);
        }
    }
    shown.push_str(&text[copied..]);
    if secret.len() >= DISTINCT && hide_start(&mut shown, secret) || copied > 0 {
        Some(shown)
    } else {
        None
    }
}

/// Whether the text between these is a complete word, not a part of a longer one.
fn is_word(before: &str, after: &str) -> bool {
    !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
}

/// Hides the start of a secret at the end of text that was cut off.
fn hide_start(text: &mut String, secret: &str) -> bool {
    let end = text.trim_end_matches(['…', '.', '"', '`', ')', '}']).len();
    let lengths = (CUT..secret.len()).rev();
    let start = lengths
        .filter_map(|length| secret.get(..length))
        .find(|start| text[..end].ends_with(*start))
        .map(|start| end - start.len());
    if let Some(start) = start {
        text.replace_range(start..end, HIDDEN);
    }
    start.is_some()
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
        let header = super::STANDARD.encode("0123456789abcdef:deadbeef");
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

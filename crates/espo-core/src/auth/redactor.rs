//! Removes secrets from text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
pub(super) const DISTINCT: usize = 16;

/// If text ends with the start of a secret, the start is hidden if it has at least this length. Shorter parts of a
/// header are words such as `Bearer`.
const CUT: usize = 8;

/// Replaces credentials in text with `[redacted]`, for programs that show what a server returned: it can repeat them.
///
/// Messages of this crate need no redactor: they never contain the credentials of their client.
///
/// ```
/// use espo_core::Auth;
/// use espo_core::auth::Redactor;
///
/// let user = Auth::password("jane", "correct horse").into();
/// let redactor = Redactor::new([&user]).secret("Bearer 0123456789abcdef");
/// let text = "`correct horse` is the password of jane, 0123456789abcdef her token";
/// assert_eq!(redactor.redact(text), "`[redacted]` is the password of jane, [redacted] her token");
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, because a secret can be part of another one.
    forms: Vec<Form>,
}

impl Redactor {
    /// Creates a redactor for the credentials of these users.
    pub fn new<'a>(users: impl IntoIterator<Item = &'a Auth>) -> Self {
        let mut forms = Forms::default();
        users.into_iter().for_each(|user| forms.add_auth(user));
        Self::default().with(forms)
    }

    /// Adds a secret, such as the value of a header for a gateway: the value, its parts, and the password in
    /// `Basic BASE64`.
    #[must_use]
    pub fn secret(self, secret: &str) -> Self {
        let mut forms = Forms::default();
        forms.add_header(secret);
        self.with(forms)
    }

    /// Adds a password that is sent with HTTP Basic authentication, for example to a proxy.
    #[must_use]
    pub fn password(self, user: &str, password: &str) -> Self {
        let mut forms = Forms::default();
        forms.add_password(user, &password.into());
        self.with(forms)
    }

    fn with(mut self, forms: Forms) -> Self {
        self.forms.extend(forms.0);
        self.forms.sort_by(|a, b| {
            let (a, b) = (a.text.expose_secret(), b.text.expose_secret());
            b.len().cmp(&a.len()).then_with(|| a.cmp(b))
        });
        self.forms.dedup_by(|a, b| a.is(b));
        self
    }

    /// Returns the text without the secrets. The text may end within a secret.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        redact(&self.forms, text)
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// One of the forms in which a server can echo a secret.
#[derive(Clone)]
pub(super) struct Form {
    text: SecretString,
    /// The start of a base64 text whose rest differs from request to request.
    goes_on: bool,
}

impl Form {
    pub(super) fn is(&self, other: &Form) -> bool {
        self.text.expose_secret() == other.text.expose_secret()
    }

    pub(super) fn len(&self) -> usize {
        self.text.expose_secret().len()
    }
}

/// The forms of several secrets.
#[derive(Default)]
pub(super) struct Forms(pub(super) Vec<Form>);

impl Forms {
    /// Adds the secrets of credentials.
    pub(super) fn add_auth(&mut self, auth: &Auth) {
        match &auth.scheme {
            Scheme::None => {}
            Scheme::ApiKey(key) | Scheme::Bearer(key) => self.add(key.expose_secret()),
            Scheme::Hmac {
                api_key,
                secret_key,
                ..
            } => {
                let api_key = api_key.expose_secret();
                self.add(secret_key.expose_secret());
                self.add(api_key);
                // The header is `base64(key:digest)`; every three bytes become four characters.
                let whole = basic(api_key, "");
                let constant = (api_key.len() + 1) / 3 * 4;
                self.push(whole.get(..constant).unwrap_or_default(), true);
            }
            Scheme::Basic { user, password } | Scheme::EveryRequest { user, password } => {
                self.add_password(user, password);
            }
            Scheme::Password {
                user,
                password,
                code,
                session,
                ..
            } => {
                self.add_password(user, password);
                if let Some(code) = code {
                    self.add(code.expose_secret());
                }
                if let Some(session) = session {
                    self.add_session(session);
                }
            }
            Scheme::Token(session) => self.add_session(session),
        }
    }

    pub(super) fn add_password(&mut self, user: &str, password: &SecretString) {
        self.add(password.expose_secret());
        self.push(&basic(user, password.expose_secret()), false);
    }

    pub(super) fn add_session(&mut self, session: &Session) {
        self.add_password(&session.user, &session.token);
        if let Some(secret) = &session.secret {
            self.add(secret.expose_secret());
        }
    }

    /// Adds the value of a header, and its parts: a server can repeat the token of `Bearer TOKEN` alone, or the password
    /// in `Basic BASE64`.
    pub(super) fn add_header(&mut self, value: &str) {
        self.add(value);
        let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
        if scheme.eq_ignore_ascii_case("basic") {
            let plain = STANDARD.decode(rest.trim()).unwrap_or_default();
            if let Some((_, password)) = String::from_utf8_lossy(&plain).split_once(':') {
                self.add(password);
            }
        }
        if !scheme.is_empty() {
            self.add(rest.trim());
        }
        let parts = value.split(|c: char| c.is_whitespace() || ";,\"'".contains(c));
        for part in parts.filter(|part| part.len() >= CUT) {
            self.add(part);
            if let Some((_, secret)) = part.split_once('=').filter(|(_, s)| s.len() >= CUT) {
                self.add(secret);
            }
        }
    }

    /// Adds a secret as it is, and as URLs and JSON contain it.
    pub(super) fn add(&mut self, secret: &str) {
        self.push(secret, false);
        let url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let json = serde_json::Value::from(secret).to_string();
        for other in [url.as_str(), json.trim_matches('"')] {
            if other != secret {
                self.push(other, false);
            }
        }
    }

    fn push(&mut self, text: &str, goes_on: bool) {
        if text.chars().count() >= SHORTEST {
            self.0.push(Form {
                text: text.into(),
                goes_on,
            });
        }
    }
}

/// Returns the text without the secrets, which are given longest first.
pub(super) fn redact<'f, 't>(
    forms: impl IntoIterator<Item = &'f Form>,
    text: &'t str,
) -> Cow<'t, str> {
    let mut shown = Cow::Borrowed(text);
    for form in forms {
        if let Some(without) = without(&shown, form.text.expose_secret(), form.goes_on) {
            shown = Cow::Owned(without);
        }
    }
    shown
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

//! Authentication with every scheme that the server supports.

mod gate;
mod header;
mod redactor;
mod secrets;
mod session;
mod sign;

#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;

use http::HeaderValue;
use secrecy::SecretString;

use crate::error::Error;

pub use redactor::Redactor;
pub use session::{ExposedSession, Session};
pub use sign::Signer;

pub(crate) use gate::{Admission, Authenticator, Pass, Verdict, is_refusal};
pub(crate) use secrets::Secrets;
pub(crate) use sign::basic;

/// Credentials and the scheme by which they are sent.
///
/// | constructor | users | cost on the server |
/// | --- | --- | --- |
/// | [`Auth::api_key`] | API users with method "API Key" | one lookup |
/// | [`Auth::hmac`] | API users with method "HMAC"; the secret is never sent | one lookup |
/// | [`Auth::password`] | regular users and administrators; logs in once for a token | 0.2 s once |
/// | [`Auth::session`], [`Auth::token`] | a token from an earlier login | one lookup |
/// | [`Auth::bearer`] | an access token of OAuth 2.0 (announced for EspoCRM 10.1), or of a gateway that logs in | – |
/// | [`Auth::basic`] | regular users; the password is sent with **every** request | 0.2 s each time |
///
/// The type parameter is the scheme, so that each option exists only for the schemes that support it:
/// [`raw_digest`](Auth::raw_digest) for HMAC, [`second_factor`](Auth::second_factor) for a password,
/// [`acting_as`](Auth::acting_as) for administrators. [`ClientBuilder::auth`](crate::ClientBuilder::auth) accepts
/// every scheme; `Auth` without a parameter stands for any scheme (convert with `.into()`).
///
/// Rejected credentials are not sent again until [`Client::forget_refusal`](crate::Client::forget_refusal): more than
/// ten failed logins in a minute lock out the whole address, valid keys included. For the same reason, the first
/// request of a client is sent alone; the others are sent after the server has accepted the credentials.
pub struct Auth<S = Any> {
    pub(crate) scheme: Scheme,
    pub(crate) another_user: Option<String>,
    marker: PhantomData<fn() -> S>,
}

macro_rules! schemes {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
    )*};
}

schemes! {
    /// Any scheme, whose options can no longer be changed.
    Any;
    /// HMAC keys of an API user.
    Hmac;
    /// A password that is exchanged for a token.
    Password;
    /// A password that is sent with every request, or a token.
    UserToken;
}

/// Schemes of regular users and administrators, with which an administrator can act as another user. EspoCRM rejects the
/// combination with API keys.
#[diagnostic::on_unimplemented(
    message = "credentials of the scheme `{Self}` cannot act as another user",
    note = "EspoCRM allows it for an administrator's password or token: `Auth::password(…).acting_as(…)`"
)]
pub trait ActsAsAnother {}

impl ActsAsAnother for Password {}
impl ActsAsAnother for UserToken {}

#[derive(Clone)]
pub(crate) enum Scheme {
    None,
    ApiKey(SecretString),
    Bearer(SecretString),
    Hmac {
        api_key: SecretString,
        secret_key: SecretString,
        raw_digest: bool,
    },
    Basic {
        user: String,
        password: SecretString,
    },
    /// `Espo-Authorization` with every request.
    EveryRequest {
        user: String,
        password: SecretString,
    },
    Password {
        user: String,
        password: SecretString,
        code: Option<SecretString>,
        token_secret: bool,
        session: Option<Session>,
    },
    Token(Session),
}

impl<S> Auth<S> {
    fn of(scheme: Scheme) -> Self {
        Self {
            scheme,
            another_user: None,
            marker: PhantomData,
        }
    }

    fn erase(self) -> Auth {
        Auth {
            scheme: self.scheme,
            another_user: self.another_user,
            marker: PhantomData,
        }
    }
}

impl Auth {
    /// Sends no credentials, for `GET Settings`, `GET I18n` and lead capture.
    pub fn none() -> Self {
        Self::of(Scheme::None)
    }

    /// Reads the credentials from the environment variables that the command-line tools use: `ESPO_API_KEY` (with
    /// `ESPO_SECRET_KEY` for HMAC), or else `ESPO_USERNAME` and `ESPO_PASSWORD`. An empty variable counts as absent.
    ///
    /// ```no_run
    /// # use espo_core::{Auth, Client, Error};
    /// # fn connect() -> Result<Client, Error> {
    /// Client::builder("https://crm.example.com").auth(Auth::from_env()?).build()
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails if neither is set; the message lists the variables.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        if let Some(key) = get("ESPO_API_KEY") {
            return Ok(match get("ESPO_SECRET_KEY") {
                Some(secret) => Self::hmac(key, secret).into(),
                None => Self::api_key(key),
            });
        }
        match (get("ESPO_USERNAME"), get("ESPO_PASSWORD")) {
            (Some(user), Some(password)) => Ok(Self::password(user, password).into()),
            _ => Err(Error::build(
                "no credentials: set ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC), or ESPO_USERNAME and ESPO_PASSWORD",
            )),
        }
    }

    /// Sends `X-Api-Key`, for API users with the method "API Key".
    pub fn api_key(key: impl Into<SecretString>) -> Self {
        Self::of(Scheme::ApiKey(key.into()))
    }

    /// Sends `Authorization: Bearer` with an access token that another component obtains and renews. EspoCRM up to
    /// 10.0 has no such tokens; OAuth 2.0 is announced for 10.1.
    pub fn bearer(token: impl Into<SecretString>) -> Self {
        Self::of(Scheme::Bearer(token.into()))
    }

    /// Sends `X-Hmac-Authorization`, for API users with the method "HMAC": the lower-case hex HMAC-SHA-256 of
    /// `METHOD /path`, without the query. Servers accept this form since 8.4.1; see [`Auth::raw_digest`] for older
    /// ones.
    pub fn hmac(
        api_key: impl Into<SecretString>,
        secret_key: impl Into<SecretString>,
    ) -> Auth<Hmac> {
        Auth::of(Scheme::Hmac {
            api_key: api_key.into(),
            secret_key: secret_key.into(),
            raw_digest: false,
        })
    }

    /// Sends `Authorization: Basic` with every request. Each costs the server a password hash (0.2 s of CPU); prefer
    /// [`Auth::password`].
    pub fn basic(user: impl Into<String>, password: impl Into<SecretString>) -> Auth<UserToken> {
        Auth::of(Scheme::Basic {
            user: user.into(),
            password: password.into(),
        })
    }

    /// Logs in with the password once (`GET App/user`) and continues with the token that the server returns; logs in
    /// again when the token has expired, only once even if many tasks need it at the same time.
    pub fn password(user: impl Into<String>, password: impl Into<SecretString>) -> Auth<Password> {
        Auth::of(Scheme::Password {
            user: user.into(),
            password: password.into(),
            code: None,
            token_secret: false,
            session: None,
        })
    }

    /// Uses a session that [`Client::session`](crate::Client::session) exported. When it has expired, requests fail
    /// with [`Error::is_unauthorized`](crate::Error::is_unauthorized); [`Auth::reuse`] logs in again instead.
    pub fn session(session: Session) -> Auth<UserToken> {
        Auth::of(Scheme::Token(session))
    }

    /// Uses a token from an earlier login, with the secret of its cookie if it was created with one.
    pub fn token(
        user: impl Into<String>,
        token: impl Into<SecretString>,
        secret: Option<SecretString>,
    ) -> Auth<UserToken> {
        Self::session(Session::new(user, token, secret))
    }
}

impl Auth<Hmac> {
    /// Sends the HMAC digest as 32 raw bytes, which servers before 8.4.1 require.
    #[must_use]
    pub fn raw_digest(mut self) -> Self {
        if let Scheme::Hmac { raw_digest, .. } = &mut self.scheme {
            *raw_digest = true;
        }
        self
    }
}

impl Auth<Password> {
    /// Sets the current second-factor code, for the first login.
    #[must_use]
    pub fn second_factor(mut self, new: impl Into<SecretString>) -> Self {
        if let Scheme::Password { code, .. } = &mut self.scheme {
            *code = Some(new.into());
        }
        self
    }

    /// Requests a token that is bound to a secret cookie (`Espo-Authorization-Create-Token-Secret`), so that the token
    /// alone cannot be used by others.
    #[must_use]
    pub fn with_token_secret(mut self) -> Self {
        if let Scheme::Password { token_secret, .. } = &mut self.scheme {
            *token_secret = true;
        }
        self
    }

    /// Starts with a session that was exported earlier, and logs in only if there is none or it has expired: a
    /// command-line program then does not send the password each time.
    ///
    /// ```no_run
    /// # use espo_core::{Auth, Client, auth::{ExposedSession, Session}};
    /// # async fn run(user: String, password: String) -> Result<(), Box<dyn std::error::Error>> {
    /// let stored: Option<ExposedSession> = std::fs::read("session.json")
    ///     .ok()
    ///     .and_then(|json| serde_json::from_slice(&json).ok());
    /// let auth = Auth::password(user, password).reuse(stored.map(Session::from));
    /// let crm = Client::builder("https://crm.example.com").auth(auth).build()?;
    /// crm.app().user::<espo_core::JsonObject>().await?;
    /// if let Some(session) = crm.session() {
    ///     std::fs::write("session.json", serde_json::to_vec(&session.expose())?)?; // a secret: mode 0600
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn reuse(mut self, earlier: impl Into<Option<Session>>) -> Self {
        if let Scheme::Password { session, .. } = &mut self.scheme {
            *session = earlier.into();
        }
        self
    }

    /// Sends the password in `Espo-Authorization` with every request instead of logging in. Each costs the server 0.2 s
    /// of CPU and a row in its table of tokens. A second factor and sessions do not apply to it.
    #[must_use]
    pub fn on_every_request(self) -> Auth<UserToken> {
        let scheme = match self.scheme {
            Scheme::Password { user, password, .. } => Scheme::EveryRequest { user, password },
            other => other,
        };
        Auth {
            scheme,
            another_user: self.another_user,
            marker: PhantomData,
        }
    }
}

impl<S> Auth<S> {
    /// Acts as another regular user (`X-Another-User`); the credentials must be an administrator's.
    #[must_use]
    pub fn acting_as(mut self, user_name: impl Into<String>) -> Self
    where
        S: ActsAsAnother,
    {
        self.another_user = Some(user_name.into());
        self
    }
}

impl<S> Clone for Auth<S> {
    fn clone(&self) -> Self {
        Self {
            scheme: self.scheme.clone(),
            another_user: self.another_user.clone(),
            marker: PhantomData,
        }
    }
}

impl From<Auth<Hmac>> for Auth {
    fn from(auth: Auth<Hmac>) -> Self {
        auth.erase()
    }
}

impl From<Auth<Password>> for Auth {
    fn from(auth: Auth<Password>) -> Self {
        auth.erase()
    }
}

impl From<Auth<UserToken>> for Auth {
    fn from(auth: Auth<UserToken>) -> Self {
        auth.erase()
    }
}

impl<S> Auth<S> {
    fn kind(&self) -> &'static str {
        match &self.scheme {
            Scheme::None => "none",
            Scheme::ApiKey(_) => "api key",
            Scheme::Bearer(_) => "bearer",
            Scheme::Hmac { .. } => "hmac",
            Scheme::Basic { .. } => "basic",
            Scheme::EveryRequest { .. } | Scheme::Password { .. } => "password",
            Scheme::Token(_) => "token",
        }
    }
}

impl<S> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// A header value that prints as `Sensitive`.
pub(crate) fn secret_header(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

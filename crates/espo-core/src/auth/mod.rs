//! Who the client is: every way to authenticate that the server knows.

mod gate;
mod sign;

#[cfg(test)]
mod tests;

use std::fmt;

use http::HeaderValue;
use secrecy::SecretString;

pub use sign::Signer;

pub(crate) use gate::{Admission, Authenticator, Pass, Verdict, is_refusal};
pub(crate) use sign::basic;

/// Credentials, and how to present them.
///
/// | constructor | users | cost on the server |
/// | --- | --- | --- |
/// | [`Auth::api_key`] | API users with method "API Key" | one look-up |
/// | [`Auth::hmac`] | API users with method "HMAC"; the secret never travels | one look-up |
/// | [`Auth::password`] | regular users and administrators; logs in once for a token | 0.2 s once |
/// | [`Auth::token`] | a token that was got elsewhere | one look-up |
/// | [`Auth::basic`] | regular users; the password goes with **every** request | 0.2 s each time |
///
/// Refused credentials are not tried again until
/// [`Client::forget_refusal`](crate::Client::forget_refusal): ten failed log-ins
/// in a minute lock out the whole address, valid keys included. For the same
/// reason the first request of a client goes alone; the others follow once the
/// credentials have proven good.
#[derive(Clone)]
pub struct Auth {
    pub(crate) scheme: Scheme,
    pub(crate) another_user: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Scheme {
    None,
    ApiKey(SecretString),
    Hmac {
        api_key: SecretString,
        secret_key: SecretString,
        raw_digest: bool,
    },
    Basic {
        user: String,
        password: SecretString,
    },
    Password {
        user: String,
        password: SecretString,
        code: Option<SecretString>,
        token_secret: bool,
        every_request: bool,
    },
    Token {
        user: String,
        token: SecretString,
        secret: Option<SecretString>,
    },
}

impl Auth {
    fn of(scheme: Scheme) -> Self {
        Self {
            scheme,
            another_user: None,
        }
    }

    /// No credentials: `GET Settings`, `GET I18n`, lead capture.
    pub fn none() -> Self {
        Self::of(Scheme::None)
    }

    /// `X-Api-Key`, for API users with the method "API Key".
    pub fn api_key(key: impl Into<SecretString>) -> Self {
        Self::of(Scheme::ApiKey(key.into()))
    }

    /// `X-Hmac-Authorization`, for API users with the method "HMAC": the lower-case
    /// hex HMAC-SHA-256 of `METHOD /path`, without the query. Servers accept this
    /// form since 8.4.1; see [`Auth::raw_digest`] for older ones.
    pub fn hmac(api_key: impl Into<SecretString>, secret_key: impl Into<SecretString>) -> Self {
        Self::of(Scheme::Hmac {
            api_key: api_key.into(),
            secret_key: secret_key.into(),
            raw_digest: false,
        })
    }

    /// Sends the HMAC digest as 32 raw bytes, as servers before 8.4.1 want it.
    /// No effect on other kinds.
    #[must_use]
    pub fn raw_digest(mut self) -> Self {
        if let Scheme::Hmac { raw_digest, .. } = &mut self.scheme {
            *raw_digest = true;
        }
        self
    }

    /// `Authorization: Basic` with every request. Each costs the server a
    /// password hash (0.2 s of CPU); prefer [`Auth::password`].
    pub fn basic(user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self::of(Scheme::Basic {
            user: user.into(),
            password: password.into(),
        })
    }

    /// Logs in with the password once (`GET App/user`) and goes on with the
    /// token that the server gives; logs in once more when the token has run
    /// out, however many tasks notice it at the same time.
    pub fn password(user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self::of(Scheme::Password {
            user: user.into(),
            password: password.into(),
            code: None,
            token_secret: false,
            every_request: false,
        })
    }

    /// The current second-factor code, for the first log-in. No effect on kinds
    /// other than [`Auth::password`].
    #[must_use]
    pub fn second_factor(mut self, new: impl Into<SecretString>) -> Self {
        if let Scheme::Password { code, .. } = &mut self.scheme {
            *code = Some(new.into());
        }
        self
    }

    /// Asks for a token that is bound to a secret cookie
    /// (`Espo-Authorization-Create-Token-Secret`), so that the token alone is of
    /// no use to others. No effect on kinds other than [`Auth::password`].
    #[must_use]
    pub fn with_token_secret(mut self) -> Self {
        if let Scheme::Password { token_secret, .. } = &mut self.scheme {
            *token_secret = true;
        }
        self
    }

    /// Sends the password in `Espo-Authorization` with every request instead of
    /// logging in. Each costs the server 0.2 s of CPU and a row in its table of
    /// tokens. No effect on kinds other than [`Auth::password`].
    #[must_use]
    pub fn on_every_request(mut self) -> Self {
        if let Scheme::Password { every_request, .. } = &mut self.scheme {
            *every_request = true;
        }
        self
    }

    /// A token from an earlier log-in, with the secret of its cookie if it was
    /// made with one.
    pub fn token(
        user: impl Into<String>,
        token: impl Into<SecretString>,
        secret: Option<SecretString>,
    ) -> Self {
        Self::of(Scheme::Token {
            user: user.into(),
            token: token.into(),
            secret,
        })
    }

    /// Acts as another regular user (`X-Another-User`); the credentials must be
    /// an administrator's.
    #[must_use]
    pub fn acting_as(mut self, user_name: impl Into<String>) -> Self {
        self.another_user = Some(user_name.into());
        self
    }

    fn kind(&self) -> &'static str {
        match &self.scheme {
            Scheme::None => "none",
            Scheme::ApiKey(_) => "api key",
            Scheme::Hmac { .. } => "hmac",
            Scheme::Basic { .. } => "basic",
            Scheme::Password { .. } => "password",
            Scheme::Token { .. } => "token",
        }
    }
}

impl fmt::Debug for Auth {
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

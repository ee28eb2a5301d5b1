use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// A user's token with the user name and the cookie secret, for [`Auth::session`](crate::Auth::session) and
/// [`Auth::reuse`](crate::Auth::reuse). It grants the user's access until the token expires.
///
/// It cannot be serialised, so that it is not stored by accident; [`Session::expose`] returns a form that can.
#[derive(Clone)]
pub struct Session {
    pub(super) user: String,
    pub(super) token: SecretString,
    pub(super) secret: Option<SecretString>,
}

impl Session {
    /// Creates a session from its parts: user name, token, and the secret of the token's cookie if it was created
    /// with one.
    pub fn new(
        user: impl Into<String>,
        token: impl Into<SecretString>,
        secret: Option<SecretString>,
    ) -> Self {
        Self {
            user: user.into(),
            token: token.into(),
            secret,
        }
    }

    /// Returns the user name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the session with its secrets in plain text, to be stored. Protect it like a password.
    pub fn expose(&self) -> ExposedSession {
        ExposedSession {
            user: self.user.clone(),
            token: self.token.expose_secret().to_owned(),
            secret: self
                .secret
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned()),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A [`Session`] with its secrets in plain text; serialises as an object with `user`, `token` and `secret`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedSession {
    /// The user name.
    pub user: String,
    /// The token.
    pub token: String,
    /// The secret of the token's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl From<ExposedSession> for Session {
    fn from(exposed: ExposedSession) -> Self {
        Self::new(
            exposed.user,
            exposed.token,
            exposed.secret.map(SecretString::from),
        )
    }
}

impl fmt::Debug for ExposedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposedSession")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

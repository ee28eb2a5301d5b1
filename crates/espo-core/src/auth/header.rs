//! The headers that contain passwords and tokens.

use std::sync::{PoisonError, RwLock};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

use super::sign::basic;
use super::{Session, secret_header};
use crate::error::Error;

pub(super) const ESPO: HeaderName = HeaderName::from_static("espo-authorization");
pub(super) const BY_TOKEN: HeaderName = HeaderName::from_static("espo-authorization-by-token");

pub(super) struct PasswordHeader {
    user: String,
    scheme: &'static str,
    /// Replaced when the client changes the password.
    value: RwLock<HeaderValue>,
}

impl PasswordHeader {
    pub(super) fn new(
        user: &str,
        scheme: &'static str,
        password: &SecretString,
    ) -> Result<Self, Error> {
        check_user(user)?;
        let value = Self::text(user, scheme, password)?;
        Ok(Self {
            user: user.to_owned(),
            scheme,
            value: RwLock::new(value),
        })
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    fn text(user: &str, scheme: &str, password: &SecretString) -> Result<HeaderValue, Error> {
        let value = format!("{scheme}{}", basic(user, password.expose_secret()));
        secret_header(&value).ok_or_else(illegal)
    }

    pub(super) fn value(&self) -> HeaderValue {
        let value = self.value.read();
        value.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, password: &SecretString) -> Result<(), Error> {
        let value = Self::text(&self.user, self.scheme, password)?;
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = value;
        Ok(())
    }
}

/// A token as it is sent in headers.
pub(super) struct Token {
    authorization: HeaderValue,
    cookie: Option<HeaderValue>,
    pub(super) session: Session,
}

impl Token {
    pub(super) fn new(session: Session) -> Result<Self, Error> {
        let value = basic(&session.user, session.token.expose_secret());
        let cookie = match &session.secret {
            Some(secret) => {
                let text = format!("auth-token-secret={}", secret.expose_secret());
                Some(secret_header(&text).ok_or_else(illegal)?)
            }
            None => None,
        };
        Ok(Self {
            authorization: secret_header(&value).ok_or_else(illegal)?,
            cookie,
            session,
        })
    }

    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(ESPO, self.authorization.clone());
        headers.insert(BY_TOKEN, HeaderValue::from_static("true"));
        if let Some(cookie) = &self.cookie {
            headers.insert(header::COOKIE, cookie.clone());
        }
    }
}

pub(super) fn cookie_secret(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|cookie| cookie.trim().strip_prefix("auth-token-secret="))
        .filter_map(|rest| rest.split(';').next())
        .find(|secret| !secret.is_empty())
        .map(str::to_owned)
}

pub(super) fn check_user(user: &str) -> Result<(), Error> {
    if user.is_empty() || user.contains(':') {
        return Err(Error::build(
            "the user name is empty or contains a colon, which the server treats as its end",
        ));
    }
    Ok(())
}

/// Keys and tokens that are read from files often end with a line break, and an HMAC of such a key is a wrong one.
pub(super) fn check_key(what: &str, key: &SecretString) -> Result<(), Error> {
    let key = key.expose_secret();
    if key.is_empty() {
        return Err(Error::build(format!("the {what} is empty")));
    }
    let is_stray = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    if key.contains(is_stray) {
        return Err(Error::build(format!(
            "the {what} contains whitespace or an invisible character, such as the end of a line in a file"
        )));
    }
    Ok(())
}

pub(super) fn illegal() -> Error {
    Error::build(
        "the credentials contain characters that are not allowed in a header, such as the end of a line",
    )
}

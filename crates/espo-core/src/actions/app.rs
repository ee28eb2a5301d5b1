//! The instance: current user, version, settings, metadata and labels.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{AnyRecord, PagedRequest};
use crate::JsonObject;
use crate::client::Client;
use crate::error::{DecodeFault, Error};
use crate::request::Request;
use crate::typed::Id;
use crate::typed::roles::UserAccount;

/// Calls about the instance itself; see [`Client::app`].
#[derive(Clone, Copy, Debug)]
pub struct App<'c>(&'c Client);

impl Client {
    /// Calls about the instance itself: current user, version, settings, metadata and labels.
    pub fn app(&self) -> App<'_> {
        App(self)
    }
}

/// The response of `GET App/user`: the current user, whose credentials the client uses, and that user's permissions.
/// `U` is the generated `User`, or [`JsonObject`].
///
/// It does not contain the token that the server sends with it; the client stores that.
#[derive(Clone)]
#[non_exhaustive]
pub struct AppUser<U: UserAccount> {
    /// The user's own record.
    pub user: U,
    /// The user's permissions: `table` by scope, `fieldTable`, and others.
    pub acl: JsonObject,
    /// The user's preferences.
    pub preferences: JsonObject,
    /// The instance's settings that the user may see.
    pub settings: JsonObject,
    /// The user's language, such as `en_US`.
    pub language: Option<String>,
    /// Parameters for frontends.
    pub app_params: JsonObject,
    id: Id<U>,
    user_name: Option<String>,
    kind: Option<String>,
}

impl<U: UserAccount> std::fmt::Debug for AppUser<U> {
    /// Leaves out the record, which can contain keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppUser")
            .field("id", &self.id)
            .field("user_name", &self.user_name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl<U: UserAccount> AppUser<U> {
    /// Returns the user's ID.
    pub fn id(&self) -> &Id<U> {
        &self.id
    }

    /// Returns the name that the user logs in with.
    pub fn user_name(&self) -> Option<&str> {
        self.user_name.as_deref()
    }

    /// Returns the type of the user: `regular`, `admin`, `portal`, `api` or `super-admin`.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Returns whether the user is an administrator, who sees everything. An API user never is.
    pub fn is_admin(&self) -> bool {
        matches!(self.kind(), Some("admin" | "super-admin"))
    }
}

/// Reads an object; PHP writes an empty one as `[]`.
fn object(value: Option<Value>) -> JsonObject {
    match value {
        Some(Value::Object(object)) => object,
        _ => JsonObject::new(),
    }
}

/// The response of `GET App/about`.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct About {
    /// The version, such as `9.3.10`.
    #[serde(default)]
    pub version: String,
    /// The text of the "About" page.
    #[serde(default)]
    pub text: Option<String>,
}

impl About {
    /// Returns major, minor and patch, if the version consists of numbers.
    pub fn numbers(&self) -> Option<(u32, u32, u32)> {
        let mut parts = self.version.trim().splitn(3, '.');
        let mut next = || {
            let part = parts.next()?;
            let digits = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            part[..digits].parse().ok()
        };
        Some((next()?, next()?, next().unwrap_or(0)))
    }
}

impl App<'_> {
    /// Reads the current user (`GET App/user`): `crm.app().user::<User>()`, or `user::<JsonObject>()` without
    /// generated code.
    ///
    /// # Errors
    /// Fails with [`Error::is_unauthorized`] if the server rejects the credentials.
    pub async fn user<U: UserAccount>(&self) -> Result<AppUser<U>, Error> {
        let request = Request::new(Method::GET, &["App", "user"]);
        let response = self.0.send(request).await?;
        let mut answer: JsonObject = response.json()?;
        let failed = |message: String| {
            Error::decode(&response, DecodeFault::new(message).at("user".to_owned()))
        };
        let mut user = object(answer.remove("user"));
        user.remove("token");
        let text = |key: &str| user.get(key).and_then(Value::as_str).map(str::to_owned);
        let id = text("id").ok_or_else(|| failed("the user has no `id`".to_owned()))?;
        let (user_name, kind) = (text("userName"), text("type"));
        let mut part = |key: &str| object(answer.remove(key));
        Ok(AppUser {
            acl: part("acl"),
            preferences: part("preferences"),
            settings: part("settings"),
            app_params: part("appParams"),
            language: answer
                .get("language")
                .and_then(Value::as_str)
                .map(str::to_owned),
            id: Id::new(id),
            user_name,
            kind,
            user: U::decode_value(Value::Object(user))
                .map_err(|error| failed(error.to_string()))?,
        })
    }

    /// Reads the version of the server (`GET App/about`). Available to every user.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn about(&self) -> Result<About, Error> {
        self.0.get_json(&["App", "about"]).await
    }

    /// Reads parameters for frontends (`GET App/appParams`, EspoCRM 9.3 and later).
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] before EspoCRM 9.3.
    pub async fn params(&self) -> Result<JsonObject, Error> {
        self.0.get_json(&["App", "appParams"]).await
    }

    /// Reads the settings that the user may see (`GET Settings`). Without credentials, the server returns only a few.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn settings(&self) -> Result<JsonObject, Error> {
        self.0.get_json(&["Settings"]).await
    }

    /// Changes settings (`PUT Settings`, administrators only). Returns all settings.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn update_settings(&self, values: &JsonObject) -> Result<JsonObject, Error> {
        let request = Request::new(Method::PUT, &["Settings"]).json(values);
        self.0.send(request).await?.json()
    }

    /// Reads the metadata that the user may see (`GET Metadata`), about 0.5 MB. Only administrators see all of it.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn metadata(&self) -> Result<Value, Error> {
        self.0.get_json(&["Metadata"]).await
    }

    /// Reads one part of the metadata by its dotted path, such as `entityDefs.Lead.fields.status.options`; `None` if the
    /// metadata has no such part.
    ///
    /// Servers send a string without quotes, and nothing for `false`. So a string of digits is returned as a number, and
    /// `false` as `None`.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn metadata_at(&self, path: &str) -> Result<Option<Value>, Error> {
        let request = Request::new(Method::GET, &["Metadata"]).query("key", path);
        let response = self.0.send(request).await?;
        if response.body().is_empty() {
            return Ok(None);
        }
        response.json().or_else(|error| match response.text() {
            Ok(text) if response.is_json() && !is_broken_json(text) => Ok(Some(Value::from(text))),
            _ => Err(error),
        })
    }

    /// Reads labels: scope → category → names (`GET I18n`). `default_language` selects the language of the instance instead
    /// of the user's. Empty maps are `[]`.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn i18n(&self, default_language: bool) -> Result<Value, Error> {
        let mut request = Request::new(Method::GET, &["I18n"]);
        if default_language {
            request = request.query("default", true);
        }
        self.0.send(request).await?.json()
    }

    /// Reads the server's own OpenAPI description (`GET OpenApi`, EspoCRM 9.3 and later), as an administrator or a user
    /// with that scope.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] before EspoCRM 9.3.
    pub async fn open_api(&self, skip_custom: bool) -> Result<Value, Error> {
        let mut request = Request::new(Method::GET, &["OpenApi"]);
        if skip_custom {
            request = request.query("skipCustom", true);
        }
        self.0.send(request).await?.json()
    }

    /// Lists the records that the user viewed last (`GET LastViewed`).
    pub fn last_viewed(&self) -> PagedRequest<AnyRecord> {
        PagedRequest::new(self.0, &["LastViewed"])
    }
}

/// Distinguishes broken responses (an HTML page, a PHP message, truncated JSON) from strings of the metadata, which servers
/// send without quotes. A pattern may begin with a bracket.
fn is_broken_json(text: &str) -> bool {
    ["<", "{\"", "[\"", "[{"]
        .iter()
        .any(|start| text.trim_start().starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::About;

    #[test]
    fn numeric_versions_are_parsed() {
        let about = |version: &str| About {
            version: version.to_owned(),
            text: None,
        };
        assert_eq!(about("9.3.10").numbers(), Some((9, 3, 10)));
        assert_eq!(about("9.4").numbers(), Some((9, 4, 0)));
        assert_eq!(about("10.0.0-beta1").numbers(), Some((10, 0, 0)));
        assert_eq!(about("@@version").numbers(), None);
    }
}

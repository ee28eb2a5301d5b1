//! Who am I, which version, and what the instance is made of.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::JsonPage;
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// The instance itself; see [`Client::app`].
#[derive(Clone, Copy, Debug)]
pub struct App<'c>(&'c Client);

impl Client {
    /// The instance itself: user, version, settings, metadata, translations.
    pub fn app(&self) -> App<'_> {
        App(self)
    }
}

/// What `GET App/user` tells about the user of the credentials.
///
/// The token that the server gives here is not in it; the client keeps it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AppUser {
    /// The user's own record.
    pub user: JsonObject,
    /// What the user may do: `table` by scope, `fieldTable`, permissions.
    #[serde(default)]
    pub acl: Value,
    /// The user's preferences.
    #[serde(default)]
    pub preferences: Value,
    /// The instance's settings, as far as the user may see them.
    #[serde(default)]
    pub settings: Value,
    /// The user's language, such as `en_US`.
    #[serde(default)]
    pub language: Option<String>,
    /// Parameters for front ends.
    #[serde(default)]
    pub app_params: Value,
}

impl AppUser {
    fn text(&self, attribute: &str) -> Option<&str> {
        self.user.get(attribute)?.as_str()
    }

    /// The user's id.
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// The name that the user logs in with.
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }

    /// `regular`, `admin`, `portal`, `api` or `super-admin`.
    pub fn kind(&self) -> Option<&str> {
        self.text("type")
    }

    /// Whether the user sees everything; an API user never does.
    pub fn is_admin(&self) -> bool {
        matches!(self.kind(), Some("admin" | "super-admin"))
    }
}

/// What `GET App/about` tells.
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
    /// Major, minor and patch, when the version is made of numbers.
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
    /// Who the credentials belong to (`GET App/user`).
    ///
    /// # Errors
    /// As any request; [`Error::is_unauthorized`] for refused credentials.
    pub async fn user(&self) -> Result<AppUser, Error> {
        let mut answer: AppUser = self.0.get_json(&["App", "user"]).await?;
        answer.user.remove("token");
        Ok(answer)
    }

    /// The server's version (`GET App/about`); any user may ask.
    ///
    /// # Errors
    /// As any request.
    pub async fn about(&self) -> Result<About, Error> {
        self.0.get_json(&["App", "about"]).await
    }

    /// Parameters for front ends (`GET App/appParams`, since 9.3).
    ///
    /// # Errors
    /// As any request; not found before 9.3.
    pub async fn params(&self) -> Result<JsonObject, Error> {
        self.0.get_json(&["App", "appParams"]).await
    }

    /// The instance's settings, as far as the user may see them (`GET Settings`);
    /// a reduced set without credentials.
    ///
    /// # Errors
    /// As any request.
    pub async fn settings(&self) -> Result<JsonObject, Error> {
        self.0.get_json(&["Settings"]).await
    }

    /// Changes settings (`PUT Settings`, administrators) and answers all of them.
    ///
    /// # Errors
    /// As any request.
    pub async fn update_settings(&self, values: &JsonObject) -> Result<JsonObject, Error> {
        let request = Request::new(Method::PUT, &["Settings"]).json(values);
        self.0.send(request).await?.json()
    }

    /// The metadata as the user may see it (`GET Metadata`): complete for
    /// administrators alone, some 0.5 MB.
    ///
    /// # Errors
    /// As any request.
    pub async fn metadata(&self) -> Result<Value, Error> {
        self.0.get_json(&["Metadata"]).await
    }

    /// One part of the metadata by dotted path, such as
    /// `entityDefs.Lead.fields.status.options`; `None` where there is none (the
    /// server answers with an empty body).
    ///
    /// # Errors
    /// As any request.
    pub async fn metadata_at(&self, path: &str) -> Result<Option<Value>, Error> {
        let request = Request::new(Method::GET, &["Metadata"]).query("key", path);
        let response = self.0.send(request).await?;
        if response.body().is_empty() {
            return Ok(None);
        }
        response.json()
    }

    /// Labels: scope → category → names (`GET I18n`). `default_language` asks
    /// for the instance's language instead of the user's. Empty maps are `[]`.
    ///
    /// # Errors
    /// As any request.
    pub async fn i18n(&self, default_language: bool) -> Result<Value, Error> {
        let mut request = Request::new(Method::GET, &["I18n"]);
        if default_language {
            request = request.query("default", true);
        }
        self.0.send(request).await?.json()
    }

    /// The server's own OpenAPI description (`GET OpenApi`, since 9.3), for
    /// administrators and users with that scope.
    ///
    /// # Errors
    /// As any request; not found before 9.3.
    pub async fn open_api(&self, skip_custom: bool) -> Result<Value, Error> {
        let mut request = Request::new(Method::GET, &["OpenApi"]);
        if skip_custom {
            request = request.query("skipCustom", true);
        }
        self.0.send(request).await?.json()
    }

    /// Searches the entity types that the instance lists for it
    /// (`GET GlobalSearch`). Records hold `id`, `name`, `_scope`; not counted.
    ///
    /// # Errors
    /// As any request; an empty text is a 400.
    pub async fn global_search(
        &self,
        text: &str,
        offset: u64,
        max_size: u32,
    ) -> Result<JsonPage, Error> {
        let request = Request::new(Method::GET, &["GlobalSearch"])
            .query("q", text)
            .query("offset", offset)
            .query("maxSize", max_size);
        self.0.send(request).await?.json()
    }

    /// What the user looked at last (`GET LastViewed`).
    ///
    /// # Errors
    /// As any request.
    pub async fn last_viewed(&self) -> Result<JsonPage, Error> {
        self.0.get_json(&["LastViewed"]).await
    }
}

#[cfg(test)]
mod tests {
    use super::About;

    #[test]
    fn versions_are_numbers_where_they_can_be() {
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

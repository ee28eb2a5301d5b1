//! Preferences and the security of users.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// One user's preferences and security; see [`Client::user`].
#[derive(Clone, Debug)]
pub struct User<'c> {
    client: &'c Client,
    id: String,
}

impl Client {
    /// Preferences and security of one user.
    pub fn user(&self, id: impl Into<String>) -> User<'_> {
        User {
            client: self,
            id: id.into(),
        }
    }

    /// Changes the password of the user of the credentials
    /// (`PUT UserSecurity/password`). The client goes on with the token it has.
    ///
    /// # Errors
    /// As any request; forbidden when the current password is wrong or the new
    /// one too weak.
    pub async fn change_password(
        &self,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<(), Error> {
        let body = json!({
            "currentPassword": current.expose_secret(),
            "password": new.expose_secret(),
        });
        self.perform(Method::PUT, &["UserSecurity", "password"], Some(&body))
            .await
    }
}

impl User<'_> {
    /// The user's preferences.
    ///
    /// # Errors
    /// As any request; forbidden for those of others.
    pub async fn preferences(&self) -> Result<JsonObject, Error> {
        self.client.get_json(&["Preferences", &self.id]).await
    }

    /// Changes preferences and answers all of them.
    ///
    /// # Errors
    /// As any request.
    pub async fn update_preferences(&self, values: &JsonObject) -> Result<JsonObject, Error> {
        let request = Request::new(Method::PUT, &["Preferences", &self.id]).json(values);
        self.client.send(request).await?.json()
    }

    /// Sets the preferences back to the defaults.
    ///
    /// # Errors
    /// As any request.
    pub async fn reset_preferences(&self) -> Result<(), Error> {
        self.client
            .perform(Method::DELETE, &["Preferences", &self.id], None)
            .await
    }

    /// What the user may do, as an administrator sees it (`GET User/{id}/acl`).
    ///
    /// # Errors
    /// As any request.
    pub async fn acl(&self) -> Result<JsonObject, Error> {
        self.client.get_json(&["User", &self.id, "acl"]).await
    }

    /// Gives an API user a new key, or key and secret (administrators); the old
    /// ones stop working at once. Answers the user's record, secrets included.
    ///
    /// # Errors
    /// As any request.
    pub async fn generate_api_key(&self) -> Result<JsonObject, Error> {
        let path = ["UserSecurity", "apiKey", "generate"];
        self.client
            .call_json(Method::POST, &path, &json!({"id": self.id}))
            .await
    }

    /// Makes a new password and mails it to the user (administrators).
    ///
    /// # Errors
    /// As any request.
    pub async fn generate_password(&self) -> Result<(), Error> {
        let path = ["UserSecurity", "password", "generate"];
        self.client
            .perform(Method::POST, &path, Some(&json!({"id": self.id})))
            .await
    }

    /// Mails the user a link for a new password (administrators).
    ///
    /// # Errors
    /// As any request.
    pub async fn send_password_link(&self) -> Result<(), Error> {
        let path = ["UserSecurity", "password", "recovery"];
        self.client
            .perform(Method::POST, &path, Some(&json!({"id": self.id})))
            .await
    }

    /// The user's second-factor settings.
    ///
    /// # Errors
    /// As any request.
    pub async fn security(&self) -> Result<JsonObject, Error> {
        self.client.get_json(&["UserSecurity", &self.id]).await
    }

    /// Changes the user's second-factor settings.
    ///
    /// # Errors
    /// As any request.
    pub async fn update_security(&self, values: &JsonObject) -> Result<JsonObject, Error> {
        let request = Request::new(Method::PUT, &["UserSecurity", &self.id]).json(values);
        self.client.send(request).await?.json()
    }
}

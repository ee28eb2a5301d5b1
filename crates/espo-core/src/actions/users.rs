use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::typed::roles::UserAccount;
use crate::typed::{Editable, RecordRef, Schema, decode_record};

impl Client {
    /// Changes the password of the current user (`PUT UserSecurity/password`). The server ends all tokens of that
    /// user; this client logs in again with the new password. Other clients of this user must be built again.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Fails with [`Error::is_forbidden`] if the current password is wrong or
    /// the new one is too weak.
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
            .await?;
        self.engine.auth.password_changed(new)
    }
}

/// The preferences of the generated crate of `U`.
type Preferences<U> = <<U as Editable>::Schema as Schema>::Preferences;

impl<U: UserAccount> RecordRef<U>
where
    Preferences<U>: Editable,
{
    /// Reads the user's preferences.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for preferences of other users.
    pub async fn preferences(&self) -> Result<Preferences<U>, Error> {
        let request = Request::new(Method::GET, &["Preferences", self.id().as_str()]);
        decode_record(&self.client().send(request).await?)
    }

    /// Changes the user's preferences. Returns all preferences.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::preferences`].
    pub async fn update_preferences(
        &self,
        patch: <Preferences<U> as Editable>::Patch,
    ) -> Result<Preferences<U>, Error> {
        let values: JsonObject = patch.into();
        let request = Request::new(Method::PUT, &["Preferences", self.id().as_str()]).json(&values);
        decode_record(&self.client().send(request).await?)
    }
}

impl<U: UserAccount> RecordRef<U> {
    /// Resets the user's preferences to the defaults.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for preferences of other users.
    pub async fn reset_preferences(&self) -> Result<(), Error> {
        let path = ["Preferences", self.id().as_str()];
        self.client().perform(Method::DELETE, &path, None).await
    }

    /// Reads the user's rights (`GET User/{id}/acl`, administrators): `table` by scope, `fieldTable`, permissions.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights.
    pub async fn acl(&self) -> Result<JsonObject, Error> {
        self.client().get_json(&self.path(&["acl"])).await
    }

    /// Generates a new API key, and a new secret key for HMAC, for an API user (administrators). The old ones stop
    /// working immediately. Returns the user's record, which contains them.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights.
    pub async fn generate_api_key(&self) -> Result<U, Error> {
        let request = Request::new(Method::POST, &["UserSecurity", "apiKey", "generate"])
            .json(&json!({"id": self.id().as_str()}));
        decode_record(&self.client().send(request).await?)
    }

    /// Generates a new password and emails it to the user (administrators).
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights, and if the instance cannot send
    /// emails.
    pub async fn generate_password(&self) -> Result<(), Error> {
        let path = ["UserSecurity", "password", "generate"];
        let body = json!({"id": self.id().as_str()});
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }

    /// Emails the user a link for choosing a new password (administrators).
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights, and with 500 if the user has no
    /// email address.
    pub async fn send_password_link(&self) -> Result<(), Error> {
        let path = ["UserSecurity", "password", "recovery"];
        let body = json!({"id": self.id().as_str()});
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }

    /// Reads the user's second-factor settings.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for API users, and for other users' settings without administrator rights.
    pub async fn security(&self) -> Result<JsonObject, Error> {
        let path = ["UserSecurity", self.id().as_str()];
        self.client().get_json(&path).await
    }

    /// Changes the user's second-factor settings. Returns all of these settings.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::security`].
    pub async fn update_security(&self, values: &JsonObject) -> Result<JsonObject, Error> {
        let path = ["UserSecurity", self.id().as_str()];
        let request = Request::new(Method::PUT, &path).json(values);
        self.client().send(request).await?.json()
    }
}

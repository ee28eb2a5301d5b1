//! The user's notifications.

use http::Method;

use super::JsonPage;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use serde_json::Value;

/// Notifications; see [`Client::notifications`].
#[derive(Clone, Copy, Debug)]
pub struct Notifications<'c>(&'c Client);

impl Client {
    /// The user's notifications.
    pub fn notifications(&self) -> Notifications<'_> {
        Notifications(self)
    }
}

impl Notifications<'_> {
    /// A page, newest first; not counted, and `where` has no effect on it.
    ///
    /// # Errors
    /// As any request.
    pub async fn list(&self, offset: u64, max_size: u32) -> Result<JsonPage, Error> {
        let request = Request::new(Method::GET, &["Notification"])
            .query("offset", offset)
            .query("maxSize", max_size);
        self.0.send(request).await?.json()
    }

    /// How many are not read.
    ///
    /// # Errors
    /// As any request.
    pub async fn unread_count(&self) -> Result<u64, Error> {
        self.0
            .get_json(&["Notification", "action", "notReadCount"])
            .await
    }

    /// Marks all as read.
    ///
    /// # Errors
    /// As any request.
    pub async fn mark_all_read(&self) -> Result<(), Error> {
        let path = ["Notification", "action", "markAllRead"];
        self.0
            .perform(
                Method::POST,
                &path,
                Some(&Value::Object(Default::default())),
            )
            .await
    }

    /// The notifications that a grouped one stands for (since 9.2).
    ///
    /// # Errors
    /// As any request.
    pub async fn group(&self, id: impl AsRef<str>) -> Result<JsonPage, Error> {
        self.0
            .get_json(&["Notification", id.as_ref(), "group"])
            .await
    }
}

//! The notifications of the user. They are read with a normal list, newest first: `crm.list::<Notification>()`.

use http::Method;
use serde_json::json;

use super::PagedRequest;
use crate::error::Error;
use crate::typed::roles::UserNotification;
use crate::typed::{RecordRef, Records};

/// The kind of a group of notifications (EspoCRM 10.0 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupKind {
    /// Stream notes.
    Note,
    /// Received emails.
    EmailReceived,
}

impl GroupKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::EmailReceived => "EmailReceived",
        }
    }
}

impl<N: UserNotification> Records<N> {
    /// Returns the number of unread notifications.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn unread_count(&self) -> Result<u64, Error> {
        let path = self.path(&["action", "notReadCount"]);
        self.client().get_json(&path).await
    }

    /// Marks all notifications as read.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn mark_all_read(&self) -> Result<(), Error> {
        let path = self.path(&["action", "markAllRead"]);
        self.client()
            .perform(Method::POST, &path, Some(&json!({})))
            .await
    }

    /// Lists a group of notifications (EspoCRM 10.0 and later): those about one note or email. `id` is the ID of the
    /// group.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] before EspoCRM 10.0.
    pub fn grouped(&self, kind: GroupKind, id: &str) -> PagedRequest<N> {
        PagedRequest::new(self.client(), &self.path(&["group"]))
            .query("type", kind.as_str())
            .query("id", id)
    }
}

impl<N: UserNotification> RecordRef<N> {
    /// Lists the notifications that a grouped one contains (EspoCRM 9.2 and later).
    pub fn group(&self) -> PagedRequest<N> {
        PagedRequest::new(self.client(), &self.path(&["group"]))
    }

    /// Deletes the notification's group (EspoCRM 10.0 and later).
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] before EspoCRM 10.0.
    pub async fn delete_group(&self) -> Result<(), Error> {
        let path = self.records().path(&["group", self.id().as_str()]);
        self.client().perform(Method::DELETE, &path, None).await
    }

    /// Marks the notification's group as read (EspoCRM 10.0 and later).
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] before EspoCRM 10.0, and with 400 for an ID that does not belong to a group.
    pub async fn mark_group_read(&self) -> Result<(), Error> {
        let path = self
            .records()
            .path(&["group", self.id().as_str(), "markRead"]);
        self.client().perform(Method::POST, &path, None).await
    }
}

//! The e-mail inbox of the user.

use http::Method;
use serde_json::{Value, json};

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// The inbox; see [`Client::inbox`]. To send an e-mail, create an `Email` with
/// the status `Sending`.
#[derive(Clone, Copy, Debug)]
pub struct Inbox<'c>(&'c Client);

/// A mark that e-mails carry for each user apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Has been read.
    Read,
    /// Is important.
    Important,
    /// Is in the trash.
    InTrash,
}

impl Mark {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Important => "important",
            Self::InTrash => "inTrash",
        }
    }
}

impl Client {
    /// The user's e-mail inbox.
    pub fn inbox(&self) -> Inbox<'_> {
        Inbox(self)
    }
}

fn ids<I>(of: I) -> Value
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let ids: Vec<String> = of.into_iter().map(|id| id.as_ref().to_owned()).collect();
    json!({"ids": ids})
}

impl Inbox<'_> {
    /// Puts a mark on e-mails.
    ///
    /// # Errors
    /// As any request.
    pub async fn mark<I>(&self, mark: Mark, email_ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let path = ["Email", "inbox", mark.as_str()];
        self.0
            .perform(Method::POST, &path, Some(&ids(email_ids)))
            .await
    }

    /// Takes a mark off e-mails.
    ///
    /// # Errors
    /// As any request.
    pub async fn unmark<I>(&self, mark: Mark, email_ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let path = ["Email", "inbox", mark.as_str()];
        self.0
            .perform(Method::DELETE, &path, Some(&ids(email_ids)))
            .await
    }

    /// Marks every e-mail as read.
    ///
    /// # Errors
    /// As any request.
    pub async fn mark_all_read(&self) -> Result<(), Error> {
        self.0
            .perform(
                Method::POST,
                &["Email", "inbox", "read"],
                Some(&json!({"all": true})),
            )
            .await
    }

    /// Moves e-mails into a folder (`inbox`, `archive` or a folder's id).
    ///
    /// # Errors
    /// As any request.
    pub async fn move_to<I>(&self, folder_id: &str, email_ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let path = ["Email", "inbox", "folders", folder_id];
        self.0
            .perform(Method::POST, &path, Some(&ids(email_ids)))
            .await
    }

    /// How many e-mails are not read, by folder.
    ///
    /// # Errors
    /// As any request.
    pub async fn unread_counts(&self) -> Result<JsonObject, Error> {
        self.0.get_json(&["Email", "inbox", "notReadCounts"]).await
    }

    /// Fills a template in for a record: subject, body, attachments. `members`
    /// are `relatedType`, `relatedId`, `parentType`, `parentId`, `emailAddress`.
    ///
    /// # Errors
    /// As any request.
    pub async fn prepare_template(
        &self,
        template_id: impl AsRef<str>,
        members: &JsonObject,
    ) -> Result<JsonObject, Error> {
        let path = ["EmailTemplate", template_id.as_ref(), "prepare"];
        let request = Request::new(Method::POST, &path).json(members);
        self.0.send(request).await?.json()
    }

    /// Addresses that begin with a text.
    ///
    /// # Errors
    /// As any request.
    pub async fn search_addresses(
        &self,
        text: &str,
        max_size: u32,
    ) -> Result<Vec<JsonObject>, Error> {
        let request = Request::new(Method::GET, &["EmailAddress", "search"])
            .query("q", text)
            .query("maxSize", max_size);
        self.0.send(request).await?.json()
    }
}

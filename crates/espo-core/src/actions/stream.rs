//! The stream: notes on records and to people.

use std::borrow::Cow;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::JsonPage;
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::total::Total;

/// Notes; see [`Client::stream`].
#[derive(Clone, Copy, Debug)]
pub struct Stream<'c>(&'c Client);

impl Client {
    /// Notes: reading streams, posting, pinning, reacting.
    pub fn stream(&self) -> Stream<'_> {
        Stream(self)
    }
}

/// A note, with the attributes that matter for reading a stream; all others are
/// in `other`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Note {
    /// The note's id.
    pub id: String,
    /// Grows with every note; the order of a stream.
    #[serde(default)]
    pub number: Option<u64>,
    /// `Post`, `Update`, `Status`, `Create`, `CreateRelated`, `Relate`,
    /// `Unrelate`, `Assign`, `EmailReceived`, `EmailSent`, or what an extension adds.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The text of a post, in Markdown.
    #[serde(default)]
    pub post: Option<String>,
    /// What happened, by `kind`: an update has `fields` and
    /// `attributes: {was, became}`. An object, or null.
    #[serde(default)]
    pub data: Value,
    /// The entity type of the record that the note is on.
    #[serde(default)]
    pub parent_type: Option<String>,
    /// The id of the record that the note is on.
    #[serde(default)]
    pub parent_id: Option<String>,
    /// The name of the record that the note is on.
    #[serde(default)]
    pub parent_name: Option<String>,
    /// Who caused it.
    #[serde(default)]
    pub created_by_id: Option<String>,
    /// The name of who caused it.
    #[serde(default)]
    pub created_by_name: Option<String>,
    /// When, in UTC, as the server writes it (`YYYY-MM-DD HH:MM:SS`).
    #[serde(default)]
    pub created_at: Option<String>,
    /// Everything else that the server sent.
    #[serde(flatten)]
    pub other: JsonObject,
}

/// A page of a stream, newest first.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NotePage {
    /// How many there are; a user's own stream is not counted.
    pub total: Total,
    /// This page's notes.
    pub list: Vec<Note>,
    /// Pinned notes of a record, on its first page.
    #[serde(default)]
    pub pinned_list: Vec<Note>,
    /// What to send as `reactionsAfter` to learn of reactions later.
    #[serde(default)]
    pub reactions_check_date: Option<String>,
}

/// Which part of a stream to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StreamQuery {
    offset: Option<u64>,
    max_size: Option<u32>,
    after: Option<String>,
    before_number: Option<u64>,
    filter: Option<Cow<'static, str>>,
    skip_own: bool,
}

impl StreamQuery {
    /// From the newest note on, as many as the server gives.
    pub fn new() -> Self {
        Self::default()
    }

    /// Skips notes. [`StreamQuery::before_number`] is steadier while others post.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Limits the page, to 200 at most.
    pub fn max_size(mut self, max_size: u32) -> Self {
        self.max_size = Some(max_size);
        self
    }

    /// Only notes later than this instant.
    pub fn after(mut self, instant: jiff::Timestamp) -> Self {
        self.after = Some(instant.strftime("%Y-%m-%d %H:%M:%S").to_string());
        self
    }

    /// Only notes whose number is below this.
    pub fn before_number(mut self, number: u64) -> Self {
        self.before_number = Some(number);
        self
    }

    /// Only posts.
    pub fn posts(mut self) -> Self {
        self.filter = Some(Cow::Borrowed("posts"));
        self
    }

    /// Only updates.
    pub fn updates(mut self) -> Self {
        self.filter = Some(Cow::Borrowed("updates"));
        self
    }

    /// Leaves out what the user did.
    pub fn skip_own(mut self) -> Self {
        self.skip_own = true;
        self
    }

    fn apply(&self, mut request: Request) -> Request {
        if let Some(offset) = self.offset {
            request = request.query("offset", offset);
        }
        if let Some(max_size) = self.max_size {
            request = request.query("maxSize", max_size);
        }
        if let Some(after) = &self.after {
            request = request.query("after", after);
        }
        if let Some(number) = self.before_number {
            request = request.query("beforeNumber", number);
        }
        if let Some(filter) = &self.filter {
            request = request.query("filter", filter);
        }
        if self.skip_own {
            request = request.query("skipOwn", true);
        }
        request
    }
}

/// A post to be written: to a record or to people.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct NewPost(JsonObject);

impl NewPost {
    fn new(text: impl Into<String>) -> Self {
        let mut members = JsonObject::new();
        members.insert("type".to_owned(), json!("Post"));
        members.insert("post".to_owned(), Value::String(text.into()));
        Self(members)
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// A post on a record. The text is Markdown; `@userName` mentions.
    pub fn on(
        entity_type: impl Into<String>,
        id: impl AsRef<str>,
        text: impl Into<String>,
    ) -> Self {
        Self::new(text)
            .with("parentType", Value::String(entity_type.into()))
            .with("parentId", json!(id.as_ref()))
    }

    /// A post to all users.
    pub fn to_all(text: impl Into<String>) -> Self {
        Self::new(text).with("targetType", json!("all"))
    }

    /// A post to oneself.
    pub fn to_self(text: impl Into<String>) -> Self {
        Self::new(text).with("targetType", json!("self"))
    }

    fn to_ids<I>(text: impl Into<String>, target: &str, key: &str, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let ids: Vec<String> = ids.into_iter().map(|id| id.as_ref().to_owned()).collect();
        Self::new(text)
            .with("targetType", json!(target))
            .with(key, json!(ids))
    }

    /// A post to these users.
    pub fn to_users<I>(text: impl Into<String>, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::to_ids(text, "users", "usersIds", ids)
    }

    /// A post to these teams.
    pub fn to_teams<I>(text: impl Into<String>, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::to_ids(text, "teams", "teamsIds", ids)
    }

    /// A post to the users of these portals.
    pub fn to_portals<I>(text: impl Into<String>, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::to_ids(text, "portals", "portalsIds", ids)
    }

    /// Hides the post from portal users.
    pub fn internal(self) -> Self {
        self.with("isInternal", json!(true))
    }

    /// Attaches files, uploaded before for `Note.attachments`.
    pub fn attachments<I>(self, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let ids: Vec<String> = ids.into_iter().map(|id| id.as_ref().to_owned()).collect();
        self.with("attachmentsIds", json!(ids))
    }
}

impl Stream<'_> {
    async fn notes(&self, path: &[&str], query: &StreamQuery) -> Result<NotePage, Error> {
        let request = query.apply(Request::new(Method::GET, path));
        self.0.send(request).await?.json()
    }

    /// The user's own stream (`GET Stream`).
    ///
    /// # Errors
    /// As any request.
    pub async fn own(&self, query: &StreamQuery) -> Result<NotePage, Error> {
        self.notes(&["Stream"], query).await
    }

    /// Everybody's stream (`GET GlobalStream`); needs that scope.
    ///
    /// # Errors
    /// As any request.
    pub async fn global(&self, query: &StreamQuery) -> Result<NotePage, Error> {
        self.notes(&["GlobalStream"], query).await
    }

    /// What a user did (`GET User/{id}/stream/own`).
    ///
    /// # Errors
    /// As any request.
    pub async fn by_user(
        &self,
        user_id: impl AsRef<str>,
        query: &StreamQuery,
    ) -> Result<NotePage, Error> {
        self.notes(&["User", user_id.as_ref(), "stream", "own"], query)
            .await
    }

    /// A record's stream, pinned notes included.
    ///
    /// # Errors
    /// As any request.
    pub async fn of(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        query: &StreamQuery,
    ) -> Result<NotePage, Error> {
        self.notes(&[entity_type, id.as_ref(), "stream"], query)
            .await
    }

    /// A record's posts alone.
    ///
    /// # Errors
    /// As any request.
    pub async fn posts_of(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        query: &StreamQuery,
    ) -> Result<NotePage, Error> {
        self.notes(&[entity_type, id.as_ref(), "posts"], query)
            .await
    }

    /// A record's audit log; needs the `audit` permission.
    ///
    /// # Errors
    /// As any request.
    pub async fn updates_of(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        query: &StreamQuery,
    ) -> Result<NotePage, Error> {
        self.notes(&[entity_type, id.as_ref(), "updateStream"], query)
            .await
    }

    /// The attachments in a record's stream (since 9.1).
    ///
    /// # Errors
    /// As any request.
    pub async fn attachments_of(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        offset: u64,
        max_size: u32,
    ) -> Result<JsonPage, Error> {
        let request = Request::new(
            Method::GET,
            &[entity_type, id.as_ref(), "streamAttachments"],
        )
        .query("offset", offset)
        .query("maxSize", max_size);
        self.0.send(request).await?.json()
    }

    /// Writes a post.
    ///
    /// # Errors
    /// As any request; forbidden when the record cannot be read or the user may
    /// not message the addressees.
    pub async fn post(&self, post: &NewPost) -> Result<Note, Error> {
        let request = Request::new(Method::POST, &["Note"]).json(&post.0);
        self.0.send(request).await?.json()
    }

    /// One note.
    ///
    /// # Errors
    /// As any request.
    pub async fn read(&self, note_id: impl AsRef<str>) -> Result<Note, Error> {
        self.0.get_json(&["Note", note_id.as_ref()]).await
    }

    /// Changes a post's text; within 7 days unless the instance says otherwise.
    ///
    /// # Errors
    /// As any request.
    pub async fn edit(&self, note_id: impl AsRef<str>, text: &str) -> Result<Note, Error> {
        let body = json!({"post": text});
        self.0
            .call_json(Method::PUT, &["Note", note_id.as_ref()], &body)
            .await
    }

    /// Deletes a note.
    ///
    /// # Errors
    /// As any request.
    pub async fn delete(&self, note_id: impl AsRef<str>) -> Result<(), Error> {
        self.0
            .perform(Method::DELETE, &["Note", note_id.as_ref()], None)
            .await
    }

    /// Pins a note to its record; at most five at a time.
    ///
    /// # Errors
    /// As any request; the sixth is forbidden (`pinnedMaxCountExceeded`).
    pub async fn pin(&self, note_id: impl AsRef<str>) -> Result<(), Error> {
        self.0
            .perform(Method::POST, &["Note", note_id.as_ref(), "pin"], None)
            .await
    }

    /// Takes a pin off.
    ///
    /// # Errors
    /// As any request.
    pub async fn unpin(&self, note_id: impl AsRef<str>) -> Result<(), Error> {
        self.0
            .perform(Method::DELETE, &["Note", note_id.as_ref(), "pin"], None)
            .await
    }

    /// Reacts to a note (since 9.0); stock instances know `Like`.
    ///
    /// # Errors
    /// As any request.
    pub async fn react(&self, note_id: impl AsRef<str>, reaction: &str) -> Result<(), Error> {
        let path = ["Note", note_id.as_ref(), "myReactions", reaction];
        self.0.perform(Method::POST, &path, None).await
    }

    /// Takes a reaction back.
    ///
    /// # Errors
    /// As any request.
    pub async fn unreact(&self, note_id: impl AsRef<str>, reaction: &str) -> Result<(), Error> {
        let path = ["Note", note_id.as_ref(), "myReactions", reaction];
        self.0.perform(Method::DELETE, &path, None).await
    }

    /// Who reacted so to a note.
    ///
    /// # Errors
    /// As any request.
    pub async fn reactors(
        &self,
        note_id: impl AsRef<str>,
        reaction: &str,
    ) -> Result<JsonPage, Error> {
        self.0
            .get_json(&["Note", note_id.as_ref(), "reactors", reaction])
            .await
    }
}

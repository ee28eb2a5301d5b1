//! Streams: reading notes, posting, pinning and reacting.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::instant;
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::total::Total;
use crate::typed::roles::{HasStream, StreamNote, UploadedFile, UserAccount};
use crate::typed::{
    BoxStream, Decode, DecodeError, IntoId, RecordRef, Records, Schema, decode_error_in_page,
    decode_page, decode_record, texts,
};

/// A page of a stream, newest note first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamPage<N> {
    /// The notes of this page.
    pub notes: Vec<N>,
    /// The number of notes. The server does not count a user's own stream.
    pub total: Total,
    /// The pinned notes of a record; only on the first page of its stream.
    pub pinned: Vec<N>,
    /// The notes of this page that cannot be decoded.
    pub rejected: Vec<DecodeError>,
    /// The value to pass to [`StreamRequest::reactions_after`] to receive later reactions (EspoCRM 9.0 and later).
    pub reactions_check_date: Option<String>,
}

/// A stream that has not been read yet.
///
/// Awaiting it returns one [`StreamPage`]; [`StreamRequest::stream`] returns all notes.
#[must_use = "nothing is sent until the request is awaited or turned into a stream"]
pub struct StreamRequest<N> {
    client: Client,
    request: Request,
    max_size: Option<u32>,
    offset: Option<u64>,
    before_number: Option<u64>,
    marker: PhantomData<fn() -> N>,
}

impl<N> Clone for StreamRequest<N> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            request: self.request.clone(),
            max_size: self.max_size,
            offset: self.offset,
            before_number: self.before_number,
            marker: PhantomData,
        }
    }
}

impl<N> fmt::Debug for StreamRequest<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRequest")
            .field("request", &self.request)
            .field("max_size", &self.max_size)
            .field("offset", &self.offset)
            .field("before_number", &self.before_number)
            .finish_non_exhaustive()
    }
}

impl<N> StreamRequest<N> {
    fn new(client: &Client, path: &[&str]) -> Self {
        Self {
            client: client.clone(),
            request: Request::new(Method::GET, path),
            max_size: None,
            offset: None,
            before_number: None,
            marker: PhantomData,
        }
    }

    fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Limits the size of a page, to at most 200.
    pub fn max_size(mut self, notes: u32) -> Self {
        self.max_size = Some(notes);
        self
    }

    /// Skips this number of notes. If other users may post meanwhile, use [`StreamRequest::before_number`] instead.
    pub fn offset(mut self, notes: u64) -> Self {
        self.offset = Some(notes);
        self
    }

    /// Requests only notes whose number is below this one.
    pub fn before_number(mut self, number: u64) -> Self {
        self.before_number = Some(number);
        self
    }

    /// Requests only notes later than this instant.
    pub fn after(self, time: jiff::Timestamp) -> Self {
        self.query("after", instant(time))
    }

    /// Requests only posts.
    pub fn only_posts(self) -> Self {
        self.query("filter", "posts")
    }

    /// Requests only updates.
    pub fn only_updates(self) -> Self {
        self.query("filter", "updates")
    }

    /// Leaves out notes about actions of the current user.
    pub fn skip_own(self) -> Self {
        self.query("skipOwn", true)
    }

    /// Also returns changed reactions since the [`StreamPage::reactions_check_date`] of an earlier page.
    pub fn reactions_after(self, check_date: &str) -> Self {
        self.query("reactionsAfter", check_date)
    }
}

impl<N: Decode> StreamRequest<N> {
    /// Reads one page, and returns it with the number of its last note.
    async fn page(self) -> Result<(StreamPage<N>, Option<u64>), Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Extras {
            list: Vec<Numbered>,
            #[serde(default)]
            pinned_list: Vec<Value>,
            #[serde(default)]
            reactions_check_date: Option<String>,
        }
        #[derive(Deserialize)]
        struct Numbered {
            #[serde(default)]
            number: Option<u64>,
        }
        let mut request = self.request;
        let max_size = self.max_size.map(u64::from);
        let parameters = [
            ("offset", self.offset),
            ("maxSize", max_size),
            ("beforeNumber", self.before_number),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        let response = self.client.send(request).await?;
        let page = decode_page::<N>(&response)?;
        let extras: Extras = response.json()?;
        let last = extras.list.last().and_then(|note| note.number);
        let mut rejected = page.rejected;
        let mut pinned = Vec::with_capacity(extras.pinned_list.len());
        for note in extras.pinned_list {
            match N::decode_value(note) {
                Ok(note) => pinned.push(note),
                Err(error) => rejected.push(error),
            }
        }
        let page = StreamPage {
            notes: page.records,
            total: page.total,
            pinned,
            rejected,
            reactions_check_date: extras.reactions_check_date,
        };
        Ok((page, last))
    }

    /// Requests one page.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to see the stream. Also returns the errors of
    /// [`Client::send`].
    pub async fn send(self) -> Result<StreamPage<N>, Error> {
        Ok(self.page().await?.0)
    }

    /// Returns a stream of all notes, newest first, each exactly once, even if other users post meanwhile. Memory use
    /// is constant.
    ///
    /// A note that cannot be decoded is an error that follows the notes of its page. Pinned notes appear only in
    /// their normal position.
    pub fn stream(self) -> BoxStream<N> {
        let pages = stream::try_unfold(Some(self), |request| async move {
            let Some(request) = request else {
                return Ok(None);
            };
            let before = request.before_number;
            let mut next = request.clone();
            let (page, last) = request.page().await?;
            next.before_number = last;
            // The offset applies to the first page only; later pages continue by number.
            next.offset = None;
            // Unless the number decreases, the same page would be requested in an endless loop.
            let falls = last.is_some_and(|last| before.is_none_or(|before| last < before));
            Ok::<_, Error>(Some((page, falls.then_some(next))))
        });
        Box::pin(
            pages
                .map_ok(|page: StreamPage<N>| {
                    let rejected = page
                        .rejected
                        .into_iter()
                        .map(|error| Err(decode_error_in_page(error)));
                    let notes: Vec<_> = page.notes.into_iter().map(Ok).chain(rejected).collect();
                    stream::iter(notes)
                })
                .try_flatten()
                .boxed(),
        )
    }
}

impl<N: Decode> IntoFuture for StreamRequest<N> {
    type Output = Result<StreamPage<N>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A post that has not been written yet; awaiting it writes it and returns the note.
#[must_use = "nothing is sent until the request is awaited"]
pub struct PostRequest<S> {
    client: Client,
    body: JsonObject,
    schema: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for PostRequest<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostRequest").field(&self.body).finish()
    }
}

impl<S> PostRequest<S> {
    fn new(client: &Client, text: String) -> Self {
        let request = Self {
            client: client.clone(),
            body: JsonObject::new(),
            schema: PhantomData,
        };
        request
            .with("type", json!("Post"))
            .with("post", json!(text))
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.body.insert(key.to_owned(), value);
        self
    }

    /// Hides the post from portal users.
    pub fn internal(self) -> Self {
        self.with("isInternal", json!(true))
    }

    /// Attaches files, which were uploaded for the notes' `attachments` field.
    pub fn attach<A: UploadedFile>(self, files: impl IntoIterator<Item = impl IntoId<A>>) -> Self {
        self.with("attachmentsIds", json!(texts(files)))
    }
}

impl<S: Schema> PostRequest<S> {
    /// Addresses the post to these users instead of all users.
    pub fn to_users(self, users: impl IntoIterator<Item = impl IntoId<S::User>>) -> Self {
        self.with("targetType", json!("users"))
            .with("usersIds", json!(texts(users)))
    }

    /// Addresses the post to teams.
    pub fn to_teams(self, teams: impl IntoIterator<Item = impl IntoId<S::Team>>) -> Self {
        self.with("targetType", json!("teams"))
            .with("teamsIds", json!(texts(teams)))
    }

    /// Addresses the post to the users of portals.
    pub fn to_portals(self, portals: impl IntoIterator<Item = impl IntoId<S::Portal>>) -> Self {
        self.with("targetType", json!("portals"))
            .with("portalsIds", json!(texts(portals)))
    }

    /// Addresses the post to the current user.
    pub fn to_self(self) -> Self {
        self.with("targetType", json!("self"))
    }

    /// Writes the post.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] if the record cannot be read, or the user may not message the recipients.
    pub async fn send(self) -> Result<S::Note, Error>
    where
        S::Note: Decode,
    {
        let request = Request::new(Method::POST, &["Note"]).json(&self.body);
        decode_record(&self.client.send(request).await?)
    }
}

impl<S: Schema> IntoFuture for PostRequest<S>
where
    S::Note: Decode,
{
    type Output = Result<S::Note, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<R: HasStream> RecordRef<R> {
    /// Returns the record's stream, newest note first.
    pub fn stream(&self) -> StreamRequest<<R::Schema as Schema>::Note> {
        StreamRequest::new(self.client(), &self.path(&["stream"]))
    }

    /// Returns the posts of the record's stream, newest first.
    pub fn posts(&self) -> StreamRequest<<R::Schema as Schema>::Note> {
        StreamRequest::new(self.client(), &self.path(&["posts"]))
    }

    /// Returns the record's audit log; requires the `audit` permission.
    pub fn updates(&self) -> StreamRequest<<R::Schema as Schema>::Note> {
        StreamRequest::new(self.client(), &self.path(&["updateStream"]))
    }

    /// Writes a post on the record. The text is Markdown; `@userName` mentions a user.
    pub fn post(&self, text: impl Into<String>) -> PostRequest<R::Schema> {
        PostRequest::new(self.client(), text.into())
            .with("parentType", json!(self.entity_type()))
            .with("parentId", json!(self.id().as_str()))
    }
}

impl<N: StreamNote> Records<N> {
    /// Returns the stream of the current user (`GET Stream`), newest note first.
    pub fn own_stream(&self) -> StreamRequest<N> {
        StreamRequest::new(self.client(), &["Stream"])
    }

    /// Returns the stream of all users (`GET GlobalStream`), newest note first; requires that scope.
    pub fn global_stream(&self) -> StreamRequest<N> {
        StreamRequest::new(self.client(), &["GlobalStream"])
    }

    /// Writes a post that belongs to no record: to all users, unless recipients are given. The text is Markdown.
    pub fn post(&self, text: impl Into<String>) -> PostRequest<N::Schema> {
        PostRequest::new(self.client(), text.into()).with("targetType", json!("all"))
    }
}

impl<U: UserAccount> RecordRef<U> {
    /// Returns the notes that the user caused (`GET User/{id}/stream/own`), newest first.
    pub fn own_stream(&self) -> StreamRequest<<U::Schema as Schema>::Note> {
        StreamRequest::new(self.client(), &self.path(&["stream", "own"]))
    }
}

impl<N: StreamNote> RecordRef<N> {
    /// Changes the text of a post. Users without administrator rights can do so within 7 days, unless the instance has
    /// another limit.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for posts of others and after the limit.
    pub async fn edit(&self, text: &str) -> Result<N, Error> {
        let request = self
            .request(Method::PUT, &[])
            .json(&json!({ "post": text }));
        decode_record(&self.client().send(request).await?)
    }

    /// Pins the note to its record, which can have at most five pinned notes.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for the sixth note (`pinnedMaxCountExceeded`), and for a note without a
    /// record.
    pub async fn pin(&self) -> Result<(), Error> {
        self.perform(Method::POST, &["pin"], None).await
    }

    /// Unpins the note.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit the note's record.
    pub async fn unpin(&self) -> Result<(), Error> {
        self.perform(Method::DELETE, &["pin"], None).await
    }

    /// Reacts to the note (EspoCRM 9.0 and later). Stock instances offer `Like`.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for a reaction that the instance does not offer.
    pub async fn react(&self, reaction: &str) -> Result<(), Error> {
        self.perform(Method::POST, &["myReactions", reaction], None)
            .await
    }

    /// Removes the user's reaction to the note.
    ///
    /// # Errors
    /// Same errors as [`RecordRef::react`].
    pub async fn unreact(&self, reaction: &str) -> Result<(), Error> {
        self.perform(Method::DELETE, &["myReactions", reaction], None)
            .await
    }

    /// Lists the users who reacted to the note in this way.
    pub fn reactors(&self, reaction: &str) -> super::PagedRequest<<N::Schema as Schema>::User> {
        super::PagedRequest::new(self.client(), &self.path(&["reactors", reaction]))
    }
}

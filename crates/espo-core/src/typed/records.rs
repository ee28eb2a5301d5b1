//! The operations on the records of one entity type, implemented once.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use http::Method;

use super::decode::{Decode, Page, index_of};
use super::id::Id;
use super::into_id::IntoId;
use super::list::ListRequest;
use super::projection::Projection;
use super::record::Entity;
use super::record_ref::RecordRef;
use super::schema::{Schema, Untyped};
use super::write::{Create, Update};
use crate::{Client, DecodeFault, Error, JsonObject, Outcome, Request, Response, Stage};

/// Records that can be created and updated: those of an [`Entity`], and [`JsonObject`] for entity types known only at
/// run time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity type of this crate",
    note = "enable the Cargo feature of the entity type, or generate it with `espo codegen`",
    note = "if an ID is given as a string, write `Id::<Account>::new(text)` for the ID of an `Account`"
)]
pub trait Editable: Decode {
    /// The record type for creates.
    type New: Into<JsonObject> + Send;
    /// The record type for updates.
    type Patch: Into<JsonObject> + Send;

    /// The other entity types that calls on these records return.
    type Schema: Schema;

    /// Returns the record's ID, if the response contained one.
    fn record_id(&self) -> Option<Id<Self>>;
}

impl<E: Entity> Editable for E {
    type New = E::New;
    type Patch = E::Patch;
    type Schema = E::Schema;

    fn record_id(&self) -> Option<Id<Self>> {
        Some(self.id().clone()).filter(|id| !id.as_str().is_empty())
    }
}

impl Editable for JsonObject {
    type New = JsonObject;
    type Patch = JsonObject;
    type Schema = Untyped;

    fn record_id(&self) -> Option<Id<Self>> {
        self.get("id")?.as_str().map(Id::new)
    }
}

/// The records of one entity type, as `R`.
///
/// [`Client::records`] returns it for an entity type known at compile time, [`Client::untyped`] for any other.
pub struct Records<R> {
    client: Client,
    entity_type: Cow<'static, str>,
    marker: PhantomData<fn() -> R>,
}

impl<R> Clone for Records<R> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            entity_type: self.entity_type.clone(),
            marker: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.entity_type).finish()
    }
}

impl Client {
    /// Returns the records of entity type `E`.
    pub fn records<E: Entity>(&self) -> Records<E> {
        Records {
            client: self.clone(),
            entity_type: Cow::Borrowed(E::ENTITY_TYPE),
            marker: PhantomData,
        }
    }

    /// Returns the records of an entity type that is known only at run time, as JSON.
    pub fn untyped(&self, entity_type: impl Into<Cow<'static, str>>) -> Records<JsonObject> {
        Records {
            client: self.clone(),
            entity_type: entity_type.into(),
            marker: PhantomData,
        }
    }

    /// Returns a reference to a record by ID, for its links and actions. Sends nothing.
    pub fn record<E: Entity>(&self, id: impl IntoId<E>) -> E::Ref {
        self.records::<E>().record(id).into()
    }

    /// Lists records. Awaiting it returns a page; [`ListRequest::stream`] returns all records.
    #[doc(alias("all", "find_all"))]
    pub fn list<E: Entity>(&self) -> ListRequest<E> {
        self.records().list()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if no record with that ID exists; see [`Client::read_opt`].
    pub async fn read<E: Entity>(&self, id: impl IntoId<E>) -> Result<E, Error> {
        self.records().read(id).await
    }

    /// Reads a record; returns `None` if no record with that ID exists.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the record cannot be decoded.
    pub async fn read_opt<E: Entity>(&self, id: impl IntoId<E>) -> Result<Option<E>, Error> {
        self.records().read_opt(id).await
    }

    /// Creates a record.
    ///
    /// The response contains the values that were sent and those that the server filled in, but not every attribute;
    /// read the record for the rest.
    #[doc(alias("insert"))]
    pub fn create<N: NewRecord>(&self, new: N) -> CreateRequest<N::Entity> {
        self.records::<N::Entity>().create(new)
    }

    /// Updates a record. Attributes that the patch neither sets nor clears are unchanged.
    #[doc(alias("save"))]
    pub fn update<E: Entity>(&self, id: impl IntoId<E>, patch: E::Patch) -> UpdateRequest<E> {
        self.records::<E>().update(id, patch)
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if no record with that ID exists.
    #[doc(alias = "remove")]
    pub async fn delete<E: Entity>(&self, id: impl IntoId<E>) -> Result<(), Error> {
        self.records::<E>().delete(id).await
    }
}

/// A value that a create accepts, with its entity type, so that `client.create(AccountNew::new("Acme"))` needs no type
/// annotation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not accepted by a create",
    note = "pass the `…New` struct of the entity type: `AccountNew::new(…)` for an `Account`"
)]
pub trait NewRecord {
    /// The entity type.
    type Entity: Entity<New = Self>;
}

impl<R> Records<R> {
    /// Returns the entity type's name.
    pub fn entity_type(&self) -> &str {
        &self.entity_type
    }

    /// Returns the client that sends the requests.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns a reference to a record by ID, for its links and actions. Sends nothing.
    pub fn record(&self, id: impl IntoId<R>) -> RecordRef<R> {
        RecordRef::new(self.clone(), id.into_id())
    }

    pub(crate) fn request(&self, method: Method, rest: &[&str]) -> Request {
        Request::new(method, &self.path(rest))
    }

    /// Returns the path of a route below the entity type's path.
    pub(crate) fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let mut segments = Vec::with_capacity(1 + rest.len());
        segments.push(&*self.entity_type);
        segments.extend_from_slice(rest);
        segments
    }
}

impl<R: Editable> Records<R> {
    /// Lists records. Awaiting it returns a page; [`ListRequest::stream`] returns all records.
    pub fn list(&self) -> ListRequest<R> {
        ListRequest::new(self.client.clone(), vec![self.entity_type.clone()])
    }

    /// Reads a record, with every attribute that the credentials may see.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if no record with that ID exists; see [`Records::read_opt`].
    pub async fn read(&self, id: impl IntoId<R>) -> Result<R, Error> {
        let id = id.into_id();
        let response = self
            .client
            .send(self.request(Method::GET, &[id.as_str()]))
            .await?;
        decode_record(&response)
    }

    /// Reads a record as `P`, a user-defined struct. The server still returns every attribute, because reads have no
    /// `select`.
    ///
    /// # Errors
    /// Same errors as [`Records::read`]. Also fails if an attribute that `P` requires is absent or null.
    pub async fn read_as<P: Projection<Of = R>>(&self, id: impl IntoId<R>) -> Result<P, Error> {
        let id = id.into_id();
        let response = self
            .client
            .send(self.request(Method::GET, &[id.as_str()]))
            .await?;
        decode_record(&response)
    }

    /// Reads a record; returns `None` if no record with that ID exists.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the record cannot be decoded.
    pub async fn read_opt(&self, id: impl IntoId<R>) -> Result<Option<R>, Error> {
        match self.read(id).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a record.
    pub fn create(&self, new: R::New) -> CreateRequest<R> {
        CreateRequest {
            client: self.client.clone(),
            request: self.request(Method::POST, &[]).json(&new.into()),
            marker: PhantomData,
        }
    }

    /// Updates a record. Attributes that the patch neither sets nor clears are unchanged.
    pub fn update(&self, id: impl IntoId<R>, patch: R::Patch) -> UpdateRequest<R> {
        let id = id.into_id();
        UpdateRequest {
            client: self.client.clone(),
            request: self
                .request(Method::PUT, &[id.as_str()])
                .json(&patch.into()),
            marker: PhantomData,
        }
    }

    /// Deletes a record. [`Records::restore`] restores it.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if no record with that ID exists.
    pub async fn delete(&self, id: impl IntoId<R>) -> Result<(), Error> {
        let id = id.into_id();
        confirm(
            &self
                .client
                .send(self.request(Method::DELETE, &[id.as_str()]))
                .await?,
        )
    }

    /// Restores a deleted record. Only administrators may do this.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for other users, and for a record that is not deleted.
    pub async fn restore(&self, id: impl IntoId<R>) -> Result<(), Error> {
        let request = self.request(Method::POST, &["action", "restoreDeleted"]);
        let id = id.into_id();
        confirm(
            &self
                .client
                .send(request.json(&serde_json::json!({"id": id.as_str()})))
                .await?,
        )
    }
}

pub(super) const SKIP_DUPLICATE_CHECK: &str = "X-Skip-Duplicate-Check";

/// A create or update that has not been sent yet; awaiting it sends it.
#[must_use = "nothing is sent until the request is awaited"]
pub struct SaveRequest<R, M> {
    client: Client,
    request: Request,
    marker: PhantomData<fn() -> (R, M)>,
}

/// A create that has not been sent yet.
pub type CreateRequest<R> = SaveRequest<R, Create>;

/// An update that has not been sent yet.
pub type UpdateRequest<R> = SaveRequest<R, Update>;

impl<R: Editable, M> SaveRequest<R, M> {
    /// Saves the record even if the server considers it a duplicate. Stock entity types check for duplicates only on
    /// create.
    pub fn skip_duplicate_check(self) -> Self {
        self.header(SKIP_DUPLICATE_CHECK, "true")
    }

    /// Sets a time limit for each attempt, instead of the client's.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.request = self.request.timeout(limit);
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sends the request once: a create or update that may have reached the server is not retried.
    ///
    /// # Errors
    /// [`Error::is_validation`] with the field and the rule; [`Error::is_duplicate`] with the existing records
    /// ([`Error::duplicates`]); [`Error::is_version_conflict`]; [`Error::is_not_found`]; and the errors of [`Client::send`].
    pub async fn send(self) -> Result<R, Error> {
        decode_record(&self.client.send(self.request).await?)
    }
}

impl<R: Editable> CreateRequest<R> {
    /// Marks the record as a copy of another; the server then copies links as it does for its own duplicates.
    pub fn duplicate_of(self, source: impl IntoId<R>) -> Self {
        self.header("X-Duplicate-Source-Id", source.into_id().as_str())
    }
}

impl<R: Editable> UpdateRequest<R> {
    /// Updates only if the record still has this `versionNumber`, if the entity type has optimistic locking. If another
    /// client changed it meanwhile, the error is [`Error::is_version_conflict`] and contains the server's values.
    pub fn if_version(self, version: i64) -> Self {
        self.header("X-Version-Number", &version.to_string())
    }
}

impl<E: Entity> UpdateRequest<E> {
    /// Updates only if no other client has changed the record since it was read: [`UpdateRequest::if_version`] with its
    /// version.
    ///
    /// Fails without sending a request if the record has no `versionNumber`, because its entity type has no optimistic
    /// locking or the attribute was not selected.
    pub fn if_unchanged(mut self, read: &E) -> Self {
        let version = index_of::<E>("versionNumber").and_then(|index| read.value(index));
        match version.and_then(|version| version.json().as_i64()) {
            Some(version) => self.if_version(version),
            None => {
                self.request.fail(format!(
                    "cannot lock {} {}: the record has no `versionNumber`; select it, or switch optimistic locking on",
                    E::ENTITY_TYPE,
                    read.id()
                ));
                self
            }
        }
    }
}

impl<R: Editable, M: 'static> IntoFuture for SaveRequest<R, M> {
    type Output = Result<R, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Decodes a record, or reports why it cannot be decoded.
pub(crate) fn decode_record<R: Decode>(response: &Response) -> Result<R, Error> {
    R::decode_record(response.text()?).map_err(|error| decode_error(response, error))
}

/// Decodes a page, or reports why it cannot be decoded.
pub(crate) fn decode_page<R: Decode>(response: &Response) -> Result<Page<R>, Error> {
    let page = R::decode_page(response.text()?).map_err(|error| decode_error(response, error));
    let mut page = page?;
    for rejected in &mut page.rejected {
        if let Cow::Owned(redacted) = response.context.redact(&rejected.message) {
            rejected.message = redacted;
        }
    }
    Ok(page)
}

pub(crate) fn decode_error(response: &Response, error: super::DecodeError) -> Error {
    Error::decode(response, fault(error))
}

/// Returns the same error for one record of a page that is otherwise valid and already returned.
pub(crate) fn decode_error_in_page(error: super::DecodeError) -> Error {
    let mut outer = Error::new(Stage::Decode, Outcome::Done, None, "");
    outer.inner_mut().fault = Some(fault(error));
    outer
}

fn fault(error: super::DecodeError) -> DecodeFault {
    let fault = DecodeFault::new(&error.message).of(error.entity_type, error.id);
    match error.attribute {
        Some(attribute) => fault.at(attribute.clone()).attribute(attribute),
        None => fault,
    }
}

/// A successful action returns `true`. `false`, with status 200, means that the server did nothing.
pub(crate) fn confirm(response: &Response) -> Result<(), Error> {
    match response.text()?.trim() {
        "true" => Ok(()),
        "false" => Err(Error::not_done(response)),
        _ => Err(Error::decode(response, DecodeFault::new("expected `true`"))),
    }
}

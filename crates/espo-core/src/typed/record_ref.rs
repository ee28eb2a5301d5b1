//! One record by its id, and its links.

use std::borrow::Cow;
use std::fmt;

use http::Method;
use serde_json::json;

use super::decode::Decode;
use super::filter::Filter;
use super::id::Id;
use super::link::{Link, Relatable, ToMany, ToOne};
use super::list::ListRequest;
use super::projection::Projection;
use super::record::{Entity, HasStream};
use super::records::{UpdateRequest, confirm};
use crate::{Client, Error, Request};

/// A record by its id. The generated reference of an entity type wraps it and adds an accessor for each link.
///
/// ```text
/// let deals = crm.record(&account_id).opportunities();
/// ```
pub struct RecordRef<E> {
    client: Client,
    id: Id<E>,
}

impl<E> Clone for RecordRef<E> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            id: self.id.clone(),
        }
    }
}

impl<E> fmt::Debug for RecordRef<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordRef").field(&self.id).finish()
    }
}

impl<E> RecordRef<E> {
    /// A reference to the record of that id; whether there is one shows when it is used.
    pub fn new(client: Client, id: Id<E>) -> Self {
        Self { client, id }
    }

    /// The record's id.
    pub fn id(&self) -> &Id<E> {
        &self.id
    }

    /// The client that the calls go through.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl<E: Entity> RecordRef<E> {
    /// Reads the record.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of that id.
    pub async fn read(&self) -> Result<E, Error> {
        self.client.read(&self.id).await
    }

    /// Reads the record as `P`, a struct of your own.
    ///
    /// # Errors
    /// As [`RecordRef::read`]; also if an attribute that `P` requires is absent or null.
    pub async fn read_as<P: Projection<Of = E>>(&self) -> Result<P, Error> {
        self.client.records::<E>().read_as(&self.id).await
    }

    /// Reads the record; `None` if there is none of that id.
    ///
    /// # Errors
    /// Those of [`Client::send`], and one if the record does not decode.
    pub async fn read_opt(&self) -> Result<Option<E>, Error> {
        self.client.read_opt(&self.id).await
    }

    /// Updates the record: what the patch neither sets nor clears is left alone.
    pub fn update(&self, patch: E::Patch) -> UpdateRequest<E> {
        self.client.update(&self.id, patch)
    }

    /// Deletes the record.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is none of that id.
    pub async fn delete(&self) -> Result<(), Error> {
        self.client.delete(&self.id).await
    }

    /// The records that a link leads to.
    pub fn related<T, K>(&self, link: Link<E, T, K>) -> Related<E, T, K> {
        Related {
            client: self.client.clone(),
            id: self.id.clone(),
            link,
        }
    }

    /// Stars the record for the user. The server refuses this to API users.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] for API users, and where the entity type has no stars.
    pub async fn star(&self) -> Result<(), Error> {
        self.action(Method::PUT, "starSubscription").await
    }

    /// Takes the user's star away.
    ///
    /// # Errors
    /// As [`RecordRef::star`].
    pub async fn unstar(&self) -> Result<(), Error> {
        self.action(Method::DELETE, "starSubscription").await
    }

    fn request(&self, method: Method, rest: &str) -> Request {
        Request::new(method, &[E::ENTITY_TYPE, self.id.as_str(), rest])
    }

    async fn action(&self, method: Method, action: &str) -> Result<(), Error> {
        confirm(&self.client.send(self.request(method, action)).await?)
    }
}

impl<E: Entity> RecordRef<E> {
    /// Has the user follow the record.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] if the user may not see the record's stream.
    pub async fn follow(&self) -> Result<(), Error>
    where
        E: HasStream,
    {
        self.action(Method::PUT, "subscription").await
    }

    /// Ends the user's following.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if there is no such record.
    pub async fn unfollow(&self) -> Result<(), Error>
    where
        E: HasStream,
    {
        self.action(Method::DELETE, "subscription").await
    }

    /// The record's followers: users. API users follow without being listed.
    pub fn followers<U: Decode>(&self) -> ListRequest<U>
    where
        E: HasStream,
    {
        list(&self.client, E::ENTITY_TYPE, &self.id, "followers")
    }

    /// The record's stream, newest first. Decoded as `N`: the generated `Note`, or a JSON object.
    pub fn stream<N: Decode>(&self) -> ListRequest<N>
    where
        E: HasStream,
    {
        list(&self.client, E::ENTITY_TYPE, &self.id, "stream")
    }

    /// The posts of the record's stream, newest first.
    pub fn posts<N: Decode>(&self) -> ListRequest<N>
    where
        E: HasStream,
    {
        list(&self.client, E::ENTITY_TYPE, &self.id, "posts")
    }
}

fn list<E, R: Decode>(
    client: &Client,
    entity_type: &'static str,
    id: &Id<E>,
    link: &'static str,
) -> ListRequest<R> {
    let segments = vec![
        Cow::Borrowed(entity_type),
        Cow::Owned(id.to_string()),
        Cow::Borrowed(link),
    ];
    ListRequest::new(client.clone(), segments)
}

/// The records of `T` that a link of a record of `E` leads to.
///
/// What can be done depends on the link's kind `K`: only what the server offers for it exists.
pub struct Related<E, T, K> {
    client: Client,
    id: Id<E>,
    link: Link<E, T, K>,
}

impl<E, T, K> fmt::Debug for Related<E, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Related")
            .field("id", &self.id)
            .field("link", &self.link)
            .finish()
    }
}

impl<E: Entity, T, K> Related<E, T, K> {
    fn request(&self, method: Method) -> Request {
        Request::new(
            method,
            &[E::ENTITY_TYPE, self.id.as_str(), self.link.name()],
        )
    }

    async fn change(&self, method: Method, body: serde_json::Value) -> Result<(), Error> {
        confirm(&self.client.send(self.request(method).json(&body)).await?)
    }

    async fn change_all(
        &self,
        method: Method,
        ids: impl IntoIterator<Item = impl Into<Id<T>>>,
    ) -> Result<(), Error> {
        let ids: Vec<String> = ids.into_iter().map(|id| id.into().to_string()).collect();
        if ids.is_empty() {
            // The server takes no id for a mistake, and answers `false`.
            return Ok(());
        }
        self.change(method, json!({"ids": ids})).await
    }
}

impl<E: Entity, T, K> Related<E, T, K> {
    /// Lists the linked records.
    pub fn list(&self) -> ListRequest<T>
    where
        T: Decode,
        K: ToMany,
    {
        list(&self.client, E::ENTITY_TYPE, &self.id, self.link.name())
    }
}

impl<E: Entity, T, K> Related<E, T, K> {
    /// Reads the linked record; `None` if nothing is linked.
    ///
    /// It comes as a list row: with every attribute that a list holds, without those that only a read answers.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if the record that owns the link does not exist.
    pub async fn read(&self) -> Result<Option<T>, Error>
    where
        T: Decode,
        K: ToOne,
    {
        list::<E, T>(&self.client, E::ENTITY_TYPE, &self.id, self.link.name())
            .first()
            .await
    }
}

impl<E: Entity, T, K> Related<E, T, K> {
    /// Reads the linked record as `P`, a struct of your own; `None` if nothing is linked.
    ///
    /// # Errors
    /// As [`Related::read`]; also if an attribute that `P` requires is absent or null.
    pub async fn read_as<P: Projection<Of = T, Lists: super::projection::Listable>>(
        &self,
    ) -> Result<Option<P>, Error>
    where
        T: Entity,
        K: ToOne,
    {
        list::<E, T>(&self.client, E::ENTITY_TYPE, &self.id, self.link.name())
            .project::<P>()
            .first()
            .await
    }
}

impl<E: Entity, T, K> Related<E, T, K> {
    /// Links a record. Linking what is linked already changes nothing.
    ///
    /// A one-to-many link takes the record away from the one that it belonged to.
    ///
    /// # Errors
    /// [`Error::is_not_found`] if either record does not exist, [`Error::is_forbidden`] without the right to edit them.
    pub async fn link(&self, id: impl Into<Id<T>>) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change(Method::POST, json!({"id": id.into().as_str()}))
            .await
    }

    /// Links several records. The server links one after the other: if one fails, those before it stay linked.
    ///
    /// # Errors
    /// As [`Related::link`].
    pub async fn link_all(
        &self,
        ids: impl IntoIterator<Item = impl Into<Id<T>>>,
    ) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change_all(Method::POST, ids).await
    }

    /// Links every record that matches. Only few links allow it; in the stock schema those of target lists.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] where the link does not allow it.
    pub async fn link_where(&self, filter: Filter<T>) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change(
            Method::POST,
            json!({"massRelate": true, "where": [filter.into_item()]}),
        )
        .await
    }

    /// Unlinks a record. Unlinking what is not linked changes nothing.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] if the link is required on the other side.
    pub async fn unlink(&self, id: impl Into<Id<T>>) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change(Method::DELETE, json!({"id": id.into().as_str()}))
            .await
    }

    /// Unlinks several records.
    ///
    /// # Errors
    /// As [`Related::unlink`].
    pub async fn unlink_all(
        &self,
        ids: impl IntoIterator<Item = impl Into<Id<T>>>,
    ) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change_all(Method::DELETE, ids).await
    }
}

/// Defines the conversions of a generated reference type.
#[doc(hidden)]
#[macro_export]
macro_rules! reference_type {
    ($entity:ident, $name:ident) => {
        impl From<$crate::typed::RecordRef<$entity>> for $name {
            fn from(record: $crate::typed::RecordRef<$entity>) -> Self {
                Self(record)
            }
        }

        impl std::ops::Deref for $name {
            type Target = $crate::typed::RecordRef<$entity>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}

//! One record, identified by its ID.

use std::fmt;

use http::Method;

use super::id::Id;
use super::link::LinkOf;
use super::list::ListRequest;
use super::projection::Projection;
use super::records::{Editable, Records, UpdateRequest, confirm};
use super::related::Related;
use super::roles::HasStream;
use crate::{Client, Error, Request};

/// A record identified by its ID: reading, writing, links and actions.
///
/// [`Client::record`] returns it for a typed ID, wrapped in the generated reference of the entity type, which adds an
/// accessor for each link. [`Records::record`] returns it if the entity type is known only at run time. Creating a
/// reference sends nothing.
///
/// ```text
/// let deals = crm.record(&account_id).opportunities();
/// ```
pub struct RecordRef<R> {
    records: Records<R>,
    id: Id<R>,
}

impl<R> Clone for RecordRef<R> {
    fn clone(&self) -> Self {
        Self {
            records: self.records.clone(),
            id: self.id.clone(),
        }
    }
}

impl<R> fmt::Debug for RecordRef<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordRef")
            .field("entity_type", &self.records.entity_type())
            .field("id", &self.id)
            .finish()
    }
}

impl<R> RecordRef<R> {
    pub(crate) fn new(records: Records<R>, id: Id<R>) -> Self {
        Self { records, id }
    }

    /// Returns the record's ID.
    pub fn id(&self) -> &Id<R> {
        &self.id
    }

    /// Returns the name of the record's entity type.
    pub fn entity_type(&self) -> &str {
        self.records.entity_type()
    }

    /// Returns the client that sends the calls.
    pub fn client(&self) -> &Client {
        self.records.client()
    }

    pub(crate) fn records(&self) -> &Records<R> {
        &self.records
    }

    /// The path of a route below the record's.
    pub(crate) fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let mut segments = Vec::with_capacity(2 + rest.len());
        segments.extend([self.entity_type(), self.id.as_str()]);
        segments.extend_from_slice(rest);
        segments
    }

    pub(crate) fn request(&self, method: Method, rest: &[&str]) -> Request {
        Request::new(method, &self.path(rest))
    }

    /// Sends a request that the server confirms with `true`.
    pub(crate) async fn perform(
        &self,
        method: Method,
        rest: &[&str],
        body: Option<&serde_json::Value>,
    ) -> Result<(), Error> {
        self.client().perform(method, &self.path(rest), body).await
    }
}

impl<R: Editable> RecordRef<R> {
    /// Reads the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the record does not exist.
    pub async fn read(&self) -> Result<R, Error> {
        self.records.read(&self.id).await
    }

    /// Reads the record as `P`, a user-defined struct.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::read`]. Also fails if an attribute that `P` requires is absent or null.
    pub async fn read_as<P: Projection<Of = R>>(&self) -> Result<P, Error> {
        self.records.read_as(&self.id).await
    }

    /// Reads the record; returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the record cannot be decoded.
    pub async fn read_opt(&self) -> Result<Option<R>, Error> {
        self.records.read_opt(&self.id).await
    }

    /// Updates the record. Attributes that the patch neither sets nor clears stay unchanged.
    pub fn update(&self, patch: R::Patch) -> UpdateRequest<R> {
        self.records.update(&self.id, patch)
    }

    /// Deletes the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the record does not exist.
    pub async fn delete(&self) -> Result<(), Error> {
        self.records.delete(&self.id).await
    }

    /// Returns the records of a link.
    ///
    /// Typed records have an accessor for each link (`crm.record(&id).opportunities()`) and accept the constants of the
    /// module `links` here; untyped records accept the link's name.
    pub fn related<L: LinkOf<R>>(&self, link: L) -> Related<R, L::Target, L::Kind> {
        Related::new(self.clone(), link.into_name())
    }

    /// Stars the record for the current user.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for API users, and if the entity type has no stars.
    pub async fn star(&self) -> Result<(), Error> {
        self.confirmed(Method::PUT, "starSubscription").await
    }

    /// Removes the current user's star.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::star`].
    pub async fn unstar(&self) -> Result<(), Error> {
        self.confirmed(Method::DELETE, "starSubscription").await
    }

    async fn confirmed(&self, method: Method, action: &str) -> Result<(), Error> {
        confirm(&self.client().send(self.request(method, &[action])).await?)
    }

    /// Lists the users who can read the record (EspoCRM 9.0 and later). Each has the attribute `recordAccessLevels`.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] unless the user may see other users.
    pub fn users_access(&self) -> ListRequest<<R::Schema as super::Schema>::User> {
        ListRequest::below(self, "usersAccess")
    }
}

impl<R: HasStream> RecordRef<R> {
    /// Makes the current user follow the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] if the user may not see the record's stream.
    pub async fn follow(&self) -> Result<(), Error> {
        self.confirmed(Method::PUT, "subscription").await
    }

    /// Makes the current user stop following the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the record does not exist.
    pub async fn unfollow(&self) -> Result<(), Error> {
        self.confirmed(Method::DELETE, "subscription").await
    }

    /// Lists the users who follow the record. API users can follow without being listed.
    pub fn followers(&self) -> ListRequest<<R::Schema as super::Schema>::User> {
        ListRequest::below(self, "followers")
    }

    /// Makes users follow the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] unless the user may edit the record and see the users;
    /// [`Error::is_not_found`] for a user that does not exist.
    pub async fn add_followers(
        &self,
        users: impl IntoIterator<Item = impl super::IntoId<<R::Schema as super::Schema>::User>>,
    ) -> Result<(), Error> {
        self.change_followers(Method::POST, super::into_id::texts(users))
            .await
    }

    /// Makes users stop following the record.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::add_followers`].
    pub async fn remove_followers(
        &self,
        users: impl IntoIterator<Item = impl super::IntoId<<R::Schema as super::Schema>::User>>,
    ) -> Result<(), Error> {
        self.change_followers(Method::DELETE, super::into_id::texts(users))
            .await
    }

    async fn change_followers(&self, method: Method, ids: Vec<String>) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let body = serde_json::json!({ "ids": ids });
        self.perform(method, &["followers"], Some(&body)).await
    }
}

/// Defines the conversions of a generated reference type.
#[doc(hidden)]
#[macro_export]
macro_rules! reference_type {
    ($entity:ident, $name:ident) => {
        impl $crate::typed::IntoId<$entity> for $name {
            fn into_id(self) -> $crate::typed::Id<$entity> {
                self.0.id().clone()
            }
        }

        impl From<&$name> for $crate::typed::AnyRef {
            fn from(record: &$name) -> Self {
                Self::from(&record.0)
            }
        }

        impl From<$name> for $crate::typed::AnyRef {
            fn from(record: $name) -> Self {
                Self::from(&record.0)
            }
        }

        impl $crate::typed::IntoId<$entity> for &$name {
            fn into_id(self) -> $crate::typed::Id<$entity> {
                self.0.id().clone()
            }
        }

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

//! The records of one record's link.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use http::Method;
use serde_json::json;

use super::decode::Decode;
use super::filter::Filter;
use super::into_id::{IntoId, texts};
use super::link::{Relatable, ToMany, ToOne};
use super::list::ListRequest;
use super::projection::Projection;
use super::record::Entity;
use super::record_ref::RecordRef;
use super::records::{Editable, confirm};
use crate::{Error, Request};

/// The records of `T` in a link of a record of `E`.
///
/// The link's kind `K` determines the available calls: only those that the server supports for it exist.
pub struct Related<E, T, K> {
    record: RecordRef<E>,
    link: Cow<'static, str>,
    marker: PhantomData<fn() -> (Box<T>, K)>,
}

impl<E, T, K> fmt::Debug for Related<E, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Related")
            .field("record", &self.record)
            .field("link", &self.link)
            .finish()
    }
}

impl<E, T, K> Related<E, T, K> {
    pub(super) fn new(record: RecordRef<E>, link: Cow<'static, str>) -> Self {
        Self {
            record,
            link,
            marker: PhantomData,
        }
    }

    fn request(&self, method: Method) -> Request {
        self.record.request(method, &[&self.link])
    }

    async fn change(&self, method: Method, body: serde_json::Value) -> Result<(), Error> {
        confirm(
            &self
                .record
                .client()
                .send(self.request(method).json(&body))
                .await?,
        )
    }

    async fn change_all(
        &self,
        method: Method,
        ids: impl IntoIterator<Item = impl IntoId<T>>,
    ) -> Result<(), Error> {
        let ids = texts(ids);
        if ids.is_empty() {
            // The server does not treat a missing ID as an error; it returns `false`.
            return Ok(());
        }
        self.change(method, json!({"ids": ids})).await
    }
}

impl<E: Editable, T, K> Related<E, T, K> {
    /// Lists the linked records.
    pub fn list(&self) -> ListRequest<T>
    where
        T: Decode,
        K: ToMany,
    {
        ListRequest::below(&self.record, self.link.clone())
    }
}

impl<E: Editable, T, K> Related<E, T, K> {
    /// Reads the linked record; returns `None` if nothing is linked.
    ///
    /// It has the attributes of a list row, without those that are returned only when a single record is read.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the record that owns the link does not exist.
    pub async fn read(&self) -> Result<Option<T>, Error>
    where
        T: Decode,
        K: ToOne,
    {
        ListRequest::<T>::below(&self.record, self.link.clone())
            .first()
            .await
    }
}

impl<E: Editable, T, K> Related<E, T, K> {
    /// Reads the linked record as `P`, a user-defined struct; returns `None` if nothing is linked.
    ///
    /// # Errors
    /// Returns the errors of [`Related::read`]. Also fails if an attribute that `P` requires is absent or null.
    pub async fn read_as<P: Projection<Of = T, Lists: super::projection::Listable>>(
        &self,
    ) -> Result<Option<P>, Error>
    where
        T: Entity,
        K: ToOne,
    {
        ListRequest::<T>::below(&self.record, self.link.clone())
            .project::<P>()
            .first()
            .await
    }
}

impl<E: Editable, T, K> Related<E, T, K> {
    /// Links a record. Linking a record that is already linked changes nothing.
    ///
    /// A one-to-many link removes the record from its previous owner.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if either record does not exist, [`Error::is_forbidden`] without the right
    /// to edit them.
    pub async fn link(&self, id: impl IntoId<T>) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change(Method::POST, json!({"id": id.into_id().as_str()}))
            .await
    }

    /// Links several records. The server links them one after the other: if one fails, the earlier ones stay linked.
    ///
    /// # Errors
    /// Returns the errors of [`Related::link`].
    pub async fn link_all(&self, ids: impl IntoIterator<Item = impl IntoId<T>>) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change_all(Method::POST, ids).await
    }

    /// Links every record that matches. Only a few links allow it; in the stock schema, the links of target lists.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] if the link does not allow it.
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

    /// Unlinks a record. Unlinking a record that is not linked changes nothing.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] if the link is required on the other side.
    pub async fn unlink(&self, id: impl IntoId<T>) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change(Method::DELETE, json!({"id": id.into_id().as_str()}))
            .await
    }

    /// Unlinks several records.
    ///
    /// # Errors
    /// Returns the errors of [`Related::unlink`].
    pub async fn unlink_all(
        &self,
        ids: impl IntoIterator<Item = impl IntoId<T>>,
    ) -> Result<(), Error>
    where
        K: Relatable,
    {
        self.change_all(Method::DELETE, ids).await
    }
}

//! Upserts: create or update a record that is identified by some attributes.

use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use super::field::Field;
use super::id::Id;
use super::kind::{Comparable, Kind};
use super::records::{Editable, NewRecord, Records, SKIP_DUPLICATE_CHECK, decode_record};
use crate::search::WhereItem;
use crate::{Client, Error, JsonObject, Request};

/// The result of an upsert.
#[derive(Clone, Debug, PartialEq)]
pub enum Upserted<R> {
    /// No such record existed; it was created.
    Created(R),
    /// The record existed; it was updated.
    Updated(R),
}

impl<R> Upserted<R> {
    /// Returns the created or updated record.
    pub fn into_record(self) -> R {
        match self {
            Self::Created(record) | Self::Updated(record) => record,
        }
    }

    /// Returns whether the record was created.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

/// Attributes that identify a record for an upsert: one constant or a tuple of up to three.
pub trait Key<R> {
    /// Their names on the wire.
    fn names(&self) -> Vec<&str>;
}

impl<R, K: Kind + Comparable, A> Key<R> for Field<R, K, A> {
    fn names(&self) -> Vec<&str> {
        vec![(*self).name()]
    }
}

impl<R, F: Key<R>, G: Key<R>> Key<R> for (F, G) {
    fn names(&self) -> Vec<&str> {
        [self.0.names(), self.1.names()].concat()
    }
}

impl<R, F: Key<R>, G: Key<R>, H: Key<R>> Key<R> for (F, G, H) {
    fn names(&self) -> Vec<&str> {
        [self.0.names(), self.1.names(), self.2.names()].concat()
    }
}

/// Names of attributes, for entity types known only at run time.
impl<const N: usize> Key<JsonObject> for [&str; N] {
    fn names(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl Client {
    /// Creates the record, or updates the record with the same values of the key attributes; see [`Records::upsert`].
    pub fn upsert<N: NewRecord>(
        &self,
        key: impl Key<N::Entity>,
        record: N,
    ) -> UpsertRequest<N::Entity> {
        self.records::<N::Entity>().upsert(key, record)
    }
}

impl<R: Editable> Records<R> {
    /// Creates the record, or updates the record with the same values of the key attributes.
    ///
    /// Reads the record by the key, then creates or updates it. If another client creates the same record meanwhile and
    /// the server's duplicate check detects it, that record is updated. EspoCRM has no unique keys in its REST API: if
    /// the entity type has no duplicate check on these attributes, two concurrent clients can still create two records.
    ///
    /// An update changes only the attributes that `record` sets.
    pub fn upsert(&self, key: impl Key<R>, record: R::New) -> UpsertRequest<R> {
        UpsertRequest {
            records: self.clone(),
            key: key.names().into_iter().map(str::to_owned).collect(),
            record: record.into(),
            skip_duplicate_check: false,
            timeout: None,
        }
    }
}

/// A create or update that has not been sent yet; awaiting it sends it. See [`Records::upsert`].
#[must_use = "nothing is sent until the request is awaited"]
pub struct UpsertRequest<R> {
    records: Records<R>,
    key: Vec<String>,
    record: JsonObject,
    skip_duplicate_check: bool,
    timeout: Option<Duration>,
}

impl<R: Editable> UpsertRequest<R> {
    /// Creates the record even if the server considers it a duplicate of a record with another key, such as two people
    /// with the same name. If two clients then create the same record at once, both succeed.
    pub fn skip_duplicate_check(mut self) -> Self {
        self.skip_duplicate_check = true;
        self
    }

    /// Sets a time limit for each attempt of each request, instead of the client's.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sends the requests.
    ///
    /// # Errors
    /// Fails if a key attribute is not set in the record or is null, or if several records have these values (the error
    /// contains their IDs). Also returns the errors of create and update.
    pub async fn send(self) -> Result<Upserted<R>, Error> {
        let mut conditions = Vec::new();
        for name in &self.key {
            match self.record.get(name) {
                Some(value) if !value.is_null() => conditions.push((name.clone(), value.clone())),
                _ => {
                    return Err(Error::build(format!(
                        "upsert key `{name}` is not set in the record; without a value it would match every record where it is null"
                    )));
                }
            }
        }
        if let Some(id) = self.find_one(&conditions).await? {
            return self.put(&id).await.map(Upserted::Updated);
        }
        let mut request = self.request(http::Method::POST, &[]);
        if self.skip_duplicate_check {
            request = request.header(SKIP_DUPLICATE_CHECK, "true");
        }
        match self.records.client().send(request).await {
            Ok(response) => decode_record(&response).map(Upserted::Created),
            Err(error) if error.is_duplicate() => match self.raced(&conditions, &error).await? {
                Some(id) => self.put(&id).await.map(Upserted::Updated),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Builds a request that contains the record.
    fn request(&self, method: http::Method, rest: &[&str]) -> Request {
        let request = self.records.request(method, rest).json(&self.record);
        match self.timeout {
            Some(limit) => request.timeout(limit),
            None => request,
        }
    }

    /// Returns the only record that matches; fails if there are several.
    async fn find_one(&self, conditions: &[(String, Value)]) -> Result<Option<Id<R>>, Error> {
        let entity_type = self.records.entity_type().to_owned();
        let mut request = self
            .records
            .client()
            .untyped(entity_type)
            .list()
            .max_size(2);
        if let Some(limit) = self.timeout {
            request = request.timeout(limit);
        }
        for (name, value) in conditions {
            request = request.filter(WhereItem::equals(name.clone(), value.clone()).into());
        }
        request.params_mut().select = Some(vec!["id".into()]);
        let page = request.no_total().await?;
        let ids: Vec<&str> = page
            .records
            .iter()
            .filter_map(|row| row.get("id")?.as_str())
            .collect();
        match ids[..] {
            [] => Ok(None),
            [id] => Ok(Some(Id::new(id))),
            _ => Err(Error::build(format!(
                "the key of the upsert identifies more than one record of {}, such as {}",
                self.records.entity_type(),
                ids.join(" and ")
            ))),
        }
    }

    /// Returns the record that another client created meanwhile: the duplicate that has the key's values.
    async fn raced(
        &self,
        conditions: &[(String, Value)],
        error: &Error,
    ) -> Result<Option<Id<R>>, Error> {
        let same = |record: &&JsonObject| {
            conditions
                .iter()
                .all(|(name, value)| record.get(name) == Some(value))
        };
        let found: Vec<JsonObject> = error.duplicates().unwrap_or_default();
        match found
            .iter()
            .find(same)
            .and_then(|record| record.get("id")?.as_str())
        {
            Some(id) => Ok(Some(Id::new(id))),
            // The server compares without case and accents, so it decides.
            None => self.find_one(conditions).await,
        }
    }

    async fn put(&self, id: &Id<R>) -> Result<R, Error> {
        let request = self.request(http::Method::PUT, &[id.as_str()]);
        decode_record(&self.records.client().send(request).await?)
    }
}

impl<R: Editable> IntoFuture for UpsertRequest<R> {
    type Output = Result<Upserted<R>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<R> std::fmt::Debug for UpsertRequest<R> {
    /// Leaves out the record: it may contain data that does not belong in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpsertRequest")
            .field("records", &self.records)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

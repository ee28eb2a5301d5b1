//! Create or update, by attributes that identify a record.

use serde_json::Value;

use super::field::Field;
use super::id::Id;
use super::kind::{Comparable, Kind};
use super::records::{Editable, Records, decode_record, duplicates};
use crate::search::WhereItem;
use crate::{Error, JsonObject};

/// What an upsert did.
#[derive(Clone, Debug, PartialEq)]
pub enum Upserted<R> {
    /// There was no such record: it was created.
    Created(R),
    /// There was one: it was updated.
    Updated(R),
}

impl<R> Upserted<R> {
    /// The record, whichever was done.
    pub fn into_record(self) -> R {
        match self {
            Self::Created(record) | Self::Updated(record) => record,
        }
    }

    /// Whether the record was created.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

/// Attributes that identify a record, for an upsert: one constant or a tuple of up to three.
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

/// Names of attributes, for entity types that are known only at run time.
impl<const N: usize> Key<JsonObject> for [&str; N] {
    fn names(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl<R: Editable> Records<R> {
    /// Creates the record, or updates the one that has the same values of the key attributes.
    ///
    /// Looks the record up by the key, then creates or updates. If another client creates the same record meanwhile
    /// and the server's duplicate check notices, that record is updated. EspoCRM has no unique keys over REST: where
    /// the entity type has no duplicate check on these attributes, two clients at once can still create two records.
    ///
    /// # Errors
    /// A key attribute that is not set in `record`, or null; more than one record with these values (the error names
    /// their ids); those of create and update.
    pub async fn upsert(&self, key: impl Key<R>, record: R::New) -> Result<Upserted<R>, Error> {
        let object: JsonObject = record.into();
        let mut conditions = Vec::new();
        for name in key.names() {
            match object.get(name) {
                Some(value) if !value.is_null() => {
                    conditions.push((name.to_owned(), value.clone()))
                }
                _ => {
                    return Err(Error::build(format!(
                        "an upsert by `{name}` needs a value for it in the record: without one it would match any record that has none"
                    )));
                }
            }
        }
        if let Some(id) = self.find_one(&conditions).await? {
            return self.put(&id, &object).await.map(Upserted::Updated);
        }
        let request = self.request(http::Method::POST, &[]).json(&object);
        match self.client().send(request).await {
            Ok(response) => decode_record(&response).map(Upserted::Created),
            Err(error) if error.is_duplicate() => match self.raced(&conditions, &error).await? {
                Some(id) => self.put(&id, &object).await.map(Upserted::Updated),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The one record that matches; an error if there are several.
    async fn find_one(&self, conditions: &[(String, Value)]) -> Result<Option<Id<R>>, Error> {
        let mut request =
            Records::<JsonObject>::list(&self.client().untyped(self.entity_type().to_owned()))
                .max_size(2);
        for (name, value) in conditions {
            request = request.filter(WhereItem::equals(name.clone(), value.clone()).into());
        }
        request.params_mut().select = Some(vec!["id".into()]);
        let page = request.no_total().await?;
        let ids: Vec<&str> = page
            .list
            .iter()
            .filter_map(|row| row.get("id")?.as_str())
            .collect();
        match ids[..] {
            [] => Ok(None),
            [id] => Ok(Some(Id::new(id))),
            _ => Err(Error::build(format!(
                "the key of the upsert identifies more than one record of {}, such as {}",
                self.entity_type(),
                ids.join(" and ")
            ))),
        }
    }

    /// The record that somebody else created meanwhile: among the duplicates the one that has the key's values.
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
        let found: Vec<JsonObject> = duplicates(error).unwrap_or_default();
        match found
            .iter()
            .find(same)
            .and_then(|record| record.get("id")?.as_str())
        {
            Some(id) => Ok(Some(Id::new(id))),
            // The server compares without regard to case and the like: let it decide.
            None => self.find_one(conditions).await,
        }
    }

    async fn put(&self, id: &Id<R>, object: &JsonObject) -> Result<R, Error> {
        let request = self.request(http::Method::PUT, &[id.as_str()]).json(object);
        decode_record(&self.client().send(request).await?)
    }
}

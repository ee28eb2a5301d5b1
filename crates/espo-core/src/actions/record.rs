//! Actions on single records of any entity type.

use http::Method;
use serde_json::{Value, json};

use super::currency::Rates;
use super::{AnyRecord, PagedRequest};
use crate::JsonObject;
use crate::attachments::Place;
use crate::error::Error;
use crate::request::Request;
use crate::typed::roles::{HasStream, Lockable};
use crate::typed::{Editable, Id, IntoId, RecordRef, Records, Schema, decode_record, texts};

impl<R: Editable> RecordRef<R> {
    /// Merges other records into this one, applies the patch, and deletes the others. Returns the merged record.
    ///
    /// Links, email addresses and phone numbers of the other records move to this one.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit this record and to delete the others.
    pub async fn merge(
        &self,
        sources: impl IntoIterator<Item = impl IntoId<R>>,
        patch: R::Patch,
    ) -> Result<R, Error> {
        let attributes: JsonObject = patch.into();
        let data = json!({"sourceIdList": texts(sources), "attributes": attributes});
        self.action("merge", data).await
    }

    /// Converts the record's amounts into another currency, at the rates of the instance. Returns the record.
    ///
    /// # Errors
    /// Fails with 400 if the instance has no rate for the currency.
    pub async fn convert_currency(&self, currency: &str) -> Result<R, Error> {
        let data = super::mass::currency_data(currency, None)?;
        self.action("convertCurrency", data).await
    }

    /// Converts the record's amounts into another currency, at these rates. Returns the record.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::convert_currency`].
    pub async fn convert_currency_at(&self, currency: &str, rates: &Rates) -> Result<R, Error> {
        let data = super::mass::currency_data(currency, Some(rates))?;
        self.action("convertCurrency", data).await
    }

    /// Runs any action on the record (`POST Action`), such as one of an extension. Returns the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the action does not exist.
    pub async fn action(&self, name: &str, data: Value) -> Result<R, Error> {
        let body = json!({
            "entityType": self.entity_type(),
            "id": self.id().as_str(),
            "action": name,
            "data": data,
        });
        let request = Request::new(Method::POST, &["Action"]).json(&body);
        decode_record(&self.client().send(request).await?)
    }

    /// Returns the initial attributes of a copy of the record. Create the copy with
    /// [`CreateRequest::duplicate_of`](crate::typed::CreateRequest).
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the record does not exist.
    pub async fn duplicate_attributes(&self) -> Result<JsonObject, Error> {
        let path = self.records().path(&["action", "getDuplicateAttributes"]);
        let body = json!({"id": self.id().as_str()});
        self.client().call_json(Method::POST, &path, &body).await
    }

    /// Renders the record as a PDF document and returns the ID of the file. The server deletes the file after a while.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the template does not exist or is for another entity type.
    pub async fn pdf(
        &self,
        template: impl IntoId<<R::Schema as Schema>::Template>,
    ) -> Result<Id<<R::Schema as Schema>::Attachment>, Error> {
        self.records().pdf(template, [self.id()]).await
    }

    /// Lists the possible recipients of an email about the record: the records that it belongs to, as rows of
    /// `emailAddress`, `name` and `entityType`.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to read the record.
    pub async fn email_addresses(&self) -> Result<Vec<JsonObject>, Error> {
        let path = [
            "Activities",
            self.entity_type(),
            self.id().as_str(),
            "composeEmailAddressList",
        ];
        self.client().get_json(&path).await
    }

    /// Adds files to a field that holds several files, and keeps the existing ones. Returns the record.
    ///
    /// `place` is the constant of the field's IDs (`note::ATTACHMENTS_IDS`) or a [`Place`]. The server can only replace
    /// the whole set, so the set is read first. If the entity type has version numbers, a concurrent change is detected
    /// and the set is read again, at most three times.
    ///
    /// # Errors
    /// Fails with [`Error::is_version_conflict`] if other clients keep changing the record. Also fails before
    /// anything is written if the response does not contain the set.
    pub async fn add_files(
        &self,
        place: impl Into<Place>,
        files: impl IntoIterator<Item = impl IntoId<<R::Schema as Schema>::Attachment>>,
    ) -> Result<R, Error> {
        let (place, new) = (place.into(), texts(files));
        let attribute = format!("{}Ids", place.field());
        let mut rounds = 0;
        loop {
            let record: JsonObject = self.client().get_json(&self.path(&[])).await?;
            let mut ids: Vec<String> = match record.get(&attribute) {
                Some(Value::Array(ids)) => ids
                    .iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect(),
                Some(Value::Null) => Vec::new(),
                _ => {
                    return Err(Error::build(format!(
                        "cannot read `{attribute}`: `{}` is not an attachmentMultiple field or is not readable; \
                         nothing was written",
                        place.field()
                    )));
                }
            };
            for id in &new {
                if !ids.contains(id) {
                    ids.push(id.clone());
                }
            }
            let mut body = JsonObject::new();
            body.insert(attribute.clone(), json!(ids));
            let mut request = self.request(Method::PUT, &[]).json(&body);
            if let Some(version) = record.get("versionNumber").and_then(Value::as_i64) {
                request = request.header("X-Version-Number", version.to_string());
            }
            rounds += 1;
            match self.client().send(request).await {
                Ok(response) => return decode_record(&response),
                Err(error) if error.is_version_conflict() && rounds < 3 => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: Lockable> RecordRef<R> {
    /// Locks the record and returns it. Until it is unlocked, the server rejects its deletion and updates of most
    /// fields with 409.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the lock permission, or if locking is off for the entity type; a
    /// 400 if the record is already locked; [`Error::is_not_found`] before EspoCRM 10.0.
    pub async fn lock(&self) -> Result<R, Error> {
        self.action("lock", json!({})).await
    }

    /// Unlocks the record. Returns the record.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::lock`]; a 400 if the record is not locked.
    pub async fn unlock(&self) -> Result<R, Error> {
        self.action("unlock", json!({})).await
    }
}

impl<R: HasStream> RecordRef<R> {
    /// Lists the files of the record's stream (EspoCRM 9.1 and later).
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub fn stream_attachments(&self) -> PagedRequest<<R::Schema as Schema>::Attachment> {
        PagedRequest::new(self.client(), &self.path(&["streamAttachments"]))
    }
}

impl<R: Editable> Records<R> {
    /// Renders records as one PDF document and returns the ID of the file. The server deletes the file after a while.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the template does not exist or is for another entity type.
    pub async fn pdf(
        &self,
        template: impl IntoId<<R::Schema as Schema>::Template>,
        records: impl IntoIterator<Item = impl IntoId<R>>,
    ) -> Result<Id<<R::Schema as Schema>::Attachment>, Error> {
        #[derive(serde::Deserialize)]
        struct Printed {
            id: String,
        }
        let body = json!({
            "entityType": self.entity_type(),
            "idList": texts(records),
            "templateId": template.into_id().as_str(),
        });
        let path = ["Pdf", "action", "massPrint"];
        let printed: Printed = self.client().call_json(Method::POST, &path, &body).await?;
        Ok(Id::new(printed.id))
    }
}

impl crate::Client {
    /// Searches the entity types that the instance lists for its global search. Rows contain `id`, `name` and the entity
    /// type; the server does not count them.
    ///
    /// # Errors
    /// Fails with 400 if the text is empty.
    pub fn global_search(&self, text: &str) -> PagedRequest<AnyRecord> {
        PagedRequest::new(self, &["GlobalSearch"]).query("q", text)
    }
}

//! Lead conversion and capture.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::JsonObject;
use crate::error::Error;
use crate::request::Request;
use crate::typed::roles::Convertible;
use crate::typed::{Entity, NewRecord, RecordRef, Records, decode_record};

/// The records that a lead is converted into.
///
/// ```text
/// let conversion = Conversion::new().create(AccountNew::new("Acme")).create(ContactNew::new("Doe"));
/// let lead = crm.record(&lead_id).convert(conversion).await?;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Conversion {
    records: JsonObject,
    skip_duplicate_check: bool,
}

impl Conversion {
    /// Creates a conversion without records: a lead can be converted without creating any.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a record: an account, a contact or an opportunity, at most one of each.
    pub fn create<N: NewRecord + Into<JsonObject>>(self, record: N) -> Self {
        self.create_untyped(N::Entity::ENTITY_TYPE, record.into())
    }

    /// Creates a record of an entity type that is known only at run time.
    pub fn create_untyped(
        mut self,
        entity_type: impl Into<String>,
        attributes: JsonObject,
    ) -> Self {
        self.records
            .insert(entity_type.into(), Value::Object(attributes));
        self
    }

    /// Creates the records even if the server considers them duplicates.
    pub fn skip_duplicate_check(mut self) -> Self {
        self.skip_duplicate_check = true;
        self
    }
}

impl<L: Convertible> RecordRef<L> {
    /// Converts the lead and returns it. Its attributes contain the IDs of the created records.
    ///
    /// # Errors
    /// Fails with [`Error::is_duplicate`] if one of the records already exists; [`Error::duplicates`] contains `id`,
    /// `name` and `_entityType` of the existing ones.
    pub async fn convert(&self, conversion: Conversion) -> Result<L, Error> {
        let path = self.records().path(&["action", "convert"]);
        let request = Request::new(Method::POST, &path).json(&json!({
            "id": self.id().as_str(),
            "records": conversion.records,
            "skipDuplicateCheck": conversion.skip_duplicate_check,
        }));
        decode_record(&self.client().send(request).await?)
    }

    /// Returns the attributes that the web client would suggest for a conversion, by entity type.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the lead does not exist.
    pub async fn convert_attributes(&self) -> Result<BTreeMap<String, JsonObject>, Error> {
        let path = self.records().path(&["action", "getConvertAttributes"]);
        let body = json!({"id": self.id().as_str()});
        self.client().call_json(Method::POST, &path, &body).await
    }
}

impl<L: Convertible> Records<L> {
    /// Submits a lead with the key of a lead capture entry point, without credentials. The key does not appear in errors
    /// or traces.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if no active lead capture has the key.
    pub async fn capture(&self, key: &str, lead: L::New) -> Result<(), Error> {
        let attributes: JsonObject = lead.into();
        let request = Request::new(Method::POST, &["LeadCapture", key])
            .hide_path_from(1)
            .json(&attributes)
            .anonymous();
        self.client().send(request).await.map(drop)
    }
}

//! Imports from CSV.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::JsonObject;
use crate::error::Error;
use crate::typed::roles::CsvImport;
use crate::typed::{AnyRef, Entity, Id, IntoId, RecordRef, Records, Schema, decode_record};

/// The action of an import for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ImportAction {
    /// Creates a record.
    #[default]
    Create,
    /// Updates the record found by the key columns, or creates one.
    CreateAndUpdate,
    /// Updates the record found by the key columns.
    Update,
}

/// How an import reads a file, and how it handles the rows.
///
/// By default it creates records from a file with a header row, commas, double quotes, ISO dates in UTC, and points in
/// numbers. Formats of dates and times have the names of the import wizard (`YYYY-MM-DD`, `HH:mm`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportSettings {
    attachment_id: String,
    entity_type: String,
    /// An empty name skips the column. EspoCRM's documentation uses null for this, but creating records then fails
    /// with 500.
    attribute_list: Vec<String>,
    update_by: Vec<usize>,
    /// The action for each row.
    pub action: ImportAction,
    /// The delimiter between columns.
    pub delimiter: String,
    /// The character that quotes text.
    pub text_qualifier: String,
    /// Whether the first row contains the names of the columns.
    pub header_row: bool,
    /// The format of dates.
    pub date_format: String,
    /// The format of times.
    pub time_format: String,
    /// The time zone of times.
    pub timezone: String,
    /// The decimal separator of numbers.
    pub decimal_mark: String,
    /// The format of personal names: `f l`, `l f`, `l, f`.
    pub person_name_format: String,
    /// The currency of amounts without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Values of attributes that no column contains, for example from a patch's `into_json()`.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub default_values: JsonObject,
    /// Whether to import as a background job on the server.
    pub idle_mode: bool,
    /// Whether to import without stream notes and notifications.
    pub silent_mode: bool,
    /// Whether to create records that the server considers duplicates.
    pub skip_duplicate_checking: bool,
}

impl ImportSettings {
    /// Creates the settings for importing an uploaded file into records of `E`, without columns yet:
    /// `ImportSettings::new::<Contact>(&file).column(contact::LAST_NAME).skip_column()`.
    pub fn new<E: Entity>(file: impl IntoId<<E::Schema as Schema>::Attachment>) -> Self {
        Self::untyped(E::ENTITY_TYPE, file.into_id().as_str())
    }

    /// Creates the settings for importing an uploaded file into records of an entity type that is known only at run
    /// time.
    pub fn untyped(entity_type: impl Into<String>, file: impl Into<String>) -> Self {
        Self {
            attachment_id: file.into(),
            entity_type: entity_type.into(),
            attribute_list: Vec::new(),
            update_by: Vec::new(),
            action: ImportAction::Create,
            delimiter: ",".to_owned(),
            text_qualifier: "\"".to_owned(),
            header_row: true,
            date_format: "YYYY-MM-DD".to_owned(),
            time_format: "HH:mm".to_owned(),
            timezone: "UTC".to_owned(),
            decimal_mark: ".".to_owned(),
            person_name_format: "f l".to_owned(),
            currency: None,
            default_values: JsonObject::new(),
            idle_mode: false,
            silent_mode: false,
            skip_duplicate_checking: false,
        }
    }

    /// Assigns this attribute, a constant or a name, to the next column.
    #[must_use]
    pub fn column(mut self, attribute: impl Into<Cow<'static, str>>) -> Self {
        self.attribute_list.push(attribute.into().into_owned());
        self
    }

    /// Assigns this attribute to the next column, and uses it to find the record to update; see
    /// [`ImportSettings::action`].
    #[must_use]
    pub fn key_column(mut self, attribute: impl Into<Cow<'static, str>>) -> Self {
        self.update_by.push(self.attribute_list.len());
        self.column(attribute)
    }

    /// Skips the next column.
    #[must_use]
    pub fn skip_column(mut self) -> Self {
        self.attribute_list.push(String::new());
        self
    }

    /// Sets the action for each row.
    #[must_use]
    pub fn action(mut self, action: ImportAction) -> Self {
        self.action = action;
        self
    }
}

impl<I: CsvImport> Records<I> {
    /// Uploads a CSV file in UTF-8 and returns the ID of the file.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without access to imports.
    pub async fn upload_csv(
        &self,
        csv: impl Into<Bytes>,
    ) -> Result<Id<<I::Schema as Schema>::Attachment>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Uploaded {
            attachment_id: String,
        }
        let request = self
            .request(Method::POST, &["file"])
            .body(csv, HeaderValue::from_static("text/csv"));
        let uploaded: Uploaded = self.client().send(request).await?.json()?;
        Ok(Id::new(uploaded.attachment_id))
    }

    /// Imports an uploaded file. Returns the import's record. The response contains little more than its ID; read the
    /// record for status and counts.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without access to imports and the right to create the records.
    pub async fn import(&self, settings: &ImportSettings) -> Result<I, Error> {
        let request = self.request(Method::POST, &[]).json(settings);
        decode_record(&self.client().send(request).await?)
    }
}

impl<I: CsvImport> RecordRef<I> {
    /// Deletes the records that the import created.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the import does not exist.
    pub async fn revert(&self) -> Result<(), Error> {
        self.perform(Method::POST, &["revert"], None).await
    }

    /// Deletes the records that the import created as duplicates.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::revert`].
    pub async fn remove_duplicates(&self) -> Result<(), Error> {
        self.perform(Method::POST, &["removeDuplicates"], None)
            .await
    }

    /// Removes the "duplicate" mark from a record of the import.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::revert`].
    pub async fn unmark_duplicate(&self, record: impl Into<AnyRef>) -> Result<(), Error> {
        let record = record.into();
        let body = json!({"entityType": record.entity_type, "entityId": record.id});
        self.perform(Method::POST, &["unmarkDuplicates"], Some(&body))
            .await
    }

    /// Writes the rows that failed to a file and returns its ID; returns `None` if no row failed.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::revert`].
    pub async fn export_errors(
        &self,
    ) -> Result<Option<Id<<I::Schema as Schema>::Attachment>>, Error> {
        let path = self.path(&["exportErrors"]);
        let answer: JsonObject = self
            .client()
            .call_json(Method::POST, &path, &json!({}))
            .await?;
        let file = answer.get("attachmentId").and_then(Value::as_str);
        Ok(file.map(Id::new))
    }
}

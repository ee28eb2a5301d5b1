//! Imports from CSV.

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// Imports; see [`Client::imports`].
#[derive(Clone, Copy, Debug)]
pub struct Imports<'c>(&'c Client);

impl Client {
    /// Imports from CSV; needs access to the scope Import.
    pub fn imports(&self) -> Imports<'_> {
        Imports(self)
    }
}

/// What an import does with a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ImportAction {
    /// Creates a record.
    #[default]
    Create,
    /// Updates the record found by `update_by`, or creates one.
    CreateAndUpdate,
    /// Updates the record found by `update_by`.
    Update,
}

/// How to read a file and what to do with its rows.
///
/// Dates and numbers are read as the instance's import does: `date_format` and
/// its kin take the names of the import wizard (`YYYY-MM-DD`, `HH:mm`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportSettings {
    /// The file, from [`Imports::upload`].
    pub attachment_id: String,
    /// The entity type of the rows.
    pub entity_type: String,
    /// What to do with a row.
    pub action: ImportAction,
    /// The attribute of each column; `None` leaves a column out.
    pub attribute_list: Vec<Option<String>>,
    /// Columns by whose attributes the record to update is found, from 0.
    pub update_by: Vec<usize>,
    /// Between columns.
    pub delimiter: String,
    /// Around texts.
    pub text_qualifier: String,
    /// Whether the first row names the columns.
    pub header_row: bool,
    /// How dates are written.
    pub date_format: String,
    /// How times are written.
    pub time_format: String,
    /// The time zone of times.
    pub timezone: String,
    /// Between whole and fraction.
    pub decimal_mark: String,
    /// How names of persons are written: `f l`, `l f`, `l, f`.
    pub person_name_format: String,
    /// The currency of amounts without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Values for attributes that no column gives.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub default_values: JsonObject,
    /// Leaves it to the server's background.
    pub idle_mode: bool,
    /// Writes without stream notes and notifications.
    pub silent_mode: bool,
    /// Creates duplicates, too.
    pub skip_duplicate_checking: bool,
}

impl ImportSettings {
    /// Creates records of `entity_type` from a file with a header row, commas,
    /// double quotes, ISO dates in UTC and points in numbers.
    pub fn new<I>(
        attachment_id: impl Into<String>,
        entity_type: impl Into<String>,
        attributes: I,
    ) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            attachment_id: attachment_id.into(),
            entity_type: entity_type.into(),
            action: ImportAction::Create,
            attribute_list: attributes
                .into_iter()
                .map(|name| Some(name.into()))
                .collect(),
            update_by: Vec::new(),
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
}

impl Imports<'_> {
    /// Uploads a CSV file (UTF-8) and answers its id.
    ///
    /// # Errors
    /// As any request.
    pub async fn upload(&self, csv: impl Into<Bytes>) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Uploaded {
            attachment_id: String,
        }
        let request = Request::new(Method::POST, &["Import", "file"])
            .body(csv, HeaderValue::from_static("text/csv"));
        let uploaded: Uploaded = self.0.send(request).await?.json()?;
        Ok(uploaded.attachment_id)
    }

    /// Imports an uploaded file and answers the import's record (`id`,
    /// `status`, counts).
    ///
    /// # Errors
    /// As any request.
    pub async fn run(&self, settings: &ImportSettings) -> Result<JsonObject, Error> {
        let request = Request::new(Method::POST, &["Import"]).json(settings);
        self.0.send(request).await?.json()
    }

    async fn on(&self, id: &str, what: &str) -> Result<(), Error> {
        self.0
            .perform(Method::POST, &["Import", id, what], None)
            .await
    }

    /// Deletes the records that an import created.
    ///
    /// # Errors
    /// As any request.
    pub async fn revert(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.on(id.as_ref(), "revert").await
    }

    /// Deletes the records that an import created as duplicates.
    ///
    /// # Errors
    /// As any request.
    pub async fn remove_duplicates(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.on(id.as_ref(), "removeDuplicates").await
    }

    /// Takes the mark "duplicate" from a record of an import.
    ///
    /// # Errors
    /// As any request.
    pub async fn unmark_duplicate(
        &self,
        id: impl AsRef<str>,
        entity_type: &str,
        record_id: impl AsRef<str>,
    ) -> Result<(), Error> {
        let path = ["Import", id.as_ref(), "unmarkDuplicates"];
        let body = serde_json::json!({
            "entityType": entity_type,
            "entityId": record_id.as_ref(),
        });
        self.0.perform(Method::POST, &path, Some(&body)).await
    }

    /// Writes the rows that failed into a file and answers the attachment's id;
    /// `None` when none did.
    ///
    /// # Errors
    /// As any request.
    pub async fn export_errors(&self, id: impl AsRef<str>) -> Result<Option<String>, Error> {
        let path = ["Import", id.as_ref(), "exportErrors"];
        let answer: JsonObject = self
            .0
            .call_json(Method::POST, &path, &serde_json::json!({}))
            .await?;
        Ok(answer
            .get("attachmentId")
            .and_then(|id| id.as_str())
            .map(str::to_owned))
    }
}

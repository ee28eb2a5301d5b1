//! Files: up from memory or from any reader, down as a stream, and into the
//! fields of records.

mod download;
mod upload;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use download::Download;
pub use upload::Upload;

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// Attachments; see [`Client::attachments`].
#[derive(Clone, Copy, Debug)]
pub struct Attachments<'c>(&'c Client);

impl Client {
    /// Files: uploads, downloads, and putting them into fields.
    pub fn attachments(&self) -> Attachments<'_> {
        Attachments(self)
    }
}

/// An attachment's record, as an upload or a read answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attachment {
    /// Its id, to put into a field.
    pub id: String,
    /// The file's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The media type.
    #[serde(rename = "type", default)]
    pub media_type: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// Everything else that the server sent.
    #[serde(flatten)]
    pub other: JsonObject,
}

/// The field that a file is meant for; the server checks type and access by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    entity_type: String,
    field: String,
    multiple: bool,
    inline: bool,
}

impl Place {
    /// A field of type file or image.
    pub fn file(entity_type: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            entity_type: entity_type.into(),
            field: field.into(),
            multiple: false,
            inline: false,
        }
    }

    /// A field of type attachmentMultiple, such as a note's `attachments`.
    pub fn multiple(entity_type: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            multiple: true,
            ..Self::file(entity_type, field)
        }
    }

    /// An image inside a field of type text or wysiwyg.
    pub fn inline(entity_type: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            inline: true,
            ..Self::file(entity_type, field)
        }
    }

    fn write(&self, into: &mut JsonObject) {
        let key = if self.multiple {
            "parentType"
        } else {
            "relatedType"
        };
        into.insert(key.to_owned(), json!(self.entity_type));
        into.insert("field".to_owned(), json!(self.field));
    }

    fn role(&self) -> &'static str {
        if self.inline {
            "Inline Attachment"
        } else {
            "Attachment"
        }
    }
}

impl Attachments<'_> {
    /// An attachment's record.
    ///
    /// # Errors
    /// As any request.
    pub async fn read(&self, id: impl AsRef<str>) -> Result<Attachment, Error> {
        self.0.get_json(&["Attachment", id.as_ref()]).await
    }

    /// Deletes an attachment.
    ///
    /// # Errors
    /// As any request.
    pub async fn delete(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.0
            .perform(Method::DELETE, &["Attachment", id.as_ref()], None)
            .await
    }

    /// Copies an attachment for another field.
    ///
    /// # Errors
    /// As any request.
    pub async fn copy(&self, id: impl AsRef<str>, place: &Place) -> Result<Attachment, Error> {
        let mut body = JsonObject::new();
        place.write(&mut body);
        let path = ["Attachment", "copy", id.as_ref()];
        self.0
            .call_json(Method::POST, &path, &Value::Object(body))
            .await
    }

    /// Lets the server fetch an image from a URL.
    ///
    /// # Errors
    /// As any request.
    pub async fn from_image_url(&self, url: &str, place: &Place) -> Result<Attachment, Error> {
        let mut body = JsonObject::new();
        body.insert("url".to_owned(), json!(url));
        place.write(&mut body);
        let path = ["Attachment", "fromImageUrl"];
        self.0
            .call_json(Method::POST, &path, &Value::Object(body))
            .await
    }

    /// Puts an attachment into a record's field of type file or image; `None`
    /// empties the field. Answers the record.
    ///
    /// # Errors
    /// As any request.
    pub async fn set_file(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        field: &str,
        attachment_id: Option<&str>,
    ) -> Result<JsonObject, Error> {
        let mut body = JsonObject::new();
        body.insert(format!("{field}Id"), json!(attachment_id));
        let path = [entity_type, id.as_ref()];
        self.0
            .call_json(Method::PUT, &path, &Value::Object(body))
            .await
    }

    /// Adds attachments to a record's field of type attachmentMultiple and keeps
    /// what is there. Answers the record.
    ///
    /// The server only knows replacing the whole set, so the set is read first.
    /// Where the entity type counts versions, a change in between is noticed and
    /// the set read again, three times at most.
    ///
    /// # Errors
    /// As any request; [`Error::is_version_conflict`] when others keep changing
    /// the record. A record without the field's attribute is refused before
    /// anything is written: its set is not known.
    pub async fn add_files<I>(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        field: &str,
        attachment_ids: I,
    ) -> Result<JsonObject, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let new: Vec<String> = attachment_ids
            .into_iter()
            .map(|id| id.as_ref().to_owned())
            .collect();
        let path = [entity_type, id.as_ref()];
        let attribute = format!("{field}Ids");
        let mut rounds = 0;
        loop {
            let record: JsonObject = self.0.get_json(&path).await?;
            let mut ids: Vec<String> = match record.get(&attribute) {
                Some(Value::Array(ids)) => ids
                    .iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect(),
                Some(Value::Null) => Vec::new(),
                _ => {
                    return Err(Error::build(format!(
                        "the record has no `{attribute}`: `{field}` is no field for several \
                         files, or may not be read; nothing was written"
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
            let mut request = Request::new(Method::PUT, &path).json(&body);
            if let Some(version) = record.get("versionNumber").and_then(Value::as_i64) {
                request = request.header("X-Version-Number", version.to_string());
            }
            rounds += 1;
            match self.0.send(request).await {
                Ok(response) => return response.json(),
                Err(error) if error.is_version_conflict() && rounds < 3 => {}
                Err(error) => return Err(error),
            }
        }
    }
}

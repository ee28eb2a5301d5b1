//! Files: uploads from memory or from a reader, downloads as a stream.
//!
//! ```text
//! let upload = Upload::new("terms.txt", "text/plain", document::FILE_ID);
//! let file = crm.records::<Attachment>().upload(&upload, b"terms").await?;
//! crm.update(&document_id, DocumentPatch::new().file_id(&file.id)).await?;
//! crm.record(&file.id).download().await?.write_to(&mut out).await?;
//! ```
//!
//! A field of type file or image is set like any other attribute. To add files to a field that holds several files, use
//! [`RecordRef::add_files`](crate::typed::RecordRef::add_files).

mod download;
mod upload;

use http::Method;
use serde_json::json;

pub use download::Download;
pub use upload::Upload;

use crate::JsonObject;
use crate::error::Error;
use crate::request::Request;
use crate::typed::roles::UploadedFile;
use crate::typed::{Entity, Field, Id, RecordRef, Records, decode_record, kind};

/// The field that a file is uploaded for. The server uses it to check the file's type and the user's access.
///
/// The constant of a field's IDs converts into it (`document::FILE_ID`, `note::ATTACHMENTS_IDS`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    entity_type: String,
    field: String,
    multiple: bool,
    inline: bool,
}

impl Place {
    /// Refers to a field of type file or image by its name in the metadata.
    pub fn file(entity_type: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            entity_type: entity_type.into(),
            field: field.into(),
            multiple: false,
            inline: false,
        }
    }

    /// Refers to a field of type attachmentMultiple, such as a note's `attachments`.
    pub fn multiple(entity_type: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            multiple: true,
            ..Self::file(entity_type, field)
        }
    }

    /// Refers to a field of type text or wysiwyg, for an image inside its text.
    pub fn inline(entity_type: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            inline: true,
            ..Self::file(entity_type, field)
        }
    }

    /// Refers to a text attribute, for an image inside its text: `Place::inline_in(email::BODY)`.
    pub fn inline_in<E: Entity, A>(attribute: Field<E, kind::Text, A>) -> Self {
        Self::inline(E::ENTITY_TYPE, attribute.name())
    }

    /// Returns the name of the field.
    pub fn field(&self) -> &str {
        &self.field
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

/// The field of the attribute with the ID of a file.
impl<E: Entity, T: UploadedFile, A> From<Field<E, kind::Ref<T>, A>> for Place {
    fn from(attribute: Field<E, kind::Ref<T>, A>) -> Self {
        let name = attribute.name();
        Self::file(E::ENTITY_TYPE, name.strip_suffix("Id").unwrap_or(name))
    }
}

/// The field of the attribute with the IDs of several files.
impl<E: Entity, T: UploadedFile, A> From<Field<E, kind::Set<Vec<Id<T>>>, A>> for Place {
    fn from(attribute: Field<E, kind::Set<Vec<Id<T>>>, A>) -> Self {
        let name = attribute.name();
        Self::multiple(E::ENTITY_TYPE, name.strip_suffix("Ids").unwrap_or(name))
    }
}

/// The field of such an attribute if lists do not contain it.
impl<E: Entity, T: UploadedFile, A> From<Field<E, kind::Unlisted<kind::Set<Vec<Id<T>>>>, A>>
    for Place
{
    fn from(attribute: Field<E, kind::Unlisted<kind::Set<Vec<Id<T>>>>, A>) -> Self {
        let name = attribute.name();
        Self::multiple(E::ENTITY_TYPE, name.strip_suffix("Ids").unwrap_or(name))
    }
}

impl<F: UploadedFile> Records<F> {
    /// Makes the server fetch an image from a URL.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for a URL or a type that the instance does not allow.
    pub async fn from_image_url(&self, url: &str, place: impl Into<Place>) -> Result<F, Error> {
        let mut body = JsonObject::new();
        body.insert("url".to_owned(), json!(url));
        place.into().write(&mut body);
        let request = self.request(Method::POST, &["fromImageUrl"]).json(&body);
        decode_record(&self.client().send(request).await?)
    }
}

impl<F: UploadedFile> RecordRef<F> {
    /// Copies the file for another field. Returns the copy.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] if the other field does not allow the file.
    pub async fn copy_to(&self, place: impl Into<Place>) -> Result<F, Error> {
        let mut body = JsonObject::new();
        place.into().write(&mut body);
        let path = self.records().path(&["copy", self.id().as_str()]);
        let request = Request::new(Method::POST, &path).json(&body);
        decode_record(&self.client().send(request).await?)
    }
}

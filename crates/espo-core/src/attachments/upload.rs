use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Place;
use crate::JsonObject;
use crate::error::Error;
use crate::typed::roles::UploadedFile;
use crate::typed::{Id, Records, decode_record};

/// Raw bytes of one chunk. As base64 it stays below nginx's default limit of 1 MB for a request body.
const CHUNK: usize = 512 * 1024;

/// A file to be uploaded: its name, its media type, and the field that it is uploaded for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Upload {
    name: String,
    media_type: String,
    place: Place,
    chunk: usize,
}

impl Upload {
    /// Describes a file. `name` may use any script; the server checks `media_type` (`text/plain`) against the name's
    /// extension and the field's `accept` list.
    pub fn new(
        name: impl Into<String>,
        media_type: impl Into<String>,
        place: impl Into<Place>,
    ) -> Self {
        Self {
            name: name.into(),
            media_type: media_type.into(),
            place: place.into(),
            chunk: CHUNK,
        }
    }

    /// Sets the number of bytes per chunk of an upload from a reader; defaults to 512 KiB. The server's limit of the
    /// request size must be at least 35 % larger.
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.chunk = bytes.max(1);
        self
    }

    fn members(&self) -> Result<JsonObject, Error> {
        if self.media_type.contains([',', ';']) {
            return Err(Error::build(format!(
                "the media type `{}` has parameters, which would truncate the file; remove them",
                self.media_type
            )));
        }
        let mut members = JsonObject::new();
        members.insert("name".to_owned(), json!(self.name));
        members.insert("type".to_owned(), json!(self.media_type));
        members.insert("role".to_owned(), json!(self.place.role()));
        self.place.write(&mut members);
        Ok(members)
    }

    fn data_uri(&self, bytes: &[u8]) -> String {
        let head = format!("data:{};base64,", self.media_type);
        let mut text = String::with_capacity(head.len() + bytes.len().div_ceil(3) * 4);
        text.push_str(&head);
        STANDARD.encode_string(bytes, &mut text);
        text
    }
}

impl<F: UploadedFile> Records<F> {
    /// Uploads a file in one request. Returns its record.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for a type or field that the server does not allow. A 413 from the web server
    /// means that the file is too large for one request: use [`Records::upload_reader`].
    pub async fn upload(&self, upload: &Upload, bytes: impl AsRef<[u8]>) -> Result<F, Error> {
        let bytes = bytes.as_ref();
        let mut body = upload.members()?;
        body.insert("size".to_owned(), json!(bytes.len()));
        body.insert("file".to_owned(), Value::String(upload.data_uri(bytes)));
        let request = self.request(Method::POST, &[]).json(&body);
        decode_record(&self.client().send(request).await?)
    }

    /// Uploads a file of `size` bytes in chunks and returns its record. One chunk is in memory at a time.
    ///
    /// If a chunk fails, the incomplete file is deleted if the server is reachable. A chunk is never sent twice
    /// automatically, because the server would append it twice.
    ///
    /// # Errors
    /// Returns the errors of [`Records::upload`]. Also fails if the reader fails or does not contain exactly `size`
    /// bytes.
    pub async fn upload_reader<R>(
        &self,
        upload: &Upload,
        size: u64,
        mut reader: R,
    ) -> Result<F, Error>
    where
        R: AsyncRead + Unpin,
    {
        #[derive(serde::Deserialize)]
        struct Started {
            id: String,
        }
        let mut body = upload.members()?;
        if size == 0 {
            // Without a further chunk, the file would never be completed.
            return self.upload(upload, []).await;
        }
        body.insert("size".to_owned(), json!(size));
        body.insert("isBeingUploaded".to_owned(), json!(true));
        let request = self.request(Method::POST, &[]).json(&body);
        let response = self.client().send(request).await?;
        let id: Id<F> = Id::new(response.json::<Started>()?.id);
        let record = decode_record(&response);
        let uploaded = match record {
            Ok(record) => self
                .chunks(upload, size, &mut reader, &id)
                .await
                .map(|()| record),
            Err(error) => Err(error),
        };
        if uploaded.is_err()
            && let Err(left) = self.delete(&id).await
        {
            tracing::warn!(id = %id, error = %left, "an incomplete upload was not deleted");
        }
        uploaded
    }

    async fn chunks<R>(
        &self,
        upload: &Upload,
        size: u64,
        reader: &mut R,
        id: &Id<F>,
    ) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        let mut buffer = Vec::with_capacity(upload.chunk);
        let mut sent = 0u64;
        loop {
            buffer.clear();
            let mut limited = (&mut *reader).take(upload.chunk as u64);
            limited
                .read_to_end(&mut buffer)
                .await
                .map_err(|error| Error::build(format!("cannot read the file: {error}")))?;
            if buffer.is_empty() {
                break;
            }
            sent += buffer.len() as u64;
            if sent > size {
                return Err(Error::build(format!(
                    "the file contains more than the {size} bytes that were announced"
                )));
            }
            let request = self.request(Method::POST, &["chunk", id.as_str()]).body(
                upload.data_uri(&buffer),
                HeaderValue::from_static("application/octet-stream"),
            );
            self.client().send(request).await?;
        }
        if sent < size {
            return Err(Error::build(format!(
                "the file ended after {sent} of the {size} bytes that were announced"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_uris_are_complete() {
        let upload = Upload::new(
            "ф.txt",
            "text/plain",
            Place::multiple("Note", "attachments"),
        );
        assert_eq!(upload.data_uri(b"Hello"), "data:text/plain;base64,SGVsbG8=");
        let members = upload.members().unwrap();
        assert_eq!(members["parentType"], "Note");
        assert_eq!(members["name"], "ф.txt");
        let odd = Upload::new(
            "a",
            "text/plain;charset=x,y",
            Place::file("Document", "file"),
        );
        assert!(odd.members().is_err());
    }
}

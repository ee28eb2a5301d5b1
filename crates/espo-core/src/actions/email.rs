//! Emails: sending, the inbox of the user, templates, addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::JsonObject;
use crate::error::Error;
use crate::request::Request;
use crate::typed::roles::{EmailMessage, MailAddress, MessageTemplate};
use crate::typed::{
    AnyRef, Editable, Id, IntoId, RecordRef, Records, Schema, decode_record, texts,
};

/// A mark that each user sets separately on an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailMark {
    /// The user has read it.
    Read,
    /// It is important.
    Important,
    /// It is in the trash.
    InTrash,
}

impl EmailMark {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Important => "important",
            Self::InTrash => "inTrash",
        }
    }
}

impl<E: EmailMessage> Records<E> {
    /// Sends an email by creating a record with the status `Sending`. Returns the record.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without an account to send from, and with 500 if the mail server does not
    /// accept it.
    pub async fn send(&self, email: E::New) -> Result<E, Error> {
        let mut attributes: JsonObject = email.into();
        attributes.insert("status".to_owned(), json!("Sending"));
        let request = self.request(Method::POST, &[]).json(&attributes);
        decode_record(&self.client().send(request).await?)
    }

    /// Marks emails for the current user.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if an email does not exist.
    pub async fn mark(
        &self,
        mark: EmailMark,
        emails: impl IntoIterator<Item = impl IntoId<E>>,
    ) -> Result<(), Error> {
        self.inbox(
            Method::POST,
            &[mark.as_str()],
            json!({"ids": texts(emails)}),
        )
        .await
    }

    /// Removes a mark from emails.
    ///
    /// # Errors
    /// Returns the errors of [`Records::mark`].
    pub async fn unmark(
        &self,
        mark: EmailMark,
        emails: impl IntoIterator<Item = impl IntoId<E>>,
    ) -> Result<(), Error> {
        self.inbox(
            Method::DELETE,
            &[mark.as_str()],
            json!({"ids": texts(emails)}),
        )
        .await
    }

    /// Marks every email of the user as read.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn mark_every_read(&self) -> Result<(), Error> {
        self.inbox(Method::POST, &["read"], json!({"all": true}))
            .await
    }

    /// Moves emails of the user to a folder: `inbox`, `archive` or the ID of a folder.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the folder does not exist.
    pub async fn move_to(
        &self,
        folder: &str,
        emails: impl IntoIterator<Item = impl IntoId<E>>,
    ) -> Result<(), Error> {
        self.inbox(
            Method::POST,
            &["folders", folder],
            json!({"ids": texts(emails)}),
        )
        .await
    }

    async fn inbox(&self, method: Method, rest: &[&str], body: Value) -> Result<(), Error> {
        let mut path = self.path(&["inbox"]);
        path.extend_from_slice(rest);
        self.client().perform(method, &path, Some(&body)).await
    }

    /// Returns the number of unread emails of the user by folder.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn unread_counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let path = self.path(&["inbox", "notReadCounts"]);
        let counts: Value = self.client().get_json(&path).await?;
        // PHP writes an empty map as `[]`.
        let counts = counts.as_object().into_iter().flatten();
        Ok(counts
            .filter_map(|(folder, count)| Some((folder.clone(), count.as_u64()?)))
            .collect())
    }

    /// Imports an uploaded `.eml` file. Returns the ID of the email.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the file does not exist.
    pub async fn import_eml(
        &self,
        file: impl IntoId<<E::Schema as Schema>::Attachment>,
    ) -> Result<Id<E>, Error> {
        #[derive(Deserialize)]
        struct Imported {
            id: String,
        }
        let body = json!({"fileId": file.into_id().as_str()});
        let path = self.path(&["importEml"]);
        let imported: Imported = self.client().call_json(Method::POST, &path, &body).await?;
        Ok(Id::new(imported.id))
    }
}

/// An email template after its placeholders were replaced for a record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PreparedEmail<A> {
    /// The subject.
    pub subject: String,
    /// The body.
    pub body: String,
    /// Whether the body is HTML.
    pub is_html: bool,
    /// Copies of the template's files, for the email to be sent.
    pub attachments: Vec<Id<A>>,
}

/// A template to be rendered; see [`RecordRef::prepare`].
#[must_use = "nothing is sent until the request is awaited"]
pub struct PrepareRequest<T> {
    template: RecordRef<T>,
    body: JsonObject,
}

impl<T> fmt::Debug for PrepareRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrepareRequest")
            .field("template", &self.template)
            .field("body", &self.body)
            .finish()
    }
}

impl<T: MessageTemplate> RecordRef<T> {
    /// Renders the template into a subject, a body and files.
    pub fn prepare(&self) -> PrepareRequest<T> {
        PrepareRequest {
            template: self.clone(),
            body: JsonObject::new(),
        }
    }
}

/// The prepared email of the generated crate of `T`.
type Prepared<T> = PreparedEmail<<<T as Editable>::Schema as Schema>::Attachment>;

impl<T: MessageTemplate> PrepareRequest<T> {
    fn with(mut self, key: &str, value: &impl Serialize) -> Self {
        self.body.insert(key.to_owned(), json!(value));
        self
    }

    /// Sets the record that the email will belong to.
    pub fn parent(self, record: impl Into<AnyRef>) -> Self {
        let record = record.into();
        self.with("parentType", &record.entity_type)
            .with("parentId", &record.id)
    }

    /// Sets a further record whose values the template can use.
    pub fn related(self, record: impl Into<AnyRef>) -> Self {
        let record = record.into();
        self.with("relatedType", &record.entity_type)
            .with("relatedId", &record.id)
    }

    /// Sets the recipient's address. The template can use the values of the person who has this address.
    pub fn email_address(self, address: &str) -> Self {
        self.with("emailAddress", &address)
    }

    /// Renders the template.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the template or a record does not exist.
    pub async fn send(self) -> Result<Prepared<T>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            #[serde(default)]
            subject: Option<String>,
            #[serde(default)]
            body: Option<String>,
            #[serde(default)]
            is_html: Option<bool>,
            #[serde(default)]
            attachments_ids: Option<Vec<String>>,
        }
        let request = self
            .template
            .request(Method::POST, &["prepare"])
            .json(&self.body);
        let wire: Wire = self.template.client().send(request).await?.json()?;
        let files = wire.attachments_ids.unwrap_or_default();
        Ok(PreparedEmail {
            subject: wire.subject.unwrap_or_default(),
            body: wire.body.unwrap_or_default(),
            is_html: wire.is_html.unwrap_or_default(),
            attachments: files.into_iter().map(Id::new).collect(),
        })
    }
}

impl<T: MessageTemplate> IntoFuture for PrepareRequest<T> {
    type Output = Result<Prepared<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<A: MailAddress> Records<A> {
    /// Searches the records of an entity type, such as `Contact::ENTITY_TYPE`, for those whose address or name begins with a
    /// string, like the address field of an email. Rows contain `emailAddress` and the record with this address (`entityType`,
    /// `entityId`, `entityName`).
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn search_addresses(
        &self,
        entity_type: &str,
        text: &str,
        max_size: u32,
    ) -> Result<Vec<JsonObject>, Error> {
        let path = self.path(&["search"]);
        let request = Request::new(Method::GET, &path)
            .query("q", text)
            .query("entityType", entity_type)
            .query("maxSize", max_size);
        self.client().send(request).await?.json()
    }
}

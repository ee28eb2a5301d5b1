//! Webhooks: keeping them in place, and trusting what they deliver.

mod delivery;

use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

pub use delivery::{Delivery, SignatureError, verify};

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::search::{Order, SearchParams, WhereItem};

/// Webhooks; see [`Client::webhooks`].
#[derive(Clone, Copy, Debug)]
pub struct Webhooks<'c>(&'c Client);

impl Client {
    /// Webhooks of the user; needs the scope Webhook, or an administrator.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(self)
    }
}

/// What a webhook is told about: `Account.create`, `Account.update`,
/// `Account.delete`, `Account.fieldUpdate.assignedUser`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event(String);

impl Event {
    /// A record was created.
    pub fn create(entity_type: &str) -> Self {
        Self(format!("{entity_type}.create"))
    }

    /// A record was changed.
    pub fn update(entity_type: &str) -> Self {
        Self(format!("{entity_type}.update"))
    }

    /// A record was deleted.
    pub fn delete(entity_type: &str) -> Self {
        Self(format!("{entity_type}.delete"))
    }

    /// A field was changed, by its metadata name (`assignedUser`).
    pub fn field_update(entity_type: &str, field: &str) -> Self {
        Self(format!("{entity_type}.fieldUpdate.{field}"))
    }

    /// As the server writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A webhook, as the server keeps it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Webhook {
    /// Its id; the signature names it.
    pub id: String,
    /// What it is told about.
    #[serde(default)]
    pub event: Option<String>,
    /// Where it is told.
    #[serde(default)]
    pub url: Option<String>,
    /// Whether it is on; the server deletes one whose receiver answers 410.
    #[serde(default)]
    pub is_active: Option<bool>,
    /// The key of its signatures. `None` in lists.
    #[serde(default, deserialize_with = "secret")]
    pub secret_key: Option<SecretString>,
    /// Everything else that the server sent.
    #[serde(flatten)]
    pub other: JsonObject,
}

fn secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Into::into))
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("event", &self.event)
            .field("url", &self.url)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

impl Webhooks<'_> {
    /// Creates a webhook; the answer holds its secret key. The server allows
    /// duplicates: use [`Webhooks::ensure`] for one that is to be there once.
    ///
    /// # Errors
    /// As any request. Forbidden for an entity type or action without webhooks;
    /// a validation failure `notInternal` for a host that is internal or does
    /// not resolve.
    pub async fn create(&self, event: &Event, url: &str, skip_own: bool) -> Result<Webhook, Error> {
        let body = json!({"event": event.as_str(), "url": url, "skipOwn": skip_own});
        self.0.call_json(Method::POST, &["Webhook"], &body).await
    }

    /// One webhook, with its secret key.
    ///
    /// # Errors
    /// As any request.
    pub async fn read(&self, id: impl AsRef<str>) -> Result<Webhook, Error> {
        self.0.get_json(&["Webhook", id.as_ref()]).await
    }

    /// All webhooks that the user can see.
    ///
    /// # Errors
    /// As any request.
    pub async fn list(&self) -> Result<Vec<Webhook>, Error> {
        self.find(&[]).await
    }

    async fn find(&self, conditions: &[WhereItem]) -> Result<Vec<Webhook>, Error> {
        #[derive(Deserialize)]
        struct Page {
            list: Vec<Webhook>,
        }
        const SIZE: u32 = 100;
        let mut all: Vec<Webhook> = Vec::new();
        loop {
            let mut params = SearchParams::new()
                .order_by("id", Order::Asc)
                .max_size(SIZE);
            params.where_ = conditions.to_vec();
            if let Some(last) = all.last() {
                params
                    .where_
                    .push(WhereItem::greater_than("id", last.id.clone()));
            }
            let request = Request::new(Method::GET, &["Webhook"]).search(&params);
            let page: Page = self.0.send(request).await?.json()?;
            let more = page.list.len() == SIZE as usize;
            all.extend(page.list);
            if !more {
                return Ok(all);
            }
        }
    }

    /// Deletes a webhook.
    ///
    /// # Errors
    /// As any request.
    pub async fn delete(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.0
            .perform(Method::DELETE, &["Webhook", id.as_ref()], None)
            .await
    }

    /// Sees to it that exactly one active webhook for `event` and `url` exists:
    /// creates it when there is none, switches on or keeps the oldest and
    /// deletes the others. Answers it with its secret key.
    ///
    /// Two programs that do this at the same time may both create one; each then
    /// looks again and keeps the same, oldest one.
    ///
    /// # Errors
    /// As any request.
    pub async fn ensure(&self, event: &Event, url: &str) -> Result<Webhook, Error> {
        let mut found = self.matching(event, url).await?;
        if found.is_empty() {
            self.create(event, url, false).await?;
            found = self.matching(event, url).await?;
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        let mut found = found.into_iter();
        let Some(kept) = found.next() else {
            return Err(Error::build(
                "the webhook was created and is not to be seen: the user lacks read access to it",
            ));
        };
        for extra in found {
            match self.delete(&extra.id).await {
                // Somebody else was faster.
                Err(error) if error.is_not_found() => {}
                other => other?,
            }
        }
        if kept.is_active == Some(false) {
            let body = json!({"isActive": true});
            let path = ["Webhook", kept.id.as_str()];
            let _: JsonObject = self.0.call_json(Method::PUT, &path, &body).await?;
        }
        self.read(&kept.id).await
    }

    async fn matching(&self, event: &Event, url: &str) -> Result<Vec<Webhook>, Error> {
        let conditions = [
            WhereItem::equals("event", event.as_str()),
            WhereItem::equals("url", url),
        ];
        let mut found = self.find(&conditions).await?;
        // The database compares without case; a URL's path does not.
        found.retain(|hook| {
            hook.url.as_deref() == Some(url) && hook.event.as_deref() == Some(event.as_str())
        });
        Ok(found)
    }
}

//! Webhooks: subscribing to changes, and verifying deliveries.
//!
//! ```text
//! let event = Event::create::<Account>();
//! let webhook = crm.records::<Webhook>().ensure(&event, "https://example.com/hook").await?;
//! ```
//!
//! The receiver verifies each delivery with the webhook's secret key: [`verify`].

mod delivery;

use std::borrow::Cow;

use http::Method;
use serde::Deserialize;
use serde_json::json;

pub use delivery::{Delivery, SignatureError, verify};

use crate::error::Error;
use crate::search::{Order, SearchParams, WhereItem};
use crate::typed::roles::WebhookSubscription;
use crate::typed::{Entity, Id, Records};

/// The change that a webhook reports: `Account.create`, `Account.update`, `Account.delete`,
/// `Account.fieldUpdate.assignedUser`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event(String);

impl Event {
    /// Reports that a record of `E` was created.
    pub fn create<E: Entity>() -> Self {
        Self::new(format!("{}.create", E::ENTITY_TYPE))
    }

    /// Reports that a record of `E` was changed.
    pub fn update<E: Entity>() -> Self {
        Self::new(format!("{}.update", E::ENTITY_TYPE))
    }

    /// Reports that a record of `E` was deleted.
    pub fn delete<E: Entity>() -> Self {
        Self::new(format!("{}.delete", E::ENTITY_TYPE))
    }

    /// Reports that a field of a record of `E` was changed. `field` is the field's name in the metadata, or the
    /// constant of an attribute or link with the same name (`account::NAME`, `account::links::ASSIGNED_USER`).
    pub fn field_update<E: Entity>(field: impl Into<Cow<'static, str>>) -> Self {
        Self::new(format!("{}.fieldUpdate.{}", E::ENTITY_TYPE, field.into()))
    }

    /// Creates an event from its name on the wire, for an entity type that is known only at run time.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the name on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The attributes of a webhook that [`Records::ensure`] compares.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    id: String,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    is_active: Option<bool>,
}

impl<W: WebhookSubscription> Records<W> {
    /// Ensures that exactly one active webhook for `event` and `url` exists: creates it if there is none; otherwise keeps
    /// the oldest, activates it and deletes the others. Returns its record with the secret key of its signatures.
    ///
    /// If two programs do this at the same time, both may create a webhook; each then checks again, and both keep the
    /// oldest one. A plain `crm.create(WebhookNew::new(…))` creates another webhook each time.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for an entity type or action without webhooks; a validation error
    /// `notInternal` for a host that is internal or does not resolve.
    pub async fn ensure(&self, event: &Event, url: &str) -> Result<W, Error> {
        let mut found = self.known(event, url).await?;
        if found.is_empty() {
            let body = json!({"event": event.as_str(), "url": url, "skipOwn": false});
            let request = self.request(Method::POST, &[]).json(&body);
            self.client().send(request).await?;
            found = self.known(event, url).await?;
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        let mut found = found.into_iter();
        let Some(kept) = found.next() else {
            return Err(Error::build(
                "the webhook was created but cannot be found: the user has no read access to it",
            ));
        };
        for extra in found {
            match self.delete(Id::<W>::new(&extra.id)).await {
                // Another program has deleted it in the meantime.
                Err(error) if error.is_not_found() => {}
                other => other?,
            }
        }
        let id: Id<W> = Id::new(&kept.id);
        if kept.is_active == Some(false) {
            let request = self
                .request(Method::PUT, &[id.as_str()])
                .json(&json!({"isActive": true}));
            self.client().send(request).await?;
        }
        self.read(&id).await
    }

    async fn known(&self, event: &Event, url: &str) -> Result<Vec<Known>, Error> {
        #[derive(Deserialize)]
        struct Page {
            list: Vec<Known>,
        }
        const SIZE: u32 = 100;
        let mut all: Vec<Known> = Vec::new();
        loop {
            let mut params = SearchParams::new()
                .filter(WhereItem::equals("event", event.as_str()))
                .filter(WhereItem::equals("url", url))
                .order_by("id", Order::Asc)
                .max_size(SIZE);
            if let Some(last) = all.last() {
                params = params.filter(WhereItem::greater_than("id", last.id.clone()));
            }
            let request = self.request(Method::GET, &[]).search(&params);
            let page: Page = self.client().send(request).await?.json()?;
            let more = page.list.len() == SIZE as usize;
            all.extend(page.list);
            if !more {
                break;
            }
        }
        // The database compares without regard to case; the path of a URL does not.
        all.retain(|hook| {
            hook.url.as_deref() == Some(url) && hook.event.as_deref() == Some(event.as_str())
        });
        Ok(all)
    }
}

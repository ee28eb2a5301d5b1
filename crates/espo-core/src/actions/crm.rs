//! What leads, target lists, meetings and calls can do.

use http::Method;
use serde_json::{Value, json};

use super::JsonPage;
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// What a lead is converted into.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Conversion {
    records: JsonObject,
    skip_duplicate_check: bool,
}

impl Conversion {
    /// Nothing yet; a lead may be converted into nothing at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a record of `entity_type` (`Account`, `Contact`, `Opportunity`)
    /// with these attributes.
    pub fn record(mut self, entity_type: impl Into<String>, attributes: JsonObject) -> Self {
        self.records
            .insert(entity_type.into(), Value::Object(attributes));
        self
    }

    /// Creates duplicates, too.
    pub fn skip_duplicate_check(mut self) -> Self {
        self.skip_duplicate_check = true;
        self
    }
}

impl Client {
    /// Converts a lead and answers its record.
    ///
    /// # Errors
    /// As any request; [`Error::is_duplicate`] with `id`, `name` and
    /// `_entityType` of the records that are there already.
    pub async fn convert_lead(
        &self,
        lead_id: impl AsRef<str>,
        conversion: &Conversion,
    ) -> Result<JsonObject, Error> {
        let body = json!({
            "id": lead_id.as_ref(),
            "records": conversion.records,
            "skipDuplicateCheck": conversion.skip_duplicate_check,
        });
        self.call_json(Method::POST, &["Lead", "action", "convert"], &body)
            .await
    }

    /// The attributes that a lead's conversion would start with, by entity type.
    ///
    /// # Errors
    /// As any request.
    pub async fn lead_convert_attributes(
        &self,
        lead_id: impl AsRef<str>,
    ) -> Result<JsonObject, Error> {
        let path = ["Lead", "action", "getConvertAttributes"];
        self.call_json(Method::POST, &path, &json!({"id": lead_id.as_ref()}))
            .await
    }

    /// Hands a lead in through a web form's key, without credentials. The key
    /// stays out of errors and traces.
    ///
    /// # Errors
    /// As any request.
    pub async fn capture_lead(&self, key: &str, attributes: &JsonObject) -> Result<(), Error> {
        let request = Request::new(Method::POST, &["LeadCapture", key])
            .hide_path_from(1)
            .json(attributes)
            .anonymous();
        self.send(request).await.map(drop)
    }

    async fn target_list(
        &self,
        action: &str,
        list_id: &str,
        target_type: &str,
        target_id: &str,
    ) -> Result<(), Error> {
        let body = json!({"id": list_id, "targetType": target_type, "targetId": target_id});
        self.perform(Method::POST, &["TargetList", "action", action], Some(&body))
            .await
    }

    /// Marks a member of a target list as opted out.
    ///
    /// # Errors
    /// As any request.
    pub async fn opt_out(
        &self,
        list_id: impl AsRef<str>,
        target_type: &str,
        target_id: impl AsRef<str>,
    ) -> Result<(), Error> {
        self.target_list("optOut", list_id.as_ref(), target_type, target_id.as_ref())
            .await
    }

    /// Takes an opt-out back.
    ///
    /// # Errors
    /// As any request.
    pub async fn cancel_opt_out(
        &self,
        list_id: impl AsRef<str>,
        target_type: &str,
        target_id: impl AsRef<str>,
    ) -> Result<(), Error> {
        let (list_id, target_id) = (list_id.as_ref(), target_id.as_ref());
        self.target_list("cancelOptOut", list_id, target_type, target_id)
            .await
    }

    /// The members of a target list that opted out.
    ///
    /// # Errors
    /// As any request.
    pub async fn opted_out(
        &self,
        list_id: impl AsRef<str>,
        offset: u64,
        max_size: u32,
    ) -> Result<JsonPage, Error> {
        let path = ["TargetList", list_id.as_ref(), "optedOut"];
        let request = Request::new(Method::GET, &path)
            .query("offset", offset)
            .query("maxSize", max_size);
        self.send(request).await?.json()
    }

    /// Empties one link of a target list.
    ///
    /// # Errors
    /// As any request.
    pub async fn unlink_all_targets(
        &self,
        list_id: impl AsRef<str>,
        link: &str,
    ) -> Result<(), Error> {
        let body = json!({"id": list_id.as_ref(), "link": link});
        let path = ["TargetList", "action", "unlinkAll"];
        self.perform(Method::POST, &path, Some(&body)).await
    }

    /// Meetings or calls: attendees, invitations, being held.
    pub fn event(&self, entity_type: impl Into<String>) -> Event<'_> {
        Event {
            client: self,
            entity_type: entity_type.into(),
        }
    }
}

/// Actions on meetings or calls; see [`Client::event`].
#[derive(Clone, Debug)]
pub struct Event<'c> {
    client: &'c Client,
    entity_type: String,
}

impl Event<'_> {
    async fn act(&self, action: &str, body: Value) -> Result<(), Error> {
        let path = [self.entity_type.as_str(), "action", action];
        self.client.perform(Method::POST, &path, Some(&body)).await
    }

    /// Users, contacts and leads who take part, with their acceptance.
    ///
    /// # Errors
    /// As any request.
    pub async fn attendees(&self, id: impl AsRef<str>) -> Result<JsonPage, Error> {
        let path = [self.entity_type.as_str(), id.as_ref(), "attendees"];
        self.client.get_json(&path).await
    }

    /// Mails the invitations.
    ///
    /// # Errors
    /// As any request; `false` of the server (nobody to invite) is an error.
    pub async fn send_invitations(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.act("sendInvitations", json!({"id": id.as_ref()}))
            .await
    }

    /// Mails that it does not take place.
    ///
    /// # Errors
    /// As any request.
    pub async fn send_cancellation(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.act("sendCancellation", json!({"id": id.as_ref()}))
            .await
    }

    async fn set_held<I>(&self, action: &str, ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let ids: Vec<String> = ids.into_iter().map(|id| id.as_ref().to_owned()).collect();
        self.act(action, json!({"ids": ids})).await
    }

    /// Marks them as held.
    ///
    /// # Errors
    /// As any request.
    pub async fn set_held_all<I>(&self, ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.set_held("massSetHeld", ids).await
    }

    /// Marks them as not held.
    ///
    /// # Errors
    /// As any request.
    pub async fn set_not_held_all<I>(&self, ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.set_held("massSetNotHeld", ids).await
    }

    /// Says whether the user of the credentials comes: `Accepted`, `Declined`,
    /// `Tentative` or `None`.
    ///
    /// # Errors
    /// As any request.
    pub async fn set_acceptance(&self, id: impl AsRef<str>, status: &str) -> Result<(), Error> {
        let body = json!({"id": id.as_ref(), "status": status});
        self.act("setAcceptanceStatus", body).await
    }
}

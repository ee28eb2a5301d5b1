//! Mass actions, and actions on one record that are more than an update.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::job::sealed::Kind;
use super::{Job, JobStatus, Progress, Selection, value};
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;

/// Mass actions on one entity type; see [`Client::mass`].
#[derive(Clone, Debug)]
pub struct Mass<'c> {
    client: &'c Client,
    entity_type: String,
}

impl Client {
    /// Mass actions on records of `entity_type`. Records that the user may not
    /// change, or that fail validation, are left out silently: compare
    /// [`MassResult::count`].
    pub fn mass(&self, entity_type: impl Into<String>) -> Mass<'_> {
        Mass {
            client: self,
            entity_type: entity_type.into(),
        }
    }

    /// Merges `source_ids` into a record, which takes `attributes`; the sources
    /// are deleted. Answers the record.
    ///
    /// # Errors
    /// As any request.
    pub async fn merge<I>(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        source_ids: I,
        attributes: impl Into<JsonObject>,
    ) -> Result<JsonObject, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let sources: Vec<String> = source_ids
            .into_iter()
            .map(|id| id.as_ref().to_owned())
            .collect();
        let data = json!({"sourceIdList": sources, "attributes": attributes.into()});
        self.action(entity_type, id, "merge", data).await
    }

    /// Converts a record's money into another currency, at the instance's rates
    /// unless `rates` are given. Answers the record.
    ///
    /// # Errors
    /// As any request.
    pub async fn convert_currency(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        target_currency: &str,
        rates: Option<&JsonObject>,
    ) -> Result<JsonObject, Error> {
        let data = currency_data(target_currency, rates);
        self.action(entity_type, id, "convertCurrency", data).await
    }

    /// Any action on one record (`POST Action`).
    ///
    /// # Errors
    /// As any request; an unknown action is not found.
    pub async fn action(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
        action: &str,
        data: Value,
    ) -> Result<JsonObject, Error> {
        let body = json!({
            "entityType": entity_type,
            "id": id.as_ref(),
            "action": action,
            "data": data,
        });
        self.call_json(Method::POST, &["Action"], &body).await
    }

    /// The attributes with which a copy of a record would start.
    ///
    /// # Errors
    /// As any request.
    pub async fn duplicate_attributes(
        &self,
        entity_type: &str,
        id: impl AsRef<str>,
    ) -> Result<JsonObject, Error> {
        let path = [entity_type, "action", "getDuplicateAttributes"];
        self.call_json(Method::POST, &path, &json!({"id": id.as_ref()}))
            .await
    }
}

/// What a mass action did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MassResult {
    /// How many records were changed.
    #[serde(default)]
    pub count: u64,
    /// Which, when the records were chosen by id; `None` for a search.
    #[serde(default)]
    pub ids: Option<Vec<String>>,
}

/// What a mass update does to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateMode {
    /// Replaces the value.
    Update,
    /// Adds to a list or a set of links.
    Add,
    /// Removes from a list or a set of links.
    Remove,
}

impl Mass<'_> {
    /// Sets `values` on the records: a JSON object, or the patch of an entity type (`ContactPatch`).
    ///
    /// # Errors
    /// As any request; needs edit access and the mass-update permission.
    pub async fn update(
        &self,
        which: &Selection,
        values: impl Into<JsonObject>,
    ) -> Result<MassResult, Error> {
        self.update_with(which, values, []).await
    }

    /// Sets `values`, adding to or removing from those attributes (lists and
    /// sets of links) that `modes` names.
    ///
    /// # Errors
    /// As [`Mass::update`].
    pub async fn update_with<'a>(
        &self,
        which: &Selection,
        values: impl Into<JsonObject>,
        modes: impl IntoIterator<Item = (&'a str, UpdateMode)>,
    ) -> Result<MassResult, Error> {
        let mut actions = JsonObject::new();
        for (attribute, mode) in modes {
            actions.insert(attribute.to_owned(), value(&mode)?);
        }
        let data = json!({"values": values.into(), "actions": actions});
        self.run("update", which, data).await
    }

    /// Deletes the records.
    ///
    /// # Errors
    /// As any request; needs delete access, and the mass-update permission when
    /// they are chosen by a search.
    pub async fn delete(&self, which: &Selection) -> Result<MassResult, Error> {
        self.run("delete", which, json!({})).await
    }

    /// Converts the records' money into another currency.
    ///
    /// # Errors
    /// As any request.
    pub async fn convert_currency(
        &self,
        which: &Selection,
        target_currency: &str,
        rates: Option<&JsonObject>,
    ) -> Result<MassResult, Error> {
        let data = currency_data(target_currency, rates);
        self.run("convertCurrency", which, data).await
    }

    /// Runs the formula scripts of the records again (administrators).
    ///
    /// # Errors
    /// As any request.
    pub async fn recalculate_formula(&self, which: &Selection) -> Result<MassResult, Error> {
        self.run("recalculateFormula", which, json!({})).await
    }

    /// Follows the records; for another user when an administrator says so.
    ///
    /// # Errors
    /// As any request.
    pub async fn follow(
        &self,
        which: &Selection,
        user_id: Option<&str>,
    ) -> Result<MassResult, Error> {
        self.run("follow", which, user_data(user_id)).await
    }

    /// Unfollows the records; for another user when an administrator says so.
    ///
    /// # Errors
    /// As any request.
    pub async fn unfollow(
        &self,
        which: &Selection,
        user_id: Option<&str>,
    ) -> Result<MassResult, Error> {
        self.run("unfollow", which, user_data(user_id)).await
    }

    /// Any mass action, done when this returns.
    ///
    /// # Errors
    /// As any request; an unknown action is not found. It may take long: raise
    /// the client's time limit or use [`Mass::start`].
    pub async fn run(
        &self,
        action: &str,
        which: &Selection,
        data: Value,
    ) -> Result<MassResult, Error> {
        let body = self.body(action, which, data, false)?;
        self.client
            .call_json(Method::POST, &["MassAction"], &body)
            .await
    }

    /// Any mass action, in the background of the server ("idle mode").
    ///
    /// # Errors
    /// As any request.
    pub async fn start(
        &self,
        action: &str,
        which: &Selection,
        data: Value,
    ) -> Result<MassJob, Error> {
        #[derive(Deserialize)]
        struct Started {
            id: String,
        }
        let body = self.body(action, which, data, true)?;
        let started: Started = self
            .client
            .call_json(Method::POST, &["MassAction"], &body)
            .await?;
        Ok(Job::resume(self.client, started.id))
    }

    fn body(
        &self,
        action: &str,
        which: &Selection,
        data: Value,
        idle: bool,
    ) -> Result<Value, Error> {
        Ok(json!({
            "entityType": self.entity_type,
            "action": action,
            "params": which.to_json()?,
            "data": data,
            "idle": idle,
        }))
    }
}

/// A mass action that the server does in the background.
pub type MassJob = Job<MassProgress>;

/// How far a mass action in the background has come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MassProgress {
    /// Where it stands.
    pub status: JobStatus,
    /// Records done so far.
    #[serde(default)]
    pub processed_count: Option<u64>,
}

impl Kind for MassProgress {
    const PATH: &'static str = "MassAction";
}

impl Progress for MassProgress {
    fn status(&self) -> &JobStatus {
        &self.status
    }
}

fn currency_data(target: &str, rates: Option<&JsonObject>) -> Value {
    match rates {
        Some(rates) => json!({"targetCurrency": target, "rates": rates}),
        None => json!({"targetCurrency": target}),
    }
}

fn user_data(user_id: Option<&str>) -> Value {
    match user_id {
        Some(id) => json!({"userId": id}),
        None => json!({}),
    }
}

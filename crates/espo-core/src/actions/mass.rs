//! Mass actions: one request that changes many records.

use http::Method;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::currency::{Rates, rates_json};
use super::job::sealed::Kind;
use super::{Job, JobStatus, Progress, Selection, value};
use crate::JsonObject;
use crate::error::Error;
use crate::typed::roles::{HasStream, Lockable};
use crate::typed::{Editable, Field, Id, IntoId, Records, Schema};

/// Mass actions on selected records; see [`Records::mass`].
#[derive(Clone, Debug)]
pub struct Mass<R> {
    records: Records<R>,
    selection: Selection<R>,
}

impl<R: Editable> Records<R> {
    /// Changes many records with one request.
    ///
    /// The server silently skips records that the user may not change or that fail validation: compare
    /// [`MassResult::count`] with the expected number of records.
    pub fn mass(&self, selection: Selection<R>) -> Mass<R> {
        Mass {
            records: self.clone(),
            selection,
        }
    }
}

/// The result of a mass action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MassResult<R> {
    /// The number of records that were changed.
    pub count: u64,
    /// The IDs of these records if they were selected by ID; `None` if they were selected by a search.
    pub ids: Option<Vec<Id<R>>>,
}

impl<'de, R> Deserialize<'de> for MassResult<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(default)]
            count: u64,
            #[serde(default)]
            ids: Option<Vec<String>>,
        }
        let wire = Wire::deserialize(deserializer)?;
        let ids = wire.ids.map(|ids| ids.into_iter().map(Id::new).collect());
        Ok(Self {
            count: wire.count,
            ids,
        })
    }
}

/// How a mass update changes an attribute.
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

/// Update modes by attribute, for [`Mass::update_with`].
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct UpdateModes(JsonObject);

impl UpdateModes {
    /// Creates an empty set of modes: every value replaces the old one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value to the attribute's existing value.
    pub fn adding<E, K, A>(self, field: Field<E, K, A>) -> Self {
        self.mode(field.name(), UpdateMode::Add)
    }

    /// Removes the value from the attribute's existing value.
    pub fn removing<E, K, A>(self, field: Field<E, K, A>) -> Self {
        self.mode(field.name(), UpdateMode::Remove)
    }

    /// Sets the mode of an attribute that is known only at run time.
    pub fn mode(mut self, attribute: impl Into<String>, mode: UpdateMode) -> Self {
        let mode = match mode {
            UpdateMode::Update => "update",
            UpdateMode::Add => "add",
            UpdateMode::Remove => "remove",
        };
        self.0.insert(attribute.into(), json!(mode));
        self
    }
}

impl<R: Editable> Mass<R> {
    /// Applies a patch to the records.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit and the mass-update permission.
    pub async fn update(&self, patch: R::Patch) -> Result<MassResult<R>, Error> {
        self.update_with(patch, UpdateModes::new()).await
    }

    /// Applies a patch to the records; attributes in `modes` are added to or removed from lists and sets.
    ///
    /// # Errors
    /// Returns the errors of [`Mass::update`].
    pub async fn update_with(
        &self,
        patch: R::Patch,
        modes: UpdateModes,
    ) -> Result<MassResult<R>, Error> {
        let values: JsonObject = patch.into();
        self.run("update", json!({"values": values, "actions": modes.0}))
            .await
    }

    /// Deletes the records.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to delete, and without the mass-update permission if the
    /// records are selected by a search.
    pub async fn delete(&self) -> Result<MassResult<R>, Error> {
        self.run("delete", json!({})).await
    }

    /// Converts the records' amounts into another currency, at the rates of the instance.
    ///
    /// # Errors
    /// Fails with 400 if the instance has no rate for the currency.
    pub async fn convert_currency(&self, currency: &str) -> Result<MassResult<R>, Error> {
        self.run("convertCurrency", currency_data(currency, None)?)
            .await
    }

    /// Converts the records' amounts into another currency, at these rates.
    ///
    /// # Errors
    /// Returns the errors of [`Mass::convert_currency`].
    pub async fn convert_currency_at(
        &self,
        currency: &str,
        rates: &Rates,
    ) -> Result<MassResult<R>, Error> {
        self.run("convertCurrency", currency_data(currency, Some(rates))?)
            .await
    }

    /// Runs the formula scripts of the records again (administrators only).
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights.
    pub async fn recalculate_formula(&self) -> Result<MassResult<R>, Error> {
        self.run("recalculateFormula", json!({})).await
    }

    /// Runs any mass action and waits for its result.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the action does not exist. The action can take long: raise the client's
    /// timeout, or use [`Mass::start`].
    pub async fn run(&self, action: &str, data: Value) -> Result<MassResult<R>, Error> {
        let body = self.body(action, &data, false)?;
        let client = self.records.client();
        client.call_json(Method::POST, &["MassAction"], &body).await
    }

    /// Starts any mass action as a background job on the server ("idle mode").
    ///
    /// # Errors
    /// Returns the errors of [`Mass::run`].
    pub async fn start(&self, action: &str, data: Value) -> Result<MassJob, Error> {
        #[derive(Deserialize)]
        struct Started {
            id: String,
        }
        let body = self.body(action, &data, true)?;
        let client = self.records.client();
        let started: Started = client
            .call_json(Method::POST, &["MassAction"], &body)
            .await?;
        Ok(Job::resume(client, started.id))
    }

    fn body(&self, action: &str, data: &Value, idle: bool) -> Result<Value, Error> {
        Ok(json!({
            "entityType": self.records.entity_type(),
            "action": action,
            "params": self.selection.to_json()?,
            "data": data,
            "idle": idle,
        }))
    }
}

impl<R: Lockable> Mass<R> {
    /// Locks the records (EspoCRM 10.0 and later).
    ///
    /// # Errors
    /// Fails with 500 if locking is off for the entity type; [`Error::is_not_found`] before EspoCRM 10.0.
    pub async fn lock(&self) -> Result<MassResult<R>, Error> {
        self.run("lock", json!({})).await
    }

    /// Unlocks the records (EspoCRM 10.0 and later).
    ///
    /// # Errors
    /// Returns the errors of [`Mass::lock`].
    pub async fn unlock(&self) -> Result<MassResult<R>, Error> {
        self.run("unlock", json!({})).await
    }
}

impl<R: HasStream> Mass<R> {
    /// Makes the current user follow the records.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn follow(&self) -> Result<MassResult<R>, Error> {
        self.run("follow", json!({})).await
    }

    /// Makes the current user stop following the records.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn unfollow(&self) -> Result<MassResult<R>, Error> {
        self.run("unfollow", json!({})).await
    }

    /// Makes another user follow the records (administrators only).
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights.
    pub async fn follow_as(
        &self,
        user: impl IntoId<<R::Schema as Schema>::User>,
    ) -> Result<MassResult<R>, Error> {
        let data = json!({"userId": user.into_id().as_str()});
        self.run("follow", data).await
    }

    /// Makes another user stop following the records (administrators only).
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights.
    pub async fn unfollow_as(
        &self,
        user: impl IntoId<<R::Schema as Schema>::User>,
    ) -> Result<MassResult<R>, Error> {
        let data = json!({"userId": user.into_id().as_str()});
        self.run("unfollow", data).await
    }
}

/// A mass action that runs as a background job on the server.
pub type MassJob = Job<MassProgress>;

/// The progress of a background mass action.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MassProgress {
    /// The state of the job.
    pub status: JobStatus,
    /// The number of records processed so far.
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

pub(super) fn currency_data(target: &str, rates: Option<&Rates>) -> Result<Value, Error> {
    Ok(match rates {
        Some(rates) => json!({"targetCurrency": target, "rates": value(&rates_json(rates)?)?}),
        None => json!({"targetCurrency": target}),
    })
}

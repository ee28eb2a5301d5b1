//! Meetings and calls: attendees, invitations, acceptance.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::AnyRecord;
use crate::JsonObject;
use crate::error::{DecodeFault, Error};
use crate::typed::roles::Attended;
use crate::typed::{IntoId, RecordRef, Records, texts};

/// An attendee's acceptance status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Acceptance {
    /// No response yet.
    None,
    /// Accepted.
    Accepted,
    /// Accepted tentatively.
    Tentative,
    /// Declined.
    Declined,
    /// A status that the instance defines.
    #[serde(untagged)]
    Other(String),
}

/// A user, contact or lead that is invited to a meeting or call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attendee {
    /// The attendee: [`AnyRecord::id_of`] returns its typed ID.
    pub record: AnyRecord,
    /// The attendee's email address.
    pub email_address: Option<String>,
    /// The attendee's acceptance status.
    pub acceptance: Option<Acceptance>,
}

impl<E: Attended> RecordRef<E> {
    /// Reads the attendees: users, contacts and leads.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the record does not exist.
    pub async fn attendees(&self) -> Result<Vec<Attendee>, Error> {
        // Without `total`, unlike any other list.
        #[derive(Deserialize)]
        struct Rows {
            list: Vec<JsonObject>,
        }
        let request = self.request(Method::GET, &["attendees"]);
        let response = self.client().send(request).await?;
        let rows: Rows = response.json()?;
        rows.list
            .into_iter()
            .map(|row| {
                let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
                let email_address = text("emailAddress");
                let acceptance = row
                    .get("acceptanceStatus")
                    .and_then(|status| Acceptance::deserialize(status).ok());
                Ok(Attendee {
                    record: AnyRecord::from_json(row).map_err(|error| {
                        Error::decode(&response, DecodeFault::new(error.to_string()))
                    })?,
                    email_address,
                    acceptance,
                })
            })
            .collect()
    }

    /// Emails the invitations.
    ///
    /// # Errors
    /// Fails if the server responds with `false`, for example because no attendee has an email address.
    pub async fn send_invitations(&self) -> Result<(), Error> {
        self.act("sendInvitations", json!({"id": self.id().as_str()}))
            .await
    }

    /// Emails the cancellation.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::send_invitations`].
    pub async fn send_cancellation(&self) -> Result<(), Error> {
        self.act("sendCancellation", json!({"id": self.id().as_str()}))
            .await
    }

    /// Sets the acceptance status of the current user.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] if the user is not an attendee.
    pub async fn set_acceptance(&self, acceptance: &Acceptance) -> Result<(), Error> {
        let body = json!({"id": self.id().as_str(), "status": acceptance});
        self.act("setAcceptanceStatus", body).await
    }

    async fn act(&self, action: &str, body: Value) -> Result<(), Error> {
        let path = self.records().path(&["action", action]);
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }
}

impl<E: Attended> Records<E> {
    /// Marks meetings or calls as held.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit the entity type.
    pub async fn set_held(
        &self,
        ids: impl IntoIterator<Item = impl IntoId<E>>,
    ) -> Result<(), Error> {
        let path = self.path(&["action", "massSetHeld"]);
        let body = json!({"ids": texts(ids)});
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }

    /// Marks meetings or calls as not held.
    ///
    /// # Errors
    /// Returns the errors of [`Records::set_held`].
    pub async fn set_not_held(
        &self,
        ids: impl IntoIterator<Item = impl IntoId<E>>,
    ) -> Result<(), Error> {
        let path = self.path(&["action", "massSetNotHeld"]);
        let body = json!({"ids": texts(ids)});
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }
}

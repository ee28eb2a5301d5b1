//! Records by status, as a board shows them.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::search::SearchParams;
use crate::total::Total;

/// A board: the first records of each status.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Board {
    /// Records of all groups.
    pub total: Total,
    /// One group for each status. A record whose status is empty is in none.
    #[serde(default)]
    pub groups: Vec<Group>,
}

/// The records of one status.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The status, as the records hold it.
    pub name: String,
    /// The status, as people read it.
    #[serde(default)]
    pub label: Option<String>,
    /// How many records have it.
    pub total: Total,
    /// The first of them.
    #[serde(default)]
    pub list: Vec<JsonObject>,
}

impl Client {
    /// A board of `entity_type`; `params` narrow and page each group.
    ///
    /// # Errors
    /// As any request; an entity type without a status field is a 500.
    pub async fn kanban(&self, entity_type: &str, params: &SearchParams) -> Result<Board, Error> {
        let request = Request::new(Method::GET, &["Kanban", entity_type]).search(params);
        self.send(request).await?.json()
    }

    /// Puts the records of one group into this order.
    ///
    /// # Errors
    /// As any request.
    pub async fn order_kanban<I>(&self, entity_type: &str, group: &str, ids: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let ids: Vec<String> = ids.into_iter().map(|id| id.as_ref().to_owned()).collect();
        let body = json!({"entityType": entity_type, "group": group, "ids": ids});
        self.perform(Method::PUT, &["Kanban", "order"], Some(&body))
            .await
    }
}

//! Records grouped by status, as on a Kanban board.

use std::fmt;
use std::pin::Pin;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::JsonObject;
use crate::error::{DecodeFault, Error};
use crate::request::Request;
use crate::total::Total;
use crate::typed::{
    Editable, Filter, IntoId, IsBoolFilter, IsPrimaryFilter, ListRequest, Records, Select, texts,
};

/// A board: the first records of each status.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Board<R> {
    /// The total number of records in all groups.
    pub total: Total,
    /// One group per status. Records without a status are in no group.
    pub groups: Vec<BoardGroup<R>>,
}

/// The records of one status.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BoardGroup<R> {
    /// The status, as stored in the records; with pipelines (EspoCRM 10.0 and later), the ID of the stage.
    pub name: String,
    /// The label of the status, if the server sends one.
    pub label: Option<String>,
    /// The number of records in the group.
    pub total: Total,
    /// The first records of the group.
    pub records: Vec<R>,
}

/// A board that has not been read yet; see [`Records::kanban`].
#[must_use = "nothing is sent until the request is awaited"]
pub struct KanbanRequest<R> {
    records: Records<R>,
    /// Collects the search parameters.
    list: ListRequest<R>,
}

impl<R> fmt::Debug for KanbanRequest<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KanbanRequest").field(&self.list).finish()
    }
}

impl<R: Editable> Records<R> {
    /// Reads records grouped by status, as on a Kanban board.
    pub fn kanban(&self) -> KanbanRequest<R> {
        KanbanRequest {
            records: self.clone(),
            list: self.list(),
        }
    }

    /// Sets the order of the records in one group.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit them.
    pub async fn order_kanban(
        &self,
        group: &str,
        ids: impl IntoIterator<Item = impl IntoId<R>>,
    ) -> Result<(), Error> {
        let body = json!({"entityType": self.entity_type(), "group": group, "ids": texts(ids)});
        self.client()
            .perform(Method::PUT, &["Kanban", "order"], Some(&body))
            .await
    }
}

impl<R: Editable> KanbanRequest<R> {
    /// Requests only records that match; several filters must all match.
    pub fn filter(mut self, filter: Filter<R>) -> Self {
        self.list = self.list.filter(filter);
        self
    }

    /// Requests only these attributes; the server adds a few.
    pub fn select(mut self, attributes: impl Select<R>) -> Self {
        self.list = self.list.select(attributes);
        self
    }

    /// Limits the number of records per group.
    pub fn max_size(mut self, records: u32) -> Self {
        self.list = self.list.max_size(records);
        self
    }

    /// Skips this number of records in each group.
    pub fn offset(mut self, records: u64) -> Self {
        self.list = self.list.offset(records);
        self
    }

    /// Applies a primary filter of the instance.
    pub fn primary_filter(mut self, filter: impl IsPrimaryFilter<R>) -> Self {
        self.list = self.list.primary_filter(filter);
        self
    }

    /// Applies a boolean filter of the instance.
    pub fn bool_filter(mut self, filter: impl IsBoolFilter<R>) -> Self {
        self.list = self.list.bool_filter(filter);
        self
    }

    /// Searches for text as the search box does.
    pub fn text_filter(mut self, text: impl Into<String>) -> Self {
        self.list = self.list.text_filter(text);
        self
    }

    /// Reads the board.
    ///
    /// # Errors
    /// Fails with 500 if the entity type has no status field. Also fails if a record cannot be decoded.
    pub async fn send(mut self) -> Result<Board<R>, Error> {
        #[derive(Deserialize)]
        struct Wire {
            total: Total,
            #[serde(default)]
            groups: Vec<WireGroup>,
        }
        #[derive(Deserialize)]
        struct WireGroup {
            name: String,
            #[serde(default)]
            label: Option<String>,
            total: Total,
            #[serde(default)]
            list: Vec<JsonObject>,
        }
        let path = ["Kanban", self.records.entity_type()];
        let request = Request::new(Method::GET, &path).search(self.list.params_mut());
        let response = self.records.client().send(request).await?;
        let wire: Wire = response.json()?;
        let group = |group: WireGroup| {
            let records = group
                .list
                .into_iter()
                .map(|row| R::decode_value(row.into()));
            Ok(BoardGroup {
                name: group.name,
                label: group.label,
                total: group.total,
                records: records.collect::<Result<_, _>>()?,
            })
        };
        let groups = wire.groups.into_iter().map(group).collect::<Result<_, _>>();
        Ok(Board {
            total: wire.total,
            groups: groups.map_err(|error: crate::typed::DecodeError| {
                Error::decode(&response, DecodeFault::new(error.to_string()))
            })?,
        })
    }
}

impl<R: Editable> IntoFuture for KanbanRequest<R> {
    type Output = Result<Board<R>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

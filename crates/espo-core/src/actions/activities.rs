//! Activities and history of records, calendars, and free/busy times.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{AnyRecord, PagedRequest, instant};
use crate::JsonObject;
use crate::error::{DecodeFault, Error};
use crate::request::Request;
use crate::typed::roles::UserAccount;
use crate::typed::{
    BoxStream, Editable, Entity, Id, IntoId, ListRequest, Page, RecordRef, Records, texts,
};

/// The activities or the history of a record: meetings, calls, emails and so on; see [`RecordRef::activities`].
///
/// Awaiting it returns a page with several entity types. [`Activities::list`] lists one entity type with all options of
/// a list.
#[must_use = "nothing is sent until the request is awaited or turned into a stream"]
pub struct Activities<R> {
    record: RecordRef<R>,
    side: &'static str,
    rows: PagedRequest<AnyRecord>,
}

impl<R> fmt::Debug for Activities<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activities")
            .field("record", &self.record)
            .field("side", &self.side)
            .finish_non_exhaustive()
    }
}

impl<R: Editable> RecordRef<R> {
    /// Requests the record's planned activities: meetings, calls, tasks.
    pub fn activities(&self) -> Activities<R> {
        self.side("activities")
    }

    /// Requests the record's past activities: meetings, calls, emails.
    pub fn history(&self) -> Activities<R> {
        self.side("history")
    }

    fn side(&self, side: &'static str) -> Activities<R> {
        let path = ["Activities", self.entity_type(), self.id().as_str(), side];
        Activities {
            rows: PagedRequest::new(self.client(), &path),
            record: self.clone(),
            side,
        }
    }
}

impl<R: Editable> Activities<R> {
    /// Lists the activities of one entity type: `crm.record(&account_id).activities().list::<Call>()`.
    pub fn list<T: Entity>(&self) -> ListRequest<T> {
        self.of(T::ENTITY_TYPE)
    }

    /// Lists the activities of one entity type that is known only at run time.
    pub fn list_untyped(&self, entity_type: &str) -> ListRequest<JsonObject> {
        self.of(entity_type)
    }

    fn of<T>(&self, entity_type: &str) -> ListRequest<T> {
        let path = [
            "Activities",
            self.record.entity_type(),
            self.record.id().as_str(),
            self.side,
            "list",
            entity_type,
        ];
        let segments = path.iter().map(|segment| segment.to_string().into());
        ListRequest::new(self.record.client().clone(), segments.collect())
    }

    /// Skips this number of rows.
    pub fn offset(mut self, rows: u64) -> Self {
        self.rows = self.rows.offset(rows);
        self
    }

    /// Limits the size of a page.
    pub fn max_size(mut self, rows: u32) -> Self {
        self.rows = self.rows.max_size(rows);
        self
    }

    /// Returns all rows, page by page; see [`PagedRequest::stream`].
    pub fn stream(self) -> BoxStream<AnyRecord> {
        self.rows.stream()
    }
}

impl<R: Editable> IntoFuture for Activities<R> {
    type Output = Result<Page<AnyRecord>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        self.rows.into_future()
    }
}

/// A period in which a user is busy, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusyRange {
    /// The start.
    pub start: jiff::Timestamp,
    /// The end.
    pub end: jiff::Timestamp,
}

impl<U: UserAccount> RecordRef<U> {
    /// Lists the user's upcoming activities in the next days.
    pub fn upcoming(&self, days: u32) -> PagedRequest<AnyRecord> {
        PagedRequest::new(self.client(), &["Activities", "upcoming"])
            .query("userId", self.id())
            .query("futureDays", days)
    }

    /// Reads the user's calendar between two instants, at most 123 days apart.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for a longer period, and for the calendar of another user without permission.
    pub async fn calendar(
        &self,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Result<Vec<AnyRecord>, Error> {
        let request = Request::new(Method::GET, &["Activities"])
            .query("userId", self.id())
            .query("from", instant(from))
            .query("to", instant(to));
        let response = self.client().send(request).await?;
        let rows: Vec<JsonObject> = response.json()?;
        rows.into_iter()
            .map(AnyRecord::from_json)
            .collect::<Result<_, _>>()
            .map_err(|error| Error::decode(&response, DecodeFault::new(error.to_string())))
    }
}

impl<U: UserAccount> Records<U> {
    /// Reads the busy times of users between two instants, by user.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users whose calendar the user may not see.
    pub async fn busy_ranges(
        &self,
        users: impl IntoIterator<Item = impl IntoId<U>>,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Result<BTreeMap<Id<U>, Vec<BusyRange>>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Range {
            date_start: String,
            date_end: String,
        }
        let request = Request::new(Method::GET, &["Timeline", "busyRanges"])
            .query("userIdList", texts(users).join(","))
            .query("from", instant(from))
            .query("to", instant(to));
        let response = self.client().send(request).await?;
        // PHP writes an empty map as `[]`.
        if matches!(response.json()?, Value::Array(list) if list.is_empty()) {
            return Ok(BTreeMap::new());
        }
        let by_user: BTreeMap<String, Vec<Range>> = response.json()?;
        let range = |range: Range| {
            Some(BusyRange {
                start: utc(&range.date_start)?,
                end: utc(&range.date_end)?,
            })
        };
        by_user
            .into_iter()
            .map(|(user, ranges)| {
                let ranges: Option<Vec<_>> = ranges.into_iter().map(range).collect();
                let ranges = ranges.ok_or_else(|| {
                    let fault = DecodeFault::new("expected dates such as `2030-01-31 09:00:00`");
                    Error::decode(&response, fault.at(user.clone()))
                })?;
                Ok((Id::new(user), ranges))
            })
            .collect()
    }
}

fn utc(text: &str) -> Option<jiff::Timestamp> {
    let time: jiff::civil::DateTime = text.parse().ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
}

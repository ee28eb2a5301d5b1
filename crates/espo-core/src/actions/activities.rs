//! Activities and history of records, the calendar, and who is busy.

use http::Method;

use super::JsonPage;
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::search::SearchParams;

/// Activities; see [`Client::activities`].
#[derive(Clone, Copy, Debug)]
pub struct Activities<'c>(&'c Client);

impl Client {
    /// Activities and history of records, the calendar, busy times.
    pub fn activities(&self) -> Activities<'_> {
        Activities(self)
    }
}

/// What is planned, or what was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Planned.
    Activities,
    /// Over.
    History,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Activities => "activities",
            Self::History => "history",
        }
    }
}

fn instant(of: jiff::Timestamp) -> String {
    of.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl Activities<'_> {
    /// Activities or history of a record, of all kinds or of one; each record
    /// has its entity type in `_scope`.
    ///
    /// # Errors
    /// As any request.
    pub async fn of(
        &self,
        side: Side,
        parent_type: &str,
        parent_id: impl AsRef<str>,
        only: Option<&str>,
        offset: u64,
        max_size: u32,
    ) -> Result<JsonPage, Error> {
        let path = ["Activities", parent_type, parent_id.as_ref(), side.as_str()];
        let mut request = Request::new(Method::GET, &path)
            .query("offset", offset)
            .query("maxSize", max_size);
        if let Some(kind) = only {
            request = request.query("entityType", kind);
        }
        self.0.send(request).await?.json()
    }

    /// Activities or history of a record, one kind, with search parameters.
    ///
    /// # Errors
    /// As any request.
    pub async fn list(
        &self,
        side: Side,
        parent_type: &str,
        parent_id: impl AsRef<str>,
        target_type: &str,
        params: &SearchParams,
    ) -> Result<JsonPage, Error> {
        let path = [
            "Activities",
            parent_type,
            parent_id.as_ref(),
            side.as_str(),
            "list",
            target_type,
        ];
        self.0.find_json(&path, params).await
    }

    /// What comes up for a user within so many days.
    ///
    /// # Errors
    /// As any request.
    pub async fn upcoming(
        &self,
        user_id: impl AsRef<str>,
        days: u32,
        offset: u64,
        max_size: u32,
    ) -> Result<JsonPage, Error> {
        let request = Request::new(Method::GET, &["Activities", "upcoming"])
            .query("userId", user_id.as_ref())
            .query("futureDays", days)
            .query("offset", offset)
            .query("maxSize", max_size);
        self.0.send(request).await?.json()
    }

    /// A user's calendar between two instants, at most 123 days apart.
    ///
    /// # Errors
    /// As any request; a longer time is forbidden.
    pub async fn calendar(
        &self,
        user_id: impl AsRef<str>,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Result<Vec<JsonObject>, Error> {
        let request = Request::new(Method::GET, &["Activities"])
            .query("userId", user_id.as_ref())
            .query("from", instant(from))
            .query("to", instant(to));
        self.0.send(request).await?.json()
    }

    /// When users are busy between two instants: a list of ranges by user id.
    ///
    /// # Errors
    /// As any request.
    pub async fn busy_ranges<I>(
        &self,
        user_ids: I,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Result<serde_json::Value, Error>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let ids: Vec<String> = user_ids
            .into_iter()
            .map(|id| id.as_ref().to_owned())
            .collect();
        let request = Request::new(Method::GET, &["Timeline", "busyRanges"])
            .query("userIdList", ids.join(","))
            .query("from", instant(from))
            .query("to", instant(to));
        self.0.send(request).await?.json()
    }

    /// The addresses that an e-mail about a record could go to.
    ///
    /// # Errors
    /// As any request.
    pub async fn email_addresses(
        &self,
        parent_type: &str,
        parent_id: impl AsRef<str>,
    ) -> Result<Vec<JsonObject>, Error> {
        let path = [
            "Activities",
            parent_type,
            parent_id.as_ref(),
            "composeEmailAddressList",
        ];
        self.0.get_json(&path).await
    }
}

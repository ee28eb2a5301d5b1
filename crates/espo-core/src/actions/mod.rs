//! What the API offers beyond records and their relations, by subject.
//!
//! Each subject is reached from the client (`client.app()`, `client.stream()` …)
//! and borrows it. Records of a known shape come as structs, all others as
//! [`JsonObject`]s; every call goes through the same request path as the rest.

pub mod activities;
pub mod app;
pub mod crm;
pub mod currency;
pub mod email;
pub mod export;
pub mod import;
mod job;
pub mod kanban;
pub mod layout;
pub mod mass;
pub mod notifications;
pub mod stream;
pub mod users;

use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use job::{Job, JobStatus, Polling, Progress};

use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::search::{SearchParams, WhereItem};
use crate::total::Total;

/// A page of records whose entity type is known only at run time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JsonPage {
    /// How many there are, as far as the server says.
    pub total: Total,
    /// This page's records.
    pub list: Vec<JsonObject>,
}

/// The records that a mass action, an export or a similar call is about.
///
/// The server takes "nothing chosen" for "everything"; here, everything has to
/// be said, and an empty list of ids is refused before it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection(Choice);

#[derive(Clone, Debug, PartialEq)]
enum Choice {
    Ids(Vec<String>),
    Search(Box<SearchParams>),
}

impl Selection {
    /// These records.
    pub fn ids<I>(ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self(Choice::Ids(
            ids.into_iter().map(|id| id.as_ref().to_owned()).collect(),
        ))
    }

    /// The records for which all of the conditions hold: where items, or the typed filters of an entity type.
    ///
    /// An empty list of conditions is refused like an empty list of ids.
    pub fn matching(items: impl IntoIterator<Item = impl Into<WhereItem>>) -> Self {
        let mut params = SearchParams::new();
        params.where_ = items.into_iter().map(Into::into).collect();
        Self(Choice::Search(Box::new(params)))
    }

    /// The records that a search finds: conditions, primary and bool filters,
    /// text. Refused when it holds none of these.
    pub fn search(params: SearchParams) -> Self {
        Self(Choice::Search(Box::new(params)))
    }

    /// Every record of the entity type that the user can reach. `WhereItem` on
    /// the id, so that the server is told so and does not infer it.
    pub fn everything() -> Self {
        Self::matching([WhereItem::is_not_null("id")])
    }

    /// The members that carry it: `ids`, or `where` with `searchParams`.
    fn to_json(&self) -> Result<JsonObject, Error> {
        let mut out = JsonObject::new();
        match &self.0 {
            Choice::Ids(ids) if ids.is_empty() => return Err(nothing()),
            Choice::Ids(ids) => {
                out.insert("ids".to_owned(), Value::from(ids.clone()));
            }
            Choice::Search(params) => {
                let narrowed = !params.where_.is_empty()
                    || params.primary_filter.is_some()
                    || !params.bool_filter_list.is_empty()
                    || params.text_filter.is_some();
                if !narrowed {
                    return Err(nothing());
                }
                out.insert("where".to_owned(), value(&params.where_)?);
                out.insert("searchParams".to_owned(), value(params)?);
            }
        }
        Ok(out)
    }
}

fn nothing() -> Error {
    Error::build(
        "nothing is chosen, which the server takes for every record; \
         say `Selection::everything()` if that is meant",
    )
}

fn value<T: Serialize + ?Sized>(of: &T) -> Result<Value, Error> {
    serde_json::to_value(of)
        .map_err(|error| Error::build(format!("the body cannot be written as JSON: {error}")))
}

impl Client {
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        self.send(Request::new(Method::GET, path)).await?.json()
    }

    pub(crate) async fn find_json(
        &self,
        path: &[&str],
        params: &SearchParams,
    ) -> Result<JsonPage, Error> {
        let request = Request::new(Method::GET, path).search(params);
        self.send(request).await?.json()
    }

    pub(crate) async fn call_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<T, Error> {
        let request = Request::new(method, path).json(body);
        self.send(request).await?.json()
    }

    /// For calls that answer `true`, or something of no interest, when done.
    pub(crate) async fn perform(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<(), Error> {
        let mut request = Request::new(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = self.send(request).await?;
        // 200 with `false` is how the server says that nothing happened.
        match response.json::<Value>()? {
            Value::Bool(false) => Err(Error::not_done(&response)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_never_everything() {
        for empty in [
            Selection::ids(Vec::<String>::new()),
            Selection::matching(Vec::<WhereItem>::new()),
            Selection::search(SearchParams::new().max_size(5)),
        ] {
            let error = empty.to_json().unwrap_err();
            assert!(error.to_string().contains("everything"), "{error}");
        }
        let all = Selection::everything().to_json().unwrap();
        assert_eq!(all["where"][0]["type"], "isNotNull");
        assert_eq!(all["searchParams"]["where"], all["where"]);
        let ids = Selection::ids(["a", "b"]).to_json().unwrap();
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"{"ids":["a","b"]}"#);
    }
}

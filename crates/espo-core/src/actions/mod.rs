//! Calls other than reading, writing and linking records, grouped by topic.
//!
//! Almost all of them are methods of [`RecordRef`](crate::typed::RecordRef) (`crm.record(&id).follow()`) and
//! [`Records`](crate::typed::Records) (`crm.records::<Contact>().export(selection)`), and exist only for the entity
//! types for which the server offers them; see [`roles`](crate::typed::roles). These modules contain the parameter and
//! result types of these methods. Calls that do not concern an entity type are methods of [`Client`] and [`App`].

pub mod activities;
mod any_record;
pub mod app;
pub mod currency;
pub mod email;
pub mod event;
pub mod export;
pub mod import;
mod job;
pub mod kanban;
mod layout;
pub mod lead;
pub mod mass;
pub mod notifications;
mod paged;
mod record;
mod selection;
pub mod stream;
mod target_list;
pub mod tree;
mod users;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use activities::{Activities, BusyRange};
pub use any_record::AnyRecord;
pub use app::{About, App, AppUser};
pub use email::{EmailMark, PrepareRequest, PreparedEmail};
pub use event::{Acceptance, Attendee};
pub use export::{Export, ExportFormat, ExportProgress};
pub use import::{ImportAction, ImportSettings};
pub use job::{Job, JobStatus, Polling, Progress};
pub use kanban::{Board, BoardGroup, KanbanRequest};
pub use lead::Conversion;
pub use mass::{Mass, MassProgress, MassResult, UpdateMode, UpdateModes};
pub use notifications::GroupKind;
pub use paged::PagedRequest;
pub use selection::Selection;
pub use stream::{PostRequest, StreamPage, StreamRequest};
pub use tree::{Tree, TreeNode, TreePlace, TreeRequest};

use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

/// Serialises a part of a request body.
fn value<T: Serialize + ?Sized>(of: &T) -> Result<Value, Error> {
    serde_json::to_value(of)
        .map_err(|error| Error::build(format!("cannot serialise the request body: {error}")))
}

/// An instant in the form of query parameters: UTC, in whole seconds.
fn instant(of: jiff::Timestamp) -> String {
    of.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl Client {
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        self.send(Request::new(Method::GET, path)).await?.json()
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

    /// Sends a request whose response is `true` on success or is ignored.
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
        // Nothing was done: `false`, or since EspoCRM 10.0 an empty list of the records concerned.
        let did_nothing = match response.json::<Value>()? {
            Value::Bool(done) => !done,
            Value::Object(body) => body
                .get("idList")
                .and_then(Value::as_array)
                .is_some_and(Vec::is_empty),
            _ => false,
        };
        if did_nothing {
            return Err(Error::not_done(&response));
        }
        Ok(())
    }
}

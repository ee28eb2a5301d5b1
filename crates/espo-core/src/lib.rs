//! espo-core

pub mod actions;
pub mod attachments;
pub mod auth;
pub mod client;
pub mod error;
pub mod hooks;
pub mod retry;
pub mod search;
pub mod webhook;

mod request;
mod response;
mod timing;
mod total;
mod transport;

pub mod typed;

#[doc(hidden)]
pub use serde_json;

pub use http;
pub use secrecy;

pub use auth::Auth;
pub use client::{Call, Client, ClientBuilder};
pub use error::{DecodeFault, Error, Outcome, Stage};
pub use request::Request;
pub use response::Response;
pub use retry::RetryPolicy;
pub use search::{Order, SearchEncoding, SearchParams, WhereItem};
pub use timing::Timing;
pub use total::Total;

/// A JSON object: a record of an entity type that is known only at run time.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// What most programs use: `use espo_core::prelude::*;`, or the prelude of the generated crate, which has it all.
pub mod prelude {
    pub use futures_util::TryStreamExt;
    pub use jiff::Timestamp;
    pub use jiff::civil::{Date, date};
    pub use rust_decimal::Decimal;

    pub use crate::typed::{DateOrTime, Entity, Filter, Id, ParentRef, Record};
    pub use crate::{Auth, Client, Error, JsonObject};
}

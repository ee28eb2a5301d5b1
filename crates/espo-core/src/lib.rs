//! The REST API of EspoCRM: transport, vocabulary, and the operations that generated code stands on.
//!
//! This crate knows no entity type. A generated crate (`espo-typed` for the stock schema, or your own) adds them as
//! data; without one, [`Client::untyped`] gives the same operations over JSON objects:
//!
//! ```no_run
//! use espo_core::prelude::*;
//! use espo_core::WhereItem;
//!
//! # async fn run(api_key: String, secret_key: String) -> Result<(), Error> {
//! let crm = Client::builder("https://crm.example.com")
//!     .auth(Auth::hmac(api_key, secret_key))
//!     .build()?;
//! println!("EspoCRM {}", crm.app().about().await?.version);
//!
//! let mut customers = crm
//!     .untyped("Account")
//!     .list()
//!     .filter(Filter::new(WhereItem::equals("type", "Customer")))
//!     .by_item();
//! while let Some(account) = customers.try_next().await? {
//!     println!("{}", account["name"]);
//! }
//! # Ok(()) }
//! ```
//!
//! A program of its own needs this crate (or the generated one, which hands it on as `espo_core`) and tokio:
//!
//! ```toml
//! [dependencies]
//! espo-core = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! Streams, dates and decimals come from [`futures_util`], [`jiff`] and [`rust_decimal`], which are handed on as well.
//!
//! # One request path
//!
//! Everything goes through [`Client::send`]: built, signed, sent, repeated where that is safe, classified. So every
//! call has the same authentication ([`Auth`]), the same limits ([`ClientBuilder`]), the same retries
//! ([`RetryPolicy`]), the same spans and the same errors ([`Error`]).
//!
//! * A write that may have reached the server is never sent twice by itself; [`Error::outcome`] says what is known.
//! * Refused credentials are not tried again by themselves: ten failures in a minute lock out the whole address.
//! * No secret shows in `Debug`, `Display` or a span, nor follows a redirect to another place.
//! * Dropping a future cancels its call.
//!
//! Spans are named `http.client.request`, at level DEBUG, with OpenTelemetry's names (`http.request.method`,
//! `url.path`, `http.response.status_code`, `http.request.resend_count`, `error.type` …). Queries stay out of them.
//!
//! # Speed
//!
//! Decoding a page allocates a text for every attribute that holds one, so the program's allocator counts: with mimalloc
//! as `#[global_allocator]` in place of the C library's, one core decodes 28,000 typed lists of 20 records a second
//! instead of 22,900. `select` or a [`typed::Projection`] asks for fewer attributes in the first place.
//!
//! # From the API's documentation to a call
//!
//! | REST function | call |
//! | --- | --- |
//! | `GET E`, `GET E/{id}` | `records.list()`, `.read(id)`, `.read_opt(id)` of [`typed::Records`]; streams `by_item`, `by_page`, `by_key` of [`typed::ListRequest`] |
//! | `POST E`, `PUT E/{id}`, `DELETE E/{id}`, `POST E/action/restoreDeleted` | `.create(new)`, `.update(id, patch)`, `.delete(id)`, `.restore(id)`; `.upsert(…)`, `.write_many()`; [`Client`] has the first of them for a record by itself |
//! | `GET`, `POST`, `DELETE E/{id}/{link}`, mass relate | `.list()`, `.link(id)`, `.link_all(ids)`, `.link_where(filter)`, `.unlink(id)`, `.unlink_all(ids)` of [`typed::Related`] |
//! | `PUT`, `DELETE E/{id}/subscription`, `starSubscription`, `GET E/{id}/followers` | `.follow()`, `.unfollow()`, `.star()`, `.unstar()`, `.followers()` of [`typed::RecordRef`] |
//! | `POST`, `DELETE E/{id}/followers`, `GET E/{id}/usersAccess` | raw request |
//! | `POST E/action/getDuplicateAttributes` | [`Client::duplicate_attributes`] |
//! | `E/layout/{name}` | [`Client::layout`], [`Client::set_layout`] |
//! | tree actions of category types (`listTree`, `lastChildrenIdList`, `move`) | raw request |
//! | `App/user`, `App/about`, `App/appParams` | [`app.user()`](actions::app::App::user), [`about()`](actions::app::App::about), [`params()`](actions::app::App::params) |
//! | `App/destroyAuthToken` | [`Client::log_out`] |
//! | `Metadata`, `I18n`, `Settings`, `OpenApi`, `GlobalSearch`, `LastViewed` | the other methods of [`App`](actions::app::App) |
//! | `Preferences/{id}` | [`Client::user`] |
//! | `UserSecurity/…`, `User/{id}/acl` | [`Client::user`], [`Client::change_password`]; two-factor set-up and the password forms without log-in by raw request |
//! | `CurrencyRate` | [`Client::currency_rates`], [`Client::set_currency_rates`] |
//! | `Admin/…`, `EntityManager/…`, `LabelManager/…`, `TemplateManager/…`, `Formula/…`, `Integration/…`, `Extension/…`, `Ldap/…`, `Oidc/…`, `OAuth/…` | raw request |
//! | `MassAction`, `MassAction/{id}/status` | [`Client::mass`], [`MassJob`](actions::mass::MassJob) |
//! | `Action` (merge, convertCurrency, others) | [`Client::merge`], [`Client::convert_currency`], [`Client::action`] |
//! | `Export`, `Export/{id}/status` | [`Client::export`], [`ExportJob`](actions::export::ExportJob) |
//! | `MassAction/{id}/subscribe`, `Export/{id}/subscribe` | raw request |
//! | `Import/…` | [`Client::imports`] |
//! | `Kanban/…` | [`Client::kanban`], [`Client::order_kanban`] |
//! | `Pdf/…`, `DataPrivacy/action/erase` | raw request |
//! | `Stream`, `GlobalStream`, `E/{id}/stream`, `posts`, `updateStream`, `streamAttachments`, `User/{id}/stream/own`, `Note/…` | [`Client::stream`] |
//! | `Attachment/…` | [`Client::attachments`] |
//! | `Notification/…` | [`Client::notifications`]; `PopupNotification` by raw request |
//! | `Email/inbox/…`, `EmailTemplate/{id}/prepare`, `EmailAddress/search` | [`Client::inbox`] |
//! | `Email/insertFieldData`, `Email/{id}/attachments/copy`, `Email/importEml`, `Email/sendTest`, `Email/{id}/users`, `EmailFolder/action/…` | raw request; sending is creating an Email with the status `Sending` |
//! | `Activities/…`, `Timeline/busyRanges` | [`Client::activities`]; `Timeline` itself by raw request |
//! | `Lead/action/convert`, `getConvertAttributes`, `LeadCapture/{key}` | [`Client::convert_lead`], [`Client::lead_convert_attributes`], [`Client::capture_lead`] |
//! | `TargetList/…` | [`Client::opt_out`], [`Client::cancel_opt_out`], [`Client::opted_out`], [`Client::unlink_all_targets`] |
//! | `Meeting/…`, `Call/…` | [`Client::event`] |
//! | `Opportunity/action/report…`, `…/emailAddressList`, `Document/action/…`, `KnowledgeBaseArticle/action/…`, `Campaign/…`, `MassEmail/action/…` | raw request |
//! | `Webhook` | [`Client::webhooks`], [`webhook::verify`] |
//!
//! Each call is tested against the embedded server, over a socket.
//!
//! The raw request, [`Client::request`], takes any method and path and goes the same way as all others.

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

// What the public API speaks in: so that a program needs neither to depend on them nor to keep their versions in step.
pub use futures_util;
pub use http;
pub use jiff;
pub use rust_decimal;
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
pub use transport::{Connecting, ProxyInfo, ProxySource, TlsBackend};

/// A JSON object: a record of an entity type that is known only at run time.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// What most programs use: `use espo_core::prelude::*;`, or the prelude of the generated crate, which has it all.
pub mod prelude {
    pub use futures_util::TryStreamExt;
    pub use jiff::Timestamp;
    pub use jiff::civil::{Date, date};
    pub use rust_decimal::Decimal;

    /// The crate itself: what `#[derive(Projection)]` refers to.
    pub use crate as espo_core;
    pub use crate::typed::{
        BoolFilter, DateOrTime, Entity, Filter, Id, ParentRef, PrimaryFilter, Projection, Record,
    };
    pub use crate::{Auth, Client, Error, JsonObject};
    #[cfg(feature = "derive")]
    pub use espo_derive::Projection;
}

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! A client of EspoCRM's REST API: transport, and the operations that generated code uses.
//!
//! This crate contains no entity types. A generated crate adds them as data: `espo-typed` for the stock schema, or your
//! own. Without one, [`untyped`] offers the same calls over JSON objects. The examples here use `espo-typed`.
//!
//! # Connect
//!
//! ```toml
//! [dependencies]
//! espo-typed = "0.1"     # or espo-core, or your generated crate
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```no_run
//! use espo_core::prelude::*;
//!
//! # async fn run(api_key: String, secret_key: String) -> Result<(), Error> {
//! let crm = Client::builder("https://crm.example.com")
//!     .auth(Auth::hmac(api_key, secret_key))
//!     .build()?;
//! println!("EspoCRM {}", crm.app().about().await?.version);
//! # Ok(()) }
//! ```
//!
//! [`Auth`] lists the ways to authenticate, [`ClientBuilder`] timeouts, proxies and certificates. A [`Client`] is cheap to
//! clone and is shared between tasks.
//!
//! # Query
//!
//! ```text
//! let page = crm.list::<Opportunity>()
//!     .filter(opportunity::STAGE.ne(Stage::ClosedWon) & opportunity::CLOSE_DATE.current_quarter())
//!     .order_by(opportunity::CLOSE_DATE.desc())
//!     .await?;
//! let deal = crm.read(&deal_id).await?;
//! let contacts = crm.record(&account_id).contacts().list().await?;
//! ```
//!
//! [`typed::Field`] lists the filters, [`typed::ListRequest`] the options of lists, and [`typed::Related`] the
//! operations on links.
//!
//! # Write
//!
//! ```text
//! let acme = crm.create(AccountNew::new("Acme")).await?;
//! crm.update(&acme_id, AccountPatch::new().website("https://acme.example")).await?;
//! crm.upsert(contact::EMAIL_ADDRESS, ContactNew::new("Lee").email_address("lee@example.com")).await?;
//! crm.delete(&acme_id).await?;
//! crm.record(&acme_id).contacts().link(&contact_id).await?;
//! ```
//!
//! [`typed::Records::write_many`] writes many records with bounded concurrency, [`typed::Records::mass`] makes the server
//! change many with one request. A write that may have reached the server is never sent twice automatically;
//! [`Error::outcome`] returns whether the server may have acted.
//!
//! # Stream
//!
//! Lists of any length are streams with constant memory: see [`typed::ListRequest`]. EspoCRM's stream of a record is
//! [`crm.record(&id).stream()`](actions::stream), files are in [`attachments`], webhooks in [`webhook`].
//!
//! # Handle errors
//!
//! Every call returns [`Error`]. `is_not_found()`, `is_validation()`, `is_duplicate()`, `is_forbidden()` and other
//! predicates identify the cause; the `Display` text contains the remedy.
//!
//! # Test
//!
//! The crate `espo-sim` is an embedded server that behaves like EspoCRM, for testing your code: with your metadata,
//! your records, and faults on demand. The same program runs unchanged against both.
//!
//! # From the REST documentation to a call
//!
//! `record` stands for `crm.record(&id)`, `records` for `crm.records::<E>()`; in the untyped API for
//! `crm.untyped("E").record(id)` and `crm.untyped("E")`. "Raw" means [`Client::request`], which takes any method and
//! path and has the same authentication, limits, retries and errors as every other call.
//!
//! | REST function | call |
//! | --- | --- |
//! | `GET E`, `GET E/{id}` | `records.list()`, `.read(id)`, `.read_opt(id)` ([`typed::Records`], [`typed::ListRequest`]) |
//! | `POST E`, `PUT E/{id}`, `DELETE E/{id}`, `POST E/action/restoreDeleted` | `records.create(new)`, `.update(id, patch)`, `.delete(id)`, `.restore(id)`; `.upsert(…)`, `.write_many()` |
//! | `GET`, `POST`, `DELETE E/{id}/{link}`, mass relate | `record.contacts()` or `.related(link)`: `.list()`, `.read()`, `.link(id)`, `.link_all(ids)`, `.link_where(filter)`, `.unlink(id)`, `.unlink_all(ids)` ([`typed::Related`]) |
//! | `PUT`, `DELETE E/{id}/subscription`, `E/{id}/starSubscription` | `record.follow()`, `.unfollow()`, `.star()`, `.unstar()` |
//! | `GET`, `POST`, `DELETE E/{id}/followers`, `GET E/{id}/usersAccess` | `record.followers()`, `.add_followers(ids)`, `.remove_followers(ids)`, `.users_access()` |
//! | `POST E/action/getDuplicateAttributes` | `record.duplicate_attributes()`; `records.create(new).duplicate_of(id)` |
//! | `E/layout/{name}` | `records.layout(name)`, `.set_layout(name, …)`, `.set_layout_of(set, name, …)` |
//! | `E/action/listTree`, `lastChildrenIdList`, `move` | `records.tree()`, `.leaves()`, `record.leaves()`, `.move_to(place, id)` ([`actions::tree`]) |
//! | `GET E/{id}/stream`, `posts`, `updateStream`, `streamAttachments` | `record.stream()`, `.posts()`, `.updates()`, `.stream_attachments()` ([`actions::stream`]) |
//! | `POST Note` | `record.post(text)`, `crm.records::<Note>().post(text).to_users(ids)` |
//! | `Stream`, `GlobalStream`, `User/{id}/stream/own` | `crm.records::<Note>().own_stream()`, `.global_stream()`, `crm.record(&user_id).own_stream()` |
//! | `Note/{id}`, `Note/{id}/pin`, `myReactions`, `reactors` | `crm.record(&note_id)`: `.edit(text)`, `.pin()`, `.unpin()`, `.react(…)`, `.unreact(…)`, `.reactors(…)` |
//! | `MassAction`, `MassAction/{id}/status` | `records.mass(selection)` ([`actions::mass`]), [`Job`](actions::Job) |
//! | `Action` (merge, convertCurrency, lock, unlock, others) | `record.merge(ids, patch)`, `.convert_currency(code)`, `.lock()`, `.unlock()`, `.action(name, data)` |
//! | `Export`, `Export/{id}/status` | `records.export(selection)` ([`actions::export`]) |
//! | `MassAction/{id}/subscribe`, `Export/{id}/subscribe` | raw |
//! | `Import/…` | `crm.records::<Import>()`: `.upload_csv(…)`, `.import(settings)`; `crm.record(&import_id)`: `.revert()` … ([`actions::import`]) |
//! | `Kanban/…` | `records.kanban()`, `.order_kanban(group, ids)` |
//! | `Pdf/action/massPrint` | `record.pdf(template)`, `records.pdf(template, ids)` |
//! | `DataPrivacy/action/erase` | raw |
//! | `Attachment`, `Attachment/chunk`, `fromImageUrl`, `copy`, `file` | `crm.records::<Attachment>()`: `.upload(…)`, `.upload_reader(…)`, `.from_image_url(…)`; `crm.record(&file_id)`: `.download()`, `.copy_to(field)`; `record.add_files(field, ids)` ([`attachments`]) |
//! | `Notification` | `crm.list::<Notification>()` |
//! | `Notification/action/…`, `Notification/{id}/group`, `Notification/group/…` | `crm.records::<Notification>()`: `.unread_count()`, `.mark_all_read()`, `.grouped(…)`; `crm.record(&id)`: `.group()`, `.mark_group_read()`, `.delete_group()` |
//! | `PopupNotification/action/grouped` | raw |
//! | sending an email | `crm.records::<Email>().send(new)` |
//! | `Email/inbox/…`, `Email/importEml` | `crm.records::<Email>()`: `.mark(…)`, `.unmark(…)`, `.mark_every_read()`, `.move_to(…)`, `.unread_counts()`, `.import_eml(file)` ([`actions::email`]) |
//! | `EmailTemplate/{id}/prepare`, `EmailAddress/search` | `crm.record(&template_id).prepare()`, `crm.records::<EmailAddress>().search_addresses(…)` |
//! | `Email/insertFieldData`, `Email/{id}/attachments/copy`, `Email/sendTest`, `Email/{id}/users`, `EmailFolder/action/…` | raw |
//! | `Activities/{E}/{id}/…` | `record.activities()`, `.history()`, each also `.list::<Call>()`; `.email_addresses()` ([`actions::activities`]) |
//! | `Activities`, `Activities/upcoming`, `Timeline/busyRanges` | `crm.record(&user_id)`: `.calendar(from, to)`, `.upcoming(days)`; `crm.records::<User>().busy_ranges(…)` |
//! | `Timeline` | raw |
//! | `Lead/action/convert`, `getConvertAttributes`, `LeadCapture/{key}` | `crm.record(&lead_id).convert(…)`, `.convert_attributes()`; `crm.records::<Lead>().capture(key, new)` |
//! | `LeadCapture/form/{id}` | raw |
//! | `TargetList/…` | `crm.record(&list_id)`: `.opt_out(&contact_id)`, `.cancel_opt_out(…)`, `.opted_out()`, `.unlink_all(link)` |
//! | `Meeting/…`, `Call/…` | `crm.record(&meeting_id)`: `.attendees()`, `.send_invitations()`, `.send_cancellation()`, `.set_acceptance(…)`; `crm.records::<Meeting>()`: `.set_held(ids)`, `.set_not_held(ids)` |
//! | `Opportunity/action/report…`, `…/emailAddressList`, `Document/action/…`, `KnowledgeBaseArticle/action/…`, `Campaign/…`, `MassEmail/action/…`, `Pipeline/{id}/move/…` | raw |
//! | `App/user`, `App/about`, `App/appParams`, `App/destroyAuthToken` | [`app.user()`](actions::app::App::user), [`about()`](actions::app::App::about), [`params()`](actions::app::App::params), [`Client::log_out`] |
//! | `Metadata`, `I18n`, `Settings`, `OpenApi`, `LastViewed` | the other methods of [`App`](actions::app::App) |
//! | `GlobalSearch` | [`Client::global_search`] |
//! | `Preferences/{id}`, `UserSecurity/…`, `User/{id}/acl` | `crm.record(&user_id)`: `.preferences()`, `.security()`, `.acl()`, `.generate_api_key()` …; [`Client::change_password`] |
//! | `User/passwordChangeRequest`, `User/changePasswordByRequest`, `UserSecurity/action/getTwoFactorUserSetupData`, `TwoFactor…`, `Team/{id}/userPosition` | raw |
//! | `CurrencyRate` | [`Client::currency_rates`], [`Client::set_currency_rates`] |
//! | `Webhook` | `crm.records::<Webhook>().ensure(…)`, and as any entity type; [`webhook::verify`] |
//! | `Admin/…`, `EntityManager/…`, `Layout/…`, `LabelManager/…`, `TemplateManager/…`, `Formula/…`, `Integration/…`, `Extension/…`, `Ldap/…`, `Oidc/…`, `OAuth/…` | raw |
//!
//! Tests run each of these calls over a socket.
//!
//! # One request path
//!
//! Every call goes through [`Client::send`]: build, sign, send, retry, classify. Every call therefore has the same
//! authentication, limits, retries ([`RetryPolicy`]), tracing spans and errors.
//!
//! * Credentials that the server rejected are not sent again automatically: more than ten failures in a minute lock out
//!   the whole address.
//! * No secret appears in `Debug`, `Display` or a span, or follows a redirect to another host.
//! * Dropping a future cancels its call.
//!
//! Spans are named `http.client.request`, at level DEBUG, with OpenTelemetry's names (`http.request.method`, `url.path`,
//! `http.response.status_code`, `http.request.resend_count`, `error.type` …), without queries.
//!
//! # Speed
//!
//! Decoding a page allocates a string for every string attribute, so the program's allocator matters: with mimalloc
//! as `#[global_allocator]` instead of the C library's, one core decodes 28,000 typed lists of 20 records per second
//! instead of 22,900. `select` or a [`typed::Projection`] reduces the number of attributes that are requested.

pub mod actions;
pub mod attachments;
pub mod auth;
pub mod client;
pub mod error;
pub mod hooks;
pub mod search;
pub mod webhook;

mod request;
mod response;
mod retry;
mod timing;
mod total;
mod transport;

pub mod typed;
pub mod untyped;

// Crates whose types appear in the public API, so that a program needs neither to depend on them nor to keep their
// versions in step.
#[doc(no_inline)]
pub use {bytes, futures_util, http, jiff, rust_decimal, secrecy, serde, serde_json, tokio};

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

/// Common imports: `use espo_core::prelude::*;`, or the prelude of the generated crate, which includes them.
pub mod prelude {
    pub use futures_util::TryStreamExt;
    pub use jiff::Timestamp;
    pub use jiff::civil::{Date, date};
    pub use rust_decimal::Decimal;

    /// The crate itself: what `#[derive(Projection)]` refers to.
    pub use crate as espo_core;
    pub use crate::typed::{
        BoolFilter, DateOrTime, Entity, Filter, Id, Paging, ParentRef, PrimaryFilter, Projection,
        Record,
    };
    pub use crate::{Auth, Client, Error, JsonObject};
    #[cfg(feature = "derive")]
    pub use espo_derive::Projection;
}

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

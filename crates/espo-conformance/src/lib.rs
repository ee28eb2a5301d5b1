//! Behaviours of EspoCRM's REST API, each tested against a server: a live instance, or the embedded
//! server of this workspace. They are about the API alone; nothing here knows how a server is made.
//!
//! ```no_run
//! # async fn run() -> Result<(), espo_conformance::Error> {
//! use espo_conformance::{Suite, Users};
//!
//! let users = Users::from_environment(|name| std::env::var(name).ok());
//! let report = Suite::new("https://crm.example.com", users).run(std::future::pending()).await?;
//! print!("{}", report.text());
//! # Ok(())
//! # }
//! ```
//!
//! Each behaviour was observed on real servers and names the versions that have it, where not all do; it is skipped on
//! others. The version is what `App/about` reports.
//!
//! A run makes records whose names start with a unique marker, and deletes them at the end, also after failures and
//! when it is stopped; it changes no setting unless it may ([`Suite::change_settings`]). A live instance should still be a test instance: notes of the
//! stream, deleted rows and log records stay in its database, as after any use. A run fails to log in six times; a
//! second run within the same minute can reach the server's limit of ten and be locked out for a minute.

mod answer;
mod behaviours;
mod differential;
mod ledger;
mod report;
mod run;
mod test;
mod users;
mod wire;
mod world;

pub use differential::{
    Cause, Comparison, Differential, Header, Instance, Recording, Score, Share,
};
pub use report::{Difference, Finding, Report, Verdict, Versions};
pub use run::{Error, Suite};
pub use users::{Login, Users};

/// Metadata of a custom entity type `CAllTypes`, as JSON, to merge over the stock schema of a server under test: it has
/// field types that the stock entity types rarely use.
pub const CUSTOM_METADATA: &str = include_str!("../fixtures/custom.json");

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

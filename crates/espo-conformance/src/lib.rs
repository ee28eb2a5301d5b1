//! Conformance checks for servers that implement EspoCRM's REST API: a live instance, or the embedded server of this
//! workspace. The checks use only the API and do not depend on how the server is implemented.
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
//! Each check tests a behaviour that was observed on real servers and, if not all versions have it, lists the versions
//! that do. It is skipped on other versions. The version of the server is the one that `App/about` reports.
//!
//! A run creates records whose names start with a marker that is unique to the run. It deletes them at the end, also
//! after failures and when it is stopped. It changes settings only if that is allowed ([`Suite::change_settings`]).
//! Use a test instance anyway: stream notes, deleted rows and log records remain in its database. A run sends six
//! failing logins; a second run within the same minute can exceed the server's limit of ten and be locked out for a
//! minute.

mod answer;
mod behaviours;
mod call;
mod differential;
mod ledger;
mod report;
mod run;
mod test;
mod users;
mod wire;
mod world;

// Their types are in public signatures.
pub use {secrecy, serde_json};

pub use differential::{
    Cause, Comparison, Differential, Header, Instance, Recording, Score, Share,
};
pub use report::{Difference, Finding, Report, Verdict, Versions};
pub use run::{Error, Observer, Suite};
pub use users::{Login, Users};

/// Metadata of a custom entity type `CAllTypes`, as JSON, to merge over the stock schema of a server under test: it has
/// field types that the stock entity types rarely use.
pub const CUSTOM_METADATA: &str = include_str!("../fixtures/custom.json");

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

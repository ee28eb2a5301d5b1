//! An in-memory server that behaves like the REST API of EspoCRM, for any metadata.
//!
//! ```no_run
//! # async fn run() -> Result<(), espo_sim::Error> {
//! let sim = espo_sim::Sim::start().await?;
//! println!("{} {}", sim.url(), sim.users().api_key_user().and_then(|u| u.api_key.as_deref()).unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! Status codes, `X-Status-Reason` values, bodies and the set of attributes in each kind of response are those of a real
//! instance of version 9.3 or 10.0. They are derived from the metadata, so custom entity types work like stock ones.
//! The server starts in milliseconds on a free port and stops when dropped. A fixed clock and seeded IDs make responses
//! reproducible, [`Sim::requests`] returns the received requests, and [`FaultRule`]s inject faults.
//!
//! # Performance
//!
//! Measured with 100,000 accounts on two cores shared with the clients: the server starts in 0.6 s and needs 2.6 kB per
//! account. With one client it serves 287 lists with two conditions, an order and the total, 9,300 reads or 7,300
//! creates per second; with 16 clients, 786 such lists, 54,200 reads or 27,200 creates. A test that starts the server,
//! creates and reads a record and stops the server takes 0.7 ms; the first one in a process takes 30 to 40 ms, because
//! it loads the stock schema. `cargo run --release -p espo-sim --example load -- --records 100000` repeats these
//! measurements.

mod acl;
mod app;
mod auth;
mod clock;
mod collate;
mod config;
mod error;
mod facts;
mod faults;
mod html;
mod http;
mod layout;
mod listeners;
mod log;
mod outbox;
mod record;
mod routes;
mod search;
mod seed;
mod server;
mod sim;
mod snapshot;
mod start;
mod store;
mod timer;
mod users;
mod value;
mod version;
mod view;

// Their types are in public signatures.
pub use {espo_schema, jiff, serde_json};

pub use error::Error;
pub use faults::{FaultKind, FaultRule, Latency, Operation, When};
pub use log::LoggedRequest;
pub use outbox::Mail;
pub use sim::{Sim, SimBuilder};
pub use users::{Role, Team, User, Users};
pub use version::Version;

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

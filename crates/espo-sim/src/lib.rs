//! A server that behaves as the REST API of EspoCRM, for any metadata, in memory.
//!
//! ```no_run
//! # async fn run() -> Result<(), espo_sim::Error> {
//! let sim = espo_sim::Sim::start().await?;
//! println!("{} {}", sim.url(), sim.users().api_key_user().and_then(|u| u.api_key.as_deref()).unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! Its worth is its fidelity: status codes, `X-Status-Reason` texts, bodies and the very set of attributes in each kind of
//! answer are those of a real instance of version 9.3 or 10.0, derived by rule from the metadata, so that custom entity types are
//! served as the stock ones are. It starts in milliseconds on a free port and stops when dropped; a fixed clock and seeded
//! ids make answers repeat; [`Sim::requests`] tells what it saw; [`FaultRule`]s make it fail on demand.
//!
//! # What it takes
//!
//! With 100,000 accounts on two shared cores, clients on the same ones: it starts in 0.6 s and holds 2.6 kB an account; a list
//! with two conditions, an order and the total takes 2.5 ms (p50, one client), a read 0.03 ms, a create 0.08 ms; 16 clients
//! get 400 such lists, 32,000 reads or 17,000 creates a second. A test that starts it, creates a record, reads it and stops it
//! takes 0.3 ms, the first of a process 50 to 130 ms, since the stock schema is loaded then.
//! `cargo run --release -p espo-sim --example load -- --records 100000` measures all of it.

mod acl;
mod app;
mod auth;
mod clock;
mod config;
mod error;
mod events;
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
mod sim;
mod snapshot;
mod start;
mod store;
mod timer;
mod users;
mod value;
mod version;

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

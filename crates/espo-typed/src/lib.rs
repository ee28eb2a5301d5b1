//! A typed EspoCRM SDK of the stock schema: 89 entity types, generated from the metadata of EspoCRM 9.3.
//!
//! For your own instance, with its own entity types and fields, generate your own: `cargo xtask codegen`.
//!
//! ```no_run
//! use espo_typed::prelude::*;
//! use espo_typed::opportunity::{self, Stage};
//!
//! # async fn run() -> Result<(), Error> {
//! let crm = Client::builder("https://crm.example.com").auth(Auth::api_key("the API key")).build()?;
//!
//! let acme = crm.create(AccountNew::new("Acme")).await?;
//! let id = acme.id().expect("a created record has an id");
//!
//! let open = crm
//!     .record(id)
//!     .opportunities()
//!     .list()
//!     .filter(opportunity::STAGE.ne(Stage::ClosedWon) & opportunity::CLOSE_DATE.current_quarter())
//!     .order_by(opportunity::CLOSE_DATE.desc())
//!     .await?;
//! for deal in open.list {
//!     println!("{:?} {:?}", deal.name, deal.amount);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A misspelt field, a filter that the field's type does not allow, a link that does not exist, or an option that the
//! instance does not know does not compile.

#[rustfmt::skip]
mod generated;

pub use espo_core;
pub use generated::*;

/// What most programs use: the client, and every generated entity type.
pub mod prelude {
    pub use crate::generated::*;
    pub use espo_core::prelude::*;
}

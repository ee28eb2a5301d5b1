//! A typed EspoCRM SDK of the stock schema: 91 entity types, generated from the metadata of EspoCRM 10.0.
//!
//! For an instance with custom entity types and fields, generate your own crate with `espo codegen`. Everything in this
//! documentation also applies to that crate, under its name.
//!
//! ```toml
//! [dependencies]
//! espo-typed = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```no_run
//! use espo_typed::prelude::*;
//! use espo_typed::opportunity::{self, Stage};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     // ESPO_API_KEY, or ESPO_USERNAME and ESPO_PASSWORD.
//!     let crm = Client::builder("https://crm.example.com").auth(Auth::from_env()?).build()?;
//!
//!     let acme = crm.create(AccountNew::new("Acme")).await?;
//!
//!     let open = crm
//!         .record(&acme.id)
//!         .opportunities()
//!         .list()
//!         .filter(opportunity::STAGE.ne(Stage::ClosedWon) & opportunity::CLOSE_DATE.current_quarter())
//!         .order_by(opportunity::CLOSE_DATE.desc())
//!         .await?;
//!     for deal in open.records {
//!         println!("{:?} {:?}", deal.name, deal.amount);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A misspelt field, a filter that the field's type does not allow, a link that does not exist, or an unknown option
//! does not compile.
//!
//! # Generated items of an entity type
//!
//! For `Contact`, and likewise for the others:
//!
//! | | |
//! | --- | --- |
//! | [`Contact`] | a record: its `id`, every other attribute as an `Option`; unknown attributes are kept; serde's traits in the wire format ([`Record`](espo_core::typed::Record)) |
//! | [`ContactNew`], [`ContactPatch`] | the attributes that a create and an update send, with a setter for each;
//! `OpportunityRequired` and the like contain the values that a create requires, if there are several |
//! | [`ContactPatch::changes`] | the differences between two states of a record as an update: read a record, change a copy, write the differences |
//! | `contact::EMAIL_ADDRESS`, … | the attributes as constants: filters, orders, `select`, `clear` |
//! | `contact::SalutationName`, … | the options of an enum; unknown ones are kept |
//! | `crm.record(&id).account()`, … | the links ([`ContactRef`]); `contact::links` for filters and orders |
//! | `contact::primary_filters`, `bool_filters` | the named filters of the instance |
//!
//! # Tasks
//!
//! | | |
//! | --- | --- |
//! | one record | `crm.read(id)`, `read_opt`, `create(new)`, `update(id, patch)`, `upsert(key, new)`, `delete(id)` |
//! | many records | `crm.list::<Contact>()`: `.await` returns one page; `collect()`, `pages()`, and `stream()`, which neither skips nor repeats a record while others write; `crm.records::<Contact>().changes_since(time)` |
//! | some attributes | `select(…)`, or a user-defined struct: `#[derive(Projection)]`, `.project::<Card>()` |
//! | many writes | `crm.records::<Contact>().write_many()`; `crm.records::<Contact>().mass(…)` makes the server change them |
//! | an error | [`Error`](espo_core::Error): `is_validation()`, `is_duplicate()`, `is_not_found()` …, each with a remedy |
//! | code over any entity type | `fn f<E: Entity>(crm: &Client)`; `crm.untyped("Contact")` where the type is known only at run time |
//! | tests | the crate `espo-sim`: an in-memory server with fault injection |
//!
//! The front page of [`espo_core`] contains a table that maps every REST function to a method.

#[rustfmt::skip]
mod generated;

pub use espo_core;
pub use generated::*;

/// Common imports: the client, and every generated entity type with its module.
///
/// The modules are named after the entity types (`account`, `import`, `user` …). If two glob imports provide the same
/// name, the compiler reports an ambiguity. A program with modules of these names imports single items instead:
/// `use espo_typed::{Account, account, espo_core::prelude::*};`
pub mod prelude {
    pub use crate::generated::*;
    pub use espo_core::prelude::*;
}

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the project's README, which compile as they are shown.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectReadme;

//! EspoCRM entity metadata, parsed into a resolved model.
//!
//! EspoCRM describes itself: which entity types there are, which fields they have, how they are linked. This crate reads
//! that description and answers what a client, a server or a generator has to know of it: every key that a record can
//! have on the wire, what it holds and whether it can be written, filtered or ordered by; how many records stand on
//! either side of a link; which values an enum allows.
//!
//! ```
//! # #[cfg(feature = "stock")] {
//! use espo_schema::{Cardinality, Schema, ValueType};
//!
//! let schema = Schema::stock(); // or Schema::load(&["metadata.json", "custom/"])?
//!
//! let opportunity = schema.entity_type("Opportunity").unwrap();
//! let amount = &opportunity.attributes["amount"];
//! assert_eq!(amount.value, ValueType::Money);
//! assert!(amount.writable && amount.in_list);
//!
//! let account = schema.link_target("Opportunity", "account").unwrap();
//! assert_eq!(account.links["opportunities"].cardinality, Cardinality::OneToMany);
//! # }
//! ```
//!
//! # Where metadata comes from
//!
//! [`Schema::load`] takes files as `GET Metadata` answers them, and folders laid out as EspoCRM lays out its own
//! (`entityDefs/Account.json`, `scopes/Account.json`, `fields/varchar.json`). Several are merged by EspoCRM's own rules,
//! later ones over earlier ones; `__APPEND__` in a list keeps what the layers below have. Then what the server adds is
//! added: the parts of composite fields, `streamUpdatedAt`, and so on. An export that is complete already stays as it is.
//!
//! # What is odd, and what is wrong
//!
//! Metadata in the wild has empty lists where objects belong, definitions that are null, links to entity types that an
//! API user may not see, field types of extensions. None of it is an error: it is taken as well as it can be, and said in
//! [`Schema::diagnostics`]. An [`Error`] is what cannot be metadata: a login page, half a file, a number where the
//! entity types should be. It names the file and the place, and says what to do.
//!
//! # Features
//!
//! `stock` (on by default) builds the schemas of a stock EspoCRM 10.0 and 9.3 into the library: `Schema::stock` and
//! `Schema::stock_9_3`.

mod complete;
mod def;
mod diff;
mod error;
mod folder;
mod hash;
mod kind;
mod load;
mod merge;
mod model;
mod patch;
mod pipelines;
mod resolve;
#[doc(hidden)]
pub mod selection;
mod shape;
mod source;
#[cfg(feature = "stock")]
mod stock;
mod summary;

pub use diff::{Change, ChangeKind, Comparison};
pub use error::Error;
pub use folder::{FolderPlan, Written, plan_folder, write_folder};
pub use kind::FieldKind;
pub use model::{
    Attribute, AttributeRole, AttributeSource, Cardinality, Collection, Column, Diagnostic,
    EntityType, Field, FieldType, Level, Link, LinkType, Naming, Options, OptionsSource, Order,
    Pattern, RecordDefs, Relationship, Schema, Scope, ValueType,
};
#[cfg(feature = "stock")]
pub use stock::Member;
pub use summary::Summary;

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! EspoCRM entity metadata, parsed into a resolved model.
//!
//! The metadata of an EspoCRM instance describes its entity types, their fields and their links. This crate reads the
//! metadata and resolves it for clients, servers and generators: the keys that a record can have on the wire, with
//! their types and whether they can be written, filtered or ordered by; the cardinality of links; the values that an
//! enum allows.
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
//! [`Schema::load`] reads JSON files returned by `GET Metadata`, and directories in EspoCRM's layout
//! (`entityDefs/Account.json`, `scopes/Account.json`, `fields/varchar.json`). Several are merged by EspoCRM's own rules,
//! later ones over earlier ones; `__APPEND__` in a list keeps the items of the layers below. Then the definitions that
//! the server generates are added: the parts of composite fields, `streamUpdatedAt` and others. Complete exports are not
//! changed.
//!
//! # Diagnostics and errors
//!
//! Real metadata contains empty lists in place of objects, null definitions, links to entity types that an API user
//! cannot see, and field types of extensions. These are not errors: the schema uses the valid definitions and reports
//! the rest in [`Schema::diagnostics`]. An [`Error`] means that the input is not metadata: a login page, a truncated
//! file, a number in place of the entity types. It contains the file and the location, and suggests a remedy.
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
mod strays;
mod summary;

// Their types are in public signatures.
pub use {indexmap, serde_json};

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

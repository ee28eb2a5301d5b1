//! EspoCRM entity metadata, parsed into a resolved model.
//!
//! [`Schema::load`] takes files as `GET Metadata` answers them, or folders laid out `entityDefs/X.json`,
//! `scopes/X.json`, `fields/T.json`; several are merged by EspoCRM's own rules:
//!
//! ```text
//! Schema::load(paths: &[impl AsRef<Path>]) -> Result<Schema, Error>   // later paths over earlier ones
//! Schema::from_value(value: Value, name: &str) -> Result<Schema, Error> // one tree; `name` stands in errors
//! Schema::stock() -> &'static Schema                                   // feature `stock` (default): EspoCRM 9.3
//! Schema::diff(old: &Schema, new: &Schema) -> Vec<Change>
//! ```

mod complete;
mod def;
mod diff;
mod error;
mod hash;
mod kind;
mod load;
mod merge;
mod model;
mod resolve;
mod shape;
mod source;
#[cfg(feature = "stock")]
mod stock;

pub use diff::{Change, ChangeKind};
pub use error::Error;
pub use kind::FieldKind;
pub use model::{
    Attribute, AttributeRole, AttributeSource, Cardinality, Collection, Column, Diagnostic,
    EntityType, Field, FieldType, Link, LinkType, Naming, Options, OptionsSource, Order, Pattern,
    Schema, Scope, ValueType,
};

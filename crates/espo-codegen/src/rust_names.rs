//! The Rust names of all items, so that changed names can be reported before compilation.

use std::fmt;

use espo_schema::Schema;

use crate::model::Model;
use crate::{Error, Generator, names};

/// The Rust name of an item in the metadata.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RustName {
    /// The entity type that it belongs to, by its name in the metadata.
    pub entity: String,
    /// The kind of item.
    pub kind: RustNameKind,
    /// Its name in the metadata. For an option `attribute=option`.
    pub wire: String,
    /// Its name in Rust.
    pub rust: String,
}

/// The kind of item that a Rust name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RustNameKind {
    /// A record struct.
    EntityType,
    /// A module.
    Module,
    /// A field of a record struct, and its constant.
    Attribute,
    /// A setter of a create or update.
    Setter,
    /// An accessor of a link, and its constant.
    Link,
    /// An enum of options.
    Enum,
    /// An option of an enum.
    Variant,
    /// The constant of a primary filter.
    PrimaryFilter,
    /// The constant of a boolean filter.
    BoolFilter,
}

impl fmt::Display for RustNameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EntityType => "type",
            Self::Module => "module",
            Self::Attribute => "attribute",
            Self::Setter => "setter",
            Self::Link => "link",
            Self::Enum => "enum",
            Self::Variant => "option",
            Self::PrimaryFilter => "primary filter",
            Self::BoolFilter => "boolean filter",
        })
    }
}

/// An item that both schemas have and whose Rust name changed because names newly collide or no longer do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renamed {
    /// The item, with its new name.
    pub new: RustName,
    /// Its old name.
    pub old: String,
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            new:
                RustName {
                    entity,
                    kind,
                    wire,
                    rust,
                },
            old,
        } = self;
        write!(f, "{entity}")?;
        if !matches!(kind, RustNameKind::EntityType | RustNameKind::Module) {
            write!(f, ".{wire}")?;
        }
        write!(f, ": {kind} is called `{rust}` in Rust, previously `{old}`")
    }
}

impl Generator {
    /// Returns the Rust names of all items, sorted.
    ///
    /// # Errors
    /// Same errors as [`Generator::generate`].
    pub fn rust_names(&self, schema: &Schema) -> Result<Vec<RustName>, Error> {
        let model = self.model(schema)?;
        let mut names = all(&model);
        names.sort();
        Ok(names)
    }

    /// Returns the items of both schemas whose Rust name differs in the new one.
    ///
    /// # Errors
    /// Same errors as [`Generator::generate`].
    pub fn renamed(&self, old: &Schema, new: &Schema) -> Result<Vec<Renamed>, Error> {
        let (old, new) = (self.rust_names(old)?, self.rust_names(new)?);
        let before = |name: &RustName| {
            let key = |n: &RustName| (n.entity.clone(), n.kind, n.wire.clone());
            let index = old.binary_search_by_key(&key(name), key).ok()?;
            Some(old[index].rust.clone())
        };
        let renamed = new.into_iter().filter_map(|new| {
            let old = before(&new)?;
            (old != new.rust).then_some(Renamed { new, old })
        });
        Ok(renamed.collect())
    }
}

fn all(model: &Model<'_>) -> Vec<RustName> {
    let mut all = Vec::new();
    for entity in &model.entities {
        let mut push = |kind, wire: &str, rust: &str| {
            all.push(RustName {
                entity: entity.schema.name.clone(),
                kind,
                wire: wire.to_owned(),
                rust: rust.to_owned(),
            });
        };
        push(RustNameKind::EntityType, &entity.schema.name, &entity.rust);
        push(RustNameKind::Module, &entity.schema.name, &entity.module);
        for attribute in &entity.attributes {
            push(
                RustNameKind::Attribute,
                &attribute.schema.name,
                &attribute.rust,
            );
        }
        for setter in &entity.setters {
            push(RustNameKind::Setter, setter.target.wire(), &setter.rust);
        }
        for link in &entity.links {
            push(RustNameKind::Link, &link.schema.name, &link.accessor);
        }
        for filter in &entity.primary_filters {
            push(RustNameKind::PrimaryFilter, filter.wire, &filter.rust);
        }
        for filter in &entity.bool_filters {
            push(RustNameKind::BoolFilter, filter.wire, &filter.rust);
        }
        let own = entity.enums.iter();
        let own = own.map(|(rust, own)| (rust, &own.wire, own.options));
        let shared = entity.shared.iter();
        let shared = shared.map(|(rust, shared)| (rust, &shared.wire, shared.options));
        for (rust, wire, options) in own.chain(shared) {
            push(RustNameKind::Enum, wire, rust);
            let plan = names::variant_plan(options.iter().map(String::as_str));
            for (option, variant) in &plan {
                push(RustNameKind::Variant, &format!("{wire}={option}"), variant);
            }
        }
    }
    all
}

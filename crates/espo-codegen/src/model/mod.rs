//! The plan of the generated code, created before any file is written: names, types and parts.

mod entity;
mod reserved;
mod roles;
mod setters;
mod shared;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use espo_schema::{Attribute, EntityType, Field, Link, Schema};

use crate::names::{self, Plan};
use crate::overrides::{self, EntityOverride, Overrides};
use crate::types::{RustType, Type};
use crate::{Error, parallel};

use reserved::RESERVED_MODULES;
pub(crate) use reserved::{RESERVED_ATTRIBUTES, RESERVED_SETTERS, RESERVED_TYPES};
pub(crate) use roles::{SCHEMA_TYPES, roles};
use shared::Shared;
pub(crate) use shared::SharedEnum;

/// The plan for one schema.
#[derive(Debug)]
pub(crate) struct Model<'s> {
    /// The entity types, sorted by name.
    pub(crate) entities: Vec<Entity<'s>>,
    /// The enums that several of their fields share.
    pub(crate) shared: Vec<SharedEnum<'s>>,
    /// Entity types that are referred to, generated or not: wire name to Rust name.
    pub(crate) entity_names: Plan,
}

/// Names that are used in the modules of all entity types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'n> {
    /// Entity types: wire name to Rust name.
    pub(crate) entity_types: &'n Plan,
    /// Names of types that are taken: those of entity types, and reserved ones.
    pub(crate) taken: &'n HashSet<&'n str>,
    /// Enums of several fields.
    pub(crate) shared: &'n Shared<'n>,
}

/// One entity type.
#[derive(Debug)]
pub(crate) struct Entity<'s> {
    /// Its definition in the metadata.
    pub(crate) schema: &'s EntityType,
    /// Name of the record struct.
    pub(crate) rust: String,
    /// Name of the module.
    pub(crate) module: String,
    /// Name of the Cargo feature.
    pub(crate) feature: String,
    /// Whether a response without an ID is an error.
    pub(crate) requires_id: bool,
    /// Attributes of a record, sorted by wire name.
    pub(crate) attributes: Vec<Attr<'s>>,
    /// The setters of creates and updates, sorted by Rust name.
    pub(crate) setters: Vec<Setter<'s>>,
    /// The required values of a create.
    pub(crate) required: Vec<Setter<'s>>,
    /// Required attributes that the overrides skip.
    pub(crate) skipped_required: Vec<&'s str>,
    /// Enums, by Rust name.
    pub(crate) enums: BTreeMap<String, Enum<'s>>,
    /// Enums that are shared with other fields, by their Rust name in this module.
    pub(crate) shared: BTreeMap<String, SharedUse<'s>>,
    /// Polymorphic parents.
    pub(crate) parents: Vec<Parent<'s>>,
    /// Fields that contain a date or a time, by their attributes.
    pub(crate) dates_or_times: Vec<DateOrTime<'s>>,
    /// Attributes that are set together with another one, by the setter of their field.
    pub(crate) parts_of_fields: HashSet<&'s str>,
    /// Columns of links.
    pub(crate) columns: Vec<Columns<'s>>,
    /// Links, sorted by wire name.
    pub(crate) links: Vec<LinkItem<'s>>,
    /// Primary filters, sorted by wire name.
    pub(crate) primary_filters: Vec<NamedFilter<'s>>,
    /// Boolean filters, sorted by wire name.
    pub(crate) bool_filters: Vec<NamedFilter<'s>>,
    /// Rust names of other entity types that this one refers to.
    pub(crate) uses: BTreeSet<String>,
}

/// An attribute of a record.
#[derive(Debug)]
pub(crate) struct Attr<'s> {
    /// Its definition in the metadata.
    pub(crate) schema: &'s Attribute,
    /// The field that it belongs to.
    pub(crate) field: Option<&'s Field>,
    /// The field's label in the UI, if the metadata includes labels.
    pub(crate) label: Option<&'s str>,
    /// Name of the struct's field.
    pub(crate) rust: String,
    /// Its type.
    pub(crate) type_: RustType,
}

impl Attr<'_> {
    /// Whether this is the record's own ID, which is always present.
    pub(crate) fn is_record_id(&self) -> bool {
        self.schema.name == "id"
    }
}

/// A setter of a create or update.
#[derive(Debug, Clone)]
pub(crate) struct Setter<'s> {
    /// Name of the method.
    pub(crate) rust: String,
    /// The attributes that it sets.
    pub(crate) target: Target<'s>,
    /// Whether only a create can set it.
    pub(crate) create_only: bool,
}

/// The attributes that a setter sets.
#[derive(Debug, Clone)]
pub(crate) enum Target<'s> {
    /// One attribute.
    Attribute(&'s str, RustType),
    /// Both attributes of a date that may have a time.
    DateOrTime(DateOrTime<'s>),
    /// Both attributes of a polymorphic parent.
    Parent(Parent<'s>),
}

impl Target<'_> {
    /// The attribute or field that is set, by its name in the metadata.
    pub(crate) fn wire(&self) -> &str {
        match self {
            Self::Attribute(wire, _) => wire,
            Self::DateOrTime(field) => field.time,
            Self::Parent(parent) => parent.wire,
        }
    }
}

/// An enum of a field's options.
#[derive(Debug)]
pub(crate) struct Enum<'s> {
    /// A description of its owner, for the docs.
    pub(crate) of: String,
    /// The attribute or column in the metadata.
    pub(crate) wire: String,
    /// The options in the order of the metadata.
    pub(crate) options: &'s [String],
}

/// A shared enum as it appears in a module.
#[derive(Debug)]
pub(crate) struct SharedUse<'s> {
    /// The name of the shared enum.
    pub(crate) rust: String,
    /// The attribute in the metadata.
    pub(crate) wire: String,
    /// The options in the order of the metadata.
    pub(crate) options: &'s [String],
}

/// A polymorphic parent.
#[derive(Debug, Clone)]
pub(crate) struct Parent<'s> {
    /// The field's wire name.
    pub(crate) wire: &'s str,
    /// Name of the accessor and setter.
    pub(crate) rust: String,
    /// Name of the enum.
    pub(crate) type_name: String,
    /// Attribute with the entity type.
    pub(crate) type_attribute: &'s str,
    /// Attribute with the ID.
    pub(crate) id_attribute: &'s str,
    /// The allowed entity types that are in the metadata: wire name and Rust name.
    pub(crate) targets: Vec<(&'s str, String)>,
}

/// A field that contains a date or a time.
#[derive(Debug, Clone)]
pub(crate) struct DateOrTime<'s> {
    /// Name of the accessor and setter.
    pub(crate) rust: String,
    /// Attribute with the time.
    pub(crate) time: &'s str,
    /// Attribute with the date.
    pub(crate) date: &'s str,
}

/// The columns of a link, as a struct.
#[derive(Debug)]
pub(crate) struct Columns<'s> {
    /// Name of the struct.
    pub(crate) type_name: String,
    /// The attribute that contains them.
    pub(crate) attribute: &'s str,
    /// The columns: Rust name, wire name, type.
    pub(crate) columns: Vec<(String, &'s str, Type)>,
}

/// A link.
#[derive(Debug)]
pub(crate) struct LinkItem<'s> {
    /// Its definition in the metadata.
    pub(crate) schema: &'s Link,
    /// Name of the accessor.
    pub(crate) accessor: String,
    /// Name of the constant.
    pub(crate) constant: String,
    /// Its target entity type, if the metadata has it.
    pub(crate) target: Option<String>,
}

/// A named filter of the instance.
#[derive(Debug)]
pub(crate) struct NamedFilter<'s> {
    /// Name of the constant, in lower case.
    pub(crate) rust: String,
    /// Name on the wire.
    pub(crate) wire: &'s str,
}

impl<'s> Model<'s> {
    /// Plans the code for the entity types in `wanted`, or for all if it is empty.
    pub(crate) fn new(
        schema: &'s Schema,
        wanted: &BTreeSet<String>,
        own: &Overrides,
    ) -> Result<Self, Error> {
        let names: BTreeSet<&str> = schema.entity_types.keys().map(String::as_str).collect();
        let renames = own
            .entities
            .iter()
            .filter_map(|(wire, o)| Some((wire.as_str(), o.rename.as_deref()?)));
        let renames: BTreeMap<&str, &str> = renames.collect();
        let at = |wire: &str| overrides::at(wire, None);
        let entity_names = with_renames(&names, &renames, RESERVED_TYPES, names::entity_plan, at)?;
        check_suffixes(&entity_names, &renames)?;
        let snake = names::module_plan(renames.values().copied(), RESERVED_MODULES);
        let snake = renames
            .iter()
            .map(|(wire, rename)| (*wire, snake[*rename].as_str()))
            .collect();
        let modules = with_renames(&names, &snake, RESERVED_MODULES, names::module_plan, at)?;
        let features = names::feature_plan(&modules);
        let none = EntityOverride::default();
        let wanted: Vec<(&EntityType, &EntityOverride)> = names
            .iter()
            .filter(|name| wanted.is_empty() || wanted.contains(**name))
            .filter_map(|name| schema.entity_types.get(*name))
            .map(|entity| (entity, own.entities.get(&entity.name).unwrap_or(&none)))
            .filter(|(_, overrides)| !overrides.skip)
            .collect();
        let taken: HashSet<&str> = RESERVED_TYPES
            .iter()
            .copied()
            .chain(entity_names.values().map(String::as_str))
            .collect();
        let shared = Shared::new(schema, &taken);
        let has_scopes = schema.raw["scopes"]
            .as_object()
            .is_some_and(|scopes| !scopes.is_empty());
        let entities = parallel::map(&wanted, |(entity, overrides)| {
            let (module, feature) = (
                modules[&entity.name].clone(),
                features[&entity.name].clone(),
            );
            let labels = &schema.raw["i18n"][&entity.name]["fields"];
            let names = Names {
                entity_types: &entity_names,
                taken: &taken,
                shared: &shared,
            };
            let mut model = Entity::new(entity, names, overrides, labels, module, feature)?;
            // Settings and similar types are not entities and have no ID. An export without scopes does not distinguish them.
            model.requires_id = entity.scope.entity || !has_scopes;
            Ok(model)
        });
        let entities: Vec<Entity<'s>> = entities.into_iter().collect::<Result<_, _>>()?;
        let used: HashSet<&str> = entities
            .iter()
            .flat_map(|entity| entity.shared.values())
            .map(|shared| shared.rust.as_str())
            .collect();
        let shared = shared.into_enums();
        let shared = shared.filter(|shared| used.contains(shared.rust.as_str()));
        let shared = shared.collect();
        Ok(Self {
            entities,
            shared,
            entity_names,
        })
    }
}

/// A plan in which some names are fixed; the others avoid them.
///
/// A fixed name that is the name of another item without the override is an error: existing code that uses this name
/// would compile and mean the other item.
fn with_renames<'a>(
    wire: &BTreeSet<&'a str>,
    renames: &BTreeMap<&'a str, &'a str>,
    reserved: &[&'a str],
    plan: impl Fn(Vec<&'a str>, &[&str]) -> Plan,
    at: impl Fn(&str) -> String,
) -> Result<Plan, Error> {
    if renames.is_empty() {
        return Ok(plan(wire.iter().copied().collect(), reserved));
    }
    let fault = |wire: &str, message: String| {
        Err(Error::Override {
            at: at(wire),
            message,
        })
    };
    let plain = plan(wire.iter().copied().collect(), reserved);
    let plain = plain
        .iter()
        .filter(|(wire, _)| !renames.contains_key(wire.as_str()));
    let plain: BTreeMap<String, &String> = plain
        .map(|(wire, rust)| (rust.to_uppercase(), wire))
        .collect();
    let mut taken = BTreeMap::new();
    // An attribute can have a field without a setter, and the reverse.
    for (wire, rename) in renames.iter().filter(|(from, _)| wire.contains(*from)) {
        if let Some(other) = taken.insert(rename.to_uppercase(), wire) {
            return fault(wire, format!("`{other}` is also renamed to `{rename}`"));
        }
        if let Some(other) = plain.get(&rename.to_uppercase()) {
            return fault(
                wire,
                format!(
                    "invalid value `{rename}`: expected an unused name, but `{other}` has this name; choose another name, or rename or skip `{other}` as well"
                ),
            );
        }
        if reserved.contains(rename) {
            return fault(
                wire,
                format!(
                    "invalid value `{rename}`: expected a name that generated code does not use"
                ),
            );
        }
    }
    let reserved: Vec<&str> = reserved
        .iter()
        .copied()
        .chain(renames.values().copied())
        .collect();
    let others = wire
        .iter()
        .copied()
        .filter(|wire| !renames.contains_key(wire));
    let mut plan = plan(others.collect(), &reserved);
    let present = renames.iter().filter(|(from, _)| wire.contains(*from));
    plan.extend(present.map(|(wire, rename)| ((*wire).to_owned(), (*rename).to_owned())));
    Ok(plan)
}

/// Rejects renamed entity types whose other types, such as `ProjectNew`, have the name of an entity type, or the reverse.
fn check_suffixes(plan: &Plan, renames: &BTreeMap<&str, &str>) -> Result<(), Error> {
    let names: BTreeMap<&str, &str> = plan
        .iter()
        .map(|(wire, rust)| (rust.as_str(), wire.as_str()))
        .collect();
    for (rust, wire) in &names {
        for base in names::SUFFIXES
            .iter()
            .filter_map(|suffix| rust.strip_suffix(suffix))
        {
            let Some(other) = names.get(base) else {
                continue;
            };
            let renamed = [wire, other]
                .into_iter()
                .find(|wire| renames.contains_key(*wire));
            if let Some(renamed) = renamed {
                let message = format!(
                    "invalid value `{}`: expected another name, because the entity type `{base}` has a type `{rust}`",
                    renames[renamed]
                );
                return Err(Error::Override {
                    at: overrides::at(renamed, None),
                    message,
                });
            }
        }
    }
    Ok(())
}

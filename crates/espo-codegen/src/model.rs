//! What is generated, settled before a token is written: names, types and which parts exist.

use std::collections::{BTreeMap, BTreeSet};

use espo_schema::{
    Attribute, AttributeRole, Cardinality, EntityType, Field, Link, Schema, ValueType,
};
use proc_macro2::TokenStream;
use serde_json::Value;

use crate::Error;
use crate::names::{self, Plan};
use crate::overrides::{EntityOverride, Overrides};
use crate::types::{self, RustType};

/// Names that generated code imports or that Rust's prelude holds; an entity type or enum of that name is renamed.
pub(crate) const RESERVED_TYPES: &[&str] = &[
    "AnyId",
    "Attribute",
    "Attributes",
    "Auth",
    "Box",
    "Client",
    "Clone",
    "Columns",
    "Copy",
    "Create",
    "Date",
    "DateOrTime",
    "Debug",
    "Decimal",
    "Default",
    "Drop",
    "EmailAddressRow",
    "Entity",
    "EXPECTED_SCHEMA",
    "ExpectedEntity",
    "METADATA_HASH",
    "Err",
    "Error",
    "Field",
    "Filter",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "HasStream",
    "Id",
    "Into",
    "Iterator",
    "JsonObject",
    "Link",
    "MediaTypes",
    "Names",
    "None",
    "Ok",
    "Option",
    "Ord",
    "ParentRef",
    "Eq",
    "PartialEq",
    "PartialOrd",
    "PhoneNumberRow",
    "Projection",
    "Record",
    "RecordMeta",
    "RecordRef",
    "Related",
    "Result",
    "Self",
    "Send",
    "Settable",
    "Sized",
    "Slot",
    "Some",
    "String",
    "Sync",
    "Timestamp",
    "ToJson",
    "ToOwned",
    "ToString",
    "TryStreamExt",
    "Update",
    "Value",
    "Vec",
];

/// Names that a record struct has beside its attributes.
const RESERVED_ATTRIBUTES: &[&str] = &["meta"];

/// Methods that every setter type has.
const RESERVED_SETTERS: &[&str] = &[
    "new", "set", "clear", "set_raw", "as_json", "with", "clone", "default",
];

/// Methods of `RecordRef`, which a link's accessor must not hide.
const RESERVED_LINKS: &[&str] = &[
    "id",
    "client",
    "get",
    "get_opt",
    "read",
    "read_opt",
    "update",
    "delete",
    "restore",
    "follow",
    "unfollow",
    "followers",
    "add_followers",
    "star",
    "unstar",
    "stream",
    "posts",
    "post",
    "update_stream",
    "related",
    "new",
    "clone",
    "deref",
    "from",
    "into",
];

/// Names that no module file can have.
const RESERVED_MODULES: &[&str] = &[
    "mod",
    "lib",
    "main",
    "con",
    "prn",
    "aux",
    "nul",
    "alloc",
    "core",
    "espo_core",
    "generated",
    "prelude",
    "std",
    "test",
];

/// Everything that is generated for one schema.
#[derive(Debug)]
pub(crate) struct Model<'s> {
    /// The entity types, sorted by name.
    pub(crate) entities: Vec<Entity<'s>>,
    /// Entity types that are referred to, generated or not: wire name to Rust name.
    pub(crate) entity_names: Plan,
}

/// One entity type.
#[derive(Debug)]
pub(crate) struct Entity<'s> {
    /// What the metadata says.
    pub(crate) schema: &'s EntityType,
    /// Name of the record struct.
    pub(crate) rust: String,
    /// Name of the module.
    pub(crate) module: String,
    /// Name of the Cargo feature.
    pub(crate) feature: String,
    /// Attributes that a record holds, sorted by wire name.
    pub(crate) attributes: Vec<Attr<'s>>,
    /// What a create and an update can set, sorted by Rust name.
    pub(crate) setters: Vec<Setter<'s>>,
    /// What a create requires.
    pub(crate) required: Vec<Setter<'s>>,
    /// Enums, by Rust name.
    pub(crate) enums: BTreeMap<String, Enum<'s>>,
    /// Polymorphic parents.
    pub(crate) parents: Vec<Parent<'s>>,
    /// Fields that hold a date or a time, by their attributes.
    pub(crate) dates_or_times: Vec<DateOrTime<'s>>,
    /// Columns of links.
    pub(crate) columns: Vec<Columns<'s>>,
    /// Links, sorted by wire name.
    pub(crate) links: Vec<LinkItem<'s>>,
    /// Rust names of other entity types that this one refers to.
    pub(crate) uses: BTreeSet<String>,
}

/// An attribute of a record.
#[derive(Debug)]
pub(crate) struct Attr<'s> {
    /// What the metadata says.
    pub(crate) schema: &'s Attribute,
    /// The field that it belongs to.
    pub(crate) field: Option<&'s Field>,
    /// What the field is called on the screen, where the metadata came with labels.
    pub(crate) label: Option<&'s str>,
    /// Name of the struct's field.
    pub(crate) rust: String,
    /// Its type.
    pub(crate) type_: RustType,
}

/// A setter of a create or update.
#[derive(Debug, Clone)]
pub(crate) struct Setter<'s> {
    /// Name of the method.
    pub(crate) rust: String,
    /// What it sets.
    pub(crate) target: Target<'s>,
    /// Only a create can set it.
    pub(crate) create_only: bool,
}

/// What a setter sets.
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
    /// What it belongs to, for the docs.
    pub(crate) of: String,
    /// The attribute or column in the metadata.
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
    /// Attribute with the id.
    pub(crate) id_attribute: &'s str,
    /// The entity types allowed that the metadata knows: wire name and Rust name.
    pub(crate) targets: Vec<(&'s str, String)>,
}

/// A field that holds a date or a time.
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
    /// The attribute that holds them.
    pub(crate) attribute: &'s str,
    /// The columns: Rust name, wire name, type.
    pub(crate) columns: Vec<(String, &'s str, TokenStream)>,
}

/// A link.
#[derive(Debug)]
pub(crate) struct LinkItem<'s> {
    /// What the metadata says.
    pub(crate) schema: &'s Link,
    /// Name of the accessor.
    pub(crate) accessor: String,
    /// Name of the constant.
    pub(crate) constant: String,
    /// The entity type that it leads to, if the metadata has it.
    pub(crate) target: Option<String>,
}

impl<'s> Model<'s> {
    /// Settles what is generated for the entity types that `wanted` names, all if it is empty.
    pub(crate) fn new(
        schema: &'s Schema,
        wanted: &BTreeSet<String>,
        overrides: &Overrides,
    ) -> Result<Self, Error> {
        let names: BTreeSet<&str> = schema.entity_types.keys().map(String::as_str).collect();
        let renames = overrides
            .entities
            .iter()
            .filter_map(|(wire, o)| Some((wire.as_str(), o.rename.as_deref()?)));
        let renames: BTreeMap<&str, &str> = renames.collect();
        let entity_names = with_renames(&names, &renames, RESERVED_TYPES, names::entity_plan)?;
        let snake = renames
            .iter()
            .map(|(wire, rename)| (*wire, names::snake(rename)))
            .collect::<Vec<_>>();
        let snake = snake
            .iter()
            .map(|(wire, rename)| (*wire, rename.as_str()))
            .collect();
        let modules = with_renames(&names, &snake, RESERVED_MODULES, names::module_plan)?;
        let features = names::feature_plan(&modules);
        let none = EntityOverride::default();
        let entities = names
            .iter()
            .filter(|name| wanted.is_empty() || wanted.contains(**name))
            .filter_map(|name| schema.entity_types.get(*name))
            .map(|entity| {
                (
                    entity,
                    overrides.entities.get(&entity.name).unwrap_or(&none),
                )
            })
            .filter(|(_, overrides)| !overrides.skip)
            .map(|(entity, overrides)| {
                let (module, feature) = (
                    modules[&entity.name].clone(),
                    features[&entity.name].clone(),
                );
                let labels = &schema.raw["i18n"][&entity.name]["fields"];
                Entity::new(entity, &entity_names, overrides, labels, module, feature)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            entities,
            entity_names,
        })
    }
}

/// A plan in which some names are given; the others keep out of their way.
fn with_renames<'a>(
    wire: &BTreeSet<&'a str>,
    renames: &BTreeMap<&'a str, &'a str>,
    reserved: &[&'a str],
    plan: impl Fn(Vec<&'a str>, &[&str]) -> Plan,
) -> Result<Plan, Error> {
    let mut taken = BTreeMap::new();
    for (wire, rename) in renames {
        if let Some(other) = taken.insert(rename.to_uppercase(), wire) {
            return Err(Error::Override {
                at: (*wire).to_owned(),
                message: format!("`{rename}` is what `{other}` is renamed to as well"),
            });
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

impl<'s> Entity<'s> {
    fn new(
        schema: &'s EntityType,
        entity_names: &Plan,
        overrides: &EntityOverride,
        labels: &'s Value,
        module: String,
        feature: String,
    ) -> Result<Self, Error> {
        let rust = entity_names[&schema.name].clone();
        let mut builder = types::Builder::new(schema, entity_names, overrides, &rust);

        let in_record = schema
            .attributes
            .values()
            .filter(|a| !a.filter_only && !a.write_only && !overrides.is_skipped(&a.name));
        let in_record: BTreeMap<&str, &Attribute> =
            in_record.map(|a| (a.name.as_str(), a)).collect();
        let in_record_names: BTreeSet<&str> = in_record.keys().copied().collect();
        let attribute_names = with_renames(
            &in_record_names,
            &overrides.renames(),
            RESERVED_ATTRIBUTES,
            names::snake_plan,
        )?;
        let attributes: Vec<Attr<'s>> = in_record
            .values()
            .map(|attribute| Attr {
                schema: attribute,
                field: attribute
                    .field
                    .as_ref()
                    .and_then(|field| schema.fields.get(field)),
                label: attribute
                    .field
                    .as_ref()
                    .and_then(|field| labels.get(field)?.as_str()),
                rust: attribute_names[&attribute.name].clone(),
                type_: builder.attribute_type(attribute),
            })
            .collect();

        let parents = parents(schema, &attribute_names, &mut builder);
        let dates_or_times = dates_or_times(schema, &attribute_names);
        let setters = setters(schema, &parents, &dates_or_times, overrides, &mut builder)?;
        let required = required(schema, &setters);
        let links = links(schema, entity_names, &mut builder);
        let (enums, columns, uses) = builder.finish();
        Ok(Self {
            schema,
            rust,
            module,
            feature,
            attributes,
            setters,
            required,
            enums,
            parents,
            dates_or_times,
            columns,
            links,
            uses,
        })
    }

    /// Whether the attribute is set through its field's setter rather than one of its own.
    pub(crate) fn is_part_of_field(&self, attribute: &str) -> bool {
        self.parents
            .iter()
            .any(|p| p.type_attribute == attribute || p.id_attribute == attribute)
            || self
                .dates_or_times
                .iter()
                .any(|d| d.time == attribute || d.date == attribute)
    }

    /// The Rust name of an attribute of the record.
    pub(crate) fn attribute(&self, wire: &str) -> &str {
        self.attributes
            .iter()
            .find(|a| a.schema.name == wire)
            .map_or("", |a| &a.rust)
    }
}

fn parents<'s>(
    schema: &'s EntityType,
    names: &Plan,
    builder: &mut types::Builder<'s, '_>,
) -> Vec<Parent<'s>> {
    let attributes = || schema.attributes.values();
    let ids = attributes().filter_map(|attribute| match &attribute.value {
        ValueType::ParentId { entity_list } if names.contains_key(&attribute.name) => {
            Some((attribute, entity_list))
        }
        _ => None,
    });
    let mut found: Vec<_> = ids
        .filter_map(|(id, entity_list)| {
            let wire = id.field.as_deref().or(id.link.as_deref())?;
            let same = |a: &&Attribute| (a.field.as_deref().or(a.link.as_deref())) == Some(wire);
            let type_ = attributes()
                .filter(same)
                .find(|a| a.role == AttributeRole::ParentType)?;
            names.contains_key(&type_.name).then_some(())?;
            Some((wire, id.name.as_str(), type_.name.as_str(), entity_list))
        })
        .collect();
    found.sort_unstable();
    let type_names = builder.type_names(found.iter().map(|(wire, ..)| *wire));
    let accessors = names::snake_plan(
        found.iter().map(|(wire, ..)| *wire),
        &["id", "meta", "clone"],
    );
    found
        .into_iter()
        .map(|(wire, id_attribute, type_attribute, entity_list)| Parent {
            wire,
            rust: accessors[wire].clone(),
            type_name: type_names[wire].clone(),
            type_attribute,
            id_attribute,
            targets: builder.known_targets(entity_list),
        })
        .collect()
}

fn dates_or_times<'s>(schema: &'s EntityType, in_record: &Plan) -> Vec<DateOrTime<'s>> {
    let mut found: Vec<_> = schema
        .attributes
        .values()
        .filter(|date| date.role == AttributeRole::Date)
        .filter_map(|date| {
            let of_field = |a: &&Attribute| {
                a.role == AttributeRole::Value && date.name == format!("{}Date", a.name)
            };
            Some((
                schema.attributes.values().find(of_field)?.name.as_str(),
                date.name.as_str(),
            ))
        })
        .collect();
    found.retain(|(time, date)| in_record.contains_key(*time) && in_record.contains_key(*date));
    found.sort_unstable();
    let names = names::snake_plan(
        found.iter().map(|(time, _)| *time),
        &["id", "meta", "clone"],
    );
    found
        .into_iter()
        .map(|(time, date)| DateOrTime {
            rust: names[time].clone(),
            time,
            date,
        })
        .collect()
}

fn setters<'s>(
    schema: &'s EntityType,
    parents: &[Parent<'s>],
    dates_or_times: &[DateOrTime<'s>],
    overrides: &EntityOverride,
    builder: &mut types::Builder<'s, '_>,
) -> Result<Vec<Setter<'s>>, Error> {
    let mut targets: Vec<(&'s str, Target<'s>, bool)> = Vec::new();
    let mut taken = BTreeSet::new();
    let create_only = |attribute: &str| schema.attributes[attribute].create_only;
    for parent in parents
        .iter()
        .filter(|p| schema.attributes[p.id_attribute].writable)
    {
        taken.extend([parent.id_attribute, parent.type_attribute]);
        targets.push((
            parent.wire,
            Target::Parent(parent.clone()),
            create_only(parent.id_attribute),
        ));
    }
    for field in dates_or_times
        .iter()
        .filter(|d| schema.attributes[d.time].writable)
    {
        taken.extend([field.time, field.date]);
        targets.push((
            field.time,
            Target::DateOrTime(field.clone()),
            create_only(field.time),
        ));
    }
    for attribute in schema.attributes.values().filter(|a| {
        a.writable && !taken.contains(a.name.as_str()) && !overrides.is_skipped(&a.name)
    }) {
        let target = Target::Attribute(&attribute.name, builder.attribute_type(attribute));
        targets.push((&attribute.name, target, attribute.create_only));
    }
    let wire = targets.iter().map(|(wire, ..)| *wire).collect();
    let names = with_renames(
        &wire,
        &overrides.renames(),
        RESERVED_SETTERS,
        names::snake_plan,
    )?;
    let mut setters: Vec<_> = targets
        .into_iter()
        .map(|(wire, target, create_only)| Setter {
            rust: names[wire].clone(),
            target,
            create_only,
        })
        .collect();
    setters.sort_by(|a, b| a.rust.cmp(&b.rust));
    Ok(setters)
}

/// The setters of what a create must hold: required fields without a default. A person's name is left out, since any
/// of its parts will do.
fn required<'s>(schema: &EntityType, setters: &[Setter<'s>]) -> Vec<Setter<'s>> {
    let has_default = |field: &Field| match &field.default {
        None | Some(serde_json::Value::Null) => false,
        Some(serde_json::Value::String(text)) => {
            !text.starts_with("javascript:") && !text.is_empty()
        }
        Some(serde_json::Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for field in schema
        .fields
        .values()
        .filter(|f| f.required && !f.read_only && !f.disabled && !has_default(f))
    {
        // The currency is filled in by the server; of the others the first attribute is the one that counts.
        let main = field
            .actual_attributes
            .iter()
            .filter_map(|name| schema.attributes.get(name))
            .find(|a| {
                use AttributeRole::{Id, Ids, Value};
                a.writable
                    && matches!(
                        a.role,
                        Value
                            | Id
                            | Ids
                            | AttributeRole::AddressPart
                            | AttributeRole::PersonNamePart
                    )
                    && (a.field.as_deref() == Some(&field.name)
                        || matches!(a.role, Id | Ids | Value))
            });
        wanted.extend(main.map(|a| a.name.as_str()));
    }
    let is_wanted = |setter: &&Setter<'s>| match &setter.target {
        Target::Attribute(attribute, _) => wanted.contains(attribute),
        Target::DateOrTime(field) => wanted.contains(field.time),
        Target::Parent(parent) => wanted.contains(parent.id_attribute),
    };
    let mut required: Vec<_> = setters.iter().filter(is_wanted).cloned().collect();
    // What a record is called comes first: everybody expects it there.
    required.sort_by_key(|setter| (setter.rust != "name", setter.rust.clone()));
    required
}

fn links<'s>(
    schema: &'s EntityType,
    entity_names: &Plan,
    builder: &mut types::Builder<'s, '_>,
) -> Vec<LinkItem<'s>> {
    let usable = |link: &&Link| !link.disabled && link.cardinality != Cardinality::Unknown;
    let links: BTreeMap<&str, &Link> = schema
        .links
        .values()
        .filter(usable)
        .map(|link| (link.name.as_str(), link))
        .collect();
    let accessors = names::snake_plan(links.keys().copied(), RESERVED_LINKS);
    let constants = names::snake_plan(links.keys().copied(), &[]);
    links
        .into_iter()
        .map(|(name, link)| LinkItem {
            schema: link,
            accessor: accessors[name].clone(),
            constant: constants[name].clone(),
            target: link.entity.as_ref().and_then(|entity| {
                let rust = entity_names.get(entity)?;
                builder.uses(rust);
                Some(rust.clone())
            }),
        })
        .collect()
}

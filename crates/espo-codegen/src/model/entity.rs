//! One entity type: its attributes, parents and links.

use std::collections::{BTreeMap, BTreeSet};

use espo_schema::{Attribute, AttributeRole, Cardinality, EntityType, Link, ValueType};
use serde_json::Value;

use super::reserved::{RESERVED_ATTRIBUTES, RESERVED_LINKS};
use super::roles::methods;
use super::setters::{required, required_attributes, setters};
use super::{Attr, DateOrTime, Entity, LinkItem, NamedFilter, Names, Parent, with_renames};
use crate::Error;
use crate::names::{self, Plan};
use crate::overrides::{self, EntityOverride};
use crate::types;

impl<'s> Entity<'s> {
    pub(super) fn new(
        schema: &'s EntityType,
        names: Names<'_>,
        own: &EntityOverride,
        labels: &'s Value,
        module: String,
        feature: String,
    ) -> Result<Self, Error> {
        let rust = names.entity_types[&schema.name].clone();
        let mut builder = types::Builder::new(schema, names, own, &rust);

        let in_record = schema
            .attributes
            .values()
            .filter(|a| !a.filter_only && !a.write_only && !own.is_skipped(&a.name));
        let in_record: BTreeMap<&str, &Attribute> =
            in_record.map(|a| (a.name.as_str(), a)).collect();
        let in_record_names: BTreeSet<&str> = in_record.keys().copied().collect();
        let attribute_names = with_renames(
            &in_record_names,
            &own.renames(),
            RESERVED_ATTRIBUTES,
            names::snake_plan,
            |wire| overrides::at(&schema.name, Some(wire)),
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
        let parts = parents.iter().map(|p| [p.type_attribute, p.id_attribute]);
        let parts = parts.chain(dates_or_times.iter().map(|d| [d.time, d.date]));
        let parts_of_fields = parts.flatten().collect();
        let setters = setters(schema, &parents, &dates_or_times, own, &mut builder)?;
        let wanted = required_attributes(schema);
        let required = required(&wanted, &setters);
        let skipped_required = wanted.into_iter().filter(|name| own.is_skipped(name));
        let skipped_required = skipped_required.collect();
        let links = links(schema, names.entity_types, &mut builder);
        let (primary_filters, bool_filters) = filters(schema);
        let types::Finished {
            enums,
            shared,
            columns,
            uses,
        } = builder.finish();
        Ok(Self {
            schema,
            rust,
            module,
            feature,
            requires_id: true,
            attributes,
            setters,
            required,
            skipped_required,
            enums,
            shared,
            parents,
            dates_or_times,
            parts_of_fields,
            columns,
            links,
            primary_filters,
            bool_filters,
            uses,
        })
    }

    /// Whether the attribute is set through its field's setter rather than its own.
    pub(crate) fn is_part_of_field(&self, attribute: &str) -> bool {
        self.parts_of_fields.contains(attribute)
    }

    /// Whether a create takes its required values in a struct.
    pub(crate) fn has_required_struct(&self) -> bool {
        self.required.len() > 1
    }

    /// The Rust name of an attribute of the record.
    pub(crate) fn attribute(&self, wire: &str) -> &str {
        self.attribute_of(wire).map_or("", |a| &a.rust)
    }

    /// The attribute of the record with this name in the metadata.
    pub(crate) fn attribute_of(&self, wire: &str) -> Option<&Attr<'s>> {
        let found = self
            .attributes
            .binary_search_by(|attribute| attribute.schema.name.as_str().cmp(wire));
        self.attributes.get(found.ok()?)
    }
}

fn parents<'s>(
    schema: &'s EntityType,
    names: &Plan,
    builder: &mut types::Builder<'s, '_>,
) -> Vec<Parent<'s>> {
    let ids = schema
        .attributes
        .values()
        .filter_map(|attribute| match &attribute.value {
            ValueType::ParentId { entity_list } if names.contains_key(&attribute.name) => {
                Some((attribute, entity_list))
            }
            _ => None,
        });
    let mut found: Vec<_> = ids
        .filter_map(|(id, entity_list)| {
            let wire = id.field.as_deref().or(id.link.as_deref())?;
            let mut siblings = builder.siblings(wire).iter();
            let type_ = siblings.find(|a| a.role == AttributeRole::ParentType)?;
            names.contains_key(&type_.name).then_some(())?;
            Some((wire, id.name.as_str(), type_.name.as_str(), entity_list))
        })
        .collect();
    found.sort_unstable();
    let type_names = builder.type_names(found.iter().map(|(wire, ..)| *wire));
    let accessors = names::snake_plan(
        found.iter().map(|(wire, ..)| *wire),
        &["id", "meta", "clone", "with_id"],
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
            let time = schema.attributes.get(date.name.strip_suffix("Date")?)?;
            let is_field = time.role == AttributeRole::Value;
            is_field.then_some((time.name.as_str(), date.name.as_str()))
        })
        .collect();
    found.retain(|(time, date)| in_record.contains_key(*time) && in_record.contains_key(*date));
    found.sort_unstable();
    let names = names::snake_plan(
        found.iter().map(|(time, _)| *time),
        &["id", "meta", "clone", "with_id"],
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
    let mut reserved = RESERVED_LINKS.to_vec();
    let stream = schema.scope.stream.then_some("HasStream");
    for role in super::roles(schema).into_iter().chain(stream) {
        reserved.extend_from_slice(methods(role));
    }
    let accessors = names::snake_plan(links.keys().copied(), &reserved);
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

/// The primary filters and the boolean filters. Those of streams and stars follow from the scope and are not listed.
fn filters(schema: &EntityType) -> (Vec<NamedFilter<'_>>, Vec<NamedFilter<'_>>) {
    let scope = &schema.scope;
    let of_scope = [(scope.stream, "followed"), (scope.stars, "starred")];
    let of_scope = of_scope
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name));
    let primary = schema.primary_filters.iter().map(String::as_str);
    let bools = schema.bool_filters.iter().map(String::as_str);
    (
        named(primary.chain(of_scope).collect()),
        named(bools.collect()),
    )
}

fn named(wire: BTreeSet<&str>) -> Vec<NamedFilter<'_>> {
    let names = names::snake_plan(wire.iter().copied(), &[]);
    let filters = wire.into_iter().map(|wire| NamedFilter {
        rust: names[wire].clone(),
        wire,
    });
    filters.collect()
}

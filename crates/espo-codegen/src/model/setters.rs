//! The setters of creates and updates, and the required values of creates.

use std::collections::BTreeSet;

use espo_schema::{AttributeRole, EntityType, Field};

use super::reserved::RESERVED_SETTERS;
use super::{DateOrTime, Parent, Setter, Target, with_renames};
use crate::Error;
use crate::names;
use crate::overrides::{self, EntityOverride};
use crate::types;

pub(super) fn setters<'s>(
    schema: &'s EntityType,
    parents: &[Parent<'s>],
    dates_or_times: &[DateOrTime<'s>],
    own: &EntityOverride,
    builder: &mut types::Builder<'s, '_>,
) -> Result<Vec<Setter<'s>>, Error> {
    let mut targets: Vec<(&'s str, Target<'s>, bool)> = Vec::new();
    let mut taken = BTreeSet::new();
    // One setter for both attributes of a field; the first one determines whether it can be set.
    let parents = parents.iter().map(|parent| {
        let attributes = [parent.id_attribute, parent.type_attribute];
        (parent.wire, attributes, Target::Parent(parent.clone()))
    });
    let dates_or_times = dates_or_times.iter().map(|field| {
        let attributes = [field.time, field.date];
        (field.time, attributes, Target::DateOrTime(field.clone()))
    });
    for (wire, attributes, target) in parents.chain(dates_or_times) {
        let first = &schema.attributes[attributes[0]];
        if first.writable {
            taken.extend(attributes);
            targets.push((wire, target, first.create_only));
        }
    }
    for attribute in schema
        .attributes
        .values()
        .filter(|a| a.writable && !taken.contains(a.name.as_str()) && !own.is_skipped(&a.name))
    {
        let target = Target::Attribute(&attribute.name, builder.attribute_type(attribute));
        targets.push((&attribute.name, target, attribute.create_only));
    }
    let wire = targets.iter().map(|(wire, ..)| *wire).collect();
    let renames = own.renames();
    // The method that sets a field of two attributes to null is named after the field.
    let clears: Vec<String> = targets
        .iter()
        .filter(|(_, target, _)| !matches!(target, Target::Attribute(..)))
        .map(|(wire, ..)| {
            let name = renames
                .get(wire)
                .map_or_else(|| names::snake(wire), |name| (*name).to_owned());
            names::clear(&name)
        })
        .collect();
    let reserved: Vec<&str> = RESERVED_SETTERS
        .iter()
        .copied()
        .chain(clears.iter().map(String::as_str))
        .collect();
    let at = |wire: &str| overrides::at(&schema.name, Some(wire));
    let names = with_renames(&wire, &renames, &reserved, names::snake_plan, at)?;
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

/// The attributes that a create must contain: those of required fields without a default that the server does not fill
/// in. A person's name is excluded, because any of its parts is sufficient.
pub(super) fn required_attributes(schema: &EntityType) -> BTreeSet<&str> {
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
        .filter(|f| f.required && !f.filled_by_server)
        .filter(|f| !f.read_only && !f.disabled && !has_default(f))
    {
        // The server fills in the currency; of the other attributes, the first one is required.
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
    wanted
}

/// The setters of the required attributes.
pub(super) fn required<'s>(wanted: &BTreeSet<&str>, setters: &[Setter<'s>]) -> Vec<Setter<'s>> {
    let is_wanted = |setter: &&Setter<'s>| match &setter.target {
        Target::Attribute(attribute, _) => wanted.contains(attribute),
        Target::DateOrTime(field) => wanted.contains(field.time),
        Target::Parent(parent) => wanted.contains(parent.id_attribute),
    };
    let mut required: Vec<_> = setters.iter().filter(is_wanted).cloned().collect();
    // The name comes first, and a start before its end: callers expect this order, and two times are easily confused.
    required.sort_by_key(|setter| (setter.rust != "name", setter.rust.replace("start", " ")));
    required
}

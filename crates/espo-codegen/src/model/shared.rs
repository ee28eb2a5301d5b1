//! Enums that several fields share, because they use the same options.

use std::collections::{BTreeMap, HashSet};

use espo_schema::{
    Attribute, EntityType, Field, FieldKind, Options, OptionsSource, Schema, ValueType,
};

use crate::names;

/// The shared enums of a schema.
#[derive(Debug)]
pub(crate) struct Shared<'s> {
    enums: BTreeMap<String, SharedEnum<'s>>,
    /// Entity type and attribute to the key of the enum.
    attributes: BTreeMap<(&'s str, &'s str), String>,
}

/// An enum of options that several fields share.
#[derive(Debug, Clone)]
pub(crate) struct SharedEnum<'s> {
    /// Its name.
    pub(crate) rust: String,
    /// The location of the options: `Account.industry`, or a path in the metadata.
    pub(crate) source: String,
    /// The options in the order of the metadata.
    pub(crate) options: &'s [String],
}

impl<'s> Shared<'s> {
    /// Groups the fields of all entity types by the location of their options.
    ///
    /// The rule is stable: the name of an enum depends only on that location, and every module has it under the name that
    /// a separate enum would have. So no name changes when a field that shares options is added or removed.
    pub(crate) fn new(schema: &'s Schema, taken: &HashSet<&str>) -> Self {
        let mut groups: BTreeMap<String, Vec<Member<'s>>> = BTreeMap::new();
        for entity in schema.entity_types.values() {
            for attribute in entity.attributes.values() {
                if let Some((source, member)) = member(schema, entity, attribute) {
                    groups.entry(source).or_default().push(member);
                }
            }
        }
        groups.retain(|source, members| {
            let root = members.iter().find(|member| member.is_at(source));
            let options = root.or(members.first()).map(|member| member.options);
            members.retain(|member| Some(member.options) == options);
            members.len() > 1
        });
        let is_taken = |name: &str| taken.contains(name);
        let plan = names::shared_type_plan(groups.keys().map(String::as_str), is_taken);
        let mut shared = Self {
            enums: BTreeMap::new(),
            attributes: BTreeMap::new(),
        };
        for (source, members) in groups {
            for member in &members {
                let key = (member.entity, member.attribute);
                shared.attributes.insert(key, source.clone());
            }
            let shared_enum = SharedEnum {
                rust: plan[&source].clone(),
                options: members[0].options,
                source: source.clone(),
            };
            shared.enums.insert(source, shared_enum);
        }
        shared
    }

    /// The shared enum of an attribute.
    pub(crate) fn of(&self, entity: &str, attribute: &str) -> Option<&SharedEnum<'s>> {
        let source = self.attributes.get(&(entity, attribute))?;
        self.enums.get(source)
    }

    /// All shared enums, by the location of their options.
    pub(crate) fn into_enums(self) -> impl Iterator<Item = SharedEnum<'s>> {
        self.enums.into_values()
    }
}

/// An attribute with options.
struct Member<'s> {
    entity: &'s str,
    attribute: &'s str,
    options: &'s [String],
}

impl Member<'_> {
    /// Whether the options are defined at the attribute itself.
    fn is_at(&self, source: &str) -> bool {
        source == format!("{}.{}", self.entity, self.attribute)
    }
}

fn member<'s>(
    schema: &'s Schema,
    entity: &'s EntityType,
    attribute: &'s Attribute,
) -> Option<(String, Member<'s>)> {
    let Options::Listed(options) = &attribute.options else {
        return None;
    };
    let field = entity.fields.get(attribute.field.as_ref()?)?;
    let is_enum = matches!(attribute.value, ValueType::Enum | ValueType::EnumList);
    (is_enum && field.name == attribute.name).then(|| {
        let member = Member {
            entity: &entity.name,
            attribute: &attribute.name,
            options,
        };
        (source(schema, entity, field), member)
    })
}

/// The location of a field's options, found through references and links.
fn source(schema: &Schema, entity: &EntityType, field: &Field) -> String {
    let (mut entity, mut field) = (entity, field);
    // References in metadata can be circular.
    for _ in 0..16 {
        let next = match &field.options_source {
            OptionsSource::Path(path) => return path.clone(),
            OptionsSource::Reference { entity, field } => Some((entity.as_str(), field.as_str())),
            _ if field.kind == FieldKind::Foreign => {
                field.foreign_field.as_deref().and_then(|name| {
                    let link = entity.links.get(field.link.as_deref()?)?;
                    Some((link.entity.as_deref()?, name))
                })
            }
            _ => None,
        };
        let found = next.and_then(|(name, field)| {
            let entity = schema.entity_types.get(name)?;
            Some((entity, entity.fields.get(field)?))
        });
        match found {
            Some(found) => (entity, field) = found,
            None => break,
        }
    }
    format!("{}.{}", entity.name, field.name)
}

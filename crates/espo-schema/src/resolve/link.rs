//! Link definitions: their targets, cardinality and columns.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Context;
use crate::def::Def;
use crate::kind::FieldKind;
use crate::model::{
    Cardinality, Column, Diagnostic, EntityType, Field, Link, LinkType, Options, ValueType,
};

/// Relationships that are many-to-many although they have no reverse link.
const MANY_TO_MANY: [&str; 5] = [
    "entityTeam",
    "entityUser",
    "entityCollaborator",
    "emailEmailAddress",
    "smsPhoneNumber",
];

/// The server compares the name with its first letter in lower case.
fn is_many_to_many(relation: &str) -> bool {
    let mut chars = relation.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    MANY_TO_MANY
        .iter()
        .any(|known| known.chars().next() == first && known[1..] == *chars.as_str())
}

pub(super) fn resolve_all(
    entity: &str,
    entity_def: Def<'_>,
    fields: &IndexMap<String, Field>,
    context: &Context<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, Link> {
    let mut links: IndexMap<String, Link> = IndexMap::new();
    for (name, raw) in entity_def.map("links").into_iter().flatten() {
        let Some(raw) = raw.as_object() else { continue };
        let mut link = resolve(name, raw, fields);
        link.since = super::since(entity, None, Some(name)).filter(|_| !Def(raw).flag("isCustom"));
        if let LinkType::Other(type_) = &link.type_ {
            diagnostics.push(Diagnostic::warning(
                format!("entityDefs.{entity}.links.{name}"),
                format!("unknown link type `{type_}`; the link cannot be used"),
            ));
        }
        links.insert(name.clone(), link);
    }
    for field in fields.values() {
        let link_defs = context
            .field_types
            .get(&field.type_)
            .and_then(|t| t.link_defs.as_ref());
        if let Some(raw) = link_defs.filter(|_| !links.contains_key(&field.name)) {
            let mut link = resolve(&field.name, raw, fields);
            link.implicit = true;
            links.insert(field.name.clone(), link);
        }
    }
    links
}

fn resolve(name: &str, raw: &Map<String, Value>, fields: &IndexMap<String, Field>) -> Link {
    let def = Def(raw);
    let mid_keys = <[String; 2]>::try_from(def.texts("midKeys")).ok();
    Link {
        name: name.to_owned(),
        since: None,
        type_: match def.text("type").unwrap_or_default().as_str() {
            "belongsTo" => LinkType::BelongsTo,
            "hasMany" => LinkType::HasMany,
            "hasOne" => LinkType::HasOne,
            "hasChildren" => LinkType::HasChildren,
            "belongsToParent" => LinkType::BelongsToParent,
            other => LinkType::Other(other.to_owned()),
        },
        entity: def.text("entity"),
        target_known: false,
        foreign: def.text("foreign"),
        relation_name: def.text("relationName"),
        cardinality: Cardinality::Unknown,
        mid_keys,
        columns: IndexMap::new(),
        column_attribute_map: def
            .map("columnAttributeMap")
            .into_iter()
            .flatten()
            .filter_map(|(column, attribute)| {
                Some((column.clone(), attribute.as_str()?.to_owned()))
            })
            .collect(),
        entity_list: def.texts("entityList"),
        conditions: def.map("conditions").cloned().unwrap_or_default(),
        foreign_name: def.text("foreignName"),
        no_foreign_name: def.flag("noForeignName"),
        no_join: def.flag("noJoin"),
        read_only: def.flag("readOnly"),
        disabled: def.flag("disabled"),
        implicit: false,
        has_field: fields.contains_key(name),
        raw: raw.clone(),
    }
}

/// Fills in the properties that depend on the other side.
pub(super) fn connect(
    entities: &mut IndexMap<String, EntityType>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut found = Vec::new();
    let mut notes = Vec::new();
    for entity in entities.values() {
        for link in entity.links.values() {
            let target = link.entity.as_deref().and_then(|name| entities.get(name));
            let reverse = target.and_then(|t| t.links.get(link.foreign.as_deref()?));
            notes.extend(note(entity, link, target, reverse));
            found.push((
                target.is_some(),
                cardinality(link, reverse),
                columns(entity, link, target, reverse),
            ));
        }
    }
    report(notes, diagnostics);
    let links = entities.values_mut().flat_map(|e| e.links.values_mut());
    for (link, (target_known, cardinality, columns)) in links.zip(found) {
        link.target_known = target_known;
        link.cardinality = cardinality;
        link.columns = columns;
    }
}

/// The target of a link, if it is not in the metadata.
enum Missing {
    Target(String),
    Other,
}

/// If there are at least this many links to missing entity types, they are counted instead of listed: the export of a
/// user whose role hides entity types has dozens.
const LISTED: usize = 4;

fn report(notes: Vec<(Diagnostic, Missing)>, diagnostics: &mut Vec<Diagnostic>) {
    let targets = notes.iter().filter_map(|(_, missing)| match missing {
        Missing::Target(name) => Some(name.as_str()),
        Missing::Other => None,
    });
    let (links, names) = (targets.clone().count(), targets.collect::<BTreeSet<_>>());
    if links < LISTED {
        diagnostics.extend(notes.into_iter().map(|(note, _)| note));
        return;
    }
    let first: Vec<String> = names
        .iter()
        .take(3)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match names.len() - first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{links} links refer to entity types that the metadata does not contain ({}{more}); their IDs are untyped",
        first.join(", ")
    );
    diagnostics.push(Diagnostic::note("entityDefs".to_owned(), message));
    let others = notes
        .into_iter()
        .filter(|(_, missing)| matches!(missing, Missing::Other));
    diagnostics.extend(others.map(|(note, _)| note));
}

fn note(
    entity: &EntityType,
    link: &Link,
    target: Option<&EntityType>,
    reverse: Option<&Link>,
) -> Option<(Diagnostic, Missing)> {
    let message = match (link.entity.as_deref(), target) {
        (Some(name), None) => {
            format!("the metadata has no target entity type `{name}`; its IDs are untyped")
        }
        (None, _) if !matches!(link.type_, LinkType::BelongsToParent | LinkType::Other(_)) => {
            "the link has no target; its IDs are untyped".to_owned()
        }
        // A link to one record works without the other side, as some do in stock metadata.
        (Some(name), Some(_))
            if link.foreign.is_some()
                && reverse.is_none()
                && !matches!(link.type_, LinkType::BelongsTo | LinkType::HasOne) =>
        {
            let foreign = link.foreign.as_deref().unwrap_or_default();
            format!("`{name}` has no reverse link `{foreign}`")
        }
        _ => return None,
    };
    let missing = match (&link.entity, target) {
        (Some(name), None) => Missing::Target(name.clone()),
        _ => Missing::Other,
    };
    let path = format!("entityDefs.{}.links.{}", entity.name, link.name);
    Some((Diagnostic::warning(path, message), missing))
}

fn cardinality(link: &Link, reverse: Option<&Link>) -> Cardinality {
    match link.type_ {
        LinkType::BelongsTo if reverse.is_some_and(|r| r.type_ == LinkType::HasOne) => {
            Cardinality::OneToOne { key_here: true }
        }
        LinkType::BelongsTo => Cardinality::ManyToOne,
        LinkType::HasOne => Cardinality::OneToOne { key_here: false },
        LinkType::HasChildren => Cardinality::Children,
        LinkType::BelongsToParent => Cardinality::Parent,
        LinkType::Other(_) => Cardinality::Unknown,
        LinkType::HasMany => match reverse.map(|r| &r.type_) {
            Some(LinkType::HasMany) => Cardinality::ManyToMany,
            // Custom entity types of the template BasePlus have hasMany instead of hasChildren.
            Some(LinkType::BelongsToParent) => Cardinality::Children,
            Some(_) => Cardinality::OneToMany,
            None if link.relation_name.as_deref().is_some_and(is_many_to_many) => {
                Cardinality::ManyToMany
            }
            // The other side is not in the export; a middle table has a name, keys or columns, a plain one-to-many link
            // has none.
            None if [
                "relationName",
                "midKeys",
                "additionalColumns",
                "columnAttributeMap",
            ]
            .iter()
            .any(|key| Def(&link.raw).get(key).is_some()) =>
            {
                Cardinality::ManyToMany
            }
            None => Cardinality::OneToMany,
        },
    }
}

/// Middle-table columns, from either side, and those that the link-multiple field shows.
fn columns(
    owner: &EntityType,
    link: &Link,
    target: Option<&EntityType>,
    reverse: Option<&Link>,
) -> IndexMap<String, Column> {
    let shown = owner
        .fields
        .get(&link.name)
        .filter(|f| f.kind == FieldKind::LinkMultiple)
        .map(|f| f.columns.clone())
        .unwrap_or_default();
    let own = Def(&link.raw).map("additionalColumns");
    let theirs = reverse.and_then(|r| Def(&r.raw).map("additionalColumns"));
    let mut defs: IndexMap<&str, Map<String, Value>> = IndexMap::new();
    for (name, def) in own.into_iter().chain(theirs).flatten() {
        let merged = defs.entry(name.as_str()).or_default();
        for (key, value) in def.as_object().into_iter().flatten() {
            merged.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    for name in shown.keys() {
        defs.entry(name.as_str()).or_default();
    }
    defs.sort_unstable_keys();
    defs.into_iter()
        .map(|(name, def)| {
            let target_attribute = reverse
                .and_then(|r| r.column_attribute_map.get(name))
                .or_else(|| shown.get(name))
                .cloned();
            let owner_attribute = link.column_attribute_map.get(name).cloned();
            let target_field = target
                .zip(target_attribute.as_deref())
                .and_then(|(t, a)| t.fields.get(a));
            let owner_field = owner_attribute.as_deref().and_then(|a| owner.fields.get(a));
            (
                name.to_owned(),
                column(
                    name,
                    Def(&def),
                    target_field,
                    owner_field,
                    target_attribute.clone(),
                    owner_attribute.clone(),
                ),
            )
        })
        .collect()
}

fn column(
    name: &str,
    def: Def<'_>,
    target_field: Option<&Field>,
    owner_field: Option<&Field>,
    target_attribute: Option<String>,
    owner_attribute: Option<String>,
) -> Column {
    let listed = |field: &&Field| field.options.listed().is_some_and(|list| !list.is_empty());
    let options = [target_field, owner_field]
        .into_iter()
        .flatten()
        .find(listed)
        .map(|f| f.options.clone())
        .unwrap_or_default();
    let type_ = def
        .text("type")
        .or_else(|| target_field.map(|f| f.type_.clone()))
        .unwrap_or_default();
    // The definition may name a custom field type; then the field that shows the column determines the type.
    let kind = match (FieldKind::from_name(&type_), target_field, owner_field) {
        (FieldKind::Other, Some(field), _) | (FieldKind::Other, None, Some(field)) => field.kind,
        (kind, ..) => kind,
    };
    let value = match kind {
        FieldKind::Bool => ValueType::Bool,
        FieldKind::Int | FieldKind::EnumInt => ValueType::Int,
        FieldKind::Float | FieldKind::EnumFloat => ValueType::Float,
        FieldKind::Decimal => ValueType::Decimal,
        FieldKind::Date => ValueType::Date,
        FieldKind::Datetime => ValueType::DateTime,
        FieldKind::Id => ValueType::Id { target: None },
        FieldKind::Varchar | FieldKind::Enum if options != Options::Any => ValueType::Enum,
        FieldKind::Varchar | FieldKind::Enum | FieldKind::Text | FieldKind::Url => ValueType::Text,
        FieldKind::Other if type_ == "foreignId" => ValueType::Id { target: None },
        FieldKind::Other if type_ == "foreignType" => ValueType::Text,
        _ => ValueType::Json,
    };
    Column {
        name: name.to_owned(),
        value,
        options,
        max_length: def.count("len").or_else(|| def.count("maxLength")),
        default: def.get("default").cloned(),
        target_attribute,
        owner_attribute,
        type_,
    }
}

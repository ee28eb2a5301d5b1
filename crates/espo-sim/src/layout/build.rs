//! Compiles the schema into layouts.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use espo_schema::{AttributeRole, Cardinality, EntityType, FieldKind, LinkType, Schema, ValueType};
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{
    Attr, AttrIx, ColumnDef, EntityIx, Layout, Layouts, LinkDef, LinkKind, Query, Relation, Source,
    Ty, duplicate_fields, duplicate_key,
};
use crate::facts::{FieldAccess, field_access, is_event, readers};
use crate::value::Value;

/// Attributes without a column for which the metadata does not specify where they appear (loaders of a stock
/// instance): whether reads and lists contain them.
const LOADED: &[(&str, &str, bool, bool)] = &[
    ("Call", "phoneNumbersMap", true, false),
    ("Campaign", "revenueCurrency", true, false),
    ("CampaignTrackingUrl", "urlToUse", true, true),
    ("Campaign", "hardBouncedCount", false, false),
    ("Campaign", "softBouncedCount", false, false),
    ("Email", "subject", true, true),
    ("Email", "fromName", true, true),
    ("Email", "fromAddress", true, true),
    ("Email", "replyToName", true, true),
    ("Email", "replyToAddress", true, true),
    ("Email", "personStringData", false, true),
    ("Email", "from", true, false),
    ("Email", "to", true, false),
    ("Email", "cc", true, false),
    ("Email", "bcc", true, false),
    ("Email", "replyTo", true, false),
    ("Email", "nameHash", true, false),
    ("Email", "typeHash", true, false),
    ("Email", "idHash", true, false),
    ("Email", "isUsers", true, true),
    ("Email", "isRead", true, true),
    ("Email", "folderId", true, true),
    ("Email", "isImportant", false, true),
    ("Email", "inTrash", false, true),
    ("Email", "inArchive", false, true),
    ("Notification", "groupedCount", true, true),
    ("Notification", "noteData", true, true),
    ("Notification", "relatedName", true, false),
    ("Notification", "relatedParentName", true, false),
    ("Portal", "isDefault", true, false),
    ("TargetList", "entryCount", true, false),
    ("TargetList", "optedOutCount", true, false),
    ("User", "lastAccess", true, false),
    ("User", "secretKey", true, true),
];

/// Entity types for which a read loads more than the row (`recordDefs.…readLoaderClassNameList` of a stock instance).
const READ_LOADERS: &[&str] = &[
    "Import",
    "InboundEmail",
    "LeadCapture",
    "Note",
    "OAuthAccount",
    "OAuthProvider",
    "TargetList",
    "User",
];

impl Layouts {
    pub(crate) fn build(schema: Arc<Schema>) -> Layouts {
        let mut entities: Vec<Layout> = schema
            .entity_types
            .values()
            .enumerate()
            .map(|(i, e)| {
                let mut layout = Layout::build(i, e, &schema);
                layout.set_selection(&schema, e);
                layout
            })
            .collect();
        let by_name: super::ByName<EntityIx> =
            entities.iter().map(|l| (l.name.clone(), l.index)).collect();
        let mut relations = Vec::new();
        let mut known: HashMap<(String, String), usize> = HashMap::new();
        for (i, entity) in schema.entity_types.values().enumerate() {
            let mut links = IndexMap::new();
            for link in entity.links.values() {
                let target = link.entity.as_deref().and_then(|t| by_name.get(t)).copied();
                let kind = link_kind(
                    &schema,
                    &entities,
                    entity,
                    link,
                    target,
                    &mut relations,
                    &mut known,
                );
                match kind {
                    LinkKind::HasOne { key }
                    | LinkKind::HasMany { key }
                    | LinkKind::Children { id: key, .. } => {
                        if let Some(t) = target
                            && !entities[t].indexed.contains(&key)
                        {
                            entities[t].indexed.push(key);
                        }
                    }
                    _ => {}
                }
                let foreign_name = link
                    .foreign_name
                    .clone()
                    .unwrap_or_else(|| "name".to_owned());
                let column_attrs = link
                    .column_attribute_map
                    .iter()
                    .filter_map(|(column, attr)| Some((column.clone(), entities[i].find(attr)?)))
                    .collect();
                links.insert(
                    link.name.clone(),
                    LinkDef {
                        name: link.name.clone(),
                        kind,
                        target,
                        foreign: link.foreign.clone(),
                        field: entity.fields.get(&link.name).map(|f| f.kind),
                        read_only: link.read_only || link.disabled,
                        foreign_name,
                        column_attrs,
                    },
                );
            }
            entities[i].links = links;
        }
        // Streams look up notes by their parent record, which no link does.
        if let Some(note) = by_name.get("Note").map(|i| &mut entities[*i]) {
            for slot in ["parentId", "superParentId"]
                .iter()
                .filter_map(|a| note.slot(a))
                .collect::<Vec<_>>()
            {
                if !note.indexed.contains(&slot) {
                    note.indexed.push(slot);
                }
            }
        }
        Layouts {
            schema,
            entities,
            by_name,
            relations,
        }
    }
}

impl Layout {
    fn build(index: EntityIx, entity: &EntityType, schema: &Schema) -> Layout {
        let mut layout = Layout {
            index,
            name: entity.name.clone(),
            attrs: Vec::with_capacity(entity.attributes.len()),
            by_name: super::ByName::default(),
            always_modified: always_modified(entity),
            is_event: is_event(schema, &entity.name),
            readers: readers(schema, &entity.name),
            checks: Vec::new(),
            initial: OnceLock::new(),
            empty_lists: Vec::new(),
            files: Vec::new(),
            amounts: Vec::new(),
            slots: 0,
            links: IndexMap::new(),
            indexed: Vec::new(),
            texts: Vec::new(),
            date: None,
            list_plan: Vec::new(),
            read_plan: Vec::new(),
            always: Vec::new(),
            mandatory: Vec::new(),
            select_all: false,
        };
        for a in entity.attributes.values() {
            let field = a.field.as_deref().and_then(|f| entity.fields.get(f));
            let ty = type_of(&a.value, field.map(|f| f.kind));
            // Addresses and numbers are stored outside of the record, for the field with the standard name only (a custom
            // email field is never read back).
            let kept = field.is_some_and(|f| {
                matches!(f.kind, FieldKind::Email if f.name == "emailAddress")
                    || matches!(f.kind, FieldKind::Phone if f.name == "phoneNumber")
            }) || matches!(
                a.name.as_str(),
                "emailAddressIsOptedOut"
                    | "emailAddressIsInvalid"
                    | "phoneNumberIsOptedOut"
                    | "phoneNumberIsInvalid"
                    | "reminders"
            );
            let is_foreign = field.is_some_and(|f| f.kind == FieldKind::Foreign);
            let source = if (a.stored || kept) && !is_foreign && !a.write_only && !a.filter_only {
                layout.slots += 1;
                Source::Slot(layout.slots - 1)
            } else {
                Source::Nothing
            };
            layout.by_name.insert(a.name.clone(), layout.attrs.len());
            layout.attrs.push(Attr {
                name: a.name.clone(),
                ty,
                role: a.role,
                field: a.field.clone(),
                source,
                stored: a.stored && !is_foreign,
                writable: a.writable,
                create_only: a.create_only || (entity.name == "Attachment" && is_record(&a.name)),
                write_only: a.write_only,
                filter_only: a.filter_only,
                in_list: a.in_list,
                in_read: false,
                access: a.field.as_deref().map_or_else(FieldAccess::default, |f| {
                    field_access(schema, &entity.name, f)
                }),
                options: match a.value {
                    ValueType::Enum => a.options.listed().map(<[String]>::to_vec),
                    _ => None,
                },
                query: Query::default(),
            });
        }
        for ix in 0..layout.attrs.len() {
            if layout.attrs[ix].source == Source::Nothing {
                layout.attrs[ix].source = derived(&layout, entity, ix);
            }
            layout.attrs[ix].query = Query::of(entity, &layout.attrs[ix]);
        }
        layout.set_checks(schema, entity);
        layout.set_parts(entity);
        for (ix, a) in entity.attributes.values().enumerate() {
            if a.write_only || a.filter_only || layout.is_secret(&a.name) {
                continue;
            }
            // Loaders of single fields run for selected fields only.
            let field = a.field.as_deref().and_then(|f| entity.fields.get(f));
            let is_loaded = field.is_some_and(|f| super::loader(entity, f).is_some());
            if a.in_list && !is_loaded {
                layout.list_plan.push(ix);
            }
            if a.in_read {
                layout.read_plan.push(ix);
            }
        }
        let order = entity
            .collection
            .order_by
            .as_deref()
            .and_then(|f| layout.attr(f));
        layout.date = order
            .filter(|a| matches!(a.ty, Ty::DateTime | Ty::Date))
            .and_then(|a| layout.slot(&a.name));
        for field in duplicate_fields(entity) {
            let key = duplicate_key(&layout, entity, field);
            layout.texts.extend(key);
        }
        for (_, attr, in_read, in_list) in LOADED.iter().filter(|(e, ..)| *e == layout.name) {
            let Some(ix) = layout.find(attr) else {
                continue;
            };
            for (plan, shown) in [
                (&mut layout.read_plan, *in_read),
                (&mut layout.list_plan, *in_list),
            ] {
                match (shown, plan.iter().position(|p| *p == ix)) {
                    (true, None) => plan.push(ix),
                    (false, Some(at)) => {
                        plan.remove(at);
                    }
                    _ => {}
                }
            }
        }
        for ix in layout.read_plan.clone() {
            layout.attrs[ix].in_read = true;
        }
        layout
    }
}

/// Data that is loaded in addition to a record's row before an update counts as changed by the update: followers,
/// stars, addresses, reminders and all values that are set by a loader of the field.
fn always_modified(entity: &EntityType) -> bool {
    let loaded = |f: &espo_schema::Field| {
        f.raw.contains_key("loaderClassName")
            || matches!(f.kind, FieldKind::Email | FieldKind::Phone)
            || (f.name == "reminders" && f.type_ == "jsonArray")
            || READ_LOADERS.contains(&entity.name.as_str())
            || LOADED
                .iter()
                .any(|(e, attr, in_read, _)| *e == entity.name && *attr == f.name && *in_read)
    };
    entity.scope.stream || entity.scope.stars || entity.fields.values().any(loaded)
}

fn type_of(value: &ValueType, kind: Option<FieldKind>) -> Ty {
    match value {
        ValueType::Text if matches!(kind, Some(FieldKind::Text | FieldKind::Wysiwyg)) => {
            Ty::LongText
        }
        ValueType::Text | ValueType::Enum => Ty::Text,
        ValueType::Bool => Ty::Bool,
        ValueType::Int | ValueType::EnumInt => Ty::Int,
        ValueType::Float | ValueType::EnumFloat | ValueType::Money => Ty::Float,
        ValueType::Decimal => Ty::Decimal,
        ValueType::Date => Ty::Date,
        ValueType::DateTime => Ty::DateTime,
        ValueType::Id { .. } | ValueType::ParentId { .. } => Ty::Id,
        ValueType::ParentType { .. } => Ty::Type,
        ValueType::IdList { .. }
        | ValueType::EmailData
        | ValueType::PhoneData
        | ValueType::EnumList
        | ValueType::TextList
        | ValueType::IntList
        | ValueType::JsonArray => Ty::List,
        ValueType::NameMap
        | ValueType::ColumnMap { .. }
        | ValueType::TypeMap
        | ValueType::JsonObject => Ty::Object,
        ValueType::Json => Ty::Any,
    }
}

/// The source of an attribute without a slot.
/// Whether an attribute of an attachment names its record, which an update does not change.
fn is_record(attr: &str) -> bool {
    let link = attr.trim_end_matches("Id").trim_end_matches("Type");
    matches!(link, "parent" | "related" | "source")
}

fn derived(layout: &Layout, entity: &EntityType, ix: AttrIx) -> Source {
    let attr = &layout.attrs[ix];
    let a = &entity.attributes[attr.name.as_str()];
    let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
    let link_name = a
        .link
        .clone()
        .or_else(|| a.field.clone().filter(|f| entity.links.contains_key(f)));
    let link = link_name.as_deref().and_then(|l| entity.links.get(l));
    if let Some(f) = field
        && f.kind == FieldKind::Foreign
        && let (Some(link), Some(foreign)) = (&f.link, &f.foreign_field)
    {
        return Source::Foreign {
            link: link.clone(),
            attr: foreign.clone(),
        };
    }
    match (a.role, link) {
        (AttributeRole::Id, Some(l)) if l.type_ == LinkType::HasOne => {
            Source::HasOneId(l.name.clone())
        }
        (AttributeRole::Name, Some(l)) if l.type_ == LinkType::HasOne => {
            Source::HasOneName(l.name.clone())
        }
        (AttributeRole::Name, Some(l)) => Source::LinkName(l.name.clone()),
        (AttributeRole::Name, None) => match &a.field {
            // A parent field does not need its own link.
            Some(f) if field.is_some_and(|f| f.kind == FieldKind::LinkParent) => {
                Source::LinkName(f.clone())
            }
            _ => Source::Nothing,
        },
        (AttributeRole::Ids, Some(l)) => Source::Ids(l.name.clone()),
        (AttributeRole::Names, Some(l)) => Source::Names(l.name.clone()),
        (AttributeRole::Columns, Some(l)) => Source::Columns(l.name.clone()),
        (AttributeRole::Types, Some(l)) => Source::Types(l.name.clone()),
        (AttributeRole::PersonName, _) => {
            let part = |p: &str| {
                let field = attr.field.as_deref().unwrap_or(&attr.name);
                let mut upper = field.to_owned();
                if let Some(first) = upper.get_mut(0..1) {
                    first.make_ascii_uppercase();
                }
                layout.slot(&format!("{p}{upper}"))
            };
            Source::Person([part("first"), part("middle"), part("last")])
        }
        (AttributeRole::Converted, _) => {
            let base = attr.name.strip_suffix("Converted").unwrap_or_default();
            match (layout.slot(base), layout.slot(&format!("{base}Currency"))) {
                (Some(amount), Some(currency)) => Source::Converted { amount, currency },
                _ => Source::Special,
            }
        }
        (AttributeRole::IsFollowed, _) => Source::IsFollowed,
        (AttributeRole::IsStarred, _) => Source::IsStarred,
        (AttributeRole::Numeric, _) => layout
            .slot("phoneNumber")
            .map_or(Source::Nothing, Source::Numeric),
        _ => match attr.name.as_str() {
            "followersIds" => Source::FollowersIds,
            "followersNames" => Source::FollowersNames,
            "isFollowed" => Source::IsFollowed,
            "isStarred" => Source::IsStarred,
            _ => Source::Special,
        },
    }
}

fn link_kind(
    schema: &Schema,
    entities: &[Layout],
    entity: &EntityType,
    link: &espo_schema::Link,
    target: Option<EntityIx>,
    relations: &mut Vec<Relation>,
    known: &mut HashMap<(String, String), usize>,
) -> LinkKind {
    let own = |name: &str| {
        schema
            .entity_types
            .get_index_of(&entity.name)
            .and_then(|i| entities[i].slot(name))
    };
    let foreign = link.foreign.as_deref();
    let there = |suffix: &str| {
        entities
            .get(target?)?
            .slot(&format!("{}{suffix}", foreign?))
    };
    let reverse_is_parent = target
        .zip(foreign)
        .and_then(|(t, f)| schema.entity_types[t].links.get(f))
        .is_some_and(|l| l.type_ == LinkType::BelongsToParent);
    let by_parent = || match (there("Id"), there("Type")) {
        (Some(id), Some(type_)) => LinkKind::Children { id, type_ },
        _ => LinkKind::Unknown,
    };
    match link.cardinality {
        Cardinality::ManyToOne | Cardinality::OneToOne { key_here: true } => {
            own(&format!("{}Id", link.name))
                .map_or(LinkKind::Unknown, |key| LinkKind::BelongsTo { key })
        }
        Cardinality::Parent => match (
            own(&format!("{}Id", link.name)),
            own(&format!("{}Type", link.name)),
        ) {
            (Some(id), Some(type_)) => LinkKind::Parent { id, type_ },
            _ => LinkKind::Unknown,
        },
        Cardinality::OneToOne { key_here: false } => {
            there("Id").map_or(LinkKind::Unknown, |key| LinkKind::HasOne { key })
        }
        Cardinality::Children => by_parent(),
        Cardinality::OneToMany if reverse_is_parent => by_parent(),
        Cardinality::OneToMany => {
            let missing = match target {
                Some(_) => LinkKind::Dangling,
                None => LinkKind::Unknown,
            };
            there("Id").map_or(missing, |key| LinkKind::HasMany { key })
        }
        Cardinality::ManyToMany => {
            let here = (entity.name.clone(), link.name.clone());
            let reverse = link.entity.clone().zip(link.foreign.clone());
            if let Some(r) = reverse.as_ref().and_then(|r| known.get(r)) {
                return LinkKind::Many {
                    relation: *r,
                    forward: false,
                };
            }
            let columns = link
                .columns
                .values()
                .map(|c| {
                    let is_bool = c.type_ == "bool";
                    let default = match &c.default {
                        None | Some(Json::Null) if is_bool => Value::Bool(false),
                        None => Value::Null,
                        Some(v) => Value::from_json(v),
                    };
                    ColumnDef {
                        name: c.name.clone(),
                        default,
                        is_bool,
                    }
                })
                .collect();
            relations.push(Relation { columns });
            known.insert(here, relations.len() - 1);
            LinkKind::Many {
                relation: relations.len() - 1,
                forward: true,
            }
        }
        Cardinality::Unknown => LinkKind::Unknown,
    }
}

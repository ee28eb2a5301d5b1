//! The schema, compiled for serving: attributes with their place in a row, links with the place of their keys.

use std::collections::HashMap;
use std::sync::Arc;

use espo_schema::{AttributeRole, Cardinality, EntityType, FieldKind, LinkType, Schema, ValueType};
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::value::Value;

/// Index of an attribute in its layout.
pub(crate) type AttrIx = usize;
/// Place of a value in a row.
pub(crate) type Slot = usize;
/// Index of an entity type.
pub(crate) type EntityIx = usize;

/// All entity types.
#[derive(Debug)]
pub(crate) struct Layouts {
    pub(crate) schema: Arc<Schema>,
    pub(crate) entities: Vec<Layout>,
    by_name: HashMap<String, EntityIx>,
    /// Many-to-many relations; links refer to them by index.
    pub(crate) relations: Vec<Relation>,
}

/// Attributes without a column that a loader of a stock instance fills (`recordDefs.…LoaderClassNameList`), and whether
/// lists have them too.
const LOADED: &[(&str, &str, bool)] = &[
    ("TargetList", "entryCount", true),
    ("TargetList", "optedOutCount", false),
    ("User", "secretKey", false),
    ("Notification", "groupedCount", true),
    ("Email", "isRead", true),
    ("Email", "isImportant", true),
    ("Email", "inTrash", true),
    ("Email", "inArchive", true),
    ("Email", "folderId", true),
];

/// One entity type.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) index: EntityIx,
    pub(crate) name: String,
    pub(crate) attrs: Vec<Attr>,
    by_name: HashMap<String, AttrIx>,
    /// Number of values in a row.
    pub(crate) slots: usize,
    pub(crate) links: IndexMap<String, LinkDef>,
    /// Key slots that have an index, because a reverse link lists by them.
    pub(crate) indexed: Vec<Slot>,
    /// The date that lists are ordered by unless asked otherwise; it has an index.
    pub(crate) date: Option<Slot>,
    /// Texts that have an index, because the duplicate check looks records up by them.
    pub(crate) texts: Vec<TextKey>,
    /// Attributes of a list row without `select`.
    pub(crate) list_plan: Vec<AttrIx>,
    /// Attributes of a record that is read.
    pub(crate) read_plan: Vec<AttrIx>,
}

/// A text by which rows are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKey {
    /// A text attribute, without case and accents.
    Folded(Slot),
    /// A key of each item of a list.
    Items(Slot, &'static str),
}

/// How a value compares, orders and is coerced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    Text,
    LongText,
    Id,
    Type,
    Bool,
    Int,
    Float,
    Decimal,
    Date,
    DateTime,
    List,
    Object,
    Any,
}

impl Ty {
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Ty::Bool | Ty::Int | Ty::Float | Ty::Decimal)
    }
}

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attr {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) role: AttributeRole,
    /// Its field, by name.
    pub(crate) field: Option<String>,
    pub(crate) source: Source,
    /// Has a column of its own, as the metadata has it.
    pub(crate) stored: bool,
    pub(crate) writable: bool,
    pub(crate) create_only: bool,
    pub(crate) write_only: bool,
    pub(crate) filter_only: bool,
    pub(crate) in_list: bool,
    /// Option order, where the attribute is an enum.
    pub(crate) options: Option<Vec<String>>,
}

/// Where the value of an attribute comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    Slot(Slot),
    /// Name of the record that a key refers to.
    LinkName(String),
    /// Id or name of the one record that refers back.
    HasOneId(String),
    HasOneName(String),
    /// An attribute of a linked record.
    Foreign {
        link: String,
        attr: String,
    },
    /// Ids, names, columns or types through a link.
    Ids(String),
    Names(String),
    Columns(String),
    Types(String),
    /// A person's name out of its parts: first, middle, last.
    Person([Option<Slot>; 3]),
    /// Amount in the base currency.
    Converted {
        amount: Slot,
        currency: Slot,
    },
    IsFollowed,
    FollowersIds,
    FollowersNames,
    IsStarred,
    /// Digits of the phone number, for filters.
    Numeric(Slot),
    /// Computed by a rule of one entity type (`record::special`).
    Special,
    /// No value of its own.
    Nothing,
}

/// One link.
#[derive(Debug)]
pub(crate) struct LinkDef {
    pub(crate) name: String,
    pub(crate) kind: LinkKind,
    pub(crate) target: Option<EntityIx>,
    pub(crate) foreign: Option<String>,
    /// There is a field of that name, and of what kind.
    pub(crate) field: Option<FieldKind>,
    pub(crate) read_only: bool,
    /// Attribute of the target that stands as its name.
    pub(crate) foreign_name: String,
    /// Middle-table column → attribute of the owner, filled when owners are listed through the reverse link.
    pub(crate) column_attrs: Vec<(String, AttrIx)>,
}

/// How a link is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkKind {
    BelongsTo {
        key: Slot,
    },
    Parent {
        id: Slot,
        type_: Slot,
    },
    /// The key is in the target's rows.
    HasOne {
        key: Slot,
    },
    HasMany {
        key: Slot,
    },
    Children {
        id: Slot,
        type_: Slot,
    },
    Many {
        relation: usize,
        forward: bool,
    },
    /// The metadata does not say how.
    Unknown,
}

/// A many-to-many relation.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) columns: Vec<ColumnDef>,
}

/// A column of a middle table.
#[derive(Debug)]
pub(crate) struct ColumnDef {
    pub(crate) name: String,
    pub(crate) default: Value,
    pub(crate) is_bool: bool,
}

impl Layouts {
    pub(crate) fn build(schema: Arc<Schema>) -> Layouts {
        let mut entities: Vec<Layout> = schema
            .entity_types
            .values()
            .enumerate()
            .map(|(i, e)| Layout::build(i, e))
            .collect();
        let by_name: HashMap<String, EntityIx> =
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
        // Streams look notes up by what they are about, which no link does.
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

    pub(crate) fn find(&self, name: &str) -> Option<&Layout> {
        self.by_name.get(name).map(|i| &self.entities[*i])
    }

    pub(crate) fn entity(&self, layout: &Layout) -> &EntityType {
        &self.schema.entity_types[layout.index]
    }
}

impl Layout {
    fn build(index: EntityIx, entity: &EntityType) -> Layout {
        let mut layout = Layout {
            index,
            name: entity.name.clone(),
            attrs: Vec::with_capacity(entity.attributes.len()),
            by_name: HashMap::with_capacity(entity.attributes.len()),
            slots: 0,
            links: IndexMap::new(),
            indexed: Vec::new(),
            texts: Vec::new(),
            date: None,
            list_plan: Vec::new(),
            read_plan: Vec::new(),
        };
        for a in entity.attributes.values() {
            let field = a.field.as_deref().and_then(|f| entity.fields.get(f));
            let ty = type_of(&a.value, field.map(|f| f.kind));
            // Addresses and numbers live beside the record, under the field of the standard name only (QUIRKS: a custom
            // e-mail field is never read back).
            let kept = field.is_some_and(|f| {
                matches!(f.kind, FieldKind::Email if f.name == "emailAddress")
                    || matches!(f.kind, FieldKind::Phone if f.name == "phoneNumber")
            }) || matches!(
                a.name.as_str(),
                "emailAddressIsOptedOut"
                    | "emailAddressIsInvalid"
                    | "phoneNumberIsOptedOut"
                    | "phoneNumberIsInvalid"
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
                create_only: a.create_only,
                write_only: a.write_only,
                filter_only: a.filter_only,
                in_list: a.in_list,
                options: match a.value {
                    ValueType::Enum => a.options.listed().map(<[String]>::to_vec),
                    _ => None,
                },
            });
        }
        for ix in 0..layout.attrs.len() {
            if layout.attrs[ix].source == Source::Nothing {
                layout.attrs[ix].source = derived(&layout, entity, ix);
            }
        }
        for (ix, a) in entity.attributes.values().enumerate() {
            if a.write_only || a.filter_only {
                continue;
            }
            if a.in_list {
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
        for (_, attr, in_list) in LOADED.iter().filter(|(e, _, _)| *e == layout.name) {
            let Some(ix) = layout.find(attr) else {
                continue;
            };
            for plan in [
                Some(&mut layout.read_plan),
                in_list.then_some(&mut layout.list_plan),
            ]
            .into_iter()
            .flatten()
            {
                if !plan.contains(&ix) {
                    plan.push(ix);
                }
            }
        }
        layout
    }

    pub(crate) fn find(&self, attr: &str) -> Option<AttrIx> {
        self.by_name.get(attr).copied()
    }

    pub(crate) fn attr(&self, name: &str) -> Option<&Attr> {
        self.find(name).map(|i| &self.attrs[i])
    }

    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        match self.attr(name)?.source {
            Source::Slot(s) => Some(s),
            _ => None,
        }
    }
}

/// Fields that the duplicate check compares (ESPO-API.md F4).
pub(crate) fn duplicate_fields(entity: &EntityType) -> Vec<&str> {
    let scope = &entity.scope;
    if !scope.duplicate_check_fields.is_empty() {
        return scope
            .duplicate_check_fields
            .iter()
            .map(String::as_str)
            .collect();
    }
    match scope.type_.as_deref() {
        Some("Person" | "Company") if scope.is_custom => vec!["name", "emailAddress"],
        _ => Vec::new(),
    }
}

/// The index by which the duplicate check looks a field up; a person's is the last name.
pub(crate) fn duplicate_key(layout: &Layout, entity: &EntityType, field: &str) -> Option<TextKey> {
    match (
        &layout.attr(field)?.source,
        entity.fields.get(field).map(|f| f.kind),
    ) {
        (Source::Person([_, _, last]), _) => Some(TextKey::Folded((*last)?)),
        (_, Some(FieldKind::Email)) => Some(TextKey::Items(
            layout.slot(&format!("{field}Data"))?,
            "lower",
        )),
        (_, Some(FieldKind::Phone)) => Some(TextKey::Items(
            layout.slot(&format!("{field}Data"))?,
            "phoneNumber",
        )),
        (Source::Slot(slot), _) => Some(TextKey::Folded(*slot)),
        _ => None,
    }
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
            // A parent field needs no link of its own.
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
            there("Id").map_or(LinkKind::Unknown, |key| LinkKind::HasMany { key })
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

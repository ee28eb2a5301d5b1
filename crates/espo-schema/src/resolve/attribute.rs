//! The attributes of an entity type: every key that its records can have on the wire.

use indexmap::IndexMap;

use super::field::{Part, parts_of};
use super::role::{is_joined, is_stored, part_role};
use super::rules;
use crate::def::Def;
use crate::kind::FieldKind as K;
use crate::model::{
    Attribute, AttributeRole as Role, AttributeSource as Source, EntityType, Field, FieldType,
    Link, LinkType, Options, ValueType,
};

/// Maximum number of foreign fields that are followed in a chain.
const MAX_HOPS: usize = 4;

/// The context of a step.
struct Deriver<'a> {
    entity: &'a EntityType,
    entities: &'a IndexMap<String, EntityType>,
    field_types: &'a IndexMap<String, FieldType>,
}

pub(super) fn derive(
    entity: &EntityType,
    entities: &IndexMap<String, EntityType>,
    field_types: &IndexMap<String, FieldType>,
) -> IndexMap<String, Attribute> {
    let deriver = Deriver {
        entity,
        entities,
        field_types,
    };
    let mut found = IndexMap::new();
    deriver.record_id(&mut found);
    let keys = rules::link_keys(entity);
    for field in entity.fields.values() {
        deriver.field(field, &keys, &mut found);
    }
    for field in entity.fields.values().filter(|f| rules::has_numeric(f)) {
        deriver.numeric(field, &mut found);
    }
    for link in entity
        .links
        .values()
        .filter(|l| rules::has_attributes_without_field(l, entity))
    {
        deriver.bare_link(link, &mut found);
    }
    deriver.switches(&mut found);
    found.shrink_to_fit();
    found
}

impl Deriver<'_> {
    fn record_id(&self, found: &mut IndexMap<String, Attribute>) {
        let value = ValueType::Id {
            target: Some(self.entity.name.clone()),
        };
        let mut id = stored("id", Role::RecordId, value, Source::Orm);
        id.orderable = true;
        found.insert(id.name.clone(), id);
    }

    fn field(
        &self,
        field: &Field,
        keys: &rules::LinkKeys<'_>,
        found: &mut IndexMap<String, Attribute>,
    ) {
        if rules::is_converted_of_nothing(field, self.entity) {
            return;
        }
        let parts = parts_of(
            &field.name,
            field.kind,
            Def(&field.raw),
            self.field_types.get(&field.type_),
        );
        for part in parts {
            let named = self
                .entity
                .fields
                .get(&part.attribute)
                .filter(|f| f.name != field.name);
            // A field with the attribute's name takes precedence, unless the attribute is a key of a link.
            let is_named = named.is_some_and(|f| f.attributes.contains(&f.name))
                && !rules::is_key_of_link(&part.attribute, field);
            let is_key = part.part.is_empty() && rules::is_key_of_other(field, keys);
            if is_named || is_key || part.attribute == "id" {
                continue;
            }
            // If two fields have the same attribute, it belongs to the field whose name comes first.
            let other = found.get(&part.attribute).and_then(|a| a.field.as_deref());
            if other.is_none_or(|other| other >= field.name.as_str()) {
                found.insert(part.attribute.clone(), self.attribute(field, &part));
            }
        }
    }

    fn numeric(&self, field: &Field, found: &mut IndexMap<String, Attribute>) {
        let name = format!("{}Numeric", field.name);
        let numeric = Attribute {
            field: Some(field.name.clone()),
            filter_only: true,
            filterable: true,
            ..derived(&name, Role::Numeric, ValueType::Text, Source::Orm)
        };
        found.entry(name).or_insert(numeric);
    }

    fn attribute(&self, field: &Field, part: &Part) -> Attribute {
        let link = self.entity.links.get(&field.name).filter(|l| !l.disabled);
        let role = self.role(field, &part.part);
        let (value, options) = self.value(field, role, link, MAX_HOPS);
        let is_stored = is_stored(field, role);
        let is_joined = is_joined(field, role, link);
        let has_expression = field.raw.contains_key("select")
            || role == Role::Converted
            || role == Role::PersonName
            || (matches!(field.kind, K::Email | K::Phone) && role == Role::Value)
            || matches!(role, Role::IsOptedOut | Role::IsInvalid);
        let selected = is_stored || is_joined || has_expression;
        let secret = field.kind == K::Password || field.internal;
        let visible = !secret && !field.disabled && field.kind != K::Map;
        let loaded_by_list = field.raw.contains_key("loaderClassName")
            || (field.kind == K::LinkParent && role == Role::Name);
        let writable = part.actual
            && !field.read_only
            && !field.disabled
            && field.kind != K::Map
            && !rules::is_counter(field.kind)
            && !rules::SYSTEM.contains(&part.attribute.as_str());
        let filterable = visible
            && !matches!(value, ValueType::JsonObject)
            && (is_stored
                || is_joined
                || !field.where_operators.is_empty()
                || (has_expression && !field.raw.contains_key("select")));
        Attribute {
            name: part.attribute.clone(),
            field: Some(field.name.clone()),
            link: link.map(|l| l.name.clone()),
            role,
            value,
            options,
            writable,
            create_only: writable && field.read_only_after_create,
            stored: is_stored,
            selected,
            in_list: visible && (selected || loaded_by_list),
            in_read: visible
                && (selected || loaded_by_list || self.loaded_by_read(field, role, link)),
            filterable,
            orderable: visible && field.orderable && selected,
            filter_only: false,
            write_only: secret,
            source: Source::Field,
        }
    }

    /// The attributes that read loaders add to the record's own query.
    fn loaded_by_read(&self, field: &Field, role: Role, link: Option<&Link>) -> bool {
        match role {
            Role::Ids | Role::Names | Role::Columns | Role::Types => {
                !field.no_load && !field.not_storable && (link.is_some() || field.entity.is_some())
            }
            Role::Name => !field.not_storable && link.is_some(),
            Role::Data => rules::data_is_loaded(field),
            _ => rules::is_reminders(field, self.entity),
        }
    }

    fn role(&self, field: &Field, part: &str) -> Role {
        if part.is_empty() {
            let whole = field
                .composite_of
                .as_deref()
                .and_then(|name| self.entity.fields.get(name));
            if let Some((whole, part)) = whole.zip(field.composite_part.as_deref()) {
                // A part with a definition is an ordinary field, unless the composite field gives it a role.
                return match part_role(whole.kind, part) {
                    Role::Other if field.kind != K::Map => Role::Value,
                    role => role,
                };
            }
        }
        part_role(field.kind, part)
    }

    fn value(
        &self,
        field: &Field,
        role: Role,
        link: Option<&Link>,
        hops: usize,
    ) -> (ValueType, Options) {
        let target = || {
            link.and_then(|l| l.entity.clone())
                .or_else(|| field.entity.clone())
        };
        let entity_list = || match link {
            Some(link) if field.entity_list.is_empty() => link.entity_list.clone(),
            _ => field.entity_list.clone(),
        };
        let plain = |value: ValueType| (value, Options::Any);
        match role {
            Role::Id if field.kind == K::LinkParent => plain(ValueType::ParentId {
                entity_list: entity_list(),
            }),
            Role::Id => plain(ValueType::Id { target: target() }),
            Role::ParentType => plain(ValueType::ParentType {
                entity_list: entity_list(),
            }),
            Role::Ids => plain(ValueType::IdList { target: target() }),
            Role::Names => plain(ValueType::NameMap),
            Role::Types => plain(ValueType::TypeMap),
            Role::Columns => {
                let columns = link
                    .map(|l| &l.columns)
                    .into_iter()
                    .flat_map(|c| c.values());
                let shown = columns
                    .filter(|c| field.columns.contains_key(&c.name))
                    .cloned()
                    .collect();
                plain(ValueType::ColumnMap { columns: shown })
            }
            Role::Name => plain(ValueType::Text),
            Role::Data if field.kind == K::Phone => plain(ValueType::PhoneData),
            Role::Data => plain(ValueType::EmailData),
            Role::Currency if field.kind == K::Currency => plain(ValueType::Text),
            Role::Converted => plain(ValueType::Money),
            Role::Date => plain(ValueType::Date),
            Role::Other => plain(ValueType::Json),
            _ => self.by_kind(field, hops),
        }
    }

    /// The value type of a field's main attribute.
    fn by_kind(&self, field: &Field, hops: usize) -> (ValueType, Options) {
        let listed = field.options.listed().is_some_and(|list| !list.is_empty());
        let with_options = |value: ValueType| (value, field.options.clone());
        let value = match field.kind {
            K::Array if rules::holds_any_items(field) => ValueType::JsonArray,
            K::Enum if listed => return with_options(ValueType::Enum),
            K::MultiEnum | K::Checklist | K::Array if listed => {
                return with_options(ValueType::EnumList);
            }
            K::EnumInt => return with_options(ValueType::EnumInt),
            K::EnumFloat => return with_options(ValueType::EnumFloat),
            K::Foreign => return self.foreign(field, hops),
            K::Varchar
            | K::Text
            | K::Wysiwyg
            | K::Url
            | K::Enum
            | K::Barcode
            | K::Colorpicker
            | K::Number
            | K::Password
            | K::Email
            | K::Phone
            | K::PersonName => ValueType::Text,
            K::MultiEnum | K::Checklist | K::Array | K::UrlMultiple => ValueType::TextList,
            K::ArrayInt => ValueType::IntList,
            K::Bool => ValueType::Bool,
            K::Int | K::Autoincrement | K::Duration => ValueType::Int,
            K::Float => ValueType::Float,
            K::Decimal => ValueType::Decimal,
            K::Currency if field.decimal => ValueType::Decimal,
            K::Currency | K::CurrencyConverted => ValueType::Money,
            K::Date => ValueType::Date,
            K::Datetime | K::DatetimeOptional => ValueType::DateTime,
            K::JsonArray => ValueType::JsonArray,
            K::JsonObject => ValueType::JsonObject,
            K::Id => ValueType::Id {
                target: Some(self.entity.name.clone()),
            },
            _ => ValueType::Json,
        };
        (value, Options::Any)
    }

    /// The source of a foreign field: a field of the linked record, or one of its attributes (`imageId`).
    fn foreign(&self, field: &Field, hops: usize) -> (ValueType, Options) {
        let untyped = (ValueType::Json, Options::Any);
        let target = || {
            let link = self.entity.links.get(field.link.as_deref()?)?;
            self.entities.get(link.entity.as_deref()?)
        };
        let (Some(entity), Some(name)) = (target(), field.foreign_field.as_deref()) else {
            return untyped;
        };
        if hops == 0 {
            return untyped;
        }
        let there = Deriver { entity, ..*self };
        match entity.fields.get(name) {
            Some(shown) => there.by_kind(shown, hops - 1),
            None => there.by_attribute(name, hops - 1).unwrap_or(untyped),
        }
    }

    /// The value of an attribute whose name is the name of a field or link followed by a part.
    fn by_attribute(&self, name: &str, hops: usize) -> Option<(ValueType, Options)> {
        if name == "id" {
            let target = Some(self.entity.name.clone());
            return Some((ValueType::Id { target }, Options::Any));
        }
        let cuts = name.char_indices().filter(|(_, c)| c.is_uppercase());
        for (cut, _) in cuts {
            let owner = &name[..cut];
            if let Some(field) = self.entity.fields.get(owner) {
                let field_type = self.field_types.get(&field.type_);
                let mut parts =
                    parts_of(owner, field.kind, Def(&field.raw), field_type).into_iter();
                if let Some(part) = parts.find(|part| part.attribute == name) {
                    let link = self.entity.links.get(owner).filter(|l| !l.disabled);
                    let role = self.role(field, &part.part);
                    return Some(self.value(field, role, link, hops));
                }
            } else if let Some(link) = self.entity.links.get(owner)
                && &name[cut..] == "Id"
            {
                let target = link.entity.clone();
                return Some((ValueType::Id { target }, Options::Any));
            }
        }
        None
    }

    fn bare_link(&self, link: &Link, found: &mut IndexMap<String, Attribute>) {
        let mut add = |suffix: &str, role, value, is_stored: bool| {
            let name = format!("{}{suffix}", link.name);
            let mut attribute = if is_stored {
                stored(&name, role, value, Source::Link)
            } else {
                derived(&name, role, value, Source::Link)
            };
            attribute.link = Some(link.name.clone());
            if role == Role::Name {
                let joined = link.type_ == LinkType::BelongsTo && !link.no_join;
                attribute.selected = joined;
                attribute.in_list = joined;
                attribute.in_read = joined;
                attribute.filterable = joined;
            }
            found.entry(name).or_insert(attribute);
        };
        if link.type_ == LinkType::BelongsToParent {
            let entity_list = link.entity_list.clone();
            add(
                "Id",
                Role::Id,
                ValueType::ParentId {
                    entity_list: entity_list.clone(),
                },
                true,
            );
            add(
                "Type",
                Role::ParentType,
                ValueType::ParentType { entity_list },
                true,
            );
            add("Name", Role::Name, ValueType::Text, false);
        } else {
            add(
                "Id",
                Role::Id,
                ValueType::Id {
                    target: link.entity.clone(),
                },
                true,
            );
            if !link.no_foreign_name {
                add("Name", Role::Name, ValueType::Text, false);
            }
        }
    }

    /// The attributes that the scope and the entity definition enable.
    fn switches(&self, found: &mut IndexMap<String, Attribute>) {
        let mut add = |attribute: Attribute| {
            found.entry(attribute.name.clone()).or_insert(attribute);
        };
        if rules::has_bare_name(self.entity) {
            add(derived("name", Role::Value, ValueType::Text, Source::Orm));
        }
        if self.entity.scope.stream {
            let users = ValueType::IdList {
                target: Some("User".to_owned()),
            };
            add(read("isFollowed", Role::IsFollowed, ValueType::Bool));
            add(read("followersIds", Role::Ids, users));
            add(read("followersNames", Role::Names, ValueType::NameMap));
        }
        if self.entity.scope.stars {
            let mut starred = read("isStarred", Role::IsStarred, ValueType::Bool);
            starred.in_list = true;
            add(starred);
        }
        if self.entity.optimistic_concurrency_control {
            add(stored(
                "versionNumber",
                Role::Version,
                ValueType::Int,
                Source::Scope,
            ));
        }
        if !self.entity.no_deleted_attribute {
            add(stored(
                "deleted",
                Role::Deleted,
                ValueType::Bool,
                Source::Orm,
            ));
        }
    }
}

fn stored(name: &str, role: Role, value: ValueType, source: Source) -> Attribute {
    Attribute {
        stored: true,
        selected: true,
        in_list: true,
        in_read: true,
        filterable: true,
        ..derived(name, role, value, source)
    }
}

fn read(name: &str, role: Role, value: ValueType) -> Attribute {
    Attribute {
        in_read: true,
        ..derived(name, role, value, Source::Scope)
    }
}

/// In the data layer, but not returned by default.
fn derived(name: &str, role: Role, value: ValueType, source: Source) -> Attribute {
    Attribute {
        name: name.to_owned(),
        field: None,
        link: None,
        role,
        value,
        options: Options::Any,
        writable: false,
        create_only: false,
        stored: false,
        selected: false,
        in_list: false,
        in_read: false,
        filterable: false,
        orderable: false,
        filter_only: false,
        write_only: false,
        source,
    }
}

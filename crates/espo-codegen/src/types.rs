//! Rust types of attributes.

use std::collections::{BTreeMap, BTreeSet};

use espo_schema::{Attribute, AttributeRole, Column, EntityType, Options, ValueType};

use crate::model::{Columns, Enum, Names};
use crate::names::{self, Plan};
use crate::overrides::EntityOverride;

/// How an attribute looks in Rust.
#[derive(Debug, Clone)]
pub(crate) struct RustType {
    /// Its type, without `Option`.
    pub(crate) value: String,
    /// What a setter takes.
    pub(crate) argument: String,
    /// The value from a setter's `value`.
    pub(crate) convert: String,
    /// Its kind in the type of its constant.
    pub(crate) kind: String,
}

/// Gathers the types that an entity type needs while its attributes are gone through.
#[derive(Debug)]
pub(crate) struct Builder<'s, 'n> {
    schema: &'s EntityType,
    names: Names<'n>,
    overrides: &'n EntityOverride,
    own: String,
    type_names: Plan,
    /// Names of types of this entity type.
    taken: BTreeSet<String>,
    enums: BTreeMap<String, Enum<'s>>,
    columns: BTreeMap<&'s str, Columns<'s>>,
    uses: BTreeSet<String>,
}

impl<'s, 'n> Builder<'s, 'n> {
    pub(crate) fn new(
        schema: &'s EntityType,
        names: Names<'n>,
        overrides: &'n EntityOverride,
        own: &str,
    ) -> Self {
        let mut builder = Self {
            schema,
            names,
            overrides,
            own: own.to_owned(),
            type_names: Plan::new(),
            taken: ["New", "Patch", "Ref", "Write"]
                .map(|suffix| format!("{own}{suffix}"))
                .into(),
            enums: BTreeMap::new(),
            columns: BTreeMap::new(),
            uses: BTreeSet::new(),
        };
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for attribute in schema.attributes.values() {
            if matches!(attribute.value, ValueType::Enum | ValueType::EnumList) {
                wanted.insert(&attribute.name);
            }
        }
        builder.type_names = builder.type_names(wanted);
        builder
    }

    /// Names for types that are called after fields or attributes, none of them taken already.
    pub(crate) fn type_names<'a>(&mut self, wire: impl IntoIterator<Item = &'a str>) -> Plan {
        let is_taken = |name: &str| self.names.taken.contains(name) || self.taken.contains(name);
        let plan = names::type_plan(wire, is_taken);
        self.taken.extend(plan.values().cloned());
        plan
    }

    /// Notes that another entity type is referred to.
    pub(crate) fn uses(&mut self, rust: &str) {
        if rust != self.own {
            self.uses.insert(rust.to_owned());
        }
    }

    /// Those of the entity types that the metadata has, sorted.
    pub(crate) fn known_targets(&mut self, entity_list: &'s [String]) -> Vec<(&'s str, String)> {
        let known: BTreeSet<(&str, String)> = entity_list
            .iter()
            .filter_map(|name| Some((name.as_str(), self.names.entity_types.get(name)?.clone())))
            .collect();
        for (_, rust) in &known {
            self.uses(rust);
        }
        known.into_iter().collect()
    }

    pub(crate) fn finish(
        self,
    ) -> (
        BTreeMap<String, Enum<'s>>,
        Vec<Columns<'s>>,
        BTreeSet<String>,
    ) {
        (self.enums, self.columns.into_values().collect(), self.uses)
    }

    pub(crate) fn attribute_type(&mut self, attribute: &'s Attribute) -> RustType {
        let mut type_ = match self.own_type(attribute) {
            Some(type_) => type_,
            None => self.value_type(attribute),
        };
        if !attribute.filterable {
            let value = &type_.value;
            type_.kind = format!("kind::Opaque<{value}>");
        } else if !attribute.orderable
            || matches!(attribute.role, AttributeRole::Id | AttributeRole::Name)
        {
            // A list is ordered by the link itself, which sorts by the linked record's name.
            let kind = &type_.kind;
            type_.kind = match &attribute.value {
                value if is_opaque(value) => kind.clone(),
                ValueType::Id { target } => match self.target(target.as_deref()) {
                    Some(target) => format!("kind::Ref<{target}>"),
                    None => "kind::Unordered<kind::AnyId>".to_owned(),
                },
                _ if attribute.role == AttributeRole::Name => "kind::RefName".to_owned(),
                _ => format!("kind::Unordered<{kind}>"),
            };
        }
        type_
    }

    /// The type that an override gives.
    fn own_type(&mut self, attribute: &'s Attribute) -> Option<RustType> {
        let wanted = self
            .overrides
            .attributes
            .get(&attribute.name)?
            .type_
            .as_ref()?;
        let wanted = wanted.trim();
        // Filters compare what is on the wire; an enum's options are the user's own type now.
        let kind = match attribute.value {
            ValueType::Enum => "kind::Text".to_owned(),
            ValueType::EnumList => "kind::Items<String>".to_owned(),
            _ => self.value_type(attribute).kind,
        };
        // The condition on a time says that it is one, which only the kind of a time knows.
        let opaque = is_opaque(&attribute.value) || attribute.value == ValueType::DateTime;
        let kind = if opaque {
            format!("kind::Opaque<{wanted}>")
        } else {
            format!("kind::Own<{wanted}, {kind}>")
        };
        Some(into(wanted, kind))
    }

    fn value_type(&mut self, attribute: &'s Attribute) -> RustType {
        match &attribute.value {
            ValueType::Text => into("String", "kind::Text"),
            ValueType::ParentType { .. } => into("String", "kind::TypeName"),
            ValueType::Bool => plain("bool", "kind::Bool"),
            ValueType::Int | ValueType::EnumInt => plain("i64", "kind::Int"),
            ValueType::Float | ValueType::EnumFloat => plain("f64", "kind::Float"),
            ValueType::Decimal | ValueType::Money => into("Decimal", "kind::Money"),
            ValueType::Date => plain("Date", "kind::Date"),
            ValueType::DateTime => plain("Timestamp", "kind::DateTime"),
            ValueType::Id { target } => match self.target(target.as_deref()) {
                Some(target) => into(format!("Id<{target}>"), format!("kind::Id<{target}>")),
                None => into("AnyId", "kind::AnyId"),
            },
            ValueType::ParentId { .. } => into("AnyId", "kind::AnyId"),
            ValueType::IdList { target } => {
                let id = self.id(target.as_deref());
                let kind = format!("kind::Opaque<Vec<{id}>>");
                each(
                    format!("Vec<{id}>"),
                    format!("impl Into<{id}>"),
                    ".map(Into::into)",
                    kind,
                )
            }
            ValueType::NameMap => {
                let id = self.sibling_target(attribute);
                opaque(format!("Names<{id}>"))
            }
            ValueType::TypeMap => {
                let id = self.sibling_target(attribute);
                opaque(format!("MediaTypes<{id}>"))
            }
            ValueType::ColumnMap { columns } => {
                let target = self.sibling_target(attribute);
                let name = self.columns_type(attribute, columns);
                let item = format!("(Id<{target}>, {name})");
                let value = format!("Columns<{target}, {name}>");
                each(value.clone(), item, "", format!("kind::Opaque<{value}>"))
            }
            ValueType::EmailData => rows("EmailAddressRow"),
            ValueType::PhoneData => rows("PhoneNumberRow"),
            ValueType::Enum => match self.enumeration(attribute) {
                Some(name) => plain(name.clone(), format!("kind::Enum<{name}>")),
                None => into("String", "kind::Text"),
            },
            ValueType::EnumList => match self.enumeration(attribute) {
                Some(name) => each(
                    format!("Vec<{name}>"),
                    name.clone(),
                    "",
                    format!("kind::Items<{name}>"),
                ),
                None => texts(),
            },
            ValueType::TextList => texts(),
            ValueType::IntList => each("Vec<i64>", "i64", "", "kind::Opaque<Vec<i64>>"),
            ValueType::JsonArray | ValueType::JsonObject | ValueType::Json => RustType {
                kind: "kind::Opaque<Value>".to_owned(),
                ..into("Value", "")
            },
        }
    }

    fn target(&mut self, entity: Option<&str>) -> Option<String> {
        let rust = self.names.entity_types.get(entity?)?.clone();
        self.uses(&rust);
        Some(names::ident(&rust).into_owned())
    }

    fn id(&mut self, target: Option<&str>) -> String {
        match self.target(target) {
            Some(target) => format!("Id<{target}>"),
            None => "AnyId".to_owned(),
        }
    }

    /// The entity type whose ids are the keys of a map: that of the id list beside it.
    fn sibling_target(&mut self, attribute: &Attribute) -> String {
        let owner = attribute.field.as_deref().or(attribute.link.as_deref());
        let siblings = self.schema.attributes.values();
        let target = siblings
            .filter(|a| owner.is_some() && a.field.as_deref().or(a.link.as_deref()) == owner)
            .find_map(|a| match &a.value {
                ValueType::IdList { target } => target.as_deref(),
                _ => None,
            });
        let through_link = || {
            let link = self
                .schema
                .links
                .get(attribute.link.as_deref().or(owner)?)?;
            link.entity.as_deref()
        };
        // Followers are users, and have no field.
        let follower = || attribute.name.starts_with("followers").then_some("User");
        match target
            .or_else(through_link)
            .or_else(follower)
            .and_then(|name| self.target(Some(name)))
        {
            Some(target) => target,
            None => "dyn std::any::Any".to_owned(),
        }
    }

    fn enumeration(&mut self, attribute: &'s Attribute) -> Option<String> {
        let Options::Listed(options) = &attribute.options else {
            return None;
        };
        let name = self.type_names.get(&attribute.name)?.clone();
        let of = format!("`{}` of [`{}`]", attribute.name, self.own);
        self.enums.entry(name.clone()).or_insert_with(|| Enum {
            of,
            options,
            wire: attribute.name.clone(),
        });
        Some(names::ident(&name).into_owned())
    }

    fn columns_type(&mut self, attribute: &'s Attribute, columns: &'s [Column]) -> String {
        if let Some(known) = self.columns.get(attribute.name.as_str()) {
            return names::ident(&known.type_name).into_owned();
        }
        let type_name = self.type_names([attribute.name.as_str()])[&attribute.name].clone();
        let rust_names =
            names::snake_plan(columns.iter().map(|c| c.name.as_str()), &["other", "new"]);
        let sorted: BTreeMap<&str, &Column> =
            columns.iter().map(|c| (c.name.as_str(), c)).collect();
        let columns = sorted
            .into_values()
            .map(|column| {
                let type_ = match (&column.value, &column.options) {
                    (ValueType::Bool, _) => "bool".to_owned(),
                    (ValueType::Int | ValueType::EnumInt, _) => "i64".to_owned(),
                    (ValueType::Float | ValueType::EnumFloat, _) => "f64".to_owned(),
                    (ValueType::Money | ValueType::Decimal, _) => "Decimal".to_owned(),
                    (ValueType::Date, _) => "Date".to_owned(),
                    (ValueType::DateTime, _) => "Timestamp".to_owned(),
                    (ValueType::Enum, Options::Listed(options)) => {
                        let wire = format!(
                            "{}_{}",
                            attribute.name.trim_end_matches("Columns"),
                            column.name
                        );
                        let name = self.type_names([wire.as_str()])[&wire].clone();
                        let of = format!("Column `{}` of `{}`", column.name, attribute.name);
                        self.enums.insert(name.clone(), Enum { of, options, wire });
                        names::ident(&name).into_owned()
                    }
                    (ValueType::Text | ValueType::Enum | ValueType::Id { .. }, _) => {
                        "String".to_owned()
                    }
                    _ => "Value".to_owned(),
                };
                (
                    rust_names[&column.name].clone(),
                    column.name.as_str(),
                    type_,
                )
            })
            .collect();
        let name = names::ident(&type_name).into_owned();
        self.columns.insert(
            &attribute.name,
            Columns {
                type_name,
                attribute: &attribute.name,
                columns,
            },
        );
        name
    }
}

fn is_opaque(value: &ValueType) -> bool {
    use ValueType::{
        ColumnMap, EmailData, IdList, IntList, Json, JsonArray, JsonObject, NameMap, PhoneData,
        TypeMap,
    };
    matches!(
        value,
        ColumnMap { .. }
            | EmailData
            | IdList { .. }
            | IntList
            | Json
            | JsonArray
            | JsonObject
            | NameMap
            | PhoneData
            | TypeMap
    )
}

/// A setter takes the type itself.
fn plain(value: impl Into<String>, kind: impl Into<String>) -> RustType {
    let value = value.into();
    RustType {
        argument: value.clone(),
        convert: "value".to_owned(),
        value,
        kind: kind.into(),
    }
}

/// A setter takes whatever converts into the type.
fn into(value: impl Into<String>, kind: impl Into<String>) -> RustType {
    let value = value.into();
    RustType {
        argument: format!("impl Into<{value}>"),
        convert: "value.into()".to_owned(),
        value,
        kind: kind.into(),
    }
}

/// A setter takes items.
fn each(
    value: impl Into<String>,
    item: impl AsRef<str>,
    map: &str,
    kind: impl Into<String>,
) -> RustType {
    let value = value.into();
    RustType {
        argument: format!("impl IntoIterator<Item = {}>", item.as_ref()),
        convert: format!("value.into_iter(){map}.collect::<{value}>()"),
        value,
        kind: kind.into(),
    }
}

fn texts() -> RustType {
    each(
        "Vec<String>",
        "impl Into<String>",
        ".map(Into::into)",
        "kind::Items<String>",
    )
}

fn rows(row: &str) -> RustType {
    each(
        format!("Vec<{row}>"),
        row,
        "",
        format!("kind::Opaque<Vec<{row}>>"),
    )
}

fn opaque(value: String) -> RustType {
    let kind = format!("kind::Opaque<{value}>");
    plain(value, kind)
}

/// The kind of a link in the type of its constant.
pub(crate) fn link_kind(link: &espo_schema::Link, has_orderable_field: bool) -> String {
    use espo_schema::Cardinality::{
        Children, ManyToMany, ManyToOne, OneToMany, OneToOne, Parent, Unknown,
    };
    let name = match link.cardinality {
        OneToMany | Unknown => "HasMany",
        ManyToMany => "ManyToMany",
        Children => "Children",
        ManyToOne | OneToOne { key_here: true } if has_orderable_field => "BelongsTo",
        ManyToOne | OneToOne { key_here: true } => "BelongsToHidden",
        OneToOne { key_here: false } => "HasOne",
        Parent => "Parent",
    };
    if link.read_only {
        format!("link::ReadOnlyLink<link::{name}>")
    } else {
        format!("link::{name}")
    }
}

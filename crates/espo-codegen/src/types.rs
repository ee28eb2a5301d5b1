//! Rust types of attributes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use espo_schema::{Attribute, Column, EntityType, Options, ValueType};

use crate::capabilities;
use crate::model::{Columns, Enum, Names, SharedUse};
use crate::names::{self, Plan};
use crate::overrides::EntityOverride;

/// The Rust type of an attribute.
#[derive(Debug, Clone)]
pub(crate) struct RustType {
    /// Its type, without `Option`.
    pub(crate) value: Type,
    /// Its kind in the type of its constant.
    pub(crate) kind: Kind,
}

/// An entity type by its Rust name; `None` if it is not in the metadata.
pub(crate) type Target = Option<String>;

/// A Rust type. Names in it are planned names, so that tokens can be made of them regardless of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Text,
    Bool,
    Int,
    Float,
    Decimal,
    Date,
    Timestamp,
    Json,
    Id(Target),
    Enum(String),
    List(Box<Type>),
    Names(Target),
    MediaTypes(Target),
    /// The columns of a link to a target, in the named struct.
    Columns(Target, String),
    /// One of `espo-core`'s structs for a row of a list.
    Row(&'static str),
    /// The type set by an override, which is known to be a Rust type.
    Own(String),
}

/// A kind: which filters and orders an attribute has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// One of `espo-core`'s kinds without a parameter.
    Plain(&'static str),
    Id(String),
    /// The ID of a link; lists can be ordered by it.
    Ref(String),
    Enum(String),
    /// A list of this type.
    Items(Type),
    /// The attribute's value, without filters.
    Opaque,
    Unordered(Box<Kind>),
    /// The attribute's value, which a write replaces as a whole.
    Set,
    /// A kind of `espo-core` that limits another one.
    Wrapped(&'static str, Box<Kind>),
    /// The attribute's own type, compared as this kind.
    Own(Box<Kind>),
}

/// Collects the types that an entity type needs while its attributes are processed.
#[derive(Debug)]
pub(crate) struct Builder<'s, 'n> {
    schema: &'s EntityType,
    /// Attributes by their field or link.
    siblings: HashMap<&'s str, Vec<&'s Attribute>>,
    names: Names<'n>,
    overrides: &'n EntityOverride,
    own: String,
    type_names: Plan,
    /// Names of types of this entity type.
    taken: BTreeSet<String>,
    enums: BTreeMap<String, Enum<'s>>,
    shared: BTreeMap<String, SharedUse<'s>>,
    columns: BTreeMap<&'s str, Columns<'s>>,
    uses: BTreeSet<String>,
}

/// The types that an entity type needs.
pub(crate) struct Finished<'s> {
    pub(crate) enums: BTreeMap<String, Enum<'s>>,
    pub(crate) shared: BTreeMap<String, SharedUse<'s>>,
    pub(crate) columns: Vec<Columns<'s>>,
    pub(crate) uses: BTreeSet<String>,
}

impl<'s, 'n> Builder<'s, 'n> {
    pub(crate) fn new(
        schema: &'s EntityType,
        names: Names<'n>,
        overrides: &'n EntityOverride,
        own: &str,
    ) -> Self {
        let mut siblings: HashMap<&'s str, Vec<&'s Attribute>> = HashMap::new();
        for attribute in schema.attributes.values() {
            if let Some(owner) = attribute.field.as_deref().or(attribute.link.as_deref()) {
                siblings.entry(owner).or_default().push(attribute);
            }
        }
        let mut builder = Self {
            schema,
            siblings,
            names,
            overrides,
            own: own.to_owned(),
            type_names: Plan::new(),
            taken: names::SUFFIXES
                .map(|suffix| format!("{own}{suffix}"))
                .into(),
            enums: BTreeMap::new(),
            shared: BTreeMap::new(),
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

    /// Unused names for types that are named after fields or attributes.
    pub(crate) fn type_names<'a>(&mut self, wire: impl IntoIterator<Item = &'a str>) -> Plan {
        let is_taken = |name: &str| self.names.taken.contains(name) || self.taken.contains(name);
        let plan = names::type_plan(wire, is_taken);
        self.taken.extend(plan.values().cloned());
        plan
    }

    /// Records a reference to another entity type.
    pub(crate) fn uses(&mut self, rust: &str) {
        if rust != self.own {
            self.uses.insert(rust.to_owned());
        }
    }

    /// Returns the entity types that are in the metadata, sorted.
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

    pub(crate) fn finish(self) -> Finished<'s> {
        Finished {
            enums: self.enums,
            shared: self.shared,
            columns: self.columns.into_values().collect(),
            uses: self.uses,
        }
    }

    pub(crate) fn attribute_type(&mut self, attribute: &'s Attribute) -> RustType {
        let mut type_ = match self.own_type(attribute) {
            Some(type_) => type_,
            None => self.value_type(attribute),
        };
        type_.kind = capabilities::kind(self.schema, attribute, type_.kind);
        type_
    }

    /// The type set by an override.
    fn own_type(&mut self, attribute: &'s Attribute) -> Option<RustType> {
        let wanted = self
            .overrides
            .attributes
            .get(&attribute.name)?
            .type_
            .as_ref()?;
        let value = Type::Own(wanted.trim().to_owned());
        // Conditions on times need a mark, which only the kind of times sets.
        if is_opaque(&attribute.value) || attribute.value == ValueType::DateTime {
            return Some(type_of(value, Kind::Opaque));
        }
        // Filters compare wire values; the override's type has replaced the enum.
        let kind = match attribute.value {
            ValueType::Enum => Kind::Plain("Text"),
            ValueType::EnumList => Kind::Items(Type::Text),
            _ => self.value_type(attribute).kind,
        };
        Some(type_of(value, Kind::Own(Box::new(kind))))
    }

    fn value_type(&mut self, attribute: &'s Attribute) -> RustType {
        use Kind::Plain;
        match &attribute.value {
            ValueType::Text => type_of(Type::Text, Plain("Text")),
            ValueType::ParentType { .. } => type_of(Type::Text, Plain("TypeName")),
            ValueType::Bool => type_of(Type::Bool, Plain("Bool")),
            ValueType::Int | ValueType::EnumInt => type_of(Type::Int, Plain("Int")),
            ValueType::Float | ValueType::EnumFloat => type_of(Type::Float, Plain("Float")),
            ValueType::Decimal | ValueType::Money => type_of(Type::Decimal, Plain("Money")),
            ValueType::Date => type_of(Type::Date, Plain("Date")),
            ValueType::DateTime => type_of(Type::Timestamp, Plain("DateTime")),
            ValueType::Id { target } => match self.target(target.as_deref()) {
                Some(target) => type_of(Type::Id(Some(target.clone())), Kind::Id(target)),
                None => type_of(Type::Id(None), Plain("AnyId")),
            },
            ValueType::ParentId { .. } => type_of(Type::Id(None), Plain("AnyId")),
            ValueType::IdList { target } => {
                let id = Type::Id(self.target(target.as_deref()));
                type_of(list(id), Kind::Opaque)
            }
            ValueType::NameMap => {
                type_of(Type::Names(self.sibling_target(attribute)), Kind::Opaque)
            }
            ValueType::TypeMap => {
                let target = self.sibling_target(attribute);
                type_of(Type::MediaTypes(target), Kind::Opaque)
            }
            ValueType::ColumnMap { columns } => {
                let target = self.sibling_target(attribute);
                let name = self.columns_type(attribute, columns);
                type_of(Type::Columns(target, name), Kind::Opaque)
            }
            ValueType::EmailData => type_of(list(Type::Row("EmailAddressRow")), Kind::Opaque),
            ValueType::PhoneData => type_of(list(Type::Row("PhoneNumberRow")), Kind::Opaque),
            ValueType::Enum => match self.enumeration(attribute) {
                Some(name) => type_of(Type::Enum(name.clone()), Kind::Enum(name)),
                None => type_of(Type::Text, Plain("Text")),
            },
            ValueType::EnumList => {
                let item = self.enumeration(attribute).map_or(Type::Text, Type::Enum);
                type_of(list(item.clone()), Kind::Items(item))
            }
            ValueType::TextList => type_of(list(Type::Text), Kind::Items(Type::Text)),
            ValueType::IntList => type_of(list(Type::Int), Kind::Opaque),
            ValueType::JsonArray | ValueType::JsonObject | ValueType::Json => {
                type_of(Type::Json, Kind::Opaque)
            }
        }
    }

    /// The attributes of a field or link.
    pub(crate) fn siblings(&self, owner: &str) -> &[&'s Attribute] {
        self.siblings.get(owner).map_or(&[], Vec::as_slice)
    }

    fn target(&mut self, entity: Option<&str>) -> Target {
        let rust = self.names.entity_types.get(entity?)?.clone();
        self.uses(&rust);
        Some(rust)
    }

    /// The entity type whose IDs are the keys of a map: that of the corresponding ID list.
    fn sibling_target(&mut self, attribute: &Attribute) -> Target {
        let owner = attribute.field.as_deref().or(attribute.link.as_deref());
        let siblings = owner.map_or(&[][..], |owner| self.siblings(owner));
        let target = siblings.iter().find_map(|a| match &a.value {
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
        self.target(target.or_else(through_link).or_else(follower))
    }

    fn enumeration(&mut self, attribute: &'s Attribute) -> Option<String> {
        let Options::Listed(options) = &attribute.options else {
            return None;
        };
        let name = self.type_names.get(&attribute.name)?.clone();
        if let Some(shared) = self.names.shared.of(&self.schema.name, &attribute.name) {
            let shared = SharedUse {
                rust: shared.rust.clone(),
                wire: attribute.name.clone(),
                options,
            };
            self.shared.insert(name.clone(), shared);
            return Some(name);
        }
        let of = format!("`{}` of [`{}`]", attribute.name, self.own);
        self.enums.entry(name.clone()).or_insert_with(|| Enum {
            of,
            options,
            wire: attribute.name.clone(),
        });
        Some(name)
    }

    fn columns_type(&mut self, attribute: &'s Attribute, columns: &'s [Column]) -> String {
        if let Some(known) = self.columns.get(attribute.name.as_str()) {
            return known.type_name.clone();
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
                    (ValueType::Bool, _) => Type::Bool,
                    (ValueType::Int | ValueType::EnumInt, _) => Type::Int,
                    (ValueType::Float | ValueType::EnumFloat, _) => Type::Float,
                    (ValueType::Money | ValueType::Decimal, _) => Type::Decimal,
                    (ValueType::Date, _) => Type::Date,
                    (ValueType::DateTime, _) => Type::Timestamp,
                    (ValueType::Enum, Options::Listed(options)) => {
                        let wire = format!(
                            "{}_{}",
                            attribute.name.trim_end_matches("Columns"),
                            column.name
                        );
                        let name = self.type_names([wire.as_str()])[&wire].clone();
                        let of = format!("Column `{}` of `{}`", column.name, attribute.name);
                        let enumeration = Enum { of, options, wire };
                        self.enums.insert(name.clone(), enumeration);
                        Type::Enum(name)
                    }
                    (ValueType::Text | ValueType::Enum | ValueType::Id { .. }, _) => Type::Text,
                    _ => Type::Json,
                };
                (
                    rust_names[&column.name].clone(),
                    column.name.as_str(),
                    type_,
                )
            })
            .collect();
        self.columns.insert(
            &attribute.name,
            Columns {
                type_name: type_name.clone(),
                attribute: &attribute.name,
                columns,
            },
        );
        type_name
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

fn type_of(value: Type, kind: Kind) -> RustType {
    RustType { value, kind }
}

fn list(item: Type) -> Type {
    Type::List(Box::new(item))
}

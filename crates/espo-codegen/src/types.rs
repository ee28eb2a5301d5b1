//! Rust types of attributes.

use std::collections::{BTreeMap, BTreeSet};

use espo_schema::{Attribute, AttributeRole, Column, EntityType, Options, ValueType};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::model::{Columns, Enum, RESERVED_TYPES};
use crate::names::{self, Plan};
use crate::overrides::EntityOverride;

/// How an attribute looks in Rust.
#[derive(Debug, Clone)]
pub(crate) struct RustType {
    /// Its type, without `Option`.
    pub(crate) value: TokenStream,
    /// What a setter takes.
    pub(crate) argument: TokenStream,
    /// The value from a setter's `value`.
    pub(crate) convert: TokenStream,
    /// Its kind in the type of its constant.
    pub(crate) kind: TokenStream,
}

/// Gathers the types that an entity type needs while its attributes are gone through.
#[derive(Debug)]
pub(crate) struct Builder<'s, 'n> {
    schema: &'s EntityType,
    entity_names: &'n Plan,
    overrides: &'n EntityOverride,
    own: String,
    type_names: Plan,
    taken: BTreeSet<String>,
    enums: BTreeMap<String, Enum<'s>>,
    columns: BTreeMap<&'s str, Columns<'s>>,
    uses: BTreeSet<String>,
}

impl<'s, 'n> Builder<'s, 'n> {
    pub(crate) fn new(
        schema: &'s EntityType,
        entity_names: &'n Plan,
        overrides: &'n EntityOverride,
        own: &str,
    ) -> Self {
        let mut builder = Self {
            schema,
            entity_names,
            overrides,
            own: own.to_owned(),
            type_names: Plan::new(),
            taken: entity_names.values().cloned().collect(),
            enums: BTreeMap::new(),
            columns: BTreeMap::new(),
            uses: BTreeSet::new(),
        };
        builder
            .taken
            .extend(["New", "Patch", "Ref", "Write"].map(|suffix| format!("{own}{suffix}")));
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
        let mut reserved: Vec<&str> = RESERVED_TYPES.to_vec();
        reserved.extend(self.taken.iter().map(String::as_str));
        let plan = names::type_plan(wire, &reserved);
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
            .filter_map(|name| Some((name.as_str(), self.entity_names.get(name)?.clone())))
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
            type_.kind = quote!(kind::Opaque<#value>);
        } else if !attribute.orderable
            || matches!(attribute.role, AttributeRole::Id | AttributeRole::Name)
        {
            // A list is ordered by the link itself, which sorts by the linked record's name.
            let kind = &type_.kind;
            type_.kind = match &attribute.value {
                value if is_opaque(value) => kind.clone(),
                ValueType::Id { target } => match self.target(target.as_deref()) {
                    Some(target) => quote!(kind::Ref<#target>),
                    None => quote!(kind::Unordered<kind::AnyId>),
                },
                _ if attribute.role == AttributeRole::Name => quote!(kind::RefName),
                _ => quote!(kind::Unordered<#kind>),
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
        let wanted = syn::parse_str::<syn::Type>(wanted).ok()?;
        // Filters compare what is on the wire; an enum's options are the user's own type now.
        let kind = match attribute.value {
            ValueType::Enum => quote!(kind::Text),
            ValueType::EnumList => quote!(kind::Items<String>),
            _ => self.value_type(attribute).kind,
        };
        // The condition on a time says that it is one, which only the kind of a time knows.
        let opaque = is_opaque(&attribute.value) || attribute.value == ValueType::DateTime;
        let kind = if opaque {
            quote!(kind::Opaque<#wanted>)
        } else {
            quote!(kind::Own<#wanted, #kind>)
        };
        Some(into(quote!(#wanted), kind))
    }

    fn value_type(&mut self, attribute: &'s Attribute) -> RustType {
        match &attribute.value {
            ValueType::Text => into(quote!(String), quote!(kind::Text)),
            ValueType::ParentType { .. } => into(quote!(String), quote!(kind::TypeName)),
            ValueType::Bool => plain(quote!(bool), quote!(kind::Bool)),
            ValueType::Int | ValueType::EnumInt => plain(quote!(i64), quote!(kind::Int)),
            ValueType::Float | ValueType::EnumFloat => plain(quote!(f64), quote!(kind::Float)),
            ValueType::Decimal | ValueType::Money => into(quote!(Decimal), quote!(kind::Money)),
            ValueType::Date => plain(quote!(Date), quote!(kind::Date)),
            ValueType::DateTime => plain(quote!(Timestamp), quote!(kind::DateTime)),
            ValueType::Id { target } => match self.target(target.as_deref()) {
                Some(target) => into(quote!(Id<#target>), quote!(kind::Id<#target>)),
                None => into(quote!(AnyId), quote!(kind::AnyId)),
            },
            ValueType::ParentId { .. } => into(quote!(AnyId), quote!(kind::AnyId)),
            ValueType::IdList { target } => {
                let id = self.id(target.as_deref());
                let kind = quote!(kind::Opaque<Vec<#id>>);
                each(
                    quote!(Vec<#id>),
                    quote!(impl Into<#id>),
                    quote!(.map(Into::into)),
                    kind,
                )
            }
            ValueType::NameMap => {
                let id = self.sibling_target(attribute);
                opaque(quote!(Names<#id>))
            }
            ValueType::TypeMap => {
                let id = self.sibling_target(attribute);
                opaque(quote!(MediaTypes<#id>))
            }
            ValueType::ColumnMap { columns } => {
                let target = self.sibling_target(attribute);
                let name = self.columns_type(attribute, columns);
                let item = quote!((Id<#target>, #name));
                let value = quote!(Columns<#target, #name>);
                each(
                    value.clone(),
                    item,
                    TokenStream::new(),
                    quote!(kind::Opaque<#value>),
                )
            }
            ValueType::EmailData => rows(quote!(EmailAddressRow)),
            ValueType::PhoneData => rows(quote!(PhoneNumberRow)),
            ValueType::Enum => match self.enumeration(attribute) {
                Some(name) => plain(quote!(#name), quote!(kind::Enum<#name>)),
                None => into(quote!(String), quote!(kind::Text)),
            },
            ValueType::EnumList => match self.enumeration(attribute) {
                Some(name) => each(
                    quote!(Vec<#name>),
                    quote!(#name),
                    TokenStream::new(),
                    quote!(kind::Items<#name>),
                ),
                None => texts(),
            },
            ValueType::TextList => texts(),
            ValueType::IntList => each(
                quote!(Vec<i64>),
                quote!(i64),
                TokenStream::new(),
                quote!(kind::Opaque<Vec<i64>>),
            ),
            ValueType::JsonArray | ValueType::JsonObject | ValueType::Json => RustType {
                kind: quote!(kind::Opaque<Value>),
                ..into(quote!(Value), TokenStream::new())
            },
        }
    }

    fn target(&mut self, entity: Option<&str>) -> Option<proc_macro2::Ident> {
        let rust = self.entity_names.get(entity?)?.clone();
        self.uses(&rust);
        Some(names::ident(&rust))
    }

    fn id(&mut self, target: Option<&str>) -> TokenStream {
        match self.target(target) {
            Some(target) => quote!(Id<#target>),
            None => quote!(AnyId),
        }
    }

    /// The entity type whose ids are the keys of a map: that of the id list beside it.
    fn sibling_target(&mut self, attribute: &Attribute) -> TokenStream {
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
            Some(target) => quote!(#target),
            None => quote!(dyn std::any::Any),
        }
    }

    fn enumeration(&mut self, attribute: &'s Attribute) -> Option<proc_macro2::Ident> {
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
        Some(names::ident(&name))
    }

    fn columns_type(
        &mut self,
        attribute: &'s Attribute,
        columns: &'s [Column],
    ) -> proc_macro2::Ident {
        if let Some(known) = self.columns.get(attribute.name.as_str()) {
            return names::ident(&known.type_name);
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
                    (ValueType::Bool, _) => quote!(bool),
                    (ValueType::Int | ValueType::EnumInt, _) => quote!(i64),
                    (ValueType::Float | ValueType::EnumFloat, _) => quote!(f64),
                    (ValueType::Money | ValueType::Decimal, _) => quote!(Decimal),
                    (ValueType::Date, _) => quote!(Date),
                    (ValueType::DateTime, _) => quote!(Timestamp),
                    (ValueType::Enum, Options::Listed(options)) => {
                        let wire = format!(
                            "{}_{}",
                            attribute.name.trim_end_matches("Columns"),
                            column.name
                        );
                        let name = self.type_names([wire.as_str()])[&wire].clone();
                        let of = format!("Column `{}` of `{}`", column.name, attribute.name);
                        self.enums.insert(name.clone(), Enum { of, options, wire });
                        let name = names::ident(&name);
                        quote!(#name)
                    }
                    (ValueType::Text | ValueType::Enum | ValueType::Id { .. }, _) => quote!(String),
                    _ => quote!(Value),
                };
                (
                    rust_names[&column.name].clone(),
                    column.name.as_str(),
                    type_,
                )
            })
            .collect();
        let name = names::ident(&type_name);
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
fn plain(value: TokenStream, kind: TokenStream) -> RustType {
    RustType {
        argument: value.clone(),
        convert: quote!(value),
        value,
        kind,
    }
}

/// A setter takes whatever converts into the type.
fn into(value: TokenStream, kind: TokenStream) -> RustType {
    RustType {
        argument: quote!(impl Into<#value>),
        convert: quote!(value.into()),
        value,
        kind,
    }
}

/// A setter takes items.
fn each(value: TokenStream, item: TokenStream, map: TokenStream, kind: TokenStream) -> RustType {
    let convert = quote!(value.into_iter() #map.collect::<#value>());
    RustType {
        argument: quote!(impl IntoIterator<Item = #item>),
        convert,
        value,
        kind,
    }
}

fn texts() -> RustType {
    each(
        quote!(Vec<String>),
        quote!(impl Into<String>),
        quote!(.map(Into::into)),
        quote!(kind::Items<String>),
    )
}

fn rows(row: TokenStream) -> RustType {
    each(
        quote!(Vec<#row>),
        row.clone(),
        TokenStream::new(),
        quote!(kind::Opaque<Vec<#row>>),
    )
}

fn opaque(value: TokenStream) -> RustType {
    plain(value.clone(), quote!(kind::Opaque<#value>))
}

/// The kind of a link in the type of its constant.
pub(crate) fn link_kind(link: &espo_schema::Link, has_orderable_field: bool) -> TokenStream {
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
    let name = format_ident!("{name}");
    if link.read_only {
        quote!(link::ReadOnlyLink<link::#name>)
    } else {
        quote!(link::#name)
    }
}

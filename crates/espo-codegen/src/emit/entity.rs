//! The record struct of an entity type, its constants and enums.

use std::collections::BTreeSet;

use espo_schema::AttributeRole;
use proc_macro2::TokenStream;
use quote::quote;

use super::{links, write};
use crate::doc::{self, doc};
use crate::model::{Attr, Entity};
use crate::names::{self, constant, ident};

/// The module of one entity type.
pub(crate) fn module(entity: &Entity<'_>) -> TokenStream {
    let uses = uses(&entity.uses);
    let about = format!(" Entity type {}.", doc::code(&entity.schema.name));
    let record = record(entity);
    let implementation = record_impl(entity);
    let accessors = accessors(entity);
    let entity_impl = entity_impl(entity);
    let constants = entity
        .attributes
        .iter()
        .map(|attribute| field_constant(entity, attribute));
    let enums = enums(entity);
    let write = write::write(entity);
    let links = links::links(entity);
    quote! {
        #![doc = #about]
        use espo_core::typed::generated::*;
        #uses

        #record
        #implementation
        #accessors
        #entity_impl
        #(#constants)*
        #enums
        #write
        #links
    }
}

fn uses(names: &BTreeSet<String>) -> TokenStream {
    let names = names.iter().map(|name| ident(name));
    if names.len() == 0 {
        TokenStream::new()
    } else {
        quote!(use super::{#(#names),*};)
    }
}

fn record(entity: &Entity<'_>) -> TokenStream {
    let name = ident(&entity.rust);
    let about = doc(&doc::entity(entity.schema));
    let fields = entity.attributes.iter().map(|attribute| {
        let (about, name, value) = (
            doc(&doc::attribute(attribute)),
            ident(&attribute.rust),
            &attribute.type_.value,
        );
        quote!(#about pub #name: Option<#value>)
    });
    quote! {
        #about
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct #name {
            #(#fields,)*
            /// What the record holds beside these: which were in the answer, and attributes unknown here.
            pub meta: RecordMeta,
        }
    }
}

fn record_impl(entity: &Entity<'_>) -> TokenStream {
    let (name, wire) = (ident(&entity.rust), &entity.schema.name);
    let table = entity.attributes.iter().map(|attribute| {
        let (wire, type_) = (&attribute.schema.name, field_type(attribute));
        if attribute.schema.in_list {
            quote!(Attribute::listed(#wire, #type_))
        } else {
            quote!(Attribute::unlisted(#wire, #type_))
        }
    });
    let last = entity.attributes.len().saturating_sub(1);
    let pattern = |index: usize| {
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        quote!(#index)
    };
    // The last arm takes every other index as well, so that no arm can panic.
    let arm = |index: usize| {
        if index == last {
            quote!(_)
        } else {
            pattern(index)
        }
    };
    let slots = entity
        .attributes
        .iter()
        .enumerate()
        .map(|(index, attribute)| {
            let (arm, field) = (arm(index), ident(&attribute.rust));
            quote!(#arm => slot(&mut self.#field))
        });
    let values = entity
        .attributes
        .iter()
        .enumerate()
        .map(|(index, attribute)| {
            let (arm, field) = (arm(index), ident(&attribute.rust));
            quote!(#arm => value(&self.#field))
        });
    quote! {
        impl Record for #name {
            const RECORD_OF: &'static str = #wire;
            const ATTRIBUTES: &'static [Attribute] = &[#(#table),*];

            fn slot(&mut self, index: usize) -> Slot<'_> {
                match index {
                    #(#slots,)*
                }
            }

            fn value(&self, index: usize) -> Option<&dyn ToJson> {
                match index {
                    #(#values,)*
                }
            }

            fn meta(&self) -> &RecordMeta {
                &self.meta
            }

            fn meta_mut(&mut self) -> &mut RecordMeta {
                &mut self.meta
            }
        }
    }
}

fn field_type<'s>(attribute: &Attr<'s>) -> &'s str {
    match (attribute.field, attribute.schema.role) {
        (Some(field), _) => &field.type_,
        (None, AttributeRole::RecordId) => "id",
        (None, _) => "",
    }
}

/// Accessors of what two attributes hold together.
fn accessors(entity: &Entity<'_>) -> TokenStream {
    let name = ident(&entity.rust);
    let parents = entity.parents.iter().map(|parent| {
        let (method, type_name) = (ident(&parent.rust), ident(&parent.type_name));
        let about = doc(&format!("The record that {} leads to.", doc::code(parent.wire)));
        let entity_type = ident(entity.attribute(parent.type_attribute));
        let id = ident(entity.attribute(parent.id_attribute));
        quote! {
            #about
            pub fn #method(&self) -> Option<#type_name> {
                Some(#type_name::from_parts(self.#entity_type.as_deref()?, self.#id.as_ref()?.as_str()))
            }
        }
    });
    let dates = entity.dates_or_times.iter().map(|field| {
        let method = ident(&field.rust);
        let about = doc(&format!(
            "{}, which is a whole day or a point in time.",
            doc::code(field.time)
        ));
        let (time, date) = (
            ident(entity.attribute(field.time)),
            ident(entity.attribute(field.date)),
        );
        quote! {
            #about
            pub fn #method(&self) -> Option<DateOrTime> {
                DateOrTime::from_parts(self.#time, self.#date)
            }
        }
    });
    if entity.parents.is_empty() && entity.dates_or_times.is_empty() {
        return TokenStream::new();
    }
    quote!(impl #name { #(#parents)* #(#dates)* })
}

fn entity_impl(entity: &Entity<'_>) -> TokenStream {
    let (name, wire) = (ident(&entity.rust), &entity.schema.name);
    let [new, patch, reference] =
        ["New", "Patch", "Ref"].map(|suffix| ident(&format!("{}{suffix}", entity.rust)));
    let id_field = ident(entity.attribute("id"));
    let stream = entity
        .schema
        .scope
        .stream
        .then(|| quote!(impl HasStream for #name {}));
    quote! {
        impl Entity for #name {
            const ENTITY_TYPE: &'static str = #wire;
            type New = #new;
            type Patch = #patch;
            type Ref = #reference;

            fn id(&self) -> Option<&Id<Self>> {
                self.#id_field.as_ref()
            }
        }
        #stream
    }
}

fn field_constant(entity: &Entity<'_>, attribute: &Attr<'_>) -> TokenStream {
    let (owner, name, wire) = (
        ident(&entity.rust),
        constant(&attribute.rust),
        &attribute.schema.name,
    );
    let kind = &attribute.type_.kind;
    let about = doc(&doc::code(wire));
    let access = if entity.is_part_of_field(wire) && attribute.schema.writable {
        quote!(, access::PartOfField)
    } else if attribute.schema.create_only {
        quote!(, access::CreateOnly)
    } else if attribute.schema.writable {
        TokenStream::new()
    } else {
        quote!(, access::ReadOnly)
    };
    quote!(#about pub const #name: Field<#owner, #kind #access> = Field::new(#wire);)
}

fn enums(entity: &Entity<'_>) -> TokenStream {
    let enums = entity.enums.iter().map(|(name, enumeration)| {
        let about = doc(&format!("{}.", enumeration.of));
        let name = ident(name);
        let plan = names::variant_plan(enumeration.options.iter().map(String::as_str));
        let mut seen = BTreeSet::new();
        // An option that is listed twice is one option.
        let options = enumeration
            .options
            .iter()
            .filter(|option| seen.insert(option.as_str()))
            .map(|option| {
                let variant = ident(&plan[option]);
                quote!(#variant = #option)
            });
        quote!(#[in_macro(enumeration)] #about pub enum #name { #(#options,)* })
    });
    let parents = entity.parents.iter().map(|parent| {
        let about = doc(&format!(
            "{} of [`{}`].",
            doc::code(parent.wire),
            entity.rust
        ));
        let name = ident(&parent.type_name);
        let plan = names::entity_plan(parent.targets.iter().map(|(wire, _)| *wire), &["Other"]);
        let targets = parent.targets.iter().map(|(target, rust)| {
            let (variant, entity) = (ident(&plan[*target]), ident(rust));
            quote!(#variant(#entity) = #target)
        });
        quote!(#[in_macro(parent)] #about pub enum #name { #(#targets,)* })
    });
    let columns = entity.columns.iter().map(|columns| {
        let about = doc(&format!(
            "The columns that {} has for each linked record.",
            doc::code(columns.attribute)
        ));
        let name = ident(&columns.type_name);
        let columns = columns.columns.iter().map(|(rust, wire, type_)| {
            let rust = ident(rust);
            quote!(#rust(#type_) = #wire)
        });
        quote!(#[in_macro(columns)] #about pub enum #name { #(#columns,)* })
    });
    quote!(#(#enums)* #(#parents)* #(#columns)*)
}

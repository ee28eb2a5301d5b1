//! The record struct of an entity type and its trait implementations.

use espo_schema::AttributeRole;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::print::Printer;
use super::tokens::{docs, ident, suffixed, type_};
use super::{constants, example, links, options, write};
use crate::doc;
use crate::model::{Attr, Entity};

/// The module of one entity type.
pub(crate) fn module(entity: &Entity<'_>) -> String {
    let about = format!(
        "Entity type {}.\n\n{}",
        doc::code(&entity.schema.name),
        example::example(entity)
    );
    let uses = (!entity.uses.is_empty()).then(|| {
        let names = entity.uses.iter().map(|name| ident(name));
        quote!(use super::{#(#names),*};)
    });
    // About the size of stock entity types.
    let mut printer = Printer::new(Some(&about), 2048 + entity.attributes.len() * 640);
    printer.add(quote! {
        use espo_core::typed::generated::*;
        #uses
    });
    let parts = [
        record,
        record_impl,
        accessors,
        entity_impl,
        constants::constants,
        constants::filters,
        constants::unlisted,
        options::shared,
        options::enums,
        options::parents,
        options::columns,
        write::write,
        links::links,
    ];
    for part in parts {
        printer.add(part(entity));
    }
    printer.into_text()
}

fn record(entity: &Entity<'_>) -> TokenStream {
    let (name, about) = (ident(&entity.rust), docs(doc::entity(entity.schema)));
    let fields = entity.attributes.iter().map(|attribute| {
        let (docs, name) = (docs(doc::attribute(attribute)), ident(&attribute.rust));
        let type_ = type_(&attribute.type_.value);
        if attribute.is_record_id() {
            quote!(#docs pub #name: #type_,)
        } else {
            quote!(#docs pub #name: Option<#type_>,)
        }
    });
    quote! {
        #about
        #[derive(Clone)]
        pub struct #name {
            #(#fields)*
            /// The attributes that were in the response, and attributes that are unknown to this code.
            pub meta: RecordMeta,
        }
    }
}

/// The table of the record's attributes.
fn record_impl(entity: &Entity<'_>) -> TokenStream {
    let (name, wire) = (ident(&entity.rust), &entity.schema.name);
    let (id, requires_id) = (ident(entity.attribute("id")), entity.requires_id);
    let parents = entity.parents.iter().map(|parent| {
        let (type_, id) = (parent.type_attribute, parent.id_attribute);
        quote!(pair parent(#type_, #id);)
    });
    let dates = entity.dates_or_times.iter().map(|field| {
        let (time, date) = (field.time, field.date);
        quote!(pair date_or_time(#time, #date);)
    });
    let pairs = parents.chain(dates);
    let attributes = entity
        .attributes
        .iter()
        .enumerate()
        .map(|(index, attribute)| {
            let (index, field) = (Literal::usize_unsuffixed(index), ident(&attribute.rust));
            let (wire, type_) = (&attribute.schema.name, field_type(attribute));
            let listed = ident(if attribute.schema.in_list {
                "listed"
            } else {
                "unlisted"
            });
            let access = ident(access(entity, attribute));
            quote!(#index #field #wire #type_ #listed #access;)
        });
    quote! {
        espo_core::record! {
            #name = #wire, #id, #requires_id;
            #(#pairs)*
            #(#attributes)*
        }
    }
}

fn access(entity: &Entity<'_>, attribute: &Attr<'_>) -> &'static str {
    match (attribute.schema.writable, attribute.schema.create_only) {
        (false, _) => "Never",
        _ if entity.is_part_of_field(&attribute.schema.name) => "Paired",
        (true, true) => "OnCreate",
        (true, false) => "Always",
    }
}

fn field_type<'s>(attribute: &Attr<'s>) -> &'s str {
    match (attribute.field, attribute.schema.role) {
        (Some(field), _) => &field.type_,
        (None, AttributeRole::RecordId) => "id",
        (None, _) => "",
    }
}

/// Accessors of values that consist of two attributes.
fn accessors(entity: &Entity<'_>) -> TokenStream {
    if entity.parents.is_empty() && entity.dates_or_times.is_empty() {
        return TokenStream::new();
    }
    let name = ident(&entity.rust);
    let parents = entity.parents.iter().map(|parent| {
        let about = docs(format!(
            "Returns the record that {} refers to.",
            doc::code(parent.wire)
        ));
        let (method, type_) = (ident(&parent.rust), ident(&parent.type_name));
        let entity_type = ident(entity.attribute(parent.type_attribute));
        let id = ident(entity.attribute(parent.id_attribute));
        quote! {
            #about
            pub fn #method(&self) -> Option<#type_> {
                Some(#type_::from_parts(self.#entity_type.as_deref()?, self.#id.as_ref()?.as_str()))
            }
        }
    });
    let dates = entity.dates_or_times.iter().map(|field| {
        let about = docs(format!(
            "Returns {} as a whole day or a point in time.",
            doc::code(field.time)
        ));
        let method = ident(&field.rust);
        let time = ident(entity.attribute(field.time));
        let date = ident(entity.attribute(field.date));
        quote! {
            #about
            pub fn #method(&self) -> Option<DateOrTime> {
                DateOrTime::from_parts(self.#time, self.#date)
            }
        }
    });
    quote! {
        impl #name {
            #(#parents)*
            #(#dates)*
        }
    }
}

fn entity_impl(entity: &Entity<'_>) -> TokenStream {
    let (name, wire) = (ident(&entity.rust), &entity.schema.name);
    let [new, patch, reference] =
        ["New", "Patch", "Ref"].map(|suffix| suffixed(&entity.rust, suffix));
    let stream = entity
        .schema
        .scope
        .stream
        .then(|| quote!(impl HasStream for #name {}));
    let roles = crate::model::roles(entity.schema).into_iter().map(|role| {
        let role = ident(role);
        quote!(impl roles::#role for #name {})
    });
    quote! {
        impl Entity for #name {
            const ENTITY_TYPE: &'static str = #wire;
            type New = #new;
            type Patch = #patch;
            type Ref = #reference;
            type Schema = super::Schema;
        }
        #stream
        #(#roles)*
    }
}

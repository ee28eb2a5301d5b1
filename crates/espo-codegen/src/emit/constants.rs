//! The constants of an entity type: its attributes, and the filters that the instance knows by name.

use proc_macro2::TokenStream;
use quote::quote;

use super::tokens::{constant, docs, ident, kind};
use crate::doc;
use crate::model::{Attr, Entity, NamedFilter};

/// A constant for each attribute of a record.
pub(super) fn constants(entity: &Entity<'_>) -> TokenStream {
    let owner = ident(&entity.rust);
    let constants = entity.attributes.iter().map(|attribute| {
        let (name, wire) = (constant(&attribute.rust), &attribute.schema.name);
        let (docs, kind) = (
            docs(doc::code(wire)),
            kind(&attribute.type_.kind, &attribute.type_.value),
        );
        let access = access(entity, attribute);
        quote! {
            #docs
            pub const #name: Field<#owner, #kind #access> = Field::new(#wire);
        }
    });
    quote!(#(#constants)*)
}

fn access(entity: &Entity<'_>, attribute: &Attr<'_>) -> TokenStream {
    if entity.is_part_of_field(&attribute.schema.name) && attribute.schema.writable {
        quote!(, access::PartOfField)
    } else if attribute.schema.create_only {
        quote!(, access::CreateOnly)
    } else if attribute.schema.writable {
        quote!()
    } else {
        quote!(, access::ReadOnly)
    }
}

/// The filters that the metadata shows by name.
pub(super) fn filters(entity: &Entity<'_>) -> TokenStream {
    let primary = ("primary_filters", "primary filters", "PrimaryFilter");
    let bools = ("bool_filters", "boolean filters", "BoolFilter");
    let modules = [
        group(entity, primary, &entity.primary_filters),
        group(entity, bools, &entity.bool_filters),
    ];
    quote!(#(#modules)*)
}

fn group(
    entity: &Entity<'_>,
    (module, title, type_): (&str, &str, &str),
    filters: &[NamedFilter<'_>],
) -> Option<TokenStream> {
    if filters.is_empty() {
        return None;
    }
    let about = docs(format!(
        "The {title} of [`{}`] that the metadata shows.",
        entity.rust
    ));
    let (owner, module, type_) = (ident(&entity.rust), ident(module), ident(type_));
    let constants = filters.iter().map(|NamedFilter { rust, wire }| {
        let (name, docs) = (constant(rust), docs(doc::code(wire)));
        quote! {
            #docs
            pub const #name: #type_<#owner> = #type_::new(#wire);
        }
    });
    Some(quote! {
        #about
        pub mod #module {
            use super::*;
            #(#constants)*
        }
    })
}

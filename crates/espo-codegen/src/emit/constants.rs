//! The constants of an entity type: its attributes, and the named filters of the instance.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::tokens::{constant, docs, ident, kind};
use crate::capabilities;
use crate::doc;
use crate::model::{Attr, Entity, NamedFilter};

/// A constant for each attribute of a record.
pub(super) fn constants(entity: &Entity<'_>) -> TokenStream {
    let owner = ident(&entity.rust);
    let constants = entity.attributes.iter().map(|attribute| {
        let (name, wire) = (constant(&attribute.rust), &attribute.schema.name);
        let (docs, kind) = (
            docs(doc::attribute(attribute)),
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

/// Marks for projections, which use the fields of a record instead of the constants.
pub(super) fn unlisted(entity: &Entity<'_>) -> TokenStream {
    let marks: Vec<_> = entity
        .attributes
        .iter()
        .filter(|attribute| !capabilities::is_listable(entity.schema, attribute.schema))
        .map(|attribute| format_ident!("UNLISTED_{}", constant(&attribute.rust)))
        .collect();
    if marks.is_empty() {
        return TokenStream::new();
    }
    let owner = ident(&entity.rust);
    quote! {
        impl #owner {
            #(#[doc(hidden)] pub const #marks: bool = true;)*
        }
    }
}

fn access(entity: &Entity<'_>, attribute: &Attr<'_>) -> TokenStream {
    let is_part = entity.is_part_of_field(&attribute.schema.name);
    match capabilities::access(entity.schema, attribute.schema, is_part) {
        Some(name) => {
            let name = ident(name);
            quote!(, access::#name)
        }
        None => TokenStream::new(),
    }
}

/// The named filters in the metadata.
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
        "The {title} of [`{}`] that the metadata lists.",
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

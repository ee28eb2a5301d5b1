//! The links of an entity type: constants, and accessors on a record's reference.

use espo_schema::Cardinality;
use proc_macro2::TokenStream;
use quote::quote;

use super::tokens::{constant, docs, ident, suffixed};
use crate::doc;
use crate::model::{Entity, LinkItem};

/// The constants and the reference type with its accessors.
pub(super) fn links(entity: &Entity<'_>) -> TokenStream {
    let (constants, accessors) = (constants(entity), accessors(entity));
    let (owner, reference) = (ident(&entity.rust), suffixed(&entity.rust, "Ref"));
    let about = docs(format!(
        "{} identified by its ID, with its operations and links.",
        doc::a(&entity.rust)
    ));
    quote! {
        #constants
        #about
        #[derive(Clone, Debug)]
        pub struct #reference(RecordRef<#owner>);
        espo_core::reference_type!(#owner, #reference);
        #accessors
    }
}

fn constants(entity: &Entity<'_>) -> Option<TokenStream> {
    if entity.links.is_empty() {
        return None;
    }
    let about = docs(format!(
        "The links of [`{}`], for filters and orders.",
        entity.rust
    ));
    let constants = entity.links.iter().map(|link| {
        let (docs, wire) = (docs(doc::code(&link.schema.name)), &link.schema.name);
        let (name, type_) = (constant(&link.constant), link_type(entity, link));
        quote! {
            #docs
            pub const #name: Link<#type_> = Link::new(#wire);
        }
    });
    Some(quote! {
        #about
        pub mod links {
            use super::*;
            #(#constants)*
        }
    })
}

fn accessors(entity: &Entity<'_>) -> Option<TokenStream> {
    let reference = suffixed(&entity.rust, "Ref");
    let accessors: Vec<_> = entity
        .links
        .iter()
        .filter(|link| link.schema.cardinality != Cardinality::Parent)
        .map(|link| {
            let docs = docs(doc::link(link.schema, link.target.as_deref()));
            let (name, constant) = (ident(&link.accessor), constant(&link.constant));
            let type_ = link_type(entity, link);
            quote! {
                #docs
                pub fn #name(&self) -> Related<#type_> {
                    self.0.related(links::#constant)
                }
            }
        })
        .collect();
    (!accessors.is_empty()).then(|| quote!(impl #reference { #(#accessors)* }))
}

fn link_type(entity: &Entity<'_>, link: &LinkItem<'_>) -> TokenStream {
    let owner = ident(&entity.rust);
    let target = ident(link.target.as_deref().unwrap_or("JsonObject"));
    let kind = ident(kind(entity, link));
    if link.schema.read_only {
        quote!(#owner, #target, link::ReadOnlyLink<link::#kind>)
    } else {
        quote!(#owner, #target, link::#kind)
    }
}

/// The kind of a link in the type of its constant.
fn kind(entity: &Entity<'_>, link: &LinkItem<'_>) -> &'static str {
    use Cardinality::{Children, ManyToMany, ManyToOne, OneToMany, OneToOne, Parent, Unknown};
    let field = entity.schema.fields.get(&link.schema.name);
    let is_orderable = field.is_some_and(|field| !field.order_disabled && !field.not_storable);
    match link.schema.cardinality {
        OneToMany | Unknown => "HasMany",
        ManyToMany => "ManyToMany",
        Children => "Children",
        ManyToOne | OneToOne { key_here: true } if is_orderable => "BelongsTo",
        ManyToOne | OneToOne { key_here: true } => "BelongsToHidden",
        OneToOne { key_here: false } => "HasOne",
        Parent => "Parent",
    }
}

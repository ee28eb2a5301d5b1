//! The links of an entity type: constants, and accessors on a record's reference.

use espo_schema::Cardinality;
use proc_macro2::TokenStream;
use quote::quote;

use crate::doc::{self, doc};
use crate::model::{Entity, LinkItem};
use crate::names::{constant, ident};
use crate::types::link_kind;

/// The constants and the reference type with its accessors.
pub(crate) fn links(entity: &Entity<'_>) -> TokenStream {
    let (owner, reference) = (ident(&entity.rust), ident(&format!("{}Ref", entity.rust)));
    let about_links = doc(&format!(
        "The links of [`{owner}`], for filters and orders."
    ));
    let about_reference = doc(&format!(
        "A [`{owner}`] by its id: what can be done with it, and its links."
    ));
    let constants = entity.links.iter().map(|link| {
        let (about, name, wire) = (
            doc(&doc::code(&link.schema.name)),
            constant(&link.constant),
            &link.schema.name,
        );
        let link_type = link_type(entity, link);
        quote!(#about pub const #name: Link #link_type = Link::new(#wire);)
    });
    let constants = (!entity.links.is_empty()).then(|| {
        quote! {
            #about_links
            pub mod links {
                use super::*;

                #(#constants)*
            }
        }
    });
    let accessors = entity
        .links
        .iter()
        .filter(|link| link.schema.cardinality != Cardinality::Parent)
        .map(|link| {
            let (name, constant) = (ident(&link.accessor), constant(&link.constant));
            let about = doc(&doc::link(link.schema, link.target.as_deref()));
            let link_type = link_type(entity, link);
            quote! {
                #about
                pub fn #name(&self) -> Related #link_type {
                    self.0.related(links::#constant)
                }
            }
        });
    quote! {
        #constants

        #about_reference
        #[derive(Clone, Debug)]
        pub struct #reference(RecordRef<#owner>);

        espo_core::reference_type!(#owner, #reference);

        impl #reference {
            #(#accessors)*
        }
    }
}

fn link_type(entity: &Entity<'_>, link: &LinkItem<'_>) -> TokenStream {
    let owner = ident(&entity.rust);
    let target = match &link.target {
        Some(name) => {
            let name = ident(name);
            quote!(#name)
        }
        None => quote!(JsonObject),
    };
    let field = entity.schema.fields.get(&link.schema.name);
    let kind = link_kind(
        link.schema,
        field.is_some_and(|field| !field.order_disabled && !field.not_storable),
    );
    quote!(<#owner, #target, #kind>)
}

//! The enums of an entity type: options of fields, polymorphic parents, and the columns of links.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;

use super::print::Printer;
use super::tokens::{docs, ident, type_};
use crate::doc;
use crate::model::{Entity, SharedEnum};
use crate::names;

/// The shared enums of an entity type, under the names that separate enums would have.
pub(super) fn shared(entity: &Entity<'_>) -> TokenStream {
    let aliases = entity.shared.iter().map(|(alias, shared)| {
        let (alias, rust) = (ident(alias), ident(&shared.rust));
        if alias == rust {
            quote!(pub use super::shared_options::#rust;)
        } else {
            quote!(pub use super::shared_options::#rust as #alias;)
        }
    });
    quote!(#(#aliases)*)
}

/// The module of the shared enums.
pub(crate) fn shared_module(enums: &[SharedEnum<'_>]) -> String {
    let about = "Enums for fields that share the same options.";
    let mut printer = Printer::new(Some(about), enums.len() * 512);
    for shared in enums {
        let about = format!("Options of {}.", doc::code(&shared.source));
        printer.add(enumeration(&about, &shared.rust, shared.options));
    }
    printer.into_text()
}

/// An enum for each other field with options.
pub(super) fn enums(entity: &Entity<'_>) -> TokenStream {
    let enums = entity
        .enums
        .iter()
        .map(|(name, own)| enumeration(&format!("{}.", own.of), name, own.options));
    quote!(#(#enums)*)
}

fn enumeration(about: &str, name: &str, options: &[String]) -> TokenStream {
    let plan = names::variant_plan(options.iter().map(String::as_str));
    let (about, name) = (docs(about), ident(name));
    let mut seen = BTreeSet::new();
    // An option that is listed twice is one option.
    let options = options.iter().filter(|option| seen.insert(*option));
    let variants = options.map(|option| {
        let variant = ident(&plan[option]);
        quote!(#variant = #option)
    });
    quote! {
        espo_core::enumeration! {
            #about
            pub enum #name { #(#variants),* }
        }
    }
}

/// An enum for each polymorphic parent.
pub(super) fn parents(entity: &Entity<'_>) -> TokenStream {
    let parents = entity.parents.iter().map(|parent| {
        let about = docs(format!(
            "{} of [`{}`].",
            doc::code(parent.wire),
            entity.rust
        ));
        let name = ident(&parent.type_name);
        let targets = parent.targets.iter();
        let plan = names::entity_plan(targets.map(|(wire, _)| *wire), &["Other"]);
        let variants = parent.targets.iter().map(|(target, rust)| {
            let (variant, entity) = (ident(&plan[*target]), ident(rust));
            quote!(#variant(#entity) = #target)
        });
        quote! {
            espo_core::parent! {
                #about
                pub enum #name { #(#variants),* }
            }
        }
    });
    quote!(#(#parents)*)
}

/// A struct for the columns of each link that has some.
pub(super) fn columns(entity: &Entity<'_>) -> TokenStream {
    let columns = entity.columns.iter().map(|columns| {
        let about = docs(format!(
            "The columns that {} has for each linked record.",
            doc::code(columns.attribute)
        ));
        let name = ident(&columns.type_name);
        let fields = columns.columns.iter().map(|(rust, wire, of)| {
            let (rust, type_) = (ident(rust), type_(of));
            quote!(#[column(#wire)] #rust: #type_)
        });
        quote! {
            espo_core::columns! {
                #about
                pub struct #name { #(#fields),* }
            }
        }
    });
    quote!(#(#columns)*)
}

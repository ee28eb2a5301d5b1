//! The create and update types of an entity type.

use proc_macro2::TokenStream;
use quote::quote;

use crate::doc::{self, doc};
use crate::model::{Entity, Setter, Target};
use crate::names::ident;

/// The type behind create and update, with its setters.
pub(crate) fn write(entity: &Entity<'_>) -> TokenStream {
    let owner = ident(&entity.rust);
    let [write, new, patch] =
        ["Write", "New", "Patch"].map(|suffix| ident(&format!("{}{suffix}", entity.rust)));
    let (about_new, about_patch) = (
        doc(&format!("What a create of [`{owner}`] sends.")),
        doc(&format!(
            "What an update of [`{owner}`] sends: what is neither set nor cleared is left alone."
        )),
    );
    let both = entity
        .setters
        .iter()
        .filter(|setter| !setter.create_only)
        .map(setter);
    let create_only = entity
        .setters
        .iter()
        .filter(|setter| setter.create_only)
        .map(setter);
    let constructor = constructor(entity);
    let default = entity.required.is_empty().then(|| {
        quote! {
            impl Default for #write<Create> {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    quote! {
        #about_new
        pub type #new = #write<Create>;
        #about_patch
        pub type #patch = #write<Update>;

        espo_core::write_type!(#owner, #write);

        impl NewRecord for #new {
            type Entity = #owner;
        }

        impl #write<Create> {
            #constructor
            #(#create_only)*
        }

        impl<M> #write<M> {
            #(#both)*
        }

        #default
    }
}

/// `new` takes what the server requires.
fn constructor(entity: &Entity<'_>) -> TokenStream {
    let arguments = entity.required.iter().map(|setter| {
        let (name, argument) = (ident(&setter.rust), argument(setter));
        quote!(#name: #argument)
    });
    let calls = entity.required.iter().map(|setter| {
        let name = ident(&setter.rust);
        quote!(.#name(#name))
    });
    let about = if entity.required.is_empty() {
        "A record to create."
    } else {
        "A record to create, with what the server requires."
    };
    let about = doc(about);
    quote! {
        #about
        pub fn new(#(#arguments),*) -> Self {
            Self(Attributes::new()) #(#calls)*
        }
    }
}

fn argument(setter: &Setter<'_>) -> TokenStream {
    match &setter.target {
        Target::Attribute(_, type_) => type_.argument.clone(),
        Target::DateOrTime(_) => quote!(impl Into<DateOrTime>),
        Target::Parent(parent) => {
            let name = ident(&parent.type_name);
            quote!(impl Into<#name>)
        }
    }
}

fn setter(setter: &Setter<'_>) -> TokenStream {
    let (name, argument) = (ident(&setter.rust), argument(setter));
    match &setter.target {
        Target::Attribute(wire, type_) => {
            let (about, convert) = (doc(&format!("Sets {}.", doc::code(wire))), &type_.convert);
            quote! {
                #about
                pub fn #name(self, value: #argument) -> Self {
                    self.with(#wire, #convert)
                }
            }
        }
        Target::DateOrTime(field) => {
            let (time, date) = (field.time, field.date);
            let about = doc(&format!(
                "Sets {} to a whole day or a point in time.",
                doc::code(time)
            ));
            let clear = ident(&format!("clear_{}", setter.rust.trim_end_matches('_')));
            let about_clear = doc(&format!("Sets {} to null.", doc::code(time)));
            quote! {
                #about
                pub fn #name(mut self, value: #argument) -> Self {
                    self.0.put_date_or_time(#time, #date, value.into());
                    self
                }
                #about_clear
                pub fn #clear(mut self) -> Self {
                    self.0.put_null(#time);
                    self.0.put_null(#date);
                    self
                }
            }
        }
        Target::Parent(parent) => {
            let (type_, id) = (parent.type_attribute, parent.id_attribute);
            let about = doc(&format!("Sets {} to a record.", doc::code(parent.wire)));
            let clear = ident(&format!("clear_{}", setter.rust.trim_end_matches('_')));
            let about_clear = doc(&format!("Sets {} to null.", doc::code(parent.wire)));
            quote! {
                #about
                pub fn #name(mut self, value: #argument) -> Self {
                    self.0.put_parent(#type_, #id, &value.into());
                    self
                }
                #about_clear
                pub fn #clear(mut self) -> Self {
                    self.0.put_null(#type_);
                    self.0.put_null(#id);
                    self
                }
            }
        }
    }
}

//! The create and update types of an entity type.

use proc_macro2::TokenStream;
use quote::quote;

use super::tokens::{argument, convert, docs, ident, suffixed};
use crate::doc;
use crate::model::{Entity, Setter, Target};

/// The type behind create and update, with its setters.
pub(super) fn write(entity: &Entity<'_>) -> TokenStream {
    let (owner, rust) = (ident(&entity.rust), &entity.rust);
    let [new, patch, write] = ["New", "Patch", "Write"].map(|suffix| suffixed(rust, suffix));
    let about_new = docs(format!("The attributes that a create of [`{rust}`] sends."));
    let about_patch = docs(format!(
        "The attributes that an update of [`{rust}`] sends; the others stay unchanged."
    ));
    let constructor = constructor(entity);
    let create_only = setters(entity, true);
    let both = setters(entity, false);
    let both = (!both.is_empty()).then(|| quote!(impl<M> #write<M> { #(#both)* }));
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
        #both
        #default
    }
}

/// `new` takes what the server requires.
fn constructor(entity: &Entity<'_>) -> TokenStream {
    let names: Vec<_> = entity.required.iter().map(|s| ident(&s.rust)).collect();
    let arguments = names.iter().zip(&entity.required).map(|(name, setter)| {
        let argument = argument_of(setter);
        quote!(#name: #argument)
    });
    let about = docs(if names.is_empty() {
        "A record to create."
    } else {
        "A record to create, with what the server requires."
    });
    quote! {
        #about
        pub fn new(#(#arguments),*) -> Self {
            Self(Attributes::new()) #(.#names(#names))*
        }
    }
}

fn argument_of(setter: &Setter<'_>) -> TokenStream {
    match &setter.target {
        Target::Attribute(_, type_) => argument(&type_.value),
        Target::DateOrTime(_) => quote!(impl Into<DateOrTime>),
        Target::Parent(parent) => {
            let name = ident(&parent.type_name);
            quote!(impl Into<#name>)
        }
    }
}

fn setters(entity: &Entity<'_>, create_only: bool) -> Vec<TokenStream> {
    let wanted = entity
        .setters
        .iter()
        .filter(|s| s.create_only == create_only);
    wanted.map(setter).collect()
}

fn setter(setter: &Setter<'_>) -> TokenStream {
    let (name, argument) = (ident(&setter.rust), argument_of(setter));
    match &setter.target {
        Target::Attribute(wire, type_) => {
            let about = docs(format!("Sets {}.", doc::code(wire)));
            let value = convert(&type_.value);
            quote! {
                #about
                pub fn #name(self, value: #argument) -> Self {
                    self.with(#wire, #value)
                }
            }
        }
        Target::DateOrTime(field) => {
            let (time, date) = (field.time, field.date);
            let shown = doc::code(time);
            let about = docs(format!("Sets {shown} to a whole day or a point in time."));
            let clear = clear(setter, &shown, [time, date]);
            quote! {
                #about
                pub fn #name(mut self, value: #argument) -> Self {
                    self.0.put_date_or_time(#time, #date, value.into());
                    self
                }
                #clear
            }
        }
        Target::Parent(parent) => {
            let (type_, id) = (parent.type_attribute, parent.id_attribute);
            let shown = doc::code(parent.wire);
            let about = docs(format!("Sets {shown} to a record."));
            let clear = clear(setter, &shown, [type_, id]);
            quote! {
                #about
                pub fn #name(mut self, value: #argument) -> Self {
                    self.0.put_parent(#type_, #id, &value.into());
                    self
                }
                #clear
            }
        }
    }
}

/// Sets both attributes of a field to null.
fn clear(setter: &Setter<'_>, shown: &str, attributes: [&str; 2]) -> TokenStream {
    let name = ident(&format!("clear_{}", setter.rust.trim_end_matches('_')));
    let about = docs(format!("Sets {shown} to null."));
    quote! {
        #about
        pub fn #name(mut self) -> Self {
            #(self.0.put_null(#attributes);)*
            self
        }
    }
}

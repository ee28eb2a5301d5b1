//! The create and update types of an entity type.

use proc_macro2::TokenStream;
use quote::quote;

use super::tokens::{argument, convert, docs, ident, suffixed, type_};
use crate::doc;
use crate::model::{Entity, Setter, Target};
use crate::names;

/// The type behind create and update, with its setters.
pub(super) fn write(entity: &Entity<'_>) -> TokenStream {
    let (owner, rust) = (ident(&entity.rust), &entity.rust);
    let [new, patch, write] = ["New", "Patch", "Write"].map(|suffix| suffixed(rust, suffix));
    let about_new = docs(format!("The attributes that a create of [`{rust}`] sends."));
    let about_patch = docs(format!(
        "The attributes that an update of [`{rust}`] sends; the others stay unchanged."
    ));
    let (required, constructor) = (required(entity), constructor(entity));
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
        #required
        impl #write<Create> {
            #constructor
            #(#create_only)*
        }
        #both
        #default
    }
}

/// `new` takes the values that the server requires: a single value as an argument, several values in a struct, so
/// that callers name each of them. A missing value, or values of two fields that are swapped, do not compile.
fn constructor(entity: &Entity<'_>) -> TokenStream {
    let names: Vec<_> = entity.required.iter().map(|s| ident(&s.rust)).collect();
    match (entity.required.as_slice(), names.as_slice()) {
        ([], _) => quote! {
            /// Returns a record for a create.
            pub fn new() -> Self {
                Self(Attributes::new())
            }
        },
        ([setter], [name]) => {
            let argument = argument_of(setter);
            quote! {
                /// Returns a record for a create, with the value that the server requires.
                pub fn new(#name: #argument) -> Self {
                    Self(Attributes::new()).#name(#name)
                }
            }
        }
        _ => {
            let required = suffixed(&entity.rust, "Required");
            quote! {
                /// Returns a record for a create, with the values that the server requires.
                pub fn new(required: #required) -> Self {
                    Self(Attributes::new()) #(.#names(required.#names))*
                }
            }
        }
    }
}

/// The struct of required values, where there are several.
fn required(entity: &Entity<'_>) -> Option<TokenStream> {
    if !entity.has_required_struct() {
        return None;
    }
    let name = suffixed(&entity.rust, "Required");
    let about = docs(format!(
        "The values that the server requires for a create of [`{}`].",
        entity.rust
    ));
    let fields = entity.required.iter().map(|setter| {
        let (name, type_, docs) = (
            ident(&setter.rust),
            value_of(setter),
            docs(doc::code(setter.target.wire())),
        );
        quote!(#docs pub #name: #type_,)
    });
    Some(quote! {
        #about
        pub struct #name {
            #(#fields)*
        }
    })
}

/// The type of a setter's value.
fn value_of(setter: &Setter<'_>) -> TokenStream {
    match &setter.target {
        Target::Attribute(_, of) => type_(&of.value),
        Target::DateOrTime(_) => quote!(DateOrTime),
        Target::Parent(parent) => {
            let name = ident(&parent.type_name);
            quote!(#name)
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
    wanted.map(|s| setter(entity, s)).collect()
}

fn setter(entity: &Entity<'_>, setter: &Setter<'_>) -> TokenStream {
    let (name, argument) = (ident(&setter.rust), argument_of(setter));
    match &setter.target {
        Target::Attribute(wire, type_) => {
            let attribute = entity.attribute_of(wire);
            let shown = attribute.map_or_else(|| doc::code(wire), doc::attribute);
            let about = docs(format!("Sets {shown}."));
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
            let clear = clear(entity, setter, &shown, [time, date]);
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
            let clear = clear(entity, setter, &shown, [type_, id]);
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

/// Sets both attributes of a field to null. The server rejects null for a required field.
fn clear(
    entity: &Entity<'_>,
    setter: &Setter<'_>,
    shown: &str,
    attributes: [&str; 2],
) -> Option<TokenStream> {
    let field = entity.schema.fields.get(setter.target.wire());
    if field.is_some_and(|field| field.required) {
        return None;
    }
    let name = ident(&names::clear(&setter.rust));
    let about = docs(format!("Sets {shown} to null."));
    Some(quote! {
        #about
        pub fn #name(mut self) -> Self {
            #(self.0.put_null(#attributes);)*
            self
        }
    })
}

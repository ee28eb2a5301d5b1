//! The files around the modules: the root module, the list of features.

use proc_macro2::TokenStream;
use quote::quote;

use super::print::Printer;
use super::tokens::{docs, ident, suffixed};
use crate::doc;
use crate::model::{Model, SCHEMA_TYPES};

/// The root module: one module for each entity type, behind a feature if `gated`.
pub(crate) fn root(model: &Model<'_>, hash: &str, gated: bool, has_labels: bool) -> String {
    let gate = |feature: &str| gated.then(|| quote!(#[cfg(feature = #feature)]));
    let expected = model.entities.iter().map(|entity| {
        let (gate, module, name) = (
            gate(&entity.feature),
            ident(&entity.module),
            ident(&entity.rust),
        );
        quote!(#gate ExpectedEntity::of::<#module::#name>())
    });
    let modules = model.entities.iter().map(|entity| {
        let (gate, module, name) = (
            gate(&entity.feature),
            ident(&entity.module),
            ident(&entity.rust),
        );
        let [new, patch, reference] =
            ["New", "Patch", "Ref"].map(|suffix| suffixed(&entity.rust, suffix));
        let required = entity.has_required_struct().then(|| {
            let required = suffixed(&entity.rust, "Required");
            quote!(, #required)
        });
        let quiet = quiet();
        quote! {
            #gate
            #quiet
            pub mod #module;
            #gate
            #[allow(unused_imports, unreachable_pub)]
            pub use #module::{#name, #new, #patch, #reference #required};
        }
    });
    let absent = absent(model, gated);
    let schema = schema(model);
    let quiet = quiet();
    let shared = (!model.shared.is_empty()).then(|| quote!(#quiet pub mod shared_options;));
    let labels = has_labels.then(|| {
        let gate = gate(LABELS);
        quote!(#gate #quiet pub mod labels;)
    });
    let mut printer = Printer::new(None, 4096 + model.entities.len() * 512);
    printer.add(quote! {
        use espo_core::typed::ExpectedEntity;

        /// SHA-256 of the definitions that this code was generated from. It stays the same if only other entity types or the
        /// UI change.
        #[allow(dead_code, unreachable_pub)]
        pub const METADATA_HASH: &str = #hash;

        /// The entity types and attributes that this code expects an instance to have.
        #[allow(dead_code, unreachable_pub)]
        pub const EXPECTED_SCHEMA: &[ExpectedEntity] = &[#(#expected),*];

        #schema

        #shared
        #labels
        #(#modules)*
        #(#absent)*
    });
    printer.into_text()
}

/// The bundle of entity types that calls on records of other entity types return.
fn schema(model: &Model<'_>) -> TokenStream {
    let types = SCHEMA_TYPES.iter().map(|wire| {
        let name = ident(wire);
        match model.entity_names.get(*wire) {
            Some(rust) => {
                let rust = ident(rust);
                quote!(type #name = #rust;)
            }
            None => quote!(type #name = espo_core::typed::NotGenerated;),
        }
    });
    quote! {
        /// The entity types of this crate that calls on records of other entity types return, such as notes and users.
        #[allow(dead_code, unreachable_pub)]
        #[derive(Debug)]
        pub enum Schema {}

        impl espo_core::typed::Schema for Schema {
            #(#types)*
        }
    }
}

/// Attributes for code that a program includes as a module: the program may use only a part of it and may enable
/// further lints.
fn quiet() -> TokenStream {
    quote!(#[allow(dead_code, unused_imports, unreachable_pub, clippy::all, clippy::pedantic)])
}

/// IDs are typed by entity type, so the names of entity types exist even if the entity types are not generated.
fn absent(model: &Model<'_>, gated: bool) -> Vec<TokenStream> {
    let mut absent = Vec::new();
    for (wire, rust) in &model.entity_names {
        let generated = model
            .entities
            .binary_search_by(|entity| entity.schema.name.as_str().cmp(wire));
        let feature = match generated {
            Ok(_) if !gated => continue,
            Ok(index) => Some(&model.entities[index].feature),
            Err(_) => None,
        };
        let (wire, name) = (doc::code(wire), ident(rust));
        let (about, gate) = match feature {
            Some(feature) => (
                format!("Entity type {wire}, whose feature `{feature}` is off."),
                Some(quote!(#[cfg(not(feature = #feature))])),
            ),
            None => (
                format!("Entity type {wire}, which was not generated."),
                None,
            ),
        };
        let about = docs(about);
        absent.push(quote! {
            #about
            #gate
            #[allow(dead_code, unreachable_pub)]
            #[derive(Debug)]
            pub enum #name {}
        });
    }
    absent
}

/// The feature of the labels, which only some programs need.
pub(crate) const LABELS: &str = "labels";

/// The features of the manifest: one for each entity type.
pub(crate) fn features(model: &Model<'_>, has_labels: bool) -> String {
    let mut text = String::from("default = [\"all\"]\n# Every entity type.\nall = [\n");
    for entity in &model.entities {
        text += &format!("    \"{}\",\n", entity.feature);
    }
    text += "]\n";
    for entity in &model.entities {
        text += &format!("{} = []\n", entity.feature);
    }
    if has_labels {
        text +=
            &format!("# Labels of entity types, fields and options at run time.\n{LABELS} = []\n");
    }
    text
}

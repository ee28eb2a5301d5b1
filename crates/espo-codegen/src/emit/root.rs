//! The files around the modules: the root module, the list of features, the manifest.

use proc_macro2::TokenStream;
use quote::quote;

use crate::doc::{self, doc};
use crate::model::Model;
use crate::names::ident;

/// The root module: one module for each entity type, behind a feature if `gated`.
pub(crate) fn root(model: &Model<'_>, hash: &str, gated: bool) -> TokenStream {
    let on = |feature: &str| gated.then(|| quote!(#[cfg(feature = #feature)]));
    let modules = model.entities.iter().map(|entity| {
        let (gate, module, name) = (
            on(&entity.feature),
            ident(&entity.module),
            ident(&entity.rust),
        );
        let others =
            ["New", "Patch", "Ref"].map(|suffix| ident(&format!("{}{suffix}", entity.rust)));
        quote! {
            #gate
            pub mod #module;
            #gate
            pub use #module::{#name, #(#others),*};
        }
    });
    // An id is typed by its entity type, so the name is there even where the entity type is not.
    let placeholders = model.entity_names.iter().filter_map(|(wire, rust)| {
        let name = ident(rust);
        match model.entities.iter().find(|entity| entity.schema.name == *wire) {
            Some(_) if !gated => None,
            Some(entity) => {
                let feature = &entity.feature;
                let about =
                    doc(&format!("Entity type {}; its feature `{feature}` is off.", doc::code(wire)));
                Some(quote!(#about #[cfg(not(feature = #feature))] #[derive(Debug)] pub enum #name {}))
            }
            None => {
                let about = doc(&format!("Entity type {}, which was left out.", doc::code(wire)));
                Some(quote!(#about #[derive(Debug)] pub enum #name {}))
            }
        }
    });
    let expected = model.entities.iter().map(|entity| {
        let (gate, module, name) = (
            on(&entity.feature),
            ident(&entity.module),
            ident(&entity.rust),
        );
        quote! {
            #gate
            ExpectedEntity::of::<#module::#name>()
        }
    });
    quote! {
        use espo_core::typed::ExpectedEntity;

        /// SHA-256 of the metadata that this was generated from.
        pub const METADATA_HASH: &str = #hash;

        /// The entity types and attributes that this code expects of an instance.
        pub const EXPECTED_SCHEMA: &[ExpectedEntity] = &[#(#expected),*];

        #(#modules)*
        #(#placeholders)*
    }
}

/// The features of the manifest: one for each entity type.
pub(crate) fn features(model: &Model<'_>) -> String {
    let mut text = String::from("default = [\"all\"]\n# Every entity type.\nall = [\n");
    for entity in &model.entities {
        text += &format!("    \"{}\",\n", entity.feature);
    }
    text += "]\n";
    for entity in &model.entities {
        text += &format!("{} = []\n", entity.feature);
    }
    text
}

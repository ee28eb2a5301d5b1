//! The files around the modules: the root module, the list of features.

use super::BANNER;
use super::code::{Code, literal};
use crate::doc;
use crate::model::Model;
use crate::names::ident;

/// The root module: one module for each entity type, behind a feature if `gated`.
pub(crate) fn root(model: &Model<'_>, hash: &str, gated: bool) -> String {
    let mut code = Code::new(BANNER, 4096 + model.entities.len() * 512);
    let gate = |code: &mut Code, feature: &str| {
        if gated {
            code.line(format_args!("#[cfg(feature = {})]", literal(feature)));
        }
    };
    code.line("use espo_core::typed::ExpectedEntity;");
    code.blank();
    code.docs("SHA-256 of the metadata that this was generated from.");
    code.line(format_args!(
        "pub const METADATA_HASH: &str = {};",
        literal(hash)
    ));
    code.blank();
    code.docs("The entity types and attributes that this code expects of an instance.");
    code.between(
        "pub const EXPECTED_SCHEMA: &[ExpectedEntity] = &[",
        "];",
        |code| {
            for entity in &model.entities {
                gate(code, &entity.feature);
                let (module, name) = (ident(&entity.module), ident(&entity.rust));
                code.line(format_args!("ExpectedEntity::of::<{module}::{name}>(),"));
            }
        },
    );
    code.blank();
    for entity in &model.entities {
        let (module, name, rust) = (ident(&entity.module), ident(&entity.rust), &entity.rust);
        gate(&mut code, &entity.feature);
        code.line(format_args!("pub mod {module};"));
        gate(&mut code, &entity.feature);
        code.line(format_args!(
            "pub use {module}::{{{name}, {rust}New, {rust}Patch, {rust}Ref}};"
        ));
    }
    // An id is typed by its entity type, so the name is there even where the entity type is not.
    for (wire, rust) in &model.entity_names {
        let generated = model
            .entities
            .binary_search_by(|entity| entity.schema.name.as_str().cmp(wire));
        let feature = match generated {
            Ok(_) if !gated => continue,
            Ok(index) => Some(&model.entities[index].feature),
            Err(_) => None,
        };
        let wire = doc::code(wire);
        code.blank();
        match feature {
            Some(feature) => {
                code.docs(format!(
                    "Entity type {wire}; its feature `{feature}` is off."
                ));
                code.line(format_args!("#[cfg(not(feature = {}))]", literal(feature)));
            }
            None => code.docs(format!("Entity type {wire}, which was left out.")),
        }
        code.line("#[derive(Debug)]");
        code.line(format_args!("pub enum {} {{}}", ident(rust)));
    }
    code.into_text()
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
